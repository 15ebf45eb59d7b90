// SPDX-License-Identifier: GPL-2.0

//! The directories that a cell knows, for those who take no lock.
//!
//! A copy of the profile's [`Dirs`] that hooks ask at each write. It gives an answer only where one
//! can be given without a lock; whoever gets none asks the profile, under its lock. While a cell
//! learns that is so for each directory that is new; when it is ready, only in the moment in which
//! another profile takes the place of this one.
//!
//! A table of words at most half full; a search begins at a place that the hash says and goes on
//! until a word is empty, at most [`MAX_DIRS`] words further. Who can choose directories can make
//! it go that far, and no further. Floor 0; writers are serialised by the caller (the profile's
//! lock), readers are not. Context: any.

use super::dirs::Dirs;
use crate::wire::abi::MAX_DIRS;
use core::ops::Deref;
use core::sync::atomic::{
    fence,
    AtomicBool,
    AtomicU32,
    AtomicU64,
    Ordering, //
};

/// Words of the table.
pub const SLOTS: usize = 2 * MAX_DIRS;

/// How far a hash is shifted to become a place.
const SHIFT: u32 = u64::BITS - SLOTS.trailing_zeros();

const _: () = assert!(SLOTS.is_power_of_two() && SLOTS > MAX_DIRS);

/// What is said of a directory without a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is part of the self.
    Known,
    /// It is not.
    Unknown,
    /// The profile has to be asked: the cell learns, or the set is being replaced.
    Unsure,
}

/// A set of directory hashes that is read without a lock.
///
/// `S` is the memory for its [`SLOTS`] words, which belong to nobody else. With fewer some of what
/// is known is answered by [`Answer::Unsure`].
///
/// # Invariants
///
/// When `turn` is even and does not change, the set is the one that was last given, and those that
/// were inserted since.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::AtomicU64;
/// use kis_core::paths::dirs::Dirs;
/// use kis_core::paths::known::{Answer, Known, SLOTS};
///
/// let mut dirs = Dirs::new();
/// dirs.insert(7);
/// let words: Vec<AtomicU64> = (0..SLOTS).map(|_| AtomicU64::new(0)).collect();
/// let known = Known::new(words);
/// assert_eq!(known.ask(7), Answer::Unsure);
/// known.follow(&dirs, true);
/// assert_eq!(known.ask(7), Answer::Known);
/// assert_eq!(known.ask(8), Answer::Unknown);
/// ```
#[derive(Debug)]
pub struct Known<S> {
    /// Odd while the set is replaced; grows with each replacement.
    turn: AtomicU32,
    /// Whether what is not in the set is part of the self all the same: it overflowed.
    is_full: AtomicBool,
    /// Whether what is not in the set is strange; else it is to be learned.
    is_ready: AtomicBool,
    /// Whether the hash 0, which is no word of the table, is in the set.
    has_zero: AtomicBool,
    slots: S,
}

impl<S: Deref<Target = [AtomicU64]>> Known<S> {
    /// The empty set of a cell that learns.
    pub fn new(slots: S) -> Self {
        for slot in slots.iter() {
            slot.store(0, Ordering::Relaxed);
        }
        // INVARIANT: nothing was given yet.
        Self {
            turn: AtomicU32::new(0),
            is_full: AtomicBool::new(false),
            is_ready: AtomicBool::new(false),
            has_zero: AtomicBool::new(false),
            slots,
        }
    }

    /// Whether a directory is part of the self.
    #[inline]
    pub fn ask(&self, hash: u64) -> Answer {
        // ORDERING: pairs with the release store at the end of `follow()`.
        let turn = self.turn.load(Ordering::Acquire);
        if turn & 1 != 0 {
            return Answer::Unsure;
        }
        let is_full = self.is_full.load(Ordering::Relaxed);
        let is_ready = self.is_ready.load(Ordering::Relaxed);
        let found = self.find(hash);
        // ORDERING: pairs with the release fence in `follow()`: if one of the loads above saw a
        // store behind that, this sees its odd number.
        fence(Ordering::Acquire);
        if self.turn.load(Ordering::Relaxed) != turn {
            return Answer::Unsure;
        }
        match found {
            Some(Place::Found) => Answer::Known,
            _ if is_full => Answer::Known,
            Some(Place::Free(_)) if is_ready => Answer::Unknown,
            _ => Answer::Unsure,
        }
    }

