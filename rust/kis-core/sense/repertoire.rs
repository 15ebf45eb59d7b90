// SPDX-License-Identifier: GPL-2.0

//! The repertoire of a cell: what it did while it learned, and how surprising something new is.
//!
//! It judges events, each in the call that makes it; windows are judged by the detectors. Hooks ask a
//! copy of it that needs no lock ([`Known`](super::known::Known)). Floor 0, pure; the caller
//! serialises writers.

use super::class::{
    Class,
    ClassSet,
    Domain, //
};
use super::detector::Keep;
use super::expectation::Expectation;
use super::items::{
    Count,
    Item,
    Items,
    Noted,
    MAX_ITEMS,
    MAX_NAMES, //
};
use super::novelty::Novelty;
use super::sighting::{
    Knows,
    Sighting, //
};
use super::stats::MAX_COUNT;
use crate::wire::bytes::{
    index,
    Reader,
    Writer, //
};
use crate::{
    Error,
    Result, //
};
use core::ops::{
    Deref,
    DerefMut, //
};

/// Bytes of the section's head: windows, windows of a start, items, bytes of names, and for each class
/// what found no room, and what was kept out.
const HEAD: usize = 16 + 2 * 4 * Class::COUNT;

/// Bytes of an item in an image.
const ITEM: usize = 24;

/// What a cell did. `I` and `N` are memory for [`MAX_ITEMS`] items and [`MAX_NAMES`] bytes of names,
/// or for fewer.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::Class;
/// use kis_core::sense::items::Item;
/// use kis_core::sense::repertoire::Repertoire;
/// use kis_core::sense::sighting::Sighting;
///
/// let mut self_ = Repertoire::new(vec![Item::NONE; 16], vec![0; 256]);
/// let seen = Sighting::named(Class::Peer, false, b"unix /run/php.sock");
/// for _ in 0..30 {
///     self_.learn(&seen, false);
///     self_.window(false);
/// }
/// assert!(seen.is_known(&self_));
/// assert!(self_.grave().contains(Class::Peer));
/// ```
#[derive(Clone, Debug)]
pub struct Repertoire<I, N> {
    items: Items<I, N>,
    /// Windows learned, those of a start left out.
    windows: u32,
    /// Windows of a start.
    starts: u32,
    /// What came up and was kept out, by class.
    kept_out: [u32; Class::COUNT],
}

impl<I: Deref<Target = [Item]>, N: Deref<Target = [u8]>> Repertoire<I, N> {
    /// Knows nothing.
    pub fn new(items: I, names: N) -> Self {
        Self {
            items: Items::new(items, names),
            windows: 0,
            starts: 0,
            kept_out: [0; Class::COUNT],
        }
    }

    /// The items.
    pub const fn items(&self) -> &Items<I, N> {
        &self.items
    }

    /// Windows learned that were none of a start.
    pub const fn windows(&self) -> u32 {
        self.windows
    }

    /// Windows of a start.
    pub const fn starts(&self) -> u32 {
        self.starts
    }

    /// How often something of a class came up and was kept out, as the officer does not expect it.
    pub fn kept_out(&self, class: Class) -> u32 {
        self.kept_out.get(class.index()).copied().unwrap_or(0)
    }

    /// Whether it has learned, be it that there was nothing to learn.
    pub const fn has_learned(&self) -> bool {
        self.now() != 0
    }

    /// How a class grows.
    pub fn novelty(&self, class: Class) -> Novelty {
        Novelty::of(&self.items, class, self.windows)
    }

    /// The classes in which something new is a surprise.
    pub fn grave(&self) -> ClassSet {
        let saturated = |class: &&Class| self.novelty(**class).is_saturated();
        let all = Class::ALL.iter().filter(saturated);
        all.fold(ClassSet::EMPTY, |set, class| set.with(*class))
    }

    /// The number of the window that is open.
    const fn now(&self) -> u32 {
        self.windows.saturating_add(self.starts)
    }
}

impl<I: DerefMut<Target = [Item]>, N: DerefMut<Target = [u8]>> Repertoire<I, N> {
    /// Learns something; not a program or library that the cell itself has written.
    pub fn learn(&mut self, seen: &Sighting<'_>, start: bool) -> Noted {
        if seen.is_self_made(self) {
            return Noted::Full;
        }
        let now = self.now();
        self.items
            .note(seen.class, seen.domain, seen.name, now, start)
    }

    /// Learns something, or keeps it out and counts that, which is then false: the officer does not
    /// expect it, and it does not follow from what is known either.
    pub fn teach(&mut self, seen: &Sighting<'_>, start: bool, expectation: Expectation) -> bool {
        match expectation {
            Expectation::Named => {
                self.learn(seen, start);
                return true;
            }
            Expectation::Follows => return true,
            Expectation::None if seen.is_known(self) => return true,
            Expectation::None => {}
        }
        if let Some(count) = self.kept_out.get_mut(seen.class.index()) {
            *count = count.saturating_add(1);
        }
        false
    }

    /// A window is over; whether it was one of a start.
    pub fn window(&mut self, start: bool) {
        let windows = if start {
            &mut self.starts
        } else {
            &mut self.windows
        };
        *windows = windows.saturating_add(1).min(MAX_COUNT);
    }

