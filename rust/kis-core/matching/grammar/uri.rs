// SPDX-License-Identifier: GPL-2.0

//! The target of a request as signatures mean it: one spelling of what can be written in many.
//!
//! It is what Suricata calls `http.uri`, with the settings that it has by default (libhtp, personality
//! "IDS", without lower-casing), but for what a stream cannot undo. The rules:
//!
//! - Of `http://` and `https://` with what follows up to the path nothing is left. Other schemes stay.
//! - In the path `%XX` is decoded, once, also `%2f` and `%00`; `%uXXXX` is the byte XX of `%u00XX`, the ASCII
//!   sign of a full-width form, and else `?`. A backslash is a slash. Runs of slashes are one. `/./` is `/`,
//!   at the end of the path as well, where libhtp leaves no slash.
//! - UTF-8 that is longer than it need be, and full-width forms, are the ASCII that they stand for; a slash
//!   among them is one of a run, which it is not for libhtp. Other bytes from 0x80 on stay as they are, where
//!   libhtp has the best fit of Windows-1252.
//! - `/../` before the first name is `/`. Behind one it stays, because that name is gone to the reader of this
//!   already: [`Uri::climbs`] says so.
//! - Behind `?` `%XX` is decoded, once, and behind `#` `%uXXXX` as well; all else stays, also `+`.
//! - An escape that is none stays.
//!
//! Floor 0, pure and total; context: softirq.

/// Spellings that hide something.
///
/// # Examples
///
/// ```
/// use kis_core::matching::grammar::uri::{Quirks, Uri};
///
/// let mut uri = Uri::default();
/// b"/a%2fb".iter().for_each(|byte| uri.push(*byte, &mut |_| ()));
/// assert_eq!(uri.odd(), Quirks::SEPARATOR);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks(u8);

impl Quirks {
    /// None.
    pub const NONE: Self = Self(0);
    /// An encoded byte 0.
    pub const NUL: Self = Self(1);
    /// `%uXXXX` in the path or behind `#`.
    pub const WIDE: Self = Self(2);
    /// UTF-8 in the path that is longer than it need be.
    pub const OVERLONG: Self = Self(4);
    /// A full-width form in the path.
    pub const FULL_WIDTH: Self = Self(8);
    /// An encoded slash or backslash in the path.
    pub const SEPARATOR: Self = Self(16);
    /// `%` without its digits.
    pub const BROKEN: Self = Self(32);
    /// An encoded `%` in the path: what follows may be decoded a second time.
    pub const DOUBLE: Self = Self(64);
    /// `..` that was not undone; told by [`Uri::climbs`].
    const CLIMBS: Self = Self(128);

    /// All that are told, with what they are called in reports.
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::NUL, "nul"),
        (Self::WIDE, "wide"),
        (Self::OVERLONG, "overlong"),
        (Self::FULL_WIDTH, "full-width"),
        (Self::SEPARATOR, "separator"),
        (Self::BROKEN, "broken"),
        (Self::DOUBLE, "double"),
    ];

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are among them.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Where in the target the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
enum Place {
    /// In what may be `http://`.
    #[default]
    Prefix,
    /// In the authority behind it.
    Authority,
    /// Before the first byte of the path.
    Begin,
    /// Behind a slash, before any name.
    Root,
    /// Behind a dot there.
    RootDot,
    /// Behind two.
    RootDots,
    /// In a name.
    Name,
    /// Behind a slash.
    Slash,
    /// Behind a dot there.
    Dot,
    /// Behind two.
    Dots,
    /// Behind `?`.
    Query,
    /// Behind `#`.
    Fragment,
}

/// How much of an escape was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
enum Escape {
    /// Nothing.
    #[default]
    None,
    /// `%`
    Percent,
    /// and a digit
    Digit,
    /// or `u`
    Wide0,
    /// and a digit
    Wide1,
    /// two
    Wide2,
    /// three
    Wide3,
}

/// How much of a sequence of UTF-8 was read that may be another sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
enum Sequence {
    /// Nothing.
    #[default]
    None,
    /// The first of two bytes.
    Two,
    /// The first of three.
    Three,
    /// and the second
    Three2,
    /// The first of four.
    Four,
    /// and the second
    Four2,
    /// and the third
    Four3,
}

/// What the targets of other forms than `/path` begin with, as far as they are understood.
const PREFIX: &[u8; 8] = b"https://";
/// Length of its scheme.
const SCHEME: u16 = 5;
/// In [`Uri::code`], in the prefix: it has no `s`.
const PLAIN: u16 = 0x8000;

