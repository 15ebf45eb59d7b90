// SPDX-License-Identifier: GPL-2.0

//! The tracker of HTTP requests: each byte's part, and that slices make no difference.

use kis_core::matching::grammar::http::{name, Ends, Http, Oddities, Oddity, Part};

/// What is said about a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    part: Part,
    begins: bool,
    ends: Ends,
    odd: Oddities,
    header: u32,
    request: u32,
}

/// Reads `bytes` in slices of the lengths that `cut` gives, and says it of each.
fn read(bytes: &[u8], mut cut: impl FnMut() -> usize) -> (Vec<Seen>, Http) {
    let mut http = Http::default();
    let mut seen = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let mut slice = &bytes[at..bytes.len().min(at.saturating_add(cut().max(1)))];
        at += slice.len();
        while let Some(span) = http.next(slice) {
            assert!((1..=slice.len()).contains(&span.len));
            for index in 0..span.len {
                let is_last = index + 1 == span.len;
                seen.push(Seen {
                    part: span.part,
                    begins: span.begins && index == 0,
                    ends: if is_last { span.ends } else { Ends::NOTHING },
                    odd: if is_last { span.odd } else { Oddities::NONE },
                    header: match span.part {
                        Part::HeaderGap | Part::HeaderValue => http.header(),
                        _ => 0,
                    },
                    request: http.request(),
                });
            }
            slice = &slice[span.len..];
        }
    }
    assert_eq!(http.next(b""), None);
    (seen, http)
}

fn whole(bytes: &[u8]) -> Vec<Seen> {
    read(bytes, || usize::MAX).0
}

fn letter(part: Part) -> char {
    match part {
        Part::Method => 'M',
        Part::Target => 'T',
        Part::Protocol => 'P',
        Part::LineGap => '_',
        Part::HeaderName => 'n',
        Part::HeaderGap => ':',
        Part::HeaderValue => 'v',
        Part::HeadersEnd => 'E',
        Part::Body => 'B',
        Part::Framing => 'F',
        Part::Trailer => 'R',
        Part::Stream => 'S',
    }
}

/// Parts, a letter each, with `^` before one that begins and `!` behind an oddity, `.` behind the end of a
/// request.
fn picture(bytes: &[u8]) -> String {
    let mut text = String::new();
    for seen in whole(bytes) {
        if seen.begins {
            text.push('^');
        }
        text.push(letter(seen.part));
        text.extend(seen.odd.iter().map(|_| '!'));
        if seen.ends.contains(Ends::REQUEST) {
            text.push('.');
        }
    }
    text
}

fn oddities(bytes: &[u8]) -> Vec<Oddity> {
    whole(bytes)
        .iter()
        .flat_map(|seen| seen.odd.iter())
        .collect()
}

/// xorshift64*, seeded.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a [u8]]) -> &'a [u8] {
        of[self.below(of.len())]
    }
}

#[test]
fn parts_are_exact() {
    for (bytes, want) in [
        (
            &b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"[..],
            "^MMM^_^TTTT^_^PPPPPPPP^__^nnnn^::^v^::^EE.",
        ),
        (
            b"\r\n\nP / HTTP/1.0\nA:b \t\r\nC:\r\n\n",
            "^___!^M^_^T^_^PPPPPPPP^_!^n^:^vvv^::^n^:::^E!.",
        ),
        (
            b"PUT /a HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabcGET /\r\nxy",
            "^MMM^_^TT^_^PPPPPPPP^__^nnnnnnnnnnnnnn^::^v^::^EE^BBB.^MMM^_^T^__.^SS",
        ),
        (
            b"P /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\nG",
            "^M^_^TT^_^PPPPPPPP^__^nnnnnnnnnnnnnnnnn^::^vvvvvvv^::^EE^FFFFF^BBB^FFFFFBB^FFFFF^RRRRRR^FF.^M",
        ),
        (
            b"GET /a b HTML HTTP/1.1 \r\nA : b\r\n c\r\n\r\n",
            "^MMM^_^TT^_T!^_^PPTT^_^PPPPPPPP^_!__^n^::!:^v^:::!v^::^EE.",
        ),
    ] {
        assert_eq!(picture(bytes), want, "{}", bytes.escape_ascii());
    }
}

#[test]
fn other_protocols_are_streams() {
    for (bytes, want) in [
        (&b"*3\r\n$3\r\nSET\r\n"[..], "^MM^SSSSSSSSSSS"),
        (b"EHLO x\r\nMAIL", "^MMMM^_^T^SSSSSS"),
        (b"\x16\x03\x01", "^SSS"),
        (b"SSH-2.0-OpenSSH_9\r\n", "^MMMMMMMMMMMMMMMMM^SS"),
        (b"MAIL FROM:<a> X=1\r\n", "^MMMM^_^TTTTTTTT^_^SSSSS"),
        (
            b"OPTIONS rtsp://x RTSP/1.0\r\n",
            "^MMMMMMM^_^TTTTTTTT^_^SSSSSSSSSS",
        ),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "^MMM^_^T^_^PPPPPPPP^__!^SSSSSSSS",
        ),
        (
            b"GET /w HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
            "^MMM^_^TT^_^PPPPPPPP^__^nnnnnnn^::^vvvvvvvvv^::^EE.^SSSSSSS",
        ),
    ] {
        assert_eq!(picture(bytes), want, "{}", bytes.escape_ascii());
    }
}

