// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::judge::verdict`] for every input there is.

use kis_core::judge::finding::{
    Finding,
    Peer,
    Place, //
};
use kis_core::judge::verdict::{
    decide,
    passes,
    Context,
    Signal,
    Verdict, //
};
use kis_core::sense::window::Level;
use kis_core::wire::abi::{
    Action,
    Cause,
    Mode,
    Op,
    OpSet,
    Phase,
    RecordType, //
};

/// Every context, for an operation that is in none, one or both sets.
fn contexts(op: Op) -> impl Iterator<Item = Context> {
    (0..2048u32).map(move |bits| {
        let bit = |i: u32| (bits >> i) & 1 != 0;
        let set = |on: bool| {
            if on {
                OpSet::EMPTY.with(op)
            } else {
                OpSet::EMPTY
            }
        };
        Context {
            mode: if bit(0) { Mode::Enforce } else { Mode::Observe },
            phase: if bit(1) {
                Phase::Ready
            } else {
                Phase::Learning
            },
            danger_one: bit(2),
            danger_two: bit(3),
            forbid: set(bit(4)),
            deny: set(bit(5)),
            kill_connections: bit(6),
            ban_s: u32::from(bit(7)) * 60,
            guarded: bit(8),
            offends: bit(9),
            hard: bit(10),
        }
    })
}

/// What holds for each verdict.
fn check(verdict: Verdict, ctx: &Context) {
    assert_eq!(
        verdict.apply,
        ctx.mode == Mode::Enforce && !verdict.action.is_pass()
    );
    assert_eq!(verdict.is_pass(), verdict == Verdict::PASS);
    assert_eq!(verdict.cause == Cause::None, verdict.is_pass());
    assert_eq!(
        verdict.action.contains(Action::BAN),
        verdict.ban_s != 0 && verdict.signal == Signal::Two
    );
    let record = match verdict.signal {
        Signal::Two => [Some(RecordType::DangerTwo); 3],
        Signal::One => [Some(RecordType::DangerOne); 3],
        Signal::None => [None, Some(RecordType::Veto), Some(RecordType::MatchCalm)],
    };
    assert!(record.contains(&verdict.record));
    // The mode changes what is done, never what is said.
    if ctx.mode == Mode::Observe {
        assert!(!verdict.denies() && !verdict.kills() && !verdict.bans());
    }
}

#[test]
fn operation_for_every_input() {
    let mut seen = [0; 6];
    for op in Op::ALL.iter().copied() {
        for ctx in contexts(op) {
            for place in [
                Place::Nowhere,
                Place::Inside,
                Place::Unexpected,
                Place::Odd,
                Place::Unknown,
                Place::Outside,
            ] {
                let verdict = decide(&Finding::Operation { op, place }, &ctx);
                check(verdict, &ctx);
                assert_eq!(passes(op, place, &ctx), verdict.is_pass());
                let forbidden = ctx.forbid.contains(op) || (op == Op::Mount && ctx.guarded);
                let outside = place == Place::Outside;
                let unknown = place == Place::Unknown && ctx.phase == Phase::Ready;
                let odd = place == Place::Odd && ctx.phase == Phase::Ready;
                let veto = (ctx.danger_two && ctx.deny.contains(op)) || (odd && ctx.offends);
                let (cause, signal) = match (forbidden, outside, unknown, veto, odd) {
                    (true, ..) => (Cause::Forbidden, Signal::Two),
                    (_, true, ..) => (Cause::Tree, Signal::Two),
                    (_, _, true, ..) => (Cause::SelfDir, Signal::Two),
                    (_, _, _, true, _) => (Cause::Danger, Signal::None),
                    (.., true) => (Cause::SelfDir, Signal::One),
                    _ if place == Place::Unexpected => (Cause::Unexpected, Signal::One),
                    _ => (Cause::None, Signal::None),
                };
                assert_eq!((verdict.cause, verdict.signal), (cause, signal));
                let action = match (signal, cause, op) {
                    (_, Cause::None, _) | (Signal::One, ..) => Action::PASS,
                    (.., Op::Receive) => Action::KILL,
                    _ => Action::DENY,
                };
                assert_eq!(verdict.action, action);
                seen[[
                    Cause::None,
                    Cause::Forbidden,
                    Cause::Tree,
                    Cause::SelfDir,
                    Cause::Danger,
                    Cause::Unexpected,
                ]
                .iter()
                .position(|c| *c == cause)
                .unwrap()] += 1;
            }
        }
    }
    assert!(seen.iter().all(|n| *n > 0));
}

#[test]
fn signature_for_every_input() {
    for ctx in contexts(Op::Receive) {
        for kind in [0, 1, 2, 255] {
            for (ban_s, peer) in [(0, Peer::Stranger), (5, Peer::Stranger), (5, Peer::Own)] {
                let verdict = decide(&Finding::Match { kind, ban_s, peer }, &ctx);
                check(verdict, &ctx);
                let calm = kind == 1 && !ctx.danger_one && !ctx.danger_two;
                assert_eq!(verdict.record == Some(RecordType::MatchCalm), calm);
                assert_eq!(verdict.cause, Cause::Signature);
                assert_eq!(
                    verdict.action.contains(Action::KILL),
                    !calm && ctx.kill_connections
                );
                let want = if ban_s == 0 { ctx.ban_s } else { ban_s };
                let spared = calm || peer == Peer::Own;
                assert_eq!(verdict.ban_s, if spared { 0 } else { want });
            }
        }
    }
}

#[test]
fn what_has_no_place_for_every_input() {
    for ctx in contexts(Op::Receive) {
        let unseen = decide(&Finding::Unseen, &ctx);
        check(unseen, &ctx);
        assert_eq!((unseen.action, unseen.cause), (Action::KILL, Cause::Unseen));
        assert_eq!(unseen.record, Some(RecordType::Veto));
        let unfollowed = decide(&Finding::Unfollowed, &ctx);
        check(unfollowed, &ctx);
        let in_danger = ctx.danger_one || ctx.danger_two;
        assert_eq!(unfollowed.kills(), in_danger && unseen.kills());
        let insider = decide(&Finding::Insider, &ctx);
        assert!(insider.denies() && insider.signal == Signal::Two);
        assert_eq!(insider.cause, Cause::Forbidden);
    }
}

#[test]
fn crossing_for_every_input() {
    for ctx in contexts(Op::None) {
        for level in [Level::One, Level::Two, Level::Bound] {
            let verdict = decide(&Finding::Crossing(level), &ctx);
            check(verdict, &ctx);
            let silent = ctx.phase == Phase::Learning && level != Level::Bound;
            assert_eq!(verdict.is_pass(), silent);
            assert!(verdict.action.is_pass());
        }
    }
}
