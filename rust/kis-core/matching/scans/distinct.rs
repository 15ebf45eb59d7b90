// SPDX-License-Identifier: GPL-2.0

//! How many different things there were in the last two halves of a horizon, without a lock.
//!
//! A thing is a bit of 1,024, by its hash. Each word of 32 bits has the number of its half beside it, so
//! that nobody has to forget anything: who comes first in a new half writes over what is old. Two maps
//! take turns. A thing that is there already costs a load. Floor 0, pure; context: any.

use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// Words of a map.
const MAP: usize = 32;

/// Words of memory.
pub(super) const WORDS: usize = 2 * MAP;

/// How often a thing is tried to be added while others add to the same word. After that it is taken for
/// known.
const TRIES: u32 = 4;

/// The map of a half: the even ones and the odd ones take turns.
fn map(words: &[AtomicU64], epoch: u32) -> &[AtomicU64] {
    // CAST: 0 or 1.
    words
        .chunks_exact(MAP)
        .nth((epoch % 2) as usize)
        .unwrap_or_default()
}

/// Adds a thing to a half; whether it is new to it.
pub(super) fn mark(words: &[AtomicU64], epoch: u32, hash: u64) -> bool {
    // CAST: below 32. OVERFLOW: a shift by less than 32.
    let (at, bit) = ((hash >> 5) as usize % MAP, 1u64 << (hash % 32));
    let Some(word) = map(words, epoch).get(at) else {
        return false;
    };
    let mut old = word.load(Ordering::Relaxed);
    for _ in 0..TRIES {
        // CAST: the upper half.
        let of = (old >> 32) as u32;
        if of > epoch || (of == epoch && old & bit != 0) {
            return false;
        }
        let kept = if of == epoch {
            old
        } else {
            u64::from(epoch) << 32
        };
        match word.compare_exchange(old, kept | bit, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(meanwhile) => old = meanwhile,
        }
    }
    false
}

/// How many there are in a half and the one before, at least.
pub(super) fn count(words: &[AtomicU64], epoch: u32) -> u32 {
    let bits = |word: &AtomicU64, epoch: u32| {
        let word = word.load(Ordering::Relaxed);
        // CAST: the halves.
        if (word >> 32) as u32 == epoch {
            word as u32
        } else {
            0
        }
    };
    let before = epoch.wrapping_sub(1);
    let both = map(words, epoch).iter().zip(map(words, before));
    both.fold(0, |sum, (now, old)| {
        let union = bits(now, epoch) | bits(old, before);
        sum.saturating_add(union.count_ones())
    })
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_scan_distinct))]
mod tests {
    use super::*;

    #[test]
    fn two_halves_are_counted_and_older_ones_are_not() {
        let words = [const { AtomicU64::new(0) }; WORDS];
        assert!(mark(&words, 7, 1) && mark(&words, 7, 1023) && !mark(&words, 7, 1));
        assert_eq!(
            (count(&words, 7), count(&words, 8), count(&words, 9)),
            (2, 2, 0)
        );
        assert!(mark(&words, 8, 1) && mark(&words, 8, 40));
        assert_eq!((count(&words, 8), count(&words, 9)), (3, 2));
        // Too late for a half that was written over.
        assert!(mark(&words, 9, 5) && mark(&words, 9, 33));
        assert!(!mark(&words, 7, 6));
        assert_eq!(count(&words, 9), 4);
        assert_eq!(count(&words, 11), 0);
        for hash in 0..5000 {
            mark(&words, 20, hash);
        }
        assert_eq!(count(&words, 20), 1024);
        assert!(!mark(&words[..0], 1, 1) && count(&words[..0], 1) == 0);
    }
}
