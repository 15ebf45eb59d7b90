// SPDX-License-Identifier: GPL-2.0

//! The cells as the officer configured them: an image made by kisctl, walked by the kernel.
//!
//! [`Cells::verify`] is the gate: it looks at every byte, in linear time, without trust in kisctl
//! or in the image's sum. What it returns can be walked without failure. Floor 0, pure.
//!
//! # Image
//!
//! Behind the [header](crate::wire::image), little endian:
//!
//! | bytes | field |
//! |---|---|
//! | 4, 4, 4, 4, 4, 4 | number of cells, of bounds, of prefixes, of expected patterns, bytes of strings, of settings for scans (0 or 1) |
//! | 8, if there are any | settings for scans: u8 targets within 10 s, 10 min, 6 h, u8 0, u32 seconds that a source is banned ([`Limits`]) |
//! | 120 each | cells |
//! | 16 each | bounds: u32 [`Param`], u32 0, u64 greatest value that is fine |
//! | 8 each | prefixes: u32 offset and length of a string |
//! | 12 each | expected patterns: u32 [`Class`](crate::sense::class::Class), u32 offset and length of a string |
//! | | strings, without NUL; then zeros up to whole 8 bytes |
//!
//! A cell:
//!
//! | offset | field |
//! |---|---|
//! | 0, 8, 16 | name, program, pattern of arguments: u32 offset and length of a string |
//! | 24 | u32 [`CellMode`](crate::wire::abi::CellMode) |
//! | 28 | u32 flags: 1 hard, 2 learns directories, 4 kills connections, 8 budget of alarms, 16 sessions |
//! | 32, 36 | u32 window in ms, windows to learn |
//! | 40, 44 | u32 factors of the deviation, or alarms of danger one a day and of two a month; 16 fractional bits |
//! | 48, 52 | u32 ms that danger one, two stay up |
//! | 56, 60 | u32 seconds that a peer is banned, set of the classes (bit of its number) that have a list of what is expected |
//! | 64, 72 | u64 forbidden operations, operations denied in danger |
//! | 80 | bounds: u32 first and number |
//! | 88 | prefixes for reading, writing, executing: u32 first and number each |
//! | 112 | expected patterns: u32 first and number; only with flags hard and learns |
//!
//! There is one image for one configuration: strings are in the order in which the fields above
//! name them (all of cell 0, of cell 1, …, then the prefixes, then the patterns), bounds, prefixes and
//! patterns in the order of the cells, without gaps, the bounds of a cell rising by parameter, its patterns
//! by class. So nothing can hide, overlap,
//! or be read in two ways. No field depends on how many parameters there are.

mod cell;
pub mod credit;
pub mod danger;
pub mod expected;
pub mod handle;
pub mod lineage;
pub mod program;
pub mod ration;
pub mod spec;
mod verify;

use crate::matching::scans::limits::Limits;
use crate::paths::glob;
use crate::wire::bytes::{
    index,
    u32_at, //
};
use crate::wire::image::HEADER;
use crate::Result;

pub use cell::{
    Access,
    Cell,
    Prefixes, //
};
pub use expected::Expected;
pub use spec::{
    encode,
    encode_with,
    room,
    CellSpec, //
};

/// Shortest and longest window, ms. Shorter ones hold too few events to say anything.
pub const WINDOW_MS: (u32, u32) = (100, 60_000);
/// Fewest and most windows to learn.
pub const LEARN_WINDOWS: (u32, u32) = (1, 100_000);
/// Smallest and greatest factor of the deviation, 16 fractional bits: up to 1024.
pub const K_Q16: (u32, u32) = (0, 1024 << 16);
/// Shortest and longest time that a danger signal stays up, ms: up to a day.
pub const HOLD_MS: (u32, u32) = (1, 86_400_000);
/// Longest ban, seconds: 30 days. Bans are leases; 0 is no ban.
pub const MAX_BAN_S: u32 = 30 * 86_400;

/// Bytes of the counts behind the header.
const COUNTS: usize = 24;
/// Bytes of a cell.
const CELL: usize = 120;
/// Bytes of a bound.
const BOUND: usize = 16;
/// Bytes of a prefix.
const PREFIX: usize = 8;
/// Bytes of an expected pattern.
const EXPECTED: usize = 12;
/// Bytes of the settings for scans.
pub const SCANS: usize = 8;
/// Where the settings for scans are, or the cells begin.
const COUNTS_END: usize = HEADER + COUNTS;

