// SPDX-License-Identifier: GPL-2.0

//! What a cell sends to whom in the open stretch, and the lines that each peer is held against.
//!
//! Floor 2. Any context but NMI; only ticks end a stretch.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use kernel::prelude::*;
use kis_core::sense::{
    detector::Numbers,
    key::Key,
    peers::{network, Line},
    sketch::{Sketch, WORDS},
    stretch::Stretch,
    traffic::{Amounts, Traffic},
};

/// The tag of peers among what is hashed with the key.
const TAG: u64 = 1;

/// What was learned of one kind, for those who take no lock. Each word is right by itself.
struct Known {
    learned: [AtomicU64; Numbers::WORDS],
    one: AtomicU64,
    others: AtomicU64,
}

impl Known {
    const fn new() -> Self {
        Self {
            learned: [const { AtomicU64::new(0) }; Numbers::WORDS],
            one: AtomicU64::new(u64::MAX),
            others: AtomicU64::new(0),
        }
    }

    fn line(&self) -> Line {
        Line {
            one: self.one.load(Ordering::Relaxed),
            others: self.others.load(Ordering::Relaxed),
        }
    }
}

/// What peers were sent.
pub(crate) struct Peers {
    sketch: Sketch<KVVec<AtomicU64>>,
    key: Key,
    kinds: KVec<Known>,
    /// Windows of the open stretch that are over.
    windows: AtomicU32,
}

/// What a peer has.
pub(crate) struct Has {
    amounts: Amounts,
    /// That of the sketch before it was counted.
    epoch: u32,
}

/// A peer above a line.
pub(crate) struct Above {
    /// What it was sent, and the greatest that would have been fine.
    pub(crate) observed: u64,
    pub(crate) threshold: u64,
    /// What the others were sent.
    pub(crate) others: u64,
    /// What is known of such peers.
    pub(crate) numbers: Numbers,
    /// Whether it was not told yet in this stretch.
    pub(crate) is_first: bool,
}

impl Peers {
    /// Nothing sent, no lines. May sleep. A frame of its own.
    #[inline(never)]
    pub(crate) fn new(key: Key) -> Result<KBox<Self>> {
        let mut words = KVVec::with_capacity(WORDS, GFP_KERNEL)?;
        for _ in 0..WORDS {
            words.push(AtomicU64::new(0), GFP_KERNEL)?;
        }
        let mut kinds = KVec::with_capacity(Traffic::COUNT, GFP_KERNEL)?;
        for _ in Traffic::ALL {
            kinds.push(Known::new(), GFP_KERNEL)?;
        }
        let peers = Self {
            sketch: Sketch::new(words),
            key,
            kinds,
            windows: AtomicU32::new(0),
        };
        Ok(KBox::new(peers, GFP_KERNEL)?)
    }

    /// Counts a message of so many bytes to a peer (IPv4 mapped); what the peer has by now, if that may
    /// be above a line.
    #[inline]
    pub(crate) fn count(&self, peer: &[u8; 16], bytes: u64) -> Option<Has> {
        let epoch = self.sketch.epoch();
        let amounts = self.sketch.add(self.hash(peer), &[bytes, 1]);
        let mut each = self.kinds.iter().zip(&amounts);
        each.any(|(kind, has)| *has > kind.one.load(Ordering::Relaxed))
            .then_some(Has { amounts, epoch })
    }

    fn hash(&self, peer: &[u8; 16]) -> u64 {
        self.key.hash(TAG, &network(peer))
    }

    /// Whether a peer that has so much is above a line.
    #[cold]
    pub(crate) fn above(&self, kind: Traffic, peer: &[u8; 16], has: &Has) -> Option<Above> {
        let known = self.kinds.get(kind.index())?;
        let observed = *has.amounts.get(kind.index())?;
        let line = known.line();
        if observed <= line.one {
            return None;
        }
        let total = *self.sketch.total().get(kind.index())?;
        let others = total.saturating_sub(observed);
        let threshold = line.at(others);
        if observed <= threshold {
            return None;
        }
        let mut words = [0; Numbers::WORDS];
        for (to, from) in words.iter_mut().zip(&known.learned) {
            *to = from.load(Ordering::Relaxed);
        }
        Some(Above {
            observed,
            threshold,
            others,
            numbers: Numbers::from_words(&words),
            is_first: self.sketch.first(kind, self.hash(peer), has.epoch),
        })
    }

    /// Sets what was learned of a kind, and its line.
    pub(crate) fn set(&self, kind: Traffic, learned: &Numbers, line: Line) {
        let Some(known) = self.kinds.get(kind.index()) else {
            return;
        };
        for (to, from) in known.learned.iter().zip(learned.to_words()) {
            to.store(from, Ordering::Relaxed);
        }
        known.others.store(line.others, Ordering::Relaxed);
        known.one.store(line.one, Ordering::Relaxed);
    }

    /// A window is over, and the stretch goes on or is broken off; of one that is whole the most that one
    /// peer was sent, and all together. Only ticks call this.
    pub(crate) fn pass(&self, goes_on: bool) -> Option<(Amounts, Amounts)> {
        let windows = self.windows.load(Ordering::Relaxed).saturating_add(1);
        let is_whole = goes_on && windows >= Stretch::Short.windows();
        let is_open = goes_on && !is_whole;
        self.windows
            .store(if is_open { windows } else { 0 }, Ordering::Relaxed);
        if is_open {
            return None;
        }
        let (most, total) = (self.sketch.most(), self.sketch.total());
        if most != [0; Traffic::COUNT] {
            self.sketch.clear();
        }
        is_whole.then_some((most, total))
    }
}
