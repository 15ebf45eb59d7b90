// SPDX-License-Identifier: GPL-2.0

//! `kisctl mode`.

use crate::{
    args::{
        ModeArgs,
        ModeName, //
    },
    control::Control,
    error::{
        Error,
        Result, //
    },
    output::{
        Output,
        SCHEMA_VERSION, //
    }, //
};
use kis_core::wire::abi::CellMode;
use serde::Serialize;

/// Sets the global mode, or a cell's.
pub fn run(output: &Output, args: &ModeArgs) -> Result<()> {
    #[derive(Serialize)]
    struct Report<'a> {
        schema_version: u32,
        mode: &'static str,
        cell: Option<&'a str>,
    }

    let mode = match args.mode {
        ModeName::Observe => CellMode::Observe,
        ModeName::Enforce => CellMode::Enforce,
        ModeName::Inherit => CellMode::Inherit,
    };
    if mode == CellMode::Inherit && args.cell.is_none() {
        return Err(Error::usage("mode inherit: only a cell can inherit")
            .next("kisctl mode inherit --cell NAME"));
    }
    Control::open()?.set_mode(args.cell.as_deref(), mode)?;
    if output.is_json() {
        return output.object(&Report {
            schema_version: SCHEMA_VERSION,
            mode: mode.name(),
            cell: args.cell.as_deref(),
        });
    }
    output.line(match &args.cell {
        Some(cell) => format!("cell \"{cell}\": mode {}", mode.name()),
        None => format!("global mode {}", mode.name()),
    })
}
