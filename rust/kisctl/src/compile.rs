// SPDX-License-Identifier: GPL-2.0

//! Patterns to one matching table.
//!
//! regex-automata parses the patterns and makes one dense automaton for all of them, unanchored and
//! reporting every match. It reports a match one byte late, because a look-around like `$` has to
//! see the next byte first; KIS must know before the bytes are read. So only a look at the start of
//! the stream is allowed, and then whether a state accepts does not depend on what follows: the
//! patterns that end with the byte just consumed are those that the automaton reports for a state
//! at the end of input.

pub mod beside;
mod fixed;
pub mod join;
pub mod minimise;
pub mod piece;
mod scoped;
pub mod sought;
pub mod split;
pub mod table;
pub mod terms;

pub use sought::Sought;
pub use table::Table;

use crate::text;
use kis_core::{
    matching::{
        lead::LeadSpec,
        scope::Scope,
        signatures::{
            encode_plan,
            room_plan,
            PlanSpec,
            SigSpec, //
        }, //
    },
    wire::abi::MAX_IMAGE, //
};
use piece::{
    Pieces,
    Refusal, //
};
use regex_automata::{
    dfa::{
        dense,
        Automaton,
        StartKind, //
    },
    nfa::thompson::{
        self,
        WhichCaptures, //
    },
    util::{
        primitives::StateID,
        start,
        syntax, //
    },
    Anchored,
    MatchKind, //
};
use regex_syntax::hir::{
    Hir,
    Look, //
};
use std::{
    collections::{
        BTreeMap,
        HashMap, //
    },
    mem::size_of, //
};
use terms::{
    Term,
    Terms, //
};

/// What making a table may cost.
///
/// # Examples
///
/// ```
/// use kisctl::compile::{self, Budget, Pattern};
///
/// let wide = Pattern::parse("a.{0,200}b.{0,200}c").expect("a pattern");
/// let budget = Budget { automaton: 1 << 16, scratch: 1 << 17 };
/// let problem = compile::table(&[wide], budget).expect_err("too many states");
/// assert_eq!(problem.pattern, Some(0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Most bytes of regex-automata's automaton, which is minimised afterwards.
    pub automaton: usize,
    /// Most bytes of scratch space for making it.
    pub scratch: usize,
}

impl Budget {
    /// As much as the largest image: minimising saves a part of it, and a small machine has that
    /// much memory.
    pub const DEFAULT: Self = Self {
        automaton: MAX_IMAGE,
        scratch: 2 * MAX_IMAGE,
    };
}

/// Why a pattern or a set of them makes no table.
///
/// # Examples
///
/// ```
/// use kisctl::compile::Pattern;
///
/// let problem = Pattern::parse("a$").expect_err("a stream has no end");
/// assert_eq!(problem.message, "the pattern looks at the end of a line or text ($ or \\z)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Index of the pattern, if one is to blame.
    pub pattern: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub next: String,
}

impl Problem {
    fn new(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            pattern: None,
            message: message.into(),
            next: next.into(),
        }
    }
}

/// A pattern that can be part of a table.
///
/// # Examples
///
/// ```
/// use kisctl::compile::Pattern;
///
/// assert!(Pattern::parse(r"(?i)config\s+set").is_ok());
/// assert!(Pattern::parse("a*").is_err(), "it would match everywhere");
/// ```
#[derive(Clone, Debug)]
pub struct Pattern {
    hir: Hir,
    scope: Scope,
}

impl Pattern {
    /// Parses a pattern as one over the bytes of a stream.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        Self::parse_in(text, Scope::Stream)
    }

    /// Parses a pattern as one over the bytes of a scope. Where a scope has an end, it may look at that.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse_in(text: &str, scope: Scope) -> Result<Self, Problem> {
        let config = syntax::Config::new().unicode(false).utf8(false);
        let hir = syntax::parse_with(text, &config).map_err(|error| syntax_problem(&error))?;
        let properties = hir.properties();
        for look in properties.look_set().iter() {
            let (name, instead) = match look {
                Look::Start => continue,
                Look::End if scope.end().is_some() => continue,
                Look::End | Look::EndLF | Look::EndCRLF => (
                    "the end of a line or text ($ or \\z)",
                    "a stream has no end that could be waited for: write \\r?\\n, or leave it out",
                ),
                Look::StartLF | Look::StartCRLF => (
                    "the start of a line ((?m)^)",
                    "write (?:^|\\n) without (?m)",
                ),
                _ => (
                    "a word boundary (\\b, \\B, \\< or \\>)",
                    "write the bytes around the word, for example [^a-z]",
                ),
            };
            return Err(Problem::new(
                format!("the pattern looks at {name}"),
                instead,
            ));
        }
        let hir = match scope.end() {
            Some(end) => scoped::ending(&hir, end, matches!(scope, Scope::Value(_))),
            None => hir,
        };
        match hir.properties().minimum_len() {
            Some(0) => Err(Problem::new(
                "the pattern matches nothing at all, and so everywhere",
                "make at least one byte of it necessary: + instead of *",
            )),
            Some(_) => Ok(Self { hir, scope }),
            None => Err(never_matches()),
        }
    }

    /// The longest row of fixed bytes that each match has; a letter in both cases is one.
    pub fn fixed(&self) -> usize {
        fixed::longest(&self.hir)
    }
}

