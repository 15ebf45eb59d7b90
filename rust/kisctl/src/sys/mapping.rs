// SPDX-License-Identifier: GPL-2.0

//! A read-only shared mapping of a file, whose bytes somebody else may change at any time.
//!
//! Nothing hands out references into it: words are loaded atomically, bytes are copied.

use nix::sys::mman::{
    mmap,
    munmap,
    MapFlags,
    ProtFlags, //
};
use std::{
    ffi::c_void,
    num::NonZeroUsize,
    os::fd::AsFd,
    ptr::NonNull,
    sync::atomic::{
        AtomicU64,
        Ordering, //
    }, //
};

/// The mapping.
///
/// # Invariants
///
/// `start` is the address of `len` bytes that are mapped readable until drop; it is page-aligned.
///
/// # Examples
///
/// ```
/// use kisctl::sys::mapping::Mapping;
/// use std::{fs::File, num::NonZeroUsize};
///
/// let file = File::open(std::env::current_exe()?)?;
/// let mapping = Mapping::new(&file, NonZeroUsize::MIN.saturating_add(63))?;
/// let mut magic = [0; 4];
/// assert!(mapping.copy(0, &mut magic));
/// assert_eq!(&magic, b"\x7fELF");
/// assert_eq!(mapping.load_u64(60), None, "outside and unaligned");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Mapping {
    start: NonNull<c_void>,
    len: usize,
}

impl Mapping {
    /// Maps the first `len` bytes of `fd`.
    pub fn new<F: AsFd>(fd: F, len: NonZeroUsize) -> nix::Result<Self> {
        // SAFETY: the kernel chooses an address that nothing else uses, and the bytes are only
        // reached through this type, which takes changes by others into account.
        let start = unsafe { mmap(None, len, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, fd, 0) }?;
        // INVARIANT: mmap() succeeded for `len` bytes; they are unmapped by `drop` alone.
        Ok(Self {
            start,
            len: len.get(),
        })
    }

    /// Bytes of the mapping.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: a mapping has at least a byte.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The 64-bit word at `offset`, with acquire ordering; `None` outside or unaligned.
    pub fn load_u64(&self, offset: usize) -> Option<u64> {
        let end = offset.checked_add(8)?;
        if end > self.len || offset % 8 != 0 {
            return None;
        }
        // SAFETY: `offset` is within the mapping: just compared, and see the invariant.
        let word = unsafe { self.start.cast::<u8>().add(offset) }.cast::<AtomicU64>();
        // SAFETY: eight mapped, aligned bytes, read as an atomic; the other writers are the
        // kernel's stores of whole words.
        let word = unsafe { word.as_ref() };
        // ORDERING: pairs with the kernel's smp_store_release() of producer and seq.
        Some(u64::from_le(word.load(Ordering::Acquire)))
    }

    /// Copies the words from `offset` on into `out`; `false` outside or unaligned.
    ///
    /// They may change meanwhile: the caller has to check that the copy is whole.
    pub fn copy(&self, offset: usize, out: &mut [u8]) -> bool {
        for (at, chunk) in out.chunks_mut(8).enumerate() {
            let Some(word) = offset
                .checked_add(at * 8)
                .and_then(|place| self.load_u64(place))
            else {
                return false;
            };
            chunk.copy_from_slice(&word.to_le_bytes()[..chunk.len()]);
        }
        true
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and no reference into it exists any more.
        let result = unsafe { munmap(self.start, self.len) };
        debug_assert!(result.is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{
        Seek,
        Write, //
    };

    #[test]
    fn mapping_reads_within_its_bounds_only() {
        let path = std::env::temp_dir().join(format!("kisctl-mapping-{}", std::process::id()));
        let mut file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .expect("a temporary file");
        std::fs::remove_file(&path).expect("its removal");
        file.write_all(&[7; 4096]).expect("a page");
        let mapping = Mapping::new(&file, NonZeroUsize::MIN.saturating_add(4095)).expect("mmap");
        assert_eq!(mapping.load_u64(0), Some(0x0707_0707_0707_0707));
        assert_eq!(mapping.load_u64(4088), Some(0x0707_0707_0707_0707));
        assert_eq!(mapping.load_u64(4089), None);
        assert_eq!(mapping.load_u64(4096), None);
        assert_eq!(mapping.load_u64(usize::MAX), None);
        let mut out = [0; 13];
        assert!(mapping.copy(8, &mut out));
        assert_eq!(out, [7; 13]);
        assert!(!mapping.copy(4088, &mut out));
        file.rewind().expect("seek");
        file.write_all(&[9]).expect("a byte");
        assert_eq!(mapping.load_u64(0), Some(0x0707_0707_0707_0709));
    }
}
