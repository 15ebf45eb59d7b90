# SPDX-License-Identifier: GPL-2.0
#
# self.py DIR, self.py count: the scenarios of self.sh.
#
# Each step is a line of Python that an actor executes. GOES_ON are done after learning by both cells. ATTACKS are
# done by both too: "free" only observes, so what they do can be seen from outside, and "held" gets EPERM.

import collections
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

COUNT = sys.argv[1:] == ["count"]
WORK = sys.argv[1]
PYTHON = WORK + "/python"

IN_THE_CELL = """
import fcntl
import shutil
import struct
import time


def read(path):
    with open(path, "rb") as f:
        f.read()


def write(path, how="r+"):
    with open(path, how) as f:
        f.write("x")


def run(*command):
    pid = os.posix_spawn(command[0], command, {})
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def connect(port, host="127.0.0.1"):
    with socket.create_connection((host, port)) as s:
        return s.recv(2).decode()


def listen(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        s.listen()


def send(port):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.sendto(b"x", ("127.0.0.1", port))


def answers(port, to):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", port))
        s.sendto(b"x", ("127.0.0.1", to))


def echo():
    with socket.socket(type=socket.SOCK_DGRAM, proto=socket.IPPROTO_ICMP) as s:
        s.sendto(struct.pack("!BBHHH", 8, 0, 0, 0, 1), ("127.0.0.1", 0))


def host(port):
    with socket.socket(socket.AF_VSOCK) as s:
        s.connect((1, port))


def signal_when_ready(pid, number):
    # Whoever writes to the other end lets the kernel send it.
    one, other = socket.socketpair()
    fcntl.fcntl(one, fcntl.F_SETOWN, pid)
    fcntl.fcntl(one, 10, number)  # F_SETSIG
    fcntl.fcntl(one, fcntl.F_SETFL, os.O_ASYNC)
    other.send(b"x")


def signal_before_whom(pid, number):
    one, other = socket.socketpair()
    fcntl.fcntl(one, 10, number)
    fcntl.fcntl(one, 15, struct.pack("ii", 1, pid))  # F_SETOWN_EX, F_OWNER_PID
    fcntl.fcntl(one, fcntl.F_SETFL, os.O_ASYNC)
    other.send(b"x")


def limit(pid):
    import resource
    resource.prlimit(pid, resource.RLIMIT_CPU, (0, 0))


def share(path):
    # An access list that is no more than a mode: everybody may read.
    entries = [(1, 6), (4, 4), (0x20, 4)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", tag, bits, 0xFFFFFFFF) for tag, bits in entries)
    os.setxattr(path, "system.posix_acl_access", acl)


def keep_for_ever(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, 0x40086602, struct.pack("l", 0x80))  # FS_IOC_SETFLAGS, no access times
    finally:
        os.close(fd)


def act_as(uid):
    libc.setfsuid(uid)
    acts_as = libc.setfsuid(-1)
    libc.setfsuid(0)
    if acts_as != uid:
        raise OSError(1, "setfsuid")


def register():
    fd = os.open("/dev/cpu/0/msr", os.O_RDWR)
    try:
        os.pwrite(fd, os.pread(fd, 8, 0xC0000103), 0xC0000103)  # IA32_TSC_AUX, as it is
    finally:
        os.close(fd)


def bpf_program():
    code = (ctypes.c_uint64 * 2)(0xB7, 0x95)  # r0 = 0; exit
    name = ctypes.create_string_buffer(b"GPL")
    attr = struct.pack("IIQQ", 3, 2, ctypes.addressof(code), ctypes.addressof(name)).ljust(120, bytes(1))
    os.close(call(321, 5, attr, len(attr)))


def unix(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)


def become(uid):
    pid = os.fork()
    if not pid:
        try:
            os.setuid(uid)
            os._exit(0)
        except OSError as e:
            os._exit(e.errno)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        raise OSError(status, "setuid")


def spool(name):
    path = SPOOL + "/" + name
    write(path, "w")
    os.chmod(path, 0o600)
    os.rename(path, path + "9")
    os.unlink(path + "9")


def rotated(path):
    write(path, "a")
    os.chmod(path, 0o640)
"""

# What the cells learn; {0} is a directory of each one's own, and {3} its site.
LEARNED = """
read('{0}/pub/a')
read('{3}/www/page')
read('{0}/secret/one')
write('{0}/log/a.log')
spool('job1-aaa')
run('/usr/bin/true')
connect(7100)
listen(7200)
send(7300)
unix('{0}/peer.sock')
answers(7400, 7300)
write('{0}/over/a.log')
""".split("\n")[1:-1]

