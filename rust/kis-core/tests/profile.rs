// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::sense::profile`]: what is learned, and what survives an image.

mod common;

use common::Chance;
use kis_core::sense::bound::NO_BOUNDS;
use kis_core::sense::budget::Budget;
use kis_core::sense::class::Class;
use kis_core::sense::detector::{
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
    Origin,
    Profile,
    Settings,
    MAX_BYTES, //
};
use kis_core::sense::sighting::Sighting;
use kis_core::sense::window::{
    Level,
    Moment, //
};
use kis_core::wire::image::reseal;

fn settings(windows: u32) -> Settings {
    Settings {
        learn_windows: windows,
        hard: false,
        budget: Budget::Deviations {
            one_q16: 3 << 16,
            two_q16: 6 << 16,
        },
        bounds: NO_BOUNDS,
    }
}

fn window(values: &Values) -> Observation<'_> {
    Observation::Window {
        values,
        processes: 1,
        start: false,
    }
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
    let mut again = common::learner();
    let mut out = vec![0xee; MAX_BYTES];
    for _ in 0..common::iterations(2000).div_ceil(10) {
        let (mut profile, windows) = (Profile::new(), chance.below(30) as u32);
        profile.origin = Origin::of(b"web", &[chance.next() as u8]);
        profile.origin.build = chance.next();
        let self_ = common::learned(&mut chance, windows.min(20), 60);
        for _ in 0..windows {
            let values = std::array::from_fn(|_| chance.number(45));
            profile.learn(&window(&values), &settings(20));
        }
        let len = profile.encode(&self_, &mut out).unwrap();
        let read = Profile::verify(&out[..len], &mut again).unwrap();
        let mut second = vec![0; MAX_BYTES];
        assert_eq!(read.encode(&self_, &mut second), Ok(len));
        assert!(second[..len] == out[..len]);
        // Neither a trial under way nor stretches are gone on with; the score of a trial is kept.
        assert_eq!(read.score(), profile.score());
        assert_eq!(common::said(again.items()), common::said(self_.items()));
        let mut used = Profile::new();
        used.learn(&window(&[9; Param::COUNT]), &settings(1));
        used.restore(&out[..len], &mut again).unwrap();
        assert!(used == read);
        assert_eq!(common::said(again.items()), common::said(self_.items()));
    }
}

#[test]
fn refused_image_leaves_an_empty_profile() {
    let mut self_ = common::learner();
    for name in [b"a", b"b", b"c"] {
        self_.learn(&Sighting::named(Class::Peer, false, name), false);
    }
    self_.window(false);
    let mut profile = Profile::new();
    profile.learn(&window(&[9; Param::COUNT]), &settings(3));
    let origin = Origin::of(b"web", b"/usr/sbin/nginx");
    profile.origin = origin;
    let mut out = vec![0; MAX_BYTES];
    let len = profile.encode(&self_, &mut out).unwrap();
    assert_eq!(profile.restore(&out[..len], &mut self_), Ok(()));
    // A profile of another cell stays one.
    let origin = Origin::of(b"db", b"/usr/bin/redis-server");
    profile.origin = origin;
    // Everything but the padding behind the last name is read before the fault.
    out[len - 1] = 1;
    reseal(&mut out[..len]);
    assert!(profile.restore(&out[..len], &mut self_).is_err());
    assert_eq!(profile.windows(), 0);
    assert_eq!(profile.origin, origin);
    assert!(self_.items().is_empty() && self_.windows() == 0);
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
                start: false,
            };
            let mut found = Findings::new();
            profile.judge(&seen, &settings, &mut found);
            let mut got = found.crossings();
            for param in Param::ALL {
                let value = values[param.index()];
                let lines = profile.lines(param).usual;
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
                    assert_eq!(numbers.crossed(value, &Moment::QUIET), want);
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
