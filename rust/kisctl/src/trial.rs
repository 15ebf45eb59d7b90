// SPDX-License-Identifier: GPL-2.0

//! What signatures find in bytes, by the kernel's own matcher, without a kernel.

use crate::{
    configuration::Configuration,
    error::{
        Error,
        Result, //
    },
    signature_file::Compiled,
    text,
    view::field::Field, //
};
use kis_core::matching::{
    delivery::Delivery,
    signatures::Signatures,
    stream::StreamState, //
};
use std::ops::ControlFlow;

/// A signature that ends in an input.
///
/// # Examples
///
/// ```
/// use kisctl::configuration;
/// use kisctl::document::Document;
/// use kisctl::trial::{matches, signatures};
///
/// let text = br#"{"version": 1, "signatures": [{"id": 5, "type": 2, "message": "m", "pattern": "evil[0-9]"}]}"#;
/// let document = Document::parse("s.json", text.to_vec()).expect("JSON");
/// let compiled = configuration::of(&document).expect("a signature file");
/// let found = matches(&signatures(&compiled)?, "a.bin", b"an evil7", 3);
/// assert_eq!((found[0].id, found[0].offset), (5, 8));
/// assert_eq!(found.len(), 1);
/// # Ok::<(), kisctl::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Which input.
    pub input: String,
    /// The signature's number.
    pub id: u32,
    /// Its revision.
    pub revision: u32,
    /// Its type.
    pub kind: u32,
    /// What it is about.
    pub message: String,
    /// The only cell that it is for.
    pub cell: Option<String>,
    /// Bytes of the input up to and with the last one of the match.
    pub offset: u64,
    /// The last bytes up to there, printable.
    pub excerpt: String,
}

/// The fields of a match.
pub const FIELDS: &[Field<Match>] = &[
    Field::new("input", |found| found.input.clone().into()),
    Field::new("id", |found| found.id.into()),
    Field::new("revision", |found| found.revision.into()),
    Field::new("type", |found| found.kind.into()),
    Field::new("message", |found| found.message.clone().into()),
    Field::new("cell", |found| found.cell.clone().into()),
    Field::new("offset", |found| found.offset.into()),
    Field::new("excerpt", |found| found.excerpt.clone().into()),
];

/// The signatures as the kernel has them.
///
/// # Errors
///
/// When they make no image.
pub fn signatures(compiled: &Compiled) -> Result<Signatures<Vec<u8>>> {
    Signatures::verify(compiled.image()?)
        .map_err(|e| Error::failed(format!("the image of the signatures: {e}")))
}

/// What all signatures find in a stream that comes in pieces of so many bytes, in the order of the ends: each
/// signature at the first place where it ends.
pub fn matches(
    signatures: &Signatures<Vec<u8>>,
    input: &str,
    bytes: &[u8],
    piece: usize,
) -> Vec<Match> {
    let mut stream = StreamState::default();
    let mut all: Vec<Match> = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        let mut delivery = Delivery::new(&mut stream, 1, signatures.start());
        let flow = delivery.scan(signatures, piece, |found| {
            let Some(signature) = signatures.get(found.sig) else {
                return ControlFlow::Continue(());
            };
            if all.iter().all(|known| known.id != signature.id()) {
                all.push(Match {
                    input: input.to_owned(),
                    id: signature.id(),
                    revision: signature.revision(),
                    kind: signature.kind().into(),
                    message: text::name(signature.message()),
                    cell: signature.cell().map(text::name),
                    offset: found.offset,
                    excerpt: text::name(found.excerpt),
                });
            }
            ControlFlow::Continue(())
        });
        debug_assert!(flow.is_continue());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        configuration,
        document::Document, //
    };

    #[test]
    fn matches_do_not_depend_on_how_a_stream_comes() {
        let text = br#"{"version": 1, "signatures": [
            {"id": 1, "type": 2, "message": "one", "pattern": "evil[0-9]"},
            {"id": 2, "type": 1, "message": "two", "pattern": "x.z", "cell": "web"},
            {"id": 3, "type": 2, "message": "three", "pattern": "begin(?s:.*)finish"}]}"#;
        let document = Document::parse("s.json", text.to_vec()).expect("JSON");
        let compiled: Compiled = configuration::of(&document).expect("a file");
        let bytes = b"xyz evil evil7 begin\nevil8\xff finish";
        let signatures = signatures(&compiled).expect("an image");
        let whole = matches(&signatures, "f", bytes, bytes.len());
        let ends: Vec<_> = whole.iter().map(|found| (found.id, found.offset)).collect();
        assert_eq!(ends, [(2, 3), (1, 14), (3, 34)]);
        assert!(whole[2].excerpt.ends_with("\\xff finish"));
        assert_eq!(whole[0].cell.as_deref(), Some("web"));
        for piece in [0, 1, 2, 7] {
            let again = matches(&signatures, "f", bytes, piece);
            let ends = |all: &[Match]| -> Vec<_> { all.iter().map(|m| (m.id, m.offset)).collect() };
            assert_eq!(ends(&again), ends(&whole));
        }
    }
}
