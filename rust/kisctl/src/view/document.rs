// SPDX-License-Identifier: GPL-2.0

//! What is wrong or odd in a file.

use crate::{
    document::{
        About,
        Fault,
        Warning, //
    },
    view::{
        field::Field,
        value::Value, //
    }, //
};

/// The fields of a fault.
pub const FAULT: &[Field<Fault>] = &[
    Field::new("file", |fault| fault.file.clone().into()),
    Field::new("line", |fault| fault.line.into()),
    Field::new("column", |fault| fault.column.into()),
    Field::new("pointer", |fault| fault.pointer.clone().into()),
    Field::new("message", |fault| fault.message.clone().into()),
    Field::new("next", |fault| fault.next.clone().into()),
];

/// The fields of a warning.
pub const WARNING: &[Field<Warning>] = &[
    Field::new("cell", |warning| match &warning.about {
        About::Cell(name) => name.clone().into(),
        About::Signature(_) => Value::Absent,
    }),
    Field::new("signature", |warning| match &warning.about {
        About::Cell(_) => Value::Absent,
        About::Signature(id) => (*id).into(),
    }),
    Field::new("text", |warning| warning.text.clone().into()),
];
