#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# Signatures of several parts, before a real web server: each request of a kept connection has its parts anew, however
# the stream is cut, the target is written and the body comes; and what must be absent.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

plan 36

start_nginx
echo "a page" >/var/www/kis/page.html
mkdir -p /var/www/kis/admin
echo "for few" >/var/www/kis/admin/page.html
cells '{"name": "web", "program": "/usr/sbin/nginx", "files": {"learn": false}, "window_ms": 60000,
	"tolerization": {"windows": 100000}, "danger_one": {"hold_ms": 1}, "danger_two": {"hold_ms": 1, "deny": []}}'

# ask CUT REQUEST…: sends requests (as printf writes them) on one connection, CUT bytes at a time; the statuses of the
# answers, and how it ended.
ask() {
	python3 - "$@" <<'PY'
import re
import socket
import sys
import time

cut, requests = int(sys.argv[1]), sys.argv[2:]
sock = socket.create_connection(("127.0.0.1", 80), 20)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
sock.settimeout(20)
said, end = [], "open"
try:
    for request in requests:
        data = request.encode().decode("unicode_escape").encode("latin-1")
        for at in range(0, len(data), cut):
            sock.sendall(data[at : at + cut])
            if cut < 100:
                time.sleep(0.001)
        answer = b""
        while not re.search(rb"\r\n\r\n", answer):
            more = sock.recv(65536)
            if not more:
                end = "closed"
                break
            answer += more
        if end == "closed":
            break
        said.append(answer.split()[1].decode())
    if end == "open":
        # An answer may be there before the reset.
        sock.settimeout(0.3)
        sock.recv(65536)
        end = "closed" if not sock.recv(65536) else end
except TimeoutError:
    pass
except OSError:
    end = "reset"
print(*said, end)
PY
}

get() { printf 'GET %s HTTP/1.1\\r\\nHost: kis\\r\\n%s\\r\\n' "$1" "${2:-}"; }
post() { printf 'POST %s HTTP/1.1\\r\\nHost: kis\\r\\nContent-Length: %d\\r\\n\\r\\n%s' "$1" "${#2}" "$2"; }
chunked() {
	local i
	printf 'POST %s HTTP/1.1\\r\\nHost: kis\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n' "$1"
	for ((i = 0; i < ${#2}; i++)); do printf '1\\r\\n%s\\r\\n' "${2:i:1}"; done
	printf '0\\r\\n\\r\\n'
}

cat >"$WORK/sigs.json" <<'JSON'
{"version": 1, "signatures": [
	{"id": 1, "type": 2, "message": "two parts", "parts": [
		{"in": "http.uri", "pattern": "^/admin/"}, {"in": "http.header.user-agent", "pattern": "scanner$"}]},
	{"id": 2, "type": 2, "message": "a word in a body", "parts": [
		{"in": "http.method", "pattern": "^POST$"}, {"in": "http.request_body", "pattern": "stolen-goods"}]},
	{"id": 3, "type": 2, "message": "no agent", "parts": [
		{"in": "http.uri", "pattern": "/quiet$"}, {"in": "http.header", "pattern": "(?i)user-agent:", "absent": true}]},
	{"id": 4, "type": 2, "message": "a length twice", "parts": [
		{"in": "http.oddity", "pattern": "^(both-lengths|length-again)$"}]},
	{"id": 5, "type": 2, "message": "an odd line end", "parts": [
		{"in": "http.uri", "pattern": "^/page"}, {"in": "http.oddity", "pattern": "^bare-lf$"}]}
]}
JSON
check "signatures of several parts are taken" kisctl --json sig load "$WORK/sigs.json"
is "and are in force" "$(status signatures)" 5
evil=$(get /admin/page.html 'User-Agent: a scanner\r\n')
good=$(get /page.html 'User-Agent: a browser\r\n')
since=$(newest)
is "control: observed, the second request is answered" "$(ask 4096 "$good" "$evil")" "200 200 open"
odd='GET /page.html HTTP/1.1\r\nHost: kis\n\n'
is "control: so is one with an odd line end" "$(ask 4096 "$odd")" "200 open"
is "and told" "$(records "$since" 'select(.event_type == "kis_danger_two") | .signature.id' | tr '\n' ' ')" '1 5 '

kisctl mode enforce --force >/dev/null
is "benign requests on one connection" "$(ask 4096 "$good" "$good" "$good")" "200 200 200 open"
is "one part alone" "$(ask 4096 "$(get /admin/page.html)" "$(get /page.html 'User-Agent: a scanner\r\n')")" "200 200 open"
is "parts of different requests are not together" \
	"$(ask 4096 "$(get /admin/page.html 'User-Agent: x\r\n')" "$(get /page.html 'User-Agent: a scanner\r\n')" "$good")" \
	"200 200 200 open"
for cut in 4096 7 1; do
	is "the first request, $cut bytes at a time" "$(ask "$cut" "$evil")" "reset"
	is "the second, $cut bytes at a time" "$(ask "$cut" "$good" "$evil")" "200 reset"
	is "the third, $cut bytes at a time" "$(ask "$cut" "$good" "$good" "$evil")" "200 200 reset"
done
is "pipelined" "$(ask 4096 "$good$evil")" "reset"
for target in /%61dmin/page.html //admin/./page.html '/%61d%6din/page.html?x' http://kis/admin/page.html; do
	is "written as $target" "$(ask 4096 "$good" "$(get "$target" 'User-Agent: a scanner\r\n')")" "200 reset"
done
is "a field in other letters" "$(ask 4096 "$(get /admin/page.html 'uSER-aGENT:scanner\r\n')")" "reset"
is "not at its end" "$(ask 4096 "$(get /admin/page.html 'User-Agent: scanner two\r\n')")" "200 open"
is "a body" "$(ask 4096 "$(post /page.html 'these are stolen-goods')")" "reset"
is "byte by byte" "$(ask 1 "$good" "$(post /page.html 'these are stolen-goods')" | sed 's/ 405//')" "200 reset"
is "in chunks" "$(ask 4096 "$(chunked /page.html stolen-goods)")" "reset"
is "what looks like it in the target" "$(ask 4096 "$(get /stolen-goods)")" "404 open"
is "without an agent" "$(ask 4096 "$(get /quiet)")" "reset"
is "with one" "$(ask 4096 "$(get /quiet 'User-Agent: x\r\n')" "$good")" "404 200 open"
is "an odd line end" "$(ask 4096 "$good" "$odd")$(ask 1 "$odd")" "200 resetreset"
is "elsewhere" "$(ask 4096 "$(printf '%s' "$odd" | sed s/page/nopage/)")" "404 open"
is "two lengths" "$(ask 4096 "$(get /page.html 'Content-Length: 0\r\nContent-Length: 0\r\n')")" "reset"
is "the name of one is not one" "$(ask 4096 "$(get /page.html 'X: bare-lf both-lengths\r\n')")" "200 open"
is "nothing found no room" "$(records "$since" 'select(.cause == "unseen")')" ""
is "nginx saw it once, in the control" "$(grep -c 'admin.*scanner"$' /var/log/nginx/access.log)" 1
stop_nginx
kisctl cell unload >/dev/null
