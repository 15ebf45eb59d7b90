// SPDX-License-Identifier: GPL-2.0

//! How far the values of a window are from those that were learned: the habits of each parameter, and
//! the lines that follow for the cell's budget.
//!
//! Windows in which the cell starts are kept apart: they set no peak, and are held against starts.
//! Under hard tolerization a value beyond the officer's bound is not learned, so that an attacker
//! cannot train the cell past it; the other values of that window are. Floor 0, pure.

use super::bound::Bounds;
use super::budget::Budget;
use super::detector::{
    Detector,
    Findings,
    Keep,
    Numbers,
    Observation,
    Subject, //
};
use super::habit::Habit;
use super::param::{
    self,
    Param,
    Role,
    Values, //
};
use super::stats::MAX_VALUE;
use super::stretch::Stretch;
use super::thresholds::Lines;
use super::window::{
    Crossing,
    Moment, //
};
use crate::wire::bytes::{
    Reader,
    Writer, //
};
use crate::{
    Error,
    Result, //
};

/// The detector.
///
/// # Examples
///
/// ```
/// use kis_core::sense::budget::Budget;
/// use kis_core::sense::detector::{Detector, Findings, Observation};
/// use kis_core::sense::deviation::{Deviation, Memory};
/// use kis_core::sense::param::Param;
///
/// let (detector, mut memory) = (Deviation { guard: None }, Memory::new());
/// let window = |values| Observation::Window { values, processes: 1, start: false };
/// detector.learn(&mut memory, &window(&[100; Param::COUNT]));
/// detector.complete(&mut memory, &Budget::Deviations { one_q16: 3 << 16, two_q16: 6 << 16 });
/// let mut found = Findings::new();
/// detector.judge(&memory, &window(&[1 << 30; Param::COUNT]), &mut found);
/// assert_eq!(found.crossings().count(), Param::COUNT);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Deviation<'a> {
    /// What is not learned: values beyond these bounds (hard tolerization).
    pub guard: Option<&'a Bounds>,
}

/// What it has learned.
///
/// # Invariants
///
/// The lines follow from the habits, the load and the last budget, or are never crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    habits: [Habit; Param::COUNT],
    load: u64,
    lines: [Lines; Param::COUNT],
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// Nothing.
    pub const fn new() -> Self {
        // INVARIANT: never crossed.
        Self {
            habits: [const { Habit::new() }; Param::COUNT],
            load: 0,
            lines: [Lines::NEVER; Param::COUNT],
        }
    }

    /// What was learned about a parameter.
    pub const fn habit(&self, param: Param) -> &Habit {
        // PANIC: parameters are numbered from 0 to COUNT - 1.
        &self.habits[param.index()]
    }

    /// The greatest load of a window.
    pub const fn load(&self) -> u64 {
        self.load
    }

    /// The lines of a parameter that follow from what was learned by now.
    pub fn draw(&self, param: Param, budget: &Budget) -> Lines {
        self.habit(param).lines(param, budget, self.load)
    }

    /// The lines of a parameter; never crossed while the cell learns.
    pub fn lines(&self, param: Param) -> Lines {
        let found = self.lines.get(param.index());
        found.copied().unwrap_or(Lines::NEVER)
    }
}

impl Deviation<'_> {
    /// The parameters that are above one of these lines; `None` for what is no window to look at.
    pub fn crossings<'b>(
        lines: &'b [Lines; Param::COUNT],
        seen: &Observation<'b>,
    ) -> Option<impl Iterator<Item = Crossing> + 'b> {
        let (values, start) = Self::values(seen)?;
        let now = Moment::of(values, start);
        let each = Param::ALL.into_iter().zip(values).zip(lines);
        Some(each.filter_map(move |((param, value), lines)| {
            let (level, threshold) = lines.at(&now).crossed(*value)?;
            Some(Crossing {
                param,
                stretch: Stretch::Window,
                level,
                observed: *value,
                threshold,
                now,
            })
        }))
    }

    /// The values that it looks at, and whether the cell started: a window in which no process of the
    /// cell exists at the end says nothing of what the cell does when it runs.
    const fn values<'b>(seen: &Observation<'b>) -> Option<(&'b Values, bool)> {
        match seen {
            Observation::Window {
                values,
                processes: 1..,
                start,
            } => Some((*values, *start)),
            _ => None,
        }
    }

    /// Whether a value may be learned.
    fn allows(&self, param: Param, value: u64) -> bool {
        let bound = self.guard.and_then(|bounds| *bounds.get(param.index())?);
        bound.is_none_or(|bound| value <= bound)
    }
}

