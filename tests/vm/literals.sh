#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# Three thousand signatures at once, found by the literals of their patterns: each of those that are tried, however the
# stream is cut, and nothing else; what happens when more begin on one stream than can be followed; and those that are
# for some ports only, or count only when they have matched often.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

plan 28

python3 "$HERE/sigserver.py" cell "$WORK" 7300 &
wait_for "$START_LIMIT" test -e "$WORK/ready" || bail "the server did not start"
cells '{"name": "server", "program": "/usr/bin/python3.13", "arguments": "*/sigserver.py cell *",
	"files": {"learn": false}, "window_ms": 60000, "tolerization": {"windows": 100000},
	"danger_one": {"hold_ms": 1}, "danger_two": {"hold_ms": 1, "deny": []}}'

# send PIECE…: on one connection, to TO (a port, or a path); says how it ended.
TO=7300
send() {
	python3 - "$TO" "$@" <<'PY'
import socket
import sys
import time

to, *pieces = sys.argv[1:]
if to.isdigit():
    sock = socket.create_connection(("127.0.0.1", int(to)), 20)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
else:
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(to)
try:
    for piece in pieces:
        sock.sendall(piece.encode())
        time.sleep(0.02)
    sock.shutdown(socket.SHUT_WR)
    while sock.recv(4096):
        pass
    print("served")
except OSError:
    print("reset")
PY
}

bytewise() {
	local i
	for ((i = 0; i < ${#1}; i++)); do printf '%s\n' "${1:i:1}"; done
}

# --- thousands

jq -n '{version: 1, signatures: [range(3000) | {id: (. + 1), type: 2, message: "number \(.)",
	pattern: "q\(.)z-[0-9]{2,4}(?:x|yy)"}]}' >"$WORK/many.json"
check "three thousand signatures are taken" kisctl --json sig load "$WORK/many.json"
is "all by their literals, in less than 2 MiB" \
	"$(jq -c '[.by_literal, .states, .image_bytes < 2097152]' "$WORK/check.out")" '[3000,1,true]'
is "and are in force" "$(status signatures)" 3000

kisctl mode enforce --force >/dev/null
is "what none of them names is served" "$(send 'q2711z-9x and q99999z-123x, Q2711Z-12X, q2711z-12345x')" served
for text in q2711z-12x q0z-1234yy q2999z-999x; do
	since=$(newest)
	is "$text is not" "$(send "GET /$text HTTP/1.1")" reset
	id=${text#q} id=${id%%z*}
	is "and its signature is told" "$(records "$since" 'select(.event_type == "kis_danger_two") | .signature.id')" $((id + 1))
done
mapfile -t pieces < <(bytewise 'and q2711z-12yy')
is "byte by byte" "$(send "${pieces[@]}")" reset

# --- more beginnings than can be followed

jq -n '{version: 1, signatures: [range(20) | {id: (. + 1), type: 2, message: "of two parts",
	pattern: "begin\(. + 10)q(?s:.*)finish\(. + 10)"}]}' >"$WORK/two.json"
kisctl sig load "$WORK/two.json" >/dev/null || bail "two parts were refused"
all=$(printf 'begin%dq ' {10..29})
since=$(newest)
is "one of two parts" "$(send 'begin29q' ' and ' 'finish29')" reset
is "the first of many are followed" "$(send "$all" 'finish10')" reset
is "others pass in calm" "$(send "$all" 'finish29')" served
is "and that is told" "$(records "$since" 'select(.cause == "unseen") | [.event_type, .op, .action]' | head -n 1)" \
	'["kis_veto","receive","none"]'

# --- some ports only

sigs '{"id": 1, "type": 2, "message": "at two ports", "pattern": "only-there", "ports": ["7302-7303", 7305]}' \
	'{"id": 2, "type": 2, "message": "over UDP", "pattern": "datagram", "protocol": "udp"}'
is "below its ports it is served" "$(send 'what is only-there')" served
is "between them as well" "$(TO=7304 send 'what is only-there')" served
is "at them it is not" "$(TO=7303 send 'what is only-there')$(TO=7305 send 'what is only-there')" resetreset
is "a unix socket has no port" "$(TO=$WORK/unix send 'what is only-there')" served
is "and TCP is not UDP" "$(send 'what is in a datagram')" served

# --- not each time

hits() { kisctl --json sig list | jq -c --argjson id "$1" '.signatures[] | select(.id == $id) | [.hits, .held]'; }

often='"threshold": {"type": "detection_filter", "track": "by_src", "count": 2, "seconds": 600}'
sigs '{"id": 1, "type": 2, "message": "the third attempt", "pattern": "attempt", '"$often"'}' \
	'{"id": 2, "type": 2, "message": "told once", "pattern": "noise",
		"threshold": {"type": "limit", "track": "by_rule", "count": 1, "seconds": 600}}'
since=$(newest)
is "two attempts are served" "$(send 'an attempt')$(send 'an attempt')" servedserved
is "and held" "$(hits 1)" '[2,2]'
is "the third is not" "$(send 'an attempt')" reset
is "it alone is told" "$(records "$since" 'select(.event_type == "kis_danger_two") | .signature.id')" 1
since=$(newest)
is "what is told once has its effect each time" "$(send noise)$(send noise)$(send noise)" resetresetreset
is "and is told once" "$(records "$since" 'select(.event_type == "kis_danger_two") | .signature.id')" 2
sigs '{"id": 1, "type": 2, "message": "the third attempt", "pattern": "attempt", '"$often"'}'
is "what comes at once is counted once" "$(send 'attempt, attempt' 'attempt')" served
is "and so on the next connection the first is one too many" "$(send 'attempt')" reset
