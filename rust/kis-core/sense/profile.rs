// SPDX-License-Identifier: GPL-2.0

//! The self of a cell: what is normal for it.
//!
//! The memories of all [`detectors`](super::detectors), and how far learning has come. While the
//! cell learns, each observation goes to the detectors; after `learn_windows` windows they draw their
//! lines once and the phase is ready. A window is judged before it is learned, so it is never held
//! against itself. The stretches that end with it are judged with it, and learned if none before
//! overlaps them.
//!
//! About 40 KiB: keep it on the heap. Floor 0, pure; the caller serialises writers.
//!
//! # Image
//!
//! Behind the [header](crate::wire::image):
//!
//! | type | field |
//! |---|---|
//! | u32 | phase |
//! | u32 | windows learned |
//! | u32, u32, u32, u32 | the budget: 0, 0, 0, 0; or 1, the two factors of the deviation, 0; or 2, alarms of danger one a day and of two a month, ms of a window; factors and alarms with 16 fractional bits |
//! | u64, u64 | whose it is: [`Origin`] |
//! | u32, u32, u32, u32 | how the trial went: windows, danger one, danger two ([`Score`]), 0 |
//! | sections | of each detector with a memory, rising: u32 number, u32 bytes of what follows, and that |
//!
//! Section 1, what the [deviation](super::deviation) is taken from: u64 greatest load; for each
//! parameter u32 n, u32 starts, u64 sum, u128 sum of squares, u64 peak, u64 minimum, u64 peak of the
//! starts; twice (values, and values per unit of load) u32 n, u32 0, up to 32 u64, the largest,
//! falling; of the [spread](super::spread) u32 sizes, u32 0, each size as u32 and its count as u32,
//! rising; of the [course](super::course) u32 blocks, u32 windows of each, u64 sum and u32 windows of
//! the open one, u32 0, the u64 sum of each block. Section 4, what
//! parameters add up to over [stretches](super::stretches): for those of 30 windows, then of 600, u32 n,
//! u32 0, u64 greatest load; for each parameter that adds up u64 sum of the sums, u64 minimum, u64
//! greatest sum per unit of load, u32 n, u32 0, up to 32 u64, the largest, falling. Section 5, what
//! [peers](super::peers) are sent: u32 n, u32 0; of bytes, then of messages u64 greatest that all were sent
//! in a stretch, u64 what all but one were then, and of the one that was sent most as in section 4. Section 6, the [repertoire](super::repertoire): u32
//! windows, u32 windows of a start, u32 items, u32 bytes of their names; for each class u32 items that
//! found no room; for each class u32 how often something was kept out; the items, rising by class, domain and name: u8
//! class, u8 domain, u16 bytes of the name, u32 count, windows, windows of a start, first and last
//! window; the names, padded.
//!
//! The image is what was learned, not what follows from it: thresholds are computed again.

use super::bound::{
    Bound,
    Bounds,
    NO_BOUNDS, //
};
use super::budget::{
    self,
    Budget, //
};
use super::detector::{
    Detector,
    Findings,
    Keep,
    Numbers,
    Observation,
    Subject, //
};
use super::detectors::{
    self,
    Memories,
    Sense,
    SECTION_HEAD, //
};
use super::deviation::Deviation;
use super::habit::Habit;
use super::items::Item;
use super::param::{
    Param,
    Values, //
};
use super::peers::{
    Line,
    Peers, //
};
use super::phase::{
    Learned,
    Period, //
};
use super::repertoire::Repertoire;
use super::running::Running;
use super::stats::MAX_COUNT;
use super::stretch::Stretch;
use super::stretches::Stretches;
use super::thresholds::Lines;
use super::total::Total;
use super::traffic::{
    Amounts,
    Traffic, //
};
use super::trial::{
    Score,
    Trial, //
};
use crate::paths::path;
use crate::wire::abi::Phase;
use crate::wire::image::{
    self,
    Kind, //
};
use crate::{
    Error,
    Result, //
};

/// Bytes between the header and the sections.
const HEAD: usize = 8 + 4 * budget::WORDS + 16 + Score::BYTES;

