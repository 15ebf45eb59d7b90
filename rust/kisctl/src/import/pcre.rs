// SPDX-License-Identifier: GPL-2.0

//! A regular expression of Perl's in a rule, as one that kisctl compiles.

use super::{
    buffer::Buffer,
    content::{
        is_name,
        Piece, //
    },
    gap::ANYWHERE,
    rule::negated, //
};
use kis_core::matching::scope::Scope;
use regex_syntax::{
    hir::{
        Class,
        Hir,
        HirKind, //
    },
    ParserBuilder, //
};

/// A `pcre`: `"/…/flags"`; the error says what cannot be said.
pub fn pcre(value: &str, sticky: Buffer) -> Result<Piece, String> {
    let (is_absent, text) = negated(value);
    let body = text
        .strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'));
    let (body, flags) = body.ok_or("a pcre without slashes")?;
    let (mut inner, mut is_relative, mut buffer) = (String::new(), false, sticky);
    for flag in flags.chars() {
        match flag {
            'i' | 's' | 'x' => inner.push(flag),
            'R' => is_relative = true,
            'm' | 'G' | 'O' | 'A' => {}
            flag => match Buffer::of_flag(flag) {
                Some(of) => buffer = of,
                None => return Err(format!("looks into a part of the protocol (pcre, {flag})")),
            },
        }
    }
    if matches!(buffer, Buffer::Query | Buffer::Names) {
        return Err("looks for names with a pcre".to_owned());
    }
    let field = (buffer == Buffer::Scope(Scope::Headers) && !is_relative && !is_absent)
        .then(|| field(body, &inner, flags.contains('m')))
        .flatten();
    let mut body = portable(body);
    let is_simple = !has_ways(&body);
    let mut gap = ANYWHERE;
    if flags.contains('m') {
        // A line begins behind the one before.
        if let Some(rest) = body.strip_prefix('^').filter(|_| is_simple && !is_relative) {
            body = format!("(?:^|\\n){rest}");
        } else if body.replace("[^", "").contains('^') {
            return Err("looks at the beginning of a line (pcre, m)".to_owned());
        }
        if let Some(rest) = body.strip_suffix('$').filter(|rest| !rest.ends_with('\\')) {
            let end = buffer.end().unwrap_or("\\r?\\n");
            body = format!("{rest}{end}");
        }
    } else if let Some(rest) = body.strip_prefix('^').filter(|_| is_simple && is_relative) {
        // Relative, the beginning is where the piece before ends.
        (body, gap) = (rest.to_owned(), (0, Some(0)));
    } else if is_relative && body.replace("[^", "").replace("\\^", "").contains('^') {
        return Err("looks at its beginning in one of several ways (pcre, R)".to_owned());
    }
    if flags.contains('A') {
        gap = (0, Some(0));
    }
    if let Some(rest) = body.strip_suffix('$').filter(|rest| !rest.ends_with('\\')) {
        let end = buffer.end().filter(|_| is_simple);
        let end = end.ok_or("looks at the end (pcre, $)")?;
        body = format!("{rest}{end}");
    }
    let inner = if buffer == Buffer::Host && !inner.contains('i') {
        format!("{inner}i")
    } else {
        inner
    };
    let text = match inner.as_str() {
        "" => format!("(?:{body})"),
        flags => format!("(?{flags}:{body})"),
    };
    Ok(Piece {
        field,
        gap,
        is_relative,
        is_absent,
        is_cursor: true,
        ..Piece::new(text, buffer)
    })
}

