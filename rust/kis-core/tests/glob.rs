// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::paths::glob`] against a matcher that is too simple to be wrong.

mod common;

use kis_core::paths::glob::matches;

/// By definition; exponential.
fn naive(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|n| naive(rest, &text[n..])),
        Some((b'?', rest)) => !text.is_empty() && naive(rest, &text[1..]),
        Some((byte, rest)) => text.first() == Some(byte) && naive(rest, &text[1..]),
    }
}

/// All strings over `alphabet` of up to `len` bytes.
fn all(alphabet: &[u8], len: usize) -> Vec<Vec<u8>> {
    let mut strings = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..len {
        let to = strings.len();
        for i in from..to {
            for byte in alphabet {
                let mut longer = strings[i].clone();
                longer.push(*byte);
                strings.push(longer);
            }
        }
        from = to;
    }
    strings
}

#[test]
fn matches_as_naive_for_all_short_ones() {
    let texts = all(b"ab", 6);
    for pattern in all(b"ab*?", 5) {
        for text in &texts {
            assert_eq!(
                matches(&pattern, text),
                naive(&pattern, text),
                "{pattern:?} {text:?}"
            );
        }
    }
}

#[test]
fn matches_as_naive_for_long_ones() {
    let mut chance = common::Chance::new(1);
    for _ in 0..common::iterations(3000) {
        let (m, n) = (chance.below(12), chance.below(24));
        let pattern = chance.bytes(b"aab*?", m);
        let text = chance.bytes(b"aab", n);
        assert_eq!(
            matches(&pattern, &text),
            naive(&pattern, &text),
            "{pattern:?} {text:?}"
        );
    }
}

#[test]
fn matches_hostile_arguments_in_time() {
    // The longest pattern and two pages of arguments: 2 million steps at most, not 2^128.
    let pattern = b"*a".repeat(127);
    let mut text = vec![b'a'; 8192];
    assert!(matches(&pattern, &text));
    text.push(b'b');
    let start = std::time::Instant::now();
    assert!(!matches(&pattern, &text));
    assert!(start.elapsed().as_secs() < 2);
}
