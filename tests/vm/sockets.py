# SPDX-License-Identifier: GPL-2.0
#
# sockets.py DIR, sockets.py count: whose socket it is; run by sockets.sh.

import os
import socket
import sys
import threading
import time

COUNT = sys.argv[1:] == ["count"]
KINDS = ("tcp4", "unix", "seqpacket", "udp4", "dgram")
STREAMS = KINDS[:3]
RESULTS = 6 * len(KINDS) + 2 + 3 + 3 + 5 + 1
if COUNT:
    print(RESULTS)
    sys.exit()

import reading  # noqa: E402 - what comes before needs no kernel of ours
from actor import Actor  # noqa: E402
from kis import SLOW, Netlink, each, kernel_complaints, kisctl, ok, same, wait  # noqa: E402

WORK = sys.argv[1]
PYTHON = WORK + "/python"
EVIL = b"GET /x EVIL7 and the rest\n"
GOOD = b"GET /x EVILx and the rest\n"
OBSERVE, ENFORCE = 0, 1
BYTES_OUT, MESSAGES_OUT = 9, 11
ROUNDS = 120 // SLOW
MESSAGES = 50

IN_THE_CELL = '''
SENDMMSG, MSG_ERRQUEUE, IP_RECVERR, TUNSETIFF = 307, 0x2000, 11, 0x400454CA
readers = {}


def what_comes(name, flags=0):
    """All that can be read now, or why it cannot."""
    try:
        return slots[name].recv(1000, socket.MSG_DONTWAIT | flags) or "eof"
    except OSError as e:
        return errno.errorcode[e.errno]


def put_into_sockmap(name):
    """Whatever comes is taken by whoever delivers it."""
    readers[name] = READERS["sockmap"](slots[name], 0)
    next(readers[name])


def next_piece(name):
    return next(readers[name])


def send_many(sock, number, size, to):
    """As many messages in one call; their address is given with each, or with none."""
    data = ctypes.create_string_buffer(size)
    vector = Iovec(ctypes.addressof(data), size)
    messages = (Msghdr * number)()
    for message in messages:
        message.iov, message.iovlen = ctypes.pointer(vector), 1
        if to:
            message.name, message.namelen = ctypes.cast(to, ctypes.c_void_p), 16
    return call(SENDMMSG, sock.fileno(), messages, number, 0)


def address_in_bytes(where):
    family = struct.pack("<H", socket.AF_INET)
    return ctypes.create_string_buffer(family + struct.pack(">H", where[1]) + socket.inet_aton(where[0]) + bytes(8), 16)


def quoted(name):
    """What an ICMP error on the socket quotes, and its errno."""
    data, more = slots[name].recvmsg(1000, 512, MSG_ERRQUEUE)[:2]
    return data, struct.unpack_from("<I", more[0][2])[0]


def catch_all(name):
    """Takes what is there until nothing has come for a while; whether something of it was evil."""
    evil, quiet = 0, 0
    while quiet < 3:
        try:
            evil += b"EVIL7" in slots[name].recv(2000, socket.MSG_DONTWAIT)
            quiet = 0
        except BlockingIOError:
            quiet += 1
    return evil


def write_packet(packet):
    """Has the kernel receive a packet from the network, here and now."""
    fd = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("<16sH22x", b"kis-tun", 0x1001))
        os.write(fd, packet)
    finally:
        os.close(fd)
'''


class Crew:
    """A process of each cell, and a neighbour who is in none."""

    def __init__(self):
        self.actors, self.channels = {}, {}
        for tag in ("strict", "lax", "neighbour"):
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            actor = Actor(PYTHON, tag, "reading.py", pass_fds=[theirs.fileno()])
            actor.do(IN_THE_CELL)
            actor.do(f"channel = socket.socket(fileno={theirs.fileno()})")
            theirs.close()
            self.actors[tag], self.channels[tag] = actor, ours

    def __getitem__(self, tag):
        return self.actors[tag]

    def give(self, tag, sock):
        socket.send_fds(self.channels[tag], [b"x"], [sock.fileno()])
        self.actors[tag].do("receive_socket('c', channel)")

    def end(self):
        for actor in self.actors.values():
            actor.end()


