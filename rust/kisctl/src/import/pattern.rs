// SPDX-License-Identifier: GPL-2.0

//! What a rule looks for, as parts of a signature.
//!
//! Contents that are relative to the one before make a row with gaps, which is one pattern. Each row is a part:
//! all have to be there, in any order. A name in a DNS query is looked for as queries have it, with the
//! length of a label in place of each dot.

use super::{
    buffer::Buffer,
    byte_test::{
        self,
        Test, //
    },
    content::{
        content,
        Piece,
        LAST, //
    },
    gap::{
        any,
        ANYWHERE,
        MAX_GAP, //
    },
    pcre::pcre,
    ports::ports,
    rule::{
        Choice,
        Rule, //
    },
};
use crate::{
    signature_file::{
        threshold::{
            By,
            Type, //
        },
        Part,
        Ports,
        Threshold, //
    },
    transport::Transport, //
};
use kis_core::{
    matching::scope::Scope,
    sense::endpoint::EPHEMERAL, //
};

/// Options that look into other parts of a protocol.
const OTHERS: [&str; 7] = ["http", "file", "dns", "tls", "ssh", "smb", "ssl"];

/// Options that say something about a rule and look for nothing.
const REMARKS: [&str; 10] = [
    "msg",
    "sid",
    "rev",
    "gid",
    "classtype",
    "reference",
    "metadata",
    "priority",
    "flow",
    "target",
];

/// Options about the content before them, beside buffers.
const MODIFIERS: [&str; 9] = [
    "nocase",
    "offset",
    "depth",
    "distance",
    "within",
    "startswith",
    "endswith",
    "fast_pattern",
    "rawbytes",
];

/// The port of name servers.
const DNS: u16 = 53;

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The parts of the signature.
    pub parts: Vec<Part>,
    /// The transport that it is for.
    pub protocol: Option<Transport>,
    /// The ports that it is for.
    pub ports: Vec<Ports>,
    /// How often it has to match, or is told.
    pub threshold: Option<Threshold>,
    /// What is lost.
    pub losses: Vec<String>,
}

