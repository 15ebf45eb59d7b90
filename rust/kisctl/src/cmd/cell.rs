// SPDX-License-Identifier: GPL-2.0

//! `kisctl cell`: load, list, show, unload, check.

use crate::{
    args::Cell as Verb,
    cell_file::{
        loaded::of_image,
        CellFile,
        Resolved, //
    },
    configuration,
    control::{
        Cell,
        Control,
        ParamState, //
    },
    error::{
        Error,
        Result, //
    },
    files,
    output::{
        note,
        Output, //
    },
    text,
    view::{
        cell::{
            object,
            FIELDS,
            WIDTH, //
        },
        field::{
            columns,
            lines,
            objects,
            Face, //
        },
        param,
        rule,
        value::{
            Object,
            Value, //
        }, //
    }, //
};
use std::path::Path;

/// Runs one of the verbs; the exit code.
pub fn run(output: &Output, verb: &Verb) -> Result<u8> {
    match verb {
        Verb::Load(load) => configuration::load::<Resolved>(output, load)?,
        Verb::List => tell_list(output, &Control::open()?.cells()?)?,
        Verb::Show { name } => {
            let mut control = Control::open()?;
            let cell = control.cell(name)?;
            let mut file = of_image(&control.cells_image()?)?;
            file.cells.retain(|spec| spec.name == cell.name);
            tell_show(output, &cell, &control.params()?, &file)?;
        }
        Verb::Export { file, force } => {
            let loaded = of_image(&Control::open()?.cells_image()?)?;
            tell_export(output, &loaded, file.as_deref(), *force)?;
        }
        Verb::Unload => configuration::unload::<Resolved>(output)?,
        Verb::Check { file } => return configuration::check::<Resolved>(output, file),
    }
    Ok(0)
}

/// The list of cells.
pub(super) fn tell_list(output: &Output, cells: &[Cell]) -> Result<()> {
    if output.is_json() {
        return output.object(&Object::report().with("cells", objects(FIELDS, cells)));
    }
    if cells.is_empty() {
        note("no cell is loaded (kisctl cell load FILE)");
    }
    output.table(&columns(FIELDS, Face::Column, cells))
}

/// The cells in force as a file.
pub(super) fn tell_export(
    output: &Output,
    loaded: &CellFile,
    file: Option<&Path>,
    force: bool,
) -> Result<()> {
    if loaded.cells.is_empty() {
        return Err(Error::not_found("no cell is loaded").next("kisctl cell load FILE"));
    }
    let Some(path) = file.filter(|path| *path != Path::new("-")) else {
        return output.object(loaded);
    };
    let mut text = serde_json::to_vec_pretty(loaded).map_err(unwritable)?;
    text.push(b'\n');
    files::write(path, &text, force)?;
    let count = loaded.cells.len();
    if output.is_json() {
        let report = Object::report().with("file", path.display().to_string());
        return output.object(&report.with("cells", count));
    }
    // CAST: a length always fits 64 bits.
    let count = text::count(count as u64, "cell");
    output.line(format!("{count} to {}", path.display()))
}

fn json(file: &CellFile) -> Result<Value> {
    serde_json::to_value(file)
        .map(Value::Json)
        .map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::failed(format!("the cells in force make no file: {error}"))
}

/// One cell with its parameters, and what its file holds it to.
pub(super) fn tell_show(
    output: &Output,
    cell: &Cell,
    params: &[ParamState],
    file: &CellFile,
) -> Result<()> {
    if output.is_json() {
        let report = Object::report().and(object(cell, params));
        return output.object(&report.with("file", json(file)?));
    }
    lines(output, FIELDS, cell, WIDTH)?;
    if let Some(spec) = file.cells.first() {
        lines(output, rule::FIELDS, spec, WIDTH)?;
    }
    output.line("")?;
    output.table(&param::table(cell, params, Face::Column))
}
