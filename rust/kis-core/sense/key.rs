// SPDX-License-Identifier: GPL-2.0

//! Keyed hashes of names, for sets that are asked without a lock.
//!
//! SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; one round a word and
//! three at the end as in the kernel's `hsiphash` and Rust's standard library). The key is made by
//! chance when the module is loaded and never leaves it, so nobody can find a name that is taken for
//! another one. Hashes are not stored in images. Floor 0, pure; context: any.

/// The key.
///
/// # Examples
///
/// ```
/// use kis_core::sense::key::Key;
///
/// let key = Key::new([1, 2]);
/// assert_eq!(key.hash(3, b"/etc/passwd"), key.hash(3, b"/etc/passwd"));
/// assert_ne!(key.hash(3, b"/etc/passwd"), key.hash(4, b"/etc/passwd"));
/// assert_ne!(key.hash(3, b"/etc/passwd"), Key::new([1, 3]).hash(3, b"/etc/passwd"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Key {
    k0: u64,
    k1: u64,
}

/// The state of the function.
struct State([u64; 4]);

impl State {
    #[inline(always)]
    fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.0;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.0 = [a, b, c, d];
    }

    #[inline(always)]
    fn word(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.0[0] ^= word;
    }
}

impl Key {
    /// A key of these words.
    pub const fn new(words: [u64; 2]) -> Self {
        let [k0, k1] = words;
        Self { k0, k1 }
    }

    /// The hash of a name of a kind; never 0.
    #[inline]
    pub fn hash(&self, tag: u64, name: &[u8]) -> u64 {
        let mut state = State([
            self.k0 ^ 0x736f_6d65_7073_6575,
            self.k1 ^ 0x646f_7261_6e64_6f6d,
            self.k0 ^ 0x6c79_6765_6e65_7261,
            self.k1 ^ 0x7465_6462_7974_6573,
        ]);
        state.word(tag);
        let mut words = name.chunks_exact(8);
        for word in &mut words {
            state.word(word.first_chunk().map_or(0, |w| u64::from_le_bytes(*w)));
        }
        let rest = words.remainder();
        // The tag is a part of the message.
        let last = (name.len() as u64).wrapping_add(8) << 56;
        state.word(little_endian(name, rest) | last);
        state.0[2] ^= 0xff;
        state.round();
        state.round();
        state.round();
        let [a, b, c, d] = state.0;
        (a ^ b ^ c ^ d).max(1)
    }
}

/// The bytes at the end of a name, fewer than eight, as a little-endian number.
#[inline(always)]
fn little_endian(name: &[u8], rest: &[u8]) -> u64 {
    match name.last_chunk() {
        // With the bytes before them they are a word, and cost one load. By no more than 64 bits, as
        // there are seven bytes at most; by exactly 64 where there are none.
        Some(word) => {
            let others = (8usize.wrapping_sub(rest.len()) as u32).wrapping_mul(8);
            u64::from_le_bytes(*word).checked_shr(others).unwrap_or(0)
        }
        None => (rest.iter().rev()).fold(0, |sum, b| (sum << 8) | u64::from(*b)),
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_key))]
mod tests {
    use super::*;

    #[test]
    fn hash_is_siphash_1_3() {
        // What Rust's standard library gives for the same bytes with a key of zeros.
        let key = Key::new([0, 0]);
        assert_eq!(key.hash(0x0706_0504_0302_0100, &[8, 9, 10]), SIP_11);
        assert_eq!(key.hash(0, b""), SIP_8);
    }

    #[test]
    fn the_end_of_a_name_is_what_its_bytes_say() {
        let name = [
            0x80, 1, 2, 0xff, 4, 5, 6, 0x77, 8, 0x99, 10, 11, 12, 0xdd, 14, 15, 16, 0xe1,
        ];
        for len in 0..=name.len() {
            let name = name.get(..len).unwrap_or_default();
            let rest = name.chunks_exact(8).remainder();
            let want = (rest.iter().rev()).fold(0, |sum, b| (sum << 8) | u64::from(*b));
            assert_eq!(little_endian(name, rest), want);
        }
    }

    #[test]
    fn hash_tells_names_apart_that_are_padded_alike() {
        let key = Key::new([1, 2]);
        assert!(key.hash(0, b"a") != key.hash(0, b"a\0"));
        assert!(key.hash(0, b"") != key.hash(0, b"\0\0\0\0\0\0\0\0"));
        assert!(key.hash(0, b"12345678") != key.hash(0, b"1234567"));
    }

    const SIP_11: u64 = 0xfe64_ce8b_6617_fcff;
    const SIP_8: u64 = 0xbd60_acb6_58c7_9e45;
}
