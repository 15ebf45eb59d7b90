// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::sense::profile`] and [`kis_core::paths::dirs`]: what is learned, and what survives an image.

mod common;

use std::collections::BTreeSet;

use common::Chance;
use kis_core::paths::dirs::{
    Dirs,
    Inserted, //
};
use kis_core::sense::param::Param;
use kis_core::sense::profile::{
    Learned,
    Profile,
    Settings,
    MAX_BYTES, //
};
use kis_core::sense::window::{
    judge,
    NO_BOUNDS, //
};
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

fn random(chance: &mut Chance, windows: u32) -> (Profile, Vec<[u64; Param::COUNT]>) {
    let mut profile = Profile::new();
    let mut seen = Vec::new();
    for i in 1..=windows {
        let values = std::array::from_fn(|_| chance.number(40));
        let learned = profile.learn(&values, &settings(windows));
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
            profile.learn_dir(chance.next());
        }
        for _ in 0..chance.below(30) {
            let values = std::array::from_fn(|_| chance.number(45));
            profile.learn(&values, &settings(20));
        }
        let mut out = [0xee; MAX_BYTES];
        let len = profile.encode(&mut out).unwrap();
        let again = Profile::verify(&out[..len]).unwrap();
        assert_eq!(again, profile);
        let mut used = Profile::new();
        used.learn_dir(1);
        used.learn(&[9; Param::COUNT], &settings(1));
        used.restore(&out[..len]).unwrap();
        assert_eq!(used, profile);
    }
}

#[test]
fn refused_image_leaves_an_empty_profile() {
    let mut profile = Profile::new();
    for hash in 0..5 {
        profile.learn_dir(hash);
    }
    profile.learn(&[9; Param::COUNT], &settings(3));
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
            let mut crossings = judge(values, profile.thresholds(), &NO_BOUNDS);
            assert_eq!(crossings.next(), None);
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
            profile.learn(&values, &settings);
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
