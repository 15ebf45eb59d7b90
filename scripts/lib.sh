# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What all scripts here share. A script sources this file first; it gets `set -euo pipefail`,
# the variables KIS_REPO and KIS_CACHE, and the functions below.
#
# The cache ($KIS_CACHE, default ~/.cache/kis) holds everything that is downloaded or built.
# Each thing in it is named by, or stamped with, a key: a hash of all that it was made from.
# Things are made under a temporary name and renamed when complete, so that what has its final
# name can be trusted, and what a killed run left behind is thrown away by the next one.

set -euo pipefail
export LC_ALL=C

KIS_REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
: "${KIS_CACHE:=${HOME:-/root}/.cache/kis}"
mkdir -p "$KIS_CACHE/log" "$KIS_CACHE/lock" 2>/dev/null || {
	printf 'kis: cannot write %s: set KIS_CACHE to a directory on a local disk\n' "$KIS_CACHE" >&2
	exit 1
}
KIS_CACHE=$(cd "$KIS_CACHE" && pwd -P)
export KIS_REPO KIS_CACHE
KIS_START=${KIS_START:-$(date +%s)}
export KIS_START

# die MESSAGE: one line that says what is wrong and what to do next.
die() {
	printf 'kis: %s\n' "$*" >&2
	exit 1
}

# say MESSAGE: progress for people, on stderr, with the seconds since the first script began.
say() {
	printf '[%4ds] %s\n' "$(($(date +%s) - KIS_START))" "$*" >&2
}

need_root() {
	[ "$(id -u)" = 0 ] || die "this needs root (chroot and mounts): run it again as root"
}

# need_space GB WHAT
need_space() {
	local free
	free=$(df -Pk "$KIS_CACHE" | awk 'NR == 2 { print int($4 / 1048576) }')
	[ "$free" -ge "$1" ] ||
		die "$2 needs $1 GB in $KIS_CACHE but $free GB are free: make room, or set KIS_CACHE to a larger disk"
}

# key WORD…: a short hash of the words and of the standard input, for example
#   cat files | key name v1
key() {
	{
		printf '%s\n' "$@"
		cat
	} | sha256sum | cut -c1-16
}

# tree_hash PATH…: names and contents of all files below the paths (relative to the repo).
tree_hash() (
	cd "$KIS_REPO"
	local p have=()
	for p in "$@"; do [ ! -e "$p" ] || have+=("$p"); done
	find "${have[@]}" \( -name target -o -name .git \) -prune -o -type f ! -name '*~' ! -name '.*.swp' -print0 |
		sort -z | xargs -0 -r sha256sum
)

# lock NAME [-s]: only one process at a time works on NAME, or with -s: any number use it while
# none works on it. Held until this script ends; a second call changes the kind of the lock.
declare -A LOCKS=()
lock() {
	local fd=${LOCKS[$1]:-}
	[ -n "$fd" ] || exec {fd}>"$KIS_CACHE/lock/$1"
	LOCKS[$1]=$fd
	if ! flock ${2:+"$2"} -n "$fd"; then
		say "waiting for another run that works on: $1"
		flock ${2:+"$2"} "$fd"
	fi
}

# unlock NAME: before the script ends.
unlock() {
	local fd=${LOCKS[$1]:-}
	[ -z "$fd" ] || exec {fd}>&-
	unset "LOCKS[$1]"
}

# tmp_dir NAME: sets TMP to a fresh directory in the cache. Call it with the lock of NAME held:
# that makes every other directory of this name a leftover, which is removed.
tmp_dir() {
	rm -rf --one-file-system -- "$KIS_CACHE/tmp.$1".*
	TMP=$(mktemp -d "$KIS_CACHE/tmp.$1.XXXXXX")
	chmod 755 "$TMP"
}

# publish SRC DST: the last act of making something.
publish() {
	rm -rf --one-file-system -- "$2.old"
	[ ! -e "$2" ] || mv -T -- "$2" "$2.old"
	mv -T -- "$1" "$2"
	rm -rf --one-file-system -- "$2.old"
}

# keep_newest N PATTERN: removes all but the N newest cache entries that match.
keep_newest() {
	local n=$1
	# shellcheck disable=SC2086,SC2012 # the pattern is ours and the names are plain
	(cd "$KIS_CACHE" && ls -dt -- $2 2>/dev/null | tail -n "+$((n + 1))" | xargs -r rm -rf --one-file-system --)
}

STEP_PID=
stop_step() {
	[ -z "$STEP_PID" ] || kill -TERM -- "-$STEP_PID" 2>/dev/null || true
	STEP_PID=
}

# span SECONDS: as minutes and seconds.
span() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# progress SECONDS LAST DID ALL: how far a step is, of the time that it took last, or else of all
# that it has to do; as far as either is known.
progress() {
	if [ -n "$2" ] && [ "$1" -le "$2" ]; then
		echo "$(span "$1") of about $(span "$2")"
	elif [ -n "$2" ]; then
		echo "$(span "$1"), last time $(span "$2")"
	elif [ -n "$4" ]; then
		echo "$(span "$1"), $3 of about $4"
	else
		span "$1"
	fi
}

# step NAME TITLE CMD…: runs a long command with its output in a log, shows how far it is, and
# on failure shows the end of the log and where it is. The command gets a process group of its
# own, which goes away with us. What may stand before it, as for a command:
#   STEP_AGAIN=1                       not from the beginning: that takes another time
#   STEP_DONE=RE STEP_ALL='N THINGS'   a line of the log that fits tells of one of about N
#   STEP_BEAT=SECONDS                  until it says something, and then again
step() {
	local name=$1 title=$2 log took last='' began now status=0 first=${STEP_BEAT:-10} beat did='' line
	shift 2
	log=$KIS_CACHE/log/$name.log
	# The time that it took, for the next one; not of one that ended before it said anything.
	took=$KIS_CACHE/log/$name${STEP_AGAIN:+-again}.seconds
	[ ! -s "$took" ] || last=$(<"$took")
	beat=$first
	began=$(date +%s)
	say "$title"
	set -m
	"$@" >"$log" 2>&1 </dev/null &
	STEP_PID=$!
	set +m
	trap 'stop_step; exit 130' INT
	trap 'stop_step; exit 143' TERM HUP
	local ticks=0
	while kill -0 "$STEP_PID" 2>/dev/null; do
		sleep 0.5
		ticks=$((ticks + 1))
		if [ $((ticks % (beat * 2))) = 0 ]; then
			now=$(($(date +%s) - began))
			[ -z "${STEP_ALL:-}" ] || did=$(grep -cE "$STEP_DONE" "$log") || true
			line="  $(progress "$now" "$last" "$did" "${STEP_ALL:-}"): "
			line+=$(tail -c 400 "$log" | tr '\r' '\n' | tr -cd '\n\40-\176' | grep -v '^ *$' | tail -n 1 | sed 's/^ *//; s/  */ /g') || true
			# With the seconds before it: 80 columns.
			say "${line:0:72}"
			[ "$now" -lt 60 ] || beat=30
		fi
	done
	wait "$STEP_PID" || status=$?
	STEP_PID=
	trap - INT TERM HUP
	now=$(($(date +%s) - began))
	if [ "$status" != 0 ]; then
		tail -n 30 "$log" | cut -c1-300 | sed 's/^/  | /' >&2
		say "failed (status $status): $title; the whole log is $log"
		return "$status"
	fi
	[ "$now" -lt "$first" ] || echo "$now" >"$took"
	say "done in $now s: $title"
}
