// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::matching::scans`] held to what comes to a host: a day of people who mean no harm, what
//! scanners send, and floods. `--nocapture` prints after how many probes each was found.

mod common;

use common::Chance;
use kis_core::judge::ban::v4;
use kis_core::matching::scans::limits::Limits;
use kis_core::matching::scans::probe::{
    Probe,
    Suspicion, //
};
use kis_core::matching::scans::{
    Scan,
    Scans,
    WORDS, //
};
use kis_core::sense::key::Key;
use kis_core::wire::abi::ScanKind;
use std::collections::HashSet;
use std::sync::atomic::AtomicU64;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const PSH: u8 = 8;
const ACK: u8 = 16;
const URG: u8 = 32;

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
const HERE: [u8; 4] = [198, 51, 100, 1];

/// A host with open ports, and what was told of it.
struct Host {
    scans: Scans<Vec<AtomicU64>>,
    tcp: HashSet<u16>,
    udp: HashSet<u16>,
    limits: Limits,
    told: Vec<Scan>,
}

/// Where a packet comes from and goes to.
#[derive(Clone, Copy)]
struct Way {
    from: [u8; 4],
    from_port: u16,
    to: [u8; 4],
    port: u16,
}

impl Host {
    fn new(seed: u64) -> Self {
        let words = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
        Self {
            scans: Scans::new(Key::new([seed, !seed]), words),
            tcp: [22, 80, 443].into(),
            udp: [53, 443].into(),
            limits: Limits::USUAL,
            told: Vec::new(),
        }
    }

    fn probe(&mut self, kind: ScanKind, way: Way, now_ns: u64) -> bool {
        let probe = Probe {
            kind,
            source: v4(way.from),
            source_port: way.from_port,
            target: v4(way.to),
            port: way.port,
        };
        let scan = self.scans.probe(&probe, now_ns, &self.limits);
        self.told.extend(scan);
        scan.is_some()
    }

    /// A segment of no connection; whether it was told.
    fn segment(&mut self, flags: u8, way: Way, now_ns: u64) -> bool {
        match Suspicion::of_segment(flags, way.port) {
            Suspicion::Certain(kind) => self.probe(kind, way, now_ns),
            Suspicion::IfClosed(kind) if !self.tcp.contains(&way.port) => {
                self.probe(kind, way, now_ns)
            }
            _ => false,
        }
    }

    /// A datagram of no connected socket.
    fn datagram(&mut self, way: Way, now_ns: u64) -> bool {
        match Suspicion::of_datagram(way.from_port, way.port) {
            Suspicion::IfClosed(kind) if !self.udp.contains(&way.port) => {
                self.probe(kind, way, now_ns)
            }
            _ => false,
        }
    }
}

fn way(from: u32, from_port: u16, port: u16) -> Way {
    Way {
        from: from.to_be_bytes(),
        from_port,
        to: HERE,
        port,
    }
}

fn ephemeral(chance: &mut Chance) -> u16 {
    32_768 + chance.below(28_000) as u16
}

/// Different ports in an order of chance.
fn ports(chance: &mut Chance, n: usize, most: usize) -> Vec<u16> {
    let mut all: Vec<u16> = (1..=most as u16).collect();
    for i in 0..n {
        let j = i + chance.below(all.len() - i);
        all.swap(i, j);
    }
    all.truncate(n);
    all
}

