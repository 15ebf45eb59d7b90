# SPDX-License-Identifier: GPL-2.0
#
# readers.py DIR PATTERN [count]: the matrix of readers.sh, or those whose names fit.
#
# A combination is a family, a way to read (reading.py), a way in which the socket comes to the cell, and a way in
# which bytes arrive. Each runs three times: in enforce mode with the pattern of a type 2 signature, of which the
# reader must never see the last byte; in enforce mode with a text of the same length without the pattern, which
# has to be read unharmed, on a connection that lives on; and in observe mode with the pattern, which has to be read
# and counted as a match. Where a datagram is killed it is dropped, and the next one comes.

import ast
import errno
import fnmatch
import itertools
import os
import socket
import subprocess
import sys
import time
from collections import namedtuple

from actor import HERE, Actor, Died, Lines
from kis import SLOW, Netlink, each, kernel_complaints, kisctl, ok, same, wait
from rawtcp import ACK, GUEST, SYN, RawPeer
import reading
from reading import END, address, bound, family_of
from stuckfs import StuckFs

WORK = sys.argv[1]
PATTERN = sys.argv[2]
COUNT = sys.argv[3:] == ["count"]
PYTHON = WORK + "/python"
OBSERVE, ENFORCE = 0, 1
EVIL = b"GET /x EVIL7 and the rest\n"
GOOD = b"GET /x EVILx and the rest\n"
CUT = 9
LARGE = 1 << 16
# Records of TLS 1.2, made with reading.TLS_KEY, whose cipher text has the pattern or not.
TLS_PLAIN = bytes.fromhex("746869732069732074fb58e742d161696e20746578742c203332206279746573")
TLS_EVIL = bytes.fromhex(
    "170303003831323334353637381ed9014d351a676acd4556494c37f429b212b8ecc84c2297d19055bb18686d7f"
    "10c52e6eeec4af4dd2b60735761b4cd9"
)
TLS_GOOD = bytes.fromhex(
    "170303003831323334353637381ed9014d351a676acdd66b8e7e8af429b212b8ecc84c2297d19055bb18686d7f"
    "9e6cef79c19c3cc0f877d64ce124e238"
)
TLS_GOOD_PLAIN = b"this is the plain text, 32 bytes"

Combination = namedtuple("Combination", "kind reader source arrival")
Outcome = namedtuple("Outcome", "pieces seen end alive hits")


# --- which combinations there are

STREAM_SOURCES = "accepted heir inetd passed_empty passed_full pidfd before_cell client".split()
MESSAGE_SOURCES = "accepted inetd passed_empty passed_full pidfd before_cell".split()
TCP_ARRIVALS = "waiting queued early bytewise disorder overlap backlog urgent large".split()
TCP_ARRIVALS += "reload_cells reload_sigs unload".split()
UNIX_ARRIVALS = "waiting queued early bytewise large reload_cells reload_sigs unload".split()
MESSAGE_ARRIVALS = "waiting queued reload_cells unload".split()
RAW = ("disorder", "overlap")


def has_module(name, code):
    """Whether the kernel has what a reader needs."""
    try:
        eval(code, vars(reading))
    except OSError as e:
        print(f"# without {name}: {os.strerror(e.errno)}", file=sys.stderr if COUNT else sys.stdout)
        return False
    return True


def missing_readers():
    code = {
        "sockmap": "load_program(PASS, VERDICT)",
        "strparser": "put_parser()",
        "ktls": "ask_for_tls()",
    }
    missing = {name for name in code if not has_module(name, code[name])}
    return missing | ({"sockmap_redirect"} if "sockmap" in missing else set())


def put_parser():
    """Asks for a stream parser: loading one works without, attaching does not."""
    fds = [reading.new_sockmap(), reading.load_program(reading.WHOLE, reading.STREAM_PARSER)]
    try:
        reading.bpf(reading.PROG_ATTACH, *fds, reading.STREAM_PARSER, 0, form="<4I")
    finally:
        for fd in fds:
            os.close(fd)


def ask_for_tls():
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, reading.TCP_ULP, b"tls")


reading.put_parser, reading.ask_for_tls = put_parser, ask_for_tls