fn never_matches() -> Problem {
    Problem::new(
        "the pattern can never match",
        "mend it: an empty class, or ^ behind other bytes",
    )
}

/// A syntax error with its column in the pattern.
fn syntax_problem(error: &regex_syntax::Error) -> Problem {
    let next = "syntax of Rust's regex crate, over bytes: see kisctl(8)";
    let (kind, column) = match error {
        regex_syntax::Error::Parse(e) => (e.kind().to_string(), e.span().start.column),
        regex_syntax::Error::Translate(e) => (e.kind().to_string(), e.span().start.column),
        other => return Problem::new(other.to_string(), next),
    };
    if let regex_syntax::Error::Translate(e) = error {
        if matches!(e.kind(), regex_syntax::hir::ErrorKind::UnicodeNotAllowed) {
            return Problem::new(
                format!(
                    "column {column} of the pattern: only ASCII and bytes can be written there"
                ),
                "write other characters as bytes, \\xC3\\xA9, or in a group (?u:...)",
            );
        }
    }
    Problem::new(format!("column {column} of the pattern: {kind}"), next)
}

/// What a set of signatures is compiled to.
///
/// # Examples
///
/// ```
/// use kisctl::compile::{plan, Budget, Pattern, Sought};
///
/// let patterns = ["xyzzy[0-9]+", "a.c"].map(|text| Pattern::parse(text).expect("a pattern"));
/// let plan = plan(&patterns.map(Sought::from), Budget::DEFAULT).expect("a plan");
/// assert_eq!(plan.leads.len(), 1);
/// assert_eq!(plan.unled, [1]);
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    /// The signatures that no literal triggers, rising.
    pub unled: Vec<usize>,
    /// The automaton of streams.
    pub table: Table,
    /// The literals, rising.
    pub leads: Vec<LeadSpec>,
    /// What there is beside them.
    pub pieces: Pieces,
    /// What the signatures are made of.
    pub terms: Terms,
    /// The automaton of parts of requests.
    pub scoped: Table,
    /// Where that begins for each scope, rising.
    pub starts: Vec<(Scope, u32)>,
}

impl Plan {
    /// States of the automata.
    pub fn states(&self) -> usize {
        self.table.states() + self.scoped.states()
    }

