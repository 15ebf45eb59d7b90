// SPDX-License-Identifier: GPL-2.0

//! `kisctl ready`.

use crate::{
    control::{
        Cell,
        Control,
        ParamState, //
    },
    error::{
        Kind,
        Result, //
    },
    output::{
        Colour,
        Output, //
    },
    profile_file::Saved,
    readiness::{
        expected_q16,
        idle_percent,
        lacks,
        Alarms,
        Lack,
        FIELDS, //
    },
    text,
    view::{
        class::Growth,
        field::objects,
        value::{
            Object,
            Value, //
        }, //
    }, //
};

/// A cell with what it has learned.
pub(super) struct Candidate {
    pub(super) cell: Cell,
    /// The parameters of all cells.
    pub(super) params: Vec<ParamState>,
    pub(super) saved: Saved,
}

impl Candidate {
    /// What the kernel knows of a cell.
    pub(super) fn ask(control: &mut Control, cell: Cell, params: &[ParamState]) -> Result<Self> {
        let saved = Saved::of_cell(control, &cell.name)?;
        Ok(Self {
            cell,
            params: params.to_vec(),
            saved,
        })
    }

    /// What it lacks.
    pub(super) fn lacks(&self) -> Vec<Lack> {
        lacks(&self.cell, &self.params, Some(&self.saved))
    }

    /// False alarms to be expected in a day; none while it learns.
    fn alarms(&self) -> Option<Alarms> {
        let Saved {
            profile,
            repertoire,
            ..
        } = &self.saved;
        let window_ms = self.cell.window_ms;
        let growth = Growth::all(repertoire, window_ms);
        let known = if self.cell.has_repertoire() {
            &growth[..]
        } else {
            &[]
        };
        let alarms = Alarms::of(&profile.budget(), profile.score(), window_ms, known);
        alarms.filter(|_| profile.is_ready())
    }

    /// Discoveries to be expected in a day: in mild classes or in the others.
    fn expected_q16(&self, mild: bool) -> Option<u64> {
        let repertoire = &self.saved.repertoire;
        if !self.cell.has_repertoire() || repertoire.windows() == 0 {
            return None;
        }
        let growth = Growth::all(repertoire, self.cell.window_ms);
        Some(expected_q16(&growth, mild))
    }
}

/// Says whether a cell is ready; the exit code.
pub fn run(output: &Output, name: &str) -> Result<u8> {
    let mut control = Control::open()?;
    let cell = control.cell(name)?;
    let params = control.params()?;
    tell(output, &Candidate::ask(&mut control, cell, &params)?)
}

/// What is missing, and what is to be expected; the exit code.
pub(super) fn tell(output: &Output, of: &Candidate) -> Result<u8> {
    let lacks = of.lacks();
    // CAST: that is what the numbers of the enum are for.
    let code = if lacks.is_empty() {
        0
    } else {
        Kind::Failed as u8
    };
    let idle = idle_percent(&of.cell, &of.params);
    let (grave, mild) = (of.expected_q16(false), of.expected_q16(true));
    let (tried, alarms) = (of.saved.profile.score(), of.alarms());
    if output.is_json() {
        let day = |day: Option<u64>| day.map_or(Value::Maybe(None), Value::Q16);
        let report = Object::report()
            .with("cell", of.cell.name.clone())
            .with("ready", lacks.is_empty())
            .with("missing", objects(FIELDS, &lacks))
            .with("idle_percent", idle)
            .with("per_day", day(grave))
            .with("per_day_mild", day(mild))
            .with("tried_windows", tried.windows)
            .with("tried_one", tried.one)
            .with("tried_two", tried.two)
            .with(
                "alarms_one_per_day",
                day(alarms.map(|alarms| alarms.one_q16)),
            )
            .with(
                "alarms_two_per_day",
                day(alarms.map(|alarms| alarms.two_q16)),
            );
        output.object(&report)?;
        return Ok(code);
    }
    let name = text::name(of.cell.name.as_bytes());
    if lacks.is_empty() {
        let ready = output.paint(Colour::Green, "ready");
        output.line(format!("cell \"{name}\": {ready}"))?;
    } else {
        let not = output.paint(Colour::Yellow, "not ready");
        output.line(format!("cell \"{name}\": {not}"))?;
    }
    for Lack { name, text, next } in &lacks {
        output.line(format!("  {name:<9} {text}"))?;
        output.line(format!("  {:<9} -> {next}", ""))?;
    }
    if let Some(idle) = idle.filter(|idle| *idle > 0 && of.cell.has_repertoire()) {
        output.line(format!("idle windows: at least {idle} %"))?;
    }
    if let (Some(grave), Some(mild)) = (grave, mild) {
        output.line(format!(
            "something new is to be expected {} times a day, and {} times of a mild class",
            text::q16(grave),
            text::q16(mild)
        ))?;
    }
    if let Some(alarms) = alarms {
        output.line(format!(
            "false alarms to be expected in a day: {} of danger one, {} of danger two",
            text::q16(alarms.one_q16),
            text::q16(alarms.two_q16)
        ))?;
    }
    if tried.windows > 0 {
        output.line(format!(
            "tried on {}: danger one would have gone up {}, danger two {}",
            text::count(tried.windows.into(), "window"),
            text::count(tried.one.into(), "time"),
            text::count(tried.two.into(), "time")
        ))?;
    }
    Ok(code)
}
