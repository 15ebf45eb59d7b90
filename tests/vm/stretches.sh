#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# What adds up: an excess that no window shows is danger one by its sum over 30 windows, and the load
# that was learned is not; one peer that is sent ten times as much is, and ten times for everybody is not.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-worker.sh"

plan 25

WINDOW=$((100 * SLOW))
HOLD=$((3000 * SLOW))

# --- more files than ever, and few in each window

FILE=$WORK/file
echo x >"$FILE"
# paced PER PAUSE TIME: opens so many files, again and again after a pause; both times are in windows.
paced() {
	echo "end = time.monotonic() + $WINDOW * $3 / 1000"
	echo "while time.monotonic() < end: read('$FILE', $1), time.sleep($WINDOW * $2 / 1000)"
}
# lasting WHO CODE: lets it do these lines one after the other, and waits until it has.
lasting() {
	local who=$1 line said
	while read -r line; do
		said=$(tell "$who" "$line")
		[[ $said == done* ]] || diag "$line: $said"
	done
}
danger() { of_cell "$1" danger; }
is_calm() { [ "$(danger "$1")" = 0 ]; }
# crossings CELL SINCE FIELDS: of what was told of the files opened, in the order of the time.
crossings() { records "$2" 'select(.param == "files_opened" and .cell == "'"$1"'") | '"$3"; }

worker slow
cells '{"name": "slow", "program": "'"$PYTHON"'", "arguments": "*/worker.py slow", "window_ms": '$WINDOW',
	"files": {"learn": false}, "tolerization": {"kind": "soft", "windows": 180},
	"danger_one": {"hold_ms": '$HOLD'}, "danger_two": {"hold_ms": '$HOLD'}}'
check "it is in its cell" wait_for "$LIMIT" in_cell slow 1
# Ten files in every fifth window or so.
until is_ready slow; do paced 10 5 60 | lasting slow; done
sums() { kisctl --json profile show slow | jq -c '.sums[] | select(.param == "files_opened") | '"$1"; }
is "six stretches are learned, and no long one" "$(sums '[.stretch, .over_ms, .n]')" "[30,$((30 * WINDOW)),6]"
is "the line is twice the largest and six steps" "$(sums '.peak > 30 and .threshold_one == 2 * .peak + 24')" true
one=$(kisctl --json profile show slow | jq '.params[] | select(.param == "files_opened") | .threshold_one')
sum_one=$(sums .threshold_one)
like "profile show has a table of them" "$(kisctl profile show slow)" "files_opened +$(sums .over_ms | sed 's/...$//') s +6 "

since=$(newest)
paced 10 5 65 | lasting slow
is "control: what was learned is no danger over two stretches" "$(crossings slow "$since" .) $(danger slow)" " 0"

since=$(newest)
# Seven in each window.
paced 1 0.143 65 | lasting slow
is "the signal is up as long as the sum is" "$(danger slow)" 1
is "it has not ended meanwhile" "$(count "$since" 'select(.event_type == "kis_calm")')" 0
crossings slow "$since" '[.event_type, .param, .stretch, .over_ms, .n, .cause]' >"$WORK/told"
is "seven in each window are danger one, told once" "$(cat "$WORK/told")" \
	"[\"kis_danger_one\",\"files_opened\",30,$((30 * WINDOW)),6,\"threshold\"]"
is "with its numbers" "$(crossings slow "$since" '[.threshold, .threshold_one, .threshold_two, .observed > .threshold]')" \
	"[$sum_one,$sum_one,null,true]"
is "no window was above its line" \
	"$(records "$since" 'select(.event_type == "kis_window" and .cell == "slow") | .values.files_opened' |
	jq -s "max <= $one")" true
id=$(crossings slow "$since" .id)
like "explain says over how long" "$(kisctl explain "$id")" "added up to [0-9]+ in $((30 * WINDOW / 1000)) s;"
like "alerts says so too" "$(kisctl alerts --since "$since" | grep 'DANGER ONE')" \
	"files_opened [0-9]+ in $((30 * WINDOW / 1000)) s over its threshold $sum_one"
paced 10 5 20 | lasting slow
check "it ends when the sum is below its line again" wait_for "$LIMIT" is_calm slow
is "that is told" "$(records "$since" 'select(.event_type == "kis_calm" and .cell == "slow") | .value')" 1
since=$(newest)
paced 10 5 35 | lasting slow
is "control: calm again" "$(crossings slow "$since" .) $(danger slow)" " 0"
paced 1 0.143 40 | lasting slow
is "once more is told once more" "$(crossings slow "$since" '[.event_type, .stretch]')" '["kis_danger_one",30]'
is "danger two was never up" "$(count "$since" 'select(.event_type == "kis_danger_two" and .cell == "slow")')" 0
kisctl cell unload >/dev/null

# --- more for one peer than for any before

# sent FIRST LAST TIMES PAUSE TIME: so many messages to each of these addresses, again and again.
sent() {
	echo "end = time.monotonic() + $WINDOW * $5 / 1000"
	echo "while time.monotonic() < end: [u.sendto(bytes(100), ('127.0.0.%d' % p, 9999)) for _ in range($3)" \
		"for p in range($1, $2 + 1)], time.sleep($WINDOW * $4 / 1000)"
}
# peers SINCE FIELDS: of what was told of peers.
peers() { records "$1" 'select((.param // "") | startswith("peer_")) | '"$2"; }
worker server
tell server "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)" >/dev/null
cells '{"name": "server", "program": "'"$PYTHON"'", "arguments": "*/worker.py server", "window_ms": '$WINDOW',
	"files": {"learn": false}, "tolerization": {"kind": "soft", "windows": 120},
	"danger_one": {"hold_ms": '$HOLD'}, "danger_two": {"hold_ms": '$HOLD'}}'
check "it is in its cell" wait_for "$LIMIT" in_cell server 1
until is_ready server; do sent 2 6 40 5 60 | lasting server; done
most() { kisctl --json profile show server | jq -c '.sums[] | select(.param == "peer_messages_out") | '"$1"; }
is "what the peer has that has most is learned" "$(most '[.stretch, .n, .peak > 100, .threshold_one == 2 * .peak + 384]')" \
	"[30,4,true,true]"

since=$(newest)
sent 2 6 40 5 65 | lasting server
is "control: as much for each is nothing" "$(peers "$since" .)" ""
sent 2 6 400 5 65 | lasting server
is "control: ten times as much for each is nothing" "$(peers "$since" .)" ""
# What they have had belongs to a stretch that is over.
sent 2 6 40 5 35 | lasting server
since=$(newest)
sent 3 3 40 0.5 65 | lasting server
peers "$since" 'select(.param == "peer_messages_out") | [.event_type, .src_ip, .stretch, .over_ms, .n, .pid]' |
	sort -u >"$WORK/told"
is "ten times as much for one is danger one, with its address" "$(cat "$WORK/told")" \
	"[\"kis_danger_one\",\"127.0.0.3\",30,$((30 * WINDOW)),4,${PID[server]}]"
is "it is told at once" \
	"$(peers "$since" 'select(.param == "peer_messages_out") | .observed - .threshold' | sort -u)" 1
is "nothing else was above a line" "$(records "$since" 'select(.param and .stretch == 1)')" ""
like "alerts has the address" "$(kisctl alerts --since "$since" | grep peer_messages_out | head -n 1)" \
	"peer_messages_out [0-9]+ in $((30 * WINDOW / 1000)) s over its threshold [0-9]+ to 127.0.0.3 by "
kisctl cell unload >/dev/null
