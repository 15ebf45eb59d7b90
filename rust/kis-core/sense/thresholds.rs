// SPDX-License-Identifier: GPL-2.0

//! Where danger begins for one parameter.
//!
//! Floor 0, pure; context: any.

use super::window::{
    Level,
    Moment, //
};

/// The greatest values that are still normal.
///
/// # Invariants
///
/// `one < two`, or both are `u64::MAX` (never crossed). `two` alone may be `u64::MAX` too.
///
/// # Examples
///
/// ```
/// use kis_core::sense::thresholds::Thresholds;
/// use kis_core::sense::window::Level;
///
/// let lines = Thresholds::new(10, 20);
/// assert_eq!(lines.crossed(10), None);
/// assert_eq!(lines.crossed(11), Some((Level::One, 10)));
/// assert_eq!(lines.crossed(21), Some((Level::Two, 20)));
/// assert_eq!(Thresholds::NEVER.crossed(u64::MAX), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    one: u64,
    two: u64,
}

impl Thresholds {
    /// Never crossed: of a parameter that was never measured.
    pub const NEVER: Self = Self {
        one: u64::MAX,
        two: u64::MAX,
    };

    /// The lines `one` and `two`, which is moved up to above `one` if it is not there.
    pub const fn new(one: u64, two: u64) -> Self {
        match one.checked_add(1) {
            None => Self::NEVER,
            // INVARIANT: just compared.
            Some(least) if two < least => Self { one, two: least },
            Some(_) => Self { one, two },
        }
    }

    /// A value above it raises danger signal one.
    pub const fn one(&self) -> u64 {
        self.one
    }

    /// A value above it raises danger signal two.
    pub const fn two(&self) -> u64 {
        self.two
    }

    /// Both, as far as there are any: nothing for one that is never crossed.
    pub fn lines(&self) -> [Option<u64>; 2] {
        [self.one, self.two].map(|line| Some(line).filter(|line| *line != u64::MAX))
    }

    /// The gravest of the lines that a value is above, and that line.
    pub const fn crossed(&self, value: u64) -> Option<(Level, u64)> {
        if value > self.two {
            Some((Level::Two, self.two))
        } else if value > self.one {
            Some((Level::One, self.one))
        } else {
            None
        }
    }
}

/// Fractional bits of values per unit of load.
pub const LOAD_BITS: u32 = 12;

/// What is added to the load before a value is divided by it: a value of a window in which next to
/// nothing was asked says little about how values grow with the load.
pub const LOAD_QUORUM: u64 = 8;

/// Load that is always taken for learned: less is too little to be multiplied.
const LEAST_LOAD: u64 = 4;

/// Up to so many times the learned load is believed; a peer who sends more, so as to be allowed more,
/// gains no more.
pub(super) const BELIEVED: u64 = 32;

/// Learned load that [`BELIEVED`] counts from at least.
const LEAST_BELIEVED: u64 = 64;

/// A value per unit of load, rounded up, [`LOAD_BITS`] fractional bits.
pub fn per_load(value: u64, load: u64) -> u64 {
    let load = load.saturating_add(LOAD_QUORUM);
    let (whole, rest) = (
        value.checked_div(load).unwrap_or(0),
        value.checked_rem(load).unwrap_or(0),
    );
    // OVERFLOW: a load is a sum of counts, and rest is below it: far below 2^52.
    let fraction = rest.saturating_mul(1 << LOAD_BITS).div_ceil(load);
    whole
        .saturating_mul(1 << LOAD_BITS)
        .saturating_add(fraction)
}

/// `factor` with [`LOAD_BITS`] fractional bits times `value`, rounded up, saturating.
fn times(factor: u64, value: u64) -> u64 {
    let product = u128::from(factor).saturating_mul(u128::from(value));
    let whole = product.saturating_add((1 << LOAD_BITS) - 1) >> LOAD_BITS;
    u64::try_from(whole).unwrap_or(u64::MAX)
}

/// How the lines of a parameter move with the load of a window.
///
/// # Examples
///
/// ```
/// use kis_core::sense::thresholds::{per_load, Slope};
///
/// // Learned at a load of 100 at most: 3 at 12, and nothing beyond one in twenty.
/// let slope = Slope { one: per_load(3, 12), two: per_load(6, 12), learned: 100 };
/// assert_eq!(slope.line(10, slope.one, 100), 17);
/// assert_eq!(slope.line(10, slope.one, 1000), 152);
/// // A window is never held against less than ten times the line at ten times the load.
/// assert_eq!(slope.line(200, slope.one, 1000), 2000);
/// assert_eq!(Slope::LEVEL.line(10, 0, 1000), 10);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slope {
    /// Per unit of load, where danger one begins, [`LOAD_BITS`] fractional bits.
    pub one: u64,
    /// The same for danger two.
    pub two: u64,
    /// The greatest load that was learned; `u64::MAX` for lines that do not move.
    pub learned: u64,
}

impl Slope {
    /// Of lines that do not move.
    pub const LEVEL: Self = Self {
        one: 0,
        two: 0,
        learned: u64::MAX,
    };

