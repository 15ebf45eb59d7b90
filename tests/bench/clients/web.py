# SPDX-License-Identifier: GPL-2.0
"""HTTP."""

import http.client
import urllib.parse
import uuid

from bench.net import HOST, expect
from bench.patience import PATIENCE


def request(method, path, port=80, source="", body=None, headers=None, seconds=PATIENCE):
    """Status and body of an answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds, source_address=(source, 0))
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as problem:
        raise ConnectionError(f"{method} {path[:60]}: {problem!r}") from problem
    finally:
        connection.close()


def get(path, port=80, source="", seconds=PATIENCE):
    """A GET."""
    return request("GET", path, port, source, seconds=seconds)


def post(path, fields, port=80, source="", seconds=PATIENCE):
    """A POST, of a form or of bytes as they are."""
    if isinstance(fields, bytes):
        return request("POST", path, port, source, fields, {"Content-Type": "application/octet-stream"}, seconds)
    body = urllib.parse.urlencode(fields).encode()
    return request("POST", path, port, source, body, {"Content-Type": "application/x-www-form-urlencoded"}, seconds)


def upload(path, name, data, port=80, source="", seconds=PATIENCE):
    """A POST of a file, as a browser's form does it."""
    edge = uuid.uuid4().hex
    head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = head.encode() + data + f"\r\n--{edge}--\r\n".encode()
    return request("POST", path, port, source, body, {"Content-Type": f"multipart/form-data; boundary={edge}"}, seconds)


def right(path, want, port=80, source="", status=200):
    """A GET whose answer must be that."""
    code, body = get(path, port, source)
    expect(f"GET {path}", code, status)
    expect(f"GET {path}", body, want)
