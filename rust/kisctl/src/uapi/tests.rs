// SPDX-License-Identifier: GPL-2.0

//! The numbers of `kis_core` against those of the header.

use super::bindings as c;
use kis_core::{
    sense::{
        class,
        items, //
    },
    wire::abi::{
        self,
        Action,
        Cause,
        CellMode,
        Class,
        Mode,
        Op,
        Param,
        Phase,
        RecordType,
        ScanKind, //
    },
    wire::image::Kind,
    wire::record::{
        BanDrop,
        Body,
        Calm,
        Control,
        Crossing,
        Frame,
        Head,
        Match,
        Operation,
        PhaseSet,
        Scanned,
        Window, //
    },
    wire::ring::{
        Geometry,
        INFO_BYTES,
        LANE_BYTES, //
    }, //
};
use std::mem::{
    offset_of,
    size_of, //
};

#[test]
fn limits_agree() {
    for (core, header) in [
        (abi::MAX_CELLS, c::KIS_MAX_CELLS),
        (abi::MAX_SIGNATURES, c::KIS_MAX_SIGNATURES),
        (abi::MAX_PREFIXES, c::KIS_MAX_PREFIXES),
        (abi::MAX_EXPECTED, c::KIS_MAX_EXPECTED),
        (abi::MAX_ITEMS, c::KIS_MAX_ITEMS),
        (items::MAX_NAME, c::KIS_ITEM_NAME_MAX),
        (abi::MAX_BANS, c::KIS_MAX_BANS),
        (abi::MAX_IMAGE, c::KIS_MAX_IMAGE),
        (abi::NAME_LEN, c::KIS_NAME_LEN),
        (abi::NAME_LEN, c::KIS_NAME_MAX + 1),
        (abi::PATH_LEN, c::KIS_PATH_LEN),
        (abi::MESSAGE_LEN, c::KIS_MESSAGE_LEN),
        (abi::RECORD_MAX, c::KIS_RECORD_MAX),
        (abi::MAX_LANES, c::KIS_MAX_LANES),
    ] {
        assert_eq!(u32::try_from(core), Ok(header));
    }
    assert_eq!(abi::ABI, c::KIS_ABI);
    assert_eq!(abi::ID_LANE_BITS, c::KIS_ID_LANE_BITS);
    assert_eq!(abi::RING_MAGIC, c::KIS_RING_MAGIC);
    assert_eq!(c::KIS_FAMILY_NAME, b"kis\0");
}

