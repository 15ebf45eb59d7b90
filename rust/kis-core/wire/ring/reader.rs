// SPDX-License-Identifier: GPL-2.0

//! The consumer's side of the ring.
//!
//! kisctl reads the mapping with it, the tests a model. The kernel writes while this reads, so a
//! record is copied first and believed only if it is not among those forgotten afterwards. Floor 0;
//! always makes progress, whatever the memory says.

use core::sync::atomic::{
    fence,
    Ordering, //
};

use super::{
    lane,
    Geometry, //
};
use crate::wire::abi::RECORD_MAX;
use crate::wire::bytes::index;
use crate::wire::record::{
    room_of,
    Record, //
};

/// The mapping.
pub trait Memory {
    /// Loads the aligned 64-bit word at `offset` with acquire semantics, as the kernel stored it
    /// (little endian on all machines KIS runs on).
    fn load_u64(&self, offset: usize) -> u64;

    /// Copies the bytes at `offset`, a multiple of 8; they may change meanwhile.
    fn copy(&self, offset: usize, to: &mut [u8]);
}

/// Room for the longest record.
pub type Buffer = [u8; RECORD_MAX];

/// What came next in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocation to box it, and one is alive at a time"
)]
pub enum Next<'a> {
    /// A record.
    Record(Record<'a>),
    /// Nothing is left; wait.
    Empty,
    /// What was to be read is gone; look again.
    Overrun,
}

/// Where a reader is in one lane; [`Lane`](super::writer::Lane) has an example.
///
/// # Invariants
///
/// `lane` is one of `geometry`.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    geometry: Geometry,
    lane: u32,
    position: u64,
    /// Number of the last record that was there; `None` before the first one.
    sequence: Option<u64>,
    missed: u64,
}

impl Cursor {
    /// Reads `lane` from `position` on; `None` for a lane that is not there.
    pub fn new(geometry: Geometry, lane: u32, position: u64) -> Option<Self> {
        // INVARIANT: just compared.
        (lane < geometry.lanes()).then_some(Self {
            geometry,
            lane,
            position,
            sequence: None,
            missed: 0,
        })
    }

    /// Reads `lane` from its oldest record on; what is gone before is not missed.
    pub fn oldest<M: Memory>(geometry: Geometry, lane: u32, memory: &M) -> Option<Self> {
        let cursor = Self::new(geometry, lane, 0)?;
        let position = cursor.word(memory, lane::OLDEST);
        Some(Self { position, ..cursor })
    }

    /// Reads `lane` from its end on: only what is written from now.
    pub fn newest<M: Memory>(geometry: Geometry, lane: u32, memory: &M) -> Option<Self> {
        let cursor = Self::new(geometry, lane, 0)?;
        let position = cursor.word(memory, lane::PRODUCER);
        let sequence = cursor.word(memory, lane::SEQUENCE);
        // Only if nothing was written meanwhile the number belongs to the position.
        let is_still = cursor.word(memory, lane::PRODUCER) == position;
        Some(Self {
            position,
            sequence: is_still.then_some(sequence),
            ..cursor
        })
    }

    /// The lane.
    pub const fn lane(&self) -> u32 {
        self.lane
    }

    /// Position of the next record: what a consumer writes to its page when it has done its work.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Records that were overwritten before they were read, or found no room, as far as the numbers
    /// of those that were read show it.
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    /// Number of the newest record of the lane, written or lost.
    pub fn newest_sequence<M: Memory>(&self, memory: &M) -> u64 {
        self.word(memory, lane::SEQUENCE)
    }

    /// Records the kernel has lost in this lane because the consumer was slow.
    pub fn lost<M: Memory>(&self, memory: &M) -> u64 {
        self.word(memory, lane::LOST)
    }

    /// A word of the lane's header.
    fn word<M: Memory>(&self, memory: &M, which: usize) -> u64 {
        let header = self.geometry.lane_offset(self.lane);
        header.map_or(0, |at| memory.load_u64(at.wrapping_add(which)))
    }

