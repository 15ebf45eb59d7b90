// SPDX-License-Identifier: GPL-2.0

//! `kisctl doctor`: can this kernel run KIS, and what is missing?

use crate::{
    cell_file::{
        program::oddity,
        Resolved, //
    },
    configuration,
    control::Control,
    device,
    error::{
        Kind,
        Result, //
    },
    output::{
        Colour,
        Output,
        SCHEMA_VERSION, //
    },
    uapi, //
};
use nix::sys::utsname::uname;
use serde::Serialize;
use std::{
    fs,
    os::unix::fs::{
        FileTypeExt,
        MetadataExt, //
    },
    path::Path, //
};

/// `CAP_MAC_ADMIN` of `linux/capability.h`.
const CAP_MAC_ADMIN: u32 = 33;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Finding {
    /// All is well.
    Ok,
    /// KIS runs, but not as it could.
    Warn,
    /// KIS cannot run.
    Fail,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    result: Finding,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl Check {
    fn ok(name: &'static str, text: impl Into<String>) -> Self {
        Self {
            name,
            result: Finding::Ok,
            text: text.into(),
            next: None,
        }
    }

    fn bad(
        name: &'static str,
        result: Finding,
        text: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            name,
            result,
            text: text.into(),
            next: Some(next.into()),
        }
    }
}

/// Runs all checks; exit code 0 when none failed.
pub fn run(output: &Output, cells: Option<&Path>) -> Result<u8> {
    #[derive(Serialize)]
    struct Report<'a> {
        schema_version: u32,
        can_run: bool,
        checks: &'a [Check],
    }

    let mut checks = vec![kernel(), boot_parameter(), lsm(), lockdown()];
    checks.extend(module());
    checks.extend([device_node(), capability()]);
    checks.extend(configuration());
    checks.extend(cells.map(cell_file));
    let can_run = checks.iter().all(|check| check.result != Finding::Fail);
    if output.is_json() {
        output.object(&Report {
            schema_version: SCHEMA_VERSION,
            can_run,
            checks: &checks,
        })?;
    } else {
        for check in &checks {
            let (colour, word) = match check.result {
                Finding::Ok => (Colour::Green, "ok  "),
                Finding::Warn => (Colour::Yellow, "warn"),
                Finding::Fail => (Colour::Red, "FAIL"),
            };
            let word = output.paint(colour, word);
            output.line(format!("{word}  {:<14} {}", check.name, check.text))?;
            if let Some(next) = &check.next {
                output.line(format!("      {:<14} -> {next}", ""))?;
            }
        }
    }
    Ok(if can_run { 0 } else { exit_code(&checks) })
}

/// 5 when the module is missing or another one, else 1.
fn exit_code(checks: &[Check]) -> u8 {
    let failed = |name| {
        checks
            .iter()
            .any(|check| check.name == name && check.result == Finding::Fail)
    };
    if failed("module") || failed("abi") {
        Kind::Absent as u8
    } else {
        Kind::Failed as u8
    }
}

fn kernel() -> Check {
    match uname() {
        Ok(name) => Check::ok(
            "kernel",
            format!(
                "{} {}",
                name.release().to_string_lossy(),
                name.machine().to_string_lossy()
            ),
        ),
        Err(e) => Check::bad(
            "kernel",
            Finding::Warn,
            format!("unknown: {e}"),
            "see uname -a",
        ),
    }
}

fn boot_parameter() -> Check {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    let last = line
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("kis.off="))
        .next_back();
    match last {
        Some("1" | "y" | "Y" | "on") => Check::bad(
            "boot parameter",
            Finding::Fail,
            "kis.off=1 keeps KIS away",
            "boot without kis.off=1",
        ),
        _ => Check::ok("boot parameter", "kis.off is not set"),
    }
}

fn lsm() -> Check {
    let path = "/sys/kernel/security/lsm";
    let Ok(list) = fs::read_to_string(path) else {
        return Check::bad(
            "lsm",
            Finding::Fail,
            format!("{path} cannot be read"),
            "mount -t securityfs securityfs /sys/kernel/security",
        );
    };
    let list = list.trim();
    if list.split(',').any(|name| name == "kis") {
        Check::ok(
            "lsm",
            format!("the kernel has the KIS attach points ({list})"),
        )
    } else {
        Check::bad(
            "lsm",
            Finding::Fail,
            format!("the kernel has no LSM \"kis\" (it has {list})"),
            "boot a kernel with the KIS patch and CONFIG_SECURITY_KIS=y; \
             with lsm= on the command line, add kis",
        )
    }
}

fn lockdown() -> Check {
    match fs::read_to_string("/sys/kernel/security/lockdown") {
        Err(_) => Check::ok("lockdown", "not in this kernel"),
        Ok(levels) if levels.contains("[none]") => Check::ok("lockdown", "off"),
        Ok(_) if module_is_loaded() => Check::ok("lockdown", "on, and the module is loaded"),
        Ok(_) => Check::bad(
            "lockdown",
            Finding::Warn,
            "on: modules without a signature are refused",
            "sign kis.ko with a key that the kernel trusts",
        ),
    }
}

