// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::wire::record`] for any bytes.

mod common;

use kis_core::wire::abi::{
    Op,
    FLAG_PATH_CUT,
    RECORD_MAX, //
};
use kis_core::wire::record::{
    room_of,
    Body,
    Head,
    Match,
    Operation,
    Record, //
};

fn encode(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut |piece| bytes.extend_from_slice(piece));
    assert_eq!(bytes.len(), record.room());
    bytes
}

#[test]
fn any_bytes_can_be_decoded_shown_and_encoded() {
    let mut chance = common::Chance::new(9);
    let (mut whole, mut unknown) = (0, 0);
    for _ in 0..common::iterations(5000) {
        let len = chance.of(&[0, 7, 8, 130, 600, RECORD_MAX]);
        let mut bytes: Vec<u8> = (0..len)
            .map(|_| match chance.below(2) {
                0 => 0,
                _ => chance.next() as u8,
            })
            .collect();
        // Mostly with a frame that could be one.
        if len >= 130 && chance.below(4) > 0 {
            let at = |chance: &mut common::Chance, from: usize, to: usize| {
                (from + chance.below(to - from + 1)) as u16
            };
            let body_at = at(&mut chance, 8, len);
            let data_at = at(&mut chance, body_at.into(), len);
            let end = at(&mut chance, data_at.into(), len);
            let body = chance.below(11) as u16;
            for (i, word) in [end, body_at, data_at, body].into_iter().enumerate() {
                bytes[2 * i..][..2].copy_from_slice(&word.to_le_bytes());
            }
        }
        let Some(record) = Record::decode(&bytes) else {
            continue;
        };
        whole += 1;
        unknown += u32::from(matches!(record.body, Body::Unknown(_)));
        assert!(record.room() <= RECORD_MAX && record.data().len() <= bytes.len());
        let _ = (record.head.record_type(), record.head.cause(), record.op());
        let _ = (record.head.comm(), record.head.cell_name(), record.class());
        let _ = (record.path(), record.excerpt(), record.values());
        let again = encode(&record);
        let first = again.first_chunk().unwrap();
        assert_eq!(room_of(first), Some(again.len() as u64));
        let read = Record::decode(&again).unwrap();
        assert_eq!((read.head, read.body), (record.head, record.body));
        assert_eq!(read.data(), record.data());
    }
    assert!(whole > 0 && unknown > 0);
}

#[test]
fn long_paths_and_excerpts_lose_their_beginning() {
    let mut chance = common::Chance::new(10);
    for _ in 0..common::iterations(2000) {
        let len = chance.below(2 * RECORD_MAX);
        let data = chance.bytes(b"/abc\0\xff", len);
        for body in [
            Body::from(Operation::new(Op::Read, 1, None)),
            Body::from(Match::ZERO),
        ] {
            let record = Record::new(Head::ZERO, body, &data);
            assert!(data.ends_with(record.data()));
            let fixed = record.len() - record.data().len();
            assert_eq!(record.data().len(), data.len().min(RECORD_MAX - fixed));
            let is_cut = record.data().len() < data.len();
            let says_so = record.head.flags & FLAG_PATH_CUT != 0;
            assert_eq!(says_so, is_cut && matches!(body, Body::Operation(_)));
        }
    }
}
