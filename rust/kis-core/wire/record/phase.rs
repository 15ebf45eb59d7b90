// SPDX-License-Identifier: GPL-2.0

//! A cell that has come into a phase. Floor 0, pure.

use crate::wire::abi::Phase;

table! {
    /// The phase that a cell has come into.
    PhaseSet {
        /// Number of a [`Phase`].
        phase: u32,
        /// Windows that the cell is to learn in all.
        windows_needed: u32,
    }
}

impl PhaseSet {
    /// The phase, if it is known.
    pub fn phase(&self) -> Option<Phase> {
        u16::try_from(self.phase).ok().and_then(Phase::from_u16)
    }
}
