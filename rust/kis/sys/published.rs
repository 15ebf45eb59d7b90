// SPDX-License-Identifier: GPL-2.0

//! Tables that hooks read without a lock.
//!
//! The LSM runs each hook inside its SRCU read section (`security/kis/kis_lsm.c`). A table that is
//! reached from a hook therefore lives until `kis_synchronize()` has returned after it was
//! unpublished: readers pay one load.

use super::bindings;
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr,
    sync::atomic::{AtomicPtr, Ordering},
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{Arc, SpinLock},
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
/// Hooks read it without a lock. Others borrow it for as long as they like ([`Published::current()`])
/// and keep nobody waiting meanwhile.
///
/// # Invariants
///
/// `table` is null or came from `Arc::into_raw()`, and owns that reference. It is changed only with
/// `swap` locked; the reference of an old table is dropped only after `kis_synchronize()`.
#[pin_data(PinnedDrop)]
pub(crate) struct Published<T> {
    table: AtomicPtr<T>,
    #[pin]
    swap: SpinLock<()>,
    owns: PhantomData<Arc<T>>,
}

impl<T: Send + Sync> Published<T> {
    /// Nothing published.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            table: AtomicPtr::new(ptr::null_mut()),
            swap <- new_spinlock!((), "kis::Published"),
            owns: PhantomData,
        })
    }

    /// The table, for as long as the hook runs.
    #[inline]
    pub(crate) fn get<'a>(&'a self, _hook: &'a HookContext) -> Option<&'a T> {
        // ORDERING: pairs with the release in `replace()`.
        // SAFETY: by the type invariant null or live; whoever unpublishes it waits for this hook.
        unsafe { self.table.load(Ordering::Acquire).as_ref() }
    }

    /// The table, for as long as the caller likes. Process context; the lock is held for a few
    /// instructions.
    pub(crate) fn current(&self) -> Option<Arc<T>> {
        let _guard = self.swap.lock();
        let table = self.table.load(Ordering::Acquire);
        if table.is_null() {
            return None;
        }
        // SAFETY: by the type invariant it came from `Arc::into_raw()`; the reference stays that of
        // the place, which the lock keeps from being changed, and is not dropped here.
        let table = ManuallyDrop::new(unsafe { Arc::from_raw(table) });
        Some(Arc::clone(&table))
    }

    /// Publishes `new` and waits for the hooks that may still read the old table. May sleep; not to
    /// be called from a hook.
    pub(crate) fn replace(&self, new: Option<Arc<T>>) {
        let new = new.map_or(ptr::null_mut(), |new| Arc::into_raw(new).cast_mut());
        let old = {
            let _guard = self.swap.lock();
            // ORDERING: pairs with the acquire in `get()`.
            self.table.swap(new, Ordering::AcqRel)
        };
        if old.is_null() {
            return;
        }
        // SAFETY: may sleep, as this function; no hook runs in this task.
        unsafe { bindings::kis_helper_synchronize() };
        // SAFETY: by the type invariant `old` came from `Arc::into_raw()`; the place has given it
        // up, no new reader finds it and the hooks that did are over.
        drop(unsafe { Arc::from_raw(old) });
    }
}

#[pinned_drop]
impl<T> PinnedDrop for Published<T> {
    fn drop(self: Pin<&mut Self>) {
        let table = self.table.load(Ordering::Acquire);
        if !table.is_null() {
            // SAFETY: by the type invariant; whoever drops this has detached the hooks, so nobody
            // reads the table.
            drop(unsafe { Arc::from_raw(table) });
        }
    }
}