#[test]
fn header_is_that_of_its_bytes() {
    let bytes = b"GET / HTTP/1.1\r\nHost : x\r\nUSER-agent:y\r\n\r\n";
    let seen = whole(bytes);
    for (at, byte) in bytes.iter().enumerate() {
        let want = match (at, byte) {
            (0..=19, _) => 0,
            (20..=25, _) => name(b"host"),
            (26..=35, _) => 0,
            (36..=39, _) => name(b"User-Agent"),
            _ => 0,
        };
        assert_eq!(seen[at].header, want, "{at}");
    }
}

#[test]
fn oddities_are_told() {
    let head = |text: &str| format!("POST /a HTTP/1.1\r\nHost: x\r\n{text}");
    for (text, want) in [
        ("\r\n", &[][..]),
        (
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            &[Oddity::BothLengths],
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            &[Oddity::BothLengths],
        ),
        (
            "Content-Length: 5\r\ncontent-length: 6\r\n\r\n",
            &[Oddity::LengthAgain],
        ),
        ("Content-Length: 5, 5\r\n\r\n", &[Oddity::LengthBroken]),
        ("Content-Length: 5 5\r\n\r\n", &[Oddity::LengthBroken]),
        ("Content-Length: +5\r\n\r\n", &[Oddity::LengthBroken]),
        ("Content-Length:\r\n\r\n", &[Oddity::LengthBroken]),
        ("Content-Length: 9223372036854775807\r\n\r\n", &[]),
        (
            "Content-Length: 9223372036854775808\r\n\r\n",
            &[Oddity::LengthBroken],
        ),
        (
            "Content-Length: 99999999999999999999999\r\n\r\n",
            &[Oddity::LengthBroken],
        ),
        ("Content-Length:\t5\r\n\r\n", &[Oddity::FramingTab]),
        (
            "Transfer-Encoding: gzip, chunked\r\n\r\n",
            &[Oddity::CodingOther],
        ),
        (
            "Transfer-Encoding: xchunked\r\n\r\n",
            &[Oddity::CodingOther],
        ),
        ("Transfer-Encoding: chunke\r\n\r\n", &[Oddity::CodingOther]),
        ("Transfer-Encoding: CHUNKED \r\n\r\n", &[]),
        (
            "Transfer-Encoding: \x0bchunked\r\n\r\n",
            &[Oddity::CodingOther, Oddity::Control],
        ),
        (
            "Transfer-Encoding : chunked\r\n\r\n",
            &[Oddity::SpaceBeforeColon],
        ),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n",
            &[Oddity::CodingAgain, Oddity::CodingOther],
        ),
        ("Transfer-Encoding:\r\n chunked\r\n\r\n", &[Oddity::Folding]),
        ("A: b\rc\r\n\r\n", &[Oddity::BareCr]),
        ("A: b\r\r\n\r\n", &[Oddity::BareCr]),
        ("A: b\n\r\n", &[Oddity::BareLf]),
        ("A: b\0\0\r\n\r\n", &[Oddity::Nul]),
        ("A: b\x01\x7f\r\n\r\n", &[Oddity::Control]),
        ("A b: c\r\n\r\n", &[Oddity::NameByte]),
        (": c\r\n\r\n", &[Oddity::NameByte]),
        ("A\r\n\r\n", &[Oddity::NoColon]),
        ("Content-Length\r\n\r\n", &[Oddity::NoColon]),
    ] {
        assert_eq!(oddities(head(text).as_bytes()), want, "{text:?}");
    }
    for (text, want) in [
        ("GET  / HTTP/1.1\r\n", &[Oddity::LineBlanks][..]),
        ("GET / HTTP/1.1 \r\n", &[Oddity::LineBlanks]),
        ("GET / \r\n", &[Oddity::LineBlanks]),
        ("get / HTTP/1.1\r\n", &[Oddity::MethodByte]),
        ("GET / http/1.1\r\n", &[Oddity::Protocol]),
        ("GET / HTTP/1.10\r\n", &[Oddity::Protocol]),
        ("GET / HTTP/3.0\r\n", &[Oddity::Protocol]),
        ("GET / HTTP/2.0\r\n", &[Oddity::Protocol]),
        ("GET / HTTP\r\n", &[Oddity::TargetSpace]),
        ("GET /\0 HTTP/1.1\r\n", &[Oddity::Nul]),
        ("GET / HTTP/1.1\rX", &[Oddity::BareCr]),
        (
            "P / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            &[Oddity::CodingInOld],
        ),
    ] {
        assert_eq!(oddities(text.as_bytes()), want, "{text:?}");
    }
    for (text, want) in [
        ("5\r\nabcde\r\n0\r\n\r\n", &[][..]),
        ("00000000000000005\r\nabcde", &[Oddity::ChunkSize]),
        ("5 \r\nabcde", &[Oddity::ChunkSize]),
        ("+5\r\nabcde", &[Oddity::ChunkSize]),
        ("0x5\r\nabcde", &[Oddity::ChunkSize]),
        ("fffffffffffffffff\r\nabcde", &[Oddity::ChunkSize]),
        ("5\nabcde", &[Oddity::BareLf]),
        ("5\r\nabcdef", &[Oddity::ChunkEnd]),
        ("5;a\rb\r\n", &[Oddity::BareCr]),
        ("0\r\nA\r\n\r\n", &[Oddity::NoColon]),
    ] {
        let text = head("Transfer-Encoding: chunked\r\n\r\n") + text;
        assert_eq!(oddities(text.as_bytes()), want, "{text:?}");
    }
    let long = head(&format!("A: {}\r\n\r\n", "x".repeat(70_000)));
    assert_eq!(oddities(long.as_bytes()), [Oddity::LongLine]);
}