def pair_of(kind):
    """The peer's end, and the one that changes hands."""
    if kind in ("unix", "seqpacket", "dgram"):
        return socket.socketpair(*reading.family_of(kind))
    if kind == "udp4":
        sock = reading.bound(kind)
        peer = socket.socket(*reading.family_of(kind))
        peer.connect(reading.address(kind, sock.getsockname()))
        return peer, sock
    with reading.bound(kind) as listener:
        peer = socket.create_connection(reading.address(kind, listener.getsockname()))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return peer, listener.accept()[0]


def mode(number):
    nl.one("mode-set", mode=number)


def learned(name, param):
    number = next(cell["id"] for cell in nl.dump("cell-get") if cell["name"] == name)
    return next(p for p in nl.dump("param-get") if p["cell"] == number and p["param"] == param)


def sum_of(name, param):
    """What was counted in all windows that are over, those of a start left out."""
    found = learned(name, param)
    # Of the mean 16 bits of the fraction are told, rounded down.
    return -(-found["n"] * found["mean"] >> 16)


def wait_until_started(name):
    """A window is learned with the others: the next ones are no windows of a start."""
    before = learned(name, MESSAGES_OUT)["n"]
    assert wait(lambda: learned(name, MESSAGES_OUT)["n"] > before), "still starting"


def matches(name):
    return next(cell["matches"] for cell in nl.dump("cell-get") if cell["name"] == name)


def a_socket_that_is_passed_on(kind):
    """The lax cell has it first, and lets everything in."""
    killed = ("ECONNRESET",) if kind in STREAMS else ("EAGAIN",)
    peer, sock = pair_of(kind)
    crew.give("lax", sock)
    peer.send(EVIL)
    same(f"{kind}: the lax cell reads what is evil for the other", crew["lax"].do("what_comes('c')"), EVIL)
    peer.send(EVIL)
    wait_until_there(sock)
    same(f"{kind}: and sees it coming once more", crew["lax"].do("what_comes('c', socket.MSG_PEEK)"), EVIL)
    before = matches("strict")
    crew.give("strict", sock)
    got = crew["strict"].do("what_comes('c')")
    ok(f"{kind}: the strict cell does not read it, when it gets the socket", got in killed, got)
    same(f"{kind}: the match is the strict cell's", matches("strict"), before + 1)
    if kind in STREAMS:
        peer.close()
        sock.close()
        peer, sock = pair_of(kind)
        crew.give("lax", sock)
        crew.give("strict", sock)
    peer.send(GOOD)
    wait_until_there(sock)
    same(f"{kind}: it does read what is harmless", crew["strict"].do("what_comes('c')"), GOOD)
    crew["lax"].do("what_comes('c')")
    peer.send(EVIL)
    wait_until_there(sock)
    got = crew["strict"].do("what_comes('c')")
    ok(f"{kind}: nor what came after the lax one has read again", got in killed, got)
    peer.close()
    sock.close()


def wait_until_there(sock):
    """It was delivered, or is gone."""
    sock.settimeout(0.2)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except OSError:
        pass


def sockets_that_are_passed_on():
    for kind in KINDS:
        a_socket_that_is_passed_on(kind)


def datagrams_that_are_under_way():
    """A flood that is being received when a cell's process gets the socket, and reads at once."""
    for number, name in ((OBSERVE, "observing, some are read (control)"), (ENFORCE, "none is read")):
        mode(number)
        seen = 0
        for _ in range(ROUNDS):
            peer, sock = pair_of("udp4")
            flood = threading.Thread(target=lambda: [peer.send(EVIL) for _ in range(40)])
            flood.start()
            crew.give("strict", sock)
            seen += crew["strict"].do("catch_all('c')")
            flood.join()
            peer.close()
            sock.close()
            crew["strict"].do("close('c')")
        ok(f"of datagrams that are under way {name}", (seen > 0) == (number == OBSERVE), seen)


