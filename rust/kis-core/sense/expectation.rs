// SPDX-License-Identifier: GPL-2.0

//! What the officer expects a cell to do while it learns (hard tolerization): patterns, by class, for the
//! general names of items.
//!
//! A class for which there are none is learned as it comes. Where there are some, what none of them names
//! is kept out of the self: who trains a cell has to keep to what its officer expects anyway. Floor 0,
//! pure; context: any.

use super::class::{
    Class,
    ClassSet, //
};
use super::items::{
    above,
    BELOW, //
};
use super::sighting::{
    Knows,
    Sighting, //
};
use crate::paths::glob;

/// What the officer says of something that came up.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::{Class, ClassSet, Domain};
/// use kis_core::sense::expectation::{covers, Expectation};
/// use kis_core::sense::sighting::{Knows, Sighting};
///
/// struct Php;
///
/// impl Knows for Php {
///     fn has(&self, class: Class, _: Domain, name: &[u8]) -> bool {
///         class == Class::Peer && covers(class, b"unix /run/php/*", name)
///     }
/// }
///
/// let peers = ClassSet::EMPTY.with(Class::Peer);
/// let of = |class, name: &[u8]| Expectation::of(&Sighting::named(class, true, name), peers, &Php);
/// assert_eq!(of(Class::Peer, b"unix /run/php/php.sock"), Expectation::Named);
/// assert_eq!(of(Class::Peer, b"tcp 203.0.113.9:4444"), Expectation::None);
/// assert_eq!(of(Class::Port, b"tcp 0.0.0.0:80"), Expectation::Named, "there is no list of ports");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// It is to be learned: a pattern names it, or there are none for its class.
    Named,
    /// It is expected, and follows from something else that will be learned: it is no item by itself,
    /// which would allow more than the pattern.
    Follows,
    /// It is not expected.
    None,
}

impl Expectation {
    /// Of something, by the patterns that there are for `classes`. They say nothing of domains.
    pub fn of(seen: &Sighting<'_>, classes: ClassSet, patterns: &impl Knows) -> Self {
        if !classes.contains(seen.class) || patterns.has(seen.class, seen.domain, seen.name) {
            Self::Named
        } else if seen.is_to_be_written(patterns) {
            Self::Follows
        } else {
            Self::None
        }
    }
}

/// Whether a pattern names an item: as [`glob`] has it, but that `dir/**` of a class of places is what it is
/// in a repertoire, all below a directory whose name does not begin with a dot.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::Class;
/// use kis_core::sense::expectation::covers;
///
/// assert!(covers(Class::Read, b"/srv/*/www/**", b"/srv/a/www/img"));
/// assert!(!covers(Class::Read, b"/srv/**", b"/srv/.git"));
/// assert!(covers(Class::Program, b"* -> /usr/bin/gzip", b"/usr/sbin/nginx -> /usr/bin/gzip"));
/// ```
pub fn covers(class: Class, pattern: &[u8], name: &[u8]) -> bool {
    let below = pattern.strip_suffix(BELOW).filter(|dir| !dir.is_empty());
    match below.filter(|_| class.is_place()) {
        Some(dir) => above(name).any(|place| glob::matches(dir, place)),
        None => glob::matches(pattern, name),
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_expectation))]
mod tests {
    use super::*;
    use crate::sense::class::Domain;
    use crate::sense::items::Item;
    use crate::sense::repertoire::Repertoire;
    use crate::sense::sighting::{
        Act,
        Look, //
    };

