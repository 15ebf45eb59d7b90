// SPDX-License-Identifier: GPL-2.0

//! What happens at each tick. Floor 4; on a workqueue, may sleep.

use crate::{
    apc::{Apc, PAUSE_MS},
    cells::{adopt, table::Table},
    engine::Engine,
    sys::{clock, ticker::Tick},
};
use core::sync::atomic::Ordering;

impl Engine {
    /// Asks once more who was busy when the cells were loaded. Not while the officer loads others:
    /// these are asked for then, and handles of theirs mean nothing here.
    fn adopt_again(&self, table: &Table) {
        let Some(_changing) = self.changing.try_lock() else {
            return;
        };
        let is_in_force = |now: &Table| now.generation == table.generation;
        if !self.cells.current().is_some_and(|now| is_in_force(&now)) {
            return;
        }
        if table.asks_again() && adopt::again(table) {
            table.has_adopted();
        }
    }
}

impl Tick for Engine {
    fn tick(&self) -> u32 {
        let now = clock::monotonic_ns();
        self.killer.bans.expire(now);
        // The table is borrowed, not locked: nobody waits for a tick.
        let pause_ms = match self.cells.current() {
            Some(table) => {
                // First what is due: whom the other waits for may take his time.
                let pause_ms = Apc::tick(&self.killer, &table, self.mode(), now);
                self.adopt_again(&table);
                pause_ms
            }
            None => PAUSE_MS,
        };
        let took_ns = clock::monotonic_ns().saturating_sub(now);
        self.ticks.fetch_add(1, Ordering::Relaxed);
        self.ticker_ns.fetch_add(took_ns, Ordering::Relaxed);
        pause_ms
    }
}
