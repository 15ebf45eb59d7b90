// SPDX-License-Identifier: GPL-2.0

//! What a cell's repertoire has, for those who take no lock.
//!
//! A copy of its [`Items`], as keyed hashes, that hooks ask at each call. It gives an answer only
//! where one can be given without a lock; whoever gets none asks the repertoire, under its lock. While
//! a cell learns that is always so, as each sighting is to be counted; when it is ready, only in the
//! moment in which another repertoire takes the place of this one.
//!
//! A table of words at most half full; a search begins at a place that the hash says and goes on
//! until a word is empty. And a memo of whole paths that were found to be known, which spares nearly
//! all calls the general form: a word for each place, replaced by who comes later. Floor 0; writers
//! are serialised by the caller (the repertoire's lock), readers are not. Context: any.

use super::class::{
    Class,
    ClassSet,
    Domain, //
};
use super::crowd::Crowd;
use super::items::{
    above,
    Item,
    Items,
    BELOW,
    MAX_ITEMS, //
};
use super::key::Key;
use super::sighting::{
    Knows,
    Sighting, //
};
use crate::paths::places::is_personal;
use core::ops::Deref;
use core::sync::atomic::{
    fence,
    AtomicBool,
    AtomicU32,
    AtomicU64,
    Ordering, //
};

/// Words of the table.
pub const SLOTS: usize = 2 * MAX_ITEMS;

/// Words of the memo.
pub const MEMO: usize = 1024;

/// How far a hash is shifted to become a place.
const SHIFT: u32 = u64::BITS - SLOTS.trailing_zeros();

const _: () = assert!(SLOTS.is_power_of_two() && MEMO.is_power_of_two());

/// What is said of a sighting without a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is part of the self.
    Known,
    /// It is not, and that is a surprise: its class was saturated.
    Unknown,
    /// It is not, which may happen.
    Odd,
    /// It was not learned, as the officer does not expect it. Never said of a set that is ready.
    Unexpected,
    /// The repertoire has to be asked: the cell learns, or the set is being replaced.
    Unsure,
}

impl Answer {
    /// What is said of a sighting by a set whose saturated classes are `grave`: for whoever has its
    /// lock, and for the set that is asked without one.
    ///
    /// # Examples
    ///
    /// ```
    /// use kis_core::sense::class::{Class, ClassSet};
    /// use kis_core::sense::items::Item;
    /// use kis_core::sense::known::Answer;
    /// use kis_core::sense::repertoire::Repertoire;
    /// use kis_core::sense::sighting::Sighting;
    ///
    /// let self_ = Repertoire::new(vec![Item::NONE; 8], vec![0; 100]);
    /// let peer = Sighting::named(Class::Peer, true, b"tcp 203.0.113.9:4444");
    /// assert_eq!(Answer::of(&peer, &self_, ClassSet::EMPTY), Answer::Odd);
    /// assert_eq!(Answer::of(&peer, &self_, ClassSet::EMPTY.with(Class::Peer)), Answer::Unknown);
    /// ```
    pub fn of(seen: &Sighting<'_>, self_: &impl Knows, grave: ClassSet) -> Self {
        let is_grave = seen.is_foothold || grave.contains(seen.class);
        let is_surprise = is_grave && !seen.is_mild;
        if seen.is_known(self_) {
            Self::Known
        } else if is_surprise || seen.is_self_made(self_) {
            Self::Unknown
        } else {
            Self::Odd
        }
    }
}

/// A repertoire that is read without a lock.
///
/// `S` is the memory for its [`SLOTS`] and [`MEMO`] words, which belong to nobody else. A set that
/// has no room in fewer answers [`Answer::Unsure`] to everything.
///
/// # Invariants
///
/// When `turn` is even and does not change, the set is the one that was last given.
///
/// # Examples
///
/// ```
/// use core::sync::atomic::AtomicU64;
/// use kis_core::sense::class::{Class, ClassSet, Domain};
/// use kis_core::sense::items::{Item, Items};
/// use kis_core::sense::key::Key;
/// use kis_core::sense::known::{Answer, Known, MEMO, SLOTS};
/// use kis_core::sense::sighting::Sighting;
///
/// let words: Vec<AtomicU64> = (0..SLOTS + MEMO).map(|_| AtomicU64::new(0)).collect();
/// let known = Known::new(words, Key::new([1, 2]));
/// let peer = Sighting::named(Class::Peer, true, b"tcp 127.0.0.1:9000");
/// assert_eq!(known.ask(&peer), Answer::Unsure);
/// let mut items = Items::new(vec![Item::NONE; 8], vec![0; 100]);
/// items.note(peer.class, peer.domain, peer.name, 0, false);
/// known.follow(&items, ClassSet::EMPTY.with(Class::Peer), true);
/// assert_eq!(known.ask(&peer), Answer::Known);
/// let other = Sighting::named(Class::Peer, true, b"tcp 203.0.113.9:4444");
/// assert_eq!(known.ask(&other), Answer::Unknown);
/// let port = Sighting::named(Class::Port, true, b"tcp 0.0.0.0:4444");
/// assert_eq!(known.ask(&port), Answer::Odd);
/// ```
#[derive(Debug)]
pub struct Known<S> {
    /// Odd while the set is replaced; grows with each replacement.
    turn: AtomicU32,
    /// Whether what is not in the set is strange; else it is to be learned.
    is_ready: AtomicBool,
    /// The classes that are saturated.
    grave: AtomicU32,
    key: Key,
    words: S,
}

