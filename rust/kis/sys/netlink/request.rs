// SPDX-License-Identifier: GPL-2.0

//! What a request says.

use crate::sys::bindings;
use core::{marker::PhantomData, ptr::NonNull};

/// The attributes of a request.
///
/// # Invariants
///
/// The pointer is to the request's info, valid for `'a`, parsed by a policy up to `max`.
pub(crate) struct Request<'a> {
    info: NonNull<bindings::genl_info>,
    max: u32,
    life: PhantomData<&'a ()>,
}

impl<'a> Request<'a> {
    /// Wraps the info of a request; `None` for null.
    ///
    /// # Safety
    ///
    /// `info` is null or a request's, parsed by a policy up to attribute `max`, for the lifetime.
    pub(super) unsafe fn from_raw(info: *mut bindings::genl_info, max: u32) -> Option<Self> {
        // INVARIANT: by the requirement.
        NonNull::new(info).map(|info| Self {
            info,
            max,
            life: PhantomData,
        })
    }

    /// The bytes of an attribute; for a string without its NUL.
    fn payload(&self, attr: u32) -> Option<&'a [u8]> {
        if attr > self.max {
            return None;
        }
        // SAFETY: netlink parsed `attrs` for this operation, up to `max`, and keeps them for the
        // request.
        let nla = unsafe { (*self.info.as_ptr()).attrs.add(attr as usize).read() };
        let nla = NonNull::new(nla)?;
        // SAFETY: netlink has checked that the attribute is whole: `nla_len` counts its header.
        unsafe {
            let len = usize::from((*nla.as_ptr()).nla_len).checked_sub(4)?;
            Some(core::slice::from_raw_parts(
                nla.as_ptr().cast::<u8>().add(4),
                len,
            ))
        }
    }

    /// A `u32` attribute.
    pub(crate) fn u32(&self, attr: u32) -> Option<u32> {
        Some(u32::from_ne_bytes(self.payload(attr)?.try_into().ok()?))
    }

    /// A string attribute, without its NUL.
    pub(crate) fn string(&self, attr: u32) -> Option<&'a [u8]> {
        let bytes = self.payload(attr)?;
        bytes.split(|&b| b == 0).next()
    }

    /// A binary attribute.
    pub(crate) fn bytes(&self, attr: u32) -> Option<&'a [u8]> {
        self.payload(attr)
    }
}
