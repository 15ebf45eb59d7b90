# SPDX-License-Identifier: GPL-2.0
#
# For the scenarios' helpers in Python: results, a netlink client that sends whatever it is told to,
# and a reader of the ring. It shares no code with kisctl; numbers come from the specification and
# from kis.h.

import ctypes
import errno
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
SLOW = int(os.environ["SLOW"])


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


def wait(condition, seconds=15):
    """Until the condition is true; its last value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.02)


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
RECORD = struct.Struct("<QQQQHHIIIIIQ16sHHHHQQQQQIIQ16s16sHHBBBBHHI32s288s")
FIELDS = (
    "seq id mono_ns wall_ns type flags cell generation pid tid uid start_ns comm param op action cause observed "
    "mean deviation threshold n sig_id sig_rev offset laddr raddr lport rport family proto mode pad path_len "
    "excerpt_len value cell_name data"
).split()
assert RECORD.size == 512


class Ring:
    """The device, mapped to be read, and by a consumer also its page of positions."""

    def __init__(self, consumer=False):
        self.fd = os.open("/dev/kis", os.O_RDWR if consumer else os.O_RDONLY)
        first = mmap.mmap(self.fd, PAGE, mmap.MAP_SHARED, mmap.PROT_READ)
        info = struct.unpack_from("<8I", first)
        first.close()
        (self.magic, self.abi, self.lanes, self.slots, self.slot_bytes, self.lanes_at, self.data_at, self.bytes) = info
        self.map = mmap.mmap(self.fd, self.bytes, mmap.MAP_SHARED, mmap.PROT_READ)
        self.positions = None
        if consumer:
            self.positions = mmap.mmap(self.fd, PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=PAGE)

    def lane(self, number):
        return dict(zip(("producer", "lost", "bad_consumer"), struct.unpack_from("<3Q", self.map, self.lanes_at + 64 * number)))

    def all(self, key, kind=None):
        return sum(self.lane(n)[key] for n in range(self.lanes) if kind is None or n % 2 == kind)

    def consumer(self, number):
        return struct.unpack_from("<Q", self.positions, 8 * number)[0]

    def move(self, number, position):
        struct.pack_into("<Q", self.positions, 8 * number, position % (1 << 64))

    def catch_up(self):
        for number in range(self.lanes):
            self.move(number, self.lane(number)["producer"])

    def slot(self, number, position):
        """The record at a position, or None while it is written or when it is gone."""
        at = self.data_at + (number * self.slots + position % self.slots) * self.slot_bytes
        for _ in range(100):
            raw = self.map[at : at + 512]
            if int.from_bytes(raw[:8], "little") != position + 1:
                return None
            if self.map[at : at + 8] == raw[:8]:
                return dict(zip(FIELDS, RECORD.unpack(raw)))
        return None

    def close(self):
        if self.positions:
            self.positions.close()
        self.map.close()
        os.close(self.fd)


def kisctl(*args, text=None):
    return subprocess.run(("kisctl",) + args, input=text, text=True, capture_output=True)


def kernel_complaints():
    log = subprocess.run(["dmesg"], capture_output=True, text=True).stdout
    return re.findall(r".*(?:WARNING:|BUG:|KASAN|UBSAN|suspicious RCU|panicked).*", log)
