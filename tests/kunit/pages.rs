// SPDX-License-Identifier: GPL-2.0

//! Memory that user space can map (`sys::pages`).

#[kernel::macros::kunit_tests(kis_pages)]
mod tests {
    use crate::sys::pages::SharedPages;

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let pages = SharedPages::new(8);
        assert!(pages.is_ok());
        let Ok(pages) = pages else { return };
        // Rounded up to a page.
        let end = kernel::page::PAGE_SIZE;
        for at in [0, 8, end - 8] {
            pages.store_u64(at, u64::MAX);
            assert_eq!(pages.load_u64(at), u64::MAX);
            pages.store_u64(at, 0);
        }
        for at in [1, 4, end - 4, end, end + 8, usize::MAX, usize::MAX - 7] {
            pages.store_u64(at, u64::MAX);
            assert_eq!(pages.load_u64(at), 0);
        }
        for at in [end - 3, end, usize::MAX, usize::MAX - 3] {
            pages.write(at, b"abcd");
        }
        assert!((0..end).step_by(8).all(|at| pages.load_u64(at) == 0));
        pages.write(end - 4, b"abcd");
        assert_eq!(pages.load_u64(end - 8).to_le_bytes(), *b"\0\0\0\0abcd");
    }

    #[test]
    fn too_much_is_refused() {
        assert!(SharedPages::new(usize::MAX).is_err());
    }
}
