// SPDX-License-Identifier: GPL-2.0

//! Files, directory entries and programs, as the hooks pass them.

use super::bindings;
use core::{marker::PhantomData, mem::MaybeUninit, ptr::NonNull};
use kernel::{error::from_err_ptr, prelude::*};

/// Longest path that is looked at, with its NUL.
const PATH_BYTES: usize = 512;

/// A place for a path. It is not initialised, as half a kilobyte of zeros would cost more than the
/// path does.
pub(crate) struct PathBuffer(MaybeUninit<[u8; PATH_BYTES]>);

impl PathBuffer {
    /// A place with nothing in it.
    #[inline]
    pub(crate) const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    fn start(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }

    /// Resolves a path into the first `size` bytes, at their end; gives where it begins. Its NUL is
    /// the last of them.
    ///
    /// # Safety
    ///
    /// `path` is live.
    unsafe fn resolve(&mut self, path: *const bindings::path, size: usize) -> Result<usize> {
        let (start, size) = (self.start(), size.min(PATH_BYTES));
        // CAST: at most `PATH_BYTES`.
        let len = size as kernel::ffi::c_int;
        // SAFETY: `path` is live by the requirement, the buffer has `size` bytes.
        let raw = unsafe { bindings::kis_helper_path_name(path, start.cast(), len) };
        let at = from_err_ptr(raw)?.addr().wrapping_sub(start.addr());
        if at < size {
            Ok(at)
        } else {
            Err(EINVAL)
        }
    }

    /// The bytes from `from` to `to`.
    ///
    /// # Safety
    ///
    /// These were written.
    unsafe fn bytes(&self, from: usize, to: usize) -> Result<&[u8]> {
        if from > to || to > PATH_BYTES {
            return Err(EINVAL);
        }
        // SAFETY: within the buffer, and initialised by the requirement.
        Ok(unsafe {
            core::slice::from_raw_parts(self.0.as_ptr().cast::<u8>().add(from), to - from)
        })
    }
}

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

    /// Whether it is a regular file or a block device, something that keeps what is written: then,
    /// whether it is open for writing.
    #[inline]
    pub(crate) fn writes_if_stored(&self) -> Option<bool> {
        // SAFETY: the file is live.
        let kind = unsafe { bindings::kis_helper_file_kind(self.raw.as_ptr()) };
        (kind & bindings::KIS_FILE_STORED != 0).then_some(kind & bindings::KIS_FILE_WRITES != 0)
    }

    /// Whether writing to it sets the kernel rather than keeping something: a file of procfs that is
    /// no process's, of sysfs, debugfs, binfmt_misc and their like.
    pub(crate) fn is_control(&self) -> bool {
        // SAFETY: the file is live.
        unsafe { bindings::kis_helper_file_is_control(self.raw.as_ptr()) }
    }

    /// Its path from the root of its mount namespace, somewhere in `buf`; `ENAMETOOLONG`, `EINVAL` for
    /// what is not mounted where it could be reached, `EXDEV` for another mount namespace than that of
    /// the cell.
    pub(crate) fn path<'b>(&self, buf: &'b mut PathBuffer) -> Result<&'b [u8]> {
        // SAFETY: the file is live, and its path with it.
        let path = unsafe { &raw const (*self.raw.as_ptr()).__bindgen_anon_1.f_path };
        // SAFETY: `path` is live as the file is.
        let at = unsafe { buf.resolve(path, PATH_BYTES) }?;
        // SAFETY: the path was written from there on, up to its NUL at the very end.
        unsafe { buf.bytes(at, PATH_BYTES - 1) }
    }
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

    /// Whether it is a directory.
    pub(crate) fn is_dir(&self) -> bool {
        let (dir, entry) = (self.dir.as_ptr(), self.entry);
        // SAFETY: both are live by the invariant, `entry` unless it is null.
        unsafe { bindings::kis_helper_entry_is_dir(dir, entry) }
    }

    /// Its path, as [`File::path()`].
    pub(crate) fn path<'b>(&self, buf: &'b mut PathBuffer) -> Result<&'b [u8]> {
        let (mut name, mut len) = (core::ptr::null::<u8>(), 0);
        if !self.entry.is_null() {
            // SAFETY: the entry is live and its name is stable, by the invariant.
            name = unsafe { bindings::kis_helper_dentry_name(self.entry) };
            // SAFETY: as above.
            len = unsafe { bindings::kis_helper_dentry_name_len(self.entry) } as usize;
        }
        // The directory ends where the name begins: its NUL gives way to the slash.
        let room = PATH_BYTES.checked_sub(len).ok_or(ENAMETOOLONG)?;
        // SAFETY: the directory is live by the invariant.
        let at = unsafe { buf.resolve(self.dir.as_ptr(), room) }?;
        let mut end = room.checked_sub(1).ok_or(ENAMETOOLONG)?;
        if len != 0 {
            let base = buf.start();
            // The root directory ends in a slash already.
            // SAFETY: `at < room`, and from there on the directory was written.
            let is_root = unsafe { *base.add(at) } == b'/' && at + 1 == end;
            if !is_root {
                // SAFETY: `end < room`, so within the buffer.
                unsafe { *base.add(end) = b'/' };
                end += 1;
            }
            // SAFETY: the name has `len` bytes, and so has the buffer from `room` on.
            unsafe { base.add(end).copy_from_nonoverlapping(name, len) };
            end += len;
        }
        // SAFETY: written just now.
        unsafe { buf.bytes(at, end) }
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

    /// Path of the file to be executed, as [`File::path()`].
    pub(crate) fn path<'b>(&self, buf: &'b mut PathBuffer) -> Result<&'b [u8]> {
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
