// SPDX-License-Identifier: GPL-2.0

//! Scans: who looks for doors.
//!
//! What is asked of each packet that belongs to no connection is in [`probe`]; what comes out of it is a
//! few packets, of which each costs two keyed hashes, eight words of a bucket, and a source of 24 words
//! read and written. A source is a scanner when it has probed as many different targets within one of
//! three horizons as [`limits`] say. Nobody is one by how often he asks: who retries has one target.
//!
//! Where there are many sources of a few probes each, all of them together are told when they have
//! probed sixteen times as many targets. A source that was told does not count for that.
//!
//! All memory is there from the beginning. There is no lock that anybody waits for: see [`table`],
//! `distinct` and `handshakes`. Floor 0, pure; context: any but NMI, softirqs off.

mod distinct;
mod handshakes;
pub mod header;
pub mod limits;
pub mod probe;
mod source;
mod table;

use self::limits::{
    Horizon,
    Limits, //
};
use self::probe::Probe;
use self::source::{
    Heard,
    Mark,
    Source,
    BITS, //
};
use self::table::Table;
use crate::sense::key::Key;
use crate::wire::abi::ScanKind;
use core::ops::Deref;
use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

pub use self::table::Losses;

/// Findings of five seconds that are told one by one, of sources that may be forged.
pub const TOLD_EACH: u32 = 64;

/// Ports that a finding has, the first ones.
pub const PORTS: usize = source::PORTS;

/// How many times the targets of one scanner many sources together have to have.
const CROWD: u32 = 16;

/// Most targets that this can be: of 1,024 bits so many are set by 1,200 targets.
const CROWD_MOST: u32 = 700;

/// Words of memory: 456 KiB.
pub const WORDS: usize = END;

/// Where the parts are, behind the table.
const HANDSHAKES: usize = table::WORDS;
const FAST: usize = HANDSHAKES + handshakes::WORDS;
const MEDIUM: usize = FAST + distinct::WORDS;
const SOURCES: usize = MEDIUM + distinct::WORDS;
const RATION: usize = SOURCES + distinct::WORDS;
const CROWD_TOLD: usize = RATION + 1;
const END: usize = CROWD_TOLD + 1;

/// What the hashes are of.
const SOURCE: u64 = 1;
const TARGET: u64 = 2;
const ADDRESS: u64 = 3;

/// Who scans this host, and how.
///
/// # Examples
///
/// ```
/// use kis_core::judge::ban::v4;
/// use kis_core::matching::scans::limits::Limits;
/// use kis_core::matching::scans::probe::Probe;
/// use kis_core::matching::scans::{Scans, WORDS};
/// use kis_core::sense::key::Key;
/// use kis_core::wire::abi::ScanKind;
/// use core::sync::atomic::AtomicU64;
///
/// let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
/// let scans = Scans::new(Key::new([1, 2]), words);
/// let found = (1..=100).find_map(|port| {
///     let probe = Probe {
///         kind: ScanKind::Syn,
///         source: v4([192, 0, 2, 7]),
///         source_port: 50_000,
///         target: v4([198, 51, 100, 1]),
///         port,
///     };
///     scans.probe(&probe, 5_000_000_000, &Limits::USUAL)
/// });
/// let found = found.expect("a scan of 100 ports in no time");
/// assert!(found.probes <= 20 && found.targets >= 16);
/// assert_eq!((found.kind, found.seconds, found.is_spoofable), (ScanKind::Syn, 10, true));
/// assert_eq!(found.ports().take(3).collect::<Vec<_>>(), [1, 2, 3]);
/// ```
#[derive(Debug)]
pub struct Scans<S> {
    key: Key,
    words: S,
}

/// A scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    /// What it is done with; for [`ScanKind::Distributed`] there is no source.
    pub kind: ScanKind,
    /// The kinds of probes that the source has sent, a bit ([`ScanKind::bit`]) each.
    pub kinds: u16,
    /// Where the latest probe said that it comes from, IPv4 mapped.
    pub source: [u8; 16],
    /// The address of this host that it went to.
    pub target: [u8; 16],
    /// Over how long the targets were counted.
    pub seconds: u32,
    /// Probes of the source since the first one; 0 if it is many sources.
    pub probes: u32,
    /// Different targets of them, at least.
    pub targets: u32,
    /// Sources, at least: 1, or how many it is together.
    pub sources: u32,
    /// Which finding of these five seconds it is.
    pub nth: u32,
    /// When the first probe came, seconds on the caller's clock.
    pub first_s: u32,
    /// When the latest came.
    pub last_s: u32,
    /// The source has not completed a handshake within the last hour: somebody else may have sent this.
    pub is_spoofable: bool,
    /// It was told before, and goes on.
    pub again: bool,
    /// The first ports; 0 behind them.
    pub ports: [u16; PORTS],
}

impl Scan {
    /// Nothing known but what it is done with.
    pub const fn none(kind: ScanKind) -> Self {
        Self {
            kind,
            kinds: 0,
            source: [0; 16],
            target: [0; 16],
            seconds: 0,
            probes: 0,
            targets: 0,
            sources: 1,
            nth: 0,
            first_s: 0,
            last_s: 0,
            is_spoofable: true,
            again: false,
            ports: [0; PORTS],
        }
    }

