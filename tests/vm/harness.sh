#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 200
#
# The machine itself: the programs that the scenarios need are there and the servers serve.

. "$(dirname "$0")/lib.sh"

plan 19

missing=
for p in nginx redis-server redis-cli psql sshd ssh vsftpd apache2 python3 curl wrk ab nmap hping3 tcpreplay nft ip \
	socat \
	strace stress-ng ss jq tcpdump nano vi man tmux less; do
	command -v "$p" >/dev/null || missing="$missing $p"
done
is "all programs are there" "$missing" ""
check "scapy is there" python3 -c 'import scapy.packet'
is "root is what we are" "$(id -u)" 0
like "this is the patched kernel" "$(cat /sys/kernel/security/lsm)" '(^|,)kis(,|$)'

start_redis
is "redis stores" "$(redis-cli set a 1; redis-cli get a)" "$(printf 'OK\n1')"
is "redis serves on its unix socket" "$(redis-cli -s /run/redis.sock get a)" 1
stop_redis
check "redis has stopped" wait_for 10 tcp_closed 6379

start_nginx
like "nginx serves a file" "$(curl -s http://127.0.0.1/index.html)" 'it works'
is "php-fpm answers through nginx" "$(curl -s http://127.0.0.1/index.php)" "php 42"
like "nginx serves over IPv6" "$(curl -s 'http://[::1]/index.html')" 'it works'
stop_nginx

start_apache
like "apache serves" "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/)" '^(200|403)$'
stop_apache

start_postgres
is "postgresql counts" "$(runuser -u postgres -- psql -qAt -h 127.0.0.1 -c 'select 6 * 7')" 42
stop_postgres

start_vsftpd
is "vsftpd serves" "$(curl -s ftp://127.0.0.1/pub/hello)" hello
stop_vsftpd

start_sshd
is "sshd lets a key in" \
	"$(ssh -i "$WORK/id" \
	-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 echo in)" in
stop_sshd

like "man shows the page of kisctl" "$(man -l "$REPO/Documentation/kisctl.8" 2>&1)" 'kisctl . control the Kernel Immune System'
refuse "an unknown server is not started" "$REPO/qemu/servers" check nginx nosuch
servers='apache nginx postgresql redis sshd vsftpd'
# shellcheck disable=SC2086 # several names
said=$("$REPO/qemu/servers" start $servers)
is "the servers of a shell come up" "$(grep -c 'is up' <<<"$said")" 6 || diag "$said" "$(head -n 5 /run/start-*.log)"

check "network namespaces work" ip netns add kis-test
check "nftables works" nft add table inet kis-test