/// What kind of name is hashed.
fn tag(class: Class, domain: Domain, is_folded: bool) -> u64 {
    u64::from(class as u8) | (u64::from(domain as u8) << 8) | (u64::from(is_folded) << 16)
}

/// What a question about a whole path is kept under.
const MEMO_TAG: u64 = 1 << 17;

impl<S: Deref<Target = [AtomicU64]>> Known<S> {
    /// The empty set of a cell that learns.
    pub fn new(words: S, key: Key) -> Self {
        for word in words.iter() {
            word.store(0, Ordering::Relaxed);
        }
        // INVARIANT: nothing was given yet.
        Self {
            turn: AtomicU32::new(0),
            is_ready: AtomicBool::new(false),
            grave: AtomicU32::new(0),
            key,
            words,
        }
    }

    /// Whether a sighting is part of the self.
    pub fn ask(&self, seen: &Sighting<'_>) -> Answer {
        // ORDERING: pairs with the release store at the end of `follow()`.
        let turn = self.turn.load(Ordering::Acquire);
        let is_ready = self.is_ready.load(Ordering::Relaxed);
        if turn & 1 != 0 || !is_ready {
            return Answer::Unsure;
        }
        let grave = ClassSet::from_bits(self.grave.load(Ordering::Relaxed));
        let answer = Answer::of(seen, self, grave);
        // ORDERING: pairs with the release fence in `follow()`: if one of the loads above saw a
        // store behind that, this sees its odd number.
        fence(Ordering::Acquire);
        if self.turn.load(Ordering::Relaxed) != turn {
            return Answer::Unsure;
        }
        answer
    }

    /// The hash of a question: what is done (`kind`) with a whole path. 0 while the cell learns, and
    /// for a path whose general form depends on who names it: nothing is remembered then.
    #[inline]
    pub fn question(&self, kind: u64, path: &[u8]) -> u64 {
        let turn = self.turn.load(Ordering::Acquire);
        if turn & 1 != 0 || !self.is_ready.load(Ordering::Relaxed) || is_personal(path) {
            return 0;
        }
        // With the turn, so that no answer outlives the set that it was given from.
        self.key
            .hash(MEMO_TAG | (kind << 18) | (u64::from(turn) << 32), path)
    }

    /// Whether a question was answered by [`Answer::Known`] not long ago.
    #[inline]
    pub fn remembers(&self, question: u64) -> bool {
        question != 0
            && self
                .memo(question)
                .is_some_and(|word| word.load(Ordering::Relaxed) == question)
    }

    /// Remembers that a question was answered by [`Answer::Known`].
    pub fn remember(&self, question: u64) {
        if let Some(word) = self.memo(question) {
            word.store(question, Ordering::Relaxed);
        }
    }

    #[inline]
    fn memo(&self, question: u64) -> Option<&AtomicU64> {
        // CAST: ten bits.
        let place = (question >> (u64::BITS - MEMO.trailing_zeros())) as usize;
        self.words.get(SLOTS.wrapping_add(place))
    }

    /// Becomes what a repertoire has. The caller holds its lock.
    pub fn follow<I, N>(&self, items: &Items<I, N>, grave: ClassSet, is_ready: bool)
    where
        I: Deref<Target = [Item]>,
        N: Deref<Target = [u8]>,
    {
        let turn = self.turn.load(Ordering::Relaxed) | 1;
        self.turn.store(turn, Ordering::Relaxed);
        // ORDERING: pairs with the acquire fence in `ask()`.
        fence(Ordering::Release);
        for word in self.words.iter().take(SLOTS) {
            word.store(0, Ordering::Relaxed);
        }
        let mut is_whole = true;
        for (item, name) in items.iter() {
            let folded = name.strip_suffix(BELOW).filter(|_| item.class.is_place());
            let tag = tag(item.class, item.domain, folded.is_some());
            let hash = self.key.hash(tag, folded.unwrap_or(name));
            match self.find(hash) {
                Some(Place::Free(word)) => word.store(hash, Ordering::Relaxed),
                Some(Place::Found) => {}
                None => is_whole = false,
            }
        }
        self.grave.store(grave.bits(), Ordering::Relaxed);
        self.is_ready.store(is_ready && is_whole, Ordering::Relaxed);
        // INVARIANT: the set is `items`, or nobody asks it. ORDERING: pairs with the acquire load in `ask()`.
        self.turn.store(turn.wrapping_add(1), Ordering::Release);
    }

