#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 100
#
# Each operation that KIS can deny, done by real programs: outside of the cell it is done, inside it
# is done and told while observing, and denied and told when enforcing.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

# What ops.sh calls it, the operation and the cause that are told, the path below $dir (or -).
TABLE='
read        read        tree      out/secret
write       write       tree      out/log
truncate    write       tree      out/short
create      create      tree      out/new
mkdir       create      tree      out/newdir
symlink     create      tree      out/newlink
link        create      tree      out/newname
unlink      unlink      tree      out/gone
rmdir       unlink      tree      out/gonedir
rename_from rename      tree      out/moved
rename_to   rename      tree      out/mover
exec        exec        tree      tools/tool
connect     connect     forbidden -
map_exec    map_exec    forbidden -
mprotect    map_exec    forbidden -
ptrace      ptrace      forbidden -
module_load module_load forbidden -
module_data module_load forbidden -
'
DANGER='write create unlink rename exec connect map_exec module_load'

plan 122

dir=$WORK/tree
# The place where the operations are done, as it was before.
prepare() {
	rm -rf "$dir"
	mkdir -p "$dir/in" "$dir/out/gonedir" "$dir/tools"
	for f in in/word in/mover out/secret out/log out/short out/gone out/moved; do echo "$f" >"$dir/$f"; done
	cp /usr/bin/true "$dir/tools/tool"
}

# traces: which operations have left their mark on the file system, seen from outside.
traces() {
	local done_=()
	[ "$(cat "$dir/out/log")" = out/log ] || done_+=(write)
	[ -s "$dir/out/short" ] || done_+=(truncate)
	[ ! -e "$dir/out/new" ] || done_+=(create)
	[ ! -e "$dir/out/newdir" ] || done_+=(mkdir)
	[ ! -L "$dir/out/newlink" ] || done_+=(symlink)
	[ ! -e "$dir/out/newname" ] || done_+=(link)
	[ -e "$dir/out/gone" ] || done_+=(unlink)
	[ -e "$dir/out/gonedir" ] || done_+=(rmdir)
	[ ! -e "$dir/in/moved" ] || done_+=(rename_from)
	[ ! -e "$dir/out/mover" ] || done_+=(rename_to)
	echo "${done_[*]}"
}
ALL_TRACES='write truncate create mkdir symlink link unlink rmdir rename_from rename_to'

# What ops.sh said about each operation, and how many records of the cell say that one was denied:
# by "operation cause path applied".
declare -A RESULT TOLD EXPECTED
run_ops() {
	local name text n key
	RESULT=() TOLD=()
	prepare
	since=$(newest)
	bash "$HERE/ops.sh" "$1" "$dir" >"$WORK/ops.out" 2>&1
	while read -r name text; do RESULT[$name]=$text; done <"$WORK/ops.out"
	records "$since" 'select(.op != "none" and .pid != '"${RESULT[pid]}"')' >"$WORK/records"
	while read -r n key; do TOLD[$key]=$n; done \
		< <(jq -r --arg dir "$dir/" 'select(.action == "deny" and .cell == "ops"
		and .event_type == "kis_danger_two" and .signal == "two")
		| "\(.op) \(.cause) \(.path // "-" | if startswith("/") then ltrimstr($dir) else "-" end) \(.applied)"' "$WORK/records" | sort | uniq -c)
}
while read -r _ op cause path; do
	[ -z "$op" ] || EXPECTED[$op $path]=$((${EXPECTED[$op $path]:-0} + 1))
done <<<"$TABLE"

socat TCP-LISTEN:7070,fork,reuseaddr EXEC:/usr/bin/true 2>/dev/null &
wait_port 7070

cells '{"name": "ops", "program": "/usr/bin/bash", "arguments": "*/ops.sh inside *",
	"files": {"learn": false, "read": ["/usr", "/etc", "/dev", "/proc", "/mnt", "'"$dir/in"'", "'"$dir/tools"'"],
		"write": ["'"$dir/in"'"], "exec": ["/usr/bin"]},
	"forbid": ["connect", "map_exec", "ptrace", "module_load"],
	"danger_two": {"hold_ms": 1, "deny": []}}'

kisctl mode enforce --force >/dev/null
run_ops outside
while read -r name _; do
	[ -n "$name" ] && is "$name is done outside of the cell" "${RESULT[$name]:-}" "done"