/// Bytes of the longest image of a profile.
pub const MAX_BYTES: usize = image::HEADER
    + HEAD
    + Memories::MAX_BYTES
    + SECTION_HEAD
    + <Repertoire<&mut [Item], &mut [u8]> as Keep>::MAX_BYTES;

// Words only, so that an image needs no padding.
const _: () = assert!(MAX_BYTES % 8 == 0);

/// How a cell is to learn; from its configuration.
///
/// # Examples
///
/// ```
/// use kis_core::sense::bound::NO_BOUNDS;
/// use kis_core::sense::budget::Budget;
/// use kis_core::sense::detector::{Findings, Observation};
/// use kis_core::sense::param::Param;
/// use kis_core::sense::profile::{Profile, Settings};
///
/// let settings = Settings {
///     learn_windows: 1,
///     hard: false,
///     budget: Budget::usual(1000),
///     bounds: NO_BOUNDS,
/// };
/// let mut profile = Profile::new();
/// let quiet = [3; Param::COUNT];
/// profile.learn(&Observation::Window { values: &quiet, processes: 1, start: false }, &settings);
/// let mut found = Findings::new();
/// let loud = [1 << 30; Param::COUNT];
/// profile.judge(&Observation::Window { values: &loud, processes: 1, start: false }, &settings, &mut found);
/// assert_eq!(found.crossings().count(), Param::COUNT);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Windows until it is ready.
    pub learn_windows: u32,
    /// Whether values beyond `bounds` are not learned.
    pub hard: bool,
    /// Where danger begins.
    pub budget: Budget,
    /// The officer's bounds.
    pub bounds: Bounds,
}

/// Of no cell: lines that are drawn from what was learned do not depend on what the officer wants.
static PLAIN: Settings = Settings {
    learn_windows: 0,
    hard: false,
    budget: Budget::None,
    bounds: NO_BOUNDS,
};

impl Settings {
    /// The detectors, as the officer wants them for this cell.
    pub fn senses(&self) -> [Sense<'_>; Sense::COUNT] {
        [
            Sense::Deviation(Deviation {
                guard: self.hard.then_some(&self.bounds),
            }),
            Sense::Stretches(Stretches),
            Sense::Peers(Peers),
            Sense::Bound(Bound {
                bounds: &self.bounds,
            }),
        ]
    }

    /// Whether hard tolerization keeps a window with these values from being learned whole.
    fn leaves_out(&self, values: &Values) -> bool {
        let mut each = values.iter().zip(&self.bounds);
        self.hard && each.any(|(value, bound)| bound.is_some_and(|bound| *value > bound))
    }
}

/// Whose profile it is. An image of another cell, program or build is not taken by accident.
///
/// # Examples
///
/// ```
/// use kis_core::sense::profile::Origin;
///
/// let nginx = Origin::of(b"web", b"/usr/sbin/nginx");
/// assert_ne!(nginx, Origin::of(b"web", b"/usr/sbin/apache2"));
/// assert_ne!(nginx, Origin::of(b"web2", b"/usr/sbin/nginx"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Hash of the cell's name and program; 0 for none.
    pub cell: u64,
    /// Hash of the program's bytes, which only user space knows; 0 for none.
    pub build: u64,
}

impl Origin {
    /// Nobody's.
    pub const NONE: Self = Self { cell: 0, build: 0 };

    /// That of a cell.
    pub fn of(name: &[u8], program: &[u8]) -> Self {
        let bytes = name.iter().chain(b"\0").chain(program);
        Self {
            cell: path::hash(bytes),
            build: 0,
        }
    }
}

/// The self of a cell.
///
/// # Invariants
///
/// No habit has learned more than `windows` values, and no stretches that have more windows. The
/// detectors have drawn their lines for `budget` when the phase is ready, else they have none and
/// `budget` is [`Budget::None`]. While it learns `running` has only windows that were learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Whose it is.
    pub origin: Origin,
    period: Period,
    budget: Budget,
    trial: Trial,
    memories: Memories,
    running: Running,
}

/// What adds up with a window that is over; `None` where there is no whole stretch.
fn sums(running: &Running, stretch: Stretch, seen: &Observation<'_>) -> Option<Values> {
    match seen {
        Observation::Window {
            values,
            processes: 1..,
            start: false,
        } => running.with(stretch, values),
        _ => None,
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::new()
    }
}

