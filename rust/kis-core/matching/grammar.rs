// SPDX-License-Identifier: GPL-2.0

//! The protocols that the matcher follows, each a machine that reads a stream in any slices.

pub mod http;
pub mod uri;
