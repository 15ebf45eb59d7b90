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
use super::stretch::Stretch;
use super::thresholds::{
    Lines,
    Slope,
    Thresholds, //
};
use super::traffic::{
    Amounts,
    Traffic, //
};
use super::window::{
    Crossing,
    Level,
    Moment, //
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
/// Crowd.learn(&mut most, &Observation::Window {
///     values: &[0; Param::COUNT],
///     processes: 3,
///     start: false,
/// });
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
        /// Whether the cell's program was started in it, or just before.
        start: bool,
    },
    /// A stretch of windows that ends with the one that is over: the cell did not start in any of
    /// them, had a process at the end of each, and none was left out.
    Stretch {
        /// How many windows.
        stretch: Stretch,
        /// The sum of each parameter; 0 of those that do not add up.
        sums: &'a Values,
    },
    /// 30 windows in a row, as [`Observation::Stretch`], in which something was sent to peers or could
    /// have been.
    Peers {
        /// What the peer was sent that was sent most.
        most: Amounts,
        /// What all were sent together.
        total: Amounts,
    },
}

/// One of tests: a window in which the cell did not start.
#[cfg(test)]
pub(super) const fn window(values: &Values, processes: u32) -> Observation<'_> {
    Observation::Window {
        values,
        processes,
        start: false,
    }
}

/// What a finding or a number is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A parameter.
    Param(Param),
    /// What a parameter adds up to over a stretch.
    Sum(Param, Stretch),
    /// What is sent to one peer in a short stretch.
    Peer(Traffic),
}

/// The quantiles that are shown, of 1000.
pub const QUANTILES: [u32; 3] = [500, 900, 990];

/// What all detectors together found in one observation.
///
/// At most one crossing for each parameter and length of a stretch, the gravest. About 2 KiB: its
/// memory is the caller's, who keeps it off the stack.
///
/// # Examples
///
/// ```
/// use kis_core::sense::detector::Findings;
/// use kis_core::sense::param::Param;
/// use kis_core::sense::stretch::Stretch;
/// use kis_core::sense::window::{Crossing, Level, Moment};
///
/// let mut found = Findings::new();
/// for level in [Level::One, Level::Bound, Level::Two] {
///     let (param, stretch, now) = (Param::Execs, Stretch::Window, Moment::QUIET);
///     found.cross(Crossing { param, stretch, level, observed: 9, threshold: 5, now });
/// }
/// assert_eq!(found.crossings().map(|c| c.level).collect::<Vec<_>>(), [Level::Bound]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Findings {
    crossings: [[Option<Crossing>; Param::COUNT]; Stretch::ALL.len()],
}

impl Default for Findings {
    fn default() -> Self {
        Self::new()
    }
}

impl Findings {
    /// [`Findings::new`] as a constant, which a compiler copies to where it is wanted. A call would
    /// build it on the stack first.
    pub const EMPTY: Self = Self::new();

    /// Nothing found.
    pub const fn new() -> Self {
        Self {
            crossings: [[None; Param::COUNT]; Stretch::ALL.len()],
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.crossings.iter_mut().for_each(|all| all.fill(None));
    }

    /// A parameter is above a line.
    pub fn cross(&mut self, crossing: Crossing) {
        let all = self.crossings.get_mut(crossing.stretch.index());
        if let Some(place) = all.and_then(|all| all.get_mut(crossing.param.index())) {
            if place.is_none_or(|before| before.level < crossing.level) {
                *place = Some(crossing);
            }
        }
    }

    /// The crossings, those of windows first, each in the order of the parameters.
    pub fn crossings(&self) -> impl Iterator<Item = &Crossing> {
        self.crossings.iter().flatten().flatten()
    }
}

/// What is known about a subject, for the record and for the lines that hooks hold counts against.
///
/// # Examples
///
/// ```
/// use kis_core::sense::detector::Numbers;
/// use kis_core::sense::thresholds::{Lines, Thresholds};
/// use kis_core::sense::window::{Level, Moment};
///
/// let lines = Lines { usual: Thresholds::new(10, u64::MAX), ..Lines::NEVER };
/// let numbers = Numbers { lines, bound: 12, ..Numbers::NONE };
/// let now = Moment::QUIET;
/// assert_eq!(numbers.crossed(11, &now), Some((Level::One, 10)));
/// assert_eq!(numbers.crossed(13, &now), Some((Level::Bound, 12)));
/// assert_eq!(numbers.next_above(11, &now), 12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Mean, 16 fractional bits.
    pub mean: u64,
    /// Root of the mean square deviation, 16 fractional bits.
    pub deviation: u64,
    /// How many were learned.
    pub n: u64,
    /// The smallest value learned.
    pub minimum: u64,
    /// The greatest value learned.
    pub peak: u64,
    /// About the [`QUANTILES`].
    pub quantiles: [u64; QUANTILES.len()],
    /// The thresholds; never crossed while the cell learns.
    pub lines: Lines,
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
        minimum: 0,
        peak: 0,
        quantiles: [0; QUANTILES.len()],
        lines: Lines::NEVER,
        bound: u64::MAX,
    };

    /// How many words it is.
    pub const WORDS: usize = 16;

    /// As words, for those who keep them one by one.
    pub const fn to_words(&self) -> [u64; Self::WORDS] {
        let [median, most, nearly] = self.quantiles;
        let Lines {
            usual,
            slope,
            start,
        } = self.lines;
        [
            self.mean,
            self.deviation,
            self.n,
            self.minimum,
            self.peak,
            median,
            most,
            nearly,
            self.bound,
            usual.one(),
            usual.two(),
            slope.one,
            slope.two,
            slope.learned,
            start.one(),
            start.two(),
        ]
    }

    /// From words.
    pub const fn from_words(words: &[u64; Self::WORDS]) -> Self {
        let [mean, deviation, n, minimum, peak, median, most, nearly, bound, lines @ ..] = *words;
        let [usual_one, usual_two, one, two, learned, start_one, start_two] = lines;
        Self {
            mean,
            deviation,
            n,
            minimum,
            peak,
            quantiles: [median, most, nearly],
            lines: Lines {
                usual: Thresholds::new(usual_one, usual_two),
                slope: Slope { one, two, learned },
                start: Thresholds::new(start_one, start_two),
            },
            bound,
        }
    }

    /// The gravest of the lines that a value is above, and that line.
    pub fn crossed(&self, value: u64, now: &Moment) -> Option<(Level, u64)> {
        if value > self.bound {
            Some((Level::Bound, self.bound))
        } else {
            self.lines.at(now).crossed(value)
        }
    }

    /// The lowest of the lines that a value is not above; `u64::MAX` when it is above all.
    ///
    /// A line that moves with the load will be further out when the value gets there: as much is
    /// added as keeps whoever waits for it from asking again and again.
    pub fn next_above(&self, value: u64, now: &Moment) -> u64 {
        let (usual, at) = (self.lines.usual, self.lines.at(now));
        [
            (at.one(), usual.one()),
            (at.two(), usual.two()),
            (self.bound, self.bound),
        ]
        .into_iter()
        .filter(|(line, _)| *line >= value)
        .map(|(line, usual)| {
            if line > usual {
                line.max(value.saturating_add(value / 16))
            } else {
                line
            }
        })
        .min()
        .unwrap_or(u64::MAX)
    }
}
