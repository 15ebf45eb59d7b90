# SPDX-License-Identifier: GPL-2.0
#
# What becomes of a connection that was killed; run by kill.sh.

import ctypes
import errno
import os
import socket
import sys
import threading
import time

import reading
from actor import Actor
from kis import SLOW, Netlink, each, kernel_complaints, kisctl, ok, same, wait
from stuckfs import StuckFs

WORK = sys.argv[1]
PYTHON = WORK + "/python"
NOBODY = 65534
EVIL = b"GET /x EVIL7 and the rest\n"
GOOD = b"GET /x EVILx and the rest\n"
OBSERVE, ENFORCE = 0, 1
DEAD = ("ECONNRESET", "EPIPE", "ENOTCONN", "eof")

# What the process of the cell can do beside reading.py.
IN_THE_CELL = '''
def disconnect(name):
    """connect(AF_UNSPEC)"""
    if libc.connect(slots[name].fileno(), bytes(16), 16):
        raise OSError(ctypes.get_errno(), "connect")


def lock_with(name, path):
    """Locks the socket until that file is released: options of IP are copied from a page of it."""
    fd = os.open(path, os.O_RDONLY)
    page = mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, 3)
    place = ctypes.c_void_p(address_of(page))
    if libc.setsockopt(slots[name].fileno(), socket.IPPROTO_IP, socket.IP_OPTIONS, place, 4):
        raise OSError(ctypes.get_errno(), "IP_OPTIONS")


def what_comes(name):
    """All that can be read, as far as it is there, or why it cannot."""
    slots[name].settimeout(WAIT)
    try:
        return slots[name].recv(1000) or "eof"
    except TimeoutError:
        return "nothing"
    except OSError as e:
        return errno.errorcode[e.errno]


def word_of(step):
    try:
        return step() or "done"
    except OSError as e:
        return errno.errorcode.get(e.errno, str(e))


def rounds(number, where):
    """Connections to one who attacks every other: what the steps to revive these came to, and what became of the
    innocent ones."""
    attacked, innocent = {}, {}
    for n in range(2 * number):
        slots["round"] = sock = socket.socket()
        limit(sock)
        # The attack may be there before the connection is told of.
        word = word_of(lambda: sock.connect(where))
        if n % 2:
            word = str((word, word_of(lambda: sock.recv(1000)), word_of(lambda: sock.send(b"x"))))
            innocent[word] = innocent.get(word, 0) + 1
            sock.close()
            continue
        if word not in ("done", "ECONNRESET"):
            attacked[word] = attacked.get(word, 0) + 1
        for _ in range(3):
            for step in (lambda: sock.recv(1000), lambda: disconnect("round"), lambda: sock.connect(where)):
                word = str(word_of(step))
                attacked[word] = attacked.get(word, 0) + 1
        sock.close()
    return attacked, innocent
'''


class Outside:
    """A server, and the other end of what the cell connects."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.where = self.listener.getsockname()

    def meet(self, name):
        """The cell's process connects; our end."""
        cell.do(f"connect({name!r}, 'tcp4', {self.where!r})")
        return self.take()

    def take(self):
        self.listener.settimeout(5 * SLOW)
        conn = self.listener.accept()[0]
        conn.settimeout(5 * SLOW)
        return conn

    def kill(self, name):
        conn = self.meet(name)
        conn.send(EVIL)
        return conn


def mode(number):
    nl.one("mode-set", mode=number)


def what_comes(name):
    return cell.do(f"what_comes({name!r})")


def is_reset(conn, seconds):
    """Whether the other end learns that it is over."""
    conn.settimeout(seconds)
    try:
        return conn.recv(1000) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def revive(name):
    """connect(AF_UNSPEC) and connect(): what they came to."""
    return cell.attempt(f"disconnect({name!r})"), cell.attempt(f"slots[{name!r}].connect({outside.where!r})")


def while_observing_it_is_read_and_connected_again():
    mode(OBSERVE)
    conn = outside.kill("c")
    same("control: observing, the attack is read", what_comes("c"), EVIL)
    same("control: and the socket can be connected anew", revive("c"), ("done", "done"))
    outside.take().send(EVIL)
    same("control: and the next attack is read too", what_comes("c"), EVIL)
    same("control: both are counted as matches", nl.dump("cell-get")[0]["matches"], 2)
    conn.close()
    mode(ENFORCE)


def a_killed_socket_stays_dead():
    conn = outside.kill("c")
    same("a match resets the connection", what_comes("c"), "ECONNRESET")
    ok("the other end learns it", is_reset(conn, 5 * SLOW))
    same("it cannot be disconnected nor connected", revive("c"), ("ECONNRESET", "ECONNRESET"))
    same("nor later", revive("c"), ("ECONNRESET", "ECONNRESET"))
    ok("nothing comes on it", what_comes("c") in DEAD)
    ok("nothing goes out on it", cell.attempt("slots['c'].send(b'x')") in DEAD)
    same("it can be closed", cell.attempt("close('c')"), "done")


def whoever_connects_it():
    """Somebody outside of the cell has the same socket: no veto, no cell."""
    outside.kill("c")
    what_comes("c")
    pidfd = reading.call(reading.PIDFD_OPEN, cell.pid, 0)
    sock = socket.socket(fileno=reading.call(reading.PIDFD_GETFD, pidfd, cell.do("slots['c'].fileno()"), 0))
    os.close(pidfd)
    said = []
    for where in (bytes(16), None) * 2:
        if where:
            said.append(ctypes.get_errno() if reading.libc.connect(sock.fileno(), where, 16) else 0)
        else:
            said.append(sock.connect_ex(outside.where))
    same("nobody outside connects it", said, [errno.ECONNRESET] * 4)
    ok("nothing comes on it", what_comes("c") in DEAD)
    sock.close()
    cell.do("close('c')")


