// SPDX-License-Identifier: GPL-2.0

//! How fast the table is walked, next to regex-automata's dense DFA on the same automaton.
//!
//! Both read every byte of the same text; both find nothing in it, which is what almost all traffic
//! looks like. And how fast a large image is verified. The last line is one JSON object.
//! `cargo bench -p kis-core`.

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::Instant;

use kis_core::matching::signatures::Signatures;
use regex_automata::dfa::Automaton;
use regex_automata::Input;

const REGEXES: &[&str] = &[
    "(?i)config[ \r\n$0-9]+set[ \r\n$0-9]+dir[ \r\n$0-9]+/root/\\.ssh",
    "authorized_keys",
    "\\.\\./\\.\\./\\.\\./",
    "(?i)union[ +]+select",
    "\\$\\{jndi:(ldap|rmi|dns)://",
    "/etc/passwd",
    "\\x90{16}",
    "(?i)<script[ >]",
];

fn main() {
    // cargo test --benches passes --test: a short run shows that it works.
    let short = std::env::args().any(|arg| arg == "--test");
    let rounds = if short { 1 } else { 30 };
    let dfa = common::dense(REGEXES);
    let sigs = Signatures::verify(common::image(REGEXES)).unwrap();
    let mut chance = common::Chance::new(1);
    let texts = [
        ("redis", redis(&mut chance)),
        ("http", http(&mut chance)),
        (
            "random",
            (0..1 << 20).map(|_| chance.next() as u8).collect(),
        ),
    ];
    let mut json = Vec::new();
    println!("{} signatures, {} states", sigs.len(), sigs.states());
    println!(
        "{:8} {:>10} {:>10} {:>6}",
        "text", "kis MB/s", "dense MB/s", "ratio"
    );
    for (name, text) in &texts {
        let kis = best(rounds, text.len(), || {
            let mut state = sigs.start();
            let mut hits = 0u32;
            let _ = sigs.walk(&mut state, black_box(text), |_| {
                hits += 1;
                ControlFlow::Continue(())
            });
            black_box((state, hits));
        });
        let dense = best(rounds, text.len(), || {
            let input = Input::new(black_box(&text[..]));
            black_box(dfa.try_search_fwd(&input).unwrap());
        });
        println!("{name:8} {kis:10.0} {dense:10.0} {:6.2}", kis / dense);
        json.push(format!(
            "\"{name}_mb_s\":{kis:.0},\"{name}_ratio\":{:.2}",
            kis / dense
        ));
    }
    let image = huge(&mut chance);
    let verify = best(rounds.div_ceil(3), image.len(), || {
        black_box(Signatures::verify(black_box(&image[..])).unwrap());
    });
    println!("verify   {verify:10.0} MB/s of {} MiB", image.len() >> 20);
    json.push(format!("\"verify_mb_s\":{verify:.0}"));
    println!("{{{}}}", json.join(","));
}

/// An image of almost 16 MiB, with random transitions.
fn huge(chance: &mut common::Chance) -> Vec<u8> {
    let states = 65_000;
    let next = (0..states * 64).map(|_| chance.below(states) as u32);
    let plain = common::Plain {
        classes: std::array::from_fn(|byte| (byte % 64) as u8),
        stride: 64,
        transitions: next.collect(),
        accepts: vec![Vec::new(); states],
    };
    common::image_of(&plain, 1)
}

/// Megabytes per second of the fastest round.
fn best(rounds: u32, len: usize, mut run: impl FnMut()) -> f64 {
    let fastest = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .min()
        .unwrap();
    len as f64 / 1e6 / fastest.as_secs_f64()
}

fn redis(chance: &mut common::Chance) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < 1 << 20 {
        let value = chance.bytes(b"abcdefghijklmnopqrstuvwxyz0123456789", 32);
        text.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$12\r\nkey:");
        text.extend_from_slice(format!("{:08}", chance.below(1 << 20)).as_bytes());
        text.extend_from_slice(b"\r\n$32\r\n");
        text.extend_from_slice(&value);
        text.extend_from_slice(b"\r\n");
    }
    text
}

fn http(chance: &mut common::Chance) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < 1 << 20 {
        let page = chance.below(10_000);
        let lines = format!(
            "GET /articles/{page}/index.html?user={page}&sort=date HTTP/1.1\r\nHost: www.example.org\r\n\
             User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
             Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
             Accept-Language: en-US,en;q=0.5\r\nCookie: session={:016x}\r\n\r\n",
            chance.next()
        );
        text.extend_from_slice(lines.as_bytes());
    }
    text
}
