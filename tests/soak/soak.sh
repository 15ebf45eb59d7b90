#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# soak.sh [MINUTES]: four hostile processes in a cell while the cells are loaded again each second. At the end the
# kernel must not have complained, and its memory has to be where it began.
#
#   scripts/vm run --kernel debug --timeout 4500 tests/soak/soak.sh 60
#
# The memory is compared twice: when the processes have ended and the cells are unloaded, and when the module is gone.
# TOLERANCE KiB of slab that cannot be reclaimed may be left over: caches of the kernel itself do not shrink to the
# byte. What is lost for each connection, process or reload is far more than that after some minutes.

. "$(dirname "$0")/../vm/lib.sh"
. "$(dirname "$0")/../vm/lib-kis.sh"
. "$(dirname "$0")/../vm/lib-actor.sh"

MINUTES=${1:-60}
RESULTS=13
TOLERANCE=$((4096 * SLOW))
[ "$SLOW" = 1 ] || LEAKS=/sys/kernel/debug/kmemleak
plan $((RESULTS + 5))

cell_program
mkdir -p "$WORK/in"
printf '{"version": 1, "cells": [%s, %s]}\n' \
	"$(cell_of cell ', "files": {"learn": false, "write": ["'"$WORK/in"'", "/dev"]}, "forbid": ["ptrace"],
		"window_ms": 100, "tolerization": {"windows": 100000}, "danger_one": {"hold_ms": 1},
		"danger_two": {"hold_ms": 100, "deny": ["exec"]}')" \
	"$(cell_of calm "$ONLY_SIGNATURES")" >"$WORK/cells.json"
sigs '{"id": 7, "revision": 1, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}'
kisctl mode enforce --force >/dev/null

nobody_lingers() { [ "$(awk '$1 == "TCP:" { print $7 }' /proc/net/sockstat)" = 0 ]; }

# unreclaimable: KiB of slab, after what waits for TCP, for grace periods and for caches has gone.
unreclaimable() {
	local least=0 now
	wait_for $((90 * SLOW)) nobody_lingers
	for _ in 1 2 3 4 5 6; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		sleep 2
		now=$(awk '$1 == "SUnreclaim:" { print $2 }' /proc/meminfo)
		[ "$least" != 0 ] && [ "$now" -ge "$least" ] || least=$now
	done
	echo "$least"
}

# What the first of each kind costs is no leak: caches and per-processor lists are filled once.
python3 "$HERE/../soak/soak.py" "$WORK" 0.5 >"$WORK/warm.out" 2>&1 || diag "$(cat "$WORK/warm.out")"
kisctl cell unload >/dev/null
before=$(unreclaimable)
[ -z "${LEAKS:-}" ] || echo clear >"$LEAKS"

tap_of "$RESULTS" python3 "$HERE/../soak/soak.py" "$WORK" "$MINUTES"
check "the cells are unloaded" kisctl cell unload
after=$(unreclaimable)
diag "slab that cannot be reclaimed: $before KiB before, $after KiB after"
is "memory is back where it began, within $TOLERANCE KiB" "$((after <= before + TOLERANCE))" 1
if [ -n "${LEAKS:-}" ]; then
	echo scan >"$LEAKS" && sleep 6 && echo scan >"$LEAKS"
	is "no memory has leaked" "$(head -n 20 "$LEAKS")" ""
else
	skip "no memory has leaked" "this kernel has no kmemleak"
fi
check "the module goes" timeout $((60 * SLOW)) rmmod kis
is "memory is back without the module too" "$(($(unreclaimable) <= before + TOLERANCE))" 1
