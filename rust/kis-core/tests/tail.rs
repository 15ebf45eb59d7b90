// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::sense::tail`] and what it stands on, against floats and exact integers; and what comes of
//! its lines for distributions as parameters have them.
//!
//! `cargo test --release -p kis-core --test tail -- --ignored` holds ten million samples against the
//! reference, and prints what the lines cost and miss.

mod common;

use common::Chance;
use kis_core::sense::budget::Budget;
use kis_core::sense::fixed;
use kis_core::sense::habit::Habit;
use kis_core::sense::param::Param;
use kis_core::sense::tail::{
    Tail,
    MAX_KEPT, //
};

/// As a float.
fn real(fixed: u64) -> f64 {
    fixed as f64 / fixed::ONE as f64
}

/// A float in fixed point.
fn fixed_point(real: f64) -> u64 {
    (real * fixed::ONE as f64) as u64
}

fn assert_near(got: f64, want: f64, what: &str) {
    assert!(
        (got - want).abs() <= 1e-9 * want.abs().max(1.0),
        "{what}: {got} for {want}"
    );
}

/// What [`Tail::reach`] approximates, by the book: all values, sorted, and floats. The sums are exact.
fn reach(values: &[u64], ln_windows: f64) -> f64 {
    let mut falling: Vec<u64> = values.iter().map(|value| (*value).min(MAX_KEPT)).collect();
    falling.sort_unstable_by(|a, b| b.cmp(a));
    let peak = falling[0] as f64;
    let taken = values.len().div_ceil(4).min(31);
    let Some(base) = falling.get(taken).copied() else {
        return peak;
    };
    let mut excesses: Vec<u64> = falling[..taken].iter().map(|value| value - base).collect();
    excesses.retain(|excess| *excess > 0);
    excesses.reverse();
    let q = excesses.len();
    if q == 0 {
        return peak;
    }
    // Hosking and Wallis: a0 is the mean, a1 the mean weighted by how many are larger.
    let sum: i128 = excesses.iter().map(|y| i128::from(*y)).sum();
    let weights = (0..q).map(|i| (q - 1 - i) as i128);
    let weighted: i128 = excesses
        .iter()
        .zip(weights)
        .map(|(y, w)| i128::from(*y) * w)
        .sum();
    // a0 - 2 a1; its numerator is exact.
    let pairs = (q * (q.max(2) - 1)) as f64;
    let a0 = sum as f64 / q as f64;
    let difference = (sum * (q as i128 - 1) - 2 * weighted) as f64 / pairs;
    let shape = match difference > 0.0 {
        true => (2.0 - a0 / difference).clamp(-0.5, 0.5),
        false => 0.2,
    };
    let shape = ((q as f64 * shape + 20.0 * 0.2) / (q as f64 + 20.0)).max(0.0);
    let rarer = (ln_windows + (q as f64).ln() - (values.len() as f64).ln()).max(0.0);
    let scale = a0 * (1.0 - shape);
    let excess = match shape * rarer < 1e-8 {
        true => scale * rarer,
        false => scale * (shape * rarer).exp_m1() / shape,
    };
    (base as f64 + excess).max(peak)
}

/// Whether a line is the float's, rounded up, but for a millionth.
fn assert_reach(values: &[u64], tail: &Tail, ln_windows: f64) {
    let want = reach(values, ln_windows);
    let got = tail.reach(fixed_point(ln_windows)) as f64;
    assert!(
        got >= want * (1.0 - 1e-6) && got <= want * (1.0 + 1e-6) + 1.0,
        "{got} for {want}, {ln_windows}, {values:?}"
    );
}

fn learned(values: &[u64]) -> Tail {
    let mut tail = Tail::new();
    values.iter().for_each(|value| tail.learn(*value));
    tail
}

/// Values as parameters have them: constant, small, huge, mixed, with outliers and ties.
fn values(chance: &mut Chance, most: usize) -> Vec<u64> {
    let n = 1 + chance.below(most);
    let bits = 1 + chance.below(50) as u32;
    let (base, noise) = (chance.number(bits), chance.number(bits));
    let outliers = chance.below(30);
    (0..n)
        .map(|_| match chance.below(1000) < outliers {
            true => chance.number(51),
            false => base.saturating_add(chance.next() % (noise + 1)),
        })
        .collect()
}

#[test]
fn logarithms_agree_with_floats() {
    let mut chance = Chance::new(31);
    for _ in 0..common::iterations(20_000) {
        let value = chance.number(64).max(1);
        assert_near(real(fixed::ln(value)), (value as f64).ln(), "ln");
    }
}

