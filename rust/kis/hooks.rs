// SPDX-License-Identifier: GPL-2.0

//! What each hook does: find the site, count, ask, act.
//!
//! Floor 4. Contexts are those of `sys::hooks`. What happens at a bound is fixed here: a path that
//! is too long, or not reachable, counts as one outside of every prefix ([`NO_PATH`]), so it fails
//! closed where the officer gave prefixes.

use crate::{
    apc::{Apc, By},
    cells::{adopt, site::Site},
    engine::Engine,
    scribe::Scene,
    sight::{self, Named},
    sys::{
        address::Address,
        file::{Entry, File, Program},
        hooks::{Hooks, Identity, IdentityOp, Mapping, MoveOp, Outcome, PathOp, Scan},
        netfilter::PacketFilter,
        packet::Packet,
        published::HookContext,
        sock::{Buffer, Receiver, Sock, SocketKind},
        task::Task,
    },
    t_helper::Received,
    t_killer::Killer,
};
use kis_core::{
    cells::Access,
    judge::ban,
    judge::finding::{Finding, Place},
    matching::ports::TCP,
    matching::stream::{Owner, StreamState},
    sense::class::Class,
    sense::endpoint::EPHEMERAL,
    sense::param::Param,
    sense::sighting::Act,
    sense::words,
    wire::abi::{Op, AF_INET, AF_INET6, AF_UNIX},
};

impl Engine {
    /// The site of the running task.
    #[inline]
    fn current<'a>(&'a self, hook: &'a HookContext) -> Option<Site<'a>> {
        let table = self.cells.get(hook)?;
        Site::of_handle(table, Task::current_cell(), self.mode())
    }

    /// The site of the cell that reads from a socket.
    #[inline]
    fn reader<'a>(&'a self, hook: &'a HookContext, sk: &Sock<'_>) -> Option<Site<'a>> {
        Site::of_handle(self.cells.get(hook)?, sk.cell(), self.mode())
    }

    /// Counts what the running task does.
    #[inline]
    fn count(&self, site: &Site<'_>, param: Param, n: u64) {
        Apc::count(&self.killer, site, param, n, By::Current);
    }

    /// An operation that is an item by its own name.
    #[inline]
    fn operation(&self, hook: &HookContext, op: Op, may_wait: bool) -> Outcome {
        match self.current(hook) {
            Some(site) => self.plain(&site, op, Class::Operation, may_wait),
            None => Outcome::PASS,
        }
    }

    /// Counts what a peer of the cell does.
    #[inline]
    fn arrived(&self, site: &Site<'_>, received: &Received) {
        if received.bytes != 0 {
            for (param, n) in [(Param::BytesIn, received.bytes), (Param::MessagesIn, 1)] {
                Apc::count(&self.killer, site, param, n, By::Other);
            }
        }
    }
}

/// Whether it is a UDP socket whose port was asked for, to be found. The number of a raw or an ICMP
/// socket is no port, and what the kernel chooses says nothing.
fn is_server(sk: &Sock<'_>) -> bool {
    let kind = sk.kind();
    let is_udp = words::protocol(kind.family, kind.protocol) == b"udp";
    let port = sk.addresses().local_port;
    is_udp && port != 0 && port < EPHEMERAL && sk.has_asked_for_its_port()
}

/// Whom a message goes to, IPv4 mapped; `None` where that has no IP address. A TCP connection goes to its
/// peer, whatever address the call names.
fn receiver(sk: &Sock<'_>, to: Option<&Address>) -> Option<[u8; 16]> {
    let own = sk.addresses();
    let is_ip = matches!(u8::try_from(own.family), Ok(AF_INET | AF_INET6));
    let connected = (is_ip && !ban::is_unspecified(&own.peer)).then_some(own.peer);
    let named = match to {
        Some(Address::V4 { address, .. }) => Some(ban::v4(*address)),
        Some(Address::V6 { address, .. }) => Some(*address),
        _ => None,
    };
    if own.proto == TCP {
        connected.or(named)
    } else {
        named.or(connected)
    }
}

