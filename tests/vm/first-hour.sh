#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# What a newcomer does in the first hour, the mistakes included: each is told, with what to do and the right exit code.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-worker.sh"

plan 37

said() { cat "$WORK/code.err"; }
file() { printf '{"version": 1, "cells": [%s]}\n' "$2" >"$WORK/$1"; }

# --- before anything is loaded

code 1 'no cell is loaded.*kisctl cell load' kisctl mode enforce
is "and the mode is what it was" "$(status mode)" observe
code 3 'no cell is loaded' kisctl cell export

# --- files that are right, and probably not meant

mkdir -p "$WORK/there"
printf '#!/bin/sh\n' >"$WORK/wrapper"
file cells.json '{"name": "a", "program": "'"$PYTHON"'", "files": {"write": ["'"$WORK"'/there", "'"$WORK"'/their"]}},
	{"name": "b", "program": "'"$PYTHON"'", "arguments": "*x*"}, {"name": "c", "program": "'"$WORK"'/wrapper"}'
code 0 '' kisctl cell check "$WORK/cells.json"
like "a prefix that is not there" "$(said)" 'cell "a": files.write: [^ ]*/their: No such file'
like "one that is" "$(said | grep -c /there)" '^0$'
like "a cell that never has a process" "$(said)" 'cell "b": it never has a process: "a" has the same program'
like "a wrapper" "$(said)" 'cell "c".*is a script'
echo '{"version": 1, "signatures": [{"id": 1, "type": 2, "message": "all", "pattern": "."},
	{"id": 2, "type": 2, "message": "few", "pattern": "a.*bc"},
	{"id": 3, "type": 1, "message": "vague", "pattern": "bc"},
	{"id": 4, "type": 2, "message": "good", "pattern": "(?i)config +set"}]}' >"$WORK/sigs.json"
code 0 '' kisctl sig check "$WORK/sigs.json"
like "a pattern that fires on everything" "$(said)" 'signature 1: the pattern has no fixed byte'
like "one that fires by chance" "$(said)" 'signature 2: the pattern has only 2 fixed bytes'
like "a vague one of type 1, and a good one" "$(said | grep -Ec 'signature [34]')" '^0$'
code 1 'cells/0/name: "Web" is not written.*1 to 31 of a-z' kisctl cell check <(echo '{"version": 1,
	"cells": [{"name": "Web", "program": "/usr/sbin/nginx"}]}')

# --- a cell, and its files

worker alpha
file cells.json '{"name": "alpha", "program": "'"$PYTHON"'", "arguments": "*/worker.py alpha", "window_ms": 100,
	"tolerization": {"windows": 20}, "forbid": ["ptrace"], "bounds": {"execs": {"max": 5}}}'
code 0 '' kisctl cell load "$WORK/cells.json"
code 1 'is not ready: it still learns' kisctl mode enforce
code 0 '' kisctl cell show alpha
like "what it is held to" "$(cat "$WORK/code.out")" 'forbid +ptrace'
like "and that no signal is up" "$(cat "$WORK/code.out")" 'danger one +not up'
is "what is in force comes back as a file" "$(kisctl cell export | jq -c '.cells[] | [.name, .bounds.execs.max]')" \
	'["alpha",5]'
code 0 '' kisctl cell export "$WORK/again.json"
code 0 '' kisctl cell load "$WORK/again.json"
is "also from cell show" "$(kisctl --json cell show alpha | jq .file | kisctl cell load --dry-run - >/dev/null && echo ok)" ok
check "a cell becomes ready" wait_for "$LIMIT" is_ready alpha
code 0 '' kisctl profile export alpha "$WORK/alpha.kis"
is "a profile is its owner's" "$(stat -c %a "$WORK/alpha.kis")" 600
code 1 'exists.*--force' kisctl profile export alpha "$WORK/alpha.kis"
code 0 '' kisctl profile export --force alpha "$WORK/alpha.kis"

# An image in many parts.
jq -n '{version: 1, cells: [range(200) | {name: "c\(.)", program: "/no/such/\(.)", files: {write: ["/srv/\(.)/data"]}}]}' \
	>"$WORK/many.json"
kisctl cell load "$WORK/many.json" >/dev/null 2>&1
is "many cells come back too" "$(kisctl cell export | jq -c '[.cells | length, (last | .files.write[0])]')" \
	'[200,"/srv/199/data"]'
kisctl cell load "$WORK/cells.json" >/dev/null

# --- alerts

since=$(newest)
python3 -c 'from kis import Netlink; nl = Netlink(); [nl.do("mode-set", mode=0) for _ in range(3)]'
code 3 'no such cell' kisctl alerts --cell alphas
code 2 'possible values' kisctl alerts --type dangerous
is "what repeats is one line" "$(kisctl alerts --since "$since" --type control | grep -c 'mode observe')" 1
like "with its count" "$(kisctl alerts --since 10m --type control | tail -n 1)" 'the same 2 times more$'
like "and a date" "$(kisctl alerts --since 1h --limit 1)" '^20[0-9-]+T[0-9:.]+Z #'
code 0 '' kisctl ban add 192.0.2.9 --ttl 10m
like "for ten minutes" "$(cat "$WORK/code.out")" 'banned for 10 min'

# --- for programs

code 3 '^$' kisctl --json cell show nobody
is "a failure is an object" "$(jq -c '[.exit_code, (.error | test("no such cell")), has("hint")]' "$WORK/code.out")" \
	'[3,true,true]'
