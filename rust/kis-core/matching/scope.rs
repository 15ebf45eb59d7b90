// SPDX-License-Identifier: GPL-2.0

//! Where in a stream a pattern is looked for.
//!
//! A stream, or a part of an HTTP request. Each request has each part anew, and a pattern does not go
//! beyond its part: its beginning is that of the part, and its end the part's. Floor 0, pure.

/// Where a pattern is looked for.
///
/// # Examples
///
/// ```
/// use kis_core::matching::scope::Scope;
///
/// assert_eq!(Scope::of_name(b"http.uri"), Some(Scope::Uri));
/// assert_eq!(Scope::from_code(Scope::Value(7).code()), Some(Scope::Value(7)));
/// assert_eq!(Scope::Body.name(), "http.request_body");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All that is received.
    #[default]
    Stream,
    /// The method of a request.
    Method,
    /// Its target as servers read it, see [`grammar::uri`](super::grammar::uri).
    Uri,
    /// Its target as it was sent.
    RawUri,
    /// `HTTP/1.1`.
    Protocol,
    /// The request line with its end.
    Line,
    /// All header lines with their ends, but those of cookies.
    Headers,
    /// The body, without the sizes of its chunks.
    Body,
    /// The names of what is [odd](super::grammar::http::Oddity) about it, each by itself.
    Oddity,
    /// The value of the header fields whose name has this hash, see
    /// [`name()`](super::grammar::http::name); its top bit does not count.
    Value(u32),
}

/// A byte that no target has as it is matched: one that is made out is taken for the one below.
pub const NEVER: u8 = 0xff;

/// The bit that says that the others are a hash.
const NAMED: u32 = 1 << 31;

impl Scope {
    /// All but those of header fields.
    pub const PLAIN: [Self; 9] = [
        Self::Stream,
        Self::Method,
        Self::Uri,
        Self::RawUri,
        Self::Protocol,
        Self::Line,
        Self::Headers,
        Self::Body,
        Self::Oddity,
    ];

    /// Its number in an image.
    pub const fn code(self) -> u32 {
        match self {
            Self::Stream => 0,
            Self::Method => 1,
            Self::Uri => 2,
            Self::RawUri => 3,
            Self::Protocol => 4,
            Self::Line => 5,
            Self::Headers => 6,
            Self::Body => 7,
            Self::Oddity => 8,
            Self::Value(hash) => hash | NAMED,
        }
    }

    /// The scope of a number.
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::Stream,
            1 => Self::Method,
            2 => Self::Uri,
            3 => Self::RawUri,
            4 => Self::Protocol,
            5 => Self::Line,
            6 => Self::Headers,
            7 => Self::Body,
            8 => Self::Oddity,
            hash if hash & NAMED != 0 => Self::Value(hash & !NAMED),
            _ => return None,
        })
    }

    /// Its name in files; of header fields only what they have in common.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Method => "http.method",
            Self::Uri => "http.uri",
            Self::RawUri => "http.uri.raw",
            Self::Protocol => "http.protocol",
            Self::Line => "http.request_line",
            Self::Headers => "http.header",
            Self::Body => "http.request_body",
            Self::Oddity => "http.oddity",
            Self::Value(_) => "http.header.",
        }
    }

    /// That of a name; `http.header.user-agent` and the like are those of fields.
    pub fn of_name(name: &[u8]) -> Option<Self> {
        let plain = Self::PLAIN.into_iter();
        let mut plain = plain.filter(|scope| scope.name().as_bytes() == name);
        plain.next().or_else(|| {
            let field = name.strip_prefix(Self::Value(0).name().as_bytes())?;
            (!field.is_empty()).then(|| Self::value(field))
        })
    }

    /// That of the fields of a name.
    pub const fn value(field: &[u8]) -> Self {
        Self::of_field(super::grammar::http::name(field))
    }

    /// That of the fields whose name has this hash.
    pub const fn of_field(hash: u32) -> Self {
        Self::Value(hash & !NAMED)
    }

    /// A byte that it never has, and that is read where it ends: so a pattern can ask for its end. `None`
    /// where nothing can be asked.
    pub const fn end(self) -> Option<u8> {
        match self {
            Self::Method | Self::RawUri | Self::Protocol | Self::Oddity | Self::Value(_) => {
                Some(b'\n')
            }
            Self::Uri => Some(NEVER),
            Self::Stream | Self::Line | Self::Headers | Self::Body => None,
        }
    }

    /// Whether it is a part of a request.
    pub const fn is_of_request(self) -> bool {
        !matches!(self, Self::Stream)
    }
}
