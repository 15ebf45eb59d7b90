// SPDX-License-Identifier: GPL-2.0

//! The netlink family `kis`, typed: one function for each operation of
//! `Documentation/netlink/specs/kis.yaml`.

pub mod model;

use crate::{
    error::{
        Error,
        Result, //
    },
    netlink::{
        attribute::{
            Attributes,
            Reader, //
        },
        socket::{
            Refusal,
            Socket, //
        }, //
    },
    uapi, //
};
use kis_core::{
    sense::class::{
        Class,
        Domain, //
    },
    wire::{
        abi::{
            CellMode,
            MAX_IMAGE, //
        },
        image::{
            self,
            Kind, //
        }, //
    }, //
};
use std::{
    collections::HashMap,
    net::IpAddr,
    thread::sleep,
    time::Duration, //
};

pub use model::{
    mode_name,
    Ban,
    Cell,
    ParamState,
    Signature,
    Status, //
};

/// How often a profile is asked for that changes while it is read, and how long it is waited in
/// between.
const PROFILE_TRIES: usize = 8;
const PROFILE_PAUSE: Duration = Duration::from_millis(50);

/// A connection to the module.
///
/// # Examples
///
/// ```
/// use kisctl::control::Control;
///
/// match Control::open() {
///     Ok(mut control) => println!("{} cells", control.status()?.cells),
///     Err(error) => println!("no module here: {error}"),
/// }
/// # Ok::<(), kisctl::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Control {
    socket: Socket,
}

/// What an upload holds.
///
/// # Examples
///
/// ```
/// use kisctl::control::{Control, ImageKind};
///
/// fn load_cells(control: &mut Control, image: &[u8]) -> kisctl::error::Result<u32> {
///     control.upload(ImageKind::Cells, None, image)
/// }
/// # assert_ne!(ImageKind::Cells, ImageKind::Profile);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// All cells.
    Cells,
    /// All signatures.
    Signatures,
    /// One cell's profile.
    Profile,
}

impl Control {
    /// Connects, and refuses a module that speaks another ABI.
    pub fn open() -> Result<Self> {
        let mut control = Self::connect()?;
        let abi = control.status()?.abi;
        if abi == uapi::KIS_ABI {
            Ok(control)
        } else {
            Err(Error::absent(format!(
                "the loaded module speaks ABI {abi}, this kisctl {}",
                uapi::KIS_ABI
            ))
            .next("install kisctl and kis.ko of the same version"))
        }
    }

    /// Connects to whatever module there is.
    pub fn connect() -> Result<Self> {
        let family = uapi::KIS_FAMILY_NAME.strip_suffix(b"\0");
        let family = String::from_utf8_lossy(family.unwrap_or_default()).into_owned();
        // CAST: 1.
        let version = uapi::KIS_FAMILY_VERSION as u8;
        match Socket::open(&family, version)? {
            Some(socket) => Ok(Self { socket }),
            None => Err(Error::absent("the kis module is not loaded")
                .next("load it: insmod kis.ko; kisctl doctor says what is missing")),
        }
    }

    /// State of the module.
    pub fn status(&mut self) -> Result<Status> {
        let reply = self.ask("status", uapi::KIS_CMD_STATUS_GET, &Attributes::new())?;
        Ok(Status::read(&reply))
    }

    /// All cells.
    pub fn cells(&mut self) -> Result<Vec<Cell>> {
        let dump = self.dump("the list of cells", uapi::KIS_CMD_CELL_GET)?;
        Ok(dump.iter().map(|message| Cell::read(message)).collect())
    }

    /// The cell of that name.
    pub fn cell(&mut self, name: &str) -> Result<Cell> {
        let cells = self.cells()?;
        let names: Vec<String> = cells.iter().map(|cell| cell.name.clone()).collect();
        cells
            .into_iter()
            .find(|cell| cell.name == name)
            .ok_or_else(|| no_such_cell(name, &names))
    }

    /// The image of the cells in force; empty when there are none.
    pub fn cells_image(&mut self) -> Result<Vec<u8>> {
        let doing = "the cells in force";
        for _ in 0..PROFILE_TRIES {
            let mut generations = Vec::new();
            let image = whole(|offset| {
                let (part, size, generation) = self.image_part(offset, doing)?;
                generations.push(generation);
                Ok((part, size))
            })?;
            generations.dedup();
            if let (Some(image), [_]) = (image, generations.as_slice()) {
                return Ok(image);
            }
        }
        Err(Error::failed(format!("{doing}: others are loaded all the time")).next("try again"))
    }

