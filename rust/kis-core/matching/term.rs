// SPDX-License-Identifier: GPL-2.0

//! Terms: what signatures are made of.
//!
//! A term is a pattern in a scope. What finds patterns finds terms, and a term says what is known then, its
//! *fact*, and for which signatures that is the time to ask whether all they need is known: those
//! that it *triggers*. A signature of one term needs nothing else. An image without terms has one for each
//! signature, for all of a stream.
//!
//! The section: u32 terms, u32 words, u32 facts of the stream, u32 0; if there are terms: for each signature
//! u32 first word and u32 number of what it needs; for each term u32 scope, u32 fact, u32 first word and
//! u32 number of the signatures that it triggers; the words. A need is a term, with the top bit set if
//! it must not be known. Facts of the stream have the first numbers. Floor 0, pure; context: any.

use super::scope::Scope;
use super::section::{
    Part,
    Section, //
};
use crate::wire::bytes::{
    index,
    u32_at,
    Writer, //
};
use crate::{
    Error,
    Result, //
};

/// Bytes before the signatures.
const HEAD: usize = 16;
/// Bytes of a signature.
const NEEDS: usize = 8;
/// Bytes of a term.
const RECORD: usize = 16;

/// Facts that have a bit each in what is known of a stream.
pub const FACTS: u32 = 256;

/// Most terms of an image: facts without a bit are known by 16 bits.
pub const MAX_TERMS: u32 = 1 << 16;

/// The fact of a term that has no bit.
const LISTED: u32 = FACTS;
/// That of a term of which nothing has to be known.
const NOTHING: u32 = u32::MAX;

/// The bit of a need that says that it must not be known.
pub const ABSENT: u32 = 1 << 31;

/// Most that a signature needs, and most signatures that a term triggers: each time it is found all are asked.
pub const MAX_NEEDS: u32 = 64;
/// See [`MAX_NEEDS`].
pub const MAX_TRIGGERS: u32 = 1024;

/// What is known when a term is found.
///
/// # Examples
///
/// ```
/// use kis_core::matching::term::Fact;
///
/// assert!(Fact::Bit(7) != Fact::Listed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Nothing that anybody asks for.
    Nothing,
    /// One that many streams have: a bit of its own, below [`FACTS`].
    Bit(u32),
    /// One that few have: the term is put on a list.
    Listed,
}

impl Fact {
    const fn code(self) -> u32 {
        match self {
            Self::Nothing => NOTHING,
            Self::Bit(bit) => bit,
            Self::Listed => LISTED,
        }
    }

    const fn from_code(code: u32) -> Option<Self> {
        match code {
            NOTHING => Some(Self::Nothing),
            LISTED => Some(Self::Listed),
            bit if bit < FACTS => Some(Self::Bit(bit)),
            _ => None,
        }
    }
}

/// A term to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct TermSpec<'a> {
    /// Where it is looked for.
    pub scope: Scope,
    /// What is known when it is found.
    pub fact: Fact,
    /// The signatures that it triggers.
    pub triggers: &'a [u32],
}

/// All terms to be encoded.
#[derive(Clone, Copy, Debug)]
pub struct TermsSpec<'a> {
    /// The terms.
    pub terms: &'a [TermSpec<'a>],
    /// For each signature what it needs.
    pub needs: &'a [&'a [u32]],
    /// How many facts are of the stream: the first ones.
    pub lasting: u32,
}

