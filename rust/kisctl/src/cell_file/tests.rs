// SPDX-License-Identifier: GPL-2.0

use super::*;
use kis_core::{
    cells::{
        Access,
        Cells, //
    },
    matching::scans::limits::Limits, //
};
use serde_json::{
    json,
    Value, //
};

fn read(value: &Value) -> Result<CellFile, Faults> {
    let text = serde_json::to_vec_pretty(value).expect("JSON");
    let document = Document::parse("c.json", text)?;
    let file: CellFile = Schema::cells().read(&document)?;
    let faults = faults(&document, &file);
    if faults.is_empty() {
        Ok(file)
    } else {
        Err(faults)
    }
}

/// The schema's first example: it has every key.
fn full() -> Value {
    Schema::cells().value()["examples"][0].clone()
}

/// The same with a second cell that has only what it must, and one with factors of the deviation.
fn good() -> Value {
    let mut file = full();
    let cells = file["cells"].as_array_mut().expect("a list");
    cells.push(json!({"name": "nginx", "program": "/usr/sbin/nginx"}));
    cells.push(json!({"name": "old", "program": "/x", "thresholds": {"one": 4.0, "two": 8.0}}));
    file
}

#[test]
fn image_has_what_the_file_has() {
    let file = read(&good()).expect("a good file");
    let bytes = image(&file).expect("an image");
    let cells = Cells::verify(&bytes[..]).expect("a verified image");
    assert_eq!(cells.len(), 3);
    let redis = cells.get(0).expect("a cell");
    assert_eq!(redis.name(), b"redis");
    assert_eq!(redis.program(), b"/usr/bin/redis-server");
    assert_eq!(redis.mode(), CellMode::Inherit);
    assert_eq!(redis.bound(Param::Execs), Some(0));
    assert_eq!(redis.bound(Param::RssKib), Some(500_000));
    assert_eq!(redis.bound(Param::CpuUs), None);
    assert_eq!(redis.bound(Param::Connects), Some(3));
    let classes = ClassSet::EMPTY.with(Class::Program).with(Class::Peer);
    assert_eq!(redis.expected().classes(), classes);
    let peers = [(Class::Peer, &b"tcp 10.0.0.5:6379"[..])];
    assert!(redis.hard() && redis.expected().iter().eq(peers));
    assert!(redis.tree(Access::Write).allows(b"/var/lib/redis/dump.rdb"));
    assert!(!redis
        .tree(Access::Write)
        .allows(b"/root/.ssh/authorized_keys"));
    assert!(redis.tree(Access::Read).allows(b"/etc/passwd"));
    assert!(redis.forbid().contains(Op::Exec) && !redis.forbid().contains(Op::Write));
    assert_eq!(cells.scans(), Some(Limits::USUAL));
    let nginx = cells.get(1).expect("a cell");
    assert_eq!(nginx.arguments(), b"*");
    assert_eq!(nginx.window_ms(), 1000);
    assert_eq!(nginx.learn_windows(), 60);
    assert!(!nginx.hard() && nginx.learn() && nginx.kill_connections());
    assert_eq!(nginx.budget(), Budget::usual(1000));
    assert_eq!(redis.budget(), nginx.budget());
    let (one_q16, two_q16) = (4 << 16, 8 << 16);
    let old = cells.get(2).expect("a cell");
    assert_eq!(old.budget(), Budget::Deviations { one_q16, two_q16 });
    assert_eq!((nginx.hold_one_ms(), nginx.hold_two_ms()), (10_000, 10_000));
    assert_eq!(
        nginx.forbid(),
        OpSet::EMPTY
            .with(Op::Ptrace)
            .with(Op::ModuleLoad)
            .with(Op::Mknod)
            .with(Op::Sysctl)
    );
    assert_eq!(nginx.deny(), OpSet::EMPTY);
    assert_eq!(nginx.ban_s(), 0);
}

