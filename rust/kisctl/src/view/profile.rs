// SPDX-License-Identifier: GPL-2.0

//! What a cell has learned.

use crate::{
    control::model::{
        Cell,
        ParamState, //
    },
    output::Shown,
    profile_file::Saved,
    text,
    view::{
        cell,
        class::{
            self,
            Growth, //
        },
        field::{
            objects,
            Field, //
        },
        param,
        value::Value, //
    }, //
};

/// A cell with its profile.
///
/// # Examples
///
/// ```
/// use kisctl::control::model::Cell;
/// use kisctl::profile_file::Saved;
/// use kisctl::view::field::object;
/// use kisctl::view::profile::{Learned, FIELDS};
///
/// let learned = Learned {
///     cell: Cell { name: "redis".to_owned(), ..Cell::default() },
///     params: vec![],
///     saved: Saved::new(),
/// };
/// let json = serde_json::to_string(&object(FIELDS, &learned)).expect("JSON");
/// assert!(json.starts_with(r#"{"cell":"redis","phase":"learning","#));
/// ```
#[derive(Clone, Debug)]
pub struct Learned {
    /// The cell.
    pub cell: Cell,
    /// The parameters of all cells.
    pub params: Vec<ParamState>,
    /// Its profile.
    pub saved: Saved,
}

impl Learned {
    /// How the classes grow; none of a cell that has no repertoire.
    pub fn classes(&self) -> Vec<Growth> {
        if self.cell.has_repertoire() {
            Growth::all(&self.saved.repertoire, self.cell.window_ms)
        } else {
            vec![]
        }
    }
}

/// Names the type once for all fields.
type Of = Field<Learned>;

/// The fields of `kisctl profile show`.
pub const FIELDS: &[Of] = &[
    Of::new("cell", |of| of.cell.name.clone().into()).line(1, "cell"),
    Of::new("phase", |of| of.cell.phase_name().into())
        .shown(|of| cell::phase(&of.cell))
        .line(2, "phase"),
    Of::new("windows", |of| of.cell.windows.into())
        .shown(windows)
        .line(3, "windows learned"),
    Of::new("windows_needed", |of| of.cell.windows_needed.into()),
    Of::new("starts", |of| of.saved.repertoire.starts().into()),
    Of::new("items", |of| {
        if of.cell.has_repertoire() {
            of.saved.repertoire.items().len().into()
        } else {
            Value::Maybe(None)
        }
    })
    .shown(items)
    .line(4, "repertoire"),
    Of::new("names_bytes", |of| {
        of.saved.repertoire.items().names_len().into()
    }),
    Of::new("classes", |of| objects(class::FIELDS, &of.classes())),
    Of::new("params", |of| param::objects(&of.cell, &of.params)),
];

fn windows(of: &Learned) -> Shown {
    let learned = of.saved.profile.windows();
    if of.cell.has_repertoire() {
        format!("{learned}, {} of a start", of.saved.repertoire.starts()).into()
    } else {
        learned.to_string().into()
    }
}

fn items(of: &Learned) -> Shown {
    let items = of.saved.repertoire.items();
    if of.cell.has_repertoire() {
        // CAST: lengths always fit 64 bits.
        let count = text::count(items.len() as u64, "item");
        format!(
            "{count}, {} of names",
            text::bytes(items.names_len() as u64)
        )
        .into()
    } else {
        "none (files.learn is false)".into()
    }
}
