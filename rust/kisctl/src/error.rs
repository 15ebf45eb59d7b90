// SPDX-License-Identifier: GPL-2.0

//! Errors of kisctl: what failed, on which object, and the next step.

use nix::errno::Errno;
use std::fmt;

/// Why kisctl ends, as its exit code.
///
/// # Examples
///
/// ```
/// use kisctl::error::{Error, Kind};
///
/// let error = Error::not_found("cell \"dns\": no such cell");
/// assert_eq!((error.kind(), error.code()), (Kind::NotFound, 3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Anything that has no code of its own.
    Failed = 1,
    /// The command line does not make sense.
    Usage = 2,
    /// The named object does not exist.
    NotFound = 3,
    /// The kernel or the file system says no.
    NotPermitted = 4,
    /// No module, or one that speaks another ABI.
    Absent = 5,
    /// The reader of our output is gone: nothing is said, the code is that of success.
    Quiet = 0,
}

/// An error with its next step.
///
/// # Examples
///
/// ```
/// use kisctl::error::Error;
///
/// let error = Error::failed("cell \"dns\": too big").next("see kisctl limits");
/// assert_eq!(error.to_string(), "cell \"dns\": too big (see kisctl limits)");
/// assert_eq!(error.code(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    text: String,
    next: Option<String>,
    at: Option<Box<Spot>>,
}

/// Where in a file an error is.
///
/// # Examples
///
/// ```
/// use kisctl::error::{Error, Spot};
///
/// let spot = Spot { file: "c.json".into(), line: 3, column: 9, pointer: "/version".into() };
/// let error = Error::failed("9 is not 1").at(spot);
/// assert_eq!(error.spot().map(|spot| spot.line), Some(3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// JSON pointer of the value; empty for the whole document.
    pub pointer: String,
}

/// Result of kisctl.
///
/// # Examples
///
/// ```
/// use kisctl::error::{Error, Result};
///
/// fn named(name: &str) -> Result<&str> {
///     if name.is_empty() { Err(Error::usage("a name is missing")) } else { Ok(name) }
/// }
/// assert_eq!(named("dns"), Ok("dns"));
/// assert_eq!(named("").map_err(|error| error.code()), Err(2));
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind; `text` names what failed and the object.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            next: None,
            at: None,
        }
    }

    /// An error without a code of its own.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::new(Kind::Failed, text)
    }

    /// A named object that does not exist.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, text)
    }

    /// A command line that does not make sense.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::new(Kind::Usage, text)
    }

    /// A system call that failed while `doing`.
    pub fn system(doing: impl fmt::Display, errno: Errno) -> Self {
        let kind = match errno {
            Errno::EPERM | Errno::EACCES => Kind::NotPermitted,
            Errno::ENOENT => Kind::NotFound,
            _ => Kind::Failed,
        };
        let error = Self::new(kind, format!("{doing}: {}", describe(errno)));
        match kind {
            Kind::NotPermitted => error.next("run it as root"),
            _ => error,
        }
    }

    /// An input or output operation that failed while `doing`.
    pub fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Kind::Quiet, "");
        }
        match error.raw_os_error() {
            Some(number) => Self::system(doing, Errno::from_raw(number)),
            None => Self::failed(format!("{doing}: {error}")),
        }
    }

    /// The module is not there, or is not ours.
    pub fn absent(text: impl Into<String>) -> Self {
        Self::new(Kind::Absent, text)
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next = Some(step.into());
        self
    }

    /// Adds where it is.
    #[must_use]
    pub fn at(mut self, spot: Spot) -> Self {
        self.at = Some(Box::new(spot));
        self
    }

    /// What failed, without the next step.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Where it is.
    pub fn spot(&self) -> Option<&Spot> {
        self.at.as_deref()
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Exit code of the process.
    pub fn code(&self) -> u8 {
        // CAST: that is what the numbers of the enum are for.
        self.kind as u8
    }
}

/// The errno in words, for example "No such file or directory".
pub fn describe(errno: Errno) -> &'static str {
    errno.desc()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.next {
            Some(step) => write!(f, " ({step})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errno_chooses_the_exit_code() {
        for (errno, code) in [
            (Errno::EPERM, 4),
            (Errno::EACCES, 4),
            (Errno::ENOENT, 3),
            (Errno::EINVAL, 1),
        ] {
            assert_eq!(Error::system("x", errno).code(), code);
        }
        assert_eq!(Error::usage("x").code(), 2);
        assert_eq!(Error::absent("x").code(), 5);
    }

    #[test]
    fn text_ends_with_the_next_step() {
        let error = Error::failed("cell \"dns\": too big").next("see kisctl limits");
        assert_eq!(
            error.to_string(),
            "cell \"dns\": too big (see kisctl limits)"
        );
    }
}
