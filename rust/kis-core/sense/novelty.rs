// SPDX-License-Identifier: GPL-2.0

//! How likely it is that the next benign thing of a class is a new one.
//!
//! Good ("The population frequencies of species and the estimation of population parameters", 1953)
//! estimates the chance of something new from what was seen once. Events of a server are no
//! independent draws: one reload brings ten new files at once, and one file is opened a thousand
//! times. So the unit is the window (incidence data, Chao and Jost, "Coverage-based rarefaction and
//! extrapolation", 2012, eq. 4b), and new things that came up in the same window count as one
//! discovery, as they would be one alarm. With m windows, Q1 discoveries of which nothing was seen in
//! another window, and Q2 items seen in exactly two, the number of discoveries to be expected in the
//! next window is
//!
//! ```text
//! Q1 / m * (m - 1) Q1 / ((m - 1) Q1 + 2 Q2)                      if Q2 > 0
//! Q1 / m * (m - 1) (Q1 - 1) / ((m - 1) (Q1 - 1) + 2)             if Q2 = 0
//! ```
//!
//! A class is *saturated* when that is nothing worth mentioning for the cell's budget, and there were
//! [`LEAST_WINDOWS`]. Windows of a start do not count: what happens at each start was seen at one, and
//! comes back at the next.
//! Floor 0, pure.

use super::class::Class;
use super::items::{
    Item,
    Items, //
};
use core::ops::Deref;

/// With fewer windows the estimator says nothing: it is 0 where nothing has come up yet, as in a class
/// that is not given the time. After m windows without a discovery the chance of one in the next may
/// still be 3 / m (Hanley and Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA
/// 1983; 95 % confidence), in more than one of seven windows below this many.
pub const LEAST_WINDOWS: u32 = 20;

/// What is known about the growth of a class.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::{Class, Domain};
/// use kis_core::sense::items::{Item, Items};
/// use kis_core::sense::novelty::Novelty;
///
/// let mut items = Items::new(vec![Item::NONE; 8], vec![0; 100]);
/// for window in 0..60 {
///     items.note(Class::Peer, Domain::User, b"tcp 127.0.0.1:9000", window, false);
/// }
/// assert!(Novelty::of(&items, Class::Peer, 60).is_saturated());
/// for window in [5, 20, 40] {
///     items.note(Class::Peer, Domain::User, &[window], window.into(), false);
/// }
/// let growing = Novelty::of(&items, Class::Peer, 60);
/// assert!(!growing.is_saturated() && growing.per_million() == 49_166);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Novelty {
    /// Windows learned, those of a start left out.
    pub windows: u32,
    /// Items.
    pub items: u32,
    /// Windows in which something came up that came up in no other: Q1.
    pub once: u32,
    /// Items that came up in exactly two windows: Q2.
    pub twice: u32,
    /// Items that found no room.
    pub lost: u32,
}

impl Novelty {
    /// That of a class, after so many windows.
    pub fn of<I, N>(items: &Items<I, N>, class: Class, windows: u32) -> Self
    where
        I: Deref<Target = [Item]>,
        N: Deref<Target = [u8]>,
    {
        let mut novelty = Self {
            windows,
            lost: items.lost(class),
            ..Self::default()
        };
        // A bit for each window, as far as there is room: of 2,048 items at most as many are set,
        // so two in one is rare, and makes the estimate lower by one.
        let mut seen = [0u64; 32];
        for item in items.all().iter().filter(|item| item.class == class) {
            novelty.items = novelty.items.saturating_add(1);
            match (item.count.windows, item.count.starts) {
                (1, 0) => {
                    let place = item.count.first % 2048;
                    if let Some(word) = seen.get_mut((place / 64) as usize) {
                        *word |= 1 << (place % 64);
                    }
                }
                (2, 0) => novelty.twice = novelty.twice.saturating_add(1),
                _ => {}
            }
        }
        let bits = seen.iter().map(|word| word.count_ones());
        novelty.once = bits.fold(0, u32::saturating_add);
        novelty
    }

