#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# Who is in a cell: found at exec by path and arguments, inherited, attached while it runs, kept over
# a reload. A cell may only write below its own directory: that is how membership is seen from outside.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-worker.sh"

plan 86

mkdir -p "$WORK"/{a,b,repl,touch,out}
for dir in a b repl; do mkfifo "$WORK/$dir/pipe"; done
mkfifo "$WORK/a/orphan"

# cell NAME PROGRAM ARGUMENTS DIR
cell() {
	echo \
		'{"name": "'"$1"'", "program": "'"$2"'", "arguments": "'"$3"'", "mode": "enforce",
		"window_ms": 200, "tolerization": {"windows": 3},
		"files": {"learn": false, "write": ["'"$4"'", "/dev", "/tmp/kis-none"]},
		"danger_two": {"hold_ms": 1, "deny": []}}'
}
A=$(cell a "$PYTHON" '*/worker.py alpha*' "$WORK/a")
B=$(cell b "$PYTHON" '*/worker.py beta*' "$WORK/b")
REPL=$(cell repl "$WORK/repl/program" '*' "$WORK/repl")
TOUCH=$(cell touch /usr/bin/touch '-m -- */mark?d*' "$WORK/touch")

# writes WHO PATH: what comes of WHO's try to make a new file, seen from outside: done or denied.
writes() {
	local path said
	path=$(mktemp -u "$2/file.XXXXXXXX")
	case $1 in
	shell:*) said=$(shell_do "${1#shell:}" "$(dirname "${1#shell:}")" "touch $path") ;;
	*) said=$(tell "$1" "touch('$path')") ;;
	esac
	case $said$([ -e "$path" ] && echo " there") in
	'done there') echo "done" ;;
	denied) echo denied ;;
	*) echo "said $said, $(ls "$path" 2>&1)" ;;
	esac
}

# touched PROGRAM ARGUMENT…: what comes of a program that has just been executed and makes its last argument.
touched() {
	rm -f "${*: -1}"
	"$@" 2>"$WORK/touched" || true
	if [ -e "${*: -1}" ]; then echo "done"; else sed -n 's/.*Operation not permitted/denied/p' "$WORK/touched"; fi
}

cp /usr/bin/bash "$WORK/repl/program"
"$WORK/repl/program" -c "$(shell_code "$WORK/repl/pipe")" &
cp /usr/bin/touch "$WORK/touch2"
ln -s /usr/bin/touch "$WORK/touch3"

worker alpha1
worker beta
worker other
worker peer
is "alpha starts a shell" "$(tell alpha1 "start('/usr/bin/bash', '-c', '''$(shell_code "$WORK/a/pipe")''')")" "done"
is "alpha leaves a shell behind as an orphan" \
	"$(tell alpha1 "orphan('/usr/bin/bash', '-c', '''$(shell_code "$WORK/a/orphan")''')")" "done"
# A second kind of alpha, of which there is no cell: the arguments decide.
worker gamma

# --- control: without cells all of them write everywhere

for who in alpha1 beta other gamma "shell:$WORK/a/pipe" "shell:$WORK/a/orphan" "shell:$WORK/repl/pipe"; do
	is "control: without cells ${who##*/kis-test.*/} writes" "$(writes "$who" "$WORK/out")" "done"
done

# Connections that are open before anything is loaded, with bytes on them.
for who in alpha1 other; do
	for where in tcp unix; do
		at=$([ $where = tcp ] && echo 7081 || echo "'$WORK/out/$who.sock'")
		[ $who$where != othertcp ] || at=7082
		tell "$who" "listen($at)" >/dev/null
		tell peer "connect($at, '$who$where')" >/dev/null
		tell "$who" "accept('$where')" >/dev/null
		tell peer "send('$who$where', b'EVIL1')" >/dev/null
		is "control: without cells $who reads it over $where" "$(tell "$who" "receive('$where', 5)")" \
			"done b'EVIL1'"
	done
done

# --- found at exec, by path and arguments; processes that run already

sigs '{"id": 5, "revision": 1, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}'
since=$(newest)
cells "$A" "$B" "$REPL" "$TOUCH"
for who in alpha1 "shell:$WORK/a/pipe"; do
	is "${who##*/kis-test.*/} that ran already is in its cell" "$(writes "$who" "$WORK/out")" denied
	is "${who##*/kis-test.*/} writes where the cell may" "$(writes "$who" "$WORK/a")" "done"
