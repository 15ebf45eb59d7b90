// SPDX-License-Identifier: GPL-2.0

//! The sources that are remembered, in memory that does not grow with their number.
//!
//! A source has a place in one of 256 buckets, by a keyed hash of its address, which is also all that is
//! kept of the address. A bucket has eight places, and who is new to it takes, in this order, one that is
//! empty, one that was not heard of for six hours, that of the one that was heard of longest ago of those
//! with fewer than [`KEEP`] targets, and else the first place, which nobody has for good: whoever has
//! [`KEEP`] targets there changes places with the one that has the fewest, if those are fewer still. So a
//! flood of addresses with a target or two each pushes out its like, and nobody who has more.
//!
//! A bucket is changed by one processor at a time. Another one that comes to it meanwhile does not
//! wait: its probe is not counted, which is counted. Who shares a bucket with whom is a matter of the hash.
//! Floor 0; context: any but NMI, softirqs off.

use super::source::{
    self,
    Source, //
};
use core::ops::Deref;
use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// Buckets.
const BUCKETS: usize = 256;

/// Places in a bucket.
const PLACES: usize = 8;

/// Targets that make a source worth a place of its own.
pub(super) const KEEP: u32 = 3;

/// A source that was not heard of for so long has nothing that still counts.
const STALE_S: u32 = 21_600;

/// Words of a bucket in front of its places: the lock, and what was missed, forgotten, lost.
const HEAD: usize = 4;
const LOCK: usize = 0;
const MISSED: usize = 1;
const FORGOTTEN: usize = 2;
const LOST: usize = 3;

/// Words of a label: hash of the source, when it was last heard of and its weight. The labels of a bucket
/// stand together: where somebody is, or may be, is asked of two lines of a cache.
const LABEL: usize = 2;

/// Words of a bucket.
const BUCKET: usize = HEAD + PLACES * (LABEL + source::WORDS);

/// Words of memory.
pub(super) const WORDS: usize = BUCKETS * BUCKET;

/// The sources.
///
/// `S` is the memory for its [`WORDS`]; zeros are a table of nobody.
#[derive(Debug)]
pub(super) struct Table<S> {
    words: S,
}

/// What was not remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Probes that came while another processor changed the same bucket.
    pub missed: u64,
    /// Sources with fewer than three targets that gave their place away.
    pub forgotten: u64,
    /// Sources with more that did.
    pub lost: u64,
}

impl<S: Deref<Target = [AtomicU64]>> Table<S> {
    /// The table in these words.
    pub(super) const fn new(words: S) -> Self {
        Self { words }
    }

    /// Changes what is remembered of a source, by the hash of its address; `None` when somebody else is
    /// at it. A frame of its own: it holds a source.
    #[inline(never)]
    pub(super) fn update<R>(
        &self,
        hash: u64,
        now_s: u32,
        change: impl FnOnce(&mut Source) -> R,
    ) -> Option<R> {
        let hash = hash.max(1);
        // CAST: the upper bits, below the number of buckets.
        let at = (hash >> 56) as usize % BUCKETS;
        let bucket = self.words.chunks_exact(BUCKET).nth(at)?;
        let (head, places) = bucket.split_at_checked(HEAD)?;
        let lock = head.get(LOCK)?;
        // ORDERING: pairs with the release below: what the one before has written is seen.
        let is_taken = lock.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
        if is_taken.is_err() {
            add(head, MISSED);
            return None;
        }
        let result = change_in(head, places, hash, now_s, change);
        // ORDERING: pairs with the acquire above.
        lock.store(0, Ordering::Release);
        result
    }

    /// What was not remembered.
    pub(super) fn losses(&self) -> Losses {
        let mut losses = Losses::default();
        for bucket in self.words.chunks_exact(BUCKET) {
            let count = |at: usize| {
                bucket
                    .get(at)
                    .map_or(0, |word| word.load(Ordering::Relaxed))
            };
            losses.missed = losses.missed.wrapping_add(count(MISSED));
            losses.forgotten = losses.forgotten.wrapping_add(count(FORGOTTEN));
            losses.lost = losses.lost.wrapping_add(count(LOST));
        }
        losses
    }
}

