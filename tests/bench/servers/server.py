# SPDX-License-Identifier: GPL-2.0
"""What all servers have in common."""

import fnmatch
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

from bench.clients import TROUBLE
from bench.net import is_open
from bench.patience import START, Broken, Failed, run, wait

SERVICES = pathlib.Path(__file__).resolve().parent.parent / "services"
LOGS = pathlib.Path("/var/log/bench")
# Servers are started like by an init: they know nothing of the harness.
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
# What maps its code so soon after its start is its loader.
LOADER_NS = 2_000_000_000


def write(path, text, mode=0o644, owner="root"):
    """Makes a file, and the directories that lead to it."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, bytes):
        path.write_bytes(text)
    else:
        path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    own(path, owner)
    return path


def own(path, owner):
    """Gives a file to a user and the user's group."""
    shutil.chown(path, owner, owner)


def home(user):
    """A user's home."""
    return pathlib.Path("/root" if user == "root" else f"/home/{user}")


def directory(path, mode=0o755, owner="root"):
    """Makes a directory of a user's."""
    path = pathlib.Path(path)
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    own(path, owner)
    return path


class Server:
    """A server: what it is started with, who uses it how, and what is done to look after it.

    `visit` is one benign request and raises Failed when the answer is not the right one; `tasks` are what an
    administrator does. `routine` says what it does all the time, for certain, by cell: operations and patterns
    of paths. A veto of such a one is a veto of what was learned.
    """

    name = ""
    cell = ""
    port = 0
    # Requests a second in a quiet hour.
    rate = 1.0
    # Servers that have to be there too.
    needs = ()
    # The one that its users have to pass.
    through = ""
    # What its processes are called.
    programs = ()
    routine = ()

    def __init__(self, world):
        self.world = world
        self.process = None
        # Of each start the number of the process, and from when to when.
        self.starts = []

    # Life and death.

    def command(self):
        """Its command line, so that it stays in the foreground."""
        raise NotImplementedError

    def user(self):
        """Who starts it."""
        return "root"

    def environment(self):
        """What more it finds in its environment."""
        return {}

    def prepare(self):
        """Its configuration and its content."""

    def start(self):
        """Starts it, and waits until it answers."""
        LOGS.mkdir(parents=True, exist_ok=True)
        began = time.monotonic_ns()
        who = {} if self.user() == "root" else {"user": self.user(), "group": self.user(), "extra_groups": []}
        with open(LOGS / f"{self.name}.out", "ab") as out:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", start_new_session=True,
                env={**CLEAN, **self.environment()}, **who,
            )
        answers = wait(lambda: self.is_dead() or self.answers(), START)
        self.starts.append((self.process.pid, began, time.monotonic_ns()))
        if not answers or self.is_dead():
            raise Failed(f"{self.name} did not start: {self.last_words()}")

    def stop(self):
        """Ends it as an administrator does; harder when it does not go."""
        for how, seconds in ((signal.SIGTERM, 30), (signal.SIGKILL, 10)):
            if not self.is_dead():
                self.process.send_signal(how)
                wait(self.is_dead, seconds)
        self.end_leftovers()

    def restart(self):
        """Stops and starts it; those who use it wait meanwhile."""
        with self.world.held(self):
            self.stop()
            self.start()

    def signal(self, number):
        """Tells its first process something."""
        if self.is_dead():
            raise Failed(f"{self.name} is not running")
        self.process.send_signal(number)

    def is_dead(self):
        """Whether its first process has ended."""
        return self.process is None or self.process.poll() is not None

    def end_leftovers(self):
        """Ends what is left of the group and the session that it was started in."""
        for pid in self.world.session(self.process.pid) if self.process else ():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def answers(self):
        """Whether somebody listens on its port."""
        return is_open(self.port)

    def last_words(self):
        """The end of what it has said."""
        try:
            text = (LOGS / f"{self.name}.out").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return " | ".join(text.strip().splitlines()[-3:])[-400:]

    # Use.

    def visit(self, client):
        """One benign request."""
        raise NotImplementedError

    def tasks(self):
        """Names, and what an administrator does."""
        return []

    def works(self):
        """Whether a benign request is answered."""
        client = self.world.somebody()
        try:
            self.visit(client)
            return True
        except TROUBLE:
            return False
        finally:
            client.drop()

    def is_routine(self, record):
        """Whether what a record says is what it does all the time, or each time it starts."""
        if any(record.get("pid") == pid and since <= record["mono_ns"] <= until for pid, since, until in self.starts):
            return True
        # The loader of its own program, wherever that is run: such a record has no path.
        is_loader = record["mono_ns"] - record.get("start_ns", 0) < LOADER_NS and record.get("comm") in self.programs
        if is_loader and record.get("op") == "map_exec" and not record.get("path"):
            return True
        return any(
            record.get("op") in operations.split() and fnmatch.fnmatch(record.get("path", ""), pattern)
            for operations, pattern in self.routine
        )


def must_say(*command, want=r"", **more):
    """Runs a program that has to succeed, and to say something."""
    done = run(*command, **more)
    if done.returncode != 0 or not re.search(want, done.stdout + done.stderr):
        said = (done.stdout + done.stderr)[-200:]
        raise Failed(f"{' '.join(map(str, command))[:60]}: status {done.returncode}: {said!r}")


def rotate(path, reopen, use, seconds=20):
    """Moves a log away as logrotate does; the server has to write a new one."""
    path = pathlib.Path(path)
    if not path.exists():
        raise Broken(f"{path} is not there to be rotated")
    os.replace(path, path.with_name(path.name + ".1"))
    reopen()

    def is_written():
        use()
        return path.exists() and path.stat().st_size > 0

    if not wait(is_written, seconds, 0.5):
        raise Failed(f"{path} is not written after its rotation")
