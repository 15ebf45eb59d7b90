// SPDX-License-Identifier: GPL-2.0

//! The gate for images of signatures: header and table, then each section with its own verifier.
//!
//! The first fault is reported with its place. Linear in the image. Floor 0, pure.

use super::rows::{
    verify_ports,
    verify_rows,
    verify_strings, //
};
use crate::matching::automaton::Automaton;
use crate::matching::lead::Leads;
use crate::matching::piece::Pieces;
use crate::matching::ports;
use crate::matching::scoped::Scoped;
use crate::matching::section::{
    Kind,
    Section,
    Sections, //
};
use crate::matching::term::Terms;
use crate::matching::threshold;
use crate::Result;

/// Where the parts of an image are, and what the scan needs at hand.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Number of signatures.
    pub(super) signatures: u32,
    /// The signatures.
    pub(super) rows: Section,
    /// Their strings.
    pub(super) strings: Section,
    /// The ports that they are for.
    pub(super) ports: Section,
    /// How often they have to match, or are told.
    pub(super) thresholds: Section,
    /// What finds those that have no literal.
    pub(super) automaton: Automaton,
    /// What the others are beside their literals.
    pub(super) pieces: Pieces,
    /// Their literals.
    pub(super) leads: Leads,
    /// What they are made of.
    pub(super) terms: Terms,
    /// What finds terms without a literal in parts of requests.
    pub(super) scoped: Scoped,
}

impl View {
    /// Of an image that was not looked at yet.
    pub(super) const EMPTY: Self = Self {
        signatures: 0,
        rows: Section::NONE,
        strings: Section::NONE,
        ports: Section::NONE,
        thresholds: Section::NONE,
        automaton: Automaton::NONE,
        pieces: Pieces::NONE,
        leads: Leads::NONE,
        terms: Terms::NONE,
        scoped: Scoped::NONE,
    };
}

/// Sections in the order in which they are checked: what is found is counted before who finds it.
const ORDER: [Kind; Kind::ALL.len()] = [
    Kind::Signatures,
    Kind::Strings,
    Kind::Ports,
    Kind::Thresholds,
    Kind::Terms,
    Kind::Automaton,
    Kind::Pieces,
    Kind::Leads,
    Kind::Scoped,
];

/// Checks an image and writes to `view` where its parts are; leaves it anyhow on errors.
///
/// A kind of section without a verifier does not build.
pub(super) fn image(bytes: &[u8], view: &mut View) -> Result {
    let sections = Sections::open(bytes)?;
    for kind in ORDER {
        let part = sections.part(bytes, kind);
        let things = view.terms.things(view.signatures);
        match kind {
            Kind::Signatures => {
                view.signatures = verify_rows(&part)?;
                view.rows = sections.get(kind);
            }
            Kind::Strings => {
                verify_strings(&part, &sections.part(bytes, Kind::Signatures))?;
                view.strings = sections.get(kind);
            }
            Kind::Ports => {
                let ranges = ports::verify(&part)?;
                verify_ports(&sections.part(bytes, Kind::Signatures), ranges)?;
                view.ports = sections.get(kind);
            }
            Kind::Thresholds => {
                threshold::verify(&part, view.signatures)?;
                view.thresholds = sections.get(kind);
            }
            Kind::Terms => view.terms.verify(&part, view.signatures)?,
            Kind::Automaton => view.automaton.verify(&part, things)?,
            Kind::Pieces => view.pieces.verify(&part)?,
            Kind::Leads => view.leads.verify(&part, things, view.pieces.count())?,
            Kind::Scoped => view.scoped.verify(&part, things)?,
        }
    }
    Ok(())
}

/// Checks an image, for who does not want to walk it.
#[inline(never)]
pub(super) fn is_image(bytes: &[u8]) -> Result {
    image(bytes, &mut { View::EMPTY })
}
