// SPDX-License-Identifier: GPL-2.0

//! The signature file: its types, what its schema cannot say, and its image.
//!
//! `Documentation/schema/kis-signatures.schema.json` documents every key.

use crate::{
    compile::{
        self,
        Budget,
        Pattern,
        Plan,
        Sought, //
    },
    configuration::{
        self,
        Configuration, //
    },
    control::{
        Control,
        ImageKind, //
    },
    document::{
        About,
        Document,
        Faults,
        Warning, //
    },
    error::{
        Error,
        Result, //
    },
    schema::Schema,
    text,
    transport::Transport,
    view::value::Object, //
};
use kis_core::{
    matching::ports::PortRange,
    matching::scope::Scope,
    matching::signatures::SigSpec,
    wire::abi::{
        MAX_IMAGE,
        MESSAGE_LEN, //
    }, //
};
use serde::{
    Deserialize,
    Serialize, //
};
use std::collections::HashMap;

pub mod ports;
pub mod threshold;

pub use ports::Ports;
pub use threshold::Threshold;

/// The whole file.
///
/// # Examples
///
/// ```
/// use kisctl::signature_file::SignatureFile;
///
/// let text = r#"{"version": 1, "signatures": [
///     {"id": 5, "type": 2, "message": "m", "pattern": "ab+c"}]}"#;
/// let file: SignatureFile = serde_json::from_str(text)?;
/// assert_eq!(file.signatures.len(), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureFile {
    /// For editors.
    #[serde(rename = "$schema", default, skip_serializing)]
    pub schema: Option<String>,
    /// Always 1.
    pub version: u32,
    /// The signatures.
    pub signatures: Vec<Signature>,
}

/// One signature.
///
/// # Examples
///
/// ```
/// use kisctl::signature_file::Signature;
///
/// let text = r#"{"id": 5, "type": 2, "message": "m", "pattern": "ab+c"}"#;
/// let signature: Signature = serde_json::from_str(text)?;
/// assert_eq!((signature.kind, signature.revision, signature.cell), (2, 1, None));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Signature {
    pub id: u32,
    #[serde(default = "one")]
    pub revision: u32,
    #[serde(rename = "type")]
    pub kind: u8,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Transport>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Ports>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
    #[serde(default)]
    pub ban_s: u32,
}

/// A part of what a signature looks for.
///
/// # Examples
///
/// ```
/// use kisctl::signature_file::Part;
///
/// let part: Part = serde_json::from_str(r#"{"in": "http.uri", "pattern": "^/admin"}"#)?;
/// assert!(!part.absent);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Part {
    #[serde(rename = "in")]
    pub scope: String,
    pub pattern: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
}

impl Signature {
    /// Its patterns: where each stands below the signature, its scope, and whether it must not be there.
    fn patterns(&self) -> Vec<(String, &str, &str, bool)> {
        let one = self.pattern.iter();
        let one = one.map(|text| ("pattern".to_owned(), "stream", text.as_str(), false));
        let parts = self.parts.iter().enumerate().map(|(at, part)| {
            let place = format!("parts/{at}/pattern");
            (
                place,
                part.scope.as_str(),
                part.pattern.as_str(),
                part.absent,
            )
        });
        one.chain(parts).collect()
    }

    /// The ports that it is for, none for all; else where the fault is, what it is and what to do.
    ///
    /// # Errors
    ///
    /// As [`Signature::sought`].
    pub fn ranges(&self) -> Result<Vec<PortRange>, Fault> {
        let protocol = self.protocol.map(Transport::number);
        let range = |(first, last)| PortRange {
            protocol,
            first,
            last,
        };
        if self.ports.is_empty() {
            return Ok(protocol.map(|_| range((1, u16::MAX))).into_iter().collect());
        }
        let each = self.ports.iter().enumerate().map(|(at, ports)| {
            let ends = ports.ends().ok_or_else(|| {
                (
                    format!("ports/{at}"),
                    format!("{ports} are no ports"),
                    "give a port from 1 to 65535, or \"FIRST-LAST\" with the lower one first"
                        .to_owned(),
                )
            });
            ends.map(range)
        });
        each.collect()
    }

