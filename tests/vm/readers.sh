#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 700
#
# No byte leaves a cell's receive queue to its process before it was scanned: ways to read × ways in which
# a socket comes to a process × ways in which bytes arrive. The matrix is made by readers.py, which says how.
#
#   readers.sh ['tcp4 splice * queued']     only those that fit

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

cell_program
raw_network
echo 3 >/proc/sys/net/ipv4/tcp_fastopen
# Resets do not make the kernel doubt that fast open works.
echo 0 >/proc/sys/net/ipv4/tcp_fastopen_blackhole_timeout_sec
cells "$(cell_of cell "$ONLY_SIGNATURES")"
sigs '{"id": 7, "revision": 1, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}'
RESULTS=$(python3 "$HERE/readers.py" "$WORK" "${1:-*}" count)
plan "$RESULTS"
tap_of "$RESULTS" python3 "$HERE/readers.py" "$WORK" "${1:-*}"
