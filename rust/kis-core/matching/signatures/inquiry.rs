// SPDX-License-Identifier: GPL-2.0

//! From terms to signatures: what is known, and which signature is complete.
//!
//! A signature is asked for when a term that triggers it is found. What it needs may come later in the same
//! request: then it waits. Floor 0; the tables are verified. Context: softirq.

use core::ops::ControlFlow;

use super::Signatures;
use crate::matching::automaton::{
    Automaton,
    State, //
};
use crate::matching::evidence::{
    Ended,
    Evidence, //
};
use crate::matching::scope::Scope;
use crate::matching::term::{
    Fact,
    ABSENT, //
};
use crate::matching::told::Told;
use crate::wire::bytes::index;

/// A signature that is complete with a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which signature, for [`Signatures::get`].
    pub sig: usize,
    /// How many of the bytes given to [`Signatures::scan`] were read, that byte included; 0 where it is known
    /// with the first one that a part of a request is over.
    pub end: usize,
}

/// One reading's questions.
pub(super) struct Inquiry<'a, B, H> {
    signatures: &'a Signatures<B>,
    evidence: &'a mut Evidence,
    /// What found no room.
    lost: &'a mut u16,
    /// Signatures that were told for the last end.
    told: Told,
    end: usize,
    hit: H,
}

impl<'a, B: AsRef<[u8]>, H: FnMut(Hit) -> ControlFlow<()>> Inquiry<'a, B, H> {
    pub(super) fn new(
        signatures: &'a Signatures<B>,
        evidence: &'a mut Evidence,
        lost: &'a mut u16,
        hit: H,
    ) -> Self {
        Self {
            signatures,
            evidence,
            lost,
            told: Told::new(),
            end: 0,
            hit,
        }
    }

    /// Something found no room.
    pub(super) fn lose(&mut self) {
        *self.lost = self.lost.saturating_add(1);
    }

    /// Whether the request began under other signatures.
    pub(super) const fn is_partial(&self) -> bool {
        self.evidence.is_partial()
    }

    /// An automaton is in a state: all that it finds there ends here.
    #[inline]
    pub(super) fn found(
        &mut self,
        automaton: &Automaton,
        state: State,
        end: usize,
    ) -> ControlFlow<()> {
        if !automaton.accepts(state) {
            return ControlFlow::Continue(());
        }
        let signatures = self.signatures;
        for term in automaton.accepted(signatures.bytes.as_ref(), state) {
            // CAST: there are at most MAX_TERMS.
            self.matched(term as u32, end)?;
        }
        ControlFlow::Continue(())
    }

    /// A term ends here.
    pub(super) fn matched(&mut self, at: u32, end: usize) -> ControlFlow<()> {
        let signatures = self.signatures;
        let image = signatures.bytes.as_ref();
        let terms = &signatures.view.terms;
        let Some(term) = terms.get(image, at) else {
            return ControlFlow::Continue(());
        };
        let is_news = term.fact != Fact::Nothing && !self.evidence.has(term.fact, at);
        if is_news && !self.evidence.note(term.fact, at) {
            self.lose();
        }
        for sig in terms.triggers(image, &term) {
            if self.is_complete(sig) {
                self.tell(sig, end)?;
            } else if !self.evidence.wait(sig) {
                self.lose();
            }
        }
        if is_news {
            self.ask(end)?;
        }
        ControlFlow::Continue(())
    }

    /// A part of the request is over.
    pub(super) fn end(&mut self, part: Ended, end: usize) -> ControlFlow<()> {
        self.evidence.end(part);
        self.ask(end)
    }

    /// Tells which of the signatures that wait are complete now.
    fn ask(&mut self, end: usize) -> ControlFlow<()> {
        for at in (0..self.evidence.pending().len()).rev() {
            let Some(sig) = self.evidence.pending().get(at).copied() else {
                continue;
            };
            if self.is_complete(sig.into()) {
                self.evidence.retain(|waiting| waiting != sig);
                self.tell(sig.into(), end)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether all that a signature needs is known.
    fn is_complete(&self, sig: u32) -> bool {
        let signatures = self.signatures;
        let image = signatures.bytes.as_ref();
        let terms = &signatures.view.terms;
        let mut needs = terms.needs(image, sig);
        needs.all(|need| {
            let at = need & !ABSENT;
            let Some(term) = terms.get(image, at) else {
                return false;
            };
            let is_known = self.evidence.has(term.fact, at);
            if need & ABSENT == 0 {
                return is_known;
            }
            // It may still come as long as its part goes on, or have come under other signatures.
            !is_known
                && !self.is_partial()
                && Ended::of(term.scope).is_some_and(|part| self.evidence.has_ended(part))
        })
    }

    /// Tells a signature, once for an end.
    fn tell(&mut self, sig: u32, end: usize) -> ControlFlow<()> {
        if self.end != end {
            (self.told, self.end) = (Told::new(), end);
        }
        let sig = index(sig);
        if self.told.is_first(sig) {
            (self.hit)(Hit { sig, end })?;
        }
        ControlFlow::Continue(())
    }

    /// Another request begins: only what is known of the stream stays.
    pub(super) fn next_request(&mut self) {
        let signatures = self.signatures;
        let image = signatures.bytes.as_ref();
        let terms = &signatures.view.terms;
        let is_of_stream = |term: u32| {
            let term = terms.get(image, term);
            term.is_some_and(|term| term.scope == Scope::Stream)
        };
        self.evidence.next_request(
            terms.lasting(),
            |term| is_of_stream(term.into()),
            |sig| {
                let mut needs = terms.needs(image, sig.into());
                needs.all(|need| is_of_stream(need & !ABSENT))
            },
        );
    }
}
