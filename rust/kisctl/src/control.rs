// SPDX-License-Identifier: GPL-2.0

//! The netlink family `kis`, typed: one function for each operation of
//! `Documentation/netlink/specs/kis.yaml`.

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
use kis_core::wire::abi::{
    CellMode,
    Mode,
    Param,
    Phase, //
};
use std::net::IpAddr;

/// A connection to the module.
#[derive(Debug)]
pub struct Control {
    socket: Socket,
}

/// State of the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "kis.yaml documents the attributes")]
pub struct Status {
    pub abi: u32,
    pub mode: u32,
    pub generation: u32,
    pub cells: u32,
    pub signatures: u32,
    pub bans: u32,
    pub records: u64,
    pub lost_alerts: u64,
    pub lost_telemetry: u64,
    pub denied: u64,
    pub killed: u64,
    pub dropped: u64,
    pub uptime_ns: u64,
}

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "kis.yaml documents the attributes")]
pub struct Cell {
    pub id: u32,
    pub name: String,
    pub program: String,
    pub arguments: String,
    pub mode: u32,
    pub phase: u32,
    pub hard: bool,
    pub windows: u32,
    pub windows_needed: u32,
    pub window_ms: u32,
    pub danger_one_ms: u32,
    pub danger_two_ms: u32,
    pub processes: u32,
    pub denied: u64,
    pub would_deny: u64,
    pub killed: u64,
    pub would_kill: u64,
    pub matches: u64,
}

/// One parameter of one cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "kis.yaml documents the attributes")]
pub struct ParamState {
    pub cell: u32,
    pub param: u32,
    pub observed: u64,
    pub mean: u64,
    pub deviation: u64,
    pub peak: u64,
    pub n: u64,
    pub threshold_one: Option<u64>,
    pub threshold_two: Option<u64>,
    pub bound: Option<u64>,
}

/// One signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "kis.yaml documents the attributes")]
pub struct Signature {
    pub id: u32,
    pub revision: u32,
    pub kind: u32,
    pub message: String,
    pub cell: Option<String>,
    pub hits: u64,
}

/// One ban.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "kis.yaml documents the attributes")]
pub struct Ban {
    pub address: IpAddr,
    pub ttl_ms: u32,
    pub dropped: u64,
}

/// What an upload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// All cells.
    Cells,
    /// All signatures.
    Signatures,
    /// One cell's profile.
    Profile,
}

impl Cell {
    /// The cell's own setting.
    pub fn mode_name(&self) -> &'static str {
        mode_name(self.mode)
    }

    /// Learning or ready.
    pub fn phase_name(&self) -> &'static str {
        let phase = u16::try_from(self.phase).ok().and_then(Phase::from_u16);
        phase.map_or("unknown", Phase::name)
    }

    /// Whether it still learns.
    pub fn is_learning(&self) -> bool {
        self.phase == u32::from(Phase::Learning as u16)
    }

    /// How loud its danger is: 0, 1 or 2.
    pub fn danger(&self) -> u8 {
        match (self.danger_one_ms, self.danger_two_ms) {
            (_, 1..) => 2,
            (1.., 0) => 1,
            (0, 0) => 0,
        }
    }
}

impl ParamState {
    /// The parameter, if this kisctl knows it.
    pub fn param(&self) -> Option<Param> {
        Param::from_u16(u16::try_from(self.param).ok()?)
    }

    /// Its name, or its number for one from the future.
    pub fn name(&self) -> String {
        match self.param() {
            Some(param) => param.name().to_owned(),
            None => format!("parameter {}", self.param),
        }
    }
}

