#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# Bans: by the officer and by signatures, seen from a network namespace behind a veth, over IPv4 and
# IPv6, with ping and with TCP.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

plan 88

HOST4=10.77.0.1 PEER4=10.77.0.2 OTHER4=10.77.0.3
HOST6=fd77::1 PEER6=fd77::2

# in_ns NS CMD…: in a namespace; host is our own.
in_ns() {
	local ns=$1
	shift
	if [ "$ns" = host ]; then "$@"; else ip netns exec "$ns" "$@"; fi
}
ip netns add peer
ip link add kisv0 type veth peer name kisv1 netns peer
ip addr add $HOST4/24 dev kisv0
ip addr add $HOST6/64 dev kisv0 nodad
in_ns peer ip addr add $PEER4/24 dev kisv1
in_ns peer ip addr add $OTHER4/24 dev kisv1
in_ns peer ip addr add $PEER6/64 dev kisv1 nodad
ip link set kisv0 up
in_ns peer ip link set kisv1 up
in_ns peer ip link set lo up
ip link set lo up

# pings NS FROM TO [N]: how many of N pings are answered.
pings() {
	in_ns "$1" ping -n -q -c "${4:-1}" -i 0.1 -W 0.5 -I "$2" "$3" 2>&1 | sed -n 's/.* \([0-9]*\) received.*/\1/p'
}
pinged() { [ "$(pings "$@")" = 1 ]; }

# Answers each connection with what it has read, after "got ".
cat >"$WORK/server.py" <<'END'
import socket, sys, threading
s = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
def serve(c):
    try:
        while data := c.recv(1000):
            c.sendall(b"got " + data)
    except OSError:
        pass
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
END
# client FROM TO PORT TEXT [WAIT [FILE]]: sends TEXT and says what comes; with FILE waits for it in between.
cat >"$WORK/client.py" <<'END'
import errno, os, socket, sys, time
slow = int(os.environ["SLOW"])
source, to, port, text = sys.argv[1:5]
try:
    c = socket.create_connection((to, int(port)), 0.8 * slow, (source, 0))
    if len(sys.argv) > 5:
        open(sys.argv[5] + ".open", "w").close()
        while not os.path.exists(sys.argv[5]):
            time.sleep(0.02)
        c.settimeout(15)
    c.sendall(text.encode())
    print(c.recv(1000).decode() or "end")
except TimeoutError:
    print("silence")
except OSError as e:
    print(errno.errorcode.get(e.errno, e))
END
PORT=7090
python3 "$WORK/server.py" $PORT &
talk() { in_ns "$1" python3 -IS "$WORK/client.py" "$2" "$3" $PORT "${@:4}"; }

wait_port $PORT
bans() { kisctl --json ban list | jq -c "[.bans[].address]"; }
ban_of() { kisctl --json ban list | jq -r --arg a "$1" ".bans[] | select(.address == \$a) | .$2"; }
not_banned() { [ -z "$(ban_of "$1" ttl_ms)" ]; }

# --- control

wait_for "$LIMIT" pinged peer $PEER4 $HOST4
wait_for "$LIMIT" pinged peer $PEER6 $HOST6
is "control: ping over IPv4" "$(pings peer $PEER4 $HOST4)" 1
is "control: ping over IPv6" "$(pings peer $PEER6 $HOST6)" 1
is "control: TCP over IPv4" "$(talk peer $PEER4 $HOST4 hello)" "got hello"
is "control: TCP over IPv6" "$(talk peer $PEER6 $HOST6 hello)" "got hello"
is "control: nobody is banned" "$(bans) $(status bans) $(status dropped)" "[] 0 0"

# --- the officer bans, IPv4. In observe mode too: that is about verdicts, not about the officer.

