# SPDX-License-Identifier: GPL-2.0
#
# Speaks netlink to KIS, rightly and wrongly; run by netlink.sh. Whatever is refused says why and
# changes nothing.

import ctypes
import os
import re
import struct
import sys

from images import ABI, CELLS, PROFILE, SIGNATURES, cells_image, reseal, signatures_image
from kis import FINDING, VERDICT, Netlink, Ring, attr, each, kernel_complaints, ok, same, wait

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

nl = Netlink()
ring = Ring()


def state():
    """All that an officer can see, without what moves by itself."""
    status = nl.status()
    for key in ("records", "lost-alerts", "lost-telemetry", "uptime-ns", "ticks", "ticker-ns", "dropped"):
        del status[key]
    cells = [{k: v for k, v in cell.items() if k not in ("windows", "processes")} for cell in nl.dump("cell-get")]
    bounds = [(p["param"], p.get("bound")) for p in nl.dump("param-get")]
    bans = sorted(ban["address"] for ban in nl.dump("ban-get"))
    told = [ring.all("sequence", kind) for kind in (VERDICT, FINDING)]
    return status, cells, bounds, nl.dump("signature-get"), bans, told


def profile_image():
    """What the cell has learned, which is nothing, made into a profile that is ready."""
    raw = bytearray(nl.one("profile-get", cell="self")["profile"])
    return bytes(raw)


def images_made_by_hand_are_taken():
    same("cells made by hand are taken", nl.upload(CELLS, cells_image()).name, "OK")
    found = nl.dump("cell-get")[0]
    same("they are what was meant", (found["name"], found["program"], found["window-ms"]), ("self", "/no/such/program", 60000))
    same("signatures made by hand are taken", nl.upload(SIGNATURES, signatures_image()).name, "OK")
    same("the signature is what was meant", [(s["id"], s["message"]) for s in nl.dump("signature-get")], [(77, "an x!")])
    same("a profile comes back", nl.upload(PROFILE, profile_image(), cell="self").name, "OK")
    same("an image in chunks of 7 bytes is taken", nl.upload(CELLS, cells_image(), chunk=7).name, "OK")
    given = nl.one("image-get", kind=CELLS)
    same("and is given back", (given["data"], given["size"]), (cells_image(), len(cells_image())))
    same("from any place", nl.one("image-get", kind=CELLS, offset=9)["data"], cells_image()[9:])
    refused("but not from behind its end", nl.do("image-get", kind=CELLS, offset=len(cells_image()) + 1), "EINVAL", "offset 0")
    refused("and no signatures", nl.do("image-get", kind=SIGNATURES), "EOPNOTSUPP", "only cells")


def refused(name, answer, errno, text):
    good = answer.name == errno and re.search(text, answer.text)
    return ok(name, bool(good), f"got:    {answer}", f"wanted: {errno} {text!r}")


def begin(size=64, kind=CELLS, **more):
    answer = nl.do("image-begin", kind=kind, size=size, **more)
    return nl.unpack("image", answer.replies[0])["token"] if not answer.error else answer


