// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::sense::stats`] against exact integers and against floats.

mod common;

use common::Chance;
use kis_core::sense::stats::{
    Estimator,
    MAX_COUNT,
    MAX_VALUE, //
};

fn learned(values: &[u64]) -> Estimator {
    let mut e = Estimator::new();
    for value in values {
        e.learn(*value);
    }
    e
}

/// Values as parameters have them: constant, small, huge, mixed, with outliers.
fn values(chance: &mut Chance, bits: u32) -> Vec<u64> {
    let n = 1 + chance.below(200);
    let base = chance.number(bits);
    let noise = chance.number(bits.min(20));
    (0..n)
        .map(|_| match chance.below(20) {
            0 => chance.number(bits),
            _ => base
                .saturating_add(chance.next() % (noise + 1))
                .min((1 << bits) - 1),
        })
        .collect()
}

#[test]
fn mean_is_the_floor_of_the_exact_one() {
    let mut chance = Chance::new(3);
    for _ in 0..common::iterations(2000) {
        let values = values(&mut chance, 40);
        let sum: u128 = values.iter().map(|v| u128::from(*v)).sum();
        let want = (sum << 16) / values.len() as u128;
        assert_eq!(u128::from(learned(&values).mean_q16()), want);
    }
}

#[test]
fn deviation_is_less_than_two_steps_below_the_exact_one() {
    let mut chance = Chance::new(4);
    for _ in 0..common::iterations(2000) {
        // 36 bits and 200 values: everything below fits into 128 bits.
        let values = values(&mut chance, 36);
        let n = values.len() as i128;
        let sum: i128 = values.iter().map(|v| i128::from(*v)).sum();
        // Two passes, by the definition: n^3 * variance, then n^2 * variance.
        let cubed: i128 = values
            .iter()
            .map(|v| (n * i128::from(*v) - sum) * (n * i128::from(*v) - sum))
            .sum();
        assert_eq!(cubed % n, 0);
        let scaled = (cubed / n) as u128;
        let got = u128::from(learned(&values).deviation_q16());
        let n = n as u128;
        // got <= deviation * 2^16 < got + 2, squared and times n^2.
        assert!((got * n) * (got * n) <= scaled << 32, "{values:?}");
        let above = (got + 2) * n;
        assert!(scaled << 32 < above * above, "{values:?}");
    }
}

#[test]
fn deviation_of_huge_values_agrees_with_floats() {
    let mut chance = Chance::new(5);
    for _ in 0..common::iterations(2000) {
        let values = values(&mut chance, 40);
        let n = values.len() as f64;
        let mean = values.iter().map(|v| *v as f64).sum::<f64>() / n;
        let squares = values.iter().map(|v| (*v as f64 - mean).powi(2));
        let want = (squares.sum::<f64>() / n).sqrt() * 65536.0;
        let got = learned(&values).deviation_q16() as f64;
        // The floats round, at 40 bits, to about 2^-12 of a unit: 16 steps.
        assert!((got - want).abs() <= 32.0 + want * 1e-9, "{got} {want}");
    }
}

#[test]
fn limits_do_not_overflow() {
    // Half zeros, half the greatest value: the largest deviation there can be, with the most values.
    let mut e = Estimator::new();
    for i in 0..MAX_COUNT + 100 {
        e.learn(if i % 2 == 0 { 0 } else { u64::MAX });
    }
    assert_eq!(e.n(), MAX_COUNT);
    assert_eq!(e.mean_q16(), MAX_VALUE << 15);
    assert_eq!(e.deviation_q16(), MAX_VALUE << 15);
    let again = Estimator::from_sums(e.n(), e.sum(), e.squares(), e.peak());
    assert_eq!(again, Some(e));
    let t = e.thresholds(u32::MAX, u32::MAX, u64::MAX);
    assert!(t.one() <= t.two());
}

#[test]
fn sums_of_any_values_are_possible_and_order_does_not_count() {
    let mut chance = Chance::new(6);
    for _ in 0..common::iterations(2000) {
        let mut values = values(&mut chance, 41);
        let e = learned(&values);
        let again = Estimator::from_sums(e.n(), e.sum(), e.squares(), e.peak());
        assert_eq!(again, Some(e));
        values.sort_unstable();
        assert_eq!(learned(&values), e);
    }
}

#[test]
fn thresholds_agree_with_floats_and_leave_the_learned_alone() {
    let mut chance = Chance::new(7);
    for _ in 0..common::iterations(2000) {
        let values = values(&mut chance, 40);
        let e = learned(&values);
        let (a, b) = (chance.below(64 << 16) as u32, chance.below(64 << 16) as u32);
        let (k_one, k_two) = (a.min(b), a.max(b));
        let floor = 1 + chance.number(20);
        let t = e.thresholds(k_one, k_two, floor);
        assert!(t.one() < t.two());
        for (threshold, k, floors) in [(t.one(), k_one, 1.0), (t.two(), k_two, 2.0)] {
            let reach =
                (e.mean_q16() as f64 + f64::from(k) / 65536.0 * e.deviation_q16() as f64) / 65536.0;
            let want = reach.max(e.peak() as f64) + floors * floor as f64;
            let error = threshold as f64 - want;
            assert!(
                (-0.1 - want * 1e-12..=2.0 + want * 1e-12).contains(&error),
                "{threshold} {want}"
            );
        }
        // What was seen in learning never raises a signal, not even one floor above.
        assert!(values.iter().all(|v| *v + floor <= t.one()));
    }
}

#[test]
fn chebyshev_holds() {
    // At most 1/k^2 of the values are further than k deviations from the mean, whatever they are.
    let mut chance = Chance::new(8);
    for _ in 0..common::iterations(500) {
        let values = values(&mut chance, 30);
        let e = learned(&values);
        for k in 2..6u64 {
            let reach = k * (e.deviation_q16() + 2);
            let far = values
                .iter()
                .filter(|v| (**v << 16).abs_diff(e.mean_q16()) > reach);
            assert!(far.count() as u64 * k * k <= values.len() as u64);
        }
    }
}
