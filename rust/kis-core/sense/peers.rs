// SPDX-License-Identifier: GPL-2.0

//! How much a cell sends to one peer in 30 windows is held against the most that any peer ever had.
//!
//! Who takes all that a server has takes it to one place. A peer is an IPv4 address, or an IPv6 network
//! of 64 bits, as that is what one host can choose from. What all have together grows with the load;
//! what one of them has, beside what the others have. So the line moves with these: ten times as much for
//! everybody is nothing, ten times as much for one is danger one. Floor 0, pure.

use super::budget::Budget;
use super::detector::{
    Detector,
    Findings,
    Keep,
    Numbers,
    Observation,
    Subject, //
};
use super::fixed;
use super::stats::MAX_VALUE;
use super::stretch::Stretch;
use super::thresholds::BELIEVED;
use super::total::Total;
use super::traffic::Traffic;
use crate::wire::bytes::{
    Reader,
    Writer, //
};
use crate::{
    Error,
    Result, //
};

/// The others count as a fourth of all at least: where one peer has nearly everything, the little that
/// others have says nothing.
const PART: u64 = 4;

/// Where danger begins for what one peer has.
///
/// # Examples
///
/// ```
/// use kis_core::sense::peers::Line;
///
/// let line = Line { one: 2000, others: 500 };
/// assert_eq!((line.at(0), line.at(500), line.at(5000)), (2000, 2000, 20_000));
/// assert_eq!(Line::NEVER.at(u64::MAX), u64::MAX);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// While the others have no more than was learned; `u64::MAX` for never.
    pub one: u64,
    /// What others had when it was learned.
    pub others: u64,
}

impl Line {
    /// Never crossed.
    pub const NEVER: Self = Self {
        one: u64::MAX,
        others: 0,
    };

    /// The greatest amount that is fine for one peer when the others have so much.
    pub fn at(&self, others: u64) -> u64 {
        if self.one == u64::MAX {
            return self.one;
        }
        let least = self.others.max(1);
        let others = others.clamp(least, least.saturating_mul(BELIEVED));
        let line = fixed::times(self.one, fixed::quotient(others, least));
        line.max(self.one)
    }
}

/// The detector.
///
/// # Examples
///
/// ```
/// use kis_core::sense::budget::Budget;
/// use kis_core::sense::detector::{Detector, Observation};
/// use kis_core::sense::peers::{Memory, Peers};
/// use kis_core::sense::traffic::Traffic;
///
/// let mut memory = Memory::new();
/// for _ in 0..3 {
///     Peers.learn(&mut memory, &Observation::Peers { most: [100_000, 100], total: [400_000, 400] });
/// }
/// Peers.complete(&mut memory, &Budget::usual(1000));
/// let line = memory.line(Traffic::Messages);
/// // Twice the most, and six steps of 64.
/// assert_eq!((line.at(300), line.at(3000)), (584, 5840));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Peers;

/// What it has learned.
///
/// # Invariants
///
/// Both kinds have learned the same stretches. The lines follow from that and the last budget, or are
/// never crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    kinds: [Kind; Traffic::COUNT],
}

/// The same of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    /// What the peer had that had most.
    most: Total,
    /// The greatest that all had together.
    total: u64,
    /// What the others had then.
    others: u64,
    line: Line,
}

