// SPDX-License-Identifier: GPL-2.0

//! Every report byte for byte, in the three forms that it has: text, text in colours, JSON.
//!
//! `reports.golden` is the contract. A change of it is a change of the user interface: the
//! manual page, the schema version and the scenarios in `tests/vm/` have to follow. With
//! `KIS_UPDATE_GOLDEN=1` in the environment the test writes the file instead.

use super::*;
use crate::{
    capture::{
        connection::Origin,
        note::Place,
        Summary, //
    },
    cell_file::{
        CellFile,
        Resolved, //
    },
    cmd::{
        profile::{
            accept,
            diff, //
        },
        ready::Candidate, //
    },
    configuration::{
        self,
        tell_faults,
        tell_unloaded, //
    },
    control,
    document::{
        About,
        Document,
        Warning, //
    },
    import,
    profile_file::Saved,
    schema::Schema,
    signature_file::Compiled,
    transport::Transport,
    trial,
    view::{
        self,
        profile::Learned, //
    }, //
};
use kis_core::{
    sense::{
        bound::NO_BOUNDS,
        budget::Budget,
        class::{
            Class,
            Domain, //
        },
        detector::Observation,
        expectation::Expectation,
        profile::Settings,
        sighting::Sighting, //
    },
    wire::abi::{
        CellMode,
        Param, //
    }, //
};
use serde_json::Value;
use std::path::Path;

const GOLDEN: &str = include_str!("reports.golden");

fn status(mode: u32, cells: u32) -> control::Status {
    control::Status {
        abi: 3,
        mode,
        generation: 7,
        cells,
        signatures: 3,
        bans: 1,
        records: 4711,
        lost_alerts: 5,
        lost_telemetry: 6,
        denied: 8,
        killed: 9,
        dropped: 10,
        uptime_ns: 3_723_000_000_000,
        ticks: 3723,
        ticker_ns: 412_000_000,
        counts_lost: 11,
    }
}

fn cells() -> [control::Cell; 3] {
    let calm = control::Cell {
        id: 1,
        name: "redis".to_owned(),
        program: "/usr/bin/redis-server".to_owned(),
        arguments: "* --port 6379".to_owned(),
        mode: 1,
        phase: 1,
        hard: true,
        windows: 60,
        windows_needed: 60,
        window_ms: 1500,
        processes: 4,
        denied: 3,
        would_deny: 2,
        killed: 1,
        matches: 12,
        items: Some(22),
        names_bytes: Some(400),
        starts: Some(1),
        ..Default::default()
    };
    let learning = control::Cell {
        id: 2,
        name: "d\u{e9}j\u{e0}\x1b[2J".to_owned(),
        program: "/opt/a\nb".to_owned(),
        phase: 0,
        hard: false,
        windows: 11,
        mode: 2,
        danger_one_ms: 750,
        would_kill: 5,
        ..calm.clone()
    };
    let danger = control::Cell {
        id: 3,
        name: "c".to_owned(),
        phase: 9,
        mode: 9,
        danger_one_ms: 9_000,
        danger_two_ms: 61_000,
        items: None,
        names_bytes: None,
        starts: None,
        ..calm.clone()
    };
    [calm, learning, danger]
}

fn params() -> Vec<control::ParamState> {
    let ready = |param: u32, observed| control::ParamState {
        cell: 1,
        param,
        observed,
        mean: (100 << 16) + 0x8000,
        deviation: 0x1555,
        peak: 140,
        n: 60,
        threshold_one: Some(150),
        threshold_two: Some(200),
        bound: Some(180),
    };
    vec![
        ready(0, 100),
        ready(1, 170),
        ready(2, 181),
        control::ParamState {
            bound: None,
            ..ready(8, 500)
        },
        control::ParamState {
            threshold_one: None,
            threshold_two: None,
            ..ready(99, 90)
        },
        control::ParamState {
            cell: 2,
            threshold_one: None,
            threshold_two: None,
            bound: None,
            ..ready(12, 7)
        },
    ]
}

fn signatures() -> [control::Signature; 2] {
    [
        control::Signature {
            id: 1001,
            revision: 2,
            kind: 2,
            message: "redis: \u{e9} \x07".to_owned(),
            cell: None,
            hits: 17,
            held: 5,
        },
        control::Signature {
            id: 7,
            revision: 1,
            kind: 1,
            message: "m".to_owned(),
            cell: Some("redis".to_owned()),
            hits: 0,
            held: 0,
        },
    ]
}

