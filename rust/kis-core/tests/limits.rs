// SPDX-License-Identifier: GPL-2.0

//! Each bound of an image: the greatest that is allowed is, one more is not.

mod common;

use common::Learner;
use kis_core::cells::{
    self,
    CellSpec,
    Cells, //
};
use kis_core::matching::ports::{
    PortRange,
    MAX_PORTS, //
};
use kis_core::matching::signatures::{
    self,
    DfaSpec,
    SigSpec,
    Signatures, //
};
use kis_core::matching::threshold::{
    self,
    Threshold,
    Track, //
};
use kis_core::sense::bound::NO_BOUNDS;
use kis_core::sense::budget::Budget;
use kis_core::sense::class::{
    Class,
    ClassSet,
    Domain, //
};
use kis_core::sense::detector::{
    Keep,
    Observation, //
};
use kis_core::sense::items::{
    MAX_NAME,
    MAX_NAMES, //
};
use kis_core::sense::param::Param;
use kis_core::sense::profile::{
    Profile,
    Settings,
    MAX_BYTES, //
};
use kis_core::sense::sighting::Sighting;
use kis_core::sense::stats::MAX_COUNT;
use kis_core::wire::abi::{
    Op,
    OpSet,
    ABI,
    MAX_CELLS,
    MAX_EXPECTED,
    MAX_IMAGE,
    MAX_ITEMS,
    MAX_PREFIXES,
    MAX_SIGNATURES, //
};
use kis_core::wire::image::reseal;
use kis_core::Error;

