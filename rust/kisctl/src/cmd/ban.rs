// SPDX-License-Identifier: GPL-2.0

//! `kisctl ban`: list, add, del.

use crate::{
    args::Ban as Verb,
    control::{
        Ban,
        Control, //
    },
    error::Result,
    output::Output,
    text,
    view::{
        ban::FIELDS,
        field::{
            columns,
            objects,
            Face, //
        },
        value::Object, //
    }, //
};
use std::net::IpAddr;

/// Runs one of the verbs.
pub fn run(output: &Output, verb: &Verb) -> Result<()> {
    match verb {
        Verb::List => tell_list(output, &Control::open()?.bans()?),
        Verb::Add { address, ttl } => add(output, plain(*address), *ttl),
        Verb::Del { address } => del(output, plain(*address)),
    }
}

/// An IPv4 address that was written as an IPv6 one, as IPv4.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn add(output: &Output, address: IpAddr, ttl_s: u32) -> Result<()> {
    // OVERFLOW: at most 30 days, which is 2592000000.
    let ttl_ms = ttl_s * 1000;
    Control::open()?.ban_add(address, ttl_ms)?;
    tell_added(output, address, ttl_ms)
}

fn del(output: &Output, address: IpAddr) -> Result<()> {
    Control::open()?.ban_del(address)?;
    tell_deleted(output, address)
}

/// The list of bans.
pub(super) fn tell_list(output: &Output, bans: &[Ban]) -> Result<()> {
    if output.is_json() {
        return output.object(&Object::report().with("bans", objects(FIELDS, bans)));
    }
    output.table(&columns(FIELDS, Face::Column, bans))
}

/// A ban that was added.
pub(super) fn tell_added(output: &Output, address: IpAddr, ttl_ms: u32) -> Result<()> {
    if output.is_json() {
        let report = Object::report().with("address", address.to_string());
        return output.object(&report.with("ttl_ms", ttl_ms));
    }
    let time = text::duration_ms(ttl_ms.into());
    output.line(format!("{address} banned for {time}"))
}

/// A ban that was ended.
pub(super) fn tell_deleted(output: &Output, address: IpAddr) -> Result<()> {
    if output.is_json() {
        return output.object(&Object::report().with("address", address.to_string()));
    }
    output.line(format!("{address} is not banned any more"))
}
