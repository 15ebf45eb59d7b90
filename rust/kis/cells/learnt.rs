// SPDX-License-Identifier: GPL-2.0

//! What a cell has learned: its profile and its repertoire, always changed together. Floor 2.

use crate::sys::heap;
use kernel::{
    alloc::AllocError,
    new_spinlock,
    prelude::*,
    sync::{Arc, SpinLock},
};
use kis_core::{
    sense::{
        class::ClassSet,
        items::{Item, MAX_ITEMS, MAX_NAMES},
        profile::Profile,
        repertoire::Repertoire,
    },
    wire::abi::Phase,
};

/// The repertoire of a cell.
pub(crate) type Things = Repertoire<KVVec<Item>, KVVec<u8>>;

/// The same for a cell and for the one that follows it at the next load.
pub(crate) type Shared = Arc<SpinLock<Learnt>>;

/// What a cell has learned.
pub(crate) struct Learnt {
    /// What its windows were like. About 40 KiB: it is never on a stack, not even on the way.
    pub(crate) profile: KBox<Profile>,
    /// What it did.
    pub(crate) things: Things,
}

impl Learnt {
    /// Nothing. With no room for things where none are learned. May sleep.
    pub(crate) fn new(has_things: bool) -> Result<Self, AllocError> {
        let (count, bytes) = if has_things {
            (MAX_ITEMS, MAX_NAMES)
        } else {
            (0, 0)
        };
        Ok(Self {
            profile: heap::copied(&Profile::EMPTY)?,
            things: Repertoire::new(filled(Item::NONE, count)?, filled(0, bytes)?),
        })
    }

    /// For those who share it. May sleep.
    pub(crate) fn shared(self) -> Result<Shared> {
        Arc::pin_init(new_spinlock!(self, "kis::Learnt"), GFP_KERNEL)
    }

    /// Takes over the windows of another one, and nothing of what it did. Any context.
    pub(crate) fn follow_windows(&mut self, other: &Self) {
        heap::copy(&mut *self.profile, &*other.profile);
    }

    /// Forgets all.
    pub(crate) fn reset(&mut self) {
        self.profile.reset();
        self.things.reset();
    }

    /// Whether it is complete.
    pub(crate) fn is_ready(&self) -> bool {
        self.profile.phase() == Phase::Ready
    }

    /// The classes in which something new is a surprise; none while it learns.
    pub(crate) fn grave(&self) -> ClassSet {
        if self.is_ready() {
            self.things.grave()
        } else {
            ClassSet::EMPTY
        }
    }
}

/// A vector of the same value. May sleep.
fn filled<T: Copy>(value: T, count: usize) -> Result<KVVec<T>, AllocError> {
    let mut all = KVVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        all.push(value, GFP_KERNEL)?;
    }
    Ok(all)
}
