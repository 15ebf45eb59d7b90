// SPDX-License-Identifier: GPL-2.0

//! From how many targets on it is a scan, and what is done then. Floor 0, pure.

/// Over how long targets are counted.
///
/// # Examples
///
/// ```
/// use kis_core::matching::scans::limits::Horizon;
///
/// assert_eq!(Horizon::ALL.map(Horizon::seconds), [10, 600, 21_600]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// Ten seconds: whoever is in a hurry.
    Fast,
    /// Ten minutes.
    Medium,
    /// Six hours: a port a minute, or one in five.
    Slow,
}

impl Horizon {
    /// All, the shortest first.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Medium, Self::Slow];

    /// How long it is. What is counted covers the last half of it always, and at most all.
    pub const fn seconds(self) -> u32 {
        match self {
            Self::Fast => 10,
            Self::Medium => 600,
            Self::Slow => 21_600,
        }
    }

    /// Its place in [`Horizon::ALL`].
    pub const fn index(self) -> usize {
        // CAST: three.
        self as usize
    }

    /// The number of the half that a time is in.
    pub const fn epoch(self, now_s: u32) -> u32 {
        // PANIC: none of them is shorter than two seconds.
        now_s / (self.seconds() / 2)
    }
}

/// From how many targets on it is a scan, and for how long who did it is banned.
///
/// # Examples
///
/// ```
/// use kis_core::matching::scans::limits::{Horizon, Limits};
///
/// let limits = Limits::USUAL;
/// assert_eq!(limits.line(Horizon::Fast), Some(16));
/// assert_eq!(Limits::from_word(limits.to_word()), Some(limits));
/// assert_eq!(Limits::from_word(0), None, "no line at all is no setting");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Different targets within each [`Horizon`]; 0 for any number.
    pub lines: [u8; Horizon::ALL.len()],
    /// For how many seconds a source that has completed a handshake is banned; 0 for not at all.
    pub ban_s: u32,
}

/// Fewest and most targets that make a scan. More than the most could not be told apart by the 128 bits
/// that are kept of a source.
pub const LINE: (u8, u8) = (3, 96);

impl Limits {
    /// What is used unless the officer says otherwise; nobody is banned.
    ///
    /// Somebody who means no harm has two or three such targets: a service that is stopped, one that has
    /// moved. What looks after a host asks for ten perhaps.
    pub const USUAL: Self = Self {
        lines: [16, 24, 32],
        ban_s: 0,
    };

    /// The number of targets that make a scan within a time, if any does.
    pub fn line(&self, horizon: Horizon) -> Option<u32> {
        let line = self.lines.get(horizon.index()).copied();
        line.filter(|line| *line != 0).map(u32::from)
    }

    /// All of it in a word, which is never 0.
    pub const fn to_word(self) -> u64 {
        let [fast, medium, slow] = self.lines;
        let [a, b, c, d] = self.ban_s.to_le_bytes();
        u64::from_le_bytes([fast, medium, slow, 0, a, b, c, d])
    }

    /// What a word says; `None` where a number is not possible, or where there is no line.
    pub fn from_word(word: u64) -> Option<Self> {
        let [fast, medium, slow, zero, a, b, c, d] = word.to_le_bytes();
        let lines = [fast, medium, slow];
        let is_line = |line: &u8| *line == 0 || (LINE.0..=LINE.1).contains(line);
        let is_good = zero == 0 && lines.iter().all(is_line) && lines != [0; 3];
        is_good.then_some(Self {
            lines,
            ban_s: u32::from_le_bytes([a, b, c, d]),
        })
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_scan_limits))]
mod tests {
    use super::*;

    #[test]
    fn a_word_holds_what_is_possible() {
        for (lines, ban_s) in [([3, 0, 0], 0), ([0, 0, 96], u32::MAX), ([16, 24, 32], 600)] {
            let limits = Limits { lines, ban_s };
            assert_eq!(Limits::from_word(limits.to_word()), Some(limits));
        }
        for lines in [
            [0, 0, 0],
            [2, 0, 0],
            [16, 1, 32],
            [97, 24, 32],
            [16, 24, 255],
        ] {
            let limits = Limits { lines, ban_s: 1 };
            assert_eq!(Limits::from_word(limits.to_word()), None);
        }
        assert_eq!(Limits::from_word(Limits::USUAL.to_word() | (1 << 24)), None);
    }

    #[test]
    fn a_horizon_without_a_line_has_none() {
        let limits = Limits {
            lines: [0, 24, 32],
            ban_s: 0,
        };
        assert_eq!(limits.line(Horizon::Fast), None);
        assert_eq!(limits.line(Horizon::Slow), Some(32));
    }
}
