// SPDX-License-Identifier: GPL-2.0

//! What a request is answered.

use crate::sys::bindings;
use core::{cell::Cell, ffi::c_void, marker::PhantomData, ptr::NonNull};
use kernel::ffi;

/// A message that is being filled.
///
/// # Invariants
///
/// The buffer is a message under construction, touched by nobody else for the lifetime.
pub(crate) struct Reply<'a> {
    skb: NonNull<bindings::sk_buff>,
    is_full: Cell<bool>,
    life: PhantomData<&'a mut ()>,
}

impl Reply<'_> {
    /// A message in `skb` whose header stands; `None` for null.
    ///
    /// # Safety
    ///
    /// `skb` is null or a message under construction, touched by nobody else for the lifetime.
    pub(super) unsafe fn from_raw(skb: *mut bindings::sk_buff) -> Option<Self> {
        // INVARIANT: by the requirement.
        NonNull::new(skb).map(|skb| Self {
            skb,
            is_full: Cell::new(false),
            life: PhantomData,
        })
    }

    /// Whether something found no room.
    pub(super) fn is_full(&self) -> bool {
        self.is_full.get()
    }

    fn put(&self, attr: u32, bytes: &[u8]) {
        let result = ffi::c_int::try_from(bytes.len()).map_or(-1, |len| {
            // SAFETY: the buffer is the reply under construction, `bytes` has `len` bytes.
            unsafe {
                bindings::nla_put(
                    self.skb.as_ptr(),
                    attr as ffi::c_int,
                    len,
                    bytes.as_ptr().cast::<c_void>(),
                )
            }
        });
        if result != 0 {
            self.is_full.set(true);
        }
    }

    /// Puts a `u32`.
    pub(crate) fn u32(&self, attr: u32, value: u32) {
        self.put(attr, &value.to_ne_bytes());
    }

    /// Puts a `u64`, padded by `pad` where the platform needs it.
    pub(crate) fn u64(&self, attr: u32, value: u64, pad: u32) {
        // SAFETY: the buffer is the reply under construction, the value has eight bytes.
        let result = unsafe {
            bindings::nla_put_64bit(
                self.skb.as_ptr(),
                attr as ffi::c_int,
                8,
                (&raw const value).cast::<c_void>(),
                pad as ffi::c_int,
            )
        };
        if result != 0 {
            self.is_full.set(true);
        }
    }

    /// Puts a string of at most 255 bytes, with its NUL.
    pub(crate) fn string(&self, attr: u32, value: &[u8]) {
        let mut buf = [0u8; 256];
        let len = value.len().min(255);
        if let (Some(to), Some(from)) = (buf.get_mut(..len), value.get(..len)) {
            to.copy_from_slice(from);
        }
        self.put(attr, buf.get(..=len).unwrap_or(&[0]));
    }

    /// Puts bytes.
    pub(crate) fn bytes(&self, attr: u32, value: &[u8]) {
        self.put(attr, value);
    }
}
