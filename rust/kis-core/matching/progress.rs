// SPDX-License-Identifier: GPL-2.0

//! How far the matcher has come in a stream: what it waits for, and the last bytes.
//!
//! Plain words, zero for a stream of which nothing was read. One of another set of signatures is
//! harmless, but means nothing. Floor 0, pure; the caller serialises access.

use super::evidence::Evidence;

/// Bytes that are kept of what was read: as far as a pattern may reach back from its literal.
pub const TAIL: usize = 32;

/// Patterns that a stream waits for at once.
pub const WAITS: usize = 16;

/// A pattern whose literal was found, and that waits for the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wait {
    /// Which lead.
    pub(crate) lead: u32,
    /// State of the piece that follows it.
    pub(crate) state: u16,
}

/// The progress in one stream.
///
/// # Examples
///
/// ```
/// use kis_core::matching::progress::Progress;
///
/// let progress = Progress::new(0, true);
/// assert_eq!((progress.waiting(), progress.lost()), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// State of the automaton of patterns without a literal.
    pub(super) state: u32,
    /// What found no room: waits, facts, signatures.
    pub(super) lost: u16,
    /// The stream as it is.
    pub(super) track: Track<WAITS>,
    /// What is known.
    pub(super) evidence: Evidence,
}

// What a datagram is looked at with is on a stack.
const _: () = assert!(core::mem::size_of::<Progress>() <= 280);

impl Progress {
    /// Before the first byte that is read, in the automaton's `start`; `is_whole` says whether that is
    /// the first one of the stream.
    pub fn new(start: u32, is_whole: bool) -> Self {
        Self {
            state: start,
            track: Track::new(is_whole),
            ..Self::default()
        }
    }

    /// Goes on with other signatures: nothing waits, nothing is known, the last bytes are as they were.
    /// `is_partial` says whether that is in the middle of a request.
    pub fn restart(&mut self, start: u32, is_partial: bool) {
        self.state = start;
        self.track.forget();
        self.evidence.clear(is_partial);
    }

    /// How many patterns wait.
    pub const fn waiting(&self) -> usize {
        self.track.waiting()
    }

    /// How often something found no room; stays at the greatest number there is.
    pub const fn lost(&self) -> u16 {
        self.lost
    }
}

/// The last bytes of what is read in a row, and what waits in it.
///
/// # Invariants
///
/// `known` is at most [`TAIL`] and `waits` at most `W`; what is beyond is garbage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Track<const W: usize> {
    known: u8,
    waits: u8,
    /// Whether the known bytes are all that there ever was.
    is_whole: bool,
    /// The last bytes, the latest at the end.
    tail: [u8; TAIL],
    wait: [Wait; W],
}

impl<const W: usize> Default for Track<W> {
    fn default() -> Self {
        Self::new(false)
    }
}

impl<const W: usize> Track<W> {
    /// Before its first byte that is read; `is_whole` says whether that is its first one.
    pub(super) const fn new(is_whole: bool) -> Self {
        // INVARIANT: nothing is known, nothing waits.
        Self {
            known: 0,
            waits: 0,
            is_whole,
            tail: [0; TAIL],
            wait: [Wait { lead: 0, state: 0 }; W],
        }
    }

    /// How many patterns wait.
    pub(super) const fn waiting(&self) -> usize {
        self.waits as usize
    }

    /// Nothing waits any more.
    pub(super) fn forget(&mut self) {
        // INVARIANT: none.
        self.waits = 0;
    }

    /// The byte so many steps before the next one to be read, from 1 on.
    #[inline]
    pub(crate) fn back(&self, steps: usize) -> Byte {
        if steps > usize::from(self.known) {
            return if self.is_whole {
                Byte::Beginning
            } else {
                Byte::Unknown
            };
        }
        let at = TAIL.checked_sub(steps);
        let byte = at.and_then(|at| self.tail.get(at)).copied();
        byte.map_or(Byte::Unknown, Byte::Is)
    }

