// SPDX-License-Identifier: GPL-2.0

//! The published JSON Schemas, and what they object to in a document.

use crate::{
    document::{
        Document,
        Fault,
        Faults, //
    },
    place::escape, //
};
use jsonschema::{
    error::{
        TypeKind,
        ValidationErrorKind, //
    },
    ValidationError,
    Validator, //
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A schema that is part of the binary.
///
/// # Examples
///
/// ```
/// use kisctl::document::Document;
/// use kisctl::schema::Schema;
///
/// let document = Document::parse("c.json", br#"{"version": 2}"#.to_vec()).expect("JSON");
/// let faults = Schema::cells().faults(&document);
/// assert!(faults.iter().any(|fault| fault.message == "2 is not 1"));
/// ```
#[derive(Debug)]
pub struct Schema {
    file_name: &'static str,
    value: Value,
    validator: Validator,
}

impl Schema {
    /// The schema of cell files.
    pub fn cells() -> Self {
        Self::embedded(
            "kis-cells.schema.json",
            include_str!("../../../Documentation/schema/kis-cells.schema.json"),
        )
    }

    /// The schema of signature files.
    pub fn signatures() -> Self {
        Self::embedded(
            "kis-signatures.schema.json",
            include_str!("../../../Documentation/schema/kis-signatures.schema.json"),
        )
    }

    fn embedded(file_name: &'static str, text: &str) -> Self {
        // PANIC: constants of this binary, which the tests of this file compile.
        let value: Value = serde_json::from_str(text).expect("an embedded schema is JSON");
        let validator = jsonschema::draft202012::new(&value).expect("an embedded schema compiles");
        Self {
            file_name,
            value,
            validator,
        }
    }

    /// Name of its file in `Documentation/schema`.
    pub fn file_name(&self) -> &'static str {
        self.file_name
    }

    /// The schema itself.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Checks a document, then reads it into the type that this schema describes.
    pub fn read<T: DeserializeOwned>(&self, document: &Document) -> Result<T, Faults> {
        let mut faults = self.faults(document);
        if !faults.is_empty() {
            faults.sort_by_key(|fault| (fault.line, fault.column));
            faults.dedup();
            return Err(faults);
        }
        // A test asserts that what the schema accepts can be read; this says where if not.
        serde_json::from_str(document.text()).map_err(|e| {
            vec![Fault {
                file: document.file().to_owned(),
                line: e.line().max(1),
                column: e.column().max(1),
                pointer: String::new(),
                message: e.to_string(),
                next: format!("see {}", self.file_name),
            }]
        })
    }

    /// Everything in `document` that it objects to.
    pub fn faults(&self, document: &Document) -> Faults {
        self.validator
            .iter_errors(document.value())
            .flat_map(|error| self.explain(document, &error))
            .collect()
    }

    fn explain(&self, document: &Document, error: &ValidationError<'_>) -> Faults {
        let pointer = error.instance_path().to_string();
        let next = self.next_step(error);
        let fault = |message: String| vec![document.fault(&pointer, message, &next)];
        let value = shortened(error.instance());
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                self.unknown_keys(document, error, &pointer, unexpected)
            }
            ValidationErrorKind::Required { property } => {
                fault(format!("the key {property} is missing"))
            }
            ValidationErrorKind::Type { kind } => fault(format!(
                "{value} is {}, not {}",
                type_of(error.instance()),
                expected_type(kind)
            )),
            ValidationErrorKind::Enum { options } => fault(format!(
                "{value} is not one of {}",
                options
                    .as_array()
                    .map(|all| all
                        .iter()
                        .map(Value::to_string)
                        .collect::<Vec<_>>()
                        .join(", "))
                    .unwrap_or_default()
            )),
            ValidationErrorKind::Constant { expected_value } => {
                fault(format!("{value} is not {expected_value}"))
            }
            ValidationErrorKind::Minimum { limit } => {
                fault(format!("{value} is less than {limit}"))
            }
            ValidationErrorKind::Maximum { limit } => {
                fault(format!("{value} is more than {limit}"))
            }
            ValidationErrorKind::MinLength { limit } => {
                fault(format!("{value} is shorter than {limit}"))
            }
            ValidationErrorKind::MaxLength { limit } => {
                fault(format!("{value} is longer than {limit} characters"))
            }
            ValidationErrorKind::MinItems { limit } => {
                fault(format!("the list has less than {limit}"))
            }
            ValidationErrorKind::MaxItems { limit } => fault(format!(
                "the list has {} entries, more than {limit}",
                error.instance().as_array().map_or(0, Vec::len)
            )),
            ValidationErrorKind::UniqueItems => fault("the list names something twice".to_owned()),
            // The description says in words what is allowed.
            ValidationErrorKind::Pattern { .. } => {
                fault(format!("{value} is not written as it has to be"))
            }
            // Keywords that our schemas do not use.
            _ => fault(error.to_string()),
        }
    }

    fn unknown_keys(
        &self,
        document: &Document,
        error: &ValidationError<'_>,
        pointer: &str,
        unexpected: &[String],
    ) -> Faults {
        let schema = self.parent(error);
        let known: Vec<&str> = schema
            .and_then(|s| s.get("properties"))
            .and_then(Value::as_object)
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let fault = |key: &String| -> Fault {
            let next = match nearest(key, &known) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("known here: {}", known.join(", ")),
            };
            document.key_fault(
                &format!("{pointer}/{}", escape(key)),
                format!("unknown key {}", shortened(&Value::from(key.as_str()))),
                &next,
            )
        };
        unexpected.iter().map(fault).collect()
    }

    /// The schema that holds the keyword which objected.
    fn parent(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let path = error.schema_path().to_string();
        self.value.pointer(path.rsplit_once('/')?.0)
    }

    /// What the schema says about the value: its description tells bounds and meaning.
    fn next_step(&self, error: &ValidationError<'_>) -> String {
        let mut path = error.schema_path().to_string();
        while let Some((shorter, _)) = path.rsplit_once('/') {
            let described = self
                .value
                .pointer(shorter)
                .and_then(|schema| schema.get("description"))
                .and_then(Value::as_str);
            if let Some(description) = described {
                return description.trim_end_matches('.').to_owned();
            }
            path = shorter.to_owned();
        }
        format!("see {}", self.file_name)
    }
}