fn encode_cells(specs: &[CellSpec<'_>]) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; cells::room(specs)];
    let len = cells::encode(specs, &mut out)?;
    out.truncate(len);
    Ok(out)
}

/// Whether one cell, changed so, is accepted.
fn cell(change: impl FnOnce(&mut CellSpec<'_>)) -> bool {
    let mut spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
    change(&mut spec);
    encode_cells(&[spec]).is_ok()
}

/// A program or prefix of `len` bytes.
fn path(len: usize) -> &'static [u8] {
    let mut path = vec![b'a'; len];
    path[0] = b'/';
    path.leak()
}

#[test]
fn cells_and_prefixes_are_bounded() {
    let names: Vec<String> = (0..=MAX_CELLS).map(|i| format!("cell-{i}")).collect();
    let specs: Vec<CellSpec<'_>> = names
        .iter()
        .map(|name| CellSpec::new(name.as_bytes(), b"/bin/true"))
        .collect();
    assert!(encode_cells(&specs[..MAX_CELLS]).is_ok());
    let Err(Error::Limit(limit)) = encode_cells(&specs) else {
        panic!("{} cells", specs.len());
    };
    assert_eq!((limit.what, limit.max as usize), ("cells", MAX_CELLS));
    for access in 0..3 {
        let prefixes = |n: usize| cell(|c| c.trees[access] = vec![&b"/srv"[..]; n].leak());
        assert!(prefixes(MAX_PREFIXES) && !prefixes(MAX_PREFIXES + 1));
    }
    let expected = |n: usize| {
        cell(|c| {
            (c.hard, c.learn) = (true, true);
            c.expected_classes = ClassSet::EMPTY.with(Class::Peer);
            c.expected = vec![(Class::Peer, &b"unix *"[..]); n].leak();
        })
    };
    assert!(expected(0) && expected(MAX_EXPECTED) && !expected(MAX_EXPECTED + 1));
}

#[test]
fn strings_of_a_cell_are_bounded() {
    for (len, good) in [(0, false), (1, true), (31, true), (32, false)] {
        assert_eq!(cell(|c| c.name = vec![b'x'; len].leak()), good, "{len}");
    }
    for (len, good) in [(1, false), (2, true), (255, true), (256, false)] {
        assert_eq!(cell(|c| c.program = path(len)), good, "{len}");
        let trees = |c: &mut CellSpec<'_>| c.trees[1] = vec![path(len)].leak();
        assert_eq!(cell(trees), good || len == 1, "{len}");
    }
    for (len, good) in [(0, true), (255, true), (256, false)] {
        assert_eq!(
            cell(|c| c.arguments = vec![b'*'; len].leak()),
            good,
            "{len}"
        );
    }
    assert!(!cell(|c| c.arguments = b"a\0b"));
    for name in ["A", "a b", "a/b", "\u{e4}", "a\0"] {
        assert!(!cell(|c| c.name = name.as_bytes()));
    }
    for bad in ["", "bin/x", "/bin/", "/a//b", "/a/./b", "/a/../b", "/a\0b"] {
        assert!(!cell(|c| c.program = bad.as_bytes()));
        assert!(!cell(|c| c.trees[2] = vec![bad.as_bytes()].leak()));
    }
}

#[test]
fn numbers_of_a_cell_are_bounded() {
    for (value, good) in [(99, false), (100, true), (60_000, true), (60_001, false)] {
        assert_eq!(cell(|c| c.window_ms = value), good, "{value}");
    }
    for (value, good) in [(0, false), (1, true), (100_000, true), (100_001, false)] {
        assert_eq!(cell(|c| c.learn_windows = value), good, "{value}");
    }
    for (one, two, good) in [
        (0, 0, true),
        (2, 1, false),
        (1 << 26, 1 << 26, true),
        (0, (1 << 26) + 1, false),
        ((1 << 26) + 1, (1 << 26) + 1, false),
    ] {
        let budget = Budget::Deviations {
            one_q16: one,
            two_q16: two,
        };
        assert_eq!(cell(|c| c.budget = budget), good, "{one} {two}");
    }
    for (one, two, good) in [
        (66, 66, true),
        (65, 66, false),
        (66, 65, false),
        (66, 66 * 30, true),
        (66, 66 * 30 + 1, false),
        (10_000 << 16, 10_000 << 16, true),
        (10_000 << 16, (10_000 << 16) + 1, false),
        ((10_000 << 16) + 1, 66, false),
    ] {
        let budget = Budget::Alarms {
            one_per_day_q16: one,
            two_per_month_q16: two,
            window_ms: 1000,
        };
        assert_eq!(cell(|c| c.budget = budget), good, "{one} {two}");
    }
    for (value, good) in [
        (0, false),
        (1, true),
        (86_400_000, true),
        (86_400_001, false),
    ] {
        assert_eq!(cell(|c| c.hold_one_ms = value), good, "{value}");
        assert_eq!(cell(|c| c.hold_two_ms = value), good, "{value}");
    }
    for (value, good) in [(0, true), (2_592_000, true), (2_592_001, false)] {
        assert_eq!(cell(|c| c.ban_s = value), good, "{value}");
    }
}

#[test]
fn every_parameter_can_be_bounded_and_every_operation_named() {
    let mut spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
    for (param, bound) in Param::ALL.into_iter().zip(&mut spec.bounds) {
        *bound = Some(u64::MAX - param.index() as u64);
    }
    (spec.forbid, spec.deny) = (OpSet::ALL, OpSet::ALL);
    let image = encode_cells(&[spec]).unwrap();
    let cells = Cells::verify(&image[..]).unwrap();
    let cell = cells.get(0).unwrap();
    assert_eq!(cell.bounds(), spec.bounds);
    assert_eq!((cell.forbid(), cell.deny()), (OpSet::ALL, OpSet::ALL));
    // The sets are at 64 and 72 of the cell, the bounds behind it: none but the known is taken.
    let first = 56;
    let bounds = first + 120;
    for at in [64, 72] {
        for bit in 0..u64::BITS as usize {
            let word = first + at + 4 * (bit / 32);
            let set = 1u32 << (bit % 32);
            let good = (1..Op::COUNT).contains(&bit);

            let mut alone = forged(&image, first + at, 0);
            alone = forged(&alone, first + at + 4, 0);
            assert_eq!(Cells::verify(&forged(&alone, word, set)[..]).is_ok(), good);
        }
    }
    let last = bounds + 16 * (Param::COUNT - 1);
    let number = Param::COUNT as u32;
    for (at, word, good) in [
        (last, number - 1, true),
        (last, number, false),
        (last, number - 2, false),
        (last, u32::MAX, false),
        (last, (number - 1) | (1 << 16), false),
        (last + 4, 1, false),
        (last + 8, 7, true),
        // First, number: more than there are, fewer, none.
        (first + 80, 1, false),
        (first + 84, number + 1, false),
        (first + 84, number - 1, false),
        (first + 84, 0, false),
        (first + 84, u32::MAX, false),
        // What is expected of a cell that is not hard: of no class, of a class; patterns.
        (first + 60, 1, false),
        (first + 60, 1 << Class::Peer as u32, false),
        (first + 112, 1, false),
        (first + 116, 1, false),
    ] {
        let image = forged(&image, at, word);
        assert_eq!(Cells::verify(&image[..]).is_ok(), good, "{at} {word}");
    }
}

/// An automaton that finds nothing.
const NOTHING: DfaSpec<'static> = DfaSpec {
    classes: &[0; 256],
    stride: 1,
    transitions: &[0],
    start: 0,
    accepts: &[&[]],
};

