// SPDX-License-Identifier: GPL-2.0

//! `kisctl cell`: load, list, show, unload, check.

use crate::{
    args::{
        Cell as Verb,
        Load, //
    },
    cell_file::{
        self,
        CellFile,
        Warning, //
    },
    control::{
        self,
        Control,
        ImageKind,
        ParamState, //
    },
    document::{
        refuse,
        Document,
        Faults, //
    },
    error::Result,
    output::{
        note,
        Colour,
        Field,
        Output,
        Table,
        SCHEMA_VERSION, //
    },
    schema::Schema,
    text::{
        self,
        q16,
        q16_f64, //
    }, //
};
use serde::Serialize;
use std::path::Path;

/// Runs one of the verbs; the exit code.
pub fn run(output: &Output, verb: &Verb) -> Result<u8> {
    match verb {
        Verb::Load(load) => self::load(output, load).map(|()| 0),
        Verb::List => list(output).map(|()| 0),
        Verb::Show { name } => show(output, name).map(|()| 0),
        Verb::Unload => unload(output).map(|()| 0),
        Verb::Check { file } => check(output, file),
    }
}

/// Reads and checks a cell file.
pub fn read(path: &Path) -> Result<Result<CellFile, Faults>> {
    let document = match Document::read(path)? {
        Ok(document) => document,
        Err(faults) => return Ok(Err(faults)),
    };
    let file: CellFile = match document.check(&Schema::cells()) {
        Ok(file) => file,
        Err(faults) => return Ok(Err(faults)),
    };
    let faults = cell_file::faults(&document, &file);
    Ok(if faults.is_empty() {
        Ok(file)
    } else {
        Err(faults)
    })
}

/// What `load` and `check` say.
#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    file: String,
    valid: bool,
    loaded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u32>,
    image_bytes: usize,
    cells: Vec<&'a str>,
    warnings: &'a [Warning],
}

fn warn(output: &Output, warnings: &[Warning]) {
    if output.is_json() {
        return;
    }
    for warning in warnings {
        note(format!("cell \"{}\": {}", warning.cell, warning.text));
    }
}

fn report(
    output: &Output,
    path: &Path,
    file: &CellFile,
    warnings: &[Warning],
    image: &[u8],
    generation: Option<u32>,
) -> Result<()> {
    let cells: Vec<&str> = file.cells.iter().map(|cell| &*cell.name).collect();
    // CAST: a length always fits 64 bits.
    let count = text::count(cells.len() as u64, "cell");
    let size = text::bytes(image.len() as u64);
    if output.is_json() {
        return output.object(&Report {
            schema_version: SCHEMA_VERSION,
            file: path.display().to_string(),
            valid: true,
            loaded: generation.is_some(),
            generation,
            image_bytes: image.len(),
            cells,
            warnings,
        });
    }
    output.line(match generation {
        Some(generation) => format!("{count} loaded as configuration {generation}"),
        None => format!("{}: {count}, {size}, ok", path.display()),
    })
}

fn load(output: &Output, load: &Load) -> Result<()> {
    let mut file = read(&load.file)?.map_err(|faults| refuse(&faults))?;
    let warnings = cell_file::resolve_programs(&mut file);
    warn(output, &warnings);
    let image = cell_file::image(&file)?;
    let generation = if load.dry_run {
        None
    } else {
        Some(Control::open()?.upload(ImageKind::Cells, None, &image)?)
    };
    report(output, &load.file, &file, &warnings, &image, generation)
}

fn check(output: &Output, path: &Path) -> Result<u8> {
    let mut file = match read(path)? {
        Ok(file) => file,
        Err(faults) => return super::tell_faults(output, path, &faults),
    };
    let warnings = cell_file::resolve_programs(&mut file);
    warn(output, &warnings);
    let image = cell_file::image(&file)?;
    report(output, path, &file, &warnings, &image, None).map(|()| 0)
}

fn unload(output: &Output) -> Result<()> {
    #[derive(Serialize)]
    struct Unloaded {
        schema_version: u32,
        generation: u32,
    }

    let generation = Control::open()?.cell_unload()?;
    if output.is_json() {
        return output.object(&Unloaded {
            schema_version: SCHEMA_VERSION,
            generation,
        });
    }
    output.line("no cell is loaded any more")
}

/// A cell as JSON.
#[derive(Serialize)]
pub struct CellReport {
    id: u32,
    name: String,
    program: String,
    arguments: String,
    mode: &'static str,
    phase: &'static str,
    tolerization: &'static str,
    windows: u32,
    windows_needed: u32,
    window_ms: u32,
    danger: u8,
    danger_one_ms: u32,
    danger_two_ms: u32,
    processes: u32,
    denied: u64,
    would_deny: u64,
    killed: u64,
    would_kill: u64,
    matches: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<ParamReport>,
}

/// A parameter as JSON.
#[derive(Serialize)]
pub struct ParamReport {
    param: String,
    unit: &'static str,
    observed: u64,
    mean: f64,
    deviation: f64,
    peak: u64,
    n: u64,
    threshold_one: Option<u64>,
    threshold_two: Option<u64>,
    bound: Option<u64>,
}

impl ParamReport {
    /// What the kernel says about a parameter.
    pub fn new(param: &ParamState) -> Self {
        Self {
            param: param.name(),
            unit: param.param().map_or("", |param| param.unit().name()),
            observed: param.observed,
            mean: q16_f64(param.mean),
            deviation: q16_f64(param.deviation),
            peak: param.peak,
            n: param.n,
            threshold_one: param.threshold_one,
            threshold_two: param.threshold_two,
            bound: param.bound,
        }
    }
}

