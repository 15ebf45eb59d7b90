// SPDX-License-Identifier: GPL-2.0

//! The ports of the server that signatures are for.
//!
//! The section: 8 bytes for each range, u32 protocol (`IPPROTO_TCP`, `IPPROTO_UDP`, or 0 for both), u16 first and
//! last port. A signature names a row of ranges by the first one and their number, at most [`MAX_PORTS`]; rows come in
//! the order of the signatures, without gaps. One without ranges is for all that is received, unix
//! sockets among it; one with ranges is for no unix socket. Floor 0, pure; context: any.

use super::section::Part;
use crate::wire::bytes::{
    u16_at,
    u32_at,
    Writer, //
};
use crate::Result;

/// Bytes of a range.
pub(super) const RANGE: usize = 8;

/// Most ranges of a signature.
pub const MAX_PORTS: usize = 32;

/// TCP, as IP has it (RFC 9293).
pub const TCP: u8 = 6;
/// UDP (RFC 768).
pub const UDP: u8 = 17;

/// Ports of a protocol that follow each other.
///
/// # Examples
///
/// ```
/// use kis_core::matching::ports::{PortRange, TCP, UDP};
///
/// let web = PortRange { protocol: Some(TCP), first: 8000, last: 8099 };
/// assert!(web.has(TCP, 8080) && !web.has(TCP, 80) && !web.has(UDP, 8080));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// [`TCP`] or [`UDP`]; `None` for both.
    pub protocol: Option<u8>,
    /// The first port, from 1.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

impl PortRange {
    /// Whether a port of a protocol is one of these; a unix socket has protocol 0. A port that is not known is 0, and
    /// may be each: better one match more than one less.
    #[inline]
    pub fn has(&self, protocol: u8, port: u16) -> bool {
        protocol != 0
            && self.protocol.is_none_or(|own| own == protocol)
            && (port == 0 || (self.first..=self.last).contains(&port))
    }

    /// Of the bytes of a range; `None` for what is none.
    fn read(bytes: &[u8]) -> Option<Self> {
        let protocol = match u8::try_from(u32_at(bytes, 0)?).ok()? {
            0 => None,
            protocol @ (TCP | UDP) => Some(protocol),
            _ => return None,
        };
        let range = Self {
            protocol,
            first: u16_at(bytes, 4)?,
            last: u16_at(bytes, 6)?,
        };
        (range.first != 0 && range.first <= range.last).then_some(range)
    }

    /// Writes it.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.u32(self.protocol.map_or(0, u32::from));
        w.u16(self.first);
        w.u16(self.last);
    }
}

/// The ranges of a section, or of a part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranges<'a>(&'a [u8]);

impl<'a> Ranges<'a> {
    /// Those of a row.
    pub(super) fn row(section: &'a [u8], first: usize, count: usize) -> Self {
        let bytes = |n: usize| n.saturating_mul(RANGE);
        let rest = section.get(bytes(first)..).unwrap_or_default();
        Self(rest.get(..bytes(count)).unwrap_or_default())
    }

    /// Each.
    pub(super) fn iter(&self) -> impl Iterator<Item = PortRange> + 'a {
        self.0.chunks_exact(RANGE).filter_map(PortRange::read)
    }

    /// Whether they take in a port: none take in all.
    pub(super) fn take_in(&self, protocol: u8, port: u16) -> bool {
        self.0.is_empty() || self.iter().any(|range| range.has(protocol, port))
    }
}

/// Checks a section and gives the number of its ranges.
pub(super) fn verify(part: &Part<'_>) -> Result<usize> {
    let ranges = part.bytes.chunks_exact(RANGE);
    if !ranges.remainder().is_empty() {
        return Err(part.fault(0, "length of the ports"));
    }
    let count = ranges.len();
    for (i, range) in ranges.enumerate() {
        if PortRange::read(range).is_none() {
            return Err(part.fault(i.saturating_mul(RANGE), "range of ports"));
        }
    }
    Ok(count)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_ports))]
mod tests {
    use super::*;

    fn section(ranges: &[[u32; 3]], out: &mut [u8; 32]) -> usize {
        let mut w = Writer::new(out);
        for [protocol, first, last] in ranges {
            w.u32(*protocol);
            // CAST: ports of the tests.
            w.u16(*first as u16);
            w.u16(*last as u16);
        }
        w.offset()
    }

    #[test]
    fn ranges_that_are_none_are_refused() {
        for (range, is_good) in [
            ([0, 1, 65535], true),
            ([6, 80, 80], true),
            ([17, 53, 54], true),
            ([1, 80, 80], false),
            ([6 + 256, 80, 80], false),
            ([6, 0, 80], false),
            ([6, 81, 80], false),
        ] {
            let mut out = [0; 32];
            let len = section(&[[6, 1, 1], range], &mut out);
            let part = Part {
                bytes: &out[..len],
                at: 100,
            };
            assert_eq!(verify(&part).is_ok(), is_good);
        }
        let odd = Part {
            bytes: &[0; 7],
            at: 0,
        };
        assert!(verify(&odd).is_err());
    }

    #[test]
    fn a_row_takes_in_its_ranges() {
        let mut out = [0; 32];
        let len = section(&[[6, 80, 80], [0, 1000, 2000], [17, 53, 53]], &mut out);
        let section = &out[..len];
        let all = Ranges::row(section, 0, 0);
        assert!(all.take_in(TCP, 1) && all.take_in(0, 0));
        let two = Ranges::row(section, 0, 2);
        assert_eq!(two.iter().count(), 2);
        for (protocol, port, is_in) in [
            (TCP, 80, true),
            (UDP, 80, false),
            (UDP, 1000, true),
            (TCP, 2000, true),
            (TCP, 2001, false),
            (UDP, 53, false),
            (TCP, 0, true),
            (0, 0, false),
        ] {
            assert_eq!(two.take_in(protocol, port), is_in);
        }
        assert!(Ranges::row(section, 2, 1).take_in(UDP, 53));
        // None of a section: nothing is taken for all.
        assert!(Ranges::row(section, 9, 0).take_in(UDP, 53));
    }
}