const SIG: SigSpec<'static> = SigSpec {
    id: 1,
    revision: 1,
    kind: 2,
    message: b"m",
    cell: None,
    ban_s: 0,
    ports: &[],
    threshold: None,
};

fn encode_signatures(sigs: &[SigSpec<'_>], dfa: &DfaSpec<'_>) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; signatures::room(sigs, dfa)];
    let len = signatures::encode(sigs, dfa, &mut out)?;
    out.truncate(len);
    Ok(out)
}

#[test]
fn signatures_are_bounded() {
    let ids = 0..=MAX_SIGNATURES as u32;
    let sigs: Vec<SigSpec<'_>> = ids.map(|id| SigSpec { id, ..SIG }).collect();
    assert!(encode_signatures(&sigs[1..], &NOTHING).is_ok());
    let Err(Error::Limit(limit)) = encode_signatures(&sigs, &NOTHING) else {
        panic!("{} signatures", sigs.len());
    };
    assert_eq!(
        (limit.what, limit.max as usize),
        ("signatures", MAX_SIGNATURES)
    );
    // No signature at all is a table that finds nothing.
    let none = Signatures::verify(encode_signatures(&[], &NOTHING).unwrap()).unwrap();
    assert!(none.is_empty());
    let good = |sig: SigSpec<'_>| encode_signatures(&[sig], &NOTHING).is_ok();
    for (len, want) in [(0, false), (1, true), (127, true), (128, false)] {
        let message = &vec![b'm'; len][..];
        assert_eq!(good(SigSpec { message, ..SIG }), want, "{len}");
    }
    for (len, want) in [(0, false), (1, true), (31, true), (32, false)] {
        let name = vec![b'c'; len];
        let cell = Some(&name[..]);
        assert_eq!(good(SigSpec { cell, ..SIG }), want, "{len}");
    }
    for (byte, want) in [
        (0, false),
        (0x1f, false),
        (b' ', true),
        (0x7f, false),
        (0xc3, true),
    ] {
        assert_eq!(
            good(SigSpec {
                message: &[byte],
                ..SIG
            }),
            want,
            "{byte}"
        );
    }
    for (kind, want) in [(0, false), (1, true), (2, true), (3, false)] {
        assert_eq!(good(SigSpec { kind, ..SIG }), want, "{kind}");
    }
    let range = PortRange {
        protocol: None,
        first: 1,
        last: 65_535,
    };
    let many = [range; MAX_PORTS + 1];
    for (count, want) in [(MAX_PORTS, true), (MAX_PORTS + 1, false)] {
        let ports = &many[..count];
        assert_eq!(good(SigSpec { ports, ..SIG }), want, "{count}");
    }
    for (count, seconds, want) in [
        (1, 1, true),
        (threshold::MAX_COUNT, threshold::MAX_SECONDS, true),
        (0, 1, false),
        (1, 0, false),
        (threshold::MAX_COUNT + 1, 1, false),
        (1, threshold::MAX_SECONDS + 1, false),
    ] {
        let threshold = Some(Threshold {
            kind: threshold::Kind::Both,
            track: Track::Rule,
            count,
            seconds,
        });
        let is_good = good(SigSpec { threshold, ..SIG });
        assert_eq!(is_good, want, "{count} in {seconds}");
    }
    for (ban_s, want) in [(2_592_000, true), (2_592_001, false)] {
        assert_eq!(good(SigSpec { ban_s, ..SIG }), want, "{ban_s}");
    }
    assert!(encode_signatures(&[SIG, SIG], &NOTHING).is_err());
    // The header has no room any more.
    let states = MAX_IMAGE / 4;
    let (transitions, accepts) = (vec![0; states], vec![&[][..]; states]);
    let huge = DfaSpec {
        transitions: &transitions,
        accepts: &accepts,
        ..NOTHING
    };
    assert!(matches!(
        encode_signatures(&[], &huge),
        Err(Error::Limit(_))
    ));
}

