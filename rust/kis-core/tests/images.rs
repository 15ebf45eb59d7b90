// SPDX-License-Identifier: GPL-2.0

//! Damaged and hostile images: every flipped bit, every cut, every extension, and mutations.
//!
//! Damage (the sum is wrong) is always an error. Malice (the sum is right) is an error, or gives
//! something that can be walked: no panic, nothing read outside of the image, and the image is the
//! only one that says what it says: what was read, encoded again, gives the same bytes.

mod common;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use common::{
    Chance,
    Learner, //
};
use kis_core::cells::{
    encode_with,
    room,
    Access,
    CellSpec,
    Cells,
    SCANS, //
};
use kis_core::matching::ports::PortRange;
use kis_core::matching::scans::limits::Limits;
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
    ClassSet, //
};
use kis_core::sense::detector::Observation;
use kis_core::sense::expectation::Expectation;
use kis_core::sense::param::Param;
use kis_core::sense::profile::{
    Profile,
    Settings,
    MAX_BYTES, //
};
use kis_core::sense::sighting::Sighting;
use kis_core::sense::window::Moment;
use kis_core::wire::abi::{
    CellMode,
    Op,
    OpSet,
    MAX_IMAGE, //
};
use kis_core::wire::image::{
    kind,
    reseal,
    Kind, //
};
use kis_core::Error;

fn cells() -> Vec<u8> {
    let mut redis = CellSpec::new(b"redis", b"/usr/bin/redis-server");
    redis.arguments = b"*:6379";
    redis.mode = CellMode::Enforce;
    redis.hard = true;
    redis.bounds[3] = Some(10);
    redis.trees = [&[], &[b"/var/lib/redis", b"/tmp"], &[b"/"]];
    redis.forbid = OpSet::EMPTY.with(Op::Exec).with(Op::Ptrace);
    let mut web = CellSpec::new(b"web", b"/usr/sbin/nginx");
    (web.learn, web.hard) = (true, true);
    web.expected_classes = ClassSet::EMPTY
        .with(Class::Program)
        .with(Class::Peer)
        .with(Class::Memory);
    web.expected = &[
        (Class::Program, b"/usr/sbin/nginx -> *"),
        (Class::Peer, b"unix /run/php/*"),
        (Class::Peer, b"tcp 10.0.0.5:80"),
    ];
    (web.bounds[0], web.bounds[12]) = (Some(1), Some(u64::MAX));
    web.ban_s = 60;
    web.trees[0] = &[b"/srv"];
    let mut out = vec![0; 4096];
    let scans = Some(Limits {
        lines: [16, 0, 96],
        ban_s: 600,
    });
    let len = encode_with(&[redis, web], scans, &mut out).unwrap();
    out.truncate(len);
    out
}

fn table() -> Vec<u8> {
    common::image(&["ab+c", "(?i)select", "\\x00\\xff", "b"])
}

fn profile() -> Vec<u8> {
    let settings = Settings {
        learn_windows: 5,
        hard: false,
        budget: Budget::usual(1000),
        bounds: NO_BOUNDS,
    };
    let mut profile = Profile::new();
    let mut chance = Chance::new(19);
    // So few that some find no room.
    let mut self_ = common::learned(&mut chance, 5, 12);
    let odd = Sighting::named(Class::Peer, true, b"tcp 203.0.113.9:4444");
    assert!(!self_.teach(&odd, false, Expectation::None));
    for i in 0..5 {
        let values = &std::array::from_fn(|_| chance.number(30));
        let window = Observation::Window {
            values,
            processes: 1,
            start: i == 3,
        };
        profile.learn(&window, &settings);
    }
    let mut out = vec![0; MAX_BYTES];
    let len = profile.encode(&self_, &mut out).unwrap();
    out.truncate(len);
    out
}

fn all() -> &'static [Vec<u8>; 3] {
    static ALL: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    ALL.get_or_init(|| [cells(), table(), profile()])
}

