// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::sense::known`] beside the repertoire, and with readers beside the writer; and
//! [`kis_core::sense::key`], by which it finds names.

mod common;

use std::hash::Hasher;
use std::sync::atomic::{
    AtomicBool,
    AtomicU64,
    Ordering, //
};
use std::thread;

use common::{
    Chance,
    Learner, //
};
use kis_core::sense::class::{
    Class,
    ClassSet,
    Domain, //
};
use kis_core::sense::items::{
    Count,
    Item,
    Items,
    Noted,
    BELOW,
    MAX_ITEMS,
    MAX_NAME, //
};
use kis_core::sense::key::Key;
use kis_core::sense::known::{
    Answer,
    Known,
    MEMO,
    SLOTS, //
};
use kis_core::sense::sighting::{
    Knows,
    Sighting, //
};

fn known_of(words: usize) -> Known<Vec<AtomicU64>> {
    let words = (0..words).map(|_| AtomicU64::new(77)).collect();
    Known::new(words, Key::new([0x0123_4567, 0x89ab_cdef]))
}

fn known() -> Known<Vec<AtomicU64>> {
    known_of(SLOTS + MEMO)
}

/// What has to be answered about a sighting by a cell that is ready.
fn want(self_: &Learner, grave: ClassSet, seen: &Sighting<'_>) -> Answer {
    let is_surprise = (seen.is_foothold || grave.contains(seen.class)) && !seen.is_mild;
    if seen.is_known(self_) {
        Answer::Known
    } else if seen.is_self_made(self_) || is_surprise {
        Answer::Unknown
    } else {
        Answer::Odd
    }
}

