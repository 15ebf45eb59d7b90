# SPDX-License-Identifier: GPL-2.0
"""The machine: addresses, users, what is secret, the servers and those who use them."""

import contextlib
import itertools
import os
import pathlib
import secrets
import signal
import threading
import time

from bench import net
from bench.clients import TROUBLE
from bench.load import Client, Load
from bench.officer import Officer
from bench.patience import TAG, Broken, must, run, wait
from bench.report import line, say
from bench.servers import KINDS
from bench.servers.server import directory, home, write

# What people chose; bob's is in every list of those who guess.
PASSWORDS = {"alice": "correct horse 7", "bob": "letmein", "carol": "staple battery 9"}


class World:
    """Everything there is."""

    def __init__(self, names, kinds=KINDS):
        unknown = [name for name in names if name not in KINDS]
        if unknown:
            raise Broken(f"there is no server {unknown[0]}: there are {' '.join(KINDS)}")
        wanted = set(names)
        for name in names:
            wanted.update(KINDS[name].needs)
        self.servers = {name: kind(self) for name, kind in kinds.items() if name in wanted}
        self.officer = Officer()
        self.loads = {}
        self.numbers = itertools.count(1000)
        self.secrets = {}

    # Getters.

    @property
    def cells(self):
        """The names of all cells."""
        return [server.cell for server in self.servers.values()]

    def load_of(self, server):
        """Those who use a server."""
        return self.loads[server.name]

    @contextlib.contextmanager
    def held(self, server):
        """While a server is away, as announced, nobody asks it, nor those behind it."""
        with contextlib.ExitStack() as stack:
            for other in self.servers.values():
                if other is server or other.through == server.name:
                    stack.enter_context(self.load_of(other).held())
            yield

    def somebody(self):
        """Who looks whether a server works, with connections and a die of their own."""
        return Client(next(self.numbers))

    @staticmethod
    def password(user):
        """A user's password."""
        return PASSWORDS[user]

    # The machine.

    def prepare(self):
        """Everything that has to be there before the servers."""
        net.make_addresses()
        for user in ("alice", "bob"):
            self.make_user(user)
        self.hide_secrets()
        net.Inside(self.secrets["inside"])
        net.Inside(self.secrets["metadata"], net.METADATA, 80)
        directory("/etc/cron.d")
        directory("/root/.ssh", 0o700)
        for server in self.servers.values():
            server.prepare()
        # Nobody can be held who does not have users.
        for number, server in enumerate(self.servers.values()):
            self.loads[server.name] = Load(server, number)

    @staticmethod
    def make_user(user):
        """A user with a home and a password."""
        if run("id", "-u", user).returncode == 0:
            return
        digest = must("openssl", "passwd", "-6", PASSWORDS[user]).strip()
        must("useradd", "-m", "-s", "/bin/bash", "-p", digest, user)

    def hide_secrets(self):
        """What an intruder would like to have, each with a word in it that stands nowhere else."""
        for name, path, mode, owner in (
            ("backup", "/srv/private/backup.env", 0o644, "root"),
            ("tls", "/etc/ssl/private/site.key", 0o640, "root"),
            ("key", "/root/.ssh/id_ed25519", 0o600, "root"),
            ("cloud", "/var/www/.aws/credentials", 0o600, "www-data"),
            ("pgpass", "/var/lib/postgresql/.pgpass", 0o600, "postgres"),
            ("alice", home("alice") / ".aws/credentials", 0o600, "alice"),
            ("bob", home("bob") / ".pgpass", 0o600, "bob"),
        ):
            self.secrets[name] = secrets.token_hex(12)
            if not pathlib.Path(path).parent.exists():
                directory(pathlib.Path(path).parent, 0o755, owner)
            write(path, f"SECRET={self.secrets[name]}\n", mode, owner)
        for name in ("inside", "metadata"):
            self.secrets[name] = secrets.token_hex(12)

    # The servers.

    def start(self):
        """Starts all servers."""
        for server in self.servers.values():
            say(f"start {server.name}")
            try:
                server.start()
            except TROUBLE as problem:
                raise Broken(str(problem)) from problem

    def stop(self):
        """Ends all servers and what they have left."""
        self.set_factor(0)
        for server in reversed(self.servers.values()):
            server.stop()
        self.officer.end()

    def set_factor(self, factor, names=None):
        """How busy the hour is."""
        for name, load in self.loads.items():
            if names is None or name in names:
                load.factor = factor

    def restart(self, server):
        """Starts a server anew after it has died or was spoiled; KIS may only observe afterwards."""
        with self.held(server):
            server.stop()
            try:
                server.start()
                return
            except TROUBLE as problem:
                say(f"{server.name} cannot be started: {problem}")
            # Nothing of KIS may be in the way.
            self.officer.observe()
            self.officer.calm([server.cell], 30)
            server.stop()
            try:
                server.start()
            except TROUBLE as problem:
                raise Broken(f"{server.name} cannot even be started while KIS observes: {problem}") from problem

    def learn(self, windows, kind="soft", factors=(1.0,), is_thorough=False, meanwhile=None):
        """Loads the cells, starts the servers, and has all of it learned, with one restart of each.

        The factors of the load follow each other, each for ten seconds. Thorough learning has seen an
        administrator at work, too. `meanwhile` is called each second with the number of it.
        """
        officer = self.officer
        officer.load(self.cells, windows, kind)
        officer.follow()
        self.start()
        broken = [server.name for server in self.servers.values() if not server.works()]
        if broken:
            raise Broken(f"does not answer as it should, before anything was done: {' '.join(broken)}")
        say(f"learning {windows} windows of {len(self.cells)} cells")
        began = time.monotonic()
        chores = [Chores(server, windows, is_thorough) for server in self.servers.values()]
        limit = windows * 2 + 240
        second = 0
        while time.monotonic() - began < windows or officer.learning() or not (
            officer.is_loaded or all(chore.is_done() for chore in chores)
        ):
            if time.monotonic() - began > limit:
                raise Broken(f"after {limit} s these still learn: {' '.join(officer.learning())}")
            self.set_factor(factors[second // 10 % len(factors)])
            if meanwhile:
                meanwhile(second)
            second += 1
            time.sleep(max(0.05, began + second - time.monotonic()))
        for chore in chores:
            chore.check()
        for load in self.loads.values():
            # One in a hundred may be due to a host that does other things.
            if load.failed > load.requests * 0.01:
                raise Broken(f"{load.server.name} fails its users while it is learned: {load.errors[:2]}")
            load.forget()
        say(f"learned in {time.monotonic() - began:.0f} s")
        for name in self.cells if officer.is_loaded else ():
            line(cell=name, learned=officer.learned(name))

    # Processes.

    @staticmethod
    def session(leader):
        """The processes of a session."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
                if int(fields.rpartition(")")[2].split()[3]) == leader:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def strangers(self, known):
        """Processes that were started by servers since then, and are none of a server's own."""
        own = {"nginx", "php-fpm8.4", "postgres", "redis-check-rdb", "sshd", "sshd-session", "sshd-auth", "apache2"}
        own.add("vsftpd")
        first = {server.process.pid for server in self.servers.values() if server.process}
        found = set()
        for pid in processes() - known - first - {os.getpid()}:
            try:
                program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
                environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            if f"{TAG}=1".encode() not in environment and program not in own:
                found.add(pid)
        return found

    def end_strangers(self, known):
        """Ends what an intruder has left running; what benign users have started ends by itself."""
        seen = self.strangers(known)
        if not seen:
            return 0
        wait(lambda: not seen & self.strangers(known), 4, 0.5)
        left = seen & self.strangers(known)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return len(left)


class Chores(threading.Thread):
    """What the administrator of a server does while it is learned; each of it has to succeed.

    It is spread over the time from a tenth to six tenths of it: on a slow machine it takes longer.
    """

    def __init__(self, server, windows, is_thorough):
        super().__init__(daemon=True)
        self.server = server
        self.left = [task for task in server.tasks() if is_thorough or task[0] == "restart"]
        self.began = time.monotonic()
        self.first, self.pause = windows * 0.1, windows * 0.5 / len(self.left)
        self.trouble = ""
        self.start()

    def run(self):
        number = 0
        while self.left:
            time.sleep(max(0.0, self.began + self.first + number * self.pause - time.monotonic()))
            name, task = self.left[0]
            # On a busy host it may take too long; then an administrator tries again.
            if (problem := self.fails(task)) and (problem := self.fails(task)):
                self.trouble = self.trouble or f"{self.server.name}: {name} failed while it is learned: {problem}"
            self.left.pop(0)
            number += 1

    @staticmethod
    def fails(task):
        """What is wrong with a task, once it was tried."""
        try:
            task()
            return None
        except Exception as problem:  # pylint: disable=broad-except
            return problem

    def is_done(self):
        """Whether nothing is left."""
        return not self.left

    def check(self):
        """Raises Broken unless all was done, and in time."""
        if self.trouble:
            raise Broken(self.trouble)
        if self.left:
            raise Broken(f"{self.server.name}: {self.left[0][0]} was not learned in time: more minutes are needed")


def processes():
    """The numbers of all processes."""
    return {int(pid) for pid in os.listdir("/proc") if pid.isdigit()}
