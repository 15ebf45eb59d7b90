// SPDX-License-Identifier: GPL-2.0

//! Names of files: paths, patterns, and their general form.

pub mod glob;
pub mod path;
pub mod places;
