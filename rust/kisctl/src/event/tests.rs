// SPDX-License-Identifier: GPL-2.0

use super::*;
use kis_core::wire::abi::{
    Cause,
    FLAG_LEARNING,
    FLAG_PARAM, //
};

fn context() -> Context {
    Context {
        boot_id: Some("4b7ea6a5-0f33-4b1a-9d7f-1f0f5a6b7c8d".to_owned()),
        messages: HashMap::from([((1001, 2), "redis: CONFIG SET dir".to_owned())]),
    }
}

fn record(kind: RecordType, cause: Cause) -> Record {
    let mut record = Record::new();
    record.id = 4711;
    record.mono_ns = 12_345_678_901;
    record.wall_ns = 1_763_716_000_123_456_789;
    record.kind = kind as u16;
    record.cause = cause as u16;
    record.cell = 1;
    record.generation = 3;
    record.pid = 812;
    record.tid = 813;
    record.uid = 107;
    record.start_ns = 5_000_000_000;
    record.set_comm(b"redis-server");
    record.set_cell_name(b"redis");
    record.mode = 1;
    record
}

fn breach() -> Record {
    let mut record = record(RecordType::DangerTwo, Cause::Tree);
    record.op = Op::Create as u16;
    record.action = Action::DENY.bits();
    record.flags = FLAG_APPLIED | FLAG_DANGER_ONE;
    record.set_path(b"/root/.ssh/authorized_keys");
    record
}

fn matched() -> Record {
    let mut record = record(RecordType::DangerTwo, Cause::Signature);
    record.op = Op::Receive as u16;
    record.action = Action::KILL.with(Action::BAN).bits();
    record.mode = 0;
    record.flags = FLAG_CONN;
    record.sig_id = 1001;
    record.sig_rev = 2;
    record.offset = 57;
    record.family = AF_INET;
    record.proto = 6;
    record.raddr[..4].copy_from_slice(&[10, 0, 2, 2]);
    record.laddr[..4].copy_from_slice(&[10, 0, 2, 15]);
    record.rport = 40_000;
    record.lport = 6379;
    record.set_path(b"");
    record.set_excerpt(b"CONFIG SET dir /root\r\n\xff");
    record
}

fn crossing() -> Record {
    let mut record = record(RecordType::DangerOne, Cause::Threshold);
    record.flags = FLAG_PARAM;
    record.param = Param::FilesCreated as u16;
    record.observed = 9;
    record.mean = 1 << 15;
    record.deviation = 1 << 14;
    record.threshold = 5;
    record.n = 60;
    record
}

/// The golden text of an event; `Documentation/kisctl.8` shows this one.
#[test]
fn json_of_a_match_is_stable() {
    let event = Event::new(&matched(), &context());
    assert_eq!(
        serde_json::to_string(&event).expect("JSON"),
        r#"{"schema_version":1,"id":4711,"time":"2025-11-21T09:06:40.123456789Z","mono_ns":12345678901,"boot_id":"4b7ea6a5-0f33-4b1a-9d7f-1f0f5a6b7c8d","event_type":"kis_danger_two","cell":"redis","cell_id":1,"generation":3,"pid":812,"tid":813,"uid":107,"start_ns":5000000000,"comm":"redis-server","signal":"two","cause":"signature","op":"receive","action":"kill+ban","applied":false,"mode":"observe","phase":"ready","danger_one":false,"danger_two":false,"signature":{"id":1001,"revision":2,"message":"redis: CONFIG SET dir"},"offset":57,"src_ip":"10.0.2.2","src_port":40000,"dest_ip":"10.0.2.15","dest_port":6379,"proto":"TCP","excerpt":"CONFIG SET dir /root\\r\\n\\xff","excerpt_base64":"Q09ORklHIFNFVCBkaXIgL3Jvb3QNCv8="}"#
    );
}

#[test]
fn json_has_only_what_the_record_has() {
    let event = serde_json::to_value(Event::new(&breach(), &context())).expect("JSON");
    assert_eq!(event["path"], "/root/.ssh/authorized_keys");
    assert_eq!(event["path_cut"], false);
    assert_eq!(event["applied"], true);
    assert_eq!(event["op"], "create");
    for absent in [
        "param",
        "signature",
        "src_ip",
        "excerpt",
        "value",
        "values",
        "offset",
    ] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    let event = serde_json::to_value(Event::new(&crossing(), &context())).expect("JSON");
    assert_eq!(event["param"], "files_created");
    assert_eq!(event["observed"], 9);
    assert_eq!(event["mean"], 0.5);
    assert_eq!(event["deviation"], 0.25);
    assert_eq!(event["threshold"], 5);
    assert_eq!(event["n"], 60);
    let mut window = record(RecordType::Window, Cause::None);
    let mut values = [0; Param::COUNT];
    values[Param::Accepts.index()] = 12;
    window.set_window_values(&values);
    let event = serde_json::to_value(Event::new(&window, &context())).expect("JSON");
    assert_eq!(event["values"]["accepts"], 12);
    assert_eq!(event["event_type"], "kis_window");
    assert!(event.get("path").is_none());
}

