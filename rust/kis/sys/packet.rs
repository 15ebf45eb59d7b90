// SPDX-License-Identifier: GPL-2.0

//! A packet on its way to a local socket.

use super::bindings;
use core::{marker::PhantomData, ptr::NonNull};
use kernel::ffi;
use kis_core::matching::scans::header::{Ports, Segment, Way};

/// A packet of no connection that there is.
pub(crate) struct Packet {
    /// Where it comes from and goes to.
    pub(crate) way: Way,
    /// Between which ports.
    pub(crate) ports: Ports,
    /// Of TCP the flags; `None` for UDP.
    pub(crate) flags: Option<u8>,
}

/// What a packet is to this host.
pub(super) enum Standing {
    /// Of a connection, or of no interest.
    Known,
    /// The last of a handshake.
    Shakes,
    /// Of no connection.
    Stray(Packet),
}

/// A packet at `LOCAL_IN`.
///
/// # Invariants
///
/// The pointer is valid for `'a`, in which this is an RCU read section. The packet has a device, and an
/// IPv4 (`v4`) or IPv6 header that is checked and in its linear part (`ip_rcv_core()`, `ip6_rcv_core()`).
pub(super) struct Incoming<'a> {
    raw: NonNull<bindings::sk_buff>,
    v4: bool,
    life: PhantomData<&'a ()>,
}

/// A reference to the socket of a connection, which may be a small one.
struct Connection(NonNull<bindings::sock>);

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the lookup took the reference; it works for small ones too.
        unsafe { bindings::sock_gen_put(self.0.as_ptr()) };
    }
}

/// An address as the kernel has it.
fn in6(address: [u8; 16]) -> bindings::in6_addr {
    bindings::in6_addr {
        in6_u: bindings::in6_addr__bindgen_ty_1 { u6_addr8: address },
    }
}

/// The IPv4 address, in host order, of a mapped one.
fn in4(address: [u8; 16]) -> u32 {
    let [.., a, b, c, d] = address;
    u32::from_be_bytes([a, b, c, d])
}