    /// The image of the plan, and of signatures in its order; else why there is none.
    ///
    /// # Errors
    ///
    /// When it would need more than `limit` bytes, or is none that the kernel takes.
    pub fn encode(&self, signatures: &[SigSpec<'_>], limit: usize) -> Result<Vec<u8>, String> {
        let (accepts, scoped_accepts) = (self.table.lists(), self.scoped.lists());
        let (dfa, scoped) = (self.table.spec(&accepts), self.scoped.spec(&scoped_accepts));
        let pieces = self.pieces.specs();
        let (terms, needs) = self.terms.specs();
        let plan = PlanSpec {
            maps: &self.pieces.maps,
            pieces: &pieces,
            leads: &self.leads,
            terms: self.terms.spec(&terms, &needs),
            scoped: &scoped,
            starts: &self.starts,
        };
        // The room is a little more than the image, see there.
        let needed = room_plan(signatures, &dfa, &plan);
        if needed > 2 * limit {
            return Err(format!(
                "it needs {} MiB, limit {} MiB",
                needed >> 20,
                limit >> 20
            ));
        }
        let mut image = vec![0; needed];
        let len = encode_plan(signatures, &dfa, &plan, &mut image).map_err(|e| e.to_string())?;
        image.truncate(len);
        Ok(image)
    }
}

/// Compiles signatures: what has a literal by that, the rest to automata, one for each scope.
///
/// # Errors
///
/// Which signature is to blame, and why.
pub fn plan(signatures: &[Sought], budget: Budget) -> Result<Plan, Problem> {
    let mut terms = Terms::of(signatures);
    let (mut leads, mut pieces) = (Vec::new(), Pieces::default());
    let mut rest: BTreeMap<Scope, Vec<usize>> = BTreeMap::new();
    for (at, term) in terms.terms.iter_mut().enumerate() {
        match led(term, at, &mut pieces) {
            Ok(some) => leads.extend(some),
            Err(Refusal::Large) => {
                term.rows = None;
                rest.entry(term.pattern.scope).or_default().push(at);
            }
            Err(Refusal::Never) => {
                return Err(Problem {
                    pattern: Some(term.first),
                    ..never_matches()
                })
            }
        }
    }
    leads.sort_by_key(|lead: &LeadSpec| (lead.gram, lead.term));
    let mut tables = Vec::new();
    let mut stream = Table::empty();
    for (scope, of_scope) in rest {
        let patterns: Vec<Pattern> = of_scope
            .iter()
            .map(|at| terms.terms[*at].pattern.clone())
            .collect();
        let mut table = table(&patterns, budget).map_err(|problem| {
            let blamed = problem.pattern.and_then(|at| of_scope.get(at));
            Problem {
                pattern: blamed.map(|at| terms.terms[*at].first),
                ..problem
            }
        })?;
        for term in table.accepts.iter_mut().flatten() {
            // CAST: indices of terms, which are few.
            *term = of_scope[*term as usize] as u32;
        }
        match scope {
            Scope::Stream => stream = table,
            _ => tables.push((scope, table)),
        }
    }
    // Scopes rise as their codes do.
    let (scopes, tables): (Vec<Scope>, Vec<Table>) = tables.into_iter().unzip();
    let (scoped, starts) = beside::beside(&tables);
    Ok(Plan {
        unled: terms.unled(),
        table: stream,
        leads,
        pieces,
        terms,
        scoped,
        starts: scopes.into_iter().zip(starts).collect(),
    })
}

/// The leads of a term, and its pieces.
fn led(term: &Term, at: usize, pieces: &mut Pieces) -> Result<Vec<LeadSpec>, Refusal> {
    let rows = term.rows.as_ref().ok_or(Refusal::Large)?;
    let mut leads = Vec::new();
    let mut last = Refusal::Never;
    for row in rows {
        let back = pieces.add(&row.before, true);
        let on = row.after.as_ref().map(|hir| pieces.add(hir, false));
        match (back, on.transpose()) {
            (Ok(back), Ok(on)) => leads.push(LeadSpec {
                gram: row.gram,
                before: row.earlier,
                // CAST: an index of terms, which are few.
                term: at as u32,
                back,
                on,
            }),
            (Err(Refusal::Large), _) | (_, Err(Refusal::Large)) => return Err(Refusal::Large),
            // One of several ways that can never be.
            _ => last = Refusal::Never,
        }
    }
    if leads.is_empty() {
        return Err(last);
    }
    Ok(leads)
}

/// Patterns that are determinised together.
const GROUP: usize = if cfg!(test) { 2 } else { 32 };

/// Compiles all patterns to one table.
pub fn table(patterns: &[Pattern], budget: Budget) -> Result<Table, Problem> {
    let mut parts = Vec::new();
    let mut firsts = Vec::new();
    for (at, group) in patterns.chunks(GROUP).enumerate() {
        let first = at * GROUP;
        let automaton = automaton(group, budget).map_err(|message| {
            let problem = too_large(group, budget, &message);
            Problem {
                pattern: problem.pattern.map(|pattern| first + pattern),
                ..problem
            }
        })?;
        let start = start::Config::new().anchored(Anchored::No);
        parts.push(minimise::minimise(&walk(&automaton, &start, accepted)?));
        // CAST: there are at most MAX_SIGNATURES patterns.
        firsts.push(first as u32);
    }
    let limit = budget.automaton / size_of::<u32>();
    let table = match parts.as_slice() {
        [_] => parts.remove(0),
        _ => match join::join(&parts, &firsts, limit) {
            Some(joined) => minimise::minimise(&joined),
            None => return Err(too_large(patterns, budget, "too many states")),
        },
    };
    let mut seen = vec![false; patterns.len()];
    for pattern in table.accepts.iter().flatten() {
        // CAST: an index of `patterns`.
        seen[*pattern as usize] = true;
    }
    if let Some(never) = seen.iter().position(|seen| !seen) {
        return Err(Problem {
            pattern: Some(never),
            ..never_matches()
        });
    }
    Ok(table)
}

/// regex-automata's automaton, or its words for what is too large.
fn automaton(patterns: &[Pattern], budget: Budget) -> Result<dense::DFA<Vec<u32>>, String> {
    let hirs: Vec<&Hir> = patterns.iter().map(|pattern| &pattern.hir).collect();
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(budget.scratch)),
        )
        .build_many_from_hir(&hirs)
        .map_err(|e| e.to_string())?;
    dense::Builder::new()
        .configure(
            dense::Config::new()
                .match_kind(MatchKind::All)
                .start_kind(StartKind::Unanchored)
                .accelerate(false)
                .minimize(false)
                .dfa_size_limit(Some(budget.automaton))
                .determinize_size_limit(Some(budget.scratch)),
        )
        .build_from_nfa(&nfa)
        .map_err(|e| e.to_string())
}

