// SPDX-License-Identifier: GPL-2.0

//! A profile as a file: what a cell has learned, and whose it is.
//!
//! The format is the kernel's image (`kis_core::sense::profile`): a header with its version and sum,
//! the cell and its program, the program's build, and what was learned. Only here the build is known,
//! so an export writes it and an import holds it against the program that is there now.

use crate::{
    control::{
        Cell,
        Control, //
    },
    error::{
        Error,
        Result, //
    },
    text, //
};
use kis_core::{
    paths::path,
    sense::{
        items::{
            Item,
            MAX_ITEMS,
            MAX_NAMES, //
        },
        param::Param,
        profile::{
            Origin,
            Profile,
            MAX_BYTES, //
        },
        repertoire::Repertoire, //
    },
    wire::{
        abi::ABI,
        image::{
            self,
            Kind, //
        }, //
    }, //
};
use std::{
    fs::File,
    io::Read, //
};

/// How much of a program is hashed.
const MOST: u64 = 1 << 30;

/// A repertoire with memory of its own.
pub type Own = Repertoire<Vec<Item>, Vec<u8>>;

/// A profile with its repertoire.
///
/// # Examples
///
/// ```
/// use kis_core::sense::class::{Class, Domain};
/// use kisctl::profile_file::Saved;
///
/// let mut saved = Saved::new();
/// saved.repertoire.accept(Class::Peer, Domain::User, b"unix /run/php.sock");
/// let image = saved.encode().expect("an image");
/// let read = Saved::read(&image, "a.profile").expect("a profile");
/// assert_eq!(read.repertoire.items().len(), 1);
/// assert!(Saved::read(&image[..64], "a.profile").is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Saved {
    /// What was learned of the parameters, and whose it is.
    pub profile: Box<Profile>,
    /// What the cell did.
    pub repertoire: Own,
}

impl Default for Saved {
    fn default() -> Self {
        Self::new()
    }
}

impl Saved {
    /// Of a cell that has learned nothing.
    pub fn new() -> Self {
        Self {
            profile: Box::new(Profile::new()),
            repertoire: Repertoire::new(vec![Item::NONE; MAX_ITEMS], vec![0; MAX_NAMES]),
        }
    }

    /// What an image holds; `what` names it in errors.
    pub fn read(bytes: &[u8], what: &str) -> Result<Self> {
        let refuse = |why: String, next: &str| {
            Err(Error::failed(format!("{what}: not a profile: {why}")).next(next))
        };
        if image::kind(bytes) != Some(Kind::Profile) {
            let why = match image::kind(bytes) {
                Some(_) => "it is an image of something else",
                None => "it does not begin as one",
            };
            let next = "give a file that kisctl profile export wrote";
            return refuse(why.to_owned(), next);
        }
        let version = bytes.get(4..8).and_then(<[u8]>::first_chunk);
        match version.map(|word| u32::from_le_bytes(*word)) {
            Some(ABI) => {}
            Some(other) => {
                let why = format!("it was written for ABI {other}, this kisctl speaks {ABI}");
                return refuse(why, "learn anew: what was learned has another form now");
            }
            None => {}
        }
        let mut saved = Self::new();
        match Profile::verify(bytes, &mut saved.repertoire) {
            Ok(profile) => {
                *saved.profile = profile;
                Ok(saved)
            }
            Err(e) => refuse(
                format!("it is damaged: {e}"),
                "copy it again from where it is whole, or export it anew",
            ),
        }
    }

    /// That of a cell that is loaded.
    pub fn of_cell(control: &mut Control, name: &str) -> Result<Self> {
        Self::read(&control.profile(name)?, &format!("cell \"{name}\""))
    }

    /// The image.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut image = vec![0; MAX_BYTES];
        let len = self.profile.encode(&self.repertoire, &mut image);
        let len = len.map_err(|e| Error::failed(format!("the profile makes no image: {e}")))?;
        image.truncate(len);
        Ok(image)
    }

    /// Writes down whose it is.
    pub fn belongs_to(&mut self, cell: &Cell, build: Option<u64>) {
        self.profile.origin = Origin {
            build: build.unwrap_or(0),
            ..origin(cell)
        };
    }

    /// Why it is not for `cell`, whose program has the bytes of `build`; `cells` are all that there
    /// are.
    pub fn misfit(
        &self,
        cell: &Cell,
        build: std::io::Result<u64>,
        cells: &[Cell],
    ) -> Option<String> {
        let (is, program) = (self.profile.origin, text::name(cell.program.as_bytes()));
        if is.cell != origin(cell).cell {
            let whose = cells.iter().find(|other| origin(other).cell == is.cell);
            return Some(match whose {
                Some(other) => format!(
                    "it is of cell \"{}\" ({})",
                    text::name(other.name.as_bytes()),
                    text::name(other.program.as_bytes())
                ),
                None if is.cell == 0 => "it does not say whose it is".to_owned(),
                None => format!("it is of another cell, or of another program than {program}"),
            });
        }
        match build {
            // An export that could not read the program.
            _ if is.build == 0 => None,
            Ok(build) if build == is.build => None,
            Ok(_) => Some(format!("it was learned from another build of {program}")),
            Err(e) => Some(format!(
                "the build of {program} that it was learned from cannot be held against it: {e}"
            )),
        }
    }

    /// The greatest normal values of a parameter, as far as danger one and two go; `None` for a line
    /// that is never crossed: both while it learns, and that of danger two where there is none.
    pub fn thresholds(&self, param: Param) -> [Option<u64>; 2] {
        self.profile.lines(param).usual.lines()
    }
}

/// What a cell's own profiles say of their origin, the build apart.
fn origin(cell: &Cell) -> Origin {
    Origin::of(cell.name.as_bytes(), cell.program.as_bytes())
}

/// The hash of a program's bytes.
///
/// It finds accidents, as a package that was upgraded; who can choose the bytes of a program that
/// root runs needs no profile. Never 0, which stands for none.
pub fn build_of(program: &str) -> std::io::Result<u64> {
    let mut bytes = Vec::new();
    File::open(program)?.take(MOST).read_to_end(&mut bytes)?;
    Ok(path::hash(&bytes).max(1))
}

#[cfg(test)]
mod tests;