/// `image` with another word at `at`, and the sum made right.
fn forged(image: &[u8], at: usize, word: u32) -> Vec<u8> {
    let mut forged = image.to_vec();
    forged[at..at + 4].copy_from_slice(&word.to_le_bytes());
    reseal(&mut forged);
    forged
}

#[test]
fn counts_beyond_an_empty_image_are_refused() {
    let cells = encode_cells(&[]).unwrap();
    assert!(Cells::verify(&cells[..]).is_ok());
    for word in 0..4 {
        for value in [1, 2, 31, 0x1000_0000, u32::MAX] {
            let image = forged(&cells, 32 + 4 * word, value);
            assert!(Cells::verify(&image[..]).is_err(), "{word} {value}");
        }
    }
    let sigs = encode_signatures(&[], &NOTHING).unwrap();
    assert!(Signatures::verify(&sigs[..]).is_ok());
    // The table of sections, and the counts of the automaton behind it.
    for word in 0..30 + 6 {
        for value in [0, 1, 2, 31, 257, 0x1000_0000, u32::MAX] {
            let image = forged(&sigs, 32 + 4 * word, value);
            let same = image == sigs;
            assert_eq!(
                Signatures::verify(&image[..]).is_ok(),
                same,
                "{word} {value}"
            );
        }
    }
}

/// An image of these sections in this order, made by hand.
fn of_sections(sections: &[(u32, &[u8])]) -> Vec<u8> {
    let mut head = vec![0x4953_494b, ABI, 1, 0, 0, 0, 0, 0, sections.len() as u32, 0];
    let mut body = Vec::new();
    let first = 32 + 8 + 16 * sections.len();
    for (kind, bytes) in sections {
        let place = (first + body.len()) as u32;
        head.extend([*kind, 0, place, bytes.len() as u32]);
        body.extend_from_slice(bytes);
        body.resize(body.len().next_multiple_of(8), 0);
    }
    let mut image: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
    image.append(&mut body);
    let len = image.len() as u32;
    forged(&image, 12, len)
}

/// An automaton of one class, this many states, lists and entries of lists, made by hand.
fn automaton(states: u32, lists: u32, entries: u32) -> Vec<u8> {
    let mut section = Vec::new();
    for word in [states, 1, lists, entries, 0, 0] {
        section.extend_from_slice(&u32::to_le_bytes(word));
    }
    section.extend_from_slice(&[0; 256]);
    let zeros = |n: u32| (0..n).map(|_| 0);
    for word in zeros(states).chain(0..=lists).chain(zeros(entries)) {
        section.extend_from_slice(&u32::to_le_bytes(word));
    }
    section
}

/// The row of a signature whose message is the one byte of the strings.
const ROW: [u8; 40] = {
    let mut row = [0; 40];
    // Id, revision, type, length of the message, place of the cell's name.
    (row[0], row[4], row[8], row[20], row[24]) = (1, 1, 2, 1, 1);
    row
};

