// SPDX-License-Identifier: GPL-2.0

//! A record as JSON: flat, with the names of Suricata's EVE where it has them (the source is the
//! peer, the destination is the cell). `kisctl(8)` documents every name.

pub mod aftermath;
pub mod eve;
pub mod scan;
pub mod sentence;
pub mod since;

use crate::{
    item::of_record,
    output::SCHEMA_VERSION,
    text::{
        self,
        base64,
        printable,
        q16_f64,
        rfc3339,
        word, //
    },
    uapi,
    view::class::Growth, //
};
use kis_core::{
    sense::{
        class::{
            Class,
            Domain, //
        },
        sighting::NAME_BYTES, //
    },
    wire::abi::{
        Action,
        Mode,
        Op,
        Param,
        Phase,
        RecordType,
        AF_INET,
        AF_INET6,
        AF_UNIX,
        FLAG_APPLIED,
        FLAG_DANGER_ONE,
        FLAG_DANGER_TWO,
        FLAG_KEPT_OUT,
        FLAG_PATH_CUT, //
    },
    wire::record::{
        Body,
        Control,
        Crossing,
        Match,
        Operation,
        PhaseSet,
        Record, //
    }, //
};
use serde::Serialize;
use std::{
    collections::{
        BTreeMap,
        HashMap, //
    },
    net::IpAddr, //
};

/// What a record does not hold itself.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// The boot that the monotonic times belong to.
    pub boot_id: Option<String>,
    /// Messages of the loaded signatures by id and revision.
    pub messages: HashMap<(u32, u32), String>,
    /// How the class grows that the record says something new of.
    pub learned: Option<Growth>,
}

impl Context {
    /// Looks at the running system.
    pub fn of_system() -> Self {
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        Self {
            boot_id: boot_id.map(|id| id.trim().to_owned()),
            messages: HashMap::new(),
            learned: None,
        }
    }
}

/// A record as JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "kisctl(8) documents the names")]
pub struct Event {
    pub schema_version: u32,
    pub id: u64,
    pub time: String,
    pub mono_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    pub event_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cell_id: Option<u32>,
    pub generation: u32,
    #[serde(flatten)]
    pub process: Option<Process>,
    pub signal: &'static str,
    pub cause: String,
    pub op: String,
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
    pub applied: bool,
    pub mode: &'static str,
    pub phase: &'static str,
    pub danger_one: bool,
    pub danger_two: bool,
    pub kept_out: bool,
    #[serde(flatten)]
    pub measure: Option<Measure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    #[serde(flatten)]
    pub connection: Option<Connection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_cut: Option<bool>,
    #[serde(flatten)]
    pub item: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<BTreeMap<&'static str, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan: Option<scan::Scan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_base64: Option<String>,
}

/// Who did it. Of a connection only the process is known that accepted it, not the thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "kisctl(8) documents the names")]
pub struct Process {
    pub pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    pub start_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comm: Option<String>,
}

/// The numbers of a parameter.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "kisctl(8) documents the names")]
pub struct Measure {
    pub param: String,
    pub unit: &'static str,
    pub observed: u64,
    pub stretch: u16,
    pub over_ms: u32,
    pub mean: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    pub threshold: u64,
    pub n: u32,
    pub minimum: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<u64>,
    pub peak: u64,
    pub threshold_one: Option<u64>,
    pub threshold_two: Option<u64>,
    pub load: u64,
}

/// The signature that matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "kisctl(8) documents the names")]
pub struct Signature {
    pub id: u32,
    pub revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What is new to the self, was not expected, or was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "kisctl(8) documents the names")]
