#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest, under -icount: what one open() and close() costs on this kernel, as state "off".
set -eu

rounds=${2:-5}
n=${3:-4000}
: >/tmp/opened
cp "$1" /tmp/outside
for _ in $(seq "$rounds"); do
	printf 'off %s\n' "$(/tmp/outside /tmp/opened "$n" 2 | tail -n 1)"
done
