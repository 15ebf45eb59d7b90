// SPDX-License-Identifier: GPL-2.0

//! What is counted for a cell, and the lines that it is held against.
//!
//! Floor 2. Hooks count in memory of their own processor and look at the others only when their
//! credit is used up (`kis_core::cells::credit`). Any context but NMI.

use core::sync::atomic::{AtomicU64, Ordering};
use kernel::{
    cpu::{nr_cpu_ids, CpuId},
    prelude::*,
};
use kis_core::{
    cells::credit::{look, Slot},
    sense::{
        param::{load_by, Param, Role, Values},
        window::{Level, Moment},
    },
};

/// What was learned of a parameter, and the lines that follow from it.
pub(crate) use kis_core::sense::detector::Numbers as Learned;

/// The counts of one processor, in cache lines of their own.
#[repr(align(64))]
struct Counts([Slot; Param::COUNT]);

/// [`Learned`] for those who take no lock. Each word is right by itself; a reader beside a writer
/// may see some of before and some of after.
#[derive(Default)]
struct Line {
    learned: [AtomicU64; Learned::WORDS],
    /// The lowest line that this window has not crossed yet.
    next: AtomicU64,
    /// Value of the last whole window.
    last: AtomicU64,
}

/// The parameters of a cell.
pub(crate) struct Gauges {
    counts: KVec<Counts>,
    lines: KVec<Line>,
}

impl Gauges {
    /// Nothing counted, no lines. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let cpus = nr_cpu_ids() as usize;
        let mut counts = KVec::with_capacity(cpus, GFP_KERNEL)?;
        for _ in 0..cpus {
            counts.push(Counts([const { Slot::new() }; Param::COUNT]), GFP_KERNEL)?;
        }
        let mut lines = KVec::with_capacity(Param::COUNT, GFP_KERNEL)?;
        for _ in 0..Param::COUNT {
            lines.push(Line::default(), GFP_KERNEL)?;
        }
        Ok(Self { counts, lines })
    }

    /// Adds to a parameter of the open window; the sum over all processors if it is above a line
    /// that was not crossed in this window before. `start` says whether the cell starts in it.
    #[inline]
    pub(crate) fn count(&self, param: Param, n: u64, start: impl FnOnce() -> bool) -> Option<u64> {
        let cpu = CpuId::current().as_u32() as usize;
        let slot = self.counts.get(cpu)?.0.get(param.index())?;
        if slot.add(n) {
            self.look(param, cpu, start())
        } else {
            None
        }
    }

    #[cold]
    fn look(&self, param: Param, cpu: usize, start: bool) -> Option<u64> {
        let line = self.lines.get(param.index())?;
        let next = line.next.load(Ordering::Relaxed);
        let slots = || {
            // PANIC: parameters are numbered from 0 to COUNT - 1.
            self.counts.iter().map(|counts| &counts.0[param.index()])
        };
        let sum = look(slots, cpu, next)?;
        let next = self.learned(param).next_above(sum, &self.moment(start));
        line.next.store(next, Ordering::Relaxed);
        Some(sum)
    }

    /// Whether something that the cell does is above line two, or the officer's bound, in the open window.
    pub(crate) fn is_above_two(&self, now: &Moment) -> bool {
        let mut acts = Param::ALL
            .into_iter()
            .filter(|param| param.role() == Role::Act);
        acts.any(|param| {
            let found = self.learned(param).crossed(self.sum(param), now);
            found.is_some_and(|(level, _)| level >= Level::Two)
        })
    }

    /// What was counted of a parameter in the open window.
    fn sum(&self, param: Param) -> u64 {
        let slots = self.counts.iter().filter_map(|c| c.0.get(param.index()));
        slots.fold(0, |sum: u64, slot| sum.saturating_add(slot.get()))
    }

    /// What was learned of a parameter, as of the last [`Gauges::set()`].
    pub(crate) fn learned(&self, param: Param) -> Learned {
        let mut words = [0; Learned::WORDS];
        // PANIC: there is a line for each parameter.
        let line = &self.lines[param.index()];
        for (to, from) in words.iter_mut().zip(&line.learned) {
            *to = from.load(Ordering::Relaxed);
        }
        Learned::from_words(&words)
    }

    /// The open window as it is now; `start` says whether the cell starts in it.
    pub(crate) fn moment(&self, start: bool) -> Moment {
        let load = load_by(|param| self.sum(param));
        Moment { load, start }
    }

    /// Sets what was learned of a parameter. Whoever has credit up to the old line loses it.
    pub(crate) fn set(&self, param: Param, learned: &Learned) {
        let Some(line) = self.lines.get(param.index()) else {
            return;
        };
        for (to, from) in line.learned.iter().zip(learned.to_words()) {
            to.store(from, Ordering::Relaxed);
        }
        let next = learned.next_above(0, &Moment::QUIET);
        line.next.store(next, Ordering::Relaxed);
        for slot in self.counts.iter().filter_map(|c| c.0.get(param.index())) {
            slot.recall();
        }
    }

    /// Ends the open window: its counts, which start again at 0.
    pub(crate) fn take(&self) -> Values {
        let mut values: Values = [0; Param::COUNT];
        let each = values.iter_mut().zip(&self.lines).zip(Param::ALL);
        for ((value, line), param) in each {
            let lowest = self.learned(param).next_above(0, &Moment::QUIET);
            line.next.store(lowest, Ordering::Relaxed);
            let at = param.index();
            let slots = self.counts.iter().filter_map(|counts| counts.0.get(at));
            *value = slots.fold(0, |sum, slot| sum.saturating_add(slot.take()));
        }
        values
    }

    /// Keeps the values of the last whole window for those who ask.
    pub(crate) fn set_last(&self, values: &Values) {
        for (line, value) in self.lines.iter().zip(values) {
            line.last.store(*value, Ordering::Relaxed);
        }
    }

    /// A value of the last whole window.
    pub(crate) fn last(&self, param: Param) -> u64 {
        self.lines
            .get(param.index())
            .map_or(0, |line| line.last.load(Ordering::Relaxed))
    }
}
