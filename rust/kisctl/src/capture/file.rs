// SPDX-License-Identifier: GPL-2.0

//! The packets of a file, as libpcap (pcap) or Wireshark (pcapng) write it.
//!
//! Both are lists of records with their length in front. Nothing of a file is trusted: a length is held
//! against a limit and against what there is, and the first one that is wrong ends the reading with a note,
//! because nobody knows where the next record begins.

use super::note::{
    Notes,
    Place, //
};

/// Most bytes of a packet: four times what tcpdump takes by default.
const MAX_PACKET: usize = 1 << 20;

/// Most bytes of a block of pcapng, which may hold other things than packets.
const MAX_BLOCK: usize = 16 << 20;

/// Most interfaces of a section of pcapng.
const MAX_INTERFACES: usize = 1024;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
/// As old files have it.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// What a section begins with, so that the order of its bytes is known.
const ORDER: u32 = 0x1a2b_3c4d;

/// A packet.
///
/// # Examples
///
/// ```
/// use kisctl::capture::file::Packets;
///
/// let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
/// file.extend([7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 0x45, 0]);
/// let mut packets = Packets::open(&file).expect("a capture");
/// let packet = packets.next().expect("a packet");
/// assert_eq!((packet.link, packet.data, packet.is_cut), (101, &[0x45, 0][..], true));
/// assert_eq!(packet.time_ns, Some(7_000_001_000));
/// assert_eq!((packet.place.packet, packet.place.byte), (1, 24));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Where it is.
    pub place: Place,
    /// When it came, since 1970; not every record says.
    pub time_ns: Option<u64>,
    /// What its bytes begin with: a number of the list at tcpdump.org.
    pub link: u32,
    /// Its bytes.
    pub data: &'a [u8],
    /// Whether it had more of them.
    pub is_cut: bool,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes: [u8; 2] = bytes.get(at..)?.get(..2)?.try_into().ok()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes: [u8; 4] = bytes.get(at..)?.get(..4)?.try_into().ok()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }

    fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let bytes: [u8; 8] = bytes.get(at..)?.get(..8)?.try_into().ok()?;
        Some(match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        })
    }
}

/// What pcapng says of an interface.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: u32,
    /// Most bytes that are kept of a packet; 0 is all.
    snap: u32,
    /// Ticks of its clock in a second.
    ticks: u128,
    /// Seconds to be added.
    offset: i64,
}

impl Interface {
    fn time_ns(&self, high: u32, low: u32) -> u64 {
        let ticks = (u128::from(high) << 32) | u128::from(low);
        // OVERFLOW: 64 and 30 bits.
        let ns = ticks * 1_000_000_000 / self.ticks.max(1);
        let ns = i128::try_from(ns).unwrap_or(i128::MAX);
        let ns = ns.saturating_add(i128::from(self.offset) * 1_000_000_000);
        u64::try_from(ns.max(0)).unwrap_or(u64::MAX)
    }
}

/// Which of the two.
#[derive(Clone, Debug)]
enum Format {
    Pcap {
        order: Order,
        /// Bytes of the head of a record.
        head: usize,
        /// Nanoseconds of one of the smaller unit of time.
        unit_ns: u64,
        link: u32,
    },
    PcapNg {
        order: Order,
        interfaces: Vec<Interface>,
    },
}

/// Why there is no next packet: nothing, or what is noted.
type Stop = Option<&'static str>;

/// The packets of a file.
///
/// # Examples
///
/// ```
/// use kisctl::capture::file::{is_capture, Packets};
///
/// assert!(!is_capture(b"GET / HTTP/1.1\r\n"));
/// let refused = Packets::open(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]).expect_err("its head is cut");
/// assert_eq!(refused, "the file ends inside of its head");
/// ```
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: &'a [u8],
    place: Place,
    format: Format,
    notes: Notes,
}

/// The magic numbers of pcap: order, bytes of a record's head, nanoseconds of its unit.
fn pcap(bytes: &[u8]) -> Option<(Order, usize, u64)> {
    Some(match bytes.get(..4)? {
        [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, 16, 1000),
        [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, 16, 1000),
        [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, 16, 1),
        [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, 16, 1),
        // Kuznetzov's, whose records have eight bytes more.
        [0x34, 0xcd, 0xb2, 0xa1] => (Order::Little, 24, 1000),
        [0xa1, 0xb2, 0xcd, 0x34] => (Order::Big, 24, 1000),
        _ => return None,
    })
}

