// SPDX-License-Identifier: GPL-2.0

//! A field of a report: said once, it has a key in JSON and a title wherever people see it.

use crate::{
    error::Result,
    output::{
        Output,
        Shown,
        Table, //
    },
    view::value::{
        Object,
        Value, //
    }, //
};

/// Where people see a field.
///
/// # Examples
///
/// ```
/// use kisctl::control::Cell;
/// use kisctl::output::Output;
/// use kisctl::view::{cell, field::{columns, Face}};
///
/// let output = Output::to_memory(false, false);
/// output.table(&columns(cell::FIELDS, Face::Watched, &[Cell::default()])).expect("memory");
/// assert!(output.taken().starts_with("CELL  PHASE"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// On a line of its own.
    Line,
    /// In a column of a list.
    Column,
    /// In a column of what `watch` prints.
    Watched,
}

/// A field of a report about a `T`.
///
/// Views show their fields in an order of their own, so a title comes with its place among the
/// titles of its view. A title that begins with `>` heads a column that is aligned to the right.
///
/// # Examples
///
/// ```
/// use kisctl::output::Output;
/// use kisctl::view::field::{columns, lines, object, Face, Field};
///
/// struct Room {
///     seats: u32,
///     name: String,
/// }
///
/// type Of = Field<Room>;
///
/// const FIELDS: &[Of] = &[
///     Of::new("seats", |room| room.seats.into()).line(2, "seats").column(2, ">SEATS"),
///     Of::new("name", |room| room.name.clone().into()).line(1, "room").column(1, "ROOM"),
/// ];
///
/// let room = Room { seats: 9, name: "blue".to_owned() };
/// let json = serde_json::to_string(&object(FIELDS, &room)).expect("JSON");
/// assert_eq!(json, r#"{"seats":9,"name":"blue"}"#);
///
/// let output = Output::to_memory(false, false);
/// lines(&output, FIELDS, &room, 8).expect("memory");
/// assert_eq!(output.taken(), "room     blue\nseats    9\n");
///
/// output.table(&columns(FIELDS, Face::Column, [&room])).expect("memory");
/// assert_eq!(output.taken(), "ROOM  SEATS\nblue      9\n");
/// ```
#[derive(Debug)]
pub struct Field<T> {
    key: &'static str,
    value: fn(&T) -> Value,
    shown: Option<fn(&T) -> Shown>,
    /// Place and title in each view.
    faces: [Option<(u8, &'static str)>; 3],
}

impl<T> Field<T> {
    /// A field with its key in JSON; people see it as its value looks.
    pub const fn new(key: &'static str, value: fn(&T) -> Value) -> Self {
        Self {
            key,
            value,
            shown: None,
            faces: [None; 3],
        }
    }

    /// A field that JSON leaves out, because programs make it from the others.
    pub const fn for_people(shown: fn(&T) -> Shown) -> Self {
        Self::new("", |_| Value::Absent).shown(shown)
    }

    /// People see it this way instead.
    pub const fn shown(mut self, shown: fn(&T) -> Shown) -> Self {
        self.shown = Some(shown);
        self
    }

    /// Gives it a line.
    pub const fn line(self, place: u8, title: &'static str) -> Self {
        self.face(Face::Line, place, title)
    }

    /// Gives it a column in lists.
    pub const fn column(self, place: u8, title: &'static str) -> Self {
        self.face(Face::Column, place, title)
    }

    /// Gives it a column in `watch`.
    pub const fn watched(self, place: u8, title: &'static str) -> Self {
        self.face(Face::Watched, place, title)
    }

    const fn face(mut self, face: Face, place: u8, title: &'static str) -> Self {
        // CAST: one of three.
        self.faces[face as usize] = Some((place, title));
        self
    }

    /// As a person reads it.
    fn show(&self, of: &T) -> Shown {
        match self.shown {
            Some(shown) => shown(of),
            None => (self.value)(of).shown(),
        }
    }
}

/// The fields that a view has, in its order, with their titles.
fn of_face<T>(fields: &[Field<T>], face: Face) -> Vec<(&'static str, &Field<T>)> {
    let mut chosen: Vec<_> = fields
        .iter()
        // CAST: one of three.
        .filter_map(|field| field.faces[face as usize].map(|(place, title)| (place, title, field)))
        .collect();
    chosen.sort_by_key(|(place, _, _)| *place);
    chosen
        .into_iter()
        .map(|(_, title, field)| (title, field))
        .collect()
}

/// All fields as JSON, in the order of their listing.
pub fn object<T>(fields: &[Field<T>], of: &T) -> Object {
    fields.iter().fold(Object::new(), |object, field| {
        object.with(field.key, (field.value)(of))
    })
}

/// One object for each.
pub fn objects<'a, T: 'a>(fields: &[Field<T>], of: impl IntoIterator<Item = &'a T>) -> Value {
    let objects: Vec<Object> = of.into_iter().map(|one| object(fields, one)).collect();
    objects.into()
}

/// Prints a line for each field that has one; titles are `width` wide.
pub fn lines<T>(output: &Output, fields: &[Field<T>], of: &T, width: usize) -> Result<()> {
    of_face(fields, Face::Line)
        .into_iter()
        .try_for_each(|(title, field)| {
            let value = output.shown(&field.show(of));
            output.line(format!("{title:<width$} {value}"))
        })
}

/// A table with a row for each.
pub fn columns<'a, T: 'a>(
    fields: &[Field<T>],
    face: Face,
    of: impl IntoIterator<Item = &'a T>,
) -> Table {
    let (titles, fields): (Vec<_>, Vec<_>) = of_face(fields, face).into_iter().unzip();
    let mut table = Table::new(&titles);
    for one in of {
        table.row(fields.iter().map(|field| field.show(one)).collect());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{
        ban,
        cell,
        class,
        document,
        item,
        param,
        profile,
        rule,
        signature,
        status, //
    };
    use std::collections::BTreeSet;

    /// Every key once, and the places of each view are 1, 2, 3….
    fn check<T>(fields: &[Field<T>]) {
        let keys: Vec<&str> = fields
            .iter()
            .map(|field| field.key)
            .filter(|key| !key.is_empty())
            .collect();
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
        for face in [Face::Line, Face::Column, Face::Watched] {
            let mut places: Vec<u8> = fields
                .iter()
                .filter_map(|field| field.faces[face as usize])
                .map(|(place, _)| place)
                .collect();
            places.sort_unstable();
            let count = u8::try_from(places.len()).expect("few");
            assert_eq!(places, (1..=count).collect::<Vec<u8>>());
        }
    }

    #[test]
    fn no_view_has_a_key_or_a_place_twice() {
        check(ban::FIELDS);
        check(cell::FIELDS);
        check(class::FIELDS);
        check(item::FIELDS);
        check(document::FAULT);
        check(document::WARNING);
        check(param::FIELDS);
        check(profile::FIELDS);
        check(rule::FIELDS);
        check(signature::FIELDS);
        check(status::FIELDS);
    }
}