/// Flag: hard tolerization.
const HARD: u32 = 1 << 0;
/// Flag: learns directories.
const LEARN: u32 = 1 << 1;
/// Flag: resets connections.
const KILL: u32 = 1 << 2;
/// Flag: thresholds are for a budget of alarms, not a number of deviations.
const ALARMS: u32 = 1 << 3;
/// Flag: what it starts for people is theirs.
const SESSIONS: u32 = 1 << 4;

/// Offsets in a cell; see the head of the file.
mod at {
    pub(super) const NAME: usize = 0;
    pub(super) const PROGRAM: usize = 8;
    pub(super) const ARGUMENTS: usize = 16;
    pub(super) const MODE: usize = 24;
    pub(super) const FLAGS: usize = 28;
    pub(super) const WINDOW_MS: usize = 32;
    pub(super) const LEARN_WINDOWS: usize = 36;
    pub(super) const LIMIT_ONE: usize = 40;
    pub(super) const LIMIT_TWO: usize = 44;
    pub(super) const HOLD_ONE: usize = 48;
    pub(super) const HOLD_TWO: usize = 52;
    pub(super) const BAN_S: usize = 56;
    pub(super) const EXPECTED_CLASSES: usize = 60;
    pub(super) const FORBID: usize = 64;
    pub(super) const DENY: usize = 72;
    pub(super) const BOUNDS: usize = 80;
    pub(super) const TREES: usize = 88;
    pub(super) const EXPECTED: usize = 112;
}

const _: () = assert!(at::TREES + 8 * Access::ALL.len() == at::EXPECTED);
const _: () = assert!(at::EXPECTED + 8 == CELL);

/// Whether a cell may have this name: 1 to 31 of `a-z`, `0-9`, `_` and `-`.
pub fn is_name(name: &[u8]) -> bool {
    verify::is_name(name)
}

/// A verified image of cells.
///
/// # Invariants
///
/// `verify::image()` has accepted `bytes`, and `view` is what it returned.
///
/// # Examples
///
/// ```
/// use kis_core::cells::{encode, room, CellSpec, Cells};
///
/// let mut spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
/// spec.arguments = b"*:6379";
/// let mut image = vec![0; room(&[spec])];
/// let len = encode(&[spec], &mut image)?;
/// let cells = Cells::verify(&image[..len])?;
/// let (number, cell) = cells
///     .of_process(b"/usr/bin/redis-server", b"127.0.0.1:6379")
///     .expect("its cell");
/// assert_eq!((number, cell.name()), (0, &b"redis"[..]));
/// assert!(Cells::verify(&image[..len - 8]).is_err());
/// # Ok::<(), kis_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cells<B> {
    bytes: B,
    view: View,
}

/// Where the parts of an image are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct View {
    /// The settings for scans.
    scans: Option<Limits>,
    /// Number of cells.
    cells: u32,
    /// Where the cells begin.
    cells_at: usize,
    /// Where the bounds begin.
    bounds_at: usize,
    /// Where the prefixes begin.
    prefixes_at: usize,
    /// Where the expected patterns begin.
    expected_at: usize,
    /// Where the strings begin.
    strings_at: usize,
}

