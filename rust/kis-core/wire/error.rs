// SPDX-License-Identifier: GPL-2.0

//! The errors of floor 0.
//!
//! Few and small, without errno: the kernel maps them to errno and extack text in one place,
//! kisctl to messages. Both need to know where in an image the fault is and which bound was hit,
//! so the variants carry that and nothing else.

use core::fmt;

/// What can go wrong on floor 0.
///
/// # Examples
///
/// ```
/// use kis_core::Error;
///
/// let error = Error::malformed(16, "sum of the image");
/// assert_eq!(error.to_string(), "malformed at byte 16: sum of the image");
/// assert_eq!(error.what(), "sum of the image");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Bytes that do not follow their format.
    Malformed(Place),
    /// Something well formed that is larger than KIS allows.
    Limit(Limit),
    /// Made for another generation than the current one.
    Stale,
}

/// Where an image is malformed.
///
/// # Examples
///
/// ```
/// use kis_core::cells::Cells;
/// use kis_core::wire::error::Place;
/// use kis_core::Error;
///
/// let error = Cells::verify(&[0; 64]).expect_err("no magic");
/// assert_eq!(error, Error::Malformed(Place { offset: 0, what: "magic of an image" }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Bytes from the beginning of the image to the first byte of the faulty field.
    pub offset: u32,
    /// The field or rule, as words for a message.
    pub what: &'static str,
}

/// The bound that was hit.
///
/// # Examples
///
/// ```
/// use kis_core::wire::error::Limit;
/// use kis_core::Error;
///
/// let error = Error::limit("cells", 256);
/// assert_eq!(error, Error::Limit(Limit { what: "cells", max: 256 }));
/// assert_eq!(error.to_string(), "cells: at most 256");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What there is too much of, as words for a message.
    pub what: &'static str,
    /// The greatest number allowed.
    pub max: u32,
}

/// Result of floor 0.
///
/// # Examples
///
/// ```
/// use kis_core::{Error, Result};
///
/// fn even(n: u32) -> Result {
///     if n % 2 == 0 { Ok(()) } else { Err(Error::malformed(0, "odd number")) }
/// }
/// assert!(even(2).is_ok() && even(3).is_err());
/// ```
pub type Result<T = (), E = Error> = core::result::Result<T, E>;

impl Error {
    /// A malformed field at `offset`, which is cut to 32 bits.
    pub const fn malformed(offset: usize, what: &'static str) -> Self {
        let offset = if offset > u32::MAX as usize {
            u32::MAX
        } else {
            // CAST: just compared.
            offset as u32
        };
        Self::Malformed(Place { offset, what })
    }

    /// More than `max` of `what`.
    pub const fn limit(what: &'static str, max: u32) -> Self {
        Self::Limit(Limit { what, max })
    }

    /// The words that name the fault, without its numbers.
    ///
    /// For extack, which takes string constants only.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Malformed(place) => place.what,
            Self::Limit(limit) => limit.what,
            Self::Stale => "generation has passed",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(place) => {
                write!(f, "malformed at byte {}: {}", place.offset, place.what)
            }
            Self::Limit(limit) => write!(f, "{}: at most {}", limit.what, limit.max),
            Self::Stale => f.write_str(self.what()),
        }
    }
}

impl core::error::Error for Error {}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_error))]
mod tests {
    use super::*;

    #[test]
    fn malformed_cuts_the_offset() {
        let big = Error::malformed(usize::MAX, "x");
        assert!(matches!(big, Error::Malformed(p) if p.offset == u32::MAX));
        assert_eq!(Error::malformed(7, "x").what(), "x");
        assert_eq!(Error::limit("cells", 32).what(), "cells");
    }
}
