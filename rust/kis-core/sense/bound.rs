// SPDX-License-Identifier: GPL-2.0

//! The officer's bounds: what no window may exceed, learned or not.
//!
//! Nothing to learn, so it counts from the first window on, and also in one in which the last
//! process of the cell has ended. Floor 0, pure.

use super::budget::Budget;
use super::detector::{
    Detector,
    Findings,
    Numbers,
    Observation,
    Subject, //
};
use super::param::Param;
use super::stretch::Stretch;
use super::window::{
    Crossing,
    Level,
    Moment, //
};

/// The officer's upper bounds; `None` where there is none. A value above its bound is a breach.
pub type Bounds = [Option<u64>; Param::COUNT];

/// No bounds.
pub const NO_BOUNDS: Bounds = [None; Param::COUNT];

/// The detector.
///
/// # Examples
///
/// ```
/// use kis_core::sense::bound::{Bound, NO_BOUNDS};
/// use kis_core::sense::detector::{Detector, Findings, Observation};
/// use kis_core::sense::param::Param;
///
/// let mut bounds = NO_BOUNDS;
/// bounds[Param::Execs.index()] = Some(0);
/// let mut found = Findings::new();
/// let seen = Observation::Window { values: &[1; Param::COUNT], processes: 0, start: false };
/// Bound { bounds: &bounds }.judge(&(), &seen, &mut found);
/// assert!(found.crossings().map(|c| c.param).eq([Param::Execs]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// The bounds.
    pub bounds: &'a Bounds,
}

impl Detector for Bound<'_> {
    type Memory = ();

    fn learn(&self, _memory: &mut (), _seen: &Observation<'_>) {}

    fn complete(&self, _memory: &mut (), _budget: &Budget) {}

    fn judge(&self, _memory: &(), seen: &Observation<'_>, found: &mut Findings) {
        let Observation::Window { values, start, .. } = seen else {
            return;
        };
        let now = Moment::of(values, *start);
        for ((param, value), bound) in Param::ALL.into_iter().zip(*values).zip(self.bounds) {
            if let Some(bound) = bound.filter(|bound| *value > *bound) {
                found.cross(Crossing {
                    param,
                    stretch: Stretch::Window,
                    level: Level::Bound,
                    observed: *value,
                    threshold: bound,
                    now,
                });
            }
        }
    }

    fn explain(&self, _memory: &(), about: &Subject, numbers: &mut Numbers) {
        let Subject::Param(param) = about else {
            return;
        };
        let bound = self.bounds.get(param.index());
        numbers.bound = bound.copied().flatten().unwrap_or(u64::MAX);
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_bound))]
mod tests {
    use super::*;

    #[test]
    fn bound_is_the_greatest_value_that_is_fine() {
        let mut bounds = NO_BOUNDS;
        bounds[2] = Some(12);
        let detector = Bound { bounds: &bounds };
        for (value, want) in [(12, 0), (13, 1), (u64::MAX, 1)] {
            let values = [value; Param::COUNT];
            let seen = Observation::Window {
                values: &values,
                processes: 0,
                start: true,
            };
            let mut found = Findings::new();
            detector.judge(&(), &seen, &mut found);
            assert_eq!(found.crossings().count(), want);
            assert!(found.crossings().all(|c| c.param.index() == 2
                && c.level == Level::Bound
                && c.observed == value
                && c.threshold == 12));
        }
        let mut numbers = Numbers::NONE;
        detector.explain(&(), &Subject::Param(Param::FilesOpened), &mut numbers);
        assert_eq!(numbers.bound, 12);
        detector.explain(&(), &Subject::Param(Param::CpuUs), &mut numbers);
        assert!(numbers == Numbers::NONE);
    }
}
