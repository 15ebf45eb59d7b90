// SPDX-License-Identifier: GPL-2.0

//! Several tables as one, side by side: each is walked from a start of its own.

use super::{
    join::classes,
    table::Table, //
};

/// Puts tables beside each other; where each begins.
///
/// # Examples
///
/// ```
/// use kisctl::compile::{beside::beside, table, Budget, Pattern};
///
/// let of = |text| {
///     let pattern = Pattern::parse(text).expect("a pattern");
///     table(&[pattern], Budget::DEFAULT).expect("a table")
/// };
/// let (both, starts) = beside(&[of("ab"), of("c")]);
/// assert_eq!((both.states(), starts), (5, vec![0, 3]));
/// ```
pub fn beside(tables: &[Table]) -> (Table, Vec<u32>) {
    let (classes, columns) = classes(tables);
    let mut all = Table {
        classes,
        stride: columns.len(),
        transitions: Vec::new(),
        accepts: Vec::new(),
    };
    let mut starts = Vec::new();
    for (at, table) in tables.iter().enumerate() {
        // CAST: budgets keep states far below 2^32.
        let first = all.states() as u32;
        starts.push(first);
        for row in table.transitions.chunks(table.stride) {
            let to = columns.iter().map(|column| row[usize::from(column[at])]);
            all.transitions.extend(to.map(|state| first + state));
        }
        all.accepts.extend(table.accepts.iter().cloned());
    }
    (all, starts)
}