impl Hooks for Engine {
    type Stream = StreamState;

    fn exec_check(&self, hook: &HookContext, program: &Program<'_>) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        self.count(&site, Param::Execs, 1);
        self.program(&site, |buf| program.path(buf))
    }

    fn exec_done(&self, hook: &HookContext, program: &Program<'_>) {
        if let Some(table) = self.cells.get(hook) {
            adopt::executed(table, program);
        }
    }

    fn heir(&self, hook: &HookContext, cell: u64) -> Option<u64> {
        let table = self.cells.get(hook)?;
        table.of_handle(cell).map(|(i, _)| table.handle(i))
    }

    fn task_free(&self, hook: &HookContext, task: Task<'_>) {
        if let Some(table) = self.cells.get(hook) {
            Apc::freed(table, task);
        }
    }

    fn file_open(&self, hook: &HookContext, file: &File<'_>) -> Outcome {
        let Some(writes) = file.writes_if_stored() else {
            return Outcome::PASS;
        };
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        self.count(&site, Param::FilesOpened, 1);
        if !writes {
            return self.on_path(&site, Op::Read, Act::Read, || file.look(), |b| file.path(b));
        }
        self.count(&site, Param::FilesWritten, 1);
        if file.is_control() {
            let look = || file.look();
            let outcome = self.on_path(&site, Op::Sysctl, Act::Set, look, |b| file.path(b));
            // A setting is a file as well, for the officer's list.
            if outcome.denies() || !site.cell.has_prefixes(Access::Write) {
                return outcome;
            }
        }
        let outcome = self.on_path(
            &site,
            Op::Write,
            Act::Write,
            || file.look(),
            |b| file.path(b),
        );
        // Nothing is lost by it: to cut it off is asked for by itself, as a change.
        sight::kept(&site, outcome, || file.is_made())
    }

