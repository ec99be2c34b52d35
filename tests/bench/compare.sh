#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What bench/compare runs in a guest leaves figures, and the report of them is whole and has their numbers.
# timeout: 180
. "$(dirname "$0")/lib.sh"
need root module:rsp_nfs module:rdma_rxe tool:fio tool:jq tool:python3 tool:gnuplot
plan 7

defer rxe_down
defer nfs_server_down
own_job "$T/mixed.fio"
export OUT=$T/figures.jsonl
figures() {
	"$BENCH/guest/compare.sh" nfs "rsp tcp" 2 "randread-4k:8:100 $T/mixed.fio:1:1" >"$T/out" 2>&1 || {
		cat "$T/out"
		return 1
	}
	cat "$OUT"
	is "$(jq -rs '[.[] | select(.cell) | "\(.repeat) \(.contender) \(.cell) \(.errors)"] | join(", ")' "$OUT")" \
		"1 rsp randread-4k qd8 0, 1 rsp mixed 0, 1 tcp randread-4k qd8 0, 1 tcp mixed 0, 2 tcp randread-4k qd8 0, 2 tcp mixed 0, 2 rsp randread-4k qd8 0, 2 rsp mixed 0"
}
run "two contenders take turns; shipped jobs and one of a user's own" figures
whole() {
	jq -es '[.[] | select(.cell)] | all(.iops > 0 and .bytes_per_s >= 4096 * .iops * 0.99 and .lat_ns_p50 > 0 and
		.lat_ns_p50 <= .lat_ns_p90 and .lat_ns_p90 <= .lat_ns_p99 and .lat_ns_p99 <= .lat_ns_p999 and
		.resolution.iops > 0 and .resolution.iops < 0.5)' "$OUT" &&
		jq -es '[.[].run // {}] | add | (.kernel | contains($k)) and (.rdma | join("") | contains("rxe0")) and
			(.jobs.mixed | contains("bs=8k")) and (.jobs | has("randread-4k"))' --arg k "$(uname -r)" "$OUT"
}
run "figures have percentiles, steps, and what was run on what" whole
steps() {
	is "$(grep -o '([0-9]*/8)' "$T/out" | xargs)" "(0/8) (2/8) (4/8) (6/8) (8/8)"
}
run "progress counts the steps" steps
left() {	# bench/lib.sh adds the time; step 2 of 8 after 2 s
	(
		. "$BENCH/lib.sh"
		{ echo "[   1s] begin (0/8)"; sleep 2; echo "[   9s] one done (2/8)"; echo other; } | time_left
	) >"$T/left" 2>&1
	cat "$T/left"
	grep -Eq '^\[ *[0-9]+s\] begin$' "$T/left" && grep -Eq 'one done, 25%, about 0:0[5-9] min left$' "$T/left" && grep -qx other "$T/left"
}
run "the time left is that of the pace so far" left
report() {
	"$BENCH/report" --base tcp "$T/report.html" "$OUT" && report_is_right "$T/report.html" "$OUT"
}
run "the report is well-formed, self-contained and has the figures' medians" report
one() {
	jq -c 'select(.repeat != 2)' "$OUT" >"$T/one" && "$BENCH/report" --base tcp "$T/one.html" "$T/one" &&
		report_is_right "$T/one.html" "$T/one" && grep -q 'one round says nothing about noise' "$T/one.html" &&
		! grep -q 'one round says nothing' "$T/report.html"
}
run "of one round it says that it says nothing" one
wrong() {
	! "$BENCH/report" --base nobody "$T/x" "$OUT" 2>"$T/err" && grep -q 'no contender nobody, there are: rsp tcp' "$T/err" &&
		! "$BENCH/report" "$T/x" /dev/null 2>"$T/err" && grep -q 'no figures in /dev/null' "$T/err" && [ ! -e "$T/x" ]
}
run "no such base, no figures: said so, no file" wrong
finish
