// SPDX-License-Identifier: GPL-2.0

//! Reading a stream of requests, part by part: which scopes begin and end, and what is read aside.
//!
//! Floor 0; the tables are verified. Context: softirq.

use core::ops::ControlFlow;

use super::inquiry::{
    Hit,
    Inquiry, //
};
use super::scan::{
    Ends,
    Strand, //
};
use super::{
    Signatures,
    State, //
};
use crate::matching::evidence::Ended;
use crate::matching::grammar::http::{
    self,
    Oddities,
    Oddity,
    Part,
    Span, //
};
use crate::matching::progress::{
    Progress,
    Track,
    WAITS, //
};
use crate::matching::request::{
    Lane,
    Request,
    AROUND,
    ASIDE_WAITS,
    WITHIN, //
};
use crate::matching::scope::{
    Scope,
    NEVER, //
};

/// Bytes of a target that are made out at a time.
const ASIDE: usize = 32;

impl<B: AsRef<[u8]>> Signatures<B> {
    /// The same for a stream that may be one of requests, whose place in them is in `request`. What is read aside is
    /// told in the order of the parts, and what is odd before the part that shows it.
    #[inline(never)]
    pub fn scan_requests(
        &self,
        progress: &mut Progress,
        request: &mut Request,
        bytes: &[u8],
        hit: impl FnMut(Hit) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !self.view.terms.is_of_requests() {
            return self.scan(progress, bytes, hit);
        }
        let Progress {
            state,
            lost,
            track,
            evidence,
        } = progress;
        let mut inquiry = Inquiry::new(self, evidence, lost, hit);
        let mut read = 0;
        let flow = self.requests(&mut inquiry, state, track, request, bytes, &mut read);
        track.push(bytes.get(..read).unwrap_or(bytes));
        flow
    }

