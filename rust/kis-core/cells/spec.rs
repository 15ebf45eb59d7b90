// SPDX-License-Identifier: GPL-2.0

//! Making images of cells; for kisctl and the tests.
//!
//! Floor 0, no allocation: the caller gives the room. What is made here is what
//! [`Cells::verify`](super::Cells::verify) accepts, because it has the last word.

use super::{
    verify,
    Access,
    ALARMS,
    BOUND,
    CELL,
    COUNTS_END,
    EXPECTED,
    HARD,
    KILL,
    LEARN,
    PREFIX,
    SESSIONS, //
};
use crate::matching::scans::limits::Limits;
use crate::sense::bound::{
    Bounds,
    NO_BOUNDS, //
};
use crate::sense::budget::Budget;
use crate::sense::class::{
    Class,
    ClassSet, //
};
use crate::sense::param::Param;
use crate::wire::abi::{
    CellMode,
    OpSet, //
};
use crate::wire::bytes::Writer;
use crate::wire::image::{
    self,
    Kind, //
};
use crate::Result;

/// A cell to be encoded; [`super::Cell`] says what each field means.
///
/// # Examples
///
/// ```
/// use kis_core::cells::{encode, room, CellSpec, Cells};
///
/// let mut spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
/// spec.window_ms = 99;
/// let mut image = vec![0; room(&[spec])];
/// assert!(encode(&[spec], &mut image).is_err(), "a window has 100 ms at least");
/// spec.window_ms = 100;
/// let len = encode(&[spec], &mut image)?;
/// assert!(Cells::verify(&image[..len]).is_ok());
/// # Ok::<(), kis_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the accessors of Cell document them")]
pub struct CellSpec<'a> {
    pub name: &'a [u8],
    pub program: &'a [u8],
    pub arguments: &'a [u8],
    pub mode: CellMode,
    pub window_ms: u32,
    pub learn_windows: u32,
    pub hard: bool,
    pub learn: bool,
    pub sessions: bool,
    pub kill_connections: bool,
    /// Where danger begins, in windows of the cell's length.
    pub budget: Budget,
    pub hold_one_ms: u32,
    pub hold_two_ms: u32,
    pub ban_s: u32,
    pub forbid: OpSet,
    pub deny: OpSet,
    pub bounds: Bounds,
    /// Prefixes by [`Access`]: read, write, execute.
    pub trees: [&'a [&'a [u8]]; Access::ALL.len()],
    /// Patterns of what is expected while it learns, rising by class.
    pub expected: &'a [(Class, &'a [u8])],
    /// The classes that have a list of them, be it an empty one.
    pub expected_classes: ClassSet,
}

impl<'a> CellSpec<'a> {
    /// A cell with the defaults that kisctl's schema documents.
    pub const fn new(name: &'a [u8], program: &'a [u8]) -> Self {
        Self {
            name,
            program,
            arguments: b"*",
            mode: CellMode::Inherit,
            window_ms: 1000,
            learn_windows: 60,
            hard: false,
            learn: false,
            sessions: false,
            kill_connections: true,
            budget: Budget::usual(1000),
            hold_one_ms: 10_000,
            hold_two_ms: 30_000,
            ban_s: 0,
            forbid: OpSet::EMPTY,
            deny: OpSet::EMPTY,
            bounds: NO_BOUNDS,
            trees: [&[]; Access::ALL.len()],
            expected: &[],
            expected_classes: ClassSet::EMPTY,
        }
    }

    /// The three strings in their order.
    const fn strings(&self) -> [&'a [u8]; 3] {
        [self.name, self.program, self.arguments]
    }

    /// All prefixes in their order.
    fn prefixes(&self) -> impl Iterator<Item = &'a [u8]> {
        self.trees.into_iter().flatten().copied()
    }

    /// The expected patterns in their order.
    fn patterns(&self) -> impl Iterator<Item = &'a [u8]> {
        self.expected.iter().map(|(_, pattern)| *pattern)
    }

    /// The bounds that there are, in the order of the parameters.
    fn given_bounds(&self) -> impl Iterator<Item = (Param, u64)> {
        let all = Param::ALL.into_iter().zip(self.bounds);
        all.filter_map(|(param, bound)| Some((param, bound?)))
    }

    /// How many.
    fn count_bounds(&self) -> usize {
        self.given_bounds()
            .fold(0, |sum: usize, _| sum.saturating_add(1))
    }
}

/// How many bytes the image of `specs` has; [`SCANS`](super::SCANS) more with settings for scans.
pub fn room(specs: &[CellSpec<'_>]) -> usize {
    let of_cell = |spec: &CellSpec<'_>| {
        let strings = spec.strings();
        let strings = strings.iter().map(|text| text.len());
        let prefixes = spec
            .prefixes()
            .map(|text| text.len().saturating_add(PREFIX));
        let patterns = spec
            .patterns()
            .map(|text| text.len().saturating_add(EXPECTED));
        let bounds = spec.count_bounds().saturating_mul(BOUND);
        let texts = strings.chain(prefixes).chain(patterns);
        let texts = texts.fold(0, usize::saturating_add);
        CELL.saturating_add(bounds).saturating_add(texts)
    };
    let cells = specs
        .iter()
        .map(of_cell)
        .fold(COUNTS_END, usize::saturating_add);
    cells.checked_next_multiple_of(8).unwrap_or(usize::MAX)
}