/// Whether bytes begin as a capture does.
pub fn is_capture(bytes: &[u8]) -> bool {
    let is_section = bytes.starts_with(&SECTION.to_le_bytes());
    pcap(bytes).is_some() || (is_section && bytes.len() >= 12 && order(bytes).is_some())
}

/// The order of bytes in a section of pcapng.
fn order(section: &[u8]) -> Option<Order> {
    let mut orders = [Order::Little, Order::Big].into_iter();
    orders.find(|order| order.u32(section, 8) == Some(ORDER))
}

impl<'a> Packets<'a> {
    /// Begins to read a file.
    ///
    /// # Errors
    ///
    /// When it is no capture, or its head is damaged.
    pub fn open(bytes: &'a [u8]) -> Result<Self, &'static str> {
        let (format, rest) = if let Some((order, head, unit_ns)) = pcap(bytes) {
            let (own, rest) = bytes
                .split_at_checked(24)
                .ok_or("the file ends inside of its head")?;
            if order.u16(own, 4) != Some(2) {
                return Err("a version of pcap that is not known");
            }
            // What is above says how long the checksum of a frame is.
            let link = order.u32(own, 20).unwrap_or(0) & 0x03ff_ffff;
            let format = Format::Pcap {
                order,
                head,
                unit_ns,
                link,
            };
            (format, rest)
        } else if is_capture(bytes) {
            let interfaces = Vec::new();
            // The section says it again.
            let order = order(bytes).ok_or("the file ends inside of its head")?;
            (Format::PcapNg { order, interfaces }, bytes)
        } else {
            return Err("is no capture");
        };
        Ok(Self {
            place: Place {
                packet: 0,
                // CAST: usize widens.
                byte: (bytes.len() - rest.len()) as u64,
            },
            rest,
            format,
            notes: Notes::default(),
        })
    }

    /// The link type of all packets, where the file has only one.
    pub fn link(&self) -> Option<u32> {
        match self.format {
            Format::Pcap { link, .. } => Some(link),
            Format::PcapNg { .. } => None,
        }
    }

    /// What was odd so far.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Takes bytes away from the front.
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        // CAST: usize widens.
        self.place.byte += len as u64;
        Some(taken)
    }

