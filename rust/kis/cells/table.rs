// SPDX-License-Identifier: GPL-2.0

//! The table of the cells in force.
//!
//! Floor 2. Built as a whole, never changed; a reload builds another one that knows where the cells
//! of this one are.

use super::{
    cell::Cell,
    learnt::{Learnt, Shared},
};
use crate::{image::Image, sys::hooks};
use core::sync::atomic::{AtomicU32, Ordering};
use kernel::prelude::*;
use kis_core::{
    cells::{
        self,
        handle::Handle,
        lineage::{self, Ancestor, GONE, REMEMBERED},
        program, Cells,
    },
    sense::profile::Origin,
};

/// The cells in force.
pub(crate) struct Table {
    /// Never 0; handles carry it.
    pub(crate) generation: u32,
    /// The configuration.
    pub(crate) image: Cells<Image>,
    cells: KVec<Pin<KBox<Cell>>>,
    /// Earlier configurations whose handles still lead here, from the newest on.
    ancestors: KVec<Carried>,
    /// How often busy processes are still asked who they are.
    tries: AtomicU32,
}

/// How many ticks ask processes that were busy when the cells were loaded, each of them once.
const TRIES: u32 = 50;

/// Where the cells of an earlier configuration are now; see [`Ancestor`].
struct Carried {
    generation: u32,
    now: KVec<u16>,
}

impl Table {
    /// Builds the table of a verified image. A cell with name and program of one in `old` keeps
    /// what that has learned. May sleep.
    pub(crate) fn new(image: Cells<Image>, old: Option<&Table>) -> Result<Self> {
        let mut cells = KVec::with_capacity(image.len(), GFP_KERNEL)?;
        for (number, spec) in (1u32..).zip(image.iter()) {
            let known = old.and_then(|old| old.same(&spec));
            let learnt = learnt_of(&spec, known)?;
            cells.push(Cell::new(number, &spec, learnt)?, GFP_KERNEL)?;
        }
        let ancestors = match old {
            Some(old) => old.carry(&image)?,
            None => KVec::new(),
        };
        Ok(Self {
            generation: hooks::new_generation(),
            image,
            cells,
            ancestors,
            tries: AtomicU32::new(0),
        })
    }

    /// What a table with the cells of `image` has to know of this one and those before it.
    fn carry(&self, image: &Cells<Image>) -> Result<KVec<Carried>> {
        let mut step = KVec::with_capacity(self.image.len(), GFP_KERNEL)?;
        for old in self.image.iter() {
            let same = image
                .find(old.name())
                .filter(|(_, new)| new.program() == old.program());
            let now = same.and_then(|(i, _)| u16::try_from(i).ok());
            step.push(now.unwrap_or(GONE), GFP_KERNEL)?;
        }
        let mut all = KVec::with_capacity(REMEMBERED, GFP_KERNEL)?;
        for older in self.ancestors.iter().take(REMEMBERED - 1) {
            let mut now = KVec::with_capacity(older.now.len(), GFP_KERNEL)?;
            now.extend_from_slice(&older.now, GFP_KERNEL)?;
            lineage::follow(&mut now, &step);
            let generation = older.generation;
            all.push(Carried { generation, now }, GFP_KERNEL)?;
        }
        let generation = self.generation;
        let newest = Carried {
            generation,
            now: step,
        };
        all.insert_within_capacity(0, newest).map_err(|_| ENOMEM)?;
        Ok(all)
    }

    /// The cell with the same name and program.
    fn same(&self, spec: &cells::Cell<'_>) -> Option<&Cell> {
        let (i, found) = self.image.find(spec.name())?;
        if found.program() != spec.program() {
            return None;
        }
        self.get(i)
    }

    /// Some processes were busy, and are to be asked again.
    pub(crate) fn adopt_later(&self) {
        self.tries.store(TRIES, Ordering::Relaxed);
    }

    /// Whether they are to be asked now. Only ticks ask this, one at a time.
    pub(crate) fn asks_again(&self) -> bool {
        let tries = self.tries.load(Ordering::Relaxed);
        self.tries.store(tries.saturating_sub(1), Ordering::Relaxed);
        tries != 0
    }

    /// All were asked.
    pub(crate) fn has_adopted(&self) {
        self.tries.store(0, Ordering::Relaxed);
    }

    /// A cell by its number from 0.
    #[inline]
    pub(crate) fn get(&self, i: usize) -> Option<&Cell> {
        self.cells.get(i).map(|cell| &**cell)
    }

    /// All cells.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().map(|cell| &**cell)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The number of the cell with a name, and the cell.
    pub(crate) fn find(&self, name: &[u8]) -> Option<(usize, &Cell)> {
        let (i, _) = self.image.find(name)?;
        Some((i, self.get(i)?))
    }

    /// The cell that a handle names: one of this generation, or of an earlier one that is
    /// remembered, so that a reload does not let go of what runs.
    #[inline]
    pub(crate) fn of_handle(&self, raw: u64) -> Option<(usize, &Cell)> {
        let handle = Handle::from_raw(raw);
        let i = match handle.index(self.generation) {
            Some(i) => i as usize,
            None => self.of_old_handle(handle)?,
        };
        Some((i, self.get(i)?))
    }

    #[cold]
    fn of_old_handle(&self, handle: Handle) -> Option<usize> {
        let ancestors = self.ancestors.iter().map(|old| Ancestor {
            generation: old.generation,
            now: &old.now,
        });
        lineage::find(handle, self.generation, ancestors)
    }

    /// The handle of a cell.
    pub(crate) fn handle(&self, i: usize) -> u64 {
        u32::try_from(i).map_or(0, |i| Handle::new(self.generation, i).raw())
    }

    /// Whether a program is that of some cell, whatever its arguments.
    pub(crate) fn has_program(&self, program: &[u8]) -> bool {
        self.image.iter().any(|spec| spec.program() == program)
    }

    /// The handle of the cell that a program with these arguments (each followed by a NUL byte)
    /// is in. Changes the NULs to spaces.
    pub(crate) fn of_program(&self, program: &[u8], arguments: &mut [u8]) -> Option<u64> {
        let (i, _) = self.image.of_process(program, program::join(arguments))?;
        Some(self.handle(i))
    }
}

/// What a cell of `spec` knows of itself: what `known` has learned and still learns, or nothing. A
/// frame of its own.
#[inline(never)]
fn learnt_of(spec: &cells::Cell<'_>, known: Option<&Cell>) -> Result<Shared> {
    if let Some(known) = known.filter(|known| known.has_things() == spec.learn()) {
        return Ok(known.learnt.clone());
    }
    let mut learnt = Learnt::new(spec.learn())?;
    // Who begins to learn what it does knows nothing of that: all would be new to it.
    if let Some(known) = known.filter(|_| !spec.learn()) {
        learnt.follow_windows(&known.learnt.lock());
    }
    learnt.profile.origin = Origin::of(spec.name(), spec.program());
    learnt.shared()
}
