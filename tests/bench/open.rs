// SPDX-License-Identifier: GPL-2.0

//! Opens and closes a file N times and prints the nanoseconds that one round took.
//!
//! Under QEMU's `-icount shift=0` a nanosecond of guest time is one instruction, so this counts
//! instructions of the guest, kernel included. Usage: open FILE N [ROUNDS]; one line a round.

use std::{env, fs::File, time::Instant};

fn main() {
    let args: Vec<String> = env::args().collect();
    let number = |i: usize, default: u64| {
        args.get(i)
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let path = args.get(1).expect("usage: open FILE N [ROUNDS]");
    let n = number(2, 10_000);
    for _ in 0..number(3, 1) {
        let start = Instant::now();
        for _ in 0..n {
            drop(File::open(path).expect("the file opens"));
        }
        println!("{}", start.elapsed().as_nanos() as f64 / n as f64);
    }
}
