// SPDX-License-Identifier: GPL-2.0

//! What a rule looks for, as one regular expression over the bytes that a server receives.
//!
//! Contents that are relative to the one before make a row with gaps; rows that may come in any order
//! make an alternative for each order. (Suricata's `distance` and `within`: the next content begins at least
//! `distance` bytes behind the last one and ends at most `distance + within` behind it.)
//!
//! There is no tracker of HTTP yet, so what a rule wants in a part of a request is looked for in the bytes as
//! they are sent, in the order in which these parts come; that is a loss, and said. A name in a DNS query is
//! looked for as queries have it, with the length of a label in place of each dot.

use super::rule::{
    unquoted,
    Rule, //
};

/// Most rows that may come in any order: there are that many alternatives, factorial.
const MAX_ROWS: usize = 4;

/// Longest gap that is written out.
const MAX_GAP: u32 = 300;

/// A part of a message, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Buffer {
    /// The whole stream.
    Stream,
    /// The method of a request.
    Method,
    /// Its target.
    Uri,
    /// Its header lines.
    Header,
    /// Its body.
    Body,
    /// The name in a DNS query.
    Query,
}

impl Buffer {
    /// The one that an option names, as a modifier (`http_uri`) or for all contents that follow (`http.uri`).
    fn of(name: &str) -> Option<Self> {
        Some(match name.replace('_', ".").as_str() {
            "http.method" => Self::Method,
            "http.uri" | "http.uri.raw" | "http.raw.uri" | "uricontent" => Self::Uri,
            "http.header" | "http.header.raw" | "http.raw.header" | "http.user.agent"
            | "http.host" | "http.host.raw" | "http.raw.host" | "http.cookie" | "http.referer"
            | "http.content.type" | "http.accept" | "http.accept.enc" | "http.accept.lang"
            | "http.connection" | "http.content.len" => Self::Header,
            "http.client.body" | "http.request.body" => Self::Body,
            "dns.query" => Self::Query,
            "pkt.data" => Self::Stream,
            _ => return None,
        })
    }

    /// What follows its end in a request as it is sent, if that is known.
    const fn end(self) -> Option<&'static str> {
        match self {
            Self::Method | Self::Uri => Some(" "),
            Self::Header => Some("\\r"),
            Self::Stream | Self::Body | Self::Query => None,
        }
    }

    /// The one that a flag of a pcre names.
    fn of_flag(flag: char) -> Option<Self> {
        Some(match flag {
            'M' => Self::Method,
            'U' | 'I' => Self::Uri,
            'H' | 'D' | 'C' | 'V' | 'W' | 'Z' => Self::Header,
            'P' => Self::Body,
            _ => return None,
        })
    }
}

/// Whether an option is about all contents that follow it.
fn is_sticky(name: &str) -> bool {
    Buffer::of(name).is_some() && (name.contains('.') || matches!(name, "dns_query" | "pkt_data"))
}

/// Options that look into other parts of a protocol.
const OTHERS: [&str; 7] = ["http", "file", "dns", "tls", "ssh", "smb", "ssl"];

/// Options that say something about a rule and look for nothing.
const REMARKS: [&str; 14] = [
    "msg",
    "sid",
    "rev",
    "gid",
    "classtype",
    "reference",
    "metadata",
    "priority",
    "flow",
    "fast_pattern",
    "nocase",
    "rawbytes",
    "target",
    "noalert",
];

/// A part that has to be there.
#[derive(Clone, Debug)]
struct Part {
    /// Its regular expression.
    text: String,
    /// Bytes of it, if that is known.
    len: Option<u32>,
    /// Where it may begin, behind the part before: at least, and at most.
    gap: (u32, Option<u32>),
    /// Whether that counts from the part before.
    is_relative: bool,
    /// Its bytes in small letters, if it is a content.
    bytes: Vec<u8>,
    /// Where it is looked for.
    buffer: Buffer,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The regular expression.
    pub pattern: String,
    /// What is lost.
    pub losses: Vec<String>,
}

