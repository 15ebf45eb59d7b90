// SPDX-License-Identifier: GPL-2.0

//! HTTP/1 requests of a connection: what each byte is part of, and where a request ends.
//!
//! [`Http`] reads the bytes that a server is about to receive, in any slices, and cuts them into spans.
//! What is said about a byte does not depend on the slices. It follows requests as nginx and Apache do.
//! Where those two do not agree, or refuse and close, it goes on with the opinion that is documented for
//! the [`Oddity`] it tells. In short:
//!
//! - A request without `Content-Length` and `Transfer-Encoding` has no body, whatever its method is.
//! - Empty lines before a request are skipped. Behind a request without a protocol (HTTP/0.9) nothing is
//!   followed, because it is the last one of a connection.
//! - `Connection: close` is not looked at: servers read nothing behind such a request, and what is found
//!   there harms nobody.
//! - Neither `CONNECT` nor `Upgrade` ends what is followed, because only the answer says whether the server
//!   took it, and one that did not reads on. What the client then sends tells: HTTP is
//!   followed, anything else is a [`Part::Stream`] from its first byte that no request has.
//! - Other protocols are, too. `*3`, `EHLO x` or a banner of SSH look like a method until their line ends.
//!
//! Floor 0, pure and total; the caller serialises access. Context: softirq.

mod body;
mod field;
mod head;
mod line;
mod oddity;
mod run;

pub use field::name;
pub use oddity::{
    Oddities,
    Oddity, //
};

use field::Word;

/// A line may have so many bytes before it is odd; servers refuse one of an eighth of this.
const LONG: u32 = 64 << 10;

/// What a byte of a stream is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The method.
    Method,
    /// The target, as it was sent. One with blanks in it goes on behind a [`Part::LineGap`], without
    /// beginning again.
    Target,
    /// The protocol, `HTTP/1.1`.
    Protocol,
    /// Spaces between these three, the end of their line, and empty lines before it.
    LineGap,
    /// The name of a header, without blanks before the colon.
    HeaderName,
    /// Blanks before the colon, the colon, blanks before the value (also those that a folded line begins
    /// with), the end of the line.
    HeaderGap,
    /// The value of a header; blanks behind it are part of it.
    HeaderValue,
    /// The empty line.
    HeadersEnd,
    /// The body; of one in chunks their content.
    Body,
    /// Sizes of chunks, their extensions and line ends, and the empty line at the end.
    Framing,
    /// Lines behind the last chunk.
    Trailer,
    /// Not, or no longer, HTTP/1.
    Stream,
}

impl Part {
    /// What it is called in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Target => "target",
            Self::Protocol => "protocol",
            Self::LineGap => "line-gap",
            Self::HeaderName => "header-name",
            Self::HeaderGap => "header-gap",
            Self::HeaderValue => "header-value",
            Self::HeadersEnd => "headers-end",
            Self::Body => "body",
            Self::Framing => "framing",
            Self::Trailer => "trailer",
            Self::Stream => "stream",
        }
    }
}

/// What ends with a byte.
///
/// # Examples
///
/// ```
/// use kis_core::matching::grammar::http::Ends;
///
/// assert!(Ends::HEADERS.and(Ends::REQUEST).contains(Ends::REQUEST));
/// assert!(!Ends::NOTHING.contains(Ends::LINE));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends(u8);

