// SPDX-License-Identifier: GPL-2.0

//! The learning period of a cell, counted in windows.
//!
//! Floor 0, pure.

use super::stats::MAX_COUNT;
use crate::wire::abi::Phase;

/// What an observation did to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// It was learned, the period goes on.
    More,
    /// It was learned and was the last one: the cell is ready now.
    Complete,
    /// Nothing: the cell was ready before, or there was nothing to learn from it.
    Nothing,
}

/// How far a cell has come with learning.
///
/// # Invariants
///
/// `windows <= MAX_COUNT`.
///
/// # Examples
///
/// ```
/// use kis_core::sense::phase::{Learned, Period};
///
/// let mut period = Period::new();
/// assert_eq!(period.count(2), Learned::More);
/// assert_eq!(period.count(2), Learned::Complete);
/// assert_eq!(period.count(2), Learned::Nothing);
/// assert!(period.is_ready() && period.windows() == 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    phase: Phase,
    windows: u32,
}

impl Default for Period {
    fn default() -> Self {
        Self::new()
    }
}

impl Period {
    /// The beginning.
    pub const fn new() -> Self {
        // INVARIANT: 0 windows.
        Self {
            phase: Phase::Learning,
            windows: 0,
        }
    }

    /// One of an image; `None` for more windows than can be learned.
    pub const fn from_parts(phase: Phase, windows: u32) -> Option<Self> {
        if windows > MAX_COUNT {
            return None;
        }
        // INVARIANT: just compared.
        Some(Self { phase, windows })
    }

    /// Whether it goes on or is over.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether it is over.
    pub const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready)
    }

    /// Windows learned.
    pub const fn windows(&self) -> u32 {
        self.windows
    }

    /// Counts a window of the `needed` ones; the last of them ends the period.
    pub fn count(&mut self, needed: u32) -> Learned {
        if self.is_ready() {
            return Learned::Nothing;
        }
        // INVARIANT: it is over with MAX_COUNT windows at the latest.
        self.windows = self.windows.saturating_add(1).min(MAX_COUNT);
        if self.windows < needed.min(MAX_COUNT) {
            return Learned::More;
        }
        self.end();
        Learned::Complete
    }

    /// Ends it with what was learned by now.
    pub fn end(&mut self) {
        self.phase = Phase::Ready;
    }
}
