// SPDX-License-Identifier: GPL-2.0

//! What signatures find in bytes, by the kernel's own matcher, without a kernel.

use crate::{
    capture::{
        self,
        connection::Origin,
        Summary, //
    },
    configuration::Configuration,
    error::{
        Error,
        Result, //
    },
    output,
    signature_file::Compiled,
    text,
    transport::Transport,
    view::{
        field::Field,
        value::Value, //
    }, //
};
use kis_core::matching::{
    delivery::{
        Datagram,
        Delivery, //
    },
    signatures::{
        Signature,
        Signatures, //
    },
    stream::StreamState,
    threshold::{
        counts::{
            self,
            About,
            Counts, //
        },
        Due, //
    }, //
};
use kis_core::sense::{
    key::Key,
    peers::network, //
};
use std::{
    net::IpAddr,
    ops::ControlFlow,
    sync::atomic::AtomicU64, //
};

/// Most matches that are told of one capture.
const MAX_MATCHES: usize = 1 << 16;

/// What is told when the matcher has lost something, as the kernel tells it by a record with the cause "unseen".
const UNFOLLOWED: &str =
    "more begins to match, or is odd, than is followed: a match may be missing";

/// A signature that ends in an input.
///
/// # Examples
///
/// ```
/// use kisctl::configuration;
/// use kisctl::document::Document;
/// use kisctl::trial::{matches, signatures};
///
/// let text = br#"{"version": 1, "signatures": [{"id": 5, "type": 2, "message": "m", "pattern": "evil[0-9]"}]}"#;
/// let document = Document::parse("s.json", text.to_vec()).expect("JSON");
/// let compiled = configuration::of(&document).expect("a signature file");
/// let found = matches(&signatures(&compiled)?, "a.bin", b"an evil7", 3);
/// assert_eq!((found[0].id, found[0].offset), (5, 8));
/// assert_eq!(found.len(), 1);
/// # Ok::<(), kisctl::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which input.
    pub input: String,
    /// The signature's number.
    pub id: u32,
    /// Its revision.
    pub revision: u32,
    /// Its type.
    pub kind: u32,
    /// What it is about.
    pub message: String,
    /// The only cell that it is for.
    pub cell: Option<String>,
    /// Bytes of the input up to and with the last one of the match.
    pub offset: u64,
    /// The last bytes up to there, printable.
    pub excerpt: String,
    /// Where in a capture, if it was found in one.
    pub origin: Option<Origin>,
}

/// The fields of a match.
pub const FIELDS: &[Field<Match>] = &[
    Field::new("input", |found| found.input.clone().into()),
    Field::new("id", |found| found.id.into()),
    Field::new("revision", |found| found.revision.into()),
    Field::new("type", |found| found.kind.into()),
    Field::new("message", |found| found.message.clone().into()),
    Field::new("cell", |found| found.cell.clone().into()),
    Field::new("offset", |found| found.offset.into()),
    Field::new("excerpt", |found| found.excerpt.clone().into()),
    Field::new("packet", |found| {
        of(found, |origin| origin.place.packet.into())
    }),
    Field::new("time", |found| {
        of(found, |origin| origin.time_ns.map(text::rfc3339).into())
    }),
    Field::new("protocol", |found| {
        of(found, |origin| origin.protocol.name().into())
    }),
    Field::new("source", |found| {
        of(found, |origin| origin.source.ip().to_string().into())
    }),
    Field::new("source_port", |found| {
        of(found, |origin| u32::from(origin.source.port()).into())
    }),
    Field::new("destination", |found| {
        of(found, |origin| origin.destination.ip().to_string().into())
    }),
    Field::new("destination_port", |found| {
        of(found, |origin| u32::from(origin.destination.port()).into())
    }),
    Field::new("to_server", |found| {
        of(found, |origin| origin.to_server.into())
    }),
];

/// What is only known of a match in a capture.
fn of(found: &Match, value: fn(&Origin) -> Value) -> Value {
    found.origin.as_ref().map_or(Value::Absent, value)
}

/// What was looked at, and what was found.
///
/// # Examples
///
/// ```
/// use kisctl::trial::Trial;
///
/// let trial = Trial { input: "a.bin".to_owned(), matches: vec![], capture: None };
/// assert!(trial.capture.is_none(), "it was one stream of bytes");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Which input.
    pub input: String,
    /// What was found, in the order of the ends.
    pub matches: Vec<Match>,
    /// What was in it, if it was a capture.
    pub capture: Option<Summary>,
}