/// A value in a message: one line of at most 60 characters.
fn shortened(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        return text;
    }
    let mut short: String = text.chars().take(57).collect();
    short.push_str("...");
    short
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn expected_type(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(single) => with_article(&single.to_string()),
        TypeKind::Multiple(types) => {
            let names = types.iter().map(|one| with_article(&one.to_string()));
            names.collect::<Vec<_>>().join(" or ")
        }
    }
}

fn with_article(name: &str) -> String {
    match name {
        "array" => "a list".to_owned(),
        "integer" | "object" => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

/// The known key that was probably meant: at most two edits away.
fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (distance(key, candidate), *candidate))
        .filter(|(edits, candidate)| *edits <= 2 && *edits < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's edit distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, x) in a.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, y) in b.iter().enumerate() {
            let edits = (diagonal + usize::from(x != *y))
                .min(row[column] + 1)
                .min(row[column + 1] + 1);
            diagonal = std::mem::replace(&mut row[column + 1], edits);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_schemas_are_schemas_and_accept_their_examples() {
        for schema in [Schema::cells(), Schema::signatures()] {
            assert!(jsonschema::meta::is_valid(schema.value()));
            let examples = schema.value()["examples"].as_array().expect("examples");
            assert!(!examples.is_empty());
            for example in examples {
                let text = serde_json::to_vec_pretty(example).expect("JSON");
                let document = Document::parse("example", text).expect("JSON");
                assert_eq!(schema.faults(&document), vec![]);
            }
        }
    }

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in [
            ("", "abc", 3),
            ("windw", "window", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), edits);
        }
        assert_eq!(
            nearest("windw_ms", &["mode", "window_ms"]),
            Some("window_ms")
        );
        assert_eq!(nearest("x", &["mode"]), None);
    }
}