fn bans() -> [control::Ban; 2] {
    ["192.0.2.1", "2001:db8::1"].map(|address| control::Ban {
        address: address.parse().expect("an address"),
        ttl_ms: 599_000,
        dropped: 3,
    })
}

/// A start, then 60 windows: one library, one peer, and a new directory in each twentieth.
fn saved() -> Saved {
    let mut saved = Saved::new();
    let own = &mut saved.repertoire;
    let name = |class, is_root, name: &'static [u8]| Sighting::named(class, is_root, name);
    own.learn(&name(Class::Library, true, b"/usr/lib"), true);
    own.window(true);
    for window in 0..60_u8 {
        own.learn(&name(Class::Peer, false, b"unix /run/a\xff\nb"), false);
        if window % 20 == 0 {
            let dir = format!("/var/lib/redis/{}", char::from(b'A' + window / 20));
            own.learn(
                &Sighting::named(Class::Create, false, dir.as_bytes()),
                false,
            );
        }
        own.window(false);
    }
    let settings = Settings {
        learn_windows: 61,
        hard: false,
        budget: Budget::usual(1000),
        bounds: NO_BOUNDS,
    };
    for window in 0..61 {
        let mut values = [100 + window; Param::COUNT];
        values[Param::Execs.index()] = 0;
        let window = Observation::Window {
            values: &values,
            processes: 1,
            start: window == 0,
        };
        saved.profile.learn(&window, &settings);
    }
    saved
}

/// The same after somebody tried to train it.
fn tried() -> Saved {
    let mut tried = saved();
    for (class, name) in [
        (Class::Program, &b"/usr/sbin/nginx -> /bin/sh"[..]),
        (Class::Program, b"/bin/sh -> /bin/id"),
        (Class::Peer, b"tcp 203.0.113.9:4444"),
    ] {
        let seen = Sighting::named(class, false, name);
        assert!(!tried.repertoire.teach(&seen, false, Expectation::None));
    }
    tried
}

/// The same with an item more, and other thresholds.
fn other() -> Saved {
    let mut other = saved();
    let accepted = other
        .repertoire
        .accept(Class::Program, Domain::Root, b"/a -> /b");
    assert!(accepted);
    other.profile.complete(Budget::Deviations {
        one_q16: 9 << 16,
        two_q16: 99 << 16,
    });
    other
}

fn cell_document(warnings: Vec<Warning>) -> Resolved {
    let text = r#"{"version": 1, "cells": [
        {"name": "a", "program": "/x"}, {"name": "b", "program": "/y"}]}"#;
    Resolved {
        file: serde_json::from_str(text).expect("a cell file"),
        warnings,
    }
}

/// The file that a cell in force came from.
fn in_force() -> CellFile {
    let text = r#"{"version": 1, "cells": [{"name": "redis", "program": "/usr/bin/redis-server",
        "bounds": {"execs": {"max": 0}}, "forbid": ["ptrace", "exec"],
        "tolerization": {"kind": "hard"}, "expect": {"program": [], "peer": ["unix /run/x", "tcp 10.0.0.5:*"]},
        "files": {"write": ["/var/lib/redis", "/run"]}, "danger_two": {"ban_s": 600}}]}"#;
    serde_json::from_str(text).expect("a cell file")
}

fn odd() -> Vec<Warning> {
    vec![Warning {
        about: About::Cell("a".to_owned()),
        text: "odd".to_owned(),
    }]
}

fn signature_document() -> Compiled {
    let text = r#"{"version": 1, "signatures": [
        {"id": 5, "type": 2, "message": "m", "pattern": "ab+c"}]}"#;
    let document = Document::parse("s.json", text.into()).expect("JSON");
    configuration::of(&document).expect("a table")
}

fn learned(cell: usize, saved: Saved) -> Learned {
    Learned {
        cell: cells()[cell].clone(),
        params: params(),
        saved,
    }
}

/// One rule of each fate.
const RULES: &str = "\
    alert tcp any any -> any any (msg:\"m\"; flow:to_server; content:\"evil\"; sid:9;)\n\
    alert tcp any any -> any $MY_PORTS (msg:\"m\"; flow:to_server; content:\"user root\"; sid:3;)\n\
    alert http any any -> any any (msg:\"m\"; http.stat_code; content:\"evil\"; sid:4;)\n\
    nonsense\n";

