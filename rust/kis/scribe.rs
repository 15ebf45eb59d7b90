// SPDX-License-Identifier: GPL-2.0

//! Makes every record: nobody else fills one in.
//!
//! Floor 2. Any context but NMI.

use crate::{
    cells::{cell::Cell, site::Site},
    sink::Sink,
    sys::{sock::Addresses, task::Task},
};
use kernel::sync::Arc;
use kis_core::{
    cells::ration::Nth,
    judge::ban,
    judge::scan::Answer,
    judge::verdict::{Context, Verdict},
    matching::delivery::Found,
    matching::scans::Scan,
    matching::signatures::Signature,
    matching::stream::Owner,
    sense::class::{Class, Domain},
    sense::detector::Numbers,
    sense::param::Values,
    sense::window::Crossing,
    wire::abi::{Action, Cause, Mode, Op, RecordType, ScanKind, AF_INET, AF_INET6, FLAG_APPLIED},
    wire::record::{self, Body, Head, Operation, Record},
};

/// What a record says about where it happened, beyond the cell.
#[derive(Clone, Copy)]
pub(crate) enum Scene<'a> {
    /// The running task did it, to a path or something else if there is any; of something new its
    /// kind.
    Call(&'a [u8], Option<(Class, Domain)>),
    /// A parameter crossed a line by what the running task did.
    Count(&'a Crossing),
    /// A parameter was above a line when its window ended, or by what nobody in particular did.
    Window(&'a Crossing),
    /// What a parameter adds up to was above a line when a window ended, with what is known of it.
    Sum(&'a Crossing, &'a Numbers),
    /// A peer was sent more than any ever was, by what the running task did.
    Peer(&'a Sent<'a>),
    /// A signature matched on a connection.
    Match(&'a Match<'a>),
    /// Bytes arrived, whoever runs just now.
    Arrival,
}

/// A peer above its line, with all that is known of it.
pub(crate) struct Sent<'a> {
    /// What it was sent.
    pub(crate) crossing: &'a Crossing,
    /// What is known of such peers.
    pub(crate) numbers: &'a Numbers,
    /// Its address, IPv4 mapped.
    pub(crate) peer: &'a [u8; 16],
    /// Whether it was not told yet in this stretch.
    pub(crate) is_first: bool,
}

/// A match with all that is known of it.
pub(crate) struct Match<'a> {
    /// What the delivery found.
    pub(crate) found: &'a Found<'a>,
    /// The signature.
    pub(crate) signature: &'a Signature<'a>,
    /// The connection.
    pub(crate) addresses: &'a Addresses,
    /// Who accepted it.
    pub(crate) owner: Owner,
    /// Whether its threshold lets it be told.
    pub(crate) is_told: bool,
}

/// What the officer did, for the record of it.
#[derive(Clone, Copy)]
pub(crate) enum Deed<'a> {
    /// Replaced the cells or the signatures, this kind of image, by so many.
    Load { kind: u16, count: u32 },
    /// Set the mode of all, or of the cell.
    Mode(u32),
    /// Began a ban for so many ms, or ended it: 0.
    Ban { address: [u8; 16], ttl_ms: u32 },
    /// Took the cells or the signatures away.
    Unload,
    /// Took something into the self of the cell.
    Accept {
        /// What kind of thing.
        kind: (Class, Domain),
        /// Its general name.
        name: &'a [u8],
    },
}

/// Makes records and hands them to the ring.
pub(crate) struct Scribe {
    sink: Arc<Sink>,
}

impl Scribe {
    /// A scribe for a ring.
    pub(crate) fn new(sink: Arc<Sink>) -> Self {
        Self { sink }
    }

    /// The ring.
    pub(crate) fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Tells a verdict and what led to it.
    pub(crate) fn verdict(
        &self,
        kind: RecordType,
        site: &Site<'_>,
        ctx: &Context,
        verdict: &Verdict,
        told: Told<'_>,
    ) {
        let mut head = of_cell(kind, site);
        head.flags = verdict.flags(ctx);
        head.action = verdict.action.bits();
        head.cause = verdict.cause as u16;
        match told.scene {
            Scene::Call(object, new) => {
                by_current(&mut head);
                let operation = Operation::new(told.op, told.nth.get(), new);
                self.write(&head, operation.into(), object);
            }
            Scene::Count(crossing) => {
                by_current(&mut head);
                self.crossing(&head, site.cell, crossing);
            }
            Scene::Window(crossing) => self.crossing(&head, site.cell, crossing),
            Scene::Sum(crossing, numbers) => self.sum(&head, site.cell, crossing, numbers),
            Scene::Peer(sent) => {
                by_current(&mut head);
                self.sent(&head, site.cell, sent);
            }
            Scene::Match(what) => self.matched(&head, what, told.nth),
            Scene::Arrival => {
                let operation = Operation::new(told.op, told.nth.get(), None);
                self.write(&head, operation.into(), &[]);
            }
        }
    }

