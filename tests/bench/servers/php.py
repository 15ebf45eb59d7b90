# SPDX-License-Identifier: GPL-2.0
"""php-fpm behind nginx, with an application that has holes."""

import pathlib
import signal

from bench.clients import web
from bench.net import expect
from bench.patience import wait
from bench.servers.nginx import ROOT
from bench.servers.server import SERVICES, Server, directory, must_say, write

SOCKET = "/run/php/bench.sock"
CONFIG = "/etc/php/bench-fpm.conf"

CONFIGURATION = f"""
[global]
error_log = /var/log/php-fpm.log
[www]
user = www-data
group = www-data
listen = {SOCKET}
listen.owner = www-data
pm = dynamic
pm.max_children = 5
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
"""


class Php(Server):
    """php-fpm."""

    name = "php"
    cell = "php-fpm"
    programs = ("php-fpm8.4",)
    rate = 1.5
    needs = ("nginx",)
    through = "nginx"
    routine = (
        ("write create rename", f"{ROOT}/uploads/*"),
        ("write create", f"{ROOT}/cache/*"),
        ("write create", f"{ROOT}/data/*"),
        ("write create unlink rename", "/tmp/php*"),
        ("map_exec", "/usr/lib/*"),
    )

    def command(self):
        return ["/usr/sbin/php-fpm8.4", "-F", "-y", CONFIG]

    def prepare(self):
        write(CONFIG, CONFIGURATION)
        directory("/run/php")
        for page in (SERVICES / "web").glob("*.php"):
            write(f"{ROOT}/{page.name}", page.read_text(encoding="utf-8"))
        for n in range(6):
            write(f"{ROOT}/pages/{n}.html", f"<p>text {n} <?= {n} * 2 ?></p>\n")
            write(f"{ROOT}/texts/{n}.txt", f"text {n}\n")
        for name in ("uploads", "cache", "data"):
            directory(f"{ROOT}/{name}", owner="www-data")

    def answers(self):
        return pathlib.Path(SOCKET).is_socket()

    def stop(self):
        super().stop()
        pathlib.Path(SOCKET).unlink(missing_ok=True)

    def visit(self, client):
        n = client.random.randrange(6)
        match client.random.randrange(6):
            case 0:
                web.right("/index.php", b"visits:", source=client.source)
            case 1 | 2:
                web.right(f"/page.php?p={n}.html", b"text %d %d" % (n, 2 * n), source=client.source)
            case 3:
                web.right(f"/view.php?f=texts/{n}.txt", b"text %d" % n, source=client.source)
            case 4:
                name = f"picture-{client.random.randrange(40)}.png"
                code, body = web.upload("/upload.php", name, client.random.randbytes(2000), source=client.source)
                expect("upload", (code, body), (200, b"kept\n"))
            case 5:
                name = f"picture-{client.random.randrange(40)}.png"
                if pathlib.Path(f"{ROOT}/uploads/{name}").exists():
                    code, body = web.get(f"/picture.php?f={name}", source=client.source)
                    expect("picture", (code, len(body)), (200, 41))

    def tasks(self):
        return [
            ("config test", lambda: must_say("/usr/sbin/php-fpm8.4", "-t", "-y", CONFIG, want="successful")),
            ("reload", self.reload),
            ("new page", self.new_page),
            ("new directory", self.new_directory),
            ("large upload", self.large_upload),
            ("restart", self.restart),
        ]

    def reload(self):
        """php-fpm executes itself; what it was doing is cut off, as it is by default."""
        with self.world.held(self):
            self.signal(signal.SIGUSR2)
            expect("reload", bool(wait(lambda: web.get("/index.php")[0] == 200, 20, 0.5)), True)

    def large_upload(self):
        """Somebody has a better camera."""
        code, body = web.upload("/upload.php", "picture-large.png", bytes(3 << 19))
        expect("upload", (code, body), (200, b"kept\n"))

    def new_page(self):
        """A developer puts a page into a directory that is known."""
        write(f"{ROOT}/contact.php", "<?php include 'pages/1.html'; echo 'contact ', 3 * 4, \"\\n\";\n")
        web.right("/contact.php", b"contact 12")

    def new_directory(self):
        """A developer brings a part of the application with files of its own."""
        write(f"{ROOT}/shop/lib/cart.php", "<?php function total($n) { return 5 * $n; }\n")
        write(f"{ROOT}/shop/index.php", "<?php require 'lib/cart.php'; echo 'total ', total(3), \"\\n\";\n")
        web.right("/shop/index.php", b"total 15")
