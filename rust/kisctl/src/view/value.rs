// SPDX-License-Identifier: GPL-2.0

//! Values that know how they look to a program and to a person, and objects of them.

use crate::{
    output::{
        Colour,
        Shown,
        SCHEMA_VERSION, //
    },
    text, //
};
use serde::{
    ser::SerializeMap,
    Serialize,
    Serializer, //
};

/// What a field holds.
///
/// # Examples
///
/// ```
/// use kisctl::view::value::Value;
///
/// let held = Value::Milliseconds(61_000);
/// assert_eq!(serde_json::to_string(&held).expect("JSON"), "61000");
/// assert_eq!(held.shown().text(), "1 min 1 s");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value: JSON leaves its key out.
    Absent,
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(u64),
    /// A number that there need not be: `null`, or a dash.
    Maybe(Option<u64>),
    /// A number with 16 fractional bits.
    Q16(u64),
    /// A time in milliseconds.
    Milliseconds(u64),
    /// A time in nanoseconds.
    Nanoseconds(u64),
    /// One of our own words.
    Word(&'static str),
    /// Text from outside: a terminal gets it without control characters.
    Text(String),
    /// An object in the object.
    Object(Object),
    /// Several of something.
    List(Vec<Value>),
    /// What was JSON before.
    Json(serde_json::Value),
}

impl Value {
    /// As a person reads it; objects and lists have no such form.
    pub fn shown(&self) -> Shown {
        match self {
            Self::Absent | Self::Object(_) | Self::List(_) | Self::Json(_) => "".into(),
            Self::Flag(is) => if *is { "yes" } else { "no" }.into(),
            Self::Number(number) => number.to_string().into(),
            Self::Maybe(Some(number)) => number.to_string().into(),
            Self::Maybe(None) => Shown::new("-", Colour::Faint),
            Self::Q16(number) => text::q16(*number).into(),
            Self::Milliseconds(ms) => text::duration_ms(*ms).into(),
            Self::Nanoseconds(ns) => text::duration_ms(ns / 1_000_000).into(),
            Self::Word(word) => (*word).into(),
            Self::Text(text) => text::name(text.as_bytes()).into(),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_none(),
            Self::Flag(is) => serializer.serialize_bool(*is),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Maybe(number) => number.serialize(serializer),
            Self::Q16(number) => serializer.serialize_f64(text::q16_f64(*number)),
            Self::Milliseconds(time) | Self::Nanoseconds(time) => serializer.serialize_u64(*time),
            Self::Word(word) => serializer.serialize_str(word),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Object(object) => object.serialize(serializer),
            Self::List(values) => serializer.collect_seq(values),
            Self::Json(value) => value.serialize(serializer),
        }
    }
}

impl From<bool> for Value {
    fn from(is: bool) -> Self {
        Self::Flag(is)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        // CAST: a length always fits 64 bits.
        Self::Number(number as u64)
    }
}

impl From<Option<u64>> for Value {
    fn from(number: Option<u64>) -> Self {
        Self::Maybe(number)
    }
}

impl From<Option<u32>> for Value {
    fn from(number: Option<u32>) -> Self {
        Self::Maybe(number.map(u64::from))
    }
}

impl From<&'static str> for Value {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Maybe(None), Self::Text)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

/// A JSON object whose members keep their order.
///
/// # Examples
///
/// ```
/// use kisctl::view::value::{Object, Value};
///
/// let object = Object::report()
///     .with("mode", "enforce")
///     .with("cell", None::<String>)
///     .with("path", Value::Absent);
/// assert_eq!(
///     serde_json::to_string(&object).expect("JSON"),
///     r#"{"schema_version":2,"mode":"enforce","cell":null}"#
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    members: Vec<(&'static str, Value)>,
}

impl Object {
    /// One without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that is a whole report, and so begins with the version of its shape.
    pub fn report() -> Self {
        Self::new().with("schema_version", SCHEMA_VERSION)
    }

    /// Adds a member, unless its value is absent.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if value != Value::Absent {
            self.members.push((key, value));
        }
        self
    }

    /// Adds the members of another object.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.members.extend(other.members);
        self
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.members.len()))?;
        for (key, value) in &self.members {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_both_its_forms() {
        for (value, json, shown) in [
            (Value::from(true), "true", "yes"),
            (Value::from(7_u32), "7", "7"),
            (Value::from(Some(7_u32)), "7", "7"),
            (Value::from(None::<u64>), "null", "-"),
            (Value::Q16(3 << 15), "1.5", "1.50"),
            (Value::Milliseconds(1_250), "1250", "1.2 s"),
            (Value::Nanoseconds(2_000_000), "2000000", "2 ms"),
            (Value::from("ready"), "\"ready\"", "ready"),
            (Value::from("a\n".to_owned()), "\"a\\n\"", "a\\n"),
            (Value::from(vec![1_u64, 2]), "[1,2]", ""),
            (Object::new().with("a", 1_u64).into(), "{\"a\":1}", ""),
        ] {
            assert_eq!(serde_json::to_string(&value).expect("JSON"), json);
            assert_eq!(value.shown().text(), shown);
        }
    }
}
