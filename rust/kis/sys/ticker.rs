// SPDX-License-Identifier: GPL-2.0

//! Work that repeats after a delay.

use super::bindings;
use core::mem::offset_of;
use kernel::{prelude::*, sync::Arc, types::Opaque};

/// What a ticker does.
pub(crate) trait Tick: Send + Sync + 'static {
    /// Does the work and says after how many milliseconds it is to be done again. May sleep.
    fn tick(&self) -> u32;
}

/// Calls [`Tick::tick()`] again and again on a workqueue while it lives.
///
/// # Invariants
///
/// `work` is initialised with `run::<T>` and stays at its address until it is cancelled.
#[repr(C)]
struct Inner<T: Tick> {
    work: Opaque<bindings::delayed_work>,
    object: Arc<T>,
}

/// Calls [`Tick::tick()`] again and again on a workqueue while it lives.
pub(crate) struct Ticker<T: Tick>(KBox<Inner<T>>);

// SAFETY: the work item is only touched by the workqueue, the object is `Send` and `Sync`.
unsafe impl<T: Tick> Send for Ticker<T> {}
// SAFETY: as above.
unsafe impl<T: Tick> Sync for Ticker<T> {}

fn queue(work: *mut bindings::delayed_work, delay_ms: u32) {
    // SAFETY: a conversion.
    let jiffies = unsafe { bindings::kis_helper_msecs_to_jiffies(delay_ms) };
    // SAFETY: callers pass an initialised work item that is cancelled before it is freed; the
    // system's queue always exists.
    unsafe { bindings::kis_helper_queue_delayed_work(work, jiffies) };
}

/// The work function.
///
/// # Safety
///
/// Only the workqueue calls this, with the work item of an `Inner<T>`.
unsafe extern "C" fn run<T: Tick>(work: *mut bindings::work_struct) {
    // SAFETY: the work item is the first field of `delayed_work`, which is in an `Inner<T>` that
    // lives until the work is cancelled.
    let inner = unsafe {
        work.byte_sub(offset_of!(bindings::delayed_work, work))
            .byte_sub(offset_of!(Inner<T>, work))
            .cast::<Inner<T>>()
            .as_ref()
    };
    if let Some(inner) = inner {
        let delay_ms = inner.object.tick();
        queue(inner.work.get(), delay_ms);
    }
}

impl<T: Tick> Ticker<T> {
    /// Starts; the first tick comes after `delay_ms`.
    pub(crate) fn new(object: Arc<T>, delay_ms: u32) -> Result<Self> {
        let inner = KBox::new(
            Inner {
                work: Opaque::uninit(),
                object,
            },
            GFP_KERNEL,
        )?;
        let function: unsafe extern "C" fn(*mut bindings::work_struct) = run::<T>;
        // SAFETY: the place is valid and does not move, as the box is never moved out of.
        unsafe { bindings::kis_helper_init_delayed_work(inner.work.get(), Some(function)) };
        queue(inner.work.get(), delay_ms);
        Ok(Self(inner))
    }
}

impl<T: Tick> Drop for Ticker<T> {
    fn drop(&mut self) {
        // SAFETY: initialised in `new()`; this waits for a running tick and keeps it from
        // queueing itself again.
        unsafe { bindings::cancel_delayed_work_sync(self.0.work.get()) };
    }
}
