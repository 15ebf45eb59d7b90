// SPDX-License-Identifier: GPL-2.0

//! Literals that patterns cannot do without, and where each leads: the first filter.
//!
//! Of each pattern four bytes in a row are taken that few benign streams have, its *gram*. Two tables of
//! 64 KiB say for the last four bytes, and for the four before the last one, which of eight groups of
//! leads may have them: where both agree on a group the gram is looked up exactly, and what it leads to is
//! asked. Most bytes of most streams end there, so that ten thousand patterns cost as much as ten.
//! Cases do not count here: a byte is taken with bit 5 set. (The same idea with vectors is Hyperscan's
//! FDR: Wang et al., "Hyperscan: A Fast Multi-pattern Regex Matcher for Modern CPUs", NSDI 2019.)
//!
//! The section: u32 places, a power of two or 0, u32 leads; if there are places, the two tables of 65,536
//! bytes; for each place u32 gram, u32 first lead, u32 leads, u32 0 (no leads: the place is free); for
//! each lead u32 term, u32 the piece that ends with the gram, read backwards, u32 the piece that
//! follows, or all ones for none, u32 0. Leads of one gram lie together. Floor 0, pure; context: any.

use super::progress::{
    Byte,
    Track, //
};
use super::section::{
    Part,
    Section, //
};
use crate::wire::bytes::{
    array_at,
    index,
    u32_at,
    Writer, //
};
use crate::Result;

/// Bytes of a table.
const TABLE: usize = 1 << 16;
/// Bytes before the tables.
const HEAD: usize = 8;
/// Bytes of a place, and of a lead.
const RECORD: usize = 16;

/// No piece follows.
const NOTHING: u32 = u32::MAX;

/// Most places that are looked at for a gram, of which more than half are free: with 16,384 signatures a few
/// dozen come up. An image in which one is further away is refused.
const MAX_STEPS: usize = 256;

/// Most leads of a gram: each time it is found all are asked.
const MAX_LEADS: u32 = 4096;

/// The group of those whose gram nothing is known to come before of.
const ALONE: u8 = 7;

/// The bits that all bytes of a gram have.
const FOLD: u32 = 0x2020_2020;

/// Four bytes as a gram, the first one lowest.
///
/// # Examples
///
/// ```
/// use kis_core::matching::lead::gram;
///
/// assert_eq!(gram(*b"eViL"), gram(*b"EvIl"));
/// assert_ne!(gram(*b"evil"), gram(*b"live"));
/// ```
#[inline(always)]
pub const fn gram(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes) | FOLD
}

/// Where a gram is in a table.
#[inline(always)]
const fn hash(gram: u32) -> u16 {
    // CAST: the upper half.
    (gram.wrapping_mul(0x9e37_79b1) >> 16) as u16
}

/// The places of a power of two where a gram's leads are looked for, in this order.
#[inline]
fn probes(gram: u32, places: u32) -> impl Iterator<Item = usize> {
    let first = gram.wrapping_mul(0x85eb_ca6b).rotate_left(15);
    (0..places).map(move |step| index(first.wrapping_add(step) & places.wrapping_sub(1)))
}

/// The leads of a gram, by so many places.
fn find(taken: &[u8], places: u32, gram: u32) -> core::ops::Range<u32> {
    for at in probes(gram, places).take(MAX_STEPS) {
        let record = at.checked_mul(RECORD);
        let record = record.and_then(|at| taken.get(at..)).unwrap_or_default();
        let word = |at| u32_at(record, at).unwrap_or(0);
        match (word(0), word(8)) {
            (_, 0) => break,
            (found, count) if found == gram => {
                return word(4)..word(4).saturating_add(count);
            }
            _ => {}
        }
    }
    0..0
}

/// A lead to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeadSpec {
    /// The gram ([`gram`]). Leads rise by it.
    pub gram: u32,
    /// The gram that ends a byte earlier, where that is the same in all matches.
    pub before: Option<u32>,
    /// Index of the [term](super::term).
    pub term: u32,
    /// Index of the piece that ends with the gram, read backwards from its last byte.
    pub back: u32,
    /// Index of the piece that follows.
    pub on: Option<u32>,
}

/// How many grams there are.
fn grams(leads: &[LeadSpec]) -> usize {
    let pairs = leads.iter().zip(leads.iter().skip(1));
    let changes = pairs.filter(|(a, b)| a.gram != b.gram).count();
    changes.saturating_add(usize::from(!leads.is_empty()))
}

/// How many places they get: more than twice as many.
fn places(leads: &[LeadSpec]) -> usize {
    match grams(leads) {
        0 => 0,
        grams => grams.saturating_mul(2).next_power_of_two(),
    }
}

