// SPDX-License-Identifier: GPL-2.0

//! The protocol of the record ring, for both sides.
//!
//! The layout is in `include/uapi/linux/kis.h`. Each lane is a ring of bytes with one producer at a
//! time (who holds its lock) and at most one consumer, a process. Positions count bytes and only
//! grow; the byte of position `p` is `p % lane_bytes`, so a record may go over the end. Records have
//! any length up to [`RECORD_MAX`](crate::wire::abi::RECORD_MAX) and begin at multiples of 8. Between
//! `oldest` and `producer` there are only whole ones: before the producer writes over a record it
//! moves `oldest` behind it. Floor 0: the layout is pure, both sides ([`writer`], [`reader`]) work
//! over any memory.
//!
//! The producer never trusts the consumer's position and never waits for it.

pub mod reader;
pub mod writer;

use crate::wire::abi::{
    Class,
    ABI,
    MAX_LANES,
    RECORD_MAX,
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

/// Most bytes of a lane.
pub const MAX_LANE: u32 = 1 << 24;

/// Words of a lane's header, `struct kis_lane`, as offsets from its beginning.
mod lane {
    pub(super) const PRODUCER: usize = 0;
    pub(super) const OLDEST: usize = 8;
    pub(super) const SEQUENCE: usize = 16;
    pub(super) const LOST: usize = 24;
    pub(super) const BAD_CONSUMER: usize = 32;
}

/// Where the consumer positions begin.
const CONSUMERS: usize = PAGE;

/// Where the lane headers begin.
const LANES: usize = 2 * PAGE;

const _: () = assert!(8 * MAX_LANES <= PAGE);

/// What the producer does with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admit {
    /// Writes it behind the others.
    Write,
    /// Loses it and counts that: the consumer has not read what it would overwrite.
    Full,
    /// Writes it as if there were no consumer, and counts an impossible consumer position.
    WriteBadConsumer,
}

/// Whether there is room for a record of `room` bytes at `producer`, in a lane of `size` bytes.
///
/// `consumer` is what the consumer's page said, read once, or `None` without a consumer. It is not
/// trusted: a position ahead of the producer or more than `size` behind it cannot come from an
/// honest consumer, who starts within the lane, and for whom the producer stops in time. Then
/// it is ignored, so that who owns the page can lose only its own records.
#[inline]
pub const fn admit(producer: u64, consumer: Option<u64>, room: u64, size: u64) -> Admit {
    let Some(consumer) = consumer else {
        return Admit::Write;
    };
    match producer.checked_sub(consumer) {
        Some(unread) if unread <= size => {
            if unread.saturating_add(room) <= size {
                Admit::Write
            } else {
                Admit::Full
            }
        }
        _ => Admit::WriteBadConsumer,
    }
}

/// Where everything is in the mapping.
///
/// # Invariants
///
/// `1 <= lanes <= MAX_LANES`, `lane_bytes` is a power of two of at least [`RECORD_MAX`] and at most
/// [`MAX_LANE`], and the whole mapping has less than 2^32 bytes.
///
/// # Examples
///
/// ```
/// use kis_core::wire::abi::Class;
/// use kis_core::wire::ring::Geometry;
///
/// let two_processors = Geometry::new(8, 1 << 17).unwrap();
/// assert_eq!(two_processors.lane(1, Class::Finding), 5);
/// // Where there are more processors than lanes, they share.
/// assert_eq!(two_processors.lane(3, Class::Finding), 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    lanes: u32,
    lane_bytes: u32,
}

/// Lanes of one processor.
const CLASSES: u32 = Class::ALL.len() as u32;

const _: () = assert!(MAX_LANES as u32 % CLASSES == 0);

impl Geometry {
    /// A ring of `lanes` with `lane_bytes` each.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`], also when the lanes are not as many for each class, or their length is no
    /// power of two.
    pub const fn new(lanes: u32, lane_bytes: u32) -> Result<Self> {
        if lanes == 0 || lanes > MAX_LANES as u32 || lanes % CLASSES != 0 {
            return Err(Error::limit("lanes of the ring", MAX_LANES as u32));
        }
        let has_room = lane_bytes >= RECORD_MAX as u32 && lane_bytes <= MAX_LANE;
        if !lane_bytes.is_power_of_two() || !has_room {
            return Err(Error::limit("bytes of a lane, a power of two", MAX_LANE));
        }
        // OVERFLOW: 2^9 lanes of 2^24 bytes.
        let data = lanes as u64 * lane_bytes as u64;
        // The headers of all lanes and the rounding take less than 16 pages.
        if data > (u32::MAX - 16 * PAGE as u32) as u64 {
            return Err(Error::limit("bytes of the ring", u32::MAX));
        }
        // INVARIANT: just compared.
        Ok(Self { lanes, lane_bytes })
    }

    /// A ring of `lane_bytes` a lane for `cpus` processors; those beyond the most share lanes.
    ///
    /// # Errors
    ///
    /// As [`Geometry::new`].
    pub const fn for_cpus(cpus: u32, lane_bytes: u32) -> Result<Self> {
        let most = MAX_LANES as u32 / CLASSES;
        let cpus = if cpus > most { most } else { cpus };
        Self::new(cpus.saturating_mul(CLASSES), lane_bytes)
    }

    /// Number of lanes.
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    /// Bytes of a lane.
    pub const fn lane_bytes(&self) -> u32 {
        self.lane_bytes
    }

    /// The lane of a class for a processor.
    pub const fn lane(&self, cpu: u32, class: Class) -> u32 {
        // OVERFLOW: below the number of lanes, a multiple of the classes, by the invariant.
        (cpu % (self.lanes / CLASSES)) * CLASSES + class as u32
    }