/// The sections beside the automaton of streams, with nothing in them.
const BESIDE: [(u32, &[u8]); 6] = [
    (4, &[0; 16]),
    (5, &[0; 8]),
    (6, &[0; 16]),
    (7, &[0; 8]),
    (8, &[]),
    (9, &[]),
];

/// An image of one signature and such an automaton.
fn by_hand(states: u32, lists: u32, entries: u32) -> Vec<u8> {
    let table = automaton(states, lists, entries);
    let own = [(1, &ROW[..]), (2, b"m"), (3, &table)];
    of_sections(&[&own[..], &BESIDE].concat())
}

#[test]
fn sections_come_once_each_and_in_their_order() {
    let table = automaton(1, 1, 1);
    let [rows, strings, automaton] = [(1, &ROW[..]), (2, &b"m"[..]), (3, &table[..])];
    let good = |sections: &[(u32, &[u8])]| {
        let image = of_sections(&[sections, &BESIDE].concat());
        Signatures::verify(image).is_ok()
    };
    assert!(good(&[rows, strings, automaton]));
    for sections in [
        &[][..],
        &[automaton],
        &[rows, strings],
        &[rows, automaton],
        &[strings, rows, automaton],
        &[rows, automaton, strings],
        &[rows, strings, automaton, automaton],
        &[rows, rows, strings, automaton],
        &[rows, strings, (4, &table)],
        &[rows, strings, automaton, (4, &[])],
        &[(0, &[]), rows, strings, automaton],
        &[(0, &ROW), strings, automaton],
        // Each verifier looks at the length of its section.
        &[(1, &ROW[..39]), strings, automaton],
        &[(1, &[]), strings, automaton],
        &[(1, &[]), (2, &[]), automaton],
        &[rows, (2, &[]), automaton],
        &[rows, (2, b"mm"), automaton],
        &[rows, strings, (3, &table[..20])],
        &[rows, strings, (3, &table[..table.len() - 4])],
        &[rows, strings, (3, &[])],
    ] {
        assert!(!good(sections), "{sections:?}");
    }
    let image = of_sections(&[&[rows, strings, automaton][..], &BESIDE].concat());
    for entry in [40, 56, 72, 88, 104, 120, 136, 152] {
        for (at, change) in [
            (4, 1),
            (8, 8),
            (8, 4),
            (8, u32::MAX),
            (12, 8),
            (12, u32::MAX),
        ] {
            let at = entry + at;
            let word = u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
            let image = forged(&image, at, word.wrapping_add(change));
            assert!(Signatures::verify(&image[..]).is_err(), "{at} {change}");
        }
    }
}

#[test]
fn lists_without_a_state_and_entries_without_a_list_are_refused() {
    for (lists, entries, good) in [
        (0, 0, true),
        (1, 1, true),
        (0, 1, false),
        (1, 0, false),
        (1, 2, false),
        (2, 2, false),
        (3, 3, false),
    ] {
        let image = by_hand(1, lists, entries);
        let verified = Signatures::verify(&image[..]);
        assert_eq!(verified.is_ok(), good, "{lists} {entries}");
    }
}

#[test]
fn images_have_at_most_64_mib() {
    let other = by_hand(1, 0, 0).len() as u32 - 4;
    let states = (MAX_IMAGE as u32 - other) / 4;
    let image = by_hand(states, 0, 0);
    assert_eq!(image.len(), 64 << 20);
    assert!(Signatures::verify(&image[..]).is_ok());
    let image = by_hand(states + 2, 0, 0);
    assert!(matches!(
        Signatures::verify(&image[..]),
        Err(Error::Limit(limit)) if limit.max == 64 << 20
    ));
}

/// The image of a profile that has learned nothing else than this repertoire.
fn encode_profile(self_: &Learner) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; MAX_BYTES];
    let len = Profile::new().encode(self_, &mut out)?;
    out.truncate(len);
    Ok(out)
}

fn verify(image: &[u8]) -> Result<Profile, Error> {
    Profile::verify(image, &mut common::learner())
}

/// Bytes of the head of the repertoire's section, and of an item.
const HEAD: usize = 16 + 2 * 4 * Class::COUNT;
const ITEM: usize = 24;

