// SPDX-License-Identifier: GPL-2.0

//! What a packet has to be to count as a probe.
//!
//! Packets of a connection never come here. Of all others their first look decides: flags that do not go
//! together speak for themselves; a SYN or a datagram says something only where nobody listens. What
//! may well be a late answer to somebody who is not there any more says nothing. Floor 0, pure.

use super::header::flag;
use crate::sense::endpoint::EPHEMERAL;
use crate::sense::peers::network;
use crate::wire::abi::ScanKind;

/// The first port that not only root may answer from.
const UNPRIVILEGED: u16 = 1024;

/// What is to be thought of a packet that belongs to no connection.
///
/// # Examples
///
/// ```
/// use kis_core::matching::scans::probe::Suspicion;
/// use kis_core::wire::abi::ScanKind;
///
/// let (syn, ack, rst) = (0x02, 0x10, 0x04);
/// assert_eq!(Suspicion::of_segment(syn, 22), Suspicion::IfClosed(ScanKind::Syn));
/// assert_eq!(Suspicion::of_segment(0, 22), Suspicion::Certain(ScanKind::Null));
/// assert_eq!(Suspicion::of_segment(rst, 22), Suspicion::None);
/// // What comes to a port that was given out for one connection is what is left of one.
/// assert_eq!(Suspicion::of_segment(ack, 40_000), Suspicion::None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// It says nothing.
    None,
    /// It is a probe if nobody listens where it goes.
    IfClosed(ScanKind),
    /// It is a probe.
    Certain(ScanKind),
}

impl Suspicion {
    /// Of a TCP segment with these flags to a port.
    #[inline]
    pub const fn of_segment(flags: u8, port: u16) -> Self {
        use flag::{ACK, ALL, FIN, PSH, RST, SYN, URG};

        const SYN_FIN: u8 = SYN | FIN;
        const SYN_RST: u8 = SYN | RST;
        const XMAS: u8 = FIN | PSH | URG;
        let flags = flags & ALL;
        if flags & SYN_FIN == SYN_FIN || flags & SYN_RST == SYN_RST {
            return Self::Certain(ScanKind::Flags);
        }
        if flags & RST != 0 {
            return Self::None;
        }
        if flags & SYN != 0 {
            return match flags & ACK != 0 {
                false => Self::IfClosed(ScanKind::Syn),
                true if port < EPHEMERAL => Self::Certain(ScanKind::SynAck),
                true => Self::None,
            };
        }
        if flags & ACK != 0 {
            return match flags & FIN != 0 {
                _ if port >= EPHEMERAL => Self::None,
                true => Self::IfClosed(ScanKind::Maimon),
                false => Self::IfClosed(ScanKind::Ack),
            };
        }
        Self::Certain(match flags {
            0 => ScanKind::Null,
            FIN => ScanKind::Fin,
            XMAS => ScanKind::Xmas,
            _ => ScanKind::Flags,
        })
    }

    /// Of a UDP datagram from a port to a port.
    ///
    /// What comes from the port of a well-known service to one that is none is a late answer, and what
    /// comes to a port that was given out for one question as well; that is where traceroute knocks, too.
    #[inline]
    pub const fn of_datagram(from: u16, port: u16) -> Self {
        if port >= EPHEMERAL || (from < UNPRIVILEGED && port >= UNPRIVILEGED) {
            return Self::None;
        }
        Self::IfClosed(ScanKind::Udp)
    }
}

/// A packet that is a probe.
///
/// # Examples
///
/// ```
/// use kis_core::judge::ban::v4;
/// use kis_core::matching::scans::probe::Probe;
/// use kis_core::wire::abi::ScanKind;
///
/// let probe = Probe {
///     kind: ScanKind::Syn,
///     source: v4([192, 0, 2, 7]),
///     source_port: 50_000,
///     target: v4([198, 51, 100, 1]),
///     port: 23,
/// };
/// // A retry from another port goes to the same target.
/// let again = Probe { source_port: 50_001, ..probe };
/// assert_eq!(probe.name(), again.name());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What it scans with.
    pub kind: ScanKind,
    /// Where it says that it comes from, IPv4 mapped.
    pub source: [u8; 16],
    /// The port there.
    pub source_port: u16,
    /// The address of this host that it goes to, IPv4 mapped.
    pub target: [u8; 16],
    /// The port here.
    pub port: u16,
}

impl Probe {
    /// Who counts as one source, see [`network`].
    pub fn who(&self) -> [u8; 16] {
        network(&self.source)
    }

