// SPDX-License-Identifier: GPL-2.0

//! How a parameter went in the course of learning, and whether it kept rising.
//!
//! Who is there while a cell learns can raise the load so slowly that no window looks strange, and
//! what was learned allows what is to come. The means of at most 32 blocks of equal length, in their
//! order, are held against the hypothesis that the order does not matter: Mann ("Nonparametric Tests
//! Against Trend", Econometrica 1945) and Kendall count how many pairs rise and how many fall, for
//! any distribution, and exactly in integers. A rise is told when chance would make one such count in
//! about 1000 parameters, and the end is sizably above the beginning; it is told, not mended: a cell
//! that had just been started rises too.
//!
//! Floor 0, pure, total; no allocation. Context: any.

use crate::wire::bytes::{
    index,
    Reader,
    Writer, //
};

/// Most blocks; when they are full, each two become one.
const BLOCKS: usize = 32;

/// Fewest blocks that say anything.
const LEAST: usize = 8;

/// The square of the standard score that is chance once in about 1000: 3.16.
const SCORE_SQUARED: u64 = 10;

/// The sums of blocks of windows, in their order.
///
/// # Invariants
///
/// There are fewer than [`BLOCKS`] whole blocks, of `length` windows each, a power of two, and at
/// least half as many if `length` is above one; what is beyond them is 0. `open_windows < length`.
///
/// # Examples
///
/// ```
/// use kis_core::sense::course::Course;
///
/// let (mut ramp, mut steady) = (Course::new(), Course::new());
/// for window in 0..200u64 {
///     ramp.learn(100 + window);
///     steady.learn(100 + window * 37 % 50);
/// }
/// assert!(ramp.rises(10) && !steady.rises(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    sums: [u64; BLOCKS],
    whole: u32,
    length: u32,
    open: u64,
    open_windows: u32,
}

impl Default for Course {
    fn default() -> Self {
        Self::new()
    }
}

impl Course {
    /// Most bytes in an image.
    pub const MAX_BYTES: usize = 24 + 8 * (BLOCKS - 1);

    /// Nothing learned.
    pub const fn new() -> Self {
        // INVARIANT: no blocks, of one window each.
        Self {
            sums: [0; BLOCKS],
            whole: 0,
            length: 1,
            open: 0,
            open_windows: 0,
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        // INVARIANT: as new.
        self.sums.fill(0);
        (self.whole, self.length) = (0, 1);
        (self.open, self.open_windows) = (0, 0);
    }

    /// Learns the value of the next window.
    pub fn learn(&mut self, value: u64) {
        self.open = self.open.saturating_add(value);
        self.open_windows = self.open_windows.saturating_add(1);
        if self.open_windows < self.length {
            return;
        }
        if let Some(sum) = self.sums.get_mut(index(self.whole)) {
            *sum = self.open;
        }
        (self.open, self.open_windows) = (0, 0);
        self.whole = self.whole.saturating_add(1);
        // INVARIANT: as many as there may be become half as many.
        if index(self.whole) >= BLOCKS {
            for i in 0..BLOCKS / 2 {
                let pair = self.sums.get(2 * i..).and_then(|rest| rest.get(..2));
                let sum = total(pair.unwrap_or_default());
                if let Some(to) = self.sums.get_mut(i) {
                    *to = sum;
                }
            }
            self.sums
                .iter_mut()
                .skip(BLOCKS / 2)
                .for_each(|sum| *sum = 0);
            // CAST: 16.
            self.whole = (BLOCKS / 2) as u32;
            self.length = self.length.saturating_mul(2);
        }
    }

    /// The sums of the whole blocks, in their order.
    fn blocks(&self) -> &[u64] {
        self.sums.get(..index(self.whole)).unwrap_or_default()
    }

    /// Whether it kept rising, and rose by a quarter and by `step` from the first quarter of the time
    /// to the last.
    pub fn rises(&self, step: u64) -> bool {
        let blocks = self.blocks();
        if blocks.len() < LEAST {
            return false;
        }
        let part = blocks.len() / 4;
        let last = blocks.len().saturating_sub(part);
        let first = total(blocks.get(..part).unwrap_or_default());
        let last = total(blocks.get(last..).unwrap_or_default());
        // OVERFLOW: saturates, which makes less of a rise.
        let windows = u64::from(self.length).saturating_mul(part as u64);
        let least = (first / 4).max(step.saturating_mul(windows)).max(1);
        last.saturating_sub(first) >= least && has_trend(blocks)
    }

    /// Bytes in an image as it is now.
    pub(super) fn bytes(&self) -> usize {
        self.blocks().len().saturating_add(3).saturating_mul(8)
    }

    /// Writes it to an image.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.u32(self.whole);
        w.u32(self.length);
        w.u64(self.open);
        w.u32(self.open_windows);
        w.u32(0);
        self.blocks().iter().for_each(|sum| w.u64(*sum));
    }

