// SPDX-License-Identifier: GPL-2.0

//! The attach points of the KIS LSM (`include/linux/kis.h` of the patched kernel).
//!
//! [`Hooks`] is the one trait between hook sources and policy: a stock kernel could serve it from
//! another source. All callbacks but `exec_done` come only for tasks and sockets with a handle.

use super::{
    address::{Address, Call},
    bindings,
    file::{Entry, File, Program},
    published::HookContext,
    served::{Lease, Served},
    sock::{Buffer, Receiver, Sock, SocketKind},
    task::{self, Task},
};
use kernel::{error::to_result, ffi, prelude::*, sync::Arc};

/// What a path hook is about to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathOp {
    /// Create a file, directory or link.
    Create,
    /// Create a device node.
    Mknod,
    /// Remove a file or directory.
    Unlink,
    /// Truncate a file, change its mode or owner.
    Change,
}

/// How something gets another name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MoveOp {
    /// It keeps the old one.
    Link,
    /// It loses the old one.
    Rename,
    /// The two change places.
    Exchange,
}

/// What memory is made executable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mapping {
    /// A file as it is: a library.
    File,
    /// A file, by a program without an interpreter: the loader, which loads another program.
    Loader,
    /// What can be written to from elsewhere while it is executed.
    Shared,
    /// What is writable, or of no file.
    Anonymous,
}

/// What of a task's identity changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityOp {
    /// User ids.
    User,
    /// Group ids.
    Group,
    /// Supplementary groups.
    Groups,
}

/// Ids of users or groups, in the initial user namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
#[allow(
    dead_code,
    reason = "for what is learned of identities, which comes next"
)]
pub(crate) struct Ids {
    /// The real one.
    pub(crate) real: u32,
    /// The one that it acts by.
    pub(crate) effective: u32,
    /// The one that it may come back to.
    pub(crate) saved: u32,
    /// The one that it acts by on files.
    pub(crate) fs: u32,
}

impl Ids {
    fn new([real, effective, saved, fs]: [u32; 4]) -> Self {
        Self {
            real,
            effective,
            saved,
            fs,
        }
    }
}

/// How a task's identity changes.
#[allow(
    dead_code,
    reason = "for what is learned of identities, which comes next"
)]
pub(crate) struct Identity {
    /// What of it changes.
    pub(crate) op: IdentityOp,
    /// Users that come into force.
    pub(crate) uid: Ids,
    /// Groups that come into force.
    pub(crate) gid: Ids,
    /// Users that are in force.
    pub(crate) old_uid: Ids,
    /// Groups that are in force.
    pub(crate) old_gid: Ids,
}

impl Identity {
    /// Copies what the hook is passed.
    ///
    /// # Safety
    ///
    /// Both credentials are live.
    unsafe fn from_raw(
        what: ffi::c_int,
        new: *const bindings::cred,
        old: *const bindings::cred,
    ) -> Self {
        // SAFETY: by the requirement.
        let (uid, gid) = unsafe { ids(new) };
        // SAFETY: as above.
        let (old_uid, old_gid) = unsafe { ids(old) };
        Self {
            op: identity_op(what),
            uid,
            gid,
            old_uid,
            old_gid,
        }
    }
}

/// Users and groups of credentials.
///
/// # Safety
///
/// The credentials are live.
unsafe fn ids(cred: *const bindings::cred) -> (Ids, Ids) {
    let (mut uids, mut gids) = ([0; 4], [0; 4]);
    // SAFETY: live by the requirement; there is room for four of each.
    unsafe { bindings::kis_helper_cred_ids(cred, uids.as_mut_ptr(), gids.as_mut_ptr()) };
    (Ids::new(uids), Ids::new(gids))
}

/// What became of bytes that the module was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scan {
    /// Nobody serves the handle: they were not looked at, and will be.
    Nobody,
    /// The process may read them.
    Seen,
    /// Nobody may read them: the connection is reset, the datagram dropped.
    Kill,
}

