// SPDX-License-Identifier: GPL-2.0

use super::*;
use crate::{
    device::Stored,
    profile_file::Saved, //
};
use kis_core::{
    sense::novelty::Novelty,
    wire::abi::{
        Cause,
        ScanKind,
        FLAG_LEARNING, //
    },
    wire::record::{
        BanDrop,
        Calm,
        Crossing,
        Head,
        Id,
        Operation,
        Scanned,
        Window, //
    }, //
};

fn context() -> Context {
    Context {
        boot_id: Some("4b7ea6a5-0f33-4b1a-9d7f-1f0f5a6b7c8d".to_owned()),
        messages: HashMap::from([((1001, 2), "redis: CONFIG SET dir".to_owned())]),
        learned: None,
    }
}

/// Of the cell "redis", by nobody.
fn quiet(kind: RecordType, cause: Cause) -> Head {
    let mut head = Head {
        id: Id::new(0, 4711).get(),
        mono_ns: 12_345_678_901,
        wall_ns: 1_763_716_000_123_456_789,
        kind: kind as u16,
        cause: cause as u16,
        cell: 1,
        generation: 3,
        mode: 1,
        ..Head::ZERO
    };
    head.set_cell_name(b"redis");
    head
}

/// The same, by a process.
fn head(kind: RecordType, cause: Cause) -> Head {
    let mut head = Head {
        pid: 812,
        tid: 813,
        uid: 107,
        start_ns: 5_000_000_000,
        ..quiet(kind, cause)
    };
    head.set_comm(b"redis-server");
    head
}

fn stored(head: Head, body: impl Into<Body>, data: &[u8]) -> Stored {
    Stored::new(&Record::new(head, body, data))
}

fn breach() -> Stored {
    let head = Head {
        action: Action::DENY.bits(),
        flags: FLAG_APPLIED | FLAG_DANGER_ONE,
        ..head(RecordType::DangerTwo, Cause::Tree)
    };
    let path = b"/root/.ssh/authorized_keys";
    stored(head, Operation::new(Op::Create, 3, None), path)
}

/// Something new to the self.
fn new(kind: RecordType, class: Class, domain: Domain, flags: u16, name: &[u8]) -> Stored {
    let head = Head {
        flags,
        ..head(kind, Cause::SelfDir)
    };
    let operation = Operation::new(Op::Create, 1, Some((class, domain)));
    stored(head, operation, name)
}

fn hit(found: Match) -> Stored {
    let head = Head {
        action: Action::KILL.with(Action::BAN).bits(),
        mode: 0,
        ..quiet(RecordType::DangerTwo, Cause::Signature)
    };
    stored(head, found, b"CONFIG SET dir /root\r\n\xff")
}

fn tcp() -> Match {
    let mut found = Match {
        sig_id: 1001,
        sig_rev: 2,
        offset: 57,
        owner_pid: 812,
        owner_start_ns: 5_000_000_000,
        nth: 1,
        family: AF_INET,
        proto: 6,
        rport: 40_000,
        lport: 6379,
        ..Match::ZERO
    };
    found.raddr[..4].copy_from_slice(&[10, 0, 2, 2]);
    found.laddr[..4].copy_from_slice(&[10, 0, 2, 15]);
    found
}

fn crossing(flags: u16) -> Stored {
    let head = Head {
        flags,
        ..head(RecordType::DangerOne, Cause::Threshold)
    };
    let crossing = Crossing {
        param: Param::FilesCreated as u16,
        observed: 9,
        mean: 1 << 15,
        deviation: 1 << 14,
        threshold: 5,
        windows: 60,
        minimum: 0,
        peak: 3,
        median: 1,
        p90: 2,
        p99: 3,
        one: 5,
        two: 12,
        load: 40,
        stretch: 1,
        over_ms: 1000,
        ..Crossing::ZERO
    };
    stored(head, crossing, b"")
}

/// A sum of many windows that is above its line.
fn sum() -> Stored {
    let crossing = Crossing {
        param: Param::BytesOut as u16,
        observed: 900_000,
        mean: 300_000 << 16,
        threshold: 800_000,
        windows: 6,
        minimum: 200_000,
        peak: 350_000,
        one: 800_000,
        two: u64::MAX,
        load: 400,
        stretch: 30,
        over_ms: 30_000,
        ..Crossing::ZERO
    };
    stored(
        quiet(RecordType::DangerOne, Cause::Threshold),
        crossing,
        b"",
    )
}

