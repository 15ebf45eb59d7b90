// SPDX-License-Identifier: GPL-2.0

//! Tables that have to fit a number of columns: they lose width step by step, in an order that the
//! view states.

use super::{
    Shown,
    Table, //
};

/// Stands at the end of a text that was cut.
const CUT: char = '~';

/// What a table gives up when it is too wide. Columns are named by their titles.
///
/// # Examples
///
/// ```
/// use kisctl::output::{fit::Step, Output, Table};
///
/// let mut table = Table::new(&["NAME", ">N", "WHY"]);
/// table.row(vec!["a-long-name".into(), "7".into(), "because".into()]);
/// let fitted = table.fit(12, &[Step::Drop("WHY"), Step::Cut("NAME", 4)]);
/// assert_eq!(
///     fitted.render(&Output::to_memory(false, false)),
///     "NAME       N\na-long-n~  7"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A column that says nothing in any row.
    Empty(&'static str),
    /// The long forms of the fields of these columns, where they have short ones.
    Long(&'static [&'static str]),
    /// The ends of a column's fields, as far as it has to be and not below this width.
    Cut(&'static str, usize),
    /// A column.
    Drop(&'static str),
}

impl Table {
    /// The table in at most `width` columns: takes steps until it fits. When they are not enough,
    /// columns go from the right, and of the last one the ends.
    #[must_use]
    pub fn fit(mut self, width: usize, steps: &[Step]) -> Self {
        for step in steps {
            if self.width() <= width {
                return self;
            }
            self.take(*step, width);
        }
        while self.width() > width && self.heading.len() > 1 {
            self.remove(self.heading.len() - 1);
        }
        if self.width() > width {
            self.cut(0, width);
        }
        self
    }

    fn take(&mut self, step: Step, width: usize) {
        match step {
            Step::Empty(title) => {
                if let Some(at) = self.place(title) {
                    let says = |row: &Vec<Shown>| row.get(at).is_some_and(says_something);
                    if !self.rows.iter().any(says) {
                        self.remove(at);
                    }
                }
            }
            Step::Long(titles) => {
                let places: Vec<_> = titles
                    .iter()
                    .filter_map(|title| self.place(title))
                    .collect();
                for row in &mut self.rows {
                    for (at, field) in row.iter_mut().enumerate() {
                        if let Some(short) = field.short.take_if(|_| places.contains(&at)) {
                            field.text = short;
                        }
                    }
                }
            }
            Step::Cut(title, least) => {
                if let Some(at) = self.place(title) {
                    let excess = self.width().saturating_sub(width);
                    let own = self.widths()[at];
                    self.cut(at, own.saturating_sub(excess).max(least));
                }
            }
            Step::Drop(title) => {
                if let Some(at) = self.place(title) {
                    self.remove(at);
                }
            }
        }
    }

    /// Where a column is.
    fn place(&self, title: &str) -> Option<usize> {
        self.heading.iter().position(|of| name(of) == title)
    }

    fn remove(&mut self, at: usize) {
        self.heading.remove(at);
        for row in &mut self.rows {
            if at < row.len() {
                row.remove(at);
            }
        }
    }

    fn cut(&mut self, at: usize, width: usize) {
        let title = self.heading[at];
        let mark = title.len() - name(title).len();
        // Titles are ASCII.
        self.heading[at] = title.get(..mark + width).unwrap_or(title);
        for field in self.rows.iter_mut().filter_map(|row| row.get_mut(at)) {
            field.text = cut(&field.text, width);
        }
    }
}

/// A title without the sign for its alignment.
fn name(title: &'static str) -> &'static str {
    title.trim_start_matches('>')
}

fn says_something(field: &Shown) -> bool {
    !matches!(field.text(), "" | "-")
}

/// A text of at most `width` characters.
///
/// # Examples
///
/// ```
/// use kisctl::output::fit::cut;
///
/// assert_eq!(cut("postgres", 8), "postgres");
/// assert_eq!(cut("postgresql", 8), "postgre~");
/// ```
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        short.push(CUT);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{
        Colour,
        Output, //
    };

    fn table() -> Table {
        let mut table = Table::new(&["NAME", ">N", ">BOUND", "WHY"]);
        let long = Shown::new("3 (+2 observed)", Colour::Red).or("3+2");
        table.row(vec!["postgres".into(), long, "-".into(), "x".into()]);
        table.row(vec!["a".into(), "12".into(), "".into(), "yes".into()]);
        table
    }

    fn lines(width: usize, steps: &[Step]) -> Vec<String> {
        let text = table().fit(width, steps);
        let text = text.render(&Output::to_memory(false, false));
        text.split('\n').map(str::to_owned).collect()
    }

    #[test]
    fn no_more_steps_are_taken_than_needed() {
        use Step::*;
        let steps = [Empty("BOUND"), Long(&["N"]), Cut("NAME", 3), Drop("WHY")];
        for (width, first) in [
            (37, "postgres  3 (+2 observed)      -  x"),
            (36, "postgres  3 (+2 observed)  x"),
            (30, "postgres  3 (+2 observed)  x"),
            (29, "postgres  3+2  x"),
            (18, "postgres  3+2  x"),
            (17, "postgr~  3+2  x"),
            (13, "po~  3+2  x"),
            (12, "po~  3+2"),
        ] {
            let lines = lines(width, &steps);
            assert_eq!(lines[1], first, "{width}");
            assert!(lines.iter().all(|line| line.chars().count() <= width));
        }
    }

    #[test]
    fn what_has_no_steps_left_fits_all_the_same() {
        assert_eq!(
            lines(16, &[Step::Drop("NOTHING")]),
            ["NAME", "postgres", "a"]
        );
        assert_eq!(lines(2, &[]), ["NA", "p~", "a"]);
        assert_eq!(lines(0, &[]), ["", "", ""]);
    }

    #[test]
    fn a_column_that_says_something_stays() {
        assert_eq!(
            lines(20, &[Step::Empty("WHY"), Step::Empty("BOUND")])[0],
            "NAME"
        );
        assert_eq!(cut("d\u{e9}j\u{e0}", 3), "d\u{e9}~");
    }
}
