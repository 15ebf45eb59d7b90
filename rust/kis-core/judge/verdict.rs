// SPDX-License-Identifier: GPL-2.0

//! The engine: from what a detector saw to what is done about it.
//!
//! Pure and total: no state, no clock, no failure; everything that counts is in the arguments, and
//! every rule is here. The caller raises the signals, carries the action out if [`Verdict::apply`]
//! says so, and writes the record. Floor 0; context: any, hooks and softirq included.
//!
//! | finding | while it learns | when it is ready |
//! |---|---|---|
//! | operation forbidden by the officer | two, deny | two, deny |
//! | mount by a cell that is held to paths | two, deny | two, deny |
//! | path outside of the officer's prefixes | two, deny | two, deny |
//! | new to the repertoire, a surprise | pass | two, deny |
//! | new to the repertoire otherwise | pass | one; by who caused danger two, veto: deny |
//! | operation in the deny set, danger two up | veto: deny | veto: deny |
//! | nothing that the officer expects | one, not learned | |
//! | value above the officer's bound | two | two |
//! | value above threshold one / two | pass | one / two |
//! | type 2 signature | two, kill, ban | two, kill, ban |
//! | type 1 signature, a danger signal up | two, kill, ban | two, kill, ban |
//! | type 1 signature, calm | told only | told only |
//! | bytes that cannot be looked at | veto: kill | veto: kill |
//! | signatures that cannot be followed, a danger signal up | veto: kill | veto: kill |
//! | signatures that cannot be followed, calm | told only | told only |
//! | command to KIS from inside the cell | two, deny, in observe mode too | the same |
//!
//! For one operation the first rule of these that speaks counts, but that the deny set comes before
//! what is new and no surprise. A ban is never for an address of
//! the host itself, nor for a peer that has none.

use super::finding::{
    Finding,
    Peer,
    Place, //
};
use crate::sense::window::Level;
use crate::wire::abi::{
    Action,
    Cause,
    Mode,
    Op,
    OpSet,
    Phase,
    RecordType,
    FLAG_APPLIED,
    FLAG_DANGER_ONE,
    FLAG_DANGER_TWO,
    FLAG_KEPT_OUT,
    FLAG_LEARNING, //
};

/// A danger signal.
///
/// # Examples
///
/// ```
/// use kis_core::judge::verdict::Signal;
///
/// assert!(Signal::None < Signal::One && Signal::One < Signal::Two);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// None is raised.
    #[default]
    None,
    /// Danger signal one.
    One,
    /// Danger signal two.
    Two,
}

/// The state of the cell that a verdict depends on.
///
/// # Examples
///
/// ```
/// use kis_core::judge::verdict::Context;
/// use kis_core::wire::abi::{Mode, OpSet, Phase, FLAG_DANGER_ONE, FLAG_LEARNING};
///
/// let cell = Context {
///     mode: Mode::Observe,
///     phase: Phase::Learning,
///     danger_one: true,
///     danger_two: false,
///     forbid: OpSet::EMPTY,
///     deny: OpSet::EMPTY,
///     kill_connections: true,
///     ban_s: 0,
///     guarded: false,
///     offends: false,
///     hard: false,
/// };
/// assert_eq!(cell.flags(), FLAG_LEARNING | FLAG_DANGER_ONE);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The mode that is in force for it ([`crate::wire::abi::CellMode::resolve`]).
    pub mode: Mode,
    /// Whether it learns.
    pub phase: Phase,
    /// Danger signal one is up.
    pub danger_one: bool,
    /// Danger signal two is up.
    pub danger_two: bool,
    /// Operations that are never allowed.
    pub forbid: OpSet,
    /// Operations that are denied while danger signal two is up.
    pub deny: OpSet,
    /// Whether connections are reset on a signature match.
    pub kill_connections: bool,
    /// How long the peer of such a connection is banned, seconds; 0 is not at all.
    pub ban_s: u32,
    /// Whether it is held to the officer's paths.
    pub guarded: bool,
    /// Whether the process that acts, or one that it comes from, caused the danger signal two that
    /// is up: it is confined to the self.
    pub offends: bool,
    /// Whether its tolerization is hard: what is beyond the officer's bounds is not learned.
    pub hard: bool,
}

