# SPDX-License-Identifier: GPL-2.0
"""FTP."""

import contextlib
import ftplib
import io

from bench.net import HOST
from bench.patience import PATIENCE

Refused = ftplib.Error


@contextlib.contextmanager
def session(user, password, source="", seconds=PATIENCE):
    """A session of a user, that is ended."""
    client = ftplib.FTP(timeout=seconds, source_address=(source, 0) if source else None)
    try:
        client.connect(HOST, 21)
        client.login(user, password)
        yield client
        client.quit()
    finally:
        client.close()


def download(client, name):
    """The bytes of a file."""
    pieces = []
    client.retrbinary(f"RETR {name}", pieces.append)
    return b"".join(pieces)


def upload(client, name, data):
    """Makes a file of these bytes."""
    client.storbinary(f"STOR {name}", io.BytesIO(data))


def accepts(user, password, source=""):
    """Whether this is the password."""
    try:
        with session(user, password, source):
            return True
    except (ftplib.Error, EOFError, OSError):
        return False