/// Bytes of a section with these leads.
pub(super) fn bytes(leads: &[LeadSpec]) -> Option<usize> {
    let tables = if leads.is_empty() { 0 } else { 2 * TABLE };
    let records = places(leads)
        .checked_add(leads.len())?
        .checked_mul(RECORD)?;
    HEAD.checked_add(tables)?.checked_add(records)
}

/// Writes the section over `out`, which has [`bytes`] and is zero.
pub(super) fn write(out: &mut [u8], leads: &[LeadSpec]) {
    let count = places(leads);
    // A number that does not fit is refused by whoever verifies it.
    let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (head, rest) = out.split_at_mut_checked(HEAD).unwrap_or_default();
    let mut w = Writer::new(head);
    w.u32(cut(count));
    w.u32(cut(leads.len()));
    if leads.is_empty() {
        return;
    }
    let (first, rest) = rest.split_at_mut_checked(TABLE).unwrap_or_default();
    let (second, rest) = rest.split_at_mut_checked(TABLE).unwrap_or_default();
    for lead in leads {
        let group = match lead.before {
            Some(_) => (hash(lead.gram.rotate_left(7)) % u16::from(ALONE)) as u8,
            None => ALONE,
        };
        let bit = 1u8 << group;
        if let Some(groups) = first.get_mut(usize::from(hash(lead.gram))) {
            *groups |= bit;
        }
        match lead.before {
            Some(before) => {
                if let Some(groups) = second.get_mut(usize::from(hash(before))) {
                    *groups |= bit;
                }
            }
            None => second.iter_mut().for_each(|groups| *groups |= bit),
        }
    }
    let (taken, rest) = rest
        .split_at_mut_checked(count.saturating_mul(RECORD))
        .unwrap_or_default();
    let mut from = 0usize;
    while let Some(lead) = leads.get(from) {
        let same = leads
            .iter()
            .skip(from)
            .take_while(|of| of.gram == lead.gram);
        let len = same.count();
        for at in probes(lead.gram, cut(count)) {
            let at = at.saturating_mul(RECORD);
            let Some(record) = taken.get_mut(at..at.saturating_add(RECORD)) else {
                break;
            };
            if u32_at(record, 8) == Some(0) {
                let mut w = Writer::new(record);
                w.u32(lead.gram);
                w.u32(cut(from));
                w.u32(cut(len));
                break;
            }
        }
        from = from.saturating_add(len);
    }
    let mut w = Writer::new(rest);
    for lead in leads {
        w.u32(lead.term);
        w.u32(lead.back);
        w.u32(lead.on.unwrap_or(NOTHING));
        w.u32(0);
    }
}

/// Verified leads: where they are in the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leads {
    places: u32,
    first: Section,
    second: Section,
    taken: Section,
    leads: Section,
}

/// Where one leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lead {
    pub(super) term: u32,
    pub(super) back: u32,
    pub(super) on: Option<u32>,
}

