#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest, under -icount: what one open() and close() of a regular file costs in instructions,
# for a process that is in no cell and for one that is. The states are gone through in turn, round
# by round, the first one twice: the difference of these two is the noise floor.
# Prints lines "STATE INSTRUCTIONS", one for each round.
set -eu

open=$1
rounds=${2:-5}
n=${3:-4000}
file=/tmp/opened
dir=$(mktemp -d)

cat >"$dir/cells.json" <<JSON
{"version":1,"cells":[
 {"name":"other","program":"/usr/bin/redis-check-rdb"},
 {"name":"inside","program":"$dir/inside","files":{"learn":false}},
 {"name":"known","program":"$dir/known","window_ms":100,"tolerization":{"windows":5},
  "danger_one":{"hold_ms":1},"danger_two":{"hold_ms":1}},
 {"name":"guarded","program":"$dir/guarded","files":{"learn":false,"read":["/tmp","/usr","/lib","/etc","/proc"]}}]}
JSON
cp "$open" "$dir/outside"
cp "$open" "$dir/inside"
cp "$open" "$dir/guarded"
cp "$open" "$dir/known"
: >"$file"

measure() {
	# The first round of a process warms caches of the file system: it does not count.
	printf '%s %s\n' "$1" "$("$dir/$2" "$file" "$n" 2 | tail -n 1)"
}

for _ in $(seq "$rounds"); do
	measure none outside
	measure none-again outside
	insmod /mnt/kis/kis.ko
	measure loaded outside
	kisctl cell load "$dir/cells.json" >/dev/null
	measure cells outside
	measure in-cell inside
	measure in-guarded-cell guarded
	# What is opened was opened while the cell learned, by another process of its own.
	until [ "$(kisctl --json cell list | jq -r '.cells[] | select(.name == "known") | .phase')" = ready ]; do
		"$dir/known" "$file" 20000 2 >/dev/null
	done
	measure known-place known
	# What an open costs in danger is another question. (Half a second of learning is too little for
	# thresholds that hold, so that danger is short for that cell.)
	kisctl --json cell list | jq -e 'all(.cells[]; .danger == 0)' >/dev/null || {
		echo "in danger: $(kisctl --json cell list | jq -c '.cells[] | select(.danger != 0) | [.name, .danger]' | tr '\n' ' ')"
		exit 1
	}
	rmmod kis
done
