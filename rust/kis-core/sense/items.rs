// SPDX-License-Identifier: GPL-2.0

//! The items of a repertoire: what they are called, how often they came up and when.
//!
//! Sorted by class, domain and name, with the names in the same order one after the other: one form
//! for one content, found by halving, and what lies below a directory lies together. Making room for
//! a new item moves up to 200 KiB, at most once for each. The memory is the caller's: fixed arrays
//! in tests, vectors in the kernel and in kisctl. Floor 0, pure; the caller serialises writers.

use super::class::{
    Class,
    Domain, //
};
use super::crowd::{
    Crowd,
    MANY, //
};
use crate::paths::path::parent;
use core::cmp::Ordering;
use core::ops::{
    Deref,
    DerefMut,
    Range, //
};

pub use crate::wire::abi::MAX_ITEMS;

/// Most bytes of all their names.
pub const MAX_NAMES: usize = 128 << 10;

/// Most bytes of a name; what is longer has lost its end.
pub const MAX_NAME: usize = 511;

/// As many children of one directory become one item, `dir/**`.
pub const FOLD: usize = 32;

/// What stands for everything below a directory.
pub const BELOW: &[u8] = b"/**";

/// How often and when something came up.
///
/// # Examples
///
/// ```
/// use kis_core::sense::items::Count;
///
/// let mut count = Count::at(3, false);
/// count.again(3, false);
/// count.again(9, false);
/// assert_eq!((count.count, count.windows, count.first, count.last), (3, 2, 3, 9));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Times.
    pub count: u32,
    /// Windows in which it came up, those of a start left out.
    pub windows: u32,
    /// Windows of a start in which it came up.
    pub starts: u32,
    /// The first window, counted from the beginning of learning.
    pub first: u32,
    /// The last one.
    pub last: u32,
}

impl Count {
    /// Once, in this window.
    pub const fn at(window: u32, start: bool) -> Self {
        Self {
            count: 1,
            windows: !start as u32,
            starts: start as u32,
            first: window,
            last: window,
        }
    }

    /// Once more.
    pub fn again(&mut self, window: u32, start: bool) {
        self.count = self.count.saturating_add(1);
        if self.last != window {
            let windows = if start {
                &mut self.starts
            } else {
                &mut self.windows
            };
            *windows = windows.saturating_add(1);
            self.last = self.last.max(window);
        }
    }

    /// Both together. Windows in which both came up count twice.
    fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.windows = self.windows.saturating_add(other.windows);
        self.starts = self.starts.saturating_add(other.starts);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }
}

/// An item without its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its class.
    pub class: Class,
    /// With what right.
    pub domain: Domain,
    /// How often and when.
    pub count: Count,
    name_at: u32,
    name_len: u16,
}

impl Item {
    /// What stands in memory that holds no item.
    pub const NONE: Self = Self {
        class: Class::Operation,
        domain: Domain::User,
        count: Count {
            count: 0,
            windows: 0,
            starts: 0,
            first: 0,
            last: 0,
        },
        name_at: 0,
        name_len: 0,
    };

    fn range(&self) -> Range<usize> {
        let at = crate::wire::bytes::index(self.name_at);
        at..at.saturating_add(self.name_len.into())
    }
}

/// What became of something that came up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is new.
    New,
    /// It was there.
    Known,
    /// It is new, and there were so many beside it that they are one item now.
    Folded,
    /// It is new and there is no room: it is not in the set.
    Full,
}

/// A name in two pieces: what stands for a directory is never put together on the stack.
type Joined<'a> = (&'a [u8], &'a [u8]);

/// A set of items. `I` and `N` are the memory for items and names.
///
/// # Invariants
///
/// The first `len` items rise strictly by class, domain and name; their names follow each other
/// without a gap from the first byte on and end at `names_len`.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::{Class, Domain};
/// use kis_core::sense::items::{Count, Item, Items, Noted};
///
/// let mut items = Items::new(vec![Item::NONE; 8], vec![0; 100]);
/// let mut see = |name: &[u8]| items.note(Class::Peer, Domain::Root, name, 1, false);
/// assert_eq!(see(b"tcp 127.0.0.1:9000"), Noted::New);
/// assert_eq!(see(b"tcp 127.0.0.1:9000"), Noted::Known);
/// assert_eq!(items.len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Items<I, N> {
    items: I,
    len: usize,
    names: N,
    names_len: usize,
    /// New ones that found no room, by class.
    lost: [u32; Class::COUNT],
}

