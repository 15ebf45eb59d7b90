# SPDX-License-Identifier: GPL-2.0
#
# ynl.py LINUX SPEC: the kernel's own netlink library, led by the specification alone, does what an
# officer does. Run by netlink.sh.

import os
import sys

from kis import each, ok, same

linux, spec = sys.argv[1:]
sys.path.append(linux + "/tools/net/ynl/pyynl")
from lib import NlError, YnlFamily  # noqa: E402

family = YnlFamily(spec, linux + "/Documentation/netlink/genetlink.yaml")


def modes_and_bans():
    same("ynl: the mode that kisctl has set", family.do("status-get", {})["mode"], "enforce")
    family.do("mode-set", {"mode": "observe"})
    same("ynl: mode-set", family.do("status-get", {})["mode"], "observe")
    for address in ("192.0.2.7", "2001:db8::7"):
        family.do("ban-add", {"address": address, "ttl-ms": 600000})
    bans = {str(ban["address"]): ban for ban in family.dump("ban-get", {})}
    same("ynl: ban-add and ban-get", sorted(bans), ["192.0.2.7", "2001:db8::7"])
    ok("ynl: the time of a ban runs", all(0 < ban["ttl-ms"] <= 600000 for ban in bans.values()), bans)
    family.do("ban-del", {"address": "2001:db8::7"})
    same("ynl: ban-del", len(family.dump("ban-get", {})), 1)


def upload():
    bounds = {param["param"]: param.get("bound") for param in family.dump("param-get", {})}
    same("ynl: param-get", (len(bounds), bounds[5]), (13, 3))
    image = family.do("profile-get", {"cell": "ynl"})["profile"]
    image = bytes.fromhex(image.replace(" ", "").replace(":", "")) if isinstance(image, str) else image
    token = family.do("image-begin", {"kind": "profile", "size": len(image), "cell": "ynl"})["token"]
    for at in range(0, len(image), 100):
        family.do("image-data", {"token": token, "offset": at, "data": image[at : at + 100]})
    generation = family.do("image-commit", {"token": token})["generation"]
    same("ynl: image-begin, image-data, image-commit", generation, family.do("status-get", {})["generation"])
    try:
        family.do("image-commit", {"token": token})
        ok("ynl: a refusal comes with a text", False)
    except NlError as e:
        ok("ynl: a refusal comes with a text", "no upload stands" in str(e), e)
    same("ynl: signature-get", family.dump("signature-get", {}), [])


each([modes_and_bans, upload])
