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
    sys::{
        address::Address,
        file::{Entry, File, PathBuffer, Program},
        hooks::{Hooks, Identity, Mapping, MoveOp, Outcome, PathOp, Scan},
        netfilter::PacketFilter,
        published::HookContext,
        sock::{Buffer, Receiver, Sock, SocketKind},
        task::Task,
    },
    t_helper::Received,
    t_killer::Killer,
};
use kernel::prelude::*;
use kis_core::{
    cells::Access,
    judge::finding::{Finding, Place},
    matching::stream::{Owner, StreamState},
    sense::param::Param,
    wire::abi::Op,
};

/// What stands for a path that is too long, or that leads nowhere.
const NO_PATH: &[u8] = b"(no path)";

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

    /// Counts what a peer of the cell does.
    #[inline]
    fn arrived(&self, site: &Site<'_>, received: &Received) {
        if received.bytes != 0 {
            for (param, n) in [(Param::BytesIn, received.bytes), (Param::MessagesIn, 1)] {
                Apc::count(&self.killer, site, param, n, By::Other);
            }
        }
    }

    /// An operation that has no path.
    #[inline]
    fn plain(&self, hook: &HookContext, op: Op) -> Outcome {
        match self.current(hook) {
            Some(site) => self.judge(&site, op, Place::Nowhere, None),
            None => Outcome::PASS,
        }
    }

    #[inline]
    fn judge(&self, site: &Site<'_>, op: Op, place: Place, path: Option<&[u8]>) -> Outcome {
        if Killer::passes(site, op, place) {
            return Outcome::PASS;
        }
        let finding = Finding::Operation { op, place };
        self.killer
            .carry_out(site, &finding, Scene::Call(path))
            .outcome()
    }

    /// An operation on a path, which is only made out where somebody looks at it.
    #[inline]
    fn on_path(
        &self,
        site: &Site<'_>,
        op: Op,
        make: impl for<'b> FnOnce(&'b mut PathBuffer) -> Result<&'b [u8]>,
    ) -> Outcome {
        let is_listed = Access::of(op).is_some_and(|access| site.cell.looks_at(access));
        if !is_listed && Killer::passes(site, op, Place::Nowhere) {
            return Outcome::PASS;
        }
        self.with_path(site, op, make)
    }

    #[inline(never)]
    fn with_path(
        &self,
        site: &Site<'_>,
        op: Op,
        make: impl for<'b> FnOnce(&'b mut PathBuffer) -> Result<&'b [u8]>,
    ) -> Outcome {
        let mut buf = PathBuffer::new();
        let path = make(&mut buf).unwrap_or(NO_PATH);
        self.judge(site, op, site.place(op, path), Some(path))
    }

    /// Something gets another name: judged by both, and told by the one that it leaves.
    #[inline(never)]
    fn with_paths(&self, site: &Site<'_>, op: Op, from: &Entry<'_>, to: &Entry<'_>) -> Outcome {
        let mut buf = PathBuffer::new();
        let from_path = from.path(&mut buf).unwrap_or(NO_PATH);
        self.with_both(site, op, from_path, to, from.is_dir())
    }

    /// The second half of [`Engine::with_paths()`]: two buffers would not fit into one stack frame.
    #[inline(never)]
    fn with_both(
        &self,
        site: &Site<'_>,
        op: Op,
        from: &[u8],
        to: &Entry<'_>,
        is_dir: bool,
    ) -> Outcome {
        let mut buf = PathBuffer::new();
        let to = to.path(&mut buf).unwrap_or(NO_PATH);
        let place = site.moved(from, to, is_dir);
        let told = if Access::of(op).is_some_and(|a| !self.allows(site, a, to)) {
            to
        } else {
            from
        };
        self.judge(site, op, place, Some(told))
    }

    /// Whether a prefix list has a path.
    fn allows(&self, site: &Site<'_>, access: Access, path: &[u8]) -> bool {
        site.table
            .image
            .get(site.index)
            .is_none_or(|spec| spec.tree(access).allows(path))
    }
}

impl Hooks for Engine {
    type Stream = StreamState;

