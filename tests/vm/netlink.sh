#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 300
#
# The control family: with the kernel's own reader of its specification, and with messages that no
# tool would send.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

HELPER=100
plan $((18 + HELPER))

YNL=/mnt/kis/linux
SPEC=$REPO/Documentation/netlink/specs/kis.yaml

ynl() {
	python3 "$YNL/tools/net/ynl/pyynl/cli.py" --schema "$YNL/Documentation/netlink/genetlink.yaml" \
		--spec "${SPEC_USED:-$SPEC}" --output-json "$@"
}

# The schema check says no where it should.
check "the specification fits the kernel's schema" ynl --list-ops
sed \
	's/^    doc: State of the module\.$/    dok: State of the module./
	s/^protocol: genetlink$/protocol: telephone/' "$SPEC" >"$WORK/bad.yaml"
is "a specification with mistakes does not" "$(SPEC_USED=$WORK/bad.yaml ynl --list-ops 2>&1 | grep -c "not one of")" 1

is "ynl: status-get" "$(ynl --do status-get | jq -c '[.abi, .mode, .cells]')" '[3,"observe",0]'
kisctl mode enforce --force >/dev/null
cells '{"name": "ynl", "program": "/usr/bin/sleep", "bounds": {"execs": {"max": 3}}}'
is "ynl: cell-get" "$(ynl --dump cell-get | jq -c '[.[] | .name, .program]')" '["ynl","/usr/bin/sleep"]'
like "ynl shows why something is refused" "$(ynl --do profile-reset --json '{"cell": "nobody"}' 2>&1)" \
	'no cell of this name'
# What abi.rst prints, with the two places put in.
printed=$(sed -n '/^they are told where the kernel has it::$/,/^[^ ]*status-get/p' "$REPO/Documentation/abi.rst" |
	sed -n "s|^  ||; s|LINUX/|$YNL/|; s|KIS/|$REPO/|; /^cd\|^\.\./p")
is "abi.rst prints commands" "$(grep -c . <<<"$printed")" 3
check "they do as printed" bash -ec "$printed"
tap_of 9 python3 "$HERE/ynl.py" "$YNL" "$SPEC"
is "kisctl sees the mode that ynl has set" "$(status mode)" observe
is "kisctl sees the ban that ynl has added" "$(kisctl --json ban list | jq -c '[.bans[].address]')" '["192.0.2.7"]'
kisctl ban del 192.0.2.7 >/dev/null

tap_of "$HELPER" python3 "$HERE/netlink.py"
