// SPDX-License-Identifier: GPL-2.0

//! Files that the user names; `-` is standard input.

use crate::{
    error::{
        Error,
        Result, //
    },
    text, //
};
use std::{
    fs::File,
    io::Read,
    path::Path, //
};

/// Reads `path`, which has at most so many bytes.
///
/// # Errors
///
/// When it cannot be read, or is longer: no more than that and one byte is read then.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let name = path.display();
    let end = most.saturating_add(1);
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(end).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(end).read_to_end(&mut bytes))
    };
    match read {
        // CAST: a length always fits 64 bits.
        Ok(len) if len as u64 > most => {
            let most = text::bytes(most);
            Err(Error::failed(format!("{name}: longer than {most}")).next("give a shorter file"))
        }
        Ok(_) => Ok(bytes),
        Err(e) => Err(Error::io(name, &e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_is_refused() {
        // It never ends.
        let refused = read(Path::new("/dev/zero"), 20 << 10).expect_err("longer");
        assert_eq!(
            refused.to_string(),
            "/dev/zero: longer than 20 KiB (give a shorter file)"
        );
        let own = Path::new(file!()).file_name().expect("a name");
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(own);
        let len = std::fs::metadata(&own).expect("this file").len();
        assert_eq!(read(&own, len).map(|bytes| bytes.len() as u64), Ok(len));
        assert!(read(&own, len - 1).is_err());
        assert_eq!(read(&own, 0).map_err(|e| e.code()), Err(1));
    }
}
