// SPDX-License-Identifier: GPL-2.0

//! `kisctl sig`: check, test, import, load, list, unload.

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
    files,
    import::{
        self,
        Fate,
        Import,
        FIELDS as RULE, //
    },
    input,
    output::{
        note,
        Output, //
    },
    signature_file::Compiled,
    text,
    trial::{
        matches,
        signatures,
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
        Verb::Import {
            rules,
            output: to,
            force,
        } => take_over(output, rules, to, *force)?,
        Verb::Load(load) => configuration::load::<Compiled>(output, load)?,
        Verb::List => tell_list(output, &Control::open()?.signatures()?)?,
        Verb::Unload => configuration::unload::<Compiled>(output)?,
    }
    Ok(0)
}

/// Most bytes of a file of rules.
const MAX_RULES: u64 = 128 << 20;

/// Takes rules over.
fn take_over(output: &Output, rules: &Path, to: &Path, force: bool) -> Result<()> {
    let name = rules.display();
    let bytes = input::read(rules, MAX_RULES)?;
    let import = import::rules(&String::from_utf8_lossy(&bytes));
    if import.file.signatures.is_empty() {
        tell_import(output, to, &import)?;
        return Err(
            Error::failed(format!("{name}: no rule was taken, and nothing written"))
                .next("see why above; kisctl(8) says what can be taken"),
        );
    }
    let mut text = serde_json::to_string_pretty(&import.file)
        .map_err(|e| Error::failed(format!("{name}: {e}")))?;
    text.push('\n');
    files::write(to, text.as_bytes(), force)?;
    tell_import(output, to, &import)
}

/// What became of each rule.
pub(super) fn tell_import(output: &Output, to: &Path, import: &Import) -> Result<()> {
    let counts = [Fate::Exact, Fate::Loss, Fate::Refused].map(|fate| (fate, import.count(fate)));
    if output.is_json() {
        let mut report = Object::report()
            .with("file", to.display().to_string())
            .with("rules", objects(RULE, &import.lines));
        for (fate, count) in counts {
            report = report.with(fate.name(), count);
        }
        return output.object(&report);
    }
    for line in import.lines.iter().filter(|line| !line.why.is_empty()) {
        let sid = line
            .sid
            .map_or("no sid".to_owned(), |sid| format!("sid {sid}"));
        let (fate, why) = (line.fate.name(), line.why.join("; "));
        output.line(format!("line {}, {sid}: {fate}: {why}", line.line))?;
    }
    let [exact, loss, refused] = counts.map(|(_, count)| count);
    output.line(format!(
        "{}: {exact} taken, {loss} taken with a loss, {refused} refused",
        text::count(import.lines.len() as u64, "rule")
    ))
}

/// Most bytes of an input.
const MAX_INPUT: u64 = 1 << 30;

/// Looks for signatures in bytes.
fn test(output: &Output, file: &Path, inputs: &[PathBuf], pieces: u32) -> Result<()> {
    let compiled = configuration::read::<Compiled>(file)?.map_err(|faults| refuse(&faults))?;
    let signatures = signatures(&compiled)?;
    let mut all = Vec::new();
    for input in inputs {
        let name = input.display().to_string();
        let bytes = input::read(input, MAX_INPUT)?;
        // CAST: widens.
        all.push((
            name.clone(),
            matches(&signatures, &name, &bytes, pieces as usize),
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