/// Adds one to a count of a bucket.
fn add(head: &[AtomicU64], at: usize) {
    if let Some(word) = head.get(at) {
        word.fetch_add(1, Ordering::Relaxed);
    }
}

/// A place, and what its label says.
#[derive(Clone, Copy)]
struct Place<'a> {
    label: &'a [AtomicU64],
    source: &'a [AtomicU64],
    hash: u64,
    last_s: u32,
    weight: u32,
}

impl<'a> Place<'a> {
    fn new((label, source): (&'a [AtomicU64], &'a [AtomicU64])) -> Self {
        let word = |at: usize| label.get(at).map_or(0, |word| word.load(Ordering::Relaxed));
        let summary = word(1);
        Self {
            label,
            source,
            hash: word(0),
            // CAST: the halves.
            last_s: (summary >> 32) as u32,
            weight: summary as u32,
        }
    }

    /// Reads the source in it. A frame of its own, as below.
    #[inline(never)]
    fn load(&self, source: &mut Source) {
        let mut words = self.source.iter();
        source.take(|| words.next().map_or(0, |word| word.load(Ordering::Relaxed)));
    }

    /// Puts a source there.
    #[inline(never)]
    fn store(&mut self, hash: u64, source: &Source) {
        (self.hash, self.last_s, self.weight) = (hash, source.last_s, source.weight());
        let summary = (u64::from(self.last_s) << 32) | u64::from(self.weight);
        for (to, word) in self.label.iter().zip([hash, summary]) {
            to.store(word, Ordering::Relaxed);
        }
        let mut words = self.source.iter();
        source.put(|word| {
            if let Some(to) = words.next() {
                to.store(word, Ordering::Relaxed);
            }
        });
    }

    /// Exchanges what is in two places.
    fn exchange(&self, other: &Self) {
        let labels = self.label.iter().zip(other.label);
        for (a, b) in labels.chain(self.source.iter().zip(other.source)) {
            let word = a.load(Ordering::Relaxed);
            a.store(b.load(Ordering::Relaxed), Ordering::Relaxed);
            b.store(word, Ordering::Relaxed);
        }
    }

    fn is_stale(&self, now_s: u32) -> bool {
        now_s.saturating_sub(self.last_s) > STALE_S
    }
}

/// The places of a bucket.
fn all(places: &[AtomicU64]) -> impl Iterator<Item = Place<'_>> {
    let (labels, sources) = places
        .split_at_checked(PLACES * LABEL)
        .unwrap_or((&[], &[]));
    let sources = sources.chunks_exact(source::WORDS);
    labels.chunks_exact(LABEL).zip(sources).map(Place::new)
}

/// Changes a source in its bucket, which is locked.
fn change_in<R>(
    head: &[AtomicU64],
    places: &[AtomicU64],
    hash: u64,
    now_s: u32,
    change: impl FnOnce(&mut Source) -> R,
) -> Option<R> {
    let mut source = Source::NEW;
    let (at, mut place) = find(head, places, hash, now_s)?;
    if place.hash == hash {
        place.load(&mut source);
    }
    let result = change(&mut source);
    place.store(hash, &source);
    if at == 0 && place.weight >= KEEP {
        promote(places, &place);
    }
    Some(result)
}

/// The place of a source, or the one that it takes, with its number.
#[inline(never)]
fn find<'a>(
    head: &[AtomicU64],
    places: &'a [AtomicU64],
    hash: u64,
    now_s: u32,
) -> Option<(usize, Place<'a>)> {
    let mut known = all(places).enumerate();
    if let Some(found) = known.find(|(_, place)| place.hash == hash) {
        return Some(found);
    }
    let (at, place) = room(all(places), now_s)?;
    if place.hash != 0 && !place.is_stale(now_s) {
        add(head, if place.weight < KEEP { FORGOTTEN } else { LOST });
    }
    Some((at, place))
}

