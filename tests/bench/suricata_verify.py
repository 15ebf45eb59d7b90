#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Suricata's own tests of matching, for the signatures that KIS makes of their rules.

    suricata_verify.py --kisctl KISCTL --data DIR [--verbose] [--only GLOB]

DIR is a checkout of OISF's suricata-verify, or a part of one with `index.jsonl` (a line a test: `test`, `pcap`,
`rules`, relative to DIR) where files are kept once. For each test that says which alerts it expects, its rules
are imported (`kisctl sig import`), looked for in its capture (`kisctl sig test --both`), and held against what is
expected. Only the reports of these two commands are known here, not how rules are read.

A test is claimed if each rule that it has an expectation about was taken. The others are left out, and it is said
why. What counts of test.yaml is in `expectations`; its rules are in suricata-verify's README. A table for people
goes to standard error, one JSON object to standard output.
"""

import argparse
import collections
import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    sys.exit("kis: python3-yaml is missing: apt-get install python3-yaml, or run it by make bench-suricata-verify")

# Seconds for one run of kisctl.
PATIENCE = 300
# Arguments of Suricata with which a test is about Suricata's own limits and settings.
OWN = re.compile(r"--simulate-(?!ips)|memcap|-policy=|simulate-applayer|--runmode=unix")
# Checks that say the same.
OWN_KEY = re.compile(r"exception_policy|drop_reason\.(?!rules)")
# Another way to settle overlaps than that of Linux, in a test's own suricata.yaml.
OTHER_SYSTEM = re.compile(r"^\s+(?!linux|bsd)[a-z0-9-]+:\s*\[[^\]]*\b0\.0\.0\.0/0", re.M)
# What belongs to Suricata's answer to a packet, and not to what it finds.
PLAIN = {"event_type", "alert.signature_id", "alert.signature"}


class Left(Exception):
    """A test that is left out, and why."""


class Nothing(Exception):
    """A test that expects nothing of its rules."""


def say(*words):
    """To people."""
    print(*words, file=sys.stderr, flush=True)


class Rule:
    """What has to be known of a rule that expectations are about: a rule's number, name and direction."""

    def __init__(self, line):
        def value(name):
            found = re.search(rf"[(;]\s*{name}\s*:\s*(.*?)\s*(?<!\\);", line)
            return found.group(1) if found else ""

        self.sid = int(value("sid")) if value("sid").isdigit() else None
        self.msg = value("msg").strip('"')
        flow = re.split(r"[\s,]+", value("flow"))
        self.is_to_server = bool({"to_server", "from_client"} & set(flow))
        self.is_quiet = bool(re.search(r"[(;]\s*noalert\s*;", line)) or line.startswith("pass")


def lines(text):
    """The rules of a file, one a line; a backslash at the end of a line joins it with the next one."""
    return [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip() and line.strip()[0] != "#"]


def versions(requires):
    """Whether something holds for the newest Suricata, that is one without an upper limit."""
    requires = requires or {}
    if isinstance(requires, list):
        requires = {key: value for part in requires for key, value in part.items()}
    return "lt-version" not in requires


class Wanted:
    """What a test expects of its alerts."""

    def __init__(self):
        self.least = {}     # sid → alerts that there have to be
        self.some = 0       # alerts of whatever rule
        self.never = set()  # sids
        self.is_whole = False   # nothing else may match


def expectations(test, rules):
    """Of the checks of a test, those about alerts."""
    wanted, plain, total = Wanted(), collections.Counter(), None
    by_name = {rule.msg: rule.sid for rule in rules if rule.msg}
    sids = {rule.sid for rule in rules if rule.sid and not rule.is_quiet}
    for check in test.get("checks") or []:
        own = check.get("filter") if isinstance(check, dict) else None
        if not own or not versions(own.get("requires")) or own.get("filename", "eve.json") != "eve.json":
            continue
        match = own.get("match") or {}
        if match.get("event_type") != "alert":
            continue
        # In older tests a count can be missing, or be text such as "> 0".
        count = own.get("count", 1)
        count = int(count) if str(count).isdigit() else 1
        is_plain = set(match) <= PLAIN
        sid = match.get("alert.signature_id", by_name.get(match.get("alert.signature")))
        if sid is None and "alert.signature" not in match and len(sids) == 1 and is_plain:
            (sid,) = sids
            total = count
        if sid is not None:
            sid = int(sid)
            if count:
                wanted.least[sid] = max(wanted.least.get(sid, 0), count)
                plain[sid] += count
            elif is_plain:
                wanted.never.add(sid)
        elif is_plain and "alert.signature" not in match:
            total = count
    if total == 0:
        wanted.never |= sids
    elif total is not None:
        if wanted.least and sum(plain.values()) == total:
            wanted.is_whole = True
        elif not wanted.least:
            wanted.some = total
    wanted.never -= set(wanted.least)
    return wanted