    /// What comes next. Unless it is [`Next::Empty`] the position has moved on.
    /// `buffer` is a [`Buffer`]; where it is shorter, a record without room in it ends the look at all
    /// that is there.
    pub fn next<'a, M: Memory>(&mut self, memory: &M, buffer: &'a mut [u8]) -> Next<'a> {
        let producer = self.word(memory, lane::PRODUCER);
        let Some(unread) = producer.checked_sub(self.position) else {
            // Behind the producer: another ring than before.
            self.position = producer;
            self.sequence = None;
            return Next::Empty;
        };
        if unread == 0 {
            return Next::Empty;
        }
        let oldest = self.word(memory, lane::OLDEST);
        if oldest > self.position {
            return self.overrun(oldest);
        }
        let room = self.copy(memory, unread, buffer);
        // ORDERING: pairs with the producer's fence between moving `oldest` and the first byte of
        // the next record: if the copy has one byte of that, the load below sees that it moved.
        fence(Ordering::Acquire);
        let oldest = self.word(memory, lane::OLDEST);
        if oldest > self.position {
            return self.overrun(oldest);
        }
        let Some(room) = room else {
            // Nobody overwrote it, so it is no record, and this no honest ring.
            return self.overrun(producer);
        };
        self.position = self.position.saturating_add(room);
        let Some(record) = Record::decode(buffer) else {
            return Next::Overrun;
        };
        let sequence = record.head.id().sequence();
        if let Some(last) = self.sequence {
            let between = sequence.saturating_sub(last).saturating_sub(1);
            self.missed = self.missed.saturating_add(between);
        }
        self.sequence = Some(sequence);
        Next::Record(record)
    }

    /// Goes on at `position`, which is not that of now.
    fn overrun(&mut self, position: u64) -> Next<'static> {
        self.position = position;
        Next::Overrun
    }

    /// Copies the record at the position; the bytes that it takes, if it can be one.
    fn copy<M: Memory>(&self, memory: &M, unread: u64, buffer: &mut [u8]) -> Option<u64> {
        let at = self.geometry.byte_offset(self.lane, self.position)?;
        let first = buffer.first_chunk_mut::<8>()?;
        memory.copy(at, first);
        let room = room_of(first).filter(|room| *room <= unread)?;
        // CAST: at most RECORD_MAX.
        let room_bytes = index(u32::try_from(room).ok()?);
        let line = self.geometry.bytes_in_line(self.position).min(room_bytes);
        let (one, two) = buffer.get_mut(..room_bytes)?.split_at_mut_checked(line)?;
        memory.copy(at, one);
        if !two.is_empty() {
            memory.copy(self.geometry.byte_offset(self.lane, 0)?, two);
        }
        // What is believed is the length that lies in the copy.
        (room_of(buffer.first_chunk()?) == Some(room)).then_some(room)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_ring_reader))]
mod tests {
    use super::*;
    use crate::wire::record::{
        Calm,
        Head,
        Id, //
    };

    /// Bytes of each record.
    const ROOM: u64 = 128;

    /// Lane 0 of 4096 bytes, in which the record at position `p` has the number `p / ROOM + 1`.
    struct Fake {
        producer: u64,
        oldest: u64,
        sequence: u64,
    }

    impl Memory for Fake {
        fn load_u64(&self, offset: usize) -> u64 {
            match offset {
                8192 => self.producer,
                8200 => self.oldest,
                8208 => self.sequence,
                8216 => 77,
                _ => u64::MAX,
            }
        }

        fn copy(&self, offset: usize, to: &mut [u8]) {
            let mut place = offset.wrapping_sub(12288) as u64;
            while place + 4096 < self.producer {
                place += 4096;
            }
            let head = Head {
                id: Id::new(0, place / ROOM + 1).get(),
                ..Head::ZERO
            };
            let mut left = to;
            Record::new(head, Calm::ZERO, b"").encode(&mut |piece: &[u8]| {
                let len = piece.len().min(left.len());
                let (now, later) = core::mem::take(&mut left).split_at_mut(len);
                now.copy_from_slice(piece.get(..len).unwrap_or_default());
                left = later;
            });
        }
    }

    /// The number of the record that comes next.
    fn number(cursor: &mut Cursor, ring: &Fake) -> Option<u64> {
        let mut buffer = [0; 256];
        match cursor.next(ring, &mut buffer) {
            Next::Record(record) => Some(record.head.id().sequence()),
            _ => None,
        }
    }

    #[test]
    fn cursor_reads_in_order_and_counts_what_it_missed() {
        let geometry = Geometry::new(4, 4096);
        assert!(geometry.is_ok());
        let Ok(geometry) = geometry else { return };
        let mut ring = Fake {
            producer: 2 * ROOM,
            oldest: 0,
            sequence: 2,
        };
        assert!(Cursor::new(geometry, 4, 0).is_none());
        let cursor = Cursor::oldest(geometry, 0, &ring);
        assert!(cursor.is_some());
        let Some(mut cursor) = cursor else { return };
        assert_eq!(cursor.lost(&ring), 77);
        assert_eq!(number(&mut cursor, &ring), Some(1));
        assert_eq!(number(&mut cursor, &ring), Some(2));
        assert_eq!(number(&mut cursor, &ring), None);
        assert_eq!((cursor.position(), cursor.missed()), (2 * ROOM, 0));
        // A lap and a half later: what is gone is skipped, and counted with the first that is read.
        ring.producer = 48 * ROOM;
        ring.oldest = 16 * ROOM;
        ring.sequence = 48;
        assert_eq!(number(&mut cursor, &ring), None);
        assert_eq!((cursor.position(), cursor.missed()), (16 * ROOM, 0));
        assert_eq!(number(&mut cursor, &ring), Some(17));
        assert_eq!(cursor.missed(), 14);
        assert_eq!(cursor.newest_sequence(&ring), 48);
        // A new ring.
        ring.producer = ROOM;
        assert_eq!(number(&mut cursor, &ring), None);
        assert_eq!(cursor.position(), ROOM);
        let newest = Cursor::newest(geometry, 0, &ring);
        assert_eq!(newest.map(|c| c.position()), Some(ROOM));
    }
}
