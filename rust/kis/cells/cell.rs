// SPDX-License-Identifier: GPL-2.0

//! One cell in force: what the officer wants of it, and its state.
//!
//! Floor 2. Everything that hooks change is atomic, but for what is learned, whose spinlock is only
//! taken in process context, and by hooks only while the cell learns.

use super::{
    gauge::Gauges,
    learnt::{Learnt, Shared},
    peers::Peers,
};
use crate::sys::{
    clock, random,
    task::{Blame, Task},
};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use kernel::prelude::*;
use kis_core::{
    cells::{
        self,
        danger::{Danger, Holds},
        ration::Ration,
        Access,
    },
    judge::verdict::{Context, Signal},
    sense::class::ClassSet,
    sense::detector::Subject,
    sense::expectation::Expectation,
    sense::items::{Item, MAX_ITEMS, MAX_NAMES},
    sense::key::Key,
    sense::known::{Answer, Known, MEMO, SLOTS},
    sense::param::Param,
    sense::profile::{Profile, Settings},
    sense::sighting::Sighting,
    sense::sketch::WORDS,
    sense::traffic::Traffic,
    sense::window::Moment,
    wire::abi::{CellMode, Mode, OpSet, Phase, NAME_LEN},
};

/// How long the start of a program lasts, ms.
const START_MS: u32 = 5000;

/// What was counted for a cell since it was loaded.
#[derive(Default)]
pub(crate) struct Tally {
    /// Calls denied.
    pub(crate) denied: AtomicU64,
    /// Calls that enforce mode would have denied.
    pub(crate) would_deny: AtomicU64,
    /// Connections reset.
    pub(crate) killed: AtomicU64,
    /// Connections that enforce mode would have reset.
    pub(crate) would_kill: AtomicU64,
    /// Signature matches.
    pub(crate) matches: AtomicU64,
}

/// The officer's rules, read from the image once.
struct Rules {
    forbid: OpSet,
    deny: OpSet,
    kill_connections: bool,
    ban_s: u32,
    guarded: bool,
    has_things: bool,
    has_sessions: bool,
    /// The classes of which the officer says what is expected while it learns.
    expected: ClassSet,
    /// Whether there are prefixes, by [`Access`].
    has_prefixes: [bool; Access::ALL.len()],
}

/// The state of one cell.
#[pin_data]
pub(crate) struct Cell {
    /// Number in its configuration, from 1.
    pub(crate) number: u32,
    /// Name, NUL padded.
    pub(crate) name: [u8; NAME_LEN],
    /// How its profile learns.
    pub(crate) settings: Settings,
    rules: Rules,
    holds: Holds,
    /// Length of a window, ms.
    pub(crate) window_ms: u32,
    mode: AtomicU32,
    phase: AtomicU32,
    /// Its danger signals.
    pub(crate) danger: Danger,
    /// What of its verdicts is told.
    pub(crate) ration: Ration,
    /// Its parameters.
    pub(crate) gauges: Gauges,
    /// What it sends to whom.
    pub(crate) peers: KBox<Peers>,
    /// End of the open window, ns of `CLOCK_MONOTONIC`.
    pub(crate) window_end_ns: AtomicU64,
    /// Processes at the end of the last window.
    pub(crate) processes: AtomicU32,
    /// Counters.
    pub(crate) tally: Tally,
    /// Until when it is starting, ns of `CLOCK_MONOTONIC`.
    start_ns: AtomicU64,
    /// The repertoire, for those who take no lock.
    pub(crate) known: Known<KVVec<AtomicU64>>,
    /// What was learned; the cell that follows at the next load has the same, so that nothing that is
    /// learned meanwhile is lost.
    pub(crate) learnt: Shared,
}

// A cell that has a repertoire takes 512 KiB at most, but for what it counts on each processor.
const _: () = {
    let things = MAX_ITEMS * size_of::<Item>() + MAX_NAMES;
    let words = (SLOTS + MEMO + WORDS) * size_of::<AtomicU64>();
    assert!(size_of::<Cell>() + size_of::<Profile>() + things + words <= 512 << 10);
};

