// SPDX-License-Identifier: GPL-2.0

//! A record for people: one line in a list, or sentences that explain it with all its numbers.

use super::{
    action,
    cause,
    command,
    connection,
    excerpt,
    has_op,
    mode,
    op,
    path,
    phase_set,
    window,
    Connection,
    Context, //
};
use crate::{
    control::mode_name,
    output::{
        list,
        Colour, //
    },
    text::{
        self,
        clock,
        printable,
        q16,
        rfc3339, //
    }, //
};
use kis_core::{
    wire::abi::{
        Action,
        Cause,
        Mode,
        Op,
        Phase,
        RecordType,
        FLAG_APPLIED,
        FLAG_PATH_CUT, //
    },
    wire::record::Record, //
};

/// Colour of a record's type.
pub fn colour(record: &Record) -> Colour {
    match record.record_type() {
        Some(RecordType::DangerTwo | RecordType::Veto) => Colour::Red,
        Some(RecordType::DangerOne | RecordType::BanDrop) => Colour::Yellow,
        Some(RecordType::Calm) => Colour::Green,
        Some(RecordType::Window) => Colour::Faint,
        _ => Colour::Plain,
    }
}

/// The type in capital letters, for the list.
pub fn title(record: &Record) -> String {
    match record.record_type() {
        Some(kind) => kind.name().replace('-', " ").to_uppercase(),
        None => format!("TYPE {}", record.kind),
    }
}

/// Time, number, cell and type of a record.
pub fn head(record: &Record) -> (String, String) {
    let cell = match record.cell_name() {
        [] => "-".to_owned(),
        name => text::name(name),
    };
    (
        format!("{} #{} {cell}", clock(record.wall_ns), record.id),
        title(record),
    )
}

/// The rest of the line in a list.
pub fn summary(record: &Record, context: &Context) -> String {
    let mut parts = vec![what(record, context)];
    if let Some(connection) = connection(record).as_ref().and_then(peer) {
        parts.push(format!("from {connection}"));
    }
    match (record.pid, record.tid) {
        (0, _) => {}
        // Of a connection only the process is known that accepted it.
        (pid, 0) => parts.push(format!("to process {pid}")),
        (pid, _) => parts.push(format!("by {}[{pid}]", text::name(record.comm()))),
    }
    let decided = Action::from_bits(record.action);
    if !decided.is_pass() {
        let done = if record.flags & FLAG_APPLIED != 0 {
            "done"
        } else {
            "only observed"
        };
        parts.push(format!("-> {} ({done})", action(record)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// What happened, short.
fn what(record: &Record, context: &Context) -> String {
    match record.record_type() {
        Some(RecordType::Window) => window(record)
            .iter()
            .filter(|(_, value)| **value > 0)
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" "),
        Some(RecordType::Phase) => format!("now {}", phase_set(record)),
        Some(RecordType::Control) => control(record),
        Some(RecordType::Calm) => format!("{} over", ended(record)),
        Some(RecordType::BanDrop) => "packets of a banned peer dropped".to_owned(),
        _ => match record.cause() {
            Some(Cause::Threshold | Cause::Bound) => {
                let name = record.param().map_or("a parameter", |param| param.name());
                let line = if record.cause() == Some(Cause::Bound) {
                    "bound"
                } else {
                    "threshold"
                };
                format!(
                    "{name} {} over its {line} {}",
                    record.observed, record.threshold
                )
            }
            Some(Cause::Signature) => {
                let message = message(record, context)
                    .map(|message| format!(" \"{message}\""))
                    .unwrap_or_default();
                format!(
                    "signature {} rev {}{message} at byte {}",
                    record.sig_id, record.sig_rev, record.offset
                )
            }
            _ => operation(record),
        },
    }
}

/// What the officer asked for.
fn control(record: &Record) -> String {
    let value = record.value;
    match command(record).as_deref() {
        Some("mode_set") => format!("mode {}", mode_name(value)),
        Some("ban_add") => format!("ban for {}", text::duration_ms(value.into())),
        Some("ban_del") => "end of a ban".to_owned(),
        Some("image_commit") => match u32::from(record.param) {
            crate::uapi::KIS_IMAGE_KIND_SIGNATURES => format!("{value} signatures loaded"),
            _ => format!("{value} cells loaded"),
        },
        Some("cell_unload") => "all cells unloaded".to_owned(),
        Some("signature_unload") => "all signatures unloaded".to_owned(),
        Some(other) => format!("{other} {value}"),
        None => format!("something, {value}"),
    }
}

/// The signals that have ended.
fn ended(record: &Record) -> &'static str {
    match record.value {
        1 => "one",
        2 => "two",
        3 => "one and two",
        _ => "unknown",
    }
}

/// Operation, path and cause.
fn operation(record: &Record) -> String {
    let mut text = if has_op(record) {
        op(record)
    } else {
        String::new()
    };
    if let Some(path) = path(record) {
        text.push_str(&format!(" {}{}", cut_mark(record), text::name(path)));
    }
    let why = match record.cause() {
        Some(Cause::Tree) => "outside the allowed paths",
        Some(Cause::SelfDir) => "outside the learned self",
        Some(Cause::Forbidden) => "forbidden",
        Some(Cause::Danger) => "denied in danger",
        _ => "",
    };
    if !why.is_empty() {
        text.push_str(&format!(": {why}"));
    }
    text
}

fn cut_mark(record: &Record) -> &'static str {
    if record.flags & FLAG_PATH_CUT != 0 {
        "..."
    } else {
        ""
    }
}

fn message<'a>(record: &Record, context: &'a Context) -> Option<&'a String> {
    context.messages.get(&(record.sig_id, record.sig_rev))
}

