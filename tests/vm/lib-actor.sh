# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For scenarios whose work is done in Python by actors (see actor.py), on top of lib-kis.sh.

# The cell's program is a copy of the interpreter of its own: no other program of the machine is ever one.
# shellcheck disable=SC2034 # for scenarios
cell_program() {
	chmod 755 "$WORK"
	cp "$(readlink -f /usr/bin/python3)" "$WORK/python"
	PROGRAM=$WORK/python
}

# cell_of NAME [KEYS]: a cell of the actors with the tag NAME; more keys of it as JSON, each with a comma in front.
cell_of() {
	printf '{"name": "%s", "program": "%s", "arguments": "*/actor.py %s *"%s}' "$1" "$PROGRAM" "$1" "${2:-}"
}

# Nothing but signatures is judged, and danger two denies nothing.
# shellcheck disable=SC2034 # for scenarios
ONLY_SIGNATURES=', "files": {"learn": false}, "forbid": [], "window_ms": 60000, "tolerization": {"windows": 100000},
	"danger_one": {"hold_ms": 1}, "danger_two": {"hold_ms": 1, "deny": []}'

# raw_network: a network namespace for a peer who has a TCP of his own (rawtcp.py): its kernel does not answer.
# The peer's own resets have one more flag.
raw_network() {
	ip netns add guest
	ip link add kis0 type veth peer name kis1 netns guest
	ip addr add 10.77.0.1/24 dev kis0
	ip link set kis0 up
	ip -n guest addr add 10.77.0.2/24 dev kis1
	ip -n guest link set kis1 up
	ip -n guest link set lo up
	ip netns exec guest nft -f - <<-'NFT'
		table ip mute {
			chain out { type filter hook output priority 0; tcp flags & (rst | psh) == rst drop; }
		}
	NFT
}