impl TermsSpec<'_> {
    /// None: each signature is a term.
    pub const NONE: Self = Self {
        terms: &[],
        needs: &[],
        lasting: 0,
    };

    /// Words of all lists.
    fn words(&self) -> Option<usize> {
        let needs = self.needs.iter().map(|needs| needs.len());
        let triggers = self.terms.iter().map(|term| term.triggers.len());
        needs
            .chain(triggers)
            .try_fold(0usize, |sum, len| sum.checked_add(len))
    }

    /// Bytes of the section.
    pub(super) fn bytes(&self) -> Option<usize> {
        if self.terms.is_empty() {
            return Some(HEAD);
        }
        let needs = self.needs.len().checked_mul(NEEDS)?;
        let records = self.terms.len().checked_mul(RECORD)?;
        HEAD.checked_add(needs)?
            .checked_add(records)?
            .checked_add(self.words()?.checked_mul(4)?)
    }

    /// Writes the section.
    pub(super) fn write(&self, w: &mut Writer<'_>) {
        // A number that does not fit is refused by whoever verifies it.
        let cut = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        if self.terms.is_empty() {
            w.zeros(HEAD);
            return;
        }
        w.u32(cut(self.terms.len()));
        w.u32(cut(self.words().unwrap_or(usize::MAX)));
        w.u32(self.lasting);
        w.u32(0);
        let mut first = 0u32;
        let mut next = |len: usize| {
            let at = first;
            first = first.saturating_add(cut(len));
            at
        };
        for needs in self.needs {
            w.u32(next(needs.len()));
            w.u32(cut(needs.len()));
        }
        for term in self.terms {
            w.u32(term.scope.code());
            w.u32(term.fact.code());
            w.u32(next(term.triggers.len()));
            w.u32(cut(term.triggers.len()));
        }
        let lists = self.needs.iter().copied();
        let lists = lists.chain(self.terms.iter().map(|term| term.triggers));
        for word in lists.flatten() {
            w.u32(*word);
        }
    }
}

/// Verified terms: where they are in the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// How many there are.
    count: u32,
    /// Facts that last as long as the stream.
    lasting: u32,
    /// Whether some term is about a request.
    is_of_requests: bool,
    /// Whether some term is about a target as servers read it.
    has_uri: bool,
    /// Whether some term is about what is odd about a request.
    has_oddity: bool,
    needs: Section,
    records: Section,
    words: Section,
}

/// A term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) scope: Scope,
    pub(super) fact: Fact,
    triggers: (u32, u32),
}

impl Terms {
    /// None.
    pub(super) const NONE: Self = Self {
        count: 0,
        lasting: 0,
        is_of_requests: false,
        has_uri: false,
        has_oddity: false,
        needs: Section::NONE,
        records: Section::NONE,
        words: Section::NONE,
    };

    /// How many things can be found, of so many signatures.
    pub(super) const fn things(&self, signatures: u32) -> u32 {
        if self.count == 0 {
            signatures
        } else {
            self.count
        }
    }

    /// Facts of the stream, which have the first numbers.
    pub(super) const fn lasting(&self) -> u32 {
        self.lasting
    }

    /// Whether some term is about a request.
    pub(super) const fn is_of_requests(&self) -> bool {
        self.is_of_requests
    }

    /// Whether some term is about a target as servers read it.
    pub(super) const fn has_uri(&self) -> bool {
        self.has_uri
    }

    /// Whether some term is about what is odd about a request.
    pub(super) const fn has_oddity(&self) -> bool {
        self.has_oddity
    }