/// What signatures found in two streams of bytes and in a capture.
fn found() -> Vec<trial::Trial> {
    let found = trial::Match {
        input: "a.bin".to_owned(),
        id: 5,
        revision: 2,
        kind: 1,
        message: "m".to_owned(),
        cell: Some("redis".to_owned()),
        offset: 57,
        excerpt: "CONFIG SET dir\\x0d".to_owned(),
        origin: None,
    };
    let other = trial::Match {
        id: 7,
        cell: None,
        ..found.clone()
    };
    let origin = Origin {
        place: Place {
            packet: 7,
            byte: 811,
        },
        time_ns: Some(1_700_000_000_123_456_000),
        protocol: Transport::Tcp,
        source: "10.0.0.1:40000".parse().expect("an address"),
        destination: "10.0.0.2:6379".parse().expect("an address"),
        to_server: true,
    };
    let long = Origin {
        time_ns: None,
        protocol: Transport::Udp,
        source: "[2001:db8:1111:2222:3333:4444:5555:6666]:53"
            .parse()
            .expect("an address"),
        destination: "[2001:db8:1111:2222:3333:4444:5555:7777]:40000"
            .parse()
            .expect("an address"),
        to_server: false,
        ..origin
    };
    let captured = |origin| trial::Match {
        input: "a.pcap".to_owned(),
        origin: Some(origin),
        ..other.clone()
    };
    let mut summary = Summary {
        packets: 9,
        connections: 1,
        datagrams: 1,
        ..Summary::default()
    };
    for packet in [8, 9] {
        let what = "a packet of another protocol than IP";
        summary.notes.add(what, Place { packet, byte: 900 });
    }
    let trial = |input: &str, matches, capture| trial::Trial {
        input: input.to_owned(),
        matches,
        capture,
    };
    vec![
        trial(
            "a.pcap",
            vec![captured(origin), captured(long)],
            Some(summary),
        ),
        trial("a.bin", vec![found, other], None),
        trial("-", vec![], None),
    ]
}

fn candidate(cell: usize, saved: Saved) -> Candidate {
    Candidate {
        cell: cells()[cell].clone(),
        params: params(),
        saved,
        sessions: false,
    }
}

/// The same where people come and go.
fn with_sessions(of: Candidate) -> Candidate {
    Candidate {
        sessions: true,
        ..of
    }
}

/// What a cell knows behind its first start.
fn started() -> Saved {
    let mut saved = Saved::new();
    saved.repertoire.window(true);
    saved
}

fn side(name: &str, saved: Saved) -> diff::Side {
    diff::Side {
        name: name.to_owned(),
        saved,
    }
}

fn group(name: &[u8], alerts: u64, by: &str) -> review::Group {
    review::Group {
        class: Class::Create,
        domain: Domain::User,
        name: name.to_vec(),
        alerts,
        first: 1024,
        last: 4711,
        by: by.to_owned(),
        kept_out: alerts == 2,
    }
}

/// Tells one report.
type Tell = Box<dyn Fn(&Output) -> Result<()>>;

