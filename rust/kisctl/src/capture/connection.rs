// SPDX-License-Identifier: GPL-2.0

//! TCP connections of a capture, and what each side of them reads.
//!
//! A segment counts if Linux would take it, as far as a capture shows that: with ACK, with a right checksum,
//! and not older than what came before by its timestamp. A machine that leaves checksums to its network card
//! captures its own segments with wrong ones: they are held against a side only if its first segment has a
//! right one, and one that is wrong then counts once the other side says that it has those bytes and no
//! right one came before. Windows and other numbers of ACKs are not looked at: a capture may have lost what
//! they follow from.

use super::{
    ip::Ip,
    note::{
        Notes,
        Place, //
    },
    reassembly::{
        Push,
        Reassembly, //
    },
    segment::{
        is_before,
        Segment, //
    }, //
};
use crate::transport::Transport;
use std::{
    collections::{
        BTreeMap,
        HashMap, //
    },
    net::SocketAddr, //
};

/// Most connections that are followed at a time.
const MAX_CONNECTIONS: usize = 1 << 16;

/// Most bytes that wait in all of them.
const MAX_HELD: usize = 256 << 20;

/// Most segments of a side that wait to be said to have come, because their checksum is wrong.
const MAX_DOUBTFUL: usize = 64;

/// Bytes that a side reads, or a datagram: whose they are, and which packet they came with.
///
/// # Examples
///
/// ```
/// use kisctl::capture::{connection::Origin, note::Place};
/// use kisctl::transport::Transport;
///
/// let origin = Origin {
///     place: Place { packet: 1, byte: 24 },
///     time_ns: None,
///     protocol: Transport::Udp,
///     source: "10.0.0.1:5353".parse().expect("an address"),
///     destination: "10.0.0.2:53".parse().expect("an address"),
///     to_server: true,
/// };
/// assert_eq!(origin.destination.port(), 53);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The packet that completed them.
    pub place: Place,
    /// When it came, since 1970.
    pub time_ns: Option<u64>,
    /// How they came.
    pub protocol: Transport,
    /// Who sent them.
    pub source: SocketAddr,
    /// Who reads them.
    pub destination: SocketAddr,
    /// Whether that is the server.
    pub to_server: bool,
}

/// A segment that may have come otherwise than it was captured.
#[derive(Clone, Debug)]
struct Doubtful {
    seq: u32,
    bytes: Vec<u8>,
    is_fin: bool,
    origin: Origin,
}

impl Doubtful {
    /// The number behind it.
    fn end(&self) -> u32 {
        // CAST: the sequence number wraps, that is what it does.
        let len = self.bytes.len() as u32;
        self.seq.wrapping_add(len).wrapping_add(self.is_fin.into())
    }
}

/// One side of a connection, as the one that reads.
#[derive(Clone, Debug, Default)]
struct Side<S> {
    /// None until a number of the other side's is known.
    stream: Option<Reassembly>,
    /// Whether checksums count in what it gets.
    has_sums: Option<bool>,
    /// The newest timestamp of the other side.
    recent: Option<u32>,
    /// What came with the SYN.
    early: Vec<u8>,
    /// What has a wrong checksum.
    doubtful: Vec<Doubtful>,
    state: S,
}

/// A connection; sides are told apart by the order of their addresses.
#[derive(Clone, Debug, Default)]
struct Connection<S> {
    sides: [Side<S>; 2],
    /// Which side is the server.
    server: usize,
    /// Whether an answer to a SYN was seen.
    is_answered: bool,
    /// Whether its SYNs had timestamps.
    has_stamps: [bool; 2],
    /// Number of a SYN that came while it stood.
    again: Option<u32>,
    is_over: bool,
    /// The last packet of it.
    last: u64,
}

/// All connections; `S` is what a reader of the bytes keeps of a side.
///
/// # Examples
///
/// ```
/// use kisctl::capture::{connection::Connections, ip::Ip, note::{Notes, Place}};
///
/// let (mut all, mut notes) = (Connections::<()>::default(), Notes::default());
/// let mut ip = vec![0x45, 0, 0, 43, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
/// ip.extend([0x4e, 0x20, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, 0x10, 1, 0, 0, 0, 0, 0]);
/// ip.extend(b"GET");
/// let packet = Ip::parse(&ip).expect("a packet");
/// let mut read = Vec::new();
/// all.add(&packet, Place::default(), None, &mut notes, &mut |_: &mut (), origin, bytes| {
///     read.push((origin.to_server, bytes.to_vec()));
/// });
/// // Port 80 is lower than port 20000.
/// assert_eq!(read, [(true, b"GET".to_vec())]);
/// ```
#[derive(Clone, Debug)]
pub struct Connections<S> {
    all: HashMap<(SocketAddr, SocketAddr), Connection<S>>,
    /// The same by their last packet, so that the one that is quiet for longest is known.
    quiet: BTreeMap<u64, (SocketAddr, SocketAddr)>,
    /// Bytes that wait in all of them.
    held: usize,
    count: u64,
}

