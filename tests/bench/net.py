# SPDX-License-Identifier: GPL-2.0
"""Who has which address, and what the intruder listens with."""

import socket
import threading

from bench.patience import Failed, must, wait

# All of them are the guest's own: the servers', the intruder's, one of a machine behind the servers, and the one
# where clouds hand out credentials.
HOST = "10.66.0.1"
INTRUDER = "10.66.0.66"
INTERNAL = "10.66.0.99"
METADATA = "169.254.169.254"
CLIENTS = [f"10.66.0.{n}" for n in range(10, 26)]

INTERNAL_PORT = 8099


def make_addresses():
    """Gives the loopback interface all of them."""
    must("ip", "link", "set", "lo", "up")
    for address in [HOST, INTRUDER, INTERNAL, METADATA, *CLIENTS]:
        must("ip", "address", "replace", f"{address}/32", "dev", "lo")


def is_open(port, address=HOST):
    """Whether somebody listens there."""
    try:
        with socket.create_connection((address, port), 5):
            return True
    except OSError:
        return False


def ask(port, data, address=HOST, seconds=10, source=INTRUDER):
    """Sends bytes to a port and gives what comes back until it is closed or silent."""
    got = b""
    with socket.create_connection((address, port), seconds, (source, 0)) as sock:
        sock.sendall(data)
        try:
            while piece := sock.recv(65536):
                got += piece
        except TimeoutError:
            pass
    return got


class Catcher:
    """Listens at the intruder's address, says something to whoever connects, and keeps what comes."""

    def __init__(self, port, say=b"", kind=socket.SOCK_STREAM):
        self.say = say
        self.pieces = []
        self.open = []
        self.sock = socket.socket(socket.AF_INET, kind)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind((INTRUDER, port))
        self.is_closed = False
        if kind == socket.SOCK_STREAM:
            self.sock.listen(64)
            work = self.accept
        else:
            self.sock.settimeout(0.5)
            work = self.take
        threading.Thread(target=work, daemon=True).start()

    def accept(self):
        """Connections, each in a thread of its own."""
        while not self.is_closed:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            self.open.append(sock)
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        """One connection to its end."""
        sock.settimeout(60)
        try:
            sock.sendall(self.say)
            while piece := sock.recv(65536):
                self.pieces.append(piece)
        except OSError:
            pass
        sock.close()

    def take(self):
        """Datagrams."""
        while not self.is_closed:
            try:
                self.pieces.append(self.sock.recv(65536))
            except TimeoutError:
                pass
            except OSError:
                return

    @property
    def got(self):
        """All that came so far."""
        return b"".join(self.pieces)

    def wait(self, needle, seconds=15):
        """Whether this has come, or comes in time."""
        return wait(lambda: needle in self.got, seconds)

    def close(self):
        """Nobody can connect any more, and who is connected is hung up on."""
        self.is_closed = True
        for sock in [self.sock, *self.open]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.sock.close()


class Inside:
    """A web service on a machine behind the servers, which answers everybody who reaches it.

    Below /feed there is what the servers may fetch; anything else is a secret.
    """

    def __init__(self, secret, address=INTERNAL, port=INTERNAL_PORT):
        self.secret = secret
        self.sock = socket.create_server((address, port), backlog=64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        """Connections, for ever."""
        while True:
            sock, _ = self.sock.accept()
            threading.Thread(target=self.serve, args=(sock,), daemon=True).start()

    def serve(self, sock):
        """One request."""
        sock.settimeout(20)
        try:
            request = sock.recv(4096)
            body = b"news\n" if b" /feed" in request else self.secret.encode() + b"\n"
            sock.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        except OSError:
            pass
        sock.close()


def expect(what, got, want):
    """Raises Failed unless the answer is the right one, or has it in it."""
    right = want in got if isinstance(got, (bytes, str)) and isinstance(want, type(got)) else got == want
    if not right:
        raise Failed(f"{what}: {got!r:.120}")
