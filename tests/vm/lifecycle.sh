#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 600
#
# kis.ko comes and goes at any time: many times under load, with cells and signatures, with
# denials and connections that are being reset. What it has denied is allowed when it is gone.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

# On a slow kernel a cycle takes ten times as long, and finds as much: fewer of them.
CYCLES=100
[ "$SLOW" = 1 ] || CYCLES=30
plan 30

cp "${KIS_KO:-/mnt/kis/kis.ko}" "$WORK/kis.ko"
loaded() { [ -d /sys/module/kis ]; }
unload() { timeout $((60 * SLOW)) rmmod kis; }

REDIS='{"name": "redis", "program": "/usr/bin/redis-check-rdb", "mode": "enforce", "forbid": ["exec"],
	"files": {"learn": false, "write": ["/var/lib/redis", "/var/log/redis"]},
	"danger_one": {"hold_ms": 1}, "danger_two": {"hold_ms": 1, "deny": []}}'
EVIL='{"id": 9, "revision": 1, "type": 2, "message": "evil", "pattern": "EVIL[0-9]"}'

# save DIR: whether redis can write its data there, seen in the file system.
save() {
	rm -f "$1/dump.rdb"
	redis-cli config set dir "$1" >/dev/null
	redis-cli save >/dev/null
	[ -s "$1/dump.rdb" ]
}
# attack: whether a command with the signature comes through.
attack() { [ "$(timeout 10 redis-cli echo EVIL1 2>/dev/null)" = EVIL1 ]; }

mkdir -p "$WORK/elsewhere"
start_redis
redis=$(pgrep -x redis-server)

# --- what a rmmod ends

check "control: redis writes elsewhere while it is no cell" save "$WORK/elsewhere"
check "control: the attack comes through while there is no signature" attack
cells "$REDIS"
sigs "$EVIL"
is "the cell cannot write elsewhere" "$(save "$WORK/elsewhere" && echo written)" ""
check "the cell writes where it may" save /var/lib/redis
is "the attack is reset" "$(attack && echo through)" ""
check "rmmod while its cells and signatures are in force" unload
is "it is gone" "$(loaded || echo gone)" gone
is "so is its device" "$([ -e /dev/kis ] || echo gone)" gone
check "what was denied is allowed" save "$WORK/elsewhere"
check "what was reset comes through" attack
is "it is the same redis" "$(pgrep -x redis-server)" "$redis"
kisctl status >/dev/null 2>&1
is "kisctl says by its exit code that the module is absent" $? 5

# --- a kernel without the patch
#
# Such a kernel has none of the names that the module refers to weakly. The same module with these
# names changed finds none of them here either.

weak=$(sed -n 's/^#pragma weak kis_//p' "$HERE/../../rust/kis/helpers.c")
# shellcheck disable=SC2086 # a list of words
python3 - "$WORK/kis.ko" "$WORK/unpatched.ko" $weak >"$WORK/renamed" <<-'END'
	import re, sys
	image = open(sys.argv[1], "rb").read()
	image, count = re.subn(rb"\0kis_(?=(%s)\0)" % "|".join(sys.argv[3:]).encode(), rb"\0not_", image)
	open(sys.argv[2], "wb").write(image)
	print(count)
END
is "each of the patch's names is changed" "$(cat "$WORK/renamed")" "$(wc -w <<<"$weak")"
dmesg -C
refuse "a module that finds no KIS LSM is refused" insmod "$WORK/unpatched.ko"
like "the log names what is missing" "$(dmesg)" 'kis: not loaded: this kernel has no KIS LSM \(CONFIG_SECURITY_KIS\)'
is "nothing of it stays" "$(ls -d /sys/module/kis /dev/kis 2>/dev/null)" ""

check "insmod" insmod "$WORK/kis.ko"
is "nothing is left of the cells and signatures" \
	"$(kisctl --json status | jq -c '[.mode, .cells, .signatures, .bans]')" '["observe",0,0,0]'
check "processes of cells that are no more are free" save "$WORK/elsewhere"
refuse "a second insmod is refused" insmod "$WORK/kis.ko"

# --- who holds it

kisctl --json alerts --follow >"$WORK/follow.out" 2>&1 &
reader=$!
open_device() { readlink "/proc/$reader/fd/"* 2>/dev/null | grep -q '^/dev/kis$'; }
wait_for "$LIMIT" open_device
like "rmmod with a reader open says that it is in use" "$(rmmod kis 2>&1)" 'in use'
check "it still answers" kisctl status
lines=$(wc -l <"$WORK/follow.out")
has_grown() { [ "$(wc -l <"$WORK/follow.out")" -gt "$lines" ]; }
kisctl mode observe >/dev/null
check "the reader still reads" wait_for "$LIMIT" has_grown
kill "$reader"
wait "$reader" 2>/dev/null
check "rmmod when the reader has gone" unload

# --- many times, under load

touch "$WORK/load"
: >"$WORK/failed"
load() {
	while [ -e "$WORK/load" ]; do
		# With a pause: on an emulated machine it would else leave no time for anybody else.
		nice redis-benchmark -q -c 20 -n 500 -t set,get,lpush >"$WORK/benchmark.out" 2>&1 ||
			cat "$WORK/benchmark.out" >>"$WORK/failed"
		grep -qi error "$WORK/benchmark.out" && cat "$WORK/benchmark.out" >>"$WORK/failed"
		echo >>"$WORK/rounds"
		sleep 0.1
	done
}
load &
: >"$WORK/rounds"
wait_for "$LIMIT" test -s "$WORK/rounds"
(while [ -e "$WORK/load" ]; do timeout 5 redis-cli echo EVIL2 >/dev/null 2>&1; sleep 0.05; done) &

has_killed() { [ "$(status killed)" != 0 ]; }
done_=0 denied=0 killed=0
before=$SECONDS
for ((i = 1; i <= CYCLES; i++)); do
	insmod "$WORK/kis.ko" 2>"$WORK/insmod.err" || break
	case $((i % 10)) in
	1)
		cells "$REDIS"
		sigs "$EVIL"
		save "$WORK/elsewhere" || denied=$((denied + 1))
		wait_for "$LIMIT" has_killed && killed=$((killed + 1))
		;;
	2) cells "$REDIS" ;;
	3) sigs "$EVIL" && cells "$REDIS" && kisctl cell unload >/dev/null ;;
	4) kisctl ban add 192.0.2.9 >/dev/null ;;
	esac
	unload 2>"$WORK/rmmod.err" || break
	done_=$i
done
diag "$CYCLES cycles in $((SECONDS - before)) s, $(wc -l <"$WORK/rounds") rounds of the benchmark"
is "$CYCLES times insmod and rmmod" "$done_ $(cat "$WORK/insmod.err" "$WORK/rmmod.err")" "$CYCLES "
is "each time that there were cells, they denied" "$denied" $((CYCLES / 10))
is "each time that there were signatures, they killed" "$killed" $((CYCLES / 10))
rm "$WORK/load"
wait_for "$((60 * SLOW))" bash -c "! pgrep -x redis-benchmark"
is "no request of the load has failed" "$(head -c 300 "$WORK/failed")" ""
is "it is still the same redis" "$(pgrep -x redis-server)" "$redis"
check "and it comes once more" insmod "$WORK/kis.ko"
