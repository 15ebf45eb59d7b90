# SPDX-License-Identifier: GPL-2.0
"""sshd, where two people log in."""

import pathlib
import signal

from bench.clients import shell
from bench.net import HOST, expect
from bench.patience import PATIENCE, Failed, must
from bench.servers.server import Server, directory, home, must_say, write

CONFIG = "/etc/ssh/bench_config"

# Guesses are not slowed down by sshd itself: who does it is to be seen.
CONFIGURATION = f"""
ListenAddress {HOST}
PermitRootLogin prohibit-password
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM {{pam}}
PerSourcePenalties no
MaxStartups 50:30:100
PrintMotd no
Subsystem sftp /usr/lib/openssh/sftp-server
"""

COMMANDS = ("uptime", "ls -l", "cat notes.txt", "echo something >>log.txt", "wc -l log.txt notes.txt", "df -P /")


class Sshd(Server):
    """sshd."""

    name = cell = "sshd"
    port = 22
    programs = ("sshd", "sshd-session", "sshd-auth")
    rate = 0.2
    pam = "no"
    routine = (
        ("write", "/dev/null"),
        ("write", "/dev/ptmx"),
        ("write", "/proc/*/oom_score_adj"),
        ("exec", "/usr/lib/openssh/sshd-*"),
        ("exec", "/usr/bin/bash"),
        ("map_exec", "/usr/lib/*"),
    )

    def command(self):
        return ["/usr/sbin/sshd", "-D", "-e", "-f", CONFIG]

    def prepare(self):
        directory("/run/sshd")
        must("ssh-keygen", "-q", "-A", seconds=60)
        write(CONFIG, CONFIGURATION.format(pam=self.pam), 0o600)
        directory(shell.KEYS, 0o700)
        for user in ("alice", "bob", "root"):
            shell.key(user).unlink(missing_ok=True)
            must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", user, "-f", str(shell.key(user)))
            directory(home(user) / ".ssh", 0o700, user)
            public = pathlib.Path(f"{shell.key(user)}.pub").read_text(encoding="ascii")
            write(home(user) / ".ssh/authorized_keys", public, 0o600, user)
            write(home(user) / "notes.txt", "remember the milk\n", owner=user)
            write(home(user) / "log.txt", "begun\n", owner=user)

    def visit(self, client):
        user = client.random.choice(("alice", "alice", "bob"))
        command = client.random.choice(COMMANDS)
        shell.login(user, command, client.source)

    def tasks(self):
        return [
            ("config test", lambda: must_say("/usr/sbin/sshd", "-t", "-f", CONFIG)),
            ("login with a key", lambda: expect("ssh", shell.login("alice", "cat notes.txt"), "milk")),
            ("login with a password", self.login_with_password),
            ("a mistyped password", self.mistyped_password),
            ("a file by sftp", self.copy),
            ("a terminal", self.terminal),
            ("login of root", lambda: expect("ssh", shell.login("root", "id -u"), "0")),
            ("reload", self.reload),
            ("new user", self.new_user),
            ("restart", self.restart),
        ]

    def login_with_password(self):
        """Somebody has left the key at home."""
        said = shell.guess("alice", [self.world.password("alice")], "cat notes.txt", source="")
        expect("ssh with a password", said, "milk")

    def mistyped_password(self):
        """Somebody needs a second try."""
        said = shell.guess("alice", ["wrong", self.world.password("alice")], "cat notes.txt", source="")
        expect("ssh with a password", said, "milk")

    @staticmethod
    def terminal():
        """Somebody sits at it, and looks around."""
        said = shell.login("alice", "tty; id; ps; ls -la; history | tail -1; exit 0", more=("-tt",))
        expect("a terminal", "/dev/pts/" in said and "uid=" in said, True)

    @staticmethod
    def copy():
        """Somebody fetches a file."""
        words = ["sftp", *shell.OPTIONS, "-o", "BatchMode=yes", "-i", str(shell.key("alice"))]
        must(*words, f"alice@{HOST}:notes.txt", "/run/bench-keys/copied", seconds=2 * PATIENCE)
        expect("sftp", pathlib.Path("/run/bench-keys/copied").read_text(encoding="utf-8"), "milk")

    def reload(self):
        """sshd executes itself."""
        with self.world.held(self):
            self.signal(signal.SIGHUP)
            last = None
            for _ in range(5):
                try:
                    return shell.login("alice", "uptime")
                except Failed as problem:
                    last = problem
            raise last

    def new_user(self):
        """A colleague logs in for the first time."""
        self.world.make_user("carol")
        directory(home("carol") / ".ssh", 0o700, "carol")
        public = pathlib.Path(f"{shell.key('alice')}.pub").read_text(encoding="ascii")
        write(home("carol") / ".ssh/authorized_keys", public, 0o600, "carol")
        write(shell.key("carol"), shell.key("alice").read_text(encoding="ascii"), 0o600)
        expect("ssh", shell.login("carol", "echo hello >hello.txt; cat hello.txt"), "hello")


class StockSshd(Sshd):
    """As the package sets it up: accounts and sessions are PAM's."""

    pam = "yes"
