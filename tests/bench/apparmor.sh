#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest, under -icount, booted with AppArmor and without kis.ko: what one open() and close()
# costs a process that no profile confines, and one with a profile of the path prefixes that
# hooks.sh gives to its guarded cell. Prints lines "STATE INSTRUCTIONS", one for each round.
set -eu

open=$1
rounds=${2:-5}
n=${3:-4000}
file=/tmp/opened
dir=$(mktemp -d)

[ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ] || { echo "AppArmor is not enabled" && exit 1; }

# Behind the prefixes: what the process needs besides the measured file.
cat >"$dir/profile" <<PROFILE
profile kis-bench $dir/confined {
  /tmp/** rm,
  /usr/** rm,
  /lib/** rm,
  /etc/** r,
  /proc/** r,
  /dev/null rw,
}
PROFILE
apparmor_parser --replace --skip-cache "$dir/profile" 2>/dev/null || { echo "the profile was refused" && exit 1; }
cp "$open" "$dir/outside"
cp "$open" "$dir/confined"
: >"$file"
: >/var/lib/kis/outside-of-the-profile

# The control: the profile is in force.
if "$dir/confined" /var/lib/kis/outside-of-the-profile 1 >/dev/null 2>&1; then
	echo "the profile does not confine"
	exit 1
fi

measure() {
	# The first round of a process warms caches of the file system: it does not count.
	printf '%s %s\n' "$1" "$("$dir/$2" "$file" "$n" 2 | tail -n 1)"
}

for _ in $(seq "$rounds"); do
	measure apparmor-none outside
	measure apparmor-none-again outside
	measure apparmor confined
done