def messages_in_one_call():
    """Those behind the first are counted too, whether they name where they go or not."""
    wait_until_started("strict")
    with reading.bound("udp4") as sink:
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        where = reading.address("udp4", sink.getsockname())
        crew["strict"].do("slots.update(s=socket.socket(*family_of('udp4')))")
        for to in ("None", f"address_in_bytes({where!r})"):
            if to == "None":
                crew["strict"].do(f"slots['s'].connect({where!r})")
            before = sum_of("strict", MESSAGES_OUT)
            sent = crew["strict"].do(f"send_many(slots['s'], {MESSAGES}, 100, {to})")
            assert sent == MESSAGES, sent
            counted = wait(lambda: sum_of("strict", MESSAGES_OUT) - before >= MESSAGES)
            name = "without" if to == "None" else "with"
            now = sum_of("strict", MESSAGES_OUT) - before
            ok(f"{MESSAGES} messages of one call are counted, {name} an address", counted, now)
    bytes_out = sum_of("strict", BYTES_OUT)
    ok("and so are their bytes", bytes_out >= 2 * 100 * MESSAGES, bytes_out)


def what_an_error_quotes():
    """Whoever sends an ICMP error says what it quotes; here it is what the cell has sent itself."""
    closed = reading.bound("udp4")
    where = reading.address("udp4", closed.getsockname())
    closed.close()
    strict = crew["strict"]
    strict.do("slots.update(q=socket.socket(*family_of('udp4')))")
    strict.do(f"slots['q'].setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1), slots['q'].connect({where!r})")
    for number, data, want in ((OBSERVE, EVIL, EVIL), (ENFORCE, GOOD, GOOD), (ENFORCE, EVIL, b"")):
        mode(number)
        strict.do(f"slots['q'].send({data!r})")
        name = {OBSERVE: "observing", ENFORCE: "enforcing"}[number]
        same(f"{name}: an error quotes {data[7:12]} as {want[7:12]}", strict.do("quoted('q')"), (want, 111))


def who_only_delivers():
    """A neighbour's socket is read in the context of whoever sends to it, by a sockmap."""
    mode(ENFORCE)
    neighbour, strict = crew["neighbour"], crew["strict"]
    for kind in ("unix", "udp4"):
        try:
            peer, sock = pair_of(kind)
            crew.give("neighbour", sock)
            neighbour.do("put_into_sockmap('c')")
        except OSError as e:
            for n in range(2):
                print(f"ok {kind}: {n} # SKIP no sockmap: {os.strerror(e.errno)}")
            continue
        if kind == "unix":
            crew.give("strict", peer)
            strict.do(f"slots['c'].send({EVIL!r})")
        else:
            strict.do(f"write_packet({udp_packet(sock.getsockname()[1], EVIL)!r})")
        same(f"{kind}: a neighbour's sockmap has what a cell's process delivers", neighbour.do("next_piece('c')"), EVIL)
        if kind == "unix":
            strict.do(f"slots['c'].send({EVIL!r})")
        else:
            strict.do(f"write_packet({udp_packet(sock.getsockname()[1], EVIL)!r})")
        same(f"{kind}: and what it delivers then", neighbour.do("next_piece('c')"), EVIL)
        peer.close()
        sock.close()
    peer, sock = pair_of("unix")
    crew.give("strict", sock)
    peer.send(EVIL)
    got = strict.do("what_comes('c')")
    same("what the process reads itself is looked at (control)", got, "ECONNRESET")


def udp_packet(port, data):
    """From 10.78.0.2 to 10.78.0.1, without a checksum of UDP."""
    size = 28 + len(data)
    head = bytes([0x45, 0]) + size.to_bytes(2, "big") + bytes([0, 1, 0, 0, 64, 17, 0, 0, 10, 78, 0, 2, 10, 78, 0, 1])
    total = sum(int.from_bytes(head[n : n + 2], "big") for n in range(0, 20, 2))
    total = (total & 0xFFFF) + (total >> 16)
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    head = head[:10] + total.to_bytes(2, "big") + head[12:]
    return head + b"".join(n.to_bytes(2, "big") for n in (7777, port, 8 + len(data), 0)) + data


nl, crew = Netlink(), Crew()
mode(ENFORCE)
each(
    [
        sockets_that_are_passed_on,
        datagrams_that_are_under_way,
        messages_in_one_call,
        what_an_error_quotes,
        who_only_delivers,
    ]
)
mode(OBSERVE)
crew.end()
same("the kernel does not complain", kernel_complaints(), [])
