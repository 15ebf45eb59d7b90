// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::wire::ring`]: producer and consumer in every order that chance finds, records of any
//! length, with a consumer that lies, and on two real threads.

mod common;

use std::cell::RefCell;
use std::sync::atomic::{
    AtomicU64,
    Ordering, //
};

use common::Chance;
use kis_core::wire::abi::{
    Op,
    RECORD_MAX, //
};
use kis_core::wire::record::{
    Body,
    Calm,
    Crossing,
    Head,
    Match,
    Operation,
    Record, //
};
use kis_core::wire::ring::reader::{
    self,
    Buffer,
    Cursor,
    Next, //
};
use kis_core::wire::ring::writer::{
    self,
    Lane, //
};
use kis_core::wire::ring::Geometry;

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

/// Data of the `n`-th record: none, a little, or all that there is room for.
fn data(n: u64) -> Vec<u8> {
    let mut chance = Chance::new(n);
    let len = match chance.below(8) {
        0 => 0,
        1 => RECORD_MAX,
        2 => chance.below(RECORD_MAX),
        _ => chance.below(200),
    };
    (0..len).map(|_| chance.next() as u8).collect()
}

/// The `n`-th record: every byte comes from its number.
fn record(n: u64, data: &[u8]) -> Record<'_> {
    let head = Head {
        mono_ns: !n,
        start_ns: n.wrapping_mul(3),
        comm: [n as u8; 16],
        ..Head::ZERO
    };
    let body: Body = match n % 4 {
        0 => Operation::new(Op::Exec, n as u32, None).into(),
        1 => Crossing {
            observed: n,
            ..Crossing::ZERO
        }
        .into(),
        2 => Match {
            offset: n,
            laddr: [n as u8; 16],
            ..Match::ZERO
        }
        .into(),
        _ => Calm::ZERO.into(),
    };
    Record::new(head, body, data)
}

/// Asserts that a record is whole, and gives its number.
fn check(got: &Record<'_>) -> u64 {
    let sequence = got.head.id().sequence();
    let data = data(sequence);
    let mut want = record(sequence, &data);
    want.head.id = got.head.id;
    assert_eq!(*got, want);
    assert_eq!(got.head.id().lane(), 0);
    sequence
}

/// One lane, written by a producer that takes one small step whenever the reader looks at anything.
struct Machine {
    geometry: Geometry,
    lane: Lane,
    bytes: Vec<u8>,
    chance: Chance,
    consumer: Consumer,
    /// What an honest consumer has written.
    consumed: u64,
    /// What the producer is about to store, last first: place and bytes.
    todo: Vec<(usize, Vec<u8>)>,
    attempts: u64,
    lost: u64,
    limit: u64,
}

/// Takes down what the producer stores, in its order and at most eight bytes at a time.
struct Plan<'a> {
    bytes: &'a [u8],
    stores: RefCell<Vec<(usize, Vec<u8>)>>,
}

impl writer::Memory for Plan<'_> {
    fn load_u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.bytes[offset..][..8].try_into().unwrap())
    }

    fn store_u64(&self, offset: usize, value: u64) {
        self.write(offset, &value.to_le_bytes());
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.bytes.len());
        for (i, word) in bytes.chunks(8).enumerate() {
            let store = (offset + 8 * i, word.to_vec());
            self.stores.borrow_mut().push(store);
        }
    }
}

impl Machine {
    fn new(lane_bytes: u32, consumer: Consumer, seed: u64, limit: u64) -> Self {
        let geometry = Geometry::new(4, lane_bytes).unwrap();
        Self {
            geometry,
            lane: Lane::new(0),
            bytes: vec![0; geometry.map_bytes()],
            chance: Chance::new(seed),
            consumer,
            consumed: 0,
            todo: Vec::new(),
            attempts: 0,
            lost: 0,
            limit,
        }
    }

    /// One store of the producer, or the decision on the next record.
    fn step(&mut self) {
        if let Some((at, bytes)) = self.todo.pop() {
            self.bytes[at..][..bytes.len()].copy_from_slice(&bytes);
            return;
        }
        if self.attempts == self.limit {
            return;
        }
        self.attempts += 1;
        let producer = self.lane.producer();
        let consumer = match self.consumer {
            Consumer::Absent => None,
            Consumer::Honest => Some(self.consumed),
            Consumer::Hostile => Some(match self.chance.below(4) {
                0 => self.chance.next(),
                1 => producer.wrapping_add(self.chance.below(9000) as u64),
                _ => producer.wrapping_sub(self.chance.below(9000) as u64),
            }),
        };
        let plan = Plan {
            bytes: &self.bytes,
            stores: RefCell::default(),
        };
        let data = data(self.attempts);
        let mut record = record(self.attempts, &data);
        if !self
            .lane
            .write(&self.geometry, &plan, consumer, &mut record)
        {
            self.lost += 1;
        }
        self.todo = plan.stores.into_inner();
        self.todo.reverse();
    }

