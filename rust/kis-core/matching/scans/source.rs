// SPDX-License-Identifier: GPL-2.0

//! What is remembered of one source, and when it is a scanner.
//!
//! A target is a bit of 128, the same one in the map of each horizon: so a source never has more targets
//! than it has probed, and chance takes some away. Which bit is a matter of a keyed hash. Floor 0, pure.

use super::limits::{
    Horizon,
    Limits, //
};
use crate::wire::abi::ScanKind;

/// Bits of a map.
pub(super) const BITS: u64 = 128;

/// Ports that are remembered, the first ones.
pub(super) const PORTS: usize = 16;

/// A scanner that nothing was heard of for so long begins anew: what it does then is told again.
const QUIET_S: u32 = 3600;

/// New targets by which another kind of scan of one that was told is told as well.
const ANOTHER_KIND: u8 = 8;

/// How many times as many probes as when it was told are told again.
const FOLD: u32 = 8;

/// Words of a source.
pub(super) const WORDS: usize = 24;

/// Places for counts by kind, the first of which is none's.
const KINDS: usize = 16;

const _: () = assert!(ScanKind::ALL.len() < KINDS);

/// The targets of the half of a horizon that a time is in, and of the half before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    epoch: u32,
    now: [u64; 2],
    before: [u64; 2],
}

impl Window {
    const NEW: Self = Self {
        epoch: 0,
        now: [0; 2],
        before: [0; 2],
    };

    /// Goes on to the half with this number.
    fn turn(&mut self, epoch: u32) {
        // Another processor's clock was read a moment earlier: it counts for the half that there is.
        if epoch <= self.epoch {
            return;
        }
        let is_next = epoch == self.epoch.saturating_add(1);
        self.before = if is_next { self.now } else { [0; 2] };
        self.now = [0; 2];
        self.epoch = epoch;
    }

    /// Adds a target; whether it is new to both halves.
    fn mark(&mut self, epoch: u32, bit: u64) -> bool {
        self.turn(epoch);
        // CAST: below 2. OVERFLOW: a shift by less than 64.
        let (word, bit) = ((bit / 64 % 2) as usize, 1u64 << (bit % 64));
        let before = self.before.get(word).copied().unwrap_or(0);
        let Some(now) = self.now.get_mut(word) else {
            return false;
        };
        let is_new = (*now | before) & bit == 0;
        *now |= bit;
        is_new
    }

    /// How many there are in both halves.
    fn count(&self) -> u32 {
        let [a, b] = self.now;
        let [c, d] = self.before;
        // OVERFLOW: 128 at most.
        (a | c).count_ones() + (b | d).count_ones()
    }
}

/// A probe as a source remembers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// The bit of its target.
    pub(super) bit: u64,
    /// What it scans with.
    pub(super) kind: ScanKind,
    /// The port.
    pub(super) port: u16,
}

/// What there is to say of a source after a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing; whether it was told before.
    Nothing {
        /// It was.
        is_told: bool,
    },
    /// That it is a scanner.
    Scanner {
        /// What it scans with.
        kind: ScanKind,
        /// Within which time it came to its line.
        horizon: Horizon,
        /// It was told before, and went on.
        again: bool,
    },
}

/// A source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    windows: [Window; Horizon::ALL.len()],
    /// Probes.
    pub(super) probes: u32,
    /// Targets, as far as they could be told apart.
    pub(super) targets: u32,
    /// When the first came, seconds.
    pub(super) first_s: u32,
    /// When the latest came.
    pub(super) last_s: u32,
    /// After how many probes it is told again.
    next: u32,
    /// The kinds that were told.
    told: u16,
    /// The kinds that came.
    pub(super) kinds: u16,
    counts: [u8; KINDS],
    /// The first ports; 0 behind them.
    pub(super) ports: [u16; PORTS],
}

impl Source {
    /// One that nothing is known of.
    pub(super) const NEW: Self = Self {
        windows: [Window::NEW; Horizon::ALL.len()],
        probes: 0,
        targets: 0,
        first_s: 0,
        last_s: 0,
        next: 0,
        told: 0,
        kinds: 0,
        counts: [0; KINDS],
        ports: [0; PORTS],
    };

