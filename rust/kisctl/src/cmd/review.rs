// SPDX-License-Identifier: GPL-2.0

//! `kisctl review`: what was new to the self of a cell, to be accepted or kept as an alarm.

use crate::{
    args::Review,
    control::Control,
    device::{
        Device,
        From,
        Stored, //
    },
    error::{
        Error,
        Result, //
    },
    event::{
        is_kept_out,
        sentence::process_words, //
    },
    ignored::Ignored,
    item::of_record,
    output::{
        note,
        Output, //
    },
    profile_file::{
        Own,
        Saved, //
    },
    text,
    view::{
        field::{
            objects,
            Field, //
        },
        item::words,
        value::Object, //
    }, //
};
use kis_core::sense::{
    class::{
        Class,
        Domain, //
    },
    sighting::NAME_BYTES, //
};
use std::{
    collections::BTreeMap,
    io::{
        stdin,
        BufRead,
        IsTerminal, //
    }, //
};

/// Alerts about the same item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Its class.
    pub(super) class: Class,
    /// With what right.
    pub(super) domain: Domain,
    /// Its name.
    pub(super) name: Vec<u8>,
    /// How many alerts.
    pub(super) alerts: u64,
    /// The first of them.
    pub(super) first: u64,
    /// The last one.
    pub(super) last: u64,
    /// The process of the last one.
    pub(super) by: String,
    /// Whether it was kept out while the cell learned, by the last of them.
    pub(super) kept_out: bool,
}

/// Names the type once for all fields.
type Of = Field<Group>;

/// The fields of a group in JSON.
const FIELDS: &[Of] = &[
    Of::new("class", |group| group.class.name().into()),
    Of::new("domain", |group| group.domain.name().into()),
    Of::new("item", |group| text::escaped(&group.name).into()),
    Of::new("alerts", |group| group.alerts.into()),
    Of::new("first", |group| group.first.into()),
    Of::new("last", |group| group.last.into()),
    Of::new("by", |group| group.by.clone().into()),
    Of::new("kept_out", |group| group.kept_out.into()),
];

impl Group {
    /// On one line: `create /var/lib/x (as user) ×31, last by redis-server[812] in #4711`.
    fn line(&self) -> String {
        let words = words(self.class, self.domain, &self.name);
        let by = match self.by.as_str() {
            "" => String::new(),
            by => format!(" by {by}"),
        };
        let training = if self.kept_out {
            ", attempted training"
        } else {
            ""
        };
        format!(
            "{words} ×{}, last{by} in #{}{training}",
            self.alerts, self.last
        )
    }
}

/// What the officer says of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accept,
    Ignore,
    Keep,
    Quit,
}

/// Groups what is new, and asks.
pub fn run(output: &Output, args: &Review) -> Result<()> {
    let mut control = Control::open()?;
    let cell = control.cell(&args.cell)?;
    if !cell.has_repertoire() {
        let name = &args.cell;
        return Err(
            Error::failed(format!("cell \"{name}\": it has no repertoire"))
                .next("set files.learn to true in its cell file and let it learn"),
        );
    }
    let saved = Saved::of_cell(&mut control, &args.cell)?;
    let records = Device::open(From::Oldest)?.drain();
    let (groups, unnamed) = groups(&records, &args.cell, &saved.repertoire);
    if unnamed > 0 {
        note(format!(
            "{} without the whole name left out: kisctl explain",
            text::count(unnamed, "alert")
        ));
    }
    let mut ignored = Ignored::of_cell(&args.cell)?;
    let (groups, left_out) = if args.all {
        (groups, 0)
    } else {
        remembered(groups, &ignored)
    };
    let mut accept =
        |group: &Group| control.profile_accept(&args.cell, group.class, group.domain, &group.name);
    if args.accept_all {
        for group in &groups {
            accept(group)?;
        }
        return tell(output, &args.cell, &groups, left_out, Some(groups.len()));
    }
    let asks = !args.list && !output.is_json() && output.is_terminal() && stdin().is_terminal();
    if !asks || groups.is_empty() {
        return tell(output, &args.cell, &groups, left_out, None);
    }
    note_left_out(left_out);
    let mut decide = |group: &Group, answer| {
        if answer == Answer::Accept {
            accept(group)?;
        }
        remember(&mut ignored, group, answer)
    };
    ask(output, &args.cell, &groups, stdin().lock(), &mut decide)
}

/// The groups without those that were ignored before, and how many these are.
fn remembered(mut groups: Vec<Group>, ignored: &Ignored) -> (Vec<Group>, usize) {
    let all = groups.len();
    groups.retain(|group| !ignored.has(group.class, group.domain, &group.name));
    let left_out = all.saturating_sub(groups.len());
    (groups, left_out)
}

