// SPDX-License-Identifier: GPL-2.0

//! Danger signals that have ended. Floor 0, pure.

table! {
    /// Which danger signals have ended.
    Calm {
        /// 1 if signal one has.
        one: u32,
        /// 1 if signal two has.
        two: u32,
    }
}
