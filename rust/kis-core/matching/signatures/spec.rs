// SPDX-License-Identifier: GPL-2.0

//! Making images of signatures; for kisctl and the tests.
//!
//! Floor 0, no allocation: the caller gives the room. What is made here is what
//! [`Signatures::verify`](super::Signatures::verify) accepts, because it has the last word.

use super::rows::ROW;
use super::verify;
use crate::matching::automaton;
use crate::matching::lead::{
    self,
    LeadSpec, //
};
use crate::matching::piece::{
    self,
    PieceSpec, //
};
use crate::matching::ports::{
    PortRange,
    RANGE, //
};
use crate::matching::scope::Scope;
use crate::matching::scoped;
use crate::matching::section::{
    Kind,
    Sections, //
};
use crate::matching::term::TermsSpec;
use crate::matching::threshold::{
    self,
    Threshold, //
};
use crate::wire::bytes::{
    index,
    u32_at,
    Writer, //
};
use crate::wire::image::{
    self,
    HEADER, //
};
use crate::{
    Error,
    Result, //
};

/// A signature to be encoded; [`super::Signature`] says what each field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the accessors of Signature document them")]
pub struct SigSpec<'a> {
    /// Ids have to rise from one signature to the next.
    pub id: u32,
    pub revision: u32,
    pub kind: u8,
    pub message: &'a [u8],
    pub cell: Option<&'a [u8]>,
    pub ban_s: u32,
    pub ports: &'a [PortRange],
    pub threshold: Option<Threshold>,
}

/// The automaton to be encoded, with plain state numbers in any order.
#[derive(Clone, Copy, Debug)]
pub struct DfaSpec<'a> {
    /// Class of each byte value; the classes are numbered from 0 without gaps.
    pub classes: &'a [u8; 256],
    /// Length of a row of `transitions`, at least the number of classes.
    pub stride: usize,
    /// For each state a row with the next state for each class. What is in a row behind the last
    /// class does not count.
    pub transitions: &'a [u32],
    /// The state in which streams begin.
    pub start: u32,
    /// For each state the signatures (numbers from 0, rising) that end with the byte that led to it.
    pub accepts: &'a [&'a [u32]],
}

impl DfaSpec<'_> {
    /// That of nothing.
    pub const NONE: Self = Self {
        classes: &[0; 256],
        stride: 1,
        transitions: &[],
        start: 0,
        accepts: &[],
    };

    /// Bytes of its section.
    fn bytes(&self) -> Option<usize> {
        let states = self.accepts.len();
        automaton::bytes(states, self.classes(), self.accepting(), self.entries())
    }

    /// Bytes of room to renumber its states.
    fn scratch(&self) -> usize {
        self.accepts.len().saturating_mul(4)
    }

    /// Checks what can be told before it is encoded.
    fn check(&self) -> Result {
        let states = self.accepts.len();
        let Ok(numbers) = u32::try_from(states) else {
            return Err(Error::malformed(HEADER, "number of states"));
        };
        let fits = self.stride >= self.classes()
            && states.checked_mul(self.stride) == Some(self.transitions.len());
        if !fits {
            return Err(Error::malformed(HEADER, "transitions do not fit states"));
        }
        if self.start >= numbers && states != 0 {
            return Err(Error::malformed(HEADER, "start state"));
        }
        Ok(())
    }

    /// Writes its section; `map` has the new numbers.
    fn write(&self, w: &mut Writer<'_>, map: &[u8]) {
        // CAST: a number that does not fit is refused by verify().
        let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let classes = self.classes();
        w.u32(cut(self.accepts.len()));
        w.u32(cut(classes));
        w.u32(cut(self.accepting()));
        w.u32(cut(self.entries()));
        w.u32(renumbered(map, self.start));
        w.u32(0);
        w.put(self.classes);
        table(w, self, map, classes);
        lists(w, self);
    }

    /// Number of classes.
    fn classes(&self) -> usize {
        let greatest = self.classes.iter().copied().max().unwrap_or(0);
        usize::from(greatest).saturating_add(1)
    }

    /// Number of states that accept.
    fn accepting(&self) -> usize {
        let full = self.accepts.iter().filter(|list| !list.is_empty());
        full.fold(0, |sum: usize, _| sum.saturating_add(1))
    }

    /// Entries of all lists.
    fn entries(&self) -> usize {
        let lens = self.accepts.iter().map(|list| list.len());
        lens.fold(0, usize::saturating_add)
    }
}

/// What there is beside the automaton of a stream, to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct PlanSpec<'a> {
    /// Class maps of the pieces.
    pub maps: &'a [[u8; 256]],
    /// The pieces.
    pub pieces: &'a [PieceSpec<'a>],
    /// The literals, rising.
    pub leads: &'a [LeadSpec],
    /// What the signatures are made of; the automata and leads find terms.
    pub terms: TermsSpec<'a>,
    /// The automaton of terms in parts of requests; its start does not count.
    pub scoped: &'a DfaSpec<'a>,
    /// Where it begins for each scope, rising by their codes.
    pub starts: &'a [(Scope, u32)],
}

