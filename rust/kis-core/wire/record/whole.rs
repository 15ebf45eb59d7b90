// SPDX-License-Identifier: GPL-2.0

//! A record from end to end.
//!
//! The same type is what a writer puts together and what a reader sees: it borrows its data, so that
//! nobody holds 4 KiB on the stack. Floor 0, pure and total.

use super::{
    Body,
    Frame,
    Head,
    Scanned, //
};
use crate::sense::param::{
    Param,
    Values, //
};
use crate::wire::abi::{
    Class,
    Op,
    RecordType,
    FLAG_PATH_CUT,
    RECORD_MAX, //
};
use crate::wire::bytes::{
    u16_at,
    u64_at,
    Writer, //
};

/// Where the body begins.
const BODY_AT: usize = Frame::BYTES + Head::BYTES;

/// Most bytes in front of the data.
const FIXED_MAX: usize = BODY_AT + Body::MAX_BYTES;

const _: () = assert!(RECORD_MAX <= u16::MAX as usize && RECORD_MAX % 8 == 0);
const _: () = assert!(FIXED_MAX + super::Window::DATA <= RECORD_MAX);

/// A record.
///
/// # Invariants
///
/// The data fit: the whole has at most [`RECORD_MAX`] bytes.
///
/// # Examples
///
/// ```
/// use kis_core::wire::abi::{Op, RecordType};
/// use kis_core::wire::record::{Head, Operation, Record};
///
/// let head = Head { kind: RecordType::Veto as u16, ..Head::ZERO };
/// let record = Record::new(head, Operation::new(Op::Exec, 1, None), b"/bin/sh");
/// let mut bytes = Vec::new();
/// record.encode(&mut |part| bytes.extend_from_slice(part));
/// assert_eq!(bytes.len(), record.room());
/// let read = Record::decode(&bytes).unwrap();
/// assert_eq!(read, record);
/// assert_eq!(read.path(), Some(&b"/bin/sh"[..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What every record says.
    pub head: Head,
    /// What this kind of record says.
    pub body: Body,
    data: &'a [u8],
}

impl<'a> Record<'a> {
    /// A record; of data that are too long the end is kept, because a path ends with its name and
    /// an excerpt with the match. For a path the flag says that it was cut.
    pub fn new(head: Head, body: impl Into<Body>, data: &'a [u8]) -> Self {
        let body = body.into();
        let room = RECORD_MAX.saturating_sub(BODY_AT + body.bytes());
        let cut = data.len().saturating_sub(room);
        let mut record = Self {
            head,
            body,
            // INVARIANT: what fits.
            data: data.get(cut..).unwrap_or_default(),
        };
        if cut > 0 && matches!(record.body, Body::Operation(_)) {
            record.head.flags |= FLAG_PATH_CUT;
        }
        record
    }

    /// Bytes, without what follows them up to a multiple of 8.
    pub const fn len(&self) -> usize {
        // OVERFLOW: at most RECORD_MAX by the invariant.
        BODY_AT + self.body.bytes() + self.data.len()
    }

    /// Never: there always is a head.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Bytes that it takes in a lane.
    pub const fn room(&self) -> usize {
        self.len().next_multiple_of(8)
    }

    /// The class of lane that it goes to.
    pub const fn class(&self) -> Class {
        match (&self.body, self.head.record_type()) {
            (_, Some(RecordType::MatchCalm)) | (Body::Window(_), _) => Class::Telemetry,
            // Whoever is outside can have many of them written: nothing else is in that lane.
            (Body::Scanned(_), _) => Class::Host,
            (Body::Crossing(_) | Body::Calm(_) | Body::PhaseSet(_), _) => Class::Finding,
            _ => Class::Verdict,
        }
    }

    /// Gives its bytes to `put` in their order, in a few pieces.
    pub fn encode(&self, put: &mut impl FnMut(&[u8])) {
        let mut fixed = [0; FIXED_MAX];
        let mut w = Writer::new(&mut fixed);
        // CAST: at most RECORD_MAX, by the invariant.
        Frame {
            len: self.len() as u16,
            body_at: BODY_AT as u16,
            data_at: (BODY_AT + self.body.bytes()) as u16,
            body: self.body.number(),
        }
        .encode(&mut w);
        self.head.encode(&mut w);
        self.body.encode(&mut w);
        let used = w.offset();
        put(fixed.get(..used).unwrap_or_default());
        put(self.data);
        let rest = self.room().saturating_sub(self.len());
        put([0; 8].get(..rest).unwrap_or_default());
    }

