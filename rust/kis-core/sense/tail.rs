// SPDX-License-Identifier: GPL-2.0

//! The tail of a distribution: how far out a value lies that comes up once in so many windows.
//!
//! Peaks over threshold (Pickands 1975, Balkema and de Haan 1974; for streams Siffer, Fouque, Termier
//! and Largouët, "Anomaly Detection in Streams with Extreme Value Theory", KDD 2017): whatever a
//! distribution is, what lies beyond a high threshold is nearly a generalised Pareto distribution,
//! with a scale and a shape. From these follows the value that is exceeded once in a number of windows
//! much larger than what was learned.
//!
//! Scale and shape are estimated by probability weighted moments (Hosking and Wallis, "Parameter and
//! Quantile Estimation for the Generalized Pareto Distribution", Technometrics 1987), which for few
//! values are better than maximum likelihood, always exist, and are sums of integers:
//!
//! ```text
//! D     = sum of (2 i - q - 1) * y_i, the excesses y_1 <= ... <= y_q
//! shape = 2 - (q - 1) * (y_1 + ... + y_q) / D
//! scale = mean excess * (1 - shape)
//! ```
//!
//! With few windows the estimate of the shape is mostly chance (its deviation is about 1 / sqrt q), and
//! a shape below 0, which tails of bell shapes and bounded ones seem to have near the middle, puts
//! all lines just beyond the peak. So it is cut to [-1/2, 1/2], drawn towards 1/5 with the weight of
//! 20 excesses (as Martins and Stedinger, Water Resources Research 2000, do with a prior), and
//! taken for 0, an exponential tail, when it is below. `tests/tail.rs` says what comes of it for
//! distributions as parameters have them.
//!
//! Floor 0, pure, total; no allocation, no float. Context: any.

use super::fixed::{
    self,
    ONE, //
};
use crate::wire::bytes::{
    index,
    Reader,
    Writer, //
};

/// How many of the largest values are kept.
pub const KEPT: usize = 32;

/// Bits of the greatest value that can be kept.
const VALUE_BITS: u32 = 50;

/// Greatest value that is kept; larger ones are taken for it.
pub const MAX_KEPT: u64 = 1 << VALUE_BITS;

/// The excesses are the largest quarter of the values, at most all that are kept but one.
const PART: u32 = 4;

/// What the shape is drawn towards: 1/5.
const USUAL_SHAPE: u64 = ONE / 5;

/// With the weight of so many excesses.
const USUAL_WEIGHT: u64 = 20;

/// The largest of the values learned.
///
/// # Invariants
///
/// `largest` falls; what is beyond the first `n` is 0, and nothing is above [`MAX_KEPT`].
///
/// # Examples
///
/// ```
/// use kis_core::sense::fixed;
/// use kis_core::sense::tail::Tail;
///
/// let mut tail = Tail::new();
/// for value in 0..100 {
///     tail.learn(value % 10);
/// }
/// assert_eq!((tail.n(), tail.peak()), (100, 9));
/// // Once in a million windows it is further out than once in a thousand.
/// let [often, rarely] = [1000, 1_000_000].map(|windows| tail.reach(fixed::ln(windows)));
/// assert!(9 <= often && often < rarely && rarely < 40);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    n: u32,
    largest: [u64; KEPT],
}

impl Default for Tail {
    fn default() -> Self {
        Self::new()
    }
}

/// The generalised Pareto distribution of what lies beyond `base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fit {
    base: u64,
    /// How many values lie beyond it.
    excesses: u32,
    /// By how much together.
    sum: u64,
    /// From 0 to 1/2, [`fixed::BITS`] fractional bits.
    shape: u64,
}

impl Tail {
    /// Most bytes in an image.
    pub const MAX_BYTES: usize = 8 + 8 * KEPT;

    /// Nothing learned.
    pub const fn new() -> Self {
        // INVARIANT: all are zero.
        Self {
            n: 0,
            largest: [0; KEPT],
        }
    }

    /// Values learned.
    pub const fn n(&self) -> u32 {
        self.n
    }

    /// The largest value.
    pub fn peak(&self) -> u64 {
        self.largest.first().copied().unwrap_or(0)
    }

    /// The largest values, falling.
    pub fn largest(&self) -> &[u64] {
        let kept = index(self.n).min(KEPT);
        self.largest.get(..kept).unwrap_or_default()
    }

