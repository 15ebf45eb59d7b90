# SPDX-License-Identifier: GPL-2.0
"""redis, as root and without a password, like the ones that the worms found."""

import pathlib

from bench.clients import resp
from bench.net import HOST, expect
from bench.patience import Failed, wait
from bench.servers.server import Server, directory, rotate, write

CONFIG = "/etc/redis/bench.conf"
# What is worth stealing.
ACCOUNTS = 600

CONFIGURATION = f"""
bind {HOST}
port 6379
daemonize no
dir /var/lib/redis
logfile /var/log/redis/redis.log
save {{save}}
appendonly no
protected-mode no
enable-protected-configs yes
enable-module-command yes
"""


class Redis(Server):
    """redis-server."""

    name = cell = "redis"
    port = 6379
    programs = ("redis-server",)
    rate = 3.0
    routine = (
        ("write create", "/var/log/redis/redis.log"),
        ("map_exec", "/usr/lib/*"),
    )

    def command(self):
        return ["/usr/bin/redis-server", CONFIG]

    save = '""'

    def prepare(self):
        directory("/var/lib/redis", owner=self.user())
        directory("/var/log/redis", owner=self.user())
        # As in the package, its configuration is its own.
        directory(pathlib.Path(CONFIG).parent, owner=self.user())
        write(CONFIG, CONFIGURATION.format(save=self.save), owner=self.user())

    def answers(self):
        try:
            return resp.once("PING") == "PONG"
        except (OSError, ValueError, resp.Refused):
            return False

    def fill(self):
        """Puts the accounts there, if they are not."""
        connection = resp.Redis()
        if connection.ask("EXISTS", "account:0") == 0:
            for n in range(ACCOUNTS):
                connection.ask("SET", f"account:{n}", f"owner-{n} " + "x" * 400)
        connection.close()

    def start(self):
        super().start()
        self.fill()

    def stop(self):
        try:
            resp.once("SHUTDOWN", "NOSAVE")
        except (OSError, ValueError, resp.Refused):
            pass
        wait(self.is_dead, 10)
        super().stop()

    def visit(self, client):
        redis = client.keep("redis", lambda: resp.Redis(client.source))
        n = client.random.randrange(1000)
        match client.random.randrange(8):
            case 0:
                redis.ask("SET", f"cart:{n}", f"cart {n}")
                expect("GET", redis.ask("GET", f"cart:{n}"), b"cart %d" % n)
            case 1:
                redis.ask("INCR", "visits")
            case 2:
                redis.ask("LPUSH", "log", f"entry {n}")
                redis.ask("LTRIM", "log", 0, 99)
            case 3:
                redis.ask("SETEX", f"session:{n}", 60, "somebody")
            case 4:
                expect("INFO", redis.ask("INFO", "clients"), b"connected_clients")
            case 5:
                client.drop()
                expect("PING", client.keep("redis", lambda: resp.Redis(client.source)).ask("PING"), "PONG")
            case _:
                number = client.random.randrange(ACCOUNTS)
                expect("GET", redis.ask("GET", f"account:{number}"), b"owner-%d " % number)

    def tasks(self):
        return [
            ("background save", self.background_save),
            ("save", lambda: expect("SAVE", resp.once("SAVE"), "OK")),
            ("rewrite of the log", self.rewrite),
            ("rotate logs", lambda: rotate("/var/log/redis/redis.log", lambda: None, self.background_save)),
            ("rewrite of the configuration", lambda: expect("CONFIG", resp.once("CONFIG", "REWRITE"), "OK")),
            ("script", self.script),
            ("config set", lambda: expect("CONFIG", resp.once("CONFIG", "SET", "maxclients", "512"), "OK")),
            ("restart", self.restart),
        ]

    @staticmethod
    def background_save():
        """A backup: the child writes the database."""
        file = pathlib.Path("/var/lib/redis/dump.rdb")
        before = file.stat().st_mtime_ns if file.exists() else 0
        resp.once("BGSAVE")
        if not wait(lambda: file.exists() and file.stat().st_mtime_ns > before, 20, 0.2):
            raise Failed("BGSAVE has not written the database")

    @staticmethod
    def script():
        """A developer has it count by itself."""
        code = "local sum = 0; for n = 1, 1000 do sum = sum + n end; return redis.call('INCRBY', KEYS[1], sum)"
        expect("EVAL", resp.once("EVAL", code, 1, "counted") >= 500500, True)

    @staticmethod
    def rewrite():
        """The append-only file is switched on and off again."""
        expect("CONFIG", resp.once("CONFIG", "SET", "appendonly", "yes"), "OK")

        def is_idle():
            return b"aof_rewrite_in_progress:0" in (info := resp.once("INFO", "persistence")) and (
                b"aof_last_bgrewrite_status:ok" in info
            )

        good = wait(is_idle, 20, 0.3)
        resp.once("CONFIG", "SET", "appendonly", "no")
        if not good:
            raise Failed("the append-only file was not written")


class StockRedis(Redis):
    """As the package sets it up: with a user of its own, and saved now and then, and when it stops."""

    save = "3600 1 300 100 60 10000"

    def user(self):
        return "redis"

    def stop(self):
        """As an administrator does: with SIGTERM, which saves."""
        Server.stop(self)
