// SPDX-License-Identifier: GPL-2.0

//! Who scans this host: the memory, the key, and the settings in force.
//!
//! Floor 2. Packets come in softirqs, on all processors at once, and nobody waits: see
//! `kis_core::matching::scans`. Without settings nothing is looked at, which costs a packet one load.

use crate::sys::{clock, random};
use core::sync::atomic::{AtomicU64, Ordering};
use kis_core::{
    matching::scans::{self, limits::Limits, probe::Probe, Losses, Scan},
    sense::key::Key,
};

/// The memory, static as it is too large for a stack to make it on. It begins anew with the module.
static WORDS: [AtomicU64; scans::WORDS] = [const { AtomicU64::new(0) }; scans::WORDS];

/// Scanners, and who is none.
///
/// There is one engine, and so one of these.
pub(crate) struct Scans {
    known: scans::Scans<&'static [AtomicU64]>,
    /// [`Limits::to_word`]; 0 while nobody looks.
    limits: AtomicU64,
}

impl Scans {
    /// Nobody looks.
    pub(crate) fn new() -> Self {
        Self {
            known: scans::Scans::new(Key::new(random::key()), &WORDS),
            limits: AtomicU64::new(0),
        }
    }

    /// Puts settings in force.
    pub(crate) fn set(&self, limits: Option<Limits>) {
        let word = limits.map_or(0, Limits::to_word);
        self.limits.store(word, Ordering::Relaxed);
    }

    /// Whether anybody looks.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.limits.load(Ordering::Relaxed) != 0
    }

    /// An address has completed a handshake.
    pub(crate) fn shake(&self, address: &[u8; 16]) {
        self.known.shake(address, clock::monotonic_ns());
    }

    /// Takes a probe; what is to be told, if anything is, with the settings by which it is.
    pub(crate) fn probe(&self, probe: &Probe) -> Option<(Scan, Limits)> {
        let limits = Limits::from_word(self.limits.load(Ordering::Relaxed))?;
        let scan = self.known.probe(probe, clock::monotonic_ns(), &limits)?;
        Some((scan, limits))
    }

    /// What was not remembered.
    pub(crate) fn losses(&self) -> Losses {
        self.known.losses()
    }
}