impl<I: Deref<Target = [Item]>, N: Deref<Target = [u8]>> Items<I, N> {
    /// An empty set.
    pub fn new(items: I, names: N) -> Self {
        // INVARIANT: empty.
        Self {
            items,
            len: 0,
            names,
            names_len: 0,
            lost: [0; Class::COUNT],
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of all names.
    pub const fn names_len(&self) -> usize {
        self.names_len
    }

    /// How many new ones of a class found no room.
    pub fn lost(&self, class: Class) -> u32 {
        self.lost.get(class.index()).copied().unwrap_or(0)
    }

    /// The items in their order.
    pub fn all(&self) -> &[Item] {
        self.items.get(..self.len).unwrap_or_default()
    }

    /// The name of one of them.
    pub fn name(&self, item: &Item) -> &[u8] {
        self.names.get(item.range()).unwrap_or_default()
    }

    /// The items with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Item, &[u8])> {
        self.all().iter().map(|item| (item, self.name(item)))
    }

    /// How an item stands to the name that `head` and `tail` are together.
    fn compare(&self, item: &Item, class: Class, domain: Domain, name: Joined<'_>) -> Ordering {
        (item.class, item.domain)
            .cmp(&(class, domain))
            .then_with(|| {
                let (head, tail) = name;
                let name = self.name(item);
                let (front, back) = name.split_at_checked(head.len()).unwrap_or((name, &[]));
                front.cmp(head).then_with(|| back.cmp(tail))
            })
    }

    /// Where an item is, or where it would be.
    fn find(&self, class: Class, domain: Domain, name: Joined<'_>) -> Result<usize, usize> {
        self.all()
            .binary_search_by(|item| self.compare(item, class, domain, name))
    }

    /// How often and when something of this very name came up.
    pub fn get(&self, class: Class, domain: Domain, name: &[u8]) -> Option<Count> {
        let at = self.find(class, domain, (name, &[])).ok()?;
        self.all().get(at).map(|item| item.count)
    }

    /// Whether something is in the set, by its name or by what stands for it: a directory above, or a
    /// crowd.
    pub fn has(&self, class: Class, domain: Domain, name: &[u8]) -> bool {
        self.find(class, domain, (name, &[])).is_ok() || self.broader(class, domain, name).is_some()
    }

    /// What stands for something that is not in the set by its own name, if anything does.
    fn broader(&self, class: Class, domain: Domain, name: &[u8]) -> Option<usize> {
        if class.is_place() {
            return above(name).find_map(|dir| self.folded(class, domain, dir));
        }
        Crowd::find(class, name, |crowd| {
            self.find(class, domain, (crowd, &[])).ok()
        })
    }

    /// The item `dir/**`, if there is one.
    fn folded(&self, class: Class, domain: Domain, dir: &[u8]) -> Option<usize> {
        self.find(class, domain, (dir, BELOW)).ok()
    }
}

/// The directories above a name, from the nearest on, of which `dir/**` covers it; not the root, below
/// which everything is, and none above a name that begins with a dot: what is hidden is configuration
/// (`.ssh`, `.bashrc`, `.htaccess`), and not what the directory is for.
///
/// # Examples
///
/// ```
/// use kis_core::sense::items::above;
///
/// let dirs: Vec<&[u8]> = above(b"/srv/x/y").collect();
/// assert_eq!(dirs, [&b"/srv/x"[..], b"/srv"]);
/// let dirs: Vec<&[u8]> = above(b"/srv/.x/y").collect();
/// assert_eq!(dirs, [&b"/srv/.x"[..]]);
/// assert_eq!(above(b"/srv/www/.well-known").count(), 2);
/// ```
pub fn above(name: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::successors(Some(name), |name| {
        let dir = parent(name);
        let last = name.get(dir.len()..).unwrap_or_default();
        (!is_hidden(last)).then_some(dir)
    })
    .skip(1)
    .take_while(|dir| dir.len() > 1)
}

/// Whether a component of a path begins with a dot; what is to be found by everybody (RFC 8615) is not
/// hidden by that.
fn is_hidden(path: &[u8]) -> bool {
    path.split(|b| *b == b'/')
        .any(|part| part.first() == Some(&b'.') && part != b".well-known")
}

impl<I: DerefMut<Target = [Item]>, N: DerefMut<Target = [u8]>> Items<I, N> {
    /// Forgets all.
    pub fn clear(&mut self) {
        // INVARIANT: empty.
        self.len = 0;
        self.names_len = 0;
        self.lost.fill(0);
    }

