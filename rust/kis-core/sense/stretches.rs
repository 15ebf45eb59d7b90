// SPDX-License-Identifier: GPL-2.0

//! What the parameters add up to over 30 windows, and over 600, is held against what they usually
//! did.
//!
//! Learned are stretches that do not overlap; judged is the one that ends with each window
//! ([`running`](super::running) has the sums). A stretch is held against its load, as a window is
//! against that of the window, and is danger one at most. Floor 0, pure.

use super::budget::Budget;
use super::detector::{
    Detector,
    Findings,
    Keep,
    Numbers,
    Observation,
    Subject, //
};
use super::param::{
    self,
    Param,
    Values, //
};
use super::stretch::Stretch;
use super::thresholds::Lines;
use super::total::Total;
use super::window::{
    Crossing,
    Moment, //
};
use crate::wire::bytes::{
    Reader,
    Writer, //
};
use crate::{
    Error,
    Result, //
};

/// How many parameters add up.
const ADDED: usize = {
    let (mut count, mut i) = (0, 0);
    while i < Param::COUNT {
        count += Param::ALL[i].adds_up() as usize;
        i += 1;
    }
    count
};

/// How many lengths there are.
const LENGTHS: usize = Stretch::SUMS.len();

/// The detector.
///
/// # Examples
///
/// ```
/// use kis_core::sense::budget::Budget;
/// use kis_core::sense::detector::{Detector, Findings, Observation};
/// use kis_core::sense::param::Param;
/// use kis_core::sense::stretch::Stretch;
/// use kis_core::sense::stretches::{Memory, Stretches};
///
/// let mut memory = Memory::new();
/// let seen = |sums| Observation::Stretch { stretch: Stretch::Short, sums };
/// for _ in 0..3 {
///     Stretches.learn(&mut memory, &seen(&[300; Param::COUNT]));
/// }
/// Stretches.complete(&mut memory, &Budget::usual(1000));
/// let mut found = Findings::new();
/// let mut sums = [300; Param::COUNT];
/// sums[Param::FilesOpened.index()] = 3000;
/// Stretches.judge(&memory, &seen(&sums), &mut found);
/// assert!(found.crossings().map(|c| (c.param, c.threshold)).eq([(Param::FilesOpened, 624)]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stretches;

/// What it has learned.
///
/// # Invariants
///
/// The totals of a length have learned the same number of stretches, those of parameters that do not
/// add up none. The lines follow from the totals, the loads and the last budget, or are never crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    lengths: [Length; LENGTHS],
}

/// The same of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Length {
    totals: [Total; Param::COUNT],
    lines: [Lines; Param::COUNT],
    load: u64,
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
            lengths: [const {
                Length {
                    totals: [const { Total::new() }; Param::COUNT],
                    lines: [Lines::NEVER; Param::COUNT],
                    load: 0,
                }
            }; LENGTHS],
        }
    }

    /// What is known of stretches of a length; nothing of single windows.
    fn length(&self, stretch: Stretch) -> Option<&Length> {
        self.lengths.get(place(stretch)?)
    }

    /// What was learned of the sums of a parameter; `None` for single windows.
    pub fn total(&self, param: Param, stretch: Stretch) -> Option<&Total> {
        self.length(stretch)?.totals.get(param.index())
    }

    /// The greatest load of a stretch.
    pub fn load(&self, stretch: Stretch) -> u64 {
        self.length(stretch).map_or(0, |length| length.load)
    }

    /// The lines of a parameter; never crossed while the cell learns.
    pub fn lines(&self, param: Param, stretch: Stretch) -> Lines {
        let lines = self.length(stretch).map(|length| &length.lines);
        let lines = lines.and_then(|lines| lines.get(param.index()));
        lines.copied().unwrap_or(Lines::NEVER)
    }

    /// The lines of all parameters that follow from what was learned by now.
    pub fn draw(&self, stretch: Stretch, budget: &Budget, lines: &mut [Lines; Param::COUNT]) {
        match self.length(stretch) {
            Some(length) => draw(&length.totals, length.load, stretch, budget, lines),
            None => lines.fill(Lines::NEVER),
        }
    }
}

/// Draws lines where the caller wants them: they are too many for a stack.
fn draw(
    totals: &[Total; Param::COUNT],
    load: u64,
    stretch: Stretch,
    budget: &Budget,
    lines: &mut [Lines; Param::COUNT],
) {
    for ((lines, total), param) in lines.iter_mut().zip(totals).zip(Param::ALL) {
        *lines = total.lines(param, stretch, budget, load);
    }
}

/// Where a length is kept.
fn place(stretch: Stretch) -> Option<usize> {
    Stretch::SUMS.into_iter().position(|kept| kept == stretch)
}

