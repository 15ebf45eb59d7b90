// SPDX-License-Identifier: GPL-2.0

//! How the values of a parameter are spread: approximate quantiles, for those who read them.
//!
//! Counts in buckets whose width grows with the value, four for each power of two (as HdrHistogram
//! has them), so a quantile is at most an eighth off, whatever the order of the values and however
//! many there are; what a few of the largest values say exactly is [`tail`](super::tail)'s. Floor 0,
//! pure, total; no allocation. Context: any.

use super::stats::MAX_VALUE;
use crate::wire::bytes::{
    index,
    Reader,
    Writer, //
};

/// Bits of a value's place within its power of two.
const SUB_BITS: u32 = 2;

/// How many buckets there are: the last is that of [`MAX_VALUE`].
const BUCKETS: usize = bucket(MAX_VALUE) + 1;

/// How often values of each size came up.
///
/// # Examples
///
/// ```
/// use kis_core::sense::spread::Spread;
///
/// let mut spread = Spread::new();
/// (1..=1000).for_each(|value| spread.learn(value));
/// let median = spread.quantile(500);
/// assert!((470..=530).contains(&median));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    counts: [u32; BUCKETS],
}

impl Default for Spread {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of a value.
const fn bucket(value: u64) -> usize {
    // CAST: at most 256.
    match value.checked_ilog2() {
        None => 0,
        Some(top) if top < SUB_BITS => value as usize,
        Some(top) => {
            let shift = top.saturating_sub(SUB_BITS);
            let sub = (value >> shift) & ((1 << SUB_BITS) - 1);
            (((shift as usize) + 1) << SUB_BITS) + sub as usize
        }
    }
}

/// The smallest value of a bucket.
const fn smallest(bucket: usize) -> u64 {
    // CAST: at most 256.
    let (octave, sub) = (bucket >> SUB_BITS, (bucket & ((1 << SUB_BITS) - 1)) as u64);
    match octave.checked_sub(1) {
        None => sub,
        // CAST, OVERFLOW: at most 3 bits, shifted by at most 38.
        Some(shift) => ((1 << SUB_BITS) + sub).wrapping_shl(shift as u32),
    }
}

impl Spread {
    /// Most bytes in an image.
    pub const MAX_BYTES: usize = 8 + 8 * BUCKETS;

    /// Nothing learned.
    pub const fn new() -> Self {
        Self {
            counts: [0; BUCKETS],
        }
    }