class Case:
    """A test, as it lies there."""

    def __init__(self, data, name, pcap=None, rules=None):
        self.data, self.name, self.pcap, self.rules = data, name, pcap, rules

    def path(self, *parts):
        """Below the test."""
        return os.path.join(self.data, self.name, *parts)

    def test(self):
        """What test.yaml says."""
        with open(self.path("test.yaml"), encoding="utf-8") as file:
            return yaml.safe_load(file) or {}

    def capture(self, test):
        """The one that it is about."""
        if self.pcap:
            return os.path.join(self.data, self.pcap)
        if test.get("pcap"):
            return self.path(test["pcap"])
        own = [name for name in sorted(os.listdir(self.path())) if name.endswith((".pcap", ".pcapng", ".cap"))]
        if len(own) != 1:
            raise Left("it has no capture")
        return self.path(own[0])

    def is_about_settings(self, test):
        """Whether it is about what Suricata does when it cannot go on, or about another system than Linux."""
        words = test.get("args") or []
        words = " ".join(map(str, words)) if isinstance(words, list) else str(words)
        checks = [next(iter(check.values())) for check in test.get("checks") or [] if isinstance(check, dict) and check]
        keys = [key for check in checks if isinstance(check, dict) for key in check.get("match") or {}]
        own = self.path("suricata.yaml")
        settings = ""
        if os.path.exists(own):
            with open(own, encoding="utf-8") as file:
                settings = file.read()
        return bool(OWN.search(words) or OTHER_SYSTEM.search(settings) or any(map(OWN_KEY.search, keys)))

    def text(self):
        """Its rules."""
        paths = [os.path.join(self.data, path) for path in self.rules] if self.rules is not None else \
            [self.path(name) for name in sorted(os.listdir(self.path())) if name.endswith(".rules")]
        if not paths:
            raise Left("it has no rules")
        if any(os.path.basename(path) == "firewall.rules" for path in paths):
            raise Left("its rules are those of Suricata's firewall")
        texts = []
        for path in paths:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                texts.append(file.read())
        return "\n".join(lines("\n".join(texts))) + "\n"


def cases(data):
    """All tests."""
    index = os.path.join(data, "index.jsonl")
    if os.path.exists(index):
        with open(index, encoding="utf-8") as file:
            for line in file:
                own = json.loads(line)
                yield Case(data, own["test"], own.get("pcap"), own.get("rules") or [])
        return
    for where, _, files in sorted(os.walk(os.path.join(data, "tests"))):
        if "test.yaml" in files:
            yield Case(data, os.path.relpath(where, data))


def kisctl(program, *words):
    """What it says, or nothing; and what it says on standard error."""
    done = subprocess.run([program, "--json", *words], capture_output=True, text=True, timeout=PATIENCE, check=False)
    try:
        # A refusal may have its report before it.
        return json.JSONDecoder().raw_decode(done.stdout.lstrip())[0], done.stderr.strip()
    except ValueError:
        return None, done.stderr.strip() or f"status {done.returncode}"


def ratio(part, whole):
    """A ratio, if there is one."""
    return round(part / whole, 4) if whole else None


class Outcome:
    """What came of a test."""

    def __init__(self):
        self.is_exact = False
        self.hits, self.misses, self.wrong = [], [], []


