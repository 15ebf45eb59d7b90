# SPDX-License-Identifier: GPL-2.0
#
# For actor.py: the ways in which a program can read from a socket. Each is a generator READERS[name](sock, want)
# of the pieces that it got; want is how many bytes there will be in all, 0 for datagrams. take() runs one.

import ctypes
import errno
import fcntl
import mmap
import os
import select
import socket
import struct
import sys
import termios
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
WAIT = 4 * int(os.environ.get("SLOW", "1"))
SPLICE, BPF, URING_SETUP, URING_ENTER, PIDFD_OPEN, PIDFD_GETFD = 275, 321, 425, 426, 434, 438
RECVMMSG = 299
SO_PEEK_OFF, SO_RCVLOWAT, SO_RCVTIMEO, SO_SNDTIMEO = 42, 18, 20, 21
TCP_ULP, TCP_ZEROCOPY_RECEIVE, SOL_TLS, TLS_RX = 31, 35, 282, 2
END = b"END"
TLS_KEY, TLS_SALT, TLS_NONCE = bytes(range(16)), b"salt", b"12345678"


def call(number, *args):
    result = libc.syscall(number, *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def address_of(buffer):
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))


# --- with the calls that are made for it


def read(sock, want):
    while True:
        yield os.read(sock.fileno(), 65536)


def recv(sock, want):
    while True:
        yield sock.recv(65536)


def recv_byte(sock, want):
    while True:
        yield sock.recv(1)


def recvmsg(sock, want):
    while True:
        yield sock.recvmsg(65536, 512)[0]


def recvmsg_pieces(sock, want):
    """Into several buffers at a time."""
    while True:
        parts = [bytearray(7), bytearray(3), bytearray(65536)]
        size = sock.recvmsg_into(parts)[0]
        yield b"".join(parts)[:size]


class Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class Msghdr(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint),
        ("iov", ctypes.POINTER(Iovec)),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("pad", ctypes.c_uint),
        ("size", ctypes.c_uint),  # of struct mmsghdr
        ("end", ctypes.c_uint),
    ]


def recvmmsg(sock, want):
    count, size = 4, 65536
    buffers = [ctypes.create_string_buffer(size) for _ in range(count)]
    vectors = (Iovec * count)(*[Iovec(ctypes.addressof(b), size) for b in buffers])
    while True:
        messages = (Msghdr * count)()
        for i in range(count):
            messages[i].iov, messages[i].iovlen = ctypes.pointer(vectors[i]), 1
        got = call(RECVMMSG, sock.fileno(), messages, count, 0x10000, None)  # MSG_WAITFORONE
        for i in range(got):
            yield buffers[i].raw[: messages[i].size]


def peek(sock, want):
    """What was seen by peeking has to be what is then read."""
    while True:
        seen = sock.recv(65536, socket.MSG_PEEK)
        yield Seen(seen)
        got = sock.recv(len(seen) or 1)
        assert got == seen, (got, seen)
        yield got


def peek_off(sock, want):
    """Peeks on and on behind what it has peeked at before; reads at the end."""
    sock.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, 0)
    seen = b""
    while len(seen) < want or not want:
        piece = sock.recv(65536, socket.MSG_PEEK)
        seen += piece
        yield Seen(seen)
        if not piece:
            break
    sock.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, -1)
    while True:
        yield sock.recv(65536)


def waitall(sock, want):
    while True:
        yield sock.recv(want, socket.MSG_WAITALL)


