// SPDX-License-Identifier: GPL-2.0

//! How what a process does becomes something that the self has, or has not.
//!
//! Floor 4. First the officer's lists speak, then the repertoire. Nearly always a whole path was asked
//! about a moment ago and is remembered (`kis_core::sense::known`); else its general form is made and
//! the repertoire asked, or taught.

use crate::{
    cells::site::Site,
    engine::Engine,
    scribe::Scene,
    sys::{
        file::{Kind, PathBuffer},
        hooks::{Later, Outcome},
        task::Task,
    },
};
use kernel::prelude::*;
use kis_core::{
    cells::Access,
    judge::finding::{Finding, Place},
    judge::verdict::{passes, Context},
    sense::class::{Class, Domain},
    sense::expectation::Expectation,
    sense::known::Answer,
    sense::sighting::{Act, Look, Sighting, NAME_BYTES},
    sense::words,
    wire::abi::{Mode, Op},
};

/// What stands for a path that is too long, or that leads nowhere.
pub(crate) const NO_PATH: &[u8] = b"(no path)";

/// The numbers of people (Debian policy 9.2.2).
const PEOPLE: core::ops::Range<u32> = 1000..65534;

/// How long a process pauses that did too much of what it may, ms, as long as danger signal two is up:
/// at each call that puts an end to something, and at most at each other.
const SLOW_MS: u32 = 1000;

/// What a repertoire says of a sighting.
fn place_of(answer: Answer) -> Place {
    match answer {
        Answer::Known | Answer::Unsure => Place::Inside,
        Answer::Unexpected => Place::Unexpected,
        Answer::Odd => Place::Odd,
        Answer::Unknown => Place::Unknown,
    }
}

/// What the record says of a sighting: its kind, where the self has not got it.
fn kind_of(place: Place, seen: &Sighting<'_>) -> Option<(Class, Domain)> {
    let is_new = matches!(place, Place::Unexpected | Place::Odd | Place::Unknown);
    is_new.then_some((seen.class, seen.domain))
}

/// Asks the repertoire of the cell, or teaches it what its officer expects.
fn ask(site: &Site<'_>, seen: &Sighting<'_>, may_wait: bool) -> Answer {
    site.cell.sees(seen, may_wait, || expectation(site, seen))
}

/// What the officer says of something that comes up while the cell learns. A frame of its own.
#[cold]
#[inline(never)]
fn expectation(site: &Site<'_>, seen: &Sighting<'_>) -> Expectation {
    let spec = site.table.image.get(site.index);
    spec.map_or(Expectation::Named, |spec| spec.expected().says(seen))
}

/// Who looks, and at what.
#[derive(Clone, Copy)]
struct Asked {
    /// What it is.
    kind: Kind,
    /// Whether root asks.
    is_root: bool,
}

impl Asked {
    /// By the one that runs.
    #[inline]
    fn now(kind: Kind) -> Self {
        Self {
            kind,
            is_root: Task::current_is_privileged(),
        }
    }

    /// What a question is about, besides the path.
    #[inline]
    fn word(self, act: Act) -> u64 {
        u64::from(self.kind.bits()) << 4 | (act as u64) << 1 | u64::from(self.is_root)
    }

    /// With all that a sighting wants to know.
    fn look(self, is_session: bool) -> Look {
        Look {
            pid: Task::with_current(|task| task.process_id()).unwrap_or(0),
            is_root: self.is_root,
            is_public: self.kind.is_public(),
            is_own: self.kind.is_own(),
            is_trusted: self.kind.is_trusted(),
            is_program: self.kind.is_program(),
            is_session,
        }
    }
}

// It has room there, beside the rest.
const _: () = assert!((Act::Place as u32) < 8);

impl Engine {
    /// Judges an operation on something that lies there.
    #[inline(always)]
    pub(crate) fn judge(
        &self,
        site: &Site<'_>,
        op: Op,
        place: Place,
        object: &[u8],
        new: Option<(Class, Domain)>,
    ) -> Outcome {
        match unminded(site, op, place) {
            Some(outcome) => outcome,
            None => self.minded(site, op, place, object, new),
        }
    }