/// Name of a mode or of a cell's own setting.
pub fn mode_name(mode: u32) -> &'static str {
    let mode = u16::try_from(mode).ok().and_then(CellMode::from_u16);
    mode.map_or("unknown", CellMode::name)
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
        let mut status = Status::default();
        for a in Reader::new(&reply) {
            let (word, long) = (a.u32().unwrap_or_default(), a.u64().unwrap_or_default());
            match a.kind {
                uapi::KIS_A_STATUS_ABI => status.abi = word,
                uapi::KIS_A_STATUS_MODE => status.mode = word,
                uapi::KIS_A_STATUS_GENERATION => status.generation = word,
                uapi::KIS_A_STATUS_CELLS => status.cells = word,
                uapi::KIS_A_STATUS_SIGNATURES => status.signatures = word,
                uapi::KIS_A_STATUS_BANS => status.bans = word,
                uapi::KIS_A_STATUS_RECORDS => status.records = long,
                uapi::KIS_A_STATUS_LOST_ALERTS => status.lost_alerts = long,
                uapi::KIS_A_STATUS_LOST_TELEMETRY => status.lost_telemetry = long,
                uapi::KIS_A_STATUS_DENIED => status.denied = long,
                uapi::KIS_A_STATUS_KILLED => status.killed = long,
                uapi::KIS_A_STATUS_DROPPED => status.dropped = long,
                uapi::KIS_A_STATUS_UPTIME_NS => status.uptime_ns = long,
                _ => {}
            }
        }
        Ok(status)
    }

    /// All cells.
    pub fn cells(&mut self) -> Result<Vec<Cell>> {
        let read = |bytes: Vec<u8>| {
            let mut cell = Cell::default();
            for a in Reader::new(&bytes) {
                let (word, long) = (a.u32().unwrap_or_default(), a.u64().unwrap_or_default());
                match a.kind {
                    uapi::KIS_A_CELL_ID => cell.id = word,
                    uapi::KIS_A_CELL_NAME => cell.name = a.string(),
                    uapi::KIS_A_CELL_PROGRAM => cell.program = a.string(),
                    uapi::KIS_A_CELL_ARGUMENTS => cell.arguments = a.string(),
                    uapi::KIS_A_CELL_MODE => cell.mode = word,
                    uapi::KIS_A_CELL_PHASE => cell.phase = word,
                    uapi::KIS_A_CELL_HARD => cell.hard = word != 0,
                    uapi::KIS_A_CELL_WINDOWS => cell.windows = word,
                    uapi::KIS_A_CELL_WINDOWS_NEEDED => cell.windows_needed = word,
                    uapi::KIS_A_CELL_WINDOW_MS => cell.window_ms = word,
                    uapi::KIS_A_CELL_DANGER_ONE_MS => cell.danger_one_ms = word,
                    uapi::KIS_A_CELL_DANGER_TWO_MS => cell.danger_two_ms = word,
                    uapi::KIS_A_CELL_PROCESSES => cell.processes = word,
                    uapi::KIS_A_CELL_DENIED => cell.denied = long,
                    uapi::KIS_A_CELL_WOULD_DENY => cell.would_deny = long,
                    uapi::KIS_A_CELL_KILLED => cell.killed = long,
                    uapi::KIS_A_CELL_WOULD_KILL => cell.would_kill = long,
                    uapi::KIS_A_CELL_MATCHES => cell.matches = long,
                    _ => {}
                }
            }
            cell
        };
        let dump = self.dump("the list of cells", uapi::KIS_CMD_CELL_GET)?;
        Ok(dump.into_iter().map(read).collect())
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

    /// All parameters of all cells.
    pub fn params(&mut self) -> Result<Vec<ParamState>> {
        let read = |bytes: Vec<u8>| {
            let mut param = ParamState::default();
            for a in Reader::new(&bytes) {
                let (word, long) = (a.u32().unwrap_or_default(), a.u64().unwrap_or_default());
                match a.kind {
                    uapi::KIS_A_PARAM_CELL => param.cell = word,
                    uapi::KIS_A_PARAM_PARAM => param.param = word,
                    uapi::KIS_A_PARAM_OBSERVED => param.observed = long,
                    uapi::KIS_A_PARAM_MEAN => param.mean = long,
                    uapi::KIS_A_PARAM_DEVIATION => param.deviation = long,
                    uapi::KIS_A_PARAM_PEAK => param.peak = long,
                    uapi::KIS_A_PARAM_N => param.n = long,
                    uapi::KIS_A_PARAM_THRESHOLD_ONE => param.threshold_one = Some(long),
                    uapi::KIS_A_PARAM_THRESHOLD_TWO => param.threshold_two = Some(long),
                    uapi::KIS_A_PARAM_BOUND => param.bound = Some(long),
                    _ => {}
                }
            }
            param
        };
        let dump = self.dump("the parameters", uapi::KIS_CMD_PARAM_GET)?;
        Ok(dump.into_iter().map(read).collect())
    }

    /// All signatures.
    pub fn signatures(&mut self) -> Result<Vec<Signature>> {
        let read = |bytes: Vec<u8>| {
            let mut signature = Signature::default();
            for a in Reader::new(&bytes) {
                let word = a.u32().unwrap_or_default();
                match a.kind {
                    uapi::KIS_A_SIGNATURE_ID => signature.id = word,
                    uapi::KIS_A_SIGNATURE_REVISION => signature.revision = word,
                    uapi::KIS_A_SIGNATURE_TYPE => signature.kind = word,
                    uapi::KIS_A_SIGNATURE_MESSAGE => signature.message = a.string(),
                    uapi::KIS_A_SIGNATURE_CELL => signature.cell = Some(a.string()),
                    uapi::KIS_A_SIGNATURE_HITS => signature.hits = a.u64().unwrap_or_default(),
                    _ => {}
                }
            }
            signature
        };
        let dump = self.dump("the list of signatures", uapi::KIS_CMD_SIGNATURE_GET)?;
        Ok(dump.into_iter().map(read).collect())
    }

    /// All bans.
    pub fn bans(&mut self) -> Result<Vec<Ban>> {
        let read = |bytes: Vec<u8>| {
            let reader = Reader::new(&bytes);
            let word = |kind| reader.find(kind).and_then(|a| a.u32()).unwrap_or_default();
            let address = reader.find(uapi::KIS_A_BAN_ADDRESS)?.payload;
            Some(Ban {
                address: address_of(address)?,
                ttl_ms: word(uapi::KIS_A_BAN_TTL_MS),
                dropped: reader
                    .find(uapi::KIS_A_BAN_DROPPED)
                    .and_then(|a| a.u64())
                    .unwrap_or_default(),
            })
        };
        let dump = self.dump("the list of bans", uapi::KIS_CMD_BAN_GET)?;
        Ok(dump.into_iter().filter_map(read).collect())
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
    pub fn profile(&mut self, cell: &str) -> Result<Vec<u8>> {
        let attributes = Attributes::new().string(uapi::KIS_A_TARGET_CELL, cell);
        let doing = about(Some(cell), "profile");
        let reply = self.ask(&doing, uapi::KIS_CMD_PROFILE_GET, &attributes)?;
        Reader::new(&reply)
            .find(uapi::KIS_A_TARGET_PROFILE)
            .map(|a| a.payload.to_vec())
            .ok_or_else(|| Error::failed(format!("{doing}: the kernel sent none")))
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
        let begin = Attributes::new()
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

/// The mode as the kernel's number says it.
pub fn global_mode(number: u32) -> Option<Mode> {
    Mode::from_u16(u16::try_from(number).ok()?)
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
    // CAST: there are 15 commands.
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

fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    }
}