def uploads_out_of_order():
    before = state()
    refused("data before begin", nl.do("image-data", token=1, offset=0, data=b"x"), "ESTALE", "begin")
    refused("commit before begin", nl.do("image-commit", token=1), "ESTALE", "begin")
    token = begin()
    refused("a second begin has to wait", nl.do("image-begin", kind=CELLS, size=8), "EBUSY", "another upload")
    refused("data with another token", nl.do("image-data", token=token ^ 2, offset=0, data=b"x"), "ESTALE", "begin again")
    refused("commit with another token", nl.do("image-commit", token=token ^ 2), "ESTALE", "begin again")
    refused("data that leaves a gap", nl.do("image-data", token=token, offset=8, data=b"x"), "EINVAL", "last one ended")
    same("the first bytes are taken", nl.do("image-data", token=token, offset=0, data=bytes(32)).name, "OK")
    refused("data once more", nl.do("image-data", token=token, offset=0, data=bytes(32)), "EINVAL", "last one ended")
    refused("more than announced", nl.do("image-data", token=token, offset=32, data=bytes(33)), "E2BIG", "announced")
    refused("data at the end of the numbers", nl.do("image-data", token=token, offset=0xFFFFFFFF, data=b"x"), "EINVAL", "last one ended")
    refused("commit of a part", nl.do("image-commit", token=token), "EINVAL", "fewer bytes")
    refused("commit again", nl.do("image-commit", token=token), "ESTALE", "begin")
    refused("an image of 64 MiB and one byte", nl.do("image-begin", kind=CELLS, size=(64 << 20) + 1), "E2BIG", "64 MiB")
    refused("an image of 4 GiB", nl.do("image-begin", kind=CELLS, size=0xFFFFFFFF), "E2BIG", "64 MiB")
    refused("an image of nothing", nl.do("image-begin", kind=CELLS, size=0), "ERANGE", ".")
    refused("an image of no kind", nl.do("image-begin", kind=3, size=64), "ERANGE", ".")
    refused("a profile of nobody", nl.do("image-begin", kind=PROFILE, size=64), "EINVAL", "name")
    refused("a profile of another cell", nl.upload(PROFILE, profile_image(), cell="nobody"), "ENOENT", "no cell")
    refused("cells where signatures are announced", nl.upload(SIGNATURES, cells_image()), "EPROTO", "kind")
    refused("the largest image, of zeros", nl.upload(CELLS, bytes(16 << 20)), "EPROTO", ".")
    same("nothing has changed by disorder", state(), before)


def raw(operation, payload, **more):
    return nl.send(nl.family, nl.spec.command[operation], payload, **more)


def messages_out_of_shape():
    before = state()
    for name, operation, payload in [
        ("no attributes for image-begin", "image-begin", b""),
        ("no attributes for image-data", "image-data", b""),
        ("no attributes for image-commit", "image-commit", b""),
        ("no attributes for image-get", "image-get", b""),
        ("no attributes for ban-add", "ban-add", b""),
        ("no attributes for ban-del", "ban-del", b""),
        ("no attributes for mode-set", "mode-set", b""),
        ("no attributes for profile-get", "profile-get", b""),
        ("a kind of 3 bytes", "image-begin", attr(1, b"\0\0\0") + attr(2, bytes([8, 0, 0, 0]))),
        ("a kind of 8 bytes", "image-begin", attr(1, bytes(8)) + attr(2, bytes([8, 0, 0, 0]))),
        ("an empty token", "image-commit", attr(3, b"")),
        ("a chunk of 32001 bytes", "image-data", attr(3, bytes(4)) + attr(4, bytes(4)) + attr(5, bytes(32001))),
        ("an attribute that does not exist", "ban-del", attr(9, bytes(4))),
        ("an attribute of the largest number", "ban-del", attr(0x3FFF, bytes(4))),
        ("an attribute longer than the message", "ban-del", struct.pack("<HH", 400, 1) + bytes(4)),
        ("an attribute shorter than its header", "ban-del", struct.pack("<HH", 3, 1) + bytes(4)),
        ("a name without an end", "profile-reset", attr(1, b"self")),
        ("a name of 32 bytes", "profile-get", attr(1, b"a" * 32 + b"\0")),
        ("an empty name", "profile-get", attr(1, b"\0")),
        ("the name of no cell", "profile-get", attr(1, b"nobody\0")),
        ("reset of no cell", "profile-reset", attr(1, b"nobody\0")),
        ("a mode of 3", "mode-set", attr(2, struct.pack("<I", 3))),
        ("a mode of all bits", "mode-set", attr(2, b"\xff" * 4)),
        ("inherit as the global mode", "mode-set", attr(2, struct.pack("<I", 2))),
        ("the mode of no cell", "mode-set", attr(1, b"nobody\0") + attr(2, bytes(4))),
        ("a ban of nobody", "ban-add", attr(1, b"") + attr(2, struct.pack("<I", 1000))),
        ("a ban of 5 bytes", "ban-add", attr(1, bytes(5)) + attr(2, struct.pack("<I", 1000))),
        ("a ban of 17 bytes", "ban-add", attr(1, bytes(17)) + attr(2, struct.pack("<I", 1000))),
        ("a ban for no time", "ban-add", attr(1, bytes(4)) + attr(2, bytes(4))),
        ("a ban for longer than 30 days", "ban-add", attr(1, bytes(4)) + attr(2, struct.pack("<I", 2592000001))),
        ("a ban for ever", "ban-add", attr(1, bytes(4)) + attr(2, b"\xff" * 4)),
        ("the end of a ban that is not", "ban-del", attr(1, bytes([192, 0, 2, 77]))),
    ]:
        answer = raw(operation, payload)
        ok(f"{name} is refused", answer.error != 0 and not answer.replies and answer.text != "", answer)
    answers = [nl.send(nl.family, command, b"") for command in (0, 18, 99, 255)]
    same("operations that do not exist", {a.name for a in answers}, {"EOPNOTSUPP"})
    answers = [raw("status-get", b"", flags=("request", "ack", "dump")), raw("cell-get", b"")]
    same("a dump of what is not, and not a dump of what is", {a.name for a in answers}, {"EOPNOTSUPP"})
    size = struct.pack("<IHHII", 17, nl.family, 5, 0, 0)
    nl.sock.send(size + b"\x01")
    nl.sock.send(struct.pack("<IHHII", 4000, nl.family, 5, 0, 0) + bytes(4))
    same("a message cut in its header does no harm", nl.status()["abi"], ABI)
    same("nothing has changed by bad shapes", state(), before)