/// Asks about something, and says what was asked and answered.
fn ask(chance: &mut Chance, then: impl FnOnce(&Sighting<'_>)) {
    let (path, look) = (common::name(chance), common::look(chance));
    let mut room = [0; MAX_NAME];
    match chance.below(4) {
        0 => then(&Sighting::of_program(b"/v/a/b", &path, &look, &mut room)),
        1 => then(&Sighting::named(common::class(chance), look.is_root, &path)),
        _ => {
            let act = common::act(chance);
            then(&Sighting::of_file(act, &path, &look, &mut room));
        }
    }
}

#[test]
fn known_answers_as_the_repertoire_does() {
    let mut chance = Chance::new(31);
    let known = known();
    let mut seen_answers = [0; 3];
    for _ in 0..common::iterations(2000).div_ceil(20) {
        let (windows, room) = (chance.below(20) as u32, chance.of(&[0, 4, 50, MAX_ITEMS]));
        let mut self_ = common::learned(&mut chance, windows, room);
        for _ in 0..60 {
            ask(&mut chance, |seen| {
                self_.learn(seen, false);
            });
        }
        let dir = chance.of(&[&b"/v"[..], b"/v/a/b", b"/w"]);
        self_.accept(Class::Secret, Domain::User, &[dir, BELOW].concat());
        let grave = match chance.below(3) {
            0 => self_.grave(),
            _ => ClassSet::from_bits(chance.next() as u32),
        };
        known.follow(self_.items(), grave, true);
        for (item, name) in self_.items().iter() {
            assert!(known.has(item.class, item.domain, name));
        }
        for _ in 0..300 {
            ask(&mut chance, |seen| {
                let answer = known.ask(seen);
                assert_eq!(answer, want(&self_, grave, seen), "{seen:?}");
                assert_eq!(answer, Answer::of(seen, &self_, grave));
                seen_answers[answer as usize] += 1;
            });
            let (class, name) = (common::class(&mut chance), common::name(&mut chance));
            for domain in Domain::ALL {
                let has = self_.items().has(class, domain, &name);
                assert_eq!(
                    known.has(class, domain, &name),
                    has,
                    "{}",
                    name.escape_ascii()
                );
            }
        }
        known.follow(self_.items(), grave, false);
        ask(&mut chance, |seen| {
            assert_eq!(known.ask(seen), Answer::Unsure)
        });
    }
    assert!(seen_answers.iter().all(|n| *n > 100), "{seen_answers:?}");
}

#[test]
fn known_holds_as_many_as_a_repertoire() {
    let mut self_ = common::learner();
    let names: Vec<String> = (0..2 * MAX_ITEMS).map(|i| format!("tcp {i}")).collect();
    let known = known();
    for name in &names {
        self_.learn(&Sighting::named(Class::Peer, false, name.as_bytes()), false);
    }
    assert_eq!(self_.items().len(), MAX_ITEMS);
    known.follow(self_.items(), self_.grave(), true);
    for (i, name) in names.iter().enumerate() {
        let peer = Sighting::named(Class::Peer, false, name.as_bytes());
        // Some have found no room, so nothing is a surprise.
        let want = match i < MAX_ITEMS {
            true => Answer::Known,
            false => Answer::Odd,
        };
        assert_eq!(known.ask(&peer), want);
    }
}

#[test]
fn known_with_too_little_memory_never_denies_what_is_known() {
    let mut chance = Chance::new(32);
    let mut sure = 0;
    for _ in 0..common::iterations(2000).div_ceil(20) {
        let known = known_of(chance.below(SLOTS + MEMO));
        let mut self_ = common::learned(&mut chance, 4, 100);
        self_.window(false);
        known.follow(self_.items(), self_.grave(), true);
        for _ in 0..100 {
            ask(&mut chance, |seen| {
                let answer = known.ask(seen);
                if answer != Answer::Unsure {
                    assert_eq!(answer, want(&self_, self_.grave(), seen));
                    sure += 1;
                }
            });
        }
    }
    assert!(sure > 0);
}

#[test]
fn questions_are_remembered_until_the_set_changes_or_another_takes_their_place() {
    let mut chance = Chance::new(33);
    let (known, self_) = (known(), common::learner());
    known.follow(self_.items(), ClassSet::EMPTY, true);
    let mut last = [0; MEMO];
    let mut found = 0;
    for step in 0..common::iterations(20_000) {
        if step % 5000 == 4999 {
            known.follow(self_.items(), ClassSet::EMPTY, true);
            last.fill(0);
        }
        let kind = chance.below(16) as u64;
        let question = known.question(kind, &[b'/', chance.next() as u8]);
        assert_ne!(question, 0);
        let place = (question >> 54) as usize;
        assert_eq!(known.remembers(question), last[place] == question);
        found += u32::from(last[place] == question);
        if chance.below(2) == 0 {
            known.remember(question);
            last[place] = question;
        }
    }
    assert!(found > 100, "{found}");
    known.follow(self_.items(), ClassSet::EMPTY, false);
    assert_eq!(known.question(1, b"/x"), 0);
    known.remember(0);
    assert!(!known.remembers(0));
}

#[test]
fn paths_that_depend_on_who_names_them_are_not_remembered() {
    let (known, self_) = (known(), common::learner());
    known.follow(self_.items(), ClassSet::EMPTY, true);
    for (path, want) in [
        (&b"/proc/42/status"[..], false),
        (b"/proc/1", false),
        (b"/proc", true),
        (b"/process/1", true),
        (b"/srv/proc/1", true),
    ] {
        let question = known.question(1, path);
        known.remember(question);
        assert_eq!(known.remembers(question), want, "{}", path.escape_ascii());
    }
}

#[test]
fn readers_beside_a_replacement_never_hear_of_a_mixture() {
    // Two selves. Both know `COMMON`, none knows `STRANGE`, and each knows a folded directory or
    // what was written that the other one does not. In between the cell learns, and its set is
    // empty.
    const COMMON: &[u8] = b"tcp 192.0.2.1:80";
    const STRANGE: &[u8] = b"tcp 203.0.113.9:4444";
    let selves = [0u8, 1].map(|n| {
        let mut items = Items::new(vec![Item::NONE; MAX_ITEMS], vec![0; 100_000]);
        let mut put = |class, name: &[u8]| {
            let noted = items.note(class, Domain::User, name, 0, false);
            assert_eq!(noted, Noted::New);
        };
        put(Class::Peer, COMMON);
        // Each way in which a file may be known: in one self this, in the other one that.
        put(
            [Class::Secret, Class::Create][usize::from(n)],
            [&b"/s/a/x"[..], b"/s/a"][usize::from(n)],
        );
        for i in 0..1500u32 {
            put(Class::Port, format!("tcp {n} {i}").as_bytes());
        }
        let name: [&[u8]; 2] = [b"/v/a/**", b"/v/a/b/**"];
        assert!(items.insert(
            Class::Secret,
            Domain::User,
            name[usize::from(n)],
            Count::at(0, true)
        ));
        items
    });
    let empty = Items::new(vec![Item::NONE; 0], vec![0; 0]);
    let grave = ClassSet::EMPTY.with(Class::Peer).with(Class::Secret);
    let (known, is_over) = (known(), AtomicBool::new(false));
    let file = |room: &mut [u8; MAX_NAME], path: &[u8]| {
        known.ask(&Sighting::of_file(
            kis_core::sense::sighting::Act::Read,
            path,
            &Default::default(),
            room,
        ))
    };
    known.follow(&selves[0], grave, true);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut room = [0; MAX_NAME];
                    let (mut sure, mut unsure) = (0u32, 0u32);
                    let ask = |name| known.ask(&Sighting::named(Class::Peer, false, name));
                    while !is_over.load(Ordering::Acquire) {
                        // A surprise in the one self and in the other one.
                        assert!(matches!(ask(STRANGE), Answer::Unknown | Answer::Unsure));
                        assert!(matches!(ask(COMMON), Answer::Known | Answer::Unsure));
                        for path in [&b"/s/a/x"[..], b"/v/a/b/c"] {
                            match file(&mut room, path) {
                                Answer::Known => sure += 1,
                                Answer::Unsure => unsure += 1,
                                answer => panic!("{answer:?}"),
                            }
                        }
                        assert_ne!(file(&mut room, b"/v/x/y"), Answer::Known);
                        // What is remembered is known.
                        let question = known.question(1, COMMON);
                        match ask(COMMON) {
                            Answer::Known => known.remember(question),
                            _ => assert!(!known.remembers(known.question(1, STRANGE))),
                        }
                    }
                    assert_eq!(
                        (ask(COMMON), ask(STRANGE)),
                        (Answer::Known, Answer::Unknown)
                    );
                    assert_eq!(file(&mut room, b"/v/a/x"), Answer::Known);
                    (sure, unsure)
                })
            })
            .collect();
        for i in 0..common::iterations(2000).div_ceil(4) as usize {
            known.follow(&selves[i % 2], grave, true);
            if i % 3 == 0 {
                known.follow(&empty, ClassSet::EMPTY, false);
            }
            thread::yield_now();
        }
        known.follow(&selves[0], grave, true);
        is_over.store(true, Ordering::Release);
        for reader in readers {
            reader.join().unwrap();
        }
    });
}

#[test]
fn hashes_are_those_of_the_standard_library() {
    let mut chance = Chance::new(34);
    for _ in 0..common::iterations(20_000) {
        let (len, tag) = (chance.below(600), chance.next());
        let name: Vec<u8> = (0..len).map(|_| chance.next() as u8).collect();
        let mut std = std::hash::DefaultHasher::new();
        std.write(&tag.to_le_bytes());
        std.write(&name);
        assert_eq!(Key::new([0, 0]).hash(tag, &name), std.finish());
        // Another key, another hash.
        let key = Key::new([chance.next(), chance.next()]);
        assert_ne!(key.hash(tag, &name), std.finish());
        assert_ne!(key.hash(tag, &name), key.hash(tag ^ 1, &name));
    }
}
