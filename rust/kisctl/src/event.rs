// SPDX-License-Identifier: GPL-2.0

//! A record as JSON: flat, with the names of Suricata's EVE where it has them (the source is the
//! peer, the destination is the cell). `kisctl(8)` documents every name.

pub mod sentence;

use crate::{
    output::SCHEMA_VERSION,
    text::{
        self,
        base64,
        printable,
        q16_f64,
        rfc3339,
        word, //
    },
    uapi, //
};
use kis_core::{
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
        FLAG_CONN,
        FLAG_DANGER_ONE,
        FLAG_DANGER_TWO,
        FLAG_PATH_CUT, //
    },
    wire::record::Record, //
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
}

impl Context {
    /// Looks at the running system.
    pub fn of_system() -> Self {
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        Self {
            boot_id: boot_id.map(|id| id.trim().to_owned()),
            messages: HashMap::new(),
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
    pub applied: bool,
    pub mode: &'static str,
    pub phase: &'static str,
    pub danger_one: bool,
    pub danger_two: bool,
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
    pub mean: f64,
    pub deviation: f64,
    pub threshold: u64,
    pub n: u64,
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
    pub proto: String,
}

impl Event {
    /// What `record` says.
    pub fn new(record: &Record, context: &Context) -> Self {
        let cell = text::name(record.cell_name());
        let path = path(record);
        let excerpt = excerpt(record);
        let kind = record.record_type();
        let has_thread = record.tid != 0;
        let has_value = matches!(
            kind,
            Some(RecordType::Control | RecordType::Phase | RecordType::Calm)
        );
        Self {
            schema_version: SCHEMA_VERSION,
            id: record.id,
            time: rfc3339(record.wall_ns),
            mono_ns: record.mono_ns,
            boot_id: context.boot_id.clone(),
            event_type: event_type(record),
            cell: (!cell.is_empty()).then_some(cell),
            cell_id: (record.cell != 0).then_some(record.cell),
            generation: record.generation,
            process: (record.pid != 0).then(|| Process {
                pid: record.pid,
                tid: has_thread.then_some(record.tid),
                uid: has_thread.then_some(record.uid),
                start_ns: record.start_ns,
                comm: has_thread.then(|| text::name(record.comm())),
            }),
            signal: signal(record),
            cause: cause(record),
            op: op(record),
            action: action(record),
            applied: record.flags & FLAG_APPLIED != 0,
            mode: mode(record),
            phase: record.phase().name(),
            danger_one: record.flags & FLAG_DANGER_ONE != 0,
            danger_two: record.flags & FLAG_DANGER_TWO != 0,
            measure: record.param().map(|param| Measure {
                param: param.name().to_owned(),
                unit: param.unit().name(),
                observed: record.observed,
                mean: q16_f64(record.mean),
                deviation: q16_f64(record.deviation),
                threshold: record.threshold,
                n: record.n,
            }),
            signature: (record.sig_id != 0).then(|| Signature {
                id: record.sig_id,
                revision: record.sig_rev,
                message: context
                    .messages
                    .get(&(record.sig_id, record.sig_rev))
                    .cloned(),
            }),
            offset: (record.sig_id != 0).then_some(record.offset),
            connection: connection(record),
            path_cut: path.map(|_| record.flags & FLAG_PATH_CUT != 0),
            path: path.map(text::name),
            excerpt: excerpt.map(printable),
            excerpt_base64: excerpt.map(base64),
            command: command(record),
            value: has_value.then_some(record.value),
            values: (kind == Some(RecordType::Window)).then(|| window(record)),
        }
    }
}

/// `kis_` and the type of the record.
pub fn event_type(record: &Record) -> String {
    match record.record_type() {
        Some(kind) => format!("kis_{}", word(kind.name())),
        None => format!("kis_type_{}", record.kind),
    }
}

/// The signal that the record raises.
fn signal(record: &Record) -> &'static str {
    match record.record_type() {
        Some(RecordType::DangerOne) => "one",
        Some(RecordType::DangerTwo) => "two",
        _ => "none",
    }
}

/// The cause in a word.
pub fn cause(record: &Record) -> String {
    match record.cause() {
        Some(cause) => word(cause.name()),
        None => format!("cause_{}", record.cause),
    }
}

/// The operation in a word.
pub fn op(record: &Record) -> String {
    match record.op() {
        Some(op) => word(op.name()),
        None => format!("op_{}", record.op),
    }
}

/// What was decided: `none`, or words joined by `+`.
pub fn action(record: &Record) -> String {
    let set = Action::from_bits(record.action);
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
pub fn mode(record: &Record) -> &'static str {
    Mode::from_u16(u16::from(record.mode)).map_or("unknown", Mode::name)
}

/// The path, if there is one.
pub fn path(record: &Record) -> Option<&[u8]> {
    let is_window = record.record_type() == Some(RecordType::Window);
    Some(record.path()).filter(|path| !is_window && !path.is_empty())
}

/// The excerpt, if there is one.
pub fn excerpt(record: &Record) -> Option<&[u8]> {
    let is_window = record.record_type() == Some(RecordType::Window);
    Some(record.excerpt()).filter(|excerpt| !is_window && !excerpt.is_empty())
}

/// The connection, if there is one.
pub fn connection(record: &Record) -> Option<Connection> {
    if record.flags & FLAG_CONN == 0 {
        return None;
    }
    let address = |bytes: [u8; 16]| {
        let [a, b, c, d, ..] = bytes;
        match record.family {
            AF_INET => Some(IpAddr::from([a, b, c, d])),
            AF_INET6 => Some(IpAddr::from(bytes)),
            _ => None,
        }
    };
    let is_ip = matches!(record.family, AF_INET | AF_INET6);
    Some(Connection {
        src_ip: address(record.raddr),
        src_port: is_ip.then_some(record.rport),
        dest_ip: address(record.laddr),
        dest_port: is_ip.then_some(record.lport),
        proto: match (record.family, record.proto) {
            (AF_UNIX, _) => "UNIX".to_owned(),
            (_, 6) => "TCP".to_owned(),
            (_, 17) => "UDP".to_owned(),
            (_, proto) => proto.to_string(),
        },
    })
}

/// The values of a window.
pub fn window(record: &Record) -> BTreeMap<&'static str, u64> {
    let values = record.window_values();
    let named = Param::ALL.into_iter().zip(values);
    named.map(|(param, value)| (param.name(), value)).collect()
}

