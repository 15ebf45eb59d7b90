// SPDX-License-Identifier: GPL-2.0

//! Each bound of an image: the greatest that is allowed is, one more is not.

mod common;

use kis_core::cells::{
    self,
    CellSpec,
    Cells, //
};
use kis_core::matching::signatures::{
    self,
    DfaSpec,
    SigSpec,
    Signatures, //
};
use kis_core::sense::bound::NO_BOUNDS;
use kis_core::sense::detector::{
    Event,
    Observation, //
};
use kis_core::sense::param::Param;
use kis_core::sense::profile::{
    Profile,
    Settings,
    MAX_BYTES, //
};
use kis_core::sense::stats::MAX_COUNT;
use kis_core::wire::abi::{
    Op,
    OpSet,
    ABI,
    MAX_CELLS,
    MAX_DIRS,
    MAX_IMAGE,
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
        let factors = |c: &mut CellSpec<'_>| (c.k_one_q16, c.k_two_q16) = (one, two);
        assert_eq!(cell(factors), good, "{one} {two}");
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
    let first = 48;
    let bounds = first + 112;
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
        (first + 60, 1, false),
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
    for word in 0..14 + 6 {
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
const ROW: [u8; 32] = {
    let mut row = [0; 32];
    // Id, revision, type, length of the message, place of the cell's name.
    (row[0], row[4], row[8], row[20], row[24]) = (1, 1, 2, 1, 1);
    row
};

/// An image of one signature and such an automaton.
fn by_hand(states: u32, lists: u32, entries: u32) -> Vec<u8> {
    of_sections(&[
        (1, &ROW),
        (2, b"m"),
        (3, &automaton(states, lists, entries)),
    ])
}

#[test]
fn sections_come_once_each_and_in_their_order() {
    let table = automaton(1, 1, 1);
    let [rows, strings, automaton] = [(1, &ROW[..]), (2, &b"m"[..]), (3, &table[..])];
    let good = |sections: &[(u32, &[u8])]| Signatures::verify(of_sections(sections)).is_ok();
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
        &[(1, &ROW[..31]), strings, automaton],
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
    let image = of_sections(&[rows, strings, automaton]);
    for entry in [40, 56, 72] {
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

#[test]
fn profiles_are_bounded() {
    let mut out = vec![0; MAX_BYTES];
    let settings = Settings {
        learn_windows: 1,
        hard: false,
        k_one_q16: 0,
        k_two_q16: 0,
        bounds: NO_BOUNDS,
    };
    let mut profile = Profile::new();
    for hash in 0..=MAX_DIRS as u64 {
        profile.learn(&Observation::Event(Event::Directory(hash)), &settings);
    }
    let len = profile.encode(&mut out).unwrap();
    assert_eq!(len, MAX_BYTES);
    assert_eq!(Profile::verify(&out), Ok(profile));
    let small = {
        let mut out = vec![0; MAX_BYTES];
        let len = Profile::new().encode(&mut out).unwrap();
        out.truncate(len);
        out
    };
    // Header and head, the heads of the sections, the sums, the flags of the repertoire.
    let params = 40 * Param::COUNT as u32;
    let (deviation, repertoire) = (48, 56 + 40 * Param::COUNT);
    assert_eq!(small.len(), repertoire + 16);
    for (at, word, good) in [
        (32, 2, false),
        (36, MAX_COUNT, true),
        (36, MAX_COUNT + 1, false),
        // Factors of a profile that learns.
        (40, 1, false),
        (44, 1, false),
        // Number and length of a section.
        (deviation, 0, false),
        (deviation, 2, false),
        (deviation, 3, false),
        (deviation + 4, params - 40, false),
        (deviation + 4, params + 40, false),
        (deviation + 4, 0, false),
        (deviation + 4, u32::MAX, false),
        (repertoire, 0, false),
        (repertoire, 1, false),
        (repertoire, 3, false),
        (repertoire + 4, 0, false),
        (repertoire + 4, 12, false),
        (repertoire + 4, 16, false),
        (repertoire + 4, u32::MAX, false),
        (repertoire + 8, 1, true),
        (repertoire + 8, 2, false),
        (repertoire + 12, 1, false),
        // Sums of nothing.
        (56, 1, false),
        (60, 1, false),
        (64, 1, false),
        (72, 1, false),
        (88, 1, false),
    ] {
        let image = forged(&small, at, word);
        assert_eq!(Profile::verify(&image).is_ok(), good, "{at} {word}");
    }
    // 257 directories: longer than the longest image.
    let mut long = out.clone();
    long.extend_from_slice(&u64::MAX.to_le_bytes());
    let len = long.len() as u32;
    let long = forged(&long, 12, len);
    let long = forged(&long, repertoire + 4, 8 + 8 * (MAX_DIRS as u32 + 1));
    assert!(matches!(Profile::verify(&long), Err(Error::Limit(_))));
}
