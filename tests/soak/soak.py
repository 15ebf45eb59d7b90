# SPDX-License-Identifier: GPL-2.0
#
# soak.py DIR MINUTES: the hostile processes of soak.sh, and the officer who loads the cells each second.

import socket
import sys
import threading
import time

from actor import Actor, Died
from kis import SLOW, Netlink, kernel_complaints, kisctl, ok, same, wait

WORK, MINUTES = sys.argv[1], float(sys.argv[2])
PYTHON = WORK + "/python"
NOBODY = 65534
EVIL = b"GET /x EVIL7 and the rest\n"

# Each is a loop until its time is over; it says how many rounds it made, and what it has read of an attack.
IN_THE_CELL = """
def quietly(step):
    try:
        return step()
    except (OSError, ValueError):
        return None


def until(seconds, round_):
    end, rounds, read_ = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        read_ += round_(rounds) or 0
        rounds += 1
    return rounds, read_


def received(sock):
    sock.settimeout(0.2)
    data = quietly(lambda: sock.recv(1000)) or b""
    return b"EVIL7" in data


def connect_and_again(where):
    def round_(n):
        got = 0
        sock = socket.socket()
        for _ in range(3):
            quietly(lambda: sock.connect(where))
            got += received(sock)
            libc.connect(sock.fileno(), bytes(16), 16)
        if n % 3:
            quietly(lambda: sock.listen(1))
        sock.close()
        return got

    return round_


def pass_on(where):
    '''Sockets in flight, in circles, and closed on the way.'''
    a, b = socket.socketpair()

    def round_(n):
        nonlocal a, b
        sock = socket.socket()
        quietly(lambda: sock.connect(where))
        quietly(lambda: socket.send_fds(a, [b"x"], [sock.fileno(), a.fileno(), b.fileno()]))
        sock.close()
        got = 0
        if n % 4:
            fds = quietly(lambda: socket.recv_fds(b, 1, 3)[1]) or []
            for fd in fds:
                other = socket.socket(fileno=fd)
                got += other.family == socket.AF_INET and received(other)
                other.close()
        if n % 50 == 49:
            # What was not taken out goes with them, by the collector of sockets in flight.
            a.close()
            b.close()
            a, b = socket.socketpair()
        a.settimeout(0.2)
        b.settimeout(0.2)
        return got

    return round_


def splice_on(where):
    out, into = os.pipe()

    def round_(n):
        sock = socket.socket()
        quietly(lambda: sock.connect(where))
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVTIMEO, struct.pack("<qq", 0, 200000))
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVLOWAT, 1 + n % 2 * 4000)
        size = quietly(lambda: os.splice(sock.fileno(), into, 65536)) or 0
        got = size and b"EVIL7" in os.read(out, size)
        if n % 5 == 0:
            ours, theirs = socket.socketpair()
            quietly(lambda: ours.send(b"a unix EVIL7"))
            theirs.settimeout(0.1)
            got += received(theirs)
            ours.close()
            theirs.close()
        sock.close()
        return got

    return round_


def storm(n):
    '''Children, grandchildren and threads, that execute something or crash or just end.'''
    pids = []
    for i in range(4):
        pid = os.fork()
        if not pid:
            if i == 0:
                quietly(lambda: os.execv("/usr/bin/true", ["true"]))
            elif i == 1:
                os.fork()
            elif i == 2:
                libc.ptrace(0x4206, os.getppid(), 0, 0)
                quietly(lambda: os.open("/soak-elsewhere", os.O_CREAT | os.O_WRONLY))
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    return 0
"""


class Attacker:
    """A server that attacks whoever connects, most of the time."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.where, self.sent = self.listener.getsockname(), 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        conns = []
        while True:
            try:
                conn, _ = self.listener.accept()
                conn.send(b"hello, a friend" if self.sent % 8 == 7 else EVIL)
                self.sent += 1
                conns.append(conn)
            except OSError:
                pass
            if len(conns) > 30:
                conns.pop(0).close()


def officer(until, told):
    """Loads the cells each second, sometimes the signatures too. In between there is always a cell."""
    while time.monotonic() < until:
        commands = [("cell", "load", WORK + "/cells.json")]
        if told["loads"] % 7 == 0:
            commands.append(("sig", "load", WORK + "/sigs.json"))
        began = time.monotonic()
        for command in commands:
            if kisctl(*command).returncode:
                told["refused"] += 1
        told["loads"] += 1
        time.sleep(max(0, began + 1 - time.monotonic()))


def main():
    nl, attacker, told = Netlink(), Attacker(), {"loads": 0, "refused": 0}
    done = kisctl("cell", "load", WORK + "/cells.json")
    same("the cells are loaded", done.returncode, 0)
    jobs = {
        "connect": f"connect_and_again({attacker.where!r})",
        "pass": f"pass_on({attacker.where!r})",
        "splice": f"splice_on({attacker.where!r})",
        "storm": "storm",
    }
    actors = {name: Actor(PYTHON, "cell", "reading.py", uid=NOBODY) for name in jobs}
    calm = Actor(PYTHON, "calm", "reading.py")
    same("four processes are in the cell", wait(lambda: nl.dump("cell-get")[0]["processes"] >= 4), True)
    end = time.monotonic() + 60 * MINUTES
    load = threading.Thread(target=officer, args=(end, told))
    load.start()
    for name, actor in actors.items():
        # The officer and the server have to come to their turns.
        actor.do("os.nice(10)")
        actor.do(IN_THE_CELL)
        actor.order(f"until({60 * MINUTES}, {jobs[name]})")
    # An innocent process of another cell, that talks to a server of its own all the time.
    served = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:
        calm.do(f"connect('c', 'tcp4', {listener.getsockname()!r})")
        conn = listener.accept()[0]
        while time.monotonic() < end:
            conn.send(b"a word to an innocent one")
            pieces, _, reason = calm.do("take('recv', slots['c'], 25)")
            if reason != "full" or b"".join(pieces) != b"a word to an innocent one":
                break
            served += 1
            time.sleep(0.2)
    load.join()
    for name, actor in actors.items():
        try:
            rounds, read = actor.answer(120 * SLOW)
        except (Died, RuntimeError, OSError) as e:
            rounds, read = 0, str(e)
        print(f"# {name}: {rounds} rounds")
        ok(f"{name} went on to the end", rounds > 0, rounds, read)
        same(f"{name} has read nothing of an attack", read, 0)
        actor.end()
    print(f"# {told['loads']} loads, {attacker.sent} attacks, {served} words to an innocent process")
    ok("an innocent connection lived through it", served > MINUTES * 60, served)
    same("no load was refused", told["refused"], 0)
    calm.end()
    same("the kernel does not complain", kernel_complaints(), [])


main()