impl Detector for Deviation<'_> {
    type Memory = Memory;

    fn learn(&self, memory: &mut Memory, seen: &Observation<'_>) {
        let Some((values, start)) = Self::values(seen) else {
            return;
        };
        // A load that is not to be learned says nothing of how values grow with it.
        let each = || Param::ALL.into_iter().zip(values);
        let mut loads = each().filter(|(param, _)| param.role() == Role::Load);
        let is_known = loads.all(|(param, value)| self.allows(param, *value));
        let load = Some(param::load(&values.map(|value| value.min(MAX_VALUE))));
        let load = load.filter(|_| is_known);
        for (habit, (param, value)) in memory.habits.iter_mut().zip(each()) {
            if !self.allows(param, *value) {
                continue;
            }
            if start {
                habit.learn_start(*value);
            } else {
                habit.learn(param, *value, load);
            }
        }
        if let Some(load) = load.filter(|_| !start) {
            memory.load = memory.load.max(load);
        }
    }

    fn complete(&self, memory: &mut Memory, budget: &Budget) {
        for param in Param::ALL {
            let drawn = memory.draw(param, budget);
            if let Some(lines) = memory.lines.get_mut(param.index()) {
                // INVARIANT: just computed.
                *lines = drawn;
            }
        }
    }

    fn judge(&self, memory: &Memory, seen: &Observation<'_>, found: &mut Findings) {
        if let Some(crossings) = Self::crossings(&memory.lines, seen) {
            crossings.for_each(|crossing| found.cross(crossing));
        }
    }

    fn explain(&self, memory: &Memory, about: &Subject, numbers: &mut Numbers) {
        let Subject::Param(param) = about else {
            return;
        };
        let habit = memory.habit(*param);
        numbers.mean = habit.estimator().mean_q16();
        numbers.deviation = habit.estimator().deviation_q16();
        numbers.n = u64::from(habit.estimator().n());
        numbers.minimum = habit.minimum();
        numbers.peak = habit.peak();
        numbers.quantiles = habit.quantiles();
        numbers.lines = memory.lines(*param);
    }
}

impl Keep for Memory {
    const SECTION: u32 = 1;
    const MAX_BYTES: usize = 8 + Habit::MAX_BYTES * Param::COUNT;

    fn bytes(&self) -> usize {
        let habits = self.habits.iter();
        habits.fold(8, |sum: usize, habit| sum.saturating_add(habit.bytes()))
    }

    fn write(&self, w: &mut Writer<'_>) {
        w.u64(self.load);
        self.habits.iter().for_each(|habit| habit.write(w));
    }

    fn read(&mut self, r: &mut Reader<'_>, _len: usize, windows: u32) -> Result {
        self.clear();
        let load_at = r.offset();
        let load = r.u64();
        for (habit, param) in self.habits.iter_mut().zip(Param::ALL) {
            let at = r.offset();
            let read = habit.read(param, r, windows);
            read.ok_or(Error::malformed(at, "what was learned of a parameter"))?;
        }
        // No window had more than the peaks of both.
        let peaks = Param::ALL.map(|param| self.habit(param).peak());
        let load = load.filter(|load| *load <= param::load(&peaks));
        self.load = load.ok_or(Error::malformed(load_at, "load of a profile"))?;
        Ok(())
    }

    fn clear(&mut self) {
        // INVARIANT: never crossed.
        self.habits.iter_mut().for_each(Habit::clear);
        self.load = 0;
        self.lines.fill(Lines::NEVER);
    }
}

// In user space only: what they hold is larger than a stack of the kernel.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sense::bound::NO_BOUNDS;
    use crate::sense::detector::window;
    use crate::sense::window::Level;

    const BUDGET: Budget = Budget::Deviations {
        one_q16: 3 << 16,
        two_q16: 6 << 16,
    };

    #[test]
    fn deviation_judges_what_it_has_completed() {
        let detector = Deviation { guard: None };
        let mut memory = Memory::new();
        let mut found = Findings::new();
        for value in [1, 2, 3] {
            detector.learn(&mut memory, &window(&[value; Param::COUNT], 1));
        }
        detector.judge(&memory, &window(&[u64::MAX; Param::COUNT], 1), &mut found);
        assert!(found == Findings::new());
        detector.complete(&mut memory, &BUDGET);
        // mean 2, deviation 0.82, floor 1: 2 + 2.45 rounded up, + 1.
        for (value, want) in [(6, None), (7, Some((Level::One, 6)))] {
            found.clear();
            detector.judge(&memory, &window(&[value; Param::COUNT], 1), &mut found);
            let mut execs = found.crossings().filter(|c| c.param == Param::Execs);
            assert_eq!(execs.next().map(|c| (c.level, c.threshold)), want);
        }
        let mut numbers = Numbers::NONE;
        detector.explain(&memory, &Subject::Param(Param::Execs), &mut numbers);
        assert_eq!((numbers.n, numbers.mean), (3, 2 << 16));
        assert_eq!((numbers.minimum, numbers.peak), (1, 3));
        assert_eq!(
            (numbers.quantiles, numbers.lines.usual.one()),
            ([2, 3, 3], 6)
        );
        assert_eq!(numbers.bound, u64::MAX);
    }

    #[test]
    fn deviation_neither_learns_nor_judges_a_window_without_a_process() {
        let detector = Deviation { guard: None };
        let mut memory = Memory::new();
        detector.learn(&mut memory, &window(&[9; Param::COUNT], 0));
        assert!(memory == Memory::new());
        detector.learn(&mut memory, &window(&[1; Param::COUNT], 1));
        detector.complete(&mut memory, &BUDGET);
        let mut found = Findings::new();
        detector.judge(&memory, &window(&[u64::MAX; Param::COUNT], 0), &mut found);
        assert_eq!(found.crossings().count(), 0);
    }

    #[test]
    fn deviation_with_a_guard_leaves_out_what_is_beyond_it() {
        let mut bounds = NO_BOUNDS;
        bounds[0] = Some(100);
        for (guard, peak, n) in [(None, 500, 2), (Some(&bounds), 100, 1)] {
            let detector = Deviation { guard };
            let mut memory = Memory::new();
            for value in [100, 500] {
                detector.learn(&mut memory, &window(&[value; Param::COUNT], 1));
            }
            assert_eq!(memory.habit(Param::CpuUs).peak(), peak);
            assert_eq!(memory.habit(Param::CpuUs).estimator().n(), n);
            assert_eq!(memory.habit(Param::RssKib).estimator().n(), 2);
        }
    }
}
