// SPDX-License-Identifier: GPL-2.0

//! What the kernel tells of, each thing with its attributes once: the structure and how it is read
//! come from the same list. `Documentation/netlink/specs/kis.yaml` documents the attributes.

use crate::{
    netlink::attribute::{
        Attribute,
        Reader, //
    },
    uapi, //
};
use kis_core::wire::abi::{
    CellMode,
    Param,
    Phase, //
};
use std::net::IpAddr;

/// A type that an attribute's payload can be read as.
trait Payload {
    /// The value; 0, or nothing, when the payload has another length.
    fn read(attribute: &Attribute<'_>) -> Self;
}

impl Payload for u32 {
    fn read(attribute: &Attribute<'_>) -> Self {
        attribute.u32().unwrap_or_default()
    }
}

impl Payload for u64 {
    fn read(attribute: &Attribute<'_>) -> Self {
        attribute.u64().unwrap_or_default()
    }
}

impl Payload for bool {
    fn read(attribute: &Attribute<'_>) -> Self {
        u32::read(attribute) != 0
    }
}

impl Payload for String {
    fn read(attribute: &Attribute<'_>) -> Self {
        attribute.string()
    }
}

impl<T: Payload> Payload for Option<T> {
    fn read(attribute: &Attribute<'_>) -> Self {
        Some(T::read(attribute))
    }
}

/// Defines a structure and how it is read from attributes. Unknown attributes are skipped, missing
/// ones leave the default: a module of the same ABI may know more than this kisctl.
macro_rules! message {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty = $attribute:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[allow(missing_docs, reason = "kis.yaml documents the attributes")]
        pub struct $name {
            $(pub $field: $type,)*
        }

        impl $name {
            /// Reads the attributes of a message.
            pub fn read(bytes: &[u8]) -> Self {
                let mut read = Self::default();
                for attribute in Reader::new(bytes) {
                    match attribute.kind {
                        $(uapi::$attribute => read.$field = Payload::read(&attribute),)*
                        _ => {}
                    }
                }
                read
            }
        }
    };
}

message! {
    /// State of the module.
    ///
    /// # Examples
    ///
    /// ```
    /// use kisctl::control::model::Status;
    /// use kisctl::netlink::attribute::Attributes;
    /// use kisctl::uapi;
    ///
    /// let message = Attributes::new().u32(uapi::KIS_A_STATUS_CELLS, 2).u32(9999, 7);
    /// let status = Status::read(message.as_bytes());
    /// assert_eq!((status.cells, status.bans), (2, 0));
    /// ```
    Status {
        abi: u32 = KIS_A_STATUS_ABI,
        mode: u32 = KIS_A_STATUS_MODE,
        generation: u32 = KIS_A_STATUS_GENERATION,
        cells: u32 = KIS_A_STATUS_CELLS,
        signatures: u32 = KIS_A_STATUS_SIGNATURES,
        bans: u32 = KIS_A_STATUS_BANS,
        records: u64 = KIS_A_STATUS_RECORDS,
        lost_alerts: u64 = KIS_A_STATUS_LOST_ALERTS,
        lost_telemetry: u64 = KIS_A_STATUS_LOST_TELEMETRY,
        denied: u64 = KIS_A_STATUS_DENIED,
        killed: u64 = KIS_A_STATUS_KILLED,
        dropped: u64 = KIS_A_STATUS_DROPPED,
        uptime_ns: u64 = KIS_A_STATUS_UPTIME_NS,
        ticks: u64 = KIS_A_STATUS_TICKS,
        ticker_ns: u64 = KIS_A_STATUS_TICKER_NS,
        counts_lost: u64 = KIS_A_STATUS_COUNTS_LOST,
    }
}

