// SPDX-License-Identifier: GPL-2.0

//! Names of peers and ports, as items have them.
//!
//! `tcp 127.0.0.1:9000`, `udp [2001:db8::5]:53` (always the eight groups, without zeros in front),
//! `unix /run/php.sock`, `unix @name`. A port that the kernel gives out for one connection
//! (IANA: 49152 on; Linux: 32768 on, `ip_local_port_range`) is `ephemeral`. Floor 0, pure; context:
//! any.

use crate::paths::places::general;

/// The first port that is given out for one connection.
pub const EPHEMERAL: u16 = 32768;

/// Where a socket leads, or what it is bound to.
///
/// # Examples
///
/// ```
/// use kis_core::sense::endpoint::Endpoint;
///
/// let name = |kind: &str, end: Endpoint<'_>| {
///     let mut out = [0; 160];
///     let len = end.name(kind.as_bytes(), 1, &mut out);
///     String::from_utf8_lossy(&out[..len]).into_owned()
/// };
/// assert_eq!(name("tcp", Endpoint::V4([127, 0, 0, 1], 9000)), "tcp 127.0.0.1:9000");
/// assert_eq!(name("tcp", Endpoint::V4([0, 0, 0, 0], 40001)), "tcp 0.0.0.0:ephemeral");
/// assert_eq!(name("udp", Endpoint::V6([0; 16], 53)), "udp [0:0:0:0:0:0:0:0]:53");
/// assert_eq!(name("unix", Endpoint::Path(b"/run/x/12.sock")), "unix /run/x/#.sock");
/// assert_eq!(name("unix", Endpoint::Abstract(b"a1")), "unix @a#");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// IPv4 address and port.
    V4([u8; 4], u16),
    /// IPv6 address and port.
    V6([u8; 16], u16),
    /// A unix socket with a path.
    Path(&'a [u8]),
    /// A unix socket with an abstract name.
    Abstract(&'a [u8]),
}

/// Writes text as long as there is room.
struct Text<'a> {
    out: &'a mut [u8],
    len: usize,
}

impl Text<'_> {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(place) = self.out.get_mut(self.len) {
                *place = *byte;
                self.len = self.len.saturating_add(1);
            }
        }
    }

    /// A number without zeros in front.
    fn number(&mut self, value: u16, base: u16) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0u8; 5];
        let (mut rest, mut at) = (value, digits.len());
        while at > 0 {
            at = at.saturating_sub(1);
            let digit = rest.checked_rem(base).unwrap_or(0);
            rest = rest.checked_div(base).unwrap_or(0);
            if let (Some(place), Some(sign)) = (digits.get_mut(at), DIGITS.get(usize::from(digit)))
            {
                *place = *sign;
            }
            if rest == 0 {
                break;
            }
        }
        self.push(digits.get(at..).unwrap_or_default());
    }

    fn port(&mut self, port: u16) {
        self.push(b":");
        if port == 0 || port >= EPHEMERAL {
            self.push(b"ephemeral");
        } else {
            self.number(port, 10);
        }
    }
}

