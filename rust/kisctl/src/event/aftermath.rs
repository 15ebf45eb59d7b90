// SPDX-License-Identifier: GPL-2.0

//! What came of a danger signal, and what to do when it was none.

use super::{
    connection,
    kind,
    op, //
};
use crate::{
    device::Stored,
    text::{
        self,
        clock, //
    }, //
};
use kis_core::{
    cells::Access,
    wire::abi::{
        Action,
        Cause,
        RecordType,
        FLAG_APPLIED, //
    },
    wire::record::{
        Body,
        Record, //
    }, //
};
use std::collections::HashMap;

/// Calls that were denied, by the records that tell of them: each has its number among those of its
/// kind in its window, and not each call has a record.
#[derive(Default)]
struct Calls {
    last: HashMap<u16, u32>,
    sum: u64,
}

impl Calls {
    fn count(&mut self, op: u16, nth: u32) {
        let last = self.last.entry(op).or_default();
        // Else a new window has begun.
        let more = nth
            .checked_sub(*last)
            .filter(|more| *more > 0)
            .unwrap_or(nth);
        self.sum += u64::from(more);
        *last = nth;
    }
}

/// What followed a record of danger signal two, by those that came after it, in their order.
pub fn aftermath(records: &[Stored], of: &Record<'_>) -> Option<String> {
    if of.head.record_type() != Some(RecordType::DangerTwo) {
        return None;
    }
    let after = records.iter().filter(|stored| {
        stored.head().order() > of.head.order() && stored.head().cell == of.head.cell
    });
    let (mut done, mut observed, mut end) = (Calls::default(), Calls::default(), None);
    for stored in after {
        let record = stored.record();
        match &record.body {
            Body::Calm(calm) if calm.two != 0 => {
                end = Some(clock(record.head.wall_ns));
                break;
            }
            Body::Operation(operation)
                if Action::from_bits(record.head.action).contains(Action::DENY) =>
            {
                let calls = if record.head.flags & FLAG_APPLIED != 0 {
                    &mut done
                } else {
                    &mut observed
                };
                calls.count(operation.op, operation.nth);
            }
            _ => {}
        }
    }
    let until = match end {
        Some(end) => format!("until {end}, when the signal ended"),
        None => "so far; its end is not in the ring".to_owned(),
    };
    let calls = |calls: &Calls| text::count(calls.sum, "more call");
    Some(match (done.sum, observed.sum) {
        (0, 0) => format!("No more call was denied in the cell {until}."),
        (_, 0) => format!(
            "At least {} denied in the cell {until}.",
            were(&calls(&done), done.sum)
        ),
        (0, _) => format!(
            "At least {} would have been denied in the cell {until}.",
            calls(&observed)
        ),
        _ => format!(
            "At least {} denied in the cell, and {} would have been, {until}.",
            were(&calls(&done), done.sum),
            calls(&observed)
        ),
    })
}

fn were(calls: &str, count: u64) -> String {
    format!("{calls} {}", if count == 1 { "was" } else { "were" })
}