/// Keeps in mind what is to be ignored from now on, and what no more.
fn remember(ignored: &mut Ignored, group: &Group, answer: Answer) -> Result<()> {
    let (class, domain, name) = (group.class, group.domain, &group.name);
    match answer {
        Answer::Ignore => ignored.add(class, domain, name),
        Answer::Accept | Answer::Keep if ignored.remove(class, domain, name) => {}
        Answer::Accept | Answer::Keep | Answer::Quit => return Ok(()),
    }
    ignored.save()
}

/// Says that something was ignored before.
fn note_left_out(left_out: usize) {
    if left_out > 0 {
        // CAST: a length always fits 64 bits.
        let groups = text::count(left_out as u64, "group");
        note(format!(
            "{groups} ignored before left out: --all shows them"
        ));
    }
}

/// What the records of a cell say is new and is not known by now, by class, domain and name; and how
/// many of them have no whole name.
pub(super) fn groups(records: &[Stored], cell: &str, repertoire: &Own) -> (Vec<Group>, u64) {
    let mut groups: BTreeMap<(Class, Domain, Vec<u8>), Group> = BTreeMap::new();
    let mut unnamed = 0;
    for stored in records {
        let record = &stored.record();
        if record.head.cell_name() != cell.as_bytes() {
            continue;
        }
        let mut room = [0; NAME_BYTES];
        let seen = match of_record(record, &mut room) {
            Ok(Some(seen)) => seen,
            Ok(None) => continue,
            Err(_) => {
                unnamed += 1;
                continue;
            }
        };
        // What the cell itself wrote stays strange whatever is accepted.
        if seen.is_known(repertoire) || seen.is_self_made(repertoire) {
            continue;
        }
        let id = record.head.id;
        let key = (seen.class, seen.domain, seen.name.to_vec());
        let group = groups.entry(key).or_insert_with(|| Group {
            class: seen.class,
            domain: seen.domain,
            name: seen.name.to_vec(),
            alerts: 0,
            first: id,
            last: id,
            by: String::new(),
            kept_out: false,
        });
        group.alerts += 1;
        group.last = id;
        group.kept_out = is_kept_out(record);
        group.by = process_words(record).unwrap_or_default();
    }
    (groups.into_values().collect(), unnamed)
}

/// The groups, and how many of them are of the self now.
pub(super) fn tell(
    output: &Output,
    cell: &str,
    groups: &[Group],
    left_out: usize,
    accepted: Option<usize>,
) -> Result<()> {
    if output.is_json() {
        let report = Object::report()
            .with("cell", cell.to_owned())
            .with("accepted", accepted.unwrap_or(0))
            .with("ignored", left_out)
            .with("groups", objects(FIELDS, groups));
        return output.object(&report);
    }
    note_left_out(left_out);
    if groups.is_empty() {
        note("nothing in the ring is new to the self of the cell");
    }
    groups
        .iter()
        .try_for_each(|group| output.line(group.line()))?;
    match accepted {
        // CAST: a length always fits 64 bits.
        Some(count) => output.line(format!(
            "cell \"{cell}\": {} accepted",
            text::count(count as u64, "item")
        )),
        None => Ok(()),
    }
}

/// Asks for each group.
fn ask(
    output: &Output,
    cell: &str,
    groups: &[Group],
    mut input: impl BufRead,
    decide: &mut impl FnMut(&Group, Answer) -> Result<()>,
) -> Result<()> {
    let (mut accepted, mut ignored, mut kept) = (0_u64, 0_u64, Vec::new());
    for (at, group) in groups.iter().enumerate() {
        output.line(format!("{}/{} {}", at + 1, groups.len(), group.line()))?;
        let answer = answer(output, &mut input)?;
        decide(group, answer)?;
        match answer {
            Answer::Accept => accepted += 1,
            Answer::Ignore => ignored += 1,
            Answer::Keep => kept.push(group),
            Answer::Quit => break,
        }
    }
    output.line(format!(
        "cell \"{cell}\": {accepted} accepted, {ignored} ignored, {} kept as alarm",
        kept.len()
    ))?;
    kept.iter().try_for_each(|group| {
        output.line(format!("  kisctl explain {}: {}", group.last, group.line()))
    })
}

