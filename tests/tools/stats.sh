#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl stats: all figures at once, and as OpenMetrics that a parser takes, with the values of -j.
#
#	perf-client --- rxe0 10.9.0.1 --- perf-server	23 messages, then silence
# topology: loop
# timeout: 300
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rdma_rxe module:rsp module:rsp_perf tool:jq tool:python3 file:/src/build/rspctl \
	file:/usr/lib/python3/dist-packages/prometheus_client
plan 15
METRICS=$(dirname "$0")/metrics

modprobe rsp
perf_up
defer perf_down

all_objects() {
	json 'keys == ["cache", "chan", "desc", "ep", "hw_counter", "peer", "policy", "pool", "pool_class",
		"rq", "svc"] and (.svc | length) == 3 and (.policy | map(.name)) == ["builtin", "builtin",
		"builtin", "builtin"] and (.pool_class | length) == 5' stats &&
		text '^ *limit +arena +held +nr_svc +sum_weight$' stats && text '^size classes of the pool:$' stats &&
		text '^rxe0 +1 +rcvd_rnr_err +[0-9]+$' stats
}
run "all objects, in text and JSON" all_objects
same_as_objects() {
	local o
	for o in svc rq; do
		is "$(rspctl -j stats | jq -c ".$o")" "$(rspctl -j $o)" || return
	done
	is "$(rspctl -j stats | jq -c '.pool[0]')" "$(rspctl -j pool | jq -c 'del(.classes)')"
}
run "with the figures that each object's own command shows" same_as_objects
sound() {
	rspctl stats --openmetrics >"$T/metrics" && "$METRICS" "$T/metrics"
}
run "OpenMetrics, without observers" sound
rspctl observe on >/dev/null
defer rspctl observe off
run "23 messages of 230 bytes" perf op=send_lat size=230 iters=23
perf op=send_rate size=64 window=7 iters=1000000 timeout_ms=3600000 >/dev/null 2>&1 &
pid=$!
both_up() {
	[ "$(rspctl -j chan | jq '[.[] | select(.state == "up" and .nr_send > 23)] | length')" = 2 ]
}
run "a connection with traffic" wait_for 30 both_up
run "OpenMetrics, with observers and channels" sound
live() {
	# a figure between two readings of -j
	local a b c
	a=$(rspctl -j chan svc perf-client | jq .[0].nr_send) && rspctl stats --openmetrics >"$T/metrics" &&
		b=$(rspctl -j chan svc perf-client | jq .[0].nr_send) &&
		c=$(sed -n 's/^rsp_chan_nr_send_total{id="[0-9]*",svc="perf-client"} //p' "$T/metrics") &&
		[ "$a" -le "$c" ] && [ "$c" -le "$b" ] && [ "$a" -lt "$b" ]
}
run "the figures of a channel are those of now" live
kill $pid 2>/dev/null
wait $pid
gone() {
	[ "$(rspctl -j ep)" = "[]" ]
}
run "silence" wait_for 30 gone
compared() {
	if rspctl -j stats >"$T/stats" && rspctl stats --openmetrics >"$T/metrics" &&
		"$METRICS" "$T/metrics" "$T/stats" >"$T/found" &&
		jq -e '.rsp_svc == 24 and .rsp_pool == 5 and .rsp_pool_class == 15 and .rsp_policy == 12 and
			.rsp_hw_counter >= 10 and .rsp_observed_svc >= 60 and .rsp_observed_chan >= 40 and
			.rsp_observed_ep >= 40 and .rsp_observed_pool == 30' "$T/found"; then
		return
	fi
	cat "$T/found"
	return 1
}
run "each number of -j is a sample, in base units; histograms too" compared
units() {
	grep -q '^# TYPE rsp_observed_svc_lat_seconds histogram$' "$T/metrics" &&
		grep -q '^# UNIT rsp_observed_svc_lat_seconds seconds$' "$T/metrics" &&
		grep -q '^# HELP rsp_svc_held_bytes ' "$T/metrics" &&
		grep -Eq '^rsp_observed_svc_lat_seconds_bucket\{id="[0-9]+",name="perf-client",le="0\.000001023"\} ' \
			"$T/metrics" && is "$(tail -1 "$T/metrics")" "# EOF"
}
run "with TYPE, UNIT, HELP, buckets in seconds, and an end" units
broken() {
	grep -v '^# EOF' "$T/metrics" >"$T/broken" && not "$METRICS" "$T/broken" &&
		sed 's/le="+Inf"/le="23"/' "$T/metrics" >"$T/broken" && not "$METRICS" "$T/broken" &&
		sed 's/\(_total{.*} \)/\1-1/' "$T/metrics" >"$T/broken" && not "$METRICS" "$T/broken" &&
		sed 's/_total{/{/' "$T/metrics" >"$T/broken" && not "$METRICS" "$T/broken"
}
run "the parser refuses what is broken" broken
wrong_value() {
	jq '.svc[0].weight += 1' "$T/stats" >"$T/wrong" && not "$METRICS" "$T/metrics" "$T/wrong" &&
		jq '.observed.svc[-1].lat_steps[20] += 1' "$T/stats" >"$T/wrong" && not "$METRICS" "$T/metrics" "$T/wrong"
}
run "and the comparison what is wrong" wrong_value
mkdir "$T/collector"
to_file() {
	echo old >"$T/collector/rsp.prom" && rspctl stats --openmetrics --output "$T/collector/rsp.prom" &&
		"$METRICS" "$T/collector/rsp.prom" && is "$(ls -A "$T/collector")" rsp.prom &&
		is "$(stat -c %a "$T/collector/rsp.prom")" 644
}
run "--output replaces the file, leaves no other, and all can read it" to_file
never_half() {
	local before
	before=$(stat -c %i "$T/collector/rsp.prom")
	for _ in 1 2 3 4 5; do
		rspctl stats --openmetrics --output "$T/collector/rsp.prom" || return
	done &
	while [ -n "$(jobs -r)" ]; do
		is "$(tail -1 "$T/collector/rsp.prom")" "# EOF" || return
	done
	wait && [ "$(stat -c %i "$T/collector/rsp.prom")" != "$before" ]
}
run "whoever reads meanwhile sees a whole file" never_half
words() {
	fails 'stopped at "more"' -- stats more && fails 'stopped at "more"' -- stats show more || return
	rspctl stats --openmetrics more 2>&1 | grep -q 'stopped at "more": expected --output FILE' || return
	rspctl -j stats --openmetrics | grep -q "without -j" || return
	rspctl stats --openmetrics --output "$T/none/rsp.prom" 2>"$T/stderr" && return 1
	grep -q "cannot make a file beside" "$T/stderr" && is "$(ls -A "$T/collector")" rsp.prom || return
	rspctl stats --openmetrics --output /dev/null 2>"$T/stderr" && return 1
	grep -q "/dev/null is there and is no file" "$T/stderr" && [ -c /dev/null ]
}
run "a word or a place that is wrong is refused" words
finish
