// SPDX-License-Identifier: GPL-2.0

//! Bans.

use crate::{
    control::model::Ban,
    view::{
        field::Field,
        value::Value, //
    }, //
};

/// Names the type once for all fields.
type Of = Field<Ban>;

/// The fields of a ban in `kisctl ban list`.
pub const FIELDS: &[Of] = &[
    Of::new("address", |ban| ban.address.to_string().into()).column(1, "ADDRESS"),
    Of::new("ttl_ms", |ban| Value::Milliseconds(ban.ttl_ms.into())).column(2, ">LEFT"),
    Of::new("dropped", |ban| ban.dropped.into()).column(3, ">DROPPED"),
];
