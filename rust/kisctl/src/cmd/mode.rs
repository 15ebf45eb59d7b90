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
    output::Output,
    view::value::Object, //
};
use kis_core::wire::abi::CellMode;

/// Sets the global mode, or a cell's.
pub fn run(output: &Output, args: &ModeArgs) -> Result<()> {
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
    tell(output, mode, args.cell.as_deref())
}

/// The mode that was set.
pub(super) fn tell(output: &Output, mode: CellMode, cell: Option<&str>) -> Result<()> {
    if output.is_json() {
        let report = Object::report().with("mode", mode.name());
        return output.object(&report.with("cell", cell.map(str::to_owned)));
    }
    output.line(match cell {
        Some(cell) => format!("cell \"{cell}\": mode {}", mode.name()),
        None => format!("global mode {}", mode.name()),
    })
}