#[test]
fn enums_agree() {
    for (core, header) in [
        (Param::CpuUs as u16, c::KIS_PARAM_CPU_US),
        (Param::RssKib as u16, c::KIS_PARAM_RSS_KIB),
        (Param::FilesOpened as u16, c::KIS_PARAM_FILES_OPENED),
        (Param::FilesWritten as u16, c::KIS_PARAM_FILES_WRITTEN),
        (Param::FilesCreated as u16, c::KIS_PARAM_FILES_CREATED),
        (Param::Execs as u16, c::KIS_PARAM_EXECS),
        (Param::Connects as u16, c::KIS_PARAM_CONNECTS),
        (Param::Accepts as u16, c::KIS_PARAM_ACCEPTS),
        (Param::BytesIn as u16, c::KIS_PARAM_BYTES_IN),
        (Param::BytesOut as u16, c::KIS_PARAM_BYTES_OUT),
        (Param::MessagesIn as u16, c::KIS_PARAM_MESSAGES_IN),
        (Param::MessagesOut as u16, c::KIS_PARAM_MESSAGES_OUT),
        (Param::ReplyPermille as u16, c::KIS_PARAM_REPLY_PERMILLE),
        (Op::None as u16, c::KIS_OP_NONE),
        (Op::Read as u16, c::KIS_OP_READ),
        (Op::Write as u16, c::KIS_OP_WRITE),
        (Op::Create as u16, c::KIS_OP_CREATE),
        (Op::Unlink as u16, c::KIS_OP_UNLINK),
        (Op::Rename as u16, c::KIS_OP_RENAME),
        (Op::Exec as u16, c::KIS_OP_EXEC),
        (Op::Connect as u16, c::KIS_OP_CONNECT),
        (Op::MapExec as u16, c::KIS_OP_MAP_EXEC),
        (Op::Ptrace as u16, c::KIS_OP_PTRACE),
        (Op::ModuleLoad as u16, c::KIS_OP_MODULE_LOAD),
        (Op::Receive as u16, c::KIS_OP_RECEIVE),
        (Op::Mount as u16, c::KIS_OP_MOUNT),
        (Op::MapShared as u16, c::KIS_OP_MAP_SHARED),
        (Op::Mknod as u16, c::KIS_OP_MKNOD),
        (Op::Sysctl as u16, c::KIS_OP_SYSCTL),
        (Op::UsermodeHelper as u16, c::KIS_OP_USERMODE_HELPER),
        (Op::ModuleRequest as u16, c::KIS_OP_MODULE_REQUEST),
        (Op::Library as u16, c::KIS_OP_LIBRARY),
        (Op::Bind as u16, c::KIS_OP_BIND),
        (Op::Send as u16, c::KIS_OP_SEND),
        (Op::Socket as u16, c::KIS_OP_SOCKET),
        (Op::Capability as u16, c::KIS_OP_CAPABILITY),
        (Op::Identity as u16, c::KIS_OP_IDENTITY),
        (Op::Signal as u16, c::KIS_OP_SIGNAL),
        (Op::Namespace as u16, c::KIS_OP_NAMESPACE),
        (Phase::Learning as u16, c::KIS_PHASE_LEARNING),
        (Phase::Ready as u16, c::KIS_PHASE_READY),
        (Class::Verdict as u16, c::KIS_CLASS_VERDICT),
        (Class::Finding as u16, c::KIS_CLASS_FINDING),
        (Class::Telemetry as u16, c::KIS_CLASS_TELEMETRY),
        (Class::Host as u16, c::KIS_CLASS_HOST),
        (Mode::Observe as u16, c::KIS_MODE_OBSERVE),
        (Mode::Enforce as u16, c::KIS_MODE_ENFORCE),
        (CellMode::Observe as u16, c::KIS_MODE_OBSERVE),
        (CellMode::Enforce as u16, c::KIS_MODE_ENFORCE),
        (CellMode::Inherit as u16, c::KIS_MODE_INHERIT),
        (RecordType::DangerOne as u16, c::KIS_RECORD_DANGER_ONE),
        (RecordType::DangerTwo as u16, c::KIS_RECORD_DANGER_TWO),
        (RecordType::Veto as u16, c::KIS_RECORD_VETO),
        (RecordType::Calm as u16, c::KIS_RECORD_CALM),
        (RecordType::Phase as u16, c::KIS_RECORD_PHASE),
        (RecordType::Control as u16, c::KIS_RECORD_CONTROL),
        (RecordType::BanDrop as u16, c::KIS_RECORD_BAN_DROP),
        (RecordType::Scan as u16, c::KIS_RECORD_SCAN),
        (RecordType::Window as u16, c::KIS_RECORD_WINDOW),
        (RecordType::MatchCalm as u16, c::KIS_RECORD_MATCH_CALM),
        (Cause::None as u16, c::KIS_CAUSE_NONE),
        (Cause::Threshold as u16, c::KIS_CAUSE_THRESHOLD),
        (Cause::Bound as u16, c::KIS_CAUSE_BOUND),
        (Cause::Tree as u16, c::KIS_CAUSE_TREE),
        (Cause::SelfDir as u16, c::KIS_CAUSE_SELF),
        (Cause::Forbidden as u16, c::KIS_CAUSE_FORBIDDEN),
        (Cause::Signature as u16, c::KIS_CAUSE_SIGNATURE),
        (Cause::Danger as u16, c::KIS_CAUSE_DANGER),
        (Cause::Officer as u16, c::KIS_CAUSE_OFFICER),
        (Cause::Unseen as u16, c::KIS_CAUSE_UNSEEN),
        (Cause::Unexpected as u16, c::KIS_CAUSE_UNEXPECTED),
        (Action::DENY.bits(), c::KIS_ACTION_DENY),
        (Action::KILL.bits(), c::KIS_ACTION_KILL),
        (Action::BAN.bits(), c::KIS_ACTION_BAN),
        (abi::FLAG_APPLIED, c::KIS_FLAG_APPLIED),
        (abi::FLAG_LEARNING, c::KIS_FLAG_LEARNING),
        (abi::FLAG_PATH_CUT, c::KIS_FLAG_PATH_CUT),
        (abi::FLAG_DANGER_ONE, c::KIS_FLAG_DANGER_ONE),
        (abi::FLAG_DANGER_TWO, c::KIS_FLAG_DANGER_TWO),
        (abi::FLAG_KEPT_OUT, c::KIS_FLAG_KEPT_OUT),
        (Body::from(Operation::ZERO).number(), c::KIS_BODY_OPERATION),
        (Body::from(Crossing::ZERO).number(), c::KIS_BODY_CROSSING),
        (Body::from(Match::ZERO).number(), c::KIS_BODY_MATCH),
        (Body::from(Calm::ZERO).number(), c::KIS_BODY_CALM),
        (Body::from(PhaseSet::ZERO).number(), c::KIS_BODY_PHASE_SET),
        (Body::from(Control::ZERO).number(), c::KIS_BODY_CONTROL),
        (Body::from(BanDrop::ZERO).number(), c::KIS_BODY_BAN_DROP),
        (Body::from(Window::ZERO).number(), c::KIS_BODY_WINDOW),
        (Body::from(Scanned::ZERO).number(), c::KIS_BODY_SCANNED),
        (ScanKind::Syn as u16, c::KIS_SCAN_SYN),
        (ScanKind::Fin as u16, c::KIS_SCAN_FIN),
        (ScanKind::Null as u16, c::KIS_SCAN_NULL),
        (ScanKind::Xmas as u16, c::KIS_SCAN_XMAS),
        (ScanKind::Ack as u16, c::KIS_SCAN_ACK),
        (ScanKind::Maimon as u16, c::KIS_SCAN_MAIMON),
        (ScanKind::Flags as u16, c::KIS_SCAN_FLAGS),
        (ScanKind::SynAck as u16, c::KIS_SCAN_SYN_ACK),
        (ScanKind::Udp as u16, c::KIS_SCAN_UDP),
        (ScanKind::Distributed as u16, c::KIS_SCAN_DISTRIBUTED),
    ] {
        assert_eq!(u32::from(core), header);
    }
    for (core, header) in [
        (Kind::Cells as u32, c::KIS_IMAGE_KIND_CELLS),
        (Kind::Signatures as u32, c::KIS_IMAGE_KIND_SIGNATURES),
        (Kind::Profile as u32, c::KIS_IMAGE_KIND_PROFILE),
    ] {
        assert_eq!(core, header);
    }
    assert_eq!(u32::try_from(Param::COUNT), Ok(c::KIS_PARAM_COUNT));
    let kinds = [
        (class::Class::Program, c::KIS_KIND_PROGRAM),
        (class::Class::Library, c::KIS_KIND_LIBRARY),
        (class::Class::Read, c::KIS_KIND_READ),
        (class::Class::Secret, c::KIS_KIND_SECRET),
        (class::Class::Write, c::KIS_KIND_WRITE),
        (class::Class::Create, c::KIS_KIND_CREATE),
        (class::Class::Remove, c::KIS_KIND_REMOVE),
        (class::Class::Setting, c::KIS_KIND_SETTING),
        (class::Class::Peer, c::KIS_KIND_PEER),
        (class::Class::Port, c::KIS_KIND_PORT),
        (class::Class::Socket, c::KIS_KIND_SOCKET),
        (class::Class::Capability, c::KIS_KIND_CAPABILITY),
        (class::Class::Identity, c::KIS_KIND_IDENTITY),
        (class::Class::Signal, c::KIS_KIND_SIGNAL),
        (class::Class::Module, c::KIS_KIND_MODULE),
        (class::Class::Operation, c::KIS_KIND_OPERATION),
        (class::Class::Own, c::KIS_KIND_OWN),
        (class::Class::Memory, c::KIS_KIND_MEMORY),
        (class::Class::Content, c::KIS_KIND_CONTENT),
    ];
    assert!(kinds
        .iter()
        .all(|(core, header)| u32::from(*core as u8) == *header));
    assert_eq!(kinds.len(), class::Class::COUNT);
    assert_eq!(u32::try_from(Op::COUNT), Ok(c::KIS_OP_COUNT));
    assert_eq!(u32::try_from(Class::ALL.len()), Ok(c::KIS_CLASS_COUNT));
}

