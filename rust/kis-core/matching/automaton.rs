// SPDX-License-Identifier: GPL-2.0

//! A deterministic automaton that finds several things in one pass.
//!
//! The section: u32 number of states, classes, accepting states, entries of lists; u32 start state,
//! u32 0; the class of each of the 256 byte values; then 4 bytes each: for each state a row with one
//! transition for each class, for each accepting state and one more where its list begins, and the
//! lists.
//!
//! A transition is where the row of the next state begins, in bytes from the first row. So a state
//! is the place of its row, and no multiplication is needed to find the next one. States that accept
//! are the last ones: one comparison finds them. Floor 0, pure; context: any.

use super::section::{
    Part,
    Section, //
};
use crate::wire::bytes::{
    index,
    u32_at,
    Reader, //
};
use crate::Result;

/// A state: where its row begins, bytes from the first row.
///
/// One of another automaton is harmless: walking stays within the table and finds its way back to
/// the start.
pub type State = u32;

/// Where the class map begins in the section.
const CLASSES_AT: usize = 24;
/// Where the transitions begin in the section.
const TABLE_AT: usize = CLASSES_AT + 256;

/// Offsets of the counts; see the head of the file.
pub(super) mod at {
    pub(in super::super) const STATES: usize = 0;
    pub(super) const CLASSES: usize = 4;
    pub(super) const ACCEPTING: usize = 8;
    pub(super) const START: usize = 16;
    pub(super) const RESERVED: usize = 20;
}

/// Bytes of a section with these counts.
pub(crate) fn bytes(
    states: usize,
    classes: usize,
    accepting: usize,
    entries: usize,
) -> Option<usize> {
    states
        .checked_mul(classes)?
        .checked_add(accepting)?
        .checked_add(1)?
        .checked_add(entries)?
        .checked_mul(4)?
        .checked_add(TABLE_AT)
}

/// A verified automaton: where its parts are in the image, and what walking needs at hand.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    /// The class of each byte value.
    classes: Section,
    /// Number of states.
    states: u32,
    /// Bytes of a row.
    row: u32,
    /// The start state.
    start: State,
    /// The first accepting state; behind the last state if none accepts.
    first_accept: State,
    /// The transitions.
    table: Section,
    /// The list index.
    starts: Section,
    /// The lists.
    lists: Section,
}

/// The counts of a section.
struct Counts {
    states: u32,
    classes: u32,
    accepting: u32,
    entries: u32,
    start: u32,
}

impl Automaton {
    /// None: without states.
    pub(super) const NONE: Self = Self {
        classes: Section::NONE,
        states: 0,
        row: 0,
        start: 0,
        first_accept: 0,
        table: Section::NONE,
        starts: Section::NONE,
        lists: Section::NONE,
    };

    /// Checks the section of an automaton that finds `things` of them, and becomes it.
    pub(super) fn verify(&mut self, part: &Part<'_>, things: u32) -> Result {
        let counts = read_counts(part)?;
        self.lay_out(part, &counts)?;
        check_classes(part, &counts)?;
        self.check_transitions(part)?;
        self.check_lists(part, things)
    }

    /// Computes where the parts are; they have to fill the section.
    fn lay_out(&mut self, part: &Part<'_>, counts: &Counts) -> Result {
        let fault = part.fault(at::STATES, "counts do not fill the section");
        let [states, classes, accepting, entries] = [
            counts.states,
            counts.classes,
            counts.accepting,
            counts.entries,
        ]
        .map(index);
        if bytes(states, classes, accepting, entries) != Some(part.bytes.len()) {
            return Err(fault);
        }
        // OVERFLOW: their sum is the length of the section.
        let mut end = part.at.saturating_add(TABLE_AT);
        let mut next = |words: usize| {
            let section = Section::new(end, words.saturating_mul(4));
            end = end.saturating_add(section.len());
            section
        };
        self.table = next(states.saturating_mul(classes));
        self.starts = next(accepting.saturating_add(1));
        self.lists = next(entries);
        let row = counts.classes.saturating_mul(4);
        let place = |state: u32| state.saturating_mul(row);
        self.classes = Section::new(part.at.saturating_add(CLASSES_AT), 256);
        self.states = counts.states;
        self.row = row;
        self.start = place(counts.start);
        self.first_accept = place(counts.states.saturating_sub(counts.accepting));
        Ok(())
    }