# What a server does later too, though it never did just that: it goes on.
GOES_ON = {
    "new content of a place that is read": "read('{0}/pub/new')",
    "new content below a place that is read": "read('{3}/www/news/2/page')",
    "another job of the spool": "spool('job2345-aaa')",
    "a log after its rotation": "rotated('{0}/log/a.log')",
    "the same program, peer, port and datagram": "[run('/usr/bin/true'), connect(7100), listen(7200), send(7300)][0]",
    "a peer with a port of its own": "connect(7200 if False else 7100)",
    "a public file somewhere else": "read('/usr/share/doc/bash/copyright')",
    "an answer to somebody else": "answers(7400, 7302)",
    "a file of an overlay that has to be copied up": "write('{0}/over/a.log')",
}

# What no server of this kind ever did.
ATTACKS = {
    "another secret": "read('{0}/secret/two')",
    "content that everybody on the machine may read": "read('{3}/private/word')",
    "what is hidden where content is": "read('{3}/www/.git/config')",
    "another log": "write('{0}/log/b.log')",
    "a file where none is made": "write('{0}/pub/shell', 'w')",
    "a file removed where none is": "os.unlink('{0}/log/c.log')",
    "a secret given a name where it may be read": "os.rename('{0}/secret/three', '{0}/pub/three')",
    "a secret linked to where it may be read": "os.link('{0}/secret/two', '{0}/spool/two')",
    "another program": "run('/usr/bin/sleep', '0')",
    "a program that the cell has made": "run('{0}/spool/tool')",
    "a library that the cell has made": "ctypes.CDLL('{0}/spool/lib.so') and None",
    "another peer": "connect(7101)",
    "another port to listen on": "listen(7201)",
    "a datagram to another peer": "send(7301)",
    "another unix peer": "unix('{0}/other.sock')",
    "another user": "become(65534)",
    "a signal to somebody else": "os.kill({1}, 10)",
    "a signal to somebody else when a file is ready": "signal_when_ready({2}, 9)",
    "limits for somebody else": "limit({2})",
    "a secret that an access list makes public": "share('{0}/secret/four')",
    "flags of a file": "keep_for_ever('{0}/log/b.log')",
    "files of another user": "act_as(33)",
    "an echo request": "echo()",
    "a peer below the network": "host(7500)",
    "a register of the machine": "register()",
    "a program for the kernel": "bpf_program()",
    "a packet sniffer": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()",
    "a user namespace": "os.unshare(os.CLONE_NEWUSER)",
}
# What somebody does while two cells learn, and again when they have learned.
TRAINING = {
    "program": "run('/usr/bin/sleep', '0')",
    "peer": "connect(7101)",
    "create": "write('{0}/pub/shell' + str(time.monotonic_ns()), 'w')",
}
# Not by the second word: what cannot be tied to an errno of the call itself.
RESULTS = 2 * len(GOES_ON) + 2 * len(ATTACKS) + 13 + 1 + 6 + 2 * len(TRAINING) + 6


if COUNT:
    print(RESULTS)
    sys.exit()

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + "/../lib")
from actor import Actor, Died  # noqa: E402
from kis import SLOW, each, kernel_complaints, kisctl, kisctl_json, ok, same, wait  # noqa: E402


class Peers:
    """Whoever listens outside of the cells."""

    def __init__(self):
        self.got = {}
        for port in 7100, 7101:
            server = socket.create_server(("127.0.0.1", port))
            threading.Thread(target=self.serve, args=(server, port), daemon=True).start()
        server = socket.socket(socket.AF_VSOCK)
        server.bind((socket.VMADDR_CID_ANY, 7500))
        server.listen()
        threading.Thread(target=self.serve, args=(server, 7500), daemon=True).start()
        for port in 7300, 7301, 7302:
            server = socket.socket(type=socket.SOCK_DGRAM)
            server.bind(("127.0.0.1", port))
            threading.Thread(target=self.hear, args=(server, port), daemon=True).start()

    def serve(self, server, port):
        while True:
            with server.accept()[0] as s, contextlib.suppress(BrokenPipeError):
                s.send(b"ok")

    def hear(self, server, port):
        while server.recv(9):
            self.got[port] = self.got.get(port, 0) + 1


