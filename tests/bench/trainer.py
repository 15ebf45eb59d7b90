# SPDX-License-Identifier: GPL-2.0
"""An intruder who is there while the servers learn, in half of the windows, and wants what comes later to be normal.

In every other window the amounts that others ask for grow a little (counts), and the one foothold that the intruder
has, the daemon's shell and its traversal, is used for what looks harmless (sets). Whoever could rehearse every attack
in half of all windows would have made each of them normal: no learning can tell that, only bounds can.
"""

import threading

from bench.attacks.attack import ByApp
from bench.clients import TROUBLE, files, resp, sql, web
from bench.net import INTRUDER

# Times the quiet amount, at the end.
MOST = 12


class Trainer:
    """The intruder."""

    def __init__(self, world, seconds):
        self.world = world
        self.seconds = seconds
        self.windows = 0
        self.busy = set()

    def step(self, second):
        """Called each second; in every other one something is done by each method that is not busy."""
        if second % 2:
            return
        self.windows += 1
        amount = 1 + round((MOST - 1) * min(1.0, second / self.seconds))
        for name, work in (
            ("redis", self.keys), ("postgresql", self.rows), ("app", self.app), ("php", self.pages),
            ("vsftpd", self.files),
        ):
            if name in self.world.servers and name not in self.busy:
                self.busy.add(name)
                threading.Thread(target=self.work, args=(name, work, amount), daemon=True).start()

    def work(self, name, work, amount):
        """One of these, whatever comes of it."""
        try:
            work(amount)
        except TROUBLE:
            pass
        self.busy.discard(name)

    @staticmethod
    def keys(amount):
        """More and more keys."""
        connection = resp.Redis(INTRUDER)
        for n in range(4 * amount):
            connection.ask("GET", f"account:{n}")
        connection.close()

    @staticmethod
    def rows(amount):
        """More and more rows."""
        sql.once(f"SELECT * FROM accounts LIMIT {20 * amount}", INTRUDER)

    @staticmethod
    def app(amount):
        """More and more notes; and the shell, and a file outside of the directory."""
        for n in range(amount):
            web.get(f"/notes/{n}", 8000, INTRUDER)
        ByApp.shell("id; uname -a")
        web.get("/files/..%2f..%2f..%2fetc%2fpasswd", 8000, INTRUDER)

    @staticmethod
    def pages(amount):
        """More and more pages."""
        for n in range(amount):
            web.get(f"/page.php?p={n % 6}.html", source=INTRUDER)

    def files(self, amount):
        """More and more files."""
        with files.session("alice", self.world.password("alice"), INTRUDER) as ftp:
            for n in range(amount):
                files.download(ftp, f"archive/{n}.dat")
