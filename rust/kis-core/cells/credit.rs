// SPDX-License-Identifier: GPL-2.0

//! Counting on many processors up to an alarm line, without a shared word.
//!
//! Each processor counts in a [`Slot`] of its own and need not look at the others' as long as it
//! has credit. Credit is handed out of what is left to the line, less what others still hold: so
//! the sum of all counts and all credit never is above the line, and no crossing is seen late. A
//! processor that finds no credit looks at each event. (The idea is that of approximate counters
//! with a batch, `lib/percpu_counter.c`, with batches that shrink towards the line.)
//!
//! Floor 0, pure; context: any. A processor may use another's slot, which is only slower.

use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// One processor's count.
///
/// # Examples
///
/// ```
/// use kis_core::cells::credit::{look, Slot};
///
/// let slots = [Slot::new()];
/// assert!(slots[0].add(3), "without credit each event is a reason to look");
/// assert_eq!(look(|| slots.iter(), 0, 100), None);
/// assert!(!slots[0].add(3), "now there is credit");
/// assert_eq!(slots[0].take(), 6);
/// ```
#[derive(Debug, Default)]
pub struct Slot {
    count: AtomicU64,
    /// The count up to which its processor need not look at the others.
    until: AtomicU64,
}

impl Slot {
    /// Nothing counted, no credit.
    pub const fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            until: AtomicU64::new(0),
        }
    }

    /// Counts; true when it is time to [`look()`].
    #[inline]
    pub fn add(&self, n: u64) -> bool {
        let count = self.count.fetch_add(n, Ordering::Relaxed).wrapping_add(n);
        count > self.until.load(Ordering::Relaxed)
    }

    /// The count.
    pub fn get(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Takes the count, which begins again at 0, and the credit.
    pub fn take(&self) -> u64 {
        self.until.store(0, Ordering::Relaxed);
        self.count.swap(0, Ordering::Relaxed)
    }

    /// Takes the credit: the line has moved.
    pub fn recall(&self) {
        self.until.store(0, Ordering::Relaxed);
    }
}

/// The sum over all processors if it is above `line`; else gives slot `mine` new credit.
///
/// Those who look at the same time each take a share of the same rest, and there are no more of
/// them than there are shares. Where others hold nearly all that is left, theirs is taken back:
/// they look with their next event.
///
/// # Examples
///
/// ```
/// use kis_core::cells::credit::{look, Slot};
///
/// let slots = [Slot::new(), Slot::new()];
/// let mut told = None;
/// for n in 0..20 {
///     let mine = n % 2;
///     if slots[mine].add(1) {
///         told = told.or(look(|| slots.iter(), mine, 10));
///     }
/// }
/// assert_eq!(told, Some(11));
/// ```
pub fn look<'a, I>(slots: impl Fn() -> I, mine: usize, line: u64) -> Option<u64>
where
    I: ExactSizeIterator<Item = &'a Slot>,
{
    let shares = slots().len().max(1) as u64;
    let (mut sum, mut held) = survey(slots(), mine);
    if held != 0 && line.saturating_sub(sum).saturating_sub(held) < shares {
        for (at, slot) in slots().enumerate() {
            if at != mine {
                slot.recall();
            }
        }
        (sum, held) = survey(slots(), mine);
    }
    if sum > line {
        return Some(sum);
    }
    if let Some(slot) = slots().nth(mine) {
        // OVERFLOW: `shares` is at least 1.
        let credit = line.saturating_sub(sum).saturating_sub(held) / shares;
        slot.until
            .store(slot.get().saturating_add(credit), Ordering::Relaxed);
    }
    None
}

/// The sum of all counts, and the credit that others than `mine` hold.
fn survey<'a>(slots: impl Iterator<Item = &'a Slot>, mine: usize) -> (u64, u64) {
    let (mut sum, mut held) = (0u64, 0u64);
    for (at, slot) in slots.enumerate() {
        let count = slot.get();
        sum = sum.saturating_add(count);
        if at != mine {
            let until = slot.until.load(Ordering::Relaxed);
            held = held.saturating_add(until.saturating_sub(count));
        }
    }
    (sum, held)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_credit))]
mod tests {
    use super::*;

    /// Counts `n` in steps of `step` on processors chosen by `who`; the sum when it was first told.
    fn count(slots: &[Slot], line: u64, step: u64, who: impl Fn(u64) -> usize) -> (u64, u64) {
        let (mut sum, mut looks) = (0, 0);
        for n in 0..100_000 {
            let mine = who(n);
            sum += step;
            if slots[mine].add(step) {
                looks += 1;
                if let Some(told) = look(|| slots.iter(), mine, line) {
                    assert_eq!(told, sum);
                    return (told, looks);
                }
            }
        }
        (0, looks)
    }

    #[test]
    fn crossings_are_told_at_once_and_looked_for_rarely() {
        for line in [0, 1, 9, 1000, 50_000] {
            for step in [1, 7] {
                let first = (line / step + 1) * step;
                for pattern in 0..4u64 {
                    let slots: [Slot; 4] = core::array::from_fn(|_| Slot::new());
                    let (told, looks) = count(&slots, line, step, |n| match pattern {
                        0 => 0,
                        1 => (n % 4) as usize,
                        2 => (n / 64 % 4) as usize,
                        _ => usize::from(n > 20),
                    });
                    assert_eq!(told, first);
                    assert!(line < 1000 || looks < line / 5);
                }
            }
        }
    }

    #[test]
    fn no_line_gives_credit_for_ever() {
        let slots = [Slot::new(), Slot::new()];
        for n in 0..1000u64 {
            if slots[0].add(n) {
                assert_eq!(look(|| slots.iter(), 0, u64::MAX), None);
                assert!(n < 2);
            }
        }
        assert_eq!(slots[0].get(), 499_500);
        assert_eq!((slots[0].take(), slots[0].get()), (499_500, 0));
        assert!(slots[0].add(1));
    }

    #[test]
    fn a_line_that_moves_recalls_the_credit() {
        let slots = [Slot::new()];
        assert!(slots[0].add(1));
        assert_eq!(look(|| slots.iter(), 0, 1000), None);
        assert!(!slots[0].add(1));
        slots[0].recall();
        assert!(slots[0].add(1));
        assert_eq!(look(|| slots.iter(), 0, 2), Some(3));
    }
}
