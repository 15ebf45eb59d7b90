// SPDX-License-Identifier: GPL-2.0

//! `kisctl sig`: check, test, import, load, list, unload.

use crate::{
    args::Sig as Verb,
    capture::{
        file::is_capture,
        Summary, //
    },
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
        in_capture,
        matches,
        signatures,
        Match,
        Trial,
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
            both,
            raw,
        } => test(output, file, inputs, *pieces, *both, *raw)?,
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
    for (name, value) in &import.variables {
        note(format!("{name} is taken to be {value}, as in Suricata's own configuration; else change the ports in {}", to.display()));
    }
    let [exact, loss, refused] = counts.map(|(_, count)| count);
    output.line(format!(
        "{}: {exact} taken, {loss} taken with a loss, {refused} refused",
        text::count(import.lines.len() as u64, "rule")
    ))
}

/// Columns of a terminal of the usual size.
const WIDTH: usize = 80;

/// Most bytes of an input.
const MAX_INPUT: u64 = 1 << 30;

/// Looks for signatures in bytes and captures.
fn test(
    output: &Output,
    file: &Path,
    inputs: &[PathBuf],
    pieces: u32,
    both: bool,
    raw: bool,
) -> Result<()> {
    let compiled = configuration::read::<Compiled>(file)?.map_err(|faults| refuse(&faults))?;
    let signatures = signatures(&compiled)?;
    // CAST: widens.
    let piece = pieces as usize;
    let mut all = Vec::new();
    for input in inputs {
        let name = input.display().to_string();
        let bytes = input::read(input, MAX_INPUT)?;
        all.push(if is_capture(&bytes) && !raw {
            in_capture(&signatures, &name, &bytes, piece, both)?
        } else {
            Trial {
                matches: matches(&signatures, &name, &bytes, piece),
                input: name,
                capture: None,
            }
        });
    }
    tell_test(output, file, &all)
}

/// What was found in each input.
pub(super) fn tell_test(output: &Output, file: &Path, all: &[Trial]) -> Result<()> {
    if output.is_json() {
        let found = all.iter().flat_map(|trial| &trial.matches);
        let captures = all.iter().filter_map(|trial| {
            let summary = trial.capture.as_ref()?;
            Some(
                Object::new()
                    .with("input", trial.input.clone())
                    .and(counts(summary)),
            )
        });
        let report = Object::report()
            .with("file", file.display().to_string())
            .with("matches", objects(MATCH, found))
            .with("captures", captures.collect::<Vec<_>>());
        return output.object(&report);
    }
    for trial in all {
        let input = &trial.input;
        if let Some(summary) = &trial.capture {
            tell_capture(output, input, summary)?;
        }
        if trial.matches.is_empty() {
            output.line(format!("{input}: no signature matches"))?;
        }
        for found in &trial.matches {
            tell_match(output, found)?;
        }
    }
    Ok(())
}

/// What was in a capture, for programs.
fn counts(summary: &Summary) -> Object {
    let notes = summary.notes.all().iter().map(|note| {
        Object::new()
            .with("what", note.what)
            .with("count", note.count)
            .with("packet", note.first.packet)
            .with("byte", note.first.byte)
    });
    Object::new()
        .with("packets", summary.packets)
        .with("connections", summary.connections)
        .with("datagrams", summary.datagrams)
        .with("notes", notes.collect::<Vec<_>>())
}

/// What was in a capture, for people.
fn tell_capture(output: &Output, input: &str, summary: &Summary) -> Result<()> {
    let counts = [
        text::count(summary.packets, "packet"),
        text::count(summary.connections, "connection"),
        text::count(summary.datagrams, "datagram"),
    ];
    output.line(format!("{input}: {}", counts.join(", ")))?;
    for note in summary.notes.all() {
        let text = format!("  {} ({})", note.what, note.seen());
        if text.len() <= WIDTH {
            output.line(text)?;
        } else {
            output.line(format!("  {}", note.what))?;
            output.line(format!("    {}", note.seen()))?;
        }
    }
    Ok(())
}

/// A match.
fn tell_match(output: &Output, found: &Match) -> Result<()> {
    let Match {
        input,
        id,
        kind,
        message,
        ..
    } = found;
    let cell = found.cell.as_ref();
    let cell = cell.map_or(String::new(), |cell| format!(", cell \"{cell}\""));
    output.line(format!(
        "{input}: signature {id}, type {kind}{cell}: \"{message}\", ends with byte {}",
        found.offset
    ))?;
    if let Some(origin) = &found.origin {
        let at = origin.time_ns.map_or(String::new(), |time_ns| {
            format!(" at {}", text::rfc3339(time_ns))
        });
        let to = if origin.to_server { "server" } else { "client" };
        let (packet, protocol) = (origin.place.packet, origin.protocol.name());
        output.line(format!("  packet {packet}{at}, {protocol} to the {to}"))?;
        let ends = format!("  {} -> {}", origin.source, origin.destination);
        if ends.len() <= WIDTH {
            output.line(ends)?;
        } else {
            output.line(format!("  {} ->", origin.source))?;
            output.line(format!("  {}", origin.destination))?;
        }
    }
    output.line(format!("  {}", found.excerpt))
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