    fn path(&self, hook: &HookContext, op: PathOp, entry: &Entry<'_>) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        let (op, act) = match op {
            PathOp::Create => {
                self.count(&site, Param::FilesCreated, 1);
                (Op::Create, Act::Create)
            }
            PathOp::Mknod => {
                self.count(&site, Param::FilesCreated, 1);
                let look = || entry.look();
                let outcome = self.on_path(&site, Op::Mknod, Act::Create, look, |b| entry.path(b));
                if outcome.denies() {
                    return outcome;
                }
                (Op::Create, Act::Create)
            }
            PathOp::Change => {
                self.count(&site, Param::FilesWritten, 1);
                (Op::Write, Act::Write)
            }
            PathOp::Unlink => (Op::Unlink, Act::Remove),
        };
        self.on_path(&site, op, act, || entry.look(), |b| entry.path(b))
    }

    fn path_move(
        &self,
        hook: &HookContext,
        op: MoveOp,
        from: &Entry<'_>,
        to: &Entry<'_>,
    ) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        let (ops, leaves): (&[Op], _) = match op {
            MoveOp::Link => {
                self.count(&site, Param::FilesWritten, 1);
                self.count(&site, Param::FilesCreated, 1);
                // By its new name it can be written to.
                (&[Op::Create, Op::Write], Act::Write)
            }
            MoveOp::Rename | MoveOp::Exchange => (&[Op::Rename], Act::Remove),
        };
        let passes = |op: &Op| Killer::passes(&site, *op, Place::Nowhere);
        let is_held = site.cell.is_guarded() || site.cell.has_things();
        if !is_held && ops.iter().all(passes) {
            return Outcome::PASS;
        }
        let named = |entry, act| Named { entry, act };
        for op in ops {
            let outcome =
                self.with_paths(&site, *op, &named(from, leaves), &named(to, Act::Create));
            if outcome.denies() {
                return outcome;
            }
        }
        if op == MoveOp::Exchange {
            let (from, to) = (named(to, Act::Remove), named(from, Act::Create));
            return self.with_paths(&site, Op::Rename, &from, &to);
        }
        Outcome::PASS
    }

    fn map_exec(&self, hook: &HookContext, file: Option<&File<'_>>, mapping: Mapping) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        match (mapping, file) {
            (Mapping::File, Some(file)) => {
                let look = || file.look();
                self.on_path(&site, Op::Library, Act::Library, look, |b| file.path(b))
            }
            (Mapping::Loader, Some(file)) => {
                self.count(&site, Param::Execs, 1);
                self.program(&site, |buf| file.opened_path(buf))
            }
            (Mapping::Shared, _) => self.plain(&site, Op::MapShared, Class::Memory, true),
            (Mapping::Anonymous | Mapping::File | Mapping::Loader, _) => {
                self.plain(&site, Op::MapExec, Class::Memory, true)
            }
        }
    }

    fn ptrace(&self, hook: &HookContext) -> Outcome {
        self.operation(hook, Op::Ptrace, false)
    }

    fn module_load(&self, hook: &HookContext) -> Outcome {
        self.operation(hook, Op::ModuleLoad, false)
    }

    fn module_request(&self, hook: &HookContext, name: &[u8]) -> Outcome {
        match self.current(hook) {
            Some(site) => self.named(&site, Op::ModuleRequest, Class::Module, name, true),
            None => Outcome::PASS,
        }
    }

    fn usermode_helper(&self, hook: &HookContext, path: &[u8]) -> Outcome {
        match self.current(hook) {
            // It is the kernel that chooses the program, as it does the modules.
            Some(site) => self.named(&site, Op::UsermodeHelper, Class::Module, path, true),
            None => Outcome::PASS,
        }
    }

    fn mount(&self, hook: &HookContext) -> Outcome {
        self.operation(hook, Op::Mount, true)
    }

    fn userns(&self, hook: &HookContext) -> Outcome {
        self.operation(hook, Op::Namespace, true)
    }

    fn capable(&self, hook: &HookContext, capability: u32) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        if !site.cell.has_things() && Killer::passes(&site, Op::Capability, Place::Nowhere) {
            return Outcome::PASS;
        }
        let name = words::capability(capability);
        self.named(&site, Op::Capability, Class::Capability, name, false)
    }

    fn identity(&self, hook: &HookContext, change: &Identity) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        let (new, old) = match change.op {
            IdentityOp::User => (change.uid, change.old_uid),
            IdentityOp::Group => (change.gid, change.old_gid),
            IdentityOp::Groups => return Outcome::PASS,
        };
        let is_group = change.op == IdentityOp::Group;
        // Those that it acts by. The others only let it come back to them, which is asked for then.
        for (id, before) in [(new.effective, old.effective), (new.fs, old.fs)] {
            // A program with the right of another user or group gives it up.
            let gives_up = id == old.real && id != 0;
            let outcome = if id == before || gives_up {
                Outcome::PASS
            } else {
                self.becomes(&site, id, is_group)
            };
            if outcome.denies() || id == new.fs {
                return outcome;
            }
        }
        Outcome::PASS
    }

    fn signal(&self, hook: &HookContext, target: Task<'_>, signal: u32) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        let at = site.table.of_handle(target.cell()).map(|(index, _)| index);
        if at == Some(site.index) {
            return Outcome::PASS;
        }
        let mut room = [0u8; 32];
        let name = words::signal(signal, &target.name(), &mut room);
        self.named(&site, Op::Signal, Class::Signal, name, false)
    }

    fn socket(&self, hook: &HookContext, kind: SocketKind) -> Outcome {
        match self.current(hook) {
            Some(site) => {
                let mut room = [0u8; 32];
                let name = words::socket(kind.family, kind.kind, &mut room);
                let class = if words::is_raw(kind.family, kind.kind) {
                    Class::Operation
                } else {
                    Class::Socket
                };
                self.named(&site, Op::Socket, class, name, true)
            }
            None => Outcome::PASS,
        }
    }

    fn bind(&self, hook: &HookContext, sk: &Sock<'_>, at: &Address) -> Outcome {
        match self.current(hook) {
            Some(site) => self.endpoint(&site, Op::Bind, Class::Port, sk.kind(), at),
            None => Outcome::PASS,
        }
    }

    fn listen(&self, hook: &HookContext, sk: &Sock<'_>) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        let addresses = sk.addresses();
        if addresses.local_port != 0 || u32::from(addresses.family) == AF_UNIX.into() {
            // It was asked about when it was bound.
            return Outcome::PASS;
        }
        let at = Address::V4 {
            address: [0; 4],
            port: 0,
        };
        self.endpoint(&site, Op::Bind, Class::Port, sk.kind(), &at)
    }

    fn connect(&self, hook: &HookContext, sk: &Sock<'_>, to: &Address) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        self.count(&site, Param::Connects, 1);
        self.endpoint(&site, Op::Connect, Class::Peer, sk.kind(), to)
    }

    fn send(
        &self,
        hook: &HookContext,
        sk: &Sock<'_>,
        to: Option<&Address>,
        bytes: usize,
    ) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        if sk.is_heard() {
            self.count(&site, Param::BytesOut, bytes as u64);
            self.count(&site, Param::MessagesOut, 1);
            if let Some(peer) = receiver(sk, to) {
                Apc::sent(&self.killer, &site, &peer, bytes as u64);
            }
        }
        match to {
            // What a server sends from its own port are answers: whom to is not its choice. Whether it
            // may have that port was asked when it was bound.
            Some(to) if !is_server(sk) => {
                self.endpoint(&site, Op::Send, Class::Peer, sk.kind(), to)
            }
            _ => Outcome::PASS,
        }
    }

    fn accept(&self, hook: &HookContext, sk: &mut Receiver<'_, StreamState>) {
        Task::with_current(|task| {
            sk.stream().owner = Owner {
                pid: task.process_id(),
                start_ns: task.start_ns(),
            };
        });
        if let Some(site) = self.current(hook) {
            self.count(&site, Param::Accepts, 1);
        }
    }

    fn stream_data(
        &self,
        hook: &HookContext,
        sk: &mut Receiver<'_, StreamState>,
        bytes: &Buffer<'_>,
    ) -> Scan {
        let Some(site) = self.reader(hook, sk.sock()) else {
            return Scan::Nobody;
        };
        let received = self.helper.stream(hook, &site, &self.killer, sk, bytes);
        self.arrived(&site, &received);
        received.scan
    }

    fn datagram(&self, hook: &HookContext, sk: &Sock<'_>, bytes: &Buffer<'_>) -> Scan {
        let Some(site) = self.reader(hook, sk) else {
            return Scan::Nobody;
        };
        let received = self.helper.datagram(hook, &site, &self.killer, sk, bytes);
        self.arrived(&site, &received);
        received.scan
    }

    fn unseen(&self, hook: &HookContext, sk: &Sock<'_>) -> Scan {
        let Some(site) = self.reader(hook, sk) else {
            return Scan::Nobody;
        };
        let done = self
            .killer
            .carry_out(&site, &Finding::Unseen, Scene::Arrival);
        if done.kills {
            Scan::Kill
        } else {
            Scan::Seen
        }
    }
}

impl PacketFilter for Engine {
    fn drops(&self, peer: &[u8; 16]) -> bool {
        self.killer.drops(self.mode(), peer)
    }

    fn watches(&self) -> bool {
        self.helper.scans.is_on()
    }

    fn shakes(&self, peer: &[u8; 16]) {
        self.helper.scans.shake(peer);
    }

    fn stray(&self, packet: &Packet, is_heard: impl FnOnce() -> bool) {
        self.helper
            .stray(&self.killer, self.mode(), packet, is_heard);
    }
}
