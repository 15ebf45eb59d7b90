// SPDX-License-Identifier: GPL-2.0

//! Sockets: their blob, addresses, and the bytes that come to them.

use super::bindings;
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::ControlFlow,
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering},
};
use kis_core::{judge::ban, wire::abi::AF_INET};

/// Addresses of a connection. IPv4 addresses are mapped (`::ffff:a.b.c.d`).
#[derive(Clone, Copy, Default)]
pub(crate) struct Addresses {
    /// What the bytes travel over: `AF_INET` (an IPv6 socket may receive it too), `AF_INET6` or
    /// `AF_UNIX`.
    pub(crate) family: u16,
    /// `IPPROTO_TCP`, `IPPROTO_UDP`; 0 for unix.
    pub(crate) proto: u8,
    /// Local address.
    pub(crate) local: [u8; 16],
    /// The peer's address.
    pub(crate) peer: [u8; 16],
    /// Local port.
    pub(crate) local_port: u16,
    /// The peer's port.
    pub(crate) peer_port: u16,
}

/// What a socket is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketKind {
    /// `AF_*`.
    pub(crate) family: u16,
    /// `SOCK_*`.
    pub(crate) kind: u16,
    /// `IPPROTO_*`, `NETLINK_*` and so on; of one that is about to be made as the call says, 0 for
    /// the family's default, and at most 65,535.
    pub(crate) protocol: u16,
}

/// Maps an IPv4 address into IPv6 (RFC 4291, 2.5.5.2).
fn mapped(v4: u32) -> [u8; 16] {
    ban::v4(v4.to_be_bytes())
}

/// A socket.
///
/// # Invariants
///
/// The pointer is valid for `'a`.
pub(crate) struct Sock<'a> {
    raw: NonNull<bindings::sock>,
    life: PhantomData<&'a ()>,
}

impl Sock<'_> {
    /// Wraps a socket; `None` for null.
    ///
    /// # Safety
    ///
    /// `raw` is null or a full socket that lives for the lifetime.
    pub(super) unsafe fn from_raw(raw: *mut bindings::sock) -> Option<Self> {
        // INVARIANT: by the requirement.
        NonNull::new(raw).map(|raw| Self {
            raw,
            life: PhantomData,
        })
    }

    /// Whether it is of a kind whose bytes are looked at: TCP, UDP, unix.
    pub(crate) fn is_heard(&self) -> bool {
        // SAFETY: the socket is live.
        unsafe { bindings::kis_helper_sk_is_heard(self.raw.as_ptr()) }
    }

    fn blob(&self) -> *mut bindings::kis_sock {
        // SAFETY: a live full socket has a blob, which lives as long.
        unsafe { bindings::kis_helper_sock_blob(self.raw.as_ptr()) }
    }

    /// The handle of the cell that reads from it, 0 for none.
    pub(crate) fn cell(&self) -> u64 {
        // SAFETY: the blob is live; the word is only accessed atomically, also in C.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.blob()).cell) }.load(Ordering::Relaxed)
    }

    /// Whether its port was asked for by bind(), and not chosen by the kernel.
    pub(crate) fn has_asked_for_its_port(&self) -> bool {
        // SAFETY: the socket is live.
        unsafe { bindings::kis_helper_sk_has_asked_for_its_port(self.raw.as_ptr()) }
    }

    /// What it is.
    pub(crate) fn kind(&self) -> SocketKind {
        let sk = self.raw.as_ptr();
        SocketKind {
            // SAFETY: the socket is live.
            family: unsafe { bindings::kis_helper_sk_family(sk) },
            // SAFETY: the socket is live.
            kind: unsafe { bindings::kis_helper_sk_type(sk) },
            // SAFETY: the socket is live.
            protocol: unsafe { bindings::kis_helper_sk_wide_protocol(sk) },
        }
    }

    /// Its addresses.
    pub(crate) fn addresses(&self) -> Addresses {
        let sk = self.raw.as_ptr();
        // SAFETY: the socket is live.
        let family = unsafe { bindings::kis_helper_sk_family(sk) };
        let mut out = Addresses {
            family,
            ..Addresses::default()
        };
        if u32::from(family) == bindings::AF_INET {
            // SAFETY: the socket is live.
            out.local = mapped(unsafe { bindings::kis_helper_sk_local_v4(sk) });
            // SAFETY: the socket is live.
            out.peer = mapped(unsafe { bindings::kis_helper_sk_peer_v4(sk) });
        } else if u32::from(family) == bindings::AF_INET6 {
            // SAFETY: the socket is live, an IPv6 address is 16 bytes.
            out.local = unsafe { *bindings::kis_helper_sk_local_v6(sk).cast::<[u8; 16]>() };
            // SAFETY: as above.
            out.peer = unsafe { *bindings::kis_helper_sk_peer_v6(sk).cast::<[u8; 16]>() };
            // What an IPv6 socket accepted over IPv4 is told, and banned, as what it is.
            if ban::family(&out.local).0 == AF_INET && ban::family(&out.peer).0 == AF_INET {
                out.family = u16::from(AF_INET);
            }
        } else {
            return out;
        }
        // SAFETY: the socket is live.
        out.proto = unsafe { bindings::kis_helper_sk_protocol(sk) };
        // SAFETY: the socket is live.
        out.local_port = unsafe { bindings::kis_helper_sk_local_port(sk) };
        // SAFETY: the socket is live.
        out.peer_port = unsafe { bindings::kis_helper_sk_peer_port(sk) };
        out
    }
}

