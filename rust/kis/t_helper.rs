// SPDX-License-Identifier: GPL-2.0

//! The T-helper: matches signatures in the bytes that a cell is about to read.
//!
//! Floor 3. It sees a stream as the process will: TCP has ordered and trimmed it. The matcher's
//! state lives in the socket's blob, so patterns match across segments. Atomic context, also
//! softirq; the socket's delivery lock is held.

use crate::{
    cell::{Cell, Image, Table},
    engine::Engine,
    sys::{
        hooks::Delivery,
        published::HookContext,
        sock::{Addresses, Buffer, Receiver, Sock, TcpReceiver},
        task::Task,
    },
    t_killer::Scene,
};
use core::{
    ops::ControlFlow,
    sync::atomic::{AtomicU64, Ordering},
};
use kernel::prelude::*;
use kis_core::{
    judge::verdict::{self, Context, Verdict},
    matching::signatures::{Hit, Signature, Signatures},
    matching::stream::StreamState,
    sense::param::Param,
    wire::abi::{Op, RecordType},
};

/// Bytes of what was received that a record shows.
const EXCERPT: usize = 160;

/// Different signatures of one delivery that are told; what matches again is only counted.
///
/// A pattern that ends in a loop matches at each byte, and nothing stops it in observe mode.
const TOLD: usize = 8;

/// Words of a socket's blob behind those of the stream: the process that accepted it.
const OWNER_PID: usize = 6;
const OWNER_START: usize = 7;

/// The signatures in force.
pub(crate) struct Armoury {
    /// Never 0; streams carry it, as a state means nothing to other signatures.
    pub(crate) generation: u32,
    /// The signatures and their table.
    pub(crate) signatures: Signatures<Image>,
    /// Matches of each.
    pub(crate) hits: KVVec<AtomicU64>,
}

impl Armoury {
    /// The armoury of a verified image. May sleep.
    pub(crate) fn new(signatures: Signatures<Image>) -> Result<KBox<Self>> {
        let mut hits = KVVec::with_capacity(signatures.len(), GFP_KERNEL)?;
        for _ in 0..signatures.len() {
            hits.push(AtomicU64::new(0), GFP_KERNEL)?;
        }
        Ok(KBox::new(
            Self {
                generation: crate::sys::hooks::new_generation(),
                signatures,
                hits,
            },
            GFP_KERNEL,
        )?)
    }
}

/// One delivery to one socket.
struct Delivered<'a> {
    engine: &'a Engine,
    table: &'a Table,
    cell: &'a Cell,
    armoury: Option<&'a Armoury>,
    sk: &'a Receiver<'a>,
    state: StreamState,
    bytes: u64,
    kills: bool,
    /// Signatures that this delivery has told, as far as there is room.
    told: [usize; TOLD],
    told_len: usize,
}

impl<'a> Delivered<'a> {
    fn new(
        engine: &'a Engine,
        hook: &'a HookContext,
        sk: &'a Receiver<'a>,
        words: &[u64; 8],
    ) -> Option<Self> {
        let table = engine.cells.get(hook)?;
        let (_, cell) = table.of_handle(sk.sock().cell())?;
        let armoury = engine.armoury.get(hook);
        let mut state = StreamState::from_words(words);
        // Bytes matched so far belong to other signatures: start anew.
        let generation = armoury.map_or(0, |a| a.generation);
        if state.generation != generation {
            state.generation = generation;
            state.state = armoury.map_or(0, |a| a.signatures.start());
        }
        Some(Self {
            engine,
            table,
            cell,
            armoury,
            sk,
            state,
            bytes: 0,
            kills: false,
            told: [0; TOLD],
            told_len: 0,
        })
    }

    /// Looks at the next bytes.
    fn scan(&mut self, bytes: &[u8], words: &[u64; 8]) -> ControlFlow<()> {
        let len = bytes.len() as u64;
        let before = self.state.offset;
        self.state.offset = before.saturating_add(len);
        self.bytes += len;
        let Some(armoury) = self.armoury else {
            return ControlFlow::Continue(());
        };
        let mut state = armoury.signatures.state(self.state.state);
        let flow = armoury.signatures.scan(&mut state, bytes, |hit| {
            let offset = before.saturating_add(hit.end as u64);
            let excerpt = bytes.get(..hit.end).unwrap_or(bytes);
            self.hit(armoury, &hit, offset, excerpt, words)
        });
        self.state.state = state;
        flow
    }