impl Profile {
    /// [`Profile::new`] as a constant, which a compiler copies to where it is wanted. A call would
    /// build it on the stack first.
    pub const EMPTY: Self = Self::new();

    /// Knows nothing, learns.
    pub const fn new() -> Self {
        // INVARIANT: nothing is learned.
        Self {
            origin: Origin::NONE,
            period: Period::new(),
            budget: Budget::None,
            trial: Trial::new(),
            memories: Memories::new(),
            running: Running::new(),
        }
    }

    /// Whether it learns or is ready.
    pub const fn phase(&self) -> Phase {
        self.period.phase()
    }

    /// Whether it is ready.
    pub const fn is_ready(&self) -> bool {
        self.period.is_ready()
    }

    /// Windows learned.
    pub const fn windows(&self) -> u32 {
        self.period.windows()
    }

    /// What was learned about `param`.
    pub const fn param(&self, param: Param) -> &Habit {
        self.memories.deviation.habit(param)
    }

    /// How the second half of learning looked to what the first one had taught.
    pub const fn score(&self) -> Score {
        self.trial.score()
    }

    /// The parameters that kept rising in the course of learning.
    pub fn rising(&self) -> impl Iterator<Item = Param> + '_ {
        Param::ALL
            .into_iter()
            .filter(|param| self.param(*param).rises(*param))
    }

    /// How many values of `param` were kept out of what was learned, as they were beyond its bound (hard
    /// tolerization).
    pub const fn kept_out(&self, param: Param) -> u32 {
        let habit = self.param(param);
        let learned = habit.estimator().n().saturating_add(habit.starts());
        self.windows().saturating_sub(learned)
    }

    /// The greatest load that was learned.
    pub const fn load(&self) -> u64 {
        self.memories.deviation.load()
    }

    /// The lines of `param`; never crossed while it learns.
    pub fn lines(&self, param: Param) -> Lines {
        self.memories.deviation.lines(param)
    }

    /// What was learned of what `param` adds up to; `None` for a window.
    pub fn total(&self, param: Param, stretch: Stretch) -> Option<&Total> {
        self.memories.stretches.total(param, stretch)
    }

    /// The lines of what `param` adds up to; never crossed while it learns.
    pub fn sum_lines(&self, param: Param, stretch: Stretch) -> Lines {
        self.memories.stretches.lines(param, stretch)
    }

    /// What was learned of the peer that was sent most.
    pub fn peer(&self, kind: Traffic) -> &Total {
        self.memories.peers.most(kind)
    }

    /// The line of what one peer is sent; never crossed while it learns.
    pub fn peer_line(&self, kind: Traffic) -> Line {
        self.memories.peers.line(kind)
    }

    /// What the lines were drawn for.
    pub const fn budget(&self) -> Budget {
        self.budget
    }

    /// Learns from a window that is over, unless it is ready; the last window needed makes it so.
    /// When it is ready too, the stretches go on.
    ///
    /// A window in which no process of the cell exists has nothing to teach and is not counted.
    pub fn learn(&mut self, seen: &Observation<'_>, settings: &Settings) -> Learned {
        if self.is_ready() {
            self.pass(seen);
            return Learned::Nothing;
        }
        let Observation::Window {
            values,
            processes: 1..,
            ..
        } = seen
        else {
            self.pass(seen);
            return Learned::Nothing;
        };
        let running = &self.running;
        self.trial
            .look(seen, |stretch| sums(running, stretch, seen));
        for sense in settings.senses() {
            sense.learn(&mut self.memories, seen);
        }
        if settings.leaves_out(values) {
            self.running.clear();
        } else {
            self.learn_stretches(seen, settings);
            self.pass(seen);
        }
        // INVARIANT: no habit learned more than one value.
        let learned = self.period.count(settings.learn_windows);
        if learned == Learned::Complete {
            self.complete(settings.budget);
        } else if self.windows() == settings.learn_windows / 2 {
            self.trial.begin(&self.memories, &settings.budget);
        }
        learned
    }

    /// Whether a window that is over is a part of stretches, those of peers too; else it ends them.
    pub fn goes_on(&self, seen: &Observation<'_>, settings: &Settings) -> bool {
        match seen {
            Observation::Window {
                values,
                processes: 1..,
                start: false,
            } => self.is_ready() || !settings.leaves_out(values),
            _ => false,
        }
    }

    /// Learns what peers were sent in a short stretch that ends with the window that is to be learned
    /// next, unless it is ready, or was reset meanwhile.
    pub fn learn_peers(&mut self, most: Amounts, total: Amounts, settings: &Settings) {
        let stretches = self.memories.peers.n().saturating_add(1);
        let windows = stretches.saturating_mul(Stretch::Short.windows());
        if self.is_ready() || windows > self.windows().saturating_add(1) {
            return;
        }
        // INVARIANT: just compared; the window is about to be counted.
        for sense in settings.senses() {
            sense.learn(&mut self.memories, &Observation::Peers { most, total });
        }
    }

    /// Learns the stretches that end with a window, where none before overlaps them.
    fn learn_stretches(&mut self, seen: &Observation<'_>, settings: &Settings) {
        for stretch in Stretch::SUMS {
            if !self.running.completes(stretch) {
                continue;
            }
            let Some(sums) = sums(&self.running, stretch, seen) else {
                continue;
            };
            // INVARIANT: of windows that none of those learned before had.
            let sums = &sums;
            for sense in settings.senses() {
                sense.learn(&mut self.memories, &Observation::Stretch { stretch, sums });
            }
        }
    }

    /// Goes on by a window that is over. One that says nothing ends all stretches.
    fn pass(&mut self, seen: &Observation<'_>) {
        match seen {
            Observation::Window {
                values,
                processes: 1..,
                start: false,
            } => self.running.push(values),
            Observation::Window { .. } => self.running.clear(),
            Observation::Stretch { .. } | Observation::Peers { .. } => {}
        }
    }

    /// Ends learning with what is known by now; when it is ready, draws the lines again.
    ///
    /// A profile from an image has the budget it was made with: call this to give it the cell's.
    pub fn complete(&mut self, budget: Budget) {
        self.budget = budget;
        self.trial.clear(self.score());
        for sense in PLAIN.senses() {
            sense.complete(&mut self.memories, &self.budget);
        }
        // INVARIANT: just drawn.
        self.period.end();
    }

    /// Holds a window that is over, and the stretches that end with it, against what was learned and
    /// what the officer wants.
    pub fn judge(&self, seen: &Observation<'_>, settings: &Settings, found: &mut Findings) {
        for sense in settings.senses() {
            sense.judge(&self.memories, seen, found);
        }
        if self.is_ready() {
            self.judge_stretches(seen, settings, found);
        }
    }

    fn judge_stretches(&self, seen: &Observation<'_>, settings: &Settings, found: &mut Findings) {
        for stretch in Stretch::SUMS {
            if let Some(sums) = &sums(&self.running, stretch, seen) {
                for sense in settings.senses() {
                    sense.judge(
                        &self.memories,
                        &Observation::Stretch { stretch, sums },
                        found,
                    );
                }
            }
        }
    }

    /// What is known about a subject.
    pub fn explain(&self, about: &Subject, settings: &Settings) -> Numbers {
        let mut numbers = Numbers::NONE;
        for sense in settings.senses() {
            sense.explain(&self.memories, about, &mut numbers);
        }
        numbers
    }

    /// Forgets all but whose it is, and learns again.
    pub fn reset(&mut self) {
        // INVARIANT: nothing is learned.
        self.period = Period::new();
        self.budget = Budget::None;
        self.trial.clear(Score::NONE);
        self.memories.clear();
        self.running.clear();
    }

    /// Writes the image, with a repertoire, and gives its length, at most [`MAX_BYTES`].
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] when `out` is too short.
    pub fn encode(&self, repertoire: &impl Keep, out: &mut [u8]) -> Result<usize> {
        let mut w = image::begin(out);
        w.u32(self.phase() as u32);
        w.u32(self.windows());
        for word in self.budget.to_words() {
            w.u32(word);
        }
        w.u64(self.origin.cell);
        w.u64(self.origin.build);
        self.score().write(&mut w);
        self.memories.write(&mut w);
        detectors::write(repertoire, &mut w);
        let len = w.finish();
        image::seal(out, Kind::Profile, len)
    }

    /// The profile that an image holds. For user space: it has 40 KiB on its stack.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] at the first byte that is wrong; [`Error::Limit`] for too many items or
    /// windows.
    #[cfg(not(CONFIG_RUST))]
    pub fn verify(image: &[u8], repertoire: &mut impl Keep) -> Result<Self> {
        let mut profile = Self::new();
        profile.restore(image, repertoire)?;
        Ok(profile)
    }

    /// Becomes what an image holds, and lets the repertoire become it, without a second profile on the
    /// stack.
    ///
    /// # Errors
    ///
    /// As [`Profile::verify`]; then the profile is as after [`Profile::reset`], and the repertoire
    /// is empty.
    pub fn restore(&mut self, image: &[u8], repertoire: &mut impl Keep) -> Result {
        let origin = self.origin;
        self.reset();
        let restored = self.read(image, repertoire);
        if restored.is_err() {
            repertoire.clear();
            self.reset();
            self.origin = origin;
        }
        restored
    }

    /// Reads an image into an empty profile, which is left anyhow on errors.
    fn read(&mut self, image: &[u8], repertoire: &mut impl Keep) -> Result {
        let mut r = image::open(image, Kind::Profile)?;
        let (at, mut head) = (r.offset(), [0u32; 2 + budget::WORDS]);
        for word in &mut head {
            *word = r
                .u32()
                .ok_or(Error::malformed(at, "profile is too short"))?;
        }
        let short = Error::malformed(r.offset(), "profile is too short");
        self.origin = Origin {
            cell: r.u64().ok_or(short)?,
            build: r.u64().ok_or(short)?,
        };
        let trial_at = r.offset();
        let [phase, windows, words @ ..] = head;
        let phase = u16::try_from(phase).ok().and_then(Phase::from_u16);
        let phase = phase.ok_or(Error::malformed(at, "phase of the profile"))?;
        // One that learns has no budget, and one that is ready has one.
        let budget = Budget::from_words(words)
            .filter(|budget| (*budget == Budget::None) == (phase == Phase::Learning))
            .ok_or(Error::malformed(at + 8, "budget of a profile"))?;
        let period = Period::from_parts(phase, windows);
        self.period = period.ok_or(Error::limit("windows of a profile", MAX_COUNT))?;
        let score = Score::read(&mut r, windows);
        // INVARIANT: `windows` is at most MAX_COUNT.
        self.trial
            .clear(score.ok_or(Error::malformed(trial_at, "trial of a profile"))?);
        // INVARIANT: each habit is held against `windows`.
        self.memories.read(&mut r, windows)?;
        detectors::read(repertoire, &mut r, windows)?;
        image::finish(r, image.len())?;
        if phase == Phase::Ready {
            self.complete(budget);
        }
        Ok(())
    }
}

