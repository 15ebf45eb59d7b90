// SPDX-License-Identifier: GPL-2.0

//! The sections of a matching image: what there is, and where.
//!
//! Behind the [header](crate::wire::image) stands a table: u32 number of sections, u32 0, and for
//! each section u32 kind, u32 0, u32 offset from the beginning of the image, u32 bytes. The sections
//! follow in the order of the table, each at the next multiple of 8, with zeros between them and
//! behind the last. So lengths say all, and there is one table for one content.
//!
//! Each kind has a verifier of its own, which sees nothing but its section and what those before it
//! have found ([`signatures`](super::signatures) has the list). Floor 0, pure.

use crate::wire::bytes::{
    index,
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

/// What a section holds, in the order of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    /// The signatures, a row each.
    Signatures = 1,
    /// Their strings.
    Strings = 2,
    /// The automaton of those that have no literal.
    Automaton = 3,
    /// What the others are beside their literals.
    Pieces = 4,
    /// Their literals.
    Leads = 5,
    /// What signatures are made of.
    Terms = 6,
    /// The automaton of terms in parts of requests.
    Scoped = 7,
    /// The ports that signatures are for.
    Ports = 8,
    /// How often signatures have to match, or are told.
    Thresholds = 9,
}

impl Kind {
    /// All kinds, rising; an image has one section of each.
    pub(crate) const ALL: [Self; COUNT] = [
        Self::Signatures,
        Self::Strings,
        Self::Automaton,
        Self::Pieces,
        Self::Leads,
        Self::Terms,
        Self::Scoped,
        Self::Ports,
        Self::Thresholds,
    ];

    /// Its place in [`Kind::ALL`].
    const fn place(self) -> usize {
        // CAST: a small number. OVERFLOW: kinds begin with 1.
        self as usize - 1
    }
}

/// How many kinds there are.
const COUNT: usize = 9;

// Kinds are numbered from 1 without gaps.
const _: () = {
    let mut i = 0;
    while i < COUNT {
        assert!(Kind::ALL[i].place() == i);
        i += 1;
    }
};

/// Bytes of an entry of the table.
const ENTRY: usize = 16;

/// Where the first section begins.
pub(crate) const FIRST_AT: usize = HEADER + 8 + ENTRY * COUNT;

const _: () = assert!(FIRST_AT % 8 == 0);

/// Where a section is; an image has fewer than 2^32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    /// Its first byte.
    at: u32,
    /// Its bytes, without the zeros behind it.
    len: u32,
}

impl Section {
    /// None.
    pub(crate) const NONE: Self = Self { at: 0, len: 0 };

    /// So many bytes from there on; what no image can have is behind all images.
    pub(crate) fn new(at: usize, len: usize) -> Self {
        let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            at: cut(at),
            len: cut(len),
        }
    }

    /// The next `len` bytes from `end`, which moves behind them.
    pub(crate) fn next(end: &mut usize, len: usize) -> Option<Self> {
        let at = *end;
        *end = at.checked_add(len)?;
        Some(Self::new(at, len))
    }

    /// Its first byte.
    #[inline]
    pub(crate) const fn at(&self) -> usize {
        index(self.at)
    }

    /// Its bytes, without the zeros behind it.
    #[inline]
    pub(crate) const fn len(&self) -> usize {
        index(self.len)
    }

    /// The same bytes where what they are counted in begins at `base`.
    pub(crate) fn moved(self, base: usize) -> Self {
        Self::new(self.at().saturating_add(base), self.len())
    }

    /// Its bytes in an image.
    #[inline]
    pub(crate) fn of<'a>(&self, image: &'a [u8]) -> &'a [u8] {
        let bytes = image
            .get(self.at()..)
            .and_then(|rest| rest.get(..self.len()));
        bytes.unwrap_or_default()
    }
}

/// A section for its verifier.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
    /// Where they begin in the image.
    pub(crate) at: usize,
}

impl Part<'_> {
    /// An error at an offset in the section.
    pub(crate) const fn fault(&self, offset: usize, what: &'static str) -> Error {
        Error::malformed(self.at.saturating_add(offset), what)
    }
}

/// Where all sections of an image are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sections([Section; COUNT]);

impl Sections {
    /// The one way to lay out sections of these lengths; `None` when that cannot be said in numbers.
    pub(crate) fn lay_out(lens: [usize; COUNT]) -> Option<Self> {
        let mut sections = [Section::default(); COUNT];
        let mut at = FIRST_AT;
        for (section, len) in sections.iter_mut().zip(lens) {
            *section = Section::new(at, len);
            at = at.checked_add(len)?.checked_next_multiple_of(8)?;
        }
        Some(Self(sections))
    }

