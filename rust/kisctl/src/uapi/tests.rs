// SPDX-License-Identifier: GPL-2.0

//! The numbers of `kis_core` against those of the header.

use super::bindings as c;
use kis_core::{
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
        RECORD_BYTES, //
    },
    wire::image::Kind,
    wire::record::Record,
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
        (abi::MAX_DIRS, c::KIS_MAX_DIRS),
        (abi::MAX_BANS, c::KIS_MAX_BANS),
        (abi::MAX_IMAGE, c::KIS_MAX_IMAGE),
        (abi::NAME_LEN, c::KIS_NAME_LEN),
        (abi::NAME_LEN, c::KIS_NAME_MAX + 1),
        (abi::PATH_LEN, c::KIS_PATH_LEN),
        (abi::MESSAGE_LEN, c::KIS_MESSAGE_LEN),
        (abi::RECORD_DATA, c::KIS_RECORD_DATA),
        (abi::MAX_LANES, c::KIS_MAX_LANES),
    ] {
        assert_eq!(u32::try_from(core), Ok(header));
    }
    assert_eq!(abi::ABI, c::KIS_ABI);
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
        (Phase::Learning as u16, c::KIS_PHASE_LEARNING),
        (Phase::Ready as u16, c::KIS_PHASE_READY),
        (Class::Alert as u16, c::KIS_CLASS_ALERT),
        (Class::Telemetry as u16, c::KIS_CLASS_TELEMETRY),
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
        (Action::DENY.bits(), c::KIS_ACTION_DENY),
        (Action::KILL.bits(), c::KIS_ACTION_KILL),
        (Action::BAN.bits(), c::KIS_ACTION_BAN),
        (abi::FLAG_APPLIED, c::KIS_FLAG_APPLIED),
        (abi::FLAG_LEARNING, c::KIS_FLAG_LEARNING),
        (abi::FLAG_PATH_CUT, c::KIS_FLAG_PATH_CUT),
        (abi::FLAG_DANGER_ONE, c::KIS_FLAG_DANGER_ONE),
        (abi::FLAG_DANGER_TWO, c::KIS_FLAG_DANGER_TWO),
        (abi::FLAG_PARAM, c::KIS_FLAG_PARAM),
        (abi::FLAG_CONN, c::KIS_FLAG_CONN),
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
    assert_eq!(u32::try_from(Op::COUNT), Ok(c::KIS_OP_COUNT));
    assert_eq!(u32::try_from(Class::ALL.len()), Ok(c::KIS_CLASS_COUNT));
}

/// Sets one field of a record and looks for its bytes where bindgen sees the field.
#[test]
fn record_fields_are_where_the_header_has_them() {
    macro_rules! places {
        ($($core:ident $header:ident: $value:expr;)*) => {
            [$((
                stringify!($header),
                {
                    let mut record = Record::new();
                    record.$core = $value;
                    record
                },
                offset_of!(c::kis_record, $header),
                $value.to_vec_le(),
            )),*]
        };
    }

    trait Bytes {
        fn to_vec_le(&self) -> Vec<u8>;
    }
    macro_rules! bytes {
        ($($kind:ty),*) => {
            $(impl Bytes for $kind {
                fn to_vec_le(&self) -> Vec<u8> {
                    self.to_le_bytes().to_vec()
                }
            })*
        };
    }
    bytes!(u8, u16, u32, u64);
    impl<const N: usize> Bytes for [u8; N] {
        fn to_vec_le(&self) -> Vec<u8> {
            self.to_vec()
        }
    }

    let long = 0x1122_3344_5566_7788_u64;
    let word = 0x1122_3344_u32;
    let half = 0x1122_u16;
    let places = places! {
        id id: long;
        mono_ns mono_ns: long;
        wall_ns wall_ns: long;
        kind type_: half;
        flags flags: half;
        cell cell: word;
        generation generation: word;
        pid pid: word;
        tid tid: word;
        uid uid: word;
        start_ns start_ns: long;
        comm comm: [7_u8; 16];
        param param: half;
        op op: half;
        action action: half;
        cause cause: half;
        observed observed: long;
        mean mean: long;
        deviation deviation: long;
        threshold threshold: long;
        n n: long;
        sig_id sig_id: word;
        sig_rev sig_rev: word;
        offset offset: long;
        laddr laddr: [8_u8; 16];
        raddr raddr: [9_u8; 16];
        lport lport: half;
        rport rport: half;
        family family: 2_u8;
        proto proto: 6_u8;
        mode mode: 1_u8;
        path_len path_len: half;
        excerpt_len excerpt_len: half;
        value value: word;
        cell_name cell_name: [3_u8; 32];
        data data: [4_u8; 288];
    };
    let mut covered = size_of::<u64>() + size_of::<u8>();
    for (name, record, offset, want) in places {
        let mut slot = [0; RECORD_BYTES];
        record.encode_into(&mut slot);
        let end = offset + want.len();
        assert_eq!(slot[offset..end], want, "{name}");
        let outside = slot[..offset].iter().chain(&slot[end..]);
        assert!(outside.copied().all(|byte| byte == 0), "{name}");
        assert_eq!(Record::decode(&slot), (0, record), "{name}");
        covered += want.len();
    }
    // Together with seq and pad these are all fields.
    assert_eq!(covered, size_of::<c::kis_record>());
    assert_eq!(RECORD_BYTES, size_of::<c::kis_record>());
}

#[test]
fn ring_is_where_the_header_has_it() {
    assert_eq!(size_of::<c::kis_lane>(), LANE_BYTES);
    assert_eq!(size_of::<c::kis_ring_info>(), INFO_BYTES);
    let geometry = Geometry::new(4, 256).expect("a geometry");
    let info = geometry.to_info();
    let word = |at: usize| u32::from_le_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
    let place = |at: usize| u32::try_from(at).expect("a small number");
    for (at, want) in [
        (offset_of!(c::kis_ring_info, magic), c::KIS_RING_MAGIC),
        (offset_of!(c::kis_ring_info, abi), c::KIS_ABI),
        (offset_of!(c::kis_ring_info, lanes), 4),
        (offset_of!(c::kis_ring_info, slots), 256),
        (
            offset_of!(c::kis_ring_info, slot_bytes),
            place(size_of::<c::kis_record>()),
        ),
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
    // The reader of kis_core takes the number of lost records from the second word.
    assert_eq!(offset_of!(c::kis_lane, producer), 0);
    assert_eq!(offset_of!(c::kis_lane, lost), 8);
}