/// Verifies an image of whatever kind it says, walks all of it, and says whether it was accepted.
fn walk(image: &[u8], chance: &mut Chance) -> bool {
    let cells = Cells::verify(image).map(|cells| walk_cells(&cells));
    let sigs = Signatures::verify(image).map(|sigs| walk_signatures(&sigs, chance));
    let profile = SELF.with_borrow_mut(|self_| walk_profile(image, self_, chance));
    let accepted = [cells.is_ok(), sigs.is_ok(), profile.is_ok()];
    assert!(accepted.iter().filter(|ok| **ok).count() <= 1);
    for error in [cells.err(), sigs.err(), profile.err()]
        .into_iter()
        .flatten()
    {
        assert!(!error.to_string().is_empty() && !error.what().is_empty());
    }
    accepted.contains(&true)
}

thread_local! {
    /// Not made anew for each image: what is in it before must not count.
    static SELF: RefCell<Learner> = RefCell::new(common::learner());
}

/// Reads every field; what was read, encoded again, is the image.
fn walk_profile(image: &[u8], self_: &mut Learner, chance: &mut Chance) -> Result<(), Error> {
    let profile = match Profile::verify(image, self_) {
        Ok(profile) => profile,
        Err(error) => {
            assert!(self_.items().is_empty() && self_.items().names_len() == 0);
            assert_eq!((self_.windows(), self_.starts()), (0, 0));
            return Err(error);
        }
    };
    let mut again = vec![0; image.len()];
    assert_eq!(profile.encode(self_, &mut again), Ok(image.len()));
    assert_eq!(again, image);
    for param in Param::ALL {
        let lines = profile.lines(param);
        for moment in [
            Moment::QUIET,
            Moment {
                load: chance.number(64),
                start: chance.below(2) == 0,
            },
        ] {
            let at = lines.at(&moment);
            assert!(at.one() < at.two() || at.one() == u64::MAX);
        }
        let habit = profile.param(param);
        let _ = (habit.estimator().deviation_q16(), habit.rises(param));
        let quantiles = [0, 500, 900, 990, 1000].map(|permille| habit.quantile(permille));
        assert!(quantiles.is_sorted(), "{quantiles:?}");
        assert!((habit.minimum()..=habit.peak()).contains(&quantiles[1]));
    }
    assert!(!self_.has_learned() || self_.windows() + self_.starts() == profile.windows());
    let items = self_.items();
    for (item, name) in items.iter() {
        assert!(items.has(item.class, item.domain, name));
        assert_eq!(items.get(item.class, item.domain, name), Some(item.count));
    }
    for class in Class::ALL.iter().copied() {
        let novelty = self_.novelty(class);
        assert_eq!(self_.grave().contains(class), novelty.is_saturated());
        assert_eq!(novelty.lost, items.lost(class));
        let _ = self_.kept_out(class);
    }
    Ok(())
}

/// Reads every field; what was read, encoded again, is the image.
fn walk_cells(cells: &Cells<&[u8]>) {
    let lists: Vec<Vec<Vec<&[u8]>>> = cells
        .iter()
        .map(|cell| {
            Access::ALL
                .map(|access| cell.tree(access).iter().collect())
                .to_vec()
        })
        .collect();
    let expected: Vec<Vec<(Class, &[u8])>> = cells
        .iter()
        .map(|cell| cell.expected().iter().collect())
        .collect();
    let specs: Vec<CellSpec<'_>> = cells
        .iter()
        .zip(lists.iter().zip(&expected))
        .map(|(cell, (lists, expected))| CellSpec {
            name: cell.name(),
            program: cell.program(),
            arguments: cell.arguments(),
            mode: cell.mode(),
            window_ms: cell.window_ms(),
            learn_windows: cell.learn_windows(),
            hard: cell.hard(),
            learn: cell.learn(),
            sessions: cell.sessions(),
            kill_connections: cell.kill_connections(),
            budget: cell.budget(),
            hold_one_ms: cell.hold_one_ms(),
            hold_two_ms: cell.hold_two_ms(),
            ban_s: cell.ban_s(),
            forbid: cell.forbid(),
            deny: cell.deny(),
            bounds: cell.bounds(),
            trees: [&lists[0], &lists[1], &lists[2]],
            expected,
            expected_classes: cell.expected().classes(),
        })
        .collect();
    let mut again = vec![0; cells.bytes().len()];
    let scans = cells.scans();
    let room = room(&specs) + scans.map_or(0, |_| SCANS);
    assert_eq!(room, again.len());
    assert_eq!(encode_with(&specs, scans, &mut again), Ok(room));
    assert_eq!(again, cells.bytes());
    for (i, cell) in cells.iter().enumerate() {
        assert_eq!(cells.find(cell.name()).unwrap().0, i);
        let _ = cell.place(Access::Write, b"/tmp/x");
        let _ = cell.moved(b"/tmp/x", b"/tmp/y", true);
        let _ = cell.guarded();
        let _ = cell.settings();
        let seen = Sighting::named(Class::Peer, true, b"unix /run/php/fpm.sock");
        let _ = cell.expected().says(&seen);
        assert_eq!(cell.expected().len(), cell.expected().iter().count());
    }
    let _ = cells.of_process(b"/usr/bin/redis-server", b"*:6379");
    assert!(cells.get(cells.len()).is_none());
}

