# SPDX-License-Identifier: GPL-2.0
"""Logins by SSH, with OpenSSH's own client."""

import os
import pathlib
import subprocess
import tempfile

from bench.net import HOST, INTRUDER
from bench.patience import PATIENCE, TAG, Failed, run

OPTIONS = [
    "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
    "-o", f"ConnectTimeout={PATIENCE}",
]
KEYS = pathlib.Path("/run/bench-keys")


def key(user):
    """The file with a user's private key."""
    return KEYS / user


def login(user, command, source="", seconds=2 * PATIENCE, more=()):
    """What a command says that a user has run with a key; raises Failed when there is no login."""
    words = ["ssh", *OPTIONS, "-o", "BatchMode=yes", "-i", str(key(user)), *(("-b", source) if source else ()), *more]
    done = run(*words, f"{user}@{HOST}", command, seconds=seconds)
    if done.returncode != 0:
        raise Failed(f"ssh {user} {command[:40]}: status {done.returncode}: {done.stderr.strip()[-160:]}")
    return done.stdout


def guess(user, passwords, command, seconds=2 * PATIENCE, source=INTRUDER):
    """Tries passwords, six on a connection; gives what the command says when one of them is right, else nothing."""
    with tempfile.TemporaryDirectory() as work:
        left = pathlib.Path(work, "left")
        asker = pathlib.Path(work, "ask")
        # It is asked for one password after the other.
        asker.write_text(f"#!/bin/sh\nhead -n 1 {left}\nsed -i 1d {left}\n", encoding="ascii")
        asker.chmod(0o700)
        for at in range(0, len(passwords), 6):
            left.write_text("".join(f"{word}\n" for word in passwords[at : at + 6]), encoding="ascii")
            done = run(
                "ssh", *OPTIONS, *(("-b", source) if source else ()), "-o", "PubkeyAuthentication=no",
                "-o", "NumberOfPasswordPrompts=6", "-o", "PreferredAuthentications=password", f"{user}@{HOST}", command,
                env={"SSH_ASKPASS": str(asker), "SSH_ASKPASS_REQUIRE": "force"}, seconds=seconds,
            )
            if done.returncode == 0:
                return done.stdout
    return ""


def forward(user, port, address, target, source=INTRUDER):
    """The client of a forwarded port, to be killed by whoever asked for it."""
    return subprocess.Popen(
        ["ssh", *OPTIONS, "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-i", str(key(user)), "-b", source]
        + ["-N", "-L", f"{INTRUDER}:{port}:{address}:{target}", f"{user}@{HOST}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, TAG: "1"},
    )
