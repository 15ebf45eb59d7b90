// SPDX-License-Identifier: GPL-2.0

//! Clocks, in nanoseconds. Callable in any context but NMI.

use super::bindings;

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub(crate) fn monotonic_ns() -> u64 {
    // SAFETY: reads a clock; no requirements.
    unsafe { bindings::kis_helper_monotonic_ns() }
}

/// Nanoseconds of `CLOCK_REALTIME`.
pub(crate) fn realtime_ns() -> u64 {
    // SAFETY: reads a clock; no requirements.
    unsafe { bindings::kis_helper_realtime_ns() }
}