    /// The bytes of the image from `offset` on, how many the whole has, and which one it is.
    fn image_part(&mut self, offset: u32, doing: &str) -> Result<(Vec<u8>, u32, u32)> {
        let attributes = Attributes::new()
            .u32(uapi::KIS_A_IMAGE_KIND, uapi::KIS_IMAGE_KIND_CELLS)
            .u32(uapi::KIS_A_IMAGE_OFFSET, offset);
        let reply = self.ask(doing, uapi::KIS_CMD_IMAGE_GET, &attributes)?;
        let reply = Reader::new(&reply);
        let number = |attribute| reply.find(attribute).and_then(|found| found.u32());
        let part = reply.find(uapi::KIS_A_IMAGE_DATA);
        match (
            part,
            number(uapi::KIS_A_IMAGE_SIZE),
            number(uapi::KIS_A_IMAGE_GENERATION),
        ) {
            (Some(part), Some(size), Some(generation)) => {
                Ok((part.payload.to_vec(), size, generation))
            }
            _ => Err(Error::failed(format!("{doing}: the kernel sent none"))),
        }
    }

    /// All parameters of all cells.
    pub fn params(&mut self) -> Result<Vec<ParamState>> {
        let dump = self.dump("the parameters", uapi::KIS_CMD_PARAM_GET)?;
        Ok(dump
            .iter()
            .map(|message| ParamState::read(message))
            .collect())
    }

    /// All signatures.
    pub fn signatures(&mut self) -> Result<Vec<Signature>> {
        let dump = self.dump("the list of signatures", uapi::KIS_CMD_SIGNATURE_GET)?;
        Ok(dump
            .iter()
            .map(|message| Signature::read(message))
            .collect())
    }

    /// All bans.
    pub fn bans(&mut self) -> Result<Vec<Ban>> {
        let dump = self.dump("the list of bans", uapi::KIS_CMD_BAN_GET)?;
        Ok(dump
            .iter()
            .filter_map(|message| Ban::read(message))
            .collect())
    }

    /// Bans an address.
    pub fn ban_add(&mut self, address: IpAddr, ttl_ms: u32) -> Result<()> {
        let attributes = Attributes::new()
            .bytes(uapi::KIS_A_BAN_ADDRESS, &octets(address))
            .u32(uapi::KIS_A_BAN_TTL_MS, ttl_ms);
        let doing = format!("ban of {address}");
        self.ask(&doing, uapi::KIS_CMD_BAN_ADD, &attributes)
            .map(drop)
    }

    /// Ends a ban.
    pub fn ban_del(&mut self, address: IpAddr) -> Result<()> {
        let attributes = Attributes::new().bytes(uapi::KIS_A_BAN_ADDRESS, &octets(address));
        let doing = format!("ban of {address}");
        self.ask(&doing, uapi::KIS_CMD_BAN_DEL, &attributes)
            .map(drop)
    }

    /// Sets the global mode, or that of a cell.
    pub fn set_mode(&mut self, cell: Option<&str>, mode: CellMode) -> Result<()> {
        let attributes = Attributes::new()
            .maybe_string(uapi::KIS_A_TARGET_CELL, cell)
            .u32(uapi::KIS_A_TARGET_MODE, u32::from(mode as u16));
        self.ask(&about(cell, "mode"), uapi::KIS_CMD_MODE_SET, &attributes)
            .map(drop)
    }

    /// The profile of a cell as an image.
    ///
    /// It comes in parts, and a cell that learns may change it meanwhile: then it is asked for again.
    pub fn profile(&mut self, cell: &str) -> Result<Vec<u8>> {
        let doing = about(Some(cell), "profile");
        for round in 0..PROFILE_TRIES {
            if round > 0 {
                sleep(PROFILE_PAUSE);
            }
            let image = whole(|offset| self.profile_part(cell, offset, &doing))?;
            if let Some(image) = image.filter(|bytes| image::open(bytes, Kind::Profile).is_ok()) {
                return Ok(image);
            }
        }
        Err(
            Error::failed(format!("{doing}: it changes faster than it can be read"))
                .next("try again when the cell has less to do"),
        )
    }

