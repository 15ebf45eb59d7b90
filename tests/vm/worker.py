# SPDX-License-Identifier: GPL-2.0
#
# worker.py TAG [CODE]: a program that does what it is told, one line of Python after the other from
# standard input, and answers each with one line: "done", "done RESULT", "denied" (EPERM) or the name of what
# went wrong. A cell or not by its TAG. It is started by worker() of lib-worker.sh; with CODE it does only that.

import errno
import os
import socket
import sys
import time

BURN = 0
held = {}


def touch(path):
    """Creates a file."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))


def read(path, times=1):
    for _ in range(times):
        os.close(os.open(path, os.O_RDONLY))


def write(path, times=1):
    for _ in range(times):
        os.close(os.open(path, os.O_WRONLY))


def run(*command):
    """The status of a child that executes another program."""
    sys.stdout.flush()
    pid = os.posix_spawn(command[0], command, os.environ)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def forked(code):
    """What a child answers that executes nothing."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(w, answer(code).encode())
        os._exit(0)
    os.close(w)
    os.waitpid(pid, 0)
    text = os.read(r, 1000).decode()
    os.close(r)
    return text


def start(*command):
    """Starts a program as a child."""
    held[command] = os.posix_spawn(command[0], command, os.environ)


def orphan(*command):
    """Starts a program that is a child of init."""
    pid = os.fork()
    if not pid:
        os.setsid()
        os.posix_spawn(command[0], command, os.environ)
        os._exit(0)
    os.waitpid(pid, 0)


def address(where):
    if isinstance(where, int):
        return socket.AF_INET, ("127.0.0.1", where)
    return socket.AF_UNIX, where


def listen(where):
    family, at = address(where)
    held["listener"] = s = socket.socket(family)
    if family == socket.AF_INET:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(at)
    s.listen(64)


def accept(name):
    held[name] = held["listener"].accept()[0]


def connect(where, name="peer"):
    family, at = address(where)
    held[name] = s = socket.socket(family)
    s.settimeout(20)
    s.connect(at)


def send(name, data, times=1):
    for _ in range(times):
        held[name].sendall(data)


def receive(name, size):
    """Reads so many bytes, or until the end: what has come."""
    held[name].settimeout(20)
    got = b""
    while len(got) < size:
        data = held[name].recv(size - len(got))
        if not data:
            break
        got += data
    return got


def echoed(name, n, size, answer_size, answers):
    """Reads size bytes from each of n connections, and answers in so many pieces."""
    for i in range(n):
        assert len(receive(f"{name}{i}", size)) == size
        send(f"{name}{i}", bytes(answer_size), answers)


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def allocate(mib):
    held["memory"] = bytearray(b"x") * (mib << 20)


def answer(code):
    try:
        try:
            result = eval(code)
        except SyntaxError:
            exec(code, globals())
            result = None
        return "done" if result is None else f"done {result}"
    except OSError as e:
        return "denied" if e.errno == errno.EPERM else errno.errorcode.get(e.errno, str(e))
    except Exception as e:
        return f"{type(e).__name__}: {e}"


if len(sys.argv) > 2:
    print(answer(sys.argv[2]))
else:
    # What is imported only when it is needed is no work of the task's.
    read(os.devnull), time.process_time(), f"{b''!r}".encode("utf-8")
    print("ready", flush=True)
    for line in iter(sys.stdin.readline, ""):
        print(answer(line), flush=True)
