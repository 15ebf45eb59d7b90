# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For scenarios about KIS, on top of lib.sh: configurations, records, the journal of what is told.
#
#   . "$(dirname "$0")/lib.sh"
#   . "$(dirname "$0")/lib-kis.sh"
#   cells '{"name": "sleep", "program": "/usr/bin/sleep"}'
#   since=$(newest)
#   …
#   records "$since" 'select(.op == "exec")'

# shellcheck disable=SC2034 # for scenarios
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Waits are for a machine that may be emulated by a busy one.
# shellcheck disable=SC2034 # for scenarios
LIMIT=$((15 * SLOW))

kisctl doctor >"$WORK/doctor.out" 2>&1 || {
	[ -e /sys/module/kis ] || bail "kis.ko is not loaded"
}

# cells CELL…: replaces all cells by these JSON objects.
cells() {
	local IFS=,
	printf '{"version": 1, "cells": [%s]}\n' "$*" >"$WORK/cells.json"
	kisctl cell load "$WORK/cells.json" >"$WORK/load.out" 2>&1 ||
		bail "cells were refused: $(cat "$WORK/load.out")"
}

# sigs SIGNATURE…: replaces all signatures by these JSON objects.
sigs() {
	local IFS=,
	printf '{"version": 1, "signatures": [%s]}\n' "$*" >"$WORK/sigs.json"
	kisctl sig load "$WORK/sigs.json" >"$WORK/load.out" 2>&1 ||
		bail "signatures were refused: $(cat "$WORK/load.out")"
}

# status KEY
status() { kisctl --json status | jq -r ".$1"; }

# code WANTED TEXT ARGUMENT…: the exit code, and a regular expression for standard error.
code() {
	local want=$1 text=$2 got=0
	shift 2
	"$@" >"$WORK/code.out" 2>"$WORK/code.err" </dev/null || got=$?
	if [ "$got" = "$want" ] && [[ $(cat "$WORK/code.err") =~ $text ]]; then
		ok "exit code $want: ${*//$WORK\//}"
	else
		not_ok "exit code $want: ${*//$WORK\//}"
		diag "exit code $got, said: $(cat "$WORK/code.err")"
	fi
}

# of_cell NAME KEY: from kisctl cell list.
of_cell() { kisctl --json cell list | jq -r --arg name "$1" ".cells[] | select(.name == \$name) | .$2"; }

# newest: the time after which everything is new. What an asynchronous kill tells may still come.
newest() { date -u +%Y-%m-%dT%H:%M:%S.%NZ; }

# records SINCE FILTER: what was told after a record, one JSON object a line.
records() { kisctl --json alerts --telemetry --since "$1" | jq -c "$2"; }

# told SINCE FILTER: whether such a record was written.
told() { [ -n "$(records "$1" "$2")" ]; }

# count SINCE FILTER
count() { records "$1" "$2" | wc -l; }

is_ready() { [ "$(of_cell "$1" phase)" = ready ]; }
in_cell() { [ "$(of_cell "$1" processes)" = "$2" ]; }

# tap_of N CMD…: a helper program that prints N lines "ok NAME" or "not ok NAME" (and "# …").
# Results that do not come are failures: a helper that dies cannot pass.
tap_of() {
	local want=$1 seen=0 line
	shift
	while IFS= read -r line; do
		case $line in
		'ok '*) ok "${line#ok }" && seen=$((seen + 1)) ;;
		'not ok '*) not_ok "${line#not ok }" && seen=$((seen + 1)) ;;
		'# '*) echo "$line" ;;
		*) echo "# $line" ;;
		esac
	done < <("$@" 2>&1; echo "# helper ended with status $?")
	[ "$seen" = "$want" ] || not_ok "${*: -1}: $want results were planned, but $seen have come"
}
