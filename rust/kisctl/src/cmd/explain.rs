// SPDX-License-Identifier: GPL-2.0

//! `kisctl explain`.

use crate::{
    cmd::alerts::messages,
    device::{
        Device,
        From, //
    },
    error::{
        Error,
        Result, //
    },
    event::{
        sentence,
        Context,
        Event, //
    },
    output::Output, //
};
use serde::Serialize;

/// Explains the record of that number.
pub fn run(output: &Output, id: u64) -> Result<()> {
    #[derive(Serialize)]
    struct Explained {
        #[serde(flatten)]
        event: Event,
        explanation: String,
    }

    let mut device = Device::open(From::Oldest)?;
    let records = device.drain();
    let Some(record) = records.iter().find(|record| record.id == id) else {
        let held = match (records.first(), records.last()) {
            (Some(first), Some(last)) => {
                format!("the ring holds some of {} to {}", first.id, last.id)
            }
            _ => "the ring is empty".to_owned(),
        };
        return Err(Error::not_found(format!("record {id}: not in the ring")).next(held));
    };
    let mut context = Context::of_system();
    context.messages = messages();
    let sentences = sentence::explain(record, &context);
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
