// SPDX-License-Identifier: GPL-2.0

//! Files that the user names; `-` is standard input.

use crate::error::{
    Error,
    Result, //
};
use std::{
    fs::File,
    io::Read,
    path::Path, //
};

/// Reads `path`, but no more than `most` bytes and one, which shows that there are more.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let most = most.saturating_add(1);
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    match read {
        Ok(_) => Ok(bytes),
        Err(e) => Err(Error::io(path.display(), &e)),
    }
}
