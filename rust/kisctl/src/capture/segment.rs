// SPDX-License-Identifier: GPL-2.0

//! A TCP segment, as far as it is looked at.

use super::ip::Ip;
use etherparse::{
    TcpOptionElement,
    TcpSlice, //
};
use std::net::IpAddr;

/// Whether a number is before another one, whichever way is shorter.
pub fn is_before(seq: u32, other: u32) -> bool {
    // CAST: the sign says so.
    (seq.wrapping_sub(other) as i32) < 0
}

/// A segment, as far as it is looked at.
///
/// # Examples
///
/// ```
/// use kisctl::capture::{ip::Ip, segment::Segment};
///
/// let mut ip = vec![0x45, 0, 0, 43, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
/// ip.extend([0x4e, 0x20, 0, 80, 0, 0, 0, 7, 0, 0, 0, 9, 0x50, 0x11, 1, 0, 0, 0, 0, 0]);
/// ip.extend(b"GET");
/// let packet = Ip::parse(&ip).expect("a packet");
/// let (source, destination, segment) = Segment::parse(&packet).expect("a segment");
/// assert_eq!((source, destination, segment.seq, segment.ack), (20000, 80, 7, Some(9)));
/// assert!(segment.is_fin && segment.bytes == b"GET" && segment.is_right == Some(false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Number of its first byte.
    pub seq: u32,
    /// Number of the next byte that its sender expects.
    pub ack: Option<u32>,
    /// Whether it opens a stream.
    pub is_syn: bool,
    /// Whether it ends one.
    pub is_fin: bool,
    /// Whether it ends both.
    pub is_rst: bool,
    /// Its own time, of the option.
    pub stamp: Option<u32>,
    /// What it carries.
    pub bytes: &'a [u8],
    /// Whether its checksum is right; nobody knows of one that is cut.
    pub is_right: Option<bool>,
}

impl<'a> Segment<'a> {
    /// What an IP packet holds, behind the ports of source and destination.
    pub fn parse(ip: &Ip<'a>) -> Option<(u16, u16, Self)> {
        let tcp = TcpSlice::from_slice(ip.payload).ok()?;
        let mut stamp = None;
        for option in tcp.options_iterator().flatten() {
            if let TcpOptionElement::Timestamp(own, _) = option {
                stamp = Some(own);
            }
        }
        let sum = match (ip.source, ip.destination) {
            _ if ip.is_cut => None,
            (IpAddr::V4(source), IpAddr::V4(destination)) => tcp
                .calc_checksum_ipv4(source.octets(), destination.octets())
                .ok(),
            (IpAddr::V6(source), IpAddr::V6(destination)) => tcp
                .calc_checksum_ipv6(source.octets(), destination.octets())
                .ok(),
            _ => None,
        };
        let segment = Self {
            seq: tcp.sequence_number(),
            ack: tcp.ack().then(|| tcp.acknowledgment_number()),
            is_syn: tcp.syn(),
            // What is behind the cut is not its end.
            is_fin: tcp.fin() && !ip.is_cut,
            is_rst: tcp.rst(),
            stamp,
            bytes: tcp.payload(),
            is_right: sum.map(|sum| sum == tcp.checksum()),
        };
        Some((tcp.source_port(), tcp.destination_port(), segment))
    }
}