/// A set that is too large: names the pattern that makes the most states by itself.
fn too_large(patterns: &[Pattern], budget: Budget, message: &str) -> Problem {
    let alone = |(at, pattern)| {
        let automaton = automaton(std::slice::from_ref(pattern), budget);
        (automaton.map_or(usize::MAX, |dfa| dfa.memory_usage()), at)
    };
    let (largest, at) = match patterns {
        [_] => (usize::MAX, 0),
        _ => patterns
            .iter()
            .enumerate()
            .map(alone)
            .max()
            .unwrap_or_default(),
    };
    let limit = text::bytes(budget.automaton as u64);
    let words = if largest == usize::MAX {
        format!("the automaton of this pattern alone needs more than {limit}: {message}")
    } else {
        format!(
            "the automaton of all {} patterns needs more than {limit}; \
             this one is the largest alone, with {}",
            patterns.len(),
            text::bytes(largest as u64)
        )
    };
    let advice =
        "counted repeats of wide classes (.{0,64}) and many patterns with .* in their middle \
                  make most states: use .* or a narrower class, or drop patterns";
    Problem {
        pattern: Some(at),
        ..Problem::new(words, advice)
    }
}

/// Visits every state that can be reached from the start; `accepted` says what ends in one.
fn walk(
    dfa: &dense::DFA<Vec<u32>>,
    start: &start::Config,
    accepted: impl Fn(&dense::DFA<Vec<u32>>, StateID) -> Vec<u32>,
) -> Result<Table, Problem> {
    let start = dfa
        .start_state(start)
        .map_err(|e| Problem::new(format!("no start state: {e}"), "report it as a bug"))?;
    let mut classes = [0_u8; 256];
    let mut representatives: Vec<u8> = Vec::new();
    let byte_classes = dfa.byte_classes();
    let mut numbers: HashMap<u8, u8> = HashMap::new();
    for byte in 0..=255_u8 {
        let class = *numbers.entry(byte_classes.get(byte)).or_insert_with(|| {
            representatives.push(byte);
            // CAST: at most 256 representatives.
            (representatives.len() - 1) as u8
        });
        classes[usize::from(byte)] = class;
    }
    let mut order: Vec<StateID> = vec![start];
    let mut numbers: HashMap<StateID, u32> = HashMap::from([(start, 0)]);
    let mut transitions = Vec::new();
    let mut accepts = Vec::new();
    let mut at = 0;
    while let Some(state) = order.get(at).copied() {
        at += 1;
        accepts.push(accepted(dfa, state));
        for byte in &representatives {
            let next = dfa.next_state(state, *byte);
            let number = *numbers.entry(next).or_insert_with(|| {
                order.push(next);
                // CAST: the size limit keeps states far below 2^32.
                (order.len() - 1) as u32
            });
            transitions.push(number);
        }
    }
    Ok(Table {
        classes,
        stride: representatives.len(),
        transitions,
        accepts,
    })
}

/// The patterns that end with the byte that led to `state`.
fn accepted(dfa: &dense::DFA<Vec<u32>>, state: StateID) -> Vec<u32> {
    let end = dfa.next_eoi_state(state);
    if !dfa.is_match_state(end) {
        return Vec::new();
    }
    let mut accepted: Vec<u32> = (0..dfa.match_len(end))
        .map(|at| dfa.match_pattern(end, at).as_u32())
        .collect();
    accepted.sort_unstable();
    accepted.dedup();
    accepted
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod request_tests;
