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

from kis import PAGE, SLOW, Netlink, Ring, each, kernel_complaints, kisctl, ok, same, wait

ALERT, TELEMETRY = 0, 1
CONTROL, MATCH_CALM = 6, 65
MODE_SET = 8
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
    got = []
    for lane in range(0, ring.lanes, 2):
        for position in range(starts[lane], ring.lane(lane)["producer"]):
            record = ring.slot(lane, position)
            got.append((record["id"], record["seq"] == position + 1, record["type"], record["observed"], record["pid"]))
    same("60 alerts are there", len(got), 60)
    same("each has the number of its place", {g[1] for g in got}, {True})
    same("each says what was done", {g[2:4] for g in got}, {(CONTROL, MODE_SET)})
    same("each says by whom", {g[4] for g in got}, {os.getpid()})
    ids = sorted(g[0] for g in got)
    ok("no number comes twice", len(set(ids)) == 60 and ids[-1] - ids[0] >= 59, ids)
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
    slots = ring.slots
    for name, position in [
        ("zero", lambda p: 0),
        ("one ahead", lambda p: p + 1),
        ("far ahead", lambda p: p + (1 << 62)),
        ("all bits", lambda p: (1 << 64) - 1),
        ("the sign", lambda p: 1 << 63),
        ("a lap behind", lambda p: p - slots),
        ("a lap and one behind", lambda p: p - slots - 1),
        ("two laps behind", lambda p: p - 2 * slots),
    ]:
        before = [ring.lane(n) for n in range(ring.lanes)]
        for n in range(ring.lanes):
            ring.move(n, position(before[n]["producer"]))
        alerts(10)
        after = [ring.lane(n) for n in range(ring.lanes)]
        written = sum(a["producer"] - b["producer"] for a, b in zip(after[::2], before[::2]))
        lost = sum(a["lost"] - b["lost"] for a, b in zip(after[::2], before[::2]))
        same(f"position {name}: each alert is written or counted as lost", written + lost, 10)
        ring.catch_up()
        alerts(1)
    before = ring.all("producer", ALERT), ring.all("lost", ALERT), ring.all("bad_consumer", ALERT)
    same("alerts go on afterwards", nl.do("mode-set", mode=0).error, 0)
    ok("impossible positions are counted", before[2] > 0, before)

    stop = threading.Event()

    def wobble():
        rng = random.Random(1)
        while not stop.is_set():
            for n in range(ring.lanes):
                ring.move(n, rng.choice((0, rng.getrandbits(64), ring.lane(n)["producer"], ring.lane(n)["producer"] - slots)))

    thread = threading.Thread(target=wobble)
    start, lost = ring.all("producer", ALERT), ring.all("lost", ALERT)
    thread.start()
    alerts(600)
    stop.set()
    thread.join()
    total = ring.all("producer", ALERT) - start + ring.all("lost", ALERT) - lost
    same("positions that move all the time: 600 alerts are written or counted", total, 600)
    status = nl.status()
    same("the status counts the same losses", status["lost-alerts"], ring.all("lost", ALERT))
    # Nothing that user space does changes what the kernel believes.
    header = ring.map[:32], ring.lane(0)
    same("the headers are as they were", (int.from_bytes(header[0][:4], "little"), header[1]["producer"] > 0), (0x3153494B, True))
    ring.close()


def a_full_lane():
    ring = Ring(consumer=True)
    base = [ring.lane(n) for n in range(ring.lanes)]
    alerts(2 * ring.slots + 300)
    for n in range(0, ring.lanes, 2):
        lane = ring.lane(n)
        ok(f"a lane keeps {ring.slots} unread records at most", lane["producer"] - base[n]["producer"] <= ring.slots, lane)
    written = sum(ring.lane(n)["producer"] - base[n]["producer"] for n in range(0, ring.lanes, 2))
    lost = sum(ring.lane(n)["lost"] - base[n]["lost"] for n in range(0, ring.lanes, 2))
    same("what found no room is counted", written + lost, 2 * ring.slots + 300)
    ok("some have found none", lost > 0)
    whole = all(ring.slot(n, p) for n in range(0, ring.lanes, 2) for p in range(base[n]["producer"], ring.lane(n)["producer"]))
    ok("what was written is there still", whole)
    ring.catch_up()
    before = ring.all("producer", ALERT)
    alerts(5)
    same("after reading there is room again", ring.all("producer", ALERT) - before, 5)
    ring.close()
    # Without a consumer the newest are kept and nothing counts as lost.
    lost = nl.status()["lost-alerts"]
    alerts(2 * ring.slots + 300)
    same("without a consumer nothing is lost", nl.status()["lost-alerts"], lost)
    ring = Ring()
    n = max(range(0, ring.lanes, 2), key=lambda n: ring.lane(n)["producer"])
    end = ring.lane(n)["producer"]
    got = [ring.slot(n, p) is not None for p in range(end - ring.slots, end)]
    ok("the newest records of a lane are there", all(got), got.count(False))
    same("older ones are gone, and a reader can tell", ring.slot(n, end - ring.slots - 1), None)
    ring.close()


def telemetry_cannot_drown_alerts():
    """A flood of matches in a calm cell fills its lanes; alerts have their own."""
    ring = Ring(consumer=True)
    written, lost, alerts_lost = ring.all("producer", TELEMETRY), ring.all("lost", TELEMETRY), ring.all("lost", ALERT)
    end = time.monotonic() + 30 * SLOW
    # Each delivery is told once, and of those only the first in a window.
    with socket.create_connection(("127.0.0.1", 7071)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while ring.all("lost", TELEMETRY) - lost < 100 and time.monotonic() < end:
            for _ in range(100):
                s.sendall(b"drowning")
    ok("a flood of telemetry fills its lanes and is lost then", ring.all("lost", TELEMETRY) - lost >= 100)
    ok("what had room was written", ring.all("producer", TELEMETRY) - written >= ring.slots)
    ring.catch_up()
    start = ring.all("producer", ALERT)
    alerts(100)
    same("alerts have room meanwhile", ring.all("producer", ALERT) - start, 100)
    same("no alert is lost", ring.all("lost", ALERT), alerts_lost)
    same("the status says so", (nl.status()["lost-alerts"], nl.status()["lost-telemetry"]), (alerts_lost, ring.all("lost", TELEMETRY)))
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
