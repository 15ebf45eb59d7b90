// SPDX-License-Identifier: GPL-2.0

//! A content of a rule, with its modifiers, as a regular expression.
//!
//! Suricata's `distance` and `within`: the next content begins at least `distance` bytes behind the last one and
//! ends at most `distance + within` behind it; `offset` and `depth` count from the beginning of the buffer.

use super::{
    buffer::Buffer,
    byte_test::Test,
    gap::{
        Gap,
        ANYWHERE, //
    },
    rule::negated, //
};
use kis_core::matching::scope::Scope;

/// A piece of what is looked for.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Its regular expression.
    pub text: String,
    /// The field of a header line, in small letters, and what its value has to be, where that says the same by itself.
    pub field: Option<(String, String)>,
    /// How many bytes that takes, where it is one number.
    pub len: Option<u32>,
    /// What bytes behind it have to be.
    pub tests: Vec<Test>,
    /// How many bytes there have to be behind it.
    pub follow: u32,
    /// Where it may begin, behind the piece before or the beginning.
    pub gap: Gap,
    /// Whether that counts from the piece before.
    pub is_relative: bool,
    /// Whether it must not be there.
    pub is_absent: bool,
    /// Whether what is relative counts from it.
    pub is_cursor: bool,
    /// Where it is looked for.
    pub buffer: Buffer,
}

impl Piece {
    /// What has to be at the beginning of a buffer, and is nothing that others count from.
    pub fn new(text: String, buffer: Buffer) -> Self {
        Self {
            text,
            field: None,
            len: None,
            tests: Vec::new(),
            follow: 0,
            gap: (0, Some(0)),
            is_relative: false,
            is_absent: false,
            is_cursor: false,
            buffer,
        }
    }

    /// Whether what is relative in a buffer may count from it.
    pub fn follows(&self, buffer: Buffer) -> bool {
        self.is_cursor && self.buffer == buffer && !self.is_absent
    }
}

/// A content with its modifiers; the error says what cannot be said.
pub fn content(value: &str, own: &[(&str, &str)], buffer: Buffer) -> Result<Piece, String> {
    let (is_absent, value) = negated(value);
    let bytes = bytes(value)?;
    let has = |name: &str| own.iter().any(|(own, _)| *own == name);
    let number = |name: &str| -> Result<Option<i64>, String> {
        let Some((_, value)) = own.iter().find(|(own, _)| *own == name) else {
            return Ok(None);
        };
        let number = value.parse();
        let number = number.map_err(|_| format!("its {name} is no number ({value})"))?;
        Ok(Some(number))
    };
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let (distance, within) = (number("distance")?, number("within")?);
    let (offset, depth) = (number("offset")?, number("depth")?);
    let is_relative = distance.is_some() || within.is_some();
    let positive = |number: i64| u32::try_from(number).map_err(|_| "looks backwards (distance)");
    let (least, most) = if is_relative {
        (distance, within)
    } else {
        (offset, depth)
    };
    let least = positive(least.unwrap_or(0))?;
    let most = most.map(positive).transpose()?;
    let mut gap = (
        least,
        most.map(|most| least.saturating_add(most.saturating_sub(len))),
    );
    if has("startswith") {
        gap = (0, Some(0));
    }
    let mut text = match buffer {
        Buffer::Names => names(&bytes)?,
        Buffer::Query => labels(&bytes, has("endswith") || has(LAST)),
        Buffer::Scope(Scope::Headers) => {
            // What stands between name and value is one blank in the buffer of rules.
            let text = escaped(&bytes).replace(": ", ":[ \\t]*");
            // Servers take a line end without CR.
            text.replace("\\x0d\\x0a", "\\x0d?\\x0a")
        }
        Buffer::Host | Buffer::Field(_) | Buffer::Scope(_) => escaped(&bytes),
    };
    let is_any_case = buffer == Buffer::Host || (buffer == Buffer::Names && !is_absent);
    if has("nocase") || is_any_case {
        text = format!("(?i:{text})");
    }
    if has("endswith") {
        text.push_str(
            buffer
                .end()
                .ok_or("wants something to be the last (endswith)")?,
        );
    }
    if buffer == Buffer::Query && gap != ANYWHERE && !is_relative {
        if gap != (0, Some(0)) {
            return Err("wants a name at a place (dns.query)".to_owned());
        }
        // Behind the head of a query, and over TCP its length (RFC 1035, 4.1 and 4.2.2), and a label's length.
        text = format!("^(?s:.{{12}}(?:..)?)[\\x01-\\x3f]{text}");
        gap = ANYWHERE;
    }
    if buffer == Buffer::Names && (is_relative || gap != ANYWHERE || has("endswith")) {
        return Err("wants names of fields at a place (http.header_names)".to_owned());
    }
    let is_line = buffer == Buffer::Scope(Scope::Headers) && gap == ANYWHERE && !is_relative;
    // To find more where something must not be there is to find less.
    let field = (is_line && !is_absent)
        .then(|| line(&bytes, has("nocase")))
        .flatten();
    let is_plain = matches!(buffer, Buffer::Scope(scope) if scope != Scope::Headers);
    Ok(Piece {
        field,
        len: Some(len).filter(|_| is_plain),
        gap,
        is_relative,
        is_absent,
        is_cursor: true,
        ..Piece::new(text, buffer)
    })
}

