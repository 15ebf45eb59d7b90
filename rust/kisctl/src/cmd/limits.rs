// SPDX-License-Identifier: GPL-2.0

//! `kisctl limits`.

use crate::{
    error::Result,
    output::{
        Output,
        Table, //
    },
    uapi,
    view::value::Object, //
};

/// Name, number and what it is about.
const LIMITS: [(&str, u32, &str); 14] = [
    ("cells", uapi::KIS_MAX_CELLS, "cells of a configuration"),
    ("signatures", uapi::KIS_MAX_SIGNATURES, "signatures"),
    (
        "prefixes",
        uapi::KIS_MAX_PREFIXES,
        "prefixes in one path list of a cell",
    ),
    (
        "expected",
        uapi::KIS_MAX_EXPECTED,
        "patterns of what is expected of a cell",
    ),
    ("items", uapi::KIS_MAX_ITEMS, "items of a cell's repertoire"),
    (
        "operations",
        u64::BITS,
        "operations that a set of a cell has room for",
    ),
    ("bans", uapi::KIS_MAX_BANS, "banned addresses"),
    (
        "image_bytes",
        uapi::KIS_MAX_IMAGE,
        "bytes of one upload: cells, or signatures with their table",
    ),
    (
        "name_bytes",
        uapi::KIS_NAME_LEN - 1,
        "bytes of a cell's name",
    ),
    (
        "item_bytes",
        uapi::KIS_ITEM_NAME_MAX,
        "bytes of an item's name",
    ),
    (
        "path_bytes",
        uapi::KIS_PATH_LEN - 1,
        "bytes of a path, prefix or argument pattern",
    ),
    (
        "message_bytes",
        uapi::KIS_MESSAGE_LEN - 1,
        "bytes of a signature's message",
    ),
    (
        "record_bytes",
        uapi::KIS_RECORD_MAX,
        "bytes of a record with its path or excerpt",
    ),
    (
        "lanes",
        uapi::KIS_MAX_LANES,
        "lanes of the ring, four for each CPU",
    ),
];

/// Prints the limits that are compiled in.
pub fn run(output: &Output) -> Result<()> {
    if output.is_json() {
        let mut limits = LIMITS;
        limits.sort_unstable();
        let limits = limits
            .into_iter()
            .fold(Object::new(), |object, (name, most, _)| {
                object.with(name, most)
            });
        return output.object(&Object::report().with("limits", limits));
    }
    let mut table = Table::new(&["LIMIT", ">MOST", "WHAT"]);
    for (name, most, what) in LIMITS {
        table.row(vec![name.into(), most.to_string().into(), what.into()]);
    }
    output.table(&table)
}
