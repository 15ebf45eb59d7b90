// SPDX-License-Identifier: GPL-2.0

//! What is known of a stream and its request: which terms were found, and which signatures wait for more.
//!
//! Plain words, zero for a stream of which nothing was read. Floor 0, pure; the caller serialises access.

use super::scope::Scope;
use super::term::{
    Fact,
    FACTS, //
};

/// Facts without a bit that are known at once.
pub const LISTED: usize = 16;

/// Signatures that wait at once for what else they need.
pub const PENDING: usize = 16;

const WORDS: usize = FACTS as usize / 64;

/// The evidence of one stream.
///
/// # Invariants
///
/// `known` is at most [`LISTED`] and `waiting` at most [`PENDING`]; what is beyond is garbage.
///
/// # Examples
///
/// ```
/// use kis_core::matching::evidence::Evidence;
/// use kis_core::matching::term::Fact;
///
/// let mut evidence = Evidence::default();
/// assert!(!evidence.has(Fact::Bit(3), 9));
/// evidence.note(Fact::Bit(3), 9);
/// assert!(evidence.has(Fact::Bit(3), 9));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    bits: [u64; WORDS],
    listed: [u16; LISTED],
    pending: [u16; PENDING],
    known: u8,
    waiting: u8,
    /// The parts of the request that are over, see [`Ended`].
    ended: u8,
    /// Whether the request began under other signatures.
    is_partial: bool,
}

/// The parts of a request whose end is waited for.
///
/// # Examples
///
/// ```
/// use kis_core::matching::evidence::Ended;
/// use kis_core::matching::scope::Scope;
///
/// assert_eq!(Ended::of(Scope::Uri), Some(Ended::Line));
/// assert_eq!(Ended::of(Scope::Stream), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ended {
    /// The request line.
    Line = 1,
    /// The header lines.
    Headers = 2,
    /// All of it.
    Request = 4,
}

impl Ended {
    /// The one behind which a scope has nothing more; a stream has always more.
    pub const fn of(scope: Scope) -> Option<Self> {
        match scope {
            Scope::Stream => None,
            Scope::Method | Scope::Uri | Scope::RawUri | Scope::Protocol | Scope::Line => {
                Some(Self::Line)
            }
            Scope::Headers | Scope::Value(_) => Some(Self::Headers),
            Scope::Body | Scope::Oddity => Some(Self::Request),
        }
    }
}

impl Evidence {
    /// Whether a fact is known, that of this term.
    pub fn has(&self, fact: Fact, term: u32) -> bool {
        match fact {
            Fact::Nothing => false,
            Fact::Bit(bit) => self
                .bits
                .get((bit >> 6) as usize)
                .is_some_and(|word| (word >> (bit & 63)) & 1 != 0),
            Fact::Listed => self.listed().iter().any(|known| u32::from(*known) == term),
        }
    }

    /// A fact is known from now on. Whether there was room for it.
    pub fn note(&mut self, fact: Fact, term: u32) -> bool {
        match fact {
            Fact::Nothing => {}
            Fact::Bit(bit) => {
                if let Some(word) = self.bits.get_mut((bit >> 6) as usize) {
                    *word |= 1 << (bit & 63);
                }
            }
            Fact::Listed => {
                if self.has(fact, term) {
                    return true;
                }
                let Some(place) = self.listed.get_mut(usize::from(self.known)) else {
                    return false;
                };
                // CAST: there are at most MAX_TERMS.
                *place = term as u16;
                // INVARIANT: there was room.
                self.known = self.known.saturating_add(1);
            }
        }
        true
    }

    fn listed(&self) -> &[u16] {
        let known = self.listed.get(..usize::from(self.known));
        known.unwrap_or_default()
    }

    /// The signatures that wait for more.
    pub fn pending(&self) -> &[u16] {
        let waiting = self.pending.get(..usize::from(self.waiting));
        waiting.unwrap_or_default()
    }