is "the mode is observe" "$(status mode)" observe
talk peer $PEER4 $HOST4 late "$WORK/go" >"$WORK/late" &
late=$!
wait_for "$LIMIT" test -e "$WORK/go.open"
since=$(newest)
check "ban add" kisctl ban add $PEER4 --ttl 600
is "it is listed" "$(bans) $(status bans)" "[\"$PEER4\"] 1"
is "with the time that is left" "$(jq -n "$(ban_of $PEER4 ttl_ms) | . > 570000 and . <= 600000")" true
is "nothing was dropped yet" "$(ban_of $PEER4 dropped)" 0
is "no ping is answered" "$(pings peer $PEER4 $HOST4 5)" 0
is "each packet is counted" "$(ban_of $PEER4 dropped) $(status dropped)" "5 5"
is "the first, second and fourth are told" \
	"$(records "$since" 'select(.event_type == "kis_ban_drop") | [.src_ip, .action]' | tr '\n' ' ')" \
	"[\"$PEER4\",\"ban\"] [\"$PEER4\",\"ban\"] [\"$PEER4\",\"ban\"] "
is "the ban itself is told" \
	"$(records "$since" 'select(.event_type == "kis_control") | [.command, .value, .cause]')" \
	'["ban_add",600000,"officer"]'
is "no TCP connection is made" "$(talk peer $PEER4 $HOST4 hello)" silence
is "answers to us do not come either" "$(pings host $HOST4 $PEER4)" 0
is "another address of the same machine is not banned" \
	"$(pings peer $OTHER4 $HOST4) $(talk peer $OTHER4 $HOST4 hello)" "1 got hello"
is "IPv6 is not banned" "$(pings peer $PEER6 $HOST6) $(talk peer $PEER6 $HOST6 hello)" "1 got hello"
touch "$WORK/go"
dropped=$(ban_of $PEER4 dropped)
more_dropped() { [ "$(ban_of $PEER4 dropped)" -gt "$dropped" ]; }
check "a connection that was open: its packets are dropped" wait_for "$LIMIT" more_dropped
is "nothing comes through it" "$(cat "$WORK/late")" ""
check "ban del" kisctl ban del $PEER4
is "it is not listed" "$(bans) $(status bans)" "[] 0"
wait "$late"
is "the open connection goes on" "$(cat "$WORK/late")" "got late"
is "ping and TCP are back" "$(pings peer $PEER4 $HOST4) $(talk peer $PEER4 $HOST4 hello)" "1 got hello"
kisctl ban del $PEER4 >/dev/null 2>&1
is "who is not banned cannot be let off: exit code" $? 3

# --- time to live

kisctl ban add $PEER4 --ttl 600 >/dev/null
began=$(awk '{print int($1 * 1000)}' /proc/uptime)
ttl=$((5 * SLOW)) # long enough for a slow machine to look at it while it holds
kisctl ban add $PEER4 --ttl $ttl >/dev/null
is "a second ban is not a second entry, but its time counts" \
	"$(jq -n "[$(status bans), $(ban_of $PEER4 ttl_ms) <= ${ttl}000]" -c)" "[1,true]"
is "it holds" "$(pings peer $PEER4 $HOST4)" 0
check "it ends by itself" wait_for "$LIMIT" not_banned $PEER4
ended=$(awk '{print int($1 * 1000)}' /proc/uptime)
is "not before its time" "$([ $((ended - began)) -ge $((ttl * 1000)) ] && echo "in time")" "in time"
is "then ping and TCP are back" "$(pings peer $PEER4 $HOST4) $(talk peer $PEER4 $HOST4 hello)" "1 got hello"
is "and it is counted no more" "$(status bans)" 0

# --- IPv6

kisctl ban add $PEER6 >/dev/null
is "IPv6: it is listed" "$(bans)" "[\"$PEER6\"]"
is "IPv6: no ping, no TCP" "$(pings peer $PEER6 $HOST6 2) $(talk peer $PEER6 $HOST6 hello)" "0 silence"
is "IPv6: packets are counted" "$([ "$(ban_of $PEER6 dropped)" -ge 3 ] && echo yes)" yes
is "IPv6: IPv4 is not banned" "$(pings peer $PEER4 $HOST4)" 1
kisctl ban del $PEER6 >/dev/null
check "IPv6: ping is back" wait_for "$LIMIT" pinged peer $PEER6 $HOST6
kisctl ban add ::ffff:$PEER4 >/dev/null
is "an IPv4 address in IPv6 clothes is the IPv4 address" "$(bans) $(pings peer $PEER4 $HOST4)" "[\"$PEER4\"] 0"
kisctl ban del $PEER4 >/dev/null

# --- bad addresses and times