#[test]
fn growth_agrees_with_floats_and_rises() {
    let mut chance = Chance::new(32);
    let mut last = (0, 0);
    for i in 0..common::iterations(20_000) {
        let z = match i % 2 {
            0 => chance.number(44),
            _ => chance.next() % fixed::MAX_GROWTH,
        };
        let want = match z {
            0 => 1.0,
            _ => real(z).exp_m1() / real(z),
        };
        let got = fixed::growth(z);
        assert_near(real(got), want, "growth");
        let (less, more) = if z < last.0 {
            (got, last.1)
        } else {
            (last.1, got)
        };
        // Neighbours may differ by what is rounded.
        assert!(less <= more.saturating_add(more >> 30));
        last = (z, got);
    }
}

#[test]
fn quotients_are_exact() {
    let mut chance = Chance::new(33);
    for _ in 0..common::iterations(20_000) {
        let (a, b) = (chance.number(64), chance.number(63).max(1));
        let want = (u128::from(a) << fixed::BITS) / u128::from(b);
        let want = u64::try_from(want).unwrap_or(u64::MAX);
        assert_eq!(fixed::quotient(a, b), want);
    }
}

#[test]
fn reach_agrees_with_floats() {
    let mut chance = Chance::new(34);
    for _ in 0..common::iterations(4000) {
        let values = values(&mut chance, 300);
        let tail = learned(&values);
        for _ in 0..5 {
            assert_reach(&values, &tail, chance.below(30_000) as f64 / 1000.0);
        }
    }
}

#[test]
fn reach_rises_and_is_never_below_the_peak() {
    let mut chance = Chance::new(35);
    for _ in 0..common::iterations(2000) {
        let tail = learned(&values(&mut chance, 100));
        let mut last = tail.peak();
        for step in 0..60 {
            let reach = tail.reach(step * fixed::ONE / 2);
            assert!(reach >= last);
            last = reach;
        }
    }
}

/// Held against each other: sums, deviations and lines of ten million learned values, and ten million
/// lines.
#[test]
#[ignore = "ten million samples"]
fn ten_million_samples_agree_with_the_reference() {
    let mut chance = Chance::new(36);
    let mut left = 10_000_000;
    let mut worst = 0.0f64;
    while left > 0 {
        let mut values = values(&mut chance, 2000);
        values
            .iter_mut()
            .for_each(|value| *value = (*value).min(1 << 40));
        let (mut habit, mut tail) = (Habit::new(), Tail::new());
        for value in &values {
            habit.learn(Param::CpuUs, *value, None);
            tail.learn(*value);
        }
        left -= values.len().min(left);
        let n = values.len() as i128;
        let sum: i128 = values.iter().map(|value| i128::from(*value)).sum();
        let mean = ((sum << 16) / n) as u64;
        assert_eq!(habit.estimator().mean_q16(), mean);
        let squares: i128 = values.iter().map(|value| i128::from(*value).pow(2)).sum();
        // Of an exact integer: the rounding of the float is 2^-53.
        let want = ((n * squares - sum * sum) as f64).sqrt() / n as f64 * 65536.0;
        let got = habit.estimator().deviation_q16() as f64;
        // A step of the format is 2^-16, and the root is rounded down.
        assert!((got - want).abs() <= 2.0 + want * 1e-6, "{got} for {want}");
        worst = worst.max(((got - want).abs() - 2.0) / want.max(1.0));
        for ln_windows in [0.5, 7.0, 14.6248, 18.0260, 27.3] {
            assert_reach(&values, &tail, ln_windows);
        }
    }
    println!(
        "deviation: relative error beyond two steps of 2^-16 at most {:.1e}",
        worst.max(0.0)
    );
    let mut lines = 0;
    let mut worst = 0.0f64;
    while lines < 10_000_000 {
        let values = values(&mut chance, 150);
        let tail = learned(&values);
        for _ in 0..200 {
            let ln_windows = chance.below(30_000_000) as f64 / 1e6;
            let want = reach(&values, ln_windows);
            let got = tail.reach(fixed_point(ln_windows)) as f64;
            // Rounded up to whole units.
            let error = if got >= want {
                (got - want - 1.0).max(0.0)
            } else {
                want - got
            };
            worst = worst.max(error / want.max(1.0));
            lines += 1;
        }
    }
    println!("lines: relative error beyond rounding up at most {worst:.1e}");
    assert!(worst <= 1e-6);
}

