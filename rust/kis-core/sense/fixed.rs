// SPDX-License-Identifier: GPL-2.0

//! Logarithm, growth and quotient with 40 fractional bits.
//!
//! What thresholds need of analysis, without floats and without a 128-bit division, which the kernel
//! does not have. Each is within a few units of 2^-40 of the exact value, relative to it where it is
//! above one; `tests/tail.rs` holds them against floats. Floor 0, pure, total; context: any.

/// Fractional bits.
pub const BITS: u32 = 40;

/// One.
pub const ONE: u64 = 1 << BITS;

/// Greatest argument of [`growth`]; larger ones are taken for it. With it `z * growth(z)` has 64 bits.
pub const MAX_GROWTH: u64 = 16 << BITS;

/// `ln 2`, 64 fractional bits.
const LN_2: u64 = 0xb172_17f7_d1cf_79ac;

/// `a * b`, saturating.
pub const fn times(a: u64, b: u64) -> u64 {
    // CAST: to a wider type, and back what is known to fit. OVERFLOW: 64 bits by 64 bits.
    let product = (a as u128).wrapping_mul(b as u128) >> BITS;
    if product > u64::MAX as u128 {
        u64::MAX
    } else {
        product as u64
    }
}

/// `a / b` of integers, rounded down, saturating; the greatest number for `b == 0`.
pub fn quotient(a: u64, b: u64) -> u64 {
    // One bit of room to shift the rest.
    let room = u32::from(b >> 63 != 0);
    let (a, b) = (a >> room, b >> room);
    let (Some(whole), Some(mut rest)) = (a.checked_div(b), a.checked_rem(b)) else {
        return u64::MAX;
    };
    if whole >> (64 - BITS) != 0 {
        return u64::MAX;
    }
    let mut quotient = whole;
    for _ in 0..BITS {
        // OVERFLOW: rest is below b, which is below 2^63.
        rest = rest.wrapping_shl(1);
        quotient = quotient.wrapping_shl(1);
        if rest >= b {
            rest = rest.wrapping_sub(b);
            quotient |= 1;
        }
    }
    quotient
}

/// The natural logarithm of an integer; 0 for 0.
///
/// The binary one bit by bit: squaring the mantissa doubles its logarithm, whose next bit is whether
/// the square is 2 or more (Knuth, TAOCP vol. 1, 1.2.2, exercise 25 has the idea).
pub fn ln(value: u64) -> u64 {
    let Some(top) = value.checked_ilog2() else {
        return 0;
    };
    // In [1, 2) with 63 fractional bits.
    let mut mantissa = value.wrapping_shl(63u32.saturating_sub(top));
    let mut log2 = u64::from(top).wrapping_shl(BITS);
    for bit in (0..BITS).rev() {
        let square = u128::from(mantissa).wrapping_mul(u128::from(mantissa)) >> 63;
        // CAST: below 2^65, and below 2^64 after the shift.
        mantissa = if square >> 64 != 0 {
            log2 |= 1u64.wrapping_shl(bit);
            (square >> 1) as u64
        } else {
            square as u64
        };
    }
    // CAST: below 64 * ln 2 with 40 fractional bits.
    (u128::from(log2).wrapping_mul(u128::from(LN_2)) >> 64) as u64
}

/// `(e^z - 1) / z`, which is 1 at 0.
///
/// Its series `1 + z/2! + z^2/3! + ...` below one half; from there by doubling,
/// `growth(2z) = growth(z) * (1 + z * growth(z) / 2)`. All terms are positive, so nothing cancels.
pub fn growth(z: u64) -> u64 {
    let z = z.min(MAX_GROWTH);
    let doublings = (64u32.saturating_sub(z.leading_zeros())).saturating_sub(BITS - 1);
    let small = z >> doublings;
    let mut sum = ONE;
    // Below 1/2 the next term is below 2^-14 / 15!, 2^-54.
    for n in (2..=14u64).rev() {
        // OVERFLOW: sum is below 2.
        sum = ONE.saturating_add(times(small, sum).checked_div(n).unwrap_or(0));
    }
    for i in 0..doublings {
        let half = times(small.wrapping_shl(i), sum) >> 1;
        sum = times(sum, ONE.saturating_add(half));
    }
    sum
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_fixed))]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_rounded_down() {
        for (a, b, want) in [
            (0, 1, 0),
            (1, 1, ONE),
            (1, 3, ONE / 3),
            (7, 2, 7 * ONE / 2),
            (1 << 23, 1, ONE << 23),
            (1 << 24, 1, u64::MAX),
            (1, 0, u64::MAX),
            (u64::MAX, u64::MAX, ONE),
            (1, u64::MAX, 0),
        ] {
            assert_eq!(quotient(a, b), want);
        }
    }

    #[test]
    fn logarithms_of_known_numbers() {
        // ln 2, ln 10 and ln (2^64 - 1) with 40 fractional bits, rounded down.
        for (value, want) in [
            (0, 0),
            (1, 0),
            (2, 762_123_384_785u64),
            (10, 2_531_719_083_690),
            (u64::MAX, 48_775_896_626_291),
        ] {
            assert!(ln(value).abs_diff(want) <= 1);
        }
    }

    #[test]
    fn growth_of_known_numbers() {
        // e - 1, (e^2 - 1) / 2 and (e^16 - 1) / 16.
        for (z, want, error) in [
            (0, ONE, 0),
            (ONE, 1_889_270_850_186u64, 20),
            (2 * ONE, 3_512_420_735_643, 80),
            (MAX_GROWTH, 610_648_796_468_088_868, 1 << 25),
            (u64::MAX, 610_648_796_468_088_868, 1 << 25),
        ] {
            assert!(growth(z).abs_diff(want) <= error);
        }
    }
}
