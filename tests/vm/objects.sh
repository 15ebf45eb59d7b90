#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# Ways around a cell's rules that change what a name stands for, or have somebody else do it. Each succeeds in the
# cell "free", which has no such rule, and is denied in the cell "held".

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-actor.sh"

RESULTS=$(python3 "$HERE/objects.py" count)
plan "$RESULTS"
cell_program
box=$WORK/box
mkdir -p "$box/secret" "$box/readable" "$box/write" "$box/learned" "$WORK/outside" "$WORK/root/usr/bin" "$WORK/learn" \
	"$WORK/loadable" "$WORK/loader"
echo key >"$box/secret/key"
echo word >"$box/readable/word"
cp "$(readlink -f /usr/bin/touch)" "$WORK/outside/tool"
mkdir "$WORK/groups"
mount -t cgroup2 none "$WORK/groups"
cp "$(readlink -f /usr/bin/touch)" "$WORK/loadable/tool"

# A root of the intruder's own, in which his tool has the path of one that may be executed.
cp "$(readlink -f /usr/bin/touch)" "$WORK/root/usr/bin/true"
for file in $(ldd /usr/bin/touch | grep -oE '/[^ ]+'); do
	mkdir -p "$WORK/root${file%/*}"
	cp "$(readlink -f "$file")" "$WORK/root$file"
done
mkdir -p "$WORK/root/mark"

printf '#!/bin/sh\n: >%s/helped\n' "$WORK" >"$WORK/helper"
chmod 755 "$WORK/helper"
files='"learn": false, "read": ["/usr", "/lib", "/lib64", "/etc", "/proc", "/dev", "'"$box/readable"'", "'"$WORK/loadable"'"],
	"write": ["/proc", "/sys", "/dev", "'"$box"'"], "exec": ["/usr", "/lib", "/lib64", "'"$WORK/loader"'"]'
calm='"window_ms": 60000, "tolerization": {"windows": 100000}, "danger_one": {"hold_ms": 1}'
harmless='"danger_two": {"hold_ms": 1, "deny": []}'
cells "$(cell_of free ', "files": {"learn": false}, "forbid": [], '"$calm"', '"$harmless")" \
	"$(cell_of held ', "files": {'"$files"'}, '"$calm"', "forbid": ["map_shared", "mknod", "sysctl"], '"$harmless")" \
	"$(cell_of endangered ', "files": {"learn": false}, "forbid": ["ptrace"], '"$calm"',
		"danger_two": {"hold_ms": 600000, "deny": ["usermode_helper"]}')" \
	"$(cell_of default ', "files": {"learn": false}, '"$calm"', '"$harmless")" \
	"$(cell_of still ', "files": {"learn": false}, '"$calm"', "forbid": ["map_exec"], '"$harmless")" \
	"$(cell_of learner ', "files": {"learn": true}, "window_ms": 100, "tolerization": {"windows": 90}, "forbid": [],
		"danger_one": {"hold_ms": 1}, '"$harmless")"
tap_of "$RESULTS" python3 "$HERE/objects.py" "$WORK"
