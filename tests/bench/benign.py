# SPDX-License-Identifier: GPL-2.0
"""How often is there danger when nothing happens but work?

After learning, KIS enforces for so many minutes of varied and wholly benign load: idle and busy times, an
administrator at work, new content, backups. Each signal that goes up is a false alarm.
"""

import time

from bench.clients import TROUBLE
from bench.load import ppm
from bench.officer import ONE, TWO, now, what
from bench.patience import PATIENCE, Broken, bounded
from bench.report import line, say
from bench.servers import STOCK
from bench.world import World

# The hours of a day, half a minute each.
DAY = (1.0, 0.5, 0.1, 0.0, 0.3, 1.5, 3.0, 1.0, 2.0, 0.7)
HOUR_SECONDS = 30


class Benign:
    """The benchmark."""

    def __init__(self, learning, minutes, servers):
        self.learning = learning
        self.minutes = minutes
        self.world = World(servers, STOCK)

    def run(self):
        """Learning, and the minutes that count; gives the exit status."""
        world = self.world
        world.prepare()
        world.learn(round(self.learning * 60), factors=(1.0, 0.3, 3.0), is_thorough=True)
        predictions = {server.name: world.officer.prediction(server.cell) for server in world.servers.values()}
        world.officer.enforce()
        began, end = now(), time.monotonic() + 60 * self.minutes
        chores = self.chores()
        step = 60 * self.minutes / (len(chores) + 1)
        next_chore, hour = time.monotonic() + step / 2, -1
        while time.monotonic() < end:
            passed = time.monotonic() - (end - 60 * self.minutes)
            if int(passed / HOUR_SECONDS) != hour:
                hour = int(passed / HOUR_SECONDS)
                world.set_factor(DAY[hour % len(DAY)])
                say(f"minute {passed / 60:.1f}: load {DAY[hour % len(DAY)]}")
            if chores and time.monotonic() >= next_chore:
                self.do(*chores.pop(0))
                next_chore += step
            self.mend()
            time.sleep(0.5)
        self.tell(began, predictions)
        world.stop()
        return 0

    def chores(self):
        """What administrators do, one server after the other."""
        tasks = [[(server, *task) for task in server.tasks()] for server in self.world.servers.values()]
        return [task[n] for n in range(max(map(len, tasks))) for task in tasks if n < len(task)]

    def do(self, server, name, task):
        """One of these, counted like a request."""
        load = self.world.load_of(server)
        load.step = name
        trouble = []

        def body():
            try:
                task()
            except (*TROUBLE, Broken) as problem:
                trouble.append(f"{type(problem).__name__} {problem}")

        ended = bounded(body, 4 * PATIENCE, f"{server.name}: {name}")
        error = trouble[0] if trouble else None if ended == "done" else ended
        load.count(error)
        say(f"{server.name}: {name}: {error or 'done'}")

    def mend(self):
        """Starts anew what has died; that is a failure, and counted as one by its users already."""
        for server in self.world.servers.values():
            if server.is_dead():
                say(f"{server.name} has died: {server.last_words()}")
                self.world.load_of(server).count("it has died")
                self.world.restart(server)
                self.world.officer.enforce()

    def tell(self, began, predictions):
        """A line for each server, and the last one."""
        officer, totals = self.world.officer, {"danger_one": 0, "danger_two": 0, "requests": 0, "failed": 0}
        for server in self.world.servers.values():
            one, two = (officer.raised(server.cell, kind, began) for kind in (ONE, TWO))
            figures = self.world.load_of(server).figures()
            line(
                server=server.name, danger_one=len(one), danger_two=len(two), requests=figures["requests"],
                failed=figures["failed"], errors=figures["errors"][:6],
                records=len(officer.told([server.cell], began, None, (ONE, TWO))),
                because=what(officer.told([server.cell], began, None, (ONE, TWO)), 8),
                vetoed=what(officer.vetoes([server.cell], began), 8), predicted=predictions[server.name],
            )
            for key, value in (("danger_one", len(one)), ("danger_two", len(two))):
                totals[key] += value
            for key in ("requests", "failed"):
                totals[key] += figures[key]
        line(
            bench="benign", servers=len(self.world.servers), learned_minutes=self.learning,
            cell_minutes=round(self.minutes * len(self.world.servers), 2), danger_one=totals["danger_one"],
            danger_two=totals["danger_two"], requests=totals["requests"],
            benign_failed_ppm=ppm(totals["failed"], totals["requests"]), lost_records=officer.lost(),
        )
