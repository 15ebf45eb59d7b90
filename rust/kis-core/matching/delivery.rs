// SPDX-License-Identifier: GPL-2.0

//! One delivery of bytes to one stream: what is scanned, and what of it is told.
//!
//! The matcher's state goes on from where the stream was. Floor 0, pure; context: any, the caller
//! serialises deliveries to one stream.

use super::progress::Progress;
use super::request::Request;
use super::signatures::{
    Hit,
    Signatures, //
};
use super::stream::StreamState;
use super::told::Told;
use core::ops::ControlFlow;

/// Bytes of what was received that a record shows.
pub const EXCERPT: usize = 160;

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
/// let sig = SigSpec { id: 7, revision: 1, kind: 2, message: b"x", cell: None, ban_s: 0,
///     ports: &[], threshold: None };
/// let mut image = vec![0; room(&[sig], &dfa)];
/// let len = encode(&[sig], &dfa, &mut image)?;
/// let signatures = Signatures::verify(&image[..len])?;
///
/// let mut stream = StreamState::default();
/// let mut delivery = Delivery::new(&mut stream, 1, signatures.start());
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

/// What a datagram is looked at with.
///
/// # Examples
///
/// ```
/// use kis_core::matching::delivery::{Datagram, Delivery};
///
/// let mut datagram = Datagram::default();
/// let mut delivery = Delivery::whole(&mut datagram, 0);
/// delivery.pass(b"PING");
/// assert_eq!(delivery.bytes(), 4);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Datagram {
    progress: Progress,
    offset: u64,
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
/// let mut stream = StreamState::default();
/// let mut delivery = Delivery::new(&mut stream, 0, 0);
/// delivery.pass(b"PING");
/// assert_eq!(delivery.bytes(), 4);
/// assert_eq!(stream.offset, 4);
/// ```
pub struct Delivery<'a> {
    progress: &'a mut Progress,
    /// Where a stream's request is; a datagram has none.
    request: Option<&'a mut Request>,
    offset: &'a mut u64,
    bytes: u64,
    told: Told,
}

impl<'a> Delivery<'a> {
    /// Begins a delivery to `stream` with the signatures of a generation, whose automaton begins
    /// in `start`. Bytes that were matched so far under other signatures mean nothing to these:
    /// then the automaton begins anew.
    pub fn new(stream: &'a mut StreamState, generation: u32, start: u32) -> Self {
        if stream.generation != generation {
            if stream.generation == 0 {
                // Nobody has looked at what came before.
                stream.progress = Progress::new(start, stream.offset == 0);
                stream.request = Request::default();
            } else {
                let is_partial = stream.request.restart();
                stream.progress.restart(start, is_partial);
            }
            stream.generation = generation;
        }
        // Counted for each delivery, so that it is told again.
        stream.progress.lost = 0;
        Self {
            progress: &mut stream.progress,
            request: Some(&mut stream.request),
            offset: &mut stream.offset,
            bytes: 0,
            told: Told::new(),
        }
    }

    /// Begins the delivery of a datagram, of which nothing was read.
    pub fn whole(datagram: &'a mut Datagram, start: u32) -> Self {
        datagram.progress = Progress::new(start, true);
        Self {
            progress: &mut datagram.progress,
            request: None,
            offset: &mut datagram.offset,
            bytes: 0,
            told: Told::new(),
        }
    }

    /// Counts bytes that nobody looks for anything in.
    pub const fn pass(&mut self, bytes: &[u8]) {
        // CAST: usize widens.
        let len = bytes.len() as u64;
        *self.offset = self.offset.saturating_add(len);
        self.bytes = self.bytes.saturating_add(len);
    }

    /// Looks at the next bytes; `hit` may end it.
    pub fn scan<B: AsRef<[u8]>>(
        &mut self,
        signatures: &Signatures<B>,
        bytes: &[u8],
        mut hit: impl FnMut(&Found<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let before = *self.offset;
        self.pass(bytes);
        let Self {
            progress,
            request,
            told,
            ..
        } = self;
        let hit = |Hit { sig, end, .. }| {
            let seen = bytes.get(..end).unwrap_or(bytes);
            let excerpt = seen
                .get(seen.len().saturating_sub(EXCERPT)..)
                .unwrap_or(seen);
            hit(&Found {
                sig,
                // CAST: usize widens.
                offset: before.saturating_add(end as u64),
                excerpt,
                is_first: told.is_first(sig),
            })
        };
        match request {
            Some(request) => signatures.scan_requests(progress, request, bytes, hit),
            None => signatures.scan(progress, bytes, hit),
        }
    }

    /// Whether in this delivery something was not followed: more began than there is room for, or a request
    /// has a shape in which a part is not whole.
    pub const fn has_lost(&self) -> bool {
        self.progress.lost() != 0
    }

    /// Bytes delivered so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}
