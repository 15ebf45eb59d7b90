// SPDX-License-Identifier: GPL-2.0

//! `kisctl sig`: check, load, list, unload.

use crate::{
    args::Sig as Verb,
    configuration,
    control::{
        Control,
        Signature, //
    },
    error::Result,
    output::{
        note,
        Output, //
    },
    signature_file::Compiled,
    view::{
        field::{
            columns,
            objects,
            Face, //
        },
        signature::FIELDS,
        value::Object, //
    }, //
};

/// Runs one of the verbs; the exit code.
pub fn run(output: &Output, verb: &Verb) -> Result<u8> {
    match verb {
        Verb::Check { file } => return configuration::check::<Compiled>(output, file),
        Verb::Load(load) => configuration::load::<Compiled>(output, load)?,
        Verb::List => tell_list(output, &Control::open()?.signatures()?)?,
        Verb::Unload => configuration::unload::<Compiled>(output)?,
    }
    Ok(0)
}

/// The list of signatures.
pub(super) fn tell_list(output: &Output, signatures: &[Signature]) -> Result<()> {
    if output.is_json() {
        return output.object(&Object::report().with("signatures", objects(FIELDS, signatures)));
    }
    if signatures.is_empty() {
        note("no signature is loaded (kisctl sig load FILE)");
    }
    output.table(&columns(FIELDS, Face::Column, signatures))
}
