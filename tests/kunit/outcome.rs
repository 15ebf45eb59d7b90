// SPDX-License-Identifier: GPL-2.0

//! What hooks answer (`sys::hooks`).

#[kernel::macros::kunit_tests(kis_outcome)]
mod tests {
    use crate::sys::hooks::{Later, Outcome};
    use kernel::prelude::*;

    #[test]
    fn a_denial_is_an_errno_and_nothing_else() {
        assert_eq!(Outcome::PASS.raw(), 0);
        assert!(!Outcome::PASS.denies());
        for (error, errno) in [(EPERM, 1), (EACCES, 13), (ECONNRESET, 104)] {
            assert!(Outcome::deny(error).denies());
            assert_eq!(Outcome::deny(error).raw(), errno);
        }
    }

    #[test]
    fn what_is_done_later_denies_nothing() {
        for later in [Later::Pause(u32::MAX), Later::Freeze, Later::Kill] {
            assert!(!Outcome::PASS.and_later(later).denies());
            let denied = Outcome::deny(EPERM).and_later(later);
            assert_eq!(denied.raw() & 0xffff, 1);
            assert_eq!(denied.raw() & !0xffff, Outcome::PASS.and_later(later).raw());
        }
    }

    #[test]
    fn of_two_pauses_the_longer_one_counts() {
        for (first, second) in [(5, 7), (7, 5), (7, 7)] {
            let pause = |ms| Later::Pause(ms);
            let outcome = Outcome::PASS
                .and_later(pause(first))
                .and_later(pause(second));
            assert_eq!(outcome.raw(), 7 << 16);
        }
        let all = Outcome::PASS
            .and_later(Later::Kill)
            .and_later(Later::Freeze)
            .and_later(Later::Pause(1));
        assert_eq!(all.raw(), (1 << 48) | (1 << 49) | (1 << 16));
    }
}