/// Reads every field, and scans from the start and from states that are none.
fn walk_signatures(sigs: &Signatures<&[u8]>, chance: &mut Chance) {
    let mut last = None;
    for sig in sigs.iter() {
        assert!(last < Some(sig.id()));
        last = Some(sig.id());
        assert!(!sig.message().is_empty() && matches!(sig.kind(), 1 | 2));
        let _ = (sig.revision(), sig.ban_s(), sig.cell());
    }
    assert_eq!(sigs.iter().count(), sigs.len());
    assert_eq!(again(sigs.bytes()), sigs.bytes());
    assert!(sigs.get(sigs.len()).is_none());
    let text: Vec<u8> = (0..200).map(|_| chance.next() as u8).collect();
    for text in [&b"xabbbcSeLeCt\0\xff"[..], &text] {
        for raw in [
            sigs.start(),
            0,
            1,
            u32::MAX,
            chance.next() as u32,
            chance.number(12) as u32,
        ] {
            // Checked as the kernel does, and not checked at all.
            for mut state in [sigs.state(raw), raw] {
                let _ = sigs.walk(&mut state, text, |hit| {
                    assert!(hit.sig < sigs.len() && hit.end <= text.len());
                    ControlFlow::Continue(())
                });
                assert_eq!(sigs.state(state), state);
            }
        }
    }
}