    /// What it looks for; else where the fault is, what it is and what to do.
    ///
    /// # Errors
    ///
    /// The place below the signature, what is wrong there, and the next step.
    pub fn sought(&self) -> Result<Sought, Fault> {
        let mut present = None;
        let mut rest = Vec::new();
        for (place, scope, text, is_absent) in self.patterns() {
            let Some(scope) = Scope::of_name(scope.to_ascii_lowercase().as_bytes()) else {
                return Err((
                    place.replace("/pattern", "/in"),
                    format!("there is no \"{scope}\" to look in"),
                    format!("one of {}, or http.header.NAME", names()),
                ));
            };
            if is_absent && !scope.is_of_request() {
                return Err((
                    place,
                    "a stream has no end behind which something could be absent".to_owned(),
                    "look for its absence in a part of a request".to_owned(),
                ));
            }
            let pattern = Pattern::parse_in(text, scope)
                .map_err(|problem| (place, problem.message, problem.next))?;
            if present.is_none() && !is_absent {
                present = Some(pattern);
            } else {
                rest.push((pattern, is_absent));
            }
        }
        let Some(first) = present else {
            return Err((
                String::new(),
                "it looks for nothing that has to be there".to_owned(),
                "give it a \"pattern\", or \"parts\" of which one is not \"absent\"".to_owned(),
            ));
        };
        let sought = Sought::from(first);
        let each = rest.into_iter();
        Ok(each.fold(sought, |sought, (pattern, is_absent)| {
            sought.and(pattern, is_absent)
        }))
    }
}

/// Where below a signature something is wrong, what, and the next step.
type Fault = (String, String, String);

/// The names of the scopes.
fn names() -> String {
    Scope::PLAIN.map(Scope::name).join(", ")
}

fn one() -> u32 {
    1
}

/// A file whose patterns were compiled.
///
/// # Examples
///
/// ```
/// use kisctl::configuration;
/// use kisctl::document::Document;
/// use kisctl::signature_file::Compiled;
///
/// let text = br#"{"version": 1, "signatures": [
///     {"id": 5, "type": 2, "message": "m", "pattern": "ab+c"}]}"#;
/// let document = Document::parse("s.json", text.to_vec()).expect("JSON");
/// let compiled: Compiled = configuration::of(&document).expect("a signature file");
/// assert_eq!(compiled.plan.table.states(), 4);
/// ```
#[derive(Debug)]
pub struct Compiled {
    /// The file, its signatures in the order of their ids.
    pub file: SignatureFile,
    /// What finds the signatures.
    pub plan: Plan,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
}

/// Fewer fixed bytes in a row than that come up by chance.
const FEW: usize = 4;

/// Patterns that fire by chance.
fn vague(signatures: &[Signature], order: &[usize], sought: &[Sought]) -> Vec<Warning> {
    let signatures = order.iter().filter_map(|at| signatures.get(*at));
    let odd = |(signature, sought): (&Signature, &Sought)| {
        let oddity = Scope::Oddity.name();
        let is_anywhere = signature.cell.is_none() && signature.ports.is_empty();
        if is_anywhere && signature.parts.iter().any(|part| part.scope == oddity) {
            return Some(Warning {
                about: About::Signature(signature.id),
                text: format!(
                    "what is no HTTP looks odd ({oddity}): give it the \"cell\" or the \"ports\" of web servers"
                ),
            });
        }
        let text = match (sought.fixed(), signature.kind) {
            (0, _) => "the pattern has no fixed byte, and fires on nearly all that peers send; \
                       add what only the attack has"
                .to_owned(),
            (few @ 1..FEW, 2) => format!(
                "the pattern has only {} in a row, and fires by chance; make it longer, or of type 1",
                text::count(few as u64, "fixed byte")
            ),
            _ => return None,
        };
        Some(Warning {
            about: About::Signature(signature.id),
            text,
        })
    };
    signatures.zip(sought).filter_map(odd).collect()
}

impl Configuration for Compiled {
    const NOUN: &'static str = "signature";
    const IMAGE: ImageKind = ImageKind::Signatures;
    type File = SignatureFile;

    fn schema() -> Schema {
        Schema::signatures()
    }

    fn new(document: &Document, file: SignatureFile) -> Result<Self, Faults> {
        compile(document, file)
    }