    /// Takes a probe.
    pub(super) fn probe(&mut self, mark: &Mark, now_s: u32, limits: &Limits) -> Heard {
        if self.told != 0 && now_s.saturating_sub(self.last_s) > QUIET_S {
            *self = Self::NEW;
        }
        if self.probes == 0 {
            self.first_s = now_s;
        }
        self.last_s = self.last_s.max(now_s);
        self.probes = self.probes.saturating_add(1);
        self.kinds |= mark.kind.bit();
        let mut is_new = false;
        for (horizon, window) in Horizon::ALL.into_iter().zip(&mut self.windows) {
            // The last one is the longest.
            is_new = window.mark(horizon.epoch(now_s), mark.bit);
        }
        if is_new {
            self.targets = self.targets.saturating_add(1);
            if let Some(count) = self.counts.get_mut(mark.kind as usize) {
                *count = count.saturating_add(1);
            }
        }
        self.add_port(mark.port);
        let Some(horizon) = self.horizon(limits) else {
            let is_told = self.told != 0;
            return Heard::Nothing { is_told };
        };
        let is_first = self.told == 0;
        let kind = if is_first { self.most() } else { mark.kind };
        let is_enough = is_first || self.count(kind) >= ANOTHER_KIND;
        let again = self.told & kind.bit() != 0;
        let is_due = if again {
            self.probes >= self.next
        } else {
            is_enough
        };
        if !is_due {
            return Heard::Nothing { is_told: true };
        }
        self.told |= kind.bit();
        self.next = self.probes.saturating_mul(FOLD);
        Heard::Scanner {
            kind,
            horizon,
            again,
        }
    }

    /// How many targets it has had within the longest horizon: what it is worth to be remembered.
    pub(super) fn weight(&self) -> u32 {
        self.windows.last().map_or(0, Window::count)
    }

    /// Remembers a port, if it is one of the first.
    fn add_port(&mut self, port: u16) {
        for known in &mut self.ports {
            if *known == port {
                return;
            }
            if *known == 0 {
                *known = port;
                return;
            }
        }
    }

    /// The shortest horizon in which it is above the line.
    fn horizon(&self, limits: &Limits) -> Option<Horizon> {
        let mut all = Horizon::ALL.into_iter().zip(&self.windows);
        all.find_map(|(horizon, window)| {
            let line = limits.line(horizon)?;
            (window.count() >= line).then_some(horizon)
        })
    }

    fn count(&self, kind: ScanKind) -> u8 {
        self.counts.get(kind as usize).copied().unwrap_or(0)
    }

    /// What it scans with mostly.
    fn most(&self) -> ScanKind {
        let kinds = ScanKind::ALL.iter().copied();
        // The first of those that have as many.
        let most = kinds.rev().max_by_key(|kind| self.count(*kind));
        most.unwrap_or(ScanKind::Syn)
    }

    /// Gives its [`WORDS`] words, one after the other: no second copy of it is on the stack.
    pub(super) fn put(&self, mut put: impl FnMut(u64)) {
        for window in &self.windows {
            put(u64::from(window.epoch));
            window.now.iter().for_each(|word| put(*word));
            window.before.iter().for_each(|word| put(*word));
        }
        put(pair(self.probes, self.targets));
        put(pair(self.first_s, self.last_s));
        put(pair(
            self.next,
            (u32::from(self.told) << 16) | u32::from(self.kinds),
        ));
        for bytes in self.counts.chunks_exact(8) {
            put(bytes
                .first_chunk()
                .map_or(0, |bytes| u64::from_be_bytes(*bytes)));
        }
        for ports in self.ports.chunks_exact(4) {
            put(ports
                .iter()
                .fold(0, |word, port| (word << 16) | u64::from(*port)));
        }
    }

    /// Takes them.
    pub(super) fn take(&mut self, mut take: impl FnMut() -> u64) {
        for window in &mut self.windows {
            // CAST: that is what was put there.
            window.epoch = take() as u32;
            window.now.iter_mut().for_each(|word| *word = take());
            window.before.iter_mut().for_each(|word| *word = take());
        }
        (self.probes, self.targets) = halves(take());
        (self.first_s, self.last_s) = halves(take());
        let (next, kinds) = halves(take());
        self.next = next;
        // CAST: the halves of it.
        (self.told, self.kinds) = ((kinds >> 16) as u16, kinds as u16);
        for bytes in self.counts.chunks_exact_mut(8) {
            bytes.copy_from_slice(&take().to_be_bytes());
        }
        for ports in self.ports.chunks_exact_mut(4) {
            let word = take();
            for (port, shift) in ports.iter_mut().zip([48u32, 32, 16, 0]) {
                // CAST: sixteen bits of it. OVERFLOW: a shift by less than 64.
                *port = (word >> shift) as u16;
            }
        }
    }
}

/// Two halves as a word.
const fn pair(high: u32, low: u32) -> u64 {
    // CAST: both widen.
    ((high as u64) << 32) | low as u64
}

/// The halves of a word.
const fn halves(word: u64) -> (u32, u32) {
    // CAST: the halves, on purpose.
    ((word >> 32) as u32, word as u32)
}

const _: () = assert!(Horizon::ALL.len() * 5 + 3 + KINDS / 8 + PORTS / 4 == WORDS);

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_scan_source))]
mod tests {
    use super::*;