    /// A part of the section, by where it is in the image.
    fn words<'a>(part: &Part<'a>, section: Section) -> &'a [u8] {
        Section::new(section.at().saturating_sub(part.at), section.len()).of(part.bytes)
    }

    /// Each transition leads to the beginning of a row.
    fn check_transitions(&self, part: &Part<'_>) -> Result {
        let (table, row) = (Self::words(part, self.table), self.row);
        for (i, word) in table.chunks_exact(4).enumerate() {
            let next = u32_at(word, 0).unwrap_or(u32::MAX);
            if index(next) >= table.len() || next.checked_rem(row) != Some(0) {
                let at = TABLE_AT.saturating_add(i.saturating_mul(4));
                return Err(part.fault(at, "transition"));
            }
        }
        Ok(())
    }

    /// The lists follow each other, none is empty, each names existing things, rising.
    fn check_lists(&self, part: &Part<'_>, things: u32) -> Result {
        let starts = Self::words(part, self.starts);
        let lists = Self::words(part, self.lists);
        let starts_at = self.starts.at().saturating_sub(part.at);
        let lists_at = self.lists.at().saturating_sub(part.at);
        let mut starts = starts.chunks_exact(4).enumerate();
        let mut at = starts_at;
        let mut first = match starts.next().and_then(|(_, word)| u32_at(word, 0)) {
            Some(0) => 0usize,
            _ => return Err(part.fault(at, "first list")),
        };
        for (i, word) in starts {
            at = starts_at.saturating_add(i.saturating_mul(4));
            let end = u32_at(word, 0).map_or(0, index);
            let list = lists.get(first.saturating_mul(4)..end.saturating_mul(4));
            let list = list.filter(|list| !list.is_empty());
            let list = list.ok_or(part.fault(at, "list of an accepting state"))?;
            let mut last = None;
            for (k, word) in list.chunks_exact(4).enumerate() {
                let thing = u32_at(word, 0).unwrap_or(u32::MAX);
                if thing >= things || last.is_some_and(|last| last >= thing) {
                    let at = first.saturating_add(k).saturating_mul(4);
                    let at = lists_at.saturating_add(at);
                    return Err(part.fault(at, "signature of an accepting state"));
                }
                last = Some(thing);
            }
            first = end;
        }
        if first.saturating_mul(4) != lists.len() {
            return Err(part.fault(at, "entries behind the last list"));
        }
        Ok(())
    }

    /// How many states it has.
    pub(super) const fn states(&self) -> u32 {
        self.states
    }

    /// Whether it finds anything at all.
    pub(super) const fn finds(&self) -> bool {
        self.starts.len() > 4
    }

    /// The state before the first byte.
    pub(super) const fn start(&self) -> State {
        self.start
    }

    /// What is walked, in an image.
    #[inline]
    pub(super) fn walk<'a>(&self, image: &'a [u8]) -> Walk<'a> {
        Walk {
            // Verified, so there are as many.
            classes: self.classes.of(image).first_chunk().unwrap_or(&[0; 256]),
            table: self.table.of(image),
            start: self.start,
        }
    }

    /// Whether something ends with the byte that led to a state.
    #[inline(always)]
    pub(super) const fn accepts(&self, state: State) -> bool {
        state >= self.first_accept
    }

    /// `raw` if it is a state of this automaton, else the start.
    pub(super) fn state(&self, raw: u32) -> State {
        let row = raw.checked_div(self.row).unwrap_or(u32::MAX);
        if row < self.states && row.checked_mul(self.row) == Some(raw) {
            raw
        } else {
            self.start
        }
    }

    /// The things that end with the byte that led to a state.
    #[cold]
    pub(super) fn accepted<'a>(
        &self,
        image: &'a [u8],
        state: State,
    ) -> impl Iterator<Item = usize> + 'a {
        let list = state.checked_sub(self.first_accept);
        let list = list.and_then(|past| past.checked_div(self.row));
        let (starts, lists) = (self.starts.of(image), self.lists.of(image));
        let entry = |i: u32| u32_at(starts, index(i).saturating_mul(4)).map(index);
        let bounds = list.and_then(|i| Some((entry(i)?, entry(i.checked_add(1)?)?)));
        let (first, end) = bounds.unwrap_or((0, 0));
        (first..end).map_while(move |i| u32_at(lists, i.saturating_mul(4)).map(index))
    }
}

/// The parts of an automaton that each byte needs.
#[derive(Clone, Copy)]
pub(super) struct Walk<'a> {
    classes: &'a [u8; 256],
    table: &'a [u8],
    start: State,
}

impl Walk<'_> {
    /// The state behind `byte`.
    ///
    /// What the next byte waits for is one load: the column's address does not depend on the state,
    /// and nobody waits for the comparisons, which are always predicted.
    #[inline(always)]
    pub(super) fn step(&self, now: State, byte: u8) -> State {
        // A byte is always an index of 256 classes. OVERFLOW: a class is below 256.
        let column = usize::from(self.classes[usize::from(byte)]).wrapping_mul(4);
        let next = self
            .table
            .get(column..)
            .and_then(|column| u32_at(column, index(now)));
        next.unwrap_or(self.start)
    }
}

/// Reads the counts and checks what does not need the rest.
fn read_counts(part: &Part<'_>) -> Result<Counts> {
    let mut r = Reader::new(part.bytes, 0);
    let mut words = [0; 6];
    for word in &mut words {
        let at = r.offset();
        *word = r.u32().ok_or(part.fault(at, "counts of the automaton"))?;
    }
    let [states, classes, accepting, entries, start, reserved] = words;
    for (at, wrong, what) in [
        (at::STATES, states == 0, "number of states"),
        (
            at::CLASSES,
            classes == 0 || classes > 256,
            "number of classes",
        ),
        (
            at::ACCEPTING,
            accepting > states,
            "number of accepting states",
        ),
        (at::START, start >= states, "start state"),
        (at::RESERVED, reserved != 0, "reserved word"),
    ] {
        if wrong {
            return Err(part.fault(at, what));
        }
    }
    Ok(Counts {
        states,
        classes,
        accepting,
        entries,
        start,
    })
}

/// The class of each byte value.
fn classes_of<'a>(part: &Part<'a>) -> &'a [u8] {
    part.bytes.get(CLASSES_AT..TABLE_AT).unwrap_or_default()
}

/// Each byte value has a class, each class is one of the row, and some byte has it.
fn check_classes(part: &Part<'_>, counts: &Counts) -> Result {
    let mut greatest = 0;
    for (i, class) in classes_of(part).iter().enumerate() {
        if u32::from(*class) >= counts.classes {
            return Err(part.fault(CLASSES_AT.saturating_add(i), "class"));
        }
        greatest = greatest.max(*class);
    }
    if u32::from(greatest).saturating_add(1) != counts.classes {
        return Err(part.fault(at::CLASSES, "classes that no byte has"));
    }
    Ok(())
}
