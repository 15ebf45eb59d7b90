# SPDX-License-Identifier: GPL-2.0
#
# objects.py DIR, objects.py count: the attacks of objects.sh.
#
# ATTACKS has for each what its cell does, and the trace that says from outside whether it was done. Where the
# second cell is not "held", it is one whose rules are the defaults, or one that may not make memory executable.

import os
import shutil
import struct
import sys
import time

COUNT = sys.argv[1:] == ["count"]
WORK = sys.argv[1]
BOX = WORK + "/box"
PYTHON = WORK + "/python"

IN_THE_CELL = """
import signal
import struct

MFD, SHM_EXEC, RENAME_EXCHANGE, CLONE_NEWNS = 319, 0o100000, 2, 0x20000
OPEN_TREE, RENAMEAT2 = 428, 316
READ, WRITE, EXEC = 1, 2, 4
CODE = bytes([0xB8, 42, 0, 0, 0, 0xC3])  # return 42


def execute(place):
    return ctypes.CFUNCTYPE(ctypes.c_int)(place)()


def mapped_memfd():
    '''Executes what is written through the file after it was mapped.'''
    fd = os.memfd_create("code")
    os.truncate(fd, 4096)
    place = libc_mmap(0, 4096, READ | EXEC, mmap.MAP_SHARED, fd)
    os.pwrite(fd, CODE, 0)
    return execute(place)


def mapped_file(path):
    '''The same with a file that has a name.'''
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o700)
    os.truncate(fd, 4096)
    place = libc_mmap(0, 4096, READ | EXEC, mmap.MAP_SHARED, fd)
    os.pwrite(fd, CODE, 0)
    return execute(place)


def private_memfd():
    '''Of a file without a name no mapping is what it was.'''
    fd = os.memfd_create("code")
    os.write(fd, CODE.ljust(4096, b"\\0"))
    return execute(libc_mmap(0, 4096, READ | EXEC, mmap.MAP_PRIVATE, fd))


def protected_memfd():
    fd = os.memfd_create("code")
    os.truncate(fd, 4096)
    place = libc_mmap(0, 4096, READ, mmap.MAP_SHARED, fd)
    if libc.mprotect(ctypes.c_void_p(place), ctypes.c_size_t(4096), READ | EXEC):
        raise OSError(ctypes.get_errno(), "mprotect")
    os.pwrite(fd, CODE, 0)
    return execute(place)


def shared_segment():
    libc.shmat.restype = ctypes.c_void_p
    number = libc.shmget(0, ctypes.c_size_t(4096), 0o1700)
    try:
        write = libc.shmat(number, None, 0)
        place = libc.shmat(number, None, SHM_EXEC)
        if place == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), "shmat")
        ctypes.memmove(write, CODE, len(CODE))
        return execute(place)
    finally:
        libc.shmctl(number, 0, None)


def executable_heap():
    '''brk() makes what mmap() would be asked for.'''
    start = (call(12, ctypes.c_void_p(0)) + 0xFFFF) & ~0xFFF
    call(135, 0x0400000)  # READ_IMPLIES_EXEC
    end = call(12, ctypes.c_void_p(start + 0x4000))
    call(135, 0)
    if end != start + 0x4000:
        raise OSError(1, "brk")
    ctypes.memmove(start + 0x2000, CODE, len(CODE))
    return execute(start + 0x2000)


def in_a_child(code):
    kind, value = forked(code)
    if kind == "OSError":
        raise OSError(value, code)
    return value


def loaded(status):
    '''What our own loader says: the status of what it has loaded, or an errno.'''
    if status == 1:
        raise OSError(1, "mprotect")
    return status


def child(steps, *command):
    '''The status of a child that takes some steps and executes a program.'''
    r, w = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            steps()
            os.execv(command[0], command)
        except OSError as e:
            os.write(w, str(e.errno).encode())
        os._exit(99)
    os.close(w)
    text = os.read(r, 9)
    os.close(r)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if text:
        raise OSError(int(text), "child")
    return status


def new_root(root):
    fd = call(OPEN_TREE, -100, root.encode(), 2 | os.O_CLOEXEC)
    call(308, fd, CLONE_NEWNS)
    os.chdir("/")


def detached_root(root):
    '''The same with the calls that older kernels have: a mount that is nowhere.'''
    fd = call(OPEN_TREE, -100, root.encode(), 1 | os.O_CLOEXEC)
    os.fchdir(fd)
    os.chroot(".")


def own_namespace():
    call(272, CLONE_NEWNS)


def nothing():
    pass


def mount_attribute(path):
    call(442, -100, path.encode(), 0, struct.pack("QQQQ", 0x80, 0, 0, 0), 32)  # mount_setattr, no access times of directories


def reconfigure(path):
    fd = call(433, -100, path.encode(), 0)  # fspick
    try:
        call(431, fd, 7, None, None, 0)  # fsconfig, reconfigure
    finally:
        os.close(fd)


def exchange(a, b):
    call(RENAMEAT2, -100, a.encode(), -100, b.encode(), RENAME_EXCHANGE)


def read(path):
    with open(path) as f:
        return f.read()


def write(path, text="x"):
    fd = os.open(path, os.O_WRONLY)
    if text:
        os.write(fd, text.encode())
    os.close(fd)


def create(path):
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))


def crash():
    '''A child whose memory the kernel writes to whom core_pattern says.'''
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    pid = os.fork()
    if not pid:
        os.kill(os.getpid(), signal.SIGSEGV)
        os._exit(0)
    os.waitpid(pid, 0)


def trace_a_child():
    pid = os.fork()
    if not pid:
        signal.pause()
    try:
        if libc.ptrace(16, pid, 0, 0):
            raise OSError(ctypes.get_errno(), "ptrace")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
"""

