// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::sense::repertoire`]: what is learned, and what survives an image.

mod common;

use common::{
    Chance,
    Learner, //
};
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
    Noted,
    MAX_NAME, //
};
use kis_core::sense::param::Param;
use kis_core::sense::profile::{
    Profile,
    Settings, //
};
use kis_core::sense::sighting::Sighting;
use kis_core::wire::bytes::{
    Reader,
    Writer, //
};
use kis_core::wire::image::reseal;

/// A profile that has learned in so many windows.
fn profile(windows: u32) -> Profile {
    let settings = Settings {
        learn_windows: windows + 1,
        hard: false,
        budget: Budget::usual(1000),
        bounds: kis_core::sense::bound::NO_BOUNDS,
    };
    let mut profile = Profile::new();
    for _ in 0..windows {
        let window = Observation::Window {
            values: &[7; Param::COUNT],
            processes: 1,
            start: false,
        };
        profile.learn(&window, &settings);
    }
    profile
}

/// All that a repertoire says.
fn said(self_: &Learner) -> (u32, u32, common::Said, Vec<u32>) {
    let kept_out = Class::ALL.iter().map(|class| self_.kept_out(*class));
    let items = common::said(self_.items());
    (self_.windows(), self_.starts(), items, kept_out.collect())
}

fn section(self_: &Learner) -> Vec<u8> {
    let mut out = vec![0; self_.bytes()];
    let mut w = Writer::new(&mut out);
    self_.write(&mut w);
    assert_eq!(w.finish(), Some(self_.bytes()));
    out
}

#[test]
fn image_round_trips() {
    let mut chance = Chance::new(51);
    let mut again = common::learner();
    for _ in 0..common::iterations(2000).div_ceil(20) {
        let windows = chance.below(30) as u32;
        let room = chance.of(&[0, 5, 100, 2000]);
        let mut self_ = common::learned(&mut chance, windows, room);
        for _ in 0..chance.below(3) {
            let class = common::class(&mut chance);
            self_.accept(class, Domain::User, &common::name(&mut chance));
        }
        let mut out = vec![0xee; 200_000];
        let len = profile(windows).encode(&self_, &mut out).unwrap();
        // Into one that is not empty.
        again.learn(&Sighting::named(Class::Peer, true, b"x"), true);
        let profile = Profile::verify(&out[..len], &mut again).unwrap();
        assert_eq!(profile.windows(), windows);
        assert_eq!(said(&again), said(&self_));
        let mut twice = vec![0x77; len];
        assert_eq!(profile.encode(&again, &mut twice), Ok(len));
        assert_eq!(twice, out[..len]);
        // One that is too small for it takes nothing.
        let items = self_.items().len();
        if items > 0 {
            let mut small = common::learned(&mut chance, 0, items - 1);
            assert!(Profile::verify(&out[..len], &mut small).is_err());
            assert!(small.items().is_empty());
        }
    }
}

#[test]
fn each_byte_of_a_section_is_looked_at() {
    let mut chance = Chance::new(52);
    let windows = 9;
    let self_ = common::learned(&mut chance, windows, 30);
    let good = section(&self_);
    let mut again = common::learner();
    let mut accepted = 0u32;
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            let mut r = Reader::new(&bytes, 0);
            if again.read(&mut r, bytes.len(), windows).is_ok() {
                assert_eq!(r.offset(), bytes.len());
                assert_eq!(section(&again), bytes, "byte {at} bit {bit}");
                assert_ne!(said(&again), said(&self_));
                accepted += 1;
            }
        }
    }
    // Names and counts may be others.
    assert!(
        accepted > 0 && accepted < 4 * good.len() as u32,
        "{accepted}"
    );
    for len in 0..good.len() {
        for len_said in [len, good.len()] {
            let mut r = Reader::new(&good[..len], 0);
            assert!(again.read(&mut r, len_said, windows).is_err());
        }
    }
    for windows in [0, windows - 1, windows + 1, u32::MAX] {
        let mut r = Reader::new(&good, 0);
        assert!(again.read(&mut r, good.len(), windows).is_err());
    }
}

#[test]
fn mutations_of_a_section_are_refused_or_harmless() {
    let mut again = common::learner();
    for seed in 0..common::iterations(5000) {
        let mut chance = Chance::new(seed);
        let (windows, room) = (1 + chance.below(4) as u32, 1 + chance.below(12));
        let self_ = common::learned(&mut chance, windows, room);
        let mut out = vec![0; 8192];
        let len = profile(windows).encode(&self_, &mut out).unwrap();
        out.truncate(len);
        let section = len - self_.bytes();
        for _ in 0..1 + chance.below(3) {
            let at = section + chance.below(len - section);
            out[at] = match chance.below(4) {
                0 => 0,
                1 => 0xff,
                2 => out[at].wrapping_add(1),
                _ => chance.next() as u8,
            };
        }
        reseal(&mut out);
        if let Ok(profile) = Profile::verify(&out, &mut again) {
            let mut twice = vec![0; len];
            assert_eq!(profile.encode(&again, &mut twice), Ok(len));
            assert_eq!(twice, out);
        } else {
            assert!(again.items().is_empty() && again.windows() + again.starts() == 0);
        }
    }
}

#[test]
fn what_a_cell_wrote_is_not_learned_as_a_program_or_library() {
    let mut chance = Chance::new(53);
    let mut refused = 0;
    for _ in 0..common::iterations(2000).div_ceil(20) {
        let mut self_ = common::learner();
        for _ in 0..60 {
            let path = common::name(&mut chance);
            let mut room = [0; MAX_NAME];
            let look = common::look(&mut chance);
            let seen = match chance.below(3) {
                0 => Sighting::of_program(b"/bin/a", &path, &look, &mut room),
                _ => Sighting::of_file(common::act(&mut chance), &path, &look, &mut room),
            };
            let is_self_made = seen.is_self_made(&self_);
            let before = self_.items().len();
            let noted = self_.learn(&seen, false);
            if is_self_made {
                assert_eq!((noted, self_.items().len()), (Noted::Full, before));
                refused += 1;
            } else {
                assert_ne!(noted, Noted::Full);
            }
            // It knows what it has learned, until it makes it itself.
            assert_eq!(seen.is_known(&self_), !is_self_made);
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn officers_accept_what_has_room() {
    let mut self_ = common::learned(&mut Chance::new(54), 0, 2);
    let mut accept = |name: &[u8]| self_.accept(Class::Peer, Domain::Root, name);
    assert!(accept(b"a") && accept(b"a") && !accept(&[b'b'; MAX_NAME + 1]));
    assert!(accept(b"b") && accept(b"b") && !accept(b"c"));
    assert_eq!(self_.items().len(), 2);
    assert!(self_.novelty(Class::Peer).once == 0);
}

#[test]
fn grave_classes_are_those_that_are_saturated() {
    let mut chance = Chance::new(55);
    for _ in 0..common::iterations(2000).div_ceil(20) {
        let windows = chance.below(60) as u32;
        let self_ = common::learned(&mut chance, windows, 2000);
        let mut want = ClassSet::EMPTY;
        for class in Class::ALL.iter().copied() {
            if self_.novelty(class).is_saturated() {
                want = want.with(class);
            }
        }
        assert_eq!(self_.grave(), want);
        assert_eq!(self_.windows() + self_.starts(), windows);
    }
}
