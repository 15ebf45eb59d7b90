// SPDX-License-Identifier: GPL-2.0

//! What `kisctl --version` says.

use crate::{
    control::Control,
    uapi, //
};

/// Version of the crate and of the source tree.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("KIS_GIT"), ")");

/// The version, the ABI that this binary speaks and the one that the kernel speaks.
pub fn text() -> String {
    let kernel = match Control::connect().and_then(|mut control| control.status()) {
        Ok(status) => status.abi.to_string(),
        Err(_) => "none, the module does not answer".to_owned(),
    };
    format!(
        "kisctl {VERSION}\nABI: {}\nABI of the kernel: {kernel}",
        uapi::KIS_ABI
    )
}