    /// What counts as one target: address and port, for each kind. Who is used as a zombie is asked at
    /// one port again and again, from another one each time.
    pub const fn name(&self) -> [u8; 21] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.target;
        let [q, r] = self.port.to_le_bytes();
        let [s, t] = match self.kind {
            ScanKind::SynAck => self.source_port.to_le_bytes(),
            _ => [0, 0],
        };
        // CAST: ten of them.
        let u = self.kind as u8;
        [
            a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u,
        ]
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_scan_probe))]
mod tests {
    use super::flag::*;
    use super::*;
    use crate::judge::ban;

    #[test]
    fn flags_say_what_it_is() {
        use Suspicion::{Certain, IfClosed, None};
        for (flags, low, high) in [
            (SYN, IfClosed(ScanKind::Syn), IfClosed(ScanKind::Syn)),
            (SYN | PSH, IfClosed(ScanKind::Syn), IfClosed(ScanKind::Syn)),
            (SYN | 0xc0, IfClosed(ScanKind::Syn), IfClosed(ScanKind::Syn)),
            (SYN | ACK, Certain(ScanKind::SynAck), None),
            (ACK, IfClosed(ScanKind::Ack), None),
            (ACK | PSH, IfClosed(ScanKind::Ack), None),
            (FIN | ACK, IfClosed(ScanKind::Maimon), None),
            (0, Certain(ScanKind::Null), Certain(ScanKind::Null)),
            (0xc0, Certain(ScanKind::Null), Certain(ScanKind::Null)),
            (FIN, Certain(ScanKind::Fin), Certain(ScanKind::Fin)),
            (
                FIN | PSH | URG,
                Certain(ScanKind::Xmas),
                Certain(ScanKind::Xmas),
            ),
            (URG, Certain(ScanKind::Flags), Certain(ScanKind::Flags)),
            (PSH, Certain(ScanKind::Flags), Certain(ScanKind::Flags)),
            (
                SYN | FIN,
                Certain(ScanKind::Flags),
                Certain(ScanKind::Flags),
            ),
            (
                SYN | RST,
                Certain(ScanKind::Flags),
                Certain(ScanKind::Flags),
            ),
            (ALL, Certain(ScanKind::Flags), Certain(ScanKind::Flags)),
            (RST, None, None),
            (RST | ACK, None, None),
            (RST | FIN, None, None),
        ] {
            assert_eq!(Suspicion::of_segment(flags, 80), low);
            assert_eq!(Suspicion::of_segment(flags, EPHEMERAL), high);
        }
    }

    #[test]
    fn late_answers_say_nothing() {
        use Suspicion::{IfClosed, None};
        let udp = IfClosed(ScanKind::Udp);
        for (from, port, want) in [
            (40_000, 161, udp),
            (40_000, 5060, udp),
            (53, 161, udp),
            (53, 5353, None),
            (443, 40_000, None),
            (40_000, 33_434, None),
            (1024, 1024, udp),
            (1023, 1024, None),
        ] {
            assert_eq!(Suspicion::of_datagram(from, port), want);
        }
    }

    #[test]
    fn whoever_has_a_network_is_one_source() {
        let probe = |source| Probe {
            kind: ScanKind::Udp,
            source,
            source_port: 1,
            target: ban::v4([10, 0, 0, 1]),
            port: 1,
        };
        let mut there = [0x20; 16];
        let who = probe(there).who();
        there[15] = 1;
        assert_eq!(probe(there).who(), who);
        there[7] = 1;
        assert!(probe(there).who() != who);
        let mut nat64 = [0; 16];
        [nat64[1], nat64[2], nat64[3]] = [0x64, 0xff, 0x9b];
        for whole in [ban::v4([192, 0, 2, 1]), nat64] {
            assert_eq!(probe(whole).who(), whole);
        }
    }

    #[test]
    fn a_zombie_is_asked_again_from_another_port() {
        let mut probe = Probe {
            kind: ScanKind::SynAck,
            source: ban::v4([192, 0, 2, 1]),
            source_port: 1,
            target: ban::v4([10, 0, 0, 1]),
            port: 80,
        };
        let first = probe.name();
        probe.source_port = 2;
        assert!(probe.name() != first);
        probe.kind = ScanKind::Syn;
        let first = probe.name();
        probe.source_port = 3;
        assert_eq!(probe.name(), first);
        probe.kind = ScanKind::Fin;
        assert!(probe.name() != first);
    }
}
