// SPDX-License-Identifier: GPL-2.0

//! What the matcher remembers of a byte stream between two deliveries.
//!
//! It lives in the private words of a socket's blob, which are zero for a new socket. Floor 0,
//! pure; the caller serialises access (the socket lock).

/// Words of the blob that belong to a stream (`kis_sock.priv`).
pub const WORDS: usize = 8;

/// State of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// Generation of the signatures that `state` belongs to; 0 is none.
    pub generation: u32,
    /// Matcher state, to be passed through
    /// [`Signatures::state`](crate::matching::signatures::Signatures::state) before use.
    pub state: u32,
    /// TCP sequence number of the next byte to scan.
    pub next_seq: u32,
    /// [`StreamState::SEEN`] and so on.
    pub flags: u32,
    /// Bytes scanned so far.
    pub offset: u64,
}

impl StreamState {
    /// `next_seq` is set: some bytes were seen.
    pub const SEEN: u32 = 1 << 0;
    /// The stream was killed: nothing more is scanned.
    pub const KILLED: u32 = 1 << 1;
    /// Bytes were missed (no memory, hook attached in the middle): matches may be lost.
    pub const GAP: u32 = 1 << 2;

    /// From the words of a blob.
    pub const fn from_words(words: &[u64; WORDS]) -> Self {
        let [a, b, offset, ..] = *words;
        // CAST: halves, on purpose.
        Self {
            generation: a as u32,
            state: (a >> 32) as u32,
            next_seq: b as u32,
            flags: (b >> 32) as u32,
            offset,
        }
    }

    /// The words for a blob; those not used are zero.
    pub const fn to_words(&self) -> [u64; WORDS] {
        // CAST: all widen.
        [
            self.generation as u64 | ((self.state as u64) << 32),
            self.next_seq as u64 | ((self.flags as u64) << 32),
            self.offset,
            0,
            0,
            0,
            0,
            0,
        ]
    }

    /// Whether all of `flags` are set.
    pub const fn has(&self, flags: u32) -> bool {
        self.flags & flags == flags
    }

    /// How many of the `len` bytes that begin at sequence number `seq` were scanned before.
    ///
    /// TCP merges new data into buffers that were seen; sequence numbers wrap. A buffer that
    /// begins behind `next_seq` has nothing old in it.
    pub const fn already_seen(&self, seq: u32, len: u32) -> u32 {
        if !self.has(Self::SEEN) {
            return 0;
        }
        let old = self.next_seq.wrapping_sub(seq);
        // The distance is signed, as in the kernel's `before()`.
        if old > i32::MAX as u32 {
            0
        } else if old > len {
            len
        } else {
            old
        }
    }

    /// Notes that the bytes up to `next_seq` were scanned, `len` of them new.
    pub const fn advance(&mut self, next_seq: u32, len: u32) {
        self.flags |= Self::SEEN;
        self.next_seq = next_seq;
        self.offset = self.offset.saturating_add(len as u64);
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_stream))]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        let state = StreamState {
            generation: 1,
            state: u32::MAX,
            next_seq: 3,
            flags: 0x8000_0004,
            offset: u64::MAX,
        };
        assert_eq!(StreamState::from_words(&state.to_words()), state);
        assert_eq!(StreamState::from_words(&[0; WORDS]), StreamState::default());
    }

    #[test]
    fn already_seen_wraps_like_tcp() {
        let mut s = StreamState::default();
        assert_eq!(s.already_seen(5, 10), 0);
        s.advance(100, 10);
        for (seq, len, want) in [
            (100, 10, 0),
            (95, 10, 5),
            (90, 10, 10),
            (80, 10, 10),
            (101, 10, 0),
            (100u32.wrapping_sub(0x7fff_ffff), 7, 7),
            (0xffff_fff0, 200, 116),
        ] {
            assert_eq!(s.already_seen(seq, len), want);
        }
        assert_eq!(s.offset, 10);
    }
}
