# SPDX-License-Identifier: GPL-2.0
"""nginx, with static files and a location for PHP."""

import signal

from bench.clients import web
from bench.net import HOST, expect
from bench.patience import wait
from bench.servers.server import Server, directory, must_say, rotate, write

ROOT = "/srv/web"
CONFIG = "/etc/nginx/bench.conf"

CONFIGURATION = f"""
user www-data;
worker_processes 2;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
daemon off;
events {{ worker_connections 256; }}
http {{
	include /etc/nginx/mime.types;
	access_log /var/log/nginx/access.log;
	client_max_body_size 8m;
	include /etc/nginx/bench.d/*.conf;
	server {{
		listen {HOST}:80 default_server;
		root {ROOT};
		index index.html;
		# The slash that is missing here lets /media../ lead out of the directory.
		location /media {{ alias /srv/media/; }}
		location ~ \\.php$ {{
			include /etc/nginx/snippets/fastcgi-php.conf;
			fastcgi_pass unix:/run/php/bench.sock;
		}}
	}}
}}
"""

# One more site, which is there from some day on.
SHOP = f"""
server {{
	listen {HOST}:80;
	server_name shop.example;
	access_log /var/log/nginx/shop.log;
	root {ROOT}/shop.example;
}}
"""


class Nginx(Server):
    """nginx."""

    name = cell = "nginx"
    port = 80
    programs = ("nginx",)
    rate = 2.0
    needs = ("php",)
    routine = (
        # It connects to nothing but PHP's socket.
        ("connect", "*"),
        ("write create", "/var/log/nginx/*"),
        ("map_exec", "/usr/lib/*"),
    )

    def command(self):
        return ["/usr/sbin/nginx", "-c", CONFIG]

    def prepare(self):
        write(CONFIG, CONFIGURATION)
        directory("/etc/nginx/bench.d")
        directory("/var/log/nginx", owner="www-data")
        write(f"{ROOT}/index.html", "<h1>it works</h1>\n")
        for n in range(24):
            write(f"{ROOT}/static/{n % 3}/{n}.html", f"<p>page {n}</p>\n" * (20 + 40 * n))
            write(f"/srv/media/{n}.png", b"\x89PNG" + bytes(500 * n))

    def visit(self, client):
        n = client.random.randrange(24)
        match client.random.randrange(8):
            case 0:
                web.right("/index.html", b"it works", source=client.source)
            case 1:
                web.right(f"/missing/{n}", b"404", source=client.source, status=404)
            case 2:
                web.right(f"/media/{n}.png", b"PNG", source=client.source)
            case _:
                web.right(f"/static/{n % 3}/{n}.html", b"page %d<" % n, source=client.source)

    def tasks(self):
        return [
            ("config test", lambda: must_say("/usr/sbin/nginx", "-t", "-c", CONFIG, want="successful")),
            ("reload", self.reload),
            ("rotate logs", self.rotate),
            ("new page", self.new_page),
            ("new directory", self.new_directory),
            ("new site", self.new_site),
            ("large download", self.large_download),
            ("restart", self.restart),
        ]

    def reload(self):
        """New workers; nobody notices."""
        self.signal(signal.SIGHUP)
        web.right("/index.html", b"it works")

    def rotate(self):
        """Log rotation."""
        rotate("/var/log/nginx/access.log", lambda: self.signal(signal.SIGUSR1), lambda: web.get("/index.html"))

    def new_site(self):
        """An administrator adds a site with a log of its own."""
        write(f"{ROOT}/shop.example/index.html", "<h1>shop</h1>\n")
        write("/etc/nginx/bench.d/shop.conf", SHOP)
        self.signal(signal.SIGHUP)

        def answers():
            code, body = web.request("GET", "/index.html", headers={"Host": "shop.example"})
            return code == 200 and b"shop" in body

        expect("the new site", bool(wait(answers, 10, 0.5)), True)

    @staticmethod
    def large_download():
        """A visitor takes a film."""
        write("/srv/media/film.bin", bytes(6 << 20))
        code, body = web.get("/media/film.bin")
        expect("GET of a film", (code, len(body)), (200, 6 << 20))

    def new_page(self):
        """An editor puts a file into a directory that is known."""
        write(f"{ROOT}/static/0/news.html", "<p>news</p>\n")
        web.right("/static/0/news.html", b"news")

    def new_directory(self):
        """An editor makes a directory."""
        write(f"{ROOT}/campaign/spring/index.html", "<p>spring</p>\n")
        web.right("/campaign/spring/index.html", b"spring")
