// SPDX-License-Identifier: GPL-2.0

//! `kisctl sig`: check, test, load, list, unload.

use crate::{
    args::Sig as Verb,
    configuration,
    control::{
        Control,
        Signature, //
    },
    document::refuse,
    error::{
        Error,
        Result, //
    },
    input,
    output::{
        note,
        Output, //
    },
    signature_file::Compiled,
    trial::{
        matches,
        Match,
        FIELDS as MATCH, //
    },
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
use std::path::{
    Path,
    PathBuf, //
};

/// Runs one of the verbs; the exit code.
pub fn run(output: &Output, verb: &Verb) -> Result<u8> {
    match verb {
        Verb::Check { file } => return configuration::check::<Compiled>(output, file),
        Verb::Test {
            file,
            inputs,
            pieces,
        } => test(output, file, inputs, *pieces)?,
        Verb::Load(load) => configuration::load::<Compiled>(output, load)?,
        Verb::List => tell_list(output, &Control::open()?.signatures()?)?,
        Verb::Unload => configuration::unload::<Compiled>(output)?,
    }
    Ok(0)
}

/// Most bytes of an input.
const MAX_INPUT: u64 = 1 << 30;

/// Looks for signatures in bytes.
fn test(output: &Output, file: &Path, inputs: &[PathBuf], pieces: u32) -> Result<()> {
    let compiled = configuration::read::<Compiled>(file)?.map_err(|faults| refuse(&faults))?;
    let mut all = Vec::new();
    for input in inputs {
        let name = input.display().to_string();
        let bytes = input::read(input, MAX_INPUT)?;
        // CAST: a length always fits 64 bits.
        if bytes.len() as u64 > MAX_INPUT {
            return Err(Error::failed(format!("{name}: longer than 1 GiB")).next("cut it"));
        }
        // CAST: widens.
        all.push((
            name.clone(),
            matches(&compiled, &name, &bytes, pieces as usize)?,
        ));
    }
    tell_test(output, file, &all)
}

/// What was found in each input.
pub(super) fn tell_test(output: &Output, file: &Path, all: &[(String, Vec<Match>)]) -> Result<()> {
    if output.is_json() {
        let found: Vec<Match> = all.iter().flat_map(|(_, found)| found.clone()).collect();
        let report = Object::report().with("file", file.display().to_string());
        return output.object(&report.with("matches", objects(MATCH, &found)));
    }
    for (input, found) in all {
        if found.is_empty() {
            output.line(format!("{input}: no signature matches"))?;
        }
        for found in found {
            let Match {
                id, kind, message, ..
            } = found;
            let cell = found.cell.as_ref();
            let cell = cell.map_or(String::new(), |cell| format!(", cell \"{cell}\""));
            output.line(format!(
                "{input}: signature {id}, type {kind}{cell}: \"{message}\", ends with byte {}",
                found.offset
            ))?;
            output.line(format!("  {}", found.excerpt))?;
        }
    }
    Ok(())
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
