#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 600
#
# Evasion at the level of packets, before nginx, redis and a server in Python: overlaps, fragments, twins that a server
# throws away, loss and disorder. EVASIONS=DIR, or the first argument: fragroute configurations (*.conf) beside its own.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

export EVASIONS=${1:-${EVASIONS:-}}
RESULTS=$(python3 "$HERE/evasion.py" count)
plan "$RESULTS"

raw_network
start_nginx
start_redis 'bind 0.0.0.0'
mkdir -p "$WORK/server"
python3 "$HERE/sigserver.py" cell "$WORK/server" 7400 &
wait_for "$START_LIMIT" test -e "$WORK/server/ready" || bail "the server did not start"
rest='"files": {"learn": false}, "window_ms": 60000, "tolerization": {"windows": 100000},
	"danger_one": {"hold_ms": 1}, "danger_two": {"hold_ms": 1, "deny": []}'
cells '{"name": "server", "program": "/usr/bin/python3.13", "arguments": "*/sigserver.py cell *", '"$rest"'}' \
	'{"name": "web", "program": "/usr/sbin/nginx", '"$rest"'}' \
	'{"name": "redis", "program": "'"$(readlink -f "$(command -v redis-server)")"'", '"$rest"'}'
sigs '{"id": 7, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}'
tap_of "$RESULTS" python3 "$HERE/evasion.py" "$WORK"
stop_nginx
stop_redis
