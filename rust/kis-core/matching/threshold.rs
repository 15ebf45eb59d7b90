// SPDX-License-Identifier: GPL-2.0

//! How often a signature has to match before it counts, or how often it is told.
//!
//! The section: 16 bytes for each signature that has one, rising by signature: u32 signature (its place among the
//! rows), u16 type, u16 what is counted for itself, u32 count, u32 seconds. Types are those of Suricata's
//! `threshold` and `detection_filter` (Suricata User Guide, "Thresholding Keywords"). [`counts`] holds how often it was.
//! Floor 0, pure; context: any.

pub mod counts;

use super::section::Part;
use crate::wire::bytes::{
    index,
    u16_at,
    u32_at,
    Writer, //
};
use crate::Result;

/// Bytes of a row.
pub(super) const ROW: usize = 16;

/// Greatest count.
pub const MAX_COUNT: u32 = 1_000_000;

/// Longest time, seconds: a week.
pub const MAX_SECONDS: u32 = 604_800;

/// What the count decides.
///
/// Time is counted in windows of their own for each of whom it is about: one begins with a match when
/// none is open, and ends after [`Threshold::seconds`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Kind {
    /// The first matches of a window are told, and the others are not; all of them count.
    Limit = 1,
    /// Each time that so many have come in a window, the last of them counts.
    Threshold = 2,
    /// When so many have come in a window, that one counts and is told; those behind it count.
    Both = 3,
    /// Those count that come when more than so many have in a window.
    DetectionFilter = 4,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 4] = [
        Self::Limit,
        Self::Threshold,
        Self::Both,
        Self::DetectionFilter,
    ];
}

/// For whom it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Track {
    /// Each peer.
    Source = 1,
    /// Each address of the host.
    Destination = 2,
    /// Each pair of these.
    Both = 3,
    /// All together.
    Rule = 4,
}

impl Track {
    /// All.
    pub const ALL: [Self; 4] = [Self::Source, Self::Destination, Self::Both, Self::Rule];
}

/// How often a signature has to match, or is told.
///
/// # Examples
///
/// ```
/// use kis_core::matching::threshold::{Due, Kind, Threshold, Track, Window};
///
/// let five = Threshold { kind: Kind::DetectionFilter, track: Track::Source, count: 2, seconds: 60 };
/// let mut window = Window::default();
/// let mut at = |ms| five.take(&mut window, ms);
/// assert_eq!([at(0), at(10), at(20), at(30)], [Due::Not, Due::Not, Due::Told, Due::Told]);
/// // A minute later it begins anew.
/// assert_eq!(at(60_000), Due::Not);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// What the count decides.
    pub kind: Kind,
    /// For whom it is counted.
    pub track: Track,
    /// How many, 1 to [`MAX_COUNT`].
    pub count: u32,
    /// In so many seconds, 1 to [`MAX_SECONDS`].
    pub seconds: u32,
}

/// What is due for a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing: it does not count.
    Not,
    /// What the signature is for, without a word.
    Silent,
    /// It, and it is told.
    Told,
}

/// How many there were since when.
///
/// # Examples
///
/// ```
/// use kis_core::matching::threshold::Window;
///
/// let window = Window { end_ms: 60_000, count: 3 };
/// assert_eq!(Window::of_word(window.to_word()), window);
/// assert_eq!(Window::default().to_word(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// When it ends, milliseconds of a clock that only goes forward; less than 2^40.
    pub end_ms: u64,
    /// Matches so far, less than 2^24.
    pub count: u32,
}

/// Bits of a window's count in a word.
const COUNT_BITS: u32 = 24;
/// Greatest count that is held.
const FULL: u32 = (1 << COUNT_BITS) - 1;

const _: () = assert!(MAX_COUNT < FULL);

impl Window {
    /// In one word.
    pub const fn to_word(self) -> u64 {
        // CAST: widens.
        (self.end_ms << COUNT_BITS) | (self.count & FULL) as u64
    }

    /// Of a word.
    pub const fn of_word(word: u64) -> Self {
        Self {
            end_ms: word >> COUNT_BITS,
            // CAST: masked.
            count: (word & FULL as u64) as u32,
        }
    }

    /// Whether it is over.
    pub const fn is_over(&self, now_ms: u64) -> bool {
        now_ms >= self.end_ms
    }
}

impl Threshold {
    /// Takes a match into the window of whom it is about.
    pub fn take(&self, window: &mut Window, now_ms: u64) -> Due {
        if window.is_over(now_ms) {
            let len_ms = u64::from(self.seconds).saturating_mul(1000);
            *window = Window {
                end_ms: now_ms.saturating_add(len_ms),
                count: 0,
            };
        }
        window.count = window.count.saturating_add(1).min(FULL);
        let n = window.count;
        match self.kind {
            Kind::Limit if n <= self.count => Due::Told,
            Kind::Limit => Due::Silent,
            Kind::Threshold if n >= self.count => {
                window.count = 0;
                Due::Told
            }
            Kind::Both if n == self.count => Due::Told,
            Kind::Both if n > self.count => Due::Silent,
            Kind::DetectionFilter if n > self.count => Due::Told,
            Kind::Threshold | Kind::Both | Kind::DetectionFilter => Due::Not,
        }
    }

    /// Of a row; `None` for what is none.
    fn read(row: &[u8]) -> Option<Self> {
        let (kind, track) = (u16_at(row, 4)?, u16_at(row, 6)?);
        let threshold = Self {
            // CAST: as they are numbered.
            kind: Kind::ALL.into_iter().find(|own| *own as u16 == kind)?,
            track: Track::ALL.into_iter().find(|own| *own as u16 == track)?,
            count: u32_at(row, 8)?,
            seconds: u32_at(row, 12)?,
        };
        threshold.is_good().then_some(threshold)
    }