def damage(name, kind, image, cell=None):
    """Each byte changed, as it is and with the sum made right; cut short and made longer."""
    before = state()
    wrong, silent = [], 0
    for at in range(len(image)):
        broken = bytearray(image)
        broken[at] ^= 1 << at % 8
        answer = nl.upload(kind, bytes(broken), cell)
        if answer.name not in ("EPROTO", "E2BIG"):
            wrong.append((at, answer))
        silent += not answer.text
    same(f"{name}: each changed byte is refused", (wrong, silent), ([], 0))
    wrong = []
    for size in [*range(1, 48), *range(48, len(image), 24)]:
        for cut in (image[:size], reseal(image[:12] + struct.pack("<I", size) + image[16:size]) if size >= 32 else b"K" * size):
            answer = nl.upload(kind, cut, cell)
            if answer.name not in ("EPROTO", "E2BIG") or not answer.text:
                wrong.append((size, answer))
    for more in (1, 7, 8, 16, 4096):
        longer = image + bytes(more)
        for long in (longer, reseal(longer[:12] + struct.pack("<I", len(longer)) + longer[16:]), image + b"\xff" * more):
            answer = nl.upload(kind, long, cell)
            if answer.name not in ("EPROTO", "E2BIG") or not answer.text:
                wrong.append((len(long), answer))
    same(f"{name}: too short and too long is refused", wrong, [])
    same(f"{name}: nothing has changed", state(), before)
    # With the right sum a change may make another image that is well; then it is in force, whole.
    taken = wrong = 0
    for at in range(32, len(image)):
        broken = bytearray(image)
        broken[at] ^= 0x80 >> at % 8
        answer = nl.upload(kind, reseal(broken), cell)
        if answer.name == "OK":
            taken += 1
            same_one = nl.upload(kind, image, cell)
            wrong += same_one.name != "OK"
        else:
            # EINVAL: of another cell.
            wrong += answer.name not in ("EPROTO", "E2BIG", "EINVAL") or not answer.text
    ok(f"{name}: with the right sum it is refused with a text, or taken ({taken})", wrong == 0, wrong)


def damaged_images():
    damage("cells", CELLS, cells_image())
    damage("signatures", SIGNATURES, signatures_image())
    damage("profile", PROFILE, profile_image(), "self")


