// SPDX-License-Identifier: GPL-2.0

//! Files, directory entries and programs, as the hooks pass them.

use super::bindings;
use core::{marker::PhantomData, ptr::NonNull};
use kernel::{error::from_err_ptr, prelude::*};

/// The NUL terminated string at `raw`, which is somewhere in `buf`, or the error that `raw` is.
pub(super) fn string_in(raw: *mut u8, buf: &[u8]) -> Result<&[u8]> {
    let start = from_err_ptr(raw)?.addr().wrapping_sub(buf.as_ptr().addr());
    let rest = buf.get(start..).ok_or(EINVAL)?;
    let len = rest.iter().position(|&b| b == 0).ok_or(EINVAL)?;
    rest.get(..len).ok_or(EINVAL)
}

/// A file that a task is about to use.
///
/// # Invariants
///
/// The pointer is valid for `'a`.
pub(crate) struct File<'a> {
    raw: NonNull<bindings::file>,
    life: PhantomData<&'a ()>,
}

impl File<'_> {
    /// Wraps a file pointer; `None` for null.
    ///
    /// # Safety
    ///
    /// `raw` is null or points to a file that lives for the lifetime.
    pub(super) unsafe fn from_raw(raw: *mut bindings::file) -> Option<Self> {
        // INVARIANT: by the requirement.
        NonNull::new(raw).map(|raw| Self {
            raw,
            life: PhantomData,
        })
    }

    /// Whether it is open for writing.
    pub(crate) fn writes(&self) -> bool {
        // SAFETY: the file is live.
        unsafe { bindings::kis_helper_file_writes(self.raw.as_ptr()) }
    }

    /// Whether it is a regular file or a block device: something that keeps what is written.
    pub(crate) fn is_stored(&self) -> bool {
        // SAFETY: the file is live.
        unsafe { bindings::kis_helper_file_is_stored(self.raw.as_ptr()) }
    }

    /// Its path from the root of its mount namespace, somewhere in `buf`; `ENAMETOOLONG`, `EINVAL` for
    /// what is not mounted where it could be reached.
    pub(crate) fn path<'b>(&self, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        // SAFETY: the file is live, and its path with it.
        let path = unsafe { &raw const (*self.raw.as_ptr()).__bindgen_anon_1.f_path };
        // SAFETY: `path` is live as the file is.
        unsafe { path_in(path, buf) }
    }
}

/// Resolves a path into `buf`.
///
/// # Safety
///
/// `path` is live.
unsafe fn path_in(path: *const bindings::path, buf: &mut [u8]) -> Result<&[u8]> {
    let size = i32::try_from(buf.len())?;
    // SAFETY: `path` is live by the requirement, `buf` has `size` bytes.
    let raw = unsafe { bindings::kis_helper_path_name(path, buf.as_mut_ptr().cast(), size) };
    string_in(raw.cast(), buf)
}

/// A directory entry, or a file, that is about to change.
///
/// # Invariants
///
/// `dir` is valid for `'a`; `entry` is null or valid for `'a`, and its name cannot change, as the
/// caller of the hook holds the lock of the directory's inode.
pub(crate) struct Entry<'a> {
    dir: NonNull<bindings::path>,
    entry: *mut bindings::dentry,
    life: PhantomData<&'a ()>,
}

impl Entry<'_> {
    /// Wraps what a path hook is passed; `None` without a directory.
    ///
    /// # Safety
    ///
    /// The pointers are those of a path hook that lasts longer than the value.
    pub(super) unsafe fn from_raw(
        dir: *const bindings::path,
        entry: *mut bindings::dentry,
    ) -> Option<Self> {
        // INVARIANT: by the requirement.
        NonNull::new(dir.cast_mut()).map(|dir| Self {
            dir,
            entry,
            life: PhantomData,
        })
    }

    /// Its path from the root of its mount namespace, somewhere in `buf`; `ENAMETOOLONG`, `EINVAL` for
    /// what is not mounted where it could be reached.
    pub(crate) fn path<'b>(&self, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        let mut name: &[u8] = &[];
        if !self.entry.is_null() {
            // SAFETY: the entry is live and its name is stable, by the invariant.
            name = unsafe {
                core::slice::from_raw_parts(
                    bindings::kis_helper_dentry_name(self.entry),
                    bindings::kis_helper_dentry_name_len(self.entry) as usize,
                )
            };
        }
        // Leave room for a slash and the name behind the directory.
        let tail = if name.is_empty() { 0 } else { name.len() + 1 };
        let room = buf.len().checked_sub(tail).ok_or(ENAMETOOLONG)?;
        let (start, len) = {
            let front = buf.get_mut(..room).ok_or(ENAMETOOLONG)?;
            let base = front.as_ptr().addr();
            // SAFETY: the directory is live by the invariant.
            let dir = unsafe { path_in(self.dir.as_ptr(), front) }?;
            (dir.as_ptr().addr() - base, dir.len())
        };
        let mut end = start + len;
        if !name.is_empty() {
            // The root directory already ends in a slash.
            if buf.get(start..end) != Some(b"/") {
                *buf.get_mut(end).ok_or(ENAMETOOLONG)? = b'/';
                end += 1;
            }
            let to = buf.get_mut(end..end + name.len()).ok_or(ENAMETOOLONG)?;
            to.copy_from_slice(name);
            end += name.len();
        }
        buf.get(start..end).ok_or(ENAMETOOLONG)
    }
}

/// A program that is about to be executed, or was.
///
/// # Invariants
///
/// The pointer is valid for `'a`.
pub(crate) struct Program<'a> {
    raw: NonNull<bindings::linux_binprm>,
    life: PhantomData<&'a ()>,
}

impl Program<'_> {
    /// Wraps what an exec hook is passed; `None` for null.
    ///
    /// # Safety
    ///
    /// `raw` is that of an exec hook that lasts longer than the value.
    pub(super) unsafe fn from_raw(raw: *const bindings::linux_binprm) -> Option<Self> {
        // INVARIANT: by the requirement.
        NonNull::new(raw.cast_mut()).map(|raw| Self {
            raw,
            life: PhantomData,
        })
    }

    /// Path of the file to be executed, somewhere in `buf`.
    pub(crate) fn path<'b>(&self, buf: &'b mut [u8]) -> Result<&'b [u8]> {
        // SAFETY: the program is live, and has its file while it is checked.
        let file = unsafe { File::from_raw((*self.raw.as_ptr()).file) };
        file.ok_or(ENOENT)?.path(buf)
    }

    /// Arguments of the program that the current task has just executed, each followed by a NUL
    /// byte, cut to the length of `buf`. May sleep. They are the task's own memory: what another
    /// process can write there through ptrace is not trusted further than as a name.
    pub(crate) fn arguments<'b>(&self, buf: &'b mut [u8]) -> &'b [u8] {
        let size = i32::try_from(buf.len()).unwrap_or(i32::MAX);
        // SAFETY: the program is that of the running exec_done hook; `buf` has `size` bytes.
        let len = unsafe {
            bindings::kis_helper_bprm_args(self.raw.as_ptr(), buf.as_mut_ptr().cast(), size)
        };
        usize::try_from(len)
            .ok()
            .and_then(|len| buf.get(..len))
            .unwrap_or(&[])
    }
}