pub struct Item {
    pub class: &'static str,
    pub domain: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// The connection: the peer is the source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "kisctl(8) documents the names")]
pub struct Connection {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dest_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dest_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proto: Option<String>,
}

impl Event {
    /// What `record` says.
    pub fn new(record: &Record<'_>, context: &Context) -> Self {
        let head = &record.head;
        let cell = text::name(head.cell_name());
        let matched = matched(record);
        let excerpt = record.excerpt();
        let unknown = match record.body {
            Body::Unknown(number) => Some(number),
            _ => None,
        };
        Self {
            schema_version: SCHEMA_VERSION,
            id: head.id,
            time: rfc3339(head.wall_ns),
            mono_ns: head.mono_ns,
            boot_id: context.boot_id.clone(),
            event_type: event_type(record),
            cell: (!cell.is_empty()).then_some(cell),
            cell_id: (head.cell != 0).then_some(head.cell),
            generation: head.generation,
            process: process(record),
            signal: signal(record),
            cause: cause(record),
            op: op(record),
            action: action(record),
            nth: nth(record),
            applied: head.flags & FLAG_APPLIED != 0,
            mode: mode(record),
            phase: head.phase().name(),
            danger_one: head.flags & FLAG_DANGER_ONE != 0,
            danger_two: head.flags & FLAG_DANGER_TWO != 0,
            kept_out: is_kept_out(record),
            measure: measure(record),
            signature: matched.map(|found| Signature {
                id: found.sig_id,
                revision: found.sig_rev,
                message: message(found, context).cloned(),
            }),
            offset: matched.map(|found| found.offset),
            connection: connection(record),
            path_cut: record.path().map(|_| head.flags & FLAG_PATH_CUT != 0),
            path: record.path().map(text::name),
            item: kind(record).map(|(class, domain)| Item {
                class: class.name(),
                domain: domain.name(),
                item: name(record).map(|name| text::escaped(&name)),
            }),
            excerpt: excerpt.map(printable),
            excerpt_base64: excerpt.map(base64),
            command: control(record).map(command),
            value: value(record),
            values: window(record),
            dropped: match record.body {
                Body::BanDrop(drop) => Some(drop.dropped),
                _ => None,
            },
            scan: scan::Scan::new(record),
            body: unknown.map(|number| format!("body_{number}")),
            data_base64: unknown.map(|_| base64(record.data())),
        }
    }
}

/// The match, if it is one.
pub fn matched<'a>(record: &'a Record<'_>) -> Option<&'a Match> {
    match &record.body {
        Body::Match(found) => Some(found),
        _ => None,
    }
}

/// The officer's change, if it is one.
pub fn control<'a>(record: &'a Record<'_>) -> Option<&'a Control> {
    match &record.body {
        Body::Control(control) => Some(control),
        _ => None,
    }
}

/// Of what kind something is that is new to the self, was not expected, or was accepted.
pub fn kind(record: &Record<'_>) -> Option<(Class, Domain)> {
    match &record.body {
        Body::Operation(operation) => operation.new_kind(),
        Body::Control(control) if control.command == uapi::KIS_CMD_PROFILE_ACCEPT => {
            // As in a verdict on an operation.
            let kind = u16::try_from(control.image).ok()?;
            Operation {
                kind,
                ..Operation::ZERO
            }
            .new_kind()
        }
        _ => None,
    }
}

/// Its name as an item has it; `None` when the record has not all of it.
pub fn name(record: &Record<'_>) -> Option<Vec<u8>> {
    let mut room = [0; NAME_BYTES];
    match &record.body {
        Body::Control(_) => Some(record.data().to_vec()),
        _ => of_record(record, &mut room)
            .ok()?
            .map(|seen| seen.name.to_vec()),
    }
}

/// The message of a signature, if that is loaded.
pub fn message<'a>(found: &Match, context: &'a Context) -> Option<&'a String> {
    context.messages.get(&(found.sig_id, found.sig_rev))
}