    /// Takes what is known of a source.
    fn of(&mut self, source: &Source) {
        self.kinds = source.kinds;
        (self.probes, self.targets) = (source.probes, source.targets);
        (self.first_s, self.last_s) = (source.first_s, source.last_s);
        self.ports = source.ports;
    }

    /// Becomes a scan by so many sources.
    fn is_by_many(&mut self, sources: u32) {
        self.kind = ScanKind::Distributed;
        (self.sources, self.probes) = (sources, 0);
        (self.source, self.ports) = ([0; 16], [0; PORTS]);
        (self.is_spoofable, self.again) = (true, false);
    }

    /// The first ports, without what is behind them.
    pub fn ports(&self) -> impl Iterator<Item = u16> + '_ {
        self.ports.iter().copied().filter(|port| *port != 0)
    }
}

impl<S: Deref<Target = [AtomicU64]>> Scans<S> {
    /// Nobody was heard of yet: the [`WORDS`] are zero. With fewer nothing is remembered.
    pub const fn new(key: Key, words: S) -> Self {
        Self { key, words }
    }

    /// Takes a probe, at a time on a clock that never goes back; what is to be told, if anything is.
    pub fn probe(&self, probe: &Probe, now_ns: u64, limits: &Limits) -> Option<Scan> {
        let mut scan = Scan::none(probe.kind);
        self.take(&mut scan, probe, seconds(now_ns), limits)
            .then_some(scan)
    }

    /// The same into `scan`; whether it is to be told.
    #[inline(never)]
    fn take(&self, scan: &mut Scan, probe: &Probe, now_s: u32, limits: &Limits) -> bool {
        let who = self.key.hash(SOURCE, &probe.who());
        let target = self.key.hash(TARGET, &probe.name());
        let mark = Mark {
            bit: target % BITS,
            kind: probe.kind,
            port: probe.port,
        };
        let table = Table::new(self.words.get(..HANDSHAKES).unwrap_or_default());
        let heard = table.update(who, now_s, |source| {
            let heard = source.probe(&mark, now_s, limits);
            if matches!(heard, Heard::Scanner { .. }) {
                scan.of(source);
            }
            heard
        });
        match heard {
            Some(Heard::Scanner {
                kind,
                horizon,
                again,
            }) => {
                (scan.kind, scan.seconds, scan.again) = (kind, horizon.seconds(), again);
                (scan.source, scan.target) = (probe.source, probe.target);
                self.ration(scan, now_s)
            }
            Some(Heard::Nothing { is_told: true }) => false,
            Some(Heard::Nothing { is_told: false }) | None => {
                let is_crowd = self.crowd(scan, (who, target), now_s, limits);
                scan.target = probe.target;
                is_crowd
            }
        }
    }

    /// An address has completed a handshake.
    #[inline(never)]
    pub fn shake(&self, address: &[u8; 16], now_ns: u64) {
        let hash = self.key.hash(ADDRESS, address);
        let words = self.words.get(HANDSHAKES..FAST);
        handshakes::add(words.unwrap_or_default(), hash, seconds(now_ns));
    }

    /// What was not remembered since the beginning.
    pub fn losses(&self) -> Losses {
        Table::new(self.words.get(..HANDSHAKES).unwrap_or_default()).losses()
    }

    /// Whether a scan is told: by itself, or as how many there were, or not at all. Whom something can be done
    /// about is always told: forgers cannot hide him.
    #[inline(never)]
    fn ration(&self, scan: &mut Scan, now_s: u32) -> bool {
        let hash = self.key.hash(ADDRESS, &scan.source);
        let words = self.words.get(HANDSHAKES..FAST).unwrap_or_default();
        scan.is_spoofable = !handshakes::has(words, hash, now_s);
        let Some(nth) = self.nth(Horizon::Fast.epoch(now_s)) else {
            return false;
        };
        scan.nth = nth;
        if nth <= TOLD_EACH || !scan.is_spoofable {
            return true;
        }
        scan.is_by_many(nth);
        nth.is_power_of_two()
    }

    /// Which finding of this half of the shortest horizon it is.
    fn nth(&self, epoch: u32) -> Option<u32> {
        let word = self.words.get(RATION)?;
        let first = (u64::from(epoch) << 32) | 1;
        let old = word.load(Ordering::Relaxed);
        // CAST: the upper half.
        if (old >> 32) as u32 != epoch {
            let begun = word.compare_exchange(old, first, Ordering::Relaxed, Ordering::Relaxed);
            if begun.is_ok() {
                return Some(1);
            }
        }
        // CAST: the lower half. OVERFLOW: it would take four billion findings in five seconds.
        Some(word.fetch_add(1, Ordering::Relaxed).wrapping_add(1) as u32)
    }

