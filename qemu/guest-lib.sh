# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Used inside the guest by PID 1 and by the runner of many scripts.

# end_processes KEEP…: ends every process but those of these ids and the one that carries the
# output to the host.
end_processes() {
	local sig p left keep=" $* ${KIS_CARRIER:-0} "
	for sig in TERM TERM KILL KILL; do
		left=0
		for p in /proc/[0-9]*; do
			p=${p#/proc/}
			case $keep in *" $p "*) continue ;; esac
			# Kernel threads and zombies have no executable.
			[ -e "/proc/$p/exe" ] || continue
			left=1
			kill -"$sig" "$p" 2>/dev/null
		done
		[ "$left" = 1 ] || return 0
		sleep 0.3
	done
}