/// Bytes of a parameter of which nothing is known.
const PARAM: usize = 104;

/// Bytes of what the parameters that add up add up to in stretches of a length, when nothing is known.
const LENGTH: usize = 16 + 32 * ADDED;
const ADDED: usize = 11;

/// Where the sections of a profile begin.
const DEVIATION: usize = 88;
const STRETCHES: usize = DEVIATION + 8 + 8 + PARAM * Param::COUNT;
const PEERS: usize = STRETCHES + 8 + 2 * LENGTH;
const REPERTOIRE: usize = PEERS + 8 + 8 + 2 * 48;
const ITEMS: usize = REPERTOIRE + 8 + HEAD;

#[test]
fn profiles_are_bounded() {
    let small = encode_profile(&common::learner()).unwrap();
    assert_eq!(small.len(), ITEMS);
    let params = (8 + PARAM * Param::COUNT) as u32;
    let head = HEAD as u32;
    for (at, word, good) in [
        (32, 2, false),
        // Windows of a cell without a repertoire, and more than there may be.
        (36, 1, true),
        (36, MAX_COUNT + 1, false),
        // Budget of a profile that learns.
        (40, 1, false),
        (44, 1, false),
        (48, 1, false),
        (52, 1, false),
        // Whose it is.
        (56, 1, true),
        (68, u32::MAX, true),
        // How the trial went: more windows than were learned, more signals than windows, more of
        // danger two than of all.
        (72, MAX_COUNT, false),
        (76, MAX_COUNT, false),
        (80, MAX_COUNT, false),
        (84, 1, false),
        // Number and length of a section.
        (DEVIATION, 0, false),
        (DEVIATION, 2, false),
        (DEVIATION, 3, false),
        (DEVIATION + 4, params - 8, false),
        (DEVIATION + 4, params + 8, false),
        (DEVIATION + 4, 0, false),
        (DEVIATION + 4, u32::MAX, false),
        (STRETCHES, 2, false),
        (STRETCHES, 6, false),
        (STRETCHES + 4, 0, false),
        // Stretches, their load, and what one parameter adds up to, of nothing.
        (STRETCHES + 8, 1, false),
        (STRETCHES + 12, 1, false),
        (STRETCHES + 16, 1, false),
        (STRETCHES + 24, 1, false),
        (STRETCHES + 32, 1, false),
        (STRETCHES + 40, 1, false),
        (STRETCHES + 48, 1, false),
        (STRETCHES + 52, 1, false),
        (STRETCHES + 8 + LENGTH, 1, false),
        (PEERS, 4, false),
        (PEERS, 6, false),
        (PEERS + 4, 0, false),
        // What peers were sent, of nothing.
        (PEERS + 8, 1, false),
        (PEERS + 12, 1, false),
        (PEERS + 16, 1, false),
        (PEERS + 24, 1, false),
        (PEERS + 32, 1, false),
        (PEERS + 40, 1, false),
        (PEERS + 48, 1, false),
        (PEERS + 56, 1, false),
        (PEERS + 60, 1, false),
        (REPERTOIRE, 0, false),
        (REPERTOIRE, 1, false),
        // The number that it had in an older version.
        (REPERTOIRE, 3, false),
        (REPERTOIRE + 4, 0, false),
        (REPERTOIRE + 4, head - 4, false),
        (REPERTOIRE + 4, head + 8, false),
        (REPERTOIRE + 4, u32::MAX, false),
        // Windows, windows of a start, items, names.
        (REPERTOIRE + 8, 1, false),
        (REPERTOIRE + 12, 1, false),
        (REPERTOIRE + 12, u32::MAX, false),
        (REPERTOIRE + 16, 1, false),
        (REPERTOIRE + 16, u32::MAX, false),
        (REPERTOIRE + 20, 1, false),
        (REPERTOIRE + 20, 8, false),
        (REPERTOIRE + 20, u32::MAX, false),
        // What found no room.
        (REPERTOIRE + 24, u32::MAX, true),
        (REPERTOIRE + 20 + 4 * Class::COUNT, 1, true),
        // What was kept out.
        (ITEMS - 4, 1, true),
        // Load, and sums, of nothing.
        (DEVIATION + 8, 1, false),
        (DEVIATION + 16, 1, false),
        (DEVIATION + 20, 1, false),
        (DEVIATION + 24, 1, false),
        (DEVIATION + 32, 1, false),
        (DEVIATION + 48, 1, false),
        (DEVIATION + 56, 1, false),
        (DEVIATION + 64, 1, false),
        // Sizes of lists, and lengths of blocks.
        (DEVIATION + 72, 1, false),
        (DEVIATION + 80, 1, false),
        (DEVIATION + 88, 1, false),
        (DEVIATION + 92, 1, false),
        (DEVIATION + 96, 1, false),
        (DEVIATION + 100, 0, false),
        (DEVIATION + 100, 2, false),
        (DEVIATION + 104, 1, false),
        (DEVIATION + 112, 1, false),
        (DEVIATION + 116, 1, false),
    ] {
        let image = forged(&small, at, word);
        assert_eq!(verify(&image).is_ok(), good, "{at} {word}");
    }
    // As many windows as there may be, all of them quiet.
    let many = forged(&small, 36, MAX_COUNT);
    assert!(verify(&forged(&many, REPERTOIRE + 8, MAX_COUNT)).is_ok());
    assert!(verify(&forged(&many, REPERTOIRE + 8, MAX_COUNT - 1)).is_err());
    let many = forged(&many, 36, MAX_COUNT + 1);
    assert!(matches!(
        verify(&forged(&many, REPERTOIRE + 8, MAX_COUNT + 1)),
        Err(Error::Limit(_))
    ));
}

