// SPDX-License-Identifier: GPL-2.0

//! The state of the module, and what each hook does with it.
//!
//! Floor 3. A hook finds the cell, counts, asks `kis_core::judge::verdict`, and lets the T-killer act.
//! What happens at a bound is fixed here: a path that is too long, or not reachable, counts as one
//! outside of every prefix ([`NO_PATH`]), so it fails closed where the officer gave prefixes.

use crate::{
    cell::{Cell, Table, ARGUMENTS_LEN},
    sink::Sink,
    sys::{
        file::{Entry, File, Program},
        hooks::{Delivery, Hooks, PathOp},
        published::{HookContext, Published},
        sock::{Buffer, Receiver, Sock, TcpReceiver},
        task::Task,
    },
    t_helper::Armoury,
    t_killer::{Bans, Scene},
    upload::Upload,
};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use kernel::{new_mutex, prelude::*, sync::Mutex};
use kis_core::{
    cells::Access,
    judge::verdict::{self, Context, Tree, Verdict},
    paths::path::{hash, parent},
    sense::param::Param,
    sense::window::{Crossing, Level},
    wire::abi::{CellMode, Mode, Op, OpSet, Phase, RecordType, FLAG_PARAM},
    wire::record::Record,
};

/// Longest path that is looked at, with its NUL.
const PATH_BYTES: usize = 512;

/// What stands for a path that is longer than that, or that leads nowhere.
const NO_PATH: &[u8] = b"(no path)";

/// The state of the module.
#[pin_data]
pub(crate) struct Engine {
    /// The cells in force.
    #[pin]
    pub(crate) cells: Published<Table>,
    /// The signatures in force.
    #[pin]
    pub(crate) armoury: Published<Armoury>,
    /// Banned addresses.
    #[pin]
    pub(crate) bans: Bans,
    /// The upload that stands.
    #[pin]
    pub(crate) upload: Mutex<Option<Upload>>,
    /// Where records go.
    pub(crate) sink: kernel::sync::Arc<Sink>,
    mode: AtomicU32,
    /// Calls denied.
    pub(crate) denied: AtomicU64,
    /// Connections reset.
    pub(crate) killed: AtomicU64,
    /// Packets of banned peers dropped.
    pub(crate) dropped: AtomicU64,
    /// When the module was loaded, ns of `CLOCK_MONOTONIC`.
    pub(crate) loaded_ns: u64,
}

impl Engine {
    /// No cells, no signatures, observing.
    pub(crate) fn new(
        sink: kernel::sync::Arc<Sink>,
        loaded_ns: u64,
    ) -> Result<kernel::sync::Arc<Self>> {
        kernel::sync::Arc::pin_init(
            try_pin_init!(Self {
                cells <- Published::new(),
                armoury <- Published::new(),
                bans <- Bans::new(),
                upload <- new_mutex!(None, "kis::Engine::upload"),
                sink,
                mode: AtomicU32::new(Mode::Observe as u32),
                denied: AtomicU64::new(0),
                killed: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
                loaded_ns,
            }? Error),
            GFP_KERNEL,
        )
    }

    /// The global mode.
    pub(crate) fn mode(&self) -> Mode {
        if self.mode.load(Ordering::Relaxed) == Mode::Enforce as u32 {
            Mode::Enforce
        } else {
            Mode::Observe
        }
    }

    /// Sets the global mode.
    pub(crate) fn set_mode(&self, mode: Mode) {
        self.mode.store(mode as u32, Ordering::Relaxed);
    }