    /// Learns a value.
    pub fn learn(&mut self, value: u64) {
        self.n = self.n.saturating_add(1);
        // INVARIANT: each place takes the larger, and the smaller moves on.
        let mut value = value.min(MAX_KEPT);
        for place in &mut self.largest {
            if *place < value {
                core::mem::swap(place, &mut value);
            }
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        // INVARIANT: all are zero.
        self.n = 0;
        self.largest.fill(0);
    }

    /// The value that is exceeded in one of as many windows as `ln_windows` is the logarithm of; never
    /// below the peak. Rises with `ln_windows`.
    pub fn reach(&self, ln_windows: u64) -> u64 {
        let Some(fit) = self.fit() else {
            return self.peak();
        };
        // The logarithm of how much rarer than an excess it is.
        let rarer = ln_windows
            .saturating_add(fixed::ln(u64::from(fit.excesses)))
            .saturating_sub(fixed::ln(u64::from(self.n)));
        fit.base.saturating_add(fit.excess(rarer)).max(self.peak())
    }

    /// What the excesses tell; `None` when there are none, as all values are the same or too few.
    fn fit(&self) -> Option<Fit> {
        let taken = index(self.n.div_ceil(PART)).min(KEPT - 1);
        let base = *self.largest().get(taken)?;
        let beyond = || {
            let largest = self.largest().iter().take(taken);
            largest.map_while(|value| value.checked_sub(base).filter(|excess| *excess > 0))
        };
        // OVERFLOW: below 32 values of 51 bits, each times at most 31.
        let q = beyond().fold(0u64, |q, _| q.wrapping_add(1));
        let sum = beyond().fold(0u64, u64::wrapping_add);
        // The largest comes first: its weight is q - 1, that of the next q - 3, and so on to 1 - q.
        let (mut plus, mut minus, mut weight) = (0u64, 0u64, q);
        for excess in beyond() {
            // The weight is `2 * weight - q - 1`.
            let (twice, less) = (weight.wrapping_mul(2), q.wrapping_add(1));
            plus = plus.wrapping_add(excess.wrapping_mul(twice.saturating_sub(less)));
            minus = minus.wrapping_add(excess.wrapping_mul(less.saturating_sub(twice)));
            weight = weight.wrapping_sub(1);
        }
        if q == 0 {
            return None;
        }
        Some(Fit {
            base,
            // CAST: at most 31.
            excesses: q as u32,
            sum,
            shape: shape(q, sum, plus.saturating_sub(minus)),
        })
    }

    /// Bytes in an image as it is now.
    pub(super) fn bytes(&self) -> usize {
        self.largest().len().saturating_add(1).saturating_mul(8)
    }

    /// Writes it to an image.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.u32(self.n);
        w.u32(0);
        self.largest().iter().for_each(|value| w.u64(*value));
    }

    /// Becomes what an image holds, if it can be one that learned at most so many; else left anyhow.
    pub(super) fn read(&mut self, r: &mut Reader<'_>, most: u32) -> Option<()> {
        self.clear();
        self.n = r.u32().filter(|n| *n <= most)?;
        if r.u32()? != 0 {
            return None;
        }
        let mut last = MAX_KEPT;
        for value in self.largest.iter_mut().take(index(self.n)) {
            *value = r.u64().filter(|value| *value <= last)?;
            last = *value;
        }
        // INVARIANT: just compared.
        Some(())
    }
}

/// The shape from `q` excesses, their sum and the sum of their weighted differences.
fn shape(q: u64, sum: u64, differences: u64) -> u64 {
    // 2 - estimate, cut to [3/2, 5/2]; without any differences nothing is known of the shape.
    let less = match differences {
        0 => 2 * ONE - USUAL_SHAPE,
        _ => {
            let weighted = q.saturating_sub(1).saturating_mul(sum);
            fixed::quotient(weighted, differences).clamp(3 * ONE / 2, 5 * ONE / 2)
        }
    };
    // The mean with the usual one, both as 2 - shape. OVERFLOW: 51 times 42 bits.
    let usual = USUAL_WEIGHT.saturating_mul(2 * ONE - USUAL_SHAPE);
    let weighted = q.saturating_mul(less).saturating_add(usual);
    let less = weighted.checked_div(q.saturating_add(USUAL_WEIGHT));
    // Taken for 0 when it is below.
    (2 * ONE).saturating_sub(less.unwrap_or(2 * ONE))
}

