// SPDX-License-Identifier: GPL-2.0

//! What all images that user space uploads have in common: a header of 32 bytes.
//!
//! | offset | type | field |
//! |---|---|---|
//! | 0 | u32 | [`MAGIC`] |
//! | 4 | u32 | [`ABI`] |
//! | 8 | u32 | [`Kind`] |
//! | 12 | u32 | bytes of the image with this header, a multiple of 8 |
//! | 16 | u64 | sum of everything else |
//! | 24 | u64 | 0 |
//!
//! The sum finds damage, not malice: any change of a single 8-byte word changes it. An attacker can
//! make it right, so each format is checked in full behind it, whatever the sum says. Floor 0,
//! pure; linear time.

use crate::paths::path::{
    FNV_BASIS,
    FNV_PRIME, //
};
use crate::wire::abi::{
    ABI,
    MAX_IMAGE, //
};
use crate::wire::bytes::{
    u32_at,
    u64_at,
    Reader,
    Writer, //
};
use crate::{
    Error,
    Result, //
};

/// First word of an image: "KISI".
pub const MAGIC: u32 = u32::from_le_bytes(*b"KISI");

/// Bytes of the header.
pub const HEADER: usize = 32;

/// [`MAX_IMAGE`] as it is in errors.
pub(crate) const LIMIT: u32 = MAX_IMAGE as u32;

/// Where the sum is.
const SUM: usize = 16;

/// What an image holds (`enum kis_image_kind`).
///
/// # Examples
///
/// ```
/// use kis_core::cells::{encode, room, CellSpec};
/// use kis_core::wire::image::{kind, Kind};
///
/// let spec = CellSpec::new(b"redis", b"/usr/bin/redis-server");
/// let mut image = vec![0; room(&[spec])];
/// let len = encode(&[spec], &mut image)?;
/// assert_eq!(kind(&image[..len]), Some(Kind::Cells));
/// assert_eq!(kind(b"no image"), None);
/// # Ok::<(), kis_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// All cells.
    Cells = 0,
    /// All signatures with their matching table.
    Signatures = 1,
    /// The learned profile of one cell.
    Profile = 2,
}

impl Kind {
    /// The kind with this number.
    pub const fn from_u32(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Cells),
            1 => Some(Self::Signatures),
            2 => Some(Self::Profile),
            _ => None,
        }
    }
}

/// What the header of `bytes` says they hold; nothing else is checked.
pub fn kind(bytes: &[u8]) -> Option<Kind> {
    if u32_at(bytes, 0)? != MAGIC {
        return None;
    }
    Kind::from_u32(u32_at(bytes, 8)?)
}

/// Checks the header of `bytes` and gives a reader for what is behind it.
///
/// # Errors
///
/// [`Error::Limit`] above [`MAX_IMAGE`] bytes, else [`Error::Malformed`].
pub fn open(bytes: &[u8], kind: Kind) -> Result<Reader<'_>> {
    if bytes.len() > MAX_IMAGE {
        return Err(Error::limit("bytes of an image", LIMIT));
    }
    let word = |offset| u32_at(bytes, offset).ok_or(Error::malformed(offset, "image header"));
    if word(0)? != MAGIC {
        return Err(Error::malformed(0, "magic of an image"));
    }
    if word(4)? != ABI {
        return Err(Error::malformed(4, "ABI of the image"));
    }
    if word(8)? != kind as u32 {
        return Err(Error::malformed(8, "kind of the image"));
    }
    // CAST: at most MAX_IMAGE.
    if word(12)? != bytes.len() as u32 || bytes.len() % 8 != 0 {
        return Err(Error::malformed(12, "length of the image"));
    }
    if u64_at(bytes, 24) != Some(0) {
        return Err(Error::malformed(24, "reserved word of the header"));
    }
    if u64_at(bytes, SUM) != Some(sum(bytes)) {
        return Err(Error::malformed(SUM, "sum of the image"));
    }
    Ok(Reader::new(bytes, HEADER))
}

/// Begins an image in `out`: leaves room for the header.
pub(crate) fn begin(out: &mut [u8]) -> Writer<'_> {
    let mut writer = Writer::new(out);
    writer.zeros(HEADER);
    writer
}