    /// Sets how many found no room, for an image.
    pub(crate) fn set_lost(&mut self, lost: &[u32]) {
        for (to, from) in self.lost.iter_mut().zip(lost) {
            *to = *from;
        }
    }

    /// Something came up, in a window that is one of a start or not. A longer name than [`MAX_NAME`]
    /// is cut.
    pub fn note(
        &mut self,
        class: Class,
        domain: Domain,
        name: &[u8],
        window: u32,
        start: bool,
    ) -> Noted {
        let name = name.get(..MAX_NAME).unwrap_or(name);
        let found = self.find(class, domain, (name, &[])).ok();
        let found = found.or_else(|| self.broader(class, domain, name));
        if let Some(item) = found.and_then(|at| self.items.get_mut(at)) {
            item.count.again(window, start);
            return Noted::Known;
        }
        if !self.insert(class, domain, name, Count::at(window, start)) {
            if let Some(lost) = self.lost.get_mut(class.index()) {
                *lost = lost.saturating_add(1);
            }
            return Noted::Full;
        }
        let folds = if class.is_place() {
            self.fold(class, domain, parent(name))
        } else {
            let gathers = |crowd: &[u8]| self.gather(class, domain, crowd).then_some(());
            Crowd::find(class, name, gathers).is_some()
        };
        if folds {
            Noted::Folded
        } else {
            Noted::New
        }
    }

    /// Makes one item of a crowd when there are too many of it.
    fn gather(&mut self, class: Class, domain: Domain, crowd: &[u8]) -> bool {
        let is_of_it = |items: &Self, item: &Item| {
            (item.class, item.domain) == (class, domain)
                && Crowd::covers(crowd, class, items.name(item))
        };
        // Those of a class and domain lie together, and not all of them are of the crowd.
        let mut gone = (0, self.len, 0usize, Count::default());
        for (at, item) in self.all().iter().enumerate() {
            if !is_of_it(self, item) {
                continue;
            }
            gone = match gone {
                (_, _, 0, _) => (at, at, 1, item.count),
                (from, _, many, mut sum) => {
                    sum.join(&item.count);
                    (from, at, many.saturating_add(1), sum)
                }
            };
        }
        let (from, last, many, sum) = gone;
        if many < MANY {
            return false;
        }
        self.retain(from..last.saturating_add(1), |name| {
            !Crowd::covers(crowd, class, name)
        });
        self.insert_joined(class, domain, (crowd, &[]), sum)
    }

    /// Puts an item where the order has its place; false when it is there, when there is no room, or
    /// when its name is longer than [`MAX_NAME`].
    pub fn insert(&mut self, class: Class, domain: Domain, name: &[u8], count: Count) -> bool {
        self.insert_joined(class, domain, (name, &[]), count)
    }

    /// [`Items::insert`] for a name in two pieces.
    fn insert_joined(
        &mut self,
        class: Class,
        domain: Domain,
        name: Joined<'_>,
        count: Count,
    ) -> bool {
        let Err(at) = self.find(class, domain, name) else {
            return false;
        };
        let (head, tail) = name;
        let bytes = head.len().saturating_add(tail.len());
        let Some(name_len) = u16::try_from(bytes).ok().filter(|_| bytes <= MAX_NAME) else {
            return false;
        };
        let name_at = match at.checked_sub(1).and_then(|at| self.all().get(at)) {
            Some(before) => before.range().end,
            None => 0,
        };
        let names_len = self.names_len.saturating_add(bytes);
        let len = self.len.saturating_add(1);
        if names_len > self.names.len() || len > self.items.len() {
            return false;
        }
        let (Some(items), Some(names)) = (
            self.items.get_mut(at..len),
            self.names.get_mut(name_at..names_len),
        ) else {
            return false;
        };
        items.rotate_right(1);
        names.rotate_right(bytes);
        for (to, from) in names.iter_mut().zip(head.iter().chain(tail)) {
            *to = *from;
        }
        for later in items.iter_mut().skip(1) {
            later.name_at = later.name_at.saturating_add(name_len.into());
        }
        if let Some(item) = items.first_mut() {
            *item = Item {
                class,
                domain,
                count,
                // CAST: below `MAX_NAMES`.
                name_at: name_at as u32,
                name_len,
            };
        }
        // INVARIANT: at its place, and its name at that place among the names.
        self.len = len;
        self.names_len = names_len;
        true
    }