/// Takes an image of signatures apart, without any check, and encodes what it says.
fn again(image: &[u8]) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    let words = |at: usize, n: usize| (0..n).map(|i| word(at + 4 * i)).collect::<Vec<_>>();
    assert_eq!(words(32, 2), [9, 0]);
    let [rows, strings, automaton, ports, thresholds] =
        [40, 56, 72, 152, 168].map(|at| (word(at + 8) as usize, word(at + 12)));
    let counts = words(automaton.0, 6);
    let [states, stride, accepting, entries] = [0, 1, 2, 3].map(|i| counts[i] as usize);
    let row = 4 * stride as u32;
    let classes = automaton.0 + 24;
    let table = classes + 256;
    let transitions = words(table, states * stride);
    let starts = words(table + 4 * states * stride, accepting + 1);
    let lists = words(table + 4 * (states * stride + accepting + 1), entries);
    let text = |at: usize| {
        let (start, len) = (word(at) as usize, word(at + 4) as usize);
        &image[strings.0 + start..][..len]
    };
    let half = |at: usize| u16::from_le_bytes(image[at..at + 2].try_into().unwrap());
    let ranges: Vec<PortRange> = (0..ports.1 as usize / 8)
        .map(|i| ports.0 + 8 * i)
        .map(|at| PortRange {
            protocol: Some(word(at) as u8).filter(|protocol| *protocol != 0),
            first: half(at + 4),
            last: half(at + 6),
        })
        .collect();
    let threshold = |i: usize| {
        let mut rows = (0..thresholds.1 as usize / 16).map(|n| thresholds.0 + 16 * n);
        let at = rows.find(|at| word(*at) as usize == i)?;
        Some(Threshold {
            kind: threshold::Kind::ALL[usize::from(half(at + 4)) - 1],
            track: Track::ALL[usize::from(half(at + 6)) - 1],
            count: word(at + 8),
            seconds: word(at + 12),
        })
    };
    let sigs: Vec<SigSpec<'_>> = (0..rows.1 as usize / 40)
        .map(|i| (i, rows.0 + 40 * i))
        .map(|(i, at)| SigSpec {
            id: word(at),
            revision: word(at + 4),
            kind: word(at + 8) as u8,
            ban_s: word(at + 12),
            message: text(at + 16),
            cell: Some(text(at + 24)).filter(|name| !name.is_empty()),
            ports: &ranges[word(at + 32) as usize..][..word(at + 36) as usize],
            threshold: threshold(i),
        })
        .collect();
    let mut accepts = vec![&[][..]; states - accepting];
    accepts.extend(
        starts
            .windows(2)
            .map(|pair| &lists[pair[0] as usize..pair[1] as usize]),
    );
    assert!(transitions.iter().all(|next| next % row == 0));
    let transitions: Vec<u32> = transitions.iter().map(|next| next / row).collect();
    let dfa = DfaSpec {
        classes: image[classes..table].try_into().unwrap(),
        stride,
        transitions: &transitions,
        start: counts[4],
        accepts: &accepts,
    };
    let mut out = vec![0; signatures::room(&sigs, &dfa)];
    let len = signatures::encode(&sigs, &dfa, &mut out).unwrap();
    out.truncate(len);
    out
}

/// Writes the true length over the header's and makes the sum right, as an attacker would.
fn forge(image: &mut [u8]) {
    let len = (image.len() as u32).to_le_bytes();
    if let Some(place) = image.get_mut(12..16) {
        place.copy_from_slice(&len);
    }
    reseal(image);
}

#[test]
fn whole_images_are_accepted() {
    let mut chance = Chance::new(20);
    let kinds = [Kind::Cells, Kind::Signatures, Kind::Profile];
    for (image, want) in all().iter().zip(kinds) {
        assert!(walk(image, &mut chance));
        assert_eq!(kind(image), Some(want));
        assert!(image.len() % 8 == 0);
    }
}