MARK = BOX + "/write/mark"
KEY, SECRET, WORD = "key\n", BOX + "/secret/key", BOX + "/readable/word"
LOADER = "/lib64/ld-linux-x86-64.so.2"
CORE_PATTERN, MODPROBE = "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe"
GROUPS = WORK + "/groups"
REGISTER = "/proc/sys/fs/binfmt_misc/register"

TOOL, CHANGED = WORK + "/outside/tool", "/proc/sys/net/ipv4/ip_default_ttl"
# What may be read, and not executed.
LOADED, WRITABLE, LOADED_CODE = (f"{WORK}/loadable/{name}" for name in ("tool", "writable", "code"))
OWN_LOADER = WORK + "/loader/own"
NEW_ROOT = f"lambda: new_root('{WORK}/root'), '/usr/bin/true', '/mark/made'"
DETACHED_ROOT = f"lambda: detached_root('{WORK}/root'), '/usr/bin/true', '/mark/made'"
DISK = f"os.mknod('{BOX}/write/disk', 0o60600, os.makedev(254, 0))"
IN_READABLE = BOX + "/readable/secret"


def after(step, path):
    """The step and then what is read there."""
    return f"{step}, read('{path}')"


# Name, code in the cell, what it returns where it is done, the second cell.
ATTACKS = [
    ("a memfd, mapped shared and executable, then written", "mapped_memfd()", 42, "held"),
    ("a file, mapped shared and executable, then written", f"mapped_file('{BOX}/write/code')", 42, "held"),
    ("a memfd, mapped private and executable", "private_memfd()", 42, "held"),
    ("a memfd, mapped shared, made executable, then written", "protected_memfd()", 42, "held"),
    ("a shared segment, attached executable", "shared_segment()", 42, "held"),
    ("a program outside of the prefixes (control)", f"child(nothing, '{TOOL}', MARK)", 0, "held"),
    ("a program of a root of one's own (OPEN_TREE_NAMESPACE)", f"child({NEW_ROOT})", 0, "held"),
    ("a program of a detached root (OPEN_TREE_CLONE)", f"child({DETACHED_ROOT})", 0, "held"),
    ("a program in a mount namespace of one's own", "child(own_namespace, '/usr/bin/true')", 0, "held"),
    ("a program that is given to the loader", f"child(nothing, '{LOADER}', '{LOADED}', MARK)", 0, "held"),
    ("a program that is given to it, whose code is writable", f"child(nothing, '{LOADER}', '{WRITABLE}', MARK)", 0, "held"),
    ("code that a loader maps, and makes executable then",
     f"loaded(child(nothing, '{OWN_LOADER}', '{LOADED_CODE}'))", 42, "held"),
    ("a heap that is executable", "in_a_child('executable_heap()')", 42, "still"),
    ("a secret, read (control)", f"read('{SECRET}')", KEY, "held"),
    ("a secret, linked to where it may be read",
     after(f"os.link('{SECRET}', '{IN_READABLE}')", IN_READABLE), (None, KEY), "held"),
    ("a secret, moved to where it may be read",
     after(f"os.rename('{SECRET}', '{IN_READABLE}')", IN_READABLE), (None, KEY), "held"),
    ("a secret, exchanged with what may be read",
     after(f"exchange('{SECRET}', '{WORD}')", WORD), (None, KEY), "held"),
    ("a directory of secrets, moved to where it may be read",
     after(f"os.rename('{BOX}/secret', '{IN_READABLE}')", IN_READABLE + "/key"), (None, KEY), "held"),
    ("a disk, made where one may write", DISK, None, "held"),
    ("a disk, made under the default rules", DISK, None, "default"),
    ("core_pattern, written", f"write('{CORE_PATTERN}', 'core')", None, "held"),
    ("core_pattern, written under the default rules", f"write('{CORE_PATTERN}', 'core')", None, "default"),
    ("the path of modprobe, written", f"write('{MODPROBE}', '/tmp/none')", None, "held"),
    ("the path of modprobe, written under the default rules", f"write('{MODPROBE}', '/tmp/none')", None, "default"),
    ("a setting of the network, written", f"write('{CHANGED}', '64')", None, "default"),
    ("a setting of a module, written", "write('/sys/module/printk/parameters/time', 'Y')", None, "default"),
    ("a setting of the network, by way of a thread", "write('/proc/thread-self/net/dev', '')", "errno 13", "default"),
    ("a setting of the network, by way of a thread's number",
     "write(f'/proc/self/task/{os.getpid()}/net/dev', '')", "errno 13", "default"),
    ("attributes of a mount, changed", f"mount_attribute('{GROUPS}')", None, "held"),
    ("a file system, changed by its context", f"reconfigure('{GROUPS}')", None, "held"),
    ("a setting of control groups, written", f"write('{GROUPS}/cgroup.max.depth', 'max')", None, "default"),
    ("a format of programs, registered", f"write('{REGISTER}', ':kis:E::kis::/bin/true:')", None, "default"),
]
RESULTS = 2 * len(ATTACKS) + 2 + 5 + 3 + 1
if COUNT:
    print(RESULTS)
    sys.exit()

