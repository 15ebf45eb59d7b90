# SPDX-License-Identifier: GPL-2.0
#
# Readers of the ring, well and ill behaved; run by ring.sh. Records are made with mode-set (alerts)
# and by a type 1 signature that matches while its cell is calm (telemetry).

import ctypes
import errno
import mmap
import os
import random
import select
import socket
import subprocess
import sys
import threading
import time

from kis import (
    FINDING,
    HOST,
    PAGE,
    RECORD_MAX,
    SLOW,
    TELEMETRY,
    VERDICT,
    Netlink,
    Ring,
    each,
    kernel_complaints,
    ok,
    same,
    wait,
)

CONTROL, CONTROL_BODY = 6, 6
MODE_SET = 8
# Bytes of the record that alerts() writes.
ALERT_BYTES = 160
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
nl = Netlink()
assert nl.spec.command["mode-set"] == MODE_SET


def alerts(n):
    """Writes n alerts, on whatever CPU."""
    for _ in range(n):
        nl.do("mode-set", mode=0)


def try_map(fd, pages, prot, flags, first=0):
    """The errno of a mapping, or OK; mmap.mmap() of Python is too polite for this."""
    at = libc.mmap(None, pages * PAGE, prot, flags, fd, first * PAGE)
    if at == ctypes.c_void_p(-1).value:
        return errno.errorcode[ctypes.get_errno()]
    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(pages * PAGE))
    return "OK"


def mappings():
    ring = Ring()
    whole = ring.bytes // PAGE
    ring.close()
    reader, consumer = os.open("/dev/kis", os.O_RDONLY), os.open("/dev/kis", os.O_RDWR)
    r, w = mmap.PROT_READ, mmap.PROT_WRITE
    shared, private = mmap.MAP_SHARED, mmap.MAP_PRIVATE
    for name, fd, pages, prot, flags, first, wanted in [
        ("the whole, to read", reader, whole, r, shared, 0, "OK"),
        ("the whole, to read, by the consumer", consumer, whole, r, shared, 0, "OK"),
        ("a part, to read", reader, 3, r, shared, 2, "OK"),
        ("positions, writable, by the consumer", consumer, 1, r | w, shared, 1, "OK"),
        ("positions, writable, by a reader", reader, 1, r | w, shared, 1, "EACCES"),
        ("positions, private, writable", consumer, 1, r | w, private, 1, "EPERM"),
        ("positions, private, writable, by a reader", reader, 1, r | w, private, 1, "EPERM"),
        ("the first page, writable", consumer, 1, r | w, shared, 0, "EPERM"),
        ("the lane headers, writable", consumer, 1, r | w, shared, 2, "EPERM"),
        ("the last page, writable", consumer, 1, r | w, shared, whole - 1, "EPERM"),
        ("positions and more, writable", consumer, 2, r | w, shared, 1, "EPERM"),
        ("the whole, writable", consumer, whole, r | w, shared, 0, "EPERM"),
        ("one page too many", reader, whole + 1, r, shared, 0, "EINVAL"),
        ("the whole from the second page", reader, whole, r, shared, 1, "EINVAL"),
        ("behind the end", reader, 1, r, shared, whole, "EINVAL"),
        ("far behind the end", reader, 1, r, shared, 1 << 40, "EINVAL"),
        ("the end of the numbers", reader, 1, r, shared, (1 << 51) - 1, "EINVAL"),
    ]:
        got = try_map(fd, pages, prot, flags, first)
        if wanted == "EINVAL":
            ok(f"map {name}: refused", got in ("EINVAL", "EOVERFLOW", "ENODEV", "ENXIO"), got)
        else:
            same(f"map {name}: {wanted}", got, wanted)
    # What was mapped to be read stays so.
    at = libc.mmap(None, whole * PAGE, r, shared, consumer, 0)
    refused = libc.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(PAGE), r | w)
    same("a mapping cannot be made writable later", (refused, ctypes.get_errno()), (-1, errno.EACCES))
    # Growing a mapping must not reach other memory: the page behind the end is a fault at best.
    libc.mremap.restype = ctypes.c_void_p
    at2 = libc.mremap(ctypes.c_void_p(at), ctypes.c_size_t(whole * PAGE), ctypes.c_size_t((whole + 4) * PAGE), 1)
    same("a mapping cannot grow", at2, ctypes.c_void_p(-1).value)
    libc.munmap(ctypes.c_void_p(at), ctypes.c_size_t(whole * PAGE))
    for how in ("read", "write"):
        try:
            os.read(consumer, 8) if how == "read" else os.write(consumer, b"x")
            ok(f"{how}() is refused", False)
        except OSError as e:
            same(f"{how}() is refused", errno.errorcode[e.errno], "EINVAL")
    os.close(reader)
    os.close(consumer)


