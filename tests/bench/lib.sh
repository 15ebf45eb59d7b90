# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For the benchmarks with real servers, on top of scripts/lib.sh.

# in_guest SECONDS BENCH OPTION…: runs it in a machine that may live so long. What it says for people goes to
# standard error, its lines of JSON to standard output. The status is that of the machine.
in_guest() {
	local seconds=$1 status=0
	shift
	need_root
	case "${MINUTES:-1}${LEARN:-1}" in *[!0-9]*) die "MINUTES and LEARN are whole numbers" ;; esac
	SHARE=$(mktemp -d "$KIS_CACHE/tmp.bench.XXXXXX")
	trap 'rm -rf "$SHARE"' EXIT
	# What an intruder brings along.
	"$KIS_REPO/scripts/toolchain" build
	"$KIS_REPO/scripts/toolchain" run gcc -shared -nostdlib -fPIC -O1 -Wall -Werror -o "$SHARE/implant.so" \
		"$KIS_REPO/tests/bench/services/implant.c" || die "tests/bench/services/implant.c does not build"
	"$KIS_REPO/scripts/vm" run --kernel "${KERNEL:-release}" --memory 2048 --timeout "$seconds" --share "$SHARE" \
		"$KIS_REPO/tests/bench/run" "$@" --deadline $((seconds - 120)) |
		while IFS= read -r line; do
			case $line in
			'{'*) printf '%s\n' "$line" ;;
			*) printf '%s\n' "$line" >&2 ;;
			esac
		done || status=$?
	case $status in
	0) ;;
	1) die "an attack has done no damage while KIS observed: the harness is broken there, see broken_controls" ;;
	124) die "it did not come to its end in time" ;;
	*) die "the run failed: status $status, see above" ;;
	esac
}