/// The parts of a rule; the error says why there are none.
///
/// # Errors
///
/// What the rule looks for and a signature cannot say.
///
/// # Examples
///
/// ```
/// use kisctl::import::{pattern::pattern, rule::Rule};
///
/// let of = |options: &str| {
///     let text = format!("alert tcp any any -> any any ({options} sid:1;)");
///     pattern(&Rule::parse(&text).expect("a rule"))
/// };
/// let taken = of(r#"content:"USER|20|"; nocase; content:"root"; distance:2; within:6;"#).expect("parts");
/// assert_eq!(taken.parts[0].pattern, r"(?i:USER )(?s:.{2,4})root");
/// let taken = of(r#"http.uri; content:"/x"; startswith; http.cookie; content:!"a";"#).expect("parts");
/// assert_eq!((taken.parts[0].scope.as_str(), taken.parts[0].pattern.as_str()), ("http.uri", "^/x"));
/// assert!(taken.parts[1].absent);
/// assert!(of(r#"content:"x"; http_stat_msg;"#).is_err());
/// ```
pub fn pattern(rule: &Rule) -> Result<Taken, String> {
    if rule.value("flow").is_some_and(is_of_answers) {
        return Err("looks at what a server sends".to_owned());
    }
    let mut losses = Vec::new();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut sticky = Buffer::STREAM;
    let mut threshold: Option<Threshold> = None;
    for (at, option) in rule.options.iter().enumerate() {
        let name = option.name.as_str();
        match name {
            "content" | "uricontent" => {
                let own = modifiers(&rule.options[at + 1..]);
                let of_modifier = own.iter().find_map(|(name, _)| Buffer::of(name));
                let buffer = of_modifier.or(Buffer::of(name)).unwrap_or(sticky);
                pieces.push(content(&option.value, &own, buffer)?);
            }
            "pcre" => pieces.push(pcre(&option.value, sticky)?),
            name if Buffer::is_sticky(name) => sticky = Buffer::of(name).unwrap_or(sticky),
            "isdataat" => data_at(&option.value, sticky, &mut pieces)?,
            "byte_test" => test(&option.value, sticky, &mut pieces)?,
            "urilen" => pieces.push(length(&option.value, Buffer::Scope(Scope::Uri))?),
            "bsize" => pieces.push(length(&option.value, sticky)?),
            "flowbits" | "xbits" | "flowint" => {
                if option.value.trim() == "noalert" {
                    return Err("tells nothing (noalert)".to_owned());
                } else if option.value.starts_with("set") || option.value.starts_with("unset") {
                    losses.push(format!("sets nothing for other rules ({name})"));
                } else {
                    return Err(format!("depends on other rules ({name})"));
                }
            }
            "threshold" | "detection_filter" => {
                match super::threshold::threshold(name, &option.value) {
                    Ok(own) if threshold.is_none() => threshold = Some(own),
                    _ => losses.push(format!("told each time ({name})")),
                }
            }
            "dsize" | "flags" | "ttl" | "stream_size" | "app-layer-protocol" => {
                losses.push(format!("without {name}"));
            }
            "noalert" => return Err("tells nothing (noalert)".to_owned()),
            name if REMARKS.contains(&name) || is_modifier(name) => {}
            name if OTHERS.iter().any(|other| name.starts_with(other)) => {
                return Err(format!("looks into a part of the protocol ({name})"));
            }
            name => return Err(format!("cannot be said ({name})")),
        }
    }
    if pieces.is_empty() {
        return Err("looks for no bytes".to_owned());
    }
    let is_query = pieces.iter().any(|piece| piece.buffer == Buffer::Query);
    let mut parts = rows(pieces, rule.protocol == "udp", &mut losses)?;
    if parts.iter().all(|part| part.absent) {
        return Err("looks only for what must not be there".to_owned());
    }
    if rule.protocol == "http2" {
        return Err("looks into HTTP/2, which is not followed".to_owned());
    }
    // Buffers are those of requests.
    let has_buffer = parts.iter().any(|part| part.scope.starts_with("http."));
    let is_http = rule.protocol.starts_with("http");
    if is_http && !has_buffer {
        // What each request has.
        parts.push(Part {
            scope: Scope::Method.name().to_owned(),
            pattern: "^(?s:.)".to_owned(),
            absent: false,
        });
    }
    if let Some(own) = threshold {
        // The first of them is the same, whatever is counted.
        let is_first = own.kind == Type::Limit && own.count == 1;
        if has_buffer && !is_first {
            losses.push("counts what comes at a time, not each request".to_owned());
        }
        if rule.protocol == "udp" && own.track != By::ByRule {
            losses.push("counts all peers together over UDP".to_owned());
        }
    }
    let mut ports = ports_of(rule, has_buffer, &mut losses)?;
    let is_dns = rule.protocol == "dns" && is_query;
    if is_dns && ports.is_empty() && rule.ports == "any" {
        // Where Suricata looks for DNS, and servers receive queries.
        ports.push(Ports::new(DNS, DNS));
    }
    let (protocol, is_any) = match rule.protocol.as_str() {
        "tcp" | "tcp-stream" | "tcp-pkt" => (Some(Transport::Tcp), true),
        "udp" => (Some(Transport::Udp), true),
        "ip" => (None, true),
        _ => (None, false),
    };
    if rule.protocol == "tcp-pkt" {
        losses.push("over packets, not in each of them".to_owned());
    }
    let is_of_server = rule.value("flow").is_some_and(|flow| {
        let mut words = flow.split(',').map(str::trim);
        words.any(|word| matches!(word, "to_server" | "from_client"))
    });
    // Clients have other ports.
    let is_at_server = !ports.is_empty() && !rule.is_both && ports.iter().all(is_of_servers);
    if !has_buffer && !is_of_server && !is_at_server {
        losses.push("in what a server receives only".to_owned());
    }
    if !(is_any || is_http || is_dns) {
        losses.push(format!("whether it is {} is not looked at", rule.protocol));
    }
    Ok(Taken {
        parts,
        // HTTP is the same over a unix socket.
        protocol: protocol.filter(|_| !has_buffer || !ports.is_empty()),
        ports,
        threshold,
        losses,
    })
}

