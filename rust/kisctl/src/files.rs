// SPDX-License-Identifier: GPL-2.0

//! Files that kisctl writes: for their owner only, and never by accident over another one.

use crate::error::{
    Error,
    Result, //
};
use std::{
    fs::OpenOptions,
    io::{
        ErrorKind,
        Write, //
    },
    os::unix::fs::OpenOptionsExt,
    path::Path, //
};

/// Writes a file with mode 0600; over one that is there only with `force`.
///
/// # Errors
///
/// Without `force`, that it exists; or what the file system says.
///
/// # Examples
///
/// ```
/// use kisctl::files::write;
///
/// let path = std::env::temp_dir().join(format!("kis-doc-{}", std::process::id()));
/// write(&path, b"a", false)?;
/// assert!(write(&path, b"b", false).is_err());
/// write(&path, b"b", true)?;
/// # std::fs::remove_file(&path).expect("it is there");
/// # Ok::<(), kisctl::error::Error>(())
/// ```
pub fn write(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    let doing = path.display().to_string();
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut file = options.open(path).map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => Error::failed(format!("{doing}: the file exists"))
            .next("name another one, or give --force to write over it"),
        _ => Error::io(&doing, &e),
    })?;
    file.write_all(bytes).map_err(|e| Error::io(&doing, &e))
}
