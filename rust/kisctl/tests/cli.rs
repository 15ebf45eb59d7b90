// SPDX-License-Identifier: GPL-2.0

//! The binary as a user meets it, on a machine without the module: usage, files, exit codes,
//! golden texts. What needs the kernel is in `tests/vm/`.

use kis_core::sense::class::{
    Class,
    Domain, //
};
use kisctl::profile_file::Saved;
use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{
        Command,
        Output,
        Stdio, //
    }, //
};

/// A directory that goes away.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("kisctl-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).expect("a directory");
        Self(dir)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        fs::write(self.0.join(name), text).expect("a file");
        name.to_owned()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kisctl"));
    command.args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().expect("kisctl runs")
}

fn run_in(scratch: &Scratch, args: &[&str]) -> Output {
    command(args)
        .current_dir(&scratch.0)
        .output()
        .expect("kisctl runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Whether the tests run where the module is loaded, as in the guest.
fn module_is_loaded() -> bool {
    std::path::Path::new("/sys/module/kis").exists()
}

const CELLS: &str = r#"{"version": 1, "cells": [{"name": "sh", "program": "/bin/none/such"}]}"#;

const SIGNATURES: &str = r#"{"version": 1, "signatures": [
  {"id": 1001, "type": 2, "message": "m", "pattern": "(?i)config\\s+set"}
]}"#;

