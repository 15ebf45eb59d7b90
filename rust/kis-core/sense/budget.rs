// SPDX-License-Identifier: GPL-2.0

//! How far from normal danger begins.
//!
//! Floor 0, pure.

use super::fixed;

/// Milliseconds in a day.
pub const DAY_MS: u64 = 86_400_000;

/// Days in a month.
pub const MONTH_DAYS: u64 = 30;

/// Into how many shares a budget is split: one for each parameter, and as many for what the
/// repertoire finds and what parameters add up to.
///
/// By Bonferroni's inequality a cell has no more false alarms than the sum of all shares, however the
/// parameters depend on each other.
pub const SHARES: u64 = 26;

const _: () = assert!(SHARES as usize == 2 * super::param::Param::COUNT);

/// Into how many parts a share is split for sums: 22 of parameters over stretches and two of peers take
/// six of the 13 shares that are not for windows.
const PARTS: u64 = 4;

/// Smallest and greatest number of alarms a day or month, 16 fractional bits: one in about three
/// years, and 10,000.
pub const RATE_Q16: (u32, u32) = (66, 10_000 << 16);

/// Words of a budget in an image.
pub const WORDS: usize = 4;

/// What [`complete`](super::detector::Detector::complete) makes lines from.
///
/// # Examples
///
/// ```
/// use kis_core::sense::budget::Budget;
///
/// let rare = Budget::Alarms { one_per_day_q16: 1 << 16, two_per_month_q16: 1 << 16, window_ms: 1000 };
/// let often = Budget::Alarms { one_per_day_q16: 9 << 16, two_per_month_q16: 9 << 16, window_ms: 1000 };
/// assert!(rare.ln_windows().unwrap().0 > often.ln_windows().unwrap().0);
/// assert_eq!(Budget::None.ln_windows(), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Budget {
    /// Of a cell that has no lines yet.
    #[default]
    None,
    /// So many deviations above the mean danger signals one and two begin, 16 fractional bits.
    Deviations {
        /// Factor of threshold one.
        one_q16: u32,
        /// Factor of threshold two.
        two_q16: u32,
    },
    /// So many false alarms are put up with, 16 fractional bits, in [`RATE_Q16`].
    Alarms {
        /// Of danger one, a day.
        one_per_day_q16: u32,
        /// Of danger two, a month of 30 days.
        two_per_month_q16: u32,
        /// Length of the cell's windows.
        window_ms: u32,
    },
}

impl Budget {
    /// One alarm of danger one a day and one of danger two a month, in windows of this length.
    pub const fn usual(window_ms: u32) -> Self {
        Self::Alarms {
            one_per_day_q16: 1 << 16,
            two_per_month_q16: 1 << 16,
            window_ms,
        }
    }

    /// In how many windows one parameter, or one share of the repertoire, may raise danger one and
    /// two falsely once: the natural logarithms, [`fixed::BITS`] fractional bits. `None` when it
    /// does not say.
    pub fn ln_windows(&self) -> Option<(u64, u64)> {
        let Self::Alarms {
            one_per_day_q16,
            two_per_month_q16,
            window_ms,
        } = *self
        else {
            return None;
        };
        let ln = |days: u64, rate_q16: u32| {
            // OVERFLOW: below 2^53 and 2^64.
            let windows = (days * DAY_MS * SHARES) << 16;
            let rate = u64::from(rate_q16).saturating_mul(u64::from(window_ms));
            fixed::ln(windows).saturating_sub(fixed::ln(rate))
        };
        let one = ln(1, one_per_day_q16);
        Some((one, ln(MONTH_DAYS, two_per_month_q16).max(one)))
    }

    /// In how many windows one sum may raise danger one falsely once: the natural logarithm, as
    /// [`Budget::ln_windows`]. Each window ends one stretch of each length, so there are as many.
    pub fn ln_sums(&self) -> Option<u64> {
        let (one, _) = self.ln_windows()?;
        Some(one.saturating_add(fixed::ln(PARTS)))
    }

    /// The words of an image.
    pub const fn to_words(self) -> [u32; WORDS] {
        match self {
            Self::None => [0; WORDS],
            Self::Deviations { one_q16, two_q16 } => [1, one_q16, two_q16, 0],
            Self::Alarms {
                one_per_day_q16,
                two_per_month_q16,
                window_ms,
            } => [2, one_per_day_q16, two_per_month_q16, window_ms],
        }
    }

    /// The budget that these words stand for, if there is one.
    pub const fn from_words(words: [u32; WORDS]) -> Option<Self> {
        match words {
            [0, 0, 0, 0] => Some(Self::None),
            [1, one_q16, two_q16, 0] => Some(Self::Deviations { one_q16, two_q16 }),
            [2, one_per_day_q16, two_per_month_q16, window_ms]
                if Self::is_rate(one_per_day_q16)
                    && Self::is_rate(two_per_month_q16)
                    && window_ms != 0 =>
            {
                Some(Self::Alarms {
                    one_per_day_q16,
                    two_per_month_q16,
                    window_ms,
                })
            }
            _ => None,
        }
    }

    /// Whether a number of alarms is within [`RATE_Q16`].
    const fn is_rate(rate_q16: u32) -> bool {
        RATE_Q16.0 <= rate_q16 && rate_q16 <= RATE_Q16.1
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_budget))]
mod tests {
    use super::*;

    #[test]
    fn budget_is_shared_and_counted_in_windows() {
        // 26 shares of 86,400 windows: ln 2,246,400 = 14.6248...
        let found = Budget::usual(1000).ln_windows();
        assert!(found.is_some());
        let (one, two) = found.unwrap_or_default();
        assert_eq!((one * 10_000) >> fixed::BITS, 146_248);
        // A quarter of a share for a sum, ln 4 = 1.3862...
        let sums = Budget::usual(1000).ln_sums().unwrap_or_default();
        assert_eq!(((sums - one) * 10_000) >> fixed::BITS, 13_862);
        assert_eq!(Budget::None.ln_sums(), None);
        // 30 times as long, ln 30 = 3.4011...
        assert_eq!(((two - one) * 10_000) >> fixed::BITS, 34_011);
        // The longest windows and the most alarms: ln 3.744, and 30 of these.
        let found = Budget::Alarms {
            one_per_day_q16: RATE_Q16.1,
            two_per_month_q16: RATE_Q16.1,
            window_ms: 60_000,
        };
        let (one, two) = found.ln_windows().unwrap_or_default();
        assert_eq!((one * 1000) >> fixed::BITS, 1320);
        assert_eq!((two * 1000) >> fixed::BITS, 4721);
    }

    #[test]
    fn two_is_never_nearer_than_one() {
        let found = Budget::Alarms {
            one_per_day_q16: RATE_Q16.0,
            two_per_month_q16: RATE_Q16.1,
            window_ms: 100,
        };
        let (one, two) = found.ln_windows().unwrap_or_default();
        assert!(one > 0 && one == two);
    }

    #[test]
    fn words_stand_for_one_budget() {
        for budget in [
            Budget::None,
            Budget::usual(100),
            Budget::Deviations {
                one_q16: 0,
                two_q16: u32::MAX,
            },
        ] {
            assert_eq!(Budget::from_words(budget.to_words()), Some(budget));
        }
        for words in [
            [0, 0, 0, 1],
            [0, 1, 0, 0],
            [1, 4, 8, 1],
            [2, 65, 66, 100],
            [2, 66, 65, 100],
            [2, 66, (10_000 << 16) + 1, 100],
            [2, 66, 66, 0],
            [3, 0, 0, 0],
        ] {
            assert_eq!(Budget::from_words(words), None);
        }
    }
}