class Bench:
    """All of it."""

    def __init__(self, options):
        self.program, self.options = options.kisctl, options
        told = subprocess.run([self.program, "sig", "import", "--help"], capture_output=True, text=True, check=True)
        self.format = ["--format", "suricata"] if "--format" in told.stdout else []
        self.left, self.keywords = collections.Counter(), collections.Counter()
        self.counts = collections.Counter()
        self.failed = []

    def imported(self, text, directory):
        """What became of each rule, by its sid, and where the signatures are."""
        rules, made = os.path.join(directory, "own.rules"), os.path.join(directory, "own.json")
        with open(rules, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        report, said = kisctl(self.program, "sig", "import", *self.format, "--force", "-o", made, rules)
        if report is None or "rules" not in report:
            raise Left(f"it cannot be imported: {said[:200]}")
        return {line["sid"]: line for line in report["rules"] if line["sid"]}, made

    def refusals(self, fates, sids):
        """Leaves a test out if one of the rules that it is about was not taken."""
        why = [reason for sid in sids if fates[sid]["fate"] == "refused" for reason in fates[sid]["why"]]
        if why:
            self.keywords.update(set(why))
            raise Left("a rule that it is about is refused")

    def case(self, case, directory):
        """One test."""
        test = case.test()
        text = case.text()
        rules = [Rule(line) for line in lines(text)]
        wanted = expectations(test, rules)
        known = {rule.sid: rule for rule in rules if rule.sid}
        sids = (set(wanted.least) | wanted.never) & set(known)
        if wanted.some:
            sids |= set(known)
        if not sids:
            raise Nothing
        self.counts["with_expectations"] += 1
        if not versions(test.get("requires")):
            raise Left("it is for older versions of Suricata only")
        if case.is_about_settings(test):
            raise Left("it is about Suricata's own limits and settings")
        if set(wanted.least) - set(known):
            raise Left("an alert of Suricata's own is expected, not of its rules")
        fates, made = self.imported(text, directory)
        if sids - set(fates):
            raise Left("a rule that it is about is not in the report")
        self.refusals(fates, sids)
        report, said = kisctl(self.program, "sig", "test", "--both", made, case.capture(test))
        if report is None or "matches" not in report:
            raise Left(f"it cannot be tested: {said[:200]}")
        return self.judged(wanted, known, fates, sids, report)

    def judged(self, wanted, known, fates, sids, report):
        """What is found beside what is expected; a rule about requests does not count in answers."""
        outcome = Outcome()
        outcome.is_exact = all(fates[sid]["fate"] == "exact" for sid in sids)
        found, received = set(), set()
        for match in report["matches"]:
            rule = known.get(match["id"])
            if rule is None or (rule.is_to_server and not match["to_server"]):
                continue
            found.add(rule.sid)
            if match["to_server"]:
                received.add(rule.sid)
        for sid in sorted(wanted.least):
            (outcome.hits if sid in found else outcome.misses).append(sid)
            self.counts["hits_received"] += sid in received
        if wanted.some:
            (outcome.hits if found else outcome.misses).append("any")
            self.counts["hits_received"] += bool(received)
        quiet = {sid for sid, rule in known.items() if rule.is_quiet}
        wrong = found & wanted.never
        if wanted.is_whole:
            wrong |= found - set(wanted.least) - quiet
        outcome.wrong = sorted(wrong)
        return outcome

    def run(self):
        """All tests."""
        with tempfile.TemporaryDirectory() as directory:
            for number, case in enumerate(cases(self.options.data), 1):
                if not fnmatch.fnmatch(case.name, self.options.only):
                    continue
                if number % 50 == 0:
                    say(f"# {number} tests")
                self.counts["cases"] += 1
                self.one(case, directory)

    def one(self, case, directory):
        """One test, and what comes of it."""
        try:
            outcome = self.case(case, directory)
        except Nothing:
            self.left["it expects nothing of its rules"] += 1
            return
        except Left as left:
            self.left[str(left)] += 1
            if self.options.verbose:
                say(f"{case.name}: left out: {left}")
            return
        except (OSError, ValueError, TypeError, AttributeError, LookupError, yaml.YAMLError, subprocess.TimeoutExpired) as error:
            self.left["it cannot be read or run"] += 1
            say(f"{case.name}: {type(error).__name__}: {error}")
            return
        self.counts["claimed"] += 1
        self.counts["claimed_exact"] += outcome.is_exact
        self.counts["hits"] += len(outcome.hits)
        self.counts["misses"] += len(outcome.misses)
        self.counts["wrong"] += len(outcome.wrong)
        if outcome.misses or outcome.wrong:
            self.failed.append(case.name)
            if self.options.verbose:
                say(f"{case.name}: not found: {outcome.misses}, found and should not be: {outcome.wrong}")

    def tell(self):
        """The table, and the figures."""
        counts = self.counts
        hits, misses, wrong = counts["hits"], counts["misses"], counts["wrong"]
        figures = {
            "bench": "suricata-verify",
            "cases": counts["cases"],
            "with_expectations": counts["with_expectations"],
            "claimed": counts["claimed"],
            "claimed_exact": counts["claimed_exact"],
            "expected": hits + misses,
            "found": hits,
            "found_in_requests": counts["hits_received"],
            "wrong": wrong,
            "recall": ratio(hits, hits + misses),
            "precision": ratio(hits, hits + wrong),
            "failed": len(self.failed),
            "left_out": dict(self.left.most_common()),
            "unclaimed": dict(self.keywords.most_common()),
        }
        if self.options.verbose:
            figures["failed_cases"] = self.failed
        for name in ("cases", "with_expectations", "claimed", "claimed_exact", "expected", "found", "wrong",
                     "recall", "precision", "failed"):
            say(f"{name:<20} {figures[name]}")
        for title, counter in (("left out", self.left), ("rules are refused because they (tests)", self.keywords)):
            say(f"\n{title}")
            for why, count in counter.most_common():
                say(f"{count:>6}  {why[:110]}")
        print(json.dumps(figures, ensure_ascii=True), flush=True)


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kisctl", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--only", default="*", help="only tests whose name fits")
    parser.add_argument("--verbose", action="store_true", help="say which tests fail or are left out")
    bench = Bench(parser.parse_args())
    bench.run()
    bench.tell()


if __name__ == "__main__":
    main()
