// SPDX-License-Identifier: GPL-2.0

//! A generic netlink socket that speaks to one family: requests, dumps, extended acks.

use crate::{
    error::{
        Error,
        Kind,
        Result, //
    },
    netlink::attribute::{
        align,
        Attributes,
        Reader, //
    },
    sys, //
};
use nix::{
    errno::Errno,
    libc,
    sys::socket::{
        bind,
        recv,
        sendto,
        setsockopt,
        socket,
        sockopt,
        AddressFamily,
        MsgFlags,
        NetlinkAddr,
        SockFlag,
        SockProtocol,
        SockType, //
    },
    sys::time::{
        TimeVal,
        TimeValLike, //
    }, //
};
use std::os::fd::{
    AsRawFd,
    OwnedFd, //
};

/// Bytes of `struct nlmsghdr`.
const NLMSG_HEADER: usize = 16;
/// Bytes of `struct genlmsghdr`.
const GENL_HEADER: usize = 4;
/// Room for a datagram of the kernel: dumps come in at most 32 KiB, acks hold our own request.
const DATAGRAM: usize = 128 << 10;
/// How long a request may take; loads allocate and verify megabytes.
const TIMEOUT_S: i64 = 30;
/// How often a dump is begun anew when what it lists changed meanwhile.
const DUMP_TRIES: usize = 5;

// include/uapi/linux/netlink.h and genetlink.h, where the libc crate has no 32-bit form of them.
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 0x1;
const NLM_F_ACK: u16 = 0x4;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_CAPPED: u16 = 0x100;
const NLM_F_ACK_TLVS: u16 = 0x200;
const NLMSGERR_ATTR_MSG: u32 = 1;
const NLMSGERR_ATTR_OFFS: u32 = 2;
const NLMSGERR_ATTR_MISS_TYPE: u32 = 5;
const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u32 = 1;
const CTRL_ATTR_FAMILY_NAME: u32 = 2;

/// What the kernel objects to.
///
/// # Examples
///
/// ```
/// use kisctl::netlink::socket::Refusal;
/// use nix::errno::Errno;
///
/// let refusal = Refusal {
///     errno: Errno::ENOENT,
///     text: Some("no such cell".to_owned()),
///     bad: None,
///     missing: None,
/// };
/// let error = refusal.about("cell \"dns\": mode");
/// assert_eq!(error.to_string(), "cell \"dns\": mode: no such cell");
/// assert_eq!(error.code(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error number.
    pub errno: Errno,
    /// Text of the extended ack.
    pub text: Option<String>,
    /// Number of the attribute that is wrong.
    pub bad: Option<u32>,
    /// Number of the attribute that is missing.
    pub missing: Option<u32>,
}

impl Refusal {
    /// An error without more words.
    fn bare(errno: Errno) -> Self {
        Self {
            errno,
            text: None,
            bad: None,
            missing: None,
        }
    }

    /// As an error of kisctl, about what was being done.
    pub fn about(&self, doing: &str) -> Error {
        let kind = match self.errno {
            Errno::EPERM | Errno::EACCES => Kind::NotPermitted,
            Errno::ENOENT | Errno::ESRCH => Kind::NotFound,
            Errno::EOPNOTSUPP => Kind::Absent,
            _ => Kind::Failed,
        };
        let text = match (&self.text, self.bad, self.missing) {
            (Some(text), _, _) => format!("{doing}: {}", text.trim_end_matches('.')),
            (None, Some(number), _) => {
                format!("{doing}: {}, attribute {number}", self.errno.desc())
            }
            (None, None, Some(number)) => format!("{doing}: attribute {number} is missing"),
            (None, None, None) => format!("{doing}: {}", self.errno.desc()),
        };
        let error = Error::new(kind, text);
        match self.errno {
            Errno::EPERM | Errno::EACCES => {
                error.next("run it as root on the host, not in a container")
            }
            Errno::EOPNOTSUPP => error.next("the module is another version: see kisctl doctor"),
            Errno::EBUSY => error.next("another upload is under way: try again in 10 seconds"),
            Errno::ENOMEM => error.next("the kernel has no memory for it: nothing was changed"),
            Errno::EAGAIN => error.next("the kernel did not answer in time: see dmesg"),
            _ => error,
        }
    }
}

