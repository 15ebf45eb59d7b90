// SPDX-License-Identifier: GPL-2.0

//! Banned addresses, looked up for each packet.
//!
//! Readers take no lock and never wait: each slot has a sequence counter (odd while it is written),
//! as the kernel's `seqcount_t`. Writers (`add`, `remove`, `expire`, `reseed`) are serialised by the
//! caller, with softirqs off so that a reader cannot spin over a writer it has interrupted.
//!
//! Open addressing with linear probing over `N` slots, at most half of them used. A lookup looks at
//! as many slots from the address's home as any ban ever had to go since the table was empty (the
//! reach); it does not stop at empty slots, so removing needs no tombstones. The hash is keyed:
//! whoever chooses the addresses that get banned cannot make the reach long.
//!
//! Floor 0; any context. A static: `static BANS: BanTable<2048> = BanTable::new();` has room for
//! [`MAX_BANS`](crate::wire::abi::MAX_BANS) and is all zeros until it is used (80 KiB: never on a
//! stack).

use core::sync::atomic::{
    fence,
    AtomicU32,
    AtomicU64,
    Ordering, //
};

use crate::wire::abi::{
    AF_INET,
    AF_INET6, //
};
use crate::{
    Error,
    Result, //
};

/// How often a reader tries a slot that is being written.
///
/// After that it takes the slot for empty: a packet may pass in the instant in which a ban is added
/// or changed (fails open), instead of a softirq waiting for a writer on another CPU.
const TRIES: u32 = 8;

/// Room for a ban: 40 bytes.
#[derive(Debug)]
struct Slot {
    /// Odd while the others are written.
    seq: AtomicU32,
    /// First half of the address, as big endian number.
    high: AtomicU64,
    /// Second half.
    low: AtomicU64,
    /// When the ban ends; 0 for an empty slot.
    expires_ns: AtomicU64,
    /// Packets dropped since it was added.
    dropped: AtomicU64,
}

/// A ban.
///
/// # Examples
///
/// ```
/// use kis_core::judge::ban::{v4, Ban};
/// use kis_core::wire::abi::AF_INET;
///
/// let ban = Ban { address: v4([192, 0, 2, 1]), expires_ns: 9, dropped: 0 };
/// assert_eq!(ban.family(), (AF_INET, &[192, 0, 2, 1][..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// IPv6 address, or IPv4 mapped to `::ffff:a.b.c.d`.
    pub address: [u8; 16],
    /// When it ends, on the clock of the caller.
    pub expires_ns: u64,
    /// Packets dropped because of it.
    pub dropped: u64,
}

impl Ban {
    /// The family and the bytes of the address: 4 for IPv4, 16 for IPv6.
    pub fn family(&self) -> (u8, &[u8]) {
        family(&self.address)
    }
}

/// The family and the bytes of the address that a key is of: 4 for IPv4, 16 for IPv6.
pub fn family(key: &[u8; 16]) -> (u8, &[u8]) {
    match key.strip_prefix(&MAPPED) {
        Some(v4) => (AF_INET, v4),
        None => (AF_INET6, key),
    }
}

/// The first 12 bytes of a mapped IPv4 address (RFC 4291, 2.5.5.2).
const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// Whether an address is the host's own (127.0.0.0/8, ::1, unspecified).
pub const fn is_own(address: &[u8; 16]) -> bool {
    matches!(
        address,
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0 | 127, ..]
            | [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 | 1]
    )
}

/// Whether an address is none.
pub const fn is_unspecified(address: &[u8; 16]) -> bool {
    matches!(
        address,
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]
            | [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    )
}

/// The key of an IPv4 address.
pub const fn v4(address: [u8; 4]) -> [u8; 16] {
    let [a, b, c, d] = address;
    [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
}

/// The key of an address of 4 or 16 bytes.
pub fn key(address: &[u8]) -> Option<[u8; 16]> {
    if let Ok(address) = <[u8; 4]>::try_from(address) {
        return Some(v4(address));
    }
    <[u8; 16]>::try_from(address).ok()
}

/// What became of a ban.
///
/// # Examples
///
/// ```
/// use kis_core::judge::ban::{v4, Added, BanTable};
///
/// let bans = BanTable::<4>::new();
/// assert_eq!(bans.add(v4([192, 0, 2, 1]), 10), Ok(Added::New));
/// assert_eq!(bans.add(v4([192, 0, 2, 1]), 20), Ok(Added::Changed));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is new.
    New,
    /// The address was banned; it now ends when the new one does.
    Changed,
}

