// SPDX-License-Identifier: GPL-2.0

//! The request line, and empty lines before it.
//!
//! Floor 0, pure; context: softirq.

use super::field::Word;
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

/// What each protocol begins with that is followed.
const HTTP: &[u8; 5] = b"HTTP/";

impl Http {
    /// Before a request, or in empty lines there.
    pub(super) fn start(&mut self, first: u8, bytes: &[u8]) -> Span {
        let begins = self.state == State::Start;
        let mut odd = Oddities::NONE;
        if self.state == State::BlankCr {
            if first == b'\n' {
                self.end_line(1, State::Blank);
                return Span::new(1, Part::LineGap, false);
            }
            odd = self.tell(Oddity::BareCr);
        }
        match first {
            b'\r' => {
                self.state = State::BlankCr;
                Span::new(1, Part::LineGap, begins).showing(odd)
            }
            b'\n' => {
                let odd = self.tell(Oddity::BareLf);
                self.end_line(1, State::Blank);
                Span::new(1, Part::LineGap, begins).showing(odd)
            }
            _ if run::token(first) == 0 => self.leave().showing(odd),
            _ => {
                // OVERFLOW: wraps, as documented.
                self.requests = self.requests.wrapping_add(1);
                self.word = Word::Pri;
                self.at = 0;
                self.state = State::Method;
                let bytes = if odd.is_empty() {
                    bytes
                } else {
                    bytes.get(..1).unwrap_or_default()
                };
                let len = self.method_bytes(bytes);
                Span::new(len, Part::Method, true).showing(odd)
            }
        }
    }

    /// How many bytes belong to the method.
    fn method_bytes(&mut self, bytes: &[u8]) -> usize {
        let mut is_odd = false;
        let len = bytes
            .iter()
            .take_while(|byte| {
                is_odd |= !matches!(**byte, b'A'..=b'Z' | b'-' | b'_') && run::token(**byte) != 0;
                run::token(**byte) != 0
            })
            .count();
        if is_odd {
            // Told when it is known to be a method.
            self.facts |= fact::METHOD;
        }
        self.compare(bytes.get(..len).unwrap_or_default());
        len
    }

    /// In the method, or directly behind it.
    pub(super) fn method(&mut self, first: u8, bytes: &[u8]) -> Span {
        if run::token(first) != 0 {
            let len = self.method_bytes(bytes);
            return Span::new(len, Part::Method, false);
        }
        let mut odd = match first {
            b' ' => Oddities::NONE,
            b'\t' => self.tell(Oddity::LineBlanks),
            // A line of one word.
            _ => return self.leave(),
        };
        if self.is(fact::METHOD) {
            odd = odd.and(self.tell(Oddity::MethodByte));
        }
        if self.compared() == Word::Pri {
            self.facts |= fact::PRI;
        }
        self.word = Word::None;
        self.state = State::TargetGap;
        Span::new(1, Part::LineGap, true).showing(odd)
    }

    /// Behind a blank that follows the method.
    pub(super) fn target_gap(&mut self, first: u8) -> Span {
        match first {
            b' ' | b'\t' => {
                let odd = self.tell(Oddity::LineBlanks);
                return Span::new(1, Part::LineGap, false).showing(odd);
            }
            b'\r' | b'\n' => return self.leave(),
            b'/' => {
                self.facts |= fact::SLASH | fact::ROOTED;
                self.state = State::Target;
            }
            b'A'..=b'Z' | b'a'..=b'z' => self.state = State::Scheme,
            _ => self.state = State::Target,
        }
        let odd = self.tell_byte(first);
        Span::new(1, Part::Target, true).showing(odd)
    }

