#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_BOOT: shared
# KIS_KERNEL: debug
# KIS_TIMEOUT: 120
#
# Memory that fails: in the middle of loading cells, signatures and profiles, of bans and dumps, and
# of insmod, one allocation after the other; and by chance below traffic. What is refused changes
# nothing; nothing leaks and the kernel has nothing to complain about.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib-kis.sh"

FAULTS=/sys/kernel/debug/failslab
[ -d "$FAULTS" ] || skip_all "this kernel has no failslab"
HELPER=18
plan "$HELPER"

# Quietly: each failure would else write a stack into the log.
echo 0 >"$FAULTS/verbose"
echo 0 >"$FAULTS/ignore-gfp-wait"
cp "${KIS_KO:-/mnt/kis/kis.ko}" "$WORK/kis.ko"

tap_of "$HELPER" python3 "$HERE/faults.py" "$WORK"

echo 0 >"$FAULTS/probability"
echo 1 >"$FAULTS/ignore-gfp-wait"