/// Banned addresses in `N` slots, a power of two, of which half are used.
///
/// # Examples
///
/// ```
/// use kis_core::judge::ban::{v4, BanTable};
///
/// static BANS: BanTable<4> = BanTable::new();
///
/// let peer = v4([192, 0, 2, 1]);
/// BANS.add(peer, 100)?;
/// let slot = BANS.lookup(peer, 99).expect("a ban that has not ended");
/// assert_eq!(BANS.count_drop(slot), 1);
/// assert_eq!(BANS.lookup(peer, 100), None);
/// BANS.expire(100, |ban| assert_eq!(ban.dropped, 1));
/// assert!(BANS.is_empty());
/// # Ok::<(), kis_core::Error>(())
/// ```
#[derive(Debug)]
pub struct BanTable<const N: usize> {
    slots: [Slot; N],
    /// Bans, expired ones included.
    len: AtomicU32,
    /// Slots that a lookup looks at.
    reach: AtomicU32,
    /// Key of the hash.
    seed: AtomicU64,
}

impl<const N: usize> Default for BanTable<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> BanTable<N> {
    /// Most bans at a time.
    pub const CAPACITY: usize = {
        assert!(N.is_power_of_two() && N >= 2 && N <= 1 << 20);
        N / 2
    };

    /// No bans.
    pub const fn new() -> Self {
        Self {
            slots: [const {
                Slot {
                    seq: AtomicU32::new(0),
                    high: AtomicU64::new(0),
                    low: AtomicU64::new(0),
                    expires_ns: AtomicU64::new(0),
                    dropped: AtomicU64::new(0),
                }
            }; N],
            len: AtomicU32::new(0),
            reach: AtomicU32::new(0),
            seed: AtomicU64::new(0),
        }
    }

    /// Keys the hash with a random number, and drops all bans. A writer.
    pub fn reseed(&self, seed: u64) {
        for slot in &self.slots {
            slot.clear();
        }
        self.len.store(0, Ordering::Relaxed);
        self.reach.store(0, Ordering::Relaxed);
        self.seed.store(seed, Ordering::Relaxed);
    }

    /// How many there are, expired ones included that were not swept yet.
    pub fn len(&self) -> usize {
        // CAST: at most N.
        self.len.load(Ordering::Relaxed) as usize
    }

