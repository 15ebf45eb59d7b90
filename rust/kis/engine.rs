// SPDX-License-Identifier: GPL-2.0

//! The state of the module: owns the organs, and has no behaviour of its own.
//!
//! Floor 4. What happens at a hook is in `hooks.rs`, at a tick in `tick.rs`, at a request of the
//! officer in `control.rs`.

use crate::{
    cells::table::Table,
    control::{export::Export, upload::Upload},
    scribe::Scribe,
    sys::published::Published,
    t_helper::Helper,
    t_killer::Killer,
};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};
use kis_core::wire::abi::Mode;

/// The state of the module.
#[pin_data]
pub(crate) struct Engine {
    /// The cells in force.
    #[pin]
    pub(crate) cells: Published<Table>,
    /// The T-helper.
    #[pin]
    pub(crate) helper: Helper,
    /// The T-killer.
    #[pin]
    pub(crate) killer: Killer,
    /// The upload that stands.
    #[pin]
    pub(crate) upload: Mutex<Option<Upload>>,
    /// The profile that is being read.
    #[pin]
    pub(crate) export: Mutex<Option<Export>>,
    /// Held while the configuration is changed, so that changes come one after the other.
    #[pin]
    pub(crate) changing: Mutex<()>,
    mode: AtomicU32,
    /// When the module was loaded, ns of `CLOCK_MONOTONIC`.
    pub(crate) loaded_ns: u64,
    /// How often windows were looked at; written by the ticker only.
    pub(crate) ticks: AtomicU64,
    /// Time that this took, ns; written by the ticker only.
    pub(crate) ticker_ns: AtomicU64,
}

impl Engine {
    /// No cells, no signatures, observing.
    pub(crate) fn new(scribe: Scribe, loaded_ns: u64) -> Result<Arc<Self>> {
        let scribe = Arc::new(scribe, GFP_KERNEL)?;
        Arc::pin_init(
            try_pin_init!(Self {
                cells <- Published::new(),
                helper <- Helper::new(),
                killer <- Killer::new(scribe),
                upload <- new_mutex!(None, "kis::Engine::upload"),
                export <- new_mutex!(None, "kis::Engine::export"),
                changing <- new_mutex!((), "kis::Engine::changing"),
                mode: AtomicU32::new(Mode::Observe as u32),
                loaded_ns,
                ticks: AtomicU64::new(0),
                ticker_ns: AtomicU64::new(0),
            }? Error),
            GFP_KERNEL,
        )
    }

    /// The mode of all cells that inherit it.
    #[inline]
    pub(crate) fn mode(&self) -> Mode {
        if self.mode.load(Ordering::Relaxed) == Mode::Enforce as u32 {
            Mode::Enforce
        } else {
            Mode::Observe
        }
    }

    /// Sets it.
    pub(crate) fn set_mode(&self, mode: Mode) {
        self.mode.store(mode as u32, Ordering::Relaxed);
    }
}