    #[cold]
    #[inline(never)]
    fn minded(
        &self,
        site: &Site<'_>,
        op: Op,
        place: Place,
        object: &[u8],
        new: Option<(Class, Domain)>,
    ) -> Outcome {
        let finding = Finding::Operation { op, place };
        let done = self
            .killer
            .carry_out(site, &finding, Scene::Call(object, new));
        slowed(site, &site.context(), op, done.outcome())
    }

    /// An operation that the officer may forbid, and that is an item by its name.
    pub(crate) fn plain(&self, site: &Site<'_>, op: Op, class: Class, may_wait: bool) -> Outcome {
        self.named(site, op, class, op.name().as_bytes(), may_wait)
    }

    /// An operation with something that has a name and no path.
    pub(crate) fn named(
        &self,
        site: &Site<'_>,
        op: Op,
        class: Class,
        name: &[u8],
        may_wait: bool,
    ) -> Outcome {
        let seen = Sighting::named(class, Task::current_is_privileged(), name);
        self.item(site, op, &seen, may_wait)
    }

    /// Something that no list speaks about, and that may be an item.
    fn item(&self, site: &Site<'_>, op: Op, seen: &Sighting<'_>, may_wait: bool) -> Outcome {
        if !site.cell.has_things() {
            return self.judge(site, op, Place::Nowhere, seen.name, None);
        }
        self.sighted(site, op, Place::Nowhere, seen, may_wait, seen.name)
    }

    /// The same of another user or group. A group is mild, and so is one who is not root where people come
    /// and go.
    pub(crate) fn becomes(&self, site: &Site<'_>, id: u32, is_group: bool) -> Outcome {
        let mut room = [0u8; 24];
        let name = words::identity(id, is_group, &mut room);
        let mut seen = Sighting::named(Class::Identity, Task::current_is_privileged(), name);
        if is_group || (id != 0 && site.cell.has_sessions()) {
            seen = seen.mild();
        }
        self.item(site, Op::Identity, &seen, true)
    }

    /// Asks the repertoire, or teaches it, unless an officer's list has spoken (`listed`).
    fn sighted(
        &self,
        site: &Site<'_>,
        op: Op,
        listed: Place,
        seen: &Sighting<'_>,
        may_wait: bool,
        object: &[u8],
    ) -> Outcome {
        let place = match listed {
            Place::Nowhere => place_of(ask(site, seen, may_wait)),
            listed => listed,
        };
        self.judge(site, op, place, object, kind_of(place, seen))
    }

