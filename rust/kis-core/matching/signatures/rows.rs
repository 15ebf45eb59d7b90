// SPDX-License-Identifier: GPL-2.0

//! The sections of the signatures: their rows, and their strings.
//!
//! A row has 40 bytes: u32 id, revision, type (1 or 2), seconds of ban; u32 offset and length of the
//! message and of the cell's name (length 0: all cells); u32 first and number of its ranges of
//! [ports](crate::matching::ports) (none: all). Rows rise by id. Strings come in the order
//! in which the rows name them, without gaps and without NUL. Floor 0, pure.

use crate::cells::{
    is_name,
    MAX_BAN_S, //
};
use crate::matching::ports::MAX_PORTS;
use crate::matching::section::Part;
use crate::wire::abi::{
    MAX_SIGNATURES,
    MESSAGE_LEN, //
};
use crate::wire::bytes::{
    index,
    u32_at, //
};
use crate::{
    Error,
    Result, //
};

/// Bytes of a row.
pub(super) const ROW: usize = 40;

/// Offsets in a row; see the head of the file.
pub(super) mod at {
    pub(in super::super) const ID: usize = 0;
    pub(in super::super) const REVISION: usize = 4;
    pub(in super::super) const KIND: usize = 8;
    pub(in super::super) const BAN_S: usize = 12;
    pub(in super::super) const MESSAGE: usize = 16;
    pub(in super::super) const CELL: usize = 24;
    pub(in super::super) const PORTS: usize = 32;
}

/// The string whose offset and length are at `at` of a row.
pub(super) fn string<'a>(strings: &'a [u8], row: &[u8], at: usize) -> Option<&'a [u8]> {
    let start = index(u32_at(row, at)?);
    let len = index(u32_at(row, at.checked_add(4)?)?);
    strings.get(start..)?.get(..len)
}

/// The first and the number of the ranges of ports of a row.
pub(super) fn ports(row: &[u8]) -> Option<(usize, usize)> {
    let first = index(u32_at(row, at::PORTS)?);
    let count = index(u32_at(row, at::PORTS.checked_add(4)?)?);
    Some((first, count))
}

/// Checks that the rows name all ranges of ports in their order.
pub(super) fn verify_ports(rows: &Part<'_>, ranges: usize) -> Result {
    let mut next = 0usize;
    for (i, row) in rows.bytes.chunks_exact(ROW).enumerate() {
        let fault = rows.fault(
            i.saturating_mul(ROW).saturating_add(at::PORTS),
            "ports of a signature",
        );
        let (first, count) = ports(row).ok_or(fault)?;
        if first != next || count > MAX_PORTS {
            return Err(fault);
        }
        next = next.saturating_add(count);
    }
    if next != ranges {
        return Err(rows.fault(0, "ports that no signature names"));
    }
    Ok(())
}

/// Checks the rows, their strings and ports apart, and gives their number.
pub(super) fn verify_rows(part: &Part<'_>) -> Result<u32> {
    let rows = part.bytes.chunks_exact(ROW);
    if !rows.remainder().is_empty() {
        return Err(part.fault(0, "length of the signatures"));
    }
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    if rows.len() > MAX_SIGNATURES {
        return Err(Error::limit("signatures", MAX_SIGNATURES as u32));
    }
    let mut last = None;
    for (i, row) in rows.enumerate() {
        let place = i.saturating_mul(ROW);
        let word = |at: usize| u32_at(row, at).unwrap_or(u32::MAX);
        let id = word(at::ID);
        let rises = last.is_none_or(|last| last < id);
        for (at, wrong, what) in [
            (at::ID, !rises, "ids of signatures do not rise"),
            (
                at::KIND,
                !matches!(word(at::KIND), 1 | 2),
                "type of a signature",
            ),
            (at::BAN_S, word(at::BAN_S) > MAX_BAN_S, "length of a ban"),
        ] {
            if wrong {
                return Err(part.fault(place.saturating_add(at), what));
            }
        }
        last = Some(id);
    }
    Ok(count)
}

/// Checks that the rows name all strings in their order, and that each may be what it is.
pub(super) fn verify_strings(part: &Part<'_>, rows: &Part<'_>) -> Result {
    let mut next = 0u32;
    for (i, row) in rows.bytes.chunks_exact(ROW).enumerate() {
        let mut take = |at: usize, what, is_good: fn(&[u8]) -> bool| {
            let fault = rows.fault(i.saturating_mul(ROW).saturating_add(at), what);
            let word = |at: usize| u32_at(row, at).ok_or(fault);
            let text = string(part.bytes, row, at).filter(|text| is_good(text));
            if text.is_none() || word(at)? != next {
                return Err(fault);
            }
            let len = word(at.saturating_add(4))?;
            next = next.checked_add(len).ok_or(fault)?;
            Ok(())
        };
        take(at::MESSAGE, "message of a signature", is_message)?;
        take(at::CELL, "cell of a signature", |name| {
            name.is_empty() || is_name(name)
        })?;
    }
    if u32::try_from(part.bytes.len()) != Ok(next) {
        return Err(part.fault(0, "strings that no signature names"));
    }
    Ok(())
}

/// Whether a signature may have this message: it goes to logs and terminals.
fn is_message(text: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' || *byte == 0x7f;
    !text.is_empty() && text.len() < MESSAGE_LEN && !text.iter().any(is_control)
}
