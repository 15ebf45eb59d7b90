// SPDX-License-Identifier: GPL-2.0

//! `kisctl`: see `Documentation/kisctl.8`.

use clap::{
    error::ErrorKind,
    Parser, //
};
use kisctl::{
    args::Args,
    error::{
        Error,
        Kind, //
    },
    output::{
        note,
        Output, //
    },
    view::error, //
};
use std::process::ExitCode;

fn main() -> ExitCode {
    // What cannot be parsed may have asked for JSON all the same.
    let json = std::env::args_os().any(|word| word == "--json");
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) if json && e.kind() != ErrorKind::DisplayHelp => return fail(true, &misused(&e)),
        Err(e) => e.exit(),
    };
    match kisctl::run(&args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => fail(args.json, &error),
    }
}

/// The first lines of what clap says; the rest is help.
fn misused(error: &clap::Error) -> Error {
    let text = error.to_string();
    let what = text.split("\n\n").next().unwrap_or_default();
    let what = what.strip_prefix("error: ").unwrap_or(what);
    Error::usage(what.replace('\n', " ")).next("kisctl --help")
}

/// Says what went wrong; the exit code.
fn fail(json: bool, error: &Error) -> ExitCode {
    if error.kind() != Kind::Quiet {
        let told = json && Output::new(true).object(&error::object(error)).is_ok();
        if !told {
            note(error.to_string());
        }
    }
    ExitCode::from(error.code())
}