    /// In the scheme of a target, or in what follows its colon.
    pub(super) fn scheme(&mut self, first: u8) -> Span {
        match (self.state, first) {
            (_, b' ' | b'\t' | b'\r' | b'\n') => return self.target(first, &[]),
            (State::Scheme, b':') => {
                self.state = State::Authority;
                self.at = 0;
            }
            (State::Scheme, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.') => {}
            (State::Authority, b'/') if self.at == 0 => self.at = 1,
            (State::Authority, b'/') => {
                self.facts |= fact::ROOTED;
                self.state = State::Target;
            }
            _ => self.state = State::Target,
        }
        let odd = self.tell_byte(first);
        Span::new(1, Part::Target, false).showing(odd)
    }

    /// In the target, or directly behind it.
    pub(super) fn target(&mut self, first: u8, bytes: &[u8]) -> Span {
        match first {
            b' ' | b'\t' => {
                self.state = State::ProtocolGap;
                let odd = if first == b'\t' {
                    self.tell(Oddity::LineBlanks)
                } else {
                    Oddities::NONE
                };
                Span::new(1, Part::LineGap, true).showing(odd)
            }
            b'\r' | b'\n' => self.end_old_line(first, true),
            _ => {
                let len = run::text::<0x21>(bytes);
                if len == 0 {
                    let odd = self.tell_byte(first);
                    return Span::new(1, Part::Target, false).showing(odd);
                }
                Span::new(len, Part::Target, false)
            }
        }
    }

    /// The line ends without a protocol.
    fn end_old_line(&mut self, first: u8, begins: bool) -> Span {
        if !self.is(fact::ROOTED) {
            return self.leave();
        }
        self.facts |= fact::ALONE;
        self.end_request_line(first, begins)
    }

    /// CR or LF in the request line.
    fn end_request_line(&mut self, first: u8, begins: bool) -> Span {
        if first == b'\r' {
            self.state = State::LineCr;
            return Span::new(1, Part::LineGap, begins);
        }
        let odd = self.tell(Oddity::BareLf);
        self.over(1, begins).showing(odd)
    }

    /// The request line ends with these 1 or 2 bytes.
    fn over(&mut self, len: u32, begins: bool) -> Span {
        let span = Span::new(len as usize, Part::LineGap, begins).ending(Ends::LINE);
        self.left = 0;
        self.hash = 0;
        if self.is(fact::ALONE) {
            self.end_request(len);
            self.state = State::Leave;
            return span.ending(Ends::REQUEST);
        }
        if self.is(fact::PRI | fact::TWO) {
            self.end_line(len, State::Leave);
            return span.showing(Oddities::of(Oddity::Preface));
        }
        self.end_line(len, State::Field);
        span
    }

    /// Behind a blank that follows the target.
    pub(super) fn protocol_gap(&mut self, first: u8, bytes: &[u8]) -> Span {
        // What nearly all have, at once; otherwise it is read byte by byte.
        if bytes.starts_with(b"HTTP/1.1\r") {
            self.at = 3;
            self.state = State::Version;
            return Span::new(8, Part::Protocol, true);
        }
        match first {
            b' ' | b'\t' => {
                let odd = self.tell(Oddity::LineBlanks);
                Span::new(1, Part::LineGap, false).showing(odd)
            }
            b'\r' | b'\n' => {
                let odd = self.tell(Oddity::LineBlanks);
                self.end_old_line(first, false).showing(odd)
            }
            b'H' | b'h' => {
                self.at = 1;
                self.state = State::Http;
                let odd = self.tell_case(first, b'H');
                Span::new(1, Part::Protocol, true).showing(odd)
            }
            _ => self.more_target(first),
        }
    }

    /// What follows a blank is no protocol: a part of the target, or not HTTP.
    fn more_target(&mut self, first: u8) -> Span {
        if !self.is(fact::SLASH) {
            return self.leave();
        }
        let odd = self.tell(Oddity::TargetSpace);
        self.state = State::Target;
        if matches!(first, b' ' | b'\t' | b'\r' | b'\n') {
            return self.target(first, &[]).showing(odd);
        }
        let odd = odd.and(self.tell_byte(first));
        Span::new(1, Part::Target, false).showing(odd)
    }

    /// Told where a protocol is written in other letters.
    fn tell_case(&mut self, byte: u8, letter: u8) -> Oddities {
        if byte == letter {
            return Oddities::NONE;
        }
        self.tell(Oddity::Protocol)
    }

    /// In `HTTP/`.
    pub(super) fn http(&mut self, first: u8) -> Span {
        match HTTP.get(usize::from(self.at)) {
            Some(letter) if letter.eq_ignore_ascii_case(&first) => {
                let odd = self.tell_case(first, *letter);
                // OVERFLOW: at most 5.
                self.at = self.at.wrapping_add(1);
                if usize::from(self.at) == HTTP.len() {
                    self.at = 0;
                    self.state = State::Version;
                }
                Span::new(1, Part::Protocol, false).showing(odd)
            }
            _ => self.more_target(first),
        }
    }

    /// Behind `HTTP/`: a digit, a dot, a digit.
    pub(super) fn version(&mut self, first: u8, bytes: &[u8]) -> Span {
        if self.at == 3 && bytes.starts_with(b"\r\n") {
            return self.over(2, true);
        }
        let is_due = match (self.at, first) {
            (0, b'1') | (1, b'.') => true,
            (2, b'0'..=b'9') => {
                if first == b'0' {
                    self.facts |= fact::OLD;
                }
                true
            }
            (0, b'2') => {
                self.facts |= fact::TWO;
                true
            }
            (3, b' ' | b'\t' | b'\r' | b'\n') => true,
            _ => false,
        };
        let mut odd = Oddities::NONE;
        // Told of HTTP/2 behind its first digit, unless the method is that of its first line.
        if !is_due || (self.at == 1 && self.is(fact::TWO) && !self.is(fact::PRI)) {
            odd = self.tell(Oddity::Protocol);
        }
        match first {
            b' ' | b'\t' => {
                self.state = State::LineTail;
                odd = odd.and(self.tell(Oddity::LineBlanks));
                return Span::new(1, Part::LineGap, true).showing(odd);
            }
            b'\r' | b'\n' => return self.end_request_line(first, true).showing(odd),
            _ => {}
        }
        if !is_due && self.at == 3 {
            // HTTP/1.01 is not that old.
            self.facts &= !fact::OLD;
        }
        self.at = if is_due && self.at < 3 {
            // OVERFLOW: below 3.
            self.at.wrapping_add(1)
        } else {
            4
        };
        let odd = odd.and(self.tell_byte(first));
        Span::new(1, Part::Protocol, false).showing(odd)
    }

    /// Behind a blank that follows the protocol.
    pub(super) fn line_tail(&mut self, first: u8) -> Span {
        match first {
            b' ' | b'\t' => Span::new(1, Part::LineGap, false),
            b'\r' | b'\n' => self.end_request_line(first, false),
            _ => {
                self.at = 4;
                self.state = State::Version;
                let odd = self.tell(Oddity::Protocol).and(self.tell_byte(first));
                Span::new(1, Part::Protocol, false).showing(odd)
            }
        }
    }

    /// Behind the CR of the request line.
    pub(super) fn line_cr(&mut self, first: u8) -> Span {
        if first == b'\n' {
            return self.over(1, false);
        }
        let odd = self.tell(Oddity::BareCr);
        self.leave().showing(odd)
    }
}
