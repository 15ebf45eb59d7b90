// SPDX-License-Identifier: GPL-2.0

//! An image on its way in, chunk by chunk.
//!
//! Floor 3. Netlink attributes are short and images are not. One upload stands at a time; one that
//! has not moved for a while gives way.

use crate::{
    image::Image,
    sys::{
        clock,
        netlink::{number as nl, Refusal},
    },
};
use kernel::prelude::*;
use kis_core::wire::abi::{MAX_IMAGE, NAME_LEN};

/// How long an upload may stand still, ns.
const PATIENCE_NS: u64 = 10_000_000_000;

/// An upload.
pub(crate) struct Upload {
    /// What it holds.
    pub(crate) kind: u32,
    /// For a profile, the name of its cell, NUL padded.
    pub(crate) cell: [u8; NAME_LEN],
    /// Whether a profile of another cell is taken.
    pub(crate) force: bool,
    token: u32,
    size: usize,
    bytes: KVVec<u8>,
    moved_ns: u64,
}

impl Upload {
    /// Begins an upload, if none stands in `place` that still moves.
    pub(crate) fn begin(
        place: &mut Option<Self>,
        kind: u32,
        size: u32,
        cell: &[u8],
        force: bool,
    ) -> Result<u32, Refusal> {
        let size = size as usize;
        if size > MAX_IMAGE {
            return Err(
                Refusal::new(E2BIG, c"image is larger than 64 MiB").at(nl::KIS_A_IMAGE_SIZE)
            );
        }
        let now = clock::monotonic_ns();
        if let Some(standing) = place {
            if now.saturating_sub(standing.moved_ns) < PATIENCE_NS {
                return Err(Refusal::new(
                    EBUSY,
                    c"another upload is under way; try again in 10 seconds",
                ));
            }
        }
        let mut name = [0u8; NAME_LEN];
        for (to, from) in name.iter_mut().zip(cell) {
            *to = *from;
        }
        // Not a secret: it only keeps two tools from mixing their chunks.
        let token = (now as u32) | 1;
        *place = Some(Self {
            kind,
            cell: name,
            force,
            token,
            size,
            bytes: KVVec::with_capacity(size, GFP_KERNEL)?,
            moved_ns: now,
        });
        Ok(token)
    }

    /// Appends a chunk.
    pub(crate) fn append(&mut self, token: u32, offset: u32, data: &[u8]) -> Result<(), Refusal> {
        self.check(token)?;
        if offset as usize != self.bytes.len() {
            return Err(
                Refusal::new(EINVAL, c"chunk does not begin where the last one ended")
                    .at(nl::KIS_A_IMAGE_OFFSET),
            );
        }
        if data.len() > self.size - self.bytes.len() {
            return Err(
                Refusal::new(E2BIG, c"more bytes than image-begin announced")
                    .at(nl::KIS_A_IMAGE_DATA),
            );
        }
        self.bytes.extend_from_slice(data, GFP_KERNEL)?;
        self.moved_ns = clock::monotonic_ns();
        Ok(())
    }

    /// Whether `token` names this upload.
    pub(crate) fn check(&self, token: u32) -> Result<(), Refusal> {
        if token == self.token {
            return Ok(());
        }
        Err(
            Refusal::new(ESTALE, c"this upload was given up; begin again")
                .at(nl::KIS_A_IMAGE_TOKEN),
        )
    }

    /// The image, if it is whole.
    pub(crate) fn finish(self) -> Result<Image, Refusal> {
        if self.bytes.len() != self.size {
            return Err(Refusal::new(
                EINVAL,
                c"fewer bytes than image-begin announced; begin again",
            ));
        }
        Ok(Image(self.bytes))
    }
}
