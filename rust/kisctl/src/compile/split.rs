// SPDX-License-Identifier: GPL-2.0

//! A pattern in two: up to four bytes that it cannot do without, and what follows them.
//!
//! All matches of a pattern that is a row of parts have those of its bytes that are always the same. The
//! matcher looks for four of them in a row, and then asks whether what the pattern wants before them was
//! there: as far back as the last bytes of a stream are kept. So what comes before has to be of bounded
//! length. What may be left out at the front is: where a pattern may begin anywhere, `x*y` ends where
//! `y` does, and `x+y` where `xy` does.

use kis_core::matching::{
    lead::gram,
    progress::TAIL, //
};
use regex_syntax::hir::{
    Class,
    Hir,
    HirKind, //
};
use std::collections::HashMap;

/// Bytes of a literal that is looked for.
const GRAM: usize = 4;

/// Most rows that the alternatives of a pattern make.
const MAX_ROWS: usize = 32;

/// Most copies that a counted repeat is written out as.
const MAX_COPIES: u32 = 8;

/// Most byte values of a class that are tried one by one.
const MAX_VALUES: usize = 4;

/// A pattern, or one of its alternatives, in two.
#[derive(Clone, Debug)]
pub struct Split {
    /// What ends with the literal.
    pub before: Hir,
    /// The literal.
    pub gram: u32,
    /// The four bytes that end a byte earlier, if they are always the same.
    pub earlier: Option<u32>,
    /// What follows, if anything does.
    pub after: Option<Hir>,
    /// How common it is: a guess, larger for more.
    pub cost: u32,
}

/// How many patterns have a literal: each of them is asked where it comes up.
pub type Users = HashMap<u32, u32>;

/// Splits a pattern; `None` when it has no literal near enough to its beginning. A byte that stands for the
/// `end` of what is read is in no literal: nobody ever reads it together with what comes before.
pub fn split(hir: &Hir, end: Option<u8>, users: &Users) -> Option<Vec<Split>> {
    let mut row = Vec::new();
    flatten(hir, &mut row);
    let mut rows = Vec::new();
    rows_of(row, end, users, &mut rows).then_some(rows)
}

/// Adds the parts of a row one after the other, a byte each where they are bytes.
fn flatten(hir: &Hir, row: &mut Vec<Hir>) {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => {
            row.extend(literal.0.iter().map(|byte| Hir::literal([*byte])));
        }
        HirKind::Concat(parts) => parts.iter().for_each(|part| flatten(part, row)),
        HirKind::Capture(capture) => flatten(&capture.sub, row),
        HirKind::Repetition(repeat)
            if repeat.max == Some(repeat.min) && repeat.min <= MAX_COPIES =>
        {
            (0..repeat.min).for_each(|_| flatten(&repeat.sub, row));
        }
        _ => row.push(hir.clone()),
    }
}

/// Whether a part looks at something.
fn looks(hir: &Hir) -> bool {
    !hir.properties().look_set().is_empty()
}

/// Leaves out what may be left out at the front of a row.
fn shorten(row: &mut Vec<Hir>) {
    while let Some(first) = row.first() {
        if looks(first) {
            return;
        }
        if first.properties().minimum_len() == Some(0) {
            row.remove(0);
            continue;
        }
        let HirKind::Repetition(repeat) = first.kind() else {
            return;
        };
        if repeat.max == Some(repeat.min) || repeat.min > MAX_COPIES {
            return;
        }
        let mut copies = Vec::new();
        (0..repeat.min).for_each(|_| flatten(&repeat.sub, &mut copies));
        row.splice(0..1, copies);
        // What was repeated may begin with something like it, that is no shorter.
        if !matches!(row.first().map(Hir::kind), Some(HirKind::Repetition(_))) {
            return;
        }
    }
}

/// Splits a row, or each of those that its alternatives make. False when one cannot be.
fn rows_of(mut row: Vec<Hir>, end: Option<u8>, users: &Users, rows: &mut Vec<Split>) -> bool {
    shorten(&mut row);
    if rows.len() >= MAX_ROWS {
        return false;
    }
    if let Some(split) = best(&row, end, users) {
        rows.push(split);
        return true;
    }
    let open = row.iter().enumerate().find_map(|(at, part)| {
        let is_near = reach(&row[..at]).is_some_and(|len| len + GRAM <= TAIL);
        is_near.then(|| alternatives(part).map(|parts| (at, parts)))?
    });
    let Some((at, parts)) = open else {
        return false;
    };
    parts.iter().all(|part| {
        let mut next = row[..at].to_vec();
        flatten(part, &mut next);
        next.extend_from_slice(&row[at + 1..]);
        rows_of(next, end, users, rows)
    })
}