def possible(c):
    tcp = c.kind.startswith("tcp")
    if c.reader in reading.WAITING_ONLY and c.arrival not in ("waiting", "bytewise", "large"):
        return False
    if c.reader == "ktls":
        return c.arrival == "waiting"
    # The kernel's own parser sometimes stalls on single bytes and on much.
    if c.reader == "strparser" and c.arrival != "waiting":
        return False
    if c.source == "passed_full" and c.arrival != "queued":
        return False
    if c.arrival in RAW and c.source == "client":
        return False
    if c.arrival == "backlog" and (c.source == "inetd" or c.reader == "ktls"):
        return False
    if c.arrival == "urgent" and c.source not in ("accepted", "heir"):
        return False
    if c.arrival == "early" and c.source not in ("accepted", "heir", "before_cell"):
        return False
    if c.arrival == "fast_open" and c.source not in ("accepted", "heir"):
        return False
    if c.arrival == "large" and (c.reader == "recv_byte" or (c.kind == "unix" and c.reader == "lowat")):
        return False
    if c.kind == "unix" and c.reader == "sockmap_redirect" and c.arrival != "waiting":
        return False
    return tcp or c.arrival not in RAW


# Each of these with each way to come and with each arrival; the others with some, in turns.
MAIN = "read recvmsg peek waitall lowat splice splice_file uring_recv zerocopy".split()


def take_turns(kind, readers, sources, arrivals, number):
    """For each reader so many combinations, such that each source and each arrival has its turn."""
    sources, arrivals = itertools.cycle(sources), itertools.cycle(arrivals)
    found = []
    for reader in readers:
        mine = []
        while len(mine) < number:
            c = Combination(kind, reader, next(sources), next(arrivals))
            # The same two would meet again and again.
            next(arrivals)
            if possible(c):
                mine.append(c)
            elif possible(c._replace(arrival="queued")):
                mine.append(c._replace(arrival="queued"))
            elif possible(c._replace(arrival="waiting")):
                mine.append(c._replace(arrival="waiting"))
        found += mine
    return found


def matrix():
    missing = missing_readers()
    tcp = [f.__name__ for f in reading.TCP if f.__name__ not in missing]
    stream = [f.__name__ for f in reading.STREAM if f.__name__ not in missing]
    message = [f.__name__ for f in reading.MESSAGE]
    found = []
    for reader in MAIN:
        found += [Combination("tcp4", reader, source, "queued") for source in STREAM_SOURCES]
        found += [Combination("tcp4", reader, "accepted", arrival) for arrival in TCP_ARRIVALS]
    others = [reader for reader in tcp if reader not in MAIN]
    found += take_turns("tcp4", others, STREAM_SOURCES, ("queued",), 3)
    found += take_turns("tcp4", others, ("accepted",), TCP_ARRIVALS, 4)
    # Each way to come with each arrival; the readers take turns.
    turns = itertools.cycle(MAIN[:8])
    for source in STREAM_SOURCES[1:]:
        found += [Combination("tcp4", next(turns), source, arrival) for arrival in TCP_ARRIVALS]
    found += take_turns("tcp6", tcp, STREAM_SOURCES, [a for a in TCP_ARRIVALS if a not in RAW], 1)
    # What only one of them can do.
    for reader in ("recv", "splice", "peek", "waitall", "lowat", "zerocopy"):
        found.append(Combination("tcp4", reader, "accepted", "fast_open"))
        found.append(Combination("tcp4", reader, "client", "synack"))
    found.append(Combination("tcp4", "uring_read", "heir", "fast_open"))
    found += take_turns("unix", stream, STREAM_SOURCES, UNIX_ARRIVALS, 3)
    for kind in ("seqpacket", "dgram", "udp4", "udp6"):
        found += take_turns(kind, message, MESSAGE_SOURCES, MESSAGE_ARRIVALS, 1)
    return [c for c in dict.fromkeys(found) if possible(c)]


# --- the other side


class Peer:
    """Speaks to the cell's socket through one of this machine."""

    def __init__(self, sock, to=None):
        self.sock, self.to = sock, to
        reading.limit(sock)
        if sock.family != socket.AF_UNIX and sock.type == socket.SOCK_STREAM:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data, flags=0):
        try:
            if self.to is not None:
                self.sock.sendto(data, flags, self.to)
            elif len(data) == LARGE:
                self.send_pages(data)
            else:
                self.sock.send(data, flags)
        except OSError:
            # It was reset: what that means is for the reader to say.
            pass

    def send_pages(self, data):
        """As a file that is sent without being copied."""
        fd = os.memfd_create("large")
        os.write(fd, data)
        at = 0
        while at < len(data):
            at += os.sendfile(self.sock.fileno(), fd, at, len(data) - at)
        os.close(fd)

    def hears(self, data):
        try:
            return self.sock.recv(len(data)) == data
        except OSError:
            return False

    def close(self):
        self.sock.close()


