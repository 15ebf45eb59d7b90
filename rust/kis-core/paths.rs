// SPDX-License-Identifier: GPL-2.0

//! Names of files: paths, patterns, and sets of directories.

pub mod dirs;
pub mod glob;
pub mod known;
pub mod path;
