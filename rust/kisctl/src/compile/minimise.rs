// SPDX-License-Identifier: GPL-2.0

//! The smallest table that does the same: Hopcroft's algorithm (1971), then equal columns joined.
//!
//! The partition is kept as Valmari and Lehtinen do (2008): states in one array, each block a
//! range of it, marked states at the front of their block. Time n·k·log n for n states and k
//! classes. That pays because determinising splits states by a match one byte ago, which our
//! tables do not need to know.

use crate::compile::table::Table;
use std::collections::HashMap;

/// Gives the table with as few states and classes as possible; state 0 stays the start.
pub fn minimise(table: &Table) -> Table {
    let block_of = partition(table);
    quotient(table, &block_of)
}

/// The coarsest partition of states that act the same: the block of each state.
fn partition(table: &Table) -> Vec<usize> {
    let states = table.states();
    let mut blocks = Blocks::new(states);
    // States that accept different patterns differ.
    let mut groups: HashMap<&[u32], Vec<usize>> = HashMap::new();
    for (state, accepts) in table.accepts.iter().enumerate() {
        groups.entry(accepts).or_default().push(state);
    }
    let mut work: Vec<(usize, usize)> = Vec::new();
    let mut touched = Vec::new();
    for group in groups.values().filter(|group| group.len() < states) {
        for state in group {
            blocks.mark(*state, &mut touched);
        }
        for block in touched.drain(..) {
            blocks.split(block);
        }
    }
    let mut queued = vec![false; states * table.stride];
    for block in 0..blocks.len() {
        for class in 0..table.stride {
            queued[block * table.stride + class] = true;
            work.push((block, class));
        }
    }
    let inverse = Inverse::new(table);
    let mut splitter = Vec::new();
    while let Some((block, class)) = work.pop() {
        queued[block * table.stride + class] = false;
        splitter.clear();
        splitter.extend_from_slice(blocks.members(block));
        for state in &splitter {
            for before in inverse.before(*state, class) {
                // CAST: a state, which is an index.
                blocks.mark(*before as usize, &mut touched);
            }
        }
        for block in touched.drain(..) {
            let Some(new) = blocks.split(block) else {
                continue;
            };
            let smaller = if blocks.members(new).len() <= blocks.members(block).len() {
                new
            } else {
                block
            };
            for class in 0..table.stride {
                // What waits for the old block has to wait for both halves.
                let old = queued[block * table.stride + class];
                let add = if old { new } else { smaller };
                let place = add * table.stride + class;
                if !queued[place] {
                    queued[place] = true;
                    work.push((add, class));
                }
            }
        }
    }
    blocks.block_of
}

/// One state for each block, numbered in the order of their first visit from the start.
fn quotient(table: &Table, block_of: &[usize]) -> Table {
    let stride = table.stride;
    let row = |state: usize| &table.transitions[state * stride..(state + 1) * stride];
    let mut numbers: HashMap<usize, u32> = HashMap::from([(block_of[0], 0)]);
    let mut order = vec![0_usize];
    let mut rows: Vec<Vec<u32>> = Vec::new();
    let mut at = 0;
    while let Some(state) = order.get(at).copied() {
        at += 1;
        let next = row(state).iter().map(|next| {
            // CAST: a state, which is an index.
            let next = *next as usize;
            *numbers.entry(block_of[next]).or_insert_with(|| {
                order.push(next);
                // CAST: no more than there were states.
                (order.len() - 1) as u32
            })
        });
        rows.push(next.collect());
    }
    // Classes whose columns are equal act the same.
    let mut columns: HashMap<Vec<u32>, u8> = HashMap::new();
    let mut kept = Vec::new();
    let mut class_of = vec![0_u8; stride];
    for (class, joined) in class_of.iter_mut().enumerate() {
        let column: Vec<u32> = rows.iter().map(|row| row[class]).collect();
        *joined = *columns.entry(column).or_insert_with(|| {
            kept.push(class);
            // CAST: at most 256 classes.
            (kept.len() - 1) as u8
        });
    }
    Table {
        classes: table.classes.map(|class| class_of[usize::from(class)]),
        stride: kept.len(),
        transitions: rows
            .iter()
            .flat_map(|row| kept.iter().map(|class| row[*class]))
            .collect(),
        accepts: order
            .iter()
            .map(|state| table.accepts[*state].clone())
            .collect(),
    }
}

/// For each state and class the states that lead to it.
struct Inverse {
    stride: usize,
    first: Vec<u32>,
    states: Vec<u32>,
}

impl Inverse {
    fn new(table: &Table) -> Self {
        let stride = table.stride;
        let cell = |at: usize, next: u32| next as usize * stride + at % stride;
        let mut first = vec![0_u32; table.transitions.len() + 1];
        for (at, next) in table.transitions.iter().enumerate() {
            first[cell(at, *next) + 1] += 1;
        }
        for at in 1..first.len() {
            first[at] += first[at - 1];
        }
        let mut fill = first.clone();
        let mut states = vec![0; table.transitions.len()];
        for (at, next) in table.transitions.iter().enumerate() {
            let place = &mut fill[cell(at, *next)];
            // CAST: indexes of states, of which there are less than 2^32.
            states[*place as usize] = (at / stride) as u32;
            *place += 1;
        }
        Self {
            stride,
            first,
            states,
        }
    }

    fn before(&self, state: usize, class: usize) -> &[u32] {
        let at = state * self.stride + class;
        // CAST: indexes.
        &self.states[self.first[at] as usize..self.first[at + 1] as usize]
    }
}

/// A partition that can only get finer.
struct Blocks {
    /// All states, block by block.
    order: Vec<usize>,
    /// Where each state is in `order`.
    place: Vec<usize>,
    /// The block of each state.
    block_of: Vec<usize>,
    /// Begin and end of each block in `order`, and how many of its first states are marked.
    ranges: Vec<(usize, usize, usize)>,
}

impl Blocks {
    fn new(states: usize) -> Self {
        Self {
            order: (0..states).collect(),
            place: (0..states).collect(),
            block_of: vec![0; states],
            ranges: vec![(0, states, 0)],
        }
    }

    fn len(&self) -> usize {
        self.ranges.len()
    }

    fn members(&self, block: usize) -> &[usize] {
        let (begin, end, _) = self.ranges[block];
        &self.order[begin..end]
    }

    /// Marks a state; a block with its first mark joins `touched`.
    fn mark(&mut self, state: usize, touched: &mut Vec<usize>) {
        let block = self.block_of[state];
        let (begin, _, marked) = &mut self.ranges[block];
        let (from, to) = (self.place[state], *begin + *marked);
        if from < to {
            return;
        }
        if *marked == 0 {
            touched.push(block);
        }
        *marked += 1;
        self.order.swap(from, to);
        self.place[self.order[from]] = from;
        self.place[self.order[to]] = to;
    }

    /// Makes the marked states of a block a block of their own, unless all or none are marked.
    fn split(&mut self, block: usize) -> Option<usize> {
        let (begin, end, marked) = self.ranges[block];
        self.ranges[block].2 = 0;
        if marked == 0 || begin + marked == end {
            return None;
        }
        let new = self.ranges.len();
        self.ranges.push((begin, begin + marked, 0));
        self.ranges[block].0 = begin + marked;
        for state in &self.order[begin..begin + marked] {
            self.block_of[*state] = new;
        }
        Some(new)
    }
}
