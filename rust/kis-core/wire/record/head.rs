// SPDX-License-Identifier: GPL-2.0

//! What every record begins with. Floor 0, pure.

use super::field::fill;
use crate::wire::abi::{
    Cause,
    Class,
    Phase,
    RecordType,
    FLAG_LEARNING,
    ID_LANE_BITS,
    MAX_LANES,
    NAME_LEN, //
};
use crate::wire::bytes::until_nul;

table! {
    /// Where the parts of a record are, from its beginning.
    Frame {
        /// Bytes of the record; the next one begins at the next multiple of 8.
        len: u16,
        /// Where the body begins: behind frame and head.
        body_at: u16,
        /// Where the data begin: behind the body.
        data_at: u16,
        /// Which body it is ([`Body`](super::Body)).
        body: u16,
    }
}

table! {
    /// What every record says.
    Head {
        /// Which record it is ([`Id`]).
        id: u64,
        /// CLOCK_MONOTONIC; never less than that of the record before it in its lane.
        mono_ns: u64,
        /// CLOCK_REALTIME.
        wall_ns: u64,
        /// The process's start, CLOCK_BOOTTIME.
        start_ns: u64,
        /// Number of the cell from 1; 0 for none.
        cell: u32,
        /// Generation of the cell configuration.
        generation: u32,
        /// The process whose call it was, in the initial pid namespace; 0 for none.
        pid: u32,
        /// Its thread.
        tid: u32,
        /// Its real user id in the initial user namespace.
        uid: u32,
        /// What the record tells, number of a [`RecordType`]: `type` in C.
        kind: u16,
        /// `FLAG_*` of [`crate::wire::abi`].
        flags: u16,
        /// Why, number of a [`Cause`].
        cause: u16,
        /// What was decided, bits of an [`Action`](crate::wire::abi::Action).
        action: u16,
        /// Number of the [`Mode`](crate::wire::abi::Mode) that was in force.
        mode: u32,
        /// The thread's name, NUL padded.
        comm: [u8; 16],
        /// Name of the cell, NUL padded.
        cell_name: [u8; NAME_LEN],
    }
}

/// Lane and number of a record in one word, which people can type.
///
/// # Examples
///
/// ```
/// use kis_core::wire::record::Id;
///
/// let id = Id::new(3, 4711);
/// assert_eq!((id.lane(), id.sequence()), (3, 4711));
/// assert_eq!(id.get(), 4711 * 1024 + 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(u64);

const _: () = assert!(MAX_LANES <= 1 << ID_LANE_BITS);

impl Id {
    /// The `sequence`-th record of a lane, from 1.
    pub const fn new(lane: u32, sequence: u64) -> Self {
        // CAST: widens. OVERFLOW: a lane has fewer bits, and 2^54 records take centuries.
        Self((sequence << ID_LANE_BITS) | lane as u64)
    }

    /// The one with this number.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Its lane.
    pub const fn lane(self) -> u32 {
        // CAST: just cut.
        (self.0 & ((1 << ID_LANE_BITS) - 1)) as u32
    }

    /// Its number in the lane: one more than that of the record before it, written or lost.
    pub const fn sequence(self) -> u64 {
        self.0 >> ID_LANE_BITS
    }

    /// The class of its lane.
    pub fn class(self) -> Option<Class> {
        // CAST: a handful.
        let classes = Class::ALL.len() as u32;
        let class = self.lane().checked_rem(classes)?;
        u16::try_from(class).ok().and_then(Class::from_u16)
    }
}

impl Default for Head {
    fn default() -> Self {
        Self::ZERO
    }
}

impl Head {
    /// The record that it is.
    pub const fn id(&self) -> Id {
        Id(self.id)
    }

    /// Where it stands among the records of all lanes: by time, then by lane and number.
    pub const fn order(&self) -> (u64, u32, u64) {
        (self.mono_ns, self.id().lane(), self.id().sequence())
    }

    /// The type, if it is known.
    pub const fn record_type(&self) -> Option<RecordType> {
        RecordType::from_u16(self.kind)
    }

    /// The cause, if it is known.
    pub const fn cause(&self) -> Option<Cause> {
        Cause::from_u16(self.cause)
    }

    /// Whether the cell was learning.
    pub const fn phase(&self) -> Phase {
        if self.flags & FLAG_LEARNING != 0 {
            Phase::Learning
        } else {
            Phase::Ready
        }
    }

    /// Name of the cell.
    pub fn cell_name(&self) -> &[u8] {
        until_nul(&self.cell_name)
    }

    /// Sets the name of the cell; what is too long is cut, a NUL stays behind it.
    pub fn set_cell_name(&mut self, name: &[u8]) {
        fill(&mut self.cell_name, name);
    }

    /// The thread's name.
    pub fn comm(&self) -> &[u8] {
        until_nul(&self.comm)
    }

    /// Sets the thread's name; what is too long is cut, a NUL stays behind it.
    pub fn set_comm(&mut self, name: &[u8]) {
        fill(&mut self.comm, name);
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_record_head))]
mod tests {
    use super::*;

    #[test]
    fn names_keep_a_nul() {
        let mut head = Head::ZERO;
        head.set_comm(b"0123456789abcdefgh");
        assert_eq!(head.comm(), b"0123456789abcde");
        head.set_cell_name(b"a\0b");
        assert_eq!(head.cell_name(), b"a");
        assert_eq!(head.cell_name, {
            let mut name = [0; NAME_LEN];
            name[0] = b'a';
            name
        });
    }

    #[test]
    fn ids_hold_lane_and_number() {
        for (lane, sequence) in [(0, 1), (511, 1), (0, u64::MAX >> 10), (1023, 77)] {
            let id = Id::new(lane, sequence);
            assert_eq!((id.lane(), id.sequence()), (lane, sequence));
            assert_eq!(Id::from_number(id.get()), id);
        }
        assert_eq!(Id::new(6, 1).class(), Some(Class::Telemetry));
        assert_eq!(Id::new(8, 1).class(), Some(Class::Verdict));
    }

    #[test]
    fn order_is_by_time_then_lane_then_number() {
        let head = |mono_ns, lane, sequence| Head {
            mono_ns,
            id: Id::new(lane, sequence).get(),
            ..Head::ZERO
        };
        let sorted = [
            head(1, 9, 9),
            head(2, 1, 5),
            head(2, 1, 6),
            head(2, 2, 1),
            head(3, 0, 1),
        ];
        assert!(sorted.is_sorted_by_key(Head::order));
    }
}
