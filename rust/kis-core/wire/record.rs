// SPDX-License-Identifier: GPL-2.0

//! The records of the ring: `struct kis_record`.
//!
//! Fields are as in `include/uapi/linux/kis.h`, which says what each means. Numbers that come from
//! the ring stay numbers here ([`Record::kind`], [`Record::op`] and so on): a reader that is older
//! than the module must be able to show what it does not know. Floor 0, pure and total in both
//! directions; context: any.

use crate::sense::param::Values;
use crate::wire::abi::{
    Cause,
    Op,
    Param,
    Phase,
    RecordType,
    FLAG_LEARNING,
    FLAG_PATH_CUT,
    NAME_LEN,
    RECORD_BYTES,
    RECORD_DATA, //
};
use crate::wire::bytes::{
    until_nul,
    Reader,
    Writer, //
};

const _: () = assert!(8 * Param::COUNT <= RECORD_DATA);

/// A record, without the position that the ring adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Number since the module was loaded, over all lanes.
    pub id: u64,
    /// CLOCK_MONOTONIC.
    pub mono_ns: u64,
    /// CLOCK_REALTIME.
    pub wall_ns: u64,
    /// Number of a [`RecordType`]: `type` in C.
    pub kind: u16,
    /// `FLAG_*` of [`crate::wire::abi`].
    pub flags: u16,
    /// Number of the cell from 1; 0 for none.
    pub cell: u32,
    /// Generation of the cell configuration.
    pub generation: u32,
    /// Process in the initial pid namespace; 0 for none.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// The process's start, CLOCK_BOOTTIME.
    pub start_ns: u64,
    /// The thread's name, NUL padded.
    pub comm: [u8; 16],
    /// Number of a [`Param`].
    pub param: u16,
    /// Number of an [`Op`].
    pub op: u16,
    /// Bits of an [`Action`](crate::wire::abi::Action).
    pub action: u16,
    /// Number of a [`Cause`].
    pub cause: u16,
    /// Value of the parameter.
    pub observed: u64,
    /// Learned mean, 16 fractional bits.
    pub mean: u64,
    /// Learned deviation, 16 fractional bits.
    pub deviation: u64,
    /// The line that was crossed.
    pub threshold: u64,
    /// Windows learned.
    pub n: u64,
    /// Signature.
    pub sig_id: u32,
    /// Its revision.
    pub sig_rev: u32,
    /// Bytes of the stream up to and with the last byte of the match.
    pub offset: u64,
    /// Local address; IPv4 in the first four bytes.
    pub laddr: [u8; 16],
    /// The peer's.
    pub raddr: [u8; 16],
    /// Local port.
    pub lport: u16,
    /// The peer's.
    pub rport: u16,
    /// `AF_*` of [`crate::wire::abi`], or 0.
    pub family: u8,
    /// Protocol, or 0.
    pub proto: u8,
    /// Number of the [`Mode`](crate::wire::abi::Mode) that was in force.
    pub mode: u8,
    /// Bytes of the path at the beginning of `data`.
    pub path_len: u16,
    /// Bytes of the excerpt behind it.
    pub excerpt_len: u16,
    /// For [`RecordType::Control`] and [`RecordType::Phase`]: what it was set to.
    pub value: u32,
    /// Name of the cell, NUL padded.
    pub cell_name: [u8; NAME_LEN],
    /// Path and excerpt, or the values of a window.
    pub data: [u8; RECORD_DATA],
}

impl Default for Record {
    fn default() -> Self {
        Self::new()
    }
}

impl Record {
    /// All zero.
    pub const fn new() -> Self {
        Self {
            id: 0,
            mono_ns: 0,
            wall_ns: 0,
            kind: 0,
            flags: 0,
            cell: 0,
            generation: 0,
            pid: 0,
            tid: 0,
            uid: 0,
            start_ns: 0,
            comm: [0; 16],
            param: 0,
            op: 0,
            action: 0,
            cause: 0,
            observed: 0,
            mean: 0,
            deviation: 0,
            threshold: 0,
            n: 0,
            sig_id: 0,
            sig_rev: 0,
            offset: 0,
            laddr: [0; 16],
            raddr: [0; 16],
            lport: 0,
            rport: 0,
            family: 0,
            proto: 0,
            mode: 0,
            path_len: 0,
            excerpt_len: 0,
            value: 0,
            cell_name: [0; NAME_LEN],
            data: [0; RECORD_DATA],
        }
    }

