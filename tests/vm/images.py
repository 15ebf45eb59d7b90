# SPDX-License-Identifier: GPL-2.0
#
# Images made by hand after their descriptions in rust/kis-core, for requests that no tool would make.

import struct

ABI = 3
CELLS, SIGNATURES, PROFILE = range(3)


def reseal(image):
    """The image with a sum that is right."""
    total, mask = 0xCBF29CE484222325, (1 << 64) - 1
    whole = bytes(image)
    words = [whole[i : i + 8] for i in list(range(0, 16, 8)) + list(range(24, len(whole) - 7, 8))]
    for word in words:
        total = (total ^ int.from_bytes(word, "little")) * 0x100000001B3 & mask
        total = (total << 29 | total >> 35) & mask
    return whole[:16] + total.to_bytes(8, "little") + whole[24:]


def strings(texts, at=0):
    """Places of strings, one behind the other."""
    places = []
    for text in texts:
        places.append((at, len(text)))
        at += len(text)
    return places


def cells_image(name=b"self", program=b"/no/such/program", prefixes=(b"/tmp", b"/usr/lib")):
    """An image of one cell, made by hand after the description in kis-core."""
    texts = [name, program, b"*", *prefixes]
    places = strings(texts)
    cell = b"".join(struct.pack("<II", *place) for place in places[:3])
    cell += struct.pack("<10I", 2, 0, 60000, 100, 4 << 16, 8 << 16, 1000, 1000, 0, 0)
    cell += struct.pack("<2Q2I", 0, 0, 0, 1)
    cell += struct.pack("<8I", 0, 0, 0, len(prefixes), len(prefixes), 0, 0, 0)
    body = struct.pack("<6I", 1, 1, len(prefixes), 0, sum(map(len, texts)), 0) + cell
    body += struct.pack("<2IQ", 0, 0, 10**9)
    body += b"".join(struct.pack("<II", *place) for place in places[3:]) + b"".join(texts)
    return seal(CELLS, body)


def signatures_image():
    """One signature that finds the letter x: a table of two states and two classes."""
    rows = struct.pack("<10I", 77, 1, 1, 0, 0, 5, 5, 0, 0, 0)
    automaton = struct.pack("<6I", 2, 2, 1, 1, 0, 0) + bytes(int(b == ord("x")) for b in range(256))
    automaton += struct.pack("<4I", 0, 8, 0, 8) + struct.pack("<2I", 0, 1) + struct.pack("<I", 0)
    # No patterns with a literal.
    sections = (rows, b"an x!", automaton, bytes(16), bytes(8), bytes(16), bytes(8), b"", b"")
    body, at = struct.pack("<2I", len(sections), 0), 32 + 8 + 16 * len(sections)
    for kind, section in enumerate(sections, 1):
        body += struct.pack("<4I", kind, 0, at, len(section))
        at += len(section) + -len(section) % 8
    for section in sections:
        body += section + bytes(-len(section) % 8)
    return seal(SIGNATURES, body)


def seal(kind, body):
    body += bytes(-len(body) % 8)
    return reseal(b"KISI" + struct.pack("<IIIQQ", ABI, kind, 32 + len(body), 0, 0) + body)
