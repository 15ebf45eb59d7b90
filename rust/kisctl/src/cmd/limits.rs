// SPDX-License-Identifier: GPL-2.0

//! `kisctl limits`.

use crate::{
    error::Result,
    output::{
        Output,
        Table,
        SCHEMA_VERSION, //
    },
    uapi, //
};
use serde::Serialize;

/// Name, number and what it is about.
const LIMITS: [(&str, u32, &str); 11] = [
    ("cells", uapi::KIS_MAX_CELLS, "cells of a configuration"),
    ("signatures", uapi::KIS_MAX_SIGNATURES, "signatures"),
    (
        "prefixes",
        uapi::KIS_MAX_PREFIXES,
        "prefixes in one path list of a cell",
    ),
    (
        "directories",
        uapi::KIS_MAX_DIRS,
        "directories that a cell learns",
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
        uapi::KIS_RECORD_DATA,
        "bytes of path and excerpt in a record",
    ),
    (
        "lanes",
        uapi::KIS_MAX_LANES,
        "lanes of the ring, two for each CPU",
    ),
];

/// Prints the limits that are compiled in.
pub fn run(output: &Output) -> Result<()> {
    #[derive(Serialize)]
    struct Report {
        schema_version: u32,
        limits: serde_json::Map<String, serde_json::Value>,
    }

    if output.is_json() {
        let limits = LIMITS
            .iter()
            .map(|(name, max, _)| ((*name).to_owned(), (*max).into()));
        return output.object(&Report {
            schema_version: SCHEMA_VERSION,
            limits: limits.collect(),
        });
    }
    let mut table = Table::new(&["LIMIT", ">MOST", "WHAT"]);
    for (name, max, what) in LIMITS {
        table.row(vec![name.into(), max.into(), what.into()]);
    }
    output.table(&table)
}
