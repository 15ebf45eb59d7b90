// SPDX-License-Identifier: GPL-2.0

//! The T-killer: carries verdicts out and tells them.
//!
//! Floor 3. What it can do: let a hook return `EPERM`, have a connection reset, ban an address for
//! a time. Bans are the only state: they end by themselves, and with the module.

use crate::{
    cell::Cell,
    engine::Engine,
    sys::{
        clock::{self, random},
        netfilter::PacketFilter,
        sock::Addresses,
        task::Task,
    },
};
use core::sync::atomic::Ordering;
use kernel::{new_spinlock_irq, prelude::*, sync::SpinLockIrq};
use kis_core::{
    judge::ban::{self, Added, Ban, BanTable},
    judge::verdict::{Context, Verdict},
    wire::abi::{Action, Op, RecordType, AF_INET, AF_INET6, FLAG_CONN, MAX_BANS},
    wire::record::Record,
};

/// `IPPROTO_TCP`.
const TCP: u8 = 6;

/// Slots of the table; it is full at half of them.
const SLOTS: usize = MAX_BANS * 2;

/// The table, static as it is too large for a stack to make it on. Lookups take no lock.
static TABLE: BanTable<SLOTS> = BanTable::new();

/// Banned addresses.
///
/// There is one engine, and so one of these.
#[pin_data]
pub(crate) struct Bans {
    #[pin]
    writer: SpinLockIrq<()>,
}

impl Bans {
    /// Nobody is banned. The seed keeps strangers from choosing addresses that collide.
    pub(crate) fn new() -> impl PinInit<Self> {
        TABLE.reseed(random());
        pin_init!(Self {
            writer <- new_spinlock_irq!((), "kis::Bans"),
        })
    }

    /// Bans an address (IPv4 mapped) for a time. Any context but NMI.
    pub(crate) fn add(&self, address: [u8; 16], ttl_ns: u64) -> kis_core::Result<Added> {
        let until = clock::monotonic_ns().saturating_add(ttl_ns);
        let _guard = self.writer.lock();
        TABLE.add(address, until)
    }

    /// Ends a ban; false when there was none.
    pub(crate) fn remove(&self, address: [u8; 16]) -> bool {
        let _guard = self.writer.lock();
        TABLE.remove(address)
    }

    /// Sweeps bans that have ended.
    pub(crate) fn expire(&self, now: u64) {
        if !TABLE.is_empty() {
            let _guard = self.writer.lock();
            TABLE.expire(now, |_| {});
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        TABLE.len()
    }

    /// The ban at a place in the order of the table.
    pub(crate) fn nth(&self, n: usize) -> Option<Ban> {
        TABLE.iter().nth(n)
    }
}

/// Whether an address is the host's own (127.0.0.0/8, ::1, unspecified): a signature that matches
/// there must not cut local services off from each other. The officer still can.
fn is_own(address: &[u8; 16]) -> bool {
    matches!(
        address,
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0 | 127, ..]
            | [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 | 1]
    )
}

/// What a record says about where it happened.
#[derive(Clone, Copy)]
pub(crate) enum Scene<'a> {
    /// The running task did it.
    Current,
    /// It happened to a connection of a process (id and start).
    Connection(&'a Addresses, u32, u64),
    /// Nobody in particular.
    Nobody,
}

impl Engine {
    /// A record about a cell, with all that is known of the scene.
    pub(crate) fn record(&self, cell: Option<&Cell>, generation: u32, scene: Scene<'_>) -> Record {
        let mut record = Record::new();
        if let Some(cell) = cell {
            record.cell = cell.number;
            record.generation = generation;
            record.cell_name = cell.name;
            record.mode = cell.mode().resolve(self.mode()) as u8;
        } else {
            record.mode = self.mode() as u8;
        }
        match scene {
            Scene::Current => {
                Task::with_current(|task| {
                    record.pid = task.process_id();
                    record.tid = task.thread_id();
                    record.uid = task.uid();
                    record.start_ns = task.start_ns();
                    record.comm = task.name();
                });
            }
            Scene::Connection(addresses, pid, start_ns) => {
                record.pid = pid;
                record.start_ns = start_ns;
                record.family = addresses.family as u8;
                if matches!(record.family, AF_INET | AF_INET6) {
                    record.proto = TCP;
                    record.laddr = unmapped(record.family, addresses.local);
                    record.raddr = unmapped(record.family, addresses.peer);
                    record.lport = addresses.local_port;
                    record.rport = addresses.peer_port;
                    record.flags |= FLAG_CONN;
                }
            }
            Scene::Nobody => {}
        }
        record
    }

    /// Fills a verdict into a record.
    pub(crate) fn fill(record: &mut Record, verdict: &Verdict, ctx: &Context, op: Op) {
        record.flags |= verdict.flags(ctx);
        record.op = op as u16;
        record.action = verdict.action.bits();
        record.cause = verdict.cause as u16;
    }

    /// Counts what a verdict does or would do.
    pub(crate) fn tally(&self, cell: &Cell, verdict: &Verdict) {
        for (action, done, would, all) in [
            (
                Action::DENY,
                &cell.tally.denied,
                &cell.tally.would_deny,
                &self.denied,
            ),
            (
                Action::KILL,
                &cell.tally.killed,
                &cell.tally.would_kill,
                &self.killed,
            ),
        ] {
            if !verdict.action.contains(action) {
                continue;
            }
            if verdict.apply {
                done.fetch_add(1, Ordering::Relaxed);
                all.fetch_add(1, Ordering::Relaxed);
            } else {
                would.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Names an address (IPv4 mapped) as the peer of a record.
    pub(crate) fn set_peer(record: &mut Record, peer: &[u8; 16]) {
        (record.family, _) = ban::family(peer);
        record.raddr = unmapped(record.family, *peer);
        record.flags |= FLAG_CONN;
    }

    /// Bans the peer of a connection if the verdict says so and it may be banned.
    pub(crate) fn ban_peer(&self, addresses: &Addresses, verdict: &Verdict) {
        let is_ip = matches!(addresses.family as u8, AF_INET | AF_INET6);
        let is_self = addresses.peer == addresses.local || is_own(&addresses.peer);
        if verdict.bans() && is_ip && !is_self {
            // A full table is told by `kisctl status`; the connection is reset all the same.
            let _ = self
                .bans
                .add(addresses.peer, u64::from(verdict.ban_s) * 1_000_000_000);
        }
    }
}

/// The form of an address in records: IPv4 in the first four bytes.
fn unmapped(family: u8, address: [u8; 16]) -> [u8; 16] {
    let [.., a, b, c, d] = address;
    if family == AF_INET {
        [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    } else {
        address
    }
}

impl PacketFilter for Engine {
    fn drops(&self, peer: &[u8; 16]) -> bool {
        if TABLE.is_empty() {
            return false;
        }
        let Some(slot) = TABLE.lookup(*peer, clock::monotonic_ns()) else {
            return false;
        };
        let n = TABLE.count_drop(slot);
        self.dropped.fetch_add(1, Ordering::Relaxed);
        // Tell the first, the second, the fourth …: a flood is told without being one.
        if n.is_power_of_two() {
            let mut record = self.record(None, 0, Scene::Nobody);
            Self::set_peer(&mut record, peer);
            record.action = Action::BAN.bits();
            record.observed = n;
            self.sink.write(RecordType::BanDrop, record);
        }
        true
    }
}