    /// Whether its numbers are within their bounds.
    pub fn is_good(&self) -> bool {
        (1..=MAX_COUNT).contains(&self.count) && (1..=MAX_SECONDS).contains(&self.seconds)
    }

    /// Writes the row of a signature.
    pub(super) fn write(&self, signature: u32, w: &mut Writer<'_>) {
        w.u32(signature);
        // CAST: as they are numbered.
        w.u16(self.kind as u16);
        w.u16(self.track as u16);
        w.u32(self.count);
        w.u32(self.seconds);
    }

    /// That of a signature in a verified section.
    pub(super) fn of(section: &[u8], signature: usize) -> Option<Self> {
        let (mut low, mut high) = (0, section.len() / ROW);
        while low < high {
            let middle = low.midpoint(high);
            let row = section.get(middle.checked_mul(ROW)?..)?.get(..ROW)?;
            match index(u32_at(row, 0)?).cmp(&signature) {
                core::cmp::Ordering::Less => low = middle.checked_add(1)?,
                core::cmp::Ordering::Equal => return Self::read(row),
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// Checks a section for so many signatures.
pub(super) fn verify(part: &Part<'_>, signatures: u32) -> Result {
    let rows = part.bytes.chunks_exact(ROW);
    if !rows.remainder().is_empty() {
        return Err(part.fault(0, "length of the thresholds"));
    }
    let mut next = 0;
    for (i, row) in rows.enumerate() {
        let at = i.saturating_mul(ROW);
        let signature = u32_at(row, 0).unwrap_or(u32::MAX);
        if signature < next || signature >= signatures {
            return Err(part.fault(at, "signature of a threshold"));
        }
        if Threshold::read(row).is_none() {
            return Err(part.fault(at, "threshold of a signature"));
        }
        next = signature.saturating_add(1);
    }
    Ok(())
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_threshold))]
mod tests {
    use super::*;

    /// What becomes of matches at these times.
    fn dues<const N: usize>(kind: Kind, count: u32, at_ms: [u64; N]) -> [Due; N] {
        let threshold = Threshold {
            kind,
            track: Track::Source,
            count,
            seconds: 10,
        };
        let mut window = Window::default();
        at_ms.map(|ms| threshold.take(&mut window, ms))
    }

    #[test]
    fn each_type_counts_as_suricata_does() {
        use Due::{Not, Silent, Told};
        let burst = [0, 1, 2, 3, 4, 9_999, 10_000, 10_001];
        for (kind, count, want) in [
            (
                Kind::Limit,
                2,
                [Told, Told, Silent, Silent, Silent, Silent, Told, Told],
            ),
            (
                Kind::Threshold,
                2,
                [Not, Told, Not, Told, Not, Told, Not, Told],
            ),
            (
                Kind::Both,
                2,
                [Not, Told, Silent, Silent, Silent, Silent, Not, Told],
            ),
            (
                Kind::DetectionFilter,
                2,
                [Not, Not, Told, Told, Told, Told, Not, Not],
            ),
            (Kind::Threshold, 1, [Told; 8]),
        ] {
            assert_eq!(dues(kind, count, burst), want);
        }
    }

    #[test]
    fn a_window_is_full_and_goes_on() {
        let filter = Threshold {
            kind: Kind::DetectionFilter,
            track: Track::Rule,
            count: MAX_COUNT,
            seconds: MAX_SECONDS,
        };
        let mut window = Window {
            end_ms: 1000,
            count: FULL,
        };
        assert_eq!(filter.take(&mut window, 999), Due::Told);
        assert_eq!(Window::of_word(window.to_word()), window);
        assert_eq!(window.count, FULL);
    }

    fn section(rows: &[[u32; 4]], out: &mut [u8; 64]) -> usize {
        let mut w = Writer::new(out);
        for words in rows {
            words.iter().for_each(|word| w.u32(*word));
        }
        w.offset()
    }

    #[test]
    fn rows_that_are_none_are_refused() {
        // Type and what is counted in one word, little endian.
        const BOTH: u32 = 3 | (2 << 16);
        for (row, is_good) in [
            ([4, BOTH, 1, 1], true),
            ([4, BOTH, MAX_COUNT, MAX_SECONDS], true),
            ([3, BOTH, 1, 1], false),
            ([5, BOTH, 1, 1], false),
            ([4, 0, 1, 1], false),
            ([4, 5 | (1 << 16), 1, 1], false),
            ([4, 1 | (5 << 16), 1, 1], false),
            ([4, BOTH, 0, 1], false),
            ([4, BOTH, MAX_COUNT + 1, 1], false),
            ([4, BOTH, 1, 0], false),
            ([4, BOTH, 1, MAX_SECONDS + 1], false),
        ] {
            let mut out = [0; 64];
            let len = section(&[[3, BOTH, 9, 9], row], &mut out);
            let part = Part {
                bytes: &out[..len],
                at: 0,
            };
            assert_eq!(verify(&part, 5).is_ok(), is_good);
        }
        let odd = Part {
            bytes: &[0; 15],
            at: 0,
        };
        assert!(verify(&odd, 5).is_err());
    }

    #[test]
    fn a_signature_finds_its_own() {
        let mut out = [0; 64];
        let len = section(
            &[[1, 1 | (1 << 16), 7, 9], [3, 2 | (4 << 16), 8, 9]],
            &mut out,
        );
        let of = |signature| Threshold::of(&out[..len], signature).map(|own| own.count);
        assert_eq!(
            [of(0), of(1), of(2), of(3), of(4)],
            [None, Some(7), None, Some(8), None]
        );
        assert_eq!(Threshold::of(&[], 0), None);
    }
}
