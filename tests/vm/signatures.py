# SPDX-License-Identifier: GPL-2.0
#
# Attacks that carry a signature, in all the ways that bytes get into a server; run by signatures.sh.
#
# Each attack is made twice: on a server that is no cell, which has to read the pattern (else the
# attack is none), and on the cell, which must never read it, is reset, and is told about with the
# right offset. What the first server has read is the truth about what TCP delivers: where that
# holds no pattern, the cell's server has to read the same, unharmed.

import os
import random
import re
import socket
import struct
import subprocess
import sys
import time

from kis import Netlink, Ring, each, kernel_complaints, ok, same, wait
from rawtcp import GUEST, HOST, in_guest, summed

PATTERN = re.compile(rb"EVIL[0-9]")
EVIL = b"EVIL7"
DANGER_TWO, CALM, MATCH_CALM = 2, 4, 65
KINDS = ["plain", "echo", "inline", "lowat", "peek", "bytewise", "late", "fast", "slow"]
TMP = sys.argv[1]
SERVERS = {"free": (f"{TMP}/free", 7100), "cell": (f"{TMP}/cell", 7200)}
HOST6 = "fd77::1"
ring = Ring()
nl = Netlink()


def positions():
    return ring.producers()


def records(since):
    return ring.since(since)


class Log:
    """What a server has read from one connection."""

    def __init__(self, tag, kind):
        self.base = f"{SERVERS[tag][0]}/{kind}."
        self.n = 1 + sum(name.startswith(kind + ".") for name in os.listdir(SERVERS[tag][0]))

    def lines(self):
        try:
            with open(self.base + str(self.n)) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def end(self, seconds=10):
        wait(lambda: self.lines() and self.lines()[-1].startswith("end"), seconds)
        lines = self.lines()
        return lines[-1][4:] if lines and lines[-1].startswith("end") else "did not end"

    def data(self):
        return b"".join(bytes.fromhex(x) for x in self.lines() if not x.startswith("end") and " " not in x)

    def peeked(self):
        return b"".join(bytes.fromhex(x.split(" ")[0]) for x in self.lines() if x.endswith("peeked"))


def attack(name, send, kind="plain", seen=None, inline=None):
    """send(tag) makes the attack; see the head of the file.

    seen: whether the server that is no cell has to read the pattern. inline: what the cell reads
    in place of that, where they differ: it gets urgent bytes in line, so that nobody can hide one.
    """
    truth = None
    for tag in ("free", "cell"):
        since = positions()
        log = Log(tag, kind)
        try:
            error = send(tag)
        except OSError as e:
            error = e.errno
        end, data = log.end(), log.data()
        if tag == "free":
            truth = data
            match = PATTERN.search(truth)
            if seen is not None and bool(match) != seen:
                return ok(f"{name}: control", False, f"the server outside has read {truth[-60:]!r}, {end}, client {error}")
            if inline is not None:
                truth, match = inline, PATTERN.search(inline)
            continue
        told = [r for r in records(since) if r["sig_id"] == 7 and r["type"] == DANGER_TWO]
        facts = f"read {data[-60:]!r} ({len(data)} of {len(truth)}), server {end}, client {error}, told {[(r['offset'], r['action'], r['flags']) for r in told]}"
        if not match:
            return ok(f"{name}: nothing to find, nothing done", data == truth and not told and end == "eof", facts)
        good = not PATTERN.search(data) and not PATTERN.search(log.peeked()) and truth.startswith(data) and len(data) < match.end()
        good = good and end == "errno 104" and len(told) == 1
        good = good and told[0]["offset"] == match.end() and told[0]["flags"] & 1 and told[0]["action"] & 2
        return ok(f"{name}: reset before it is read, offset {match.end()}", good, facts)


