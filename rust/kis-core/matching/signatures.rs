// SPDX-License-Identifier: GPL-2.0

//! Signatures and the table that finds all of them in one pass over a stream.
//!
//! kisctl compiles the patterns of all signatures; the kernel only walks what it made. [`Signatures::verify`] is the gate: every transition, list and string is checked once,
//! in linear time, without trust in kisctl or in the image's sum. Afterwards [`Signatures::scan`]
//! needs no failure path: a state is always one of the table. Floor 0, pure; context: any, the
//! receive path (softirq) included.
//!
//! # Image
//!
//! Behind the [header](crate::wire::image), little endian: u32 number of sections, u32 0; for each
//! section u32 kind, u32 0, u32 offset in the image, u32 bytes. Then the sections in this order,
//! each at the next multiple of 8, with zeros between and behind them:
//!
//! | kind | section |
//! |---|---|
//! | 1 | signatures: 40 bytes each, rising by id |
//! | 2 | strings, without NUL, in the order in which the signatures name them, without gaps |
//! | 3 | the [automaton](super::automaton) of patterns of a stream that have no literal |
//! | 4 | the [pieces](super::piece) of those that have one |
//! | 5 | the literals, and where they [lead](super::lead) |
//! | 6 | the [terms](super::term) that signatures are made of |
//! | 7 | the automaton of terms in parts of [requests](super::scoped) |
//! | 8 | the [ports](super::ports) that signatures are for |
//! | 9 | the [thresholds](super::threshold) of signatures |
//!
//! A signature: u32 id, revision, type (1 or 2), seconds of ban; u32 offset and length of the
//! message and of the cell's name (length 0: all cells); u32 first and number of its ranges of ports
//! (none: all).
//!
//! The automaton: u32 number of states, classes, accepting states, list entries; u32 start state, 0;
//! 256 bytes, the class of each byte value; then 4 bytes each:
//!
//! | words | field |
//! |---|---|
//! | states * classes | transitions: for each state a row with one for each class: where the row of the next state begins, bytes from the first row |
//! | accepting + 1 | one for each accepting state and one more: where its list begins |
//! | entries | lists: for each accepting state the signatures that end here, rising |
//!
//! So a state is the place of its row, and no multiplication is needed to find the next one. States
//! that accept are the last ones: one comparison finds them. A state accepts the signatures that
//! end with the byte just read; regexes that need to look at the next byte cannot be expressed.

mod inquiry;
mod requests;
mod rows;
mod scan;
pub mod spec;
mod verify;

use super::ports::{
    PortRange,
    Ranges, //
};
use super::threshold::Threshold;
use crate::wire::bytes::{
    index,
    u32_at, //
};
use crate::Result;
use rows::{
    at,
    ports,
    string,
    ROW, //
};
use verify::View;

pub use inquiry::Hit;
pub use spec::{
    encode,
    encode_plan,
    room,
    room_plan,
    DfaSpec,
    PlanSpec,
    SigSpec, //
};

/// A state of the table.
///
/// Only [`Signatures::start`], [`Signatures::state`] and [`Signatures::scan`] make one. One of
/// another table is harmless: walking stays within the table and finds its way back to the start.
pub use super::automaton::State;

/// Longest ban, seconds: 30 days.
pub const MAX_BAN_S: u32 = crate::cells::MAX_BAN_S;

/// A verified image of signatures.
///
/// # Invariants
///
/// `verify::image()` has accepted `bytes`, and `view` is what it wrote.
#[derive(Clone, Debug)]
pub struct Signatures<B> {
    bytes: B,
    view: View,
}

impl<B: AsRef<[u8]>> Signatures<B> {
    /// Checks an image.
    ///
    /// `bytes` has to give the same slice each time, as owned and borrowed buffers do; if it does
    /// not, walking gives nonsense, but stays within the slice.
    ///
    /// # Errors
    ///
    /// [`Malformed`](crate::Error::Malformed) with the place of the first fault, or
    /// [`Limit`](crate::Error::Limit).
    pub fn verify(bytes: B) -> Result<Self> {
        let mut view = View::EMPTY;
        verify::image(bytes.as_ref(), &mut view)?;
        // INVARIANT: just verified.
        Ok(Self { bytes, view })
    }

