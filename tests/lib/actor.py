# SPDX-License-Identifier: GPL-2.0
#
# actor.py TAG [FILE…]: a program that does in Python what it is told, by one line after the other on its
# standard input, and answers each by one line. FILEs give it more that it can do. Its command line makes it a cell
# or not. With +CODE behind them it does only that. A scenario starts and commands it as an Actor:
#
#   alpha = Actor(PYTHON, "cell", "reading.py")
#   alpha.do("1 + 1")                # 2; raises what went wrong there, OSError as itself
#   alpha.order("sock.recv(1)")      # the same in two steps, for what ends only when another does his part
#   alpha.answer()
#
# It takes nothing from a socket to do so, and opens no file while it works.

import ast
import ctypes
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback


HERE = os.path.dirname(os.path.abspath(__file__))


class Died(Exception):
    """The actor has gone, or does not answer."""


class Lines:
    """What a process says."""

    def __init__(self, fd, who):
        self.fd, self.who, self.rest = fd, who, b""

    def next(self, seconds):
        end = time.monotonic() + seconds
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            piece = os.read(self.fd, 1 << 20) if ready else b""
            if not piece:
                raise Died(f"{self.who} " + ("is gone" if ready else "does not answer"))
            self.rest += piece
        line, self.rest = self.rest.split(b"\n", 1)
        return line


class Actor:
    """One that was started."""

    def __init__(self, program, tag, *files, uid=None, pass_fds=(), env=None, seconds=20):
        self.seconds = seconds * int(os.environ.get("SLOW", "1"))
        self.process = subprocess.Popen(
            [program, "-IBS", HERE + "/actor.py", tag, *(HERE + "/" + name for name in files)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=pass_fds,
            env=env,
            **({} if uid is None else {"user": uid, "group": uid, "extra_groups": []}),
        )
        self.pid = self.process.pid
        self.lines = Lines(self.process.stdout.fileno(), f"{tag} ({self.pid})")
        if self.lines.next(self.seconds) != b"ready":
            raise Died(f"{tag} did not start")

    def order(self, code):
        self.process.stdin.write(repr(code).encode() + b"\n")
        self.process.stdin.flush()

    def answer(self, seconds=None):
        kind, value = ast.literal_eval(self.lines.next(seconds or self.seconds).decode())
        if kind == "done":
            return value
        if kind == "OSError":
            raise OSError(value, os.strerror(value))
        raise RuntimeError(f"{kind}: {value}")

    def do(self, code, seconds=None):
        self.order(code)
        return self.answer(seconds)

    def attempt(self, code, seconds=None):
        """What it came to in a word: done, or the name of the error."""
        try:
            self.do(code, seconds)
        except OSError as e:
            return errno.errorcode.get(e.errno, str(e.errno))
        return "done"

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


# --- what the program itself does

slots = {}
threads = {}


def later(name, code):
    """Does it in a thread; its end is told by ended()."""

    def run():
        threads[name][1] = perform(code)

    thread = threading.Thread(target=run, daemon=True)
    threads[name] = [thread, None]
    thread.start()


def ended(name, seconds=0):
    """What the thread's code came to, or None while it runs."""
    threads[name][0].join(seconds)
    return threads[name][1]


def forked(code):
    """What a child comes to that executes nothing."""
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        os.write(w, repr(perform(code)).encode())
        os._exit(0)
    os.close(w)
    text = b""
    while piece := os.read(r, 65536):
        text += piece
    os.close(r)
    os.waitpid(pid, 0)
    return ast.literal_eval(text.decode())


def run(*command):
    """The status of a child that executes another program."""
    pid = os.posix_spawn(command[0], command, os.environ)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def perform(code):
    try:
        try:
            result = eval(code, globals())
        except SyntaxError:
            exec(code, globals())
            result = None
        return "done", result if isinstance(result, (int, str, bytes, list, tuple, dict)) else None
    except OSError as e:
        return "OSError", e.errno or 0
    except Exception:
        return "Exception", traceback.format_exc()[-900:]


def say(*words):
    sys.stdout.write(repr(words) + "\n")
    sys.stdout.flush()


def say_ready():
    say("done", "ready")


def serve():
    for line in iter(sys.stdin.readline, ""):
        say(*perform(ast.literal_eval(line)))


def quit_first_thread():
    """Goes on in another thread; the first one exits, as by pthread_exit() in main()."""

    def go_on():
        say("done", None)
        serve()
        os._exit(0)

    threading.Thread(target=go_on).start()
    ctypes.CDLL(None).syscall(60, 0)


def main():
    # Gone with whoever has started it.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    for path in sys.argv[2:]:
        if path.startswith("+"):
            exec(path[1:], globals())
            return
        with open(path) as f:
            exec(compile(f.read(), path, "exec"), globals())
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    serve()


if __name__ == "__main__":
    main()
