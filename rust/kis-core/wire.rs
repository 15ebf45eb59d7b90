// SPDX-License-Identifier: GPL-2.0

//! What crosses a boundary: numbers, records, the ring, images, and the errors in them.

pub mod abi;
pub mod bytes;
pub mod error;
pub mod image;
pub mod record;
pub mod ring;
