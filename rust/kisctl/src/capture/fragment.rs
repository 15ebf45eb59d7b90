// SPDX-License-Identifier: GPL-2.0

//! Parts of IP packets, put together as Linux does it.
//!
//! A part that is there already, whole or as a piece of what is joined, is left out; one that overlaps in
//! any other way drops the packet with all its parts (`inet_frag_queue_insert()`, since RFC 5722). So does
//! one that is behind the last one, or says that another one is the last (`ip_frag_queue()`).

use super::{
    ip::{
        Ip,
        Part, //
    },
    note::{
        Notes,
        Place, //
    }, //
};
use std::{
    collections::{
        BTreeMap,
        HashMap, //
    },
    net::IpAddr, //
};

/// Most packets that wait for parts; with the largest ones that is 64 MiB.
const MAX_WAITING: usize = 1024;

/// Most bytes of a packet.
const MAX_BYTES: u32 = 0xffff;

/// How long Linux waits for all parts of a packet, IPv4 and IPv6.
const PATIENCE_NS: [u64; 2] = [30_000_000_000, 60_000_000_000];

/// Which packet a part belongs to.
type Key = (IpAddr, IpAddr, u32, u8);

/// A packet that waits for parts.
#[derive(Clone, Debug)]
struct Waiting {
    first: Place,
    since_ns: u64,
    /// The protocol that the first part names.
    protocol: u8,
    /// By their offset; those that follow each other are one.
    parts: BTreeMap<u32, Vec<u8>>,
    /// Its length as far as it is known, and whether that is its end.
    end: (u32, bool),
}

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    Left,
    /// The whole packet is dropped, for this.
    Dropped(&'static str),
}

/// Where a run of parts ends.
fn end_of((start, bytes): (&u32, &Vec<u8>)) -> u32 {
    // CAST: a packet has less than 64 KiB.
    start + bytes.len() as u32
}

impl Waiting {
    fn add(&mut self, part: Part, bytes: &[u8]) -> Fate {
        let damaged = Fate::Dropped("parts of an IP packet that do not fit, and it is dropped");
        // CAST: a packet has less than 64 KiB, or no end here.
        let mut len = bytes.len().min(0xffff) as u32;
        if part.has_more {
            len &= !7;
        }
        let (start, end) = (part.offset, part.offset.saturating_add(len));
        let (known, is_end) = self.end;
        if end > MAX_BYTES || len == 0 {
            return damaged;
        }
        if part.has_more {
            if is_end && end > known {
                return damaged;
            }
            self.end.0 = known.max(end);
        } else {
            if end < known || (is_end && end != known) {
                return damaged;
            }
            self.end = (end, true);
        }
        // CAST: usize has 32 bits at least; parts are no longer than a packet.
        let bytes = bytes.get(..len as usize).unwrap_or(bytes);
        let before = self.parts.range(..=start).next_back();
        if before.is_some_and(|before| end_of(before) >= end) {
            return Fate::Left;
        }
        let after = self.parts.range(start..).next();
        let is_overlap = before.is_some_and(|before| end_of(before) > start)
            || after.is_some_and(|(after, _)| *after < end);
        if is_overlap {
            return Fate::Dropped("parts of an IP packet that overlap, and it is dropped");
        }
        let before = before.filter(|before| end_of(*before) == start);
        let at = before.map_or(start, |(at, _)| *at);
        let behind = self.parts.remove(&end);
        let run = self.parts.entry(at).or_default();
        run.extend_from_slice(bytes);
        run.extend(behind.unwrap_or_default());
        Fate::Kept
    }

    /// Its bytes, once all are there.
    fn whole(&mut self) -> Option<Vec<u8>> {
        let (end, is_end) = self.end;
        let (start, bytes) = self.parts.first_key_value()?;
        // CAST: less than 64 KiB.
        (is_end && *start == 0 && bytes.len() as u32 == end)
            .then(|| self.parts.pop_first().unwrap_or_default().1)
    }
}

/// A packet of which all parts have come.
///
/// # Examples
///
/// ```
/// use kisctl::capture::{fragment::Fragments, ip::Ip, note::{Notes, Place}};
///
/// let head = |flags: u8, offset: u8, len: u8| {
///     [0x45, 0, 0, 20 + len, 0, 7, flags, offset, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]
/// };
/// let parts = [[&head(0x20, 0, 8)[..], b"12345678"].concat(), [&head(0, 1, 1)[..], b"9"].concat()];
/// let (mut all, mut notes) = (Fragments::default(), Notes::default());
/// let mut add = |bytes: &[u8]| {
///     let ip = Ip::parse(bytes).expect("a packet");
///     all.add(&ip, ip.part.expect("a part"), 0, Place::default(), &mut notes)
/// };
/// assert!(add(&parts[1]).is_none());
/// assert_eq!(add(&parts[0]).expect("whole").bytes, b"123456789");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// What its payload is.
    pub protocol: u8,
    /// Its payload.
    pub bytes: Vec<u8>,
}

/// All packets that wait for parts.
///
/// # Examples
///
/// ```
/// use kisctl::capture::{fragment::Fragments, note::Notes};
///
/// let mut notes = Notes::default();
/// Fragments::default().finish(&mut notes);
/// assert!(notes.all().is_empty(), "nothing waits");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Fragments {
    waiting: HashMap<Key, Waiting>,
}

const MISSING: &str = "an IP packet of which parts are missing, and left out";