def lowat(sock, want):
    """A reader who wants to be woken for more than comes, and looks after a while nevertheless."""
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVLOWAT, 4096)
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVTIMEO, struct.pack("<qq", 0, 60000 * (WAIT // 4)))
    end = time.monotonic() + WAIT
    while True:
        try:
            yield sock.recv(65536)
        except BlockingIOError:
            if time.monotonic() > end:
                raise


def fionread(sock, want):
    while True:
        wait_readable(sock)
        size = struct.unpack("<i", fcntl.ioctl(sock.fileno(), termios.FIONREAD, bytes(4)))[0]
        yield sock.recv(size or 1)


def nonblocking(sock, want):
    """Who does not wait for the kernel to say that there is something."""
    end = time.monotonic() + WAIT
    while True:
        try:
            yield sock.recv(65536, socket.MSG_DONTWAIT)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
            time.sleep(0.002)


def wait_readable(sock):
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    if not poll.poll(WAIT * 1000):
        raise BlockingIOError(errno.EAGAIN, "nothing came")


# --- without copying, or for somebody else


def splice(sock, want):
    out, into = os.pipe()
    try:
        while True:
            size = os.splice(sock.fileno(), into, 65536)
            yield os.read(out, size) if size else b""
    finally:
        os.close(out)
        os.close(into)


def splice_file(sock, want):
    """From the socket to a pipe to a file, as sendfile() would."""
    out, into = os.pipe()
    file = os.memfd_create("spliced")
    at = 0
    try:
        while True:
            size = os.splice(sock.fileno(), into, 65536)
            left = size
            while left:
                left -= os.splice(out, file, left)
            yield os.pread(file, size, at) if size else b""
            at += size
    finally:
        for fd in (out, into, file):
            os.close(fd)


def splice_poll(sock, want):
    """Who asks first, and splices without waiting."""
    out, into = os.pipe()
    try:
        while True:
            wait_readable(sock)
            size = os.splice(sock.fileno(), into, 65536, flags=os.SPLICE_F_NONBLOCK)
            yield os.read(out, size) if size else b""
    finally:
        os.close(out)
        os.close(into)


def zerocopy(sock, want):
    """TCP_ZEROCOPY_RECEIVE: pages are mapped, the rest is copied to a buffer beside them."""
    size = 16 * 4096
    place = libc_mmap(0, size, mmap.PROT_READ, mmap.MAP_SHARED, sock.fileno())
    buffer = ctypes.create_string_buffer(size)
    try:
        while True:
            wait_readable(sock)
            request = struct.pack("<QIIIiQiIQQII", place, size, 0, 0, 0, ctypes.addressof(buffer), size, 0, 0, 0, 0, 0)
            answer = zerocopy_call(sock, request)
            _, mapped, hint, inq, error, _, copied = struct.unpack_from("<QIIIiQi", answer)
            if error:
                raise OSError(-error if error < 0 else error, "zerocopy")
            if mapped:
                yield ctypes.string_at(place, mapped)
            if copied > 0:
                yield buffer.raw[:copied]
            elif hint:
                yield sock.recv(hint)
            elif not mapped:
                yield sock.recv(65536)
    finally:
        libc_munmap(place, size)


def zerocopy_call(sock, request):
    buffer, size = ctypes.create_string_buffer(request, len(request)), ctypes.c_uint(len(request))
    place = ctypes.byref(buffer)
    if libc.getsockopt(sock.fileno(), socket.IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, place, ctypes.byref(size)):
        raise OSError(ctypes.get_errno(), "TCP_ZEROCOPY_RECEIVE")
    return buffer.raw


def libc_mmap(at, size, prot, flags, fd):
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    place = libc.mmap(at, size, prot, flags, fd, 0)
    if place == ctypes.c_void_p(-1).value:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return place


def libc_munmap(place, size):
    libc.munmap(ctypes.c_void_p(place), ctypes.c_size_t(size))


class Uring:
    """One request after the other on an io_uring."""

    def __init__(self):
        params = bytearray(120)
        self.fd = call(URING_SETUP, 4, ctypes.c_void_p(address_of(params)))
        (self.entries, self.cq_entries) = struct.unpack_from("<II", params)
        (_, self.sq_tail, self.sq_mask, _, _, _, self.sq_array) = struct.unpack_from("<7I", params, 40)
        (self.cq_head, self.cq_tail, self.cq_mask, _, _, self.cqes) = struct.unpack_from("<6I", params, 80)
        size = max(self.cqes + 16 * self.cq_entries, self.sq_array + 4 * self.entries)
        self.rings = mmap.mmap(self.fd, size, mmap.MAP_SHARED, 3, offset=0)
        self.sqes = mmap.mmap(self.fd, 64 * self.entries, mmap.MAP_SHARED, 3, offset=0x10000000)

    def word(self, at, value=None):
        if value is not None:
            struct.pack_into("<I", self.rings, at, value)
        return struct.unpack_from("<I", self.rings, at)[0]

    def do(self, opcode, fd, place, size):
        """The result of the request."""
        tail = self.word(self.sq_tail)
        index = tail & self.word(self.sq_mask)
        self.sqes[64 * index : 64 * index + 64] = struct.pack("<BBHiQQIIQ24x", opcode, 0, 0, fd, 0, place, size, 0, 1)
        self.word(self.sq_array + 4 * index, index)
        self.word(self.sq_tail, tail + 1)
        limit = ctypes.create_string_buffer(struct.pack("<qq", WAIT, 0))
        more = ctypes.create_string_buffer(struct.pack("<QIIQ", 0, 8, 0, ctypes.addressof(limit)))
        try:
            call(URING_ENTER, self.fd, 1, 1, 1 | 8, more, ctypes.c_size_t(24))
        except OSError as e:
            if e.errno == errno.ETIME:
                raise BlockingIOError(errno.EAGAIN, "nothing came")
            raise
        head = self.word(self.cq_head)
        at = self.cqes + 16 * (head & self.word(self.cq_mask))
        result = struct.unpack_from("<i", self.rings, at + 8)[0]
        self.word(self.cq_head, head + 1)
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return result

    def close(self):
        self.sqes.close()
        self.rings.close()
        os.close(self.fd)


def uring(sock, opcode):
    ring, buffer = Uring(), ctypes.create_string_buffer(65536)
    try:
        while True:
            size = ring.do(opcode, sock.fileno(), ctypes.addressof(buffer), 65536)
            yield buffer.raw[:size]
    finally:
        ring.close()


def uring_recv(sock, want):
    return uring(sock, 27)


def uring_read(sock, want):
    return uring(sock, 22)


# --- with BPF between the socket and the reader

MAP_CREATE, MAP_UPDATE, PROG_LOAD, PROG_ATTACH = 0, 2, 5, 8
SOCKMAP, SK_SKB = 15, 14
STREAM_PARSER, STREAM_VERDICT, VERDICT = 4, 5, 38


def bpf(command, *fields, form):
    raw = ctypes.create_string_buffer(struct.pack(form, *fields).ljust(128, b"\0"), 128)
    return call(BPF, command, raw, 128)


def instruction(code, to=0, source=0, offset=0, value=0):
    return struct.pack("<BBhi", code, source << 4 | to, offset, value)


PASS = instruction(0xB7, 0, value=1) + instruction(0x95)
WHOLE = instruction(0x61, 0, 1) + instruction(0x95)  # the length: a message is what has come


def redirect(map_fd):
    """Hands the bytes over to the socket that is in the map."""
    load_map = instruction(0x18, 2, 1, value=map_fd) + instruction(0)
    zero_and_ingress = instruction(0xB7, 3, value=0) + instruction(0xB7, 4, value=1)
    return load_map + zero_and_ingress + instruction(0x85, value=52) + instruction(0x95)


def load_program(code, attach):
    code_buffer, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    place, word = ctypes.addressof(code_buffer), ctypes.addressof(licence)
    fields = (SK_SKB, len(code) // 8, place, word, 0, 0, 0, 0, 0, bytes(16), 0, attach)
    return bpf(PROG_LOAD, *fields, form="<IIQQIIQII16sII")


def new_sockmap():
    return bpf(MAP_CREATE, SOCKMAP, 4, 4, 2, 0, form="<5I")


def put(map_fd, key, fd):
    key_buffer, value = (ctypes.create_string_buffer(struct.pack("<I", n)) for n in (key, fd))
    bpf(MAP_UPDATE, map_fd, 0, ctypes.addressof(key_buffer), ctypes.addressof(value), 0, form="<IIQQQ")


def through_sockmap(sock, programs, other=None):
    map_fd = new_sockmap()
    fds = [map_fd]
    try:
        for code, attach in programs(map_fd):
            fds.append(load_program(code, attach))
            bpf(PROG_ATTACH, map_fd, fds[-1], attach, 0, form="<4I")
        if other:
            put(map_fd, 0, other.fileno())
        put(map_fd, 1, sock.fileno())
        yield READY
        # Who waits in recv() is not always woken for what BPF puts aside for him.
        end = time.monotonic() + WAIT
        while True:
            if other:
                wait_for_other(sock, other)
            else:
                wait_readable(sock)
            try:
                yield (other or sock).recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
    finally:
        for fd in fds:
            os.close(fd)


def wait_for_other(sock, other):
    """A connection that is redirected says only itself that it was reset."""
    poll = select.poll()
    poll.register(other.fileno(), select.POLLIN)
    poll.register(sock.fileno(), 0)
    ready = dict(poll.poll(WAIT * 1000))
    if other.fileno() in ready:
        return
    if sock.fileno() in ready:
        sock.recv(1)
    raise BlockingIOError(errno.EAGAIN, "nothing came")


def sockmap(sock, want):
    return through_sockmap(sock, lambda _: [(PASS, VERDICT)])


def strparser(sock, want):
    return through_sockmap(sock, lambda _: [(WHOLE, STREAM_PARSER), (PASS, STREAM_VERDICT)])


def sockmap_redirect(sock, want):
    """The bytes come out of another socket of the process."""
    if sock.family == socket.AF_UNIX:
        other, far = socket.socketpair()
    else:
        listener = socket.create_server(("127.0.0.1", 0))
        far = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
        listener.close()
    try:
        yield from through_sockmap(sock, lambda map_fd: [(redirect(map_fd), VERDICT)], other)
    finally:
        other.close()
        far.close()


def ktls(sock, want):
    """The kernel takes the records apart; what is looked at is what has come."""
    sock.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
    keys = struct.pack("<HH", 0x303, 51) + TLS_NONCE + TLS_KEY + TLS_SALT + bytes(8)
    sock.setsockopt(SOL_TLS, TLS_RX, keys)
    yield READY
    while True:
        yield sock.recv(65536)


# --- all of them

READY = object()
WAITING_ONLY = ("sockmap", "strparser", "sockmap_redirect", "ktls")
STREAM = [read, recv, recv_byte, recvmsg, recvmsg_pieces, recvmmsg, peek, peek_off, waitall, lowat, fionread]
STREAM += [nonblocking, splice, splice_file, splice_poll, uring_recv, uring_read, sockmap, sockmap_redirect]
TCP = STREAM + [zerocopy, strparser, ktls]
MESSAGE = [read, recv, recvmsg, recvmsg_pieces, recvmmsg, peek, fionread, nonblocking, uring_recv, uring_read]
READERS = {f.__name__: f for f in TCP}


class Seen(bytes):
    """Bytes that the process has seen and not taken."""


def limit(sock):
    """How long the kernel waits for anything."""
    for option in (SO_RCVTIMEO, SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("<qq", WAIT, 0))


def take(name, sock, want, ready=None):
    """Reads until so many bytes are there, for datagrams until END: all pieces, how far it has seen, and the end."""
    pieces, taken, seen, end = [], 0, 0, "full"
    limit(sock)
    reader = READERS[name](sock, want)
    try:
        if name in WAITING_ONLY:
            next(reader)
        if ready:
            ready()
        for piece in reader:
            if isinstance(piece, Seen):
                seen = max(seen, taken + len(piece))
                continue
            if piece:
                pieces.append(piece)
                taken += len(piece)
            if not piece:
                end = "eof"
            if not piece or (want and taken >= want) or (not want and piece == END):
                break
    except OSError as e:
        end = errno.errorcode.get(e.errno, str(e.errno))
    finally:
        reader.close()
    return pieces, seen, end


# --- sockets


def family_of(kind):
    return {
        "tcp4": (socket.AF_INET, socket.SOCK_STREAM),
        "tcp6": (socket.AF_INET6, socket.SOCK_STREAM),
        "unix": (socket.AF_UNIX, socket.SOCK_STREAM),
        "seqpacket": (socket.AF_UNIX, socket.SOCK_SEQPACKET),
        "dgram": (socket.AF_UNIX, socket.SOCK_DGRAM),
        "udp4": (socket.AF_INET, socket.SOCK_DGRAM),
        "udp6": (socket.AF_INET6, socket.SOCK_DGRAM),
    }[kind]


def bound(kind, where=None):
    """A socket of this kind that has an address: of IP it listens to all, and unix ones have abstract names."""
    family, type_ = family_of(kind)
    sock = socket.socket(family, type_)
    if family == socket.AF_UNIX:
        sock.bind("" if where is None else where)
    else:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((("0.0.0.0", "::")[family == socket.AF_INET6], where or 0))
    if type_ != socket.SOCK_DGRAM:
        if type_ == socket.SOCK_STREAM and family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 64)
        sock.listen(64)
    return sock


def address(kind, name):
    """How others reach it from this machine."""
    if kind == "dgram" or kind in ("unix", "seqpacket"):
        return name
    return (("127.0.0.1", "::1")[kind.endswith("6")], name[1])


def wait_for_first(sock):
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    if not poll.poll(WAIT * 1000):
        raise BlockingIOError(errno.EAGAIN, "no connection")


def accept(name, listener):
    wait_for_first(listener)
    slots[name] = listener.accept()[0]


def connect(name, kind, where):
    slots[name] = socket.socket(*family_of(kind))
    slots[name].connect(where)


def fast_connect(name, where):
    """A fast open without anything to say: what counts is what comes with the answer."""
    slots[name] = sock = socket.socket()
    limit(sock)
    sock.sendto(b"hi", 0x20000000, where)


def adopt(name, fd):
    slots[name] = socket.socket(fileno=fd)


def receive_socket(name, channel):
    adopt(name, socket.recv_fds(channel, 1, 1)[1][0])


def get_from(name, pid, fd):
    pidfd = call(PIDFD_OPEN, pid, 0)
    try:
        adopt(name, call(PIDFD_GETFD, pidfd, fd, 0))
    finally:
        os.close(pidfd)


def close(name):
    if name in slots:
        slots.pop(name).close()


def drain(sock, size):
    """Takes so many bytes away, unseen."""
    while size:
        got = libc.recv(sock.fileno(), None, ctypes.c_size_t(min(size, 1 << 30)), socket.MSG_TRUNC)
        if got <= 0:
            raise OSError(ctypes.get_errno(), "drain")
        size -= got


def alive(name):
    slots[name].send(b"alive")


def hold(name, path, size):
    """Receives into memory that is stuck: the socket stays locked as long as that lasts."""
    fd = os.open(path, os.O_RDWR)
    page = mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, 3)
    os.close(fd)
    slots[name].recv_into(memoryview(page)[:size])
    return bytes(page[:size])


def write_all(data):
    """To standard output, all of it: what an io_uring leaves to be done ends a write to a pipe early."""
    while data:
        data = data[os.write(1, data) :]


def once(name, want):
    """For inetd's children: reads from standard input, says that it is about to, and what has come."""
    sock = socket.socket(fileno=os.dup(0))

    def ready():
        write_all(b"reading\n")

    result = take(name, sock, want, ready)
    if result[2] == "full" and want:
        sock.send(b"alive")
    write_all(repr(result).encode() + b"\n")
