// SPDX-License-Identifier: GPL-2.0

//! The engine: from what a detector saw to what is done about it.
//!
//! Pure and total: no state, no clock, no failure; everything that counts is in the arguments.
//! The caller raises the signals, carries the action out if [`Verdict::apply`] says so, and writes
//! the record. Floor 0; context: any, hooks and softirq included.
//!
//! | finding | while it learns | when it is ready |
//! |---|---|---|
//! | operation forbidden by the officer | two, deny | two, deny |
//! | path outside of the officer's prefixes | two, deny | two, deny |
//! | directory not of the self | pass | two, deny |
//! | operation in the deny set, danger two up | veto: deny | veto: deny |
//! | value above the officer's bound | two | two |
//! | value above threshold one / two | pass | one / two |
//! | type 2 signature | two, kill, ban | two, kill, ban |
//! | type 1 signature, a danger signal up | two, kill, ban | two, kill, ban |
//! | type 1 signature, calm | told only | told only |

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
    FLAG_LEARNING, //
};

/// A danger signal.
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

/// Where the object of an operation lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// The operation has no path.
    NoPath,
    /// Within the officer's prefixes, in a directory of the self.
    Inside,
    /// Not below any of the officer's prefixes.
    Outside,
    /// Within the prefixes, in a directory that was never seen in learning.
    Unknown,
}

/// What a detector saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Why it speaks.
    pub cause: Cause,
    /// The operation, or [`Op::None`].
    pub op: Op,
    /// How grave it is.
    pub signal: Signal,
}

/// What is decided.
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
        applied | ctx.flags()
    }
}

/// Decides on a finding.
///
/// This is the table at the head of the file, by cause. Signal [`Signal::None`] passes.
pub const fn decide(finding: &Finding, ctx: &Context) -> Verdict {
    let learning = matches!(ctx.phase, Phase::Learning);
    let action = match finding.cause {
        Cause::Threshold | Cause::SelfDir if learning => return Verdict::PASS,
        Cause::Tree | Cause::SelfDir | Cause::Forbidden => deny(finding.op),
        Cause::Danger => {
            return Verdict {
                signal: Signal::None,
                record: Some(RecordType::Veto),
                ..Verdict::raise(Signal::None, deny(finding.op), Cause::Danger, ctx)
            }
        }
        Cause::Signature => {
            let kill = if ctx.kill_connections {
                Action::KILL
            } else {
                Action::PASS
            };
            let banned = ctx.ban_s != 0;
            let action = if banned { kill.with(Action::BAN) } else { kill };
            return Verdict {
                ban_s: ctx.ban_s,
                ..Verdict::raise(finding.signal, action, Cause::Signature, ctx)
            };
        }
        Cause::Threshold | Cause::Bound | Cause::None | Cause::Officer => Action::PASS,
    };
    if matches!(finding.signal, Signal::None) {
        return Verdict::PASS;
    }
    Verdict::raise(finding.signal, action, finding.cause, ctx)
}

/// How an operation is denied: what was received already can only be kept from the reader by
/// resetting the connection.
const fn deny(op: Op) -> Action {
    match op {
        Op::Receive => Action::KILL,
        _ => Action::DENY,
    }
}

/// Decides on what a process of the cell is about to do; called at each hook.
///
/// The first rule that speaks counts: forbidden, outside, not of the self, veto.
pub const fn operation(op: Op, tree: Tree, ctx: &Context) -> Verdict {
    let learning = matches!(ctx.phase, Phase::Learning);
    let cause = if ctx.forbid.contains(op) {
        Cause::Forbidden
    } else if matches!(tree, Tree::Outside) {
        Cause::Tree
    } else if matches!(tree, Tree::Unknown) && !learning {
        Cause::SelfDir
    } else if ctx.danger_two && ctx.deny.contains(op) {
        Cause::Danger
    } else {
        return Verdict::PASS;
    };
    decide(
        &Finding {
            cause,
            op,
            signal: Signal::Two,
        },
        ctx,
    )
}

