// SPDX-License-Identifier: GPL-2.0

//! The protocol of the record ring, for both sides.
//!
//! The layout is in `include/uapi/linux/kis.h`. Each lane has one producer at a time (the CPU it
//! belongs to, softirqs off) and at most one consumer, a process. Positions only grow; the slot of
//! position `p` is `p % slots`. Floor 0: the producer's decision and the layout are pure, the
//! consumer's side ([`reader`]) works over any [`reader::Memory`].
//!
//! The producer never trusts the consumer's position and never waits for it.

pub mod reader;

use crate::wire::abi::{
    Class,
    ABI,
    MAX_LANES,
    RECORD_BYTES,
    RING_MAGIC, //
};
use crate::wire::bytes::{
    index,
    Reader,
    Writer, //
};
use crate::{
    Error,
    Result, //
};

/// Bytes of a page of the mapping.
pub const PAGE: usize = 4096;

/// Bytes of `struct kis_ring_info`.
pub const INFO_BYTES: usize = 32;

/// Bytes of `struct kis_lane`.
pub const LANE_BYTES: usize = 64;

/// Most slots of a lane.
pub const MAX_SLOTS: u32 = 1 << 16;

/// Where the consumer positions begin.
const CONSUMERS: usize = PAGE;

/// Where the lane headers begin.
const LANES: usize = 2 * PAGE;

const _: () = assert!(8 * MAX_LANES <= PAGE);

/// What the producer does with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    /// Writes it to the slot of the producer's position.
    Write,
    /// Loses it and counts that: the consumer has not read the slot yet.
    Full,
    /// Writes it as if there were no consumer, and counts an impossible consumer position.
    WriteBadConsumer,
}

/// Whether there is room for a record at `producer`.
///
/// `consumer` is what the consumer's page said, read once, or `None` without a consumer. It is not
/// trusted: a position ahead of the producer or more than `slots` behind it cannot come from an
/// honest consumer, who starts within the ring, and for whom the producer stops in time. Then
/// it is ignored, so that who owns the page can lose only its own records.
#[inline]
pub const fn admit(producer: u64, consumer: Option<u64>, slots: u32) -> Admit {
    let Some(consumer) = consumer else {
        return Admit::Write;
    };
    // CAST: widens.
    let slots = slots as u64;
    match producer.checked_sub(consumer) {
        Some(unread) if unread < slots => Admit::Write,
        Some(unread) if unread == slots => Admit::Full,
        _ => Admit::WriteBadConsumer,
    }
}

/// Where everything is in the mapping.
///
/// # Invariants
///
/// `1 <= lanes <= MAX_LANES`, slots is a power of two of at most [`MAX_SLOTS`], and the whole
/// mapping has less than 2^32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    lanes: u32,
    slots: u32,
}

impl Geometry {
    /// A ring of `lanes` with `slots` each.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`], also when `slots` is no power of two.
    pub const fn new(lanes: u32, slots: u32) -> Result<Self> {
        if lanes == 0 || lanes > MAX_LANES as u32 {
            return Err(Error::limit("lanes of the ring", MAX_LANES as u32));
        }
        if !slots.is_power_of_two() || slots > MAX_SLOTS {
            return Err(Error::limit("slots of a lane, a power of two", MAX_SLOTS));
        }
        // OVERFLOW: 2^9 lanes and 2^16 slots.
        let data = (lanes as u64 * slots as u64).saturating_mul(RECORD_BYTES as u64);
        // The headers of all lanes and the rounding take less than 16 pages.
        if data > (u32::MAX - 16 * PAGE as u32) as u64 {
            return Err(Error::limit("bytes of the ring", u32::MAX));
        }
        // INVARIANT: just compared.
        Ok(Self { lanes, slots })
    }

    /// Number of lanes.
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// Slots of a lane.
    pub const fn slots(&self) -> u32 {
        self.slots
    }

    /// The lane of a class of a CPU, if the ring has it.
    pub const fn lane(&self, cpu: u32, class: Class) -> Option<u32> {
        // CAST: a small number widens.
        let lane = match cpu.checked_mul(Class::ALL.len() as u32) {
            Some(first) => first.saturating_add(class as u32),
            None => return None,
        };
        if lane < self.lanes {
            Some(lane)
        } else {
            None
        }
    }

    /// Where the consumer's position of a lane is; `None` for a lane that is not there.
    pub const fn consumer_offset(&self, lane: u32) -> Option<usize> {
        if lane >= self.lanes {
            return None;
        }
        // OVERFLOW: nothing wraps or saturates within the mapping, here and below; see the invariants.
        Some(index(lane).wrapping_mul(8).wrapping_add(CONSUMERS))
    }

    /// Where the header of a lane is.
    pub const fn lane_offset(&self, lane: u32) -> Option<usize> {
        if lane >= self.lanes {
            return None;
        }
        Some(index(lane).wrapping_mul(LANE_BYTES).wrapping_add(LANES))
    }

