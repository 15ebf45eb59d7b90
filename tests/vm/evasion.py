# SPDX-License-Identifier: GPL-2.0
#
# evasion.py DIR, evasion.py count: packets that are to be read differently by who looks at them and by the server;
# run by evasion.sh. Each attack is made twice, with the same packets: while KIS observes, which shows what the
# server reads of it, and while it enforces, where the server must not read the pattern. What holds none has to
# come as it does while KIS observes. The server in Python says what it reads, byte by byte; of nginx and redis it is
# known which requests were whole and done.

import glob
import os
import subprocess
import sys
import time

# As in the head of evade.py; none of them has the words of another one.
CONFIGURATIONS = {
    "bytes": "tcp_seg 1",
    "bytes, any order": "tcp_seg 1\norder random",
    "sevens, backwards": "tcp_seg 7\norder reverse",
    "overlap, older counts": "tcp_seg 4 old",
    "overlap, newer counts": "tcp_seg 4 new",
    "overlap, newer counts, backwards": "tcp_seg 4 new\norder reverse",
    "overlap, any order": "tcp_seg 5 old\norder random",
    "fragments": "ip_frag 8",
    "fragments, any order": "ip_frag 8\norder random",
    "fragments, older counts": "ip_frag 8 old",
    "fragments, newer counts": "ip_frag 8 new\norder reverse",
    "a wrong sum": "tcp_chaff cksum",
    "no flags": "tcp_chaff null",
    "an old timestamp": "tcp_chaff paws",
    "numbers of long ago": "tcp_chaff seq",
    "a new SYN": "tcp_chaff syn",
    "sent again with other bytes": "tcp_chaff rexmit",
    "bad options": "ip_chaff opt",
    "doubles with other bytes": "tcp_seg 3\nip_chaff dup",
    "doubles with other bytes in front": "tcp_seg 3\nip_chaff dup top\norder reverse",
    "options of a SYN": "tcp_seg 9\ntcp_opt mss 100\ntcp_opt wscale 8",
    "twice": "tcp_seg 2\ndup random 100\norder random",
    "one is lost": "tcp_seg 6\ndrop random 50",
    "one is late": "tcp_seg 6\ndelay first 300",
    "a bit of all": "tcp_seg 8\ntcp_chaff cksum\ntcp_chaff seq\ntcp_chaff paws\nip_frag 24\nip_chaff opt\norder random",
}
SERVERS = ("nginx", "redis", "python")
# Files with more of them.
MORE = os.environ.get("EVASIONS", "")
FILES = sorted(glob.glob(MORE + "/*.conf")) if MORE else []
RESULTS = 2 * len(SERVERS) * (len(CONFIGURATIONS) + len(FILES)) + 2

if sys.argv[1:] == ["count"]:
    print(RESULTS)
    sys.exit()

from evade import Evasion, Peer  # noqa: E402
from kis import SLOW, Ring, kernel_complaints, kisctl, ok, same, wait  # noqa: E402

WORK = sys.argv[1]
PATTERN = b"EVIL7"
DANGER_TWO, KILLED = 2, 2
LOG = "/var/log/nginx/access.log"
# Not long: some send each byte in packets of its own.
BODY = "".join(f"{n:03}" for n in range(60)).encode()
ring = Ring()


class Nginx:
    """The line that it writes about a request."""

    port = 80

    def data(self, word, name):
        return b"GET /%s-%s HTTP/1.1\r\nHost: kis\r\nConnection: close\r\n\r\n" % (word, name.encode())

    def read(self, name):
        def line():
            with open(LOG, "rb") as f:
                return [line for line in f if b"-" + name.encode() + b" " in line]

        found = wait(line, 1)
        return found[0].split(b'"')[1] if found else b""


class Redis:
    """What it keeps below a key."""

    port = 6379

    def data(self, word, name):
        key, value = b"%s-%s" % (word, name.encode()), BODY
        return b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key), key, len(value), value)

    def read(self, name):
        def kept():
            out = subprocess.run(["redis-cli", "keys", f"*-{name}"], capture_output=True, check=False).stdout
            return out.strip()

        key = wait(kept, 1)
        if not key:
            return b""
        value = subprocess.run(["redis-cli", "get", key], capture_output=True, check=False).stdout.strip()
        return key + b" " + value


