# SPDX-License-Identifier: GPL-2.0
#
# sigserver.py TAG DIR PORT: a server that writes down each byte that it reads, as it reads it, in
# hex: DIR/KIND.N for its Nth connection of a kind, a line for each read, at last "end REASON". It is
# a cell or not by its TAG. signatures.py talks to it; "kinds" are the ways in which servers read.

import array
import os
import socket
import sys
import threading
import time

tag, here, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
numbers = {}
lock = threading.Lock()


def note(kind):
    with lock:
        numbers[kind] = numbers.get(kind, 0) + 1
        return open(f"{here}/{kind}.{numbers[kind]}", "w", buffering=1)


def wait_for(name):
    while not os.path.exists(f"{here}/{name}"):
        time.sleep(0.01)


def read(conn, log, kind):
    reason = "eof"
    try:
        if kind == "inline":
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        if kind == "lowat":
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1 << 16)
            conn.setblocking(False)
        if kind in ("slow", "unixslow"):
            wait_for("read")
        while True:
            try:
                if kind == "peek":
                    log.write(conn.recv(65536, socket.MSG_PEEK).hex() + " peeked\n")
                data = conn.recv(1 if kind == "bytewise" else 65536)
            except BlockingIOError:
                time.sleep(0.001)
                continue
            if not data:
                break
            log.write(data.hex() + "\n")
            if kind == "echo":
                conn.sendall(data)
    except OSError as e:
        reason = f"errno {e.errno}"
    conn.close()
    log.write(f"end {reason}\n")
    log.close()


def serve(listener, kind):
    while True:
        if kind == "late":
            wait_for("accept")
        conn, _ = listener.accept()
        threading.Thread(target=read, args=(conn, note(kind), kind), daemon=True).start()


def receive_sockets(sock):
    """Connections that others have accepted come here."""
    while True:
        _, ancillary, _, _ = sock.recvmsg(1, socket.CMSG_SPACE(4))
        fds = array.array("i", ancillary[0][2])
        conn = socket.socket(fileno=fds[0])
        threading.Thread(target=read, args=(conn, note("passed"), "passed"), daemon=True).start()


def listen(kind, at):
    listener = socket.create_server(("::", at), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    if kind == "fast":
        listener.setsockopt(socket.IPPROTO_TCP, 23, 64)  # TCP_FASTOPEN
    threading.Thread(target=serve, args=(listener, kind), daemon=True).start()


KINDS = ["plain", "echo", "inline", "lowat", "peek", "bytewise", "late", "fast", "slow"]

# What a parent that is no cell has left open: a connection.
for fd in os.environ.get("INHERITED", "").split():
    conn = socket.socket(fileno=int(fd))
    threading.Thread(target=read, args=(conn, note("inherited"), "inherited"), daemon=True).start()

for number, kind in enumerate(KINDS):
    listen(kind, port + number)
for kind in ("unix", "unixslow"):
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(f"{here}/{kind}")
    unix.listen(64)
    threading.Thread(target=serve, args=(unix, kind), daemon=True).start()
passing = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
passing.bind(f"{here}/passing")
open(f"{here}/ready", "w").close()
receive_sockets(passing)