    /// Reads bytes of a stream of requests, part by part.
    #[allow(clippy::too_many_arguments, reason = "the parts of a progress")]
    #[inline(never)]
    fn requests<H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        state: &mut State,
        track: &mut Track<WAITS>,
        request: &mut Request,
        bytes: &[u8],
        read: &mut usize,
    ) -> ControlFlow<()> {
        let mut look = self.look(track, bytes);
        while let Some(span) = request.next(bytes.get(*read..).unwrap_or_default()) {
            // OVERFLOW: an index of `bytes`.
            let (from, end) = (*read, read.wrapping_add(span.len));
            let scopes = request.scopes(span.part);
            self.enter(inquiry, track, request, &span, scopes, from)?;
            // The lanes that go on: one that is interrupted waits.
            let first = usize::from(scopes[AROUND].is_none());
            let last = if scopes[WITHIN].is_some() { 2 } else { 1 };
            let mut strand = Strand {
                track,
                state: Some(state),
                lanes: request.lanes.get_mut(first..last).unwrap_or_default(),
            };
            let ends = Ends::Behind(0);
            self.part(inquiry, &mut strand, &mut look, bytes, read, end, ends)?;
            let block = bytes.get(from..end).unwrap_or_default();
            if let Some(scope) = request.aside(span.part) {
                self.read_aside(inquiry, request, scope, block, from)?;
            }
            self.leave(inquiry, track, request, &span, end)?;
        }
        ControlFlow::Continue(())
    }

    /// A part begins, or goes on: the scopes that it is not of are over.
    #[allow(clippy::too_many_arguments, reason = "the parts of a progress")]
    fn enter<H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        track: &mut Track<WAITS>,
        request: &mut Request,
        span: &Span,
        scopes: [Option<Scope>; 2],
        end: usize,
    ) -> ControlFlow<()> {
        let image = self.bytes.as_ref();
        if !span.odd.is_empty() {
            // Before the part whose last byte shows them: behind it the request may be given up.
            self.read_odd(inquiry, request, span.odd, end.saturating_add(span.len))?;
        }
        if span.part == Part::Stream && request.is_begun() {
            return self.abandon(inquiry, track, request, end);
        }
        for (at, scope) in scopes.into_iter().enumerate() {
            let Some(lane) = request.lanes.get_mut(at) else {
                continue;
            };
            // Empty lines before a method are none of the request line's.
            let is_anew = span.begins && (at == WITHIN || span.part == Part::Method);
            // The scope around may be interrupted by what is of none.
            let goes_on = lane.scope() == scope && !is_anew || at == AROUND && scope.is_none();
            if goes_on {
                continue;
            }
            self.finish(inquiry, track, lane, end)?;
            if let Some(scope) = scope {
                let is_middle = inquiry.is_partial() && !span.begins;
                *lane = if is_middle {
                    Lane::middle(scope)
                } else {
                    Lane::of(scope, self.view.scoped.start(image, scope))
                };
            }
        }
        if request.aside.is(Scope::Uri) && span.part != Part::Target {
            self.finish_target(inquiry, request, end)?;
        }
        let scope = request.aside(span.part);
        if let Some(scope) = scope.filter(|scope| !request.aside.is(*scope)) {
            request.track = Track::new(true);
            request.target = Default::default();
            request.aside = Lane::of(scope, self.view.scoped.start(image, scope));
        }
        ControlFlow::Continue(())
    }

    /// What is odd: the name of each is a row of bytes in a scope of its own, once a request, so that nobody gains by
    /// showing it with each byte.
    #[cold]
    #[inline(never)]
    fn read_odd<H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        request: &mut Request,
        odd: Oddities,
        end: usize,
    ) -> ControlFlow<()> {
        if odd.contains(Oddity::Folding) || odd.contains(Oddity::TargetSpace) {
            // A part in two: what looks across that does not find it.
            inquiry.lose();
        }
        if !self.view.terms.has_oddity() {
            return ControlFlow::Continue(());
        }
        let start = self.view.scoped.start(self.bytes.as_ref(), Scope::Oddity);
        for odd in request.show(odd).iter() {
            let mut track = Track::<ASIDE_WAITS>::new(true);
            let mut lane = Lane::of(Scope::Oddity, start);
            let mut strand = Strand {
                track: &mut track,
                state: None,
                lanes: core::slice::from_mut(&mut lane),
            };
            let ends = [end; Oddity::LONGEST];
            self.row(
                inquiry,
                &mut strand,
                odd.name().as_bytes(),
                Ends::Each(&ends),
            )?;
            self.finish(inquiry, &mut track, &mut lane, end)?;
        }
        ControlFlow::Continue(())
    }

    /// What comes is no request any more: nothing of the last one waits, and somebody may miss its rest.
    #[cold]
    #[inline(never)]
    fn abandon<H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        track: &mut Track<WAITS>,
        request: &mut Request,
        end: usize,
    ) -> ControlFlow<()> {
        for lane in &mut request.lanes {
            self.finish(inquiry, track, lane, end)?;
        }
        self.finish(inquiry, &mut request.track, &mut request.aside, end)?;
        request.end();
        inquiry.next_request();
        inquiry.lose();
        ControlFlow::Continue(())
    }

    /// A part is over, and maybe more than that.
    fn leave<H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        track: &mut Track<WAITS>,
        request: &mut Request,
        span: &Span,
        end: usize,
    ) -> ControlFlow<()> {
        let ends = span.ends;
        if ends.is_empty() {
            return ControlFlow::Continue(());
        }
        for lane in &mut request.lanes {
            self.finish(inquiry, track, lane, end)?;
        }
        if request.aside.is(Scope::Uri) {
            self.finish_target(inquiry, request, end)?;
        }
        for (over, part) in [
            (http::Ends::LINE, Ended::Line),
            (http::Ends::HEADERS, Ended::Headers),
            (http::Ends::REQUEST, Ended::Request),
        ] {
            // A request without header lines is over with its line.
            if ends.contains(over) || ends.contains(http::Ends::REQUEST) {
                inquiry.end(part, end)?;
            }
        }
        if ends.contains(http::Ends::REQUEST) {
            self.finish(inquiry, &mut request.track, &mut request.aside, end)?;
            request.end();
            inquiry.next_request();
        }
        ControlFlow::Continue(())
    }

    /// The scope of a lane is over: what asks for its end is told, what waits in it is given up.
    fn finish<const W: usize, H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        track: &mut Track<W>,
        lane: &mut Lane,
        end: usize,
    ) -> ControlFlow<()> {
        let Some(scope) = lane.scope() else {
            return ControlFlow::Continue(());
        };
        if let Some(last) = scope.end() {
            let mut strand = Strand {
                track,
                state: None,
                lanes: core::slice::from_mut(lane),
            };
            if !strand.is_quiet(false) {
                self.step(inquiry, &mut strand, &[last], Ends::Each(&[end]))?;
            }
        }
        *lane = Lane::NONE;
        if !track.waits().is_empty() {
            track.advance(|wait| {
                let is_over = self.awaited(wait).is_none_or(|(_, of, _)| of == scope);
                (!is_over).then_some(wait.state)
            });
        }
        ControlFlow::Continue(())
    }

    /// The target is over.
    #[inline(never)]
    fn finish_target<H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        request: &mut Request,
        end: usize,
    ) -> ControlFlow<()> {
        let mut made = Made::new();
        request.target.end(&mut |byte| made.push(byte, end));
        self.read_made(inquiry, request, &made)?;
        self.finish(inquiry, &mut request.track, &mut request.aside, end)
    }

    /// Reads bytes aside.
    #[inline(never)]
    fn read_aside<H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        request: &mut Request,
        scope: Scope,
        block: &[u8],
        before: usize,
    ) -> ControlFlow<()> {
        if scope != Scope::Uri {
            return self.read_row(inquiry, request, block, Ends::Behind(before));
        }
        if !self.view.terms.has_uri() {
            return ControlFlow::Continue(());
        }
        // With a byte of a target at most so many are made out.
        let mut end = before;
        for few in block.chunks(ASIDE / Made::MOST) {
            let mut made = Made::new();
            for byte in few {
                end = end.saturating_add(1);
                request.target.push(*byte, &mut |byte| made.push(byte, end));
            }
            self.read_made(inquiry, request, &made)?;
        }
        ControlFlow::Continue(())
    }

    /// Reads what was made out of a target.
    fn read_made<H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        request: &mut Request,
        made: &Made,
    ) -> ControlFlow<()> {
        let bytes = made.bytes.get(..made.len).unwrap_or_default();
        self.read_row(inquiry, request, bytes, Ends::Each(&made.ends))
    }

    /// Reads bytes that are in a row aside.
    fn read_row<H: FnMut(Hit) -> ControlFlow<()>>(
        &self,
        inquiry: &mut Inquiry<'_, B, H>,
        request: &mut Request,
        bytes: &[u8],
        ends: Ends<'_>,
    ) -> ControlFlow<()> {
        let mut strand = Strand {
            track: &mut request.track,
            state: None,
            lanes: core::slice::from_mut(&mut request.aside),
        };
        self.row(inquiry, &mut strand, bytes, ends)
    }
}

/// Bytes that were made out of a target, and where each of them ended.
struct Made {
    bytes: [u8; ASIDE],
    ends: [usize; ASIDE],
    len: usize,
}

impl Made {
    /// Most bytes that are made out with one byte of a target in the mean of four, those that were held back
    /// included.
    const MOST: usize = 8;

    const fn new() -> Self {
        Self {
            bytes: [0; ASIDE],
            ends: [0; ASIDE],
            len: 0,
        }
    }

    fn push(&mut self, byte: u8, end: usize) {
        let place = self
            .bytes
            .get_mut(self.len)
            .zip(self.ends.get_mut(self.len));
        if let Some((to, at)) = place {
            (*to, *at) = (byte.min(NEVER.wrapping_sub(1)), end);
            self.len = self.len.saturating_add(1);
        }
    }
}
