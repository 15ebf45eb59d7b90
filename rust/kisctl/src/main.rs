// SPDX-License-Identifier: GPL-2.0

//! `kisctl`: see `Documentation/kisctl.8`.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match kisctl::run(&kisctl::args::Args::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if error.kind() != kisctl::error::Kind::Quiet {
                kisctl::output::note(error.to_string());
            }
            ExitCode::from(error.code())
        }
    }
}
