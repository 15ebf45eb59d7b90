// SPDX-License-Identifier: GPL-2.0

//! Sockets: their blob, addresses, and the bytes that wait in their receive queue.

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
    /// Local address.
    pub(crate) local: [u8; 16],
    /// The peer's address.
    pub(crate) peer: [u8; 16],
    /// Local port.
    pub(crate) local_port: u16,
    /// The peer's port.
    pub(crate) peer_port: u16,
}

/// Maps an IPv4 address into IPv6 (RFC 4291, 2.5.5.2).
pub(crate) fn mapped(v4: u32) -> [u8; 16] {
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

    /// Whether it is a TCP or unix stream socket.
    pub(crate) fn is_stream(&self) -> bool {
        // SAFETY: the socket is live.
        unsafe { bindings::kis_helper_sk_is_stream(self.raw.as_ptr()) }
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
/// As [`Sock`], and nobody else touches the socket's stream words or receive queue.
pub(crate) struct Receiver<'a>(Sock<'a>);

impl<'a> Receiver<'a> {
    /// Wraps a locked socket; `None` for null.
    ///
    /// # Safety
    ///
    /// As [`Sock::from_raw()`], and the lock stays held for the lifetime.
    pub(super) unsafe fn from_raw(raw: *mut bindings::sock) -> Option<Self> {
        // SAFETY: by the requirement.
        // INVARIANT: by the requirement.
        unsafe { Sock::from_raw(raw) }.map(Self)
    }

    /// The socket.
    pub(crate) fn sock(&self) -> &Sock<'a> {
        &self.0
    }

    /// The stream words of its blob.
    pub(crate) fn words(&self) -> [u64; 8] {
        // SAFETY: the blob is live and nobody else touches these words, by the invariant.
        unsafe { (*self.0.blob()).priv_ }
    }

    /// Sets the stream words of its blob.
    pub(crate) fn set_words(&self, words: [u64; 8]) {
        // SAFETY: the blob is live and nobody else touches these words, by the invariant.
        unsafe { (*self.0.blob()).priv_ = words };
    }
}

/// A TCP socket whose socket lock is held.
///
/// # Invariants
///
/// As [`Receiver`], and it is a TCP socket.
pub(crate) struct TcpReceiver<'a>(Receiver<'a>);

impl<'a> TcpReceiver<'a> {
    /// Wraps a locked TCP socket; `None` for null.
    ///
    /// # Safety
    ///
    /// As [`Receiver::from_raw()`], and it is a TCP socket.
    pub(super) unsafe fn from_raw(raw: *mut bindings::sock) -> Option<Self> {
        // SAFETY: by the requirement.
        // INVARIANT: by the requirement.
        unsafe { Receiver::from_raw(raw) }.map(Self)
    }

    /// The same as any stream socket.
    pub(crate) fn receiver(&self) -> &Receiver<'a> {
        &self.0
    }

    fn raw(&self) -> *mut bindings::sock {
        self.0 .0.raw.as_ptr()
    }

    /// Sequence number of the first byte that the process has not read.
    pub(crate) fn read_seq(&self) -> u32 {
        // SAFETY: a locked TCP socket by the invariant.
        unsafe { bindings::kis_helper_tcp_read_seq(self.raw()) }
    }

    /// Passes `f` the bytes of the receive queue from sequence number `from` on, in order, as the
    /// process will read them; the LSM keeps urgent data in line. `f` may end it.
    /// Returns the sequence number behind the last byte that was queued, `from` if there is none.
    ///
    /// A TCP segment may be appended to the last buffer of the queue, so a sequence number is what
    /// to remember, not a buffer.
    pub(crate) fn tcp_bytes(&self, from: u32, mut f: impl FnMut(&[u8]) -> ControlFlow<()>) -> u32 {
        let sk = self.raw();
        // New bytes are at the tail: walk back to the buffer that holds `from`.
        // SAFETY: a TCP socket by the invariant, whose lock keeps the queue.
        let mut skb = unsafe { bindings::kis_helper_sk_queue_tail(sk) };
        let mut next = from;
        if skb.is_null() {
            return next;
        }
        loop {
            // SAFETY: `skb` is in the queue of a locked TCP socket.
            let seq = unsafe { bindings::kis_helper_tcp_skb_seq(skb) };
            if !is_before(from, seq) {
                break;
            }
            // SAFETY: as above.
            let prev = unsafe { bindings::kis_helper_sk_queue_prev(sk, skb) };
            if prev.is_null() {
                break;
            }
            skb = prev;
        }
        while !skb.is_null() {
            // SAFETY: `skb` is in the queue of a locked TCP socket.
            let seq = unsafe { bindings::kis_helper_tcp_skb_seq(skb) };
            // SAFETY: as above.
            let len = unsafe { bindings::kis_helper_skb_len(skb) };
            let end = seq.wrapping_add(len);
            if is_before(next, end) {
                let skip = if is_before(seq, next) {
                    next.wrapping_sub(seq)
                } else {
                    0
                };
                // SAFETY: `skb` is live and `skip < len`.
                let flow = unsafe { skb_bytes(skb, skip, len, &mut f) };
                next = end;
                if flow.is_break() {
                    return next;
                }
            }
            // SAFETY: as above.
            skb = unsafe { bindings::kis_helper_sk_queue_next(sk, skb) };
        }
        next
    }
}

/// Whether sequence number `a` comes before `b` (RFC 9293, 3.4: modulo 2^32).
fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
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

/// A buffer that is about to be queued.
///
/// # Invariants
///
/// The pointer is valid for `'a` and nobody changes the buffer.
pub(crate) struct Buffer<'a> {
    raw: NonNull<bindings::sk_buff>,
    life: PhantomData<&'a ()>,
}

impl Buffer<'_> {
    /// Wraps a buffer; `None` for null.
    ///
    /// # Safety
    ///
    /// `raw` is null or a buffer that lives unchanged for the lifetime.
    pub(super) unsafe fn from_raw(raw: *const bindings::sk_buff) -> Option<Self> {
        // INVARIANT: by the requirement.
        NonNull::new(raw.cast_mut()).map(|raw| Self {
            raw,
            life: PhantomData,
        })
    }

    /// Passes `f` the bytes, block by block. `f` may end it.
    pub(crate) fn bytes(&self, f: impl FnMut(&[u8]) -> ControlFlow<()>) {
        // SAFETY: the buffer is live.
        let len = unsafe { bindings::kis_helper_skb_len(self.raw.as_ptr()) };
        // SAFETY: the buffer is live and unchanged by the invariant, `len` is its length.
        let _ = unsafe { skb_bytes(self.raw.as_ptr(), 0, len, f) };
    }
}