#[test]
fn repertoires_are_bounded() {
    // As many items as there may be, with as many bytes of names.
    let names: Vec<String> = (0..=MAX_ITEMS)
        .map(|i| format!("{i:0len$}", len = MAX_NAMES / MAX_ITEMS))
        .collect();
    let mut self_ = common::learner();
    for name in &names {
        self_.learn(&Sighting::named(Class::Peer, true, name.as_bytes()), false);
    }
    let (items, names_len) = (self_.items().len(), self_.items().names_len());
    assert_eq!((items, names_len), (MAX_ITEMS, MAX_NAMES));
    assert_eq!(self_.items().lost(Class::Peer), 1);
    assert!(!self_.accept(Class::Port, Domain::User, b""));
    // A value of each size, and as many as make 31 blocks.
    let settings = Settings {
        learn_windows: 1000,
        hard: false,
        budget: Budget::usual(1000),
        bounds: NO_BOUNDS,
    };
    let mut profile = Profile::new();
    for i in 0..248u64 {
        let (size, part) = (i % 157 / 4, i % 157 % 4);
        let value = size.checked_sub(1).map_or(part, |size| (4 + part) << size);
        let window = Observation::Window {
            values: &[value; Param::COUNT],
            processes: 1,
            start: false,
        };
        profile.learn(&window, &settings);
        self_.window(false);
    }
    let mut full = vec![0; MAX_BYTES];
    let len = profile.encode(&self_, &mut full).unwrap();
    // Of three parameters nothing is learned per load; of short stretches there are 8, and no long ones.
    // And nothing of peers.
    let sums = (24 + 32) * 8 * ADDED + 2 * 32 * 8;
    assert_eq!(len + 3 * 32 * 8 + sums, MAX_BYTES);
    full.truncate(len);
    let mut again = common::learner();
    let read = Profile::verify(&full, &mut again).unwrap();
    let mut second = vec![0; MAX_BYTES];
    assert_eq!(read.encode(&again, &mut second), Ok(len));
    assert!(second[..len] == full[..len]);
    assert_eq!(common::said(again.items()), common::said(self_.items()));
    // One item, or a byte of names, more than there may be.
    let repertoire = len - 8 - self_.bytes();
    for (items, names) in [(1, 0), (0, 8)] {
        let mut long = full.clone();
        long.resize(full.len() + items * ITEM + names, b'z');
        let len = long.len() as u32;
        let long = forged(&long, 12, len);
        let long = forged(&long, repertoire + 4, len - repertoire as u32 - 8);
        let long = forged(&long, repertoire + 16, (MAX_ITEMS + items) as u32);
        let long = forged(&long, repertoire + 20, (MAX_NAMES + names) as u32);
        assert!(matches!(verify(&long), Err(Error::Limit(_))));
    }
    // A byte of room less.
    let mut out = vec![0; full.len() - 1];
    assert!(matches!(
        profile.encode(&self_, &mut out),
        Err(Error::Limit(_))
    ));
}

