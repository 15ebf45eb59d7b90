// SPDX-License-Identifier: GPL-2.0

//! From a packet as it was captured to the IP packet in it.

/// Most VLAN tags in front of a packet.
const MAX_TAGS: usize = 4;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// What a captured packet holds.
///
/// # Examples
///
/// ```
/// use kisctl::capture::link::{inside, Inside};
///
/// let tagged = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0x81, 0, 0, 7, 8, 0, 0x45];
/// assert_eq!(inside(1, &tagged), Inside::Ip(&[0x45]));
/// assert_eq!(inside(1, &tagged[..13]), Inside::Cut);
/// assert_eq!(inside(147, &tagged), Inside::Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside<'a> {
    /// An IP packet.
    Ip(&'a [u8]),
    /// Something else.
    Other,
    /// It ends before one can tell.
    Cut,
    /// Nobody here knows this link type.
    Unknown,
}

/// Whether packets of a link type can be read.
pub fn is_known(link: u32) -> bool {
    inside(link, &[]) != Inside::Unknown
}

/// What a packet of a link type holds.
pub fn inside(link: u32, data: &[u8]) -> Inside<'_> {
    match link {
        // BSD's loopback: a family, in the order of the machine that captured.
        0 | 108 => match data.split_first_chunk() {
            Some((family, rest)) => family_of(*family, rest),
            None => Inside::Cut,
        },
        // Ethernet.
        1 => typed(data, 12, 14),
        // IP alone.
        12 | 14 | 101 | 228 | 229 => {
            if data.is_empty() {
                Inside::Cut
            } else {
                Inside::Ip(data)
            }
        }
        // Linux "cooked", that is "any" of tcpdump, both versions.
        113 => typed(data, 14, 16),
        276 => typed(data, 0, 20),
        _ => Inside::Unknown,
    }
}

/// What a family of addresses stands for: 2 is IPv4 everywhere, IPv6 is something else on each system.
fn family_of(family: [u8; 4], rest: &[u8]) -> Inside<'_> {
    let family = u32::from_le_bytes(family).min(u32::from_be_bytes(family));
    match family {
        2 | 10 | 24 | 28 | 30 => Inside::Ip(rest),
        _ => Inside::Other,
    }
}

/// What is behind a type of Ethernet at `at`, and behind tags.
fn typed(data: &[u8], at: usize, behind: usize) -> Inside<'_> {
    let kind = |data: &[u8], at: usize| -> Option<u16> {
        let bytes = data.get(at..)?.first_chunk()?;
        Some(u16::from_be_bytes(*bytes))
    };
    let (Some(mut is), Some(mut rest)) = (kind(data, at), data.get(behind..)) else {
        return Inside::Cut;
    };
    for _ in 0..=MAX_TAGS {
        match is {
            IPV4 | IPV6 => return Inside::Ip(rest),
            0x8100 | 0x88a8 | 0x9100 => {
                let (Some(next), Some(behind)) = (kind(rest, 2), rest.get(4..)) else {
                    return Inside::Cut;
                };
                (is, rest) = (next, behind);
            }
            _ => return Inside::Other,
        }
    }
    Inside::Other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_type_leads_to_the_packet() {
        let behind = |head: &[u8]| [head, &[0x45, 9]].concat();
        let mut cooked = vec![0; 16];
        cooked[14] = 8;
        let mut cooked_2 = vec![0; 20];
        cooked_2[..2].copy_from_slice(&[0x86, 0xdd]);
        let mut twice = vec![0; 12];
        twice.extend([0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0]);
        for (link, head) in [
            (101, vec![]),
            (228, vec![]),
            (0, vec![2, 0, 0, 0]),
            (0, vec![0, 0, 0, 30]),
            (108, vec![0, 0, 0, 2]),
            (113, cooked),
            (276, cooked_2),
            (1, twice),
        ] {
            let data = behind(&head);
            assert_eq!(inside(link, &data), Inside::Ip(&[0x45, 9]), "{link}");
            for len in 0..head.len() {
                assert_eq!(inside(link, &data[..len]), Inside::Cut, "{link}: {len}");
            }
            assert!(is_known(link));
        }
        let tags = [vec![0; 12], [0x81, 0, 0, 1].repeat(9)].concat();
        assert_eq!(inside(1, &tags), Inside::Other);
        assert_eq!(inside(0, &[7, 0, 0, 0, 1]), Inside::Other);
        assert!(!is_known(147) && !is_known(u32::MAX));
    }
}
