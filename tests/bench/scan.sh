#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest, under -icount: what a received byte, and a small request, costs a cell with no, one, a hundred and
# three thousand signatures. The states are gone through in turn, round by round, the first one twice: the difference of
# these two is the noise floor. Prints lines "STATE INSTRUCTIONS", one for each round.
set -eu

stream=$1
rounds=${2:-3}
dir=$(mktemp -d)
cp "$stream" "$dir/cell"

# Requests as browsers send them, and a body that has nothing in it.
python3 - "$dir" <<'PY'
import pathlib
import random
import sys

dice = random.Random(1)
here = pathlib.Path(sys.argv[1])
text = b""
while len(text) < 1 << 20:
    page = dice.randrange(10000)
    text += (
        f"GET /articles/{page}/index.html?user={page}&sort=date HTTP/1.1\r\nHost: www.example.org\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
        f"Accept-Language: en-US,en;q=0.5\r\nCookie: session={dice.randrange(1 << 60):016x}\r\n\r\n"
    ).encode()
(here / "http").write_bytes(text)
(here / "bulk").write_bytes(dice.randbytes(1 << 20))
PY
printf '{"version": 1, "cells": [
	{"name": "stream", "program": "%s", "files": {"learn": false}, "window_ms": 1000, "tolerization": {"windows": 100000}},
	{"name": "redis", "program": "/usr/bin/redis-check-rdb", "files": {"learn": false},
	 "window_ms": 1000, "tolerization": {"windows": 100000}}]}\n' "$dir/cell" >"$dir/cells.json"

# Words of eight letters with something around them, as payloads have them; the same in each run.
for count in 1 100 3000; do
	python3 - "$count" >"$dir/$count.json" <<'PY'
import json
import random
import sys

dice = random.Random(2)
word = lambda: "".join(dice.choice("abcdefghijklmnopqrstuvwxyz0123456789_-./") for _ in range(8)).replace(".", r"\.")
print(json.dumps({"version": 1, "signatures": [
    {"id": n + 1, "type": 2, "message": "word", "pattern": f"{word()}[0-9]{{1,4}}{word()}"} for n in range(int(sys.argv[1]))
]}))
PY
done

/usr/bin/redis-server --port 7700 --save '' --appendonly no --daemonize no >/dev/null 2>&1 &
redis=$!
until redis-cli -p 7700 ping >/dev/null 2>&1; do sleep 0.1; done

measure() {
	local text
	for text in http bulk; do
		printf '%s-%s %s\n' "$text" "$1" "$("$dir/cell" own "$dir/$text" 1460 700 2 | tail -n 1)"
	done
	# It is in the cell by its program, which is what redis-check-rdb is too.
	printf 'redis-%s %s\n' "$1" "$("$stream" ask 7700 10 1000 2 | tail -n 1)"
}

insmod /mnt/kis/kis.ko
kisctl cell load "$dir/cells.json" >/dev/null
for _ in $(seq "$rounds"); do
	measure none
	measure none-again
	for count in 1 100 3000; do
		kisctl sig load "$dir/$count.json" >/dev/null
		measure "$count"
	done
	kisctl sig unload >/dev/null
done
sleep 2
[ "$(kisctl --json cell list | jq '.cells[] | select(.name == "redis") | .processes')" = 1 ] || {
	echo "redis is in no cell: $(tr '\0' ' ' <"/proc/$redis/cmdline"), $(readlink "/proc/$redis/exe")"
	exit 1
}
kill "$redis"
rmmod kis
