// SPDX-License-Identifier: GPL-2.0

//! The general form of a path: what changes by nature becomes a sign.
//!
//! A server that has made `base/16384/2619` will make `base/16390/2619`, and one that has sent
//! `/tmp/sess_4k2j9x` another one. So that these are the same item:
//!
//! - the process's own directory below `/proc` is `/proc/self`, that of another one `/proc/#`;
//! - a run of digits is `#` (dates, segments, rotated logs, versions);
//! - a word of six or more letters and digits that looks as if made by chance is `#`: letters and
//!   digits, or small and capital letters, take turns in it at least twice; so is a word of eight or
//!   more hexadecimal digits with a digit among them;
//! - the records of logins are one file: who tells of those that succeed will tell of the first that fails
//!   (`utmp(5)`, `lastlog(8)`);
//! - a user's directory below `/home` is `/home/~`: who may be in whose is the file modes' business;
//! - `*` is `#`: nobody names a file so that it is taken for all that is below a directory, `dir/**`.
//!
//! The form is the form of itself, and never longer than the path, but for `self` in place of a
//! shorter number. Floor 0, pure; context: any.

use core::slice;

/// Where logins are told.
const LOGINS: [&[u8]; 3] = [b"/var/log/wtmp", b"/var/log/btmp", b"/var/log/lastlog"];

/// What a byte of a word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Digit,
    Small,
    Capital,
    Other,
}

const fn kind(byte: u8) -> Kind {
    match byte {
        b'0'..=b'9' => Kind::Digit,
        b'a'..=b'z' => Kind::Small,
        b'A'..=b'Z' => Kind::Capital,
        _ => Kind::Other,
    }
}

/// Writes bytes as long as there is room.
struct Form<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Form<'_> {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(place) = self.out.get_mut(self.len) {
                *place = *byte;
                self.len = self.len.saturating_add(1);
            }
        }
    }
}

/// Whether a word of letters and digits looks as if it was made by chance.
fn is_random(word: &[u8]) -> bool {
    if word.len() < 6 {
        return false;
    }
    let (mut turns, mut digits, mut hex) = (0u32, 0u32, true);
    let mut last = None;
    for (at, byte) in word.iter().enumerate() {
        let now = kind(*byte);
        // One capital at the beginning is how names are written.
        let begins = at == 1 && last == Some(Kind::Capital) && now == Kind::Small;
        if last.is_some_and(|last| last != now) && !begins {
            turns = turns.saturating_add(1);
        }
        last = Some(now);
        digits = digits.saturating_add(u32::from(now == Kind::Digit));
        hex &= byte.is_ascii_hexdigit();
    }
    turns >= 2 || (hex && digits > 0 && word.len() >= 8)
}

/// The general form of one component.
fn component(part: &[u8], form: &mut Form<'_>) {
    let mut rest = part;
    while let Some(first) = rest.first() {
        let is_word = kind(*first) != Kind::Other;
        let len = rest
            .iter()
            .position(|b| (kind(*b) != Kind::Other) != is_word)
            .unwrap_or(rest.len());
        let (word, tail) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        rest = tail;
        if !is_word {
            for byte in word {
                form.push(if *byte == b'*' {
                    b"#"
                } else {
                    slice::from_ref(byte)
                });
            }
        } else if is_random(word) {
            form.push(b"#");
        } else {
            digits(word, form);
        }
    }
}

/// A word whose digits become signs.
fn digits(word: &[u8], form: &mut Form<'_>) {
    let mut was_digit = false;
    for byte in word {
        let is_digit = byte.is_ascii_digit();
        if !is_digit {
            form.push(slice::from_ref(byte));
        } else if !was_digit {
            form.push(b"#");
        }
        was_digit = is_digit;
    }
}

/// Whether a component is the number `pid`.
fn is_number(part: &[u8], pid: u32) -> bool {
    let mut sum = 0u32;
    for byte in part {
        let digit = match byte {
            b'0'..=b'9' => u32::from(byte.wrapping_sub(b'0')),
            _ => return false,
        };
        sum = match sum.checked_mul(10).and_then(|sum| sum.checked_add(digit)) {
            Some(sum) => sum,
            None => return false,
        };
    }
    !part.is_empty() && sum == pid
}

