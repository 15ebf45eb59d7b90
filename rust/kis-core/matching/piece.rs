// SPDX-License-Identifier: GPL-2.0

//! Small automata, one for each piece of a pattern beside its literal.
//!
//! The section: u32 pieces, u32 class maps, u32 words, u32 0; the class maps, 256 bytes each; for each
//! piece u32 first word, u32 words, u16 words of a row, u16 start row, u16 class map, u16 0; the words,
//! u16 each, with zeros behind them to the next multiple of 8.
//!
//! A row has a mark and one transition for each class: where the next row begins, words from the piece's
//! first one. The first row is the end: nothing leads out of it, and it has no mark. A mark is 1 where
//! the piece may end with the byte just read, and 2 where it may if nothing comes any more. Floor 0,
//! pure; context: any.

use super::section::{
    Part,
    Section, //
};
use crate::wire::bytes::{
    index,
    u16_at,
    u32_at,
    Writer, //
};
use crate::Result;

/// Bytes before the class maps.
const HEAD: usize = 16;
/// Bytes of a class map.
const MAP: usize = 256;
/// Bytes of a piece's record.
const RECORD: usize = 16;

/// Most words of a piece: a row is found by 16 bits.
pub const MAX_WORDS: usize = 1 << 16;

/// It may end with the byte just read.
pub const ENDS: u16 = 1;
/// It may end if nothing comes any more.
pub const ENDS_LAST: u16 = 2;

/// A piece to be encoded: rows as the section has them.
#[derive(Clone, Copy, Debug)]
pub struct PieceSpec<'a> {
    /// Index of its class map.
    pub map: u16,
    /// Words of a row.
    pub row: u16,
    /// Where its first row to walk from begins.
    pub start: u16,
    /// All rows.
    pub words: &'a [u16],
}

/// Bytes of a section with these pieces.
pub(super) fn bytes(maps: usize, pieces: &[PieceSpec<'_>]) -> Option<usize> {
    let words = pieces
        .iter()
        .try_fold(0usize, |sum, piece| sum.checked_add(piece.words.len()))?;
    let maps = maps.checked_mul(MAP)?;
    let records = pieces.len().checked_mul(RECORD)?;
    let bytes = words.checked_mul(2)?.checked_next_multiple_of(8)?;
    HEAD.checked_add(maps)?
        .checked_add(records)?
        .checked_add(bytes)
}

/// Writes the section.
pub(super) fn write(w: &mut Writer<'_>, maps: &[[u8; MAP]], pieces: &[PieceSpec<'_>]) {
    // A number that does not fit is refused by whoever verifies it.
    let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let words = pieces
        .iter()
        .fold(0usize, |sum, piece| sum.saturating_add(piece.words.len()));
    w.u32(cut(pieces.len()));
    w.u32(cut(maps.len()));
    w.u32(cut(words));
    w.u32(0);
    for map in maps {
        w.put(map);
    }
    let mut first = 0usize;
    for piece in pieces {
        w.u32(cut(first));
        w.u32(cut(piece.words.len()));
        w.u16(piece.row);
        w.u16(piece.start);
        w.u16(piece.map);
        w.u16(0);
        first = first.saturating_add(piece.words.len());
    }
    for word in pieces.iter().flat_map(|piece| piece.words) {
        w.u16(*word);
    }
    let over = words.saturating_mul(2) % 8;
    if over != 0 {
        w.zeros(8usize.saturating_sub(over));
    }
}

/// Verified pieces: where they are in the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces {
    count: u32,
    maps: Section,
    records: Section,
    words: Section,
}

/// A record.
#[derive(Clone, Copy, Debug)]
struct Record {
    first: usize,
    len: usize,
    row: usize,
    start: u16,
    map: usize,
}

impl Record {
    fn of(records: &[u8], at: usize) -> Option<Self> {
        let record = records.get(at.checked_mul(RECORD)?..)?.get(..RECORD)?;
        Some(Self {
            first: index(u32_at(record, 0)?),
            len: index(u32_at(record, 4)?),
            row: u16_at(record, 8)?.into(),
            start: u16_at(record, 10)?,
            map: u16_at(record, 12)?.into(),
        })
    }
}