impl Context {
    /// The record flags that tell this state.
    pub const fn flags(&self) -> u16 {
        let learning = match self.phase {
            Phase::Learning => FLAG_LEARNING,
            Phase::Ready => 0,
        };
        let one = if self.danger_one { FLAG_DANGER_ONE } else { 0 };
        let two = if self.danger_two { FLAG_DANGER_TWO } else { 0 };
        learning | one | two
    }
}

/// What is decided.
///
/// # Examples
///
/// ```
/// use kis_core::judge::verdict::Verdict;
/// use kis_core::wire::abi::Action;
///
/// let told = Verdict { action: Action::DENY, apply: false, ..Verdict::PASS };
/// assert!(Verdict::PASS.is_pass());
/// assert!(!told.denies(), "what is only told is not carried out");
/// assert!(Verdict { apply: true, ..told }.denies());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The danger signal to raise.
    pub signal: Signal,
    /// What is to be done; also told when it is not carried out.
    pub action: Action,
    /// Why.
    pub cause: Cause,
    /// Whether the action is carried out.
    pub apply: bool,
    /// How long a peer is banned, seconds, if the action bans.
    pub ban_s: u32,
    /// The record to write.
    pub record: Option<RecordType>,
}

impl Verdict {
    /// Nothing to do, nothing to tell.
    pub const PASS: Self = Self {
        signal: Signal::None,
        action: Action::PASS,
        cause: Cause::None,
        apply: false,
        ban_s: 0,
        record: None,
    };

    /// Raises `signal` and does `action`.
    #[inline]
    const fn raise(signal: Signal, action: Action, cause: Cause, ctx: &Context) -> Self {
        Self {
            signal,
            action,
            cause,
            apply: matches!(ctx.mode, Mode::Enforce) && !action.is_pass(),
            ban_s: 0,
            record: match signal {
                Signal::None => None,
                Signal::One => Some(RecordType::DangerOne),
                Signal::Two => Some(RecordType::DangerTwo),
            },
        }
    }

    /// Whether there is nothing to do and nothing to tell.
    #[inline]
    pub const fn is_pass(&self) -> bool {
        self.record.is_none()
    }

    /// Whether the call is to be denied now.
    pub const fn denies(&self) -> bool {
        self.apply && self.action.contains(Action::DENY)
    }

    /// Whether the connection is to be reset now.
    pub const fn kills(&self) -> bool {
        self.apply && self.action.contains(Action::KILL)
    }

    /// Whether the peer is to be banned now.
    pub const fn bans(&self) -> bool {
        self.apply && self.action.contains(Action::BAN)
    }

    /// The record flags that tell the verdict and the state it was made in.
    pub const fn flags(&self, ctx: &Context) -> u16 {
        let applied = if self.apply { FLAG_APPLIED } else { 0 };
        let kept_out = if self.keeps_out(ctx) {
            FLAG_KEPT_OUT
        } else {
            0
        };
        applied | kept_out | ctx.flags()
    }

    /// Whether what happened was not learned, though the cell learns: attempted training.
    const fn keeps_out(&self, ctx: &Context) -> bool {
        match self.cause {
            Cause::Unexpected => true,
            Cause::Bound => ctx.hard && matches!(ctx.phase, Phase::Learning),
            _ => false,
        }
    }
}