class Python:
    """All that it reads, which it writes down."""

    port = 7400

    def __init__(self):
        self.count = len([name for name in os.listdir(WORK + "/server") if name.startswith("plain.")])

    def data(self, word, name):
        return b"GET %s-%s\n" % (word, name.encode()) + BODY

    def read(self, _):
        self.count += 1
        log = f"{WORK}/server/plain.{self.count}"

        def lines():
            if not os.path.exists(log):
                return []
            with open(log) as f:
                return f.read().splitlines()

        wait(lambda: lines()[-1:] and lines()[-1].startswith("end"), 3)
        return b"".join(bytes.fromhex(line) for line in lines() if not line.startswith("end"))


def attempt(server, evasion, word, name, seed):
    """What the server reads, how the connection ends, the matches that were told, and how often data were sent again."""
    since = ring.producers()
    peer = Peer(server.port, evasion, seed, SLOW)
    has_all = peer.send(server.data(word, name))
    end = peer.finish(3 if has_all else 0.5)
    read = server.read(name)
    told = [r for r in ring.since(since) if r["sig_id"] == 7 and r["type"] == DANGER_TWO]
    return read, end, told, peer.again


def main():
    evasions = [Evasion(name, text) for name, text in CONFIGURATIONS.items()]
    for path in FILES:
        with open(path) as f:
            evasions.append(Evasion(os.path.basename(path), f.read()))
    servers = {"nginx": Nginx(), "redis": Redis(), "python": Python()}
    cases = [(evasion, name) for evasion in evasions for name in SERVERS]
    seen = {}
    for mode in "observe", "enforce":
        kisctl("mode", mode, "--force")
        # The same bytes are sent again.
        open(LOG, "w").close()
        subprocess.run(["redis-cli", "flushall"], capture_output=True, check=False)
        for at, (evasion, server) in enumerate(cases):
            for word in PATTERN, b"GOOD7":
                seen[mode, at, word] = attempt(servers[server], evasion, word, f"{at}{word[:1].decode()}", at)
    reached = 0
    for at, (evasion, server) in enumerate(cases):
        name = f"{evasion.name}: {server}"
        read, end, told, _ = seen["observe", at, PATTERN]
        now, now_end, now_told, _ = seen["enforce", at, PATTERN]
        facts = f"observing: {read[:80]!r} {end} {len(told)} told; enforcing: {now[:80]!r} {now_end} {now_told[:1]}"
        if PATTERN in read:
            reached += 1
            held = PATTERN not in now and now_end == "reset" and len(told) >= 1
            held = held and len(now_told) == 1 and now_told[0]["action"] & KILLED
            ok(f"{name}: read without KIS, and never with it", held, facts)
        else:
            ok(f"{name}: reaches nobody", PATTERN not in now, facts)
        read, end, told, again = seen["observe", at, b"GOOD7"]
        now, now_end, now_told, now_again = seen["enforce", at, b"GOOD7"]
        at_byte = len(os.path.commonprefix([read, now]))
        parts = read[at_byte : at_byte + 40], now[at_byte : at_byte + 40]
        facts = f"differ at {at_byte}: {parts}; {len(read)} bytes {end}, {len(now)} bytes {now_end} {now_told[:1]}"
        # Where two versions of a byte are sent again, it may be the other one that counts.
        is_same = now == read or again != now_again
        ok(f"{name}: what is good comes as it does without KIS", is_same and not now_told, facts)
    print(f"# {len(cases)} cases, {reached} attacks are read while KIS observes")
    ok("control: most attacks reach the server while KIS observes", reached >= 0.6 * len(cases), reached, len(cases))
    same("the kernel does not complain", kernel_complaints(), [])


began = time.monotonic()
main()
print(f"# {time.monotonic() - began:.0f} s")
