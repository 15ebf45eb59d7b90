// SPDX-License-Identifier: GPL-2.0

//! Signatures of several parts in requests, against what each part finds by itself.

use super::{
    tests::{
        image_of,
        Random, //
    },
    *,
};
use kis_core::matching::{
    request::Request,
    scope::Scope,
    signatures::Signatures, //
};
use regex_automata::{
    meta,
    util::syntax, //
};
use std::{
    collections::{
        BTreeMap,
        BTreeSet, //
    },
    ops::ControlFlow,
};

const BUDGET: Budget = Budget {
    automaton: 1 << 20,
    scratch: 4 << 20,
};

/// A request: its bytes, and what is in each scope.
struct Sent {
    bytes: Vec<u8>,
    scopes: BTreeMap<Scope, Vec<Vec<u8>>>,
}

const WORDS: &[&str] = &[
    "evil", "Evil", "index", "a", "bc", "admin", "xyzzy", "/etc", "passwd", "b", "quux",
];

impl Random {
    fn word(&mut self) -> &'static str {
        WORDS[self.below(WORDS.len())]
    }

    fn words(&mut self, between: &str) -> String {
        let count = 1 + self.below(4);
        let words: Vec<&str> = (0..count).map(|_| self.word()).collect();
        words.join(between)
    }

    /// A request as clients send it.
    fn request(&mut self) -> Sent {
        let method = ["GET", "POST", "PUT"][self.below(3)];
        let path = format!("/{}", self.words("-").replace('/', "."));
        let mut target = String::new();
        for byte in path.bytes() {
            if byte.is_ascii_alphabetic() && self.below(6) == 0 {
                target.push_str(&format!("%{byte:02x}"));
            } else {
                target.push(char::from(byte));
            }
        }
        let line = format!("{method} {target} HTTP/1.1\r\n");
        let (agent, other) = (self.words(" "), self.words("; "));
        let mut headers = String::new();
        let mut values: BTreeMap<Scope, Vec<Vec<u8>>> = BTreeMap::new();
        for (name, value) in [("User-Agent", agent), ("X-Other", other)] {
            if self.below(4) > 0 {
                // Servers leave blanks behind a value out.
                let blanks = ["", "", " ", "\t "][self.below(4)];
                headers.push_str(&format!("{name}: {value}{blanks}\r\n"));
                let scope = Scope::value(name.as_bytes());
                values.entry(scope).or_default().push(value.into_bytes());
            }
        }
        let body = if self.below(2) == 0 {
            self.words("\n")
        } else {
            String::new()
        };
        let mut sent = String::new();
        if body.is_empty() {
            headers.push_str("Content-Length: 0\r\n");
        } else if self.below(2) == 0 {
            headers.push_str(&format!("Content-Length: {}\r\n", body.len()));
            sent.push_str(&body);
        } else {
            headers.push_str("Transfer-Encoding: chunked\r\n");
            let mut rest = body.as_str();
            while !rest.is_empty() {
                let (chunk, behind) = rest.split_at(1 + self.below(rest.len().min(4)));
                sent.push_str(&format!("{:x}\r\n{chunk}\r\n", chunk.len()));
                rest = behind;
            }
            sent.push_str("0\r\n\r\n");
        }
        let mut scopes = values;
        for (scope, text) in [
            (Scope::Method, method),
            (Scope::Uri, path.as_str()),
            (Scope::RawUri, target.as_str()),
            (Scope::Protocol, "HTTP/1.1"),
            (Scope::Line, line.as_str()),
            (Scope::Headers, headers.as_str()),
            (Scope::Body, body.as_str()),
        ] {
            scopes.insert(scope, vec![text.as_bytes().to_vec()]);
        }
        // And empty lines before a request.
        let before = ["", "", "\r\n"][self.below(3)];
        Sent {
            bytes: format!("{before}{line}{headers}\r\n{sent}").into_bytes(),
            scopes,
        }
    }

    fn scope(&mut self) -> Scope {
        let fields = ["user-agent", "x-other", "missing"];
        match self.below(9) {
            0 => Scope::value(fields[self.below(3)].as_bytes()),
            1 => Scope::value(b"user-agent"),
            at => Scope::PLAIN[1 + (at - 2) % 7],
        }
    }

    /// A pattern for a scope.
    fn part(&mut self, scope: Scope) -> String {
        let word = |random: &mut Self| {
            let word = random.word().replace('/', "\\/");
            match random.below(4) {
                0 => format!("(?i:{word})"),
                1 => format!("{word}[^x]?{}", random.word()),
                _ => word,
            }
        };
        let mut text = word(self);
        if scope == Scope::Method {
            text = ["GET", "POST", "P", "^PUT"][self.below(4)].to_owned();
        }
        match self.below(8) {
            0 => text = format!("{text}(?s:.*){}", word(self)),
            1 => text = format!("{text}(?s:.{{0,9}}){}", word(self)),
            2 => text.insert(0, '^'),
            3 if scope.end().is_some() => text.push('$'),
            _ => {}
        }
        text
    }
}

