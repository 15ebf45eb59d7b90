// SPDX-License-Identifier: GPL-2.0

//! Puts what `git describe` says into the binary, for `kisctl --version`.

use std::process::Command;

fn main() {
    let told = Command::new("git")
        .args(["describe", "--always", "--tags", "--dirty"])
        .output();
    let version = match told {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        // A tarball, or a machine without git.
        _ => "no git".to_owned(),
    };
    println!("cargo::rustc-env=KIS_GIT={version}");
    println!("cargo::rerun-if-changed=build.rs");
    for path in ["../../.git/HEAD", "../../.git/logs/HEAD"] {
        if std::path::Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}