impl Ends {
    /// Nothing.
    pub const NOTHING: Self = Self(0);
    /// The request line.
    pub const LINE: Self = Self(1);
    /// The headers.
    pub const HEADERS: Self = Self(2);
    /// The request: the next byte belongs to another one.
    pub const REQUEST: Self = Self(4);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` ends.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing ends.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Bytes that are all of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// How many, at least 1.
    pub len: usize,
    /// What its last byte shows; each oddity at most once a line.
    pub odd: Oddities,
    /// What they are part of.
    pub part: Part,
    /// Whether its first byte is the first one of this method, value, body …
    pub begins: bool,
    /// What ends with its last byte.
    pub ends: Ends,
}

impl Span {
    /// So many of `part`, the first or later ones.
    #[inline(always)]
    const fn new(len: usize, part: Part, begins: bool) -> Self {
        Self {
            len,
            odd: Oddities::NONE,
            part,
            begins,
            ends: Ends::NOTHING,
        }
    }

    /// Shows this as well.
    #[inline(always)]
    const fn showing(mut self, odd: Oddities) -> Self {
        self.odd = self.odd.and(odd);
        self
    }

    /// Ends this.
    #[inline(always)]
    const fn ending(mut self, ends: Ends) -> Self {
        self.ends = self.ends.and(ends);
        self
    }
}

/// Where in a request the next byte is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
enum State {
    /// Before the first byte of a request.
    #[default]
    Start,
    /// Behind a byte of an empty line before it.
    Blank,
    /// Behind the CR of such a line.
    BlankCr,
    /// In or directly behind the method.
    Method,
    /// Behind a blank that follows it.
    TargetGap,
    /// In the scheme of a target.
    Scheme,
    /// Behind its colon, and at the first slash.
    Authority,
    /// In or directly behind the target.
    Target,
    /// Behind a blank that follows it.
    ProtocolGap,
    /// In `HTTP/`.
    Http,
    /// In or directly behind what follows that.
    Version,
    /// Behind a blank that follows the protocol.
    LineTail,
    /// Behind the CR of the request line.
    LineCr,
    /// At the first byte of a line of the headers.
    Field,
    /// In or directly behind a name.
    Name,
    /// Behind a blank that follows it.
    NameGap,
    /// Between colon and value.
    ValueGap,
    /// In or directly behind the value.
    Value,
    /// Behind the CR of a header line.
    ValueCr,
    /// Behind the CR of the empty line.
    EndCr,
    /// At the first digit of the first chunk's size.
    FirstSize,
    /// At the first digit of another chunk's size.
    NextSize,
    /// In or directly behind the size.
    Size,
    /// Behind something that follows the size.
    Extension,
    /// Behind the CR of the size's line.
    SizeCr,
    /// Directly behind it.
    ChunkEnd,
    /// Behind the CR there.
    ChunkCr,
    /// In a body of so many bytes; from here on no line is read.
    Body,
    /// In a body without an end.
    Rest,
    /// In the content of a chunk.
    Chunk,
    /// Before the first byte that is not followed any more.
    Leave,
    /// Behind it.
    Left,
}

/// What is known of the request, a bit each; what ends with a line is in [`Http::told`].
mod fact {
    /// It has a `Content-Length`.
    pub(super) const LENGTH: u16 = 1;
    /// Whose value is no length.
    pub(super) const BROKEN: u16 = 1 << 1;
    /// It has a `Transfer-Encoding`.
    pub(super) const CODING: u16 = 1 << 2;
    /// The last of which is `chunked`.
    pub(super) const CHUNKED: u16 = 1 << 3;
    /// It says that it is older than HTTP/1.1.
    pub(super) const OLD: u16 = 1 << 4;
    /// Its target begins with a slash, or with a scheme and two.
    pub(super) const ROOTED: u16 = 1 << 5;
    /// Its target begins with a slash.
    pub(super) const SLASH: u16 = 1 << 6;
    /// Its method is `PRI`.
    pub(super) const PRI: u16 = 1 << 7;
    /// Its protocol is `HTTP/2.`
    pub(super) const TWO: u16 = 1 << 8;
    /// The value of this header has begun.
    pub(super) const VALUE: u16 = 1 << 9;
    /// The body has begun.
    pub(super) const BODY: u16 = 1 << 10;
    /// The lines are those behind the last chunk.
    pub(super) const TRAILER: u16 = 1 << 11;
    /// Its method has odd bytes.
    pub(super) const METHOD: u16 = 1 << 12;
    /// Its line has no protocol.
    pub(super) const ALONE: u16 = 1 << 13;
}

/// How far the requests of a connection have come.
///
/// [`Http::default`] is before its first byte.
///
/// # Invariants
///
/// `at` is at most the length of `word` while a name is read.
///
/// # Examples
///
/// ```
/// use kis_core::matching::grammar::http::{name, Ends, Http, Part};
///
/// let mut http = Http::default();
/// let mut rest: &[u8] = b"GET /a HTTP/1.1\r\nHost: one\r\n\r\nGET /b HTTP/1.1\r\n";
/// let mut targets = 0;
/// while let Some(span) = http.next(rest) {
///     let (bytes, behind) = rest.split_at(span.len);
///     targets += usize::from(span.part == Part::Target && span.begins);
///     if span.part == Part::HeaderValue {
///         assert_eq!((http.header(), bytes), (name(b"host"), &b"one"[..]));
///     }
///     if span.ends.contains(Ends::REQUEST) {
///         assert_eq!(http.request(), 1);
///     }
///     rest = behind;
/// }
/// assert_eq!((targets, http.request()), (2, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Http {
    /// Bytes of the body, or of the chunk, that are still to come; in the head the length that was read.
    left: u64,
    /// Hash of the header's name, as far as it was read; 0 before the first one.
    hash: u32,
    /// Requests that have begun.
    requests: u32,
    /// Bytes of this line, at most one more than [`LONG`].
    line: u32,
    /// Oddities that were told of this line.
    told: u32,
    /// What is known of the request.
    facts: u16,
    /// What the name, or the method, may still be.
    word: Word,
    /// How far in it, or in a value that is understood.
    at: u8,
    /// Where the next byte is.
    state: State,
}

