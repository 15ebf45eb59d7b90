// SPDX-License-Identifier: GPL-2.0

//! What several of the tests need: chance, things that come up, and tables made from regexes.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "each test uses a part"
)]

use std::collections::HashMap;

use kis_core::matching::ports::PortRange;
use kis_core::matching::signatures::{
    encode,
    room,
    DfaSpec,
    SigSpec, //
};
use kis_core::matching::threshold::{
    self,
    Threshold,
    Track, //
};
use kis_core::sense::class::{
    Class,
    Domain, //
};
use kis_core::sense::items::{
    Count,
    Item,
    Items,
    MAX_ITEMS,
    MAX_NAMES, //
};
use kis_core::sense::repertoire::Repertoire;
use kis_core::sense::sighting::{
    Act,
    Look,
    Sighting, //
};
use regex_automata::dfa::{
    dense,
    Automaton,
    StartKind, //
};
use regex_automata::util::start;
use regex_automata::util::syntax;
use regex_automata::MatchKind;

/// Reproducible chance: xorshift64* (G. Marsaglia, "Xorshift RNGs", 2003; S. Vigna, 2016).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// One of `all`.
    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    pub fn bytes(&mut self, alphabet: &[u8], len: usize) -> Vec<u8> {
        (0..len).map(|_| self.of(alphabet)).collect()
    }

    /// A number with a chosen number of bits, so that small and huge ones both come up.
    pub fn number(&mut self, bits: u32) -> u64 {
        let shift = 64 - self.below(bits as usize + 1) as u32;
        self.next().checked_shr(shift).unwrap_or(0)
    }
}

