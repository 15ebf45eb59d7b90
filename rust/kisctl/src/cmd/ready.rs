// SPDX-License-Identifier: GPL-2.0

//! `kisctl ready`.

use crate::{
    cell_file::{
        loaded::of_image,
        CellFile, //
    },
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
        has_root_login,
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
        kept::Kept,
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
    /// Whether people come and go by way of it.
    pub(super) sessions: bool,
}

impl Candidate {
    /// What the kernel knows of a cell.
    pub(super) fn ask(control: &mut Control, cell: Cell, params: &[ParamState]) -> Result<Self> {
        let saved = Saved::of_cell(control, &cell.name)?;
        Ok(Self {
            cell,
            params: params.to_vec(),
            saved,
            sessions: false,
        })
    }

    /// The same of a cell of which the officer says more.
    fn with_file(self, file: &CellFile) -> Self {
        let mut cells = file.cells.iter();
        let own = cells.find(|cell| cell.name == self.cell.name);
        Self {
            sessions: own.and_then(|cell| cell.sessions).unwrap_or(false),
            ..self
        }
    }

    /// What will be denied though somebody may want it.
    fn warnings(&self) -> Vec<&'static str> {
        let no_root = self.sessions
            && self.cell.has_repertoire()
            && self.saved.repertoire.has_learned()
            && !has_root_login(&self.saved);
        no_root.then_some(NO_ROOT_LOGIN).into_iter().collect()
    }

    /// What it lacks.
    pub(super) fn lacks(&self) -> Vec<Lack> {
        lacks(&self.cell, &self.params, Some(&self.saved))
    }

    /// How its classes grow; nothing of a cell that has no repertoire, or has learned nothing.
    fn growth(&self) -> Option<Vec<Growth>> {
        let repertoire = &self.saved.repertoire;
        let is_known = self.cell.has_repertoire() && repertoire.windows() > 0;
        is_known.then(|| Growth::all(repertoire, self.cell.window_ms))
    }

    /// False alarms to be expected in a day; none while it learns.
    fn alarms(&self, growth: &[Growth]) -> Option<Alarms> {
        let profile = &self.saved.profile;
        if !profile.is_ready() {
            return None;
        }
        let window_ms = self.cell.window_ms;
        Alarms::of(&profile.budget(), profile.score(), window_ms, growth)
    }
}

/// Says whether a cell is ready; the exit code.
pub fn run(output: &Output, name: &str) -> Result<u8> {
    let mut control = Control::open()?;
    let cell = control.cell(name)?;
    let params = control.params()?;
    let file = of_image(&control.cells_image()?)?;
    let of = Candidate::ask(&mut control, cell, &params)?;
    tell(output, &of.with_file(&file))
}

/// Nobody has logged in as root.
const NO_ROOT_LOGIN: &str = "root has not logged in while it learned: root's first login is denied";

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
    let growth = of.growth();
    let expected = |mild| growth.as_deref().map(|all| expected_q16(all, mild));
    let (grave, mild) = (expected(false), expected(true));
    let tried = of.saved.profile.score();
    let alarms = of.alarms(growth.as_deref().unwrap_or_default());
    let kept = Kept::of(&of.saved);
    if output.is_json() {
        let day = |day: Option<u64>| day.map_or(Value::Maybe(None), Value::Q16);
        let report = Object::report()
            .with("cell", of.cell.name.clone())
            .with("ready", lacks.is_empty())
            .with("missing", objects(FIELDS, &lacks))
            .with("warnings", of.warnings())
            .with("idle_percent", idle)
            .with("per_day", day(grave))
            .with("per_day_mild", day(mild))
            .with("kept_out", kept.value())
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
    for warning in of.warnings() {
        output.line(output.paint(Colour::Yellow, warning))?;
        output.line("  -> log in as root while it learns, if root is to log in at all")?;
    }
    // No lack: whoever tries to train a cell would keep it from being ready for good.
    if !kept.is_nothing() {
        let words = output.paint(Colour::Yellow, &kept.words());
        output.line(format!(
            "kept out while it learned, as attempted training: {words}"
        ))?;
        output.line(format!(
            "  -> kisctl alerts --cell {name}: what belongs to it will be new; accept it, or add it to expect"
        ))?;
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
