// SPDX-License-Identifier: GPL-2.0

//! How far a slice goes on with bytes of one kind: the loops in which the tracker spends its time.
//!
//! Floor 0, pure; context: any.

/// A 1 in each byte.
const ONES: u64 = u64::from_ne_bytes([1; 8]);
/// The highest bit of each byte.
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);

/// Byte to what it is hashed as in a token (a name or a method), 0 for one that no token has.
const TOKEN: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < table.len() {
        // CAST: an index of the table.
        let byte = at as u8;
        if matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
            || byte.is_ascii_alphanumeric()
        {
            // PANIC: below the length.
            table[at] = byte.to_ascii_lowercase();
        }
        // OVERFLOW: at most the length.
        at += 1;
    }
    table
};

/// The token's byte, lower-cased, or 0.
#[inline(always)]
pub(super) const fn token(byte: u8) -> u8 {
    // PANIC: a byte is always an index of it.
    TOKEN[byte as usize]
}

/// Begin of a hash, as FNV-1a has it.
pub(super) const BASIS: u32 = 0x811c_9dc5;

/// `hash` with one byte more, which is not lower-cased here.
#[inline(always)]
pub(super) const fn hash(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// How many bytes come before the first that is below `BELOW` (at most 0x80) or a DEL.
#[inline(always)]
pub(super) fn text<const BELOW: u8>(bytes: &[u8]) -> usize {
    let below = u64::from_ne_bytes([BELOW; 8]);
    let del = u64::from_ne_bytes([0x7f; 8]);
    let mut rest = bytes;
    while let Some((eight, behind)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        // The lowest bit that is set is that of the first such byte: a borrow only goes upwards from one.
        let hits = (word.wrapping_sub(below) | (word ^ del).wrapping_sub(ONES)) & !word & HIGH;
        if hits != 0 {
            // CAST: below 8. OVERFLOW: an index of `bytes`.
            return (bytes.len().wrapping_sub(rest.len()))
                .wrapping_add((hits.trailing_zeros() / 8) as usize);
        }
        rest = behind;
    }
    let more = rest
        .iter()
        .take_while(|byte| **byte >= BELOW && **byte != 0x7f)
        .count();
    // OVERFLOW: at most the length of `bytes`.
    bytes.len().wrapping_sub(rest.len()).wrapping_add(more)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_run))]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_first_byte_that_is_none() {
        for stop in 0..=255u8 {
            for at in 0..20usize {
                let mut bytes = [0xffu8; 20];
                for (index, byte) in bytes.iter_mut().enumerate() {
                    if index == at {
                        *byte = stop;
                    }
                    if index > at {
                        *byte = b'\n';
                    }
                }
                let is_text = |below: u8| stop >= below && stop != 0x7f;
                let want = |below: u8| {
                    if is_text(below) {
                        at + 1
                    } else {
                        at
                    }
                };
                assert_eq!(text::<0x20>(&bytes), want(0x20));
                assert_eq!(text::<0x21>(&bytes), want(0x21));
            }
        }
        assert_eq!(text::<0x20>(b""), 0);
    }

    #[test]
    fn tokens_are_those_of_the_standard() {
        let mut count = 0usize;
        for byte in 0..=255u8 {
            count += usize::from(token(byte) != 0);
        }
        // 15 signs, digits, and letters of both cases.
        assert_eq!(count, 15 + 10 + 52);
        assert_eq!((token(b'A'), token(b'a'), token(b'|')), (b'a', b'a', b'|'));
        assert!(b":/ \t\r\n()\0\x7f\x80\""
            .iter()
            .all(|byte| token(*byte) == 0));
    }
}
