// SPDX-License-Identifier: GPL-2.0

//! From what an alert or an officer names to the item that a repertoire would have.
//!
//! An alert has the name as it was: what is general in it is found here as the kernel finds it, by
//! the same code (`kis_core::sense::sighting`).

use crate::error::{
    Error,
    Result, //
};
use kis_core::{
    paths::places::general,
    sense::{
        class::{
            Class,
            Domain, //
        },
        items::MAX_NAME,
        sighting::{
            Act,
            Look,
            Sighting,
            ARROW,
            HELPER,
            NAME_BYTES, //
        }, //
    },
    wire::{
        abi::FLAG_PATH_CUT,
        record::{
            Body,
            Record, //
        }, //
    }, //
};

/// Memory for a name.
pub type Room = [u8; NAME_BYTES];

/// What a record says is new to the self; `None` when it says nothing of that kind.
///
/// # Errors
///
/// When the record has not all of the name.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::{Class, Domain};
/// use kis_core::wire::abi::Op;
/// use kis_core::wire::record::{Head, Operation, Record};
/// use kisctl::item::of_record;
///
/// let new = Operation::new(Op::Create, 1, Some((Class::Create, Domain::User)));
/// let record = Record::new(Head { pid: 7, ..Head::ZERO }, new, b"/proc/7/x9/task");
/// let mut room = [0; 511];
/// let seen = of_record(&record, &mut room).expect("a whole name").expect("something new");
/// assert_eq!((seen.class, seen.name), (Class::Create, &b"/proc/self/x#"[..]));
/// ```
pub fn of_record<'a>(record: &Record<'_>, room: &'a mut Room) -> Result<Option<Sighting<'a>>> {
    let Body::Operation(operation) = &record.body else {
        return Ok(None);
    };
    let Some((class, domain)) = operation.new_kind() else {
        return Ok(None);
    };
    let refuse = |why: &str| {
        let id = record.head.id;
        Err(Error::failed(format!("record {id}: {why}"))
            .next("accept it by its name: kisctl profile accept CELL --class …"))
    };
    if record.head.flags & FLAG_PATH_CUT != 0 {
        return refuse("the beginning of its name is missing");
    }
    let is_root = domain == Domain::Root;
    let look = Look {
        pid: record.head.pid,
        is_root,
        ..Look::default()
    };
    let raw = record.data();
    let of_file = |act, look: Look, room: &'a mut Room| Sighting::of_file(act, raw, &look, room);
    let seen = match class {
        Class::Program => match split_program(raw) {
            Some((parent, child)) => Sighting::of_program(parent, child, &look, room),
            None => return refuse("it does not say who executed the program"),
        },
        Class::Library => of_file(Act::Library, look, room),
        Class::Read | Class::Content => {
            let look = Look {
                is_public: true,
                ..look
            };
            of_file(Act::Read, look, room)
        }
        Class::Secret => of_file(Act::Read, look, room),
        Class::Write => of_file(Act::Write, look, room),
        Class::Create => of_file(Act::Create, look, room),
        Class::Remove => of_file(Act::Remove, look, room),
        Class::Own => {
            let look = Look {
                is_own: true,
                ..look
            };
            of_file(Act::Write, look, room)
        }
        _ => {
            let raw = raw.get(..MAX_NAME).unwrap_or(raw);
            let room = room.get_mut(..raw.len()).unwrap_or_default();
            room.copy_from_slice(raw);
            Sighting::named(class, is_root, room)
        }
    };
    if seen.class != class || seen.name.is_empty() {
        return refuse("its name does not fit its class");
    }
    Ok(Some(seen))
}

/// A name that the officer gives, in its general form.
///
/// # Errors
///
/// When no item of the class can have such a name.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::Class;
/// use kisctl::item::by_officer;
///
/// let name = |class, name: &str| by_officer(class, name.as_bytes());
/// assert_eq!(name(Class::Write, "/var/log/x.1"), Ok(b"/var/log/x.#".to_vec()));
/// assert_eq!(name(Class::Peer, "tcp 10.0.0.1:80"), Ok(b"tcp 10.0.0.1:80".to_vec()));
/// assert!(name(Class::Write, "x").is_err());
/// ```
pub fn by_officer(class: Class, name: &[u8]) -> Result<Vec<u8>> {
    let refuse = |why: &str, next: &str| {
        let (class, name) = (class.name(), crate::text::escaped(name));
        Err(Error::usage(format!("{class} \"{name}\": {why}")).next(next))
    };
    if name.is_empty() || name.len() > MAX_NAME {
        return refuse(
            "a name has 1 to 511 bytes",
            "write it as kisctl profile show --items does",
        );
    }
    let is_path = |name: &[u8]| name.first() == Some(&b'/');
    match class {
        Class::Program => match split_program(name) {
            Some((parent, child)) if is_path(parent) && is_path(child) => {
                let mut room = [0; NAME_BYTES];
                let seen = Sighting::of_program(parent, child, &Look::default(), &mut room);
                Ok(seen.name.to_vec())
            }
            None if name.strip_prefix(HELPER).is_some_and(is_path) => {
                let dir = name.strip_prefix(HELPER).unwrap_or_default();
                Ok([HELPER, &form(dir)].concat())
            }
            _ => refuse(
                "it does not say who executes what",
                "write it as \"/usr/sbin/cron -> /bin/sh\"",
            ),
        },
        _ if !class.is_place() && class != Class::Own => Ok(name.to_vec()),
        _ if is_path(name) => Ok(form(name)),
        _ => refuse("it is no absolute path", "begin it with /"),
    }
}

