// SPDX-License-Identifier: GPL-2.0

//! Whether a cell has learned enough to be enforced.
//!
//! What is missing is told with its numbers and with what to do about it. Nothing here asks anybody.

use crate::{
    control::model::{
        Cell,
        ParamState, //
    },
    output::list,
    profile_file::Saved,
    text,
    view::{
        class::Growth,
        field::Field, //
    }, //
};
use kis_core::{
    sense::{
        budget::{
            Budget,
            DAY_MS,
            MONTH_DAYS, //
        },
        class::{
            Class,
            Domain, //
        },
        novelty::LEAST_WINDOWS,
        trial::Score, //
    },
    wire::abi::Param, //
};

/// So many of a hundred windows may be idle. With more it is not known what the cell does when
/// somebody wants something from it; a server that is asked once in ten windows is below.
const IDLE_PERCENT: u64 = 90;

/// Something that is missing.
///
/// # Examples
///
/// ```
/// use kisctl::control::model::Cell;
/// use kisctl::readiness::lacks;
///
/// let cell = Cell { windows: 3, windows_needed: 60, ..Cell::default() };
/// let lacks = lacks(&cell, &[], None);
/// assert_eq!(lacks[0].text, "it still learns: 3 of 60 windows");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What kind of thing: one of our words.
    pub name: &'static str,
    /// What is missing.
    pub text: String,
    /// What to do.
    pub next: String,
}

/// The fields of what is missing.
pub const FIELDS: &[Field<Lack>] = &[
    Field::new("name", |lack| lack.name.into()),
    Field::new("text", |lack| lack.text.clone().into()),
    Field::new("next", |lack| lack.next.clone().into()),
];

/// What a cell lacks to be enforced; nothing when it is ready. `params` are those of all cells,
/// `saved` is what it has learned.
///
/// A cell without a repertoire has only its thresholds to learn.
pub fn lacks(cell: &Cell, params: &[ParamState], saved: Option<&Saved>) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let mut lack = |name, text, next: &str| {
        let next = next.replace("CELL", &text::name(cell.name.as_bytes()));
        lacks.push(Lack { name, text, next });
    };
    // What is learned once it is ready has to be learned anew.
    let learn = if cell.is_learning() {
        "while it learns"
    } else {
        "while it learns anew: kisctl profile reset CELL"
    };
    if cell.is_learning() {
        let (is, needed) = (cell.windows, cell.windows_needed);
        let left = u64::from(needed.saturating_sub(is)) * u64::from(cell.window_ms);
        lack(
            "learning",
            format!("it still learns: {is} of {needed} windows"),
            &format!("let it run for {}", text::duration_ms(left.max(1))),
        );
    }
    // Also without a repertoire: a ramp moves the thresholds.
    let rising = saved.into_iter().flat_map(|saved| saved.profile.rising());
    let names: Vec<String> = rising.map(|param| param.name().to_owned()).collect();
    if !names.is_empty() {
        lack(
            "trend",
            format!("{} kept rising: somebody may have trained it", list(&names)),
            &format!("see who asked for it, and let it serve as it always does {learn}"),
        );
    }
    let tried = saved.map_or(Score::NONE, |saved| saved.profile.score());
    if tried.two > 0 {
        lack(
            "alarms",
            format!(
                "danger two would have gone up {} in the {} it was tried on",
                text::count(tried.two.into(), "time"),
                text::count(tried.windows.into(), "window")
            ),
            &format!("raise tolerization.windows, or thresholds.budget, {learn}"),
        );
    }
    let own = saved.map(|saved| &saved.repertoire);
    let Some(repertoire) = own.filter(|_| cell.has_repertoire()) else {
        return lacks;
    };
    let steady = repertoire.windows();
    if steady < LEAST_WINDOWS && !cell.is_learning() {
        lack(
            "few",
            format!(
                "only {}, those of a start left out: nothing new would be a surprise",
                text::count(steady.into(), "window")
            ),
            &format!("let it run for {LEAST_WINDOWS} windows, tolerization.windows, {learn}"),
        );
    }
    if repertoire.starts() == 0 {
        lack(
            "restart",
            "no start of it was seen".to_owned(),
            &format!("restart the service {learn}"),
        );
    }
    if let Some(idle) = idle_percent(cell, params).filter(|idle| *idle >= IDLE_PERCENT) {
        lack(
            "idle",
            format!("at least {idle} % of the windows had no message in"),
            &format!("let it serve as it does by day {learn}"),
        );
    }
    let growth = Growth::all(repertoire, cell.window_ms);
    let named = |is: &dyn Fn(&&Growth) -> bool| -> Vec<String> {
        let all = growth.iter().filter(is);
        all.map(|growth| growth.class.name().to_owned()).collect()
    };
    // In a class that is mild something new is never more than danger one.
    let growing = named(&|of| of.state() == "growing" && !of.class.is_mild());
    if !growing.is_empty() {
        lack(
            "growing",
            format!(
                "{} still brings something new, {} times a day",
                list(&growing),
                text::q16(expected_q16(&growth, false))
            ),
            &format!("let it do what is left {learn}"),
        );
    }
    let full = named(&|of| of.novelty.lost > 0);
    if !full.is_empty() {
        let lost: u64 = growth.iter().map(|of| u64::from(of.novelty.lost)).sum();
        lack(
            "lost",
            format!(
                "{} of {} found no room in the repertoire",
                text::count(lost, "item"),
                list(&full)
            ),
            "give the places that grow as prefixes, kisctl profile show CELL --items lists them; \
             then kisctl profile reset CELL",
        );
    }
    lacks
}

