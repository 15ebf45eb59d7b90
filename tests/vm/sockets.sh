#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# Whose socket it is: what counts is the cell of the process that reads, whoever had the socket before, and nothing
# is counted for a cell, or looked at, that only passes by a process of it.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

RESULTS=$(python3 "$HERE/sockets.py" count)
plan "$RESULTS"
cell_program
short='"files": {"learn": false}, "forbid": [], "window_ms": 300, "tolerization": {"windows": 100000},
	"danger_one": {"hold_ms": 1}, "danger_two": {"hold_ms": 1, "deny": []}'
cells "$(cell_of strict ", $short")" "$(cell_of lax ", $short")"
# Nothing that the lax cell receives is evil.
sigs '{"id": 7, "revision": 1, "type": 2, "message": "evil", "pattern": "EVIL[0-9]", "cell": "strict"}'
ip tuntap add kis-tun mode tun
ip addr add 10.78.0.1/24 dev kis-tun
ip link set kis-tun up
tap_of "$RESULTS" python3 "$HERE/sockets.py" "$WORK"
ip link delete kis-tun
