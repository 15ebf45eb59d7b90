// SPDX-License-Identifier: GPL-2.0

//! The handle of a cell: what a task or socket blob holds.
//!
//! One word, so that it is read and written at once without a lock. It names the configuration
//! (generation) too: after a reload an old handle leads nowhere instead of to another cell.
//! Floor 0, pure.

/// Generation of the configuration and number of the cell in it; 0 is no cell.
///
/// # Examples
///
/// ```
/// use kis_core::cells::handle::Handle;
///
/// // The word that a blob holds leads to the first cell of configuration 7, and of no other.
/// let word = Handle::new(7, 0).raw();
/// let handle = Handle::from_raw(word);
/// assert_eq!((handle.index(7), handle.index(8)), (Some(0), None));
/// assert!(Handle::from_raw(0).is_none());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handle(u64);

impl Handle {
    /// No cell.
    pub const NONE: Self = Self(0);

    /// The cell at `index` (from 0) in the configuration `generation`.
    ///
    /// An index that has no number (`u32::MAX`) gives [`Handle::NONE`].
    pub const fn new(generation: u32, index: u32) -> Self {
        match index.checked_add(1) {
            // CAST: both widen.
            Some(number) => Self(((generation as u64) << 32) | number as u64),
            None => Self::NONE,
        }
    }

    /// From the word of a blob.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// The word for a blob.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// Whether it names no cell.
    pub const fn is_none(self) -> bool {
        // CAST: the lower half, on purpose.
        self.0 as u32 == 0
    }

    /// Generation of the configuration.
    pub const fn generation(self) -> u32 {
        // CAST: the upper half, on purpose.
        (self.0 >> 32) as u32
    }

    /// Number of the cell from 1 as in records; 0 for none.
    pub const fn number(self) -> u32 {
        // CAST: the lower half, on purpose.
        self.0 as u32
    }

    /// Index of the cell from 0, if it is one of the configuration `generation`.
    pub const fn index(self, generation: u32) -> Option<u32> {
        if self.generation() != generation {
            return None;
        }
        self.number().checked_sub(1)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_handle))]
mod tests {
    use super::*;

    #[test]
    fn handle_keeps_generation_and_index() {
        for (generation, index) in [(0, 0), (1, 31), (u32::MAX, 0), (7, u32::MAX - 1)] {
            let handle = Handle::from_raw(Handle::new(generation, index).raw());
            assert_eq!(handle.index(generation), Some(index));
            assert_eq!(handle.index(generation.wrapping_add(1)), None);
            assert_eq!(handle.number(), index + 1);
            assert!(!handle.is_none());
        }
    }

    #[test]
    fn handle_of_nothing_is_none() {
        assert!(Handle::NONE.is_none());
        assert!(Handle::new(3, u32::MAX).is_none());
        assert_eq!(Handle::NONE.index(0), None);
        assert!(Handle::from_raw(5 << 32).is_none());
    }
}