/// The peer's address and port.
fn peer(connection: &Connection) -> Option<String> {
    endpoint(connection.src_ip, connection.src_port)
}

fn endpoint(ip: Option<std::net::IpAddr>, port: Option<u16>) -> Option<String> {
    Some(std::net::SocketAddr::new(ip?, port?).to_string())
}

/// The record in sentences.
pub fn explain(record: &Record, context: &Context) -> Vec<String> {
    let mut sentences = vec![opening(record)];
    sentences.extend(who(record));
    sentences.extend(why(record, context));
    sentences.extend(state(record));
    sentences.extend(outcome(record));
    sentences
}

fn opening(record: &Record) -> String {
    let subject = match record.cell_name() {
        [] => String::new(),
        name => format!(" in cell \"{}\"", text::name(name)),
    };
    let what = match record.record_type() {
        Some(RecordType::DangerOne) => "Danger signal one was raised",
        Some(RecordType::DangerTwo) => "Danger signal two was raised",
        Some(RecordType::Veto) => "A call was vetoed while danger signal two was up",
        Some(RecordType::Calm) => "A danger signal ended",
        Some(RecordType::Phase) => "The phase changed",
        Some(RecordType::Control) => "The officer changed something",
        Some(RecordType::BanDrop) => "Packets of a banned peer were dropped",
        Some(RecordType::Window) => "A window ended",
        Some(RecordType::MatchCalm) => "A type 1 signature matched while its cell was calm",
        None => "Something happened that this kisctl does not know",
    };
    format!(
        "Record {}, {}: {what}{subject} (configuration {}).",
        record.id,
        rfc3339(record.wall_ns),
        record.generation
    )
}

fn who(record: &Record) -> Option<String> {
    let start = record.start_ns / 1_000_000;
    match (record.pid, record.tid) {
        (0, _) => None,
        (pid, 0) => Some(format!(
            "The connection was accepted by process {pid}, started {start} ms after boot."
        )),
        (pid, tid) => Some(format!(
            "It was process {pid} (\"{}\", thread {tid}, user {}), started {start} ms after boot.",
            text::name(record.comm()),
            record.uid,
        )),
    }
}

/// The cause with all its numbers.
fn why(record: &Record, context: &Context) -> Vec<String> {
    let mut sentences = Vec::new();
    match record.record_type() {
        Some(RecordType::Phase) => {
            sentences.push(format!("The cell is {} now.", phase_set(record)));
        }
        Some(RecordType::Control) => {
            sentences.push(format!("The request: {}.", control(record)));
        }
        Some(RecordType::Calm) => {
            sentences.push(format!("What ended: danger signal {}.", ended(record)));
        }
        Some(RecordType::Window) => sentences.push(format!(
            "It measured {}.",
            list(
                &window(record)
                    .iter()
                    .map(|(name, value)| format!("{name} {value}"))
                    .collect::<Vec<_>>()
            )
        )),
        _ => {}
    }
    if let Some(param) = record.param() {
        sentences.extend(measure(record, param));
    }
    if has_op(record) && record.op() != Some(Op::Receive) {
        let path =
            path(record).map(|path| format!(" of \"{}{}\"", cut_mark(record), text::name(path)));
        sentences.push(format!(
            "The operation was {}{}.",
            op(record),
            path.unwrap_or_default()
        ));
    }
    match record.cause() {
        Some(Cause::Tree) => sentences.push(
            "The path lies outside of every prefix that the cell file allows for it.".to_owned(),
        ),
        Some(Cause::SelfDir) => sentences.push(
            "The cell never used that directory while it learned: it is outside of its self."
                .to_owned(),
        ),
        Some(Cause::Forbidden) => {
            sentences.push("The cell file forbids that operation always.".to_owned());
        }
        Some(Cause::Danger) => sentences.push(
            "The cell file lists that operation under danger_two: it is denied while the signal is up."
                .to_owned(),
        ),
        Some(Cause::Officer) => {
            sentences.push("The cause was a request of an officer over netlink.".to_owned());
        }
        Some(Cause::Signature) => sentences.extend(matched(record, context)),
        Some(Cause::None | Cause::Threshold | Cause::Bound) => {}
        None => sentences.push(format!("The cause is {}.", cause(record))),
    }
    if record.cause() != Some(Cause::Signature) {
        sentences.extend(stream(record));
    }
    sentences
}

