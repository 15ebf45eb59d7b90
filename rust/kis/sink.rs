// SPDX-License-Identifier: GPL-2.0

//! Where records go: the lanes of the mapped ring.
//!
//! Floor 2. Producers never wait for a consumer: [`Sink::write()`] may be called in any context but
//! NMI. Each CPU has a lane for alerts and one for telemetry, so that the one cannot drown the
//! other. The consumer's positions come from user space and are only ever compared
//! (`kis_core::wire::ring::admit()`).
//!
//! Locks: a lane's lock is innermost, nothing is taken inside.

use crate::sys::{
    clock,
    device::{Mapped, Waiters},
    pages::SharedPages,
    task::Task,
};
use core::sync::atomic::{fence, AtomicBool, AtomicU64, Ordering};
use kernel::{
    cpu::{nr_cpu_ids, CpuId},
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq,
};
use kis_core::{
    wire::abi::{Class, RecordType, RECORD_BYTES},
    wire::record::Record,
    wire::ring::{admit, Admit, Geometry, PAGE},
};

/// Slots of a lane: 256 KiB, some seconds of one CPU's alerts at the worst.
const SLOTS: u32 = 512;

/// Offsets inside `struct kis_lane`.
const LANE_PRODUCER: usize = 0;
const LANE_LOST: usize = 8;
const LANE_BAD_CONSUMER: usize = 16;

/// What the kernel itself believes of a lane; user space sees a copy.
#[derive(Default)]
struct Lane {
    producer: u64,
    lost: u64,
    bad_consumer: u64,
}

/// The ring.
pub(crate) struct Sink {
    geometry: Geometry,
    pages: SharedPages,
    lanes: KVec<Pin<KBox<SpinLockIrq<Lane>>>>,
    waiters: Waiters,
    has_consumer: AtomicBool,
    records: AtomicU64,
    lost: [AtomicU64; 2],
}

impl Sink {
    /// Allocates the ring for all possible CPUs. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let lanes = nr_cpu_ids().checked_mul(2).ok_or(EOVERFLOW)?;
        let geometry = Geometry::new(lanes, SLOTS).map_err(|_| E2BIG)?;
        let pages = SharedPages::new(geometry.map_bytes())?;
        pages.write(0, &geometry.to_info());
        let mut locks = KVec::with_capacity(lanes as usize, GFP_KERNEL)?;
        for _ in 0..lanes {
            let lane = KBox::pin_init(
                new_spinlock_irq!(Lane::default(), "kis::Sink::lane"),
                GFP_KERNEL,
            )?;
            locks.push(lane, GFP_KERNEL)?;
        }
        Ok(Self {
            geometry,
            pages,
            lanes: locks,
            waiters: Waiters::new()?,
            has_consumer: AtomicBool::new(false),
            records: AtomicU64::new(0),
            lost: [const { AtomicU64::new(0) }; 2],
        })
    }

    /// Records written or lost so far.
    pub(crate) fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Records of a class that found no room.
    pub(crate) fn lost(&self, class: Class) -> u64 {
        self.lost
            .get(class as usize)
            .map_or(0, |l| l.load(Ordering::Relaxed))
    }

    /// Numbers and dates the record and writes it to this CPU's lane of its class. Never fails:
    /// what finds no room is counted. Any context but NMI.
    pub(crate) fn write(&self, kind: RecordType, mut record: Record) {
        record.kind = kind as u16;
        record.id = self.records.fetch_add(1, Ordering::Relaxed) + 1;
        record.mono_ns = clock::monotonic_ns();
        record.wall_ns = clock::realtime_ns();
        let mut bytes = [0u8; RECORD_BYTES];
        record.encode_into(&mut bytes);
        let class = kind.class();
        // Another CPU's lane would do as well: its lock makes it right, this only makes it fast.
        let Some(number) = self.geometry.lane(CpuId::current().as_u32(), class) else {
            return;
        };
        if self.put(number, &bytes) {
            self.waiters.wake();
        } else if let Some(lost) = self.lost.get(class as usize) {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Puts an encoded record into a lane; false when it is full.
    fn put(&self, number: u32, bytes: &[u8; RECORD_BYTES]) -> bool {
        let (Some(lane), Some(header), Some(consumer_at)) = (
            self.lanes.get(number as usize),
            self.geometry.lane_offset(number),
            self.geometry.consumer_offset(number),
        ) else {
            return false;
        };
        let mut lane = lane.lock();
        // Read once; user space may change it at any time.
        let consumer = self
            .has_consumer
            .load(Ordering::Acquire)
            .then(|| self.pages.load_u64(consumer_at));
        match admit(lane.producer, consumer, SLOTS) {
            Admit::Full => {
                lane.lost += 1;
                self.pages.store_u64(header + LANE_LOST, lane.lost);
                return false;
            }
            Admit::WriteBadConsumer => {
                lane.bad_consumer += 1;
                self.pages
                    .store_u64(header + LANE_BAD_CONSUMER, lane.bad_consumer);
            }
            Admit::Write => {}
        }
        let position = lane.producer;
        let Some(slot) = self.geometry.slot_offset(number, position) else {
            return false;
        };
        // ORDERING: a reader that sees new bytes also sees that the slot is being written: it
        // loads the sequence number, copies, and loads it again (`ring::reader`).
        self.pages.store_u64(slot, 0);
        fence(Ordering::Release);
        if let Some(body) = bytes.get(8..) {
            self.pages.write(slot + 8, body);
        }
        self.pages.store_u64(slot, position.wrapping_add(1));
        lane.producer = position.wrapping_add(1);
        self.pages.store_u64(header + LANE_PRODUCER, lane.producer);
        true
    }
}

impl Mapped for Sink {
    fn pages(&self) -> &SharedPages {
        &self.pages
    }

    fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    fn open(&self, consumer: bool) -> Result {
        // A process of a cell, of whatever generation, neither reads of itself nor keeps others
        // from reading.
        if Task::with_current(|task| task.cell()).is_some_and(|handle| handle != 0) {
            return Err(EPERM);
        }
        if !consumer {
            return Ok(());
        }
        if self.has_consumer.swap(true, Ordering::AcqRel) {
            return Err(EBUSY);
        }
        // What was written before is history, not unread: the consumer starts at the end.
        for (number, lane) in (0u32..).zip(&self.lanes) {
            if let Some(at) = self.geometry.consumer_offset(number) {
                let lane = lane.lock();
                self.pages.store_u64(at, lane.producer);
            }
        }
        Ok(())
    }

    fn release(&self, consumer: bool) {
        if consumer {
            self.has_consumer.store(false, Ordering::Release);
        }
    }

    fn is_ready(&self, consumer: bool) -> bool {
        (0u32..).zip(&self.lanes).any(|(number, lane)| {
            let produced = lane.lock().producer;
            let read = self
                .geometry
                .consumer_offset(number)
                .map_or(0, |at| self.pages.load_u64(at));
            // A mere reader has no position in the kernel: it is woken by each record and
            // otherwise polls with a time-out.
            consumer && produced != read
        })
    }
}

const _: () = assert!(PAGE == kernel::page::PAGE_SIZE);
