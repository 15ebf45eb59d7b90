// SPDX-License-Identifier: GPL-2.0

//! KIS, the Linux Kernel Immune System: module metadata and the order of setting up and down.

use kernel::{prelude::*, sync::Arc};

mod apc;
mod armoury;
mod bans;
mod cells;
mod contact;
mod control;
mod engine;
mod hooks;
mod image;
mod scans;
mod scribe;
mod sight;
mod sink;
mod sys;
mod t_helper;
mod t_killer;
mod tick;

// In the tests' own directory: a build of the module for them is the only one that has them.
#[cfg(CONFIG_KIS_KUNIT_TEST)]
#[path = "../../tests/kunit/kunit.rs"]
mod kunit;

use engine::Engine;
use scribe::Scribe;
use sink::Sink;

module! {
    type: Kis,
    name: "kis",
    authors: ["The KIS authors"],
    description: "Kernel Immune System",
    license: "GPL",
}

/// Everything that is registered. The order of the fields is that of taking down: first nobody can
/// ask any more, then nothing is done any more, then the state goes.
struct Kis {
    _device: sys::device::Device<Sink>,
    _family: sys::netlink::Family<Engine>,
    _ticker: sys::ticker::Ticker<Engine>,
    _filter: sys::netfilter::Filter<Engine>,
    _hooks: sys::hooks::Attachment<Engine>,
    _engine: Arc<Engine>,
}

impl kernel::Module for Kis {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let sink = Arc::new(Sink::new()?, GFP_KERNEL)?;
        let engine = Engine::new(Scribe::new(sink.clone()), sys::clock::monotonic_ns())?;
        let hooks = sys::hooks::Attachment::new(engine.clone()).inspect_err(|e| {
            pr_err!("{}\n", sys::hooks::why(*e));
        })?;
        let filter = sys::netfilter::Filter::new(engine.clone())?;
        let ticker = sys::ticker::Ticker::new(engine.clone(), 0)?;
        let family = sys::netlink::Family::new(engine.clone())?;
        // Last: who opens it keeps the module, which must not fail to load after that.
        let device = sys::device::Device::new(sink, c"kis", module)?;
        pr_info!("loaded, ABI {}, observing\n", kis_core::wire::abi::ABI);
        Ok(Self {
            _device: device,
            _family: family,
            _ticker: ticker,
            _filter: filter,
            _hooks: hooks,
            _engine: engine,
        })
    }
}

impl Drop for Kis {
    fn drop(&mut self) {
        pr_info!("unloaded\n");
    }
}
