// SPDX-License-Identifier: GPL-2.0

//! One cell of a verified image: what the officer wants of it.
//!
//! Every accessor is total: what the gate has accepted is there, and what it would have refused
//! reads as nothing. Floor 0, pure; context: any, the hooks included.

use super::{
    at,
    string,
    View,
    HARD,
    KILL,
    LEARN_DIRS,
    PREFIX,
    WINDOW_MS, //
};
use crate::judge::verdict::{
    Context,
    Tree, //
};
use crate::paths::path;
use crate::sense::param::Param;
use crate::sense::profile::{
    Profile,
    Settings, //
};
use crate::sense::window::Bounds;
use crate::wire::abi::{
    CellMode,
    Mode,
    Op,
    OpSet,
    Phase, //
};
use crate::wire::bytes::{
    index,
    u32_at,
    u64_at, //
};

/// How a file is used, for the officer's path lists.
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
#[derive(Clone, Copy, Debug)]
pub struct Cell<'a> {
    pub(super) image: &'a [u8],
    pub(super) view: View,
    pub(super) cell: &'a [u8],
}

impl<'a> Cell<'a> {
    /// The word at an offset in the cell.
    fn word(&self, at: usize) -> u32 {
        u32_at(self.cell, at).unwrap_or(0)
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

    /// Whether directories that were never seen in learning are a breach.
    pub fn learn_dirs(&self) -> bool {
        self.word(at::FLAGS) & LEARN_DIRS != 0
    }

    /// Whether a signature match resets the connection.
    pub fn kill_connections(&self) -> bool {
        self.word(at::FLAGS) & KILL != 0
    }

    /// Factor of threshold one, 16 fractional bits.
    pub fn k_one_q16(&self) -> u32 {
        self.word(at::K_ONE)
    }

    /// Factor of threshold two, 16 fractional bits.
    pub fn k_two_q16(&self) -> u32 {
        self.word(at::K_TWO)
    }

    /// The officer's bound on a parameter: the greatest value that is fine.
    pub fn bound(&self, param: Param) -> Option<u64> {
        let i = param.index();
        if self.word(at::BOUNDED) & (1 << i) == 0 {
            return None;
        }
        // OVERFLOW: two small constants.
        u64_at(self.cell, at::BOUNDS + 8 * i)
    }

    /// All bounds.
    pub fn bounds(&self) -> Bounds {
        Param::ALL.map(|param| self.bound(param))
    }

    /// The officer's list of path prefixes for a kind of access.
    pub fn tree(&self, access: Access) -> Prefixes<'a> {
        // OVERFLOW: small constants.
        let at = at::TREES + 8 * access as usize;
        // OVERFLOW: verified to be within the image, so below 2^24; saturates otherwise.
        let skip = index(self.word(at)).saturating_mul(PREFIX);
        let len = index(self.word(at + 4)).saturating_mul(PREFIX);
        let prefixes = self
            .image
            .get(self.view.prefixes_at.saturating_add(skip)..)
            .and_then(|bytes| bytes.get(..len));
        Prefixes {
            image: self.image,
            strings_at: self.view.strings_at,
            prefixes: prefixes.unwrap_or_default(),
        }
    }

    /// Operations that are never allowed.
    pub fn forbid(&self) -> OpSet {
        OpSet::from_bits(self.word(at::FORBID)).unwrap_or_default()
    }

    /// Operations that are denied while danger signal two is up.
    pub fn deny(&self) -> OpSet {
        OpSet::from_bits(self.word(at::DENY)).unwrap_or_default()
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
            k_one_q16: self.k_one_q16(),
            k_two_q16: self.k_two_q16(),
            bounds: self.bounds(),
        }
    }

    /// What verdicts depend on, for a global mode and the state of the cell.
    pub fn context(
        &self,
        global: Mode,
        phase: Phase,
        danger_one: bool,
        danger_two: bool,
    ) -> Context {
        Context {
            mode: self.mode().resolve(global),
            phase,
            danger_one,
            danger_two,
            forbid: self.forbid(),
            deny: self.deny(),
            kill_connections: self.kill_connections(),
            ban_s: self.ban_s(),
        }
    }

    /// Where a path lies, for the officer's list of `access` and for the directories learned.
    pub fn place(&self, access: Access, path: &[u8], profile: &Profile) -> Tree {
        if !self.tree(access).allows(path) {
            return Tree::Outside;
        }
        if self.learn_dirs() && !profile.dirs().knows(path::hash(path::parent(path))) {
            return Tree::Unknown;
        }
        Tree::Inside
    }
}

/// A list of path prefixes.
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
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + 'a {
        let (image, strings_at) = (self.image, self.strings_at);
        self.prefixes
            .chunks_exact(PREFIX)
            .map(move |prefix| string(image, strings_at, prefix, 0).unwrap_or_default())
    }

    /// Whether `path` is below one of the prefixes, or there are none.
    pub fn allows(&self, path: &[u8]) -> bool {
        self.is_empty() || self.iter().any(|prefix| path::has_prefix(path, prefix))
    }
}