/// A peer that was sent more than any ever was.
fn greedy() -> Stored {
    let mut crossing = Crossing {
        param: Param::MessagesOut as u16,
        observed: 900,
        threshold: 800,
        windows: 6,
        peak: 300,
        one: 800,
        two: u64::MAX,
        load: 50,
        stretch: 30,
        over_ms: 3000,
        family: AF_INET,
        ..Crossing::ZERO
    };
    crossing.address[..4].copy_from_slice(&[192, 0, 2, 7]);
    stored(head(RecordType::DangerOne, Cause::Threshold), crossing, b"")
}

/// An event, which is as its schema says.
fn json(stored: &Stored) -> serde_json::Value {
    let value = serde_json::to_value(Event::new(&stored.record(), &context())).expect("JSON");
    let text = include_str!("../../../../Documentation/schema/kis-output.schema.json");
    let mut schema: serde_json::Value = serde_json::from_str(text).expect("JSON");
    schema["$ref"] = "#/$defs/alerts".into();
    // It is a report of its own elsewhere.
    schema["$defs"]["cell show"] = true.into();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let faults: Vec<String> = validator
        .iter_errors(&value)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(faults, Vec::<String>::new(), "{value}");
    value
}

fn explain(stored: &Stored) -> Vec<String> {
    sentence::explain(&stored.record(), &context())
}

fn summary(stored: &Stored) -> String {
    sentence::summary(&stored.record(), &context())
}

/// The golden text of an event; `Documentation/kisctl.8` shows this one.
#[test]
fn json_of_a_match_is_stable() {
    let event = Event::new(&hit(tcp()).record(), &context());
    assert_eq!(
        serde_json::to_string(&event).expect("JSON"),
        r#"{"schema_version":2,"id":4824064,"time":"2025-11-21T09:06:40.123456789Z","mono_ns":12345678901,"boot_id":"4b7ea6a5-0f33-4b1a-9d7f-1f0f5a6b7c8d","event_type":"kis_danger_two","cell":"redis","cell_id":1,"generation":3,"pid":812,"start_ns":5000000000,"signal":"two","cause":"signature","op":"receive","action":"kill+ban","nth":1,"applied":false,"mode":"observe","phase":"ready","danger_one":false,"danger_two":false,"kept_out":false,"signature":{"id":1001,"revision":2,"message":"redis: CONFIG SET dir"},"offset":57,"src_ip":"10.0.2.2","src_port":40000,"dest_ip":"10.0.2.15","dest_port":6379,"proto":"TCP","excerpt":"CONFIG SET dir /root\\r\\n\\xff","excerpt_base64":"Q09ORklHIFNFVCBkaXIgL3Jvb3QNCv8="}"#
    );
}

#[test]
fn json_has_only_what_the_record_has() {
    let event = json(&breach());
    assert_eq!(event["path"], "/root/.ssh/authorized_keys");
    assert_eq!(event["path_cut"], false);
    assert_eq!(event["applied"], true);
    assert_eq!(event["op"], "create");
    assert_eq!(event["nth"], 3);
    assert_eq!(
        (&event["tid"], &event["uid"], &event["comm"]),
        (&813.into(), &107.into(), &"redis-server".into())
    );
    for absent in [
        "param",
        "signature",
        "src_ip",
        "excerpt",
        "value",
        "values",
        "offset",
        "dropped",
        "body",
        "data_base64",
    ] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    let event = json(&crossing(0));
    assert_eq!(event["param"], "files_created");
    assert_eq!(event["observed"], 9);
    assert_eq!(event["mean"], 0.5);
    assert_eq!(event["deviation"], 0.25);
    assert_eq!(event["threshold"], 5);
    assert_eq!(event["n"], 60);
    for (name, want) in [
        ("minimum", 0),
        ("median", 1),
        ("p90", 2),
        ("p99", 3),
        ("peak", 3),
        ("threshold_one", 5),
        ("threshold_two", 12),
        ("load", 40),
        ("stretch", 1),
        ("over_ms", 1000),
    ] {
        assert_eq!(event[name], want, "{name}");
    }
    let event = json(&sum());
    for (name, want) in [
        ("n", 6),
        ("minimum", 200_000),
        ("peak", 350_000),
        ("stretch", 30),
        ("over_ms", 30_000),
    ] {
        assert_eq!(event[name], want, "{name}");
    }
    assert!(event["threshold_two"].is_null());
    for absent in ["deviation", "median", "p90", "p99"] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    let event = json(&greedy());
    assert_eq!(event["param"], "peer_messages_out");
    assert_eq!(event["src_ip"], "192.0.2.7");
    let mut values = [0; Param::COUNT];
    values[Param::Accepts.index()] = 12;
    let head = quiet(RecordType::Window, Cause::None);
    let event = json(&stored(head, Window::ZERO, &Window::data(&values)));
    assert_eq!(event["values"]["accepts"], 12);
    assert_eq!(event["event_type"], "kis_window");
    assert!(event.get("path").is_none() && event.get("pid").is_none());
}

