// SPDX-License-Identifier: GPL-2.0

//! A record as an alert of Suricata's EVE, for whoever collects these already.
//!
//! The names and their types are those of Suricata's own schema (`etc/schema.json`, 8.0). A signature of a file
//! has gid 1 and its own id. What KIS finds by itself has gid 75: an operation is 1000 and its number in `kis.h`,
//! a parameter 2000 and its number, bytes that could not be looked at 3000, a packet of a banned peer
//! 3001, a scan 4000 and the number of its kind. What EVE has no name for (cell, process, what was decided
//! why) stands in `alert.metadata.tag`.

use crate::event::{
    self,
    connection,
    matched,
    scan,
    sentence,
    Connection,
    Context, //
};
use crate::text::{
    self,
    base64,
    printable, //
};
use kis_core::wire::{
    abi::{
        Action,
        Cause,
        RecordType,
        FLAG_APPLIED, //
    },
    record::{
        Body,
        Record, //
    }, //
};
use serde::Serialize;
use sha1::{
    Digest,
    Sha1, //
};
use std::net::IpAddr;

/// The gid of what no file says.
pub const GID: u32 = 75;

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "Suricata documents the names")]
pub struct Alert {
    pub timestamp: String,
    pub event_type: &'static str,
    #[serde(flatten)]
    pub connection: Option<Connection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub community_id: Option<String>,
    pub alert: Details,
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_printable: Option<String>,
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "Suricata documents the names")]
pub struct Details {
    pub action: &'static str,
    pub gid: u32,
    pub signature_id: u32,
    pub rev: u32,
    pub signature: String,
    pub category: &'static str,
    pub severity: u32,
    pub metadata: Metadata,
}

/// What EVE has no other place for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "Suricata documents the names")]
pub struct Metadata {
    pub tag: Vec<String>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "Suricata documents the names")]
pub struct Verdict {
    pub action: &'static str,
}

impl Alert {
    /// The alert of a record; `None` for one that tells of no danger. With the received bytes if `payload`
    /// says so.
    pub fn new(record: &Record<'_>, context: &Context, payload: bool) -> Option<Self> {
        let head = &record.head;
        let (category, severity) = match head.record_type()? {
            RecordType::DangerTwo => ("Danger signal two", 1),
            RecordType::Veto => ("Denied in danger", 1),
            RecordType::DangerOne => ("Danger signal one", 2),
            RecordType::BanDrop => ("Packet of a banned peer", 2),
            RecordType::Scan => ("Scan of the host", 2),
            RecordType::MatchCalm => ("Signature that waits for danger", 3),
            _ => return None,
        };
        let (gid, signature_id, rev) = number(record)?;
        let set = Action::from_bits(head.action);
        let is_applied = head.flags & FLAG_APPLIED != 0 && !set.is_pass();
        let connection = connection(record);
        let excerpt = record.excerpt().filter(|_| payload);
        let summary = sentence::summary(record, context);
        let named = matched(record).and_then(|found| event::message(found, context));
        Some(Self {
            timestamp: timestamp(head.wall_ns),
            event_type: "alert",
            community_id: connection.as_ref().and_then(community_id),
            connection,
            alert: Details {
                action: if is_applied { "blocked" } else { "allowed" },
                gid,
                signature_id,
                rev,
                signature: named.cloned().unwrap_or(summary),
                category,
                severity,
                metadata: Metadata { tag: tags(record) },
            },
            verdict: Verdict {
                action: if is_applied { "drop" } else { "alert" },
            },
            payload: excerpt.map(base64),
            payload_printable: excerpt.map(printable),
        })
    }
}

/// Gid, number and revision of what was found.
fn number(record: &Record<'_>) -> Option<(u32, u32, u32)> {
    let own = |number: u32| Some((GID, number, 1));
    match &record.body {
        Body::Match(found) => Some((1, found.sig_id, found.sig_rev)),
        Body::Crossing(crossing) => own(2000 + u32::from(crossing.param)),
        Body::BanDrop(_) => own(3001),
        Body::Scanned(scan) => own(4000 + u32::from(scan.kind)),
        _ if record.head.cause() == Some(Cause::Unseen) => own(3000),
        // CAST: that is what the numbers of the enum are for.
        _ => own(1000 + record.op().map_or(0, |op| op as u32)),
    }
}

/// Words about the record: `kis_cell=redis`.
fn tags(record: &Record<'_>) -> Vec<String> {
    let head = &record.head;
    let mut tags = vec![
        format!("kis_id={}", head.id),
        format!("kis_mode={}", event::mode(record)),
        format!("kis_cause={}", event::cause(record)),
        format!("kis_op={}", event::op(record)),
        format!("kis_action={}", event::action(record)),
    ];
    let cell = text::name(head.cell_name());
    if !cell.is_empty() {
        tags.push(format!("kis_cell={cell}"));
    }
    if let Some(process) = event::process(record) {
        tags.push(format!("kis_pid={}", process.pid));
        if let Some(uid) = process.uid {
            tags.push(format!("kis_uid={uid}"));
        }
        if let Some(comm) = process.comm {
            tags.push(format!("kis_comm={comm}"));
        }
    }
    if let Some(path) = record.path() {
        tags.push(format!("kis_path={}", text::name(path)));
    }
    if let Some(scan) = scan::Scan::new(record) {
        tags.push(format!("kis_scan={}", scan.kind));
        tags.push(format!("kis_targets={}", scan.targets));
        tags.push(format!("kis_probes={}", scan.probes));
        tags.push(format!("kis_spoofable={}", scan.spoofable));
        tags.extend(scan.ports.iter().map(|port| format!("kis_port={port}")));
    }
    tags
}

/// A time as Suricata writes it.
fn timestamp(wall_ns: u64) -> String {
    format!("{}+0000", &text::rfc3339(wall_ns)[..26])
}

/// The hash that names a connection in all tools (Community ID 1, seed 0): the smaller end first.
///
/// # Examples
///
/// ```
/// use kisctl::event::{eve::community_id, Connection};
///
/// // The example of the specification.
/// let connection = Connection {
///     src_ip: Some([128, 232, 110, 120].into()),
///     src_port: Some(34_855),
///     dest_ip: Some([66, 35, 250, 204].into()),
///     dest_port: Some(80),
///     proto: Some("TCP".to_owned()),
/// };
/// assert_eq!(community_id(&connection).as_deref(), Some("1:LQU9qZlK+B5F3KDmev6m5PMibrg="));
/// ```
pub fn community_id(connection: &Connection) -> Option<String> {
    let bytes = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let proto = match connection.proto.as_deref()? {
        "TCP" => 6,
        "UDP" => 17,
        _ => return None,
    };
    let from = (bytes(connection.src_ip?), connection.src_port?);
    let to = (bytes(connection.dest_ip?), connection.dest_port?);
    let (first, second) = if from <= to { (from, to) } else { (to, from) };
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    hash.update(&first.0);
    hash.update(&second.0);
    hash.update([proto, 0]);
    hash.update(first.1.to_be_bytes());
    hash.update(second.1.to_be_bytes());
    Some(format!("1:{}", base64(&hash.finalize())))
}