/// The ports that a rule is for, none for all.
fn ports_of(rule: &Rule, has_buffer: bool, losses: &mut Vec<String>) -> Result<Vec<Ports>, String> {
    let (from, to) = (rule.source_ports.as_str(), rule.ports.as_str());
    if from != "any" && !rule.is_both {
        losses.push(format!("from all ports, not {from} only"));
    }
    // Where requests are HTTP, that is looked at, and not the port.
    if has_buffer && to == "$HTTP_PORTS" {
        return Ok(Vec::new());
    }
    if rule.is_both && (from == "any" || to == "any") {
        return Ok(Vec::new());
    }
    let both = format!("[{from},{to}]");
    let text = if rule.is_both { &both } else { to };
    match ports(text) {
        // What is found at all of them is more, and not less.
        Err(_) if text.contains('$') => {
            losses.push(format!("for all ports, not {text} only"));
            Ok(Vec::new())
        }
        ports if rule.is_both => {
            // One of them is the client's.
            losses.push("whichever side has which port".to_owned());
            // In a list what is behind `!` is taken from all.
            if text.contains('!') {
                return Ok(Vec::new());
            }
            ports
        }
        ports => ports,
    }
}

/// Whether ports are none that the kernel gives to clients.
fn is_of_servers(ports: &Ports) -> bool {
    ports.ends().is_some_and(|(_, last)| last < EPHEMERAL)
}

/// Whether a flow is that of answers.
fn is_of_answers(flow: &str) -> bool {
    let mut words = flow.split(',').map(str::trim);
    words.any(|word| matches!(word, "to_client" | "from_server"))
}

/// Whether an option belongs to the content before it.
fn is_modifier(name: &str) -> bool {
    let is_buffer = Buffer::of(name).is_some() && !Buffer::is_sticky(name) && name != "uricontent";
    is_buffer || MODIFIERS.contains(&name)
}

/// The options that belong to a content, of those behind it; `isdataat` may stand between them.
fn modifiers(rest: &[Choice]) -> Vec<(&str, &str)> {
    let own = rest
        .iter()
        .take_while(|next| is_modifier(&next.name) || next.name == "isdataat");
    own.filter_map(|next| match next.name.as_str() {
        "isdataat" => is_end(&next.value).then_some((LAST, "")),
        name => Some((name, next.value.as_str())),
    })
    .collect()
}

/// Whether an `isdataat` says that nothing follows.
fn is_end(value: &str) -> bool {
    let words: Vec<&str> = value.split(',').map(str::trim).collect();
    matches!(words[..], ["!1", "relative"])
}

/// So many bytes have to follow, or must not.
fn data_at(value: &str, sticky: Buffer, pieces: &mut Vec<Piece>) -> Result<(), String> {
    let mut words = value.split(',').map(str::trim);
    let count = words.next().unwrap_or_default();
    let is_relative = words.any(|word| word == "relative");
    let (is_absent, count) = match count.strip_prefix('!') {
        Some(count) => (true, count),
        None => (false, count),
    };
    let before = pieces.iter_mut().rev().find(|piece| piece.is_cursor);
    let before = before.filter(|_| is_relative);
    if let Some(piece) = before.filter(|piece| is_end(value) || piece.is_absent) {
        // The same as endswith, also for what must not be there.
        let end = piece.buffer.end().filter(|_| is_end(value));
        let end = end.ok_or("wants bytes to be missing (isdataat)")?;
        piece.text.push_str(end);
        piece.field = None;
        return Ok(());
    }
    let count: u32 = count.parse().map_err(|_| "isdataat without a number")?;
    if count > MAX_GAP {
        return Err(format!("wants {count} bytes to follow (isdataat)"));
    }
    let buffer = pieces.last().map_or(sticky, |piece| piece.buffer);
    let end = buffer.end();
    let mut before = pieces.iter_mut().rev();
    let before = before.find(|piece| piece.follows(buffer));
    if let Some(piece) = before.filter(|_| is_relative && !is_absent) {
        // What follows counts from where it did.
        piece.follow = piece.follow.max(count);
        return Ok(());
    }
    let text = match (is_absent, end) {
        // From the beginning the byte at that place has to be there.
        (false, _) => {
            let count = count.saturating_add(1);
            within(buffer, any((count, Some(count)))?)
        }
        (true, _) if buffer == Buffer::Query && count != 1 => {
            return Err("wants a name to end soon (isdataat)".to_owned());
        }
        (true, Some(end)) => {
            let most = if is_relative {
                count.saturating_sub(1)
            } else {
                count
            };
            format!("{}{end}", any((0, Some(most)))?)
        }
        (true, None) => return Err("wants bytes to be missing (isdataat)".to_owned()),
    };
    pieces.push(Piece {
        is_relative,
        is_cursor: is_relative,
        ..Piece::new(text, if is_relative { buffer } else { sticky })
    });
    Ok(())
}

