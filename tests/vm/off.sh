#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# KIS_VM: --no-kis --append kis.off=1
#
# kis.off=1 on the kernel command line keeps all of KIS away, and says so.

. "$(dirname "$0")/lib.sh"

plan 9

like "the LSM is not registered" ",$(cat /sys/kernel/security/lsm)," '^,([^k]|k[^i]|ki[^s])*,$'
KO=${KIS_KO:-/mnt/kis/kis.ko}
dmesg -C
refuse "insmod is refused" insmod "$KO"
like "it is refused as not permitted" "$(insmod "$KO" 2>&1)" 'not permitted'
like "the log has the reason" "$(dmesg)" 'kis: not loaded: kis.off=1 is on the kernel command line'
is "nothing is left of it" "$(ls -d /sys/module/kis /dev/kis 2>/dev/null)" ""
kisctl status >/dev/null 2>&1
is "kisctl says by its exit code that the module is absent" $? 5
kisctl doctor >"$WORK/doctor" 2>&1
is "kisctl doctor says by its exit code that KIS cannot run" $? 5
like "kisctl doctor names the boot parameter" "$(cat "$WORK/doctor")" 'kis.off=1 keeps KIS away'
start_redis
is "redis serves as ever" "$(redis-cli ping)" PONG
