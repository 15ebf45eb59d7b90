// SPDX-License-Identifier: GPL-2.0

//! How the classes of a repertoire grow.

use crate::{
    output::{
        Colour,
        Shown, //
    },
    profile_file::Own,
    view::{
        field::Field,
        value::Value, //
    }, //
};
use kis_core::sense::{
    budget::DAY_MS,
    class::Class,
    novelty::Novelty, //
};

/// How a class grows.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::Class;
/// use kis_core::sense::novelty::Novelty;
/// use kisctl::view::class::Growth;
///
/// let novelty = Novelty { windows: 100, items: 4, once: 4, twice: 0, lost: 0 };
/// let growth = Growth { class: Class::Create, novelty, kept_out: 0, window_ms: 1000 };
/// assert_eq!((growth.state(), growth.per_day_q16().map(|day| day >> 16)), ("growing", Some(3432)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The class.
    pub class: Class,
    /// What is known about it.
    pub novelty: Novelty,
    /// How often something of it was kept out.
    pub kept_out: u32,
    /// Length of the cell's windows.
    pub window_ms: u32,
}

impl Growth {
    /// That of all classes.
    pub fn all(repertoire: &Own, window_ms: u32) -> Vec<Self> {
        let of = |class: &Class| Self::of(repertoire, *class, window_ms);
        Class::ALL.iter().map(of).collect()
    }

    /// That of a class.
    pub fn of(repertoire: &Own, class: Class, window_ms: u32) -> Self {
        Self {
            class,
            novelty: repertoire.novelty(class),
            kept_out: repertoire.kept_out(class),
            window_ms,
        }
    }

    /// Discoveries to be expected in a day, 16 fractional bits; `None` when too few windows were
    /// learned.
    pub fn per_day_q16(&self) -> Option<u64> {
        if self.novelty.is_unknown() {
            return None;
        }
        let windows = u128::from(DAY_MS / u64::from(self.window_ms.max(1)));
        let day = ((u128::from(self.novelty.per_million()) * windows) << 16) / 1_000_000;
        Some(u64::try_from(day).unwrap_or(u64::MAX))
    }

    /// What something new in it is.
    pub fn state(&self) -> &'static str {
        if self.novelty.lost > 0 {
            "full"
        } else if self.novelty.is_unknown() {
            "unknown"
        } else if self.novelty.is_saturated() {
            "saturated"
        } else {
            "growing"
        }
    }
}

/// Names the type once for all fields.
type Of = Field<Growth>;

/// The fields of a class in `kisctl profile show`.
pub const FIELDS: &[Of] = &[
    Of::new("class", |of| of.class.name().into()).column(1, "CLASS"),
    Of::new("items", |of| of.novelty.items.into()).column(2, ">ITEMS"),
    Of::new("windows", |of| of.novelty.windows.into()),
    Of::new("discoveries", |of| of.novelty.once.into()).column(3, ">ONCE"),
    Of::new("twice", |of| of.novelty.twice.into()),
    Of::new("per_day", |of| {
        of.per_day_q16().map_or(Value::Maybe(None), Value::Q16)
    })
    .column(4, ">NEW/DAY"),
    Of::new("lost", |of| of.novelty.lost.into()).column(5, ">LOST"),
    Of::new("kept_out", |of| of.kept_out.into()).column(6, ">KEPT OUT"),
    Of::new("state", |of| of.state().into())
        .shown(state)
        .column(7, "STATE"),
    Of::new("mild", |of| of.class.is_mild().into()),
];

/// The state in its colour; what is never more than danger one is said.
fn state(of: &Growth) -> Shown {
    let colour = match of.state() {
        "saturated" => Colour::Green,
        "growing" if of.class.is_mild() => Colour::Plain,
        _ => Colour::Yellow,
    };
    let mild = if of.class.is_mild() { " (mild)" } else { "" };
    Shown::new(format!("{}{mild}", of.state()), colour)
}
