# SPDX-License-Identifier: GPL-2.0
#
# What the tests in Python share, in the guest: results, waiting, kisctl, a netlink client that sends
# whatever it is told to, and a reader of the ring. The last two share no code with kisctl; their
# numbers come from the specification and from kis.h.

import ctypes
import errno
import json
import mmap
import os
import re
import socket
import struct
import subprocess
import sys
import time
import traceback

import yaml

REPO = os.environ.get("REPO", "/mnt/kis/repo")
# How much longer things take here: see tests/vm/lib.sh.
SLOW = int(os.environ.get("SLOW", "1"))


# --- results


def ok(name, good=True, *diag):
    print(("ok " if good else "not ok ") + name)
    if not good:
        for line in diag:
            print("# " + str(line)[:900])
    sys.stdout.flush()
    return good


def same(name, got, want):
    return ok(name, got == want, f"got:    {got!r}", f"wanted: {want!r}")


def each(tests):
    """Runs tests; one that raises has failed, under its own name."""
    for test in tests:
        began = time.monotonic()
        try:
            test()
        except Exception:
            ok(test.__name__.replace("_", " "), False, *traceback.format_exc().splitlines())
        print(f"# {test.__name__}: {time.monotonic() - began:.1f} s", flush=True)


def wait(condition, seconds=15, pause=0.02):
    """Until the condition is true; its last value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


# --- generic netlink

FLAGS = {"request": 1, "ack": 4, "dump": 0x300}
NLMSG_ERROR, NLMSG_DONE = 2, 3


class Spec:
    """Numbers of the family, from its specification."""

    def __init__(self):
        with open(REPO + "/Documentation/netlink/specs/kis.yaml") as f:
            spec = yaml.safe_load(f)
        names = [op["name"] for op in spec["operations"]["list"]]
        self.command = {name: i for i, name in enumerate(names, 1)}
        self.attrs = {}
        for group in spec["attribute-sets"]:
            self.attrs[group["name"]] = {a["name"]: (i, a["type"]) for i, a in enumerate(group["attributes"], 1)}
        self.set_of = {op["name"]: op["attribute-set"] for op in spec["operations"]["list"]}


def attr(number, payload):
    raw = struct.pack("<HH", 4 + len(payload), number) + payload
    return raw + bytes(-len(raw) % 4)


def attrs_of(raw):
    found = []
    while len(raw) >= 4:
        size, number = struct.unpack_from("<HH", raw)
        if size < 4:
            break
        found.append((number & 0x3FFF, raw[4:size]))
        raw = raw[(size + 3) & ~3 :]
    return found


class Answer:
    def __init__(self):
        self.error, self.text, self.bad_attr, self.replies = 0, "", None, []

    def __repr__(self):
        name = errno.errorcode.get(self.error, str(self.error))
        return f"{name} {self.text!r} {len(self.replies)} replies"

    @property
    def name(self):
        return "EOPNOTSUPP" if self.error == errno.EOPNOTSUPP else errno.errorcode.get(self.error, "OK")


class Netlink:
    """A generic netlink socket that speaks to the family."""

    def __init__(self, family=True):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.sock.setsockopt(270, 11, 1)  # NETLINK_EXT_ACK
        self.sock.setsockopt(270, 10, 1)  # NETLINK_CAP_ACK
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind((0, 0))
        self.sock.settimeout(20 * SLOW)
        self.seq = 0
        self.spec = Spec()
        self.family = self.resolve() if family else None

    def resolve(self):
        got = self.send(16, 3, attr(2, b"kis\0"))
        for number, value in attrs_of(got.replies[0]) if got.replies else []:
            if number == 1:
                return struct.unpack("<H", value)[0]
        return None

    def send(self, family, command, payload, flags=("request", "ack"), version=1):
        bits = flags if isinstance(flags, int) else sum(FLAGS[f] for f in flags)
        body = struct.pack("<BBH", command, version, 0) + payload
        self.seq += 1
        raw = struct.pack("<IHHII", 16 + len(body), family, bits, self.seq, 0) + body
        self.sock.send(raw)
        return self.receive(self.seq, bits & FLAGS["dump"] == FLAGS["dump"])

    def receive(self, seq, dump):
        answer = Answer()
        while True:
            raw = self.sock.recv(1 << 17)
            while len(raw) >= 16:
                size, kind, bits, its, _ = struct.unpack_from("<IHHII", raw)
                body, raw = raw[16:size], raw[(size + 3) & ~3 :]
                if its != seq:
                    continue
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    answer.error = -struct.unpack_from("<i", body)[0]
                    skip = 4 if kind == NLMSG_DONE else 20
                    if bits & 0x200:
                        for number, value in attrs_of(body[skip:]):
                            if number == 1:
                                answer.text = value.rstrip(b"\0").decode()
                            elif number == 2:
                                answer.bad_attr = struct.unpack("<I", value)[0]
                    return answer
                answer.replies.append(body[4:])

    def pack(self, group, **values):
        raw = b""
        for name, value in values.items():
            number, kind = self.spec.attrs[group][name.replace("_", "-")]
            if isinstance(value, int):
                value = struct.pack("<Q" if kind == "u64" else "<I", value)
            elif isinstance(value, str):
                value = value.encode() + b"\0"
            raw += attr(number, value)
        return raw

    def unpack(self, group, raw):
        names = {number: (name, kind) for name, (number, kind) in self.spec.attrs[group].items()}
        out = {}
        for number, value in attrs_of(raw):
            name, kind = names[number]
            if kind in ("u32", "u64"):
                value = int.from_bytes(value, "little")
            elif kind == "string":
                value = value.rstrip(b"\0").decode()
            out[name] = value
        return out

    def do(self, operation, **values):
        payload = self.pack(self.spec.set_of[operation], **values)
        return self.send(self.family, self.spec.command[operation], payload)

    def one(self, operation, **values):
        """The attributes of the reply; raises what was refused."""
        answer = self.do(operation, **values)
        if answer.error:
            raise OSError(answer.error, f"{operation}: {answer}")
        group = self.spec.set_of[operation]
        return self.unpack(group, answer.replies[0]) if answer.replies else {}

    def dump(self, operation):
        answer = self.send(self.family, self.spec.command[operation], b"", ("request", "ack", "dump"))
        if answer.error:
            raise OSError(answer.error, f"{operation}: {answer}")
        return [self.unpack(self.spec.set_of[operation], raw) for raw in answer.replies]

    def status(self):
        return self.one("status-get")

    def upload(self, kind, image, cell=None, chunk=32000):
        """The answer of the step that ended the upload."""
        extra = {"cell": cell} if cell is not None else {}
        answer = self.do("image-begin", kind=kind, size=len(image), **extra)
        if answer.error:
            return answer
        token = self.unpack("image", answer.replies[0])["token"]
        for at in range(0, len(image), chunk):
            answer = self.do("image-data", token=token, offset=at, data=image[at : at + chunk])
            if answer.error:
                return answer
        return self.do("image-commit", token=token)


# --- the ring

PAGE = 4096
RECORD_MAX = 4096
LANE_BITS = 10
VERDICT, FINDING, TELEMETRY, HOST = range(4)

HEAD = struct.Struct("<HHHHQQQQIIIIIHHHHI16s32s")
HEAD_FIELDS = (
    "len body_at data_at body id mono_ns wall_ns start_ns cell generation pid tid uid type flags cause action mode "
    "comm cell_name"
).split()
# The body of each kind; set_mode is the field "mode" of struct kis_control, line_one and line_two are "one" and "two"
# of struct kis_crossing.
BODIES = {
    1: ("<HHI", "op reserved nth"),
    2: (
        "<QQQQIHHQQQQQQQQIB3s16s",
        "observed threshold mean deviation windows param stretch minimum peak median p90 p99 line_one line_two load "
        "over_ms family reserved address",
    ),
    3: (
        "<IIQQII16s16sHHBBH",
        "sig_id sig_rev offset owner_start_ns owner_pid nth laddr raddr lport rport family proto reserved",
    ),
    4: ("<II", "one two"),
    5: ("<II", "phase windows_needed"),
    6: ("<IIIIIB3s16s", "command image count set_mode ttl_ms family reserved address"),
    7: ("<Q16sB7s", "dropped address family reserved"),
    8: ("<II", "window_ms reserved"),
}
BODIES = {number: (struct.Struct(layout), names.split()) for number, (layout, names) in BODIES.items()}
assert HEAD.size == 120 and [layout.size for layout, _ in BODIES.values()] == [8, 128, 72, 8, 8, 40, 32, 8]


def decode(raw):
    """A record as a dict. Fields of other bodies are 0; behind the body stand the data."""
    record = {name: 0 for _, names in BODIES.values() for name in names}
    record.update(zip(HEAD_FIELDS, HEAD.unpack_from(raw)))
    if record["body"] in BODIES:
        layout, names = BODIES[record["body"]]
        body = raw[record["body_at"] : record["data_at"]].ljust(layout.size, b"\0")
        record.update(zip(names, layout.unpack_from(body)))
    record["data"] = raw[record["data_at"] : record["len"]]
    record["lane"], record["sequence"] = record["id"] % (1 << LANE_BITS), record["id"] >> LANE_BITS
    return record


class Ring:
    """The device, mapped to be read, and by a consumer also its page of positions."""

    def __init__(self, consumer=False, path="/dev/kis"):
        self.fd = os.open(path, os.O_RDWR if consumer else os.O_RDONLY)
        first = mmap.mmap(self.fd, PAGE, mmap.MAP_SHARED, mmap.PROT_READ)
        info = struct.unpack_from("<8I", first)
        first.close()
        (self.magic, self.abi, self.lanes, self.lane_bytes, self.classes) = info[:5]
        (self.lanes_at, self.data_at, self.bytes) = info[5:]
        self.map = mmap.mmap(self.fd, self.bytes, mmap.MAP_SHARED, mmap.PROT_READ)
        self.positions = None
        if consumer:
            self.positions = mmap.mmap(self.fd, PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=PAGE)

    def lane(self, number):
        words = struct.unpack_from("<5Q", self.map, self.lanes_at + 64 * number)
        return dict(zip(("producer", "oldest", "sequence", "lost", "bad_consumer"), words))

    def of(self, kind):
        """The lanes of a class."""
        return range(kind, self.lanes, self.classes)

    def all(self, key, kind=None):
        return sum(self.lane(n)[key] for n in (range(self.lanes) if kind is None else self.of(kind)))

    def producers(self):
        return [self.lane(n)["producer"] for n in range(self.lanes)]

    def consumer(self, number):
        return struct.unpack_from("<Q", self.positions, 8 * number)[0]

    def move(self, number, position):
        struct.pack_into("<Q", self.positions, 8 * number, position % (1 << 64))

    def catch_up(self):
        for number in range(self.lanes):
            self.move(number, self.lane(number)["producer"])

    def copy(self, number, position, size):
        """Bytes of a lane, which may go over its end."""
        start, at = self.data_at + number * self.lane_bytes, position % self.lane_bytes
        line = min(size, self.lane_bytes - at)
        return self.map[start + at : start + at + line] + self.map[start : start + size - line]

    def record(self, number, position):
        """The record at a position, or None when it is gone or still to come."""
        lane = self.lane(number)
        if not lane["oldest"] <= position < lane["producer"]:
            return None
        size = int.from_bytes(self.copy(number, position, 2), "little")
        raw = self.copy(number, position, size)
        # What is overwritten meanwhile is older than the oldest now.
        if self.lane(number)["oldest"] > position:
            return None
        return dict(decode(raw), next=position + (size + 7) // 8 * 8)

    def read(self, number, position=0):
        """What is left of a lane's records from a position on."""
        found = []
        while True:
            position = max(position, self.lane(number)["oldest"])
            if position >= self.lane(number)["producer"]:
                return found
            record = self.record(number, position)
            if record:
                found.append(record)
                position = record["next"]

    def since(self, positions):
        """What is left of all records from these positions of the lanes on, in their order."""
        found = [record for n in range(self.lanes) for record in self.read(n, positions[n])]
        return sorted(found, key=lambda r: (r["mono_ns"], r["lane"], r["sequence"]))

    def close(self):
        if self.positions:
            self.positions.close()
        self.map.close()
        os.close(self.fd)


def kisctl(*args, text=""):
    """What it prints, and how it ends; `text` is what it reads."""
    return subprocess.run(("kisctl",) + args, input=text, text=True, capture_output=True, check=False)


def kisctl_json(*args, lines=False):
    """What kisctl reports: an object, or a list of one for each line."""
    out = subprocess.run(["kisctl", "--json", *args], capture_output=True, text=True)
    if lines:
        return [json.loads(line) for line in out.stdout.splitlines()]
    if out.returncode:
        raise RuntimeError(f"kisctl {' '.join(args)}: {out.returncode}: {out.stderr or out.stdout}")
    return json.loads(out.stdout)


def kernel_complaints():
    log = subprocess.run(["dmesg"], capture_output=True, text=True).stdout
    return re.findall(r".*(?:WARNING:|BUG:|KASAN|UBSAN|suspicious RCU|panicked).*", log)
