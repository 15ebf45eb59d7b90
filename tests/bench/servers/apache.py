# SPDX-License-Identifier: GPL-2.0
"""Apache with static files and a CGI script that has a hole."""

import pathlib
import signal

from bench.clients import web
from bench.net import HOST
from bench.servers.server import SERVICES, Server, directory, must_say, rotate, write

ENABLED = pathlib.Path("/etc/apache2/mods-enabled")
VARIABLES = {
    "APACHE_RUN_USER": "www-data",
    "APACHE_RUN_GROUP": "www-data",
    "APACHE_PID_FILE": "/run/apache2/apache2.pid",
    "APACHE_RUN_DIR": "/run/apache2",
    "APACHE_LOCK_DIR": "/run/lock/apache2",
    "APACHE_LOG_DIR": "/var/log/apache2",
}

SITE = """
<VirtualHost *:8080>
	DocumentRoot /var/www/html
	ErrorLog ${APACHE_LOG_DIR}/error.log
	CustomLog ${APACHE_LOG_DIR}/access.log combined
</VirtualHost>
"""


class Apache(Server):
    """apache2, with the event module."""

    name = cell = "apache"
    port = 8080
    programs = ("apache2",)
    rate = 1.0
    routine = (
        ("write create", "/var/log/apache2/*"),
        ("exec", "/usr/lib/cgi-bin/status.cgi"),
        ("exec", "/usr/bin/dash"),
        ("exec", "/usr/bin/sed"),
        ("exec", "/usr/bin/df"),
        ("exec", "/usr/bin/date"),
        # It connects to nothing but the socket of its own CGI daemon.
        ("connect", "*"),
        ("map_exec", "/usr/lib/*"),
    )

    def command(self):
        return ["/usr/sbin/apache2", "-DFOREGROUND"]

    def environment(self):
        return VARIABLES

    def prepare(self):
        for path in ("/run/apache2", "/run/lock/apache2", "/var/log/apache2"):
            directory(path)
        directory("/run/apache2/socks", owner="www-data")
        write("/etc/apache2/ports.conf", f"Listen {HOST}:{self.port}\n")
        write("/etc/apache2/conf-enabled/bench.conf", f"ServerName {HOST}\n")
        write("/etc/apache2/sites-enabled/000-default.conf", SITE)
        for name in ("cgid.load", "cgid.conf"):
            if not (ENABLED / name).exists():
                (ENABLED / name).symlink_to(f"../mods-available/{name}")
        enabled = pathlib.Path("/etc/apache2/conf-enabled/serve-cgi-bin.conf")
        if not enabled.exists():
            enabled.symlink_to("../conf-available/serve-cgi-bin.conf")
        write("/usr/lib/cgi-bin/status.cgi", (SERVICES / "status.cgi").read_text(encoding="utf-8"), 0o755)
        for n in range(12):
            write(f"/var/www/html/docs/{n}.html", f"<p>chapter {n}</p>\n" * (10 + 30 * n))

    def visit(self, client):
        n = client.random.randrange(12)
        match client.random.randrange(6):
            case 0:
                web.right("/cgi-bin/status.cgi?path=/srv", b"Filesystem", self.port, client.source)
            case 1:
                web.right(f"/missing/{n}", b"Not Found", self.port, client.source, 404)
            case _:
                web.right(f"/docs/{n}.html", b"chapter %d<" % n, self.port, client.source)

    def tasks(self):
        return [
            ("config test", lambda: must_say("/usr/sbin/apache2", "-t", want="Syntax OK", env=VARIABLES)),
            ("reload", self.reload),
            ("rotate logs", self.rotate),
            ("new page", self.new_page),
            ("new directory", self.new_directory),
            ("new module", self.new_module),
            ("restart", self.restart),
        ]

    def reload(self):
        """A graceful restart; nobody notices."""
        self.signal(signal.SIGUSR1)
        web.right("/docs/1.html", b"chapter 1", self.port)

    def rotate(self):
        """Log rotation, which is a graceful restart here."""
        rotate("/var/log/apache2/access.log", lambda: self.signal(signal.SIGUSR1),
               lambda: web.get("/docs/1.html", self.port))

    def new_module(self):
        """An administrator switches one on that the package brings."""
        if not (ENABLED / "headers.load").exists():
            (ENABLED / "headers.load").symlink_to("../mods-available/headers.load")
        self.signal(signal.SIGUSR1)
        web.right("/docs/1.html", b"chapter 1", self.port)

    def new_page(self):
        """An editor puts a file into a directory that is known."""
        write("/var/www/html/docs/news.html", "<p>news</p>\n")
        web.right("/docs/news.html", b"news", self.port)

    def new_directory(self):
        """An editor makes a directory."""
        write("/var/www/html/campaign/spring.html", "<p>spring</p>\n")
        web.right("/campaign/spring.html", b"spring", self.port)
