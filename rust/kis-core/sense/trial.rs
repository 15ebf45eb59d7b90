// SPDX-License-Identifier: GPL-2.0

//! What a cell would have told, had it been judged while it still learns.
//!
//! Halfway through learning the lines are drawn once from what is known by then, and the other half is
//! held against them: a part to learn from and another one to be tried on (Stone, "Cross-Validatory
//! Choice and Assessment of Statistical Predictions", J. R. Stat. Soc. B 36(2), 1974). The lines that
//! are in force later have seen all windows, so they are crossed less. So are what the windows add up to,
//! where half of the time has as many stretches as have lines. A signal that stays up from one
//! window to the next is told once, and counts once.
//!
//! About 2 KiB: keep it where it is. Floor 0, pure; context: any.

use super::budget::Budget;
use super::detector::Observation;
use super::detectors::Memories;
use super::deviation::Deviation;
use super::param::{
    Param,
    Values, //
};
use super::stats::MAX_COUNT;
use super::stretch::Stretch;
use super::stretches::Stretches;
use super::thresholds::Lines;
use super::window::Level;
use crate::wire::bytes::{
    Reader,
    Writer, //
};

/// How it went.
///
/// # Examples
///
/// ```
/// use kis_core::sense::trial::Score;
///
/// let score = Score { windows: 90, one: 3, two: 1 };
/// assert!(score.is_possible(90) && !score.is_possible(89));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Windows that were tried.
    pub windows: u32,
    /// How often danger signal one would have gone up, or two.
    pub one: u32,
    /// How often danger signal two would have gone up.
    pub two: u32,
}

impl Score {
    /// Bytes in an image.
    pub const BYTES: usize = 16;

    /// Nothing tried.
    pub const NONE: Self = Self {
        windows: 0,
        one: 0,
        two: 0,
    };

    /// Whether it can come of so many windows that were learned.
    pub const fn is_possible(&self, windows: u32) -> bool {
        self.windows <= windows && self.one <= self.windows && self.two <= self.one
    }

    /// Writes it.
    pub fn write(&self, w: &mut Writer<'_>) {
        for word in [self.windows, self.one, self.two, 0] {
            w.u32(word);
        }
    }

    /// Reads one; `None` for what no trial gives.
    pub fn read(r: &mut Reader<'_>, windows: u32) -> Option<Self> {
        let score = Self {
            windows: r.u32()?,
            one: r.u32()?,
            two: r.u32()?,
        };
        (r.u32()? == 0 && score.is_possible(windows)).then_some(score)
    }
}

/// How many lengths of stretches there are.
const SUMS: usize = Stretch::SUMS.len();

/// A trial.
///
/// # Invariants
///
/// `score` is a possible one of the windows that were tried, at most [`MAX_COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    lines: [Lines; Param::COUNT],
    /// The same of sums, as [`Stretch::SUMS`] has them.
    sums: [[Lines; Param::COUNT]; SUMS],
    is_on: bool,
    up: Option<Level>,
    score: Score,
}

impl Default for Trial {
    fn default() -> Self {
        Self::new()
    }
}

impl Trial {
    /// Not begun.
    pub const fn new() -> Self {
        // INVARIANT: no windows.
        Self {
            lines: [Lines::NEVER; Param::COUNT],
            sums: [[Lines::NEVER; Param::COUNT]; SUMS],
            is_on: false,
            up: None,
            score: Score::NONE,
        }
    }

    /// How it went so far.
    pub const fn score(&self) -> Score {
        self.score
    }

    /// Begins with what is known now.
    pub fn begin(&mut self, memories: &Memories, budget: &Budget) {
        self.clear(Score::NONE);
        for (lines, param) in self.lines.iter_mut().zip(Param::ALL) {
            *lines = memories.deviation.draw(param, budget);
        }
        for (lines, stretch) in self.sums.iter_mut().zip(Stretch::SUMS) {
            memories.stretches.draw(stretch, budget, lines);
        }
        self.is_on = true;
    }

