// SPDX-License-Identifier: GPL-2.0

//! Where the cells of earlier configurations are now.
//!
//! Handles stay in tasks and sockets when the configuration is replaced; for the last
//! [`REMEMBERED`] configurations they still lead to the cell that has taken the place of theirs.
//! Floor 0, pure; the memory is the caller's, as floor 0 allocates nothing.

use super::handle::Handle;

/// Earlier configurations that are remembered; handles of older ones lead nowhere.
pub const REMEMBERED: usize = 8;

/// What stands for a cell that is not in force any more.
pub const GONE: u16 = u16::MAX;

/// An earlier configuration.
///
/// # Examples
///
/// ```
/// use kis_core::cells::lineage::{follow, Ancestor, GONE};
///
/// // Two cells changed places, and then the first of them went.
/// let mut now = [1, 0];
/// follow(&mut now, &[GONE, 0]);
/// let ancestor = Ancestor { generation: 3, now: &now };
/// assert_eq!(ancestor.now, [0, GONE]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ancestor<'a> {
    /// Its generation.
    pub generation: u32,
    /// For each of its cells, by number from 0, the number now or [`GONE`].
    pub now: &'a [u16],
}

/// Index of the cell that a handle names in the configuration `generation`, directly or by way of
/// one of its ancestors.
///
/// # Examples
///
/// ```
/// use kis_core::cells::handle::Handle;
/// use kis_core::cells::lineage::{find, Ancestor, GONE};
///
/// // Generation 7 had two cells; the first is gone and the second is the first one of 8.
/// let old = [Ancestor { generation: 7, now: &[GONE, 0] }];
/// assert_eq!(find(Handle::new(8, 0), 8, old), Some(0));
/// assert_eq!(find(Handle::new(7, 1), 8, old), Some(0));
/// assert_eq!(find(Handle::new(7, 0), 8, old), None);
/// assert_eq!(find(Handle::new(6, 0), 8, old), None);
/// ```
pub fn find<'a>(
    handle: Handle,
    generation: u32,
    ancestors: impl IntoIterator<Item = Ancestor<'a>>,
) -> Option<usize> {
    if let Some(index) = handle.index(generation) {
        return usize::try_from(index).ok();
    }
    let old = usize::try_from(handle.index(handle.generation())?).ok()?;
    let ancestor = ancestors
        .into_iter()
        .find(|a| a.generation == handle.generation())?;
    ancestor
        .now
        .get(old)
        .filter(|now| **now != GONE)
        .map(|now| usize::from(*now))
}

/// Follows cells one configuration further: `now` has where they were, and gets where `step` says
/// that they are.
pub fn follow(now: &mut [u16], step: &[u16]) {
    for cell in now {
        *cell = step.get(usize::from(*cell)).copied().unwrap_or(GONE);
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_lineage))]
mod tests {
    use super::*;
    use crate::wire::abi::MAX_CELLS;

    const _: () = assert!(MAX_CELLS < GONE as usize);

    #[test]
    fn handles_follow_their_cells() {
        // Three cells; the middle one goes, then the first two change places.
        let mut first = [0, GONE, 1];
        let second = [1, 0];
        follow(&mut first, &second);
        assert_eq!(first, [1, GONE, 0]);
        let ancestors = [
            Ancestor {
                generation: 4,
                now: &second,
            },
            Ancestor {
                generation: 3,
                now: &first,
            },
        ];
        for (handle, want) in [
            (Handle::new(5, 0), Some(0)),
            (Handle::new(4, 0), Some(1)),
            (Handle::new(3, 0), Some(1)),
            (Handle::new(3, 1), None),
            (Handle::new(3, 2), Some(0)),
            (Handle::new(3, 3), None),
            (Handle::new(2, 0), None),
            (Handle::NONE, None),
            (Handle::from_raw(4 << 32), None),
        ] {
            assert_eq!(find(handle, 5, ancestors), want);
        }
    }

    #[test]
    fn what_is_gone_stays_gone() {
        let mut now = [GONE, 0, 5];
        follow(&mut now, &[2]);
        assert_eq!(now, [GONE, 2, GONE]);
    }
}
