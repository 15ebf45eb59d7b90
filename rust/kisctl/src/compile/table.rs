// SPDX-License-Identifier: GPL-2.0

//! What patterns are compiled to.

use kis_core::matching::signatures::DfaSpec;

/// A table as `kis_core` wants it: state 0 is the start.
///
/// # Examples
///
/// ```
/// use kisctl::compile::{self, Budget, Pattern};
///
/// let pattern = Pattern::parse("ab").expect("a pattern");
/// let table = compile::table(&[pattern], Budget::DEFAULT).expect("a table");
/// // Before, behind a, behind ab.
/// assert_eq!((table.states(), table.stride), (3, 3));
/// assert_eq!(table.accepts, [vec![], vec![], vec![0]]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Class of each byte.
    pub classes: [u8; 256],
    /// Number of classes.
    pub stride: usize,
    /// For each state the next state for each class.
    pub transitions: Vec<u32>,
    /// For each state the patterns that end with the byte just consumed, ascending.
    pub accepts: Vec<Vec<u32>>,
}

impl Table {
    /// That of no patterns.
    pub fn empty() -> Self {
        Self {
            classes: [0; 256],
            stride: 1,
            transitions: vec![0],
            accepts: vec![vec![]],
        }
    }

    /// What is accepted in each state, for [`Table::spec`].
    pub fn lists(&self) -> Vec<&[u32]> {
        self.accepts.iter().map(Vec::as_slice).collect()
    }

    /// For an image; `accepts` are its lists.
    pub fn spec<'a>(&'a self, accepts: &'a [&'a [u32]]) -> DfaSpec<'a> {
        DfaSpec {
            classes: &self.classes,
            stride: self.stride,
            transitions: &self.transitions,
            start: 0,
            accepts,
        }
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.accepts.len()
    }
}