#[test]
fn unknown_numbers_are_shown_as_numbers() {
    let head = Head {
        kind: 999,
        cause: 99,
        mode: 77,
        ..head(RecordType::Calm, Cause::None)
    };
    let body = Operation {
        op: 88,
        ..Operation::ZERO
    };
    let strange = stored(head, body, b"/x");
    let event = Event::new(&strange.record(), &context());
    assert_eq!(event.event_type, "kis_type_999");
    assert_eq!(
        (&*event.cause, &*event.op, event.mode),
        ("cause_99", "op_88", "unknown")
    );
    // A type that is not known still has a body that is.
    assert_eq!(event.path.as_deref(), Some("/x"));
    assert!(!explain(&strange).is_empty());
    let crossing = Crossing {
        param: 200,
        observed: 7,
        ..Crossing::ZERO
    };
    let crossing = stored(head, crossing, b"");
    assert_eq!(json(&crossing)["param"], "param_200");
    assert!(explain(&crossing).iter().any(|line| line.contains("200")));
}

#[test]
fn bodies_of_newer_modules_are_shown_as_bytes() {
    let head = Head {
        kind: 999,
        ..head(RecordType::Calm, Cause::None)
    };
    let newer = stored(head, Body::Unknown(77), b"\x01\x02\x03");
    let event = json(&newer);
    assert_eq!(
        (&event["body"], &event["data_base64"]),
        (&"body_77".into(), &"AQID".into())
    );
    assert_eq!((&event["op"], &event["pid"]), (&"none".into(), &812.into()));
    assert_eq!(summary(&newer), "body 77 with 3 bytes by redis-server[812]");
    assert!(explain(&newer).iter().any(|line| line.contains("AQID")));
}

#[test]
fn of_a_connection_only_the_process_is_known() {
    let event = json(&hit(tcp()));
    assert_eq!(
        (&event["pid"], &event["start_ns"]),
        (&812.into(), &5_000_000_000_u64.into())
    );
    for unknown in ["tid", "uid", "comm"] {
        assert!(event.get(unknown).is_none(), "{unknown}");
    }
    assert!(summary(&hit(tcp())).contains(" to process 812 -> "));
    assert_eq!(
        explain(&hit(tcp()))[1],
        "The connection was accepted by process 812, started 5000 ms after boot."
    );
    let unknown = hit(Match {
        owner_pid: 0,
        ..tcp()
    });
    assert!(json(&unknown).get("pid").is_none());
    assert!(!summary(&unknown).contains("process"));
}

#[test]
fn a_unix_connection_has_no_addresses() {
    let unix = hit(Match {
        family: AF_UNIX,
        proto: 0,
        ..tcp()
    });
    let event = json(&unix);
    assert_eq!(event["proto"], "UNIX");
    assert!(event.get("src_ip").is_none() && event.get("dest_port").is_none());
    assert!(explain(&unix).contains(&"The connection is a UNIX socket.".to_owned()));
}

