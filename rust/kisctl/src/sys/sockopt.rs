// SPDX-License-Identifier: GPL-2.0

//! Socket options that nix does not know.

use nix::{
    errno::Errno,
    libc, //
};
use std::{
    mem::size_of,
    os::fd::{
        AsFd,
        AsRawFd, //
    },
    ptr::from_ref, //
};

/// Sets an integer option to 1.
pub fn enable<F: AsFd>(fd: &F, level: libc::c_int, option: libc::c_int) -> nix::Result<()> {
    let one: libc::c_int = 1;
    let fd = fd.as_fd().as_raw_fd();
    // CAST: four.
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `one` is an int of `len` bytes that outlives the call, which only reads it; `fd` is
    // open as long as it is borrowed.
    let result = unsafe { libc::setsockopt(fd, level, option, from_ref(&one).cast(), len) };
    Errno::result(result).map(drop)
}
