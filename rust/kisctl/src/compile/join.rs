// SPDX-License-Identifier: GPL-2.0

//! One table that does what several do side by side.
//!
//! Determinising all patterns at once costs states times patterns, because each state of the
//! automaton carries the beginning of every pattern. Small groups cost little, and their tables
//! are deterministic: a state of the joined table is one state of each, so that a step costs as
//! many steps as there are groups.

use crate::compile::table::Table;
use std::collections::HashMap;

/// A class for all bytes that no table tells apart: that of each byte, and the tables' own for each of them.
pub fn classes(parts: &[Table]) -> ([u8; 256], Vec<Vec<u8>>) {
    let mut numbers: HashMap<Vec<u8>, u8> = HashMap::new();
    let mut columns: Vec<Vec<u8>> = Vec::new();
    let mut classes = [0; 256];
    for (byte, class) in classes.iter_mut().enumerate() {
        let column: Vec<u8> = parts.iter().map(|part| part.classes[byte]).collect();
        *class = *numbers.entry(column).or_insert_with_key(|column| {
            columns.push(column.clone());
            // CAST: at most 256 classes.
            (columns.len() - 1) as u8
        });
    }
    (classes, columns)
}

/// Joins tables; `firsts` are the numbers of their first patterns, ascending. `None` when the
/// result has more than `limit` transitions.
pub fn join(parts: &[Table], firsts: &[u32], limit: usize) -> Option<Table> {
    let (classes, columns) = classes(parts);
    let start: Box<[u32]> = vec![0; parts.len()].into();
    let mut order = vec![start.clone()];
    let mut numbers: HashMap<Box<[u32]>, u32> = HashMap::from([(start, 0)]);
    let mut transitions = Vec::new();
    let mut accepts = Vec::new();
    let mut next: Box<[u32]> = vec![0; parts.len()].into();
    let mut at = 0;
    while let Some(state) = order.get(at).cloned() {
        at += 1;
        let own = parts.iter().zip(&state).zip(firsts);
        accepts.push(
            own.flat_map(|((part, state), first)| {
                // CAST: indexes of states.
                part.accepts[*state as usize]
                    .iter()
                    .map(move |pattern| first + pattern)
            })
            .collect(),
        );
        for column in &columns {
            for (to, ((part, state), class)) in
                next.iter_mut().zip(parts.iter().zip(&state).zip(column))
            {
                // CAST: indexes of states.
                *to = part.transitions[*state as usize * part.stride + usize::from(*class)];
            }
            let number = match numbers.get(&next) {
                Some(number) => *number,
                None => {
                    // CAST: the limit keeps states far below 2^32.
                    let number = order.len() as u32;
                    order.push(next.clone());
                    numbers.insert(next.clone(), number);
                    number
                }
            };
            transitions.push(number);
        }
        if transitions.len() > limit {
            return None;
        }
    }
    Some(Table {
        classes,
        stride: columns.len(),
        transitions,
        accepts,
    })
}
