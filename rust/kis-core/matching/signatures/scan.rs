// SPDX-License-Identifier: GPL-2.0

//! Walking the table: the hot path.
//!
//! Floor 0; the table is verified. Every load is still a checked one, because this floor has no
//! `unsafe`; what a check would refuse cannot happen, and if it did, the walk goes on from the start
//! state. Context: softirq.

use core::ops::ControlFlow;

use super::{
    Signatures,
    State,
    TABLE_AT, //
};
use crate::wire::bytes::{
    index,
    u32_at, //
};

/// A signature that ends with a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which signature, for [`Signatures::get`].
    pub sig: usize,
    /// How many of the bytes given to [`Signatures::scan`] were read, that byte included.
    pub end: usize,
}

/// The state behind `byte`.
///
/// What the next byte waits for is one load: the column's address does not depend on the state, and
/// nobody waits for the comparisons, which are always predicted.
#[inline(always)]
fn step(table: &[u8], columns: &[u16; 256], now: State, byte: u8) -> Option<State> {
    // A byte is always an index of 256 columns.
    let column = table.get(usize::from(columns[usize::from(byte)])..)?;
    u32_at(column, index(now))
}

impl<B: AsRef<[u8]>> Signatures<B> {
    /// The state of a stream of which nothing was read.
    pub fn start(&self) -> State {
        self.view.start
    }

    /// `raw` if it is a state of this table, else the start.
    pub fn state(&self, raw: u32) -> State {
        let row = raw.checked_div(self.view.row).unwrap_or(u32::MAX);
        if row < self.view.states && row.checked_mul(self.view.row) == Some(raw) {
            raw
        } else {
            self.view.start
        }
    }

    /// Reads `bytes` of a stream and calls `hit` for each signature that ends in them, in the order
    /// of the ends, and of the signatures for one end.
    ///
    /// `state` is the stream's; it is the one behind the last byte read, also when `hit` breaks.
    /// The result does not depend on how a stream is cut into slices.
    pub fn scan(
        &self,
        state: &mut State,
        bytes: &[u8],
        mut hit: impl FnMut(Hit) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let view = &self.view;
        let table = self.bytes.as_ref().get(TABLE_AT..view.index_at);
        let table = table.unwrap_or_default();
        let mut now = *state;
        for (at, byte) in bytes.iter().enumerate() {
            now = step(table, &view.columns, now, *byte).unwrap_or(view.start);
            if now >= view.first_accept {
                let end = at.wrapping_add(1);
                for sig in self.accepted(now) {
                    if hit(Hit { sig, end }).is_break() {
                        *state = now;
                        return ControlFlow::Break(());
                    }
                }
            }
        }
        *state = now;
        ControlFlow::Continue(())
    }

    /// The signatures that a state accepts.
    #[cold]
    fn accepted(&self, state: State) -> impl Iterator<Item = usize> + '_ {
        let view = &self.view;
        let list = state.checked_sub(view.first_accept);
        let list = list.and_then(|past| past.checked_div(view.row));
        let bytes = self.bytes.as_ref();
        let entry = |i: u32| {
            let at = index(i).saturating_mul(4);
            u32_at(bytes, view.index_at.saturating_add(at)).map(index)
        };
        let bounds = list.and_then(|i| Some((entry(i)?, entry(i.checked_add(1)?)?)));
        let (first, end) = bounds.unwrap_or((0, 0));
        (first..end).map_while(move |i| {
            u32_at(bytes, view.lists_at.saturating_add(i.saturating_mul(4))).map(index)
        })
    }
}
