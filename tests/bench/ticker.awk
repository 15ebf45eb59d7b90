# SPDX-License-Identifier: GPL-2.0
#
# The table of scripts/bench-ticker; behind stats.awk.

function cost(cells, threads) { return median(cells "-" threads) }

# The interval behind, of the same state: what differs is noise.
function noise(cells, threads) { return median("again-" cells "-" threads) / cost(cells, threads) }

function row(threads) {
	printf "%-24s %12.0f %12.0f %12.3f %12.3f\n", threads " other threads", cost(1, threads), cost(64, threads), \
		noise(1, threads), noise(64, threads)
}

function ratio(cells, threads) { return cost(cells, threads) / cost(cells, 0) }

# That which is further from 1.
function worse(a, b) { return abs(a - 1) > abs(b - 1) ? a : b }

END {
	if (failed) exit 1
	split("0 1000 10000", sizes, " ")
	floor = 1
	for (i = 1; i <= 3; i++) {
		t = sizes[i]
		need("1-" t " 64-" t " again-1-" t " again-64-" t, rounds)
		floor = worse(floor, worse(noise(1, t), noise(64, t)))
	}
	printf "%-24s %12s %12s %12s %12s\n", "instructions per window", "1 cell", "64 cells", "A/A 1 cell", "A/A 64 cells"
	for (i = 1; i <= 3; i++) row(sizes[i])
	printf "{\"bench\":\"ticker\",\"rounds\":%d,\"noise_ratio\":%.3f", rounds, floor
	printf ",\"ticker_insns\":%.0f,\"ticker_insns_64_cells\":%.0f", cost(1, 0), cost(64, 0)
	printf ",\"ticker_ratio_1k_1_cell\":%.3f,\"ticker_ratio_1k_64_cells\":%.3f", ratio(1, 1000), ratio(64, 1000)
	printf ",\"ticker_ratio_10k_1_cell\":%.3f,\"ticker_ratio_10k_64_cells\":%.3f", ratio(1, 10000), ratio(64, 10000)
	printf ",\"ticker_ratio_1k\":%.3f", worse(ratio(1, 1000), ratio(64, 1000))
	printf ",\"ticker_ratio_10k\":%.3f}\n", worse(ratio(1, 10000), ratio(64, 10000))
}