message! {
    /// One cell.
    ///
    /// # Examples
    ///
    /// ```
    /// use kisctl::control::model::Cell;
    ///
    /// let cell = Cell { mode: 1, danger_one_ms: 40, ..Cell::default() };
    /// assert_eq!((cell.mode_name(), cell.danger()), ("enforce", 1));
    /// assert!(cell.is_learning());
    /// ```
    Cell {
        id: u32 = KIS_A_CELL_ID,
        name: String = KIS_A_CELL_NAME,
        program: String = KIS_A_CELL_PROGRAM,
        arguments: String = KIS_A_CELL_ARGUMENTS,
        mode: u32 = KIS_A_CELL_MODE,
        phase: u32 = KIS_A_CELL_PHASE,
        hard: bool = KIS_A_CELL_HARD,
        windows: u32 = KIS_A_CELL_WINDOWS,
        windows_needed: u32 = KIS_A_CELL_WINDOWS_NEEDED,
        window_ms: u32 = KIS_A_CELL_WINDOW_MS,
        danger_one_ms: u32 = KIS_A_CELL_DANGER_ONE_MS,
        danger_two_ms: u32 = KIS_A_CELL_DANGER_TWO_MS,
        processes: u32 = KIS_A_CELL_PROCESSES,
        denied: u64 = KIS_A_CELL_DENIED,
        would_deny: u64 = KIS_A_CELL_WOULD_DENY,
        killed: u64 = KIS_A_CELL_KILLED,
        would_kill: u64 = KIS_A_CELL_WOULD_KILL,
        matches: u64 = KIS_A_CELL_MATCHES,
        items: Option<u32> = KIS_A_CELL_ITEMS,
        names_bytes: Option<u32> = KIS_A_CELL_NAMES_BYTES,
        starts: Option<u32> = KIS_A_CELL_STARTS,
    }
}

message! {
    /// One parameter of one cell.
    ///
    /// # Examples
    ///
    /// ```
    /// use kisctl::control::model::ParamState;
    ///
    /// let known = ParamState { param: 1, ..ParamState::default() };
    /// assert_eq!(known.name(), "rss_kib");
    /// let later = ParamState { param: 999, ..ParamState::default() };
    /// assert_eq!(later.name(), "parameter 999");
    /// ```
    ParamState {
        cell: u32 = KIS_A_PARAM_CELL,
        param: u32 = KIS_A_PARAM_PARAM,
        observed: u64 = KIS_A_PARAM_OBSERVED,
        mean: u64 = KIS_A_PARAM_MEAN,
        deviation: u64 = KIS_A_PARAM_DEVIATION,
        peak: u64 = KIS_A_PARAM_PEAK,
        n: u64 = KIS_A_PARAM_N,
        threshold_one: Option<u64> = KIS_A_PARAM_THRESHOLD_ONE,
        threshold_two: Option<u64> = KIS_A_PARAM_THRESHOLD_TWO,
        bound: Option<u64> = KIS_A_PARAM_BOUND,
    }
}

message! {
    /// One signature.
    ///
    /// # Examples
    ///
    /// ```
    /// use kisctl::control::model::Signature;
    /// use kisctl::netlink::attribute::Attributes;
    /// use kisctl::uapi;
    ///
    /// let message = Attributes::new().u32(uapi::KIS_A_SIGNATURE_ID, 1001);
    /// let signature = Signature::read(message.as_bytes());
    /// assert_eq!((signature.id, signature.cell), (1001, None));
    /// ```
    Signature {
        id: u32 = KIS_A_SIGNATURE_ID,
        revision: u32 = KIS_A_SIGNATURE_REVISION,
        kind: u32 = KIS_A_SIGNATURE_TYPE,
        message: String = KIS_A_SIGNATURE_MESSAGE,
        cell: Option<String> = KIS_A_SIGNATURE_CELL,
        hits: u64 = KIS_A_SIGNATURE_HITS,
        held: u64 = KIS_A_SIGNATURE_HELD,
    }
}

/// One ban.
///
/// # Examples
///
/// ```
/// use kisctl::control::model::Ban;
/// use kisctl::netlink::attribute::Attributes;
/// use kisctl::uapi;
///
/// let message = Attributes::new().bytes(uapi::KIS_A_BAN_ADDRESS, &[192, 0, 2, 1]);
/// let ban = Ban::read(message.as_bytes()).expect("an address");
/// assert_eq!(ban.address.to_string(), "192.0.2.1");
/// assert_eq!(Ban::read(&[]), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "kis.yaml documents the attributes")]
pub struct Ban {
    pub address: IpAddr,
    pub ttl_ms: u32,
    pub dropped: u64,
}

impl Ban {
    /// Reads the attributes of a message; `None` without an address.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        fn read<T: Payload + Default>(reader: Reader<'_>, kind: u32) -> T {
            let attribute = reader.find(kind);
            attribute
                .map(|attribute| T::read(&attribute))
                .unwrap_or_default()
        }

        let reader = Reader::new(bytes);
        Some(Self {
            address: address_of(reader.find(uapi::KIS_A_BAN_ADDRESS)?.payload)?,
            ttl_ms: read(reader, uapi::KIS_A_BAN_TTL_MS),
            dropped: read(reader, uapi::KIS_A_BAN_DROPPED),
        })
    }
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

    /// Whether it has a repertoire.
    pub fn has_repertoire(&self) -> bool {
        self.items.is_some()
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

/// An IPv4 or IPv6 address, by its length.
fn address_of(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    }
}
