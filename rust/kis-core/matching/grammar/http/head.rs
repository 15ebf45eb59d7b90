// SPDX-License-Identifier: GPL-2.0

//! Header lines, and those behind the last chunk.
//!
//! Floor 0, pure; context: softirq.

use super::field::{
    some,
    Word, //
};
use super::{
    fact,
    run,
    Ends,
    Http,
    Oddities,
    Oddity,
    Part,
    Span,
    State, //
};

impl Http {
    /// `part` of a header is that of a trailer behind the chunks.
    #[inline(always)]
    const fn part(&self, part: Part) -> Part {
        if self.is(fact::TRAILER) {
            Part::Trailer
        } else {
            part
        }
    }

    /// Begin of something within a line, which is none of a trailer.
    #[inline(always)]
    const fn inner(&self, begins: bool) -> bool {
        begins && !self.is(fact::TRAILER)
    }

    /// What nearly all bytes of a head are, by the shortest way: headers whose names mean nothing to the
    /// tracker, in good order. It has to say of them what the functions below do.
    #[inline(always)]
    pub(super) fn plain(&mut self, first: u8, bytes: &[u8]) -> Option<Span> {
        if self.is(fact::TRAILER) || self.word != Word::None {
            return None;
        }
        match self.state {
            State::Value if bytes.starts_with(b"\r\n") => {
                self.end_line(2, State::Field);
                Some(Span::new(2, Part::HeaderGap, true))
            }
            State::Name if bytes.starts_with(b": ") => {
                self.hash = some(self.hash);
                self.facts &= !fact::VALUE;
                self.state = State::ValueGap;
                Some(Span::new(2, Part::HeaderGap, true))
            }
            State::ValueGap if first > b' ' => {
                let len = run::text::<0x20>(bytes);
                if len == 0 {
                    return None;
                }
                let begins = self.begin(fact::VALUE);
                self.state = State::Value;
                Some(Span::new(len, Part::HeaderValue, begins))
            }
            State::Field if !matches!(first, b'c' | b'C' | b't' | b'T') => {
                self.hash = run::BASIS;
                let len = self.hash_token(bytes);
                if len == 0 {
                    return None;
                }
                self.state = State::Name;
                Some(Span::new(len, Part::HeaderName, true))
            }
            _ => None,
        }
    }

    /// At the first byte of a line.
    pub(super) fn field(&mut self, first: u8, bytes: &[u8]) -> Span {
        if matches!(first, b' ' | b'\t') {
            return self.fold(first);
        }
        let odd = self.end_value();
        match first {
            b'\r' => {
                let mut span = self.empty_line(true).showing(odd);
                self.state = State::EndCr;
                if odd.is_empty() && bytes.get(1) == Some(&b'\n') {
                    span.len = 2;
                    return self.end_headers(span);
                }
                span
            }
            b'\n' => {
                let odd = odd.and(self.tell(Oddity::BareLf));
                let span = self.empty_line(true);
                self.end_headers(span).showing(odd)
            }
            _ => self.begin_name(first, bytes, odd),
        }
    }

    /// A line that goes on with the one before it.
    fn fold(&mut self, first: u8) -> Span {
        let begins = self.is(fact::TRAILER) && self.hash == 0;
        let odd = self.tell(Oddity::Folding).and(self.blank(first));
        self.state = State::ValueGap;
        Span::new(1, self.part(Part::HeaderGap), begins).showing(odd)
    }

    /// A blank beside a value.
    fn blank(&mut self, byte: u8) -> Oddities {
        match self.word {
            Word::None | Word::Pri => Oddities::NONE,
            Word::Length | Word::Coding => self.understand(&[byte]).1,
        }
    }

    /// A name begins, with `odd` about the line before.
    fn begin_name(&mut self, first: u8, bytes: &[u8], odd: Oddities) -> Span {
        self.hash = run::BASIS;
        self.at = 0;
        self.word = if self.is(fact::TRAILER) {
            Word::None
        } else {
            match first {
                b'c' | b'C' => Word::Length,
                b't' | b'T' => Word::Coding,
                _ => Word::None,
            }
        };
        self.state = State::Name;
        if !odd.is_empty() || run::token(first) == 0 {
            return self.odd_name(first, true, odd);
        }
        let len = self.name_bytes(bytes);
        Span::new(len, self.part(Part::HeaderName), true)
    }

