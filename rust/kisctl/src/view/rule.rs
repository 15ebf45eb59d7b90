// SPDX-License-Identifier: GPL-2.0

//! What a cell is held to by its file.

use crate::{
    cell_file::Cell,
    output::{
        Colour,
        Shown, //
    },
    text,
    view::field::Field, //
};

/// Names the type once for all fields.
type Of = Field<Cell>;

/// The lines of the rules in `kisctl cell show`; JSON has the file itself.
pub const FIELDS: &[Of] = &[
    Of::for_people(thresholds).line(1, "thresholds"),
    Of::for_people(bounds).line(2, "bounds"),
    Of::for_people(expect).line(3, "may learn"),
    Of::for_people(|cell| list(&cell.forbid)).line(4, "forbid"),
    Of::for_people(|cell| list(&cell.danger_two.deny)).line(5, "deny in danger"),
    Of::for_people(|cell| prefixes(&cell.files.read)).line(6, "read below"),
    Of::for_people(|cell| prefixes(&cell.files.write)).line(7, "write below"),
    Of::for_people(|cell| prefixes(&cell.files.exec)).line(8, "execute below"),
    Of::for_people(holds).line(9, "danger holds"),
    Of::for_people(answers).line(10, "a match"),
];

/// Words, or a dash.
fn list(words: &[String]) -> Shown {
    if words.is_empty() {
        return Shown::new("-", Colour::Faint);
    }
    words.join(", ").into()
}

/// Paths, or that all are allowed.
fn prefixes(paths: &[String]) -> Shown {
    if paths.is_empty() {
        return "anywhere".into();
    }
    let paths: Vec<String> = paths
        .iter()
        .map(|path| text::name(path.as_bytes()))
        .collect();
    paths.join(", ").into()
}

fn thresholds(cell: &Cell) -> Shown {
    match (
        &cell.thresholds.budget,
        cell.thresholds.one,
        cell.thresholds.two,
    ) {
        (Some(alarms), _, _) => format!(
            "for {} false alarms of danger one a day, {} of two in 30 days",
            alarms.one_per_day, alarms.two_per_month
        ),
        (None, Some(one), Some(two)) => format!("{one} and {two} deviations above the mean"),
        _ => "-".to_owned(),
    }
    .into()
}

fn bounds(cell: &Cell) -> Shown {
    let bounds: Vec<String> = cell
        .bounds
        .iter()
        .filter_map(|(name, bound)| Some(format!("{name} at most {}", bound.limit()?)))
        .collect();
    list(&bounds)
}

/// What is expected of it, by class.
fn expect(cell: &Cell) -> Shown {
    if cell.expect.is_empty() {
        return "anything".into();
    }
    let lists = cell.expect.iter().map(|(class, list)| match &list[..] {
        [] => format!("no {class}"),
        // As they are written in the file, so without control characters.
        list => format!("{class} {}", list.join(", ")),
    });
    lists.collect::<Vec<_>>().join("; ").into()
}

fn holds(cell: &Cell) -> Shown {
    let time = |ms: u32| text::duration_ms(ms.into());
    format!(
        "one {}, two {}",
        time(cell.danger_one.hold_ms),
        time(cell.danger_two.hold_ms)
    )
    .into()
}

fn answers(cell: &Cell) -> Shown {
    let kills = if cell.danger_two.kill_connections {
        "resets the connection"
    } else {
        "leaves the connection"
    };
    match cell.danger_two.ban_s {
        0 => kills.to_owned(),
        seconds => format!(
            "{kills}, bans the peer for {}",
            text::duration_ms(u64::from(seconds) * 1000)
        ),
    }
    .into()
}