    /// Writes it over a slot; the position is left 0, which says "being written".
    pub fn encode_into(&self, out: &mut [u8; RECORD_BYTES]) {
        let mut w = Writer::new(out);
        w.u64(0);
        w.u64(self.id);
        w.u64(self.mono_ns);
        w.u64(self.wall_ns);
        w.u16(self.kind);
        w.u16(self.flags);
        w.u32(self.cell);
        w.u32(self.generation);
        w.u32(self.pid);
        w.u32(self.tid);
        w.u32(self.uid);
        w.u64(self.start_ns);
        w.put(&self.comm);
        w.u16(self.param);
        w.u16(self.op);
        w.u16(self.action);
        w.u16(self.cause);
        w.u64(self.observed);
        w.u64(self.mean);
        w.u64(self.deviation);
        w.u64(self.threshold);
        w.u64(self.n);
        w.u32(self.sig_id);
        w.u32(self.sig_rev);
        w.u64(self.offset);
        w.put(&self.laddr);
        w.put(&self.raddr);
        w.u16(self.lport);
        w.u16(self.rport);
        w.u8(self.family);
        w.u8(self.proto);
        w.u8(self.mode);
        w.u8(0);
        w.u16(self.path_len);
        w.u16(self.excerpt_len);
        w.u32(self.value);
        w.put(&self.cell_name);
        w.put(&self.data);
    }

    /// The position plus one (0 while it is written) and the record in a slot.
    pub fn decode(slot: &[u8; RECORD_BYTES]) -> (u64, Self) {
        // Every read lies within the slot: a test compares each field's place.
        let mut r = Reader::new(slot, 0);
        let mut record = Self::new();
        let seq = Self::read(&mut r, &mut record).unwrap_or(0);
        (seq, record)
    }

    /// Reads all fields.
    fn read(r: &mut Reader<'_>, to: &mut Self) -> Option<u64> {
        let seq = r.u64()?;
        to.id = r.u64()?;
        to.mono_ns = r.u64()?;
        to.wall_ns = r.u64()?;
        to.kind = r.u16()?;
        to.flags = r.u16()?;
        to.cell = r.u32()?;
        to.generation = r.u32()?;
        to.pid = r.u32()?;
        to.tid = r.u32()?;
        to.uid = r.u32()?;
        to.start_ns = r.u64()?;
        to.comm = r.array()?;
        to.param = r.u16()?;
        to.op = r.u16()?;
        to.action = r.u16()?;
        to.cause = r.u16()?;
        to.observed = r.u64()?;
        to.mean = r.u64()?;
        to.deviation = r.u64()?;
        to.threshold = r.u64()?;
        to.n = r.u64()?;
        to.sig_id = r.u32()?;
        to.sig_rev = r.u32()?;
        to.offset = r.u64()?;
        to.laddr = r.array()?;
        to.raddr = r.array()?;
        to.lport = r.u16()?;
        to.rport = r.u16()?;
        to.family = r.u8()?;
        to.proto = r.u8()?;
        to.mode = r.u8()?;
        r.u8()?;
        to.path_len = r.u16()?;
        to.excerpt_len = r.u16()?;
        to.value = r.u32()?;
        to.cell_name = r.array()?;
        to.data = r.array()?;
        Some(seq)
    }

    /// The type, if it is known.
    pub const fn record_type(&self) -> Option<RecordType> {
        RecordType::from_u16(self.kind)
    }

    /// The parameter; `None` when the record is not about one.
    pub const fn param(&self) -> Option<Param> {
        if self.flags & crate::wire::abi::FLAG_PARAM == 0 {
            return None;
        }
        Param::from_u16(self.param)
    }

    /// The operation, if it is known.
    pub const fn op(&self) -> Option<Op> {
        Op::from_u16(self.op)
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

    /// Sets the path; of a long one the end is kept and [`FLAG_PATH_CUT`] set.
    ///
    /// Before [`Record::set_excerpt`], which is forgotten.
    pub fn set_path(&mut self, path: &[u8]) {
        self.excerpt_len = 0;
        self.path_len = 0;
        self.flags &= !FLAG_PATH_CUT;
        let (kept, cut) = keep_end(path, RECORD_DATA);
        if cut {
            self.flags |= FLAG_PATH_CUT;
        }
        if let Some(room) = self.data.get_mut(..kept.len()) {
            room.copy_from_slice(kept);
            // CAST: at most RECORD_DATA.
            self.path_len = kept.len() as u16;
        }
    }

    /// Sets the excerpt of received data behind the path; of a long one the end is kept, because
    /// that is where the match is.
    pub fn set_excerpt(&mut self, excerpt: &[u8]) {
        self.excerpt_len = 0;
        let start = usize::from(self.path_len);
        let room = self.data.get_mut(start..).unwrap_or_default();
        let (kept, _) = keep_end(excerpt, room.len());
        if let Some(room) = room.get_mut(..kept.len()) {
            room.copy_from_slice(kept);
            // CAST: at most RECORD_DATA.
            self.excerpt_len = kept.len() as u16;
        }
    }

    /// The path; empty when the lengths are impossible.
    pub fn path(&self) -> &[u8] {
        self.data
            .get(..usize::from(self.path_len))
            .unwrap_or_default()
    }

    /// The excerpt; empty when the lengths are impossible.
    pub fn excerpt(&self) -> &[u8] {
        let start = usize::from(self.path_len);
        let end = start.saturating_add(usize::from(self.excerpt_len));
        self.data.get(start..end).unwrap_or_default()
    }

    /// Sets the values of a [`RecordType::Window`].
    pub fn set_window_values(&mut self, values: &Values) {
        self.path_len = 0;
        self.excerpt_len = 0;
        let mut w = Writer::new(&mut self.data);
        for value in values {
            w.u64(*value);
        }
    }

    /// The values of a [`RecordType::Window`].
    pub fn window_values(&self) -> Values {
        let mut r = Reader::new(&self.data, 0);
        core::array::from_fn(|_| r.u64().unwrap_or(0))
    }
}

/// The last `room` bytes of `bytes`, and whether that is not all.
fn keep_end(bytes: &[u8], room: usize) -> (&[u8], bool) {
    let cut = bytes.len().saturating_sub(room);
    (bytes.get(cut..).unwrap_or_default(), cut != 0)
}

/// Copies `name` and pads it, with at least one NUL.
fn fill(to: &mut [u8], name: &[u8]) {
    let name = until_nul(name);
    let len = name.len().min(to.len().saturating_sub(1));
    for (i, to) in to.iter_mut().enumerate() {
        *to = name.get(i).filter(|_| i < len).copied().unwrap_or(0);
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_record))]
mod tests {
    use super::*;