def dial(tag, kind="plain", host="127.0.0.1"):
    sock = socket.create_connection((host, SERVERS[tag][1] + KINDS.index(kind)), 20)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def finish(sock):
    """Ends the client's side and says how the server ended its own."""
    try:
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65536):
            pass
    except OSError as e:
        return e.errno
    finally:
        sock.close()
    return 0


def sending(parts, kind="plain", host="127.0.0.1", pause=0.0, flags=0):
    def send(tag):
        sock = dial(tag, kind, host)
        for part in parts:
            sock.send(part, flags)
            if pause:
                time.sleep(pause)
        return finish(sock)

    return send


def bytewise(data):
    return [data[i : i + 1] for i in range(len(data))]


def over_tcp():
    body = b"GET / " + EVIL + b" HTTP/1.0\r\n\r\n"
    attack("IPv4", sending([body]), seen=True)
    attack("IPv6", sending([body], host="::1"), seen=True)
    attack("at the first byte", sending([EVIL]), seen=True)
    attack("at the last byte", sending([b"x" * 5000 + EVIL]), seen=True)
    attack("split into bytes", sending(bytewise(body)), seen=True)
    attack("split into bytes with pauses", sending(bytewise(b"ab" + EVIL + b"cd"), pause=0.02), seen=True)
    attack("over a boundary, with a pause", sending([b"GET EV", b"IL7 x"], pause=0.2), seen=True)
    attack("pipelined behind a request that is answered", sending([b"PING\r\n" * 50, b"PING\r\n" * 50 + EVIL + b"\r\n"], "echo", pause=0.05), "echo", seen=True)
    attack("almost: no digit", sending([b"EVIL EVI EVIL- evil7"]), seen=False)
    attack("overlapping beginnings", sending([b"EVEVIEVILEVIL7"]), seen=True)
    attack("a server that reads byte by byte", sending([body], "bytewise"), "bytewise", seen=True)
    attack("a server that peeks", sending([body], "peek"), "peek", seen=True)
    attack("a server that peeks, in two parts", sending([b"GET EVI", b"L7 x"], "peek", pause=0.1), "peek", seen=True)


def large_streams():
    noise = random.Random(4).randbytes(1 << 20).replace(b"EVIL", b"GOOD")
    attack("1 MiB with the pattern at its end", sending([noise + EVIL]), seen=True)
    attack("1 MiB with the pattern in the middle", sending([noise[: 1 << 19] + EVIL + noise[1 << 19 :]]), seen=True)
    attack("1 MiB without it", sending([noise]), seen=False)


def over_unix():
    def send(parts, pause=0.0):
        def run(tag):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(SERVERS[tag][0] + "/unix")
            for part in parts:
                sock.send(part)
                time.sleep(pause)
            return finish(sock)

        return run

    body = b"GET / " + EVIL + b" HTTP/1.0\r\n\r\n"
    attack("unix", send([body]), "unix", seen=True)
    attack("unix, split into bytes", send(bytewise(body)), "unix", seen=True)
    attack("unix, over a boundary", send([b"EV", b"IL7"], 0.1), "unix", seen=True)
    attack("unix, 256 KiB with the pattern at its end", send([b"x" * (1 << 16)] * 4 + [EVIL]), "unix", seen=True)
    attack("unix, without it", send([b"EVIL", b"EVIL-7"]), "unix", seen=False)

    def from_file(tag):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(SERVERS[tag][0] + "/unix")
        with open(TMP + "/evil", "rb") as f:
            os.sendfile(sock.fileno(), f.fileno(), 0, 1 << 20)
        return finish(sock)

    with open(TMP + "/evil", "wb") as f:
        f.write(b"y" * 9000 + EVIL + b"z" * 3000)
    attack("unix, sendfile()", from_file, "unix", seen=True)


