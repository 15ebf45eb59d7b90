// SPDX-License-Identifier: GPL-2.0

//! What the officer orders: modes, bans, learning anew. Floor 3. May sleep.

use super::refusal::{needed, no_cell};
use crate::{
    cells::site::Site,
    engine::Engine,
    scribe::{Deed, Scene},
    sys::{
        netlink::{number as nl, Refusal, Request},
        task::Task,
    },
};
use kernel::prelude::*;
use kis_core::{
    cells::MAX_BAN_S,
    judge::ban,
    judge::finding::Finding,
    sense::class::{Class, Domain},
    wire::abi::{Cause, CellMode, Mode},
};

/// A mode from netlink's number, which for a cell may be to inherit.
fn mode_of(number: u32) -> Option<CellMode> {
    u16::try_from(number).ok().and_then(CellMode::from_u16)
}

impl Engine {
    /// Tells what the officer did, by the netlink command that did it.
    pub(super) fn tell(&self, command: u32, site: Option<&Site<'_>>, deed: Deed<'_>) {
        self.killer.scribe.deed(command, site, self.mode(), deed);
    }

    /// Sets the mode of all, or of a cell.
    pub(super) fn set_mode_of(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let attr = nl::KIS_A_TARGET_MODE;
        let number = needed(request.u32(attr), attr)?;
        let mode = needed(mode_of(number), attr)?;
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
            self.tell(nl::KIS_CMD_MODE_SET, None, Deed::Mode(number));
            return Ok(());
        };
        let _changing = self.changing.lock();
        let table = self.cells.current().ok_or_else(no_cell)?;
        let (i, cell) = table.find(name).ok_or_else(no_cell)?;
        cell.set_mode(mode);
        let site = Site::new(&table, i, cell, self.mode());
        self.tell(nl::KIS_CMD_MODE_SET, Some(&site), Deed::Mode(number));
        Ok(())
    }

    fn ban_address(request: &Request<'_>) -> Result<[u8; 16], Refusal> {
        let attr = nl::KIS_A_BAN_ADDRESS;
        let bytes = needed(request.bytes(attr), attr)?;
        ban::key(bytes).ok_or_else(|| {
            Refusal::new(EINVAL, c"an address has 4 bytes (IPv4) or 16 (IPv6)").at(attr)
        })
    }

    /// Bans an address.
    pub(super) fn add_ban(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let address = Self::ban_address(request)?;
        let attr = nl::KIS_A_BAN_TTL_MS;
        let ttl_ms = needed(request.u32(attr), attr)?;
        if ttl_ms == 0 || ttl_ms > MAX_BAN_S.saturating_mul(1000) {
            return Err(Refusal::new(ERANGE, c"a ban lasts 1 ms to 30 days").at(attr));
        }
        self.killer
            .bans
            .add(address, u64::from(ttl_ms) * 1_000_000)
            .map_err(|_| Refusal::new(ENOSPC, c"1024 addresses are banned; end some first"))?;
        self.tell(nl::KIS_CMD_BAN_ADD, None, Deed::Ban { address, ttl_ms });
        Ok(())
    }

    /// Ends a ban.
    pub(super) fn remove_ban(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let address = Self::ban_address(request)?;
        if !self.killer.bans.remove(address) {
            return Err(
                Refusal::new(ENOENT, c"this address is not banned").at(nl::KIS_A_BAN_ADDRESS)
            );
        }
        let ttl_ms = 0;
        self.tell(nl::KIS_CMD_BAN_DEL, None, Deed::Ban { address, ttl_ms });
        Ok(())
    }

    /// Takes something into the self of a cell.
    pub(super) fn accept_item(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let attr = nl::KIS_A_TARGET_CELL;
        let name = needed(request.string(attr), attr)?;
        let attr = nl::KIS_A_TARGET_CLASS;
        let class = needed(request.u32(attr), attr)?;
        let class = u8::try_from(class).ok().and_then(Class::from_number);
        let class = needed(class, attr)?;
        let attr = nl::KIS_A_TARGET_DOMAIN;
        let domain = needed(request.u32(attr), attr)?;
        let domain = u8::try_from(domain).ok().and_then(Domain::from_number);
        let domain = needed(domain, attr)?;
        let attr = nl::KIS_A_TARGET_NAME;
        let item = needed(request.bytes(attr), attr)?;
        let _changing = self.changing.lock();
        let table = self.cells.current().ok_or_else(no_cell)?;
        let (i, cell) = table.find(name).ok_or_else(no_cell)?;
        if !cell.has_things() {
            let text = c"this cell has no repertoire (files.learn is false)";
            return Err(Refusal::new(EINVAL, text));
        }
        {
            let mut learnt = cell.learnt.lock();
            if !learnt.things.accept(class, domain, item) {
                let text = c"no room for it: 2048 items, 128 KiB of names, 511 bytes each";
                return Err(Refusal::new(ENOSPC, text).at(attr));
            }
            cell.follow(&learnt);
        }
        let site = Site::new(&table, i, cell, self.mode());
        let deed = Deed::Accept {
            kind: (class, domain),
            name: item,
        };
        self.tell(nl::KIS_CMD_PROFILE_ACCEPT, Some(&site), deed);
        Ok(())
    }

    /// Lets a cell, or all, forget what they learned.
    pub(super) fn reset_profiles(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let name = request.string(nl::KIS_A_TARGET_CELL);
        // Cells that are being built share what is forgotten here.
        let _changing = self.changing.lock();
        let table = self.cells.current().ok_or_else(no_cell)?;
        let only = match name {
            Some(name) => Some(table.find(name).ok_or_else(no_cell)?.0),
            None => None,
        };
        for (i, cell) in table.iter().enumerate() {
            if only.is_some_and(|only| only != i) {
                continue;
            }
            {
                let mut learnt = cell.learnt.lock();
                learnt.reset();
                cell.follow(&learnt);
            }
            let site = Site::new(&table, i, cell, self.mode());
            self.killer.scribe.phase(&site, Cause::Officer);
        }
        Ok(())
    }

    /// Whether the running task is in a cell: then it may not command KIS, and tries to.
    pub(super) fn refuses_insider(&self) -> bool {
        let handle = Task::current_cell();
        if handle == 0 {
            return false;
        }
        let Some(table) = self.cells.current() else {
            return false;
        };
        Site::of_handle(&table, handle, self.mode()).is_some_and(|site| {
            self.killer
                .carry_out(&site, &Finding::Insider, Scene::Call(&[], None))
                .denies
        })
    }
}