for bad in 'add 10.0.0' 'add host.example' 'add 10.0.0.1/8' 'add 10.0.0.1 --ttl 0' 'add 10.0.0.1 --ttl 2592001' \
	'del nonsense'; do
	# shellcheck disable=SC2086 # several arguments
	kisctl ban $bad >/dev/null 2>&1
	is "ban $bad: usage" "$? $(bans)" "2 []"
done

# --- between two other namespaces

ip netns add left
ip netns add right
ip -n left link add kisl type veth peer name kisr netns right
for side in left:kisl:1 right:kisr:2; do
	IFS=: read -r ns dev n <<<"$side"
	ip -n "$ns" addr add 10.88.0."$n"/24 dev "$dev"
	ip -n "$ns" link set "$dev" up
	ip -n "$ns" link set lo up
done
wait_for "$LIMIT" pinged left 10.88.0.1 10.88.0.2
in_ns right python3 "$WORK/server.py" $PORT &
right_answers() { [ "$(talk left 10.88.0.1 10.88.0.2 hello)" = "got hello" ]; }
check "control: TCP between two namespaces" wait_for "$LIMIT" right_answers
kisctl ban add 10.88.0.1 >/dev/null
is "a ban counts in every namespace" "$(pings left 10.88.0.1 10.88.0.2 3) $(talk left 10.88.0.1 10.88.0.2 hello)" \
	"0 silence"
is "its packets are counted" "$([ "$(ban_of 10.88.0.1 dropped)" -ge 4 ] && echo yes)" yes
kisctl ban del 10.88.0.1 >/dev/null
check "TCP is back" right_answers
# A namespace that is made after the ban is no way around it.
kisctl ban add 10.89.0.2 >/dev/null
ip netns add late
ip link add kisv2 type veth peer name kisv3 netns late
ip addr add 10.89.0.1/24 dev kisv2
ip -n late addr add 10.89.0.2/24 dev kisv3
ip -n late addr add 10.89.0.3/24 dev kisv3
ip link set kisv2 up
ip -n late link set kisv3 up
wait_for "$LIMIT" pinged late 10.89.0.3 10.89.0.1
is "a namespace that comes later: banned, and not" \
	"$(pings late 10.89.0.2 10.89.0.1) $(pings late 10.89.0.3 10.89.0.1)" "0 1"
is "the new namespace's own side" "$(pings host 10.89.0.1 10.89.0.2) $(pings host 10.89.0.1 10.89.0.3)" "0 1"
kisctl ban del 10.89.0.2 >/dev/null

# --- by signature

sigs '{"id": 1, "revision": 1, "type": 2, "message": "short", "pattern": "EVIL[0-9]", "ban_s": 250}' \
	'{"id": 3, "revision": 1, "type": 2, "message": "very short", "pattern": "NAUGHTY[0-9]", "ban_s": 3}' \
	'{"id": 2, "revision": 1, "type": 2, "message": "as the cell says", "pattern": "WICKED[0-9]"}'
server_cell() {
	cells \
		'{"name": "server", "program": "'"$(readlink -f /usr/bin/python3)"'", "arguments": "*/server.py *",
		"files": {"learn": false},
		"danger_two": {"hold_ms": 1, "deny": [], "ban_s": '"$1"'}}'
}
server_cell 0
kisctl mode observe >/dev/null
since=$(newest)
is "control: while observing the bytes come through" "$(talk peer $PEER4 $HOST4 EVIL1)" "got EVIL1"
is "control: nobody is banned" "$(bans) $(pings peer $PEER4 $HOST4)" "[] 1"
is "control: what would have been done is told" \
	"$(records "$since" 'select(.signature) | [.signature.id, .action, .applied, .src_ip]')" \
	"[1,\"kill+ban\",false,\"$PEER4\"]"
kisctl mode enforce --force >/dev/null
since=$(newest)
is "while enforcing the connection is reset" "$(talk peer $PEER4 $HOST4 EVIL1)" ECONNRESET
is "its peer is banned" "$(bans)" "[\"$PEER4\"]"
is "for as long as the signature says" "$(jq -n "$(ban_of $PEER4 ttl_ms) | . > 100000 and . <= 250000")" true
is "it is told" "$(records "$since" 'select(.signature) | [.signature.id, .action, .applied, .src_ip]')" \
	"[1,\"kill+ban\",true,\"$PEER4\"]"
