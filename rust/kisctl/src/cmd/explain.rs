// SPDX-License-Identifier: GPL-2.0

//! `kisctl explain`.

use crate::{
    control::messages,
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
use kis_core::{
    wire::abi::ID_LANE_BITS,
    wire::record::Id, //
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
    let Some(stored) = records.iter().find(|stored| stored.head().id == id) else {
        let lane = Id::from_number(id).lane();
        let mut of_lane = records
            .iter()
            .map(|stored| stored.head().id())
            .filter(|id| id.lane() == lane);
        let held = match (of_lane.next(), of_lane.next_back()) {
            (Some(first), last) => format!(
                "its lane of the ring holds each {}th from {} to {}",
                1 << ID_LANE_BITS,
                first.get(),
                last.unwrap_or(first).get()
            ),
            (None, _) => "its lane of the ring is empty".to_owned(),
        };
        return Err(Error::not_found(format!("record {id}: not in the ring")).next(held));
    };
    let record = &stored.record();
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