    /// Checks header, table, and all that is in no section.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] with the place of the first fault, or [`Error::Limit`].
    pub(crate) fn open(bytes: &[u8]) -> Result<Self> {
        let mut r = image::open(bytes, image::Kind::Signatures)?;
        let fault = Error::malformed(HEADER, "number of sections");
        // CAST: a small number.
        if r.u32() != Some(COUNT as u32) || r.u32() != Some(0) {
            return Err(fault);
        }
        let (mut offsets, mut lens) = ([0; COUNT], [0; COUNT]);
        for (kind, (offset, len)) in Kind::ALL
            .into_iter()
            .zip(offsets.iter_mut().zip(lens.iter_mut()))
        {
            let at = r.offset();
            if r.u32() != Some(kind as u32) || r.u32() != Some(0) {
                return Err(Error::malformed(at, "kind of a section"));
            }
            let fault = Error::malformed(at, "place of a section");
            *offset = index(r.u32().ok_or(fault)?);
            *len = index(r.u32().ok_or(fault)?);
        }
        let too_long = Error::malformed(HEADER, "sections exceed the image");
        let sections = Self::lay_out(lens).ok_or(too_long)?;
        let mut end = FIRST_AT;
        for (i, (section, offset)) in sections.0.iter().zip(offsets).enumerate() {
            if section.at() != offset {
                // OVERFLOW: in the table, which was read.
                let at = HEADER
                    .saturating_add(16)
                    .saturating_add(i.saturating_mul(ENTRY));
                return Err(Error::malformed(at, "place of a section"));
            }
            zeros(bytes, end, section.at())?;
            end = section.at().saturating_add(section.len());
        }
        let len = end.checked_next_multiple_of(8).ok_or(too_long)?;
        if len > bytes.len() {
            return Err(too_long);
        }
        zeros(bytes, end, len)?;
        if len != bytes.len() {
            return Err(Error::malformed(len, "bytes behind the end"));
        }
        Ok(sections)
    }

    /// Where the section of a kind is.
    pub(crate) fn get(&self, kind: Kind) -> Section {
        self.0.get(kind.place()).copied().unwrap_or_default()
    }

    /// Bytes of the whole image.
    pub(crate) fn end(&self) -> usize {
        let ends = self.0.iter().map(|s| s.at().saturating_add(s.len()));
        let end = ends.max().unwrap_or(FIRST_AT);
        end.checked_next_multiple_of(8).unwrap_or(usize::MAX)
    }

    /// The section of a kind for its verifier.
    pub(crate) fn part<'a>(&self, image: &'a [u8], kind: Kind) -> Part<'a> {
        let section = self.get(kind);
        Part {
            bytes: section.of(image),
            at: section.at(),
        }
    }

    /// Writes the table.
    pub(crate) fn write(&self, w: &mut Writer<'_>) {
        // CAST: a small number.
        w.u32(COUNT as u32);
        w.u32(0);
        for (kind, section) in Kind::ALL.into_iter().zip(&self.0) {
            w.u32(kind as u32);
            w.u32(0);
            w.u32(section.at);
            w.u32(section.len);
        }
    }
}

/// Checks that there are only zeros from `from` up to `to`.
fn zeros(bytes: &[u8], from: usize, to: usize) -> Result {
    let fault = Error::malformed(from, "padding of a section");
    let padding = bytes.get(from..to).ok_or(fault)?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err(fault);
    }
    Ok(())
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_section))]
mod tests {
    use super::*;

    const LENS: [usize; COUNT] = [32, 3, 9, 0, 8, 0, 8, 8, 16];
    const LEN: usize = FIRST_AT + 32 + 8 + 16 + 8 + 8 + 8 + 16;

    fn image() -> [u8; LEN] {
        let mut out = [0; LEN];
        let sections = Sections::lay_out(LENS);
        let mut w = image::begin(&mut out);
        if let Some(sections) = sections {
            sections.write(&mut w);
        }
        let _ = image::seal(&mut out, image::Kind::Signatures, Some(LEN));
        out
    }

    #[test]
    fn sections_are_where_their_lengths_say() {
        let image = image();
        let sections = Sections::open(&image);
        assert!(sections.is_ok());
        let Ok(sections) = sections else { return };
        for (kind, at, len) in [
            (Kind::Signatures, FIRST_AT, 32),
            (Kind::Strings, FIRST_AT + 32, 3),
            (Kind::Automaton, FIRST_AT + 40, 9),
            (Kind::Pieces, FIRST_AT + 56, 0),
            (Kind::Leads, FIRST_AT + 56, 8),
            (Kind::Scoped, FIRST_AT + 64, 8),
            (Kind::Ports, FIRST_AT + 72, 8),
            (Kind::Thresholds, FIRST_AT + 80, 16),
        ] {
            assert_eq!(sections.get(kind), Section::new(at, len));
            assert_eq!(sections.part(&image, kind).bytes.len(), len);
        }
    }

    #[test]
    fn sections_have_one_table() {
        let image = image();
        for at in (HEADER..LEN).step_by(4) {
            for value in [1u8, 2, 7, 0x80] {
                let mut forged = image;
                if let Some(byte) = forged.get_mut(at) {
                    *byte ^= value;
                }
                image::reseal(&mut forged);
                let opened = Sections::open(&forged);
                // What is in a section is for its verifier; a length may be another one as long as
                // the sections end at the same places.
                let in_section = (FIRST_AT..FIRST_AT + 35).contains(&at)
                    || (FIRST_AT + 40..FIRST_AT + 49).contains(&at)
                    || (FIRST_AT + 56..LEN).contains(&at);
                let is_len = (HEADER + 8..FIRST_AT).contains(&at) && (at - HEADER - 8) % 16 == 12;
                assert!(in_section || is_len || opened.is_err());
                if let Ok(opened) = opened {
                    assert!(!is_len || Sections::lay_out(LENS) != Some(opened));
                }
            }
        }
    }

    #[test]
    fn sections_beyond_all_numbers_are_refused() {
        assert!(Sections::lay_out([0; COUNT]).is_some_and(|s| s.end() == FIRST_AT));
        assert!(Sections::lay_out([0, 0, 9, 0, 0, 0, 0, 0, 0])
            .is_some_and(|s| s.end() == FIRST_AT + 16));
        for lens in [
            [usize::MAX, 1, 1, 0, 0, 0, 0, 0, 0],
            [usize::MAX - 100, 100, 1, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, usize::MAX - FIRST_AT, 0, 0, 0, 0, 0],
        ] {
            assert!(Sections::lay_out(lens).is_none());
        }
    }
}
