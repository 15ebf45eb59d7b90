// SPDX-License-Identifier: GPL-2.0

//! Where records go: the lanes of the mapped ring.
//!
//! Floor 2. Producers never wait for a consumer: [`Sink::write()`] may be called in any context but
//! NMI. Each CPU has a lane for each class of records, so that one class cannot drown another. The
//! consumer's positions come from user space and are only ever compared
//! (`kis_core::wire::ring::admit()`).
//!
//! Locks: a lane's lock is innermost, nothing is taken inside.

use crate::sys::{
    clock,
    device::{Mapped, Waiters},
    pages::SharedPages,
    task::Task,
};
use core::sync::atomic::{AtomicBool, Ordering};
use kernel::{
    cpu::{nr_cpu_ids, CpuId},
    new_spinlock_irq,
    prelude::*,
    sync::SpinLockIrq,
};
use kis_core::{
    wire::abi::Class,
    wire::record::Record,
    wire::ring::{
        reader::{self, Cursor},
        writer::{self, Lane},
        Geometry, PAGE,
    },
};

/// Bytes of a lane: some seconds of one CPU's verdicts at the worst. With four classes, 512 KiB a
/// CPU.
const LANE_BYTES: u32 = 128 << 10;

/// The ring.
pub(crate) struct Sink {
    geometry: Geometry,
    pages: SharedPages,
    lanes: KVec<Pin<KBox<SpinLockIrq<Lane>>>>,
    waiters: Waiters,
    has_consumer: AtomicBool,
}

impl writer::Memory for SharedPages {
    fn load_u64(&self, offset: usize) -> u64 {
        SharedPages::load_u64(self, offset)
    }

    fn store_u64(&self, offset: usize, value: u64) {
        SharedPages::store_u64(self, offset, value);
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        SharedPages::write(self, offset, bytes);
    }
}

/// For the words of the headers only, which the kernel alone writes.
struct Headers<'a>(&'a SharedPages);

impl reader::Memory for Headers<'_> {
    fn load_u64(&self, offset: usize) -> u64 {
        self.0.load_u64(offset)
    }

    fn copy(&self, _offset: usize, _to: &mut [u8]) {}
}

impl Sink {
    /// Allocates the ring for all possible CPUs. May sleep.
    pub(crate) fn new() -> Result<Self> {
        let geometry = Geometry::for_cpus(nr_cpu_ids(), LANE_BYTES).map_err(|_| E2BIG)?;
        let pages = SharedPages::new(geometry.map_bytes())?;
        pages.write(0, &geometry.to_info());
        let mut locks = KVec::with_capacity(geometry.lanes() as usize, GFP_KERNEL)?;
        for number in 0..geometry.lanes() {
            let lane = KBox::pin_init(
                new_spinlock_irq!(Lane::new(number), "kis::Sink::lane"),
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
        })
    }

    /// A number of each lane, added up over the lanes of the classes that are `counted`.
    fn sum(
        &self,
        counted: impl Fn(Class) -> bool,
        number: impl Fn(&Cursor, &Headers<'_>) -> u64,
    ) -> u64 {
        (0..self.geometry.lanes())
            .filter(|lane| Geometry::class(*lane).is_some_and(&counted))
            .filter_map(|lane| Cursor::new(self.geometry, lane, 0))
            .map(|cursor| number(&cursor, &Headers(&self.pages)))
            .fold(0, u64::wrapping_add)
    }

    /// Records written or lost so far.
    pub(crate) fn records(&self) -> u64 {
        self.sum(|_| true, |cursor, headers| cursor.newest_sequence(headers))
    }

    /// Records that found no room, of the classes that are `counted`.
    pub(crate) fn lost(&self, counted: impl Fn(Class) -> bool) -> u64 {
        self.sum(counted, |cursor, headers| cursor.lost(headers))
    }

    /// Numbers and dates the record and writes it to this CPU's lane of its class. Never fails:
    /// what finds no room is counted. Any context but NMI. A frame of its own: it holds the record a
    /// second time, encoded.
    #[inline(never)]
    pub(crate) fn write(&self, record: &mut Record<'_>) {
        // Another CPU's lane would do as well: its lock makes it right, this only makes it fast.
        let number = self
            .geometry
            .lane(CpuId::current().as_u32(), record.class());
        let (Some(lane), Some(consumer_at)) = (
            self.lanes.get(number as usize),
            self.geometry.consumer_offset(number),
        ) else {
            return;
        };
        let is_written = {
            let mut lane = lane.lock();
            // Under the lock, so that within a lane time goes as the numbers do.
            record.head.mono_ns = clock::monotonic_ns();
            record.head.wall_ns = clock::realtime_ns();
            // Read once; user space may change it at any time.
            let consumer = self
                .has_consumer
                .load(Ordering::Acquire)
                .then(|| self.pages.load_u64(consumer_at));
            lane.write(&self.geometry, &self.pages, consumer, record)
        };
        if is_written {
            self.waiters.wake();
        }
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
        if Task::current_cell() != 0 {
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
                self.pages.store_u64(at, lane.producer());
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
            let produced = lane.lock().producer();
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
