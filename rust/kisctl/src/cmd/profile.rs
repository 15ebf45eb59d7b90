// SPDX-License-Identifier: GPL-2.0

//! `kisctl profile`: show, export, import, accept, diff, reset.

pub(super) mod accept;
pub(super) mod diff;

use crate::{
    args::Profile as Verb,
    control::{
        Cell,
        Control, //
    },
    error::{
        Error,
        Kind,
        Result, //
    },
    files,
    input,
    output::{
        note,
        Output, //
    },
    profile_file::{
        build_of,
        Saved, //
    },
    text::{
        self,
        base64, //
    },
    view::{
        cell::WIDTH,
        class,
        field::{
            columns,
            lines,
            object,
            objects,
            Face, //
        },
        item::{
            self,
            Row, //
        },
        profile::{
            self,
            Learned,
            FIELDS, //
        },
        sum,
        value::Object, //
    }, //
};
use kis_core::sense::{
    class::Class,
    profile::MAX_BYTES, //
};
use std::path::Path;

/// Runs one of the verbs.
pub fn run(output: &Output, verb: &Verb) -> Result<()> {
    match verb {
        Verb::Show { cell, items, class } => show(output, cell, *items || class.is_some(), *class),
        Verb::Export { cell, file, force } => export(output, cell, file.as_deref(), *force),
        Verb::Import {
            cell,
            file,
            dry_run,
            force,
        } => import(output, cell, file, *dry_run, *force),
        Verb::Accept(what) => accept::run(output, what),
        Verb::Diff { a, b } => diff::run(output, a, b),
        Verb::Reset { cell, .. } => reset(output, cell.as_deref()),
    }
}

fn show(output: &Output, name: &str, items: bool, class: Option<Class>) -> Result<()> {
    let mut control = Control::open()?;
    let cell = control.cell(name)?;
    let learned = Learned {
        params: control.params()?,
        saved: Saved::of_cell(&mut control, &cell.name)?,
        cell,
    };
    if items {
        tell_items(output, &learned, class)
    } else {
        tell_show(output, &learned)
    }
}

/// What a cell has learned.
pub(super) fn tell_show(output: &Output, learned: &Learned) -> Result<()> {
    if output.is_json() {
        return output.object(&Object::report().and(object(FIELDS, learned)));
    }
    lines(output, FIELDS, learned, WIDTH)?;
    output.line("")?;
    output.table(&profile::table(learned))?;
    let sums = learned.sums();
    if !sums.is_empty() {
        output.line("")?;
        output.table(&sum::table(&sums))?;
    }
    let classes = learned.classes();
    if classes.is_empty() {
        return Ok(());
    }
    output.line("")?;
    output.table(&columns(class::FIELDS, Face::Column, &classes))
}

/// The items of its repertoire, or those of a class.
pub(super) fn tell_items(output: &Output, learned: &Learned, class: Option<Class>) -> Result<()> {
    let rows = Row::all(&learned.saved.repertoire, class);
    if output.is_json() {
        let report = Object::report().with("cell", learned.cell.name.clone());
        return output.object(&report.with("repertoire", objects(item::FIELDS, &rows)));
    }
    if rows.is_empty() {
        note(match (learned.cell.has_repertoire(), class) {
            (false, _) => "the cell has no repertoire: files.learn is false".to_owned(),
            (true, None) => "nothing is known yet".to_owned(),
            (true, Some(class)) => format!("nothing of class {} is known", class.name()),
        });
    }
    output.table(&columns(item::FIELDS, Face::Column, &rows))
}

fn export(output: &Output, name: &str, file: Option<&Path>, force: bool) -> Result<()> {
    let mut control = Control::open()?;
    let cell = control.cell(name)?;
    let mut saved = Saved::of_cell(&mut control, name)?;
    let build = build_of(&cell.program);
    if let Err(e) = &build {
        note(format!(
            "{}: {e}; the profile does not say which build it was learned from",
            cell.program
        ));
    }
    saved.belongs_to(&cell, build.ok());
    save(output, name, &saved.encode()?, file, force)
}

/// Saves a profile, and says so.
pub(super) fn save(
    output: &Output,
    name: &str,
    image: &[u8],
    file: Option<&Path>,
    force: bool,
) -> Result<()> {
    let file = file.filter(|path| *path != Path::new("-"));
    if let Some(path) = file {
        files::write(path, image, force)?;
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

fn import(output: &Output, name: &str, path: &Path, dry_run: bool, force: bool) -> Result<()> {
    let what = path.display().to_string();
    // CAST: a small constant.
    let image = input::read(path, MAX_BYTES as u64)?;
    let saved = Saved::read(&image, &what)?;
    match Control::open() {
        // A file can be verified anywhere.
        Err(e) if dry_run && matches!(e.kind(), Kind::Absent | Kind::NotPermitted) => {
            note("whether it fits the cell is not known without the module");
        }
        Err(e) => return Err(e),
        Ok(mut control) => {
            let cell = control.cell(name)?;
            if !force {
                fit(&saved, &what, &cell, &control.cells()?)?;
            }
            if !dry_run {
                control.profile_import(name, &image, force)?;
            }
        }
    }
    tell_import(output, name, &what, &saved, dry_run)
}

/// Refuses a profile that was learned by another program.
fn fit(saved: &Saved, what: &str, cell: &Cell, cells: &[Cell]) -> Result<()> {
    let Some(why) = saved.misfit(cell, build_of(&cell.program), cells) else {
        return Ok(());
    };
    let name = &cell.name;
    Err(
        Error::failed(format!("{what}: not a profile for cell \"{name}\": {why}")).next(format!(
            "learn anew with kisctl profile reset {name}, or give --force if what was learned still holds"
        )),
    )
}

/// A profile that was verified or imported.
pub(super) fn tell_import(
    output: &Output,
    name: &str,
    what: &str,
    saved: &Saved,
    dry_run: bool,
) -> Result<()> {
    let (windows, items) = (saved.profile.windows(), saved.repertoire.items().len());
    let phase = saved.profile.phase().name();
    if output.is_json() {
        let report = Object::report()
            .with("cell", name.to_owned())
            .with("loaded", !dry_run)
            .with("windows", windows)
            .with("phase", phase)
            .with("items", items);
        return output.object(&report);
    }
    // CAST: a length always fits 64 bits.
    let (windows, items) = (
        text::count(windows.into(), "window"),
        text::count(items as u64, "item"),
    );
    let learned = format!("{windows}, {items}, {phase}");
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
