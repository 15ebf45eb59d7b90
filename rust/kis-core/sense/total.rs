// SPDX-License-Identifier: GPL-2.0

//! What a parameter usually adds up to over stretches of one length, and where danger begins.
//!
//! Few stretches are learned, as they do not overlap: six of 30 windows in a learning of 180, and
//! none of 600. What a tail of so few tells is nothing: one or two values beyond the others, that
//! differ by a tenth, put the line of one in millions at ten times the peak. So no sum up to twice the
//! largest is danger, the tail counts from 20 stretches on, and a length of which fewer than three were
//! learned has no line. There is no line of danger two: that more was done than ever says that
//! something goes on, not what.
//!
//! About 300 bytes. Floor 0, pure, total; no allocation. Context: any.

use super::budget::Budget;
use super::detector::Numbers;
use super::habit::MORE_LOAD;
use super::param::{
    Param,
    Role, //
};
use super::stats::MAX_VALUE;
use super::stretch::{
    Stretch,
    LEAST, //
};
use super::tail::{
    Tail,
    KEPT, //
};
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

/// Up to so many times the largest sum is fine: a peak of few is often exceeded.
const MARGIN: u64 = 2;

/// Fewest stretches whose tail tells something: five excesses.
const LEAST_TAIL: u32 = 20;

/// Bytes of sum, minimum and ratio in an image.
const SUMS: usize = 24;

/// What is learned of the sums of a parameter.
///
/// # Invariants
///
/// All parts have learned the same sums, but for the ratios, which lack those whose parameter does
/// not grow with the load.
///
/// # Examples
///
/// ```
/// use kis_core::sense::budget::Budget;
/// use kis_core::sense::param::Param;
/// use kis_core::sense::stretch::Stretch;
/// use kis_core::sense::total::Total;
///
/// let mut total = Total::new();
/// for opened in [300, 280, 310] {
///     total.learn(Param::FilesOpened, opened, 60);
/// }
/// assert_eq!((total.n(), total.minimum(), total.peak()), (3, 280, 310));
/// let lines = total.lines(Param::FilesOpened, Stretch::Short, &Budget::usual(1000), 60);
/// // Twice the peak and six steps of four.
/// assert_eq!(lines.usual.one(), 644);
/// assert_eq!(lines.usual.two(), u64::MAX);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    sums: Tail,
    all: u64,
    minimum: u64,
    /// The largest sum per unit of load.
    ratio: u64,
}

impl Default for Total {
    fn default() -> Self {
        Self::new()
    }
}

impl Total {
    /// Most bytes in an image.
    pub const MAX_BYTES: usize = SUMS + Tail::MAX_BYTES;