/// Decides on a parameter above one of its lines.
pub const fn crossing(level: Level, ctx: &Context) -> Verdict {
    let (cause, signal) = match level {
        Level::One => (Cause::Threshold, Signal::One),
        Level::Two => (Cause::Threshold, Signal::Two),
        Level::Bound => (Cause::Bound, Signal::Two),
    };
    decide(
        &Finding {
            cause,
            op: Op::None,
            signal,
        },
        ctx,
    )
}

/// Decides on a signature that matched in what the cell receives.
///
/// `kind` is 1 or 2; anything else is taken for 2. `ban_s` is the signature's own, and counts before
/// the cell's when it is not 0.
pub const fn signature(kind: u8, ban_s: u32, ctx: &Context) -> Verdict {
    if kind == 1 && !ctx.danger_one && !ctx.danger_two {
        return Verdict {
            cause: Cause::Signature,
            record: Some(RecordType::MatchCalm),
            ..Verdict::PASS
        };
    }
    let ctx = Context {
        ban_s: if ban_s == 0 { ctx.ban_s } else { ban_s },
        ..*ctx
    };
    decide(
        &Finding {
            cause: Cause::Signature,
            op: Op::Receive,
            signal: Signal::Two,
        },
        &ctx,
    )
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
        for (op, tree, ctx, signal, action, cause, record) in [
            (
                Op::Read,
                Tree::Inside,
                READY,
                none,
                Action::PASS,
                Cause::None,
                None,
            ),
            (
                Op::Ptrace,
                Tree::NoPath,
                READY,
                two,
                Action::DENY,
                Cause::Forbidden,
                breach,
            ),
            (
                Op::Ptrace,
                Tree::NoPath,
                LEARNING,
                two,
                Action::DENY,
                Cause::Forbidden,
                breach,
            ),
            (
                Op::Write,
                Tree::Outside,
                READY,
                two,
                Action::DENY,
                Cause::Tree,
                breach,
            ),
            (
                Op::Write,
                Tree::Outside,
                LEARNING,
                two,
                Action::DENY,
                Cause::Tree,
                breach,
            ),
            (
                Op::Write,
                Tree::Unknown,
                READY,
                two,
                Action::DENY,
                Cause::SelfDir,
                breach,
            ),
            (
                Op::Write,
                Tree::Unknown,
                LEARNING,
                none,
                Action::PASS,
                Cause::None,
                None,
            ),
            (
                Op::Exec,
                Tree::Inside,
                READY,
                none,
                Action::PASS,
                Cause::None,
                None,
            ),
            (
                Op::Exec,
                Tree::Inside,
                DANGER,
                none,
                Action::DENY,
                Cause::Danger,
                veto,
            ),
            (
                Op::Exec,
                Tree::Unknown,
                DANGER,
                two,
                Action::DENY,
                Cause::SelfDir,
                breach,
            ),
            (
                Op::Receive,
                Tree::NoPath,
                DANGER,
                none,
                Action::KILL,
                Cause::Danger,
                veto,
            ),
            (
                Op::Read,
                Tree::Inside,
                DANGER,
                none,
                Action::PASS,
                Cause::None,
                None,
            ),
        ] {
            let verdict = operation(op, tree, &ctx);
            assert_eq!(verdict.signal, signal);
            assert_eq!(verdict.action, action);
            assert_eq!(verdict.cause, cause);
            assert_eq!(verdict.record, record);
            assert_eq!(verdict.apply, !action.is_pass());
            let observe = Context {
                mode: Mode::Observe,
                ..ctx
            };
            let told = operation(op, tree, &observe);
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
            let verdict = crossing(level, &ctx);
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
            let verdict = signature(kind, ban_s, &ctx);
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
        let verdict = operation(Op::Ptrace, Tree::NoPath, &DANGER);
        assert_eq!(verdict.flags(&DANGER), FLAG_APPLIED | FLAG_DANGER_TWO);
        assert_eq!(Verdict::PASS.flags(&LEARNING), FLAG_LEARNING);
    }
}
