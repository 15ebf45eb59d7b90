// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::matching::signatures`]: what the table finds is what regex-automata finds, however the stream
//! is cut.

mod common;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use common::Chance;
use kis_core::matching::signatures::Signatures;
use regex_automata::dfa::{
    dense,
    Automaton,
    StartKind, //
};
use regex_automata::util::syntax;
use regex_automata::{
    Anchored,
    Input, //
};

type Hits = BTreeSet<(usize, usize)>;

/// A random regex over a few letters.
fn regex(chance: &mut Chance, depth: u32) -> String {
    let atoms = [
        "a", "b", "c", "ab", "[ab]", "[^a]", ".", "(?i:A)", "\\xff", "\\x00",
    ];
    if depth == 0 {
        return chance.of(&atoms).into();
    }
    let left = regex(chance, depth - 1);
    let right = regex(chance, depth - 1);
    match chance.below(8) {
        0..3 => format!("{left}{right}"),
        3 => format!("(?:{left}|{right})"),
        4 => format!("(?:{left})*{right}"),
        5 => format!("(?:{left})+"),
        6 => format!("(?:{left}){{1,2}}{right}"),
        _ => format!("(?:{left})?{right}"),
    }
}

fn text(chance: &mut Chance, len: usize) -> Vec<u8> {
    chance.bytes(b"aaaabbbccA\xff\0x", len)
}

/// What each regex matches: found by trying every beginning, with an automaton of its own that is
/// anchored at both ends, so that neither the search nor the moving of matches is shared.
fn reference(regexes: &[&str], text: &[u8]) -> Hits {
    let mut hits = Hits::new();
    for (i, regex) in regexes.iter().enumerate() {
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .start_kind(StartKind::Anchored)
                    .match_kind(regex_automata::MatchKind::All),
            )
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
            .build(regex)
            .unwrap();
        for start in 0..=text.len() {
            let input = Input::new(text).range(start..).anchored(Anchored::Yes);
            let mut state = dfa.start_state_forward(&input).unwrap();
            for end in start..=text.len() {
                if end > 0 && dfa.is_match_state(dfa.next_eoi_state(state)) {
                    hits.insert((i, end));
                }
                if let Some(byte) = text.get(end) {
                    state = dfa.next_state(state, *byte);
                }
            }
        }
    }
    hits
}

/// What the table finds when the text comes in these pieces.
fn scanned<'a>(
    sigs: &Signatures<Vec<u8>>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Hits, u32) {
    let mut hits = Hits::new();
    let mut state = sigs.start();
    let mut base = 0;
    for piece in pieces {
        let mut last = None;
        let flow = sigs.walk(&mut state, piece, |hit| {
            assert!(last < Some((hit.end, hit.sig)), "in order");
            last = Some((hit.end, hit.sig));
            assert!((1..=piece.len()).contains(&hit.end));
            assert!(hits.insert((hit.sig, base + hit.end)), "twice");
            ControlFlow::Continue(())
        });
        assert!(flow.is_continue());
        assert_eq!(sigs.state(state), state);
        base += piece.len();
    }
    (hits, state)
}

#[test]
fn scan_finds_what_regex_automata_finds_in_every_split() {
    let mut found = 0;
    for seed in 0..common::iterations(2000).div_ceil(20) {
        let mut chance = Chance::new(seed);
        let regexes: Vec<String> = (0..1 + chance.below(4))
            .map(|_| regex(&mut chance, 2))
            .collect();
        let regexes: Vec<&str> = regexes.iter().map(String::as_str).collect();
        let sigs = Signatures::verify(common::image(&regexes)).unwrap();
        for _ in 0..3 {
            let len = chance.below(24);
            let text = text(&mut chance, len);
            let want = reference(&regexes, &text);
            found += want.len();
            let (whole, end) = scanned(&sigs, [&text[..]]);
            assert_eq!(whole, want, "{regexes:?} {text:?}");
            // All cuts in two, and all cuts in three.
            for i in 0..=text.len() {
                for j in i..=text.len() {
                    let (hits, state) = scanned(&sigs, [&text[..i], &text[i..j], &text[j..]]);
                    assert_eq!((hits, state), (want.clone(), end));
                }
            }
            // Byte by byte.
            assert_eq!(scanned(&sigs, text.chunks(1)), (want, end));
        }
    }
    assert!(found > 1000, "{found}");
}

