# SPDX-License-Identifier: GPL-2.0
"""Do servers go on when they are held to what they have learned in a few quiet minutes?

Each is learned under a quiet load with one restart. Then KIS enforces, and one server after the other sees an
administrator at work, new content, and ten times the load, while it is attacked every thirty seconds.
"""

import threading
import time

from bench.attacks import KINDS
from bench.clients import TROUBLE
from bench.load import ppm
from bench.officer import ONE, TWO, now, what
from bench.patience import PATIENCE, Broken, bounded, wait
from bench.report import line, say
from bench.servers import STOCK
from bench.trial import Trial
from bench.world import World

BURST = 10.0
BURST_SECONDS = 20
ATTACK_EVERY = 30


class Beside(threading.Thread):
    """Attacks a server again and again, with what its users would not notice."""

    def __init__(self, world, server):
        super().__init__(daemon=True)
        self.world = world
        self.kinds = [
            kind for kind in KINDS
            if server.name in kind.servers and kind.is_quiet and set(kind.servers) <= set(world.servers)
        ]
        self.is_over = threading.Event()
        self.trials = []
        self.trouble = ""
        if not self.kinds:
            raise Broken(f"nothing is known that attacks {server.name} and spares its users")

    def run(self):
        try:
            self.attack()
        except Exception as problem:  # pylint: disable=broad-except
            self.trouble = f"{type(problem).__name__} {problem}"

    def attack(self):
        """One after the other, until it is over."""
        number = 0
        while not self.is_over.is_set():
            began = time.monotonic()
            kind = self.kinds[number % len(self.kinds)]
            number += 1
            trial = Trial(self.world, kind)
            trial.play(mends=False, waits=False)
            self.trials.append(trial)
            self.is_over.wait(max(0.0, began + ATTACK_EVERY - time.monotonic()))

    def end(self):
        """Waits for the attack that is under way."""
        self.is_over.set()
        self.join(6 * PATIENCE)
        if self.trouble or self.is_alive():
            raise Broken(f"the attacks beside it have stopped: {self.trouble or 'one does not end'}")


class Keep:
    """The benchmark."""

    def __init__(self, minutes, servers):
        self.windows = round(minutes * 60)
        self.world = World(servers, STOCK)
        self.deaths = {name: 0 for name in self.world.servers}
        self.bad_tasks = {name: [] for name in self.world.servers}
        self.routine = {name: [] for name in self.world.servers}

    def run(self):
        """Learning, and one server after the other; gives the exit status."""
        world = self.world
        world.prepare()
        world.learn(self.windows)
        world.set_factor(1.0)
        world.officer.enforce()
        began = now()
        attacks = {}
        for server in world.servers.values():
            attacks[server.name] = self.section(server)
        # What is done to one server may hurt another one: the lines are of the whole time.
        for server in world.servers.values():
            self.tell(server, began, attacks[server.name])
        self.total(began)
        world.stop()
        return 0

    def section(self, server):
        """All that is done to one server; gives the attacks on it."""
        world, load = self.world, self.world.load_of(server)
        beside = Beside(world, server)
        beside.start()
        time.sleep(2)
        for name, task in server.tasks():
            load.step = name
            say(f"{server.name}: {name}")
            self.task(server, name, task)
            # Between two tasks the danger of an attack may have ended.
            time.sleep(3)
        load.step = "ten times the load"
        say(f"{server.name}: {load.step}")
        world.set_factor(BURST, [server.name])
        time.sleep(BURST_SECONDS)
        world.set_factor(1.0, [server.name])
        self.bury(server)
        load.step = "afterwards"
        time.sleep(5)
        beside.end()
        self.bury(server)
        figures = load.figures()
        say(f"{server.name}: {figures['failed']} of {figures['requests']} failed, {len(beside.trials)} attacks")
        return beside.trials

    def task(self, server, name, task):
        """One task, counted like a request."""
        trouble = []

        def body():
            try:
                task()
            except (*TROUBLE, Broken) as problem:
                trouble.append(f"{type(problem).__name__} {problem}")

        ended = bounded(body, 4 * PATIENCE, f"{server.name}: {name}")
        error = trouble[0] if trouble else None if ended == "done" else ended
        self.world.load_of(server).count(error)
        if error:
            self.bad_tasks[server.name].append(f"{name}: {error}"[:200])
            say(f"{server.name}: {name} failed: {error}")
        self.bury(server)

    def bury(self, server):
        """Counts a server that has died, or does not answer any more, and starts it anew."""
        if not server.is_dead() and wait(server.works, 20, 1):
            return
        self.deaths[server.name] += 1
        say(f"{server.name} {'has died' if server.is_dead() else 'does not answer'}: {server.last_words()}")
        self.world.restart(server)
        self.world.officer.enforce()

    def tell(self, server, since, trials):
        """The line of one server."""
        officer = self.world.officer
        vetoes = officer.vetoes([server.cell], since)
        own = [record for record in vetoes if server.is_routine(record)]
        self.routine[server.name] = own
        figures = self.world.load_of(server).figures()
        line(
            server=server.name, requests=figures["requests"], failed=figures["failed"],
            benign_failed_ppm=ppm(figures["failed"], figures["requests"]), deaths=self.deaths[server.name],
            self_vetoes=len(own), vetoes=len(vetoes), failed_tasks=self.bad_tasks[server.name],
            errors=figures["errors"][:6],
            danger_one=len(officer.raised(server.cell, ONE, since)),
            danger_two=len(officer.raised(server.cell, TWO, since)), attacks=len(trials),
            attacks_that_did_damage=sum(bool(trial.damaged) for trial in trials),
            vetoed=what(vetoes), vetoed_of_self=what(own),
        )

    def total(self, began):
        """The last line."""
        figures = [load.figures() for load in self.world.loads.values()]
        requests = sum(figure["requests"] for figure in figures)
        failed = sum(figure["failed"] for figure in figures)
        line(
            bench="keep", servers=len(self.world.servers), learned_windows=self.windows,
            seconds=round((now() - began) / 1e9), requests=requests, failed=failed,
            benign_failed_ppm=ppm(failed, requests), deaths=sum(self.deaths.values()),
            self_vetoes=sum(len(own) for own in self.routine.values()), lost_records=self.world.officer.lost(),
        )
