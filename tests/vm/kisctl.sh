#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_TIMEOUT: 150
#
# kisctl as a person and a script meet it: exit codes, the names in its JSON, profiles that travel,
# and files that are no good.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"
. "$(dirname "$0")/lib-worker.sh"

plan 145

told_control() { records "$since" 'select(.event_type == "kis_control") | '"$1"; }
# words WORD…: all of them in one line.
words() { echo "$*"; }
# keys FILTER ARGUMENT…: the names of the JSON object (or of what FILTER makes of it), in a line.
keys() {
	local filter=$1
	shift
	kisctl --json "$@" </dev/null | jq -r "$filter | keys_unsorted | sort | join(\" \")"
}
as_nobody() { setpriv --reuid nobody --regid nogroup --clear-groups --bounding-set=-all "$@"; }

mkdir -p "$WORK/home"
chmod 755 "$WORK"
worker alpha
worker beta
cell() {
	echo \
		'{"name": "'"$1"'", "program": "'"$PYTHON"'", "arguments": "*/worker.py '"$2"'",
		"window_ms": 100, "tolerization": {"windows": '"$3"'}, "mode": "observe"}'
}
# Long enough for a slow machine to see alpha learning before it is ready.
windows=$((20 * SLOW))
cells "$(cell alpha alpha $windows)" "$(cell beta beta 100000)"
sigs '{"id": 7, "revision": 2, "type": 1, "message": "seven", "pattern": "SEVEN", "cell": "alpha"}' \
	'{"id": 8, "type": 2, "message": "eight", "pattern": "EIGHT"}'
kisctl ban add 192.0.2.1 --ttl 86400 >/dev/null
check "a cell becomes ready" wait_for "$LIMIT" is_ready alpha

# --- exit codes

code 0 '^$' kisctl
code 0 '^$' kisctl status
code 0 '^$' kisctl doctor
code 0 '^$' kisctl limits
code 0 '^$' kisctl --version
code 0 '^$' kisctl --help
code 0 '^$' kisctl cell show alpha
code 1 'No such|not JSON|version|expected' kisctl cell load "$WORK/load.out"
code 2 'unrecognized|Usage' kisctl nonsense
code 2 'Usage' kisctl cell load
code 2 'possible values|invalid value' kisctl mode sleep
code 2 'only a cell' kisctl mode inherit
code 2 'follow' kisctl alerts --timeout 1
code 3 'no such cell|no cell of this name' kisctl cell show nobody
code 3 'no such cell|no cell of this name' kisctl profile show nobody
code 3 'no such cell|no cell of this name' kisctl profile reset nobody
code 3 'no such cell|no cell of this name' kisctl mode enforce --cell nobody
code 3 'no such cell' kisctl watch --once --cell nobody
code 3 'not in the ring' kisctl explain 999999999
code 3 'not banned' kisctl ban del 192.0.2.2
code 3 'No such file' kisctl cell load "$WORK/none.json"
code 3 'No such file' kisctl profile import alpha "$WORK/none"
code 1 '' kisctl alerts --new --count 1 --timeout 1
code 0 '^$' as_nobody kisctl status
code 4 '' as_nobody kisctl cell list
code 4 '' as_nobody kisctl mode enforce
code 4 '' as_nobody kisctl ban add 192.0.2.3
code 4 '' as_nobody kisctl cell unload
code 4 'root' as_nobody kisctl alerts
code 4 '' as_nobody kisctl profile export alpha
is "what was not permitted was not done" "$(status mode) $(status bans) $(status cells)" "observe 1 2"

# --- the names in the JSON

is "status has its names" "$(keys . status)" \
	"$(words abi bans cells counts_lost denied dropped generation killed lost_alerts lost_telemetry mode records \
		schema_version signatures ticker_ns ticks uptime_ns)"
is "no command is status" "$(kisctl --json | jq -c '[.abi, .cells, .signatures, .bans]')" '[3,2,2,1]'
is "doctor has its names" \
	"$(keys . doctor) $(kisctl --json doctor | jq -c '[.can_run, ([.checks[].result] | unique)]')" \
	'can_run checks schema_version [true,["ok"]]'