def senders_that_do_not_copy():
    def sendfile(tag):
        sock = dial(tag)
        with open(TMP + "/evil", "rb") as f:
            os.sendfile(sock.fileno(), f.fileno(), 0, 1 << 20)
        return finish(sock)

    def splice(tag):
        sock = dial(tag)
        out, into = os.pipe()
        with open(TMP + "/evil", "rb") as f:
            while n := os.splice(f.fileno(), into, 4096):
                while n:
                    n -= os.splice(out, sock.fileno(), n)
        os.close(out)
        os.close(into)
        return finish(sock)

    attack("sendfile()", sendfile, seen=True)
    attack("splice()", splice, seen=True)

    def zerocopy(tag):
        sock = dial(tag)
        sock.setsockopt(socket.SOL_SOCKET, 60, 1)  # SO_ZEROCOPY
        sock.send(b"q" * 20000 + EVIL, 0x4000000)
        return finish(sock)

    attack("MSG_ZEROCOPY", zerocopy, seen=True)


def urgent_bytes():
    def send(kind, parts):
        def run(tag):
            sock = dial(tag, kind)
            for part, flags in parts:
                sock.send(part, flags)
                time.sleep(0.05)
            return finish(sock)

        return run

    oob = socket.MSG_OOB
    attack("an urgent byte in the middle, which the server does not read", send("plain", [(b"xxEV", 0), (b"!", oob), (b"IL7yy", 0)]), seen=True, inline=b"xxEV!IL7yy")
    attack("an urgent byte in the middle, inline", send("inline", [(b"xxEV", 0), (b"!", oob), (b"IL7yy", 0)]), "inline", seen=False)
    attack("an urgent byte that is part of it, inline", send("inline", [(b"xxEV", 0), (b"I", oob), (b"L7yy", 0)]), "inline", seen=True)
    attack("an urgent byte that would be part of it", send("plain", [(b"xxEV", 0), (b"I", oob), (b"L7yy", 0)]), seen=False, inline=b"xxEVIL7yy")
    attack("two urgent bytes", send("plain", [(b"xE", 0), (b"!", oob), (b"VI", 0), (b"?", oob), (b"L7", 0)]), inline=b"xE!VI?L7")


def marks():
    for tag in SERVERS:
        for name in ("accept", "read"):
            if os.path.exists(f"{SERVERS[tag][0]}/{name}"):
                os.unlink(f"{SERVERS[tag][0]}/{name}")


def go(tag, name):
    open(f"{SERVERS[tag][0]}/{name}", "w").close()


def servers_that_are_slow():
    def before_accept(parts):
        def run(tag):
            marks()
            sock = dial(tag, "late")
            try:
                for part in parts:
                    sock.send(part)
                    time.sleep(0.05)
            finally:
                go(tag, "accept")
            return finish(sock)

        return run

    attack("sent before accept()", before_accept([b"GET " + EVIL]), "late", seen=True)
    attack("sent before accept(), in parts", before_accept([b"GET EV", b"I", b"L7"]), "late", seen=True)

    def before_and_after(tag):
        marks()
        sock = dial(tag, "late")
        sock.send(b"GET EVI")
        time.sleep(0.1)
        go(tag, "accept")
        time.sleep(0.1)
        sock.send(b"L7")
        return finish(sock)

    attack("half before accept(), half after", before_and_after, "late", seen=True)
    for tag in SERVERS:
        go(tag, "accept")

    def lowat(tag):
        sock = dial(tag, "lowat")
        time.sleep(0.1)
        for part in (b"GET EV", b"IL7 and more"):
            sock.send(part)
            time.sleep(0.1)
        return finish(sock)

    attack("a server with SO_RCVLOWAT that does not wait for it", lowat, "lowat", seen=True)