    /// An operation on a file, whose path is only made out where somebody looks at it.
    #[inline]
    pub(crate) fn on_path(
        &self,
        site: &Site<'_>,
        op: Op,
        act: Act,
        kind: impl FnOnce() -> Kind,
        make: impl for<'b> FnOnce(&'b mut PathBuffer) -> Result<&'b [u8]>,
    ) -> Outcome {
        if site.list(op).is_none() && !site.cell.has_things() {
            if let Some(outcome) = unminded(site, op, Place::Nowhere) {
                return outcome;
            }
        }
        self.with_path(site, op, act, kind, make)
    }

    #[inline(never)]
    fn with_path(
        &self,
        site: &Site<'_>,
        op: Op,
        act: Act,
        kind: impl FnOnce() -> Kind,
        make: impl for<'b> FnOnce(&'b mut PathBuffer) -> Result<&'b [u8]>,
    ) -> Outcome {
        let mut buf = PathBuffer::new();
        let path = match make(&mut buf) {
            Ok(path) => path,
            // The task was asked for the file above it.
            Err(error) if error == ENOLINK => return Outcome::PASS,
            Err(_) => NO_PATH,
        };
        let listed = site.place(op, path);
        if listed != Place::Nowhere || !site.cell.has_things() {
            return self.judge(site, op, listed, path, None);
        }
        self.by_repertoire(site, op, act, path, Asked::now(kind()))
    }

    /// A path that no list speaks about.
    #[inline]
    fn by_repertoire(&self, site: &Site<'_>, op: Op, act: Act, path: &[u8], by: Asked) -> Outcome {
        // What a path below /proc is depends on who asks.
        let is_of_proc = matches!(path, [b'/', b'p', b'r', b'o', b'c', b'/', ..]);
        let question = if is_of_proc {
            0
        } else {
            site.cell.known.question(by.word(act), path)
        };
        if site.cell.known.remembers(question) {
            return self.judge(site, op, Place::Inside, path, None);
        }
        self.unfamiliar(site, op, act, path, by, question)
    }

    /// A path that was not asked about lately.
    #[inline(never)]
    fn unfamiliar(
        &self,
        site: &Site<'_>,
        op: Op,
        act: Act,
        path: &[u8],
        by: Asked,
        question: u64,
    ) -> Outcome {
        let mut room = [0u8; NAME_BYTES];
        let seen = Sighting::of_file(act, path, &by.look(is_session(site)), &mut room);
        let answer = ask(site, &seen, true);
        if answer == Answer::Known && question != 0 {
            site.cell.known.remember(question);
        }
        let place = place_of(answer);
        self.judge(site, op, place, path, kind_of(place, &seen))
    }

    /// A program that is about to be executed by the one that runs.
    #[inline(never)]
    pub(crate) fn program(
        &self,
        site: &Site<'_>,
        make: impl for<'b> FnOnce(&'b mut PathBuffer) -> Result<&'b [u8]>,
    ) -> Outcome {
        let mut buf = PathBuffer::new();
        let path = make(&mut buf).unwrap_or(NO_PATH);
        let listed = site.place(Op::Exec, path);
        if listed != Place::Nowhere || !site.cell.has_things() {
            return self.judge(site, Op::Exec, listed, path, None);
        }
        self.pair(site, path)
    }

    /// The second half of [`Engine::program()`]: the names would not fit into one stack frame.
    #[inline(never)]
    fn pair(&self, site: &Site<'_>, child: &[u8]) -> Outcome {
        let mut buf = [0u8; 256];
        self.pair_of(site, current_program(&mut buf), child)
    }

    #[inline(never)]
    fn pair_of(&self, site: &Site<'_>, parent: &[u8], child: &[u8]) -> Outcome {
        let mut room = [0u8; NAME_BYTES];
        let own = own_program(site);
        let look = Look {
            pid: Task::with_current(|task| task.process_id()).unwrap_or(0),
            is_root: Task::current_is_privileged(),
            is_session: is_session(site),
            ..Look::default()
        };
        let seen = Sighting::of_program(parent, child, &look, &mut room);
        let seen = seen.by_itself(parent, child, own);
        self.sighted(site, Op::Exec, Place::Nowhere, &seen, true, seen.told)
    }

    /// Something gets another name: judged by both, and told by the one that it leaves, or the one
    /// that it is not to have.
    #[inline(never)]
    pub(crate) fn with_paths(
        &self,
        site: &Site<'_>,
        op: Op,
        from: &Named<'_>,
        to: &Named<'_>,
    ) -> Outcome {
        let mut buf = PathBuffer::new();
        let from_path = from.entry.path(&mut buf).unwrap_or(NO_PATH);
        self.with_both(site, op, from, from_path, to)
    }

    /// The second half of [`Engine::with_paths()`]: two buffers would not fit into one stack frame.
    #[inline(never)]
    fn with_both(
        &self,
        site: &Site<'_>,
        op: Op,
        from: &Named<'_>,
        from_path: &[u8],
        to: &Named<'_>,
    ) -> Outcome {
        let mut buf = PathBuffer::new();
        let to_path = to.entry.path(&mut buf).unwrap_or(NO_PATH);
        let place = site.moved(from_path, to_path, from.entry.is_dir());
        if place != Place::Nowhere || !site.cell.has_things() {
            let told = if Access::of(op).is_some_and(|a| !self.allows(site, a, to_path)) {
                to_path
            } else {
                from_path
            };
            return self.judge(site, op, place, told, None);
        }
        let leaves = Asked::now(from.entry.look());
        let comes = Asked::now(to.entry.look());
        let place = from.entry.is_dir().then_some((Act::Place, to_path, comes));
        let both = [(from.act, from_path, leaves), (to.act, to_path, comes)];
        for (act, path, by) in Iterator::chain(both.into_iter(), place) {
            let outcome = self.by_repertoire(site, op, act, path, by);
            if outcome.denies() {
                return outcome;
            }
        }
        Outcome::PASS
    }

    /// Whether a prefix list has a path.
    fn allows(&self, site: &Site<'_>, access: Access, path: &[u8]) -> bool {
        site.table
            .image
            .get(site.index)
            .is_none_or(|spec| spec.tree(access).allows(path))
    }
}

