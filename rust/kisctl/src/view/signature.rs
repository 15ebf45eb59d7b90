// SPDX-License-Identifier: GPL-2.0

//! Signatures.

use crate::{
    control::model::Signature,
    output::Shown,
    text,
    view::field::Field, //
};

/// Names the type once for all fields.
type Of = Field<Signature>;

/// The fields of a signature in `kisctl sig list`.
pub const FIELDS: &[Of] = &[
    Of::new("id", |signature| signature.id.into()).column(1, ">ID"),
    Of::new("revision", |signature| signature.revision.into()).column(2, ">REV"),
    Of::new("type", |signature| signature.kind.into()).column(3, ">TYPE"),
    Of::new("message", |signature| signature.message.clone().into()).column(6, "MESSAGE"),
    Of::new("cell", |signature| signature.cell.clone().into())
        .shown(cell)
        .column(4, "CELL"),
    Of::new("hits", |signature| signature.hits.into())
        .shown(hits)
        .column(5, ">HITS"),
    Of::new("held", |signature| signature.held.into()),
];

/// How often it has matched, and how often that did not count.
fn hits(signature: &Signature) -> Shown {
    match signature.held {
        0 => signature.hits.to_string().into(),
        held => format!("{} ({held} held)", signature.hits).into(),
    }
}

/// The cell that it is for.
fn cell(signature: &Signature) -> Shown {
    match &signature.cell {
        Some(cell) => text::name(cell.as_bytes()).into(),
        None => "(all)".into(),
    }
}
