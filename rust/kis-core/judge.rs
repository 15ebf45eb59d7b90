// SPDX-License-Identifier: GPL-2.0

//! From a finding to what is done about it: verdicts, and bans.

pub mod ban;
pub mod finding;
pub mod scan;
pub mod verdict;