impl<S> Default for Connections<S> {
    fn default() -> Self {
        Self {
            all: HashMap::new(),
            quiet: BTreeMap::new(),
            held: 0,
            count: 0,
        }
    }
}

const WRONG: &str = "a segment with a wrong checksum, and left out";
const GAP: &str = "a stream with a gap: what is behind it is not looked at";

impl<S: Default> Connection<S> {
    /// One of which nothing is known yet.
    fn new(server: usize) -> Self {
        Self {
            server,
            ..Self::default()
        }
    }

    /// Whether somebody has read something.
    fn has_begun(&self) -> bool {
        let mut streams = self.sides.iter().filter_map(|side| side.stream.as_ref());
        streams.any(Reassembly::has_begun)
    }

    /// The other side opens the connection, or answers who opened it: the numbers of its bytes.
    fn opens(&mut self, reader: usize, segment: &Segment<'_>) {
        let Some(side) = self.sides.get_mut(reader) else {
            return;
        };
        side.stream = Some(Reassembly::new(segment.seq.wrapping_add(1)));
        side.recent = segment.stamp;
        side.early = segment.bytes.to_vec();
        self.has_stamps[reader] = segment.stamp.is_some();
    }

    /// Whether a segment is not to be looked at, and why.
    fn refusal(&mut self, reader: usize, segment: &Segment<'_>) -> Option<&'static str> {
        let has_stamps = self.has_stamps == [true; 2];
        let side = &mut self.sides[reader];
        if segment.ack.is_none() && !segment.is_syn && !segment.is_rst {
            return Some("a segment without ACK, and left out");
        }
        let is_plain = !segment.is_syn && !segment.is_rst;
        if let (true, Some(recent), Some(stamp)) = (has_stamps, side.recent, segment.stamp) {
            if is_plain && is_before(stamp, recent) {
                return Some("a segment that is too old by its timestamp, and left out");
            }
        }
        None
    }

    /// Whether a segment has a wrong checksum, where that counts.
    fn is_wrong(&mut self, reader: usize, segment: &Segment<'_>) -> bool {
        let has_sums = &mut self.sides[reader].has_sums;
        let is_right = |is_right| *has_sums.get_or_insert(is_right) && !is_right;
        segment.is_right.is_some_and(is_right)
    }

    /// What waits in both sides.
    fn held(&self) -> usize {
        let streams = self.sides.iter().filter_map(|side| side.stream.as_ref());
        let doubtful = self.sides.iter().flat_map(|side| &side.doubtful);
        streams.map(Reassembly::held_bytes).sum::<usize>()
            + doubtful.map(|own| own.bytes.len()).sum::<usize>()
    }

    /// Keeps what has a wrong checksum, until somebody says whether it came.
    fn doubt(&mut self, reader: usize, segment: &Segment<'_>, origin: Origin, notes: &mut Notes) {
        let doubtful = &mut self.sides[reader].doubtful;
        let is_plain = !segment.is_syn && !segment.is_rst && segment.ack.is_some();
        let has_any = segment.is_fin || !segment.bytes.is_empty();
        if !is_plain || !has_any || doubtful.len() >= MAX_DOUBTFUL {
            return notes.add(WRONG, origin.place);
        }
        doubtful.push(Doubtful {
            seq: segment.seq,
            bytes: segment.bytes.to_vec(),
            is_fin: segment.is_fin,
            origin,
        });
    }

    /// Nobody reads anything any more.
    fn end(&mut self, notes: &mut Notes) {
        self.is_over = true;
        for side in &mut self.sides {
            if let Some(place) = side.stream.as_mut().and_then(Reassembly::finish) {
                notes.add(GAP, place);
            }
            for own in side.doubtful.drain(..) {
                notes.add(WRONG, own.origin.place);
            }
            side.state = S::default();
        }
    }
}

impl<S: Default> Connections<S> {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Makes room for one more.
    fn make_room(&mut self, notes: &mut Notes, place: Place) {
        while self.all.len() >= MAX_CONNECTIONS {
            let Some((_, key)) = self.quiet.pop_first() else {
                return;
            };
            if let Some(mut connection) = self.all.remove(&key) {
                self.held = self.held.saturating_sub(connection.held());
                if !connection.is_over {
                    notes.add(
                        "more than 65536 connections at a time: the quietest one is followed no more",
                        place,
                    );
                    connection.end(notes);
                }
            }
        }
    }