// It lives with each socket of a cell.
const _: () = assert!(core::mem::size_of::<Http>() <= 32);
// It is returned in registers.
const _: () = assert!(core::mem::size_of::<Option<Span>>() <= 16);

impl Http {
    /// What the next bytes are part of: at least the first of them; `None` if there are none.
    ///
    /// What most bytes of a head are is found here, to be inlined where the loop over spans is.
    #[inline(always)]
    pub fn next(&mut self, bytes: &[u8]) -> Option<Span> {
        let first = *bytes.first()?;
        if self.is_bulk() {
            let span = self.bulk(bytes.len());
            self.line = 0;
            return Some(span);
        }
        // CAST: LONG at most.
        if bytes.len() > LONG.saturating_sub(self.line) as usize {
            return Some(self.next_of_long(first, bytes));
        }
        let span = match self.plain(first, bytes) {
            Some(span) => span,
            None => self.step(first, bytes),
        };
        // CAST: at most LONG. OVERFLOW: wraps to 0 behind a line (end_line()), else at most LONG.
        self.line = self.line.wrapping_add(span.len as u32);
        Some(span)
    }

    /// [`Http::next`] where the line may become too long: its bytes are cut where it does.
    #[cold]
    fn next_of_long(&mut self, first: u8, bytes: &[u8]) -> Span {
        let line = self.line;
        let room = if line <= LONG {
            // CAST: LONG + 1 at most. OVERFLOW: not below 1.
            bytes.len().min((LONG + 1).wrapping_sub(line) as usize)
        } else {
            bytes.len()
        };
        let span = self.step(first, bytes.get(..room).unwrap_or(bytes));
        if self.line != line {
            // It is over. OVERFLOW: wraps to 0 (end_line()).
            self.line = self.line.wrapping_add(span.len as u32);
            return span;
        }
        if line > LONG {
            return span;
        }
        // CAST: the bytes were cut. OVERFLOW: LONG + 1 at most, for the same reason.
        self.line = line.wrapping_add(span.len as u32);
        if self.line <= LONG {
            return span;
        }
        span.showing(Oddities::of(Oddity::LongLine))
    }

    /// Whether the next bytes are not of a line.
    const fn is_bulk(&self) -> bool {
        self.state as u8 >= State::Body as u8
    }

    /// What so many bytes are part of where no line is.
    const fn bulk(&mut self, len: usize) -> Span {
        match self.state {
            State::Body | State::Chunk => self.counted(len),
            State::Rest => self.rest(len),
            _ => self.left(len),
        }
    }

    /// What the first of `bytes`, and those behind it, are part of.
    #[inline(never)]
    fn step(&mut self, first: u8, bytes: &[u8]) -> Span {
        match self.state {
            State::Field => self.field(first, bytes),
            State::Name => self.name(first, bytes),
            State::NameGap => self.name_gap(first),
            State::ValueGap => self.value_gap(first, bytes),
            State::Value => self.value(first, bytes),
            State::ValueCr => self.value_cr(first),
            State::EndCr => self.end_cr(first),
            State::Start | State::Blank | State::BlankCr => self.start(first, bytes),
            State::Method => self.method(first, bytes),
            State::TargetGap => self.target_gap(first),
            State::Scheme | State::Authority => self.scheme(first),
            State::Target => self.target(first, bytes),
            State::ProtocolGap => self.protocol_gap(first, bytes),
            State::Http => self.http(first),
            State::Version => self.version(first, bytes),
            State::LineTail => self.line_tail(first),
            State::LineCr => self.line_cr(first),
            State::FirstSize | State::NextSize => self.first_size(first),
            State::Size => self.size(first),
            State::Extension => self.extension(first, bytes),
            State::SizeCr => self.size_cr(first),
            State::ChunkEnd => self.chunk_end(first),
            State::ChunkCr => self.chunk_cr(first),
            State::Body | State::Chunk | State::Rest | State::Leave | State::Left => {
                self.bulk(bytes.len())
            }
        }
    }

    /// While in [`Part::HeaderGap`] or [`Part::HeaderValue`]: [`name`] of this header's name, else 0.
    ///
    /// It is the header of the span that was returned last.
    pub const fn header(&self) -> u32 {
        match self.state {
            _ if self.is(fact::TRAILER) => 0,
            State::NameGap => field::some(self.hash),
            State::ValueGap | State::Value | State::ValueCr | State::Field => self.hash,
            _ => 0,
        }
    }

