// SPDX-License-Identifier: GPL-2.0

//! Unit tests of the module's floors 1 to 3, a file a subject.
//!
//! Part of `kis.ko` only when it is built with `KIS_KUNIT=1`; they run when that is loaded, with
//! the module itself in force beside them. Floor 0 has its tests in its own files.

mod address;
mod cell;
mod gauge;
mod outcome;
mod pages;
mod published;
mod served;
mod table;
mod upload;