/// Whether a pattern is somewhere in one of some texts.
fn is_in(pattern: &str, texts: Option<&Vec<Vec<u8>>>) -> bool {
    let regex = meta::Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build(pattern)
        .expect("a pattern");
    texts.is_some_and(|texts| texts.iter().any(|text| regex.is_match(text)))
}

/// The signatures that are complete somewhere in a stream that comes in random pieces.
fn complete(image: &[u8], text: &[u8], random: &mut Random) -> (BTreeSet<usize>, u16) {
    let signatures = Signatures::verify(image).expect("an image");
    let (mut progress, mut request) = (signatures.begin(), Request::default());
    let mut found = BTreeSet::new();
    let mut rest = text;
    let most = [1, 7, 200][random.below(3)];
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at((1 + random.below(most)).min(rest.len()));
        let flow = signatures.scan_requests(&mut progress, &mut request, piece, |hit| {
            found.insert(hit.sig);
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        rest = behind;
    }
    (found, progress.lost())
}

#[test]
fn signatures_are_complete_where_all_their_parts_are() {
    let mut random = Random(7);
    let (mut found, mut missed, mut streams) = (0, 0, 0);
    for _ in 0..400 {
        let mut wanted: Vec<Vec<(Scope, String, bool)>> = Vec::new();
        let mut sought = Vec::new();
        for _ in 0..1 + random.below(6) {
            let mut parts = Vec::new();
            for at in 0..1 + random.below(3) {
                let scope = random.scope();
                parts.push((scope, random.part(scope), at > 0 && random.below(3) == 0));
            }
            let patterns: Result<Vec<_>, _> = parts
                .iter()
                .map(|(scope, text, _)| Pattern::parse_in(text, *scope))
                .collect();
            let Ok(patterns) = patterns else { continue };
            let mut each = patterns.into_iter().zip(&parts);
            let (first, _) = each.next().expect("a part");
            sought.push(each.fold(Sought::from(first), |sought, (pattern, part)| {
                sought.and(pattern, part.2)
            }));
            wanted.push(parts);
        }
        let Ok(plan) = plan(&sought, BUDGET) else {
            continue;
        };
        let image = image_of(&plan, sought.len());
        for _ in 0..10 {
            let requests: Vec<Sent> = (0..1 + random.below(3)).map(|_| random.request()).collect();
            let expected: BTreeSet<usize> = (0..wanted.len())
                .filter(|sig| {
                    requests.iter().any(|request| {
                        wanted[*sig].iter().all(|(scope, text, is_absent)| {
                            is_in(text, request.scopes.get(scope)) != *is_absent
                        })
                    })
                })
                .collect();
            let bytes: Vec<u8> = requests.iter().flat_map(|r| r.bytes.clone()).collect();
            let (complete, lost) = complete(&image, &bytes, &mut random);
            let text = String::from_utf8_lossy(&bytes);
            assert_eq!(lost, 0, "{wanted:?} in {text}");
            assert_eq!(complete, expected, "{wanted:?} in {text}");
            found += complete.len();
            missed += wanted.len() - complete.len();
            streams += 1;
        }
    }
    assert!(
        found > 500 && missed > 500 && streams > 1000,
        "{found} found, {missed} not, {streams} streams"
    );
}

#[test]
fn what_is_odd_about_a_request_is_a_part_of_it() {
    let of = |parts: &[(Scope, &str, bool)]| {
        let mut each = parts.iter().map(|(scope, text, is_absent)| {
            (
                Pattern::parse_in(text, *scope).expect("a pattern"),
                *is_absent,
            )
        });
        let (first, _) = each.next().expect("a part");
        each.fold(Sought::from(first), |sought, (pattern, is_absent)| {
            sought.and(pattern, is_absent)
        })
    };
    let sought = [
        of(&[(Scope::Oddity, "^both-lengths$", false)]),
        of(&[
            (Scope::Method, "^POST$", false),
            (Scope::Oddity, "^bare-(?:lf|cr)$", false),
        ]),
        of(&[(Scope::Uri, "^/x", false), (Scope::Oddity, "[a-z]", true)]),
    ];
    let plan = plan(&sought, BUDGET).expect("a plan");
    let image = image_of(&plan, sought.len());
    let mut random = Random(3);
    let plain = "GET /x HTTP/1.1\r\nX: both-lengths bare-lf\r\n\r\n";
    let both =
        "POST /x HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let feed = "POST /x HTTP/1.1\nContent-Length: 0\r\n\r\n";
    let get = "GET /x HTTP/1.1\nHost: a\r\n\r\n";
    // Behind a CR in the request line nothing is followed any more.
    let cut = "POST /x HTTP/1.1\rX: y\r\n\r\n";
    for (stream, want) in [
        (vec![plain], vec![2]),
        (vec![both], vec![0]),
        (vec![feed], vec![1]),
        (vec![get], vec![]),
        (vec![get, plain], vec![2]),
        (vec![plain, both, feed], vec![0, 1, 2]),
        (vec![cut], vec![1]),
    ] {
        let text = stream.concat();
        for _ in 0..20 {
            let (found, _) = complete(&image, text.as_bytes(), &mut random);
            assert!(
                found.iter().copied().eq(want.iter().copied()),
                "{found:?} in {text}"
            );
        }
    }
}