    /// Where a line is under a load: at its place, or as far out as it was learned per unit of load,
    /// or as the load is beyond what was learned, whatever is furthest.
    pub fn line(&self, line: u64, per_load: u64, load: u64) -> u64 {
        if self.learned == u64::MAX || line == u64::MAX {
            return line;
        }
        let most = self.learned.max(LEAST_BELIEVED).saturating_mul(BELIEVED);
        let load = load.min(most);
        let learned = self.learned.max(LEAST_LOAD);
        let by_value = times(per_load, load.saturating_add(LOAD_QUORUM));
        // OVERFLOW: a load is a sum of counts, far below 2^52.
        let beyond = load.saturating_mul(1 << LOAD_BITS).div_ceil(learned);
        let by_load = times(beyond.max(1 << LOAD_BITS), line);
        line.max(by_value).max(by_load)
    }
}

/// All lines that a parameter is held against.
///
/// # Examples
///
/// ```
/// use kis_core::sense::thresholds::{Lines, Slope, Thresholds};
/// use kis_core::sense::window::Moment;
///
/// let lines = Lines { usual: Thresholds::new(10, 20), ..Lines::NEVER };
/// assert_eq!(lines.at(&Moment::QUIET), Thresholds::new(10, 20));
/// // No start was learned: it is danger one at most.
/// let start = Moment { start: true, ..Moment::QUIET };
/// assert_eq!(lines.at(&start), Thresholds::new(10, u64::MAX));
/// let lines = Lines { start: Thresholds::new(50, 90), ..lines };
/// assert_eq!(lines.at(&start), Thresholds::new(50, 90));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// Of a window with a load as it was learned.
    pub usual: Thresholds,
    /// How they move with the load.
    pub slope: Slope,
    /// Of a window in which the cell starts; never crossed when no start was learned.
    pub start: Thresholds,
}

impl Lines {
    /// Never crossed.
    pub const NEVER: Self = Self {
        usual: Thresholds::NEVER,
        slope: Slope::LEVEL,
        start: Thresholds::NEVER,
    };

    /// The lines in a window as it is now.
    pub fn at(&self, now: &Moment) -> Thresholds {
        let slope = &self.slope;
        let one = slope.line(self.usual.one, slope.one, now.load);
        let two = slope.line(self.usual.two, slope.two, now.load);
        if !now.start {
            return Thresholds::new(one, two);
        }
        match (self.usual, self.start) {
            (Thresholds::NEVER, start) => start,
            (_, Thresholds::NEVER) => Thresholds::new(one, u64::MAX),
            (_, start) => Thresholds::new(one.max(start.one), two.max(start.two)),
        }
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_thresholds))]
mod tests {
    use super::*;

    #[test]
    fn values_per_load_are_rounded_up() {
        for (value, load, want) in [
            (0, 0, 0),
            (8, 0, 1 << LOAD_BITS),
            (1, 0, 512),
            (1, 4088, 1),
            (1, 4089, 1),
            (u64::MAX, 0, u64::MAX),
            (5, u64::MAX, 1),
        ] {
            assert_eq!(per_load(value, load), want);
        }
    }

    #[test]
    fn lines_move_with_the_load_and_never_below_their_place() {
        let slope = Slope {
            one: per_load(30, 100),
            two: per_load(60, 100),
            learned: 100,
        };
        let mut last = Thresholds::new(0, 1);
        let lines = Lines {
            usual: Thresholds::new(40, 80),
            slope,
            start: Thresholds::NEVER,
        };
        for load in [0, 1, 50, 100, 101, 200, 1000, 3200, 1 << 40, u64::MAX] {
            let at = lines.at(&Moment { load, start: false });
            assert!(at.one() >= last.one().max(40) && at.two() >= last.two().max(80));
            last = at;
        }
        // 32 times the learned load is believed: 3200 / 100 * 40, and no more.
        assert_eq!((last.one(), last.two()), (1280, 2560));
        assert_eq!(lines.at(&Moment::QUIET), lines.usual);
    }

    #[test]
    fn lines_that_are_never_crossed_stay_so() {
        let slope = Slope {
            one: u64::MAX,
            two: u64::MAX,
            learned: 0,
        };
        let lines = Lines {
            usual: Thresholds::new(5, u64::MAX),
            slope,
            start: Thresholds::NEVER,
        };
        for start in [false, true] {
            let at = lines.at(&Moment { load: 9, start });
            assert!(at.one() > 5 && at.two() == u64::MAX);
            let at = Lines {
                slope: Slope::LEVEL,
                ..lines
            }
            .at(&Moment { load: 9, start });
            assert_eq!((at.one(), at.two()), (5, u64::MAX));
            let at = Lines::NEVER.at(&Moment { load: 9, start });
            assert_eq!(at, Thresholds::NEVER);
        }
        // All that was learned were starts.
        let lines = Lines {
            start: Thresholds::new(7, 9),
            ..Lines::NEVER
        };
        let start = Moment {
            load: 9,
            start: true,
        };
        assert_eq!(lines.at(&start), Thresholds::new(7, 9));
        assert_eq!(lines.at(&Moment::QUIET), Thresholds::NEVER);
    }
}
