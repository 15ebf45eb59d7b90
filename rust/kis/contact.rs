// SPDX-License-Identifier: GPL-2.0

//! Whom a cell talks to, and where it can be reached. Floor 4; may sleep.

use crate::{
    cells::site::Site,
    engine::Engine,
    sight::NO_PATH,
    sys::{
        address::Address,
        file::PathBuffer,
        hooks::Outcome,
        sock::SocketKind,
        task::Task, //
    },
};
use kis_core::{
    judge::finding::Place,
    sense::class::{Class, Domain},
    sense::endpoint::Endpoint,
    sense::sighting::Knows,
    sense::words,
    wire::abi::Op,
};

impl Engine {
    /// A peer or a port, by its address.
    #[inline(never)]
    pub(crate) fn endpoint(
        &self,
        site: &Site<'_>,
        op: Op,
        class: Class,
        kind: SocketKind,
        address: &Address,
    ) -> Outcome {
        let path_of;
        let mut buf = PathBuffer::new();
        let end = match address {
            Address::V4 { address, port } => Endpoint::V4(*address, *port),
            Address::V6 { address, port } => Endpoint::V6(*address, *port),
            Address::UnixPath(name) => {
                path_of = name.path(&mut buf).unwrap_or(NO_PATH);
                Endpoint::Path(path_of)
            }
            Address::UnixAbstract(name) => Endpoint::Abstract(name.as_bytes()),
            Address::Other { family } if !has_addresses(*family) => {
                return self.foreign(site, op, class, *family);
            }
            Address::UnixUnnamed
            | Address::Netlink { .. }
            | Address::Unspecified
            | Address::Other { .. } => {
                return self.judge(site, op, Place::Nowhere, &[], None);
            }
        };
        self.peer(site, op, class, kind, &end)
    }

    /// An address of a family whose addresses are not looked at: the family stands for all of them.
    #[inline(never)]
    fn foreign(&self, site: &Site<'_>, op: Op, class: Class, family: u16) -> Outcome {
        let mut room = [0u8; 3];
        let name = words::family(family, &mut room);
        self.named(site, op, class, name, true)
    }

    /// The second half of [`Engine::endpoint()`]: its buffers would not fit into one stack frame.
    #[inline(never)]
    fn peer(
        &self,
        site: &Site<'_>,
        op: Op,
        class: Class,
        kind: SocketKind,
        end: &Endpoint<'_>,
    ) -> Outcome {
        let mut room = [0u8; ENDPOINT_BYTES];
        let pid = Task::with_current(|task| task.process_id()).unwrap_or(0);
        let protocol = words::protocol(kind.family, kind.protocol);
        let is_peer = class == Class::Peer;
        let len = end.name(protocol, pid, &mut room);
        let name = room.get(..len).unwrap_or_default();
        if !site.cell.has_things() || (is_peer && end.is_common()) {
            return self.judge(site, op, Place::Nowhere, name, None);
        }
        if is_peer && self.is_own_port(site, protocol, end) {
            return self.judge(site, op, Place::Inside, name, None);
        }
        self.named(site, op, class, name, true)
    }

    /// Whether the cell itself listens there, as far as is known: it talks to itself.
    #[inline(never)]
    fn is_own_port(&self, site: &Site<'_>, protocol: &[u8], end: &Endpoint<'_>) -> bool {
        let mut room = [0u8; ENDPOINT_BYTES];
        end.listeners().into_iter().flatten().any(|end| {
            let len = end.name(protocol, 0, &mut room);
            let name = room.get(..len).unwrap_or_default();
            Domain::ALL
                .into_iter()
                .any(|domain| site.cell.known.has(Class::Port, domain, name))
        })
    }
}

/// Bytes of the longest name of an endpoint.
const ENDPOINT_BYTES: usize = 160;

/// Whether addresses of a family are made out: `AF_UNIX`, `AF_INET`, `AF_INET6`, `AF_NETLINK`. What is
/// none of those there is refused by the kernel.
const fn has_addresses(family: u16) -> bool {
    matches!(family, 1 | 2 | 10 | 16)
}
