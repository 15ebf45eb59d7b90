# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# How the demo speaks, waits and counts. Sourced by run.

BEGAN=${EPOCHREALTIME/./}
BOLD='' DIM='' RED='' GREEN='' CYAN='' OFF=''
# shellcheck disable=SC2154 # set by run
if [ -n "$COLOUR" ]; then
	BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' CYAN=$'\e[36m' OFF=$'\e[0m'
fi
DONE=0 FAILED=()
FACTS=0 GUARDS=0 GUARDS_HELD=0 RECORDS=0 RECORDS_HELD=0

# Lines are at most 100 columns wide; a text that is longer goes on below its own beginning.
WIDTH=100

# wrap INDENT TEXT: the text, folded, with all lines but the first indented.
wrap() {
	local line first=1
	while IFS= read -r line; do
		[ -n "$first" ] || printf '%*s' "$1" ''
		first=
		printf '%s\n' "${line% }"
	done < <(fold -s -w $((WIDTH - $1)) <<<"$2")
}

# say WHO TEXT: a line of the timeline.
say() {
	local now=$(((${EPOCHREALTIME/./} - BEGAN) / 100000))
	printf '  %s%3d.%d s%s  %s%-8s%s  ' "$DIM" $((now / 10)) $((now % 10)) "$OFF" "$CYAN" "$1" "$OFF"
	wrap 21 "$2"
}

abort() {
	printf '%sFAILED%s: %s\n' "$RED" "$OFF" "$*"
	exit 1
}

step() {
	STEP=$1
	printf '\n%s%s%s\n' "$BOLD" "$2" "$OFF"
	# The clients count the last step as a whole.
	[ "$1" = clients ] || order "$1"
}

# wait_for SECONDS CMD…: until CMD succeeds; fails when the time is over.
wait_for() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# result HELD TEXT
result() {
	DONE=$((DONE + 1))
	if [ "$1" = 1 ]; then
		printf '    %s%-5s%s' "$GREEN" ok "$OFF"
	elif [ -n "$CONTROL" ] && [ "$3" != fact ]; then
		printf '    %-5s' not
	else
		printf '    %s%-5s%s' "$RED" FAIL "$OFF"
		FAILED+=("$STEP: $2")
	fi
	wrap 9 "$2"
}

# holds CMD…: sets HELD.
holds() {
	HELD=0
	! "$@" >/dev/null 2>&1 || HELD=1
}

# fact|guard|record TEXT CMD…: see the head of run.
fact() {
	holds "${@:2}"
	FACTS=$((FACTS + 1))
	result "$HELD" "$1" fact
}

guard() {
	holds "${@:2}"
	GUARDS=$((GUARDS + 1)) GUARDS_HELD=$((GUARDS_HELD + HELD))
	result "$HELD" "$1" guard
}

record() {
	holds "${@:2}"
	RECORDS=$((RECORDS + 1)) RECORDS_HELD=$((RECORDS_HELD + HELD))
	result "$HELD" "$1" record
}

title() {
	local how="KIS is loaded"
	case $CONTROL in
	off) how="control run: KIS is NOT loaded" ;;
	observe) how="control run: KIS only observes, all the time" ;;
	esac
	printf '%s%s%s\n' "$BOLD" "KIS demo: a real redis-server is learned, attacked and protected ($how)" "$OFF"
	wrap 0 "$(redis-server --version | sed 's/ sha=.*//') runs as root on Linux $(uname -r), and anyone may change its \
configuration: such hosts were taken over by the redis worms. The intruder here does what they did: have redis write its \
database to $LOOT/authorized_keys, with a public key in it."
}

# conclude: the last line says what the run has shown; the exit status says whether it is good.
conclude() {
	printf '\n'
	[ "$DONE" = "$PLANNED" ] || FAILED+=("$DONE checks instead of $PLANNED")
	case $CONTROL in
	'') printf '%d of %d checks hold\n' $((DONE - ${#FAILED[@]})) "$PLANNED" ;;
	*)
		[ "$GUARDS_HELD" = 0 ] || FAILED+=("$GUARDS_HELD guards hold without KIS")
		[ "$CONTROL" != off ] || [ "$RECORDS_HELD" = 0 ] || FAILED+=("$RECORDS_HELD records are there without KIS")
		printf '%d facts; guards that hold: %d of %d; records that are there: %d of %d\n' "$FACTS" \
			"$GUARDS_HELD" "$GUARDS" "$RECORDS_HELD" "$RECORDS"
		;;
	esac
	for why in "${FAILED[@]}"; do printf '%sfailed%s: %s\n' "$RED" "$OFF" "$why"; done
	[ ${#FAILED[@]} = 0 ] || exit 1
}

# --- telling what KIS has recorded

# tell_record FILTER: the first record of this step that fits, as `kisctl alerts` prints it.
tell_record() {
	local found id
	found=$(first "$1")
	[ -n "$found" ] || return 0
	id=$(jq .id <<<"$found")
	# Without the time, the cell and what stands in the timeline anyway.
	say KIS "$(kisctl alerts --telemetry --since $((id - 1)) 2>/dev/null | grep -m 1 " #$id " | cut -d ' ' -f 2-)"
	if [ "$(jq 'has("param")' <<<"$found")" = true ]; then
		say KIS "$(jq -r '"\(.param): \(.observed) so far in this window; learned \(.mean) +- \(.deviation) over \(.n) windows; " +
			"the threshold is \(.threshold)"' <<<"$found")"
	fi
}

# explain FILTER: the same record in sentences.
explain() {
	local id line
	id=$(first "$1" | jq .id)
	[ -n "$id" ] || return 0
	say officer "kisctl explain $id"
	kisctl explain "$id" 2>/dev/null | while IFS= read -r line; do
		printf '%21s| ' ''
		wrap 23 "$line"
	done
}
