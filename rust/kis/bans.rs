// SPDX-License-Identifier: GPL-2.0

//! The banned addresses.
//!
//! Floor 2. Readers, one for each packet, take no lock; writers take [`Bans::writer`]. Bans end by
//! themselves, and with the module.

use crate::sys::{clock, random};
use kernel::{new_spinlock_irq, prelude::*, sync::SpinLockIrq};
use kis_core::{
    judge::ban::{Added, Ban, BanTable},
    wire::abi::MAX_BANS,
};

/// Slots of the table; it is full at half of them.
const SLOTS: usize = MAX_BANS * 2;

/// The table, static as it is too large for a stack to make it on. Lookups take no lock.
static TABLE: BanTable<SLOTS> = BanTable::new();

/// Banned addresses.
///
/// There is one engine, and so one of these.
#[pin_data]
pub(crate) struct Bans {
    #[pin]
    writer: SpinLockIrq<()>,
}

impl Bans {
    /// Nobody is banned. The seed keeps strangers from choosing addresses that collide.
    pub(crate) fn new() -> impl PinInit<Self> {
        TABLE.reseed(random::number());
        pin_init!(Self {
            writer <- new_spinlock_irq!((), "kis::Bans"),
        })
    }

    /// Bans an address (IPv4 mapped) for a time. Any context but NMI.
    pub(crate) fn add(&self, address: [u8; 16], ttl_ns: u64) -> kis_core::Result<Added> {
        let until = clock::monotonic_ns().saturating_add(ttl_ns);
        let _guard = self.writer.lock();
        TABLE.add(address, until)
    }

    /// Ends a ban; false when there was none.
    pub(crate) fn remove(&self, address: [u8; 16]) -> bool {
        let _guard = self.writer.lock();
        TABLE.remove(address)
    }

    /// Sweeps bans that have ended.
    pub(crate) fn expire(&self, now: u64) {
        if !TABLE.is_empty() {
            let _guard = self.writer.lock();
            TABLE.expire(now, |_| {});
        }
    }

    /// Whether packets from an address are dropped: then, which packet of this ban it is, from 1.
    pub(crate) fn drops(&self, peer: &[u8; 16]) -> Option<u64> {
        if TABLE.is_empty() {
            return None;
        }
        let slot = TABLE.lookup(*peer, clock::monotonic_ns())?;
        Some(TABLE.count_drop(slot))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        TABLE.len()
    }

    /// The ban at a place in the order of the table.
    pub(crate) fn nth(&self, n: usize) -> Option<Ban> {
        TABLE.iter().nth(n)
    }
}
