// SPDX-License-Identifier: GPL-2.0

//! What an officer has said to ignore in reviews, so that he is not asked again.
//!
//! A file for each cell, a line for each item: class, domain and general name, as reports write it. Only
//! `kisctl review` reads it. The kernel never sees it: what is ignored stays new to the self.

use crate::{
    error::{
        Error,
        Result, //
    },
    input, text,
};
use kis_core::sense::class::{
    Class,
    Domain, //
};
use std::{
    collections::BTreeSet,
    fs,
    io::{
        ErrorKind,
        Write, //
    },
    os::unix::fs::{
        DirBuilderExt,
        OpenOptionsExt, //
    },
    path::{
        Path,
        PathBuf, //
    }, //
};

/// Where the files are.
const DIRECTORY: &str = "/var/lib/kis/ignored";

/// Most bytes of a file: there cannot be more items in a ring.
const MAX_BYTES: u64 = 16 << 20;

/// An item: class, domain, general name.
type Item = (Class, Domain, Vec<u8>);

/// The items of a cell that are ignored.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::{Class, Domain};
/// use kisctl::ignored::Ignored;
///
/// let path = std::env::temp_dir().join(format!("kis-ignored-{}/web", std::process::id()));
/// let mut ignored = Ignored::read(&path)?;
/// ignored.add(Class::Read, Domain::User, b"/srv/a b");
/// ignored.save()?;
/// let again = Ignored::read(&path)?;
/// assert!(again.has(Class::Read, Domain::User, b"/srv/a b"));
/// assert!(!again.has(Class::Read, Domain::Root, b"/srv/a b"));
/// # std::fs::remove_dir_all(path.parent().expect("a directory")).expect("it is there");
/// # Ok::<(), kisctl::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    path: PathBuf,
    items: BTreeSet<Item>,
}

impl Ignored {
    /// Those of a cell, whose name the kernel has accepted.
    ///
    /// # Errors
    ///
    /// As [`Ignored::read`].
    pub fn of_cell(cell: &str) -> Result<Self> {
        Self::read(&Path::new(DIRECTORY).join(cell))
    }

    /// Those in a file; none when there is no such file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or a line is no item.
    pub fn read(path: &Path) -> Result<Self> {
        let mut ignored = Self {
            path: path.to_owned(),
            items: BTreeSet::new(),
        };
        match fs::metadata(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(ignored),
            _ => {}
        }
        let bytes = input::read(path, MAX_BYTES)?;
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let item = item(line).ok_or_else(|| {
                Error::failed(format!("{}:{}: no item", path.display(), at + 1))
                    .next("mend the line (class, domain, name) or remove it")
            })?;
            ignored.items.insert(item);
        }
        Ok(ignored)
    }

    /// Whether an item is ignored.
    pub fn has(&self, class: Class, domain: Domain, name: &[u8]) -> bool {
        self.items.contains(&(class, domain, name.to_vec()))
    }

    /// Ignores an item from now on.
    pub fn add(&mut self, class: Class, domain: Domain, name: &[u8]) {
        self.items.insert((class, domain, name.to_vec()));
    }

    /// Ignores an item no more; whether it was.
    pub fn remove(&mut self, class: Class, domain: Domain, name: &[u8]) -> bool {
        self.items.remove(&(class, domain, name.to_vec()))
    }

    /// Writes the file anew, whole or not at all.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn save(&self) -> Result<()> {
        let failed = |path: &Path, e: &std::io::Error| Error::io(path.display(), e);
        if let Some(directory) = self.path.parent() {
            let mut builder = fs::DirBuilder::new();
            let made = builder.recursive(true).mode(0o700).create(directory);
            made.map_err(|e| failed(directory, &e))?;
        }
        let mut bytes = String::new();
        for (class, domain, name) in &self.items {
            let name = text::escaped(name);
            bytes.push_str(&format!("{} {} {name}\n", class.name(), domain.name()));
        }
        let new = self.path.with_extension("new");
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600);
        let write = || {
            let mut file = file.open(&new)?;
            file.write_all(bytes.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        };
        write().map_err(|e| failed(&self.path, &e))
    }
}

/// The item that a line names.
fn item(line: &[u8]) -> Option<Item> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let class = Class::from_name(parts.next()?)?;
    let domain = parts.next()?;
    let domain = Domain::ALL
        .into_iter()
        .find(|d| d.name().as_bytes() == domain)?;
    Some((class, domain, text::unescaped(parts.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_read_as_it_was_written() {
        let directory =
            std::env::temp_dir().join(format!("kis-ignored-test-{}", std::process::id()));
        let path = directory.join("deep/web");
        let mut ignored = Ignored::read(&path).expect("no file is no fault");
        for name in [&b"/a\n\xff b"[..], b"tcp 10.0.0.1:80", b"/a\\"] {
            ignored.add(Class::Peer, Domain::Root, name);
        }
        ignored.save().expect("a file");
        let mut again = Ignored::read(&path).expect("the file");
        assert_eq!(again, ignored);
        assert!(again.remove(Class::Peer, Domain::Root, b"/a\\"));
        assert!(!again.remove(Class::Peer, Domain::User, b"tcp 10.0.0.1:80"));
        again.save().expect("the file again");
        assert!(!Ignored::read(&path)
            .expect("the file")
            .has(Class::Peer, Domain::Root, b"/a\\"));
        for bad in [
            "peers root x",
            "peer",
            "peer root",
            "peer nobody x",
            "peer root \\",
        ] {
            fs::write(&path, format!("\npeer root x\n{bad}\n")).expect("a file");
            let told = Ignored::read(&path).expect_err(bad).to_string();
            assert!(told.contains(":3: no item"), "{told}");
        }
        fs::remove_dir_all(&directory).expect("it is there");
    }
}
