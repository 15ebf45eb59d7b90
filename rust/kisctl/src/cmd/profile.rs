// SPDX-License-Identifier: GPL-2.0

//! `kisctl profile`: show, export, import, reset.

use crate::{
    args::Profile as Verb,
    control::{
        Control,
        ImageKind, //
    },
    error::{
        Error,
        Result, //
    },
    input,
    output::Output,
    text::base64,
    view::{
        cell::WIDTH,
        field::{
            lines,
            object,
            Face, //
        },
        param,
        profile::{
            Learned,
            FIELDS, //
        },
        value::Object, //
    }, //
};
use kis_core::sense::profile::{
    Profile,
    MAX_BYTES, //
};
use std::path::Path;

/// Runs one of the verbs.
pub fn run(output: &Output, verb: &Verb) -> Result<()> {
    match verb {
        Verb::Show { cell } => show(output, cell),
        Verb::Export { cell, file } => export(output, cell, file.as_deref()),
        Verb::Import {
            cell,
            file,
            dry_run,
        } => import(output, cell, file, *dry_run),
        Verb::Reset { cell, .. } => reset(output, cell.as_deref()),
    }
}

/// Checks a profile image.
fn verify(image: &[u8], what: &str) -> Result<Profile> {
    Profile::verify(image).map_err(|e| {
        Error::failed(format!("{what}: not a profile: {e}"))
            .next("give a file that kisctl profile export of this version wrote")
    })
}

fn show(output: &Output, name: &str) -> Result<()> {
    let mut control = Control::open()?;
    let learned = Learned {
        cell: control.cell(name)?,
        params: control.params()?,
        profile: verify(&control.profile(name)?, &format!("cell \"{name}\""))?,
    };
    tell_show(output, &learned)
}

/// What a cell has learned.
pub(super) fn tell_show(output: &Output, learned: &Learned) -> Result<()> {
    if output.is_json() {
        return output.object(&Object::report().and(object(FIELDS, learned)));
    }
    lines(output, FIELDS, learned, WIDTH)?;
    output.line("")?;
    output.table(&param::table(&learned.cell, &learned.params, Face::Column))
}

fn export(output: &Output, name: &str, file: Option<&Path>) -> Result<()> {
    save(output, name, &Control::open()?.profile(name)?, file)
}

/// Saves a profile, and says so.
pub(super) fn save(output: &Output, name: &str, image: &[u8], file: Option<&Path>) -> Result<()> {
    let file = file.filter(|path| *path != Path::new("-"));
    if let Some(path) = file {
        let doing = path.display().to_string();
        std::fs::write(path, image).map_err(|e| Error::io(&doing, &e))?;
    }
    if output.is_json() {
        let report = Object::report()
            .with("cell", name.to_owned())
            .with("bytes", image.len());
        return output.object(&match file {
            Some(path) => report.with("file", path.display().to_string()),
            None => report.with("image_base64", base64(image)),
        });
    }
    match file {
        Some(path) => output.line(format!(
            "cell \"{name}\": {} bytes to {}",
            image.len(),
            path.display()
        )),
        None if output.is_terminal() => Err(Error::usage(
            "profile export: a profile is not text for a terminal",
        )
        .next("name a file or redirect the output")),
        None => output.raw(image),
    }
}

fn import(output: &Output, name: &str, path: &Path, dry_run: bool) -> Result<()> {
    let what = path.display().to_string();
    // CAST: a small constant.
    let image = input::read(path, MAX_BYTES as u64)?;
    let profile = verify(&image, &what)?;
    if !dry_run {
        Control::open()?.upload(ImageKind::Profile, Some(name), &image)?;
    }
    tell_import(output, name, &what, &profile, dry_run)
}

/// A profile that was verified or imported.
pub(super) fn tell_import(
    output: &Output,
    name: &str,
    what: &str,
    profile: &Profile,
    dry_run: bool,
) -> Result<()> {
    let (windows, directories) = (profile.windows(), profile.dirs().len());
    let phase = profile.phase().name();
    if output.is_json() {
        let report = Object::report()
            .with("cell", name.to_owned())
            .with("loaded", !dry_run)
            .with("windows", windows)
            .with("phase", phase)
            .with("directories", directories);
        return output.object(&report);
    }
    let learned = format!("{windows} windows, {directories} directories, {phase}");
    output.line(if dry_run {
        format!("{what}: {learned}, ok")
    } else {
        format!("cell \"{name}\": profile of {learned}")
    })
}

fn reset(output: &Output, cell: Option<&str>) -> Result<()> {
    Control::open()?.profile_reset(cell)?;
    tell_reset(output, cell)
}

/// What learns anew.
pub(super) fn tell_reset(output: &Output, cell: Option<&str>) -> Result<()> {
    if output.is_json() {
        let cell = cell.map(str::to_owned);
        return output.object(&Object::report().with("cell", cell));
    }
    output.line(match cell {
        Some(name) => format!("cell \"{name}\": learns anew"),
        None => "all cells learn anew".to_owned(),
    })
}
