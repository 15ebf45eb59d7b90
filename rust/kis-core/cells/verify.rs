// SPDX-License-Identifier: GPL-2.0

//! The gate for images of cells.
//!
//! Order: header, counts, every field of every cell with its bounds and what is expected of it, every
//! prefix, every pattern, the end. The
//! first fault is reported with its place. Linear but for the names, of which there are at most
//! [`MAX_CELLS`], each compared with those before it. Floor 0, pure.

use super::{
    at,
    expected::class_of,
    string,
    View,
    ALARMS,
    BOUND,
    CELL,
    COUNTS_END,
    EXPECTED,
    HARD,
    HOLD_MS,
    KILL,
    K_Q16,
    LEARN,
    LEARN_WINDOWS,
    MAX_BAN_S,
    PREFIX,
    SCANS,
    SESSIONS,
    WINDOW_MS, //
};
use crate::matching::scans::limits::Limits;
use crate::paths::path;
use crate::sense::budget::{
    MONTH_DAYS,
    RATE_Q16, //
};
use crate::sense::class::ClassSet;
use crate::sense::param::Param;
use crate::wire::abi::{
    CellMode,
    OpSet,
    MAX_CELLS,
    MAX_EXPECTED,
    MAX_PREFIXES,
    NAME_LEN,
    PATH_LEN, //
};
use crate::wire::bytes::{
    index,
    u32_at,
    u64_at,
    Reader, //
};
use crate::wire::image::{
    self,
    Kind,
    HEADER, //
};
use crate::{
    Error,
    Result, //
};

/// Checks an image and says where its parts are.
pub(super) fn image(bytes: &[u8]) -> Result<View> {
    let mut counts = image::open(bytes, Kind::Cells)?;
    let mut count = || {
        let at = counts.offset();
        counts.u32().ok_or(Error::malformed(at, "counts of cells"))
    };
    let (cells, bounds, prefixes) = (count()?, count()?, count()?);
    let (patterns, strings, settings) = (count()?, count()?, count()?);
    if settings > 1 {
        return Err(Error::malformed(HEADER + 20, "counts of cells"));
    }
    if index(cells) > MAX_CELLS {
        return Err(Error::limit("cells", MAX_CELLS as u32));
    }
    let parts = [
        (settings, SCANS),
        (cells, CELL),
        (bounds, BOUND),
        (prefixes, PREFIX),
        (patterns, EXPECTED),
        (strings, 1),
    ];
    let mut ends = [COUNTS_END; 6];
    let mut end = COUNTS_END;
    for ((count, size), to) in parts.into_iter().zip(&mut ends) {
        let len = index(count).checked_mul(size);
        end = len
            .and_then(|len| end.checked_add(len))
            .filter(|end| *end <= bytes.len())
            .ok_or(Error::malformed(HEADER, "counts exceed the image"))?;
        *to = end;
    }
    let [cells_at, bounds_at, prefixes_at, expected_at, strings_at, strings_end] = ends;
    image::finish(Reader::new(bytes, strings_end), bytes.len())?;

    let view = View {
        scans: scans(bytes, settings)?,
        cells,
        cells_at,
        bounds_at,
        prefixes_at,
        expected_at,
        strings_at,
    };
    // What the next string, bound, prefix and pattern must be.
    let mut next = Next {
        bytes,
        view,
        string: 0,
        bound: 0,
        prefix: 0,
        pattern: 0,
    };
    let table = bytes.get(cells_at..bounds_at).unwrap_or_default();
    for (i, cell) in table.chunks_exact(CELL).enumerate() {
        // OVERFLOW: within the image.
        let cell_at = i.wrapping_mul(CELL).wrapping_add(cells_at);
        let name = next.name(cell, cell_at)?;
        let before = table.chunks_exact(CELL).take(i);
        for other in before {
            if string(bytes, strings_at, other, at::NAME) == Some(name) {
                return Err(Error::malformed(cell_at, "name of a cell twice"));
            }
        }
        next.program_and_arguments(cell, cell_at)?;
        numbers(cell, cell_at)?;
        next.bounds(cell, cell_at)?;
        next.trees(cell, cell_at)?;
        next.expected(cell, cell_at)?;
    }
    if next.bound != bounds {
        return Err(Error::malformed(HEADER + 4, "number of bounds"));
    }
    if next.prefix != prefixes {
        return Err(Error::malformed(HEADER + 8, "number of prefixes"));
    }
    if next.pattern != patterns {
        return Err(Error::malformed(HEADER + 12, "number of expected patterns"));
    }
    let table = bytes.get(prefixes_at..expected_at).unwrap_or_default();
    for (i, prefix) in table.chunks_exact(PREFIX).enumerate() {
        // OVERFLOW: within the image.
        let prefix_at = i.wrapping_mul(PREFIX).wrapping_add(prefixes_at);
        let text = next.take(prefix, 0, prefix_at, "prefix")?;
        if text.len() >= PATH_LEN || !path::is_clean(text) {
            return Err(Error::malformed(prefix_at, "prefix is no absolute path"));
        }
    }
    let table = bytes.get(expected_at..strings_at).unwrap_or_default();
    for (i, pattern) in table.chunks_exact(EXPECTED).enumerate() {
        // OVERFLOW: within the image.
        let pattern_at = i.wrapping_mul(EXPECTED).wrapping_add(expected_at);
        let text = next.take(pattern, 4, pattern_at, "expected pattern")?;
        if text.is_empty() || text.len() >= PATH_LEN || text.contains(&0) {
            let what = "expected pattern is empty, too long or has a NUL";
            return Err(Error::malformed(pattern_at, what));
        }
    }
    if next.string != strings {
        return Err(Error::malformed(HEADER + 16, "number of string bytes"));
    }
    Ok(view)
}

