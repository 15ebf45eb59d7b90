// SPDX-License-Identifier: GPL-2.0

//! Little-endian words in byte slices.
//!
//! Floor 0, pure and total: reading past the end says `None`, writing past the end says so once
//! at the end. Everything that goes through an image or the ring goes through here.

/// Widens a 32-bit number to an index.
#[inline]
pub const fn index(value: u32) -> usize {
    const { assert!(usize::BITS >= 32) };
    // CAST: never loses bits, see the assertion.
    value as usize
}

/// The `N` bytes at `offset`.
#[inline]
pub fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    // One comparison in place of two, where the compiler knows that the addition cannot overflow.
    let end = offset.checked_add(N)?;
    bytes.get(offset..end)?.first_chunk::<N>().copied()
}

/// The 16-bit word at `offset`.
#[inline]
pub fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    array_at(bytes, offset).map(u16::from_le_bytes)
}

/// The 32-bit word at `offset`.
#[inline]
pub fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    array_at(bytes, offset).map(u32::from_le_bytes)
}

/// The 64-bit word at `offset`.
#[inline]
pub fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    array_at(bytes, offset).map(u64::from_le_bytes)
}

/// The bytes from the beginning to the first NUL, or all.
pub fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == 0).next().unwrap_or(bytes)
}

/// Reads words one after the other.
///
/// # Examples
///
/// ```
/// use kis_core::wire::bytes::Reader;
///
/// let mut reader = Reader::new(&[1, 0, 2, 0, 0, 0], 0);
/// assert_eq!((reader.u16(), reader.u32(), reader.u8()), (Some(1), Some(2), None));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from `offset` on.
    pub const fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { bytes, offset }
    }

    /// Where the next word begins.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let end = self.offset.checked_add(len)?;
        let taken = self.bytes.get(self.offset..end)?;
        self.offset = end;
        Some(taken)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk::<N>().copied()
    }

    /// The next byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(u8::from_le_bytes)
    }

    /// The next 16-bit word.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// The next 32-bit word.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// The next 64-bit word.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// The next 128-bit word.
    pub fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }
}

/// Writes words one after the other.
///
/// What does not fit is not written; [`Writer::finish`] then says so.
///
/// # Examples
///
/// ```
/// use kis_core::wire::bytes::Writer;
///
/// let mut out = [0; 4];
/// let mut writer = Writer::new(&mut out);
/// writer.u16(7);
/// writer.u64(8);
/// assert_eq!(writer.finish(), None, "there was no room for all");
/// assert_eq!(out, [7, 0, 0, 0]);
/// ```
#[derive(Debug)]
pub struct Writer<'a> {
    bytes: &'a mut [u8],
    offset: usize,
    overflowed: bool,
}

impl<'a> Writer<'a> {
    /// Writes over `bytes` from their beginning.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        Self {
            bytes,
            offset: 0,
            overflowed: false,
        }
    }

    /// Where the next word goes.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Writes `data`.
    pub fn put(&mut self, data: &[u8]) {
        let room = self
            .offset
            .checked_add(data.len())
            .and_then(|end| self.bytes.get_mut(self.offset..end));
        match room {
            Some(room) if !self.overflowed => {
                room.copy_from_slice(data);
                self.offset = self.offset.saturating_add(data.len());
            }
            _ => self.overflowed = true,
        }
    }

    /// Writes `len` zeros.
    pub fn zeros(&mut self, len: usize) {
        let end = self.offset.checked_add(len);
        match end.and_then(|end| self.bytes.get_mut(self.offset..end)) {
            Some(room) if !self.overflowed => {
                room.fill(0);
                self.offset = self.offset.saturating_add(len);
            }
            _ => self.overflowed = true,
        }
    }

    /// Writes a byte.
    pub fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// Writes a 16-bit word.
    pub fn u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    /// Writes a 32-bit word.
    pub fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    /// Writes a 64-bit word.
    pub fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    /// Writes a 128-bit word.
    pub fn u128(&mut self, value: u128) {
        self.put(&value.to_le_bytes());
    }

    /// How many bytes were written, or `None` when there was no room for all.
    pub fn finish(self) -> Option<usize> {
        (!self.overflowed).then_some(self.offset)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_bytes))]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        let mut out = [0xffu8; 34];
        let mut w = Writer::new(&mut out);
        w.u8(1);
        w.zeros(1);
        w.u16(0x0203);
        w.u32(0x0405_0607);
        w.u64(8);
        w.u128(9);
        w.put(b"ab");
        assert_eq!(w.finish(), Some(34));
        let mut r = Reader::new(&out, 0);
        assert_eq!(r.u8(), Some(1));
        assert_eq!(r.u8(), Some(0));
        assert_eq!(r.u16(), Some(0x0203));
        assert_eq!(r.u32(), Some(0x0405_0607));
        assert_eq!(r.u64(), Some(8));
        assert_eq!(r.u128(), Some(9));
        assert_eq!(r.take(2), Some(&b"ab"[..]));
        assert_eq!(r.u8(), None);
        assert_eq!(r.offset(), 34);
        assert_eq!(u16_at(&out, 2), Some(0x0203));
        assert_eq!(u32_at(&out, 4), Some(0x0405_0607));
        assert_eq!(u64_at(&out, 27), None);
        assert_eq!(u64_at(&out, usize::MAX), None);
    }

    #[test]
    fn writer_without_room_says_so() {
        let mut out = [0u8; 3];
        let mut w = Writer::new(&mut out);
        w.u32(1);
        w.u8(1);
        assert_eq!(w.offset(), 0);
        assert_eq!(w.finish(), None);
        assert_eq!(out, [0u8; 3]);
    }

    #[test]
    fn reader_take_does_not_wrap() {
        let mut r = Reader::new(b"abc", 2);
        assert_eq!(r.take(usize::MAX), None);
        assert_eq!(r.take(2), None);
        assert_eq!(r.take(1), Some(&b"c"[..]));
    }

    #[test]
    fn until_nul_stops_there() {
        assert_eq!(until_nul(b"ab\0c"), b"ab");
        assert_eq!(until_nul(b"ab"), b"ab");
        assert_eq!(until_nul(b"\0"), b"");
    }
}