impl Kind {
    const fn new() -> Self {
        Self {
            most: Total::new(),
            total: 0,
            others: 0,
            line: Line::NEVER,
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// Nothing.
    pub const fn new() -> Self {
        // INVARIANT: nothing learned, never crossed.
        Self {
            kinds: [const { Kind::new() }; Traffic::COUNT],
        }
    }

    fn kind(&self, kind: Traffic) -> &Kind {
        // PANIC: kinds are numbered from 0 to COUNT - 1.
        &self.kinds[kind.index()]
    }

    /// What was learned of the peer that had most.
    pub fn most(&self, kind: Traffic) -> &Total {
        &self.kind(kind).most
    }

    /// The greatest that all peers had together.
    pub fn total(&self, kind: Traffic) -> u64 {
        self.kind(kind).total
    }

    /// Where danger begins; never while the cell learns.
    pub fn line(&self, kind: Traffic) -> Line {
        self.kind(kind).line
    }

    /// Stretches learned.
    pub fn n(&self) -> u32 {
        self.most(Traffic::Bytes).n()
    }
}

impl Detector for Peers {
    type Memory = Memory;

    fn learn(&self, memory: &mut Memory, seen: &Observation<'_>) {
        let Observation::Peers { most, total } = seen else {
            return;
        };
        let each = memory.kinds.iter_mut().zip(Traffic::ALL);
        for ((kind, traffic), (most, total)) in each.zip(most.iter().zip(total)) {
            let total = (*total).min(MAX);
            let most = (*most).min(total);
            kind.most.learn(traffic.param(), most, 0);
            if total >= kind.total {
                (kind.total, kind.others) = (total, total.saturating_sub(most));
            }
        }
    }

    fn complete(&self, memory: &mut Memory, budget: &Budget) {
        for (kind, traffic) in memory.kinds.iter_mut().zip(Traffic::ALL) {
            let lines = (kind.most).lines(traffic.param(), Stretch::Short, budget, 0);
            // INVARIANT: just computed.
            kind.line = match lines.usual.one() {
                u64::MAX => Line::NEVER,
                one => Line {
                    one,
                    others: kind.others.max(kind.total / PART),
                },
            };
        }
    }

    /// Hooks judge: a peer that has too much is told at once, and by name.
    fn judge(&self, _: &Memory, _: &Observation<'_>, _: &mut Findings) {}

    fn explain(&self, memory: &Memory, about: &Subject, numbers: &mut Numbers) {
        let Subject::Peer(traffic) = about else {
            return;
        };
        memory.most(*traffic).explain(numbers);
    }
}

/// Greatest amount that is learned.
const MAX: u64 = MAX_VALUE * Stretch::Short.windows() as u64;

impl Keep for Memory {
    const SECTION: u32 = 5;
    const MAX_BYTES: usize = 8 + Traffic::COUNT * (16 + Total::MAX_BYTES);

    fn bytes(&self) -> usize {
        let each = self.kinds.iter().map(|kind| kind.most.bytes());
        each.fold(8, |sum: usize, bytes| {
            sum.saturating_add(16).saturating_add(bytes)
        })
    }

    fn write(&self, w: &mut Writer<'_>) {
        w.u32(self.n());
        w.u32(0);
        for kind in &self.kinds {
            w.u64(kind.total);
            w.u64(kind.others);
            kind.most.write(w);
        }
    }

    fn read(&mut self, r: &mut Reader<'_>, _len: usize, windows: u32) -> Result {
        self.clear();
        let at = r.offset();
        let (n, zero) = (r.u32(), r.u32());
        let most = windows.checked_div(Stretch::Short.windows()).unwrap_or(0);
        let n = n.filter(|n| *n <= most && zero == Some(0));
        let n = n.ok_or(Error::malformed(at, "stretches of peers"))?;
        for (kind, traffic) in self.kinds.iter_mut().zip(Traffic::ALL) {
            let at = r.offset();
            let (total, others) = (r.u64(), r.u64());
            let read = kind.most.read(traffic.param(), Stretch::Short, r, n);
            // In the stretch in which all had most one had the rest, at most the most that one ever had.
            let peak = kind.most.peak();
            let fits = |(total, others): &(u64, u64)| {
                *total <= MAX
                    && *total >= peak
                    && total.checked_sub(*others).is_some_and(|one| one <= peak)
                    && (n != 0 || *total == 0)
            };
            let amounts = total.zip(others).filter(fits);
            (kind.total, kind.others) = amounts
                .filter(|_| read.is_some())
                .ok_or(Error::malformed(at, "what peers had"))?;
        }
        Ok(())
    }

    fn clear(&mut self) {
        // INVARIANT: nothing learned, never crossed.
        for kind in &mut self.kinds {
            kind.most.clear();
            (kind.total, kind.others) = (0, 0);
            kind.line = Line::NEVER;
        }
    }
}

/// What a peer is known by: an IPv4 address, or 64 bits of an IPv6 one, as whoever has one of these addresses has
/// the others. But all behind NAT64 (RFC 6052) have the same 64 bits: there it is the whole address. (Those of a
/// link have, too, and any of them can be had.) The address is mapped if it is IPv4; the form is that of a mapped address and
/// of a network again.
///
/// # Examples
///
/// ```
/// use kis_core::judge::ban::v4;
/// use kis_core::sense::peers::network;
///
/// assert_eq!(network(&v4([192, 0, 2, 1])), v4([192, 0, 2, 1]));
/// assert_eq!(network(&[0xfd; 16])[6..10], [0xfd, 0xfd, 0, 0]);
/// ```
pub fn network(address: &[u8; 16]) -> [u8; 16] {
    let mut network = *address;
    let [a, b, c, d, ..] = *address;
    let is_nat64 = matches!([a, b, c, d], [0, 0x64, 0xff, 0x9b]);
    if crate::judge::ban::family(address).0 == crate::wire::abi::AF_INET6 && !is_nat64 {
        network.iter_mut().skip(8).for_each(|byte| *byte = 0);
    }
    network
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_peers))]
mod tests {
    use super::*;
    use crate::sense::traffic::Amounts;

