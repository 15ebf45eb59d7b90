// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::sense::items`] and [`kis_core::sense::novelty`] against naive models.

mod common;

use std::collections::{
    BTreeMap,
    BTreeSet, //
};

use common::Chance;
use kis_core::sense::class::{
    Class,
    Domain, //
};
use kis_core::sense::items::{
    Count,
    Item,
    Items,
    Noted,
    BELOW,
    FOLD,
    MAX_NAME, //
};
use kis_core::sense::novelty::{
    Novelty,
    LEAST_WINDOWS, //
};

/// A set of items as one would write it down who has all the time and memory there is.
struct Model {
    items: BTreeMap<(Class, Domain, Vec<u8>), Count>,
    lost: BTreeMap<Class, u32>,
    room: (usize, usize),
    folds: u32,
}

/// The name of all that is below a directory.
fn below(dir: &[u8]) -> Vec<u8> {
    [dir, BELOW].concat()
}

/// What is above a name, from the nearest on, and no root.
fn ups(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    let slashes = (2..name.len()).rev().filter(|at| name[*at] == b'/');
    slashes.map(|at| &name[..at])
}

impl Model {
    fn new(items: usize, names: usize) -> Self {
        Self {
            items: BTreeMap::new(),
            lost: BTreeMap::new(),
            room: (items, names),
            folds: 0,
        }
    }

    fn names_len(&self) -> usize {
        self.items.keys().map(|(.., name)| name.len()).sum()
    }

    /// The name under which something is known.
    fn known(&self, class: Class, domain: Domain, name: &[u8]) -> Option<Vec<u8>> {
        let mut names = vec![name.to_vec()];
        if class.is_place() {
            names.extend(ups(name).map(below));
        }
        names
            .into_iter()
            .find(|name| self.items.contains_key(&(class, domain, name.clone())))
    }

    fn insert(&mut self, class: Class, domain: Domain, name: &[u8], count: Count) -> bool {
        let key = (class, domain, name.to_vec());
        let has_room = self.items.len() < self.room.0
            && self.names_len() + name.len() <= self.room.1
            && name.len() <= MAX_NAME;
        if self.items.contains_key(&key) || !has_room {
            return false;
        }
        self.items.insert(key, count);
        true
    }

    fn note(
        &mut self,
        class: Class,
        domain: Domain,
        name: &[u8],
        window: u32,
        start: bool,
    ) -> Noted {
        let name = &name[..name.len().min(MAX_NAME)];
        if let Some(known) = self.known(class, domain, name) {
            let count = self.items.get_mut(&(class, domain, known)).unwrap();
            count.again(window, start);
            return Noted::Known;
        }
        if !self.insert(class, domain, name, Count::at(window, start)) {
            *self.lost.entry(class).or_default() += 1;
            return Noted::Full;
        }
        // Of a directory below another one below the root.
        let Some(dir) = ups(name).next().filter(|dir| dir[1..].contains(&b'/')) else {
            return Noted::New;
        };
        let children: Vec<_> = self
            .items
            .keys()
            .filter(|(c, d, n)| (*c, *d) == (class, domain) && ups(n).any(|up| up == dir))
            .cloned()
            .collect();
        let direct = children.iter().filter(|(.., n)| ups(n).next() == Some(dir));
        if !class.is_place() || direct.count() < FOLD || below(dir).len() > MAX_NAME {
            return Noted::New;
        }
        let counts: Vec<Count> = children
            .iter()
            .map(|key| self.items.remove(key).unwrap())
            .collect();
        let sum = |of: fn(&Count) -> u32| counts.iter().map(of).sum();
        let sum = Count {
            count: sum(|c| c.count),
            windows: sum(|c| c.windows),
            starts: sum(|c| c.starts),
            first: counts.iter().map(|c| c.first).min().unwrap(),
            last: counts.iter().map(|c| c.last).max().unwrap(),
        };
        self.items.insert((class, domain, below(dir)), sum);
        self.folds += 1;
        Noted::Folded
    }

    fn said(&self) -> common::Said {
        let lost = |class| self.lost.get(class).copied().unwrap_or(0);
        let items = self.items.iter();
        (
            items
                .map(|((class, domain, name), count)| (*class, *domain, name.clone(), *count))
                .collect(),
            Class::ALL.iter().map(lost).collect(),
        )
    }
}

/// Names lie one behind the other, and begin where the names begin.
fn are_contiguous(items: &Items<Vec<Item>, Vec<u8>>) -> bool {
    let mut names = items.iter().map(|(_, name)| name.as_ptr_range());
    let Some(first) = names.next() else {
        return items.names_len() == 0;
    };
    let mut end = first.end;
    names.all(|name| std::mem::replace(&mut end, name.end) == name.start)
        && end.addr() - first.start.addr() == items.names_len()
}

