// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::sense::profile`] and [`kis_core::paths::dirs`]: what is learned, and what survives an image.

mod common;

use std::collections::BTreeSet;

use common::Chance;
use kis_core::paths::dirs::{
    Dirs,
    Inserted, //
};
use kis_core::sense::bound::NO_BOUNDS;
use kis_core::sense::detector::{
    Event,
    Findings,
    Observation,
    Subject, //
};
use kis_core::sense::param::{
    Param,
    Values, //
};
use kis_core::sense::phase::Learned;
use kis_core::sense::profile::{
    Profile,
    Settings,
    MAX_BYTES, //
};
use kis_core::sense::window::Level;
use kis_core::wire::abi::MAX_DIRS;
use kis_core::wire::image::reseal;

fn settings(windows: u32) -> Settings {
    Settings {
        learn_windows: windows,
        hard: false,
        k_one_q16: 3 << 16,
        k_two_q16: 6 << 16,
        bounds: NO_BOUNDS,
    }
}

fn window(values: &Values) -> Observation<'_> {
    Observation::Window {
        values,
        processes: 1,
    }
}

fn dir(hash: u64) -> Observation<'static> {
    Observation::Event(Event::Directory(hash))
}

fn random(chance: &mut Chance, windows: u32) -> (Profile, Vec<[u64; Param::COUNT]>) {
    let mut profile = Profile::new();
    let mut seen = Vec::new();
    for i in 1..=windows {
        let values = std::array::from_fn(|_| chance.number(40));
        let learned = profile.learn(&window(&values), &settings(windows));
        assert_eq!(learned == Learned::Complete, i == windows);
        seen.push(values);
    }
    (profile, seen)
}

#[test]
fn image_round_trips() {
    let mut chance = Chance::new(11);
    for _ in 0..common::iterations(2000).div_ceil(10) {
        let mut profile = Profile::new();
        for _ in 0..chance.below(400) {
            profile.learn(&dir(chance.next()), &settings(20));
        }
        for _ in 0..chance.below(30) {
            let values = std::array::from_fn(|_| chance.number(45));
            profile.learn(&window(&values), &settings(20));
        }
        let mut out = [0xee; MAX_BYTES];
        let len = profile.encode(&mut out).unwrap();
        let again = Profile::verify(&out[..len]).unwrap();
        assert_eq!(again, profile);
        let mut used = Profile::new();
        used.learn(&dir(1), &settings(1));
        used.learn(&window(&[9; Param::COUNT]), &settings(1));
        used.restore(&out[..len]).unwrap();
        assert_eq!(used, profile);
    }
}

#[test]
fn refused_image_leaves_an_empty_profile() {
    let mut profile = Profile::new();
    for hash in 0..5 {
        profile.learn(&dir(hash), &settings(3));
    }
    profile.learn(&window(&[9; Param::COUNT]), &settings(3));
    let mut out = [0; MAX_BYTES];
    let len = profile.encode(&mut out).unwrap();
    // Everything but the last directory is read before the fault.
    out[len - 8] = 0;
    reseal(&mut out[..len]);
    assert!(profile.restore(&out[..len]).is_err());
    assert_eq!(profile, Profile::new());
}

#[test]
fn what_was_learned_raises_nothing() {
    let mut chance = Chance::new(12);
    for _ in 0..common::iterations(2000).div_ceil(20) {
        let (profile, seen) = random(&mut chance, 25);
        for values in &seen {
            let mut found = Findings::new();
            profile.judge(&window(values), &settings(25), &mut found);
            assert_eq!(found, Findings::new());
        }
    }
}

#[test]
fn judging_before_learning_is_judging_by_what_was_known_before() {
    // What the APC does with each window, beside the rules as they are written down: bounds always,
    // thresholds when the cell was ready before the window, at most one crossing a parameter, the
    // gravest.
    let mut chance = Chance::new(15);
    for _ in 0..common::iterations(2000).div_ceil(40) {
        let mut settings = settings(1 + chance.below(20) as u32);
        settings.hard = chance.below(2) == 0;
        for bound in &mut settings.bounds {
            *bound = (chance.below(3) == 0).then(|| chance.number(30));
        }
        let mut profile = Profile::new();
        for _ in 0..40 {
            let values = std::array::from_fn(|_| chance.number(31));
            let processes = chance.below(4) as u32;
            let seen = Observation::Window {
                values: &values,
                processes,
            };
            let mut found = Findings::new();
            profile.judge(&seen, &settings, &mut found);
            let mut got = found.crossings();
            for param in Param::ALL {
                let value = values[param.index()];
                let lines = profile.threshold(param);
                let judged = profile.is_ready() && processes > 0;
                let want = match settings.bounds[param.index()] {
                    Some(bound) if value > bound => Some((Level::Bound, bound)),
                    _ if judged && value > lines.two() => Some((Level::Two, lines.two())),
                    _ if judged && value > lines.one() => Some((Level::One, lines.one())),
                    _ => None,
                };
                if let Some(want) = want {
                    let got = got.next().unwrap();
                    assert_eq!((got.level, got.threshold), want);
                    assert_eq!((got.param, got.observed), (param, value));
                }
                let numbers = profile.explain(&Subject::Param(param), &settings);
                if judged {
                    assert_eq!(numbers.crossed(value), want);
                }
            }
            assert_eq!(got.next(), None);
            let windows = profile.windows();
            let learned = profile.learn(&seen, &settings);
            let counts = processes > 0 && windows < settings.learn_windows;
            assert_eq!(learned != Learned::Nothing, counts);
            assert_eq!(profile.windows(), windows + u32::from(counts));
        }
    }
}

#[test]
fn hard_learning_cannot_be_trained_past_the_bounds() {
    let mut chance = Chance::new(13);
    let bound = 1000;
    for hard in [false, true] {
        let mut settings = settings(200);
        settings.hard = hard;
        settings.bounds = [Some(bound); Param::COUNT];
        let mut profile = Profile::new();
        // The attacker raises the load a little in each window.
        for i in 0..200 {
            let values = std::array::from_fn(|_| 900 + i * 10 + chance.below(20) as u64);
            profile.learn(&window(&values), &settings);
        }
        for param in Param::ALL {
            assert_eq!(profile.param(param).peak() <= bound, hard);
        }
    }
}

#[test]
fn dirs_do_what_a_set_does() {
    let mut chance = Chance::new(14);
    for _ in 0..common::iterations(2000).div_ceil(100) {
        let mut dirs = Dirs::new();
        let mut set = BTreeSet::new();
        let range = 1 + chance.below(500);
        for _ in 0..800 {
            let hash = (chance.below(range) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let want = if set.contains(&hash) {
                Inserted::Known
            } else if set.len() == MAX_DIRS {
                Inserted::Full
            } else {
                set.insert(hash);
                Inserted::New
            };
            assert_eq!(dirs.insert(hash), want);
            assert!(dirs.knows(hash));
            assert_eq!(dirs.contains(hash), set.contains(&hash));
        }
        assert!(dirs.hashes().iter().eq(set.iter()));
    }
}