    const BUDGET: Budget = Budget::usual(1000);

    fn learned(stretches: &[(Amounts, Amounts)]) -> Memory {
        let mut memory = Memory::new();
        for (most, total) in stretches {
            let (most, total) = (*most, *total);
            Peers.learn(&mut memory, &Observation::Peers { most, total });
        }
        memory
    }

    #[test]
    fn ten_times_by_everybody_is_nothing_and_by_one_it_is_something() {
        // A fifth for each, and nearly all for one.
        for share in [1u64, 4] {
            let (all, one) = (50_000_000, 10_000_000 * share);
            let mut memory = learned(&[([one, 100], [all, 100]); 6]);
            assert_eq!(memory.line(Traffic::Bytes), Line::NEVER);
            Peers.complete(&mut memory, &BUDGET);
            let line = memory.line(Traffic::Bytes);
            for times in 1..=10 {
                assert!(line.at((all - one) * times) >= one * times);
            }
            assert!(line.at(all - one) < one * 10);
            // No more than 32 times, whoever helps.
            assert_eq!(line.at(u64::MAX), line.at(all * 32));
        }
        let mut memory = learned(&[([100_000, 100], [100_000, 100]); 2]);
        Peers.complete(&mut memory, &BUDGET);
        assert_eq!(memory.line(Traffic::Bytes), Line::NEVER);
    }

    #[test]
    fn lines_are_exact_and_do_not_overflow() {
        for (one, others, at, want) in [
            (10, 0, 5, 50),
            (10, 3, 10, 33),
            (1 << 45, 1 << 44, 1 << 45, 1 << 46),
            (1 << 50, 1, u64::MAX, 1 << 55),
            (u64::MAX - 1, 7, 70, u64::MAX),
        ] {
            let line = Line { one, others };
            assert_eq!(line.at(at), want);
            assert_eq!(line.at(0), one);
        }
    }

    #[test]
    fn memory_of_an_image_is_one_that_can_be() {
        let memory = learned(&[([70, 3], [100, 9]), ([50, 4], [120, 4]), ([0, 0], [0, 0])]);
        let mut out = [0u8; 256];
        let mut w = Writer::new(&mut out);
        memory.write(&mut w);
        let len = w.finish().unwrap_or(0);
        assert_eq!(len, memory.bytes());
        let read = |bytes: &[u8], windows| {
            let mut again = Memory::new();
            let read = again.read(&mut Reader::new(bytes, 0), bytes.len(), windows);
            read.map(|()| again)
        };
        let whole = out.get(..len).unwrap_or_default();
        assert!(read(whole, 90) == Ok(memory));
        assert!(read(whole, 89).is_err());
        assert!(read(whole.get(8..).unwrap_or_default(), 90).is_err());
        // How many, the padding, the total below the peak, more others than that, a total of one kind.
        for at in [0, 4, 8 + 7, 16 + 7, 24 + 7] {
            let mut forged = out;
            if let Some(byte) = forged.get_mut(at) {
                *byte ^= 0x80;
            }
            assert!(read(forged.get(..len).unwrap_or_default(), 1 << 20).is_err());
        }
        let mut memory = memory;
        memory.clear();
        assert!(memory == Memory::new());
    }
}