    /// Tells the numbers of a parameter above a line. A frame of its own, as below.
    #[inline(never)]
    fn crossing(&self, head: &Head, cell: &Cell, crossing: &Crossing) {
        let learned = cell.gauges.learned(crossing.param);
        self.write(head, crossed(cell, crossing, &learned).into(), &[]);
    }

    /// Tells the numbers of a sum above a line.
    #[inline(never)]
    fn sum(&self, head: &Head, cell: &Cell, crossing: &Crossing, numbers: &Numbers) {
        self.write(head, crossed(cell, crossing, numbers).into(), &[]);
    }

    /// Tells the numbers of a peer above a line.
    #[inline(never)]
    fn sent(&self, head: &Head, cell: &Cell, sent: &Sent<'_>) {
        let mut body = crossed(cell, sent.crossing, sent.numbers);
        (body.family, body.address) = of_peer(sent.peer);
        self.write(head, body.into(), &[]);
    }

    /// Tells a match with its excerpt.
    #[inline(never)]
    fn matched(&self, head: &Head, what: &Match<'_>, nth: Nth) {
        self.write(head, matched(what, nth), what.found.excerpt);
    }

    /// Tells the values of a window.
    pub(crate) fn window(&self, site: &Site<'_>, values: &Values) {
        let head = of_cell(RecordType::Window, site);
        let window = record::Window {
            window_ms: site.cell.window_ms,
            ..record::Window::ZERO
        };
        self.write(&head, window.into(), &record::Window::data(values));
    }

    /// Tells the phase that a cell has come into.
    pub(crate) fn phase(&self, site: &Site<'_>, cause: Cause) {
        let mut head = of_cell(RecordType::Phase, site);
        head.cause = cause as u16;
        let phase = record::PhaseSet {
            phase: site.cell.phase() as u32,
            windows_needed: site.cell.settings.learn_windows,
        };
        self.write(&head, phase.into(), &[]);
    }

    /// Tells which danger signals have ended.
    pub(crate) fn calm(&self, site: &Site<'_>, one: bool, two: bool) {
        let calm = record::Calm {
            one: one.into(),
            two: two.into(),
        };
        self.write(&of_cell(RecordType::Calm, site), calm.into(), &[]);
    }

    /// Tells what the officer did, by the netlink command that did it.
    pub(crate) fn deed(&self, command: u32, site: Option<&Site<'_>>, mode: Mode, deed: Deed<'_>) {
        let kind = RecordType::Control;
        let mut head = site.map_or_else(|| of_nobody(kind, mode), |site| of_cell(kind, site));
        by_current(&mut head);
        head.cause = Cause::Officer as u16;
        let mut control = record::Control {
            command,
            ..record::Control::ZERO
        };
        let mut data: &[u8] = &[];
        match deed {
            Deed::Load { kind, count } => {
                control.image = kind.into();
                control.count = count;
            }
            Deed::Mode(mode) => control.mode = mode,
            Deed::Ban { address, ttl_ms } => {
                (control.family, control.address) = of_peer(&address);
                control.ttl_ms = ttl_ms;
            }
            Deed::Accept { kind, name } => {
                control.image = Operation::new(Op::None, 0, Some(kind)).kind.into();
                data = name;
            }
            Deed::Unload => {}
        }
        self.write(&head, control.into(), data);
    }

    /// Tells the `n`-th packet of a banned peer that was dropped.
    pub(crate) fn ban_drop(&self, mode: Mode, peer: &[u8; 16], n: u64) {
        let mut head = of_nobody(RecordType::BanDrop, mode);
        head.action = Action::BAN.bits();
        let (family, address) = of_peer(peer);
        let drop = record::BanDrop {
            dropped: n,
            address,
            family,
            ..record::BanDrop::ZERO
        };
        self.write(&head, drop.into(), &[]);
    }

