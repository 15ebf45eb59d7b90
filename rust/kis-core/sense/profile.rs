// SPDX-License-Identifier: GPL-2.0

//! The self of a cell: what is normal for it.
//!
//! A state machine of two phases. While learning, each window's values go into the estimators and
//! each directory into the set; after `learn_windows` windows the thresholds are computed once and
//! the phase is ready. Hard tolerization does not learn a value beyond the officer's bound, so that
//! an attacker cannot train the cell past it; the other values of that window are learned.
//!
//! About 3 KiB: keep it on the heap. Floor 0, pure; the caller serialises writers.
//!
//! # Image
//!
//! Behind the [header](crate::wire::image):
//!
//! | type | field |
//! |---|---|
//! | u32 | phase |
//! | u32 | windows learned |
//! | u32 | number of parameters, [`Param::COUNT`] |
//! | u32 | number of directories |
//! | u32 | 1 if a directory found no room, else 0 |
//! | u32, u32 | the factors `k_one` and `k_two` of the thresholds, 16 fractional bits |
//! | u32 | 0 |
//! | each parameter | u32 n, u32 0, u64 sum, u128 sum of squares, u64 peak |
//! | each directory | u64 hash, rising strictly |
//!
//! The image is what was learned, not what follows from it: thresholds are computed again.

use crate::paths::dirs::{
    Dirs,
    Inserted, //
};
use crate::sense::param::{
    Param,
    Values, //
};
use crate::sense::stats::{
    Estimator,
    Thresholds,
    MAX_COUNT, //
};
use crate::sense::window::{
    AllThresholds,
    Bounds, //
};
use crate::wire::abi::{
    Phase,
    MAX_DIRS, //
};
use crate::wire::bytes::{
    index,
    Reader, //
};
use crate::wire::image::{
    self,
    Kind, //
};
use crate::{
    Error,
    Result, //
};

/// Bytes of the longest image of a profile.
pub const MAX_BYTES: usize = image::HEADER + 32 + 40 * Param::COUNT + 8 * MAX_DIRS;

/// How a cell is to learn; from its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Windows until it is ready.
    pub learn_windows: u32,
    /// Whether values beyond `bounds` are not learned.
    pub hard: bool,
    /// Factor of threshold one, 16 fractional bits.
    pub k_one_q16: u32,
    /// Factor of threshold two, 16 fractional bits.
    pub k_two_q16: u32,
    /// The officer's bounds.
    pub bounds: Bounds,
}

/// What a window did to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// It was learned, more are needed.
    More,
    /// It was the last one: the cell is ready now.
    Complete,
    /// Nothing: the cell was ready before.
    Nothing,
}

/// The self of a cell.
///
/// # Invariants
///
/// No estimator has learned more than `windows` values. The thresholds are those of the estimators
/// when the phase is ready, else never crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    phase: Phase,
    windows: u32,
    k_one_q16: u32,
    k_two_q16: u32,
    params: [Estimator; Param::COUNT],
    thresholds: AllThresholds,
    dirs: Dirs,
}

impl Default for Profile {
    fn default() -> Self {
        Self::new()
    }
}

impl Profile {
    /// Knows nothing, learns.
    pub const fn new() -> Self {
        // INVARIANT: nothing is learned.
        Self {
            phase: Phase::Learning,
            windows: 0,
            k_one_q16: 0,
            k_two_q16: 0,
            params: [Estimator::new(); Param::COUNT],
            thresholds: [Thresholds::NEVER; Param::COUNT],
            dirs: Dirs::new(),
        }
    }