/// Decides on a finding: the table at the head of the file.
///
/// # Examples
///
/// ```
/// use kis_core::judge::finding::{Finding, Place};
/// use kis_core::judge::verdict::{decide, Context};
/// use kis_core::wire::abi::{Mode, Op, OpSet, Phase};
///
/// let cell = Context {
///     mode: Mode::Enforce,
///     phase: Phase::Ready,
///     danger_one: false,
///     danger_two: false,
///     forbid: OpSet::EMPTY.with(Op::Ptrace),
///     deny: OpSet::EMPTY,
///     kill_connections: true,
///     ban_s: 0,
///     guarded: false,
///     offends: false,
///     hard: false,
/// };
/// let traces = Finding::Operation { op: Op::Ptrace, place: Place::Nowhere };
/// assert!(decide(&traces, &cell).denies());
/// assert!(!decide(&traces, &Context { mode: Mode::Observe, ..cell }).denies());
/// ```
pub const fn decide(finding: &Finding, ctx: &Context) -> Verdict {
    match *finding {
        Finding::Operation { op, place } => operation(op, place, ctx),
        Finding::Crossing(level) => crossing(level, ctx),
        Finding::Match { kind, ban_s, peer } => signature(kind, ban_s, peer, ctx),
        Finding::Unseen => Verdict {
            cause: Cause::Unseen,
            ..veto(Op::Receive, ctx)
        },
        Finding::Unfollowed => unfollowed(ctx),
        // Whoever sits in a cell never gets to say what KIS does, in observe mode either.
        Finding::Insider => Verdict {
            apply: true,
            ..Verdict::raise(Signal::Two, Action::DENY, Cause::Forbidden, ctx)
        },
    }
}

/// How an operation is denied: what was received already can only be kept from the reader by
/// resetting the connection.
#[inline]
const fn denial(op: Op) -> Action {
    match op {
        Op::Receive => Action::KILL,
        _ => Action::DENY,
    }
}

/// Denied because danger signal two is up; no cause of danger by itself.
#[inline]
const fn veto(op: Op, ctx: &Context) -> Verdict {
    Verdict {
        record: Some(RecordType::Veto),
        ..Verdict::raise(Signal::None, denial(op), Cause::Danger, ctx)
    }
}

/// A stream on which too much has begun to match. A server with many signatures may come there by
/// itself, an attacker who wants to hide does.
const fn unfollowed(ctx: &Context) -> Verdict {
    let veto = veto(Op::Receive, ctx);
    let told = if ctx.danger_one || ctx.danger_two {
        veto
    } else {
        Verdict {
            action: Action::PASS,
            apply: false,
            ..veto
        }
    };
    Verdict {
        cause: Cause::Unseen,
        ..told
    }
}

/// Whether [`decide`] lets an operation pass. The same rules, in a form that costs nothing where they
/// say so, which is nearly always.
///
/// # Examples
///
/// ```
/// use kis_core::judge::finding::Place;
/// use kis_core::judge::verdict::{passes, Context};
/// use kis_core::wire::abi::{Mode, Op, OpSet, Phase};
///
/// let cell = Context {
///     mode: Mode::Observe,
///     phase: Phase::Ready,
///     danger_one: false,
///     danger_two: false,
///     forbid: OpSet::EMPTY.with(Op::Ptrace),
///     deny: OpSet::EMPTY.with(Op::Exec),
///     kill_connections: true,
///     ban_s: 0,
///     guarded: false,
///     offends: false,
///     hard: false,
/// };
/// let nowhere = Place::Nowhere;
/// assert!(passes(Op::Exec, nowhere, &cell) && !passes(Op::Ptrace, nowhere, &cell));
/// assert!(!passes(Op::Exec, nowhere, &Context { danger_two: true, ..cell }));
/// ```
#[inline]
pub const fn passes(op: Op, place: Place, ctx: &Context) -> bool {
    operation(op, place, ctx).is_pass()
}

/// What a process of the cell is about to do.
#[inline]
const fn operation(op: Op, place: Place, ctx: &Context) -> Verdict {
    let learning = matches!(ctx.phase, Phase::Learning);
    // Who is held to paths must not change what they mean.
    let remounts = matches!(op, Op::Mount) && ctx.guarded;
    let cause = if ctx.forbid.contains(op) || remounts {
        Cause::Forbidden
    } else if matches!(place, Place::Outside) {
        Cause::Tree
    } else if matches!(place, Place::Unknown) && !learning {
        Cause::SelfDir
    } else if ctx.danger_two && ctx.deny.contains(op) {
        return veto(op, ctx);
    } else if matches!(place, Place::Odd) && !learning {
        return if ctx.offends {
            veto(op, ctx)
        } else {
            Verdict::raise(Signal::One, Action::PASS, Cause::SelfDir, ctx)
        };
    } else if matches!(place, Place::Unexpected) {
        // It learns, or did when it was asked.
        return Verdict::raise(Signal::One, Action::PASS, Cause::Unexpected, ctx);
    } else {
        return Verdict::PASS;
    };
    Verdict::raise(Signal::Two, denial(op), cause, ctx)
}