    /// The class of a lane, by its number.
    pub fn class(lane: u32) -> Option<Class> {
        crate::wire::record::Id::new(lane, 0).class()
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

    /// Where the byte of a position of a lane is.
    pub const fn byte_offset(&self, lane: u32, position: u64) -> Option<usize> {
        if lane >= self.lanes {
            return None;
        }
        // CAST: below lane_bytes, which has 32 bits. The mask is the remainder, it being a power of 2.
        let byte = (position & (self.lane_bytes as u64).wrapping_sub(1)) as usize;
        let first = index(lane).wrapping_mul(index(self.lane_bytes));
        Some(self.data_offset().wrapping_add(first).wrapping_add(byte))
    }

    /// How many bytes from a position on lie behind each other before the lane begins anew.
    pub const fn bytes_in_line(&self, position: u64) -> usize {
        // CAST: as above.
        let byte = (position & (self.lane_bytes as u64).wrapping_sub(1)) as usize;
        index(self.lane_bytes).wrapping_sub(byte)
    }

    /// Where the lane headers begin.
    pub const fn lanes_offset(&self) -> usize {
        LANES
    }

    /// Where the lanes begin: the first whole page behind the lane headers.
    pub const fn data_offset(&self) -> usize {
        let headers = index(self.lanes).wrapping_mul(LANE_BYTES);
        whole_pages(LANES.wrapping_add(headers))
    }

    /// Length of the mapping, whole pages.
    pub const fn map_bytes(&self) -> usize {
        let data = index(self.lanes).wrapping_mul(index(self.lane_bytes));
        whole_pages(self.data_offset().wrapping_add(data))
    }

    /// `struct kis_ring_info`.
    pub fn to_info(&self) -> [u8; INFO_BYTES] {
        let mut info = [0; INFO_BYTES];
        let mut w = Writer::new(&mut info);
        w.u32(RING_MAGIC);
        w.u32(ABI);
        w.u32(self.lanes);
        w.u32(self.lane_bytes);
        w.u32(CLASSES);
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
        for (producer, consumer, room, want) in [
            (0, None, 4096, Admit::Write),
            (u64::MAX, None, 8, Admit::Write),
            (0, Some(0), 4096, Admit::Write),
            (0, Some(0), 4104, Admit::Full),
            (4088, Some(0), 8, Admit::Write),
            (4088, Some(0), 16, Admit::Full),
            (4096, Some(0), 8, Admit::Full),
            (4096, Some(8), 8, Admit::Write),
            (4097, Some(0), 8, Admit::WriteBadConsumer),
            (9, Some(10), 8, Admit::WriteBadConsumer),
            (0, Some(u64::MAX), 8, Admit::WriteBadConsumer),
            (u64::MAX, Some(0), 8, Admit::WriteBadConsumer),
        ] {
            assert_eq!(admit(producer, consumer, room, 4096), want);
        }
    }

    #[test]
    fn geometry_matches_the_header() {
        let g = Geometry::new(8, 8192);
        assert!(g.is_ok());
        let Ok(g) = g else { return };
        assert_eq!(g.consumer_offset(3), Some(4096 + 24));
        assert_eq!(g.lane_offset(3), Some(8192 + 192));
        assert_eq!(g.data_offset(), 12288);
        assert_eq!(g.byte_offset(0, 0), Some(12288));
        assert_eq!(g.byte_offset(1, 8192 + 8), Some(12288 + 8192 + 8));
        assert_eq!(g.byte_offset(7, u64::MAX), Some(g.map_bytes() - 1));
        assert_eq!(g.bytes_in_line(8), 8184);
        assert_eq!(g.bytes_in_line(u64::MAX), 1);
        assert_eq!(g.map_bytes(), 12288 + 8 * 8192);
        assert_eq!(g.byte_offset(8, 0), None);
        assert_eq!(g.lane_offset(8), None);
        assert_eq!(g.consumer_offset(8), None);
        assert_eq!(Geometry::from_info(&g.to_info()), Ok(g));
    }

    #[test]
    fn processors_have_a_lane_of_each_class_and_share_when_they_are_many() {
        let g = Geometry::for_cpus(2, 4096);
        assert!(g.is_ok());
        let Ok(g) = g else { return };
        for (cpu, class, want) in [
            (0, Class::Verdict, 0),
            (1, Class::Verdict, 4),
            (1, Class::Telemetry, 6),
            (2, Class::Host, 3),
            (u32::MAX, Class::Host, 7),
        ] {
            assert_eq!(g.lane(cpu, class), want);
            assert_eq!(Geometry::class(want), Some(class));
        }
        let many = Geometry::for_cpus(u32::MAX, 4096).map(|g| g.lanes());
        assert_eq!(many, Ok(MAX_LANES as u32));
        assert!(Geometry::for_cpus(0, 4096).is_err());
    }

    #[test]
    fn geometry_refuses_what_does_not_fit() {
        for (lanes, lane_bytes) in [
            (0, 8192),
            (516, 8192),
            (5, 8192),
            (4, 0),
            (4, 2048),
            (4, 6144),
            (4, 1 << 25),
            (512, 1 << 24),
        ] {
            assert!(Geometry::new(lanes, lane_bytes).is_err());
        }
        let good = Geometry::new(4, 8192).map(|g| g.to_info());
        assert!(good.is_ok());
        let good = good.unwrap_or([0; INFO_BYTES]);
        for at in 0..INFO_BYTES {
            let mut bad = good;
            bad[at] ^= 1;
            assert!(Geometry::from_info(&bad).is_err());
        }
    }
}
