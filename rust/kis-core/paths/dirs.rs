// SPDX-License-Identifier: GPL-2.0

//! The directories that a cell used while it learned.
//!
//! A sorted array of hashes: fixed size, no allocation, found in eight steps, and the same set has
//! one form only, so that images of it compare equal. Inserting moves up to 2 KiB, which happens at
//! most 256 times in the life of a profile. Floor 0, pure; the caller serialises writers.

use crate::wire::abi::MAX_DIRS;

/// A set of up to [`MAX_DIRS`] directory hashes ([`crate::paths::path::hash`]).
///
/// # Invariants
///
/// `len <= MAX_DIRS`; the first `len` hashes rise strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dirs {
    hashes: [u64; MAX_DIRS],
    len: usize,
    overflowed: bool,
}

/// What became of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is new.
    New,
    /// It was there.
    Known,
    /// There is no room: from now on the set answers for every directory that it is known.
    Full,
}

impl Default for Dirs {
    fn default() -> Self {
        Self::new()
    }
}

impl Dirs {
    /// The empty set.
    pub const fn new() -> Self {
        // INVARIANT: empty.
        Self {
            hashes: [0; MAX_DIRS],
            len: 0,
            overflowed: false,
        }
    }

    /// How many directories are known.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether none is known.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a directory found no room.
    ///
    /// Then the self is not known completely and [`Dirs::knows`] fails open: a cell that works all
    /// over the file system is not held to its directories, but still to the officer's prefixes.
    pub const fn is_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Sets whether a directory found no room, for an image.
    pub(crate) const fn set_overflowed(&mut self, overflowed: bool) {
        self.overflowed = overflowed;
    }

    /// The hashes, rising.
    pub fn hashes(&self) -> &[u64] {
        self.hashes.get(..self.len).unwrap_or_default()
    }

    /// Whether `hash` is in the set.
    pub fn contains(&self, hash: u64) -> bool {
        self.hashes().binary_search(&hash).is_ok()
    }

    /// Whether a directory is part of the self: in the set, or the set overflowed.
    pub fn knows(&self, hash: u64) -> bool {
        self.overflowed || self.contains(hash)
    }

    /// Adds `hash`.
    pub fn insert(&mut self, hash: u64) -> Inserted {
        let Err(at) = self.hashes().binary_search(&hash) else {
            return Inserted::Known;
        };
        // One longer than the set is now.
        let Some(grown) = self.hashes.get_mut(..self.len.saturating_add(1)) else {
            self.overflowed = true;
            return Inserted::Full;
        };
        // From its place on, each makes room for the one before it.
        let mut moving = hash;
        for place in grown.iter_mut().skip(at) {
            core::mem::swap(place, &mut moving);
        }
        // INVARIANT: there was room, and `at` is where the order puts it.
        self.len = grown.len();
        Inserted::New
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        // INVARIANT: empty.
        self.len = 0;
        self.hashes.fill(0);
        self.overflowed = false;
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_dirs))]
mod tests {
    use super::*;

    // 2 KiB each, too much for a frame.
    static EMPTY: Dirs = Dirs::new();

    #[test]
    fn dirs_insert_then_contains() {
        let mut dirs = EMPTY;
        for (hash, want) in [
            (7, Inserted::New),
            (3, Inserted::New),
            (u64::MAX, Inserted::New),
            (0, Inserted::New),
            (3, Inserted::Known),
            (0, Inserted::Known),
        ] {
            assert_eq!(dirs.insert(hash), want);
        }
        assert_eq!(dirs.hashes(), &[0, 3, 7, u64::MAX][..]);
        assert!(dirs.contains(7) && !dirs.contains(8));
        assert!(!dirs.knows(8));
        dirs.clear();
        assert_eq!(dirs, EMPTY);
    }

    #[test]
    fn dirs_when_full_know_everything() {
        let mut dirs = EMPTY;
        for i in 0..MAX_DIRS as u64 {
            assert_eq!(
                dirs.insert(i.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
                Inserted::New
            );
        }
        assert!(!dirs.is_overflowed());
        assert_eq!(dirs.insert(0), Inserted::Known);
        assert!(!dirs.is_overflowed());
        assert_eq!(dirs.insert(1), Inserted::Full);
        assert!(dirs.is_overflowed() && dirs.knows(1) && !dirs.contains(1));
        assert_eq!(dirs.len(), MAX_DIRS);
    }
}