    /// The cell of the running task.
    fn current<'a>(&'a self, hook: &'a HookContext) -> Option<(&'a Table, usize, &'a Cell)> {
        let table = self.cells.get(hook)?;
        let handle = Task::with_current(|task| task.cell())?;
        let (i, cell) = table.of_handle(handle)?;
        Some((table, i, cell))
    }

    /// Counts for the cell of the running task.
    pub(crate) fn count_current(&self, hook: &HookContext, param: Param, n: u64) {
        if let Some((table, _, cell)) = self.current(hook) {
            self.count(table, cell, param, n, Scene::Current);
        }
    }

    /// Counts; where the sum of the open window is above a line, raises the signal at once.
    pub(crate) fn count(&self, table: &Table, cell: &Cell, param: Param, n: u64, scene: Scene<'_>) {
        if let Some(sum) = cell.count(param, n) {
            self.alarm(table, cell, param, sum, scene);
        }
    }

    /// Tells that a parameter is above one of its lines, unless this window has told it already.
    #[cold]
    fn alarm(&self, table: &Table, cell: &Cell, param: Param, sum: u64, scene: Scene<'_>) {
        let learned = cell.learned(param);
        let bound = cell.settings.bounds.get(param.index()).copied().flatten();
        let (level, threshold) = match bound {
            Some(bound) if sum > bound => (Level::Bound, bound),
            _ if sum > learned.two => (Level::Two, learned.two),
            _ => (Level::One, learned.one),
        };
        let crossing = Crossing {
            param,
            level,
            observed: sum,
            threshold,
        };
        self.crossed(table, cell, &crossing, scene);
    }

    /// Raises and tells a crossing, once a window for each parameter and level.
    pub(crate) fn crossed(
        &self,
        table: &Table,
        cell: &Cell,
        crossing: &Crossing,
        scene: Scene<'_>,
    ) {
        let rank = match crossing.level {
            Level::One => 1u32,
            Level::Two | Level::Bound => 2,
        };
        let shift = 2 * crossing.param.index() as u32;
        let told = cell.told.fetch_or(rank << shift, Ordering::Relaxed) >> shift & 3;
        let ctx = cell.context(self.mode());
        let verdict = verdict::crossing(crossing.level, &ctx);
        let Some(kind) = verdict.record else {
            return;
        };
        cell.raise(verdict.signal);
        if told >= rank {
            return;
        }
        let mut record = self.record(Some(cell), table.generation, scene);
        Self::fill(&mut record, &verdict, &ctx, Op::None);
        let learned = cell.learned(crossing.param);
        record.flags |= FLAG_PARAM;
        record.param = crossing.param as u16;
        record.observed = crossing.observed;
        record.threshold = crossing.threshold;
        record.mean = learned.mean;
        record.deviation = learned.deviation;
        record.n = learned.n;
        self.sink.write(kind, record);
    }

    /// Carries out a verdict on an operation of the running task.
    fn act(
        &self,
        table: &Table,
        cell: &Cell,
        op: Op,
        path: Option<&[u8]>,
        verdict: &Verdict,
        ctx: &Context,
    ) -> Result {
        let Some(kind) = verdict.record else {
            return Ok(());
        };
        cell.raise(verdict.signal);
        self.tally(cell, verdict);
        let (is_told, n) = cell.count_verdict(op, kind);
        if is_told {
            let mut record = self.record(Some(cell), table.generation, Scene::Current);
            Self::fill(&mut record, verdict, ctx, op);
            record.n = u64::from(n);
            if let Some(path) = path {
                record.set_path(path);
            }
            self.sink.write(kind, record);
        }
        if verdict.denies() {
            return Err(EPERM);
        }
        Ok(())
    }

    /// An operation that has no path.
    fn operation(&self, hook: &HookContext, op: Op) -> Result {
        let Some((table, _, cell)) = self.current(hook) else {
            return Ok(());
        };
        let ctx = cell.context(self.mode());
        let verdict = verdict::operation(op, Tree::NoPath, &ctx);
        self.act(table, cell, op, None, &verdict, &ctx)
    }

    /// Where a path lies for a cell. Learns the directory of what is written, while it learns.
    fn place(&self, table: &Table, i: usize, cell: &Cell, access: Access, path: &[u8]) -> Tree {
        let Some(spec) = table.image.get(i) else {
            return Tree::Inside;
        };
        if !spec.tree(access).allows(path) {
            return Tree::Outside;
        }
        if access != Access::Write || !cell.learns_dirs {
            return Tree::Inside;
        }
        let dir = hash(parent(path));
        let mut profile = cell.profile.lock();
        if profile.phase() == Phase::Learning {
            profile.learn_dir(dir);
            Tree::Inside
        } else if profile.dirs().knows(dir) {
            Tree::Inside
        } else {
            Tree::Unknown
        }
    }

    /// An operation on a path, which is only made out where somebody looks at it.
    fn on_path(
        &self,
        hook: &HookContext,
        op: Op,
        make: impl for<'b> FnOnce(&'b mut [u8]) -> Result<&'b [u8]>,
    ) -> Result {
        let (Some((table, i, cell)), Some(access)) = (self.current(hook), Access::of(op)) else {
            return Ok(());
        };
        let ctx = cell.context(self.mode());
        let guarded = table
            .image
            .get(i)
            .is_some_and(|spec| !spec.tree(access).is_empty());
        let learned = access == Access::Write && cell.learns_dirs;
        if !guarded && !learned {
            let verdict = verdict::operation(op, Tree::Inside, &ctx);
            if verdict.is_pass() {
                return Ok(());
            }
            let mut buf = [0u8; PATH_BYTES];
            let path = make(&mut buf).unwrap_or(NO_PATH);
            return self.act(table, cell, op, Some(path), &verdict, &ctx);
        }
        let mut buf = [0u8; PATH_BYTES];
        let path = make(&mut buf).unwrap_or(NO_PATH);
        let tree = self.place(table, i, cell, access, path);
        let verdict = verdict::operation(op, tree, &ctx);
        self.act(table, cell, op, Some(path), &verdict, &ctx)
    }

    /// Tells that the officer changed something, by the netlink command that did it.
    pub(crate) fn tell_control(&self, command: u32, cell: Option<(&Cell, u32)>, value: u32) {
        let record = self.control_record(command, cell, value);
        self.sink.write(RecordType::Control, record);
    }

    /// Tells that the officer replaced the cells or the signatures, `kind` of image, by so many.
    pub(crate) fn tell_load(&self, command: u32, kind: u16, count: u32) {
        let mut record = self.control_record(command, None, count);
        record.param = kind;
        self.sink.write(RecordType::Control, record);
    }

    /// Tells that the officer began or ended a ban.
    pub(crate) fn tell_ban(&self, command: u32, address: [u8; 16], ttl_ms: u32) {
        let mut record = self.control_record(command, None, ttl_ms);
        Self::set_peer(&mut record, &address);
        self.sink.write(RecordType::Control, record);
    }

    fn control_record(&self, command: u32, cell: Option<(&Cell, u32)>, value: u32) -> Record {
        let (cell, generation) = cell.map_or((None, 0), |(cell, g)| (Some(cell), g));
        let mut record = self.record(cell, generation, Scene::Current);
        record.cause = kis_core::wire::abi::Cause::Officer as u16;
        record.observed = u64::from(command);
        record.value = value;
        record
    }

    /// Whether the running task is in a cell: then it may not command KIS. Tells the attempt.
    pub(crate) fn is_insider(&self) -> bool {
        let Some(handle) = Task::with_current(|task| task.cell()).filter(|handle| *handle != 0)
        else {
            return false;
        };
        let cells = self.cells.lock();
        let Some((table, (_, cell))) = cells.get().and_then(|t| Some((t, t.of_handle(handle)?)))
        else {
            return false;
        };
        let mut record: Record = self.record(Some(cell), table.generation, Scene::Current);
        record.cause = kis_core::wire::abi::Cause::Forbidden as u16;
        record.action = kis_core::wire::abi::Action::DENY.bits();
        record.flags |= kis_core::wire::abi::FLAG_APPLIED;
        cell.raise(verdict::Signal::Two);
        if cell.count_verdict(Op::None, RecordType::DangerTwo).0 {
            self.sink.write(RecordType::DangerTwo, record);
        }
        true
    }

    /// A mode from netlink's number, which for a cell may be to inherit.
    pub(crate) fn mode_of(number: u32) -> Option<CellMode> {
        u16::try_from(number).ok().and_then(CellMode::from_u16)
    }
}