#[test]
fn each_flipped_bit_is_found() {
    let mut chance = Chance::new(21);
    for image in all() {
        let mut damaged = image.clone();
        for at in 0..image.len() {
            for bit in 0..8 {
                damaged[at] ^= 1 << bit;
                assert!(!walk(&damaged, &mut chance), "byte {at} bit {bit}");
                damaged[at] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn each_forged_byte_is_found_or_harmless() {
    let mut chance = Chance::new(22);
    for image in all() {
        let (mut accepted, mut refused) = (0, 0);
        for at in 0..image.len() {
            for value in [1, 2, 0x10, 0x80, 0xff, 1 + chance.below(255) as u8] {
                let mut forged = image.clone();
                forged[at] ^= value;
                reseal(&mut forged);
                if walk(&forged, &mut chance) {
                    accepted += 1;
                } else {
                    refused += 1;
                }
            }
        }
        // A number may be another number, but most bytes have one value only.
        assert!(accepted > 0 && refused > 0, "{accepted} {refused}");
    }
}

#[test]
fn each_cut_is_found() {
    let mut chance = Chance::new(23);
    for image in all() {
        for len in 0..image.len() {
            let mut cut = image[..len].to_vec();
            assert!(!walk(&cut, &mut chance), "{len}");
            forge(&mut cut);
            assert!(!walk(&cut, &mut chance), "forged {len}");
        }
    }
}

#[test]
fn each_extension_is_found() {
    let mut chance = Chance::new(24);
    for image in all() {
        for more in 1..100 {
            for fill in [0, 1, 0xff] {
                let mut long = image.clone();
                long.resize(image.len() + more, fill);
                assert!(!walk(&long, &mut chance), "{more}");
                forge(&mut long);
                assert!(!walk(&long, &mut chance), "forged {more}");
            }
        }
    }
    assert!(!walk(&vec![0; MAX_IMAGE + 8], &mut chance));
}

#[test]
fn images_of_other_kinds_and_versions_are_refused() {
    let mut chance = Chance::new(25);
    for image in all() {
        for (at, value) in [(4, 1u32), (4, 0), (8, 3), (8, u32::MAX), (24, 1), (28, 1)] {
            let mut other = image.clone();
            other[at..at + 4].copy_from_slice(&value.to_le_bytes());
            reseal(&mut other);
            assert!(!walk(&other, &mut chance));
        }
    }
}

/// Numbers that parsers trip over.
const EVIL: [u32; 12] = [
    0,
    1,
    2,
    3,
    31,
    255,
    256,
    4096,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffc,
    0xffff_ffff,
];

#[test]
fn each_forged_word_is_found_or_harmless() {
    let mut chance = Chance::new(26);
    for image in all() {
        for at in (32..image.len()).step_by(4) {
            let old = u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
            let near = [1, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48];
            let above = near.iter().map(|n| old.wrapping_add(*n));
            let below = near.iter().map(|n| old.wrapping_sub(*n));
            for value in EVIL.into_iter().chain(above).chain(below) {
                let mut forged = image.clone();
                forged[at..at + 4].copy_from_slice(&value.to_le_bytes());
                reseal(&mut forged);
                walk(&forged, &mut chance);
            }
        }
    }
}

#[test]
fn mutations_are_refused_or_harmless() {
    let images = all();
    let (mut accepted, iterations) = (0, common::iterations(5000));
    for seed in 0..iterations {
        let mut chance = Chance::new(seed);
        let mut image = chance.of(&[&images[0], &images[1], &images[2]]).clone();
        for _ in 0..1 + chance.below(4) {
            let words = image.len() / 4;
            let at = 4 * (8 + chance.below(words.saturating_sub(8)));
            match chance.below(7) {
                0 if at + 4 <= image.len() => {
                    let evil = chance.of(&EVIL).to_le_bytes();
                    image[at..at + 4].copy_from_slice(&evil);
                }
                1 if at + 4 <= image.len() => {
                    let old = u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
                    let near = old.wrapping_add(chance.below(9) as u32).wrapping_sub(4);
                    image[at..at + 4].copy_from_slice(&near.to_le_bytes());
                }
                2 => {
                    let at = chance.below(image.len());
                    image[at] = chance.next() as u8;
                }
                3 => {
                    // Move a word: what is right elsewhere.
                    let from = 4 * chance.below(words);
                    if at + 4 <= image.len() {
                        image.copy_within(from..from + 4, at);
                    }
                }
                4 => {
                    let len = image.len().saturating_sub(8 * chance.below(4));
                    image.truncate(len);
                }
                5 => {
                    let n = 8 * (1 + chance.below(4));
                    image.splice(at.min(image.len())..at.min(image.len()), vec![0; n]);
                }
                _ => {
                    let n = 8 * (1 + chance.below(4));
                    let end = (at + n).min(image.len());
                    image.drain(at.min(end)..end);
                }
            }
        }
        forge(&mut image);
        accepted += u64::from(walk(&image, &mut chance));
    }
    // Some have to get through, or the fuzzer tests only the first lines of the gates.
    assert!(accepted > iterations / 100, "{accepted} of {iterations}");
}

#[test]
fn noise_is_refused() {
    for seed in 0..common::iterations(5000) {
        let mut chance = Chance::new(seed);
        let len = chance.below(2000);
        let mut noise: Vec<u8> = (0..len)
            .map(|_| chance.next() as u8 & chance.next() as u8)
            .collect();
        if chance.below(2) == 0 {
            // Behind a good header.
            let image = chance.of(&all().each_ref().map(Vec::as_slice)).to_vec();
            let head = noise.len().min(32);
            noise[..head].copy_from_slice(&image[..head]);
        }
        forge(&mut noise);
        assert!(!walk(&noise, &mut chance));
    }
}
