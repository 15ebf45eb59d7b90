// SPDX-License-Identifier: GPL-2.0

//! Images on their way in (`control::upload`).

#[kernel::macros::kunit_tests(kis_upload)]
mod tests {
    use crate::control::upload::Upload;
    use kis_core::wire::abi::MAX_IMAGE;

    #[test]
    fn chunks_have_to_follow_each_other() {
        let mut place = None;
        let token = Upload::begin(&mut place, 1, 6, b"", false).unwrap_or(0);
        assert!(token != 0);
        assert!(Upload::begin(&mut place, 1, 6, b"", false).is_err());
        let Some(mut upload) = place.take() else {
            return;
        };
        assert!(upload.append(token, 1, b"b").is_err());
        assert!(upload.append(token, 0, b"abc").is_ok());
        assert!(upload.append(token, 0, b"abc").is_err());
        assert!(upload.append(token.wrapping_add(2), 3, b"def").is_err());
        assert!(upload.append(token, 3, b"defg").is_err());
        assert!(upload.append(token, 3, b"def").is_ok());
        assert!(upload.append(token, 6, b"g").is_err());
        assert!(upload
            .finish()
            .is_ok_and(|image| image.as_ref() == b"abcdef"));
    }

    #[test]
    fn an_image_that_is_not_whole_is_none() {
        let mut place = None;
        let token = Upload::begin(&mut place, 1, 2, b"", false).unwrap_or(0);
        let Some(mut upload) = place.take() else {
            return;
        };
        assert!(upload.append(token, 0, b"a").is_ok());
        assert!(upload.finish().is_err());
    }

    #[test]
    fn too_large_an_image_is_refused_before_memory_is_taken() {
        let mut place = None;
        let most = MAX_IMAGE as u32;
        assert!(Upload::begin(&mut place, 1, most + 1, b"", false).is_err());
        assert!(place.is_none());
    }
}
