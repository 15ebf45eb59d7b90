// SPDX-License-Identifier: GPL-2.0

//! Screens byte for byte, at several sizes, and what must hold at all of them.
//!
//! `screens.golden` is written by the test when `KIS_UPDATE_GOLDEN=1` is in the environment.

use super::*;
use kis_core::wire::abi::Param;

const GOLDEN: &str = include_str!("screens.golden");

/// Per window, of a web server under some load: the last value, and what was learned.
const VALUES: [(u64, u64); Param::COUNT] = [
    (431_000, 120_000),
    (161_532, 158_000),
    (1_803, 1_700),
    (2, 1),
    (0, 0),
    (0, 0),
    (12, 10),
    (1_204, 900),
    (1_230_411, 1_000_000),
    (12_582_912, 9_000_000),
    (4_211, 3_900),
    (4_108, 3_900),
    (10_226, 9_000),
];

fn params(cell: u32, is_ready: bool, scale: u64) -> Vec<ParamState> {
    let all = VALUES.into_iter().enumerate();
    all.map(|(at, (last, mean))| ParamState {
        cell,
        param: u32::try_from(at).expect("few"),
        observed: last.saturating_mul(scale),
        mean: (mean << 16).saturating_mul(scale),
        deviation: (mean << 14).saturating_mul(scale),
        peak: 0,
        n: 120,
        threshold_one: is_ready.then(|| (mean * 2).saturating_mul(scale)),
        threshold_two: is_ready.then(|| (mean * 3).saturating_mul(scale)),
        bound: (at == Param::Execs.index()).then_some(0),
    })
    .collect()
}

fn ready() -> Cell {
    Cell {
        id: 1,
        name: "redis".to_owned(),
        mode: 1,
        phase: 1,
        windows: 60,
        windows_needed: 60,
        danger_one_ms: 700,
        processes: 1,
        denied: 3,
        would_deny: 214,
        would_kill: 1,
        matches: 12,
        ..Cell::default()
    }
}

fn learning() -> Cell {
    Cell {
        id: 2,
        name: "web".to_owned(),
        mode: 2,
        windows: 12,
        windows_needed: 120,
        processes: 3,
        ..Cell::default()
    }
}

fn two() -> State {
    State {
        mode: "observe",
        cells: vec![ready(), learning()],
        params: [params(1, true, 1), params(2, false, 1)].concat(),
    }
}

/// Cells with the longest names there may be, whose values are the largest.
fn worst() -> State {
    let cells: Vec<Cell> = (1..=3)
        .map(|id| Cell {
            id,
            name: format!("{id}-{}", "n".repeat(29)),
            windows: 99_999,
            windows_needed: 100_000,
            denied: u64::MAX,
            would_deny: u64::MAX,
            would_kill: u64::MAX,
            matches: u64::MAX,
            processes: u32::MAX,
            phase: 0,
            ..ready()
        })
        .collect();
    let params = cells.iter().flat_map(|cell| params(cell.id, true, 1 << 60));
    State {
        mode: "observe",
        params: params.collect(),
        cells,
    }
}

fn many() -> State {
    let of = |id| Cell {
        id,
        name: format!("cell-{id}"),
        danger_two_ms: u32::from(id == 200),
        danger_one_ms: u32::from(id == 100),
        ..ready()
    };
    State {
        mode: "enforce",
        cells: (1..=256).map(of).collect(),
        params: params(7, true, 1),
    }
}

fn size(columns: usize, rows: usize) -> Size {
    Size { columns, rows }
}

fn plain() -> Output {
    Output::to_memory(false, false)
}

fn first_lines(state: &State, columns: usize, rows: usize) -> Vec<String> {
    View::default().lines(&plain(), state, size(columns, rows), true)
}

#[test]
fn screens_are_as_the_golden_file_has_them() {
    let mut told = String::new();
    for (name, state) in [
        ("two cells", two()),
        ("long names", worst()),
        ("many", many()),
    ] {
        for (columns, rows) in [(60, 20), (80, 24), (200, 50)] {
            let mut view = View::default();
            for keys in ["", "PgDn"] {
                let lines = view.lines(&plain(), &state, size(columns, rows), true);
                if keys.is_empty() || rows == 20 {
                    told.push_str(&format!("### {name}, {columns}x{rows} {keys}\n"));
                    told.push_str(&lines.join("\n").replace(" \n", " $\n"));
                    told.push('\n');
                }
                view.press(Key::PageDown);
            }
        }
    }
    if std::env::var_os("KIS_UPDATE_GOLDEN").is_some() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/cmd/watch/screen/screens.golden"
        );
        std::fs::write(path, &told).expect("the golden file");
        return;
    }
    for (at, (is, should)) in told.lines().zip(GOLDEN.lines()).enumerate() {
        assert_eq!(is, should, "line {} of screens.golden", at + 1);
    }
    assert_eq!(told.len(), GOLDEN.len());
}

