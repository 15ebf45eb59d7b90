// SPDX-License-Identifier: GPL-2.0

//! The commands: one file a noun.

pub mod alerts;
pub mod ban;
pub mod cell;
pub mod completions;
pub mod doctor;
pub mod explain;
pub mod limits;
pub mod mode;
pub mod profile;
pub mod ready;
pub mod review;
pub mod sig;
pub mod status;
pub mod watch;

use crate::{
    args::{
        Args,
        Command, //
    },
    error::Result,
    output::Output,
    version, //
};

/// Does what the command line asks for; the exit code.
pub fn run(args: &Args) -> Result<u8> {
    let output = Output::new(args.json);
    if args.version {
        return version::tell(&output).map(|()| 0);
    }
    let done = |result: Result<()>| result.map(|()| 0);
    match args.command.as_ref().unwrap_or(&Command::Status) {
        Command::Status => done(status::run(&output)),
        Command::Doctor { cells } => doctor::run(&output, cells.as_deref()),
        Command::Cell(verb) => cell::run(&output, verb),
        Command::Profile(verb) => done(profile::run(&output, verb)),
        Command::Sig(verb) => sig::run(&output, verb),
        Command::Review(args) => done(review::run(&output, args)),
        Command::Ready { cell } => ready::run(&output, cell),
        Command::Mode(mode) => done(mode::run(&output, mode)),
        Command::Alerts(alerts) => alerts::run(&output, alerts),
        Command::Ban(verb) => done(ban::run(&output, verb)),
        Command::Explain { id } => done(explain::run(&output, *id)),
        Command::Watch(watch) => done(watch::run(&output, watch)),
        Command::Limits => done(limits::run(&output)),
        Command::Completions { shell } => done(completions::run(&output, *shell)),
    }
}

#[cfg(test)]
mod tests;
