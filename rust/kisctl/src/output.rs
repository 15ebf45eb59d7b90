// SPDX-License-Identifier: GPL-2.0

//! What goes to stdout: data. Talk goes to stderr.
//!
//! Tables and colours for a person at a terminal, JSON with `--json`: one object, or for streams
//! one object a line.

pub mod fit;

use crate::error::{
    Error,
    Result, //
};
use serde::Serialize;
use std::{
    cell::RefCell,
    io::{
        self,
        IsTerminal,
        Write, //
    }, //
};

/// Version of every JSON object's shape; raised when a name or a meaning changes.
pub const SCHEMA_VERSION: u32 = 2;

/// Colour of a piece of text.
///
/// # Examples
///
/// ```
/// use kisctl::output::{Colour, Output};
///
/// let output = Output::to_memory(false, true);
/// assert_eq!(output.paint(Colour::Green, "ok"), "\x1b[32mok\x1b[0m");
/// assert_eq!(output.paint(Colour::Plain, "ok"), "ok");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// As the terminal has it.
    Plain,
    /// What is quiet.
    Faint,
    /// Headings.
    Bold,
    /// What is well.
    Green,
    /// Danger signal one, warnings.
    Yellow,
    /// Danger signal two, failures.
    Red,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Faint => "\x1b[2m",
            Self::Bold => "\x1b[1m",
            Self::Green => "\x1b[32m",
            Self::Yellow => "\x1b[33m",
            Self::Red => "\x1b[1;31m",
        }
    }
}

/// The way out.
///
/// # Examples
///
/// ```
/// use kisctl::output::Output;
///
/// let output = Output::to_memory(false, false);
/// output.line("mode enforce")?;
/// assert_eq!(output.taken(), "mode enforce\n");
/// # Ok::<(), kisctl::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Output {
    json: bool,
    terminal: bool,
    /// It can be written to in any place.
    screen: bool,
    colour: bool,
    /// Where a test reads what would have gone to stdout.
    memory: Option<RefCell<Vec<u8>>>,
}

impl Output {
    /// Looks at stdout and the environment.
    pub fn new(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        // https://no-color.org: set and not empty.
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            json,
            terminal,
            screen: terminal && !dumb,
            colour: terminal && !refused && !dumb,
            memory: None,
        }
    }

    /// Keeps what is written, for [`taken`](Self::taken).
    pub fn to_memory(json: bool, colour: bool) -> Self {
        Self {
            json,
            terminal: false,
            screen: false,
            colour,
            memory: Some(RefCell::default()),
        }
    }

    /// What was written since the last call, of an output that keeps it.
    pub fn taken(&self) -> String {
        let bytes = self.memory.as_ref().map(RefCell::take);
        String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
    }

    /// Whether JSON was asked for.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Whether a person reads.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether it is a terminal that can be written to in any place.
    pub fn is_screen(&self) -> bool {
        self.screen
    }

    /// Text in a colour, where colours are welcome.
    pub fn paint(&self, colour: Colour, text: &str) -> String {
        if self.colour && colour != Colour::Plain {
            format!("{}{text}\x1b[0m", colour.code())
        } else {
            text.to_owned()
        }
    }

    /// The same, of something that has its colour.
    pub fn shown(&self, shown: &Shown) -> String {
        self.paint(shown.colour, &shown.text)
    }

    /// One line.
    pub fn line(&self, line: impl AsRef<str>) -> Result<()> {
        self.raw(format!("{}\n", line.as_ref()).as_bytes())
    }

    /// Bytes as they are.
    pub fn raw(&self, bytes: &[u8]) -> Result<()> {
        if let Some(memory) = &self.memory {
            memory.borrow_mut().extend_from_slice(bytes);
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(|e| Error::io("standard output", &e))
    }

    /// One JSON object on lines of its own.
    pub fn object<T: Serialize>(&self, value: &T) -> Result<()> {
        self.line(serde_json::to_string_pretty(value).map_err(unserialised)?)
    }

    /// One JSON object on one line.
    pub fn ndjson<T: Serialize>(&self, value: &T) -> Result<()> {
        self.line(serde_json::to_string(value).map_err(unserialised)?)
    }

    /// A table; an empty one prints nothing.
    pub fn table(&self, table: &Table) -> Result<()> {
        if table.rows.is_empty() {
            return Ok(());
        }
        self.line(table.render(self))
    }
}

fn unserialised(error: serde_json::Error) -> Error {
    Error::failed(format!("cannot write JSON: {error}"))
}

/// Text in a colour.
///
/// # Examples
///
/// ```
/// use kisctl::output::{Colour, Output, Shown};
///
/// let shown = Shown::new("TWO", Colour::Red);
/// assert_eq!(Output::to_memory(false, false).shown(&shown), "TWO");
/// assert_eq!(Output::to_memory(false, true).shown(&shown), "\x1b[1;31mTWO\x1b[0m");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    text: String,
    /// What is shown where there is little room.
    short: Option<String>,
    colour: Colour,
}

