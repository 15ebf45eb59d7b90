// SPDX-License-Identifier: GPL-2.0

//! A verdict on what a process of a cell was about to do. Floor 0, pure.

use crate::sense::class::{
    Class,
    Domain, //
};
use crate::wire::abi::Op;

table! {
    /// A verdict on an operation: a breach or a veto. Data: the path, or what else it
    /// was done with.
    Operation {
        /// Number of an [`Op`]; 0 for an attempt to command KIS.
        op: u16,
        /// Of something new or unexpected its kind, [`Class`] plus 256 for [`Domain::Root`]; else 0.
        kind: u16,
        /// Which of its type and operation in the window it is, from 1.
        nth: u32,
    }
}

/// Beside a class: of the domain of root.
const ROOT: u16 = 1 << 8;

impl Operation {
    /// The verdict on the `nth` such operation of a window.
    pub const fn new(op: Op, nth: u32, new: Option<(Class, Domain)>) -> Self {
        let kind = match new {
            Some((class, Domain::Root)) => class as u16 | ROOT,
            Some((class, Domain::User)) => class as u16,
            None => 0,
        };
        Self {
            op: op as u16,
            kind,
            nth,
        }
    }

    /// Of something new, what it is.
    pub const fn new_kind(&self) -> Option<(Class, Domain)> {
        let [class, root] = self.kind.to_le_bytes();
        match Class::from_number(class) {
            Some(class) => Some((class, Domain::of(root != 0))),
            None => None,
        }
    }

    /// The operation, if it is known.
    pub const fn op(&self) -> Option<Op> {
        Op::from_u16(self.op)
    }
}
