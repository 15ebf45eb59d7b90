# SPDX-License-Identifier: GPL-2.0
"""How the demo speaks, waits and counts its checks."""

import sys
import textwrap
import time

# Columns of a line at most; longer texts go on below their own beginning.
WIDTH = 80


class Abort(Exception):
    """The demo cannot go on."""


def lines(text, columns=0):
    """The text in lines that go behind so many columns; a word that is longer is broken."""
    return textwrap.wrap(text, WIDTH - columns, break_on_hyphens=False) or [""]


class Stage:
    """The timeline, and the checks with what came of them.

    There are three kinds of checks:
    fact    seen from outside of KIS, true with and without it (the attack works; clients live)
    guard   seen from outside of KIS, true only because of it (the attack fails)
    record  what KIS itself has written down
    """

    def __init__(self, control, colour):
        self.control = control
        self.began = time.monotonic()
        self.colours = colour
        self.step = ""
        self.held = {"fact": 0, "guard": 0, "record": 0}
        self.counts = {"fact": 0, "guard": 0, "record": 0}
        self.failed = []

    def paint(self, colour, text):
        """The text in a colour, if there are colours."""
        codes = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
        return f"\033[{codes[colour]}m{text}\033[0m" if self.colours else text

    @staticmethod
    def put(line=""):
        """A line as it is, at once."""
        print(line, flush=True)

    def fold(self, head, columns, text):
        """A text behind a head that takes so many columns."""
        for line in lines(text, columns):
            self.put(head + line)
            head = " " * columns

    def title(self, text):
        """A text that stands out."""
        for line in lines(text):
            self.put(self.paint("bold", line))

    def begin(self, step, title):
        """A new step."""
        self.step = step
        self.put()
        self.title(title)

    def say(self, who, text):
        """Someone does or sees something now."""
        now = f"{time.monotonic() - self.began:5.1f} s"
        colour = {"intruder": "red", "KIS": "green", "redis": "yellow"}.get(who, "cyan")
        self.fold(f"  {self.paint('dim', now)}  {self.paint(colour, who.ljust(8))}  ", 21, text)

    def more(self, text):
        """A row of what was just said, not folded: 71 columns are there."""
        self.put(" " * 9 + text)

    def check(self, kind, text, holds):
        """Counts a check and tells it."""
        holds = bool(holds)
        self.counts[kind] += 1
        self.held[kind] += holds
        if holds:
            mark = self.paint("green", "ok  ")
        elif self.control and kind != "fact":
            mark = "not "
        else:
            mark = self.paint("red", "FAIL")
            self.failed.append(f"{self.step}: {text}")
        self.fold(f"    {mark} ", 9, text)

    def fact(self, text, holds):
        """A check that holds with and without KIS."""
        self.check("fact", text, holds)

    def guard(self, text, holds):
        """A check that holds because of KIS only."""
        self.check("guard", text, holds)

    def record(self, text, holds):
        """A check of what KIS has recorded."""
        self.check("record", text, holds)

    def conclude(self, planned):
        """Tells what came of it all; gives the exit status."""
        done = sum(self.counts.values())
        if done != planned:
            self.failed.append(f"{done} checks were made instead of {planned}")
        if self.control:
            if self.held["guard"]:
                self.failed.append("there are guards that hold without KIS")
            if self.control == "off" and self.held["record"]:
                self.failed.append("there are records without KIS")
            summary = ", ".join(f"{n} of {self.counts[kind]} {kind}s" for kind, n in self.held.items())
            summary = f"what holds without KIS enforcing: {summary}"
        else:
            summary = f"{sum(self.held.values())} of {planned} checks hold"
        self.put()
        for why in self.failed:
            self.fold(f"{self.paint('red', 'failed')}: ", 8, why)
        self.title(summary)
        sys.stdout.flush()
        return 1 if self.failed else 0
