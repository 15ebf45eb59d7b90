// SPDX-License-Identifier: GPL-2.0

//! What many endpoints have in common: the names under which they become one item.
//!
//! A server that takes any free port for each transfer (FTP's passive mode, RFC 959) is bound to another
//! one each time, and one that talks to the whole Internet has another peer each time. Such names never
//! come to an end, so the class would grow for ever. When [`MANY`] ports of one address came up they are
//! `tcp 0.0.0.0:unprivileged`, those from 1024 on; when [`MANY`] addresses came up with one port they are
//! `tcp public:443`, those that are routed in the Internet (RFC 6890): never a neighbour in the same
//! network, never the host itself, never the metadata of a cloud (169.254.169.254). Where both differ
//! each time they are `tcp public:unprivileged`.
//!
//! Floor 0, pure; no allocation. Context: any.

use super::class::Class;
use core::ops::Deref;

/// So many become one item.
pub const MANY: usize = 16;

/// The port of all that are not for root alone.
const UNPRIVILEGED: &[u8] = b"unprivileged";

/// The first of them.
const FIRST_UNPRIVILEGED: u32 = 1024;

/// The address of all that are routed in the Internet.
const PUBLIC: &[u8] = b"public";

/// Bytes of the longest such name: an IPv6 address with its longest port.
const ROOM: usize = 72;

/// A name that stands for many.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::Class;
/// use kis_core::sense::crowd::Crowd;
///
/// let of = |class, name: &[u8]| Crowd::of(class, name).map(|crowd| crowd.map(|c| c.to_vec()));
/// assert_eq!(
///     of(Class::Port, b"tcp 0.0.0.0:21183"),
///     [Some(b"tcp 0.0.0.0:unprivileged".to_vec()), None, None]
/// );
/// assert_eq!(
///     of(Class::Peer, b"tcp 192.0.2.1:443"),
///     [None, Some(b"tcp public:443".to_vec()), None]
/// );
/// assert_eq!(of(Class::Peer, b"tcp 10.0.0.1:443"), [None, None, None]);
/// assert_eq!(of(Class::Peer, b"unix /run/php.sock"), [None, None, None]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowd {
    bytes: [u8; ROOM],
    len: usize,
}

impl Deref for Crowd {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Crowd {
    /// The crowds that an item is one of: by its port, by its address, by both.
    pub fn of(class: Class, name: &[u8]) -> [Option<Self>; 3] {
        let mut all = [None; 3];
        for (to, kind) in all.iter_mut().zip(Kind::ALL) {
            *to = Self::by(kind, class, name);
        }
        all
    }

    /// The first crowd of an item that this finds something of. With one name at a time on the stack.
    #[inline(never)]
    pub fn find<T>(
        class: Class,
        name: &[u8],
        mut found: impl FnMut(&[u8]) -> Option<T>,
    ) -> Option<T> {
        if !class.is_endpoint() {
            return None;
        }
        let mut kinds = Kind::ALL.into_iter();
        kinds.find_map(|kind| found(&Self::by(kind, class, name)?))
    }

    /// The crowd of a kind that an item is one of.
    fn by(kind: Kind, class: Class, name: &[u8]) -> Option<Self> {
        let end = End::of(class, name)?;
        let port = || {
            let port = number(end.port, 10).filter(|port| *port >= FIRST_UNPRIVILEGED);
            port.map(|_| UNPRIVILEGED)
        };
        let address = || (class == Class::Peer && is_public(end.address)).then_some(PUBLIC);
        let (address, port) = match kind {
            Kind::Port => (end.address, port()?),
            Kind::Address => (address()?, end.port),
            Kind::Both => (address()?, port()?),
        };
        Self::new(end.protocol, address, port)
    }

    /// Whether a crowd's name stands for an item.
    pub fn covers(crowd: &[u8], class: Class, name: &[u8]) -> bool {
        Self::find(class, name, |own| (own == crowd).then_some(())).is_some()
    }

    fn new(protocol: &[u8], address: &[u8], port: &[u8]) -> Option<Self> {
        let (mut bytes, mut len) = ([0; ROOM], 0usize);
        for part in [protocol, b" ", address, b":", port] {
            let end = len.saturating_add(part.len());
            bytes.get_mut(len..end)?.copy_from_slice(part);
            len = end;
        }
        Some(Self { bytes, len })
    }
}

/// What those of a crowd differ in.
#[derive(Clone, Copy)]
enum Kind {
    Port,
    Address,
    Both,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Port, Self::Address, Self::Both];
}

/// The parts of the name of an endpoint that has an address.
struct End<'a> {
    protocol: &'a [u8],
    address: &'a [u8],
    port: &'a [u8],
}

