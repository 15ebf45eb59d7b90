// SPDX-License-Identifier: GPL-2.0

//! The object that callbacks without a context pointer serve.
//!
//! The hooks of the LSM, the netlink operations and the file operations are plain functions. Each
//! of these registrations has a static [`Served`] that points to the object while the registration
//! lives.

use core::{
    ffi::c_void,
    marker::PhantomData,
    ptr,
    sync::atomic::{AtomicPtr, Ordering},
};
use kernel::{prelude::*, sync::Arc};

/// A static place for the object that a set of callbacks serves.
///
/// # Invariants
///
/// The pointer is null, or it came from the `Arc<T>` that a [`Lease`] of this place holds, where
/// `T` is the type that all callbacks of the place name.
pub(crate) struct Served(AtomicPtr<c_void>);

impl Served {
    /// A place that serves nothing yet.
    pub(crate) const fn new() -> Self {
        // INVARIANT: null.
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// Lets the callbacks serve `object` while the lease lives; `EBUSY` if they serve one already.
    pub(crate) fn lend<T: Send + Sync + 'static>(
        &'static self,
        object: Arc<T>,
    ) -> Result<Lease<T>> {
        let raw = Arc::into_raw(object);
        let old = self.0.compare_exchange(
            ptr::null_mut(),
            raw.cast_mut().cast(),
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if old.is_err() {
            // SAFETY: `raw` came from `Arc::into_raw()` just above and was not published.
            drop(unsafe { Arc::from_raw(raw) });
            return Err(EBUSY);
        }
        // INVARIANT: the lease owns the reference that `raw` stands for.
        Ok(Lease {
            place: self,
            object: PhantomData,
        })
    }

    /// The object that is served.
    ///
    /// # Safety
    ///
    /// * `T` is the type that was lent.
    /// * The caller runs inside a callback whose registration is taken back before the lease ends,
    ///   and the reference is not used after the callback has returned.
    pub(crate) unsafe fn get<'a, T>(&'static self) -> Option<&'a T> {
        let raw = self.0.load(Ordering::Acquire).cast::<T>();
        // SAFETY: null, or by the invariant a live `T`, which outlives the callback by the second
        // requirement.
        unsafe { raw.as_ref() }
    }
}

/// Keeps an object served; must outlive the registration of the callbacks.
pub(crate) struct Lease<T: 'static> {
    place: &'static Served,
    object: PhantomData<Arc<T>>,
}

// SAFETY: a lease is an `Arc<T>` in another place, of a `T` that is `Send` and `Sync`.
unsafe impl<T: Send + Sync> Send for Lease<T> {}
// SAFETY: as above; there are no methods that take `&self`.
unsafe impl<T: Send + Sync> Sync for Lease<T> {}

impl<T> Drop for Lease<T> {
    fn drop(&mut self) {
        let raw = self
            .place
            .0
            .swap(ptr::null_mut(), Ordering::AcqRel)
            .cast::<T>();
        if !raw.is_null() {
            // SAFETY: by the invariant `raw` came from `Arc::into_raw()` in `lend()`; it was taken
            // out of the place just now, so this reference is dropped once.
            drop(unsafe { Arc::from_raw(raw.cast_const()) });
        }
    }
}