/// Names of shells, as they are at the end of an item.
const SHELLS: [&[u8]; 8] = [
    b"/bash",
    b"/sh",
    b"/dash",
    b"/zsh",
    b"/fish",
    b"/ksh",
    b"/tcsh",
    b"/busybox",
];

/// Whether root has executed a shell in what was learned: where people come and go (`sessions`), root's
/// first login is denied else.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::{Class, Domain};
/// use kisctl::profile_file::Saved;
/// use kisctl::readiness::has_root_login;
///
/// let mut saved = Saved::new();
/// let name = b"/usr/lib/openssh/sshd-session -> /usr/bin/bash";
/// saved.repertoire.accept(Class::Program, Domain::User, name);
/// assert!(!has_root_login(&saved));
/// saved.repertoire.accept(Class::Program, Domain::Root, name);
/// assert!(has_root_login(&saved));
/// ```
pub fn has_root_login(saved: &Saved) -> bool {
    let mut items = saved.repertoire.items().iter();
    items.any(|(item, name)| {
        let is_root_s = (item.class, item.domain) == (Class::Program, Domain::Root);
        is_root_s && SHELLS.iter().any(|shell| name.ends_with(shell))
    })
}

/// At least so many of a hundred learned windows had no message in.
///
/// Messages are counted, so no more windows than messages had one.
pub fn idle_percent(cell: &Cell, params: &[ParamState]) -> Option<u64> {
    let own = params.iter().filter(|param| param.cell == cell.id);
    let mut messages = own.filter(|param| param.param() == Some(Param::MessagesIn));
    let messages = messages.next().filter(|messages| messages.n > 0)?;
    let busy = (u128::from(messages.mean) * 100).div_ceil(1 << 16);
    Some(100_u64.saturating_sub(u64::try_from(busy).unwrap_or(100)))
}

/// False alarms to be expected in a day, each with 16 fractional bits.
///
/// # Examples
///
/// ```
/// use kis_core::sense::{budget::Budget, trial::Score};
/// use kisctl::readiness::Alarms;
///
/// // As many as may be, when the trial saw none.
/// let alarms = Alarms::of(&Budget::usual(1000), Score { windows: 90, one: 0, two: 0 }, 1000, &[]);
/// assert_eq!(alarms.unwrap().one_q16, 1 << 16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarms {
    /// Of danger one or two.
    pub one_q16: u64,
    /// Of danger two.
    pub two_q16: u64,
}

