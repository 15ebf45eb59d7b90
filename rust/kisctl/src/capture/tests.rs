// SPDX-License-Identifier: GPL-2.0

//! Whole captures, made here: what is read of them, and that damaged ones do no harm.

use super::*;
use etherparse::PacketBuilder;
use std::collections::BTreeMap;

const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [10, 0, 0, 2];

/// A file that grows.
struct File {
    is_ng: bool,
    bytes: Vec<u8>,
    packets: u32,
}

impl File {
    fn pcap(link: u32) -> Self {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        bytes.extend([0; 8]);
        bytes.extend(65535_u32.to_le_bytes());
        bytes.extend(link.to_le_bytes());
        Self {
            is_ng: false,
            bytes,
            packets: 0,
        }
    }

    /// In the other order of bytes, with nanoseconds that begin an hour later.
    fn pcapng(link: u16) -> Self {
        let mut file = Self {
            is_ng: true,
            bytes: Vec::new(),
            packets: 0,
        };
        let mut section = 0x1a2b_3c4d_u32.to_be_bytes().to_vec();
        section.extend([0, 1, 0, 0]);
        section.extend([0xff; 8]);
        file.block(0x0a0d_0d0a, &section);
        let mut interface = link.to_be_bytes().to_vec();
        interface.extend([0; 6]);
        interface.extend([0, 9, 0, 1, 9, 0, 0, 0]);
        interface.extend([0, 14, 0, 8]);
        interface.extend(3600_i64.to_be_bytes());
        interface.extend([0; 4]);
        file.block(1, &interface);
        file
    }

    fn block(&mut self, kind: u32, body: &[u8]) {
        let padded = body.len().next_multiple_of(4);
        let len = u32::try_from(padded + 12).expect("short");
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend(len.to_be_bytes());
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
        self.bytes.extend(len.to_be_bytes());
    }

    /// A packet, of which `cut` bytes are left out.
    fn packet(&mut self, data: &[u8], cut: usize) -> &mut Self {
        self.packets += 1;
        let whole = u32::try_from(data.len()).expect("short");
        let kept = whole - u32::try_from(cut).expect("short");
        let data = &data[..data.len() - cut];
        if self.is_ng {
            let ns = u64::from(self.packets) * 1_000_000_000;
            let mut body = vec![0; 4];
            body.extend(ns.to_be_bytes());
            body.extend(kept.to_be_bytes());
            body.extend(whole.to_be_bytes());
            body.extend(data);
            self.block(6, &body);
        } else {
            for number in [self.packets, 0, kept, whole] {
                self.bytes.extend(number.to_le_bytes());
            }
            self.bytes.extend(data);
        }
        self
    }
}

/// An Ethernet frame with a segment; flags are letters.
fn tcp(to_server: bool, flags: &str, seq: u32, ack: u32, bytes: &[u8]) -> Vec<u8> {
    tcp_at(to_server, flags, seq, ack, None, bytes)
}

fn tcp_at(
    to_server: bool,
    flags: &str,
    seq: u32,
    ack: u32,
    stamp: Option<u32>,
    bytes: &[u8],
) -> Vec<u8> {
    let (from, to, source, destination) = if to_server {
        (CLIENT, SERVER, 40000, 8000)
    } else {
        (SERVER, CLIENT, 8000, 40000)
    };
    let mut builder = PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4(from, to, 64)
        .tcp(source, destination, seq, 1000);
    if flags.contains('S') {
        builder = builder.syn();
    }
    if flags.contains('A') {
        builder = builder.ack(ack);
    }
    if flags.contains('F') {
        builder = builder.fin();
    }
    if flags.contains('R') {
        builder = builder.rst();
    }
    if let Some(stamp) = stamp {
        let options = [etherparse::TcpOptionElement::Timestamp(stamp, 0)];
        builder = builder.options(&options).expect("room");
    }
    written(builder.size(bytes.len()), |out| {
        builder.write(out, bytes).expect("memory")
    })
}

fn udp(from: [u8; 4], to: [u8; 4], ports: (u16, u16), bytes: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4(from, to, 64)
        .udp(ports.0, ports.1);
    written(builder.size(bytes.len()), |out| {
        builder.write(out, bytes).expect("memory")
    })
}