/// Writes the general form of an absolute path into `out` and gives its length. `pid` is the process
/// that names it. What has no room is cut off.
///
/// # Examples
///
/// ```
/// use kis_core::paths::places::general;
///
/// let form = |path: &str| {
///     let mut out = [0; 512];
///     let len = general(path.as_bytes(), 42, &mut out);
///     String::from_utf8_lossy(&out[..len]).into_owned()
/// };
/// assert_eq!(form("/proc/42/status"), "/proc/self/status");
/// assert_eq!(form("/proc/7/status"), "/proc/#/status");
/// assert_eq!(form("/var/log/nginx/access.log.1"), "/var/log/nginx/access.log.#");
/// assert_eq!(form("/var/lib/postgresql/17/main/base/16384/2619_vm"), "/var/lib/postgresql/#/main/base/#/#_vm");
/// assert_eq!(form("/tmp/sess_4k2j9xq81"), "/tmp/sess_#");
/// assert_eq!(form("/home/Ann/.ssh/authorized_keys"), "/home/~/.ssh/authorized_keys");
/// assert_eq!(form("/etc/shadow"), "/etc/shadow");
/// ```
pub fn general(path: &[u8], pid: u32, out: &mut [u8]) -> usize {
    let mut form = Form { out, len: 0 };
    let (mut before, mut depth) = (Before::Root, 0usize);
    let path = if LOGINS.contains(&path) {
        b"/var/log/wtmp"
    } else {
        path
    };
    for part in path.split(|b| *b == b'/') {
        if depth > 0 {
            form.push(b"/");
        }
        match (before, depth) {
            (Before::Proc, 2) if is_number(part, pid) => form.push(b"self"),
            (Before::Home, 2) if !part.is_empty() => form.push(b"~"),
            _ => component(part, &mut form),
        }
        if depth == 1 {
            before = match part {
                b"proc" => Before::Proc,
                b"home" => Before::Home,
                _ => Before::Root,
            };
        }
        depth = depth.saturating_add(1);
    }
    form.len
}

/// Whether the general form of a path depends on the process that names it.
///
/// # Examples
///
/// ```
/// use kis_core::paths::places::is_personal;
///
/// assert!(is_personal(b"/proc/42/status") && !is_personal(b"/etc/passwd"));
/// ```
pub fn is_personal(path: &[u8]) -> bool {
    path.starts_with(b"/proc/")
}

/// The first component of a path, if it is a special one.
#[derive(Clone, Copy)]
enum Before {
    Root,
    Proc,
    Home,
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_places))]
mod tests {
    use super::*;

    fn becomes(path: &[u8], want: &[u8]) -> bool {
        let mut out = [0u8; 96];
        let len = general(path, 1234, &mut out);
        out.get(..len) == Some(want)
    }

    #[test]
    fn general_form_keeps_names_that_people_give() {
        for path in [
            &b"/"[..],
            b"/etc/passwd",
            b"/etc/ssh/sshd_config",
            b"/var/www/html/index.html",
            b"/usr/share/zoneinfo/Europe/Berlin",
            b"/root/.ssh/authorized_keys",
            b"/srv/README.md",
            b"/usr/lib/deadbeef/facade",
            b"(no path)",
        ] {
            assert!(becomes(path, path));
        }
    }

    #[test]
    fn general_form_replaces_what_changes_by_nature() {
        for (path, want) in [
            (&b"/proc/1234/fd"[..], &b"/proc/self/fd"[..]),
            (b"/proc/12345/fd/7", b"/proc/#/fd/#"),
            (b"/proc/self", b"/proc/self"),
            (b"/var/log/x.log.2.gz", b"/var/log/x.log.#.gz"),
            (b"/var/log/2026-11-25.log", b"/var/log/#-#-#.log"),
            (b"/tmp/tmpa8f3k2_x", b"/tmp/#_x"),
            (b"/tmp/.XyZabC", b"/tmp/.#"),
            (b"/tmp/phpK2jQ9x", b"/tmp/#"),
            (
                b"/c/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
                b"/c/#-#f#-#d#-#a#c-#",
            ),
            (b"/v/deadbeef01", b"/v/#"),
            (b"/home/bob", b"/home/~"),
            (b"/home/Bob/a", b"/home/~/a"),
            (b"/homes/bob", b"/homes/bob"),
            (b"/var/log/btmp", b"/var/log/wtmp"),
            (b"/var/log/btmp.1", b"/var/log/btmp.#"),
            (b"/home/", b"/home/"),
            (b"/v/**", b"/v/##"),
        ] {
            assert!(becomes(path, want));
        }
    }

    #[test]
    fn general_form_is_never_longer_and_cut_where_there_is_no_room() {
        let mut out = [0u8; 4];
        assert_eq!(general(b"/abcdef", 1, &mut out), 4);
        assert_eq!(&out, b"/abc");
        assert_eq!(general(b"/abcdef", 1, &mut []), 0);
        assert_eq!(general(b"", 1, &mut out), 0);
        assert!(becomes(b"/proc/4294967296", b"/proc/#"));
        assert!(becomes(b"/proc/99999999999999999999", b"/proc/#"));
    }
}
