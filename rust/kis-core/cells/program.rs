// SPDX-License-Identifier: GPL-2.0

//! Arguments of a process as they are compared with a cell's pattern. Floor 0, pure.

/// Joins the arguments of a process, each followed by a NUL byte as the kernel keeps them, by
/// spaces and leaves out the first, which is the program's name for itself.
///
/// # Examples
///
/// ```
/// use kis_core::cells::program::join;
///
/// let mut raw = *b"redis-server\0/etc/redis.conf\0--port\x006379\0";
/// assert_eq!(join(&mut raw), b"/etc/redis.conf --port 6379");
/// assert_eq!(join(&mut b"sh\0".to_owned()), b"");
/// ```
pub fn join(arguments: &mut [u8]) -> &[u8] {
    let first = arguments.iter().position(|&b| b == 0);
    let rest = first.and_then(|at| arguments.get_mut(at.saturating_add(1)..));
    let Some(rest) = rest else {
        return &[];
    };
    for byte in rest.iter_mut() {
        if *byte == 0 {
            *byte = b' ';
        }
    }
    let rest: &[u8] = rest;
    rest.strip_suffix(b" ").unwrap_or(rest)
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_program))]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_joined_without_the_first() {
        for (raw, want) in [
            (*b"\0\0\0\0\0\0\0\0", b"      " as &[u8]),
            (*b"a\0b\0cd\0\0", b"b cd "),
            (*b"a\0b\0cdef", b"b cdef"),
            (*b"abcdefgh", b""),
            (*b"abcdefg\0", b""),
        ] {
            let mut raw = raw;
            assert_eq!(join(&mut raw), want);
        }
        assert_eq!(join(&mut []), b"");
    }
}
