// SPDX-License-Identifier: GPL-2.0

//! Tables that hooks read without a lock.
//!
//! The LSM runs each hook inside its SRCU read section (`security/kis/kis_lsm.c`). A table that is
//! reached from a hook therefore lives until `kis_synchronize()` has returned after it was
//! unpublished: readers pay one load.

use super::bindings;
use core::{
    marker::PhantomData,
    ptr,
    sync::atomic::{AtomicPtr, Ordering},
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{lock::mutex::MutexBackend, lock::Guard, Mutex},
    types::NotThreadSafe,
};

/// Evidence that the code runs inside a hook of the KIS LSM.
///
/// # Invariants
///
/// The SRCU read section of the hook lasts longer than this value.
pub(crate) struct HookContext(NotThreadSafe);

impl HookContext {
    /// Evidence for the current hook call.
    ///
    /// # Safety
    ///
    /// The caller is a function of `struct kis_hooks` that the LSM has called and that has not
    /// returned when the value is dropped.
    pub(super) unsafe fn new() -> Self {
        // INVARIANT: by the requirement.
        Self(NotThreadSafe)
    }
}

/// A table that is replaced as a whole while hooks read it.
///
/// # Invariants
///
/// `table` is null or came from `KBox::into_raw()`. It is changed only with `writer` locked, and an
/// old table is freed only after `kis_synchronize()`.
#[pin_data(PinnedDrop)]
pub(crate) struct Published<T> {
    table: AtomicPtr<T>,
    #[pin]
    writer: Mutex<()>,
    owns: PhantomData<KBox<T>>,
}

impl<T: Send + Sync> Published<T> {
    /// Nothing published.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            table: AtomicPtr::new(ptr::null_mut()),
            writer <- new_mutex!((), "kis::Published"),
            owns: PhantomData,
        })
    }

    /// The table, for as long as the hook runs.
    pub(crate) fn get<'a>(&'a self, _hook: &'a HookContext) -> Option<&'a T> {
        // ORDERING: pairs with the release in `Locked::replace()`.
        // SAFETY: by the type invariant null or live; whoever unpublishes it waits for this hook.
        unsafe { self.table.load(Ordering::Acquire).as_ref() }
    }

    /// Keeps the table from being replaced. May sleep; not to be called from a hook.
    pub(crate) fn lock(&self) -> Locked<'_, T> {
        Locked {
            published: self,
            _guard: self.writer.lock(),
        }
    }
}

/// Access to a [`Published`] table that cannot be replaced by others meanwhile.
pub(crate) struct Locked<'a, T> {
    published: &'a Published<T>,
    _guard: Guard<'a, (), MutexBackend>,
}

impl<T: Send + Sync> Locked<'_, T> {
    /// The table.
    pub(crate) fn get(&self) -> Option<&T> {
        // SAFETY: by the type invariant null or live; only the holder of the lock, who is borrowed
        // here, can replace it.
        unsafe { self.published.table.load(Ordering::Acquire).as_ref() }
    }

    /// Publishes `new`, waits for the hooks that may still read the old table, and frees that.
    pub(crate) fn replace(&mut self, new: Option<KBox<T>>) {
        let new = new.map_or(ptr::null_mut(), KBox::into_raw);
        // ORDERING: pairs with the acquire in `get()`.
        let old = self.published.table.swap(new, Ordering::AcqRel);
        if old.is_null() {
            return;
        }
        // SAFETY: may sleep, as this function; no hook runs in this task (see `lock()`).
        unsafe { bindings::kis_helper_synchronize() };
        // SAFETY: by the type invariant `old` came from `KBox::into_raw()`; no new reader finds it
        // and the old ones are gone.
        drop(unsafe { KBox::from_raw(old) });
    }
}

#[pinned_drop]
impl<T> PinnedDrop for Published<T> {
    fn drop(self: Pin<&mut Self>) {
        let table = self.table.load(Ordering::Acquire);
        if !table.is_null() {
            // SAFETY: by the type invariant; whoever drops this has detached the hooks, so nobody
            // reads the table.
            drop(unsafe { KBox::from_raw(table) });
        }
    }
}
