# SPDX-License-Identifier: GPL-2.0
#
# Who is found when cells are loaded; run by adopt.sh.

import os
import signal
import subprocess
import sys
import time

from actor import Actor
from kis import SLOW, Netlink, each, kernel_complaints, kisctl, ok, same, wait

WORK = sys.argv[1]
PYTHON = WORK + "/python"
RSS_KIB = 1
# To the kernel with its checks each of them is so much more work.
MAPPINGS = 50000 // SLOW
NOBODY = 65534

IN_THE_CELL = '''
import signal


def touch(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))


def fill(mib):
    slots["memory"] = bytearray(b"x") * (mib << 20)


def make_forks_long(number):
    """So many mappings that cannot be merged, which a child gets one by one."""
    for n in range(number):
        libc_mmap(0, 4096, 1 + n % 2, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1)


def make_children(stop, number):
    """A process that is seldom let run, and makes children that stay."""
    if os.fork():
        return
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    for _ in range(number):
        if os.path.exists(stop):
            break
        if not os.fork():
            signal.pause()
    signal.pause()


def keep_memory_busy(number):
    """So many mappings, all of which are changed again and again: whoever looks at this memory finds it locked."""
    place = libc_mmap(0, number * 4096, 1, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1)
    for n in range(0, number, 2):
        libc.mprotect(ctypes.c_void_p(place + n * 4096), ctypes.c_size_t(4096), 0)

    def run():
        while True:
            for dont_fork, do_fork in ((10, 11),):
                libc.madvise(ctypes.c_void_p(place), ctypes.c_size_t(number * 4096), dont_fork)
                libc.madvise(ctypes.c_void_p(place), ctypes.c_size_t(number * 4096), do_fork)

    for _ in range(3):
        threading.Thread(target=run, daemon=True).start()


def fork_one(go, into):
    """A child that waits for a file, tries to make another, and writes down what it came to."""
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        while not os.path.exists(go):
            time.sleep(0.01)
        kind, value = perform(f"touch({into + '.made'!r})")
        with os.fdopen(said, "w") as f:
            f.write(f"{kind} {value}")
        os._exit(0)
    os.waitpid(pid, os.WNOHANG)
    return int((time.monotonic() - began) * 1000)
'''


def load():
    done = kisctl("cell", "load", WORK + "/cells.json")
    assert done.returncode == 0, done.stderr


def unload():
    nl.one("cell-unload")


def processes():
    return nl.dump("cell-get")[0]["processes"]


def resident():
    return nl.dump("param-get")[RSS_KIB]["observed"]


