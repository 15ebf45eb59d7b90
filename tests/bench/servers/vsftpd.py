# SPDX-License-Identifier: GPL-2.0
"""vsftpd, where users keep files."""

from bench.clients import files
from bench.net import HOST, expect
from bench.patience import wait
from bench.servers.server import Server, directory, home, rotate, write

CONFIG = "/etc/vsftpd-bench.conf"
# What is worth stealing, and deleting.
ARCHIVE = 150

CONFIGURATION = f"""listen=YES
listen_ipv6=NO
listen_address={HOST}
background=NO
anonymous_enable=NO
local_enable=YES
write_enable=YES
local_umask=022
seccomp_sandbox=NO
secure_chroot_dir=/run/vsftpd/empty
xferlog_enable=YES
vsftpd_log_file=/var/log/vsftpd.log
delay_failed_login=0
delay_successful_login=0
"""


class Vsftpd(Server):
    """vsftpd."""

    name = cell = "vsftpd"
    port = 21
    programs = ("vsftpd",)
    rate = 0.4
    routine = (
        ("write create unlink", "/home/*/incoming/*"),
        ("write create", "/var/log/vsftpd.log"),
        # At each login: the modules of PAM, its checker of passwords, and the sockets of the system log and of nscd.
        ("map_exec", "*"),
        ("exec", "/usr/sbin/unix_chkpwd"),
        ("connect", "*"),
    )

    def command(self):
        return ["/usr/sbin/vsftpd", CONFIG]

    def prepare(self):
        write(CONFIG, CONFIGURATION)
        directory("/run/vsftpd/empty")
        for user in ("alice", "bob"):
            directory(home(user) / "incoming", owner=user)
            write(home(user) / "hello.txt", "hello\n", owner=user)
        self.fill()

    @staticmethod
    def fill():
        """The archive, as it was."""
        directory(home("alice") / "archive", owner="alice")
        for n in range(ARCHIVE):
            write(home("alice") / f"archive/{n}.dat", f"archive {n}\n" * 300, owner="alice")

    def visit(self, client):
        user = client.random.choice(("alice", "bob"))
        n = client.random.randrange(10)
        with files.session(user, self.world.password(user), client.source) as ftp:
            match client.random.randrange(4):
                case 0:
                    expect("LIST", any("hello.txt" in name for name in ftp.nlst()), True)
                case 1:
                    files.upload(ftp, f"incoming/file-{n}.dat", client.random.randbytes(3000))
                case 2:
                    if f"incoming/file-{n}.dat" in ftp.nlst("incoming"):
                        ftp.delete(f"incoming/file-{n}.dat")
                case 3:
                    name = f"archive/{n}.dat" if user == "alice" else "hello.txt"
                    expect("RETR", len(files.download(ftp, name)) > 5, True)

    def tasks(self):
        return [
            ("login", self.login),
            ("upload and download", self.upload),
            ("new directory", self.new_directory),
            ("tidy up", self.tidy),
            ("rotate logs", lambda: rotate("/var/log/vsftpd.log", lambda: None, self.login)),
            ("restart", self.restart),
        ]

    def login(self):
        """Somebody looks what is there."""
        with files.session("alice", self.world.password("alice")) as ftp:
            expect("PWD", ftp.pwd(), str(home("alice")))

    def upload(self):
        """A file comes and goes again, the same bytes."""
        data = bytes(range(256)) * 100
        with files.session("bob", self.world.password("bob")) as ftp:
            files.upload(ftp, "incoming/report.dat", data)
            expect("RETR", files.download(ftp, "incoming/report.dat") == data, True)
            ftp.delete("incoming/report.dat")

    def tidy(self):
        """Somebody renames a file, takes up a transfer, and removes a directory."""
        with files.session("alice", self.world.password("alice")) as ftp:
            files.upload(ftp, "incoming/old.dat", bytes(2000))
            ftp.rename("incoming/old.dat", "incoming/better.dat")
            pieces = []
            ftp.retrbinary("RETR incoming/better.dat", pieces.append, rest=1000)
            expect("RETR", len(b"".join(pieces)), 1000)
            ftp.delete("incoming/better.dat")
            ftp.mkd("incoming/attic")
            ftp.rmd("incoming/attic")

    def new_directory(self):
        """Somebody makes a directory and puts a file there."""
        place = home("alice") / "incoming/summer"
        with files.session("alice", self.world.password("alice")) as ftp:
            if not place.is_dir():
                ftp.mkd("incoming/summer")
            files.upload(ftp, "incoming/summer/sea.txt", b"blue\n")
        expect("STOR", bool(wait((place / "sea.txt").exists, 5)), True)
