// SPDX-License-Identifier: GPL-2.0

//! From the errors of `kis-core` to errno and to texts for people. Floor 2.

use crate::sys::netlink::Refusal;
use kernel::prelude::*;

/// The refusal of an image, with the place that is at fault.
pub(crate) fn image(error: kis_core::Error, attr: u32) -> Refusal {
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
