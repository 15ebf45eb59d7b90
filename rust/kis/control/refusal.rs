// SPDX-License-Identifier: GPL-2.0

//! Why requests of the officer are refused: errors of `kis-core` as errno and texts for people.
//! Floor 3.

use crate::sys::netlink::{number as nl, Refusal};
use kernel::prelude::*;

/// The refusal of an image, with the place that is at fault.
pub(super) fn image(error: kis_core::Error, attr: u32) -> Refusal {
    match error {
        kis_core::Error::Malformed(place) => {
            Refusal::new(EPROTO, c"image refused, nothing changed")
                .at(attr)
                .place(place.offset, place.what)
        }
        kis_core::Error::Limit(limit) => Refusal::new(E2BIG, c"image refused, nothing changed")
            .at(attr)
            .limit(limit.max, limit.what),
        kis_core::Error::Stale => Refusal::new(
            ESTALE,
            c"image is of another ABI: use the kisctl of this module",
        )
        .at(attr),
    }
}

/// The value of an attribute that the operation cannot do without.
pub(super) fn needed<T>(value: Option<T>, attr: u32) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::new(EINVAL, c"an attribute is missing").at(attr))
}

/// No cell has this name.
pub(super) fn no_cell() -> Refusal {
    Refusal::new(
        ENOENT,
        c"no cell of this name is loaded; see kisctl cell list",
    )
    .at(nl::KIS_A_TARGET_CELL)
}

/// No upload stands.
pub(super) fn no_upload() -> Refusal {
    Refusal::new(ESTALE, c"no upload stands; begin one").at(nl::KIS_A_IMAGE_TOKEN)
}
