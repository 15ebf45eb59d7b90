#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# Tolerization and danger: each parameter is measured against a workload of known size, what is
# learned against the windows that were measured, and what is told against what was learned.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-worker.sh"

plan 92

WINDOW=$((200 * SLOW))
# Long enough to be seen on a busy machine.
HOLD=$((3000 * SLOW))
# The smallest steps that are worth a signal.
FLOORS='{"cpu_us": 20000, "rss_kib": 4096, "files_opened": 4, "files_written": 2, "files_created": 2,
	"execs": 1, "connects": 2, "accepts": 8, "bytes_in": 16384, "bytes_out": 16384, "messages_in": 64,
	"messages_out": 64, "reply_permille": 1000}'

# cell NAME TAG WINDOWS MORE
cell() {
	echo '{"name": "'"$1"'", "program": "'"$PYTHON"'", "arguments": "*/worker.py '"$2"'", "window_ms": '$WINDOW',
		"danger_one": {"hold_ms": '$HOLD'}, "danger_two": {"hold_ms": '$HOLD', "deny": []}, '"$4"', "thresholds": {"one": 4, "two": 8},
		"tolerization": {"kind": "'"${5:-soft}"'", "windows": '"$3"'}}'
}
profile() { kisctl --json profile show "$1"; }
param() { profile "$1" | jq -c --arg p "$2" ".params[] | select(.param == \$p) | $3"; }
windows() { records "$2" 'select(.event_type == "kis_window" and .cell == "'"$1"'") | .values'; }
# A window that has begun after now has ended.
another_window() {
	local since
	since=$(newest)
	wait_for "$LIMIT" told "$since" 'select(.event_type == "kis_window" and .cell == "'"$1"'")' ||
		bail "no window of $1 ends"
}
summed() { jq -sc 'reduce .[] as $w ({}; reduce ($w | to_entries[]) as $e (.; .[$e.key] += $e.value))'; }
# measured WHO CODE…: the sums over the windows in which it was done.
measured() {
	local who=$1 since
	shift
	another_window "$who"
	since=$(newest)
	for code; do
		said=$(tell "$who" "$code")
		[[ $said == done* ]] || diag "$code: $said" >&2
	done
	another_window "$who"
	windows "$who" "$since" | summed
}
# of SUMS NAME…: these, in a line.
of() {
	local sums=$1
	shift
	jq -r '[.[$ARGS.positional[]] | tostring] | join(" ")' --args "$@" <<<"$sums"
}
within() {
	if [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
		ok "$1"
	else
		not_ok "$1" && diag "got $2, wanted $3 to $4"
	fi
}

mkdir -p "$WORK"/{known,unknown,within,outside,kept}
for i in 1 2 3 4 5; do echo x >"$WORK/known/old$i"; done
FILE=$WORK/known/old1

worker soft
worker hard
worker count
worker free
worker peer

# --- what is measured

begin=$(newest)
cells "$(cell soft soft 100000 '"files": {"learn": true}')"
check "processes that run are counted" wait_for "$LIMIT" in_cell soft 1
is "it learns" "$(of_cell soft phase) $(of_cell soft tolerization)" "learning soft"

sums=$(measured soft "read('$FILE', 7)" "write('$FILE', 5)" "read('/dev/null', 9)")
is "files opened and written" "$(of "$sums" files_opened files_written files_created)" "12 5 0"
sums=$(measured soft "[touch(f'$WORK/known/new{i}') for i in range(3)] and None" "os.mkdir('$WORK/known/dir')" \
	"os.symlink('x', '$WORK/known/link')" \
	"os.truncate('$FILE', 1)")
is "files created and truncated" "$(of "$sums" files_opened files_written files_created)" "3 4 5"
sums=$(measured soft "[run('/usr/bin/true') for i in range(4)] and None")
is "programs executed" "$(of "$sums" execs files_created files_written)" "4 0 0"
within "with the files that a program opens" "$(of "$sums" files_opened)" 8 60
sums=$(measured soft "forked('1')")
is "a fork is no exec" "$(of "$sums" execs)" 0
sums=$(measured soft "burn(0.4)")
within "CPU time of 0.4 s" "$(of "$sums" cpu_us)" 380000 $((700000 + 300000 * (SLOW - 1)))
sums=$(measured soft "forked('burn(0.3)')")
within "that of a child that has ended too" "$(of "$sums" cpu_us)" 280000 $((600000 + 300000 * (SLOW - 1)))
rss() { windows soft "$1" | jq -s '.[-1].rss_kib'; }
since=$(newest)
another_window soft
small=$(rss "$since")
tell soft "allocate(48)" >/dev/null
since=$(newest)
another_window soft
another_window soft
large=$(rss "$since")
own=$(awk '/^VmRSS/ {print $2}' "/proc/${PID[soft]}/status")
within "48 MiB more memory" $((large - small)) $((47 * 1024)) $((51 * 1024))
within "as the kernel says of the process, KiB" "$large" $((own - 1024)) $((own + 1024))
tell soft "held.pop('memory') and None" >/dev/null

tell peer "listen(7085)" >/dev/null
tell soft "listen(7084)" >/dev/null
sums=$(measured soft "[connect(7085, f'c{i}') for i in range(3)] and None")
is "connections opened" "$(of "$sums" connects accepts bytes_in bytes_out)" "3 0 0 0"
is "one that is refused" "$(tell soft "connect(7999)")" ECONNREFUSED
for i in 0 1 2; do tell peer "accept('c$i')" >/dev/null; done
tell peer "[connect(7084, f'p{i}') for i in range(5)] and None" >/dev/null
sums=$(measured soft "[accept(f'a{i}') for i in range(5)] and None")
is "connections accepted, and no connects" "$(of "$sums" accepts connects)" "5 0"
another_window soft
since=$(newest)
tell peer "[send(f'p{i}', bytes(3000)) for i in range(5)] and None" >/dev/null
tell soft "echoed('a', 5, 3000, 700, 2)" >/dev/null
another_window soft
sums=$(windows soft "$since" | summed)
is "bytes in and out over TCP" "$(of "$sums" bytes_in bytes_out)" "15000 7000"
is "messages out over TCP" "$(of "$sums" messages_out)" 10
within "messages in over TCP" "$(of "$sums" messages_in)" 5 10
# A window in which both came and went.
replied() {
	tell peer "send('p0', bytes(500))"
	tell soft "echoed('a', 1, 500, 400, 1)"
	another_window soft
	[ "$(windows soft "$begin" | jq -s 'any(.[]; .reply_permille > 0)')" = true ]
}
check "a window has an answer to what came" wait_for "$LIMIT" replied
tell peer "held.clear()" >/dev/null
tell peer "listen('$WORK/peer.sock')" >/dev/null
tell soft "connect('$WORK/peer.sock', 'unix')" >/dev/null
tell peer "accept('unix')" >/dev/null
tell peer "send('unix', bytes(250), 4)" >/dev/null
another_window soft
sums=$(measured soft "send('unix', bytes(100), 6)" "receive('unix', 1000) and None")
is "bytes and messages out over unix" "$(of "$sums" bytes_out messages_out)" "600 6"
since=$(newest)
another_window soft
tell peer "send('unix', bytes(250), 4)" >/dev/null
another_window soft
is "bytes and messages in over unix" \
	"$(windows soft "$since" | jq -sc '[([.[].bytes_in] | add), ([.[].messages_in] | add)]')" "[1000,4]"
sums=$(measured soft "held.__setitem__('u', socket.socket(socket.AF_INET, socket.SOCK_DGRAM))" \
	"held['u'].sendto(bytes(400), ('127.0.0.1', 9999)) and None")
is "datagrams count as well" "$(of "$sums" bytes_out messages_out)" "400 1"
is "the ratio is that of bytes out and in, in each window" \
	"$(windows soft "$begin" |
	jq \
		-sc \
		'all(.[]; .reply_permille == (
			if .bytes_in == 0 then 0 else (.bytes_out * 1000 / ([.bytes_in, 4096] | max) | floor) end))
		and any(.[]; .reply_permille > 0)')" true

