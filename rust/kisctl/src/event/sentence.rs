// SPDX-License-Identifier: GPL-2.0

//! A record for people: one line in a list, or sentences that explain it with all its numbers.

use super::{
    action,
    cause,
    command,
    connection,
    has_op,
    is_kept_out,
    kind,
    lines,
    matched,
    message,
    mode,
    name,
    op,
    phase_set,
    process,
    scan,
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
        base64,
        clock,
        printable,
        q16,
        rfc3339, //
    },
    uapi,
    view::{
        class::Growth,
        item::words, //
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
        FLAG_DANGER_ONE,
        FLAG_DANGER_TWO,
        FLAG_PATH_CUT, //
    },
    wire::record::{
        self,
        Body,
        Calm,
        Record, //
    }, //
};

/// Colour of a record's type.
pub fn colour(record: &Record<'_>) -> Colour {
    match record.head.record_type() {
        Some(RecordType::DangerTwo | RecordType::Veto) => Colour::Red,
        Some(RecordType::DangerOne | RecordType::BanDrop | RecordType::Scan) => Colour::Yellow,
        Some(RecordType::Calm) => Colour::Green,
        Some(RecordType::Window) => Colour::Faint,
        _ => Colour::Plain,
    }
}

/// The type in capital letters, for the list.
pub fn title(record: &Record<'_>) -> String {
    match record.head.record_type() {
        Some(kind) => kind.name().replace('-', " ").to_uppercase(),
        None => format!("TYPE {}", record.head.kind),
    }
}

/// Time, number, cell and type of a record.
pub fn head(record: &Record<'_>) -> (String, String) {
    let cell = match record.head.cell_name() {
        [] => "-".to_owned(),
        name => text::name(name),
    };
    (
        format!("{} #{} {cell}", clock(record.head.wall_ns), record.head.id),
        title(record),
    )
}

