// SPDX-License-Identifier: GPL-2.0

//! Where in a request a stream is, and which scopes its next bytes belong to.
//!
//! The tracker of [`grammar::http`](super::grammar::http) says what each byte is; here that becomes lanes: the scope
//! around (the request line, the header lines, the body), the one within (method, target, a field's value), and
//! one aside: the target as servers read it, or the body where it comes in chunks, whose sizes stand between its bytes.
//! A lane is walked by the automaton of its scope. Plain words, zero for a stream of which nothing was read.
//! Floor 0, pure; the caller serialises access.

use super::automaton::State;
use super::grammar::http::{
    self,
    Http,
    Oddities,
    Part,
    Span, //
};
use super::grammar::uri::Uri;
use super::progress::Track;
use super::scope::Scope;

/// Patterns that wait at once in what is read aside.
pub const ASIDE_WAITS: usize = 8;

/// A scope that bytes are read of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lane {
    /// Its number; 0 for none.
    code: u32,
    /// Where its automaton is; [`Lane::STILL`] if it has none.
    pub(super) state: State,
    /// Bytes of it that were read, at most 255.
    pub(super) len: u8,
}

impl Lane {
    /// No state.
    pub(super) const STILL: State = State::MAX;

    /// That of no scope.
    pub(super) const NONE: Self = Self {
        code: 0,
        state: Self::STILL,
        len: 0,
    };

    /// Before the first byte of a scope.
    pub(super) const fn of(scope: Scope, state: Option<State>) -> Self {
        Self {
            code: scope.code(),
            state: match state {
                Some(state) => state,
                None => Self::STILL,
            },
            len: 0,
        }
    }

    /// In the middle of a scope of which nobody has read the beginning.
    pub(super) const fn middle(scope: Scope) -> Self {
        Self {
            code: scope.code(),
            state: Self::STILL,
            len: u8::MAX,
        }
    }

    /// Its scope.
    pub(super) const fn scope(&self) -> Option<Scope> {
        if self.code == 0 {
            return None;
        }
        Scope::from_code(self.code)
    }

    /// Whether it is one of this scope.
    #[inline]
    pub(super) fn is(&self, scope: Scope) -> bool {
        self.code == scope.code() && self.code != 0
    }

    /// So many bytes of it were read.
    #[inline]
    pub(super) fn pass(&mut self, len: usize) {
        let len = u8::try_from(len).unwrap_or(u8::MAX);
        self.len = self.len.saturating_add(len);
    }
}

/// The request of a stream.
///
/// # Examples
///
/// ```
/// use kis_core::matching::request::Request;
///
/// assert!(core::mem::size_of::<Request>() <= 200);
/// assert_eq!(Request::default().waiting(), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Request {
    http: Http,
    pub(super) target: Uri,
    /// The scope around, and the one within.
    pub(super) lanes: [Lane; 2],
    /// What of it is not there as it is meant: the target as servers read it, a body in chunks.
    pub(super) track: Track<ASIDE_WAITS>,
    /// Which of these that is.
    pub(super) aside: Lane,
    /// Whether the body comes in chunks.
    is_chunked: bool,
    /// Whether a request has begun, and is not over.
    is_begun: bool,
    /// What is odd about it and was read.
    odd: Oddities,
}

/// The lane around, and the one within.
pub(super) const AROUND: usize = 0;
pub(super) const WITHIN: usize = 1;

impl Request {
    /// How many patterns wait in what is read aside.
    pub const fn waiting(&self) -> usize {
        self.track.waiting()
    }

    /// Goes on with other signatures, whose automata are not in any state yet: what was begun is left out.
    /// Whether that is in the middle of a request.
    pub(super) fn restart(&mut self) -> bool {
        self.track.forget();
        self.lanes = [Lane::NONE; 2];
        self.aside = Lane::NONE;
        self.odd = Oddities::NONE;
        self.is_begun
    }

    /// Whether a request has begun, and is not over.
    pub(super) const fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// The request is over, or what comes is none any more.
    pub(super) const fn end(&mut self) {
        self.is_begun = false;
        self.odd = Oddities::NONE;
    }

    /// What is odd about the request from now on; what of that was not before.
    pub(super) const fn show(&mut self, odd: Oddities) -> Oddities {
        let fresh = odd.but(self.odd);
        self.odd = self.odd.and(odd);
        fresh
    }

    /// The next bytes that are all of one part; `None` when there are none.
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8]) -> Option<Span> {
        let span = self.http.next(bytes)?;
        match span.part {
            Part::Framing => self.is_chunked = true,
            Part::Method => {
                self.is_chunked = false;
                self.is_begun = true;
            }
            _ => {}
        }
        Some(span)
    }

    /// The scopes of a part: around, and within.
    #[inline]
    pub(super) fn scopes(&self, part: Part) -> [Option<Scope>; 2] {
        let around = match part {
            Part::Method | Part::Target | Part::Protocol | Part::LineGap => Some(Scope::Line),
            Part::HeaderName | Part::HeaderGap => Some(Scope::Headers),
            Part::HeaderValue => (self.http.header() != COOKIE).then_some(Scope::Headers),
            Part::Body => (!self.is_chunked).then_some(Scope::Body),
            Part::HeadersEnd | Part::Framing | Part::Trailer | Part::Stream => None,
        };
        let within = match part {
            Part::Method => Some(Scope::Method),
            Part::Target => Some(Scope::RawUri),
            Part::Protocol => Some(Scope::Protocol),
            Part::HeaderValue => Some(Scope::of_field(self.http.header())),
            _ => None,
        };
        [around, within]
    }

    /// The scope that a part is read aside for.
    #[inline]
    pub(super) fn aside(&self, part: Part) -> Option<Scope> {
        match part {
            Part::Target => Some(Scope::Uri),
            Part::Body if self.is_chunked => Some(Scope::Body),
            _ => None,
        }
    }
}

/// Fields that have a scope of their own only.
const COOKIE: u32 = http::name(b"cookie");

// It lives with each stream.
const _: () = assert!(core::mem::size_of::<Request>() <= 200);