# --- what is learned: the profile against all windows so far

since=$(newest)
cells "$(cell soft soft 1 '"files": {"learn": true}')"
check "it becomes ready" wait_for "$LIMIT" is_ready soft
is "that is told" "$(records "$since" 'select(.event_type == "kis_phase") | [.cell, .value, .cause]')" \
	'["soft",1,"none"]'
last=$(records "$since" 'select(.event_type == "kis_phase") | .mono_ns')
records "$begin" 'select(.event_type == "kis_window" and .mono_ns <= '"$last"') | .values' >"$WORK/windows"
profile soft >"$WORK/profile"
n=$(wc -l <"$WORK/windows")
is "as many windows are learned as were measured" "$(jq -c '[.windows, ([.params[].n] | unique)]' "$WORK/profile")" \
	"[$n,[$n]]"
is "mean, deviation and peak are those of the windows" \
	"$(jq -c --slurpfile w "$WORK/windows" \
	'.params[] | . as $p | [$w[][$p.param]] | (add / length) as $mean
		| (map(. - $mean | . * .) | add / length | sqrt) as $dev
		| select(($p.mean - $mean | fabs) > 0.002 or ($p.deviation - $dev | fabs) > 0.002 + $dev / 1e9
			or $p.peak != max)
		| [$p, $mean, $dev, max]' "$WORK/profile")" ""
