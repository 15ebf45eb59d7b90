// SPDX-License-Identifier: GPL-2.0

//! The option `byte_test` of rules, as classes of bytes (Suricata User Guide, "Payload Keywords").
//!
//! A number of a few bytes that is compared with another one is one of a few rows of classes: it is greater than 0x0203
//! if its first byte is above 2, or is 2 and the second one above 3. A test takes no bytes: what follows counts from
//! where the content before it has ended.

use super::gap::any;
use std::fmt::Write;

/// Most bytes of a number.
const MAX_BYTES: usize = 4;

/// Which values a byte may have.
type Class = [bool; 256];

/// Any value.
const ANY: Class = [true; 256];

/// Bytes at a place that have to have some values.
#[derive(Clone, Debug)]
pub struct Test {
    /// How far behind the cursor they begin.
    pub at: u32,
    /// Rows of classes, all of the same length; it is one of them.
    ways: Vec<Vec<Class>>,
}

impl Test {
    /// A test, and whether it counts from the content before it.
    ///
    /// # Errors
    ///
    /// What cannot be said of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use kisctl::import::byte_test::{text, Test};
    ///
    /// let (test, is_relative) = Test::parse("2,>,0x0203,1,relative")?;
    /// assert!(is_relative);
    /// assert_eq!(text(&[test])?, (r"(?s:.{1})(?:[\x03-\xff][\x00-\xff]|\x02[\x04-\xff])".to_owned(), 3));
    /// # Ok::<(), String>(())
    /// ```
    pub fn parse(value: &str) -> Result<(Self, bool), String> {
        let no = |what: &str| format!("cannot be said (byte_test, {what})");
        let mut words = value.split(',').map(str::trim);
        let mut next = || words.next().filter(|word| !word.is_empty());
        let (bytes, sign) = (next(), next());
        let (number, at) = (next(), next());
        let bytes: usize = bytes
            .and_then(|word| word.parse().ok())
            .filter(|bytes| (1..=MAX_BYTES).contains(bytes))
            .ok_or_else(|| no("its number of bytes"))?;
        let number = number.and_then(|word| match word.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok(),
            // Octal, or a slip.
            None if word.len() > 1 && word.starts_with('0') => None,
            None => word.parse().ok(),
        });
        let number = number.ok_or_else(|| no("its number"))?;
        let at: i64 = at
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| no("its place"))?;
        let at = u32::try_from(at).map_err(|_| no("backwards"))?;
        let (mut is_relative, mut is_little) = (false, false);
        for word in words {
            match word {
                "relative" => is_relative = true,
                "little" => is_little = true,
                "big" => is_little = false,
                other => return Err(no(other)),
            }
        }
        let ways = ways(sign.unwrap_or_default(), number, bytes).ok_or_else(|| no("its sign"))?;
        let in_order = |mut way: Vec<Class>| {
            if is_little {
                way.reverse();
            }
            way
        };
        let ways = ways.into_iter().map(in_order).collect();
        Ok((Self { at, ways }, is_relative))
    }

    /// Behind its last byte.
    pub fn end(&self) -> u32 {
        let len = self.ways.first().map_or(0, Vec::len);
        self.at
            .saturating_add(u32::try_from(len).unwrap_or(u32::MAX))
    }

    /// Both, of the same bytes.
    fn and(&self, other: &Self) -> Self {
        let both = |one: &Vec<Class>, two: &Vec<Class>| -> Vec<Class> {
            let pairs = one.iter().zip(two);
            let class = |(a, b): (&Class, &Class)| std::array::from_fn(|i| a[i] && b[i]);
            pairs.map(class).collect()
        };
        let pairs = self.ways.iter().flat_map(|one| {
            let each = other.ways.iter();
            each.map(move |two| both(one, two))
        });
        let is_possible = |way: &Vec<Class>| way.iter().all(|class| class.contains(&true));
        Self {
            at: self.at,
            ways: pairs.filter(is_possible).collect(),
        }
    }
}