/// The parameters that add up.
fn added() -> impl Iterator<Item = Param> {
    Param::ALL.into_iter().filter(|param| param.adds_up())
}

impl Length {
    fn clear(&mut self) {
        self.totals.iter_mut().for_each(Total::clear);
        self.lines.fill(Lines::NEVER);
        self.load = 0;
    }

    /// How many stretches were learned.
    fn n(&self) -> u32 {
        let mut totals = added().filter_map(|param| self.totals.get(param.index()));
        totals.next().map_or(0, Total::n)
    }

    fn read(&mut self, stretch: Stretch, r: &mut Reader<'_>, most: u32) -> Result {
        let at = r.offset();
        let (n, zero, load) = (r.u32(), r.u32(), r.u64());
        let n = n.filter(|n| *n <= most && zero == Some(0));
        let n = n.ok_or(Error::malformed(at, "stretches of a profile"))?;
        let mut peaks = [0; Param::COUNT];
        for param in added() {
            let at = r.offset();
            let total = self.totals.get_mut(param.index());
            let read = total.and_then(|total| {
                total.read(param, stretch, r, n)?;
                *peaks.get_mut(param.index())? = total.peak();
                Some(())
            });
            read.ok_or(Error::malformed(at, "what a parameter added up to"))?;
        }
        // No stretch had more than the peaks of both.
        let load = load.filter(|load| *load <= param::load(&peaks));
        self.load = load.ok_or(Error::malformed(at, "load of stretches"))?;
        Ok(())
    }
}

impl Stretches {
    /// The sums that are above one of these lines.
    pub fn crossings<'a>(
        lines: &'a [Lines; Param::COUNT],
        stretch: Stretch,
        sums: &'a Values,
    ) -> impl Iterator<Item = Crossing> + 'a {
        let now = Moment::of(sums, false);
        let each = Param::ALL.into_iter().zip(sums).zip(lines);
        each.filter_map(move |((param, sum), lines)| {
            let (level, threshold) = lines.at(&now).crossed(*sum)?;
            Some(Crossing {
                param,
                stretch,
                level,
                observed: *sum,
                threshold,
                now,
            })
        })
    }
}

impl Detector for Stretches {
    type Memory = Memory;

    fn learn(&self, memory: &mut Memory, seen: &Observation<'_>) {
        let Observation::Stretch { stretch, sums } = seen else {
            return;
        };
        let length = place(*stretch).and_then(|at| memory.lengths.get_mut(at));
        let Some(length) = length else { return };
        let load = param::load(sums);
        let each = length.totals.iter_mut().zip(Param::ALL).zip(*sums);
        for ((total, param), sum) in each.filter(|((_, param), _)| param.adds_up()) {
            total.learn(param, *sum, load);
        }
        length.load = length.load.max(load);
    }

    fn complete(&self, memory: &mut Memory, budget: &Budget) {
        for (length, stretch) in memory.lengths.iter_mut().zip(Stretch::SUMS) {
            let Length {
                totals,
                lines,
                load,
            } = length;
            // INVARIANT: just computed.
            draw(totals, *load, stretch, budget, lines);
        }
    }

    fn judge(&self, memory: &Memory, seen: &Observation<'_>, found: &mut Findings) {
        let Observation::Stretch { stretch, sums } = seen else {
            return;
        };
        if let Some(length) = memory.length(*stretch) {
            Self::crossings(&length.lines, *stretch, sums)
                .for_each(|crossing| found.cross(crossing));
        }
    }

    fn explain(&self, memory: &Memory, about: &Subject, numbers: &mut Numbers) {
        let Subject::Sum(param, stretch) = about else {
            return;
        };
        if let Some(total) = memory.total(*param, *stretch) {
            total.explain(numbers);
            numbers.lines = memory.lines(*param, *stretch);
        }
    }
}

impl Keep for Memory {
    const SECTION: u32 = 4;
    const MAX_BYTES: usize = LENGTHS * (16 + Total::MAX_BYTES * ADDED);

    fn bytes(&self) -> usize {
        let totals = self.lengths.iter().flat_map(|length| &length.totals);
        let kept = totals.zip(Param::ALL.into_iter().cycle());
        let kept = kept.filter(|(_, param)| param.adds_up());
        kept.fold(16 * LENGTHS, |sum, (total, _)| {
            sum.saturating_add(total.bytes())
        })
    }

    fn write(&self, w: &mut Writer<'_>) {
        for length in &self.lengths {
            w.u32(length.n());
            w.u32(0);
            w.u64(length.load);
            let kept = added().filter_map(|param| length.totals.get(param.index()));
            kept.for_each(|total| total.write(w));
        }
    }

