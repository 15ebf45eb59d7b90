// SPDX-License-Identifier: GPL-2.0

//! A verdict on what a process of a cell was about to do. Floor 0, pure.

use crate::wire::abi::Op;

table! {
    /// A verdict on an operation: a breach or a veto. Data: the path, if there is one.
    Operation {
        /// Number of an [`Op`]; 0 for an attempt to command KIS.
        op: u16,
        /// Zero.
        reserved: u16,
        /// Which of its type and operation in the window it is, from 1.
        nth: u32,
    }
}

impl Operation {
    /// The verdict on the `nth` such operation of a window.
    pub const fn new(op: Op, nth: u32) -> Self {
        Self {
            op: op as u16,
            nth,
            ..Self::ZERO
        }
    }

    /// The operation, if it is known.
    pub const fn op(&self) -> Option<Op> {
        Op::from_u16(self.op)
    }
}