impl PlanSpec<'_> {
    /// None.
    pub const NONE: Self = Self {
        maps: &[],
        pieces: &[],
        leads: &[],
        terms: TermsSpec::NONE,
        scoped: &DfaSpec::NONE,
        starts: &[],
    };

    /// Bytes of the section of the scopes.
    fn scoped_bytes(&self) -> Option<usize> {
        if self.starts.is_empty() {
            return Some(scoped::HEAD);
        }
        let starts = self.starts.len().checked_mul(scoped::RECORD)?;
        let automaton = self.scoped.bytes()?;
        scoped::HEAD.checked_add(starts)?.checked_add(automaton)
    }
}

/// How many bytes [`encode`] needs: the image, and room to renumber the states.
pub fn room(sigs: &[SigSpec<'_>], dfa: &DfaSpec<'_>) -> usize {
    room_plan(sigs, dfa, &PlanSpec::NONE)
}

/// How many bytes [`encode_plan`] needs.
pub fn room_plan(sigs: &[SigSpec<'_>], dfa: &DfaSpec<'_>, plan: &PlanSpec<'_>) -> usize {
    let scratch = dfa.scratch().saturating_add(plan.scoped.scratch());
    lay_out(sigs, dfa, plan).map_or(usize::MAX, |sections| {
        sections.end().saturating_add(scratch)
    })
}

/// Where the sections of an image are; `None` when they make none.
fn lay_out(sigs: &[SigSpec<'_>], dfa: &DfaSpec<'_>, plan: &PlanSpec<'_>) -> Option<Sections> {
    Sections::lay_out([
        sigs.len().checked_mul(ROW)?,
        string_bytes(sigs),
        dfa.bytes()?,
        piece::bytes(plan.maps.len(), plan.pieces)?,
        lead::bytes(plan.leads)?,
        plan.terms.bytes()?,
        plan.scoped_bytes()?,
        ranges(sigs).checked_mul(RANGE)?,
        thresholds(sigs).count().checked_mul(threshold::ROW)?,
    ])
}

/// Number of all ranges of ports.
fn ranges(sigs: &[SigSpec<'_>]) -> usize {
    let lens = sigs.iter().map(|sig| sig.ports.len());
    lens.fold(0, usize::saturating_add)
}

/// The thresholds, each with the place of its signature.
fn thresholds<'a>(sigs: &'a [SigSpec<'_>]) -> impl Iterator<Item = (u32, Threshold)> + 'a {
    let each = (0u32..).zip(sigs);
    each.filter_map(|(at, sig)| Some((at, sig.threshold?)))
}

/// Bytes of all strings.
fn string_bytes(sigs: &[SigSpec<'_>]) -> usize {
    let lens = sigs.iter().flat_map(|sig| {
        let cell = sig.cell.unwrap_or_default();
        [sig.message.len(), cell.len()]
    });
    lens.fold(0, usize::saturating_add)
}

/// Writes the image of `sigs` and `dfa` over the beginning of `out` and gives its length.
///
/// `out` has to have [`room`]; what is behind the image is garbage afterwards.
///
/// # Errors
///
/// As [`Signatures::verify`](super::Signatures::verify), and [`Error::Limit`] when `out` is too
/// short. `out` is garbage then.
pub fn encode(sigs: &[SigSpec<'_>], dfa: &DfaSpec<'_>, out: &mut [u8]) -> Result<usize> {
    encode_plan(sigs, dfa, &PlanSpec::NONE, out)
}

/// The same with what there is beside the automaton; `out` has to have [`room_plan`].
///
/// # Errors
///
/// As [`encode`].
pub fn encode_plan(
    sigs: &[SigSpec<'_>],
    dfa: &DfaSpec<'_>,
    plan: &PlanSpec<'_>,
    out: &mut [u8],
) -> Result<usize> {
    if sigs
        .iter()
        .any(|sig| sig.cell.is_some_and(<[u8]>::is_empty))
    {
        return Err(Error::malformed(0, "empty name of a cell"));
    }
    dfa.check()?;
    plan.scoped.check()?;
    let no_room = Error::limit("bytes of an image", image::LIMIT);
    let rises = |pair: (&LeadSpec, &LeadSpec)| pair.0.gram <= pair.1.gram;
    if !plan.leads.iter().zip(plan.leads.iter().skip(1)).all(rises) {
        return Err(Error::malformed(HEADER, "order of the leads"));
    }
    let sections = lay_out(sigs, dfa, plan).ok_or(no_room)?;
    let scratch = dfa.scratch().saturating_add(plan.scoped.scratch());
    if out.len() < sections.end().saturating_add(scratch) {
        return Err(no_room);
    }
    let (out, maps) = out.split_at_mut(out.len().saturating_sub(scratch));
    let (map, scoped_map) = maps.split_at_mut_checked(dfa.scratch()).ok_or(no_room)?;
    renumber(dfa, map);
    renumber(plan.scoped, scoped_map);

    let mut w = image::begin(out);
    sections.write(&mut w);
    for kind in Kind::ALL {
        let gap = sections.get(kind).at().saturating_sub(w.offset());
        w.zeros(gap);
        match kind {
            Kind::Signatures => rows(&mut w, sigs),
            Kind::Strings => strings(&mut w, sigs),
            Kind::Automaton => dfa.write(&mut w, map),
            Kind::Pieces => piece::write(&mut w, plan.maps, plan.pieces),
            Kind::Leads => w.zeros(sections.get(kind).len()),
            Kind::Terms => plan.terms.write(&mut w),
            Kind::Scoped => scopes(&mut w, plan, scoped_map),
            Kind::Ports => {
                let ranges = sigs.iter().flat_map(|sig| sig.ports);
                ranges.for_each(|range| range.write(&mut w));
            }
            Kind::Thresholds => thresholds(sigs).for_each(|(at, own)| own.write(at, &mut w)),
        }
    }
    let len = w.finish();
    let leads = sections.get(Kind::Leads);
    let end = leads.at().saturating_add(leads.len());
    if let Some(leads) = out.get_mut(leads.at()..end) {
        lead::write(leads, plan.leads);
    }
    let len = image::seal(out, image::Kind::Signatures, len)?;
    verify::is_image(out.get(..len).unwrap_or_default())?;
    Ok(len)
}

/// Writes the automaton of the parts of requests, and where it begins.
fn scopes(w: &mut Writer<'_>, plan: &PlanSpec<'_>, map: &[u8]) {
    // CAST: a number that does not fit is refused by verify().
    w.u32(u32::try_from(plan.starts.len()).unwrap_or(u32::MAX));
    w.u32(0);
    // CAST: at most 256.
    let row = (plan.scoped.classes() as u32).saturating_mul(4);
    for (scope, start) in plan.starts {
        w.u32(scope.code());
        w.u32(renumbered(map, *start).saturating_mul(row));
    }
    if !plan.starts.is_empty() {
        plan.scoped.write(w, map);
    }
}

/// Writes to `map` the new number of each state: those that accept come last.
fn renumber(dfa: &DfaSpec<'_>, map: &mut [u8]) {
    let mut plain = 0u32;
    let count = dfa.accepts.len().saturating_sub(dfa.accepting());
    let mut accepting = u32::try_from(count).unwrap_or(u32::MAX);
    for (list, to) in dfa.accepts.iter().zip(map.chunks_exact_mut(4)) {
        let next = if list.is_empty() {
            &mut plain
        } else {
            &mut accepting
        };
        to.copy_from_slice(&next.to_le_bytes());
        *next = next.saturating_add(1);
    }
}

/// The new number of a state; one that is none for a state that does not exist.
fn renumbered(map: &[u8], state: u32) -> u32 {
    u32_at(map, index(state).saturating_mul(4)).unwrap_or(u32::MAX)
}

/// Writes the transitions in the new order.
fn table(w: &mut Writer<'_>, dfa: &DfaSpec<'_>, map: &[u8], classes: usize) {
    // CAST: at most 256.
    let row = (classes as u32).saturating_mul(4);
    let place = |state: u32| renumbered(map, state).saturating_mul(row);
    for accepting in [false, true] {
        let mut rows = dfa.transitions.chunks_exact(dfa.stride.max(1));
        for list in dfa.accepts {
            let row = rows.next().unwrap_or_default();
            if list.is_empty() != accepting {
                for next in row.iter().take(classes) {
                    w.u32(place(*next));
                }
            }
        }
    }
}

/// Writes the list index and the lists.
fn lists(w: &mut Writer<'_>, dfa: &DfaSpec<'_>) {
    let full = || dfa.accepts.iter().filter(|list| !list.is_empty());
    let mut start = 0usize;
    w.u32(0);
    for list in full() {
        start = start.saturating_add(list.len());
        w.u32(u32::try_from(start).unwrap_or(u32::MAX));
    }
    for sig in full().flat_map(|list| list.iter()) {
        w.u32(*sig);
    }
}

/// Writes the signatures.
fn rows(w: &mut Writer<'_>, sigs: &[SigSpec<'_>]) {
    // CAST: a number that does not fit is refused by verify().
    let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (mut next, mut range) = (0u32, 0u32);
    for sig in sigs {
        w.u32(sig.id);
        w.u32(sig.revision);
        w.u32(u32::from(sig.kind));
        w.u32(sig.ban_s);
        for text in [sig.message, sig.cell.unwrap_or_default()] {
            let len = cut(text.len());
            w.u32(next);
            w.u32(len);
            next = next.saturating_add(len);
        }
        let count = cut(sig.ports.len());
        w.u32(range);
        w.u32(count);
        range = range.saturating_add(count);
    }
}

/// Writes the strings of the signatures.
fn strings(w: &mut Writer<'_>, sigs: &[SigSpec<'_>]) {
    for sig in sigs {
        w.put(sig.message);
        w.put(sig.cell.unwrap_or_default());
    }
}
