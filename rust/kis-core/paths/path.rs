// SPDX-License-Identifier: GPL-2.0

//! Absolute paths as bytes.
//!
//! The kernel resolves a path before it comes here (`d_path()`): symbolic links, `.` and `..` are
//! gone. What comes from configurations is checked with [`is_clean`]. Floor 0, pure.

/// Whether `path` is absolute and has no empty, `.` or `..` component, no NUL and no `/` at its
/// end (but for `/` itself).
///
/// Anything else could look like a prefix and not be one.
///
/// # Examples
///
/// ```
/// use kis_core::paths::path::is_clean;
///
/// assert!(is_clean(b"/var/lib/redis"));
/// assert!(!is_clean(b"/var/lib/../../etc") && !is_clean(b"redis"));
/// ```
pub fn is_clean(path: &[u8]) -> bool {
    let Some((b'/', rest)) = path.split_first() else {
        return false;
    };
    rest.is_empty()
        || rest
            .split(|b| *b == b'/')
            .all(|part| !matches!(part, b"" | b"." | b"..") && !part.contains(&0))
}

/// Whether `path` is `prefix` or lies below it, by whole components.
///
/// `/var/lib/redis` has `/var/lib/redis/x` below it, not `/var/lib/redis2`; everything is below
/// `/`. An empty prefix covers nothing.
///
/// # Examples
///
/// ```
/// use kis_core::paths::path::has_prefix;
///
/// assert!(has_prefix(b"/var/lib/redis/x", b"/var/lib/redis"));
/// assert!(!has_prefix(b"/var/lib/redis2", b"/var/lib/redis"));
/// ```
#[inline]
pub fn has_prefix(path: &[u8], prefix: &[u8]) -> bool {
    let dir = prefix.strip_suffix(b"/").unwrap_or(prefix);
    if prefix.is_empty() || path.is_empty() {
        return false;
    }
    // What comes behind decides more often than what is in front, and costs less to look at.
    match path.get(dir.len()) {
        Some(b'/') => path.starts_with(dir),
        Some(_) => false,
        None => path == dir,
    }
}

/// The directory that holds `path`: up to its last `/`, without it.
///
/// `/` for what lies directly below it and for itself; empty when there is no `/`.
///
/// # Examples
///
/// ```
/// use kis_core::paths::path::parent;
///
/// assert_eq!(parent(b"/var/log/a"), b"/var/log");
/// assert_eq!(parent(b"/var"), b"/");
/// ```
pub fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|b| *b == b'/') {
        Some(0) => path.get(..1).unwrap_or_default(),
        Some(at) => path.get(..at).unwrap_or_default(),
        None => b"",
    }
}

/// Hash of names that have to be the same on all hosts: FNV-1a, 64 bits.
///
/// Fowler, Noll and Vo, "The FNV Non-Cryptographic Hash Algorithm" (draft-eastlake-fnv): xor the
/// byte, multiply by the prime. It is not keyed and finds accidents only.
pub fn hash<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> u64 {
    bytes.into_iter().fold(FNV_BASIS, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)
    })
}

/// Offset basis of 64-bit FNV.
pub(crate) const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
/// Prime of 64-bit FNV.
pub(crate) const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_path))]
mod tests {
    use super::*;

    #[test]
    fn has_prefix_goes_by_components() {
        for (path, prefix, want) in [
            ("/var/lib/redis", "/var/lib/redis", true),
            ("/var/lib/redis/x", "/var/lib/redis", true),
            ("/var/lib/redis/x", "/var/lib/redis/", true),
            ("/var/lib/redis2", "/var/lib/redis", false),
            ("/var/lib", "/var/lib/redis", false),
            ("/", "/", true),
            ("/etc", "/", true),
            ("etc", "/", false),
            ("", "/", false),
            ("/etc", "", false),
            ("", "", false),
        ] {
            assert_eq!(has_prefix(path.as_bytes(), prefix.as_bytes()), want);
        }
    }

    #[test]
    fn is_clean_table() {
        for (path, want) in [
            ("/", true),
            ("/a", true),
            ("/a/b.c/..d/e..", true),
            ("", false),
            ("a", false),
            ("/a/", false),
            ("//", false),
            ("/a//b", false),
            ("/./a", false),
            ("/a/..", false),
            ("/a\0b", false),
        ] {
            assert_eq!(is_clean(path.as_bytes()), want);
        }
    }

    #[test]
    fn parent_table() {
        for (path, want) in [
            ("/a/b", "/a"),
            ("/a", "/"),
            ("/", "/"),
            ("/a/", "/a"),
            ("a", ""),
            ("", ""),
        ] {
            assert_eq!(parent(path.as_bytes()), want.as_bytes());
        }
    }

    #[test]
    fn hash_agrees_with_published_vectors() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