impl Cell {
    /// The cell that `spec` describes, with what it has learned before. May sleep. A frame of its own.
    #[inline(never)]
    pub(crate) fn new(
        number: u32,
        spec: &cells::Cell<'_>,
        learnt: Shared,
    ) -> Result<Pin<KBox<Self>>> {
        let mut name = [0u8; NAME_LEN];
        for (to, from) in name.iter_mut().zip(spec.name()) {
            *to = *from;
        }
        let window_ms = spec.window_ms();
        let end = clock::monotonic_ns().saturating_add(u64::from(window_ms) * 1_000_000);
        let rules = Rules {
            forbid: spec.forbid(),
            deny: spec.deny(),
            kill_connections: spec.kill_connections(),
            ban_s: spec.ban_s(),
            guarded: spec.guarded(),
            has_things: spec.learn(),
            has_sessions: spec.sessions(),
            expected: spec.expected().classes(),
            has_prefixes: Access::ALL.map(|access| !spec.tree(access).is_empty()),
        };
        let holds = Holds {
            one_ms: spec.hold_one_ms(),
            two_ms: spec.hold_two_ms(),
        };
        let (settings, mode) = (spec.settings(), spec.mode());
        let (gauges, peers) = (Gauges::new()?, Peers::new(Key::new(random::key()))?);
        // Nobody asks a cell that has no repertoire.
        let count = if spec.learn() { SLOTS + MEMO } else { 0 };
        let mut words = KVVec::with_capacity(count, GFP_KERNEL)?;
        for _ in 0..count {
            words.push(AtomicU64::new(0), GFP_KERNEL)?;
        }
        let known = Known::new(words, Key::new(random::key()));
        let cell = KBox::pin_init(
            pin_init!(Self {
                number,
                name,
                settings,
                rules,
                holds,
                window_ms,
                mode: AtomicU32::new(mode as u32),
                phase: AtomicU32::new(Phase::Learning as u32),
                danger: Danger::default(),
                ration: Ration::new(),
                gauges,
                peers,
                window_end_ns: AtomicU64::new(end),
                processes: AtomicU32::new(0),
                tally: Tally::default(),
                start_ns: AtomicU64::new(0),
                known,
                learnt,
            }),
            GFP_KERNEL,
        )?;
        cell.follow(&cell.learnt.lock());
        Ok(cell)
    }

    /// The cell's own setting of its mode.
    #[inline]
    pub(crate) fn mode(&self) -> CellMode {
        const OBSERVE: u32 = CellMode::Observe as u32;
        const ENFORCE: u32 = CellMode::Enforce as u32;
        match self.mode.load(Ordering::Relaxed) {
            OBSERVE => CellMode::Observe,
            ENFORCE => CellMode::Enforce,
            _ => CellMode::Inherit,
        }
    }

    /// Sets it.
    pub(crate) fn set_mode(&self, mode: CellMode) {
        self.mode.store(mode as u32, Ordering::Relaxed);
    }

    /// Whether it learns.
    pub(crate) fn phase(&self) -> Phase {
        if self.phase.load(Ordering::Relaxed) == Phase::Ready as u32 {
            Phase::Ready
        } else {
            Phase::Learning
        }
    }

    /// Works out the thresholds by its own budget, where those before it had another one.
    pub(crate) fn refit(&self) {
        let mut learnt = self.learnt.lock();
        if learnt.is_ready() {
            learnt.profile.complete(self.settings.budget);
        }
        // Also where it was forgotten meanwhile.
        self.follow(&learnt);
    }

    /// Takes over all that hooks look at from what was learned, which is something else now. The
    /// caller has locked it.
    pub(crate) fn follow(&self, learnt: &Learnt) {
        self.show(learnt);
        self.known
            .follow(learnt.things.items(), learnt.grave(), learnt.is_ready());
        self.phase
            .store(learnt.profile.phase() as u32, Ordering::Relaxed);
    }

    /// Takes over lines and numbers from the profile, which has learned one more window. The caller
    /// has locked it.
    pub(crate) fn show(&self, learnt: &Learnt) {
        for param in Param::ALL {
            let numbers = learnt
                .profile
                .explain(&Subject::Param(param), &self.settings);
            self.gauges.set(param, &numbers);
        }
        for kind in Traffic::ALL {
            let numbers = learnt.profile.explain(&Subject::Peer(kind), &self.settings);
            self.peers
                .set(kind, &numbers, learnt.profile.peer_line(kind));
        }
    }

    /// Its program begins: what it does in the next seconds belongs to that.
    pub(crate) fn start(&self) {
        let until = clock::monotonic_ns().saturating_add(u64::from(START_MS) * 1_000_000);
        self.start_ns.store(until, Ordering::Relaxed);
    }

    /// Whether it is starting, or was at some time after `since`, ns of `CLOCK_MONOTONIC`.
    fn is_starting(&self, since: u64) -> bool {
        self.start_ns.load(Ordering::Relaxed) > since
    }

