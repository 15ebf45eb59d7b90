// SPDX-License-Identifier: GPL-2.0

//! What is sent to one peer: bytes and messages.
//!
//! Floor 0, pure.

use super::param::Param;

/// An amount of what is sent to a peer.
///
/// # Examples
///
/// ```
/// use kis_core::sense::traffic::Traffic;
///
/// assert_eq!(Traffic::Bytes.name(), "peer_bytes_out");
/// assert_eq!(Traffic::of(Traffic::Bytes.param()), Some(Traffic::Bytes));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Bytes.
    Bytes,
    /// Messages.
    Messages,
}

/// Of each kind an amount.
pub type Amounts = [u64; Traffic::COUNT];

impl Traffic {
    /// All.
    pub const ALL: [Self; 2] = [Self::Bytes, Self::Messages];

    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The parameter that it is a peer's part of.
    pub const fn param(self) -> Param {
        match self {
            Self::Bytes => Param::BytesOut,
            Self::Messages => Param::MessagesOut,
        }
    }

    /// That of a parameter, if it has one.
    pub const fn of(param: Param) -> Option<Self> {
        match param {
            Param::BytesOut => Some(Self::Bytes),
            Param::MessagesOut => Some(Self::Messages),
            _ => None,
        }
    }

    /// Name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bytes => "peer_bytes_out",
            Self::Messages => "peer_messages_out",
        }
    }

    /// Position in [`Amounts`].
    pub const fn index(self) -> usize {
        // CAST: a small number to a wider type.
        self as usize
    }
}
