// SPDX-License-Identifier: GPL-2.0

//! What all configuration files have in common: they are checked, loaded and unloaded.
//!
//! Cells and signatures say here what differs ([`Configuration`]); order, refusals and reports are
//! the same for both.

use crate::{
    args::Load,
    control::{
        Control,
        ImageKind, //
    },
    document::{
        refuse,
        Document,
        Fault,
        Faults,
        Warning, //
    },
    error::{
        Kind,
        Result, //
    },
    output::{
        note,
        Output, //
    },
    schema::Schema,
    text,
    view::{
        document::{
            FAULT,
            WARNING, //
        },
        field::objects,
        value::{
            Object,
            Value, //
        }, //
    }, //
};
use serde::de::DeserializeOwned;
use std::path::Path;

/// A kind of configuration, from a file that has passed all checks.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::Resolved;
/// use kisctl::configuration::Configuration;
/// use kisctl::document::Document;
///
/// let text = br#"{"version": 1, "cells": [{"name": "none", "program": "/none"}]}"#;
/// let document = Document::parse("c.json", text.to_vec()).expect("JSON");
/// let cells: Resolved = kisctl::configuration::of(&document).expect("a cell file");
/// assert_eq!((Resolved::NOUN, cells.count()), ("cell", 1));
/// assert_eq!(cells.warnings().len(), 1, "there is no such program");
/// ```
pub trait Configuration: Sized {
    /// What one of them is called.
    const NOUN: &'static str;
    /// What the kernel calls the image.
    const IMAGE: ImageKind;
    /// What the file is read as.
    type File: DeserializeOwned;

    /// The schema of the file.
    fn schema() -> Schema;

    /// Checks what the schema cannot say.
    fn new(document: &Document, file: Self::File) -> Result<Self, Faults>;

    /// How many there are.
    fn count(&self) -> usize;

    /// What works but is probably not meant.
    fn warnings(&self) -> &[Warning];

    /// The image for the kernel.
    fn image(&self) -> Result<Vec<u8>>;

    /// What made it large, for people.
    fn size(&self) -> Option<String>;

    /// What JSON says of it and of its image's length.
    fn details(&self, image_bytes: usize) -> Object;

    /// Looks at the rest of what is loaded, once it is in force; what is odd about it.
    fn oddities(&self, control: &mut Control) -> Result<Vec<String>>;

    /// Has the kernel forget all of them; the generation afterwards.
    fn forget(control: &mut Control) -> Result<u32>;
}

/// What a document says, if it says it right.
pub fn of<C: Configuration>(document: &Document) -> Result<C, Faults> {
    C::new(document, C::schema().read(document)?)
}

/// Reads and checks a file; the outer error is about the file, the inner one about what is in it.
pub fn read<C: Configuration>(path: &Path) -> Result<Result<C, Faults>> {
    Ok(Document::read(path)?.and_then(|document| of(&document)))
}

/// Checks a file and says so; the exit code.
pub fn check<C: Configuration>(output: &Output, path: &Path) -> Result<u8> {
    match read::<C>(path)? {
        Ok(configuration) => {
            warn(output, &configuration);
            let image = configuration.image()?;
            tell(output, path, &configuration, image.len(), None).map(|()| 0)
        }
        Err(faults) => tell_faults(output, path, &faults),
    }
}

/// Puts a file in force, all or nothing, and says so.
pub fn load<C: Configuration>(output: &Output, load: &Load) -> Result<()> {
    let configuration = read::<C>(&load.file)?.map_err(|faults| refuse(&faults))?;
    warn(output, &configuration);
    let image = configuration.image()?;
    let generation = if load.dry_run {
        None
    } else {
        let mut control = Control::open()?;
        let generation = control.upload(C::IMAGE, None, &image)?;
        configuration
            .oddities(&mut control)?
            .into_iter()
            .for_each(note);
        Some(generation)
    };
    tell(output, &load.file, &configuration, image.len(), generation)
}

/// Forgets everything of this kind and says so.
pub fn unload<C: Configuration>(output: &Output) -> Result<()> {
    tell_unloaded::<C>(output, C::forget(&mut Control::open()?)?)
}

/// JSON has the warnings itself.
fn warn<C: Configuration>(output: &Output, configuration: &C) {
    if output.is_json() {
        return;
    }
    for warning in configuration.warnings() {
        note(format!("{}: {}", warning.about, warning.text));
    }
}

/// What was checked, or loaded as this generation.
pub(crate) fn tell<C: Configuration>(
    output: &Output,
    path: &Path,
    configuration: &C,
    image_bytes: usize,
    generation: Option<u32>,
) -> Result<()> {
    if output.is_json() {
        let report = about(path, true)
            .with("loaded", generation.is_some())
            .with("generation", generation.map_or(Value::Absent, Value::from));
        return output.object(&report.and(configuration.details(image_bytes)));
    }
    // CAST: lengths always fit 64 bits.
    let count = text::count(configuration.count() as u64, C::NOUN);
    let bytes = text::bytes(image_bytes as u64);
    output.line(match (generation, configuration.size()) {
        (None, None) => format!("{}: {count}, {bytes}, ok", path.display()),
        (None, Some(size)) => format!("{}: {count}, {size}, {bytes}, ok", path.display()),
        (Some(number), None) => format!("{count} loaded as configuration {number}"),
        (Some(number), Some(size)) => {
            format!("{count} loaded as configuration {number}: {size}, {bytes}")
        }
    })
}

/// The faults of a file that was to be checked; the exit code.
pub(crate) fn tell_faults(output: &Output, path: &Path, faults: &[Fault]) -> Result<u8> {
    if !output.is_json() {
        return Err(refuse(faults));
    }
    output.object(&about(path, false).with("errors", objects(FAULT, faults)))?;
    // CAST: that is what the numbers of the enum are for.
    Ok(Kind::Failed as u8)
}

/// That nothing is in force any more.
pub(crate) fn tell_unloaded<C: Configuration>(output: &Output, generation: u32) -> Result<()> {
    if output.is_json() {
        return output.object(&Object::report().with("generation", generation));
    }
    output.line(format!("no {} is loaded any more", C::NOUN))
}

/// Warnings as JSON.
pub fn warnings(warnings: &[Warning]) -> Value {
    objects(WARNING, warnings)
}

fn about(path: &Path, valid: bool) -> Object {
    Object::report()
        .with("file", path.display().to_string())
        .with("valid", valid)
}
