# SPDX-License-Identifier: GPL-2.0
"""PostgreSQL with a shop's database."""

import os
import pathlib
import shutil
import signal

from bench.clients import sql
from bench.net import HOST, expect
from bench.patience import Broken, must, wait
from bench.servers.server import Server, directory, write

BIN = "/usr/lib/postgresql/17/bin"
DATA = "/var/lib/postgresql/bench"
# What is worth stealing.
ACCOUNTS = 4000

CONFIGURATION = f"""
listen_addresses = '{HOST}'
unix_socket_directories = '/run/postgresql'
fsync = off
max_connections = 40
shared_buffers = 32MB
logging_collector = on
log_directory = '/var/log/postgresql'
log_filename = 'bench-%M%S.log'
"""


class Postgresql(Server):
    """The postmaster and its children."""

    name = cell = "postgresql"
    port = 5432
    programs = ("postgres",)
    rate = 1.5
    routine = (
        ("write create unlink rename", f"{DATA}/*"),
        ("write create", "/var/log/postgresql/*"),
        ("write create unlink rename", "/dev/shm/PostgreSQL.*"),
        ("map_exec", "/usr/lib/*"),
    )

    def command(self):
        return [f"{BIN}/postgres", "-D", DATA]

    def user(self):
        return "postgres"

    def prepare(self):
        for path in ("/run/postgresql", "/var/lib/postgresql", "/var/log/postgresql"):
            directory(path, owner="postgres")
        if not pathlib.Path(DATA, "PG_VERSION").exists():
            must(f"{BIN}/initdb", "-D", DATA, "-A", "trust", "-N", "--no-locale", user="postgres", group="postgres",
                 seconds=180, cwd="/")
        write(f"{DATA}/postgresql.auto.conf", CONFIGURATION, 0o600, "postgres")
        with open(f"{DATA}/pg_hba.conf", "a", encoding="utf-8") as rules:
            rules.write("host all,replication all 10.66.0.0/24 trust\n")

    def answers(self):
        try:
            return sql.once("SELECT 1", database="postgres") == [["1"]]
        except (OSError, ValueError, sql.Refused):
            return False

    def start(self):
        super().start()
        if sql.once("SELECT 1 FROM pg_database WHERE datname = 'shop'", database="postgres"):
            return
        sql.once("CREATE DATABASE shop", database="postgres")
        connection = sql.Postgres()
        connection.ask("CREATE TABLE accounts (id int PRIMARY KEY, owner text, card text)")
        connection.ask(
            "INSERT INTO accounts SELECT n, 'owner-' || n, repeat(md5(n::text), 4) "
            f"FROM generate_series(1, {ACCOUNTS}) n"
        )
        connection.ask("CREATE TABLE orders (id serial PRIMARY KEY, account int, item text)")
        connection.close()

    def stop(self):
        if not self.is_dead():
            self.process.send_signal(signal.SIGINT)
            wait(self.is_dead, 20)
        super().stop()

    def visit(self, client):
        shop = client.keep("shop", lambda: sql.Postgres(client.source))
        n = client.random.randrange(1, ACCOUNTS)
        match client.random.randrange(7):
            case 0 | 1:
                shop.ask(f"INSERT INTO orders (account, item) VALUES ({n}, 'item {n}')")
            case 2:
                shop.ask(f"UPDATE accounts SET owner = 'owner-{n}' WHERE id = {n}")
            case 3:
                shop.ask("SELECT item FROM orders ORDER BY id DESC LIMIT 10")
            case 4:
                shop.ask("SELECT count(*) FROM accounts")
            case 5:
                client.drop()
                again = client.keep("shop", lambda: sql.Postgres(client.source))
                expect("SELECT", again.ask("SELECT 6 * 7"), [["42"]])
            case _:
                expect("SELECT", shop.ask(f"SELECT owner FROM accounts WHERE id = {n}"), [[f"owner-{n}"]])

    def tasks(self):
        return [
            ("checkpoint", lambda: sql.once("CHECKPOINT")),
            ("vacuum", lambda: sql.once("VACUUM ANALYZE")),
            ("create database", self.create_database),
            ("backup", self.backup),
            ("backup of the files", self.base_backup),
            ("new extension", self.new_extension),
            ("new user", self.new_user),
            ("reload", lambda: (self.signal(signal.SIGHUP), sql.once("SELECT 1"))),
            ("rotate logs", self.rotate),
            ("new table", self.new_table),
            ("reindex", lambda: (sql.once("VACUUM FULL accounts"), sql.once("REINDEX TABLE orders"))),
            ("change of a setting", self.change_setting),
            ("large report", self.large_report),
            ("new function", self.new_function),
            ("restart", self.restart),
        ]

    @staticmethod
    def create_database():
        """One more database, which goes again."""
        sql.once("CREATE DATABASE reports", database="postgres")
        sql.once("DROP DATABASE reports", database="postgres")

    @staticmethod
    def backup():
        """pg_dump, by someone who may read everything."""
        text = must("/usr/bin/pg_dump", "-h", HOST, "-U", "postgres", "shop", seconds=60)
        expect("pg_dump", f"owner-{ACCOUNTS}\t" in text, True)

    @staticmethod
    def base_backup():
        """pg_basebackup, by somebody who may replicate."""
        shutil.rmtree("/tmp/base-backup", ignore_errors=True)
        must("/usr/bin/pg_basebackup", "-h", HOST, "-U", "postgres", "-X", "fetch", "-D", "/tmp/base-backup", seconds=60)
        expect("pg_basebackup", pathlib.Path("/tmp/base-backup/PG_VERSION").exists(), True)
        shutil.rmtree("/tmp/base-backup", ignore_errors=True)

    @staticmethod
    def new_extension():
        """A developer wants one of those that the package brings."""
        sql.once("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        expect("SELECT", sql.once("SELECT similarity('word', 'word')"), [["1"]])

    @staticmethod
    def new_user():
        """An administrator makes one, who logs in."""
        sql.once("DROP ROLE IF EXISTS clerk")
        sql.once("CREATE ROLE clerk LOGIN")
        connection = sql.Postgres(user="clerk", database="postgres")
        expect("SELECT", connection.ask("SELECT current_user"), [["clerk"]])
        connection.close()

    @staticmethod
    def rotate():
        """The collector begins a new file."""
        logs = pathlib.Path("/var/log/postgresql")
        before = set(os.listdir(logs))
        if not before:
            raise Broken("postgresql has no log to be rotated")
        sql.once("SELECT pg_rotate_logfile()")
        expect("rotation", bool(wait(lambda: set(os.listdir(logs)) - before, 10, 0.3)), True)

    @staticmethod
    def change_setting():
        """An administrator gives it more memory, by SQL."""
        sql.once("ALTER SYSTEM SET work_mem = '5MB'")
        sql.once("SELECT pg_reload_conf()")
        expect("SHOW", bool(wait(lambda: sql.once("SHOW work_mem") == [["5MB"]], 10, 0.3)), True)

    @staticmethod
    def large_report():
        """A query that does not fit into memory."""
        connection = sql.Postgres()
        connection.ask("SET work_mem = '64kB'")
        query = "SELECT count(*) FROM (SELECT md5(n::text) FROM generate_series(1, 50000) n ORDER BY 1 OFFSET 1) x"
        expect("SELECT", connection.ask(query), [["49999"]])
        connection.close()

    @staticmethod
    def new_function():
        """A developer writes a function in PL/pgSQL."""
        sql.once(
            "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE plpgsql AS "
            "$$ BEGIN RETURN 2 * n; END $$"
        )
        expect("SELECT", sql.once("SELECT twice(21)"), [["42"]])

    @staticmethod
    def new_table():
        """A developer makes a table with an index."""
        sql.once("CREATE TABLE IF NOT EXISTS reviews (id serial PRIMARY KEY, text text)")
        sql.once("INSERT INTO reviews (text) SELECT 'good' FROM generate_series(1, 50)")
        sql.once("CREATE INDEX IF NOT EXISTS by_text ON reviews (text)")
        expect("SELECT", int(sql.once("SELECT count(*) FROM reviews")[0][0]) >= 50, True)