// In user space only: what they hold is larger than a stack of the kernel.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sense::class::{
        Class,
        Domain, //
    };
    use crate::sense::detector::window;

    static EMPTY: Profile = Profile::new();

    fn settings(hard: bool) -> Settings {
        let mut bounds = NO_BOUNDS;
        bounds[0] = Some(100);
        Settings {
            learn_windows: 3,
            hard,
            budget: Budget::Deviations {
                one_q16: 3 << 16,
                two_q16: 6 << 16,
            },
            bounds,
        }
    }

    #[test]
    fn profile_is_ready_after_its_windows() {
        let mut p = EMPTY;
        let settings = settings(false);
        let mut learn = |seen: &Observation<'_>| p.learn(seen, &settings);
        assert_eq!(learn(&window(&[1; Param::COUNT], 1)), Learned::More);
        assert_eq!(learn(&window(&[2; Param::COUNT], 1)), Learned::More);
        assert_eq!(learn(&window(&[3; Param::COUNT], 1)), Learned::Complete);
        assert_eq!(learn(&window(&[9; Param::COUNT], 1)), Learned::Nothing);
        assert!(p.is_ready());
        assert_eq!(p.param(Param::Execs).peak(), 3);
        // mean 2, deviation 0.82, floor 1: 2 + 2.45 rounded up, + 1.
        assert_eq!(p.lines(Param::Execs).usual.one(), 6);
        p.reset();
        assert!(p == EMPTY);
    }

    #[test]
    fn judge_while_learning_knows_bounds_only() {
        let mut p = EMPTY;
        let settings = settings(false);
        let mut found = Findings::new();
        for _ in 0..3 {
            found.clear();
            p.judge(&window(&[u64::MAX; Param::COUNT], 1), &settings, &mut found);
            assert!(found.crossings().all(|c| c.param == Param::CpuUs));
            assert_eq!(found.crossings().count(), 1);
            p.learn(&window(&[1; Param::COUNT], 1), &settings);
        }
        p.judge(&window(&[u64::MAX; Param::COUNT], 1), &settings, &mut found);
        assert_eq!(found.crossings().count(), Param::COUNT);
    }

    #[test]
    fn window_without_a_process_is_held_against_bounds_only() {
        let mut p = EMPTY;
        let settings = settings(false);
        let idle = Observation::Window {
            values: &[u64::MAX; Param::COUNT],
            processes: 0,
            start: false,
        };
        assert_eq!(p.learn(&idle, &settings), Learned::Nothing);
        assert!(p == EMPTY);
        for _ in 0..3 {
            p.learn(&window(&[1; Param::COUNT], 1), &settings);
        }
        let mut found = Findings::new();
        p.judge(&idle, &settings, &mut found);
        assert!(found.crossings().all(|c| c.param == Param::CpuUs));
        assert_eq!(found.crossings().count(), 1);
    }

    #[test]
    fn explain_gives_lines_that_are_in_force() {
        let mut p = EMPTY;
        let settings = settings(false);
        let ask = |p: &Profile, param| p.explain(&Subject::Param(param), &settings);
        p.learn(&window(&[2; Param::COUNT], 1), &settings);
        let numbers = ask(&p, Param::CpuUs);
        assert_eq!((numbers.mean, numbers.n, numbers.bound), (2 << 16, 1, 100));
        assert_eq!(numbers.lines, Lines::NEVER);
        p.complete(Budget::Deviations {
            one_q16: 0,
            two_q16: 0,
        });
        let numbers = ask(&p, Param::Execs);
        let lines = numbers.lines.usual;
        assert_eq!((lines.one(), lines.two(), numbers.bound), (3, 4, u64::MAX));
    }

    #[test]
    fn hard_learning_leaves_out_what_is_beyond_a_bound() {
        for (hard, peak, n) in [(false, 500, 2), (true, 100, 1)] {
            let mut p = EMPTY;
            p.learn(&window(&[100; Param::COUNT], 1), &settings(hard));
            p.learn(&window(&[500; Param::COUNT], 1), &settings(hard));
            assert_eq!(p.param(Param::CpuUs).peak(), peak);
            assert_eq!(p.param(Param::CpuUs).estimator().n(), n);
            assert_eq!(p.param(Param::RssKib).estimator().n(), 2);
            assert_eq!(p.windows(), 2);
            assert_eq!(p.kept_out(Param::CpuUs), u32::from(hard));
            assert_eq!(p.kept_out(Param::RssKib), 0);
        }
    }

    /// What files opened add up to, where it is too much: in a short and in a long stretch that end
    /// with a window.
    fn over(p: &mut Profile, seen: &Observation<'_>, settings: &Settings) -> [Option<u64>; 2] {
        let mut found = Findings::new();
        p.judge(seen, settings, &mut found);
        p.learn(seen, settings);
        Stretch::SUMS.map(|stretch| {
            let mut sums = found.crossings().filter(|c| c.stretch == stretch);
            sums.find(|c| c.param == Param::FilesOpened)
                .map(|c| c.observed)
        })
    }

    /// A window in which only files were opened, so that there is no load.
    fn opened(files: u64) -> Values {
        let mut values = [0; Param::COUNT];
        values[Param::FilesOpened.index()] = files;
        values
    }

    fn calm(windows: u32) -> Settings {
        Settings {
            learn_windows: windows,
            hard: false,
            budget: Budget::usual(1000),
            bounds: NO_BOUNDS,
        }
    }

    #[test]
    fn what_no_window_shows_a_stretch_does() {
        let mut p = EMPTY;
        let settings = calm(1800);
        // Ten files in every fifth window.
        let values = |n: u32| opened(if n % 5 == 0 { 10 } else { 0 });
        for n in 0..1800 {
            p.learn(&window(&values(n), 1), &settings);
        }
        let counts = Stretch::SUMS.map(|s| p.total(Param::FilesOpened, s).map_or(0, Total::n));
        assert_eq!(counts, [60, 3]);
        for n in 0..1800 {
            let found = over(&mut p, &window(&values(n), 1), &settings);
            assert_eq!(found, [None; 2]);
        }
        // Five in each: fewer than ten in any window, and 2.5 times as many in all.
        let mut first = [None; 2];
        for n in 1..=600 {
            let found = over(&mut p, &window(&opened(5), 1), &settings);
            for (first, sum) in first.iter_mut().zip(found) {
                *first = first.or(sum.map(|sum| (n, sum)));
            }
        }
        // Twice the peak of 60 and six steps of 4; twice 1200 and 25 steps.
        assert_eq!(first, [Some((29, 145)), Some((450, 2550))]);
    }

    #[test]
    fn no_stretch_goes_over_a_window_that_says_nothing() {
        let mut bounds = NO_BOUNDS;
        bounds[0] = Some(100);
        for (gap, hard, want) in [
            ((9, 1, false), false, 4),
            ((9, 0, false), false, 3),
            ((9, 1, true), false, 3),
            ((101, 1, false), false, 4),
            ((101, 1, false), true, 3),
        ] {
            let mut p = EMPTY;
            let settings = Settings {
                hard,
                bounds,
                ..calm(1000)
            };
            let (gap, processes, start) = gap;
            for n in 0..120 {
                let is_gap = n == 59;
                let mut values = opened(9);
                values[Param::CpuUs.index()] = if is_gap { gap } else { 9 };
                let seen = Observation::Window {
                    values: &values,
                    processes: if is_gap { processes } else { 1 },
                    start: is_gap && start,
                };
                p.learn(&seen, &settings);
            }
            let total = p.total(Param::Execs, Stretch::Short);
            // Of 120 windows 59 and 60 are left.
            assert_eq!(total.map(Total::n), Some(want));
            p.complete(settings.budget);
            let (quiet, loud) = (opened(9), opened(5000));
            // Judged neither, until there is a whole one again.
            let mut found = |values, processes| {
                let [short, long] = over(&mut p, &window(values, processes), &settings);
                assert_eq!(long, None);
                short
            };
            assert_eq!(found(&loud, 1), Some(5000 + 29 * 9));
            assert_eq!(found(&loud, 0), None);
            for _ in 1..30 {
                assert_eq!(found(&loud, 1), None);
            }
            assert_eq!(found(&quiet, 1), Some(29 * 5000 + 9));
        }
    }

    #[test]
    fn image_without_room_or_with_damage_is_refused() {
        let (mut room, mut names) = ([Item::NONE; 2], [0u8; 8]);
        let (mut room2, mut names2) = ([Item::NONE; 2], [0u8; 8]);
        let mut self_ = Repertoire::new(&mut room[..], &mut names[..]);
        let mut other = Repertoire::new(&mut room2[..], &mut names2[..]);
        self_.accept(Class::Peer, Domain::Root, b"unix /x");
        let mut out = [0u8; 4096];
        let p = EMPTY;
        assert!(p.encode(&self_, &mut out[..100]).is_err());
        let len = p.encode(&self_, &mut out).unwrap_or(0);
        assert_eq!(
            len,
            image::HEADER
                + HEAD
                + 8
                + 8
                + 104 * Param::COUNT
                + 8
                + 2 * (16 + 32 * 11)
                + 8
                + (8 + 2 * 48)
                + 8
                + self_.bytes()
        );
        let image = out.get_mut(..len).unwrap_or_default();
        let mut q = EMPTY;
        assert_eq!(q.restore(image, &mut other), Ok(()));
        assert!(other.items().has(Class::Peer, Domain::Root, b"unix /x"));
        // The length of the first section.
        if let Some(byte) = image.get_mut(76) {
            *byte ^= 1;
        }
        assert!(q.restore(image, &mut other).is_err());
        image::reseal(image);
        assert!(matches!(
            q.restore(image, &mut other),
            Err(Error::Malformed(place)) if place.offset == 72
        ));
        assert!(other.items().is_empty());
    }
}