/// For each rule a value that breaks it, where it is told, and the words.
#[test]
fn each_rule_is_told_at_its_place() {
    let long = format!("/{}", "a".repeat(255));
    for (pointer, value, at, want) in [
        ("/version", json!(2), "", "2 is not 1"),
        ("/version", json!("1"), "", "\"1\" is not 1"),
        ("/cells", json!([]), "", "the list has less than 1"),
        ("/cells", json!("x"), "", "\"x\" is a string, not a list"),
        (
            "/cells/0/name",
            json!("Redis"),
            "",
            "\"Redis\" is not written as it has to be",
        ),
        (
            "/cells/1/name",
            json!("redis"),
            "",
            "the name \"redis\" is that of /cells/0 too",
        ),
        ("/cells/0/program", json!(7), "", "7 is an integer, not a string"),
        ("/cells/0/program", json!("redis"), "", "\"redis\" is not written as it has to be"),
        ("/cells/0/program", json!("/"), "", "\"/\" is no program"),
        (
            "/cells/0/program",
            json!("/usr/../bin/x"),
            "",
            "\"/usr/../bin/x\" is not a clean absolute path",
        ),
        (
            "/cells/0/program",
            json!(long),
            "",
            "\"/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa... is longer than 255 characters",
        ),
        (
            "/cells/0/program",
            json!(format!("/{}", "\u{e9}".repeat(200))),
            "",
            "the path has 401 bytes, more than 255",
        ),
        ("/scans/within_10s", json!(97), "", "97 is more than 96"),
        ("/scans/within_6h", json!(2), "", "whoever means no harm has 2 targets as well"),
        (
            "/scans",
            json!({"within_10s": 0, "within_10min": 0, "within_6h": 0}),
            "",
            "with no number of targets at all nothing is a scan",
        ),
        ("/scans/ban_s", json!(2_592_001), "", "2592001 is more than 2592000"),
        ("/cells/0/arguments", json!(null), "", "null is null, not a string"),
        (
            "/cells/0/arguments",
            json!("a\u{0}b"),
            "",
            "the pattern is longer than 255 bytes or has a NUL",
        ),
        (
            "/cells/0/mode",
            json!("strict"),
            "",
            "\"strict\" is not one of \"inherit\", \"observe\", \"enforce\"",
        ),
        ("/cells/0/window_ms", json!(99), "", "99 is less than 100"),
        ("/cells/0/window_ms", json!(60_001), "", "60001 is more than 60000"),
        (
            "/cells/0/window_ms",
            json!(100.5),
            "",
            "100.5 is a number with a fraction, not an integer",
        ),
        (
            "/cells/0/tolerization/kind",
            json!("mild"),
            "",
            "\"mild\" is not one of \"soft\", \"hard\"",
        ),
        ("/cells/0/tolerization/windows", json!(0), "", "0 is less than 1"),
        (
            "/cells/0/tolerization/windows",
            json!(100_001),
            "",
            "100001 is more than 100000",
        ),
        ("/cells/0/tolerization", json!([]), "", "[] is a list, not an object"),
        ("/cells/2/thresholds/one", json!(-1), "", "-1 is less than 0"),
        ("/cells/2/thresholds/one", json!(1025), "", "1025 is more than 1024"),
        (
            "/cells/2/thresholds/one",
            json!(9.5),
            "/cells/2/thresholds",
            "threshold two (8) is below threshold one (9.5)",
        ),
        ("/cells/2/thresholds/two", json!("8"), "", "\"8\" is a string, not a number"),
        (
            "/cells/2/thresholds",
            json!({"one": 4, "budget": {}}),
            "",
            "thresholds have a budget of alarms and factors of the deviation",
        ),
        (
            "/cells/0/thresholds/budget/one_per_day",
            json!(0),
            "",
            "0 is less than 0.001",
        ),
        (
            "/cells/0/thresholds/budget/two_per_month",
            json!(10_001),
            "",
            "10001 is more than 10000",
        ),
        (
            "/cells/0/thresholds/budget/two_per_month",
            json!(31),
            "/cells/0/thresholds/budget",
            "31 alarms of danger two a month are more than 1 of danger one a day",
        ),
        ("/cells/0/bounds/execs/max", json!(-1), "", "-1 is less than 0"),
        (
            "/cells/0/bounds/execs/max",
            json!(1_099_511_627_777_u64),
            "",
            "1099511627777 is more than 1099511627776",
        ),
        ("/cells/0/bounds/execs", json!({}), "", "the bound has no value"),
        (
            "/cells/0/bounds/execs",
            json!({"max": 3, "about": 3}),
            "",
            "the bound has max and about",
        ),
        (
            "/cells/0/bounds/execs",
            json!({"max": 3, "tolerance_percent": 3}),
            "",
            "the bound has a tolerance, and max is exact",
        ),
        (
            "/cells/0/bounds/connects/tolerance_percent",
            json!(10_001),
            "",
            "10001 is more than 10000",
        ),
        (
            "/cells/0/tolerization/kind",
            json!("soft"),
            "/cells/0/expect",
            "expect says what hard tolerization may learn, and this cell's is soft",
        ),
        (
            "/cells/0/files/learn",
            json!(false),
            "/cells/0/expect",
            "expect says what the repertoire may learn, and this cell has none",
        ),
        (
            "/cells/0/expect/peer",
            json!(["tcp 10.0.0.5:1", "tcp 10.0.0.5:1"]),
            "",
            "the list names something twice",
        ),
        (
            "/cells/0/expect/peer",
            json!((0..257).map(|n| n.to_string()).collect::<Vec<_>>()),
            "",
            "the list has 257 entries, more than 256",
        ),
        (
            "/cells/0/expect",
            json!({"peer": (0..200).map(|n| n.to_string()).collect::<Vec<_>>(),
                "port": (0..57).map(|n| n.to_string()).collect::<Vec<_>>()}),
            "",
            "expect has 257 patterns, more than 256",
        ),
        ("/cells/0/expect/peer/0", json!(""), "", "\"\" is shorter than 1"),
        (
            "/cells/0/expect/peer/0",
            json!("\u{e9}".repeat(200)),
            "",
            "a pattern has 1 to 255 bytes and no NUL",
        ),
        (
            "/cells/0/expect/program",
            json!(["/bin/sh"]),
            "/cells/0/expect/program/0",
            "\"/bin/sh\" does not say who executes what",
        ),
        (
            "/cells/0/expect",
            json!({"write": ["var/log"]}),
            "/cells/0/expect/write/0",
            "\"var/log\" is no absolute path",
        ),
        ("/cells/0/files/learn", json!(1), "", "1 is an integer, not a boolean"),
        (
            "/cells/0/files/write",
            json!(vec!["/a"; 33]),
            "",
            "the list has 33 entries, more than 32",
        ),
        (
            "/cells/0/files/write/0",
            json!("var"),
            "",
            "\"var\" is not written as it has to be",
        ),
        (
            "/cells/0/files/write/0",
            json!("/var/"),
            "",
            "\"/var/\" is not a clean absolute path",
        ),
        (
            "/cells/0/forbid",
            json!(["exec", "exec"]),
            "",
            "the list names something twice",
        ),
        (
            "/cells/0/forbid/0",
            json!("fly"),
            "",
            "\"fly\" is not one of \"read\", \"write\", \"create\", \"unlink\", \"rename\", \"exec\", \
             \"connect\", \"map_exec\", \"ptrace\", \"module_load\", \"mount\", \
             \"map_shared\", \"mknod\", \"sysctl\", \"usermode_helper\", \"module_request\", \"library\", \"bind\", \"send\", \"socket\", \"capability\", \"identity\", \"signal\", \"namespace\"",
        ),
        ("/cells/0/danger_one/hold_ms", json!(0), "", "0 is less than 1"),
        (
            "/cells/0/danger_two/hold_ms",
            json!(86_400_001),
            "",
            "86400001 is more than 86400000",
        ),
        (
            "/cells/0/danger_two/kill_connections",
            json!("yes"),
            "",
            "\"yes\" is a string, not a boolean",
        ),
        (
            "/cells/0/danger_two/ban_s",
            json!(2_592_001),
            "",
            "2592001 is more than 2592000",
        ),
    ] {
        let at = if at.is_empty() { pointer } else { at };
        let mut file = good();
        *file.pointer_mut(pointer).expect(pointer) = value;
        let faults = read(&file).expect_err(pointer);
        assert_eq!((&*faults[0].pointer, &*faults[0].message), (at, want));
        assert!(!faults[0].next.is_empty(), "{pointer}");
        assert!(faults[0].line > 1 || pointer.is_empty());
    }
    for key in ["name", "program"] {
        let mut file = good();
        let cell = file["cells"][1].as_object_mut().expect("a cell");
        cell.remove(key);
        let faults = read(&file).expect_err(key);
        assert_eq!(faults[0].message, format!("the key \"{key}\" is missing"));
        assert_eq!(faults[0].pointer, "/cells/1");
    }
}

