// SPDX-License-Identifier: GPL-2.0

//! What the matcher remembers of a byte stream between two deliveries.
//!
//! It lives with the socket, in memory that is zero for a new one. Floor 0, pure; the caller
//! serialises access (the socket's delivery lock).

use super::progress::Progress;
use super::request::Request;

/// Who reads from a stream, for the records about it; all zero when that is not known.
///
/// # Examples
///
/// ```
/// use kis_core::matching::stream::{Owner, StreamState};
///
/// let owner = Owner { pid: 812, start_ns: 5_000_000_000 };
/// let accepted = StreamState { owner, ..StreamState::default() };
/// assert_ne!(accepted.owner, Owner::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// Process in the initial pid namespace.
    pub pid: u32,
    /// Its start, `CLOCK_BOOTTIME`, ns.
    pub start_ns: u64,
}

/// State of one stream.
///
/// # Examples
///
/// ```
/// use kis_core::matching::stream::StreamState;
///
/// // A stream that nothing was read of is all zero, and belongs to no signatures.
/// assert_eq!(StreamState::default().generation, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamState {
    /// Generation of the signatures that `progress` belongs to; 0 is none.
    pub generation: u32,
    /// How far the matcher has come.
    pub progress: Progress,
    /// Where its request is, if it is one of requests.
    pub request: Request,
    /// Bytes scanned so far.
    pub offset: u64,
    /// Who accepted the connection.
    pub owner: Owner,
}

// The memory that a socket costs whose bytes are looked at.
const _: () = assert!(core::mem::size_of::<StreamState>() <= 512);
