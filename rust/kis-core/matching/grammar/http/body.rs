// SPDX-License-Identifier: GPL-2.0

//! Bodies: of a known length, and in chunks.
//!
//! Floor 0, pure; context: softirq.

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

/// Digits of a chunk's size before their number is odd: those of 64 bits.
const DIGITS: u8 = 16;

impl Http {
    /// In a body, or a chunk, whose length is known, with so many bytes at hand.
    pub(super) const fn counted(&mut self, len: usize) -> Span {
        let taken = if self.left < len as u64 {
            // CAST: below `len`.
            self.left as usize
        } else {
            len
        };
        // CAST: widens. OVERFLOW: at most what is left.
        self.left = self.left.wrapping_sub(taken as u64);
        let span = Span::new(taken, Part::Body, self.begin(fact::BODY));
        if self.left > 0 {
            return span;
        }
        if matches!(self.state, State::Chunk) {
            self.state = State::ChunkEnd;
            return span;
        }
        self.end_request(0);
        span.ending(Ends::REQUEST)
    }

    /// In a body that has no end.
    pub(super) const fn rest(&mut self, len: usize) -> Span {
        Span::new(len, Part::Body, self.begin(fact::BODY))
    }

    /// At the first digit of a chunk's size.
    pub(super) fn first_size(&mut self, first: u8) -> Span {
        let begins = self.state == State::FirstSize;
        self.left = 0;
        self.at = 0;
        if !first.is_ascii_hexdigit() {
            return self.refuse(Oddity::ChunkSize);
        }
        self.state = State::Size;
        let mut span = self.size(first);
        span.begins = begins;
        span
    }

    /// Follows nothing from this byte on, which is `odd`.
    fn refuse(&mut self, odd: Oddity) -> Span {
        let odd = self.tell(odd);
        self.leave().showing(odd)
    }

    /// In a chunk's size, or directly behind it.
    pub(super) fn size(&mut self, first: u8) -> Span {
        let mut odd = Oddities::NONE;
        match first {
            b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' => {
                let digit = char::from(first).to_digit(16).unwrap_or(0);
                if self.left > (i64::MAX as u64) >> 4 {
                    return self.refuse(Oddity::ChunkSize);
                }
                self.left = (self.left << 4) | u64::from(digit);
                self.at = self.at.saturating_add(1);
                if self.at > DIGITS {
                    odd = self.tell(Oddity::ChunkSize);
                }
            }
            b';' => self.state = State::Extension,
            b' ' | b'\t' => {
                self.state = State::Extension;
                odd = self.tell(Oddity::ChunkSize);
            }
            b'\r' | b'\n' => return self.end_size(first),
            _ => return self.refuse(Oddity::ChunkSize),
        }
        Span::new(1, Part::Framing, false).showing(odd)
    }

    /// Behind something that follows the size.
    pub(super) fn extension(&mut self, first: u8, bytes: &[u8]) -> Span {
        if matches!(first, b'\r' | b'\n') {
            return self.end_size(first);
        }
        let len = run::text::<0x20>(bytes);
        if len > 0 {
            return Span::new(len, Part::Framing, false);
        }
        let odd = self.tell_byte(first);
        Span::new(1, Part::Framing, false).showing(odd)
    }

    /// CR or LF of the size's line.
    fn end_size(&mut self, first: u8) -> Span {
        if first == b'\r' {
            self.state = State::SizeCr;
            return Span::new(1, Part::Framing, false);
        }
        let odd = self.tell(Oddity::BareLf);
        self.begin_chunk().showing(odd)
    }

    /// Behind the CR of the size's line.
    pub(super) fn size_cr(&mut self, first: u8) -> Span {
        if first == b'\n' {
            return self.begin_chunk();
        }
        self.refuse(Oddity::BareCr)
    }

    /// The size's line ends with this byte.
    fn begin_chunk(&mut self) -> Span {
        if self.left > 0 {
            self.end_line(1, State::Chunk);
        } else {
            self.facts |= fact::TRAILER;
            self.hash = 0;
            self.end_line(1, State::Field);
        }
        Span::new(1, Part::Framing, false)
    }

    /// Directly behind a chunk.
    pub(super) fn chunk_end(&mut self, first: u8) -> Span {
        match first {
            b'\r' => {
                self.state = State::ChunkCr;
                Span::new(1, Part::Framing, true)
            }
            b'\n' => {
                let odd = self.tell(Oddity::BareLf);
                self.end_line(1, State::NextSize);
                Span::new(1, Part::Framing, true).showing(odd)
            }
            _ => self.refuse(Oddity::ChunkEnd),
        }
    }

    /// Behind the CR that follows a chunk.
    pub(super) fn chunk_cr(&mut self, first: u8) -> Span {
        if first == b'\n' {
            self.end_line(1, State::NextSize);
            return Span::new(1, Part::Framing, false);
        }
        self.refuse(Oddity::BareCr)
    }
}