def one_consumer():
    first = os.open("/dev/kis", os.O_RDWR)
    for name, flags in (("a second consumer", os.O_RDWR), ("a consumer that only writes", os.O_WRONLY)):
        try:
            os.close(os.open("/dev/kis", flags))
            ok(f"{name} is refused", False)
        except OSError as e:
            same(f"{name} is refused", e.errno, errno.EBUSY)
    readers = [os.open("/dev/kis", os.O_RDONLY) for _ in range(50)]
    same("readers are welcome", len(readers), 50)
    for fd in readers:
        os.close(fd)
    # The file is that of a child too; it is free when the last of them is gone.
    copy = os.dup(first)
    os.close(first)
    try:
        os.close(os.open("/dev/kis", os.O_RDWR))
        ok("a duplicate keeps the place", False)
    except OSError as e:
        same("a duplicate keeps the place", e.errno, errno.EBUSY)
    os.close(copy)
    os.close(os.open("/dev/kis", os.O_RDWR))
    ok("then the place is free")


def records_in_order():
    # A window may end at any time, and its record move the lane on.
    reader = Ring()
    before = [reader.lane(n)["producer"] for n in range(reader.lanes)]
    reader.close()
    ring = Ring(consumer=True)
    starts = [ring.consumer(n) for n in range(ring.lanes)]
    after = [ring.lane(n)["producer"] for n in range(ring.lanes)]
    ok("a consumer starts at the end", all(b <= s <= a for b, s, a in zip(before, starts, after)), (before, starts, after))
    alerts(60)
    lanes = [ring.read(n, starts[n]) for n in ring.of(VERDICT)]
    got = [record for lane in lanes for record in lane]
    same("60 alerts are there", len(got), 60)
    follows = [r["sequence"] - lane[0]["sequence"] == i for lane in lanes for i, r in enumerate(lane)]
    same("in a lane each has the number behind the one before", set(follows), {True})
    passes = [a["mono_ns"] <= b["mono_ns"] for lane in lanes for a, b in zip(lane, lane[1:])]
    ok("and time goes as the numbers do", all(passes))
    told = {(r["type"], r["body"], r["command"], r["len"]) for r in got}
    same("each says what was done", told, {(CONTROL, CONTROL_BODY, MODE_SET, ALERT_BYTES)})
    same("each says by whom", {r["pid"] for r in got}, {os.getpid()})
    numbered = {r["id"] for r in got if r["lane"] in ring.of(VERDICT)}
    same("no number comes twice, and each names a lane of its class", len(numbered), 60)
    ring.close()


def polling():
    ring = Ring(consumer=True)
    poll = select.poll()
    poll.register(ring.fd, select.POLLIN)

    def nothing_after_reading():
        ring.catch_up()
        return poll.poll(0) == []

    # More than once: a window may end between reading and asking.
    ok("poll() has nothing when all is read", wait(nothing_after_reading))
    alerts(1)
    same("poll() has something when a record came", [e for _, e in poll.poll(0)], [select.POLLIN])
    ok("poll() has nothing after it was read", wait(nothing_after_reading))
    timer = threading.Timer(0.3, alerts, (1,))
    timer.start()
    began = time.monotonic()
    events = poll.poll(20000 * SLOW)
    timer.join()
    ok("poll() wakes when a record comes", events and time.monotonic() - began < 10 * SLOW, events)
    ring.close()


