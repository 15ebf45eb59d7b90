// SPDX-License-Identifier: GPL-2.0

//! An IP packet: whose it is, what protocol it carries, and whether it is a part of a larger one.

use etherparse::{
    IpAuthHeaderSlice,
    Ipv4HeaderSlice,
    Ipv6FragmentHeaderSlice,
    Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice, //
};
use std::net::IpAddr;

/// Most headers between that of IPv6 and the payload.
const MAX_HEADERS: usize = 16;

/// What IPv6 calls the headers that may come in between.
mod header {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const AUTHENTICATION: u8 = 51;
    pub(super) const DESTINATION: u8 = 60;
}

/// Which part of a larger packet it is.
///
/// # Examples
///
/// ```
/// use kisctl::capture::ip::Part;
///
/// let first = Part { id: 7, offset: 0, has_more: true };
/// assert!(first.offset == 0 && first.has_more);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The number that all parts share.
    pub id: u32,
    /// Bytes before it.
    pub offset: u32,
    /// Whether others are behind it.
    pub has_more: bool,
}

/// An IP packet.
///
/// # Examples
///
/// ```
/// use kisctl::capture::ip::Ip;
///
/// let bytes = [0x45, 0, 0, 21, 0, 7, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 9, 99];
/// let ip = Ip::parse(&bytes).expect("a packet");
/// assert_eq!((ip.protocol, ip.payload, ip.is_cut), (17, &[9][..], false));
/// assert!(ip.part.is_none() && ip.source.to_string() == "10.0.0.1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip<'a> {
    /// Who sent it.
    pub source: IpAddr,
    /// Who gets it.
    pub destination: IpAddr,
    /// What its payload is.
    pub protocol: u8,
    /// Its payload, or the part of one.
    pub payload: &'a [u8],
    /// Whether the payload had more bytes.
    pub is_cut: bool,
    /// Which part.
    pub part: Option<Part>,
}