    /// Forgets all.
    pub fn reset(&mut self) {
        self.items.clear();
        self.windows = 0;
        self.starts = 0;
        self.kept_out.fill(0);
    }

    /// The officer says that something is of the self; false when there is no room, or when the name
    /// is too long.
    pub fn accept(&mut self, class: Class, domain: Domain, name: &[u8]) -> bool {
        if self.items.get(class, domain, name).is_some() {
            return true;
        }
        let count = Count::at(self.now(), true);
        self.items.insert(class, domain, name, count)
    }
}

impl<I: Deref<Target = [Item]>, N: Deref<Target = [u8]>> Knows for Repertoire<I, N> {
    fn has(&self, class: Class, domain: Domain, name: &[u8]) -> bool {
        self.items.has(class, domain, name)
    }
}

impl<I, N> Keep for Repertoire<I, N>
where
    I: DerefMut<Target = [Item]>,
    N: DerefMut<Target = [u8]>,
{
    const SECTION: u32 = 6;
    const MAX_BYTES: usize = HEAD + ITEM * MAX_ITEMS + MAX_NAMES;

    fn bytes(&self) -> usize {
        let items = ITEM.saturating_mul(self.items.len());
        let names = self.items.names_len().next_multiple_of(8);
        HEAD.saturating_add(items).saturating_add(names)
    }

    fn write(&self, w: &mut Writer<'_>) {
        w.u32(self.windows);
        w.u32(self.starts);
        // CAST: below `MAX_ITEMS` and `MAX_NAMES`.
        w.u32(self.items.len() as u32);
        w.u32(self.items.names_len() as u32);
        for class in Class::ALL.iter().copied() {
            w.u32(self.items.lost(class));
        }
        for count in self.kept_out {
            w.u32(count);
        }
        for (item, name) in self.items.iter() {
            w.u8(item.class as u8);
            w.u8(item.domain as u8);
            // CAST: at most `MAX_NAME`.
            w.u16(name.len() as u16);
            let count = item.count;
            for word in [
                count.count,
                count.windows,
                count.starts,
                count.first,
                count.last,
            ] {
                w.u32(word);
            }
        }
        for (_, name) in self.items.iter() {
            w.put(name);
        }
        for _ in self.items.names_len()..self.items.names_len().next_multiple_of(8) {
            w.u8(0);
        }
    }

    fn read(&mut self, r: &mut Reader<'_>, len: usize, windows: u32) -> Result {
        self.clear();
        let at = r.offset();
        let short = Error::malformed(at, "repertoire is too short");
        let mut head = [0u32; HEAD / 4];
        for word in &mut head {
            *word = r.u32().ok_or(short)?;
        }
        let [steady, starts, count, names_len, counts @ ..] = head;
        let (lost, kept_out) = counts.split_at_checked(Class::COUNT).unwrap_or_default();
        // A cell without a repertoire has learned none of them.
        if (steady, starts) != (0, 0) && steady.checked_add(starts) != Some(windows) {
            return Err(Error::malformed(at, "windows of the repertoire"));
        }
        let room = (ITEM.saturating_mul(index(count))).saturating_add(index(names_len));
        if index(count) > MAX_ITEMS || index(names_len) > MAX_NAMES {
            return Err(Error::limit("items of a repertoire", MAX_ITEMS as u32));
        }
        if len != HEAD.saturating_add(room.next_multiple_of(8)) {
            return Err(Error::malformed(at, "length of the repertoire"));
        }
        let (mut rows, rest) = (*r, ITEM.saturating_mul(index(count)));
        r.take(rest).ok_or(short)?;
        for _ in 0..count {
            let at = rows.offset();
            let fault = Error::malformed(at, "item of a repertoire");
            let class = rows.u8().and_then(Class::from_number).ok_or(fault)?;
            let domain = rows.u8().and_then(Domain::from_number).ok_or(fault)?;
            let name_len = rows.u16().ok_or(fault)?;
            let mut words = [0u32; 5];
            for word in &mut words {
                *word = rows.u32().ok_or(fault)?;
            }
            let [count, seen, seen_at_start, first, last] = words;
            let name = r.take(name_len.into()).ok_or(fault)?;
            // Each window in which it came up counted it once at least.
            let in_windows = seen.saturating_add(seen_at_start);
            let is_fit = (1..=count).contains(&in_windows) && first <= last && last <= windows;
            let count = Count {
                count,
                windows: seen,
                starts: seen_at_start,
                first,
                last,
            };
            // One order for one content: each belongs behind the one before it.
            let rises = self.items.all().last().is_none_or(|before| {
                (before.class, before.domain, self.items.name(before)) < (class, domain, name)
            });
            if !is_fit || !rises || !self.items.insert(class, domain, name, count) {
                return Err(fault);
            }
        }
        let names_end = self.items.names_len();
        if names_end != index(names_len) {
            return Err(Error::malformed(r.offset(), "names of a repertoire"));
        }
        for _ in names_end..names_end.next_multiple_of(8) {
            if r.u8() != Some(0) {
                return Err(Error::malformed(r.offset(), "padding of the repertoire"));
            }
        }
        self.items.set_lost(lost);
        for (to, from) in self.kept_out.iter_mut().zip(kept_out) {
            *to = *from;
        }
        self.windows = steady;
        self.starts = starts;
        Ok(())
    }

    fn clear(&mut self) {
        self.reset();
    }
}
