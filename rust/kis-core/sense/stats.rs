// SPDX-License-Identifier: GPL-2.0

//! Mean and mean square deviation of a parameter, without floats.
//!
//! The values are integers of at most 40 bits and there are at most 2^20 of them, so their sum and
//! the sum of their squares fit into 60 and 100 bits *exactly*. That makes the textbook formula
//! `n * sum(x^2) - sum(x)^2 = n^2 * variance` exact as well: its well-known cancellation (Chan,
//! Golub and LeVeque, "Algorithms for Computing the Sample Variance", 1983) comes from rounding,
//! and nothing is rounded before the last step. The running update of Welford ("Note on a Method
//! for Calculating Corrected Sums of Squares and Products", 1962; Knuth, TAOCP vol. 2, 4.2.2) is
//! the answer for floats; in fixed point it would round each of its divisions, and the errors of
//! the mean add up with n. Sums also do not depend on the order and can be merged.
//!
//! What is rounded: the mean and the deviation, once, down to 2^-16 (see there).
//!
//! Thresholds are `mean + k * deviation`. For any distribution at most `1 / k^2` of the values lie
//! further out (Chebyshev's inequality; one-sided, Cantelli: `1 / (1 + k^2)`).
//!
//! Floor 0, pure; no 128-bit division, which the kernel does not have. Context: any.

use super::thresholds::Thresholds;

/// Greatest value; larger ones are taken for it. About 12 days in microseconds, 1 TiB in bytes.
pub const MAX_VALUE: u64 = 1 << 40;

/// Most values learned; later ones are ignored.
pub const MAX_COUNT: u32 = 1 << 20;

/// What is learned about one parameter.
///
/// # Invariants
///
/// `n <= MAX_COUNT`, `peak <= MAX_VALUE`, `peak <= sum <= n * peak`,
/// `peak^2 <= squares <= sum * peak` and `sum^2 <= n * squares`.
///
/// # Examples
///
/// ```
/// use kis_core::sense::stats::Estimator;
///
/// let mut lengths = Estimator::new();
/// for value in [2, 4, 4, 4, 5, 5, 7, 9] {
///     lengths.learn(value);
/// }
/// assert_eq!((lengths.mean_q16(), lengths.deviation_q16()), (5 << 16, 2 << 16));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimator {
    n: u32,
    sum: u64,
    squares: u128,
    peak: u64,
}

impl Estimator {
    /// Nothing learned.
    pub const fn new() -> Self {
        // INVARIANT: all are zero.
        Self {
            n: 0,
            sum: 0,
            squares: 0,
            peak: 0,
        }
    }

    /// From stored sums, if they can be sums of values.
    pub fn from_sums(n: u32, sum: u64, squares: u128, peak: u64) -> Option<Self> {
        let wide = |x: u64| u128::from(x);
        if n > MAX_COUNT || peak > MAX_VALUE {
            return None;
        }
        // OVERFLOW: n is below 2^21, peak below 2^41, so squares are below 2^105 when they are
        // multiplied, and no product reaches 2^128.
        // With these, `peak <= sum <= n * peak` follows.
        let possible = wide(peak) * wide(peak) <= squares
            && squares <= wide(sum) * wide(peak)
            && wide(sum) * wide(sum) <= u128::from(n) * squares;
        // INVARIANT: just compared.
        possible.then_some(Self {
            n,
            sum,
            squares,
            peak,
        })
    }

    /// Values learned.
    pub const fn n(&self) -> u32 {
        self.n
    }

    /// Sum of the values.
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// Sum of the squares of the values.
    pub const fn squares(&self) -> u128 {
        self.squares
    }

    /// Greatest value.
    pub const fn peak(&self) -> u64 {
        self.peak
    }

    /// Learns `value`; ignored after [`MAX_COUNT`] values.
    pub fn learn(&mut self, value: u64) {
        if self.n >= MAX_COUNT {
            return;
        }
        let value = value.min(MAX_VALUE);
        // INVARIANT: each inequality holds for the sums of any values. OVERFLOW: nothing saturates
        // for at most 2^20 values of at most 40 bits.
        self.n = self.n.saturating_add(1);
        self.sum = self.sum.saturating_add(value);
        let wide = u128::from(value);
        self.squares = self.squares.saturating_add(wide.saturating_mul(wide));
        self.peak = self.peak.max(value);
    }

    /// The mean with 16 fractional bits, rounded down; 0 when nothing was learned.
    pub fn mean_q16(&self) -> u64 {
        divide_q16(self.sum, self.n)
    }