    /// Counts a probe of somebody who is no scanner, by its hashes, for all of them together; whether they are
    /// to be told now.
    #[inline(never)]
    fn crowd(
        &self,
        scan: &mut Scan,
        (who, target): (u64, u64),
        now_s: u32,
        limits: &Limits,
    ) -> bool {
        let half = Horizon::Medium.epoch(now_s);
        let part = |part| self.words.get(part).unwrap_or_default();
        let sources = part(SOURCES..RATION);
        distinct::mark(sources, half, who);
        let mut is_over = false;
        for (horizon, words) in [
            (Horizon::Medium, part(MEDIUM..SOURCES)),
            (Horizon::Fast, part(FAST..MEDIUM)),
        ] {
            let epoch = horizon.epoch(now_s);
            // What was there before has crossed no line.
            if !distinct::mark(words, epoch, target) {
                continue;
            }
            let line = limits.line(horizon);
            let line = line.map(|line| line.saturating_mul(CROWD).min(CROWD_MOST));
            let count = distinct::count(words, epoch);
            if line.is_some_and(|line| count >= line) {
                is_over = true;
                (scan.seconds, scan.targets) = (horizon.seconds(), count);
            }
        }
        if !is_over || !self.is_first(half) {
            return false;
        }
        scan.is_by_many(distinct::count(sources, half));
        (scan.first_s, scan.last_s) = (now_s, now_s);
        true
    }

    /// Whether many sources together were not told yet in this half of ten minutes, nor in the one before.
    fn is_first(&self, half: u32) -> bool {
        let Some(word) = self.words.get(CROWD_TOLD) else {
            return false;
        };
        // One more, so that 0 is none.
        let (now, old) = (
            u64::from(half).saturating_add(1),
            word.load(Ordering::Relaxed),
        );
        let is_due = old == 0 || now > old.saturating_add(1);
        let tell = || word.compare_exchange(old, now, Ordering::Relaxed, Ordering::Relaxed);
        is_due && tell().is_ok()
    }
}

/// Whole seconds of a clock.
fn seconds(now_ns: u64) -> u32 {
    u32::try_from(now_ns / 1_000_000_000).unwrap_or(u32::MAX)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_scans))]
mod tests {
    use super::*;
    use crate::judge::ban::v4;

    static MEMORY: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];

    fn probe(source: u32, port: u16) -> Probe {
        Probe {
            kind: ScanKind::Syn,
            source: v4(source.to_be_bytes()),
            source_port: 50_000,
            target: v4([198, 51, 100, 1]),
            port,
        }
    }

    // One test, as all use the same memory, which is too much for a stack of the kernel.
    #[test]
    fn scanners_are_told_and_others_are_not() {
        let scans = Scans::new(Key::new([3, 4]), &MEMORY[..]);
        let at = |second: u64| second.saturating_mul(1_000_000_000);
        let limits = Limits::USUAL;
        // Who retries is none, however often.
        for second in 0..1000 {
            assert_eq!(scans.probe(&probe(1, 443), at(second), &limits), None);
        }
        // Sixty-four scanners at a time are told one by one, then how many.
        let (mut each, mut many, mut nth) = (0u32, 0u32, 0);
        for source in 100..300 {
            for port in 1..25 {
                match scans.probe(&probe(source, port), at(2000), &limits) {
                    Some(scan) if scan.kind == ScanKind::Distributed => {
                        many += 1;
                        nth = scan.sources;
                    }
                    Some(_) => each += 1,
                    None => {}
                }
            }
        }
        assert_eq!((each, many, nth), (TOLD_EACH, 1, 128));
        // Nobody hides among them whose address is his own.
        scans.shake(&probe(99, 1).source, at(1990));
        let told = (1..25).find_map(|port| scans.probe(&probe(99, port), at(2001), &limits));
        assert!(told.is_some_and(|scan| scan.kind == ScanKind::Syn && !scan.is_spoofable));
        // Whose address is his own, and whose may not be.
        let told = |source| {
            let mut ports = 1..30;
            ports.find_map(|port| scans.probe(&probe(source, port), at(3000), &limits))
        };
        scans.shake(&probe(400, 1).source, at(2990));
        assert_eq!(
            told(400).map(|scan| (scan.is_spoofable, scan.nth)),
            Some((false, 1))
        );
        assert_eq!(
            told(401).map(|scan| (scan.is_spoofable, scan.nth)),
            Some((true, 2))
        );
        // A probe each, of a thousand sources to a thousand ports: none of them, but all together, once.
        let mut found = None;
        for n in 0..1000u32 {
            // CAST: a thousand.
            let scan = scans.probe(&probe(10_000 + n, 1 + n as u16), at(5000), &limits);
            assert!(found.is_none() || scan.is_none());
            found = found.or(scan);
        }
        let found = found.map(|scan| (scan.kind, scan.targets >= 256, scan.sources > 200));
        assert_eq!(found, Some((ScanKind::Distributed, true, true)));
        // As many sources at one port are a flood, and no scan.
        for n in 0..1000 {
            assert_eq!(scans.probe(&probe(20_000 + n, 80), at(9000), &limits), None);
        }
        let none = Scans::new(Key::new([3, 4]), &MEMORY[..0]);
        assert_eq!(none.probe(&probe(1, 1), 1, &limits), None);
        none.shake(&[0; 16], 1);
        assert_eq!(none.losses(), Losses::default());
    }
}
