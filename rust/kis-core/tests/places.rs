// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::paths::places`] and [`kis_core::sense::sighting`] for any bytes.

mod common;

use common::Chance;
use kis_core::paths::path::is_clean;
use kis_core::paths::places::general;
use kis_core::sense::class::{
    Class,
    Domain, //
};
use kis_core::sense::items::{
    BELOW,
    MAX_NAME, //
};
use kis_core::sense::sighting::{
    Knows,
    Sighting,
    ARROW,
    HELPER,
    NAME_BYTES, //
};

/// A path of words that mean something to the general form, or of any bytes.
fn path(chance: &mut Chance) -> Vec<u8> {
    const PARTS: [&[u8]; 20] = [
        b"proc",
        b"home",
        b"self",
        b"7",
        b"42",
        b"1234",
        b"12345",
        b"#",
        b"~",
        b"**",
        b"",
        b".x",
        b"Readme",
        b"tmpa8f3k2",
        b"deadbeef",
        b"deadbeef01",
        b"aBcD",
        b"log.1",
        b"x-2026-11-25",
        b"a#1B2c",
    ];
    let most = chance.of(&[20, 20, 20, 20, 20, 20, 20, 900]);
    let len = chance.below(most);
    match chance.below(4) {
        0 => (0..len).map(|_| chance.next() as u8).collect(),
        1 => chance.bytes(b"/ab1B#*.", len),
        2 => {
            let mut path = chance
                .of(&[&b"/proc/"[..], b"/proc/7/", b"/proc/42", b"/home/", b"/v/"])
                .to_vec();
            path.extend(chance.bytes(b"0123456789abcdefABCDxyz/-_", len));
            path
        }
        _ => {
            let parts = (0..chance.below(6)).map(|_| [&b"/"[..], chance.of(&PARTS)].concat());
            parts.collect::<Vec<_>>().concat()
        }
    }
}

fn form(path: &[u8], pid: u32, room: usize) -> Vec<u8> {
    let mut out = vec![0xee; room];
    let len = general(path, pid, &mut out);
    assert!(out[len..].iter().all(|byte| *byte == 0xee));
    out.truncate(len);
    out
}

#[test]
fn general_form_is_the_form_of_itself() {
    let mut chance = Chance::new(61);
    let mut changed = 0;
    for _ in 0..common::iterations(50_000) {
        let (path, pid) = (path(&mut chance), chance.of(&[0, 7, 42, 1234, u32::MAX]));
        let once = form(&path, pid, 1024);
        assert_eq!(form(&once, pid, 1024), once, "{}", path.escape_ascii());
        // By whoever looks at it.
        let other = chance.of(&[0, 7, 42, u32::MAX]);
        assert_eq!(form(&once, other, 1024), once, "{}", path.escape_ascii());
        changed += u32::from(once != path);
    }
    assert!(changed > 1000);
}

#[test]
fn general_form_is_no_longer_than_the_path_but_for_its_own_number() {
    let mut chance = Chance::new(62);
    let mut longer = 0;
    for _ in 0..common::iterations(50_000) {
        let (path, pid) = (path(&mut chance), chance.of(&[0, 7, 42, 1234, u32::MAX]));
        let form = form(&path, pid, 1024);
        let more = form.len().saturating_sub(path.len());
        if more > 0 {
            assert!(more <= 3 && form.starts_with(b"/proc/self") && path.starts_with(b"/proc/"));
            longer += 1;
        }
        // As many components, of which none became empty.
        let parts = |path: &[u8]| path.split(|b| *b == b'/').map(<[u8]>::is_empty).collect();
        let (before, after): (Vec<bool>, Vec<bool>) = (parts(&path), parts(&form));
        assert_eq!(before, after, "{}", path.escape_ascii());
        if is_clean(&path) {
            assert!(is_clean(&form), "{}", path.escape_ascii());
        }
    }
    assert!(longer > 10);
}

#[test]
fn general_form_has_no_digits_and_no_name_that_stands_for_many() {
    let mut chance = Chance::new(63);
    for _ in 0..common::iterations(50_000) {
        let path = path(&mut chance);
        let form = form(&path, 42, 1024);
        assert!(!form.iter().any(|b| b.is_ascii_digit() || *b == b'*'));
        assert!(!form.ends_with(BELOW));
    }
}

#[test]
fn general_form_without_room_is_its_beginning() {
    let mut chance = Chance::new(64);
    for _ in 0..common::iterations(20_000) {
        let path = path(&mut chance);
        let whole = form(&path, 42, 1024);
        let room = chance.below(path.len() + 8);
        let cut = form(&path, 42, room);
        assert_eq!(cut, whole[..room.min(whole.len())]);
        assert_eq!(form(&cut, 42, 1024), cut, "{}", path.escape_ascii());
    }
}