/// Pads the `len` bytes in `out` to whole words and writes their header; gives the new length.
///
/// # Errors
///
/// [`Error::Limit`] when there is no room.
pub(crate) fn seal(out: &mut [u8], kind: Kind, len: Option<usize>) -> Result<usize> {
    const NO_ROOM: Error = Error::limit("bytes of an image", LIMIT);
    let len = len.ok_or(NO_ROOM)?;
    let padded = len.checked_next_multiple_of(8).ok_or(NO_ROOM)?;
    if padded > MAX_IMAGE {
        return Err(NO_ROOM);
    }
    let image = out.get_mut(..padded).ok_or(NO_ROOM)?;
    image.get_mut(len..).ok_or(NO_ROOM)?.fill(0);
    let mut header = Writer::new(image);
    header.u32(MAGIC);
    header.u32(ABI);
    header.u32(kind as u32);
    // CAST: at most MAX_IMAGE.
    header.u32(padded as u32);
    header.u64(0);
    header.u64(0);
    reseal(image);
    Ok(padded)
}

/// Makes the sum of an image right; does nothing when it is too short for a header.
///
/// For tests that damage an image on purpose.
pub fn reseal(image: &mut [u8]) {
    let sum = sum(image);
    if let Some(place) = image.get_mut(SUM..SUM + 8) {
        place.copy_from_slice(&sum.to_le_bytes());
    }
}

/// FNV-1a over 64-bit words in place of bytes, the sum's own word left out.
///
/// Each step is a bijection of the state and of the word, so a change of one word always shows; the
/// rotation lets upper bits reach lower ones, which a multiplication does not.
fn sum(bytes: &[u8]) -> u64 {
    let step = |sum: u64, word: &[u8]| {
        let word = u64_at(word, 0).unwrap_or(0);
        (sum ^ word).wrapping_mul(FNV_PRIME).rotate_left(29)
    };
    let (head, tail) = bytes.split_at_checked(SUM).unwrap_or((bytes, &[]));
    let behind = tail.get(8..).unwrap_or_default();
    let sum = head.chunks_exact(8).fold(FNV_BASIS, step);
    behind.chunks_exact(8).fold(sum, step)
}

/// Checks that the rest of an image is at most 7 bytes of zero padding.
///
/// # Errors
///
/// [`Error::Malformed`].
pub(crate) fn finish(mut reader: Reader<'_>, len: usize) -> Result {
    let at = reader.offset();
    let rest = len.saturating_sub(at);
    let padding = reader.take(rest).unwrap_or_default();
    if rest >= 8 || padding.iter().any(|b| *b != 0) {
        return Err(Error::malformed(at, "bytes behind the end"));
    }
    Ok(())
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_image))]
mod tests {
    use super::*;

    #[test]
    fn open_takes_what_seal_made() {
        let mut out = [0xaau8; 64];
        let mut w = begin(&mut out);
        w.u32(7);
        let len = w.finish();
        let sealed = seal(&mut out, Kind::Profile, len);
        assert_eq!(sealed, Ok(40));
        assert_eq!(kind(&out), Some(Kind::Profile));
        let image = out.get(..40).unwrap_or_default();
        let opened = open(image, Kind::Profile);
        assert!(opened.is_ok());
        let mut r = opened.unwrap_or(Reader::new(&[], 0));
        assert_eq!(r.u32(), Some(7));
        assert_eq!(finish(r, 40), Ok(()));
        assert!(open(image, Kind::Cells).is_err());
        assert!(finish(Reader::new(image, 32), 40).is_err());
    }

    #[test]
    fn open_finds_each_flipped_bit() {
        let mut out = [0u8; 48];
        let mut w = begin(&mut out);
        w.u64(0x0123_4567_89ab_cdef);
        w.u64(0);
        let len = w.finish();
        assert_eq!(seal(&mut out, Kind::Cells, len), Ok(48));
        for at in 0..48 {
            for bit in 0..8 {
                let mut damaged = out;
                if let Some(byte) = damaged.get_mut(at) {
                    *byte ^= 1 << bit;
                }
                assert!(open(&damaged, Kind::Cells).is_err());
            }
        }
        for len in 0..48 {
            assert!(open(out.get(..len).unwrap_or_default(), Kind::Cells).is_err());
        }
    }

    #[test]
    fn seal_without_room_is_refused() {
        let mut out = [0u8; 33];
        assert!(seal(&mut out, Kind::Cells, Some(33)).is_err());
        assert!(seal(&mut out, Kind::Cells, None).is_err());
        assert!(seal(&mut out, Kind::Cells, Some(usize::MAX)).is_err());
        reseal(&mut out[..3]);
    }
}