/// The settings for scans, if there are any.
fn scans(bytes: &[u8], count: u32) -> Result<Option<Limits>> {
    if count == 0 {
        return Ok(None);
    }
    let limits = u64_at(bytes, COUNTS_END).and_then(Limits::from_word);
    let limits = limits.filter(|limits| limits.ban_s <= MAX_BAN_S);
    limits
        .map(Some)
        .ok_or(Error::malformed(COUNTS_END, "settings for scans"))
}

/// What has to come next: strings, bounds, prefixes and patterns have no gaps and no other order.
struct Next<'a> {
    bytes: &'a [u8],
    view: View,
    string: u32,
    bound: u32,
    prefix: u32,
    pattern: u32,
}

impl<'a> Next<'a> {
    /// The string named at `at` of `words`, which are at `place` of the image.
    fn take(
        &mut self,
        words: &[u8],
        at: usize,
        place: usize,
        what: &'static str,
    ) -> Result<&'a [u8]> {
        let fault = Error::malformed(place.saturating_add(at), what);
        let len = u32_at(words, at.saturating_add(4)).ok_or(fault)?;
        if u32_at(words, at) != Some(self.string) {
            return Err(fault);
        }
        let text = string(self.bytes, self.view.strings_at, words, at).ok_or(fault)?;
        self.string = self.string.checked_add(len).ok_or(fault)?;
        Ok(text)
    }

    /// The name of a cell.
    fn name(&mut self, cell: &[u8], place: usize) -> Result<&'a [u8]> {
        let name = self.take(cell, at::NAME, place, "name of a cell")?;
        if !is_name(name) {
            let what = "name of a cell is not 1 to 31 of a-z, 0-9, _ and -";
            return Err(Error::malformed(place, what));
        }
        Ok(name)
    }

    /// Program and arguments of a cell.
    fn program_and_arguments(&mut self, cell: &[u8], place: usize) -> Result {
        let program = self.take(cell, at::PROGRAM, place, "program of a cell")?;
        if program.len() >= PATH_LEN || program.len() < 2 || !path::is_clean(program) {
            let what = "program of a cell is no absolute path";
            return Err(Error::malformed(place.saturating_add(at::PROGRAM), what));
        }
        let arguments = self.take(cell, at::ARGUMENTS, place, "arguments of a cell")?;
        if arguments.len() >= PATH_LEN || arguments.contains(&0) {
            let what = "arguments of a cell are too long or have a NUL";
            return Err(Error::malformed(place.saturating_add(at::ARGUMENTS), what));
        }
        Ok(())
    }

    /// The bounds of a cell: they rise by parameter, so each has at most one.
    fn bounds(&mut self, cell: &[u8], place: usize) -> Result {
        let fault = Error::malformed(place.saturating_add(at::BOUNDS), "bounds of a cell");
        let count = u32_at(cell, at::BOUNDS + 4).ok_or(fault)?;
        if u32_at(cell, at::BOUNDS) != Some(self.bound) {
            return Err(fault);
        }
        // OVERFLOW: within the image where there is something, saturates otherwise.
        let start = index(self.bound).saturating_mul(BOUND);
        let start = start.saturating_add(self.view.bounds_at);
        let end = index(count).saturating_mul(BOUND).saturating_add(start);
        let list = Some(start..end).filter(|list| list.end <= self.view.prefixes_at);
        let list = list.and_then(|list| self.bytes.get(list)).ok_or(fault)?;
        let mut last = None;
        for (i, bound) in list.chunks_exact(BOUND).enumerate() {
            let number = u32_at(bound, 0).and_then(|number| u16::try_from(number).ok());
            let param = number.and_then(Param::from_u16);
            if param.is_none() || last >= param || u32_at(bound, 4) != Some(0) {
                let at = i.saturating_mul(BOUND).saturating_add(start);
                return Err(Error::malformed(at, "parameter of a bound"));
            }
            last = param;
        }
        self.bound = self.bound.checked_add(count).ok_or(fault)?;
        Ok(())
    }

    /// The expected patterns of a cell: they rise by class, each of a class that has a list.
    fn expected(&mut self, cell: &[u8], place: usize) -> Result {
        let fault = |at: usize, what| Error::malformed(place.saturating_add(at), what);
        let bits = u32_at(cell, at::EXPECTED_CLASSES).unwrap_or(u32::MAX);
        let classes = ClassSet::from_bits(bits);
        let known = classes.iter().fold(ClassSet::EMPTY, ClassSet::with);
        if classes != known {
            return Err(fault(at::EXPECTED_CLASSES, "classes of what is expected"));
        }
        let flags = u32_at(cell, at::FLAGS).unwrap_or(0);
        if !classes.is_empty() && flags & (HARD | LEARN) != HARD | LEARN {
            let what = "what is expected of a cell that is not hard, or has no repertoire";
            return Err(fault(at::FLAGS, what));
        }
        let fault = fault(at::EXPECTED, "expected patterns of a cell");
        let count = u32_at(cell, at::EXPECTED + 4).ok_or(fault)?;
        if index(count) > MAX_EXPECTED {
            return Err(Error::limit("expected patterns", MAX_EXPECTED as u32));
        }
        if u32_at(cell, at::EXPECTED) != Some(self.pattern) {
            return Err(fault);
        }
        // OVERFLOW: within the image where there is something, saturates otherwise.
        let start = index(self.pattern).saturating_mul(EXPECTED);
        let start = start.saturating_add(self.view.expected_at);
        let end = index(count).saturating_mul(EXPECTED).saturating_add(start);
        let list = Some(start..end).filter(|list| list.end <= self.view.strings_at);
        let list = list.and_then(|list| self.bytes.get(list)).ok_or(fault)?;
        let mut last = None;
        for (i, row) in list.chunks_exact(EXPECTED).enumerate() {
            let class = class_of(row).filter(|class| classes.contains(*class));
            if class.is_none() || last > class {
                let at = i.saturating_mul(EXPECTED).saturating_add(start);
                return Err(Error::malformed(at, "class of an expected pattern"));
            }
            last = class;
        }
        self.pattern = self.pattern.checked_add(count).ok_or(fault)?;
        Ok(())
    }

    /// The lists of prefixes of a cell.
    fn trees(&mut self, cell: &[u8], place: usize) -> Result {
        for tree in 0..3 {
            // OVERFLOW: small constants.
            let at = at::TREES + 8 * tree;
            let fault = Error::malformed(place.saturating_add(at), "prefixes of a cell");
            let count = u32_at(cell, at + 4).ok_or(fault)?;
            if index(count) > MAX_PREFIXES {
                return Err(Error::limit("prefixes in a list", MAX_PREFIXES as u32));
            }
            if u32_at(cell, at) != Some(self.prefix) {
                return Err(fault);
            }
            self.prefix = self.prefix.checked_add(count).ok_or(fault)?;
        }
        Ok(())
    }
}