impl Hooks for Engine {
    fn exec_check(&self, hook: &HookContext, program: &Program<'_>) -> Result {
        self.count_current(hook, Param::Execs, 1);
        self.on_path(hook, Op::Exec, |buf| program.path(buf))
    }

    fn exec_done(&self, hook: &HookContext, program: &Program<'_>) {
        let Some(table) = self.cells.get(hook) else {
            return;
        };
        let (mut path, mut arguments) =
            ([0u8; kis_core::wire::abi::PATH_LEN], [0u8; ARGUMENTS_LEN]);
        Task::with_current(|task| {
            let Ok(path) = task.program(&mut path) else {
                return;
            };
            // Most programs are no cell: do not touch their arguments.
            if !table.image.iter().any(|spec| spec.program() == path) {
                return;
            }
            // Who is in a cell stays there: no way out of a strict one by way of a lax one.
            if table.of_handle(task.cell()).is_some() {
                return;
            }
            let len = program.arguments(&mut arguments).len();
            let handle = arguments
                .get_mut(..len)
                .and_then(|arguments| table.of_program(path, arguments));
            if let Some(handle) = handle {
                task.take_cpu_ns();
                task.set_cell(handle);
            }
        });
    }

    fn task_free(&self, hook: &HookContext, task: Task<'_>) {
        let Some(table) = self.cells.get(hook) else {
            return;
        };
        if let Some((_, cell)) = table.of_handle(task.cell()) {
            // The rest since the last window; no signal from here, the window will tell.
            cell.count(Param::CpuUs, task.take_cpu_ns() / 1000);
        }
    }