done
is "a program of its own that ran already is in its cell" "$(writes "shell:$WORK/repl/pipe" "$WORK/out")" denied
is "an orphan with another program is not known from before the load" "$(writes "shell:$WORK/a/orphan" "$WORK/out")" \
	"done"
for who in other gamma; do
	is "$who is in no cell" "$(writes "$who" "$WORK/out")" "done"
	is "not in that of others either" "$(writes "$who" "$WORK/a")" "done"
done

for where in tcp unix; do
	tell peer "send('alpha1$where', b'xEVIL2')" >/dev/null
	is "a $where connection from before the load is reset" "$(tell alpha1 "receive('$where', 6)")" ECONNRESET
	tell peer "send('other$where', b'xEVIL2')" >/dev/null
	is "that of others is not" "$(tell other "receive('$where', 6)")" "done b'xEVIL2'"
done
is "both are told" \
	"$(records "$since" \
	'select(.signature.id == 5 and .applied and .action == "kill" and .cell == "a") | .proto // "none"' |
	wc -l)" 2

while read -r program name want; do
	is "exec of ${program##*/} with argument $name" "$(touched "$program" -m -- "$WORK/out/$name")" "$want"
done <<-END
	/usr/bin/touch marked denied
	/usr/bin/touch markxd denied
	/usr/bin/touch marked-more denied
	/usr/bin/touch markd done
	/usr/bin/touch markeed done
	/usr/bin/touch other done
	$WORK/touch2 marked done
	$WORK/touch3 marked denied
END
is "the arguments are compared from their beginning" "$(touched /usr/bin/touch -a -m -- "$WORK/out/marked")" "done"
is "a program of the cell in the cell's directory" "$(touched /usr/bin/touch -m -- "$WORK/touch/marked")" "done"

# --- inherited

is "a forked child is in the cell" "$(tell alpha1 "forked('touch(\"$WORK/out/forked\")')")" "done denied"
is "it writes where the cell may" "$(tell alpha1 "forked('touch(\"$WORK/a/forked\")')")" "done done"
is "an executed child is in the cell" \
	"$(tell alpha1 "run('/usr/bin/mkdir', '$WORK/out/ran')") $(there "$WORK/out/ran")" "done 1 missing"
is "it writes where the cell may" "$(tell alpha1 "run('/usr/bin/mkdir', '$WORK/a/ran')") $(there "$WORK/a/ran")" \
	"done 0 there"
is "the child of an executed child is" \
	"$(tell alpha1 "run('/usr/bin/bash', '-c', '(mkdir $WORK/out/ran; true) & wait')") $(there "$WORK/out/ran")" \
	"done 0 missing"
is "a child of another process is not" \
	"$(tell other "run('/usr/bin/mkdir', '$WORK/out/ran')") $(there "$WORK/out/ran")" "done 0 there"

# --- two cells at a time

is "alpha does not write where beta may" "$(writes alpha1 "$WORK/b")" denied
is "beta does" "$(writes beta "$WORK/b")" "done"
is "beta does not write where alpha may" "$(writes beta "$WORK/a")" denied
is "their denials are told by their names" \
	"$(records "$since" 'select(.op == "create" and .action == "deny" and .applied)
	| select(.pid == '"${PID[alpha1]}"' or .pid == '"${PID[beta]}"') | [.cell, .pid]' | sort -u | tr '\n' ' ')" \
	"[\"a\",${PID[alpha1]}] [\"b\",${PID[beta]}] "
is "of the others nothing is told" \
	"$(count "$since" \
	'select(.pid == '"${PID[other]}"' or .pid == '"${PID[gamma]}"' or .pid == '"${PID[peer]}"')')" 0

# oneshot TAG PATH: the word of a worker that is started for one task.
is "control: a program of cell b writes where b may" \
	"$("$PYTHON" -BIS "$HERE/worker.py" beta "touch('$WORK/b/once')")" "done"