    /// A packet of TCP comes: whoever reads new bytes is told so by `read`.
    pub fn add(
        &mut self,
        ip: &Ip<'_>,
        place: Place,
        time_ns: Option<u64>,
        notes: &mut Notes,
        read: &mut impl FnMut(&mut S, &Origin, &[u8]),
    ) {
        let Some((source, destination, segment)) = Segment::parse(ip) else {
            notes.add("a damaged TCP header, and left out", place);
            return;
        };
        let source = SocketAddr::new(ip.source, source);
        let destination = SocketAddr::new(ip.destination, destination);
        let key = (source.min(destination), source.max(destination));
        // The side that reads.
        let reader = usize::from(destination != key.0);
        let is_open = segment.is_syn && segment.ack.is_none();
        let is_known = self.all.contains_key(&key);
        if !is_known && segment.is_rst {
            return;
        }
        if !is_known {
            self.make_room(notes, place);
            let server = match (segment.is_syn, segment.ack.is_some()) {
                (true, false) => reader,
                (true, true) => 1 - reader,
                _ if source.port() < destination.port() => 1 - reader,
                _ => reader,
            };
            if !segment.is_syn {
                notes.add("a connection whose beginning was not captured", place);
            }
            self.count += 1;
            self.all.insert(key, Connection::new(server));
        }
        let Some(connection) = self.all.get_mut(&key) else {
            return;
        };
        self.quiet.remove(&connection.last);
        connection.last = place.packet;
        self.quiet.insert(place.packet, key);
        let before = connection.held();
        let origin = |connection: &Connection<S>, reader: usize, is_back: bool| Origin {
            place,
            time_ns,
            protocol: Transport::Tcp,
            source: if is_back { destination } else { source },
            destination: if is_back { source } else { destination },
            to_server: reader == connection.server,
        };
        if connection.is_wrong(reader, &segment) {
            if !connection.is_over {
                let origin = origin(connection, reader, false);
                connection.doubt(reader, &segment, origin, notes);
                self.held = (self.held + connection.held()).saturating_sub(before);
            }
            return;
        }
        if let Some(why) = connection.refusal(reader, &segment) {
            notes.add(why, place);
            return;
        }
        if is_open {
            if connection.is_over {
                self.count += 1;
            } else if connection.is_answered || connection.has_begun() {
                // Linux takes no notice of it, unless the server says that it does.
                connection.again = Some(segment.seq);
                notes.add("a SYN inside of a connection", place);
                return;
            }
            let side = &connection.sides[reader];
            let sums = side.has_sums;
            // Of several SYNs, the one that is answered counts.
            let known = side.stream.as_ref().filter(|_| !connection.is_over);
            let again = known.map(|stream| stream.seq().wrapping_sub(1));
            *connection = Connection::new(reader);
            connection.again = again.filter(|seq| *seq != segment.seq);
            connection.last = place.packet;
            connection.sides[reader].has_sums = sums;
            connection.opens(reader, &segment);
        } else if let (true, Some(ack)) = (segment.is_syn, segment.ack) {
            let early = Self::answered(
                connection,
                &mut self.count,
                reader,
                &segment,
                ack,
                (&mut *notes, place),
            );
            if let Some(early) = early {
                let origin = origin(connection, 1 - reader, true);
                let early = Segment {
                    seq: ack.wrapping_sub(early.len() as u32),
                    bytes: &early,
                    stamp: None,
                    is_fin: false,
                    ..segment
                };
                Self::data(connection, 1 - reader, &early, &origin, notes, read);
            }
        } else if segment.is_rst {
            Self::reset(connection, reader, &segment, notes, place);
        }
        if let Some(ack) = segment.ack.filter(|_| !connection.is_over) {
            Self::acknowledged(connection, 1 - reader, ack, notes, read);
        }
        // What comes with a SYN is taken only if the answer says so.
        if !connection.is_over && !segment.is_rst && !segment.is_syn {
            let origin = origin(connection, reader, false);
            Self::data(connection, reader, &segment, &origin, notes, read);
            let mut streams = connection.sides.iter().map(|side| side.stream.as_ref());
            if streams.all(|stream| stream.is_some_and(Reassembly::has_ended)) {
                connection.end(notes);
            }
        }
        self.held = (self.held + connection.held()).saturating_sub(before);
        if self.held > MAX_HELD {
            self.held = self.held.saturating_sub(connection.held());
            connection.end(notes);
        }
    }