    /// Takes those items of a range away that are not to be kept.
    fn retain(&mut self, range: Range<usize>, keep: impl Fn(&[u8]) -> bool) {
        let start = self.all().get(range.start).map(Item::range);
        let (mut len, mut names_len) = (range.start, start.map_or(self.names_len, |r| r.start));
        for at in range.start..self.len {
            let Some(item) = self.items.get(at).copied() else {
                break;
            };
            if range.contains(&at) && !keep(self.name(&item)) {
                continue;
            }
            if let Some(to) = self.items.get_mut(len) {
                // CAST: no more than there was.
                let name_at = names_len as u32;
                *to = Item { name_at, ..item };
            }
            for from in item.range() {
                let byte = self.names.get(from).copied().unwrap_or(0);
                if let Some(to) = self.names.get_mut(names_len) {
                    *to = byte;
                }
                names_len = names_len.saturating_add(1);
            }
            len = len.saturating_add(1);
        }
        // INVARIANT: those that are left have moved up, in the same order.
        self.len = len;
        self.names_len = names_len;
    }

    /// Makes one item of those below a directory when there are too many. Directories of the first
    /// level never fold: `/etc/**` would be half of a system.
    fn fold(&mut self, class: Class, domain: Domain, dir: &[u8]) -> bool {
        let is_long = dir.len().saturating_add(BELOW.len()) > MAX_NAME;
        if is_long || dir.iter().filter(|b| **b == b'/').count() < 2 {
            return false;
        }
        let below = |items: &Self, item: &Item| {
            (item.class, item.domain) == (class, domain)
                && items
                    .name(item)
                    .strip_prefix(dir)
                    .is_some_and(|rest| rest.starts_with(b"/"))
        };
        // As `above()` has it.
        let folds = |name: &[u8]| !is_hidden(name.get(dir.len()..).unwrap_or_default());
        // What lies below lies together, if not alone: `a-b` comes between `a` and `a/b`.
        let start = self
            .all()
            .partition_point(|item| self.compare(item, class, domain, (dir, &[])).is_lt());
        let rest = self.all().get(start..).unwrap_or_default();
        let Some(skip) = rest.iter().position(|item| below(self, item)) else {
            return false;
        };
        let from = start.saturating_add(skip);
        let count = rest
            .iter()
            .skip(skip)
            .take_while(|item| below(self, item))
            .count();
        let direct = rest
            .iter()
            .skip(skip)
            .take(count)
            .filter(|item| folds(self.name(item)) && parent(self.name(item)).len() == dir.len())
            .count();
        if direct < FOLD {
            return false;
        }
        let to = from.saturating_add(count);
        let mut sum: Option<Count> = None;
        let gone = self.all().get(from..to).unwrap_or_default();
        for item in gone.iter().filter(|item| folds(self.name(item))) {
            match &mut sum {
                Some(sum) => sum.join(&item.count),
                None => sum = Some(item.count),
            }
        }
        let Some(sum) = sum else {
            return false;
        };
        self.retain(from..to, |name| !folds(name));
        self.insert_joined(class, domain, (dir, BELOW), sum)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_items))]
mod tests {
    use super::*;

    fn see<I, N>(items: &mut Items<I, N>, class: Class, name: &[u8]) -> Noted
    where
        I: DerefMut<Target = [Item]>,
        N: DerefMut<Target = [u8]>,
    {
        items.note(class, Domain::User, name, 1, false)
    }

