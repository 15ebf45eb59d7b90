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
        Due,
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
    /// How often those with a threshold have matched, for whom.
    pub(crate) counts: Counts<KVVec<AtomicU64>>,
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
        let counts = counts(&signatures)?;
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
            self.counts.take(&threshold, &about, now_ms)
        });
        if let Some(hits) = self.hits.get(sig) {
            hits.all.fetch_add(1, Ordering::Relaxed);
            if due == Due::Not {
                hits.held.fetch_add(1, Ordering::Relaxed);
            }
        }
        due
    }

    /// Matches of a signature so far.
    pub(crate) fn hits(&self, sig: usize) -> Hits<u64> {
        self.hits.get(sig).map_or_else(Hits::default, |hits| Hits {
            all: hits.all.load(Ordering::Relaxed),
            held: hits.held.load(Ordering::Relaxed),
        })
    }
}

/// Room for the counts of thresholds; none if there are none. May sleep. A frame of its own.
#[inline(never)]
fn counts(signatures: &Signatures<Image>) -> Result<Counts<KVVec<AtomicU64>>> {
    let has_some = signatures.iter().any(|s| s.threshold().is_some());
    let words = if has_some { WORDS } else { 0 };
    let mut all = KVVec::with_capacity(words, GFP_KERNEL)?;
    for _ in 0..words {
        all.push(AtomicU64::new(0), GFP_KERNEL)?;
    }
    Ok(Counts::new(Key::new(random::key()), all))
}