impl Incoming<'_> {
    /// Wraps a packet; `None` for null.
    ///
    /// # Safety
    ///
    /// `raw` is null or a packet that netfilter passes at `LOCAL_IN`, of IPv4 if `v4` and else of IPv6.
    pub(super) unsafe fn from_raw(raw: *mut bindings::sk_buff, v4: bool) -> Option<Self> {
        // INVARIANT: by the requirement; netfilter calls its hooks under RCU (`nf_hook()`).
        NonNull::new(raw).map(|raw| Self {
            raw,
            v4,
            life: PhantomData,
        })
    }

    /// Where it comes from and goes to.
    #[inline]
    pub(super) fn way(&self) -> Way {
        // SAFETY: the packet is live.
        let header = unsafe { bindings::kis_helper_skb_network_header(self.raw.as_ptr()) };
        if self.v4 {
            // SAFETY: the fixed part of the header is there by the invariant; bytes need no alignment.
            Way::v4(unsafe { &*header.cast() })
        } else {
            // SAFETY: as above.
            Way::v6(unsafe { &*header.cast() })
        }
    }

    /// `N` bytes of it from an offset on; `None` where it is shorter.
    fn bytes<const N: usize>(&self, at: ffi::c_int) -> Option<[u8; N]> {
        let mut out = [0; N];
        // CAST: a small number.
        let len = N as ffi::c_int;
        // SAFETY: the packet is live, `out` has room for `len` bytes; offsets are checked there.
        let failed =
            unsafe { bindings::skb_copy_bits(self.raw.as_ptr(), at, out.as_mut_ptr().cast(), len) };
        (failed == 0).then_some(out)
    }

    /// The protocol of what it carries and where that begins; `None` for a fragment, or what cannot be read.
    fn content(&self, way: &Way) -> Option<(u8, ffi::c_int)> {
        let skb = self.raw.as_ptr();
        let mut protocol = way.protocol;
        // SAFETY: the packet is live.
        let start = unsafe { bindings::kis_helper_skb_network_offset(skb) };
        // CAST: at most 60.
        let at = start + way.length as ffi::c_int;
        if self.v4 {
            return (!way.is_fragment).then_some((protocol, at));
        }
        let mut fragment = 0;
        // SAFETY: as above; the two others are ours.
        let at = unsafe { bindings::ipv6_skip_exthdr(skb, at, &mut protocol, &mut fragment) };
        let is_first = u16::from_be(fragment) & 0xfff8 == 0;
        (at >= 0 && is_first).then_some((protocol, at))
    }

    /// The connection that a segment is of.
    fn connection(&self, way: &Way, ports: Ports) -> Option<Connection> {
        let (skb, from, to) = (self.raw.as_ptr(), ports.source, ports.target);
        let (source, target) = (way.source, way.target);
        NonNull::new(if self.v4 {
            // SAFETY: the packet is live and has a device.
            unsafe { bindings::kis_helper_connection_v4(skb, in4(source), from, in4(target), to) }
        } else {
            // SAFETY: as above.
            unsafe { bindings::kis_helper_connection_v6(skb, &in6(source), from, &in6(target), to) }
        })
        .map(Connection)
    }

    /// What it is to this host.
    ///
    /// One of a connection has its socket already (early demux) and costs a load; without that a lookup
    /// says so.
    #[inline(never)]
    pub(super) fn standing(&self) -> Standing {
        let skb = self.raw.as_ptr();
        // SAFETY: the packet is live and has a device.
        if unsafe { bindings::kis_helper_skb_has_connection(skb) } {
            return Standing::Known;
        }
        // In a namespace of his own anybody can be any address.
        // SAFETY: as above.
        if !unsafe { bindings::kis_helper_skb_is_from_afar(skb) } {
            return Standing::Known;
        }
        let way = self.way();
        let Some((protocol, at)) = self.content(&way) else {
            return Standing::Known;
        };
        // SAFETY: as above; the packet holds its socket.
        let request = NonNull::new(unsafe { bindings::kis_helper_skb_sk(skb) });
        match u32::from(protocol) {
            bindings::IPPROTO_UDP if request.is_none() => self.bytes::<8>(at).map(|header| {
                let [a, b, c, d, ..] = header;
                Standing::Stray(Packet {
                    way,
                    ports: Ports::new([a, b, c, d]),
                    flags: None,
                })
            }),
            bindings::IPPROTO_TCP => self.bytes(at).map(|header| {
                let segment = Segment::new(&header);
                self.of_segment(way, &segment, request)
            }),
            _ => None,
        }
        .unwrap_or(Standing::Known)
    }

    /// What a segment is; `request` is the socket that early demux has found.
    fn of_segment(
        &self,
        way: Way,
        segment: &Segment,
        request: Option<NonNull<bindings::sock>>,
    ) -> Standing {
        let found = match request {
            None if !segment.is_request() => self.connection(&way, segment.ports),
            _ => None,
        };
        let Some(sk) = request.or(found.as_ref().map(|connection| connection.0)) else {
            return Standing::Stray(Packet {
                way,
                ports: segment.ports,
                flags: Some(segment.flags),
            });
        };
        let sk = sk.as_ptr();
        // SAFETY: the packet or `found` holds the socket.
        let shakes = unsafe { bindings::kis_helper_sk_is_request(sk) }
            // SAFETY: as above; it is a request.
            && segment.shakes(unsafe { bindings::kis_helper_request_number(sk) });
        if shakes {
            Standing::Shakes
        } else {
            Standing::Known
        }
    }

    /// Whether somebody listens where it goes, a packet of no connection. Takes no reference.
    pub(super) fn is_heard(&self, packet: &Packet) -> bool {
        let skb = self.raw.as_ptr();
        let (from, to) = (packet.ports.source, packet.ports.target);
        let (source, target) = (packet.way.source, packet.way.target);
        match (self.v4, packet.flags.is_some()) {
            // SAFETY: the packet is live, has a device, and this is an RCU read section, in all four.
            (true, true) => unsafe {
                bindings::kis_helper_is_listener_v4(skb, in4(source), from, in4(target), to)
            },
            // SAFETY: as above.
            (true, false) => unsafe {
                bindings::kis_helper_is_receiver_v4(skb, in4(source), from, in4(target), to)
            },
            // SAFETY: as above.
            (false, true) => unsafe {
                bindings::kis_helper_is_listener_v6(skb, &in6(source), from, &in6(target), to)
            },
            // SAFETY: as above.
            (false, false) => unsafe {
                bindings::kis_helper_is_receiver_v6(skb, &in6(source), from, &in6(target), to)
            },
        }
    }
}
