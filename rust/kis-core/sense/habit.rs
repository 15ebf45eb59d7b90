// SPDX-License-Identifier: GPL-2.0

//! What a parameter usually is: all that is learned of it, and the lines that follow.
//!
//! With a budget of false alarms the lines are where the [`tail`](super::tail) comes up as rarely as
//! that, and each stands on two legs: a value has to be beyond what was learned, and beyond what was
//! learned for as much load. So a quiet night does not make the day dangerous. That a count says
//! nothing without what was asked for is old: Denning's intrusion detector (1987, IEEE TSE 13(2))
//! has profiles by resource *and* activity, and Song, Wu, Jermaine and Ranka ("Conditional Anomaly
//! Detection", IEEE TKDE 2007) call such parameters environmental: they are no sign of danger
//! themselves, others are held against them.
//!
//! About 1.5 KiB: keep it where it is. Floor 0, pure, total; no allocation. Context: any.

use super::budget::Budget;
use super::course::Course;
use super::detector::QUANTILES;
use super::param::{
    Param,
    Role, //
};
use super::spread::Spread;
use super::stats::{
    Estimator,
    MAX_COUNT,
    MAX_VALUE, //
};
use super::tail::Tail;
use super::thresholds::{
    per_load,
    Lines,
    Slope,
    Thresholds, //
};
use crate::wire::bytes::{
    Reader,
    Writer, //
};

/// Up to so many times as much load as was learned is not worth a signal by itself.
pub(super) const MORE_LOAD: u64 = 10;

/// Bytes of the sums and peaks in an image.
const SUMS: usize = 56;

/// What is learned of a parameter.
///
/// # Invariants
///
/// All parts have learned the same values, but for the starts, and the ratios, which lack those
/// whose load is not known.
///
/// # Examples
///
/// ```
/// use kis_core::sense::budget::Budget;
/// use kis_core::sense::habit::Habit;
/// use kis_core::sense::param::Param;
///
/// let mut habit = Habit::new();
/// for window in 0..60 {
///     habit.learn(Param::FilesOpened, window % 5, Some(20));
/// }
/// assert_eq!((habit.minimum(), habit.peak(), habit.quantile(500)), (0, 4, 2));
/// let lines = habit.lines(Param::FilesOpened, &Budget::usual(1000), 20);
/// assert!(lines.usual.one() >= 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habit {
    estimator: Estimator,
    minimum: u64,
    values: Tail,
    ratios: Tail,
    spread: Spread,
    course: Course,
    starts: u32,
    start_peak: u64,
}

impl Default for Habit {
    fn default() -> Self {
        Self::new()
    }
}

impl Habit {
    /// Most bytes in an image.
    pub const MAX_BYTES: usize = SUMS + 2 * Tail::MAX_BYTES + Spread::MAX_BYTES + Course::MAX_BYTES;

