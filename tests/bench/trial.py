# SPDX-License-Identifier: GPL-2.0
"""One attack from its foothold to the traces that are left, and what KIS has told meanwhile."""

import contextlib
import time

from bench.officer import ONE, TWO, WINDOW_NS, now, what
from bench.patience import PATIENCE, bounded, wait
from bench.report import say
from bench.world import processes

# Windows within which an attack has to be noticed.
WINDOWS = 2


class Trial:
    """What came of it."""

    def __init__(self, world, kind):
        self.world = world
        self.attack = kind(world)
        self.servers = [world.servers[name] for name in self.attack.servers]
        self.cells = [server.cell for server in self.servers]
        self.was_calm = True
        self.ended = ""
        self.damaged = None
        self.is_up = False
        self.since = self.until = now()

    def play(self, then=None, mends=True, waits=True):
        """The whole of it.

        `then` is called with the damage still there; with `mends` what has died is started anew; with `waits` it
        begins when all is calm.
        """
        known = processes()
        if waits:
            self.was_calm = self.world.officer.calm(self.cells, 40)
        with contextlib.ExitStack() as held:
            # What cannot be told cannot be prevented either: its effect on benign users is no failure of KIS.
            for server in self.servers if self.attack.help else ():
                held.enter_context(self.world.held(server))
            self.attempt()
            if then:
                then(self)
            self.tidy(known, mends)

    def attempt(self):
        """Foothold, attack, damage, and whether the servers live."""
        attack = self.attack
        self.since = now()
        ready = bounded(attack.setup, 2 * PATIENCE, f"{attack.name}: setup")
        attack.begin()
        if ready == "done":
            self.ended = bounded(attack.run, attack.patience, attack.name)
        else:
            self.ended = f"no foothold: {ready}"
        self.damaged = self.look()
        # What a window has brought is told at its end.
        time.sleep((WINDOWS + 0.5) * WINDOW_NS / 1e9)
        self.until = now()
        self.is_up = not any(server.is_dead() for server in self.servers) and all(
            wait(server.works, 10, 1) for server in self.servers
        )

    def look(self):
        """Whether there is damage; None when that cannot be seen."""
        seen = []

        def body():
            seen.append(bool(wait(self.attack.damaged, 2, 0.3)))

        bounded(body, PATIENCE, f"{self.attack.name}: damage")
        return seen[0] if seen else None

    def tidy(self, known, mends):
        """Makes everything as it was before."""
        ended = bounded(self.attack.end, 2 * PATIENCE, f"{self.attack.name}: cleanup")
        if ended != "done":
            say(f"{self.attack.name}: cleanup: {ended}")
        left = self.world.end_strangers(known)
        if left:
            say(f"{self.attack.name} had left {left} processes")
        if not mends:
            return
        for server in self.servers:
            if (self.attack.spoils and self.damaged) or server.is_dead() or not wait(server.works, 5, 1):
                self.world.restart(server)

    # What was told.

    def after(self, kinds):
        """Milliseconds from the first harmful act to the first of these, or None."""
        first = self.world.officer.first(self.cells, kinds, self.since, self.until)
        return None if first is None else max(0, first - round((self.attack.began - self.since) / 1e6))

    @property
    def one(self):
        """Until danger one; who raises danger two at once has raised it as well."""
        return self.after((ONE, TWO))

    @property
    def two(self):
        """Until danger two."""
        return self.after((TWO,))

    @property
    def is_quick(self):
        """Whether it was noticed in time."""
        return self.one is not None and self.one <= WINDOWS * WINDOW_NS / 1e6

    def reasons(self):
        """Why there was danger."""
        return what(self.world.officer.told(self.cells, self.since, self.until, (ONE, TWO)), 4)

    def vetoes(self):
        """What was denied."""
        return what(self.world.officer.vetoes(self.cells, self.since, self.until), 4)
