// SPDX-License-Identifier: GPL-2.0

//! Names of headers, and the two whose values say where a request ends.
//!
//! Floor 0, pure; context: any.

use super::{
    fact,
    run,
    Http,
    Oddities,
    Oddity, //
};

/// Hash of a header's name, whatever the case of its letters; never 0.
///
/// It is 32 bits wide: two names may have the same one, and an attacker can find such. The tracker
/// itself compares the names that it goes by.
///
/// # Examples
///
/// ```
/// use kis_core::matching::grammar::http::name;
///
/// const AGENT: u32 = name(b"user-agent");
/// assert_eq!(AGENT, name(b"User-Agent"));
/// assert_ne!(AGENT, name(b"user_agent"));
/// ```
pub const fn name(bytes: &[u8]) -> u32 {
    let mut hash = run::BASIS;
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        hash = run::hash(hash, byte.to_ascii_lowercase());
        rest = behind;
    }
    some(hash)
}

/// The hash of a name that is read, for 0 is none.
pub(super) const fn some(hash: u32) -> u32 {
    if hash == 0 {
        1
    } else {
        hash
    }
}

/// Words that are compared while they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Word {
    /// Any other.
    #[default]
    None,
    /// The method of HTTP/2's first line.
    Pri,
    /// `Content-Length`.
    Length,
    /// `Transfer-Encoding`.
    Coding,
}

/// How far a length is: [`Http::at`] in its value.
mod length {
    /// Before the first digit.
    pub(super) const EMPTY: u8 = 0;
    /// Behind a digit.
    pub(super) const DIGITS: u8 = 1;
    /// Behind a blank behind it.
    pub(super) const OVER: u8 = 2;
    /// It is none.
    pub(super) const BROKEN: u8 = 3;
}

/// The coding that has its own end.
const CHUNKED: &[u8; 7] = b"chunked";
/// How far a coding is, besides the number of letters: behind a blank behind all of them.
const COMPLETE: u8 = 8;
/// It is another one.
const OTHER: u8 = 9;

impl Word {
    /// Its letters.
    const fn letters(self) -> &'static [u8] {
        match self {
            Self::None => b"",
            Self::Pri => b"pri",
            Self::Length => b"content-length",
            Self::Coding => b"transfer-encoding",
        }
    }
}

impl Http {
    /// More of the word was read.
    #[inline(always)]
    pub(super) fn compare(&mut self, bytes: &[u8]) {
        if self.word == Word::None {
            return;
        }
        let rest = (self.word.letters().get(usize::from(self.at)..)).unwrap_or_default();
        match rest.get(..bytes.len()) {
            Some(letters) if letters.eq_ignore_ascii_case(bytes) => {
                // CAST: no longer than the word. OVERFLOW: for the same reason. INVARIANT: likewise.
                self.at = self.at.wrapping_add(bytes.len() as u8);
            }
            _ => {
                self.word = Word::None;
                self.at = 0;
            }
        }
    }

    /// The word has ended: which one it is.
    #[inline(always)]
    pub(super) fn compared(&mut self) -> Word {
        if self.word != Word::None && usize::from(self.at) != self.word.letters().len() {
            self.word = Word::None;
        }
        self.word
    }

    /// The name has ended with its colon; its value comes.
    pub(super) fn begin_value(&mut self) -> Oddities {
        self.hash = some(self.hash);
        self.facts &= !fact::VALUE;
        match self.compared() {
            Word::None | Word::Pri => Oddities::NONE,
            Word::Length => {
                self.at = length::EMPTY;
                let mut odd = Oddities::NONE;
                if self.is(fact::CODING) {
                    odd = odd.and(self.tell(Oddity::BothLengths));
                }
                if !self.begin(fact::LENGTH) {
                    odd = odd.and(self.tell(Oddity::LengthAgain));
                    // The first counts.
                    self.word = Word::None;
                }
                odd
            }
            Word::Coding => {
                self.at = 0;
                let mut odd = Oddities::NONE;
                if self.is(fact::LENGTH) {
                    odd = odd.and(self.tell(Oddity::BothLengths));
                }
                if self.is(fact::OLD) {
                    odd = odd.and(self.tell(Oddity::CodingInOld));
                }
                if !self.begin(fact::CODING) {
                    odd = odd.and(self.tell(Oddity::CodingAgain));
                }
                odd
            }
        }
    }