    /// Where the slot for a position of a lane is.
    pub const fn slot_offset(&self, lane: u32, position: u64) -> Option<usize> {
        if lane >= self.lanes {
            return None;
        }
        // CAST: below slots, which has 32 bits. The mask is the remainder, slots being a power of 2.
        let slot = (position & (self.slots as u64).wrapping_sub(1)) as usize;
        let first = index(lane).wrapping_mul(index(self.slots));
        let before = first.wrapping_add(slot).wrapping_mul(RECORD_BYTES);
        Some(self.data_offset().wrapping_add(before))
    }

    /// Where the lane headers begin.
    pub const fn lanes_offset(&self) -> usize {
        LANES
    }

    /// Where the slots begin: the first whole page behind the lane headers.
    pub const fn data_offset(&self) -> usize {
        let headers = index(self.lanes).wrapping_mul(LANE_BYTES);
        whole_pages(LANES.wrapping_add(headers))
    }

    /// Length of the mapping, whole pages.
    pub const fn map_bytes(&self) -> usize {
        let slots = index(self.lanes).wrapping_mul(index(self.slots));
        let data = slots.wrapping_mul(RECORD_BYTES);
        whole_pages(self.data_offset().wrapping_add(data))
    }

    /// `struct kis_ring_info`.
    pub fn to_info(&self) -> [u8; INFO_BYTES] {
        let mut info = [0; INFO_BYTES];
        let mut w = Writer::new(&mut info);
        w.u32(RING_MAGIC);
        w.u32(ABI);
        w.u32(self.lanes);
        w.u32(self.slots);
        w.u32(RECORD_BYTES as u32);
        // CAST: the mapping has less than 2^32 bytes.
        w.u32(self.lanes_offset() as u32);
        w.u32(self.data_offset() as u32);
        w.u32(self.map_bytes() as u32);
        info
    }

    /// The geometry that `struct kis_ring_info` describes, if it is one that this code reads.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] when a number is not what it has to be, [`Error::Limit`] as
    /// [`Geometry::new`].
    pub fn from_info(info: &[u8; INFO_BYTES]) -> Result<Self> {
        let mut r = Reader::new(info, 8);
        let short = Error::malformed(0, "ring header");
        let geometry = Self::new(r.u32().ok_or(short)?, r.u32().ok_or(short)?)?;
        let want = geometry.to_info();
        let mut differ = info.iter().zip(&want);
        match differ.position(|(a, b)| a != b) {
            None => Ok(geometry),
            Some(0..4) => Err(Error::malformed(0, "magic of the ring")),
            Some(4..8) => Err(Error::malformed(4, "ABI of the ring")),
            Some(at) => Err(Error::malformed(at, "layout of the ring")),
        }
    }
}

/// Rounds up to whole pages.
const fn whole_pages(bytes: usize) -> usize {
    bytes.wrapping_add(PAGE - 1) & !(PAGE - 1)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_ring))]
mod tests {
    use super::*;

    #[test]
    fn admit_table() {
        for (producer, consumer, want) in [
            (0, None, Admit::Write),
            (u64::MAX, None, Admit::Write),
            (0, Some(0), Admit::Write),
            (7, Some(0), Admit::Write),
            (8, Some(0), Admit::Full),
            (8, Some(1), Admit::Write),
            (9, Some(0), Admit::WriteBadConsumer),
            (9, Some(10), Admit::WriteBadConsumer),
            (0, Some(u64::MAX), Admit::WriteBadConsumer),
            (u64::MAX, Some(0), Admit::WriteBadConsumer),
        ] {
            assert_eq!(admit(producer, consumer, 8), want);
        }
    }

    #[test]
    fn geometry_matches_the_header() {
        let g = Geometry::new(4, 256);
        assert!(g.is_ok());
        let Ok(g) = g else { return };
        assert_eq!(g.consumer_offset(3), Some(4096 + 24));
        assert_eq!(g.lane_offset(3), Some(8192 + 192));
        assert_eq!(g.data_offset(), 12288);
        assert_eq!(g.slot_offset(0, 0), Some(12288));
        assert_eq!(g.slot_offset(1, 257), Some(12288 + 257 * 512));
        assert_eq!(g.slot_offset(3, u64::MAX), Some(g.map_bytes() - 512));
        assert_eq!(g.map_bytes(), 12288 + 4 * 256 * 512);
        assert_eq!(g.slot_offset(4, 0), None);
        assert_eq!(g.lane_offset(4), None);
        assert_eq!(g.consumer_offset(4), None);
        assert_eq!(g.lane(1, Class::Telemetry), Some(3));
        assert_eq!(g.lane(2, Class::Alert), None);
        assert_eq!(g.lane(u32::MAX, Class::Alert), None);
        assert_eq!(Geometry::from_info(&g.to_info()), Ok(g));
    }

    #[test]
    fn geometry_refuses_what_does_not_fit() {
        for (lanes, slots) in [
            (0, 8),
            (513, 8),
            (1, 0),
            (1, 6),
            (1, 1 << 17),
            (512, 1 << 16),
        ] {
            assert!(Geometry::new(lanes, slots).is_err());
        }
        let good = Geometry::new(2, 8).map(|g| g.to_info());
        assert!(good.is_ok());
        let good = good.unwrap_or([0; INFO_BYTES]);
        for at in 0..INFO_BYTES {
            let mut bad = good;
            bad[at] ^= 1;
            assert!(Geometry::from_info(&bad).is_err());
        }
    }
}
