// SPDX-License-Identifier: GPL-2.0

//! What a signature looks for: patterns in scopes that all have to be there, or must not be.

use super::Pattern;

/// A part of what is looked for.
#[derive(Clone, Debug)]
pub struct Part {
    /// The pattern.
    pub pattern: Pattern,
    /// Whether it must not be there.
    pub is_absent: bool,
}

/// What a signature looks for.
///
/// # Examples
///
/// ```
/// use kis_core::matching::scope::Scope;
/// use kisctl::compile::{Pattern, Sought};
///
/// let uri = Pattern::parse_in("^/admin$", Scope::Uri).expect("a pattern");
/// let agent = Pattern::parse_in("curl", Scope::value(b"user-agent")).expect("a pattern");
/// let sought = Sought::from(uri).and(agent, true);
/// assert_eq!(sought.parts.len(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Sought {
    /// The parts: at least one that has to be there.
    pub parts: Vec<Part>,
}

impl From<Pattern> for Sought {
    fn from(pattern: Pattern) -> Self {
        let part = Part {
            pattern,
            is_absent: false,
        };
        Self { parts: vec![part] }
    }
}

impl Sought {
    /// One more part.
    #[must_use]
    pub fn and(mut self, pattern: Pattern, is_absent: bool) -> Self {
        self.parts.push(Part { pattern, is_absent });
        self
    }

    /// The longest row of fixed bytes that each match has.
    pub fn fixed(&self) -> usize {
        let parts = self.parts.iter().filter(|part| !part.is_absent);
        let fixed = parts.map(|part| part.pattern.fixed());
        fixed.max().unwrap_or(0)
    }
}