    /// The record at the beginning of `bytes`; `None` when that is none.
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let frame = Frame::decode(bytes);
        let (len, body_at, data_at) = (
            usize::from(frame.len),
            usize::from(frame.body_at),
            usize::from(frame.data_at),
        );
        if len > RECORD_MAX {
            return None;
        }
        let head = bytes.get(Frame::BYTES..body_at)?;
        let body = bytes.get(body_at..data_at)?;
        let data = bytes.get(data_at..len)?;
        let body = Body::decode(frame.body, body);
        Some(Self {
            head: Head::decode(head),
            body,
            // INVARIANT: a part of RECORD_MAX bytes; a known body that is shorter than here came
            // with no more data than there is room for behind this one, or the end is kept.
            data: match body {
                Body::Unknown(_) => keep_end(bytes.get(body_at..len)?, RECORD_MAX - BODY_AT),
                _ => keep_end(data, RECORD_MAX - BODY_AT - body.bytes()),
            },
        })
    }

    /// The data behind the body; of a body that is not known, the body too.
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The operation that it is about; `None` for none, or one that is not known.
    pub const fn op(&self) -> Option<Op> {
        match &self.body {
            Body::Operation(operation) => operation.op(),
            Body::Match(_) => Some(Op::Receive),
            _ => Some(Op::None),
        }
    }

    /// The path of an operation, if there is one.
    pub fn path(&self) -> Option<&'a [u8]> {
        let is_operation = matches!(self.body, Body::Operation(_));
        (is_operation && !self.data.is_empty()).then_some(self.data)
    }

    /// The excerpt of a match, if there is one.
    pub fn excerpt(&self) -> Option<&'a [u8]> {
        let is_match = matches!(self.body, Body::Match(_));
        (is_match && !self.data.is_empty()).then_some(self.data)
    }

    /// The first ports of a scan.
    pub fn ports(&self) -> impl Iterator<Item = u16> + 'a {
        let data: &'a [u8] = match self.body {
            Body::Scanned(_) => self.data,
            _ => &[],
        };
        Scanned::ports(data)
    }

    /// The values of a window: 0 for parameters that the module did not have.
    pub fn values(&self) -> Option<Values> {
        let Body::Window(_) = self.body else {
            return None;
        };
        let mut values = [0; Param::COUNT];
        for (value, word) in values.iter_mut().zip(self.data.chunks(8)) {
            *value = u64_at(word, 0).unwrap_or(0);
        }
        Some(values)
    }
}

/// Bytes that the record takes in a lane whose first bytes these are, if it can be one.
pub fn room_of(first: &[u8; 8]) -> Option<u64> {
    let len = u16_at(first, 0)?;
    let room = u64::from(len).next_multiple_of(8);
    // CAST: small numbers widen.
    (room > Frame::BYTES as u64 && room <= RECORD_MAX as u64).then_some(room)
}

/// The last `room` bytes of `bytes`.
fn keep_end(bytes: &[u8], room: usize) -> &[u8] {
    let cut = bytes.len().saturating_sub(room);
    bytes.get(cut..).unwrap_or_default()
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_record))]
mod tests {
    use super::super::{
        Calm,
        Control,
        Crossing,
        Match,
        Operation,
        PhaseSet,
        Window, //
    };
    use super::*;

    const SIZE: usize = 272;
    const _: () = core::assert!(FIXED_MAX <= SIZE);

    /// The bytes of a short record.
    fn bytes_of(record: &Record<'_>) -> ([u8; SIZE], usize) {
        let (mut out, mut len) = ([0xff; SIZE], 0);
        record.encode(&mut |part: &[u8]| {
            for byte in part {
                if let Some(to) = out.get_mut(len) {
                    *to = *byte;
                }
                len += 1;
            }
        });
        (out, len)
    }

