# SPDX-License-Identifier: GPL-2.0
"""The servers that are learned, in the order in which they are started."""

from bench.servers.apache import Apache
from bench.servers.app import App
from bench.servers.nginx import Nginx
from bench.servers.php import Php
from bench.servers.postgresql import Postgresql
from bench.servers.redis import Redis, StockRedis
from bench.servers.sshd import Sshd, StockSshd
from bench.servers.vsftpd import Vsftpd

KINDS = {kind.name: kind for kind in (Php, Nginx, Postgresql, Redis, Sshd, Apache, Vsftpd, App)}
# The same as packages set them up: who is to be kept serving is not as open as who is to be attacked.
STOCK = {**KINDS, Redis.name: StockRedis, Sshd.name: StockSshd}