    /// Where a hash is, or where it would be put; `None` when there is no place for it.
    fn find(&self, hash: u64) -> Option<Place<'_>> {
        // CAST: a few bits.
        let first = (hash >> SHIFT) as usize;
        for step in 0..SLOTS {
            let word = self.words.get(first.wrapping_add(step) % SLOTS)?;
            match word.load(Ordering::Relaxed) {
                0 => return Some(Place::Free(word)),
                found if found == hash => return Some(Place::Found),
                _ => {}
            }
        }
        None
    }
}

impl<S: Deref<Target = [AtomicU64]>> Knows for Known<S> {
    fn has(&self, class: Class, domain: Domain, name: &[u8]) -> bool {
        let found = |is_folded, name: &[u8]| {
            let hash = self.key.hash(tag(class, domain, is_folded), name);
            matches!(self.find(hash), Some(Place::Found))
        };
        if class.is_place() {
            return found(false, name) || above(name).any(|dir| found(true, dir));
        }
        let is_one = |crowd: &[u8]| found(false, crowd).then_some(());
        found(false, name) || Crowd::find(class, name, is_one).is_some()
    }
}

/// Where a search ended.
enum Place<'a> {
    /// At the hash.
    Found,
    /// At a word that is empty.
    Free(&'a AtomicU64),
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_known))]
mod tests {
    use super::*;

    static WORDS: [AtomicU64; SLOTS + MEMO] = [const { AtomicU64::new(0) }; SLOTS + MEMO];
    static FOLDED: [AtomicU64; SLOTS + MEMO] = [const { AtomicU64::new(0) }; SLOTS + MEMO];
    static NONE: [AtomicU64; 0] = [];

    fn peer(name: &[u8]) -> Sighting<'_> {
        Sighting::named(Class::Peer, false, name)
    }

    #[test]
    fn known_is_unsure_while_the_cell_learns() {
        let known = Known::new(&WORDS[..], Key::new([7, 8]));
        let (mut room, mut names) = ([Item::NONE; 4], [0u8; 32]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        items.note(Class::Peer, Domain::User, b"a", 0, false);
        known.follow(&items, ClassSet::EMPTY, false);
        assert_eq!(known.ask(&peer(b"a")), Answer::Unsure);
        assert_eq!(known.question(1, b"/x"), 0);
        known.follow(&items, ClassSet::EMPTY, true);
        assert_eq!(known.ask(&peer(b"a")), Answer::Known);
        assert_eq!(known.ask(&peer(b"b")), Answer::Odd);
        known.follow(&items, ClassSet::EMPTY.with(Class::Peer), true);
        assert_eq!(known.ask(&peer(b"b")), Answer::Unknown);
        let root = Sighting::named(Class::Peer, true, b"a");
        assert_eq!(known.ask(&root), Answer::Unknown);
    }

    #[test]
    fn known_remembers_questions_until_the_set_changes() {
        let known = Known::new(&FOLDED[..], Key::new([7, 8]));
        let (mut room, mut names) = ([Item::NONE; 4], [0u8; 32]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        items.insert(Class::Read, Domain::User, b"/v/a/**", Default::default());
        known.follow(&items, ClassSet::EMPTY, true);
        assert!(known.has(Class::Read, Domain::User, b"/v/a/b/c"));
        assert!(!known.has(Class::Read, Domain::User, b"/v/ab"));
        let question = known.question(1, b"/v/a/b");
        assert!(!known.remembers(question));
        known.remember(question);
        assert!(known.remembers(question));
        assert!(!known.remembers(known.question(2, b"/v/a/b")));
        known.follow(&items, ClassSet::EMPTY, true);
        assert!(!known.remembers(known.question(1, b"/v/a/b")));
    }

    #[test]
    fn known_without_its_memory_is_never_sure() {
        let known = Known::new(&NONE[..], Key::new([7, 8]));
        let (mut room, mut names) = ([Item::NONE; 4], [0u8; 32]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        items.note(Class::Peer, Domain::User, b"a", 0, false);
        known.follow(&items, ClassSet::EMPTY, true);
        assert_eq!(known.ask(&peer(b"a")), Answer::Unsure);
        known.remember(5);
        assert!(!known.remembers(5));
    }
}