class Raw(RawPeer):
    """Speaks to it segment by segment."""

    def send(self, data, flags=0):
        self.packet(0, data)

    def disorder(self, data):
        self.packet(CUT, data[CUT:])
        self.packet(2, data[2:CUT])
        self.packet(0, data[:2])

    def overlap(self, data):
        self.packet(0, data[:CUT])
        self.packet(CUT - 3, b"???" + data[CUT : CUT + 2])
        self.packet(CUT - 1, b"???" + data[CUT + 2 :])

    def hears(self, data):
        return self.hear(data)


# --- the matrix itself


class NotAccepted(Exception):
    """The connection was there and is gone: who was killed that early is never accepted."""


class Crew:
    """The cell's processes: one that makes its own listeners, and one that got them over exec()."""

    def __init__(self):
        self.listeners = {kind: bound(kind) for kind in ("tcp4", "tcp6", "unix")}
        fds = {kind: sock.fileno() for kind, sock in self.listeners.items()}
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.own = Actor(PYTHON, "cell", "reading.py", pass_fds=[theirs.fileno()])
        self.own.do(f"channel = socket.socket(fileno={theirs.fileno()})")
        self.own.do("listeners = {kind: bound(kind) for kind in ('tcp4', 'tcp6', 'unix', 'seqpacket')}")
        self.names = self.own.do("{kind: sock.getsockname() for kind, sock in listeners.items()}")
        self.heir = Actor(PYTHON, "cell", "reading.py", pass_fds=list(fds.values()))
        self.heir.do(f"listeners = {{kind: socket.socket(fileno=fd) for kind, fd in {fds!r}.items()}}")
        theirs.close()

    def where(self, c):
        name = self.listeners[c.kind].getsockname() if c.source == "heir" else self.names[c.kind]
        return address(c.kind, name)

    def end(self):
        self.own.end()
        self.heir.end()


