// SPDX-License-Identifier: GPL-2.0

//! KIS, the Linux Kernel Immune System.

use kernel::prelude::*;

mod sys;

module! {
    type: Kis,
    name: "kis",
    authors: ["The KIS authors"],
    description: "Kernel Immune System",
    license: "GPL",
}

struct Kis;

impl kernel::Module for Kis {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
