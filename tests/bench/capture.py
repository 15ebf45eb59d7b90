# SPDX-License-Identifier: GPL-2.0
"""Captures that are made, not captured: pcap files of raw IPv4."""

import struct

# Bytes of one segment.
SEGMENT = 1460
# Flags of TCP.
FIN, SYN, PUSH, ACK = 1, 2, 8, 16
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Capture:
    """A capture of connections to a server and of datagrams, each from an address of its own, a second after the other."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 0x40000, 101))
        self.count = 0

    @staticmethod
    def peer(n):
        """Address and port of the client of connection n."""
        return f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}", 40000

    def packet(self, n, to, flags, sequence, acknowledged, data=b"", to_server=True):
        address, port = self.peer(n)
        ends = [(bytes(map(int, address.split("."))), port), (bytes((192, 0, 2, 1)), to)]
        (source, from_port), (destination, to_port) = ends if to_server else ends[::-1]
        tcp = struct.pack(">HHIIBBHHH", from_port, to_port, sequence, acknowledged, 0x50, flags, 65535, 0, 0) + data
        self.write(n, 6, source, destination, tcp)

    def write(self, n, protocol, source, destination, payload):
        """A packet of IPv4."""
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0) + source + destination
        packet = head + payload
        self.file.write(struct.pack("<IIII", n, 0, len(packet), len(packet)) + packet)

    def datagram(self, data, to):
        """A datagram with these bytes to a port; its number."""
        self.count += 1
        address, port = self.peer(self.count)
        udp = struct.pack(">HHHH", port, to, 8 + len(data), 0) + data
        self.write(self.count, 17, bytes(map(int, address.split("."))), bytes((192, 0, 2, 1)), udp)
        return self.count

    def connection(self, data, to=80):
        """A connection to a port on which these bytes come, and a short answer; its number."""
        self.count += 1
        n = self.count
        self.packet(n, to, SYN, 1000, 0)
        self.packet(n, to, SYN | ACK, 2000, 1001, to_server=False)
        self.packet(n, to, ACK, 1001, 2001)
        for at in range(0, len(data), SEGMENT):
            self.packet(n, to, ACK | PUSH, 1001 + at, 2001, data[at : at + SEGMENT])
        end = 1001 + len(data)
        self.packet(n, to, ACK | PUSH, 2001, end, ANSWER, to_server=False)
        self.packet(n, to, ACK | FIN, end, 2001 + len(ANSWER))
        self.packet(n, to, ACK | FIN, 2001 + len(ANSWER), end + 1, to_server=False)
        self.packet(n, to, ACK, end + 1, 2002 + len(ANSWER))
        return n

    def close(self):
        self.file.close()