class Matrix:
    """Runs them, and says of each how it went."""

    def __init__(self, combinations):
        self.nl, self.crew, self.stuck = Netlink(), Crew(), StuckFs(WORK + "/stuck")
        self.combinations, self.stuck_files = combinations, itertools.count()
        self.base = 0

    # --- the officer

    def load_cells(self):
        done = kisctl("cell", "load", WORK + "/cells.json")
        assert done.returncode == 0, done.stderr

    def load_sigs(self):
        done = kisctl("sig", "load", WORK + "/sigs.json")
        assert done.returncode == 0, done.stderr
        self.base = 0

    def unload_cells(self):
        self.nl.one("cell-unload")

    def new_hits(self):
        """Matches since this was asked last, or since the signatures were loaded."""
        hits = sum(s["hits"] for s in self.nl.dump("signature-get"))
        new, self.base = hits - self.base, hits
        return new

    # --- how a socket comes to the cell

    def dial(self, c, where, payload):
        """A connection to this address."""
        if c.arrival in RAW:
            peer = Raw(5 * SLOW)
            peer.dial(where[1])
            return peer
        sock = socket.socket(*family_of(c.kind))
        if c.arrival == "fast_open":
            Peer(sock, where).send(payload, 0x20000000)
        else:
            sock.connect(where)
        peer = Peer(sock)
        if c.arrival == "early":
            self.send_all(c, peer, payload)
        return peer

    def meet(self, c, payload):
        """The other side, the actor that has the socket, and a child that has it as its standard input."""
        self.actor, self.child = self.crew.own, None
        if c.source in ("accepted", "heir", "before_cell"):
            return self.meet_own(c, payload)
        if c.source == "client":
            return self.meet_client(c)
        # Others have the socket first.
        peer, sock = self.connect_ours(c, payload)
        if c.source == "passed_full" or (c.source == "inetd" and c.arrival == "queued"):
            self.send_all(c, peer, payload)
        if c.source.startswith("passed"):
            socket.send_fds(self.crew.channel, [b"x"], [sock.fileno()])
            self.actor.do("receive_socket('c', channel)")
        elif c.source == "pidfd":
            self.actor.do(f"get_from('c', {os.getpid()}, {sock.fileno()})")
        else:
            want = self.want(c, payload)
            self.child = Inetd(sock, c.reader, want)
        sock.close()
        return peer

    def meet_own(self, c, payload):
        if c.source == "before_cell":
            self.unload_cells()
        if c.source == "heir":
            self.actor = self.crew.heir
        if family_of(c.kind)[1] == socket.SOCK_DGRAM:
            name = self.actor.do(f"slots.update(c=bound({c.kind!r})) or slots['c'].getsockname()")
            peer = Peer(socket.socket(*family_of(c.kind)), address(c.kind, name))
        else:
            peer = self.dial(c, self.crew.where(c), payload)
            self.accept(c)
        if c.source == "before_cell":
            if c.arrival == "queued":
                self.send_all(c, peer, payload)
            self.load_cells()
        return peer

    def accept(self, c):
        try:
            self.actor.do(f"accept('c', listeners[{c.kind!r}])")
        except BlockingIOError:
            raise NotAccepted

    def meet_client(self, c):
        if c.arrival == "synack":
            peer = Raw(5 * SLOW)
            self.actor.order(f"fast_connect('c', {(GUEST, peer.port)!r})")
            peer.await_request()
            return peer
        with bound(c.kind) as listener:
            where = address(c.kind, listener.getsockname())
            self.actor.do(f"connect('c', {c.kind!r}, {where!r})")
            reading.wait_for_first(listener)
            return Peer(listener.accept()[0])

    def connect_ours(self, c, payload):
        """A connection, and its other end, which is still ours."""
        listener = bound(c.kind)
        where = address(c.kind, listener.getsockname())
        if family_of(c.kind)[1] == socket.SOCK_DGRAM:
            return Peer(socket.socket(*family_of(c.kind)), where), listener
        with listener:
            peer = self.dial(c, where, payload)
            reading.wait_for_first(listener)
            return peer, listener.accept()[0]

    # --- how bytes arrive

    def want(self, c, payload):
        if not self.is_stream(c):
            return 0
        return len(TLS_PLAIN) if c.reader == "ktls" else len(payload)

    @staticmethod
    def is_stream(c):
        return family_of(c.kind)[1] == socket.SOCK_STREAM

    def send_all(self, c, peer, payload):
        peer.send(payload)
        if not self.is_stream(c):
            peer.send(END)

    def arrive_before(self, c, peer, payload):
        """What comes before the reader reads."""
        stream = self.is_stream(c)
        if c.arrival == "queued" and c.source not in ("passed_full", "before_cell", "inetd"):
            self.send_all(c, peer, payload)
        elif c.arrival == "disorder":
            peer.disorder(payload)
        elif c.arrival == "overlap":
            peer.overlap(payload)
        elif c.arrival == "reload_cells":
            if stream:
                peer.send(payload[:CUT])
            self.load_cells()
            self.send_all(c, peer, payload[CUT:] if stream else payload)
        elif c.arrival == "reload_sigs":
            peer.send(payload[:4])
            self.load_sigs()
            peer.send(payload[4:])
        elif c.arrival == "unload":
            if stream:
                peer.send(payload[:2])
            self.unload_cells()
            if stream:
                peer.send(payload[2:5])
            self.load_cells()
            self.send_all(c, peer, payload[5:] if stream else payload)
        elif c.arrival == "backlog":
            self.arrive_in_backlog(peer, payload)

    def arrive_in_backlog(self, peer, payload):
        """The socket is locked by a reader whose memory is stuck when the bytes come."""
        name = f"f{next(self.stuck_files)}"
        peer.send(b"first")
        self.actor.do(f"later('hold', \"hold('c', '{WORK}/stuck/{name}', 5)\")")
        # Before that the bytes would be queued, and the reader reset before it has read.
        assert wait(lambda: self.stuck.is_asked(name)), "nobody holds the socket"
        peer.send(payload)
        self.stuck.release(name)
        assert wait(lambda: self.actor.do("ended('hold')")) == ("done", b"first")

    def arrive_during(self, c, peer, payload):
        """What comes while the reader reads."""
        time.sleep(0.004 * SLOW)
        if c.arrival == "urgent":
            peer.send(payload[:8])
            peer.send(payload[8:9], socket.MSG_OOB)
            peer.send(payload[9:])
        elif c.arrival == "bytewise":
            for at in range(len(payload)):
                peer.send(payload[at : at + 1])
        else:
            self.send_all(c, peer, payload)

    def is_during(self, c):
        return c.arrival in ("waiting", "bytewise", "urgent", "large")

    # --- one run

    def run(self, c, payload):
        peer = None
        try:
            peer = self.meet(c, payload)
            if c.arrival == "synack":
                return self.read_answer(c, peer, payload)
            self.arrive_before(c, peer, payload)
            if not self.child:
                ready = ", say_ready" if self.is_during(c) else ""
                self.actor.order(f"take({c.reader!r}, slots['c'], {self.want(c, payload)}{ready})")
            elif not self.child.is_reading():
                raise Died("inetd's child does not read")
            if self.is_during(c):
                assert self.child or self.actor.answer() == "ready"
                self.arrive_during(c, peer, payload)
            pieces, seen, end = self.child.result() if self.child else self.actor.answer()
            return self.outcome(c, peer, pieces, seen, end)
        except NotAccepted:
            return Outcome([], 0, "ECONNRESET", False, self.new_hits())
        finally:
            self.part(peer)

    def read_answer(self, c, peer, payload):
        """Of a server who puts his bytes into the answer to the request."""
        peer.packet(-1, payload, SYN | ACK)
        try:
            self.actor.answer()
        except OSError as e:
            return self.outcome(c, peer, [], 0, errno.errorcode[e.errno])
        pieces, seen, end = self.actor.do(f"take({c.reader!r}, slots['c'], {len(payload)})")
        return self.outcome(c, peer, pieces, seen, end)

    def outcome(self, c, peer, pieces, seen, end):
        alive = end == "full"
        if alive and self.is_stream(c):
            if not self.child:
                self.actor.attempt("alive('c')")
            alive = peer.hears(b"alive")
        return Outcome(pieces, seen, end, alive, self.new_hits())

    def part(self, peer):
        if self.child:
            self.child.end()
        else:
            self.actor.attempt("close('c')")
        if peer:
            peer.close()

    def attempt(self, c, payload):
        """As run(); who is gone or silent after that is started anew."""
        try:
            return self.run(c, payload)
        except (Died, RuntimeError, AssertionError, OSError) as e:
            self.crew.end()
            self.crew = Crew()
            self.load_cells()
            self.new_hits()
            return Outcome([], 0, f"{type(e).__name__}: {e}", False, 0)

    # --- judgement

    def texts(self, c):
        """What is sent, with the pattern and without, and what of it is read."""
        if c.reader == "ktls":
            return TLS_EVIL, TLS_PLAIN, TLS_GOOD, TLS_GOOD_PLAIN
        if c.arrival == "large":
            evil, good = (text.rjust(LARGE - 5000, b"x").ljust(LARGE, b"y") for text in (EVIL, GOOD))
            return evil, evil, good, good
        return EVIL, EVIL, GOOD, GOOD

    def enforce(self, c):
        evil, evil_read, good, good_read = self.texts(c)
        got = self.attempt(c, evil)
        bad = self.leaked(c, got, evil_read)
        if bad:
            return f"with the pattern: {bad}", got
        got = self.attempt(c, good)
        bad = self.harmed(c, got, good_read) or ("a match was counted" if got.hits else "")
        return (f"without the pattern: {bad}" if bad else ""), got

    def observe(self, c):
        evil, evil_read, _, _ = self.texts(c)
        got = self.attempt(c, evil)
        bad = self.harmed(c, got, evil_read) or ("" if got.hits else "no match was counted")
        return (f"observed only: {bad}" if bad else ""), got

    def leaked(self, c, got, truth):
        data = b"".join(got.pieces)
        if not self.is_stream(c):
            if any(b"EVIL7" in piece for piece in got.pieces):
                return "it was read"
            if got.pieces not in ([END], []) or got.end == "EAGAIN":
                return "the next datagram did not come"
            if c.kind != "seqpacket" and got.end != "full":
                return "more than a datagram was lost"
        else:
            at = 0 if c.reader == "ktls" else truth.index(b"EVIL7") + 4
            if max(len(data), got.seen) > at:
                return f"{max(len(data), got.seen)} bytes were read of {at} that may be"
            if not truth.startswith(data):
                return "other bytes were read"
            if got.end not in ("ECONNRESET", "EPIPE", "eof"):
                return "it was not reset"
        return "" if got.hits else "no match was counted"

    def harmed(self, c, got, truth):
        want = truth if self.is_stream(c) else [truth, END]
        have = b"".join(got.pieces) if self.is_stream(c) else got.pieces
        if have != want:
            return "it was not read as it was sent"
        return "" if got.alive else "the connection does not live on"

    def run_all(self):
        for c in self.combinations:
            said = []
            for mode, judge in ((OBSERVE, self.observe), (ENFORCE, self.enforce)):
                self.nl.one("mode-set", mode=mode)
                text, got = judge(c)
                if text:
                    said += [text, got._replace(pieces=[piece[-60:] for piece in got.pieces[-3:]])]
            ok(" ".join(c), not said, *said)

    def end(self):
        self.crew.end()
        self.stuck.close()