/// How often the fuzzers try: `KIS_FUZZ_ITERS`, or `default`.
pub fn iterations(default: u64) -> u64 {
    let set = std::env::var("KIS_FUZZ_ITERS").ok();
    set.and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// A repertoire in memory of its own.
pub type Learner = Repertoire<Vec<Item>, Vec<u8>>;

/// An empty repertoire of the size that the kernel has.
pub fn learner() -> Learner {
    Repertoire::new(vec![Item::NONE; MAX_ITEMS], vec![0; MAX_NAMES])
}

/// All that a set of items says.
pub type Said = (Vec<(Class, Domain, Vec<u8>, Count)>, Vec<u32>);

/// What the items of a repertoire say.
pub fn said(items: &Items<Vec<Item>, Vec<u8>>) -> Said {
    let of = |(item, name): (&Item, &[u8])| (item.class, item.domain, name.to_vec(), item.count);
    let lost = Class::ALL.iter().map(|class| items.lost(*class));
    (items.iter().map(of).collect(), lost.collect())
}

/// A class, most often one of those that fold.
pub fn class(chance: &mut Chance) -> Class {
    match chance.below(4) {
        0 => chance.of(Class::ALL),
        1 => Class::Secret,
        _ => chance.of(&[Class::Secret, Class::Create]),
    }
}

/// A name that such things may have. Many come up again, and some directories have many children.
pub fn name(chance: &mut Chance) -> Vec<u8> {
    const DIRS: [&[u8]; 12] = [
        b"/", b"/v/", b"/v/a/", b"/v/a/", b"/v/a/", b"/v/a/", b"/v/a/b/", b"/v/a/b/", b"/v/a-b/",
        b"/v/ab/", b"/v//", b"",
    ];
    let mut name = chance.of(&DIRS).to_vec();
    let len = 1 + chance.below(2);
    name.extend(chance.bytes(b"abcdefgh-/", len));
    name
}

/// What is done with a file.
pub fn act(chance: &mut Chance) -> Act {
    chance.of(&[
        Act::Read,
        Act::Write,
        Act::Create,
        Act::Remove,
        Act::Library,
    ])
}

/// Who does it, and what kind of file it is.
pub fn look(chance: &mut Chance) -> Look {
    let bits = chance.next();
    let bit = |i: u32| (bits >> i) & 1 != 0;
    Look {
        pid: chance.of(&[0, 7, 42, 1234]),
        is_root: bit(0),
        is_public: bit(1),
        is_own: bit(2),
        is_trusted: bit(3),
        is_program: bit(4),
        is_session: bit(5),
    }
}

/// A repertoire that has learned in so many windows.
pub fn learned(chance: &mut Chance, windows: u32, items: usize) -> Learner {
    let mut self_ = Repertoire::new(vec![Item::NONE; items], vec![0; 8 * items]);
    for _ in 0..windows {
        let start = chance.below(4) == 0;
        for _ in 0..chance.below(40) {
            let (class, is_root, name) = (class(chance), chance.below(4) == 0, name(chance));
            self_.learn(&Sighting::named(class, is_root, &name), start);
        }
        self_.window(start);
    }
    self_
}

/// All regexes in one automaton that finds every end of every match.
pub fn dense(regexes: &[&str]) -> dense::DFA<Vec<u32>> {
    dense::Builder::new()
        .configure(
            dense::Config::new()
                .match_kind(MatchKind::All)
                .start_kind(StartKind::Unanchored),
        )
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
        .build_many(regexes)
        .unwrap()
}

/// An automaton with plain numbers, as [`DfaSpec`] wants it.
pub struct Plain {
    pub classes: [u8; 256],
    pub stride: usize,
    pub transitions: Vec<u32>,
    pub accepts: Vec<Vec<u32>>,
}

/// Numbers the states of `dfa` as a search finds them, and moves matches one byte forward.
///
/// regex-automata says a match one byte late. Without looks ahead that byte does not matter, so the
/// state it reports for the end of input says it in time.
pub fn plain(dfa: &dense::DFA<Vec<u32>>) -> Plain {
    let mut classes = [0; 256];
    for byte in 0..=255u8 {
        classes[usize::from(byte)] = dfa.byte_classes().get(byte);
    }
    let stride = usize::from(*classes.iter().max().unwrap()) + 1;
    let representative: Vec<u8> = (0..stride)
        .map(|class| {
            classes
                .iter()
                .position(|c| usize::from(*c) == class)
                .unwrap() as u8
        })
        .collect();
    let begin = dfa
        .start_state(&start::Config::new().anchored(regex_automata::Anchored::No))
        .unwrap();
    let mut numbers = HashMap::from([(begin, 0)]);
    let mut queue = vec![begin];
    let (mut transitions, mut accepts) = (Vec::new(), Vec::new());
    let mut done = 0;
    while let Some(state) = queue.get(done).copied() {
        done += 1;
        for byte in &representative {
            let next = dfa.next_state(state, *byte);
            assert!(!dfa.is_quit_state(next));
            let fresh = numbers.len() as u32;
            let number = *numbers.entry(next).or_insert_with(|| {
                queue.push(next);
                fresh
            });
            transitions.push(number);
        }
        let end = dfa.next_eoi_state(state);
        let mut list = Vec::new();
        if dfa.is_match_state(end) {
            list.extend((0..dfa.match_len(end)).map(|i| dfa.match_pattern(end, i).as_u32()));
        }
        list.sort_unstable();
        accepts.push(list);
    }
    Plain {
        classes,
        stride,
        transitions,
        accepts,
    }
}

/// The image of signatures 1, 2, … for these regexes.
pub fn image(regexes: &[&str]) -> Vec<u8> {
    image_of(&plain(&dense(regexes)), regexes.len())
}

/// Some ports.
const PORTS: &[PortRange] = &[
    PortRange {
        protocol: Some(6),
        first: 80,
        last: 80,
    },
    PortRange {
        protocol: None,
        first: 1024,
        last: 65_535,
    },
];

/// Some threshold.
const THRESHOLD: Threshold = Threshold {
    kind: threshold::Kind::DetectionFilter,
    track: Track::Source,
    count: 5,
    seconds: 60,
};

/// The image of `n` signatures for an automaton.
pub fn image_of(plain: &Plain, n: usize) -> Vec<u8> {
    let lists: Vec<&[u32]> = plain.accepts.iter().map(Vec::as_slice).collect();
    let dfa = DfaSpec {
        classes: &plain.classes,
        stride: plain.stride,
        transitions: &plain.transitions,
        start: 0,
        accepts: &lists,
    };
    let sigs: Vec<SigSpec<'_>> = (0..n)
        .map(|i| SigSpec {
            id: i as u32 + 1,
            revision: 1,
            kind: 1 + (i % 2) as u8,
            message: b"a signature",
            cell: if i % 3 == 0 { Some(b"redis") } else { None },
            ban_s: 0,
            ports: if i % 4 == 1 { PORTS } else { &[] },
            threshold: (i % 5 == 2).then_some(THRESHOLD),
        })
        .collect();
    let mut out = vec![0; room(&sigs, &dfa)];
    let len = encode(&sigs, &dfa, &mut out).unwrap();
    out.truncate(len);
    out
}
