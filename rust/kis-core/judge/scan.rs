// SPDX-License-Identifier: GPL-2.0

//! What is done about a scan.
//!
//! | source | officer gave a time | mode | decided | done |
//! |---|---|---|---|---|
//! | many, the host itself, or a network of IPv6 | | | tell | |
//! | without a handshake | | | tell | |
//! | with one | no | | tell | |
//! | with one | yes | observe | ban | no |
//! | with one | yes | enforce | ban | yes |
//!
//! An address that has not completed a handshake lately may be forged. A ban would hit whomever the
//! forger chose, so there is none, whatever the officer says. That a handshake was completed does not
//! say that these packets came from there: see the threat model. Floor 0, pure.

use crate::judge::ban;
use crate::matching::scans::Scan;
use crate::sense::peers::network;
use crate::wire::abi::{
    Action,
    Mode,
    ScanKind, //
};

/// What is done about a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What was decided: to tell only, or to ban as well.
    pub action: Action,
    /// Whether it is carried out.
    pub apply: bool,
}

impl Answer {
    /// Decides, for a time of a ban in seconds that the officer has given, or 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use kis_core::judge::ban::v4;
    /// use kis_core::judge::scan::Answer;
    /// use kis_core::matching::scans::Scan;
    /// use kis_core::wire::abi::{Action, Mode, ScanKind};
    ///
    /// let scan = Scan { source: v4([192, 0, 2, 7]), ..Scan::none(ScanKind::Syn) };
    /// assert!(Answer::to(&scan, 600, Mode::Enforce).action.is_pass());
    /// let known = Scan { is_spoofable: false, ..scan };
    /// assert_eq!(Answer::to(&known, 600, Mode::Enforce).action, Action::BAN);
    /// ```
    pub fn to(scan: &Scan, ban_s: u32, mode: Mode) -> Self {
        let is_somebody = scan.kind != ScanKind::Distributed
            && scan.source != scan.target
            && !ban::is_own(&scan.source);
        // In a network that counts as one somebody else may have done it.
        let is_somebody = is_somebody && network(&scan.source) == scan.source;
        if ban_s == 0 || scan.is_spoofable || !is_somebody {
            return Self {
                action: Action::PASS,
                apply: false,
            };
        }
        Self {
            action: Action::BAN,
            apply: mode == Mode::Enforce,
        }
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_scan_answer))]
mod tests {
    use super::*;
    use crate::judge::ban::v4;

    #[test]
    fn nobody_is_banned_whose_address_may_be_forged() {
        let here = v4([198, 51, 100, 1]);
        let there = v4([192, 0, 2, 7]);
        let (syn, all) = (ScanKind::Syn, ScanKind::Distributed);
        for (kind, source, is_spoofable, ban_s, mode, want) in [
            (syn, there, false, 600, Mode::Enforce, (Action::BAN, true)),
            (syn, there, false, 600, Mode::Observe, (Action::BAN, false)),
            (syn, there, false, 0, Mode::Enforce, (Action::PASS, false)),
            (syn, there, true, 600, Mode::Enforce, (Action::PASS, false)),
            (syn, here, false, 600, Mode::Enforce, (Action::PASS, false)),
            (
                syn,
                v4([127, 0, 0, 1]),
                false,
                600,
                Mode::Enforce,
                (Action::PASS, false),
            ),
            (all, there, false, 600, Mode::Enforce, (Action::PASS, false)),
            (
                syn,
                [0x20; 16],
                false,
                600,
                Mode::Enforce,
                (Action::PASS, false),
            ),
        ] {
            let scan = Scan {
                source,
                target: here,
                is_spoofable,
                ..Scan::none(kind)
            };
            let answer = Answer::to(&scan, ban_s, mode);
            assert_eq!((answer.action, answer.apply), want);
        }
    }
}
