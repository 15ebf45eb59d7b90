// SPDX-License-Identifier: GPL-2.0

//! Reading what a stream brings: the hot path.
//!
//! One filter goes over all bytes. Between the grams that it finds the automata and what waits are walked.
//! What is found is a [term](crate::matching::term); `Inquiry` makes signatures of terms. Floor 0; the tables are verified. Every load is still a checked one, because this floor
//! has no `unsafe`; what a check would refuse cannot happen, and if it did, the walk goes on from the start
//! state. Context: softirq.

use core::ops::ControlFlow;

use super::inquiry::{
    Hit,
    Inquiry, //
};
use super::{
    Signatures,
    State, //
};
use crate::matching::lead::{
    Filter,
    Window, //
};
use crate::matching::piece::{
    Piece,
    ENDS,
    ENDS_LAST, //
};
use crate::matching::progress::{
    Byte,
    Progress,
    Track,
    Wait,
    TAIL, //
};
use crate::matching::request::Lane;
use crate::matching::scope::Scope;

/// Bytes that are read in a row: a stream, or what is read aside.
pub(super) struct Strand<'a, const W: usize> {
    pub(super) track: &'a mut Track<W>,
    /// Where the automaton of streams is, if this is the stream.
    pub(super) state: Option<&'a mut State>,
    /// The scopes that the next bytes belong to.
    pub(super) lanes: &'a mut [Lane],
}

impl<const W: usize> Strand<'_, W> {
    /// How many bytes of a scope were read; `None` where it is not read here.
    fn len(&self, scope: Scope) -> Option<usize> {
        len(self.state.is_some(), self.lanes, scope)
    }

    /// Whether nothing is walked.
    pub(super) fn is_quiet(&self, finds: bool) -> bool {
        self.track.waits().is_empty()
            && (!finds || self.state.is_none())
            && self.lanes.iter().all(|lane| lane.state == Lane::STILL)
    }
}

/// How many bytes of a scope were read by these lanes, or by the stream if it is there.
fn len(is_stream: bool, lanes: &[Lane], scope: Scope) -> Option<usize> {
    if scope == Scope::Stream {
        return is_stream.then_some(usize::MAX);
    }
    let lane = lanes.iter().find(|lane| lane.is(scope))?;
    Some(if lane.len == u8::MAX {
        usize::MAX
    } else {
        lane.len.into()
    })
}

/// Where in the bytes that [`Signatures::scan`] was given something ends.
#[derive(Clone, Copy)]
pub(super) enum Ends<'a> {
    /// So many bytes further than in the block.
    Behind(usize),
    /// For each byte of the block.
    Each(&'a [usize]),
}

