// SPDX-License-Identifier: GPL-2.0

//! Patterns for the arguments of a program.
//!
//! `*` stands for any run of bytes, the empty one included, `?` for one byte, everything else for
//! itself; there is no escape. The pattern is the officer's, the text is whatever a process was
//! started with: both may be anything. Floor 0, pure, no recursion: at most
//! `pattern.len() * text.len()` steps, because only the last `*` is ever tried again (a match of
//! everything before it that ends earlier is never worse).

/// Whether all of `text` follows `pattern`.
///
/// # Examples
///
/// ```
/// use kis_core::paths::glob::matches;
///
/// assert!(matches(b"*:6379", b"127.0.0.1:6379"));
/// assert!(!matches(b"*:637?", b"127.0.0.1:63790"));
/// ```
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut rest = pattern;
    let mut text = text;
    // Behind the last `*`, and the text that it has not swallowed.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (rest.split_first(), text.split_first()) {
            (Some((b'*', behind)), _) => {
                retry = Some((behind, text));
                rest = behind;
                continue;
            }
            (Some((want, behind)), Some((got, left))) if *want == b'?' || want == got => {
                rest = behind;
                text = left;
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        // Here they differ: the last `*` swallows one byte more.
        let Some((behind, from)) = retry else {
            return false;
        };
        let Some((_, left)) = from.split_first() else {
            return false;
        };
        retry = Some((behind, left));
        rest = behind;
        text = left;
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_glob))]
mod tests {
    use super::*;

    #[test]
    fn matches_table() {
        for (pattern, text, want) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything at all", true),
            ("**", "", true),
            ("?", "", false),
            ("?", "a", true),
            ("a*c", "abbbc", true),
            ("a*c", "abbbcd", false),
            ("a*b*c", "a-b-b-c-c", true),
            ("*:6379", "127.0.0.1:6379", true),
            ("*:6379", "127.0.0.1:63790", false),
            ("*aab", "aaaaab", true),
            ("*?", "", false),
            ("a?*", "a", false),
            ("[a]", "a", false),
            ("\\*", "*", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), want);
        }
    }

    #[test]
    fn matches_hostile_pattern_in_bounded_time() {
        let text = [b'a'; 1024];
        let mut pattern = [b'*'; 255];
        for byte in pattern.iter_mut().step_by(2) {
            *byte = b'a';
        }
        if let Some(last) = pattern.last_mut() {
            *last = b'b';
        }
        assert!(!matches(&pattern, &text));
    }
}