    /// Whether it starts in the open window: what it does then is held against starts.
    pub(crate) fn starts_now(&self) -> bool {
        let length = u64::from(self.window_ms) * 1_000_000;
        let end = self.window_end_ns.load(Ordering::Relaxed);
        self.is_starting(end.saturating_sub(length))
    }

    /// Counts in the open window, see [`Gauges::count()`]. Any context but NMI.
    #[inline]
    pub(crate) fn count(&self, param: Param, n: u64) -> Option<u64> {
        self.gauges.count(param, n, || self.starts_now())
    }

    /// How long it is to the end of the open window, ms, if a parameter is above line two in it, or above
    /// the officer's bound; 0 if none is.
    pub(crate) fn excess_ms(&self) -> u32 {
        let now = self.moment();
        if !self.gauges.is_above_two(&now) {
            return 0;
        }
        let end = self.window_end_ns.load(Ordering::Relaxed);
        let left = end.saturating_sub(clock::monotonic_ns()) / 1_000_000;
        u32::try_from(left).unwrap_or(u32::MAX)
    }

    /// The open window as it is now.
    pub(crate) fn moment(&self) -> Moment {
        self.gauges.moment(self.starts_now())
    }

    /// What verdicts on it depend on now, in a mode that is in force for it.
    #[inline]
    pub(crate) fn context(&self, mode: Mode) -> Context {
        let mut now_ns = 0;
        let (danger_one, danger_two) = self.danger.state(|| {
            now_ns = clock::monotonic_ns();
            now_ns
        });
        Context {
            mode,
            phase: self.phase(),
            danger_one,
            danger_two,
            forbid: self.rules.forbid,
            deny: self.rules.deny,
            kill_connections: self.rules.kill_connections,
            ban_s: self.rules.ban_s,
            guarded: self.rules.guarded,
            // In danger the clock was read.
            offends: danger_two && Task::current_is_blamed(now_ns),
            hard: self.settings.hard,
        }
    }

    /// Raises a danger signal.
    pub(crate) fn raise(&self, signal: Signal) {
        self.danger
            .raise(signal, clock::monotonic_ns(), &self.holds);
    }

    /// Danger signal two is up because of the running task: as long as it is, that one and its
    /// children are confined to the self.
    pub(crate) fn blame(&self, why: Blame) {
        let until = clock::monotonic_ns().saturating_add(u64::from(self.holds.two_ms) * 1_000_000);
        Task::blame_current(until, why);
    }

    /// Whether the officer has a list of paths for this kind of access.
    #[inline]
    pub(crate) fn has_prefixes(&self, access: Access) -> bool {
        let listed = self.rules.has_prefixes.get(access as usize);
        listed.is_some_and(|listed| *listed)
    }

    /// Whether it has a repertoire.
    #[inline]
    pub(crate) fn has_things(&self) -> bool {
        self.rules.has_things
    }

    /// Whether what it starts for people is theirs.
    pub(crate) fn has_sessions(&self) -> bool {
        self.rules.has_sessions
    }

    /// Whether it is held to the officer's paths at all.
    pub(crate) fn is_guarded(&self) -> bool {
        self.rules.guarded
    }

    /// Whether something is of the self; while the cell learns it becomes so, if the officer expects it
    /// (`expects`, asked only then). Takes a lock while it learns, and in the moment in which the
    /// repertoire is replaced; who may not wait for one (`may_wait`) gets no answer then, and what it
    /// saw is not learned.
    pub(crate) fn sees(
        &self,
        seen: &Sighting<'_>,
        may_wait: bool,
        expects: impl FnOnce() -> Expectation,
    ) -> Answer {
        match self.known.ask(seen) {
            Answer::Unsure => {}
            answer => return answer,
        }
        let now = clock::monotonic_ns();
        // Before the lock is taken, as it goes through all patterns.
        let expectation = if self.rules.expected.contains(seen.class) {
            expects()
        } else {
            Expectation::Named
        };
        let learnt = if may_wait {
            Some(self.learnt.lock())
        } else {
            self.learnt.try_lock()
        };
        let Some(mut learnt) = learnt else {
            return Answer::Unsure;
        };
        if learnt.is_ready() {
            // It became so meanwhile.
            drop(learnt);
            return self.known.ask(seen);
        }
        let start = self.is_starting(now);
        if learnt.things.teach(seen, start, expectation) {
            Answer::Known
        } else {
            Answer::Unexpected
        }
    }
}