/// Asks until the answer is one; the end of the input is one.
fn answer(output: &Output, input: &mut impl BufRead) -> Result<Answer> {
    loop {
        output.raw(b"  [a]ccept, [i]gnore, [k]eep as alarm, [q]uit? ")?;
        let mut line = String::new();
        let read = input.read_line(&mut line);
        if read.map_err(|e| Error::io("standard input", &e))? == 0 {
            output.line("")?;
            return Ok(Answer::Quit);
        }
        match line.trim().to_lowercase().as_str() {
            "a" | "accept" => return Ok(Answer::Accept),
            "i" | "ignore" => return Ok(Answer::Ignore),
            "k" | "keep" => return Ok(Answer::Keep),
            "q" | "quit" => return Ok(Answer::Quit),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kis_core::wire::{
        abi::{
            Op,
            FLAG_PATH_CUT, //
        },
        record::{
            Head,
            Operation,
            Record, //
        }, //
    };

    fn alert(cell: &str, id: u64, class: Class, name: &[u8]) -> Stored {
        let mut head = Head {
            id,
            pid: 812,
            ..Head::ZERO
        };
        head.set_cell_name(cell.as_bytes());
        head.set_comm(b"worker");
        let new = Operation::new(Op::Create, 1, Some((class, Domain::User)));
        Stored::new(&Record::new(head, new, name))
    }

    fn records() -> Vec<Stored> {
        let mut cut = alert("db", 9, Class::Write, b"/x").record().head;
        cut.flags = FLAG_PATH_CUT;
        let new = Operation::new(Op::Write, 1, Some((Class::Write, Domain::User)));
        vec![
            alert("db", 1, Class::Create, b"/var/lib/postgresql/16/a"),
            alert("db", 2, Class::Peer, b"unix /run/x\n"),
            alert("web", 3, Class::Create, b"/tmp/x"),
            alert("db", 4, Class::Create, b"/var/lib/postgresql/17/b"),
            alert("db", 5, Class::Secret, b"/etc/known"),
            alert("db", 6, Class::Library, b"/spool/x.so"),
            Stored::new(&Record::new(cut, new, b"x/y")),
        ]
    }

    fn reviewed() -> (Vec<Group>, u64) {
        let mut saved = Saved::new();
        for (class, name) in [
            (Class::Secret, &b"/etc/known"[..]),
            (Class::Create, b"/spool"),
        ] {
            saved.repertoire.accept(class, Domain::User, name);
        }
        groups(&records(), "db", &saved.repertoire)
    }

    #[test]
    fn alerts_are_grouped_by_what_is_general_in_them() {
        let (groups, unnamed) = reviewed();
        let lines: Vec<String> = groups.iter().map(Group::line).collect();
        assert_eq!(
            lines,
            [
                "create /var/lib/postgresql/# (as user) ×2, last by worker[812] in #4",
                "peer unix /run/x\\n (as user) ×1, last by worker[812] in #2",
            ]
        );
        assert_eq!((groups[0].first, unnamed), (1, 1));
    }

    fn answered(input: &str) -> (String, Vec<u64>) {
        let output = Output::to_memory(false, false);
        let mut accepted = Vec::new();
        let (groups, _) = reviewed();
        ask(
            &output,
            "db",
            &groups,
            input.as_bytes(),
            &mut |group, answer| {
                if answer == Answer::Accept {
                    accepted.push(group.last);
                }
                Ok(())
            },
        )
        .expect("memory");
        (output.taken(), accepted)
    }

    #[test]
    fn each_group_is_asked_for_until_there_is_an_answer() {
        let (told, accepted) = answered("a\nwhat\nK\n");
        assert_eq!(accepted, [4]);
        assert!(told.contains("cell \"db\": 1 accepted, 0 ignored, 1 kept as alarm"));
        assert!(
            told.contains("  kisctl explain 2: peer unix /run/x\\n (as user)"),
            "{told}"
        );
        assert_eq!(told.matches("[a]ccept").count(), 3);
        for (input, want) in [
            ("i\nignore\n", "0 accepted, 2 ignored, 0 kept"),
            ("q\n", "0 accepted, 0 ignored, 0 kept"),
            ("accept\n", "1 accepted, 0 ignored, 0 kept"),
            ("", "0 accepted, 0 ignored, 0 kept"),
        ] {
            assert!(answered(input).0.contains(want), "{input:?}");
        }
    }

    #[test]
    fn what_was_ignored_is_not_asked_again_until_it_is_accepted() {
        let path = std::env::temp_dir().join(format!("kis-review-{}/db", std::process::id()));
        let mut ignored = Ignored::read(&path).expect("no file is no fault");
        let (groups, _) = reviewed();
        remember(&mut ignored, &groups[0], Answer::Ignore).expect("a file");
        remember(&mut ignored, &groups[1], Answer::Keep).expect("nothing to do");
        let again = Ignored::read(&path).expect("the file");
        let (left, left_out) = remembered(groups.clone(), &again);
        assert_eq!((&left[..], left_out), (&groups[1..], 1));
        remember(&mut ignored, &groups[0], Answer::Accept).expect("a file");
        let again = Ignored::read(&path).expect("the file");
        assert_eq!(remembered(groups.clone(), &again), (groups, 0));
        std::fs::remove_dir_all(path.parent().expect("a directory")).expect("it is there");
    }

    #[test]
    fn a_refusal_of_the_kernel_ends_the_questions() {
        let output = Output::to_memory(false, false);
        let (groups, _) = reviewed();
        let refused = ask(&output, "db", &groups, &b"a\na\n"[..], &mut |_, _| {
            Err(Error::failed("full"))
        });
        assert_eq!(refused, Err(Error::failed("full")));
    }
}