    /// Discoveries to be expected in a million windows.
    pub const fn per_million(&self) -> u64 {
        let (m, once, twice) = (self.windows as u64, self.once as u64, self.twice as u64);
        if m == 0 {
            return 1_000_000;
        }
        // In a repertoire these are below 2^20, 2^11 and 2^11, so nothing saturates.
        let less = m.saturating_sub(1);
        let (weight, rest) = if twice > 0 {
            (less.saturating_mul(once), twice.saturating_mul(2))
        } else {
            (less.saturating_mul(once.saturating_sub(1)), 2)
        };
        if weight == 0 {
            return 0;
        }
        let rate = once.saturating_mul(1_000_000) / m;
        rate.saturating_mul(weight) / weight.saturating_add(rest)
    }

    /// Whether too few windows were learned to say anything of the class.
    pub const fn is_unknown(&self) -> bool {
        self.windows < LEAST_WINDOWS
    }

    /// Whether something new would be a surprise. Also when nothing of the class ever came up. Not when
    /// some found no room: those are strangers that the self should know.
    pub const fn is_saturated(&self) -> bool {
        !self.is_unknown() && self.lost == 0 && self.per_million() == 0
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_novelty))]
mod tests {
    use super::*;
    use crate::sense::class::Domain;

    fn with(seen: &[(u8, u32, bool)], windows: u32) -> Novelty {
        let (mut room, mut names) = ([Item::NONE; 12], [0u8; 12]);
        let mut items = Items::new(&mut room[..], &mut names[..]);
        for (name, window, start) in seen {
            items.note(Class::Peer, Domain::User, &[*name], *window, *start);
        }
        Novelty::of(&items, Class::Peer, windows)
    }

    #[test]
    fn novelty_of_a_class_in_which_nothing_happens_is_none() {
        assert!(with(&[], 60).is_saturated());
        assert!(with(&[], LEAST_WINDOWS).is_saturated());
        for few in [0, 1, LEAST_WINDOWS - 1] {
            assert!(with(&[], few).is_unknown() && !with(&[], few).is_saturated());
        }
        assert_eq!(with(&[], 0).per_million(), 1_000_000);
    }

    #[test]
    fn novelty_counts_what_comes_together_once() {
        let together = with(&[(1, 7, false), (2, 7, false), (3, 7, false)], 60);
        assert_eq!((together.once, together.items), (1, 3));
        assert!(together.is_saturated());
        let apart = with(&[(1, 7, false), (2, 8, false), (3, 9, false)], 60);
        assert_eq!(apart.once, 3);
        assert!(!apart.is_saturated());
    }

    #[test]
    fn novelty_leaves_out_what_belongs_to_a_start() {
        let starts = with(
            &[(1, 0, true), (2, 1, true), (3, 2, true), (1, 9, false)],
            60,
        );
        assert_eq!((starts.once, starts.twice), (0, 0));
        assert!(starts.is_saturated());
    }

    #[test]
    fn novelty_follows_the_estimator() {
        let once = [(1, 1, false), (2, 2, false), (3, 3, false), (4, 4, false)];
        // 4/100 * 99*3 / (99*3 + 2)
        assert_eq!(with(&once, 100).per_million(), 39_732);
        let mut both = [(0, 0, false); 6];
        both[..4].copy_from_slice(&once);
        both[4] = (5, 5, false);
        both[5] = (5, 6, false);
        // 4/100 * 99*4 / (99*4 + 2)
        assert_eq!(with(&both, 100).per_million(), 39_798);
    }

    #[test]
    fn novelty_is_not_saturated_where_something_found_no_room() {
        let mut novelty = with(&[], 60);
        assert!(novelty.is_saturated());
        novelty.lost = 1;
        assert!(!novelty.is_saturated());
    }
}
