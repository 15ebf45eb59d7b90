// SPDX-License-Identifier: GPL-2.0

//! How far from normal danger begins.
//!
//! Floor 0, pure.

/// What [`complete`](super::detector::Detector::complete) makes lines from: how many deviations
/// above the mean danger signals one and two begin, 16 fractional bits.
///
/// # Examples
///
/// ```
/// use kis_core::sense::budget::Budget;
///
/// let budget = Budget { k_one_q16: 4 << 16, k_two_q16: 8 << 16 };
/// assert!(budget != Budget::NONE);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Factor of threshold one.
    pub k_one_q16: u32,
    /// Factor of threshold two.
    pub k_two_q16: u32,
}

impl Budget {
    /// Of a cell that has no lines yet.
    pub const NONE: Self = Self {
        k_one_q16: 0,
        k_two_q16: 0,
    };
}
