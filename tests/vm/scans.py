# SPDX-License-Identifier: GPL-2.0
"""Sends what scanners send, as raw packets.

    scans.py KIND FROM TO FIRST COUNT [EVERY_S]

KIND is syn, fin, null, xmas, ack, maimon, flags, syn-ack, udp, or sweep: SYN to one port (FIRST) of
so many addresses from TO on; or decoys: SYN from so many addresses, of which FROM is the first one,
to 40 ports each. The ports go from FIRST on. Prints how many packets were sent.
"""

import ipaddress
import random
import socket
import struct
import sys
import time

FLAGS = {
    "syn": 0x02, "fin": 0x01, "null": 0x00, "xmas": 0x29, "ack": 0x10, "maimon": 0x11, "flags": 0x03,
    "syn-ack": 0x12, "sweep": 0x02, "decoys": 0x02,
}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(kind, source, target, source_port, port):
    """Header and payload of IP, with its checksums."""
    if kind == "udp":
        body, proto = struct.pack("!HHHH", source_port, port, 8, 0), socket.IPPROTO_UDP
    else:
        sequence = random.getrandbits(32)
        body = struct.pack("!HHIIBBHHH", source_port, port, sequence, 0, 5 << 4, FLAGS[kind], 1024, 0, 0)
        proto = socket.IPPROTO_TCP
    ends = source.packed + target.packed
    if source.version == 4:
        pseudo = ends + struct.pack("!BBH", 0, proto, len(body))
    else:
        pseudo = ends + struct.pack("!IHBB", len(body), 0, 0, proto)
    at = 6 if kind == "udp" else 16
    body = body[:at] + struct.pack("!H", checksum(pseudo + body)) + body[at + 2:]
    if source.version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0) + ends
        return head + body
    return struct.pack("!IHBB", 6 << 28, len(body), proto, 64) + ends + body


def main(kind, source, target, first, count, every_s=0.0):
    source, target = ipaddress.ip_address(source), ipaddress.ip_address(target)
    first, count, every_s = int(first), int(count), float(every_s)
    if source.version == 4:
        out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    else:
        out = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    if kind == "sweep":
        ways = [(source, target + n, 40000, first) for n in range(count)]
    elif kind == "decoys":
        ways = [(source + n, target, 40000, first + port) for port in range(40) for n in range(count)]
    elif kind == "syn-ack":
        ways = [(source, target, 40000 + n, first) for n in range(count)]
    else:
        ways = [(source, target, 40000, first + n) for n in range(count)]
    for who, to, source_port, port in ways:
        out.sendto(packet(kind, who, to, source_port, port), (str(to), 0))
        time.sleep(every_s)
    print(len(ways))


main(*sys.argv[1:])