    fn exec_check(&self, hook: &HookContext, program: &Program<'_>) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        self.count(&site, Param::Execs, 1);
        self.on_path(&site, Op::Exec, |buf| program.path(buf))
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
            return self.on_path(&site, Op::Read, |buf| file.path(buf));
        }
        self.count(&site, Param::FilesWritten, 1);
        let op = if file.is_control() {
            Op::Sysctl
        } else {
            Op::Write
        };
        let outcome = self.on_path(&site, op, |buf| file.path(buf));
        if outcome.denies() || op == Op::Write {
            return outcome;
        }
        // A setting is a file as well.
        self.on_path(&site, Op::Write, |buf| file.path(buf))
    }

    fn path(&self, hook: &HookContext, op: PathOp, entry: &Entry<'_>) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        let op = match op {
            PathOp::Create => {
                self.count(&site, Param::FilesCreated, 1);
                Op::Create
            }
            PathOp::Mknod => {
                self.count(&site, Param::FilesCreated, 1);
                let outcome = self.on_path(&site, Op::Mknod, |buf| entry.path(buf));
                if outcome.denies() {
                    return outcome;
                }
                Op::Create
            }
            PathOp::Change => {
                self.count(&site, Param::FilesWritten, 1);
                Op::Write
            }
            PathOp::Unlink => Op::Unlink,
        };
        self.on_path(&site, op, |buf| entry.path(buf))
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
        let ops: &[Op] = match op {
            MoveOp::Link => {
                self.count(&site, Param::FilesWritten, 1);
                self.count(&site, Param::FilesCreated, 1);
                &[Op::Create, Op::Write]
            }
            MoveOp::Rename | MoveOp::Exchange => &[Op::Rename],
        };
        let passes = |op: &Op| Killer::passes(&site, *op, Place::Nowhere);
        if !site.cell.is_guarded() && ops.iter().all(passes) {
            return Outcome::PASS;
        }
        for op in ops {
            let outcome = self.with_paths(&site, *op, from, to);
            if outcome.denies() {
                return outcome;
            }
        }
        if op == MoveOp::Exchange {
            return self.with_paths(&site, Op::Rename, to, from);
        }
        Outcome::PASS
    }

    fn map_exec(&self, hook: &HookContext, file: Option<&File<'_>>, mapping: Mapping) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        match (mapping, file) {
            (Mapping::File, _) => {
                let scene = Scene::Call(None);
                self.killer
                    .carry_out(&site, &Finding::Library, scene)
                    .outcome()
            }
            (Mapping::Loader, Some(file)) => {
                self.count(&site, Param::Execs, 1);
                self.on_path(&site, Op::Exec, |buf| file.path(buf))
            }
            (Mapping::Shared, Some(file)) => {
                self.on_path(&site, Op::MapShared, |buf| file.path(buf))
            }
            (Mapping::Shared, None) => self.judge(&site, Op::MapShared, Place::Nowhere, None),
            (Mapping::Anonymous | Mapping::Loader, _) => {
                self.judge(&site, Op::MapExec, Place::Nowhere, None)
            }
        }
    }

    fn ptrace(&self, hook: &HookContext) -> Outcome {
        self.plain(hook, Op::Ptrace)
    }

    fn module_load(&self, hook: &HookContext) -> Outcome {
        self.plain(hook, Op::ModuleLoad)
    }

    fn module_request(&self, hook: &HookContext, _name: &[u8]) -> Outcome {
        self.plain(hook, Op::ModuleLoad)
    }

    fn usermode_helper(&self, hook: &HookContext, path: &[u8]) -> Outcome {
        match self.current(hook) {
            Some(site) => self.judge(&site, Op::UsermodeHelper, Place::Nowhere, Some(path)),
            None => Outcome::PASS,
        }
    }

    fn mount(&self, hook: &HookContext) -> Outcome {
        self.plain(hook, Op::Mount)
    }

    fn userns(&self, _hook: &HookContext) -> Outcome {
        Outcome::PASS
    }

    fn capable(&self, _hook: &HookContext, _capability: u32) -> Outcome {
        Outcome::PASS
    }

    fn identity(&self, _hook: &HookContext, _change: &Identity) -> Outcome {
        Outcome::PASS
    }

    fn signal(&self, _hook: &HookContext, _target: Task<'_>, _signal: u32) -> Outcome {
        Outcome::PASS
    }

    fn socket(&self, _hook: &HookContext, _kind: SocketKind) -> Outcome {
        Outcome::PASS
    }

    fn bind(&self, _hook: &HookContext, _sk: &Sock<'_>, _at: &Address) -> Outcome {
        Outcome::PASS
    }

    fn listen(&self, _hook: &HookContext, _sk: &Sock<'_>) -> Outcome {
        Outcome::PASS
    }

    fn connect(&self, hook: &HookContext, _sk: &Sock<'_>, _to: &Address) -> Outcome {
        let Some(site) = self.current(hook) else {
            return Outcome::PASS;
        };
        self.count(&site, Param::Connects, 1);
        self.judge(&site, Op::Connect, Place::Nowhere, None)
    }

    fn send(
        &self,
        hook: &HookContext,
        sk: &Sock<'_>,
        _to: Option<&Address>,
        bytes: usize,
    ) -> Outcome {
        if !sk.is_heard() {
            return Outcome::PASS;
        }
        if let Some(site) = self.current(hook) {
            self.count(&site, Param::BytesOut, bytes as u64);
            self.count(&site, Param::MessagesOut, 1);
        }
        Outcome::PASS
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
}