    /// Checks the section, for so many signatures, and becomes it.
    pub(super) fn verify(&mut self, part: &Part<'_>, signatures: u32) -> Result {
        let fault = |at, what| part.fault(at, what);
        let word = |at| u32_at(part.bytes, at).ok_or(fault(at, "counts of terms"));
        let (count, words, lasting) = (word(0)?, word(4)?, word(8)?);
        if word(12)? != 0 || lasting > FACTS {
            return Err(fault(8, "facts of the stream"));
        }
        if count > MAX_TERMS {
            return Err(Error::limit("terms", MAX_TERMS));
        }
        let mut end = HEAD;
        let mut next = |count: u32, size: usize| {
            let len = index(count).checked_mul(size)?;
            Section::next(&mut end, len)
        };
        let of = if count == 0 { 0 } else { signatures };
        let sections = next(of, NEEDS).zip(next(count, RECORD)).zip(next(words, 4));
        let ((needs, records), words) = sections.ok_or(fault(0, "counts of terms"))?;
        let is_none = count != 0 || (words.len() == 0 && lasting == 0);
        if end != part.bytes.len() || !is_none {
            return Err(fault(0, "counts do not fill the section"));
        }
        // The lists follow each other, first those of the signatures.
        let mut first = 0u32;
        let mut list = |record: &[u8], at: usize| {
            let (begin, len) = (u32_at(record, at)?, u32_at(record, at.checked_add(4)?)?);
            if begin != first {
                return None;
            }
            let list = index(begin).checked_mul(4)?..;
            let list = words.of(part.bytes).get(list)?;
            let list = list.get(..index(len).checked_mul(4)?)?;
            first = first.checked_add(len)?;
            Some(list)
        };
        // Rising, so that nothing is asked twice.
        let each = |list: &[u8], most: u32, is_good: &dyn Fn(u32) -> bool| {
            let mut last = None;
            let mut words = list.chunks_exact(4).filter_map(|word| u32_at(word, 0));
            let is_short = list.len() <= index(most).saturating_mul(4);
            is_short && words.all(|word| is_good(word) && last.replace(word) < Some(word))
        };
        for (i, record) in needs.of(part.bytes).chunks_exact(NEEDS).enumerate() {
            let at = needs.at().saturating_add(i.saturating_mul(NEEDS));
            let list = list(record, 0).ok_or(fault(at, "needs of a signature"))?;
            if !each(list, MAX_NEEDS, &|need| need & !ABSENT < count) {
                return Err(fault(at, "needs of a signature"));
            }
        }
        let (mut is_of_requests, mut has_uri, mut has_oddity) = (false, false, false);
        for (i, record) in records.of(part.bytes).chunks_exact(RECORD).enumerate() {
            let at = records.at().saturating_add(i.saturating_mul(RECORD));
            let list = list(record, 8).ok_or(fault(at, "signatures of a term"))?;
            let term = Term::of(record).ok_or(fault(at, "scope or fact of a term"))?;
            let is_placed = match term.fact {
                Fact::Bit(bit) => (bit < lasting) != term.scope.is_of_request(),
                Fact::Listed | Fact::Nothing => true,
            };
            if !is_placed || !each(list, MAX_TRIGGERS, &|sig| sig < signatures) {
                return Err(fault(at, "signatures or fact of a term"));
            }
            is_of_requests |= term.scope.is_of_request();
            has_uri |= term.scope == Scope::Uri;
            has_oddity |= term.scope == Scope::Oddity;
        }
        if index(first).saturating_mul(4) != words.len() {
            return Err(fault(words.at(), "words that nobody has"));
        }
        *self = Self {
            count,
            lasting,
            is_of_requests,
            has_uri,
            has_oddity,
            needs: needs.moved(part.at),
            records: records.moved(part.at),
            words: words.moved(part.at),
        };
        Ok(())
    }

    /// A term; the one of a signature where there are none.
    #[inline]
    pub(super) fn get(&self, image: &[u8], at: u32) -> Option<Term> {
        if self.count == 0 {
            return Some(Term {
                scope: Scope::Stream,
                fact: Fact::Nothing,
                triggers: (at, 0),
            });
        }
        Term::of(
            self.records
                .of(image)
                .get(index(at).checked_mul(RECORD)?..)?,
        )
    }

    /// The signatures that a term triggers.
    #[inline]
    pub(super) fn triggers<'a>(
        &self,
        image: &'a [u8],
        term: &Term,
    ) -> impl Iterator<Item = u32> + 'a {
        let (first, len) = term.triggers;
        let alone = (self.count == 0).then_some(first);
        let words = self.list(image, first, if self.count == 0 { 0 } else { len });
        alone.into_iter().chain(words)
    }

    /// What a signature needs.
    #[inline]
    pub(super) fn needs<'a>(&self, image: &'a [u8], sig: u32) -> impl Iterator<Item = u32> + 'a {
        let place = index(sig).saturating_mul(NEEDS);
        let record = self.needs.of(image).get(place..).unwrap_or_default();
        let first = u32_at(record, 0).unwrap_or(0);
        let len = u32_at(record, 4).filter(|_| self.count != 0).unwrap_or(0);
        self.list(image, first, len)
    }

    /// The words of a list.
    fn list<'a>(&self, image: &'a [u8], first: u32, len: u32) -> impl Iterator<Item = u32> + 'a {
        let from = index(first).saturating_mul(4);
        let words = self.words.of(image).get(from..).unwrap_or_default();
        let words = words.chunks_exact(4).take(index(len));
        words.filter_map(|word| u32_at(word, 0))
    }
}

