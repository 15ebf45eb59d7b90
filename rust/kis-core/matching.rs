// SPDX-License-Identifier: GPL-2.0

//! What the T-helper knows: signatures (their image, what finds them, what is remembered of a stream), and
//! scans.

mod automaton;
pub mod delivery;
pub mod evidence;
pub mod grammar;
pub mod lead;
pub mod piece;
pub mod ports;
pub mod progress;
pub mod request;
pub mod scans;
pub mod scope;
pub mod scoped;
mod section;
pub mod signatures;
pub mod stream;
pub mod term;
pub mod threshold;
pub mod told;
