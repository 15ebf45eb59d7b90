// SPDX-License-Identifier: GPL-2.0

//! Control, configuration and alerts of the Kernel Immune System.
//!
//! Floor 4 of the house: it uses `kis_core` and speaks to the module over generic netlink and
//! `/dev/kis`. A file for each command in [`cmd`]; unsafe code in [`sys`] only. It is a library so
//! that tests and fuzzers reach its parts; nothing else depends on it.

#![deny(unsafe_code)]

pub mod args;
pub mod capture;
pub mod cell_file;
pub mod cmd;
pub mod compile;
pub mod configuration;
pub mod control;
pub mod device;
pub mod document;
pub mod duration;
pub mod error;
pub mod event;
pub mod files;
pub mod ignored;
pub mod import;
pub mod input;
pub mod item;
pub mod netlink;
pub mod output;
pub mod place;
pub mod profile_file;
pub mod readiness;
pub mod schema;
pub mod signature_file;
#[expect(unsafe_code, reason = "the floor of kisctl that calls the kernel")]
pub mod sys;
pub mod terminal;
pub mod text;
pub mod transport;
pub mod trial;
pub mod uapi;
pub mod version;
pub mod view;

pub use cmd::run;
