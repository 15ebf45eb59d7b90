// SPDX-License-Identifier: GPL-2.0

//! `kisctl alerts`.

use crate::{
    args::Alerts,
    control::Control,
    device::{
        Device,
        From, //
    },
    error::{
        Error,
        Kind,
        Result, //
    },
    event::{
        sentence,
        Context,
        Event, //
    },
    output::{
        note,
        Output, //
    }, //
};
use kis_core::{
    wire::abi::{
        Class,
        RecordType, //
    },
    wire::record::Record, //
};
use std::{
    collections::HashMap,
    time::{
        Duration,
        Instant, //
    }, //
};

/// The messages of the loaded signatures, where we may ask for them.
pub fn messages() -> HashMap<(u32, u32), String> {
    let signatures = Control::open().and_then(|mut control| control.signatures());
    signatures
        .unwrap_or_default()
        .into_iter()
        .map(|signature| ((signature.id, signature.revision), signature.message))
        .collect()
}

/// Prints what is in the ring, and with `--follow` what comes; the exit code.
pub fn run(output: &Output, args: &Alerts) -> Result<u8> {
    let follow = args.follow || args.new;
    if !follow && args.timeout.is_some() {
        return Err(Error::usage("--timeout: nothing is waited for").next("add --follow"));
    }
    let from = if args.new { From::Now } else { From::Oldest };
    let mut device = Device::open(from)?;
    let mut printer = Printer {
        output,
        context: Context::of_system(),
        asked_for: (0, 0),
    };
    let mut records = device.drain();
    records.retain(|record| is_wanted(record, args));
    // CAST: a count that does not fit is no restriction.
    let count = args
        .count
        .map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    if !follow {
        let skipped = records.len().saturating_sub(count.unwrap_or(usize::MAX));
        printer.print(records.get(skipped..).unwrap_or_default())?;
        return Ok(0);
    }
    let end = args
        .timeout
        .map(|seconds| Instant::now() + Duration::from_secs(seconds.into()));
    let mut left = count.unwrap_or(usize::MAX);
    let mut lost = device.lost();
    loop {
        records.truncate(left);
        printer.print(&records)?;
        left -= records.len();
        if left == 0 {
            return Ok(0);
        }
        if !device.wait(end)? {
            // Whoever asked for a number and did not get it has to know.
            return Ok(if args.count.is_some() {
                Kind::Failed as u8
            } else {
                0
            });
        }
        records = device.drain();
        records.retain(|record| is_wanted(record, args));
        if device.lost() > lost {
            note(format!(
                "{} records were overwritten before they could be read",
                device.lost() - lost
            ));
            lost = device.lost();
        }
    }
}

fn is_wanted(record: &Record, args: &Alerts) -> bool {
    let is_alert = record.record_type().map(RecordType::class) != Some(Class::Telemetry);
    (is_alert || args.telemetry)
        && args.since.is_none_or(|since| record.id > since)
        && args
            .cell
            .as_ref()
            .is_none_or(|cell| record.cell_name() == cell.as_bytes())
}

struct Printer<'a> {
    output: &'a Output,
    context: Context,
    /// The signature that was not known when we last asked for messages.
    asked_for: (u32, u32),
}

impl Printer<'_> {
    fn print(&mut self, records: &[Record]) -> Result<()> {
        for record in records {
            self.learn_message(record);
            if self.output.is_json() {
                self.output.ndjson(&Event::new(record, &self.context))?;
                continue;
            }
            let (head, title) = sentence::head(record);
            let title = self.output.paint(sentence::colour(record), &title);
            let summary = sentence::summary(record, &self.context);
            self.output
                .line(format!("{head} {title} {summary}").trim_end())?;
        }
        Ok(())
    }

    /// Asks for the messages again when a signature is new.
    fn learn_message(&mut self, record: &Record) {
        let signature = (record.sig_id, record.sig_rev);
        let is_known = self.context.messages.contains_key(&signature);
        if record.sig_id == 0 || is_known || self.asked_for == signature {
            return;
        }
        self.asked_for = signature;
        self.context.messages = messages();
    }
}
