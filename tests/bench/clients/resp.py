# SPDX-License-Identifier: GPL-2.0
"""The protocol of redis."""

import socket

from bench.net import HOST
from bench.patience import PATIENCE


class Refused(Exception):
    """Redis has answered with an error."""


def encode(*words):
    """A command as clients send it."""
    data = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in data)


class Redis:
    """A connection."""

    def __init__(self, source="", seconds=PATIENCE):
        self.sock = socket.create_connection((HOST, 6379), seconds, (source, 0))
        self.stream = self.sock.makefile("rb")

    def close(self):
        """Ends it."""
        self.stream.close()
        self.sock.close()

    def ask(self, *words):
        """The answer to a command."""
        self.sock.sendall(encode(*words))
        return self.answer()

    def answer(self):
        """One answer: text, bytes, a number, None, or a list of such."""
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis has closed the connection")
        kind, rest = line[:1], line[1:-2]
        match kind:
            case b"+":
                return rest.decode()
            case b"-":
                raise Refused(rest.decode(errors="replace"))
            case b":":
                return int(rest)
            case b"$":
                return None if int(rest) < 0 else self.stream.read(int(rest) + 2)[:-2]
            case b"*":
                return [self.answer() for _ in range(int(rest))]
        raise ConnectionError(f"redis speaks another language: {line!r:.60}")


def once(*words, source=""):
    """One command on a connection of its own."""
    connection = Redis(source)
    try:
        return connection.ask(*words)
    finally:
        connection.close()
