// SPDX-License-Identifier: GPL-2.0

//! Items of a repertoire.

use crate::{
    profile_file::Own,
    text,
    view::field::Field, //
};
use kis_core::sense::{
    class::{
        Class,
        Domain, //
    },
    items::Count, //
};

/// An item.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::{Class, Domain};
/// use kisctl::profile_file::Saved;
/// use kisctl::view::item::Row;
///
/// let mut saved = Saved::new();
/// saved.repertoire.accept(Class::Read, Domain::Root, b"/etc/a\nb");
/// let rows = Row::all(&saved.repertoire, None);
/// assert_eq!(rows[0].to_string(), "read /etc/a\\nb (as root)");
/// assert!(Row::all(&saved.repertoire, Some(Class::Peer)).is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its class.
    pub class: Class,
    /// With what right.
    pub domain: Domain,
    /// Its name.
    pub name: Vec<u8>,
    /// How often and when.
    pub count: Count,
}

impl Row {
    /// All items, or those of a class, in their order.
    pub fn all(repertoire: &Own, only: Option<Class>) -> Vec<Self> {
        let items = repertoire.items().iter();
        items
            .filter(|(item, _)| only.is_none_or(|class| item.class == class))
            .map(|(item, name)| Self {
                class: item.class,
                domain: item.domain,
                name: name.to_vec(),
                count: item.count,
            })
            .collect()
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&words(self.class, self.domain, &self.name))
    }
}

/// An item in words: `create /var/lib/x (as user)`.
pub fn words(class: Class, domain: Domain, name: &[u8]) -> String {
    let (class, domain) = (class.name(), domain.name());
    format!("{class} {} (as {domain})", text::escaped(name))
}

/// Names the type once for all fields.
type Of = Field<Row>;

/// The fields of an item in `kisctl profile show --items` and `profile diff`. The name comes last: it
/// may be long.
pub const FIELDS: &[Of] = &[
    Of::new("class", |row| row.class.name().into()).column(1, "CLASS"),
    Of::new("domain", |row| row.domain.name().into()).column(2, "AS"),
    Of::new("item", |row| text::escaped(&row.name).into()).column(8, "ITEM"),
    Of::new("count", |row| row.count.count.into()).column(3, ">COUNT"),
    Of::new("windows", |row| row.count.windows.into()).column(4, ">WIN"),
    Of::new("starts", |row| row.count.starts.into()).column(5, ">START"),
    Of::new("first", |row| row.count.first.into()).column(6, ">FIRST"),
    Of::new("last", |row| row.count.last.into()).column(7, ">LAST"),
];