#[test]
fn explanation_of_a_match_has_all_numbers() {
    assert_eq!(
        explain(&hit(tcp())),
        [
            "Record 4824064, 2025-11-21T09:06:40.123456789Z: Danger signal two was raised in cell \"redis\" (configuration 3).",
            "The connection was accepted by process 812, started 5000 ms after boot.",
            "Signature 1001 revision 2 (\"redis: CONFIG SET dir\") matched; its last byte is byte 57 of the stream.",
            "The connection is TCP from 10.0.2.2:40000 to 10.0.2.15:6379.",
            "Received before its end: \"CONFIG SET dir /root\\r\\n\\xff\".",
            "The cell had learned its self; danger signal one was down, two was down.",
            "Decided: reset the connection before the bytes are read and ban the peer for a while. That was not carried out: the mode was observe, which records only.",
        ]
    );
}

#[test]
fn what_is_new_to_the_self_is_named_in_its_general_form() {
    let path = b"/var/lib/redis/dump-17.rdb\n";
    let made = new(RecordType::DangerTwo, Class::Write, Domain::User, 0, path);
    let event = json(&made);
    assert_eq!(
        (
            &event["class"],
            &event["domain"],
            &event["item"],
            &event["path"]
        ),
        (
            &"write".into(),
            &"user".into(),
            &"/var/lib/redis/dump-#.rdb\\n".into(),
            &"/var/lib/redis/dump-17.rdb\\n".into(),
        )
    );
    assert_eq!(
        summary(&made),
        "create /var/lib/redis/dump-17.rdb\\n: new to the self: write /var/lib/redis/dump-#.rdb\\n (as user) by redis-server[812]"
    );
    let mut context = context();
    let told = |context: &Context| sentence::explain(&made.record(), context)[3..5].to_vec();
    let new = "It is new to the self: write /var/lib/redis/dump-#.rdb\\n (as user).";
    assert_eq!(told(&context)[0], new);
    for (once, lost, want) in [
        (
            0,
            0,
            "Of class write it knows 4 items from 100 windows; something new is to be expected 0.00 times a day: it is a surprise.",
        ),
        (
            4,
            0,
            "Of class write it knows 4 items from 100 windows; something new is to be expected 3432.84 times a day: it is no surprise.",
        ),
        (
            0,
            9,
            "Of class write it knows 4 items from 100 windows; 9 more found no room, so something new says little.",
        ),
    ] {
        context.learned = Some(Growth {
            class: Class::Write,
            novelty: Novelty {
                windows: 100,
                items: 4,
                once,
                twice: 0,
                lost,
            },
            kept_out: 0,
            window_ms: 1000,
        });
        assert_eq!(told(&context), [new, want]);
    }
}

#[test]
fn attempted_training_is_told_with_what_was_kept_out() {
    let shell = b"/usr/sbin/nginx -> /bin/sh";
    let flags = FLAG_LEARNING | FLAG_KEPT_OUT;
    let mut head = quiet(RecordType::DangerOne, Cause::Unexpected);
    head.flags = flags;
    let operation = Operation::new(Op::Exec, 1, Some((Class::Program, Domain::User)));
    let tried = stored(head, operation, shell);
    let event = json(&tried);
    assert_eq!(
        (&event["cause"], &event["kept_out"], &event["item"]),
        (
            &"unexpected".into(),
            &true.into(),
            &"/usr/sbin/nginx -> /bin/sh".into()
        )
    );
    assert!(summary(&tried).starts_with(
        "exec /usr/sbin/nginx -> /bin/sh: attempted training, not learned: program /usr/sbin/nginx -> /bin/sh (as user)"
    ));
    let kept =
        "The cell learned and this was kept out, as attempted training: it is not of the self.";
    let mut context = context();
    context.learned = Some(Growth::of(&Saved::new().repertoire, Class::Program, 1000));
    let told = sentence::explain(&tried.record(), &context);
    let item =
        "It is nothing that the cell file expects: program /usr/sbin/nginx -> /bin/sh (as user).";
    assert!(told.contains(&item.to_owned()) && told.contains(&kept.to_owned()));
    assert!(!told.iter().any(|sentence| sentence.contains("surprise")));
    let plain = crossing(0);
    let Body::Crossing(numbers) = plain.record().body else {
        panic!("no crossing");
    };
    let mut head = quiet(RecordType::DangerTwo, Cause::Bound);
    assert!(!summary(&stored(head, numbers, b"")).contains("training"));
    head.flags = flags;
    let beyond = stored(head, numbers, b"");
    assert_eq!(
        summary(&beyond),
        "files_created 9 over its bound 5: attempted training, not learned"
    );
    assert!(explain(&beyond).contains(&kept.to_owned()));
    assert_eq!(json(&beyond)["kept_out"], true);
}