    /// These were read.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let fresh = bytes
            .get(bytes.len().saturating_sub(TAIL)..)
            .unwrap_or(bytes);
        // At most as many as there is room for.
        self.tail.copy_within(fresh.len().min(TAIL).., 0);
        let from = TAIL.saturating_sub(fresh.len());
        if let Some(end) = self.tail.get_mut(from..) {
            end.copy_from_slice(fresh);
        }
        let known = usize::from(self.known).saturating_add(bytes.len());
        if known > TAIL {
            self.is_whole = false;
        }
        // CAST: at most TAIL. INVARIANT: for the same reason.
        self.known = known.min(TAIL) as u8;
    }

    /// What waits.
    pub(crate) fn waits(&self) -> &[Wait] {
        self.wait.get(..usize::from(self.waits)).unwrap_or_default()
    }

    /// One more waits, unless it does already. Whether there was room for it.
    pub(crate) fn wait(&mut self, wait: Wait) -> bool {
        if self.waits().contains(&wait) {
            return true;
        }
        let Some(place) = self.wait.get_mut(usize::from(self.waits)) else {
            return false;
        };
        *place = wait;
        // INVARIANT: there was room.
        self.waits = self.waits.saturating_add(1);
        true
    }

    /// Lets all that wait go on: to another state, or no further.
    pub(crate) fn advance(&mut self, mut next: impl FnMut(Wait) -> Option<u16>) {
        let mut kept = 0usize;
        for at in 0..usize::from(self.waits) {
            let Some(wait) = self.wait.get(at).copied() else {
                break;
            };
            let Some(state) = next(wait) else {
                continue;
            };
            let wait = Wait { state, ..wait };
            let is_there = self.wait.iter().take(kept).any(|other| *other == wait);
            if let Some(place) = self.wait.get_mut(kept).filter(|_| !is_there) {
                *place = wait;
                kept = kept.saturating_add(1);
            }
        }
        // CAST: no more than there were.
        self.waits = kept as u8;
    }
}

/// A byte of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Byte {
    /// This one.
    Is(u8),
    /// The stream begins behind it.
    Beginning,
    /// It was not kept.
    Unknown,
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_progress))]
mod tests {
    use super::*;

    #[test]
    fn last_bytes_are_known_however_they_come() {
        for cut in 1..7usize {
            let mut progress = Track::<WAITS>::new(true);
            let mut read = 0u8;
            while usize::from(read) < 100 {
                assert_eq!(
                    progress.back(usize::from(read).saturating_add(1)),
                    if usize::from(read) <= TAIL {
                        Byte::Beginning
                    } else {
                        Byte::Unknown
                    }
                );
                let mut bytes = [0u8; 7];
                for byte in bytes.iter_mut().take(cut) {
                    *byte = read;
                    read += 1;
                }
                progress.push(bytes.get(..cut).unwrap_or_default());
                for steps in 1..=usize::from(read).min(TAIL) {
                    assert_eq!(progress.back(steps), Byte::Is(read - steps as u8));
                }
            }
        }
        let mut later = Track::<1>::new(false);
        later.push(b"x");
        assert_eq!(
            (later.back(1), later.back(2)),
            (Byte::Is(b'x'), Byte::Unknown)
        );
        let mut long = Track::<1>::new(true);
        long.push(&[7; 3 * TAIL]);
        assert_eq!(
            (long.back(TAIL), long.back(TAIL + 1)),
            (Byte::Is(7), Byte::Unknown)
        );
    }

    #[test]
    fn waits_are_kept_once_and_bounded() {
        let mut track = Track::<WAITS>::new(true);
        for lead in 0..2 * WAITS as u32 {
            let wait = Wait { lead, state: 1 };
            assert_eq!(track.wait(wait), lead < WAITS as u32);
            assert_eq!(track.wait(wait), lead < WAITS as u32);
        }
        // Those of even leads go, the others come together in pairs.
        track.advance(|wait| (wait.lead % 2 == 1).then_some(wait.state + 1));
        assert_eq!(track.waits().len(), WAITS / 2);
        assert!(track
            .waits()
            .iter()
            .all(|wait| wait.lead % 2 == 1 && wait.state == 2));
        assert!(track.wait(Wait { lead: 1, state: 9 }));
        track.advance(|wait| (wait.lead == 1).then_some(5));
        assert_eq!(track.waits(), [Wait { lead: 1, state: 5 }]);
        let mut progress = Progress {
            track,
            ..Progress::new(0, true)
        };
        assert_eq!(progress.waiting(), 1);
        progress.restart(3, false);
        assert_eq!((progress.waiting(), progress.state), (0, 3));
    }
}
