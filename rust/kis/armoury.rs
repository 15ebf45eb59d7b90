// SPDX-License-Identifier: GPL-2.0

//! The signatures in force. Floor 2.

use crate::{image::Image, sys::hooks};
use core::sync::atomic::{AtomicU64, Ordering};
use kernel::prelude::*;
use kis_core::matching::signatures::Signatures;

/// The signatures in force.
pub(crate) struct Armoury {
    /// Never 0; streams carry it, as a state means nothing to other signatures.
    pub(crate) generation: u32,
    /// The signatures and their table.
    pub(crate) signatures: Signatures<Image>,
    hits: KVVec<AtomicU64>,
}

impl Armoury {
    /// The armoury of a verified image. May sleep.
    pub(crate) fn new(signatures: Signatures<Image>) -> Result<Self> {
        let mut hits = KVVec::with_capacity(signatures.len(), GFP_KERNEL)?;
        for _ in 0..signatures.len() {
            hits.push(AtomicU64::new(0), GFP_KERNEL)?;
        }
        Ok(Self {
            generation: hooks::new_generation(),
            signatures,
            hits,
        })
    }

    /// Counts a match of a signature.
    pub(crate) fn count_hit(&self, sig: usize) {
        if let Some(hits) = self.hits.get(sig) {
            hits.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Matches of a signature so far.
    pub(crate) fn hits(&self, sig: usize) -> u64 {
        self.hits
            .get(sig)
            .map_or(0, |hits| hits.load(Ordering::Relaxed))
    }
}