    /// The first byte of a name that is not all there is to say about it.
    #[inline(never)]
    fn odd_name(&mut self, first: u8, begins: bool, odd: Oddities) -> Span {
        if run::token(first) != 0 {
            self.name_bytes(&[first]);
            return Span::new(1, self.part(Part::HeaderName), begins).showing(odd);
        }
        let odd = odd.and(self.tell(Oddity::NameByte));
        if first == b':' {
            // Without a name.
            self.word = Word::None;
            let odd = odd.and(self.begin_value());
            self.state = State::ValueGap;
            return Span::new(1, self.part(Part::HeaderGap), true).showing(odd);
        }
        self.word = Word::None;
        self.hash = run::hash(self.hash, first);
        let odd = odd.and(self.tell_byte(first));
        Span::new(1, self.part(Part::HeaderName), begins).showing(odd)
    }

    /// How many bytes belong to the name.
    fn name_bytes(&mut self, bytes: &[u8]) -> usize {
        let len = self.hash_token(bytes);
        self.compare(bytes.get(..len).unwrap_or_default());
        len
    }

    /// How many bytes are those of a token; they are hashed.
    #[inline(always)]
    fn hash_token(&mut self, bytes: &[u8]) -> usize {
        let mut hash = self.hash;
        let mut rest = bytes;
        while let Some((byte, behind)) = rest.split_first() {
            let letter = run::token(*byte);
            if letter == 0 {
                break;
            }
            hash = run::hash(hash, letter);
            rest = behind;
        }
        self.hash = hash;
        // OVERFLOW: a part of it.
        bytes.len().wrapping_sub(rest.len())
    }

    /// In a name, or directly behind it.
    pub(super) fn name(&mut self, first: u8, bytes: &[u8]) -> Span {
        match first {
            b':' => self.colon(bytes, Oddities::NONE, true),
            b' ' | b'\t' => {
                self.state = State::NameGap;
                Span::new(1, self.part(Part::HeaderGap), self.inner(true))
            }
            b'\r' | b'\n' => self.no_colon(first, true),
            _ if run::token(first) != 0 => {
                let len = self.name_bytes(bytes);
                Span::new(len, self.part(Part::HeaderName), false)
            }
            _ => self.odd_name(first, false, Oddities::NONE),
        }
    }

    /// The colon, and the space that mostly follows it.
    fn colon(&mut self, bytes: &[u8], odd: Oddities, begins: bool) -> Span {
        let odd = odd.and(self.begin_value());
        self.state = State::ValueGap;
        let len = if odd.is_empty() && bytes.get(1) == Some(&b' ') {
            2
        } else {
            1
        };
        Span::new(len, self.part(Part::HeaderGap), self.inner(begins)).showing(odd)
    }

    /// The line ends in its name.
    #[inline(never)]
    fn no_colon(&mut self, first: u8, begins: bool) -> Span {
        let odd = self.tell(Oddity::NoColon);
        self.word = Word::None;
        self.hash = some(self.hash);
        let begins = self.inner(begins);
        self.end_field(first, begins).showing(odd)
    }

    /// Behind a blank that follows the name.
    pub(super) fn name_gap(&mut self, first: u8) -> Span {
        match first {
            b':' => {
                let odd = self.tell(Oddity::SpaceBeforeColon);
                self.colon(&[], odd, false)
            }
            b' ' | b'\t' => Span::new(1, self.part(Part::HeaderGap), false),
            b'\r' | b'\n' => self.no_colon(first, false),
            _ => {
                // A name with blanks in it.
                let odd = self.tell(Oddity::NameByte).and(self.tell_byte(first));
                self.word = Word::None;
                self.state = State::Name;
                self.hash = run::hash(run::hash(self.hash, b' '), first.to_ascii_lowercase());
                Span::new(1, self.part(Part::HeaderName), false).showing(odd)
            }
        }
    }

