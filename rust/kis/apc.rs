// SPDX-License-Identifier: GPL-2.0

//! The APC: closes the windows of the cells, learns from them, and raises danger signals.
//!
//! Floor 3. Hooks only count; what needs the whole of a window (CPU time, resident memory, the
//! reply ratio, learning, threshold two of slow parameters) is done here, on a workqueue.

use crate::{
    cells::{cell::Cell, peers::Has, site::Site, table::Table},
    scribe::{Scene, Sent},
    sys::{heap, task},
    t_killer::Killer,
};
use core::sync::atomic::Ordering;
use kernel::{page::PAGE_SIZE, prelude::*};
use kis_core::{
    judge::finding::Finding,
    sense::detector::{Findings, Observation, Subject},
    sense::param::Param,
    sense::phase::Learned,
    sense::stretch::Stretch,
    sense::thresholds::Thresholds,
    sense::traffic::Traffic,
    sense::window::{reply_permille, Crossing, Level, Moment},
    wire::abi::{Cause, Mode},
};

/// Longest pause between two looks at the clock, ms; bans end and signals calm at this pace.
pub(crate) const PAUSE_MS: u32 = 250;
/// Shortest pause, ms.
const LEAST_MS: u32 = 20;

const PAGE_KIB: u64 = PAGE_SIZE as u64 / 1024;

/// What a look at the tasks of the cells gives for each of them.
#[derive(Clone, Copy, Default)]
struct Usage {
    processes: u32,
    resident_kib: u64,
}

/// The APC. What it knows is with the cells.
pub(crate) struct Apc;

impl Apc {
    /// Counts for a cell; where the sum of the open window is above a line, raises the signal at
    /// once. Any context but NMI.
    #[inline]
    pub(crate) fn count(killer: &Killer, site: &Site<'_>, param: Param, n: u64, by: By) {
        if let Some(sum) = site.cell.count(param, n) {
            alarm(killer, site, param, sum, by);
        }
    }

    /// The running task sends so many bytes to a peer; where that has more in this stretch than any
    /// ever had, raises the signal at once.
    #[inline]
    pub(crate) fn sent(killer: &Killer, site: &Site<'_>, peer: &[u8; 16], bytes: u64) {
        if let Some(has) = site.cell.peers.count(peer, bytes) {
            sent_more(killer, site, peer, &has);
        }
    }

    /// A task of a cell is freed: the rest of its CPU time since the last window. No signal from
    /// here, the window will tell.
    pub(crate) fn freed(table: &Table, task: task::Task<'_>) {
        if let Some((_, cell)) = table.of_handle(task.cell()) {
            cell.count(Param::CpuUs, task.take_cpu_ns() / 1000);
        }
    }

    /// Closes the windows that are over and tells which signals have ended. May sleep. Gives the
    /// ms after which it is to be done again.
    pub(crate) fn tick(killer: &Killer, table: &Table, global: Mode, now: u64) -> u32 {
        let is_due = |cell: &Cell| cell.window_end_ns.load(Ordering::Relaxed) <= now;
        if table.iter().any(is_due) {
            let room = usage(table).and_then(|usage| Ok((usage, heap::copied(&Findings::EMPTY)?)));
            // Without memory the windows get longer.
            if let Ok((usage, mut found)) = room {
                for (i, (cell, usage)) in table.iter().zip(usage).enumerate() {
                    if is_due(cell) {
                        let site = Site::new(table, i, cell, global);
                        close(killer, &site, usage, &mut found);
                        let next = now.saturating_add(u64::from(cell.window_ms) * 1_000_000);
                        cell.window_end_ns.store(next, Ordering::Relaxed);
                    }
                }
            }
        }
        let mut pause = PAUSE_MS;
        for (i, cell) in table.iter().enumerate() {
            let (one, two) = cell.danger.take_ended(now);
            if one || two {
                let site = Site::new(table, i, cell, global);
                killer.scribe.calm(&site, one, two);
            }
            let end = cell.window_end_ns.load(Ordering::Relaxed);
            let left = end.saturating_sub(now) / 1_000_000;
            pause = pause.min(u32::try_from(left).unwrap_or(PAUSE_MS));
        }
        pause.max(LEAST_MS)
    }
}

/// Who makes a count grow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The running task.
    Current,
    /// Somebody else: a peer whose bytes arrive.
    Other,
}

/// A parameter is above one of its lines.
#[cold]
#[inline(never)]
fn alarm(killer: &Killer, site: &Site<'_>, param: Param, sum: u64, by: By) {
    let now = site.cell.moment();
    let Some((level, threshold)) = site.cell.gauges.learned(param).crossed(sum, &now) else {
        // The lines were moved meanwhile, or have moved with the load.
        return;
    };
    let crossing = Crossing {
        param,
        stretch: Stretch::Window,
        level,
        observed: sum,
        threshold,
        now,
    };
    let scene = match by {
        By::Current => Scene::Count(&crossing),
        By::Other => Scene::Window(&crossing),
    };
    killer.carry_out(site, &Finding::Crossing(level), scene);
}

