// SPDX-License-Identifier: GPL-2.0

//! Where in a JSON text each value and each key stands.
//!
//! `serde_json` tells no positions of values, but its [`RawValue`] borrows from the text: the
//! difference of the two addresses is the offset.

use serde::de::{
    Deserialize,
    Deserializer,
    MapAccess,
    Visitor, //
};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::HashMap,
    fmt, //
};

/// Line and column, both from 1; the column counts characters.
///
/// # Examples
///
/// ```
/// use kisctl::place::Place;
///
/// assert_eq!(Place::of("{\n  \"a\": 1}", 4), Place { line: 2, column: 3 });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// The place of the byte at `offset`.
    pub fn of(text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// The places of everything in one text, by JSON pointer (RFC 6901).
///
/// # Examples
///
/// ```
/// use kisctl::place::Index;
///
/// let text = r#"{"cells": [{"name": "a"}]}"#;
/// let index = Index::new(text);
/// assert!(text[index.value("/cells/0/name")..].starts_with("\"a\""));
/// assert!(text[index.key("/cells/0/name")..].starts_with("\"name\""));
/// ```
#[derive(Debug, Default)]
pub struct Index {
    /// Offset of each value.
    values: HashMap<String, usize>,
    /// Offset of each member's key, by the pointer of its value.
    keys: HashMap<String, usize>,
    /// Pointers of the members that repeat a key, with the offset of the second key.
    repeated: Vec<(String, usize)>,
}

impl Index {
    /// Indexes a text that `serde_json` has accepted.
    pub fn new(text: &str) -> Self {
        let mut index = Self::default();
        if let Ok(root) = serde_json::from_str::<&RawValue>(text) {
            index.walk(text, root, String::new());
        }
        index.repeated.sort_by_key(|(_, offset)| *offset);
        index
    }

    /// Offset of the value at `pointer`, or of the nearest value around it.
    pub fn value(&self, pointer: &str) -> usize {
        let mut pointer = pointer;
        loop {
            if let Some(offset) = self.values.get(pointer) {
                return *offset;
            }
            match pointer.rfind('/') {
                Some(at) => pointer = &pointer[..at],
                None => return 0,
            }
        }
    }

    /// Offset of the key of the member at `pointer`.
    pub fn key(&self, pointer: &str) -> usize {
        match self.keys.get(pointer) {
            Some(offset) => *offset,
            None => self.value(pointer),
        }
    }

    /// The members that repeat a key.
    pub fn repeated(&self) -> &[(String, usize)] {
        &self.repeated
    }

    fn walk(&mut self, text: &str, value: &RawValue, pointer: String) {
        let raw = value.get();
        match raw.as_bytes().first() {
            Some(b'{') => {
                if let Ok(Members(members)) = serde_json::from_str(raw) {
                    for (key, member) in members {
                        let inner = format!("{pointer}/{}", escape(&key));
                        let at = match &key {
                            // The quote stands before the key.
                            Cow::Borrowed(key) => offset_in(text, key).saturating_sub(1),
                            // A key with escapes is a copy: its value must do.
                            Cow::Owned(_) => offset_in(text, member.get()),
                        };
                        if self.keys.insert(inner.clone(), at).is_some() {
                            self.repeated.push((inner.clone(), at));
                        }
                        self.walk(text, member, inner);
                    }
                }
            }
            Some(b'[') => {
                if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(raw) {
                    for (at, element) in elements.into_iter().enumerate() {
                        self.walk(text, element, format!("{pointer}/{at}"));
                    }
                }
            }
            _ => {}
        }
        self.values.insert(pointer, offset_in(text, raw));
    }
}

/// A key as part of a JSON pointer.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Offset of `part` in `text`, which it borrows from.
fn offset_in(text: &str, part: &str) -> usize {
    // CAST: addresses, of which only the difference counts.
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// The members of an object in their order, repeated keys included.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// A key that borrows when it can, which `Cow` by itself does not.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrow;

        impl<'de> Visitor<'de> for Borrow {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(Borrow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "{\n  \"a\": [1,\n    {\"b/c\": \"é\", \"d\": 2}],\n  \"\\u0065\": 3, \"a\": 4\n}";

    #[test]
    fn every_value_and_key_has_its_place() {
        let index = Index::new(TEXT);
        for (offset, line, column) in [
            (index.value(""), 1, 1),
            (index.key("/a"), 4, 16),
            (index.value("/a/0"), 2, 9),
            (index.value("/a/1"), 3, 5),
            (index.key("/a/1/b~1c"), 3, 6),
            (index.value("/a/1/b~1c"), 3, 13),
            (index.key("/a/1/d"), 3, 18),
            (index.key("/e"), 4, 13),
            (index.value("/a/1/none/such"), 3, 5),
        ] {
            assert_eq!(Place::of(TEXT, offset), Place { line, column });
        }
        assert_eq!(index.repeated().len(), 1);
        assert_eq!(index.repeated()[0].0, "/a");
    }

    #[test]
    fn place_of_the_end_is_total() {
        assert_eq!(Place::of("é", 1), Place { line: 1, column: 1 });
        assert_eq!(Place::of("a\n", 99), Place { line: 2, column: 1 });
    }
}