#[test]
fn usage_errors_exit_with_2() {
    for args in [
        &["bogus"][..],
        &["cell"],
        &["cell", "load"],
        &["cell", "show"],
        &["mode"],
        &["mode", "maybe"],
        &["mode", "inherit"],
        &["ban", "add", "1.2.3"],
        &["ban", "add", "1.2.3.4", "--ttl", "0"],
        &["ban", "add", "1.2.3.4", "--ttl", "2592001"],
        &["explain"],
        &["explain", "x"],
        &["alerts", "--count", "0"],
        &["alerts", "--timeout", "1"],
        &["profile", "reset"],
        &["profile", "reset", "x", "--all"],
        &["profile", "accept", "x"],
        &["profile", "accept", "x", "--alert", "1", "name"],
        &["profile", "accept", "x", "--class", "peer", "name"],
        &[
            "profile", "accept", "x", "--class", "places", "--domain", "user", "/x",
        ],
        &[
            "profile", "accept", "x", "--class", "read", "--domain", "user", "srv",
        ],
        &[
            "profile", "accept", "x", "--class", "read", "--domain", "user", "/a\\q",
        ],
        &[
            "profile", "accept", "x", "--class", "program", "--domain", "root", "/bin/sh",
        ],
        &["profile", "show", "x", "--class", "places"],
        &["profile", "diff", "x"],
        &["review", "x", "--list", "--accept-all"],
        &["ready"],
        &["watch", "--interval", "0"],
        &["--no-such-option"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(stdout(&output), "", "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn without_the_module_commands_exit_with_5() {
    if module_is_loaded() {
        return;
    }
    let scratch = Scratch::new("absent");
    scratch.file("c.json", CELLS);
    scratch.file("s.json", SIGNATURES);
    scratch.file("p", Saved::new().encode().expect("an image"));
    for args in [
        &[][..],
        &["status"],
        &["status", "--json"],
        &["cell", "load", "c.json"],
        &["cell", "list"],
        &["cell", "show", "x"],
        &["cell", "unload"],
        &["profile", "show", "x"],
        &["profile", "show", "x", "--items"],
        &["profile", "export", "x"],
        &["profile", "import", "x", "p"],
        &["profile", "import", "x", "p", "--force"],
        &[
            "profile", "accept", "x", "--class", "peer", "--domain", "root", "unix /x",
        ],
        &["profile", "accept", "x", "--alert", "1"],
        &["profile", "diff", "x", "p"],
        &["review", "x"],
        &["ready", "x"],
        &["mode", "enforce", "--force"],
        &["profile", "reset", "--all"],
        &["sig", "load", "s.json"],
        &["sig", "list"],
        &["sig", "unload"],
        &["mode", "enforce"],
        &["alerts"],
        &["ban", "list"],
        &["ban", "add", "192.0.2.1"],
        &["ban", "del", "192.0.2.1"],
        &["explain", "1"],
        &["watch", "--once"],
    ] {
        let output = run_in(&scratch, args);
        assert_eq!(
            output.status.code(),
            Some(5),
            "{args:?}: {}",
            stderr(&output)
        );
        // Whoever asked for JSON gets it.
        let (told, other) = match args.contains(&"--json") {
            true => (stdout(&output), stderr(&output)),
            false => (stderr(&output), stdout(&output)),
        };
        assert_eq!(other, "", "{args:?}");
        assert!(told.contains("insmod kis.ko"), "{args:?}: {told}");
    }
}

#[test]
fn failures_are_objects_too() {
    let scratch = Scratch::new("failures");
    scratch.file(
        "c.json",
        r#"{"version": 1, "cells": [{"name": "A", "program": "/x"}]}"#,
    );
    let output = run_in(&scratch, &["--json", "cell", "load", "c.json"]);
    assert_eq!(output.status.code(), Some(1));
    let told = json(&output);
    assert_eq!(told["exit_code"], 1);
    assert_eq!(told["place"]["pointer"], "/cells/0/name");
    assert_eq!(told["place"]["line"], 1);
    let output = run(&["--json", "watsh"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(json(&output)["exit_code"], 2);
    assert_eq!(json(&run(&["--json", "--version"]))["abi"], 3);
}

#[test]
fn shells_learn_the_words() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("kisctl"));
    }
}

#[test]
fn version_names_both_abis() {
    let output = run(&["--version"]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(concat!("kisctl ", env!("CARGO_PKG_VERSION"), " (")));
    assert_eq!(lines[1], "ABI: 3");
    assert!(lines[2].starts_with("ABI of the kernel: "));
}

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in [
        "status",
        "doctor",
        "cell",
        "profile",
        "sig",
        "review",
        "ready",
        "mode",
        "alerts",
        "ban",
        "explain",
        "watch",
        "limits",
        "Exit codes",
    ] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn check_of_good_files() {
    let scratch = Scratch::new("good");
    scratch.file("c.json", CELLS);
    scratch.file("s.json", SIGNATURES);
    let output = run_in(&scratch, &["cell", "check", "c.json"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stdout(&output).starts_with("c.json: 1 cell, "),
        "{}",
        stdout(&output)
    );
    assert_eq!(
        stderr(&output),
        "kisctl: cell \"sh\": /bin/none/such: No such file or directory; it protects nothing until the program is there\n"
    );
    let output = run_in(&scratch, &["sig", "check", "s.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("s.json: 1 signature, "));
    for args in [
        &["cell", "load", "--dry-run", "c.json", "--json"],
        &["sig", "load", "--dry-run", "s.json", "--json"],
    ] {
        let output = run_in(&scratch, args);
        assert_eq!(output.status.code(), Some(0));
        let report = json(&output);
        assert_eq!(report["schema_version"], 2);
        assert_eq!(report["valid"], true);
        assert_eq!(report["loaded"], false);
    }
}

#[test]
fn json_of_a_signature_check_is_stable() {
    let scratch = Scratch::new("stable");
    scratch.file("s.json", SIGNATURES);
    let output = run_in(&scratch, &["--json", "sig", "check", "s.json"]);
    let mut report = json(&output);
    // The only figure that an image format may change.
    report["image_bytes"] = 0.into();
    assert_eq!(
        report.to_string(),
        r#"{"by_literal":1,"classes":1,"file":"s.json","image_bytes":0,"loaded":false,"schema_version":2,"signatures":1,"states":1,"valid":true,"warnings":[]}"#
    );
}

#[test]
fn json_of_limits_is_stable() {
    let output = run(&["limits", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        json(&output).to_string(),
        r#"{"limits":{"bans":1024,"cells":256,"expected":256,"image_bytes":67108864,"item_bytes":511,"items":2048,"lanes":512,"message_bytes":127,"name_bytes":31,"operations":64,"path_bytes":255,"prefixes":32,"record_bytes":4096,"signatures":16384},"schema_version":2}"#
    );
}

/// Each text is a contract: place, what, and the next step.
#[test]
fn golden_error_texts() {
    let scratch = Scratch::new("golden");
    for (verb, name, text, want) in [
        (
            "cell",
            "syntax.json",
            "{\n  \"version\": 1,,\n}",
            "syntax.json:2:16: not JSON: key must be a string (mend the syntax; comments and trailing commas are not JSON)",
        ),
        (
            "cell",
            "empty.json",
            "",
            "empty.json:1:1: not JSON: EOF while parsing a value (mend the syntax; comments and trailing commas are not JSON)",
        ),
        (
            "cell",
            "unknown.json",
            "{\"version\": 1, \"cells\": [\n  {\"name\": \"a\", \"program\": \"/x\", \"windw_ms\": 1}]}",
            "unknown.json:2:34: /cells/0/windw_ms: unknown key \"windw_ms\" (did you mean \"window_ms\"?)",
        ),
        (
            "cell",
            "twice.json",
            "{\"version\": 1, \"version\": 1, \"cells\": []}",
            "twice.json:1:16: /version: this key was given before (keep one of them)",
        ),
        (
            "cell",
            "range.json",
            "{\"version\": 1, \"cells\": [{\"name\": \"a\", \"program\": \"/x\", \"window_ms\": 5}]}",
            "range.json:1:70: /cells/0/window_ms: 5 is less than 100 (Length of a measuring window, 100 to 60000 milliseconds)",
        ),
        (
            "cell",
            "missing.json",
            "{\"version\": 1, \"cells\": [{\"name\": \"a\"}]}",
            "missing.json:1:26: /cells/0: the key \"program\" is missing (A program with its sockets and its children)",
        ),
        (
            "sig",
            "pattern.json",
            "{\"version\": 1, \"signatures\": [{\"id\": 7, \"type\": 1, \"message\": \"m\", \"pattern\": \"a$\"}]}",
            "pattern.json:1:79: /signatures/0/pattern: signature 7: the pattern looks at the end of a line or text ($ or \\z) (a stream has no end that could be waited for: write \\r?\\n, or leave it out)",
        ),
    ] {
        scratch.file(name, text);
        let output = run_in(&scratch, &[verb, "check", name]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert_eq!(stdout(&output), "", "{name}");
        assert_eq!(stderr(&output), format!("kisctl: {want}\n"));
    }
    scratch.file("bytes.json", b"{\"version\": \"\xff\"}");
    let output = run_in(&scratch, &["cell", "check", "bytes.json"]);
    assert_eq!(
        stderr(&output),
        "kisctl: bytes.json:1:14: byte 0xff is not UTF-8 (save the file as UTF-8; in a pattern write \\xNN for such a byte)\n"
    );
    let output = run_in(&scratch, &["cell", "check", "none.json"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(
        stderr(&output),
        "kisctl: none.json: No such file or directory\n"
    );
}

#[test]
fn several_faults_are_told_in_the_order_of_their_places() {
    let scratch = Scratch::new("several");
    scratch.file(
        "c.json",
        "{\"version\": 2, \"cells\": [{\"name\": \"A\", \"program\": \"x\", \"y\": 1}]}",
    );
    let output = run_in(&scratch, &["cell", "check", "c.json", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    assert_eq!(report["valid"], false);
    let errors = report["errors"].as_array().expect("errors");
    let places: Vec<(&str, u64)> = errors
        .iter()
        .filter_map(|error| Some((error["pointer"].as_str()?, error["column"].as_u64()?)))
        .collect();
    assert_eq!(
        places,
        [
            ("/version", 13),
            ("/cells/0/name", 35),
            ("/cells/0/program", 51),
            ("/cells/0/y", 56)
        ]
    );
}

#[test]
fn symbolic_links_are_resolved_and_scripts_told() {
    let scratch = Scratch::new("links");
    let real = scratch.0.join("real");
    fs::write(&real, b"\x7fELF").expect("a file");
    std::os::unix::fs::symlink(&real, scratch.0.join("link")).expect("a link");
    scratch.file("script", "#!/bin/sh -e\n");
    let dir = fs::canonicalize(&scratch.0).expect("a directory");
    let dir = dir.display();
    scratch.file(
        "c.json",
        format!(
            r#"{{"version": 1, "cells": [{{"name": "l", "program": "{dir}/link"}}, {{"name": "s", "program": "{dir}/script"}}]}}"#
        ),
    );
    let output = run_in(&scratch, &["cell", "check", "c.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stderr(&output),
        format!(
            "kisctl: cell \"l\": {dir}/link is a symbolic link: using {dir}/real, which is what the kernel executes\n\
             kisctl: cell \"s\": {dir}/script is a script: the kernel executes /bin/sh; name that as program and the script in \"arguments\"\n"
        )
    );
}

#[test]
fn files_are_read_from_standard_input() {
    let mut child = command(&["sig", "check", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("kisctl runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(SIGNATURES.as_bytes()).expect("a write");
    drop(stdin);
    let output = child.wait_with_output().expect("kisctl ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).starts_with("-: 1 signature, "));
}

#[test]
fn damaged_profiles_are_refused_before_the_kernel_sees_them() {
    let scratch = Scratch::new("profile");
    for (name, bytes) in [
        ("empty", vec![]),
        ("zeros", vec![0; 4096]),
        ("long", vec![0xff; 100_000]),
    ] {
        scratch.file(name, &bytes);
        let output = run_in(&scratch, &["profile", "import", "redis", name]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(stderr(&output).starts_with(&format!("kisctl: {name}: not a profile: ")));
    }
}

#[test]
fn profiles_can_be_verified_and_compared_anywhere() {
    if module_is_loaded() {
        return;
    }
    let scratch = Scratch::new("anywhere");
    let mut saved = Saved::new();
    scratch.file("a.profile", saved.encode().expect("an image"));
    let name = b"unix /run/\xff x";
    assert!(saved.repertoire.accept(Class::Peer, Domain::User, name));
    scratch.file("b.profile", saved.encode().expect("an image"));
    let output = run_in(
        &scratch,
        &["profile", "import", "--dry-run", "x", "b.profile"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        stdout(&output),
        "b.profile: 0 windows, 1 item, learning, ok\n"
    );
    assert!(stderr(&output).contains("not known without the module"));
    let output = run_in(&scratch, &["profile", "diff", "a.profile", "b.profile"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.starts_with("only in b.profile: 1\n"), "{told}");
    assert!(told.ends_with("  unix /run/\\xff x\n"), "{told}");
    let output = run_in(
        &scratch,
        &["--json", "profile", "diff", "a.profile", "a.profile"],
    );
    assert_eq!(json(&output)["same"], true);
    let output = run_in(&scratch, &["profile", "diff", "a.profile", "./none"]);
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn every_damage_to_a_file_is_an_error_or_a_file() {
    let scratch = Scratch::new("damage");
    let good = CELLS.as_bytes();
    for at in 0..good.len() {
        for byte in [0, b'"', b'{', 0xff] {
            let mut bad = good.to_vec();
            bad[at] = byte;
            scratch.file("c.json", &bad);
            let output = run_in(&scratch, &["cell", "check", "c.json"]);
            let code = output.status.code();
            assert!(matches!(code, Some(0 | 1)), "{at} {byte} {code:?}");
            assert!(!stderr(&output).contains("panicked"));
        }
    }
}

#[test]
fn doctor_says_what_is_missing() {
    if module_is_loaded() {
        return;
    }
    let output = run(&["doctor", "--json"]);
    assert_eq!(output.status.code(), Some(5));
    let report = json(&output);
    assert_eq!(report["can_run"], false);
    let checks = report["checks"].as_array().expect("checks");
    let module = checks.iter().find(|check| check["name"] == "module");
    assert_eq!(module.expect("a check")["result"], "fail");
    for check in checks {
        assert!(
            check["result"] == "ok" || check["next"].is_string(),
            "{check}"
        );
    }
}

#[test]
fn closed_output_is_no_panic() {
    let mut child = command(&["limits"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kisctl runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("kisctl ends");
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(0));
}
