#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 100
#
# Signatures on streams: TCP over IPv4 and IPv6, unix; split, reordered, doubled, urgent, early, late.
# A server that is no cell reads each attack; the same server as a cell never does.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

HELPER=80
plan "$HELPER"

# The attacker who has a TCP of his own.
raw_network
echo 3 >/proc/sys/net/ipv4/tcp_fastopen

for tag in free cell; do
	mkdir -p "$WORK/$tag"
	port=7100
	[ "$tag" = free ] || port=7200
	python3 "$HERE/sigserver.py" "$tag" "$WORK/$tag" "$port" &
	wait_for "$START_LIMIT" test -e "$WORK/$tag/ready" || bail "the server did not start"
done
cells '{"name": "server", "program": "/usr/bin/python3.13", "arguments": "*/sigserver.py cell *",
	"files": {"learn": false}, "window_ms": 60000, "tolerization": {"windows": 100000},
	"danger_one": {"hold_ms": '$((1000 * SLOW))'},
	"danger_two": {"hold_ms": 1, "deny": []}}'
sigs '{"id": 7, "revision": 1, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}' \
	'{"id": 8, "revision": 1, "type": 1, "message": "calm", "pattern": "CALM[0-9]"}'
kisctl mode enforce --force >/dev/null
tap_of "$HELPER" python3 "$HERE/signatures.py" "$WORK"
