// SPDX-License-Identifier: GPL-2.0

//! Counters of a cell and their lines (`cells::gauge`).

#[kernel::macros::kunit_tests(kis_gauge)]
mod tests {
    use crate::cells::gauge::{Gauges, Learned};
    use kis_core::sense::{
        param::Param,
        thresholds::{Lines, Thresholds},
        window::Level,
    };

    const LINES: Learned = Learned {
        n: 10,
        lines: Lines {
            usual: Thresholds::new(4, 8),
            ..Lines::NEVER
        },
        bound: 20,
        ..Learned::NONE
    };

    #[test]
    fn each_line_is_told_once_a_window_and_at_once() {
        let gauges = Gauges::new();
        assert!(gauges.is_ok());
        let Ok(gauges) = gauges else { return };
        gauges.set(Param::Execs, &LINES);
        for _ in 0..2 {
            for n in 1..=30u64 {
                let want = matches!(n, 5 | 9 | 21).then_some(n);
                assert_eq!(gauges.count(Param::Execs, 1, || false), want);
            }
            let values = gauges.take();
            assert_eq!(values[Param::Execs.index()], 30);
            assert_eq!(values[Param::CpuUs.index()], 0);
        }
    }

    #[test]
    fn values_of_a_window_are_whole_and_begin_again() {
        let gauges = Gauges::new();
        assert!(gauges.is_ok());
        let Ok(gauges) = gauges else { return };
        for param in Param::ALL {
            gauges.set(param, &Learned::NONE);
            let n = 3 + param.index() as u64;
            assert_eq!(gauges.count(param, n, || false), None);
            assert_eq!(gauges.learned(param), Learned::NONE);
        }
        let values = gauges.take();
        for (at, value) in values.iter().enumerate() {
            assert_eq!(*value, 3 + at as u64);
        }
        assert!(gauges.take().iter().all(|value| *value == 0));
    }

    #[test]
    fn new_lines_hold_at_once() {
        let gauges = Gauges::new();
        assert!(gauges.is_ok());
        let Ok(gauges) = gauges else { return };
        gauges.set(Param::Connects, &Learned::NONE);
        assert_eq!(gauges.count(Param::Connects, 5, || false), None);
        gauges.set(Param::Connects, &LINES);
        assert_eq!(gauges.count(Param::Connects, 1, || false), Some(6));
        assert_eq!(gauges.learned(Param::Connects), LINES);
    }

    #[test]
    fn what_a_start_does_is_danger_one_at_most() {
        let gauges = Gauges::new();
        assert!(gauges.is_ok());
        let Ok(gauges) = gauges else { return };
        let lines = Learned {
            bound: u64::MAX,
            ..LINES
        };
        gauges.set(Param::Execs, &lines);
        let start = gauges.moment(true);
        assert!(start.start && !gauges.moment(false).start);
        assert_eq!(gauges.count(Param::Execs, 9, || true), Some(9));
        let level = lines.crossed(9, &start).map(|(level, _)| level);
        assert_eq!(level, Some(Level::One));
        // Beyond the line of danger two nothing is left to cross.
        assert_eq!(gauges.count(Param::Execs, 9, || true), None);
    }
}
