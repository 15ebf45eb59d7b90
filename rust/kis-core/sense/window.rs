// SPDX-License-Identifier: GPL-2.0

//! What is said of a window: which parameter is above which line, and the reply ratio.
//!
//! Floor 0, pure, total; context: any.

use super::param::{
    load,
    Param,
    Values, //
};
use super::stretch::Stretch;

/// Which line was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The first learned threshold.
    One,
    /// The second learned threshold.
    Two,
    /// The officer's bound.
    Bound,
}

/// A parameter above one of its lines.
///
/// # Examples
///
/// ```
/// use kis_core::sense::param::Param;
/// use kis_core::sense::stretch::Stretch;
/// use kis_core::sense::window::{Crossing, Level, Moment};
///
/// let (param, level, now) = (Param::Execs, Level::One, Moment::QUIET);
/// let stretch = Stretch::Window;
/// let crossing = Crossing { param, stretch, level, observed: 9, threshold: 5, now };
/// assert!(crossing.observed > crossing.threshold && crossing.level < Level::Bound);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The parameter.
    pub param: Param,
    /// Over how many windows it was summed up.
    pub stretch: Stretch,
    /// The gravest line that was crossed.
    pub level: Level,
    /// The value, or the sum.
    pub observed: u64,
    /// The line: the greatest value that would have been fine.
    pub threshold: u64,
    /// The window, or the stretch, it was counted in, which decides where the lines are.
    pub now: Moment,
}

/// What a value is held against besides the lines: the window it was counted in.
///
/// # Examples
///
/// ```
/// use kis_core::sense::window::Moment;
///
/// let busy = Moment { load: 5000, ..Moment::QUIET };
/// assert!(!busy.start);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// What was asked of the cell by now ([`load`](super::param::load)).
    pub load: u64,
    /// Whether the cell's program was started in the window, or just before.
    pub start: bool,
}

impl Moment {
    /// Nothing was asked, nothing started.
    pub const QUIET: Self = Self {
        load: 0,
        start: false,
    };

    /// That of a window with these values.
    pub fn of(values: &Values, start: bool) -> Self {
        Self {
            load: load(values),
            start,
        }
    }
}

/// Bytes in below which a ratio says nothing: fewer count as this many.
///
/// One short request with one long answer in a quiet window would else look like a flood.
pub const REPLY_QUORUM: u64 = 4096;

/// Bytes out per 1000 bytes in ([`Param::ReplyPermille`]), saturating.
///
/// 0 when nothing came in: a server that talks unasked is seen by [`Param::BytesOut`].
pub const fn reply_permille(bytes_in: u64, bytes_out: u64) -> u64 {
    let counted = match bytes_in {
        0 => return 0,
        few if few < REPLY_QUORUM => REPLY_QUORUM,
        many => many,
    };
    bytes_out.saturating_mul(1000) / counted
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_window))]
mod tests {
    use super::*;
    #[test]
    fn reply_permille_saturates() {
        for (bytes_in, bytes_out, want) in [
            (0, 5, 0),
            (5, 0, 0),
            (1, 4096, 1000),
            (4096, 4096, 1000),
            (8192, 4096, 500),
            (1, u64::MAX, u64::MAX / 4096),
        ] {
            assert_eq!(reply_permille(bytes_in, bytes_out), want);
        }
    }
}