#[test]
fn record_fields_are_where_the_header_has_them() {
    /// Names and first bytes of a struct's fields, and the bytes of the whole.
    macro_rules! header {
        ($name:ident: $($field:ident)*) => {
            (
                vec![$((stringify!($field), offset_of!(c::$name, $field))),*],
                size_of::<c::$name>(),
            )
        };
    }
    let frame_and_head = [Frame::FIELDS, Head::FIELDS].concat();
    let mut tables = vec![frame_and_head.as_slice()];
    tables.extend(Body::ALL.iter().map(|(_, fields)| *fields));
    let headers = [
        header!(kis_record: len body_at data_at body id mono_ns wall_ns start_ns cell generation
            pid tid uid type_ flags cause action mode comm cell_name),
        header!(kis_operation: op kind nth),
        header!(kis_crossing: observed threshold mean deviation windows param stretch minimum peak
            median p90 p99 one two load over_ms family reserved address),
        header!(kis_match: sig_id sig_rev offset owner_start_ns owner_pid nth laddr raddr lport rport
            family proto reserved),
        header!(kis_calm: one two),
        header!(kis_phase_set: phase windows_needed),
        header!(kis_control: command image count mode ttl_ms family reserved address),
        header!(kis_ban_drop: dropped address family reserved),
        header!(kis_window: window_ms reserved),
        header!(kis_scanned: first_ns last_ns lost probes targets sources nth seconds ban_s kind kinds
            family spoofable again reserved source target),
    ];
    assert_eq!(tables.len(), headers.len());
    for (table, (fields, bytes)) in tables.iter().zip(headers) {
        let mut at = 0;
        let places = table.iter().map(|(name, bytes)| {
            at += bytes;
            // A word of Rust.
            let is_type = *name == "kind" && fields.iter().all(|(name, _)| *name != "kind");
            (if is_type { "type_" } else { name }, at - bytes)
        });
        assert_eq!(places.collect::<Vec<_>>(), fields);
        assert_eq!(at, bytes, "{fields:?}");
    }
}