/// What to do when a record tells of something that is right.
pub fn remedy(record: &Record<'_>) -> Option<String> {
    let cell = match record.head.cell_name() {
        [] => return None,
        name => text::name(name),
    };
    let speaks = matches!(
        record.head.record_type(),
        Some(RecordType::DangerOne | RecordType::DangerTwo | RecordType::Veto)
    );
    if !speaks {
        return None;
    }
    let id = record.head.id;
    let what = match (record.head.cause()?, &record.body) {
        (Cause::SelfDir, _) if kind(record).is_some() => {
            format!("kisctl profile accept {cell} --alert {id}")
        }
        (Cause::Unexpected, _) => {
            let class = kind(record).map_or("CLASS", |(class, _)| class.name());
            format!(
                "add a pattern to expect.{class} of the cell file and load it, or \
                 kisctl profile accept {cell} --alert {id}"
            )
        }
        (Cause::Threshold, _) => format!(
            "give thresholds.budget of the cell file more alarms, or learn anew under such a load: \
             kisctl profile reset {cell}"
        ),
        (Cause::Bound, Body::Crossing(crossing)) => {
            let name = crossing.param().map_or("NAME", |param| param.name());
            format!("raise bounds.{name} of the cell file, and load it: kisctl cell load FILE")
        }
        (Cause::Tree, _) => {
            let key = match record.op().and_then(Access::of) {
                Some(Access::Read) => "read",
                Some(Access::Exec) => "exec",
                _ => "write",
            };
            format!(
                "add a prefix to files.{key} of the cell file, and load it: kisctl cell load FILE"
            )
        }
        (Cause::Forbidden, _) => format!(
            "take {} out of forbid in the cell file, and load it: kisctl cell load FILE",
            op(record)
        ),
        (Cause::Danger, _) => {
            format!("see what the danger was: kisctl alerts --cell {cell} --type danger-two")
        }
        (Cause::Signature, _) => match connection(record).and_then(|c| c.src_ip) {
            Some(ip) if Action::from_bits(record.head.action).contains(Action::BAN) => {
                format!("mend the signature, and end the ban: kisctl ban del {ip}")
            }
            _ => "mend the signature, and load it: kisctl sig load FILE".to_owned(),
        },
        _ => return None,
    };
    Some(format!("If that was right: {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kis_core::wire::{
        abi::Op,
        record::{
            Calm,
            Head,
            Id,
            Operation, //
        }, //
    };

    fn record(mono_ns: u64, kind: RecordType, nth: u32, applied: bool) -> Stored {
        let head = Head {
            mono_ns,
            wall_ns: mono_ns,
            id: Id::new(0, mono_ns).get(),
            kind: kind as u16,
            cell: 1,
            action: Action::DENY.bits(),
            flags: if applied { FLAG_APPLIED } else { 0 },
            ..Head::ZERO
        };
        Stored::new(&Record::new(
            head,
            Operation::new(Op::Read, nth, None),
            b"/x",
        ))
    }

    fn end(mono_ns: u64) -> Stored {
        let head = Head {
            mono_ns,
            wall_ns: mono_ns,
            id: Id::new(0, mono_ns).get(),
            kind: RecordType::Calm as u16,
            cell: 1,
            ..Head::ZERO
        };
        let calm = Calm {
            two: 1,
            ..Calm::ZERO
        };
        Stored::new(&Record::new(head, calm, b""))
    }

    #[test]
    fn a_remedy_is_one_line() {
        let mut head = *record(1, RecordType::DangerTwo, 1, true).head();
        head.cell_name[..5].copy_from_slice(b"redis");
        for cause in [
            Cause::Threshold,
            Cause::Tree,
            Cause::Forbidden,
            Cause::Danger,
            Cause::Signature,
        ] {
            head.cause = cause as u16;
            let operation = Operation::new(Op::Read, 1, None);
            let said = remedy(&Record::new(head, operation, b"/x")).expect("a remedy");
            assert!(!said.contains(['\\', '\n']), "{said}");
        }
    }

    #[test]
    fn calls_are_counted_until_the_end() {
        let two = record(1, RecordType::DangerTwo, 1, true);
        let veto = |at, nth| record(at, RecordType::Veto, nth, true);
        let all = [
            two.clone(),
            veto(2, 1),
            veto(3, 4),
            veto(4, 1),
            end(5),
            veto(6, 1),
        ];
        let said = aftermath(&all, &two.record()).expect("danger two");
        assert!(
            said.starts_with("At least 5 more calls were denied"),
            "{said}"
        );
        assert!(said.contains("when the signal ended"), "{said}");
        let said = aftermath(&all[..1], &two.record()).expect("danger two");
        assert!(said.starts_with("No more call was denied"), "{said}");
        let observed = record(2, RecordType::Veto, 1, false);
        let said = aftermath(&[observed], &two.record()).expect("danger two");
        assert!(
            said.starts_with("At least 1 more call would have been denied"),
            "{said}"
        );
        assert_eq!(aftermath(&all, &veto(2, 1).record()), None);
    }
}