    /// The bytes of a profile from `offset` on, and how many the whole has.
    fn profile_part(&mut self, cell: &str, offset: u32, doing: &str) -> Result<(Vec<u8>, u32)> {
        let attributes = Attributes::new()
            .string(uapi::KIS_A_TARGET_CELL, cell)
            .u32(uapi::KIS_A_TARGET_OFFSET, offset);
        let reply = self.ask(doing, uapi::KIS_CMD_PROFILE_GET, &attributes)?;
        let reply = Reader::new(&reply);
        let part = reply.find(uapi::KIS_A_TARGET_PROFILE);
        let size = reply.find(uapi::KIS_A_TARGET_PROFILE_SIZE);
        match (part, size.and_then(|size| size.u32())) {
            (Some(part), Some(size)) => Ok((part.payload.to_vec(), size)),
            _ => Err(Error::failed(format!("{doing}: the kernel sent none"))),
        }
    }

    /// Adds something to the self of a cell.
    pub fn profile_accept(
        &mut self,
        cell: &str,
        class: Class,
        domain: Domain,
        name: &[u8],
    ) -> Result<()> {
        let attributes = Attributes::new()
            .string(uapi::KIS_A_TARGET_CELL, cell)
            .u32(uapi::KIS_A_TARGET_CLASS, u32::from(class as u8))
            .u32(uapi::KIS_A_TARGET_DOMAIN, u32::from(domain as u8))
            .bytes(uapi::KIS_A_TARGET_NAME, name);
        let doing = about(Some(cell), "profile accept");
        self.ask(&doing, uapi::KIS_CMD_PROFILE_ACCEPT, &attributes)
            .map(drop)
    }

    /// Forgets the profile of a cell, or all.
    pub fn profile_reset(&mut self, cell: Option<&str>) -> Result<()> {
        let attributes = Attributes::new().maybe_string(uapi::KIS_A_TARGET_CELL, cell);
        let doing = about(cell, "profile");
        self.ask(&doing, uapi::KIS_CMD_PROFILE_RESET, &attributes)
            .map(drop)
    }

    /// Forgets all cells; the generation afterwards.
    pub fn cell_unload(&mut self) -> Result<u32> {
        let reply = self.ask("cells", uapi::KIS_CMD_CELL_UNLOAD, &Attributes::new())?;
        Ok(generation(&reply))
    }

    /// Forgets all signatures; the generation afterwards.
    pub fn signature_unload(&mut self) -> Result<u32> {
        let command = uapi::KIS_CMD_SIGNATURE_UNLOAD;
        let reply = self.ask("signatures", command, &Attributes::new())?;
        Ok(generation(&reply))
    }

    /// Uploads an image in chunks and puts it in force; the generation afterwards.
    pub fn upload(&mut self, kind: ImageKind, cell: Option<&str>, image: &[u8]) -> Result<u32> {
        self.send(kind, cell, image, Attributes::new())
    }

    /// Gives a cell a profile; with `force` also one that is not its own.
    pub fn profile_import(&mut self, cell: &str, image: &[u8], force: bool) -> Result<u32> {
        let force = match force {
            true => Attributes::new().u32(uapi::KIS_A_IMAGE_FORCE, 1),
            false => Attributes::new(),
        };
        self.send(ImageKind::Profile, Some(cell), image, force)
    }

    fn send(
        &mut self,
        kind: ImageKind,
        cell: Option<&str>,
        image: &[u8],
        begin: Attributes,
    ) -> Result<u32> {
        let (number, doing) = match kind {
            ImageKind::Cells => (uapi::KIS_IMAGE_KIND_CELLS, "load of cells".to_owned()),
            ImageKind::Signatures => (
                uapi::KIS_IMAGE_KIND_SIGNATURES,
                "load of signatures".to_owned(),
            ),
            ImageKind::Profile => (uapi::KIS_IMAGE_KIND_PROFILE, about(cell, "profile import")),
        };
        let too_long = |_| Error::failed(format!("{doing}: {} bytes", image.len()));
        let size = u32::try_from(image.len()).map_err(too_long)?;
        let begin = begin
            .u32(uapi::KIS_A_IMAGE_KIND, number)
            .u32(uapi::KIS_A_IMAGE_SIZE, size)
            .maybe_string(uapi::KIS_A_IMAGE_CELL, cell);
        let reply = self.ask(&doing, uapi::KIS_CMD_IMAGE_BEGIN, &begin)?;
        let token = Reader::new(&reply)
            .find(uapi::KIS_A_IMAGE_TOKEN)
            .and_then(|a| a.u32())
            .ok_or_else(|| Error::failed(format!("{doing}: the kernel gave no token")))?;
        let named = || Attributes::new().u32(uapi::KIS_A_IMAGE_TOKEN, token);
        let mut offset = 0;
        // CAST: 32000.
        for chunk in image.chunks(uapi::KIS_MAX_CHUNK as usize) {
            let data = named()
                .u32(uapi::KIS_A_IMAGE_OFFSET, offset)
                .bytes(uapi::KIS_A_IMAGE_DATA, chunk);
            self.ask(&doing, uapi::KIS_CMD_IMAGE_DATA, &data)?;
            // CAST: a part of `size`.
            offset += chunk.len() as u32;
        }
        let reply = self.ask(&doing, uapi::KIS_CMD_IMAGE_COMMIT, &named())?;
        Ok(generation(&reply))
    }

