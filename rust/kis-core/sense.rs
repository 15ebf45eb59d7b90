// SPDX-License-Identifier: GPL-2.0

//! What a cell's behaviour is measured by, and what is learned of it.

pub mod param;
pub mod profile;
pub mod stats;
pub mod window;
