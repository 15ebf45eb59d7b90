// SPDX-License-Identifier: GPL-2.0

//! [`kis_core::paths::path`] against definitions by components.

mod common;

use kis_core::paths::path::{
    has_prefix,
    is_clean,
    parent, //
};

/// Components of a clean path.
fn parts(path: &[u8]) -> Vec<&[u8]> {
    path.split(|b| *b == b'/')
        .filter(|p| !p.is_empty())
        .collect()
}

#[test]
fn has_prefix_is_by_components() {
    let mut chance = common::Chance::new(2);
    let (mut covered, mut clean) = (0, 0);
    for _ in 0..common::iterations(200_000) {
        let (m, n) = (chance.below(9), chance.below(6));
        let path = chance.bytes(b"//a.b", m);
        let prefix = chance.bytes(b"//a.b", n);
        if !is_clean(&path) || !is_clean(&prefix) {
            // Not promised, but has to end.
            let _ = has_prefix(&path, &prefix);
            let _ = parent(&path);
            continue;
        }
        let want = parts(&path).starts_with(&parts(&prefix));
        assert_eq!(has_prefix(&path, &prefix), want, "{path:?} {prefix:?}");
        clean += 1;
        covered += u32::from(want);
        let up = parent(&path);
        assert!(is_clean(up) && has_prefix(&path, up));
        assert_eq!(parts(up).len(), parts(&path).len().saturating_sub(1));
    }
    assert!(covered > 100 && clean > 2 * covered, "{covered} {clean}");
}