def hostile_positions():
    """Whatever the consumer's page says: alerts go on to be written, or are counted as lost."""
    ring = Ring(consumer=True)
    size = ring.lane_bytes

    def told(since):
        """How many alerts were written, and how many lost."""
        written = sum(len(ring.read(n, since[n]["producer"])) for n in ring.of(VERDICT))
        return written, sum(ring.lane(n)["lost"] - since[n]["lost"] for n in ring.of(VERDICT))

    def now():
        return [ring.lane(n) for n in range(ring.lanes)]

    for name, position in [
        ("zero", lambda p: 0),
        ("one ahead", lambda p: p + 1),
        ("far ahead", lambda p: p + (1 << 62)),
        ("all bits", lambda p: (1 << 64) - 1),
        ("the sign", lambda p: 1 << 63),
        ("a lap behind", lambda p: p - size),
        ("a lap and one behind", lambda p: p - size - 1),
        ("two laps behind", lambda p: p - 2 * size),
    ]:
        before = now()
        for n in range(ring.lanes):
            ring.move(n, position(before[n]["producer"]))
        alerts(10)
        same(f"position {name}: each alert is written or counted as lost", sum(told(before)), 10)
        ring.catch_up()
        alerts(1)
    bad = ring.all("bad_consumer", VERDICT)
    same("alerts go on afterwards", nl.do("mode-set", mode=0).error, 0)
    ok("impossible positions are counted", bad > 0, bad)

    stop = threading.Event()

    def wobble():
        rng = random.Random(1)
        while not stop.is_set():
            for n in range(ring.lanes):
                producer = ring.lane(n)["producer"]
                ring.move(n, rng.choice((0, rng.getrandbits(64), producer, producer - size)))

    thread = threading.Thread(target=wobble)
    before = now()
    thread.start()
    alerts(600)
    stop.set()
    thread.join()
    numbers = sum(ring.lane(n)["sequence"] - before[n]["sequence"] for n in ring.of(VERDICT))
    counted = (sum(told(before)), numbers)
    same("positions that move all the time: 600 alerts are written or counted", counted, (600, 600))
    same("the status counts the same losses", nl.status()["lost-alerts"], lost_alerts(ring))
    # Nothing that user space does changes what the kernel believes.
    header = ring.map[:32], ring.lane(0)
    same(
        "the headers are as they were",
        (int.from_bytes(header[0][:4], "little"), header[1]["producer"] > 0),
        (0x3153494B, True),
    )
    ring.close()


def lost_alerts(ring):
    return sum(ring.all("lost", kind) for kind in (VERDICT, FINDING, HOST))