/// How far a target has been read.
///
/// # Examples
///
/// ```
/// use kis_core::matching::grammar::uri::Uri;
///
/// let mut uri = Uri::default();
/// let mut path = Vec::new();
/// let mut out = |byte| path.push(byte);
/// for byte in b"http://host//cgi-bin/./%70hf?a=%41+b" {
///     uri.push(*byte, &mut out);
/// }
/// uri.end(&mut out);
/// assert_eq!(path, b"/cgi-bin/phf?a=A+b");
/// assert!(uri.odd().is_empty() && !uri.climbs());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uri {
    /// Bits of a sequence; in the prefix how much of it was read.
    code: u16,
    /// Digits of an escape, below their cases; in the prefix the cases of its letters.
    held: u16,
    quirks: Quirks,
    place: Place,
    escape: Escape,
    sequence: Sequence,
}

// It lives with each socket of a cell.
const _: () = assert!(core::mem::size_of::<Uri>() <= 8);

impl Uri {
    /// Reads a byte; what is known of the target then goes `out`, at most 8 bytes for each.
    pub fn push(&mut self, byte: u8, out: &mut impl FnMut(u8)) {
        match self.place {
            Place::Prefix => self.prefix(byte, out),
            Place::Authority => match byte {
                b'/' | b'?' | b'#' => {
                    self.place = Place::Begin;
                    self.raw(byte, out);
                }
                _ => {}
            },
            _ => self.raw(byte, out),
        }
    }

    /// The target is over: what was held back goes `out`.
    pub fn end(&mut self, out: &mut impl FnMut(u8)) {
        if self.place == Place::Prefix {
            self.no_prefix(out);
        }
        self.give_up_escape(out);
        self.end_path(out);
    }

    /// Spellings that were seen.
    pub const fn odd(&self) -> Quirks {
        Quirks(self.quirks.0 & !Quirks::CLIMBS.0)
    }

    /// Whether there was a `..` behind a name: it is still there, and so is the name.
    pub const fn climbs(&self) -> bool {
        self.quirks.contains(Quirks::CLIMBS)
    }

    /// Remembers a quirk.
    fn mark(&mut self, quirk: Quirks) {
        self.quirks = self.quirks.and(quirk);
    }

    /// A byte of what may be `http://` or `https://`.
    fn prefix(&mut self, byte: u8, out: &mut impl FnMut(u8)) {
        let mut at = self.code & !PLAIN;
        // `http:` has one letter less.
        if at == SCHEME.wrapping_sub(1) && byte == b':' {
            self.code |= PLAIN;
            at = SCHEME;
        }
        let is_next =
            (PREFIX.get(usize::from(at))).is_some_and(|letter| letter.eq_ignore_ascii_case(&byte));
        if !is_next {
            self.no_prefix(out);
            return self.push(byte, out);
        }
        if byte.is_ascii_uppercase() {
            // OVERFLOW: below 5.
            self.held |= 1u16.wrapping_shl(u32::from(at));
        }
        // OVERFLOW: at most 8.
        at = at.wrapping_add(1);
        self.code = (self.code & PLAIN) | at;
        if usize::from(at) == PREFIX.len() {
            self.code = 0;
            self.held = 0;
            self.place = Place::Authority;
        }
    }

    /// It is none: what was read is part of the path.
    fn no_prefix(&mut self, out: &mut impl FnMut(u8)) {
        let (code, held) = (self.code, self.held);
        self.code = 0;
        self.held = 0;
        self.place = Place::Begin;
        for (at, letter) in (0u16..code & !PLAIN).zip(PREFIX) {
            if code & PLAIN != 0 && at == SCHEME.wrapping_sub(1) {
                continue;
            }
            // OVERFLOW: below 8.
            let is_upper = held.wrapping_shr(u32::from(at)) & 1 != 0;
            let byte = if is_upper {
                letter.to_ascii_uppercase()
            } else {
                *letter
            };
            self.raw(byte, out);
        }
    }

