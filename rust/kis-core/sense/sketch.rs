// SPDX-License-Identifier: GPL-2.0

//! How much went to whom, in memory that does not grow with their number.
//!
//! A count-min sketch (Cormode and Muthukrishnan, "An Improved Data Stream Summary", J. Algorithms
//! 55(1), 2005): each key has a place in each of four rows, adds to all, and has the smallest of what is
//! there. So nobody is ever taken for less than he is; who shares all his places with others is taken
//! for more. Where everything together is *n*, that is more than *n* / 94 for one key in 50. The hash is
//! keyed by chance, so nobody can choose whom he shares with. Its conservative form, which adds to the
//! smallest only, would need a lock to never be below.
//!
//! Two amounts are kept for each key, bytes and messages. Any number of hooks add at once, without a
//! lock. Floor 0, pure; context: any.

use super::traffic::{
    Amounts,
    Traffic, //
};
use core::ops::Deref;
use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// Rows.
const ROWS: usize = 4;

/// Places in a row; one byte of a hash says which.
const COLUMNS: usize = 256;

/// Keys that are told in a stretch.
const TOLD: usize = 8;

/// Words of memory.
pub const WORDS: usize = EPOCH + 1;

/// Where the largest of each kind begin, the keys that were told, and how often all was forgotten.
const MOST: usize = ROWS * COLUMNS * Traffic::COUNT;
const TELLING: usize = MOST + Traffic::COUNT;
const EPOCH: usize = TELLING + Traffic::COUNT * TOLD;

/// A sketch.
///
/// `S` is the memory for its [`WORDS`], which belongs to nobody else. One with fewer keeps nothing.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::AtomicU64;
/// use kis_core::sense::sketch::{Sketch, WORDS};
///
/// let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
/// let sketch = Sketch::new(words);
/// assert_eq!(sketch.add(0x0102_0304, &[1000, 1]), [1000, 1]);
/// assert_eq!(sketch.add(0x0102_0304, &[500, 1]), [1500, 2]);
/// sketch.add(0x0506_0708, &[70, 1]);
/// assert_eq!((sketch.most(), sketch.total()), ([1500, 2], [1570, 3]));
/// ```
#[derive(Debug)]
pub struct Sketch<S> {
    words: S,
}

impl<S: Deref<Target = [AtomicU64]>> Sketch<S> {
    /// Nothing counted; the words are zero.
    pub const fn new(words: S) -> Self {
        Self { words }
    }

    /// The words of a key in a row.
    fn place(&self, hash: u64, row: usize) -> Option<&[AtomicU64]> {
        let column = usize::from(*hash.to_le_bytes().get(row)?);
        let at = row.saturating_mul(COLUMNS).saturating_add(column);
        let at = at.saturating_mul(Traffic::COUNT);
        self.words.get(at..at.saturating_add(Traffic::COUNT))
    }

    /// How often all was forgotten. To be asked before what is added and then told.
    pub fn epoch(&self) -> u32 {
        let word = self.words.get(EPOCH);
        // CAST: the lower half; in use for a century.
        word.map_or(0, |word| word.load(Ordering::Acquire) as u32)
    }

    /// Adds to a key, by its hash; what it has now, or more.
    pub fn add(&self, hash: u64, more: &Amounts) -> Amounts {
        if self.words.len() < WORDS {
            return [0; Traffic::COUNT];
        }
        let mut least = [u64::MAX; Traffic::COUNT];
        for place in (0..ROWS).filter_map(|row| self.place(hash, row)) {
            for ((least, word), more) in least.iter_mut().zip(place).zip(more) {
                let now = word.fetch_add(*more, Ordering::Relaxed);
                *least = (*least).min(now.saturating_add(*more));
            }
        }
        for (word, now) in self.words.iter().skip(MOST).zip(&least) {
            // Nearly always it is not the largest, and then nobody writes.
            if word.load(Ordering::Relaxed) < *now {
                word.fetch_max(*now, Ordering::Relaxed);
            }
        }
        least
    }

    /// The largest amounts that any key has had.
    pub fn most(&self) -> Amounts {
        let mut most = [0; Traffic::COUNT];
        for (most, word) in most.iter_mut().zip(self.words.iter().skip(MOST)) {
            *most = word.load(Ordering::Relaxed);
        }
        most
    }