is "control: and not where a may" "$("$PYTHON" -BIS "$HERE/worker.py" beta "touch('$WORK/a/once')")" denied
# hop PATH: alpha executes beta's program, which is to make a file.
hop() {
	local command="exec $PYTHON -BIS $HERE/worker.py beta 'touch(\"$1\")' >$WORK/a/hop 2>&1"
	tell alpha1 "run('/usr/bin/bash', '-c', '''$command''')" >/dev/null
}
hop "$WORK/b/twice"
is "alpha that executes beta's program is no beta" "$(cat "$WORK/a/hop") $(there "$WORK/b/twice")" "denied missing"
hop "$WORK/a/twice"
is "it is alpha still" "$(cat "$WORK/a/hop") $(there "$WORK/a/twice")" "done there"

# Now the orphan is one that the cell has begotten; it and its shell are its processes.
mkfifo "$WORK/a/orphan2"
tell alpha1 "orphan('/usr/bin/bash', '-c', '''$(shell_code "$WORK/a/orphan2")''')" >/dev/null
is "an orphan of the cell is in it" "$(writes "shell:$WORK/a/orphan2" "$WORK/out")" denied
check "the cell counts its processes" wait_for "$LIMIT" in_cell a 3
check "the other cell too" wait_for "$LIMIT" in_cell b 1

# --- a reload keeps who is in, and what was learned

for name in a b repl; do check "$name is ready" wait_for "$LIMIT" is_ready "$name"; done
learned() {
	kisctl --json profile show "$1" | jq -c '[.phase, .windows, [.params[] | [.mean, .deviation, .peak, .n]]]'
}
before=$(learned a)$(learned b)
generation=$(status generation)
cp /usr/bin/bash "$WORK/repl/new" && mv "$WORK/repl/new" "$WORK/repl/program"
for round in 1 2; do
	# The other order: what counts is the name, not the number.
	if [ "$round" = 1 ]; then cells "$TOUCH" "$B" "$REPL" "$A"; else cells "$A" "$REPL" "$B"; fi
	is "reload $round: another generation" "$([ "$(status generation)" -gt "$generation" ] && echo newer)" newer
	is "reload $round: what was learned is kept" "$(learned a)$(learned b)" "$before"
	for who in alpha1 "shell:$WORK/a/pipe" "shell:$WORK/a/orphan2" "shell:$WORK/repl/pipe"; do
		is "reload $round: ${who##*/kis-test.*/} is still in its cell" "$(writes "$who" "$WORK/out")" denied
	done
	is "reload $round: alpha is no beta" "$(writes alpha1 "$WORK/b") $(writes alpha1 "$WORK/a")" "denied done"
	is "reload $round: beta is no alpha" "$(writes beta "$WORK/a") $(writes beta "$WORK/b")" "denied done"
done
check "the processes are counted as before" wait_for "$LIMIT" in_cell a 3
tell alpha1 "listen(7083)" >/dev/null
tell peer "connect(7083, 'again')" >/dev/null
tell alpha1 "accept('again')" >/dev/null
cells "$A" "$B" "$REPL"
tell peer "send('again', b'EVIL3')" >/dev/null
is "a connection from before the reload is reset" "$(tell alpha1 "receive('again', 5)")" ECONNRESET

# A cell with this name and another program is another cell.
cells "$(cell a /usr/bin/redis-server '*' "$WORK/a")" "$B" "$REPL"
is "a cell with another program has learned nothing" "$(kisctl --json profile show a | jq -c '[.phase, .windows]')" \
	'["learning",0]'
is "its former processes are free" "$(writes alpha1 "$WORK/out") $(writes "shell:$WORK/a/orphan2" "$WORK/out")" \
	"done done"

# --- unload frees

cells "$A" "$B" "$REPL"
is "before: alpha is in its cell again" "$(writes alpha1 "$WORK/out")" denied
kisctl cell unload >/dev/null
for who in alpha1 beta "shell:$WORK/a/pipe" "shell:$WORK/repl/pipe"; do
	is "after the unload ${who##*/kis-test.*/} is free" "$(writes "$who" "$WORK/out")" "done"
done
is "no cell is left" "$(status cells) $(kisctl --json cell list | jq -c .cells)" "0 []"
since=$(newest)
writes alpha1 "$WORK/b" >/dev/null
is "nothing is told any more" "$(count "$since" .)" 0