is "cell list has its names" "$(keys '.cells[0]' cell list)" \
	"$(words arguments danger danger_one_ms danger_two_ms denied id items killed matches mode name names_bytes phase \
		processes program starts tolerization window_ms windows windows_needed would_deny would_kill)"
is "cell list tells what was loaded" \
	"$(kisctl --json cell list |
	jq -c '[.cells[] | [.id, .name, .program, .arguments, .mode, .window_ms, .windows_needed]]')" \
	"$(jq -nc --arg python "$PYTHON" '[[1, "alpha", $python, "*/worker.py alpha", "observe", 100, '$windows'],
		[2, "beta", $python, "*/worker.py beta", "observe", 100, 100000]]')"
is "profile show has its names" "$(keys . profile show alpha), $(keys '.params[0]' profile show alpha)" \
	"$(words budget cell classes items kept_out load names_bytes params phase schema_version starts sums \
		windows windows_needed, bound deviation mean median minimum n observed p90 p99 param peak rises start_peak \
		threshold_one threshold_two threshold_two_at_ten_times_the_load unit)"
is "a class has its names" "$(keys '.classes[0]' profile show alpha)" \
	"$(words class discoveries items kept_out lost mild per_day state twice windows)"
tell beta "read('/etc/hostname')" >/dev/null
is "an item has its names" "$(keys '.repertoire[0]' profile show beta --items)" \
	"$(words class count domain first item last starts windows)"
is "the items are as many as are counted" \
	"$(kisctl --json profile show beta --items | jq '.repertoire | length')" "$(of_cell beta items)"
is "ready has its names" "$(keys . ready beta)" \
	"$(words alarms_one_per_day alarms_two_per_day cell idle_percent kept_out missing per_day per_day_mild ready \
		schema_version tried_one tried_two tried_windows warnings)"
is "review has its names" "$(keys . review alpha)" "$(words accepted cell groups ignored schema_version)"
code 1 'is not ready: it still learns' kisctl mode enforce --cell beta
code 1 '^$' kisctl ready beta
is "sig list tells what was loaded" \
	"$(kisctl --json sig list | jq -c '[.signatures[] | [.id, .revision, .type, .message, .cell, .hits]]')" \
	'[[7,2,1,"seven","alpha",0],[8,1,2,"eight",null,0]]'
is "ban list tells who is banned" "$(keys '.bans[0]' ban list) $(kisctl --json ban list | jq -c '.bans | length')" \
	"address dropped ttl_ms 1"
is "cell check has its names" "$(keys . cell check "$WORK/cells.json")" \
	"cells file image_bytes loaded schema_version valid warnings"
is "limits are those of kis.h" \
	"$(kisctl --json limits | jq -c '[.limits | .. | numbers] | contains([32, 4096, 256, 1024])')" true
is "every object has a version" \
	"$(for c in status doctor limits 'cell list' 'cell show alpha' 'profile show alpha' 'sig list' 'ban list' \
	'watch --once'; do
	# shellcheck disable=SC2086 # several arguments
	kisctl --json $c | jq .schema_version
done | sort | uniq -c | xargs)" "9 2"
since=$(newest)
kisctl mode enforce --cell beta --force >/dev/null
like "an alert has its names" "$(told_control 'keys_unsorted | join(" ")')" \
	"^\"$(words schema_version id time mono_ns boot_id event_type cell cell_id generation pid tid uid start_ns \
		comm signal cause op action applied mode phase danger_one danger_two kept_out command value)\"$"
is "an alert tells what was done, and where" "$(told_control '[.event_type, .command, .cell, .value, .uid]')" \
	'["kis_control","mode_set","beta",1,0]'
is "the boot is this one" "$(told_control .boot_id)" "\"$(cat /proc/sys/kernel/random/boot_id)\""
is "the mode is the cell's alone" "$(status mode) $(of_cell alpha mode) $(of_cell beta mode)" \
	"observe observe enforce"
