// SPDX-License-Identifier: GPL-2.0

//! Addresses that a task gives when it connects, binds or sends.
//!
//! They are read before any protocol has looked at them, and as the socket's protocol will: what
//! that would refuse is [`Address::Other`].

use super::{bindings, file::PathBuffer, sock::SocketKind};
use kernel::{ffi, prelude::*};
use kis_core::{judge::ban, wire::abi::AF_INET};

/// Bytes of `struct sockaddr_storage`, the most that the kernel copies.
const STORAGE_BYTES: usize = 128;

/// Where the path of a `struct sockaddr_un` begins, and its length.
const UNIX_PATH: usize = 2;
const UNIX_BYTES: usize = 108;

/// What a task does with an address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// connect(), and TCP fast open.
    Connect,
    /// bind().
    Bind,
    /// sendto() and its like.
    Send,
}

/// The name of a unix socket.
#[derive(Clone, Copy)]
pub(crate) struct UnixName {
    bytes: [u8; UNIX_BYTES],
    len: u8,
}

impl UnixName {
    /// `None` for a name that is too long.
    fn new(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; UNIX_BYTES];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        let len = u8::try_from(name.len()).ok()?;
        Some(Self { bytes, len })
    }

    /// The name as it was given; of an abstract one without the NUL before it.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }

    /// The path from the root of the mount namespace that the running task means by a
    /// [`Address::UnixPath`]. Links and dots in the name stay. May sleep. Errors as those of
    /// `File::path()`.
    pub(crate) fn path<'b>(&self, buf: &'b mut PathBuffer) -> Result<&'b [u8]> {
        buf.of_name(self.as_bytes())
    }
}

/// An address.
#[cfg_attr(
    not(CONFIG_KIS_KUNIT_TEST),
    expect(
        dead_code,
        reason = "so far only the parser's tests look at all that it reads"
    )
)]
pub(crate) enum Address {
    /// IPv4; also one that is mapped into IPv6.
    V4 {
        /// In network order.
        address: [u8; 4],
        /// The port.
        port: u16,
    },
    /// IPv6.
    V6 {
        /// In network order.
        address: [u8; 16],
        /// The port.
        port: u16,
    },
    /// A unix socket in the file system.
    UnixPath(UnixName),
    /// A unix socket with an abstract name, which has any bytes.
    UnixAbstract(UnixName),
    /// A unix socket that the kernel is to give an abstract name.
    UnixUnnamed,
    /// Netlink.
    Netlink {
        /// `NETLINK_*`, which is the socket's.
        protocol: u16,
        /// 0 for the kernel.
        port: u32,
    },
    /// None: connect() dissolves the connection.
    Unspecified,
    /// Another family, or what is no address of the socket's family.
    Other {
        /// The socket's family, `AF_*`.
        family: u16,
    },
}

impl Address {
    /// An IPv6 address, or the IPv4 one that is mapped into it.
    fn of(address: [u8; 16], port: u16) -> Self {
        let mapped = (ban::family(&address).0 == AF_INET).then(|| array(&address, 12));
        match mapped.flatten() {
            Some(address) => Self::V4 { address, port },
            None => Self::V6 { address, port },
        }
    }

    /// Reads what a hook is passed; null is no address.
    ///
    /// # Safety
    ///
    /// `raw` is null or points to `len` bytes, if that is positive, that nobody changes meanwhile.
    pub(super) unsafe fn from_raw(
        raw: *const bindings::sockaddr,
        len: ffi::c_int,
        kind: SocketKind,
        call: Call,
    ) -> Self {
        let len = usize::try_from(len).unwrap_or(0).min(STORAGE_BYTES);
        let bytes = if raw.is_null() {
            &[]
        } else {
            // SAFETY: by the requirement.
            unsafe { core::slice::from_raw_parts(raw.cast::<u8>(), len) }
        };
        Self::parse(bytes, kind, call)
    }

    /// What a socket of this kind makes of these bytes.
    pub(crate) fn parse(bytes: &[u8], kind: SocketKind, call: Call) -> Self {
        let own = u32::from(kind.family);
        let Some(given) = array(bytes, 0).map(u16::from_ne_bytes) else {
            return Self::Unspecified;
        };
        let address = match (own, u32::from(given)) {
            (_, bindings::AF_UNSPEC) if call == Call::Connect => Some(Self::Unspecified),
            // These do not ask for the family.
            (bindings::AF_INET, bindings::AF_UNSPEC) => v4(bytes),
            (bindings::AF_INET6, bindings::AF_UNSPEC) if is_raw(kind) && call == Call::Send => {
                v6(bytes)
            }
            (_, bindings::AF_UNSPEC) => Some(Self::Unspecified),
            (bindings::AF_INET | bindings::AF_INET6, bindings::AF_INET) => v4(bytes),
            (bindings::AF_INET6, bindings::AF_INET6) => v6(bytes),
            (bindings::AF_UNIX, bindings::AF_UNIX) => unix(bytes),
            (bindings::AF_NETLINK, bindings::AF_NETLINK) => netlink(bytes, kind.protocol),
            _ => None,
        };
        address.unwrap_or(Self::Other {
            family: kind.family,
        })
    }
}

/// The `N` bytes from `at` on.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    let rest = bytes.get(at..)?;
    rest.first_chunk().copied()
}

fn is_raw(kind: SocketKind) -> bool {
    u32::from(kind.kind) == bindings::sock_type_SOCK_RAW
}

/// `struct sockaddr_in`, which has 16 bytes.
fn v4(bytes: &[u8]) -> Option<Address> {
    let bytes: [u8; 16] = array(bytes, 0)?;
    Some(Address::V4 {
        port: u16::from_be_bytes(array(&bytes, 2)?),
        address: array(&bytes, 4)?,
    })
}

/// `struct sockaddr_in6`, of which the scope may be missing (RFC 2133).
fn v6(bytes: &[u8]) -> Option<Address> {
    let port = u16::from_be_bytes(array(bytes, 2)?);
    Some(Address::of(array(bytes, 8)?, port))
}

/// `struct sockaddr_un`: what comes first in the path says which kind it is.
fn unix(bytes: &[u8]) -> Option<Address> {
    let path = bytes.get(UNIX_PATH..)?;
    if path.len() > UNIX_BYTES {
        return None;
    }
    match path.split_first() {
        None => Some(Address::UnixUnnamed),
        Some((0, name)) => UnixName::new(name).map(Address::UnixAbstract),
        Some(_) => {
            let name = path.split(|byte| *byte == 0).next()?;
            UnixName::new(name).map(Address::UnixPath)
        }
    }
}

/// `struct sockaddr_nl`, which has 12 bytes.
fn netlink(bytes: &[u8], protocol: u16) -> Option<Address> {
    let bytes: [u8; 12] = array(bytes, 0)?;
    Some(Address::Netlink {
        protocol,
        port: u32::from_ne_bytes(array(&bytes, 4)?),
    })
}