fn reports() -> Vec<(&'static str, Tell)> {
    fn tell(tell: impl Fn(&Output) -> Result<()> + 'static) -> Tell {
        Box::new(tell)
    }
    let path = Path::new("f.json");
    vec![
        ("status", tell(|o| status::tell(o, &self::status(1, 2)))),
        (
            "status of a module that observes nothing",
            tell(|o| status::tell(o, &self::status(0, 0))),
        ),
        (
            "status with a mode from the future",
            tell(|o| status::tell(o, &self::status(9, 1))),
        ),
        ("cell list", tell(|o| cell::tell_list(o, &cells()))),
        ("cell list without cells", tell(|o| cell::tell_list(o, &[]))),
        (
            "cell show",
            tell(|o| cell::tell_show(o, &cells()[0], &params(), &in_force())),
        ),
        (
            "cell show of one that learns",
            tell(|o| cell::tell_show(o, &cells()[1], &params(), &in_force())),
        ),
        (
            "cell show without parameters",
            tell(|o| cell::tell_show(o, &cells()[2], &params(), &in_force())),
        ),
        (
            "cell check",
            tell(move |o| configuration::tell(o, path, &cell_document(odd()), 20_000, None)),
        ),
        (
            "cell load",
            tell(move |o| configuration::tell(o, path, &cell_document(vec![]), 20_000, Some(8))),
        ),
        ("cell unload", tell(|o| tell_unloaded::<Resolved>(o, 9))),
        (
            "profile show",
            tell(|o| profile::tell_show(o, &learned(0, saved()))),
        ),
        (
            "profile show of one that somebody tried to train",
            tell(|o| profile::tell_show(o, &learned(0, tried()))),
        ),
        (
            "profile show of one without a repertoire",
            tell(|o| profile::tell_show(o, &learned(2, Saved::new()))),
        ),
        (
            "profile show of one that knows nothing",
            tell(|o| profile::tell_show(o, &learned(1, Saved::new()))),
        ),
        (
            "profile show --items",
            tell(|o| profile::tell_items(o, &learned(0, saved()), None)),
        ),
        (
            "profile show --class",
            tell(|o| profile::tell_items(o, &learned(0, saved()), Some(Class::Peer))),
        ),
        (
            "profile show --class of nothing",
            tell(|o| profile::tell_items(o, &learned(0, saved()), Some(Class::Port))),
        ),
        (
            "profile diff",
            tell(|o| diff::tell(o, &side("redis", saved()), &side("old.profile", other()))),
        ),
        (
            "profile diff of the same",
            tell(|o| diff::tell(o, &side("a", saved()), &side("b", saved()))),
        ),
        (
            "profile accept",
            tell(|o| accept::tell(o, "redis", Class::Write, Domain::Root, b"/a\n")),
        ),
        (
            "review",
            tell(|o| {
                let groups = [
                    group(b"/var/lib/x", 31, "redis-server[812]"),
                    group(b"/\xff", 1, ""),
                    group(b"/root", 2, "sh[9]"),
                ];
                review::tell(o, "redis", &groups, 3, None)
            }),
        ),
        (
            "review --accept-all",
            tell(|o| review::tell(o, "redis", &[group(b"/var/lib/x", 31, "")], 0, Some(1))),
        ),
        (
            "review of nothing new",
            tell(|o| review::tell(o, "redis", &[], 0, None)),
        ),
        (
            "ready",
            tell(|o| ready::tell(o, &candidate(2, Saved::new())).map(drop)),
        ),
        (
            "ready of one that is not",
            tell(|o| ready::tell(o, &candidate(1, Saved::new())).map(drop)),
        ),
        (
            "ready of one that grows",
            tell(|o| ready::tell(o, &candidate(0, saved())).map(drop)),
        ),
        (
            "ready of one by way of which people come",
            tell(|o| ready::tell(o, &with_sessions(candidate(0, saved()))).map(drop)),
        ),
        (
            "ready of one that somebody tried to train",
            tell(|o| ready::tell(o, &candidate(0, tried())).map(drop)),
        ),
        (
            "mode enforce of cells that are not ready",
            tell(|_| {
                mode::hold_back(&[
                    candidate(2, Saved::new()),
                    candidate(1, started()),
                    candidate(0, saved()),
                ])
            }),
        ),
        (
            "mode enforce of one that is ready",
            tell(|_| mode::hold_back(&[candidate(2, Saved::new())])),
        ),
        (
            "profile export to a file",
            tell(|o| profile::save(o, "redis", b"image", Some(Path::new("/dev/null")), true)),
        ),
        (
            "profile export",
            tell(|o| profile::save(o, "redis", b"image\n", None, true)),
        ),
        (
            "profile import",
            tell(|o| profile::tell_import(o, "redis", "p.profile", &saved(), false)),
        ),
        (
            "profile import --dry-run",
            tell(|o| profile::tell_import(o, "redis", "p.profile", &Saved::new(), true)),
        ),
        (
            "profile reset",
            tell(|o| profile::tell_reset(o, Some("redis"))),
        ),
        (
            "profile reset --all",
            tell(|o| profile::tell_reset(o, None)),
        ),
        ("sig list", tell(|o| sig::tell_list(o, &signatures()))),
        (
            "sig list without signatures",
            tell(|o| sig::tell_list(o, &[])),
        ),
        (
            "sig check",
            tell(move |o| configuration::tell(o, path, &signature_document(), 123, None)),
        ),
        ("sig test", tell(move |o| sig::tell_test(o, path, &found()))),
        (
            "sig import",
            tell(move |o| sig::tell_import(o, path, &import::rules(RULES))),
        ),
        (
            "sig load",
            tell(move |o| configuration::tell(o, path, &signature_document(), 123, Some(8))),
        ),
        ("sig unload", tell(|o| tell_unloaded::<Compiled>(o, 9))),
        ("mode", tell(|o| mode::tell(o, CellMode::Enforce, None))),
        (
            "mode --cell",
            tell(|o| mode::tell(o, CellMode::Inherit, Some("redis"))),
        ),
        ("ban list", tell(|o| ban::tell_list(o, &bans()))),
        ("ban list without bans", tell(|o| ban::tell_list(o, &[]))),
        (
            "ban add",
            tell(|o| ban::tell_added(o, bans()[0].address, 600_000)),
        ),
        ("ban del", tell(|o| ban::tell_deleted(o, bans()[1].address))),
        ("limits", tell(limits::run)),
        (
            "watch",
            tell(|o| watch::tell(o, "observe", &cells(), &params(), true)),
        ),
        (
            "watch of no cell",
            tell(|o| watch::tell(o, "observe", &[], &[], true)),
        ),
        (
            "faults of a file",
            tell(move |o| {
                let faults = Document::parse("f.json", b"{".to_vec());
                tell_faults(o, path, &faults.expect_err("a fault")).map(drop)
            }),
        ),
    ]
}