    fn read(&mut self, r: &mut Reader<'_>, _len: usize, windows: u32) -> Result {
        self.clear();
        // As many as fit, one behind the other, and the long ones into the short ones.
        let mut whole = windows;
        let mut last = Stretch::Window;
        for (length, stretch) in self.lengths.iter_mut().zip(Stretch::SUMS) {
            let each = stretch.windows().checked_div(last.windows()).unwrap_or(1);
            let most = whole.checked_div(each).unwrap_or(0);
            length.read(stretch, r, most)?;
            (whole, last) = (length.n(), stretch);
        }
        Ok(())
    }

    fn clear(&mut self) {
        // INVARIANT: nothing learned, never crossed.
        self.lengths.iter_mut().for_each(Length::clear);
    }
}

// In user space only: what they hold is larger than a stack of the kernel.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sense::detector::window;
    use crate::sense::param::Values;
    use crate::sense::window::Level;

    const BUDGET: Budget = Budget::usual(1000);

    fn stretch(stretch: Stretch, sums: &Values) -> Observation<'_> {
        Observation::Stretch { stretch, sums }
    }

    fn learned(sums: &Values, short: u32, long: u32) -> Memory {
        let mut memory = Memory::new();
        for _ in 0..short {
            Stretches.learn(&mut memory, &stretch(Stretch::Short, sums));
        }
        for _ in 0..long {
            Stretches.learn(&mut memory, &stretch(Stretch::Long, sums));
        }
        memory
    }

    #[test]
    fn what_adds_up_is_judged_and_danger_one_at_most() {
        let mut memory = learned(&[100; Param::COUNT], 60, 3);
        let all = [u64::MAX; Param::COUNT];
        let mut found = Findings::new();
        Stretches.judge(&memory, &stretch(Stretch::Short, &all), &mut found);
        assert!(found == Findings::new());
        Stretches.complete(&mut memory, &BUDGET);
        for length in Stretch::SUMS {
            found.clear();
            Stretches.judge(&memory, &stretch(length, &all), &mut found);
            assert!(found.crossings().map(|c| c.param).eq(added()));
            assert!(found
                .crossings()
                .all(|c| c.level == Level::One && c.stretch == length));
            found.clear();
            Stretches.judge(&memory, &stretch(length, &[200; Param::COUNT]), &mut found);
            assert!(found == Findings::new());
        }
        // A window is nothing to it, learned or judged.
        Stretches.judge(&memory, &window(&all, 1), &mut found);
        assert!(found == Findings::new());
        let before = memory;
        Stretches.learn(&mut memory, &window(&all, 1));
        Stretches.learn(&mut memory, &stretch(Stretch::Window, &all));
        assert!(memory == before);
        let mut numbers = Numbers::NONE;
        Stretches.explain(&memory, &Subject::Param(Param::Execs), &mut numbers);
        assert_eq!(numbers, Numbers::NONE);
        let about = Subject::Sum(Param::Execs, Stretch::Long);
        Stretches.explain(&memory, &about, &mut numbers);
        assert_eq!((numbers.n, numbers.mean, numbers.peak), (3, 100 << 16, 100));
        assert_eq!(numbers.lines.usual.one(), 225);
    }

    #[test]
    fn memory_of_an_image_is_one_that_can_be() {
        let mut memory = learned(&[100; Param::COUNT], 60, 3);
        let mut more = [40; Param::COUNT];
        more[Param::BytesOut.index()] = 1 << 49;
        for length in Stretch::SUMS {
            Stretches.learn(&mut memory, &stretch(length, &more.map(|n| n / 20)));
        }
        let mut out = [0u8; Memory::MAX_BYTES];
        let mut w = Writer::new(&mut out);
        memory.write(&mut w);
        let len = w.finish().unwrap_or(0);
        assert_eq!(len, memory.bytes());
        let read = |bytes: &[u8], windows| {
            let mut again = Memory::new();
            let read = again.read(&mut Reader::new(bytes, 0), bytes.len(), windows);
            read.map(|()| again)
        };
        // Four long ones are 80 short ones.
        assert!(read(&out[..len], 2400).is_err());
        let mut memory = learned(&[100; Param::COUNT], 80, 4);
        let mut w = Writer::new(&mut out);
        memory.write(&mut w);
        let len = w.finish().unwrap_or(0);
        assert!(read(&out[..len], 2400) == Ok(memory));
        assert!(read(&out[..len], 2399).is_err());
        assert!(read(&out[..len - 1], 2400).is_err());
        // How many, the padding, the load, and how many of one parameter.
        for at in [0, 4, 8 + 7, 16 + 24] {
            let mut forged = out;
            forged[at] ^= 1;
            assert!(read(&forged[..len], 1 << 20).is_err());
        }
        memory.clear();
        assert!(memory == Memory::new());
    }
}
