# SPDX-License-Identifier: GPL-2.0
#
# A file system of a neighbour: every name is a file of one page, and whoever reads it, or touches a mapping of
# it, waits until the file is released. So a scenario can hold a system call where it copies from or to
# user space, with whatever locks it has there. It is 9P over a pair of sockets: every kernel of ours has that.
#
#   with StuckFs("/tmp/x/stuck") as stuck:
#       page = mmap.mmap(os.open("/tmp/x/stuck/a", os.O_RDONLY), 4096, mmap.MAP_PRIVATE, 3)
#       …                             # the first touch of the page waits
#       stuck.release("a")

import ctypes
import os
import select
import signal
import socket
import struct

PAGE = 4096
TLOPEN, TGETATTR, TVERSION, TATTACH, TFLUSH, TWALK, TREAD, TCLUNK = 12, 24, 100, 104, 108, 110, 116, 120
EOPNOTSUPP = 95
DIRECTORY, FILE = 0o40777, 0o100666
libc = ctypes.CDLL(None, use_errno=True)


class Server:
    """Answers everything at once, but a read only when a file of that name is in the control directory."""

    def __init__(self, sock, control):
        self.sock, self.control = sock, control
        self.names, self.fids, self.waiting = [""], {}, []

    def serve(self):
        while True:
            ready, _, _ = select.select([self.sock], [], [], 0.02)
            if ready and not self.answer_next():
                return
            for tag, name, size in list(self.waiting):
                if os.path.exists(f"{self.control}/{name}"):
                    self.waiting.remove((tag, name, size))
                    self.reply(TREAD, tag, struct.pack("<I", size) + bytes(size))

    def answer_next(self):
        head = self.take(7)
        if not head:
            return False
        size, kind, tag = struct.unpack("<IBH", head)
        self.answer(kind, tag, self.take(size - 7))
        return True

    def take(self, size):
        data = b""
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                return b""
            data += piece
        return data

    def reply(self, kind, tag, body=b""):
        self.sock.sendall(struct.pack("<IBH", 7 + len(body), kind + 1, tag) + body)

    def answer(self, kind, tag, body):
        fid = struct.unpack_from("<I", body)[0] if len(body) >= 4 else 0
        if kind == TVERSION:
            self.reply(kind, tag, body[:4] + struct.pack("<H", 8) + b"9P2000.L")
        elif kind == TATTACH:
            self.fids[fid] = 0
            self.reply(kind, tag, self.qid(0))
        elif kind == TWALK:
            self.walk(tag, body)
        elif kind == TGETATTR:
            self.reply(kind, tag, self.attributes(self.fids[fid]))
        elif kind == TLOPEN:
            self.reply(kind, tag, self.qid(self.fids[fid]) + bytes(4))
        elif kind == TREAD:
            _, at, count = struct.unpack("<IQI", body)
            name = self.names[self.fids[fid]]
            self.waiting.append((tag, name, max(0, min(count, PAGE - at))))
            open(f"{self.control}/{name}.asked", "w").close()
        elif kind == TFLUSH:
            old = struct.unpack("<H", body)[0]
            self.waiting = [w for w in self.waiting if w[0] != old]
            self.reply(kind, tag)
        elif kind == TCLUNK:
            self.fids.pop(fid, None)
            self.reply(kind, tag)
        else:
            self.sock.sendall(struct.pack("<IBHI", 11, 7, tag, EOPNOTSUPP))

    def walk(self, tag, body):
        fid, new, count = struct.unpack_from("<IIH", body)
        at, place, qids = 10, self.fids[fid], b""
        for _ in range(count):
            size = struct.unpack_from("<H", body, at)[0]
            name = body[at + 2 : at + 2 + size].decode()
            at += 2 + size
            if name not in self.names:
                self.names.append(name)
            place = self.names.index(name)
            qids += self.qid(place)
        self.fids[new] = place
        self.reply(TWALK, tag, struct.pack("<H", count) + qids)

    def qid(self, place):
        return struct.pack("<BIQ", 0 if place else 0x80, 0, place + 1)

    def attributes(self, place):
        mode, size = (FILE, PAGE) if place else (DIRECTORY, 0)
        head = struct.pack("<Q", 0x7FF) + self.qid(place) + struct.pack("<III", mode, 0, 0)
        return head + struct.pack("<QQQQQ", 1, 0, size, PAGE, 1) + bytes(64 + 16)


class StuckFs:
    """Mounted at a directory, which is made; the control directory is beside it."""

    def __init__(self, where):
        self.where, self.control = where, where + ".released"
        for path in (self.where, self.control):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, 0o777)
        ours, kernels = socket.socketpair()
        self.server = os.fork()
        if not self.server:
            kernels.close()
            # It says nothing, and goes with the scenario.
            silence = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(silence, fd)
            signal.signal(signal.SIGTERM, lambda *_: self.leave(ours))
            libc.prctl(1, signal.SIGTERM)
            try:
                Server(ours, self.control).serve()
            finally:
                os._exit(0)
        ours.close()
        fd = kernels.fileno()
        options = f"trans=fd,rfdno={fd},wfdno={fd},version=9p2000.L,access=any,msize=8192"
        if libc.mount(b"stuck", self.where.encode(), b"9p", 0, options.encode()):
            raise OSError(ctypes.get_errno(), "mount of the file system that does not answer")
        kernels.close()

    def leave(self, sock):
        """The server goes when the scenario does: whoever still waits is told that nothing will come."""
        sock.close()
        libc.umount2(self.where.encode(), 2)
        os._exit(0)

    def is_asked(self, name):
        """Whether somebody has begun to wait for this file."""
        return os.path.exists(f"{self.control}/{name}.asked")

    def release(self, name):
        """Lets whoever waits for this file go on, now and later."""
        open(f"{self.control}/{name}", "w").close()

    def close(self):
        libc.umount2(self.where.encode(), 2)
        os.kill(self.server, signal.SIGKILL)
        os.waitpid(self.server, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
