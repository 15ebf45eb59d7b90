// SPDX-License-Identifier: GPL-2.0

//! What a cell has learned.

use crate::{
    control::model::{
        Cell,
        ParamState, //
    },
    output::Shown,
    view::{
        cell,
        field::Field,
        param, //
    }, //
};
use kis_core::sense::profile::Profile;

/// A cell with its profile.
///
/// # Examples
///
/// ```
/// use kis_core::sense::profile::Profile;
/// use kisctl::control::model::Cell;
/// use kisctl::view::field::object;
/// use kisctl::view::profile::{Learned, FIELDS};
///
/// let learned = Learned {
///     cell: Cell { name: "redis".to_owned(), ..Cell::default() },
///     params: vec![],
///     profile: Profile::new(),
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
    pub profile: Profile,
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
        .shown(|of| of.profile.windows().to_string().into())
        .line(3, "windows learned"),
    Of::new("windows_needed", |of| of.cell.windows_needed.into()),
    Of::new("directories", |of| of.profile.dirs().len().into())
        .shown(directories)
        .line(4, "directories"),
    Of::new("directories_overflowed", |of| {
        of.profile.dirs().is_overflowed().into()
    }),
    Of::new("params", |of| param::objects(&of.cell, &of.params)),
];

fn directories(of: &Learned) -> Shown {
    let dirs = of.profile.dirs();
    let overflow = if dirs.is_overflowed() {
        ", more than fit: every directory counts as known"
    } else {
        ""
    };
    format!("{}{overflow}", dirs.len()).into()
}
