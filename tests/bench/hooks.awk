# SPDX-License-Identifier: GPL-2.0
#
# The table of scripts/bench-hooks; behind stats.awk.

function row(text, s, base) { printf "%-60s %12.0f %+10.1f\n", text, median(s), extra(s, base) }

END {
	if (failed) exit 1
	need("off none none-again loaded cells in-cell in-guarded-cell known-place apparmor-none apparmor-none-again apparmor", rounds)
	printf "%-60s %12s %10s\n", "one open() and close() of a regular file", "instructions", "extra"
	row("kernel with kis.off=1 (no hooks)", "off", "none")
	row("module not loaded", "none", "none")
	row("module not loaded, again (noise floor)", "none-again", "none")
	row("module loaded, no cell", "loaded", "none")
	row("cells loaded, the process is in none", "cells", "none")
	row("the process is in a cell", "in-cell", "none")
	row("the process is in a cell with path prefixes", "in-guarded-cell", "none")
	row("the process is in a cell that has learned the place", "known-place", "none")
	row("boot with AppArmor: no profile", "apparmor-none", "apparmor-none")
	row("boot with AppArmor: no profile, again (noise floor)", "apparmor-none-again", "apparmor-none")
	row("boot with AppArmor: a profile with the same path prefixes", "apparmor", "apparmor-none")
	guarded = extra("in-guarded-cell", "none")
	rival = extra("apparmor", "apparmor-none")
	printf "{\"bench\":\"hooks\",\"rounds\":%d,\"insns_open\":%.1f,\"noise_insns\":%.1f", rounds, median("none"), abs(extra("none-again", "none"))
	printf ",\"extra_insns_open\":%.1f,\"extra_insns_loaded\":%.1f", extra("cells", "none"), extra("loaded", "none")
	printf ",\"extra_insns_builtin\":%.1f,\"extra_insns_in_cell\":%.1f", -extra("off", "none"), extra("in-cell", "none")
	printf ",\"extra_insns_in_guarded_cell\":%.1f", guarded
	printf ",\"extra_insns_known_place\":%.1f", extra("known-place", "none")
	printf ",\"apparmor_noise_insns\":%.1f,\"apparmor_extra_insns\":%.1f", abs(extra("apparmor-none-again", "apparmor-none")), rival
	printf ",\"kis_vs_apparmor\":%.2f}\n", guarded / rival
}