    /// How many signatures there are, at most [`MAX_SIGNATURES`](crate::wire::abi::MAX_SIGNATURES).
    pub fn len(&self) -> usize {
        index(self.view.signatures)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.view.signatures == 0
    }

    /// How many states the table has.
    pub fn states(&self) -> usize {
        index(self.view.automaton.states())
    }

    /// The signature at `i`, from 0; they rise by id.
    pub fn get(&self, i: usize) -> Option<Signature<'_>> {
        if i >= self.len() {
            return None;
        }
        let bytes = self.bytes.as_ref();
        let rows = self.view.rows.of(bytes);
        let record = rows.get(i.checked_mul(ROW)?..)?.get(..ROW)?;
        let (first, count) = ports(record)?;
        Some(Signature {
            record,
            strings: self.view.strings.of(bytes),
            ranges: Ranges::row(self.view.ports.of(bytes), first, count),
            threshold: Threshold::of(self.view.thresholds.of(bytes), i),
        })
    }

    /// All signatures.
    pub fn iter(&self) -> impl Iterator<Item = Signature<'_>> {
        (0..self.len()).filter_map(|i| self.get(i))
    }

    /// The image.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// A signature of a verified image.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'a> {
    record: &'a [u8],
    strings: &'a [u8],
    ranges: Ranges<'a>,
    threshold: Option<Threshold>,
}

impl<'a> Signature<'a> {
    /// The word at an offset in the signature.
    fn word(&self, at: usize) -> u32 {
        u32_at(self.record, at).unwrap_or(0)
    }

    /// The string that an offset in the signature names.
    fn string(&self, at: usize) -> &'a [u8] {
        string(self.strings, self.record, at).unwrap_or_default()
    }

    /// Number, unique among the signatures.
    pub fn id(&self) -> u32 {
        self.word(at::ID)
    }

    /// Revision.
    pub fn revision(&self) -> u32 {
        self.word(at::REVISION)
    }

    /// Type: 1 fires only in danger, 2 always.
    pub fn kind(&self) -> u8 {
        if self.word(at::KIND) == 1 {
            1
        } else {
            2
        }
    }

    /// How long the peer is banned, seconds; 0: as long as the cell says.
    pub fn ban_s(&self) -> u32 {
        self.word(at::BAN_S)
    }

    /// What it means, for people: 1 to 127 bytes, no control characters.
    pub fn message(&self) -> &'a [u8] {
        self.string(at::MESSAGE)
    }

    /// Name of the only cell that it is for; `None` for all.
    pub fn cell(&self) -> Option<&'a [u8]> {
        let name = self.string(at::CELL);
        (!name.is_empty()).then_some(name)
    }

    /// Whether it is for the cell with this name.
    pub fn is_for(&self, cell: &[u8]) -> bool {
        self.cell().is_none_or(|name| name == cell)
    }

    /// The ports that it is for; none for all.
    pub fn ports(&self) -> impl Iterator<Item = PortRange> + 'a {
        self.ranges.iter()
    }

    /// Whether it is for what comes to a port of a protocol (`IPPROTO_*`); a unix socket has 0 for both.
    pub fn is_at(&self, protocol: u8, port: u16) -> bool {
        self.ranges.take_in(protocol, port)
    }

    /// How often it has to match, or is told.
    pub const fn threshold(&self) -> Option<Threshold> {
        self.threshold
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_signatures))]
mod tests {
    use super::*;
    use crate::matching::threshold;
    use crate::wire::image;
    use core::ops::ControlFlow;

