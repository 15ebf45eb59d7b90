// SPDX-License-Identifier: GPL-2.0

//! Counts for thresholds: who is counted for himself, who is pushed out, and many processors at once.

use kis_core::matching::threshold::counts::{
    About,
    Counts,
    WORDS, //
};
use kis_core::matching::threshold::{
    Due,
    Kind,
    Threshold,
    Track, //
};
use kis_core::sense::key::Key;
use std::sync::atomic::{
    AtomicU64,
    AtomicUsize,
    Ordering, //
};

/// A key, the same each time.
const KEY: Key = Key::new([3, 5]);

fn words(n: usize) -> Vec<AtomicU64> {
    (0..n).map(|_| AtomicU64::new(0)).collect()
}

fn about(signature: u32, source: u32) -> About {
    let mut address = [0; 16];
    address[..4].copy_from_slice(&source.to_le_bytes());
    About {
        signature,
        source: address,
        destination: [1; 16],
    }
}

const fn each(count: u32, track: Track) -> Threshold {
    Threshold {
        kind: Kind::Threshold,
        track,
        count,
        seconds: 60,
    }
}

#[test]
fn each_is_counted_for_itself() {
    let counts = Counts::new(KEY, words(WORDS));
    for (track, others) in [
        (Track::Source, Due::Not),
        (Track::Both, Due::Not),
        (Track::Destination, Due::Told),
        (Track::Rule, Due::Told),
    ] {
        let twice = each(2, track);
        let signature = track as u32;
        assert_eq!(counts.take(&twice, &about(signature, 1), 0), Due::Not);
        // Another signature, and another way to count.
        assert_eq!(counts.take(&twice, &about(100 + signature, 1), 0), Due::Not);
        let other = each(
            2,
            if track == Track::Rule {
                Track::Source
            } else {
                Track::Rule
            },
        );
        assert_eq!(counts.take(&other, &about(signature, 1), 0), Due::Not);
        // A second one, of another source.
        assert_eq!(counts.take(&twice, &about(signature, 2), 0), others);
    }
    assert_eq!(counts.lost(), 0);
}

#[test]
fn many_push_out_the_oldest_and_no_more() {
    let counts = Counts::new(KEY, words(WORDS));
    let twice = each(2, Track::Source);
    // Half of the places: few buckets are full.
    for source in 0..2048 {
        counts.take(&twice, &about(1, source), 1000);
    }
    let kept = (0..2048).filter(|n| counts.take(&twice, &about(1, *n), 1001) == Due::Told);
    let (kept, lost) = (kept.count(), counts.lost());
    assert!(kept > 1950, "{kept} of 2048");
    assert!(lost < 100, "{lost} lost");
    // A flood of a hundred thousand: all that was open may be lost, and is counted; nothing breaks.
    for source in 0..100_000 {
        counts.take(&twice, &about(2, source), 2000);
    }
    assert!(counts.lost() > 90_000);
    // When their windows are over, nothing is lost for who is new.
    let before = counts.lost();
    for source in 0..1024 {
        counts.take(&twice, &about(3, source), 70_000);
    }
    assert!(counts.lost() - before < 30, "{}", counts.lost() - before);
}

#[test]
fn processors_that_count_at_once_lose_nothing() {
    const EACH: u32 = 20_000;
    let counts = Counts::new(KEY, words(WORDS));
    let tenth = each(10, Track::Source);
    // He has his place.
    assert_eq!(counts.take(&tenth, &about(1, 1), 0), Due::Not);
    let told = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (counts, told) = (&counts, &told);
            scope.spawn(move || {
                for n in 0..EACH {
                    if counts.take(&tenth, &about(1, 1), 0) == Due::Told {
                        told.fetch_add(1, Ordering::Relaxed);
                    }
                    // Others come and go in all buckets but are too few to push him out.
                    counts.take(&tenth, &about(2, (n * 4 + thread) % 512), 0);
                }
            });
        }
    });
    let told = told.load(Ordering::Relaxed);
    // One of them may have found the place changed each time it tried.
    let want = 4 * EACH as usize / 10;
    assert!(told.abs_diff(want) <= want / 100, "{told} of {want}");
}

#[test]
fn too_little_memory_counts_nothing() {
    let counts = Counts::new(KEY, words(3));
    let twice = each(2, Track::Rule);
    let due = [0; 3].map(|_| counts.take(&twice, &about(1, 1), 0));
    assert_eq!(due, [Due::Not; 3]);
    assert_eq!(Counts::new(KEY, words(0)).lost(), 0);
}