    /// A signature matched.
    fn hit(
        &mut self,
        armoury: &Armoury,
        hit: &Hit,
        offset: u64,
        excerpt: &[u8],
        words: &[u64; 8],
    ) -> ControlFlow<()> {
        let Some(signature) = armoury.signatures.get(hit.sig) else {
            return ControlFlow::Continue(());
        };
        let name = self.cell.name.split(|&b| b == 0).next().unwrap_or(&[]);
        if signature.cell().is_some_and(|only| only != name) {
            return ControlFlow::Continue(());
        }
        if let Some(hits) = armoury.hits.get(hit.sig) {
            hits.fetch_add(1, Ordering::Relaxed);
        }
        self.cell.tally.matches.fetch_add(1, Ordering::Relaxed);

        let ctx = self.cell.context(self.engine.mode());
        let verdict = verdict::signature(signature.kind(), signature.ban_s(), &ctx);
        self.cell.raise(verdict.signal);
        self.engine.tally(self.cell, &verdict);
        // What is done never depends on what is told; a kill is the last of its connection.
        if let Some(kind) = verdict.record {
            let (is_told, n) = self.cell.count_verdict(Op::Receive, kind);
            if verdict.kills() || (is_told && self.is_first(hit.sig)) {
                let addresses = self.sk.sock().addresses();
                self.engine.ban_peer(&addresses, &verdict);
                let at = (offset, n);
                self.tell(
                    kind, &signature, &verdict, &ctx, &addresses, words, at, excerpt,
                );
            } else if verdict.bans() {
                self.engine.ban_peer(&self.sk.sock().addresses(), &verdict);
            }
        }
        if verdict.kills() {
            self.kills = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Whether this delivery tells a signature for the first time, as far as it remembers.
    fn is_first(&mut self, sig: usize) -> bool {
        if self
            .told
            .iter()
            .take(self.told_len)
            .any(|told| *told == sig)
        {
            return false;
        }
        if let Some(place) = self.told.get_mut(self.told_len) {
            *place = sig;
            self.told_len += 1;
        }
        true
    }

    /// Writes the record of a match; `at` is its offset and which of the window it is.
    #[expect(clippy::too_many_arguments, reason = "the record needs them all")]
    fn tell(
        &self,
        kind: RecordType,
        signature: &Signature<'_>,
        verdict: &Verdict,
        ctx: &Context,
        addresses: &Addresses,
        words: &[u64; 8],
        at: (u64, u32),
        excerpt: &[u8],
    ) {
        let scene = Scene::Connection(addresses, words[OWNER_PID] as u32, words[OWNER_START]);
        let mut record = self
            .engine
            .record(Some(self.cell), self.table.generation, scene);
        Engine::fill(&mut record, verdict, ctx, Op::Receive);
        record.sig_id = signature.id();
        record.sig_rev = signature.revision();
        record.offset = at.0;
        record.n = u64::from(at.1);
        let tail = excerpt.len().saturating_sub(EXCERPT);
        record.set_excerpt(excerpt.get(tail..).unwrap_or(excerpt));
        self.engine.sink.write(kind, record);
    }

    /// Puts the state back, counts, and says what becomes of the bytes.
    fn finish(self, mut words: [u64; 8]) -> Delivery {
        let (pid, start) = (words[OWNER_PID], words[OWNER_START]);
        words = self.state.to_words();
        words[OWNER_PID] = pid;
        words[OWNER_START] = start;
        self.sk.set_words(words);
        if self.bytes != 0 {
            for (param, n) in [(Param::BytesIn, self.bytes), (Param::MessagesIn, 1)] {
                self.engine
                    .count(self.table, self.cell, param, n, Scene::Nobody);
            }
        }
        if self.kills {
            Delivery::Kill
        } else {
            Delivery::Pass
        }
    }
}

impl Engine {
    /// TCP has queued bytes.
    pub(crate) fn deliver_tcp(&self, hook: &HookContext, sk: &TcpReceiver<'_>) -> Delivery {
        let words = sk.receiver().words();
        let Some(mut delivered) = Delivered::new(self, hook, sk.receiver(), &words) else {
            return Delivery::Pass;
        };
        let from = if delivered.state.has(StreamState::SEEN) {
            delivered.state.next_seq
        } else {
            sk.read_seq()
        };
        let next = sk.tcp_bytes(from, |bytes| delivered.scan(bytes, &words));
        delivered.state.next_seq = next;
        delivered.state.flags |= StreamState::SEEN;
        delivered.finish(words)
    }

    /// Bytes are about to be queued on a unix stream socket.
    pub(crate) fn deliver_unix(
        &self,
        hook: &HookContext,
        sk: &Receiver<'_>,
        buffer: &Buffer<'_>,
    ) -> Delivery {
        let words = sk.words();
        let Some(mut delivered) = Delivered::new(self, hook, sk, &words) else {
            return Delivery::Pass;
        };
        buffer.bytes(|bytes| delivered.scan(bytes, &words));
        delivered.finish(words)
    }

    /// A connection was accepted: its records name this process.
    pub(crate) fn accepted(&self, hook: &HookContext, sk: &Receiver<'_>) {
        let mut words = sk.words();
        Task::with_current(|task| {
            words[OWNER_PID] = u64::from(task.process_id());
            words[OWNER_START] = task.start_ns();
        });
        sk.set_words(words);
        self.count_current(hook, Param::Accepts, 1);
    }

    /// Bytes were sent.
    pub(crate) fn sent(&self, hook: &HookContext, sk: &Sock<'_>, bytes: usize) {
        if sk.is_stream() {
            self.count_current(hook, Param::BytesOut, bytes as u64);
            self.count_current(hook, Param::MessagesOut, 1);
        }
    }
}
