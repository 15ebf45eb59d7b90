// SPDX-License-Identifier: GPL-2.0

//! What one side of a TCP connection reads, in order, as Linux queues it.
//!
//! - What has been read already stays: of a segment that begins before it, only the rest counts
//!   (`tcp_data_queue()`). So the first copy wins.
//! - A segment that is in order is taken whole, and what waited for it only gives what is behind it
//!   (`tcp_ofo_queue()`): a late segment in order wins over an early one that was out of order.
//! - Among those that wait (`tcp_data_queue_ofo()`), one that another covers is left out, and one that
//!   covers others takes their place; of two that overlap in part, the one that begins earlier gives what
//!   they share. So the first copy wins unless a later one begins earlier or reaches further.
//!
//! Linux joins waiting segments where their memory allows it, and then treats them as one; that is not
//! known here, and they are not joined.

use super::note::Place;
use std::collections::BTreeMap;

/// Most bytes that wait in one stream, with [`OVERHEAD`] for each segment.
pub const MAX_HELD: usize = 4 << 20;

/// What a waiting segment counts beside its bytes.
const OVERHEAD: usize = 128;

/// A segment that waits for those before it.
#[derive(Clone, Debug)]
struct Held {
    bytes: Vec<u8>,
    is_last: bool,
    place: Place,
}

/// What became of a segment.
///
/// # Examples
///
/// ```
/// use kisctl::capture::{note::Place, reassembly::{Push, Reassembly}};
///
/// let (mut stream, mut read) = (Reassembly::new(100), Vec::new());
/// let mut push = |seq, bytes: &[u8]| {
///     stream.push(seq, bytes, false, Place::default(), |bytes| read.extend_from_slice(bytes))
/// };
/// assert_eq!(push(103, b"def"), Push::Waits);
/// assert_eq!(push(100, b"abcDE"), Push::Read);
/// assert_eq!(push(100, b"xxxx"), Push::Old);
/// assert_eq!(read, b"abcDEf");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// It, or a part of it, was read, and perhaps others behind it.
    Read,
    /// All of it was there before.
    Old,
    /// It waits.
    Waits,
    /// Nothing comes any more.
    Ended,
    /// Too much waits for what never came: the stream ends with a gap before this place.
    Gap(Place),
}

/// What one side of a connection reads.
///
/// # Examples
///
/// ```
/// use kisctl::capture::{note::Place, reassembly::{Push, Reassembly}};
///
/// let mut stream = Reassembly::new(7);
/// assert_eq!(stream.push(7, b"", true, Place::default(), |_| {}), Push::Read);
/// assert!(stream.has_ended());
/// ```
#[derive(Clone, Debug)]
pub struct Reassembly {
    /// Sequence number of the next byte.
    seq: u32,
    /// Bytes of the stream before it.
    at: u64,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    has_ended: bool,
}

impl Held {
    /// Where it ends; the end of a stream takes a number too.
    fn end(&self, start: u64) -> u64 {
        end(start, &self.bytes, self.is_last)
    }

