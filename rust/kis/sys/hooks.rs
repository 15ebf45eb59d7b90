// SPDX-License-Identifier: GPL-2.0

//! The attach points of the KIS LSM (`include/linux/kis.h` of the patched kernel).
//!
//! [`Hooks`] is the one trait between hook sources and policy: a stock kernel could serve it from
//! another source. All callbacks but `exec_done` come only for tasks and sockets with a handle.

use super::{
    bindings,
    file::{Entry, File, Program},
    published::HookContext,
    served::{Lease, Served},
    sock::{Buffer, Receiver, Sock, TcpReceiver},
    task::{self, Task},
};
use kernel::{error::to_result, ffi, prelude::*, sync::Arc};

/// What a path hook is about to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathOp {
    /// Create a file, directory or link.
    Create,
    /// Remove a file or directory.
    Unlink,
    /// Rename, from here or to here.
    Rename,
    /// Truncate a file, change its mode or owner, or make another name for it.
    Change,
}

/// What becomes of received bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The process may read them.
    Pass,
    /// The connection is reset and nobody reads them.
    Kill,
}

/// Who serves the hooks.
///
/// The contexts are those of `struct kis_hooks` in `include/linux/kis.h`.
pub(crate) trait Hooks: Send + Sync + 'static {
    /// A task of a cell is about to execute a program. May sleep.
    fn exec_check(&self, hook: &HookContext, program: &Program<'_>) -> Result;
    /// The current task, of a cell or not, has executed a program. May sleep.
    fn exec_done(&self, hook: &HookContext, program: &Program<'_>);
    /// A task of a cell is freed. Atomic.
    fn task_free(&self, hook: &HookContext, task: Task<'_>);
    /// A file is opened. May sleep.
    fn file_open(&self, hook: &HookContext, file: &File<'_>) -> Result;
    /// A directory entry is changed or a file truncated. May sleep.
    fn path(&self, hook: &HookContext, op: PathOp, entry: &Entry<'_>) -> Result;
    /// Memory is made executable. May sleep.
    fn map_exec(&self, hook: &HookContext, file: Option<&File<'_>>, writable: bool) -> Result;
    /// The current task traces another, or asks to be traced. Atomic.
    fn ptrace(&self, hook: &HookContext) -> Result;
    /// A kernel module is loaded or unloaded. Atomic.
    fn module_load(&self, hook: &HookContext) -> Result;
    /// Mounts are changed. May sleep.
    fn mount(&self, hook: &HookContext) -> Result;
    /// A socket is connected. May sleep.
    fn connect(&self, hook: &HookContext, sk: &Sock<'_>) -> Result;
    /// Bytes are sent. May sleep.
    fn send(&self, hook: &HookContext, sk: &Sock<'_>, bytes: usize);
    /// A connection is accepted. Atomic.
    fn accept(&self, hook: &HookContext, sk: &Receiver<'_>);
    /// TCP has queued bytes. Atomic, also softirq.
    fn tcp_data(&self, hook: &HookContext, sk: &TcpReceiver<'_>) -> Delivery;
    /// Bytes are about to be queued on a unix stream socket. Atomic.
    fn unix_data(&self, hook: &HookContext, sk: &Receiver<'_>, bytes: &Buffer<'_>) -> Delivery;
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

fn errno(result: Option<Result>) -> ffi::c_int {
    match result {
        Some(Err(e)) => e.to_errno(),
        // Nothing is served only while the module comes or goes: nothing is denied then.
        Some(Ok(())) | None => 0,
    }
}

fn kill(delivery: Option<Delivery>) -> ffi::c_int {
    ffi::c_int::from(delivery == Some(Delivery::Kill))
}

/// `exec_check` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn exec_check<T: Hooks>(bprm: *mut bindings::linux_binprm) -> ffi::c_int {
    // SAFETY: called by the LSM with its own object, which outlives the call.
    errno(unsafe {
        serve::<T, _>(|t, h| Program::from_raw(bprm).map_or(Ok(()), |p| t.exec_check(h, &p)))
    })
}

/// `exec_done` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn exec_done<T: Hooks>(bprm: *const bindings::linux_binprm) {
    // SAFETY: as in `exec_check()`.
    unsafe {
        serve::<T, _>(|t, h| {
            if let Some(p) = Program::from_raw(bprm) {
                t.exec_done(h, &p)
            }
        })
    };
}

/// `task_free` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn task_free<T: Hooks>(task: *mut bindings::task_struct) {
    // SAFETY: as in `exec_check()`.
    unsafe {
        serve::<T, _>(|t, h| {
            if let Some(task) = Task::from_raw(task) {
                t.task_free(h, task)
            }
        })
    };
}

/// `file_open` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn file_open<T: Hooks>(file: *mut bindings::file) -> ffi::c_int {
    // SAFETY: as in `exec_check()`.
    errno(unsafe {
        serve::<T, _>(|t, h| File::from_raw(file).map_or(Ok(()), |f| t.file_open(h, &f)))
    })
}

/// `path` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn path<T: Hooks>(
    op: ffi::c_int,
    dir: *const bindings::path,
    entry: *mut bindings::dentry,
) -> ffi::c_int {
    let op = match op as u32 {
        bindings::kis_path_op_KIS_PATH_CREATE => PathOp::Create,
        bindings::kis_path_op_KIS_PATH_UNLINK => PathOp::Unlink,
        bindings::kis_path_op_KIS_PATH_CHANGE | bindings::kis_path_op_KIS_PATH_LINK_FROM => {
            PathOp::Change
        }
        _ => PathOp::Rename,
    };
    // SAFETY: as in `exec_check()`.
    errno(unsafe {
        serve::<T, _>(|t, h| Entry::from_raw(dir, entry).map_or(Ok(()), |e| t.path(h, op, &e)))
    })
}

/// `map_exec` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn map_exec<T: Hooks>(
    file: *mut bindings::file,
    prot: ffi::c_ulong,
    _flags: ffi::c_ulong,
) -> ffi::c_int {
    let writable = prot & bindings::PROT_WRITE as ffi::c_ulong != 0;
    // SAFETY: as in `exec_check()`.
    errno(unsafe { serve::<T, _>(|t, h| t.map_exec(h, File::from_raw(file).as_ref(), writable)) })
}

/// `ptrace` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn ptrace<T: Hooks>() -> ffi::c_int {
    // SAFETY: as in `exec_check()`.
    errno(unsafe { serve::<T, _>(|t, h| t.ptrace(h)) })
}

/// `module_load` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn module_load<T: Hooks>() -> ffi::c_int {
    // SAFETY: as in `exec_check()`.
    errno(unsafe { serve::<T, _>(|t, h| t.module_load(h)) })
}

/// `mount` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn mount<T: Hooks>() -> ffi::c_int {
    // SAFETY: as in `exec_check()`.
    errno(unsafe { serve::<T, _>(|t, h| t.mount(h)) })
}

/// `connect` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn connect<T: Hooks>(
    sock: *mut bindings::socket,
    _address: *mut bindings::sockaddr,
    _len: ffi::c_int,
) -> ffi::c_int {
    // SAFETY: as in `exec_check()`; the file keeps the socket and its sock.
    errno(unsafe {
        serve::<T, _>(|t, h| {
            Sock::from_raw(bindings::kis_helper_socket_sk(sock))
                .map_or(Ok(()), |s| t.connect(h, &s))
        })
    })
}