impl Pieces {
    /// None.
    pub(super) const NONE: Self = Self {
        count: 0,
        maps: Section::NONE,
        records: Section::NONE,
        words: Section::NONE,
    };

    /// How many there are.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Checks the section, and becomes it.
    pub(super) fn verify(&mut self, part: &Part<'_>) -> Result {
        let fault = |at, what| part.fault(at, what);
        let word = |at| u32_at(part.bytes, at).ok_or(fault(at, "counts of pieces"));
        let (count, maps, words) = (word(0)?, word(4)?, word(8)?);
        if word(12)? != 0 {
            return Err(fault(12, "reserved word"));
        }
        let mut end = HEAD;
        let mut next = |count: u32, size: usize| {
            let len = index(count).checked_mul(size)?;
            Section::next(&mut end, len)
        };
        let sections = next(maps, MAP).zip(next(count, RECORD)).zip(next(words, 2));
        let ((maps, records), words) = sections.ok_or(fault(0, "counts of pieces"))?;
        if end.checked_next_multiple_of(8) != Some(part.bytes.len()) {
            return Err(fault(0, "counts do not fill the section"));
        }
        let padding = part.bytes.get(end..).unwrap_or_default();
        if padding.iter().any(|byte| *byte != 0) {
            return Err(fault(end, "padding of the pieces"));
        }
        let of = |section: &Section| section.of(part.bytes);
        let mut first = 0usize;
        for at in 0..index(count) {
            let place = records.at().saturating_add(at.saturating_mul(RECORD));
            let wrong = |what| fault(place, what);
            let record = Record::of(of(&records), at).ok_or(wrong("piece"))?;
            let reserved = u16_at(of(&records), at.saturating_mul(RECORD).saturating_add(14));
            if record.first != first || reserved != Some(0) {
                return Err(wrong("place of a piece"));
            }
            first = first.saturating_add(record.len);
            let map = record
                .map
                .checked_mul(MAP)
                .and_then(|at| of(&maps).get(at..)?.get(..MAP));
            let map = map.ok_or(wrong("class map of a piece"))?;
            let classes = map.iter().copied().max().map_or(0, usize::from);
            if record.row < 2 || classes.saturating_add(1) >= record.row {
                return Err(wrong("row of a piece"));
            }
            if record.len == 0 || record.len > MAX_WORDS || record.len % record.row != 0 {
                return Err(wrong("length of a piece"));
            }
            let is_row =
                |row: u16| usize::from(row) < record.len && usize::from(row) % record.row == 0;
            if !is_row(record.start) {
                return Err(wrong("start of a piece"));
            }
            let begin = record.first.checked_mul(2);
            let rows =
                begin.and_then(|begin| of(&words).get(begin..)?.get(..record.len.checked_mul(2)?));
            let rows = rows.ok_or(wrong("words of a piece"))?;
            for (i, word) in rows.chunks_exact(2).enumerate() {
                let word = u16_at(word, 0).unwrap_or(u16::MAX);
                let is_mark = i % record.row == 0;
                let is_end = i < record.row;
                let good = match (is_mark, is_end) {
                    (_, true) => word == 0,
                    (true, _) => word <= ENDS | ENDS_LAST,
                    (false, _) => is_row(word),
                };
                if !good {
                    let at = record.first.saturating_add(i).saturating_mul(2);
                    return Err(fault(words.at().saturating_add(at), "word of a piece"));
                }
            }
        }
        if first.saturating_mul(2) != words.len() {
            return Err(fault(words.at(), "words that no piece has"));
        }
        *self = Self {
            count,
            maps: maps.moved(part.at),
            records: records.moved(part.at),
            words: words.moved(part.at),
        };
        Ok(())
    }