/// A distribution as parameters have them: its name, how it is drawn, and the chance of more than x.
type Shape = (&'static str, fn(&mut Chance) -> f64, fn(f64) -> f64);

fn unit(chance: &mut Chance) -> f64 {
    ((chance.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

fn normal(chance: &mut Chance) -> f64 {
    let (radius, angle) = (unit(chance), unit(chance));
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

/// The chance that a normal value is above x: the continued fraction far out, the series near.
fn normal_above(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    if x < 2.0 {
        let (mut term, mut sum) = (x, x);
        for i in 1..200 {
            term *= x * x / f64::from(2 * i + 1);
            sum += term;
        }
        return 0.5 - density * sum;
    }
    density / (1..200).rev().fold(x, |rest, i| x + f64::from(i) / rest)
}

fn poisson(chance: &mut Chance) -> f64 {
    let (mut product, mut n) = (unit(chance), 0.0);
    while product > (-3.0f64).exp() {
        product *= unit(chance);
        n += 1.0;
    }
    n
}

fn poisson_above(x: f64) -> f64 {
    let mut term = (-3.0f64).exp();
    let mut above = 0.0;
    for i in 1..200 {
        term *= 3.0 / f64::from(i);
        if f64::from(i) > x {
            above += term;
        }
    }
    above
}

const SHAPES: [Shape; 6] = [
    (
        "normal, 10 % deviation",
        |c| 1000.0 + 100.0 * normal(c),
        |x| normal_above((x + 0.5 - 1000.0) / 100.0),
    ),
    ("Poisson, mean 3", poisson, poisson_above),
    (
        "exponential",
        |c| -1000.0 * unit(c).ln(),
        |x| (-(x + 0.5) / 1000.0).exp(),
    ),
    (
        "lognormal, 0.5",
        |c| 100.0 * (0.5 * normal(c)).exp(),
        |x| normal_above(((x + 0.5) / 100.0).ln() / 0.5),
    ),
    (
        "lognormal, 1",
        |c| 100.0 * normal(c).exp(),
        |x| normal_above(((x + 0.5) / 100.0).ln()),
    ),
    (
        "Pareto, 3",
        |c| 100.0 * unit(c).powf(-1.0 / 3.0),
        |x| ((x + 0.5) / 100.0).max(1.0).powi(-3),
    ),
];

/// Of many cells that learn `n` windows: the median of the alarms of danger one in the time in which
/// one parameter may raise one, and the median and the 90 % quantile of the line, over the value that
/// is exceeded so often.
fn outcome(shape: &Shape, n: usize, cells: usize) -> (f64, f64, f64) {
    let (_, draw, above) = shape;
    let (one, _) = Budget::usual(1000).ln_windows().unwrap();
    let windows = real(one).exp();
    let (mut low, mut high) = (0.0, 1e9);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        match above(middle) * windows > 1.0 {
            true => low = middle,
            false => high = middle,
        }
    }
    let mut chance = Chance::new(37);
    let (mut alarms, mut lines): (Vec<f64>, Vec<f64>) = (0..cells)
        .map(|_| {
            let mut tail = Tail::new();
            (0..n).for_each(|_| tail.learn(draw(&mut chance).max(0.0).round() as u64));
            let line = tail.reach(one) as f64;
            (above(line) * windows, line / high)
        })
        .unzip();
    alarms.sort_unstable_by(f64::total_cmp);
    lines.sort_unstable_by(f64::total_cmp);
    (alarms[cells / 2], lines[cells / 2], lines[cells * 9 / 10])
}

#[test]
fn lines_keep_the_budget_and_their_power() {
    for (i, shape) in SHAPES.iter().enumerate() {
        for n in [60, 600] {
            let (alarms, line, far) = outcome(shape, n, 200);
            // The last two are heavier than what some minutes can show: their lines are nearer than
            // they should be, by less than four times.
            let (most, near) = if i < 4 { (1.0, 0.9) } else { (60.0, 0.25) };
            assert!(alarms <= most, "{}, {n}: {alarms}", shape.0);
            assert!(line >= near, "{}, {n}: {line}", shape.0);
            assert!(line <= 2.6 && far <= 8.0, "{}, {n}: {line} {far}", shape.0);
        }
    }
}

#[test]
#[ignore = "a table for Documentation/architecture.rst"]
fn print_what_lines_cost_and_miss() {
    for shape in &SHAPES {
        for n in [60, 200, 600] {
            let (alarms, line, far) = outcome(shape, n, 1000);
            println!(
                "{:24} {n:4} alarms {alarms:6.2} line {line:5.2} {far:5.2}",
                shape.0
            );
        }
    }
}
