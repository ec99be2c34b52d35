#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The observers count what happens, rspctl and bpftool show the same figures, and off is off.
#
#	perf-client --- rxe0 10.9.0.1 --- perf-server	a known number of messages
# topology: loop
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rdma_rxe module:rsp module:rsp_perf tool:jq tool:bpftool file:/src/build/rspctl
plan 23
modprobe rsp
perf_up
defer perf_down

# entry MAP KEY: what bpftool reads, as {name: value}
entry() {
	bpftool -j map dump pinned "$PINS/observe/$1" |
		jq -c --argjson k "$2" '.[] | (.formatted // .) | select(.key == $k) | .value'
}
nr_attached() {
	bpftool -j prog list | jq '[.[] | select(.name | startswith("obs_"))] | length'
}
# same MAP: each figure of each entry in both
same() {
	bpftool -j map dump pinned "$PINS/observe/$1" | jq -c '[.[] | (.formatted // .) |
		{id: .key} + (.value | (.io // {}) + del(.io))] | sort_by(.id)' >"$T/bpftool"
	rspctl -j observe show | jq -c ".$1" >"$T/rspctl"
	jq -ne --slurpfile b "$T/bpftool" --slurpfile r "$T/rspctl" '
		($b[0] | length) == ($r[0] | length) and ($b[0] | length) > 0 and
		([range($b[0] | length) as $i | $b[0][$i] as $x | $r[0][$i] as $y |
			$x | keys[] | select($x[.] | type == "number") | select($y[.] | type == "number") |
			select($x[.] != $y[.])] == []) and
		([$b[0][0] as $x | $r[0][0] as $y | $x | keys[] | select($x[.] | type == "number") |
			select($y[.] | type == "number")] | length) >= '"$2" || {
		cat "$T/bpftool" "$T/rspctl"
		return 1
	}
}

run "nothing is attached" is "$(nr_attached)" 0
run "on" text '^the observers are on' observe on
run "on again is refused" fails "the observers are on already" -- observe on
run "each trace event has its observer" eval 'is "$(ls $PINS/observe/links | wc -l)" "$(nr_attached)" &&
	is "$(nr_attached)" "$(ls -d /sys/kernel/tracing/events/rsp/rsp_* | wc -l)"'

run "23 messages of 230 bytes" perf op=send_lat size=230 iters=23
counted() {
	json '.svc[] | select(.name == "perf-client") | .nr_send == 23 and .nr_recv == 23 and
		.nr_ack == 23 and .nr_error == 0 and .nr_up == 1 and .nr_down == 1 and .nr_wr >= 23 and
		.send_bytes >= 23 * 230 and .recv_bytes >= 23 * 230' observe
}
run "are 23 sent, received and finished" counted
histogram() {
	json '.svc[] | select(.name == "perf-client") | (.lat_steps | add) == .nr_ack and
		.lat_max_ns >= .lat_p99_ns and .lat_p99_ns >= .lat_p50_ns and .lat_p50_ns > 1000 and
		.lat_sum_ns >= .lat_max_ns and .lat_mean_ns <= .lat_max_ns' observe
}
run "with their times" histogram
against_perf() {
	local observed
	observed=$(rspctl -j observe show svc perf-client | jq .svc[0].lat_max_ns)
	# rsp_perf takes its time a little outside of RSP
	jq -e --argjson o "$observed" '.lat_ns_max >= $o / 2 and .lat_ns_min <= $o' $P/result
}
run "which are those that rsp_perf measured" against_perf
channel_and_endpoint() {
	json '(.chan | map(select(.svc == "perf-client"))) as $c | ($c | length) == 1 and
		$c[0].nr_send == 23 and $c[0].is_down and ($c[0].flight_steps | add) == 23 and ($c[0].ep_id as $e | .ep[] | select(.id == $e) |
		.nr_send == 23 and .dev == "rxe0" and .is_down)' observe
}
run "channel and endpoint have the same, and are down" channel_and_endpoint
keys() {
	# with verify a key is good for one transfer
	perf op=write size=65536 window=4 iters=23 verify=1 &&
		json '[.svc[] | select(.name | startswith("perf-"))] | (map(.nr_reg) | add) >= 23 and
			(map(.reg_bytes) | add) >= 23 * 65536 and
			(map(.nr_inv_remote + .nr_inv_local + .nr_inv_end) | add) == (map(.nr_reg) | add)' observe
}
run "keys: as many invalidated as registered" keys
key_pools() {
	json '(.keys | map(.nr_hit + .nr_miss) | add) as $taken | $taken >= (.chan | map(.nr_reg) | add) and
		$taken == (.keys | map(.nr_give + .nr_destroy) | add) and (.keys | map(.nr_grow) | add) > 0' observe
}
run "key pools: as many keys came back as were taken" key_pools
pool() {
	json '(.pool | map(.nr_admit) | add) == (.svc | map(.nr_admit) | add) and
		(.pool | map(.nr_admit) | add) > 0 and all(.pool[]; .nr_admit <= .nr_want)' observe
}
run "pool: what classes admit is what services got" pool
swaps() {
	rspctl policy load $POLICIES/flow_fixed.bpf.o && rspctl policy swap $POLICIES/flow_aimd.bpf.o &&
		rspctl policy unload flow_aimd &&
		json '.policy[] | select(.family == "flow") | .nr_swap == 3 and .from == "flow_aimd" and
			.to == "builtin" and .swap_max_ns >= .swap_last_ns and .swap_last_ns > 0' observe
}
run "policy: each swap" swaps
regions() {
	echo "key=23 size=64" >$P/publish && perf op=desc_read key=23 size=64 iters=23 && echo off >$P/publish &&
		json '.desc | length == 2 and all(.[]; .svc == "perf-server" and .key == 23 and .is_over) and
			(map(.nr_grant) | add) == 1 and (map(.nr_dropped) | add) == 1 and
			all(.[]; .nr_forced == 0 and .reason == 0)' observe
}
run "published regions: granted, given back, revoked" regions
all_same() {
	same desc 5 && same svc 20 && same chan 20 && same ep 20 && same rq 5 && same pool 5 && same policy 4
}
run "bpftool and rspctl show the same figures" all_same
in_text() {
	text '^ *[0-9]+ +perf-client +[0-9]+ ' observe && text '^ *[0-9]+ +perf-client +client ' observe &&
		text '^flow +3 ' observe && text '^  lat_steps +[0-9 ]+$' -d observe
}
run "in text too" in_text
one_service() {
	json '(keys == ["chan", "svc"]) and all(.svc[]; .name == "perf-server") and
		(.chan | length) == 2 and all(.chan[]; .svc == "perf-server")' observe svc perf-server
}
run "of one service" one_service
run "off" text '^the observers are off$' observe off
off_is_off() {
	is "$(nr_attached)" 0 && not ls $PINS/observe
}
run "nothing is attached or pinned any more" wait_for 10 off_is_off
fresh() {
	rspctl observe on && json '(.svc | map(.name) | contains(["perf-client", "recv"])) and
		all(.svc[]; .nr_send == 0) and .chan == []' observe && rspctl observe off
}
run "on again counts from zero, and knows the names of those who are there" fresh

rspctl observe on slow_us 1 >/dev/null
slow() {
	perf op=send_lat size=230 iters=23 && json 'length == 23 and (map(.seq) == [range(1; 24)]) and
		all(.[]; .svc == "perf-client" and .status == 0 and .posted_ns > 0 and
		.completed_ns >= .posted_ns and .delivered_ns >= .completed_ns and .bytes == 230)' observe slow &&
		text '^ *[0-9.]+m?s +[0-9]+ +perf-client +[0-9]+ +230B ' observe slow &&
		json 'length == 23' observe slow svc perf-client && json '. == []' observe slow svc recv
}
run "each exchange is slow where 1 us is: queued, posted, completed, delivered" slow
last_ones() {
	perf op=send_lat size=64 iters=530 && json 'length == 512 and (map(.seq) == [range(42; 554)])' observe slow
}
run "the last 512 are kept" last_ones
rspctl observe off >/dev/null
rspctl observe on slow_us 0 >/dev/null
perf op=send_rate size=64 window=7 iters=1000000 timeout_ms=3600000 >/dev/null 2>&1 &
pid=$!
nr_sent() {
	rspctl -j observe | jq "[.$1[] | select(.svc == \"perf-client\" or .name == \"perf-client\")][0].nr_send"
}
live() {
	local a b c
	wait_for 30 traffic && a=$(nr_sent svc) && b=$(nr_sent chan) && c=$(nr_sent svc) &&
		[ "$a" -gt 0 ] && [ "$a" -le "$b" ] && [ "$b" -le "$c" ] && json '. == []' observe slow
}
traffic() {
	[ "$(nr_sent chan)" -gt 23 ]
}
run "a service has what its channels have while they are up" live
kill $pid
wait $pid
rspctl observe off >/dev/null
finish