/// Whose call it was; of a connection who accepted it.
pub fn process(record: &Record<'_>) -> Option<Process> {
    let head = &record.head;
    if let Some(found) = matched(record) {
        return (found.owner_pid != 0).then_some(Process {
            pid: found.owner_pid,
            tid: None,
            uid: None,
            start_ns: found.owner_start_ns,
            comm: None,
        });
    }
    (head.pid != 0).then(|| Process {
        pid: head.pid,
        tid: Some(head.tid),
        uid: Some(head.uid),
        start_ns: head.start_ns,
        comm: Some(text::name(head.comm())),
    })
}

/// The numbers of the parameter that crossed a line.
fn measure(record: &Record<'_>) -> Option<Measure> {
    let Body::Crossing(crossing) = &record.body else {
        return None;
    };
    let (param, lines) = (crossing.param(), lines(crossing));
    // Not known of sums.
    let of_windows = |number: u64| (!crossing.is_sum()).then_some(number);
    Some(Measure {
        param: (crossing.name()).map_or_else(|| format!("param_{}", crossing.param), str::to_owned),
        unit: param.map_or("", |param| param.unit().name()),
        observed: crossing.observed,
        stretch: crossing.stretch.max(1),
        over_ms: crossing.over_ms,
        mean: q16_f64(crossing.mean),
        deviation: of_windows(crossing.deviation).map(q16_f64),
        threshold: crossing.threshold,
        n: crossing.windows,
        minimum: crossing.minimum,
        median: of_windows(crossing.median),
        p90: of_windows(crossing.p90),
        p99: of_windows(crossing.p99),
        peak: crossing.peak,
        threshold_one: lines.0,
        threshold_two: lines.1,
        load: crossing.load,
    })
}

/// Thresholds one and two, as far as there are any; of an older module there is none.
fn lines(crossing: &Crossing) -> (Option<u64>, Option<u64>) {
    let line = |line: u64| Some(line).filter(|line| *line != u64::MAX && crossing.two != 0);
    (line(crossing.one), line(crossing.two))
}

/// Which of its kind in the window a verdict is.
fn nth(record: &Record<'_>) -> Option<u32> {
    match record.body {
        Body::Operation(operation) => Some(operation.nth),
        Body::Match(found) => Some(found.nth),
        _ => None,
    }
}

/// What was set, in a number: see kisctl(8).
fn value(record: &Record<'_>) -> Option<u32> {
    match &record.body {
        Body::Control(control) => Some(match control.command {
            uapi::KIS_CMD_MODE_SET => control.mode,
            uapi::KIS_CMD_BAN_ADD => control.ttl_ms,
            _ => control.count,
        }),
        Body::PhaseSet(set) => Some(set.phase),
        Body::Calm(calm) => Some(u32::from(calm.one != 0) | (u32::from(calm.two != 0) << 1)),
        _ => None,
    }
}

/// `kis_` and the type of the record.
pub fn event_type(record: &Record<'_>) -> String {
    match record.head.record_type() {
        Some(kind) => format!("kis_{}", word(kind.name())),
        None => format!("kis_type_{}", record.head.kind),
    }
}

/// Whether what it tells of was not learned, though the cell learned: attempted training.
pub fn is_kept_out(record: &Record<'_>) -> bool {
    record.head.flags & FLAG_KEPT_OUT != 0
}