    /// How many requests have begun, wrapping.
    pub const fn request(&self) -> u32 {
        self.requests
    }

    /// Whether `facts` are all known.
    #[inline(always)]
    const fn is(&self, facts: u16) -> bool {
        self.facts & facts == facts
    }

    /// Whether `fact` is new; it is known now.
    #[inline(always)]
    const fn begin(&mut self, fact: u16) -> bool {
        let is_new = !self.is(fact);
        self.facts |= fact;
        is_new
    }

    /// The oddity, if it was not told of this line; it is now.
    const fn tell(&mut self, odd: Oddity) -> Oddities {
        let bit = 1 << odd as u32;
        if self.told & bit != 0 {
            return Oddities::NONE;
        }
        self.told |= bit;
        Oddities::of(odd)
    }

    /// The oddity that a byte of text is, if it is one.
    const fn tell_byte(&mut self, byte: u8) -> Oddities {
        match byte {
            0 => self.tell(Oddity::Nul),
            b'\t' => Oddities::NONE,
            1..=0x1f | 0x7f => self.tell(Oddity::Control),
            _ => Oddities::NONE,
        }
    }

    /// Goes to the first byte of another line, with so many bytes that are still of this one.
    #[inline(always)]
    const fn end_line(&mut self, len: u32, state: State) {
        self.told = 0;
        // OVERFLOW: wraps; next() adds it again.
        self.line = 0u32.wrapping_sub(len);
        self.state = state;
    }

    /// The request is over, with so many bytes that are of its last line; the next one may begin.
    const fn end_request(&mut self, len: u32) {
        self.left = 0;
        self.hash = 0;
        self.facts = 0;
        self.end_line(len, State::Start);
    }

    /// Follows nothing from the byte that was looked at on.
    const fn leave(&mut self) -> Span {
        self.state = State::Left;
        self.hash = 0;
        Span::new(1, Part::Stream, true)
    }

    /// Bytes that are not followed.
    const fn left(&mut self, len: usize) -> Span {
        let begins = matches!(self.state, State::Leave);
        self.state = State::Left;
        Span::new(len, Part::Stream, begins)
    }
}

#[cfg(any(test, CONFIG_KIS_KUNIT_TEST))]
#[cfg_attr(CONFIG_RUST, kernel::macros::kunit_tests(kis_http))]
mod tests {
    use super::*;

    /// Two requests with bodies, one line that is no HTTP/1.1, and what comes behind it.
    const STREAM: &[u8] = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\
        PUT /b HTTP/1.1\r\nTransfer-Encoding:chunked\r\n\r\n2\r\nde\r\n0\r\nA: b\r\n\r\nGET /\nx";

    /// Reads it in slices of `cut` bytes: how many of each part there are, requests, ends, oddities.
    fn read(cut: usize) -> ([usize; 12], u32, usize, Oddities) {
        let mut http = Http::default();
        let (mut parts, mut ends, mut odd) = ([0; 12], 0, Oddities::NONE);
        for slice in STREAM.chunks(cut) {
            let mut rest = slice;
            while let Some(span) = http.next(rest) {
                rest = rest.get(span.len..).unwrap_or_default();
                if let Some(count) = parts.get_mut(span.part as usize) {
                    *count += span.len;
                }
                ends += usize::from(span.ends.contains(Ends::REQUEST));
                odd = odd.and(span.odd);
            }
        }
        (parts, http.request(), ends, odd)
    }

    #[test]
    fn parts_are_counted_alike_in_any_slices() {
        let want = [10, 5, 16, 10, 35, 11, 9, 4, 5, 10, 6, 1];
        for cut in 1..=STREAM.len() {
            assert_eq!(read(cut), (want, 3, 3, Oddities::of(Oddity::BareLf)));
        }
    }

    #[test]
    fn names_are_told_apart() {
        const NAMES: [&[u8]; 24] = [
            b"host",
            b"cookie",
            b"user-agent",
            b"referer",
            b"accept",
            b"accept-encoding",
            b"accept-language",
            b"accept-charset",
            b"authorization",
            b"connection",
            b"content-type",
            b"content-length",
            b"transfer-encoding",
            b"expect",
            b"upgrade",
            b"origin",
            b"range",
            b"te",
            b"via",
            b"x-forwarded-for",
            b"if-modified-since",
            b"cache-control",
            b"pragma",
            b"",
        ];
        for (at, one) in NAMES.iter().enumerate() {
            assert!(name(one) != 0);
            assert!(NAMES
                .iter()
                .skip(at + 1)
                .all(|other| name(one) != name(other)));
        }
        assert_eq!(name(b"X-Forwarded-FOR"), name(b"x-forwarded-for"));
    }
}