def state(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def clean():
    for name in os.listdir(WORK + "/out"):
        os.unlink(f"{WORK}/out/{name}")


def makes(actor, name):
    return actor.attempt(f"touch('{WORK}/out/{name}')")


def first_thread_has_gone():
    for gone in (False, True):
        text = "whose first thread has gone" if gone else "with its first thread (control)"
        cell = Actor(PYTHON, "cell", "reading.py")
        cell.do(IN_THE_CELL)
        cell.do("fill(40)")
        if gone:
            cell.do("quit_first_thread()")
            ok("its first thread is a zombie", wait(lambda: state(cell.pid) == "Z"), state(cell.pid))
        same(f"a process {text} is free before", makes(cell, "before"), "done")
        load()
        same(f"a process {text} is in the cell", wait(processes), 1)
        same(f"a process {text} may not write outside", makes(cell, "after"), "EPERM")
        ok(f"a process {text} has memory", wait(lambda: resident() > 40 * 1024), f"{resident()} KiB")
        load()
        same(f"a process {text} is in it after a reload", makes(cell, "reloaded"), "EPERM")
        ok(f"a process {text} has memory after a reload", wait(lambda: resident() > 40 * 1024), f"{resident()} KiB")
        cell.end()
        ok(f"a process {text} is gone", wait(lambda: processes() == 0))
        unload()
        clean()


def child_is_being_made():
    """The cells are loaded while the parent is in fork(), at several times of it."""
    cell = Actor(PYTHON, "cell", "reading.py")
    cell.do(IN_THE_CELL)
    cell.do(f"make_forks_long({MAPPINGS})", 60 * SLOW)
    missed, long = [], 0
    for turn in range(12):
        go, into = f"{WORK}/go{turn}", f"{WORK}/out/{turn}"
        said = f"{WORK}/in/{turn}"
        cell.do(f"said = os.open({said!r}, os.O_WRONLY | os.O_CREAT)")
        cell.order(f"fork_one({go!r}, {into!r})")
        time.sleep(long / 1000 * (turn % 6) / 6)
        load()
        # Loaded before the child was there: it had to be found in the making. A parent whose memory was
        # locked for longer than the officer waits is found by a tick, and the child with it.
        took = cell.answer(60 * SLOW)
        long = max(long, took)
        wait(lambda: processes() >= 2, 5)
        open(go, "w").close()
        wait(lambda: os.path.getsize(said))
        with open(said) as f:
            text = f.read()
        if text != "OSError 1":
            missed.append((turn, took, text))
        cell.do("os.close(said)")
        unload()
        clean()
    print(f"# a fork takes up to {long} ms")
    same("no child was missed that was being made when the cells were loaded", missed, [])
    ok("forks were long enough", long > 30, f"{long} ms")
    cell.end()


def those_who_run(program):
    """How many processes do."""
    found = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found += os.readlink(f"/proc/{pid}/exe") == program and state(pid) != "Z"
        except OSError:
            pass
    return found


def family_that_grows():
    """The cells are loaded while many children are made by parents who may wait long in the middle of it."""
    missed = []
    burners = [subprocess.Popen(["/bin/sh", "-c", "while :; do :; done"]) for _ in range(os.cpu_count())]
    for turn in range(4):
        stop = f"{WORK}/stop{turn}"
        cell = Actor(PYTHON, "cell", "reading.py")
        cell.do("os.setpgid(0, 0)")
        cell.do(IN_THE_CELL)
        for _ in range(4):
            cell.do(f"make_children({stop!r}, {60 // SLOW})")
        time.sleep(0.03 * turn)
        load()
        open(stop, "w").close()
        if not wait(lambda: processes() == those_who_run(PYTHON)):
            missed.append((turn, processes(), those_who_run(PYTHON)))
        os.killpg(cell.pid, signal.SIGKILL)
        cell.end()
        unload()
        wait(lambda: those_who_run(PYTHON) == 0)
    for one in burners:
        one.kill()
        one.wait()
    same("no child was missed of parents who wait", missed, [])


def timed_load():
    began = time.monotonic()
    load()
    return time.monotonic() - began


def those_who_were_found_stay():
    """A neighbour keeps the officer looking, also when he loads again: for whom he has found, nothing changes."""
    cell = Actor(PYTHON, "cell", "reading.py")
    cell.do(IN_THE_CELL)
    same("without a cell it writes in a mount namespace of its own (control)", cell.do("call(272, 0x20000)"), 0)
    same("and where it may", cell.attempt(f"touch('{WORK}/in/free')"), "done")
    cell.end()
    before = timed_load()
    cell = Actor(PYTHON, "cell", "reading.py")
    cell.do(IN_THE_CELL)
    same("a process of the cell writes where it may", cell.attempt(f"touch('{WORK}/in/allowed')"), "done")
    cell.do("call(272, 0x20000)")
    same("in a namespace of its own nothing has a name", cell.attempt(f"touch('{WORK}/in/own')"), "EPERM")
    neighbour = Actor(PYTHON, "neighbour", "reading.py", uid=NOBODY)
    neighbour.do(IN_THE_CELL)
    neighbour.do(f"keep_memory_busy({MAPPINGS})", 60 * SLOW)
    took = [timed_load() for _ in range(12)]
    ok("a neighbour keeps the officer looking (control)", max(took) > before + 0.09, before, took)
    words = []
    for n in range(8):
        words.append(cell.attempt(f"touch('{WORK}/in/later{n}')"))
        load()
        time.sleep(0.2)
    same("nor later, while the officer looks for others", words, ["EPERM"] * 8)
    for one in (cell, neighbour):
        one.end()
    unload()
    clean()


nl = Netlink()
kisctl("mode", "enforce", "--force")
each([first_thread_has_gone, child_is_being_made, family_that_grows, those_who_were_found_stay])
kisctl("mode", "observe")
same("the kernel does not complain", kernel_complaints(), [])
