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
use kis_core::sense::profile::{
    Profile,
    MAX_BYTES, //
};
use kis_core::sense::stats::MAX_COUNT;
use kis_core::wire::abi::{
    MAX_CELLS,
    MAX_DIRS,
    MAX_PREFIXES,
    MAX_SIGNATURES, //
};
use kis_core::wire::image::reseal;
use kis_core::Error;

fn encode_cells(specs: &[CellSpec<'_>]) -> Result<Vec<u8>, Error> {
    let mut out = vec![0; 1 << 20];
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
    let states = (16 << 20) / 4;
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
    for word in 0..8 {
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

/// An image of one signature, this many states, lists and entries of lists, made by hand.
fn by_hand(states: u32, lists: u32, entries: u32) -> Vec<u8> {
    let counts = [1, states, 1, lists, entries, 1, 0, 0];
    let mut image = Vec::new();
    for word in [0x4953_494b, 1, 1, 0, 0, 0, 0, 0].into_iter().chain(counts) {
        image.extend_from_slice(&u32::to_le_bytes(word));
    }
    image.extend_from_slice(&[0; 256]);
    let zeros = |n: u32| (0..n).map(|_| 0);
    let sig = [1, 1, 2, 0, 0, 1, 1, 0];
    let index = zeros(states).chain(0..=lists);
    for word in index.chain(zeros(entries)).chain(sig) {
        image.extend_from_slice(&u32::to_le_bytes(word));
    }
    image.push(b'm');
    image.resize(image.len().next_multiple_of(8), 0);
    let len = image.len() as u32;
    forged(&image, 12, len)
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
fn images_have_at_most_16_mib() {
    let other = by_hand(0, 0, 0).len() as u32;
    let states = ((16 << 20) - other) / 4;
    let image = by_hand(states, 0, 0);
    assert_eq!(image.len(), 16 << 20);
    assert!(Signatures::verify(&image[..]).is_ok());
    let image = by_hand(states + 2, 0, 0);
    assert!(matches!(
        Signatures::verify(&image[..]),
        Err(Error::Limit(limit)) if limit.max == 16 << 20
    ));
}

#[test]
fn profiles_are_bounded() {
    let mut out = vec![0; MAX_BYTES];
    let mut profile = Profile::new();
    for hash in 0..=MAX_DIRS as u64 {
        profile.learn_dir(hash);
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
    for (at, word, good) in [
        (32, 2, false),
        (36, MAX_COUNT, true),
        (36, MAX_COUNT + 1, false),
        (40, 12, false),
        (40, 14, false),
        (44, 1, false),
        (44, u32::MAX, false),
        (48, 1, true),
        (48, 2, false),
        (52, 1, false),
        (56, 1, false),
        (60, 1, false),
        // Sums of nothing.
        (64, 1, false),
        (68, 1, false),
        (72, 1, false),
        (80, 1, false),
        (96, 1, false),
    ] {
        let image = forged(&small, at, word);
        assert_eq!(Profile::verify(&image).is_ok(), good, "{at} {word}");
    }
    // 257 directories: longer than the longest image.
    let mut long = out.clone();
    long.extend_from_slice(&u64::MAX.to_le_bytes());
    let len = long.len() as u32;
    let long = forged(&long, 12, len);
    let long = forged(&long, 44, MAX_DIRS as u32 + 1);
    assert!(matches!(Profile::verify(&long), Err(Error::Limit(_))));
}