/// The netlink command that a control record tells of.
pub fn command(record: &Record) -> Option<String> {
    if record.record_type() != Some(RecordType::Control) {
        return None;
    }
    let number = u32::try_from(record.observed).unwrap_or(0);
    let name = match number {
        uapi::KIS_CMD_BAN_ADD => "ban_add",
        uapi::KIS_CMD_BAN_DEL => "ban_del",
        uapi::KIS_CMD_MODE_SET => "mode_set",
        uapi::KIS_CMD_PROFILE_RESET => "profile_reset",
        uapi::KIS_CMD_CELL_UNLOAD => "cell_unload",
        uapi::KIS_CMD_SIGNATURE_UNLOAD => "signature_unload",
        uapi::KIS_CMD_IMAGE_COMMIT => "image_commit",
        _ => return Some(format!("command_{number}")),
    };
    Some(name.to_owned())
}

/// What a record of a phase says.
pub fn phase_set(record: &Record) -> &'static str {
    let phase = u16::try_from(record.value).ok().and_then(Phase::from_u16);
    phase.map_or("unknown", Phase::name)
}

/// Whether the record is about an operation of a process.
pub fn has_op(record: &Record) -> bool {
    record.op().is_some_and(|op| op != Op::None)
}

#[cfg(test)]
mod tests;
