// SPDX-License-Identifier: GPL-2.0

//! The state of the module.

use crate::{
    control::model::{
        mode_name,
        Status, //
    },
    output::{
        Colour,
        Shown, //
    },
    text,
    view::{
        field::Field,
        value::Value, //
    }, //
};

/// Width of the titles of lines.
pub const WIDTH: usize = 18;

/// Names the type once for all fields.
type Of = Field<Status>;

/// The fields of `kisctl status`.
pub const FIELDS: &[Of] = &[
    Of::new("abi", |status| status.abi.into()).line(13, "ABI"),
    Of::new("mode", |status| mode_name(status.mode).into())
        .shown(mode)
        .line(1, "mode"),
    Of::new("generation", |status| status.generation.into()).line(5, "configuration"),
    Of::new("cells", |status| status.cells.into()).line(2, "cells"),
    Of::new("signatures", |status| status.signatures.into()).line(3, "signatures"),
    Of::new("bans", |status| status.bans.into()).line(4, "bans"),
    Of::new("records", |status| status.records.into()).line(9, "records"),
    Of::new("lost_alerts", |status| status.lost_alerts.into())
        .shown(lost)
        .line(10, "records lost"),
    Of::new("lost_telemetry", |status| status.lost_telemetry.into()),
    Of::new("denied", |status| status.denied.into()).line(6, "calls denied"),
    Of::new("killed", |status| status.killed.into()).line(7, "connections reset"),
    Of::new("dropped", |status| status.dropped.into()).line(8, "packets dropped"),
    Of::new("uptime_ns", |status| Value::Nanoseconds(status.uptime_ns)).line(11, "loaded for"),
    Of::new("ticks", |status| status.ticks.into()),
    Of::new("ticker_ns", |status| Value::Nanoseconds(status.ticker_ns))
        .shown(ticker)
        .line(12, "windows took"),
    Of::new("counts_lost", |status| status.counts_lost.into()),
];

/// Green where verdicts are carried out.
fn mode(status: &Status) -> Shown {
    match mode_name(status.mode) {
        "enforce" => Shown::new("enforce", Colour::Green),
        other => Shown::new(other, Colour::Yellow),
    }
}

/// What the module costs when nothing happens.
fn ticker(status: &Status) -> Shown {
    let took = text::duration_ms(status.ticker_ns / 1_000_000);
    format!("{took} in {} ticks", status.ticks).into()
}

/// Both losses: of alerts, which matters, and of telemetry.
fn lost(status: &Status) -> Shown {
    format!(
        "{} alerts, {} telemetry",
        status.lost_alerts, status.lost_telemetry
    )
    .into()
}
