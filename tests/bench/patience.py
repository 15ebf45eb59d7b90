# SPDX-License-Identifier: GPL-2.0
"""Waiting with a bound, programs that must end, and the one word for what did not go well."""

import os
import subprocess
import threading
import time

# Seconds after which an answer has failed that takes none on an idle machine: the guest is emulated.
PATIENCE = 30
# Seconds that a server may take to start.
START = 60

# Whatever the harness starts has this in its environment; servers and what they start do not.
TAG = "KIS_BENCH"


class Failed(Exception):
    """Something benign did not work."""


class Broken(Exception):
    """The harness itself cannot go on: no figure of it may be believed."""


def wait(condition, seconds=PATIENCE, pause=0.1):
    """Until the condition is true; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


def run(*command, text="", seconds=PATIENCE, env=None, **more):
    """A program of the harness that has to end; gives what it printed and its status, 124 for none in time."""
    environment = {**os.environ, TAG: "1", **(env or {})}
    try:
        return subprocess.run(
            command, input=text, text=True, errors="replace", capture_output=True, timeout=seconds, check=False,
            env=environment, **more,
        )
    except subprocess.TimeoutExpired as late:
        said = late.stdout if isinstance(late.stdout, str) else (late.stdout or b"").decode(errors="replace")
        return subprocess.CompletedProcess(command, 124, said, f"no end after {seconds} s")


def must(*command, **more):
    """The same; raises Failed when it ends badly, and gives what it printed."""
    done = run(*command, **more)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)[:80]}: status {done.returncode}: {done.stderr.strip()[-200:]}")
    return done.stdout


def bounded(function, seconds, name):
    """Runs a function that may hang in a thread that is left alone when it does; gives how it ended, in words."""
    outcome = []

    def body():
        try:
            function()
            outcome.append("done")
        except Exception as problem:  # pylint: disable=broad-except
            outcome.append(f"{type(problem).__name__}: {problem}"[:200])

    thread = threading.Thread(target=body, name=name, daemon=True)
    thread.start()
    thread.join(seconds)
    return outcome[0] if outcome else f"no end after {seconds} s"