    /// A byte behind the authority, as it was sent.
    fn raw(&mut self, byte: u8, out: &mut impl FnMut(u8)) {
        // CAST: a digit.
        let digit = char::from(byte).to_digit(16).map(|digit| digit as u16);
        let is_wide = self.place != Place::Query;
        match (self.escape, digit) {
            (Escape::None, _) if byte == b'%' => {
                self.held = 0;
                self.escape = Escape::Percent;
            }
            (Escape::None, _) => self.plain(byte, out),
            (Escape::Percent, Some(digit)) => self.hold(digit, byte, Escape::Digit),
            (Escape::Percent, None) if is_wide && matches!(byte, b'u' | b'U') => {
                self.hold(0, byte, Escape::Wide0);
            }
            (Escape::Digit, Some(digit)) => {
                // CAST: two digits.
                let byte = (((self.held & 0xf) << 4) | digit) as u8;
                self.escape = Escape::None;
                self.decoded(byte, out);
            }
            (Escape::Wide0, Some(digit)) => self.hold(digit, byte, Escape::Wide1),
            (Escape::Wide1, Some(digit)) => self.hold(digit, byte, Escape::Wide2),
            (Escape::Wide2, Some(digit)) => self.hold(digit, byte, Escape::Wide3),
            (Escape::Wide3, Some(digit)) => {
                let code = (self.held << 4) | digit;
                self.escape = Escape::None;
                self.mark(Quirks::WIDE);
                let byte = match code {
                    // CAST: below 0x100.
                    0..=0xff => code as u8,
                    _ => self.full_width(code).unwrap_or(b'?'),
                };
                self.decoded(byte, out);
            }
            _ => {
                self.give_up_escape(out);
                self.raw(byte, out);
            }
        }
    }

    /// Keeps what was read of an escape: 12 bits of digits, and above them which were capitals.
    fn hold(&mut self, digit: u16, byte: u8, escape: Escape) {
        let digits = ((self.held << 4) | digit) & 0xfff;
        // CAST: 0 or 1.
        let cases = ((self.held >> 12) << 1) | u16::from(byte.is_ascii_uppercase());
        self.held = (cases << 12) | digits;
        self.escape = escape;
    }

    /// What was read of an escape is none.
    fn give_up_escape(&mut self, out: &mut impl FnMut(u8)) {
        let (has_u, digits) = match self.escape {
            Escape::None => return,
            Escape::Percent => (false, 0u16),
            Escape::Digit => (false, 1),
            Escape::Wide0 => (true, 0),
            Escape::Wide1 => (true, 1),
            Escape::Wide2 => (true, 2),
            Escape::Wide3 => (true, 3),
        };
        let held = self.held;
        self.escape = Escape::None;
        self.mark(Quirks::BROKEN);
        self.plain(b'%', out);
        let letter = |byte: u8, back: u16| {
            // OVERFLOW: at most 15.
            if held.wrapping_shr(u32::from(back.wrapping_add(12))) & 1 != 0 {
                byte.to_ascii_uppercase()
            } else {
                byte
            }
        };
        if has_u {
            self.plain(letter(b'u', digits), out);
        }
        for back in (0..digits).rev() {
            // OVERFLOW: at most 8.
            let digit = held.wrapping_shr(u32::from(back.wrapping_mul(4))) & 0xf;
            let byte = char::from_digit(u32::from(digit), 16).map_or(b'0', |digit| digit as u8);
            self.plain(letter(byte, back), out);
        }
    }

    /// The ASCII sign that a full-width form stands for.
    fn full_width(&mut self, code: u16) -> Option<u8> {
        let sign = code.checked_sub(0xff00)?;
        if !(1..=0x5e).contains(&sign) {
            return None;
        }
        self.mark(Quirks::FULL_WIDTH);
        // CAST: at most 0x7e. OVERFLOW: likewise.
        Some(sign.wrapping_add(0x20) as u8)
    }

    /// A byte that was encoded.
    fn decoded(&mut self, byte: u8, out: &mut impl FnMut(u8)) {
        if byte == 0 {
            self.mark(Quirks::NUL);
        }
        if self.is_behind_path() {
            return out(byte);
        }
        match byte {
            b'/' | b'\\' => self.mark(Quirks::SEPARATOR),
            b'%' => self.mark(Quirks::DOUBLE),
            _ => {}
        }
        self.byte(byte, out);
    }

    /// A byte that was not.
    fn plain(&mut self, byte: u8, out: &mut impl FnMut(u8)) {
        let place = match byte {
            b'#' if self.place != Place::Fragment => Place::Fragment,
            b'?' if !self.is_behind_path() => Place::Query,
            _ if self.is_behind_path() => return out(byte),
            _ => return self.byte(byte, out),
        };
        self.end_path(out);
        self.place = place;
        out(byte);
    }

    /// Whether the path is over.
    const fn is_behind_path(&self) -> bool {
        matches!(self.place, Place::Query | Place::Fragment)
    }