    /// A piece in an image.
    #[inline]
    pub(super) fn get<'a>(&self, image: &'a [u8], at: u32) -> Option<Piece<'a>> {
        let record = Record::of(self.records.of(image), index(at))?;
        let map = self.maps.of(image).get(record.map.checked_mul(MAP)?..)?;
        let words = self.words.of(image);
        let begin = record.first.checked_mul(2)?;
        Some(Piece {
            map: map.first_chunk()?,
            words: words.get(begin..)?.get(..record.len.checked_mul(2)?)?,
            start: record.start,
        })
    }
}

/// A piece that is walked.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    map: &'a [u8; MAP],
    words: &'a [u8],
    /// The row before the first byte.
    pub(super) start: u16,
}

impl Piece<'_> {
    /// The row behind a byte; the end where there is none.
    #[inline]
    pub(super) fn step(&self, row: u16, byte: u8) -> u16 {
        // A byte is always an index of 256 classes.
        let class = usize::from(self.map[usize::from(byte)]);
        // OVERFLOW: below 2^16 + 2^8.
        let at = usize::from(row).wrapping_add(class).wrapping_add(1);
        u16_at(self.words, at.wrapping_mul(2)).unwrap_or(0)
    }

    /// What may be said in a row: [`ENDS`], [`ENDS_LAST`].
    #[inline]
    pub(super) fn mark(&self, row: u16) -> u16 {
        u16_at(self.words, usize::from(row).wrapping_mul(2)).unwrap_or(0)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_piece))]
mod tests {
    use super::*;

    // `b*c` over {other, b, c}: the end, waiting, c.
    const WORDS: &[u16] = &[0, 0, 0, 0, 0, 0, 4, 8, 1, 0, 0, 0];

    fn section(out: &mut [u8; 512]) -> usize {
        let mut map = [0; MAP];
        map[usize::from(b'b')] = 1;
        map[usize::from(b'c')] = 2;
        let spec = PieceSpec {
            map: 0,
            row: 4,
            start: 4,
            words: WORDS,
        };
        let mut w = Writer::new(out);
        write(&mut w, &[map], &[spec]);
        let len = w.finish().unwrap_or(0);
        assert_eq!(bytes(1, &[spec]), Some(len));
        len
    }

    #[test]
    fn pieces_are_walked() {
        let mut out = [0; 512];
        let len = section(&mut out);
        let image = &out[..len];
        let mut pieces = Pieces::NONE;
        assert!(pieces
            .verify(&Part {
                bytes: image,
                at: 0
            })
            .is_ok());
        let piece = pieces.get(image, 0);
        assert!(piece.is_some() && pieces.get(image, 1).is_none());
        let Some(piece) = piece else { return };
        let walk = |text: &[u8]| {
            text.iter()
                .fold(piece.start, |row, byte| piece.step(row, *byte))
        };
        assert_eq!((walk(b""), walk(b"bb"), walk(b"bbc")), (4, 4, 8));
        assert_eq!((walk(b"x"), walk(b"xb"), walk(b"cc")), (0, 0, 0));
        assert_eq!((piece.mark(8), piece.mark(4), piece.mark(0)), (ENDS, 0, 0));
    }

    #[test]
    fn pieces_of_a_damaged_section_stay_within_it() {
        let mut out = [0; 512];
        let len = section(&mut out);
        for at in 0..len {
            for value in [1, 2, 0x80] {
                let mut forged = out;
                forged[at] ^= value;
                let image = &forged[..len];
                let mut pieces = Pieces::NONE;
                if pieces
                    .verify(&Part {
                        bytes: image,
                        at: 0,
                    })
                    .is_err()
                {
                    continue;
                }
                if let Some(piece) = pieces.get(image, 0) {
                    let row = b"bbcx"
                        .iter()
                        .fold(piece.start, |row, byte| piece.step(row, *byte));
                    assert!(piece.mark(row) <= 3);
                }
            }
        }
        let mut pieces = Pieces::NONE;
        assert!(pieces
            .verify(&Part {
                bytes: &out[..len - 8],
                at: 0
            })
            .is_err());
        assert!(pieces
            .verify(&Part {
                bytes: &out[..len + 8],
                at: 0
            })
            .is_err());
    }
}