    /// What all keys have together: each is in the first row once.
    pub fn total(&self) -> Amounts {
        let mut total = [0u64; Traffic::COUNT];
        let row = self.words.get(..COLUMNS * Traffic::COUNT);
        for place in row.unwrap_or_default().chunks_exact(Traffic::COUNT) {
            for (total, word) in total.iter_mut().zip(place) {
                *total = total.saturating_add(word.load(Ordering::Relaxed));
            }
        }
        total
    }

    /// Whether a key is to be told: once in an epoch, and not more than so many. Who was interrupted
    /// after he added, while all was forgotten, tells nothing of the new epoch and nothing twice.
    pub fn first(&self, kind: Traffic, hash: u64, epoch: u32) -> bool {
        let skipped = TELLING.saturating_add(kind.index().saturating_mul(TOLD));
        // Never zero, which is a place where nobody was told.
        let telling = (u64::from(epoch) << 32) | (hash & 0xffff_ffff) | 1;
        for word in self.words.iter().skip(skipped).take(TOLD) {
            let mut told = word.load(Ordering::Relaxed);
            // What was told in an epoch before gives its place away.
            while told >> 32 < u64::from(epoch) || told == 0 {
                match word.compare_exchange(told, telling, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => return true,
                    Err(meanwhile) => told = meanwhile,
                }
            }
            if told == telling || told >> 32 > u64::from(epoch) {
                return false;
            }
        }
        false
    }

    /// Forgets all, and begins another epoch. What is added meanwhile may be kept or forgotten. One at a
    /// time calls this.
    pub fn clear(&self) {
        for word in self.words.iter().take(TELLING) {
            word.store(0, Ordering::Relaxed);
        }
        // At last: who sees the new epoch adds to what was forgotten.
        if let Some(word) = self.words.get(EPOCH) {
            word.fetch_add(1, Ordering::Release);
        }
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_sketch))]
mod tests {
    use super::*;

    /// Numbers that look like hashes.
    fn hash(n: u64) -> u64 {
        let mixed = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    static WORDS_OF_IT: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];

    // One test, as all use the same memory, which is too much for a stack of the kernel.
    #[test]
    fn nobody_is_taken_for_less_and_few_for_much_more() {
        let sketch = Sketch::new(&WORDS_OF_IT[..]);
        let mut all = 0u64;
        for round in 1..=3u64 {
            for key in 0..300 {
                let has = sketch.add(hash(key), &[key, 1]);
                all = all.saturating_add(key);
                assert!(has[0] >= round.saturating_mul(key) && has[1] >= round);
            }
        }
        assert_eq!(sketch.total(), [all, 900]);
        let mut off = 0u32;
        for key in 0..300 {
            let has = sketch.add(hash(key), &[0, 0]);
            off = off.saturating_add(u32::from(
                has[0] > key.saturating_mul(3).saturating_add(all / 94),
            ));
        }
        assert!(off <= 15);
        assert!(sketch.most()[0] >= 3 * 299 && sketch.most()[1] >= 3);
        // Each is told once, eight of them.
        let mut told = 0u32;
        for key in (0..20).chain(0..20) {
            told = told.saturating_add(u32::from(sketch.first(Traffic::Bytes, hash(key), 0)));
        }
        assert_eq!(told, 8);
        assert!(sketch.first(Traffic::Messages, hash(19), 0));
        sketch.clear();
        assert_eq!((sketch.most(), sketch.total()), ([0; 2], [0; 2]));
        assert_eq!(sketch.epoch(), 1);
        // Told before, and counted before all was forgotten.
        assert!(!sketch.first(Traffic::Bytes, hash(0), 0));
        assert!(sketch.first(Traffic::Bytes, hash(19), 1));
        assert!(!sketch.first(Traffic::Bytes, hash(0), 0));
        assert!(!sketch.first(Traffic::Bytes, hash(19), 1));
        assert!(sketch.first(Traffic::Bytes, hash(0), 1));
        sketch.clear();
        // Without memory nothing is kept.
        let none = Sketch::new(&WORDS_OF_IT[..0]);
        assert_eq!(none.add(1, &[5, 5]), [0; 2]);
        assert_eq!((none.most(), none.total()), ([0; 2], [0; 2]));
        assert!(!none.first(Traffic::Bytes, 1, 0));
        assert_eq!(none.epoch(), 0);
    }
}
