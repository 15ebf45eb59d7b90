// SPDX-License-Identifier: GPL-2.0

//! Files, directory entries and programs, as the hooks pass them.

use super::bindings;
use core::{marker::PhantomData, mem::MaybeUninit, ptr::NonNull};
use kernel::{error::from_err_ptr, ffi, prelude::*};

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

    /// Has a path written into the first `size` bytes, at their end; gives where it begins. Its NUL
    /// is the last of them.
    ///
    /// # Safety
    ///
    /// `write` writes within the buffer and the size that it is given, and returns what
    /// `kis_path_name()` does.
    unsafe fn resolve(
        &mut self,
        size: usize,
        write: impl FnOnce(*mut ffi::c_char, ffi::c_int) -> *mut ffi::c_char,
    ) -> Result<usize> {
        let (start, size) = (self.start(), size.min(PATH_BYTES));
        // CAST: at most `PATH_BYTES`.
        let raw = write(start.cast(), size as ffi::c_int);
        let at = from_err_ptr(raw)?.addr().wrapping_sub(start.addr());
        if at < size {
            Ok(at)
        } else {
            Err(EINVAL)
        }
    }

    /// Has the path of a directory written, and puts a name behind it; without a name, just that.
    ///
    /// # Safety
    ///
    /// As [`PathBuffer::resolve()`].
    unsafe fn join(
        &mut self,
        name: &[u8],
        write: impl FnOnce(*mut ffi::c_char, ffi::c_int) -> *mut ffi::c_char,
    ) -> Result<&[u8]> {
        // The directory ends where the name begins: its NUL gives way to the slash.
        let room = PATH_BYTES.checked_sub(name.len()).ok_or(ENAMETOOLONG)?;
        let mut end = room.checked_sub(1).ok_or(ENAMETOOLONG)?;
        // SAFETY: by the requirement.
        let at = unsafe { self.resolve(room, write) }?;
        if !name.is_empty() {
            let base = self.start();
            // The root directory ends in a slash already.
            // SAFETY: `at < room`, and from there on the directory was written.
            let is_root = unsafe { *base.add(at) } == b'/' && at + 1 == end;
            if !is_root {
                // SAFETY: `end < room`, so within the buffer.
                unsafe { *base.add(end) = b'/' };
                end += 1;
            }
            // SAFETY: the name has its length, and so has the buffer from `room` on.
            unsafe {
                base.add(end)
                    .copy_from_nonoverlapping(name.as_ptr(), name.len())
            };
            end += name.len();
        }
        // SAFETY: written just now.
        unsafe { self.bytes(at, end) }
    }

    /// A name that the running task gives, from the root of its mount namespace: an absolute one
    /// counts from the task's root, another one from its working directory. Links and dots in the
    /// name stay. May sleep. Errors as [`File::path()`].
    pub(super) fn of_name(&mut self, name: &[u8]) -> Result<&[u8]> {
        let is_absolute = name.starts_with(b"/");
        let slashes = name.iter().take_while(|byte| **byte == b'/').count();
        let name = name.get(slashes..).unwrap_or_default();
        // SAFETY: the helper is `kis_path_name()` of a path that it holds.
        unsafe {
            self.join(name, |buf, size| {
                bindings::kis_helper_name_base(is_absolute, buf, size)
            })
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

/// What a file is, as it was when somebody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind(u32);

impl Kind {
    /// All of it, so that two kinds can be told apart.
    #[inline]
    pub(crate) const fn bits(self) -> u8 {
        // CAST: it has no more, see below.
        self.0 as u8
    }

    /// Whether it keeps what is written: a regular file or a block device.
    #[inline]
    pub(crate) fn is_stored(self) -> bool {
        self.0 & bindings::KIS_FILE_STORED != 0
    }

    /// Whether everybody may read it who comes to it.
    #[inline]
    pub(crate) fn is_public(self) -> bool {
        self.0 & bindings::KIS_FILE_PUBLIC != 0
    }

    /// Whether its directory belongs to the user that the running task acts as, who is not root; only
    /// of a look.
    pub(crate) fn is_own(self) -> bool {
        self.0 & bindings::KIS_FILE_OWN != 0
    }

    /// Whether it and its directory are root's, and nobody else may write to them; only of a look.
    pub(crate) fn is_trusted(self) -> bool {
        self.0 & bindings::KIS_FILE_TRUSTED != 0
    }

    /// Whether it is a regular file that somebody may execute; only of a look.
    pub(crate) fn is_program(self) -> bool {
        self.0 & bindings::KIS_FILE_PROGRAM != 0
    }

    /// Whether it is open for writing; only of a [`File`].
    #[inline]
    pub(crate) fn writes(self) -> bool {
        self.0 & bindings::KIS_FILE_WRITES != 0
    }
}

const _: () = assert!(bindings::KIS_FILE_PROGRAM == 1 << 7);

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
        let kind = self.kind();
        kind.is_stored().then_some(kind.writes())
    }

    /// What it is, and how it is open.
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        // SAFETY: the file is live.
        Kind(unsafe { bindings::kis_helper_file_kind(self.raw.as_ptr()) })
    }

    /// What it is, how it is open, and whose it is.
    pub(crate) fn look(&self) -> Kind {
        // SAFETY: the file is live.
        Kind(unsafe { bindings::kis_helper_file_look(self.raw.as_ptr()) })
    }

    /// Whether this open has made it.
    pub(crate) fn is_made(&self) -> bool {
        // SAFETY: the file is live.
        unsafe { bindings::kis_helper_file_is_made(self.raw.as_ptr()) }
    }

    /// Whether writing to it sets the kernel rather than keeping something: a file of procfs that is
    /// no process's, of sysfs, debugfs, binfmt_misc and their like.
    pub(crate) fn is_control(&self) -> bool {
        // SAFETY: the file is live.
        unsafe { bindings::kis_helper_file_is_control(self.raw.as_ptr()) }
    }

    /// Its path from the root of its mount namespace, somewhere in `buf`; `ENAMETOOLONG`, `EINVAL` for
    /// what is not mounted where it could be reached, `EXDEV` for another mount namespace than that of
    /// the cell, `ENOLINK` for what the kernel opens below a stacked file system. Any context but NMI.
    pub(crate) fn path<'b>(&self, buf: &'b mut PathBuffer) -> Result<&'b [u8]> {
        // SAFETY: the file is live, and its path with it.
        let path = unsafe { &raw const (*self.raw.as_ptr()).__bindgen_anon_1.f_path };
        // SAFETY: `path` is live as the file is.
        unsafe {
            buf.join(&[], |buf, size| {
                bindings::kis_helper_path_name(path, buf, size)
            })
        }
    }

    /// The same of the file that was opened, where memory is mapped from one below it.
    pub(crate) fn opened_path<'b>(&self, buf: &'b mut PathBuffer) -> Result<&'b [u8]> {
        // SAFETY: the file is live, and its path with it.
        let path = unsafe { bindings::kis_helper_file_path(self.raw.as_ptr()) };
        // SAFETY: `path` is live as the file is.
        unsafe {
            buf.join(&[], |buf, size| {
                bindings::kis_helper_path_name(path, buf, size)
            })
        }
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

    /// What it is and whose; of what does not exist yet, whose directory it is in.
    pub(crate) fn look(&self) -> Kind {
        let (dir, entry) = (self.dir.as_ptr(), self.entry);
        // SAFETY: both are live by the invariant, `entry` unless it is null.
        Kind(unsafe { bindings::kis_helper_entry_look(dir, entry) })
    }

    /// Its name in the directory; nothing for a file that is named by itself.
    fn name(&self) -> &[u8] {
        if self.entry.is_null() {
            return &[];
        }
        // SAFETY: the entry is live and its name is stable, by the invariant.
        unsafe {
            core::slice::from_raw_parts(
                bindings::kis_helper_dentry_name(self.entry),
                bindings::kis_helper_dentry_name_len(self.entry) as usize,
            )
        }
    }

    /// Its path, as [`File::path()`].
    pub(crate) fn path<'b>(&self, buf: &'b mut PathBuffer) -> Result<&'b [u8]> {
        let dir = self.dir.as_ptr();
        // SAFETY: the directory is live by the invariant.
        unsafe {
            buf.join(self.name(), |buf, size| {
                bindings::kis_helper_path_name(dir, buf, size)
            })
        }
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
