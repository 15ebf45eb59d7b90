// SPDX-License-Identifier: GPL-2.0

//! Making images of cells; for kisctl and the tests.
//!
//! Floor 0, no allocation: the caller gives the room. What is made here is what
//! [`Cells::verify`](super::Cells::verify) accepts, because it has the last word.

use super::{
    verify,
    Access,
    HARD,
    KILL,
    LEARN_DIRS, //
};
use crate::sense::window::{
    Bounds,
    NO_BOUNDS, //
};
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
    pub learn_dirs: bool,
    pub kill_connections: bool,
    pub k_one_q16: u32,
    pub k_two_q16: u32,
    pub hold_one_ms: u32,
    pub hold_two_ms: u32,
    pub ban_s: u32,
    pub forbid: OpSet,
    pub deny: OpSet,
    pub bounds: Bounds,
    /// Prefixes by [`Access`]: read, write, execute.
    pub trees: [&'a [&'a [u8]]; Access::ALL.len()],
}

impl<'a> CellSpec<'a> {
    /// A cell with the defaults that kisctl's schema documents.
    ///
    /// Factors 4 and 8: by Chebyshev's inequality at most 1 window in 16 and 1 in 64 is further out
    /// for any distribution, and far fewer for the bell-shaped ones that sums over a window tend to.
    pub const fn new(name: &'a [u8], program: &'a [u8]) -> Self {
        Self {
            name,
            program,
            arguments: b"*",
            mode: CellMode::Inherit,
            window_ms: 1000,
            learn_windows: 60,
            hard: false,
            learn_dirs: false,
            kill_connections: true,
            k_one_q16: 4 << 16,
            k_two_q16: 8 << 16,
            hold_one_ms: 10_000,
            hold_two_ms: 30_000,
            ban_s: 0,
            forbid: OpSet::EMPTY,
            deny: OpSet::EMPTY,
            bounds: NO_BOUNDS,
            trees: [&[]; Access::ALL.len()],
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
}

/// Writes the image of `specs` over the beginning of `out` and gives its length.
///
/// # Errors
///
/// As [`Cells::verify`](super::Cells::verify), and [`Limit`](crate::Error::Limit) when `out` is too
/// short. `out` is garbage then.
pub fn encode(specs: &[CellSpec<'_>], out: &mut [u8]) -> Result<usize> {
    let all_strings = || {
        let cells = specs.iter().flat_map(CellSpec::strings);
        cells.chain(specs.iter().flat_map(CellSpec::prefixes))
    };
    let prefixes = || specs.iter().flat_map(CellSpec::prefixes);
    let bytes = all_strings().fold(0, |sum: usize, text| sum.saturating_add(text.len()));
    // CAST: saturates, and verify() compares.
    let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);

    let mut w = image::begin(out);
    w.u32(cut(specs.len()));
    w.u32(prefixes().fold(0, |sum: u32, _| sum.saturating_add(1)));
    w.u32(cut(bytes));
    w.u32(0);
    let mut string = 0u32;
    let mut prefix = 0u32;
    for spec in specs {
        for text in spec.strings() {
            w.u32(string);
            w.u32(cut(text.len()));
            string = string.saturating_add(cut(text.len()));
        }
        numbers(&mut w, spec);
        for tree in spec.trees {
            w.u32(prefix);
            w.u32(cut(tree.len()));
            prefix = prefix.saturating_add(cut(tree.len()));
        }
    }
    for text in prefixes() {
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

/// Writes the part of a cell between its strings and its trees.
fn numbers(w: &mut Writer<'_>, spec: &CellSpec<'_>) {
    let flag = |on: bool, bit: u32| if on { bit } else { 0 };
    w.u32(spec.mode as u32);
    w.u32(
        flag(spec.hard, HARD)
            | flag(spec.learn_dirs, LEARN_DIRS)
            | flag(spec.kill_connections, KILL),
    );
    w.u32(spec.window_ms);
    w.u32(spec.learn_windows);
    w.u32(spec.k_one_q16);
    w.u32(spec.k_two_q16);
    w.u32(spec.hold_one_ms);
    w.u32(spec.hold_two_ms);
    w.u32(spec.ban_s);
    w.u32(spec.forbid.bits());
    w.u32(spec.deny.bits());
    let bits = spec.bounds.iter().zip(0..);
    w.u32(bits.fold(0, |set, (bound, i)| {
        set | u32::from(bound.is_some()).wrapping_shl(i)
    }));
    for bound in spec.bounds {
        w.u64(bound.unwrap_or(0));
    }
}
