// SPDX-License-Identifier: GPL-2.0

//! Patterns in a scope that has an end.
//!
//! Where such a scope ends the matcher reads one byte more, that the scope never has. So looking at the end is
//! looking for that byte, and nothing else may take it for one of its own.

use regex_syntax::hir::{
    Class,
    ClassBytes,
    ClassBytesRange,
    ClassUnicode,
    ClassUnicodeRange,
    Hir,
    HirKind,
    Look,
    Repetition, //
};

/// A pattern that looks for the byte `end` where it looked at the end, and for that byte nowhere else. Blanks before
/// it do not count where servers leave them out.
pub(super) fn ending(hir: &Hir, end: u8, has_blanks: bool) -> Hir {
    let ending = |hir: &Hir, end| ending(hir, end, has_blanks);
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Look(Look::End) if has_blanks => {
            let blank = [b' ', b'\t'].map(|byte| ClassBytesRange::new(byte, byte));
            let blanks = Repetition {
                min: 0,
                max: None,
                greedy: true,
                sub: Box::new(Hir::class(Class::Bytes(ClassBytes::new(blank)))),
            };
            Hir::concat(vec![Hir::repetition(blanks), Hir::literal([end])])
        }
        HirKind::Look(Look::End) => Hir::literal([end]),
        HirKind::Look(look) => Hir::look(*look),
        HirKind::Literal(literal) if literal.0.contains(&end) => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Bytes(class)) => {
            let mut class = class.clone();
            class.difference(&ClassBytes::new([ClassBytesRange::new(end, end)]));
            Hir::class(Class::Bytes(class))
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            if end.is_ascii() {
                let end = char::from(end);
                class.difference(&ClassUnicode::new([ClassUnicodeRange::new(end, end)]));
            }
            Hir::class(Class::Unicode(class))
        }
        HirKind::Repetition(repeat) => Hir::repetition(Repetition {
            sub: Box::new(ending(&repeat.sub, end)),
            ..repeat.clone()
        }),
        // What is captured is nobody's business.
        HirKind::Capture(capture) => ending(&capture.sub, end),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(|part| ending(part, end)).collect()),
        HirKind::Alternation(parts) => {
            Hir::alternation(parts.iter().map(|part| ending(part, end)).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let config = regex_automata::util::syntax::Config::new()
            .unicode(false)
            .utf8(false);
        let hir = regex_automata::util::syntax::parse_with(text, &config).expect("a pattern");
        ending(&hir, b'\n', false).to_string()
    }

    #[test]
    fn only_what_looks_at_the_end_has_it() {
        for text in [".", "[^a]", "(?s:.)", "[\\n-z]", "a\\nb|c", "(x)+\\s"] {
            assert!(!of(text).contains('\n'), "{text}: {}", of(text));
        }
        assert_eq!(of("a$"), of("a\\z"));
        assert!(of("(?:a|b$)").contains('\n'));
    }
}