/// One of those who mean no harm does what he does, at some time of the day.
fn benign(host: &mut Host, chance: &mut Chance, n: u32, now: u64) {
    let from = 0x0a00_0000 | n;
    let port = ephemeral(chance);
    match n % 12 {
        // A browser with many connections to one port, which are all taken.
        0 | 1 => {
            for i in 0..60 {
                host.segment(SYN, way(from, port.wrapping_add(i), 443), now);
            }
        }
        // What looks after the host, at twelve ports, of which some are closed; one of 20.
        2 => {
            for port_here in [22, 25, 80, 110, 143, 443, 993, 995, 3306, 5432, 6379, 9100] {
                host.segment(SYN, way(0x0b00_0000 | (n / 12 % 20), port, port_here), now);
            }
        }
        // Who retries the port of a service that is stopped.
        3 => {
            for i in 0..100u64 {
                let way = way(from, ephemeral(chance), 8080);
                host.segment(SYN, way, now + i * SECOND);
            }
        }
        // Late answers of name servers, of time servers and over QUIC.
        4 => {
            for _ in 0..40 {
                let here = 1024 + chance.below(64_000) as u16;
                let service = chance.of(&[53, 123, 443, 853]);
                host.datagram(way(0x0c00_0000 | (n / 12 % 200), service, here), now);
            }
        }
        // Voice and games to ports that were given out.
        5 => {
            for _ in 0..30 {
                let here = ephemeral(chance);
                host.datagram(way(from, 16_384 + here / 4, here), now);
            }
        }
        // A crowd behind one address, of which each has its own wrong idea, one of 30.
        6 => {
            let crowd = 0x0d00_0000 | (n / 12 % 30);
            let wrong = [21, 25, 110, 143, 587, 993, 1194, 3389, 5060, 8080, 8443];
            host.segment(SYN, way(crowd, port, chance.of(&wrong)), now);
            host.datagram(way(crowd, port, chance.of(&[1194, 5060, 27_015])), now);
        }
        // Peers that were told of a port that somebody had here once.
        7 => {
            for _ in 0..5 {
                host.segment(SYN, way(from, port, 6881), now);
                host.datagram(way(from, 6881, 6881), now);
            }
        }
        // What is left of connections of somebody who was killed here, and of a service.
        8 => {
            for _ in 0..50 {
                let here = ephemeral(chance);
                let flags = chance.of(&[ACK, ACK | PSH, ACK | FIN, ACK | SYN]);
                host.segment(flags, way(from, 443, here), now);
                host.segment(ACK | PSH, way(from, port, 8080), now);
            }
        }
        // traceroute.
        9 => {
            for i in 0..90 {
                host.datagram(way(from, port, 33_434 + i), now + u64::from(i) * 10 * MS);
            }
        }
        // Resets, and who was forged our address and is reset.
        10 => {
            for i in 1..200 {
                host.segment(chance.of(&[RST, RST | ACK]), way(from, 80, i * 100), now);
            }
        }
        // Who looks for a web page at the usual places.
        _ => {
            for here in [80, 443, 8000, 8080, 8443] {
                host.segment(SYN, way(from, port, here), now);
            }
        }
    }
}

#[test]
fn a_day_of_a_hundred_thousand_flows_is_no_scan() {
    let mut host = Host::new(1);
    let mut chance = Chance::new(1);
    let flows = 100_000;
    for n in 0..flows {
        let now = u64::from(n) * 86_400 * SECOND / u64::from(flows);
        benign(&mut host, &mut chance, n, now);
        assert_eq!(host.told, [], "flow {n}");
    }
    println!(
        "{flows} benign flows: {} alarms, {:?}",
        host.told.len(),
        host.scans.losses()
    );
}

/// Sends a probe each so many ns until one is told; how many it took.
fn until_told(
    host: &mut Host,
    ports: &[u16],
    every_ns: u64,
    mut send: impl FnMut(&mut Host, u16, u64) -> bool,
) -> Option<usize> {
    let mut now = 1000 * SECOND;
    for (n, port) in ports.iter().enumerate() {
        now += every_ns;
        if send(host, *port, now) {
            return Some(n + 1);
        }
    }
    None
}

#[test]
fn each_kind_is_found_at_each_pace() {
    let mut chance = Chance::new(2);
    // nmap -T0 to -T5: what lies between two probes, or how many it keeps on their way.
    let paces = [
        ("-T0", 300 * SECOND),
        ("a minute", 60 * SECOND),
        ("-T1", 15 * SECOND),
        ("-T2", 400 * MS),
        ("-T3", 5 * MS),
        ("-T4", MS),
        ("-T5", MS / 3),
    ];
    for (kind, flags) in [
        (ScanKind::Syn, SYN),
        (ScanKind::Fin, FIN),
        (ScanKind::Null, 0),
        (ScanKind::Xmas, FIN | PSH | URG),
        (ScanKind::Ack, ACK),
        (ScanKind::Maimon, FIN | ACK),
        (ScanKind::Flags, SYN | FIN),
        (ScanKind::SynAck, SYN | ACK),
        (ScanKind::Udp, 0),
    ] {
        for (pace, every) in paces {
            let mut host = Host::new(chance.next());
            // Of nmap's own list, too, nine of ten are below those that are given out.
            let list = ports(&mut chance, 1000, 36_000);
            let took = until_told(&mut host, &list, every, |host, port, now| {
                let way = way(0xc000_0207, 40_000, port);
                match kind {
                    ScanKind::Udp => host.datagram(way, now),
                    _ => host.segment(flags, way, now),
                }
            });
            let took = took.unwrap_or_else(|| panic!("{kind:?} at {pace} is not found"));
            println!("{} at {pace}: {took} packets", kind.name());
            let scan = host.told[0];
            assert_eq!((scan.kind, scan.source), (kind, v4([192, 0, 2, 7])));
            assert!(scan.is_spoofable && scan.probes >= scan.targets);
            assert!(took <= 60, "{kind:?} at {pace}: {took}");
        }
    }
}