/// The signatures as the kernel has them.
///
/// # Errors
///
/// When they make no image.
pub fn signatures(compiled: &Compiled) -> Result<Signatures<Vec<u8>>> {
    Signatures::verify(compiled.image()?)
        .map_err(|e| Error::failed(format!("the image of the signatures: {e}")))
}

/// How far signatures have come in a stream.
#[derive(Clone, Debug, Default)]
struct Looking {
    stream: StreamState,
    /// Those that were found; each is told once a stream.
    known: Vec<u32>,
}

/// What is looked for, in what, and how often it was found by now.
struct Search<'a> {
    signatures: &'a Signatures<Vec<u8>>,
    input: &'a str,
    /// Bytes that come at once.
    piece: usize,
    /// For thresholds; the hash is the same each time.
    counts: Counts<Vec<AtomicU64>>,
}

impl<'a> Search<'a> {
    fn new(signatures: &'a Signatures<Vec<u8>>, input: &'a str, piece: usize) -> Self {
        let words = (0..counts::WORDS).map(|_| AtomicU64::new(0));
        Self {
            signatures,
            input,
            piece: piece.max(1),
            counts: Counts::new(Key::new([0, 0]), words.collect()),
        }
    }

    /// Looks at the next bytes of a stream, or at a datagram; what is for other ports than where they go to, if that is
    /// known, is left out. Whether something was not followed.
    fn look(
        &self,
        looking: &mut Looking,
        bytes: &[u8],
        origin: Option<&Origin>,
        mut tell: impl FnMut(Match),
    ) -> bool {
        let is_meant = |signature: &Signature<'_>| {
            origin.is_none_or(|o| signature.is_at(o.protocol.number(), o.destination.port()))
        };
        let Looking { stream, known } = looking;
        let is_datagram = origin.is_some_and(|origin| origin.protocol == Transport::Udp);
        let mut datagram = Datagram::default();
        let piece = if is_datagram {
            bytes.len().max(1)
        } else {
            self.piece
        };
        let mut has_lost = false;
        for piece in bytes.chunks(piece) {
            let start = self.signatures.start();
            let mut delivery = if is_datagram {
                Delivery::whole(&mut datagram, start)
            } else {
                Delivery::new(stream, 1, start)
            };
            let flow = delivery.scan(self.signatures, piece, |found| {
                let Some(signature) = self.signatures.get(found.sig) else {
                    return ControlFlow::Continue(());
                };
                let is_counted = signature.threshold().is_none() || found.is_first;
                let is_told = is_meant(&signature) && is_counted && self.is_due(&signature, origin);
                if is_told && !known.contains(&signature.id()) {
                    known.push(signature.id());
                    tell(Match {
                        input: self.input.to_owned(),
                        id: signature.id(),
                        revision: signature.revision(),
                        kind: signature.kind().into(),
                        message: text::name(signature.message()),
                        cell: signature.cell().map(text::name),
                        offset: found.offset,
                        excerpt: text::name(found.excerpt),
                        origin: origin.copied(),
                    });
                }
                ControlFlow::Continue(())
            });
            debug_assert!(flow.is_continue());
            has_lost |= delivery.has_lost();
        }
        has_lost
    }

    /// Whether a match is told. Where it is not known when it came and from whom, all are of one moment and one peer.
    fn is_due(&self, signature: &Signature<'_>, origin: Option<&Origin>) -> bool {
        signature.threshold().is_none_or(|threshold| {
            let address = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            let ends =
                |origin: &Origin| [origin.source, origin.destination].map(|end| address(end.ip()));
            let [source, destination] = origin.map(ends).unwrap_or_default();
            let about = About {
                signature: signature.id(),
                source: network(&source),
                destination,
            };
            let time_ns = origin.and_then(|origin| origin.time_ns).unwrap_or(0);
            // Less than the counts can hold, which is more than 17 years.
            let now_ms = (time_ns / 1_000_000) & (u64::MAX >> 25);
            self.counts.take(&threshold, &about, now_ms) == Due::Told
        })
    }
}

