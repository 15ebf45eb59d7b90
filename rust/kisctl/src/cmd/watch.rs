// SPDX-License-Identifier: GPL-2.0

//! `kisctl watch`.

use crate::{
    args::Watch,
    cmd::cell::{
        both,
        danger,
        level,
        phase,
        CellReport, //
    },
    control::{
        mode_name,
        Cell,
        Control,
        ParamState, //
    },
    error::{
        Error,
        Result, //
    },
    output::{
        bar,
        Colour,
        Field,
        Output,
        Table,
        SCHEMA_VERSION, //
    },
    text::{
        self,
        q16, //
    }, //
};
use serde::Serialize;
use std::{
    thread::sleep,
    time::Duration, //
};

/// Width of a distress bar.
const BAR: usize = 24;

#[derive(Serialize)]
struct Report {
    schema_version: u32,
    mode: &'static str,
    cells: Vec<CellReport>,
}

/// Prints the table again and again.
pub fn run(output: &Output, args: &Watch) -> Result<()> {
    let mut control = Control::open()?;
    loop {
        let status = control.status()?;
        let mut cells = control.cells()?;
        if let Some(name) = &args.cell {
            cells.retain(|cell| cell.name == *name);
            if cells.is_empty() {
                return Err(Error::not_found(format!("cell \"{name}\": no such cell"))
                    .next("kisctl cell list"));
            }
        }
        let params = control.params()?;
        let mode = mode_name(status.mode);
        if output.is_json() {
            let report = Report {
                schema_version: SCHEMA_VERSION,
                mode,
                cells: cells
                    .iter()
                    .map(|cell| CellReport::new(cell, &params))
                    .collect(),
            };
            if args.once {
                return output.object(&report);
            }
            output.ndjson(&report)?;
        } else {
            let text = render(output, mode, &cells, &params);
            if args.once {
                return output.line(text);
            }
            if output.is_terminal() {
                // Home, then erase what the last table leaves behind each line and below.
                let text = text.replace('\n', "\x1b[K\n");
                output.raw(format!("\x1b[H{text}\x1b[K\n\x1b[J").as_bytes())?;
            } else {
                output.line(text)?;
                output.line("")?;
            }
        }
        sleep(Duration::from_secs(args.interval.into()));
    }
}

/// One table for each cell.
fn render(output: &Output, mode: &str, cells: &[Cell], params: &[ParamState]) -> String {
    let mut text = format!(
        "global mode {mode}, {}",
        text::count(cells.len() as u64, "cell")
    );
    let mut overview = Table::new(&[
        "CELL", "PHASE", "DANGER", "MODE", ">PROCS", ">DENIED", ">KILLED", ">MATCHES",
    ]);
    for cell in cells {
        overview.row(vec![
            text::name(cell.name.as_bytes()).into(),
            phase(cell).into(),
            danger(cell),
            cell.mode_name().into(),
            cell.processes.into(),
            both(cell.denied, cell.would_deny).into(),
            both(cell.killed, cell.would_kill).into(),
            cell.matches.into(),
        ]);
    }
    if !cells.is_empty() {
        text.push_str("\n\n");
        text.push_str(&overview.render(output));
    }
    for cell in cells {
        let mut table = Table::new(&[
            "PARAMETER",
            ">LAST",
            ">MEAN",
            ">DEV",
            ">ONE",
            ">TWO",
            ">BOUND",
            "DISTRESS",
        ]);
        for param in params.iter().filter(|param| param.cell == cell.id) {
            table.row(vec![
                param.name().into(),
                Field::new(param.observed.to_string(), level(param)),
                q16(param.mean).into(),
                q16(param.deviation).into(),
                param.threshold_one.into(),
                param.threshold_two.into(),
                param.bound.into(),
                distress(param),
            ]);
        }
        let name = text::name(cell.name.as_bytes());
        text.push_str(&format!("\n\n{}\n", output.paint(Colour::Bold, &name)));
        text.push_str(&table.render(output));
    }
    text
}

/// The last value on a scale whose end is threshold two, or the bound.
fn distress(param: &ParamState) -> Field {
    let full = match (param.threshold_two, param.bound) {
        (Some(two), Some(bound)) => two.min(bound),
        (Some(line), None) | (None, Some(line)) => line,
        (None, None) => return Field::new("learning", Colour::Faint),
    };
    let mark = param.threshold_one.unwrap_or(full).min(full);
    // A value on the line has not crossed it.
    let bar = bar(param.observed, mark, full.saturating_add(1), BAR);
    Field::new(format!("[{bar}]"), level(param))
}