impl CellReport {
    /// What the kernel says about a cell.
    pub fn new(cell: &control::Cell, params: &[ParamState]) -> Self {
        Self {
            id: cell.id,
            name: cell.name.clone(),
            program: cell.program.clone(),
            arguments: cell.arguments.clone(),
            mode: cell.mode_name(),
            phase: cell.phase_name(),
            tolerization: tolerization(cell),
            windows: cell.windows,
            windows_needed: cell.windows_needed,
            window_ms: cell.window_ms,
            danger: cell.danger(),
            danger_one_ms: cell.danger_one_ms,
            danger_two_ms: cell.danger_two_ms,
            processes: cell.processes,
            denied: cell.denied,
            would_deny: cell.would_deny,
            killed: cell.killed,
            would_kill: cell.would_kill,
            matches: cell.matches,
            params: params
                .iter()
                .filter(|param| param.cell == cell.id)
                .map(ParamReport::new)
                .collect(),
        }
    }
}

fn tolerization(cell: &control::Cell) -> &'static str {
    if cell.hard {
        "hard"
    } else {
        "soft"
    }
}

/// The danger of a cell as a word in its colour.
pub fn danger(cell: &control::Cell) -> Field {
    match cell.danger() {
        2 => Field::new("TWO", Colour::Red),
        1 => Field::new("ONE", Colour::Yellow),
        _ => Field::new("calm", Colour::Green),
    }
}

/// The phase of a cell with its progress.
pub fn phase(cell: &control::Cell) -> String {
    if cell.is_learning() {
        format!("learning {}/{}", cell.windows, cell.windows_needed)
    } else {
        cell.phase_name().to_owned()
    }
}

fn list(output: &Output) -> Result<()> {
    #[derive(Serialize)]
    struct List {
        schema_version: u32,
        cells: Vec<CellReport>,
    }

    let cells = Control::open()?.cells()?;
    if output.is_json() {
        return output.object(&List {
            schema_version: SCHEMA_VERSION,
            cells: cells
                .iter()
                .map(|cell| CellReport::new(cell, &[]))
                .collect(),
        });
    }
    if cells.is_empty() {
        note("no cell is loaded (kisctl cell load FILE)");
    }
    let mut table = Table::new(&[
        "CELL", "PHASE", "DANGER", "MODE", ">PROCS", ">DENIED", ">KILLED", ">MATCHES", "PROGRAM",
    ]);
    for cell in &cells {
        table.row(vec![
            text::name(cell.name.as_bytes()).into(),
            phase(cell).into(),
            danger(cell),
            cell.mode_name().into(),
            cell.processes.into(),
            both(cell.denied, cell.would_deny).into(),
            both(cell.killed, cell.would_kill).into(),
            cell.matches.into(),
            text::name(cell.program.as_bytes()).into(),
        ]);
    }
    output.table(&table)
}

/// What was done, and what would have been done.
pub fn both(done: u64, would: u64) -> String {
    if would == 0 {
        done.to_string()
    } else {
        format!("{done} (+{would} observed)")
    }
}

fn show(output: &Output, name: &str) -> Result<()> {
    #[derive(Serialize)]
    struct Show {
        schema_version: u32,
        #[serde(flatten)]
        cell: CellReport,
    }

    let mut control = Control::open()?;
    let cell = control.cell(name)?;
    let params = control.params()?;
    if output.is_json() {
        return output.object(&Show {
            schema_version: SCHEMA_VERSION,
            cell: CellReport::new(&cell, &params),
        });
    }
    for (key, value) in [
        ("cell", text::name(cell.name.as_bytes())),
        ("program", text::name(cell.program.as_bytes())),
        ("arguments", text::name(cell.arguments.as_bytes())),
        ("mode", cell.mode_name().to_owned()),
        ("phase", phase(&cell)),
        ("tolerization", tolerization(&cell).to_owned()),
        ("window", text::duration_ms(cell.window_ms.into())),
        (
            "danger one for",
            text::duration_ms(cell.danger_one_ms.into()),
        ),
        (
            "danger two for",
            text::duration_ms(cell.danger_two_ms.into()),
        ),
        ("processes", cell.processes.to_string()),
        ("denied", both(cell.denied, cell.would_deny)),
        ("killed", both(cell.killed, cell.would_kill)),
        ("matches", cell.matches.to_string()),
    ] {
        output.line(format!("{key:<16} {value}"))?;
    }
    output.line("")?;
    output.table(&parameters(&cell, &params))
}

/// The parameters of a cell.
pub fn parameters(cell: &control::Cell, params: &[ParamState]) -> Table {
    let mut table = Table::new(&[
        "PARAMETER",
        ">LAST",
        ">MEAN",
        ">DEVIATION",
        ">PEAK",
        ">ONE",
        ">TWO",
        ">BOUND",
        "UNIT",
    ]);
    for param in params.iter().filter(|param| param.cell == cell.id) {
        table.row(vec![
            param.name().into(),
            Field::new(param.observed.to_string(), level(param)),
            q16(param.mean).into(),
            q16(param.deviation).into(),
            param.peak.into(),
            param.threshold_one.into(),
            param.threshold_two.into(),
            param.bound.into(),
            param.param().map_or("", |param| param.unit().name()).into(),
        ]);
    }
    table
}

/// Colour of a parameter by what its last value crosses.
pub fn level(param: &ParamState) -> Colour {
    let over = |line: Option<u64>| line.is_some_and(|line| param.observed > line);
    if over(param.threshold_two) || over(param.bound) {
        Colour::Red
    } else if over(param.threshold_one) {
        Colour::Yellow
    } else {
        Colour::Plain
    }
}