    /// CR or LF of a header line.
    fn end_field(&mut self, first: u8, begins: bool) -> Span {
        // To a value that is understood a line end is a blank, should the next line go on with it.
        let odd = self.blank(b' ');
        let part = self.part(Part::HeaderGap);
        if first == b'\r' {
            self.state = State::ValueCr;
            return Span::new(1, part, begins).showing(odd);
        }
        let odd = odd.and(self.tell(Oddity::BareLf));
        self.end_line(1, State::Field);
        Span::new(1, part, begins).showing(odd)
    }

    /// Between colon and value.
    pub(super) fn value_gap(&mut self, first: u8, bytes: &[u8]) -> Span {
        match first {
            b' ' | b'\t' => {
                let odd = self.blank(first);
                Span::new(1, self.part(Part::HeaderGap), false).showing(odd)
            }
            b'\r' | b'\n' => self.end_field(first, false),
            _ => {
                self.state = State::Value;
                let begins = self.begin(fact::VALUE);
                self.value_bytes(first, bytes, begins)
            }
        }
    }

    /// In a value, or directly behind it.
    pub(super) fn value(&mut self, first: u8, bytes: &[u8]) -> Span {
        match first {
            b'\r' if self.word == Word::None && bytes.get(1) == Some(&b'\n') => {
                self.end_line(2, State::Field);
                Span::new(2, self.part(Part::HeaderGap), self.inner(true))
            }
            b'\r' | b'\n' => {
                let begins = self.inner(true);
                self.end_field(first, begins)
            }
            _ => self.value_bytes(first, bytes, false),
        }
    }

    /// Bytes of a value, of which there is one.
    fn value_bytes(&mut self, first: u8, bytes: &[u8], begins: bool) -> Span {
        let begins = self.inner(begins);
        let part = self.part(Part::HeaderValue);
        let len = run::text::<0x20>(bytes);
        if self.word != Word::None || len == 0 {
            // A control byte is one span.
            let (len, odd) = self.understand(bytes.get(..len.max(1)).unwrap_or(&[first]));
            return Span::new(len, part, begins).showing(odd);
        }
        Span::new(len, part, begins)
    }

    /// Behind the CR of a header line.
    pub(super) fn value_cr(&mut self, first: u8) -> Span {
        let part = self.part(Part::HeaderGap);
        if first == b'\n' {
            self.end_line(1, State::Field);
            return Span::new(1, part, false);
        }
        let odd = self.tell(Oddity::BareCr);
        if first == b'\r' {
            return Span::new(1, part, false).showing(odd);
        }
        self.state = State::Value;
        let begins = self.begin(fact::VALUE);
        self.value_bytes(first, &[first], begins).showing(odd)
    }

    /// A byte of the empty line.
    const fn empty_line(&self, begins: bool) -> Span {
        if self.is(fact::TRAILER) {
            // The last chunk's size is framing as well, unless lines came between.
            return Span::new(1, Part::Framing, begins && self.hash != 0);
        }
        Span::new(1, Part::HeadersEnd, begins)
    }

    /// Behind the CR of the empty line.
    pub(super) fn end_cr(&mut self, first: u8) -> Span {
        if first == b'\n' {
            let span = self.empty_line(false);
            return self.end_headers(span);
        }
        let odd = self.tell(Oddity::BareCr);
        self.leave().showing(odd)
    }

    /// The empty line ends with this byte: what comes then.
    fn end_headers(&mut self, span: Span) -> Span {
        if self.is(fact::TRAILER) {
            self.end_request(span.len as u32);
            return span.ending(Ends::REQUEST);
        }
        let span = span.ending(Ends::HEADERS);
        self.hash = 0;
        let state = if self.is(fact::CODING | fact::CHUNKED) {
            self.left = 0;
            State::FirstSize
        } else if self.is(fact::CODING) || self.is(fact::BROKEN) {
            State::Rest
        } else if self.is(fact::LENGTH) && self.left > 0 {
            State::Body
        } else {
            self.end_request(span.len as u32);
            return span.ending(Ends::REQUEST);
        };
        // CAST: 1 or 2.
        self.end_line(span.len as u32, state);
        span
    }
}