class Cell:
    """An actor with a directory of its own."""

    def __init__(self, tag, uid=None):
        self.tag, self.dir, self.site = tag, f"{WORK}/{tag}", f"/srv/kis-{tag}"
        for name in "pub", "secret", "log", "spool", "over", "layers":
            os.makedirs(f"{self.dir}/{name}")
        self.overlay()
        for name, mode in ("pub/a", 0o644), ("pub/new", 0o644), ("secret/one", 0o600), ("secret/two", 0o600), \
                ("secret/three", 0o600), ("secret/four", 0o600), ("log/a.log", 0o640), ("log/b.log", 0o640), ("log/c.log", 0o640):
            with open(f"{self.dir}/{name}", "w") as f:
                f.write("x")
            os.chmod(f.name, mode)
        for path in "www/page", "www/news/2/page", "www/.git/config", "private/word":
            os.makedirs(os.path.dirname(f"{self.site}/{path}"), exist_ok=True)
            with open(f"{self.site}/{path}", "w") as f:
                f.write("x")
        self.sockets = []
        for name in "peer", "other":
            server = socket.socket(socket.AF_UNIX)
            server.bind(f"{self.dir}/{name}.sock")
            os.chmod(f"{self.dir}/{name}.sock", 0o777)
            server.listen(1000)
            self.sockets.append(server)
        self.victim, self.other = (subprocess.Popen(["/usr/bin/sleep", "1000"]) for _ in range(2))
        if uid is not None:
            subprocess.run(["chown", "-R", str(uid), self.dir], check=True)
        self.actor = Actor(PYTHON, tag, "reading.py", uid=uid)
        self.actor.do(f"SPOOL = '{self.dir}/spool'")
        self.actor.do(IN_THE_CELL)

    def overlay(self):
        """One whose files are all in the lower layer."""
        lower, upper, work = (f"{self.dir}/layers/{name}" for name in ("lower", "upper", "work"))
        subprocess.run(["umount", f"{self.dir}/over"], stderr=subprocess.DEVNULL)
        for path in lower, upper, work:
            shutil.rmtree(path, ignore_errors=True)
            os.makedirs(path)
        with open(lower + "/a.log", "w") as f:
            f.write("x")
        options = f"lowerdir={lower},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "none", "-o", options, f"{self.dir}/over"], check=True)

    def does(self, step):
        """What a step gives, or the errno of its failure."""
        try:
            return self.actor.do(step.format(self.dir, self.victim.pid, self.other.pid, self.site))
        except OSError as e:
            return e.errno
        except Died as e:
            raise RuntimeError(f"{self.tag}: {step}: {e}") from e

    def is_learning(self):
        cells = kisctl_json("cell", "list")["cells"]
        return any(c["name"] == self.tag and c["phase"] == "learning" for c in cells)

    def is_trained(self):
        """Somebody is there while it learns."""
        for step in TRAINING.values():
            got = self.does(step)
            if got not in (None, 0, "ok"):
                raise RuntimeError(f"{self.tag}: {step}: {got}")

    def learns(self, trained=False):
        rounds = 0
        # Not by its profile, which changes all the while with so many.
        while self.is_learning():
            for step in LEARNED:
                got = self.does(step)
                if isinstance(got, int) and got == 1 and step.startswith("run"):
                    raise RuntimeError(f"{self.tag}: {step}: {got}")
            rounds += 1
            if trained and rounds in (2, 4, 6):
                self.is_trained()
            time.sleep(0.2)


def told(cell, cause="self"):
    return [r for r in kisctl_json("alerts", lines=True) if r.get("cell") == cell and r.get("cause") == cause]


def main():
    peers = Peers()
    cells = [Cell("free"), Cell("held"), Cell("login", 1000), Cell("soft"), Cell("hard")]
    # Those that were made first have learned by now that nothing happens.
    kisctl("profile", "reset", "--all")
    try:
        scenarios(peers, *cells)
    finally:
        for cell in cells:
            cell.victim.kill()
            cell.other.kill()
            subprocess.run(["umount", f"{cell.dir}/over"])
            shutil.rmtree(cell.site)


