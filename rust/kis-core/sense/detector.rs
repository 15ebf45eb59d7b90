// SPDX-License-Identifier: GPL-2.0

//! What every sense of the APC is: something that learns from observations and judges others.
//!
//! A detector itself holds what the officer wants (references into the cell's settings); what it
//! has learned is its memory, which is part of the profile and of its image and has a fixed size.
//! So a detector costs nothing to make, nothing is allocated, and whether two cells have learned the
//! same can be seen by comparing bytes. [`detectors`](super::detectors) lists them all. Floor 0,
//! pure; the caller serialises writers of a memory.

use super::budget::Budget;
use super::param::{
    Param,
    Values, //
};
use super::window::{
    Crossing,
    Level, //
};
use crate::wire::bytes::{
    Reader,
    Writer, //
};
use crate::Result;

/// A sense.
///
/// # Examples
///
/// A detector that holds every window against a number of processes:
///
/// ```
/// use kis_core::sense::budget::Budget;
/// use kis_core::sense::detector::{Detector, Findings, Numbers, Observation, Subject};
/// use kis_core::sense::param::Param;
///
/// struct Crowd;
/// impl Detector for Crowd {
///     type Memory = u32;
///     fn learn(&self, most: &mut u32, seen: &Observation<'_>) {
///         if let Observation::Window { processes, .. } = seen {
///             *most = (*most).max(*processes);
///         }
///     }
///     fn complete(&self, _: &mut u32, _: &Budget) {}
///     fn judge(&self, _: &u32, _: &Observation<'_>, _: &mut Findings) {}
///     fn explain(&self, _: &u32, _: &Subject, _: &mut Numbers) {}
/// }
///
/// let mut most = 0;
/// Crowd.learn(&mut most, &Observation::Window { values: &[0; Param::COUNT], processes: 3 });
/// assert_eq!(most, 3);
/// ```
pub trait Detector {
    /// What it has learned.
    type Memory;

    /// Learns from an observation. Only called while the cell learns.
    fn learn(&self, memory: &mut Self::Memory, seen: &Observation<'_>);

    /// Ends learning, or draws the lines anew for another budget.
    fn complete(&self, memory: &mut Self::Memory, budget: &Budget);

    /// Holds an observation against what was learned. Nothing learned is held against anything
    /// before [`Detector::complete`].
    fn judge(&self, memory: &Self::Memory, seen: &Observation<'_>, found: &mut Findings);

    /// Adds the numbers that it has about a subject to those of others.
    fn explain(&self, memory: &Self::Memory, about: &Subject, numbers: &mut Numbers);
}

/// A memory that can be part of an image.
///
/// There is one image for one memory; [`Keep::read`] takes no other.
pub trait Keep {
    /// Number of its section in the image of a profile; 0 for a memory that holds nothing and has no
    /// section.
    const SECTION: u32;

    /// Most bytes of the section.
    const MAX_BYTES: usize;

    /// Bytes of the section as it is now.
    fn bytes(&self) -> usize;

    /// Writes the section.
    fn write(&self, w: &mut Writer<'_>);

    /// Becomes what a section holds; leaves it anyhow on errors. `windows` is how many windows were
    /// learned, and `len` the length that the section's head gave.
    ///
    /// # Errors
    ///
    /// [`Error`](crate::Error) with the first byte that is wrong, or the limit that is exceeded.
    fn read(&mut self, r: &mut Reader<'_>, len: usize, windows: u32) -> Result;

    /// Forgets all.
    fn clear(&mut self);
}

/// What detectors learn from and judge.
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// A window that is over.
    Window {
        /// The value of each parameter.
        values: &'a Values,
        /// Processes of the cell at its end.
        processes: u32,
    },
}

/// What a finding or a number is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A parameter.
    Param(Param),
}

/// What all detectors together found in one observation.
///
/// At most one crossing for each parameter, the gravest. A few words for each parameter: its memory
/// is the caller's, who keeps it off the stack.
///
/// # Examples
///
/// ```
/// use kis_core::sense::detector::Findings;
/// use kis_core::sense::param::Param;
/// use kis_core::sense::window::{Crossing, Level};
///
/// let mut found = Findings::new();
/// for level in [Level::One, Level::Bound, Level::Two] {
///     found.cross(Crossing { param: Param::Execs, level, observed: 9, threshold: 5 });
/// }
/// assert_eq!(found.crossings().map(|c| c.level).collect::<Vec<_>>(), [Level::Bound]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    crossings: [Option<Crossing>; Param::COUNT],
}

impl Default for Findings {
    fn default() -> Self {
        Self::new()
    }
}

impl Findings {
    /// Nothing found.
    pub const fn new() -> Self {
        Self {
            crossings: [None; Param::COUNT],
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.crossings.fill(None);
    }

    /// A parameter is above a line.
    pub fn cross(&mut self, crossing: Crossing) {
        if let Some(place) = self.crossings.get_mut(crossing.param.index()) {
            if place.is_none_or(|before| before.level < crossing.level) {
                *place = Some(crossing);
            }
        }
    }

    /// The crossings, in the order of the parameters.
    pub fn crossings(&self) -> impl Iterator<Item = &Crossing> {
        self.crossings.iter().flatten()
    }
}

/// What is known about a subject, for the record and for the lines that hooks hold counts against.
///
/// # Examples
///
/// ```
/// use kis_core::sense::detector::Numbers;
/// use kis_core::sense::window::Level;
///
/// let numbers = Numbers { one: 10, bound: 12, ..Numbers::NONE };
/// assert_eq!(numbers.crossed(11), Some((Level::One, 10)));
/// assert_eq!(numbers.crossed(13), Some((Level::Bound, 12)));
/// assert_eq!(numbers.next_above(11), 12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Mean, 16 fractional bits.
    pub mean: u64,
    /// Root of the mean square deviation, 16 fractional bits.
    pub deviation: u64,
    /// How many were learned.
    pub n: u64,
    /// Threshold one; `u64::MAX` while the cell learns.
    pub one: u64,
    /// Threshold two; `u64::MAX` while the cell learns.
    pub two: u64,
    /// The officer's bound; `u64::MAX` for none.
    pub bound: u64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self::NONE
    }
}

impl Numbers {
    /// Nothing is known, and no line is ever crossed.
    pub const NONE: Self = Self {
        mean: 0,
        deviation: 0,
        n: 0,
        one: u64::MAX,
        two: u64::MAX,
        bound: u64::MAX,
    };

    /// The gravest of the lines that a value is above, and that line.
    pub const fn crossed(&self, value: u64) -> Option<(Level, u64)> {
        if value > self.bound {
            Some((Level::Bound, self.bound))
        } else if value > self.two {
            Some((Level::Two, self.two))
        } else if value > self.one {
            Some((Level::One, self.one))
        } else {
            None
        }
    }

    /// The lowest of the lines that a value is not above; `u64::MAX` when it is above all.
    pub fn next_above(&self, value: u64) -> u64 {
        [self.one, self.two, self.bound]
            .into_iter()
            .filter(|line| *line >= value)
            .min()
            .unwrap_or(u64::MAX)
    }
}
