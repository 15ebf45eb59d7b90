// SPDX-License-Identifier: GPL-2.0

//! The pure logic of the Kernel Immune System.
//!
//! Floor 0 of the house: no `std`, no allocation, no kernel, no `unsafe`. The same files are a
//! cargo crate (for kisctl and for the tests) and a crate of `kis.ko` (built by Kbuild, which
//! sets `CONFIG_RUST`).
//!
//! What comes from user space or from the network is never trusted: [`cells`], [`matching::signatures`]
//! and [`sense::profile`] verify images byte by byte, and what they return is safe to walk. Nothing here
//! panics on any input, sleeps, or takes a lock; where a caller has to serialise writers, the
//! module says so. There are no floats and no 128-bit divisions, because the kernel has neither.

#![cfg_attr(not(CONFIG_RUST), no_std)]
#![forbid(unsafe_code)]

pub mod cells;
pub mod judge;
pub mod matching;
pub mod paths;
pub mod sense;
pub mod wire;

pub use wire::error::{
    Error,
    Result, //
};
