// SPDX-License-Identifier: GPL-2.0

//! The consumer's side of the ring.
//!
//! kisctl reads the mapping with it, the tests a model. The kernel writes while this reads, so a
//! slot is copied first and believed only if its position is the same before and after. Floor 0;
//! always makes progress, whatever the memory says.

use core::sync::atomic::{
    fence,
    Ordering, //
};

use super::Geometry;
use crate::wire::abi::RECORD_BYTES;
use crate::wire::record::Record;

/// The mapping.
pub trait Memory {
    /// Loads the aligned 64-bit word at `offset` with acquire semantics, as the kernel stored it
    /// (little endian on all machines KIS runs on).
    fn load_u64(&self, offset: usize) -> u64;

    /// Copies the slot at `offset`; it may change meanwhile.
    fn copy(&self, offset: usize, to: &mut [u8; RECORD_BYTES]);
}

/// What came next in a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no allocation to box it, and one is alive at a time"
)]
pub enum Next {
    /// A record.
    Record(Record),
    /// Nothing is left; wait.
    Empty,
    /// So many records were overwritten before they could be read.
    Lost(u64),
}

/// Where a reader is in one lane.
///
/// # Invariants
///
/// `lane` is one of `geometry`.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    geometry: Geometry,
    lane: u32,
    position: u64,
}

impl Cursor {
    /// Reads `lane` from `position` on; `None` for a lane that is not there.
    pub fn new(geometry: Geometry, lane: u32, position: u64) -> Option<Self> {
        // INVARIANT: just compared.
        (lane < geometry.lanes()).then_some(Self {
            geometry,
            lane,
            position,
        })
    }

    /// Reads `lane` from its oldest record on.
    pub fn oldest<M: Memory>(geometry: Geometry, lane: u32, memory: &M) -> Option<Self> {
        let producer = memory.load_u64(geometry.lane_offset(lane)?);
        let oldest = producer.saturating_sub(u64::from(geometry.slots()));
        Self::new(geometry, lane, oldest)
    }

    /// Reads `lane` from its end on: only what is written from now.
    pub fn newest<M: Memory>(geometry: Geometry, lane: u32, memory: &M) -> Option<Self> {
        let producer = memory.load_u64(geometry.lane_offset(lane)?);
        Self::new(geometry, lane, producer)
    }

    /// The lane.
    pub const fn lane(&self) -> u32 {
        self.lane
    }

    /// Position of the next record: what a consumer writes to its page when it has done its work.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// Records the kernel has lost in this lane because the consumer was slow.
    pub fn lost<M: Memory>(&self, memory: &M) -> u64 {
        let header = self.geometry.lane_offset(self.lane);
        header.map_or(0, |at| memory.load_u64(at + 8))
    }

    /// What comes next. Unless it is [`Next::Empty`] the position has moved on.
    pub fn next<M: Memory>(&mut self, memory: &M) -> Next {
        let Some(header) = self.geometry.lane_offset(self.lane) else {
            return Next::Empty;
        };
        let producer = memory.load_u64(header);
        let slots = u64::from(self.geometry.slots());
        let Some(unread) = producer.checked_sub(self.position) else {
            // Behind the producer: another ring than before.
            self.position = producer;
            return Next::Empty;
        };
        if unread == 0 {
            return Next::Empty;
        }
        if let Some(overwritten @ 1..) = unread.checked_sub(slots) {
            self.position = self.position.saturating_add(overwritten);
            return Next::Lost(overwritten);
        }
        let Some(slot) = self.geometry.slot_offset(self.lane, self.position) else {
            return Next::Empty;
        };
        // A slot says the position behind its own; anything else is the next round's, begun or done.
        let want = self.position.wrapping_add(1);
        self.position = want;
        if memory.load_u64(slot) != want {
            return Next::Lost(1);
        }
        let mut copy = [0; RECORD_BYTES];
        memory.copy(slot, &mut copy);
        // ORDERING: pairs with the producer's write barrier between setting the position to 0 and
        // the first byte of a record: if the copy has one byte of the next round, the load below
        // does not see the old position.
        fence(Ordering::Acquire);
        if memory.load_u64(slot) != want {
            return Next::Lost(1);
        }
        Next::Record(Record::decode(&copy).1)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_ring_reader))]
mod tests {
    use super::*;

    /// A ring of one lane with two slots in which all records have id = position.
    struct Fake {
        producer: u64,
        seqs: [u64; 2],
    }

    impl Memory for Fake {
        fn load_u64(&self, offset: usize) -> u64 {
            match offset {
                8192 => self.producer,
                8200 => 77,
                12288 => self.seqs[0],
                12800 => self.seqs[1],
                _ => u64::MAX,
            }
        }

        fn copy(&self, offset: usize, to: &mut [u8; RECORD_BYTES]) {
            let mut record = Record::new();
            record.id = self.load_u64(offset).wrapping_sub(1);
            record.encode_into(to);
        }
    }

    #[test]
    fn cursor_reads_in_order_and_counts_losses() {
        let geometry = Geometry::new(1, 2);
        assert!(geometry.is_ok());
        let Ok(geometry) = geometry else { return };
        let mut ring = Fake {
            producer: 2,
            seqs: [1, 2],
        };
        assert!(Cursor::new(geometry, 1, 0).is_none());
        let cursor = Cursor::oldest(geometry, 0, &ring);
        assert!(cursor.is_some());
        let Some(mut cursor) = cursor else { return };
        assert_eq!(cursor.lost(&ring), 77);
        assert!(matches!(cursor.next(&ring), Next::Record(r) if r.id == 0));
        assert!(matches!(cursor.next(&ring), Next::Record(r) if r.id == 1));
        assert_eq!(cursor.next(&ring), Next::Empty);
        // Three more were written: the first of them is gone.
        ring.producer = 5;
        ring.seqs = [5, 4];
        assert_eq!(cursor.next(&ring), Next::Lost(1));
        assert!(matches!(cursor.next(&ring), Next::Record(r) if r.id == 3));
        // The slot is being written again.
        ring.seqs = [0, 4];
        assert_eq!(cursor.next(&ring), Next::Lost(1));
        assert_eq!(cursor.position(), 5);
        // A new ring.
        ring.producer = 1;
        assert_eq!(cursor.next(&ring), Next::Empty);
        assert_eq!(cursor.position(), 1);
        assert_eq!(
            Cursor::newest(geometry, 0, &ring).map(|c| c.position()),
            Some(1)
        );
    }
}