    /// The root of the mean square deviation, `sqrt(sum((x - mean)^2) / n)`, with 16 fractional
    /// bits; 0 when nothing was learned.
    ///
    /// At most the true value, and less than 2^-15 below it.
    pub fn deviation_q16(&self) -> u64 {
        let n = u128::from(self.n);
        let sum = u128::from(self.sum);
        // n^2 * variance; exact, see the head of the file. OVERFLOW: below 2^120.
        let scaled = n
            .saturating_mul(self.squares)
            .saturating_sub(sum.saturating_mul(sum));
        // The root with as many fractional bits as there is room for, at most 16; an even number
        // of bits is shifted in. At 16 the root is below 2^64 as it is the root of 128 bits.
        let room = (scaled.leading_zeros() / 2).min(16);
        let root = sqrt(scaled.wrapping_shl(2 * room));
        // root = n * deviation * 2^room, so divide by n and shift what is missing.
        if room == 16 {
            root.checked_div(u64::from(self.n)).unwrap_or(0)
        } else {
            // Here root has all of its 64 bits: what it lacks is below deviation / 2^63.
            let Some(quotient) = root.checked_div(u64::from(self.n)) else {
                return 0;
            };
            let rest = root.checked_rem(u64::from(self.n)).unwrap_or(0);
            let missing = 16u32.saturating_sub(room);
            // OVERFLOW: deviation is at most 2^40, 2^56 in this format; rest is below 2^20.
            let fraction = rest.wrapping_shl(missing).checked_div(u64::from(self.n));
            quotient
                .wrapping_shl(missing)
                .saturating_add(fraction.unwrap_or(0))
        }
    }

    /// Where danger begins, for factors with 16 fractional bits.
    ///
    /// `one = max(peak, mean + k_one * deviation) + floor` and
    /// `two = max(peak, mean + k_two * deviation) + 2 * floor`, at least `one + 1`. What was seen in
    /// learning is normal by definition, so the peak counts; `floor` is the smallest step that is
    /// worth a signal. [`Thresholds::NEVER`] when nothing was learned.
    pub fn thresholds(&self, k_one_q16: u32, k_two_q16: u32, floor: u64) -> Thresholds {
        if self.n == 0 {
            return Thresholds::NEVER;
        }
        let mean_q16 = self.mean_q16();
        let deviation_q16 = self.deviation_q16();
        let reach = |k_q16: u32| {
            // Both factors have 16 fractional bits; the product of 32 and 57 bits fits.
            let span_q16 = (u128::from(k_q16) * u128::from(deviation_q16)) >> 16;
            let span_q16 = u64::try_from(span_q16).unwrap_or(u64::MAX);
            let reach_q16 = mean_q16.saturating_add(span_q16);
            // Rounded up: a threshold is the greatest normal value.
            (reach_q16 >> 16)
                .saturating_add(u64::from(reach_q16 & 0xffff != 0))
                .max(self.peak)
        };
        let one = reach(k_one_q16).saturating_add(floor);
        let two = reach(k_two_q16).saturating_add(floor.saturating_mul(2));
        Thresholds::new(one, two)
    }
}

/// `sum / n` with 16 fractional bits, rounded down, saturating; 0 for `n == 0`.
fn divide_q16(sum: u64, n: u32) -> u64 {
    let n = u64::from(n);
    let (Some(whole), Some(rest)) = (sum.checked_div(n), sum.checked_rem(n)) else {
        return 0;
    };
    // OVERFLOW: rest is below 2^32.
    let fraction = (rest << 16).checked_div(n).unwrap_or(0);
    if whole >> 48 != 0 {
        return u64::MAX;
    }
    (whole << 16) | fraction
}

/// The root of `value`, rounded down.
///
/// One result bit at a time, from the top: 64 steps of shift, add and compare (Woo's abacus
/// algorithm), because `core`'s needs a 128-bit division.
fn sqrt(value: u128) -> u64 {
    let mut rest = value;
    let mut root: u128 = 0;
    // The greatest power of four that is not above the value.
    let top = 127u32.saturating_sub(value.leading_zeros()) & !1;
    let mut bit: u128 = 1 << top;
    while bit != 0 {
        // OVERFLOW: root is a partial root shifted to the place of `bit`, root + bit <= value + bit.
        let trial = root | bit;
        root >>= 1;
        if rest >= trial {
            rest = rest.wrapping_sub(trial);
            root |= bit;
        }
        bit >>= 2;
    }
    // CAST: the root of 128 bits has 64.
    root as u64
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_stats))]
mod tests {
    use super::*;

