// SPDX-License-Identifier: GPL-2.0

//! Values that are too large for a stack, not even on their way to the heap.
//!
//! Floor 1. `KBox::new(value)` and `*to = *from` leave it to the compiler whether the value takes a
//! detour over the stack; these do not.

use core::ptr;
use kernel::{alloc::AllocError, prelude::*};

/// A copy of a value on the heap. May sleep.
pub(crate) fn copied<T: Copy>(from: &T) -> Result<KBox<T>, AllocError> {
    let mut room = KBox::<T>::new_uninit(GFP_KERNEL)?;
    // SAFETY: `from` is valid for reads and `room`, which is new, for writes of a `T`; so they do not
    // overlap, and are aligned. A `T` may be copied, as it is `Copy`.
    unsafe { ptr::copy_nonoverlapping(from, room.as_mut_ptr(), 1) };
    // SAFETY: It was just written.
    Ok(unsafe { room.assume_init() })
}

/// Overwrites a value with a copy of another one. Any context.
pub(crate) fn copy<T: Copy>(to: &mut T, from: &T) {
    // SAFETY: Both are references to a `T`, which is `Copy` and has no destructor; `to` is the only
    // one to its value, so they do not overlap.
    unsafe { ptr::copy_nonoverlapping(from, to, 1) };
}
