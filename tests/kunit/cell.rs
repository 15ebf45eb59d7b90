// SPDX-License-Identifier: GPL-2.0

//! What a cell knows (`cells::cell`).

#[kernel::macros::kunit_tests(kis_cell)]
mod tests {
    use crate::{
        cells::{cell::Cell, learnt::Learnt},
        image::Image,
    };
    use kernel::prelude::*;
    use kis_core::{
        cells::{encode, CellSpec, Cells},
        sense::{
            class::{Class, ClassSet},
            detector::Observation,
            expectation::Expectation,
            known::Answer,
            param::Param,
            sighting::Sighting,
        },
        wire::abi::Phase,
    };

    fn cell(expected: ClassSet) -> Option<Pin<KBox<Cell>>> {
        let mut spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
        spec.learn = true;
        spec.hard = !expected.is_empty();
        spec.expected_classes = expected;
        spec.learn_windows = WINDOWS;
        let mut bytes = KVVec::new();
        bytes.resize(4096, 0u8, GFP_KERNEL).ok()?;
        let len = encode(&[spec], &mut bytes).ok()?;
        bytes.truncate(len);
        let cells = Cells::verify(Image(bytes)).ok()?;
        let spec = cells.get(0)?;
        Cell::new(1, &spec, Learnt::new(true).ok()?.shared().ok()?).ok()
    }

    const WINDOWS: u32 = 30;

    fn peer(name: &[u8]) -> Sighting<'_> {
        Sighting::named(Class::Peer, false, name)
    }

    /// Nothing is expected, whoever asks.
    fn sees(cell: &Cell, name: &[u8], may_wait: bool) -> Answer {
        cell.sees(&peer(name), may_wait, || Expectation::None)
    }

    #[test]
    fn peers_become_known_until_the_cell_is_ready() {
        let cell = cell(ClassSet::EMPTY);
        assert!(cell.is_some());
        let Some(cell) = cell else { return };
        for name in [&b"tcp a"[..], b"unix /b", b"unix /b"] {
            assert!(sees(&cell, name, true) == Answer::Known);
            assert!(sees(&cell, name, false) == Answer::Known);
        }
        {
            let mut learnt = cell.learnt.lock();
            assert_eq!(learnt.things.items().len(), 2);
            // Who may not wait gets no answer, and teaches nothing.
            assert!(sees(&cell, b"unix /d", false) == Answer::Unsure);
            let seen = Observation::Window {
                values: &[1; Param::COUNT],
                processes: 1,
                start: false,
            };
            for _ in 0..WINDOWS {
                learnt.profile.learn(&seen, &cell.settings);
                learnt.things.window(false);
            }
            cell.follow(&learnt);
        }
        assert!(cell.phase() == Phase::Ready);
        assert!(sees(&cell, b"tcp a", false) == Answer::Known);
        assert!(sees(&cell, b"unix /c", true) == Answer::Unknown);
        assert!(cell.gauges.learned(Param::Execs).lines.usual.one() < u64::MAX);
        {
            let mut learnt = cell.learnt.lock();
            learnt.reset();
            cell.follow(&learnt);
        }
        assert!(sees(&cell, b"unix /c", true) == Answer::Known);
        let learnt = cell.learnt.lock();
        assert_eq!(learnt.things.items().len(), 1);
    }

    #[test]
    fn what_is_not_expected_is_kept_out_while_a_hard_cell_learns() {
        let cell = cell(ClassSet::EMPTY.with(Class::Peer));
        assert!(cell.is_some());
        let Some(cell) = cell else { return };
        for may_wait in [true, false] {
            assert!(sees(&cell, b"tcp a", may_wait) == Answer::Unexpected);
        }
        let named = || Expectation::Named;
        assert!(cell.sees(&peer(b"unix /b"), true, named) == Answer::Known);
        // There is no list of ports: nobody is asked.
        let port = Sighting::named(Class::Port, false, b"tcp a");
        assert!(cell.sees(&port, true, || Expectation::None) == Answer::Known);
        {
            let mut learnt = cell.learnt.lock();
            assert_eq!(learnt.things.items().len(), 2);
            assert_eq!(learnt.things.kept_out(Class::Peer), 2);
            learnt.profile.complete(cell.settings.budget);
            cell.follow(&learnt);
        }
        assert!(cell.phase() == Phase::Ready);
        assert!(sees(&cell, b"tcp a", true) == Answer::Odd);
        assert!(sees(&cell, b"unix /b", true) == Answer::Known);
    }
}