/// All objects of the schema: where an example of them is, and where they are defined.
fn objects() -> Vec<(&'static str, &'static str)> {
    vec![
        ("", ""),
        ("/cells/0", "/$defs/cell"),
        ("/scans", "/$defs/scans"),
        ("/cells/0/tolerization", "/$defs/tolerization"),
        ("/cells/0/thresholds", "/$defs/thresholds"),
        ("/cells/0/thresholds/budget", "/$defs/budget"),
        ("/cells/0/bounds", "/$defs/bounds"),
        ("/cells/0/bounds/execs", "/$defs/bound"),
        ("/cells/0/expect", "/$defs/expect"),
        ("/cells/0/files", "/$defs/files"),
        ("/cells/0/danger_one", "/$defs/danger_one"),
        ("/cells/0/danger_two", "/$defs/danger_two"),
    ]
}

#[test]
fn unknown_keys_are_told_everywhere() {
    for (example, _) in objects() {
        let mut file = full();
        let object = file.pointer_mut(example).and_then(Value::as_object_mut);
        object
            .expect(example)
            .insert("nonsense".to_owned(), json!(1));
        let faults = read(&file).expect_err(example);
        assert_eq!(faults[0].pointer, format!("{example}/nonsense"));
        assert_eq!(faults[0].message, "unknown key \"nonsense\"");
        assert!(
            faults[0].next.starts_with("known here: "),
            "{}",
            faults[0].next
        );
    }
}

