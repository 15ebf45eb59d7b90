// SPDX-License-Identifier: GPL-2.0

//! The object that callbacks without a context pointer serve (`sys::served`).

#[kernel::macros::kunit_tests(kis_served)]
mod tests {
    use crate::sys::served::Served;
    use core::sync::atomic::{AtomicU32, Ordering};
    use kernel::{prelude::*, sync::Arc};

    struct Counted(Arc<AtomicU32>);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    static PLACE: Served = Served::new();

    #[test]
    fn one_object_at_a_time_is_lent() {
        let drops = Arc::new(AtomicU32::new(0), GFP_KERNEL);
        assert!(drops.is_ok());
        let Ok(drops) = drops else { return };
        let lend = || PLACE.lend(Arc::new(Counted(drops.clone()), GFP_KERNEL)?);
        let lease = lend();
        assert!(lease.is_ok());
        // A refused object is not kept.
        assert!(lend().is_err_and(|e| e == EBUSY));
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        drop(lease);
        assert_eq!(drops.load(Ordering::Relaxed), 2);
        let again = lend();
        assert!(again.is_ok());
        drop(again);
        assert_eq!(drops.load(Ordering::Relaxed), 3);
    }
}
