// SPDX-License-Identifier: GPL-2.0

//! Signatures: their image, what finds them, and what is remembered of a stream.

mod automaton;
pub mod delivery;
pub mod evidence;
pub mod grammar;
pub mod lead;
pub mod piece;
pub mod progress;
pub mod request;
pub mod scope;
pub mod scoped;
mod section;
pub mod signatures;
pub mod stream;
pub mod term;
pub mod told;