#[test]
fn items_do_what_a_map_does() {
    let mut chance = Chance::new(41);
    let (mut folds, mut full) = (0, 0);
    for _ in 0..common::iterations(2000).div_ceil(40) {
        let room = match chance.below(3) {
            0 => (chance.below(60), 2000),
            1 => (1000, chance.below(600)),
            _ => (1000, 8000),
        };
        let mut items = Items::new(vec![Item::NONE; room.0], vec![0xaa; room.1]);
        let mut model = Model::new(room.0, room.1);
        for step in 0..800u32 {
            let window = step / 20;
            // Half of all is of one class and domain and in few directories, which fold then.
            let (class, domain) = match chance.below(2) {
                0 => (common::class(&mut chance), chance.of(&Domain::ALL)),
                _ => (Class::Secret, Domain::User),
            };
            let mut name = common::name(&mut chance);
            let start = window % 3 == 0;
            match chance.below(40) {
                0 => {
                    // As an officer or an image does: whatever the name is.
                    let count = Count::at(window, true);
                    name.extend_from_slice(chance.of(&[&b""[..], BELOW, b"/", b"/**/x"]));
                    let got = items.insert(class, domain, &name, count);
                    assert_eq!(got, model.insert(class, domain, &name, count));
                }
                1 => {
                    // Longer than a name may be.
                    name.extend(vec![b'/'; 500 + chance.below(20)]);
                    let got = items.note(class, domain, &name, window, start);
                    assert_eq!(got, model.note(class, domain, &name, window, start));
                }
                _ => {
                    let got = items.note(class, domain, &name, window, start);
                    assert_eq!(got, model.note(class, domain, &name, window, start));
                    full += u32::from(got == Noted::Full);
                    assert_eq!(items.has(class, domain, &name), got != Noted::Full);
                }
            }
            assert_eq!(items.len(), model.items.len());
            assert_eq!(items.names_len(), model.names_len());
            let (class, name) = (common::class(&mut chance), common::name(&mut chance));
            let known = model.known(class, domain, &name);
            assert_eq!(items.has(class, domain, &name), known.is_some());
            let count = model.items.get(&(class, domain, name.clone()));
            assert_eq!(items.get(class, domain, &name), count.copied());
            if step % 16 == 0 || step == 799 {
                assert!(are_contiguous(&items));
                assert_eq!(common::said(&items), model.said());
            }
        }
        folds += model.folds;
        let fresh = Items::new(vec![Item::NONE; room.0], vec![0; room.1]);
        items.clear();
        assert_eq!(common::said(&items), common::said(&fresh));
        assert!(items.is_empty() && items.names_len() == 0);
    }
    assert!(folds > 2 && full > 1000, "{folds} {full}");
}

#[test]
fn items_refuse_names_that_no_image_may_have() {
    let mut items = Items::new(vec![Item::NONE; 4], vec![0; 4096]);
    let mut put = |len: usize| {
        let name = vec![b'a'; len];
        items.insert(Class::Peer, Domain::User, &name, Count::at(0, false))
    };
    assert!(put(MAX_NAME) && !put(MAX_NAME + 1) && !put(1 << 16) && !put((1 << 16) + 5));
}

#[test]
fn directories_whose_folded_name_would_be_too_long_do_not_fold() {
    for (len, folds) in [(MAX_NAME - 3, true), (MAX_NAME - 2, false)] {
        let mut items = Items::new(vec![Item::NONE; 64], vec![0; 64 << 9]);
        let mut dir = vec![b'd'; len];
        (dir[0], dir[2]) = (b'/', b'/');
        for i in 0..FOLD as u8 {
            // One letter, as there is no room for more.
            let name = [&dir, &b"/"[..], &[b'@' + i]].concat();
            let got = items.note(Class::Secret, Domain::Root, &name, 0, false);
            let last = folds && usize::from(i) == FOLD - 1;
            assert_eq!(got, if last { Noted::Folded } else { Noted::New });
        }
        assert_eq!(items.len(), if folds { 1 } else { FOLD });
        assert!(are_contiguous(&items));
    }
}

