#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 600
#
# Evasion at the level of packets, before nginx, redis and a server in Python: overlaps, fragments, twins that a server
# throws away, loss and disorder. The first argument, if there is one: a directory with configurations of fragroute
# (*.conf) beside its own.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

export EVASIONS=${1:-}
RESULTS=$(python3 "$HERE/evasion.py" count)
plan "$RESULTS"

raw_network
start_nginx
start_redis 'bind 0.0.0.0'
mkdir -p "$WORK/server"
python3 "$HERE/sigserver.py" cell "$WORK/server" 7400 &
wait_for "$START_LIMIT" test -e "$WORK/server/ready" || bail "the server did not start"
cells '{"name": "server", "program": "/usr/bin/python3.13", "arguments": "*/sigserver.py cell *"'"$ONLY_SIGNATURES"'}' \
	'{"name": "web", "program": "/usr/sbin/nginx"'"$ONLY_SIGNATURES"'}' \
	'{"name": "redis", "program": "'"$(readlink -f "$(command -v redis-server)")"'"'"$ONLY_SIGNATURES"'}'
sigs '{"id": 7, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}'
tap_of "$RESULTS" python3 "$HERE/evasion.py" "$WORK"
stop_nginx
stop_redis
