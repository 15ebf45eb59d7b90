// SPDX-License-Identifier: GPL-2.0

//! The cell file: its types, what its schema cannot say, and its image.
//!
//! `Documentation/schema/kis-cells.schema.json` documents every key; a test holds the two together.

mod bound;
pub mod expect;
pub mod loaded;
pub mod program;
pub mod scans;

use crate::{
    cell_file::{
        expect::{
            Expect,
            Patterns, //
        },
        program::{
            absence,
            is_usable,
            oddity,
            resolved, //
        },
        scans::Scans, //
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
        Fault,
        Faults,
        Warning, //
    },
    error::{
        Error,
        Result, //
    },
    schema::Schema,
    text,
    view::value::Object, //
};
use kis_core::{
    cells::{
        encode_with,
        room,
        CellSpec,
        SCANS, //
    },
    paths::path::is_clean,
    sense::bound::{
        Bounds,
        NO_BOUNDS, //
    },
    sense::budget::{
        Budget,
        MONTH_DAYS, //
    },
    sense::class::{
        Class,
        ClassSet, //
    },
    wire::abi::{
        CellMode,
        Op,
        OpSet,
        Param,
        PATH_LEN, //
    }, //
};
use serde::{
    Deserialize,
    Serialize, //
};
use std::collections::{
    BTreeMap,
    HashMap, //
};

pub use bound::Bound;

/// The whole file.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::CellFile;
///
/// let text = r#"{"version": 1, "cells": [{"name": "dns", "program": "/usr/sbin/unbound"}]}"#;
/// let file: CellFile = serde_json::from_str(text)?;
/// assert_eq!(file.cells[0].program, "/usr/sbin/unbound");
/// assert!(serde_json::from_str::<CellFile>(r#"{"version": 1, "cels": []}"#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CellFile {
    /// For editors.
    #[serde(rename = "$schema", default, skip_serializing)]
    pub schema: Option<String>,
    /// Always 1.
    pub version: u32,
    /// The cells.
    pub cells: Vec<Cell>,
    /// What is a scan of the host; without it nobody looks for scans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scans: Option<Scans>,
}

/// One cell.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::Cell;
///
/// let cell: Cell = serde_json::from_str(r#"{"name": "dns", "program": "/usr/sbin/unbound"}"#)?;
/// // All that was left out has its default.
/// assert_eq!((cell.arguments.as_str(), cell.window_ms), ("*", 1000));
/// assert!(cell.forbid.iter().any(|op| op == "ptrace"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Cell {
    pub name: String,
    pub program: String,
    #[serde(default = "any")]
    pub arguments: String,
    #[serde(default)]
    pub mode: ModeSetting,
    #[serde(default = "second")]
    pub window_ms: u32,
    #[serde(default)]
    pub tolerization: Tolerization,
    #[serde(default)]
    pub thresholds: Thresholds,
    #[serde(default)]
    pub bounds: BTreeMap<String, Bound>,
    #[serde(default)]
    pub expect: Expect,
    #[serde(default)]
    pub files: Files,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<bool>,
    #[serde(default = "default_forbid")]
    pub forbid: Vec<String>,
    #[serde(default)]
    pub danger_one: DangerOne,
    #[serde(default)]
    pub danger_two: DangerTwo,
}

/// Programs that people come by way of.
const LOGINS: [&str; 4] = ["sshd", "login", "dropbear", "in.telnetd"];

impl Cell {
    /// Whether what it starts for people is theirs: as the file says, or because it is there for that.
    pub fn has_sessions(&self) -> bool {
        let name = self.program.rsplit('/').next().unwrap_or_default();
        self.sessions.unwrap_or_else(|| LOGINS.contains(&name))
    }
}

/// A cell's own mode.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::ModeSetting;
///
/// assert_eq!(serde_json::from_str::<ModeSetting>("\"enforce\"")?, ModeSetting::Enforce);
/// assert_eq!(ModeSetting::default(), ModeSetting::Inherit);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub enum ModeSetting {
    #[default]
    Inherit,
    Observe,
    Enforce,
}

