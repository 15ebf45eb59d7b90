// SPDX-License-Identifier: GPL-2.0

//! The cells in force: their configuration and the state of each.
//!
//! Floor 2. A [`Table`] is built as a whole from a verified image and replaced as a whole; hooks
//! reach it through `sys::published`. Everything that hooks change is atomic, but for the profile,
//! whose spinlock is only taken in process context.
//!
//! Lock order:
//! 1. a table's writer lock (`Published::lock()`), one at a time;
//! 2. [`Cell::profile`];
//! 3. a lane of the ring.

use crate::sys::{
    clock, hooks,
    task::{self, Task},
};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use kernel::{new_spinlock, prelude::*, sync::SpinLock};
use kis_core::{
    cells::handle::Handle,
    cells::{self, Cells},
    judge::verdict::{Context, Signal},
    sense::param::{Param, Values},
    sense::profile::{Profile, Settings},
    wire::abi::{CellMode, Mode, Op, OpSet, Phase, RecordType, MAX_CELLS, NAME_LEN, PATH_LEN},
};

/// An image that came from user space and that this owns.
pub(crate) struct Image(pub(crate) KVVec<u8>);

impl AsRef<[u8]> for Image {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

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

/// A danger signal: up until a time.
#[derive(Default)]
struct Danger {
    until_ns: AtomicU64,
}

impl Danger {
    fn left_ns(&self, now: u64) -> u64 {
        self.until_ns.load(Ordering::Relaxed).saturating_sub(now)
    }

    fn is_up(&self) -> bool {
        let until = self.until_ns.load(Ordering::Relaxed);
        until != 0 && until > clock::monotonic_ns()
    }

    fn raise(&self, hold_ms: u32) {
        let until = clock::monotonic_ns().saturating_add(u64::from(hold_ms) * 1_000_000);
        self.until_ns.fetch_max(until, Ordering::Relaxed);
    }