/// A test of bytes: behind the piece before it, or at a place of the buffer.
fn test(value: &str, sticky: Buffer, pieces: &mut Vec<Piece>) -> Result<(), String> {
    let (test, is_relative) = Test::parse(value)?;
    let buffer = pieces.last().map_or(sticky, |piece| piece.buffer);
    let mut before = pieces.iter_mut().rev();
    let before = before.find(|piece| piece.follows(buffer));
    match before {
        Some(piece) if is_relative => piece.tests.push(test),
        _ => pieces.push(Piece {
            len: Some(0),
            tests: vec![test],
            ..Piece::new(String::new(), if is_relative { buffer } else { sticky })
        }),
    }
    Ok(())
}

/// Takes tests at a place of a buffer into the row that begins at a place of it: so there is more to find it by.
fn joined(rows: Vec<Vec<Piece>>) -> Vec<Vec<Piece>> {
    let is_start = |piece: &Piece| piece.text.is_empty() && piece.len == Some(0);
    let is_test = |row: &Vec<Piece>| row.len() == 1 && is_start(&row[0]);
    let (tests, mut rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_test);
    for mut alone in tests.into_iter().flatten() {
        let exact = rows.iter_mut().find(|row| {
            let head = &row[0];
            head.buffer == alone.buffer && !head.is_absent && head.gap.1 == Some(head.gap.0)
        });
        let Some(row) = exact else {
            rows.push(vec![alone]);
            continue;
        };
        if !is_start(&row[0]) {
            // What it begins with is nothing, with no tests yet.
            let mut start = alone.clone();
            start.tests.clear();
            row[0].is_relative = true;
            row.insert(0, start);
        }
        let (place, len) = row.get(1).map_or((0, None), |head| (head.gap.0, head.len));
        for mut test in alone.tests.drain(..) {
            let behind = len.and_then(|len| test.at.checked_sub(place.saturating_add(len)));
            match (row.get_mut(1), behind) {
                (Some(head), Some(at)) => {
                    test.at = at;
                    head.tests.push(test);
                }
                _ => row[0].tests.push(test),
            }
        }
    }
    rows
}

/// A buffer of so many bytes: `5`, `<5`, `>5`, `5<>9`.
fn length(value: &str, buffer: Buffer) -> Result<Piece, String> {
    let mut words = value.split(',').map(str::trim);
    let range = words.next().unwrap_or_default();
    let buffer = match words.next() {
        Some("raw") => Buffer::Scope(Scope::RawUri),
        _ => buffer,
    };
    let number = |text: &str| -> Result<u32, String> {
        let number = text.trim().parse();
        number.map_err(|_| format!("a length that is no number ({value})"))
    };
    let (least, most) = if let Some((least, most)) = range.split_once("<>") {
        let (least, most) = (number(least)?, number(most)?);
        (least.saturating_add(1), Some(most.saturating_sub(1)))
    } else if let Some(least) = range.strip_prefix('>') {
        (number(least)?.saturating_add(1), None)
    } else if let Some(most) = range.strip_prefix('<') {
        (0, Some(number(most)?.saturating_sub(1)))
    } else {
        (number(range)?, Some(number(range)?))
    };
    if matches!(buffer, Buffer::Names | Buffer::Query) {
        return Err("wants names of a length".to_owned());
    }
    let text = match (most, buffer.end()) {
        (None, _) => any((least, Some(least)))?,
        (Some(_), Some(end)) => format!("{}{end}", any((least, most))?),
        (Some(_), None) => return Err("wants a buffer to end (bsize)".to_owned()),
    };
    Ok(Piece::new(text, buffer))
}

