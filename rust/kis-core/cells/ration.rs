// SPDX-License-Identifier: GPL-2.0

//! What of a cell's verdicts is told, so that who repeats himself cannot fill the lane that others'
//! alerts go to.
//!
//! What is *done* never depends on this. All counts begin again with each window; a sum over many
//! windows that stays above its line is told once. Floor 0, pure; context: any, any number of hooks at
//! once.

use crate::judge::verdict::Signal;
use crate::sense::param::Param;
use crate::sense::stretch::Stretch;
use crate::sense::window::Level;
use crate::wire::abi::{
    Op,
    RecordType, //
};
use core::sync::atomic::{
    AtomicU32,
    AtomicU8,
    Ordering, //
};

/// Verdicts of one kind on one operation that a window tells one by one: an eighth of a lane.
pub const TOLD_IN_FULL: u32 = 64;

/// Breaches, vetoes, and whatever else is told.
const KINDS: usize = 3;

/// Windows after which a sum that was not above its line any more is another one: of a short stretch
/// nothing is left by then.
const CALM: u8 = 30;

/// Counts of the open window, and which sums are above their line.
///
/// # Examples
///
/// ```
/// use kis_core::cells::ration::Ration;
/// use kis_core::wire::abi::{Op, RecordType};
///
/// let ration = Ration::new();
/// let told = (1..=1000u32)
///     .filter(|_| ration.verdict(Op::Connect, RecordType::Veto).is_told())
///     .count();
/// // 64, then the 128th, 256th and 512th.
/// assert_eq!(told, 67);
/// ```
#[derive(Debug)]
pub struct Ration {
    verdicts: [[AtomicU32; KINDS]; Op::COUNT],
    /// The gravest level of each parameter that was told, by [`rank()`].
    crossings: [AtomicU8; Param::COUNT],
    /// For so many windows a sum is taken for one that is still above its line.
    sums: [[AtomicU8; Param::COUNT]; Stretch::ALL.len()],
}

/// Which of its kind in the window a verdict is, from 1.
///
/// # Examples
///
/// ```
/// use kis_core::cells::ration::{Ration, TOLD_IN_FULL};
/// use kis_core::wire::abi::{Op, RecordType};
///
/// let ration = Ration::new();
/// let nth = ration.verdict(Op::Exec, RecordType::Veto);
/// assert_eq!((nth.get(), nth.is_told()), (1, true));
/// for _ in 1..TOLD_IN_FULL {
///     ration.verdict(Op::Exec, RecordType::Veto);
/// }
/// assert!(!ration.verdict(Op::Exec, RecordType::Veto).is_told());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nth(u32);

