// SPDX-License-Identifier: GPL-2.0

//! `kisctl cell`: load, list, show, unload, check.

use crate::{
    args::Cell as Verb,
    cell_file::Resolved,
    configuration,
    control::{
        Cell,
        Control,
        ParamState, //
    },
    error::Result,
    output::{
        note,
        Output, //
    },
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
        value::Object, //
    }, //
};

/// Runs one of the verbs; the exit code.
pub fn run(output: &Output, verb: &Verb) -> Result<u8> {
    match verb {
        Verb::Load(load) => configuration::load::<Resolved>(output, load)?,
        Verb::List => tell_list(output, &Control::open()?.cells()?)?,
        Verb::Show { name } => {
            let mut control = Control::open()?;
            tell_show(output, &control.cell(name)?, &control.params()?)?;
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

/// One cell with its parameters.
pub(super) fn tell_show(output: &Output, cell: &Cell, params: &[ParamState]) -> Result<()> {
    if output.is_json() {
        return output.object(&Object::report().and(object(cell, params)));
    }
    lines(output, FIELDS, cell, WIDTH)?;
    output.line("")?;
    output.table(&param::table(cell, params, Face::Column))
}
