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
use crate::matching::lead::Window;
use crate::matching::piece::{
    Piece,
    ENDS,
    ENDS_LAST, //
};
use crate::matching::progress::{
    Byte,
    Progress,
    Wait,
    TAIL,
    WAITS, //
};
use crate::matching::told::Told;
use crate::wire::bytes::index;

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

    /// What the matcher knows of a stream of which nothing was read.
    pub fn begin(&self) -> Progress {
        Progress::new(self.start(), true)
    }

    /// Reads `bytes` of a stream and calls `hit` once for each signature and end, in the order of the
    /// ends.
    ///
    /// `progress` is the stream's; it is the one behind the last byte read, also when `hit` breaks.
    /// The result does not depend on how a stream is cut into slices, but that what waits is bounded.
    #[inline(never)]
    pub fn scan(
        &self,
        progress: &mut Progress,
        bytes: &[u8],
        mut hit: impl FnMut(Hit) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let image = self.bytes.as_ref();
        let filter = self.view.leads.filter(image);
        let mut window = Window::of(progress);
        let mut read = 0;
        let flow = loop {
            let found = if self.view.leads.is_empty() {
                None
            } else {
                filter.next(&mut window, bytes, read)
            };
            // OVERFLOW: an index of `bytes`.
            let end = found.map_or(bytes.len(), |at| at.wrapping_add(1));
            let mut told = Told::new();
            let is_quiet = progress.waiting() == 0 && !self.view.automaton.finds();
            if !is_quiet {
                let block = bytes.get(read..end).unwrap_or_default();
                if !self.glide(progress, block) {
                    let flow = self.step(progress, block, &mut read, &mut told, &mut hit);
                    if flow.is_break() {
                        break flow;
                    }
                }
            }
            read = end;
            if found.is_none() {
                break ControlFlow::Continue(());
            }
            let flow = self.led(progress, bytes, end, window.gram, &mut told, &mut hit);
            if flow.is_break() {
                break flow;
            }
        };
        progress.push(bytes.get(..read).unwrap_or(bytes));
        flow
    }

    /// Has the automaton and all that waits read a block. False, and nothing is done, where something
    /// ends in it: that is told byte by byte.
    #[inline(never)]
    fn glide(&self, progress: &mut Progress, block: &[u8]) -> bool {
        let automaton = &self.view.automaton;
        let image = self.bytes.as_ref();
        let mut now = automaton.state(progress.state);
        if automaton.finds() {
            let walk = automaton.walk(image);
            for byte in block {
                now = walk.step(now, *byte);
                if automaton.accepts(now) {
                    return false;
                }
            }
        }
        let mut rows = [0u16; WAITS];
        for (to, wait) in rows.iter_mut().zip(progress.waits()) {
            let Some((_, piece)) = self.awaited(*wait) else {
                continue;
            };
            let mut row = wait.state;
            for byte in block {
                row = piece.step(row, *byte);
                if piece.mark(row) & ENDS != 0 {
                    return false;
                }
                if row == 0 {
                    break;
                }
            }
            *to = row;
        }
        progress.state = now;
        let mut next = rows.iter();
        progress.advance(|_| next.next().copied().filter(|row| *row != 0));
        true
    }

    /// What a pattern waits for: its signature, and the piece that follows its literal.
    #[inline]
    fn awaited(&self, wait: Wait) -> Option<(usize, Piece<'_>)> {
        let image = self.bytes.as_ref();
        let lead = self.view.leads.get(image, wait.lead)?;
        let piece = self.view.pieces.get(image, lead.on?)?;
        Some((index(lead.sig), piece))
    }

    /// The same as [`Signatures::glide`], byte by byte; `read` goes on with each. What ends with the
    /// last one is in `told`.
    #[cold]
    #[inline(never)]
    fn step(
        &self,
        progress: &mut Progress,
        block: &[u8],
        read: &mut usize,
        told: &mut Told,
        hit: &mut impl FnMut(Hit) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for byte in block {
            *read = read.wrapping_add(1);
            *told = Told::new();
            if self.view.automaton.finds() {
                self.walk_one(progress, *byte, *read, told, hit)?;
            }
            self.go_on(progress, *byte, *read, told, hit)?;
        }
        ControlFlow::Continue(())
    }

    /// The automaton's part of one byte.
    fn walk_one(
        &self,
        progress: &mut Progress,
        byte: u8,
        end: usize,
        told: &mut Told,
        hit: &mut impl FnMut(Hit) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let automaton = &self.view.automaton;
        let image = self.bytes.as_ref();
        let now = automaton.state(progress.state);
        let now = automaton.walk(image).step(now, byte);
        progress.state = now;
        if automaton.accepts(now) {
            for sig in automaton.accepted(image, now) {
                if told.is_first(sig) {
                    hit(Hit { sig, end })?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// What waits reads one byte.
    fn go_on(
        &self,
        progress: &mut Progress,
        byte: u8,
        end: usize,
        told: &mut Told,
        hit: &mut impl FnMut(Hit) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        progress.advance(|wait| {
            let (sig, piece) = self.awaited(wait)?;
            let row = piece.step(wait.state, byte);
            let ends = piece.mark(row) & ENDS != 0 && flow.is_continue();
            if ends && told.is_first(sig) {
                flow = hit(Hit { sig, end });
            }
            (row != 0).then_some(row)
        });
        flow
    }

    /// A gram was found whose last byte is the one before `end`.
    #[cold]
    #[inline(never)]
    fn led(
        &self,
        progress: &mut Progress,
        bytes: &[u8],
        end: usize,
        gram: u32,
        told: &mut Told,
        hit: &mut impl FnMut(Hit) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let image = self.bytes.as_ref();
        let read = bytes.get(..end).unwrap_or(bytes);
        for at in self.view.leads.find(image, gram) {
            let Some(lead) = self.view.leads.get(image, at) else {
                continue;
            };
            let before = self.view.pieces.get(image, lead.back);
            if !before.is_some_and(|piece| ends_here(&piece, progress, read)) {
                continue;
            }
            let on = lead.on.and_then(|on| self.view.pieces.get(image, on));
            let ends = on.is_none_or(|piece| piece.mark(piece.start) & ENDS != 0);
            if let Some(piece) = on {
                progress.wait(Wait {
                    lead: at,
                    state: piece.start,
                });
            }
            let sig = index(lead.sig);
            if ends && told.is_first(sig) {
                hit(Hit { sig, end })?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Reads `bytes` with the automaton alone, which finds the signatures without a literal, and calls
    /// `hit` for each that ends in them, in the order of the ends, and of the signatures for one end.
    pub fn walk(
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

/// Whether a piece, read backwards, ends what was read: `read` behind what `progress` knows.
fn ends_here(piece: &Piece<'_>, progress: &Progress, read: &[u8]) -> bool {
    let mut row = piece.start;
    // One step more than there are bytes, for the beginning of the stream.
    for steps in 0..=TAIL {
        let here = read.len().checked_sub(steps.saturating_add(1));
        let byte = match here.and_then(|at| read.get(at)) {
            Some(byte) => Byte::Is(*byte),
            // OVERFLOW: below TAIL.
            None => progress.back(steps.wrapping_sub(read.len()).wrapping_add(1)),
        };
        match byte {
            Byte::Is(byte) => row = piece.step(row, byte),
            Byte::Beginning => return piece.mark(row) & ENDS_LAST != 0,
            Byte::Unknown => return false,
        }
        if piece.mark(row) & ENDS != 0 {
            return true;
        }
        if row == 0 {
            return false;
        }
    }
    false
}
