// SPDX-License-Identifier: GPL-2.0

//! What the officer asks for, over generic netlink.
//!
//! Floor 3. May sleep. Each change is whole or refused with a text; it is told as a record. The
//! privilege was checked by `sys::netlink`.

use crate::{
    cell::{Cell, Image, Table},
    engine::Engine,
    error,
    sys::{
        clock,
        netlink::{number as nl, Control, Refusal, Reply, Request},
    },
    t_helper::Armoury,
    upload::Upload,
};
use core::sync::atomic::Ordering;
use kernel::prelude::*;
use kis_core::{
    cells::{Cells, MAX_BAN_S},
    judge::ban,
    matching::signatures::Signatures,
    sense::param::Param,
    sense::profile::{Profile, MAX_BYTES},
    wire::abi::{Cause, CellMode, Class, Mode, ABI},
};

/// The value of an attribute that the operation cannot do without.
fn needed<T>(value: Option<T>, attr: u32) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::new(EINVAL, c"an attribute is missing").at(attr))
}

fn no_cell() -> Refusal {
    Refusal::new(
        ENOENT,
        c"no cell of this name is loaded; see kisctl cell list",
    )
    .at(nl::KIS_A_TARGET_CELL)
}

fn no_upload() -> Refusal {
    Refusal::new(ESTALE, c"no upload stands; begin one").at(nl::KIS_A_IMAGE_TOKEN)
}

/// A name without its padding.
fn trimmed(name: &[u8]) -> &[u8] {
    name.split(|&b| b == 0).next().unwrap_or(&[])
}

