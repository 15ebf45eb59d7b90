#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What imported rules find in requests of attackers, and in those of nobody in particular.

    requests.py --kisctl KISCTL --rules RULES --data DIR [--verbose]

DIR has `crs/requests.jsonl` (the tests of the OWASP Core Rule Set, one request a line) and `csic/normal_1_18000.txt` (one
request a line: method, address, parameters), as in data that this project does not have itself. RULES are rules in Suricata's
form. Each request becomes a connection of a capture, in which `kisctl sig test` looks for the signatures that
`kisctl sig import` makes of the rules. A table for people goes to standard error, one JSON object to standard output.
"""

import argparse
import base64
import collections
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from bench.capture import Capture  # noqa: E402

# Seconds for one run of kisctl.
PATIENCE = 900


def say(*words):
    """To people."""
    print(*words, file=sys.stderr, flush=True)


def bytes_of(text):
    """As it was in the file; what is no byte is UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()


def request(entry):
    """The bytes of a request of the Core Rule Set's tests, as their runner sends it."""
    if "raw_b64" in entry:
        return base64.b64decode(entry["raw_b64"])
    body = base64.b64decode(entry["data_b64"]) if "data_b64" in entry else bytes_of(entry.get("data") or "")
    headers = dict(entry.get("headers") or {})
    names = {name.lower() for name in headers}
    if entry.get("autocomplete_headers", True):
        if body and "content-type" not in names:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if "connection" not in names:
            headers["Connection"] = "close"
        if body and not {"content-length", "transfer-encoding"} & names:
            headers["Content-Length"] = str(len(body))
    line = f"{entry.get('method', 'GET')} {entry.get('uri', '/')} {entry.get('version', 'HTTP/1.1')}\r\n"
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return bytes_of(line) + bytes_of(fields) + b"\r\n" + body


def shop(line):
    """The bytes of a request of the shop's log, with the headers of a browser."""
    method, _, address = line.partition(" ")
    path, _, parameters = address.removeprefix("http://localhost:8080").partition("?")
    parameters = parameters.replace(" ", "+").encode()
    method, target, body = method.upper(), path.encode() or b"/", b""
    if method == "POST":
        body = parameters
    elif parameters:
        target += b"?" + parameters
    head = method.encode() + b" " + target + b" HTTP/1.1\r\n"
    head += b"Host: localhost:8080\r\nUser-Agent: Mozilla/5.0 (compatible; Konqueror/3.5; Linux) KHTML/3.5.8 (like Gecko)\r\n"
    head += b"Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.5\r\nCookie: JSESSIONID=1F767F17239C9B670A39E9B10C3825F4\r\n"
    if body:
        head += b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " + str(len(body)).encode() + b"\r\n"
    return head + b"Connection: close\r\n\r\n" + body


def run(*command):
    """The report of a command."""
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"kis: {' '.join(command)}: {done.stderr.decode(errors='replace').strip()}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("kisctl", "rules", "data"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    with open(os.path.join(args.data, "crs/requests.jsonl"), encoding="utf-8") as file:
        tests = [json.loads(line) for line in file if line.strip()]
    with open(os.path.join(args.data, "csic/normal_1_18000.txt"), encoding="utf-8", errors="replace") as file:
        visits = [line.rstrip("\r\n") for line in file if line.strip()]
    with tempfile.TemporaryDirectory() as work:
        path, signatures = os.path.join(work, "requests.pcap"), os.path.join(work, "signatures.json")
        capture = Capture(path)
        what = {}
        for entry in tests:
            # What a test of an answer asks for is no attack by itself.
            if not entry.get("family", "").startswith("RESPONSE"):
                what[capture.connection(request(entry))] = entry
        for line in visits:
            what[capture.connection(shop(line))] = line
        capture.close()
        subprocess.run(
            [args.kisctl, "sig", "import", "--force", "--output", signatures, args.rules],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=PATIENCE, check=False,
        )  # fmt: skip
        report = run(args.kisctl, "--json", "sig", "test", signatures, path)
    numbers = {Capture.peer(n)[0]: n for n in what}
    found = collections.defaultdict(list)
    for match in report["matches"]:
        found[numbers[match["source"]]].append((match["id"], match["message"], match["excerpt"]))
    families, matched = collections.Counter(), collections.Counter()
    false = collections.Counter()
    sums = collections.Counter()
    for n, entry in what.items():
        if isinstance(entry, str):
            kind = "csic"
        else:
            kind = "crs_" + entry["expect"]
            if entry["expect"] == "match":
                families[entry["family"]] += 1
                matched[entry["family"]] += bool(found[n])
        sums[kind] += 1
        sums[kind + "_found"] += bool(found[n])
        if kind in ("csic", "crs_no_match"):
            for number, message, excerpt in found[n]:
                false[kind, number, message] += 1
                if args.verbose:
                    say(f"{kind}: {number} {message}: {excerpt}")
    for family, count in sorted(families.items()):
        say(f"{matched[family]:5} of {count:5}  {family}")
    for (kind, number, message), count in false.most_common():
        say(f"{count:5} in {kind}: {number} {message}")
    print(json.dumps(dict(sorted(sums.items()))))


if __name__ == "__main__":
    main()