/// How a cell learns.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::{Kind, Tolerization};
///
/// let learning: Tolerization = serde_json::from_str(r#"{"kind": "hard"}"#)?;
/// assert_eq!((learning.kind, learning.windows), (Kind::Hard, 60));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Tolerization {
    pub kind: Kind,
    pub windows: u32,
}

/// Soft or hard tolerization.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::Kind;
///
/// assert_eq!(serde_json::to_string(&Kind::Soft)?, "\"soft\"");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub enum Kind {
    Soft,
    Hard,
}

/// Where danger begins: a budget of false alarms, or factors of the deviation.
///
/// # Examples
///
/// ```
/// use kis_core::sense::budget::Budget;
/// use kisctl::cell_file::Thresholds;
///
/// let factors: Thresholds = serde_json::from_str(r#"{"two": 12}"#)?;
/// let (one_q16, two_q16) = (4 << 16, 12 << 16);
/// assert_eq!(factors.limits(1000), Budget::Deviations { one_q16, two_q16 });
/// let nothing: Thresholds = serde_json::from_str("{}")?;
/// assert_eq!(nothing.limits(1000), Budget::usual(1000));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Thresholds {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Alarms>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two: Option<f64>,
}

/// How many false alarms are put up with.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::Alarms;
///
/// let alarms: Alarms = serde_json::from_str(r#"{"one_per_day": 0.5}"#)?;
/// assert_eq!((alarms.one_per_day, alarms.two_per_month), (0.5, 1.0));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Alarms {
    pub one_per_day: f64,
    pub two_per_month: f64,
}

/// The file tree.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::Files;
///
/// let files: Files = serde_json::from_str(r#"{"write": ["/var/lib/dns"]}"#)?;
/// assert!(files.learn && files.exec.is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct Files {
    pub learn: bool,
    pub read: Vec<String>,
    pub write: Vec<String>,
    pub exec: Vec<String>,
}

/// Danger signal one.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::DangerOne;
///
/// assert_eq!(DangerOne::default().hold_ms, 10_000);
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct DangerOne {
    pub hold_ms: u32,
}

/// Danger signal two.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::DangerTwo;
///
/// let danger: DangerTwo = serde_json::from_str(r#"{"deny": ["exec"], "ban_s": 60}"#)?;
/// assert_eq!(danger.deny, ["exec"]);
/// assert!(danger.kill_connections);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "the schema documents the keys")]
pub struct DangerTwo {
    pub hold_ms: u32,
    pub deny: Vec<String>,
    pub kill_connections: bool,
    pub ban_s: u32,
}

fn any() -> String {
    "*".to_owned()
}

fn second() -> u32 {
    1000
}

fn default_forbid() -> Vec<String> {
    [Op::Ptrace, Op::ModuleLoad, Op::Mknod, Op::Sysctl]
        .map(op_word)
        .to_vec()
}

impl Default for Tolerization {
    fn default() -> Self {
        Self {
            kind: Kind::Soft,
            windows: 60,
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            budget: Some(Alarms::default()),
            one: None,
            two: None,
        }
    }
}

impl Default for Alarms {
    fn default() -> Self {
        Self {
            one_per_day: 1.0,
            two_per_month: 1.0,
        }
    }
}

impl Thresholds {
    /// The factors of the deviation, if the file names one.
    fn factors(&self) -> Option<(f64, f64)> {
        let is_named = self.one.is_some() || self.two.is_some();
        is_named.then(|| (self.one.unwrap_or(4.0), self.two.unwrap_or(8.0)))
    }