#[test]
fn what_is_new_and_was_cut_has_no_item() {
    let cut = new(
        RecordType::DangerOne,
        Class::Read,
        Domain::Root,
        FLAG_PATH_CUT,
        b"d/x\xff",
    );
    let event = json(&cut);
    assert_eq!(
        (&event["class"], &event["domain"]),
        (&"read".into(), &"root".into())
    );
    assert!(event.get("item").is_none());
    assert!(summary(&cut).contains("new to the self: read ...d/x\\xff (as root)"));
    // A veto says what it was about, too.
    let mut veto = new(
        RecordType::Veto,
        Class::Peer,
        Domain::User,
        0,
        b"tcp 10.0.0.1:9",
    );
    assert_eq!(json(&veto)["item"], "tcp 10.0.0.1:9");
    let plain = head(RecordType::Veto, Cause::Danger);
    veto = stored(plain, Operation::new(Op::Exec, 1, None), b"/bin/sh");
    assert!(json(&veto).get("class").is_none());
}

#[test]
fn explanation_of_a_crossing_has_all_numbers() {
    assert_eq!(
        explain(&crossing(0))[2..],
        [
            "Parameter files_created reached 9 in its window; the learned threshold is 5.",
            "Learned over 60 windows: 0 to 3, half up to 1, 90 % up to 2, 99 % up to 3; mean 0.50, deviation 0.25; the value lies 34.0 deviations above the mean.",
            "In that window, with 40 deliveries and accepted connections so far, danger signal one begins above 5, two above 12.",
            "The cell had learned its self; danger signal one was down, two was down.",
            "Decided: nothing to be done to the process.",
        ]
    );
    assert!(explain(&crossing(FLAG_LEARNING))[5].contains("was still learning"));
    assert_eq!(
        explain(&greedy())[2..5],
        [
            "Parameter peer_messages_out added up to 900 in 3 s; the learned threshold is 800.",
            "Learned over 6 times 30 windows: 0 to 300, mean 0.00.",
            "While all others were sent 50 in that time, danger signal one begins above 800.",
        ]
    );
    assert!(explain(&greedy()).contains(&"The peer is 192.0.2.7.".to_owned()));
    assert_eq!(
        explain(&sum())[1..4],
        [
            "Parameter bytes_out added up to 900000 B in 30 s; the learned threshold is 800000 B.",
            "Learned over 6 times 30 windows: 200000 to 350000 B, mean 300000.00 B.",
            "In those, with 400 deliveries and accepted connections so far, danger signal one begins above 800000 B, two at no value.",
        ]
    );
}

#[test]
fn explanation_of_a_breach_names_operation_and_path() {
    assert_eq!(
        explain(&breach()),
        [
            "Record 4824064, 2025-11-21T09:06:40.123456789Z: Danger signal two was raised in cell \"redis\" (configuration 3).",
            "It was process 812 (\"redis-server\", thread 813, user 107), started 5000 ms after boot.",
            "The operation was create of \"/root/.ssh/authorized_keys\".",
            "The path lies outside of every prefix that the cell file allows for it.",
            "The cell had learned its self; danger signal one was up, two was down.",
            "Decided: deny the call with EPERM. That was carried out: the mode was enforce.",
        ]
    );
}

