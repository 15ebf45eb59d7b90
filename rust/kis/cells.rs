// SPDX-License-Identifier: GPL-2.0

//! The cells in force: their configuration and the state of each.
//!
//! Floor 2. A [`table::Table`] is built as a whole from a verified image and replaced as a whole;
//! hooks reach it through `sys::published`. Everything that hooks change is atomic.

pub(crate) mod adopt;
pub(crate) mod cell;
pub(crate) mod gauge;
pub(crate) mod learnt;
pub(crate) mod peers;
pub(crate) mod site;
pub(crate) mod table;