    /// What the kernel draws the lines for, in windows of that length.
    pub fn limits(&self, window_ms: u32) -> Budget {
        if let Some((one, two)) = self.factors() {
            return Budget::Deviations {
                one_q16: q16(one),
                two_q16: q16(two),
            };
        }
        let alarms = self.budget.clone().unwrap_or_default();
        Budget::Alarms {
            one_per_day_q16: q16(alarms.one_per_day),
            two_per_month_q16: q16(alarms.two_per_month),
            window_ms,
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        Self {
            learn: true,
            read: vec![],
            write: vec![],
            exec: vec![],
        }
    }
}

impl Default for DangerOne {
    fn default() -> Self {
        Self { hold_ms: 10_000 }
    }
}

impl Default for DangerTwo {
    fn default() -> Self {
        Self {
            hold_ms: 10_000,
            // What is of the self goes on in danger, and what is not is denied anyway.
            deny: vec![],
            kill_connections: true,
            ban_s: 0,
        }
    }
}

/// The name of an operation in files and output.
pub fn op_word(op: Op) -> String {
    text::word(op.name())
}

/// The operation of that name.
fn op_named(word: &str) -> Option<Op> {
    Op::ALL.iter().copied().find(|op| op_word(*op) == word)
}

/// Checks what the schema cannot say.
pub fn faults(document: &Document, file: &CellFile) -> Faults {
    let mut faults = Vec::new();
    faults.extend(file.scans.as_ref().and_then(|scans| scans.fault(document)));
    let mut names = HashMap::new();
    for (at, cell) in file.cells.iter().enumerate() {
        let pointer = |key: &str| format!("/cells/{at}{key}");
        if let Some(first) = names.insert(cell.name.clone(), at) {
            faults.push(document.fault(
                &pointer("/name"),
                format!("the name \"{}\" is that of /cells/{first} too", cell.name),
                "give each cell a name of its own",
            ));
        }
        faults.extend(path_fault(document, &pointer("/program"), &cell.program));
        if cell.program == "/" {
            faults.push(document.fault(
                &pointer("/program"),
                "\"/\" is no program",
                "give the path of an executable",
            ));
        }
        if cell.arguments.len() >= PATH_LEN || cell.arguments.contains('\0') {
            faults.push(document.fault(
                &pointer("/arguments"),
                "the pattern is longer than 255 bytes or has a NUL",
                "shorten it with *",
            ));
        }
        faults.extend(threshold_faults(
            document,
            &pointer("/thresholds"),
            &cell.thresholds,
        ));
        for (name, bound) in &cell.bounds {
            faults.extend(bound.fault(document, &pointer(&format!("/bounds/{name}"))));
        }
        faults.extend(expect::faults(document, &pointer("/expect"), cell));
        for (key, list) in [
            ("read", &cell.files.read),
            ("write", &cell.files.write),
            ("exec", &cell.files.exec),
        ] {
            for (entry, path) in list.iter().enumerate() {
                let pointer = pointer(&format!("/files/{key}/{entry}"));
                faults.extend(path_fault(document, &pointer, path));
            }
        }
    }
    faults
}

/// What is wrong with where danger begins.
fn threshold_faults(document: &Document, pointer: &str, thresholds: &Thresholds) -> Faults {
    let mut faults = Vec::new();
    let factors = thresholds.factors();
    if factors.is_some() && thresholds.budget.is_some() {
        faults.push(document.fault(
            pointer,
            "thresholds have a budget of alarms and factors of the deviation",
            "keep the budget, or one and two",
        ));
    }
    if let Some((one, two)) = factors.filter(|(one, two)| two < one) {
        faults.push(document.fault(
            pointer,
            format!("threshold two ({two}) is below threshold one ({one})"),
            "danger signal two is the later one: raise two or lower one",
        ));
    }
    // CAST: 30.
    let month = MONTH_DAYS as f64;
    let alarms = thresholds.budget.as_ref();
    if let Some(alarms) = alarms.filter(|a| a.two_per_month > a.one_per_day * month) {
        faults.push(document.fault(
            &format!("{pointer}/budget"),
            format!(
                "{} alarms of danger two a month are more than {} of danger one a day",
                alarms.two_per_month, alarms.one_per_day
            ),
            "danger signal two is the later one: lower two_per_month or raise one_per_day",
        ));
    }
    faults
}

/// What is wrong with a path, if anything.
fn path_fault(document: &Document, pointer: &str, path: &str) -> Option<Fault> {
    if path.len() >= PATH_LEN {
        let message = format!("the path has {} bytes, more than 255", path.len());
        return Some(document.fault(
            pointer,
            message,
            "the kernel keeps paths of at most 255 bytes",
        ));
    }
    (!is_clean(path.as_bytes())).then(|| {
        document.fault(
            pointer,
            format!(
                "\"{}\" is not a clean absolute path",
                text::name(path.as_bytes())
            ),
            "write it without //, /./, /../ and without a slash at its end",
        )
    })
}

/// A cell file that is right, with its programs as this machine has them.
///
/// # Examples
///
/// ```
/// use kisctl::cell_file::Resolved;
/// use kisctl::configuration::{self, Configuration};
/// use kisctl::document::Document;
///
/// let text = br#"{"version": 1, "cells": [{"name": "dns", "program": "/no/such"}]}"#;
/// let document = Document::parse("c.json", text.to_vec()).expect("JSON");
/// let cells: Resolved = configuration::of(&document).expect("a cell file");
/// assert!(cells.warnings()[0].text.starts_with("/no/such: No such file"));
/// assert!(kis_core::cells::Cells::verify(cells.image().expect("an image")).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The file; symbolic links are replaced by what they lead to.
    pub file: CellFile,
    /// What is odd about it.
    pub warnings: Vec<Warning>,
}