#[test]
fn what_nmap_asks_of_a_zombie_is_found() {
    let mut host = Host::new(3);
    // SYN/ACK to one port from one after the other, two a second.
    let took = (0..1000).find(|n| {
        let way = way(0xc000_0207, 40_000 + n, 80);
        host.segment(SYN | ACK, way, u64::from(*n) * 500 * MS)
    });
    println!("syn-ack to one port: {took:?} packets");
    assert!(took.is_some_and(|took| took < 40));
    assert_eq!(host.told[0].kind, ScanKind::SynAck);
}

#[test]
fn a_port_of_many_addresses_is_found() {
    let mut host = Host::new(4);
    let took = (1..=250u8).find(|n| {
        let way = Way {
            to: [198, 51, 100, *n],
            ..way(0xc000_0207, 40_000, 23)
        };
        host.segment(SYN, way, u64::from(*n) * 10 * MS)
    });
    println!("one port of many addresses: {took:?} packets");
    assert!(took.is_some_and(|took| took <= 20));
}

#[test]
fn one_of_fifty_decoys_is_the_scanner_and_all_are_told() {
    let mut host = Host::new(5);
    let mut chance = Chance::new(5);
    let mut sent = 0;
    for (n, port) in (0u64..).zip(ports(&mut chance, 1000, 65_535)) {
        for decoy in 0..51 {
            let way = way(0xc633_6400 + decoy, 40_000, port);
            host.segment(SYN, way, 1000 * SECOND + n * 50 * MS);
            sent += 1;
        }
    }
    let sources: HashSet<_> = host
        .told
        .iter()
        .filter(|s| !s.again)
        .map(|s| s.source)
        .collect();
    println!(
        "50 decoys: {} sources told in {} records, {sent} packets",
        sources.len(),
        host.told.len()
    );
    assert_eq!(sources.len(), 51);
    assert!(host.told.iter().all(|scan| scan.is_spoofable));
    // The number says that there are many at once.
    assert!(host.told.iter().any(|scan| scan.nth >= 51));
}

#[test]
fn one_probe_of_each_of_many_sources_is_told_as_a_sum() {
    let mut host = Host::new(6);
    let mut chance = Chance::new(6);
    for (n, port) in (0u64..).zip(ports(&mut chance, 5000, 65_535)) {
        let way = way(chance.next() as u32, 40_000, port);
        host.segment(SYN, way, 1000 * SECOND + n * 20 * MS);
    }
    println!("distributed: {:?}", host.told);
    assert_eq!(host.told.len(), 1);
    assert_eq!(host.told[0].kind, ScanKind::Distributed);
    assert!(host.told[0].sources >= 200 && host.told[0].targets >= 256);
    assert!(host.told[0].last_s >= 1000 && host.told[0].source == [0; 16]);
}

#[test]
fn who_scanned_before_a_flood_is_found_after_it() {
    let mut host = Host::new(7);
    let mut chance = Chance::new(7);
    let slow = |n: u32| 0xac10_0000 + n;
    let list = ports(&mut chance, 64, 65_535);
    let (before, after) = list.split_at(5);
    for n in 0..500 {
        for port in before {
            host.segment(SYN, way(slow(n), 40_000, *port), 1000 * SECOND);
        }
    }
    let flood = 1_000_000u32;
    for n in 0..flood {
        let way = way(chance.next() as u32, 40_000, chance.next() as u16);
        host.segment(SYN, way, 2000 * SECOND + u64::from(n) * 100_000);
    }
    let individual = host
        .told
        .iter()
        .filter(|scan| scan.kind != ScanKind::Distributed);
    println!(
        "a flood of {flood} sources: {} told by themselves",
        individual.count()
    );
    assert!(host.told.len() < 10);
    let losses = host.scans.losses();
    println!("{losses:?}");
    assert!(losses.forgotten > u64::from(flood) * 9 / 10 && losses.missed == 0);
    // Whoever was remembered needs 32 targets in all; who was not began anew.
    host.told.clear();
    let mut anew = 0;
    for n in 0..500 {
        let took = after.iter().zip(1u64..).find_map(|(port, m)| {
            let now = (3000 + 60 * m + u64::from(n % 60)) * SECOND;
            let is_told = host.segment(SYN, way(slow(n), 40_000, *port), now);
            is_told.then_some(host.told.last()?.probes)
        });
        let probes = took.unwrap_or_else(|| panic!("{n} is not found"));
        anew += u64::from(host.told.last().is_some_and(|scan| scan.first_s >= 3000));
        assert!(probes < 60);
    }
    println!(
        "500 slow ones: all are found, {anew} began anew, {} were lost",
        losses.lost
    );
    // Sources with three targets and more were pushed out only where nine or more shared a bucket.
    assert!(anew <= losses.lost && anew < 25);
}

