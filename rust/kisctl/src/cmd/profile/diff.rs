// SPDX-License-Identifier: GPL-2.0

//! `kisctl profile diff`.

use crate::{
    control::Control,
    error::Result,
    input,
    output::{
        Output,
        Table, //
    },
    profile_file::{
        Own,
        Saved, //
    },
    view::{
        field::{
            columns,
            objects,
            Face, //
        },
        item::{
            Row,
            FIELDS, //
        },
        value::{
            Object,
            Value, //
        }, //
    }, //
};
use kis_core::sense::{
    param::Param,
    profile::MAX_BYTES, //
};
use std::path::Path;

/// One of the two.
pub(in crate::cmd) struct Side {
    pub(in crate::cmd) name: String,
    pub(in crate::cmd) saved: Saved,
}

/// Compares two profiles.
pub(super) fn run(output: &Output, a: &Path, b: &Path) -> Result<()> {
    let mut control = None;
    let (a, b) = (side(a, &mut control)?, side(b, &mut control)?);
    tell(output, &a, &b)
}

/// A file, or where there is none of that name, a cell.
fn side(path: &Path, control: &mut Option<Control>) -> Result<Side> {
    let name = path.display().to_string();
    let is_name = !name.is_empty() && !name.contains(['/', '.']) && name != "-";
    if is_name && !path.exists() {
        let control = match control {
            Some(control) => control,
            None => control.insert(Control::open()?),
        };
        let cell = control.cell(&name)?;
        let saved = Saved::of_cell(control, &cell.name)?;
        return Ok(Side { name, saved });
    }
    // CAST: a small constant.
    let saved = Saved::read(&input::read(path, MAX_BYTES as u64)?, &name)?;
    Ok(Side { name, saved })
}

/// The items of one that the other does not know; what it knows as a part of `dir/**` it knows.
fn only(of: &Own, other: &Own) -> Vec<Row> {
    let mut rows = Row::all(of, None);
    rows.retain(|row| !other.items().has(row.class, row.domain, &row.name));
    rows
}

/// Thresholds one and two, as far as there are any.
type Lines = [Option<u64>; 2];

/// The parameters whose thresholds differ, with both.
fn differing(a: &Saved, b: &Saved) -> Vec<(Param, Lines, Lines)> {
    let both = Param::ALL.map(|param| (param, a.thresholds(param), b.thresholds(param)));
    both.into_iter().filter(|(_, a, b)| a != b).collect()
}

/// What differs.
pub(in crate::cmd) fn tell(output: &Output, a: &Side, b: &Side) -> Result<()> {
    let (self_a, self_b) = (&a.saved.repertoire, &b.saved.repertoire);
    let (only_a, only_b) = (only(self_a, self_b), only(self_b, self_a));
    let params = differing(&a.saved, &b.saved);
    let is_same = only_a.is_empty() && only_b.is_empty() && params.is_empty();
    if output.is_json() {
        let param = |(param, a, b): &(Param, Lines, Lines)| {
            Object::new()
                .with("param", param.name())
                .with("unit", param.unit().name())
                .with("a", lines(*a))
                .with("b", lines(*b))
        };
        let report = Object::report()
            .with("a", a.name.clone())
            .with("b", b.name.clone())
            .with("same", is_same)
            .with("only_a", objects(FIELDS, &only_a))
            .with("only_b", objects(FIELDS, &only_b))
            .with("params", params.iter().map(param).collect::<Vec<_>>());
        return output.object(&report);
    }
    if is_same {
        return output.line("the same items and thresholds");
    }
    let mut first = true;
    let mut part = |title: String, table: Table| {
        if !std::mem::take(&mut first) {
            output.line("")?;
        }
        output.line(title)?;
        output.table(&table)
    };
    for (side, rows) in [(a, &only_a), (b, &only_b)] {
        if !rows.is_empty() {
            let title = format!("only in {}: {}", side.name, rows.len());
            part(title, columns(FIELDS, Face::Column, rows))?;
        }
    }
    if params.is_empty() {
        return Ok(());
    }
    let heading = ["PARAMETER", ">ONE A", ">ONE B", ">TWO A", ">TWO B", "UNIT"];
    let mut table = Table::new(&heading);
    for (param, a, b) in params {
        let shown = |line: Option<u64>| Value::from(line).shown();
        table.row(vec![
            param.name().into(),
            shown(a[0]),
            shown(b[0]),
            shown(a[1]),
            shown(b[1]),
            param.unit().name().into(),
        ]);
    }
    part(
        format!("thresholds of {} (A) and {} (B)", a.name, b.name),
        table,
    )
}

fn lines([one, two]: Lines) -> Object {
    Object::new()
        .with("threshold_one", one)
        .with("threshold_two", two)
}