/// A parameter is above one of its lines.
const fn crossing(level: Level, ctx: &Context) -> Verdict {
    let learning = matches!(ctx.phase, Phase::Learning);
    let (cause, signal) = match level {
        Level::One | Level::Two if learning => return Verdict::PASS,
        Level::One => (Cause::Threshold, Signal::One),
        Level::Two => (Cause::Threshold, Signal::Two),
        Level::Bound => (Cause::Bound, Signal::Two),
    };
    Verdict::raise(signal, Action::PASS, cause, ctx)
}

/// A signature matched. Its own `ban_s` counts before the cell's when it is not 0.
const fn signature(kind: u8, ban_s: u32, peer: Peer, ctx: &Context) -> Verdict {
    if kind == 1 && !ctx.danger_one && !ctx.danger_two {
        return Verdict {
            cause: Cause::Signature,
            record: Some(RecordType::MatchCalm),
            ..Verdict::PASS
        };
    }
    let wanted = if ban_s == 0 { ctx.ban_s } else { ban_s };
    let ban_s = match peer {
        Peer::Stranger => wanted,
        Peer::Own | Peer::Nobody => 0,
    };
    let kill = if ctx.kill_connections {
        Action::KILL
    } else {
        Action::PASS
    };
    let action = if ban_s == 0 {
        kill
    } else {
        kill.with(Action::BAN)
    };
    Verdict {
        ban_s,
        ..Verdict::raise(Signal::Two, action, Cause::Signature, ctx)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_verdict))]
mod tests {
    use super::*;

    const READY: Context = Context {
        mode: Mode::Enforce,
        phase: Phase::Ready,
        danger_one: false,
        danger_two: false,
        forbid: OpSet::EMPTY.with(Op::Ptrace),
        deny: OpSet::EMPTY.with(Op::Exec).with(Op::Receive),
        kill_connections: true,
        ban_s: 0,
        guarded: false,
        offends: false,
        hard: false,
    };
    const LEARNING: Context = Context {
        phase: Phase::Learning,
        ..READY
    };
    const DANGER: Context = Context {
        danger_two: true,
        ..READY
    };

    #[test]
    fn operation_table() {
        let two = Signal::Two;
        let none = Signal::None;
        let breach = Some(RecordType::DangerTwo);
        let veto = Some(RecordType::Veto);
        for (op, place, ctx, signal, action, cause, record) in [
            (
                Op::Read,
                Place::Inside,
                READY,
                none,
                Action::PASS,
                Cause::None,
                None,
            ),
            (
                Op::Ptrace,
                Place::Nowhere,
                READY,
                two,
                Action::DENY,
                Cause::Forbidden,
                breach,
            ),
            (
                Op::Ptrace,
                Place::Nowhere,
                LEARNING,
                two,
                Action::DENY,
                Cause::Forbidden,
                breach,
            ),
            (
                Op::Write,
                Place::Outside,
                READY,
                two,
                Action::DENY,
                Cause::Tree,
                breach,
            ),
            (
                Op::Write,
                Place::Outside,
                LEARNING,
                two,
                Action::DENY,
                Cause::Tree,
                breach,
            ),
            (
                Op::Write,
                Place::Unknown,
                READY,
                two,
                Action::DENY,
                Cause::SelfDir,
                breach,
            ),
            (
                Op::Write,
                Place::Unknown,
                LEARNING,
                none,
                Action::PASS,
                Cause::None,
                None,
            ),
            (
                Op::Exec,
                Place::Inside,
                READY,
                none,
                Action::PASS,
                Cause::None,
                None,
            ),
            (
                Op::Exec,
                Place::Inside,
                DANGER,
                none,
                Action::DENY,
                Cause::Danger,
                veto,
            ),
            (
                Op::Exec,
                Place::Unknown,
                DANGER,
                two,
                Action::DENY,
                Cause::SelfDir,
                breach,
            ),
            (
                Op::Receive,
                Place::Nowhere,
                DANGER,
                none,
                Action::KILL,
                Cause::Danger,
                veto,
            ),
            (
                Op::Read,
                Place::Inside,
                DANGER,
                none,
                Action::PASS,
                Cause::None,
                None,
            ),
        ] {
            let finding = Finding::Operation { op, place };
            let verdict = decide(&finding, &ctx);
            assert_eq!(verdict.signal, signal);
            assert_eq!(verdict.action, action);
            assert_eq!(verdict.cause, cause);
            assert_eq!(verdict.record, record);
            assert_eq!(verdict.apply, !action.is_pass());
            let observe = Context {
                mode: Mode::Observe,
                ..ctx
            };
            let told = decide(&finding, &observe);
            assert!(!told.apply && !told.denies() && !told.kills());
            assert_eq!((told.action, told.record), (action, record));
        }
    }

