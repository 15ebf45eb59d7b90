// SPDX-License-Identifier: GPL-2.0

//! An image that came from user space. Floor 2.

use kernel::prelude::*;

/// An image that came from user space and that this owns.
pub(crate) struct Image(pub(crate) KVVec<u8>);

impl AsRef<[u8]> for Image {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
