// SPDX-License-Identifier: GPL-2.0

//! The T-killer: carries every verdict out, and has it told.
//!
//! Floor 3. What it can do: let a hook return `EPERM`, have a connection reset, ban an address for
//! a time. All findings of all organs come through [`Killer::carry_out()`], which is the one path
//! from finding to verdict, action and record. Any context but NMI.

use crate::{
    bans::Bans,
    cells::{
        cell::Cell,
        site::Site, //
    },
    scribe::{Scene, Scribe, Told},
    sys::{
        hooks::Outcome,
        task::Blame, //
    },
};
use core::sync::atomic::{AtomicU64, Ordering};
use kernel::{prelude::*, sync::Arc};
use kis_core::{
    judge::finding::{Finding, Place},
    judge::scan::Answer,
    judge::verdict::{decide, passes, Context, Signal, Verdict},
    matching::scans::{limits::Limits, Scan},
    wire::abi::{Action, Mode, Op, RecordType},
};

/// What was done since the module was loaded.
#[derive(Default)]
pub(crate) struct Totals {
    /// Calls denied.
    pub(crate) denied: AtomicU64,
    /// Connections reset.
    pub(crate) killed: AtomicU64,
    /// Packets of banned peers dropped.
    pub(crate) dropped: AtomicU64,
}

/// The T-killer.
#[pin_data]
pub(crate) struct Killer {
    /// Banned addresses.
    #[pin]
    pub(crate) bans: Bans,
    /// What was done.
    pub(crate) totals: Totals,
    /// Who tells it.
    pub(crate) scribe: Arc<Scribe>,
}

/// What has become of a finding.
#[derive(Clone, Copy)]
pub(crate) struct Done {
    /// The call is to be denied.
    pub(crate) denies: bool,
    /// The connection is to be reset.
    pub(crate) kills: bool,
}

impl Done {
    const NOTHING: Self = Self {
        denies: false,
        kills: false,
    };

    /// What the hook of a call returns.
    pub(crate) fn outcome(self) -> Outcome {
        if self.denies {
            Outcome::deny(EPERM)
        } else {
            Outcome::PASS
        }
    }
}

impl Killer {
    /// Has done nothing yet.
    pub(crate) fn new(scribe: Arc<Scribe>) -> impl PinInit<Self> {
        pin_init!(Self {
            bans <- Bans::new(),
            totals: Totals::default(),
            scribe,
        })
    }

    /// Whether nothing will come of an operation there.
    #[inline]
    pub(crate) fn passes(site: &Site<'_>, op: Op, place: Place) -> bool {
        passes(op, place, &site.context())
    }

    /// Decides on a finding and carries the verdict out: raises the signal, counts, bans, tells.
    /// What the caller has to do itself is in the answer.
    #[inline]
    pub(crate) fn carry_out(&self, site: &Site<'_>, finding: &Finding, scene: Scene<'_>) -> Done {
        let ctx = site.context();
        let verdict = decide(finding, &ctx);
        match verdict.record {
            None => Done::NOTHING,
            Some(kind) => self.apply(site, &ctx, finding, &verdict, kind, scene),
        }
    }

    #[cold]
    #[inline(never)]
    fn apply(
        &self,
        site: &Site<'_>,
        ctx: &Context,
        finding: &Finding,
        verdict: &Verdict,
        kind: RecordType,
        scene: Scene<'_>,
    ) -> Done {
        let cell = site.cell;
        cell.raise(verdict.signal);
        if verdict.signal == Signal::Two {
            match scene {
                Scene::Call(..) => cell.blame(Blame::Deed),
                Scene::Count(_) | Scene::Peer(_) => cell.blame(Blame::Count),
                // Nobody in particular.
                Scene::Window(_) | Scene::Sum(..) | Scene::Match(_) | Scene::Arrival => {}
            }
        }
        self.tally(cell, verdict);
        let op = finding.op();
        let nth = cell.ration.verdict(op, kind);
        // What is done never depends on what is told; a kill is the last of its connection.
        let is_told = match scene {
            Scene::Call(..) | Scene::Arrival => nth.is_told(),
            Scene::Count(crossing) | Scene::Window(crossing) => {
                cell.ration.crossing(crossing.param, crossing.level)
            }
            Scene::Sum(crossing, _) => {
                let is_calm = !ctx.danger_one;
                cell.ration.sum(crossing.param, crossing.stretch, is_calm)
            }
            Scene::Peer(sent) => sent.is_first,
            Scene::Match(found) => {
                self.ban(verdict, &found.addresses.peer);
                let is_first = found.found.is_first;
                found.is_told && (verdict.kills() || (nth.is_told() && is_first))
            }
        };
        if is_told {
            let told = Told { op, nth, scene };
            self.scribe.verdict(kind, site, ctx, verdict, told);
        }
        Done {
            denies: verdict.denies(),
            kills: verdict.kills(),
        }
    }

    /// Counts what a verdict does or would do.
    fn tally(&self, cell: &Cell, verdict: &Verdict) {
        let tally = &cell.tally;
        for (action, done, would, all) in [
            (
                Action::DENY,
                &tally.denied,
                &tally.would_deny,
                &self.totals.denied,
            ),
            (
                Action::KILL,
                &tally.killed,
                &tally.would_kill,
                &self.totals.killed,
            ),
        ] {
            if !verdict.action.contains(action) {
                continue;
            }
            if verdict.apply {
                done.fetch_add(1, Ordering::Relaxed);
                all.fetch_add(1, Ordering::Relaxed);
            } else {
                would.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Bans a peer if the verdict says so.
    fn ban(&self, verdict: &Verdict, peer: &[u8; 16]) {
        if verdict.bans() {
            // A full table is told by `kisctl status`; the connection is reset all the same.
            let _ = self
                .bans
                .add(*peer, u64::from(verdict.ban_s) * 1_000_000_000);
        }
    }

    /// Somebody scans the host: bans him, if that is to be done, and has it told. Softirq.
    #[cold]
    #[inline(never)]
    pub(crate) fn scanned(&self, mode: Mode, scan: &Scan, limits: &Limits, lost: u64) {
        let answer = Answer::to(scan, limits.ban_s, mode);
        if answer.apply {
            // A full table is told by `kisctl status`.
            let ttl_ns = u64::from(limits.ban_s) * 1_000_000_000;
            let _ = self.bans.add(scan.source, ttl_ns);
        }
        self.scribe.scanned(mode, scan, answer, limits.ban_s, lost);
    }

    /// Whether a packet from `peer` (IPv4 mapped) is dropped. Softirq.
    pub(crate) fn drops(&self, mode: Mode, peer: &[u8; 16]) -> bool {
        let Some(n) = self.bans.drops(peer) else {
            return false;
        };
        self.totals.dropped.fetch_add(1, Ordering::Relaxed);
        // Tell the first, the second, the fourth …: a flood is told without being one.
        if n.is_power_of_two() {
            self.scribe.ban_drop(mode, peer, n);
        }
        true
    }
}