is "its packets are dropped" "$(pings peer $PEER4 $HOST4)" 0
is "others' are not" "$(talk peer $OTHER4 $HOST4 hello)" "got hello"
kisctl ban del $PEER4 >/dev/null
is "another signature, another time" "$(talk peer $PEER4 $HOST4 NAUGHTY1)" ECONNRESET
is "it is no longer than that" "$(kisctl --json ban list | jq '[.bans[] | select(.ttl_ms > 3000)] | length')" 0
check "the ban ends by itself" wait_for "$LIMIT" not_banned $PEER4
is "then the peer is back" "$(talk peer $PEER4 $HOST4 hello)" "got hello"
is "a signature without a ban resets only" "$(talk peer $PEER4 $HOST4 WICKED1) $(bans)" "ECONNRESET []"
is "IPv6: the connection is reset" "$(talk peer $PEER6 $HOST6 EVIL1)" ECONNRESET
is "IPv6: its peer is banned" "$(bans) $(pings peer $PEER6 $HOST6)" "[\"$PEER6\"] 0"
kisctl ban del $PEER6 >/dev/null
server_cell 600
is "a cell's ban: the connection is reset" "$(talk peer $OTHER4 $HOST4 WICKED1)" ECONNRESET
is "a cell's ban: for as long as the cell says" \
	"$(bans) $(jq -n "$(ban_of $OTHER4 ttl_ms) | . > 570000 and . <= 600000")" "[\"$OTHER4\"] true"
is "the signature's time counts before the cell's" \
	"$(talk peer $PEER4 $HOST4 EVIL1) $(jq -n "$(ban_of $PEER4 ttl_ms) <= 250000")" "ECONNRESET true"
kisctl ban del $OTHER4 >/dev/null
kisctl ban del $PEER4 >/dev/null 2>&1

# --- ourselves

for own in 127.0.0.1 127.1.2.3 $HOST4; do
	is "from $own to itself: the connection is reset" "$(talk host "$own" "$own" EVIL1)" ECONNRESET
	is "but $own is not banned" "$(bans) $(pings host "$own" "$own")" "[] 1"
done
is "from ::1: reset, not banned" "$(talk host ::1 ::1 EVIL1) $(bans) $(pings host ::1 ::1)" "ECONNRESET [] 1"
kisctl ban add 127.0.0.1 >/dev/null
is "the officer can ban even that" \
	"$(bans) $(pings host 127.0.0.1 127.0.0.1) $(talk host 127.0.0.1 127.0.0.1 hello)" '["127.0.0.1"] 0 silence'
check "and end it" kisctl ban del 127.0.0.1
is "then it is back" "$(pings host 127.0.0.1 127.0.0.1) $(talk host 127.0.0.1 127.0.0.1 hello)" "1 got hello"

# --- the table is finite

full() {
	python3 - "$1" <<'END'
import sys
from kis import Netlink
nl = Netlink()
for i in range(int(sys.argv[1])):
    nl.do("ban-add", address=bytes([198, 18, i >> 8, i & 255]), **{"ttl-ms": 600000})
END
}
full 1024
is "1024 addresses can be banned" "$(status bans)" 1024
kisctl ban add $PEER4 >/dev/null 2>"$WORK/full.err"
is "one more is refused" "$? $(status bans) $(pings peer $PEER4 $HOST4)" "1 1024 1"
like "with the reason" "$(cat "$WORK/full.err")" '1024 addresses are banned'
is "a signature's reset works all the same" "$(talk peer $PEER4 $HOST4 EVIL1)" ECONNRESET
kisctl ban del 198.18.0.7 >/dev/null
kisctl ban add $PEER4 >/dev/null
is "when one has ended there is room" "$(status bans) $(pings peer $PEER4 $HOST4)" "1024 0"

# --- unload

kisctl cell unload >/dev/null
is "bans are the officer's, not the cells'" "$(status bans)" 1024
check "control: rmmod" rmmod kis
is "control: without the module nobody is banned" "$(pings peer $PEER4 $HOST4)" 1
check "insmod" insmod "${KIS_KO:-/mnt/kis/kis.ko}"
is "a new module knows no bans" "$(bans) $(pings peer $PEER4 $HOST4)" "[] 1"
for ns in peer left right late; do ip netns del $ns; done