/// The field and the pattern of its value of what begins a header line with a whole name, written as names are, and more.
fn line(bytes: &[u8], is_nocase: bool) -> Option<(String, String)> {
    let (bytes, is_begun) = match bytes.strip_prefix(b"\r\n") {
        Some(bytes) => (bytes, true),
        None => (bytes, false),
    };
    let at = bytes.iter().position(|byte| *byte == b':')?;
    let (name, rest) = (&bytes[..at], bytes[at..].strip_prefix(b":")?);
    let name = std::str::from_utf8(name)
        .ok()
        .filter(|name| is_name(name, is_begun))?;
    let (rest, end) = match rest.strip_suffix(b"\r\n") {
        Some(rest) => (rest, "$"),
        None => (rest, ""),
    };
    let value = rest.trim_ascii_start();
    if value.is_empty() || value.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return None;
    }
    let value = if end.is_empty() {
        value
    } else {
        value.trim_ascii_end()
    };
    let mut text = escaped(value);
    if is_nocase {
        text = format!("(?i:{text})");
    }
    Some((name.to_ascii_lowercase(), format!("^{text}{end}")))
}

/// Whether a name of a field is written as these are, and is a whole one: with `is_begun` it begins a line. A rule may be about
/// one in other letters, and about all whose end it is. The values of cookies are not in the header lines of rules.
pub fn is_name(name: &str, is_begun: bool) -> bool {
    if name == "Cookie" || !(is_begun || name == "User-Agent") {
        return false;
    }
    let is_word = |word: &str| {
        let mut letters = word.bytes();
        letters
            .next()
            .is_some_and(|first| first.is_ascii_uppercase())
            && letters.all(|letter| letter.is_ascii_lowercase())
    };
    name.split('-').all(is_word)
}

/// What `isdataat:!1,relative` is taken for: a modifier that says that nothing follows.
pub const LAST: &str = "isdataat:!1";

/// A part of a name as queries have it: in place of each dot the length of the label behind it. That is known of a label that
/// ends in the part, or with it if it is the last of the name.
fn labels(bytes: &[u8], is_last: bool) -> String {
    let all: Vec<&[u8]> = bytes.split(|byte| *byte == b'.').collect();
    let mut text = String::new();
    for (at, label) in all.iter().enumerate() {
        let is_whole = at + 1 < all.len() || (is_last && !label.is_empty());
        match (at, label.len()) {
            // What begins with a dot is below that name, and not the name itself.
            (0, 0) => text.push_str("[^\\x00-\\x20]"),
            (0, _) => {}
            (_, len) if is_whole => text.push_str(&format!("\\x{len:02x}")),
            (_, len) => text.push_str(&format!("[\\x{:02x}-\\x3f]", len.max(1))),
        }
        text.push_str(&escaped(label));
    }
    text
}

/// Names of fields, as a rule has them on lines of their own, in header lines.
fn names(bytes: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let is_begun = text.starts_with("\r\n");
    let is_ended = text.len() > 2 && text.ends_with("\r\n");
    let names: Vec<&str> = text.split("\r\n").filter(|name| !name.is_empty()).collect();
    if names.is_empty() || text.contains("\r\n\r\n") {
        return Err("wants the last name of a field (http.header_names)".to_owned());
    }
    let mut all = String::from("(?:^|\\n)");
    for (at, name) in names.iter().enumerate() {
        if at == 0 && !is_begun {
            all.push_str("[^:\\n]*");
        }
        all.push_str(&escaped(name.as_bytes()));
        if at + 1 == names.len() && !is_ended {
            all.push_str("[^:\\n]*:");
        } else {
            all.push_str("[ \\t]*:");
        }
        if at + 1 < names.len() {
            all.push_str("[^\\n]*\\n");
        }
    }
    Ok(all)
}

/// The bytes of a content: `ab|0d 0a|c`.
pub fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    let mut parts = text.split('|');
    loop {
        let Some(plain) = parts.next() else { break };
        let mut is_escaped = false;
        for byte in plain.bytes() {
            if byte == b'\\' && !is_escaped {
                is_escaped = true;
                continue;
            }
            is_escaped = false;
            all.push(byte);
        }
        let Some(hex) = parts.next() else { break };
        let digits: String = hex.chars().filter(|c| !c.is_whitespace()).collect();
        let pairs = digits.as_bytes().chunks(2);
        for pair in pairs {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            let byte = u8::from_str_radix(pair, 16)
                .ok()
                .filter(|_| pair.len() == 2);
            all.push(byte.ok_or_else(|| format!("a content has no hexadecimal bytes ({hex})"))?);
        }
    }
    if all.is_empty() {
        return Err("an empty content".to_owned());
    }
    Ok(all)
}

/// Bytes as a regular expression.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'0'..=b'9'
            | b'a'..=b'z'
            | b'A'..=b'Z'
            | b' '
            | b'_'
            | b'/'
            | b':'
            | b'='
            | b','
            | b'%'
            | b'<'
            | b'>'
            | b'@'
            | b'"'
            | b'\''
            | b';'
            | b'!' => text.push(char::from(*byte)),
            b'-' | b'.' | b'?' | b'+' | b'*' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'^'
            | b'$' | b'|' | b'\\' | b'&' | b'~' | b'#' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            other => text.push_str(&format!("\\x{other:02x}")),
        }
    }
    text
}
