# SPDX-License-Identifier: GPL-2.0
"""The protocol of redis, as far as the demo's clients and its intruder need it."""

import socket

SERVER = ("127.0.0.1", 6379)
# Seconds after which something has failed that takes none: an emulated machine on a busy host may
# be twenty times slower than on an idle one.
PATIENCE = 60


class Refused(Exception):
    """Redis has answered with an error."""


def encode(*words):
    """A command as clients send it."""
    data = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    parts = [b"*%d\r\n" % len(data)]
    parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in data]
    return b"".join(parts)


class Connection:
    """A connection to redis."""

    def __init__(self):
        self.sock = socket.create_connection(SERVER, PATIENCE)
        self.stream = self.sock.makefile("rb")

    def close(self):
        """Ends it."""
        self.stream.close()
        self.sock.close()

    def ask(self, *words):
        """Sends a command and gives the answer."""
        self.sock.sendall(encode(*words))
        return self.answer()

    def answer(self):
        """An answer: a str for a status, an int, bytes, None, or a list of answers."""
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            size = int(rest)
            return None if size < 0 else self.stream.read(size + 2)[:-2]
        if kind == b"*":
            return [self.answer() for _ in range(int(rest))]
        raise Refused(line.decode("latin-1").strip())