    /// Whether there are none: the one load of the packet path when nobody is banned.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len.load(Ordering::Relaxed) == 0
    }

    /// Bans `address` until `expires_ns`; 0 is taken for 1. A writer.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] when the table is full; it is as before then.
    pub fn add(&self, address: [u8; 16], expires_ns: u64) -> Result<Added> {
        let expires_ns = expires_ns.max(1);
        let (high, low) = halves(address);
        if let Some(slot) = self.find(high, low) {
            // One word of an unchanged address: readers see the old end or the new one.
            slot.expires_ns.store(expires_ns, Ordering::Relaxed);
            return Ok(Added::Changed);
        }
        let full = Error::limit("banned addresses", Self::CAPACITY as u32);
        if self.len() >= Self::CAPACITY {
            return Err(full);
        }
        let home = self.home(high, low);
        let free = (0..N)
            .zip(self.probe(home))
            .find(|(_, slot)| slot.is_empty());
        let (distance, slot) = free.ok_or(full)?;
        // The reach and the length come first; who sees the slot before them does not find it yet.
        let reach = u32::try_from(distance)
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        self.reach.fetch_max(reach, Ordering::Relaxed);
        self.len.fetch_add(1, Ordering::Relaxed);
        slot.write(high, low, expires_ns);
        Ok(Added::New)
    }

    /// Ends the ban of `address`; says whether there was one. A writer.
    pub fn remove(&self, address: [u8; 16]) -> bool {
        let (high, low) = halves(address);
        let Some(slot) = self.find(high, low) else {
            return false;
        };
        self.drop_slot(slot);
        true
    }

    /// Sweeps the bans that have ended at `now_ns` and gives each to `ended`. A writer.
    pub fn expire(&self, now_ns: u64, mut ended: impl FnMut(Ban)) {
        if self.is_empty() {
            return;
        }
        for slot in &self.slots {
            if let Some(ban) = slot.read().filter(|ban| ban.expires_ns <= now_ns) {
                self.drop_slot(slot);
                ended(ban);
            }
        }
    }

    /// The slot of the ban of `address` that has not ended at `now_ns`.
    #[inline]
    pub fn lookup(&self, address: [u8; 16], now_ns: u64) -> Option<usize> {
        if self.is_empty() {
            return None;
        }
        let (high, low) = halves(address);
        let home = self.home(high, low);
        let reach = self.reach.load(Ordering::Relaxed) as usize;
        let mut found = (0..reach.min(N)).zip(self.probe(home));
        found.find_map(|(distance, slot)| {
            let hit = slot.holds(high, low)
                && slot.read().is_some_and(|ban| {
                    halves(ban.address) == (high, low) && ban.expires_ns > now_ns
                });
            hit.then_some(home.wrapping_add(distance) & (N - 1))
        })
    }

    /// Counts a dropped packet in the slot that [`BanTable::lookup`] gave, and says how many there
    /// are with it.
    ///
    /// When the slot got another ban in between, that one's count is one too high.
    pub fn count_drop(&self, slot: usize) -> u64 {
        self.slots.get(slot).map_or(0, |slot| {
            slot.dropped.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
        })
    }

    /// The ban in `slot`, if there is one.
    pub fn get(&self, slot: usize) -> Option<Ban> {
        self.slots.get(slot)?.read()
    }

    /// All bans, expired ones included; each as it was at one instant, not all at the same.
    pub fn iter(&self) -> impl Iterator<Item = Ban> + '_ {
        self.slots.iter().filter_map(Slot::read)
    }

    /// The slot that holds an address; for writers, who see no odd counters.
    fn find(&self, high: u64, low: u64) -> Option<&Slot> {
        let reach = self.reach.load(Ordering::Relaxed) as usize;
        let home = self.home(high, low);
        self.probe(home)
            .take(reach)
            .find(|slot| slot.holds(high, low))
    }

    /// All slots from `home` on.
    #[inline]
    fn probe(&self, home: usize) -> impl Iterator<Item = &Slot> {
        let (before, from) = self.slots.split_at_checked(home).unwrap_or((&[], &[]));
        from.iter().chain(before)
    }

    /// Empties a slot that is in use.
    fn drop_slot(&self, slot: &Slot) {
        slot.clear();
        if self.len.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.reach.store(0, Ordering::Relaxed);
        }
    }

    /// Where the probing for an address begins.
    ///
    /// Multiply and xor-shift with a key in front of each half: the finaliser of MurmurHash3 (A.
    /// Appleby), which passes every input bit to every output bit.
    #[inline]
    fn home(&self, high: u64, low: u64) -> usize {
        let mix = |x: u64| {
            let x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
            let x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
            x ^ (x >> 33)
        };
        let seed = self.seed.load(Ordering::Relaxed);
        let hash = mix(mix(high ^ seed).wrapping_add(seed.rotate_left(32)) ^ low);
        // CAST: the lower bits, on purpose; N is a power of two.
        hash as usize & (N - 1)
    }
}

impl Slot {
    /// Whether it holds no ban. Writers only.
    fn is_empty(&self) -> bool {
        self.expires_ns.load(Ordering::Relaxed) == 0
    }

    /// Whether it seems to hold the ban of an address; to be confirmed by [`Slot::read`].
    #[inline]
    fn holds(&self, high: u64, low: u64) -> bool {
        self.low.load(Ordering::Relaxed) == low
            && self.high.load(Ordering::Relaxed) == high
            && self.expires_ns.load(Ordering::Relaxed) != 0
    }

    /// The ban that it holds, all of it from one instant; `None` when it is empty, or is written
    /// again and again while it is read.
    fn read(&self) -> Option<Ban> {
        for _ in 0..TRIES {
            // ORDERING: pairs with the release in `write()`: what it wrote before is seen.
            let before = self.seq.load(Ordering::Acquire);
            let high = self.high.load(Ordering::Relaxed);
            let low = self.low.load(Ordering::Relaxed);
            let expires_ns = self.expires_ns.load(Ordering::Relaxed);
            let dropped = self.dropped.load(Ordering::Relaxed);
            // ORDERING: pairs with the release fence in `write()`: if one of the loads above saw a
            // newer word, the load below sees its odd counter or a later one.
            fence(Ordering::Acquire);
            if before & 1 != 0 || self.seq.load(Ordering::Relaxed) != before {
                core::hint::spin_loop();
                continue;
            }
            if expires_ns == 0 {
                return None;
            }
            return Some(Ban {
                address: join(high, low),
                expires_ns,
                dropped,
            });
        }
        None
    }

