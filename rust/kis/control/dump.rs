// SPDX-License-Identifier: GPL-2.0

//! What the officer is shown: the status, and the dumps.
//!
//! Floor 3. May sleep. Tables are borrowed, not locked, so nobody waits for a dump.

use super::{
    export::{Export, ExportError, CHUNK},
    refusal::{image, needed, no_cell},
};
use crate::{
    engine::Engine,
    sys::{
        clock,
        netlink::{number as nl, Refusal, Reply, Request},
    },
};
use core::sync::atomic::Ordering;
use kernel::prelude::*;
use kis_core::{
    sense::param::Param,
    wire::abi::{Class, ABI},
};

/// Milliseconds, rounded up, so that what is still up does not look over.
fn ms(ns: u64) -> u32 {
    u32::try_from(ns.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

impl Engine {
    /// The status of the module.
    pub(super) fn status(&self, reply: &Reply<'_>) {
        let cells = self.cells.current().map(|t| (t.generation, t.len()));
        let armoury = self.helper.armoury.current();
        let armoury = armoury.map(|a| (a.signatures.len(), a.counts.lost()));
        let (signatures, counts_lost) = armoury.unwrap_or_default();
        let (generation, cells) = cells.unwrap_or_default();
        for (attr, value) in [
            (nl::KIS_A_STATUS_ABI, ABI),
            (nl::KIS_A_STATUS_MODE, self.mode() as u32),
            (nl::KIS_A_STATUS_GENERATION, generation),
            (nl::KIS_A_STATUS_CELLS, cells as u32),
            (nl::KIS_A_STATUS_SIGNATURES, signatures as u32),
            (nl::KIS_A_STATUS_BANS, self.killer.bans.len() as u32),
        ] {
            reply.u32(attr, value);
        }
        let pad = nl::KIS_A_STATUS_PAD;
        for (attr, value) in [
            (
                nl::KIS_A_STATUS_RECORDS,
                self.killer.scribe.sink().records(),
            ),
            (
                nl::KIS_A_STATUS_LOST_ALERTS,
                self.killer
                    .scribe
                    .sink()
                    .lost(|class| class != Class::Telemetry),
            ),
            (
                nl::KIS_A_STATUS_LOST_TELEMETRY,
                self.killer
                    .scribe
                    .sink()
                    .lost(|class| class == Class::Telemetry),
            ),
            (
                nl::KIS_A_STATUS_DENIED,
                self.killer.totals.denied.load(Ordering::Relaxed),
            ),
            (
                nl::KIS_A_STATUS_KILLED,
                self.killer.totals.killed.load(Ordering::Relaxed),
            ),
            (
                nl::KIS_A_STATUS_DROPPED,
                self.killer.totals.dropped.load(Ordering::Relaxed),
            ),
            (
                nl::KIS_A_STATUS_UPTIME_NS,
                clock::monotonic_ns().saturating_sub(self.loaded_ns),
            ),
            (nl::KIS_A_STATUS_TICKS, self.ticks.load(Ordering::Relaxed)),
            (
                nl::KIS_A_STATUS_TICKER_NS,
                self.ticker_ns.load(Ordering::Relaxed),
            ),
            (nl::KIS_A_STATUS_COUNTS_LOST, counts_lost),
        ] {
            reply.u64(attr, value, pad);
        }
    }

    /// The image of a cell's profile.
    pub(super) fn give_profile(
        &self,
        request: &Request<'_>,
        reply: &Reply<'_>,
    ) -> Result<(), Refusal> {
        let attr = nl::KIS_A_TARGET_CELL;
        let name = needed(request.string(attr), attr)?;
        let table = self.cells.current().ok_or_else(no_cell)?;
        let (_, cell) = table.find(name).ok_or_else(no_cell)?;
        let offset = request.u32(nl::KIS_A_TARGET_OFFSET).unwrap_or(0) as usize;
        let mut place = self.export.lock();
        if offset == 0 {
            *place = None;
            *place = Some(Export::new(cell).map_err(|e| match e {
                ExportError::Image(e) => image(e, attr),
                ExportError::Memory(e) => Refusal::from(e),
            })?);
        }
        let standing = place.as_ref().filter(|export| export.is_of(name));
        let rest = standing.and_then(|export| export.bytes.get(offset..));
        let (Some(standing), Some(rest)) = (standing, rest) else {
            let text = c"no such part of a profile; begin at offset 0";
            return Err(Refusal::new(EINVAL, text).at(nl::KIS_A_TARGET_OFFSET));
        };
        reply.u32(nl::KIS_A_TARGET_PROFILE_SIZE, standing.bytes.len() as u32);
        reply.bytes(nl::KIS_A_TARGET_PROFILE, rest.get(..CHUNK).unwrap_or(rest));
        if rest.len() <= CHUNK {
            *place = None;
        }
        Ok(())
    }

    /// The image of the cells in force.
    pub(super) fn give_image(
        &self,
        request: &Request<'_>,
        reply: &Reply<'_>,
    ) -> Result<(), Refusal> {
        let attr = nl::KIS_A_IMAGE_KIND;
        if needed(request.u32(attr), attr)? != nl::KIS_IMAGE_KIND_CELLS {
            return Err(Refusal::new(EOPNOTSUPP, c"only cells are given back").at(attr));
        }
        let attr = nl::KIS_A_IMAGE_OFFSET;
        let table = self.cells.current();
        let (generation, bytes) = match &table {
            Some(table) => (table.generation, table.image.bytes()),
            None => (0, &[][..]),
        };
        let offset = request.u32(attr).unwrap_or(0) as usize;
        let rest = bytes.get(offset..).ok_or_else(|| {
            Refusal::new(EINVAL, c"no such part of the image; begin at offset 0").at(attr)
        })?;
        reply.u32(nl::KIS_A_IMAGE_GENERATION, generation);
        reply.u32(nl::KIS_A_IMAGE_SIZE, bytes.len() as u32);
        reply.bytes(nl::KIS_A_IMAGE_DATA, rest.get(..CHUNK).unwrap_or(rest));
        Ok(())
    }

    /// The cell at `index`; false when there is none.
    pub(super) fn dump_cell(&self, index: usize, reply: &Reply<'_>) -> bool {
        let Some(table) = self.cells.current() else {
            return false;
        };
        let Some((cell, spec)) = table.get(index).zip(table.image.get(index)) else {
            return false;
        };
        let (one, two) = cell.danger.left_ns(clock::monotonic_ns());
        reply.u32(nl::KIS_A_CELL_ID, cell.number);
        reply.string(nl::KIS_A_CELL_NAME, spec.name());
        reply.string(nl::KIS_A_CELL_PROGRAM, spec.program());
        reply.string(nl::KIS_A_CELL_ARGUMENTS, spec.arguments());
        let (windows, items, names, starts) = {
            let learnt = cell.learnt.lock();
            let items = learnt.things.items();
            (
                learnt.profile.windows(),
                items.len() as u32,
                items.names_len() as u32,
                learnt.things.starts(),
            )
        };
        for (attr, value) in [
            (nl::KIS_A_CELL_MODE, cell.mode() as u32),
            (nl::KIS_A_CELL_PHASE, cell.phase() as u32),
            (nl::KIS_A_CELL_HARD, u32::from(cell.settings.hard)),
            (nl::KIS_A_CELL_WINDOWS, windows),
            (nl::KIS_A_CELL_WINDOWS_NEEDED, cell.settings.learn_windows),
            (nl::KIS_A_CELL_WINDOW_MS, cell.window_ms),
            (nl::KIS_A_CELL_STARTS, starts),
            (nl::KIS_A_CELL_DANGER_ONE_MS, ms(one)),
            (nl::KIS_A_CELL_DANGER_TWO_MS, ms(two)),
            (
                nl::KIS_A_CELL_PROCESSES,
                cell.processes.load(Ordering::Relaxed),
            ),
        ] {
            reply.u32(attr, value);
        }
        if cell.has_things() {
            reply.u32(nl::KIS_A_CELL_ITEMS, items);
            reply.u32(nl::KIS_A_CELL_NAMES_BYTES, names);
        }
        for (attr, value) in [
            (nl::KIS_A_CELL_DENIED, &cell.tally.denied),
            (nl::KIS_A_CELL_WOULD_DENY, &cell.tally.would_deny),
            (nl::KIS_A_CELL_KILLED, &cell.tally.killed),
            (nl::KIS_A_CELL_WOULD_KILL, &cell.tally.would_kill),
            (nl::KIS_A_CELL_MATCHES, &cell.tally.matches),
        ] {
            reply.u64(attr, value.load(Ordering::Relaxed), nl::KIS_A_CELL_PAD);
        }
        true
    }

    /// A parameter of a cell, by `index` through all cells; false when there is none.
    pub(super) fn dump_param(&self, index: usize, reply: &Reply<'_>) -> bool {
        let table = self.cells.current();
        let cell = table.as_ref().and_then(|t| t.get(index / Param::COUNT));
        let param = Param::ALL.get(index % Param::COUNT).copied();
        let (Some(cell), Some(param)) = (cell, param) else {
            return false;
        };
        let (thresholds, estimator) = {
            let learnt = cell.learnt.lock();
            let profile = &learnt.profile;
            (
                profile.lines(param).usual,
                *profile.param(param).estimator(),
            )
        };
        reply.u32(nl::KIS_A_PARAM_CELL, cell.number);
        reply.u32(nl::KIS_A_PARAM_PARAM, param as u32);
        let pad = nl::KIS_A_PARAM_PAD;
        for (attr, value) in [
            (nl::KIS_A_PARAM_OBSERVED, cell.gauges.last(param)),
            (nl::KIS_A_PARAM_MEAN, estimator.mean_q16()),
            (nl::KIS_A_PARAM_DEVIATION, estimator.deviation_q16()),
            (nl::KIS_A_PARAM_PEAK, estimator.peak()),
            (nl::KIS_A_PARAM_N, u64::from(estimator.n())),
        ] {
            reply.u64(attr, value, pad);
        }
        let attrs = [nl::KIS_A_PARAM_THRESHOLD_ONE, nl::KIS_A_PARAM_THRESHOLD_TWO];
        // Some parameters have none.
        for (attr, threshold) in attrs.into_iter().zip(thresholds.lines()) {
            if let Some(threshold) = threshold {
                reply.u64(attr, threshold, pad);
            }
        }
        if let Some(bound) = cell.settings.bounds.get(param.index()).copied().flatten() {
            reply.u64(nl::KIS_A_PARAM_BOUND, bound, pad);
        }
        true
    }

    /// The signature at `index`; false when there is none.
    pub(super) fn dump_signature(&self, index: usize, reply: &Reply<'_>) -> bool {
        let Some(armoury) = self.helper.armoury.current() else {
            return false;
        };
        let Some(signature) = armoury.signatures.get(index) else {
            return false;
        };
        reply.u32(nl::KIS_A_SIGNATURE_ID, signature.id());
        reply.u32(nl::KIS_A_SIGNATURE_REVISION, signature.revision());
        reply.u32(nl::KIS_A_SIGNATURE_TYPE, u32::from(signature.kind()));
        reply.string(nl::KIS_A_SIGNATURE_MESSAGE, signature.message());
        if let Some(cell) = signature.cell() {
            reply.string(nl::KIS_A_SIGNATURE_CELL, cell);
        }
        let hits = armoury.hits(index);
        for (attr, value) in [
            (nl::KIS_A_SIGNATURE_HITS, hits.all),
            (nl::KIS_A_SIGNATURE_HELD, hits.held),
        ] {
            reply.u64(attr, value, nl::KIS_A_SIGNATURE_PAD);
        }
        true
    }

    /// The ban at `index`; false when there is none.
    pub(super) fn dump_ban(&self, index: usize, reply: &Reply<'_>) -> bool {
        let Some(ban) = self.killer.bans.nth(index) else {
            return false;
        };
        let (_, address) = ban.family();
        reply.bytes(nl::KIS_A_BAN_ADDRESS, address);
        let left = ban.expires_ns.saturating_sub(clock::monotonic_ns());
        reply.u32(nl::KIS_A_BAN_TTL_MS, ms(left));
        reply.u64(nl::KIS_A_BAN_DROPPED, ban.dropped, nl::KIS_A_BAN_PAD);
        true
    }
}