def it_can_be_listened_on_at_most_with_scanning():
    outside.kill("c")
    what_comes("c")
    cell.attempt("slots['c'].bind(('127.0.0.1', 7099))")
    if cell.attempt("slots['c'].listen(8)") != "done":
        return ok("it does not listen")
    port = cell.do("slots['c'].getsockname()[1]")
    conn = socket.create_connection(("127.0.0.1", port), 5 * SLOW)
    conn.send(EVIL)
    cell.do("accept('d', slots['c'])")
    ok("what it accepts is looked at", what_comes("d") in DEAD)


def stand_still(name):
    """Two threads: the first locks the socket until the attack waits behind the lock, the second is next."""
    conn = outside.meet(name)
    for turn in (1, 2):
        cell.do(f"later('lock{turn}', \"lock_with({name!r}, '{WORK}/stuck/{name}{turn}')\")")
        time.sleep(0.1 * SLOW)
    conn.send(EVIL)
    time.sleep(0.05 * SLOW)
    stuck.release(f"{name}1")
    held = wait(lambda: cell.do("ended('lock1')")) and not cell.do("ended('lock2', 0.3)")
    return conn, held


def the_others_go_on_while_one_is_locked():
    conn, held = stand_still("a")
    ok("a killed socket is locked by its process", held)
    others = [outside.kill(f"b{n}") for n in range(3)]
    said = [what_comes(f"b{n}") for n in range(3)]
    same("others are killed meanwhile", said, ["ECONNRESET"] * 3)
    same("their other ends learn it meanwhile", [is_reset(other, 2 * SLOW) for other in others], [True] * 3)
    words = set()
    for n in range(3):
        # Where a killed socket is still on a list, it must not come there once more.
        for _ in range(4):
            words.update(revive(f"b{n}"))
            outside.listener.settimeout(0)
            try:
                outside.listener.accept()[0].send(EVIL)
            except OSError:
                pass
            what_comes(f"b{n}")
    same("none of them is connected again meanwhile", words, {"ECONNRESET"})
    same("the lock is still held", cell.do("ended('lock2')"), None)
    stuck.release("a2")
    ok("then its process goes on", wait(lambda: cell.do("ended('lock2')")))
    ok("and its other end learns it too", is_reset(conn, 5 * SLOW))
    for n in range(3):
        cell.do(f"close('b{n}')")
    cell.do("close('a')")


def hundreds_of_times():
    """With a server that attacks every other connection."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)

    def attack():
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            kept.append(conn)
            try:
                conn.send(GOOD if len(kept) % 2 == 0 else EVIL)
            except OSError:
                pass

    kept = []
    thread = threading.Thread(target=attack, daemon=True)
    thread.start()
    seen, innocent = cell.do(f"rounds(200, {listener.getsockname()!r})", 120 * SLOW)
    wrong = {word for word in seen if "EVIL" in word or word == "done"}
    same("200 attacks, 600 tries to revive them: nothing was read", wrong, set())
    ok("each was reset", seen.get("ECONNRESET", 0) >= 200, seen)
    same("200 innocent ones in between live", innocent, {str(("done", GOOD, 1)): 200})
    listener.close()
    for conn in kept:
        conn.close()


def accepted_ones():
    cell.do("slots['l'] = bound('tcp4')")
    port = cell.do("slots['l'].getsockname()[1]")
    conn = socket.create_connection(("127.0.0.1", port))
    conn.send(EVIL)
    cell.do("accept('c', slots['l'])")
    ok("an accepted connection is killed", what_comes("c") in DEAD)
    same("and not connected elsewhere", revive("c"), ("ECONNRESET", "ECONNRESET"))
    conn = socket.create_connection(("127.0.0.1", port), 5 * SLOW)
    conn.send(b"hello")
    cell.do("accept('c', slots['l'])")
    same("its listener still serves", what_comes("c"), b"hello")


def unix_ones():
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind("\0kis-kill")
        listener.listen(8)
        cell.do("connect('u', 'unix', '\\0kis-kill')")
        conn = listener.accept()[0]
        for _ in range(20):
            try:
                conn.send(EVIL)
            except OSError:
                pass
        ok("a unix connection is killed", what_comes("u") in DEAD)
        ok("and not connected again", cell.attempt("slots['u'].connect('\\0kis-kill')") != "done")
        ok("and nothing comes on it", what_comes("u") in DEAD)


nl, outside, stuck = Netlink(), Outside(), StuckFs(WORK + "/stuck")
cell = Actor(PYTHON, "cell", "reading.py", uid=NOBODY)
cell.do(IN_THE_CELL)
each(
    [
        while_observing_it_is_read_and_connected_again,
        a_killed_socket_stays_dead,
        whoever_connects_it,
        it_can_be_listened_on_at_most_with_scanning,
        accepted_ones,
        unix_ones,
        hundreds_of_times,
        the_others_go_on_while_one_is_locked,
    ]
)
cell.end()
stuck.close()
done = kisctl("cell", "unload")
same("the cells can be unloaded", done.returncode, 0)
same("the kernel does not complain", kernel_complaints(), [])