/// The field and the pattern of its value of an expression that begins with the name of a field, written as names are, and stays
/// on its line.
fn field(body: &str, flags: &str, is_lines: bool) -> Option<(String, String)> {
    if has_ways(body) || flags.contains('x') {
        return None;
    }
    // Without m these are the beginning and the end of all lines.
    let begun = ["(?:^|\\n)", "\\r\\n", "\\x0d\\x0a", "\\n", "^"];
    let mut begun = begun.iter().filter(|begin| is_lines || **begin != "^");
    let begun = begun.find_map(|begin| body.strip_prefix(begin));
    let (body, is_begun) = (begun.unwrap_or(body), begun.is_some());
    let len = body
        .find(|c: char| !c.is_ascii_alphabetic() && c != '-')
        .filter(|len| *len > 0)?;
    let (name, rest) = body.split_at(len);
    let rest = ["\\x3a", "\\x3A", "\\:", ":"]
        .iter()
        .find_map(|colon| rest.strip_prefix(colon))?;
    if !is_name(name, is_begun) {
        return None;
    }
    // Anything on the line, the blank behind the colon for one: then it is anywhere in the value.
    let anything = ["[^\\r\\n]", "[^\\n]", "[^\\n\\r]", "."];
    let is_line = |any: &&str| *any != "." || !flags.contains('s');
    let after = anything.iter().filter(|any| is_line(any)).find_map(|any| {
        let rest = rest.strip_prefix(any)?;
        ["+?", "*?", "+", "*"]
            .iter()
            .find_map(|more| rest.strip_prefix(more))
    });
    let (begin, rest) = match after {
        Some(rest) => ("", rest),
        None => {
            let blanks = ["\\x20", " ", "\\s"];
            let rest = blanks.iter().find_map(|blank| rest.strip_prefix(blank));
            let rest = rest?;
            let more = ["+", "*", "?"];
            let rest = more
                .iter()
                .find_map(|more| rest.strip_prefix(more))
                .unwrap_or(rest);
            ("^", rest)
        }
    };
    let ends = ["\\r\\n", "\\x0d\\x0a", "\\r?\\n", "\\r?$", "$"];
    let mut ends = ends.iter().filter(|end| is_lines || !end.ends_with('$'));
    let ended = ends.find_map(|end| rest.strip_suffix(end));
    let (rest, end) = ended.map_or((rest, ""), |rest| (rest, "$"));
    // What is optional or repeated is left as it is.
    let is_odd = rest.is_empty()
        || rest.starts_with(['+', '*', '?', '{', '|'])
        || rest.ends_with('\\')
        || rest.replace("[^", "").contains('^');
    if is_odd {
        return None;
    }
    let text = portable(rest);
    let text = match flags {
        "" => format!("(?:{text})"),
        flags => format!("(?{flags}:{text})"),
    };
    let mut parser = ParserBuilder::new();
    let hir = parser
        .utf8(false)
        .unicode(false)
        .build()
        .parse(&text)
        .ok()?;
    let text = (!crosses(&hir)).then_some(text)?;
    Some((name.to_ascii_lowercase(), format!("{begin}{text}{end}")))
}

/// Whether an expression may go on to another line.
fn crosses(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.contains(&b'\n'),
        HirKind::Class(Class::Bytes(class)) => {
            let mut ranges = class.iter();
            ranges.any(|range| (range.start()..=range.end()).contains(&b'\n'))
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut ranges = class.iter();
            ranges.any(|range| (range.start()..=range.end()).contains(&'\n'))
        }
        HirKind::Repetition(repeat) => crosses(&repeat.sub),
        HirKind::Capture(capture) => crosses(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(crosses),
    }
}