#[test]
fn a_screen_has_its_size_whatever_it_shows() {
    let nobody = State {
        mode: "observe",
        cells: vec![],
        params: vec![],
    };
    for state in [nobody, two(), worst(), many()] {
        for columns in (1..30).chain([59, 60, 61, 79, 80, 81, 199, 200, 201]) {
            for rows in [1, 2, 5, 8, 20, 24, 50] {
                let lines = first_lines(&state, columns, rows);
                assert_eq!(lines.len(), rows);
                for line in lines {
                    assert!(line.chars().count() <= columns, "{columns}: {line}");
                }
            }
        }
    }
}

#[test]
fn a_wide_screen_gives_nothing_up() {
    let text = first_lines(&two(), 200, 50).join("\n");
    for word in [
        "3 (+214 observed)",
        "PROCS",
        "MATCHES",
        "DEV",
        "BOUND",
        "learning 12/120",
    ] {
        assert!(text.contains(word), "{word}");
    }
    assert!(text.ends_with("q: end"));
}

#[test]
fn the_overview_stays_while_the_rest_scrolls() {
    let state = two();
    let mut view = View::default();
    let mut lines = || view.lines(&plain(), &state, size(60, 20), true);
    let before = lines();
    // The mode, the titles, two cells, a blank line, the titles of the parameters.
    let (head, body) = before.split_at(6);
    assert_eq!(body[0], "redis");
    view.press(Key::Down);
    let mut lines = || view.lines(&plain(), &state, size(60, 20), true);
    let after = lines();
    assert_eq!(after[..6], *head);
    assert_eq!(after[6..18], body[1..13]);
    // Both cells with their 13 parameters, and a blank line between.
    for (key, first) in [
        (Key::Last, 16),
        (Key::Down, 16),
        (Key::Up, 15),
        (Key::PageUp, 3),
        (Key::PageUp, 0),
        (Key::PageDown, 12),
        (Key::First, 0),
    ] {
        assert!(view.press(key));
        view.lines(&plain(), &state, size(60, 20), true);
        assert_eq!(view.first, first, "{key:?}");
    }
    assert!(!view.press(Key::Quit));
    // A larger screen leaves nothing to scroll.
    view.press(Key::Last);
    view.lines(&plain(), &state, size(60, 60), true);
    assert_eq!(view.first, 0);
}

#[test]
fn of_many_cells_those_in_danger_come_first() {
    let lines = first_lines(&many(), 80, 20);
    let names: Vec<&str> = lines[2..9]
        .iter()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names[..3], ["cell-200", "cell-100", "cell-1"]);
    assert_eq!(lines[8], "and 250 more: kisctl cell list");
}

/// The cell file that README.md shows.
#[test]
fn the_cell_of_the_readme_fits_80_columns() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(path).expect("README.md");
    let block = readme.split("```json\n").nth(1).expect("a block of JSON");
    let block = block.split("```").next().expect("its end");
    let file: serde_json::Value = serde_json::from_str(block).expect("JSON");
    let own = &file["cells"][0];
    let windows = own["tolerization"]["windows"].as_u64().expect("windows");
    let needed = u32::try_from(windows).expect("few");
    for (windows, would_deny) in [(needed - 1, 0), (needed, 99_999)] {
        let state = State {
            mode: "observe",
            cells: vec![Cell {
                id: 1,
                name: own["name"].as_str().expect("a name").to_owned(),
                phase: u32::from(windows == needed),
                windows,
                windows_needed: needed,
                denied: 99_999,
                would_deny,
                ..learning()
            }],
            params: params(1, windows == needed, 10),
        };
        let lines = first_lines(&state, 80, 24);
        for (title, line) in [
            ("CELL", 1),
            ("MATCHES", 1),
            ("PARAMETER", 4),
            ("DISTRESS", 4),
        ] {
            assert!(lines[line].contains(title), "{title}: {}", lines[line]);
        }
        for line in lines {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn lines_are_painted_where_they_belong() {
    let lines = ["a".to_owned(), String::new()];
    assert_eq!(paint(&lines), "\x1b[1;1H\x1b[Ka\x1b[2;1H\x1b[K");
}