    fn count(&self) -> usize {
        self.file.signatures.len()
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn image(&self) -> Result<Vec<u8>> {
        image(self)
    }

    fn size(&self) -> Option<String> {
        let unled = self.plan.unled.len();
        let mut parts = Vec::new();
        if self.count() > unled {
            parts.push(format!("{} by literal", self.count() - unled));
        }
        if unled > 0 {
            let states = text::count(self.plan.states() as u64, "state");
            parts.push(format!("{unled} by an automaton of {states}"));
        }
        Some(parts.join(", "))
    }

    fn details(&self, image_bytes: usize) -> Object {
        Object::new()
            .with("signatures", self.count())
            .with("by_literal", self.count() - self.plan.unled.len())
            .with("states", self.plan.states())
            .with("classes", self.plan.table.stride)
            .with("image_bytes", image_bytes)
            .with("warnings", configuration::warnings(&self.warnings))
    }

    fn oddities(&self, control: &mut Control) -> Result<Vec<String>> {
        let cells = control.cells()?;
        let is_loaded = |name: &str| cells.iter().any(|cell| cell.name == name);
        let odd = |signature: &Signature| {
            let name = signature.cell.as_deref().filter(|name| !is_loaded(name))?;
            Some(format!(
                "signature {} is for cell \"{name}\", which is not loaded: it fires once it is",
                signature.id
            ))
        };
        Ok(self.file.signatures.iter().filter_map(odd).collect())
    }

    fn forget(control: &mut Control) -> Result<u32> {
        control.signature_unload()
    }
}

/// Checks what the schema cannot say and compiles the patterns.
pub fn compile(document: &Document, file: SignatureFile) -> Result<Compiled, Faults> {
    let mut faults = Vec::new();
    let mut ids = HashMap::new();
    for (at, signature) in file.signatures.iter().enumerate() {
        if let Some(first) = ids.insert(signature.id, at) {
            faults.push(document.fault(
                &format!("/signatures/{at}/id"),
                format!("{} is the id of /signatures/{first} too", signature.id),
                "give each signature an id of its own; a change raises its revision",
            ));
        }
        if signature.message.len() >= MESSAGE_LEN
            || signature.message.bytes().any(|b| b.is_ascii_control())
        {
            faults.push(document.fault(
                &format!("/signatures/{at}/message"),
                "the message is longer than 127 bytes or has a control character",
                "write one short line",
            ));
        }
    }
    // The image has them in the order of their ids.
    let mut order: Vec<usize> = (0..file.signatures.len()).collect();
    order.sort_by_key(|at| file.signatures[*at].id);
    let mut sought = Vec::new();
    for at in order.iter().copied() {
        let signature = &file.signatures[at];
        let mut fault = |(place, message, next): Fault| {
            faults.push(document.fault(
                format!("/signatures/{at}/{place}").trim_end_matches('/'),
                format!("signature {}: {message}", signature.id),
                &next,
            ));
        };
        signature.ranges().err().map(&mut fault);
        match signature.sought() {
            Ok(one) => sought.push(one),
            Err(why) => fault(why),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    match compile::plan(&sought, Budget::DEFAULT) {
        Ok(plan) => {
            let mut file = file;
            let warnings = vague(&file.signatures, &order, &sought);
            file.signatures.sort_by_key(|signature| signature.id);
            Ok(Compiled {
                file,
                plan,
                warnings,
            })
        }
        Err(error) => {
            let blamed = error.pattern.and_then(|at| order.get(at));
            let (pointer, prefix) = match blamed {
                Some(at) => {
                    let signature = &file.signatures[*at];
                    let place = signature.pattern.as_ref().map_or("", |_| "/pattern");
                    (
                        format!("/signatures/{at}{place}"),
                        format!("signature {}: ", signature.id),
                    )
                }
                None => ("/signatures".to_owned(), String::new()),
            };
            let message = format!("{prefix}{}", error.message);
            Err(vec![document.fault(&pointer, message, &error.next)])
        }
    }
}

/// The image for the kernel.
pub fn image(compiled: &Compiled) -> Result<Vec<u8>> {
    let signatures = &compiled.file.signatures;
    let ports = signatures.iter().map(Signature::ranges);
    let ports: Vec<Vec<PortRange>> = ports
        .collect::<Result<_, _>>()
        .map_err(|(_, message, next)| Error::failed(message).next(next))?;
    let specs: Vec<SigSpec<'_>> = signatures
        .iter()
        .zip(&ports)
        .map(|(signature, ports)| SigSpec {
            id: signature.id,
            revision: signature.revision,
            kind: signature.kind,
            message: signature.message.as_bytes(),
            cell: signature.cell.as_ref().map(String::as_bytes),
            ban_s: signature.ban_s,
            ports,
            threshold: signature.threshold.as_ref().and_then(Threshold::for_kernel),
        })
        .collect();
    let plan = &compiled.plan;
    let too_large = |why: String| {
        Error::failed(format!(
            "{}, {} of them by an automaton of {}, make no image: {why}",
            text::count(specs.len() as u64, "signature"),
            plan.unled.len(),
            text::count(plan.states() as u64, "state"),
        ))
        .next("shorten or drop signatures, or bound their repeats; see kisctl limits")
    };
    plan.encode(&specs, MAX_IMAGE).map_err(too_large)
}

#[cfg(test)]
mod tests;
