// SPDX-License-Identifier: GPL-2.0

//! The program of a cell as this machine has it.

use kis_core::{
    paths::path::is_clean,
    wire::abi::PATH_LEN, //
};
use std::{
    fs,
    io::Read,
    path::Path, //
};

/// What `program` leads to, when that has another path.
pub fn resolved(program: &str) -> Option<String> {
    let target = fs::canonicalize(program).ok()?;
    let target = target.to_string_lossy().into_owned();
    (target != program).then_some(target)
}

/// Whether the kernel can keep this path.
pub fn is_usable(path: &str) -> bool {
    path.len() < PATH_LEN && is_clean(path.as_bytes())
}

/// Why there is nothing at a path, if so.
pub fn absence(path: &str) -> Option<&'static str> {
    let error = fs::metadata(path).err()?;
    Some(error.raw_os_error().map_or("cannot be found", |number| {
        nix::errno::Errno::from_raw(number).desc()
    }))
}

/// Why the kernel will never find `program` as a cell's, if so.
pub fn oddity(program: &str) -> Option<String> {
    if let Some(why) = absence(program) {
        return Some(format!(
            "{program}: {why}; it protects nothing until the program is there"
        ));
    }
    if !Path::new(program).is_file() {
        return Some(format!("{program} is not a file: name an executable"));
    }
    if let Some(target) = resolved(program) {
        return Some(format!(
            "{program} is a symbolic link to {target}: name that, it is what the kernel executes"
        ));
    }
    let interpreter = interpreter(Path::new(program))?;
    Some(format!(
        "{program} is a script: the kernel executes {interpreter}; \
         name that as program and the script in \"arguments\""
    ))
}

/// The interpreter that a script names.
fn interpreter(program: &Path) -> Option<String> {
    let mut head = Vec::new();
    fs::File::open(program)
        .ok()?
        .take(256)
        .read_to_end(&mut head)
        .ok()?;
    let line = head.strip_prefix(b"#!")?.split(|b| *b == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    Some(line.split_whitespace().next()?.to_owned())
}
