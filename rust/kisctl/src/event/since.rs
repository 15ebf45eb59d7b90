// SPDX-License-Identifier: GPL-2.0

//! `--since`: a record, or a time.

use crate::{
    device::Stored,
    duration::seconds, //
};
use kis_core::wire::record::{
    Head,
    Id, //
};
use std::{
    str::FromStr,
    time::{
        Duration,
        SystemTime,
        UNIX_EPOCH, //
    }, //
};

/// What was asked for.
///
/// # Examples
///
/// ```
/// use kisctl::event::since::Since;
///
/// assert_eq!("4824067".parse(), Ok(Since::Record(4824067)));
/// assert_eq!("1970-01-01T00:00:01.5Z".parse(), Ok(Since::Time(1_500_000_000)));
/// assert!(matches!("10m".parse(), Ok(Since::Time(_))));
/// assert!("yesterday".parse::<Since>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// What comes after this record.
    Record(u64),
    /// What comes after this time, CLOCK_REALTIME.
    Time(u64),
}

/// Where that is in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Behind this place in the order of all lanes.
    Order((u64, u32, u64)),
    /// The record is not there: behind its number in its lane, and everywhere in the others.
    Lane(u32, u64),
    /// Behind this time, CLOCK_REALTIME.
    Time(u64),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Record(id));
        }
        time(text).or_else(|| ago(text)).map(Self::Time).ok_or_else(|| {
            "neither the number of a record nor a time like 2025-11-21T09:06:40.5Z, 10m, 2h or 3d"
                .to_owned()
        })
    }
}

impl Since {
    /// Looks for it among the records that are there.
    pub fn begin(self, records: &[Stored]) -> Begin {
        let id = match self {
            Self::Time(ns) => return Begin::Time(ns),
            Self::Record(id) => id,
        };
        let found = records.iter().find(|stored| stored.head().id == id);
        match (found, Id::from_number(id)) {
            (Some(stored), _) => Begin::Order(stored.head().order()),
            // No record has this number: all come after it.
            (None, id) if id.sequence() == 0 => Begin::Time(0),
            (None, id) => Begin::Lane(id.lane(), id.sequence()),
        }
    }
}

impl Begin {
    /// Whether a record comes after it.
    pub fn is_before(self, head: &Head) -> bool {
        match self {
            Self::Order(order) => head.order() > order,
            Self::Lane(lane, sequence) => {
                head.id().lane() != lane || head.id().sequence() > sequence
            }
            Self::Time(ns) => head.wall_ns > ns,
        }
    }
}

/// Nanoseconds since 1970 of what was that long ago.
fn ago(text: &str) -> Option<u64> {
    let age = Duration::from_secs(seconds(text).ok()?);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(now.saturating_sub(age).as_nanos()).ok()
}

/// Nanoseconds since 1970 of a time in RFC 3339 and UTC.
fn time(text: &str) -> Option<u64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let is_time = (1970..2500).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    let is_fraction =
        (1..=9).contains(&fraction.len()) && fraction.bytes().all(|c| c.is_ascii_digit());
    if !is_time || !is_fraction {
        return None;
    }
    let ns: u64 = format!("{fraction:0<9}").parse().ok()?;
    // The year begins in March, so that the leap day is its last (as in `text::rfc3339`).
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days = days - 719_468;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    seconds.checked_mul(1_000_000_000)?.checked_add(ns)
}

/// Three numbers with a mark between them.
fn numbers(text: &str, mark: char) -> Option<[u64; 3]> {
    let mut parts = text.split(mark).map(|part| {
        let is_number = (1..=4).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit());
        is_number.then(|| part.parse().ok()).flatten()
    });
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::rfc3339;
    use kis_core::wire::record::{
        Calm,
        Record, //
    };

    #[test]
    fn times_are_read_as_they_are_written() {
        for ns in [
            0,
            951_782_400_000_000_000,
            1_709_251_199_000_000_005,
            1_763_716_000_123_456_789,
            4_107_542_400_000_000_000,
        ] {
            assert_eq!(rfc3339(ns).parse(), Ok(Since::Time(ns)));
        }
        for bad in [
            "",
            "-1",
            "2025-11-21",
            "2025-11-21T09:06:40",
            "2025-11-21T09:06:40+01:00",
            "2025-13-21T09:06:40Z",
            "2025-11-21T24:06:40Z",
            "2025-11-21T09:06:40.Z",
            "2025-11-21T09:06:40.1234567890Z",
            "1969-11-21T09:06:40Z",
            "2025-11-21T09:06Z",
            "2025-11-21-01T09:06:40Z",
            "99999999999999999999",
        ] {
            assert!(bad.parse::<Since>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_comes_after_a_record_is_found_by_the_order_of_all_lanes() {
        let stored = |mono_ns, lane, sequence| {
            let head = Head {
                mono_ns,
                wall_ns: mono_ns,
                id: Id::new(lane, sequence).get(),
                ..Head::ZERO
            };
            Stored::new(&Record::new(head, Calm::ZERO, b""))
        };
        let all = [stored(10, 0, 7), stored(20, 5, 1), stored(30, 0, 8)];
        let after = |since: Since| {
            let begin = since.begin(&all);
            let after = all.iter().filter(|s| begin.is_before(s.head()));
            after.map(|s| s.head().mono_ns).collect::<Vec<_>>()
        };
        let id = |lane, sequence| Since::Record(Id::new(lane, sequence).get());
        assert_eq!(after(id(0, 7)), [20, 30]);
        assert_eq!(after(id(5, 1)), [30]);
        assert!(after(id(0, 8)).is_empty());
        // One that was overwritten: only its own lane can tell.
        assert_eq!(after(id(0, 3)), [10, 20, 30]);
        assert_eq!(after(id(5, 9)), [10, 30]);
        assert_eq!(after(Since::Record(0)), [10, 20, 30]);
        assert_eq!(after(Since::Time(10)), [20, 30]);
    }
}