    /// Becomes what an image holds, if `n` windows with this sum and no value above `peak` can have
    /// gone so; else left anyhow.
    pub(super) fn read(&mut self, r: &mut Reader<'_>, n: u32, sum: u64, peak: u64) -> Option<()> {
        self.clear();
        (self.whole, self.length) = (r.u32()?, r.u32()?);
        (self.open, self.open_windows) = (r.u64()?, r.u32()?);
        let half = self.length == 1 || index(self.whole) >= BLOCKS / 2;
        let is_whole = index(self.whole) < BLOCKS && half && self.length.is_power_of_two();
        if r.u32()? != 0 || !is_whole || self.open_windows >= self.length {
            return None;
        }
        let windows = self.whole.checked_mul(self.length)?;
        if windows.checked_add(self.open_windows)? != n {
            return None;
        }
        let mut rest = sum.checked_sub(self.open)?;
        if self.open > peak.saturating_mul(u64::from(self.open_windows)) {
            return None;
        }
        let most = peak.saturating_mul(u64::from(self.length));
        for sum in self.sums.iter_mut().take(index(self.whole)) {
            *sum = r.u64().filter(|sum| *sum <= most)?;
            rest = rest.checked_sub(*sum)?;
        }
        // INVARIANT: just compared.
        (rest == 0).then_some(())
    }
}

/// The sum of blocks.
fn total(blocks: &[u64]) -> u64 {
    let blocks = blocks.iter();
    blocks.fold(0, |sum: u64, block| sum.saturating_add(*block))
}

/// Whether more pairs rise than chance would make rise.
fn has_trend(blocks: &[u64]) -> bool {
    // At most 31 blocks: below 2^9 pairs, and below 2^17 of 18 times the variance.
    let (mut rising, mut falling, mut tied) = (0u64, 0u64, 0u64);
    for (i, first) in blocks.iter().enumerate() {
        let mut same = 0u64;
        for (j, second) in blocks.iter().enumerate() {
            if second == first {
                same = same.saturating_add(1);
            } else if i < j && second > first {
                rising = rising.saturating_add(1);
            } else if i < j {
                falling = falling.saturating_add(1);
            }
        }
        // Of a group of t the sum over its members is t (t - 1) (2 t + 5).
        let of_one = same
            .saturating_sub(1)
            .saturating_mul(same.saturating_mul(2).saturating_add(5));
        tied = tied.saturating_add(of_one);
    }
    let n = blocks.len() as u64;
    let all = n.saturating_mul(n.saturating_sub(1));
    let all = all.saturating_mul(n.saturating_mul(2).saturating_add(5));
    // With the usual correction for continuity.
    let score = rising.saturating_sub(falling).saturating_sub(1);
    let variance_18 = all.saturating_sub(tied);
    score.saturating_mul(score).saturating_mul(18) > SCORE_SQUARED.saturating_mul(variance_18)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_course))]
mod tests {
    use super::*;

    fn gone(values: impl Iterator<Item = u64>) -> Course {
        let mut course = Course::new();
        values.for_each(|value| course.learn(value));
        course
    }

    #[test]
    fn blocks_are_joined_in_their_order() {
        let course = gone(0..31);
        assert!(course.blocks().iter().copied().eq(0..31));
        let course = gone(0..32);
        assert_eq!((course.length, course.whole), (2, 16));
        assert!(course
            .blocks()
            .iter()
            .copied()
            .eq((0..16).map(|i| 4 * i + 1)));
        let course = gone((0..1003).map(|_| 1));
        assert_eq!(
            (course.length, course.whole, course.open_windows),
            (32, 31, 11)
        );
        assert!(course.blocks().iter().all(|sum| *sum == 32));
        let mut course = course;
        course.clear();
        assert!(course == Course::new());
    }

    #[test]
    fn rise_is_told_from_chance_and_from_a_trifle() {
        assert!(gone(0..8).rises(1));
        assert!(!gone(0..7).rises(1));
        assert!(!gone((0..100).rev()).rises(1));
        assert!(!gone((0..100).map(|_| 9)).rises(1));
        // A ramp that is hidden in noise nearly twice its size.
        let noise = |i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54;
        assert!(gone((0..600).map(|i| 1000 + i + noise(i))).rises(50));
        assert!(!gone((0..600).map(|i| 1000 + noise(i))).rises(50));
        // One that is too small to mind: by 4 in 1000, or less than a step.
        assert!(!gone((0..600).map(|i| 100_000 + i)).rises(1));
        assert!(!gone(0..600).rises(600));
        // One jump is no slow rise, but it goes up.
        assert!(gone((0..100).map(|i| if i < 50 { 1 } else { 9 })).rises(1));
    }

    #[test]
    fn rises_does_not_overflow() {
        assert!(gone((0..100).map(|i| (1 << 40) / (100 - i))).rises(1));
        assert!(!gone((0..100).map(|_| u64::MAX)).rises(u64::MAX));
    }
}