impl Ends<'_> {
    /// The same for a block that begins so many bytes further.
    fn behind(self, read: usize) -> Self {
        match self {
            Self::Behind(before) => Self::Behind(before.saturating_add(read)),
            Self::Each(ends) => Self::Each(ends.get(read..).unwrap_or_default()),
        }
    }

    /// Where it ends if so many bytes of the block were read.
    fn at(self, read: usize) -> usize {
        match self {
            Self::Behind(before) => before.saturating_add(read),
            Self::Each(ends) => {
                let at = read.checked_sub(1).and_then(|last| ends.get(last));
                at.copied().unwrap_or(0)
            }
        }
    }
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

    /// Reads `bytes` and calls `hit` once for each signature and end, in the order of the ends; parts of requests
    /// are not made out.
    ///
    /// `progress` is the stream's; it is the one behind the last byte read, also when `hit` breaks.
    /// The result does not depend on how a stream is cut into slices, but that what waits is bounded.
    #[inline(never)]
    pub fn scan(
        &self,
        progress: &mut Progress,
        bytes: &[u8],
        hit: impl FnMut(Hit) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Progress {
            state,
            lost,
            track,
            evidence,
        } = progress;
        let mut inquiry = Inquiry::new(self, evidence, lost, hit);
        let mut strand = Strand {
            track,
            state: Some(state),
            lanes: &mut [],
        };
        self.row(&mut inquiry, &mut strand, bytes, Ends::Behind(0))
    }

    /// Reads bytes all of which are of the same scopes, and remembers them.
    #[inline]
    pub(super) fn row<const W: usize, H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        strand: &mut Strand<'_, W>,
        bytes: &[u8],
        ends: Ends<'_>,
    ) -> ControlFlow<()> {
        let mut look = self.look(strand.track, bytes);
        let (mut read, end) = (0, bytes.len());
        let flow = self.part(inquiry, strand, &mut look, bytes, &mut read, end, ends);
        strand.track.push(bytes.get(..read).unwrap_or(bytes));
        flow
    }

    /// The filter before the first of these bytes, which follow what `track` knows.
    #[inline]
    pub(super) fn look<const W: usize>(&self, track: &Track<W>, bytes: &[u8]) -> Look<'_> {
        let mut look = Look {
            filter: self.view.leads.filter(self.bytes.as_ref()),
            window: Window::of(track),
            found: None,
        };
        self.seek(&mut look, bytes, 0);
        look
    }

    /// Looks for the next place, from `from` on, where a lead may have a gram.
    #[inline]
    fn seek(&self, look: &mut Look<'_>, bytes: &[u8], from: usize) {
        look.found = if self.view.leads.is_empty() {
            None
        } else {
            look.filter.next(&mut look.window, bytes, from)
        };
    }

    /// Reads from `read` up to `end`, all of which is of the same scopes.
    #[allow(
        clippy::too_many_arguments,
        reason = "where it reads, and where that is"
    )]
    #[inline]
    pub(super) fn part<const W: usize, H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        strand: &mut Strand<'_, W>,
        look: &mut Look<'_>,
        bytes: &[u8],
        read: &mut usize,
        end: usize,
        ends: Ends<'_>,
    ) -> ControlFlow<()> {
        loop {
            let found = look.found.filter(|at| *at < end);
            // OVERFLOW: an index of `bytes`.
            let to = found.map_or(end, |at| at.wrapping_add(1));
            let block = bytes.get(*read..to).unwrap_or_default();
            let of_block = ends.behind(*read);
            *read = to;
            self.pass(inquiry, strand, block, of_block)?;
            if found.is_none() {
                return ControlFlow::Continue(());
            }
            self.led(inquiry, strand, bytes, to, look.window.gram, ends)?;
            self.seek(look, bytes, to);
        }
    }

    /// Has the automata and all that waits read a block.
    #[inline]
    fn pass<const W: usize, H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        strand: &mut Strand<'_, W>,
        block: &[u8],
        ends: Ends<'_>,
    ) -> ControlFlow<()> {
        if !strand.is_quiet(self.view.automaton.finds()) && !self.glide(strand, block) {
            self.step(inquiry, strand, block, ends)?;
        }
        for lane in strand.lanes.iter_mut() {
            lane.pass(block.len());
        }
        ControlFlow::Continue(())
    }

    /// Has the automata and all that waits read a block. False, and nothing is done, where something
    /// ends in it: that is told byte by byte.
    #[inline(never)]
    fn glide<const W: usize>(&self, strand: &mut Strand<'_, W>, block: &[u8]) -> bool {
        let image = self.bytes.as_ref();
        let automaton = &self.view.automaton;
        let mut now = automaton.state(strand.state.as_deref().copied().unwrap_or(0));
        if automaton.finds() && strand.state.is_some() {
            let walk = automaton.walk(image);
            for byte in block {
                now = walk.step(now, *byte);
                if automaton.accepts(now) {
                    return false;
                }
            }
        }
        let scoped = &self.view.scoped.automaton;
        let mut states = [Lane::STILL; 2];
        for (to, lane) in states.iter_mut().zip(strand.lanes.iter()) {
            if lane.state == Lane::STILL {
                continue;
            }
            let walk = scoped.walk(image);
            let mut now = scoped.state(lane.state);
            for byte in block {
                now = walk.step(now, *byte);
                if scoped.accepts(now) {
                    return false;
                }
            }
            *to = now;
        }
        let mut rows = [0u16; W];
        for (to, wait) in rows.iter_mut().zip(strand.track.waits()) {
            let Some((_, scope, piece)) = self.awaited(*wait) else {
                continue;
            };
            let mut row = wait.state;
            if strand.len(scope).is_some() {
                for byte in block {
                    row = piece.step(row, *byte);
                    if piece.mark(row) & ENDS != 0 {
                        return false;
                    }
                    if row == 0 {
                        break;
                    }
                }
            }
            *to = row;
        }
        if let Some(state) = strand.state.as_mut() {
            **state = now;
        }
        for (lane, state) in strand.lanes.iter_mut().zip(states) {
            lane.state = state;
        }
        let mut next = rows.iter();
        strand
            .track
            .advance(|_| next.next().copied().filter(|row| *row != 0));
        true
    }

    /// What a pattern waits for: its term, the scope of that, and the piece that follows its literal.
    #[inline]
    pub(super) fn awaited(&self, wait: Wait) -> Option<(u32, Scope, Piece<'_>)> {
        let image = self.bytes.as_ref();
        let lead = self.view.leads.get(image, wait.lead)?;
        let piece = self.view.pieces.get(image, lead.on?)?;
        let term = self.view.terms.get(image, lead.term)?;
        Some((lead.term, term.scope, piece))
    }

    /// The same as [`Signatures::glide`], byte by byte.
    #[cold]
    #[inline(never)]
    pub(super) fn step<const W: usize, H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        strand: &mut Strand<'_, W>,
        block: &[u8],
        ends: Ends<'_>,
    ) -> ControlFlow<()> {
        let image = self.bytes.as_ref();
        let mut read = 0usize;
        for byte in block {
            read = read.saturating_add(1);
            let end = ends.at(read);
            let automaton = &self.view.automaton;
            if let Some(state) = strand.state.as_mut().filter(|_| automaton.finds()) {
                let now = automaton.walk(image).step(automaton.state(**state), *byte);
                **state = now;
                inquiry.found(automaton, now, end)?;
            }
            let scoped = &self.view.scoped.automaton;
            for lane in strand.lanes.iter_mut() {
                if lane.state == Lane::STILL {
                    continue;
                }
                lane.state = scoped.walk(image).step(scoped.state(lane.state), *byte);
                inquiry.found(scoped, lane.state, end)?;
            }
            self.go_on(inquiry, strand, *byte, end)?;
        }
        ControlFlow::Continue(())
    }

    /// What waits reads one byte.
    fn go_on<const W: usize, H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        strand: &mut Strand<'_, W>,
        byte: u8,
        end: usize,
    ) -> ControlFlow<()> {
        let mut flow = ControlFlow::Continue(());
        let (is_stream, lanes) = (strand.state.is_some(), &strand.lanes);
        strand.track.advance(|wait| {
            let (term, scope, piece) = self.awaited(wait)?;
            if len(is_stream, lanes, scope).is_none() {
                return Some(wait.state);
            }
            let row = piece.step(wait.state, byte);
            if piece.mark(row) & ENDS != 0 && flow.is_continue() {
                flow = inquiry.matched(term, end);
            }
            (row != 0).then_some(row)
        });
        flow
    }

    /// A gram was found whose last byte is the one before `to`.
    #[cold]
    #[inline(never)]
    fn led<const W: usize, H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        strand: &mut Strand<'_, W>,
        bytes: &[u8],
        to: usize,
        gram: u32,
        ends: Ends<'_>,
    ) -> ControlFlow<()> {
        let image = self.bytes.as_ref();
        let read = bytes.get(..to).unwrap_or(bytes);
        for at in self.view.leads.find(image, gram) {
            let Some(lead) = self.view.leads.get(image, at) else {
                continue;
            };
            let term = self.view.terms.get(image, lead.term);
            let Some(len) = term.and_then(|term| strand.len(term.scope)) else {
                continue;
            };
            let before = self.view.pieces.get(image, lead.back);
            if !before.is_some_and(|piece| ends_here(&piece, strand.track, read, len)) {
                continue;
            }
            let on = lead.on.and_then(|on| self.view.pieces.get(image, on));
            let is_over = on.is_none_or(|piece| piece.mark(piece.start) & ENDS != 0);
            if let Some(piece) = on {
                let wait = Wait {
                    lead: at,
                    state: piece.start,
                };
                if !strand.track.wait(wait) {
                    inquiry.lose();
                }
            }
            if is_over {
                inquiry.matched(lead.term, ends.at(to))?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Reads `bytes` with the automaton alone, which finds the signatures without a literal, and calls
    /// `hit` for each that ends in them, in the order of the ends, and of the signatures for one end. For
    /// signatures that are a term each.
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

/// Where the filter is.
pub(super) struct Look<'a> {
    filter: Filter<'a>,
    window: Window,
    /// The last byte of the next gram.
    found: Option<usize>,
}

/// Whether a piece, read backwards, ends what was read of a scope: `len` bytes at most, `read` behind what
/// `track` knows.
fn ends_here<const W: usize>(piece: &Piece<'_>, track: &Track<W>, read: &[u8], len: usize) -> bool {
    let mut row = piece.start;
    // One step more than there are bytes, for the beginning of the stream.
    for steps in 0..=TAIL {
        let here = read.len().checked_sub(steps.saturating_add(1));
        let byte = match here.and_then(|at| read.get(at)) {
            _ if steps >= len => Byte::Beginning,
            Some(byte) => Byte::Is(*byte),
            // OVERFLOW: below TAIL.
            None => track.back(steps.wrapping_sub(read.len()).wrapping_add(1)),
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
