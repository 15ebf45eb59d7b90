#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# The repertoire: what a cell did while it learned goes on, and what is new is told, or denied in the call that makes
# it. Two cells learn the same; "free" observes, and there each attack succeeds, "held" enforces. While two others learn
# somebody is there to train them: "soft" learns that, and of "hard" the officer has said what is to be expected.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

RESULTS=$(python3 "$HERE/self.py" count)
plan "$RESULTS"
cell_program
echo "0 0" >/proc/sys/net/ipv4/ping_group_range
# Long enough for several rounds of all that a cell does.
LEARNS=', "window_ms": 200, "tolerization": {"windows": '$((60 * SLOW))'}, "danger_one": {"hold_ms": 1},
	"danger_two": {"hold_ms": 1}, "forbid": []'
HARD=${LEARNS/'{"windows"'/'{"kind": "hard", "windows"'}', "mode": "enforce", "expect": {"program": ["* -> /usr/bin/true"],
	"peer": ["tcp 127.0.0.1:7100", "udp 127.0.0.1:7300", "unix '$WORK'/hard/peer.sock"],
	"create": ["'$WORK'/hard/spool"], "write": ["'$WORK'/hard/log/*", "'$WORK'/hard/over/*"]}'
cells "$(cell_of free "$LEARNS"', "mode": "observe"')" "$(cell_of held "$LEARNS"', "mode": "enforce"')" \
	"$(cell_of login "$LEARNS"', "mode": "enforce", "sessions": true')" \
	"$(cell_of soft "$LEARNS"', "mode": "enforce"')" "$(cell_of hard "$HARD")"
tap_of "$RESULTS" python3 "$HERE/self.py" "$WORK"
