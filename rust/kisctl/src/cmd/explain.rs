// SPDX-License-Identifier: GPL-2.0

//! `kisctl explain`.

use crate::{
    control::{
        messages,
        Control, //
    },
    device::{
        find,
        Device,
        From, //
    },
    error::Result,
    event::{
        aftermath::{
            aftermath,
            remedy, //
        },
        kind,
        sentence,
        Context,
        Event, //
    },
    output::Output,
    profile_file::Saved,
    view::class::Growth, //
};
use kis_core::wire::record::Record;
use serde::Serialize;

/// Explains the record of that number.
pub fn run(output: &Output, id: u64) -> Result<()> {
    #[derive(Serialize)]
    struct Explained {
        #[serde(flatten)]
        event: Event,
        explanation: String,
    }

    let records = Device::open(From::Oldest)?.drain();
    let stored = find(&records, id)?;
    let record = &stored.record();
    let mut context = Context::of_system();
    context.messages = messages();
    context.learned = learned(record);
    let mut sentences = sentence::explain(record, &context);
    sentences.extend(aftermath(&records, record));
    sentences.extend(remedy(record));
    if output.is_json() {
        return output.object(&Explained {
            event: Event::new(record, &context),
            explanation: sentences.join(" "),
        });
    }
    sentences
        .iter()
        .try_for_each(|sentence| output.line(sentence))
}

/// How the class grows that a record says something new of, where we may ask for it.
fn learned(record: &Record<'_>) -> Option<Growth> {
    let (class, _) = kind(record)?;
    let name = std::str::from_utf8(record.head.cell_name()).ok()?;
    let mut control = Control::open().ok()?;
    let cell = control.cell(name).ok()?;
    let saved = Saved::of_cell(&mut control, name).ok()?;
    Some(Growth::of(&saved.repertoire, class, cell.window_ms))
}