#[test]
fn scan_finds_real_signatures_in_the_middle_of_traffic() {
    let regexes = [
        "(?i)config[ \r\n$0-9]+set[ \r\n$0-9]+dir[ \r\n$0-9]+/root/\\.ssh",
        "\\$\\{jndi:(?:ldap|rmi|dns)://",
        "\\x90{16}",
        "(?i)union[ +]+(?:all[ +]+)?select",
    ];
    let sigs = Signatures::verify(common::image(&regexes)).unwrap();
    let mut chance = Chance::new(16);
    let attacks: [&[u8]; 4] = [
        b"*4\r\n$6\r\nCONFIG\r\n$3\r\nset\r\n$3\r\ndir\r\n$10\r\n/root/.ssh",
        b"X-Api: ${jndi:ldap://",
        &[0x90; 16],
        b"id=1+UNION+ALL++select",
    ];
    for (i, attack) in attacks.iter().enumerate() {
        for _ in 0..50 {
            let mut stream = chance.bytes(b"abcdefghijklm \r\n$*0123", 4000);
            let at = chance.below(4000);
            stream.splice(at..at, attack.iter().copied());
            let size = 1 + chance.below(1500);
            let (hits, _) = scanned(&sigs, stream.chunks(size));
            assert_eq!(hits, Hits::from([(i, at + attack.len())]));
        }
    }
}

#[test]
fn scan_goes_on_where_it_was_stopped() {
    let mut chance = Chance::new(17);
    let sigs = Signatures::verify(common::image(&["ab", "b+", "c"])).unwrap();
    for _ in 0..common::iterations(2000).div_ceil(4) {
        let len = chance.below(60);
        let text = text(&mut chance, len);
        let (whole, end) = scanned(&sigs, [&text[..]]);
        let mut ends = BTreeSet::new();
        let (mut state, mut at) = (sigs.start(), 0);
        loop {
            let mut stop = None;
            let flow = sigs.walk(&mut state, &text[at..], |hit| {
                stop = Some(hit.end);
                ControlFlow::Break(())
            });
            assert_eq!(flow.is_break(), stop.is_some());
            let Some(stop) = stop else { break };
            at += stop;
            ends.insert(at);
        }
        assert_eq!(ends, whole.iter().map(|(_, end)| *end).collect());
        assert_eq!(state, end);
    }
}

#[test]
fn beginning_of_the_stream_can_be_a_condition() {
    let sigs = Signatures::verify(common::image(&["\\AGET", "GET"])).unwrap();
    let hits = |text: &[u8]| scanned(&sigs, text.chunks(2)).0;
    assert_eq!(hits(b"GET"), Hits::from([(0, 3), (1, 3)]));
    assert_eq!(hits(b" GET"), Hits::from([(1, 4)]));
}

#[test]
fn verify_of_a_table_near_the_limit_takes_linear_time() {
    // 65536 states of 63 classes, all of them visited by a pseudo-random walk: almost 16 MiB.
    let states = 65_536u32;
    let mut chance = Chance::new(18);
    let mut plain = common::Plain {
        classes: std::array::from_fn(|byte| (byte % 63) as u8),
        stride: 63,
        transitions: (0..states * 63)
            .map(|_| chance.below(states as usize) as u32)
            .collect(),
        accepts: vec![Vec::new(); states as usize],
    };
    plain.accepts[77].push(0);
    let image = common::image_of(&plain, 1);
    assert!(image.len() > 15 << 20);
    let start = std::time::Instant::now();
    let sigs = Signatures::verify(&image[..]).unwrap();
    // Tens of milliseconds when optimised; generous for debug builds on slow machines.
    assert!(start.elapsed().as_secs() < 20);
    let mut state = sigs.start();
    let noise: Vec<u8> = (0..1 << 20).map(|_| chance.next() as u8).collect();
    let mut hits = 0;
    let _ = sigs.walk(&mut state, &noise, |_| {
        hits += 1;
        ControlFlow::Continue(())
    });
    // One state of 65536 accepts.
    assert!((2..60).contains(&hits), "{hits}");
}
