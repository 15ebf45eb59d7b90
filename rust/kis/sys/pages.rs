// SPDX-License-Identifier: GPL-2.0

//! Memory that is shared with user space by mmap: the ring.

use super::bindings;
use core::{
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
};
use kernel::{page::PAGE_SIZE, prelude::*};

/// Zeroed pages that user space may map.
///
/// User space may write to some of them at any time: everything is read by single atomic loads.
///
/// # Invariants
///
/// `base` points to `len` bytes from `vmalloc_user()`, which are never given out as references.
pub(crate) struct SharedPages {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory is only touched by atomics and by `write()`, whose caller keeps others away.
unsafe impl Send for SharedPages {}
// SAFETY: as above.
unsafe impl Sync for SharedPages {}

impl SharedPages {
    /// Allocates `len` bytes, rounded up to whole pages. May sleep.
    pub(crate) fn new(len: usize) -> Result<Self> {
        let len = len.checked_next_multiple_of(PAGE_SIZE).ok_or(EOVERFLOW)?;
        // SAFETY: no requirements.
        let base = unsafe { bindings::kis_helper_vmalloc_user(len) };
        // INVARIANT: `vmalloc_user()` gave `len` zeroed bytes.
        Ok(Self {
            base: NonNull::new(base.cast()).ok_or(ENOMEM)?,
            len,
        })
    }

    pub(super) fn as_ptr(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    fn atomic(&self, offset: usize) -> Option<&AtomicU64> {
        if offset % 8 != 0 || offset.checked_add(8)? > self.len {
            return None;
        }
        // SAFETY: inside the allocation by the check, aligned as vmalloc gives whole pages, and
        // only ever accessed atomically or as described at `write()`.
        Some(unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(offset).cast()) })
    }

    /// Loads a `u64`; 0 where `offset` is not inside or not aligned.
    pub(crate) fn load_u64(&self, offset: usize) -> u64 {
        self.atomic(offset).map_or(0, |a| a.load(Ordering::Acquire))
    }

    /// Stores a `u64`, ordered after all that was written before; nothing where `offset` is not
    /// inside or not aligned.
    pub(crate) fn store_u64(&self, offset: usize, value: u64) {
        if let Some(a) = self.atomic(offset) {
            a.store(value, Ordering::Release);
        }
    }

    /// Copies bytes in; nothing where they do not fit.
    ///
    /// The caller lets no other writer near the place. User space may be reading it, and knows by
    /// the sequence number of the slot that what it read was whole.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        if offset
            .checked_add(bytes.len())
            .is_none_or(|end| end > self.len)
        {
            return;
        }
        // SAFETY: the destination is inside the allocation by the check and cannot overlap a Rust
        // slice, as no references into the pages exist.
        unsafe {
            core::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                self.base.as_ptr().add(offset),
                bytes.len(),
            )
        };
    }
}

impl Drop for SharedPages {
    fn drop(&mut self) {
        // SAFETY: by the type invariant; user mappings hold references to the pages themselves.
        unsafe { bindings::vfree(self.base.as_ptr().cast()) };
    }
}
