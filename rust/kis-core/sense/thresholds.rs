// SPDX-License-Identifier: GPL-2.0

//! Where danger begins for one parameter.
//!
//! Floor 0, pure; context: any.

use super::window::Level;

/// The greatest values that are still normal.
///
/// # Invariants
///
/// `one < two`, or both are `u64::MAX` (never crossed).
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
