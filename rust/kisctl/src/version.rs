// SPDX-License-Identifier: GPL-2.0

//! What `kisctl --version` says.

use crate::{
    control::Control,
    error::Result,
    output::Output,
    uapi,
    view::value::Object, //
};

/// Version of the crate and of the source tree.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("KIS_GIT"), ")");

/// The version, the ABI that this binary speaks and the one that the kernel speaks.
pub fn tell(output: &Output) -> Result<()> {
    let status = Control::connect().and_then(|mut control| control.status());
    let kernel = status.ok().map(|status| status.abi);
    if output.is_json() {
        let report = Object::report()
            .with("version", VERSION)
            .with("abi", uapi::KIS_ABI)
            .with("kernel_abi", kernel);
        return output.object(&report);
    }
    let kernel = kernel.map_or_else(
        || "none, the module does not answer".to_owned(),
        |abi| abi.to_string(),
    );
    output.line(format!(
        "kisctl {VERSION}\nABI: {}\nABI of the kernel: {kernel}",
        uapi::KIS_ABI
    ))
}