/// What is to be done with the calling task when it returns to user space, without any lock and
/// after the read section of the hook has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(CONFIG_KIS_KUNIT_TEST),
    expect(
        dead_code,
        reason = "for the ladder of responses; so far there are pauses"
    )
)]
pub(crate) enum Later {
    /// It pauses for so many ms, or until it is killed.
    Pause(u32),
    /// Its process is stopped (`SIGSTOP`).
    Freeze,
    /// Its process is killed.
    Kill,
}

/// What a hook answers: whether the call is denied now, and what is done later. As `kis_answer` in
/// `include/linux/kis.h`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) struct Outcome(u64);

impl Outcome {
    /// The call goes on.
    pub(crate) const PASS: Self = Self(0);

    /// The call is denied with this error.
    pub(crate) fn deny(error: Error) -> Self {
        // CAST: an errno is between -4095 and -1.
        Self(error.to_errno().unsigned_abs().into())
    }

    /// Whether the call is denied.
    pub(crate) fn denies(self) -> bool {
        self.0 & u64::from(bindings::KIS_ANSWER_ERRNO) != 0
    }

    /// The same, and later that. Of two pauses the longer one counts.
    pub(crate) fn and_later(self, later: Later) -> Self {
        const PAUSE: u64 = 0xffff_ffff << bindings::KIS_ANSWER_PAUSE_SHIFT;
        match later {
            Later::Pause(ms) => {
                let pause = u64::from(ms) << bindings::KIS_ANSWER_PAUSE_SHIFT;
                Self((self.0 & !PAUSE) | pause.max(self.0 & PAUSE))
            }
            Later::Freeze => Self(self.0 | bindings::KIS_ANSWER_FREEZE),
            Later::Kill => Self(self.0 | bindings::KIS_ANSWER_KILL),
        }
    }

    /// Whether there is a pause.
    pub(crate) fn pauses(self) -> bool {
        self.0 >> bindings::KIS_ANSWER_PAUSE_SHIFT != 0
    }

    /// The same without a pause.
    pub(crate) fn at_once(self) -> Self {
        Self(self.0 & !(u64::MAX << bindings::KIS_ANSWER_PAUSE_SHIFT))
    }

    /// As the LSM takes it.
    pub(crate) fn raw(self) -> u64 {
        self.0
    }
}

