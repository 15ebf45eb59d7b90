// SPDX-License-Identifier: GPL-2.0

//! The signatures in force, and how often each has matched. Floor 2.

use crate::{
    image::Image,
    sys::{clock, hooks, random},
};
use core::sync::atomic::{AtomicU64, Ordering};
use kernel::prelude::*;
use kis_core::{
    matching::signatures::{Signature, Signatures},
    matching::threshold::{
        counts::{About, Counts, WORDS},
        Due, Kind,
    },
    sense::key::Key,
    sense::peers::network,
};

/// The signatures in force.
pub(crate) struct Armoury {
    /// Never 0; streams carry it, as a state means nothing to other signatures.
    pub(crate) generation: u32,
    /// The signatures and their table.
    pub(crate) signatures: Signatures<Image>,
    /// How often those have matched, for whom, whose threshold says what counts, and whose says what is told: what is told
    /// so often a day takes no room from what counts in a minute.
    counts: KBox<[Counts<KVVec<AtomicU64>>; 2]>,
    hits: KVVec<Hits<AtomicU64>>,
}

/// Matches of a signature.
#[derive(Clone, Copy, Default)]
pub(crate) struct Hits<N> {
    /// All.
    pub(crate) all: N,
    /// Those that did not count, as the threshold was not reached.
    pub(crate) held: N,
}

impl Armoury {
    /// The armoury of a verified image. May sleep.
    pub(crate) fn new(signatures: Signatures<Image>) -> Result<Self> {
        let mut hits = KVVec::with_capacity(signatures.len(), GFP_KERNEL)?;
        for _ in 0..signatures.len() {
            hits.push(Hits::default(), GFP_KERNEL)?;
        }
        let counts = both(&signatures)?;
        Ok(Self {
            generation: hooks::new_generation(),
            signatures,
            counts,
            hits,
        })
    }

    /// Counts a match of a signature between these addresses (IPv4 mapped); what is due for it.
    pub(crate) fn count(
        &self,
        sig: usize,
        signature: &Signature<'_>,
        source: &[u8; 16],
        destination: &[u8; 16],
    ) -> Due {
        let due = signature.threshold().map_or(Due::Told, |threshold| {
            let about = About {
                signature: signature.id(),
                source: network(source),
                destination: *destination,
            };
            let now_ms = clock::monotonic_ns() / 1_000_000;
            let [deciding, telling] = &*self.counts;
            let counts = if threshold.kind == Kind::Limit {
                telling
            } else {
                deciding
            };
            counts.take(&threshold, &about, now_ms)
        });
        if let Some(hits) = self.hits.get(sig) {
            hits.all.fetch_add(1, Ordering::Relaxed);
            if due == Due::Not {
                hits.held.fetch_add(1, Ordering::Relaxed);
            }
        }
        due
    }

    /// Counts that were lost for want of room.
    pub(crate) fn counts_lost(&self) -> u64 {
        let [deciding, telling] = &*self.counts;
        deciding.lost().wrapping_add(telling.lost())
    }

    /// Matches of a signature so far.
    pub(crate) fn hits(&self, sig: usize) -> Hits<u64> {
        self.hits.get(sig).map_or_else(Hits::default, |hits| Hits {
            all: hits.all.load(Ordering::Relaxed),
            held: hits.held.load(Ordering::Relaxed),
        })
    }
}

/// Room for both kinds. A frame of its own.
#[inline(never)]
fn both(signatures: &Signatures<Image>) -> Result<KBox<[Counts<KVVec<AtomicU64>>; 2]>> {
    let both = [counts(signatures, false)?, counts(signatures, true)?];
    Ok(KBox::new(both, GFP_KERNEL)?)
}

/// Room for the counts of those thresholds that say what is told, or of the others; none if there are none. May sleep.
#[inline(never)]
fn counts(signatures: &Signatures<Image>, is_limit: bool) -> Result<Counts<KVVec<AtomicU64>>> {
    let kinds = signatures.iter().filter_map(|s| s.threshold());
    let mut kinds = kinds.map(|threshold| threshold.kind == Kind::Limit);
    let has_some = kinds.any(|own| own == is_limit);
    let words = if has_some { WORDS } else { 0 };
    let mut all = KVVec::with_capacity(words, GFP_KERNEL)?;
    for _ in 0..words {
        all.push(AtomicU64::new(0), GFP_KERNEL)?;
    }
    Ok(Counts::new(Key::new(random::key()), all))
}
