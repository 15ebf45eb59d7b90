#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A small daemon as they are written in a hurry, and run as root: full of holes, for the guest only.

    app.py ADDRESS PORT DIRECTORY

/files/NAME       a file                          (a name may lead out of the directory)
/notes/NUMBER     a note; POST makes one
/calc?e=1+2       a sum                           (eval)
/session          POST: who somebody is           (pickle)
/lookup?host=     an address, by getent           (a shell)
/fetch?url=       a page of another machine       (any)
"""

import base64
import http.server
import json
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

ROOT = pathlib.Path(sys.argv[3])


class Log:
    """The access log, which is opened again on SIGHUP."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.file = None
        self.open()

    def open(self, *_):
        """Opens it where it is now."""
        self.file = open(self.path, "a", encoding="utf-8", buffering=1)

    def write(self, line):
        """One line."""
        with self.lock:
            self.file.write(line + "\n")


LOG = Log("/var/log/app/app.log")


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        LOG.write(f"{self.client_address[0]} {format % args}")

    def answer(self, body, status=200):
        """Sends bytes, or a text."""
        data = body if isinstance(body, bytes) else str(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def serve(self, body):
        """What each path does."""
        url = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(url.query))
        match url.path.strip("/").split("/", 1):
            case [""]:
                return "the app\n"
            case ["files", name]:
                return (ROOT / "files" / urllib.parse.unquote(name)).read_bytes()
            case ["notes", number]:
                return (ROOT / "data" / f"{int(number)}.json").read_bytes()
            case ["notes"]:
                note = json.loads(body)
                path = ROOT / "data" / f"{int(note['number'])}.json"
                path.with_suffix(".new").write_text(json.dumps(note), encoding="utf-8")
                os.replace(path.with_suffix(".new"), path)
                return "kept\n"
            case ["calc"]:
                return eval(asked["e"])  # pylint: disable=eval-used
            case ["session"]:
                return pickle.loads(base64.b64decode(body))
            case ["lookup"]:
                command = "getent hosts " + asked["host"]
                return subprocess.run(command, shell=True, stdout=subprocess.PIPE, check=False).stdout
            case ["fetch"]:
                with urllib.request.urlopen(asked["url"], timeout=20) as page:
                    return page.read()
        raise FileNotFoundError(url.path)

    def handle_request(self):
        """A request to its end, whatever comes of it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.answer(self.serve(body))
        except FileNotFoundError:
            self.answer("not found\n", 404)
        except Exception as problem:  # pylint: disable=broad-except
            LOG.write(f"failed: {problem!r}")
            self.answer("failed\n", 500)

    do_GET = do_POST = handle_request


def main():
    """Serves until it is told to end."""
    signal.signal(signal.SIGHUP, LOG.open)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    http.server.ThreadingHTTPServer.request_queue_size = 64
    http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()


main()