id=$(told_control .id)
is "alerts --count gives the newest" "$(kisctl --json alerts --count 1 | jq .id)" "$id"
is "alerts --cell gives those of a cell" \
	"$(kisctl --json alerts --cell beta --since "$since" |
	jq .id) $(kisctl --json alerts --cell alpha --since "$since" | jq .id)" "$id "
is "telemetry comes when it is asked for" \
	"$(kisctl --json alerts | jq -r .event_type | grep -c kis_window) $(kisctl --json alerts --telemetry |
	jq -r .event_type | grep -q kis_window && echo there)" "0 there"

# --- for people

like "status speaks" "$(kisctl status)" '^cells +2$'
like "doctor speaks" "$(kisctl doctor)" '^ok +module +kis.ko is loaded and answers'
like "cell list speaks" "$(kisctl cell list)" '^ *(1 +)?alpha +ready'
like "cell show speaks" "$(kisctl cell show alpha)" 'rss_kib'
like "explain speaks" "$(kisctl explain "$id")" 'enforce'
like "explain in JSON has the sentences and the record" \
	"$(kisctl --json explain "$id" | jq -c '[.id, .event_type, (.explanation | length > 20)]')" \
	"^\[$id,\"kis_control\",true\]$"
like "watch --once prints a table with bars" "$(kisctl watch --once --cell alpha)" 'rss_kib.*\[[#.|]+\]'
like "watch says who still learns" "$(kisctl watch --once --cell beta)" 'rss_kib.*learning'
is "watch in JSON has the cells with all parameters" \
	"$(kisctl --json watch --once | jq -c '[.mode, [.cells[].name], [.cells[].params | length]]')" \
	'["observe",["alpha","beta"],[13,13]]'
is "no colours for a pipe" "$(for c in status 'cell list' 'watch --once' doctor; do
	# shellcheck disable=SC2086 # several arguments
	kisctl $c
done | grep -c $'\e')" 0

# --- files that are no good change nothing

state() {
	kisctl --json status | jq -c '[.generation, .cells, .signatures, .bans, .mode]'
	kisctl --json sig list | jq -c '[.signatures[].id]'
	kisctl --json cell list | jq -c '[.cells[] | .name, .phase]'
}
before=$(state)
bad() {
	local kind=$1 name=$2 text=$3
	cat >"$WORK/bad.json"
	code 1 "$text" kisctl "$kind" load "$WORK/bad.json"
	[ "$(state)" = "$before" ] || diag "state: $(state), was $before"
	is "nothing has changed: $name" "$(state)" "$before"
}
bad cell "no JSON" 'bad.json:2:1: not JSON' <<<'{"version": 1, "cells": ['
bad cell "empty" 'bad.json:1:' </dev/null
bad cell "unknown key" 'bad.json:1:.*/cells/0.*colour' \
	<<<'{"version": 1, "cells": [{"name": "a", "program": "/bin/x", "colour": 1}]}'
bad cell "key twice" 'bad.json:1:.*given before' \
	<<<'{"version": 1, "cells": [{"name": "a", "name": "b", "program": "/bin/x"}]}'
bad cell "bad value" 'bad.json:1:.*/cells/0/window_ms.*100' \
	<<<'{"version": 1, "cells": [{"name": "a", "program": "/bin/x", "window_ms": 99}]}'
bad cell "relative program" 'bad.json:1:.*/cells/0/program' \
	<<<'{"version": 1, "cells": [{"name": "a", "program": "bin/x"}]}'
bad cell "name twice" 'bad.json:1:.*/cells/1/name' \
	<<<'{"version": 1, "cells": [{"name": "a", "program": "/bin/x"}, {"name": "a", "program": "/bin/y"}]}'
bad cell "257 cells" 'bad.json:1:.*256' \
	< <(jq -nc '{version: 1, cells: [range(257) | {name: "c\(.)", program: "/bin/x\(.)"}]}')
