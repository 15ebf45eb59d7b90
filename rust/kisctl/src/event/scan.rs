// SPDX-License-Identifier: GPL-2.0

//! A scan of the host, for programs and for people.

use super::{
    address,
    Connection, //
};
use crate::{
    output::list,
    text::{
        self,
        rfc3339, //
    },
};
use kis_core::{
    matching::scans::TOLD_EACH,
    wire::{
        abi::{
            Action,
            ScanKind, //
        },
        record::{
            Body,
            Record,
            Scanned, //
        }, //
    }, //
};
use serde::Serialize;

/// What is known of a scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "kisctl(8) documents the names")]
pub struct Scan {
    pub kind: String,
    pub kinds: Vec<&'static str>,
    pub horizon_s: u32,
    pub targets: u32,
    pub probes: u32,
    pub sources: u32,
    pub nth: u32,
    pub first: String,
    pub last: String,
    pub ports: Vec<u16>,
    pub spoofable: bool,
    pub again: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ban_s: Option<u32>,
    pub lost: u64,
}

impl Scan {
    /// The scan that a record tells of, if it does.
    pub fn new(record: &Record<'_>) -> Option<Self> {
        let Body::Scanned(scan) = &record.body else {
            return None;
        };
        let has = |kind: &&ScanKind| scan.kinds & kind.bit() != 0;
        let kinds = ScanKind::ALL.iter().filter(has);
        let is_ban = Action::from_bits(record.head.action).contains(Action::BAN);
        Some(Self {
            kind: scan.kind().map_or_else(
                || format!("kind_{}", scan.kind),
                |kind| text::word(kind.name()),
            ),
            kinds: kinds.map(|kind| word(*kind)).collect(),
            horizon_s: scan.seconds,
            targets: scan.targets,
            probes: scan.probes,
            sources: scan.sources,
            nth: scan.nth,
            first: time(record, scan.first_ns),
            last: time(record, scan.last_ns),
            ports: record.ports().collect(),
            spoofable: scan.spoofable != 0,
            again: scan.again != 0,
            ban_s: is_ban.then_some(scan.ban_s),
            lost: scan.lost,
        })
    }
}

/// The name of a kind as JSON has it.
fn word(kind: ScanKind) -> &'static str {
    match kind {
        ScanKind::SynAck => "syn_ack",
        kind => kind.name(),
    }
}

/// A time on the clock of the record's head.
fn time(record: &Record<'_>, mono_ns: u64) -> String {
    let ago = record.head.mono_ns.saturating_sub(mono_ns);
    rfc3339(record.head.wall_ns.saturating_sub(ago))
}

/// Between whom it is; of many sources, nothing.
pub(super) fn connection(scan: &Scanned) -> Option<Connection> {
    if scan.kind() == Some(ScanKind::Distributed) {
        return None;
    }
    let proto = match scan.kind()? {
        ScanKind::Udp => "UDP",
        _ => "TCP",
    };
    Some(Connection {
        src_ip: Some(address(scan.family, scan.source)?),
        dest_ip: address(scan.family, scan.target),
        proto: Some(proto.to_owned()),
        ..Connection::default()
    })
}

/// What it is, in words.
fn name(scan: &Scanned) -> &'static str {
    match scan.kind() {
        Some(ScanKind::Syn) => "SYN or connect scan",
        Some(ScanKind::Fin) => "FIN scan",
        Some(ScanKind::Null) => "NULL scan",
        Some(ScanKind::Xmas) => "Xmas scan",
        Some(ScanKind::Ack) => "ACK or window scan",
        Some(ScanKind::Maimon) => "FIN/ACK scan",
        Some(ScanKind::Flags) => "scan with flags that do not go together",
        Some(ScanKind::SynAck) => "idle scan by way of this host, or answers to a forger",
        Some(ScanKind::Udp) => "UDP scan",
        Some(ScanKind::Distributed) => "scan by many",
        None => "scan of an unknown kind",
    }
}

/// The first ports: `22, 80, 443 ...`.
fn ports(record: &Record<'_>, scan: &Scanned) -> Option<String> {
    let known: Vec<String> = record.ports().map(|port| port.to_string()).collect();
    let more = known.len() >= kis_core::matching::scans::PORTS
        && usize::try_from(scan.targets).is_ok_and(|targets| targets > known.len());
    let end = if more { " ..." } else { "" };
    (!known.is_empty()).then(|| format!("{}{end}", known.join(", ")))
}

/// The rest of a line.
pub(super) fn summary(record: &Record<'_>, scan: &Scanned) -> String {
    let targets = text::count(scan.targets.into(), "target");
    let over = text::span_ms(u64::from(scan.seconds).saturating_mul(1000));
    let mut line = format!("{}: {targets} in {over}", name(scan));
    if scan.kind() == Some(ScanKind::Distributed) {
        line.push_str(&format!(", {}", text::count(scan.sources.into(), "source")));
        return line;
    }
    if scan.again != 0 {
        line.push_str(&format!(", goes on, {} probes", scan.probes));
    }
    if let Some(ports) = ports(record, scan) {
        line.push_str(&format!(", ports {ports}"));
    }
    if scan.spoofable != 0 {
        line.push_str(", maybe forged");
    }
    line
}

/// All of it in sentences.
pub(super) fn explain(record: &Record<'_>, scan: &Scanned) -> Vec<String> {
    let over = text::span_ms(u64::from(scan.seconds).saturating_mul(1000));
    let targets = scan.targets;
    let mut said = vec![format!(
        "It was a {}: so many different ports and addresses within {over} are no accident.",
        name(scan)
    )];
    if scan.kind() == Some(ScanKind::Distributed) {
        said.push(format!(
            "At least {} together probed at least {targets} different targets; none of them is a \
             scanner by itself, or there are more than can be told one by one.",
            text::count(scan.sources.into(), "source")
        ));
    } else {
        said.push(format!(
            "It sent {} at {targets} different targets at least, from {} to {}.",
            text::count(scan.probes.into(), "probe"),
            time(record, scan.first_ns),
            time(record, scan.last_ns)
        ));
    }
    let kinds: Vec<String> = ScanKind::ALL
        .iter()
        .filter(|kind| scan.kinds & kind.bit() != 0)
        .map(|kind| word(*kind).to_owned())
        .collect();
    if kinds.len() > 1 {
        said.push(format!("Kinds of its probes: {}.", list(&kinds)));
    }
    if let Some(ports) = ports(record, scan) {
        said.push(format!("The first ports were {ports}."));
    }
    if scan.again != 0 {
        said.push("It was told before, and goes on.".to_owned());
    }
    if scan.kind() != Some(ScanKind::Distributed) {
        said.push(if scan.spoofable != 0 {
            "The source has not completed a handshake within the last hour: somebody else may have sent \
             this in its name, so it is not banned, whatever the cell file says."
                .to_owned()
        } else {
            "The source has completed a handshake within the last hour: the address is somebody's who \
             gets what is sent there."
                .to_owned()
        });
    }
    if scan.nth > 1 {
        said.push(format!(
            "It is number {} of the scans found within these five seconds (from {} on only their number is \
             told, unless the source has completed a handshake): so many at once are decoys, forged sources, or one scanner with many addresses.",
            scan.nth,
            TOLD_EACH + 1
        ));
    }
    if scan.lost > 0 {
        said.push(format!(
            "{} that had probed three targets or more were forgotten for want of room since the module \
             was loaded.",
            text::count(scan.lost, "source")
        ));
    }
    said
}
