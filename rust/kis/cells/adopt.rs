// SPDX-License-Identifier: GPL-2.0

//! Who is in a cell: programs that begin, and processes that run already.
//!
//! Floor 2. No lock is held here that a hook or the control path needs: what is read belongs to
//! other processes, and they must not be able to delay anybody.

use super::table::Table;
use crate::sys::{
    file::Program,
    task::{self, Task},
};
use kernel::{
    prelude::*,
    time::{delay::fsleep, Delta},
};
use kis_core::wire::abi::PATH_LEN;

/// Bytes of a process's arguments that are compared with a cell's pattern.
const ARGUMENTS_LEN: usize = 512;

/// Rounds over all processes: who forks while the first one looks is found by the second.
const ROUNDS: u32 = 2;

/// Rounds when somebody could not be looked at, and the pause between two of them, ms. So no
/// neighbour keeps the officer waiting for longer, however many of his processes are busy.
const BUSY_ROUNDS: u32 = 20;
const BUSY_PAUSE_MS: i64 = 5;

/// Most passes for the children of those who were found.
const PASSES: usize = 8;

/// How the arguments of a process are read: how many bytes there are.
type Read<'a> = &'a mut dyn FnMut(&mut [u8; ARGUMENTS_LEN]) -> Result<usize>;

/// The current task has executed a program: it comes into the cell of this program and arguments,
/// unless it is in one. May sleep.
pub(crate) fn executed(table: &Table, program: &Program<'_>) {
    Task::with_current(|task| {
        // Who is in a cell stays there: no way out of a strict one by way of a lax one.
        if table.of_handle(task.cell()).is_some() {
            return;
        }
        let mut read = |buf: &mut [u8; ARGUMENTS_LEN]| Ok(program.arguments(buf).len());
        // What the program itself has cannot be busy.
        if let Ok(Some(handle)) = find(table, task, &mut read) {
            enter(table, task, handle);
            if let Some((_, cell)) = table.of_handle(handle) {
                cell.start();
            }
            // What it has inherited over the exec.
            task.watch_sockets(handle, &mut { MAX_FILES });
        }
    });
}

/// Finds the cells' processes that run already, and lets them and their sockets have handles.
/// Whether all could be looked at: some may be busy, and want to be asked again. May sleep.
///
/// `table` is the one in force, and stays it: handles of a newer one are unknown to it, and who has
/// one would be met once more, wherever he has gone to meanwhile.
pub(crate) fn running(table: &Table) -> bool {
    let mut is_busy = false;
    for turn in 0..BUSY_ROUNDS {
        is_busy = !round(table);
        if !is_busy && turn + 1 >= ROUNDS {
            break;
        }
        if is_busy {
            fsleep(Delta::from_millis(BUSY_PAUSE_MS));
        }
    }
    watch_sockets(table);
    !is_busy
}

/// Asks the busy ones again, once: whoever calls this has other things to do. As [`running()`].
pub(crate) fn again(table: &Table) -> bool {
    let is_done = round(table);
    watch_sockets(table);
    is_done
}

/// Looks at each process, and at the families of those that were found. Whether none was busy.
fn round(table: &Table) -> bool {
    let mut is_busy = false;
    task::for_each_process(|process| is_busy |= adopt(table, process).is_err());
    // Children of a cell's process are in the cell; parents come first only mostly.
    for _ in 0..PASSES {
        let mut found = false;
        task::for_each_thread(|thread| found |= inherit(table, thread));
        if !found {
            break;
        }
    }
    !is_busy
}

/// Most open files that are looked at: processes may share a table, and whoever has many of both would
/// hold up the officer.
const MAX_FILES: u32 = 1 << 18;

/// Marks the sockets of all that are in a cell.
fn watch_sockets(table: &Table) {
    let mut left = MAX_FILES;
    task::for_each_process(|process| {
        if table.of_handle(process.cell()).is_some() {
            process.watch_sockets(process.cell(), &mut left);
        }
    });
}

/// Gives a thread the handle of this generation, by its own or that of its family. Whether it was
/// in no cell before.
fn inherit(table: &Table, thread: Task<'_>) -> bool {
    if let Some((i, _)) = table.of_handle(thread.cell()) {
        thread.keep(table.handle(i));
        return false;
    }
    let family = thread.family_cells();
    let Some((i, _)) = family.iter().find_map(|cell| table.of_handle(*cell)) else {
        return false;
    };
    thread.take_cpu_ns();
    thread.meet(table.handle(i));
    true
}

/// Lets a process come into the cell of its program and arguments; an error when it is busy.
fn adopt(table: &Table, process: Task<'_>) -> Result {
    // Who is in a cell stays there, whatever became of program file and arguments.
    if table.of_handle(process.cell()).is_some() {
        return Ok(());
    }
    let mut read = |buf: &mut [u8; ARGUMENTS_LEN]| Ok(process.arguments(buf)?.len());
    if let Some(handle) = find(table, process, &mut read)? {
        enter(table, process, handle);
    }
    Ok(())
}

/// Lets all threads of a process that are in no cell come into one.
fn enter(table: &Table, process: Task<'_>, handle: u64) {
    process.for_each_sibling(|thread| {
        if table.of_handle(thread.cell()).is_none() {
            thread.take_cpu_ns();
            thread.meet(handle);
        }
    });
}

/// The handle of the cell of a task's program and arguments.
fn find(table: &Table, task: Task<'_>, read: Read<'_>) -> Result<Option<u64>> {
    let mut path = [0u8; PATH_LEN];
    // Most programs are no cell: their arguments are not touched.
    match task.program(&mut path) {
        Ok(path) if table.has_program(path) => compare(table, path, read),
        _ => Ok(None),
    }
}

/// The second half of [`find()`], apart so that their buffers do not share a stack frame.
#[inline(never)]
fn compare(table: &Table, path: &[u8], read: Read<'_>) -> Result<Option<u64>> {
    let mut arguments = [0u8; ARGUMENTS_LEN];
    let len = read(&mut arguments)?;
    let arguments = arguments.get_mut(..len);
    Ok(arguments.and_then(|arguments| table.of_program(path, arguments)))
}
