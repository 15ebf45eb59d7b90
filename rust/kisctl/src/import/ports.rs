// SPDX-License-Identifier: GPL-2.0

//! The ports of a rule's head.
//!
//! `any`, `80`, `1024:`, `:1023`, `[80,8000:8099,!8080]`, `!80`, and variables, which have the values of the
//! configuration that Suricata comes with (`suricata.yaml`, `vars.port-groups`).

use super::rule::outside;
use crate::signature_file::Ports;
use kis_core::matching::ports::MAX_PORTS;

/// Values of variables.
pub const VARIABLES: [(&str, &str); 11] = [
    ("$HTTP_PORTS", "80"),
    ("$SHELLCODE_PORTS", "!80"),
    ("$ORACLE_PORTS", "1521"),
    ("$SSH_PORTS", "22"),
    ("$DNP3_PORTS", "20000"),
    ("$MODBUS_PORTS", "502"),
    ("$FILE_DATA_PORTS", "[80,110,143]"),
    ("$FTP_PORTS", "21"),
    ("$GENEVE_PORTS", "6081"),
    ("$VXLAN_PORTS", "4789"),
    ("$TEREDO_PORTS", "3544"),
];

/// The ports that a rule is for, rising, none for all; the error says why they cannot be said.
///
/// # Errors
///
/// Ports that are none, a variable that is not known, or too many ranges.
///
/// # Examples
///
/// ```
/// use kisctl::{import::ports::ports, signature_file::Ports};
///
/// assert_eq!(ports("any"), Ok(vec![]));
/// assert_eq!(ports("[80,8000:8010,!8005]"), Ok(vec![Ports::new(80, 80), Ports::new(8000, 8004), Ports::new(8006, 8010)]));
/// assert!(ports("$MY_PORTS").is_err());
/// ```
pub fn ports(text: &str) -> Result<Vec<Ports>, String> {
    let has = set(text, MAX_DEPTH)?;
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for port in (1..=u16::MAX).filter(|port| has[usize::from(*port)]) {
        match ranges.last_mut() {
            Some((_, last)) if *last == port - 1 => *last = port,
            _ => ranges.push((port, port)),
        }
    }
    match ranges.as_slice() {
        [] => Err(format!("is for no port ({text})")),
        [(1, u16::MAX)] => Ok(Vec::new()),
        _ if ranges.len() > MAX_PORTS => {
            Err(format!("is for more than {MAX_PORTS} ranges of ports"))
        }
        _ => Ok(ranges
            .into_iter()
            .map(|(first, last)| Ports::new(first, last))
            .collect()),
    }
}

/// Lists within lists, and negations of negations.
const MAX_DEPTH: usize = 8;

/// Items of a list.
const MAX_ITEMS: usize = 256;

/// Numbers that a port can have.
const ALL: usize = u16::MAX as usize + 1;

/// Whether each port is one of these; so many more may be within it.
fn set(text: &str, depth: usize) -> Result<Vec<bool>, String> {
    let text = text.trim();
    let Some(depth) = depth.checked_sub(1) else {
        return Err("has ports within ports, too deep".to_owned());
    };
    if text == "any" {
        return Ok(vec![true; ALL]);
    }
    if let Some(rest) = text.strip_prefix('!') {
        return Ok(set(rest, depth)?.into_iter().map(|has| !has).collect());
    }
    if text.starts_with('$') {
        let known = VARIABLES.iter().find(|(name, _)| *name == text);
        let (_, value) = known.ok_or(format!("has ports that are not known ({text})"))?;
        return set(value, depth);
    }
    if let Some(inner) = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        return list(inner, depth);
    }
    let wrong = || format!("has ports that are none ({text})");
    let port = |text: &str, other: u16| match text {
        "" => Ok(other),
        text => text.parse::<u16>().map_err(|_| wrong()),
    };
    let (first, last) = match text.split_once(':') {
        Some((first, last)) => (port(first, 0)?, port(last, u16::MAX)?),
        None => (text.parse().map_err(|_| wrong())?, port(text, 0)?),
    };
    if first > last {
        return Err(wrong());
    }
    let mut has = vec![false; ALL];
    has[usize::from(first)..=usize::from(last)].fill(true);
    Ok(has)
}

/// Whether each port is in a list: one of those without `!` (all, if there are none), and none of those with.
fn list(text: &str, depth: usize) -> Result<Vec<bool>, String> {
    let each = outside(text, |c| c == ',').map(str::trim);
    let each: Vec<&str> = each.take(MAX_ITEMS + 1).collect();
    if each.len() > MAX_ITEMS {
        return Err(format!("has more than {MAX_ITEMS} ports in a list"));
    }
    let (without, within): (Vec<&str>, Vec<&str>) =
        each.into_iter().partition(|one| one.starts_with('!'));
    let mut has = vec![within.is_empty(); ALL];
    for one in within {
        let one = set(one, depth)?;
        has.iter_mut().zip(one).for_each(|(has, one)| *has |= one);
    }
    for one in without {
        let one = set(&one[1..], depth)?;
        has.iter_mut().zip(one).for_each(|(has, one)| *has &= !one);
    }
    Ok(has)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_have_ports_in_many_forms() {
        for (text, want) in [
            ("any", "Ok([])"),
            ("1:", "Ok([])"),
            ("21", "Ok([One(21)])"),
            (":1023", "Ok([Range(\"1-1023\")])"),
            ("1024:", "Ok([Range(\"1024-65535\")])"),
            ("!80", "Ok([Range(\"1-79\"), Range(\"81-65535\")])"),
            ("!$HTTP_PORTS", "Ok([Range(\"1-79\"), Range(\"81-65535\")])"),
            ("$ORACLE_PORTS", "Ok([One(1521)])"),
            ("[25, 587]", "Ok([One(25), One(587)])"),
            ("[1:10,![2,4:8]]", "Ok([One(1), One(3), Range(\"9-10\")])"),
            ("[!1:65000]", "Ok([Range(\"65001-65535\")])"),
            ("[$SSH_PORTS,[23,24]]", "Ok([Range(\"22-24\")])"),
            ("$X", "Err(\"has ports that are not known ($X)\")"),
            ("9:8", "Err(\"has ports that are none (9:8)\")"),
            ("99999", "Err(\"has ports that are none (99999)\")"),
            ("[80", "Err(\"has ports that are none ([80)\")"),
            ("!any", "Err(\"is for no port (!any)\")"),
        ] {
            assert_eq!(format!("{:?}", ports(text)), want, "{text}");
        }
        for deep in ["!", "["] {
            assert!(ports(&deep.repeat(100_000)).is_err());
        }
        assert!(ports(&format!("[{}80{}]", "[80,".repeat(50), "]".repeat(50))).is_err());
        let long = vec!["80"; 257].join(",");
        assert!(ports(&format!("[{long}]")).is_err());
        let many: Vec<String> = (1..=33).map(|port| (2 * port).to_string()).collect();
        assert!(ports(&format!("[{}]", many.join(","))).is_err());
        assert_eq!(
            ports(&format!("[{}]", many[1..].join(","))).map(|all| all.len()),
            Ok(32)
        );
    }
}
