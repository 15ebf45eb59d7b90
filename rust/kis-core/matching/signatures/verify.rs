// SPDX-License-Identifier: GPL-2.0

//! The gate for images of signatures.
//!
//! Order: header, counts, classes, transitions, list index, lists, signatures, strings, the end. The
//! first fault is reported with its place. Linear in the image. Floor 0, pure.

use super::{
    at,
    string,
    View,
    CLASSES_AT,
    MAX_BAN_S,
    SIGNATURE,
    TABLE_AT, //
};
use crate::cells::is_name;
use crate::wire::abi::{
    MAX_SIGNATURES,
    MESSAGE_LEN, //
};
use crate::wire::bytes::{
    array_at,
    index,
    u32_at,
    Reader, //
};
use crate::wire::image::{
    self,
    Kind,
    HEADER, //
};
use crate::{
    Error,
    Result, //
};

/// The counts behind the header.
struct Counts {
    signatures: u32,
    states: u32,
    stride: u32,
    accepting: u32,
    lists: u32,
    strings: u32,
    start: u32,
}

/// Checks an image and says where its parts are.
pub(super) fn image(bytes: &[u8]) -> Result<View> {
    let counts = read_counts(&mut image::open(bytes, Kind::Signatures)?)?;
    let view = lay_out(bytes, &counts)?;
    check_classes(bytes, &counts)?;
    check_transitions(bytes, &view)?;
    check_lists(bytes, &view, &counts)?;
    check_signatures(bytes, &view, &counts)?;
    Ok(view)
}

/// Reads the counts and checks what does not need the rest.
fn read_counts(r: &mut Reader<'_>) -> Result<Counts> {
    let mut words = [0; 8];
    for word in &mut words {
        let at = r.offset();
        *word = r
            .u32()
            .ok_or(Error::malformed(at, "counts of signatures"))?;
    }
    let [signatures, states, stride, accepting, lists, strings, start, reserved] = words;
    if index(signatures) > MAX_SIGNATURES {
        return Err(Error::limit("signatures", MAX_SIGNATURES as u32));
    }
    for (at, wrong, what) in [
        (4, states == 0, "number of states"),
        (8, stride == 0 || stride > 256, "number of classes"),
        (12, accepting > states, "number of accepting states"),
        (24, start >= states, "start state"),
        (28, reserved != 0, "reserved word"),
    ] {
        if wrong {
            return Err(Error::malformed(HEADER + at, what));
        }
    }
    Ok(Counts {
        signatures,
        states,
        stride,
        accepting,
        lists,
        strings,
        start,
    })
}

/// Computes where the parts are; they and the padding have to fill the image.
fn lay_out(bytes: &[u8], counts: &Counts) -> Result<View> {
    let too_short = Error::malformed(HEADER, "counts exceed the image");
    let mut end = TABLE_AT;
    let mut part = |count: Option<u32>, size: usize| {
        let len = index(count.ok_or(too_short)?).checked_mul(size);
        let start = end;
        end = len
            .and_then(|len| start.checked_add(len))
            .filter(|end| *end <= bytes.len())
            .ok_or(too_short)?;
        Ok(end)
    };
    let index_at = part(counts.states.checked_mul(counts.stride), 4)?;
    let lists_at = part(counts.accepting.checked_add(1), 4)?;
    let signatures_at = part(Some(counts.lists), 4)?;
    let strings_at = part(Some(counts.signatures), SIGNATURE)?;
    let strings_end = part(Some(counts.strings), 1)?;
    image::finish(Reader::new(bytes, strings_end), bytes.len())?;
    // OVERFLOW: start and states - accepting are at most states, and the rows are in the image.
    let row = counts.stride.saturating_mul(4);
    let place = |state: u32| state.saturating_mul(row);
    let classes = array_at::<256>(bytes, CLASSES_AT).ok_or(too_short)?;
    Ok(View {
        columns: classes.map(|class| u16::from(class).saturating_mul(4)),
        signatures: counts.signatures,
        states: counts.states,
        row,
        start: place(counts.start),
        first_accept: place(counts.states.saturating_sub(counts.accepting)),
        index_at,
        lists_at,
        signatures_at,
        strings_at,
    })
}

/// Each byte value has a class, each class is one of the row.
fn check_classes(bytes: &[u8], counts: &Counts) -> Result {
    let classes = bytes.get(CLASSES_AT..TABLE_AT).unwrap_or_default();
    let mut greatest = 0;
    for (i, class) in classes.iter().enumerate() {
        if u32::from(*class) >= counts.stride {
            return Err(Error::malformed(CLASSES_AT.saturating_add(i), "class"));
        }
        greatest = greatest.max(*class);
    }
    if u32::from(greatest).saturating_add(1) != counts.stride {
        return Err(Error::malformed(HEADER + 8, "classes that no byte has"));
    }
    Ok(())
}