    #[test]
    fn record_round_trips_every_byte() {
        let mut slot = [0u8; RECORD_BYTES];
        for (i, byte) in slot.iter_mut().enumerate() {
            *byte = (i % 251) as u8;
        }
        let (seq, record) = Record::decode(&slot);
        assert_eq!(seq, 0x0706_0504_0302_0100);
        let mut again = [0xffu8; RECORD_BYTES];
        record.encode_into(&mut again);
        // All but the position and the padding.
        assert!(again.iter().take(8).all(|b| *b == 0));
        let same = slot.iter().zip(&again).enumerate();
        for (i, (a, b)) in same.skip(8) {
            assert!(a == b || (i == 183 && *b == 0));
        }
    }

    #[test]
    fn record_fields_are_where_the_header_has_them() {
        let mut record = Record::new();
        record.kind = 0x1122;
        record.comm = [1; 16];
        record.param = 0x3344;
        record.offset = 0x55;
        record.rport = 0x6677;
        record.value = 0x8899;
        record.set_cell_name(b"redis");
        record.set_path(b"/p");
        let mut slot = [0u8; RECORD_BYTES];
        record.encode_into(&mut slot);
        for (at, want) in [
            (32, 0x22),
            (64, 1),
            (79, 1),
            (80, 0x44),
            (136, 0x55),
            (178, 0x77),
            (184, 2),
            (188, 0x99),
            (192, b'r'),
            (224, b'/'),
            (225, b'p'),
        ] {
            assert_eq!(slot.get(at).copied(), Some(want));
        }
    }

    #[test]
    fn path_and_excerpt_keep_their_ends() {
        let mut record = Record::new();
        record.set_path(b"/etc/passwd");
        record.set_excerpt(b"GET /");
        assert_eq!(record.path(), b"/etc/passwd");
        assert_eq!(record.excerpt(), b"GET /");
        let mut long = [b'x'; 600];
        long[599] = b'!';
        record.set_excerpt(&long);
        assert_eq!(record.excerpt().len(), RECORD_DATA - 11);
        assert_eq!(record.excerpt().last(), Some(&b'!'));
        assert_eq!(record.flags, 0);
        record.set_path(&long);
        assert_eq!(record.path().len(), RECORD_DATA);
        assert_eq!(record.path().last(), Some(&b'!'));
        assert_eq!(record.flags, FLAG_PATH_CUT);
        assert!(record.excerpt().is_empty());
        record.set_excerpt(b"no room");
        assert!(record.excerpt().is_empty());
        record.set_path(b"");
        assert_eq!(record.flags, 0);
    }

    #[test]
    fn impossible_lengths_give_nothing() {
        let mut record = Record::new();
        record.path_len = u16::MAX;
        record.excerpt_len = u16::MAX;
        assert!(record.path().is_empty() && record.excerpt().is_empty());
        record.set_excerpt(b"x");
        assert!(record.excerpt().is_empty());
    }

    #[test]
    fn window_values_round_trip() {
        let mut values = [0; Param::COUNT];
        for (i, value) in values.iter_mut().enumerate() {
            *value = u64::MAX - i as u64;
        }
        let mut record = Record::new();
        record.set_window_values(&values);
        assert_eq!(record.window_values(), values);
    }

    #[test]
    fn names_keep_a_nul() {
        let mut record = Record::new();
        record.set_comm(b"0123456789abcdefgh");
        assert_eq!(record.comm(), b"0123456789abcde");
        record.set_cell_name(b"a\0b");
        assert_eq!(record.cell_name(), b"a");
        assert_eq!(record.cell_name, {
            let mut name = [0; NAME_LEN];
            name[0] = b'a';
            name
        });
    }
}
