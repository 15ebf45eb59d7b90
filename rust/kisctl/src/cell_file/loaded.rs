// SPDX-License-Identifier: GPL-2.0

//! The cells in force as the file that they could have come from.

use crate::{
    cell_file::{
        expect::Expect,
        op_word,
        scans::Scans,
        Alarms,
        Bound,
        Cell,
        CellFile,
        DangerOne,
        DangerTwo,
        Files,
        Kind,
        ModeSetting,
        Thresholds,
        Tolerization, //
    },
    error::{
        Error,
        Result, //
    },
    text, //
};
use kis_core::{
    cells::{
        self,
        Access,
        Cells,
        Expected, //
    },
    sense::budget::Budget,
    wire::abi::{
        CellMode,
        OpSet,
        Param, //
    }, //
};

/// Reads an image of cells; an empty one is that of none.
///
/// # Errors
///
/// What is wrong with the image.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::{image, loaded::of_image, CellFile};
///
/// let text = r#"{"version": 1, "cells": [{"name": "dns", "program": "/usr/sbin/unbound",
///     "tolerization": {"kind": "hard"}, "expect": {"program": [], "peer": ["udp *:53"]},
///     "bounds": {"execs": {"about": 3}}, "files": {"write": ["/var/lib/unbound"]}}], "scans": {"ban_s": 60}}"#;
/// let file: CellFile = serde_json::from_str(text).expect("a cell file");
/// let again = of_image(&image(&file)?)?;
/// assert_eq!(image(&again)?, image(&file)?);
/// assert_eq!(again.cells[0].bounds["execs"].max, Some(5));
/// assert_eq!(again.scans, file.scans);
/// assert_eq!(again.cells[0].expect, file.cells[0].expect);
/// # Ok::<(), kisctl::error::Error>(())
/// ```
pub fn of_image(bytes: &[u8]) -> Result<CellFile> {
    let mut file = CellFile {
        schema: None,
        version: 1,
        cells: Vec::new(),
        scans: None,
    };
    if !bytes.is_empty() {
        let cells = Cells::verify(bytes)
            .map_err(|e| Error::failed(format!("the cells in force: {e}")).next("kisctl doctor"))?;
        file.scans = cells.scans().map(Scans::of);
        file.cells.extend(cells.iter().map(|cell| of_cell(&cell)));
    }
    Ok(file)
}

fn of_cell(cell: &cells::Cell<'_>) -> Cell {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let tree = |access| cell.tree(access).iter().map(text).collect();
    Cell {
        name: text(cell.name()),
        program: text(cell.program()),
        arguments: text(cell.arguments()),
        mode: match cell.mode() {
            CellMode::Inherit => ModeSetting::Inherit,
            CellMode::Observe => ModeSetting::Observe,
            CellMode::Enforce => ModeSetting::Enforce,
        },
        window_ms: cell.window_ms(),
        tolerization: Tolerization {
            kind: if cell.hard() { Kind::Hard } else { Kind::Soft },
            windows: cell.learn_windows(),
        },
        thresholds: thresholds(cell.budget()),
        bounds: Param::ALL
            .into_iter()
            .filter_map(|param| {
                Some((
                    param.name().to_owned(),
                    Bound {
                        max: Some(cell.bound(param)?),
                        ..Bound::default()
                    },
                ))
            })
            .collect(),
        expect: expect(&cell.expected()),
        files: Files {
            learn: cell.learn(),
            read: tree(Access::Read),
            write: tree(Access::Write),
            exec: tree(Access::Exec),
        },
        sessions: Some(cell.sessions()),
        forbid: words(cell.forbid()),
        danger_one: DangerOne {
            hold_ms: cell.hold_one_ms(),
        },
        danger_two: DangerTwo {
            hold_ms: cell.hold_two_ms(),
            deny: words(cell.deny()),
            kill_connections: cell.kill_connections(),
            ban_s: cell.ban_s(),
        },
    }
}

fn expect(expected: &Expected<'_>) -> Expect {
    let classes = expected.classes().iter();
    let mut lists: Expect = classes
        .map(|class| (class.name().to_owned(), vec![]))
        .collect();
    for (class, pattern) in expected.iter() {
        let list = lists.entry(class.name().to_owned()).or_default();
        list.push(text::escaped(pattern));
    }
    lists
}

fn words(ops: OpSet) -> Vec<String> {
    ops.iter().map(op_word).collect()
}

fn thresholds(budget: Budget) -> Thresholds {
    let plain = |q16: u32| f64::from(q16) / 65536.0;
    match budget {
        Budget::Deviations { one_q16, two_q16 } => Thresholds {
            budget: None,
            one: Some(plain(one_q16)),
            two: Some(plain(two_q16)),
        },
        Budget::Alarms {
            one_per_day_q16,
            two_per_month_q16,
            ..
        } => Thresholds {
            budget: Some(Alarms {
                one_per_day: plain(one_per_day_q16),
                two_per_month: plain(two_per_month_q16),
            }),
            one: None,
            two: None,
        },
        Budget::None => Thresholds {
            budget: None,
            one: None,
            two: None,
        },
    }
}