/// The numbers of so many bytes for which a comparison holds, the greatest byte first; `None` for what is no
/// comparison. A number that is too large is compared like any other.
fn ways(sign: &str, number: u64, bytes: usize) -> Option<Vec<Vec<Class>>> {
    let most = (1 << (8 * bytes)) - 1;
    let all = || vec![vec![ANY; bytes]];
    let digit = |at: usize| -> u8 {
        // CAST: one byte.
        (number >> (8 * (bytes - 1 - at))) as u8
    };
    // Equal up to a byte that is in a class.
    let differing = |class: fn(u8, u8) -> bool| -> Vec<Vec<Class>> {
        let way = |at: usize| -> Option<Vec<Class>> {
            let mut way = vec![ANY; bytes];
            for (i, place) in way.iter_mut().enumerate().take(at) {
                *place = of(|byte| byte == digit(i));
            }
            way[at] = of(|byte| class(byte, digit(at)));
            way[at].contains(&true).then_some(way)
        };
        (0..bytes).filter_map(way).collect()
    };
    let equal = || vec![(0..bytes).map(|at| of(|byte| byte == digit(at))).collect()];
    let (is_not, sign) = match sign.strip_prefix('!') {
        Some("") | None => (sign == "!", if sign == "!" { "=" } else { sign }),
        Some(rest) => (true, rest),
    };
    Some(match (sign, is_not) {
        ("<", false) | (">=", true) if number > most => all(),
        ("<", false) | (">=", true) => differing(|byte, digit| byte < digit),
        (">", false) | ("<=", true) if number > most => Vec::new(),
        (">", false) | ("<=", true) => differing(|byte, digit| byte > digit),
        ("<=", false) | (">", true) if number >= most => all(),
        ("<=", false) | (">", true) => [differing(|byte, digit| byte < digit), equal()].concat(),
        (">=", false) | ("<", true) if number > most => Vec::new(),
        (">=", false) | ("<", true) => [differing(|byte, digit| byte > digit), equal()].concat(),
        ("=", false) if number > most => Vec::new(),
        ("=", false) => equal(),
        ("=", true) if number > most => all(),
        ("=", true) => differing(|byte, digit| byte != digit),
        ("&", false) => {
            let way = |at: usize| {
                let mut way = vec![ANY; bytes];
                way[at] = of(|byte| byte & digit(at) != 0);
                way
            };
            let has = |way: &Vec<Class>| way.iter().all(|class| class.contains(&true));
            (0..bytes).map(way).filter(has).collect()
        }
        ("&", true) => {
            vec![(0..bytes)
                .map(|at| of(|byte| byte & digit(at) == 0))
                .collect()]
        }
        _ => return None,
    })
}

/// A class.
fn of(is_in: impl Fn(u8) -> bool) -> Class {
    // CAST: below 256.
    std::array::from_fn(|byte| is_in(byte as u8))
}

/// The regular expression of tests from one cursor on, and how many bytes it takes.
///
/// # Errors
///
/// Where tests overlap, or can never hold.
pub fn text(tests: &[Test]) -> Result<(String, u32), String> {
    let mut sorted: Vec<Test> = tests.to_vec();
    sorted.sort_by_key(|test| (test.at, test.end()));
    let mut merged: Vec<Test> = Vec::new();
    for test in sorted {
        match merged.last_mut() {
            Some(last) if (last.at, last.end()) == (test.at, test.end()) => *last = last.and(&test),
            Some(last) if last.end() > test.at => {
                return Err("has tests of the same bytes (byte_test)".to_owned());
            }
            _ => merged.push(test),
        }
    }
    let (mut text, mut end) = (String::new(), 0);
    for test in &merged {
        if test.ways.is_empty() {
            return Err("can never be (byte_test)".to_owned());
        }
        let gap = test.at.saturating_sub(end);
        text.push_str(&any((gap, Some(gap)))?);
        let ways: Vec<String> = test.ways.iter().map(|way| way_text(way)).collect();
        match &ways[..] {
            [one] => text.push_str(one),
            several => text.push_str(&format!("(?:{})", several.join("|"))),
        }
        end = test.end();
    }
    Ok((text, end))
}

