// SPDX-License-Identifier: GPL-2.0

//! One cell of a verified image: what the officer wants of it.
//!
//! Every accessor is total: what the gate has accepted is there, and what it would have refused
//! reads as nothing. Floor 0, pure; context: any, the hooks included.

use super::{
    at,
    expected::Expected,
    string,
    View,
    ALARMS,
    BOUND,
    EXPECTED,
    HARD,
    KILL,
    LEARN,
    PREFIX,
    SESSIONS,
    WINDOW_MS, //
};
use crate::judge::finding::Place;
use crate::paths::path;
use crate::sense::bound::Bounds;
use crate::sense::budget::Budget;
use crate::sense::class::ClassSet;
use crate::sense::param::Param;
use crate::sense::profile::Settings;
use crate::wire::abi::{
    CellMode,
    Op,
    OpSet, //
};
use crate::wire::bytes::{
    index,
    u32_at,
    u64_at, //
};

/// How a file is used, for the officer's path lists.
///
/// # Examples
///
/// ```
/// use kis_core::cells::Access;
/// use kis_core::wire::abi::Op;
///
/// assert_eq!(Access::of(Op::Rename), Some(Access::Write));
/// assert_eq!(Access::of(Op::Connect), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read.
    Read = 0,
    /// Written, created, removed, renamed.
    Write = 1,
    /// Executed.
    Exec = 2,
}

impl Access {
    /// All in the order of the image.
    pub const ALL: [Access; 3] = [Access::Read, Access::Write, Access::Exec];

    /// The list that an operation on a path is held against.
    pub const fn of(op: Op) -> Option<Self> {
        match op {
            Op::Read => Some(Self::Read),
            Op::Write | Op::Create | Op::Unlink | Op::Rename => Some(Self::Write),
            Op::Exec => Some(Self::Exec),
            _ => None,
        }
    }
}

/// A cell of a verified image.
///
/// # Examples
///
/// ```
/// use kis_core::cells::{encode, room, Access, CellSpec, Cells};
/// use kis_core::judge::finding::Place;
///
/// let mut spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
/// spec.trees[Access::Write as usize] = &[b"/var/lib/redis"];
/// let mut image = vec![0; room(&[spec])];
/// let len = encode(&[spec], &mut image)?;
/// let cells = Cells::verify(&image[..len])?;
/// let cell = cells.get(0).expect("a cell");
/// assert_eq!(cell.place(Access::Write, b"/var/lib/redis/dump.rdb"), Place::Inside);
/// assert_eq!(cell.place(Access::Write, b"/etc/passwd"), Place::Outside);
/// assert_eq!(cell.place(Access::Read, b"/etc/passwd"), Place::Nowhere);
/// # Ok::<(), kis_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    pub(super) image: &'a [u8],
    pub(super) view: View,
    pub(super) cell: &'a [u8],
}

impl<'a> Cell<'a> {
    /// The 32-bit word at an offset in the cell.
    #[inline]
    fn word(&self, at: usize) -> u32 {
        u32_at(self.cell, at).unwrap_or(0)
    }

    /// The set of operations at an offset in the cell.
    fn ops(&self, at: usize) -> OpSet {
        u64_at(self.cell, at)
            .and_then(OpSet::from_bits)
            .unwrap_or_default()
    }

