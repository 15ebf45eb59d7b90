// SPDX-License-Identifier: GPL-2.0

//! `kisctl status`.

use crate::{
    control::{
        Control,
        Status, //
    },
    error::Result,
    output::{
        note,
        Output, //
    },
    view::{
        field::{
            lines,
            object, //
        },
        status::{
            FIELDS,
            WIDTH, //
        },
        value::Object, //
    }, //
};

/// Prints the state of the module.
pub fn run(output: &Output) -> Result<()> {
    tell(output, &Control::open()?.status()?)
}

/// The report.
pub(super) fn tell(output: &Output, status: &Status) -> Result<()> {
    if output.is_json() {
        return output.object(&Object::report().and(object(FIELDS, status)));
    }
    lines(output, FIELDS, status, WIDTH)?;
    if status.cells == 0 {
        note("no cell is loaded: nothing is protected (kisctl cell load FILE)");
    }
    Ok(())
}
