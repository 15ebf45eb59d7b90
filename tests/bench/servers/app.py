# SPDX-License-Identifier: GPL-2.0
"""A daemon of one's own, in Python: see services/app.py."""

import base64
import json
import pathlib
import pickle
import signal

from bench.clients import web
from bench.net import HOST, INTERNAL, INTERNAL_PORT, expect
from bench.servers.server import SERVICES, Server, directory, rotate, write

ROOT = "/srv/app"
# What is worth stealing, encrypting, deleting.
RECORDS = 300


class App(Server):
    """The daemon, as root."""

    name = cell = "app"
    port = 8000
    programs = ("python3.13",)
    rate = 1.5
    routine = (
        ("write create rename", f"{ROOT}/data/*"),
        ("write create", "/var/log/app/*"),
        ("exec", "/usr/bin/dash"),
        ("exec", "/usr/bin/getent"),
        ("map_exec", "/usr/lib/*"),
    )

    def command(self):
        return ["/usr/bin/python3.13", str(SERVICES / "app.py"), HOST, str(self.port), ROOT]

    def environment(self):
        return {"PYTHONDONTWRITEBYTECODE": "1"}

    def prepare(self):
        directory(f"{ROOT}/data")
        directory("/var/log/app")
        for n in range(8):
            write(f"{ROOT}/files/{n}.txt", f"file {n}\n" * 50)
        self.fill()

    @staticmethod
    def fill():
        """The records, as they were."""
        for n in range(RECORDS):
            path = pathlib.Path(f"{ROOT}/data/{n}.json")
            if not path.exists():
                write(path, json.dumps({"number": n, "text": f"record {n} " * 200}), 0o600)

    def visit(self, client):
        n = client.random.randrange(8)
        match client.random.randrange(9):
            case 0:
                web.right("/", b"the app", self.port, client.source)
            case 1:
                web.right(f"/files/{n}.txt", b"file %d" % n, self.port, client.source)
            case 2:
                note = json.dumps({"number": 1000 + client.random.randrange(50), "text": f"note {n}"}).encode()
                expect("note", web.post("/notes", note, self.port, client.source), (200, b"kept\n"))
            case 3:
                expect("calc", web.get(f"/calc?e={n}*6", self.port, client.source), (200, b"%d" % (6 * n)))
            case 4:
                who = base64.b64encode(pickle.dumps(f"user-{n}"))
                expect("session", web.post("/session", who, self.port, client.source), (200, b"user-%d" % n))
            case 5:
                web.right("/lookup?host=localhost", b"localhost", self.port, client.source)
            case 6:
                web.right(f"/fetch?url=http://{INTERNAL}:{INTERNAL_PORT}/feed", b"news", self.port, client.source)
            case _:
                number = client.random.randrange(RECORDS)
                web.right(f"/notes/{number}", b"record %d " % number, self.port, client.source)

    def tasks(self):
        return [
            ("rotate logs", self.rotate),
            ("new file", self.new_file),
            ("new directory", self.new_directory),
            ("restart", self.restart),
        ]

    def rotate(self):
        """Log rotation."""
        rotate("/var/log/app/app.log", lambda: self.signal(signal.SIGHUP), lambda: web.get("/", self.port))

    def new_file(self):
        """Somebody puts a file where the others are."""
        write(f"{ROOT}/files/new.txt", "new\n")
        web.right("/files/new.txt", b"new", self.port)

    def new_directory(self):
        """Somebody makes a directory."""
        write(f"{ROOT}/files/summer/sea.txt", "blue\n")
        web.right("/files/summer/sea.txt", b"blue", self.port)