    /// True once after it has ended.
    fn take_ended(&self, now: u64) -> bool {
        let until = self.until_ns.load(Ordering::Relaxed);
        until != 0
            && until <= now
            && self
                .until_ns
                .compare_exchange(until, 0, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

/// One parameter of a cell, for those who cannot take the profile's lock.
struct Gauge {
    /// Count of the open window.
    count: AtomicU64,
    /// Value of the last whole window.
    last: AtomicU64,
    /// Above this a signal is raised at once; `u64::MAX` while it learns and has no bound.
    alarm: AtomicU64,
    one: AtomicU64,
    two: AtomicU64,
    mean: AtomicU64,
    deviation: AtomicU64,
    n: AtomicU64,
}

impl Gauge {
    const fn new() -> Self {
        Self {
            count: AtomicU64::new(0),
            last: AtomicU64::new(0),
            alarm: AtomicU64::new(u64::MAX),
            one: AtomicU64::new(u64::MAX),
            two: AtomicU64::new(u64::MAX),
            mean: AtomicU64::new(0),
            deviation: AtomicU64::new(0),
            n: AtomicU64::new(0),
        }
    }
}

/// What was learned of a parameter.
#[derive(Clone, Copy)]
pub(crate) struct Learned {
    /// Mean, 16 fractional bits.
    pub(crate) mean: u64,
    /// Root of the mean square deviation, 16 fractional bits.
    pub(crate) deviation: u64,
    /// Windows learned.
    pub(crate) n: u64,
    /// Threshold one; `u64::MAX` while it learns.
    pub(crate) one: u64,
    /// Threshold two; `u64::MAX` while it learns.
    pub(crate) two: u64,
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
    forbid: OpSet,
    deny: OpSet,
    kill_connections: bool,
    ban_s: u32,
    hold_one_ms: u32,
    hold_two_ms: u32,
    /// Length of a window, ms.
    pub(crate) window_ms: u32,
    /// Whether directories are learned.
    pub(crate) learns_dirs: bool,
    mode: AtomicU32,
    phase: AtomicU32,
    one: Danger,
    two: Danger,
    /// End of the open window, ns of `CLOCK_MONOTONIC`.
    pub(crate) window_end_ns: AtomicU64,
    /// Its parameters.
    gauges: [Gauge; Param::COUNT],
    /// Levels that were told in the open window, two bits a parameter.
    pub(crate) told: AtomicU32,
    /// Verdicts of the open window on each operation: breaches, vetoes, others.
    verdicts: [[AtomicU32; 3]; Op::COUNT],
    /// Processes at the end of the last window.
    pub(crate) processes: AtomicU32,
    /// Counters.
    pub(crate) tally: Tally,
    /// What was learned.
    #[pin]
    pub(crate) profile: SpinLock<KBox<Profile>>,
}

impl Cell {
    fn new(number: u32, spec: &cells::Cell<'_>, profile: KBox<Profile>) -> impl PinInit<Self> {
        let mut name = [0u8; NAME_LEN];
        for (to, from) in name.iter_mut().zip(spec.name()) {
            *to = *from;
        }
        let settings = spec.settings();
        let phase = profile.phase();
        let window_ms = spec.window_ms();
        let end = clock::monotonic_ns().saturating_add(u64::from(window_ms) * 1_000_000);
        let mode = spec.mode();
        let (forbid, deny) = (spec.forbid(), spec.deny());
        let (kill_connections, ban_s) = (spec.kill_connections(), spec.ban_s());
        let (hold_one_ms, hold_two_ms) = (spec.hold_one_ms(), spec.hold_two_ms());
        let learns_dirs = spec.learn_dirs();
        pin_init!(Self {
            number,
            name,
            settings,
            forbid,
            deny,
            kill_connections,
            ban_s,
            hold_one_ms,
            hold_two_ms,
            window_ms,
            learns_dirs,
            mode: AtomicU32::new(mode as u32),
            phase: AtomicU32::new(phase as u32),
            one: Danger::default(),
            two: Danger::default(),
            window_end_ns: AtomicU64::new(end),
            gauges: [const { Gauge::new() }; Param::COUNT],
            told: AtomicU32::new(0),
            verdicts: [const { [const { AtomicU32::new(0) }; 3] }; Op::COUNT],
            processes: AtomicU32::new(0),
            tally: Tally::default(),
            profile <- new_spinlock!(profile, "kis::Cell::profile"),
        })
    }

    /// The cell's own setting of its mode.
    pub(crate) fn mode(&self) -> CellMode {
        u16::try_from(self.mode.load(Ordering::Relaxed))
            .ok()
            .and_then(CellMode::from_u16)
            .unwrap_or(CellMode::Inherit)
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

    /// Takes over phase, thresholds and numbers from the profile, which the caller has locked.
    pub(crate) fn follow(&self, profile: &Profile) {
        let ready = profile.thresholds().is_some();
        for ((gauge, bound), param) in self.gauges.iter().zip(self.settings.bounds).zip(Param::ALL)
        {
            let (thresholds, estimator) = (profile.threshold(param), profile.param(param));
            let (one, two) = match ready {
                true => (thresholds.one(), thresholds.two()),
                false => (u64::MAX, u64::MAX),
            };
            gauge.mean.store(estimator.mean_q16(), Ordering::Relaxed);
            gauge
                .deviation
                .store(estimator.deviation_q16(), Ordering::Relaxed);
            gauge.n.store(u64::from(estimator.n()), Ordering::Relaxed);
            gauge.one.store(one, Ordering::Relaxed);
            gauge.two.store(two, Ordering::Relaxed);
            let alarm = one.min(bound.unwrap_or(u64::MAX));
            gauge.alarm.store(alarm, Ordering::Relaxed);
        }
        self.phase.store(profile.phase() as u32, Ordering::Relaxed);
    }

    /// What was learned of a parameter, as of the last [`Cell::follow()`].
    pub(crate) fn learned(&self, param: Param) -> Learned {
        let load = |value: &AtomicU64| value.load(Ordering::Relaxed);
        // PANIC: parameters are numbered from 0 to COUNT - 1.
        let gauge = &self.gauges[param.index()];
        Learned {
            mean: load(&gauge.mean),
            deviation: load(&gauge.deviation),
            n: load(&gauge.n),
            one: load(&gauge.one),
            two: load(&gauge.two),
        }
    }

    /// What verdicts on it depend on now.
    pub(crate) fn context(&self, global: Mode) -> Context {
        Context {
            mode: self.mode().resolve(global),
            phase: self.phase(),
            danger_one: self.one.is_up(),
            danger_two: self.two.is_up(),
            forbid: self.forbid,
            deny: self.deny,
            kill_connections: self.kill_connections,
            ban_s: self.ban_s,
        }
    }

    /// Raises a danger signal. Danger two implies one, so that type 1 signatures are armed.
    pub(crate) fn raise(&self, signal: Signal) {
        match signal {
            Signal::None => {}
            Signal::One => self.one.raise(self.hold_one_ms),
            Signal::Two => {
                self.one.raise(self.hold_one_ms);
                self.two.raise(self.hold_two_ms);
            }
        }
    }

    /// How long danger one and two are still up, ns.
    pub(crate) fn danger_left_ns(&self, now: u64) -> (u64, u64) {
        (self.one.left_ns(now), self.two.left_ns(now))
    }

    /// Which signals have ended since this was last asked: one, two.
    pub(crate) fn take_ended(&self, now: u64) -> (bool, bool) {
        (self.one.take_ended(now), self.two.take_ended(now))
    }

    /// Counts a verdict on an operation. Whether it is told, and as which of its kind in this
    /// window: the first [`TOLD_IN_FULL`], then the 128th, the 256th …: who repeats himself cannot
    /// fill the lane that others' alerts go to.
    pub(crate) fn count_verdict(&self, op: Op, kind: RecordType) -> (bool, u32) {
        let kind = match kind {
            RecordType::DangerTwo => 0,
            RecordType::Veto => 1,
            _ => 2,
        };
        let n = self
            .verdicts
            .get(op as usize)
            .and_then(|kinds| kinds.get(kind))
            .map_or(1, |n| n.fetch_add(1, Ordering::Relaxed).saturating_add(1));
        (n <= TOLD_IN_FULL || n.is_power_of_two(), n)
    }

    /// Adds to a parameter of the open window; the sum if it is above the alarm line.
    pub(crate) fn count(&self, param: Param, n: u64) -> Option<u64> {
        let gauge = self.gauges.get(param.index())?;
        let sum = gauge
            .count
            .fetch_add(n, Ordering::Relaxed)
            .saturating_add(n);
        (sum > gauge.alarm.load(Ordering::Relaxed)).then_some(sum)
    }

    /// Ends the open window: its counts, which start again at 0.
    pub(crate) fn take_counts(&self) -> Values {
        for verdicts in self.verdicts.iter().flatten() {
            verdicts.store(0, Ordering::Relaxed);
        }
        let mut values = Values::default();
        for (value, gauge) in values.iter_mut().zip(&self.gauges) {
            *value = gauge.count.swap(0, Ordering::Relaxed);
        }
        values
    }

    /// Keeps the values of the last whole window for those who ask.
    pub(crate) fn set_last(&self, values: &Values) {
        for (gauge, value) in self.gauges.iter().zip(values) {
            gauge.last.store(*value, Ordering::Relaxed);
        }
    }

    /// A value of the last whole window.
    pub(crate) fn last(&self, param: Param) -> u64 {
        self.gauges
            .get(param.index())
            .map_or(0, |gauge| gauge.last.load(Ordering::Relaxed))
    }
}

/// The cells in force.
pub(crate) struct Table {
    /// Never 0; handles carry it.
    pub(crate) generation: u32,
    /// The configuration.
    pub(crate) image: Cells<Image>,
    cells: KVec<Pin<KBox<Cell>>>,
    /// Earlier configurations whose handles still lead here.
    carried: KVec<Carried>,
}

/// Where the cells of an earlier configuration are now.
struct Carried {
    generation: u32,
    /// By their number then: the number now, or [`GONE`].
    now: [u8; MAX_CELLS],
}

/// A cell that is not in force any more.
const GONE: u8 = u8::MAX;

/// Earlier configurations that are remembered: handles of older ones lead nowhere, until
/// [`Table::adopt_running()`] has given their tasks new ones.
const CARRIED: usize = 8;

impl Table {
    /// Builds the table of a verified image. A cell with name and program of one in `old` keeps
    /// what that has learned. May sleep.
    pub(crate) fn new(image: Cells<Image>, old: Option<&Table>) -> Result<KBox<Self>> {
        let mut cells = KVec::with_capacity(image.len(), GFP_KERNEL)?;
        for (number, spec) in (1u32..).zip(image.iter()) {
            let mut profile = KBox::new(Profile::new(), GFP_KERNEL)?;
            if let Some(known) = old.and_then(|old| old.same(&spec)) {
                profile.clone_from(&known.profile.lock());
                if profile.is_ready() {
                    profile.complete(spec.k_one_q16(), spec.k_two_q16());
                }
            }
            let cell = KBox::pin_init(Cell::new(number, &spec, profile), GFP_KERNEL)?;
            cell.follow(&cell.profile.lock());
            cells.push(cell, GFP_KERNEL)?;
        }
        let carried = match old {
            Some(old) => old.carry(&image)?,
            None => KVec::new(),
        };
        Ok(KBox::new(
            Self {
                generation: hooks::new_generation(),
                image,
                cells,
                carried,
            },
            GFP_KERNEL,
        )?)
    }

    /// What a table with the cells of `image` has to know of this one and those before it.
    fn carry(&self, image: &Cells<Image>) -> Result<KVec<Carried>> {
        let mut now = [GONE; MAX_CELLS];
        for (slot, old) in now.iter_mut().zip(self.image.iter()) {
            if let Some((i, new)) = image.find(old.name()) {
                if new.program() == old.program() {
                    *slot = u8::try_from(i).unwrap_or(GONE);
                }
            }
        }
        let mut all = KVec::with_capacity(CARRIED, GFP_KERNEL)?;
        let newest = Carried {
            generation: self.generation,
            now,
        };
        all.push(newest, GFP_KERNEL)?;
        for older in self.carried.iter().take(CARRIED - 1) {
            let through = |i: u8| now.get(usize::from(i)).copied().unwrap_or(GONE);
            let carried = Carried {
                generation: older.generation,
                now: older.now.map(through),
            };
            all.push(carried, GFP_KERNEL)?;
        }
        Ok(all)
    }

    /// The cell with the same name and program.
    fn same(&self, spec: &cells::Cell<'_>) -> Option<&Cell> {
        let (i, found) = self.image.find(spec.name())?;
        if found.program() != spec.program() {
            return None;
        }
        self.get(i)
    }

    /// A cell by its number from 0.
    pub(crate) fn get(&self, i: usize) -> Option<&Cell> {
        self.cells.get(i).map(|cell| &**cell)
    }

    /// All cells.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().map(|cell| &**cell)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The cell with a name.
    pub(crate) fn find(&self, name: &[u8]) -> Option<&Cell> {
        self.get(self.image.find(name)?.0)
    }

    /// The cell that a handle names: one of this generation, or of an earlier one that is
    /// remembered, so that a reload does not let go of what runs.
    pub(crate) fn of_handle(&self, raw: u64) -> Option<(usize, &Cell)> {
        let handle = Handle::from_raw(raw);
        let i = match handle.index(self.generation) {
            Some(i) => i as usize,
            None => {
                let old = handle.index(handle.generation())? as usize;
                let carried = self
                    .carried
                    .iter()
                    .find(|c| c.generation == handle.generation())?;
                usize::from(*carried.now.get(old)?)
            }
        };
        Some((i, self.get(i)?))
    }

    /// The handle of a cell.
    pub(crate) fn handle(&self, i: usize) -> u64 {
        u32::try_from(i).map_or(0, |i| Handle::new(self.generation, i).raw())
    }

    /// The handle of the cell that a program with these arguments (each followed by a NUL byte)
    /// is in. Changes the NULs to spaces.
    pub(crate) fn of_program(&self, program: &[u8], arguments: &mut [u8]) -> Option<u64> {
        let first = arguments.iter().position(|&b| b == 0);
        let rest = arguments.get_mut(first.map_or(0, |at| at + 1)..)?;
        for byte in rest.iter_mut() {
            if *byte == 0 {
                *byte = b' ';
            }
        }
        let rest: &[u8] = rest;
        let rest = rest.strip_suffix(b" ").unwrap_or(rest);
        let (i, _) = self.image.of_process(program, rest)?;
        Some(self.handle(i))
    }

    /// Finds the cells' processes that run already, and lets them and their sockets have handles.
    /// May sleep.
    pub(crate) fn adopt_running(&self) {
        // Processes that fork while we look are found in the second round.
        for _ in 0..2 {
            task::for_each_process(|process| self.adopt(process));
            // Children of a cell's process are in the cell; parents come first only mostly.
            for _ in 0..8 {
                let mut found = false;
                task::for_each_thread(|thread| {
                    if let Some((i, _)) = self.of_handle(thread.cell()) {
                        thread.set_cell(self.handle(i));
                        return;
                    }
                    if let Some((i, _)) = self.of_handle(thread.family_cell()) {
                        thread.take_cpu_ns();
                        thread.set_cell(self.handle(i));
                        found = true;
                    }
                });
                if !found {
                    break;
                }
            }
        }
        task::for_each_process(|process| {
            if self.of_handle(process.cell()).is_some() {
                process.watch_sockets(process.cell());
            }
        });
    }

    fn adopt(&self, process: Task<'_>) {
        // Who is in a cell stays there, whatever became of program file and arguments.
        if self.of_handle(process.cell()).is_some() {
            return;
        }
        let (mut path, mut arguments) = ([0u8; PATH_LEN], [0u8; ARGUMENTS_LEN]);
        let Ok(path) = process.program(&mut path) else {
            return;
        };
        // Reading the memory of others can take long: only for those that may be a cell.
        if !self.image.iter().any(|spec| spec.program() == path) {
            return;
        }
        let len = process.arguments(&mut arguments).len();
        let handle = arguments
            .get_mut(..len)
            .and_then(|arguments| self.of_program(path, arguments));
        if let Some(handle) = handle {
            process.take_cpu_ns();
            process.set_cell(handle);
        }
    }
}

/// Verdicts of one kind on one operation that a window tells one by one: an eighth of a lane.
const TOLD_IN_FULL: u32 = 64;

/// Bytes of a process's arguments that are compared with a cell's pattern.
pub(crate) const ARGUMENTS_LEN: usize = 512;
