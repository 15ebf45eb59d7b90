#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""In the guest, under -icount: what a window costs the machine, with few and with many threads.

    ticker.py ROUNDS SECONDS

The machine is idle: some threads that nobody watches sleep, and so does one process in each cell.
The module tells how long its ticker ran; a nanosecond is an instruction. While nothing runs the clock
jumps, so that a long interval takes little time. Prints lines "STATE INSTRUCTIONS", the latter for as
long as one window; a state is CELLS-THREADS, or again-CELLS-THREADS for the interval behind it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../lib")
from kis import kisctl_json  # noqa: E402

WINDOW_MS = 100
THREADS = (0, 1000, 10000)
CELLS = (1, 64)
# So short that all cells judge when it is measured.
LEARN_WINDOWS = 2


def measure(seconds):
    """What the ticker ran, for each window of the interval."""
    before = kisctl_json("status")
    time.sleep(seconds)
    after = kisctl_json("status")
    ran, passed = (after[key] - before[key] for key in ("ticker_ns", "uptime_ns"))
    return ran * WINDOW_MS * 1_000_000 / passed


class Threads:
    """Threads that sleep, without a timer."""

    def __init__(self, number):
        self.gate = threading.Lock()
        self.gate.acquire()
        self.threads = [threading.Thread(target=self.wait) for _ in range(number)]
        for t in self.threads:
            t.start()

    def wait(self):
        with self.gate:
            pass

    def end(self):
        self.gate.release()
        for t in self.threads:
            t.join()


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def with_cells(directory, number, seconds):
    """Twice what so many cells cost, each with a process that sleeps."""
    programs = [f"{directory}/sleep-{i}" for i in range(number)]
    cells = [
        {"name": f"cell-{i}", "program": p, "window_ms": WINDOW_MS, "tolerization": {"windows": LEARN_WINDOWS}}
        for i, p in enumerate(programs)
    ]
    file = f"{directory}/cells.json"
    with open(file, "w", encoding="utf-8") as f:
        json.dump({"version": 1, "cells": cells}, f)
    run("kisctl", "cell", "load", file)
    asleep = [subprocess.Popen([p, "infinity"]) for p in programs]
    # Five seconds of it are a start, judged by lines of its own.
    time.sleep(LEARN_WINDOWS * WINDOW_MS / 1000 + 7)
    values = measure(seconds), measure(seconds)
    for p in asleep:
        p.kill()
        p.wait()
    run("kisctl", "cell", "unload")
    return values


def main():
    rounds, seconds = int(sys.argv[1]), float(sys.argv[2])
    directory = tempfile.mkdtemp()
    for i in range(max(CELLS)):
        shutil.copy("/usr/bin/sleep", f"{directory}/sleep-{i}")
    threading.stack_size(32768)
    run("insmod", "/mnt/kis/kis.ko")
    for _ in range(rounds):
        for number in THREADS:
            threads = Threads(number)
            for n in CELLS:
                once, again = with_cells(directory, n, seconds)
                print(f"{n}-{number}", once, flush=True)
                print(f"again-{n}-{number}", again, flush=True)
            threads.end()
    run("rmmod", "kis")


if __name__ == "__main__":
    main()