    fn learned(values: &[u64]) -> Estimator {
        let mut e = Estimator::new();
        for value in values {
            e.learn(*value);
        }
        e
    }

    #[test]
    fn mean_and_deviation_of_known_values() {
        // The example of many textbooks: mean 5, deviation 2.
        let e = learned(&[2, 4, 4, 4, 5, 5, 7, 9]);
        assert_eq!(e.mean_q16(), 5 << 16);
        assert_eq!(e.deviation_q16(), 2 << 16);
        assert_eq!(e.peak(), 9);
        // Deviation of {0, 1} is 1/2; of {1, 2, 3} the root of 2/3.
        assert_eq!(learned(&[0, 1]).deviation_q16(), 1 << 15);
        assert_eq!(learned(&[1, 2, 3]).deviation_q16(), 53509);
    }

    #[test]
    fn deviation_of_huge_values_does_not_cancel() {
        let e = learned(&[MAX_VALUE - 2, MAX_VALUE - 1, MAX_VALUE]);
        assert_eq!(e.mean_q16(), (MAX_VALUE - 1) << 16);
        assert_eq!(e.deviation_q16(), 53509);
        let e = learned(&[0, u64::MAX]);
        assert_eq!(e.mean_q16(), MAX_VALUE << 15);
        assert_eq!(e.deviation_q16(), MAX_VALUE << 15);
    }

    #[test]
    fn nothing_learned_is_never_crossed() {
        let e = Estimator::new();
        assert_eq!(e.mean_q16(), 0);
        assert_eq!(e.deviation_q16(), 0);
        assert_eq!(e.thresholds(3 << 16, 6 << 16, 1), Thresholds::NEVER);
    }

    #[test]
    fn thresholds_follow_the_formula() {
        let e = learned(&[2, 4, 4, 4, 5, 5, 7, 9]);
        // 5 + 3 * 2 = 11, 5 + 6 * 2 = 17.
        let t = e.thresholds(3 << 16, 6 << 16, 4);
        assert_eq!((t.one(), t.two()), (15, 25));
        // The peak counts when it is further out.
        let t = e.thresholds(1 << 16, 1 << 16, 4);
        assert_eq!((t.one(), t.two()), (13, 17));
        // two stays above one.
        let t = e.thresholds(6 << 16, 3 << 16, 0);
        assert_eq!((t.one(), t.two()), (17, 18));
        // 5 + 0.5 * 2 = 6, 5.5 is rounded up.
        let t = learned(&[5, 6]).thresholds(0, 1, 1);
        assert_eq!((t.one(), t.two()), (7, 8));
        let t = e.thresholds(u32::MAX, u32::MAX, u64::MAX);
        assert_eq!(t, Thresholds::NEVER);
    }

    #[test]
    fn learn_stops_at_the_limit() {
        let e = Estimator::from_sums(MAX_COUNT, u64::from(MAX_COUNT), u128::from(MAX_COUNT), 1);
        assert!(e.is_some());
        let mut e = e.unwrap_or_default();
        let before = e;
        e.learn(7);
        assert_eq!(e, before);
    }

    #[test]
    fn from_sums_refuses_the_impossible() {
        let e = learned(&[3, 5, 5]);
        assert_eq!(
            Estimator::from_sums(e.n(), e.sum(), e.squares(), e.peak()),
            Some(e)
        );
        for (n, sum, squares, peak) in [
            (MAX_COUNT + 1, 0, 0, 0),
            (1, MAX_VALUE + 1, (1 << 80) + (1 << 41) + 1, MAX_VALUE + 1),
            (0, 1, 1, 1),
            (2, 6, 24, 5),
            (3, 13, 56, 5),
            (3, 13, 66, 5),
            (3, 4, 16, 5),
            (3, 16, 76, 5),
            (3, u64::MAX, u128::MAX, 5),
        ] {
            assert_eq!(Estimator::from_sums(n, sum, squares, peak), None);
        }
    }

    #[test]
    fn sqrt_is_the_floor() {
        for (value, want) in [
            (0u128, 0u64),
            (1, 1),
            (3, 1),
            (4, 2),
            (u128::MAX, u64::MAX),
            (1 << 126, 1 << 63),
            ((1 << 126) - 1, (1 << 63) - 1),
        ] {
            assert_eq!(sqrt(value), want);
        }
    }
}