/// Whether a cell may have this name.
pub(super) fn is_name(name: &[u8]) -> bool {
    let is_good = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    !name.is_empty() && name.len() < NAME_LEN && name.iter().all(is_good)
}

/// Checks the numbers of a cell.
fn numbers(cell: &[u8], place: usize) -> Result {
    let word = |at: usize| u32_at(cell, at).unwrap_or(u32::MAX);
    let fault = |at: usize, what| Err(Error::malformed(place.saturating_add(at), what));
    let mode = u16::try_from(word(at::MODE)).ok();
    if mode.and_then(CellMode::from_u16).is_none() {
        return fault(at::MODE, "mode of a cell");
    }
    if word(at::FLAGS) & !(HARD | LEARN | KILL | ALARMS | SESSIONS) != 0 {
        return fault(at::FLAGS, "flags of a cell");
    }
    let is_budget = word(at::FLAGS) & ALARMS != 0;
    let (range, one, two, order) = if is_budget {
        (
            RATE_Q16,
            "alarms of danger one a day",
            "alarms of danger two a month",
            "more alarms of danger two than of danger one",
        )
    } else {
        (
            K_Q16,
            "factor of threshold one",
            "factor of threshold two",
            "factor of threshold two is below that of one",
        )
    };
    for (at, (min, max), what) in [
        (at::WINDOW_MS, WINDOW_MS, "window of a cell"),
        (at::LEARN_WINDOWS, LEARN_WINDOWS, "windows to learn"),
        (at::HOLD_ONE, HOLD_MS, "time that danger one stays up"),
        (at::HOLD_TWO, HOLD_MS, "time that danger two stays up"),
        (at::BAN_S, (0, MAX_BAN_S), "length of a ban"),
        (at::LIMIT_ONE, range, one),
        (at::LIMIT_TWO, range, two),
    ] {
        if !(min..=max).contains(&word(at)) {
            return fault(at, what);
        }
    }
    // Danger two is the later one.
    let (one, two) = (word(at::LIMIT_ONE), word(at::LIMIT_TWO));
    let is_later = if is_budget {
        u64::from(two) <= u64::from(one).saturating_mul(MONTH_DAYS)
    } else {
        one <= two
    };
    if !is_later {
        return fault(at::LIMIT_TWO, order);
    }
    for at in [at::FORBID, at::DENY] {
        if u64_at(cell, at).and_then(OpSet::from_bits).is_none() {
            return fault(at, "operations of a cell");
        }
    }
    Ok(())
}
