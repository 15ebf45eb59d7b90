#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# A neighbour without privilege runs the program of a cell, with arguments that lie on a page which whoever reads
# it waits for. The officer's commands and the cell's windows do not wait for him. And one who is held where he copies
# from a socket gets what was sent to him, whatever becomes of the socket.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

RESULTS=26
plan "$RESULTS"
cell_program
mkdir -p "$WORK/in" "$WORK/out"
printf '{"version": 1, "cells": [%s]}\n' "$(cell_of cell ',
	"files": {"learn": false, "write": ["'"$WORK/in"'"]}, "forbid": [], "window_ms": 100,
	 "tolerization": {"windows": 100000}, "danger_two": {"hold_ms": 1, "deny": []}')" >"$WORK/cells.json"
[ ! -e /proc/sys/vm/unprivileged_userfaultfd ] || echo 1 >/proc/sys/vm/unprivileged_userfaultfd
sigs '{"id": 7, "revision": 1, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}'
tap_of "$RESULTS" python3 "$HERE/neighbour.py" "$WORK"
