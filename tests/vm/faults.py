# SPDX-License-Identifier: GPL-2.0
#
# Requests and traffic while memory fails; run by faults.sh on a kernel with failslab.

import ctypes
import errno
import mmap
import os
import socket
import subprocess
import sys
import time

import images
from kis import Netlink, each, kernel_complaints, ok, same, wait

TMP = sys.argv[1]
nl = Netlink()


libc = ctypes.CDLL(None, use_errno=True)


def insmod(n):
    """Loads the module while its nth allocation fails: the errno, and the allocations left of n."""
    ko = os.open(TMP + "/kis.ko", os.O_RDONLY)
    with Failing(n) as failing:
        result = libc.syscall(313, ko, b"", 0) and ctypes.get_errno()
    os.close(ko)
    return result, failing.left


def rmmod():
    return libc.syscall(176, b"kis", 0) and ctypes.get_errno()


def loading():
    """insmod with each of its last allocations failing: those of the module, behind the loader's."""
    same("rmmod", rmmod(), 0)
    result, left = insmod(100000)
    same("insmod", result, 0)
    total, wrong, refused, loaded = 100000 - left, [], 0, 0
    for n in range(max(1, total - 160), total + 1, 3):
        if rmmod():
            wrong.append((n, "rmmod"))
            break
        result, _ = insmod(n)
        refused, loaded = refused + bool(result), loaded + (not result)
        if os.path.exists("/dev/kis") != (result == 0) or os.path.exists("/sys/module/kis") != (result == 0):
            wrong.append((n, result))
        if result:
            insmod(0)
    ok(f"insmod loads whole or not at all ({refused} refused, {loaded} loaded, of {total} allocations)", not wrong and refused, wrong[:3])
    rmmod()
    same("it loads when memory is there", insmod(0)[0], 0)


def state():
    status = nl.status()
    keys = ("mode", "generation", "cells", "signatures", "bans")
    cells = [{k: v for k, v in cell.items() if k not in ("windows", "processes")} for cell in nl.dump("cell-get")]
    return {k: status[k] for k in keys}, cells, nl.dump("signature-get")


class Failing:
    """The nth allocation of this thread fails from here to the end of the block."""

    def __init__(self, n):
        self.n = n

    def __enter__(self):
        self.fd = os.open("/proc/thread-self/fail-nth", os.O_RDWR)
        os.write(self.fd, str(self.n).encode())
        return self

    def __exit__(self, *_):
        # 0 says that it has failed.
        self.left = int(os.pread(self.fd, 20, 0).split(b"\0")[0] or b"0")
        self.has_failed = self.left == 0
        os.pwrite(self.fd, b"0", 0)
        os.close(self.fd)


def drain():
    """Leaves nothing of an answer that was not waited for."""
    nl.sock.setblocking(False)
    for _ in range(100):
        try:
            nl.sock.recv(1 << 17)
        except BlockingIOError:
            break
        except OSError:
            continue
    nl.sock.settimeout(10)


def whole_or_not(name, act):
    """Each allocation on the way of a request fails once; what is refused then changes nothing."""
    refused, silent, wrong, answer = 0, 0, [], None
    nl.sock.settimeout(10)
    for n in range(1, 300):
        before = state()
        failing = Failing(n)
        with failing:
            try:
                answer = act()
            except OSError as e:
                # The request, or the answer to one that was done, found no memory: no refusal.
                answer = e
        drain()
        if isinstance(answer, OSError):
            silent += 1
        elif answer.error:
            refused += 1
            if state() != before:
                wrong.append((n, answer))
        if not failing.has_failed:
            break
        abandon()
    ok(f"{name}: what is refused changes nothing ({refused} refused, {silent} lost, of {n})", not wrong and refused + silent, wrong[:3])
    ok(f"{name}: it is done when memory is there", not isinstance(answer, OSError) and not answer.error, answer)


tokens = []


def upload(kind, image, cell=None):
    extra = {"cell": cell} if cell else {}
    answer = nl.do("image-begin", kind=kind, size=len(image), **extra)
    if answer.error:
        return answer
    token = nl.unpack("image", answer.replies[0])["token"]
    tokens.append(token)
    answer = nl.do("image-data", token=token, offset=0, data=image)
    return answer if answer.error else nl.do("image-commit", token=token)


