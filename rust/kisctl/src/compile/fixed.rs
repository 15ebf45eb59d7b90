// SPDX-License-Identifier: GPL-2.0

//! How much of a pattern is fixed: what has few fixed bytes in a row fires by chance.

use regex_syntax::hir::{
    Class,
    Hir,
    HirKind,
    Repetition, //
};

/// Most bytes of a class that still says which byte is meant: a letter in both cases.
const CASES: usize = 2;

/// Fixed bytes in a row, in every match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Run {
    /// How many there are if that is all there is.
    whole: Option<usize>,
    /// At the beginning.
    first: usize,
    /// At the end.
    last: usize,
    /// Anywhere.
    best: usize,
}

impl Run {
    /// Nothing is fixed.
    const NONE: Self = Self {
        whole: None,
        first: 0,
        last: 0,
        best: 0,
    };

    /// All is fixed.
    const fn all(len: usize) -> Self {
        Self {
            whole: Some(len),
            first: len,
            last: len,
            best: len,
        }
    }

    /// This and then that.
    fn then(self, next: Self) -> Self {
        Self {
            whole: self.whole.zip(next.whole).map(|(a, b)| a + b),
            first: self.whole.map_or(self.first, |len| len + next.first),
            last: next.whole.map_or(next.last, |len| self.last + len),
            best: self.best.max(next.best).max(self.last + next.first),
        }
    }

    /// This or that.
    fn or(self, other: Self) -> Self {
        Self {
            whole: self.whole.filter(|len| other.whole == Some(*len)),
            first: self.first.min(other.first),
            last: self.last.min(other.last),
            best: self.best.min(other.best),
        }
    }
}

/// The longest row of fixed bytes that each match of a pattern has.
///
/// # Examples
///
/// ```
/// use kisctl::compile::Pattern;
///
/// let fixed = |pattern| Pattern::parse(pattern).map(|pattern| pattern.fixed());
/// assert_eq!(fixed(r"(?i)config\s+set dir"), Ok(7));
/// assert_eq!(fixed("."), Ok(0));
/// ```
pub(super) fn longest(hir: &Hir) -> usize {
    run(hir).best
}

fn run(hir: &Hir) -> Run {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Run::all(0),
        HirKind::Literal(literal) => Run::all(literal.0.len()),
        HirKind::Class(class) if size(class) <= CASES => Run::all(1),
        HirKind::Class(_) => Run::NONE,
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Capture(capture) => run(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(run).fold(Run::all(0), Run::then),
        HirKind::Alternation(parts) => {
            let all = parts.iter().map(run).reduce(Run::or);
            all.unwrap_or(Run::NONE)
        }
    }
}

fn repeated(repetition: &Repetition) -> Run {
    let once = run(&repetition.sub);
    let times = usize::try_from(repetition.min).unwrap_or(usize::MAX);
    match (once.whole, repetition.max == Some(repetition.min)) {
        (Some(len), is_exact) => {
            let all = Run::all(len.saturating_mul(times));
            Run {
                whole: all.whole.filter(|_| is_exact),
                ..all
            }
        }
        (None, _) if times > 0 => once,
        (None, _) => Run::NONE,
    }
}

/// How many values a class has.
fn size(class: &Class) -> usize {
    match class {
        Class::Bytes(class) => {
            let sizes = class.ranges().iter().map(|range| range.len());
            sizes.sum()
        }
        Class::Unicode(class) => {
            let sizes = class.ranges().iter().map(|range| range.len());
            sizes.sum()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::compile::Pattern;

    #[test]
    fn longest_row_of_fixed_bytes() {
        for (pattern, want) in [
            ("abc", 3),
            ("ab.cde", 3),
            ("(?i)abcd", 4),
            ("[0-9]+", 0),
            ("a|bc", 1),
            ("ab|cd", 2),
            ("x(?:ab|cd)y", 4),
            ("(?:ab){3}", 6),
            ("(?:ab){2,}c", 5),
            ("(?:ab)*cd", 2),
            ("(?:ab)?x", 1),
            ("^GET ", 4),
            ("(?:a.b)+cd", 3),
        ] {
            let fixed = Pattern::parse(pattern).map(|pattern| pattern.fixed());
            assert_eq!(fixed, Ok(want), "{pattern}");
        }
    }
}
