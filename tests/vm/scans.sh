#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# Scans: real packets from a network namespace behind a veth, over IPv4 and IPv6. The guest has no
# nmap: scans.py sends what that sends.
#
#   peer 10.79.0.2, fd79::2 ──── veth ──── 10.79.0.1, .101 to .140, fd79::1 host

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

plan 52

HOST4=10.79.0.1 HOST6=fd79::1 PEER6=fd79::2

in_peer() { ip netns exec peer "$@"; }
ip netns add peer
ip link add kiss0 type veth peer name kiss1 netns peer
ip addr add $HOST4/16 dev kiss0
ip addr add $HOST6/64 dev kiss0 nodad
for n in $(seq 101 140); do ip addr add 10.79.0."$n"/16 dev kiss0; done
in_peer ip addr add $PEER6/64 dev kiss1 nodad
ip link set kiss0 up
in_peer ip link set kiss1 up
in_peer ip link set lo up
ip link set lo up
# Each scan has a source of its own: what one has done says nothing of another.
for n in $(seq 2 60); do in_peer ip addr add 10.79.1."$n"/16 dev kiss1; done

scan() { in_peer python3 -IS "$HERE/scans.py" "$@" 2>&1 | sed 's/^/# packets: /'; }
# scans SINCE SOURCE: kind and whether it may be forged, of each scan of a source that was told.
scans() {
	records "$1" "select(.event_type == \"kis_scan\" and .src_ip == \"$2\" and .scan.again == false)
		| [.scan.kind, .scan.spoofable]" | tr '\n' ' '
}
told_of() { [ -n "$(scans "$1" "$2")" ]; }
total() { count "$1" 'select(.event_type == "kis_scan")'; }
scan_cells() {
	printf '{"version": 1, "cells": [{"name": "sleep", "program": "/usr/bin/sleep"}]%s}\n' "$1" >"$WORK/cells.json"
	kisctl cell load "$WORK/cells.json" >"$WORK/load.out" 2>&1 || bail "refused: $(cat "$WORK/load.out")"
}
# Accepts on port 7790, and 100 ports from 7800 on, whatever comes.
cat >"$WORK/server.py" <<'END'
import select, socket
all = [socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=1000)
       for port in [7790, *range(7800, 7900)]]
while True:
    for s in select.select(all, [], [])[0]:
        s.accept()[0].close()
END
python3 -IS "$WORK/server.py" &
wait_port 7899

# connects FROM TO FIRST COUNT TIMES: connections to so many ports, each so often.
cat >"$WORK/client.py" <<'END'
import socket, sys
source, to, first, count, times = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
for _ in range(times):
    for port in range(first, first + count):
        try:
            socket.create_connection((to, port), 5, (source, 0)).close()
        except OSError:
            pass
END
connects() { in_peer python3 -IS "$WORK/client.py" "$@"; }
pinged() { in_peer ping -n -q -c 1 -W 0.5 -I "$1" "$2" >/dev/null 2>&1; }
wait_for "$LIMIT" pinged 10.79.1.2 $HOST4
wait_for "$LIMIT" pinged $PEER6 $HOST6

# --- control: nobody looks

scan_cells ''
since=$(newest)
scan syn 10.79.1.2 $HOST4 1 200
scan udp 10.79.1.2 $HOST4 1 200
is "control: without the key nothing is told" "$(total "$since")" 0

# --- the kinds

scan_cells ', "scans": {}'
at=10
for kind in syn fin null xmas ack maimon flags syn-ack udp; do
	source=10.79.1.$at at=$((at + 1))
	since=$(newest)
	scan $kind $source $HOST4 1000 60
	check "$kind: it is told" wait_for "$LIMIT" told_of "$since" $source
	is "$kind: as what it is, once" "$(scans "$since" $source)" "[\"${kind//-/_}\",true] "
