// SPDX-License-Identifier: GPL-2.0

//! How far the values of a window are from those that were learned: mean, deviation and peak of each
//! parameter, and the thresholds that follow.
//!
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
use super::param::{
    Param,
    Values, //
};
use super::stats::Estimator;
use super::thresholds::Thresholds;
use super::window::Crossing;
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
/// let window = |values| Observation::Window { values, processes: 1 };
/// detector.learn(&mut memory, &window(&[100; Param::COUNT]));
/// detector.complete(&mut memory, &Budget { k_one_q16: 3 << 16, k_two_q16: 6 << 16 });
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
/// The thresholds follow from the estimators and the last budget, or are never crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    estimators: [Estimator; Param::COUNT],
    thresholds: [Thresholds; Param::COUNT],
}

/// Bytes of a parameter in an image.
const PARAM: usize = 40;

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
            estimators: [Estimator::new(); Param::COUNT],
            thresholds: [Thresholds::NEVER; Param::COUNT],
        }
    }

    /// What was learned about a parameter.
    pub fn estimator(&self, param: Param) -> Estimator {
        let found = self.estimators.get(param.index());
        found.copied().unwrap_or_default()
    }

    /// The thresholds of a parameter; never crossed while the cell learns.
    pub fn thresholds(&self, param: Param) -> Thresholds {
        let found = self.thresholds.get(param.index());
        found.copied().unwrap_or(Thresholds::NEVER)
    }
}

impl Deviation<'_> {
    /// The values that it looks at: a window in which no process of the cell exists at the end says
    /// nothing of what the cell does when it runs.
    const fn values<'b>(seen: &Observation<'b>) -> Option<&'b Values> {
        match seen {
            Observation::Window {
                values,
                processes: 1..,
            } => Some(*values),
            _ => None,
        }
    }
}

impl Detector for Deviation<'_> {
    type Memory = Memory;

    fn learn(&self, memory: &mut Memory, seen: &Observation<'_>) {
        let Some(values) = Self::values(seen) else {
            return;
        };
        for (i, (estimator, value)) in memory.estimators.iter_mut().zip(values).enumerate() {
            let bound = self.guard.and_then(|bounds| *bounds.get(i)?);
            if bound.is_none_or(|bound| *value <= bound) {
                estimator.learn(*value);
            }
        }
    }

    fn complete(&self, memory: &mut Memory, budget: &Budget) {
        let each = memory.thresholds.iter_mut().zip(&memory.estimators);
        for ((thresholds, estimator), param) in each.zip(Param::ALL) {
            // INVARIANT: just computed.
            *thresholds = estimator.thresholds(budget.k_one_q16, budget.k_two_q16, param.floor());
        }
    }

    fn judge(&self, memory: &Memory, seen: &Observation<'_>, found: &mut Findings) {
        let values = Self::values(seen).into_iter().flatten();
        for ((param, value), thresholds) in
            Param::ALL.into_iter().zip(values).zip(&memory.thresholds)
        {
            if let Some((level, threshold)) = thresholds.crossed(*value) {
                found.cross(Crossing {
                    param,
                    level,
                    observed: *value,
                    threshold,
                });
            }
        }
    }

    fn explain(&self, memory: &Memory, about: &Subject, numbers: &mut Numbers) {
        let Subject::Param(param) = about;
        let (estimator, thresholds) = (memory.estimator(*param), memory.thresholds(*param));
        numbers.mean = estimator.mean_q16();
        numbers.deviation = estimator.deviation_q16();
        numbers.n = u64::from(estimator.n());
        numbers.one = thresholds.one();
        numbers.two = thresholds.two();
    }
}

impl Keep for Memory {
    const SECTION: u32 = 1;
    const MAX_BYTES: usize = PARAM * Param::COUNT;

    fn bytes(&self) -> usize {
        Self::MAX_BYTES
    }

    fn write(&self, w: &mut Writer<'_>) {
        for estimator in &self.estimators {
            w.u32(estimator.n());
            w.u32(0);
            w.u64(estimator.sum());
            w.u128(estimator.squares());
            w.u64(estimator.peak());
        }
    }

    fn read(&mut self, r: &mut Reader<'_>, len: usize, windows: u32) -> Result {
        self.clear();
        if len != Self::MAX_BYTES {
            // The length is the last word of the section's head.
            let at = r.offset().saturating_sub(4);
            return Err(Error::malformed(at, "number of parameters"));
        }
        for estimator in &mut self.estimators {
            let at = r.offset();
            let read = read_estimator(r).filter(|e| e.n() <= windows);
            *estimator = read.ok_or(Error::malformed(at, "sums of a parameter"))?;
        }
        Ok(())
    }

    fn clear(&mut self) {
        // INVARIANT: never crossed.
        self.estimators.fill(Estimator::new());
        self.thresholds.fill(Thresholds::NEVER);
    }
}

/// The next estimator, if it can be one.
fn read_estimator(r: &mut Reader<'_>) -> Option<Estimator> {
    let n = r.u32()?;
    if r.u32()? != 0 {
        return None;
    }
    Estimator::from_sums(n, r.u64()?, r.u128()?, r.u64()?)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_deviation))]
mod tests {
    use super::*;
    use crate::sense::bound::NO_BOUNDS;
    use crate::sense::window::Level;

    const BUDGET: Budget = Budget {
        k_one_q16: 3 << 16,
        k_two_q16: 6 << 16,
    };

    fn window(values: &Values, processes: u32) -> Observation<'_> {
        Observation::Window { values, processes }
    }

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
        assert_eq!((numbers.n, numbers.mean, numbers.one), (3, 2 << 16, 6));
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
            assert_eq!(memory.estimator(Param::CpuUs).peak(), peak);
            assert_eq!(memory.estimator(Param::CpuUs).n(), n);
            assert_eq!(memory.estimator(Param::RssKib).n(), 2);
        }
    }
}