/// Writes the image of `specs` over the beginning of `out` and gives its length.
///
/// # Errors
///
/// As [`Cells::verify`](super::Cells::verify), and [`Limit`](crate::Error::Limit) when `out` has
/// not the [`room`]. `out` is garbage then.
pub fn encode(specs: &[CellSpec<'_>], out: &mut [u8]) -> Result<usize> {
    encode_with(specs, None, out)
}

/// The same with settings for scans, if there are any.
///
/// # Errors
///
/// As [`encode`].
pub fn encode_with(specs: &[CellSpec<'_>], scans: Option<Limits>, out: &mut [u8]) -> Result<usize> {
    let all_strings = || {
        let cells = specs.iter().flat_map(CellSpec::strings);
        let cells = cells.chain(specs.iter().flat_map(CellSpec::prefixes));
        cells.chain(specs.iter().flat_map(CellSpec::patterns))
    };
    let prefixes = || specs.iter().flat_map(CellSpec::prefixes);
    let bytes = all_strings().fold(0, |sum: usize, text| sum.saturating_add(text.len()));
    // CAST: saturates, and verify() compares.
    let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);

    let mut w = image::begin(out);
    w.u32(cut(specs.len()));
    let counts = specs.iter().map(CellSpec::count_bounds);
    w.u32(cut(counts.fold(0, usize::saturating_add)));
    w.u32(prefixes().fold(0, |sum: u32, _| sum.saturating_add(1)));
    let expected = || specs.iter().flat_map(|spec| spec.expected);
    w.u32(expected().fold(0, |sum: u32, _| sum.saturating_add(1)));
    w.u32(cut(bytes));
    w.u32(scans.is_some().into());
    if let Some(limits) = scans {
        w.u64(limits.to_word());
    }
    let mut string = 0u32;
    let mut bound = 0u32;
    let mut prefix = 0u32;
    let mut pattern = 0u32;
    for spec in specs {
        for text in spec.strings() {
            w.u32(string);
            w.u32(cut(text.len()));
            string = string.saturating_add(cut(text.len()));
        }
        numbers(&mut w, spec);
        let count = cut(spec.count_bounds());
        w.u32(bound);
        w.u32(count);
        bound = bound.saturating_add(count);
        for tree in spec.trees {
            w.u32(prefix);
            w.u32(cut(tree.len()));
            prefix = prefix.saturating_add(cut(tree.len()));
        }
        w.u32(pattern);
        w.u32(cut(spec.expected.len()));
        pattern = pattern.saturating_add(cut(spec.expected.len()));
    }
    for (param, bound) in specs.iter().flat_map(CellSpec::given_bounds) {
        w.u32(u32::from(param as u16));
        w.u32(0);
        w.u64(bound);
    }
    for text in prefixes() {
        w.u32(string);
        w.u32(cut(text.len()));
        string = string.saturating_add(cut(text.len()));
    }
    for (class, text) in expected() {
        w.u32(u32::from(*class as u8));
        w.u32(string);
        w.u32(cut(text.len()));
        string = string.saturating_add(cut(text.len()));
    }
    for text in all_strings() {
        w.put(text);
    }
    let len = w.finish();
    let len = image::seal(out, Kind::Cells, len)?;
    verify::image(out.get(..len).unwrap_or_default())?;
    Ok(len)
}

/// Writes the part of a cell between its strings and its lists.
fn numbers(w: &mut Writer<'_>, spec: &CellSpec<'_>) {
    let flag = |on: bool, bit: u32| if on { bit } else { 0 };
    w.u32(spec.mode as u32);
    let [kind, one, two, _] = spec.budget.to_words();
    w.u32(
        flag(spec.hard, HARD)
            | flag(spec.learn, LEARN)
            | flag(spec.sessions, SESSIONS)
            | flag(spec.kill_connections, KILL)
            | flag(matches!(spec.budget, Budget::Alarms { .. }), ALARMS),
    );
    w.u32(spec.window_ms);
    w.u32(spec.learn_windows);
    // A cell has one or the other; without any verify() refuses it.
    let limits = if kind == 0 { [u32::MAX; 2] } else { [one, two] };
    limits.into_iter().for_each(|limit| w.u32(limit));
    w.u32(spec.hold_one_ms);
    w.u32(spec.hold_two_ms);
    w.u32(spec.ban_s);
    w.u32(spec.expected_classes.bits());
    w.u64(spec.forbid.bits());
    w.u64(spec.deny.bits());
}
