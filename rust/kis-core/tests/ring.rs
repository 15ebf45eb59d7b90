// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::wire::ring`]: producer and consumer in every order that chance finds, with a consumer that
//! lies, and on two real threads.

mod common;

use std::cell::RefCell;
use std::sync::atomic::{
    fence,
    AtomicU64,
    Ordering, //
};

use common::Chance;
use kis_core::wire::abi::RECORD_BYTES;
use kis_core::wire::record::Record;
use kis_core::wire::ring::reader::{
    Cursor,
    Memory,
    Next, //
};
use kis_core::wire::ring::{
    admit,
    Admit,
    Geometry, //
};

/// What the consumer's page says.
#[derive(Clone, Copy, PartialEq)]
enum Consumer {
    /// Nobody reads for certain: old records are overwritten.
    Absent,
    /// Behind the last record read.
    Honest,
    /// Anything, another value each time.
    Hostile,
}

/// A record in which every byte that is not fixed by its fields comes from its id.
fn record(id: u64) -> Record {
    let mut record = Record::new();
    record.id = id;
    record.mono_ns = !id;
    record.n = id.wrapping_mul(3);
    record.data.fill(id as u8);
    record
}

/// One lane as a list of words, written by a producer that takes one small step whenever the reader
/// looks at anything.
struct Machine {
    geometry: Geometry,
    words: Vec<u64>,
    chance: Chance,
    consumer: Consumer,
    /// What an honest consumer has written.
    consumed: u64,
    /// What the producer is about to store, last first: (word, value).
    todo: Vec<(usize, u64)>,
    position: u64,
    attempts: u64,
    lost: u64,
    bad: u64,
    limit: u64,
}

impl Machine {
    fn new(slots: u32, consumer: Consumer, seed: u64, limit: u64) -> Self {
        let geometry = Geometry::new(1, slots).unwrap();
        Self {
            geometry,
            words: vec![0; geometry.map_bytes() / 8],
            chance: Chance::new(seed),
            consumer,
            consumed: 0,
            todo: Vec::new(),
            position: 0,
            attempts: 0,
            lost: 0,
            bad: 0,
            limit,
        }
    }

    /// One store of the producer, or the decision on the next record.
    fn step(&mut self) {
        if let Some((word, value)) = self.todo.pop() {
            self.words[word] = value;
            return;
        }
        if self.attempts == self.limit {
            return;
        }
        self.attempts += 1;
        let consumer = match self.consumer {
            Consumer::Absent => None,
            Consumer::Honest => Some(self.consumed),
            Consumer::Hostile => Some(match self.chance.below(4) {
                0 => self.chance.next(),
                1 => self.position.wrapping_add(self.chance.below(9) as u64),
                _ => self.position.wrapping_sub(self.chance.below(9) as u64),
            }),
        };
        match admit(self.position, consumer, self.geometry.slots()) {
            Admit::Full => {
                self.lost += 1;
                return;
            }
            Admit::WriteBadConsumer => self.bad += 1,
            Admit::Write => {}
        }
        // The order of the kernel: position 0, the record, its position, the producer's.
        let mut bytes = [0; RECORD_BYTES];
        record(self.position).encode_into(&mut bytes);
        let slot = self.geometry.slot_offset(0, self.position).unwrap() / 8;
        self.position += 1;
        let header = self.geometry.lane_offset(0).unwrap() / 8;
        self.todo.push((header, self.position));
        self.todo.push((slot, self.position));
        for i in (1..RECORD_BYTES / 8).rev() {
            let word = u64::from_le_bytes(bytes[i * 8..][..8].try_into().unwrap());
            self.todo.push((slot + i, word));
        }
        self.todo.push((slot, 0));
    }

    /// A few steps, sometimes many.
    fn steps(&mut self) {
        let most = self.chance.of(&[1, 1, 1, 1, 20, 400]);
        for _ in 0..self.chance.below(most + 1) {
            self.step();
        }
    }
}

struct Shared(RefCell<Machine>);

impl Memory for Shared {
    fn load_u64(&self, offset: usize) -> u64 {
        let mut machine = self.0.borrow_mut();
        machine.steps();
        machine.words[offset / 8]
    }

    fn copy(&self, offset: usize, to: &mut [u8; RECORD_BYTES]) {
        for (i, word) in to.chunks_exact_mut(8).enumerate() {
            let mut machine = self.0.borrow_mut();
            if machine.chance.below(16) == 0 {
                machine.steps();
            }
            word.copy_from_slice(&machine.words[offset / 8 + i].to_le_bytes());
        }
    }
}

/// Reads until the producer is done; gives how many records were read and how many were missed.
fn run(slots: u32, consumer: Consumer, seed: u64, limit: u64) -> (u64, u64, Machine) {
    let shared = Shared(RefCell::new(Machine::new(slots, consumer, seed, limit)));
    let geometry = shared.0.borrow().geometry;
    let mut cursor = Cursor::new(geometry, 0, 0).unwrap();
    let (mut read, mut missed) = (0, 0);
    loop {
        let before = cursor.position();
        match cursor.next(&shared) {
            Next::Record(got) => {
                // Whole, and the one of its position.
                assert_eq!(got, record(before));
                assert_eq!(cursor.position(), before + 1);
                read += 1;
            }
            Next::Lost(n) => {
                assert_eq!(cursor.position(), before + n);
                missed += n;
            }
            Next::Empty => {
                assert_eq!(cursor.position(), before);
                let mut machine = shared.0.borrow_mut();
                if machine.attempts == limit
                    && machine.todo.is_empty()
                    && machine.position == before
                {
                    break;
                }
                machine.steps();
            }
        }
        shared.0.borrow_mut().consumed = cursor.position();
    }
    assert_eq!(read + missed, cursor.position());
    (read, missed, shared.0.into_inner())
}