    /// Nothing learned.
    pub const fn new() -> Self {
        // INVARIANT: nothing learned.
        Self {
            estimator: Estimator::new(),
            minimum: 0,
            values: Tail::new(),
            ratios: Tail::new(),
            spread: Spread::new(),
            course: Course::new(),
            starts: 0,
            start_peak: 0,
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        // INVARIANT: as new.
        self.estimator = Estimator::new();
        self.minimum = 0;
        self.values.clear();
        self.ratios.clear();
        self.spread.clear();
        self.course.clear();
        (self.starts, self.start_peak) = (0, 0);
    }

    /// Learns the value of a window, with the load if that is known; ignored after [`MAX_COUNT`].
    pub fn learn(&mut self, param: Param, value: u64, load: Option<u64>) {
        if self.estimator.n() >= MAX_COUNT {
            return;
        }
        let value = value.min(MAX_VALUE);
        self.minimum = match self.estimator.n() {
            0 => value,
            _ => self.minimum.min(value),
        };
        // INVARIANT: each learns it.
        self.estimator.learn(value);
        self.values.learn(value);
        self.spread.learn(value);
        self.course.learn(value);
        if let Some(load) = load.filter(|_| param.role().grows_with_load()) {
            self.ratios.learn(per_load(value, load));
        }
    }

    /// Learns the value of a window in which the cell started; it is kept apart.
    pub fn learn_start(&mut self, value: u64) {
        self.starts = self.starts.saturating_add(1).min(MAX_COUNT);
        self.start_peak = self.start_peak.max(value.min(MAX_VALUE));
    }

    /// How many starts were learned.
    pub const fn starts(&self) -> u32 {
        self.starts
    }

    /// Sums of the values.
    pub const fn estimator(&self) -> &Estimator {
        &self.estimator
    }

    /// Smallest value; 0 when nothing was learned.
    pub const fn minimum(&self) -> u64 {
        self.minimum
    }

    /// Greatest value.
    pub const fn peak(&self) -> u64 {
        self.estimator.peak()
    }

    /// The greatest value of a window in which the cell started; `None` when no start was learned.
    pub const fn start_peak(&self) -> Option<u64> {
        match self.starts {
            0 => None,
            _ => Some(self.start_peak),
        }
    }

    /// About the value that so many of 1000 do not exceed; exactly, where it is one of the largest.
    pub fn quantile(&self, permille: u32) -> u64 {
        let n = u64::from(self.estimator.n());
        let rank = n.saturating_mul(u64::from(permille)).div_ceil(1000);
        let above = usize::try_from(n.saturating_sub(rank)).unwrap_or(usize::MAX);
        let largest = self.values.largest();
        // What is not among the largest is not above them.
        let most = largest.last().copied().unwrap_or(0);
        let about = || self.spread.quantile(permille).max(self.minimum).min(most);
        largest.get(above).copied().unwrap_or_else(about)
    }

    /// About the [`QUANTILES`].
    pub fn quantiles(&self) -> [u64; QUANTILES.len()] {
        QUANTILES.map(|permille| self.quantile(permille))
    }

    /// Whether it kept rising in the course of learning.
    pub fn rises(&self, param: Param) -> bool {
        self.course.rises(param.floor())
    }

    /// Where danger begins for a budget; `load` is the greatest that was learned.
    pub fn lines(&self, param: Param, budget: &Budget, load: u64) -> Lines {
        let floor = param.floor();
        let (usual, slope) = match *budget {
            Budget::None => return Lines::NEVER,
            Budget::Deviations { one_q16, two_q16 } => {
                let usual = self.estimator.thresholds(one_q16, two_q16, floor);
                (usual, Slope::LEVEL)
            }
            Budget::Alarms { .. } => {
                let windows = budget.ln_windows().unwrap_or_default();
                (self.usual(param, windows), self.slope(param, windows, load))
            }
        };
        // A few starts say little of how far the next one goes.
        let start = self.start_peak().map_or(Thresholds::NEVER, |peak| {
            Thresholds::new(
                peak.saturating_add(floor),
                peak.saturating_add(floor).saturating_mul(2),
            )
        });
        Lines {
            usual,
            slope,
            start,
        }
    }

    /// Where danger begins whatever the load; for how many windows, see [`Budget::ln_windows`].
    fn usual(&self, param: Param, (one, two): (u64, u64)) -> Thresholds {
        if self.estimator.n() == 0 {
            return Thresholds::NEVER;
        }
        let floor = param.floor();
        let (one, two) = (self.values.reach(one), self.values.reach(two));
        match param.role() {
            Role::Load => {
                let one = one.max(self.peak().saturating_mul(MORE_LOAD));
                Thresholds::new(one.saturating_add(floor), u64::MAX)
            }
            // What it never did has no free step.
            Role::Act if self.peak() == 0 => Thresholds::new(0, floor),
            _ => Thresholds::new(
                one.saturating_add(floor),
                two.saturating_add(floor.saturating_mul(2)),
            ),
        }
    }

    /// How the lines move with the load.
    fn slope(&self, param: Param, (one, two): (u64, u64), load: u64) -> Slope {
        if self.estimator.n() == 0 || !param.role().grows_with_load() {
            return Slope::LEVEL;
        }
        // Twice the peak: then no window is beyond it with a multiple of the load, and as many times
        // the value, of any learned window that had LOAD_QUORUM at least.
        let least = self.ratios.peak().saturating_mul(2);
        Slope {
            one: self.ratios.reach(one),
            two: self.ratios.reach(two).max(least),
            learned: load,
        }
    }

    /// Bytes in an image as it is now.
    pub(super) fn bytes(&self) -> usize {
        let tails = self.values.bytes().saturating_add(self.ratios.bytes());
        let parts = self.spread.bytes().saturating_add(self.course.bytes());
        SUMS.saturating_add(tails).saturating_add(parts)
    }

    /// Writes it to an image.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.u32(self.estimator.n());
        w.u32(self.starts);
        w.u64(self.estimator.sum());
        w.u128(self.estimator.squares());
        w.u64(self.peak());
        w.u64(self.minimum);
        w.u64(self.start_peak);
        self.values.write(w);
        self.ratios.write(w);
        self.spread.write(w);
        self.course.write(w);
    }