/// A set that has all of one class and nothing else.
struct Only(Class);

impl Knows for Only {
    fn has(&self, class: Class, _domain: Domain, _name: &[u8]) -> bool {
        class == self.0
    }
}

#[test]
fn what_makes_known_and_what_makes_self_made() {
    let mut chance = Chance::new(66);
    for _ in 0..common::iterations(2000) {
        let (path, look) = (path(&mut chance), common::look(&mut chance));
        let mut room = [0; NAME_BYTES];
        let seen = match chance.below(6) {
            0 => Sighting::of_program(b"/bin/a", &path, &look, &mut room),
            1 => Sighting::named(chance.of(Class::ALL), look.is_root, &path),
            _ => Sighting::of_file(common::act(&mut chance), &path, &look, &mut room),
        };
        for other in Class::ALL.iter().copied() {
            let set = Only(other);
            let helps = match seen.class {
                Class::Read | Class::Write | Class::Remove => other == Class::Create,
                Class::Content => matches!(other, Class::Own | Class::Create),
                Class::Secret | Class::Own => matches!(other, Class::Write | Class::Create),
                Class::Create => other == Class::Write,
                _ => false,
            };
            assert_eq!(seen.is_known(&set), helps || other == seen.class);
            let is_code = matches!(seen.class, Class::Program | Class::Library);
            let is_made = matches!(other, Class::Write | Class::Create);
            assert_eq!(seen.is_self_made(&set), is_code && is_made);
        }
    }
}

/// What a set was asked.
struct Asked(std::cell::RefCell<Vec<(Class, Domain, Vec<u8>)>>, bool);

impl Knows for Asked {
    fn has(&self, class: Class, domain: Domain, name: &[u8]) -> bool {
        self.0.borrow_mut().push((class, domain, name.to_vec()));
        self.1
    }
}

#[test]
fn sightings_are_made_of_any_bytes() {
    let mut chance = Chance::new(65);
    let mut classes = [0; Class::COUNT];
    for _ in 0..common::iterations(50_000) {
        let (path, look) = (path(&mut chance), common::look(&mut chance));
        let len = chance.of(&[0, 5, 40, NAME_BYTES, 4096]);
        let mut room = vec![0; len];
        let seen = match chance.below(4) {
            0 => {
                let child = self::path(&mut chance);
                let seen = Sighting::of_program(&path, &child, &look, &mut room);
                let want = [
                    form(&path, look.pid, 2048),
                    ARROW.to_vec(),
                    form(&child, look.pid, 2048),
                ];
                let want = want.concat();
                assert_eq!(seen.told, &want[..want.len().min(len).min(MAX_NAME)]);
                assert!(seen.told.ends_with(seen.name) || seen.name.starts_with(HELPER));
                seen
            }
            1 => {
                let class = chance.of(Class::ALL);
                Sighting::named(class, look.is_root, &path)
            }
            _ => {
                let act = common::act(&mut chance);
                let seen = Sighting::of_file(act, &path, &look, &mut room);
                // What is an item by its directory or its first components is a part of the form.
                assert!(form(&path, look.pid, 2048).starts_with(seen.name));
                assert_ne!(seen.class, Class::Program);
                // Root serves as nobody, and what may be executed is never only data.
                let is_data = look.is_own && !look.is_root && !look.is_program;
                assert!(seen.class != Class::Own || is_data);
                seen
            }
        };
        assert!(seen.name.len() <= MAX_NAME);
        assert_eq!(seen.domain, Domain::of(look.is_root));
        classes[seen.class.index()] += 1;
        // Nobody is known to a set that has nothing, and all are to one that has all, but for what
        // it has made.
        let (none, all) = (
            Asked(Default::default(), false),
            Asked(Default::default(), true),
        );
        assert!(!seen.is_known(&none) && !seen.is_self_made(&none));
        let is_code = matches!(seen.class, Class::Program | Class::Library);
        assert_eq!(
            (seen.is_known(&all), seen.is_self_made(&all)),
            (!is_code, is_code)
        );
        // It is asked for its own name first, and for what belongs to the other domain only where that
        // tells who made it, or what root did by the same name.
        let asked = none.0.into_inner();
        assert_eq!(asked[0], (seen.class, seen.domain, seen.name.to_vec()));
        assert!(asked.iter().all(|(_, domain, name)| {
            let is_root_s = seen.class.is_by_modes() || seen.class == Class::Identity;
            let of_root = is_root_s && *domain == Domain::Root;
            name.len() <= MAX_NAME && (is_code || of_root || *domain == seen.domain)
        }));
    }
    assert!(classes.iter().all(|n| *n > 100), "{classes:?}");
}