/// The parts that pieces make: what is relative follows the last piece of the same buffer. With `is_datagram` they are
/// looked for in datagrams only.
fn rows(
    pieces: Vec<Piece>,
    is_datagram: bool,
    losses: &mut Vec<String>,
) -> Result<Vec<Part>, String> {
    let mut rows: Vec<Vec<Piece>> = Vec::new();
    for piece in pieces {
        if !piece.is_relative {
            rows.push(vec![piece]);
            continue;
        }
        if piece.is_absent {
            return Err("says what must not follow (content:!)".to_owned());
        }
        let mut before = rows.iter_mut().rev();
        match before.find(|row| row[0].follows(piece.buffer)) {
            Some(row) => row.push(piece),
            // Relative to nothing is relative to the beginning.
            None => rows.push(vec![piece]),
        }
    }
    let mut parts: Vec<Part> = Vec::new();
    for row in joined(rows) {
        let scope = row[0].buffer.scope();
        if scope == Scope::Stream {
            if row[0].is_absent {
                return Err("says what must not be in a stream (content:!)".to_owned());
            }
            if row[0].buffer == Buffer::Query && row[0].text.starts_with('^') {
                losses.push("over TCP in the first query only".to_owned());
            }
            // A datagram begins with itself.
            if row[0].gap != ANYWHERE && !is_datagram {
                losses.push("a place counts from the beginning of the stream only".to_owned());
            }
        }
        let (scope, pattern) = match &row[..] {
            // A value is found by more than a name that each request has.
            [Piece {
                field: Some((name, value)),
                tests,
                follow: 0,
                ..
            }] if tests.is_empty() => (format!("http.header.{name}"), value.clone()),
            row => (row[0].buffer.name(), text_of(row)?),
        };
        let part = Part {
            scope,
            pattern,
            absent: row[0].is_absent,
        };
        if !parts.contains(&part) {
            parts.push(part);
        }
        // Bytes that have to follow, and more than what follows anyway.
        for (at, piece) in row.iter().enumerate() {
            let rest = row.iter().skip(at + 1);
            let least = rest.map(|next| next.gap.0.saturating_add(next.len.unwrap_or(0)));
            if at + 1 < row.len() && least.fold(0, u32::saturating_add) < piece.follow {
                parts.push(Part {
                    scope: row[0].buffer.name(),
                    pattern: text_of(&row[..=at])?,
                    absent: false,
                });
            }
        }
    }
    Ok(parts)
}

/// Any bytes of a buffer: those of a name are not 0.
fn within(buffer: Buffer, any: String) -> String {
    match buffer {
        Buffer::Query => any.replace("(?s:.", "(?:[^\\x00]"),
        _ => any,
    }
}

