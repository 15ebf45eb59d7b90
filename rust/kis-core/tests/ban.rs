// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::judge::ban`] against a map, and with readers in the way.

mod common;

use std::collections::HashMap;
use std::sync::atomic::{
    AtomicBool,
    AtomicU64,
    Ordering, //
};

use common::Chance;
use kis_core::judge::ban::{
    v4,
    Added,
    Ban,
    BanTable, //
};

/// A few addresses of both families, so that they meet often.
fn address(chance: &mut Chance) -> [u8; 16] {
    let last = chance.below(40) as u8;
    if chance.below(2) == 0 {
        v4([192, 0, 2, last])
    } else {
        let mut address = [0x20; 16];
        address[chance.below(2) * 15] = last;
        address
    }
}

#[test]
fn table_does_what_a_map_does() {
    for seed in 0..common::iterations(2000).div_ceil(100) {
        let mut chance = Chance::new(seed);
        let table = BanTable::<64>::new();
        table.reseed(chance.next());
        let mut map: HashMap<[u8; 16], (u64, u64)> = HashMap::new();
        let mut now = 0;
        for _ in 0..2000 {
            let address = address(&mut chance);
            match chance.below(8) {
                0..3 => {
                    let expires = now + 1 + chance.below(50) as u64;
                    let added = table.add(address, expires);
                    let full = map.len() == BanTable::<64>::CAPACITY;
                    match map.get_mut(&address) {
                        Some(ban) => {
                            assert_eq!(added, Ok(Added::Changed));
                            ban.0 = expires;
                        }
                        None if full => assert!(added.is_err()),
                        None => {
                            assert_eq!(added, Ok(Added::New));
                            map.insert(address, (expires, 0));
                        }
                    }
                }
                3 => assert_eq!(table.remove(address), map.remove(&address).is_some()),
                4 => {
                    let mut ended: Vec<Ban> = Vec::new();
                    table.expire(now, |ban| ended.push(ban));
                    let before = map.len();
                    map.retain(|_, (expires, _)| *expires > now);
                    assert_eq!(ended.len(), before - map.len());
                    assert!(ended.iter().all(|ban| ban.expires_ns <= now));
                }
                5 => now += chance.below(10) as u64,
                _ => {
                    let slot = table.lookup(address, now);
                    let want = map.get_mut(&address).filter(|(expires, _)| *expires > now);
                    assert_eq!(slot.is_some(), want.is_some());
                    if let (Some(slot), Some(want)) = (slot, want) {
                        want.1 += 1;
                        assert_eq!(table.count_drop(slot), want.1);
                    }
                }
            }
            assert_eq!(table.len(), map.len());
        }
        let bans: HashMap<_, _> = table
            .iter()
            .map(|b| (b.address, (b.expires_ns, b.dropped)))
            .collect();
        assert_eq!(bans, map);
    }
}

#[test]
fn full_table_of_hostile_addresses_is_searched_in_few_steps() {
    // One address for each slot of an unkeyed table would do it; the key spreads them.
    static TABLE: BanTable<2048> = BanTable::new();
    TABLE.reseed(0x0123_4567_89ab_cdef);
    for i in 0..1024u32 {
        let mut address = [0; 16];
        address[..4].copy_from_slice(&(i << 16).to_be_bytes());
        assert_eq!(TABLE.add(address, 1), Ok(Added::New));
    }
    assert!(TABLE.add([0xff; 16], 1).is_err());
    let start = std::time::Instant::now();
    for i in 0..10_000u32 {
        let mut address = [1; 16];
        address[..4].copy_from_slice(&i.to_be_bytes());
        assert_eq!(TABLE.lookup(address, 0), None);
    }
    // About 2 ms even without optimisation; 2048 steps for each would take seconds.
    assert!(start.elapsed().as_millis() < 1000);
}

/// When a ban of `address` ends: whoever sees another end has seen a torn slot.
fn end_of(address: [u8; 16]) -> u64 {
    let number = u128::from_be_bytes(address);
    ((number >> 64) as u64 ^ number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | (1 << 63)
}

#[test]
fn readers_see_no_torn_slot_and_miss_no_ban() {
    static TABLE: BanTable<64> = BanTable::new();
    let stop = AtomicBool::new(false);
    let reads = AtomicU64::new(0);
    let fixed: Vec<[u8; 16]> = (0..8u8).map(|i| [0xf0 + i; 16]).collect();
    for address in &fixed {
        TABLE.add(*address, end_of(*address)).unwrap();
    }
    std::thread::scope(|scope| {
        for seed in 0..3 {
            let (stop, reads, fixed) = (&stop, &reads, &fixed);
            scope.spawn(move || {
                let mut chance = Chance::new(seed);
                while !stop.load(Ordering::Relaxed) {
                    // Bans that are never touched are always found.
                    assert!(TABLE.lookup(chance.of(fixed), 1).is_some());
                    for ban in TABLE.iter() {
                        assert_eq!(ban.expires_ns, end_of(ban.address));
                    }
                    let mut moving = [0; 16];
                    moving[chance.below(2) * 8] = chance.below(8) as u8;
                    if let Some(slot) = TABLE.lookup(moving, 1) {
                        TABLE.count_drop(slot);
                    }
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut chance = Chance::new(99);
        let rounds = common::iterations(2000) * 50;
        for _ in 0..rounds {
            let mut address = [0; 16];
            address[chance.below(2) * 8] = chance.below(8) as u8;
            if chance.below(2) == 0 {
                let _ = TABLE.add(address, end_of(address));
            } else {
                TABLE.remove(address);
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert!(reads.load(Ordering::Relaxed) > 0);
}
