// SPDX-License-Identifier: GPL-2.0

//! One delivery of bytes to one stream: what is scanned, and what of it is told.
//!
//! The matcher's state goes on from where the stream was. Floor 0, pure; context: any, the caller
//! serialises deliveries to one stream.

use super::signatures::{
    Hit,
    Signatures, //
};
use super::stream::StreamState;
use core::ops::ControlFlow;

/// Bytes of what was received that a record shows.
pub const EXCERPT: usize = 160;

/// Different signatures of one delivery that are told; what matches again is only counted.
///
/// A pattern that ends in a loop matches at each byte, and nothing stops it in observe mode.
pub const TOLD: usize = 8;

/// A match in a delivery.
///
/// # Examples
///
/// ```
/// use core::ops::ControlFlow;
/// use kis_core::matching::delivery::Delivery;
/// use kis_core::matching::signatures::{encode, room, DfaSpec, SigSpec, Signatures};
/// use kis_core::matching::stream::StreamState;
///
/// // One signature that matches the byte `x`: in state 1 it has just been seen.
/// let mut classes = [0; 256];
/// classes[usize::from(b'x')] = 1;
/// let dfa = DfaSpec {
///     classes: &classes,
///     stride: 2,
///     transitions: &[0, 1, 0, 1],
///     start: 0,
///     accepts: &[&[], &[0]],
/// };
/// let sig = SigSpec { id: 7, revision: 1, kind: 2, message: b"x", cell: None, ban_s: 0 };
/// let mut image = vec![0; room(&[sig], &dfa)];
/// let len = encode(&[sig], &dfa, &mut image)?;
/// let signatures = Signatures::verify(&image[..len])?;
///
/// let mut delivery = Delivery::new(StreamState::default(), 1, signatures.start());
/// let mut seen = Vec::new();
/// let _ = delivery.scan(&signatures, b"a-x-x", |found| {
///     seen.push((found.offset, found.excerpt.to_vec(), found.is_first));
///     ControlFlow::Continue(())
/// });
/// assert_eq!(seen, [(3, b"a-x".to_vec(), true), (5, b"a-x-x".to_vec(), false)]);
/// # Ok::<(), kis_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Index of the signature.
    pub sig: usize,
    /// Bytes of the stream up to and with the last byte of the match.
    pub offset: u64,
    /// The last bytes up to there, as far as they are in one block; at most [`EXCERPT`].
    pub excerpt: &'a [u8],
    /// Whether this delivery has not told this signature yet, as far as it remembers.
    pub is_first: bool,
}

/// One delivery.
///
/// # Examples
///
/// ```
/// use kis_core::matching::delivery::Delivery;
/// use kis_core::matching::stream::StreamState;
///
/// // With no signatures in force, bytes are only counted.
/// let mut delivery = Delivery::new(StreamState::default(), 0, 0);
/// delivery.pass(b"PING");
/// assert_eq!(delivery.bytes(), 4);
/// assert_eq!(delivery.finish().offset, 4);
/// ```
pub struct Delivery {
    stream: StreamState,
    bytes: u64,
    told: [u32; TOLD],
    told_len: usize,
}

impl Delivery {
    /// Begins a delivery to `stream` with the signatures of a generation, whose automaton begins
    /// in `start`. Bytes that were matched so far under other signatures mean nothing to these:
    /// then the automaton begins anew.
    pub const fn new(mut stream: StreamState, generation: u32, start: u32) -> Self {
        if stream.generation != generation {
            stream.generation = generation;
            stream.state = start;
        }
        Self {
            stream,
            bytes: 0,
            told: [0; TOLD],
            told_len: 0,
        }
    }

    /// Counts bytes that nobody looks for anything in.
    pub const fn pass(&mut self, bytes: &[u8]) {
        // CAST: usize widens.
        let len = bytes.len() as u64;
        self.stream.offset = self.stream.offset.saturating_add(len);
        self.bytes = self.bytes.saturating_add(len);
    }

    /// Looks at the next bytes; `hit` may end it.
    pub fn scan<B: AsRef<[u8]>>(
        &mut self,
        signatures: &Signatures<B>,
        bytes: &[u8],
        mut hit: impl FnMut(&Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let before = self.stream.offset;
        self.pass(bytes);
        let mut state = signatures.state(self.stream.state);
        let flow = signatures.scan(&mut state, bytes, |Hit { sig, end, .. }| {
            let seen = bytes.get(..end).unwrap_or(bytes);
            let excerpt = seen
                .get(seen.len().saturating_sub(EXCERPT)..)
                .unwrap_or(seen);
            hit(&Found {
                sig,
                // CAST: usize widens.
                offset: before.saturating_add(end as u64),
                excerpt,
                is_first: self.is_first(sig),
            })
        });
        self.stream.state = state;
        flow
    }

    /// Whether a signature is found for the first time, as far as this remembers.
    fn is_first(&mut self, sig: usize) -> bool {
        // CAST: there are at most MAX_SIGNATURES.
        let sig = sig as u32;
        if self.told.iter().take(self.told_len).any(|t| *t == sig) {
            return false;
        }
        if let Some(place) = self.told.get_mut(self.told_len) {
            *place = sig;
            self.told_len = self.told_len.saturating_add(1);
        }
        true
    }

    /// Bytes delivered so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The stream as it is now.
    pub const fn finish(self) -> StreamState {
        self.stream
    }
}
