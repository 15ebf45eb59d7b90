// SPDX-License-Identifier: GPL-2.0

//! `kisctl ban`: list, add, del.

use crate::{
    args::Ban as Verb,
    control::Control,
    error::Result,
    output::{
        Output,
        Table,
        SCHEMA_VERSION, //
    },
    text, //
};
use serde::Serialize;
use std::net::IpAddr;

/// Runs one of the verbs.
pub fn run(output: &Output, verb: &Verb) -> Result<()> {
    match verb {
        Verb::List => list(output),
        Verb::Add { address, ttl } => add(output, plain(*address), *ttl),
        Verb::Del { address } => del(output, plain(*address)),
    }
}

/// An IPv4 address that was written as an IPv6 one, as IPv4.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[derive(Serialize)]
struct Entry {
    address: IpAddr,
    ttl_ms: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<u64>,
}

fn list(output: &Output) -> Result<()> {
    #[derive(Serialize)]
    struct List {
        schema_version: u32,
        bans: Vec<Entry>,
    }

    let bans = Control::open()?.bans()?;
    if output.is_json() {
        return output.object(&List {
            schema_version: SCHEMA_VERSION,
            bans: bans
                .iter()
                .map(|ban| Entry {
                    address: ban.address,
                    ttl_ms: ban.ttl_ms,
                    dropped: Some(ban.dropped),
                })
                .collect(),
        });
    }
    let mut table = Table::new(&["ADDRESS", ">LEFT", ">DROPPED"]);
    for ban in &bans {
        table.row(vec![
            ban.address.to_string().into(),
            text::duration_ms(ban.ttl_ms.into()).into(),
            ban.dropped.into(),
        ]);
    }
    output.table(&table)
}

fn add(output: &Output, address: IpAddr, ttl_s: u32) -> Result<()> {
    #[derive(Serialize)]
    struct Added {
        schema_version: u32,
        #[serde(flatten)]
        entry: Entry,
    }

    // OVERFLOW: at most 30 days, which is 2592000000.
    let ttl_ms = ttl_s * 1000;
    Control::open()?.ban_add(address, ttl_ms)?;
    if output.is_json() {
        return output.object(&Added {
            schema_version: SCHEMA_VERSION,
            entry: Entry {
                address,
                ttl_ms,
                dropped: None,
            },
        });
    }
    output.line(format!(
        "{address} banned for {}",
        text::duration_ms(ttl_ms.into())
    ))
}

fn del(output: &Output, address: IpAddr) -> Result<()> {
    #[derive(Serialize)]
    struct Deleted {
        schema_version: u32,
        address: IpAddr,
    }

    Control::open()?.ban_del(address)?;
    if output.is_json() {
        return output.object(&Deleted {
            schema_version: SCHEMA_VERSION,
            address,
        });
    }
    output.line(format!("{address} is not banned any more"))
}