/// The general form of a path, whoever names it.
pub(crate) fn form(path: &[u8]) -> Vec<u8> {
    let mut room = [0; NAME_BYTES];
    let len = general(path, 0, &mut room);
    room.get(..len).unwrap_or_default().to_vec()
}

/// Who executes, and what.
pub(crate) fn split_program(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = name.windows(ARROW.len()).position(|part| part == ARROW)?;
    let (parent, rest) = name.split_at_checked(at)?;
    Some((parent, rest.strip_prefix(ARROW)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kis_core::wire::{
        abi::Op,
        record::{
            Head,
            Operation, //
        }, //
    };

    fn seen(class: Class, domain: Domain, flags: u16, raw: &[u8]) -> Result<Option<Vec<u8>>> {
        let head = Head {
            pid: 42,
            flags,
            ..Head::ZERO
        };
        let new = Operation::new(Op::Read, 1, Some((class, domain)));
        let mut room = [0; NAME_BYTES];
        let seen = of_record(&Record::new(head, new, raw), &mut room)?;
        Ok(seen.map(|seen| {
            assert_eq!((seen.class, seen.domain), (class, domain));
            seen.name.to_vec()
        }))
    }

    #[test]
    fn records_lead_to_the_items_that_the_kernel_would_learn() {
        for (class, raw, want) in [
            (
                Class::Program,
                "/usr/sbin/cron -> /tmp/42/x",
                "/usr/sbin/cron -> /tmp/#/x",
            ),
            (Class::Library, "/tmp/x.so", "/tmp/x.so"),
            (Class::Read, "/proc/42/status", "/proc/self"),
            (Class::Secret, "/etc/ssl/key2.pem", "/etc/ssl/key#.pem"),
            (Class::Write, "/var/log/a.log.1", "/var/log/a.log.#"),
            (
                Class::Create,
                "/var/lib/postgresql/17/x",
                "/var/lib/postgresql/#",
            ),
            (Class::Remove, "/a/b", "/a"),
            (Class::Own, "/var/lib/redis/deep/er/x", "/var/lib/redis"),
            (Class::Peer, "tcp 127.0.0.1:9000", "tcp 127.0.0.1:9000"),
            (Class::Setting, "/proc/sys/vm/x1", "/proc/sys/vm/x1"),
        ] {
            let is = seen(class, Domain::User, 0, raw.as_bytes());
            assert_eq!(is, Ok(Some(want.as_bytes().to_vec())), "{raw}");
        }
        let root = seen(Class::Write, Domain::Root, 0, b"/srv/77/\xff\n");
        assert_eq!(root, Ok(Some(b"/srv/#/\xff\n".to_vec())));
        let long = seen(Class::Peer, Domain::User, 0, &[b'x'; 2000]);
        assert_eq!(
            long.map(|name| name.map(|name| name.len())),
            Ok(Some(MAX_NAME))
        );
    }

    #[test]
    fn records_that_say_too_little_are_refused() {
        let refused = |class, domain, flags, raw: &[u8]| {
            let told = seen(class, domain, flags, raw)
                .expect_err("a refusal")
                .to_string();
            assert!(
                told.starts_with("record 0: ") && told.ends_with("…)"),
                "{told}"
            );
        };
        refused(Class::Read, Domain::User, FLAG_PATH_CUT, b"/x/y");
        refused(Class::Program, Domain::User, 0, b"/bin/sh");
        refused(Class::Create, Domain::User, 0, b"");
        refused(Class::Own, Domain::Root, 0, b"/root/x");
        let plain = Record::new(Head::ZERO, Operation::new(Op::Read, 1, None), b"/x");
        assert_eq!(of_record(&plain, &mut [0; NAME_BYTES]), Ok(None));
    }

    #[test]
    fn names_by_the_officer_get_their_general_form_once() {
        for (class, name) in [
            (Class::Create, "/var/lib/x/2024-01"),
            (Class::Program, "/usr/bin/python3.11 -> /tmp/abc123def456"),
            (Class::Own, "/home/bob"),
            (Class::Read, "/srv/**"),
        ] {
            let once = by_officer(class, name.as_bytes()).expect(name);
            assert_eq!(by_officer(class, &once), Ok(once.clone()));
        }
        let program = by_officer(Class::Program, b"/usr/bin/python3 -> /bin/sh");
        assert_eq!(program, Ok(b"/usr/bin/python# -> /bin/sh".to_vec()));
        for (class, name) in [
            (Class::Program, "/bin/sh"),
            (Class::Program, "a -> b"),
            (Class::Read, ""),
            (Class::Peer, &"x".repeat(512)),
        ] {
            let refused = by_officer(class, name.as_bytes()).map_err(|e| e.code());
            assert_eq!(refused, Err(2), "{name}");
        }
    }
}
