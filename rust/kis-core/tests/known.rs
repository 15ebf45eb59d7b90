// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::paths::known`] with readers beside the writer.

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{
    AtomicBool,
    AtomicU64,
    Ordering, //
};
use std::sync::Mutex;
use std::thread;

use common::Chance;
use kis_core::paths::dirs::Dirs;
use kis_core::paths::known::{
    Answer,
    Known,
    SLOTS, //
};
use kis_core::wire::abi::MAX_DIRS;

fn known() -> Known<Vec<AtomicU64>> {
    Known::new((0..SLOTS).map(|_| AtomicU64::new(77)).collect())
}

/// Hash number `i`: spread, but for a few that all begin at the same word.
fn hash(i: u64) -> u64 {
    match i % 4 {
        // The inverse of the golden ratio's bits, so that the table's own spreading undoes itself.
        0 => i.wrapping_mul(0xf1de_83e1_9937_733d),
        _ => i.wrapping_mul(0xd6e8_feb8_6659_fd93),
    }
}

#[test]
fn known_answers_as_the_set_does() {
    let mut chance = Chance::new(31);
    for _ in 0..common::iterations(2000).div_ceil(100) {
        let (known, mut dirs, mut set) = (known(), Dirs::new(), BTreeSet::new());
        let range = 1 + chance.below(500);
        for _ in 0..800 {
            let hash = hash(chance.below(range) as u64);
            let before = known.ask(hash);
            let full = dirs.is_overflowed();
            assert_eq!(before == Answer::Known, full || set.contains(&hash));
            assert_ne!(before, Answer::Unknown);
            dirs.insert(hash);
            known.learn(hash, &dirs);
            if set.len() < MAX_DIRS {
                set.insert(hash);
            }
            assert_eq!(known.ask(hash), Answer::Known);
        }
        known.follow(&dirs, true);
        for i in 0..1000 {
            let want = match dirs.knows(hash(i)) {
                true => Answer::Known,
                false => Answer::Unknown,
            };
            assert_eq!(known.ask(hash(i)), want);
        }
    }
}

#[test]
fn hashes_that_all_begin_at_one_word_are_found() {
    let inverse = 0xf1de_83e1_9937_733d_u64;
    assert_eq!(inverse.wrapping_mul(0x9e37_79b9_7f4a_7c15), 1);
    let (known, mut dirs) = (known(), Dirs::new());
    for i in 1..=MAX_DIRS as u64 {
        dirs.insert(i.wrapping_mul(inverse));
        known.learn(i.wrapping_mul(inverse), &dirs);
    }
    known.follow(&dirs, true);
    for i in 1..=2 * MAX_DIRS as u64 {
        let want = match i <= MAX_DIRS as u64 {
            true => Answer::Known,
            false => Answer::Unknown,
        };
        assert_eq!(known.ask(i.wrapping_mul(inverse)), want);
    }
}

#[test]
fn what_was_learned_stays_known_while_others_learn() {
    let (known, profile) = (known(), Mutex::new(Dirs::new()));
    thread::scope(|scope| {
        for first in 0..4 {
            let (known, profile) = (&known, &profile);
            scope.spawn(move || {
                for i in (first..240).step_by(4) {
                    if known.ask(hash(i)) != Answer::Known {
                        let mut dirs = profile.lock().unwrap();
                        dirs.insert(hash(i));
                        known.learn(hash(i), &dirs);
                    }
                    // Nothing that this thread has learned is ever forgotten.
                    for j in (first..=i).step_by(4) {
                        assert_eq!(known.ask(hash(j)), Answer::Known);
                    }
                }
            });
        }
    });
    let dirs = profile.into_inner().unwrap();
    assert_eq!(dirs.len(), 240);
}

#[test]
fn readers_beside_a_replacement_never_hear_of_a_mixture() {
    // Two selves; both know `COMMON`, none knows `STRANGE`. In between the cell learns, and its set
    // is empty.
    const COMMON: u64 = 0xc0ff_ee00_0000_0001;
    const STRANGE: u64 = 0xbad0_0000_0000_0002;
    let mut selves = [Dirs::new(), Dirs::new()];
    for (n, dirs) in selves.iter_mut().enumerate() {
        dirs.insert(COMMON);
        for i in 0..200 {
            dirs.insert(hash(1000 * n as u64 + i));
        }
    }
    let (known, is_over) = (known(), AtomicBool::new(false));
    known.follow(&selves[0], true);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Acquire) {
                        assert_ne!(known.ask(COMMON), Answer::Unknown);
                        assert_ne!(known.ask(STRANGE), Answer::Known);
                    }
                    (known.ask(COMMON), known.ask(STRANGE))
                })
            })
            .collect();
        for i in 0..common::iterations(2000).div_ceil(10) as usize {
            known.follow(&selves[i % 2], true);
            if i % 3 == 0 {
                known.follow(&Dirs::new(), false);
            }
            thread::yield_now();
        }
        known.follow(&selves[0], true);
        is_over.store(true, Ordering::Release);
        for reader in readers {
            let last = reader.join().unwrap();
            assert_eq!(last, (Answer::Known, Answer::Unknown));
        }
    });
}