    fn ask(&mut self, doing: &str, command: u32, attributes: &Attributes) -> Result<Vec<u8>> {
        self.socket
            .request(number(command), attributes)
            .map(Option::unwrap_or_default)
            .map_err(|refusal| explain(&refusal, doing))
    }

    fn dump(&mut self, doing: &str, command: u32) -> Result<Vec<Vec<u8>>> {
        self.socket
            .dump(number(command))
            .map_err(|refusal| explain(&refusal, doing))
    }
}

/// Puts together what comes in parts: `part` gives the bytes from an offset on and how many there are
/// in all. `None` when that changed meanwhile.
fn whole(mut part: impl FnMut(u32) -> Result<(Vec<u8>, u32)>) -> Result<Option<Vec<u8>>> {
    let (mut bytes, size) = part(0)?;
    let most = usize::try_from(size).unwrap_or(usize::MAX).min(MAX_IMAGE);
    while bytes.len() < most {
        // CAST: below 64 MiB.
        let (more, now) = part(bytes.len() as u32)?;
        if more.is_empty() || now != size {
            return Ok(None);
        }
        bytes.extend(more);
    }
    Ok((bytes.len() == most).then_some(bytes))
}

/// The messages of the loaded signatures by id and revision, where we may ask for them.
pub fn messages() -> HashMap<(u32, u32), String> {
    let signatures = Control::open().and_then(|mut control| control.signatures());
    signatures
        .unwrap_or_default()
        .into_iter()
        .map(|signature| ((signature.id, signature.revision), signature.message))
        .collect()
}

fn no_such_cell(name: &str, names: &[String]) -> Error {
    let error = Error::not_found(format!("cell \"{name}\": no such cell"));
    if names.is_empty() {
        error.next("no cell is loaded: kisctl cell load FILE")
    } else {
        error.next(format!("loaded: {}", names.join(", ")))
    }
}

fn explain(refusal: &Refusal, doing: &str) -> Error {
    refusal.about(doing)
}

fn about(cell: Option<&str>, what: &str) -> String {
    match cell {
        Some(cell) => format!("cell \"{cell}\": {what}"),
        None => what.to_owned(),
    }
}

fn number(command: u32) -> u8 {
    // CAST: there are 16 commands.
    command as u8
}

fn generation(reply: &[u8]) -> u32 {
    Reader::new(reply)
        .find(uapi::KIS_A_IMAGE_GENERATION)
        .and_then(|a| a.u32())
        .unwrap_or_default()
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is put together of parts of at most four bytes.
    fn put_together(bytes: &[u8], sizes: &[u32]) -> Option<Vec<u8>> {
        let mut sizes = sizes.iter();
        let part = |offset: u32| {
            let rest = bytes.get(offset as usize..).unwrap_or_default();
            let part = rest.chunks(4).next().unwrap_or_default();
            Ok((part.to_vec(), *sizes.next().expect("no more parts")))
        };
        whole(part).expect("no refusal")
    }

    #[test]
    fn parts_are_put_together_unless_the_whole_has_changed() {
        let bytes = b"0123456789";
        let all = Some(bytes.to_vec());
        assert_eq!(put_together(bytes, &[10; 3]), all);
        assert_eq!(
            put_together(&bytes[..8], &[8; 2]),
            Some(bytes[..8].to_vec())
        );
        assert_eq!(put_together(b"", &[0]), Some(vec![]));
        assert_eq!(put_together(bytes, &[10, 10, 18]), None);
        assert_eq!(put_together(bytes, &[18; 4]), None, "it became shorter");
        assert_eq!(
            put_together(bytes, &[7; 2]),
            None,
            "a part goes beyond the end"
        );
        let refused = whole(|_| Err(Error::not_found("gone")));
        assert_eq!(refused.map_err(|e| e.code()), Err(3));
    }
}