impl<'a> Ip<'a> {
    /// Reads a packet; what is behind its end is left out, that is the padding of its link.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        match bytes.first().map(|first| first >> 4) {
            Some(4) => Self::v4(bytes),
            Some(6) => Self::v6(bytes),
            _ => Err("neither IPv4 nor IPv6, and left out"),
        }
    }

    fn v4(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let damaged = "a damaged IPv4 header, and left out";
        let head = Ipv4HeaderSlice::from_slice(bytes).map_err(|_| damaged)?;
        let (own, len) = (head.slice().len(), usize::from(head.total_len()));
        // A machine that leaves it to its network card to split a packet writes no length.
        let len = if len == 0 { bytes.len() } else { len };
        let payload = bytes.get(own..len.min(bytes.len())).ok_or(damaged)?;
        let part = Part {
            id: head.identification().into(),
            offset: u32::from(head.fragments_offset().value()) * 8,
            has_more: head.more_fragments(),
        };
        Ok(Self {
            source: head.source_addr().into(),
            destination: head.destination_addr().into(),
            protocol: head.protocol().0,
            payload,
            is_cut: len > bytes.len(),
            part: (part.offset != 0 || part.has_more).then_some(part),
        })
    }

    fn v6(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let damaged = "a damaged IPv6 header, and left out";
        let head = Ipv6HeaderSlice::from_slice(bytes).map_err(|_| damaged)?;
        let own = head.slice().len();
        let len = match usize::from(head.payload_length()) {
            0 => bytes.len(),
            len => own + len,
        };
        let payload = bytes.get(own..len.min(bytes.len())).ok_or(damaged)?;
        let ip = Self {
            source: head.source_addr().into(),
            destination: head.destination_addr().into(),
            protocol: head.next_header().0,
            payload,
            is_cut: len > bytes.len(),
            part: None,
        };
        ip.unwrapped()
    }

    /// The same behind the headers of IPv6 that may be in front of a payload.
    ///
    /// # Errors
    ///
    /// When one of them is damaged, or there are too many.
    pub fn unwrapped(mut self) -> Result<Self, &'static str> {
        let damaged = "a damaged header of IPv6, and left out";
        if self.source.is_ipv4() {
            return Ok(self);
        }
        for _ in 0..MAX_HEADERS {
            let (next, len) = match self.protocol {
                header::HOP_BY_HOP | header::ROUTING | header::DESTINATION => {
                    let head = Ipv6RawExtHeaderSlice::from_slice(self.payload);
                    let head = head.map_err(|_| damaged)?;
                    (head.next_header(), head.slice().len())
                }
                header::AUTHENTICATION => {
                    let head = IpAuthHeaderSlice::from_slice(self.payload);
                    let head = head.map_err(|_| damaged)?;
                    (head.next_header(), head.slice().len())
                }
                header::FRAGMENT => {
                    let head = Ipv6FragmentHeaderSlice::from_slice(self.payload);
                    let head = head.map_err(|_| damaged)?;
                    if head.is_fragmenting_payload() {
                        self.part = Some(Part {
                            id: head.identification(),
                            offset: u32::from(head.fragment_offset().value()) * 8,
                            has_more: head.more_fragments(),
                        });
                    }
                    (head.next_header(), head.slice().len())
                }
                _ => return Ok(self),
            };
            self.protocol = next.0;
            self.payload = self.payload.get(len..).ok_or(damaged)?;
            // What is behind it belongs to the whole.
            if self.part.is_some() {
                return Ok(self);
            }
        }
        Err("too many headers of IPv6, and left out")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6(next: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 0, next, 64];
        bytes[5] = u8::try_from(rest.len()).expect("short");
        bytes.extend([0x20; 16]);
        bytes.extend([0x30; 16]);
        bytes.extend(rest);
        bytes
    }

    #[test]
    fn headers_of_ipv6_are_passed() {
        let mut rest = vec![60, 0, 0, 0, 0, 0, 0, 0];
        rest.extend([44, 0, 1, 4, 0, 0, 0, 0]);
        rest.extend([6, 0, 0, 0, 0, 0, 0, 9]);
        rest.extend(b"tcp");
        let bytes = v6(0, &rest);
        let ip = Ip::parse(&bytes).expect("a packet");
        // A single part that is the whole.
        assert_eq!((ip.protocol, ip.payload, ip.part), (6, &b"tcp"[..], None));

        // Nothing is looked at behind a part's own header.
        let mut rest = vec![60, 0, 0, 0x19, 0, 0, 0, 9];
        rest.extend([6, 99, 0, 0, 0, 0, 0, 0]);
        let bytes = v6(44, &rest);
        let ip = Ip::parse(&bytes).expect("a packet");
        let part = Part {
            id: 9,
            offset: 24,
            has_more: true,
        };
        assert_eq!(
            (ip.protocol, ip.payload.len(), ip.part),
            (60, 8, Some(part))
        );
        let endless = v6(60, &[60, 0, 0, 0, 0, 0, 0, 0].repeat(20));
        assert!(Ip::parse(&endless).is_err());
    }

    #[test]
    fn lengths_are_held_against_what_there_is() {
        let bytes = v6(17, b"12345678");
        for len in 0..bytes.len() {
            match Ip::parse(&bytes[..len]) {
                Ok(ip) => assert!(len >= 40 && ip.is_cut),
                Err(_) => assert!(len < 40),
            }
        }
        let mut v4 = vec![0x45, 0, 0, 0, 0, 0, 0x20, 2, 64, 17, 0, 0];
        v4.extend([10; 8]);
        v4.extend(b"rest");
        let ip = Ip::parse(&v4).expect("without a length");
        assert_eq!((ip.payload, ip.is_cut), (&b"rest"[..], false));
        assert_eq!(ip.part.map(|part| part.offset), Some(16));
        v4[3] = 19;
        assert!(Ip::parse(&v4).is_err());
        v4[3] = 25;
        assert!(Ip::parse(&v4).expect("cut").is_cut);
        assert!(Ip::parse(&[]).is_err() && Ip::parse(&[0x55; 60]).is_err());
    }
}
