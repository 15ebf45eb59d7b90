// SPDX-License-Identifier: GPL-2.0

//! A profile on its way out, chunk by chunk.
//!
//! Floor 3. May sleep. Netlink attributes are short, and a cell that learns changes with each event:
//! the image is made for the first chunk and kept until the last one.

use crate::cells::cell::Cell;
use kernel::{alloc::AllocError, prelude::*};
use kis_core::{sense::profile::MAX_BYTES, wire::abi::NAME_LEN, wire::bytes::until_nul};

/// Most bytes of an image in one answer, for which there are 8 KiB.
pub(crate) const CHUNK: usize = 4 << 10;

/// An image of a profile.
pub(crate) struct Export {
    cell: [u8; NAME_LEN],
    /// The image.
    pub(crate) bytes: KVVec<u8>,
}

/// Why there is none.
pub(crate) enum ExportError {
    /// It has no room in an image.
    Image(kis_core::Error),
    /// There is no memory.
    Memory(AllocError),
}

impl Export {
    /// The image of what a cell has learned by now.
    pub(crate) fn new(cell: &Cell) -> Result<Self, ExportError> {
        let memory = |_| ExportError::Memory(AllocError);
        let mut bytes = KVVec::with_capacity(MAX_BYTES, GFP_KERNEL).map_err(memory)?;
        bytes
            .resize(MAX_BYTES, 0, GFP_KERNEL)
            .map_err(|_| ExportError::Memory(AllocError))?;
        let len = {
            let learnt = cell.learnt.lock();
            learnt
                .profile
                .encode(&learnt.things, &mut bytes)
                .map_err(ExportError::Image)?
        };
        bytes.truncate(len);
        Ok(Self {
            cell: cell.name,
            bytes,
        })
    }

    /// Whether it is of the cell with this name.
    pub(crate) fn is_of(&self, name: &[u8]) -> bool {
        until_nul(&self.cell) == name
    }
}
