// SPDX-License-Identifier: GPL-2.0

//! Signatures: their image, the automaton, and what is remembered of a stream.

mod automaton;
pub mod delivery;
mod section;
pub mod signatures;
pub mod stream;
