# SPDX-License-Identifier: GPL-2.0
"""What a daemon with root's rights can do to the rest of the machine."""

import os
import pathlib
import signal
import subprocess

from bench.attacks.attack import ByApp
from bench.patience import wait


class Stop(ByApp):
    """Somebody else's process is stopped: a watchdog, a scanner, a log daemon."""

    name = "sabotage-app-stop"
    is_quiet = True

    def setup(self):
        self.victim = subprocess.Popen(["/usr/bin/sleep", "300"], env={})

    def run(self):
        self.python(f"import os, signal; os.kill({self.victim.pid}, signal.SIGSTOP)")
        wait(self.damaged, 5)

    def damaged(self):
        fields = pathlib.Path(f"/proc/{self.victim.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return fields[0] in "TZX"

    def cleanup(self):
        os.kill(self.victim.pid, signal.SIGKILL)
        self.victim.wait(10)


class Dumps(ByApp):
    """The kernel is told to start a program of the intruder's whenever anything crashes."""

    name = "sabotage-app-core-pattern"
    is_quiet = True
    file = pathlib.Path("/proc/sys/kernel/core_pattern")

    def setup(self):
        self.before = self.file.read_text(encoding="ascii")

    def run(self):
        self.python(f"open({str(self.file)!r}, 'w').write('|/tmp/evil %p')")

    def damaged(self):
        return "evil" in self.file.read_text(encoding="ascii")

    def cleanup(self):
        self.file.write_text(self.before, encoding="ascii")


ATTACKS = [Stop, Dumps]
