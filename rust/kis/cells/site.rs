// SPDX-License-Identifier: GPL-2.0

//! Where a finding was made: the cell, its table, and the mode in force. Floor 2.

use super::{cell::Cell, table::Table};
use kis_core::{cells::Access, judge::finding::Place};
use kis_core::{
    judge::verdict::Context,
    wire::abi::{Mode, Op},
};

/// The cell that a hook, or a window, is about.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The cells in force.
    pub(crate) table: &'a Table,
    /// The one it is about.
    pub(crate) cell: &'a Cell,
    /// Its number from 0 in the table.
    pub(crate) index: usize,
    /// The mode in force for it.
    pub(crate) mode: Mode,
}

impl<'a> Site<'a> {
    /// The site of the cell that a handle leads to, with the mode of all.
    #[inline]
    pub(crate) fn of_handle(table: &'a Table, handle: u64, global: Mode) -> Option<Self> {
        let (index, cell) = table.of_handle(handle)?;
        Some(Self::new(table, index, cell, global))
    }

    /// The site of a cell of a table.
    #[inline]
    pub(crate) fn new(table: &'a Table, index: usize, cell: &'a Cell, global: Mode) -> Self {
        Self {
            table,
            cell,
            index,
            mode: cell.mode().resolve(global),
        }
    }

    /// What verdicts on it depend on now.
    #[inline]
    pub(crate) fn context(&self) -> Context {
        self.cell.context(self.mode)
    }

    /// The officer's list that an operation is held to, if there is one.
    #[inline]
    pub(crate) fn list(&self, op: Op) -> Option<Access> {
        Access::of(op).filter(|access| self.cell.has_prefixes(*access))
    }

    /// Where a path lies for the officer's lists.
    #[inline]
    pub(crate) fn place(&self, op: Op, path: &[u8]) -> Place {
        match self.list(op) {
            Some(access) => self.listed(access, path),
            None => Place::Nowhere,
        }
    }

    #[inline(never)]
    fn listed(&self, access: Access, path: &[u8]) -> Place {
        let spec = self.table.image.get(self.index);
        spec.map_or(Place::Nowhere, |spec| spec.place(access, path))
    }

    /// Where something lies for the officer's lists that gets another name.
    pub(crate) fn moved(&self, from: &[u8], to: &[u8], is_dir: bool) -> Place {
        let Some(spec) = self.table.image.get(self.index) else {
            return Place::Nowhere;
        };
        spec.moved(from, to, is_dir)
    }
}
