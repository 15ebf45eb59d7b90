// SPDX-License-Identifier: GPL-2.0

//! What happens at each tick. Floor 4; on a workqueue, may sleep.

use crate::{
    apc::{Apc, PAUSE_MS},
    cells::adopt,
    engine::Engine,
    sys::{clock, ticker::Tick},
};

impl Tick for Engine {
    fn tick(&self) -> u32 {
        let now = clock::monotonic_ns();
        self.killer.bans.expire(now);
        // The table is borrowed, not locked: nobody waits for a tick.
        match self.cells.current() {
            Some(table) => {
                if table.asks_again() && adopt::running(&table) {
                    table.has_adopted();
                }
                Apc::tick(&self.killer, &table, self.mode(), now)
            }
            None => PAUSE_MS,
        }
    }
}