    /// Becomes what a profile has learned. The caller holds the profile's lock.
    pub fn follow(&self, dirs: &Dirs, is_ready: bool) {
        let turn = self.turn.load(Ordering::Relaxed) | 1;
        self.turn.store(turn, Ordering::Relaxed);
        // ORDERING: pairs with the acquire fence in `ask()`.
        fence(Ordering::Release);
        self.has_zero.store(false, Ordering::Relaxed);
        for slot in self.slots.iter() {
            slot.store(0, Ordering::Relaxed);
        }
        for hash in dirs.hashes() {
            self.put(*hash);
        }
        self.is_full.store(dirs.is_overflowed(), Ordering::Relaxed);
        self.is_ready.store(is_ready, Ordering::Relaxed);
        // INVARIANT: the set is `dirs`. ORDERING: pairs with the acquire load in `ask()`.
        self.turn.store(turn.wrapping_add(1), Ordering::Release);
    }

    /// Takes over what a profile that learns has just learned. The caller holds the profile's lock.
    pub fn learn(&self, hash: u64, dirs: &Dirs) {
        if dirs.contains(hash) {
            self.put(hash);
        }
        // What is found is known whether the set is full or not, so the order of the stores does
        // not count.
        self.is_full.store(dirs.is_overflowed(), Ordering::Relaxed);
    }

    /// Adds a hash, if there is room.
    fn put(&self, hash: u64) {
        match self.find(hash) {
            Some(Place::Free(_)) if hash == 0 => self.has_zero.store(true, Ordering::Relaxed),
            Some(Place::Free(slot)) => slot.store(hash, Ordering::Relaxed),
            _ => {}
        }
    }

    /// Where a hash is, or where it would be put; `None` when there is no place for it.
    #[inline]
    fn find(&self, hash: u64) -> Option<Place<'_>> {
        if hash == 0 {
            let has_zero = self.has_zero.load(Ordering::Relaxed);
            // The word is not used for 0.
            return if has_zero {
                Some(Place::Found)
            } else {
                self.slots.first().map(Place::Free)
            };
        }
        // Multiplicative hashing (Knuth, TAOCP vol. 3, 6.4): the golden ratio's bits spread what is
        // close together. CAST: a few bits.
        let first = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> SHIFT) as usize;
        for step in 0..SLOTS {
            let slot = self.slots.get(first.wrapping_add(step) % SLOTS)?;
            match slot.load(Ordering::Relaxed) {
                0 => return Some(Place::Free(slot)),
                word if word == hash => return Some(Place::Found),
                _ => {}
            }
        }
        None
    }
}

/// Where a search ended.
enum Place<'a> {
    /// At the hash.
    Found,
    /// At a word that is empty.
    Free(&'a AtomicU64),
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_known))]
mod tests {
    use super::*;
    use crate::paths::dirs::Inserted;

    // Too much for a frame.
    static EMPTY: Dirs = Dirs::new();
    static FEW: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
    static MANY: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
    static AGAIN: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];

    #[test]
    fn known_is_unsure_of_what_is_new_only_while_the_cell_learns() {
        let known = Known::new(&FEW[..]);
        let mut dirs = EMPTY;
        for hash in [0, 1, 7, u64::MAX] {
            assert_eq!(known.ask(hash), Answer::Unsure);
            assert_eq!(dirs.insert(hash), Inserted::New);
            known.learn(hash, &dirs);
            assert_eq!(known.ask(hash), Answer::Known);
        }
        known.follow(&dirs, true);
        for hash in [0, 1, 7, u64::MAX] {
            assert_eq!(known.ask(hash), Answer::Known);
        }
        assert_eq!(known.ask(8), Answer::Unknown);
        known.follow(&EMPTY, true);
        for hash in [0, 1, 7, 8, u64::MAX] {
            assert_eq!(known.ask(hash), Answer::Unknown);
        }
        known.follow(&EMPTY, false);
        assert_eq!(known.ask(0), Answer::Unsure);
    }

    #[test]
    fn known_when_full_knows_everything() {
        let known = Known::new(&MANY[..]);
        let mut dirs = EMPTY;
        for i in 1..=MAX_DIRS as u64 {
            dirs.insert(i << 40);
            known.learn(i << 40, &dirs);
        }
        assert_eq!(known.ask(3), Answer::Unsure);
        assert_eq!(dirs.insert(3), Inserted::Full);
        known.learn(3, &dirs);
        assert_eq!(known.ask(3), Answer::Known);
        known.follow(&dirs, true);
        assert_eq!(known.ask(4), Answer::Known);
        assert_eq!(known.ask(1 << 40), Answer::Known);
    }

    #[test]
    fn known_without_its_memory_is_unsure() {
        let known = Known::new(AGAIN.get(..0).unwrap_or_default());
        let mut dirs = EMPTY;
        dirs.insert(0);
        dirs.insert(5);
        known.follow(&dirs, true);
        for hash in [0, 5, 6] {
            assert_eq!(known.ask(hash), Answer::Unsure);
        }
    }
}