    /// A signature waits for more from now on. Whether there was room for it.
    pub fn wait(&mut self, sig: u32) -> bool {
        // CAST: there are at most MAX_SIGNATURES.
        let sig = sig as u16;
        if self.pending().contains(&sig) {
            return true;
        }
        let Some(place) = self.pending.get_mut(usize::from(self.waiting)) else {
            return false;
        };
        *place = sig;
        // INVARIANT: there was room.
        self.waiting = self.waiting.saturating_add(1);
        true
    }

    /// Keeps the signatures that still wait.
    pub fn retain(&mut self, mut waits: impl FnMut(u16) -> bool) {
        // INVARIANT: no more than there were.
        self.waiting = keep(&mut self.pending, self.waiting, &mut waits);
    }

    /// A part of the request is over.
    pub const fn end(&mut self, part: Ended) {
        self.ended |= part as u8;
    }

    /// Whether a part of the request is over.
    pub const fn has_ended(&self, part: Ended) -> bool {
        self.ended & part as u8 != 0
    }

    /// Another request begins: of what is known the first so many bits stay, and those on the list and those
    /// waiting that `stays` and `waits` want.
    pub fn next_request(
        &mut self,
        lasting: u32,
        mut stays: impl FnMut(u16) -> bool,
        waits: impl FnMut(u16) -> bool,
    ) {
        for (word, first) in self.bits.iter_mut().zip((0u32..).step_by(64)) {
            let kept = lasting.saturating_sub(first).min(64);
            let mask = u64::MAX.checked_shr(64u32.saturating_sub(kept));
            *word &= mask.unwrap_or(0);
        }
        // INVARIANT: no more than there were.
        self.known = keep(&mut self.listed, self.known, &mut stays);
        self.retain(waits);
        self.ended = 0;
        self.is_partial = false;
    }

    /// Forgets all; `is_partial` says whether that is in the middle of a request.
    pub fn clear(&mut self, is_partial: bool) {
        *self = Self {
            is_partial,
            ..Self::default()
        };
    }

    /// Whether the request began under other signatures: of it nobody can say that something is absent.
    pub const fn is_partial(&self) -> bool {
        self.is_partial
    }
}

/// Keeps some of the first `len`, in their order; how many.
fn keep<const N: usize>(all: &mut [u16; N], len: u8, is_kept: &mut impl FnMut(u16) -> bool) -> u8 {
    let mut kept = 0u8;
    for at in 0..usize::from(len) {
        let Some(one) = all.get(at).copied().filter(|one| is_kept(*one)) else {
            continue;
        };
        if let Some(place) = all.get_mut(usize::from(kept)) {
            *place = one;
            kept = kept.saturating_add(1);
        }
    }
    kept
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_evidence))]
mod tests {
    use super::*;

    #[test]
    fn facts_last_as_long_as_they_should() {
        for lasting in [0, 1, 63, 64, 65, 200, 256] {
            let mut evidence = Evidence::default();
            for bit in 0..FACTS {
                assert!(evidence.note(Fact::Bit(bit), 0));
            }
            evidence.end(Ended::Line);
            evidence.next_request(lasting, |_| false, |_| false);
            for bit in 0..FACTS {
                assert_eq!(evidence.has(Fact::Bit(bit), 0), bit < lasting);
            }
            assert!(!evidence.has_ended(Ended::Line));
        }
    }

    #[test]
    fn lists_are_bounded_and_kept_in_their_order() {
        let mut evidence = Evidence::default();
        for term in 0..2 * LISTED as u32 {
            assert_eq!(evidence.note(Fact::Listed, term), term < LISTED as u32);
            assert_eq!(evidence.wait(term), term < PENDING as u32);
        }
        assert!(evidence.note(Fact::Listed, 3) && evidence.wait(3));
        evidence.next_request(0, |term| term % 2 == 0, |sig| sig % 5 == 0);
        assert_eq!(evidence.pending(), [0, 5, 10, 15]);
        assert!(evidence.has(Fact::Listed, 4) && !evidence.has(Fact::Listed, 5));
        evidence.retain(|sig| sig != 5);
        assert_eq!(evidence.pending(), [0, 10, 15]);
        evidence.clear(true);
        assert!(evidence.is_partial() && evidence.pending().is_empty());
        evidence.next_request(0, |_| true, |_| true);
        assert_eq!(evidence, Evidence::default());
    }
}