/// Whether a regular expression is several at its outermost: then `^` and `$` are those of one of them.
fn has_ways(body: &str) -> bool {
    let (mut depth, mut is_class, mut is_escaped) = (0_u32, false, false);
    for c in body.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '[' => is_class = true,
            ']' => is_class = false,
            _ if is_class => {}
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// What Perl and Rust write differently.
fn portable(body: &str) -> String {
    let mut text = String::new();
    let mut chars = body.chars().peekable();
    let mut is_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(
                    c @ ('/' | '<' | '>' | '"' | '\'' | ';' | ':' | '=' | '!' | '@' | '%' | ','
                    | '`'),
                ) => {
                    text.push(c);
                }
                Some('_') => text.push('_'),
                Some('h') if is_class => text.push_str(" \\t"),
                Some('h') => text.push_str("[ \\t]"),
                Some('Z') => text.push_str("\\z"),
                Some('e') => text.push_str("\\x1b"),
                Some(c) => text.extend(['\\', c]),
                None => text.push('\\'),
            },
            '[' if !is_class => {
                is_class = true;
                text.push('[');
                if chars.peek() == Some(&'^') {
                    text.extend(chars.next());
                }
                // The first one is meant.
                if chars.peek() == Some(&']') {
                    chars.next();
                    text.push_str("\\]");
                }
            }
            '[' if chars.peek() != Some(&':') => text.push_str("\\["),
            '[' => {
                // [:alpha:]
                text.push('[');
                for c in chars.by_ref() {
                    text.push(c);
                    if c == ']' {
                        break;
                    }
                }
            }
            ']' => {
                is_class = false;
                text.push(']');
            }
            '&' | '~' if is_class => text.extend(['\\', c]),
            '{' if !is_class && !chars.peek().is_some_and(char::is_ascii_digit) => {
                text.push_str("\\{");
            }
            c if c.is_ascii() => text.push(c),
            c => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    text.push_str(&format!("\\x{byte:02x}"));
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_outermost() {
        for (body, has) in [
            ("a|b", true),
            ("(?:a|b)c", false),
            ("[|]\\|", false),
            ("(a)|b", true),
        ] {
            assert_eq!(has_ways(body), has, "{body}");
        }
    }

    #[test]
    fn a_line_of_its_own_is_the_value_of_a_field() {
        let of = |value| {
            let piece = pcre(value, Buffer::Scope(Scope::Headers)).expect("a pattern");
            piece.field.map(|(name, text)| format!("{name}: {text}"))
        };
        for (value, want) in [
            (
                "\"/User-Agent\\:[^\\n]+Envolo/iH\"",
                Some("user-agent: (?i:Envolo)"),
            ),
            (
                "\"/^User-Agent\\x3a\\x20+Feat[^\\r\\n]+(?:Install|Load)er/Hmi\"",
                Some("user-agent: ^(?i:Feat[^\\r\\n]+(?:Install|Load)er)"),
            ),
            (
                "\"/User-Agent\\: 00\\d+\\x0d\\x0a/H\"",
                Some("user-agent: ^(?:00\\d+)$"),
            ),
            (
                "\"/^Host\\x3a\\s*[0-9.]+\\r\\n/Hm\"",
                Some("host: ^(?:[0-9.]+)$"),
            ),
            ("\"/User-Agent\\x3a aaaa[^b]+cdef/H\"", None),
            ("\"/User-Agent\\x3a agent\\W+Accept/H\"", None),
            ("\"/^Host\\x3a agent/H\"", None),
            ("\"/Agent\\x3a agent/Hm\"", None),
            ("!\"/^Host\\x3a agent/Hm\"", None),
            // Another case, more lines, more ways, no blank, no name.
            ("\"/USER-AGENT: x/H\"", None),
            ("\"/Host: a.*\\nb/H\"", None),
            ("\"/Host: a.*b/Hs\"", None),
            ("\"/Host: a|b/H\"", None),
            ("\"/Host:a/H\"", None),
            ("\"/[A-Z]ost: a/H\"", None),
            ("\"/Host: a/U\"", None),
        ] {
            assert_eq!(of(value).as_deref(), want, "{value}");
        }
    }

    #[test]
    fn what_is_written_differently_is_translated() {
        for (perl, rust) in [
            ("a\\/b\\<c\\:", "a/b<c:"),
            ("[[a]{x}", "[\\[a]\\{x}"),
            ("[^]a]{2}", "[^\\]a]{2}"),
            ("[[:alpha:]&]", "[[:alpha:]\\&]"),
            ("a\\h+", "a[ \\t]+"),
        ] {
            assert_eq!(portable(perl), rust);
        }
    }
}