/// A name of something, and what having it means.
pub(crate) struct Named<'a> {
    /// The name.
    pub(crate) entry: &'a crate::sys::file::Entry<'a>,
    /// What is done there.
    pub(crate) act: Act,
}

/// The program of the cell.
fn own_program<'a>(site: &Site<'a>) -> &'a [u8] {
    let spec = site.table.image.get(site.index);
    spec.map_or(&b""[..], |spec| spec.program())
}

/// Whether a person does it, who has come by way of the cell: with all ids, so that nobody with root's
/// is one.
fn is_session(site: &Site<'_>) -> bool {
    site.cell.has_sessions() && Task::current_uids().iter().all(|uid| PEOPLE.contains(uid))
}

/// The program that runs.
fn current_program(buf: &mut [u8; 256]) -> &[u8] {
    let program = Task::with_current(|task| {
        let len = task.program(buf).map(|path| path.len()).unwrap_or(0);
        // The path is at the end of the buffer.
        let start = (buf.len() - 1).saturating_sub(len);
        start..start + len
    });
    program.and_then(|range| buf.get(range)).unwrap_or(NO_PATH)
}

/// What comes of an operation that nobody minds; nothing where somebody does.
#[inline(always)]
fn unminded(site: &Site<'_>, op: Op, place: Place) -> Option<Outcome> {
    let ctx = site.context();
    passes(op, place, &ctx).then(|| slowed(site, &ctx, op, Outcome::PASS))
}

/// Who is to blame for too much goes on slowly.
#[inline(always)]
fn slowed(site: &Site<'_>, ctx: &Context, op: Op, outcome: Outcome) -> Outcome {
    // Not the context as a whole: it would have to be in memory then, in calm too.
    if ctx.offends && ctx.mode == Mode::Enforce {
        slow(site, op, outcome)
    } else {
        outcome
    }
}

#[cold]
#[inline(never)]
fn slow(site: &Site<'_>, op: Op, outcome: Outcome) -> Outcome {
    if !Task::current_did_too_much() {
        return outcome;
    }
    let ms = match op {
        // What is lost by these does not come back, and who goes on with something else is somebody else.
        Op::Write | Op::Unlink | Op::Rename | Op::Exec => SLOW_MS,
        // Nothing is lost: who makes a thousand files may be making a database.
        Op::Create => 0,
        _ => excess_ms(site),
    };
    outcome.and_later(Later::Pause(ms))
}

/// How long who did too much waits where nothing is lost: so much a window is done as may be.
fn excess_ms(site: &Site<'_>) -> u32 {
    site.cell.excess_ms().min(SLOW_MS)
}

/// What comes of a write by which nothing is lost, and that may be to what is only just made.
#[inline]
pub(crate) fn kept(site: &Site<'_>, outcome: Outcome, is_made: impl FnOnce() -> bool) -> Outcome {
    if !outcome.pauses() {
        return outcome;
    }
    let ms = if is_made() { 0 } else { excess_ms(site) };
    outcome.at_once().and_later(Later::Pause(ms))
}