#[test]
fn line_of_each_kind_is_short() {
    let line = |stored: &Stored| {
        let (head, title) = sentence::head(&stored.record());
        format!("{head} {title} {}", summary(stored))
    };
    assert_eq!(
        line(&breach()),
        "2025-11-21T09:06:40.123Z #4824064 redis DANGER TWO create /root/.ssh/authorized_keys: outside the allowed paths by redis-server[812] -> deny (done)"
    );
    assert_eq!(
        line(&hit(tcp())),
        "2025-11-21T09:06:40.123Z #4824064 redis DANGER TWO signature 1001 rev 2 \"redis: CONFIG SET dir\" at byte 57 from 10.0.2.2:40000 to process 812 -> kill+ban (only observed)"
    );
    assert_eq!(
        line(&crossing(0)),
        "2025-11-21T09:06:40.123Z #4824064 redis DANGER ONE files_created 9 over its threshold 5 by redis-server[812]"
    );
    assert_eq!(
        line(&sum()),
        "2025-11-21T09:06:40.123Z #4824064 redis DANGER ONE bytes_out 900000 in 30 s over its threshold 800000"
    );
    assert_eq!(
        line(&greedy()),
        "2025-11-21T09:06:40.123Z #4824064 redis DANGER ONE peer_messages_out 900 in 3 s over its threshold 800 to 192.0.2.7 by redis-server[812]"
    );
    let phase = PhaseSet {
        phase: 1,
        windows_needed: 60,
    };
    let phase = stored(quiet(RecordType::Phase, Cause::None), phase, b"");
    assert_eq!(
        line(&phase),
        "2025-11-21T09:06:40.123Z #4824064 redis PHASE now ready"
    );
    assert_eq!(json(&phase)["value"], 1);
}

#[test]
fn changes_by_the_officer_are_told_in_words() {
    let change = |command| Control {
        command,
        ..Control::ZERO
    };
    let mut ban = Control {
        ttl_ms: 60_000,
        family: AF_INET,
        ..change(uapi::KIS_CMD_BAN_ADD)
    };
    ban.address[..4].copy_from_slice(&[10, 0, 2, 2]);
    for (change, value, want) in [
        (
            Control {
                mode: 1,
                ..change(uapi::KIS_CMD_MODE_SET)
            },
            1,
            "mode enforce",
        ),
        (ban, 60_000, "ban for 1 min 0 s from 10.0.2.2"),
        (
            Control {
                count: 2,
                ..change(uapi::KIS_CMD_IMAGE_COMMIT)
            },
            2,
            "2 cells loaded",
        ),
        (
            Control {
                count: 5,
                image: uapi::KIS_IMAGE_KIND_SIGNATURES,
                ..change(uapi::KIS_CMD_IMAGE_COMMIT)
            },
            5,
            "5 signatures loaded",
        ),
        (
            Control {
                image: uapi::KIS_IMAGE_KIND_PROFILE,
                ..change(uapi::KIS_CMD_IMAGE_COMMIT)
            },
            0,
            "a profile was given to the cell",
        ),
        (
            change(uapi::KIS_CMD_PROFILE_RESET),
            0,
            "what was learned is forgotten",
        ),
        (change(uapi::KIS_CMD_CELL_UNLOAD), 0, "all cells unloaded"),
        (change(99), 0, "command_99"),
    ] {
        let told = stored(head(RecordType::Control, Cause::Officer), change, b"");
        assert_eq!(summary(&told), format!("{want} by redis-server[812]"));
        let event = Event::new(&told.record(), &context());
        assert!(event.command.is_some());
        assert_eq!(event.value, Some(value));
    }
    let accepted = Control {
        image: Class::Create as u32 | 256,
        ..change(uapi::KIS_CMD_PROFILE_ACCEPT)
    };
    let by_officer = head(RecordType::Control, Cause::Officer);
    let told = stored(by_officer, accepted, b"/srv/a\nb");
    assert_eq!(
        summary(&told),
        "accepted into the self: create /srv/a\\nb (as root) by redis-server[812]"
    );
    let event = json(&told);
    assert_eq!(
        (
            &event["command"],
            &event["class"],
            &event["domain"],
            &event["item"]
        ),
        (
            &"profile_accept".into(),
            &"create".into(),
            &"root".into(),
            &"/srv/a\\nb".into(),
        )
    );
    for (calm, value, want) in [
        (Calm { one: 1, two: 0 }, 1, "one over"),
        (Calm { one: 0, two: 1 }, 2, "two over"),
        (Calm { one: 1, two: 1 }, 3, "one and two over"),
    ] {
        let told = stored(quiet(RecordType::Calm, Cause::None), calm, b"");
        assert_eq!(summary(&told), want);
        assert_eq!(json(&told)["value"], value);
    }
}

