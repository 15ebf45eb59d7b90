// SPDX-License-Identifier: GPL-2.0

//! What the officer expects of a cell that learns, as its image has it.
//!
//! Floor 0, pure; context: any. Asked only while a cell learns.

use super::{
    string,
    EXPECTED, //
};
use crate::sense::class::{
    Class,
    ClassSet,
    Domain, //
};
use crate::sense::expectation::{
    covers,
    Expectation, //
};
use crate::sense::sighting::{
    Knows,
    Sighting, //
};
use crate::wire::bytes::u32_at;

/// The patterns of a cell.
///
/// # Examples
///
/// ```
/// use kis_core::cells::{encode, room, CellSpec, Cells};
/// use kis_core::sense::class::{Class, ClassSet};
/// use kis_core::sense::expectation::Expectation;
/// use kis_core::sense::sighting::Sighting;
///
/// let mut spec = CellSpec::new(b"web", b"/usr/sbin/nginx");
/// (spec.hard, spec.learn) = (true, true);
/// spec.expected_classes = ClassSet::EMPTY.with(Class::Peer).with(Class::Program);
/// spec.expected = &[(Class::Peer, b"unix /run/php/*")];
/// let mut image = vec![0; room(&[spec])];
/// let len = encode(&[spec], &mut image)?;
/// let cells = Cells::verify(&image[..len])?;
/// let expected = cells.get(0).expect("a cell").expected();
/// let says = |class, name: &[u8]| expected.says(&Sighting::named(class, false, name));
/// assert_eq!(says(Class::Peer, b"unix /run/php/fpm.sock"), Expectation::Named);
/// assert_eq!(says(Class::Program, b"/bin/sh -> /bin/id"), Expectation::None);
/// assert_eq!(says(Class::Port, b"tcp 0.0.0.0:80"), Expectation::Named);
/// # Ok::<(), kis_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    pub(super) image: &'a [u8],
    pub(super) strings_at: usize,
    pub(super) classes: ClassSet,
    pub(super) patterns: &'a [u8],
}

impl<'a> Expected<'a> {
    /// The classes that have a list, be it an empty one.
    pub const fn classes(&self) -> ClassSet {
        self.classes
    }

    /// How many patterns there are, at most [`MAX_EXPECTED`](crate::wire::abi::MAX_EXPECTED).
    pub const fn len(&self) -> usize {
        self.patterns.len() / EXPECTED
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The patterns, rising by class, in the officer's order within one.
    pub fn iter(&self) -> impl Iterator<Item = (Class, &'a [u8])> + 'a {
        let (image, strings_at) = (self.image, self.strings_at);
        self.patterns
            .chunks_exact(EXPECTED)
            .filter_map(move |row| Some((class_of(row)?, string(image, strings_at, row, 4)?)))
    }

    /// What they say of something that came up.
    pub fn says(&self, seen: &Sighting<'_>) -> Expectation {
        Expectation::of(seen, self.classes, self)
    }
}

/// The class of a pattern.
pub(super) fn class_of(row: &[u8]) -> Option<Class> {
    u8::try_from(u32_at(row, 0)?)
        .ok()
        .and_then(Class::from_number)
}

impl Knows for Expected<'_> {
    fn has(&self, class: Class, _: Domain, name: &[u8]) -> bool {
        self.iter()
            .any(|(of, pattern)| of == class && covers(class, pattern, name))
    }
}