from actor import Actor  # noqa: E402 - what comes before needs no kernel of ours
from kis import SLOW, Netlink, each, kernel_complaints, kisctl, ok, same, wait  # noqa: E402


def setting(path, value=None):
    with open(path, "r+" if value else "r") as f:
        return f.write(value) if value else f.read().strip()


def segments(raw):
    """Where the headers of an ELF file's segments are, and of what kind."""
    at, size, count = (struct.unpack_from(form, raw, place)[0] for form, place in (("<Q", 32), ("<H", 54), ("<H", 56)))
    return [(at + n * size, *struct.unpack_from("<II", raw, at + n * size)) for n in range(count)]


def make_writable(source, copy):
    """A program whose code is writable: it is loaded so."""
    with open(source, "rb") as f:
        raw = bytearray(f.read())
    for at, kind, flags in segments(raw):
        if kind == 1 and flags & 1:
            struct.pack_into("<I", raw, at + 4, flags | 2)
    with open(copy, "wb") as f:
        f.write(raw)
    os.chmod(copy, 0o755)


def make_loader(path):
    """A program without an interpreter: maps the file that it is given, makes it executable, and calls it."""
    code = bytes.fromhex(
        "488b7c2410 31f6 b802000000 0f05"  # open(argv[1], O_RDONLY)
        "4989c0 31ff be00100000 ba01000000 41ba02000000 4531c9 b809000000 0f05"  # mmap(0, 4096, READ, PRIVATE, fd, 0)
        "4889c3 4889c7 be00100000 ba05000000 b80a000000 0f05"  # mprotect(place, 4096, READ | EXEC)
        "85c0 7506 ffd3 89c7 eb04 f7d8 89c7 b8e7000000 0f05"  # exit(errno, or what it returns)
    )
    base = 0x400000
    head = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, base + 120, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    head += struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, 120 + len(code), 120 + len(code), 4096)
    with open(path, "wb") as f:
        f.write(head + code)
    os.chmod(path, 0o755)


def make_programs():
    make_writable(LOADED, WRITABLE)
    make_loader(OWN_LOADER)
    with open(LOADED_CODE, "wb") as f:
        f.write(bytes([0xB8, 42, 0, 0, 0, 0xC3]).ljust(4096, b"\0"))


def prepare():
    """The place of the attacks, as it was before."""
    for name in ("secret", "readable", "write"):
        shutil.rmtree(f"{BOX}/{name}", ignore_errors=True)
        os.makedirs(f"{BOX}/{name}")
    for path, text in ((SECRET, KEY), (WORD, "word\n")):
        with open(path, "w") as f:
            f.write(text)
    for path in (MARK, WORK + "/root/mark/made"):
        if os.path.exists(path):
            os.unlink(path)


