# SPDX-License-Identifier: GPL-2.0
#
# A peer with a TCP of its own, on a raw socket in another network namespace, whose kernel must not answer for it:
# it says which bytes are sent in which order, also with the answer to a connection request. raw_network() of
# lib-actor.sh makes the namespace.

import os
import socket
import struct
import time

HOST, GUEST = "10.77.0.1", "10.77.0.2"
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
CLONE_NEWNET = 0x40000000


def in_guest(make):
    """Does something in the other network namespace."""
    here, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open("/run/netns/guest", os.O_RDONLY)
    os.setns(there, CLONE_NEWNET)
    try:
        return make()
    finally:
        os.setns(here, CLONE_NEWNET)
        os.close(here)
        os.close(there)


def checksum(raw):
    raw += bytes(len(raw) % 2)
    total = sum(struct.unpack(f">{len(raw) // 2}H", raw))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def summed(segment, spoiled=0):
    """A segment of the peer's with its checksum, or a wrong one."""
    pseudo = socket.inet_aton(GUEST) + socket.inet_aton(HOST) + struct.pack(">BBH", 0, 6, len(segment))
    return segment[:16] + struct.pack(">H", checksum(pseudo + segment) ^ spoiled) + segment[18:]


class RawPeer:
    """One connection: made by dial() or, for the answer to a request, by await_request()."""

    next_port = 20000
    shared = None

    def __init__(self, seconds=5):
        if RawPeer.shared is None:
            RawPeer.shared = in_guest(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))
            RawPeer.shared.settimeout(0.02)
        RawPeer.next_port += 1
        self.seconds, self.port, self.peer_port = seconds, RawPeer.next_port, None
        self.base, self.ack, self.heard, self.ended = 1000, 0, b"", False
        self.sent = 0

    def dial(self, port):
        self.peer_port = port
        for _ in range(20):
            self.packet(-1, b"", SYN)
            answer = self.next_segment(0.5)
            if answer and answer[1] & SYN:
                self.ack = answer[0] + 1
                self.packet(0, b"")
                return
        raise OSError("the raw peer got no answer")

    def await_request(self):
        """Until somebody asks for a connection to our port."""
        answer = self.next_segment(self.seconds)
        if not answer or not answer[1] & SYN:
            raise OSError("nobody has asked the raw peer")
        self.ack = answer[0] + 1

    def packet(self, at, data, flags=ACK, urgent=0):
        self.sent = max(self.sent, at + len(data) + bool(flags & SYN))
        numbers = (self.base + at) % 2**32, self.ack % 2**32 if flags & ACK else 0
        head = struct.pack(">HHIIBBHHH", self.port, self.peer_port, *numbers, 0x50, flags, 65000, 0, urgent)
        self.shared.sendto(summed(head + data), (HOST, 0))

    def next_segment(self, seconds):
        """The next one for us: its number, flags and bytes."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                raw = self.shared.recv(65536)
            except TimeoutError:
                continue
            tcp = raw[(raw[0] & 15) * 4 :]
            source, dest, seq, _, size, flags = struct.unpack_from(">HHIIBB", tcp)
            if dest == self.port and self.peer_port in (None, source):
                self.peer_port = source
                return seq, flags, tcp[(size >> 4) * 4 :]
        return None

    def hear(self, data):
        """Whether these bytes come from the other side."""
        end = time.monotonic() + self.seconds
        while data not in self.heard and not self.ended and time.monotonic() < end:
            segment = self.next_segment(0.1)
            if segment and segment[1] & RST:
                self.ended = True
            elif segment and segment[0] == self.ack % 2**32:
                self.heard += segment[2]
                self.ack += len(segment[2])
                self.packet(self.sent, b"")
        return data in self.heard

    def close(self):
        if self.peer_port:
            self.packet(self.sent, b"", RST | PSH)
