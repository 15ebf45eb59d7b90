// SPDX-License-Identifier: GPL-2.0

//! `/dev/kis`: the record ring, read without consumer rights.
//!
//! A reader takes nothing away from other readers; the oldest records are overwritten by new ones.

use crate::{
    error::{
        Error,
        Result, //
    },
    sys::mapping::Mapping, //
};
use kis_core::{
    wire::abi::{
        ID_LANE_BITS,
        RECORD_MAX, //
    },
    wire::record::{
        Body,
        Head,
        Id,
        Record, //
    },
    wire::ring::{
        reader::{
            Buffer,
            Cursor,
            Memory,
            Next, //
        },
        Geometry,
        INFO_BYTES,
        PAGE, //
    }, //
};
use nix::{
    errno::Errno,
    poll::{
        poll,
        PollFd,
        PollFlags,
        PollTimeout, //
    }, //
};
use std::{
    fs::File,
    num::NonZeroUsize,
    os::fd::AsFd,
    time::{
        Duration,
        Instant, //
    }, //
};

/// Where it is.
pub const PATH: &str = "/dev/kis";

/// The device and where we are in each lane.
#[derive(Debug)]
pub struct Device {
    file: File,
    ring: Ring,
    cursors: Vec<Cursor>,
}

/// A record that has left the ring.
///
/// # Examples
///
/// ```
/// use kis_core::wire::abi::Op;
/// use kis_core::wire::record::{Head, Operation, Record};
/// use kisctl::device::Stored;
///
/// let record = Record::new(Head::ZERO, Operation::new(Op::Exec, 1, None), b"/bin/sh");
/// assert_eq!(Stored::new(&record).record(), record);
/// ```
#[derive(Clone, Debug)]
pub struct Stored {
    head: Head,
    body: Body,
    data: Vec<u8>,
}

impl Stored {
    /// Keeps a record.
    pub fn new(record: &Record<'_>) -> Self {
        Self {
            head: record.head,
            body: record.body,
            data: record.data().to_vec(),
        }
    }

    /// The record.
    pub fn record(&self) -> Record<'_> {
        Record::new(self.head, self.body, &self.data)
    }

    /// What every record says.
    pub fn head(&self) -> &Head {
        &self.head
    }
}

/// The record of that number.
pub fn find(records: &[Stored], id: u64) -> Result<Stored> {
    if let Some(stored) = records.iter().find(|stored| stored.head().id == id) {
        return Ok(stored.clone());
    }
    let lane = Id::from_number(id).lane();
    let mut of_lane = records
        .iter()
        .map(|stored| stored.head().id())
        .filter(|id| id.lane() == lane);
    let held = match (of_lane.next(), of_lane.next_back()) {
        (Some(first), last) => format!(
            "its lane of the ring holds each {}th from {} to {}",
            1 << ID_LANE_BITS,
            first.get(),
            last.unwrap_or(first).get()
        ),
        (None, _) => "its lane of the ring is empty".to_owned(),
    };
    Err(Error::not_found(format!("record {id}: not in the ring")).next(held))
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// With the oldest record that is left.
    Oldest,
    /// With what comes from now on.
    Now,
}

#[derive(Debug)]
struct Ring(Mapping);

impl Memory for Ring {
    fn load_u64(&self, offset: usize) -> u64 {
        self.0.load_u64(offset).unwrap_or(0)
    }

    fn copy(&self, offset: usize, to: &mut [u8]) {
        if !self.0.copy(offset, to) {
            to.fill(0);
        }
    }
}

impl Device {
    /// Opens and maps the device.
    pub fn open(from: From) -> Result<Self> {
        let file = File::open(PATH).map_err(|e| match e.raw_os_error().map(Errno::from_raw) {
            Some(Errno::ENOENT | Errno::ENXIO | Errno::ENODEV) => {
                Error::absent(format!("{PATH}: there is none"))
                    .next("load the module: insmod kis.ko; kisctl doctor says what is missing")
            }
            _ => Error::io(PATH, &e),
        })?;
        let failed = |e: Errno| Error::system(format!("{PATH}: mmap"), e);
        let page = NonZeroUsize::new(PAGE).unwrap_or(NonZeroUsize::MIN);
        let first = Mapping::new(&file, page).map_err(failed)?;
        let mut info = [0; INFO_BYTES];
        first.copy(0, &mut info);
        let geometry = Geometry::from_info(&info).map_err(|e| {
            Error::absent(format!("{PATH}: {e}"))
                .next("install kisctl and kis.ko of the same version")
        })?;
        let whole = NonZeroUsize::new(geometry.map_bytes()).unwrap_or(page);
        let ring = Ring(Mapping::new(&file, whole).map_err(failed)?);
        let begin = |lane| match from {
            From::Oldest => Cursor::oldest(geometry, lane, &ring),
            From::Now => Cursor::newest(geometry, lane, &ring),
        };
        let cursors = (0..geometry.lanes()).filter_map(begin).collect();
        Ok(Self {
            file,
            ring,
            cursors,
        })
    }

    /// Everything that is there, in the order of all lanes: by time, then by lane and number.
    pub fn drain(&mut self) -> Vec<Stored> {
        let mut records = Vec::new();
        let mut buffer: Buffer = [0; RECORD_MAX];
        // Twice: an earlier record may have been written to a lane that was read already.
        for _ in 0..2 {
            for cursor in &mut self.cursors {
                loop {
                    match cursor.next(&self.ring, &mut buffer) {
                        Next::Record(record) => records.push(Stored::new(&record)),
                        Next::Overrun => {}
                        Next::Empty => break,
                    }
                }
            }
        }
        records.sort_by_key(|stored| stored.head.order());
        records
    }

    /// Records that this reader did not see: overwritten before, or lost for want of room.
    pub fn missed(&self) -> u64 {
        self.cursors
            .iter()
            .fold(0, |sum, cursor| sum.saturating_add(cursor.missed()))
    }

    /// Waits for records, until `end` if there is one; `false` when that has come.
    pub fn wait(&self, end: Option<Instant>) -> Result<bool> {
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(false);
            }
            // A ring that is not polled right must not stop us for ever: look twice a second.
            let step = left.map_or(Duration::from_millis(500), |left| {
                left.min(Duration::from_millis(500))
            });
            // CAST: at most 500, at least 1.
            let timeout = PollTimeout::from(step.as_millis().max(1) as u16);
            let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(0) if end.is_some_and(|end| Instant::now() >= end) => return Ok(false),
                Ok(_) => {
                    let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
                    if fds[0]
                        .revents()
                        .is_some_and(|events| events.intersects(gone))
                    {
                        return Err(Error::absent(format!("{PATH}: the module is gone")));
                    }
                    return Ok(true);
                }
                Err(Errno::EINTR) => {}
                Err(e) => return Err(Error::system(format!("{PATH}: poll"), e)),
            }
        }
    }
}
