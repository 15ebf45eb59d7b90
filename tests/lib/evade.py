# SPDX-License-Identifier: GPL-2.0
#
# What an attacker does to his packets so that whoever looks at them reads something else than the server does, in
# the words of fragroute's configurations (Song, fragroute(8)), one directive a line, applied from the top down. And a
# peer whose TCP sends such packets: he does again what was not acknowledged, and minds nothing else.

import dataclasses
import random
import socket
import struct
import time

from rawtcp import ACK, FIN, GUEST, HOST, PSH, RST, SYN, checksum, in_guest, summed

JUNK = b"#"
WHERE = {"first": lambda n, _: 0, "last": lambda n, _: n - 1, "random": lambda n, chance: chance.randrange(n)}


@dataclasses.dataclass
class Tcp:
    """A TCP segment (RFC 9293)."""

    source: int
    target: int
    seq: int
    ack: int
    flags: int
    data: bytes
    stamps: tuple = ()
    options: bytes = b""
    is_bad: bool = False

    def wire(self):
        options = struct.pack(">BBBBII", 1, 1, 8, 10, *(stamp % 2**32 for stamp in self.stamps)) if self.stamps else b""
        options += self.options
        options += bytes(-len(options) % 4)
        numbers = self.seq % 2**32, self.ack % 2**32
        head = struct.pack(">HHIIBBHHH", self.source, self.target, *numbers, 5 + len(options) // 4 << 4, self.flags, 65000, 0, 0)
        return summed(head + options + self.data, 0x5A5A if self.is_bad else 0)


@dataclasses.dataclass
class Packet:
    """An IPv4 packet (RFC 791), or a fragment of one; `tcp` while it carries a whole segment."""

    ident: int
    tcp: Tcp = None
    part: bytes = b""
    at: int = 0
    more: bool = False
    tos: int = 0
    ttl: int = 64
    options: bytes = b""
    wait_s: float = 0

    def but(self, **what):
        return dataclasses.replace(self, **what)

    def but_tcp(self, **what):
        return self.but(tcp=dataclasses.replace(self.tcp, **what))

    def content(self):
        return self.tcp.wire() if self.tcp else self.part

    def wire(self):
        content, size = self.content(), 20 + len(self.options)
        place = self.at // 8 | (0x2000 if self.more else 0)
        head = struct.pack(">BBHHHBBH", 0x40 | size // 4, self.tos, size + len(content), self.ident, place, self.ttl, 6, 0)
        head += socket.inet_aton(GUEST) + socket.inet_aton(HOST) + self.options
        return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + content


def has_data(packet):
    return packet.tcp is not None and packet.tcp.data


def tcp_seg(packets, _, size, favour=None):
    """Segments of so many bytes. With `old` or `new` the second of two comes first, and then both in one: with `old` the
    first that came has the right bytes of the second, with `new` the later one has."""
    size, out = int(size), []
    for packet in packets:
        if not has_data(packet):
            out.append(packet)
            continue
        data, seq, at = packet.tcp.data, packet.tcp.seq, 0
        while at < len(data):
            one, two = data[at : at + size], data[at + size : at + 2 * size]
            if favour and at + 2 * size < len(data):
                early, late = (two, JUNK * size) if favour == "old" else (JUNK * size, two)
                out.append(packet.but_tcp(data=early, seq=seq + at + size))
                out.append(packet.but_tcp(data=one + late, seq=seq + at))
                at += 2 * size
            else:
                out.append(packet.but_tcp(data=one, seq=seq + at))
                at += size
    return out


def ip_frag(packets, _, size, favour=None):
    """Fragments of so many bytes, the first one with the whole header of TCP."""
    size, out = max(int(size) // 8 * 8, 8), []
    for packet in packets:
        content = packet.content()
        first = (content[12] >> 4) * 4 + size if packet.tcp else size
        first += -first % 8
        if len(content) <= first or not packet.tcp:
            out.append(packet)
            continue
        at = 0
        while at < len(content):
            end = min(at + (size if at else first), len(content))
            part, place = content[at:end], at
            if favour == "old" and at:
                part, place = JUNK * 8 + part, at - 8
            if favour == "new" and end + 8 <= len(content):
                part += JUNK * 8
            out.append(packet.but(tcp=None, part=part, at=place, more=end < len(content)))
            at = end
    return out


def junk_of(packet):
    if packet.tcp:
        return packet.but_tcp(data=JUNK * len(packet.tcp.data))
    return packet.but(part=JUNK * len(packet.part))


def ip_chaff(packets, _, kind, place=None):
    """A twin with other bytes for each: a double (behind it, or in front), with bad options, or a short life."""
    out = []
    for packet in packets:
        twin = junk_of(packet)
        if kind == "dup":
            out += [twin, packet] if place == "top" else [packet, twin]
            continue
        # A source route that points nowhere (RFC 791).
        twin = twin.but(options=b"\x83\x07\xff\x00\x00\x00\x00\x00") if kind == "opt" else twin.but(ttl=int(kind))
        out += [twin, packet]
    return out


def tcp_chaff(packets, chance, kind):
    """A twin of each segment with other bytes, that the server has to throw away, by what `kind` says."""
    out = []
    for packet in packets:
        if not has_data(packet):
            out.append(packet)
            continue
        twin, tcp = junk_of(packet), packet.tcp
        if kind == "cksum":
            twin = twin.but_tcp(is_bad=True)
        elif kind == "null":
            twin = twin.but_tcp(flags=0)
        elif kind == "paws":
            twin = twin.but_tcp(stamps=(tcp.stamps[0] - (1 << 30), tcp.stamps[1]))
        elif kind == "seq":
            twin = twin.but_tcp(seq=tcp.seq - (1 << 29))
        elif kind == "syn":
            twin = twin.but_tcp(flags=SYN, seq=chance.getrandbits(32), data=b"")
        elif kind != "rexmit":
            twin = twin.but(ttl=int(kind))
        # What is sent again comes later; the others on either side.
        out += [packet, twin] if kind == "rexmit" or chance.random() < 0.5 else [twin, packet]
    return out


def tcp_opt(packets, _, kind, size):
    """An option that belongs to a SYN."""
    option = struct.pack(">BBB", 3, 3, int(size)) if kind == "wscale" else struct.pack(">BBH", 2, 4, int(size))
    return [packet.but_tcp(options=packet.tcp.options + option) if packet.tcp else packet for packet in packets]


def one_of(packets, chance, where, percent, do):
    """Has `do` replace one packet of all, in so many of a hundred cases."""
    if packets and chance.randrange(100) < int(percent):
        at = WHERE[where](len(packets), chance)
        packets = packets[:at] + do(packets[at]) + packets[at + 1 :]
    return packets


def order(packets, chance, how):
    if how == "reverse":
        return packets[::-1]
    return chance.sample(packets, len(packets))


DIRECTIVES = {
    "tcp_seg": tcp_seg, "ip_frag": ip_frag, "ip_chaff": ip_chaff, "tcp_chaff": tcp_chaff, "tcp_opt": tcp_opt, "order": order,
    "ip_tos": lambda packets, _, tos: [packet.but(tos=int(tos)) for packet in packets],
    "ip_ttl": lambda packets, _, ttl: [packet.but(ttl=int(ttl)) for packet in packets],
    "dup": lambda packets, chance, where, percent: one_of(packets, chance, where, percent, lambda one: [one, one]),
    "drop": lambda packets, chance, where, percent: one_of(packets, chance, where, percent, lambda one: []),
    "delay": lambda packets, chance, where, ms: one_of(packets, chance, where, 100, lambda one: [one.but(wait_s=int(ms) / 1000)]),
}
# What says something to whoever runs fragroute, and a language around it.
REMARKS = ("echo", "print", "if")


class Evasion:
    """A configuration; what is none of the directives, or has wrong words, raises ValueError."""

    def __init__(self, name, text):
        self.name, self.steps = name, []
        is_defined = False
        for line in text.splitlines():
            words = line.split()
            if line.startswith(("#define", "#enddefine")):
                is_defined = line.startswith("#define")
            if not words or is_defined or line.startswith("#") or words[0] in REMARKS:
                continue
            if words[0] not in DIRECTIVES:
                raise ValueError(f"{name}: there is no directive {words[0]}")
            self.steps.append((DIRECTIVES[words[0]], words[1:]))
        try:
            self.of(Packet(1, Tcp(1, 2, 3, 4, ACK, b"bytes" * 20, (5, 6))), random.Random(0))
        except (TypeError, KeyError) as e:
            raise ValueError(f"{name}: {e}") from e

    def of(self, packet, chance):
        """What leaves in place of a packet."""
        packets = [packet]
        for step, words in self.steps:
            packets = step(packets, chance, *words)
        return packets


class Peer:
    """A connection whose data are sent by an evasion; the same seed sends the same."""

    next_port = 30000
    wires = None
    CHUNK, TRIES, PATIENCE_S = 1400, 2, 1

    def __init__(self, port, evasion, seed, slow=1):
        if Peer.wires is None:
            out = in_guest(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW))
            ears = in_guest(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))
            ears.settimeout(0.02)
            Peer.wires = out, ears
        Peer.next_port += 1
        self.out, self.ears = Peer.wires
        self.mine, self.port, self.evasion, self.slow = Peer.next_port, port, evasion, slow
        self.chance = random.Random(seed)
        self.seq, self.acked, self.ack, self.stamp = 5000, 0, 0, 0
        self.end, self.again = None, 0
        for _ in range(20):
            self.plain(SYN, seq=self.seq - 1)
            if self.hear(lambda: self.ack, 0.3):
                break
        else:
            raise OSError("the peer got no answer")
        self.plain(ACK)

    def packet(self, flags, data=b"", seq=None):
        stamps = time.monotonic_ns() // 1_000_000 + (1 << 31), self.stamp
        tcp = Tcp(self.mine, self.port, self.seq if seq is None else seq, self.ack if flags & ACK else 0, flags, data, stamps)
        return Packet(self.chance.getrandbits(16) or 1, tcp)

    def put(self, packets):
        # Who waits lets the others pass.
        waited_s = 0
        for packet in sorted(packets, key=lambda packet: packet.wait_s):
            time.sleep(packet.wait_s - waited_s)
            waited_s = packet.wait_s
            self.out.sendto(packet.wire(), (HOST, 0))

    def plain(self, flags, seq=None):
        self.put([self.packet(flags, seq=seq)])

    def hear(self, condition, seconds):
        """Takes what comes until the condition is true, or the connection over."""
        until = time.monotonic() + seconds * self.slow
        while not condition() and not self.end and time.monotonic() < until:
            try:
                raw = self.ears.recv(65536)
            except TimeoutError:
                continue
            self.take(raw[(raw[0] & 15) * 4 :])
        return condition()

    def take(self, tcp):
        source, target, seq, ack, size, flags = struct.unpack_from(">HHIIBB", tcp)
        if (source, target) != (self.port, self.mine):
            return
        if flags & RST:
            self.end = "reset"
            return
        options, data = tcp[20 : (size >> 4) * 4], tcp[(size >> 4) * 4 :]
        if (at := options.find(b"\x08\x0a")) >= 0:
            self.stamp = struct.unpack_from(">I", options, at + 2)[0]
        if flags & SYN:
            self.ack = seq + 1
            return
        self.acked = max(self.acked, ack)
        if seq == self.ack % 2**32 and (data or flags & FIN):
            self.ack += len(data) + (flags & FIN)
            self.plain(ACK)
            if flags & FIN:
                self.end = "closed"

    def send(self, data):
        """Whether the other side says that it has all of it."""
        for at in range(0, len(data), self.CHUNK):
            chunk = data[at : at + self.CHUNK]
            for tries in range(self.TRIES):
                self.again += tries > 0
                self.put(self.evasion.of(self.packet(ACK | PSH, chunk), self.chance))
                if self.hear(lambda: self.acked >= self.seq + len(chunk), self.PATIENCE_S) or self.end:
                    break
            if self.acked < self.seq + len(chunk):
                return False
            self.seq += len(chunk)
        return True

    def finish(self, seconds=3):
        """Ends our side, if the other one has all; how the connection ended."""
        for _ in range(10):
            if self.end:
                break
            self.plain(FIN | ACK)
            self.hear(lambda: self.end, seconds / 10)
        # The number that the other side waits for; our own kernel must let this one pass.
        if self.end != "reset":
            self.plain(RST | PSH, seq=self.acked or self.seq)
        return self.end or "open"
