// SPDX-License-Identifier: GPL-2.0

//! Random numbers that nobody can guess. Callable in any context but NMI.

use super::bindings;

/// A random number.
pub(crate) fn number() -> u64 {
    // SAFETY: no requirements.
    unsafe { bindings::get_random_u64() }
}

/// A new key of 128 bits for a keyed hash. Who hashes keeps it.
pub(crate) fn key() -> [u64; 2] {
    [number(), number()]
}