    /// Somebody says that the connection stands, and which numbers it has; what came with the SYN, if that
    /// was taken. (By default Linux does not.)
    fn answered(
        connection: &mut Connection<S>,
        count: &mut u64,
        reader: usize,
        segment: &Segment<'_>,
        ack: u32,
        (notes, place): (&mut Notes, Place),
    ) -> Option<Vec<u8>> {
        let opener = 1 - reader;
        let stands = connection.is_answered || connection.has_begun() || connection.is_over;
        if connection.again.map(|seq| seq.wrapping_add(1)) == Some(ack) {
            *count += u64::from(stands);
            *connection = Connection {
                last: connection.last,
                ..Connection::new(opener)
            };
        } else if stands {
            return None;
        }
        let side = &mut connection.sides[opener];
        let early = std::mem::take(&mut side.early);
        let first = side.stream.as_ref().map(Reassembly::seq);
        // CAST: a packet is not that long.
        let is_taken = !early.is_empty()
            && first.map(|first| first.wrapping_add(early.len() as u32)) == Some(ack);
        if first.is_none() {
            side.stream = Some(Reassembly::new(ack));
        } else if first != Some(ack) && !is_taken {
            side.early = early;
            notes.add(
                "an answer to a SYN that was not captured, and left out",
                place,
            );
            return None;
        }
        connection.is_answered = true;
        connection.server = opener;
        connection.opens(reader, segment);
        is_taken.then_some(early)
    }

    /// A side says which bytes it has: what has a wrong checksum and no other copy is among them.
    fn acknowledged(
        connection: &mut Connection<S>,
        reader: usize,
        ack: u32,
        notes: &mut Notes,
        read: &mut impl FnMut(&mut S, &Origin, &[u8]),
    ) {
        let side = &mut connection.sides[reader];
        let Some(stream) = side.stream.as_mut().filter(|_| !side.doubtful.is_empty()) else {
            return;
        };
        let (known, rest) = std::mem::take(&mut side.doubtful)
            .into_iter()
            .partition(|own| !is_before(ack, own.end()));
        side.doubtful = rest;
        let known: Vec<Doubtful> = known;
        for own in known {
            let Doubtful {
                seq,
                bytes,
                is_fin,
                origin,
            } = &own;
            let state = &mut side.state;
            let push = stream.push(*seq, bytes, *is_fin, origin.place, |bytes| {
                read(state, origin, bytes);
            });
            notes.add(
                match push {
                    Push::Old | Push::Ended => WRONG,
                    Push::Read | Push::Waits => {
                        "a segment with a wrong checksum that was acknowledged, and taken"
                    }
                    Push::Gap(_) => GAP,
                },
                origin.place,
            );
        }
    }

    /// A reset ends the connection if its number is the next one, or if it answers a SYN.
    fn reset(
        connection: &mut Connection<S>,
        reader: usize,
        segment: &Segment<'_>,
        notes: &mut Notes,
        place: Place,
    ) {
        let seq = |side: &Side<S>| side.stream.as_ref().map(Reassembly::seq);
        let is_next = match seq(&connection.sides[reader]) {
            Some(next) => next == segment.seq,
            None => segment.ack.is_some() && segment.ack == seq(&connection.sides[1 - reader]),
        };
        if is_next {
            connection.end(notes);
        } else if !connection.is_over {
            notes.add(
                "a reset with another number than the next one, and left out",
                place,
            );
        }
    }

    /// The bytes of a segment.
    fn data(
        connection: &mut Connection<S>,
        reader: usize,
        segment: &Segment<'_>,
        origin: &Origin,
        notes: &mut Notes,
        read: &mut impl FnMut(&mut S, &Origin, &[u8]),
    ) {
        let Side {
            stream,
            recent,
            state,
            ..
        } = &mut connection.sides[reader];
        let stream = stream.get_or_insert_with(|| Reassembly::new(segment.seq));
        if segment.stamp.is_some() && !is_before(stream.seq(), segment.seq) {
            *recent = segment.stamp;
        }
        if segment.bytes.is_empty() && !segment.is_fin {
            return;
        }
        let push = stream.push(
            segment.seq,
            segment.bytes,
            segment.is_fin,
            origin.place,
            |bytes| read(state, origin, bytes),
        );
        if let Push::Gap(place) = push {
            notes.add(GAP, place);
        }
    }

    /// Notes what still waited at the end.
    pub fn finish(mut self, notes: &mut Notes) {
        for key in self.quiet.values() {
            if let Some(connection) = self.all.get_mut(key) {
                connection.end(notes);
            }
        }
    }
}