/// Pieces that streams are made of; each changes what the next one means.
const PIECES: &[&[u8]] = &[
    b"GET ",
    b"POST ",
    b"PRI ",
    b"/a",
    b"*",
    b"http://h/p",
    b" ",
    b"  ",
    b"\t",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"H",
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\0",
    b"\x0b",
    b"\x7f",
    b"\xff",
    b":",
    b"Host: x",
    b"Content-Length: 3",
    b"Content-Length: 12",
    b"Content-Length:",
    b"content-lengt",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: ",
    b"Transfer-Encoding",
    b"gzip, ",
    b"chunked",
    b",",
    b"0\r\n\r\n",
    b"3\r\nabc\r\n",
    b"5;x=y\r\nabcde\r\n",
    b"A: b\r\n",
    b" fold\r\n",
    b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"POST /d HTTP/1.1\r\nContent-Length: 7\r\n\r\nabcdefg",
    b"X-Long-Header-Name: and a longer value of more than eight\tbytes",
];

fn stream(random: &mut Random, pieces: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    if random.below(4) > 0 {
        bytes.extend_from_slice(random.one(&[
            b"GET / HTTP/1.1\r\n",
            b"POST /a?b=c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST /a HTTP/1.0\r\n",
        ]));
    }
    for _ in 0..random.below(pieces) {
        bytes.extend_from_slice(random.one(PIECES));
        if random.below(40) == 0 {
            bytes.push(random.next() as u8);
        }
    }
    bytes
}

#[test]
fn slices_make_no_difference() {
    let mut random = Random(0x1234_5678);
    for round in 0..4_000 {
        let bytes = stream(&mut random, if round % 8 == 0 { 120 } else { 12 });
        let want = read(&bytes, || usize::MAX);
        assert_eq!(want.0.len(), bytes.len());
        assert!(read(&bytes, || 1) == want, "{}", bytes.escape_ascii());
        if bytes.len() < 100 {
            for at in 1..bytes.len() {
                let mut first = Some(at);
                let got = read(&bytes, || first.take().unwrap_or(usize::MAX));
                assert!(got == want, "{at}: {}", bytes.escape_ascii());
            }
        }
        for _ in 0..4 {
            let most = 1 + random.below(30);
            let got = read(&bytes, || random.below(most));
            assert!(got == want, "{}", bytes.escape_ascii());
        }
    }
}

#[test]
fn slices_make_no_difference_to_long_lines() {
    let mut random = Random(99);
    for bytes in [
        [&b"GET /"[..], &[b'a'; 65_531], b"\r\nx"].concat(),
        [&b"GET /"[..], &[b'a'; 70_000], b" HTTP/1.1\r\n\r\n"].concat(),
        [&b"G / HTTP/1.1\r\nA:"[..], &[b'a'; 65_533], b"\r\n\r\nG"].concat(),
        [&b"G / HTTP/1.1\r\nA:"[..], &[b'a'; 65_534], b"\r\n\r\nG"].concat(),
        [
            &b"G / HTTP/1.1\r\nTransfer-Encoding:chunked\r\n\r\n1;"[..],
            &[b'a'; 66_000],
            b"\r\nx",
        ]
        .concat(),
        vec![b'A'; 70_000],
    ] {
        let want = read(&bytes, || usize::MAX);
        for most in [2, 100, 5_000] {
            assert!(read(&bytes, || random.below(most)) == want);
        }
        assert!(read(&bytes, || 1) == want);
    }
}