def start(tag):
    actor = Actor(PYTHON, tag, "reading.py")
    actor.do(IN_THE_CELL)
    actor.do(f"MARK = {MARK!r}")
    return actor


def word_of(actor, code):
    """What it returned, or EPERM; a program that the loader could not map has another status than 0."""
    try:
        return actor.do(code)
    except OSError as e:
        return "EPERM" if e.errno == 1 else f"errno {e.errno}"


def attack(name, code, want, second):
    if REGISTER in code and not os.path.exists(REGISTER):
        return [print(f"ok {name} {n} # SKIP no binfmt_misc") for n in range(2)]
    prepare()
    got = word_of(actors["free"], code)
    if got == "errno 22" and "OPEN_TREE" in name:
        return [print(f"ok {name} {n} # SKIP not in this kernel") for n in range(2)]
    if got == "errno 22" and "segment" in name:
        return [print(f"ok {name} {n} # SKIP no shared segments") for n in range(2)]
    same(f"free: {name}", got, want)
    marks = (MARK, WORK + "/root/mark/made")
    left = any(map(os.path.exists, marks))
    prepare()
    setting(CORE_PATTERN, "core")
    got = word_of(actors[second], code)
    if LOADER in code:
        got = got if got == 0 or os.path.exists(MARK) else "EPERM"
    denied = got == "EPERM" and not any(map(os.path.exists, marks))
    return ok(f"{second}: {name} is denied", denied, f"got {got!r}, free has left a mark: {left}")


def attacks():
    for one in ATTACKS:
        attack(*one)


def its_own_settings():
    """What a process says of itself is a file like others."""
    for path in ("/proc/self/comm", "/proc/thread-self/comm"):
        same(f"default: {path} is written", word_of(actors["default"], f"write('{path}', 'x')"), None)


def helper_of_the_kernel():
    """What the kernel starts to write a core dump to is in no cell."""
    before = setting(CORE_PATTERN)
    setting(CORE_PATTERN, f"|{WORK}/helper")
    helped = WORK + "/helped"

    def helps(actor):
        if os.path.exists(helped):
            os.unlink(helped)
        actor.do("crash()")
        return wait(lambda: os.path.exists(helped), 2)

    try:
        same("free: a crash has the helper started", helps(actors["free"]), True)
        same("endangered: so does one while it is calm", helps(actors["endangered"]), True)
        same("endangered: danger two is raised", actors["endangered"].attempt("trace_a_child()"), "EPERM")
        same("endangered: in danger the helper is not started", helps(actors["endangered"]), False)
        same("free: it still is", helps(actors["free"]), True)
    finally:
        setting(CORE_PATTERN, before or "core")


def unlearned_directory_under_a_learned_name():
    learned, unknown = WORK + "/learn/known", WORK + "/learn/unknown"
    os.makedirs(learned)
    os.makedirs(unknown)
    with open(unknown + "/victim", "w") as f:
        f.write("as it was")
    actor = start("learner")
    for n in range(5):
        actor.do(f"create('{learned}/{n}'), create('{WORK}/learn/{n}')")
        actor.do(f"os.rename('{WORK}/learn/{n}', '{WORK}/learn/r{n}')")
    assert wait(lambda: phase("learner") == 1, 60), "it has not learned"
    same("learner: it writes where it has learned to", word_of(actor, f"write('{learned}/1')"), None)
    same("learner: it does not elsewhere", word_of(actor, f"write('{unknown}/victim')"), "EPERM")
    for step in (f"os.rename('{learned}', '{WORK}/learn/away')", f"os.rename('{unknown}', '{learned}')"):
        actor.attempt(step)
    actor.attempt(f"write('{learned}/victim')")
    texts = []
    for place in (learned, unknown):
        if os.path.exists(place + "/victim"):
            with open(place + "/victim") as f:
                texts.append(f.read())
    same("learner: nor by giving it the name of what it has learned", texts, ["as it was"])
    actor.end()


def phase(name):
    return next(cell["phase"] for cell in nl.dump("cell-get") if cell["name"] == name)


nl = Netlink()
make_programs()
actors = {tag: start(tag) for tag in ("free", "held", "endangered", "default", "still")}
modprobe = setting(MODPROBE)
kisctl("mode", "enforce", "--force")
each([attacks, its_own_settings, helper_of_the_kernel, unlearned_directory_under_a_learned_name])
kisctl("mode", "observe")
setting(MODPROBE, modprobe)
for one in actors.values():
    one.end()
same("the kernel does not complain", kernel_complaints(), [])