/// A row of pieces.
fn text_of(row: &[Piece]) -> Result<String, String> {
    let mut text = String::new();
    // Bytes behind the last piece that its tests have taken.
    let mut taken = 0;
    for (at, piece) in row.iter().enumerate() {
        if at == 0 && piece.gap != ANYWHERE {
            text.push('^');
        }
        if at > 0 || piece.gap != ANYWHERE {
            let less = |n: u32| n.checked_sub(taken);
            let (least, most) = (less(piece.gap.0), piece.gap.1.map(less));
            let gap = least.zip(most.map_or(Some(None), |most| most.map(Some)));
            let gap = gap.ok_or("tests bytes that something else may be in (byte_test)")?;
            text.push_str(&within(piece.buffer, any(gap)?));
        }
        text.push_str(&piece.text);
        let (tests, end) = byte_test::text(&piece.tests)?;
        text.push_str(&tests);
        taken = end;
        if at + 1 == row.len() && piece.follow > taken {
            let more = piece.follow.saturating_sub(taken);
            text.push_str(&within(piece.buffer, any((more, Some(more)))?));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(options: &str) -> Result<Taken, String> {
        let text = format!("alert http any any -> any any ({options} sid:1;)");
        pattern(&Rule::parse(&text).expect("a rule"))
    }

    /// The parts, as `in: pattern`, with `!` before what must not be there.
    fn parts(options: &str) -> Vec<String> {
        let taken = of(options).expect(options);
        let text = |part: &Part| {
            let sign = if part.absent { "!" } else { "" };
            format!("{sign}{}: {}", part.scope, part.pattern)
        };
        taken.parts.iter().map(text).collect()
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
            ("content:\"ab\"; pcre:\"/^c+d/R\";", "ab(?:c+d)"),
        ] {
            let all = [format!("stream: {want}"), "http.method: ^(?s:.)".to_owned()];
            assert_eq!(parts(options), all, "{options}");
        }
    }

    #[test]
    fn parts_of_a_request_are_parts_of_the_signature() {
        for (options, want) in [
            (
                "content:\"POST\"; http_method; content:\"agent\"; http_user_agent; \
                 content:\"/x.php\"; http_uri; depth:6;",
                &[
                    "http.method: POST",
                    "http.header.user-agent: agent",
                    "http.uri: ^/x\\.php",
                ][..],
            ),
            (
                "http.uri; content:\"one\"; content:\"two\"; http.header; content:!\"h\";",
                &["http.uri: one", "http.uri: two", "!http.header: h"],
            ),
            (
                "content:\"a\"; http_uri; content:\"b\"; distance:1; http_uri;",
                &["http.uri: a(?s:.{1,})b"],
            ),
            (
                "uricontent:\"abc\"; urilen:<9;",
                &["http.uri: abc", "http.uri: ^(?s:.{0,8})$"],
            ),
            ("http.uri; content:\"/x\"; endswith;", &["http.uri: /x$"]),
            (
                "content:\"bot\"; http_user_agent; isdataat:!1,relative;",
                &["http.header.user-agent: bot$"],
            ),
            (
                "content:\"bot\"; http_user_agent; content:!\"a.b\"; http_cookie; isdataat:!1,relative;",
                &["http.header.user-agent: bot", "!http.header.cookie: a\\.b$"],
            ),
            (
                "pcre:\"/^Host: a$/Hm\";",
                &["http.header.host: ^(?:a)$"],
            ),
            ("pcre:\"/\\.php$/Ui\";", &["http.uri: (?i:\\.php$)"]),
            (
                "http.host; content:\"a.b\"; endswith;",
                &["http.header.host: (?i:a\\.b)(?::[0-9]*)?$"],
            ),
            (
                "http.uri; content:\"/x\"; http.header_names; content:!\"|0d 0a|Referer|0d 0a|\";",
                &[
                    "http.uri: /x",
                    "!http.header: (?:^|\\n)Referer[ \\t]*:",
                ],
            ),
            (
                "http.header; content:\"agent|3a 20|x\";",
                &["http.header: agent:[ \\t]*x"],
            ),
            (
                "http.header; content:\"User-Agent|3a 20|x (y)|0d 0a|\"; nocase; content:!\"|0d 0a|Host|3a| z\";",
                &["http.header.user-agent: ^(?i:x \\(y\\))$", "!http.header: \\x0d?\\x0aHost:[ \\t]*z"],
            ),
            (
                "http.header; content:\"Host|3a 20|\"; content:\"x\"; distance:2;",
                &["http.header: Host:[ \\t]*(?s:.{2,})x"],
            ),
        ] {
            assert_eq!(parts(options), want, "{options}");
            assert_eq!(of(options).expect(options).losses, Vec::<String>::new());
        }
    }

    #[test]
    fn bytes_that_follow_take_no_place() {
        for (options, want) in [
            (
                "content:\"abcd\"; isdataat:78,relative; pcre:\"/^=[^\\n]{78}/R\";",
                &["abcd(?:=[^\\n]{78})", "abcd(?s:.{78})"][..],
            ),
            (
                "content:\"abcd\"; isdataat:3,relative; content:\"efg\"; distance:0;",
                &["abcd(?s:.*)efg"],
            ),
        ] {
            let text = format!("alert tcp any any -> any 53 ({options} sid:1;)");
            let taken = pattern(&Rule::parse(&text).expect("a rule")).expect(options);
            let parts: Vec<_> = taken.parts.iter().map(|part| &*part.pattern).collect();
            assert_eq!(parts, want, "{options}");
        }
    }

    #[test]
    fn what_is_relative_counts_from_a_content() {
        for (options, want) in [
            (
                "content:\"abcd\"; byte_test:1,=,7,0; content:\"efgh\"; distance:1; within:9;",
                &["abcd(?s:.{1,6})efgh", "^\\x07"][..],
            ),
            (
                "content:\"abcd\"; isdataat:5; content:\"efgh\"; distance:1;",
                &["abcd(?s:.{1,})efgh", "^(?s:.{6})"],
            ),
        ] {
            let text = format!("alert udp any any -> any 53 ({options} sid:1;)");
            let taken = pattern(&Rule::parse(&text).expect("a rule")).expect(options);
            let parts: Vec<_> = taken.parts.iter().map(|part| &*part.pattern).collect();
            assert_eq!(parts, want, "{options}");
        }
        for (options, want) in [
            (
                "http.uri; content:\"/abcd\"; urilen:>2; isdataat:!1,relative;",
                &["http.uri: /abcd$", "http.uri: ^(?s:.{3})"][..],
            ),
            (
                "http.uri; content:\"/evil.php\"; bsize:14; content:\"abcd\"; distance:1;",
                &[
                    "http.uri: /evil\\.php(?s:.{1,})abcd",
                    "http.uri: ^(?s:.{14})$",
                ],
            ),
            (
                "http.uri; content:\"/abcd\"; isdataat:!10;",
                &["http.uri: /abcd", "http.uri: ^(?s:.{0,10})$"],
            ),
        ] {
            assert_eq!(parts(options), want, "{options}");
        }
    }

    #[test]
    fn tests_of_bytes_stand_where_they_look() {
        for (options, want) in [
            (
                "content:\"abcd\"; byte_test:1,>,250,2,relative;",
                Ok("abcd(?s:.{2})[\\xfb-\\xff]"),
            ),
            (
                "content:\"abcd\"; byte_test:1,>,250,0,relative; content:\"e\"; distance:3; within:1;",
                Ok("abcd[\\xfb-\\xff](?s:.{2})e"),
            ),
            (
                "content:\"bcd\"; offset:1; depth:3; byte_test:1,!&,0x7f,0; byte_test:1,=,7,6;",
                Ok("^[\\x00\\x80]bcd(?s:.{2})\\x07"),
            ),
            (
                "byte_test:1,=,7,0; content:\"abcd\"; offset:2; depth:4; content:\"e\"; distance:0;",
                Ok("^\\x07(?s:.{1})abcd(?s:.*)e"),
            ),
            ("byte_test:1,=,7,1; byte_test:1,=,8,0;", Ok("^\\x08\\x07")),
            (
                "content:\"abcd\"; byte_test:1,>,250,0,relative; content:\"e\"; distance:0;",
                Err("tests bytes that something else may be in (byte_test)"),
            ),
            (
                "content:\"bcd\"; offset:1; depth:3; byte_test:2,=,1,0;",
                Err("tests bytes that something else may be in (byte_test)"),
            ),
        ] {
            let text = format!("alert udp any any -> any 53 ({options} sid:1;)");
            let taken = pattern(&Rule::parse(&text).expect("a rule"));
            let taken = taken.map(|taken| taken.parts[0].pattern.clone());
            assert_eq!(taken.as_deref().map_err(|why| &**why), want, "{options}");
        }
    }

    #[test]
    fn names_are_looked_for_as_queries_have_them() {
        let of = |head: &str, options: &str| {
            let text = format!("alert {head} ({options} sid:1;)");
            pattern(&Rule::parse(&text).expect("a rule"))
        };
        for (options, want) in [
            (
                "dns.query; content:\"a.bc.\"; nocase;",
                "(?i:a\\x02bc[\\x01-\\x3f])",
            ),
            (
                "dns_query; content:\".cz.cc\"; isdataat:!1,relative;",
                "[^\\x00-\\x20]\\x02cz\\x02cc\\x00",
            ),
            (
                "dns_query; content:\".pw\"; isdataat:!1,relative; nocase;",
                "(?i:[^\\x00-\\x20]\\x02pw)\\x00",
            ),
            (
                "dns.query; content:\"evil.pw\"; endswith;",
                "evil\\x02pw\\x00",
            ),
            (
                "dns.query; content:\"ab.com\"; startswith;",
                "^(?s:.{12}(?:..)?)[\\x01-\\x3f]ab[\\x03-\\x3f]com",
            ),
            (
                "dns.query; content:\"ab\"; content:\"cd\"; distance:0; isdataat:9,relative;",
                "ab(?:[^\\x00]*)cd(?:[^\\x00]{9})",
            ),
        ] {
            let taken = of("dns $HOME_NET any -> any any", options).expect(options);
            let text: Vec<_> = taken.parts.iter().map(|part| &*part.pattern).collect();
            assert_eq!(text, [want], "{options}");
            assert_eq!(
                (taken.ports, taken.protocol),
                (vec![Ports::new(53, 53)], None)
            );
            // Over TCP a name at the beginning is that of the first query.
            let lost = usize::from(options.contains("startswith"));
            assert_eq!(taken.losses.len(), lost, "{options}");
        }
        assert!(of(
            "dns any any -> any any",
            "dns.query; content:\"ab\"; offset:3;"
        )
        .is_err());
        // Without a name it may be an answer.
        let taken = of("dns any any -> any any", "content:\"abcd\";").expect("a pattern");
        assert_eq!((taken.ports.len(), taken.losses.len()), (0, 2));
    }

    #[test]
    fn a_place_in_a_datagram_is_one() {
        for (head, lost) in [("udp any any -> any 53", 0), ("tcp any any -> any 53", 1)] {
            let text = format!("alert {head} (content:\"abcd\"; offset:2; depth:9; sid:1;)");
            let taken = pattern(&Rule::parse(&text).expect("a rule")).expect("a pattern");
            assert_eq!(taken.losses.len(), lost, "{head}");
        }
    }

    #[test]
    fn what_is_lost_is_said() {
        for (options, want) in [
            ("http.uri; content:\"ab\"; dsize:>5;", "without dsize"),
            (
                "http.uri; content:\"ab\"; flowbits:set,x;",
                "sets nothing for other rules (flowbits)",
            ),
            (
                "http.uri; content:\"ab\"; threshold:type limit, track by_flow, count 1, seconds 60;",
                "told each time (threshold)",
            ),
        ] {
            assert_eq!(of(options).expect(options).losses, [want], "{options}");
        }
        let placed = of("content:\"ab\"; offset:2; depth:4;").expect("a pattern");
        assert_eq!(placed.parts[0].pattern, "^(?s:.{2,4})ab");
    }

    #[test]
    fn a_head_says_for_which_ports_it_is() {
        for (head, want) in [
            ("tcp any any -> any any", "Some(Tcp) [] 1"),
            ("tcp any any -> any 21", "Some(Tcp) [One(21)] 0"),
            (
                "udp any any -> any [53,5353]",
                "Some(Udp) [One(53), One(5353)] 0",
            ),
            (
                "ip any any -> any !80",
                "None [Range(\"1-79\"), Range(\"81-65535\")] 1",
            ),
            (
                "tcp any any -> any 1024:",
                "Some(Tcp) [Range(\"1024-65535\")] 1",
            ),
            ("tcp any any <> any 21", "Some(Tcp) [] 1"),
            ("tcp any 80 <> any 8080", "Some(Tcp) [One(80), One(8080)] 2"),
            ("tcp any !80 <> any 8080", "Some(Tcp) [] 2"),
            ("http any any -> any any", "None [] 1"),
            ("http any any -> any 80", "None [One(80)] 0"),
            ("dns any any -> any 53", "None [One(53)] 1"),
            ("tcp any any -> any $MINE", "Some(Tcp) [] 2"),
            ("tcp any 9 -> any 21", "Some(Tcp) [One(21)] 1"),
        ] {
            let rule = Rule::parse(&format!("alert {head} (content:\"ab\"; sid:1;)")).expect(head);
            let taken = pattern(&rule).expect(head);
            let got = format!(
                "{:?} {:?} {}",
                taken.protocol,
                taken.ports,
                taken.losses.len()
            );
            assert_eq!(got, want, "{head}");
        }
        let rule = "alert tcp any any -> any $HTTP_PORTS (http.uri; content:\"/x\"; sid:1;)";
        let taken = pattern(&Rule::parse(rule).expect("a rule")).expect("parts");
        assert_eq!(
            (taken.protocol, taken.ports, taken.losses.len()),
            (None, vec![], 0)
        );
        for head in ["tcp any any -> any 0", "http2 any any -> any any"] {
            let rule = format!("alert {head} (content:\"ab\"; sid:1;)");
            let rule = Rule::parse(&rule).expect(head);
            assert!(pattern(&rule).is_err(), "{head}");
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
            ("pcre:\"/ab$/\";", "looks at the end (pcre, $)"),
            (
                "content:!\"ab\";",
                "says what must not be in a stream (content:!)",
            ),
            (
                "http.uri; content:!\"ab\";",
                "looks only for what must not be there",
            ),
            (
                "http.uri; content:\"ab\"; content:!\"cd\"; distance:0;",
                "says what must not follow (content:!)",
            ),
            (
                "pcre:\"/ab/Q\";",
                "looks into a part of the protocol (pcre, Q)",
            ),
            (
                "pcre:\"/ab(?:^|c)/m\";",
                "looks at the beginning of a line (pcre, m)",
            ),
            (
                "content:\"ab\"; content:\"cd\"; distance:-3;",
                "looks backwards (distance)",
            ),
            (
                "content:\"ab\"; byte_jump:1,3;",
                "cannot be said (byte_jump)",
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
        ] {
            assert_eq!(of(options).expect_err(options), want);
        }
    }
}