/// Each transition leads to the beginning of a row.
fn check_transitions(bytes: &[u8], view: &View) -> Result {
    let table = bytes.get(TABLE_AT..view.index_at).unwrap_or_default();
    for (i, word) in table.chunks_exact(4).enumerate() {
        let next = u32_at(word, 0).unwrap_or(u32::MAX);
        if index(next) >= table.len() || next.checked_rem(view.row) != Some(0) {
            let at = TABLE_AT.saturating_add(i.saturating_mul(4));
            return Err(Error::malformed(at, "transition"));
        }
    }
    Ok(())
}

/// The lists follow each other, none is empty, each names existing signatures, rising.
fn check_lists(bytes: &[u8], view: &View, counts: &Counts) -> Result {
    let starts = bytes.get(view.index_at..view.lists_at).unwrap_or_default();
    let lists = bytes
        .get(view.lists_at..view.signatures_at)
        .unwrap_or_default();
    let mut starts = starts.chunks_exact(4).enumerate();
    let mut at = view.index_at;
    let mut first = match starts.next().and_then(|(_, word)| u32_at(word, 0)) {
        Some(0) => 0usize,
        _ => return Err(Error::malformed(at, "first list")),
    };
    for (i, word) in starts {
        at = view.index_at.saturating_add(i.saturating_mul(4));
        let end = u32_at(word, 0).map_or(0, index);
        let list = lists.get(first.saturating_mul(4)..end.saturating_mul(4));
        let list = list.filter(|list| !list.is_empty());
        let list = list.ok_or(Error::malformed(at, "list of an accepting state"))?;
        let mut last = None;
        for (k, word) in list.chunks_exact(4).enumerate() {
            let sig = u32_at(word, 0).unwrap_or(u32::MAX);
            if sig >= view.signatures || last.is_some_and(|last| last >= sig) {
                let at = first.saturating_add(k).saturating_mul(4);
                let at = view.lists_at.saturating_add(at);
                return Err(Error::malformed(at, "signature of an accepting state"));
            }
            last = Some(sig);
        }
        first = end;
    }
    if first != index(counts.lists) {
        return Err(Error::malformed(at, "entries behind the last list"));
    }
    Ok(())
}

/// Every field of every signature, and its strings.
fn check_signatures(bytes: &[u8], view: &View, counts: &Counts) -> Result {
    let table = bytes
        .get(view.signatures_at..view.strings_at)
        .unwrap_or_default();
    let strings = bytes.get(view.strings_at..).unwrap_or_default();
    let mut last = None;
    let mut next = 0u32;
    for (i, record) in table.chunks_exact(SIGNATURE).enumerate() {
        let place = view
            .signatures_at
            .saturating_add(i.saturating_mul(SIGNATURE));
        let word = |at: usize| u32_at(record, at).unwrap_or(u32::MAX);
        let id = word(at::ID);
        for (at, wrong, what) in [
            (
                at::ID,
                last.is_some_and(|last| last >= id),
                "ids of signatures do not rise",
            ),
            (
                at::KIND,
                !matches!(word(at::KIND), 1 | 2),
                "type of a signature",
            ),
            (at::BAN_S, word(at::BAN_S) > MAX_BAN_S, "length of a ban"),
        ] {
            if wrong {
                return Err(Error::malformed(place.saturating_add(at), what));
            }
        }
        last = Some(id);
        let mut take = |at: usize, what, is_good: fn(&[u8]) -> bool| {
            let fault = Error::malformed(place.saturating_add(at), what);
            let text = string(strings, record, at).filter(|text| is_good(text));
            if text.is_none() || word(at) != next {
                return Err(fault);
            }
            next = next
                .checked_add(word(at.saturating_add(4)))
                .filter(|next| *next <= counts.strings)
                .ok_or(fault)?;
            Ok(())
        };
        take(at::MESSAGE, "message of a signature", is_message)?;
        take(at::CELL, "cell of a signature", |name| {
            name.is_empty() || is_name(name)
        })?;
    }
    if next != counts.strings {
        return Err(Error::malformed(HEADER + 20, "number of string bytes"));
    }
    Ok(())
}

/// Whether a signature may have this message: it goes to logs and terminals.
fn is_message(text: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' || *byte == 0x7f;
    !text.is_empty() && text.len() < MESSAGE_LEN && !text.iter().any(is_control)
}
