// SPDX-License-Identifier: GPL-2.0

//! Captures: what the servers in them received, and their clients.
//!
//! Each side of a TCP connection reads one stream, put together as Linux does it; each UDP datagram is a
//! stream of its own. The server is who got the SYN, else the side with the lower port. Files come from
//! anywhere, and so do the packets in them: what is damaged is noted with its place and left out, and
//! everything that is kept has a bound (in the file that keeps it).

pub mod connection;
pub mod file;
pub mod fragment;
pub mod ip;
pub mod link;
pub mod note;
pub mod reassembly;
pub mod segment;

use crate::transport::Transport;
use connection::{
    Connections, //
    Origin,
};
use etherparse::UdpSlice;
use file::{
    Packet,
    Packets, //
};
use fragment::Fragments;
use ip::Ip;
use link::Inside;
use note::Notes;
use std::net::SocketAddr;

/// What was in a capture.
///
/// # Examples
///
/// ```
/// use kisctl::capture::read;
///
/// // The head of a file, for packets that begin with IP, and one that does not.
/// let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
/// file.extend([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0xff]);
/// let summary = read(&file, |_: &mut (), _, _| {}).expect("a capture");
/// assert_eq!((summary.packets, summary.connections), (1, 0));
/// assert_eq!(summary.notes.all()[0].what, "neither IPv4 nor IPv6, and left out");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Packets that were read.
    pub packets: u64,
    /// TCP connections.
    pub connections: u64,
    /// UDP datagrams.
    pub datagrams: u64,
    /// What was odd.
    pub notes: Notes,
}

/// A capture while it is read.
struct Reading<S> {
    connections: Connections<S>,
    fragments: Fragments,
    summary: Summary,
}

impl<S: Default> Reading<S> {
    /// A packet as it was captured.
    fn packet(&mut self, packet: &Packet<'_>, read: &mut impl FnMut(&mut S, &Origin, &[u8])) {
        let place = packet.place;
        let notes = &mut self.summary.notes;
        self.summary.packets += 1;
        let bytes = match link::inside(packet.link, packet.data) {
            Inside::Ip(bytes) => bytes,
            Inside::Other => return notes.add("a packet of another protocol than IP", place),
            Inside::Cut => {
                return notes.add("a packet that is cut in its head, and left out", place)
            }
            Inside::Unknown => {
                return notes.add(
                    "a packet of a link type that is not known, and left out",
                    place,
                );
            }
        };
        if packet.is_cut {
            notes.add("a packet that is cut by the snap length", place);
        }
        let ip = match Ip::parse(bytes) {
            Ok(ip) => ip,
            Err(why) => return notes.add(why, place),
        };
        let Some(part) = ip.part else {
            return self.ip(packet, &ip, read);
        };
        let time_ns = packet.time_ns.unwrap_or(0);
        let Some(whole) = self.fragments.add(&ip, part, time_ns, place, notes) else {
            return;
        };
        let ip = Ip {
            protocol: whole.protocol,
            payload: &whole.bytes,
            part: None,
            ..ip
        };
        match ip.unwrapped() {
            Ok(ip) if ip.part.is_none() => self.ip(packet, &ip, read),
            Ok(_) => notes.add("a part of a part of an IP packet, and left out", place),
            Err(why) => notes.add(why, place),
        }
    }

    /// A whole IP packet.
    fn ip(
        &mut self,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        read: &mut impl FnMut(&mut S, &Origin, &[u8]),
    ) {
        let notes = &mut self.summary.notes;
        let (place, time_ns) = (packet.place, packet.time_ns);
        match Transport::of_number(ip.protocol) {
            Some(Transport::Tcp) => self.connections.add(ip, place, time_ns, notes, read),
            Some(Transport::Udp) => {
                let Ok(udp) = UdpSlice::from_slice_lax(ip.payload) else {
                    return notes.add("a damaged UDP header, and left out", place);
                };
                self.summary.datagrams += 1;
                let origin = Origin {
                    place,
                    time_ns,
                    protocol: Transport::Udp,
                    source: SocketAddr::new(ip.source, udp.source_port()),
                    destination: SocketAddr::new(ip.destination, udp.destination_port()),
                    to_server: udp.destination_port() <= udp.source_port(),
                };
                read(&mut S::default(), &origin, udp.payload());
            }
            None => notes.add("a packet of another protocol than TCP and UDP", place),
        }
    }
}

/// Reads a capture: `read` gets what each side of each connection, and who gets a datagram, receives next,
/// with what it keeps of that stream.
///
/// # Errors
///
/// When the file is no capture that can be read, not even its first packet.
pub fn read<S: Default>(
    bytes: &[u8],
    mut read: impl FnMut(&mut S, &Origin, &[u8]),
) -> Result<Summary, String> {
    let mut packets = Packets::open(bytes)?;
    if let Some(link) = packets.link().filter(|link| !link::is_known(*link)) {
        return Err(format!("its link type is not known ({link})"));
    }
    let mut reading = Reading {
        connections: Connections::default(),
        fragments: Fragments::default(),
        summary: Summary::default(),
    };
    for packet in packets.by_ref() {
        reading.packet(&packet, &mut read);
    }
    let Reading {
        connections,
        fragments,
        mut summary,
    } = reading;
    summary.connections = connections.count();
    connections.finish(&mut summary.notes);
    fragments.finish(&mut summary.notes);
    for note in packets.notes().all() {
        summary.notes.append(note);
    }
    Ok(summary)
}

#[cfg(test)]
mod tests;
