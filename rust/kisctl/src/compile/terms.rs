// SPDX-License-Identifier: GPL-2.0

//! Which terms a set of signatures is made of, which of them trigger, and which have to be known.
//!
//! The same pattern in the same scope is one term, whoever looks for it. Of each signature the rarest part
//! triggers it; the others have to be known by then, or come later. What is common has a bit of its own, what is rare
//! goes on a list.

use super::{
    sought::Sought,
    split::{
        split,
        Split,
        Users, //
    },
    Pattern, //
};
use kis_core::matching::{
    scope::Scope,
    term::{
        Fact,
        TermSpec,
        TermsSpec,
        ABSENT,
        FACTS, //
    }, //
};
use std::collections::HashMap;

/// Fixed bytes beyond which a pattern is not rarer.
const MOST_FIXED: usize = 64;

/// Most that a term with a literal costs.
const LED: u32 = u32::MAX - 2 - MOST_FIXED as u32;

/// A term, before it is compiled.
#[derive(Clone, Debug)]
pub struct Term {
    /// The pattern.
    pub pattern: Pattern,
    /// The ways in which it can be split at a literal; none where it has no literal.
    pub rows: Option<Vec<Split>>,
    /// The first signature that has it.
    pub first: usize,
    /// The signatures that it triggers.
    triggers: Vec<u32>,
    /// What is known when it is found.
    fact: Fact,
}

impl Term {
    /// How common it is. Where it has no literal, more than anything that has one, and the more so the fewer bytes
    /// of it are always the same; what each request has is the most common.
    fn cost(&self) -> u32 {
        if let Some(rows) = &self.rows {
            let sum = |sum: u32, row: &Split| sum.saturating_add(row.cost);
            return rows.iter().fold(0, sum).min(LED);
        }
        match self.pattern.scope {
            Scope::Method | Scope::Protocol => u32::MAX,
            // CAST: below.
            _ => u32::MAX - 1 - self.pattern.fixed().min(MOST_FIXED) as u32,
        }
    }
}

/// The terms of a set of signatures.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// The terms.
    pub terms: Vec<Term>,
    /// For each signature what it needs beside what triggers it.
    needs: Vec<Vec<u32>>,
    lasting: u32,
}

impl Terms {
    /// The terms of signatures.
    pub fn of(signatures: &[Sought]) -> Self {
        let mut all = Self::default();
        let mut numbers = HashMap::new();
        let mut users = Users::new();
        let mut of_signatures = Vec::new();
        for (sig, sought) in signatures.iter().enumerate() {
            let parts = sought.parts.iter().map(|part| {
                let key = (part.pattern.scope, part.pattern.hir.to_string());
                let next = all.terms.len();
                let number = *numbers.entry(key).or_insert(next);
                if number == next {
                    let rows = split(&part.pattern.hir, part.pattern.scope.end(), &users);
                    for row in rows.iter().flatten() {
                        *users.entry(row.gram).or_default() += 1;
                    }
                    all.terms.push(Term {
                        pattern: part.pattern.clone(),
                        rows,
                        first: sig,
                        triggers: Vec::new(),
                        fact: Fact::Nothing,
                    });
                }
                (number, part.is_absent)
            });
            of_signatures.push(parts.collect::<Vec<_>>());
        }
        for (sig, parts) in of_signatures.iter().enumerate() {
            all.connect(sig, parts);
        }
        all.give_facts();
        all
    }

    /// Says what triggers a signature, and what it needs beside it.
    fn connect(&mut self, sig: usize, parts: &[(usize, bool)]) {
        let present = parts.iter().filter(|(_, is_absent)| !is_absent);
        let rarest = present.min_by_key(|(term, _)| self.terms[*term].cost());
        let Some((trigger, _)) = rarest.copied() else {
            self.needs.push(Vec::new());
            return;
        };
        let of_stream = |term: usize| self.terms[term].pattern.scope == Scope::Stream;
        // What is of a request is forgotten with it, and then the signature has to wait no longer.
        let is_mixed = !of_stream(trigger) && parts.iter().any(|(term, _)| of_stream(*term));
        let mut needs: Vec<u32> = Vec::new();
        for (term, is_absent) in parts.iter().copied() {
            if term == trigger && !is_absent && !is_mixed {
                continue;
            }
            // CAST: a signature has a few dozen terms at most.
            let need = term as u32 | if is_absent { ABSENT } else { 0 };
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
        needs.sort_unstable();
        for need in &needs {
            // CAST: an index again.
            self.terms[(need & !ABSENT) as usize].fact = Fact::Listed;
        }
        self.needs.push(needs);
        // CAST: an index of at most MAX_SIGNATURES.
        self.terms[trigger].triggers.push(sig as u32);
    }

    /// Gives the most common of what has to be known a bit, those of the stream first.
    fn give_facts(&mut self) {
        let needed = |at: &usize| self.terms[*at].fact == Fact::Listed;
        let mut needed: Vec<usize> = (0..self.terms.len()).filter(needed).collect();
        needed.sort_by_key(|at| std::cmp::Reverse(self.terms[*at].cost()));
        needed.truncate(FACTS as usize);
        needed.sort_by_key(|at| (self.terms[*at].pattern.scope != Scope::Stream, *at));
        for (bit, at) in (0..).zip(needed) {
            self.terms[at].fact = Fact::Bit(bit);
            if self.terms[at].pattern.scope == Scope::Stream {
                self.lasting = bit + 1;
            }
        }
    }

    /// Whether each signature is a term of the stream, in their order: then nothing has to be said of terms.
    fn is_plain(&self) -> bool {
        let is_own = |(at, term): (usize, &Term)| {
            // CAST: an index of at most MAX_SIGNATURES.
            term.triggers == [at as u32] && term.pattern.scope == Scope::Stream
        };
        self.needs.iter().all(Vec::is_empty)
            && self.terms.len() == self.needs.len()
            && self.terms.iter().enumerate().all(is_own)
    }

    /// For an image: the terms and the needs.
    pub fn specs(&self) -> (Vec<TermSpec<'_>>, Vec<&[u32]>) {
        if self.is_plain() {
            return (Vec::new(), Vec::new());
        }
        let terms = self.terms.iter().map(|term| TermSpec {
            scope: term.pattern.scope,
            fact: term.fact,
            triggers: &term.triggers,
        });
        let needs = self.needs.iter().map(Vec::as_slice);
        (terms.collect(), needs.collect())
    }

    /// The same, as an image wants them.
    pub fn spec<'a>(&self, terms: &'a [TermSpec<'a>], needs: &'a [&'a [u32]]) -> TermsSpec<'a> {
        TermsSpec {
            terms,
            needs,
            lasting: if terms.is_empty() { 0 } else { self.lasting },
        }
    }

    /// The signatures that no literal triggers, rising.
    pub fn unled(&self) -> Vec<usize> {
        let terms = self.terms.iter().filter(|term| term.rows.is_none());
        let mut unled: Vec<usize> = terms
            .flat_map(|term| term.triggers.iter().map(|sig| *sig as usize))
            .collect();
        unled.sort_unstable();
        unled
    }
}
