// SPDX-License-Identifier: GPL-2.0

//! Shapes of a request that are a finding of their own. Floor 0, pure; context: any.

/// A shape that servers understand differently, or that only an attacker sends.
///
/// Each sentence says what the tracker makes of it. The oddity says that there is a second opinion, or
/// that nginx and Apache refuse it and close, and then what follows is read by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Oddity {
    /// Both `Content-Length` and `Transfer-Encoding`: the coding counts, as for Apache.
    BothLengths,
    /// A second `Content-Length`, also an equal one: the first counts.
    LengthAgain,
    /// A length that is empty, no number, or above 2^63 - 1: the body goes on to the end of the connection.
    LengthBroken,
    /// A transfer coding beside or instead of `chunked`: the body is chunked if that one is the last of the
    /// list, as for Apache, else it goes on to the end of the connection.
    CodingOther,
    /// A second `Transfer-Encoding`: they are one list, as for Apache.
    CodingAgain,
    /// A transfer coding in a request that is not HTTP/1.1: it counts.
    CodingInOld,
    /// A tab before, in or behind a length or a transfer coding: it is a blank, as for Apache.
    FramingTab,
    /// A CR that no LF follows: a byte of the header's value; elsewhere nothing is followed behind it.
    BareCr,
    /// A LF that follows no CR: it ends the line, as for nginx.
    BareLf,
    /// A byte 0 in the head or a trailer: a byte as others.
    Nul,
    /// Another control byte in a target, a value or a chunk extension: a byte as others.
    Control,
    /// Blanks between a header's name and its colon: they are no part of the name.
    SpaceBeforeColon,
    /// A header line that begins with a blank: it goes on with the value before it, as for Apache.
    Folding,
    /// A header line without a colon: a header without a value, as for nginx.
    NoColon,
    /// A header's name that is empty, or has a byte that is none of a token's: it is the name of no known header.
    NameByte,
    /// A method that has other bytes than capital letters, `-` and `_`: a method, as for Apache.
    MethodByte,
    /// Blanks in the request line that are not the single spaces between its parts: they count as one, as for nginx.
    LineBlanks,
    /// A blank in a target that begins with a slash: a part of it.
    TargetSpace,
    /// A protocol that is not written `HTTP/1.` and a digit: the request is followed as one of HTTP/1.1.
    Protocol,
    /// A line of more than 64 KiB: followed as others.
    LongLine,
    /// A chunk size with more than 16 digits, or blanks behind it: it counts. One that is no hexadecimal
    /// number, or above 2^63 - 1: nothing is followed behind it.
    ChunkSize,
    /// A chunk that goes on behind its size: nothing is followed behind it.
    ChunkEnd,
    /// The first line of HTTP/2: nothing is followed behind it.
    Preface,
}

impl Oddity {
    /// All, in the order of their numbers.
    pub const ALL: [Self; 23] = [
        Self::BothLengths,
        Self::LengthAgain,
        Self::LengthBroken,
        Self::CodingOther,
        Self::CodingAgain,
        Self::CodingInOld,
        Self::FramingTab,
        Self::BareCr,
        Self::BareLf,
        Self::Nul,
        Self::Control,
        Self::SpaceBeforeColon,
        Self::Folding,
        Self::NoColon,
        Self::NameByte,
        Self::MethodByte,
        Self::LineBlanks,
        Self::TargetSpace,
        Self::Protocol,
        Self::LongLine,
        Self::ChunkSize,
        Self::ChunkEnd,
        Self::Preface,
    ];

    /// Bytes of the longest name.
    pub const LONGEST: usize = {
        let (mut longest, mut at) = (0, 0);
        while at < Self::ALL.len() {
            let len = Self::ALL[at].name().len();
            if len > longest {
                longest = len;
            }
            // OVERFLOW: below the number of oddities.
            at += 1;
        }
        longest
    };

    /// What it is called in reports and signatures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BothLengths => "both-lengths",
            Self::LengthAgain => "length-again",
            Self::LengthBroken => "length-broken",
            Self::CodingOther => "coding-other",
            Self::CodingAgain => "coding-again",
            Self::CodingInOld => "coding-in-old",
            Self::FramingTab => "framing-tab",
            Self::BareCr => "bare-cr",
            Self::BareLf => "bare-lf",
            Self::Nul => "nul",
            Self::Control => "control",
            Self::SpaceBeforeColon => "space-before-colon",
            Self::Folding => "folding",
            Self::NoColon => "no-colon",
            Self::NameByte => "name-byte",
            Self::MethodByte => "method-byte",
            Self::LineBlanks => "line-blanks",
            Self::TargetSpace => "target-space",
            Self::Protocol => "protocol",
            Self::LongLine => "long-line",
            Self::ChunkSize => "chunk-size",
            Self::ChunkEnd => "chunk-end",
            Self::Preface => "preface",
        }
    }
}

/// Oddities that a byte shows: nearly always none, seldom more than one.
///
/// # Examples
///
/// ```
/// use kis_core::matching::grammar::http::{Oddities, Oddity};
///
/// let odd = Oddities::of(Oddity::Nul).with(Oddity::BareLf);
/// assert!(odd.contains(Oddity::Nul) && !odd.contains(Oddity::Folding));
/// assert!(odd.iter().eq([Oddity::BareLf, Oddity::Nul]));
/// assert!(odd.but(Oddities::of(Oddity::Nul)).iter().eq([Oddity::BareLf]));
/// assert!(Oddities::NONE.is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities(u32);

impl Oddities {
    /// None.
    pub const NONE: Self = Self(0);

    /// One.
    pub const fn of(odd: Oddity) -> Self {
        Self(1 << odd as u32)
    }

    /// These and `odd`.
    #[must_use]
    pub const fn with(self, odd: Oddity) -> Self {
        self.and(Self::of(odd))
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those.
    #[must_use]
    pub const fn but(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `odd` is one of them.
    pub const fn contains(self, odd: Oddity) -> bool {
        self.0 & Self::of(odd).0 != 0
    }

    /// Each once, in the order of [`Oddity::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Oddity> {
        Oddity::ALL
            .into_iter()
            .filter(move |odd| self.contains(*odd))
    }
}