done
is "its numbers" "$(records "$since" "select(.src_ip == \"$source\" and .scan.again == false)
	| [.dest_ip, .proto, .scan.horizon_s, .scan.targets >= 16, .scan.probes <= 24, .scan.ports[0], .action]")" \
	"[\"$HOST4\",\"UDP\",10,true,true,1000,\"none\"]"
id=$(kisctl --json alerts --type scan --since "$since" | jq -r .id | head -n 1)
like "explain says it" "$(kisctl explain "$id" | tr '\n' ' ')" 'It was a UDP scan.*somebody else may have sent this'
like "and so does the list" "$(kisctl alerts --type scan --since "$since")" 'UDP scan: 1[6-9] targets in 10 s, ports 1000'
is "as EVE" "$(kisctl alerts --format eve --type scan --since "$since" | jq -c '[.event_type, .alert.gid, .alert.signature_id]' |
	sort -u)" '["alert",75,4009]'

since=$(newest)
scan sweep 10.79.1.20 10.79.0.101 23 40
check "one port of forty addresses: it is told" wait_for "$LIMIT" told_of "$since" 10.79.1.20

since=$(newest)
scan syn $PEER6 $HOST6 1000 60
check "IPv6, SYN: it is told" wait_for "$LIMIT" told_of "$since" $PEER6
since=$(newest)
scan udp $PEER6 $HOST6 1000 60
check "IPv6, UDP: it is told too" wait_for "$LIMIT" told_of "$since" $PEER6

# A connect scan of a network where a port is open: the address is its own.
since=$(newest)
connects 10.79.1.21 $HOST4 7790 1 1
connects 10.79.1.21 $HOST4 1000 60 1
check "a connect scan: it is told" wait_for "$LIMIT" told_of "$since" 10.79.1.21
is "a connect scan: after a handshake it is not forged" "$(scans "$since" 10.79.1.21)" '["syn",false] '
since=$(newest)
scan syn 10.79.1.22 $HOST4 7789 2
scan syn 10.79.1.22 $HOST4 1000 60
wait_for "$LIMIT" told_of "$since" 10.79.1.22
is "a SYN scan that found the open port has completed none" "$(scans "$since" 10.79.1.22)" '["syn",true] '

# Decoys: a dozen sources at once.
since=$(newest)
scan decoys 10.79.1.30 $HOST4 1000 12
all_decoys() { [ "$(records "$since" 'select(.scan and .scan.again == false) | .src_ip' | sort -u | wc -l)" = 12 ]; }
check "decoys: each of twelve is told" wait_for "$LIMIT" all_decoys

# Slow, as far as a test can wait: 30 targets in ten minutes are enough of them, 15 in ten seconds are not.
since=$(newest)
scan syn 10.79.1.23 $HOST4 1000 36 0.7
check "36 ports in 25 seconds: it is told" wait_for "$LIMIT" told_of "$since" 10.79.1.23
is "over ten minutes" "$(records "$since" 'select(.src_ip == "10.79.1.23") | .scan.horizon_s')" 600

# --- what is no scan

since=$(newest)
connects 10.79.1.50 $HOST4 7790 1 300
connects 10.79.1.51 $HOST4 7800 100 2
connects 10.79.1.52 $HOST4 7000 1 300
connects 10.79.1.53 $HOST4 2000 10 30
scan udp 10.79.1.54 $HOST4 33434 90
scan ack 10.79.1.55 $HOST4 40000 200
scan syn-ack 10.79.1.56 $HOST4 50000 200
scan syn 10.79.1.57 $HOST4 7800 100
python3 -IS "$WORK/client.py" 127.0.0.1 127.0.0.1 1000 60 1
python3 -IS "$WORK/client.py" $HOST4 $HOST4 1000 60 1
scan syn 10.79.1.58 $HOST4 1000 60
wait_for "$LIMIT" told_of "$since" 10.79.1.58
for name in '50: 300 connections to one port' '51: connections to a hundred open ports' \
	'52: 300 tries at a port where nobody listens' '53: ten closed ports, again and again' '54: traceroute' \
	'55: what is left of connections' '56: late answers' '57: SYN to open ports'; do
	is "no scan: ${name#*: }" "$(scans "$since" 10.79.1."${name%%:*}")" ""