    fn cost(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

/// Where bytes from `start` end.
fn end(start: u64, bytes: &[u8], is_last: bool) -> u64 {
    // CAST: usize widens.
    start.saturating_add(bytes.len() as u64 + u64::from(is_last))
}

impl Reassembly {
    /// A stream whose first byte has this sequence number.
    pub fn new(seq: u32) -> Self {
        Self {
            seq,
            at: 0,
            held: BTreeMap::new(),
            held_bytes: 0,
            has_ended: false,
        }
    }

    /// Sequence number of the next byte.
    pub fn seq(&self) -> u32 {
        self.seq
    }

    /// Whether something was read.
    pub fn has_begun(&self) -> bool {
        self.at != 0
    }

    /// Whether nothing comes any more.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// What waiting segments take.
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Nothing more is read; where the first segment is that waited in vain.
    pub fn finish(&mut self) -> Option<Place> {
        let first = self.held.pop_first().map(|(_, held)| held.place);
        self.held.clear();
        self.held_bytes = 0;
        self.has_ended = true;
        first
    }

    /// Keeps bytes, to be read when those before them have come.
    fn hold(&mut self, start: u64, held: Held) -> Push {
        let end = held.end(start);
        let mut before = self.held.range(..=start);
        if before
            .next_back()
            .is_some_and(|(at, before)| before.end(*at) >= end)
        {
            return Push::Old;
        }
        let covered: Vec<u64> = self
            .held
            .range(start..)
            .take_while(|(at, behind)| behind.end(**at) <= end)
            .map(|(at, _)| *at)
            .collect();
        for at in covered {
            let gone = self.held.remove(&at).map_or(0, |held| held.cost());
            self.held_bytes -= gone;
        }
        self.held_bytes += held.cost();
        self.held.insert(start, held);
        if self.held_bytes > MAX_HELD {
            return self.finish().map_or(Push::Ended, Push::Gap);
        }
        Push::Waits
    }

    /// Reads what is behind the bytes that were read.
    fn read(&mut self, start: u64, bytes: &[u8], is_last: bool, read: &mut impl FnMut(&[u8])) {
        let end = end(start, bytes, is_last);
        // CAST: no stream is longer than what a file has.
        let skip = (self.at - start) as usize;
        if let Some(bytes) = bytes.get(skip..).filter(|bytes| !bytes.is_empty()) {
            read(bytes);
        }
        // CAST: the sequence number wraps, that is what it does.
        self.seq = self.seq.wrapping_add((end - self.at) as u32);
        self.at = end;
        if is_last {
            self.finish();
        }
    }

    /// A segment comes; `is_last` is its FIN.
    pub fn push(
        &mut self,
        seq: u32,
        bytes: &[u8],
        is_last: bool,
        place: Place,
        mut read: impl FnMut(&[u8]),
    ) -> Push {
        if self.has_ended {
            return Push::Ended;
        }
        // CAST: before or behind, whichever is nearer.
        let distance = seq.wrapping_sub(self.seq) as i32;
        let before = distance.min(0).unsigned_abs();
        let (start, bytes) = match self.at.checked_sub(before.into()) {
            Some(start) => (start + u64::from(distance.max(0).unsigned_abs()), bytes),
            // It begins before the stream does, as far as it was captured.
            None => {
                // CAST: both are less than 2^32.
                let early = (u64::from(before) - self.at) as usize;
                match bytes.get(early..) {
                    Some(bytes) => (0, bytes),
                    None => return Push::Old,
                }
            }
        };
        let end = end(start, bytes, is_last);
        if end <= self.at {
            return Push::Old;
        }
        if start > self.at {
            return self.hold(
                start,
                Held {
                    bytes: bytes.to_vec(),
                    is_last,
                    place,
                },
            );
        }
        self.read(start, bytes, is_last, &mut read);
        while let Some(entry) = self.held.first_entry() {
            if *entry.key() > self.at {
                break;
            }
            let (start, held) = entry.remove_entry();
            self.held_bytes -= held.cost();
            if held.end(start) > self.at {
                self.read(start, &held.bytes, held.is_last, &mut read);
            }
        }
        Push::Read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of segments that come in this order.
    fn read(first: u32, segments: &[(u32, &str)]) -> String {
        let (mut stream, mut all) = (Reassembly::new(first), Vec::new());
        for (seq, bytes) in segments {
            stream.push(*seq, bytes.as_bytes(), false, Place::default(), |bytes| {
                all.extend_from_slice(bytes);
            });
        }
        String::from_utf8(all).expect("text")
    }

    #[test]
    fn overlaps_are_settled_as_linux_does_it() {
        for (segments, want) in [
            // In order, and again.
            (
                vec![(0, "abc"), (3, "def"), (0, "xxxxxx"), (6, "g")],
                "abcdefg",
            ),
            // Again, and more.
            (vec![(0, "abc"), (0, "xxxxef")], "abcxef"),
            // What is in order wins over what waited.
            (vec![(2, "cdef"), (0, "ABCD")], "ABCDef"),
            // Two that wait: the one that begins earlier gives what they share, whichever came first.
            (vec![(4, "efgh"), (2, "CDEF"), (0, "ab")], "abCDEFgh"),
            (vec![(2, "CDEF"), (4, "efgh"), (0, "ab")], "abCDEFgh"),
            // One that is covered is left out; one that covers takes the other's place.
            (vec![(2, "cdef"), (3, "XX"), (0, "ab")], "abcdef"),
            (vec![(3, "de"), (2, "CDEF"), (0, "ab")], "abCDEF"),
            // The same beginning: the longer one.
            (vec![(2, "cd"), (2, "CDEF"), (0, "ab")], "abCDEF"),
            (vec![(2, "CDEF"), (2, "cd"), (0, "ab")], "abCDEF"),
            (vec![(2, "cd"), (2, "CD"), (0, "ab")], "abcd"),
        ] {
            assert_eq!(read(0, &segments), want, "{segments:?}");
            // The same around the end of the numbers.
            let first = u32::MAX - 2;
            let moved: Vec<(u32, &str)> = segments
                .iter()
                .map(|(seq, bytes)| (seq.wrapping_add(first), *bytes))
                .collect();
            assert_eq!(read(first, &moved), want, "{segments:?}");
        }
        // What is before the beginning is not of the stream.
        assert_eq!(read(100, &[(98, "xxab"), (90, "y"), (102, "c")]), "abc");
    }

    #[test]
    fn any_order_gives_the_stream() {
        let text: Vec<u8> = (0..5000_u32).map(|i| (i % 251) as u8).collect();
        let mut state = 9_u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % below
        };
        for _ in 0..50 {
            let mut segments = Vec::new();
            let mut at = 0;
            while at < text.len() {
                let len = (1 + random(90)).min(text.len() - at);
                // Some begin earlier, or are longer: what they say is the same.
                let start = at - random(40).min(at);
                segments.push((start, (at + len + random(40)).min(text.len())));
                at += len;
            }
            for i in (1..segments.len()).rev() {
                segments.swap(i, random(i + 1));
            }
            let (mut stream, mut all) = (Reassembly::new(u32::MAX - 1000), Vec::new());
            for (start, end) in segments {
                let seq = (u32::MAX - 1000).wrapping_add(u32::try_from(start).expect("small"));
                let is_last = end == text.len();
                stream.push(seq, &text[start..end], is_last, Place::default(), |bytes| {
                    all.extend_from_slice(bytes);
                });
            }
            assert!(all == text && stream.has_ended() && stream.held_bytes() == 0);
        }
    }

    #[test]
    fn a_gap_ends_the_stream() {
        let mut stream = Reassembly::new(0);
        let place = Place { packet: 4, byte: 0 };
        assert_eq!(stream.push(10, b"later", false, place, |_| {}), Push::Waits);
        assert_eq!(stream.finish(), Some(place));
        assert_eq!(
            stream.push(0, b"x", false, place, |_| panic!()),
            Push::Ended
        );

        let mut stream = Reassembly::new(0);
        let bytes = [0; 1 << 16];
        let mut last = Push::Waits;
        for i in 0..200_u32 {
            let place = Place {
                packet: i.into(),
                byte: 0,
            };
            last = stream.push(1 + i * (1 << 16), &bytes, false, place, |_| panic!());
            if last != Push::Waits {
                assert!(i > 50);
                break;
            }
        }
        assert_eq!(last, Push::Gap(Place::default()));
        assert!(stream.has_ended() && stream.held_bytes() == 0);
    }
}
