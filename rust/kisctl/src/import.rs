// SPDX-License-Identifier: GPL-2.0

//! Rule files of Suricata and Snort as signature files.
//!
//! For each rule it is said what became of it: taken, taken with a loss, or refused. Nothing is taken that
//! would miss what the rule finds, or find something else, without a word.

pub mod buffer;
pub mod byte_test;
pub mod content;
pub mod gap;
pub mod pattern;
pub mod pcre;
pub mod ports;
pub mod rule;
pub mod threshold;

use crate::{
    compile::{
        self,
        Budget, //
    },
    signature_file::{
        Signature,
        SignatureFile, //
    },
    view::field::Field, //
};
use kis_core::{
    matching::scope::Scope,
    wire::abi::{
        MAX_SIGNATURES,
        MESSAGE_LEN, //
    }, //
};
use rule::Rule;
use std::collections::{
    BTreeSet,
    HashSet, //
};

/// What a single pattern may cost where it has no literal: one of many.
const ALONE: Budget = Budget {
    automaton: 1 << 20,
    scratch: 4 << 20,
};

/// Most states of what a rule has without a literal: automata of many rules multiply.
const MAX_STATES: usize = 64;

/// What became of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It finds what it found.
    Exact,
    /// It finds that and more, or less; it is said what.
    Loss,
    /// It is left out.
    Refused,
}

impl Fate {
    /// Name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Loss => "loss",
            Self::Refused => "refused",
        }
    }
}

/// What is said of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its line in the file, from 1.
    pub line: usize,
    /// Its number, if it has one.
    pub sid: Option<u32>,
    /// What became of it.
    pub fate: Fate,
    /// What is lost, or why it is refused.
    pub why: Vec<String>,
}

/// The fields of a line.
pub const FIELDS: &[Field<Line>] = &[
    Field::new("line", |line| line.line.into()),
    Field::new("sid", |line| line.sid.into()),
    Field::new("fate", |line| line.fate.name().into()),
    Field::new("why", |line| line.why.clone().into()),
];

/// A file of rules, taken over.
#[derive(Clone, Debug)]
pub struct Import {
    /// What was taken, rising by id.
    pub file: SignatureFile,
    /// Each rule.
    pub lines: Vec<Line>,
    /// The variables for ports whose values were taken for granted, with these.
    pub variables: BTreeSet<(&'static str, &'static str)>,
}

impl Import {
    /// How many rules had this fate.
    pub fn count(&self, fate: Fate) -> usize {
        self.lines.iter().filter(|line| line.fate == fate).count()
    }
}

/// Takes the rules of a file over. Lines that are empty or begin with `#` are none.
///
/// # Examples
///
/// ```
/// use kisctl::import::{rules, Fate};
///
/// let text = "# one rule\nalert tcp any any -> any any (msg:\"m\"; flow:to_server; content:\"evil\"; sid:7; rev:3;)\n";
/// let import = rules(text);
/// assert_eq!((import.lines[0].line, import.count(Fate::Exact)), (2, 1));
/// assert_eq!((import.file.signatures[0].id, import.file.signatures[0].revision), (7, 3));
/// ```
pub fn rules(text: &str) -> Import {
    let mut signatures: Vec<Signature> = Vec::new();
    let mut known = HashSet::new();
    let mut lines = Vec::new();
    let mut variables = BTreeSet::new();
    for (at, text) in text.lines().enumerate() {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let mut line = Line {
            line: at + 1,
            sid: None,
            fate: Fate::Refused,
            why: Vec::new(),
        };
        match signature(text, &mut line.sid) {
            Ok(_) if signatures.len() >= MAX_SIGNATURES => {
                line.why
                    .push(format!("more than {MAX_SIGNATURES} signatures"));
            }
            Ok((signature, _)) if !known.insert(signature.id) => {
                line.why.push("another rule has its sid".to_owned());
            }
            Ok((signature, losses)) => {
                line.fate = if losses.is_empty() {
                    Fate::Exact
                } else {
                    Fate::Loss
                };
                line.why = losses;
                if !signature.ports.is_empty() {
                    let has = |(name, _): &(&str, &str)| text.contains(name);
                    variables.extend(ports::VARIABLES.into_iter().filter(has));
                }
                signatures.push(signature);
            }
            Err(why) => line.why.push(why),
        }
        lines.push(line);
    }
    signatures.sort_by_key(|signature| signature.id);
    Import {
        file: SignatureFile {
            schema: None,
            version: 1,
            signatures,
        },
        lines,
        variables,
    }
}

