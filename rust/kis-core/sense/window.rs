// SPDX-License-Identifier: GPL-2.0

//! What a window's values say.
//!
//! Called by the APC for each closed window and, for early warning, within an open one (all values
//! only grow within a window, but for resident memory and the reply ratio). Floor 0, pure, total;
//! context: any.

use crate::sense::param::{
    Param,
    Values, //
};
use crate::sense::stats::Thresholds;

/// The officer's upper bounds; `None` where there is none. A value above its bound is a breach.
pub type Bounds = [Option<u64>; Param::COUNT];

/// Thresholds of all parameters.
pub type AllThresholds = [Thresholds; Param::COUNT];

/// No bounds.
pub const NO_BOUNDS: Bounds = [None; Param::COUNT];

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The parameter.
    pub param: Param,
    /// The gravest line that was crossed.
    pub level: Level,
    /// The value.
    pub observed: u64,
    /// The line: the greatest value that would have been fine.
    pub threshold: u64,
}

/// The crossings of a window, at most one for each parameter, in the order of the parameters.
///
/// `thresholds` is `None` while the cell learns; the bounds count always. Where a value is above
/// its bound and above threshold two, the bound is named.
pub fn judge<'a>(
    values: &'a Values,
    thresholds: Option<&'a AllThresholds>,
    bounds: &'a Bounds,
) -> impl Iterator<Item = Crossing> + 'a {
    Param::ALL
        .into_iter()
        .zip(values)
        .zip(bounds)
        .filter_map(move |((param, value), bound)| {
            let thresholds = thresholds
                .and_then(|all| all.get(param.index()))
                .copied()
                .unwrap_or(Thresholds::NEVER);
            let (level, threshold) = match *bound {
                Some(bound) if *value > bound => (Level::Bound, bound),
                _ if *value > thresholds.two() => (Level::Two, thresholds.two()),
                _ if *value > thresholds.one() => (Level::One, thresholds.one()),
                _ => return None,
            };
            Some(Crossing {
                param,
                level,
                observed: *value,
                threshold,
            })
        })
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
    use crate::sense::stats::Estimator;

    fn ten() -> Thresholds {
        let mut e = Estimator::new();
        e.learn(10);
        // 11 and 12.
        e.thresholds(0, 0, 1)
    }

    #[test]
    fn judge_names_the_gravest_line() {
        let thresholds = [ten(); Param::COUNT];
        let mut bounds = NO_BOUNDS;
        bounds[2] = Some(12);
        for (value, at_two, at_three) in [
            (11, None, None),
            (12, Some((Level::One, 11)), Some((Level::One, 11))),
            (13, Some((Level::Bound, 12)), Some((Level::Two, 12))),
            (u64::MAX, Some((Level::Bound, 12)), Some((Level::Two, 12))),
        ] {
            let mut values = [0; Param::COUNT];
            values[2] = value;
            values[3] = value;
            let mut found = [None; 2];
            for crossing in judge(&values, Some(&thresholds), &bounds) {
                assert_eq!(crossing.observed, value);
                found[crossing.param.index() - 2] = Some((crossing.level, crossing.threshold));
            }
            assert_eq!(found, [at_two, at_three]);
        }
    }

    #[test]
    fn judge_while_learning_knows_bounds_only() {
        let mut bounds = NO_BOUNDS;
        bounds[0] = Some(0);
        let values = [u64::MAX; Param::COUNT];
        let mut crossings = judge(&values, None, &bounds);
        assert!(matches!(
            crossings.next(),
            Some(Crossing {
                param: Param::CpuUs,
                level: Level::Bound,
                threshold: 0,
                ..
            })
        ));
        assert_eq!(crossings.next(), None);
    }

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