#[test]
fn schema_and_types_know_the_same_keys() {
    let schema = Schema::cells();
    let file = read(&full()).expect("the example");
    // Written by serde, the example has every key that the types know.
    let mut written = serde_json::to_value(&file).expect("JSON");
    written["$schema"] = json!("x");
    for (example, definition) in objects() {
        let mut known: Vec<String> = match example {
            "/cells/0/bounds" => Param::ALL.map(|param| param.name().to_owned()).to_vec(),
            "/cells/0/expect" => Class::ALL.iter().map(|c| c.name().to_owned()).collect(),
            // One or the other is written.
            "/cells/0/bounds/execs" => ["max", "about", "tolerance_percent"]
                .map(str::to_owned)
                .to_vec(),
            "/cells/0/thresholds" => ["budget", "one", "two"].map(str::to_owned).to_vec(),
            _ => keys(written.pointer(example)),
        };
        let mut defined = keys(schema.value().pointer(&format!("{definition}/properties")));
        known.sort();
        defined.sort();
        assert_eq!(known, defined, "{definition}");
    }
    // The operations, too.
    let ops: Vec<Value> = OpSet::ALL
        .iter()
        .filter(|op| *op != Op::Receive)
        .map(|op| json!(op_word(op)))
        .collect();
    let operations = schema.value().pointer("/$defs/operations/items/enum");
    assert_eq!(operations.and_then(Value::as_array), Some(&ops));
}

#[test]
fn defaults_of_schema_and_types_agree() {
    let schema = Schema::cells();
    let plain =
        read(&json!({"version": 1, "cells": [{"name": "x", "program": "/x"}], "scans": {}}));
    let written = serde_json::to_value(plain.expect("a good file")).expect("JSON");
    let mut compared = 0;
    for (example, definition) in objects() {
        let properties = schema.value().pointer(&format!("{definition}/properties"));
        let Some(properties) = properties.and_then(Value::as_object) else {
            continue;
        };
        for (key, property) in properties {
            if let Some(default) = property.get("default") {
                let value = written.pointer(&format!("{example}/{key}"));
                assert_eq!(value, Some(default), "{definition}/{key}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 14, "{compared}");
}

#[test]
fn every_key_is_described() {
    for schema in [Schema::cells(), Schema::signatures()] {
        let mut todo = vec![schema.value()];
        while let Some(value) = todo.pop() {
            if let Some(properties) = value.get("properties").and_then(Value::as_object) {
                for (key, property) in properties {
                    let is_described = property.get("description").is_some()
                        || property
                            .get("$ref")
                            .and_then(Value::as_str)
                            .and_then(|at| schema.value().pointer(&at[1..]))
                            .is_some_and(|def| def.get("description").is_some());
                    assert!(is_described, "{key}");
                }
            }
            if let Some(object) = value.as_object() {
                todo.extend(object.values().filter(|value| value.is_object()));
            }
        }
    }
}

fn keys(value: Option<&Value>) -> Vec<String> {
    let object = value.and_then(Value::as_object).expect("an object");
    object.keys().cloned().collect()
}

#[test]
fn integers_with_a_point_are_told_with_their_place() {
    // A JSON Schema takes 1.0 for an integer, serde does not.
    let text = b"{\"version\": 1,\n \"cells\": [{\"name\": \"x\", \"program\": \"/x\", \"window_ms\": 1000.0}]}";
    let document = Document::parse("c.json", text.to_vec()).expect("JSON");
    let faults = Schema::cells()
        .read::<CellFile>(&document)
        .expect_err("a float");
    assert_eq!(faults[0].line, 2);
    assert!(
        faults[0].message.contains("floating point"),
        "{}",
        faults[0].message
    );
}