    /// The list whose first and number are at an offset in the cell: bytes of a table of entries
    /// of `size` bytes that begins at `table`.
    #[inline]
    fn list(&self, at: usize, table: usize, size: usize) -> &'a [u8] {
        // OVERFLOW: verified to be within the image, so below 2^26; saturates otherwise.
        let skip = index(self.word(at)).saturating_mul(size);
        let len = index(self.word(at.saturating_add(4))).saturating_mul(size);
        self.image
            .get(table.saturating_add(skip)..)
            .and_then(|bytes| bytes.get(..len))
            .unwrap_or_default()
    }

    /// The string that an offset in the cell names.
    fn string(&self, at: usize) -> &'a [u8] {
        string(self.image, self.view.strings_at, self.cell, at).unwrap_or_default()
    }

    /// Unique name: 1 to 31 of `a-z`, `0-9`, `_` and `-`.
    pub fn name(&self) -> &'a [u8] {
        self.string(at::NAME)
    }

    /// Absolute path of the program.
    pub fn program(&self) -> &'a [u8] {
        self.string(at::PROGRAM)
    }

    /// Pattern ([`crate::paths::glob`]) of the arguments, joined by spaces, without the first.
    pub fn arguments(&self) -> &'a [u8] {
        self.string(at::ARGUMENTS)
    }

    /// Its own setting of the mode.
    pub fn mode(&self) -> CellMode {
        let mode = u16::try_from(self.word(at::MODE)).ok();
        mode.and_then(CellMode::from_u16)
            .unwrap_or(CellMode::Inherit)
    }

    /// Length of a window, ms, in [`WINDOW_MS`].
    pub fn window_ms(&self) -> u32 {
        self.word(at::WINDOW_MS).max(WINDOW_MS.0)
    }

    /// Windows to learn, in [`LEARN_WINDOWS`](super::LEARN_WINDOWS).
    pub fn learn_windows(&self) -> u32 {
        self.word(at::LEARN_WINDOWS)
    }

    /// Whether values beyond the bounds are not learned.
    pub fn hard(&self) -> bool {
        self.word(at::FLAGS) & HARD != 0
    }

    /// Whether it has a repertoire.
    pub fn learn(&self) -> bool {
        self.word(at::FLAGS) & LEARN != 0
    }

    /// Whether it starts programs for people, who do with them what they like.
    pub fn sessions(&self) -> bool {
        self.word(at::FLAGS) & SESSIONS != 0
    }

    /// Whether a signature match resets the connection.
    pub fn kill_connections(&self) -> bool {
        self.word(at::FLAGS) & KILL != 0
    }

    /// Where danger begins.
    pub fn budget(&self) -> Budget {
        let (one, two) = (self.word(at::LIMIT_ONE), self.word(at::LIMIT_TWO));
        if self.word(at::FLAGS) & ALARMS == 0 {
            Budget::Deviations {
                one_q16: one,
                two_q16: two,
            }
        } else {
            Budget::Alarms {
                one_per_day_q16: one,
                two_per_month_q16: two,
                window_ms: self.window_ms(),
            }
        }
    }

    /// The officer's bound on a parameter: the greatest value that is fine.
    pub fn bound(&self, param: Param) -> Option<u64> {
        self.list(at::BOUNDS, self.view.bounds_at, BOUND)
            .chunks_exact(BOUND)
            .find(|bound| u32_at(bound, 0) == Some(u32::from(param as u16)))
            .and_then(|bound| u64_at(bound, 8))
    }

    /// All bounds.
    pub fn bounds(&self) -> Bounds {
        Param::ALL.map(|param| self.bound(param))
    }

    /// The officer's list of path prefixes for a kind of access.
    #[inline]
    pub fn tree(&self, access: Access) -> Prefixes<'a> {
        // OVERFLOW: small constants.
        let at = at::TREES + 8 * access as usize;
        Prefixes {
            image: self.image,
            strings_at: self.view.strings_at,
            prefixes: self.list(at, self.view.prefixes_at, PREFIX),
        }
    }

    /// What it may learn, by class.
    pub fn expected(&self) -> Expected<'a> {
        Expected {
            image: self.image,
            strings_at: self.view.strings_at,
            classes: ClassSet::from_bits(self.word(at::EXPECTED_CLASSES)),
            patterns: self.list(at::EXPECTED, self.view.expected_at, EXPECTED),
        }
    }

    /// Operations that are never allowed.
    pub fn forbid(&self) -> OpSet {
        self.ops(at::FORBID)
    }

    /// Operations that are denied while danger signal two is up.
    pub fn deny(&self) -> OpSet {
        self.ops(at::DENY)
    }

    /// How long a peer is banned after a match, seconds; 0 is not at all.
    pub fn ban_s(&self) -> u32 {
        self.word(at::BAN_S)
    }

    /// How long danger signal one stays up after the last reason for it, ms.
    pub fn hold_one_ms(&self) -> u32 {
        self.word(at::HOLD_ONE)
    }

    /// How long danger signal two stays up after the last reason for it, ms.
    pub fn hold_two_ms(&self) -> u32 {
        self.word(at::HOLD_TWO)
    }

    /// How its profile learns.
    pub fn settings(&self) -> Settings {
        Settings {
            learn_windows: self.learn_windows(),
            hard: self.hard(),
            budget: self.budget(),
            bounds: self.bounds(),
        }
    }

    /// Whether it is held to the officer's paths.
    pub fn guarded(&self) -> bool {
        Access::ALL.iter().any(|a| !self.tree(*a).is_empty())
    }

    /// Where a path lies for the officer's list of `access`: [`Place::Nowhere`] when there is none.
    #[inline]
    pub fn place(&self, access: Access, path: &[u8]) -> Place {
        let list = self.tree(access);
        if list.is_empty() {
            Place::Nowhere
        } else if list.allows(path) {
            Place::Inside
        } else {
            Place::Outside
        }
    }

    /// Where a file or directory lies that gets another name, for all lists together.
    ///
    /// Both ends have to be places to write to. And since a name decides what may be done with an
    /// object, the new one must not give a right that the old one did not have: what could not be
    /// read or executed under its old name would else be by its new one. A directory brings
    /// everything below it along, so it may not take a place above a prefix.
    pub fn moved(&self, from: &[u8], to: &[u8], is_dir: bool) -> Place {
        let gains = |access: &Access| {
            let list = self.tree(*access);
            let covers =
                list.allows(to) || (is_dir && list.iter().any(|p| path::has_prefix(p, to)));
            covers && !list.allows(from)
        };
        if Access::ALL.iter().any(gains) {
            return Place::Outside;
        }
        self.place(Access::Write, from)
            .max(self.place(Access::Write, to))
    }
}

