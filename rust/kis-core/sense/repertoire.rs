// SPDX-License-Identifier: GPL-2.0

//! What a cell has done: sets of things that came up while it learned.
//!
//! So far one set, the directories that it writes in. Hooks ask a copy of it that needs no lock
//! ([`Known`](crate::paths::known::Known)). Floor 0, pure.

use super::budget::Budget;
use super::detector::{
    Detector,
    Event,
    Findings,
    Keep,
    Numbers,
    Observation,
    Subject, //
};
use crate::paths::dirs::Dirs;
use crate::wire::abi::MAX_DIRS;
use crate::wire::bytes::{
    Reader,
    Writer, //
};
use crate::{
    Error,
    Result, //
};

/// The detector.
///
/// # Examples
///
/// ```
/// use kis_core::sense::budget::Budget;
/// use kis_core::sense::detector::{Detector, Event, Findings, Observation};
/// use kis_core::sense::repertoire::{Memory, Repertoire};
///
/// let mut memory = Memory::new();
/// Repertoire.learn(&mut memory, &Observation::Event(Event::Directory(7)));
/// Repertoire.complete(&mut memory, &Budget::NONE);
/// let mut found = Findings::new();
/// Repertoire.judge(&memory, &Observation::Event(Event::Directory(8)), &mut found);
/// assert_eq!(found.strange(), Some(Event::Directory(8)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Repertoire;

/// What it has learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    dirs: Dirs,
    /// Whether what is not in it is strange: not while the cell learns. Not in the image, it follows
    /// from the phase.
    is_complete: bool,
}

impl Memory {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            dirs: Dirs::new(),
            is_complete: false,
        }
    }

    /// The directories.
    pub const fn dirs(&self) -> &Dirs {
        &self.dirs
    }
}

impl Detector for Repertoire {
    type Memory = Memory;

    fn learn(&self, memory: &mut Memory, seen: &Observation<'_>) {
        if let Observation::Event(Event::Directory(hash)) = seen {
            memory.dirs.insert(*hash);
        }
    }

    fn complete(&self, memory: &mut Memory, _budget: &Budget) {
        memory.is_complete = true;
    }

    fn judge(&self, memory: &Memory, seen: &Observation<'_>, found: &mut Findings) {
        if let Observation::Event(event @ Event::Directory(hash)) = seen {
            if memory.is_complete && !memory.dirs.knows(*hash) {
                found.miss(*event);
            }
        }
    }

    fn explain(&self, memory: &Memory, about: &Subject, numbers: &mut Numbers) {
        if let Subject::Event(Event::Directory(_)) = about {
            // CAST: at most MAX_DIRS.
            numbers.n = memory.dirs.len() as u64;
        }
    }
}

/// Bytes of a section without directories.
const HEAD: usize = 8;

impl Keep for Memory {
    const SECTION: u32 = 2;
    const MAX_BYTES: usize = HEAD + 8 * MAX_DIRS;

    fn bytes(&self) -> usize {
        HEAD.saturating_add(self.dirs.len().saturating_mul(8))
    }

    fn write(&self, w: &mut Writer<'_>) {
        w.u32(u32::from(self.dirs.is_overflowed()));
        w.u32(0);
        for hash in self.dirs.hashes() {
            w.u64(*hash);
        }
    }

    fn read(&mut self, r: &mut Reader<'_>, len: usize, _windows: u32) -> Result {
        self.clear();
        let at = r.offset();
        let hashes = len.checked_sub(HEAD).filter(|bytes| bytes % 8 == 0);
        // The length is the last word of the section's head.
        let fault = Error::malformed(at.saturating_sub(4), "length of the repertoire");
        let count = hashes.ok_or(fault)? / 8;
        if count > MAX_DIRS {
            return Err(Error::limit("directories of a profile", MAX_DIRS as u32));
        }
        let overflowed = match (r.u32(), r.u32()) {
            (Some(overflowed @ 0..=1), Some(0)) => overflowed == 1,
            _ => return Err(Error::malformed(at, "flags of the repertoire")),
        };
        let mut last = None;
        for _ in 0..count {
            let at = r.offset();
            let hash = r.u64().filter(|hash| last.is_none_or(|last| last < *hash));
            let hash = hash.ok_or(Error::malformed(at, "directory of a profile"))?;
            self.dirs.insert(hash);
            last = Some(hash);
        }
        self.dirs.set_overflowed(overflowed);
        Ok(())
    }

    fn clear(&mut self) {
        self.dirs.clear();
        self.is_complete = false;
    }
}
