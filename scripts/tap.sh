# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The one reader of TAP, and the counts of a run of tests. Sourced behind lib.sh.
#
#   begin_script NAME                   a script begins; its lines follow, and how it ended
#   tap_line LINE
#   end_script STATUS
#   result NAME STATUS LOG [WANTED]     says "ok" or "not ok" for a command that ended with STATUS
#   sum_up                              failures, the counts; false if any failed
#
# A script whose results do not agree with its plan, or that ends with an error but names no failed
# test, has failed.

PASSED=0 FAILED=0 SKIPPED=0
FAILURES=()

passed() { PASSED=$((PASSED + 1)); }
skipped() { SKIPPED=$((SKIPPED + 1)); }
failed() {
	FAILED=$((FAILED + 1))
	FAILURES+=("$1")
}

# The script that is being read (empty between two), and those that have been.
SCRIPT='' PLAN='' COUNT=0 BAD=0
SEEN=()
begin_script() {
	SCRIPT=$1 PLAN='' COUNT=0 BAD=0
}
end_script() {
	local status=$1
	if [ "$BAD" = 0 ] && [ "$status" != 0 ]; then
		failed "$SCRIPT: ended with status $status"
	elif [ -z "$PLAN" ]; then
		failed "$SCRIPT: no plan"
	elif [ "$PLAN" != "$COUNT" ]; then
		failed "$SCRIPT: $COUNT results but $PLAN planned"
	fi
	SEEN+=("$SCRIPT")
	SCRIPT=''
}

# tap_line LINE: takes in one line; also those with which qemu/run-many frames its scripts.
tap_line() {
	local line=$1
	case $line in
	'# kis-script: '*) begin_script "$(basename "${line#\# kis-script: }" .sh)" ;;
	'# kis-exit: '*)
		line=${line#\# kis-exit: }
		end_script "${line%% *}"
		;;
	1..[0-9]*)
		PLAN=${line#1..}
		case $PLAN in *SKIP* | *skip*) skipped ;; esac
		PLAN=${PLAN%% *}
		;;
	'not ok '*)
		COUNT=$((COUNT + 1))
		case $line in
		*'# TODO'*) skipped ;;
		*)
			BAD=1
			failed "$SCRIPT: ${line#not ok }"
			;;
		esac
		;;
	'ok '*)
		COUNT=$((COUNT + 1))
		case $line in
		*'# SKIP'* | *'# skip'*) skipped ;;
		*) passed ;;
		esac
		;;
	'Bail out!'*)
		BAD=1
		failed "$SCRIPT: $line"
		;;
	esac
}

# ktap_line LINE: takes in one line of the kernel's TAP, in which each suite is a script of its own,
# four columns to the right of the line that sums it up.
ktap_line() {
	case $1 in
	'    # Subtest: '*) begin_script "kunit: ${1#    \# Subtest: }" ;;
	'    '[!\ ]*) tap_line "${1#    }" ;;
	'ok '* | 'not ok '*)
		[ -n "$SCRIPT" ] || begin_script "kunit: ${1#*ok }"
		end_script 0
		;;
	esac
}

result() {
	if [ "$2" = "${4:-0}" ]; then
		printf 'ok - %s\n' "$1"
		passed
	else
		printf 'not ok - %s\n' "$1"
		tail -n 60 "$3" | sed 's/^/# /'
		failed "$1: status $2 instead of ${4:-0}"
	fi
}

sum_up() {
	local f
	for f in "${FAILURES[@]}"; do printf 'FAILED %s\n' "$f"; done
	printf '%d passed, %d failed, %d skipped\n' "$PASSED" "$FAILED" "$SKIPPED"
	[ "$FAILED" = 0 ] && [ "$PASSED" -gt 0 ]
}