impl Leads {
    /// None.
    pub(super) const NONE: Self = Self {
        places: 0,
        first: Section::NONE,
        second: Section::NONE,
        taken: Section::NONE,
        leads: Section::NONE,
    };

    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.places == 0
    }

    /// Checks the section, whose leads name so many terms and pieces, and becomes it.
    pub(super) fn verify(&mut self, part: &Part<'_>, things: u32, pieces: u32) -> Result {
        let fault = |at, what| part.fault(at, what);
        let word = |at| u32_at(part.bytes, at).ok_or(fault(at, "counts of leads"));
        let (places, count) = (word(0)?, word(4)?);
        if !(places == 0 && count == 0 || places.is_power_of_two() && count != 0) {
            return Err(fault(0, "counts of leads"));
        }
        let table = if places == 0 { 0 } else { TABLE };
        let mut end = HEAD;
        let mut next = |len: Option<usize>| Section::next(&mut end, len?);
        let records = |n: u32| index(n).checked_mul(RECORD);
        let tables = next(Some(table)).zip(next(Some(table)));
        let lists = next(records(places)).zip(next(records(count)));
        let ((first, second), (taken, leads)) =
            tables.zip(lists).ok_or(fault(0, "counts of leads"))?;
        if end != part.bytes.len() {
            return Err(fault(0, "counts do not fill the section"));
        }
        for (i, place) in taken.of(part.bytes).chunks_exact(RECORD).enumerate() {
            let at = taken.at().saturating_add(i.saturating_mul(RECORD));
            let word = |at| u32_at(place, at).unwrap_or(u32::MAX);
            let end = word(4).checked_add(word(8));
            let (gram, len) = (word(0), word(8));
            let is_found = || {
                let found = find(taken.of(part.bytes), places, gram);
                let groups = first.of(part.bytes).get(usize::from(hash(gram)));
                found == (word(4)..end.unwrap_or(0)) && groups.is_some_and(|groups| *groups != 0)
            };
            let is_within = end.is_some_and(|end| end <= count) && len <= MAX_LEADS;
            if word(12) != 0 || !is_within || len != 0 && !is_found() {
                return Err(fault(at, "leads of a gram"));
            }
        }
        for (i, lead) in leads.of(part.bytes).chunks_exact(RECORD).enumerate() {
            let at = leads.at().saturating_add(i.saturating_mul(RECORD));
            let word = |at| u32_at(lead, at).unwrap_or(u32::MAX);
            let on = word(8);
            let good = word(0) < things
                && word(4) < pieces
                && (on < pieces || on == NOTHING)
                && word(12) == 0;
            if !good {
                return Err(fault(at, "lead"));
            }
        }
        *self = Self {
            places,
            first: first.moved(part.at),
            second: second.moved(part.at),
            taken: taken.moved(part.at),
            leads: leads.moved(part.at),
        };
        Ok(())
    }

    /// What each byte needs of them.
    #[inline]
    pub(super) fn filter<'a>(&self, image: &'a [u8]) -> Filter<'a> {
        const NONE: &[u8; TABLE] = &[0; TABLE];
        // Verified, so there are as many.
        Filter {
            first: self.first.of(image).first_chunk().unwrap_or(NONE),
            second: self.second.of(image).first_chunk().unwrap_or(NONE),
        }
    }

    /// The leads of a gram.
    pub(super) fn find(&self, image: &[u8], gram: u32) -> core::ops::Range<u32> {
        find(self.taken.of(image), self.places, gram)
    }

    /// A lead.
    #[inline]
    pub(super) fn get(&self, image: &[u8], at: u32) -> Option<Lead> {
        let record = self.leads.of(image).get(index(at).checked_mul(RECORD)?..)?;
        let on = u32_at(record, 8)?;
        Some(Lead {
            term: u32_at(record, 0)?,
            back: u32_at(record, 4)?,
            on: (on != NOTHING).then_some(on),
        })
    }
}

/// The tables that each byte needs.
#[derive(Clone, Copy)]
pub(super) struct Filter<'a> {
    first: &'a [u8; TABLE],
    second: &'a [u8; TABLE],
}

/// The last four bytes of a stream as a gram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) gram: u32,
}

impl Window {
    /// That before the next byte. What is not known is taken for a zero; whoever is asked
    /// whether a literal is there looks at the bytes themselves.
    pub(super) fn of<const W: usize>(track: &Track<W>) -> Self {
        let mut bytes = [0; 4];
        for (byte, steps) in bytes.iter_mut().rev().zip(1..) {
            if let Byte::Is(known) = track.back(steps) {
                *byte = known;
            }
        }
        Self { gram: gram(bytes) }
    }

    /// Goes on by a byte; the gram before.
    #[inline(always)]
    fn push(&mut self, byte: u8) -> u32 {
        let before = self.gram;
        self.gram = (before >> 8) | (u32::from(byte) << 24) | FOLD;
        before
    }
}

impl Filter<'_> {
    /// The groups of leads that may have a gram.
    #[inline(always)]
    fn first(&self, gram: u32) -> u8 {
        // 16 bits are always an index of 65,536 bytes.
        self.first[usize::from(hash(gram))]
    }

    /// Whether some lead may have a gram behind the one that ends a byte earlier.
    #[inline]
    fn may_be(&self, gram: u32, before: u32) -> bool {
        let groups = self.first(gram);
        groups != 0 && groups & self.second[usize::from(hash(before))] != 0
    }

    /// Reads on until some lead may have a gram; where the byte is that ends it. What is before `from` was
    /// read.
    #[inline]
    pub(super) fn next(&self, window: &mut Window, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        // The first grams begin in what came before.
        while at < 3 {
            let before = window.push(*bytes.get(at)?);
            if self.may_be(window.gram, before) {
                return Some(at);
            }
            at = at.wrapping_add(1);
        }
        loop {
            let quiet = quiet(self.first, bytes.get(at.wrapping_sub(3)..)?);
            at = at.wrapping_add(quiet);
            if let Some(last) = array_at(bytes, at.wrapping_sub(4)).filter(|_| quiet != 0) {
                window.gram = gram(last);
            }
            // What follows is not quiet, or the end.
            for _ in 0..GRAMS {
                let before = window.push(*bytes.get(at)?);
                if self.may_be(window.gram, before) {
                    return Some(at);
                }
                at = at.wrapping_add(1);
            }
        }
    }
}

/// [`FOLD`] for eight bytes.
const FOLD_BOTH: u64 = 0x2020_2020_2020_2020;