/// What a part can be, one by one, if these are few.
fn alternatives(part: &Hir) -> Option<Vec<Hir>> {
    match part.kind() {
        HirKind::Alternation(parts) => Some(parts.clone()),
        HirKind::Class(class) => {
            let values = values(class)?;
            let literals = values.iter().map(|byte| Hir::literal([*byte]));
            (values.len() <= MAX_VALUES).then(|| literals.collect())
        }
        HirKind::Repetition(repeat) if repeat.min == 0 && repeat.max == Some(1) => {
            Some(vec![Hir::empty(), (*repeat.sub).clone()])
        }
        _ => None,
    }
}

/// The bytes of a class; `None` where it has others.
fn values(class: &Class) -> Option<Vec<u8>> {
    let class = match class {
        Class::Bytes(class) => class.clone(),
        Class::Unicode(class) => class.to_byte_class()?,
    };
    let ranges = class.ranges().iter();
    Some(
        ranges
            .flat_map(|range| range.start()..=range.end())
            .collect(),
    )
}

/// Most bytes that a row can have.
fn reach(row: &[Hir]) -> Option<usize> {
    row.iter().try_fold(0_usize, |sum, part| {
        sum.checked_add(part.properties().maximum_len()?)
    })
}

/// The byte that a part always is, its case apart.
fn fixed(part: &Hir) -> Option<u8> {
    let values = match part.kind() {
        HirKind::Literal(literal) => literal.0.to_vec(),
        HirKind::Class(class) => values(class)?,
        _ => return None,
    };
    let mut values = values.iter().map(|byte| byte | 0x20);
    let first = values.next()?;
    values.all(|byte| byte == first).then_some(first)
}

/// The split of a row at its rarest literal, that few others have.
fn best(row: &[Hir], end: Option<u8>, users: &Users) -> Option<Split> {
    let fixed = |part| fixed(part).filter(|byte| end.is_none_or(|end| *byte != end | 0x20));
    let bytes: Vec<Option<u8>> = row.iter().map(fixed).collect();
    let four = |at: usize| -> Option<[u8; GRAM]> {
        let mut four = [0; GRAM];
        for (to, from) in four.iter_mut().zip(bytes.get(at..at + GRAM)?) {
            *to = (*from)?;
        }
        Some(four)
    };
    let near = (0..row.len()).take_while(|at| {
        let len = reach(&row[..*at]);
        len.is_some_and(|len| len + GRAM <= TAIL)
    });
    let found = near.filter_map(|at| {
        let now = four(at)?;
        let earlier = at.checked_sub(1).and_then(four);
        // What comes before narrows it down as much as another literal.
        let cost = common(now) + earlier.map_or(ALONE, |earlier| common(earlier) / 4);
        let shared = users.get(&gram(now)).copied().unwrap_or(0);
        let cost = cost + SHARED * shared.min(50);
        Some((cost, at, now, earlier))
    });
    let (cost, at, now, earlier) = found.min_by_key(|(cost, at, ..)| (*cost, *at))?;
    let end = at + GRAM;
    let after = &row[end..];
    Some(Split {
        before: Hir::concat(row[..end].to_vec()),
        gram: gram(now),
        earlier: earlier.map(gram),
        after: (!after.is_empty()).then(|| Hir::concat(after.to_vec())),
        cost,
    })
}

/// What it costs when nothing is known to come before a literal.
const ALONE: u32 = 200;

/// What it costs for each other pattern that has the same literal.
const SHARED: u32 = 20;

/// What requests and commands are full of; how rare a literal is there.
const BENIGN: &str = concat!(
    "get /index.html http/1.1\r\nhost: www.example.org\r\nuser-agent: mozilla/5.0 (windows nt 10.0; win64; x64) ",
    "applewebkit/537.36 (khtml, like gecko) chrome/120.0.0.0 safari/537.36\r\naccept: text/html,application/xhtml+xml,",
    "application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\naccept-language: en-us,en;q=0.5\r\n",
    "accept-encoding: gzip, deflate, br\r\nconnection: keep-alive\r\nreferer: https://www.example.org/articles/\r\n",
    "cookie: session=; path=/; utm_source=; user=\r\nupgrade-insecure-requests: 1\r\ncache-control: no-cache\r\n\r\n",
    "post /api/v1/login.php?id=1&name=&page=&user=&action=&type= http/1.1\r\n",
    "content-type: application/x-www-form-urlencoded; charset=utf-8\r\ncontent-length: 100\r\n\r\n",
    "content-type: multipart/form-data; boundary=----webkitformboundary\r\ncontent-disposition: form-data; name=\"file\"; ",
    "filename=\"image.png\"\r\ncontent-type: application/json\r\n{\"id\": 1, \"name\": \"value\", \"data\": [], \"true\": ",
    "false, \"null\": 0}\r\n<html><head><title></title></head><body><div class=\"\"><a href=\"http://\"></a><script ",
    "src=\"/js/main.js\"></script><img src=\"\"><p></p></div></body></html>\r\n",
    "select * from table where id = '1' and name = '' order by id limit 10; insert into values (); update set ",
    "*3\r\n$3\r\nset\r\n$3\r\nget\r\n$4\r\nping\r\n$6\r\nconfig\r\nehlo mail from:<user@example.org>\r\nrcpt to:\r\n",
    "subject: message received date: the and that with for this are was not from have you your will\r\n",
    "user anonymous\r\npass \r\nretr stor list pasv port type i\r\nssh-2.0-openssh_9.0\r\n",
    "0000 1111 1234 2024 2025 2026 .com .net .org www. http://www. https:// ../ ./ --- === aaaa \0\0\0\0 \u{ff}\u{ff}",
);

