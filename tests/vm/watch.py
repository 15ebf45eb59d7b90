# SPDX-License-Identifier: GPL-2.0
"""kisctl watch on a pseudo terminal. watch.sh has loaded two cells and counts the results."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

from kis import SLOW, each, ok, same

LIMIT = 15 * SLOW
SIZES = ((60, 20), (80, 24), (200, 50))
# A line is written from its beginning, behind an order to erase it.
LINE = re.compile(rb"\x1b\[(\d+);1H\x1b\[K")
COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


class Watch:
    """kisctl watch, and the screen as a terminal would show it."""

    def __init__(self, columns, rows):
        self.lines = {}
        self.raw = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self.size(0, columns, rows)
            os.environ["TERM"] = "xterm"
            os.execvp("kisctl", ["kisctl", "watch"])
        self.until(lambda: len(self.lines) == rows)

    @staticmethod
    def size(fd, columns, rows):
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds):
        """Takes in what comes; false when nobody writes any more."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return False
        self.raw += data
        pieces = LINE.split(self.raw)
        for number, text in zip(pieces[1::2], pieces[2::2]):
            text = COLOUR.sub(b"", text.partition(b"\x1b[999;")[0])
            self.lines[int(number)] = text.decode()
        return bool(data)

    def until(self, condition):
        """Reads until the condition holds; whether it does."""
        end = time.monotonic() + LIMIT
        while not condition():
            if time.monotonic() > end or not self.read(0.2):
                return condition()
        return True

    def press(self, keys):
        os.write(self.fd, keys)

    def end(self):
        """Waits for its end: its status, and whether the terminal was given back."""
        end = time.monotonic() + LIMIT
        while self.read(0.2):
            if time.monotonic() > end:
                os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        is_back = self.raw.endswith(b"\x1b[?25h\x1b[?1049l")
        os.close(self.fd)
        return status, is_back


def it_fits_and_scrolls():
    for columns, rows in SIZES:
        watch = Watch(columns, rows)
        name = f"{columns}x{rows}"
        lines = watch.lines
        wide = [line for line in lines.values() if len(line) > columns]
        ok(f"{name}: {rows} lines, none is too wide", len(lines) == rows and not wide, *lines.items())
        head = [lines[n] for n in range(1, 5)]
        seen = [line.split()[0] for line in head]
        ok(f"{name}: both cells are on top", seen[1:3] == ["CELL", "redis"] and seen[3][:8] == "a-name-o", head)
        if rows < 50:
            top = lines[7]
            watch.press(b"\x1b[6~")
            ok(f"{name}: a page further", watch.until(lambda: lines[7] != top) and lines[7].split()[0] != "redis", lines)
            same(f"{name}: the cells stay", [line.split()[0] for line in (lines[2], lines[3])], ["CELL", "redis"])
        watch.press(b"q")
        same(f"{name}: q ends it, and gives the terminal back", watch.end(), (0, True))


def it_follows_the_size():
    watch = Watch(200, 50)
    watch.lines.clear()
    watch.size(watch.fd, 60, 20)
    # The kernel tells the foreground of the terminal.
    ok("a smaller terminal is filled anew", watch.until(lambda: watch.lines.get(20, "").startswith("1-13 of")), watch.lines)
    watch.press(b"\x03")
    same("Ctrl-C ends it", watch.end(), (0, True))


def it_ends_by_a_signal():
    watch = Watch(80, 24)
    os.kill(watch.pid, signal.SIGTERM)
    same("SIGTERM ends it, and the terminal is back", watch.end(), (signal.SIGTERM, True))


if __name__ == "__main__":
    os.environ.pop("NO_COLOR", None)
    each([it_fits_and_scrolls, it_follows_the_size, it_ends_by_a_signal])
    sys.stdout.flush()