    #[test]
    fn every_byte_of_head_and_body_round_trips() {
        for (number, fields) in Body::ALL {
            let body_bytes: usize = fields.iter().map(|(_, bytes)| *bytes).sum();
            let mut bytes = [0u8; SIZE];
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte = (i % 251) as u8;
            }
            let len = BODY_AT + body_bytes + 5;
            let mut w = Writer::new(&mut bytes);
            Frame {
                len: len as u16,
                body_at: BODY_AT as u16,
                data_at: (BODY_AT + body_bytes) as u16,
                body: *number,
            }
            .encode(&mut w);
            let record = Record::decode(&bytes);
            assert!(record.is_some());
            let Some(record) = record else { return };
            assert_eq!(record.len(), len);
            let (again, room) = bytes_of(&record);
            assert_eq!(room, len.next_multiple_of(8));
            assert_eq!(again.get(..len), bytes.get(..len));
            assert!(again.iter().take(room).skip(len).all(|byte| *byte == 0));
        }
    }

    #[test]
    fn fields_are_where_the_header_has_them() {
        assert_eq!(BODY_AT, 120);
        let mut head = Head {
            mono_ns: 0x11,
            cell: 0x22,
            kind: 0x3344,
            action: 0x55,
            comm: [1; 16],
            ..Head::ZERO
        };
        head.set_cell_name(b"redis");
        let record = Record::new(head, Operation::new(Op::Exec, 0x66, None), b"/p");
        let (bytes, len) = bytes_of(&record);
        assert_eq!(len, 136);
        for (at, want) in [
            (0, 130),
            (2, 120),
            (4, 128),
            (6, 1),
            (16, 0x11),
            (40, 0x22),
            (60, 0x44),
            (66, 0x55),
            (72, 1),
            (87, 1),
            (88, b'r'),
            (120, 6),
            (124, 0x66),
            (128, b'/'),
            (129, b'p'),
            (130, 0),
        ] {
            assert_eq!(bytes.get(at).copied(), Some(want));
        }
    }

    #[test]
    fn longer_heads_and_bodies_are_read_and_shorter_ones_filled_up() {
        let head = Head {
            mono_ns: 9,
            ..Head::ZERO
        };
        let crossing = Crossing {
            observed: 1,
            threshold: 2,
            windows: 3,
            ..Crossing::ZERO
        };
        let (bytes, _) = bytes_of(&Record::new(head, crossing, b""));
        // Another 8 bytes in the head, 16 in the body, as a newer module would have them.
        let mut longer = [0xee; SIZE];
        let mut w = Writer::new(&mut longer);
        for word in [272u16, 128, 272, 2] {
            w.u16(word);
        }
        w.put(bytes.get(8..120).unwrap_or_default());
        w.u64(u64::MAX);
        w.put(bytes.get(120..248).unwrap_or_default());
        let read = Record::decode(&longer);
        assert_eq!(read, Some(Record::new(head, crossing, b"")));
        // Only the first field of the body, as an older one would have written it.
        let mut shorter = bytes;
        Writer::new(&mut shorter).put(&[128, 0, 120, 0, 128, 0]);
        let read = Record::decode(&shorter);
        assert_eq!(
            read.map(|read| read.body),
            Some(Body::Crossing(Crossing {
                observed: 1,
                ..Crossing::ZERO
            }))
        );
    }

    #[test]
    fn unknown_bodies_keep_their_bytes() {
        let (mut bytes, _) = bytes_of(&Record::new(
            Head::ZERO,
            Operation::new(Op::Exec, 1, None),
            b"x",
        ));
        bytes[6] = 99;
        let read = Record::decode(&bytes);
        assert!(read.is_some());
        let Some(read) = read else { return };
        assert_eq!(read.body, Body::Unknown(99));
        assert_eq!(read.data(), &[6, 0, 0, 0, 1, 0, 0, 0, b'x']);
        assert_eq!((read.path(), read.op()), (None, Some(Op::None)));
    }

    #[test]
    fn impossible_frames_are_no_records() {
        let (good, _) = bytes_of(&Record::new(Head::ZERO, Calm::ZERO, b""));
        assert!(Record::decode(&good).is_some());
        for (len, body_at, data_at) in [
            (0u16, 0u16, 0u16),
            (7, 8, 8),
            (128, 7, 128),
            (128, 120, 119),
            (127, 120, 128),
            (SIZE as u16 + 1, 120, 128),
            (u16::MAX, 120, 128),
        ] {
            let mut bad = good;
            let mut w = Writer::new(&mut bad);
            for word in [len, body_at, data_at] {
                w.u16(word);
            }
            assert_eq!(Record::decode(&bad), None);
        }
        assert_eq!(Record::decode(b""), None);
        for (len, want) in [
            (0u16, None),
            (8, None),
            (9, Some(16)),
            (4096, Some(4096)),
            (4097, None),
            (u16::MAX, None),
        ] {
            let [a, b] = len.to_le_bytes();
            assert_eq!(room_of(&[a, b, 0, 0, 0, 0, 0, 0]), want);
        }
    }

    #[test]
    fn long_data_keep_their_end() {
        let mut long = [b'x'; RECORD_MAX];
        long[RECORD_MAX - 1] = b'!';
        let path = Record::new(Head::ZERO, Operation::new(Op::Read, 1, None), &long);
        assert_eq!(path.len(), RECORD_MAX);
        assert_eq!(path.path().and_then(|path| path.last()), Some(&b'!'));
        assert_eq!(path.head.flags, FLAG_PATH_CUT);
        let excerpt = Record::new(Head::ZERO, Match::ZERO, &long);
        assert_eq!(excerpt.room(), RECORD_MAX);
        assert_eq!(excerpt.excerpt().and_then(|e| e.last()), Some(&b'!'));
        assert_eq!((excerpt.head.flags, excerpt.path()), (0, None));
        let short = Record::new(Head::ZERO, Operation::new(Op::Read, 1, None), b"/a");
        assert_eq!((short.path(), short.head.flags), (Some(&b"/a"[..]), 0));
        let none = Record::new(Head::ZERO, Operation::new(Op::Read, 1, None), b"");
        assert_eq!(none.path(), None);
    }

    #[test]
    fn window_values_round_trip() {
        let mut values = [0; Param::COUNT];
        for (i, value) in values.iter_mut().enumerate() {
            *value = u64::MAX - i as u64;
        }
        let data = Window::data(&values);
        let record = Record::new(Head::ZERO, Window::ZERO, &data);
        assert_eq!(record.values(), Some(values));
        // A module with fewer parameters, and one with more.
        let fewer = Record::new(Head::ZERO, Window::ZERO, data.get(..12).unwrap_or_default());
        assert_eq!(
            fewer.values().map(|v| (v[0], v[1], v[2])),
            Some((u64::MAX, 0, 0))
        );
        let mut more = [7; Window::DATA + 8];
        Writer::new(&mut more).put(&data);
        let more = Record::new(Head::ZERO, Window::ZERO, &more);
        assert_eq!(more.values(), Some(values));
        assert_eq!(Record::new(Head::ZERO, Calm::ZERO, &data).values(), None);
    }

    #[test]
    fn ports_round_trip() {
        let data = Scanned::data(&[22, 65_535, 80]);
        let record = Record::new(Head::ZERO, Scanned::ZERO, &data);
        assert!(record.ports().eq([22, 65_535, 80]));
        // An odd byte at the end, and another body.
        let odd = Record::new(Head::ZERO, Scanned::ZERO, data.get(..5).unwrap_or_default());
        assert!(odd.ports().eq([22, 65_535]));
        assert_eq!(
            Record::new(Head::ZERO, Calm::ZERO, &data).ports().count(),
            0
        );
    }

    #[test]
    fn each_body_has_its_class() {
        for kind in RecordType::ALL {
            let head = Head {
                kind: *kind as u16,
                ..Head::ZERO
            };
            let class = |body: Body| Record::new(head, body, b"").class();
            let of_match = match kind {
                RecordType::MatchCalm => Class::Telemetry,
                _ => Class::Verdict,
            };
            assert_eq!(class(Match::ZERO.into()), of_match);
            assert_eq!(class(Window::ZERO.into()), Class::Telemetry);
            if *kind == RecordType::MatchCalm {
                continue;
            }
            assert_eq!(class(Operation::ZERO.into()), Class::Verdict);
            assert_eq!(class(Control::ZERO.into()), Class::Verdict);
            assert_eq!(class(super::super::BanDrop::ZERO.into()), Class::Verdict);
            assert_eq!(class(Scanned::ZERO.into()), Class::Host);
            assert_eq!(class(Crossing::ZERO.into()), Class::Finding);
            assert_eq!(class(Calm::ZERO.into()), Class::Finding);
            assert_eq!(class(PhaseSet::ZERO.into()), Class::Finding);
        }
    }
}
