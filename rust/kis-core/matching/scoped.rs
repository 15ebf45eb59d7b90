// SPDX-License-Identifier: GPL-2.0

//! The automaton of terms that have no literal, in parts of requests: one for all, with a start for each scope.
//!
//! The section: u32 scopes, u32 0; for each scope u32 its number, rising, and u32 the state in which it begins; then the
//! [automaton](super::automaton), if there are scopes. Floor 0, pure; context: any.

use super::automaton::{
    Automaton,
    State, //
};
use super::scope::Scope;
use super::section::{
    Part,
    Section, //
};
use crate::wire::bytes::{
    index,
    u32_at, //
};
use crate::{
    Error,
    Result, //
};

/// Bytes before the scopes.
pub(super) const HEAD: usize = 8;
/// Bytes of a scope.
pub(super) const RECORD: usize = 8;

/// Most scopes that have terms without a literal: a field's name is looked up among them.
pub const MAX_SCOPES: u32 = 64;

/// The verified automaton, and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Scoped {
    pub(super) automaton: Automaton,
    starts: Section,
}

impl Scoped {
    /// None.
    pub(super) const NONE: Self = Self {
        automaton: Automaton::NONE,
        starts: Section::NONE,
    };

    /// Checks the section of an automaton that finds so many things, and becomes it.
    pub(super) fn verify(&mut self, part: &Part<'_>, things: u32) -> Result {
        let fault = |at, what| part.fault(at, what);
        let word = |at| u32_at(part.bytes, at).ok_or(fault(at, "count of scopes"));
        let count = word(0)?;
        if word(4)? != 0 {
            return Err(fault(4, "reserved word"));
        }
        if count > MAX_SCOPES {
            return Err(Error::limit("scopes", MAX_SCOPES));
        }
        let mut end = HEAD;
        let len = index(count).saturating_mul(RECORD);
        let starts = Section::next(&mut end, len).ok_or(fault(0, "count of scopes"))?;
        let rest = part.bytes.get(end..).ok_or(fault(0, "count of scopes"))?;
        if count == 0 {
            if !rest.is_empty() {
                return Err(fault(end, "an automaton without a scope"));
            }
            *self = Self::NONE;
            return Ok(());
        }
        let rest = Part {
            bytes: rest,
            at: part.at.saturating_add(end),
        };
        self.automaton.verify(&rest, things)?;
        let mut last = Scope::Stream.code();
        for (i, record) in starts.of(part.bytes).chunks_exact(RECORD).enumerate() {
            let at = starts.at().saturating_add(i.saturating_mul(RECORD));
            let code = u32_at(record, 0).filter(|code| *code > last);
            let code = code.filter(|code| Scope::from_code(*code).is_some());
            last = code.ok_or(fault(at, "scope"))?;
            let start = u32_at(record, 4);
            if start.is_none_or(|start| self.automaton.state(start) != start) {
                return Err(fault(at, "start of a scope"));
            }
        }
        self.starts = starts.moved(part.at);
        Ok(())
    }

    /// The state in which a scope begins, if it has terms here.
    #[inline]
    pub(super) fn start(&self, image: &[u8], scope: Scope) -> Option<State> {
        let mut records = self.starts.of(image).chunks_exact(RECORD);
        let found = records.find(|record| u32_at(record, 0) == Some(scope.code()))?;
        u32_at(found, 4)
    }
}
