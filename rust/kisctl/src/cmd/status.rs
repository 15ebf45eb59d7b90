// SPDX-License-Identifier: GPL-2.0

//! `kisctl status`.

use crate::{
    control::{
        mode_name,
        Control, //
    },
    error::Result,
    output::{
        Colour,
        Output,
        SCHEMA_VERSION, //
    },
    text, //
};
use serde::Serialize;

#[derive(Serialize)]
struct Report {
    schema_version: u32,
    abi: u32,
    mode: &'static str,
    generation: u32,
    cells: u32,
    signatures: u32,
    bans: u32,
    records: u64,
    lost_alerts: u64,
    lost_telemetry: u64,
    denied: u64,
    killed: u64,
    dropped: u64,
    uptime_ns: u64,
}

/// Prints the state of the module.
pub fn run(output: &Output) -> Result<()> {
    let status = Control::open()?.status()?;
    let mode = mode_name(status.mode);
    if output.is_json() {
        return output.object(&Report {
            schema_version: SCHEMA_VERSION,
            abi: status.abi,
            mode,
            generation: status.generation,
            cells: status.cells,
            signatures: status.signatures,
            bans: status.bans,
            records: status.records,
            lost_alerts: status.lost_alerts,
            lost_telemetry: status.lost_telemetry,
            denied: status.denied,
            killed: status.killed,
            dropped: status.dropped,
            uptime_ns: status.uptime_ns,
        });
    }
    let mode = match mode {
        "enforce" => output.paint(Colour::Green, "enforce"),
        _ => output.paint(Colour::Yellow, mode),
    };
    let lost = format!(
        "{} alerts, {} telemetry",
        status.lost_alerts, status.lost_telemetry
    );
    for (name, value) in [
        ("mode", mode),
        ("cells", status.cells.to_string()),
        ("signatures", status.signatures.to_string()),
        ("bans", status.bans.to_string()),
        ("configuration", status.generation.to_string()),
        ("calls denied", status.denied.to_string()),
        ("connections reset", status.killed.to_string()),
        ("packets dropped", status.dropped.to_string()),
        ("records", status.records.to_string()),
        ("records lost", lost),
        (
            "loaded for",
            text::duration_ms(status.uptime_ns / 1_000_000),
        ),
        ("ABI", status.abi.to_string()),
    ] {
        output.line(format!("{name:<18} {value}"))?;
    }
    if status.cells == 0 {
        crate::output::note("no cell is loaded: nothing is protected (kisctl cell load FILE)");
    }
    Ok(())
}
