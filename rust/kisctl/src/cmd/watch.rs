// SPDX-License-Identifier: GPL-2.0

//! `kisctl watch`.

use crate::{
    args::Watch,
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
        Colour,
        Output, //
    },
    text,
    view::{
        cell::{
            object,
            FIELDS, //
        },
        field::{
            columns,
            Face, //
        },
        param,
        value::Object, //
    }, //
};
use std::{
    thread::sleep,
    time::Duration, //
};

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
        tell(output, mode, &cells, &params, args.once)?;
        if args.once {
            return Ok(());
        }
        sleep(Duration::from_secs(args.interval.into()));
    }
}

/// Prints one table.
pub(super) fn tell(
    output: &Output,
    mode: &'static str,
    cells: &[Cell],
    params: &[ParamState],
    once: bool,
) -> Result<()> {
    if output.is_json() {
        let cells: Vec<Object> = cells.iter().map(|cell| object(cell, params)).collect();
        let report = Object::report().with("mode", mode).with("cells", cells);
        return if once {
            output.object(&report)
        } else {
            output.ndjson(&report)
        };
    }
    let text = render(output, mode, cells, params);
    if once {
        return output.line(text);
    }
    if output.is_terminal() {
        // Home, then erase what the last table leaves behind each line and below.
        let text = text.replace('\n', "\x1b[K\n");
        output.raw(format!("\x1b[H{text}\x1b[K\n\x1b[J").as_bytes())
    } else {
        output.line(text)?;
        output.line("")
    }
}

/// One table for each cell.
fn render(output: &Output, mode: &str, cells: &[Cell], params: &[ParamState]) -> String {
    let mut text = format!(
        "global mode {mode}, {}",
        text::count(cells.len() as u64, "cell")
    );
    if !cells.is_empty() {
        text.push_str("\n\n");
        text.push_str(&columns(FIELDS, Face::Watched, cells).render(output));
    }
    for cell in cells {
        let name = text::name(cell.name.as_bytes());
        text.push_str(&format!("\n\n{}\n", output.paint(Colour::Bold, &name)));
        text.push_str(&param::table(cell, params, Face::Watched).render(output));
    }
    text
}