bad cell "signatures for cells" 'bad.json:1:' <"$WORK/sigs.json"
bad cell "two below one" 'bad.json:1:.*thresholds' \
	<<<'{"version": 1, "cells": [{"name": "a", "program": "/bin/x", "thresholds": {"one": 4, "two": 3}}]}'
bad sig "bad pattern" 'bad.json:1:.*/signatures/0/pattern' \
	<<<'{"version": 1, "signatures": [{"id": 1, "type": 1, "message": "m", "pattern": "a("}]}'
bad sig "matches nothing" 'bad.json:1:.*/signatures/0/pattern' \
	<<<'{"version": 1, "signatures": [{"id": 1, "type": 1, "message": "m", "pattern": "a*"}]}'
bad sig "id twice" 'bad.json:1:.*/signatures/1/id' \
	< <(jq -nc '{version: 1, signatures: ["a", "b"] | map({id: 1, type: 1, message: "m", pattern: .})}')
bad sig "type 3" 'bad.json:1:.*/signatures/0/type' \
	<<<'{"version": 1, "signatures": [{"id": 1, "type": 3, "message": "m", "pattern": "a"}]}'
bad sig "binary" 'bad.json' < <(head -c 4096 "$PYTHON")
code 1 '' kisctl --json cell check "$WORK/bad.json"
is "check tells the faults in JSON" \
	"$(jq -c '[.valid, (.errors | length > 0), (.errors[0] | keys)]' "$WORK/code.out")" \
	'[false,true,["column","file","line","message","next","pointer"]]'
is "--dry-run changes nothing" "$(kisctl --json cell load --dry-run "$WORK/cells.json" | jq .loaded) $(state)" \
	"false $before"

# --- profiles travel

learned() {
	kisctl --json profile show "$1" | jq -c '[.phase, .windows, .items,
		[.params[] | [.mean, .deviation, .peak, .n, .threshold_one, .threshold_two]]]'
}
alpha=$(learned alpha)
check "export" kisctl profile export alpha "$WORK/alpha.profile"
is "export to a pipe is the same" "$(kisctl profile export alpha | cmp - "$WORK/alpha.profile" && echo same)" same
is "export in JSON is the same" \
	"$(kisctl --json profile export alpha | jq -r .image_base64 | base64 -d | cmp - "$WORK/alpha.profile" &&
	echo same)" same
kisctl profile reset alpha >/dev/null
is "after a reset it learns anew" "$(kisctl --json profile show alpha | jq -c "[.phase, .windows < $windows]")" \
	'["learning",true]'
is "--dry-run imports nothing" \
	"$(kisctl --json profile import --dry-run alpha "$WORK/alpha.profile" |
	jq -c '[.loaded, .windows, .phase]') $(of_cell alpha phase)" "[false,$windows,\"ready\"] learning"
since=$(newest)
check "import" kisctl profile import alpha "$WORK/alpha.profile"
is "it is what it was" "$(learned alpha)" "$alpha"
is "the phase is told" \
	"$(records "$since" 'select(.event_type == "kis_phase" and .cell == "alpha") | [.value, .cause]' |
	tail -n 1)" '[1,"officer"]'
is "export after import is the same" "$(kisctl profile export alpha | cmp - "$WORK/alpha.profile" && echo same)" same
is "the profile and its file do not differ" \
	"$(kisctl --json profile diff alpha "$WORK/alpha.profile" | jq -c '[.same, .only_a, .params]')" '[true,[],[]]'
code 1 'it is of cell "alpha"' kisctl profile import beta "$WORK/alpha.profile"
code 1 'it is of cell "alpha"' kisctl profile import --dry-run beta "$WORK/alpha.profile"
is "nothing was imported" "$(of_cell beta phase)" learning
check "import for another cell by force" kisctl profile import --force beta "$WORK/alpha.profile"
is "that has learned the same then" "$(learned beta)" "$alpha"