impl Endpoint<'_> {
    /// Writes the name into `out` and gives its length; `kind` is in front of it. What has no room is
    /// cut off.
    pub fn name(&self, kind: &[u8], pid: u32, out: &mut [u8]) -> usize {
        let mut text = Text { out, len: 0 };
        text.push(kind);
        text.push(b" ");
        match self {
            Self::V4(address, port) => {
                for (at, byte) in address.iter().enumerate() {
                    if at > 0 {
                        text.push(b".");
                    }
                    text.number(u16::from(*byte), 10);
                }
                text.port(*port);
            }
            Self::V6(address, port) => {
                text.push(b"[");
                for (at, pair) in address.chunks_exact(2).enumerate() {
                    if at > 0 {
                        text.push(b":");
                    }
                    let group = pair
                        .first_chunk()
                        .map_or(0, |pair| u16::from_be_bytes(*pair));
                    text.number(group, 16);
                }
                text.push(b"]");
                text.port(*port);
            }
            Self::Path(name) => {
                let room = text.out.get_mut(text.len..).unwrap_or_default();
                text.len = text.len.saturating_add(general(name, pid, room));
            }
            Self::Abstract(name) => {
                text.push(b"@");
                let room = text.out.get_mut(text.len..).unwrap_or_default();
                text.len = text.len.saturating_add(general(name, pid, room));
            }
        }
        text.len
    }

    /// Whether it is a peer that the C library talks to by itself, when a name is looked up or a
    /// message is logged: everybody's.
    pub fn is_common(&self) -> bool {
        const COMMON: [&[u8]; 6] = [
            b"/dev/log",
            b"/run/systemd/journal/dev-log",
            b"/run/systemd/journal/socket",
            b"/run/systemd/journal/stdout",
            b"/run/nscd/socket",
            b"/var/run/nscd/socket",
        ];
        let Self::Path(name) = self else {
            return false;
        };
        // Nothing below it: a name may have `..` in it.
        let userdb = name.strip_prefix(b"/run/systemd/userdb/");
        COMMON.contains(name) || userdb.is_some_and(|rest| !rest.contains(&b'/'))
    }

    /// The addresses that somebody may listen on who is reached by it within the host; none for other
    /// hosts.
    pub fn listeners(&self) -> [Option<Self>; 4] {
        const ANY: [u8; 16] = [0; 16];
        let (port, is_own) = match self {
            Self::V4([first, ..], port) => (*port, *first == 127),
            Self::V6([start @ .., last], port) => {
                (*port, start.iter().all(|b| *b == 0) && *last == 1)
            }
            _ => return [None; 4],
        };
        if !is_own {
            return [None; 4];
        }
        let mut loopback = ANY;
        if let Some(last) = loopback.last_mut() {
            *last = 1;
        }
        [
            Some(Self::V4([0; 4], port)),
            Some(Self::V6(ANY, port)),
            Some(Self::V4([127, 0, 0, 1], port)),
            Some(Self::V6(loopback, port)),
        ]
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_endpoint))]
mod tests {
    use super::*;

    fn is(end: Endpoint<'_>, want: &[u8]) -> bool {
        let mut out = [0u8; 96];
        let len = end.name(b"k", 9, &mut out);
        out.get(..len) == Some(want)
    }

    #[test]
    fn names_of_endpoints() {
        assert!(is(Endpoint::V4([10, 0, 200, 255], 1), b"k 10.0.200.255:1"));
        assert!(is(Endpoint::V4([1, 2, 3, 4], 32767), b"k 1.2.3.4:32767"));
        assert!(is(
            Endpoint::V4([1, 2, 3, 4], 32768),
            b"k 1.2.3.4:ephemeral"
        ));
        assert!(is(Endpoint::V4([1, 2, 3, 4], 0), b"k 1.2.3.4:ephemeral"));
        let mut six = [0u8; 16];
        six[0] = 0x20;
        six[1] = 1;
        six[15] = 0xa;
        assert!(is(Endpoint::V6(six, 443), b"k [2001:0:0:0:0:0:0:a]:443"));
        assert!(is(Endpoint::Path(b"/proc/9/x"), b"k /proc/self/x"));
        assert!(is(Endpoint::Abstract(b""), b"k @"));
        let mut out = [0u8; 5];
        assert_eq!(Endpoint::V4([1; 4], 80).name(b"tcp", 1, &mut out), 5);
    }

    #[test]
    fn listeners_are_those_of_the_host() {
        assert!(Endpoint::V4([127, 3, 2, 1], 80)
            .listeners()
            .contains(&Some(Endpoint::V4([0; 4], 80))));
        assert_eq!(Endpoint::V4([10, 0, 0, 1], 80).listeners(), [None; 4]);
        assert_eq!(Endpoint::Path(b"/x").listeners(), [None; 4]);
        assert!(
            Endpoint::Path(b"/dev/log").is_common() && !Endpoint::Path(b"/dev/logs").is_common()
        );
    }
}