    /// Nothing learned.
    pub const fn new() -> Self {
        // INVARIANT: nothing learned.
        Self {
            sums: Tail::new(),
            all: 0,
            minimum: 0,
            ratio: 0,
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        // INVARIANT: as new.
        self.sums.clear();
        (self.all, self.minimum, self.ratio) = (0, 0, 0);
    }

    /// Learns the sum of a stretch with its load.
    pub fn learn(&mut self, param: Param, sum: u64, load: u64) {
        self.minimum = match self.n() {
            0 => sum,
            _ => self.minimum.min(sum),
        };
        // INVARIANT: each learns it.
        self.sums.learn(sum);
        self.all = self.all.saturating_add(sum);
        if param.role().grows_with_load() {
            self.ratio = self.ratio.max(per_load(sum, load));
        }
    }

    /// Stretches learned.
    pub const fn n(&self) -> u32 {
        self.sums.n()
    }

    /// The largest sum.
    pub fn peak(&self) -> u64 {
        self.sums.peak()
    }

    /// The smallest sum; 0 when nothing was learned.
    pub const fn minimum(&self) -> u64 {
        self.minimum
    }

    /// The mean with 16 fractional bits, rounded down; 0 when nothing was learned.
    pub fn mean_q16(&self) -> u64 {
        let n = u64::from(self.n());
        let whole = self.all.checked_div(n).unwrap_or(0);
        let rest = self.all.checked_rem(n).unwrap_or(0);
        // OVERFLOW: a sum is below 2^50, rest below 2^16.
        let fraction = (rest << 16).checked_div(n).unwrap_or(0);
        whole.saturating_mul(1 << 16).saturating_add(fraction)
    }

    /// Says what was learned; the lines are not its own alone.
    pub(super) fn explain(&self, numbers: &mut Numbers) {
        numbers.mean = self.mean_q16();
        numbers.n = u64::from(self.n());
        numbers.minimum = self.minimum();
        numbers.peak = self.peak();
    }

    /// Where danger begins for a budget; `load` is the greatest that was learned of such stretches.
    pub fn lines(&self, param: Param, stretch: Stretch, budget: &Budget, load: u64) -> Lines {
        if self.n() < LEAST {
            return Lines::NEVER;
        }
        let reach = match budget {
            Budget::None => return Lines::NEVER,
            Budget::Deviations { .. } => 0,
            Budget::Alarms { .. } if self.n() < LEAST_TAIL => 0,
            Budget::Alarms { .. } => self.sums.reach(budget.ln_sums().unwrap_or(0)),
        };
        let times = match param.role() {
            Role::Load => MORE_LOAD,
            _ => MARGIN,
        };
        let step = param.floor().saturating_mul(stretch.steps());
        let one = reach.max(self.peak().saturating_mul(times));
        let moves = param.role().grows_with_load() && matches!(budget, Budget::Alarms { .. });
        Lines {
            usual: Thresholds::new(one.saturating_add(step), u64::MAX),
            slope: if moves {
                Slope {
                    one: self.ratio.saturating_mul(MARGIN),
                    two: 0,
                    learned: load,
                }
            } else {
                Slope::LEVEL
            },
            start: Thresholds::NEVER,
        }
    }

    /// Bytes in an image as it is now.
    pub(super) fn bytes(&self) -> usize {
        SUMS.saturating_add(self.sums.bytes())
    }

    /// Writes it to an image.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.u64(self.all);
        w.u64(self.minimum);
        w.u64(self.ratio);
        self.sums.write(w);
    }

    /// Becomes what an image holds, if it can have learned it of so many stretches; else left anyhow.
    pub(super) fn read(
        &mut self,
        param: Param,
        stretch: Stretch,
        r: &mut Reader<'_>,
        n: u32,
    ) -> Option<()> {
        (self.all, self.minimum, self.ratio) = (r.u64()?, r.u64()?, r.u64()?);
        self.sums.read(r, n)?;
        let most = MAX_VALUE.saturating_mul(stretch.windows().into());
        let ratio = if param.role().grows_with_load() {
            per_load(self.peak(), 0)
        } else {
            0
        };
        // INVARIANT: just read, and compared.
        let is_one = self.n() == n && self.peak() <= most && self.ratio <= ratio && self.adds_up();
        is_one.then_some(())
    }

    /// Whether the sum of all, the smallest and the largest can be of the same stretches.
    fn adds_up(&self) -> bool {
        let largest = self.sums.largest();
        let part = largest.iter().fold(0u64, |sum, of| sum.saturating_add(*of));
        // What the largest leave is that of the others, none above the least of them.
        let others = u64::from(self.n()).saturating_sub(KEPT as u64);
        let least = largest.last().copied().unwrap_or(0);
        let Some(rest) = self.all.checked_sub(part) else {
            return false;
        };
        self.minimum <= least
            && (others != 0 || self.minimum == least)
            && rest <= least.saturating_mul(others)
            && rest >= self.minimum.saturating_mul(others)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_total))]
mod tests {
    use super::*;
    use crate::sense::window::Moment;

    const BUDGET: Budget = Budget::usual(1000);

    fn learned(param: Param, sums: &[u64], load: u64) -> Total {
        let mut total = Total::new();
        for sum in sums {
            total.learn(param, *sum, load);
        }
        total
    }