/// The signature of a rule, and what is lost; `sid` is its number as soon as that is known.
fn signature(text: &str, sid: &mut Option<u32>) -> Result<(Signature, Vec<String>), String> {
    let rule = Rule::parse(text)?;
    let number = |name: &str| rule.value(name).and_then(|value| value.parse().ok());
    *sid = number("sid").filter(|sid| *sid != 0);
    let id = sid.ok_or("it has no sid")?;
    if !matches!(rule.action.as_str(), "alert" | "drop" | "reject") {
        return Err(format!("it is no alert ({})", rule.action));
    }
    let taken = pattern::pattern(&rule)?;
    let mut losses = taken.losses;
    losses.sort();
    losses.dedup();
    let message = message(rule.value("msg").unwrap_or("no message"));
    // A single pattern of a stream needs no parts.
    let (pattern, parts) = match taken.parts.as_slice() {
        [part] if part.scope == Scope::Stream.name() => (Some(part.pattern.clone()), Vec::new()),
        _ => (None, taken.parts),
    };
    let signature = Signature {
        id,
        revision: number("rev").unwrap_or(1).max(1),
        kind: 2,
        message,
        pattern,
        parts,
        cell: None,
        protocol: taken.protocol,
        ports: taken.ports,
        threshold: taken.threshold,
        ban_s: 0,
    };
    let sought = signature.sought().map_err(|(_, message, _)| message)?;
    let plan = compile::plan(&[sought], ALONE).map_err(|problem| problem.message)?;
    if !plan.unled.is_empty() && plan.table.states() > 1 {
        return Err("has no four fixed bytes near its beginning".to_owned());
    }
    if plan.states() > MAX_STATES {
        return Err("has a part without four fixed bytes that makes many states".to_owned());
    }
    Ok((signature, losses))
}

/// A message without control characters, cut at the end.
fn message(text: &str) -> String {
    let mut message = String::new();
    let text = text
        .replace("\\\"", "\"")
        .replace("\\;", ";")
        .replace("\\:", ":");
    for c in text.chars().filter(|c| !c.is_control()) {
        if message.len() + c.len_utf8() >= MESSAGE_LEN {
            break;
        }
        message.push(c);
    }
    if message.trim().is_empty() {
        "no message".to_owned()
    } else {
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_fate() {
        let text = "\n\
            alert tcp any any -> any any (msg:\"a\\;b\"; flow:to_server; content:\"evil\"; sid:9; rev:2;)\n\
            # alert tcp any any -> any any (content:\"evil\"; sid:1;)\n\
            alert tcp any any -> any 21 (msg:\"two\"; flow:to_server; content:\"user root\"; nocase; sid:3;)\n\
            alert tcp any any -> any any (content:\"evil\"; sid:9;)\n\
            alert tcp any any -> any any (content:\"ab\"; sid:4;)\n\
            pass tcp any any -> any any (content:\"evil\"; sid:5;)\n\
            alert tcp any any -> any any (content:\"evil\";)\n\
            nonsense\n";
        let import = rules(text);
        let fates: Vec<_> = import
            .lines
            .iter()
            .map(|line| (line.line, line.sid, line.fate.name(), line.why.len()))
            .collect();
        assert_eq!(
            fates,
            [
                (2, Some(9), "exact", 0),
                (4, Some(3), "exact", 0),
                (5, Some(9), "refused", 1),
                (6, Some(4), "refused", 1),
                (7, Some(5), "refused", 1),
                (8, None, "refused", 1),
                (9, None, "refused", 1),
            ]
        );
        let taken = &import.file.signatures;
        assert_eq!((taken[0].id, taken[1].id), (3, 9));
        assert_eq!((taken[1].message.as_str(), taken[1].revision), ("a;b", 2));
        assert_eq!(taken[0].pattern.as_deref(), Some("(?i:user root)"));
    }

    #[test]
    fn messages_are_short_lines() {
        assert_eq!(message("a\u{7}b"), "ab");
        assert_eq!(message(" \n"), "no message");
        let long = message(&"\u{4e2d}".repeat(100));
        assert!(long.len() < MESSAGE_LEN && long.len() > MESSAGE_LEN - 4);
    }
}
