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
    // What HEAD names changes with every commit, HEAD itself only with the branch.
    let head = std::fs::read_to_string("../../.git/HEAD").unwrap_or_default();
    let branch = head.trim().strip_prefix("ref: ").unwrap_or("HEAD");
    for path in ["HEAD", "packed-refs", branch] {
        let path = format!("../../.git/{path}");
        if std::path::Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}