#[test]
fn ring_is_where_the_header_has_it() {
    assert_eq!(size_of::<c::kis_lane>(), LANE_BYTES);
    assert_eq!(size_of::<c::kis_ring_info>(), INFO_BYTES);
    let geometry = Geometry::new(4, 8192).expect("a geometry");
    let info = geometry.to_info();
    let word = |at: usize| u32::from_le_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
    let place = |at: usize| u32::try_from(at).expect("a small number");
    for (at, want) in [
        (offset_of!(c::kis_ring_info, magic), c::KIS_RING_MAGIC),
        (offset_of!(c::kis_ring_info, abi), c::KIS_ABI),
        (offset_of!(c::kis_ring_info, lanes), 4),
        (offset_of!(c::kis_ring_info, lane_bytes), 8192),
        (offset_of!(c::kis_ring_info, classes), c::KIS_CLASS_COUNT),
        (
            offset_of!(c::kis_ring_info, lanes_offset),
            place(geometry.lanes_offset()),
        ),
        (
            offset_of!(c::kis_ring_info, data_offset),
            place(geometry.data_offset()),
        ),
        (
            offset_of!(c::kis_ring_info, map_bytes),
            place(geometry.map_bytes()),
        ),
    ] {
        assert_eq!(word(at), want);
    }
    // As `wire::ring::lane` has them: a word each, in this order.
    for (at, word) in [
        offset_of!(c::kis_lane, producer),
        offset_of!(c::kis_lane, oldest),
        offset_of!(c::kis_lane, sequence),
        offset_of!(c::kis_lane, lost),
        offset_of!(c::kis_lane, bad_consumer),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(8 * at, word);
    }
}