    #[test]
    fn crossing_table() {
        for (level, ctx, signal, cause) in [
            (Level::One, READY, Signal::One, Cause::Threshold),
            (Level::Two, READY, Signal::Two, Cause::Threshold),
            (Level::Bound, READY, Signal::Two, Cause::Bound),
            (Level::One, LEARNING, Signal::None, Cause::None),
            (Level::Two, LEARNING, Signal::None, Cause::None),
            (Level::Bound, LEARNING, Signal::Two, Cause::Bound),
        ] {
            let verdict = decide(&Finding::Crossing(level), &ctx);
            assert_eq!((verdict.signal, verdict.cause), (signal, cause));
            assert!(verdict.action.is_pass() && !verdict.apply);
            assert_eq!(verdict.is_pass(), signal == Signal::None);
        }
    }

    #[test]
    fn signature_table() {
        let one_up = Context {
            danger_one: true,
            ..READY
        };
        let gentle = Context {
            kill_connections: false,
            ..READY
        };
        let both = Action::KILL.with(Action::BAN);
        for (kind, ban_s, ctx, signal, action) in [
            (1, 0, READY, Signal::None, Action::PASS),
            (1, 9, LEARNING, Signal::None, Action::PASS),
            (1, 0, one_up, Signal::Two, Action::KILL),
            (1, 0, DANGER, Signal::Two, Action::KILL),
            (2, 0, READY, Signal::Two, Action::KILL),
            (2, 60, READY, Signal::Two, both),
            (2, 60, gentle, Signal::Two, Action::BAN),
            (2, 0, gentle, Signal::Two, Action::PASS),
            (2, 0, LEARNING, Signal::Two, Action::KILL),
            (0, 0, READY, Signal::Two, Action::KILL),
        ] {
            let peer = Peer::Stranger;
            let verdict = decide(&Finding::Match { kind, ban_s, peer }, &ctx);
            assert_eq!((verdict.signal, verdict.action), (signal, action));
            assert_eq!(verdict.apply, !action.is_pass());
            let want = match signal {
                Signal::None => RecordType::MatchCalm,
                _ => RecordType::DangerTwo,
            };
            assert_eq!(verdict.record, Some(want));
            assert_eq!(
                verdict.ban_s,
                if signal == Signal::None { 0 } else { ban_s }
            );
        }
    }

    #[test]
    fn flags_tell_the_state() {
        let (op, place) = (Op::Ptrace, Place::Nowhere);
        let verdict = decide(&Finding::Operation { op, place }, &DANGER);
        assert_eq!(verdict.flags(&DANGER), FLAG_APPLIED | FLAG_DANGER_TWO);
        assert_eq!(Verdict::PASS.flags(&LEARNING), FLAG_LEARNING);
    }

    #[test]
    fn what_is_odd_is_told_and_denied_to_offenders() {
        let finding = Finding::Operation {
            op: Op::Read,
            place: Place::Odd,
        };
        assert!(decide(&finding, &LEARNING).is_pass());
        for ctx in [READY, DANGER] {
            let verdict = decide(&finding, &ctx);
            assert_eq!(
                (verdict.signal, verdict.cause),
                (Signal::One, Cause::SelfDir)
            );
            assert!(!verdict.denies() && !verdict.is_pass());
        }
        let offends = Context {
            offends: true,
            ..DANGER
        };
        let verdict = decide(&finding, &offends);
        assert!(verdict.denies());
        assert_eq!(verdict.record, Some(RecordType::Veto));
        let place = Place::Inside;
        assert!(decide(
            &Finding::Operation {
                op: Op::Read,
                place
            },
            &offends
        )
        .is_pass());
    }