done <<<"$TABLE"
is "all of them have left their traces" "$(traces)" "$ALL_TRACES"
is "nothing is told about them" "$(cat "$WORK/records")" ""

for mode in observe enforce; do
	kisctl mode "$mode" --force >/dev/null
	run_ops inside
	case $mode in
	observe) want="done" applied=false traces=$ALL_TRACES ;;
	enforce) want=denied applied=true traces='' ;;
	esac
	while read -r name op cause path; do
		[ -n "$name" ] || continue
		is "$mode: $name is $want" "${RESULT[$name]:-}" "$want"
		# Observing, a program goes on: truncating is told when it opens and when it truncates.
		n=${TOLD[$op $cause $path $applied]:-0}
		least=${EXPECTED[$op $path]}
		is "$mode: $name is told, applied $applied" "$((n < least ? n : least))" "$least"
	done <<<"$TABLE"
	is "$mode: the traces agree" "$(traces)" "$traces"
done

# A module that the kernel would load for a cell: modprobe, which the kernel starts itself, is no
# part of the cell. socket() fails either way, so what counts is whether modprobe was started.
modprobe=$(cat /proc/sys/kernel/modprobe)
printf '#!/bin/sh\n: >%s/asked\n' "$WORK" >"$WORK/modprobe"
chmod 755 "$WORK/modprobe"
echo "$WORK/modprobe" >/proc/sys/kernel/modprobe
asked() {
	rm -f "$WORK/asked"
	python3 -IS -c 'import _socket; _socket.socket(9)' "$1" 2>/dev/null
	if [ -e "$WORK/asked" ]; then echo asked; else echo "not asked"; fi
}
asks_told() { records "$since" 'select(.op == "module_request") | [.cell, .event_type, .cause, .action, .applied]'; }
cells '{"name": "asks", "program": "/usr/bin/python3.13", "arguments": "* inside", "files": {"learn": false},
	"forbid": ["module_request"], "danger_two": {"hold_ms": 1, "deny": []}}'
kisctl mode observe >/dev/null
since=$(newest)
is "observe: the kernel loads a module for a cell" "$(asked inside)" asked
is "observe: it is told" "$(asks_told)" '["asks","kis_danger_two","forbidden","deny",false]'
kisctl mode enforce --force >/dev/null
since=$(newest)
is "enforce: it does not" "$(asked inside)" "not asked"
is "enforce: it is told" "$(asks_told)" '["asks","kis_danger_two","forbidden","deny",true]'
since=$(newest)
is "enforce: it does for who is in no cell" "$(asked outside)" asked
is "enforce: nothing is told about that" "$(asks_told)" ""
echo "$modprobe" >/proc/sys/kernel/modprobe

# Danger signal two denies what was allowed until then, and nothing else.
cells '{"name": "danger", "program": "/usr/bin/python3.13", "arguments": "*/danger.py inside *",
	"files": {"learn": false}, "forbid": ["ptrace"], "danger_two": {"hold_ms": 600000,
	"deny": ["write", "create", "unlink", "rename", "exec", "connect", "map_exec", "module_load"]}}'
for mode in observe enforce; do
	kisctl mode "$mode" --force >/dev/null
	kisctl cell load "$WORK/cells.json" >/dev/null
	prepare
	mv "$dir/out/gone" "$dir/out/moved" "$dir/in"
	rm "$dir/in/mover"
	since=$(newest)
	RESULT=()
	while read -r name text; do RESULT[$name]=$text; done < <(python3 -IS "$HERE/danger.py" inside "$dir/in" 2>&1)
	records "$since" 'select(.op != "none")' >"$WORK/records.danger"
	case $mode in
	observe) want="done" applied=false ;;
	enforce) want=denied applied=true ;;
	esac
	is "$mode: reading is no danger" "${RESULT[read]:-}" "done"
	is "$mode: what raised danger two is $want" "${RESULT[ptrace]:-}" "$want"
	vetoes=$(jq -r --argjson applied "$applied" \
		'select(.event_type == "kis_veto" and .cause == "danger" and .action == "deny"
		and .applied == $applied and .danger_two) | .op' "$WORK/records.danger" | sort -u | tr '\n' ' ')
	for op in $DANGER; do
		is "$mode: in danger $op is $want" "${RESULT[$op]:-}" "$want"
	done
	is "$mode: each veto is told" "$vetoes" "$(tr ' ' '\n' <<<"$DANGER" | sort | tr '\n' ' ')"
done
kisctl cell unload >/dev/null
