// SPDX-License-Identifier: GPL-2.0

//! What the officer expects of a cell while it learns: patterns by class, for the general names of items.

use super::{
    Cell,
    Kind, //
};
use crate::{
    document::{
        About,
        Document,
        Faults,
        Warning, //
    },
    item::{
        self,
        split_program, //
    },
    text, //
};
use kis_core::{
    sense::{
        class::{
            Class,
            ClassSet, //
        },
        sighting::{
            Look,
            Sighting,
            HELPER,
            NAME_BYTES, //
        }, //
    },
    wire::abi::{
        MAX_EXPECTED,
        PATH_LEN, //
    }, //
};
use std::collections::BTreeMap;

/// The lists by the names of their classes.
pub type Expect = BTreeMap<String, Vec<String>>;

/// Patterns, rising by class.
pub type Patterns = Vec<(Class, Vec<u8>)>;

/// What stands for a star while the general form of a pattern is made: that of a star is no star.
const STAR: u8 = 1;

/// The lists as the image has them: rising by class.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::Class;
/// use kisctl::cell_file::{expect::lists, Cell};
///
/// let cell: Cell = serde_json::from_str(
///     r#"{"name": "web", "program": "/usr/sbin/nginx", "tolerization": {"kind": "hard"},
///         "expect": {"peer": ["unix /run/php/*"], "program": []}}"#,
/// )?;
/// let (classes, patterns) = lists(&cell.expect);
/// assert!(classes.contains(Class::Program) && !classes.contains(Class::Port));
/// assert_eq!(patterns, [(Class::Peer, b"unix /run/php/*".to_vec())]);
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn lists(expect: &Expect) -> (ClassSet, Patterns) {
    let (mut classes, mut patterns) = (ClassSet::EMPTY, Patterns::new());
    for class in Class::ALL.iter().copied() {
        if let Some(list) = expect.get(class.name()) {
            classes = classes.with(class);
            let bytes = list.iter().map(|pattern| (class, bytes_of(pattern)));
            patterns.extend(bytes);
        }
    }
    (classes, patterns)
}

/// A pattern as it is meant: as `profile show --items` writes names.
fn bytes_of(pattern: &str) -> Vec<u8> {
    text::unescaped(pattern.as_bytes()).unwrap_or_else(|| pattern.as_bytes().to_vec())
}

/// What is wrong with the lists of a cell.
pub(super) fn faults(document: &Document, pointer: &str, cell: &Cell) -> Faults {
    let mut faults = Vec::new();
    if cell.expect.is_empty() {
        return faults;
    }
    if cell.tolerization.kind != Kind::Hard {
        faults.push(document.key_fault(
            pointer,
            "expect says what hard tolerization may learn, and this cell's is soft",
            "set tolerization.kind to \"hard\", or take expect away",
        ));
    }
    if !cell.files.learn {
        faults.push(document.key_fault(
            pointer,
            "expect says what the repertoire may learn, and this cell has none",
            "set files.learn to true, or take expect away",
        ));
    }
    let count: usize = cell.expect.values().map(Vec::len).sum();
    if count > MAX_EXPECTED {
        faults.push(document.key_fault(
            pointer,
            format!("expect has {count} patterns, more than {MAX_EXPECTED}"),
            "join some of them by * or /**",
        ));
    }
    for (name, list) in &cell.expect {
        let Some(class) = Class::from_name(name.as_bytes()) else {
            // The schema has told.
            continue;
        };
        for (at, pattern) in list.iter().enumerate() {
            if let Some((message, next)) = fault(class, pattern) {
                let pointer = format!("{pointer}/{name}/{at}");
                faults.push(document.fault(&pointer, message, next));
            }
        }
    }
    faults
}

/// What is wrong with a pattern, and what to do.
fn fault(class: Class, pattern: &str) -> Option<(String, &'static str)> {
    let Some(bytes) = text::unescaped(pattern.as_bytes()) else {
        return Some((
            format!("in \"{pattern}\" a backslash stands for nothing"),
            "write a backslash as \\\\ (twice that in JSON), other bytes as \\xNN",
        ));
    };
    if bytes.is_empty() || bytes.len() >= PATH_LEN || bytes.contains(&0) {
        return Some((
            "a pattern has 1 to 255 bytes and no NUL".to_owned(),
            "shorten it by *",
        ));
    }
    let is_open = bytes.contains(&b'*');
    let is_path = bytes.starts_with(b"/");
    match class {
        Class::Program if is_open || split_program(&bytes).is_some() => None,
        Class::Program if bytes.starts_with(HELPER) => None,
        Class::Program => Some((
            format!("\"{pattern}\" does not say who executes what"),
            "write it as \"/usr/sbin/cron -> /bin/sh\", or \"* -> /bin/sh\"",
        )),
        _ if !has_path(class) || is_path || bytes.starts_with(b"*") => None,
        _ => Some((
            format!("\"{pattern}\" is no absolute path"),
            "begin it with /",
        )),
    }
}

