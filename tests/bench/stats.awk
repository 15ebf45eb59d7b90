# SPDX-License-Identifier: GPL-2.0
#
# Shared by the tables of the benchmarks: reads lines "STATE NUMBER", one for each round.

$2 ~ /^[0-9.]+$/ { n[$1]++; v[$1, n[$1]] = $2 }

function middle(a, k,   i, j, t) {
	for (i = 1; i <= k; i++) for (j = i + 1; j <= k; j++) if (a[j] < a[i]) { t = a[i]; a[i] = a[j]; a[j] = t }
	return k % 2 ? a[(k + 1) / 2] : (a[k / 2] + a[k / 2 + 1]) / 2
}

function median(s,   i, a) {
	for (i = 1; i <= n[s]; i++) a[i] = v[s, i]
	return middle(a, n[s])
}

# Median of the differences, round by round: what drifts from round to round drops out.
function extra(s, base,   i, a) {
	for (i = 1; i <= n[s]; i++) a[i] = v[s, i] - v[base, i]
	return middle(a, n[s])
}

function abs(x) { return x < 0 ? -x : x }

function need(states, rounds,   s, i) {
	split(states, s, " ")
	for (i in s) if (n[s[i]] < rounds) { print "too few rounds of " s[i] > "/dev/stderr"; failed = 1; exit 1 }
}
