// SPDX-License-Identifier: GPL-2.0

//! What a cell has learned.

use crate::{
    control::model::{
        Cell,
        ParamState, //
    },
    output::{
        Colour,
        Shown,
        Table, //
    },
    profile_file::Saved,
    text::{
        self,
        q16, //
    },
    view::{
        cell,
        class::{
            self,
            Growth, //
        },
        field::{
            self,
            objects,
            Face,
            Field, //
        },
        kept::Kept,
        param,
        sum::{
            self,
            Sum, //
        },
        value::{
            Object,
            Value, //
        }, //
    }, //
};
use kis_core::{
    sense::budget::Budget,
    sense::detector::QUANTILES,
    sense::thresholds::{
        Lines,
        Slope, //
    },
    sense::window::Moment,
    wire::abi::Param, //
};

/// A cell with its profile.
///
/// # Examples
///
/// ```
/// use kisctl::control::model::Cell;
/// use kisctl::profile_file::Saved;
/// use kisctl::view::field::object;
/// use kisctl::view::profile::{Learned, FIELDS};
///
/// let learned = Learned {
///     cell: Cell { name: "redis".to_owned(), ..Cell::default() },
///     params: vec![],
///     saved: Saved::new(),
/// };
/// let json = serde_json::to_string(&object(FIELDS, &learned)).expect("JSON");
/// assert!(json.starts_with(r#"{"cell":"redis","phase":"learning","#));
/// ```
#[derive(Clone, Debug)]
pub struct Learned {
    /// The cell.
    pub cell: Cell,
    /// The parameters of all cells.
    pub params: Vec<ParamState>,
    /// Its profile.
    pub saved: Saved,
}

impl Learned {
    /// How the classes grow; none of a cell that has no repertoire.
    pub fn classes(&self) -> Vec<Growth> {
        if self.cell.has_repertoire() {
            Growth::all(&self.saved.repertoire, self.cell.window_ms)
        } else {
            vec![]
        }
    }

    /// What its parameters add up to.
    pub fn sums(&self) -> Vec<Sum> {
        sum::all(&self.saved, self.cell.window_ms)
    }
}

/// Names the type once for all fields.
type Of = Field<Learned>;

/// The fields of `kisctl profile show`.
pub const FIELDS: &[Of] = &[
    Of::new("cell", |of| of.cell.name.clone().into()).line(1, "cell"),
    Of::new("phase", |of| of.cell.phase_name().into())
        .shown(|of| cell::phase(&of.cell))
        .line(2, "phase"),
    Of::new("windows", |of| of.cell.windows.into())
        .shown(windows)
        .line(3, "windows learned"),
    Of::new("windows_needed", |of| of.cell.windows_needed.into()),
    Of::new("starts", |of| of.saved.repertoire.starts().into()),
    Of::new("items", |of| {
        if of.cell.has_repertoire() {
            of.saved.repertoire.items().len().into()
        } else {
            Value::Maybe(None)
        }
    })
    .shown(items)
    .line(4, "repertoire"),
    Of::new("names_bytes", |of| {
        of.saved.repertoire.items().names_len().into()
    }),
    Of::new("classes", |of| objects(class::FIELDS, &of.classes())),
    Of::new("load", |of| of.saved.profile.load().into()).line(5, "greatest load"),
    Of::new("budget", budget)
        .shown(|of| limits(of).into())
        .line(6, "danger begins"),
    Of::for_people(rising).line(7, "kept rising"),
    Of::new("kept_out", |of| Kept::of(&of.saved).value())
        .shown(|of| Kept::of(&of.saved).shown())
        .line(8, "kept out"),
    Of::new("params", |of| objects(ROWS, &rows(of))),
    Of::new("sums", |of| sum::objects(&of.sums())),
];

/// A parameter with all that is known of it.
#[derive(Clone, Debug)]
pub struct Row {
    state: ParamState,
    known: Option<Known>,
}

/// What a profile says of a parameter.
#[derive(Clone, Copy, Debug)]
struct Known {
    minimum: u64,
    quantiles: [u64; QUANTILES.len()],
    start_peak: Option<u64>,
    lines: Lines,
    rises: bool,
}

/// Names the type once for all fields.
type OfRow = Field<Row>;