    fn mark(bit: u64) -> Mark {
        Mark {
            bit,
            kind: ScanKind::Syn,
            // CAST: a few.
            port: bit as u16,
        }
    }

    #[test]
    fn the_line_is_reached_by_targets_and_not_by_probes() {
        let mut source = Source::NEW;
        for _ in 0..100 {
            for bit in 1..16 {
                let heard = source.probe(&mark(bit), 100, &Limits::USUAL);
                assert_eq!(heard, Heard::Nothing { is_told: false });
            }
        }
        assert_eq!((source.probes, source.targets), (1500, 15));
        assert_eq!(
            source.probe(&mark(99), 100, &Limits::USUAL),
            Heard::Scanner {
                kind: ScanKind::Syn,
                horizon: Horizon::Fast,
                again: false,
            }
        );
        assert_eq!(source.ports[0], 1);
        assert_eq!(source.ports[15], 99);
    }

    #[test]
    fn each_horizon_forgets() {
        // One target in so many seconds, until it is told, or 200 times.
        for (step_s, want) in [
            (0, Some((Horizon::Fast, 16))),
            (1, Some((Horizon::Medium, 24))),
            (10, Some((Horizon::Medium, 24))),
            (60, Some((Horizon::Slow, 32))),
            (300, Some((Horizon::Slow, 32))),
            (1200, None),
        ] {
            let mut source = Source::NEW;
            let mut told = None;
            for n in 0..128u32 {
                let now_s = n.saturating_mul(step_s).saturating_add(7);
                let heard = source.probe(&mark(n.into()), now_s, &Limits::USUAL);
                if let (Heard::Scanner { horizon, .. }, None) = (heard, told) {
                    told = Some((horizon, source.probes));
                }
            }
            assert_eq!(told, want);
        }
    }

    #[test]
    fn who_goes_on_is_told_again_and_who_rests_anew() {
        let mut source = Source::NEW;
        let (mut first, mut again) = (0, 0);
        for n in 0..2000u64 {
            match source.probe(&mark(n % 128), 100, &Limits::USUAL) {
                Heard::Scanner { again: false, .. } => first += 1,
                Heard::Scanner { again: true, .. } => again += 1,
                Heard::Nothing { is_told } => assert_eq!(is_told, first == 1),
            }
        }
        // At 16, 128 and 1024 probes.
        assert_eq!((first, again), (1, 2));
        let heard = source.probe(&mark(1), 100 + QUIET_S, &Limits::USUAL);
        assert_eq!(heard, Heard::Nothing { is_told: true });
        let heard = source.probe(&mark(1), 101 + 2 * QUIET_S, &Limits::USUAL);
        assert_eq!(heard, Heard::Nothing { is_told: false });
        assert_eq!(source.probes, 1);
    }

    #[test]
    fn another_kind_of_the_same_source_is_told_as_well() {
        let mut source = Source::NEW;
        let mut told = [None; 4];
        let mut at = told.iter_mut();
        for (kind, probes) in [(ScanKind::Syn, 20), (ScanKind::Udp, 9), (ScanKind::Fin, 7)] {
            for n in 0..probes {
                let bit = u64::from(kind.bit().trailing_zeros()) * 10 + n;
                let probe = Mark { kind, ..mark(bit) };
                if let Heard::Scanner { kind, .. } = source.probe(&probe, 100, &Limits::USUAL) {
                    if let Some(at) = at.next() {
                        *at = Some(kind);
                    }
                }
            }
        }
        assert_eq!(told, [Some(ScanKind::Syn), Some(ScanKind::Udp), None, None]);
    }

    #[test]
    fn clocks_that_differ_forget_nothing() {
        let mut window = Window::NEW;
        assert!(window.mark(7, 3));
        assert!(window.mark(8, 4));
        assert!(!window.mark(7, 4) && !window.mark(8, 3));
        assert_eq!((window.epoch, window.count()), (8, 2));
        window.turn(9);
        assert_eq!(window.count(), 2);
        window.turn(11);
        assert_eq!(window.count(), 0);
    }

    #[test]
    fn words_hold_all_of_it() {
        let mut source = Source::NEW;
        for n in 0..100u64 {
            let kind = [ScanKind::Syn, ScanKind::Udp, ScanKind::Null][(n % 3) as usize];
            let probe = Mark { kind, ..mark(n) };
            source.probe(&probe, 90 + n as u32, &Limits::USUAL);
            let mut words = [0; WORDS];
            let mut to = words.iter_mut();
            let mut put = 0;
            source.put(|word| {
                put += 1;
                if let Some(to) = to.next() {
                    *to = word;
                }
            });
            assert_eq!(put, WORDS);
            let mut from = words.iter();
            let mut again = Source::NEW;
            again.take(|| from.next().copied().unwrap_or(0));
            assert_eq!(again, source);
        }
    }
}
