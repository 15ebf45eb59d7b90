// SPDX-License-Identifier: GPL-2.0

//! What `watch` shows on a terminal: lines, from what the kernel told and the size of the screen.
//!
//! The overview of the cells stays on top, with the titles of the parameters below it; the parameters
//! of all cells scroll. No line is wider than the screen.

use crate::{
    control::{
        Cell,
        ParamState, //
    },
    output::{
        fit::{
            cut,
            Step, //
        },
        Colour,
        Output, //
    },
    terminal::{
        key::Key,
        Size, //
    },
    text,
    view::{
        cell,
        field::{
            columns,
            Face, //
        },
        param, //
    }, //
};

/// What the overview gives up on a narrow screen, in this order. kisctl(8) says it too.
const OVERVIEW: &[Step] = &[
    Step::Long(&["DENIED", "KILLED"]),
    Step::Cut("CELL", 16),
    Step::Drop("PROCS"),
    Step::Drop("MODE"),
    Step::Drop("MATCHES"),
    Step::Long(&["PHASE"]),
    Step::Drop("KILLED"),
    Step::Drop("DENIED"),
    Step::Cut("CELL", 4),
];

/// And what the parameters give up.
const PARAMETERS: &[Step] = &[
    Step::Empty("BOUND"),
    Step::Long(&["DISTRESS"]),
    Step::Drop("DEV"),
    Step::Drop("MEAN"),
    Step::Drop("BOUND"),
    Step::Drop("ONE"),
    Step::Drop("TWO"),
    Step::Drop("DISTRESS"),
    Step::Cut("PARAMETER", 9),
];

/// The lines of the screen that are no cells and do not scroll: the mode, the titles of the
/// overview, a blank line, the titles of the parameters, and the keys at the bottom.
const FRAME: usize = 5;

/// What the kernel has told last.
#[derive(Debug)]
pub(super) struct State {
    /// The global mode.
    pub(super) mode: &'static str,
    /// The cells that are shown.
    pub(super) cells: Vec<Cell>,
    /// The parameters of all cells.
    pub(super) params: Vec<ParamState>,
}

/// Where a person has scrolled to.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The first line that is seen of those that scroll.
    first: usize,
    /// How many of them were seen when they were shown last.
    seen: usize,
    /// How many there are.
    all: usize,
}

impl View {
    /// Scrolls; false when the key asks to end.
    pub(super) fn press(&mut self, key: Key) -> bool {
        // A line of the last page stays to be seen.
        let page = self.seen.saturating_sub(1).max(1);
        self.first = match key {
            Key::Up => self.first.saturating_sub(1),
            Key::Down => self.first + 1,
            Key::PageUp => self.first.saturating_sub(page),
            Key::PageDown => self.first + page,
            Key::First => 0,
            Key::Last => self.all,
            Key::Quit => return false,
        };
        self.first = self.first.min(self.end());
        true
    }

    /// The last line that may be the first to be seen.
    fn end(&self) -> usize {
        self.all.saturating_sub(self.seen)
    }

    /// All lines of the screen: at most as many as it has, and none is wider.
    pub(super) fn lines(
        &mut self,
        output: &Output,
        state: &State,
        size: Size,
        has_keys: bool,
    ) -> Vec<String> {
        let Size { columns, rows } = size;
        let cells = text::count(state.cells.len() as u64, "cell");
        let mut lines = vec![cut(
            &format!("global mode {}, {cells}", state.mode),
            columns,
        )];
        lines.extend(overview(output, &state.cells, size));
        let (titles, body) = parameters(output, state, columns);
        if let Some(titles) = titles {
            lines.push(String::new());
            lines.push(titles);
        }
        self.all = body.len();
        self.seen = rows.saturating_sub(lines.len() + 1).min(self.all);
        self.first = self.first.min(self.end());
        lines.extend(body.into_iter().skip(self.first).take(self.seen));
        lines.resize(rows.saturating_sub(1), String::new());
        lines.push(output.paint(Colour::Faint, &cut(&self.keys(has_keys), columns)));
        lines.truncate(rows);
        lines
    }

    /// The last line of the screen.
    fn keys(&self, has_keys: bool) -> String {
        let lines = format!(
            "{}-{} of {}",
            self.first + 1,
            self.first + self.seen,
            self.all
        );
        match (has_keys, self.seen < self.all) {
            (true, true) => format!("{lines}  arrows, j/k, PgUp/PgDn: scroll  q: end"),
            (true, false) => "q: end".to_owned(),
            (false, true) => format!("{lines}  Ctrl-C: end"),
            (false, false) => "Ctrl-C: end".to_owned(),
        }
    }
}

/// The cells, at most on half of the screen. When that is not enough, those in danger come first, and
/// how many are left out is told.
fn overview(output: &Output, cells: &[Cell], size: Size) -> Vec<String> {
    if cells.is_empty() {
        return Vec::new();
    }
    let room = (size.rows.saturating_sub(FRAME) / 2).max(1);
    let mut shown: Vec<&Cell> = cells.iter().collect();
    if shown.len() > room {
        shown.sort_by_key(|cell| std::cmp::Reverse(cell.danger()));
        shown.truncate(room.saturating_sub(1).max(1));
    }
    let count = shown.len();
    let table = columns(cell::FIELDS, Face::Watched, shown).fit(size.columns, OVERVIEW);
    let mut lines: Vec<String> = table.render(output).lines().map(str::to_owned).collect();
    if count < cells.len() {
        let more = format!("and {} more: kisctl cell list", cells.len() - count);
        lines.push(output.paint(Colour::Faint, &cut(&more, size.columns)));
    }
    lines
}

/// The titles of the parameters, and below them each cell with its own, in columns of one width.
fn parameters(output: &Output, state: &State, width: usize) -> (Option<String>, Vec<String>) {
    let own = |cell: &Cell| {
        let id = cell.id;
        state.params.iter().filter(move |param| param.cell == id)
    };
    let table = columns(
        param::FIELDS,
        Face::Watched,
        state.cells.iter().flat_map(own),
    );
    let text = table.fit(width, PARAMETERS).render(output);
    let mut rows = text.lines().map(str::to_owned);
    let titles = rows.next();
    let mut lines = Vec::new();
    for cell in &state.cells {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let name = cut(&text::name(cell.name.as_bytes()), width);
        lines.push(output.paint(Colour::Bold, &name));
        lines.extend(rows.by_ref().take(own(cell).count()));
    }
    (titles.filter(|_| !lines.is_empty()), lines)
}

/// The lines as a terminal takes them. What was there is erased before a line is written: behind
/// one that fills its row the cursor still stands on the last character.
pub(super) fn paint(lines: &[String]) -> String {
    let rows = lines.iter().enumerate();
    rows.map(|(row, line)| format!("\x1b[{};1H\x1b[K{line}", row + 1))
        .collect::<Vec<_>>()
        .concat()
}

#[cfg(test)]
mod tests;
