// SPDX-License-Identifier: GPL-2.0

//! Over how many windows in a row a parameter is summed up.
//!
//! Who takes little in each window stays below the lines of a window for ever; what he has taken in
//! ten minutes does not stay below the line of ten minutes. Floor 0, pure; context: any.

/// Windows of a short stretch, and of the blocks that a long one consists of.
pub const SHORT: usize = 30;

/// Blocks of a long stretch.
pub const BLOCKS: usize = 20;

/// Fewest stretches of a length that tell anything about the next one.
pub const LEAST: u32 = 3;

/// A number of windows that a parameter is summed up over.
///
/// # Examples
///
/// ```
/// use kis_core::sense::stretch::Stretch;
///
/// // With windows of a second: a second, half a minute, ten minutes.
/// assert_eq!(Stretch::ALL.map(Stretch::windows), [1, 30, 600]);
/// assert_eq!(Stretch::from_windows(30), Some(Stretch::Short));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stretch {
    /// One window.
    Window,
    /// 30 windows.
    Short,
    /// 600 windows.
    Long,
}

impl Stretch {
    /// All, the shortest first.
    pub const ALL: [Self; 3] = [Self::Window, Self::Short, Self::Long];

    /// Those of more than one window.
    pub const SUMS: [Self; 2] = [Self::Short, Self::Long];

    /// How many windows it has.
    pub const fn windows(self) -> u32 {
        // CAST: small constants.
        match self {
            Self::Window => 1,
            Self::Short => SHORT as u32,
            Self::Long => (SHORT * BLOCKS) as u32,
        }
    }

    /// The one of so many windows.
    pub fn from_windows(windows: u32) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|stretch| stretch.windows() == windows)
    }

    /// How often the smallest step that is worth a signal in a window is one in a stretch.
    ///
    /// What comes and goes by chance, one window not knowing of the other, adds up as the root of
    /// their number; what is there in each window adds up as the number, and so is seen from a fifth
    /// of a step a window on, or from a twenty-fourth.
    pub const fn steps(self) -> u64 {
        match self {
            Self::Window => 1,
            Self::Short => 6,
            Self::Long => 25,
        }
    }

    /// Position in arrays that hold something for each.
    pub const fn index(self) -> usize {
        // CAST: a small number to a wider type.
        self as usize
    }
}

// The root, rounded up.
const _: () = {
    let mut i = 0;
    while i < Stretch::ALL.len() {
        let (steps, windows) = (Stretch::ALL[i].steps(), Stretch::ALL[i].windows() as u64);
        assert!(Stretch::ALL[i].index() == i);
        assert!(steps * steps >= windows && (steps - 1) * (steps - 1) < windows);
        i += 1;
    }
};