/// The definition in the schema of what a report prints.
fn definition<'a>(schema: &'a Value, report: &str) -> &'a str {
    let command = match report {
        "cell load" => "cell check",
        "sig load" => "sig check",
        "profile show --class" | "profile show --class of nothing" => "profile show --items",
        report => report,
    };
    let defs = schema["$defs"].as_object().expect("definitions");
    let fits = |name: &&String| command.starts_with(name.as_str());
    let closest = defs.keys().filter(fits).max_by_key(|name| name.len());
    closest.unwrap_or_else(|| panic!("the schema does not know \"{report}\""))
}

#[test]
fn every_report_is_as_its_schema_says() {
    let text = include_str!("../../../../Documentation/schema/kis-output.schema.json");
    let mut schema: Value = serde_json::from_str(text).expect("JSON");
    assert!(jsonschema::meta::is_valid(&schema));
    // It is held against its own schema below.
    schema["$defs"]["cell show"]["properties"]["file"] = true.into();
    let check = |name: &str, value: &Value| {
        let mut wanted = schema.clone();
        wanted["$ref"] = format!("#/$defs/{name}").replace(' ', "%20").into();
        let validator = jsonschema::draft202012::new(&wanted).expect("a schema");
        let faults: Vec<String> = validator
            .iter_errors(value)
            .map(|e| e.to_string())
            .collect();
        assert_eq!(faults, Vec::<String>::new(), "{name}: {value}");
    };
    for (name, report) in reports() {
        let output = Output::to_memory(true, false);
        // What is refused says so elsewhere.
        let failed = report(&output).err();
        let value: Value = match (&failed, output.taken()) {
            (Some(error), _) => {
                let object = serde_json::to_value(view::error::object(error)).expect("JSON");
                check("error", &object);
                continue;
            }
            (None, told) if told.is_empty() => continue,
            (None, told) => serde_json::from_str(&told).expect("one object"),
        };
        check(definition(&schema, name), &value);
        if let Some(file) = value.get("file").filter(|file| file.is_object()) {
            let document = Document::parse("f", file.to_string().into_bytes()).expect("JSON");
            assert_eq!(Schema::cells().faults(&document), vec![]);
        }
    }
    let output = Output::to_memory(true, false);
    crate::version::tell(&output).expect("memory");
    check(
        "version",
        &serde_json::from_str(&output.taken()).expect("JSON"),
    );
    // A report with a key more is none.
    let mut wanted = schema.clone();
    wanted["$ref"] = "#/$defs/ban%20del".into();
    let validator = jsonschema::draft202012::new(&wanted).expect("a schema");
    assert!(
        !validator.is_valid(&serde_json::json!({"schema_version": 2, "address": "::1", "more": 1}))
    );
}

/// All reports one after the other; escapes and blanks at line ends are made visible.
fn told() -> String {
    let mut all = String::new();
    for (name, report) in reports() {
        for (form, output) in [
            ("text", Output::to_memory(false, false)),
            ("colours", Output::to_memory(false, true)),
            ("json", Output::to_memory(true, false)),
        ] {
            let result = report(&output);
            let mut told = output.taken();
            if let Err(error) = result {
                told.push_str(&format!("error: {error}\n"));
            }
            all.push_str(&format!("### {name}: {form}\n{told}"));
        }
    }
    all.replace('\x1b', "ESC").replace(" \n", " $\n")
}

#[test]
fn reports_are_as_the_golden_file_has_them() {
    let told = told();
    if std::env::var_os("KIS_UPDATE_GOLDEN").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cmd/reports.golden");
        std::fs::write(path, &told).expect("the golden file");
        return;
    }
    for (at, (is, should)) in told.lines().zip(GOLDEN.lines()).enumerate() {
        assert_eq!(is, should, "line {} of reports.golden", at + 1);
    }
    assert_eq!(told.len(), GOLDEN.len());
}
