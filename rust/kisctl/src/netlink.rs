// SPDX-License-Identifier: GPL-2.0

//! Generic netlink, as much of it as KIS needs.

pub mod attribute;
pub mod socket;
