# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For scenarios that need a program which does exactly what it is told, on top of lib-kis.sh: see worker.py.
#
#   worker alpha              # starts worker.py with this tag; its process is ${PID[alpha]}
#   is "it may" "$(tell alpha "touch('/tmp/x')")" done

# shellcheck disable=SC2034 # for scenarios
PYTHON=$(readlink -f /usr/bin/python3)
declare -A PID IN OUT

# worker TAG: starts one and waits until it listens.
worker() {
	local tag=$1 in out line
	mkfifo "$WORK/$tag.in" "$WORK/$tag.out"
	# In a shell of its own for the names of the pipes: the worker opens no file for them.
	"$PYTHON" -BIS "$HERE/worker.py" "$tag" <>"$WORK/$tag.in" >"$WORK/$tag.out" 2>"$WORK/$tag.err" &
	PID[$tag]=$!
	exec {in}<>"$WORK/$tag.in" {out}<>"$WORK/$tag.out"
	IN[$tag]=$in OUT[$tag]=$out
	read -r -t "$START_LIMIT" -u "$out" line && [ "$line" = ready ] ||
		bail "worker $tag did not start: $(cat "$WORK/$tag.err")"
}

# tell TAG CODE: lets it do that; its answer.
tell() {
	order "$1" "$2"
	answer "$1"
}

# order TAG CODE, answer TAG: the same in two steps, for what ends only when another does his part.
order() { printf '%s\n' "$2" >&"${IN[$1]}"; }
answer() {
	local line
	if read -r -t "$((30 * SLOW))" -u "${OUT[$1]}" line; then echo "$line"; else echo "no answer"; fi
}

# there PATH
there() { if [ -e "$1" ]; then echo there; else echo missing; fi; }

# Shells that the workers start, with commands from a pipe.
#
# shell_code PIPE: the code of such a shell, for bash -c.
shell_code() { echo "exec 8<>$1; while read -r line <&8; do eval \"\$line\"; done"; }

# shell_do PIPE DIR CMD: lets it do that; "done", "denied" or what it said. DIR is where it may write.
shell_do() {
	rm -f "$2/said" "$2/status"
	echo "$3 >$2/said 2>&1; echo \$? >$2/status.new; mv $2/status.new $2/status" >"$1"
	wait_for "$LIMIT" test -s "$2/status" || { echo "no answer" && return; }
	if [ "$(cat "$2/status")" = 0 ]; then
		echo "done"
	elif grep -q 'Operation not permitted' "$2/said"; then
		echo denied
	else
		cat "$2/said"
	fi
}