/// Classes in a row.
fn way_text(way: &[Class]) -> String {
    way.iter().map(class_text).collect()
}

/// A class.
fn class_text(class: &Class) -> String {
    let mut ranges: Vec<(u8, u8)> = Vec::new();
    for byte in (0..=u8::MAX).filter(|byte| class[usize::from(*byte)]) {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(byte) => *last = byte,
            _ => ranges.push((byte, byte)),
        }
    }
    if let [(one, same)] = ranges[..] {
        if one == same {
            return format!("\\x{one:02x}");
        }
    }
    let mut text = String::from("[");
    for (first, last) in ranges {
        // Writing to a string does not fail.
        let _ = write!(text, "\\x{first:02x}");
        if first != last {
            let _ = write!(text, "-\\x{last:02x}");
        }
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a number passes, by its definition.
    fn holds(sign: &str, value: u64, number: u64) -> bool {
        let (is_not, sign) = match sign {
            "!" | "!=" => (true, "="),
            sign => match sign.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, sign),
            },
        };
        let is = match sign {
            "<" => value < number,
            ">" => value > number,
            "<=" => value <= number,
            ">=" => value >= number,
            "=" => value == number,
            "&" => value & number != 0,
            other => panic!("{other}"),
        };
        is != is_not
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let signs = ["<", ">", "<=", ">=", "=", "&"];
        let numbers = [0, 1, 2, 127, 255, 256, 258, 515, 0xfffe, 0xffff, 0x1_0000];
        for sign in signs
            .iter()
            .flat_map(|sign| [(*sign).to_owned(), format!("!{sign}")])
        {
            for number in numbers {
                for (bytes, little) in [(1, ""), (2, ""), (2, ",little")] {
                    let value = format!("{bytes},{sign},{number},0{little}");
                    let (test, _) = Test::parse(&value).expect(&value);
                    let max: u64 = if bytes == 1 { 255 } else { 0xffff };
                    for value in (0..=max).filter(|value| value % 7 == 0 || value % 256 > 250) {
                        let wire = value.to_be_bytes();
                        let mut wire = wire[8 - bytes..].to_vec();
                        if !little.is_empty() {
                            wire.reverse();
                        }
                        let fits = |way: &Vec<Class>| {
                            let mut pairs = way.iter().zip(&wire);
                            pairs.all(|(class, byte)| class[usize::from(*byte)])
                        };
                        let passes = test.ways.iter().any(fits);
                        assert_eq!(
                            passes,
                            holds(&sign, value, number),
                            "{value} {sign} {number}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn tests_stand_in_their_order() {
        let of = |values: &[&str]| -> Result<(String, u32), String> {
            let tests = values.iter().map(|value| Ok(Test::parse(value)?.0));
            text(&tests.collect::<Result<Vec<_>, String>>()?)
        };
        for (values, want) in [
            (&["1,&,4,0", "1,!&,0xf9,0"][..], "[\\x04\\x06]"),
            (
                &["1,=,9,3", "1,>,250,1"],
                "(?s:.{1})[\\xfb-\\xff](?s:.{1})\\x09",
            ),
            (&["2,<,256,0"], "\\x00[\\x00-\\xff]"),
            (&["4,=,1,0,little"], "\\x01\\x00\\x00\\x00"),
        ] {
            assert_eq!(of(values).map(|(text, _)| text), Ok(want.to_owned()));
        }
        for values in [
            &["2,<,9,0", "1,=,1,1"][..],
            &["1,=,9,0", "1,=,8,0"],
            &["1,>,256,0"],
        ] {
            assert!(of(values).is_err(), "{values:?}");
        }
    }

    #[test]
    fn what_is_no_test_of_bytes_is_refused() {
        for value in [
            "",
            "0,=,1,0",
            "5,=,1,0",
            "1,=,1",
            "1,^,1,0",
            "1,=,010,0",
            "1,=,name,0",
            "1,=,1,-1,relative",
            "10,>,9,0,relative,string,dec",
            "1,=,1,0,dce",
            "1,=,1,0,bitmask 0x3",
        ] {
            assert!(Test::parse(value).is_err(), "{value}");
        }
    }
}