    /// A byte of the path, decoded.
    fn byte(&mut self, byte: u8, out: &mut impl FnMut(u8)) {
        if self.sequence == Sequence::None {
            let sequence = match byte {
                0xc0 | 0xc1 => Sequence::Two,
                0xe0 | 0xef => Sequence::Three,
                0xf0 => Sequence::Four,
                _ => return self.sign(byte, out),
            };
            self.sequence = sequence;
            self.code = u16::from(byte & 0xf);
            return;
        }
        if byte & 0xc0 != 0x80 {
            self.give_up_sequence(out);
            return self.byte(byte, out);
        }
        let code = (self.code << 6) | u16::from(byte & 0x3f);
        let next = match self.sequence {
            Sequence::Three => Sequence::Three2,
            // From 0x90 on it is as long as it must be.
            Sequence::Four if byte < 0x90 => Sequence::Four2,
            Sequence::Four2 => Sequence::Four3,
            Sequence::Four => {
                self.give_up_sequence(out);
                return self.sign(byte, out);
            }
            Sequence::None | Sequence::Two | Sequence::Three2 | Sequence::Four3 => {
                return self.sequence(code, byte, out);
            }
        };
        self.sequence = next;
        self.code = code;
    }

    /// A sequence ends with this byte.
    fn sequence(&mut self, code: u16, byte: u8, out: &mut impl FnMut(u8)) {
        let least = match self.sequence {
            Sequence::Three2 => 0x800,
            // Two bytes that begin so, and four, are always too long.
            _ => u16::MAX,
        };
        if code < least {
            self.mark(Quirks::OVERLONG);
        }
        if code < 0x80 {
            self.sequence = Sequence::None;
            if matches!(code, 0x2f | 0x5c) {
                self.mark(Quirks::SEPARATOR);
            }
            // CAST: below 0x80.
            return self.sign(code as u8, out);
        }
        if let Some(sign) = self.full_width(code) {
            self.sequence = Sequence::None;
            return self.sign(sign, out);
        }
        self.give_up_sequence(out);
        self.sign(byte, out);
    }

    /// The bytes of a sequence that were held back stay as they are.
    fn give_up_sequence(&mut self, out: &mut impl FnMut(u8)) {
        let (lead, more) = match self.sequence {
            Sequence::None => return,
            Sequence::Two => (0xc0u8, 0u16),
            Sequence::Three => (0xe0, 0),
            Sequence::Three2 => (0xe0, 1),
            Sequence::Four => (0xf0, 0),
            Sequence::Four2 => (0xf0, 1),
            Sequence::Four3 => (0xf0, 2),
        };
        let code = self.code;
        // OVERFLOW: at most 12.
        let bits = |at: u16| code.wrapping_shr(u32::from(at.wrapping_mul(6)));
        self.sequence = Sequence::None;
        // CAST: four bits.
        self.sign(lead | (bits(more) & 0xf) as u8, out);
        for at in (0..more).rev() {
            // CAST: six bits.
            self.sign(0x80 | (bits(at) & 0x3f) as u8, out);
        }
    }

    /// A sign of the path.
    fn sign(&mut self, byte: u8, out: &mut impl FnMut(u8)) {
        let is_slash = matches!(byte, b'/' | b'\\');
        self.place = match (self.place, byte) {
            (Place::Begin, _) if is_slash => {
                out(b'/');
                Place::Root
            }
            (Place::Root | Place::RootDot | Place::RootDots, _) if is_slash => Place::Root,
            (Place::Begin | Place::Root, b'.') => Place::RootDot,
            (Place::RootDot, b'.') => Place::RootDots,
            (Place::Slash | Place::Dot, _) if is_slash => Place::Slash,
            (Place::Slash, b'.') => Place::Dot,
            (Place::Dot, b'.') => Place::Dots,
            (place, _) => {
                self.dots(place, is_slash, out);
                out(if is_slash { b'/' } else { byte });
                if is_slash {
                    Place::Slash
                } else {
                    Place::Name
                }
            }
        };
    }

    /// Dots that were held back stay.
    fn dots(&mut self, place: Place, is_over: bool, out: &mut impl FnMut(u8)) {
        let dots = match place {
            Place::RootDot | Place::Dot => 1,
            Place::RootDots | Place::Dots => 2,
            _ => 0,
        };
        if place == Place::Dots && is_over {
            self.mark(Quirks::CLIMBS);
        }
        (0..dots).for_each(|_| out(b'.'));
    }

    /// The path is over.
    fn end_path(&mut self, out: &mut impl FnMut(u8)) {
        self.give_up_sequence(out);
        if self.place == Place::Dots {
            self.dots(Place::Dots, true, out);
            self.place = Place::Name;
        }
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_uri))]
mod tests {
    use super::*;

