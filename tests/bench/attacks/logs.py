# SPDX-License-Identifier: GPL-2.0
"""What was written down is made to vanish."""

import pathlib

from bench.attacks.attack import Attack, ByApp
from bench.clients import sql
from bench.net import INTRUDER
from bench.patience import Failed


class Wipe(ByApp):
    """Another server's log, by a daemon that may do everything."""

    name = "logs-app-wipe"
    servers = ("app",)
    file = pathlib.Path("/var/log/intrusion.log")
    is_quiet = True

    def setup(self):
        self.file.write_text("somebody came in\n", encoding="ascii")

    def run(self):
        self.python(f"open({str(self.file)!r}, 'w').close()")

    def damaged(self):
        return not self.file.exists() or self.file.stat().st_size == 0

    def cleanup(self):
        self.file.unlink(missing_ok=True)


class PostgresWipe(Attack):
    """The database's own log, by SQL."""

    name = "logs-postgres-wipe"
    servers = ("postgresql",)
    is_quiet = True

    def setup(self):
        logs = sorted(pathlib.Path("/var/log/postgresql").glob("bench-*"), key=lambda path: path.stat().st_mtime)
        if not logs:
            raise Failed("there is no log")
        self.file = logs[-1]
        self.file.write_bytes(self.file.read_bytes() + b"somebody came in\n")

    def run(self):
        sql.once(f"COPY (SELECT '') TO '{self.file}'", INTRUDER)

    def damaged(self):
        return b"somebody came in" not in self.file.read_bytes()


ATTACKS = [Wipe, PostgresWipe]
