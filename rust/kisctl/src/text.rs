// SPDX-License-Identifier: GPL-2.0

//! Numbers, times and bytes as text.

use std::fmt::Write;

/// Nanoseconds of a second.
const SECOND_NS: u64 = 1_000_000_000;

/// Nanoseconds since 1970 as an RFC 3339 time in UTC with all digits.
pub fn rfc3339(wall_ns: u64) -> String {
    let (seconds, ns) = (wall_ns / SECOND_NS, wall_ns % SECOND_NS);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{ns:09}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

/// [`rfc3339`] with milliseconds: enough for a person who watches.
pub fn clock(wall_ns: u64) -> String {
    format!("{}Z", &rfc3339(wall_ns)[..23])
}

/// Year, month and day of a number of days since 1970 (Hinnant, "chrono-compatible low-level date
/// algorithms"): the year begins in March, so that the leap day is its last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

/// A number with 16 fractional bits, with two decimals.
pub fn q16(value: u64) -> String {
    let hundredths = (u128::from(value) * 100 + (1 << 15)) >> 16;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// A number with 16 fractional bits as a float, for JSON.
pub fn q16_f64(value: u64) -> f64 {
    // CAST: a float is what JSON readers get anyway; 53 bits are enough for any parameter.
    (value as f64 * 1000.0 / 65536.0).round() / 1000.0
}

/// Milliseconds, short.
pub fn duration_ms(ms: u64) -> String {
    match ms {
        0..=999 => format!("{ms} ms"),
        1_000..=59_999 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        60_000..=3_599_999 => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
        3_600_000..=86_399_999 => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
        _ => format!("{} d {} h", ms / 86_400_000, ms / 3_600_000 % 24),
    }
}

/// How long something was counted, in the largest unit that it is a whole number of.
///
/// # Examples
///
/// ```
/// use kisctl::text::span_ms;
///
/// assert_eq!([1500, 30_000, 600_000].map(span_ms), ["1500 ms", "30 s", "10 min"]);
/// ```
pub fn span_ms(ms: u64) -> String {
    match ms {
        0 => "0 ms".to_owned(),
        _ if ms % 60_000 == 0 => format!("{} min", ms / 60_000),
        _ if ms % 1000 == 0 => format!("{} s", ms / 1000),
        _ => format!("{ms} ms"),
    }
}

/// A count of bytes, short.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (count, 0);
    while value >= 10_240 && unit + 1 < UNITS.len() {
        value /= 1024;
        unit += 1;
    }
    format!("{value} {}", UNITS[unit])
}

/// Bytes as printable ASCII: the others as `\xNN`, or as `\n`, `\r`, `\t`.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'\\' => text.push_str("\\\\"),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text
}

/// A name that came from outside: UTF-8 as it is, control characters and all else escaped.
pub fn name(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// The name of an item: as [`name`], and a backslash is two, so that [`unescaped`] leads back.
pub fn escaped(bytes: &[u8]) -> String {
    let parts = bytes.split(|byte| *byte == b'\\').map(name);
    parts.collect::<Vec<_>>().join("\\\\")
}

/// What [`escaped`] made, as it was; `None` where a backslash stands for nothing.
pub fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let (kind, behind) = rest.split_first()?;
        rest = behind;
        match kind {
            b'\\' => bytes.push(b'\\'),
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'x' => {
                let (hex, behind) = rest.split_at_checked(2)?;
                rest = behind;
                bytes.push(u8::try_from(number(hex)?).ok()?);
            }
            b'u' => {
                let end = rest.iter().position(|byte| *byte == b'}')?;
                let (hex, behind) = rest.split_at_checked(end)?;
                rest = behind.get(1..)?;
                let c = char::from_u32(number(hex.strip_prefix(b"{")?)?)?;
                bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return None,
        }
    }
    Some(bytes)
}

/// A hexadecimal number.
fn number(hex: &[u8]) -> Option<u32> {
    let is_hex = hex.iter().all(u8::is_ascii_hexdigit);
    let hex = std::str::from_utf8(hex).ok().filter(|_| is_hex)?;
    u32::from_str_radix(hex, 16).ok()
}

/// Bytes in base64 with padding (RFC 4648, section 4).
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_u32, |group, byte| (group << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            if at <= chunk.len() {
                // CAST: six bits.
                let six = (group >> (18 - 6 * at)) as usize & 63;
                text.push(char::from(ALPHABET[six]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

/// `kis-core`'s names in files and JSON: one alphabet, words joined by `_`.
pub fn word(name: &str) -> String {
    name.replace('-', "_")
}

/// `1 cell`, `2 cells`.
pub fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_knows_leap_years() {
        for (ns, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400 * SECOND_NS, "2000-02-29T00:00:00.000000000Z"),
            (
                1_709_251_199 * SECOND_NS + 5,
                "2024-02-29T23:59:59.000000005Z",
            ),
            (4_107_542_400 * SECOND_NS, "2100-03-01T00:00:00.000000000Z"),
            (1_700_000_000 * SECOND_NS, "2023-11-14T22:13:20.000000000Z"),
        ] {
            assert_eq!(rfc3339(ns), text);
        }
        assert_eq!(clock(1_700_000_000_123_456_789), "2023-11-14T22:13:20.123Z");
        // The largest number a record can hold must not panic.
        assert!(rfc3339(u64::MAX).ends_with('Z'));
    }

    #[test]
    fn q16_rounds() {
        for (value, text) in [
            (0, "0.00"),
            (1 << 16, "1.00"),
            (3 << 15, "1.50"),
            (u64::MAX, "281474976710656.00"),
        ] {
            assert_eq!(q16(value), text);
        }
    }

    #[test]
    fn base64_pads() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn printable_escapes_what_a_terminal_would_obey() {
        assert_eq!(printable(b"a\x1b[2J\r\n\\\xff"), "a\\x1b[2J\\r\\n\\\\\\xff");
        assert_eq!(
            name("d\u{e9}j\u{e0}\x1b[2J".as_bytes()),
            "d\u{e9}j\u{e0}\\u{1b}[2J"
        );
    }

    #[test]
    fn names_are_escaped_so_that_they_can_be_given_back() {
        for (bytes, text) in [
            (&b"/srv/a b"[..], "/srv/a b"),
            (b"/a\nb\t\r", "/a\\nb\\t\\r"),
            (b"/\xc3\xa9/\xff\xc3", "/\u{e9}/\\xff\\xc3"),
            (b"\\x41\\", "\\\\x41\\\\"),
            (b"\x1b[2J\0", "\\u{1b}[2J\\u{0}"),
            (b"", ""),
        ] {
            assert_eq!(escaped(bytes), text);
            assert_eq!(unescaped(text.as_bytes()).as_deref(), Some(bytes));
        }
        assert_eq!(name(b"a\\\xff"), "a\\\\xff");
        for bad in [
            "\\",
            "\\q",
            "\\x4",
            "\\x+1",
            "\\u{110000}",
            "\\u{1",
            "\\u1b}",
        ] {
            assert_eq!(unescaped(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn durations_and_bytes_stay_short() {
        assert_eq!(duration_ms(999), "999 ms");
        assert_eq!(duration_ms(1_250), "1.2 s");
        assert_eq!(duration_ms(61_000), "1 min 1 s");
        assert_eq!(duration_ms(90_000_000), "1 d 1 h");
        assert_eq!(bytes(10_239), "10239 B");
        assert_eq!(bytes(500_000), "488 KiB");
    }
}
