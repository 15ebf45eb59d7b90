// SPDX-License-Identifier: GPL-2.0

//! `/dev/kis`: the ring, mapped.
//!
//! `rust/kernel`'s misc device has no `poll`, so this has file operations of its own.

use super::{
    bindings,
    pages::SharedPages,
    served::{Lease, Served},
};
use core::{cell::UnsafeCell, marker::PhantomData};
use kernel::{
    error::to_result,
    ffi,
    mm::virt::flags,
    page::PAGE_SIZE,
    prelude::*,
    sync::Arc,
    types::Opaque, //
};

/// The page that the consumer may map writable.
const CONSUMER_PAGE: usize = 1;

/// Wakes those who wait for records.
pub(crate) struct Waiters(KBox<Opaque<bindings::wait_queue_head_t>>);

// SAFETY: a wait queue is locked inside.
unsafe impl Send for Waiters {}
// SAFETY: as above.
unsafe impl Sync for Waiters {}

impl Waiters {
    /// Nobody waits.
    pub(crate) fn new() -> Result<Self> {
        let head = KBox::new(Opaque::uninit(), GFP_KERNEL)?;
        // SAFETY: the place is valid and, in its box, does not move.
        unsafe { bindings::kis_helper_init_waitqueue_head(head.get()) };
        Ok(Self(head))
    }

    /// Wakes them. Any context but NMI.
    pub(crate) fn wake(&self) {
        // SAFETY: initialised in `new()`.
        unsafe { bindings::kis_helper_wake_up(self.0.get()) };
    }
}

/// What the device serves.
pub(crate) trait Mapped: Send + Sync + 'static {
    /// The memory.
    fn pages(&self) -> &SharedPages;
    /// Who waits.
    fn waiters(&self) -> &Waiters;
    /// Somebody opens the device, as the consumer if `consumer`.
    fn open(&self, consumer: bool) -> Result;
    /// Somebody closes it.
    fn release(&self, consumer: bool);
    /// Whether there is something to read.
    fn is_ready(&self, consumer: bool) -> bool;
}

static SERVED: Served = Served::new();

/// # Safety
///
/// The caller is a file operation of the device that was registered for this `T`.
unsafe fn served<'a, T: Mapped>() -> Result<&'a T> {
    // SAFETY: an open file keeps the module, whose exit deregisters the device before the lease
    // ends.
    unsafe { SERVED.get::<T>() }.ok_or(ENODEV)
}

fn errno(result: Result) -> ffi::c_int {
    result.map_or_else(|e| e.to_errno(), |()| 0)
}

