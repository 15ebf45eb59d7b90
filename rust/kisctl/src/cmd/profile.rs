// SPDX-License-Identifier: GPL-2.0

//! `kisctl profile`: show, export, import, reset.

use crate::{
    args::Profile as Verb,
    cmd::cell::{
        parameters,
        phase,
        ParamReport, //
    },
    control::{
        Control,
        ImageKind, //
    },
    error::{
        Error,
        Result, //
    },
    output::{
        Output,
        SCHEMA_VERSION, //
    },
    text::{
        self,
        base64, //
    }, //
};
use kis_core::sense::profile::{
    Profile,
    MAX_BYTES, //
};
use serde::Serialize;
use std::{
    fs::File,
    io::Read,
    path::Path, //
};

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
    #[derive(Serialize)]
    struct Show<'a> {
        schema_version: u32,
        cell: &'a str,
        phase: &'static str,
        windows: u32,
        windows_needed: u32,
        directories: usize,
        directories_overflowed: bool,
        params: Vec<ParamReport>,
    }

    let mut control = Control::open()?;
    let cell = control.cell(name)?;
    let params = control.params()?;
    let profile = verify(&control.profile(name)?, &format!("cell \"{name}\""))?;
    let dirs = profile.dirs();
    if output.is_json() {
        let own = params.iter().filter(|param| param.cell == cell.id);
        return output.object(&Show {
            schema_version: SCHEMA_VERSION,
            cell: name,
            phase: cell.phase_name(),
            windows: cell.windows,
            windows_needed: cell.windows_needed,
            directories: dirs.len(),
            directories_overflowed: dirs.is_overflowed(),
            params: own.map(ParamReport::new).collect(),
        });
    }
    output.line(format!("cell             {}", text::name(name.as_bytes())))?;
    output.line(format!("phase            {}", phase(&cell)))?;
    output.line(format!("windows learned  {}", profile.windows()))?;
    let overflow = if dirs.is_overflowed() {
        ", more than fit: every directory counts as known"
    } else {
        ""
    };
    output.line(format!("directories      {}{overflow}", dirs.len()))?;
    output.line("")?;
    output.table(&parameters(&cell, &params))
}

fn export(output: &Output, name: &str, file: Option<&Path>) -> Result<()> {
    #[derive(Serialize)]
    struct Export<'a> {
        schema_version: u32,
        cell: &'a str,
        bytes: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        image_base64: Option<String>,
    }

    let image = Control::open()?.profile(name)?;
    let file = file.filter(|path| *path != Path::new("-"));
    if let Some(path) = file {
        let doing = path.display().to_string();
        std::fs::write(path, &image).map_err(|e| Error::io(&doing, &e))?;
    }
    if output.is_json() {
        return output.object(&Export {
            schema_version: SCHEMA_VERSION,
            cell: name,
            bytes: image.len(),
            file: file.map(|path| path.display().to_string()),
            image_base64: file.is_none().then(|| base64(&image)),
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
        None => output.raw(&image),
    }
}

fn import(output: &Output, name: &str, path: &Path, dry_run: bool) -> Result<()> {
    #[derive(Serialize)]
    struct Import<'a> {
        schema_version: u32,
        cell: &'a str,
        loaded: bool,
        windows: u32,
        phase: &'static str,
        directories: usize,
    }

    let what = path.display().to_string();
    // CAST: a small constant; one byte more shows that the file is too long.
    let most = MAX_BYTES as u64 + 1;
    let mut image = Vec::new();
    let read = if what == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut image)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut image))
    };
    read.map_err(|e| Error::io(&what, &e))?;
    let profile = verify(&image, &what)?;
    if !dry_run {
        Control::open()?.upload(ImageKind::Profile, Some(name), &image)?;
    }
    if output.is_json() {
        return output.object(&Import {
            schema_version: SCHEMA_VERSION,
            cell: name,
            loaded: !dry_run,
            windows: profile.windows(),
            phase: profile.phase().name(),
            directories: profile.dirs().len(),
        });
    }
    let learned = format!(
        "{} windows, {} directories, {}",
        profile.windows(),
        profile.dirs().len(),
        profile.phase().name()
    );
    output.line(if dry_run {
        format!("{what}: {learned}, ok")
    } else {
        format!("cell \"{name}\": profile of {learned}")
    })
}

fn reset(output: &Output, cell: Option<&str>) -> Result<()> {
    #[derive(Serialize)]
    struct Reset<'a> {
        schema_version: u32,
        cell: Option<&'a str>,
    }

    Control::open()?.profile_reset(cell)?;
    if output.is_json() {
        return output.object(&Reset {
            schema_version: SCHEMA_VERSION,
            cell,
        });
    }
    output.line(match cell {
        Some(name) => format!("cell \"{name}\": learns anew"),
        None => "all cells learn anew".to_owned(),
    })
}