    /// Whether it learns or is ready.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether it is ready.
    pub const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready)
    }

    /// Windows learned.
    pub const fn windows(&self) -> u32 {
        self.windows
    }

    /// What was learned about `param`.
    pub fn param(&self, param: Param) -> Estimator {
        self.params.get(param.index()).copied().unwrap_or_default()
    }

    /// The thresholds of `param`; never crossed while it learns.
    pub fn threshold(&self, param: Param) -> Thresholds {
        let found = self.thresholds.get(param.index()).copied();
        found.unwrap_or(Thresholds::NEVER)
    }

    /// All thresholds, once it is ready.
    pub fn thresholds(&self) -> Option<&AllThresholds> {
        self.is_ready().then_some(&self.thresholds)
    }

    /// The directories learned.
    pub const fn dirs(&self) -> &Dirs {
        &self.dirs
    }

    /// Learns a directory ([`crate::paths::path::hash`]), unless it is ready.
    pub fn learn_dir(&mut self, hash: u64) -> Inserted {
        if self.is_ready() {
            return Inserted::Known;
        }
        self.dirs.insert(hash)
    }

    /// Learns the values of a window; the last one needed makes the profile ready.
    pub fn learn(&mut self, values: &Values, settings: &Settings) -> Learned {
        if self.is_ready() {
            return Learned::Nothing;
        }
        let each = self.params.iter_mut().zip(values).zip(&settings.bounds);
        for ((estimator, value), bound) in each {
            let beyond = bound.is_some_and(|bound| *value > bound);
            if !(settings.hard && beyond) {
                estimator.learn(*value);
            }
        }
        // INVARIANT: no estimator learned more than one value.
        self.windows = self.windows.saturating_add(1);
        if self.windows < settings.learn_windows.min(MAX_COUNT) {
            return Learned::More;
        }
        self.complete(settings.k_one_q16, settings.k_two_q16);
        Learned::Complete
    }

    /// Ends learning with what is known by now; when it is ready, computes the thresholds again.
    ///
    /// A profile from an image has the factors it was made with: call this to give it the cell's.
    pub fn complete(&mut self, k_one_q16: u32, k_two_q16: u32) {
        self.k_one_q16 = k_one_q16;
        self.k_two_q16 = k_two_q16;
        let each = self.thresholds.iter_mut().zip(&self.params);
        for ((thresholds, estimator), param) in each.zip(Param::ALL) {
            *thresholds = estimator.thresholds(k_one_q16, k_two_q16, param.floor());
        }
        // INVARIANT: just computed.
        self.phase = Phase::Ready;
    }

    /// Forgets all and learns again.
    pub fn reset(&mut self) {
        // INVARIANT: nothing is learned.
        self.phase = Phase::Learning;
        self.windows = 0;
        self.k_one_q16 = 0;
        self.k_two_q16 = 0;
        self.params.fill(Estimator::new());
        self.thresholds.fill(Thresholds::NEVER);
        self.dirs.clear();
    }

    /// Writes the image and gives its length, at most [`MAX_BYTES`].
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] when `out` is too short.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize> {
        let mut w = image::begin(out);
        w.u32(self.phase as u32);
        w.u32(self.windows);
        w.u32(Param::COUNT as u32);
        w.u32(self.dirs.len() as u32);
        w.u32(u32::from(self.dirs.is_overflowed()));
        w.u32(self.k_one_q16);
        w.u32(self.k_two_q16);
        w.u32(0);
        for estimator in &self.params {
            w.u32(estimator.n());
            w.u32(0);
            w.u64(estimator.sum());
            w.u128(estimator.squares());
            w.u64(estimator.peak());
        }
        for hash in self.dirs.hashes() {
            w.u64(*hash);
        }
        let len = w.finish();
        image::seal(out, Kind::Profile, len)
    }

    /// The profile that an image holds.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] at the first byte that is wrong; [`Error::Limit`] for too many
    /// directories.
    pub fn verify(image: &[u8]) -> Result<Self> {
        let mut profile = Self::new();
        profile.restore(image)?;
        Ok(profile)
    }

    /// Becomes what an image holds, without a second profile on the stack.
    ///
    /// # Errors
    ///
    /// As [`Profile::verify`]; then the profile is as after [`Profile::reset`].
    pub fn restore(&mut self, image: &[u8]) -> Result {
        self.reset();
        let restored = self.read(image);
        if restored.is_err() {
            self.reset();
        }
        restored
    }

    /// Reads an image into an empty profile, which is left anyhow on errors.
    fn read(&mut self, image: &[u8]) -> Result {
        let mut r = image::open(image, Kind::Profile)?;
        let (at, mut head) = (r.offset(), [0u32; 8]);
        for word in &mut head {
            *word = r
                .u32()
                .ok_or(Error::malformed(at, "profile is too short"))?;
        }
        let [phase, windows, params, dirs, overflowed, k_one_q16, k_two_q16, reserved] = head;
        if params != Param::COUNT as u32 {
            return Err(Error::malformed(at + 8, "number of parameters"));
        }
        if index(dirs) > MAX_DIRS {
            return Err(Error::limit("directories of a profile", MAX_DIRS as u32));
        }
        if windows > MAX_COUNT {
            return Err(Error::limit("windows of a profile", MAX_COUNT));
        }
        if overflowed > 1 || reserved != 0 {
            return Err(Error::malformed(at + 16, "flags of the profile"));
        }
        self.windows = windows;
        for estimator in &mut self.params {
            let at = r.offset();
            let read = read_estimator(&mut r).filter(|e| e.n() <= windows);
            *estimator = read.ok_or(Error::malformed(at, "sums of a parameter"))?;
        }
        let mut last = None;
        for _ in 0..dirs {
            let at = r.offset();
            let hash = r.u64().filter(|hash| last.is_none_or(|last| last < *hash));
            let hash = hash.ok_or(Error::malformed(at, "directory of a profile"))?;
            self.dirs.insert(hash);
            last = Some(hash);
        }
        self.dirs.set_overflowed(overflowed == 1);
        image::finish(r, image.len())?;
        // INVARIANT: windows was compared above; `complete()` computes the thresholds.
        match u16::try_from(phase).ok().and_then(Phase::from_u16) {
            Some(Phase::Learning) if k_one_q16 == 0 && k_two_q16 == 0 => Ok(()),
            Some(Phase::Ready) => {
                self.complete(k_one_q16, k_two_q16);
                Ok(())
            }
            _ => Err(Error::malformed(at, "phase of the profile")),
        }
    }
}