#[test]
fn whoever_fills_the_table_hides_nobody_who_is_fast() {
    let mut host = Host::new(8);
    let mut chance = Chance::new(8);
    // Four thousand forged sources with five targets each, so that no place is free.
    for n in 0..4000u32 {
        for port in 1..=5 {
            host.segment(SYN, way(0xd000_0000 + n, 40_000, port), 1000 * SECOND);
        }
    }
    host.told.clear();
    let list = ports(&mut chance, 200, 65_535);
    let mut found = 0;
    for n in 0..200u32 {
        // Between two probes of each a forged one comes.
        let took = list.iter().find(|port| {
            let forged = way(chance.next() as u32, 40_000, 7);
            host.segment(SYN, forged, 1001 * SECOND + u64::from(n) * 10 * SECOND);
            let way = way(0xc000_0000 + n, 40_000, **port);
            host.segment(SYN, way, 1001 * SECOND + u64::from(n) * 10 * SECOND)
        });
        found += u32::from(took.is_some());
    }
    println!(
        "{found} of 200 found in a full table, {:?}",
        host.scans.losses()
    );
    assert_eq!(found, 200);
}

#[test]
fn processors_that_meet_lose_a_few_probes_and_nothing_else() {
    let words: Vec<AtomicU64> = (0..WORDS).map(|_| AtomicU64::new(0)).collect();
    let scans = Scans::new(Key::new([9, 9]), words);
    let rounds = common::iterations(50_000);
    let told: usize = std::thread::scope(|scope| {
        let one = |thread: u64| {
            let scans = &scans;
            move || {
                let mut chance = Chance::new(thread);
                let mut told = 0;
                for n in 0..rounds {
                    let probe = Probe {
                        kind: ScanKind::Syn,
                        // All of them are at the same scanner, and each at a flood.
                        source: v4(match n % 2 {
                            0 => [192, 0, 0, 0],
                            _ => (chance.next() as u32).to_be_bytes(),
                        }),
                        source_port: 1,
                        target: v4(HERE),
                        port: 1 + (n % 1000) as u16,
                    };
                    let scan = scans.probe(&probe, n * MS, &Limits::USUAL);
                    told += usize::from(scan.is_some_and(|scan| scan.source == v4([192, 0, 0, 0])));
                }
                told
            }
        };
        let threads: Vec<_> = (1..=4).map(|n| scope.spawn(one(n))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    println!("four threads: told {told} times, {:?}", scans.losses());
    // Once, and each time that there were eight times as many.
    assert!((1..=8).contains(&told));
    assert!(scans.losses().missed < 4 * rounds / 2);
}

#[test]
fn what_a_probe_costs() {
    let mut chance = Chance::new(10);
    let ways: Vec<Way> = (0..100_000)
        .map(|_| way(chance.next() as u32, 40_000, chance.next() as u16))
        .collect();
    for (who, same) in [
        ("a new source", None),
        ("a source that was told", Some(HERE)),
    ] {
        let mut host = Host::new(10);
        // The best of ten, as others use the machine too.
        let took = (1..=10).map(|round| {
            let began = std::time::Instant::now();
            for way in &ways {
                let from = same.unwrap_or(way.from);
                host.probe(ScanKind::Syn, Way { from, ..*way }, round * SECOND);
            }
            began.elapsed().as_nanos() as usize / ways.len()
        });
        println!("a probe of {who}: {:?} ns", took.min());
    }
}