    fn is_in_order<I, N>(items: &Items<I, N>) -> bool
    where
        I: Deref<Target = [Item]>,
        N: Deref<Target = [u8]>,
    {
        let key = |item: &Item| (item.class, item.domain);
        let mut pairs = items.all().iter().zip(items.all().iter().skip(1));
        let rises = pairs.all(|(a, b)| (key(a), items.name(a)) < (key(b), items.name(b)));
        let sum: usize = items.iter().map(|(_, name)| name.len()).sum();
        rises && sum == items.names_len()
    }

    #[test]
    fn items_are_sorted_whatever_the_order_they_come_in() {
        let (mut room, mut names) = ([Item::NONE; 8], [0u8; 64]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        for (class, name) in [
            (Class::Port, &b"tcp 80"[..]),
            (Class::Peer, b"unix /b"),
            (Class::Peer, b"unix /a"),
            (Class::Port, b""),
            (Class::Program, b"/x -> /y"),
        ] {
            assert_eq!(see(&mut items, class, name), Noted::New);
            assert_eq!(see(&mut items, class, name), Noted::Known);
            assert!(is_in_order(&items));
        }
        assert_eq!(items.len(), 5);
        assert!(items.has(Class::Peer, Domain::User, b"unix /a"));
        assert!(!items.has(Class::Peer, Domain::Root, b"unix /a"));
        assert!(!items.has(Class::Port, Domain::User, b"unix /a"));
        let count = items.get(Class::Port, Domain::User, b"tcp 80");
        assert_eq!(count.map(|c| (c.count, c.windows)), Some((2, 1)));
        items.clear();
        assert!(items.is_empty() && !items.has(Class::Port, Domain::User, b""));
    }

    #[test]
    fn items_that_find_no_room_are_counted_and_not_known() {
        let (mut room, mut names) = ([Item::NONE; 2], [0u8; 8]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        assert_eq!(see(&mut items, Class::Peer, b"123456789"), Noted::Full);
        assert_eq!(see(&mut items, Class::Peer, b"1234567"), Noted::New);
        assert_eq!(see(&mut items, Class::Peer, b"89"), Noted::Full);
        assert_eq!(see(&mut items, Class::Peer, b"8"), Noted::New);
        assert_eq!(see(&mut items, Class::Peer, b""), Noted::Full);
        assert_eq!(items.lost(Class::Peer), 3);
        assert_eq!(items.lost(Class::Port), 0);
        assert!(!items.has(Class::Peer, Domain::User, b""));
        assert!(is_in_order(&items));
    }

    #[test]
    fn items_of_a_directory_with_many_fold() {
        let (mut room, mut names) = ([Item::NONE; 64], [0u8; 512]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        assert_eq!(see(&mut items, Class::Read, b"/v/a"), Noted::New);
        assert_eq!(see(&mut items, Class::Read, b"/v/a-b"), Noted::New);
        assert_eq!(see(&mut items, Class::Write, b"/v/a/x"), Noted::New);
        let mut last = Noted::New;
        for i in 0..FOLD as u8 {
            assert_eq!(last, Noted::New);
            last = see(
                &mut items,
                Class::Read,
                &[b'/', b'v', b'/', b'a', b'/', b'A' + i],
            );
            assert!(is_in_order(&items));
        }
        assert_eq!(last, Noted::Folded);
        assert_eq!(items.len(), 4);
        assert_eq!(see(&mut items, Class::Read, b"/v/a/new/deep"), Noted::Known);
        assert!(items.has(Class::Read, Domain::User, b"/v/a/other"));
        assert!(!items.has(Class::Read, Domain::User, b"/v/ab"));
        assert!(!items.has(Class::Write, Domain::User, b"/v/a/other"));
        let sum = items.get(Class::Read, Domain::User, b"/v/a/**");
        assert_eq!(sum.map(|c| c.count), Some(FOLD as u32 + 1));
        assert!(is_in_order(&items));
    }

    #[test]
    fn what_is_hidden_does_not_fold() {
        let (mut room, mut names) = ([Item::NONE; 64], [0u8; 512]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        let hidden: [&[u8]; 3] = [b"/v/a/.h", b"/v/a/A/.h/x", b"/v/a/~/.h"];
        for name in hidden {
            assert_eq!(see(&mut items, Class::Write, name), Noted::New);
        }
        assert_eq!(see(&mut items, Class::Write, b"/v/b"), Noted::New);
        let mut last = Noted::New;
        for i in 0..FOLD as u8 {
            assert_eq!(last, Noted::New);
            let name = [b'/', b'v', b'/', b'a', b'/', b'A' + i];
            last = see(&mut items, Class::Write, &name);
            assert!(is_in_order(&items));
        }
        assert_eq!(last, Noted::Folded);
        assert_eq!(items.len(), 5);
        for name in hidden.iter().chain(&[&b"/v/b"[..], b"/v/a/new/deep"]) {
            assert_eq!(see(&mut items, Class::Write, name), Noted::Known);
        }
        for name in [&b"/v/a/.i"[..], b"/v/a/A/.i", b"/v/a/.i/j"] {
            assert!(!items.has(Class::Write, Domain::User, name));
        }
        assert_eq!(see(&mut items, Class::Write, b"/v/a/.h/y"), Noted::New);
    }

    #[test]
    fn many_ports_of_one_address_become_one_item() {
        let (mut room, mut names) = ([Item::NONE; 64], [0u8; 1024]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        for name in [
            &b"tcp 0.0.0.0:21"[..],
            b"tcp 0.0.0.0:ephemeral",
            b"tcp 10.0.0.1:2000",
        ] {
            assert_eq!(see(&mut items, Class::Port, name), Noted::New);
        }
        let mut last = Noted::New;
        for i in 0..MANY as u8 {
            assert_eq!(last, Noted::New);
            let mut name = *b"tcp 0.0.0.0:2100";
            name[13] += i / 10;
            name[15] += i % 10;
            last = see(&mut items, Class::Port, &name);
            assert!(is_in_order(&items));
        }
        assert_eq!(last, Noted::Folded);
        assert_eq!(items.len(), 4);
        assert_eq!(
            see(&mut items, Class::Port, b"tcp 0.0.0.0:9999"),
            Noted::Known
        );
        assert!(items.has(Class::Port, Domain::User, b"tcp 0.0.0.0:1024"));
        for name in [
            &b"tcp 0.0.0.0:80"[..],
            b"tcp 10.0.0.1:1024",
            b"udp 0.0.0.0:1024",
        ] {
            assert!(!items.has(Class::Port, Domain::User, name));
        }
        assert!(!items.has(Class::Port, Domain::Root, b"tcp 0.0.0.0:1024"));
        let sum = items.get(Class::Port, Domain::User, b"tcp 0.0.0.0:unprivileged");
        assert_eq!(sum.map(|c| c.count), Some(MANY as u32 + 1));
    }

    #[test]
    fn many_peers_far_away_become_one_item() {
        let (mut room, mut names) = ([Item::NONE; 64], [0u8; 1024]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        for i in 0..MANY as u8 {
            let mut name = *b"tcp 20.0.0.9:443";
            name[9] += i % 10;
            name[7] += i / 10;
            see(&mut items, Class::Peer, &name);
        }
        assert_eq!(items.len(), 1);
        assert!(items.has(Class::Peer, Domain::User, b"tcp 8.8.8.8:443"));
        assert!(!items.has(Class::Peer, Domain::User, b"tcp 8.8.8.8:80"));
        assert!(!items.has(Class::Peer, Domain::User, b"tcp 10.0.0.1:443"));
    }

    #[test]
    fn items_of_a_directory_of_the_first_level_never_fold() {
        let (mut room, mut names) = ([Item::NONE; 64], [0u8; 512]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        for i in 0..40u8 {
            assert_eq!(
                see(&mut items, Class::Read, &[b'/', b'e', b'/', b'A' + i]),
                Noted::New
            );
        }
        assert_eq!(items.len(), 40);
    }

    #[test]
    fn counts_tell_windows_of_a_start_apart() {
        let mut count = Count::at(0, true);
        count.again(1, true);
        count.again(1, true);
        count.again(5, false);
        count.again(5, false);
        assert_eq!((count.count, count.starts, count.windows), (5, 2, 1));
        assert_eq!((count.first, count.last), (0, 5));
    }
}
