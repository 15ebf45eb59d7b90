// SPDX-License-Identifier: GPL-2.0

//! One cell in force: what the officer wants of it, and its state.
//!
//! Floor 2. Everything that hooks change is atomic, but for the profile, whose spinlock is only
//! taken in process context, and by hooks only for what is new while the cell learns.

use super::gauge::Gauges;
use crate::sys::clock;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use kernel::{new_spinlock, prelude::*, sync::SpinLock};
use kis_core::{
    cells::{
        self,
        danger::{Danger, Holds},
        ration::Ration,
        Access,
    },
    judge::verdict::{Context, Signal},
    paths::known::{Answer, Known, SLOTS},
    sense::detector::{Event, Observation, Subject},
    sense::param::Param,
    sense::phase::Learned,
    sense::profile::{Profile, Settings},
    wire::abi::{CellMode, Mode, OpSet, Phase, NAME_LEN},
};

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
    learns_dirs: bool,
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
    /// End of the open window, ns of `CLOCK_MONOTONIC`.
    pub(crate) window_end_ns: AtomicU64,
    /// Processes at the end of the last window.
    pub(crate) processes: AtomicU32,
    /// Counters.
    pub(crate) tally: Tally,
    /// The directories of the profile, for those who take no lock.
    known: Known<KVec<AtomicU64>>,
    /// What was learned.
    #[pin]
    pub(crate) profile: SpinLock<KBox<Profile>>,
}

impl Cell {
    /// The cell that `spec` describes, with what it has learned before. May sleep.
    pub(crate) fn new(
        number: u32,
        spec: &cells::Cell<'_>,
        profile: KBox<Profile>,
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
            learns_dirs: spec.learn_dirs(),
            has_prefixes: Access::ALL.map(|access| !spec.tree(access).is_empty()),
        };
        let holds = Holds {
            one_ms: spec.hold_one_ms(),
            two_ms: spec.hold_two_ms(),
        };
        let (settings, mode, phase) = (spec.settings(), spec.mode(), profile.phase());
        let gauges = Gauges::new()?;
        // Nobody asks a cell that learns no directories.
        let words = if spec.learn_dirs() { SLOTS } else { 0 };
        let mut slots = KVec::with_capacity(words, GFP_KERNEL)?;
        for _ in 0..words {
            slots.push(AtomicU64::new(0), GFP_KERNEL)?;
        }
        let known = Known::new(slots);
        let cell = KBox::pin_init(
            pin_init!(Self {
                number,
                name,
                settings,
                rules,
                holds,
                window_ms,
                mode: AtomicU32::new(mode as u32),
                phase: AtomicU32::new(phase as u32),
                danger: Danger::default(),
                ration: Ration::new(),
                gauges,
                window_end_ns: AtomicU64::new(end),
                processes: AtomicU32::new(0),
                tally: Tally::default(),
                known,
                profile <- new_spinlock!(profile, "kis::Cell::profile"),
            }),
            GFP_KERNEL,
        )?;
        cell.follow(&cell.profile.lock());
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

    /// Takes over all that hooks look at from the profile, which is another one or has become
    /// another one. The caller has locked it.
    pub(crate) fn follow(&self, profile: &Profile) {
        self.show(profile);
        self.known.follow(profile.dirs(), profile.is_ready());
        self.phase.store(profile.phase() as u32, Ordering::Relaxed);
    }

    /// Takes over lines and numbers from the profile, which has learned one more window. The caller
    /// has locked it.
    pub(crate) fn show(&self, profile: &Profile) {
        for param in Param::ALL {
            let numbers = profile.explain(&Subject::Param(param), &self.settings);
            self.gauges.set(param, &numbers);
        }
    }

    /// What verdicts on it depend on now, in a mode that is in force for it.
    #[inline]
    pub(crate) fn context(&self, mode: Mode) -> Context {
        let (danger_one, danger_two) = self.danger.state(clock::monotonic_ns);
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
        }
    }

    /// Raises a danger signal.
    pub(crate) fn raise(&self, signal: Signal) {
        self.danger
            .raise(signal, clock::monotonic_ns(), &self.holds);
    }

    /// Whether a path has to be made out for this kind of access.
    #[inline]
    pub(crate) fn looks_at(&self, access: Access) -> bool {
        let listed = self.rules.has_prefixes.get(access as usize);
        listed.is_some_and(|listed| *listed) || (access == Access::Write && self.rules.learns_dirs)
    }

    /// Whether it is held to paths at all.
    pub(crate) fn is_guarded(&self) -> bool {
        self.rules.guarded
    }

    /// Whether a directory, by its hash, is of the self; while it learns it becomes so. Takes a lock
    /// for a directory that is new while it learns, and in the moment in which the profile is
    /// replaced.
    pub(crate) fn knows(&self, dir: u64) -> bool {
        match self.known.ask(dir) {
            Answer::Known => return true,
            Answer::Unknown => return false,
            Answer::Unsure => {}
        }
        let seen = Observation::Event(Event::Directory(dir));
        let mut profile = self.profile.lock();
        if profile.learn(&seen, &self.settings) == Learned::Nothing {
            return profile.dirs().knows(dir);
        }
        self.known.learn(dir, profile.dirs());
        true
    }
}