/// Grams that are asked for together.
const GRAMS: usize = 4;

/// How many bytes end no gram that the first table has, four at a time, from the fourth byte on. A loop of
/// its own, which leaves it all registers: nearly all bytes of all streams go through it.
#[inline(never)]
fn quiet(first: &[u8; TABLE], bytes: &[u8]) -> usize {
    // 16 bits are always an index of 65,536 bytes. CAST: the four bytes that are meant.
    let groups = |word: u64| first[usize::from(hash(word as u32))];
    let mut rest = bytes;
    while let Some(word) = rest.first_chunk().copied() {
        let word = u64::from_le_bytes(word) | FOLD_BOTH;
        if groups(word) | groups(word >> 8) | groups(word >> 16) | groups(word >> 24) != 0 {
            break;
        }
        rest = rest.get(GRAMS..).unwrap_or_default();
    }
    bytes.len().wrapping_sub(rest.len())
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_lead))]
mod tests {
    use super::*;

    #[test]
    fn windows_go_on_where_a_stream_was() {
        let mut track = Track::<1>::new(true);
        let mut window = Window::of(&track);
        for byte in b"Ab-c Def/\xff\x00" {
            let there = Window::of(&track);
            assert_eq!(there.gram, window.gram);
            window.push(*byte);
            track.push(&[*byte]);
        }
    }
}

// In user space only: the tables are larger than a stack of the kernel.
#[cfg(test)]
mod table_tests {
    use super::*;
    extern crate std;
    use std::{vec, vec::Vec};

    fn leads() -> Vec<LeadSpec> {
        let lead = |bytes: &[u8; 5], is_alone: bool, term| {
            let [a, b, c, d, e] = *bytes;
            LeadSpec {
                gram: gram([b, c, d, e]),
                before: (!is_alone).then_some(gram([a, b, c, d])),
                term,
                back: 0,
                on: (term == 1).then_some(1),
            }
        };
        let mut leads = vec![
            lead(b"xevil", false, 0),
            lead(b"yevil", false, 1),
            lead(b"?root", true, 2),
        ];
        leads.sort_by_key(|lead| lead.gram);
        leads
    }

    fn section(leads: &[LeadSpec]) -> Vec<u8> {
        let mut out = vec![0; bytes(leads).unwrap()];
        write(&mut out, leads);
        out
    }

    #[test]
    fn leads_are_found_by_their_grams() {
        let image = section(&leads());
        let mut found = Leads::NONE;
        let part = Part {
            bytes: &image,
            at: 0,
        };
        found.verify(&part, 3, 2).unwrap();
        let terms = |text: &[u8; 4]| -> Vec<u32> {
            let range = found.find(&image, gram(*text));
            range
                .map(|at| found.get(&image, at).unwrap().term)
                .collect()
        };
        assert_eq!(
            (terms(b"EVIL"), terms(b"root"), terms(b"none")),
            (vec![0, 1], vec![2], vec![])
        );
        let filter = found.filter(&image);
        let ends = |text: &[u8]| -> Vec<usize> {
            let mut window = Window::of(&Track::<1>::new(true));
            let (mut at, mut ends) = (0, vec![]);
            while let Some(end) = filter.next(&mut window, text, at) {
                ends.push(end);
                at = end + 1;
            }
            ends
        };
        assert_eq!(ends(b"an XEVIL one, yeVil, zevil; root"), [7, 18, 31]);
        let empty = section(&[]);
        assert_eq!(empty, [0; HEAD]);
        let mut none = Leads::NONE;
        none.verify(
            &Part {
                bytes: &empty,
                at: 0,
            },
            0,
            0,
        )
        .unwrap();
        assert!(none.is_empty());
    }

    #[test]
    fn damaged_leads_are_refused_or_harmless() {
        let image = section(&leads());
        let head = (0..HEAD).chain(2 * TABLE + HEAD..image.len());
        for at in head {
            for value in [1, 0x80] {
                let mut forged = image.clone();
                forged[at] ^= value;
                let mut found = Leads::NONE;
                let part = Part {
                    bytes: &forged,
                    at: 0,
                };
                if found.verify(&part, 3, 2).is_err() {
                    continue;
                }
                for lead in found.find(&forged, gram(*b"evil")) {
                    let lead = found.get(&forged, lead).unwrap();
                    assert!(lead.term < 3 && lead.back < 2 && lead.on.is_none_or(|on| on < 2));
                }
            }
        }
        let mut found = Leads::NONE;
        for (things, pieces) in [(2, 2), (3, 1)] {
            let part = Part {
                bytes: &image,
                at: 0,
            };
            assert!(found.verify(&part, things, pieces).is_err());
        }
    }
}
