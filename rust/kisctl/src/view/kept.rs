// SPDX-License-Identifier: GPL-2.0

//! What was kept out of the self while a cell learned: attempted training.

use crate::{
    output::{
        Colour,
        Shown, //
    },
    profile_file::Saved,
    text,
    view::value::{
        Object,
        Value, //
    }, //
};
use kis_core::{
    sense::class::Class,
    wire::abi::Param, //
};

/// Counts by the names of classes and parameters, those that are not 0.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::Class;
/// use kis_core::sense::expectation::Expectation;
/// use kis_core::sense::sighting::Sighting;
/// use kisctl::profile_file::Saved;
/// use kisctl::view::kept::Kept;
///
/// let mut saved = Saved::new();
/// assert!(Kept::of(&saved).is_nothing());
/// let shell = Sighting::named(Class::Program, false, b"/usr/sbin/nginx -> /bin/sh");
/// saved.repertoire.teach(&shell, false, Expectation::None);
/// assert_eq!(Kept::of(&saved).words(), "1 sighting (program 1)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Sightings that no pattern expects.
    items: Vec<(&'static str, u32)>,
    /// Values beyond a bound.
    values: Vec<(&'static str, u32)>,
}

impl Kept {
    /// What a profile says of it.
    pub fn of(saved: &Saved) -> Self {
        let items = Class::ALL.iter().copied();
        let items = items.map(|class| (class.name(), saved.repertoire.kept_out(class)));
        let values = Param::ALL.into_iter();
        let values = values.map(|param| (param.name(), saved.profile.kept_out(param)));
        Self {
            items: items.filter(|(_, count)| *count > 0).collect(),
            values: values.filter(|(_, count)| *count > 0).collect(),
        }
    }

    /// Whether nothing was.
    pub fn is_nothing(&self) -> bool {
        self.items.is_empty() && self.values.is_empty()
    }

    /// `3 sightings (program 2, peer 1), 1 value (execs 1)`.
    pub fn words(&self) -> String {
        let of = |all: &[(&str, u32)], what| {
            let sum: u64 = all.iter().map(|(_, count)| u64::from(*count)).sum();
            let each = all.iter().map(|(name, count)| format!("{name} {count}"));
            let each = each.collect::<Vec<_>>().join(", ");
            (sum > 0).then(|| format!("{} ({each})", text::count(sum, what)))
        };
        let both = [of(&self.items, "sighting"), of(&self.values, "value")];
        let both: Vec<String> = both.into_iter().flatten().collect();
        if both.is_empty() {
            "nothing".to_owned()
        } else {
            both.join(", ")
        }
    }

    /// The same in a colour: somebody tried, or the officer expects too little.
    pub fn shown(&self) -> Shown {
        if self.is_nothing() {
            return self.words().into();
        }
        Shown::new(
            format!("{}: kisctl alerts shows what", self.words()),
            Colour::Yellow,
        )
    }

    /// The same for programs: an object of counts for classes, and one for parameters.
    pub fn value(&self) -> Value {
        let of = |all: &[(&'static str, u32)]| {
            let all = all.iter();
            all.fold(Object::new(), |object, (name, count)| {
                object.with(name, *count)
            })
        };
        let object = Object::new()
            .with("items", Value::Object(of(&self.items)))
            .with("values", Value::Object(of(&self.values)));
        Value::Object(object)
    }
}
