// SPDX-License-Identifier: GPL-2.0

//! The APC: closes the windows of the cells, learns from them, and raises danger signals.
//!
//! Floor 3. Runs on a workqueue. Hooks only count; what needs the whole of a window (CPU time,
//! resident memory, the reply ratio, learning, threshold two of slow parameters) is done here.

use crate::{
    cell::{Cell, Table},
    engine::Engine,
    sys::{clock, task, ticker::Tick},
    t_killer::Scene,
};
use core::sync::atomic::Ordering;
use kernel::page::PAGE_SIZE;
use kis_core::{
    sense::param::Param,
    sense::profile::Learned,
    sense::window::{judge, reply_permille},
    wire::abi::{Cause, RecordType, MAX_CELLS},
};

/// Longest pause between two looks at the clock, ms; bans end and signals calm at this pace.
const PAUSE_MS: u32 = 250;
/// Shortest pause, ms.
const LEAST_MS: u32 = 20;

const PAGE_KIB: u64 = PAGE_SIZE as u64 / 1024;

/// What a look at all tasks gives for each cell.
#[derive(Clone, Copy, Default)]
struct Usage {
    processes: u32,
    resident_kib: u64,
}

/// Adds the CPU time of all tasks to their cells, and sums up memory and processes.
fn usage(table: &Table) -> [Usage; MAX_CELLS] {
    let mut all = [Usage::default(); MAX_CELLS];
    task::for_each_thread(|thread| {
        let Some((i, cell)) = table.of_handle(thread.cell()) else {
            return;
        };
        cell.count(Param::CpuUs, thread.take_cpu_ns() / 1000);
        if !thread.is_leader() {
            return;
        }
        if let Some(usage) = all.get_mut(i) {
            usage.processes += 1;
            usage.resident_kib += thread.resident_pages() * PAGE_KIB;
        }
    });
    all
}

impl Engine {
    /// Closes the window of a cell.
    fn close(&self, table: &Table, cell: &Cell, usage: Usage) {
        let mut values = cell.take_counts();
        values[Param::RssKib.index()] = usage.resident_kib;
        values[Param::ReplyPermille.index()] = reply_permille(
            values[Param::BytesIn.index()],
            values[Param::BytesOut.index()],
        );
        cell.set_last(&values);
        cell.processes.store(usage.processes, Ordering::Relaxed);

        let (learned, crossings) = {
            let mut profile = cell.profile.lock();
            // A cell that does not run has nothing to teach.
            let learned = if usage.processes == 0 {
                Learned::More
            } else {
                profile.learn(&values, &cell.settings)
            };
            if learned != Learned::Nothing {
                cell.follow(&profile);
            }
            // What was just learned cannot be judged by itself.
            let thresholds = match learned {
                Learned::Nothing => profile.thresholds(),
                _ => None,
            };
            let mut crossings = [None; Param::COUNT];
            let judged = judge(&values, thresholds, &cell.settings.bounds);
            for (slot, crossing) in crossings.iter_mut().zip(judged) {
                *slot = Some(crossing);
            }
            (learned, crossings)
        };
        for crossing in crossings.into_iter().flatten() {
            self.crossed(table, cell, &crossing, Scene::Nobody);
        }
        cell.told.store(0, Ordering::Relaxed);

        let mut record = self.record(Some(cell), table.generation, Scene::Nobody);
        record.set_window_values(&values);
        self.sink.write(RecordType::Window, record);
        if learned == Learned::Complete {
            self.tell_phase(table, cell, Cause::None);
        }
    }

    /// Tells the phase that a cell has come into.
    pub(crate) fn tell_phase(&self, table: &Table, cell: &Cell, cause: Cause) {
        let mut record = self.record(Some(cell), table.generation, Scene::Nobody);
        record.cause = cause as u16;
        record.value = cell.phase() as u32;
        self.sink.write(RecordType::Phase, record);
    }

    /// Tells which danger signals have ended: value 1, 2, or 3 for both.
    fn calm(&self, table: &Table, cell: &Cell, now: u64) {
        let (one, two) = cell.take_ended(now);
        if one || two {
            let mut record = self.record(Some(cell), table.generation, Scene::Nobody);
            record.value = u32::from(one) | u32::from(two) << 1;
            self.sink.write(RecordType::Calm, record);
        }
    }
}

impl Tick for Engine {
    fn tick(&self) -> u32 {
        let now = clock::monotonic_ns();
        self.bans.expire(now);
        let cells = self.cells.lock();
        let Some(table) = cells.get() else {
            return PAUSE_MS;
        };
        let is_due = |cell: &Cell| cell.window_end_ns.load(Ordering::Relaxed) <= now;
        if table.iter().any(is_due) {
            let usage = usage(table);
            for (cell, usage) in table.iter().zip(usage) {
                if is_due(cell) {
                    self.close(table, cell, usage);
                    let next = now.saturating_add(u64::from(cell.window_ms) * 1_000_000);
                    cell.window_end_ns.store(next, Ordering::Relaxed);
                }
            }
        }
        let mut pause = PAUSE_MS;
        for cell in table.iter() {
            self.calm(table, cell, now);
            let left = cell
                .window_end_ns
                .load(Ordering::Relaxed)
                .saturating_sub(now)
                / 1_000_000;
            pause = pause.min(u32::try_from(left).unwrap_or(PAUSE_MS));
        }
        pause.max(LEAST_MS)
    }
}
