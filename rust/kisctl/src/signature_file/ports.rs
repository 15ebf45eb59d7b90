// SPDX-License-Identifier: GPL-2.0

//! The ports that a signature is for, as its file has them.

use serde::{
    Deserialize,
    Serialize, //
};
use std::fmt;

/// A port, or ports that follow each other.
///
/// # Examples
///
/// ```
/// use kisctl::signature_file::Ports;
///
/// let ports: Vec<Ports> = serde_json::from_str(r#"[80, "8000-8099", "9-8"]"#)?;
/// let ends: Vec<_> = ports.iter().map(Ports::ends).collect();
/// assert_eq!(ends, [Some((80, 80)), Some((8000, 8099)), None]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Ports {
    /// One.
    One(u16),
    /// The first and the last, with a hyphen between them.
    Range(String),
}

impl Ports {
    /// These ports.
    pub fn new(first: u16, last: u16) -> Self {
        if first == last {
            Self::One(first)
        } else {
            Self::Range(format!("{first}-{last}"))
        }
    }

    /// The first and the last; `None` if they are none.
    pub fn ends(&self) -> Option<(u16, u16)> {
        let (first, last) = match self {
            Self::One(port) => (*port, *port),
            Self::Range(text) => {
                let (first, last) = text.split_once('-')?;
                (first.parse().ok()?, last.parse().ok()?)
            }
        };
        (first != 0 && first <= last).then_some((first, last))
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(port) => write!(f, "{port}"),
            Self::Range(text) => f.write_str(text),
        }
    }
}
