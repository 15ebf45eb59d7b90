// SPDX-License-Identifier: GPL-2.0

//! Keys, from the bytes that a terminal sends for them.

use std::collections::VecDeque;

/// The longest sequence that is waited for; none of ours has more than 4 bytes.
const SEQUENCE_BYTES: usize = 16;

/// What a key asks for.
///
/// # Examples
///
/// ```
/// use kisctl::terminal::key::{Key, Keys};
///
/// let mut keys = Keys::default();
/// keys.push(b"k");
/// assert_eq!(keys.next(), Some(Key::Up));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A line up: the arrow, or `k`.
    Up,
    /// A line down: the arrow, or `j`.
    Down,
    /// A page up: PageUp, or `b`.
    PageUp,
    /// A page down: PageDown, or the space bar.
    PageDown,
    /// To the first line: Home, or `g`.
    First,
    /// To the last line: End, or `G`.
    Last,
    /// Away: `q`, or Ctrl-C where the terminal makes no signal of it.
    Quit,
}

/// Bytes that have come, and the keys in them. A sequence may come in pieces; what is no key of ours
/// is passed over.
///
/// # Examples
///
/// ```
/// use kisctl::terminal::key::{Key, Keys};
///
/// let mut keys = Keys::default();
/// keys.push(b"x\x1b[6");
/// assert_eq!(keys.next(), None);
/// keys.push(b"~q");
/// assert_eq!(keys.collect::<Vec<_>>(), [Key::PageDown, Key::Quit]);
/// ```
#[derive(Debug, Default)]
pub struct Keys {
    bytes: VecDeque<u8>,
}

impl Keys {
    /// Takes in what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The bytes of the sequence that begins here: ESC, `[` or `O`, and all up to a letter or `~`.
    /// Nothing while its end is missing.
    fn sequence(&mut self) -> Option<Vec<u8>> {
        let kind = *self.bytes.get(1)?;
        let len = match kind {
            b'O' => 3,
            b'[' => {
                let rest = self.bytes.iter().skip(2);
                let end = rest.take(SEQUENCE_BYTES).position(|b| is_end(*b));
                match end {
                    Some(end) => end + 3,
                    None if self.bytes.len() > SEQUENCE_BYTES => 1,
                    None => return None,
                }
            }
            // Escape itself was pressed, before another key.
            _ => 1,
        };
        (self.bytes.len() >= len).then(|| self.bytes.drain(..len).collect())
    }
}

impl Iterator for Keys {
    type Item = Key;

    fn next(&mut self) -> Option<Key> {
        while let Some(byte) = self.bytes.front() {
            let key = if *byte == b'\x1b' {
                of_sequence(&self.sequence()?)
            } else {
                of_byte(self.bytes.pop_front()?)
            };
            if key.is_some() {
                return key;
            }
        }
        None
    }
}

fn is_end(byte: u8) -> bool {
    (0x40..=0x7e).contains(&byte)
}

fn of_byte(byte: u8) -> Option<Key> {
    Some(match byte {
        b'k' => Key::Up,
        b'j' => Key::Down,
        b'b' => Key::PageUp,
        b' ' => Key::PageDown,
        b'g' => Key::First,
        b'G' => Key::Last,
        b'q' | 0x03 => Key::Quit,
        _ => return None,
    })
}

fn of_sequence(bytes: &[u8]) -> Option<Key> {
    Some(match bytes.get(1..)? {
        b"[A" | b"OA" => Key::Up,
        b"[B" | b"OB" => Key::Down,
        b"[5~" => Key::PageUp,
        b"[6~" => Key::PageDown,
        b"[H" | b"OH" | b"[1~" | b"[7~" => Key::First,
        b"[F" | b"OF" | b"[4~" | b"[8~" => Key::Last,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(pieces: &[&[u8]]) -> Vec<Key> {
        let mut keys = Keys::default();
        let mut all = Vec::new();
        for piece in pieces {
            keys.push(piece);
            all.extend(&mut keys);
        }
        all
    }

    #[test]
    fn keys_come_as_letters_and_as_sequences() {
        use Key::*;
        assert_eq!(
            keys(&[b"jk bgGq\x03"]),
            [Down, Up, PageDown, PageUp, First, Last, Quit, Quit]
        );
        assert_eq!(
            keys(&[b"\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1b[4~"]),
            [Up, Down, PageUp, PageDown, First, Last]
        );
    }

    #[test]
    fn sequences_may_come_in_pieces() {
        assert_eq!(keys(&[b"\x1b", b"[", b"5", b"~"]), [Key::PageUp]);
        assert_eq!(keys(&[b"\x1bO", b"A"]), [Key::Up]);
    }

    #[test]
    fn what_is_no_key_is_passed_over() {
        assert_eq!(keys(&[b"xyz\xff\0\x1b[1;5C\x1b[Zq"]), [Key::Quit]);
        // Escape, then a key.
        assert_eq!(keys(&[b"\x1bq"]), [Key::Quit]);
        // A sequence without an end does not hold up what comes behind it.
        let mut endless = b"\x1b[".to_vec();
        endless.extend([b'1'; 40]);
        endless.push(b'q');
        assert_eq!(keys(&[&endless]), [Key::Quit]);
    }
}