/// The fields of a parameter in `kisctl profile show`.
const ROWS: &[OfRow] = &[
    OfRow::new("param", |row| row.state.name().into()).column(1, "PARAMETER"),
    OfRow::new("unit", |row| param::unit(&row.state).into()).column(14, "UNIT"),
    OfRow::new("observed", |row| row.state.observed.into()),
    OfRow::new("minimum", |row| known(row, |known| known.minimum).into()).column(2, ">MIN"),
    OfRow::new("median", |row| {
        known(row, |known| known.quantiles[0]).into()
    })
    .column(3, ">MEDIAN"),
    OfRow::new("p90", |row| known(row, |known| known.quantiles[1]).into()).column(4, ">90%"),
    OfRow::new("p99", |row| known(row, |known| known.quantiles[2]).into()).column(5, ">99%"),
    OfRow::new("peak", |row| row.state.peak.into()).column(6, ">PEAK"),
    OfRow::new("start_peak", |row| start_peak(row).into()).column(7, ">START"),
    OfRow::new("mean", |row| Value::Q16(row.state.mean)).column(8, ">MEAN"),
    OfRow::new("deviation", |row| Value::Q16(row.state.deviation)).column(9, ">DEVIATION"),
    OfRow::new("n", |row| row.state.n.into()),
    OfRow::new("threshold_one", |row| row.state.threshold_one.into()).column(10, ">ONE"),
    OfRow::new("threshold_two", |row| row.state.threshold_two.into()).column(11, ">TWO"),
    OfRow::new("threshold_two_at_ten_times_the_load", |row| {
        at_ten_times(row).into()
    })
    .column(12, ">TWO AT 10x"),
    OfRow::new("bound", |row| row.state.bound.into()).column(13, ">BOUND"),
    OfRow::new("rises", |row| {
        row.known.is_some_and(|known| known.rises).into()
    }),
];

/// One of the numbers that the profile has.
fn known(row: &Row, number: fn(&Known) -> u64) -> Option<u64> {
    row.known.as_ref().map(number)
}

fn start_peak(row: &Row) -> Option<u64> {
    row.known.and_then(|known| known.start_peak)
}

/// Threshold two in a window with ten times the greatest load that was learned.
fn at_ten_times(row: &Row) -> Option<u64> {
    let lines = row.known?.lines;
    if lines.slope == Slope::LEVEL {
        return row.state.threshold_two;
    }
    let busy = Moment {
        load: lines.slope.learned.max(1).saturating_mul(10),
        start: false,
    };
    let [_, two] = lines.at(&busy).lines();
    two
}

/// The parameters of the cell.
fn rows(of: &Learned) -> Vec<Row> {
    let own = of.params.iter().filter(|state| state.cell == of.cell.id);
    own.map(|state| Row {
        state: state.clone(),
        known: state.param().map(|param| {
            let habit = of.saved.profile.param(param);
            Known {
                minimum: habit.minimum(),
                quantiles: habit.quantiles(),
                start_peak: habit.start_peak(),
                lines: of.saved.profile.lines(param),
                rises: habit.rises(param),
            }
        }),
    })
    .collect()
}

/// The parameters as a table.
pub fn table(of: &Learned) -> Table {
    field::columns(ROWS, Face::Column, &rows(of))
}

/// What the lines are drawn for.
fn budget(of: &Learned) -> Value {
    let object = match of.saved.profile.budget() {
        Budget::None => return Value::Maybe(None),
        Budget::Deviations { one_q16, two_q16 } => Object::new()
            .with("one", Value::Q16(one_q16.into()))
            .with("two", Value::Q16(two_q16.into())),
        Budget::Alarms {
            one_per_day_q16,
            two_per_month_q16,
            ..
        } => Object::new()
            .with("one_per_day", Value::Q16(one_per_day_q16.into()))
            .with("two_per_month", Value::Q16(two_per_month_q16.into())),
    };
    Value::Object(object)
}

/// The same in words.
fn limits(of: &Learned) -> String {
    match of.saved.profile.budget() {
        Budget::None => "not yet, it learns".to_owned(),
        Budget::Deviations { one_q16, two_q16 } => format!(
            "{} and {} deviations above the mean",
            q16(one_q16.into()),
            q16(two_q16.into())
        ),
        Budget::Alarms {
            one_per_day_q16,
            two_per_month_q16,
            ..
        } => format!(
            "at {} false alarms of danger one a day and {} of two a month",
            q16(one_per_day_q16.into()),
            q16(two_per_month_q16.into())
        ),
    }
}

/// The parameters that rose all the while.
fn rising(of: &Learned) -> Shown {
    let names: Vec<&str> = of.saved.profile.rising().map(Param::name).collect();
    if names.is_empty() {
        return "nothing".into();
    }
    let text = format!("{}: look whether somebody trained it", names.join(", "));
    Shown::new(text, Colour::Yellow)
}

fn windows(of: &Learned) -> Shown {
    let learned = of.saved.profile.windows();
    if of.cell.has_repertoire() {
        format!("{learned}, {} of a start", of.saved.repertoire.starts()).into()
    } else {
        learned.to_string().into()
    }
}

fn items(of: &Learned) -> Shown {
    let items = of.saved.repertoire.items();
    if of.cell.has_repertoire() {
        // CAST: lengths always fit 64 bits.
        let count = text::count(items.len() as u64, "item");
        format!(
            "{count}, {} of names",
            text::bytes(items.names_len() as u64)
        )
        .into()
    } else {
        "none (files.learn is false)".into()
    }
}
