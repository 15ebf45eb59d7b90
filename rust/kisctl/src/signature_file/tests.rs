// SPDX-License-Identifier: GPL-2.0

use super::*;
use kis_core::matching::signatures::Signatures;
use serde_json::{
    json,
    Value, //
};

fn read(value: &Value) -> Result<Compiled, Faults> {
    let text = serde_json::to_vec_pretty(value).expect("JSON");
    let document = Document::parse("s.json", text)?;
    let file = Schema::signatures().read(&document)?;
    compile(&document, file)
}

fn good() -> Value {
    json!({"version": 1, "signatures": [
        {"id": 1002, "type": 1, "message": "second", "pattern": "def", "cell": "redis",
            "protocol": "tcp", "ports": [6379, "7000-7005"],
            "threshold": {"type": "both", "track": "by_src", "count": 5, "seconds": 60},
            "parts": [{"in": "stream", "pattern": "de"}]},
        {"id": 1001, "revision": 7, "type": 2, "message": "first", "pattern": "abc", "ban_s": 60},
    ]})
}

#[test]
fn image_has_what_the_file_has_in_the_order_of_ids() {
    let compiled = read(&good()).expect("a good file");
    let bytes = image(&compiled).expect("an image");
    let signatures = Signatures::verify(&bytes[..]).expect("a verified image");
    let all: Vec<_> = signatures
        .iter()
        .map(|s| {
            (
                s.id(),
                s.revision(),
                s.kind(),
                s.message().to_vec(),
                s.ban_s(),
            )
        })
        .collect();
    assert_eq!(
        all,
        [
            (1001, 7, 2, b"first".to_vec(), 60),
            (1002, 1, 1, b"second".to_vec(), 0)
        ]
    );
    let second = signatures.get(1).expect("a signature");
    let at = |protocol, port| second.is_at(protocol, port);
    assert!(at(6, 6379) && at(6, 7005) && !at(6, 7006) && !at(17, 6379) && !at(0, 0));
    assert!(signatures.get(0).expect("a signature").is_at(0, 0));
    let mut progress = signatures.begin();
    let mut hits = Vec::new();
    let _ = signatures.scan(&mut progress, b"xabcdef", |hit| {
        hits.push((signatures.get(hit.sig).map(|s| s.id()), hit.end));
        std::ops::ControlFlow::Continue(())
    });
    assert_eq!(hits, [(Some(1001), 4), (Some(1002), 7)]);
}

