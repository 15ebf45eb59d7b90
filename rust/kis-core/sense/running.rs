// SPDX-License-Identifier: GPL-2.0

//! What the parameters add up to over the last windows.
//!
//! The last 30 windows one by one, and the last 20 blocks of 30: the sum of a short stretch is anew
//! with each window, that of a long one with each block. A window that says nothing (no process, or
//! the cell starts in it, or it is not to be learned) breaks what came before off: no stretch goes
//! over it. Nothing here is learned, and nothing is part of an image.
//!
//! About 5 KiB: keep it where it is. Floor 0, pure, total; no allocation. Context: any.

use super::param::{
    Param,
    Values, //
};
use super::stats::MAX_VALUE;
use super::stretch::{
    Stretch,
    BLOCKS,
    SHORT, //
};
use crate::wire::bytes::index;

/// The sums of the last windows.
///
/// # Invariants
///
/// `short` is the sum of `last`, and `long` of the last [`BLOCKS`] whole blocks, if there are so
/// many. `windows` is below twice those of a long stretch; what is beyond them is 0.
///
/// # Examples
///
/// ```
/// use kis_core::sense::param::Param;
/// use kis_core::sense::running::Running;
/// use kis_core::sense::stretch::Stretch;
///
/// let mut running = Running::new();
/// let values = [7; Param::COUNT];
/// for _ in 1..30 {
///     assert_eq!(running.with(Stretch::Short, &values), None);
///     running.push(&values);
/// }
/// let sums = running.with(Stretch::Short, &values).unwrap();
/// assert_eq!(sums[Param::Execs.index()], 210);
/// assert_eq!(sums[Param::RssKib.index()], 0, "memory does not add up");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    last: [Values; SHORT],
    short: Values,
    blocks: [Values; BLOCKS],
    long: Values,
    windows: u32,
}

impl Default for Running {
    fn default() -> Self {
        Self::new()
    }
}

impl Running {
    /// No window yet.
    pub const fn new() -> Self {
        // INVARIANT: all are zero.
        Self {
            last: [[0; Param::COUNT]; SHORT],
            short: [0; Param::COUNT],
            blocks: [[0; Param::COUNT]; BLOCKS],
            long: [0; Param::COUNT],
            windows: 0,
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        // INVARIANT: all are zero.
        self.last.fill([0; Param::COUNT]);
        self.short.fill(0);
        self.blocks.fill([0; Param::COUNT]);
        self.long.fill(0);
        self.windows = 0;
    }

    /// How many windows there would be with one more.
    const fn next(&self) -> u32 {
        self.windows.saturating_add(1)
    }

    /// Whether a stretch of this length ends with the next window that none before it overlaps.
    pub fn completes(&self, stretch: Stretch) -> bool {
        self.next().checked_rem(stretch.windows()) == Some(0)
    }

    /// The sums of the last stretch with one more window of these values; `None` before there are as
    /// many windows. That of a long one is as of its last whole block.
    pub fn with(&self, stretch: Stretch, values: &Values) -> Option<Values> {
        if self.next() < stretch.windows() {
            return None;
        }
        match stretch {
            Stretch::Window => Some(addends(values)),
            Stretch::Short => Some(self.short_with(values)),
            Stretch::Long if self.completes(Stretch::Short) => Some(self.long_with(values)),
            Stretch::Long => Some(self.long),
        }
    }

    /// Goes on by a window.
    pub fn push(&mut self, values: &Values) {
        let (short, next) = (self.short_with(values), self.next());
        if self.completes(Stretch::Short) {
            self.long = self.long_with(values);
            if let Some(block) = slot(&mut self.blocks, block_of(self.windows)) {
                *block = short;
            }
        }
        if let Some(window) = slot(&mut self.last, self.windows) {
            *window = addends(values);
        }
        self.short = short;
        // INVARIANT: as far round both rings as before.
        let long = Stretch::Long.windows();
        self.windows = match next.checked_sub(long) {
            Some(over) if over >= long => over,
            _ => next,
        };
    }

    fn short_with(&self, values: &Values) -> Values {
        moved(&self.short, &self.last, self.windows, &addends(values))
    }

    fn long_with(&self, values: &Values) -> Values {
        let short = self.short_with(values);
        moved(&self.long, &self.blocks, block_of(self.windows), &short)
    }
}

/// In which block the window with this number is.
const fn block_of(window: u32) -> u32 {
    window / Stretch::Short.windows()
}

/// The place in a ring.
fn slot<const N: usize>(ring: &mut [Values; N], number: u32) -> Option<&mut Values> {
    ring.get_mut(index(number).checked_rem(N)?)
}

/// The sum of a ring when the next takes the place of the oldest.
fn moved<const N: usize>(sum: &Values, ring: &[Values; N], at: u32, next: &Values) -> Values {
    let at = index(at).checked_rem(N).unwrap_or(0);
    let oldest = ring.get(at).unwrap_or(next);
    let mut sum = *sum;
    for ((sum, oldest), next) in sum.iter_mut().zip(oldest).zip(next) {
        // OVERFLOW: at most 600 values of 41 bits.
        *sum = sum.saturating_sub(*oldest).saturating_add(*next);
    }
    sum
}

/// What a window adds.
fn addends(values: &Values) -> Values {
    let mut addends = *values;
    for (value, param) in addends.iter_mut().zip(Param::ALL) {
        *value = if param.adds_up() {
            (*value).min(MAX_VALUE)
        } else {
            0
        };
    }
    addends
}

// In user space only: what they hold is larger than a stack of the kernel.
#[cfg(test)]
mod tests {
    use super::*;

    const AT: usize = Param::Execs.index();

    /// The sum of the windows from one to another one, of the values 1, 2, 3 and so on.
    fn between(first: u64, last: u64) -> u64 {
        (first..=last).sum()
    }

    fn of(sums: Option<Values>) -> Option<u64> {
        sums.map(|sums| sums[AT])
    }

    #[test]
    fn sums_are_those_of_the_last_windows() {
        let mut running = Running::new();
        for n in 1..=2000u64 {
            let values = [n; Param::COUNT];
            let short = (n >= 30).then(|| between(n - 29, n));
            assert_eq!(of(running.with(Stretch::Short, &values)), short);
            // Of whole blocks.
            let end = n / 30 * 30;
            let long = (n >= 600).then(|| between(end - 599, end));
            assert_eq!(of(running.with(Stretch::Long, &values)), long);
            assert_eq!(running.completes(Stretch::Short), n % 30 == 0);
            assert_eq!(running.completes(Stretch::Long), n % 600 == 0);
            running.push(&values);
        }
        assert!(running.windows < 1200);
        running.clear();
        assert!(running == Running::new());
        assert_eq!(running.with(Stretch::Short, &[1; Param::COUNT]), None);
    }

    #[test]
    fn greatest_values_do_not_saturate() {
        let mut running = Running::new();
        for _ in 0..700 {
            running.push(&[u64::MAX; Param::COUNT]);
        }
        let sums = running.with(Stretch::Long, &[0; Param::COUNT]);
        assert_eq!(of(sums), Some(600 * MAX_VALUE));
        let sums = running.with(Stretch::Short, &[0; Param::COUNT]);
        assert_eq!(of(sums), Some(29 * MAX_VALUE));
        assert!(sums.is_some_and(|sums| sums[Param::ReplyPermille.index()] == 0));
    }
}