    /// Becomes what an image holds, if so many windows can have taught it; else left anyhow.
    pub(super) fn read(&mut self, param: Param, r: &mut Reader<'_>, windows: u32) -> Option<()> {
        let n = r.u32()?;
        self.starts = r.u32()?;
        if n.checked_add(self.starts).is_none_or(|all| all > windows) {
            return None;
        }
        self.estimator = Estimator::from_sums(n, r.u64()?, r.u128()?, r.u64()?)?;
        let peak = self.peak();
        self.minimum = r.u64().filter(|minimum| *minimum <= peak)?;
        let most = if self.starts == 0 { 0 } else { MAX_VALUE };
        self.start_peak = r.u64().filter(|peak| *peak <= most)?;
        self.values.read(r, n)?;
        let with_load = if param.role().grows_with_load() { n } else { 0 };
        self.ratios.read(r, with_load)?;
        self.spread.read(r)?;
        self.course.read(r, n, self.estimator.sum(), peak)?;
        // INVARIANT: just read, and compared.
        self.is_one().then_some(())
    }

    /// Whether all parts can have learned the same values.
    fn is_one(&self) -> bool {
        let n = u64::from(self.estimator.n());
        let largest = self.values.largest();
        let wide = |value: &u64| u128::from(*value);
        let sum = largest
            .iter()
            .fold(0, |sum: u64, value| sum.saturating_add(*value));
        let squares = largest
            .iter()
            .map(|value| wide(value).saturating_mul(wide(value)));
        let squares = squares.fold(0, u128::saturating_add);
        // What the largest leave of the sums is that of the others, none above the least of them.
        let others = n.saturating_sub(largest.len() as u64);
        let least = largest.last().copied().unwrap_or(0);
        let fits = |whole: u128, part: u128, each: u128| {
            whole
                .checked_sub(part)
                .is_some_and(|rest| rest <= each.saturating_mul(u128::from(others)))
        };
        u64::from(self.values.n()) == n
            && self.values.peak() == self.peak()
            && least >= self.minimum
            && (others != 0 || least == self.minimum)
            && fits(wide(&self.estimator.sum()), wide(&sum), wide(&least))
            && fits(
                self.estimator.squares(),
                squares,
                wide(&least).saturating_mul(wide(&least)),
            )
            && self.ratios.peak() <= per_load(self.peak(), 0)
            && self.spread.n() == n
            && (n == 0 || self.spread.agrees(largest, self.minimum))
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_habit))]
mod tests {
    use super::*;
    use crate::sense::window::{
        Level,
        Moment, //
    };

    const BUDGET: Budget = Budget::usual(1000);

    /// Noise from 0 to 15.
    fn noise(i: u64) -> u64 {
        i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60
    }

    #[test]
    fn what_was_never_done_has_no_free_step() {
        for (param, one, two) in [
            (Param::Execs, 0, 1),
            (Param::FilesCreated, 0, 2),
            (Param::BytesOut, 0, 16_384),
            // What others do, and what is measured, may begin.
            (Param::Accepts, 8, u64::MAX),
            (Param::BytesIn, 16_384, 32_768),
            (Param::CpuUs, 20_000, 40_000),
            (Param::ReplyPermille, 1000, 2000),
        ] {
            let mut habit = Habit::new();
            for _ in 0..60 {
                habit.learn(param, 0, Some(0));
            }
            let lines = habit.lines(param, &BUDGET, 0);
            assert_eq!(lines.usual, Thresholds::new(one, two));
            // The seed paper's formula is as it was.
            let deviations = Budget::Deviations {
                one_q16: 4 << 16,
                two_q16: 8 << 16,
            };
            let lines = habit.lines(param, &deviations, 0);
            let floor = param.floor();
            assert_eq!(lines.usual, Thresholds::new(floor, 2 * floor));
            assert_eq!(lines.slope, Slope::LEVEL);
        }
        assert_eq!(Habit::new().lines(Param::Execs, &BUDGET, 0), Lines::NEVER);
    }

    #[test]
    fn lines_are_beyond_the_peak_and_nearer_for_a_larger_budget() {
        for param in Param::ALL {
            let mut habit = Habit::new();
            for i in 0..100 {
                habit.learn(param, 100 * noise(i), Some(50 + i));
            }
            let mut last = Lines::NEVER;
            for rate in [100, 1 << 16, 100 << 16, 10_000 << 16] {
                let budget = Budget::Alarms {
                    one_per_day_q16: rate,
                    two_per_month_q16: rate,
                    window_ms: 1000,
                };
                let lines = habit.lines(param, &budget, 149);
                for load in [0, 100, 1000, 1 << 30] {
                    let now = Moment { load, start: false };
                    let (at, before) = (lines.at(&now), last.at(&now));
                    assert!(at.one() <= before.one() && at.two() <= before.two());
                    assert!(at.one() >= habit.peak() + param.floor());
                    assert!(at.two() >= habit.peak() + 2 * param.floor());
                }
                last = lines;
            }
        }
    }