    fn file_open(&self, hook: &HookContext, file: &File<'_>) -> Result {
        if !file.is_stored() {
            return Ok(());
        }
        self.count_current(hook, Param::FilesOpened, 1);
        let op = if file.writes() {
            self.count_current(hook, Param::FilesWritten, 1);
            Op::Write
        } else {
            Op::Read
        };
        self.on_path(hook, op, |buf| file.path(buf))
    }

    fn path(&self, hook: &HookContext, op: PathOp, entry: &Entry<'_>) -> Result {
        let op = match op {
            PathOp::Create => {
                self.count_current(hook, Param::FilesCreated, 1);
                Op::Create
            }
            PathOp::Change => {
                self.count_current(hook, Param::FilesWritten, 1);
                Op::Write
            }
            PathOp::Unlink => Op::Unlink,
            PathOp::Rename => Op::Rename,
        };
        self.on_path(hook, op, |buf| entry.path(buf))
    }

    fn map_exec(&self, hook: &HookContext, file: Option<&File<'_>>, writable: bool) -> Result {
        // Mapping a library is normal, and never forbidden; under danger signal two it is denied
        // like the rest.
        if file.is_none() || writable {
            return self.operation(hook, Op::MapExec);
        }
        let Some((table, _, cell)) = self.current(hook) else {
            return Ok(());
        };
        let ctx = Context {
            forbid: OpSet::EMPTY,
            ..cell.context(self.mode())
        };
        let verdict = verdict::operation(Op::MapExec, Tree::NoPath, &ctx);
        self.act(table, cell, Op::MapExec, None, &verdict, &ctx)
    }

    fn ptrace(&self, hook: &HookContext) -> Result {
        self.operation(hook, Op::Ptrace)
    }

    fn module_load(&self, hook: &HookContext) -> Result {
        self.operation(hook, Op::ModuleLoad)
    }

    fn mount(&self, hook: &HookContext) -> Result {
        let Some((table, i, cell)) = self.current(hook) else {
            return Ok(());
        };
        let mut ctx = cell.context(self.mode());
        // Who is held to paths must not change what they mean.
        let guarded = table.image.get(i).is_some_and(|spec| {
            Access::ALL
                .iter()
                .any(|access| !spec.tree(*access).is_empty())
        });
        if guarded || cell.learns_dirs {
            ctx.forbid = ctx.forbid.with(Op::Mount);
        }
        let verdict = verdict::operation(Op::Mount, Tree::NoPath, &ctx);
        self.act(table, cell, Op::Mount, None, &verdict, &ctx)
    }

    fn connect(&self, hook: &HookContext, _sk: &Sock<'_>) -> Result {
        self.count_current(hook, Param::Connects, 1);
        self.operation(hook, Op::Connect)
    }

    fn send(&self, hook: &HookContext, sk: &Sock<'_>, bytes: usize) {
        self.sent(hook, sk, bytes);
    }

    fn accept(&self, hook: &HookContext, sk: &Receiver<'_>) {
        self.accepted(hook, sk);
    }

    fn tcp_data(&self, hook: &HookContext, sk: &TcpReceiver<'_>) -> Delivery {
        self.deliver_tcp(hook, sk)
    }

    fn unix_data(&self, hook: &HookContext, sk: &Receiver<'_>, bytes: &Buffer<'_>) -> Delivery {
        self.deliver_unix(hook, sk, bytes)
    }
}