    /// Patterns of a few classes.
    struct Few(&'static [(Class, &'static [u8])]);

    impl Few {
        fn classes(&self) -> ClassSet {
            let all = self.0.iter();
            all.fold(ClassSet::EMPTY, |set, (class, _)| set.with(*class))
        }
    }

    impl Knows for Few {
        fn has(&self, class: Class, _: Domain, name: &[u8]) -> bool {
            let mut all = self.0.iter();
            all.any(|(of, pattern)| *of == class && covers(class, pattern, name))
        }
    }

    const LISTS: Few = Few(&[
        (Class::Write, b"/var/log/x/*.log"),
        (Class::Create, b"/spool/**"),
        (Class::Program, b"/s -> /bin/gzip"),
    ]);

    #[test]
    fn covers_table() {
        for (class, pattern, name, want) in [
            (Class::Peer, "tcp 10.0.0.5:*", "tcp 10.0.0.5:5432", true),
            (Class::Peer, "tcp 10.0.0.5:*", "tcp 10.0.0.55:5432", false),
            (Class::Read, "/srv/www", "/srv/www", true),
            (Class::Read, "/srv/www", "/srv/www/a", false),
            (Class::Read, "/srv/www/**", "/srv/www/a/b", true),
            (Class::Read, "/srv/www/**", "/srv/www", false),
            (Class::Read, "/srv/www/**", "/srv/wwwa/b", false),
            (Class::Secret, "/home/~/**", "/home/~/.ssh/id", false),
            (Class::Secret, "/home/~/.ssh/**", "/home/~/.ssh/id", true),
            (Class::Read, "/etc/**", "/etc/ssl", true),
            (Class::Read, "/**", "/etc/ssl", true),
            (Class::Own, "/var/lib/**", "/var/lib/x", true),
            (Class::Module, "", "", true),
            (Class::Module, "", "x", false),
        ] {
            assert_eq!(covers(class, pattern.as_bytes(), name.as_bytes()), want);
        }
    }

    #[test]
    fn what_is_written_may_be_made_and_is_no_item_of_its_own() {
        let of = |act, path: &[u8]| {
            let mut room = [0u8; 64];
            let seen = Sighting::of_file(act, path, &Look::default(), &mut room);
            Expectation::of(&seen, LISTS.classes(), &LISTS)
        };
        for (act, path, want) in [
            (Act::Write, &b"/var/log/x/a.log"[..], Expectation::Named),
            (Act::Create, b"/var/log/x/a.log", Expectation::Follows),
            (Act::Create, b"/var/log/x/a.sh", Expectation::None),
            (Act::Place, b"/var/log/x/a.log", Expectation::None),
            (Act::Create, b"/spool/a/b", Expectation::Named),
            (Act::Create, b"/spool/b", Expectation::None),
            (Act::Write, b"/etc/cron.d/x", Expectation::None),
            // There is no list of what is read.
            (Act::Read, b"/etc/shadow", Expectation::Named),
        ] {
            assert_eq!(of(act, path), want);
        }
    }

    #[test]
    fn what_is_not_expected_is_kept_out_and_counted() {
        let (mut room, mut names) = ([Item::NONE; 8], [0u8; 128]);
        let mut self_ = Repertoire::new(&mut room[..], &mut names[..]);
        let mut see = |child: &[u8]| {
            let mut room = [0u8; 64];
            let seen = Sighting::of_program(b"/s", child, &Look::default(), &mut room);
            let said = Expectation::of(&seen, LISTS.classes(), &LISTS);
            self_.teach(&seen, false, said)
        };
        assert!(see(b"/bin/gzip") && !see(b"/bin/sh") && !see(b"/bin/sh"));
        assert_eq!(self_.kept_out(Class::Program), 2);
        assert_eq!(self_.items().len(), 1);
        // What the officer accepted meanwhile is of the self.
        self_.accept(Class::Program, Domain::User, b"/s -> /bin/sh");
        let seen = Sighting::named(Class::Program, false, b"/s -> /bin/sh");
        assert!(self_.teach(&seen, false, Expectation::None));
        assert_eq!(self_.kept_out(Class::Program), 2);
        let peer = Sighting::named(Class::Peer, false, b"unix /x");
        assert!(self_.teach(&peer, false, Expectation::Follows));
        assert!(!peer.is_known(&self_));
        self_.reset();
        assert_eq!(self_.kept_out(Class::Program), 0);
    }
}
