# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For the scenarios in this directory: TAP output, waiting with a bound, and real servers.
#
#   . "$(dirname "$0")/lib.sh"
#   plan 2
#   start_redis
#   check "redis answers" redis-cli ping
#   refuse "a wrong password is refused" redis-cli -a wrong --no-auth-warning get x
#
# Diagnostics go to standard output as "# …". A scenario needs a control: the same attack with KIS
# off or observing must succeed, or the scenario proves nothing.

set -u
export LC_ALL=C.UTF-8

TAP_COUNT=0
TAP_PLAN=
TAP_FAILED=0
WORK=$(mktemp -d /tmp/kis-test.XXXXXX)
REPO=${REPO:-/mnt/kis/repo}
# What the helpers in Python share.
export PYTHONPATH=$REPO/tests/lib PYTHONDONTWRITEBYTECODE=1

# Every child goes when the scenario does.
tap_exit() {
	local status=$?
	trap - EXIT
	# shellcheck disable=SC2046 # a list of jobs
	kill $(jobs -p) 2>/dev/null
	if [ -n "$TAP_PLAN" ] && [ "$TAP_PLAN" != "$TAP_COUNT" ]; then
		echo "# $TAP_COUNT results, but $TAP_PLAN were planned"
		[ "$status" != 0 ] || status=1
	fi
	[ "$TAP_FAILED" = 0 ] || status=1
	exit "$status"
}
trap tap_exit EXIT

plan() {
	TAP_PLAN=$1
	echo "1..$1"
}

# skip_all REASON: nothing here can run on this machine.
skip_all() {
	TAP_PLAN=0 TAP_COUNT=0
	echo "1..0 # SKIP $*"
	exit 0
}

ok() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $*"
}

not_ok() {
	TAP_COUNT=$((TAP_COUNT + 1))
	TAP_FAILED=$((TAP_FAILED + 1))
	echo "not ok $TAP_COUNT - $*"
}

# skip NAME REASON
skip() {
	TAP_COUNT=$((TAP_COUNT + 1))
	echo "ok $TAP_COUNT - $1 # SKIP ${2:-}"
}

bail() {
	echo "Bail out! $*"
	exit 1
}

diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# check NAME CMD…: ok if CMD succeeds; its output is shown only if it does not.
check() {
	local name=$1 status=0
	shift
	"$@" >"$WORK/check.out" 2>&1 </dev/null || status=$?
	if [ "$status" = 0 ]; then
		ok "$name"
	else
		not_ok "$name"
		diag "status $status: $*"
		tail -n 15 "$WORK/check.out" | sed 's/^/#   /'
	fi
	return "$status"
}

# refuse NAME CMD…: ok if CMD fails (but not when it cannot be run at all, or hangs).
refuse() {
	local name=$1 status=0
	shift
	timeout 30 "$@" >"$WORK/check.out" 2>&1 </dev/null || status=$?
	case $status in
	0 | 124 | 126 | 127)
		not_ok "$name"
		diag "status $status, wanted a failure: $*"
		tail -n 15 "$WORK/check.out" | sed 's/^/#   /'
		return 1
		;;
	*) ok "$name" ;;
	esac
}

# is NAME GOT WANT
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "got:    $2"
		diag "wanted: $3"
		return 1
	fi
}

# like NAME GOT REGEX
like() {
	if grep -qE -- "$3" <<<"$2"; then
		ok "$1"
	else
		not_ok "$1"
		diag "got:           $(head -c 600 <<<"$2")"
		diag "wanted a match: $3"
		return 1
	fi
}