fn module_is_loaded() -> bool {
    Path::new("/sys/module/kis/initstate").exists()
}

fn module() -> Vec<Check> {
    let status = Control::connect().and_then(|mut control| control.status());
    match status {
        Ok(status) => {
            let abi = if status.abi == uapi::KIS_ABI {
                Check::ok("abi", format!("module and kisctl speak ABI {}", status.abi))
            } else {
                Check::bad(
                    "abi",
                    Finding::Fail,
                    format!(
                        "the module speaks ABI {}, kisctl {}",
                        status.abi,
                        uapi::KIS_ABI
                    ),
                    "install kisctl and kis.ko of the same version",
                )
            };
            vec![Check::ok("module", "kis.ko is loaded and answers"), abi]
        }
        Err(_) if module_is_loaded() => vec![Check::bad(
            "module",
            Finding::Fail,
            "kis.ko is loaded but does not answer over netlink",
            "run kisctl in the initial network namespace, not in a container; see dmesg",
        )],
        Err(_) => vec![Check::bad(
            "module",
            Finding::Fail,
            "kis.ko is not loaded",
            "insmod kis.ko; when it is refused, dmesg has the reason",
        )],
    }
}

fn device_node() -> Check {
    let path = device::PATH;
    match fs::metadata(path) {
        Err(_) => Check::bad(
            "device",
            Finding::Fail,
            format!("there is no {path}"),
            "load the module; mount devtmpfs on /dev",
        ),
        Ok(meta) if !meta.file_type().is_char_device() => Check::bad(
            "device",
            Finding::Fail,
            format!("{path} is not a character device"),
            format!("remove it and load the module again: rm {path}"),
        ),
        Ok(meta) if meta.mode() & 0o077 != 0 => Check::bad(
            "device",
            Finding::Warn,
            format!("{path} is open to others (mode {:o})", meta.mode() & 0o777),
            format!("chmod 600 {path}"),
        ),
        Ok(_) => Check::ok("device", format!("{path} is there")),
    }
}

fn capability() -> Check {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    let initial = fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.split_whitespace().eq(["0", "0", "4294967295"]));
    if effective & (1 << CAP_MAC_ADMIN) == 0 {
        Check::bad(
            "capability",
            Finding::Warn,
            "no CAP_MAC_ADMIN: nothing can be changed and alerts cannot be read",
            "run it as root",
        )
    } else if !initial {
        Check::bad(
            "capability",
            Finding::Warn,
            "CAP_MAC_ADMIN, but in a user namespace of its own",
            "run it on the host, not in a container",
        )
    } else {
        Check::ok("capability", "CAP_MAC_ADMIN in the initial user namespace")
    }
}

/// Are the loaded cells such that they can protect something?
fn configuration() -> Vec<Check> {
    let name = "configuration";
    let Ok(mut control) = Control::open() else {
        return vec![];
    };
    let cells = match control.cells() {
        Ok(cells) => cells,
        Err(_) => {
            return vec![Check::bad(
                name,
                Finding::Warn,
                "the cells cannot be listed",
                "run it as root",
            )]
        }
    };
    if cells.is_empty() {
        return vec![Check::bad(
            name,
            Finding::Warn,
            "no cell is loaded: nothing is protected",
            "kisctl cell load FILE",
        )];
    }
    let mut checks = Vec::new();
    for cell in &cells {
        let who = format!("cell \"{}\"", cell.name);
        if let Some(oddity) = oddity(&cell.program) {
            checks.push(Check::bad(
                name,
                Finding::Warn,
                format!("{who}: {oddity}"),
                "mend the cell file and load it again",
            ));
        } else if cell.processes == 0 {
            checks.push(Check::ok(
                name,
                format!("{who}: no process runs it at present"),
            ));
        } else {
            checks.push(Check::ok(
                name,
                format!("{who}: processes: {}", cell.processes),
            ));
        }
    }
    checks
}

/// Is this file one that could be loaded?
fn cell_file(path: &Path) -> Check {
    let name = "cell file";
    match configuration::read::<Resolved>(path) {
        Err(e) => Check::bad(name, Finding::Fail, e.to_string(), "name a readable file"),
        Ok(Err(faults)) => Check::bad(
            name,
            Finding::Fail,
            faults.first().map(ToString::to_string).unwrap_or_default(),
            format!("kisctl cell check {}", path.display()),
        ),
        Ok(Ok(cells)) => {
            // Loading replaces symbolic links; what is odd afterwards stays so.
            let odd: Vec<String> = cells
                .file
                .cells
                .iter()
                .filter_map(|cell| {
                    let oddity = oddity(&cell.program)?;
                    Some(format!("cell \"{}\": {oddity}", cell.name))
                })
                .collect();
            if odd.is_empty() {
                Check::ok(name, format!("{} is right", path.display()))
            } else {
                Check::bad(
                    name,
                    Finding::Warn,
                    odd.join("; "),
                    "mend the program paths",
                )
            }
        }
    }
}
