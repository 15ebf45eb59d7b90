#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The benign clients of the demo: they use redis all the time and count what goes wrong.

clients.py REPORT

Reads orders from standard input, one a line: a word names the step that requests are counted for
from now on, "save" has the operator save the database, and the end of input ends all. REPORT is
rewritten a few times a second: JSON with the requests and failures of each step.

A request has failed when its answer is an error or not what it must be, when the connection breaks
and when no answer comes in time. The rates are low and bounded: they do not grow with the machine.
"""

import json
import os
import random
import sys
import threading
import time

from resp import PATIENCE, Connection, Refused


class Report:
    """What the clients count."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.step = "start"
        self.steps = {}
        self.errors = []
        self.slowest = 0.0

    def count(self, seconds, error=None):
        """One request."""
        with self.lock:
            step = self.steps.setdefault(self.step, {"requests": 0, "failed": 0})
            step["requests"] += 1
            self.slowest = max(self.slowest, seconds)
            if error:
                step["failed"] += 1
                if len(self.errors) < 20:
                    self.errors.append(f"{self.step}: {error}")

    def write(self):
        """Puts it where the demo reads it: all of it or nothing."""
        with self.lock:
            text = json.dumps(
                {
                    "requests": sum(s["requests"] for s in self.steps.values()),
                    "failed": sum(s["failed"] for s in self.steps.values()),
                    "slowest_ms": round(self.slowest * 1000),
                    "step": self.step,
                    "steps": self.steps,
                    "errors": self.errors,
                }
            )
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(self.path + ".new", self.path)


class Client(threading.Thread):
    """One client: it asks, compares and counts, until it is told to stop."""

    def __init__(self, report, stop, pause):
        super().__init__(daemon=True)
        self.report = report
        self.stop = stop
        self.pause = pause
        self.connection = None

    def ask(self, *words, want=None):
        """A request; `want` is a value, or a function that says whether the answer is right."""
        began = time.monotonic()
        error = None
        answer = None
        try:
            if self.connection is None:
                self.connection = Connection()
            answer = self.connection.ask(*words)
            right = want(answer) if callable(want) else want is None or answer == want
            if not right:
                error = f"{words[0]}: answered {answer!r:.60}"
        except (OSError, ValueError, Refused) as problem:
            error = f"{words[0]}: {problem}"
            self.hang_up()
        self.report.count(time.monotonic() - began, error)
        return answer

    def hang_up(self):
        """Ends the connection; the next request makes a new one."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def run(self):
        while not self.stop.wait(self.pause * random.uniform(0.5, 1.5)):
            self.turn()
        self.hang_up()

    def turn(self):
        """What it does each time."""
        raise NotImplementedError


class Shop(Client):
    """An application with a connection of its own: it writes, and reads what it has written."""

    def __init__(self, number, *args):
        super().__init__(*args)
        self.name = f"shop:{number}"
        self.visits = 0

    def turn(self):
        self.visits += 1
        value = f"cart-{self.visits}-{random.getrandbits(64):x}"
        match self.visits % 5:
            case 0:
                self.ask("SET", f"{self.name}:cart", value, want="OK")
                self.ask("GET", f"{self.name}:cart", want=value.encode())
            case 1:
                self.ask("INCR", f"{self.name}:visits", want=lambda n: isinstance(n, int))
            case 2:
                self.ask("HSET", f"{self.name}:user", "name", value, want=lambda n: n in (0, 1))
                self.ask("HGETALL", f"{self.name}:user", want=[b"name", value.encode()])
            case 3:
                self.ask("LPUSH", f"{self.name}:log", value, want=lambda n: n >= 1)
                self.ask("LTRIM", f"{self.name}:log", 0, 9, want="OK")
                self.ask("LRANGE", f"{self.name}:log", 0, 0, want=[value.encode()])
            case 4:
                self.ask("SETEX", f"{self.name}:session", 60, value, want="OK")
                self.ask("DEL", f"{self.name}:session", want=1)


class Visitor(Client):
    """Someone who comes, asks and goes: a new connection each time."""

    def turn(self):
        self.ask("PING", want="PONG")
        self.ask("ZINCRBY", "visitors", 1, "everybody", want=lambda n: float(n) >= 1)
        self.hang_up()


class Operator(Client):
    """Someone who looks after the server, and saves it when told to."""

    def __init__(self, *args):
        super().__init__(*args)
        self.saves = threading.Semaphore(0)

    def turn(self):
        self.ask("INFO", "commandstats", want=lambda text: b"cmdstat_" in text)
        self.ask("CONFIG", "GET", "dir", want=lambda pair: len(pair) == 2)
        self.ask("DBSIZE", want=lambda n: n >= 0)
        if self.saves.acquire(blocking=False):
            self.ask("SAVE", want="OK")


def main(path):
    """Starts the clients and follows the orders."""
    report = Report(path)
    stop = threading.Event()
    operator = Operator(report, stop, 0.4)
    clients = [Shop(n, report, stop, 0.12) for n in range(1, 4)]
    clients += [Visitor(report, stop, 0.2), operator]

    def publish():
        while not stop.wait(0.2):
            report.write()

    publisher = threading.Thread(target=publish, daemon=True)
    publisher.start()
    for client in clients:
        client.start()
    for order in sys.stdin:
        order = order.strip()
        if order == "save":
            operator.saves.release()
        elif order:
            with report.lock:
                report.step = order
    stop.set()
    publisher.join(PATIENCE)
    for client in clients:
        client.join(PATIENCE * 2)
        if client.is_alive():
            report.count(0, "a client did not come to its end")
    report.write()


main(sys.argv[1])
