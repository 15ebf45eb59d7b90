// SPDX-License-Identifier: GPL-2.0

//! All detectors, in one table.
//!
//! A row is all that another one needs: its place among the memories, its section in the image and
//! its size follow. Floor 0, pure.

use super::bound::Bound;
use super::budget::Budget;
use super::detector::{
    Detector,
    Findings,
    Keep,
    Numbers,
    Observation,
    Subject, //
};
use super::deviation::{
    self,
    Deviation, //
};
use super::peers::{
    self,
    Peers, //
};
use super::stretches::{
    self,
    Stretches, //
};
use crate::wire::bytes::{
    Reader,
    Writer, //
};
use crate::{
    Error,
    Result, //
};

/// Bytes in front of a section: its number and its length.
pub(super) const SECTION_HEAD: usize = 8;

macro_rules! detectors {
    ($($(#[$doc:meta])* $name:ident, $field:ident: $detector:ty, $memory:ty;)*) => {
        /// One of the detectors.
        ///
        /// # Examples
        ///
        /// ```
        /// use kis_core::sense::detector::{Detector, Observation};
        /// use kis_core::sense::detectors::{Memories, Sense};
        /// use kis_core::sense::deviation::Deviation;
        /// use kis_core::sense::param::Param;
        ///
        /// let mut memories = Memories::new();
        /// let values = &[7; Param::COUNT];
        /// let seen = Observation::Window { values, processes: 1, start: false };
        /// Sense::Deviation(Deviation { guard: None }).learn(&mut memories, &seen);
        /// assert_eq!(memories.deviation.habit(Param::Execs).peak(), 7);
        /// ```
        #[derive(Clone, Copy, Debug)]
        pub enum Sense<'a> {
            $($(#[$doc])* $name($detector),)*
        }

        /// The memories of all detectors.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Memories {
            $($(#[$doc])* pub $field: $memory,)*
        }

        impl Sense<'_> {
            /// How many there are.
            pub const COUNT: usize = [$(stringify!($name)),*].len();
        }

        impl Detector for Sense<'_> {
            type Memory = Memories;

            fn learn(&self, memory: &mut Memories, seen: &Observation<'_>) {
                match self { $(Self::$name(sense) => sense.learn(&mut memory.$field, seen),)* }
            }

            fn complete(&self, memory: &mut Memories, budget: &Budget) {
                match self { $(Self::$name(sense) => sense.complete(&mut memory.$field, budget),)* }
            }

            fn judge(&self, memory: &Memories, seen: &Observation<'_>, found: &mut Findings) {
                match self { $(Self::$name(sense) => sense.judge(&memory.$field, seen, found),)* }
            }

            fn explain(&self, memory: &Memories, about: &Subject, numbers: &mut Numbers) {
                match self { $(Self::$name(sense) => sense.explain(&memory.$field, about, numbers),)* }
            }
        }

        impl Memories {
            /// Most bytes of all sections.
            pub const MAX_BYTES: usize = {
                let mut sum = 0;
                $(if <$memory as Keep>::SECTION != 0 {
                    sum += SECTION_HEAD + <$memory as Keep>::MAX_BYTES;
                })*
                sum
            };

            /// Writes the sections in the order of their numbers.
            pub(super) fn write(&self, w: &mut Writer<'_>) {
                $(write(&self.$field, w);)*
            }

            /// Becomes what the sections hold; left anyhow on errors.
            ///
            /// # Errors
            ///
            /// As [`Keep::read`]; a section that is missing, unknown or in another place is an error.
            pub(super) fn read(&mut self, r: &mut Reader<'_>, windows: u32) -> Result {
                $(read(&mut self.$field, r, windows)?;)*
                Ok(())
            }

            /// Forgets all.
            pub fn clear(&mut self) {
                $(self.$field.clear();)*
            }
        }

        // Sections rise, so that there is one order for them.
        const _: () = {
            let mut last = 0;
            $(if <$memory as Keep>::SECTION != 0 {
                assert!(<$memory as Keep>::SECTION > last, "sections of detectors do not rise");
                last = <$memory as Keep>::SECTION;
            })*
            assert!(last > 0);
        };
    };
}

detectors! {
    /// What is far from the mean.
    Deviation, deviation: Deviation<'a>, deviation::Memory;
    /// What adds up to more than usual.
    Stretches, stretches: Stretches, stretches::Memory;
    /// Who is sent more than anybody ever was.
    Peers, peers: Peers, peers::Memory;
    /// What the officer does not want.
    Bound, bound: Bound<'a>, ();
}

impl Default for Memories {
    fn default() -> Self {
        Self::new()
    }
}

impl Memories {
    /// Nothing.
    pub const fn new() -> Self {
        Self {
            deviation: deviation::Memory::new(),
            stretches: stretches::Memory::new(),
            peers: peers::Memory::new(),
            bound: (),
        }
    }
}

/// The memory of a detector that learns nothing.
impl Keep for () {
    const SECTION: u32 = 0;
    const MAX_BYTES: usize = 0;

    fn bytes(&self) -> usize {
        0
    }

    fn write(&self, _w: &mut Writer<'_>) {}

    fn read(&mut self, _r: &mut Reader<'_>, _len: usize, _windows: u32) -> Result {
        Ok(())
    }

    fn clear(&mut self) {}
}

/// Writes the section of a memory.
pub(super) fn write<M: Keep>(memory: &M, w: &mut Writer<'_>) {
    if M::SECTION != 0 {
        w.u32(M::SECTION);
        // CAST: a few thousand; verify() refuses what does not fit.
        w.u32(memory.bytes() as u32);
        memory.write(w);
    }
}

/// Reads the section of a memory.
pub(super) fn read<M: Keep>(memory: &mut M, r: &mut Reader<'_>, windows: u32) -> Result {
    if M::SECTION == 0 {
        return Ok(());
    }
    let at = r.offset();
    let fault = Error::malformed(at, "section of a profile");
    let (number, len) = (r.u32(), r.u32());
    let len = match (number, len) {
        (Some(number), Some(len)) if number == M::SECTION => crate::wire::bytes::index(len),
        _ => return Err(fault),
    };
    let end = r.offset().checked_add(len);
    memory.read(r, len, windows)?;
    // Whatever a memory reads, the next section begins where this one said that it ends.
    if Some(r.offset()) != end {
        return Err(fault);
    }
    Ok(())
}

// In user space only: what they hold is larger than a stack of the kernel.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::sense::bound::NO_BOUNDS;
    use crate::sense::detector::window;
    use crate::sense::param::Param;
    use crate::sense::thresholds::Thresholds;
    use crate::sense::window::{
        Level,
        Moment, //
    };

    static EMPTY: Memories = Memories::new();

    #[test]
    fn detectors_together_name_the_gravest_line() {
        let mut bounds = NO_BOUNDS;
        bounds[2] = Some(14);
        let senses = [
            Sense::Deviation(Deviation { guard: None }),
            Sense::Stretches(Stretches),
            Sense::Peers(Peers),
            Sense::Bound(Bound { bounds: &bounds }),
        ];
        assert_eq!(senses.len(), Sense::COUNT);
        let mut memories = EMPTY;
        let mut found = Findings::new();
        for sense in &senses {
            sense.learn(&mut memories, &window(&[10; Param::COUNT], 1));
            sense.judge(&memories, &window(&[14; Param::COUNT], 1), &mut found);
        }
        assert!(found == Findings::new());
        let none = Budget::Deviations {
            one_q16: 0,
            two_q16: 0,
        };
        for sense in &senses {
            sense.complete(&mut memories, &none);
        }
        // FilesWritten: 12 and 14; FilesOpened: 14 and 18, and the bound.
        for (value, opened, written) in [
            (12, None, None),
            (13, None, Some((Level::One, 12))),
            (14, None, Some((Level::One, 12))),
            (15, Some((Level::Bound, 14)), Some((Level::Two, 14))),
            (19, Some((Level::Bound, 14)), Some((Level::Two, 14))),
        ] {
            found.clear();
            for sense in &senses {
                sense.judge(&memories, &window(&[value; Param::COUNT], 1), &mut found);
            }
            let line = |param| {
                let mut of = found.crossings().filter(|c| c.param == param);
                let first = of.next().map(|c| (c.level, c.threshold));
                assert!(of.next().is_none());
                first
            };
            assert_eq!(line(Param::FilesOpened), opened);
            assert_eq!(line(Param::FilesWritten), written);
            assert!(found.crossings().all(|c| c.observed == value));
            // Who asks for the numbers gets the same lines.
            for (param, want) in [(Param::FilesOpened, opened), (Param::FilesWritten, written)] {
                let mut numbers = Numbers::NONE;
                for sense in &senses {
                    sense.explain(&memories, &Subject::Param(param), &mut numbers);
                }
                assert_eq!(numbers.crossed(value, &Moment::QUIET), want);
            }
        }
    }

    #[test]
    fn numbers_say_which_line_comes_next() {
        let mut numbers = Numbers {
            bound: 20,
            ..Numbers::NONE
        };
        numbers.lines.usual = Thresholds::new(4, 8);
        for (value, want) in [(0, 4), (4, 4), (5, 8), (9, 20), (21, u64::MAX)] {
            assert_eq!(numbers.next_above(value, &Moment::QUIET), want);
        }
        // At ten times the load lines are ten times as far; one that is moved is not asked for
        // again before the value has grown by a part.
        numbers.lines.slope.learned = 10;
        numbers.bound = 1000;
        let busy = Moment {
            load: 100,
            start: false,
        };
        for (value, want) in [
            (0, 40),
            (40, 42),
            (41, 80),
            (79, 83),
            (81, 1000),
            (1000, 1000),
        ] {
            assert_eq!(numbers.next_above(value, &busy), want);
        }
    }

    #[test]
    fn numbers_are_their_words() {
        let words = core::array::from_fn(|i| 100 + i as u64);
        assert_eq!(Numbers::from_words(&words).to_words(), words);
        let none = Numbers::NONE;
        assert_eq!(Numbers::from_words(&none.to_words()), none);
    }
}