    #[test]
    fn few_stretches_have_no_line() {
        let total = learned(Param::Execs, &[5, 5], 0);
        let lines = |total: &Total, budget| total.lines(Param::Execs, Stretch::Short, &budget, 0);
        assert_eq!(lines(&total, BUDGET), Lines::NEVER);
        let total = learned(Param::Execs, &[5, 4, 5], 0);
        assert_eq!(lines(&total, Budget::None), Lines::NEVER);
        assert_eq!(lines(&total, BUDGET).usual, Thresholds::new(16, u64::MAX));
        // The factors of deviations say nothing of sums.
        let deviations = Budget::Deviations {
            one_q16: 0,
            two_q16: 0,
        };
        let lines = lines(&total, deviations);
        assert_eq!(lines.usual, Thresholds::new(16, u64::MAX));
        assert_eq!(lines.slope, Slope::LEVEL);
    }

    #[test]
    fn line_is_the_larger_of_the_tail_and_twice_the_peak() {
        // Steady: nothing is beyond its peak.
        let total = learned(Param::FilesOpened, &[1000; 60], 100);
        let one = |total: &Total, stretch| {
            let lines = total.lines(Param::FilesOpened, stretch, &BUDGET, 100);
            lines.usual.one()
        };
        assert_eq!(one(&total, Stretch::Short), 2000 + 6 * 4);
        assert_eq!(one(&total, Stretch::Long), 2000 + 25 * 4);
        // A heavy tail reaches further.
        let mut total = Total::new();
        for n in 0..60u64 {
            total.learn(Param::FilesOpened, 6000 / (n + 1), 100);
        }
        assert!(one(&total, Stretch::Short) > 2 * 6000 + 6 * 4);
        // But not that of few.
        let total = learned(Param::FilesOpened, &[60, 60, 70, 60, 60, 71], 0);
        assert_eq!(one(&total, Stretch::Short), 2 * 71 + 6 * 4);
        // What was never done has the steps.
        let total = learned(Param::FilesOpened, &[0; 6], 0);
        assert_eq!(one(&total, Stretch::Short), 24);
    }

    #[test]
    fn ten_times_the_load_crosses_nothing() {
        for param in Param::ALL.into_iter().filter(|param| param.adds_up()) {
            let sum = |load: u64| match param.role() {
                Role::Load => load,
                _ => 50 * load,
            };
            for night in [0, 20, 3000] {
                let total = learned(param, &[sum(night); 6], night);
                let lines = total.lines(param, Stretch::Short, &BUDGET, night);
                for times in 1..=10 {
                    let load = night * times;
                    let now = Moment { load, start: false };
                    let found = lines.at(&now).crossed(sum(load));
                    assert_eq!(found, None);
                }
                // More for the same is.
                let now = Moment {
                    load: night,
                    start: false,
                };
                assert!(lines.at(&now).crossed(1 << 40).is_some());
            }
        }
    }

    #[test]
    fn total_of_an_image_is_one_that_can_be() {
        let mut total = Total::new();
        for n in 0..40 {
            total.learn(Param::Execs, 10 + n * 7 % 40, 4);
        }
        let mut out = [0u8; 512];
        let mut w = Writer::new(&mut out);
        total.write(&mut w);
        assert_eq!(w.finish(), Some(total.bytes()));
        let read = |bytes: &[u8], param, n| {
            let mut again = Total::new();
            let read = again.read(param, Stretch::Short, &mut Reader::new(bytes, 0), n);
            read.map(|()| again)
        };
        assert!(read(&out, Param::Execs, 40) == Some(total));
        for n in [39, 41] {
            assert_eq!(read(&out, Param::Execs, n), None);
        }
        // No ratio where there is none, and no half of one.
        assert_eq!(read(&out, Param::Accepts, 40), None);
        assert_eq!(
            read(out.get(8..).unwrap_or_default(), Param::Execs, 40),
            None
        );
        // The high bytes of all but the count.
        for at in [7, 15, 23, 28, 39] {
            let mut forged = out;
            if let Some(byte) = forged.get_mut(at) {
                *byte ^= 0x80;
            }
            assert_eq!(read(&forged, Param::Execs, 40), None);
        }
    }
}
