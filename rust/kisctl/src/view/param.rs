// SPDX-License-Identifier: GPL-2.0

//! The parameters of cells.

use crate::{
    control::model::{
        Cell,
        ParamState, //
    },
    output::{
        bar,
        Colour,
        Shown,
        Table, //
    },
    view::{
        field::{
            self,
            Face,
            Field, //
        },
        value::Value, //
    }, //
};

/// Width of a distress bar, and of one where there is little room.
const BAR: usize = 24;
const SHORT_BAR: usize = 10;

/// Names the type once for all fields.
type Of = Field<ParamState>;

/// The fields of a parameter in `kisctl cell show`, `profile show` and `watch`.
pub const FIELDS: &[Of] = &[
    Of::new("param", |param| param.name().into())
        .column(1, "PARAMETER")
        .watched(1, "PARAMETER"),
    Of::new("unit", |param| unit(param).into()).column(9, "UNIT"),
    Of::new("observed", |param| param.observed.into())
        .shown(|param| Shown::new(param.observed.to_string(), level(param)))
        .column(2, ">LAST")
        .watched(2, ">LAST"),
    Of::new("mean", |param| Value::Q16(param.mean))
        .column(3, ">MEAN")
        .watched(3, ">MEAN"),
    Of::new("deviation", |param| Value::Q16(param.deviation))
        .column(4, ">DEVIATION")
        .watched(4, ">DEV"),
    Of::new("peak", |param| param.peak.into()).column(5, ">PEAK"),
    Of::new("n", |param| param.n.into()),
    Of::new("threshold_one", |param| param.threshold_one.into())
        .column(6, ">ONE")
        .watched(5, ">ONE"),
    Of::new("threshold_two", |param| param.threshold_two.into())
        .column(7, ">TWO")
        .watched(6, ">TWO"),
    Of::new("bound", |param| param.bound.into())
        .column(8, ">BOUND")
        .watched(7, ">BOUND"),
    Of::for_people(distress).watched(8, "DISTRESS"),
];

/// The parameters of a cell as JSON.
pub fn objects(cell: &Cell, params: &[ParamState]) -> Value {
    field::objects(FIELDS, own(cell, params))
}

/// The parameters of a cell as a table.
pub fn table(cell: &Cell, params: &[ParamState], face: Face) -> Table {
    field::columns(FIELDS, face, own(cell, params))
}

fn own<'a>(cell: &'a Cell, params: &'a [ParamState]) -> impl Iterator<Item = &'a ParamState> {
    params.iter().filter(|param| param.cell == cell.id)
}

/// The unit's short name.
pub fn unit(param: &ParamState) -> &'static str {
    param.param().map_or("", |param| param.unit().name())
}

/// Colour by what the last value crosses.
fn level(param: &ParamState) -> Colour {
    let over = |line: Option<u64>| line.is_some_and(|line| param.observed > line);
    if over(param.threshold_two) || over(param.bound) {
        Colour::Red
    } else if over(param.threshold_one) {
        Colour::Yellow
    } else {
        Colour::Plain
    }
}

/// The last value on a scale whose end is threshold two, or the bound.
fn distress(param: &ParamState) -> Shown {
    let full = match (param.threshold_two, param.bound) {
        (Some(two), Some(bound)) => two.min(bound),
        (Some(line), None) | (None, Some(line)) => line,
        (None, None) => return Shown::new("learning", Colour::Faint),
    };
    let mark = param.threshold_one.unwrap_or(full).min(full);
    // A value on the line has not crossed it.
    let of = |width| {
        format!(
            "[{}]",
            bar(param.observed, mark, full.saturating_add(1), width)
        )
    };
    Shown::new(of(BAR), level(param)).or(of(SHORT_BAR))
}