fn written(len: usize, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    write(&mut bytes);
    bytes
}

/// The streams of a capture: source, destination, whether to the server, bytes; and the summary.
type Streams = Vec<(String, bool, String)>;

fn streams(file: &[u8]) -> (Streams, Summary) {
    let mut all: BTreeMap<u64, (String, bool, Vec<u8>)> = BTreeMap::new();
    let mut next = 0;
    let summary = read(file, |own: &mut Option<u64>, origin, bytes| {
        let own = *own.get_or_insert_with(|| {
            next += 1;
            next
        });
        let ends = format!("{} -> {}", origin.source, origin.destination);
        let stream = all
            .entry(own)
            .or_insert((ends, origin.to_server, Vec::new()));
        stream.2.extend_from_slice(bytes);
    })
    .expect("a capture");
    let streams = all.into_values().map(|(ends, to_server, bytes)| {
        (
            ends,
            to_server,
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    });
    (streams.collect(), summary)
}

/// Puts an IP packet into what a link type has around it.
type Wrap<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// What the server received, and what was noted.
fn server(file: &File) -> (String, Vec<(&'static str, u64)>) {
    let (streams, summary) = streams(&file.bytes);
    let own: Vec<String> = streams
        .into_iter()
        .filter(|(_, to_server, _)| *to_server)
        .map(|(_, _, bytes)| bytes)
        .collect();
    let notes = summary.notes.all();
    (
        own.join("|"),
        notes.iter().map(|note| (note.what, note.count)).collect(),
    )
}

/// A connection that stands: the next byte of the client is 101, that of the server 501.
fn handshake(file: &mut File) -> &mut File {
    file.packet(&tcp(true, "S", 100, 0, b""), 0)
        .packet(&tcp(false, "SA", 500, 101, b""), 0)
        .packet(&tcp(true, "A", 101, 501, b""), 0)
}

#[test]
fn both_sides_of_a_connection_are_read_in_both_formats() {
    for mut file in [File::pcap(1), File::pcapng(1)] {
        handshake(&mut file)
            .packet(&tcp(true, "A", 105, 501, b"/ HTTP"), 0)
            .packet(&tcp(true, "A", 101, 501, b"GET "), 0)
            .packet(&tcp(false, "A", 501, 111, b"200"), 0)
            .packet(&tcp(true, "A", 101, 501, b"XXXX/ YYYY/1.1"), 0)
            .packet(&tcp(true, "FA", 115, 504, b""), 0)
            .packet(&tcp(false, "FA", 504, 116, b""), 0)
            .packet(&tcp(true, "A", 115, 505, b"later"), 0);
        let (streams, summary) = streams(&file.bytes);
        let want = [
            ("10.0.0.1:40000 -> 10.0.0.2:8000", true, "GET / HTTP/1.1"),
            ("10.0.0.2:8000 -> 10.0.0.1:40000", false, "200"),
        ];
        let want = want.map(|(ends, to, bytes)| (ends.to_owned(), to, bytes.to_owned()));
        assert_eq!(streams, want);
        assert_eq!((summary.packets, summary.connections), (10, 1));
        assert_eq!(summary.notes.all(), []);
    }
}

#[test]
fn times_and_packets_are_those_of_the_file() {
    for (mut file, hour) in [(File::pcap(1), 0), (File::pcapng(1), 3600)] {
        handshake(&mut file).packet(&tcp(true, "A", 101, 501, b"x"), 0);
        let mut seen = Vec::new();
        read(&file.bytes, |(): &mut (), origin, _| {
            seen.push((origin.place.packet, origin.time_ns, origin.protocol.name()));
        })
        .expect("a capture");
        assert_eq!(seen, [(4, Some((4 + hour) * 1_000_000_000), "tcp")]);
    }
}

#[test]
fn who_got_the_syn_is_the_server_else_the_lower_port() {
    // The one that opens has the lower port.
    let mut file = File::pcap(1);
    file.packet(&tcp(false, "S", 500, 0, b""), 0)
        .packet(&tcp(true, "SA", 100, 501, b""), 0)
        .packet(&tcp(false, "A", 501, 101, b"hello"), 0);
    assert_eq!(server(&file), ("hello".to_owned(), vec![]));
    // Only the answer was captured.
    let mut file = File::pcap(1);
    file.packet(&tcp(true, "SA", 100, 501, b""), 0)
        .packet(&tcp(false, "A", 501, 101, b"hello"), 0);
    assert_eq!(server(&file).0, "hello");
    let mut file = File::pcap(1);
    file.packet(&tcp(false, "A", 501, 101, b"answer"), 0)
        .packet(&tcp(true, "A", 101, 507, b"request"), 0);
    let middle = "a connection whose beginning was not captured";
    assert_eq!(server(&file), ("request".to_owned(), vec![(middle, 1)]));
}

#[test]
fn datagrams_are_streams_of_their_own() {
    let mut file = File::pcap(1);
    file.packet(&udp(CLIENT, SERVER, (40000, 53), b"one"), 0)
        .packet(&udp(CLIENT, SERVER, (40000, 53), b"two"), 0)
        .packet(&udp(SERVER, CLIENT, (53, 40000), b"answer"), 0);
    assert_eq!(server(&file), ("one|two".to_owned(), vec![]));
    assert_eq!(streams(&file.bytes).1.datagrams, 3);
}

#[test]
fn what_linux_would_not_take_is_left_out() {
    let left = |build: &dyn Fn(&mut File)| {
        let mut file = File::pcap(1);
        build(&mut file);
        server(&file)
    };
    let evil = |flags: &str| tcp(true, flags, 101, 501, b"evil");
    let good = tcp(true, "A", 101, 501, b"good");
    // A wrong checksum, once the right one is known to count.
    let (read, notes) = left(&|file| {
        let mut wrong = evil("A");
        wrong[50] ^= 1;
        handshake(file).packet(&wrong, 0).packet(&good, 0);
    });
    assert_eq!(read, "good");
    assert_eq!(
        notes,
        [("a segment with a wrong checksum, and left out", 1)]
    );
    // The other side says that it has it: it was captured before a card wrote the right one.
    let (read, notes) = left(&|file| {
        let mut wrong = good.clone();
        wrong[50] ^= 1;
        handshake(file)
            .packet(&wrong, 0)
            .packet(&tcp(false, "A", 501, 105, b""), 0)
            .packet(&tcp(true, "A", 105, 501, b" and more"), 0);
    });
    assert_eq!(read, "good and more");
    let taken = "a segment with a wrong checksum that was acknowledged, and taken";
    assert_eq!(notes, [(taken, 1)]);
    // One that leaves all of them to its card, as far as it was captured.
    let (read, notes) = left(&|file| {
        for mut packet in [
            tcp(true, "S", 100, 0, b""),
            tcp(false, "SA", 500, 101, b""),
            good.clone(),
        ] {
            packet[50] ^= 0xff;
            file.packet(&packet, 0);
        }
    });
    assert_eq!((read.as_str(), notes), ("good", vec![]));
    let (read, notes) = left(&|file| {
        handshake(file).packet(&evil(""), 0).packet(&good, 0);
    });
    assert_eq!(
        (read.as_str(), notes[0].0),
        ("good", "a segment without ACK, and left out")
    );
    // Resets with a number that is not the next one, and with it.
    let (read, notes) = left(&|file| {
        handshake(file)
            .packet(&tcp(true, "R", 150, 0, b""), 0)
            .packet(&good, 0)
            .packet(&tcp(true, "R", 105, 0, b""), 0)
            .packet(&tcp(true, "A", 105, 501, b"more"), 0);
    });
    assert_eq!(read, "good");
    assert_eq!(notes.len(), 1);
    // Old by its time.
    let (read, notes) = left(&|file| {
        file.packet(&tcp_at(true, "S", 100, 0, Some(1000), b""), 0)
            .packet(&tcp_at(false, "SA", 500, 101, Some(9), b""), 0)
            .packet(&tcp_at(true, "A", 101, 501, Some(990), b"evil"), 0)
            .packet(&tcp_at(true, "A", 101, 501, Some(1001), b"good"), 0);
    });
    assert_eq!((read.as_str(), notes.len()), ("good", 1));
    // A SYN inside, and what comes with one.
    let (read, _) = left(&|file| {
        handshake(file)
            .packet(&tcp(true, "S", 900, 0, b"evil"), 0)
            .packet(&good, 0);
    });
    assert_eq!(read, "good");
    let (read, _) = left(&|file| {
        file.packet(&tcp(true, "S", 100, 0, b"evil"), 0)
            .packet(&tcp(false, "SA", 500, 101, b""), 0)
            .packet(&good, 0);
    });
    assert_eq!(read, "good");
    let (read, _) = left(&|file| {
        file.packet(&tcp(true, "S", 100, 0, b"fast"), 0)
            .packet(&tcp(false, "SA", 500, 105, b""), 0)
            .packet(&tcp(true, "A", 105, 501, b"open"), 0);
    });
    assert_eq!(read, "fastopen");
    // Of several SYNs, the one that is answered; and a second life of the same ports.
    let (read, _) = left(&|file| {
        file.packet(&tcp(true, "S", 7, 0, b""), 0);
        handshake(file)
            .packet(&good, 0)
            .packet(&tcp(true, "S", 9000, 0, b""), 0)
            .packet(&tcp(false, "SA", 1, 9001, b""), 0)
            .packet(&tcp(true, "A", 9001, 2, b"again"), 0);
    });
    assert_eq!(read, "good|again");
    let (read, notes) = left(&|file| {
        file.packet(&tcp(true, "S", 100, 0, b""), 0)
            .packet(&tcp(true, "S", 7, 0, b""), 0)
            .packet(&tcp(false, "SA", 900, 77, b""), 0)
            .packet(&tcp(false, "SA", 500, 101, b""), 0)
            .packet(&good, 0);
    });
    assert_eq!((read.as_str(), notes.len()), ("good", 1));
}

#[test]
fn a_gap_ends_what_is_looked_at_and_is_told() {
    let mut file = File::pcap(1);
    handshake(&mut file)
        .packet(&tcp(true, "A", 101, 501, b"one"), 0)
        .packet(&tcp(true, "A", 200, 501, b"two"), 0);
    let (streams, summary) = streams(&file.bytes);
    assert_eq!(streams[0].2, "one");
    let note = &summary.notes.all()[0];
    assert_eq!(note.first.packet, 5);
    assert!(note.what.starts_with("a stream with a gap"));
    // What the snap length cut off is a gap too.
    let mut file = File::pcapng(1);
    handshake(&mut file)
        .packet(&tcp(true, "A", 101, 501, b"one two"), 4)
        .packet(&tcp(true, "A", 108, 501, b"three"), 0);
    let (read, notes) = server(&file);
    assert_eq!((read.as_str(), notes.len()), ("one", 2));
}

#[test]
fn fragments_tags_and_other_links_lead_to_the_same_bytes() {
    let whole = tcp(true, "A", 101, 501, b"fragmented, and in order");
    let ip = &whole[14..];
    let part = |from: usize, to: usize, flags: u16| {
        let mut bytes = ip[..20].to_vec();
        bytes.extend(&ip[20 + from..20 + to]);
        let len = u16::try_from(bytes.len()).expect("short");
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        bytes[4..6].copy_from_slice(&[0, 9]);
        let offset = flags | u16::try_from(from / 8).expect("short");
        bytes[6..8].copy_from_slice(&offset.to_be_bytes());
        bytes
    };
    let end = ip.len() - 20;
    let parts = [part(24, end, 0), part(0, 16, 0x2000), part(16, 24, 0x2000)];
    let tagged = |ip: &[u8]| {
        let mut frame = vec![9; 12];
        frame.extend([0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0]);
        frame.extend(ip);
        frame
    };
    let null = |ip: &[u8]| [&[2, 0, 0, 0], ip].concat();
    let links: [(u32, Wrap<'_>); 3] = [(101, &|ip| ip.to_vec()), (1, &tagged), (0, &null)];
    for (link, wrap) in links {
        let mut file = File::pcap(link);
        for ip in &parts {
            file.packet(&wrap(ip), 0);
        }
        let (read, notes) = server(&file);
        assert_eq!(read, "fragmented, and in order", "{link}");
        assert_eq!(notes.len(), 1, "the beginning is missing");
    }
    // IPv6 over UDP, in two parts.
    let payload = [&[0x9c, 0x40, 0, 53, 0, 20, 0, 0][..], b"twelve bytes"].concat();
    let mut file = File::pcapng(101);
    for (from, to, flags) in [(8, 20, 8_u16), (0, 8, 1)] {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 8 + to - from, 44, 64];
        bytes.extend([0x20; 16]);
        bytes.extend([0x30; 16]);
        bytes.extend([17, 0]);
        bytes.extend(flags.to_be_bytes());
        bytes.extend([0, 0, 0, 7]);
        bytes.extend(&payload[usize::from(from)..usize::from(to)]);
        file.packet(&bytes, 0);
    }
    assert_eq!(server(&file), ("twelve bytes".to_owned(), vec![]));
}

#[test]
fn files_that_cannot_be_read_say_why() {
    let refused = |bytes: &[u8]| read(bytes, |(): &mut (), _, _| {}).expect_err("refused");
    assert_eq!(
        refused(&File::pcap(147).bytes),
        "its link type is not known (147)"
    );
    assert_eq!(
        refused(&File::pcap(1).bytes[..23]),
        "the file ends inside of its head"
    );
    let mut old = File::pcap(1);
    old.bytes[4] = 1;
    assert_eq!(refused(&old.bytes), "a version of pcap that is not known");
    assert_eq!(refused(b"GET / HTTP/1.1"), "is no capture");
    let mut long = File::pcap(1);
    handshake(&mut long);
    let at = long.bytes.len();
    long.bytes.extend([0; 8]);
    long.bytes.extend([0xff; 8]);
    let (_, summary) = streams(&long.bytes);
    let note = &summary.notes.all()[0];
    assert_eq!(
        note.first,
        note::Place {
            packet: 4,
            byte: u64::try_from(at).expect("small")
        }
    );
    assert_eq!(summary.packets, 3);
}

/// A capture with all that there is.
fn rich(mut file: File) -> Vec<u8> {
    handshake(&mut file);
    for i in 0..8_u32 {
        let seq = 101 + (i ^ 1) * 10;
        file.packet(&tcp_at(true, "A", seq, 501, Some(i), b"0123456789"), 0);
    }
    let fragment = {
        let mut bytes = udp(CLIENT, SERVER, (40000, 53), b"datagram");
        bytes[20] = 0x20;
        bytes
    };
    file.packet(&udp(CLIENT, SERVER, (40000, 53), b"datagram"), 3)
        .packet(&fragment, 0)
        .packet(&tcp(false, "FA", 501, 181, b"bye"), 0);
    file.bytes
}

#[test]
fn damaged_captures_do_no_harm() {
    let mut state = 1_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let mut read_anyway = 0;
    for whole in [rich(File::pcap(1)), rich(File::pcapng(1))] {
        let bytes_of = |file: &[u8]| {
            let mut bytes = 0;
            let all = read(file, |(): &mut (), _, new| bytes += new.len());
            all.map(|summary| (summary, bytes))
        };
        let most = bytes_of(&whole).expect("a capture").1;
        // Each length, and each byte turned over.
        for len in 0..whole.len() {
            if let Ok((summary, bytes)) = bytes_of(&whole[..len]) {
                assert!(summary.packets <= 14 && bytes <= most);
            }
        }
        for at in 0..whole.len() {
            for value in [0, 0xff, whole[at] ^ 1, whole[at] ^ 0x80] {
                let mut file = whole.clone();
                file[at] = value;
                read_anyway += usize::from(bytes_of(&file).is_ok());
            }
        }
        // Several at once: turned over, cut out, put in, doubled.
        for _ in 0..4000 {
            let mut file = whole.clone();
            for _ in 0..=random(6) {
                let at = random(file.len());
                let to = (at + random(40)).min(file.len());
                match random(4) {
                    0 => file[at] = u8::try_from(random(256)).expect("a byte"),
                    1 => drop(file.drain(at..to)),
                    2 => drop(file.splice(at..at, vec![0xff; random(30)])),
                    _ => {
                        let again = file[at..to].to_vec();
                        drop(file.splice(at..at, again));
                    }
                }
                if file.is_empty() {
                    file.push(0);
                }
            }
            read_anyway += usize::from(bytes_of(&file).is_ok());
        }
    }
    // It would be no test if all were refused at once.
    assert!(read_anyway > 9000, "{read_anyway}");
}