# wait_for SECONDS CMD…: until CMD succeeds; fails when the time is over.
wait_for() {
	local end=$((SECONDS + $1 + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# On an emulated machine everything takes longer; on the debug kernel much longer.
export SLOW=1
[ "${KIS_KERNEL:-release}" != debug ] || SLOW=4
START_LIMIT=$((20 * SLOW))

tcp_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
tcp_closed() { ! tcp_open "$1"; }

wait_port() { wait_for "$START_LIMIT" tcp_open "$1" || bail "nothing listens on port $1"; }

# --- servers: Debian's own, started by hand (there is no systemd), stopped with stop_*

# start_redis [LINE…]: more lines for its configuration. As root, like the installations that the
# redis worms lived on.
start_redis() {
	mkdir -p /var/lib/redis /var/log/redis /etc/redis
	{
		printf '%s\n' 'bind 127.0.0.1 -::1' 'port 6379' 'daemonize no' 'dir /var/lib/redis' \
			'logfile /var/log/redis/redis.log' 'save ""' 'appendonly no' 'enable-protected-configs yes' \
			'protected-mode no' 'unixsocket /run/redis.sock' "$@"
	} >/etc/redis/kis.conf
	rm -f /var/log/redis/redis.log
	redis-server /etc/redis/kis.conf >/dev/null 2>&1 &
	REDIS_PID=$!
	wait_for "$START_LIMIT" redis-cli ping ||
		bail "redis did not start: $(tail -n 3 /var/log/redis/redis.log 2>/dev/null)"
}

stop_redis() {
	kill "$REDIS_PID" 2>/dev/null
	wait "$REDIS_PID" 2>/dev/null
}

# start_nginx: http on port 80, *.php through php-fpm, files from /var/www/kis.
start_nginx() {
	local sock=/run/php/kis.sock fpm
	fpm=$(command -v php-fpm || find /usr/sbin -name 'php-fpm*' | head -n 1)
	mkdir -p /var/www/kis /run/php /var/log/nginx
	[ -e /var/www/kis/index.html ] || echo '<h1>it works</h1>' >/var/www/kis/index.html
	[ -e /var/www/kis/index.php ] || printf '%s\n' '<?php echo "php ", 6 * 7, "\n";' >/var/www/kis/index.php
	cat >"$WORK/fpm.conf" <<-CONF
		[global]
		error_log = /var/log/php-fpm.log
		[www]
		user = www-data
		group = www-data
		listen = $sock
		listen.owner = www-data
		pm = static
		pm.max_children = 4
	CONF
	"$fpm" -F -y "$WORK/fpm.conf" >/dev/null 2>&1 &
	FPM_PID=$!
	cat >/etc/nginx/kis.conf <<-CONF
		user www-data;
		worker_processes 2;
		pid /run/nginx.pid;
		error_log /var/log/nginx/error.log;
		daemon off;
		events { worker_connections 512; }
		http {
			include /etc/nginx/mime.types;
			access_log /var/log/nginx/access.log;
			server {
				listen 80 default_server;
				listen [::]:80 default_server;
				root /var/www/kis;
				index index.php index.html;
				location ~ \.php\$ {
					include /etc/nginx/snippets/fastcgi-php.conf;
					fastcgi_pass unix:$sock;
				}
			}
		}
	CONF
	nginx -c /etc/nginx/kis.conf >"$WORK/nginx.out" 2>&1 &
	NGINX_PID=$!
	wait_for "$START_LIMIT" tcp_open 80 || bail "nginx did not start: $(head -n 3 "$WORK/nginx.out")"
	wait_for "$START_LIMIT" test -S "$sock" || bail "php-fpm did not start"
}

stop_nginx() {
	kill "$NGINX_PID" "$FPM_PID" 2>/dev/null
	wait "$NGINX_PID" "$FPM_PID" 2>/dev/null
}

start_apache() {
	mkdir -p /var/log/apache2 /run/apache2 /run/lock
	sed -i "s/^Listen 80\$/Listen 8080/" /etc/apache2/ports.conf
	apache2ctl -k start >/dev/null 2>&1
	wait_port 8080
}

stop_apache() { apache2ctl -k stop >/dev/null 2>&1; }

# start_postgres: the cluster that Debian's package made; psql as user postgres.
start_postgres() {
	PG_BIN=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort | tail -n 1)
	PG_DATA=/var/lib/postgresql/kis
	mkdir -p /run/postgresql /var/lib/postgresql
	chown postgres: /run/postgresql /var/lib/postgresql
	[ -e "$PG_DATA/PG_VERSION" ] ||
		runuser -u postgres -- "$PG_BIN/initdb" -D "$PG_DATA" -A trust -N --no-locale \
			>"$WORK/initdb.out" 2>&1 ||
		bail "initdb failed: $(tail -n 1 "$WORK/initdb.out")"
	(cd / && exec runuser -u postgres -- "$PG_BIN/postgres" -D "$PG_DATA" -k /run/postgresql -c fsync=off) \
		>/var/log/postgres.log 2>&1 &
	# shellcheck disable=SC2034 # for scenarios
	PG_PID=$!
	wait_for $((START_LIMIT * 2)) runuser -u postgres -- psql -qAt -h /run/postgresql -c 'select 1' ||
		bail "postgresql did not start: $(tail -n 3 /var/log/postgres.log)"
}

stop_postgres() {
	runuser -u postgres -- "$PG_BIN/pg_ctl" -D "$PG_DATA" -m fast stop >/dev/null 2>&1
}

# start_vsftpd [LINE…]: anonymous FTP below /srv/ftp.
start_vsftpd() {
	mkdir -p /srv/ftp/pub /var/run/vsftpd/empty
	[ -e /srv/ftp/pub/hello ] || echo hello >/srv/ftp/pub/hello
	printf '%s\n' listen=YES listen_ipv6=NO background=NO anonymous_enable=YES anon_root=/srv/ftp \
		local_enable=YES write_enable=YES seccomp_sandbox=NO secure_chroot_dir=/var/run/vsftpd/empty "$@" \
		>"$WORK/vsftpd.conf"
	vsftpd "$WORK/vsftpd.conf" >/dev/null 2>&1 &
	VSFTPD_PID=$!
	wait_port 21
}

stop_vsftpd() {
	kill "$VSFTPD_PID" 2>/dev/null
	wait "$VSFTPD_PID" 2>/dev/null
}

# start_sshd: port 22; root may log in with the key $WORK/id (ssh -i "$WORK/id" root@127.0.0.1).
start_sshd() {
	mkdir -p /run/sshd
	ssh-keygen -q -A >/dev/null 2>&1
	ssh-keygen -q -t ed25519 -N '' -f "$WORK/id"
	mkdir -p "$WORK/keys"
	cp "$WORK/id.pub" "$WORK/keys/authorized"
	/usr/sbin/sshd -D -o "AuthorizedKeysFile=.ssh/authorized_keys $WORK/keys/authorized" \
		-o StrictModes=no -o UsePAM=no \
		-o PermitRootLogin=yes >/dev/null 2>&1 &
	SSHD_PID=$!
	wait_port 22
}

stop_sshd() {
	kill "$SSHD_PID" 2>/dev/null
	wait "$SSHD_PID" 2>/dev/null
}
