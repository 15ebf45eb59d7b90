// SPDX-License-Identifier: GPL-2.0

//! `kisctl completions`.

use crate::{
    args::Args,
    error::Result,
    output::Output, //
};
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints what a shell needs to complete the words of kisctl.
pub fn run(output: &Output, shell: Shell) -> Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "kisctl", &mut text);
    output.raw(&text)
}
