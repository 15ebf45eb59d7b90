// SPDX-License-Identifier: GPL-2.0

//! `kisctl watch`: on a terminal a screen that is renewed, elsewhere one table after the other.

mod screen;

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
    terminal::{
        Event,
        Terminal, //
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
use screen::{
    paint,
    State,
    View, //
};
use std::{
    thread::sleep,
    time::{
        Duration,
        Instant, //
    }, //
};

/// Tells again and again how the cells are.
pub fn run(output: &Output, args: &Watch) -> Result<()> {
    let mut control = Control::open()?;
    let mut state = ask(&mut control, args)?;
    let pause = Duration::from_secs(args.interval.into());
    if output.is_screen() && !output.is_json() && !args.once {
        return show(output, args, &mut control, state, pause);
    }
    loop {
        tell(output, state.mode, &state.cells, &state.params, args.once)?;
        if args.once {
            return Ok(());
        }
        sleep(pause);
        state = ask(&mut control, args)?;
    }
}

fn ask(control: &mut Control, args: &Watch) -> Result<State> {
    let status = control.status()?;
    let mut cells = control.cells()?;
    if let Some(name) = &args.cell {
        cells.retain(|cell| cell.name == *name);
        if cells.is_empty() {
            return Err(
                Error::not_found(format!("cell \"{name}\": no such cell")).next("kisctl cell list")
            );
        }
    }
    Ok(State {
        mode: mode_name(status.mode),
        cells,
        params: control.params()?,
    })
}

/// On a terminal, until somebody ends it.
fn show(
    output: &Output,
    args: &Watch,
    control: &mut Control,
    mut state: State,
    pause: Duration,
) -> Result<()> {
    let mut terminal = Terminal::take()?;
    let mut view = View::default();
    let mut due = Instant::now() + pause;
    loop {
        let lines = view.lines(output, &state, terminal.size(), terminal.has_keys());
        output.raw(paint(&lines).as_bytes())?;
        match terminal.wait(due)? {
            Event::Due => {
                state = ask(control, args)?;
                due = Instant::now() + pause;
            }
            Event::Key(key) if view.press(key) => {}
            Event::Key(_) | Event::Over => return Ok(()),
            Event::Changed => {}
            Event::Signal(signal) => return terminal.end_by(signal),
        }
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
    output.line(render(output, mode, cells, params))?;
    if once {
        Ok(())
    } else {
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