#[test]
fn dropped_packets_are_told_with_their_sender() {
    let mut drop = BanDrop {
        dropped: 4,
        family: AF_INET,
        ..BanDrop::ZERO
    };
    drop.address[..4].copy_from_slice(&[10, 0, 2, 2]);
    let head = Head {
        kind: RecordType::BanDrop as u16,
        action: Action::BAN.bits(),
        ..Head::ZERO
    };
    let told = stored(head, drop, b"");
    let event = json(&told);
    assert_eq!(
        (&event["src_ip"], &event["dropped"]),
        (&"10.0.2.2".into(), &4.into())
    );
    for unknown in ["src_port", "dest_ip", "proto", "cell"] {
        assert!(event.get(unknown).is_none(), "{unknown}");
    }
    let lines = explain(&told);
    assert!(lines.contains(&"Packets dropped under this ban until then: 4.".to_owned()));
    assert!(lines.contains(&"The peer is 10.0.2.2.".to_owned()));
}

/// A scan that was told 7 s after its first probe.
fn scan(kind: ScanKind, action: Action) -> Stored {
    let mut scan = Scanned {
        first_ns: 5_345_678_901,
        last_ns: 12_345_678_901,
        lost: 2,
        probes: 20,
        targets: 17,
        sources: 1,
        nth: 3,
        seconds: 10,
        ban_s: 600,
        kind: kind as u16,
        kinds: kind.bit() | ScanKind::Udp.bit(),
        family: AF_INET,
        spoofable: u8::from(action.is_pass()),
        ..Scanned::ZERO
    };
    scan.source[..4].copy_from_slice(&[192, 0, 2, 7]);
    scan.target[..4].copy_from_slice(&[10, 0, 2, 15]);
    let head = Head {
        kind: RecordType::Scan as u16,
        action: action.bits(),
        flags: if action.is_pass() { 0 } else { FLAG_APPLIED },
        mono_ns: 12_345_678_901,
        wall_ns: 1_763_716_000_123_456_789,
        mode: 1,
        ..Head::ZERO
    };
    let ports: Vec<u16> = (1..=16).collect();
    stored(head, scan, &Scanned::data(&ports))
}

#[test]
fn a_scan_is_told_with_all_that_is_known() {
    let told = scan(ScanKind::Syn, Action::PASS);
    let event = json(&told);
    assert_eq!(event["event_type"], "kis_scan");
    assert_eq!(
        event["scan"],
        serde_json::json!({
            "kind": "syn", "kinds": ["syn", "udp"], "horizon_s": 10, "targets": 17, "probes": 20, "sources": 1,
            "nth": 3, "first": "2025-11-21T09:06:33.123456789Z", "last": "2025-11-21T09:06:40.123456789Z",
            "ports": (1..=16).collect::<Vec<u16>>(), "spoofable": true, "again": false, "lost": 2,
        })
    );
    assert_eq!(
        (&event["src_ip"], &event["dest_ip"], &event["proto"]),
        (&"192.0.2.7".into(), &"10.0.2.15".into(), &"TCP".into())
    );
    for unknown in ["src_port", "dest_port", "cell", "pid"] {
        assert!(event.get(unknown).is_none(), "{unknown}");
    }
    assert_eq!(
        summary(&told),
        "SYN or connect scan: 17 targets in 10 s, ports 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 ..., \
         maybe forged from 192.0.2.7"
    );
    let lines = explain(&told).join("\n");
    for said in [
        "Somebody scanned the host",
        "It sent 20 probes at 17 different targets at least, from 2025-11-21T09:06:33",
        "Kinds of its probes: syn and udp.",
        "somebody else may have sent this in its name",
        "It is number 3 of the scans",
        "2 sources that had probed three targets",
        "The peer is 192.0.2.7.",
    ] {
        assert!(lines.contains(said), "{said}\n{lines}");
    }
    let banned = scan(ScanKind::Udp, Action::BAN);
    let event = json(&banned);
    assert_eq!(
        (&event["scan"]["ban_s"], &event["proto"]),
        (&600.into(), &"UDP".into())
    );
    assert!(summary(&banned).ends_with("from 192.0.2.7 -> ban (done)"));
    assert!(explain(&banned)
        .join(" ")
        .contains("has completed a handshake"));
    let many = scan(ScanKind::Distributed, Action::PASS);
    assert!(json(&many).get("src_ip").is_none());
    assert_eq!(summary(&many), "scan by many: 17 targets in 10 s, 1 source");
    // Of a kind that a newer module knows.
    let mut newer = *scan(ScanKind::Syn, Action::PASS).head();
    newer.flags = 0;
    let body = Scanned {
        kind: 99,
        ..Scanned::ZERO
    };
    let newer = stored(newer, body, b"");
    assert_eq!(json(&newer)["scan"]["kind"], "kind_99");
    assert!(summary(&newer).starts_with("scan of an unknown kind"));
}