is "none of them is all zero" "$(jq -c '[.params[] | select(.peak == 0) | .param]' "$WORK/profile")" "[]"
is "the thresholds follow from them" \
	"$(jq -c --argjson floors "$FLOORS" '.params[] | . as $p | $floors[.param] as $floor
		| ([.peak, (.mean + 4 * .deviation | ceil)] | max + $floor) as $one
		| ([.peak, (.mean + 8 * .deviation | ceil)] | max + 2 * $floor) as $two
		| select((.threshold_one - $one | fabs) > 1 or (.threshold_two - $two | fabs) > 1 or
			.threshold_one >= .threshold_two) | [., $one, $two]' "$WORK/profile")" ""
is "there are thirteen" "$(jq '.params | length' "$WORK/profile")" 13
# made CELL: in how many directories it is known to make files.
made() { kisctl --json profile show "$1" --class create | jq '.repertoire | length'; }
is "directories are those that were written in" "$(made soft)" 1

# --- danger signals and their numbers

one=$(param soft files_opened .threshold_one) two=$(param soft files_opened .threshold_two)
# agrees TYPE SIGNAL SINCE PARAM: how the record's numbers compare with the profile.
agrees() {
	records "$3" 'select(.event_type == "'"$1"'" and .param == "'"$4"'" and .stretch == 1)' >"$WORK/told"
	jq -c --slurpfile p "$WORK/profile" \
		'. as $r | ($p[0].params[] | select(.param == $r.param)) as $p
		| [.signal, .cause, .cell, .phase, .mode, .action, .mean == $p.mean,
			.deviation == $p.deviation, .n == $p.n, .threshold == $p.threshold_'"$2"',
			.observed > .threshold]' "$WORK/told"
}
danger() { of_cell soft danger; }
is_danger() { [ "$(danger)" = "$1" ]; }
calm_sum() { records "$1" 'select(.event_type == "kis_calm" and .cell == "soft") | .value' | jq -s 'add // 0'; }
is_calm() { [ "$(calm_sum "$1")" = "$2" ]; }

check "it is calm" wait_for "$LIMIT" is_danger 0
another_window soft
since=$(newest)
tell soft "read('$FILE', $one)" >/dev/null
another_window soft
is "as many as the first threshold are no danger" "$(count "$since" 'select(.param)') $(danger)" "0 0"
opened() {
	another_window soft
	since=$(newest)
	tell soft "read('$FILE', $1)" >/dev/null
	told "$since" 'select(.param == "files_opened")'
}
# A window that ends in between can take some away; then once more.
check "one more is danger one" wait_for "$LIMIT" opened $((one + 1))
is "the cell is in danger" "$(danger)" 1
is "its numbers are those of the profile" "$(agrees kis_danger_one one "$since" files_opened)" \
	'["one","threshold","soft","ready","observe","none",true,true,true,true,true]'
is "told at once, with the value at that moment" "$(jq -c '[.observed, .threshold, .unit, .pid]' "$WORK/told")" \
	"[$((one + 1)),$one,\"\",${PID[soft]}]"
is "it is not danger two" "$(count "$since" 'select(.event_type == "kis_danger_two")')" 0
check "calm is told when it has ended" wait_for "$LIMIT" is_calm "$since" 1
is "the cell is calm" "$(danger)" 0
opened_two() {
	opened "$1"
	told "$since" 'select(.event_type == "kis_danger_two" and .param == "files_opened")'
}
check "one more than the second threshold is danger two" wait_for "$LIMIT" opened_two $((two + 1))
is "the cell is in danger two" "$(danger)" 2
# On a slow machine it takes more than one window to see it.
is "its numbers are those of the profile" "$(agrees kis_danger_two two "$since" files_opened | sort -u)" \
	'["two","threshold","soft","ready","observe","none",true,true,true,true,true]'