/// Whether all names of a class are paths.
fn has_path(class: Class) -> bool {
    class.is_place() || matches!(class, Class::Own | Class::Setting)
}

/// Gives the patterns of a cell the general form that names of items have, and says so.
pub(super) fn generalise(cell: &mut Cell) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (name, list) in &mut cell.expect {
        let Some(class) = Class::from_name(name.as_bytes()) else {
            continue;
        };
        for pattern in list {
            let form = text::escaped(&form(class, &bytes_of(pattern)));
            if form != *pattern {
                warnings.push(Warning {
                    about: About::Cell(cell.name.clone()),
                    text: format!(
                        "expect.{name}: names of items are general: using \"{form}\" for \"{pattern}\""
                    ),
                });
                *pattern = form;
            }
        }
    }
    warnings
}

/// The general form of a pattern.
fn form(class: Class, pattern: &[u8]) -> Vec<u8> {
    if pattern.contains(&STAR) {
        return pattern.to_vec();
    }
    let swap = |bytes: &[u8], from: u8, to: u8| -> Vec<u8> {
        let bytes = bytes.iter();
        bytes
            .map(|byte| if *byte == from { to } else { *byte })
            .collect()
    };
    let closed = swap(pattern, b'*', STAR);
    let mut room = [0; NAME_BYTES];
    let open = match class {
        Class::Program => match (split_program(&closed), closed.strip_prefix(HELPER)) {
            (Some((parent, child)), _) => {
                let seen = Sighting::of_program(parent, child, &Look::default(), &mut room);
                seen.name.to_vec()
            }
            (None, Some(dir)) => [HELPER, &item::form(dir)].concat(),
            (None, None) => closed,
        },
        Class::Peer | Class::Port => match closed.strip_prefix(UNIX) {
            Some(name) if name.starts_with(b"@") => {
                [UNIX, b"@", &item::form(name.get(1..).unwrap_or_default())].concat()
            }
            Some(name) => [UNIX, &item::form(name)].concat(),
            None => closed,
        },
        _ if has_path(class) => item::form(&closed),
        _ => closed,
    };
    swap(&open, STAR, b'*')
}

/// Before the name of a unix socket.
const UNIX: &[u8] = b"unix ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_get_the_form_of_names_once_and_keep_their_stars() {
        for (class, pattern, want) in [
            (
                Class::Program,
                "/usr/bin/python3.13 -> /bin/*",
                "/usr/bin/python#.# -> /bin/*",
            ),
            (Class::Program, "* -> /usr/bin/gzip", "* -> /usr/bin/gzip"),
            (
                Class::Program,
                "/usr/sbin/sshd -> /usr/lib/openssh/sshd-session",
                "-> /usr/lib/openssh",
            ),
            (Class::Program, "-> /usr/lib/p9", "-> /usr/lib/p#"),
            (Class::Program, "*", "*"),
            (
                Class::Peer,
                "unix /run/php/php8.2-fpm.sock",
                "unix /run/php/php#.#-fpm.sock",
            ),
            (Class::Peer, "unix @a1*", "unix @a#*"),
            (Class::Peer, "tcp 10.0.0.5:*", "tcp 10.0.0.5:*"),
            (Class::Write, "/var/log/x.1", "/var/log/x.#"),
            (Class::Write, "/var/log/*/a?.log", "/var/log/*/a?.log"),
            (Class::Secret, "/home/*/.netrc", "/home/~/.netrc"),
            (Class::Read, "/srv/www/**", "/srv/www/**"),
            (
                Class::Setting,
                "/proc/sys/net/ipv4/*",
                "/proc/sys/net/ipv#/*",
            ),
            (Class::Identity, "system 33", "system 33"),
            (Class::Write, "/x\u{1}/*", "/x\u{1}/*"),
        ] {
            let once = form(class, pattern.as_bytes());
            assert_eq!(String::from_utf8_lossy(&once), want);
            assert_eq!(form(class, &once), once);
        }
    }

    #[test]
    fn patterns_that_can_name_nothing_are_told() {
        for (class, pattern, is_good) in [
            (Class::Program, "/bin/sh", false),
            (Class::Program, "/a -> /bin/sh", true),
            (Class::Program, "/a*", true),
            (Class::Program, "-> /usr/lib/x", true),
            (Class::Read, "srv/www", false),
            (Class::Read, "*", true),
            (Class::Setting, "vm.swappiness", false),
            (Class::Own, "x", false),
            (Class::Peer, "tcp 10.0.0.5:80", true),
            (Class::Capability, "kill", true),
            (Class::Read, "/a\\", false),
            (Class::Read, "/a\\xff", true),
            (Class::Peer, "", false),
        ] {
            assert_eq!(fault(class, pattern).is_none(), is_good, "{pattern}");
        }
        let long = format!("/{}", "a".repeat(255));
        assert!(fault(Class::Read, &long).is_some() && fault(Class::Read, &long[1..]).is_some());
        assert!(fault(Class::Peer, &long[1..]).is_none());
    }
}
