// SPDX-License-Identifier: GPL-2.0

//! How often signatures with a threshold have matched, in memory that does not grow.
//!
//! Who is counted (a signature with a peer, an address, both or neither) is known by a keyed hash. It has a place in one of
//! 512 buckets of eight. Who is new takes one that is empty or whose window is over, else the one whose window ends
//! first: what was counted there is lost, and that is counted. Who wants to be forgotten so needs some 4,096 others that
//! signatures match for, and a few hundred where those of others last longer; the hash is keyed by chance, so nobody can choose
//! his bucket. What is told so often (`limit`) has buckets of its own: of a day it takes no room from what counts in a minute.
//!
//! Any number of processors count at once, and none waits: a place is its owner and its window, and a window is changed
//! only as long as both are what they were. Two that meet somebody new at the same moment may give him a place
//! each; the one behind is not looked at again. Floor 0; context: any but NMI.

use super::{
    Due,
    Kind,
    Threshold,
    Track,
    Window, //
};
use crate::sense::key::Key;
use core::ops::Deref;
use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// Buckets of what counts, and as many of what is told.
const BUCKETS: usize = 512;

/// Places in a bucket.
const PLACES: usize = 8;

/// Words of a place: its owner's hash, and his window.
const PLACE: usize = 2;

/// Words of a bucket.
const BUCKET: usize = PLACES * PLACE;

/// Words of memory: the buckets, and how many were lost.
pub const WORDS: usize = 2 * BUCKETS * BUCKET + 1;

/// No hash: whose place is being given to somebody else.
const BUSY: u64 = 1;

/// How often a place is tried again that others change meanwhile.
const TRIES: usize = 16;

/// The counts.
///
/// `S` is the memory for its [`WORDS`], zeros for none; one with fewer counts nothing, and takes each match for the
/// first.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::AtomicU64;
/// use kis_core::matching::threshold::counts::{Counts, About, WORDS};
/// use kis_core::matching::threshold::{Due, Kind, Threshold, Track};
/// use kis_core::sense::key::Key;
///
/// let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
/// let counts = Counts::new(Key::new([1, 2]), words);
/// let twice = Threshold { kind: Kind::Threshold, track: Track::Source, count: 2, seconds: 60 };
/// let of = |n| About { signature: 7, source: [n; 16], destination: [9; 16] };
/// let due = [1, 2, 1].map(|n| counts.take(&twice, &of(n), 1000));
/// assert_eq!(due, [Due::Not, Due::Not, Due::Told]);
/// ```
#[derive(Debug)]
pub struct Counts<S> {
    key: Key,
    words: S,
}

/// What a match is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Number of the signature.
    pub signature: u32,
    /// Who has sent it: an address (IPv4 mapped), or the [network](crate::sense::peers::network) that stands for it.
    pub source: [u8; 16],
    /// To which address of the host.
    pub destination: [u8; 16],
}

impl About {
    /// What is hashed: signature, what is counted for itself, addresses.
    fn name(&self, track: Track) -> [u8; 40] {
        let mut name = [0; 40];
        let (head, addresses) = name.split_at_mut(8);
        head.copy_from_slice(&((u64::from(self.signature) << 8) | track as u64).to_le_bytes());
        let (source, destination) = addresses.split_at_mut(16);
        if matches!(track, Track::Source | Track::Both) {
            source.copy_from_slice(&self.source);
        }
        if matches!(track, Track::Destination | Track::Both) {
            destination.copy_from_slice(&self.destination);
        }
        name
    }
}

impl<S: Deref<Target = [AtomicU64]>> Counts<S> {
    /// The counts in these words.
    pub const fn new(key: Key, words: S) -> Self {
        Self { key, words }
    }

