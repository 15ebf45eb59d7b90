// SPDX-License-Identifier: GPL-2.0

//! `kisctl sig`: check, load, list, unload.

use crate::{
    args::{
        Load,
        Sig as Verb, //
    },
    control::{
        Control,
        ImageKind, //
    },
    document::{
        refuse,
        Document,
        Faults, //
    },
    error::Result,
    output::{
        note,
        Output,
        Table,
        SCHEMA_VERSION, //
    },
    schema::Schema,
    signature_file::{
        self,
        Compiled, //
    },
    text, //
};
use serde::Serialize;
use std::path::Path;

/// Runs one of the verbs; the exit code.
pub fn run(output: &Output, verb: &Verb) -> Result<u8> {
    match verb {
        Verb::Check { file } => check(output, file),
        Verb::Load(load) => self::load(output, load).map(|()| 0),
        Verb::List => list(output).map(|()| 0),
        Verb::Unload => unload(output).map(|()| 0),
    }
}

/// Reads, checks and compiles a signature file.
fn read(path: &Path) -> Result<Result<Compiled, Faults>> {
    let document = match Document::read(path)? {
        Ok(document) => document,
        Err(faults) => return Ok(Err(faults)),
    };
    Ok(document
        .check(&Schema::signatures())
        .and_then(|file| signature_file::compile(&document, file)))
}

/// What `load` and `check` say.
#[derive(Serialize)]
struct Report {
    schema_version: u32,
    file: String,
    valid: bool,
    loaded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u32>,
    signatures: usize,
    states: usize,
    classes: usize,
    image_bytes: usize,
}

fn report(
    output: &Output,
    path: &Path,
    compiled: &Compiled,
    image: &[u8],
    generation: Option<u32>,
) -> Result<()> {
    let report = Report {
        schema_version: SCHEMA_VERSION,
        file: path.display().to_string(),
        valid: true,
        loaded: generation.is_some(),
        generation,
        signatures: compiled.file.signatures.len(),
        states: compiled.table.states(),
        classes: compiled.table.stride,
        image_bytes: image.len(),
    };
    if output.is_json() {
        return output.object(&report);
    }
    // CAST: lengths always fit 64 bits.
    let count = text::count(report.signatures as u64, "signature");
    let size = format!(
        "{} states, {} byte classes, {}",
        report.states,
        report.classes,
        text::bytes(report.image_bytes as u64)
    );
    output.line(match generation {
        Some(generation) => format!("{count} loaded as configuration {generation}: {size}"),
        None => format!("{}: {count}, {size}, ok", report.file),
    })
}

fn check(output: &Output, path: &Path) -> Result<u8> {
    match read(path)? {
        Ok(compiled) => {
            let image = signature_file::image(&compiled)?;
            report(output, path, &compiled, &image, None).map(|()| 0)
        }
        Err(faults) => super::tell_faults(output, path, &faults),
    }
}

fn load(output: &Output, load: &Load) -> Result<()> {
    let compiled = read(&load.file)?.map_err(|faults| refuse(&faults))?;
    let image = signature_file::image(&compiled)?;
    let generation = if load.dry_run {
        None
    } else {
        Some(put_in_force(&compiled, &image)?)
    };
    report(output, &load.file, &compiled, &image, generation)
}

fn put_in_force(compiled: &Compiled, image: &[u8]) -> Result<u32> {
    let mut control = Control::open()?;
    let generation = control.upload(ImageKind::Signatures, None, image)?;
    let cells = control.cells()?;
    for signature in &compiled.file.signatures {
        let Some(name) = &signature.cell else {
            continue;
        };
        if !cells.iter().any(|cell| cell.name == *name) {
            note(format!(
                "signature {} is for cell \"{name}\", which is not loaded: it fires once it is",
                signature.id
            ));
        }
    }
    Ok(generation)
}

fn unload(output: &Output) -> Result<()> {
    #[derive(Serialize)]
    struct Unloaded {
        schema_version: u32,
        generation: u32,
    }

    let generation = Control::open()?.signature_unload()?;
    if output.is_json() {
        return output.object(&Unloaded {
            schema_version: SCHEMA_VERSION,
            generation,
        });
    }
    output.line("no signature is loaded any more")
}

fn list(output: &Output) -> Result<()> {
    #[derive(Serialize)]
    struct Entry<'a> {
        id: u32,
        revision: u32,
        #[serde(rename = "type")]
        kind: u32,
        message: &'a str,
        cell: Option<&'a str>,
        hits: u64,
    }
    #[derive(Serialize)]
    struct List<'a> {
        schema_version: u32,
        signatures: Vec<Entry<'a>>,
    }

    let signatures = Control::open()?.signatures()?;
    if output.is_json() {
        return output.object(&List {
            schema_version: SCHEMA_VERSION,
            signatures: signatures
                .iter()
                .map(|signature| Entry {
                    id: signature.id,
                    revision: signature.revision,
                    kind: signature.kind,
                    message: &signature.message,
                    cell: signature.cell.as_deref(),
                    hits: signature.hits,
                })
                .collect(),
        });
    }
    if signatures.is_empty() {
        note("no signature is loaded (kisctl sig load FILE)");
    }
    let mut table = Table::new(&[">ID", ">REV", ">TYPE", "CELL", ">HITS", "MESSAGE"]);
    for signature in &signatures {
        let cell = signature.cell.as_deref().unwrap_or("(all)");
        table.row(vec![
            signature.id.into(),
            signature.revision.into(),
            signature.kind.into(),
            text::name(cell.as_bytes()).into(),
            signature.hits.into(),
            text::name(signature.message.as_bytes()).into(),
        ]);
    }
    output.table(&table)
}