    /// A few steps, sometimes many.
    fn steps(&mut self) {
        let most = self.chance.of(&[1, 1, 1, 1, 20, 400, 3000]);
        for _ in 0..self.chance.below(most + 1) {
            self.step();
        }
    }

    fn header(&self, word: usize) -> u64 {
        let at = self.geometry.lane_offset(0).unwrap() + 8 * word;
        u64::from_le_bytes(self.bytes[at..][..8].try_into().unwrap())
    }
}

struct Shared(RefCell<Machine>);

impl reader::Memory for Shared {
    fn load_u64(&self, offset: usize) -> u64 {
        let mut machine = self.0.borrow_mut();
        machine.steps();
        u64::from_le_bytes(machine.bytes[offset..][..8].try_into().unwrap())
    }

    fn copy(&self, offset: usize, to: &mut [u8]) {
        for (i, word) in to.chunks_mut(8).enumerate() {
            let mut machine = self.0.borrow_mut();
            if machine.chance.below(16) == 0 {
                machine.steps();
            }
            word.copy_from_slice(&machine.bytes[offset + 8 * i..][..word.len()]);
        }
    }
}

/// Reads until the producer is done; gives how many records were read and how many were missed.
fn run(lane_bytes: u32, consumer: Consumer, seed: u64, limit: u64) -> (u64, u64, Machine) {
    let machine = Machine::new(lane_bytes, consumer, seed, limit);
    let geometry = machine.geometry;
    let mut cursor = Cursor::newest(geometry, 0, &Still(&machine.bytes)).unwrap();
    let shared = Shared(RefCell::new(machine));
    let mut buffer: Buffer = [0; RECORD_MAX];
    let (mut read, mut last) = (0, 0);
    loop {
        let before = cursor.position();
        match cursor.next(&shared, &mut buffer) {
            Next::Record(got) => {
                let sequence = check(&got);
                assert_eq!(cursor.position(), before + got.room() as u64);
                assert!(sequence > last);
                last = sequence;
                read += 1;
            }
            Next::Overrun => assert!(cursor.position() > before),
            Next::Empty => {
                assert_eq!(cursor.position(), before);
                let mut machine = shared.0.borrow_mut();
                let is_done = machine.attempts == limit && machine.todo.is_empty();
                if is_done && machine.lane.producer() == before {
                    break;
                }
                machine.steps();
            }
        }
        shared.0.borrow_mut().consumed = cursor.position();
    }
    let missed = cursor.missed() + cursor.newest_sequence(&shared) - last;
    let machine = shared.0.into_inner();
    // Each is read or missed, and the lane's header says what the producer knows.
    assert_eq!(read + missed, limit);
    assert_eq!(machine.header(2), limit);
    assert_eq!(machine.header(3), machine.lost);
    (read, missed, machine)
}

/// Memory that nobody writes to.
struct Still<'a>(&'a [u8]);

impl reader::Memory for Still<'_> {
    fn load_u64(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.0[offset..][..8].try_into().unwrap())
    }

    fn copy(&self, offset: usize, to: &mut [u8]) {
        to.copy_from_slice(&self.0[offset..][..to.len()]);
    }
}

#[test]
fn honest_consumer_misses_nothing_and_full_is_counted() {
    let mut full = 0;
    for seed in 0..common::iterations(2000).div_ceil(20) {
        for lane_bytes in [4096, 8192, 32768] {
            let (read, missed, machine) = run(lane_bytes, Consumer::Honest, seed, 100);
            assert_eq!(machine.header(4), 0);
            assert_eq!((read, missed), (100 - machine.lost, machine.lost));
            full += machine.lost;
        }
    }
    assert!(full > 0);
}

#[test]
fn hostile_consumer_harms_only_itself() {
    let (mut bad, mut lost) = (0, 0);
    for seed in 0..common::iterations(2000).div_ceil(20) {
        for lane_bytes in [4096, 8192, 32768] {
            // Each record is read, overwritten or counted as lost: see `run`.
            let (_, missed, machine) = run(lane_bytes, Consumer::Hostile, seed, 100);
            assert!(missed >= machine.lost);
            bad += machine.header(4);
            lost += machine.lost;
        }
    }
    assert!(bad > 0 && lost > 0);
}

#[test]
fn reader_without_rights_sees_whole_records_or_counts() {
    let (mut overwritten, mut seen) = (0, 0);
    for seed in 0..common::iterations(2000).div_ceil(20) {
        for lane_bytes in [4096, 8192, 32768, 1 << 18] {
            let (read, missed, machine) = run(lane_bytes, Consumer::Absent, seed, 100);
            assert_eq!((machine.lost, machine.header(4)), (0, 0));
            overwritten += missed;
            seen += read;
        }
    }
    assert!(overwritten > 0 && seen > 0);
}

