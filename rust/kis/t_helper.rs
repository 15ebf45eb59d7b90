// SPDX-License-Identifier: GPL-2.0

//! The T-helper: matches signatures in the bytes that a cell is about to receive, and notices who scans
//! the host.
//!
//! Floor 3. Of scans it sees each packet that belongs to no connection, before there is a socket. Of
//! bytes it sees a stream as the process will: TCP has ordered and trimmed it. The matcher's
//! state lives with the socket, so patterns match across segments. Atomic context, also softirq;
//! the socket's delivery lock is held.

use crate::{
    armoury::Armoury,
    cells::site::Site,
    scans::Scans,
    scribe::{Match, Scene},
    sys::{
        hooks::Scan,
        packet::Packet,
        published::{HookContext, Published},
        sock::{Buffer, Receiver, Sock},
    },
    t_killer::Killer,
};
use core::{ops::ControlFlow, sync::atomic::Ordering};
use kernel::prelude::*;
use kis_core::{
    judge::ban,
    judge::finding::{Finding, Peer},
    matching::delivery::{Datagram, Delivery, Found},
    matching::scans::probe::{Probe, Suspicion},
    matching::stream::{Owner, StreamState},
    matching::threshold::Due,
    wire::abi::Mode,
};

/// The T-helper.
#[pin_data]
pub(crate) struct Helper {
    /// The signatures in force.
    #[pin]
    pub(crate) armoury: Published<Armoury>,
    /// Who scans this host.
    pub(crate) scans: Scans,
}

/// What became of a delivery.
pub(crate) struct Received {
    /// What the built-in side is to do with the bytes.
    pub(crate) scan: Scan,
    /// How many were looked at.
    pub(crate) bytes: u64,
}

impl Helper {
    /// Knows no signatures.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            armoury <- Published::new(),
            scans: Scans::new(),
        })
    }

    /// A packet of no connection has come.
    pub(crate) fn stray(
        &self,
        killer: &Killer,
        mode: Mode,
        packet: &Packet,
        is_heard: impl FnOnce() -> bool,
    ) {
        let suspicion = match packet.flags {
            Some(flags) => Suspicion::of_segment(flags, packet.ports.target),
            None => Suspicion::of_datagram(packet.ports.source, packet.ports.target),
        };
        let kind = match suspicion {
            Suspicion::Certain(kind) => kind,
            Suspicion::IfClosed(kind) if !is_heard() => kind,
            _ => return,
        };
        if packet.way.source == packet.way.target || ban::is_own(&packet.way.source) {
            return;
        }
        let probe = Probe {
            kind,
            source: packet.way.source,
            source_port: packet.ports.source,
            target: packet.way.target,
            port: packet.ports.target,
        };
        if let Some((scan, limits)) = self.scans.probe(&probe) {
            killer.scanned(mode, &scan, &limits, self.scans.losses().lost);
        }
    }

    /// Bytes are about to be queued on a stream socket.
    pub(crate) fn stream(
        &self,
        hook: &HookContext,
        site: &Site<'_>,
        killer: &Killer,
        sk: &mut Receiver<'_, StreamState>,
        bytes: &Buffer<'_>,
    ) -> Received {
        let armoury = self.armoury.get(hook);
        let (sock, stream) = sk.parts();
        let owner = stream.owner;
        let (generation, start) = armoury.map_or((0, 0), |armoury| {
            (armoury.generation, armoury.signatures.start())
        });
        let delivery = Delivery::new(stream, generation, start);
        deliver(site, killer, sock, armoury, owner, delivery, bytes)
    }

    /// A whole datagram is about to be queued: a stream of its own.
    pub(crate) fn datagram(
        &self,
        hook: &HookContext,
        site: &Site<'_>,
        killer: &Killer,
        sk: &Sock<'_>,
        bytes: &Buffer<'_>,
    ) -> Received {
        let armoury = self.armoury.get(hook);
        let mut datagram = Datagram::default();
        let start = armoury.map_or(0, |armoury| armoury.signatures.start());
        let delivery = Delivery::whole(&mut datagram, start);
        deliver(site, killer, sk, armoury, Owner::default(), delivery, bytes)
    }
}

/// Looks at bytes that are about to be queued.
#[inline(never)]
fn deliver(
    site: &Site<'_>,
    killer: &Killer,
    sk: &Sock<'_>,
    armoury: Option<&Armoury>,
    owner: Owner,
    mut delivery: Delivery<'_>,
    bytes: &Buffer<'_>,
) -> Received {
    let Some(armoury) = armoury else {
        bytes.bytes(|block| {
            delivery.pass(block);
            ControlFlow::Continue(())
        });
        return Received {
            scan: Scan::Seen,
            bytes: delivery.bytes(),
        };
    };
    let signatures = &armoury.signatures;
    let mut scan = Scan::Seen;
    bytes.bytes(|block| {
        delivery.scan(signatures, block, |found| {
            if hit(site, killer, sk, armoury, owner, found) {
                scan = Scan::Kill;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
    });
    if delivery.has_lost() && matches!(scan, Scan::Seen) {
        let done = killer.carry_out(site, &Finding::Unfollowed, Scene::Arrival);
        if done.kills {
            scan = Scan::Kill;
        }
    }
    Received {
        scan,
        bytes: delivery.bytes(),
    }
}

/// A signature matched. Whether the connection is reset.
#[cold]
#[inline(never)]
fn hit(
    site: &Site<'_>,
    killer: &Killer,
    sk: &Sock<'_>,
    armoury: &Armoury,
    owner: Owner,
    found: &Found<'_>,
) -> bool {
    let Some(signature) = armoury.signatures.get(found.sig) else {
        return false;
    };
    if !signature.is_for(kis_core::wire::bytes::until_nul(&site.cell.name)) {
        return false;
    }
    let addresses = sk.addresses();
    if !signature.is_at(addresses.proto, addresses.local_port) {
        return false;
    }
    // Of what comes at once, one match is counted.
    if signature.threshold().is_some() && !found.is_first {
        return false;
    }
    let due = armoury.count(found.sig, &signature, &addresses.peer, &addresses.local);
    if due == Due::Not {
        return false;
    }
    site.cell.tally.matches.fetch_add(1, Ordering::Relaxed);
    let peer = Peer::of(addresses.family as u8, &addresses.local, &addresses.peer);
    let finding = Finding::Match {
        kind: signature.kind(),
        ban_s: signature.ban_s(),
        peer,
    };
    let what = Match {
        found,
        signature: &signature,
        addresses: &addresses,
        owner,
        is_told: due == Due::Told,
    };
    killer.carry_out(site, &finding, Scene::Match(&what)).kills
}
