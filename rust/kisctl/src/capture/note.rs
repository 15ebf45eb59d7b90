// SPDX-License-Identifier: GPL-2.0

//! What was odd about a capture: each kind once, with how often and where it was first.

/// Where something is in a capture.
///
/// # Examples
///
/// ```
/// use kisctl::capture::note::Place;
///
/// let place = Place { packet: 3, byte: 1024 };
/// assert_eq!(place.to_string(), "packet 3, byte 1024");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Number of the packet, from 1.
    pub packet: u64,
    /// Bytes of the file before its record.
    pub byte: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "packet {}, byte {}", self.packet, self.byte)
    }
}

/// Something odd.
///
/// # Examples
///
/// ```
/// use kisctl::capture::note::{Notes, Place};
///
/// let mut notes = Notes::default();
/// notes.add("the file is cut", Place { packet: 3, byte: 99 });
/// assert_eq!(notes.all()[0].seen(), "packet 3, byte 99");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub what: &'static str,
    /// How often.
    pub count: u64,
    /// Where first.
    pub first: Place,
}

impl Note {
    /// How often, and where, in words.
    pub fn seen(&self) -> String {
        match self.count {
            1 => self.first.to_string(),
            count => format!("{count} times, first {}", self.first),
        }
    }
}

/// What was odd, in the order in which it came up. As many at most as there are texts in the code.
///
/// # Examples
///
/// ```
/// use kisctl::capture::note::{Notes, Place};
///
/// let mut notes = Notes::default();
/// for packet in 1..4 {
///     notes.add("is no IP", Place { packet, byte: 24 });
/// }
/// assert_eq!((notes.all().len(), notes.count("is no IP")), (1, 3));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    all: Vec<Note>,
}

impl Notes {
    /// Notes something.
    pub fn add(&mut self, what: &'static str, place: Place) {
        match self.all.iter_mut().find(|note| note.what == what) {
            Some(note) => note.count += 1,
            None => self.all.push(Note {
                what,
                count: 1,
                first: place,
            }),
        }
    }

    /// Adds what others noted.
    pub fn append(&mut self, other: &Note) {
        match self.all.iter_mut().find(|note| note.what == other.what) {
            Some(note) => note.count += other.count,
            None => self.all.push(other.clone()),
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Note] {
        &self.all
    }

    /// How often something was noted.
    pub fn count(&self, what: &str) -> u64 {
        let mut all = self.all.iter();
        all.find(|note| note.what == what)
            .map_or(0, |note| note.count)
    }
}
