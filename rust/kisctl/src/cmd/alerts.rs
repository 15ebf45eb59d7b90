// SPDX-License-Identifier: GPL-2.0

//! `kisctl alerts`.

use crate::{
    args::{
        Alerts,
        Format, //
    },
    control::{
        messages,
        Control, //
    },
    device::{
        Device,
        From,
        Stored, //
    },
    error::{
        Error,
        Kind,
        Result, //
    },
    event::{
        eve::Alert,
        matched,
        sentence,
        since::Begin,
        Context,
        Event, //
    },
    output::{
        note,
        Output, //
    },
    text, //
};
use kis_core::{
    wire::abi::Class,
    wire::record::Record, //
};
use std::time::{
    Duration,
    Instant, //
};

/// Prints what is in the ring, and with `--follow` what comes; the exit code.
pub fn run(output: &Output, args: &Alerts) -> Result<u8> {
    let follow = args.follow || args.new;
    if !follow && args.timeout.is_some() {
        return Err(Error::usage("--timeout: nothing is waited for").next("add --follow"));
    }
    if args.payload && args.format != Format::Eve {
        return Err(Error::usage("--payload: only alerts of EVE have one").next("add --format eve"));
    }
    let from = if args.new { From::Now } else { From::Oldest };
    let mut device = Device::open(from)?;
    let mut printer = Printer {
        output,
        format: if output.is_json() && args.format == Format::Text {
            Format::Json
        } else {
            args.format
        },
        payload: args.payload,
        context: Context::of_system(),
        asked_for: (0, 0),
        same: None,
    };
    let mut records = device.drain();
    if let Some(name) = &args.cell {
        is_there(name, &records)?;
    }
    let begin = args.since.map(|since| since.begin(&records));
    if from == From::Oldest && matches!(begin, Some(Begin::Lane(..))) {
        note("the record of --since is not in the ring: all that the other lanes hold follows");
    }
    records.retain(|record| is_wanted(record, args, begin));
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
    let mut missed = device.missed();
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
        records.retain(|record| is_wanted(record, args, begin));
        if device.missed() > missed {
            note(format!(
                "{} records were overwritten or lost before they could be read",
                device.missed() - missed
            ));
            missed = device.missed();
        }
    }
}

fn is_wanted(stored: &Stored, args: &Alerts, begin: Option<Begin>) -> bool {
    let head = stored.head();
    let is_asked_for = |kind| args.types.contains(&kind);
    // Whoever names a type of telemetry wants it.
    (args.telemetry || !args.types.is_empty() || head.id().class() != Some(Class::Telemetry))
        && (args.types.is_empty() || head.record_type().is_some_and(is_asked_for))
        && begin.is_none_or(|begin| begin.is_before(head))
        && args
            .cell
            .as_ref()
            .is_none_or(|cell| head.cell_name() == cell.as_bytes())
}

struct Printer<'a> {
    output: &'a Output,
    format: Format,
    /// Whether EVE has the received bytes.
    payload: bool,
    context: Context,
    /// The signature that was not known when we last asked for messages.
    asked_for: (u32, u32),
    /// What the last line said but for its time, how often it came up again, and when last.
    same: Option<(String, u64, String)>,
}

/// Refuses the name of a cell that is neither loaded nor in the records.
fn is_there(name: &str, records: &[Stored]) -> Result<()> {
    let is_of = |stored: &Stored| stored.head().cell_name() == name.as_bytes();
    if records.iter().any(is_of) {
        return Ok(());
    }
    match Control::open().and_then(|mut control| control.cell(name)) {
        Err(e) if e.kind() == Kind::NotFound => Err(e),
        // Who may read the ring need not be allowed to ask for cells.
        _ => Ok(()),
    }
}

impl Printer<'_> {
    fn print(&mut self, records: &[Stored]) -> Result<()> {
        for stored in records {
            let record = &stored.record();
            self.learn_message(record);
            match self.format {
                Format::Json => {
                    self.output.ndjson(&Event::new(record, &self.context))?;
                    continue;
                }
                Format::Eve => {
                    if let Some(alert) = Alert::new(record, &self.context, self.payload) {
                        self.output.ndjson(&alert)?;
                    }
                    continue;
                }
                Format::Text => {}
            }
            let (head, title) = sentence::head(record);
            let summary = sentence::summary(record, &self.context);
            let cell = text::name(record.head.cell_name());
            let said = format!("{cell} {title} {summary}");
            if let Some((_, again, last)) = self.same.as_mut().filter(|(same, ..)| *same == said) {
                *again += 1;
                *last = text::clock(record.head.wall_ns);
                continue;
            }
            self.told_again()?;
            let title = self.output.paint(sentence::colour(record), &title);
            self.output
                .line(format!("{head} {title} {summary}").trim_end())?;
            self.same = Some((said, 0, String::new()));
        }
        self.told_again()
    }

    /// Says how often the last line came up again, if it did.
    fn told_again(&mut self) -> Result<()> {
        match self.same.take() {
            Some((_, again @ 1.., last)) => {
                let times = text::count(again, "time");
                self.output.line(format!("{last} the same {times} more"))
            }
            _ => Ok(()),
        }
    }

    /// Asks for the messages again when a signature is new.
    fn learn_message(&mut self, record: &Record<'_>) {
        let Some(found) = matched(record) else {
            return;
        };
        let signature = (found.sig_id, found.sig_rev);
        let is_known = self.context.messages.contains_key(&signature);
        if is_known || self.asked_for == signature {
            return;
        }
        self.asked_for = signature;
        self.context.messages = messages();
    }
}
