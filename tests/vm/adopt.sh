#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 240
#
# A first load finds all that run: a process whose first thread has gone, and a child that is being made. Who was found
# stays who he is, also while others are still looked for.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

RESULTS=25
plan "$RESULTS"
cell_program
mkdir -p "$WORK/in" "$WORK/out"
printf '{"version": 1, "cells": [%s]}\n' "$(cell_of cell ',
	"files": {"learn": false, "write": ["'"$WORK/in"'"]}, "forbid": [], "window_ms": 200,
	 "tolerization": {"windows": 100000}, "danger_two": {"hold_ms": 1, "deny": []}')" >"$WORK/cells.json"
tap_of "$RESULTS" python3 "$HERE/adopt.py" "$WORK"