/// Has the source in the first place change places with the one that has the fewest targets, if those are
/// fewer than its own.
#[inline(never)]
fn promote(places: &[AtomicU64], place: &Place<'_>) {
    let others = all(places).skip(1);
    let least = others.min_by_key(|other| (other.weight, other.last_s));
    if let Some(other) = least.filter(|other| other.weight < place.weight) {
        place.exchange(&other);
    }
}

/// The place that a new source takes, and its number.
fn room<'a>(all: impl Iterator<Item = Place<'a>>, now_s: u32) -> Option<(usize, Place<'a>)> {
    all.enumerate().min_by_key(|(at, place)| {
        let rank = match place {
            Place { hash: 0, .. } => 0,
            place if place.is_stale(now_s) => 1u8,
            place if place.weight < KEEP => 2,
            _ if *at == 0 => 3,
            _ => 4,
        };
        (rank, place.last_s)
    })
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_scan_table))]
mod tests {
    use super::super::limits::Limits;
    use super::super::source::Mark;
    use super::*;
    use crate::wire::abi::ScanKind;

    static MEMORY: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];

    /// A probe of a source in the first bucket; how many targets it has then.
    fn probe(table: &Table<&[AtomicU64]>, hash: u64, bit: u64, now_s: u32) -> u32 {
        let mark = Mark {
            bit,
            kind: ScanKind::Syn,
            port: 1,
        };
        let targets = table.update(hash, now_s, |source| {
            source.probe(&mark, now_s, &Limits::USUAL);
            source.targets
        });
        targets.unwrap_or(0)
    }

    // One test, as all use the same memory, which is too much for a stack of the kernel.
    #[test]
    fn who_has_more_targets_stays() {
        let table = Table::new(&MEMORY[..]);
        // Eight that have five targets, then a flood of ones with one, and one scanner among them.
        for hash in 1..=8u64 {
            for bit in 0..5 {
                assert_eq!(probe(&table, hash, bit, 100), bit as u32 + 1);
            }
        }
        for hash in 100..1100 {
            assert_eq!(probe(&table, hash, 0, 200), 1);
        }
        // The first place was given away, by one of the eight and then by each of the flood.
        let losses = table.losses();
        assert_eq!((losses.lost, losses.forgotten, losses.missed), (1, 999, 0));
        let kept = (1..=8u64).filter(|hash| probe(&table, *hash, 0, 201) == 5);
        assert_eq!(kept.count(), 7);
        // Who is fast has a place of his own with his sixth target, before anybody else comes.
        for bit in 0..6 {
            assert_eq!(probe(&table, 5000, bit, 300), bit as u32 + 1);
        }
        for hash in 1100..1200 {
            probe(&table, hash, 0, 301);
        }
        assert_eq!(probe(&table, 5000, 6, 302), 7);
        // After six hours there is room for everybody.
        let before = table.losses();
        for hash in 9000..9004 {
            probe(&table, hash, 0, 303 + STALE_S);
        }
        assert_eq!(table.losses(), before);
        // A bucket that somebody is at is not waited for; another one is.
        let (lock, missed) = (&MEMORY[LOCK], &MEMORY[MISSED]);
        lock.store(1, Ordering::Relaxed);
        assert_eq!(probe(&table, 9000, 1, 400 + STALE_S), 0);
        assert_eq!(probe(&table, 1 << 56, 1, 400 + STALE_S), 1);
        lock.store(0, Ordering::Relaxed);
        assert_eq!(missed.load(Ordering::Relaxed), 1);
        assert_eq!(probe(&table, 9000, 1, 400 + STALE_S), 2);
        // Without memory nothing is remembered.
        assert_eq!(probe(&Table::new(&MEMORY[..0]), 1, 1, 1), 0);
    }
}
