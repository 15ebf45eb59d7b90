# SPDX-License-Identifier: GPL-2.0
#
# The table of scripts/bench-ticker; behind stats.awk.

function cost(cells, threads) { return extra("cells-" cells "-" threads, "none-" threads) }

function row(threads) {
	printf "%-24s %12.0f %12.0f %12.0f\n", threads " other threads", cost(1, threads), cost(64, threads), \
		extra("none-again-" threads, "none-" threads)
}

function ratio(cells, threads) { return cost(cells, threads) / cost(cells, 0) }

# Of 1 and of 64 cells, that which is further from 1.
function worse(threads,   a, b) {
	a = ratio(1, threads)
	b = ratio(64, threads)
	return abs(a - 1) > abs(b - 1) ? a : b
}

END {
	if (failed) exit 1
	split("0 1000 10000", sizes, " ")
	for (i = 1; i <= 3; i++) need("none-" sizes[i] " none-again-" sizes[i] " cells-1-" sizes[i] " cells-64-" sizes[i], rounds)
	printf "%-24s %12s %12s %12s\n", "instructions per window", "1 cell", "64 cells", "noise floor"
	noise = 0
	for (i = 1; i <= 3; i++) {
		row(sizes[i])
		a = abs(extra("none-again-" sizes[i], "none-" sizes[i]))
		if (a > noise) noise = a
	}
	if (cost(1, 0) <= noise || cost(64, 0) <= noise) print "a window costs no more than the noise: the ratios mean nothing"
	printf "{\"bench\":\"ticker\",\"rounds\":%d,\"noise_insns\":%.0f", rounds, noise
	printf ",\"ticker_insns\":%.0f,\"ticker_insns_64_cells\":%.0f", cost(1, 0), cost(64, 0)
	printf ",\"ticker_ratio_1k_1_cell\":%.3f,\"ticker_ratio_1k_64_cells\":%.3f", ratio(1, 1000), ratio(64, 1000)
	printf ",\"ticker_ratio_10k_1_cell\":%.3f,\"ticker_ratio_10k_64_cells\":%.3f", ratio(1, 10000), ratio(64, 10000)
	printf ",\"ticker_ratio_1k\":%.3f,\"ticker_ratio_10k\":%.3f}\n", worse(1000), worse(10000)
}