def scenarios(peers, free, held, login, soft, hard):
    cells = [free, held]
    threads = [threading.Thread(target=cell.learns) for cell in (*cells, login)]
    threads += [threading.Thread(target=cell.learns, args=[True]) for cell in (soft, hard)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for cell in cells:
        shows = kisctl_json("profile", "show", cell.tag)
        same(f"{cell.tag} is ready", shows["phase"], "ready")
    same("nothing new came up while they learned", [told(c.tag) for c in cells], [[], []])
    # The attacker's tools, that a cell has put there itself.
    for cell in cells:
        shutil.copy("/usr/bin/true", f"{cell.dir}/spool/tool")
        shutil.copy(os.path.realpath("/lib/x86_64-linux-gnu/libz.so.1"), f"{cell.dir}/spool/lib.so")
        os.rename(f"{cell.dir}/log/a.log", f"{cell.dir}/log/a.log.1")
        cell.overlay()
    for name, step in GOES_ON.items():
        for cell in cells:
            got = cell.does(step)
            ok(f"{cell.tag}: {name}", got not in (1, 13), got, told(cell.tag)[-1:])
    for name, step in ATTACKS.items():
        got = free.does(step)
        ok(f"control: {name}", got in (None, 0, "ok"), got)
        got = held.does(step)
        # The dynamic loader says so without an errno.
        ok(f"held: {name}", got in (0, 1), got)
    same("who is killed when a file is ready", [c.other.poll() for c in cells], [-9, None])
    same("whose secret is public", [os.stat(f"{c.dir}/secret/four").st_mode & 4 for c in cells], [4, 0])
    # What was refused once is not told again each time.
    same("nor the other way round", held.does(f"signal_before_whom({held.other.pid}, 9)"), 1)
    same("datagrams that came", [peers.got.get(7301), peers.got.get(7300, 0) > 1], [1, True])
    breaches = [r for r in told("held") if r["event_type"] == "kis_danger_two"]
    ok("each is told", len(breaches) >= len(ATTACKS), len(breaches))
    ok("and all of them denied", all(r["action"] == "deny" and r["applied"] for r in breaches), breaches)
    people(login)
    training(soft, hard)
    learns_its_files_later()
    same("the kernel does not complain", kernel_complaints(), [])


PEOPLE = {
    "another program": ("run('/usr/bin/sleep', '0')", 0),
    "a file where anybody may make one": ("write('/tmp/of-a-person', 'w')", None),
    "a program of one's own": ("shutil.copy('/usr/bin/true', '{0}/pub/mine') and run('{0}/pub/mine')", 0),
    "what is started the next time": ("write('{0}/pub/.bashrc', 'w')", 1),
    "another peer": ("connect(7101)", 1),
    "another user": ("act_as(0)", 1),
}


def people(login):
    """Where the officer says that people come and go, they do as they like with programs and files."""
    same("login is ready", kisctl_json("profile", "show", "login")["phase"], "ready")
    for name, (step, want) in PEOPLE.items():
        same(f"login: {name}", login.does(step), want)


def training(soft, hard):
    """What the officer does not expect is told while the cell learns, and not learned."""
    tried = told("hard", "unexpected")
    # As root, by the names that a repertoire has.
    items = {(r["class"], r.get("item")) for r in tried}
    # A file that is made is written to as well.
    ok("training is told", {name for name, _ in items} == {*TRAINING, "write"}, items)
    ok("and goes on", all(
        r["event_type"] == "kis_danger_one" and r["action"] == "none" and r["phase"] == "learning" and r["kept_out"]
        for r in tried
    ), tried[:1])
    same("a cell that expects anything tells nothing", told("soft", "unexpected"), [])
    shows = [kisctl_json("profile", "show", cell.tag) for cell in (soft, hard)]
    counts = collections.Counter(r["class"] for r in tried)
    same("what was kept out is counted", [s["kept_out"]["items"] for s in shows], [{}, counts])
    known = {(i["class"], i["item"]) for i in kisctl_json("profile", "show", "hard", "--items")["repertoire"]}
    same("and is none of the items", known & items, set())
    for name, step in TRAINING.items():
        got = soft.does(step)
        ok(f"control: {name}, trained", got in (None, 0, "ok"), got)
        same(f"hard: {name}, kept out", hard.does(step), 1)
    same("what was expected goes on", [hard.does("run('/usr/bin/true')"), hard.does("connect(7100)")], [0, "ok"])


def learns_its_files_later():
    """A cell that was ready without a repertoire, and is to have one: all would be new to it."""
    with open(WORK + "/cells.json") as f:
        config = json.load(f)
    spec = next(cell for cell in config["cells"] if cell["name"] == "held")

    def loaded(learns):
        spec["files"] = {"learn": learns}
        done = kisctl("cell", "load", "-", text=json.dumps(config))
        assert not done.returncode, done.stderr
        return kisctl_json("profile", "show", "held")["phase"]

    same("ready without a repertoire", loaded(False), "ready")
    export = WORK + "/held.profile"
    kisctl("profile", "export", "held", export)
    same("it learns anew with one", loaded(True), "learning")
    refused = kisctl("profile", "import", "held", export)
    ok("nor is it made ready by a profile without one", refused.returncode == 1 and "all would be new" in refused.stderr,
       refused.stderr)


each([main])