/// The next estimator, if it can be one.
fn read_estimator(r: &mut Reader<'_>) -> Option<Estimator> {
    let n = r.u32()?;
    if r.u32()? != 0 {
        return None;
    }
    Estimator::from_sums(n, r.u64()?, r.u128()?, r.u64()?)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_profile))]
mod tests {
    use super::*;
    use crate::sense::window::NO_BOUNDS;

    // 3 KiB each, too much for a frame.
    static EMPTY: Profile = Profile::new();

    fn settings(hard: bool) -> Settings {
        let mut bounds = NO_BOUNDS;
        bounds[0] = Some(100);
        Settings {
            learn_windows: 3,
            hard,
            k_one_q16: 3 << 16,
            k_two_q16: 6 << 16,
            bounds,
        }
    }

    #[test]
    fn profile_is_ready_after_its_windows() {
        let mut p = EMPTY.clone();
        let settings = settings(false);
        assert!(p.thresholds().is_none());
        assert_eq!(p.learn(&[1; Param::COUNT], &settings), Learned::More);
        assert_eq!(p.learn_dir(9), Inserted::New);
        assert_eq!(p.learn(&[2; Param::COUNT], &settings), Learned::More);
        assert_eq!(p.learn(&[3; Param::COUNT], &settings), Learned::Complete);
        assert_eq!(p.learn(&[9; Param::COUNT], &settings), Learned::Nothing);
        assert_eq!(p.learn_dir(10), Inserted::Known);
        assert!(!p.dirs().contains(10));
        assert!(p.is_ready() && p.thresholds().is_some());
        assert_eq!(p.param(Param::Execs).peak(), 3);
        // mean 2, deviation 0.82, floor 1: 2 + 2.45 rounded up, + 1.
        assert_eq!(p.threshold(Param::Execs).one(), 6);
        p.reset();
        assert!(p == EMPTY);
    }

    #[test]
    fn hard_learning_leaves_out_what_is_beyond_a_bound() {
        for (hard, peak, n) in [(false, 500, 2), (true, 100, 1)] {
            let mut p = EMPTY.clone();
            p.learn(&[100; Param::COUNT], &settings(hard));
            p.learn(&[500; Param::COUNT], &settings(hard));
            assert_eq!(p.param(Param::CpuUs).peak(), peak);
            assert_eq!(p.param(Param::CpuUs).n(), n);
            assert_eq!(p.param(Param::RssKib).n(), 2);
            assert_eq!(p.windows(), 2);
        }
    }

    #[test]
    fn image_without_room_or_with_damage_is_refused() {
        let mut out = [0u8; 700];
        let mut p = EMPTY.clone();
        p.learn_dir(4);
        assert!(p.encode(&mut out[..100]).is_err());
        let len = p.encode(&mut out).unwrap_or(0);
        assert_eq!(len, image::HEADER + 32 + 40 * Param::COUNT + 8);
        let image = out.get_mut(..len).unwrap_or_default();
        let mut q = EMPTY.clone();
        assert_eq!(q.restore(image), Ok(()));
        assert_eq!(q.dirs().len(), 1);
        if let Some(byte) = image.get_mut(40) {
            *byte ^= 1;
        }
        assert!(q.restore(image).is_err());
        image::reseal(image);
        assert!(matches!(
            q.restore(image),
            Err(Error::Malformed(place)) if place.offset == 40
        ));
        assert!(q.dirs().is_empty());
    }
}
