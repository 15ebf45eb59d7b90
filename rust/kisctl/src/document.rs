// SPDX-License-Identifier: GPL-2.0

//! A configuration file: read, parsed, checked against its schema, and the faults in it.

use crate::{
    error::{
        Error,
        Result,
        Spot, //
    },
    input,
    place::{
        Index,
        Place, //
    }, //
};
use std::{
    fmt,
    path::Path, //
};

/// Most bytes of a file: 16384 signatures of the longest kind take less.
const MAX_BYTES: u64 = 128 << 20;

/// Most faults that are told at once.
const MAX_FAULTS: usize = 20;

/// What is wrong at one place of a file.
///
/// # Examples
///
/// ```
/// use kisctl::document::Document;
///
/// let document = Document::parse("c.json", br#"{"version": 9}"#.to_vec()).expect("JSON");
/// let fault = document.fault("/version", "9 is not 1", "write 1");
/// assert_eq!(fault.to_string(), "c.json:1:13: /version: 9 is not 1 (write 1)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// JSON pointer of the value; empty for the whole document.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub next: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        write!(f, "{} ({})", self.message, self.next)
    }
}

/// The faults of a file; never empty as an error.
///
/// # Examples
///
/// ```
/// use kisctl::document::{Document, Faults};
///
/// let faults: Faults = Document::parse("c.json", b"{".to_vec()).expect_err("no end");
/// assert_eq!(faults.len(), 1);
/// ```
pub type Faults = Vec<Fault>;

/// What a warning is about.
///
/// # Examples
///
/// ```
/// use kisctl::document::About;
///
/// assert_eq!(About::Signature(7).to_string(), "signature 7");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The cell of this name.
    Cell(String),
    /// The signature with this number.
    Signature(u32),
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cell(name) => write!(f, "cell \"{name}\""),
            Self::Signature(id) => write!(f, "signature {id}"),
        }
    }
}

/// Something that works but is probably not meant.
///
/// # Examples
///
/// ```
/// use kisctl::document::{About, Warning};
/// use kisctl::view::{document::WARNING, field::object};
///
/// let warning = Warning { about: About::Cell("dns".to_owned()), text: "odd".to_owned() };
/// let json = serde_json::to_string(&object(WARNING, &warning)).expect("JSON");
/// assert_eq!(json, r#"{"cell":"dns","text":"odd"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it is about.
    pub about: About,
    /// What is odd, with what to do.
    pub text: String,
}

/// A file whose syntax is right.
///
/// # Examples
///
/// ```
/// use kisctl::document::Document;
///
/// assert!(Document::parse("c.json", br#"{"version": 1}"#.to_vec()).is_ok());
/// let text = b"{\n \"version\": 1,,}".to_vec();
/// let faults = Document::parse("c.json", text).expect_err("two commas");
/// assert_eq!((faults[0].line, faults[0].column), (2, 15));
/// ```
#[derive(Debug)]
pub struct Document {
    file: String,
    text: String,
    index: Index,
    value: serde_json::Value,
}

impl Document {
    /// Reads `path`; `-` is stdin.
    ///
    /// # Errors
    ///
    /// The outer error is about the file, the inner one about what is in it.
    pub fn read(path: &Path) -> Result<Result<Self, Faults>> {
        let file = path.display().to_string();
        let bytes = input::read(path, MAX_BYTES)?;
        Ok(Self::parse(&file, bytes))
    }

    /// Parses the bytes of `file`.
    pub fn parse(file: &str, bytes: Vec<u8>) -> Result<Self, Faults> {
        let at = |place: Place, message: String, next: &str| {
            vec![Fault {
                file: file.to_owned(),
                line: place.line,
                column: place.column,
                pointer: String::new(),
                message,
                next: next.to_owned(),
            }]
        };
        let text = String::from_utf8(bytes).map_err(|e| {
            let valid = e.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&e.as_bytes()[..valid]).into_owned();
            at(
                Place::of(&before, valid),
                format!("byte 0x{:02x} is not UTF-8", e.as_bytes()[valid]),
                "save the file as UTF-8; in a pattern write \\xNN for such a byte",
            )
        })?;
        let value = serde_json::from_str(&text).map_err(|e| {
            let message = e.to_string();
            // The place comes first in our messages.
            let message = message
                .rsplit_once(" at line ")
                .map_or(&*message, |(m, _)| m);
            let column = e.column().max(1);
            at(
                Place {
                    line: e.line().max(1),
                    column,
                },
                format!("not JSON: {message}"),
                "mend the syntax; comments and trailing commas are not JSON",
            )
        })?;
        let document = Self {
            index: Index::new(&text),
            file: file.to_owned(),
            text,
            value,
        };
        let repeated: Faults = document
            .index
            .repeated()
            .iter()
            .map(|(pointer, offset)| {
                document.fault_at(
                    *offset,
                    pointer,
                    "this key was given before".to_owned(),
                    "keep one of them",
                )
            })
            .collect();
        if repeated.is_empty() {
            Ok(document)
        } else {
            Err(repeated)
        }
    }

    /// The document as JSON.
    pub fn value(&self) -> &serde_json::Value {
        &self.value
    }

    /// The document as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// A fault of the value at `pointer`.
    pub fn fault(&self, pointer: &str, message: impl Into<String>, next: &str) -> Fault {
        self.fault_at(self.index.value(pointer), pointer, message.into(), next)
    }

    /// A fault of the key of the member at `pointer`.
    pub fn key_fault(&self, pointer: &str, message: impl Into<String>, next: &str) -> Fault {
        self.fault_at(self.index.key(pointer), pointer, message.into(), next)
    }

    fn fault_at(&self, offset: usize, pointer: &str, message: String, next: &str) -> Fault {
        let place = Place::of(&self.text, offset);
        Fault {
            file: self.file.clone(),
            line: place.line,
            column: place.column,
            pointer: pointer.to_owned(),
            message,
            next: next.to_owned(),
        }
    }
}

/// All faults as one error: one line each. Its place is that of the first.
pub fn refuse(faults: &[Fault]) -> Error {
    let mut text = faults
        .iter()
        .take(MAX_FAULTS)
        .map(Fault::to_string)
        .collect::<Vec<_>>()
        .join("\nkisctl: ");
    if faults.len() > MAX_FAULTS {
        text.push_str(&format!("\nkisctl: and {} more", faults.len() - MAX_FAULTS));
    }
    let error = Error::failed(text);
    match faults.first() {
        Some(fault) => error.at(Spot {
            file: fault.file.clone(),
            line: fault.line,
            column: fault.column,
            pointer: fault.pointer.clone(),
        }),
        None => error,
    }
}