    /// Has become one with this score, which is not gone on with. The score is possible for at most
    /// [`MAX_COUNT`] windows.
    pub fn clear(&mut self, score: Score) {
        // INVARIANT: by the requirement.
        self.score = score;
        self.lines.fill(Lines::NEVER);
        self.sums.fill([Lines::NEVER; Param::COUNT]);
        self.is_on = false;
        self.up = None;
    }

    /// Tries a window that is about to be learned; `sums` gives what a stretch adds up to that ends with
    /// it, if there is one. A frame of its own.
    #[inline(never)]
    pub fn look(&mut self, seen: &Observation<'_>, sums: impl Fn(Stretch) -> Option<Values>) {
        if !self.is_on || self.score.windows >= MAX_COUNT {
            return;
        }
        let Some(crossings) = Deviation::crossings(&self.lines, seen) else {
            return;
        };
        let mut level = crossings.map(|crossing| crossing.level).max();
        for (lines, stretch) in self.sums.iter().zip(Stretch::SUMS) {
            if let Some(sums) = &sums(stretch) {
                let crossings = Stretches::crossings(lines, stretch, sums);
                level = level.max(crossings.map(|crossing| crossing.level).max());
            }
        }
        let goes_up = level > self.up;
        let is_two = level >= Some(Level::Two);
        // INVARIANT: each grows by one at most, two only with one.
        let score = &mut self.score;
        score.windows = score.windows.saturating_add(1);
        score.one = score.one.saturating_add(u32::from(goes_up));
        score.two = score.two.saturating_add(u32::from(goes_up && is_two));
        self.up = level;
    }
}

// In user space only: what they hold is larger than a stack of the kernel.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sense::detector::{
        window,
        Detector, //
    };

    #[test]
    fn trial_counts_signals_that_go_up() {
        let mut memories = Memories::new();
        let detector = Deviation { guard: None };
        for value in [1, 2, 3] {
            detector.learn(&mut memories.deviation, &window(&[value; Param::COUNT], 1));
        }
        let none = |_| None;
        let mut trial = Trial::new();
        trial.look(&window(&[u64::MAX; Param::COUNT], 1), none);
        assert_eq!(trial.score(), Score::NONE);
        let budget = Budget::Deviations {
            one_q16: 3 << 16,
            two_q16: 6 << 16,
        };
        trial.begin(&memories, &budget);
        // Those of executed programs are 6 and 8.
        for value in [2, 7, 7, 3, 7, 1 << 30, 7, 1 << 30, 0] {
            trial.look(&window(&[value; Param::COUNT], 1), none);
        }
        trial.look(&window(&[u64::MAX; Param::COUNT], 0), none);
        let want = Score {
            windows: 9,
            one: 4,
            two: 2,
        };
        assert_eq!(trial.score(), want);
        trial.clear(want);
        trial.look(&window(&[u64::MAX; Param::COUNT], 1), none);
        assert_eq!(trial.score(), want);
    }

    #[test]
    fn trial_counts_what_adds_up_once_as_long_as_it_does() {
        let mut memories = Memories::new();
        let budget = Budget::usual(1000);
        let sums = &[100; Param::COUNT];
        for _ in 0..3 {
            let seen = Observation::Stretch {
                stretch: Stretch::Short,
                sums,
            };
            Stretches.learn(&mut memories.stretches, &seen);
        }
        let mut trial = Trial::new();
        trial.begin(&memories, &budget);
        for sum in [200, 1 << 40, 1 << 40, 200, 1 << 40] {
            let sums = |stretch| (stretch == Stretch::Short).then_some([sum; Param::COUNT]);
            trial.look(&window(&[0; Param::COUNT], 1), sums);
        }
        let want = Score {
            windows: 5,
            one: 2,
            two: 0,
        };
        assert_eq!(trial.score(), want);
    }
}
