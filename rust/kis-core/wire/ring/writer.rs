// SPDX-License-Identifier: GPL-2.0

//! The producer's side of the ring.
//!
//! The kernel writes the mapping with it, the tests a model. A record goes into the lane in a few
//! pieces, without a copy of the whole. Floor 0; never waits, never fails: what finds no room is
//! counted. The caller lets one producer at a time into a lane; any context.

use super::{
    admit,
    lane,
    Admit,
    Geometry, //
};
use crate::wire::record::{
    room_of,
    Id,
    Record, //
};
use core::sync::atomic::{
    fence,
    Ordering, //
};

/// The mapping.
pub trait Memory {
    /// Loads the aligned 64-bit word at `offset`.
    fn load_u64(&self, offset: usize) -> u64;

    /// Stores the aligned 64-bit word at `offset` with release semantics.
    fn store_u64(&self, offset: usize, value: u64);

    /// Copies bytes to `offset`; readers may look meanwhile.
    fn write(&self, offset: usize, bytes: &[u8]);
}

/// What the producer itself believes of a lane; readers see a copy.
///
/// # Examples
///
/// ```
/// use kis_core::wire::record::{Calm, Head, Record};
/// use kis_core::wire::ring::reader::{self, Cursor, Next};
/// use kis_core::wire::ring::writer::{self, Lane};
/// use kis_core::wire::ring::Geometry;
/// use std::cell::RefCell;
///
/// struct Bytes(RefCell<Vec<u8>>);
///
/// impl writer::Memory for Bytes {
///     fn load_u64(&self, offset: usize) -> u64 {
///         u64::from_le_bytes(self.0.borrow()[offset..][..8].try_into().unwrap())
///     }
///     fn store_u64(&self, offset: usize, value: u64) {
///         self.write(offset, &value.to_le_bytes());
///     }
///     fn write(&self, offset: usize, bytes: &[u8]) {
///         self.0.borrow_mut()[offset..][..bytes.len()].copy_from_slice(bytes);
///     }
/// }
///
/// impl reader::Memory for Bytes {
///     fn load_u64(&self, offset: usize) -> u64 {
///         writer::Memory::load_u64(self, offset)
///     }
///     fn copy(&self, offset: usize, to: &mut [u8]) {
///         to.copy_from_slice(&self.0.borrow()[offset..][..to.len()]);
///     }
/// }
///
/// let geometry = Geometry::for_cpus(1, 4096).unwrap();
/// let memory = Bytes(RefCell::new(vec![0; geometry.map_bytes()]));
/// let mut lane = Lane::new(1);
/// let mut record = Record::new(Head::ZERO, Calm { one: 1, two: 0 }, b"");
/// assert!(lane.write(&geometry, &memory, None, &mut record));
///
/// let mut cursor = Cursor::oldest(geometry, 1, &memory).unwrap();
/// let mut buffer = [0; 4096];
/// assert_eq!(cursor.next(&memory, &mut buffer), Next::Record(record));
/// assert_eq!(cursor.next(&memory, &mut buffer), Next::Empty);
/// ```
#[derive(Debug)]
pub struct Lane {
    number: u32,
    producer: u64,
    oldest: u64,
    sequence: u64,
    lost: u64,
    bad_consumer: u64,
}

impl Lane {
    /// Lane `number`, empty.
    pub const fn new(number: u32) -> Self {
        Self {
            number,
            producer: 0,
            oldest: 0,
            sequence: 0,
            lost: 0,
            bad_consumer: 0,
        }
    }

    /// Position behind the newest record.
    pub const fn producer(&self) -> u64 {
        self.producer
    }

    /// Numbers a record and writes it; false when there is no room for it.
    ///
    /// `consumer` is what the consumer's page says, read once, or `None` without a consumer. What of
    /// the head has to be in the order of the lane, the times, is to be set under the same lock.
    pub fn write<M: Memory>(
        &mut self,
        geometry: &Geometry,
        memory: &M,
        consumer: Option<u64>,
        record: &mut Record<'_>,
    ) -> bool {
        let Some(header) = geometry.lane_offset(self.number) else {
            return false;
        };
        // CAST: widens, here and below.
        let (room, size) = (record.room() as u64, u64::from(geometry.lane_bytes()));
        // OVERFLOW: 2^64 of anything do not come, here and below.
        self.sequence = self.sequence.wrapping_add(1);
        record.head.id = Id::new(self.number, self.sequence).get();
        let decision = admit(self.producer, consumer, room, size);
        if decision == Admit::Full {
            self.lost = self.lost.wrapping_add(1);
            memory.store_u64(header.wrapping_add(lane::LOST), self.lost);
            memory.store_u64(header.wrapping_add(lane::SEQUENCE), self.sequence);
            return false;
        }
        if decision == Admit::WriteBadConsumer {
            self.bad_consumer = self.bad_consumer.wrapping_add(1);
            memory.store_u64(header.wrapping_add(lane::BAD_CONSUMER), self.bad_consumer);
        }
        self.forget(geometry, memory, header, room, size);
        let end = self.producer.wrapping_add(room);
        let mut position = self.producer;
        record.encode(&mut |piece| position = self.put(geometry, memory, position, piece));
        self.producer = end;
        // A reader that knows the number of the newest record before its position takes nothing for
        // lost that is still to come.
        memory.store_u64(header.wrapping_add(lane::SEQUENCE), self.sequence);
        // ORDERING: pairs with the reader's load of the position: it sees the whole record.
        memory.store_u64(header.wrapping_add(lane::PRODUCER), self.producer);
        true
    }

    /// Makes room for `room` bytes at the end: the oldest records are no more.
    fn forget<M: Memory>(
        &mut self,
        geometry: &Geometry,
        memory: &M,
        header: usize,
        room: u64,
        size: u64,
    ) {
        let before = self.oldest;
        // Each step is a record, and the new one covers a few dozen of the shortest.
        while self.producer.saturating_add(room) > self.oldest.saturating_add(size) {
            let first = geometry
                .byte_offset(self.number, self.oldest)
                .map_or(0, |at| memory.load_u64(at));
            let left = self.producer.saturating_sub(self.oldest);
            self.oldest = match room_of(&first.to_le_bytes()) {
                Some(its) if its <= left => self.oldest.wrapping_add(its),
                // Nobody but the producer writes there. Should it be nonsense, all is forgotten.
                _ => self.producer,
            };
        }
        if self.oldest != before {
            memory.store_u64(header.wrapping_add(lane::OLDEST), self.oldest);
            // ORDERING: a reader that sees a byte of the new record also sees that the old ones are
            // gone: it copies, and then loads `oldest` (`ring::reader`).
            fence(Ordering::Release);
        }
    }

    /// Puts bytes at a position, around the end of the lane if need be; the position behind them.
    fn put<M: Memory>(&self, geometry: &Geometry, memory: &M, position: u64, bytes: &[u8]) -> u64 {
        let line = geometry.bytes_in_line(position).min(bytes.len());
        let (first, second) = bytes.split_at_checked(line).unwrap_or((bytes, &[]));
        let mut at = position;
        for part in [first, second] {
            if let Some(offset) = geometry
                .byte_offset(self.number, at)
                .filter(|_| !part.is_empty())
            {
                memory.write(offset, part);
            }
            // CAST: widens.
            at = at.wrapping_add(part.len() as u64);
        }
        at
    }
}