    // "ab" and "b" over the classes {other, a, b}. States: 0 nothing, 1 a, 2 ab, 3 b.
    static CLASSES: [u8; 256] = {
        let mut classes = [0; 256];
        classes[b'a' as usize] = 1;
        classes[b'b' as usize] = 2;
        classes
    };
    const TABLE: &[u32] = &[
        0, 1, 3, 99, //
        0, 1, 2, 99, //
        0, 1, 3, 99, //
        0, 1, 3, 99, //
    ];
    const SIGS: &[SigSpec<'static>] = &[
        SigSpec {
            id: 7,
            revision: 1,
            kind: 1,
            message: b"ab",
            cell: Some(b"redis"),
            ban_s: 0,
            ports: &[PortRange {
                protocol: Some(6),
                first: 80,
                last: 81,
            }],
            threshold: None,
        },
        SigSpec {
            id: 9,
            revision: 2,
            kind: 2,
            message: b"just b",
            cell: None,
            ban_s: 60,
            ports: &[],
            threshold: Some(Threshold {
                kind: threshold::Kind::Limit,
                track: threshold::Track::Source,
                count: 3,
                seconds: 60,
            }),
        },
    ];
    const DFA: DfaSpec<'static> = DfaSpec {
        classes: &CLASSES,
        stride: 4,
        transitions: TABLE,
        start: 0,
        accepts: &[&[], &[], &[0, 1], &[1]],
    };
    const LEN: usize = 704;

    fn image() -> [u8; LEN + 24] {
        let mut out = [0; LEN + 24];
        let len = encode(SIGS, &DFA, &mut out);
        if len != Ok(LEN) {
            out = [0; LEN + 24];
        }
        out
    }

    #[test]
    fn signatures_give_back_what_was_encoded() {
        let image = image();
        let sigs = Signatures::verify(&image[..LEN]);
        assert!(sigs.is_ok());
        let Ok(sigs) = sigs else { return };
        assert_eq!((sigs.len(), sigs.states()), (2, 4));
        let thresholds = [0, 1].map(|i| sigs.get(i).and_then(|s| s.threshold()));
        assert_eq!(thresholds, [None, SIGS[1].threshold]);
        assert!(sigs.get(2).is_none());
        let first = sigs.get(0);
        assert!(first.is_some_and(|s| s.id() == 7
            && s.revision() == 1
            && s.kind() == 1
            && s.ban_s() == 0
            && s.message() == b"ab"
            && s.is_for(b"redis")
            && !s.is_for(b"web")
            && s.is_at(6, 81)
            && !s.is_at(17, 81)
            && s.ports().count() == 1));
        let second = sigs.get(1);
        assert!(second.is_some_and(|s| s.id() == 9
            && s.kind() == 2
            && s.ban_s() == 60
            && s.message() == b"just b"
            && s.cell().is_none()
            && s.is_for(b"web")
            && s.is_at(0, 0)));
        assert_eq!(sigs.iter().count(), 2);
    }

    #[test]
    fn scan_finds_each_end_in_each_split() {
        let image = image();
        let sigs = Signatures::verify(&image[..LEN]);
        assert!(sigs.is_ok());
        let Ok(sigs) = sigs else { return };
        let text = b"xabbaxb";
        // Signature and end of each hit.
        let want = [(0, 3), (1, 3), (1, 4), (1, 7)];
        for split in 0..=text.len() {
            let mut found = [(9, 9); 5];
            let mut n = 0;
            let mut state = sigs.start();
            let (head, tail) = text.split_at(split);
            for (base, part) in [(0, head), (split, tail)] {
                let flow = sigs.walk(&mut state, part, |hit| {
                    if let Some(place) = found.get_mut(n) {
                        *place = (hit.sig, base + hit.end);
                    }
                    n += 1;
                    ControlFlow::Continue(())
                });
                assert!(flow.is_continue());
                state = sigs.state(state);
            }
            assert_eq!(n, 4);
            assert_eq!(found[..4], want);
        }
    }

    #[test]
    fn scan_stops_where_it_is_told() {
        let image = image();
        let sigs = Signatures::verify(&image[..LEN]);
        assert!(sigs.is_ok());
        let Ok(sigs) = sigs else { return };
        let mut state = sigs.start();
        let mut end = 0;
        let flow = sigs.walk(&mut state, b"xabbb", |hit| {
            end = hit.end;
            ControlFlow::Break(())
        });
        assert!(flow.is_break());
        assert_eq!(end, 3);
        // The state is the one behind the hit.
        assert_eq!(state, sigs.state(state));
        assert!(state != sigs.start());
    }

    #[test]
    fn state_of_another_table_is_the_start() {
        let image = image();
        let sigs = Signatures::verify(&image[..LEN]);
        assert!(sigs.is_ok());
        let Ok(sigs) = sigs else { return };
        // 4 states of 3 classes of 4 bytes.
        for (raw, want) in [(0, 0), (12, 12), (36, 36), (1, 0), (48, 0), (u32::MAX, 0)] {
            assert_eq!(sigs.state(raw), want);
            let mut state = raw;
            let _ = sigs.walk(&mut state, b"abab", |_| ControlFlow::Continue(()));
            assert_eq!(sigs.state(state), state);
        }
    }

    #[test]
    fn verify_survives_each_damaged_byte() {
        let mut image = image();
        for at in 0..LEN {
            for value in [1, 0x80, 0xff] {
                image[at] ^= value;
                image::reseal(&mut image[..LEN]);
                if let Ok(sigs) = Signatures::verify(&image[..LEN]) {
                    let mut state = sigs.start();
                    let _ = sigs.walk(&mut state, b"xabbaxb", |hit| {
                        assert!(hit.sig < sigs.len());
                        ControlFlow::Continue(())
                    });
                    assert!(sigs.iter().all(|s| !s.message().is_empty()));
                }
                image[at] ^= value;
            }
        }
    }

    #[test]
    fn encode_refuses_what_verify_refuses() {
        let mut out = [0u8; LEN + 24];
        let mut bad = |sig: SigSpec<'static>, dfa: DfaSpec<'static>| {
            encode(&[sig, SIGS[1]], &dfa, &mut out).is_err()
        };
        let sig = SIGS[0];
        assert!(!bad(sig, DFA));
        assert!(bad(SigSpec { id: 9, ..sig }, DFA));
        assert!(bad(SigSpec { kind: 3, ..sig }, DFA));
        assert!(bad(
            SigSpec {
                message: b"",
                ..sig
            },
            DFA
        ));
        assert!(bad(
            SigSpec {
                message: b"a\n",
                ..sig
            },
            DFA
        ));
        assert!(bad(
            SigSpec {
                message: &[b'x'; 128],
                ..sig
            },
            DFA
        ));
        assert!(bad(
            SigSpec {
                cell: Some(b"A"),
                ..sig
            },
            DFA
        ));
        assert!(bad(
            SigSpec {
                cell: Some(b""),
                ..sig
            },
            DFA
        ));
        assert!(bad(
            SigSpec {
                ban_s: MAX_BAN_S + 1,
                ..sig
            },
            DFA
        ));
        const NONE: PortRange = PortRange {
            protocol: None,
            first: 9,
            last: 8,
        };
        const ONE: PortRange = PortRange { last: 9, ..NONE };
        for ports in [&[NONE][..], &[ONE; 33]] {
            assert!(bad(SigSpec { ports, ..sig }, DFA));
        }
        let threshold = SIGS[1].threshold.map(|own| Threshold { count: 0, ..own });
        assert!(bad(SigSpec { threshold, ..sig }, DFA));
        assert!(bad(sig, DfaSpec { stride: 2, ..DFA }));
        assert!(bad(sig, DfaSpec { start: 4, ..DFA }));
        assert!(bad(
            sig,
            DfaSpec {
                transitions: &TABLE[..15],
                ..DFA
            }
        ));
        assert!(bad(
            sig,
            DfaSpec {
                accepts: &[&[] as &[u32]; 3],
                ..DFA
            }
        ));
        assert!(bad(
            sig,
            DfaSpec {
                accepts: &[&[], &[], &[1, 0], &[]],
                ..DFA
            }
        ));
        assert!(bad(
            sig,
            DfaSpec {
                accepts: &[&[], &[], &[2], &[]],
                ..DFA
            }
        ));
        assert!(bad(
            sig,
            DfaSpec {
                transitions: &[4; 16],
                ..DFA
            }
        ));
        assert!(encode(SIGS, &DFA, &mut out[..LEN]).is_err());
    }
}
