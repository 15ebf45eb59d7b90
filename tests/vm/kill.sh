#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 120
#
# A killed TCP socket never lives again, whoever connects it, and one that cannot be aborted yet does not
# hold up the others. The cell's process is nobody.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

RESULTS=32
plan "$RESULTS"
cell_program
cells "$(cell_of cell "$ONLY_SIGNATURES")"
sigs '{"id": 7, "revision": 1, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}'
tap_of "$RESULTS" python3 "$HERE/kill.py" "$WORK"