fn measure(record: &Record, param: kis_core::wire::abi::Param) -> Vec<String> {
    let unit = match param.unit().name() {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    let line = if record.cause() == Some(Cause::Bound) {
        "the officer's bound"
    } else {
        "the learned threshold"
    };
    let mut sentences = vec![format!(
        "Parameter {} reached {}{unit} in its window; {line} is {}{unit}.",
        param.name(),
        record.observed,
        record.threshold
    )];
    if record.n == 0 {
        sentences.push("Nothing was learned of it yet.".to_owned());
        return sentences;
    }
    let mut learned = format!(
        "Learned over {} windows: mean {}{unit}, deviation {}{unit}",
        record.n,
        q16(record.mean),
        q16(record.deviation)
    );
    let above = (u128::from(record.observed) << 16).saturating_sub(u128::from(record.mean));
    if let Some(tenths) = (above * 10).checked_div(u128::from(record.deviation)) {
        learned.push_str(&format!(
            "; the value lies {}.{} deviations above the mean",
            tenths / 10,
            tenths % 10
        ));
    }
    learned.push('.');
    sentences.push(learned);
    sentences
}

fn matched(record: &Record, context: &Context) -> Vec<String> {
    let message = message(record, context)
        .map(|message| format!(" (\"{message}\")"))
        .unwrap_or_default();
    let mut sentences = vec![format!(
        "Signature {} revision {}{message} matched; its last byte is byte {} of the stream.",
        record.sig_id, record.sig_rev, record.offset
    )];
    sentences.extend(stream(record));
    sentences
}

/// Connection and excerpt.
fn stream(record: &Record) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(connection) = connection(record) {
        let local = endpoint(connection.dest_ip, connection.dest_port);
        sentences.push(match (peer(&connection), local) {
            (Some(peer), Some(local)) => {
                format!(
                    "The connection is {} from {peer} to {local}.",
                    connection.proto
                )
            }
            _ => format!("The connection is a {} socket.", connection.proto),
        });
    }
    if let Some(excerpt) = excerpt(record) {
        sentences.push(format!(
            "Received before its end: \"{}\".",
            printable(excerpt)
        ));
    }
    sentences
}

/// What was up when it happened.
fn state(record: &Record) -> Option<String> {
    if record.cell == 0 {
        return None;
    }
    let up = |flag: u16| {
        if record.flags & flag != 0 {
            "up"
        } else {
            "down"
        }
    };
    let phase = match record.phase() {
        Phase::Learning => "was still learning",
        Phase::Ready => "had learned its self",
    };
    Some(format!(
        "The cell {phase}; danger signal one was {}, two was {}.",
        up(kis_core::wire::abi::FLAG_DANGER_ONE),
        up(kis_core::wire::abi::FLAG_DANGER_TWO)
    ))
}

/// Decided and applied.
fn outcome(record: &Record) -> Option<String> {
    let decided = Action::from_bits(record.action);
    if decided.is_pass() {
        let speaks = matches!(
            record.record_type(),
            Some(RecordType::DangerOne | RecordType::DangerTwo | RecordType::MatchCalm)
        );
        return speaks.then(|| "Decided: nothing to be done to the process.".to_owned());
    }
    let words: Vec<String> = [
        (Action::DENY, "deny the call with EPERM"),
        (
            Action::KILL,
            "reset the connection before the bytes are read",
        ),
        (Action::BAN, "ban the peer for a while"),
    ]
    .into_iter()
    .filter(|(action, _)| decided.contains(*action))
    .map(|(_, words)| words.to_owned())
    .collect();
    let applied = if record.flags & FLAG_APPLIED != 0 {
        "That was carried out"
    } else {
        "That was not carried out"
    };
    let mode = match mode(record) {
        name if name == Mode::Observe.name() => {
            "the mode was observe, which records only".to_owned()
        }
        name => format!("the mode was {name}"),
    };
    Some(format!("Decided: {}. {applied}: {mode}.", list(&words)))
}