/// Milliseconds, rounded up, so that what is still up does not look over.
fn ms(ns: u64) -> u32 {
    u32::try_from(ns.div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

impl Engine {
    fn status(&self, reply: &Reply<'_>) {
        // One after the other: tables' locks never nest.
        let cells = self.cells.lock().get().map(|t| (t.generation, t.len()));
        let signatures = self.armoury.lock().get().map(|a| a.signatures.len());
        let (generation, cells) = cells.unwrap_or_default();
        for (attr, value) in [
            (nl::KIS_A_STATUS_ABI, ABI),
            (nl::KIS_A_STATUS_MODE, self.mode() as u32),
            (nl::KIS_A_STATUS_GENERATION, generation),
            (nl::KIS_A_STATUS_CELLS, cells as u32),
            (
                nl::KIS_A_STATUS_SIGNATURES,
                signatures.unwrap_or_default() as u32,
            ),
            (nl::KIS_A_STATUS_BANS, self.bans.len() as u32),
        ] {
            reply.u32(attr, value);
        }
        let pad = nl::KIS_A_STATUS_PAD;
        for (attr, value) in [
            (nl::KIS_A_STATUS_RECORDS, self.sink.records()),
            (nl::KIS_A_STATUS_LOST_ALERTS, self.sink.lost(Class::Alert)),
            (
                nl::KIS_A_STATUS_LOST_TELEMETRY,
                self.sink.lost(Class::Telemetry),
            ),
            (nl::KIS_A_STATUS_DENIED, self.denied.load(Ordering::Relaxed)),
            (nl::KIS_A_STATUS_KILLED, self.killed.load(Ordering::Relaxed)),
            (
                nl::KIS_A_STATUS_DROPPED,
                self.dropped.load(Ordering::Relaxed),
            ),
            (
                nl::KIS_A_STATUS_UPTIME_NS,
                clock::monotonic_ns().saturating_sub(self.loaded_ns),
            ),
        ] {
            reply.u64(attr, value, pad);
        }
    }

    fn set_mode_of(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let attr = nl::KIS_A_TARGET_MODE;
        let number = needed(request.u32(attr), attr)?;
        let mode = needed(Engine::mode_of(number), attr)?;
        let Some(name) = request.string(nl::KIS_A_TARGET_CELL) else {
            let mode = match mode {
                CellMode::Observe => Mode::Observe,
                CellMode::Enforce => Mode::Enforce,
                CellMode::Inherit => {
                    let text = c"only a cell can inherit; the global mode is observe or enforce";
                    return Err(Refusal::new(EINVAL, text).at(attr));
                }
            };
            self.set_mode(mode);
            self.tell_control(nl::KIS_CMD_MODE_SET, None, number);
            return Ok(());
        };
        let cells = self.cells.lock();
        let table = cells.get().ok_or_else(no_cell)?;
        let cell = table.find(name).ok_or_else(no_cell)?;
        cell.set_mode(mode);
        self.tell_control(nl::KIS_CMD_MODE_SET, Some((cell, table.generation)), number);
        Ok(())
    }

    fn ban_address(request: &Request<'_>) -> Result<[u8; 16], Refusal> {
        let attr = nl::KIS_A_BAN_ADDRESS;
        let bytes = needed(request.bytes(attr), attr)?;
        ban::key(bytes).ok_or_else(|| {
            Refusal::new(EINVAL, c"an address has 4 bytes (IPv4) or 16 (IPv6)").at(attr)
        })
    }

    fn add_ban(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let address = Self::ban_address(request)?;
        let attr = nl::KIS_A_BAN_TTL_MS;
        let ttl_ms = needed(request.u32(attr), attr)?;
        if ttl_ms == 0 || ttl_ms > MAX_BAN_S.saturating_mul(1000) {
            return Err(Refusal::new(ERANGE, c"a ban lasts 1 ms to 30 days").at(attr));
        }
        self.bans
            .add(address, u64::from(ttl_ms) * 1_000_000)
            .map_err(|_| Refusal::new(ENOSPC, c"1024 addresses are banned; end some first"))?;
        self.tell_ban(nl::KIS_CMD_BAN_ADD, address, ttl_ms);
        Ok(())
    }

    fn remove_ban(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let address = Self::ban_address(request)?;
        if !self.bans.remove(address) {
            return Err(
                Refusal::new(ENOENT, c"this address is not banned").at(nl::KIS_A_BAN_ADDRESS)
            );
        }
        self.tell_ban(nl::KIS_CMD_BAN_DEL, address, 0);
        Ok(())
    }

    fn give_profile(&self, request: &Request<'_>, reply: &Reply<'_>) -> Result<(), Refusal> {
        let attr = nl::KIS_A_TARGET_CELL;
        let name = needed(request.string(attr), attr)?;
        let cells = self.cells.lock();
        let cell = cells.get().and_then(|t| t.find(name)).ok_or_else(no_cell)?;
        let mut image = KVec::zeroed(MAX_BYTES, GFP_KERNEL)?;
        let len = cell
            .profile
            .lock()
            .encode(&mut image)
            .map_err(|e| error::image(e, attr))?;
        reply.bytes(nl::KIS_A_TARGET_PROFILE, image.get(..len).unwrap_or(&[]));
        Ok(())
    }

    fn reset_profiles(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let name = request.string(nl::KIS_A_TARGET_CELL);
        let cells = self.cells.lock();
        let table = cells.get().ok_or_else(no_cell)?;
        if let Some(name) = name {
            self.reset(table, table.find(name).ok_or_else(no_cell)?);
        } else {
            table.iter().for_each(|cell| self.reset(table, cell));
        }
        Ok(())
    }

    fn reset(&self, table: &Table, cell: &Cell) {
        {
            let mut profile = cell.profile.lock();
            profile.reset();
            cell.follow(&profile);
        }
        self.tell_phase(table, cell, Cause::Officer);
    }

    fn begin_image(&self, request: &Request<'_>, reply: &Reply<'_>) -> Result<(), Refusal> {
        let kind = needed(request.u32(nl::KIS_A_IMAGE_KIND), nl::KIS_A_IMAGE_KIND)?;
        let size = needed(request.u32(nl::KIS_A_IMAGE_SIZE), nl::KIS_A_IMAGE_SIZE)?;
        let cell = request.string(nl::KIS_A_IMAGE_CELL).unwrap_or(&[]);
        if kind == nl::KIS_IMAGE_KIND_PROFILE && cell.is_empty() {
            return Err(Refusal::new(
                EINVAL,
                c"a profile needs the name of its cell",
            ));
        }
        let token = Upload::begin(&mut self.upload.lock(), kind, size, cell)?;
        reply.u32(nl::KIS_A_IMAGE_TOKEN, token);
        Ok(())
    }

    fn append_image(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let token = needed(request.u32(nl::KIS_A_IMAGE_TOKEN), nl::KIS_A_IMAGE_TOKEN)?;
        let offset = needed(request.u32(nl::KIS_A_IMAGE_OFFSET), nl::KIS_A_IMAGE_OFFSET)?;
        let data = needed(request.bytes(nl::KIS_A_IMAGE_DATA), nl::KIS_A_IMAGE_DATA)?;
        match &mut *self.upload.lock() {
            Some(standing) => standing.append(token, offset, data),
            None => Err(no_upload()),
        }
    }

    fn commit_image(&self, request: &Request<'_>, reply: &Reply<'_>) -> Result<(), Refusal> {
        let attr = nl::KIS_A_IMAGE_TOKEN;
        let token = needed(request.u32(attr), attr)?;
        let upload = {
            let mut place = self.upload.lock();
            let standing = place.as_ref().ok_or_else(no_upload)?;
            standing.check(token)?;
            place.take()
        };
        let Some(upload) = upload else {
            return Err(no_upload());
        };
        let (kind, name) = (upload.kind, upload.cell);
        let image = upload.finish()?;
        let generation = match kind {
            nl::KIS_IMAGE_KIND_CELLS => self.load_cells(image)?,
            nl::KIS_IMAGE_KIND_SIGNATURES => self.load_signatures(image)?,
            _ => self.load_profile(&image, trimmed(&name))?,
        };
        reply.u32(nl::KIS_A_IMAGE_GENERATION, generation);
        Ok(())
    }

    fn load_cells(&self, image: Image) -> Result<u32, Refusal> {
        let image = Cells::verify(image).map_err(|e| error::image(e, nl::KIS_A_IMAGE_TOKEN))?;
        let mut cells = self.cells.lock();
        let new = Table::new(image, cells.get())
            .map_err(|e| Refusal::new(e, c"cells could not be set up; nothing was changed"))?;
        let (generation, count) = (new.generation, new.len() as u32);
        cells.replace(Some(new));
        if let Some(table) = cells.get() {
            table.adopt_running();
        }
        let kind = nl::KIS_IMAGE_KIND_CELLS as u16;
        self.tell_load(nl::KIS_CMD_IMAGE_COMMIT, kind, count);
        Ok(generation)
    }

    fn load_signatures(&self, image: Image) -> Result<u32, Refusal> {
        let signatures =
            Signatures::verify(image).map_err(|e| error::image(e, nl::KIS_A_IMAGE_TOKEN))?;
        let count = signatures.len() as u32;
        let new = Armoury::new(signatures)
            .map_err(|e| Refusal::new(e, c"signatures could not be set up; nothing was changed"))?;
        let generation = new.generation;
        self.armoury.lock().replace(Some(new));
        let kind = nl::KIS_IMAGE_KIND_SIGNATURES as u16;
        self.tell_load(nl::KIS_CMD_IMAGE_COMMIT, kind, count);
        Ok(generation)
    }

    fn load_profile(&self, image: &Image, name: &[u8]) -> Result<u32, Refusal> {
        let mut new = KBox::new(Profile::new(), GFP_KERNEL)?;
        new.restore(image.as_ref())
            .map_err(|e| error::image(e, nl::KIS_A_IMAGE_TOKEN))?;
        let cells = self.cells.lock();
        let table = cells.get().ok_or_else(no_cell)?;
        let cell = table.find(name).ok_or_else(no_cell)?;
        if new.is_ready() {
            new.complete(cell.settings.k_one_q16, cell.settings.k_two_q16);
        }
        let old = {
            let mut profile = cell.profile.lock();
            let old = core::mem::replace(&mut *profile, new);
            cell.follow(&profile);
            old
        };
        drop(old);
        self.tell_phase(table, cell, Cause::Officer);
        Ok(table.generation)
    }

    fn dump_cell(&self, index: usize, reply: &Reply<'_>) -> bool {
        let cells = self.cells.lock();
        let Some((cell, spec)) = cells
            .get()
            .and_then(|t| t.get(index).zip(t.image.get(index)))
        else {
            return false;
        };
        let now = clock::monotonic_ns();
        let (one, two) = cell.danger_left_ns(now);
        reply.u32(nl::KIS_A_CELL_ID, cell.number);
        reply.string(nl::KIS_A_CELL_NAME, spec.name());
        reply.string(nl::KIS_A_CELL_PROGRAM, spec.program());
        reply.string(nl::KIS_A_CELL_ARGUMENTS, spec.arguments());
        let windows = cell.profile.lock().windows();
        for (attr, value) in [
            (nl::KIS_A_CELL_MODE, cell.mode() as u32),
            (nl::KIS_A_CELL_PHASE, cell.phase() as u32),
            (nl::KIS_A_CELL_HARD, u32::from(cell.settings.hard)),
            (nl::KIS_A_CELL_WINDOWS, windows),
            (nl::KIS_A_CELL_WINDOWS_NEEDED, cell.settings.learn_windows),
            (nl::KIS_A_CELL_WINDOW_MS, cell.window_ms),
            (nl::KIS_A_CELL_DANGER_ONE_MS, ms(one)),
            (nl::KIS_A_CELL_DANGER_TWO_MS, ms(two)),
            (
                nl::KIS_A_CELL_PROCESSES,
                cell.processes.load(Ordering::Relaxed),
            ),
        ] {
            reply.u32(attr, value);
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

    fn dump_param(&self, index: usize, reply: &Reply<'_>) -> bool {
        let cells = self.cells.lock();
        let cell = cells.get().and_then(|t| t.get(index / Param::COUNT));
        let param = Param::ALL.get(index % Param::COUNT).copied();
        let (Some(cell), Some(param)) = (cell, param) else {
            return false;
        };
        let (thresholds, estimator) = {
            let profile = cell.profile.lock();
            (
                profile.thresholds().map(|_| profile.threshold(param)),
                profile.param(param),
            )
        };
        reply.u32(nl::KIS_A_PARAM_CELL, cell.number);
        reply.u32(nl::KIS_A_PARAM_PARAM, param as u32);
        let pad = nl::KIS_A_PARAM_PAD;
        for (attr, value) in [
            (nl::KIS_A_PARAM_OBSERVED, cell.last(param)),
            (nl::KIS_A_PARAM_MEAN, estimator.mean_q16()),
            (nl::KIS_A_PARAM_DEVIATION, estimator.deviation_q16()),
            (nl::KIS_A_PARAM_PEAK, estimator.peak()),
            (nl::KIS_A_PARAM_N, u64::from(estimator.n())),
        ] {
            reply.u64(attr, value, pad);
        }
        if let Some(thresholds) = thresholds {
            reply.u64(nl::KIS_A_PARAM_THRESHOLD_ONE, thresholds.one(), pad);
            reply.u64(nl::KIS_A_PARAM_THRESHOLD_TWO, thresholds.two(), pad);
        }
        if let Some(bound) = cell.settings.bounds.get(param.index()).copied().flatten() {
            reply.u64(nl::KIS_A_PARAM_BOUND, bound, pad);
        }
        true
    }

    fn dump_signature(&self, index: usize, reply: &Reply<'_>) -> bool {
        let armoury = self.armoury.lock();
        let Some((armoury, signature)) = armoury
            .get()
            .and_then(|a| Some((a, a.signatures.get(index)?)))
        else {
            return false;
        };
        reply.u32(nl::KIS_A_SIGNATURE_ID, signature.id());
        reply.u32(nl::KIS_A_SIGNATURE_REVISION, signature.revision());
        reply.u32(nl::KIS_A_SIGNATURE_TYPE, u32::from(signature.kind()));
        reply.string(nl::KIS_A_SIGNATURE_MESSAGE, signature.message());
        if let Some(cell) = signature.cell() {
            reply.string(nl::KIS_A_SIGNATURE_CELL, cell);
        }
        let hits = armoury.hits.get(index);
        let hits = hits.map_or(0, |hits| hits.load(Ordering::Relaxed));
        reply.u64(nl::KIS_A_SIGNATURE_HITS, hits, nl::KIS_A_SIGNATURE_PAD);
        true
    }

    fn dump_ban(&self, index: usize, reply: &Reply<'_>) -> bool {
        let Some(ban) = self.bans.nth(index) else {
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

impl Control for Engine {
    fn request(&self, cmd: u32, request: &Request<'_>, reply: &Reply<'_>) -> Result<(), Refusal> {
        match cmd {
            nl::KIS_CMD_STATUS_GET => {
                self.status(reply);
                Ok(())
            }
            nl::KIS_CMD_BAN_ADD => self.add_ban(request),
            nl::KIS_CMD_BAN_DEL => self.remove_ban(request),
            nl::KIS_CMD_MODE_SET => self.set_mode_of(request),
            nl::KIS_CMD_PROFILE_GET => self.give_profile(request, reply),
            nl::KIS_CMD_PROFILE_RESET => self.reset_profiles(request),
            nl::KIS_CMD_CELL_UNLOAD => {
                self.cells.lock().replace(None);
                reply.u32(nl::KIS_A_IMAGE_GENERATION, 0);
                self.tell_control(cmd, None, 0);
                Ok(())
            }
            nl::KIS_CMD_SIGNATURE_UNLOAD => {
                self.armoury.lock().replace(None);
                reply.u32(nl::KIS_A_IMAGE_GENERATION, 0);
                self.tell_control(cmd, None, 0);
                Ok(())
            }
            nl::KIS_CMD_IMAGE_BEGIN => self.begin_image(request, reply),
            nl::KIS_CMD_IMAGE_DATA => self.append_image(request),
            nl::KIS_CMD_IMAGE_COMMIT => self.commit_image(request, reply),
            _ => Err(Refusal::new(EOPNOTSUPP, c"no such operation")),
        }
    }

    fn dump(&self, cmd: u32, index: usize, reply: &Reply<'_>) -> bool {
        match cmd {
            nl::KIS_CMD_CELL_GET => self.dump_cell(index, reply),
            nl::KIS_CMD_PARAM_GET => self.dump_param(index, reply),
            nl::KIS_CMD_SIGNATURE_GET => self.dump_signature(index, reply),
            nl::KIS_CMD_BAN_GET => self.dump_ban(index, reply),
            _ => false,
        }
    }

    fn is_insider(&self) -> bool {
        Engine::is_insider(self)
    }

    fn is_public(cmd: u32) -> bool {
        cmd == nl::KIS_CMD_STATUS_GET
    }

    fn has_reply(cmd: u32) -> bool {
        matches!(
            cmd,
            nl::KIS_CMD_STATUS_GET
                | nl::KIS_CMD_PROFILE_GET
                | nl::KIS_CMD_CELL_UNLOAD
                | nl::KIS_CMD_SIGNATURE_UNLOAD
                | nl::KIS_CMD_IMAGE_BEGIN
                | nl::KIS_CMD_IMAGE_COMMIT
        )
    }
}