def fast_open():
    def send(tag):
        sock = socket.socket()
        sock.sendto(b"GET " + EVIL, 0x20000000, ("127.0.0.1", SERVERS[tag][1] + KINDS.index("fast")))
        return finish(sock)

    attack("TCP Fast Open, first for the cookie", send, "fast", seen=True)
    with open("/proc/net/netstat") as f:
        text = f.read().splitlines()
    names, values = next((a.split(), b.split()) for a, b in zip(text, text[1:]) if a.startswith("TcpExt"))
    before = int(values[names.index("TCPFastOpenPassive")])
    attack("TCP Fast Open, the pattern in the SYN", send, "fast", seen=True)
    with open("/proc/net/netstat") as f:
        values = [line.split() for line in f.read().splitlines() if line.startswith("TcpExt")][1]
    ok("its SYN did carry the data", int(values[names.index("TCPFastOpenPassive")]) >= before + 2)


def sockets_of_others():
    def passed(tag):
        # This process is no cell: it accepts, reads a little, and hands the connection over.
        listener = socket.create_server(("127.0.0.1", 0))
        sock = socket.create_connection(listener.getsockname())
        conn, _ = listener.accept()
        sock.send(b"hello GET EV")
        conn.recv(6)
        time.sleep(0.05)
        helper = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        helper.connect(SERVERS[tag][0] + "/passing")
        socket.send_fds(helper, [b"x"], [conn.fileno()])
        conn.close()
        time.sleep(0.1)
        sock.send(b"IL7 and more")
        return finish(sock)

    attack("passed by SCM_RIGHTS, half of it read there", passed, "passed")

    def queued(tag):
        listener = socket.create_server(("127.0.0.1", 0))
        sock = socket.create_connection(listener.getsockname())
        conn, _ = listener.accept()
        sock.send(b"GET " + EVIL)
        wait(lambda: conn.recv(99, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        helper = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        helper.connect(SERVERS[tag][0] + "/passing")
        socket.send_fds(helper, [b"x"], [conn.fileno()])
        conn.close()
        return finish(sock)

    attack("passed by SCM_RIGHTS with all of it queued", queued, "passed", seen=True)


class Raw:
    """A TCP of our own on a raw socket in the other network namespace."""

    port = 20000

    def __init__(self, tag):
        Raw.port += 1
        self.me, self.peer = (GUEST, Raw.port), (HOST, SERVERS[tag][1])
        self.sock = in_guest(lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP))
        self.sock.settimeout(0.02)
        self.base, self.ack, self.end = 1000, 0, None
        for _ in range(50):
            self.packet(-1, b"", flags=2)
            if answer := self.hear(0.2):
                break
        self.ack = answer[0] + 1
        self.packet(0, b"")

    def packet(self, at, data, flags=0x10, bad=False, urgent=0):
        head = struct.pack(
            ">HHIIBBHHH", self.me[1], self.peer[1], (self.base + at) % 2**32, self.ack, 0x50, flags, 65000, 0, urgent
        )
        self.sock.sendto(summed(head + data, 0x1234 if bad else 0), (self.peer[0], 0))

    def hear(self, seconds):
        """The next packet for us: its number, flags and what it acknowledges."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                raw = self.sock.recv(65536)
            except TimeoutError:
                continue
            tcp = raw[(raw[0] & 15) * 4 :]
            source, dest, seq, ack, _, flags = struct.unpack_from(">HHIIBB", tcp)
            if (dest, source) == (self.me[1], self.peer[1]):
                return seq, flags, ack
        return None

    def send(self, segments, length):
        """Segments (place, bytes, options); then the end. How it ended for us."""
        for at, data, more in segments:
            self.packet(at, data, **more)
            time.sleep(0.002)
        for _ in range(40):
            self.packet(length, b"", flags=0x11)
            while answer := self.hear(0.1):
                if answer[1] & 4:
                    self.sock.close()
                    return 104
                if answer[1] & 1:
                    self.ack = answer[0] + 1
                    self.packet(length + 1, b"")
                    self.sock.close()
                    return 0
        self.sock.close()
        return -1


def crafted(segments, length):
    return lambda tag: Raw(tag).send(segments, length)


def crafted_segments():
    def s(at, data, **more):
        return (at, data, more)

    attack("crafted: in order", crafted([s(0, b"GET "), s(4, EVIL)], 9), seen=True)
    attack("crafted: out of order", crafted([s(6, b"IL7"), s(0, b"GET EV")], 9), seen=True)
    attack("crafted: last first, each a byte", crafted([s(i, EVIL[i : i + 1]) for i in (4, 3, 2, 1, 0)], 5), seen=True)
    attack("crafted: sent twice", crafted([s(0, b"GET EV"), s(0, b"GET EV"), s(6, b"IL7"), s(6, b"IL7")], 9), seen=True)
    attack("crafted: overlapping pieces make it", crafted([s(0, b"EVI"), s(1, b"xxL7!")], 6), seen=True)
    attack("crafted: later bytes for the same place", crafted([s(0, b"GOOD7"), s(0, EVIL), s(5, b"!")], 6), seen=False)
    attack("crafted: earlier bytes for the same place", crafted([s(0, EVIL), s(0, b"GOOD7"), s(5, b"!")], 6), seen=True)
    attack("crafted: two versions out of order", crafted([s(2, b"IL7"), s(2, b"OD7"), s(0, b"EV")], 5))
    attack("crafted: two versions out of order, overlapping", crafted([s(3, b"L7!"), s(1, b"xxx"), s(0, b"EVI")], 6))
    attack("crafted: wrong sum hides the good bytes", crafted([s(0, b"GOOD7", bad=True), s(0, EVIL)], 5), seen=True)
    attack("crafted: wrong sum hides the evil ones", crafted([s(0, EVIL, bad=True), s(0, b"GOOD7")], 5), seen=False)
    attack("crafted: outside of the window", crafted([s(0, b"EV"), s(1 << 30, b"IL7"), s(2, b"EN8")], 5), seen=False)
    attack("crafted: in the segment with the end", crafted([s(0, b"EV"), s(2, b"IL7", flags=0x11)], 5), seen=True)
    attack("crafted: urgent pointer into it", crafted([s(0, b"xEV", flags=0x18), s(3, b"!IL7", flags=0x38, urgent=1)], 7), inline=b"xEV!IL7")
    rng = random.Random(20)
    for number in range(8):
        stream = b"aEVIL%db" % number
        cuts, segments = sorted(rng.sample(range(1, 7), 3)), []
        for a, b in zip([0, *cuts], [*cuts, 7]):
            segments.append(s(a, stream[a:b]))
            if rng.random() < 0.5:
                low = max(0, a - rng.randrange(3))
                segments.append(s(low, bytes(rng.choice(b"EVIL7x") for _ in range(rng.randrange(1, 4)))[: 7 - low]))
            if rng.random() < 0.3:
                segments.append(s(a, stream[a:b], bad=True))
        rng.shuffle(segments)
        # What was forgotten behind a hole comes at last.
        segments += [s(a, stream[a:b]) for a, b in zip([0, *cuts], [*cuts, 7])]
        attack(f"crafted: by chance {number}", crafted(segments, 7))


def type_one():
    def send(tag):
        return sending([b"hello CALM7"])(tag)

    log, since = Log("cell", "plain"), positions()
    wait(lambda: nl.dump("cell-get")[0]["danger-one-ms"] == 0)
    send("cell")
    same("type 1 passes while the cell is calm", (log.end(), log.data()), ("eof", b"hello CALM7"))
    told = [(r["type"], r["sig_id"], r["offset"]) for r in records(since) if r["sig_id"]]
    same("and is told as telemetry", told, [(MATCH_CALM, 8, 11)])
    since = positions()
    sending([EVIL])("cell")
    ok("type 2 raises danger signal one too", nl.dump("cell-get")[0]["danger-one-ms"] > 0)
    log = Log("cell", "plain")
    try:
        send("cell")
    except OSError:
        pass
    same("type 1 kills while danger signal one is up", (log.end(), log.data()), ("errno 104", b""))
    told = [(r["type"], r["sig_id"]) for r in records(since) if r["sig_id"]]
    same("both are told as danger two", told, [(DANGER_TWO, 7), (DANGER_TWO, 8)])
    ok("calm comes back and is told", wait(lambda: any(r["one"] for r in records(since) if r["type"] == CALM)))
    wait(lambda: nl.dump("cell-get")[0]["danger-one-ms"] == 0)
    log = Log("cell", "plain")
    send("cell")
    same("then type 1 passes again", (log.end(), log.data()), ("eof", b"hello CALM7"))


def observing():
    nl.do("mode-set", mode=0)
    log, since = Log("cell", "plain"), positions()
    sending([b"GET " + EVIL])("cell")
    same("control: observing, the server reads it all", (log.end(), log.data()), ("eof", b"GET " + EVIL))
    told = [(r["type"], r["action"] & 2, r["flags"] & 1, r["offset"]) for r in records(since) if r["sig_id"]]
    same("control: and it is told, but not done", told, [(DANGER_TWO, 2, 0, 9)])
    nl.do("mode-set", mode=1)


def before_the_cell_was_loaded():
    """Connections that were there before the cell, with bytes that nobody had read yet."""
    nl.do("cell-unload")
    marks()
    cases = [("slow", [b"GET EVI", b"L7"]), ("slow", [b"all of " + EVIL]), ("unixslow", [b"GET EVI", b"L7"]), ("unixslow", [b"all of " + EVIL])]
    waiting = []
    for tag in SERVERS:
        for kind, parts in cases:
            log = Log(tag, kind)
            if kind == "slow":
                sock = dial(tag, kind)
            else:
                sock = socket.socket(socket.AF_UNIX)
                sock.connect(SERVERS[tag][0] + "/" + kind)
            wait(lambda: os.path.exists(log.base + str(log.n)))
            sock.send(parts[0])
            waiting.append((tag, kind, parts, sock, log))
    time.sleep(0.1)
    subprocess.run(["kisctl", "cell", "load", TMP + "/cells.json"], check=True, capture_output=True)
    for _, _, parts, sock, _ in waiting:
        for part in parts[1:]:
            try:
                sock.send(part)
            except OSError:
                pass
    time.sleep(0.1)
    for tag in SERVERS:
        go(tag, "read")
    for tag, kind, parts, sock, log in waiting:
        finish(sock)
        end, data = log.end(), log.data()
        name = f"{kind}: {'half' if len(parts) > 1 else 'all'} of it queued before the cell was loaded"
        if tag == "free":
            same(f"{name}: control", data, b"".join(parts))
        else:
            ok(f"{name}: never read", not PATTERN.search(data) and end == "errno 104", end, data)


def unharmed():
    """Hundreds of benign connections beside an attack in each of ten of them."""
    good = bad = 0
    for number in range(300):
        sock = dial("cell", "echo")
        evil = number % 10 == 9
        body = b"EVIL" + bytes([65 + number % 26]) * (number * 7) + (EVIL if evil else b"")
        try:
            sock.sendall(body)
            sock.shutdown(socket.SHUT_WR)
            got = b""
            while chunk := sock.recv(65536):
                got += chunk
        except OSError:
            got = None
        good += not evil and got == body
        bad += evil and (got is None or EVIL not in got)
        sock.close()
    same("270 benign connections are answered, 30 attacks are not", (good, bad), (270, 30))


def kisctl_load():
    subprocess.run(["kisctl", "cell", "load", TMP + "/cells.json"], check=True, capture_output=True)


each(
    [
        observing,
        over_tcp,
        large_streams,
        over_unix,
        senders_that_do_not_copy,
        urgent_bytes,
        servers_that_are_slow,
        fast_open,
        sockets_of_others,
        crafted_segments,
        unharmed,
        type_one,
        before_the_cell_was_loaded,
    ]
)
same("the kernel does not complain", kernel_complaints(), [])