#[test]
fn counts_are_those_of_sets_of_windows() {
    let mut chance = Chance::new(42);
    for _ in 0..common::iterations(2000) {
        let (mut window, mut seen, mut count) = (chance.below(5) as u32, Vec::new(), None);
        for _ in 0..1 + chance.below(30) {
            // Whether a window is one of a start holds for all of it.
            let start = window % 3 == 1;
            count = match count {
                None => Some(Count::at(window, start)),
                Some(mut count) => {
                    count.again(window, start);
                    Some(count)
                }
            };
            seen.push((window, start));
            window += chance.below(3) as u32;
        }
        let count = count.unwrap();
        let windows: BTreeSet<_> = seen.iter().collect();
        let starts = windows.iter().filter(|(_, start)| *start).count();
        assert_eq!(count.count as usize, seen.len());
        assert_eq!(count.starts as usize, starts);
        assert_eq!(count.windows as usize, windows.len() - starts);
        assert_eq!(count.first, seen[0].0);
        assert_eq!(count.last, seen[seen.len() - 1].0);
    }
}

/// Equation 4b of Chao and Jost, as a number of windows with something new in a million.
fn chao_jost(m: f64, q1: f64, q2: f64) -> f64 {
    let (rate, less) = (1e6 * q1 / m, m - 1.0);
    if q1 == 0.0 {
        0.0
    } else if q2 > 0.0 {
        rate * less * q1 / (less * q1 + 2.0 * q2)
    } else {
        rate * less * (q1 - 1.0) / (less * (q1 - 1.0) + 2.0)
    }
}

#[test]
fn novelty_is_the_estimator() {
    let mut chance = Chance::new(43);
    let (mut saturated, mut growing) = (0, 0);
    for _ in 0..common::iterations(20_000) {
        let mut novelty = Novelty {
            windows: 1 + chance.number(20) as u32,
            items: chance.number(11) as u32,
            once: chance.number(11) as u32,
            twice: chance.number(11) as u32,
            lost: 0,
        };
        let [m, q1, q2] = [novelty.windows, novelty.once, novelty.twice].map(f64::from);
        let want = chao_jost(m, q1, q2);
        let got = novelty.per_million();
        assert!((got as f64 - want).abs() <= 2.0, "{novelty:?} {got} {want}");
        // Of fewer windows nothing is said.
        let is_known = novelty.windows >= LEAST_WINDOWS;
        assert_eq!(novelty.is_unknown(), !is_known);
        assert_eq!(novelty.is_saturated(), is_known && got == 0);
        saturated += u32::from(is_known && got == 0);
        growing += u32::from(got > 0);
        novelty.lost = 1;
        assert!(!novelty.is_saturated());
    }
    assert!(saturated > 100 && growing > 1000, "{saturated} {growing}");
}

#[test]
fn novelty_is_total() {
    let mut chance = Chance::new(44);
    for _ in 0..common::iterations(20_000) {
        let mut number = || match chance.below(4) {
            0 => u32::MAX - chance.below(2) as u32,
            _ => chance.number(32) as u32,
        };
        let novelty = Novelty {
            windows: number(),
            items: number(),
            once: number(),
            twice: number(),
            lost: number(),
        };
        let _ = (novelty.per_million(), novelty.is_saturated());
    }
}

#[test]
fn novelty_counts_discoveries_as_sets_of_windows_do() {
    let mut chance = Chance::new(45);
    for _ in 0..common::iterations(2000).div_ceil(4) {
        // Fewer windows than there are bits, so that no two share one.
        let windows = 1 + chance.below(2047) as u32;
        let mut items = Items::new(vec![Item::NONE; 300], vec![0; 600]);
        let mut seen: BTreeMap<(Domain, [u8; 2]), BTreeSet<u32>> = BTreeMap::new();
        let mut at: Vec<u32> = (0..150)
            .map(|_| chance.below(windows as usize) as u32)
            .collect();
        at.sort_unstable();
        let is_start = |window: u32| window % 7 == 0;
        for window in at {
            let domain = chance.of(&Domain::ALL);
            let name = [b'x', chance.next() as u8 & 0x3f];
            items.note(Class::Peer, domain, &name, window, is_start(window));
            seen.entry((domain, name)).or_default().insert(window);
            // Of another class.
            items.note(Class::Port, domain, &name, window, false);
        }
        let in_windows = |n: usize| {
            seen.values()
                .filter(move |w| w.len() == n && !w.iter().any(|w| is_start(*w)))
        };
        let once: BTreeSet<u32> = in_windows(1).flatten().copied().collect();
        let want = Novelty {
            windows,
            items: seen.len() as u32,
            once: once.len() as u32,
            twice: in_windows(2).count() as u32,
            lost: 0,
        };
        assert_eq!(Novelty::of(&items, Class::Peer, windows), want);
    }
}