    /// Replaces what it holds.
    fn write(&self, high: u64, low: u64, expires_ns: u64) {
        let seq = self.seq.load(Ordering::Relaxed);
        self.seq.store(seq.wrapping_add(1), Ordering::Relaxed);
        // ORDERING: pairs with the acquire fence in `read()`.
        fence(Ordering::Release);
        self.high.store(high, Ordering::Relaxed);
        self.low.store(low, Ordering::Relaxed);
        self.dropped.store(0, Ordering::Relaxed);
        self.expires_ns.store(expires_ns, Ordering::Relaxed);
        // ORDERING: pairs with the acquire load in `read()`.
        self.seq.store(seq.wrapping_add(2), Ordering::Release);
    }

    /// Makes it empty.
    fn clear(&self) {
        self.write(0, 0, 0);
    }
}

/// An address as two numbers.
#[inline]
const fn halves(address: [u8; 16]) -> (u64, u64) {
    let number = u128::from_be_bytes(address);
    // CAST: the halves, on purpose.
    ((number >> 64) as u64, number as u64)
}

/// Two numbers as an address.
const fn join(high: u64, low: u64) -> [u8; 16] {
    // CAST: both widen.
    (((high as u128) << 64) | low as u128).to_be_bytes()
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_ban))]
mod tests {
    use super::*;

    #[test]
    fn add_lookup_remove() {
        let table = BanTable::<8>::new();
        let a = v4([192, 0, 2, 1]);
        let b = [0x20; 16];
        assert!(table.is_empty());
        assert_eq!(table.lookup(a, 0), None);
        assert_eq!(table.add(a, 100), Ok(Added::New));
        assert_eq!(table.add(b, 100), Ok(Added::New));
        assert_eq!(table.add(a, 200), Ok(Added::Changed));
        assert_eq!(table.len(), 2);
        assert!(table.lookup(a, 199).is_some());
        assert_eq!(table.lookup(a, 200), None);
        assert_eq!(table.lookup(b, 100), None);
        let slot = table.lookup(b, 99).unwrap_or(usize::MAX);
        assert_eq!(table.count_drop(slot), 1);
        assert_eq!(table.count_drop(slot), 2);
        let ban = table.get(slot);
        assert!(ban.is_some_and(|ban| ban.dropped == 2 && ban.family() == (AF_INET6, &b[..])));
        assert!(table.remove(b));
        assert!(!table.remove(b));
        assert_eq!(table.lookup(b, 0), None);
        assert_eq!(table.iter().count(), 1);
        assert_eq!(table.count_drop(usize::MAX), 0);
    }

    #[test]
    fn add_when_full_changes_nothing() {
        let table = BanTable::<8>::new();
        for i in 0..4 {
            assert_eq!(table.add(v4([10, 0, 0, i]), 10), Ok(Added::New));
        }
        assert!(matches!(
            table.add(v4([10, 0, 0, 4]), 10),
            Err(Error::Limit(_))
        ));
        assert_eq!(table.add(v4([10, 0, 0, 3]), 20), Ok(Added::Changed));
        assert_eq!(table.len(), 4);
        for i in 0..4 {
            assert!(table.lookup(v4([10, 0, 0, i]), 9).is_some());
        }
    }

    #[test]
    fn expire_sweeps_what_has_ended() {
        let table = BanTable::<8>::new();
        table.reseed(0x1234_5678_9abc_def0);
        for i in 0..4u8 {
            assert_eq!(
                table.add(v4([10, 0, 0, i]), 10 + u64::from(i)),
                Ok(Added::New)
            );
        }
        let mut ended = 0;
        table.expire(11, |ban| {
            ended += 1;
            ended += u32::from(ban.expires_ns > 11) * 100;
        });
        assert_eq!((ended, table.len()), (2, 2));
        table.expire(u64::MAX, |_| {});
        assert!(table.is_empty());
        assert_eq!(table.add(v4([0; 4]), 0), Ok(Added::New));
        table.reseed(1);
        assert_eq!(table.iter().count(), 0);
    }

    #[test]
    fn key_of_addresses() {
        assert_eq!(key(&[127, 0, 0, 1]), Some(v4([127, 0, 0, 1])));
        assert_eq!(key(&[7; 16]), Some([7; 16]));
        assert_eq!(key(&[7; 5]), None);
        let ban = Ban {
            address: v4([1, 2, 3, 4]),
            expires_ns: 1,
            dropped: 0,
        };
        assert_eq!(ban.family(), (AF_INET, &[1u8, 2, 3, 4][..]));
    }
}
