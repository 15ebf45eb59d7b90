// SPDX-License-Identifier: GPL-2.0

//! The kernel's interface as bindgen sees it: `include/uapi/linux/kis.h` and `kis_netlink.h`.
//!
//! `scripts/bindings` writes `uapi/bindings.rs`, `scripts/bindings --check` compares. Records and
//! ring are read by `kis_core`; the tests here hold its numbers against the header's.

#[expect(
    missing_docs,
    non_camel_case_types,
    reason = "generated; the header has the documentation"
)]
mod bindings;

pub use bindings::*;

#[cfg(test)]
mod tests;
