// SPDX-License-Identifier: GPL-2.0

//! Signatures: their image, the automaton, and what is remembered of a stream.

mod automaton;
pub mod delivery;
pub mod grammar;
pub mod lead;
pub mod piece;
pub mod progress;
mod section;
pub mod signatures;
pub mod stream;
pub mod told;
