// SPDX-License-Identifier: GPL-2.0

//! Sends bytes over the loopback and prints the nanoseconds that it took: instructions under `-icount shift=0`.
//!
//!     stream own FILE CHUNK N [ROUNDS]      to itself, N chunks of a file; ns a byte
//!     stream ask PORT BYTES N [ROUNDS]      N times a SET of so many bytes to redis; ns a request
//!
//! One line a round. The first one warms caches up.

use std::{
    env, fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    time::Instant,
};

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let text = |i: usize| {
        args.get(i)
            .expect("usage: at the head of tests/bench/stream.rs")
    };
    let number = |i: usize| text(i).parse::<usize>().expect("a number");
    let rounds = args.get(4).map_or(1, |_| number(4));
    match text(0).as_str() {
        "own" => own(text(1), number(2), number(3), rounds),
        "ask" => ask(number(1), number(2), number(3), rounds),
        other => panic!("no such mode: {other}"),
    }
}

/// Sends a file to itself.
fn own(path: &str, chunk: usize, n: usize, rounds: usize) {
    let bytes = fs::read(path).expect("the file is read");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut client = TcpStream::connect(address).expect("a connection");
    client.set_nodelay(true).expect("no delay");
    let (mut server, _) = listener.accept().expect("a connection");
    let mut room = vec![0; chunk];
    for _ in 0..rounds {
        let start = Instant::now();
        let mut pieces = bytes.chunks_exact(chunk).cycle();
        for piece in pieces.by_ref().take(n) {
            client.write_all(piece).expect("it is sent");
            server.read_exact(&mut room).expect("it is received");
        }
        println!("{}", start.elapsed().as_nanos() as f64 / (n * chunk) as f64);
    }
}

/// Asks redis.
fn ask(port: usize, bytes: usize, n: usize, rounds: usize) {
    let mut redis = TcpStream::connect(format!("127.0.0.1:{port}")).expect("redis");
    redis.set_nodelay(true).expect("no delay");
    let value = "v".repeat(bytes);
    let request = format!("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n${bytes}\r\n{value}\r\n");
    let mut reply = [0; 5];
    for _ in 0..rounds {
        let start = Instant::now();
        for _ in 0..n {
            redis.write_all(request.as_bytes()).expect("it is sent");
            redis.read_exact(&mut reply).expect("an answer");
            assert_eq!(&reply, b"+OK\r\n");
        }
        println!("{}", start.elapsed().as_nanos() as f64 / n as f64);
    }
}