/// The signal that the record raises.
fn signal(record: &Record<'_>) -> &'static str {
    match record.head.record_type() {
        Some(RecordType::DangerOne) => "one",
        Some(RecordType::DangerTwo) => "two",
        _ => "none",
    }
}

/// The cause in a word.
pub fn cause(record: &Record<'_>) -> String {
    match record.head.cause() {
        Some(cause) => word(cause.name()),
        None => format!("cause_{}", record.head.cause),
    }
}

/// The operation in a word.
pub fn op(record: &Record<'_>) -> String {
    match (record.op(), &record.body) {
        (Some(op), _) => word(op.name()),
        (None, Body::Operation(operation)) => format!("op_{}", operation.op),
        (None, _) => word(Op::None.name()),
    }
}

/// What was decided: `none`, or words joined by `+`.
pub fn action(record: &Record<'_>) -> String {
    let set = Action::from_bits(record.head.action);
    let words: Vec<&str> = [
        (Action::DENY, "deny"),
        (Action::KILL, "kill"),
        (Action::BAN, "ban"),
    ]
    .into_iter()
    .filter(|(action, _)| set.contains(*action))
    .map(|(_, word)| word)
    .collect();
    if words.is_empty() {
        "none".to_owned()
    } else {
        words.join("+")
    }
}

/// The mode that was in force.
pub fn mode(record: &Record<'_>) -> &'static str {
    let mode = u16::try_from(record.head.mode).ok();
    mode.and_then(Mode::from_u16).map_or("unknown", Mode::name)
}

/// The connection, if there is one; of a ban only the peer's address is known, of a scan no port.
pub fn connection(record: &Record<'_>) -> Option<Connection> {
    match &record.body {
        Body::Match(found) if found.family != 0 => {
            let is_ip = matches!(found.family, AF_INET | AF_INET6);
            Some(Connection {
                src_ip: address(found.family, found.raddr),
                src_port: is_ip.then_some(found.rport),
                dest_ip: address(found.family, found.laddr),
                dest_port: is_ip.then_some(found.lport),
                proto: Some(match (found.family, found.proto) {
                    (AF_UNIX, _) => "UNIX".to_owned(),
                    (_, 6) => "TCP".to_owned(),
                    (_, 17) => "UDP".to_owned(),
                    (_, proto) => proto.to_string(),
                }),
            })
        }
        Body::BanDrop(drop) => of_peer(drop.family, drop.address),
        Body::Scanned(scan) => scan::connection(scan),
        Body::Control(control) => of_peer(control.family, control.address),
        Body::Crossing(crossing) => of_peer(crossing.family, crossing.address),
        _ => None,
    }
}

/// A peer of which nothing is known but its address.
fn of_peer(family: u8, bytes: [u8; 16]) -> Option<Connection> {
    let src_ip = address(family, bytes)?;
    Some(Connection {
        src_ip: Some(src_ip),
        ..Connection::default()
    })
}

/// An address as records have it.
fn address(family: u8, bytes: [u8; 16]) -> Option<IpAddr> {
    let [a, b, c, d, ..] = bytes;
    match family {
        AF_INET => Some(IpAddr::from([a, b, c, d])),
        AF_INET6 => Some(IpAddr::from(bytes)),
        _ => None,
    }
}

/// The values of a window.
pub fn window(record: &Record<'_>) -> Option<BTreeMap<&'static str, u64>> {
    let named = Param::ALL.into_iter().zip(record.values()?);
    Some(named.map(|(param, value)| (param.name(), value)).collect())
}

/// The netlink command that a control record tells of.
pub fn command(control: &Control) -> String {
    let name = match control.command {
        uapi::KIS_CMD_BAN_ADD => "ban_add",
        uapi::KIS_CMD_BAN_DEL => "ban_del",
        uapi::KIS_CMD_MODE_SET => "mode_set",
        uapi::KIS_CMD_PROFILE_RESET => "profile_reset",
        uapi::KIS_CMD_PROFILE_ACCEPT => "profile_accept",
        uapi::KIS_CMD_CELL_UNLOAD => "cell_unload",
        uapi::KIS_CMD_SIGNATURE_UNLOAD => "signature_unload",
        uapi::KIS_CMD_IMAGE_COMMIT => "image_commit",
        number => return format!("command_{number}"),
    };
    name.to_owned()
}

/// The phase that a cell has come into.
pub fn phase_set(set: &PhaseSet) -> &'static str {
    set.phase().map_or("unknown", Phase::name)
}

/// Whether the record is about an operation of a process.
pub fn has_op(record: &Record<'_>) -> bool {
    record.op().is_some_and(|op| op != Op::None)
}

#[cfg(test)]
mod tests;