# Accepted items are of the self, and told.
since=$(newest)
check "an item is accepted" kisctl profile accept beta --class write --domain root '/srv/a\\b/log.1'
is "it is there in its general form" \
	"$(kisctl --json profile show beta --class write | jq -c '[.repertoire[] | select(.item | startswith("/srv/")) |
	[.domain, .item]]')" '[["root","/srv/a\\\\b/log.#"]]'
is "that is told" "$(told_control '[.command, .cell, .class, .domain, .item]')" \
	'["profile_accept","beta","write","root","/srv/a\\\\b/log.#"]'
check "what is known can be accepted again" kisctl profile accept beta --class write --domain root '/srv/a\\b/log.2'
code 2 'it is no absolute path' kisctl profile accept beta --class write --domain root srv
code 2 'possible values' kisctl profile accept beta --class places --domain root /srv
code 3 'no such cell|no cell of this name' kisctl profile accept nobody --class write --domain root /srv
code 3 'not in the ring' kisctl profile accept beta --alert 999999999
code 1 'not about something new' kisctl profile accept beta --alert "$(told_control .id | tail -n 1)"

# Corrupt images: kisctl refuses them, and so does the kernel when nobody has looked before it.
kisctl profile reset beta >/dev/null
cat >"$WORK/corrupt.py" <<'END'
import subprocess, sys
from kis import Netlink
good = open(sys.argv[1], "rb").read()
images = [good[:n] for n in (0, 1, 23, len(good) // 2, len(good) - 1)] + [good + b"x", good * 2]
images += [good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :] for at in range(0, len(good), 7) for bit in (1, 128)]
nl = Netlink()
through_kisctl = through_kernel = 0


def commits(image):
    begun = nl.do("image-begin", kind=2, size=len(image), cell="beta", force=1)
    if begun.error:
        return False
    token = nl.unpack("image", begun.replies[0])["token"]
    nl.do("image-data", token=token, offset=0, data=image)
    return nl.do("image-commit", token=token).error == 0


for i, image in enumerate(images):
    if i < 7 or i % 20 == 0:
        done = subprocess.run(["kisctl", "profile", "import", "--force", "beta", "-"], input=image, capture_output=True)
        through_kisctl += done.returncode != 1 or b"not a profile" not in done.stderr
    through_kernel += commits(image)
print(len(images) > 100, through_kisctl, through_kernel, commits(good))
END
is "corrupt images are refused by kisctl and by the kernel" \
	"$(python3 "$WORK/corrupt.py" "$WORK/alpha.profile" 2>&1)" "True 0 0 True"
is "control: the good one is in force" "$(learned beta)" "$alpha"
code 1 'not a profile' kisctl profile import alpha "$WORK/cells.json"

# --- the module is absent

check "rmmod" rmmod kis
code 5 'not loaded' kisctl status
code 5 'not loaded' kisctl cell list
code 5 'not loaded' kisctl cell load "$WORK/cells.json"
code 5 'not loaded' kisctl mode enforce
code 5 '' kisctl alerts
code 5 '' kisctl doctor
is "doctor says what to do" \
	"$(kisctl --json doctor |
	jq -c '[.can_run, (.checks[] | select(.name == "module") | [.result, (.next | test("insmod"))])]')" \
	'[false,["fail",true]]'
code 0 '^$' kisctl cell check "$WORK/cells.json"
code 0 '^$' kisctl sig check "$WORK/sigs.json"
code 0 '^$' kisctl limits
like "--version says so" "$(kisctl --version)" 'ABI of the kernel: none'
check "insmod" insmod "${KIS_KO:-/mnt/kis/kis.ko}"
code 0 'no cell is loaded' kisctl status
is "a new module has no cells" "$(status cells) $(status signatures) $(status bans) $(status mode)" "0 0 0 observe"
like "doctor warns" "$(kisctl doctor)" 'warn +configuration +no cell is loaded'
check "what was learned outlives the module in a file" kisctl cell load "$WORK/cells.json"
kisctl profile import alpha "$WORK/alpha.profile" >/dev/null
is "it is what it was then" "$(learned alpha)" "$alpha"