/// A list of path prefixes.
///
/// # Examples
///
/// ```
/// use kis_core::cells::{encode, room, Access, CellSpec, Cells};
///
/// let mut spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
/// spec.trees[Access::Read as usize] = &[b"/etc", b"/usr"];
/// let mut image = vec![0; room(&[spec])];
/// let len = encode(&[spec], &mut image)?;
/// let cells = Cells::verify(&image[..len])?;
/// let tree = cells.get(0).expect("a cell").tree(Access::Read);
/// assert_eq!(tree.len(), 2);
/// assert!(tree.allows(b"/etc/passwd") && !tree.allows(b"/etcetera"));
/// # Ok::<(), kis_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Prefixes<'a> {
    image: &'a [u8],
    strings_at: usize,
    prefixes: &'a [u8],
}

impl<'a> Prefixes<'a> {
    /// How many there are, at most [`MAX_PREFIXES`](crate::wire::abi::MAX_PREFIXES).
    pub const fn len(&self) -> usize {
        self.prefixes.len() / PREFIX
    }

    /// Whether there are none: then everything is allowed.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The prefixes.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + 'a {
        let (image, strings_at) = (self.image, self.strings_at);
        self.prefixes
            .chunks_exact(PREFIX)
            .map(move |prefix| string(image, strings_at, prefix, 0).unwrap_or_default())
    }

    /// Whether `path` is below one of the prefixes, or there are none.
    #[inline]
    pub fn allows(&self, path: &[u8]) -> bool {
        self.is_empty() || self.iter().any(|prefix| path::has_prefix(path, prefix))
    }
}