def every_operation(who):
    """The answers of all operations but status-get."""
    answers = {}
    for operation, command in who.spec.command.items():
        if operation == "status-get":
            continue
        dump = operation.endswith("-get") and operation not in ("profile-get", "image-get")
        payload = {
            "ban-add": attr(1, bytes([192, 0, 2, 1])) + attr(2, struct.pack("<I", 60000)),
            "ban-del": attr(1, bytes([192, 0, 2, 9])),
            "mode-set": attr(2, struct.pack("<I", 1)),
            "profile-get": attr(1, b"self\0"),
            "image-get": attr(1, bytes(4)),
            "image-begin": attr(1, bytes(4)) + attr(2, struct.pack("<I", 64)),
            "image-data": attr(3, bytes(4)) + attr(4, bytes(4)) + attr(5, b"x"),
            "image-commit": attr(3, bytes(4)),
        }.get(operation, b"")
        answers[operation] = who.send(who.family, command, payload, ("request", "ack", "dump") if dump else ("request", "ack"))
    return answers


def become(how, check):
    """Runs a check in a child that has become somebody else; what it printed counts."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        try:
            who = how()
            check(who)
        except BaseException as e:
            print("# child:", repr(e))
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)


def nobody():
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    return Netlink()


def root_of_a_user_namespace():
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "unshare")
    return Netlink()


def root_without_the_capability():
    # CAP_MAC_ADMIN is 33: out of the effective, permitted and inheritable sets.
    header = struct.pack("<Ii", 0x20080522, 0)
    low, high = 0xFFFFFFFF, 0x1FF & ~(1 << 1)
    data = struct.pack("<6I", low, low, 0, high, high, 0)
    if libc.syscall(126, header, data):
        raise OSError(ctypes.get_errno(), "capset")
    return Netlink()


def nobody_with_the_socket_of_root():
    who = Netlink()
    os.setgid(65534)
    os.setuid(65534)
    return who


def strangers():
    before = state()
    for how in (nobody, root_of_a_user_namespace, root_without_the_capability, nobody_with_the_socket_of_root):
        name = how.__name__.replace("_", " ")

        def check(who):
            same(f"{name} may read the status", who.status()["abi"], ABI)
            answers = every_operation(who)
            same(f"{name} may do nothing else", {op: a.name for op, a in answers.items() if a.name != "EPERM" or a.replies}, {})
            same(f"{name} is told why", [op for op, a in answers.items() if "CAP_MAC_ADMIN" not in a.text], [])

        become(how, check)

    def elsewhere():
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        return Netlink(family=False)

    def check(who):
        who.family = nl.family
        answers = every_operation(who)
        wrong = {op: a for op, a in answers.items() if a.name not in ("EPERM", "ENOENT") or a.replies}
        same("root in another network namespace may do nothing", wrong, {})

    become(elsewhere, check)
    same("nothing has changed by strangers", state(), before)


def an_upload_that_stands_still_gives_way():
    token = begin()
    # The officer's tool has died here. What counts is that the next one does not wait for ever.
    again = wait(lambda: nl.do("image-begin", kind=CELLS, size=8).name == "OK", 20)
    ok("an upload that stands still gives way", again)
    refused("its token is worth nothing then", nl.do("image-data", token=token, offset=0, data=b"x"), "ESTALE", "begin again")


def dumps_in_the_middle():
    """A dump whose table goes away between its parts ends well."""
    spare = Netlink()
    for i in range(400):
        nl.do("ban-add", address=struct.pack(">I", 0xC6336400 + i), ttl_ms=600000)
    same("400 bans are listed", len(nl.dump("ban-get")), 400)
    bits = 1 | 4 | 0x300
    spare.sock.send(struct.pack("<IHHII", 20, spare.family, bits, 9, 0) + struct.pack("<BBH", nl.spec.command["ban-get"], 1, 0))
    spare.sock.recv(1 << 17)
    for i in range(400):
        nl.do("ban-del", address=struct.pack(">I", 0xC6336400 + i))
    spare.seq = 9
    same("a dump survives the end of what it lists", spare.receive(9, True).error, 0)
    same("no ban is left", nl.dump("ban-get"), [])
    got = nl.do("mode-set", mode=1)
    nl.do("mode-set", mode=0)
    same("and the officer is obeyed still", got.name, "OK")


each(
    [
        images_made_by_hand_are_taken,
        uploads_out_of_order,
        messages_out_of_shape,
        damaged_images,
        strangers,
        dumps_in_the_middle,
        an_upload_that_stands_still_gives_way,
        lambda: same("the kernel does not complain", kernel_complaints(), []),
    ]
)
