// SPDX-License-Identifier: GPL-2.0

//! Packets on their way to local sockets, of every network namespace.

use super::{
    bindings,
    packet::{Incoming, Packet, Standing},
    served::{Lease, Served},
};
use core::{cell::UnsafeCell, ffi::c_void, ptr};
use kernel::{error::to_result, ffi, prelude::*, sync::Arc};

/// Decides about packets by the address they claim to come from.
pub(crate) trait PacketFilter: Send + Sync + 'static {
    /// Whether packets from `peer` (IPv4 mapped) are dropped. Atomic, softirq.
    fn drops(&self, peer: &[u8; 16]) -> bool;

    /// Whether packets of no connection are looked at: asked for each packet. Atomic, softirq.
    fn watches(&self) -> bool;

    /// `peer` has completed a handshake. Atomic, softirq.
    fn shakes(&self, peer: &[u8; 16]);

    /// A packet of no connection has come; `is_heard` says whether somebody listens where it goes, which
    /// costs a lookup. Atomic, softirq.
    fn stray(&self, packet: &Packet, is_heard: impl FnOnce() -> bool);
}

static SERVED: Served = Served::new();

/// Tables that the kernel writes to while they are registered.
struct Tables {
    hooks: UnsafeCell<[bindings::nf_hook_ops; 2]>,
    net: UnsafeCell<bindings::pernet_operations>,
}

// SAFETY: `hooks` is only read by the kernel; `net` is written by `Filter::new()`, which the lease
// lets run once at a time, and by the kernel under its own lock.
unsafe impl Sync for Tables {}

static TABLES: Tables = Tables {
    // SAFETY: all-zero is valid for these structs of numbers, pointers and optional functions.
    hooks: UnsafeCell::new(unsafe { core::mem::zeroed() }),
    // SAFETY: as above.
    net: UnsafeCell::new(unsafe { core::mem::zeroed() }),
};

/// # Safety
///
/// Called by netfilter with a packet whose network header is in place.
unsafe extern "C" fn packet<T: PacketFilter>(
    _priv: *mut c_void,
    skb: *mut bindings::sk_buff,
    state: *const bindings::nf_hook_state,
) -> ffi::c_uint {
    // SAFETY: netfilter hooks are unregistered, and waited for, before the lease ends.
    let Some(object) = (unsafe { SERVED.get::<T>() }) else {
        return bindings::NF_ACCEPT;
    };
    // SAFETY: netfilter passes its own state object (`include/linux/netfilter.h`).
    let v4 = u32::from(unsafe { (*state).pf }) == bindings::NFPROTO_IPV4;
    // SAFETY: the hooks are registered at LOCAL_IN only, for these two families.
    let Some(incoming) = (unsafe { Incoming::from_raw(skb, v4) }) else {
        return bindings::NF_ACCEPT;
    };
    if object.drops(&incoming.way().source) {
        return bindings::NF_DROP;
    }
    if object.watches() {
        match incoming.standing() {
            Standing::Known => {}
            Standing::Shakes => object.shakes(&incoming.way().source),
            Standing::Stray(packet) => object.stray(&packet, || incoming.is_heard(&packet)),
        }
    }
    bindings::NF_ACCEPT
}

/// Registers or unregisters the hooks of a network namespace.
///
/// # Safety
///
/// Only the kernel calls this, between registration and its end.
unsafe extern "C" fn net_init(net: *mut bindings::net) -> ffi::c_int {
    // SAFETY: the tables are filled in before the registration that calls this.
    unsafe { bindings::nf_register_net_hooks(net, TABLES.hooks.get().cast(), 2) }
}

/// Registers or unregisters the hooks of a network namespace.
///
/// # Safety
///
/// Only the kernel calls this, between registration and its end.
unsafe extern "C" fn net_exit(net: *mut bindings::net) {
    // SAFETY: registered by `net_init()`.
    unsafe { bindings::nf_unregister_net_hooks(net, TABLES.hooks.get().cast(), 2) };
}

/// Packets are filtered while it lives.
pub(crate) struct Filter<T: PacketFilter> {
    _lease: Lease<T>,
}

impl<T: PacketFilter> Filter<T> {
    /// Registers the filter first in line at LOCAL_IN, for IPv4 and IPv6. May sleep.
    pub(crate) fn new(object: Arc<T>) -> Result<Self> {
        let lease = SERVED.lend(object)?;
        for (i, pf) in [bindings::NFPROTO_IPV4, bindings::NFPROTO_IPV6]
            .into_iter()
            .enumerate()
        {
            // SAFETY: nothing is registered, so nobody reads the table; `i` is 0 or 1.
            let hook = unsafe { &mut (*TABLES.hooks.get())[i] };
            hook.hook = Some(packet::<T>);
            hook.pf = pf as u8;
            hook.hooknum = bindings::nf_inet_hooks_NF_INET_LOCAL_IN;
            hook.priority = i32::MIN;
        }
        // SAFETY: as above.
        let net = unsafe { &mut *TABLES.net.get() };
        net.init = Some(net_init);
        net.exit = Some(net_exit);
        // SAFETY: the tables are static; the module unregisters them before it goes.
        to_result(unsafe { bindings::register_pernet_subsys(ptr::from_mut(net)) })?;
        Ok(Self { _lease: lease })
    }
}

impl<T: PacketFilter> Drop for Filter<T> {
    fn drop(&mut self) {
        // SAFETY: registered in `new()`; this waits for packets in flight.
        unsafe { bindings::unregister_pernet_subsys(TABLES.net.get()) };
    }
}
