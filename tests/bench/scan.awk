# SPDX-License-Identifier: GPL-2.0
#
# The table of scripts/bench-scan; behind stats.awk.

function row(text, s, base) { printf "%-60s %12.1f %+10.1f\n", text, median(s), extra(s, base) }

END {
	if (failed) exit 1
	need("http-none http-none-again http-1 http-100 http-3000 bulk-none bulk-1 bulk-100 bulk-3000 redis-none redis-3000", rounds)
	printf "%-60s %12s %10s\n", "a received byte, or a small request to redis", "instructions", "extra"
	split("http bulk redis", texts, " ")
	split("none none-again 1 100 3000", states, " ")
	for (t = 1; t <= 3; t++)
		for (s = 1; s <= 5; s++)
			row(texts[t] ", signatures: " states[s], texts[t] "-" states[s], texts[t] "-none")
	printf "{\"bench\":\"scan\",\"rounds\":%d,\"noise_insns_per_byte\":%.2f", rounds, abs(extra("http-none-again", "http-none"))
	split("1 100 3000", counts, " ")
	split("1 100 all", names, " ")
	for (i = 1; i <= 3; i++)
		printf ",\"insns_per_byte_%s\":%.1f", names[i], extra("http-" counts[i], "http-none")
	for (i = 1; i <= 3; i++)
		printf ",\"bulk_insns_per_byte_%s\":%.1f", names[i], extra("bulk-" counts[i], "bulk-none")
	printf ",\"redis_request_pct\":%.2f}\n", 100 * extra("redis-3000", "redis-none") / median("redis-none")
}