    /// Whether `target` is read as `want`, with these quirks.
    fn is(target: &[u8], want: &[u8], odd: Quirks, climbs: bool) -> bool {
        let mut uri = Uri::default();
        let mut rest = want;
        let mut is_equal = true;
        let mut out = |byte: u8| match rest.split_first() {
            Some((first, behind)) => {
                is_equal &= *first == byte;
                rest = behind;
            }
            None => is_equal = false,
        };
        for byte in target {
            uri.push(*byte, &mut out);
        }
        uri.end(&mut out);
        is_equal && rest.is_empty() && uri.odd() == odd && uri.climbs() == climbs
    }

    #[test]
    fn plain_targets_stay() {
        for target in [
            &b"/"[..],
            b"/a/b.c/..d/.e?f=/./+%zz//".split_at(18).0,
            b"*",
            b"httpfoo:443",
            b"hTTpx",
            b"HTTPS:x",
            b"http:x",
            b"/\xc3\xa9/\xe2\x82\xac/\xe0\xa4\xb9/\xef\xbf\xbd/\xf0\x9f\x98\x80",
            b"",
        ] {
            assert!(is(target, target, Quirks::NONE, false));
        }
    }

    #[test]
    fn spellings_become_one() {
        for (target, want, odd) in [
            (&b"/%61%42"[..], &b"/aB"[..], Quirks::NONE),
            (b"//a///b", b"/a/b", Quirks::NONE),
            (b"/a\\b", b"/a/b", Quirks::NONE),
            (b"/./a/./b/.", b"/a/b/", Quirks::NONE),
            (b"/%2e/a", b"/a", Quirks::NONE),
            (b"/../../a", b"/a", Quirks::NONE),
            (b"/..", b"/", Quirks::NONE),
            (b"./a", b"a", Quirks::NONE),
            (b"/a/..b/...", b"/a/..b/...", Quirks::NONE),
            (b"http://h:80/a", b"/a", Quirks::NONE),
            (b"HTTPS://u@h/a", b"/a", Quirks::NONE),
            (b"http://h", b"", Quirks::NONE),
            (b"http://h?a", b"?a", Quirks::NONE),
            (b"/a?b=%41+%2f//..%5c", b"/a?b=A+///..\\", Quirks::NONE),
            (b"/a#%41//?%2f#", b"/a#A//?/#", Quirks::NONE),
            (b"/a?b#%u0041", b"/a?b#A", Quirks::WIDE),
            (b"/a%3fb", b"/a?b", Quirks::NONE),
            (b"/a%2F%5cb", b"/a/b", Quirks::SEPARATOR),
            (b"/%00", b"/\0", Quirks::NUL),
            (b"/a?%00", b"/a?\0", Quirks::NUL),
            (b"/%u0041%U005a", b"/AZ", Quirks::WIDE),
            (b"/%u1234", b"/?", Quirks::WIDE),
            (b"/%uff21", b"/A", Quirks::WIDE.and(Quirks::FULL_WIDTH)),
            (b"/a%u002f", b"/a/", Quirks::WIDE.and(Quirks::SEPARATOR)),
            (b"/%zz%4", b"/%zz%4", Quirks::BROKEN),
            (b"/%uAbZ%Ux%uaBC", b"/%uAbZ%Ux%uaBC", Quirks::BROKEN),
            (b"/%%41", b"/%A", Quirks::BROKEN),
            (b"/a?%u0041", b"/a?%u0041", Quirks::BROKEN),
            (b"/%2541", b"/%41", Quirks::DOUBLE),
            (b"/a%c0%af", b"/a/", Quirks::OVERLONG.and(Quirks::SEPARATOR)),
            (b"/\xe0\x81\x81\xf0\x80\x81\x82", b"/AB", Quirks::OVERLONG),
            (b"/%ef%bc%a1", b"/A", Quirks::FULL_WIDTH),
            (b"/\xc0", b"/\xc0", Quirks::NONE),
            (
                b"/\xf0\x80\x81b\xe0\x81?",
                b"/\xf0\x80\x81b\xe0\x81?",
                Quirks::NONE,
            ),
            (b"/\xc1\xaf\xe0\xa0", b"/o\xe0\xa0", Quirks::OVERLONG),
        ] {
            assert!(is(target, want, odd, false));
        }
        for (target, want) in [
            (&b"/a/../b"[..], &b"/a/../b"[..]),
            (b"/a/..", b"/a/.."),
            (b"/a/..?b", b"/a/..?b"),
        ] {
            assert!(is(target, want, Quirks::NONE, true));
        }
    }
}