/// A socket and the family that it speaks to.
///
/// # Examples
///
/// ```
/// use kisctl::netlink::socket::Socket;
///
/// // No kernel has this family; a sandbox may not have netlink at all.
/// if let Ok(socket) = Socket::open("no-such-family", 1) {
///     assert!(socket.is_none());
/// }
/// ```
#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    family: u16,
    version: u8,
    sequence: u32,
    /// The last request, which the numbers in an ack refer to.
    sent: Vec<u8>,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opens a socket and looks the family up; `None` when the kernel has no such family.
    pub fn open(family: &str, version: u8) -> Result<Option<Self>> {
        let doing = "generic netlink";
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkGeneric,
        )
        .map_err(|e| Error::system(doing, e))?;
        let options = || {
            setsockopt(&fd, sockopt::ReceiveTimeout, &TimeVal::seconds(TIMEOUT_S))?;
            sys::sockopt::enable(&fd, libc::SOL_NETLINK, libc::NETLINK_EXT_ACK)?;
            sys::sockopt::enable(&fd, libc::SOL_NETLINK, libc::NETLINK_CAP_ACK)?;
            bind(fd.as_raw_fd(), &NetlinkAddr::new(0, 0))
        };
        options().map_err(|e| Error::system(doing, e))?;
        let mut socket = Self {
            fd,
            family: GENL_ID_CTRL,
            version: 2,
            sequence: 0,
            sent: Vec::new(),
            buffer: vec![0; DATAGRAM],
        };
        let name = Attributes::new().string(CTRL_ATTR_FAMILY_NAME, family);
        let reply = match socket.request(CTRL_CMD_GETFAMILY, &name) {
            Ok(reply) => reply,
            Err(refusal) if refusal.errno == Errno::ENOENT => return Ok(None),
            Err(refusal) => return Err(refusal.about(doing)),
        };
        let id = Reader::new(&reply.unwrap_or_default())
            .find(CTRL_ATTR_FAMILY_ID)
            .and_then(|attribute| attribute.u16())
            .ok_or_else(|| Error::failed("generic netlink: the family has no number"))?;
        socket.family = id;
        socket.version = version;
        Ok(Some(socket))
    }

    /// Sends a request and waits for its ack; the attributes of the reply, if one comes.
    pub fn request(
        &mut self,
        command: u8,
        attributes: &Attributes,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        self.send(command, NLM_F_REQUEST | NLM_F_ACK, attributes)?;
        let mut reply = None;
        loop {
            for event in self.receive()? {
                match event {
                    Event::Reply(attributes, _) => reply = Some(attributes),
                    Event::End(Ok(_)) => return Ok(reply),
                    Event::End(Err(refusal)) => return Err(refusal),
                }
            }
        }
    }

    /// Lists everything; begins anew when the kernel says that the list changed meanwhile.
    pub fn dump(&mut self, command: u8) -> Result<Vec<Vec<u8>>, Refusal> {
        for _ in 0..DUMP_TRIES {
            self.send(command, NLM_F_REQUEST | NLM_F_DUMP, &Attributes::new())?;
            let (mut replies, mut torn, mut done) = (Vec::new(), false, false);
            while !done {
                for event in self.receive()? {
                    match event {
                        Event::Reply(attributes, so_far) => {
                            torn |= so_far;
                            replies.push(attributes);
                        }
                        Event::End(Ok(at_end)) => {
                            torn |= at_end;
                            done = true;
                        }
                        Event::End(Err(refusal)) => return Err(refusal),
                    }
                }
            }
            if !torn {
                return Ok(replies);
            }
        }
        Err(Refusal {
            text: Some("the list changes faster than it can be read".to_owned()),
            ..Refusal::bare(Errno::EINTR)
        })
    }

    fn send(&mut self, command: u8, flags: u16, attributes: &Attributes) -> Result<(), Refusal> {
        self.sequence = self.sequence.wrapping_add(1);
        self.sent = encode(
            self.family,
            flags,
            self.sequence,
            [command, self.version],
            attributes.as_bytes(),
        );
        let kernel = NetlinkAddr::new(0, 0);
        sendto(self.fd.as_raw_fd(), &self.sent, &kernel, MsgFlags::empty())
            .map(drop)
            .map_err(Refusal::bare)
    }

    /// The messages of one datagram that answer the last request.
    fn receive(&mut self) -> Result<Vec<Event>, Refusal> {
        let len = loop {
            match recv(self.fd.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                other => break other.map_err(Refusal::bare)?,
            }
        };
        let datagram = self.buffer.get(..len).unwrap_or_default();
        Ok(decode(datagram, &self.sent))
    }
}

