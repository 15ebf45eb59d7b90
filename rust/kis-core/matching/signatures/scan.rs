// SPDX-License-Identifier: GPL-2.0

//! Walking the table: the hot path.
//!
//! Floor 0; the table is verified. Every load is still a checked one, because this floor has no
//! `unsafe`; what a check would refuse cannot happen, and if it did, the walk goes on from the start
//! state. Context: softirq.

use core::ops::ControlFlow;

use super::{
    Signatures,
    State, //
};

/// A signature that ends with a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which signature, for [`Signatures::get`].
    pub sig: usize,
    /// How many of the bytes given to [`Signatures::scan`] were read, that byte included.
    pub end: usize,
}

impl<B: AsRef<[u8]>> Signatures<B> {
    /// The state of a stream of which nothing was read.
    pub fn start(&self) -> State {
        self.view.automaton.start()
    }

    /// `raw` if it is a state of this table, else the start.
    pub fn state(&self, raw: u32) -> State {
        self.view.automaton.state(raw)
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
        let automaton = &self.view.automaton;
        let image = self.bytes.as_ref();
        let walk = automaton.walk(image);
        let mut now = *state;
        for (at, byte) in bytes.iter().enumerate() {
            now = walk.step(now, *byte);
            if automaton.accepts(now) {
                let end = at.wrapping_add(1);
                for sig in automaton.accepted(image, now) {
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
}
