// SPDX-License-Identifier: GPL-2.0

//! Who has completed a handshake within the last hour: his address is his own.
//!
//! Whoever has answered the number in a SYN/ACK gets what is sent to his address. A word an address, by
//! its keyed hash, in the only place that it may have; who comes later takes it. So an address may be
//! taken for one that never completed a handshake, and none the other way, but by the chance of 1 in
//! 2^48. Floor 0, pure; context: any.

use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// Words of memory, a power of two: addresses that there is room for.
pub(super) const WORDS: usize = 4096;

/// Minutes for which a handshake says something.
const MINUTES: u16 = 60;

/// What of a word is the hash.
const HASH: u64 = !0xffff;

/// The minute, of which the lower bits are kept. After 45 days it is the same again.
fn minute(now_s: u32) -> u16 {
    // CAST: the lower bits.
    (now_s / 60) as u16
}

fn place(words: &[AtomicU64], hash: u64) -> Option<&AtomicU64> {
    // CAST: the lower bits, which are not kept in the word.
    words.get(hash as usize & (WORDS - 1))
}

/// Remembers an address, by its hash.
pub(super) fn add(words: &[AtomicU64], hash: u64, now_s: u32) {
    let Some(word) = place(words, hash) else {
        return;
    };
    let now = (hash & HASH) | u64::from(minute(now_s));
    // A client that comes again and again writes once a minute.
    if word.load(Ordering::Relaxed) != now {
        word.store(now, Ordering::Relaxed);
    }
}

/// Whether an address has completed one lately.
pub(super) fn has(words: &[AtomicU64], hash: u64, now_s: u32) -> bool {
    let word = place(words, hash).map_or(0, |word| word.load(Ordering::Relaxed));
    // CAST: the lower bits.
    let age = minute(now_s).wrapping_sub(word as u16);
    word != 0 && word & HASH == hash & HASH && age < MINUTES
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_scan_handshakes))]
mod tests {
    use super::*;

    static MEMORY: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];

    #[test]
    fn a_handshake_counts_for_an_hour_and_for_one_address() {
        let (one, other) = (0x1234_5678_9abc_d001, 0x1234_5678_9abd_d001);
        let has = |hash, now_s| has(&MEMORY, hash, now_s);
        assert!(!has(one, 1000) && !has(0, 1000));
        add(&MEMORY, one, 1000);
        assert!(has(one, 1000) && has(one, 1000 + 3540));
        assert!(!has(one, 1000 + 3660) && !has(other, 1000));
        // The same place.
        add(&MEMORY, other, 1000);
        assert!(has(other, 1000) && !has(one, 1000));
        add(&MEMORY, one, 65_536 * 60 - 30);
        assert!(has(one, 65_536 * 60 + 30));
        add(&MEMORY[..0], one, 1);
        assert!(!super::has(&MEMORY[..0], one, 1));
    }
}
