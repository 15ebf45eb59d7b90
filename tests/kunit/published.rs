// SPDX-License-Identifier: GPL-2.0

//! Tables that hooks read without a lock (`sys::published`).

#[kernel::macros::kunit_tests(kis_published)]
mod tests {
    use crate::sys::published::Published;
    use core::sync::atomic::{AtomicU32, Ordering};
    use kernel::{prelude::*, sync::Arc};

    /// Counts when it is dropped.
    struct Counted(Arc<AtomicU32>, u32);

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counted(drops: &Arc<AtomicU32>, n: u32) -> Option<Arc<Counted>> {
        Arc::new(Counted(drops.clone(), n), GFP_KERNEL).ok()
    }

    fn drops() -> Option<Arc<AtomicU32>> {
        Arc::new(AtomicU32::new(0), GFP_KERNEL).ok()
    }

    #[test]
    fn a_replaced_table_is_dropped_once() {
        let drops = drops();
        assert!(drops.is_some());
        let Some(drops) = drops else { return };
        let place = KBox::pin_init(Published::<Counted>::new(), GFP_KERNEL);
        assert!(place.is_ok());
        let Ok(place) = place else { return };
        assert!(place.current().is_none());
        place.replace(counted(&drops, 1));
        assert_eq!(drops.load(Ordering::Relaxed), 0);
        place.replace(counted(&drops, 2));
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        place.replace(None);
        assert_eq!(drops.load(Ordering::Relaxed), 2);
        assert!(place.current().is_none());
    }

    #[test]
    fn a_borrowed_table_outlives_its_replacement() {
        let drops = drops();
        assert!(drops.is_some());
        let Some(drops) = drops else { return };
        let place = KBox::pin_init(Published::<Counted>::new(), GFP_KERNEL);
        assert!(place.is_ok());
        let Ok(place) = place else { return };
        place.replace(counted(&drops, 1));
        let borrowed = place.current();
        place.replace(counted(&drops, 2));
        assert_eq!(drops.load(Ordering::Relaxed), 0);
        assert!(borrowed.as_ref().is_some_and(|table| table.1 == 1));
        drop(borrowed);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        assert!(place.current().is_some_and(|table| table.1 == 2));
        drop(place);
        assert_eq!(drops.load(Ordering::Relaxed), 2);
    }
}
