#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Traffic made for each rule that is imported exactly, as KIS and as Suricata see it.

    rules_differential.py make --kisctl KISCTL --rules RULES --out DIR     capture and KIS' report
    rules_differential.py compare --out DIR --eve EVE [--verbose]          held against Suricata's alerts

Of each signature that `kisctl sig import` makes of a rule without a loss come a connection or a datagram that it should be
found in, and some in which one byte is another one. What is compared is each pair of a connection and a rule: it is
found by both, or by one of them only. So each sample is a trial of all rules. One JSON object on standard output.
"""

import argparse
import collections
import json
import os
import random
import re
import subprocess
import sys
import warnings
from re import _constants as kinds
from re import _parser as parser

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from bench.capture import Capture  # noqa: E402

# Seconds for one run of kisctl.
PATIENCE = 900
# Changed copies of each sample.
COPIES = 3
# Bytes of a query with one label of the longest, and some.
MAX_QUERY = 100
# What stands between parts of a scope that have no place.
BETWEEN = b"qz"


def say(*words):
    """To people."""
    print(*words, file=sys.stderr, flush=True)


class Hard(Exception):
    """A pattern of which no sample is made."""


def one_of(items, flags):
    """A byte of a class, a letter if there is one."""
    negated, wanted = False, set()
    for kind, value in items:
        if kind is kinds.NEGATE:
            negated = True
        elif kind is kinds.LITERAL:
            wanted |= {value, *case(value)} if flags & re.IGNORECASE else {value}
        elif kind is kinds.RANGE:
            wanted |= set(range(value[0], value[1] + 1))
        elif kind is kinds.CATEGORY:
            wanted |= category(value)
        else:
            raise Hard(str(kind))
    found = set(range(256)) - wanted if negated else wanted
    for byte in (*b"aAxZ07.-_ /=", *range(33, 127), *range(256)):
        if byte in found:
            return bytes((byte,))
    raise Hard("an empty class")


def case(byte):
    """The other case of a letter."""
    return (byte ^ 32,) if chr(byte).isascii() and chr(byte).isalpha() else ()


def category(name):
    """The bytes of \\d, \\s, \\w, or of what they are not."""
    sets = {
        "DIGIT": set(b"0123456789"),
        "SPACE": set(b" \t\n\r\x0b\x0c"),
        "WORD": {byte for byte in range(128) if chr(byte).isalnum()} | {ord("_")},
    }
    text = str(name)
    base = next(value for key, value in sets.items() if text.endswith(key))
    return set(range(256)) - base if "NOT" in text else base


def tree_sample(tree, flags):
    """A short text that a parsed pattern matches."""
    text = b""
    for kind, value in tree:
        if kind is kinds.LITERAL:
            text += bytes((value,))
        elif kind is kinds.NOT_LITERAL:
            text += one_of([(kinds.NEGATE, None), (kinds.LITERAL, value)], flags)
        elif kind is kinds.ANY:
            text += b"y"
        elif kind is kinds.IN:
            text += one_of(value, flags)
        elif kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
            least, _, inner = value
            text += tree_sample(inner, flags) * least
        elif kind is kinds.SUBPATTERN:
            text += tree_sample(value[3], (flags | value[1]) & ~value[2])
        elif kind is kinds.BRANCH:
            text += tree_sample(value[1][0], flags)
        elif kind is not kinds.AT:
            raise Hard(str(kind))
    return text


def sample(pattern):
    """A short text that a pattern matches; whether it is at the beginning, and at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tree = parser.parse(pattern.replace("\\z", "$").encode())
        except (re.error, UnicodeEncodeError) as error:
            raise Hard(str(error)) from error
    is_first = re.match(r"(\(\?[a-z]+:)?\(*\^", pattern) is not None
    return tree_sample(tree, 0), is_first, pattern.endswith("$")


