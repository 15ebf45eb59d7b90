// SPDX-License-Identifier: GPL-2.0

//! Netlink attributes: type, length, payload, padded to four bytes.
//!
//! What the kernel sends is read without trust in its lengths: a bad one ends the iteration.

/// Bytes of an attribute's header.
const HEADER: usize = 4;

/// Bits of the type that are no type: nested and byte order.
const TYPE_MASK: u16 = 0x3fff;

/// Rounds up to the next attribute.
pub const fn align(len: usize) -> usize {
    (len + 3) & !3
}

/// Attributes that are being written.
///
/// # Examples
///
/// ```
/// use kisctl::netlink::attribute::Attributes;
///
/// // Length, type, payload, padding.
/// let bytes = Attributes::new().string(2, "dns");
/// assert_eq!(&bytes.as_bytes()[4..], b"dns\0");
/// assert_eq!(bytes.maybe_string(3, None).as_bytes().len(), 8);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    bytes: Vec<u8>,
}

impl Attributes {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a payload; one longer than an attribute can hold is a mistake of the caller.
    #[must_use]
    pub fn bytes(mut self, kind: u32, payload: &[u8]) -> Self {
        // PANIC: payloads are names, addresses and chunks of at most KIS_MAX_CHUNK bytes.
        let len = u16::try_from(HEADER + payload.len()).expect("an attribute below 64 KiB");
        let kind = u16::try_from(kind).expect("an attribute number of 16 bits");
        self.bytes.extend(len.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(payload);
        self.bytes.resize(align(self.bytes.len()), 0);
        self
    }

    /// Adds a 32-bit number.
    #[must_use]
    pub fn u32(self, kind: u32, value: u32) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// Adds a string with its NUL.
    #[must_use]
    pub fn string(self, kind: u32, value: &str) -> Self {
        let mut payload = value.as_bytes().to_vec();
        payload.push(0);
        self.bytes(kind, &payload)
    }

    /// Adds a string if there is one.
    #[must_use]
    pub fn maybe_string(self, kind: u32, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.string(kind, value),
            None => self,
        }
    }

    /// As they go into a message.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// One attribute that was read.
///
/// # Examples
///
/// ```
/// use kisctl::netlink::attribute::Attribute;
///
/// let attribute = Attribute { kind: 1, payload: &7_u32.to_ne_bytes() };
/// assert_eq!((attribute.u32(), attribute.u64(), attribute.u16()), (Some(7), Some(7), None));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: u32,
    /// Its payload.
    pub payload: &'a [u8],
}

impl<'a> Attribute<'a> {
    /// The payload as a 32-bit number.
    pub fn u32(&self) -> Option<u32> {
        Some(u32::from_ne_bytes(self.payload.try_into().ok()?))
    }

    /// The payload as a 16-bit number.
    pub fn u16(&self) -> Option<u16> {
        Some(u16::from_ne_bytes(self.payload.try_into().ok()?))
    }

    /// The payload as a 64-bit number; the kernel may send a `uint` in 32 bits.
    pub fn u64(&self) -> Option<u64> {
        match self.payload.len() {
            4 => self.u32().map(u64::from),
            _ => Some(u64::from_ne_bytes(self.payload.try_into().ok()?)),
        }
    }

    /// The payload as a string, without its NUL.
    pub fn string(&self) -> String {
        let text = self.payload.split(|b| *b == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    }
}

/// Reads attributes one after the other.
///
/// # Examples
///
/// ```
/// use kisctl::netlink::attribute::{Attributes, Reader};
///
/// let written = Attributes::new().u32(1, 7).string(2, "dns");
/// let reader = Reader::new(written.as_bytes());
/// assert_eq!(reader.count(), 2);
/// assert_eq!(reader.find(2).map(|attribute| attribute.string()).as_deref(), Some("dns"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The first attribute of this type.
    pub fn find(mut self, kind: u32) -> Option<Attribute<'a>> {
        Iterator::find(&mut self, |attribute| attribute.kind == kind)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        let (header, _) = self.rest.split_first_chunk::<HEADER>()?;
        let len = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]) & TYPE_MASK;
        let payload = self.rest.get(HEADER..len);
        self.rest = match payload {
            Some(_) => self.rest.get(align(len)..).unwrap_or_default(),
            None => &[],
        };
        Some(Attribute {
            kind: u32::from(kind),
            payload: payload?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let written = Attributes::new()
            .u32(1, 7)
            .string(2, "redis")
            .maybe_string(3, None)
            .bytes(4, &[1, 2, 3])
            .bytes(5, &9_u64.to_ne_bytes());
        assert_eq!(written.as_bytes().len() % 4, 0);
        let reader = Reader::new(written.as_bytes());
        assert_eq!(reader.count(), 4);
        assert_eq!(reader.find(1).and_then(|a| a.u32()), Some(7));
        assert_eq!(reader.find(2).map(|a| a.string()), Some("redis".to_owned()));
        assert_eq!(reader.find(3), None);
        assert_eq!(reader.find(4).map(|a| a.payload), Some(&[1_u8, 2, 3][..]));
        assert_eq!(reader.find(5).and_then(|a| a.u64()), Some(9));
        assert_eq!(reader.find(4).and_then(|a| a.u32()), None);
    }

    #[test]
    fn bad_lengths_end_the_iteration() {
        for bytes in [
            &[3, 0, 1, 0][..],
            &[0, 0, 1, 0],
            &[9, 0, 1, 0, 1],
            &[8, 0, 1],
        ] {
            assert_eq!(Reader::new(bytes).count(), 0);
        }
        // The last attribute may lack its padding.
        assert_eq!(Reader::new(&[5, 0, 1, 0, 1]).count(), 1);
        // Every prefix and every flipped byte of a good message is read to its end.
        let good = Attributes::new().u32(1, 7).string(2, "redis");
        for cut in 0..good.as_bytes().len() {
            let _ = Reader::new(&good.as_bytes()[..cut]).count();
            let mut flipped = good.as_bytes().to_vec();
            flipped[cut] ^= 0xff;
            for attribute in Reader::new(&flipped) {
                assert!(attribute.string().len() <= 3 * flipped.len());
            }
        }
    }
}
