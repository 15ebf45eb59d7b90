# SPDX-License-Identifier: GPL-2.0
"""The attacks, one family a file."""

from bench.attacks import (
    backdoors, brute, burns, libraries, logs, persistence, reads, relays, ruin, sabotage, shells, theft,
)

FAMILIES = (
    shells, reads, backdoors, libraries, theft, persistence, brute, burns, ruin, relays, logs, sabotage,
)
KINDS = [kind for family in FAMILIES for kind in family.ATTACKS]