impl Fit {
    /// How far beyond the base a value lies that is `e^rarer` times as rare as an excess:
    /// `scale * (e^(shape * rarer) - 1) / shape`, rounded up.
    fn excess(&self, rarer: u64) -> u64 {
        let growth = fixed::growth(fixed::times(self.shape, rarer));
        // In units of the mean excess.
        let means = fixed::times(ONE.saturating_sub(self.shape), fixed::times(rarer, growth));
        // sum * means / q, the sum divided first, as there is no 128-bit division.
        let q = u64::from(self.excesses);
        let (whole, rest) = (self.sum.checked_div(q), self.sum.checked_rem(q));
        let (whole, rest) = (whole.unwrap_or(0), rest.unwrap_or(0));
        // CAST: to wider types, and back what has 61 bits. OVERFLOW: 50 and 64 bits; 5 and 64 bits.
        let whole = u128::from(whole).wrapping_mul(u128::from(means));
        let rest = u128::from(rest).wrapping_mul(u128::from(means)) >> 8;
        let rest = (rest as u64).checked_div(q).unwrap_or(0);
        let excess = whole.saturating_add(u128::from(rest) << 8);
        let excess = excess.saturating_add(u128::from(ONE - 1)) >> fixed::BITS;
        u64::try_from(excess).unwrap_or(u64::MAX)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_tail))]
mod tests {
    use super::*;

    fn learned(values: impl Iterator<Item = u64>) -> Tail {
        let mut tail = Tail::new();
        values.for_each(|value| tail.learn(value));
        tail
    }

    #[test]
    fn tail_keeps_the_largest_falling() {
        let tail = learned((0..100).map(|i| i * 37 % 100));
        assert_eq!(tail.n(), 100);
        assert!(tail.largest().iter().copied().eq((68..100).rev()));
        let tail = learned([3, 9, 9, 1].into_iter());
        assert_eq!(tail.largest(), [9, 9, 3, 1]);
        assert_eq!(learned([u64::MAX].into_iter()).peak(), MAX_KEPT);
    }

    #[test]
    fn nothing_and_constants_reach_no_further_than_their_peak() {
        let far = 27 * ONE;
        assert_eq!(Tail::new().reach(far), 0);
        assert_eq!(learned([7].into_iter()).reach(far), 7);
        assert_eq!(learned([7; 600].into_iter()).reach(far), 7);
        assert_eq!(learned([0; 600].into_iter()).reach(far), 0);
        // The largest quarter is one value: what is rare among few windows is not known.
        let twos = (0..600).map(|i| if i % 2 == 0 { 2 } else { 1 });
        assert_eq!(learned(twos).reach(far), 2);
    }

    #[test]
    fn reach_is_that_of_the_fitted_distribution() {
        // Excesses 1 and 3 over 10: D = 3 - 1 = 2, shape = 2 - 4 / 2 = 0; drawn towards 1/5 it is
        // 4 / 22 = 0.1818..., the scale 2 * 18 / 22 = 1.6363...
        let tail = learned([10, 10, 10, 10, 10, 10, 11, 13].into_iter());
        let fit = tail.fit();
        assert!(fit.is_some_and(|fit| fit.base == 10 && fit.excesses == 2 && fit.sum == 4));
        assert!(fit.is_some_and(|fit| fit.shape.abs_diff(ONE * 2 / 11) <= 1));
        // One in 400 windows is 100 times as rare: 1.6363 * (100^0.1818 - 1) / 0.1818 = 11.79.
        assert_eq!(tail.reach(fixed::ln(400)), 22);
        // One in four is an excess, one in two is not.
        assert_eq!(tail.reach(fixed::ln(4)), 13);
        assert_eq!(tail.reach(0), 13);
    }

    #[test]
    fn shape_is_bounded() {
        // All in one: the estimate is 1, cut to 1/2 and drawn to (8 * 1/2 + 20 * 1/5) / 28.
        let ones = [0, 1, 1, 1, 1, 1, 1, 1, 1_000_000];
        let tail = learned(ones.into_iter().chain([0; 27]));
        let fit = tail.fit();
        assert!(fit.is_some_and(|fit| fit.excesses == 8 && fit.shape.abs_diff(ONE * 8 / 28) < 3));
        // Evenly spread: the estimate is -1, cut to -1/2, and the line an exponential one.
        let tail = learned((0..400).map(|i| i % 100));
        assert!(tail.fit().is_some_and(|fit| fit.shape == 0));
    }

    #[test]
    fn reach_rises_with_the_windows_and_does_not_overflow() {
        for top in [1u64, 50, 1 << 20, 1 << 40, u64::MAX] {
            let tail = learned((1..=64).map(|i| top / i));
            let mut last = 0;
            for windows in 0..40 {
                let reach = tail.reach(windows * ONE);
                assert!(reach >= last.max(tail.peak()));
                last = reach;
            }
            assert!(tail.reach(u64::MAX) >= last);
        }
    }
}
