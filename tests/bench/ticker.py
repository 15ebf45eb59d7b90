#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""In the guest, under -icount: what a window costs the machine, with few and with many threads.

    ticker.py ROUNDS SECONDS

The machine is idle: some threads that nobody watches sleep, and so does one process in each cell.
Windows are closed in a kernel thread, so the time of all kernel threads over the same interval, with
cells and without, tells what they cost; a nanosecond is an instruction. While nothing runs the clock
jumps, so that a long interval takes little time. Prints lines "STATE-THREADS INSTRUCTIONS", the
latter for as long as one window: none, none-again (module loaded, no cell), cells-1, cells-64.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

WINDOW_MS = 100
THREADS = (0, 1000, 10000)
CELLS = (1, 64)
# So short that all cells judge when it is measured.
LEARN_WINDOWS = 2


def kernel_time():
    """Nanoseconds that each kernel thread has run."""
    out = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                parent = f.read().rpartition(")")[2].split()[1]
            if pid == "2" or parent == "2":
                # The clock of another process: see clock_getcpuclockid(3).
                out[pid] = time.clock_gettime_ns((~int(pid) << 3) | 2)
        except OSError:
            pass
    return out


def measure(seconds):
    """What kernel threads ran, for each window of the interval."""
    before, start = kernel_time(), time.monotonic_ns()
    time.sleep(seconds)
    after, end = kernel_time(), time.monotonic_ns()
    ran = sum(ns - before.get(pid, 0) for pid, ns in after.items())
    return ran * WINDOW_MS * 1_000_000 / (end - start)


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
    """The same with so many cells, each with a process that sleeps."""
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
    value = measure(seconds)
    for p in asleep:
        p.kill()
        p.wait()
    run("kisctl", "cell", "unload")
    return value


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
            # What the start of so many has left behind for kernel threads is done first.
            time.sleep(5)
            print(f"none-{number}", measure(seconds), flush=True)
            for n in CELLS:
                print(f"cells-{n}-{number}", with_cells(directory, n, seconds), flush=True)
            print(f"none-again-{number}", measure(seconds), flush=True)
            threads.end()
    run("rmmod", "kis")


if __name__ == "__main__":
    main()