/// The rest of the line in a list.
pub fn summary(record: &Record<'_>, context: &Context) -> String {
    let mut parts = vec![what(record, context)];
    if let Some(peer) = connection(record).as_ref().and_then(peer) {
        let way = match record.body {
            Body::Crossing(_) => "to",
            _ => "from",
        };
        parts.push(format!("{way} {peer}"));
    }
    match (process_words(record), process(record)) {
        (Some(words), _) => parts.push(format!("by {words}")),
        // Of a connection only the process is known that accepted it.
        (None, Some(process)) => parts.push(format!("to process {}", process.pid)),
        (None, None) => {}
    }
    let decided = Action::from_bits(record.head.action);
    if !decided.is_pass() {
        let done = if record.head.flags & FLAG_APPLIED != 0 {
            "done"
        } else {
            "only observed"
        };
        parts.push(format!("-> {} ({done})", action(record)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// The process whose call it was: `redis-server[812]`.
pub fn process_words(record: &Record<'_>) -> Option<String> {
    let process = process(record)?;
    Some(format!("{}[{}]", process.comm?, process.pid))
}

/// What happened, short.
fn what(record: &Record<'_>, context: &Context) -> String {
    match &record.body {
        Body::Window(_) => window(record)
            .unwrap_or_default()
            .iter()
            .filter(|(_, value)| **value > 0)
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" "),
        Body::PhaseSet(set) => format!("now {}", phase_set(set)),
        Body::Control(change) => control(record, change),
        Body::Calm(calm) => format!("{} over", ended(calm)),
        Body::BanDrop(_) => "packets of a banned peer dropped".to_owned(),
        Body::Scanned(found) => scan::summary(record, found),
        Body::Crossing(crossing) => {
            let name = crossing.name().unwrap_or("a parameter");
            let line = match record.head.cause() {
                Some(Cause::Bound) => "bound",
                _ => "threshold",
            };
            let (observed, threshold) = (crossing.observed, crossing.threshold);
            let over = sum_of(crossing)
                .map(|over| format!(" in {over}"))
                .unwrap_or_default();
            let training = if is_kept_out(record) {
                ": attempted training, not learned"
            } else {
                ""
            };
            format!("{name} {observed}{over} over its {line} {threshold}{training}")
        }
        Body::Match(found) => {
            let message = message(found, context)
                .map(|message| format!(" \"{message}\""))
                .unwrap_or_default();
            format!(
                "signature {} rev {}{message} at byte {}",
                found.sig_id, found.sig_rev, found.offset
            )
        }
        Body::Operation(_) => operation(record),
        Body::Unknown(number) => {
            format!("body {number} with {} bytes", record.data().len())
        }
    }
}

/// What the officer asked for.
fn control(record: &Record<'_>, change: &record::Control) -> String {
    let count = change.count;
    match change.command {
        uapi::KIS_CMD_MODE_SET => format!("mode {}", mode_name(change.mode)),
        uapi::KIS_CMD_BAN_ADD => format!("ban for {}", text::duration_ms(change.ttl_ms.into())),
        uapi::KIS_CMD_BAN_DEL => "end of a ban".to_owned(),
        uapi::KIS_CMD_IMAGE_COMMIT => match change.image {
            uapi::KIS_IMAGE_KIND_SIGNATURES => {
                format!("{} loaded", text::count(count.into(), "signature"))
            }
            uapi::KIS_IMAGE_KIND_PROFILE => "a profile was given to the cell".to_owned(),
            _ => format!("{} loaded", text::count(count.into(), "cell")),
        },
        uapi::KIS_CMD_PROFILE_ACCEPT => match new_item(record) {
            Some(item) => format!("accepted into the self: {item}"),
            None => command(change),
        },
        uapi::KIS_CMD_PROFILE_RESET => "what was learned is forgotten".to_owned(),
        uapi::KIS_CMD_CELL_UNLOAD => "all cells unloaded".to_owned(),
        uapi::KIS_CMD_SIGNATURE_UNLOAD => "all signatures unloaded".to_owned(),
        _ => command(change),
    }
}

/// The signals that have ended.
fn ended(calm: &Calm) -> &'static str {
    match (calm.one != 0, calm.two != 0) {
        (true, false) => "one",
        (false, true) => "two",
        (true, true) => "one and two",
        (false, false) => "unknown",
    }
}

/// Operation, path and cause.
fn operation(record: &Record<'_>) -> String {
    let mut text = if has_op(record) {
        op(record)
    } else {
        String::new()
    };
    if let Some(path) = record.path() {
        text.push_str(&format!(" {}{}", cut_mark(record), text::name(path)));
    }
    let item = new_item(record);
    let told = |what: &str| match &item {
        Some(item) => format!("{what}: {item}"),
        None => what.to_owned(),
    };
    let why = match record.head.cause() {
        Some(Cause::Tree) => "outside the allowed paths".to_owned(),
        Some(Cause::SelfDir) => told("new to the self"),
        Some(Cause::Unexpected) => told("attempted training, not learned"),
        Some(Cause::Forbidden) => "forbidden".to_owned(),
        Some(Cause::Danger) => "denied in danger".to_owned(),
        Some(Cause::Unseen) => "bytes that could not be looked at".to_owned(),
        _ => String::new(),
    };
    if !why.is_empty() {
        text.push_str(&format!(": {why}"));
    }
    text
}

/// What is new, was not expected, or was accepted, in words.
fn new_item(record: &Record<'_>) -> Option<String> {
    let (class, domain) = kind(record)?;
    Some(match name(record) {
        Some(name) => words(class, domain, &name),
        None => {
            let end = text::escaped(record.data());
            format!("{} ...{end} (as {})", class.name(), domain.name())
        }
    })
}

/// How surprising something new is.
fn surprise(of: &Growth) -> String {
    let (class, windows) = (of.class.name(), of.novelty.windows);
    let items = text::count(of.novelty.items.into(), "item");
    let known = format!("Of class {class} it knows {items} from {windows} windows");
    match (of.state(), of.per_day_q16()) {
        ("full", _) => format!(
            "{known}; {} more found no room, so something new says little.",
            of.novelty.lost
        ),
        ("growing", Some(day)) => format!(
            "{known}; something new is to be expected {} times a day: it is no surprise.",
            text::q16(day)
        ),
        ("saturated", Some(day)) => format!(
            "{known}; something new is to be expected {} times a day: it is a surprise.",
            text::q16(day)
        ),
        _ => format!("{known}."),
    }
}

fn cut_mark(record: &Record<'_>) -> &'static str {
    if record.head.flags & FLAG_PATH_CUT != 0 {
        "..."
    } else {
        ""
    }
}

/// The peer's address, with its port where that is known.
fn peer(connection: &Connection) -> Option<String> {
    endpoint(connection.src_ip, connection.src_port)
        .or_else(|| Some(connection.src_ip?.to_string()))
}

fn endpoint(ip: Option<std::net::IpAddr>, port: Option<u16>) -> Option<String> {
    Some(std::net::SocketAddr::new(ip?, port?).to_string())
}

/// The record in sentences.
pub fn explain(record: &Record<'_>, context: &Context) -> Vec<String> {
    let mut sentences = vec![opening(record)];
    sentences.extend(who(record));
    sentences.extend(why(record, context));
    sentences.extend(state(record));
    sentences.extend(outcome(record));
    sentences
}

fn opening(record: &Record<'_>) -> String {
    let subject = match record.head.cell_name() {
        [] => String::new(),
        name => format!(" in cell \"{}\"", text::name(name)),
    };
    let what = match record.head.record_type() {
        Some(RecordType::DangerOne) => "Danger signal one was raised",
        Some(RecordType::DangerTwo) => "Danger signal two was raised",
        Some(RecordType::Veto) => "A call was vetoed while danger signal two was up",
        Some(RecordType::Calm) => "A danger signal ended",
        Some(RecordType::Phase) => "The phase changed",
        Some(RecordType::Control) => "The officer changed something",
        Some(RecordType::BanDrop) => "Packets of a banned peer were dropped",
        Some(RecordType::Scan) => "Somebody scanned the host",
        Some(RecordType::Window) => "A window ended",
        Some(RecordType::MatchCalm) => "A type 1 signature matched while its cell was calm",
        None => "Something happened that this kisctl does not know",
    };
    format!(
        "Record {}, {}: {what}{subject} (configuration {}).",
        record.head.id,
        rfc3339(record.head.wall_ns),
        record.head.generation
    )
}

fn who(record: &Record<'_>) -> Option<String> {
    let process = process(record)?;
    let (pid, start) = (process.pid, process.start_ns / 1_000_000);
    Some(match (process.comm, process.tid, process.uid) {
        (Some(comm), Some(tid), Some(uid)) => format!(
            "It was process {pid} (\"{comm}\", thread {tid}, user {uid}), started {start} ms after boot."
        ),
        _ => format!(
            "The connection was accepted by process {pid}, started {start} ms after boot."
        ),
    })
}

/// The cause with all its numbers.
fn why(record: &Record<'_>, context: &Context) -> Vec<String> {
    let mut sentences = Vec::new();
    match &record.body {
        Body::PhaseSet(set) => {
            sentences.push(format!("The cell is {} now.", phase_set(set)));
        }
        Body::Control(change) => {
            sentences.push(format!("The request: {}.", control(record, change)));
        }
        Body::Calm(calm) => {
            sentences.push(format!("What ended: danger signal {}.", ended(calm)));
        }
        Body::Window(_) => sentences.push(format!(
            "It measured {}.",
            list(
                &window(record)
                    .unwrap_or_default()
                    .iter()
                    .map(|(name, value)| format!("{name} {value}"))
                    .collect::<Vec<_>>()
            )
        )),
        Body::BanDrop(drop) => sentences.push(format!(
            "Packets dropped under this ban until then: {}.",
            drop.dropped
        )),
        Body::Scanned(found) => sentences.extend(scan::explain(record, found)),
        Body::Crossing(crossing) => sentences.extend(measure(record, crossing)),
        Body::Unknown(number) => sentences.push(format!(
            "It has body {number}, which this kisctl does not know: {}.",
            base64(record.data())
        )),
        Body::Operation(_) | Body::Match(_) => {}
    }
    if has_op(record) && record.op() != Some(Op::Receive) {
        let path = record
            .path()
            .map(|path| format!(" of \"{}{}\"", cut_mark(record), text::name(path)));
        sentences.push(format!(
            "The operation was {}{}.",
            op(record),
            path.unwrap_or_default()
        ));
    }
    match record.head.cause() {
        Some(Cause::Tree) => sentences.push(
            "The path lies outside of every prefix that the cell file allows for it.".to_owned(),
        ),
        Some(Cause::SelfDir) => match new_item(record) {
            Some(item) => sentences.push(format!("It is new to the self: {item}.")),
            None => sentences.push("It is new to the self.".to_owned()),
        },
        Some(Cause::Unexpected) => {
            if let Some(item) = new_item(record) {
                sentences.push(format!("It is nothing that the cell file expects: {item}."));
            }
        }
        Some(Cause::Forbidden) => {
            sentences.push("The cell file forbids that operation always.".to_owned());
        }
        Some(Cause::Danger) => sentences.push(
            "The cell file lists that operation under danger_two, or it is not of the self: it is denied while the signal is up."
                .to_owned(),
        ),
        Some(Cause::Officer) => {
            sentences.push("The cause was a request of an officer over netlink.".to_owned());
        }
        Some(Cause::Unseen) => sentences.push(
            "Bytes for it could not be looked at: the kernel had no memory to copy them or to remember \
             their connection by, they lie where the processor cannot read them, or more signatures have \
             begun to match on a connection than can be followed."
                .to_owned(),
        ),
        Some(Cause::None | Cause::Threshold | Cause::Bound | Cause::Signature) => {}
        None => sentences.push(format!("The cause is {}.", cause(record))),
    }
    if is_kept_out(record) {
        sentences.push(
            "The cell learned and this was kept out, as attempted training: it is not of the self."
                .to_owned(),
        );
    }
    // How surprising it is says nothing while the cell learns.
    let learned = context.learned.as_ref();
    if let Some(growth) = learned.filter(|_| !is_kept_out(record)) {
        sentences.push(surprise(growth));
    }
    sentences.extend(hit(record, context));
    sentences.extend(stream(record));
    sentences
}

/// Over how long a parameter was added up, if that is more than a window.
fn sum_of(crossing: &record::Crossing) -> Option<String> {
    crossing
        .is_sum()
        .then(|| text::span_ms(crossing.over_ms.into()))
}

fn measure(record: &Record<'_>, crossing: &record::Crossing) -> Vec<String> {
    let unit = match crossing.param().map_or("", |param| param.unit().name()) {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    let name =
        (crossing.name()).map_or_else(|| format!("number {}", crossing.param), str::to_owned);
    let line = if record.head.cause() == Some(Cause::Bound) {
        "the officer's bound"
    } else {
        "the learned threshold"
    };
    let (did, span) = match sum_of(crossing) {
        Some(over) => (
            format!("added up to {}{unit} in {over}", crossing.observed),
            "those",
        ),
        None => (
            format!("reached {}{unit} in its window", crossing.observed),
            "that window",
        ),
    };
    let mut sentences = vec![format!(
        "Parameter {name} {did}; {line} is {}{unit}.",
        crossing.threshold
    )];
    if crossing.windows == 0 {
        sentences.push("Nothing was learned of it yet.".to_owned());
        return sentences;
    }
    sentences.push(if crossing.is_sum() {
        of_sums(crossing, &unit)
    } else {
        of_windows(crossing, &unit)
    });
    let begins = |signal: &str, line: Option<u64>| match line {
        Some(line) => format!("{signal} above {line}{unit}"),
        None => format!("{signal} at no value"),
    };
    let (one, two) = lines(crossing);
    if crossing.family != 0 {
        sentences.push(format!(
            "While all others were sent {}{unit} in that time, danger signal {}.",
            crossing.load,
            begins("one begins", one)
        ));
    } else if one.is_some() || two.is_some() {
        sentences.push(format!(
            "In {span}, with {} deliveries and accepted connections so far, danger signal {}, {}.",
            crossing.load,
            begins("one begins", one),
            begins("two", two)
        ));
    }
    sentences
}

/// What was learned of a sum.
fn of_sums(crossing: &record::Crossing, unit: &str) -> String {
    format!(
        "Learned over {} times {} windows: {} to {}{unit}, mean {}{unit}.",
        crossing.windows,
        crossing.stretch,
        crossing.minimum,
        crossing.peak,
        q16(crossing.mean),
    )
}

/// What was learned of the values of windows.
fn of_windows(crossing: &record::Crossing, unit: &str) -> String {
    let mut learned = format!(
        "Learned over {} windows: {} to {}{unit}, half up to {}, 90 % up to {}, 99 % up to {}; \
         mean {}{unit}, deviation {}{unit}",
        crossing.windows,
        crossing.minimum,
        crossing.peak,
        crossing.median,
        crossing.p90,
        crossing.p99,
        q16(crossing.mean),
        q16(crossing.deviation)
    );
    let above = (u128::from(crossing.observed) << 16).saturating_sub(u128::from(crossing.mean));
    if let Some(tenths) = (above * 10).checked_div(u128::from(crossing.deviation)) {
        learned.push_str(&format!(
            "; the value lies {}.{} deviations above the mean",
            tenths / 10,
            tenths % 10
        ));
    }
    learned.push('.');
    learned
}

/// The signature that matched.
fn hit(record: &Record<'_>, context: &Context) -> Option<String> {
    let found = matched(record)?;
    let message = message(found, context)
        .map(|message| format!(" (\"{message}\")"))
        .unwrap_or_default();
    Some(format!(
        "Signature {} revision {}{message} matched; its last byte is byte {} of the stream.",
        found.sig_id, found.sig_rev, found.offset
    ))
}

/// Connection and excerpt.
fn stream(record: &Record<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(connection) = connection(record) {
        let local = endpoint(connection.dest_ip, connection.dest_port);
        sentences.push(match (peer(&connection), local, &connection.proto) {
            (Some(peer), Some(local), Some(proto)) => {
                format!("The connection is {proto} from {peer} to {local}.")
            }
            (Some(peer), _, _) => format!("The peer is {peer}."),
            (None, _, proto) => format!(
                "The connection is a {} socket.",
                proto.as_deref().unwrap_or("unknown")
            ),
        });
    }
    if let Some(excerpt) = record.excerpt() {
        sentences.push(format!(
            "Received before its end: \"{}\".",
            printable(excerpt)
        ));
    }
    sentences
}

/// What was up when it happened.
fn state(record: &Record<'_>) -> Option<String> {
    if record.head.cell == 0 {
        return None;
    }
    let up = |flag: u16| {
        if record.head.flags & flag != 0 {
            "up"
        } else {
            "down"
        }
    };
    let phase = match record.head.phase() {
        Phase::Learning => "was still learning",
        Phase::Ready => "had learned its self",
    };
    Some(format!(
        "The cell {phase}; danger signal one was {}, two was {}.",
        up(FLAG_DANGER_ONE),
        up(FLAG_DANGER_TWO)
    ))
}

/// Decided and applied.
fn outcome(record: &Record<'_>) -> Option<String> {
    let decided = Action::from_bits(record.head.action);
    if decided.is_pass() {
        let speaks = matches!(
            record.head.record_type(),
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
    let applied = if record.head.flags & FLAG_APPLIED != 0 {
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