def has(pattern, text):
    """Whether a text has what is looked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.search(pattern.replace("\\z", "$").encode(), text, re.S) is not None
        except re.error:
            return False


def joined(patterns, begin=b""):
    """One text for all patterns of a scope, that begins so if nothing else has to be at its beginning."""
    parts = [(pattern, *sample(pattern)) for pattern in patterns]
    # What begins at the beginning is there once; the longest says most.
    parts.sort(key=lambda part: (not part[2], part[3]))
    text = b"" if parts and parts[0][2] else begin
    for pattern, own, is_first, _ in parts:
        if has(pattern, text):
            continue
        if is_first and text != begin:
            raise Hard("several beginnings")
        text += (BETWEEN if text and text != begin else b"") + own
    return text


def escaped(target):
    """A target as it is sent."""
    plain = set(b"/?=&.-_~!*',:@$;+()[]|^`{}<>\"\\") | {byte for byte in range(128) if chr(byte).isalnum()}
    return b"".join(bytes((byte,)) if byte in plain else b"%%%02X" % byte for byte in target)


def request(scopes):
    """A request with texts in its parts."""
    def take(name, otherwise=b""):
        return joined(scopes.pop(name)) if name in scopes else otherwise

    line = take("http.request_line")
    body = take("http.request_body")
    method = take("http.method", b"POST" if body else b"GET")
    # What names a file stands before what is asked of it.
    uris = sorted(scopes.pop("http.uri", []), key=lambda pattern: "\\?" not in pattern)
    target = joined(uris, b"/")
    target = escaped(target if target.startswith(b"/") else b"/" + target) + take("http.uri.raw")
    line = line or method + b" " + target + b" " + take("http.protocol", b"HTTP/1.1")
    fields = []
    for scope in [scope for scope in scopes if scope.startswith("http.header.")]:
        name = scope.removeprefix("http.header.").title().encode()
        # Blanks at the ends belong to no value.
        value = take(scope)
        fields.append(name + b": " + b"z" * value.startswith(b" ") + value + b"z" * value.endswith(b" "))
    for pattern in scopes.pop("http.header", []):
        pattern = re.sub(r"\[ \\t\]\*", " ", pattern)
        if has(pattern, b"\r\n".join(fields) + b"\r\n"):
            continue
        text = sample(pattern)[0].strip(b"\r\n")
        name = text.split(b":")[0]
        if b":" not in text or not re.fullmatch(rb"[A-Za-z0-9-]+", name):
            text = b"X-Some: z" + text
        fields.append(text + b"z" * text.endswith(b" "))
    names = {field.split(b":")[0].lower() for field in fields}
    if b"host" not in names:
        fields.insert(0, b"Host: shop.example")
    if body and b"content-length" not in names:
        fields.append(b"Content-Length: %d" % len(body))
    tail = take("stream")
    if scopes:
        raise Hard(str(sorted(scopes)))
    if tail and tail not in line + b"\r\n".join(fields) + body:
        fields.append(b"X-Tail: " + tail)
    return line + b"\r\n" + b"\r\n".join(fields) + b"\r\n\r\n" + body


def query(text):
    """A DNS query for a name that has these bytes in it (RFC 1035): what is below 32 is the length of a label."""
    # Where it begins with a head, that is another one here.
    text = text[13:] if text.startswith(b"y" * 12) else text
    labels = re.split(rb"[\x00-\x1f]", text)
    if not labels[0]:
        labels[0] = b"www"
    if not text.endswith(b"\x00"):
        labels.append(b"example")
    name = b"".join(bytes((len(label),)) + label for label in labels if label) + b"\x00"
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + b"\x00\x01\x00\x01"


def stream(signature):
    """Bytes that a signature should be found in."""
    scopes = collections.defaultdict(list)
    if "pattern" in signature:
        scopes["stream"].append(signature["pattern"])
    for part in signature.get("parts", []):
        if not part.get("absent"):
            scopes[part["in"]].append(part["pattern"])
    if any(scope.startswith("http.") for scope in scopes):
        return request(dict(scopes)), True
    return joined(scopes["stream"]), False


def port(signature, is_http):
    """A port that it is for."""
    ports = signature.get("ports") or [80 if is_http else 4444]
    return int(str(ports[0]).partition("-")[0])


def values(data):
    """Where a request has its target, the values of its fields, and its body: the rest is what makes it a request."""
    head, _, _ = data.partition(b"\r\n\r\n")
    places, at = [], 0
    for number, line in enumerate(head.split(b"\r\n")):
        if number == 0:
            places += range(line.find(b" ") + 1, line.rfind(b" "))
        elif b": " in line and not line.startswith((b"Host:", b"Content-Length:")):
            places += range(at + line.index(b": ") + 2, at + len(line))
        at += len(line) + 2
    return places + list(range(len(head) + 4, len(data)))


def changed(dice, data, places):
    """The same with another byte at one of these places."""
    at = dice.choice(places)
    return data[:at] + bytes((data[at] ^ dice.choice((1, 2, 16, 32)),)) + data[at + 1 :]


def make(args):
    """Makes the capture, and KIS' report about it."""
    os.makedirs(args.out, exist_ok=True)
    path = {name: os.path.join(args.out, name) for name in ("signatures.json", "samples.pcap", "kis.json", "samples.json")}
    command = [args.kisctl, "--json", "sig", "import", "--force", "--output", path["signatures.json"], args.rules]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    report = json.loads(done.stdout)
    exact = {rule["sid"] for rule in report["rules"] if rule["fate"] == "exact"}
    with open(path["signatures.json"], encoding="utf-8") as file:
        signatures = [own for own in json.load(file)["signatures"] if own["id"] in exact]
    dice = random.Random(1)
    capture = Capture(path["samples.pcap"])
    samples, hard = {}, {}
    for signature in signatures:
        try:
            data, is_http = stream(signature)
            is_query = signature.get("ports") == [53] and "protocol" not in signature
            if is_query:
                data = query(data)
                if len(data) > MAX_QUERY:
                    raise Hard("a long name")
        except Hard as why:
            hard[signature["id"]] = str(why)
            continue
        places = (values(data) if is_http else []) or range(len(data))
        for copy in range(COPIES + 1):
            bytes_ = changed(dice, data, places) if copy else data
            is_datagram = is_query or signature.get("protocol") == "udp"
            send = capture.datagram if is_datagram else capture.connection
            samples[send(bytes_, port(signature, is_http))] = (signature["id"], copy)
    capture.close()
    command = [args.kisctl, "--json", "sig", "test", path["signatures.json"], path["samples.pcap"]]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)
    with open(path["kis.json"], "wb") as file:
        file.write(done.stdout)
    with open(path["samples.json"], "w", encoding="utf-8") as file:
        json.dump({"exact": sorted(exact), "samples": samples, "hard": hard}, file)