is "told at once, with the value at that moment" "$(jq -c '[.observed, .threshold]' "$WORK/told" | sort -u)" \
	"[$((two + 1)),$two]"
is "danger one is told before it" "$(agrees kis_danger_one one "$since" files_opened | sort -u)" \
	'["one","threshold","soft","ready","observe","none",true,true,true,true,true]'
check "calm is told of both" wait_for "$LIMIT" is_calm "$since" 3
explained=$(kisctl explain "$(jq .id "$WORK/told" | tail -n 1)")
like "explain has the numbers too" "$explained" "$one"

# What is known only when the window ends.
rss_two=$(param soft rss_kib .threshold_two)
another_window soft
since=$(newest)
tell soft "allocate($((rss_two / 1024 + 8)))" >/dev/null
check "memory above its threshold is danger two" wait_for "$LIMIT" told "$since" \
	'select(.event_type == "kis_danger_two" and .param == "rss_kib")'
is "its numbers are those of the profile" "$(agrees kis_danger_two two "$since" rss_kib | sort -u)" \
	'["two","threshold","soft","ready","observe","none",true,true,true,true,true]'
observed=$(jq -s '.[0].observed' "$WORK/told")
is "what was observed is what the window had" \
	"$(windows soft "$since" | jq -s --argjson o "$observed" 'any(.[]; .rss_kib == $o)')" true
tell soft "held.pop('memory') and None" >/dev/null
another_window soft
check "calm again" wait_for "$LIMIT" is_danger 0
is "a ready cell learns no more" "$(profile soft | jq -c '[.windows, .params[].mean]')" \
	"$(jq -c '[.windows, .params[].mean]' "$WORK/profile")"

# --- directories: learned, unknown, and an officer's prefixes

kisctl mode observe >/dev/null
since=$(newest)
is "control: observing, a file is made in an unknown directory" \
	"$(tell soft "touch('$WORK/unknown/a')") $(ls "$WORK/unknown")" "done a"
is "control: that is told" \
	"$(records "$since" \
	'select(.op == "create" and .cause == "self") | [.event_type, .action, .applied, .path]')" \
	"[\"kis_danger_two\",\"deny\",false,\"$WORK/unknown/a\"]"
kisctl mode enforce --force >/dev/null
since=$(newest)
is "enforcing, in an unknown directory it is denied" "$(tell soft "touch('$WORK/unknown/b')") $(ls "$WORK/unknown")" \
	"denied a"
is "that is told" \
	"$(records "$since" \
	'select(.op == "create" and .cause == "self") | [.event_type, .action, .applied, .path]')" \
	"[\"kis_danger_two\",\"deny\",true,\"$WORK/unknown/b\"]"
since=$(newest)
is "in the learned directory it is done" \
	"$(tell soft "touch('$WORK/known/b')") $([ -e "$WORK/known/b" ] && echo there)" "done there"
is "who caused the danger is held to the self: it may not even read what everybody may" \
	"$(tell soft "read('$WORK/unknown/a')")" "denied"
is "that is told" "$(records "$since" 'select(.op == "read") | [.event_type, .cause, .action, .class]')" \
	'["kis_veto","danger","deny","read"]'

# --- reset: it learns anew

kisctl mode enforce --force >/dev/null
cells "$(cell soft soft 100000 '"files": {"learn": true}')"
is "before: it is ready" "$(of_cell soft phase)" ready
since=$(newest)
check "profile reset" kisctl profile reset soft
is "it learns, and knows nothing" "$(profile soft | jq -c '[.phase, .params[0].threshold_one]') $(made soft)" \
	'["learning",null] 0'
is "that is told" "$(records "$since" 'select(.event_type == "kis_phase") | [.cell, .value, .cause]')" \
	'["soft",0,"officer"]'
is "the unknown directory is learned now" \
	"$(tell soft "touch('$WORK/unknown/c')") $(made soft)" "done 1"
is "what was learned before is gone" "$(tell soft "touch('$WORK/known/c')") $(made soft)" \
	"done 2"
since=$(newest)
tell soft "read('$FILE', $((two * 2)))" >/dev/null
is "control: what is danger for a ready cell is none while it learns" "$(count "$since" 'select(.param)')" 0
another_window soft
within "it counts windows from the beginning" "$(profile soft | jq .windows)" 1 $((n / 2))
cells "$(cell soft soft 1 '"files": {"learn": true}')"
check "it becomes ready again" wait_for "$LIMIT" is_ready soft
within "with another self" "$(param soft files_opened .peak)" $((two + 1)) $((two * 2 + 4))