impl Shown {
    /// Text in this colour.
    pub fn new(text: impl Into<String>, colour: Colour) -> Self {
        Self {
            text: text.into(),
            short: None,
            colour,
        }
    }

    /// The same, with a short form for where there is little room (see [`Table::fit`]).
    #[must_use]
    pub fn or(mut self, short: impl Into<String>) -> Self {
        self.short = Some(short.into());
        self
    }

    /// The text alone.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self::new(text, Colour::Plain)
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        Self::new(text, Colour::Plain)
    }
}

/// A table with a heading; columns whose heading begins with `>` are right-aligned.
///
/// # Examples
///
/// ```
/// use kisctl::output::{Output, Table};
///
/// let mut table = Table::new(&["NAME", ">N"]);
/// table.row(vec!["redis".into(), "7".into()]);
/// assert_eq!(table.render(&Output::to_memory(false, false)), "NAME   N\nredis  7");
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    heading: Vec<&'static str>,
    rows: Vec<Vec<Shown>>,
}

impl Table {
    /// A table without rows.
    pub fn new(heading: &[&'static str]) -> Self {
        Self {
            heading: heading.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, fields: Vec<Shown>) {
        self.rows.push(fields);
    }

    /// The width of each column.
    fn widths(&self) -> Vec<usize> {
        let width = |at: usize, title: &str| {
            let fields = self.rows.iter().filter_map(|row| row.get(at));
            let widths = fields.map(|field| field.text.chars().count());
            widths.max().unwrap_or(0).max(title.chars().count())
        };
        let titles = self
            .heading
            .iter()
            .map(|title| title.trim_start_matches('>'));
        titles
            .enumerate()
            .map(|(at, title)| width(at, title))
            .collect()
    }

    /// The width of the widest line.
    pub fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
    }

    /// The lines, without the last newline.
    pub fn render(&self, output: &Output) -> String {
        let heading: Vec<Shown> = self
            .heading
            .iter()
            .map(|title| Shown::new(title.trim_start_matches('>'), Colour::Bold))
            .collect();
        let lines = std::iter::once(&heading).chain(&self.rows);
        let widths = self.widths();
        let render = |line: &Vec<Shown>| {
            let mut text = String::new();
            for (at, (field, width)) in line.iter().zip(&widths).enumerate() {
                let pad = " ".repeat(width - field.text.chars().count());
                let painted = output.shown(field);
                let last = at + 1 == line.len();
                if at > 0 {
                    text.push_str("  ");
                }
                if self.heading[at].starts_with('>') {
                    text.push_str(&pad);
                    text.push_str(&painted);
                } else {
                    text.push_str(&painted);
                    if !last {
                        text.push_str(&pad);
                    }
                }
            }
            text
        };
        lines.map(render).collect::<Vec<_>>().join("\n")
    }
}

/// Says something that is not data.
pub fn note(text: impl AsRef<str>) {
    // Nobody is left to be told when stderr is closed.
    let _ = writeln!(io::stderr(), "kisctl: {}", text.as_ref());
}

/// A bar for `value` on a scale to `full`, `width` characters, with a mark at `mark`.
pub fn bar(value: u64, mark: u64, full: u64, width: usize) -> String {
    let full = full.max(1);
    let place = |x: u64| {
        // CAST: at most `width`.
        (u128::from(x.min(full)) * width as u128 / u128::from(full)) as usize
    };
    let (filled, mark) = (place(value), place(mark).min(width.saturating_sub(1)));
    (0..width)
        .map(|at| match (at < filled, at == mark) {
            (true, _) => '#',
            (false, true) => '|',
            (false, false) => '.',
        })
        .collect()
}

/// A list for a sentence: `a, b and c`.
pub fn list(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Output {
        Output::to_memory(false, false)
    }

    #[test]
    fn table_aligns_and_leaves_no_blanks_at_line_ends() {
        let mut table = Table::new(&["NAME", ">N", "WHY"]);
        table.row(vec!["redis".into(), "7".into(), "x".into()]);
        table.row(vec!["a".into(), "12345".into(), "".into()]);
        assert_eq!(
            table.render(&plain()),
            "NAME       N  WHY\nredis      7  x\na      12345  "
        );
    }

    #[test]
    fn paint_only_where_colours_are_welcome() {
        assert_eq!(plain().paint(Colour::Red, "x"), "x");
        let colour = Output::to_memory(false, true);
        assert_eq!(colour.paint(Colour::Red, "x"), "\x1b[1;31mx\x1b[0m");
        assert_eq!(colour.paint(Colour::Plain, "x"), "x");
    }

    #[test]
    fn bar_marks_the_first_threshold() {
        for (value, want) in [(0, ".....|...."), (30, "###..|...."), (999, "##########")] {
            assert_eq!(bar(value, 50, 100, 10), want);
        }
        assert_eq!(bar(1, 0, 0, 4), "####");
    }

    #[test]
    fn list_reads_like_a_sentence() {
        let words: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        assert_eq!(list(&words), "a, b and c");
        assert_eq!(list(&words[..1]), "a");
        assert_eq!(list(&[]), "nothing");
    }
}