    /// Learns a value.
    pub fn learn(&mut self, value: u64) {
        // There is one for MAX_VALUE.
        if let Some(count) = self.counts.get_mut(bucket(value.min(MAX_VALUE))) {
            *count = count.saturating_add(1);
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// How many were learned.
    pub fn n(&self) -> u64 {
        let counts = self.counts.iter();
        counts.fold(0, |sum: u64, count| sum.saturating_add(u64::from(*count)))
    }

    /// About the value that so many of 1000 do not exceed; 0 when nothing was learned.
    pub fn quantile(&self, permille: u32) -> u64 {
        // Counted from 1.
        let rank = self.n().saturating_mul(u64::from(permille.min(1000)));
        let rank = rank.div_ceil(1000).max(1);
        let mut below = 0u64;
        for (i, count) in self.counts.iter().enumerate() {
            let upto = below.saturating_add(u64::from(*count));
            if rank <= upto {
                // As if its values were spread evenly. OVERFLOW: 2^40 by 2^20 and a bit.
                let (from, to) = (smallest(i), smallest(i.saturating_add(1)));
                let within = rank
                    .saturating_sub(below)
                    .saturating_mul(2)
                    .saturating_sub(1);
                let wide = to.saturating_sub(from).saturating_sub(1);
                let part = wide.saturating_mul(within);
                let part = part.checked_div(u64::from(*count).saturating_mul(2));
                return from.saturating_add(part.unwrap_or(0)).min(MAX_VALUE);
            }
            below = upto;
        }
        0
    }

    /// Whether the largest values can be these, which fall, and the smallest this.
    pub(super) fn agrees(&self, largest: &[u64], minimum: u64) -> bool {
        let in_order = || self.counts.iter().enumerate();
        let first = in_order().find(|(_, count)| **count != 0);
        let repeat = |(i, count): (usize, &u32)| core::iter::repeat_n(i, index(*count));
        let falling = in_order().rev().flat_map(repeat);
        first.map_or(0, |(i, _)| i) == bucket(minimum)
            && largest
                .iter()
                .map(|value| bucket(*value))
                .eq(falling.take(largest.len()))
    }

    /// The buckets that are not empty, with their numbers.
    fn filled(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        // CAST: 157 at most.
        let all = self.counts.iter().enumerate();
        all.filter(|(_, count)| **count != 0)
            .map(|(i, count)| (i as u32, *count))
    }

    /// Bytes in an image as it is now.
    pub(super) fn bytes(&self) -> usize {
        self.filled().fold(8, |sum: usize, _| sum.saturating_add(8))
    }

    /// Writes it to an image.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        w.u32(self.filled().fold(0, |sum: u32, _| sum.saturating_add(1)));
        w.u32(0);
        for (i, count) in self.filled() {
            w.u32(i);
            w.u32(count);
        }
    }

    /// Becomes what an image holds, if it can be one; else left anyhow.
    pub(super) fn read(&mut self, r: &mut Reader<'_>) -> Option<()> {
        self.clear();
        let filled = r.u32()?;
        if r.u32()? != 0 {
            return None;
        }
        let mut next = 0;
        for _ in 0..filled {
            let i = r.u32().map(index).filter(|i| *i >= next)?;
            *self.counts.get_mut(i)? = r.u32().filter(|count| *count != 0)?;
            next = i.saturating_add(1);
        }
        Some(())
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_spread))]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_without_gaps() {
        for (value, want) in [
            (0, 0),
            (3, 3),
            (4, 4),
            (7, 7),
            (8, 8),
            (9, 8),
            (10, 9),
            (16, 12),
        ] {
            assert_eq!(bucket(value), want);
        }
        for i in 0..=bucket(MAX_VALUE) {
            assert_eq!(bucket(smallest(i)), i);
            assert_eq!(bucket(smallest(i + 1) - 1), i);
        }
        assert_eq!(smallest(bucket(MAX_VALUE)), MAX_VALUE);
    }

    #[test]
    fn quantiles_are_an_eighth_off_at_most() {
        let mut spread = Spread::new();
        assert_eq!(spread.quantile(500), 0);
        (1..=10_000).for_each(|value| spread.learn(value));
        assert_eq!(spread.n(), 10_000);
        for permille in [1, 10, 250, 500, 900, 990, 999] {
            let want = u64::from(permille) * 10;
            let got = spread.quantile(permille);
            assert!(got.abs_diff(want) * 8 <= want);
        }
        let mut spread = Spread::new();
        [0, 0, 0, 5]
            .into_iter()
            .for_each(|value| spread.learn(value));
        assert_eq!((spread.quantile(750), spread.quantile(751)), (0, 5));
        spread.learn(u64::MAX);
        assert_eq!(spread.quantile(1000), MAX_VALUE);
    }

    #[test]
    fn spread_agrees_with_its_own_values_only() {
        let mut spread = Spread::new();
        [3, 100, 90, 7]
            .into_iter()
            .for_each(|value| spread.learn(value));
        assert!(spread.agrees(&[100, 90, 7, 3], 3));
        assert!(spread.agrees(&[100, 90], 3));
        assert!(!spread.agrees(&[100, 90], 4));
        assert!(!spread.agrees(&[100, 7], 3));
        assert!(!spread.agrees(&[200, 90], 3));
        assert!(!spread.agrees(&[100, 90, 7, 3, 3], 3));
    }
}
