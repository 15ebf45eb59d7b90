// SPDX-License-Identifier: GPL-2.0

//! What a cell's behaviour is measured by, and what is learned of it.

pub mod bound;
pub mod budget;
pub mod detector;
pub mod detectors;
pub mod deviation;
pub mod param;
pub mod phase;
pub mod profile;
pub mod repertoire;
pub mod stats;
pub mod thresholds;
pub mod window;