def abandon():
    """Puts an upload that was cut out of the way of the next one."""
    while tokens:
        nl.do("image-commit", token=tokens.pop())
    # The token was lost with its answer: it gives way by itself.
    while (answer := nl.do("image-begin", kind=0, size=8)).error == errno.EBUSY:
        time.sleep(1)
    nl.do("image-commit", token=nl.unpack("image", answer.replies[0])["token"])


def cells():
    whole_or_not("cells", lambda: upload(images.CELLS, images.cells_image()))


def signatures():
    whole_or_not("signatures", lambda: upload(images.SIGNATURES, images.signatures_image()))


def profile():
    image = nl.one("profile-get", cell="self")["profile"]
    whole_or_not("profile", lambda: upload(images.PROFILE, image, "self"))


def bans():
    whole_or_not("ban-add", lambda: nl.do("ban-add", address=bytes([192, 0, 2, 1]), ttl_ms=600000))
    nl.do("ban-del", address=bytes([192, 0, 2, 1]))


def device():
    """Opening and mapping, with each allocation failing."""
    done = refused = 0
    for n in range(1, 60):
        with Failing(n):
            try:
                ring = os.open("/dev/kis", os.O_RDWR)
                try:
                    mmap.mmap(ring, 4096, mmap.MAP_SHARED, mmap.PROT_READ).close()
                    done += 1
                finally:
                    os.close(ring)
            except (OSError, MemoryError):
                refused += 1
    ok("the device is opened or not", done and refused, done, refused)
    os.close(os.open("/dev/kis", os.O_RDWR))
    ok("and the consumer's place is free")


def by_chance():
    """One allocation in fifty fails, for a cell that is written to, writes and is killed."""
    subprocess.run(["kisctl", "cell", "load", "-"], input='{"version": 1, "cells": [{"name": "socat", "program": "/usr/bin/socat", "window_ms": 100, "mode": "enforce", "forbid": ["exec"], "files": {"write": ["/nowhere"]}}]}', text=True, check=True)
    subprocess.run(["kisctl", "sig", "load", "-"], input='{"version": 1, "signatures": [{"id": 1, "revision": 1, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}]}', text=True, check=True)
    server = subprocess.Popen(["socat", "TCP-LISTEN:7300,fork,reuseaddr", "PIPE"], stderr=subprocess.DEVNULL)
    wait(lambda: os.path.exists("/proc/net/tcp") and ":1C84 " in open("/proc/net/tcp").read())
    # For the server, its children and this process only: the rest of the machine has to go on.
    for pid in (server.pid, os.getpid()):
        with open(f"/proc/{pid}/make-it-fail", "w") as f:
            f.write("1")
    base = "/sys/kernel/debug/failslab/"
    failing = [os.open(path, os.O_WRONLY) for path in ("/proc/self/make-it-fail", base + "probability")]
    for name, value in (("task-filter", "Y"), ("interval", "1"), ("times", "-1"), ("probability", "2")):
        with open(base + name, "w") as f:
            f.write(value)
    rounds = seen = 0
    end = time.monotonic() + 15
    try:
        while time.monotonic() < end:
            rounds += 1
            try:
                with socket.create_connection(("127.0.0.1", 7300), 2) as s:
                    s.settimeout(2)
                    s.sendall(b"hello " + (b"EVIL7" if rounds % 3 == 0 else b"world"))
                    got = s.recv(100)
                    seen += b"EVIL7" in got
            except (OSError, MemoryError):
                pass
            try:
                nl.do("mode-set", mode=rounds % 2)
                nl.dump("param-get")
            except (OSError, MemoryError):
                pass
    finally:
        # Without opening anything, which could fail as well.
        for fd in failing:
            os.write(fd, b"0")
            os.close(fd)
    server.kill()
    ok("traffic goes on while memory fails", rounds > 20, rounds)
    same("no signature slipped through in enforce mode", seen, 0)


each([cells, signatures, profile, bans, device, by_chance, loading])
nl = Netlink()
same("the module answers", nl.status()["abi"], 3)
same("the kernel does not complain", kernel_complaints(), [])