    /// Tells a scan of the host, and how many sources were lost until then.
    pub(crate) fn scanned(&self, mode: Mode, scan: &Scan, answer: Answer, ban_s: u32, lost: u64) {
        let mut head = of_nobody(RecordType::Scan, mode);
        head.action = answer.action.bits();
        if answer.apply {
            head.flags = FLAG_APPLIED;
        }
        let ns = |seconds: u32| u64::from(seconds) * 1_000_000_000;
        let (family, target) = of_peer(&scan.target);
        let source = match scan.kind {
            ScanKind::Distributed => [0; 16],
            _ => of_peer(&scan.source).1,
        };
        let scanned = record::Scanned {
            first_ns: ns(scan.first_s),
            last_ns: ns(scan.last_s),
            lost,
            probes: scan.probes,
            targets: scan.targets,
            sources: scan.sources,
            nth: scan.nth,
            seconds: scan.seconds,
            ban_s,
            kind: scan.kind as u16,
            kinds: scan.kinds,
            family,
            spoofable: scan.is_spoofable.into(),
            again: scan.again.into(),
            source,
            target,
            ..record::Scanned::ZERO
        };
        self.write(&head, scanned.into(), &record::Scanned::data(&scan.ports));
    }

    /// Hands a record to the ring. A frame of its own, so that no caller's holds a record too.
    #[inline(never)]
    fn write(&self, head: &Head, body: Body, data: &[u8]) {
        self.sink.write(&mut Record::new(*head, body, data));
    }
}

/// What of a verdict is told besides itself.
#[derive(Clone, Copy)]
pub(crate) struct Told<'a> {
    /// The operation.
    pub(crate) op: Op,
    /// Which of its kind in the window it is.
    pub(crate) nth: Nth,
    /// Where it happened.
    pub(crate) scene: Scene<'a>,
}

/// The head of a record about no cell.
fn of_nobody(kind: RecordType, mode: Mode) -> Head {
    Head {
        kind: kind as u16,
        mode: mode as u32,
        ..Head::ZERO
    }
}

/// The head of a record about a cell.
fn of_cell(kind: RecordType, site: &Site<'_>) -> Head {
    Head {
        cell: site.cell.number,
        generation: site.table.generation,
        cell_name: site.cell.name,
        ..of_nobody(kind, site.mode)
    }
}

/// Names the running task as the one whose call it was.
fn by_current(head: &mut Head) {
    Task::with_current(|task| {
        head.pid = task.process_id();
        head.tid = task.thread_id();
        head.uid = task.uid();
        head.start_ns = task.start_ns();
        head.comm = task.name();
    });
}

/// The numbers of a parameter above a line.
fn crossed(cell: &Cell, crossing: &Crossing, learned: &Numbers) -> record::Crossing {
    let windows = crossing.stretch.windows();
    let lines = learned.lines.at(&crossing.now);
    let [median, p90, p99] = learned.quantiles;
    record::Crossing {
        observed: crossing.observed,
        threshold: crossing.threshold,
        mean: learned.mean,
        deviation: learned.deviation,
        windows: u32::try_from(learned.n).unwrap_or(u32::MAX),
        param: crossing.param as u16,
        // CAST: at most 600.
        stretch: windows as u16,
        minimum: learned.minimum,
        peak: learned.peak,
        median,
        p90,
        p99,
        one: lines.one(),
        two: lines.two(),
        load: crossing.now.load,
        over_ms: cell.window_ms.saturating_mul(windows),
        ..record::Crossing::ZERO
    }
}

/// What is known of a match but its excerpt.
fn matched(what: &Match<'_>, nth: Nth) -> Body {
    let addresses = what.addresses;
    let mut body = record::Match {
        sig_id: what.signature.id(),
        sig_rev: what.signature.revision(),
        offset: what.found.offset,
        owner_start_ns: what.owner.start_ns,
        owner_pid: what.owner.pid,
        nth: nth.get(),
        family: addresses.family as u8,
        ..record::Match::ZERO
    };
    if matches!(body.family, AF_INET | AF_INET6) {
        body.proto = addresses.proto;
        body.laddr = unmapped(body.family, addresses.local);
        body.raddr = unmapped(body.family, addresses.peer);
        body.lport = addresses.local_port;
        body.rport = addresses.peer_port;
    }
    body.into()
}

/// Family and address of a peer (IPv4 mapped) as records have them.
fn of_peer(peer: &[u8; 16]) -> (u8, [u8; 16]) {
    let (family, _) = ban::family(peer);
    (family, unmapped(family, *peer))
}

/// The form of an address in records: IPv4 in the first four bytes.
fn unmapped(family: u8, address: [u8; 16]) -> [u8; 16] {
    let [.., a, b, c, d] = address;
    if family == AF_INET {
        [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    } else {
        address
    }
}
