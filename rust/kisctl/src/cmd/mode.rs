// SPDX-License-Identifier: GPL-2.0

//! `kisctl mode`.

use crate::{
    args::{
        ModeArgs,
        ModeName, //
    },
    cmd::ready::Candidate,
    control::Control,
    error::{
        Error,
        Result, //
    },
    output::Output,
    readiness::reasons,
    text,
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
    let cell = args.cell.as_deref();
    let mut control = Control::open()?;
    if mode == CellMode::Enforce && !args.force {
        if control.status()?.cells == 0 {
            return Err(Error::failed(
                "mode enforce: no cell is loaded, so nothing would be held to anything",
            )
            .next("kisctl cell load FILE; --force sets the mode all the same"));
        }
        hold_back(&concerned(&mut control, cell)?)?;
    }
    control.set_mode(cell, mode)?;
    tell(output, mode, cell)
}

/// The cells that a mode is for: that one, or all that inherit the global one.
fn concerned(control: &mut Control, cell: Option<&str>) -> Result<Vec<Candidate>> {
    let cells = match cell {
        Some(name) => vec![control.cell(name)?],
        None => {
            let mut cells = control.cells()?;
            cells.retain(|cell| cell.mode == u32::from(CellMode::Inherit as u16));
            cells
        }
    };
    let params = control.params()?;
    let ask = |cell| Candidate::ask(control, cell, &params);
    cells.into_iter().map(ask).collect()
}

/// Refuses to enforce cells that are not ready.
pub(super) fn hold_back(cells: &[Candidate]) -> Result<()> {
    let with = cells
        .iter()
        .map(|of| (text::name(of.cell.name.as_bytes()), of.lacks()));
    let young: Vec<_> = with.filter(|(_, lacks)| !lacks.is_empty()).collect();
    let Some((first, _)) = young.first() else {
        return Ok(());
    };
    let reasons = young
        .iter()
        .map(|(name, lacks)| format!("cell \"{name}\" is not ready: {}", reasons(lacks)));
    let text = reasons.collect::<Vec<_>>().join("\nkisctl: ");
    Err(Error::failed(format!("mode enforce: {text}")).next(format!(
        "kisctl ready {first} says what to do; --force enforces all the same"
    )))
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