/// `send` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn send<T: Hooks>(sock: *mut bindings::socket, size: ffi::c_int) {
    // SAFETY: as in `connect()`.
    unsafe {
        serve::<T, _>(|t, h| {
            if let Some(s) = Sock::from_raw(bindings::kis_helper_socket_sk(sock)) {
                t.send(h, &s, usize::try_from(size).unwrap_or(0))
            }
        })
    };
}

/// `accept` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn accept<T: Hooks>(sk: *mut bindings::sock) {
    // SAFETY: as in `exec_check()`; accept() holds the socket's delivery lock.
    unsafe {
        serve::<T, _>(|t, h| {
            if let Some(s) = Receiver::from_raw(sk) {
                t.accept(h, &s)
            }
        })
    };
}

/// `tcp_data` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn tcp_data<T: Hooks>(sk: *mut bindings::sock) -> ffi::c_int {
    // SAFETY: as in `exec_check()`; this is a TCP socket, and the LSM holds its lock.
    kill(unsafe {
        serve::<T, _>(|t, h| {
            TcpReceiver::from_raw(sk).map_or(Delivery::Pass, |s| t.tcp_data(h, &s))
        })
    })
}

/// `unix_data` of `struct kis_hooks`.
///
/// # Safety
///
/// Only the LSM calls this, with live objects of its own, as `include/linux/kis.h` says.
unsafe extern "C" fn unix_data<T: Hooks>(
    sk: *mut bindings::sock,
    skb: *const bindings::sk_buff,
) -> ffi::c_int {
    // SAFETY: as in `exec_check()`; the sender holds the state lock and owns the buffer.
    kill(unsafe {
        serve::<T, _>(
            |t, h| match (Receiver::from_raw(sk), Buffer::from_raw(skb)) {
                (Some(s), Some(b)) => t.unix_data(h, &s, &b),
                _ => Delivery::Pass,
            },
        )
    })
}

struct Table<T>(core::marker::PhantomData<T>);

impl<T: Hooks> Table<T> {
    const HOOKS: bindings::kis_hooks = bindings::kis_hooks {
        abi: bindings::KIS_HOOKS_ABI,
        exec_check: Some(exec_check::<T>),
        exec_done: Some(exec_done::<T>),
        task_free: Some(task_free::<T>),
        file_open: Some(file_open::<T>),
        path: Some(path::<T>),
        map_exec: Some(map_exec::<T>),
        ptrace: Some(ptrace::<T>),
        module_load: Some(module_load::<T>),
        mount: Some(mount::<T>),
        connect: Some(connect::<T>),
        send: Some(send::<T>),
        accept: Some(accept::<T>),
        tcp_data: Some(tcp_data::<T>),
        unix_data: Some(unix_data::<T>),
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
    /// Attaches. May sleep. `EOPNOTSUPP` on a kernel without the KIS LSM, `EPERM` with kis.off=1, `EPROTO` when the kernel speaks another
    /// version of the hooks, `EBUSY` when something is attached.
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
        task::for_each_thread(|thread| {
            if thread.cell() != 0 {
                thread.set_cell(0);
            }
        });
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
