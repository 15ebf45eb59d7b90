// SPDX-License-Identifier: GPL-2.0

//! The size of a terminal.

use nix::{
    errno::Errno,
    libc, //
};
use std::{
    os::fd::{
        AsFd,
        AsRawFd, //
    },
    ptr::from_mut, //
};

/// Columns and rows, as the terminal has them; 0 where it does not know.
pub fn size<F: AsFd>(fd: &F) -> nix::Result<(u16, u16)> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: TIOCGWINSZ writes one `winsize` to its argument, which is one that outlives the call;
    // `fd` is open as long as it is borrowed.
    let result = unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, from_mut(&mut size)) };
    Errno::result(result).map(|_| (size.ws_col, size.ws_row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn what_is_no_terminal_has_no_size() {
        let file = File::open("/dev/null").expect("/dev/null");
        assert_eq!(size(&file), Err(Errno::ENOTTY));
    }
}