    /// The next record of a pcap file.
    fn record(
        &mut self,
        order: Order,
        head: usize,
        unit_ns: u64,
        link: u32,
    ) -> Result<Packet<'a>, Stop> {
        if self.rest.is_empty() {
            return Err(None);
        }
        let cut = Some("the file ends inside of a packet");
        let mut place = self.place;
        place.packet += 1;
        let own = self.take(head).ok_or(cut)?;
        let number = |at| order.u32(own, at).unwrap_or(0);
        // CAST: usize has 32 bits at least.
        let (len, whole) = (number(8) as usize, number(12) as usize);
        if len > MAX_PACKET {
            return Err(Some(
                "no packet is that long (1 MiB): what follows is not read",
            ));
        }
        let data = self.take(len).ok_or(cut)?;
        self.place.packet += 1;
        let ns = u64::from(number(4)).saturating_mul(unit_ns);
        Ok(Packet {
            place,
            time_ns: Some(u64::from(number(0)) * 1_000_000_000 + ns),
            link,
            data,
            is_cut: len < whole,
        })
    }

    /// The next block of a pcapng file: a packet, if it has one.
    fn block(&mut self) -> Result<Option<Packet<'a>>, Stop> {
        let Format::PcapNg { order, interfaces } = &mut self.format else {
            return Err(None);
        };
        if self.rest.is_empty() {
            return Err(None);
        }
        let cut = Some("the file ends inside of a block");
        if self.rest.starts_with(&SECTION.to_le_bytes()) {
            if self.rest.len() < 12 {
                return Err(cut);
            }
            *order = self::order(self.rest)
                .ok_or(Some("a section is damaged: what follows is not read"))?;
            interfaces.clear();
        }
        let order = *order;
        let kind = order.u32(self.rest, 0).ok_or(cut)?;
        // CAST: usize has 32 bits at least.
        let len = order.u32(self.rest, 4).ok_or(cut)? as usize;
        if len < 12 || len % 4 != 0 || len > MAX_BLOCK {
            return Err(Some(
                "no block has that length (12 bytes to 16 MiB): what follows is not read",
            ));
        }
        let mut place = self.place;
        let block = self.take(len).ok_or(cut)?;
        // CAST: it was made of 32 bits.
        if order.u32(block, len - 4) != Some(len as u32) {
            return Err(Some(
                "the two lengths of a block differ: what follows is not read",
            ));
        }
        let body = block.get(8..len - 4).unwrap_or_default();
        let is_packet = matches!(kind, PACKET | SIMPLE_PACKET | ENHANCED_PACKET);
        if is_packet {
            self.place.packet += 1;
        }
        place.packet = self.place.packet;
        match kind {
            SECTION if order.u16(body, 4) != Some(1) => Err(Some(
                "a version of pcapng that is not known: what follows is not read",
            )),
            INTERFACE => self.interface(order, body).map(|()| None),
            _ if is_packet => match self.packet(order, kind, body, place) {
                Ok(packet) => Ok(Some(packet)),
                Err(what) => {
                    self.notes.add(what, place);
                    Ok(None)
                }
            },
            _ => Ok(None),
        }
    }

    /// A packet of one of the three kinds of blocks that have one.
    fn packet(
        &self,
        order: Order,
        kind: u32,
        body: &'a [u8],
        place: Place,
    ) -> Result<Packet<'a>, &'static str> {
        let short = "a packet is longer than its block, and left out";
        let Format::PcapNg { interfaces, .. } = &self.format else {
            return Err(short);
        };
        let number = |at| order.u32(body, at).ok_or(short);
        let index = match kind {
            SIMPLE_PACKET => 0,
            PACKET => u32::from(order.u16(body, 0).ok_or(short)?),
            _ => number(0)?,
        };
        // CAST: usize has 32 bits at least.
        let interface = interfaces
            .get(index as usize)
            .ok_or("a packet of an interface that is not described, and left out")?;
        let (time_ns, len, whole, data) = if kind == SIMPLE_PACKET {
            let whole = number(0)?;
            let kept = match interface.snap {
                0 => whole,
                snap => whole.min(snap),
            };
            (None, kept, whole, body.get(4..).ok_or(short)?)
        } else {
            let time_ns = interface.time_ns(number(4)?, number(8)?);
            let data = body.get(20..).ok_or(short)?;
            (Some(time_ns), number(12)?, number(16)?, data)
        };
        // CAST: usize has 32 bits at least.
        let data = data.get(..len as usize).ok_or(short)?;
        if data.len() > MAX_PACKET {
            return Err("a packet of more than 1 MiB, and left out");
        }
        Ok(Packet {
            place,
            time_ns,
            link: interface.link,
            data,
            is_cut: len < whole,
        })
    }

    /// Learns of an interface.
    fn interface(&mut self, order: Order, body: &[u8]) -> Result<(), Stop> {
        let Format::PcapNg { interfaces, .. } = &mut self.format else {
            return Ok(());
        };
        let short = Some("an interface is damaged: what follows is not read");
        if interfaces.len() >= MAX_INTERFACES {
            return Err(Some("more than 1024 interfaces: what follows is not read"));
        }
        let mut interface = Interface {
            link: order.u16(body, 0).ok_or(short)?.into(),
            snap: order.u32(body, 4).ok_or(short)?,
            ticks: 1_000_000,
            offset: 0,
        };
        let mut options = body.get(8..).unwrap_or_default();
        while let (Some(code), Some(len)) = (order.u16(options, 0), order.u16(options, 2)) {
            let len = usize::from(len);
            let Some(value) = options.get(4..).and_then(|value| value.get(..len)) else {
                break;
            };
            match (code, value) {
                (0, _) => break,
                // Two to the power of so much, or ten.
                (9, [power, ..]) if power & 0x80 != 0 => {
                    interface.ticks = 1 << (power & 0x3f);
                }
                (9, [power, ..]) => {
                    interface.ticks = 10_u128.pow(u32::from((*power).min(20)));
                }
                (14, _) => {
                    // CAST: its bits are those of a number with a sign.
                    interface.offset = order.u64(value, 0).unwrap_or(0) as i64;
                }
                _ => {}
            }
            options = options
                .get(4 + len.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        interfaces.push(interface);
        Ok(())
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        loop {
            let mut place = self.place;
            let next = match self.format {
                Format::Pcap {
                    order,
                    head,
                    unit_ns,
                    link,
                } => self.record(order, head, unit_ns, link).map(Some),
                Format::PcapNg { .. } => self.block(),
            };
            match next {
                Ok(Some(packet)) => return Some(packet),
                Ok(None) => {}
                Err(stop) => {
                    place.packet += 1;
                    if let Some(what) = stop {
                        self.notes.add(what, place);
                    }
                    self.rest = &[];
                    return None;
                }
            }
        }
    }
}
