#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 100
#
# The ring of records: what it keeps, what it counts as lost, and readers that mean no good.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

HELPER=69
plan $((1 + HELPER))

cells '{"name": "sink", "program": "/usr/bin/socat", "arguments": "*7071*", "files": {"learn": false},
	"tolerization": {"windows": 100000}, "window_ms": 100}'
sigs '{"id": 1, "revision": 1, "type": 1, "message": "calm", "pattern": "drowning"}'
socat -u TCP-LISTEN:7071,fork,reuseaddr OPEN:/dev/null &
wait_port 7071
# Without this the flood would prove nothing: a single match is told.
since=$(newest)
printf 'drowning' >/dev/tcp/127.0.0.1/7071
check "a match in a calm cell is telemetry" wait_for "$LIMIT" told "$since" 'select(.event_type == "kis_match_calm")'
tap_of "$HELPER" python3 "$HERE/ring.py"
