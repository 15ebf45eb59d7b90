# SPDX-License-Identifier: GPL-2.0
"""What the demo asks of KIS and tells it, all through kisctl."""

import json
import time

from kis import kisctl, wait
from resp import PATIENCE


def now():
    """The time as records have it: RFC 3339, UTC, nanoseconds."""
    seconds, ns = divmod(time.time_ns(), 10**9)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{ns:09}Z"


class Kis:
    """KIS as its officer sees it. Where it is not loaded, it knows nothing and does nothing."""

    def __init__(self, stage):
        self.stage = stage
        self.is_loaded = stage.control != "off"
        self.mark_time = now()

    def run(self, *args):
        """What kisctl prints; nothing when it fails."""
        done = kisctl(*args)
        return done.stdout if done.returncode == 0 else ""

    def ask(self, *args):
        """The object that kisctl prints; an empty one when it fails."""
        return json.loads(self.run("--json", *args) or "{}")

    def order(self, *args):
        """The officer gives an order, and the timeline shows it."""
        self.stage.say("officer", f"kisctl {' '.join(args)}")
        if not self.is_loaded:
            self.stage.say("KIS", "is not loaded")
            return
        done = kisctl(*args)
        if done.returncode != 0:
            self.stage.say("KIS", f"refuses: {done.stderr.strip()}")

    # The cell.

    def cell(self):
        """The state of the cell."""
        cells = self.ask("cell", "list").get("cells", [])
        return next((cell for cell in cells if cell["name"] == "redis"), {})

    def learned(self):
        """What the cell has learned, by parameter."""
        params = self.ask("profile", "show", "redis").get("params", [])
        return {param["param"]: param for param in params}

    def calm(self):
        """Waits until no danger signal is up."""
        return self.is_loaded and wait(lambda: self.cell().get("danger") == 0, PATIENCE)

    # The records.

    def mark(self):
        """What comes from here on belongs to what is done now."""
        self.mark_time = now()

    def records(self):
        """The cell's records since the mark."""
        lines = self.run(
            "--json", "alerts", "--telemetry", "--cell", "redis", "--since", self.mark_time
        )
        return [json.loads(line) for line in lines.splitlines()]

    def find(self, **wanted):
        """The first record since the mark that has these fields; `path` is a beginning."""
        for record in self.records():
            if all(self.fits(record, name, value) for name, value in wanted.items()):
                return record
        return None

    @staticmethod
    def fits(record, name, value):
        """Whether a field of a record is as wanted."""
        if name == "path":
            return record.get("path", "").startswith(value)
        if name == "signature":
            seen = record.get("signature") or {}
            return (seen.get("id"), seen.get("revision")) == value
        return record.get(name) == value

    def tell(self, record):
        """A record as `kisctl alerts` prints it, with its numbers."""
        if not record:
            return
        lines = self.run("alerts", "--telemetry", "--since", self.mark_time).splitlines()
        for line in lines:
            # Without the time: the timeline has one.
            _, _, text = line.partition(" ")
            if text.startswith(f"#{record['id']} "):
                self.stage.say("KIS", text)
        if "param" in record:
            self.stage.say(
                "KIS",
                f"{record['param']}: {record['observed']:,} in this window so far; learned "
                f"{record['mean']:,.1f} +- {record['deviation']:,.1f} in {record['n']} windows, "
                f"danger above {record['threshold']:,}",
            )

    def explain(self, record):
        """The same in sentences."""
        if not record:
            return
        self.order("explain", str(record["id"]))
        for line in self.run("explain", str(record["id"])).splitlines():
            self.stage.fold(" " * 21 + "| ", 23, line)
