// SPDX-License-Identifier: GPL-2.0

//! What is read in the headers of a packet before there is a socket.
//!
//! Headers come in wire order and of their whole fixed length; where they are, and that they are all there,
//! is the caller's to know. Floor 0, pure.

use crate::judge::ban;

/// TCP flags.
pub(super) mod flag {
    pub(in super::super) const FIN: u8 = 1 << 0;
    pub(in super::super) const SYN: u8 = 1 << 1;
    pub(in super::super) const RST: u8 = 1 << 2;
    pub(in super::super) const PSH: u8 = 1 << 3;
    pub(in super::super) const ACK: u8 = 1 << 4;
    pub(in super::super) const URG: u8 = 1 << 5;
    /// Without those of congestion, which any segment may have.
    pub(in super::super) const ALL: u8 = FIN | SYN | RST | PSH | ACK | URG;
}

/// Where a packet says that it comes from, and where it goes: an IPv4 (RFC 791) or IPv6 (RFC 8200) header.
///
/// # Examples
///
/// ```
/// use kis_core::judge::ban::v4;
/// use kis_core::matching::scans::header::Way;
///
/// let mut header = [0; 20];
/// header[0] = 0x45;
/// header[9] = 6;
/// header[12..16].copy_from_slice(&[192, 0, 2, 7]);
/// let way = Way::v4(&header);
/// assert_eq!(way.source, v4([192, 0, 2, 7]));
/// assert_eq!((way.protocol, way.length, way.is_fragment), (6, 20, false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where it says that it comes from, IPv4 mapped.
    pub source: [u8; 16],
    /// Where it goes, IPv4 mapped.
    pub target: [u8; 16],
    /// `IPPROTO_*` of what follows; of IPv6 that may be another header.
    pub protocol: u8,
    /// Bytes of this header, with options.
    pub length: usize,
    /// Whether it is a part of a packet. Of IPv6 a header of its own says so.
    pub is_fragment: bool,
}

impl Way {
    /// Of an IPv4 header.
    #[inline]
    pub const fn v4(header: &[u8; 20]) -> Self {
        let [first, _, _, _, _, _, high, low, _, protocol, _, _, a, b, c, d, e, f, g, h] = *header;
        Self {
            source: ban::v4([a, b, c, d]),
            target: ban::v4([e, f, g, h]),
            protocol,
            // CAST: at most 15.
            length: 4 * (first & 15) as usize,
            // More fragments follow, or this is not the first.
            is_fragment: u16::from_be_bytes([high, low]) & 0x3fff != 0,
        }
    }

    /// Of an IPv6 header.
    #[inline]
    pub fn v6(header: &[u8; 40]) -> Self {
        let mut way = Self {
            source: [0; 16],
            target: [0; 16],
            protocol: header[6],
            length: header.len(),
            is_fragment: false,
        };
        way.source.copy_from_slice(&header[8..24]);
        way.target.copy_from_slice(&header[24..]);
        way
    }
}

/// The ports of a TCP (RFC 9293) or UDP (RFC 768) header: of both the first four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// That of the sender.
    pub source: u16,
    /// That of this host.
    pub target: u16,
}

impl Ports {
    /// Of the first bytes of a header.
    #[inline]
    pub const fn new(header: [u8; 4]) -> Self {
        let [a, b, c, d] = header;
        Self {
            source: u16::from_be_bytes([a, b]),
            target: u16::from_be_bytes([c, d]),
        }
    }
}

/// A TCP header (RFC 9293), without options.
///
/// # Examples
///
/// ```
/// use kis_core::matching::scans::header::Segment;
///
/// let mut header = [0; 20];
/// header[3] = 80;
/// header[13] = 0x02;
/// let syn = Segment::new(&header);
/// assert!(syn.is_request());
/// assert_eq!((syn.ports.target, syn.flags), (80, 0x02));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Between which ports.
    pub ports: Ports,
    /// The number that it acknowledges, if it does.
    pub acknowledged: u32,
    /// Its flags: byte 13.
    pub flags: u8,
}

impl Segment {
    /// Of a header.
    #[inline]
    pub const fn new(header: &[u8; 20]) -> Self {
        let [a, b, c, d, _, _, _, _, e, f, g, h, _, flags, ..] = *header;
        Self {
            ports: Ports::new([a, b, c, d]),
            acknowledged: u32::from_be_bytes([e, f, g, h]),
            flags,
        }
    }

    /// Whether it asks for a connection, and so is of none.
    #[inline]
    pub const fn is_request(&self) -> bool {
        self.flags & (flag::SYN | flag::ACK) == flag::SYN
    }

    /// Whether it ends a handshake whose SYN/ACK had this sequence number: who sends that has got it.
    #[inline]
    pub const fn shakes(&self, number: u32) -> bool {
        self.flags & (flag::SYN | flag::RST | flag::ACK) == flag::ACK
            && self.acknowledged == number.wrapping_add(1)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_scan_header))]
mod tests {
    use super::*;

    #[test]
    fn ipv4_is_read_in_wire_order() {
        let mut header = [0; 20];
        header[0] = 0x4f;
        header[9] = 17;
        for (at, byte) in (12..).zip([192, 0, 2, 1, 198, 51, 100, 2]) {
            header[at] = byte;
        }
        let way = Way::v4(&header);
        assert_eq!(way.source, ban::v4([192, 0, 2, 1]));
        assert_eq!(way.target, ban::v4([198, 51, 100, 2]));
        assert_eq!((way.protocol, way.length), (17, 60));
        // Do not fragment; more fragments; the last one.
        for (high, low, is_fragment) in [
            (0x40, 0, false),
            (0x20, 0, true),
            (0, 1, true),
            (0x1f, 0, true),
        ] {
            (header[6], header[7]) = (high, low);
            assert_eq!(Way::v4(&header).is_fragment, is_fragment);
        }
    }

    #[test]
    fn ipv6_is_read_in_wire_order() {
        let mut header = [0; 40];
        (header[6], header[8], header[23], header[24], header[39]) = (6, 0x20, 1, 0x30, 2);
        let way = Way::v6(&header);
        assert_eq!((way.source[0], way.source[15]), (0x20, 1));
        assert_eq!((way.target[0], way.target[15]), (0x30, 2));
        assert_eq!((way.protocol, way.length), (6, 40));
    }

    #[test]
    fn whoever_has_got_the_number_shakes() {
        let mut header = [0; 20];
        (header[0], header[1], header[2], header[3]) = (0x12, 0x34, 0x56, 0x78);
        let ports = Segment::new(&header).ports;
        assert_eq!((ports.source, ports.target), (0x1234, 0x5678));
        let with = |flags, acknowledged: u32| {
            let [a, b, c, d] = acknowledged.to_be_bytes();
            let mut header = header;
            (header[8], header[9], header[10], header[11], header[13]) = (a, b, c, d, flags);
            Segment::new(&header)
        };
        assert!(with(0x10, 8).shakes(7));
        assert!(with(0x10, 0).shakes(u32::MAX));
        // With the first bytes.
        assert!(with(0x18, 8).shakes(7));
        for (flags, number) in [(0x10, 7), (0x10, 9), (0x12, 8), (0x14, 8), (0x00, 8)] {
            assert!(!with(flags, number).shakes(7));
        }
        assert!(with(0x02, 0).is_request());
        assert!(!with(0x12, 0).is_request());
    }
}