impl<B: AsRef<[u8]>> Cells<B> {
    /// Checks an image.
    ///
    /// `bytes` has to give the same slice each time, as owned and borrowed buffers do; if it does
    /// not, walking gives nonsense, but stays within the slice.
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::Error::Malformed) with the place of the first fault, or
    /// [`Limit`](crate::Error::Limit).
    pub fn verify(bytes: B) -> Result<Self> {
        let view = verify::image(bytes.as_ref())?;
        // INVARIANT: just verified.
        Ok(Self { bytes, view })
    }

    /// How many cells there are, at most [`MAX_CELLS`](crate::wire::abi::MAX_CELLS).
    pub fn len(&self) -> usize {
        index(self.view.cells)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.view.cells == 0
    }

    /// The cell at `i`, from 0.
    pub fn get(&self, i: usize) -> Option<Cell<'_>> {
        if i >= self.len() {
            return None;
        }
        let at = i.checked_mul(CELL)?.checked_add(self.view.cells_at)?;
        let cell = self.bytes.as_ref().get(at..)?.get(..CELL)?;
        Some(Cell {
            image: self.bytes.as_ref(),
            view: self.view,
            cell,
        })
    }

    /// From how many targets on it is a scan; `None` where nobody looks for scans.
    pub fn scans(&self) -> Option<Limits> {
        self.view.scans
    }

    /// All cells.
    pub fn iter(&self) -> impl Iterator<Item = Cell<'_>> {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    /// The cell with this name and its number from 0.
    pub fn find(&self, name: &[u8]) -> Option<(usize, Cell<'_>)> {
        self.first(|cell| cell.name() == name)
    }

    /// The first cell that a process is in, and its number from 0: by the path of its program and
    /// its arguments, joined by spaces, without the first.
    pub fn of_process(&self, program: &[u8], arguments: &[u8]) -> Option<(usize, Cell<'_>)> {
        self.first(|cell| cell.program() == program && glob::matches(cell.arguments(), arguments))
    }

    /// The first cell for which `is_it` says yes, and its number from 0.
    fn first(&self, is_it: impl Fn(&Cell<'_>) -> bool) -> Option<(usize, Cell<'_>)> {
        (0..self.len()).find_map(|i| Some((i, self.get(i).filter(&is_it)?)))
    }

    /// The image.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// The string whose offset and length are at `at` of `words`.
#[inline]
fn string<'a>(image: &'a [u8], strings_at: usize, words: &[u8], at: usize) -> Option<&'a [u8]> {
    let start = strings_at.checked_add(index(u32_at(words, at)?))?;
    let len = index(u32_at(words, at.checked_add(4)?)?);
    image.get(start..)?.get(..len)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_cells))]
mod tests {
    use super::*;
    use crate::judge::finding::Place;
    use crate::sense::budget::Budget;
    use crate::sense::class::{
        Class,
        ClassSet, //
    };
    use crate::sense::param::Param;
    use crate::wire::abi::{
        CellMode,
        Op,
        OpSet, //
    };
    use crate::wire::image;

    const PATHS: &[&[u8]] = &[b"/var/lib/redis", b"/tmp"];
    const PEERS: &[(Class, &[u8])] = &[
        (Class::Peer, b"tcp 10.0.0.5:*"),
        (Class::Peer, b"unix /run/x"),
    ];