/// `open` of the device.
///
/// # Safety
///
/// Only the kernel calls this, for a file of the device that was registered for `T`.
unsafe extern "C" fn open<T: Mapped>(
    _inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> ffi::c_int {
    // SAFETY: called by the kernel for a file of this device.
    errno(unsafe { served::<T>().and_then(|t| t.open(bindings::kis_helper_file_writes(file))) })
}

/// `release` of the device.
///
/// # Safety
///
/// Only the kernel calls this, for a file of the device that was registered for `T`.
unsafe extern "C" fn release<T: Mapped>(
    _inode: *mut bindings::inode,
    file: *mut bindings::file,
) -> ffi::c_int {
    // SAFETY: as in `open()`.
    if let Ok(t) = unsafe { served::<T>() } {
        // SAFETY: the file is live.
        t.release(unsafe { bindings::kis_helper_file_writes(file) });
    }
    0
}

/// `poll` of the device.
///
/// # Safety
///
/// Only the kernel calls this, for a file of the device that was registered for `T`.
unsafe extern "C" fn poll<T: Mapped>(
    file: *mut bindings::file,
    table: *mut bindings::poll_table_struct,
) -> bindings::__poll_t {
    // SAFETY: as in `open()`.
    let Ok(t) = (unsafe { served::<T>() }) else {
        return bindings::POLLERR;
    };
    // SAFETY: the wait queue lives as long as the device, files and table come from the kernel.
    unsafe { bindings::kis_helper_poll_wait(file, t.waiters().0.get(), table) };
    // SAFETY: the file is live.
    if t.is_ready(unsafe { bindings::kis_helper_file_writes(file) }) {
        bindings::POLLIN | bindings::POLLRDNORM
    } else {
        0
    }
}

/// Maps the whole for reading, or the consumer's page alone for writing.
///
/// # Safety
///
/// Only the kernel calls this, for a file of the device that was registered for `T`.
unsafe extern "C" fn mmap<T: Mapped>(
    file: *mut bindings::file,
    vma: *mut bindings::vm_area_struct,
) -> ffi::c_int {
    let inner = || {
        // SAFETY: as in `open()`.
        let t = unsafe { served::<T>() }?;
        // SAFETY: the kernel passes a new mapping that nobody else sees yet.
        let (bits, first, bytes) = unsafe {
            (
                (*vma).__bindgen_anon_2.vm_flags,
                (*vma).vm_pgoff,
                (*vma).__bindgen_anon_1.__bindgen_anon_1.vm_end
                    - (*vma).__bindgen_anon_1.__bindgen_anon_1.vm_start,
            )
        };
        if bits & flags::WRITE != 0 {
            // SAFETY: the file is live.
            let consumer = unsafe { bindings::kis_helper_file_writes(file) };
            let shared = bits & flags::SHARED != 0;
            if !consumer || !shared || first != CONSUMER_PAGE || bytes != PAGE_SIZE {
                return Err(EPERM);
            }
        } else {
            // SAFETY: the mapping is new and locked by the caller.
            unsafe { bindings::kis_helper_vm_flags_clear(vma, flags::MAYWRITE) };
        }
        // SAFETY: the pages came from `vmalloc_user()`; the function checks the bounds.
        to_result(unsafe { bindings::remap_vmalloc_range(vma, t.pages().as_ptr().cast(), first) })
    };
    errno(inner())
}

struct Operations(UnsafeCell<bindings::file_operations>);

// SAFETY: written by `Device::new()` before anything is registered, then only read.
unsafe impl Sync for Operations {}

static OPERATIONS: Operations = Operations(UnsafeCell::new(
    // SAFETY: all-zero is valid for this struct of numbers, pointers and optional functions.
    unsafe { core::mem::zeroed() },
));

/// The device exists while this lives.
pub(crate) struct Device<T: Mapped> {
    misc: KBox<Opaque<bindings::miscdevice>>,
    _lease: Lease<T>,
    serves: PhantomData<T>,
}

// SAFETY: the registration is only touched by `drop()`.
unsafe impl<T: Mapped> Send for Device<T> {}
// SAFETY: as above.
unsafe impl<T: Mapped> Sync for Device<T> {}

impl<T: Mapped> Device<T> {
    /// Registers `/dev/<name>`, mode 0600. May sleep.
    pub(crate) fn new(object: Arc<T>, name: &'static CStr, module: &ThisModule) -> Result<Self> {
        let lease = SERVED.lend(object)?;
        // SAFETY: the lease lets one device be at a time, so nobody reads the table now.
        let operations = unsafe { &mut *OPERATIONS.0.get() };
        operations.owner = module.as_ptr().cast();
        operations.open = Some(open::<T>);
        operations.release = Some(release::<T>);
        operations.poll = Some(poll::<T>);
        operations.mmap = Some(mmap::<T>);

        // SAFETY: all-zero is valid for this struct.
        let mut raw: bindings::miscdevice = unsafe { core::mem::zeroed() };
        raw.minor = bindings::MISC_DYNAMIC_MINOR as ffi::c_int;
        raw.name = name.as_char_ptr();
        raw.mode = 0o600;
        raw.fops = OPERATIONS.0.get();
        let misc = KBox::new(Opaque::new(raw), GFP_KERNEL)?;
        // SAFETY: the struct does not move in its box and is deregistered in `drop()`.
        to_result(unsafe { bindings::misc_register(misc.get()) })?;
        Ok(Self {
            misc,
            _lease: lease,
            serves: PhantomData,
        })
    }
}

impl<T: Mapped> Drop for Device<T> {
    fn drop(&mut self) {
        // SAFETY: registered in `new()`.
        unsafe { bindings::misc_deregister(self.misc.get()) };
    }
}