class Inetd:
    """A program of the cell that is started for a connection, as its standard input."""

    def __init__(self, sock, reader, want):
        code = f"+once({reader!r}, {want})"
        command = [PYTHON, "-IBS", HERE + "/actor.py", "cell", HERE + "/reading.py", code]
        self.process = subprocess.Popen(command, stdin=sock.fileno(), stdout=subprocess.PIPE)
        self.lines = Lines(self.process.stdout.fileno(), "inetd's child")

    def is_reading(self):
        return self.lines.next(20 * SLOW) == b"reading"

    def result(self):
        try:
            return ast.literal_eval(self.lines.next(20 * SLOW).decode())
        except Died as died:
            self.process.kill()
            raise Died(f"{died} (status {self.process.wait()})") from None

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


# --- beside the matrix


def bytes_in():
    """The most of them in any window that was learned."""
    return whole.nl.dump("param-get")[8]["peak"]


def load_with_short_windows():
    with open(WORK + "/cells.json") as f:
        text = f.read()
    done = kisctl("cell", "load", "-", text=text.replace('"window_ms": 60000', '"window_ms": 100'))
    assert done.returncode == 0, done.stderr


def what_waits_is_counted_once():
    """However often the cells are loaded."""
    for kind in ("tcp4", "unix"):
        load_with_short_windows()
        whole.nl.one("profile-reset")
        peer = whole.meet(Combination(kind, "recv", "accepted", "queued"), b"")
        data = bytes(30000)
        peer.send(data)
        wait(lambda: bytes_in() >= 30000)
        same(f"{kind}: what comes is counted", bytes_in(), 30000)
        whole.nl.one("profile-reset")
        for _ in range(10):
            load_with_short_windows()
            time.sleep(0.1 * SLOW)
        time.sleep(0.5 * SLOW)
        same(f"{kind}: it is not counted again when cells are loaded", bytes_in(), 0)
        pieces, _, end = whole.crew.own.do("take('recv', slots['c'], 30000)")
        same(f"{kind}: it is read unharmed", (b"".join(pieces) == data, end), (True, "full"))
        peer.send(b"x" * 500)
        wait(lambda: bytes_in() >= 500)
        same(f"{kind}: what comes after that is counted", bytes_in(), 500)
        whole.part(peer)
    whole.load_cells()


