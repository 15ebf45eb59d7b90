// SPDX-License-Identifier: GPL-2.0

//! The manual page against the binary: its examples work, every command and option is in it.

use serde_json::Value;
use std::{
    io::Write,
    process::{
        Command,
        Stdio, //
    }, //
};

const MANUAL: &str = include_str!("../../../Documentation/kisctl.8");

/// The literal displays, without roff's escapes.
fn displays() -> Vec<String> {
    MANUAL
        .split(".Bd -literal")
        .skip(1)
        .filter_map(|rest| rest.split_once('\n'))
        .filter_map(|(_, text)| text.split(".Ed").next())
        .map(|text| text.replace("\\e", "\\"))
        .collect()
}

fn kisctl(args: &[&str], input: &str) -> std::process::Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kisctl"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kisctl runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // Help ends without reading.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("kisctl ends")
}

#[test]
fn example_files_are_right() {
    let (mut cells, mut signatures) = (0, 0);
    for text in displays() {
        let Ok(value) = serde_json::from_str::<Value>(&text) else {
            continue;
        };
        let (noun, seen) = if value.get("cells").is_some() {
            ("cell", &mut cells)
        } else if value.get("signatures").is_some() {
            ("sig", &mut signatures)
        } else {
            continue;
        };
        *seen += 1;
        let output = kisctl(&[noun, "check", "-"], &text);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{text}: {told}");
    }
    assert_eq!((cells, signatures), (1, 1));
}

#[test]
fn example_commands_are_understood() {
    let mut seen = 0;
    for line in displays().iter().flat_map(|text| text.lines()) {
        let Some(args) = line.strip_prefix("kisctl ") else {
            continue;
        };
        let mut args: Vec<&str> = args.split_whitespace().collect();
        // The line of an error message is no example.
        if line.contains("/window_ms") {
            continue;
        }
        args.push("--help");
        let output = kisctl(&args, "");
        assert_eq!(output.status.code(), Some(0), "{line}");
        seen += 1;
    }
    assert!(seen >= 9, "{seen}");
}

/// The names of `--help` at the beginning of indented lines.
fn named(help: &str, heading: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn manual_has_every_command_and_option() {
    let plain = MANUAL.replace(" Oo Fl -dry-run Oc", "");
    let mut todo: Vec<Vec<String>> = vec![vec![]];
    let mut seen = 0;
    while let Some(path) = todo.pop() {
        let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
        args.push("-h");
        let output = kisctl(&args, "");
        let help = String::from_utf8(output.stdout).expect("UTF-8");
        for command in named(&help, "Commands:") {
            todo.push([path.clone(), vec![command]].concat());
        }
        for option in help
            .split_whitespace()
            .filter_map(|word| word.strip_prefix("--"))
        {
            let option = option.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
            assert!(
                MANUAL.contains(&format!("Fl -{option}")),
                "{path:?} --{option}"
            );
        }
        let is_verb = !help.contains("Commands:");
        if is_verb {
            let entry = format!(".It Cm {}", path.join(" "));
            assert!(plain.contains(&entry), "{entry}");
            seen += 1;
        }
    }
    assert!(seen >= 23, "{seen}");
}

#[test]
fn manual_has_the_golden_event() {
    let golden = include_str!("../src/event/tests.rs");
    let event = displays()
        .into_iter()
        .find(|text| text.contains("\"event_type\""))
        .expect("an event")
        .replace('\n', "");
    serde_json::from_str::<Value>(&event).expect("JSON");
    assert!(golden.contains(&event), "{event}");
}
