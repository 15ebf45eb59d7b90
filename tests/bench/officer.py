# SPDX-License-Identifier: GPL-2.0
"""KIS, as its officer sees it: orders by kisctl, and everything that is told, as it comes."""

import collections
import json
import os
import pathlib
import subprocess
import threading
import time

from bench.patience import TAG, Broken, run, wait

CELLS = pathlib.Path(__file__).resolve().parent / "cells"
WORK = pathlib.Path("/run/bench")
WINDOW_NS = 1_000_000_000
ONE, TWO = "kis_danger_one", "kis_danger_two"
# The value of a record of calm has a bit for each signal that has ended.
BITS = {ONE: 1, TWO: 2}


class Officer:
    """KIS. Where it is not loaded, it knows nothing and does nothing."""

    def __init__(self):
        self.is_loaded = pathlib.Path("/sys/module/kis").exists()
        self.records = []
        self.lock = threading.Lock()
        self.follower = None

    # Orders.

    def order(self, *words):
        """An order that must be taken."""
        if not self.is_loaded:
            return ""
        done = run("kisctl", *words)
        if done.returncode != 0:
            raise Broken(f"kisctl {' '.join(words)}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def ask(self, *words):
        """The object that kisctl prints; an empty one when it does not know."""
        if not self.is_loaded:
            return {}
        done = run("kisctl", "--json", *words)
        try:
            return json.loads(done.stdout) if done.returncode == 0 else {}
        except ValueError:
            return {}

    def load(self, names, windows, kind="soft"):
        """Loads the files of these cells, with as many windows to learn; of hard ones the officer's bounds too."""
        cells = []
        for name in names:
            cell = json.loads((CELLS / f"{name}.json").read_text(encoding="utf-8"))["cells"][0]
            cell["tolerization"] = {**cell.get("tolerization", {}), "windows": windows}
            if kind == "hard":
                hard = json.loads((CELLS / "hard" / f"{name}.json").read_text(encoding="utf-8"))
                cell["tolerization"]["kind"] = "hard"
                cell.update(hard)
            cells.append(cell)
        WORK.mkdir(exist_ok=True)
        file = WORK / "cells.json"
        file.write_text(json.dumps({"version": 1, "cells": cells}), encoding="utf-8")
        self.order("mode", "observe")
        self.order("cell", "load", str(file))

    def observe(self):
        """Decides and tells, and does nothing."""
        self.order("mode", "observe")

    def enforce(self):
        """Does it, ready or not."""
        force = ["--force"] if self.is_loaded and "--force" in run("kisctl", "mode", "--help").stdout else []
        self.order("mode", "enforce", *force)

    # Cells.

    def cells(self):
        """The state of the cells, by name."""
        return {cell["name"]: cell for cell in self.ask("cell", "list").get("cells", [])}

    def learning(self):
        """The names of the cells that still learn."""
        return [name for name, cell in self.cells().items() if cell.get("phase") == "learning"]

    def is_calm(self, names):
        """Whether no danger signal is up in these cells."""
        cells = self.cells()
        return all(not cells.get(name, {}).get("danger") for name in names)

    def calm(self, names, seconds):
        """Waits for it."""
        return not self.is_loaded or bool(wait(lambda: self.is_calm(names), seconds, 0.5))

    def learned(self, name):
        """What a cell has learned: mean and peak of each parameter that was not always nothing."""
        params = self.ask("profile", "show", name).get("params", [])
        return {param["param"]: [param.get("mean"), param.get("peak")] for param in params if param.get("peak")}

    def prediction(self, name):
        """What `kisctl ready` says about a cell, where there is such a command."""
        return self.ask("ready", name)

    # Records.

    def follow(self):
        """Begins to keep everything that is told."""
        if not self.is_loaded:
            return
        self.follower = subprocess.Popen(
            ["kisctl", "--json", "alerts", "--follow"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, errors="replace", env={**os.environ, TAG: "1"},
        )
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        """Record by record, to the end."""
        for text in self.follower.stdout:
            try:
                record = json.loads(text)
            except ValueError:
                continue
            with self.lock:
                self.records.append(record)

    def end(self):
        """Stops to keep what is told, so that the module can be unloaded."""
        if self.follower:
            if self.follower.poll() is not None:
                raise Broken("kisctl alerts --follow has ended by itself: records are missing")
            self.follower.kill()
            self.follower.wait(10)
            self.follower = None

    def told(self, cells, since=0, until=None, kinds=None):
        """What was told of these cells, from a time on the clock that does not jump."""
        with self.lock:
            return [
                record for record in self.records
                if record.get("cell") in cells and record.get("mono_ns", 0) >= since
                and (until is None or record["mono_ns"] < until)
                and (kinds is None or record.get("event_type") in kinds)
            ]

    def first(self, cells, kinds, since, until=None):
        """Milliseconds after which the first of these was told, or None."""
        times = [record["mono_ns"] for record in self.told(cells, since, until, kinds)]
        return round((min(times) - since) / 1e6) if times else None

    def raised(self, cell, kind, since=0, until=None):
        """The records with which the signal went up: the first, and the first after each calm."""
        found, is_up = [], False
        for record in sorted(self.told([cell], since, until, (ONE, TWO, "kis_calm")), key=lambda r: r["mono_ns"]):
            if record["event_type"] == "kis_calm":
                if record.get("value", 3) & BITS[kind]:
                    is_up = False
            elif record["event_type"] == kind and not is_up:
                is_up = True
                found.append(record)
        return found

    def vetoes(self, cells, since=0, until=None):
        """What was denied, and not only observed."""
        return [
            record for record in self.told(cells, since, until)
            if record.get("applied") and "deny" in record.get("action", "")
        ]

    def lost(self):
        """Records that found no room."""
        status = self.ask("status")
        return sum(value for key, value in status.items() if key.startswith("lost") and isinstance(value, int))


def what(records, most=12):
    """A short list of what records say: cause, operation, parameter and place, and how often."""
    def key(record):
        return (
            record.get("cause", ""), record.get("op", ""), record.get("param", ""), record.get("path", "")[-80:],
            record.get("comm", ""),
        )

    counts = collections.Counter(key(record) for record in records)
    names = ("cause", "op", "param", "path", "comm")
    return [
        {**{name: value for name, value in zip(names, words) if value and value != "none"}, "count": n}
        for words, n in counts.most_common(most)
    ]


def now():
    """The time as records have it."""
    return time.monotonic_ns()
