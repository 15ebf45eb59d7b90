# SPDX-License-Identifier: GPL-2.0
"""The benign load: clients that use a server all the time, and count what goes wrong."""

import contextlib
import random
import threading
import time

from bench.clients import TROUBLE
from bench.net import CLIENTS
from bench.patience import PATIENCE


class Client:
    """One who uses servers: an address, a die of its own, and connections that are kept."""

    def __init__(self, number):
        self.source = CLIENTS[number % len(CLIENTS)]
        self.random = random.Random(number)
        self.kept = {}
        self.life = 0

    def keep(self, name, make):
        """The connection of this name, made when there is none."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    def drop(self):
        """Ends all connections."""
        for connection in self.kept.values():
            with contextlib.suppress(OSError):
                connection.close()
        self.kept.clear()


class Load:
    """The clients of one server. The rate is the server's own times a factor, and does not grow with the machine."""

    SIZE = 3

    def __init__(self, server, number):
        self.server = server
        self.factor = 0.0
        self.requests = 0
        self.failed = 0
        self.errors = []
        self.step = "start"
        self.lock = threading.Lock()
        self.holders = 0
        self.under_way = 0
        # How often the server was away, as announced.
        self.life = 0
        for n in range(self.SIZE):
            client = Client(number * self.SIZE + n)
            threading.Thread(target=self.work, args=(client,), name=f"client of {server.name}", daemon=True).start()

    def work(self, client):
        """One client, for ever."""
        while True:
            factor = self.factor
            pause = self.SIZE / (self.server.rate * factor) if factor > 0 else 1.0
            # Whoever waits long looks now and then whether the hour has become busy.
            end = time.monotonic() + pause * client.random.uniform(0.5, 1.5)
            while time.monotonic() < end and self.factor == factor:
                time.sleep(min(0.2, max(0.0, end - time.monotonic())))
            if self.factor > 0 and self.enter():
                # Connections that were kept have ended with the server, as announced.
                if client.life != self.life:
                    client.drop()
                    client.life = self.life
                try:
                    self.request(client)
                finally:
                    self.leave()

    def request(self, client):
        """One request, counted."""
        error = None
        try:
            self.server.visit(client)
        except TROUBLE as problem:
            error = f"{type(problem).__name__} {problem}"
            client.drop()
        self.count(error)

    def count(self, error=None):
        """One more request, or task."""
        with self.lock:
            self.requests += 1
            if error:
                self.failed += 1
                if len(self.errors) < 20:
                    self.errors.append(f"{self.step}: {error}"[:200])

    def enter(self):
        """Whether a request may begin now."""
        with self.lock:
            if self.holders:
                return False
            self.under_way += 1
            return True

    def leave(self):
        """The request has ended."""
        with self.lock:
            self.under_way -= 1

    @contextlib.contextmanager
    def held(self):
        """While the server is away, as announced, nobody asks it, and nobody is in the middle of a request."""
        with self.lock:
            self.holders += 1
        end = time.monotonic() + PATIENCE
        while self.under_way and time.monotonic() < end:
            time.sleep(0.05)
        try:
            yield
        finally:
            with self.lock:
                self.holders -= 1
                self.life += 1

    def figures(self):
        """What was counted so far."""
        with self.lock:
            return {"requests": self.requests, "failed": self.failed, "errors": list(self.errors)}

    def forget(self):
        """Counts from nothing."""
        with self.lock:
            self.requests = self.failed = 0
            self.errors = []


def ppm(failed, requests):
    """Failures in a million."""
    return round(1_000_000 * failed / requests) if requests else 0