impl Nth {
    /// Whether it is told: the first [`TOLD_IN_FULL`], then the 128th, the 256th ….
    pub const fn is_told(self) -> bool {
        self.0 <= TOLD_IN_FULL || self.0.is_power_of_two()
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for Ration {
    fn default() -> Self {
        Self::new()
    }
}

impl Ration {
    /// Nothing was told yet.
    pub const fn new() -> Self {
        Self {
            verdicts: [const { [const { AtomicU32::new(0) }; KINDS] }; Op::COUNT],
            crossings: [const { AtomicU8::new(0) }; Param::COUNT],
            sums: [const { [const { AtomicU8::new(0) }; Param::COUNT] }; Stretch::ALL.len()],
        }
    }

    /// Counts a verdict on an operation.
    pub fn verdict(&self, op: Op, kind: RecordType) -> Nth {
        let kind = match kind {
            RecordType::DangerTwo => 0,
            RecordType::Veto => 1,
            _ => 2,
        };
        let count = self
            .verdicts
            .get(op as usize)
            .and_then(|kinds| kinds.get(kind));
        let before = count.map_or(0, |n| n.fetch_add(1, Ordering::Relaxed));
        Nth(before.saturating_add(1))
    }

    /// Whether a crossing is told: once a window for each parameter, and once more when it gets
    /// graver.
    pub fn crossing(&self, param: Param, level: Level) -> bool {
        let rank = rank(level);
        self.crossings
            .get(param.index())
            .is_none_or(|told| told.fetch_max(rank, Ordering::Relaxed) < rank)
    }

    /// Whether a sum that is above its line at a window's end is told: not while it stays there, and
    /// not where it only moves about the line, unless the danger signal had ended meanwhile.
    pub fn sum(&self, param: Param, stretch: Stretch, is_calm: bool) -> bool {
        let sums = self.sums.get(stretch.index());
        let Some(left) = sums.and_then(|sums| sums.get(param.index())) else {
            return true;
        };
        match left.swap(CALM.saturating_add(1), Ordering::Relaxed) {
            0 => true,
            // It was above at the end of the window before.
            CALM.. => false,
            _ => is_calm,
        }
    }

    /// A new window has begun, after the sums of the last one.
    pub fn begin(&self) {
        for count in self.verdicts.iter().flatten() {
            count.store(0, Ordering::Relaxed);
        }
        for told in &self.crossings {
            told.store(0, Ordering::Relaxed);
        }
        for left in self.sums.iter().flatten() {
            let windows = left.load(Ordering::Relaxed);
            left.store(windows.saturating_sub(1), Ordering::Relaxed);
        }
    }
}

/// How grave a level is; a bound is as grave as threshold two.
const fn rank(level: Level) -> u8 {
    match level {
        Level::One => Signal::One as u8,
        Level::Two | Level::Bound => Signal::Two as u8,
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_ration))]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_rationed_by_operation_and_kind() {
        let ration = Ration::new();
        for n in 1..=200 {
            let nth = ration.verdict(Op::Write, RecordType::DangerTwo);
            assert_eq!(nth.get(), n);
            assert_eq!(nth.is_told(), n <= 64 || n == 128);
        }
        assert_eq!(ration.verdict(Op::Write, RecordType::Veto).get(), 1);
        assert_eq!(ration.verdict(Op::Exec, RecordType::DangerTwo).get(), 1);
        ration.begin();
        assert_eq!(ration.verdict(Op::Write, RecordType::DangerTwo).get(), 1);
    }

    #[test]
    fn crossings_are_told_once_for_each_level() {
        let ration = Ration::new();
        for (param, level, want) in [
            (Param::Execs, Level::One, true),
            (Param::Execs, Level::One, false),
            (Param::Execs, Level::Two, true),
            (Param::Execs, Level::Bound, false),
            (Param::Execs, Level::One, false),
            (Param::CpuUs, Level::Bound, true),
            (Param::CpuUs, Level::One, false),
        ] {
            assert_eq!(ration.crossing(param, level), want);
        }
        ration.begin();
        assert!(ration.crossing(Param::Execs, Level::One));
    }

    #[test]
    fn sums_are_told_once_until_they_were_below() {
        let ration = Ration::new();
        // Above in these windows, and told in these; the signal is up, or is not.
        for (is_calm, told) in [(false, [0, 700]), (true, [0, 700])] {
            for n in 0..800u32 {
                let is_above = !(600..700).contains(&n);
                if is_above {
                    let is_told = ration.sum(Param::BytesOut, Stretch::Long, is_calm);
                    assert_eq!(is_told, told.contains(&n));
                }
                ration.begin();
            }
            for _ in 0..CALM {
                ration.begin();
            }
        }
        // Above and below by turns is told once, or with each signal.
        for (is_calm, want) in [(false, 1), (true, 50)] {
            let mut told = 0u32;
            for n in 0..100 {
                if n % 2 == 0 && ration.sum(Param::Execs, Stretch::Short, is_calm) {
                    told = told.wrapping_add(1);
                }
                ration.begin();
            }
            assert_eq!(told, want);
            for _ in 0..CALM {
                ration.begin();
            }
        }
        // Each by itself.
        assert!(ration.sum(Param::BytesOut, Stretch::Short, false));
        assert!(ration.sum(Param::BytesOut, Stretch::Long, false));
    }
}