def compare(args):
    """Holds KIS' report against Suricata's."""
    with open(os.path.join(args.out, "samples.json"), encoding="utf-8") as file:
        made = json.load(file)
    with open(os.path.join(args.out, "kis.json"), encoding="utf-8") as file:
        matches = json.load(file)["matches"]
    exact = set(made["exact"])
    numbers = {Capture.peer(int(n))[0]: int(n) for n in made["samples"]}
    kis = {(numbers[found["source"]], found["id"]) for found in matches if found["id"] in exact}
    suricata = set()
    with open(args.eve, encoding="utf-8", errors="replace") as file:
        for line in file:
            if '"event_type":"alert"' in line:
                event = json.loads(line)
                ends = {event["src_ip"], event["dest_ip"]} & set(numbers)
                number = event["alert"]["signature_id"]
                if ends and number in exact:
                    suricata.add((numbers[ends.pop()], number))
    own = {(int(n), number) for n, (number, copy) in made["samples"].items() if copy == 0}
    for name, pairs in (("KIS", kis - suricata), ("Suricata", suricata - kis)):
        for n, number in sorted(pairs, key=lambda pair: pair[1]):
            made_for, copy = made["samples"][str(n)]
            say(f"only {name}: {number} in sample {n}, made for {made_for}" + (f", copy {copy}" if copy else ""))
    if args.verbose:
        for n, number in sorted(own - kis - suricata):
            say(f"neither: {number} in its sample {n}")
        for number, why in made["hard"].items():
            say(f"no sample: {number}: {why}")
    result = {
        "rules": len(exact),
        "samples": len(made["samples"]),
        "rules_sampled": len(own),
        "own_found_by_both": len(own & kis & suricata),
        "own_found_by_neither": len(own - kis - suricata),
        "pairs_by_both": len(kis & suricata),
        "pairs_by_kis_only": len(kis - suricata),
        "pairs_by_suricata_only": len(suricata - kis),
    }
    print(json.dumps(result))


def main():
    """What the command line says."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = arguments.add_subparsers(dest="verb", required=True)
    maker, comparer = verbs.add_parser("make"), verbs.add_parser("compare")
    for name in ("kisctl", "rules", "out"):
        maker.add_argument("--" + name, required=True)
    for name in ("out", "eve"):
        comparer.add_argument("--" + name, required=True)
    comparer.add_argument("--verbose", action="store_true")
    args = arguments.parse_args()
    (make if args.verb == "make" else compare)(args)


if __name__ == "__main__":
    main()