    #[test]
    fn ten_times_the_load_is_danger_one_at_most() {
        for param in Param::ALL {
            // A quiet night: a dozen requests a window, and three things done for each.
            let mut habit = Habit::new();
            let value = |load: u64| match param.role() {
                Role::Load => load,
                Role::Share => 900 + noise(load),
                _ => 3 * load + noise(load),
            };
            for i in 0..60 {
                let load = noise(i);
                habit.learn(param, value(load), Some(load));
            }
            let lines = habit.lines(param, &BUDGET, 15);
            for load in 0..150 {
                let now = Moment { load, start: false };
                let found = lines.at(&now).crossed(value(load));
                assert!(found.is_none());
            }
            // Beyond 32 times a load of 64 it is not believed that it is the load.
            let many = Moment {
                load: 1_000_000,
                start: false,
            };
            let found = lines.at(&many).crossed(1 << 40).map(|found| found.0);
            let want = match param.role() {
                Role::Load => Level::One,
                _ => Level::Two,
            };
            assert_eq!(found, Some(want));
        }
    }

    #[test]
    fn more_for_each_request_is_danger_and_more_requests_alone_are_not() {
        let mut habit = Habit::new();
        for i in 0..120 {
            let load = 50 + noise(i);
            habit.learn(Param::FilesOpened, 2 * load + noise(i + 1), Some(load));
        }
        let lines = habit.lines(Param::FilesOpened, &BUDGET, 65);
        let found = |value, load| {
            let now = Moment { load, start: false };
            lines.at(&now).crossed(value).map(|found| found.0)
        };
        assert_eq!(found(1000, 500), None);
        assert_eq!(found(1000, 60), Some(Level::Two));
        assert_eq!(found(5000, 500), Some(Level::Two));
    }

    #[test]
    fn starts_are_kept_apart() {
        let mut habit = Habit::new();
        for _ in 0..60 {
            habit.learn(Param::FilesOpened, 1, Some(1));
        }
        let (quiet, start) = (
            Moment::QUIET,
            Moment {
                load: 0,
                start: true,
            },
        );
        let crossed = |habit: &Habit, now| {
            let lines = habit.lines(Param::FilesOpened, &BUDGET, 1);
            lines.at(now).crossed(400).map(|found| found.0)
        };
        assert_eq!(crossed(&habit, &quiet), Some(Level::Two));
        // None was learned: danger one at most.
        assert_eq!(
            (habit.start_peak(), crossed(&habit, &start)),
            (None, Some(Level::One))
        );
        habit.learn_start(358);
        assert_eq!((habit.peak(), habit.start_peak()), (1, Some(358)));
        assert_eq!(crossed(&habit, &quiet), Some(Level::Two));
        assert_eq!(crossed(&habit, &start), Some(Level::One));
        habit.learn_start(399);
        assert_eq!(crossed(&habit, &start), None);
    }

    #[test]
    fn quantiles_are_exact_near_the_top() {
        let mut habit = Habit::new();
        assert_eq!(habit.quantile(990), 0);
        for i in 0..600 {
            habit.learn(Param::CpuUs, i, None);
        }
        assert_eq!((habit.minimum(), habit.peak()), (0, 599));
        assert_eq!((habit.quantile(990), habit.quantile(1000)), (593, 599));
        assert!(habit.quantile(500).abs_diff(300) <= 38);
        assert!(!habit.rises(Param::CpuUs));
    }

    #[test]
    fn habit_of_an_image_is_one_that_can_be() {
        let mut habit = Habit::new();
        for i in 0..100 {
            habit.learn(Param::Execs, noise(i), Some(i));
        }
        habit.learn_start(99);
        let mut out = [0u8; 1024];
        let mut w = Writer::new(&mut out);
        habit.write(&mut w);
        // 32 largest twice, 12 sizes, 25 blocks.
        assert_eq!(w.finish(), Some(56 + 2 * 264 + 104 + 224));
        assert_eq!(habit.bytes(), 912);
        let read = |bytes: &[u8], param, windows| {
            let mut again = Habit::new();
            let read = again.read(param, &mut Reader::new(bytes, 0), windows);
            read.map(|()| again)
        };
        assert!(read(&out, Param::Execs, 101) == Some(habit));
        // More than there were windows, and ratios where there are none.
        assert_eq!(read(&out, Param::Execs, 100), None);
        assert_eq!(read(&out, Param::Accepts, 101), None);
        assert_eq!(
            read(out.get(1..).unwrap_or_default(), Param::Execs, 101),
            None
        );
        // Sums, peak, minimum, start, the largest value, a count, a block: each belongs to the others.
        for at in [
            0, 4, 8, 32, 40, 56, 64, 72, 584, 592, 596, 604, 688, 692, 696, 704, 712,
        ] {
            let mut forged = out;
            if let Some(byte) = forged.get_mut(at) {
                *byte = byte.wrapping_add(1);
            }
            assert_eq!(read(&forged, Param::Execs, 101), None);
        }
    }
}