/// One message of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Event {
    /// Attributes behind the family's header, and whether the dump is torn so far.
    Reply(Vec<u8>, bool),
    /// The answer is complete, and whether it is torn.
    End(Result<bool, Refusal>),
}

/// A request.
fn encode(kind: u16, flags: u16, sequence: u32, genl: [u8; 2], attributes: &[u8]) -> Vec<u8> {
    let len = NLMSG_HEADER + GENL_HEADER + attributes.len();
    let mut message = Vec::with_capacity(len);
    // PANIC: attributes are far below 4 GiB.
    message.extend(u32::try_from(len).expect("a short message").to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend(flags.to_ne_bytes());
    message.extend(sequence.to_ne_bytes());
    // The port: the kernel knows it from the socket.
    message.extend(0_u32.to_ne_bytes());
    message.extend(genl);
    message.extend([0, 0]);
    message.extend(attributes);
    message
}

/// Takes a datagram apart; messages with another sequence number than the request's are answers to
/// older ones.
fn decode(datagram: &[u8], request: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut rest = datagram;
    let mut torn = false;
    let sequence = request
        .get(8..)
        .and_then(<[u8]>::first_chunk)
        .map(|bytes| u32::from_ne_bytes(*bytes));
    while let Some((header, _)) = rest.split_first_chunk::<NLMSG_HEADER>() {
        let word = |at: usize| {
            u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let half = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
        let (len, kind, flags) = (word(0), half(4), half(6));
        // A length that does not fit 64-bit indexes cannot be: widen.
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(payload) = rest.get(NLMSG_HEADER..len) else {
            break;
        };
        rest = rest.get(align(len)..).unwrap_or_default();
        if Some(word(8)) != sequence {
            continue;
        }
        match kind {
            NLMSG_ERROR | NLMSG_DONE => {
                torn |= flags & NLM_F_DUMP_INTR != 0;
                events.push(Event::End(
                    verdict(kind, flags, payload, request).map(|()| torn),
                ));
            }
            _ => {
                torn |= flags & NLM_F_DUMP_INTR != 0;
                let attributes = payload.get(GENL_HEADER..).unwrap_or_default();
                events.push(Event::Reply(attributes.to_vec(), torn));
            }
        }
    }
    events
}

/// What an ack or the end of a dump says.
fn verdict(kind: u16, flags: u16, payload: &[u8], sent: &[u8]) -> Result<(), Refusal> {
    let number = payload
        .first_chunk::<4>()
        .map_or(0, |bytes| i32::from_ne_bytes(*bytes));
    if number == 0 {
        return Ok(());
    }
    let mut refusal = Refusal::bare(Errno::from_raw(number.saturating_neg()));
    if flags & NLM_F_ACK_TLVS == 0 {
        return Err(refusal);
    }
    // Behind the number an error repeats the request: its header only when it is capped.
    let mut behind = 4;
    if kind == NLMSG_ERROR {
        let request = payload
            .get(4..8)
            .and_then(|bytes| bytes.first_chunk::<4>())
            .and_then(|bytes| usize::try_from(u32::from_ne_bytes(*bytes)).ok());
        behind += match request {
            Some(len) if flags & NLM_F_CAPPED == 0 => align(len),
            _ => NLMSG_HEADER,
        };
    }
    for attribute in Reader::new(payload.get(behind..).unwrap_or_default()) {
        match attribute.kind {
            NLMSGERR_ATTR_MSG => refusal.text = Some(attribute.string()),
            NLMSGERR_ATTR_OFFS => {
                let offset = attribute.u32().and_then(|at| usize::try_from(at).ok());
                let named = offset.and_then(|at| Reader::new(sent.get(at..)?).next());
                refusal.bad = named.map(|attribute| attribute.kind);
            }
            NLMSGERR_ATTR_MISS_TYPE => refusal.missing = attribute.u32(),
            _ => {}
        }
    }
    Err(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Vec<u8> {
        encode(30, 5, 7, [1, 1], Attributes::new().u32(9, 1).as_bytes())
    }

    fn ack(number: i32, flags: u16, behind: &[u8]) -> Vec<u8> {
        let mut payload = number.to_ne_bytes().to_vec();
        payload.extend(encode(16, 5, 7, [0, 0], &[])[..NLMSG_HEADER].to_vec());
        payload.extend(behind);
        message(NLMSG_ERROR, flags, 7, &payload)
    }

    fn message(kind: u16, flags: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let len = u32::try_from(NLMSG_HEADER + payload.len()).expect("short");
        bytes.extend(len.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(sequence.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes.resize(align(bytes.len()), 0);
        bytes
    }

    #[test]
    fn extended_ack_gives_its_text() {
        let text = Attributes::new()
            .string(NLMSGERR_ATTR_MSG, "no such cell")
            .u32(NLMSGERR_ATTR_OFFS, 20);
        let flags = NLM_F_ACK_TLVS | NLM_F_CAPPED;
        let events = decode(&ack(-2, flags, text.as_bytes()), &request());
        let [Event::End(Err(refusal))] = &events[..] else {
            panic!("not an ack: {events:?}");
        };
        assert_eq!(refusal.errno, Errno::ENOENT);
        assert_eq!(refusal.text.as_deref(), Some("no such cell"));
        let error = refusal.about("profile reset \"x\"");
        assert_eq!(error.to_string(), "profile reset \"x\": no such cell");
        assert_eq!(refusal.bad, Some(9));
        assert_eq!(error.code(), 3);
    }

    #[test]
    fn answers_to_other_requests_are_skipped() {
        let mut datagram = message(30, 0, 6, &[1, 1, 0, 0]);
        datagram.extend(message(
            30,
            NLM_F_DUMP_INTR,
            7,
            &[1, 1, 0, 0, 8, 0, 1, 0, 5, 0, 0, 0],
        ));
        datagram.extend(ack(0, 0, &[]));
        let events = decode(&datagram, &request());
        assert_eq!(events.len(), 2);
        assert!(matches!(&events[0], Event::Reply(attributes, true) if attributes.len() == 8));
        assert_eq!(events[1], Event::End(Ok(true)));
    }

    #[test]
    fn decode_is_total() {
        let text = Attributes::new().string(NLMSGERR_ATTR_MSG, "x");
        let good = ack(-22, NLM_F_ACK_TLVS, text.as_bytes());
        for at in 0..good.len() {
            let _ = decode(&good[..at], &request());
            for bit in 0..8 {
                let mut flipped = good.clone();
                flipped[at] ^= 1 << bit;
                let _ = decode(&flipped, &request());
            }
        }
    }
}