    /// The header was over before this line: what it comes to.
    #[inline(always)]
    pub(super) fn end_value(&mut self) -> Oddities {
        match self.word {
            Word::None | Word::Pri => Oddities::NONE,
            Word::Length | Word::Coding => self.end_framing(),
        }
    }

    /// [`Http::end_value`] of the two.
    #[inline(never)]
    fn end_framing(&mut self) -> Oddities {
        let word = self.word;
        self.word = Word::None;
        if word == Word::Coding {
            return self.end_coding();
        }
        if self.at == length::EMPTY {
            return self.break_length();
        }
        Oddities::NONE
    }

    /// Bytes of a value, or blanks beside it, of one of the two; reads up to the first that is odd.
    pub(super) fn understand(&mut self, bytes: &[u8]) -> (usize, Oddities) {
        for (at, byte) in bytes.iter().enumerate() {
            let mut odd = self.tell_byte(*byte);
            if *byte == b'\t' && self.word != Word::None {
                odd = odd.and(self.tell(Oddity::FramingTab));
            }
            odd = odd.and(match self.word {
                Word::Length => self.measure(*byte),
                Word::Coding => self.spell(*byte),
                Word::None | Word::Pri => Oddities::NONE,
            });
            if !odd.is_empty() {
                // OVERFLOW: an index.
                return (at.wrapping_add(1), odd);
            }
        }
        (bytes.len(), Oddities::NONE)
    }

    /// A byte of a length.
    fn measure(&mut self, byte: u8) -> Oddities {
        match (self.at, byte) {
            (length::EMPTY | length::BROKEN | length::OVER, b' ' | b'\t') => Oddities::NONE,
            (length::DIGITS, b' ' | b'\t') => {
                self.at = length::OVER;
                Oddities::NONE
            }
            (length::EMPTY | length::DIGITS, b'0'..=b'9') => {
                self.at = length::DIGITS;
                // CAST: widens. OVERFLOW: a digit.
                let digit = u64::from(byte.wrapping_sub(b'0'));
                match (self.left.checked_mul(10)).and_then(|left| left.checked_add(digit)) {
                    Some(left) if i64::try_from(left).is_ok() => {
                        self.left = left;
                        Oddities::NONE
                    }
                    _ => self.break_length(),
                }
            }
            (length::BROKEN, _) => Oddities::NONE,
            _ => self.break_length(),
        }
    }

    /// It is no length.
    fn break_length(&mut self) -> Oddities {
        self.at = length::BROKEN;
        self.facts |= fact::BROKEN;
        self.tell(Oddity::LengthBroken)
    }

    /// A byte of a list of codings.
    fn spell(&mut self, byte: u8) -> Oddities {
        match byte {
            b',' => {
                let odd = self.end_coding();
                self.at = 0;
                odd.and(self.tell(Oddity::CodingOther))
            }
            b' ' | b'\t' => match self.at {
                0 | COMPLETE | OTHER => Oddities::NONE,
                at if usize::from(at) == CHUNKED.len() => {
                    self.at = COMPLETE;
                    Oddities::NONE
                }
                _ => self.other_coding(),
            },
            _ if CHUNKED.get(usize::from(self.at)) == Some(&byte.to_ascii_lowercase()) => {
                // OVERFLOW: at most 7.
                self.at = self.at.wrapping_add(1);
                Oddities::NONE
            }
            _ => self.other_coding(),
        }
    }

    /// It is not `chunked`, or not only.
    fn other_coding(&mut self) -> Oddities {
        self.at = OTHER;
        self.tell(Oddity::CodingOther)
    }

    /// A coding of the list has ended.
    fn end_coding(&mut self) -> Oddities {
        if usize::from(self.at) == CHUNKED.len() || self.at == COMPLETE {
            self.facts |= fact::CHUNKED;
            return Oddities::NONE;
        }
        self.facts &= !fact::CHUNKED;
        // Another one was told when it was read.
        if self.at == OTHER {
            return Oddities::NONE;
        }
        self.other_coding()
    }
}