#[test]
fn items_are_bounded() {
    let mut self_ = common::learner();
    assert!(!self_.accept(Class::Peer, Domain::Root, &[b'x'; MAX_NAME + 1]));
    assert!(self_.accept(Class::Peer, Domain::Root, &[b'x'; MAX_NAME]));
    assert!(self_.accept(Class::Port, Domain::User, b"y"));
    let image = encode_profile(&self_).unwrap();
    assert!(verify(&image).is_ok());
    // Class, domain, bytes of the name.
    let (first, second) = (ITEMS, ITEMS + ITEM);
    let of =
        |class: Class, domain: u32, len: usize| class as u32 | (domain << 8) | ((len as u32) << 16);
    let peer = |len| of(Class::Peer, 0, len);
    let last = Class::COUNT as u32;
    for (at, word, good) in [
        (first, peer(MAX_NAME), true),
        (first, of(Class::Peer, 1, MAX_NAME), true),
        (first, of(Class::Peer, 2, MAX_NAME), false),
        (first, of(Class::Peer, 255, MAX_NAME), false),
        (first, of(Class::Port, 0, MAX_NAME), true),
        // Out of order, and beyond the last class.
        (first, of(Class::Socket, 0, MAX_NAME), false),
        (second, of(Class::Program, 1, 1), false),
        (second, last | (1 << 8) | (1 << 16), true),
        (second, (last + 1) | (1 << 8) | (1 << 16), false),
        (second, (1 << 8) | (1 << 16), false),
        (second, 255 | (1 << 8) | (1 << 16), false),
        // Names that are not all of the bytes, and more.
        (first, peer(MAX_NAME - 1), false),
        (first, peer(0), false),
        (first, peer(MAX_NAME + 1), false),
        (first, peer(0xffff), false),
        (second, of(Class::Port, 1, 0), false),
        (second, of(Class::Port, 1, 2), false),
        // Count, windows, windows of a start, first and last window.
        (first + 4, 0, false),
        (first + 4, 2, true),
        (first + 4, u32::MAX, true),
        (first + 8, 1, false),
        (first + 12, 0, false),
        (first + 12, 2, false),
        (first + 16, 1, false),
        (first + 20, 1, false),
        (first + 20, u32::MAX, false),
    ] {
        let image = forged(&image, at, word);
        assert_eq!(verify(&image).is_ok(), good, "{at} {word:#x}");
    }
    // A name of 512 bytes, of which no other is short.
    let long = forged(&image, first, peer(MAX_NAME + 1));
    let long = forged(&long, second, of(Class::Port, 1, 0));
    assert!(verify(&long).is_err());
    // The same name twice, and in the wrong order.
    let mut self_ = common::learner();
    assert!(self_.accept(Class::Peer, Domain::User, b"a"));
    assert!(self_.accept(Class::Peer, Domain::User, b"b"));
    let image = encode_profile(&self_).unwrap();
    let names = ITEMS + 2 * ITEM;
    assert_eq!(image[names..][..8], *b"ab\0\0\0\0\0\0");
    for (bytes, good) in [
        (b"ac\0\0", true),
        (b"aa\0\0", false),
        (b"ba\0\0", false),
        (b"ab\x01\0", false),
    ] {
        let image = forged(&image, names, u32::from_le_bytes(*bytes));
        assert_eq!(verify(&image).is_ok(), good, "{bytes:?}");
    }
}