# --- soft and hard, with bounds; the officer's prefixes while they learn

kisctl mode enforce --force >/dev/null
# 8 and a quarter: 10.
BOUNDS='"bounds": {"files_opened": {"about": 8, "tolerance_percent": 25}}, "files": {"learn": true, "write": ["'"$WORK/within"'"]}'
begin=$(newest)
bounded() {
	cells "$(cell soft2 soft "$1" "$BOUNDS" soft)" "$(cell hard hard "$1" "$BOUNDS" hard)" \
		"$(cell count count 12 '"files": {"learn": false}')"
}
bounded 100000
for name in soft2:soft hard:hard; do
	IFS=: read -r cell who <<<"$name"
	is "$cell learns" "$(of_cell "$cell" phase) $(of_cell "$cell" tolerization)" "learning $who"
	since=$(newest)
	tell "$who" "read('$FILE', 60)" >/dev/null
	kept=$([ "$cell" = hard ] && echo true || echo false)
	is "$cell: beyond the officer's bound is danger two, learning or not; of a hard one attempted training" \
		"$(records "$since" 'select(.param) | [.event_type, .cell, .cause, .observed, .threshold, .phase, .kept_out]' |
		head -n 1)" "[\"kis_danger_two\",\"$cell\",\"bound\",11,10,\"learning\",$kept]"
	is "$cell: outside of the officer's prefixes is denied" \
		"$(tell "$who" "touch('$WORK/outside/$cell')") $(ls "$WORK/outside")" "denied "
	is "$cell: that is told" \
		"$(records "$since" 'select(.op == "create") | [.cause, .action, .applied, .phase, .cell]')" \
		"[\"tree\",\"deny\",true,\"learning\",\"$cell\"]"
	is "$cell: within them it is done" \
		"$(tell "$who" "touch('$WORK/within/$cell')") $(there "$WORK/within/$cell")" "done there"
done
is "control: outside is where others may" "$(tell free "touch('$WORK/outside/free')") $(ls "$WORK/outside")" \
	"done free"
check "a cell that is left alone becomes ready" wait_for "$LIMIT" is_ready count
is "it learned as many windows as it was told" \
	"$(profile count | jq -c '[.windows, .windows_needed, .params[0].n]')" "[12,12,12]"
last=$(records "$begin" 'select(.event_type == "kis_phase" and .cell == "count") | .mono_ns')
is "when they had been measured" \
	"$(records "$begin" 'select(.event_type == "kis_window" and .cell == "count" and .mono_ns <= '"$last"') | .id' |
	wc -l)" 12
another_window soft2
another_window hard
bounded 1
for name in soft2 hard; do check "$name becomes ready" wait_for "$LIMIT" is_ready "$name"; done
is "each is told once" \
	"$(records "$begin" 'select(.event_type == "kis_phase" and .value == 1) | .cell' | sort | tr '\n' ' ')" \
	'"count" "hard" "soft2" '
for name in soft2 hard; do
	last=$(records "$begin" 'select(.event_type == "kis_phase" and .cell == "'$name'") | .mono_ns')
	records "$begin" \
		'select(.event_type == "kis_window" and .cell == "'$name'" and .mono_ns <= '"$last"')
			| .values.files_opened' >"$WORK/opened"
	case $name in
	soft2) want=$(jq -sc '[length, max, max > 10]' "$WORK/opened") ;;
	hard) want=$(jq -sc 'map(select(. <= 10)) | [length, max, (max > 10)]' "$WORK/opened") ;;
	esac
	is "$name: windows and peak of what it learned" "$(param $name files_opened '[.n, .peak, .peak > 10]')" \
		"$want"
	is "$name: the values beyond the bound were there" "$(jq -s 'any(.[]; . > 10)' "$WORK/opened")" true
	is "$name: the other values of that window are learned, and what was kept out is counted" \
		"$(profile $name | jq -c '.windows as $n | [.kept_out.values.execs, .kept_out.values.files_opened // 0] ==
			[null, (.params[] | select(.param == "files_opened") | $n - .n)]')" true
done
is "soft has learned what hard has not" \
	"$(param soft2 files_opened '.peak > 10') $(param hard files_opened ".n < $(profile hard | jq .windows)")" \
	"true true"
kisctl cell unload >/dev/null