/// How common four bytes are in benign streams: a guess, larger for more.
fn common(four: [u8; GRAM]) -> u32 {
    let sample = BENIGN.as_bytes();
    let times = sample
        .windows(GRAM)
        .filter(|window| window.iter().zip(&four).all(|(a, b)| a | 0x20 == *b))
        .count();
    let byte = |byte: &u8| match byte {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 12,
        b' ' | b'/' | b'.' | b'-' | b'=' | b'0'..=b'9' => 10,
        b'j' | b'q' | b'x' | b'z' => 3,
        b'a'..=b'z' => 7,
        0x20..=0x7e => 5,
        _ => 4,
    };
    let sum: u32 = four.iter().map(byte).sum();
    // CAST: a few kilobytes at most.
    sum + 100 * times.min(20) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::util::syntax;
    use regex_syntax::hir::Look;

    fn rows(pattern: &str) -> Option<Vec<(String, String, String)>> {
        let config = syntax::Config::new().unicode(false).utf8(false);
        let hir = syntax::parse_with(pattern, &config).expect("a pattern");
        let rows = split(&hir, None, &Users::new())?;
        let text = |hir: &Hir| hir.to_string();
        let each = rows.iter().map(|split| {
            let gram = String::from_utf8_lossy(&split.gram.to_le_bytes()).into_owned();
            let after = split.after.as_ref().map_or(String::new(), text);
            (text(&split.before), gram, after)
        });
        Some(each.collect())
    }

    fn one(pattern: &str) -> Option<(String, String, String)> {
        let rows = rows(pattern)?;
        assert_eq!(rows.len(), 1, "{pattern}");
        rows.into_iter().next()
    }

    #[test]
    fn patterns_are_split_at_their_rarest_literal() {
        let grams = |pattern| one(pattern).map(|(_, gram, _)| gram);
        assert_eq!(grams("GET /xyzzy"), Some("xyzz".to_owned()));
        assert_eq!(grams("(?i)Authorized_Keys"), grams("authorized_keys"));
        assert_eq!(grams("a.{0,27}evil"), Some("evil".to_owned()));
        assert_eq!(grams("a.{0,28}evil"), None);
        assert_eq!(grams("abc"), None);
        assert_eq!(grams("[a-z]*evil"), Some("evil".to_owned()));
    }

    #[test]
    fn what_may_be_left_out_at_the_front_is() {
        let (before, _, after) = one("(?s).*evil[0-9]+").expect("a literal");
        assert!(
            before.ends_with("evil)") && !before.contains('.'),
            "{before}"
        );
        assert!(after.contains("[0-9]"), "{after}");
        let (before, ..) = one("[a-z]+evil").expect("a literal");
        assert!(
            before.contains("[a-z]") && !before.contains('+'),
            "{before}"
        );
        let (before, ..) = one("^x?evil").expect("a literal");
        assert!(before.contains('x'), "{before}");
    }

    #[test]
    fn alternatives_are_rows_of_their_own() {
        let rows = rows("(?:select|insert)[^;]*;drop").expect("literals");
        assert_eq!(rows.len(), 2);
        let many = rows_of_text("(?:a|b)(?:c|d)(?:e|f)(?:g|h)");
        assert_eq!(many, Some(16));
        assert_eq!(rows_of_text("(?:a|b|c)(?:d|e|f)(?:g|h|i)(?:j|k|l)"), None);
        assert_eq!(rows_of_text("evil|x"), None);
    }

    fn rows_of_text(pattern: &str) -> Option<usize> {
        rows(pattern).map(|rows| rows.len())
    }

    #[test]
    fn patterns_share_no_literal_where_they_have_others() {
        let config = syntax::Config::new().unicode(false).utf8(false);
        let hir = syntax::parse_with("xyzzy-quux", &config).expect("a pattern");
        let gram = |users: &Users| split(&hir, None, users).expect("a literal")[0].gram;
        let first = gram(&Users::new());
        assert_ne!(gram(&Users::from([(first, 9)])), first);
    }

    #[test]
    fn anchors_stay() {
        let config = syntax::Config::new().unicode(false).utf8(false);
        let hir = syntax::parse_with("^GET /evil", &config).expect("a pattern");
        let rows = split(&hir, None, &Users::new()).expect("a literal");
        let begins = |split: &Split| {
            let looks = split.before.properties().look_set_prefix();
            looks.contains(Look::Start)
        };
        assert!(rows.iter().all(begins));
    }
}