#[test]
fn each_rule_is_told_at_its_place() {
    for (pointer, value, at, want) in [
        ("/version", json!(2), "/version", "2 is not 1"),
        (
            "/signatures",
            json!([]),
            "/signatures",
            "the list has less than 1",
        ),
        (
            "/signatures",
            json!({}),
            "/signatures",
            "{} is an object, not a list",
        ),
        (
            "/signatures/0/id",
            json!(0),
            "/signatures/0/id",
            "0 is less than 1",
        ),
        (
            "/signatures/0/id",
            json!(4_294_967_296_u64),
            "/signatures/0/id",
            "4294967296 is more than 4294967295",
        ),
        (
            "/signatures/1/id",
            json!(1002),
            "/signatures/1/id",
            "1002 is the id of /signatures/0 too",
        ),
        (
            "/signatures/1/revision",
            json!(-1),
            "/signatures/1/revision",
            "-1 is less than 1",
        ),
        (
            "/signatures/0/type",
            json!(3),
            "/signatures/0/type",
            "3 is not one of 1, 2",
        ),
        (
            "/signatures/0/message",
            json!(""),
            "/signatures/0/message",
            "\"\" is shorter than 1",
        ),
        (
            "/signatures/0/message",
            json!("a\u{1b}[2J"),
            "/signatures/0/message",
            "the message is longer than 127 bytes or has a control character",
        ),
        (
            "/signatures/0/message",
            json!("\u{e9}".repeat(64)),
            "/signatures/0/message",
            "the message is longer than 127 bytes or has a control character",
        ),
        (
            "/signatures/0/pattern",
            json!("x$"),
            "/signatures/0/pattern",
            "signature 1002: the pattern looks at the end of a line or text ($ or \\z)",
        ),
        (
            "/signatures/0/pattern",
            json!("a^b"),
            "/signatures/0/pattern",
            "signature 1002: the pattern can never match",
        ),
        (
            "/signatures/0/pattern",
            json!(7),
            "/signatures/0/pattern",
            "7 is an integer, not a string",
        ),
        (
            "/signatures/0/cell",
            json!("Redis"),
            "/signatures/0/cell",
            "\"Redis\" is not written as it has to be",
        ),
        (
            "/signatures/0/protocol",
            json!("sctp"),
            "/signatures/0/protocol",
            "\"sctp\" is not one of \"tcp\", \"udp\"",
        ),
        (
            "/signatures/0/threshold/type",
            json!("backoff"),
            "/signatures/0/threshold/type",
            "\"backoff\" is not one of \"limit\", \"threshold\", \"both\", \"detection_filter\"",
        ),
        (
            "/signatures/0/threshold/seconds",
            json!(604_801),
            "/signatures/0/threshold/seconds",
            "604801 is more than 604800",
        ),
        (
            "/signatures/0/ports",
            json!([0]),
            "/signatures/0/ports/0",
            "0 is less than 1",
        ),
        (
            "/signatures/0/ports/1",
            json!("7005-7000"),
            "/signatures/0/ports/1",
            "signature 1002: 7005-7000 are no ports",
        ),
        (
            "/signatures/0/ports/1",
            json!("1-65536"),
            "/signatures/0/ports/1",
            "signature 1002: 1-65536 are no ports",
        ),
        (
            "/signatures/0/ports/1",
            json!("http"),
            "/signatures/0/ports/1",
            "\"http\" is not written as it has to be",
        ),
        (
            "/signatures/0/ports/1",
            json!(1.5),
            "/signatures/0/ports/1",
            "1.5 is a number with a fraction, not an integer or a string",
        ),
        (
            "/signatures/1/ban_s",
            json!(2_592_001),
            "/signatures/1/ban_s",
            "2592001 is more than 2592000",
        ),
    ] {
        let mut file = good();
        *file.pointer_mut(pointer).expect("a place") = value;
        let faults = read(&file).expect_err(pointer);
        assert_eq!((&*faults[0].pointer, &*faults[0].message), (at, want));
        assert!(!faults[0].next.is_empty());
    }
    let mut file = good();
    file["signatures"][1]["patern"] = json!("x");
    let faults = read(&file).expect_err("an unknown key");
    assert_eq!(faults[0].message, "unknown key \"patern\"");
    assert_eq!(faults[0].next, "did you mean \"pattern\"?");
    let mut file = good();
    file["signatures"][1] = json!({"id": 5, "type": 1, "message": "m"});
    let faults = read(&file).expect_err("a missing key");
    assert_eq!(
        (&*faults[0].pointer, &*faults[0].message),
        (
            "/signatures/1",
            "signature 5: it looks for nothing that has to be there"
        )
    );
}

#[test]
fn schema_and_types_know_the_same_keys_and_defaults() {
    let schema = Schema::signatures();
    let keys = |value: &Value| -> Vec<String> {
        let mut keys: Vec<String> = value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect();
        keys.sort();
        keys
    };
    let written = serde_json::to_value(read(&good()).expect("a good file").file).expect("JSON");
    let properties = &schema.value()["$defs"]["signature"]["properties"];
    // The second signature by id has every key, the first has no cell and no ports.
    assert_eq!(keys(&written["signatures"][1]), keys(properties));
    let mut whole = keys(&written);
    whole.insert(0, "$schema".to_owned());
    assert_eq!(whole, keys(&schema.value()["properties"]));
    let plain = json!({"version": 1, "signatures": [
        {"id": 1, "type": 1, "message": "m", "pattern": "a"}
    ]});
    let plain = serde_json::to_value(read(&plain).expect("a good file").file).expect("JSON");
    for key in ["revision", "ban_s"] {
        assert_eq!(plain["signatures"][0][key], properties[key]["default"]);
    }
}