impl Configuration for Resolved {
    const NOUN: &'static str = "cell";
    const IMAGE: ImageKind = ImageKind::Cells;
    type File = CellFile;

    fn schema() -> Schema {
        Schema::cells()
    }

    fn new(document: &Document, mut file: CellFile) -> Result<Self, Faults> {
        let faults = faults(document, &file);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut warnings = resolve_programs(&mut file);
        warnings.extend(file.cells.iter_mut().flat_map(expect::generalise));
        warnings.extend(missing_places(&file));
        warnings.extend(hidden_cells(&file));
        Ok(Self { file, warnings })
    }

    fn count(&self) -> usize {
        self.file.cells.len()
    }

    fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    fn image(&self) -> Result<Vec<u8>> {
        image(&self.file)
    }

    fn size(&self) -> Option<String> {
        None
    }

    fn details(&self, image_bytes: usize) -> Object {
        let names = self.file.cells.iter().map(|cell| cell.name.clone());
        Object::new()
            .with("image_bytes", image_bytes)
            .with("cells", names.collect::<Vec<_>>())
            .with("warnings", configuration::warnings(&self.warnings))
    }

    fn oddities(&self, _: &mut Control) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn forget(control: &mut Control) -> Result<u32> {
        control.cell_unload()
    }
}

/// Looks at the programs on this machine: replaces symbolic links by what they lead to, because
/// the kernel compares the path that it executes, and warns about what will never match.
pub fn resolve_programs(file: &mut CellFile) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for cell in &mut file.cells {
        let warn = |text: String| Warning {
            about: About::Cell(cell.name.clone()),
            text,
        };
        let resolved = resolved(&cell.program);
        match &resolved {
            Some(target) if is_usable(target) => {
                warnings.push(warn(format!(
                    "{} is a symbolic link: using {target}, which is what the kernel executes",
                    cell.program
                )));
                cell.program.clone_from(target);
            }
            _ => {}
        }
        let odd = oddity(&cell.program);
        warnings.extend(odd.map(|text| Warning {
            about: About::Cell(cell.name.clone()),
            text,
        }));
    }
    warnings
}

/// Prefixes that nothing lies below: probably misspelt.
fn missing_places(file: &CellFile) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for cell in &file.cells {
        let lists = [
            ("read", &cell.files.read),
            ("write", &cell.files.write),
            ("exec", &cell.files.exec),
        ];
        for (key, path) in lists
            .iter()
            .flat_map(|(key, list)| list.iter().map(move |p| (key, p)))
        {
            if let Some(why) = absence(path) {
                warnings.push(Warning {
                    about: About::Cell(cell.name.clone()),
                    text: format!(
                        "files.{key}: {path}: {why}; the prefix allows nothing until it is there"
                    ),
                });
            }
        }
    }
    warnings
}