#[test]
fn honest_consumer_misses_nothing_and_full_is_counted() {
    let mut full = 0;
    for seed in 0..common::iterations(2000).div_ceil(20) {
        for slots in [1, 2, 8] {
            let (read, missed, machine) = run(slots, Consumer::Honest, seed, 100);
            assert_eq!((missed, machine.bad), (0, 0));
            assert_eq!(read + machine.lost, 100);
            full += machine.lost;
        }
    }
    assert!(full > 0);
}

#[test]
fn hostile_consumer_harms_only_itself() {
    let (mut bad, mut lost) = (0, 0);
    for seed in 0..common::iterations(2000).div_ceil(20) {
        for slots in [1, 2, 8] {
            let (read, missed, machine) = run(slots, Consumer::Hostile, seed, 100);
            // Each record is read, overwritten or counted as lost.
            assert_eq!(read + missed + machine.lost, 100);
            bad += machine.bad;
            lost += machine.lost;
        }
    }
    assert!(bad > 0 && lost > 0);
}

#[test]
fn reader_without_rights_sees_whole_records_or_counts() {
    let mut overwritten = 0;
    for seed in 0..common::iterations(2000).div_ceil(20) {
        for slots in [1, 2, 8, 64] {
            let (read, missed, machine) = run(slots, Consumer::Absent, seed, 100);
            assert_eq!((read + missed, machine.lost, machine.bad), (100, 0, 0));
            overwritten += missed;
        }
    }
    assert!(overwritten > 0);
}

/// Memory of which nothing is true.
struct Nonsense(RefCell<Chance>);

impl Memory for Nonsense {
    fn load_u64(&self, _offset: usize) -> u64 {
        let mut chance = self.0.borrow_mut();
        chance.number(64)
    }

    fn copy(&self, _offset: usize, to: &mut [u8; RECORD_BYTES]) {
        let mut chance = self.0.borrow_mut();
        to.fill_with(|| chance.next() as u8);
    }
}

#[test]
fn reader_survives_nonsense() {
    let memory = Nonsense(RefCell::new(Chance::new(15)));
    let geometry = Geometry::new(3, 8).unwrap();
    let mut cursor = Cursor::oldest(geometry, 2, &memory).unwrap();
    for _ in 0..common::iterations(5000) {
        let before = cursor.position();
        match cursor.next(&memory) {
            Next::Lost(n) => assert_eq!(before.wrapping_add(n), cursor.position()),
            Next::Record(_) => assert_eq!(before.wrapping_add(1), cursor.position()),
            Next::Empty => {}
        }
    }
}

/// Real memory for two threads.
struct Atomics(Vec<AtomicU64>);

impl Memory for Atomics {
    fn load_u64(&self, offset: usize) -> u64 {
        self.0[offset / 8].load(Ordering::Acquire)
    }

    fn copy(&self, offset: usize, to: &mut [u8; RECORD_BYTES]) {
        for (word, from) in to.chunks_exact_mut(8).zip(&self.0[offset / 8..]) {
            word.copy_from_slice(&from.load(Ordering::Relaxed).to_le_bytes());
        }
    }
}

#[test]
fn threads_agree_on_whole_records() {
    let geometry = Geometry::new(1, 8).unwrap();
    let memory = Atomics(
        (0..geometry.map_bytes() / 8)
            .map(|_| AtomicU64::new(0))
            .collect(),
    );
    let total = common::iterations(2000) * 10;
    let header = geometry.lane_offset(0).unwrap() / 8;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for position in 0..total {
                let mut bytes = [0; RECORD_BYTES];
                record(position).encode_into(&mut bytes);
                let slot = geometry.slot_offset(0, position).unwrap() / 8;
                memory.0[slot].store(0, Ordering::Relaxed);
                fence(Ordering::Release);
                for (i, word) in bytes.chunks_exact(8).enumerate().skip(1) {
                    let word = u64::from_le_bytes(word.try_into().unwrap());
                    memory.0[slot + i].store(word, Ordering::Relaxed);
                }
                memory.0[slot].store(position + 1, Ordering::Release);
                memory.0[header].store(position + 1, Ordering::Release);
            }
        });
        let mut cursor = Cursor::new(geometry, 0, 0).unwrap();
        let (mut read, mut missed) = (0, 0);
        while cursor.position() < total {
            let before = cursor.position();
            match cursor.next(&memory) {
                Next::Record(got) => {
                    assert_eq!(got, record(before));
                    read += 1;
                }
                Next::Lost(n) => missed += n,
                Next::Empty => std::thread::yield_now(),
            }
        }
        assert_eq!(read + missed, total);
        assert!(read > 0);
    });
}