def two_gib_pass_while_there_is_no_cell():
    """A place in the stream that was remembered for so long that TCP's numbers are behind it again."""
    size = 2 * 1024**3 + 4096
    peer = whole.meet(Combination("tcp4", "recv", "accepted", "waiting"), b"")
    peer.send(b"hello")
    whole.crew.own.do("take('recv', slots['c'], 5)")
    whole.unload_cells()
    whole.crew.own.do(f"later('drain', 'drain(slots[\"c\"], {size})')")
    file = os.memfd_create("zeros")
    os.truncate(file, 1 << 26)
    left = size
    while left:
        left -= os.sendfile(peer.sock.fileno(), file, 0, min(left, 1 << 26))
    os.close(file)
    done = wait(lambda: whole.crew.own.do("ended('drain')"), 60)
    whole.load_cells()
    peer.send(EVIL)
    got = whole.crew.own.do(f"take('recv', slots['c'], {len(EVIL)})")
    same("2 GiB later the pattern is not read", (done, got[0], got[2]), (("done", None), [], "ECONNRESET"))
    whole.part(peer)


combinations = [c for c in matrix() if fnmatch.fnmatch(" ".join(c), PATTERN)]
if COUNT:
    print(len(combinations) + 8 + (SLOW == 1) + 1)
    sys.exit()
whole = Matrix(combinations)
each([whole.run_all, what_waits_is_counted_once])
if SLOW == 1:
    each([two_gib_pass_while_there_is_no_cell])
whole.end()
same("the kernel does not complain", kernel_complaints(), [])