#[test]
fn all_that_fits_is_kept_and_the_oldest_go_first() {
    for lane_bytes in [4096, 16384] {
        let mut machine = Machine::new(lane_bytes, Consumer::Absent, 1, 300);
        for written in 1..=300 {
            while machine.attempts < written || !machine.todo.is_empty() {
                machine.step();
            }
            let memory = Still(&machine.bytes);
            let mut cursor = Cursor::oldest(machine.geometry, 0, &memory).unwrap();
            let (mut buffer, mut numbers, mut room) = ([0; RECORD_MAX], Vec::new(), 0);
            while let Next::Record(got) = cursor.next(&memory, &mut buffer) {
                numbers.push(check(&got));
                room += got.room();
            }
            // The newest ones without a gap, and one more would not have found room.
            let first = numbers[0];
            assert!(numbers.iter().copied().eq(first..=written));
            assert_eq!(cursor.missed(), 0);
            assert!(room <= lane_bytes as usize);
            if first > 1 {
                let data = data(first - 1);
                let before = record(first - 1, &data).room();
                assert!(room + before > lane_bytes as usize);
            }
        }
    }
}

/// Memory of which nothing is true.
struct Nonsense(RefCell<Chance>);

impl reader::Memory for Nonsense {
    fn load_u64(&self, _offset: usize) -> u64 {
        let mut chance = self.0.borrow_mut();
        chance.number(64)
    }

    fn copy(&self, _offset: usize, to: &mut [u8]) {
        let mut chance = self.0.borrow_mut();
        to.fill_with(|| match chance.below(3) {
            0 => chance.next() as u8,
            _ => 0,
        });
    }
}

impl writer::Memory for Nonsense {
    fn load_u64(&self, _offset: usize) -> u64 {
        let mut chance = self.0.borrow_mut();
        chance.number(64)
    }

    fn store_u64(&self, _offset: usize, _value: u64) {}

    fn write(&self, _offset: usize, _bytes: &[u8]) {}
}

#[test]
fn reader_survives_nonsense() {
    let memory = Nonsense(RefCell::new(Chance::new(15)));
    let geometry = Geometry::new(4, 8192).unwrap();
    let mut cursor = Cursor::oldest(geometry, 2, &memory).unwrap();
    let mut buffer = [0; RECORD_MAX];
    for _ in 0..common::iterations(5000) {
        let before = cursor.position();
        match cursor.next(&memory, &mut buffer) {
            Next::Record(record) => {
                assert!(record.data().len() <= RECORD_MAX);
                assert!(cursor.position() > before);
            }
            Next::Overrun => assert!(cursor.position() != before),
            Next::Empty => {}
        }
    }
}

#[test]
fn producer_survives_nonsense_in_its_own_lane() {
    let memory = Nonsense(RefCell::new(Chance::new(16)));
    let geometry = Geometry::new(4, 8192).unwrap();
    let mut lane = Lane::new(1);
    for n in 1..=common::iterations(5000) {
        let data = data(n);
        let before = lane.producer();
        assert!(lane.write(&geometry, &memory, None, &mut record(n, &data)));
        assert!(lane.producer() > before);
    }
    // A lane that is not there.
    let mut lane = Lane::new(4);
    assert!(!lane.write(&geometry, &memory, None, &mut record(1, b"")));
}

/// Real memory for two threads.
struct Atomics(Vec<AtomicU64>);

impl reader::Memory for Atomics {
    fn load_u64(&self, offset: usize) -> u64 {
        self.0[offset / 8].load(Ordering::Acquire)
    }

    fn copy(&self, offset: usize, to: &mut [u8]) {
        for (word, from) in to.chunks_exact_mut(8).zip(&self.0[offset / 8..]) {
            word.copy_from_slice(&from.load(Ordering::Relaxed).to_le_bytes());
        }
    }
}

impl writer::Memory for Atomics {
    fn load_u64(&self, offset: usize) -> u64 {
        self.0[offset / 8].load(Ordering::Acquire)
    }

    fn store_u64(&self, offset: usize, value: u64) {
        self.0[offset / 8].store(value, Ordering::Release);
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        // Only one producer: a word can be put together from what is there and what comes.
        for (at, byte) in (offset..).zip(bytes) {
            let word = &self.0[at / 8];
            let mut all = word.load(Ordering::Relaxed).to_le_bytes();
            all[at % 8] = *byte;
            word.store(u64::from_le_bytes(all), Ordering::Relaxed);
        }
    }
}

#[test]
fn threads_agree_on_whole_records() {
    let geometry = Geometry::new(4, 16384).unwrap();
    let words = geometry.map_bytes() / 8;
    let memory = Atomics((0..words).map(|_| AtomicU64::new(0)).collect());
    let total = common::iterations(2000) * 5;
    let mut cursor = Cursor::newest(geometry, 0, &memory).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut lane = Lane::new(0);
            for n in 1..=total {
                let data = data(n);
                lane.write(&geometry, &memory, None, &mut record(n, &data));
            }
        });
        let mut buffer = [0; RECORD_MAX];
        let (mut read, mut last) = (0, 0);
        while last < total {
            match cursor.next(&memory, &mut buffer) {
                Next::Record(got) => {
                    last = check(&got);
                    read += 1;
                }
                Next::Overrun => {}
                Next::Empty => std::thread::yield_now(),
            }
        }
        assert_eq!(read + cursor.missed(), total);
        assert!(read > 0);
    });
}