/// The regular expression of a rule; the error says why there is none.
///
/// # Errors
///
/// What the rule looks for and a regular expression cannot say.
///
/// # Examples
///
/// ```
/// use kisctl::import::{pattern::pattern, rule::Rule};
///
/// let of = |options: &str| {
///     let text = format!("alert tcp any any -> any any ({options} sid:1;)");
///     pattern(&Rule::parse(&text).expect("a rule")).map(|taken| taken.pattern)
/// };
/// assert_eq!(of(r#"content:"USER|20|"; nocase; content:"root"; distance:2; within:6;"#).as_deref(),
///     Ok(r"(?i:USER )(?s:.{2,4})root"));
/// assert!(of(r#"content:"x"; http_stat_msg;"#).is_err());
/// ```
pub fn pattern(rule: &Rule) -> Result<Taken, String> {
    let mut losses = Vec::new();
    if rule.value("flow").is_some_and(is_of_answers) {
        return Err("looks at what a server sends".to_owned());
    }
    if rule.ports != "any" {
        losses.push(format!("for all ports, not {} only", rule.ports));
    }
    if !matches!(
        rule.protocol.as_str(),
        "tcp" | "udp" | "ip" | "tcp-stream" | "tcp-pkt"
    ) {
        losses.push(format!("whether it is {} is not looked at", rule.protocol));
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut sticky = Buffer::Stream;
    for (at, option) in rule.options.iter().enumerate() {
        let name = option.name.as_str();
        match name {
            "content" | "uricontent" => {
                let more = rule.options[at + 1..].iter();
                let own = more.take_while(|next| is_modifier(&next.name));
                let own: Vec<(&str, &str)> = own
                    .map(|next| (next.name.as_str(), next.value.as_str()))
                    .collect();
                let of_modifier = own.iter().find_map(|(name, _)| Buffer::of(name));
                let buffer = of_modifier.or(Buffer::of(name)).unwrap_or(sticky);
                parts.push(content(&option.value, &own, buffer, &mut losses)?);
            }
            "pcre" => parts.push(pcre(&option.value, sticky)?),
            name if is_sticky(name) => sticky = Buffer::of(name).unwrap_or(sticky),
            "isdataat" => data_at(&option.value, &mut parts)?,
            "flowbits" | "xbits" | "flowint" => {
                if option.value.starts_with("set") {
                    losses.push(format!("sets nothing for other rules ({name})"));
                } else {
                    return Err(format!("depends on other rules ({name})"));
                }
            }
            "threshold" | "detection_filter" => losses.push(format!("told each time ({name})")),
            "dsize" | "flags" | "ttl" | "stream_size" | "app-layer-protocol" | "urilen"
            | "bsize" => {
                losses.push(format!("without {name}"));
            }
            name if REMARKS.contains(&name) || is_modifier(name) => {}
            name if OTHERS.iter().any(|other| name.starts_with(other)) => {
                return Err(format!("looks into a part of the protocol ({name})"));
            }
            name => return Err(format!("cannot be said ({name})")),
        }
    }
    if parts.is_empty() {
        return Err("looks for no bytes".to_owned());
    }
    let is_other = |part: &Part| part.buffer != Buffer::Method;
    if !parts.iter().any(is_other) {
        return Err("looks for a method only".to_owned());
    }
    if !parts.iter().all(is_other) {
        losses.push("whatever the method".to_owned());
        parts.retain(is_other);
    }
    let is_http = |part: &Part| matches!(part.buffer, Buffer::Uri | Buffer::Header | Buffer::Body);
    if parts.iter().any(is_http) {
        losses.push("parts of a request are looked for in the bytes as they are sent".to_owned());
    }
    Ok(Taken {
        pattern: rows(&parts, &mut losses)?,
        losses,
    })
}

/// Whether a flow is that of answers.
fn is_of_answers(flow: &str) -> bool {
    let mut words = flow.split(',').map(str::trim);
    words.any(|word| matches!(word, "to_client" | "from_server"))
}

/// Whether an option belongs to the content before it.
fn is_modifier(name: &str) -> bool {
    let is_buffer = Buffer::of(name).is_some() && !is_sticky(name) && name != "uricontent";
    is_buffer
        || matches!(
            name,
            "nocase"
                | "offset"
                | "depth"
                | "distance"
                | "within"
                | "startswith"
                | "endswith"
                | "fast_pattern"
                | "rawbytes"
        )
}

/// A content with its modifiers.
fn content(
    value: &str,
    own: &[(&str, &str)],
    buffer: Buffer,
    losses: &mut Vec<String>,
) -> Result<Part, String> {
    if value.starts_with('!') {
        return Err("says what must not be there (content:!)".to_owned());
    }
    let bytes = bytes(unquoted(value))?;
    let has = |name: &str| own.iter().any(|(own, _)| *own == name);
    let number = |name: &str| -> Result<Option<i64>, String> {
        let Some((_, value)) = own.iter().find(|(own, _)| *own == name) else {
            return Ok(None);
        };
        let number = value.parse();
        let number = number.map_err(|_| format!("its {name} is no number ({value})"))?;
        Ok(Some(number))
    };
    let end = match (has("endswith"), buffer.end()) {
        (false, _) => "",
        (true, Some(end)) => end,
        (true, None) => return Err("wants something to be the last (endswith)".to_owned()),
    };
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let (distance, within) = (number("distance")?, number("within")?);
    let (offset, depth) = (number("offset")?, number("depth")?);
    let is_relative = distance.is_some() || within.is_some();
    let positive = |number: i64| u32::try_from(number).map_err(|_| "looks backwards (distance)");
    let gap = if is_relative {
        let least = positive(distance.unwrap_or(0))?;
        let most = within.map(positive).transpose()?;
        (
            least,
            most.map(|most| least.saturating_add(most.saturating_sub(len))),
        )
    } else if has("startswith") {
        (0, Some(0))
    } else {
        let least = positive(offset.unwrap_or(0))?;
        let most = depth.map(positive).transpose()?;
        (
            least,
            most.map(|most| least.saturating_add(most.saturating_sub(len))),
        )
    };
    let is_placed = !is_relative && gap != (0, None);
    let gap = if is_placed && buffer != Buffer::Stream {
        losses.push("anywhere in a part of a request".to_owned());
        (0, None)
    } else {
        gap
    };
    if is_placed && buffer == Buffer::Stream {
        losses.push("a place counts from the beginning of the stream only".to_owned());
    }
    let mut escaped = escaped(&bytes);
    if buffer == Buffer::Query {
        escaped = escaped.replace("\\.", "[\\x01-\\x3f]");
    }
    Ok(Part {
        text: if has("nocase") {
            format!("(?i:{escaped}){end}")
        } else {
            format!("{escaped}{end}")
        },
        len: Some(len),
        gap,
        is_relative,
        bytes: bytes.to_ascii_lowercase(),
        buffer,
    })
}

/// The bytes of a content: `ab|0d 0a|c`.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
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
fn escaped(bytes: &[u8]) -> String {
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

/// A regular expression of Perl's: `"/…/flags"`.
fn pcre(value: &str, sticky: Buffer) -> Result<Part, String> {
    let text = unquoted(value);
    if text.starts_with('!') {
        return Err("says what must not be there (pcre:!)".to_owned());
    }
    let body = text
        .strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'));
    let (body, flags) = body.ok_or("a pcre without slashes")?;
    let (mut inner, mut is_relative, mut buffer) = (String::new(), false, sticky);
    for flag in flags.chars() {
        match flag {
            'i' | 's' | 'x' => inner.push(flag),
            'm' => {}
            'R' => is_relative = true,
            'G' | 'O' => {}
            flag => match Buffer::of_flag(flag) {
                Some(of) => buffer = of,
                None => return Err(format!("looks into a part of the protocol (pcre, {flag})")),
            },
        }
    }
    if buffer == Buffer::Query {
        return Err("looks for a name in a query with a pcre".to_owned());
    }
    let body = body
        .replace("\\/", "/")
        .replace("\\\"", "\"")
        .replace("\\;", ";");
    let mut body = body;
    if flags.contains('m') {
        // A line begins behind the one before.
        if let Some(rest) = body.strip_prefix('^').filter(|rest| !rest.contains('|')) {
            body = format!("\\n{rest}");
        }
        if body.replace("[^", "").contains('^') || body.trim_end_matches('$').contains('$') {
            return Err("looks at the beginning or end of a line (pcre, m)".to_owned());
        }
    }
    if body.ends_with('$') && !body.ends_with("\\$") {
        let end = buffer.end().filter(|_| !body.contains('|'));
        let end = end.ok_or("looks at the end (pcre, $)")?;
        body.pop();
        body.push_str(end);
    }
    // Relative, the beginning is where the part before ends; in a part of a request it is not known.
    let (body, gap) = match body.strip_prefix('^') {
        Some(rest) if is_relative => (rest.to_owned(), (0, Some(0))),
        Some(_) if buffer != Buffer::Stream => {
            return Err("looks at the beginning of a part of a request (pcre, ^)".to_owned());
        }
        _ => (body, (0, None)),
    };
    let text = match inner.as_str() {
        "" => format!("(?:{body})"),
        flags => format!("(?{flags}:{body})"),
    };
    Ok(Part {
        text,
        len: None,
        gap,
        is_relative,
        bytes: Vec::new(),
        buffer,
    })
}

/// So many bytes have to follow the last part.
fn data_at(value: &str, parts: &mut Vec<Part>) -> Result<(), String> {
    let mut words = value.split(',').map(str::trim);
    let count = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    let buffer = parts.last().map_or(Buffer::Stream, |part| part.buffer);
    // That nothing follows is said by what comes behind the part of a request.
    if let (Some(last), Some(end), true, "!1") = (
        parts.last_mut(),
        buffer.end(),
        rest.contains(&"relative"),
        count,
    ) {
        last.text.push_str(end);
        return Ok(());
    }
    let Some(count) = count.parse().ok().filter(|_| rest.contains(&"relative")) else {
        return Err("wants bytes to be missing, or at a place (isdataat)".to_owned());
    };
    if count > MAX_GAP {
        return Err(format!("wants {count} bytes to follow (isdataat)"));
    }
    parts.push(Part {
        text: format!("(?s:.{{{count}}})"),
        len: Some(count),
        gap: (0, Some(0)),
        is_relative: true,
        bytes: Vec::new(),
        buffer,
    });
    Ok(())
}

/// Any bytes, so many.
fn gap(gap: (u32, Option<u32>)) -> Result<String, String> {
    let far = |n: u32| format!("has a gap of more than {MAX_GAP} bytes ({n})");
    match gap {
        (0, Some(0)) => Ok(String::new()),
        (0, None) => Ok("(?s:.*)".to_owned()),
        (least, _) if least > MAX_GAP => Err(far(least)),
        (least, None) => Ok(format!("(?s:.{{{least},}})")),
        (_, Some(most)) if most > MAX_GAP => Err(far(most)),
        (least, Some(most)) if least == most => Ok(format!("(?s:.{{{least}}})")),
        (least, Some(most)) => Ok(format!("(?s:.{{{least},{most}}})")),
    }
}

/// The parts in all orders in which they may come.
fn rows(parts: &[Part], losses: &mut Vec<String>) -> Result<String, String> {
    let mut rows: Vec<Vec<&Part>> = Vec::new();
    for part in parts {
        // What is relative follows the last part of the same buffer.
        let mut before = rows.iter_mut().rev();
        match before.find(|row| part.is_relative && row[0].buffer == part.buffer) {
            Some(row) => row.push(part),
            None => rows.push(vec![part]),
        }
    }
    let is_placed = |row: &Vec<&Part>| row.first().is_some_and(|part| part.gap != (0, None));
    if rows.len() > 1 && rows.iter().any(|row| is_placed(row) && !row[0].is_relative) {
        return Err("wants one of several at a place of the stream (offset, depth)".to_owned());
    }
    let texts = rows.iter().map(|row| text_of(row));
    let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
    if let [text] = texts.as_slice() {
        return Ok(text.clone());
    }
    if texts.len() > MAX_ROWS {
        return Err(format!(
            "{} contents that may come in any order",
            texts.len()
        ));
    }
    if may_overlap(&rows) {
        losses.push("where two contents share bytes they are not found".to_owned());
    }
    let orders = orders(texts.len());
    // The parts of a request come in their order; what is looked for in the whole stream may be anywhere.
    let is_ordered = rows.iter().all(|row| row[0].buffer != Buffer::Stream);
    let fits = |order: &&Vec<usize>| {
        let buffers = order.iter().map(|at| rows[*at][0].buffer);
        !is_ordered || buffers.is_sorted()
    };
    let orders = orders.iter().filter(fits).map(|order| {
        let row: Vec<&str> = order.iter().map(|at| texts[*at].as_str()).collect();
        row.join("(?s:.*)")
    });
    Ok(orders.collect::<Vec<String>>().join("|"))
}

/// A row of parts.
fn text_of(row: &[&Part]) -> Result<String, String> {
    let mut text = String::new();
    for (at, part) in row.iter().enumerate() {
        match (at, part.gap) {
            (0, (0, None)) => {}
            (0, place) => {
                text.push('^');
                text.push_str(&gap(place)?);
            }
            (_, between) => text.push_str(&gap(between)?),
        }
        text.push_str(&part.text);
    }
    Ok(text)
}

/// Whether bytes of one row may be bytes of another one, too; of a pcre that is not known.
fn may_overlap(rows: &[Vec<&Part>]) -> bool {
    let parts: Vec<(usize, &Part)> = rows
        .iter()
        .enumerate()
        .flat_map(|(row, parts)| parts.iter().map(move |part| (row, *part)))
        .collect();
    parts.iter().any(|(row, part)| {
        parts
            .iter()
            .filter(|(other, _)| other != row)
            .any(|(_, other)| {
                let (a, b) = (&part.bytes, &other.bytes);
                let contains = a.windows(b.len().max(1)).any(|window| window == &b[..]);
                let shares = (1..a.len().min(b.len())).any(|n| a[a.len() - n..] == b[..n]);
                part.len.is_none() || other.len.is_none() || contains || shares
            })
    })
}

/// All orders of so many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for order in orders(count - 1) {
        for at in 0..=order.len() {
            let mut next = order.clone();
            next.insert(at, count - 1);
            all.push(next);
        }
    }
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(options: &str) -> Result<Taken, String> {
        let text = format!("alert tcp any any -> any any ({options} sid:1;)");
        pattern(&Rule::parse(&text).expect("a rule"))
    }

    fn exact(options: &str) -> String {
        let taken = of(options).expect(options);
        assert_eq!(taken.losses, Vec::<String>::new(), "{options}");
        taken.pattern
    }

    #[test]
    fn contents_become_rows_with_gaps() {
        for (options, want) in [
            ("content:\"a.b|0d 0A|\\;c\";", "a\\.b\\x0d\\x0a;c"),
            (
                "content:\"ab\"; nocase; content:\"cd\"; distance:0;",
                "(?i:ab)(?s:.*)cd",
            ),
            (
                "content:\"ab\"; content:\"cd\"; distance:3;",
                "ab(?s:.{3,})cd",
            ),
            (
                "content:\"ab\"; content:\"cd\"; within:5;",
                "ab(?s:.{0,3})cd",
            ),
            (
                "content:\"ab\"; content:\"cd\"; distance:1; within:2;",
                "ab(?s:.{1})cd",
            ),
            ("content:\"ab\"; isdataat:9,relative;", "ab(?s:.{9})"),
            ("content:\"ab\"; pcre:\"/c+\\/d/iR\";", "ab(?s:.*)(?i:c+/d)"),
            ("content:\"xy\"; content:\"zw\";", "xy(?s:.*)zw|zw(?s:.*)xy"),
        ] {
            assert_eq!(exact(options), want, "{options}");
        }
        assert_eq!(orders(3).len(), 6);
    }

    #[test]
    fn what_is_lost_is_said() {
        for (options, want) in [
            (
                "content:\"ab\"; depth:4;",
                "a place counts from the beginning of the stream only",
            ),
            ("content:\"ab\"; dsize:>5;", "without dsize"),
            (
                "content:\"abc\"; content:\"cde\";",
                "where two contents share bytes they are not found",
            ),
            (
                "content:\"ab\"; flowbits:set,x;",
                "sets nothing for other rules (flowbits)",
            ),
            (
                "content:\"ab\"; threshold:type limit;",
                "told each time (threshold)",
            ),
        ] {
            assert_eq!(of(options).expect(options).losses, [want], "{options}");
        }
        let placed = of("content:\"ab\"; offset:2; depth:4;").expect("a pattern");
        assert_eq!(placed.pattern, "^(?s:.{2,4})ab");
        let port =
            Rule::parse("alert http any any -> any 80 (content:\"ab\"; sid:1;)").expect("a rule");
        assert_eq!(pattern(&port).expect("a pattern").losses.len(), 2);
    }

    #[test]
    fn parts_of_a_request_come_in_their_order() {
        let of = |options: &str| of(options).expect(options).pattern;
        for (options, want) in [
            (
                "content:\"POST\"; http_method; content:\"agent\"; http_user_agent; \
                 content:\"/x.php\"; http_uri; depth:6;",
                "/x\\.php(?s:.*)agent",
            ),
            (
                "http.uri; content:\"one\"; content:\"two\"; http.header; content:\"h\";",
                "one(?s:.*)two(?s:.*)h|two(?s:.*)one(?s:.*)h",
            ),
            (
                "content:\"a\"; http_uri; content:\"b\"; distance:1; http_uri;",
                "a(?s:.{1,})b",
            ),
            ("uricontent:\"abc\";", "abc"),
            (
                "dns.query; content:\"evil.example\"; nocase;",
                "(?i:evil[\\x01-\\x3f]example)",
            ),
            ("content:\"ab\"; pcre:\"/^c+d/R\";", "ab(?:c+d)"),
            ("http.uri; content:\"/x\"; endswith;", "/x "),
            (
                "content:\"bot\"; http_user_agent; isdataat:!1,relative;",
                "bot\\r",
            ),
            ("pcre:\"/^Host: a$/Hm\";", "(?:\\nHost: a\\r)"),
            ("pcre:\"/\\.php$/Ui\";", "(?i:\\.php )"),
        ] {
            assert_eq!(of(options), want, "{options}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_refused() {
        for (options, want) in [
            (
                "flow:established,to_client; content:\"ab\";",
                "looks at what a server sends",
            ),
            (
                "content:\"ab\"; http_stat_code;",
                "looks into a part of the protocol (http_stat_code)",
            ),
            ("http.method; content:\"POST\";", "looks for a method only"),
            (
                "pcre:\"/^ab/U\";",
                "looks at the beginning of a part of a request (pcre, ^)",
            ),
            ("pcre:\"/ab$/\";", "looks at the end (pcre, $)"),
            (
                "content:!\"ab\";",
                "says what must not be there (content:!)",
            ),
            (
                "pcre:\"/ab/Q\";",
                "looks into a part of the protocol (pcre, Q)",
            ),
            (
                "pcre:\"/ab(?:^|c)/m\";",
                "looks at the beginning or end of a line (pcre, m)",
            ),
            (
                "content:\"ab\"; content:\"cd\"; distance:-3;",
                "looks backwards (distance)",
            ),
            (
                "content:\"ab\"; byte_test:1,>,2,3;",
                "cannot be said (byte_test)",
            ),
            (
                "flowbits:isset,x; content:\"ab\";",
                "depends on other rules (flowbits)",
            ),
            (
                "content:\"a|0g|\";",
                "a content has no hexadecimal bytes (0g)",
            ),
            ("dsize:5;", "looks for no bytes"),
            (
                "content:\"aa\"; content:\"bb\"; content:\"cc\"; content:\"dd\"; content:\"ee\";",
                "5 contents that may come in any order",
            ),
        ] {
            assert_eq!(of(options).expect_err(options), want);
        }
    }
}