def a_full_lane():
    ring = Ring(consumer=True)
    base = [ring.lane(n) for n in range(ring.lanes)]
    # More than all lanes hold together.
    flood = len(ring.of(VERDICT)) * (ring.lane_bytes // ALERT_BYTES) + 300
    alerts(flood)
    for n in ring.of(VERDICT):
        unread = ring.lane(n)["producer"] - base[n]["producer"]
        ok(f"a lane keeps {ring.lane_bytes} unread bytes at most", unread <= ring.lane_bytes, unread)
    got = {n: ring.read(n, base[n]["producer"]) for n in ring.of(VERDICT)}
    written = sum(len(records) for records in got.values())
    lost = sum(ring.lane(n)["lost"] - base[n]["lost"] for n in ring.of(VERDICT))
    same("what found no room is counted", written + lost, flood)
    ok("some have found none", lost > 0)
    whole = all(r["len"] == ALERT_BYTES and r["command"] == MODE_SET for records in got.values() for r in records)
    ok("what was written is there still", whole)
    ring.catch_up()
    before = ring.producers()
    alerts(5)
    same("after reading there is room again", sum(len(ring.read(n, before[n])) for n in ring.of(VERDICT)), 5)
    ring.close()
    # Without a consumer the newest are kept and nothing counts as lost.
    lost = nl.status()["lost-alerts"]
    ring = Ring()
    before = [ring.lane(n)["sequence"] for n in range(ring.lanes)]
    alerts(flood)
    same("without a consumer nothing is lost", nl.status()["lost-alerts"], lost)
    # The lane that got most of them is full of them; another may have gaps of before, where some were lost.
    n = max(ring.of(VERDICT), key=lambda n: ring.lane(n)["sequence"] - before[n])
    lane, left, later = ring.lane(n), ring.read(n), ring.lane(n)
    while lane["sequence"] != later["sequence"]:
        lane, left, later = later, ring.read(n), ring.lane(n)
    numbers = [r["sequence"] for r in left]
    room = sum((r["len"] + 7) // 8 * 8 for r in left)
    is_full = ring.lane_bytes - RECORD_MAX < room <= ring.lane_bytes
    newest = list(range(lane["sequence"] - len(left) + 1, lane["sequence"] + 1))
    ok("the newest records of a lane are there", numbers == newest and is_full, len(left), room, numbers[:1], newest[:1])
    same("older ones are gone, and a reader can tell", ring.record(n, lane["oldest"] - ALERT_BYTES), None)
    ring.close()


def telemetry_cannot_drown_alerts():
    """A flood of matches in a calm cell fills its lanes; alerts have their own."""
    ring = Ring(consumer=True)
    written, lost, alerts_lost = ring.all("producer", TELEMETRY), ring.all("lost", TELEMETRY), lost_alerts(ring)
    end = time.monotonic() + 30 * SLOW
    # Each delivery is told once, and of those only the first in a window.
    with socket.create_connection(("127.0.0.1", 7071)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while ring.all("lost", TELEMETRY) - lost < 100 and time.monotonic() < end:
            for _ in range(100):
                s.sendall(b"drowning")
    ok("a flood of telemetry fills its lanes and is lost then", ring.all("lost", TELEMETRY) - lost >= 100)
    ok("what had room was written", ring.all("producer", TELEMETRY) - written > ring.lane_bytes - RECORD_MAX)
    ring.catch_up()
    start = ring.all("sequence", VERDICT)
    alerts(100)
    same("alerts have room meanwhile", ring.all("sequence", VERDICT) - start, 100)
    same("no alert is lost", lost_alerts(ring), alerts_lost)
    status = nl.status()
    counted = (status["lost-alerts"], status["lost-telemetry"])
    same("the status says so", counted, (alerts_lost, ring.all("lost", TELEMETRY)))
    ring.close()


def follower():
    """kisctl alerts --follow sees what comes while it runs."""
    reader = subprocess.Popen(["kisctl", "--json", "alerts", "--follow", "--new", "--count", "3", "--timeout", str(30 * SLOW)], stdout=subprocess.PIPE, text=True)
    # It has begun when it has mapped the ring.
    wait(lambda: "/dev/kis" in open(f"/proc/{reader.pid}/maps").read())
    time.sleep(0.1 * SLOW)
    alerts(3)
    out, _ = reader.communicate(timeout=60 * SLOW)
    same("kisctl alerts --follow prints them as they come", out.count('"event_type":"kis_control"'), 3)
    same("and ends when it has what it was to get", reader.returncode, 0)


def strangers():
    pid = os.fork()
    if not pid:
        os.setgid(65534)
        os.setuid(65534)
        try:
            os.open("/dev/kis", os.O_RDONLY)
            os._exit(0)
        except PermissionError:
            os._exit(7)
    same("nobody may not open it", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 7)
    same("its mode is 0600", oct(os.stat("/dev/kis").st_mode & 0o777), "0o600")


each([mappings, one_consumer, records_in_order, polling, hostile_positions, a_full_lane, telemetry_cannot_drown_alerts, follower, strangers])
same("the kernel does not complain", kernel_complaints(), [])
