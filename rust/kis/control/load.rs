// SPDX-License-Identifier: GPL-2.0

//! What the officer loads and unloads: images of cells, signatures and profiles.
//!
//! Floor 3. May sleep. An image is verified whole, the new table is built whole, then it takes the
//! place of the old one; whatever fails before that changes nothing. Changes come one after the
//! other (`Engine::changing`); nobody but another change waits for that.

use super::{
    refusal::{image, needed, no_cell, no_upload},
    upload::Upload,
};
use crate::{
    armoury::Armoury,
    cells::{adopt, cell::Cell, learnt::Learnt, site::Site, table::Table},
    engine::Engine,
    image::Image,
    scribe::Deed,
    sys::netlink::{number as nl, Refusal, Reply, Request},
};
use kernel::{prelude::*, sync::Arc};
use kis_core::{
    cells::Cells, matching::signatures::Signatures, wire::abi::Cause, wire::bytes::until_nul,
};

impl Engine {
    /// Begins an upload.
    pub(super) fn begin_image(
        &self,
        request: &Request<'_>,
        reply: &Reply<'_>,
    ) -> Result<(), Refusal> {
        let kind = needed(request.u32(nl::KIS_A_IMAGE_KIND), nl::KIS_A_IMAGE_KIND)?;
        let size = needed(request.u32(nl::KIS_A_IMAGE_SIZE), nl::KIS_A_IMAGE_SIZE)?;
        let cell = request.string(nl::KIS_A_IMAGE_CELL).unwrap_or(&[]);
        if kind == nl::KIS_IMAGE_KIND_PROFILE && cell.is_empty() {
            return Err(Refusal::new(
                EINVAL,
                c"a profile needs the name of its cell",
            ));
        }
        let force = request.u32(nl::KIS_A_IMAGE_FORCE).is_some_and(|f| f != 0);
        let token = Upload::begin(&mut self.upload.lock(), kind, size, cell, force)?;
        reply.u32(nl::KIS_A_IMAGE_TOKEN, token);
        Ok(())
    }

    /// Takes a chunk of an upload.
    pub(super) fn append_image(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let token = needed(request.u32(nl::KIS_A_IMAGE_TOKEN), nl::KIS_A_IMAGE_TOKEN)?;
        let offset = needed(request.u32(nl::KIS_A_IMAGE_OFFSET), nl::KIS_A_IMAGE_OFFSET)?;
        let data = needed(request.bytes(nl::KIS_A_IMAGE_DATA), nl::KIS_A_IMAGE_DATA)?;
        match &mut *self.upload.lock() {
            Some(standing) => standing.append(token, offset, data),
            None => Err(no_upload()),
        }
    }

    /// Ends an upload and puts what it brought in force.
    pub(super) fn commit_image(
        &self,
        request: &Request<'_>,
        reply: &Reply<'_>,
    ) -> Result<(), Refusal> {
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
        let (kind, name, force) = (upload.kind, upload.cell, upload.force);
        let bytes = upload.finish()?;
        let generation = match kind {
            nl::KIS_IMAGE_KIND_CELLS => self.load_cells(bytes)?,
            nl::KIS_IMAGE_KIND_SIGNATURES => self.load_signatures(bytes)?,
            _ => self.load_profile(&bytes, until_nul(&name), force)?,
        };
        reply.u32(nl::KIS_A_IMAGE_GENERATION, generation);
        Ok(())
    }

    /// Puts cells in force; those that were there before share what they learn with the old ones.
    fn load_cells(&self, bytes: Image) -> Result<u32, Refusal> {
        let cells = Cells::verify(bytes).map_err(|e| image(e, nl::KIS_A_IMAGE_TOKEN))?;
        let _changing = self.changing.lock();
        let refused = |e: Error| Refusal::new(e, c"cells could not be set up; nothing was changed");
        let old = self.cells.current();
        let new = Table::new(cells, old.as_deref()).map_err(refused)?;
        let new = Arc::new(new, GFP_KERNEL).map_err(|e| refused(e.into()))?;
        let (generation, count) = (new.generation, new.len() as u32);
        drop(old);
        self.cells.replace(Some(new.clone()));
        self.helper.scans.set(new.image.scans());
        // Only now, as all before could have failed.
        new.iter().for_each(Cell::refit);
        if !adopt::running(&new) {
            new.adopt_later();
        }
        let kind = nl::KIS_IMAGE_KIND_CELLS as u16;
        self.tell(nl::KIS_CMD_IMAGE_COMMIT, None, Deed::Load { kind, count });
        Ok(generation)
    }

    fn load_signatures(&self, bytes: Image) -> Result<u32, Refusal> {
        let signatures = Signatures::verify(bytes).map_err(|e| image(e, nl::KIS_A_IMAGE_TOKEN))?;
        let _changing = self.changing.lock();
        let refused =
            |e: Error| Refusal::new(e, c"signatures could not be set up; nothing was changed");
        let count = signatures.len() as u32;
        let new = Armoury::new(signatures).map_err(refused)?;
        let generation = new.generation;
        let new = Arc::new(new, GFP_KERNEL).map_err(|e| refused(e.into()))?;
        self.helper.armoury.replace(Some(new));
        let kind = nl::KIS_IMAGE_KIND_SIGNATURES as u16;
        self.tell(nl::KIS_CMD_IMAGE_COMMIT, None, Deed::Load { kind, count });
        Ok(generation)
    }

    fn load_profile(&self, bytes: &Image, name: &[u8], force: bool) -> Result<u32, Refusal> {
        let mut new = Learnt::new(true)?;
        let Learnt { profile, things } = &mut new;
        profile
            .restore(bytes.as_ref(), things)
            .map_err(|e| image(e, nl::KIS_A_IMAGE_TOKEN))?;
        let _changing = self.changing.lock();
        let table = self.cells.current().ok_or_else(no_cell)?;
        let (i, cell) = table.find(name).ok_or_else(no_cell)?;
        if new.is_ready() && cell.has_things() && !new.things.has_learned() {
            return Err(Refusal::new(
                EINVAL,
                c"the profile is of a cell that did not learn its files: all would be new (\"learn\" under \"files\")",
            ));
        }
        if new.is_ready() {
            new.profile.complete(cell.settings.budget);
        }
        let old = {
            let mut learnt = cell.learnt.lock();
            let origin = learnt.profile.origin;
            if !force && new.profile.origin.cell != origin.cell {
                return Err(Refusal::new(
                    EINVAL,
                    c"the profile is of another cell or program (force overrides)",
                ));
            }
            new.profile.origin = origin;
            let old = core::mem::replace(&mut *learnt, new);
            cell.follow(&learnt);
            old
        };
        drop(old);
        let site = Site::new(&table, i, cell, self.mode());
        self.killer.scribe.phase(&site, Cause::Officer);
        Ok(table.generation)
    }

    /// Lets the cells go.
    pub(super) fn unload_cells(&self, reply: &Reply<'_>) {
        let _changing = self.changing.lock();
        self.cells.replace(None);
        self.helper.scans.set(None);
        reply.u32(nl::KIS_A_IMAGE_GENERATION, 0);
        self.tell(nl::KIS_CMD_CELL_UNLOAD, None, Deed::Unload);
    }

    /// Lets the signatures go.
    pub(super) fn unload_signatures(&self, reply: &Reply<'_>) {
        let _changing = self.changing.lock();
        self.helper.armoury.replace(None);
        reply.u32(nl::KIS_A_IMAGE_GENERATION, 0);
        self.tell(nl::KIS_CMD_SIGNATURE_UNLOAD, None, Deed::Unload);
    }
}