/// A record as EVE has it.
fn eve(stored: &Stored, payload: bool) -> Option<serde_json::Value> {
    let mut context = Context::default();
    context
        .messages
        .insert((1001, 2), "redis: CONFIG SET dir".to_owned());
    let alert = eve::Alert::new(&stored.record(), &context, payload)?;
    Some(serde_json::to_value(alert).expect("JSON"))
}

#[test]
fn a_match_is_an_alert_of_eve() {
    let alert = eve(&hit(tcp()), true).expect("an alert");
    assert_eq!(
        alert,
        serde_json::json!({
            "timestamp": "2025-11-21T09:06:40.123456+0000",
            "event_type": "alert",
            "src_ip": "10.0.2.2", "src_port": 40_000, "dest_ip": "10.0.2.15", "dest_port": 6379, "proto": "TCP",
            "community_id": "1:Sf7u1OTwrAl8BQqfpHFaY8vmE6E=",
            "alert": {
                "action": "allowed", "gid": 1, "signature_id": 1001, "rev": 2,
                "signature": "redis: CONFIG SET dir", "category": "Danger signal two", "severity": 1,
                "metadata": {"tag": ["kis_id=4824064", "kis_mode=observe", "kis_cause=signature", "kis_op=receive",
                    "kis_action=kill+ban", "kis_cell=redis", "kis_pid=812"]},
            },
            "verdict": {"action": "alert"},
            "payload": "Q09ORklHIFNFVCBkaXIgL3Jvb3QNCv8=",
            "payload_printable": "CONFIG SET dir /root\\r\\n\\xff",
        })
    );
    let quiet = eve(&hit(tcp()), false).expect("an alert");
    assert!(quiet.get("payload").is_none() && quiet.get("payload_printable").is_none());
}

#[test]
fn what_no_file_says_has_a_gid_of_its_own() {
    let of = |stored: &Stored| {
        let alert = eve(stored, true)?["alert"].clone();
        let number = |key: &str| alert[key].as_u64();
        Some((number("gid")?, number("signature_id")?, number("severity")?))
    };
    let op = 1000 + Op::Create as u64;
    assert_eq!(of(&breach()), Some((75, op, 1)));
    let alert = eve(&breach(), true).expect("an alert");
    assert_eq!(alert["alert"]["action"], "blocked");
    assert_eq!(alert["verdict"]["action"], "drop");
    assert!(alert.get("community_id").is_none() && alert.get("payload").is_none());
    let tags = alert["alert"]["metadata"]["tag"].as_array().expect("tags");
    assert!(tags.contains(&"kis_path=/root/.ssh/authorized_keys".into()));
    let counted = of(&crossing(0)).expect("an alert");
    assert!((2000..2100).contains(&counted.1) && counted.2 == 2);
    assert_eq!(of(&scan(ScanKind::Xmas, Action::PASS)), Some((75, 4004, 2)));
    let alert = eve(&scan(ScanKind::Udp, Action::BAN), true).expect("an alert");
    assert_eq!(
        (&alert["src_ip"], &alert["proto"], &alert["alert"]["action"]),
        (&"192.0.2.7".into(), &"UDP".into(), &"blocked".into())
    );
    let tags = alert["alert"]["metadata"]["tag"].as_array().expect("tags");
    for tag in [
        "kis_scan=udp",
        "kis_targets=17",
        "kis_spoofable=false",
        "kis_port=16",
    ] {
        assert!(tags.contains(&tag.into()), "{tag}");
    }
    // What is no danger is no alert.
    let calm = stored(quiet(RecordType::Phase, Cause::None), PhaseSet::ZERO, b"");
    assert_eq!(of(&calm), None);
}
