// SPDX-License-Identifier: GPL-2.0

//! Packets on their way to local sockets, of every network namespace.

use super::{
    bindings,
    served::{Lease, Served},
    sock::mapped,
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

/// A packet of no connection that there is.
pub(crate) struct Packet {
    /// Where it says that it comes from, IPv4 mapped.
    pub(crate) source: [u8; 16],
    /// The address of this host that it goes to.
    pub(crate) target: [u8; 16],
    /// The port there.
    pub(crate) source_port: u16,
    /// The port here.
    pub(crate) port: u16,
    /// Of TCP the flags; `None` for UDP.
    pub(crate) flags: Option<u8>,
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
    // SAFETY: at LOCAL_IN the stack has checked and pulled the network header
    // (`ip_rcv_core()`, `ip6_rcv_core()`).
    let header = unsafe { bindings::kis_helper_skb_network_header(skb) };
    let peer = if v4 {
        // SAFETY: as above; `saddr` is in the fixed part of the header, maybe unaligned.
        let saddr = unsafe {
            (&raw const (*header.cast::<bindings::iphdr>())
                .__bindgen_anon_1
                .__bindgen_anon_1
                .saddr)
                .read_unaligned()
        };
        mapped(u32::from_be(saddr))
    } else {
        // SAFETY: as above.
        unsafe {
            (&raw const (*header.cast::<bindings::ipv6hdr>())
                .__bindgen_anon_1
                .__bindgen_anon_1
                .saddr)
                .cast::<[u8; 16]>()
                .read_unaligned()
        }
    };
    if object.drops(&peer) {
        return bindings::NF_DROP;
    }
    if object.watches() {
        look(object, skb, v4);
    }
    bindings::NF_ACCEPT
}

/// Looks at a packet that nobody drops. A frame of its own.
#[inline(never)]
fn look<T: PacketFilter>(object: &T, skb: *mut bindings::sk_buff, v4: bool) {
    // SAFETY: a struct of numbers, for which all-zero is valid.
    let mut packet: bindings::kis_packet = unsafe { core::mem::zeroed() };
    // SAFETY: called by `packet()` only, with netfilter's packet at LOCAL_IN: its network header is
    // checked and pulled, it has a device, and we run under RCU (`nf_hook()`).
    let is = unsafe { bindings::kis_helper_packet_is(skb, v4, &mut packet) };
    // CAST: two small numbers.
    let (stray, shakes) = (
        bindings::KIS_PACKET_STRAY as ffi::c_int,
        bindings::KIS_PACKET_SHAKES as ffi::c_int,
    );
    let bytes = |address: &bindings::in6_addr| {
        // SAFETY: all forms of an address are its bytes.
        unsafe { address.in6_u.u6_addr8 }
    };
    if is == shakes {
        object.shakes(&bytes(&packet.source));
    }
    if is != stray {
        return;
    }
    let seen = Packet {
        source: bytes(&packet.source),
        target: bytes(&packet.target),
        source_port: packet.source_port,
        port: packet.port,
        flags: (u32::from(packet.proto) == bindings::IPPROTO_TCP).then_some(packet.flags),
    };
    object.stray(&seen, || {
        // SAFETY: as above; `packet` was filled in for this packet.
        unsafe { bindings::kis_helper_packet_is_heard(skb, v4, &packet) }
    });
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
