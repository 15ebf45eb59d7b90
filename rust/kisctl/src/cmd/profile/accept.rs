// SPDX-License-Identifier: GPL-2.0

//! `kisctl profile accept`.

use crate::{
    args::Accept,
    control::Control,
    device::{
        find,
        Device,
        From, //
    },
    error::{
        Error,
        Result, //
    },
    item::{
        by_officer,
        of_record, //
    },
    output::Output,
    profile_file::Saved,
    text,
    view::{
        item::words,
        value::Object, //
    }, //
};
use kis_core::sense::{
    class::{
        Class,
        Domain, //
    },
    sighting::NAME_BYTES, //
};
use std::os::unix::ffi::OsStrExt;

/// Adds an item to the self of a cell.
pub(super) fn run(output: &Output, args: &Accept) -> Result<()> {
    let cell = &args.cell;
    let (class, domain, name) = match (args.alert, args.class, args.domain, &args.name) {
        (Some(id), ..) => of_alert(cell, id)?,
        (None, Some(class), Some(domain), Some(name)) => {
            let name = text::unescaped(name.as_bytes()).ok_or_else(|| {
                Error::usage(format!(
                    "\"{}\": a backslash stands for nothing",
                    text::name(name.as_bytes())
                ))
                .next("write \\\\ for a backslash, \\n for a newline, \\xNN for a byte")
            })?;
            (class, domain, by_officer(class, &name)?)
        }
        _ => return Err(Error::usage("profile accept: an alert or a name").next("see --help")),
    };
    Control::open()?.profile_accept(cell, class, domain, &name)?;
    tell(output, cell, class, domain, &name)
}

/// What an alert says is new to the self of a cell.
fn of_alert(cell: &str, id: u64) -> Result<(Class, Domain, Vec<u8>)> {
    let stored = find(&Device::open(From::Oldest)?.drain(), id)?;
    let record = &stored.record();
    if record.head.cell_name() != cell.as_bytes() {
        let whose = text::name(record.head.cell_name());
        return Err(
            Error::failed(format!("record {id}: it is not of cell \"{cell}\""))
                .next(format!("its cell is \"{whose}\"")),
        );
    }
    let mut room = [0; NAME_BYTES];
    let Some(seen) = of_record(record, &mut room)? else {
        return Err(Error::failed(format!(
            "record {id}: it is not about something new to the self"
        ))
        .next(format!("kisctl explain {id} says what it is about")));
    };
    if seen.is_self_made(&Saved::of_cell(&mut Control::open()?, cell)?.repertoire) {
        let words = words(seen.class, seen.domain, seen.name);
        return Err(Error::failed(format!(
            "record {id}: {words}: the cell itself writes there"
        ))
        .next(
            "a program or library from such a place is never of the self: install it elsewhere",
        ));
    }
    Ok((seen.class, seen.domain, seen.name.to_vec()))
}

/// What was accepted.
pub(in crate::cmd) fn tell(
    output: &Output,
    cell: &str,
    class: Class,
    domain: Domain,
    name: &[u8],
) -> Result<()> {
    if output.is_json() {
        let report = Object::report()
            .with("cell", cell.to_owned())
            .with("class", class.name())
            .with("domain", domain.name())
            .with("item", text::escaped(name));
        return output.object(&report);
    }
    let words = words(class, domain, name);
    output.line(format!("cell \"{cell}\": {words} is of the self now"))
}
