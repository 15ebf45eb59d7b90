// SPDX-License-Identifier: GPL-2.0

//! Tasks and their KIS blob.

use super::bindings;
use core::{
    ffi::c_void,
    marker::PhantomData,
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
};
use kernel::{ffi, prelude::*};

/// A task that is alive for `'a`.
///
/// # Invariants
///
/// The pointer is valid for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    raw: NonNull<bindings::task_struct>,
    life: PhantomData<&'a ()>,
}

/// What a task has done to be blamed for a danger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Something that is not of the self, and was denied.
    Deed = 0,
    /// Too much of what is of the self.
    Count = 1,
}

impl<'a> Task<'a> {
    /// Wraps a task pointer; `None` for null.
    ///
    /// # Safety
    ///
    /// `raw` is null or points to a task that lives for `'a`.
    pub(super) unsafe fn from_raw(raw: *mut bindings::task_struct) -> Option<Self> {
        // INVARIANT: by the requirement.
        NonNull::new(raw).map(|raw| Self {
            raw,
            life: PhantomData,
        })
    }

    /// Calls `f` with the running task. In softirq that is whatever was interrupted.
    pub(crate) fn with_current<R>(f: impl FnOnce(Task<'_>) -> R) -> Option<R> {
        let raw = kernel::task::Task::current_raw().cast::<bindings::task_struct>();
        // SAFETY: the current task lives while its own code runs, so for the call of `f`.
        unsafe { Task::from_raw(raw) }.map(f)
    }

    /// The users that the running task is: really, by what it acts, by what it can, on files.
    pub(crate) fn current_uids() -> [u32; 4] {
        let mut uids = [0; 4];
        // SAFETY: there is room for four.
        unsafe { bindings::kis_helper_current_uids(uids.as_mut_ptr()) };
        uids
    }

    /// The cell handle of the running task, 0 for none.
    #[inline]
    pub(crate) fn current_cell() -> u64 {
        // SAFETY: no requirements.
        unsafe { bindings::kis_helper_current_cell() }
    }

    /// Whether the running task acts as root: its file system user id, which follows the effective
    /// one, is 0 in the initial user namespace.
    #[inline]
    pub(crate) fn current_is_privileged() -> bool {
        // SAFETY: no requirements.
        unsafe { bindings::kis_helper_current_is_privileged() }
    }

    fn blob(&self) -> &bindings::kis_task {
        // SAFETY: a live task has a security blob, which lives as long as the task.
        unsafe { &*bindings::kis_helper_task_blob(self.raw.as_ptr()) }
    }

    fn cell_word(&self) -> &AtomicU64 {
        // SAFETY: aligned and live as `blob()`; the word is only accessed atomically, also in C.
        unsafe { AtomicU64::from_ptr((&raw const self.blob().cell).cast_mut()) }
    }

    fn cpu_word(&self) -> &AtomicU64 {
        // SAFETY: as in `cell_word()`; C does not touch this word.
        unsafe { AtomicU64::from_ptr((&raw const self.blob().cpu_seen).cast_mut()) }
    }

    fn blame_word(&self) -> &AtomicU64 {
        // SAFETY: as in `cell_word()`; C only copies this word to a child that nobody else sees yet.
        unsafe { AtomicU64::from_ptr((&raw const self.blob().blame).cast_mut()) }
    }

    /// The running task, and children that fork from now on, caused danger until `until_ns` of
    /// `CLOCK_MONOTONIC`.
    pub(crate) fn blame_current(until_ns: u64, why: Blame) {
        Task::with_current(|task| {
            let word = task.blame_word();
            let now = word.load(Ordering::Relaxed);
            // That it was a count stays known.
            word.store((until_ns & !1) | (now & 1) | why as u64, Ordering::Relaxed);
        });
    }

    /// What the running task is to blame for, and until when; 0 for nothing.
    fn current_blame() -> u64 {
        Task::with_current(|task| task.blame_word().load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Whether the running task is to blame for a danger at `now_ns`.
    pub(crate) fn current_is_blamed(now_ns: u64) -> bool {
        let word = Self::current_blame();
        word != 0 && word >= now_ns
    }

    /// Whether it was for too much that it is, or was, to blame.
    pub(crate) fn current_did_too_much() -> bool {
        Self::current_blame() & 1 == Blame::Count as u64
    }

    /// The cell handle, 0 for none.
    pub(crate) fn cell(&self) -> u64 {
        self.cell_word().load(Ordering::Relaxed)
    }

    /// Lets it come into a cell by this handle: the mount namespace that it is in now is the one
    /// that its paths have names in. Children that fork from now on inherit both. Takes the task
    /// lock.
    pub(crate) fn meet(&self, handle: u64) {
        // SAFETY: the task is live.
        unsafe { bindings::kis_helper_task_join(self.raw.as_ptr(), handle, true) };
    }

    /// Lets it stay in its cell by another handle.
    pub(crate) fn keep(&self, handle: u64) {
        // SAFETY: the task is live.
        unsafe { bindings::kis_helper_task_join(self.raw.as_ptr(), handle, false) };
    }

    /// Takes its handle.
    pub(super) fn leave(&self) {
        // SAFETY: the task is live.
        unsafe { bindings::kis_helper_task_join(self.raw.as_ptr(), 0, false) };
    }

    /// The handles of the first thread of its process and of its parent.
    pub(crate) fn family_cells(&self) -> [u64; 2] {
        let mut cells = [0; 2];
        // SAFETY: the task is live, and there is room for two.
        unsafe { bindings::kis_helper_family_cells(self.raw.as_ptr(), cells.as_mut_ptr()) };
        cells
    }

    /// Calls `f` with each thread of its process. `f` must not sleep.
    pub(crate) fn for_each_sibling(&self, f: impl FnMut(Task<'_>)) {
        // SAFETY: the task is live.
        let walk = |visit, arg| unsafe {
            bindings::kis_helper_walk_process(self.raw.as_ptr(), visit, arg);
        };
        for_each(walk, f);
    }

    /// CPU time in ns since this was last asked of this task.
    pub(crate) fn take_cpu_ns(&self) -> u64 {
        // SAFETY: the task is live.
        let now = unsafe { bindings::kis_helper_task_runtime_ns(self.raw.as_ptr()) };
        now.saturating_sub(self.cpu_word().swap(now, Ordering::Relaxed))
    }

    /// Process id (thread group) in the initial namespace.
    pub(crate) fn process_id(&self) -> u32 {
        // SAFETY: the task is live; `tgid` does not change while it is.
        unsafe { (*self.raw.as_ptr()).tgid as u32 }
    }

    /// Thread id in the initial namespace.
    pub(crate) fn thread_id(&self) -> u32 {
        // SAFETY: the task is live; `pid` does not change but in exec of this very task.
        unsafe { (*self.raw.as_ptr()).pid as u32 }
    }

    /// Real user id in the initial user namespace.
    pub(crate) fn uid(&self) -> u32 {
        // SAFETY: the task is live.
        unsafe { bindings::kis_helper_task_uid(self.raw.as_ptr()) }
    }

    /// Start of the process, ns of `CLOCK_BOOTTIME`.
    pub(crate) fn start_ns(&self) -> u64 {
        // SAFETY: the task is live, and so keeps its group leader.
        unsafe { bindings::kis_helper_process_start_ns(self.raw.as_ptr()) }
    }

    /// The thread's name, NUL padded. May be torn while it is being changed, never unterminated
    /// beyond its 16 bytes.
    pub(crate) fn name(&self) -> [u8; 16] {
        // SAFETY: the task is live; the bytes are always initialised.
        unsafe {
            (&raw const (*self.raw.as_ptr()).comm)
                .cast::<[u8; 16]>()
                .read_volatile()
        }
    }

    /// Resident memory of the process in pages, from the first of its threads that has any; `None`
    /// for the others. Takes the task lock.
    pub(crate) fn resident_pages(&self) -> Option<u64> {
        // SAFETY: the task is live.
        u64::try_from(unsafe { bindings::kis_helper_process_rss_pages(self.raw.as_ptr()) }).ok()
    }

    /// Path of the program, somewhere in `buf`. May sleep. `ENOENT` for a kernel thread.
    pub(crate) fn program<'b>(&self, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        let size = i32::try_from(buf.len())?;
        // SAFETY: the task is live, `buf` has `size` bytes.
        let raw = unsafe {
            bindings::kis_helper_task_exe(self.raw.as_ptr(), buf.as_mut_ptr().cast(), size)
        };
        super::file::string_in(raw, buf)
    }

    /// Arguments, each followed by a NUL byte, cut to the length of `buf`. May sleep, but never waits
    /// for what the task does, or somebody for it.
    /// `EAGAIN` while it keeps its memory locked, or is in the middle of an exec.
    pub(crate) fn arguments<'b>(&self, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        let size = i32::try_from(buf.len())?;
        // SAFETY: the task is live, `buf` has `size` bytes.
        let len = to_result_len(unsafe {
            bindings::kis_helper_task_cmdline(self.raw.as_ptr(), buf.as_mut_ptr().cast(), size)
        })?;
        buf.get(..len).ok_or(EINVAL)
    }

    /// Puts `handle` on each socket that the task has open and whose bytes are looked at; what is
    /// with another cell stays there until the task reads from it. `left` is how many open files are
    /// still to be looked at, and goes down: a socket that is not found is met when it is read from.
    pub(crate) fn watch_sockets(&self, handle: u64, left: &mut u32) {
        /// What the walk calls.
        ///
        /// # Safety
        ///
        /// Only the walk calls this, with live objects and the pointer it was given.
        unsafe extern "C" fn visit(sk: *mut bindings::sock, arg: *mut c_void) {
            // SAFETY: `arg` is the handle below, which outlives the walk.
            let handle = unsafe { *arg.cast::<u64>() };
            // SAFETY: the walk passes a socket of an open file, whose lock it holds.
            if unsafe { bindings::kis_helper_sk_is_heard(sk) } {
                // SAFETY: as above; the function may be called in any context.
                unsafe { bindings::kis_helper_sock_watch(sk, handle) };
            }
        }
        let mut handle = handle;
        // SAFETY: the task is live, `visit` does not sleep and gets the pointer it expects.
        unsafe {
            bindings::kis_helper_walk_sockets(
                self.raw.as_ptr(),
                Some(visit),
                (&raw mut handle).cast(),
                left,
            )
        };
    }
}

/// Calls `f` with what `walk` walks over: a function that calls back with live tasks.
fn for_each<F: FnMut(Task<'_>)>(walk: impl FnOnce(bindings::kis_task_fn, *mut c_void), mut f: F) {
    /// What the walk calls.
    ///
    /// # Safety
    ///
    /// Only the walk calls this, with live objects and the pointer it was given.
    unsafe extern "C" fn visit<F: FnMut(Task<'_>)>(
        task: *mut bindings::task_struct,
        arg: *mut c_void,
    ) {
        // SAFETY: `arg` is the `f` of the enclosing function, borrowed for the walk.
        let f = unsafe { &mut *arg.cast::<F>() };
        // SAFETY: the walk keeps the task for this call.
        if let Some(task) = unsafe { Task::from_raw(task) } {
            f(task);
        }
    }
    walk(Some(visit::<F>), (&raw mut f).cast());
}

/// A length, or a negative errno.
fn to_result_len(result: ffi::c_int) -> Result<usize> {
    usize::try_from(result).map_err(|_| Error::from_errno(result))
}

/// Calls `f` with each thread of the system. `f` must not sleep.
pub(crate) fn for_each_thread(f: impl FnMut(Task<'_>)) {
    // SAFETY: `for_each()` passes a function and the pointer that it expects.
    let walk = |visit, arg| unsafe { bindings::kis_helper_walk_threads(visit, arg) };
    for_each(walk, f);
}

/// Calls `f` with each task that is in a cell. `f` may sleep; so may this.
pub(crate) fn for_each_member(f: impl FnMut(Task<'_>)) {
    // SAFETY: `for_each()` passes a function and the pointer that it expects.
    let walk = |visit, arg| unsafe { bindings::kis_helper_walk_members(visit, arg) };
    for_each(walk, f);
}

/// Calls `f` with a thread of each process of the system: one that still runs, if one does. `f` may
/// sleep; so may this.
pub(crate) fn for_each_process(f: impl FnMut(Task<'_>)) {
    // SAFETY: `for_each()` passes a function and the pointer that it expects.
    let walk = |visit, arg| unsafe { bindings::kis_helper_walk_processes(visit, arg) };
    for_each(walk, f);
}
