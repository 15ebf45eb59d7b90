// SPDX-License-Identifier: GPL-2.0

//! The only unsafe code of kisctl: system calls that nix has no safe form of, and memory that the
//! kernel writes while we read.

pub mod mapping;
pub mod sockopt;
pub mod terminal;