impl Alarms {
    /// What follows from the budget, from the windows that were tried (the lines had seen half of them
    /// all, so that there are rather fewer), and from what is new each day. `None` for a cell that
    /// has no budget and tried nothing.
    pub fn of(budget: &Budget, tried: Score, window_ms: u32, growth: &[Growth]) -> Option<Self> {
        let day = |count: u32| match tried.windows {
            0 => 0,
            windows => {
                let of = u64::from(windows).saturating_mul(window_ms.max(1).into());
                (u64::from(count) << 16).saturating_mul(DAY_MS) / of
            }
        };
        let (one, two) = match budget {
            Budget::Alarms {
                one_per_day_q16,
                two_per_month_q16,
                ..
            } => (
                u64::from(*one_per_day_q16),
                u64::from(*two_per_month_q16) / MONTH_DAYS,
            ),
            _ if tried.windows == 0 => return None,
            _ => (0, 0),
        };
        let surprises = growth
            .iter()
            .filter(|of| of.state() == "saturated" && !of.class.is_mild());
        Some(Self {
            one_q16: day(tried.one)
                .max(one)
                .saturating_add(expected_q16(growth, true))
                .saturating_add(expected_q16(growth, false)),
            two_q16: day(tried.two).max(two).saturating_add(
                surprises
                    .filter_map(Growth::per_day_q16)
                    .fold(0, u64::saturating_add),
            ),
        })
    }
}

/// How many discoveries a day are to be expected, in mild classes or in the others, 16 fractional
/// bits.
pub fn expected_q16(growth: &[Growth], mild: bool) -> u64 {
    let of = growth.iter().filter(|of| of.class.is_mild() == mild);
    of.filter_map(Growth::per_day_q16)
        .fold(0, u64::saturating_add)
}