    /// Takes a match and says what is due, by a clock in milliseconds that only goes forward.
    ///
    /// If others change the same place all the time it is as if nobody had been counted before.
    pub fn take(&self, threshold: &Threshold, about: &About, now_ms: u64) -> Due {
        const TAG: u64 = 2;
        // Neither empty nor busy.
        let hash = self
            .key
            .hash(TAG, &about.name(threshold.track))
            .max(BUSY + 1);
        // CAST: the upper bits, below the number of buckets.
        let at = (hash >> 48) as usize % BUCKETS;
        let first = match threshold.kind {
            Kind::Limit => BUCKETS,
            Kind::Threshold | Kind::Both | Kind::DetectionFilter => 0,
        };
        let Some(bucket) = self
            .words
            .chunks_exact(BUCKET)
            .nth(first.saturating_add(at))
        else {
            return threshold.take(&mut Window::default(), now_ms);
        };
        for _ in 0..TRIES {
            let due = match own(bucket, hash) {
                Some(window) => step(window, hash, threshold, now_ms),
                None => self.settle(bucket, hash, threshold, now_ms),
            };
            if let Some(due) = due {
                return due;
            }
        }
        threshold.take(&mut Window::default(), now_ms)
    }

    /// Gives a place to somebody new; `None` if another one was quicker.
    fn settle(
        &self,
        bucket: &[AtomicU64],
        hash: u64,
        threshold: &Threshold,
        now_ms: u64,
    ) -> Option<Due> {
        let mut best: Option<(u64, &[AtomicU64], u64, u64)> = None;
        for place in bucket.chunks_exact(PLACE) {
            let [owner, window] = place else {
                return None;
            };
            // ORDERING: pairs with the release of who has made him the owner: it is his window, or a later one.
            let owner = owner.load(Ordering::Acquire);
            let word = window.load(Ordering::Acquire);
            let end_ms = match owner {
                // It may be the same one who gets it.
                BUSY => return None,
                0 => 0,
                // Whose is over is as good as empty.
                _ => Window::of_word(word).end_ms,
            };
            if best.is_none_or(|(least, ..)| end_ms < least) {
                best = Some((end_ms, place, owner, word));
            }
        }
        let (_, place, before, word) = best?;
        let [owner, place] = place else {
            return None;
        };
        // ORDERING: acquire and release, so that who sees a window of the new one's does not see the old owner.
        owner
            .compare_exchange(before, BUSY, Ordering::AcqRel, Ordering::Relaxed)
            .ok()?;
        if place.load(Ordering::Acquire) != word {
            // He has counted meanwhile.
            owner.store(before, Ordering::Release);
            return None;
        }
        if before != 0 && !Window::of_word(word).is_over(now_ms) {
            if let Some(lost) = self.words.last() {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        }
        let mut window = Window::default();
        let due = threshold.take(&mut window, now_ms);
        place.store(window.to_word(), Ordering::Release);
        owner.store(hash, Ordering::Release);
        Some(due)
    }

    /// Windows that were open when their place was given away.
    pub fn lost(&self) -> u64 {
        let last = self.words.last();
        last.map_or(0, |lost| lost.load(Ordering::Relaxed))
    }
}

/// The place of somebody.
fn own(bucket: &[AtomicU64], hash: u64) -> Option<&[AtomicU64]> {
    let mut places = bucket.chunks_exact(PLACE);
    places.find(|place| {
        let owner = place.first();
        // ORDERING: pairs with the release that makes him the owner: his window is seen.
        owner.is_some_and(|owner| owner.load(Ordering::Acquire) == hash)
    })
}

/// Counts in his window; `None` if somebody else has changed it, or has the place by now.
fn step(place: &[AtomicU64], hash: u64, threshold: &Threshold, now_ms: u64) -> Option<Due> {
    let [owner, word] = place else {
        return None;
    };
    // ORDERING: the window, and behind it whose it is: if that is still he, it is his window.
    let before = word.load(Ordering::Acquire);
    if owner.load(Ordering::Acquire) != hash {
        return None;
    }
    let mut window = Window::of_word(before);
    let due = threshold.take(&mut window, now_ms);
    word.compare_exchange(
        before,
        window.to_word(),
        Ordering::AcqRel,
        Ordering::Relaxed,
    )
    .ok()?;
    Some(due)
}
