# SPDX-License-Identifier: GPL-2.0
#
# danger.py TAG DIR: does what is forbidden (ptrace), which raises danger signal two, and then one
# operation of each kind from the same process: exec may be denied by then. Prints "OPERATION done"
# or "OPERATION denied" for each; see vetoes.sh.

import ctypes
import errno
import mmap
import os
import signal
import socket
import sys

here = sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)


def system(result):
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def ptrace():
    pid = os.fork()
    if not pid:
        signal.pause()
    try:
        system(libc.ptrace(16, pid, 0, 0))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def execute():
    pid = os.fork()
    if not pid:
        try:
            os.execv("/usr/bin/true", ["true"])
        except OSError as e:
            os._exit(e.errno)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise OSError(code, os.strerror(code))


def connect():
    with socket.create_connection(("127.0.0.1", 7070), 20):
        pass


def map_exec():
    mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()


def module_load():
    data = b"no module, but long enough to be looked at" * 4
    try:
        system(libc.syscall(175, data, len(data), b""))
    except OSError as e:
        if e.errno != errno.ENOEXEC:
            raise


def path(name):
    return os.path.join(here, name)


def close(fd):
    os.close(fd)


OPERATIONS = {
    "ptrace": ptrace,
    "read": lambda: close(os.open(path("word"), os.O_RDONLY)),
    "write": lambda: close(os.open(path("word"), os.O_WRONLY)),
    "create": lambda: close(os.open(path("new"), os.O_RDWR | os.O_CREAT)),
    "unlink": lambda: os.unlink(path("gone")),
    "rename": lambda: os.rename(path("moved"), path("mover")),
    "exec": execute,
    "connect": connect,
    "map_exec": map_exec,
    "module_load": module_load,
}
for name, operation in OPERATIONS.items():
    try:
        operation()
        print(name, "done", flush=True)
    except PermissionError as e:
        print(name, "denied" if e.errno == errno.EPERM else e, flush=True)
    except OSError as e:
        print(name, "failed:", e, flush=True)
