// SPDX-License-Identifier: GPL-2.0

//! What reports look like: each field once, with its name in JSON, its place in the text and its
//! column in a table.
//!
//! A file for each noun that is reported. The commands ask the kernel and choose a view; nothing
//! here asks anybody.

pub mod ban;
pub mod cell;
pub mod class;
pub mod document;
pub mod error;
pub mod field;
pub mod item;
pub mod kept;
pub mod param;
pub mod profile;
pub mod rule;
pub mod signature;
pub mod status;
pub mod sum;
pub mod value;