impl Fragments {
    /// Adds a part; the packet if it is whole now.
    pub fn add(
        &mut self,
        ip: &Ip<'_>,
        part: Part,
        time_ns: u64,
        place: Place,
        notes: &mut Notes,
    ) -> Option<Whole> {
        if ip.is_cut {
            notes.add("a part of an IP packet that is cut, and left out", place);
            return None;
        }
        // IPv6 tells its parts by the number alone.
        let kind = if ip.source.is_ipv4() { ip.protocol } else { 0 };
        let key = (ip.source, ip.destination, part.id, kind);
        let patience = PATIENCE_NS[usize::from(ip.source.is_ipv6())];
        let late = |waiting: &Waiting| time_ns > waiting.since_ns.saturating_add(patience);
        if self.waiting.get(&key).is_some_and(late) {
            self.waiting.remove(&key);
            notes.add(MISSING, place);
        }
        if self.waiting.len() >= MAX_WAITING && !self.waiting.contains_key(&key) {
            let mut all = self.waiting.iter();
            let first = all
                .next()
                .map(|(key, waiting)| (waiting.first.packet, *key));
            let all = all.map(|(key, waiting)| (waiting.first.packet, *key));
            if let Some((_, oldest)) = all.chain(first).min() {
                self.waiting.remove(&oldest);
                notes.add(MISSING, place);
            }
        }
        let waiting = self.waiting.entry(key).or_insert_with(|| Waiting {
            first: place,
            since_ns: time_ns,
            protocol: ip.protocol,
            parts: BTreeMap::new(),
            end: (0, false),
        });
        if part.offset == 0 {
            waiting.protocol = ip.protocol;
        }
        match waiting.add(part, ip.payload) {
            Fate::Kept => {}
            Fate::Left => notes.add("a part of an IP packet that was there, and left out", place),
            Fate::Dropped(why) => {
                notes.add(why, place);
                self.waiting.remove(&key);
                return None;
            }
        }
        let bytes = waiting.whole()?;
        let protocol = waiting.protocol;
        self.waiting.remove(&key);
        Some(Whole { protocol, bytes })
    }

    /// Notes what was not whole at the end.
    pub fn finish(self, notes: &mut Notes) {
        let mut all: Vec<Place> = self.waiting.values().map(|waiting| waiting.first).collect();
        all.sort_by_key(|place| place.packet);
        for place in all {
            notes.add(MISSING, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of parts: offset, bytes, whether there are more.
    fn joined(parts: &[(u32, &str, bool)]) -> (Option<String>, Vec<&'static str>) {
        let (mut all, mut notes, mut whole) = (Fragments::default(), Notes::default(), None);
        for (offset, bytes, has_more) in parts {
            let ip = Ip {
                source: IpAddr::from([10, 0, 0, 1]),
                destination: IpAddr::from([10, 0, 0, 2]),
                protocol: 17,
                payload: bytes.as_bytes(),
                is_cut: false,
                part: None,
            };
            let part = Part {
                id: 1,
                offset: *offset,
                has_more: *has_more,
            };
            let now = all.add(&ip, part, 0, Place::default(), &mut notes);
            whole = whole.or(now.map(|whole| String::from_utf8(whole.bytes).expect("text")));
        }
        all.finish(&mut notes);
        (whole, notes.all().iter().map(|note| note.what).collect())
    }

    #[test]
    fn parts_are_joined_in_any_order() {
        let (a, b, c) = (
            (0, "aaaaaaaa", true),
            (8, "bbbbbbbb", true),
            (16, "c", false),
        );
        let want = Some("aaaaaaaabbbbbbbbc".to_owned());
        for order in [
            [a, b, c],
            [a, c, b],
            [b, a, c],
            [b, c, a],
            [c, a, b],
            [c, b, a],
        ] {
            assert_eq!(joined(&order), (want.clone(), vec![]));
        }
        // What is there already is left out, whatever it says.
        let again = (0, "xxxxxxxx", true);
        let (whole, notes) = joined(&[a, b, again, c]);
        assert_eq!((whole, notes.len()), (want, 1));
    }

    #[test]
    fn parts_that_overlap_drop_the_packet() {
        let overlap = "parts of an IP packet that overlap, and it is dropped";
        for second in [
            (8, "yyyyyyyyyyyyyyyyyyyyyyyy", true),
            (0, "xxxxxxxxxxxxxxxxxxxxxxxx", true),
        ] {
            let (whole, notes) = joined(&[(0, "aaaaaaaaaaaaaaaa", true), second]);
            assert_eq!((whole, notes), (None, vec![overlap]));
        }
        let fit = "parts of an IP packet that do not fit, and it is dropped";
        for parts in [
            [(16, "c", false), (24, "d", false)],
            [(16, "c", false), (16, "dddddddd", true)],
            [(65528, "dddddddddd", false), (0, "", true)],
        ] {
            let (whole, notes) = joined(&parts);
            assert_eq!((whole, notes[0]), (None, fit), "{parts:?}");
        }
    }

    #[test]
    fn no_more_packets_wait_than_there_is_room_for() {
        let (mut all, mut notes) = (Fragments::default(), Notes::default());
        for id in 0..5000 {
            let ip = Ip {
                source: IpAddr::from([10, 0, 0, 1]),
                destination: IpAddr::from([10, 0, 0, 2]),
                protocol: 17,
                payload: &[0; 8],
                is_cut: false,
                part: None,
            };
            let part = Part {
                id,
                offset: 0,
                has_more: true,
            };
            let place = Place {
                packet: id.into(),
                byte: 0,
            };
            assert_eq!(all.add(&ip, part, 0, place, &mut notes), None);
        }
        assert_eq!(all.waiting.len(), MAX_WAITING);
        assert!(all
            .waiting
            .values()
            .all(|waiting| waiting.first.packet >= 5000 - 1024));
        all.finish(&mut notes);
        assert_eq!(notes.count(MISSING), 5000);
    }
}
