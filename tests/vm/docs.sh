#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 90
#
# The example of README.md does what README.md says, on a real nginx. Only the learning is shorter.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

plan 14

# example N: the N-th block of JSON in README.md.
example() {
	awk -v want="$1" '/^```/ { inside = $0 == "```json"; n += inside; next } inside && n == want' "$REPO/README.md"
}

example 1 >"$WORK/whole.json"
jq '.cells[0].tolerization.windows = 4' "$WORK/whole.json" >"$WORK/cells.json"
example 2 >"$WORK/signatures.json"

start_nginx
traversal() {
	printf 'GET /a/../../etc/passwd HTTP/1.0\r\n\r\n' | timeout 10 nc -N 127.0.0.1 80 >"$WORK/answer"
	grep -q '^HTTP/1.1 400' "$WORK/answer"
}
reset() { ! traversal && [ ! -s "$WORK/answer" ]; }
# What becomes of two requests of one connection: status and new connections of each.
kept() {
	curl -s --path-as-is -w '%{http_code}:%{num_connects} ' \
		-o /dev/null http://127.0.0.1/index.html -o /dev/null http://127.0.0.1/a/../../etc/passwd
}
normal() { [ "$(curl -s http://127.0.0.1/index.html)" = '<h1>it works</h1>' ]; }

check 'the cell file is right' kisctl cell check "$WORK/whole.json"
check 'the signature file is right' kisctl sig check "$WORK/signatures.json"
check 'the cell is loaded' kisctl cell load "$WORK/cells.json"
check 'nginx is found as it runs' wait_for "$LIMIT" in_cell web 3
for _ in 1 2 3 4 5 6; do
	curl -s http://127.0.0.1/ >/dev/null
	sleep 0.5
done
check 'it has learned' wait_for "$LIMIT" is_ready web
check 'its profile can be kept' kisctl profile export web "$WORK/web.kis"
check 'the signature is loaded' kisctl sig load "$WORK/signatures.json"

# The control: nginx reads the bytes, and answers them, while KIS observes.
check 'observing lets the request pass' traversal
is 'also as the second of a connection' "$(kept)" '200:1 400:0 '
since=$(newest)
check 'enforcing can be switched on' kisctl mode enforce --force
check 'enforcing resets the connection' reset
like 'also at its second request' "$(kept)" '^200:1 000:'
check 'and tells it' wait_for "$LIMIT" told "$since" 'select(.signature.id == 1 and .applied)'
id=$(records "$since" 'select(.signature.id == 1)' | jq -r .id | head -n 1)
diag "$(kisctl explain "${id:-0}" 2>&1)"
check 'a normal request is served' normal
stop_nginx
