// SPDX-License-Identifier: GPL-2.0

//! The danger signals of a cell: each is up until a time.
//!
//! Any number of hooks raise and ask at once, without a lock. The clock is the caller's. Floor 0,
//! pure; context: any.

use crate::judge::verdict::Signal;
use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// How long the signals stay up after their last cause, ms.
///
/// # Examples
///
/// ```
/// use kis_core::cells::danger::{Danger, Holds};
/// use kis_core::judge::verdict::Signal;
///
/// let danger = Danger::default();
/// danger.raise(Signal::Two, 0, &Holds { one_ms: 10, two_ms: 5 });
/// assert_eq!(danger.left_ns(0), (10_000_000, 5_000_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holds {
    /// Danger signal one.
    pub one_ms: u32,
    /// Danger signal two.
    pub two_ms: u32,
}

/// One signal: 0 for down, else the time until which it is up.
#[derive(Debug, Default)]
struct Up(AtomicU64);

impl Up {
    fn raise(&self, now_ns: u64, hold_ms: u32) {
        let until = now_ns.saturating_add(u64::from(hold_ms).saturating_mul(1_000_000));
        self.0.fetch_max(until, Ordering::Relaxed);
    }

    fn left_ns(&self, now_ns: u64) -> u64 {
        self.0.load(Ordering::Relaxed).saturating_sub(now_ns)
    }

    fn take_ended(&self, now_ns: u64) -> bool {
        let until = self.0.load(Ordering::Relaxed);
        until != 0
            && until <= now_ns
            && self
                .0
                .compare_exchange(until, 0, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// The danger signals of a cell.
///
/// # Examples
///
/// ```
/// use kis_core::cells::danger::{Danger, Holds};
/// use kis_core::judge::verdict::Signal;
///
/// let danger = Danger::default();
/// let holds = Holds { one_ms: 10, two_ms: 5 };
/// assert_eq!(danger.state(|| 0), (false, false));
/// danger.raise(Signal::Two, 0, &holds);
/// assert_eq!(danger.state(|| 4_000_000), (true, true));
/// assert_eq!(danger.state(|| 7_000_000), (true, false));
/// assert_eq!(danger.take_ended(7_000_000), (false, true));
/// ```
#[derive(Debug, Default)]
pub struct Danger {
    one: Up,
    two: Up,
}

impl Danger {
    /// Raises a signal. Danger two implies one, so that type 1 signatures are armed.
    pub fn raise(&self, signal: Signal, now_ns: u64, holds: &Holds) {
        match signal {
            Signal::None => {}
            Signal::One => self.one.raise(now_ns, holds.one_ms),
            Signal::Two => {
                self.one.raise(now_ns, holds.one_ms);
                self.two.raise(now_ns, holds.two_ms);
            }
        }
    }

    /// Whether danger one and two are up. The clock is read only if one of them may be.
    #[inline]
    pub fn state(&self, now_ns: impl FnOnce() -> u64) -> (bool, bool) {
        let one = self.one.0.load(Ordering::Relaxed);
        let two = self.two.0.load(Ordering::Relaxed);
        if one | two == 0 {
            return (false, false);
        }
        let now = now_ns();
        (one > now, two > now)
    }

    /// How long danger one and two are still up, ns.
    pub fn left_ns(&self, now_ns: u64) -> (u64, u64) {
        (self.one.left_ns(now_ns), self.two.left_ns(now_ns))
    }

    /// Which signals have ended since this was last asked: one, two. Each end is told once.
    pub fn take_ended(&self, now_ns: u64) -> (bool, bool) {
        (self.one.take_ended(now_ns), self.two.take_ended(now_ns))
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_danger))]
mod tests {
    use super::*;

    const HOLDS: Holds = Holds {
        one_ms: 2,
        two_ms: 1,
    };
    const MS: u64 = 1_000_000;

    #[test]
    fn danger_two_raises_one_and_ends_first() {
        let danger = Danger::default();
        danger.raise(Signal::None, 0, &HOLDS);
        assert_eq!(danger.left_ns(0), (0, 0));
        danger.raise(Signal::Two, 10 * MS, &HOLDS);
        for (now, state) in [
            (10 * MS, (true, true)),
            (11 * MS - 1, (true, true)),
            (11 * MS, (true, false)),
            (12 * MS, (false, false)),
        ] {
            assert_eq!(danger.state(|| now), state);
        }
        assert_eq!(danger.left_ns(10 * MS), (2 * MS, MS));
    }

    #[test]
    fn each_cause_begins_the_hold_again_and_none_shortens_it() {
        let danger = Danger::default();
        danger.raise(Signal::One, 5 * MS, &HOLDS);
        danger.raise(Signal::One, 6 * MS, &HOLDS);
        danger.raise(Signal::One, 4 * MS, &HOLDS);
        assert_eq!(danger.left_ns(6 * MS), (2 * MS, 0));
    }

    #[test]
    fn an_end_is_told_once_and_not_before_it() {
        let danger = Danger::default();
        assert_eq!(danger.take_ended(u64::MAX), (false, false));
        danger.raise(Signal::Two, 0, &HOLDS);
        assert_eq!(danger.take_ended(MS - 1), (false, false));
        assert_eq!(danger.take_ended(MS), (false, true));
        assert_eq!(danger.take_ended(5 * MS), (true, false));
        assert_eq!(danger.take_ended(5 * MS), (false, false));
    }

    #[test]
    fn the_clock_is_not_read_in_calm() {
        let mut read = false;
        let state = Danger::default().state(|| {
            read = true;
            1
        });
        assert_eq!(state, (false, false));
        assert!(!read);
    }
}
