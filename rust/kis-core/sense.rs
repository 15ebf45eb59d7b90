// SPDX-License-Identifier: GPL-2.0

//! What a cell's behaviour is measured by, and what is learned of it.

pub mod bound;
pub mod budget;
pub mod class;
pub mod course;
pub mod detector;
pub mod detectors;
pub mod deviation;
pub mod endpoint;
pub mod expectation;
pub mod fixed;
pub mod habit;
pub mod items;
pub mod key;
pub mod known;
pub mod novelty;
pub mod param;
pub mod peers;
pub mod phase;
pub mod profile;
pub mod repertoire;
pub mod running;
pub mod sighting;
pub mod sketch;
pub mod spread;
pub mod stats;
pub mod stretch;
pub mod stretches;
pub mod tail;
pub mod thresholds;
pub mod total;
pub mod traffic;
pub mod trial;
pub mod window;
pub mod words;
