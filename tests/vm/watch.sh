#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 60
#
# kisctl watch on terminals of several sizes: what it shows, the keys, and how it leaves them.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

HELPER=16
plan $((1 + HELPER))

cells '{"name": "redis", "program": "/usr/bin/redis-server", "tolerization": {"windows": 100000}}' \
	'{"name": "a-name-of-31-characters-for-all", "program": "/usr/sbin/nginx"}'
start_redis
check "a cell has its parameters" wait_for "$LIMIT" test "$(kisctl --json watch --once | jq '.cells | length')" = 2
tap_of "$HELPER" python3 "$HERE/watch.py"
stop_redis