impl Term {
    fn of(record: &[u8]) -> Option<Self> {
        Some(Self {
            scope: Scope::from_code(u32_at(record, 0)?)?,
            fact: Fact::from_code(u32_at(record, 4)?)?,
            triggers: (u32_at(record, 8)?, u32_at(record, 12)?),
        })
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_term))]
mod tests {
    use super::*;

    const TERMS: TermsSpec<'static> = TermsSpec {
        terms: &[
            TermSpec {
                scope: Scope::Stream,
                fact: Fact::Bit(0),
                triggers: &[],
            },
            TermSpec {
                scope: Scope::Uri,
                fact: Fact::Listed,
                triggers: &[1],
            },
            TermSpec {
                scope: Scope::Value(9),
                fact: Fact::Bit(1),
                triggers: &[0, 1],
            },
        ],
        needs: &[&[], &[0, 2 | ABSENT]],
        lasting: 1,
    };

    fn section(spec: &TermsSpec<'_>, out: &mut [u8; 256]) -> usize {
        let mut w = Writer::new(out);
        spec.write(&mut w);
        let len = w.finish().unwrap_or(0);
        assert_eq!(spec.bytes(), Some(len));
        len
    }

    #[test]
    fn terms_are_given_back() {
        let mut out = [0; 256];
        let len = section(&TERMS, &mut out);
        let bytes = &out[..len];
        let mut terms = Terms::NONE;
        assert!(terms.verify(&Part { bytes, at: 0 }, 2).is_ok());
        assert_eq!((terms.things(2), terms.lasting()), (3, 1));
        assert!(terms.is_of_requests() && terms.has_uri());
        let third = terms.get(bytes, 2);
        assert!(third.is_some_and(|t| t.scope == Scope::Value(9) && t.fact == Fact::Bit(1)));
        let Some(third) = third else { return };
        assert!(terms.triggers(bytes, &third).eq([0, 1]));
        assert!(terms.needs(bytes, 1).eq([0, 2 | ABSENT]));
        assert!(terms.needs(bytes, 0).next().is_none());
        assert!(terms.get(bytes, 3).is_none());
    }

    #[test]
    fn without_terms_each_signature_is_one() {
        let mut out = [0; 256];
        let len = section(&TermsSpec::NONE, &mut out);
        let bytes = &out[..len];
        let mut terms = Terms::NONE;
        assert!(terms.verify(&Part { bytes, at: 0 }, 5).is_ok());
        assert_eq!(terms.things(5), 5);
        assert!(!terms.is_of_requests());
        let term = terms.get(bytes, 4);
        assert!(term.is_some_and(|term| terms.triggers(bytes, &term).eq([4])));
        assert!(terms.needs(bytes, 4).next().is_none());
    }

    #[test]
    fn damaged_terms_are_refused_or_harmless() {
        let mut out = [0; 256];
        let len = section(&TERMS, &mut out);
        for at in 0..len {
            for value in [1, 2, 0x80] {
                let mut forged = out;
                forged[at] ^= value;
                let bytes = &forged[..len];
                let mut terms = Terms::NONE;
                if terms.verify(&Part { bytes, at: 0 }, 2).is_err() {
                    continue;
                }
                for term in (0..3).filter_map(|at| terms.get(bytes, at)) {
                    assert!(terms.triggers(bytes, &term).all(|sig| sig < 2));
                }
                for sig in 0..2 {
                    assert!(terms.needs(bytes, sig).all(|need| need & !ABSENT < 3));
                }
            }
        }
        let part = |end| Part {
            bytes: &out[..end],
            at: 0,
        };
        let mut terms = Terms::NONE;
        assert!(terms.verify(&part(len - 4), 2).is_err());
        assert!(terms.verify(&part(len + 4), 2).is_err());
        assert!(terms.verify(&part(len), 1).is_err());
    }
}
