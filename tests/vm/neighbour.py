# SPDX-License-Identifier: GPL-2.0
#
# What a neighbour can hold up, and what is not taken from him; run by neighbour.sh.

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time

import reading
from actor import Actor
from kis import SLOW, Netlink, each, kernel_complaints, kisctl, ok, same, wait
from stuckfs import StuckFs

WORK = sys.argv[1]
PYTHON = WORK + "/python"
NOBODY = 65534
LIMIT = 2 * SLOW

# What the neighbour does with his own memory.
AS_A_NEIGHBOUR = '''
MAP_FIXED = 0x10


def page_of_arguments():
    """The page on which the arguments begin; the stack that is in use is further down."""
    with open("/proc/self/stat") as f:
        start = int(f.read().rsplit(")", 1)[1].split()[45])
    return start & ~4095


def cover_with_file(path):
    fd = os.open(path, os.O_RDONLY)
    libc_mmap(page_of_arguments(), 4096, 1, mmap.MAP_PRIVATE | MAP_FIXED, fd)


def cover_with_userfault():
    """A page that somebody would have to answer for: nobody does."""
    fd = call(323, 0)
    fcntl.ioctl(fd, 0xC018AA3F, struct.pack("<QQQ", 0xAA, 0, 0))
    page = page_of_arguments()
    libc_mmap(page, 4096, 3, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_FIXED, -1)
    fcntl.ioctl(fd, 0xC020AA00, struct.pack("<QQQQ", page, 4096, 1, 0))
'''


def timed(*command):
    """A command of the officer: its status, and whether it took no longer than it may."""
    began = time.monotonic()
    try:
        process = subprocess.Popen(("kisctl",) + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        status = process.wait(5 * LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        status = "waits for ever"
    took = time.monotonic() - began
    return (status, "in time" if took < LIMIT else f"after {took:.1f} s")


def windows():
    return nl.dump("cell-get")[0]["windows"]


def neighbour_of(kind):
    # Many variables: their addresses lie between the arguments and the stack that is in use.
    env = {f"V{n}": "" for n in range(1500)}
    actor = Actor(PYTHON, "cell", "reading.py", uid=NOBODY, env=env)
    actor.do(AS_A_NEIGHBOUR)
    if kind == "file":
        actor.do(f"cover_with_file('{WORK}/stuck/arguments')")
    else:
        actor.do("cover_with_userfault()")
    return actor


def is_stuck(pid, page):
    """Whether somebody who reads the page of his arguments waits."""
    reader = os.fork()
    if not reader:
        fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        try:
            os.pread(fd, 8, page)
        finally:
            os._exit(0)
    time.sleep(0.5 * SLOW)
    stuck = os.waitpid(reader, os.WNOHANG)[0] == 0
    if stuck:
        os.kill(reader, signal.SIGKILL)
        os.waitpid(reader, 0)
    return stuck


def nobody_waits(kind):
    server = Actor(PYTHON, "cell", "reading.py")
    server.do("touch = lambda path: os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))")
    load = ("cell", "load", WORK + "/cells.json")
    same(f"{kind}: the officer loads without a neighbour (control)", timed(*load), (0, "in time"))
    nl.one("cell-unload")
    neighbour = neighbour_of(kind)
    stuck_now = is_stuck(neighbour.pid, neighbour.do("page_of_arguments()"))
    if kind == "file":
        ok("file: who reads the page of the arguments waits (control)", stuck_now)
    else:
        print(f"# {kind}: who reads the page of the arguments {'waits' if stuck_now else 'is refused'}")
    for name, command in (
        ("load", load),
        ("load again", load),
        ("cell list", ("cell", "list")),
        ("status", ("status",)),
    ):
        same(f"{kind}: {name} does not wait", timed(*command), (0, "in time"))
    same(f"{kind}: the server is in its cell", server.attempt(f"touch('{WORK}/out/{kind}')"), "EPERM")
    before = windows()
    time.sleep(LIMIT)
    ok(f"{kind}: windows go on", windows() >= before + 5, before, windows())
    same(f"{kind}: the cell counts its process", wait(lambda: nl.dump("cell-get")[0]["processes"] >= 1), True)
    same(f"{kind}: unload does not wait", timed("cell", "unload"), (0, "in time"))
    if kind == "file":
        stuck.release("arguments")
    neighbour.end()
    same(f"{kind}: the officer loads after that", timed(*load), (0, "in time"))
    nl.one("cell-unload")
    server.end()


def a_file_that_does_not_answer():
    nobody_waits("file")


def memory_that_does_not_answer():
    try:
        os.close(reading.call(323, 0))
    except OSError as e:
        for n in range(10):
            print(f"ok memory: {n} # SKIP userfaultfd(): {os.strerror(e.errno)}")
        return
    nobody_waits("memory")


def a_page_of_its_own(sock):
    """Has a page queued that belongs to nobody but the buffer it is in."""
    fd = os.memfd_create("page")
    out, into = os.pipe()
    os.write(fd, b"A" * 4096)
    assert os.splice(fd, into, 4096, offset_src=0) == 4096
    assert os.splice(out, sock.fileno(), 4096) == 4096
    os.ftruncate(fd, 0)
    for each in (fd, out, into):
        os.close(each)


def a_reader_who_is_held():
    """In no cell, and in the middle of copying from a socket that a cell's process comes to have."""
    for name, data, want in (("harmless", b"EVILx", b"EVILx"), ("evil", b"EVIL7", "ECONNRESET")):
        load = ("cell", "load", WORK + "/cells.json")
        assert timed(*load)[0] == 0
        peer, sock = socket.socketpair()
        a_page_of_its_own(peer)
        reader = Actor(PYTHON, "reader", "reading.py", uid=NOBODY, pass_fds=[sock.fileno()])
        reader.do(f"adopt('s', {sock.fileno()})")
        reader.order(f"hold('s', '{WORK}/stuck/{name}', 4096)")
        held = not select.select([reader.lines.fd], [], [], 0.5 * SLOW)[0]
        server = Actor(PYTHON, "cell", "reading.py", pass_fds=[sock.fileno()])
        server.do(f"adopt('s', {sock.fileno()})")
        peer.send(data)
        # Whatever was given back belongs to others now.
        with open(os.memfd_create("others"), "wb") as others:
            others.write(b"Z" * 4096 * 1024)
        stuck.release(name)
        got = reader.answer()
        same(f"{name}: a reader who is held gets what was sent to him", (held, got == b"A" * 4096), (True, True))
        same(f"{name}: what came meanwhile is looked at", comes(server), want)
        nl.one("cell-unload")
        for one in (reader, server):
            one.end()


def comes(actor):
    try:
        return actor.do("slots['s'].recv(100)")
    except OSError as e:
        return errno.errorcode[e.errno]


nl, stuck = Netlink(), StuckFs(WORK + "/stuck")
kisctl("mode", "enforce", "--force")
each([a_file_that_does_not_answer, memory_that_does_not_answer, a_reader_who_is_held])
kisctl("mode", "observe")
stuck.close()
same("the kernel does not complain", kernel_complaints(), [])