/// What all signatures find in a stream that comes in pieces of so many bytes, in the order of the ends: each
/// signature at the first place where it ends.
pub fn matches(
    signatures: &Signatures<Vec<u8>>,
    input: &str,
    bytes: &[u8],
    piece: usize,
) -> Vec<Match> {
    let mut all = Vec::new();
    let search = Search::new(signatures, input, piece);
    let has_lost = search.look(&mut Looking::default(), bytes, None, |found| {
        all.push(found);
    });
    if has_lost {
        output::note(format!("{input}: {UNFOLLOWED}"));
    }
    all
}

/// What all signatures find in a capture: each at the first place where it ends in each stream that a
/// server receives, and with `both` in those that clients receive.
///
/// # Errors
///
/// When the capture cannot be read.
///
/// # Examples
///
/// ```
/// use kisctl::trial::{in_capture, signatures};
/// # use kisctl::{configuration, document::Document};
/// # let text = br#"{"version": 1, "signatures": [{"id": 5, "type": 2, "message": "m", "pattern": "evil"}]}"#;
/// # let document = Document::parse("s.json", text.to_vec()).expect("JSON");
/// # let signatures = signatures(&configuration::of(&document).expect("a signature file"))?;
/// let refused = in_capture(&signatures, "a.pcap", &[0xd4, 0xc3, 0xb2, 0xa1], 1460, false);
/// assert!(refused.expect_err("cut").to_string().starts_with("a.pcap: the file ends"));
/// # Ok::<(), kisctl::error::Error>(())
/// ```
pub fn in_capture(
    signatures: &Signatures<Vec<u8>>,
    input: &str,
    bytes: &[u8],
    piece: usize,
    both: bool,
) -> Result<Trial> {
    let (mut all, mut more, mut unfollowed) = (Vec::new(), None, Vec::new());
    let search = Search::new(signatures, input, piece);
    let summary = capture::read(bytes, |looking: &mut Looking, origin, bytes| {
        if !origin.to_server && !both {
            return;
        }
        let has_lost = search.look(looking, bytes, Some(origin), |found| {
            if all.len() < MAX_MATCHES {
                all.push(found);
            } else {
                more.get_or_insert(origin.place);
            }
        });
        if has_lost {
            unfollowed.push(origin.place);
        }
    });
    let mut summary = summary.map_err(|why| {
        Error::failed(format!("{input}: {why}"))
            .next("capture anew, or give --raw if it is no capture")
    })?;
    for place in unfollowed {
        summary.notes.add(UNFOLLOWED, place);
    }
    if let Some(place) = more {
        let what = "more than 65536 matches: those behind are not told";
        summary.notes.add(what, place);
    }
    Ok(Trial {
        input: input.to_owned(),
        matches: all,
        capture: Some(summary),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration,
        document::Document, //
    };

    #[test]
    fn matches_do_not_depend_on_how_a_stream_comes() {
        let text = br#"{"version": 1, "signatures": [
            {"id": 1, "type": 2, "message": "one", "pattern": "evil[0-9]"},
            {"id": 2, "type": 1, "message": "two", "pattern": "x.z", "cell": "web"},
            {"id": 3, "type": 2, "message": "three", "pattern": "begin(?s:.*)finish"}]}"#;
        let document = Document::parse("s.json", text.to_vec()).expect("JSON");
        let compiled: Compiled = configuration::of(&document).expect("a file");
        let bytes = b"xyz evil evil7 begin\nevil8\xff finish";
        let signatures = signatures(&compiled).expect("an image");
        let whole = matches(&signatures, "f", bytes, bytes.len());
        let ends: Vec<_> = whole.iter().map(|found| (found.id, found.offset)).collect();
        assert_eq!(ends, [(2, 3), (1, 14), (3, 34)]);
        assert!(whole[2].excerpt.ends_with("\\xff finish"));
        assert_eq!(whole[0].cell.as_deref(), Some("web"));
        for piece in [0, 1, 2, 7] {
            let again = matches(&signatures, "f", bytes, piece);
            let ends = |all: &[Match]| -> Vec<_> { all.iter().map(|m| (m.id, m.offset)).collect() };
            assert_eq!(ends(&again), ends(&whole));
        }
    }

    #[test]
    fn thresholds_count_what_was_captured() {
        let text = br#"{"version": 1, "signatures": [
            {"id": 1, "type": 2, "message": "m", "pattern": "try",
                "threshold": {"type": "detection_filter", "track": "by_src", "count": 2, "seconds": 60}},
            {"id": 2, "type": 2, "message": "m", "pattern": "try",
                "threshold": {"type": "threshold", "track": "by_rule", "count": 4, "seconds": 60}}]}"#;
        let document = Document::parse("s.json", text.to_vec()).expect("JSON");
        let signatures =
            signatures(&configuration::of(&document).expect("a file")).expect("an image");
        let mut file = no_packets();
        for from in [1, 3, 1, 1] {
            file.extend(datagram(from, 2, [0x9c, 0x40, 0, 53], b"a try"));
        }
        for piece in [1, 2, 3, 1460] {
            let trial = in_capture(&signatures, "f", &file, piece, false).expect("a capture");
            let found = trial.matches.iter().map(|found| {
                let origin = found.origin.expect("of a capture");
                (found.id, origin.place.packet)
            });
            assert_eq!(found.collect::<Vec<_>>(), [(1, 4), (2, 4)]);
        }
        let ends = |bytes| -> Vec<_> {
            let all = matches(&signatures, "f", bytes, 7);
            all.iter().map(|found| (found.id, found.offset)).collect()
        };
        // Once in what comes at a time.
        assert_eq!(ends(b"try try try tr"), []);
        assert_eq!(ends(b"try try try try"), [(1, 15)]);
        assert_eq!(ends(b"try....try....try....try"), [(1, 17), (2, 24)]);
    }

    /// A capture of IP packets, without any.
    fn no_packets() -> Vec<u8> {
        let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        file.extend([0; 8]);
        file.extend([0, 0, 4, 0, 101, 0, 0, 0]);
        file
    }

    /// A datagram behind the head of its record.
    fn datagram(from: u8, to: u8, ports: [u8; 4], bytes: &[u8]) -> Vec<u8> {
        let len = 28 + u8::try_from(bytes.len()).expect("short");
        let mut packet = vec![
            0x45, 0, 0, len, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to,
        ];
        packet.extend(ports);
        packet.extend([0, len - 20, 0, 0]);
        packet.extend(bytes);
        [
            &[9, 0, 0, 0, 0, 0, 0, 0, len, 0, 0, 0, len, 0, 0, 0],
            &packet[..],
        ]
        .concat()
    }

    #[test]
    fn each_stream_of_a_capture_is_looked_at() {
        let text = br#"{"version": 1, "signatures": [
            {"id": 1, "type": 2, "message": "m", "pattern": "evil"},
            {"id": 2, "type": 2, "message": "m", "pattern": "evil", "protocol": "tcp"},
            {"id": 3, "type": 2, "message": "m", "pattern": "evil", "ports": [54, "80-90"]},
            {"id": 4, "type": 2, "message": "m", "pattern": "evil", "ports": ["50-53"], "protocol": "udp"}]}"#;
        let document = Document::parse("s.json", text.to_vec()).expect("JSON");
        let signatures =
            signatures(&configuration::of(&document).expect("a file")).expect("an image");
        let mut file = no_packets();
        file.extend(datagram(1, 2, [0x9c, 0x40, 0, 53], b"ev"));
        file.extend(datagram(1, 2, [0x9c, 0x40, 0, 53], b"il, evil, evil"));
        file.extend(datagram(2, 1, [0, 53, 0x9c, 0x40], b"evil too"));
        for (both, want) in [
            (false, vec![(1, 2, 8, true), (4, 2, 8, true)]),
            (
                true,
                vec![(1, 2, 8, true), (4, 2, 8, true), (1, 3, 4, false)],
            ),
        ] {
            let trial = in_capture(&signatures, "f", &file, 3, both).expect("a capture");
            let found = trial.matches.iter().map(|found| {
                let origin = found.origin.expect("of a capture");
                assert_eq!(
                    (origin.protocol, origin.time_ns),
                    (Transport::Udp, Some(9_000_000_000))
                );
                let (packet, to_server) = (origin.place.packet, origin.to_server);
                (found.id, packet, found.offset, to_server)
            });
            assert_eq!(found.collect::<Vec<_>>(), want);
            assert_eq!(trial.capture.map(|summary| summary.datagrams), Some(3));
        }
    }
}
