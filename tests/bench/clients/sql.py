# SPDX-License-Identifier: GPL-2.0
"""The protocol of PostgreSQL, as far as simple queries need it."""

import socket
import struct

from bench.net import HOST
from bench.patience import PATIENCE


class Refused(Exception):
    """PostgreSQL has answered with an error."""


class Postgres:
    """A connection, as a user that is trusted."""

    def __init__(self, source="", database="shop", seconds=PATIENCE, user="postgres"):
        self.sock = socket.create_connection((HOST, 5432), seconds, (source, 0))
        self.stream = self.sock.makefile("rb")
        words = b"user\0" + user.encode() + b"\0database\0" + database.encode() + b"\0\0"
        self.sock.sendall(struct.pack(">II", len(words) + 8, 196608) + words)
        self.replies()

    def close(self):
        """Ends it."""
        try:
            self.sock.sendall(b"X" + struct.pack(">I", 4))
        except OSError:
            pass
        self.stream.close()
        self.sock.close()

    def message(self):
        """One message: its kind and what it says."""
        head = self.stream.read(5)
        if len(head) < 5:
            raise ConnectionError("postgresql has closed the connection")
        kind, size = struct.unpack(">cI", head)
        return kind, self.stream.read(size - 4)

    def replies(self):
        """The rows of an answer; of a COPY its lines."""
        rows, problem = [], None
        while True:
            kind, body = self.message()
            if kind == b"E":
                fields = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0")}
                problem = Refused(fields.get(b"M", "?"))
                if fields.get(b"S") == "FATAL":
                    raise problem
            elif kind == b"D":
                rows.append(self.row(body))
            elif kind == b"d":
                rows.append(body.decode(errors="replace"))
            elif kind == b"Z":
                if problem:
                    raise problem
                return rows

    @staticmethod
    def row(body):
        """The columns of a row, as text."""
        columns, at = [], 2
        for _ in range(struct.unpack_from(">H", body)[0]):
            (size,) = struct.unpack_from(">i", body, at)
            at += 4
            columns.append(None if size < 0 else body[at : at + size].decode(errors="replace"))
            at += max(size, 0)
        return columns

    def ask(self, query):
        """The rows that a query gives."""
        text = query.encode() + b"\0"
        self.sock.sendall(b"Q" + struct.pack(">I", len(text) + 4) + text)
        return self.replies()


def once(query, source="", database="shop"):
    """One query on a connection of its own."""
    connection = Postgres(source, database)
    try:
        return connection.ask(query)
    finally:
        connection.close()
