// SPDX-License-Identifier: GPL-2.0

//! Small automata for what a pattern wants before and behind its literal.

use super::{
    minimise::minimise,
    table::Table,
    walk, //
};
use kis_core::matching::piece::{
    PieceSpec,
    ENDS,
    ENDS_LAST,
    MAX_WORDS, //
};
use regex_automata::{
    dfa::{
        dense,
        StartKind, //
    },
    nfa::thompson::{
        self,
        WhichCaptures, //
    },
    util::start,
    Anchored,
    MatchKind, //
};
use regex_syntax::hir::Hir;
use std::collections::HashMap;

/// Most bytes of regex-automata's automaton of a piece, and of the room to make it.
const LIMIT: usize = 4 * MAX_WORDS;

/// A piece: rows as the image has them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    map: u16,
    row: u16,
    start: u16,
    words: Vec<u16>,
}

/// Pieces and their class maps, each once.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    /// Class maps.
    pub maps: Vec<[u8; 256]>,
    pieces: Vec<Piece>,
    map_numbers: HashMap<[u8; 256], u16>,
    numbers: HashMap<Piece, u32>,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It would be too large.
    Large,
    /// It never ends.
    Never,
}

impl Pieces {
    /// Adds the piece for what follows a literal, or for what ends with it, to be read backwards; its
    /// number.
    pub fn add(&mut self, hir: &Hir, backwards: bool) -> Result<u32, Refusal> {
        let table = table(hir, backwards)?;
        let ends = |list: &Vec<u32>| !list.is_empty();
        if !table.accepts.iter().any(ends) {
            return Err(Refusal::Never);
        }
        let piece = self.piece(&table).ok_or(Refusal::Large)?;
        // CAST: far fewer than 2^32 fit into memory.
        let next = self.pieces.len() as u32;
        let number = *self.numbers.entry(piece.clone()).or_insert(next);
        if number == next {
            self.pieces.push(piece);
        }
        Ok(number)
    }

    fn piece(&mut self, table: &Table) -> Option<Piece> {
        let next = u16::try_from(self.maps.len()).ok()?;
        let row = table.stride + 1;
        let is_end = |state: usize| {
            let rows = &table.transitions[state * table.stride..][..table.stride];
            table.accepts[state].is_empty() && rows.iter().all(|to| *to as usize == state)
        };
        let end = (0..table.states()).find(|state| is_end(*state));
        // The end comes first, whether the table has one or not.
        let number = |state: usize| match end {
            Some(end) if state == end => 0,
            Some(end) if state > end => state,
            _ => state + 1,
        };
        let states = table.states() + usize::from(end.is_none());
        if states * row > MAX_WORDS {
            return None;
        }
        let mut words = vec![0_u16; states * row];
        for state in (0..table.states()).filter(|state| end != Some(*state)) {
            let place = &mut words[number(state) * row..][..row];
            place[0] = table.accepts[state].iter().map(|mark| *mark as u16).sum();
            let from = &table.transitions[state * table.stride..][..table.stride];
            for (to, next) in place[1..].iter_mut().zip(from) {
                // CAST: below MAX_WORDS, which was compared.
                *to = (number(*next as usize) * row) as u16;
            }
        }
        let map = *self.map_numbers.entry(table.classes).or_insert(next);
        if map == next {
            self.maps.push(table.classes);
        }
        Some(Piece {
            map,
            row: u16::try_from(row).ok()?,
            // The table's start is its first state.
            start: u16::try_from(number(0) * row).ok()?,
            words,
        })
    }

    /// The pieces as the image wants them.
    pub fn specs(&self) -> Vec<PieceSpec<'_>> {
        let specs = self.pieces.iter().map(|piece| PieceSpec {
            map: piece.map,
            row: piece.row,
            start: piece.start,
            words: &piece.words,
        });
        specs.collect()
    }

    /// How many rows all have together.
    pub fn rows(&self) -> usize {
        let rows = |piece: &Piece| piece.words.len() / usize::from(piece.row);
        self.pieces.iter().map(rows).sum()
    }
}

/// The automaton of a piece: its lists are the marks of its states.
fn table(hir: &Hir, backwards: bool) -> Result<Table, Refusal> {
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .reverse(backwards)
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(LIMIT)),
        )
        .build_from_hir(hir)
        .map_err(|_| Refusal::Large)?;
    let dfa = dense::Builder::new()
        .configure(
            dense::Config::new()
                .match_kind(MatchKind::All)
                .start_kind(StartKind::Anchored)
                .accelerate(false)
                .minimize(false)
                .dfa_size_limit(Some(LIMIT))
                .determinize_size_limit(Some(LIMIT)),
        )
        .build_from_nfa(&nfa)
        .map_err(|_| Refusal::Large)?;
    let marks = |dfa: &dense::DFA<Vec<u32>>, state| {
        use regex_automata::dfa::Automaton;
        // A match is told one byte late. What looks at the end of the text, and backwards that is the
        // beginning of the stream, is told at that end only.
        let any = dfa.is_match_state(dfa.next_state(state, 0));
        let last = dfa.is_match_state(dfa.next_eoi_state(state));
        let marks = [(any, ENDS), (last, ENDS_LAST)];
        let marks = marks.iter().filter(|(is, _)| *is);
        marks.map(|(_, mark)| u32::from(*mark)).collect()
    };
    // Something was read before: what follows a literal is not at the beginning of the stream.
    let start = start::Config::new()
        .anchored(Anchored::Yes)
        .look_behind(Some(0));
    let table = walk(&dfa, &start, marks).map_err(|_| Refusal::Never)?;
    Ok(minimise(&table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::util::syntax;

    fn add(pieces: &mut Pieces, pattern: &str, backwards: bool) -> Result<u32, Refusal> {
        let config = syntax::Config::new().unicode(false).utf8(false);
        let hir = syntax::parse_with(pattern, &config).expect("a pattern");
        pieces.add(&hir, backwards)
    }

    #[test]
    fn pieces_are_there_once() {
        let mut pieces = Pieces::default();
        assert_eq!(add(&mut pieces, "abc", false), Ok(0));
        assert_eq!(add(&mut pieces, "cba", true), Ok(0));
        assert_eq!(add(&mut pieces, "abc", true), Ok(1));
        assert_eq!((pieces.specs().len(), pieces.maps.len()), (2, 1));
        // The end, three bytes, and the state behind them.
        assert_eq!(pieces.rows(), 10);
    }

    #[test]
    fn pieces_that_never_end_or_are_too_large_are_refused() {
        let mut pieces = Pieces::default();
        assert_eq!(add(&mut pieces, "a^b", false), Err(Refusal::Never));
        assert_eq!(
            add(&mut pieces, "(?s).{0,9000}a.{0,9000}b", false),
            Err(Refusal::Large)
        );
        assert!(pieces.specs().is_empty());
    }
}
