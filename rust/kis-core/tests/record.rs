// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::wire::record`] for any bytes.

mod common;

use kis_core::wire::abi::RECORD_BYTES;
use kis_core::wire::record::Record;

#[test]
fn any_slot_can_be_decoded_shown_and_encoded() {
    let mut chance = common::Chance::new(9);
    for _ in 0..common::iterations(5000) {
        let mut slot = [0; RECORD_BYTES];
        for byte in &mut slot {
            *byte = if chance.below(2) == 0 {
                0
            } else {
                chance.next() as u8
            };
        }
        let (seq, record) = Record::decode(&slot);
        assert_eq!(seq.to_le_bytes(), slot[..8]);
        assert!(record.path().len() + record.excerpt().len() <= record.data.len());
        let _ = (
            record.record_type(),
            record.param(),
            record.op(),
            record.cause(),
        );
        let _ = (record.comm(), record.cell_name(), record.window_values());
        let mut again = [0xff; RECORD_BYTES];
        record.encode_into(&mut again);
        slot[..8].fill(0);
        slot[183] = 0;
        assert_eq!(again, slot);
    }
}

#[test]
fn path_and_excerpt_share_the_room() {
    let mut chance = common::Chance::new(10);
    for _ in 0..common::iterations(2000) {
        let (m, n) = (chance.below(400), chance.below(400));
        let path = chance.bytes(b"/abc", m);
        let excerpt = chance.bytes(b"xyz\0\xff", n);
        let mut record = Record::new();
        record.set_path(&path);
        record.set_excerpt(&excerpt);
        assert!(path.ends_with(record.path()) && excerpt.ends_with(record.excerpt()));
        let room = record.data.len();
        assert_eq!(record.path().len(), path.len().min(room));
        assert_eq!(
            record.excerpt().len(),
            excerpt.len().min(room - record.path().len())
        );
        assert_eq!(record.flags != 0, path.len() > room);
    }
}