/// Cells whose processes are all taken by an earlier one: the first that fits counts.
fn hidden_cells(file: &CellFile) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (at, cell) in file.cells.iter().enumerate() {
        let earlier = file.cells.get(..at).unwrap_or_default();
        let hides = |other: &&Cell| {
            other.program == cell.program
                && (other.arguments == "*" || other.arguments == cell.arguments)
        };
        if let Some(first) = earlier.iter().find(hides) {
            warnings.push(Warning {
                about: About::Cell(cell.name.clone()),
                text: format!(
                    "it never has a process: \"{}\" has the same program, comes first and takes all \
                     arguments that fit; put the one with the closer \"arguments\" first",
                    first.name
                ),
            });
        }
    }
    warnings
}

/// The image for the kernel.
pub fn image(file: &CellFile) -> Result<Vec<u8>> {
    fn bytes(list: &[String]) -> Vec<&[u8]> {
        list.iter().map(String::as_bytes).collect()
    }
    let trees: Vec<[Vec<&[u8]>; 3]> = file
        .cells
        .iter()
        .map(|cell| [&cell.files.read, &cell.files.write, &cell.files.exec].map(|l| bytes(l)))
        .collect();
    let lists: Vec<(ClassSet, Patterns)> = file
        .cells
        .iter()
        .map(|cell| expect::lists(&cell.expect))
        .collect();
    let patterns: Vec<Vec<(Class, &[u8])>> = lists
        .iter()
        .map(|(_, list)| list.iter().map(|(class, p)| (*class, &p[..])).collect())
        .collect();
    let expected = lists.iter().map(|(classes, _)| *classes).zip(&patterns);
    let specs: Vec<CellSpec<'_>> = file
        .cells
        .iter()
        .zip(trees.iter().zip(expected))
        .map(
            |(cell, ([read, write, exec], (classes, expected)))| CellSpec {
                name: cell.name.as_bytes(),
                program: cell.program.as_bytes(),
                arguments: cell.arguments.as_bytes(),
                mode: match cell.mode {
                    ModeSetting::Inherit => CellMode::Inherit,
                    ModeSetting::Observe => CellMode::Observe,
                    ModeSetting::Enforce => CellMode::Enforce,
                },
                window_ms: cell.window_ms,
                learn_windows: cell.tolerization.windows,
                hard: cell.tolerization.kind == Kind::Hard,
                learn: cell.files.learn,
                sessions: cell.has_sessions(),
                kill_connections: cell.danger_two.kill_connections,
                budget: cell.thresholds.limits(cell.window_ms),
                hold_one_ms: cell.danger_one.hold_ms,
                hold_two_ms: cell.danger_two.hold_ms,
                ban_s: cell.danger_two.ban_s,
                forbid: op_set(&cell.forbid),
                deny: op_set(&cell.danger_two.deny),
                bounds: bounds(&cell.bounds),
                trees: [read, write, exec],
                expected,
                expected_classes: classes,
            },
        )
        .collect();
    let scans = file.scans.as_ref().map(Scans::limits);
    let mut image = vec![0; room(&specs) + SCANS];
    let len = encode_with(&specs, scans, &mut image).map_err(|e| {
        Error::failed(format!("the cells do not make an image: {e}")).next("see kisctl limits")
    })?;
    image.truncate(len);
    Ok(image)
}

/// A factor or a number of alarms with 16 fractional bits.
fn q16(number: f64) -> u32 {
    // CAST: the schema keeps factors to 1024 and alarms to 10000; the cast saturates.
    (number * 65536.0).round() as u32
}

fn op_set(words: &[String]) -> OpSet {
    words
        .iter()
        .filter_map(|word| op_named(word))
        .fold(OpSet::EMPTY, OpSet::with)
}

fn bounds(bounds: &BTreeMap<String, Bound>) -> Bounds {
    let mut all = NO_BOUNDS;
    for (name, bound) in bounds {
        if let Some(param) = Param::from_name(name.as_bytes()) {
            all[param.index()] = bound.limit();
        }
    }
    all
}

#[cfg(test)]
mod tests;