    fn redis() -> CellSpec<'static> {
        let mut spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
        spec.arguments = b"*:6379";
        spec.mode = CellMode::Enforce;
        spec.bounds[3] = Some(0);
        spec.bounds[12] = Some(u64::MAX);
        spec.trees[1] = PATHS;
        spec.deny = OpSet::EMPTY.with(Op::Exec);
        spec.ban_s = 60;
        (spec.hard, spec.learn) = (true, true);
        spec.expected_classes = ClassSet::EMPTY.with(Class::Program).with(Class::Peer);
        spec.expected = PEERS;
        spec
    }

    #[test]
    fn cells_give_back_what_was_encoded() {
        let mut out = [0u8; 960];
        let web = CellSpec::new(b"web-1", b"/usr/sbin/nginx");
        let len = encode(&[redis(), web], &mut out);
        assert!(len.is_ok());
        let cells = Cells::verify(out.get(..len.unwrap_or(0)).unwrap_or_default());
        assert!(cells.is_ok());
        let Ok(cells) = cells else { return };
        assert_eq!(cells.len(), 2);
        assert!(cells.get(2).is_none() && cells.get(usize::MAX).is_none());
        let found = cells.of_process(b"/usr/bin/redis-server", b"127.0.0.1:6379");
        assert!(found.is_some());
        let Some((0, cell)) = found else { return };
        assert_eq!(cell.name(), b"redis");
        assert_eq!(cell.mode(), CellMode::Enforce);
        assert_eq!(cell.bound(Param::FilesWritten), Some(0));
        assert_eq!(cell.bound(Param::ReplyPermille), Some(u64::MAX));
        assert_eq!(cell.bound(Param::CpuUs), None);
        assert_eq!(cell.ban_s(), 60);
        assert!(cell.deny().contains(Op::Exec) && cell.forbid().is_empty());
        assert!(cell.tree(Access::Read).allows(b"/etc/shadow"));
        let write = cell.tree(Access::Write);
        assert_eq!(write.len(), 2);
        assert!(write.allows(b"/tmp/x") && !write.allows(b"/root/.ssh/authorized_keys"));
        assert!(write.iter().zip(PATHS).all(|(a, b)| a == *b));
        assert!(cell.expected().iter().eq(PEERS.iter().copied()));
        assert_eq!(cell.expected().classes(), redis().expected_classes);
        assert!(cells
            .of_process(b"/usr/bin/redis-server", b"*:1234")
            .is_none());
        let web = cells.find(b"web-1");
        assert!(matches!(web, Some((1, c)) if c.arguments() == b"*" && c.kill_connections()));
        assert!(cells.find(b"web").is_none());
    }

    #[test]
    fn settings_for_scans_are_there_or_not() {
        let mut out = [0u8; 480];
        let mut limits = Limits {
            lines: [16, 0, 96],
            ban_s: 600,
        };
        let len = encode(&[redis()], &mut out).unwrap_or(0);
        let cells = Cells::verify(out.get(..len).unwrap_or_default());
        assert_eq!(cells.map(|cells| cells.scans()), Ok(None));
        let with = encode_with(&[redis()], Some(limits), &mut out).unwrap_or(0);
        assert_eq!(with, len.saturating_add(SCANS));
        let image = out.get(..with).unwrap_or_default();
        let cells = Cells::verify(image);
        assert!(cells.is_ok());
        let Ok(cells) = cells else { return };
        assert_eq!(cells.scans(), Some(limits));
        assert!(cells
            .find(b"redis")
            .is_some_and(|(_, cell)| cell.ban_s() == 60));
        // Two of them, and none where the count says one.
        for count in [2u32, 0] {
            let mut bad = [0u8; 480];
            for (to, from) in bad.iter_mut().zip(image) {
                *to = *from;
            }
            let at = bad.get_mut(HEADER + 20..HEADER + 24);
            at.unwrap_or_default().copy_from_slice(&count.to_le_bytes());
            let _ = image::seal(&mut bad, image::Kind::Cells, Some(with));
            assert!(Cells::verify(bad.get(..with).unwrap_or_default()).is_err());
        }
        for (lines, ban_s) in [([2, 0, 0], 0), ([0; 3], 0), ([3, 0, 0], MAX_BAN_S + 1)] {
            limits = Limits { lines, ban_s };
            assert!(encode_with(&[redis()], Some(limits), &mut out).is_err());
        }
        let lines = [3, 97, 0];
        assert!(encode_with(&[redis()], Some(Limits { lines, ban_s: 0 }), &mut out).is_err());
    }

    #[test]
    fn place_is_by_the_list_of_its_access() {
        let mut out = [0u8; 480];
        let len = encode(&[redis()], &mut out).unwrap_or(0);
        let cells = Cells::verify(out.get(..len).unwrap_or_default());
        let cell = cells.as_ref().ok().and_then(|cells| cells.get(0));
        assert!(cell.is_some());
        let Some(cell) = cell else { return };
        for (access, path, want) in [
            (Access::Write, "/tmp/x", Place::Inside),
            (Access::Write, "/root/x", Place::Outside),
            (Access::Read, "/root/x", Place::Nowhere),
        ] {
            assert_eq!(cell.place(access, path.as_bytes()), want);
        }
    }

    #[test]
    fn moves_gain_no_rights() {
        let mut out = [0u8; 960];
        let mut spec = redis();
        spec.trees[0] = &[b"/srv/www", b"/tmp"];
        spec.trees[1] = &[b"/srv", b"/tmp", b"/root"];
        spec.trees[2] = &[b"/srv/bin"];
        let len = encode(&[spec], &mut out).unwrap_or(0);
        let cells = Cells::verify(out.get(..len).unwrap_or_default());
        let cell = cells.as_ref().ok().and_then(|cells| cells.get(0));
        assert!(cell.is_some());
        let Some(cell) = cell else { return };
        let (inside, outside) = (Place::Inside, Place::Outside);
        for (from, to, is_dir, want) in [
            ("/srv/www/a", "/tmp/a", false, inside),
            // A secret, brought where it may be read.
            ("/root/key", "/srv/www/key", false, outside),
            ("/root/key", "/root/old", false, inside),
            // From or to where nothing may be written.
            ("/etc/shadow", "/tmp/x", false, outside),
            ("/tmp/x", "/etc/cron.d/x", false, outside),
            // What was written, to where it may be executed.
            ("/tmp/x", "/srv/bin/x", false, outside),
            ("/srv/bin/a", "/srv/bin/b", false, inside),
            // Everything below comes along.
            ("/root/d", "/srv", true, outside),
            ("/root/d", "/srv/www", true, outside),
            ("/root/d", "/root/e", true, inside),
            ("/srv/www/d", "/tmp/d", true, inside),
        ] {
            let place = cell.moved(from.as_bytes(), to.as_bytes(), is_dir);
            assert_eq!(place, want);
        }
    }

    #[test]
    fn encode_refuses_what_verify_refuses() {
        let mut out = [0u8; 960];
        let bad = |change: fn(&mut CellSpec<'static>)| {
            let mut spec = redis();
            change(&mut spec);
            let mut out = [0u8; 960];
            encode(&[spec], &mut out).is_err()
        };
        assert!(!bad(|_| ()));
        assert!(bad(|c| c.name = b""));
        assert!(bad(|c| c.name = b"Redis"));
        assert!(bad(|c| c.name = &[b'a'; 32]));
        assert!(bad(|c| c.program = b"redis"));
        assert!(bad(|c| c.program = b"/usr/../redis"));
        assert!(bad(|c| c.arguments = &[b'*'; 256]));
        assert!(bad(|c| c.arguments = b"a\0"));
        assert!(bad(|c| c.window_ms = 99));
        assert!(bad(|c| c.learn_windows = 0));
        let deviations = |one_q16, two_q16| Budget::Deviations { one_q16, two_q16 };
        let alarms = |one_per_day_q16, two_per_month_q16| Budget::Alarms {
            one_per_day_q16,
            two_per_month_q16,
            window_ms: 1000,
        };
        for (budget, is_bad) in [
            (Budget::None, true),
            (deviations(8 << 16, 4 << 16), true),
            (deviations(4 << 16, 8 << 16), false),
            (deviations(0, (1024 << 16) + 1), true),
            (alarms(1 << 16, 30 << 16), false),
            (alarms(1 << 16, (30 << 16) + 1), true),
            (alarms(65, 65), true),
            (alarms((10_000 << 16) + 1, 66), true),
        ] {
            let mut spec = redis();
            spec.budget = budget;
            assert_eq!(encode(&[spec], &mut out).is_err(), is_bad);
        }
        assert!(bad(|c| c.hold_one_ms = 0));
        assert!(bad(|c| c.ban_s = MAX_BAN_S + 1));
        assert!(bad(|c| c.trees[2] = &[b"tmp"]));
        assert!(bad(|c| c.trees[2] = &[b"/tmp/"]));
        assert!(bad(|c| c.trees[2] = &[b"/" as &[u8]; 33]));
        // Nobody would keep anything out.
        assert!(bad(|c| c.hard = false) && bad(|c| c.learn = false));
        assert!(bad(|c| c.expected_classes = ClassSet::EMPTY));
        assert!(bad(|c| c.expected_classes = ClassSet::from_bits(1)));
        assert!(bad(
            |c| c.expected_classes = ClassSet::from_bits((1 << 31) | (1 << 9))
        ));
        assert!(bad(|c| c.expected = &[(Class::Peer, b"")]));
        assert!(bad(|c| c.expected = &[(Class::Peer, b"x\0")]));
        assert!(bad(|c| c.expected = &[(Class::Peer, &[b'x'; 256])]));
        assert!(bad(|c| c.expected = &[(Class::Port, b"x")]));
        assert!(bad(
            |c| c.expected = &[(Class::Peer, b"x"), (Class::Program, b"x")]
        ));
        assert!(bad(|c| c.expected = &[(Class::Peer, b"x" as &[u8]); 257]));
        // Twice the same name.
        assert!(encode(&[redis(), redis()], &mut out).is_err());
        assert!(encode(&[redis()], &mut out[..100]).is_err());
        let len = encode(&[], &mut out);
        assert_eq!(len, Ok(56));
        assert!(matches!(Cells::verify(&out[..56]), Ok(c) if c.is_empty()));
    }

    #[test]
    fn verify_survives_each_damaged_byte() {
        let mut out = [0u8; 480];
        let len = encode(&[redis()], &mut out).unwrap_or(0);
        assert!(len > 0);
        for at in 0..len {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = out;
                damaged[at] ^= value;
                image::reseal(&mut damaged[..len]);
                if let Ok(cells) = Cells::verify(&damaged[..len]) {
                    let cell = cells.get(0);
                    assert!(cells.len() <= 1);
                    assert!(cell.is_none_or(|c| !c.name().is_empty()));
                }
            }
        }
    }
}
