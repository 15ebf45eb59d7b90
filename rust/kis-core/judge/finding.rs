// SPDX-License-Identifier: GPL-2.0

//! What a detector saw, before anybody has decided about it.
//!
//! Floor 0, pure. A finding says what happened and where; what depends on the cell (its mode, its
//! phase, its danger) is in [`Context`](super::verdict::Context).

use super::ban;
use crate::sense::window::Level;
use crate::wire::abi::{
    Op,
    AF_INET,
    AF_INET6, //
};

/// Where the object of an operation lies for a cell.
///
/// # Examples
///
/// ```
/// use kis_core::judge::finding::Place;
///
/// // The gravest of several places is their maximum.
/// assert_eq!(Place::Inside.max(Place::Outside), Place::Outside);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nobody has an opinion about it: there are no prefixes, and the cell learns.
    Nowhere,
    /// Within the officer's prefixes, or known to the repertoire.
    Inside,
    /// The cell learns, and it is nothing that the officer expects.
    Unexpected,
    /// New to the repertoire, in a class in which that happens.
    Odd,
    /// New to the repertoire, in a class in which that is a surprise.
    Unknown,
    /// Not below any of the officer's prefixes, or without a name.
    Outside,
}

/// Who is at the other end of a connection, as far as a ban goes.
///
/// # Examples
///
/// ```
/// use kis_core::judge::ban::v4;
/// use kis_core::judge::finding::Peer;
/// use kis_core::wire::abi::{AF_INET, AF_UNIX};
///
/// let (here, there) = (v4([10, 0, 0, 1]), v4([192, 0, 2, 7]));
/// assert_eq!(Peer::of(AF_INET, &here, &there), Peer::Stranger);
/// assert_eq!(Peer::of(AF_INET, &here, &here), Peer::Own);
/// assert_eq!(Peer::of(AF_UNIX, &here, &there), Peer::Nobody);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Somebody with an address of their own.
    Stranger,
    /// The host itself: a ban would cut its services off from each other.
    Own,
    /// It has no address that could be banned.
    Nobody,
}

impl Peer {
    /// From the family and the addresses (IPv4 mapped) of a connection.
    pub fn of(family: u8, local: &[u8; 16], peer: &[u8; 16]) -> Self {
        if !matches!(family, AF_INET | AF_INET6) {
            return Self::Nobody;
        }
        if peer == local || ban::is_own(peer) {
            return Self::Own;
        }
        Self::Stranger
    }
}

/// What a detector saw.
///
/// # Examples
///
/// ```
/// use kis_core::judge::finding::{Finding, Place};
/// use kis_core::wire::abi::Op;
///
/// let exec = Finding::Operation { op: Op::Exec, place: Place::Outside };
/// assert_eq!(exec.op(), Op::Exec);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A process of the cell is about to do something, there.
    Operation {
        /// What.
        op: Op,
        /// Where its object lies.
        place: Place,
    },
    /// A parameter is above one of its lines.
    Crossing(Level),
    /// A signature matched in what the cell receives.
    Match {
        /// 1 or 2; anything else is taken for 2.
        kind: u8,
        /// How long the signature wants the peer banned, seconds; 0 leaves it to the cell.
        ban_s: u32,
        /// Who sent it.
        peer: Peer,
    },
    /// Bytes for the cell cannot be looked at.
    Unseen,
    /// More signatures have begun to match on one stream than can be followed.
    Unfollowed,
    /// A process of the cell tries to command KIS.
    Insider,
}

impl Finding {
    /// The operation that it is about; [`Op::None`] for none.
    pub const fn op(&self) -> Op {
        match self {
            Self::Operation { op, .. } => *op,
            Self::Match { .. } | Self::Unseen | Self::Unfollowed => Op::Receive,
            Self::Crossing(_) | Self::Insider => Op::None,
        }
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_finding))]
mod tests {
    use super::*;
    use crate::wire::abi::AF_UNIX;

    #[test]
    fn peers_that_are_the_host_are_told_apart() {
        let here = ban::v4([10, 77, 0, 2]);
        let there = ban::v4([10, 77, 0, 1]);
        let mut loopback6 = [0u8; 16];
        loopback6[15] = 1;
        for (family, peer, want) in [
            (AF_INET, there, Peer::Stranger),
            (AF_INET, here, Peer::Own),
            (AF_INET, ban::v4([127, 9, 9, 9]), Peer::Own),
            (AF_INET, ban::v4([0, 0, 0, 0]), Peer::Own),
            (AF_INET6, loopback6, Peer::Own),
            (AF_INET6, [0; 16], Peer::Own),
            (AF_INET6, [0xfd; 16], Peer::Stranger),
            (AF_UNIX, there, Peer::Nobody),
            (0, there, Peer::Nobody),
        ] {
            assert_eq!(Peer::of(family, &here, &peer), want);
        }
    }

    #[test]
    fn places_are_ordered_by_how_grave_they_are() {
        assert!(Place::Nowhere < Place::Inside);
        assert!(Place::Inside < Place::Unexpected && Place::Unexpected < Place::Odd);
        assert!(Place::Odd < Place::Unknown);
        assert!(Place::Unknown < Place::Outside);
    }
}
