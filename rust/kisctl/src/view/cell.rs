// SPDX-License-Identifier: GPL-2.0

//! Cells.

use crate::{
    control::model::{
        Cell,
        ParamState, //
    },
    output::{
        Colour,
        Shown, //
    },
    text,
    view::{
        field::{
            self,
            Field, //
        },
        param,
        value::{
            Object,
            Value, //
        }, //
    }, //
};

/// Width of the titles of lines, also those of a profile.
pub const WIDTH: usize = 16;

/// Names the type once for all fields.
type Of = Field<Cell>;

/// The fields of a cell in `kisctl cell list`, `cell show` and `watch`.
pub const FIELDS: &[Of] = &[
    Of::new("id", |cell| cell.id.into()),
    Of::new("name", |cell| cell.name.clone().into())
        .line(1, "cell")
        .column(1, "CELL")
        .watched(1, "CELL"),
    Of::new("program", |cell| cell.program.clone().into())
        .line(2, "program")
        .column(9, "PROGRAM"),
    Of::new("arguments", |cell| cell.arguments.clone().into()).line(3, "arguments"),
    Of::new("mode", |cell| cell.mode_name().into())
        .line(4, "mode")
        .column(4, "MODE")
        .watched(4, "MODE"),
    Of::new("phase", |cell| cell.phase_name().into())
        .shown(phase)
        .line(5, "phase")
        .column(2, "PHASE")
        .watched(2, "PHASE"),
    Of::new("tolerization", |cell| tolerization(cell).into()).line(6, "tolerization"),
    Of::new("windows", |cell| cell.windows.into()),
    Of::new("windows_needed", |cell| cell.windows_needed.into()),
    Of::new("window_ms", |cell| ms(cell.window_ms)).line(7, "window"),
    Of::new("danger", |cell| u32::from(cell.danger()).into())
        .shown(danger)
        .column(3, "DANGER")
        .watched(3, "DANGER"),
    Of::new("danger_one_ms", |cell| ms(cell.danger_one_ms))
        .shown(|cell| signal(cell.danger_one_ms, Colour::Yellow))
        .line(8, "danger one"),
    Of::new("danger_two_ms", |cell| ms(cell.danger_two_ms))
        .shown(|cell| signal(cell.danger_two_ms, Colour::Red))
        .line(9, "danger two"),
    Of::new("processes", |cell| cell.processes.into())
        .line(10, "processes")
        .column(5, ">PROCS")
        .watched(5, ">PROCS"),
    Of::new("denied", |cell| cell.denied.into())
        .shown(|cell| both(cell.denied, cell.would_deny))
        .line(11, "denied")
        .column(6, ">DENIED")
        .watched(6, ">DENIED"),
    Of::new("would_deny", |cell| cell.would_deny.into()),
    Of::new("killed", |cell| cell.killed.into())
        .shown(|cell| both(cell.killed, cell.would_kill))
        .line(12, "killed")
        .column(7, ">KILLED")
        .watched(7, ">KILLED"),
    Of::new("would_kill", |cell| cell.would_kill.into()),
    Of::new("matches", |cell| cell.matches.into())
        .line(13, "matches")
        .column(8, ">MATCHES")
        .watched(8, ">MATCHES"),
    Of::new("items", |cell| cell.items.into()).line(14, "items"),
    Of::new("names_bytes", |cell| cell.names_bytes.into()),
    Of::new("starts", |cell| cell.starts.into()).line(15, "starts learned"),
];

/// A cell as JSON, with its parameters among `params` if it has any there.
pub fn object(cell: &Cell, params: &[ParamState]) -> Object {
    let object = field::object(FIELDS, cell);
    match param::objects(cell, params) {
        Value::List(own) if own.is_empty() => object,
        own => object.with("params", own),
    }
}

fn ms(time: u32) -> Value {
    Value::Milliseconds(time.into())
}

fn tolerization(cell: &Cell) -> &'static str {
    if cell.hard {
        "hard"
    } else {
        "soft"
    }
}

/// Whether a signal is up, and for how long it will be.
fn signal(left_ms: u32, colour: Colour) -> Shown {
    match left_ms {
        0 => "not up".into(),
        left => Shown::new(
            format!("up for {} more", text::duration_ms(left.into())),
            colour,
        ),
    }
}

/// The danger as a word in its colour.
fn danger(cell: &Cell) -> Shown {
    match cell.danger() {
        2 => Shown::new("TWO", Colour::Red),
        1 => Shown::new("ONE", Colour::Yellow),
        _ => Shown::new("calm", Colour::Green),
    }
}

/// The phase with its progress.
pub fn phase(cell: &Cell) -> Shown {
    if cell.is_learning() {
        let windows = format!("{}/{}", cell.windows, cell.windows_needed);
        Shown::from(format!("learning {windows}")).or(windows)
    } else {
        cell.phase_name().into()
    }
}

/// What was done, and what would have been done.
fn both(done: u64, would: u64) -> Shown {
    if would == 0 {
        done.to_string().into()
    } else {
        Shown::from(format!("{done} (+{would} observed)")).or(format!("{done}+{would}"))
    }
}