/// The reasons on one line.
pub fn reasons(lacks: &[Lack]) -> String {
    let texts: Vec<&str> = lacks.iter().map(|lack| lack.text.as_str()).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use kis_core::sense::{
        bound::NO_BOUNDS,
        budget::Budget,
        class::Class,
        detector::Observation,
        profile::Settings,
        sighting::Sighting, //
    };

    fn cell() -> Cell {
        Cell {
            id: 1,
            name: "web".to_owned(),
            phase: 1,
            windows: 60,
            windows_needed: 60,
            window_ms: 1000,
            items: Some(9),
            ..Cell::default()
        }
    }

    fn messages(mean: u64) -> Vec<ParamState> {
        let param = ParamState {
            cell: 1,
            param: Param::MessagesIn as u32,
            mean,
            n: 60,
            ..ParamState::default()
        };
        let other = ParamState {
            cell: 2,
            mean: 0,
            ..param.clone()
        };
        vec![other, param]
    }

    /// One start, then 60 windows in which the same happens.
    fn learned(each: impl Fn(u32) -> Vec<u8>) -> Saved {
        learned_in(60, each)
    }

    fn learned_in(windows: u32, each: impl Fn(u32) -> Vec<u8>) -> Saved {
        let mut saved = Saved::new();
        let own = &mut saved.repertoire;
        own.learn(&Sighting::named(Class::Peer, false, b"tcp 1"), true);
        own.window(true);
        for window in 0..windows {
            let name = each(window);
            own.learn(&Sighting::named(Class::Peer, false, &name), false);
            own.window(false);
        }
        saved
    }

    fn names(lacks: &[Lack]) -> Vec<&'static str> {
        lacks.iter().map(|lack| lack.name).collect()
    }

    #[test]
    fn a_cell_that_has_seen_a_start_and_load_is_ready() {
        let own = learned(|_| b"tcp 2".to_vec());
        assert_eq!(lacks(&cell(), &messages(3 << 16), Some(&own)), []);
    }

    #[test]
    fn a_cell_with_few_windows_is_not_ready_whatever_they_brought() {
        let all = |windows| {
            let own = learned_in(windows, |_| b"tcp 2".to_vec());
            names(&lacks(&cell(), &messages(3 << 16), Some(&own)))
        };
        assert_eq!(all(19), ["few"]);
        assert!(all(20).is_empty());
        // It is learning that is missing then, and that is said.
        let own = learned_in(19, |_| b"tcp 2".to_vec());
        let learning = Cell { phase: 0, ..cell() };
        let found = lacks(&learning, &messages(3 << 16), Some(&own));
        assert_eq!(names(&found), ["learning"]);
    }

    #[test]
    fn a_ramp_is_named_with_or_without_a_repertoire() {
        let taught = |files: &dyn Fn(u64) -> u64| {
            let mut saved = learned(|_| b"tcp 2".to_vec());
            let settings = Settings {
                learn_windows: 60,
                hard: false,
                budget: Budget::usual(1000),
                bounds: NO_BOUNDS,
            };
            for window in 0..60 {
                let mut values = [100; Param::COUNT];
                values[Param::FilesOpened.index()] += files(window);
                let seen = Observation::Window {
                    values: &values,
                    processes: 1,
                    start: false,
                };
                saved.profile.learn(&seen, &settings);
            }
            saved
        };
        let ramp = |rise: u64| taught(&|window| window * rise);
        assert_eq!(lacks(&cell(), &messages(3 << 16), Some(&ramp(0))), []);
        let found = lacks(&cell(), &messages(3 << 16), Some(&ramp(2)));
        assert_eq!(names(&found), ["trend"]);
        assert!(found[0].text.starts_with("files_opened kept rising"));
        let plain = Cell {
            items: None,
            ..cell()
        };
        assert_eq!(names(&lacks(&plain, &[], Some(&ramp(2)))), ["trend"]);
        // A peak in the second half, to which there was nothing like in the first one.
        let peaks = taught(&|window| if window == 40 { 1 << 30 } else { 0 });
        let found = lacks(&cell(), &messages(3 << 16), Some(&peaks));
        assert_eq!(names(&found), ["alarms"]);
        assert!(found[0]
            .text
            .contains("gone up 1 time in the 30 windows it was tried on"));
        let score = peaks.profile.score();
        let alarms = Alarms::of(&peaks.profile.budget(), score, 1000, &[]).unwrap();
        assert_eq!((alarms.one_q16 >> 16, alarms.two_q16 >> 16), (2880, 2880));
        assert_eq!(Alarms::of(&Budget::None, Score::NONE, 1000, &[]), None);
    }

    #[test]
    fn each_lack_is_named_with_its_next_step() {
        let mut own = learned(|window| format!("tcp {window}").into_bytes());
        let found = lacks(&cell(), &messages(3 << 16), Some(&own));
        assert_eq!(names(&found), ["growing"]);
        assert!(found[0]
            .text
            .starts_with("peer still brings something new, "));
        assert!(found[0].next.ends_with("kisctl profile reset web"));

        let learning = Cell {
            phase: 0,
            windows: 11,
            ..cell()
        };
        let none = Saved::new();
        let found = lacks(&learning, &messages(0), Some(&none));
        assert_eq!(names(&found), ["learning", "restart", "idle"]);
        assert_eq!(found[0].next, "let it run for 49.0 s");
        assert_eq!(found[1].next, "restart the service while it learns");
        assert_eq!(
            found[2].text,
            "at least 100 % of the windows had no message in"
        );
        assert_eq!(
            reasons(&found[..2]),
            "it still learns: 11 of 60 windows; no start of it was seen"
        );

        // Too many for its room.
        for at in 0..3000_u32 {
            let name = at.to_string();
            own.repertoire
                .learn(&Sighting::named(Class::Port, true, name.as_bytes()), false);
        }
        let found = lacks(&cell(), &messages(3 << 16), Some(&own));
        assert_eq!(names(&found), ["growing", "lost"]);
        assert!(
            found[1].text.contains("of port found no room"),
            "{}",
            found[1].text
        );
    }

    #[test]
    fn a_cell_without_a_repertoire_has_only_its_windows_to_learn() {
        let plain = Cell {
            items: None,
            ..cell()
        };
        let none = Saved::new();
        assert_eq!(lacks(&plain, &messages(0), Some(&none)), []);
        assert_eq!(lacks(&plain, &messages(0), None), []);
        let learning = Cell { phase: 0, ..plain };
        assert_eq!(names(&lacks(&learning, &[], None)), ["learning"]);
    }

    #[test]
    fn mild_classes_and_what_is_new_to_a_start_keep_nobody_waiting() {
        let mut own = learned(|_| b"tcp 2".to_vec());
        for at in 0..20_u8 {
            own.repertoire
                .learn(&Sighting::named(Class::Socket, false, &[at]), false);
            own.repertoire.window(false);
        }
        assert_eq!(lacks(&cell(), &messages(1 << 16), Some(&own)), []);
        let growth = Growth::all(&own.repertoire, 1000);
        assert!(expected_q16(&growth, true) > 0);
        assert_eq!(expected_q16(&growth, false), 0);
    }

    #[test]
    fn idle_windows_are_never_overstated() {
        for (mean, want) in [
            (0, 100),
            (1, 99),
            (1 << 15, 50),
            (1 << 16, 0),
            (u64::MAX, 0),
        ] {
            assert_eq!(idle_percent(&cell(), &messages(mean)), Some(want), "{mean}");
        }
        assert_eq!(idle_percent(&cell(), &[]), None);
    }
}