/// A peer may be above a line. What a cell sends when it starts is not held against anything.
#[cold]
#[inline(never)]
fn sent_more(killer: &Killer, site: &Site<'_>, peer: &[u8; 16], has: &Has) {
    if site.cell.starts_now() {
        return;
    }
    for kind in Traffic::ALL {
        let Some(mut above) = site.cell.peers.above(kind, peer, has) else {
            continue;
        };
        let crossing = Crossing {
            param: kind.param(),
            stretch: Stretch::Short,
            level: Level::One,
            observed: above.observed,
            threshold: above.threshold,
            now: Moment {
                load: above.others,
                start: false,
            },
        };
        above.numbers.lines.usual = Thresholds::new(above.threshold, u64::MAX);
        let sent = Sent {
            crossing: &crossing,
            numbers: &above.numbers,
            peer,
            is_first: above.is_first,
        };
        killer.carry_out(site, &Finding::Crossing(Level::One), Scene::Peer(&sent));
    }
}

/// Adds the CPU time of all tasks to their cells, and sums up memory and processes. May sleep.
fn usage(table: &Table) -> Result<KVec<Usage>> {
    let mut all = KVec::with_capacity(table.len(), GFP_KERNEL)?;
    for _ in 0..table.len() {
        all.push(Usage::default(), GFP_KERNEL)?;
    }
    task::for_each_member(|task| {
        let Some((i, cell)) = table.of_handle(task.cell()) else {
            return;
        };
        cell.count(Param::CpuUs, task.take_cpu_ns() / 1000);
        if let (Some(usage), Some(pages)) = (all.get_mut(i), task.resident_pages()) {
            usage.processes = usage.processes.saturating_add(1);
            usage.resident_kib = usage.resident_kib.saturating_add(pages * PAGE_KIB);
        }
    });
    Ok(all)
}

/// A sum over many windows is above its line: the signal is raised with each of them, so that it stays
/// up as long as the sum does. A frame of its own.
#[inline(never)]
fn added_up(killer: &Killer, site: &Site<'_>, crossing: &Crossing) {
    let cell = site.cell;
    let about = Subject::Sum(crossing.param, crossing.stretch);
    let numbers = cell.learnt.lock().profile.explain(&about, &cell.settings);
    let finding = Finding::Crossing(crossing.level);
    killer.carry_out(site, &finding, Scene::Sum(crossing, &numbers));
}

/// Closes the window of a cell. `found` is room for what is found in it.
fn close(killer: &Killer, site: &Site<'_>, usage: Usage, found: &mut Findings) {
    let cell = site.cell;
    // Before the counts start again, so that whoever counts sees the same.
    let start = cell.starts_now();
    let mut values = cell.gauges.take();
    values[Param::RssKib.index()] = usage.resident_kib;
    values[Param::ReplyPermille.index()] = reply_permille(
        values[Param::BytesIn.index()],
        values[Param::BytesOut.index()],
    );
    cell.gauges.set_last(&values);
    cell.processes.store(usage.processes, Ordering::Relaxed);

    let seen = Observation::Window {
        values: &values,
        processes: usage.processes,
        start,
    };
    found.clear();
    let learned = {
        let mut learnt = cell.learnt.lock();
        // First, so that the window is not held against itself.
        learnt.profile.judge(&seen, &cell.settings, found);
        let goes_on = learnt.profile.goes_on(&seen, &cell.settings);
        if let Some((most, total)) = cell.peers.pass(goes_on) {
            learnt.profile.learn_peers(most, total, &cell.settings);
        }
        let learned = learnt.profile.learn(&seen, &cell.settings);
        if learned != Learned::Nothing && cell.has_things() {
            learnt.things.window(start);
        }
        // By this window, or by one of another cell that shares the profile.
        if cell.phase() != learnt.profile.phase() {
            cell.follow(&learnt);
        } else if learned == Learned::More {
            cell.show(&learnt);
        }
        learned
    };
    for crossing in found.crossings() {
        if crossing.stretch == Stretch::Window {
            let finding = Finding::Crossing(crossing.level);
            killer.carry_out(site, &finding, Scene::Window(crossing));
        } else {
            added_up(killer, site, crossing);
        }
    }
    cell.ration.begin();
    killer.scribe.window(site, &values);
    if learned == Learned::Complete {
        killer.scribe.phase(site, Cause::None);
    }
}