/// A stream socket whose delivery lock is held: the socket lock of TCP, the state lock of unix.
///
/// # Invariants
///
/// As [`Sock`]; nobody else touches the socket's stream or receive queue, and `stream` is valid for
/// `'a`.
pub(crate) struct Receiver<'a, S> {
    sock: Sock<'a>,
    stream: NonNull<S>,
}

impl<'a, S: Copy> Receiver<'a, S> {
    /// Wraps a locked socket and its stream; `None` for null.
    ///
    /// # Safety
    ///
    /// As [`Sock::from_raw()`]; the lock stays held for the lifetime, and `stream` is null or what
    /// the LSM keeps for the socket: of the size of `S`, and nothing that was not an `S` before but
    /// zeros, which are one.
    pub(super) unsafe fn from_raw(raw: *mut bindings::sock, stream: *mut S) -> Option<Self> {
        // SAFETY: by the requirement.
        let sock = unsafe { Sock::from_raw(raw) }?;
        let stream = NonNull::new(stream)?;
        // INVARIANT: by the requirement.
        Some(Self { sock, stream })
    }

    /// The socket.
    pub(crate) fn sock(&self) -> &Sock<'a> {
        &self.sock
    }

    /// The socket, and what is kept with it.
    pub(crate) fn parts(&mut self) -> (&Sock<'a>, &mut S) {
        // SAFETY: by the invariant valid, and touched by nobody else.
        (&self.sock, unsafe { self.stream.as_mut() })
    }

    /// What is kept with it.
    pub(crate) fn stream(&mut self) -> &mut S {
        // SAFETY: by the invariant valid, and touched by nobody else.
        unsafe { self.stream.as_mut() }
    }
}

/// Passes `f` the bytes `from..to` of a buffer, block by block, also those in page fragments.
///
/// # Safety
///
/// `skb` is live, nobody changes it, and `from <= to <= skb->len`.
unsafe fn skb_bytes(
    skb: *const bindings::sk_buff,
    from: u32,
    to: u32,
    mut f: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut state = MaybeUninit::<bindings::skb_seq_state>::zeroed();
    // SAFETY: `skb` is live by the requirement; the function initialises `state`.
    unsafe {
        bindings::skb_prepare_seq_read(skb.cast_mut(), from, to, state.as_mut_ptr());
    }
    let mut consumed = 0u32;
    loop {
        let mut data: *const u8 = core::ptr::null();
        // SAFETY: `state` was prepared above and its reading has not ended.
        let len = unsafe { bindings::skb_seq_read(consumed, &mut data, state.as_mut_ptr()) };
        if len == 0 {
            return ControlFlow::Continue(());
        }
        // SAFETY: `skb_seq_read()` gave `len` readable bytes, valid until its next call.
        let bytes = unsafe { core::slice::from_raw_parts(data, len as usize) };
        if f(bytes).is_break() {
            // SAFETY: `state` was prepared above and its reading has not ended.
            unsafe { bindings::skb_abort_seq_read(state.as_mut_ptr()) };
            return ControlFlow::Break(());
        }
        consumed = consumed.wrapping_add(len);
    }
}

/// Bytes of a buffer that are about to be queued.
///
/// # Invariants
///
/// The pointer is valid for `'a`, nobody changes the buffer, and `from <= to <= skb->len`.
pub(crate) struct Buffer<'a> {
    raw: NonNull<bindings::sk_buff>,
    from: u32,
    to: u32,
    life: PhantomData<&'a ()>,
}

impl Buffer<'_> {
    /// Wraps a part of a buffer; `None` for null or a part that is none.
    ///
    /// # Safety
    ///
    /// `raw` is null or a buffer that lives unchanged for the lifetime, with at least `to` bytes.
    pub(super) unsafe fn from_raw(
        raw: *const bindings::sk_buff,
        from: u32,
        to: u32,
    ) -> Option<Self> {
        let raw = NonNull::new(raw.cast_mut()).filter(|_| from <= to)?;
        // INVARIANT: by the requirement.
        Some(Self {
            raw,
            from,
            to,
            life: PhantomData,
        })
    }

    /// Passes `f` the bytes, block by block. `f` may end it.
    pub(crate) fn bytes(&self, f: impl FnMut(&[u8]) -> ControlFlow<()>) {
        // SAFETY: the buffer is live, unchanged and long enough by the invariant.
        let _ = unsafe { skb_bytes(self.raw.as_ptr(), self.from, self.to, f) };
    }
}
