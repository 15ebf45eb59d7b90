// SPDX-License-Identifier: GPL-2.0

//! What a cell knows (`cells::cell`).

#[kernel::macros::kunit_tests(kis_cell)]
mod tests {
    use crate::{cells::cell::Cell, image::Image};
    use kernel::prelude::*;
    use kis_core::{
        cells::{encode, CellSpec, Cells},
        sense::{detector::Observation, param::Param, profile::Profile},
        wire::abi::Phase,
    };

    fn cell() -> Option<Pin<KBox<Cell>>> {
        let mut spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
        spec.learn_dirs = true;
        spec.learn_windows = 1;
        let mut bytes = KVVec::new();
        bytes.resize(4096, 0u8, GFP_KERNEL).ok()?;
        let len = encode(&[spec], &mut bytes).ok()?;
        bytes.truncate(len);
        let cells = Cells::verify(Image(bytes)).ok()?;
        let profile = KBox::new(Profile::new(), GFP_KERNEL).ok()?;
        let spec = cells.get(0)?;
        Cell::new(1, &spec, profile).ok()
    }

    #[test]
    fn directories_become_known_until_the_cell_is_ready() {
        let cell = cell();
        assert!(cell.is_some());
        let Some(cell) = cell else { return };
        for dir in [0, 1, 7, 7] {
            assert!(cell.knows(dir));
        }
        {
            let mut profile = cell.profile.lock();
            assert_eq!(profile.dirs().len(), 3);
            let seen = Observation::Window {
                values: &[1; Param::COUNT],
                processes: 1,
            };
            profile.learn(&seen, &cell.settings);
            cell.follow(&profile);
        }
        assert!(cell.phase() == Phase::Ready);
        assert!(cell.knows(0) && cell.knows(7));
        assert!(!cell.knows(8));
        assert!(cell.gauges.learned(Param::Execs).one < u64::MAX);
        {
            let mut profile = cell.profile.lock();
            profile.reset();
            cell.follow(&profile);
        }
        assert!(cell.knows(8));
        let profile = cell.profile.lock();
        assert!(profile.dirs().contains(8) && !profile.dirs().contains(7));
    }
}