impl<'a> End<'a> {
    fn of(class: Class, name: &'a [u8]) -> Option<Self> {
        if !class.is_endpoint() {
            return None;
        }
        let blank = name.iter().position(|b| *b == b' ')?;
        let colon = name.iter().rposition(|b| *b == b':')?;
        let protocol = name.get(..blank)?;
        let address = name.get(blank.saturating_add(1)..colon)?;
        let port = name.get(colon.saturating_add(1)..)?;
        // A path may have a colon, too.
        let is_address = parts(address).is_some() || group(address).is_some();
        is_address.then_some(Self {
            protocol,
            address,
            port,
        })
    }
}

/// The number that digits are.
fn number(digits: &[u8], base: u32) -> Option<u32> {
    if digits.is_empty() || digits.len() > 5 {
        return None;
    }
    digits.iter().try_fold(0u32, |sum, digit| {
        let digit = char::from(*digit).to_digit(base)?;
        Some(sum.saturating_mul(base).saturating_add(digit))
    })
}

/// The four numbers of an IPv4 address.
fn parts(address: &[u8]) -> Option<[u32; 4]> {
    let mut all = [0; 4];
    let mut parts = address.split(|b| *b == b'.');
    for to in &mut all {
        *to = parts.next().and_then(|part| number(part, 10))?;
    }
    parts.next().is_none().then_some(all)
}

/// The first group of an IPv6 address in brackets.
fn group(address: &[u8]) -> Option<u32> {
    let inner = address.strip_prefix(b"[")?.strip_suffix(b"]")?;
    inner
        .split(|b| *b == b':')
        .next()
        .and_then(|first| number(first, 16))
}

/// Whether an address is one of the Internet: for IPv6 the block from which all such are given out
/// (2000::/3, RFC 4291).
fn is_public(address: &[u8]) -> bool {
    match (parts(address), group(address)) {
        (Some([first, second, ..]), _) => !matches!(
            (first, second),
            (0 | 10 | 127 | 224.., _) | (100, 64..=127) | (169, 254) | (172, 16..=31) | (192, 168)
        ),
        (_, Some(first)) => (0x2000..0x4000).contains(&first),
        _ => false,
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_crowd))]
mod tests {
    use super::*;

    fn is(class: Class, name: &[u8], want: [&[u8]; 3]) -> bool {
        let crowds = Crowd::of(class, name);
        let mut pairs = crowds.iter().zip(want);
        pairs.all(|(crowd, want)| match crowd {
            Some(crowd) => **crowd == *want && Crowd::covers(crowd, class, name),
            None => want.is_empty(),
        })
    }

    #[test]
    fn crowds_of_ports_are_those_of_everybody() {
        for (name, want) in [
            (&b"tcp 0.0.0.0:1024"[..], &b"tcp 0.0.0.0:unprivileged"[..]),
            (
                b"udp [fe80:0:0:0:0:0:0:1]:32767",
                b"udp [fe80:0:0:0:0:0:0:1]:unprivileged",
            ),
            (b"tcp 0.0.0.0:1023", b""),
            (b"tcp 0.0.0.0:ephemeral", b""),
            (b"unix /run/x:2000", b""),
            (b"unix 1.2.3:2000", b""),
            (b"tcp", b""),
            (b"", b""),
            (b" :", b""),
        ] {
            assert!(is(Class::Port, name, [want, b"", b""]));
        }
        assert!(is(Class::Operation, b"tcp 0.0.0.0:2000", [b"", b"", b""]));
    }

    #[test]
    fn crowds_of_peers_are_far_away() {
        for (name, want) in [
            (&b"tcp 203.0.113.9:25"[..], &b"tcp public:25"[..]),
            (b"udp [2001:db8:0:0:0:0:0:5]:53", b"udp public:53"),
            (b"tcp 9.9.9.9:ephemeral", b"tcp public:ephemeral"),
            (b"tcp 10.0.0.1:25", b""),
            (b"tcp 127.0.0.1:25", b""),
            (b"tcp 169.254.169.254:80", b""),
            (b"tcp 172.31.0.1:80", b""),
            (b"tcp 192.168.1.1:80", b""),
            (b"tcp 100.100.0.1:80", b""),
            (b"tcp 224.0.0.1:80", b""),
            (b"tcp [fd00:0:0:0:0:0:0:1]:80", b""),
            (b"tcp [0:0:0:0:0:0:0:1]:80", b""),
        ] {
            assert!(is(Class::Peer, name, [b"", want, b""]));
        }
        assert!(is(
            Class::Peer,
            b"tcp 172.32.0.1:8080",
            [
                b"tcp 172.32.0.1:unprivileged",
                b"tcp public:8080",
                b"tcp public:unprivileged"
            ]
        ));
        assert!(is(Class::Port, b"tcp 203.0.113.9:25", [b"", b"", b""]));
    }

    #[test]
    fn crowd_of_a_name_that_is_too_long_is_none() {
        let mut name = [b'1'; 90];
        name[..8].copy_from_slice(b"tcp [2::");
        name[80..].copy_from_slice(b"1]:2000000");
        assert!(is(Class::Peer, &name, [b"", b"", b""]));
    }
}