done
# Answers to connections of the host's own, from low ports, and a socket that early demux does not name.
in_peer python3 -IS "$WORK/server.py" &
cat >"$WORK/own.py" <<'END'
import socket, sys
here, there, first = sys.argv[1], sys.argv[2], int(sys.argv[3])
print(sum(1 for port in range(first, first + 40)
          if not socket.create_connection((there, 7790), 5, (here, port)).close()))
END
own() { python3 -IS "$WORK/own.py" $HOST4 10.79.1.60 "$1"; }
peer_serves() { in_peer python3 -IS -c 'import socket; socket.create_connection(("10.79.1.60", 7899), 1)'; }
wait_for "$LIMIT" peer_serves
is "no scan: answers to forty connections" "$(own 2000) $(scans "$since" 10.79.1.60)" "40 "
sysctl -qw net.ipv4.ip_early_demux=0
is "nor without early demux" "$(own 2100) $(scans "$since" 10.79.1.60)" "40 "
connects 10.79.1.59 $HOST4 7800 100 2
is "no scan: connections without early demux" "$(scans "$since" 10.79.1.59)" ""
connects 10.79.1.59 $HOST4 1000 60 1
wait_for "$LIMIT" told_of "$since" 10.79.1.59
is "without it a handshake counts as well" "$(scans "$since" 10.79.1.59)" '["syn",false] '
sysctl -qw net.ipv4.ip_early_demux=1
is "no scan: the host itself" "$(count "$since" "select(.scan and .src_ip == \"$HOST4\" or .src_ip == \"127.0.0.1\")")" 0

# --- bans

scan_cells ', "scans": {"ban_s": 600}'
kisctl mode observe >/dev/null
bans() { kisctl --json ban list | jq -c '[.bans[].address]'; }
since=$(newest)
connects 10.79.1.46 $HOST4 7790 1 1
connects 10.79.1.46 $HOST4 1000 40 1
wait_for "$LIMIT" told_of "$since" 10.79.1.46
is "observing: a ban is told and not done" \
	"$(records "$since" 'select(.scan and .scan.again == false) | [.action, .applied, .scan.ban_s]') $(bans)" '["ban",false,600] []'
kisctl mode enforce --force >/dev/null
since=$(newest)
scan syn 10.79.1.47 $HOST4 1000 60
wait_for "$LIMIT" told_of "$since" 10.79.1.47
is "who may be forged is not banned" \
	"$(records "$since" 'select(.scan and .scan.again == false) | [.action, .applied]') $(bans)" '["none",false] []'
since=$(newest)
connects 10.79.1.48 $HOST4 7790 1 1
scan syn 10.79.1.48 $HOST4 1000 60
wait_for "$LIMIT" told_of "$since" 10.79.1.48
is "who has completed a handshake is" \
	"$(records "$since" 'select(.scan) | [.action, .applied]') $(bans)" '["ban",true] ["10.79.1.48"]'
is "its packets are dropped, others' are not" \
	"$(pinged 10.79.1.48 $HOST4 && echo yes) $(pinged 10.79.1.49 $HOST4 && echo yes)" " yes"
kisctl ban del 10.79.1.48 >/dev/null

# --- off, and away

kisctl cell unload >/dev/null
since=$(newest)
scan syn 10.79.1.44 $HOST4 1000 100
is "without cells nobody looks" "$(total "$since")" 0
scan_cells ', "scans": {}'
scan syn 10.79.1.45 $HOST4 1000 10000 >"$WORK/flood" &
flood=$!
check "rmmod while packets come" rmmod kis
wait "$flood"
check "insmod" insmod "${KIS_KO:-/mnt/kis/kis.ko}"
kisctl mode observe >/dev/null
ip netns del peer