    #[test]
    fn attempted_training_is_told_and_goes_on() {
        let unexpected = |op| Finding::Operation {
            op,
            place: Place::Unexpected,
        };
        let verdict = decide(&unexpected(Op::Exec), &LEARNING);
        assert_eq!(
            (verdict.signal, verdict.cause),
            (Signal::One, Cause::Unexpected)
        );
        assert!(verdict.action.is_pass() && !verdict.denies());
        assert_eq!(verdict.flags(&LEARNING), FLAG_LEARNING | FLAG_KEPT_OUT);
        // What the officer forbids stays forbidden, and is told as that.
        let verdict = decide(&unexpected(Op::Ptrace), &LEARNING);
        assert!(verdict.denies() && verdict.cause == Cause::Forbidden);
        assert_eq!(verdict.flags(&LEARNING) & FLAG_KEPT_OUT, 0);
        for (ctx, hard, want) in [
            (LEARNING, true, FLAG_LEARNING | FLAG_KEPT_OUT),
            (LEARNING, false, FLAG_LEARNING),
            (READY, true, 0),
        ] {
            let ctx = Context { hard, ..ctx };
            let verdict = decide(&Finding::Crossing(Level::Bound), &ctx);
            assert_eq!(verdict.flags(&ctx), want);
        }
    }

    #[test]
    fn mounts_of_a_guarded_cell_are_forbidden() {
        let (op, place) = (Op::Mount, Place::Nowhere);
        let mounts = Finding::Operation { op, place };
        assert!(decide(&mounts, &READY).is_pass());
        let guarded = Context {
            guarded: true,
            ..READY
        };
        assert_eq!(decide(&mounts, &guarded).cause, Cause::Forbidden);
        assert!(decide(&mounts, &guarded).denies());
        let op = Op::Connect;
        assert!(decide(&Finding::Operation { op, place }, &guarded).is_pass());
    }

    #[test]
    fn bans_are_for_strangers() {
        for (peer, ban_s) in [(Peer::Stranger, 60), (Peer::Own, 0), (Peer::Nobody, 0)] {
            let found = Finding::Match {
                kind: 2,
                ban_s: 60,
                peer,
            };
            let verdict = decide(&found, &READY);
            assert_eq!((verdict.ban_s, verdict.bans()), (ban_s, ban_s != 0));
            assert!(verdict.kills());
        }
    }

    #[test]
    fn bytes_that_nobody_can_look_at_are_not_read() {
        for ctx in [READY, LEARNING, DANGER] {
            let verdict = decide(&Finding::Unseen, &ctx);
            assert!(verdict.kills() && !verdict.bans());
            assert_eq!(
                (verdict.signal, verdict.cause),
                (Signal::None, Cause::Unseen)
            );
            let observe = Context {
                mode: Mode::Observe,
                ..ctx
            };
            assert!(!decide(&Finding::Unseen, &observe).kills());
        }
    }

    #[test]
    fn what_cannot_be_followed_kills_in_danger_only() {
        for (ctx, kills) in [(READY, false), (LEARNING, false), (DANGER, true)] {
            let verdict = decide(&Finding::Unfollowed, &ctx);
            assert!(verdict.kills() == kills && verdict.action.is_pass() != kills);
            assert_eq!(verdict.record, Some(RecordType::Veto));
            assert_eq!(verdict.cause, Cause::Unseen);
        }
    }

    #[test]
    fn insiders_are_refused_in_every_mode() {
        for mode in [Mode::Observe, Mode::Enforce] {
            let verdict = decide(&Finding::Insider, &Context { mode, ..LEARNING });
            assert!(verdict.denies());
            assert_eq!(verdict.signal, Signal::Two);
            assert_eq!(verdict.cause, Cause::Forbidden);
        }
    }
}
