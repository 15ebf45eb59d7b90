// SPDX-License-Identifier: GPL-2.0

//! What went wrong.

use crate::{
    error::{
        Error,
        Spot, //
    },
    view::{
        field::{
            object as fields,
            Field, //
        },
        value::{
            Object,
            Value, //
        }, //
    }, //
};

/// Where in a file it is.
pub const SPOT: &[Field<Spot>] = &[
    Field::new("file", |spot| spot.file.clone().into()),
    Field::new("line", |spot| spot.line.into()),
    Field::new("column", |spot| spot.column.into()),
    Field::new("pointer", |spot| spot.pointer.clone().into()),
];

/// The report of a command that has failed.
///
/// # Examples
///
/// ```
/// use kisctl::error::Error;
/// use kisctl::view::error::object;
///
/// let error = Error::not_found("cell \"dns\": no such cell").next("kisctl cell list");
/// assert_eq!(
///     serde_json::to_string(&object(&error)).expect("JSON"),
///     r#"{"schema_version":2,"error":"cell \"dns\": no such cell","hint":"kisctl cell list","exit_code":3}"#
/// );
/// ```
pub fn object(error: &Error) -> Object {
    let spot = error.spot().map(|spot| fields(SPOT, spot));
    Object::report()
        .with("error", error.text().to_owned())
        .with("place", spot.map_or(Value::Absent, Value::from))
        .with(
            "hint",
            error
                .hint()
                .map_or(Value::Absent, |hint| hint.to_owned().into()),
        )
        .with("exit_code", u32::from(error.code()))
}