/// Who serves the hooks.
///
/// The contexts are those of `struct kis_hooks` in `include/linux/kis.h`.
pub(crate) trait Hooks: Send + Sync + 'static {
    /// What is kept with the socket of each byte stream. It begins as zeros, whatever the type's
    /// own default, and is never dropped.
    type Stream: Copy + Send + 'static;

    /// A task of a cell is about to execute a program. May sleep.
    fn exec_check(&self, hook: &HookContext, program: &Program<'_>) -> Outcome;
    /// The current task, of a cell or not, has executed a program. May sleep.
    fn exec_done(&self, hook: &HookContext, program: &Program<'_>);
    /// The handle that the cell of a handle has now; `None` when nobody serves it. Atomic.
    fn heir(&self, hook: &HookContext, cell: u64) -> Option<u64>;
    /// A task of a cell is freed. Atomic.
    fn task_free(&self, hook: &HookContext, task: Task<'_>);
    /// A file is opened. May sleep.
    fn file_open(&self, hook: &HookContext, file: &File<'_>) -> Outcome;
    /// A directory entry is changed or a file truncated. May sleep.
    fn path(&self, hook: &HookContext, op: PathOp, entry: &Entry<'_>) -> Outcome;
    /// Something gets another name. May sleep.
    fn path_move(
        &self,
        hook: &HookContext,
        op: MoveOp,
        from: &Entry<'_>,
        to: &Entry<'_>,
    ) -> Outcome;
    /// Memory is made executable. May sleep; the mmap lock may be held. Of what the loader maps it is
    /// asked twice: as a program, and by how it is mapped.
    fn map_exec(&self, hook: &HookContext, file: Option<&File<'_>>, mapping: Mapping) -> Outcome;
    /// The current task traces another, or asks to be traced by its parent. Atomic.
    fn ptrace(&self, hook: &HookContext) -> Outcome;
    /// The task loads or unloads a kernel module. Atomic.
    fn module_load(&self, hook: &HookContext) -> Outcome;
    /// The kernel wants a module for the task; it starts a program that loads it. May sleep.
    fn module_request(&self, hook: &HookContext, name: &[u8]) -> Outcome;
    /// The kernel starts a program for the current task. May sleep.
    fn usermode_helper(&self, hook: &HookContext, path: &[u8]) -> Outcome;
    /// Mounts are changed. May sleep.
    fn mount(&self, hook: &HookContext) -> Outcome;
    /// A user namespace is made. May sleep.
    fn userns(&self, hook: &HookContext) -> Outcome;
    /// A capability (`CAP_*`) that the task has is used; loading modules is not among them. Atomic,
    /// with whatever lock.
    fn capable(&self, hook: &HookContext, capability: u32) -> Outcome;
    /// User or group ids change. May sleep.
    fn identity(&self, hook: &HookContext, change: &Identity) -> Outcome;
    /// A signal goes to a task that does not have the same handle. Atomic.
    fn signal(&self, hook: &HookContext, target: Task<'_>, signal: u32) -> Outcome;
    /// A socket is made. May sleep.
    fn socket(&self, hook: &HookContext, kind: SocketKind) -> Outcome;
    /// A socket gets its own address. May sleep.
    fn bind(&self, hook: &HookContext, sk: &Sock<'_>, at: &Address) -> Outcome;
    /// A socket is connected. May sleep.
    fn connect(&self, hook: &HookContext, sk: &Sock<'_>, to: &Address) -> Outcome;
    /// A socket begins to take connections. May sleep.
    fn listen(&self, hook: &HookContext, sk: &Sock<'_>) -> Outcome;
    /// Bytes are sent, to an address if the call has one that counts. May sleep.
    fn send(
        &self,
        hook: &HookContext,
        sk: &Sock<'_>,
        to: Option<&Address>,
        bytes: usize,
    ) -> Outcome;
    /// A connection is accepted. Atomic.
    fn accept(&self, hook: &HookContext, sk: &mut Receiver<'_, Self::Stream>);
    /// Bytes of a stream are about to be queued. Atomic, also softirq.
    fn stream_data(
        &self,
        hook: &HookContext,
        sk: &mut Receiver<'_, Self::Stream>,
        bytes: &Buffer<'_>,
    ) -> Scan;
    /// A datagram is about to be queued. Atomic, also softirq; several at the same time.
    fn datagram(&self, hook: &HookContext, sk: &Sock<'_>, bytes: &Buffer<'_>) -> Scan;
    /// Bytes for a socket cannot be looked at. Atomic, also softirq.
    fn unseen(&self, hook: &HookContext, sk: &Sock<'_>) -> Scan;
}

static SERVED: Served = Served::new();

/// Runs `f` with the served object and the evidence of the hook.
///
/// # Safety
///
/// The caller is a function of the attached `struct kis_hooks`, instantiated for the `T` that was
/// attached.
unsafe fn serve<T: Hooks, R>(f: impl FnOnce(&T, &HookContext) -> R) -> Option<R> {
    // SAFETY: by the requirement; `kis_detach()` waits for this hook before the lease ends.
    let object = unsafe { SERVED.get::<T>() }?;
    // SAFETY: by the requirement.
    let hook = unsafe { HookContext::new() };
    Some(f(object, &hook))
}

/// What the LSM gets: nothing is served only while the module comes or goes, and nothing is denied
/// then.
fn answer(outcome: Option<Outcome>) -> bindings::kis_answer {
    outcome.unwrap_or(Outcome::PASS).raw()
}

fn scanned(scan: Option<Scan>) -> ffi::c_int {
    let scan = match scan {
        Some(Scan::Kill) => bindings::kis_scan_KIS_SCAN_KILL,
        Some(Scan::Seen) => bindings::kis_scan_KIS_SCAN_SEEN,
        Some(Scan::Nobody) | None => bindings::kis_scan_KIS_SCAN_NOBODY,
    };
    // CAST: small numbers.
    scan as ffi::c_int
}

/// Defines functions of `struct kis_hooks`: each takes what the LSM passes, with the evidence of
/// the hook, to the method of the same name.
macro_rules! shims {
    ($(
        $(#[$doc:meta])*
        fn $name:ident($($arg:ident: $ty:ty),*) -> $ret:ty = $wrap:ident(|$t:ident, $h:ident| $body:expr);
    )*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// Only the LSM calls this, with live objects of its own that outlive the call, in the
        /// context that `include/linux/kis.h` says.
        unsafe extern "C" fn $name<T: Hooks>($($arg: $ty),*) -> $ret {
            // SAFETY: by the requirement; what is wrapped in it does not outlive the call.
            $wrap(unsafe { serve::<T, _>(|$t, $h| $body) })
        }
    )*};
}

/// For hooks that answer nothing.
fn nothing(_: Option<()>) {}

/// A handle, 0 for none.
fn handle(handle: Option<Option<u64>>) -> u64 {
    handle.flatten().unwrap_or(0)
}

shims! {
    /// `exec_check` of `struct kis_hooks`.
    fn exec_check(bprm: *mut bindings::linux_binprm) -> bindings::kis_answer =
        answer(|t, h| Program::from_raw(bprm).map_or(Outcome::PASS, |p| t.exec_check(h, &p)));

    /// `exec_done` of `struct kis_hooks`.
    fn exec_done(bprm: *const bindings::linux_binprm) -> () =
        nothing(|t, h| if let Some(p) = Program::from_raw(bprm) { t.exec_done(h, &p) });

    /// `heir` of `struct kis_hooks`.
    fn heir(cell: u64) -> u64 = handle(|t, h| t.heir(h, cell));

    /// `task_free` of `struct kis_hooks`.
    fn task_free(task: *mut bindings::task_struct) -> () =
        nothing(|t, h| if let Some(task) = Task::from_raw(task) { t.task_free(h, task) });

    /// `file_open` of `struct kis_hooks`.
    fn file_open(file: *mut bindings::file) -> bindings::kis_answer =
        answer(|t, h| File::from_raw(file).map_or(Outcome::PASS, |f| t.file_open(h, &f)));

    /// `path` of `struct kis_hooks`.
    fn path(op: ffi::c_int, dir: *const bindings::path, entry: *mut bindings::dentry) -> bindings::kis_answer =
        answer(|t, h| {
            Entry::from_raw(dir, entry).map_or(Outcome::PASS, |e| t.path(h, path_op(op), &e))
        });

    /// `path_move` of `struct kis_hooks`.
    fn path_move(
        op: ffi::c_int,
        from_dir: *const bindings::path,
        from: *mut bindings::dentry,
        to_dir: *const bindings::path,
        to: *mut bindings::dentry
    ) -> bindings::kis_answer =
        answer(|t, h| match (Entry::from_raw(from_dir, from), Entry::from_raw(to_dir, to)) {
            (Some(from), Some(to)) => t.path_move(h, move_op(op), &from, &to),
            _ => Outcome::PASS,
        });

    /// `map_exec` of `struct kis_hooks`.
    fn map_exec(file: *mut bindings::file, how: ffi::c_int) -> bindings::kis_answer =
        answer(|t, h| t.map_exec(h, File::from_raw(file).as_ref(), mapping(how)));

    /// `ptrace` of `struct kis_hooks`.
    fn ptrace() -> bindings::kis_answer = answer(|t, h| t.ptrace(h));

    /// `module_load` of `struct kis_hooks`.
    fn module_load() -> bindings::kis_answer = answer(|t, h| t.module_load(h));

    /// `module_request` of `struct kis_hooks`.
    fn module_request(name: *const ffi::c_char) -> bindings::kis_answer =
        answer(|t, h| t.module_request(h, CStr::from_char_ptr(name).to_bytes()));

    /// `usermode_helper` of `struct kis_hooks`.
    fn usermode_helper(path: *const ffi::c_char) -> bindings::kis_answer =
        answer(|t, h| t.usermode_helper(h, CStr::from_char_ptr(path).to_bytes()));

    /// `mount` of `struct kis_hooks`.
    fn mount() -> bindings::kis_answer = answer(|t, h| t.mount(h));

    /// `userns` of `struct kis_hooks`.
    fn userns() -> bindings::kis_answer = answer(|t, h| t.userns(h));

    /// `capable` of `struct kis_hooks`.
    fn capable(cap: ffi::c_int) -> bindings::kis_answer =
        answer(|t, h| t.capable(h, cap.unsigned_abs()));

    /// `identity` of `struct kis_hooks`.
    fn identity(what: ffi::c_int, new: *const bindings::cred, old: *const bindings::cred) -> bindings::kis_answer =
        answer(|t, h| t.identity(h, &Identity::from_raw(what, new, old)));

    /// `signal` of `struct kis_hooks`.
    fn signal(target: *mut bindings::task_struct, sig: ffi::c_int) -> bindings::kis_answer =
        answer(|t, h| {
            Task::from_raw(target).map_or(Outcome::PASS, |to| t.signal(h, to, sig.unsigned_abs()))
        });

    /// `socket` of `struct kis_hooks`.
    fn socket(family: ffi::c_int, kind: ffi::c_int, protocol: ffi::c_int) -> bindings::kis_answer =
        answer(|t, h| {
            let small = |n| u16::try_from(n).unwrap_or(u16::MAX);
            t.socket(h, SocketKind {
                family: small(family),
                kind: small(kind),
                protocol: small(protocol),
            })
        });

    /// `bind` of `struct kis_hooks`; the file keeps the socket and its sock, the caller the address.
    fn bind(sock: *mut bindings::socket, address: *const bindings::sockaddr, len: ffi::c_int) -> bindings::kis_answer =
        answer(|t, h| {
            Sock::from_raw(bindings::kis_helper_socket_sk(sock)).map_or(Outcome::PASS, |s| {
                t.bind(h, &s, &Address::from_raw(address, len, s.kind(), Call::Bind))
            })
        });

    /// `connect` of `struct kis_hooks`; as `bind`.
    fn connect(sock: *mut bindings::socket, address: *const bindings::sockaddr, len: ffi::c_int) -> bindings::kis_answer =
        answer(|t, h| {
            Sock::from_raw(bindings::kis_helper_socket_sk(sock)).map_or(Outcome::PASS, |s| {
                t.connect(h, &s, &Address::from_raw(address, len, s.kind(), Call::Connect))
            })
        });

    /// `listen` of `struct kis_hooks`; the file keeps the socket and its sock.
    fn listen(sock: *mut bindings::socket) -> bindings::kis_answer =
        answer(|t, h| {
            Sock::from_raw(bindings::kis_helper_socket_sk(sock))
                .map_or(Outcome::PASS, |s| t.listen(h, &s))
        });

    /// `send` of `struct kis_hooks`; as `bind`.
    fn send(
        sock: *mut bindings::socket,
        address: *const bindings::sockaddr,
        len: ffi::c_int,
        size: ffi::c_int
    ) -> bindings::kis_answer =
        answer(|t, h| {
            Sock::from_raw(bindings::kis_helper_socket_sk(sock)).map_or(Outcome::PASS, |s| {
                let bytes = usize::try_from(size).unwrap_or(0);
                if address.is_null() {
                    return t.send(h, &s, None, bytes);
                }
                match Address::from_raw(address, len, s.kind(), Call::Send) {
                    // It goes where the socket is connected to.
                    Address::Unspecified => t.send(h, &s, None, bytes),
                    to => t.send(h, &s, Some(&to), bytes),
                }
            })
        });

    /// `accept` of `struct kis_hooks`; accept() holds the socket's delivery lock.
    fn accept(sk: *mut bindings::sock, stream: *mut ffi::c_void) -> () =
        nothing(|t, h| {
            if let Some(mut s) = Receiver::from_raw(sk, stream.cast::<T::Stream>()) {
                t.accept(h, &mut s)
            }
        });

    /// `stream_data` of `struct kis_hooks`; the LSM holds the socket's delivery lock.
    fn stream_data(
        sk: *mut bindings::sock,
        stream: *mut ffi::c_void,
        skb: *const bindings::sk_buff,
        from: u32,
        to: u32
    ) -> ffi::c_int =
        scanned(|t, h| {
            match (Receiver::from_raw(sk, stream.cast::<T::Stream>()), Buffer::from_raw(skb, from, to)) {
                (Some(mut s), Some(b)) => t.stream_data(h, &mut s, &b),
                _ => Scan::Nobody,
            }
        });

    /// `datagram` of `struct kis_hooks`.
    fn datagram(sk: *mut bindings::sock, skb: *const bindings::sk_buff, from: u32, to: u32) -> ffi::c_int =
        scanned(|t, h| match (Sock::from_raw(sk), Buffer::from_raw(skb, from, to)) {
            (Some(s), Some(b)) => t.datagram(h, &s, &b),
            _ => Scan::Nobody,
        });

    /// `unseen` of `struct kis_hooks`.
    fn unseen(sk: *mut bindings::sock) -> ffi::c_int =
        scanned(|t, h| Sock::from_raw(sk).map_or(Scan::Nobody, |s| t.unseen(h, &s)));
}

fn path_op(op: ffi::c_int) -> PathOp {
    // CAST: one of the LSM's few numbers.
    match op as u32 {
        bindings::kis_path_op_KIS_PATH_CREATE => PathOp::Create,
        bindings::kis_path_op_KIS_PATH_MKNOD => PathOp::Mknod,
        bindings::kis_path_op_KIS_PATH_UNLINK => PathOp::Unlink,
        _ => PathOp::Change,
    }
}

fn move_op(op: ffi::c_int) -> MoveOp {
    // CAST: one of the LSM's few numbers.
    match op as u32 {
        bindings::kis_move_op_KIS_MOVE_LINK => MoveOp::Link,
        bindings::kis_move_op_KIS_MOVE_EXCHANGE => MoveOp::Exchange,
        _ => MoveOp::Rename,
    }
}

fn identity_op(what: ffi::c_int) -> IdentityOp {
    // CAST: one of the LSM's few numbers.
    match what as u32 {
        bindings::kis_identity_KIS_IDENTITY_USER => IdentityOp::User,
        bindings::kis_identity_KIS_IDENTITY_GROUP => IdentityOp::Group,
        _ => IdentityOp::Groups,
    }
}

fn mapping(how: ffi::c_int) -> Mapping {
    // CAST: one of the LSM's few numbers.
    match how as u32 {
        bindings::kis_mapping_KIS_MAPPING_FILE => Mapping::File,
        bindings::kis_mapping_KIS_MAPPING_LOADER => Mapping::Loader,
        bindings::kis_mapping_KIS_MAPPING_SHARED => Mapping::Shared,
        _ => Mapping::Anonymous,
    }
}

struct Table<T>(core::marker::PhantomData<T>);

impl<T: Hooks> Table<T> {
    /// Streams are words that the LSM allocates, so their type must not want more of them.
    const STREAM_BYTES: u32 = {
        assert!(align_of::<T::Stream>() <= align_of::<u64>());
        assert!(size_of::<T::Stream>() <= bindings::KIS_STREAM_MAX as usize);
        // CAST: just compared.
        size_of::<T::Stream>() as u32
    };

    const HOOKS: bindings::kis_hooks = bindings::kis_hooks {
        abi: bindings::KIS_HOOKS_ABI,
        stream_bytes: Self::STREAM_BYTES,
        exec_check: Some(exec_check::<T>),
        exec_done: Some(exec_done::<T>),
        heir: Some(heir::<T>),
        task_free: Some(task_free::<T>),
        file_open: Some(file_open::<T>),
        path: Some(path::<T>),
        path_move: Some(path_move::<T>),
        map_exec: Some(map_exec::<T>),
        ptrace: Some(ptrace::<T>),
        module_load: Some(module_load::<T>),
        module_request: Some(module_request::<T>),
        usermode_helper: Some(usermode_helper::<T>),
        mount: Some(mount::<T>),
        userns: Some(userns::<T>),
        capable: Some(capable::<T>),
        identity: Some(identity::<T>),
        signal: Some(signal::<T>),
        socket: Some(socket::<T>),
        bind: Some(bind::<T>),
        connect: Some(connect::<T>),
        listen: Some(listen::<T>),
        send: Some(send::<T>),
        accept: Some(accept::<T>),
        stream_data: Some(stream_data::<T>),
        datagram: Some(datagram::<T>),
        unseen: Some(unseen::<T>),
    };
}

/// The attachment to the LSM: hooks are served while it lives.
pub(crate) struct Attachment<T: Hooks> {
    table: KBox<bindings::kis_hooks>,
    _lease: Lease<T>,
}

// SAFETY: the table is not touched after it was made, function pointers may be shared.
unsafe impl<T: Hooks> Send for Attachment<T> {}
// SAFETY: as above.
unsafe impl<T: Hooks> Sync for Attachment<T> {}

impl<T: Hooks> Attachment<T> {
    /// Attaches. May sleep. `EOPNOTSUPP` on a kernel without the KIS LSM, `EPERM` with kis.off=1,
    /// `EPROTO` when the kernel speaks another version of the hooks, `EBUSY` when something is
    /// attached.
    pub(crate) fn new(object: Arc<T>) -> Result<Self> {
        // SAFETY: no requirements.
        if !unsafe { bindings::kis_helper_has_lsm() } {
            return Err(EOPNOTSUPP);
        }
        let lease = SERVED.lend(object)?;
        let table = KBox::new(Table::<T>::HOOKS, GFP_KERNEL)?;
        // SAFETY: the table lives until `kis_detach()` in `drop()`, its functions as long as the
        // module, which detaches before it goes.
        to_result(unsafe { bindings::kis_helper_attach(&raw const *table) })?;
        Ok(Self {
            table,
            _lease: lease,
        })
    }
}

impl<T: Hooks> Drop for Attachment<T> {
    fn drop(&mut self) {
        // SAFETY: this table was attached in `new()`.
        unsafe { bindings::kis_helper_detach(&raw const *self.table) };
        // No hook runs any more: the lease may end. Handles that stay behind mean nothing to a
        // later module, but without them its hooks need not ask.
        task::for_each_member(|task| task.leave());
    }
}

/// A generation for handles that none before had.
pub(crate) fn new_generation() -> u32 {
    // SAFETY: no requirements.
    unsafe { bindings::kis_helper_new_generation() }
}

/// Why an attachment failed, for the log.
pub(crate) fn why(error: Error) -> &'static str {
    if error == EPERM {
        "not loaded: kis.off=1 is on the kernel command line, or lsm= there does not name kis"
    } else if error == EPROTO {
        "not loaded: this kernel's KIS LSM is of another version; build module and kernel together"
    } else if error == EBUSY {
        "not loaded: another module is attached to the KIS LSM"
    } else if error == EOPNOTSUPP {
        "not loaded: this kernel has no KIS LSM (CONFIG_SECURITY_KIS); boot the patched kernel"
    } else {
        "not loaded: attaching to the KIS LSM failed"
    }
}