#[test]
fn unknown_numbers_are_shown_as_numbers() {
    let mut strange = record(RecordType::Calm, Cause::None);
    strange.kind = 999;
    strange.cause = 99;
    strange.op = 88;
    strange.mode = 77;
    let event = Event::new(&strange, &context());
    assert_eq!(event.event_type, "kis_type_999");
    assert_eq!(
        (&*event.cause, &*event.op, event.mode),
        ("cause_99", "op_88", "unknown")
    );
    assert!(!sentence::explain(&strange, &context()).is_empty());
}

#[test]
fn of_a_connection_only_the_process_is_known() {
    let mut record = matched();
    record.tid = 0;
    record.uid = 0;
    record.comm = [0; 16];
    let event = serde_json::to_value(Event::new(&record, &context())).unwrap();
    assert_eq!(
        (&event["pid"], &event["start_ns"]),
        (&812.into(), &5_000_000_000_u64.into())
    );
    for unknown in ["tid", "uid", "comm"] {
        assert!(event.get(unknown).is_none(), "{unknown}");
    }
    assert!(sentence::summary(&record, &context()).contains(" to process 812 -> "));
    assert_eq!(
        sentence::explain(&record, &context())[1],
        "The connection was accepted by process 812, started 5000 ms after boot."
    );
}

#[test]
fn explanation_of_a_match_has_all_numbers() {
    assert_eq!(
        sentence::explain(&matched(), &context()),
        [
            "Record 4711, 2025-11-21T09:06:40.123456789Z: Danger signal two was raised in cell \"redis\" (configuration 3).",
            "It was process 812 (\"redis-server\", thread 813, user 107), started 5000 ms after boot.",
            "Signature 1001 revision 2 (\"redis: CONFIG SET dir\") matched; its last byte is byte 57 of the stream.",
            "The connection is TCP from 10.0.2.2:40000 to 10.0.2.15:6379.",
            "Received before its end: \"CONFIG SET dir /root\\r\\n\\xff\".",
            "The cell had learned its self; danger signal one was down, two was down.",
            "Decided: reset the connection before the bytes are read and ban the peer for a while. That was not carried out: the mode was observe, which records only.",
        ]
    );
}

#[test]
fn explanation_of_a_crossing_has_all_numbers() {
    let mut learning = crossing();
    learning.flags |= FLAG_LEARNING;
    assert_eq!(
        sentence::explain(&crossing(), &context())[2..],
        [
            "Parameter files_created reached 9 in its window; the learned threshold is 5.",
            "Learned over 60 windows: mean 0.50, deviation 0.25; the value lies 34.0 deviations above the mean.",
            "The cell had learned its self; danger signal one was down, two was down.",
            "Decided: nothing to be done to the process.",
        ]
    );
    assert!(sentence::explain(&learning, &context())[4].contains("was still learning"));
}

#[test]
fn explanation_of_a_breach_names_operation_and_path() {
    assert_eq!(
        sentence::explain(&breach(), &context())[2..],
        [
            "The operation was create of \"/root/.ssh/authorized_keys\".",
            "The path lies outside of every prefix that the cell file allows for it.",
            "The cell had learned its self; danger signal one was up, two was down.",
            "Decided: deny the call with EPERM. That was carried out: the mode was enforce.",
        ]
    );
}

#[test]
fn line_of_each_kind_is_short() {
    let line = |record: &Record| {
        let (head, title) = sentence::head(record);
        format!("{head} {title} {}", sentence::summary(record, &context()))
    };
    assert_eq!(
        line(&breach()),
        "09:06:40.123 #4711 redis DANGER TWO create /root/.ssh/authorized_keys: outside the allowed paths by redis-server[812] -> deny (done)"
    );
    assert_eq!(
        line(&matched()),
        "09:06:40.123 #4711 redis DANGER TWO signature 1001 rev 2 \"redis: CONFIG SET dir\" at byte 57 from 10.0.2.2:40000 by redis-server[812] -> kill+ban (only observed)"
    );
    assert_eq!(
        line(&crossing()),
        "09:06:40.123 #4711 redis DANGER ONE files_created 9 over its threshold 5 by redis-server[812]"
    );
    let mut phase = record(RecordType::Phase, Cause::None);
    phase.pid = 0;
    phase.value = 1;
    assert_eq!(line(&phase), "09:06:40.123 #4711 redis PHASE now ready");
}

#[test]
fn changes_by_the_officer_are_told_in_words() {
    for (number, value, want) in [
        (crate::uapi::KIS_CMD_MODE_SET, 1, "mode enforce"),
        (crate::uapi::KIS_CMD_BAN_ADD, 60_000, "ban for 1 min 0 s"),
        (crate::uapi::KIS_CMD_IMAGE_COMMIT, 2, "2 cells loaded"),
        (crate::uapi::KIS_CMD_CELL_UNLOAD, 0, "all cells unloaded"),
        (99, 7, "command_99 7"),
    ] {
        let mut change = record(RecordType::Control, Cause::Officer);
        change.observed = u64::from(number);
        change.value = value;
        let line = sentence::summary(&change, &context());
        assert_eq!(line, format!("{want} by redis-server[812]"));
        assert!(Event::new(&change, &context()).command.is_some());
    }
    let mut calm = record(RecordType::Calm, Cause::None);
    calm.pid = 0;
    calm.value = 3;
    assert_eq!(sentence::summary(&calm, &context()), "one and two over");
}
