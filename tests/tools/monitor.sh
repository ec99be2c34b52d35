#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl monitor tells what happens, of the kinds that are asked for, and what it lost; rspctl trace
# follows one channel until it goes down.
#
#	perf-client --- rxe0 10.9.0.1 --- perf-server	a known number of messages
# One processor: programs come and go under traffic, and see docs/lab.md on code that is patched.
# topology: loop
# smp: 1
# timeout: 400
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rdma_rxe module:rsp module:rsp_perf tool:jq tool:bpftool file:/src/build/rspctl
plan 18
pid=''			# of start
modprobe rsp
perf_up
defer perf_down

run "monitor" start -j monitor slow_us 1
all_kinds() {
	rspctl policy load $POLICIES/flow_fixed.bpf.o && rspctl policy unload flow_fixed &&
		perf op=send_lat size=230 iters=23 && echo "key=23 size=64" >$P/publish &&
		perf op=desc_read key=23 size=64 iters=2 && echo off >$P/publish && wait_for 10 told \
		'any(.kind == "desc" and .event == "revoke") and ([.[] | select(.kind == "ep" and .event == "down")] | length) >= 2'
}
run "a swap, messages, a region" all_kinds
run "SIGINT ends it, and nothing stays attached" stop
swaps() {
	told '[.[] | select(.kind == "policy")] | map([.event, .family, .from, .to]) ==
		[["swap", "flow", "builtin", "flow_fixed"], ["swap", "flow", "flow_fixed", "builtin"]] and all(.ns > 0)'
}
run "policy: each swap, with what it took" swaps
channels() {
	told '[.[] | select(.kind == "chan" and .svc == "perf-client")] as $c |
		($c | map(.event) | unique) == ["down", "up"] and all($c[]; .id > 0 and .ep_id > 0) and
		($c | map(select(.event == "up")) | length) == ($c | map(select(.event == "down")) | length)'
}
run "chan: those that came up went down" channels
endpoints() {
	told '[.[] | select(.kind == "ep")] as $e | ($e | map(select(.event == "down") | .id)) as $down |
		all($e[]; .dev == "rxe0") and ($down | length) >= 2 and
		($down - ($e | map(select(.event == "up") | .id))) == []'
}
run "ep: so do endpoints" endpoints
stages() {
	told '[.[] | select(.kind == "slow" and .svc == "perf-client" and .bytes == 230)] | length == 23 and
		all(.posted_ns > 0 and .completed_ns >= .posted_ns and .delivered_ns >= .completed_ns)'
}
run "slow: each exchange with its stages" stages
regions() {
	told '[.[] | select(.kind == "desc")] | map(.event) | contains(["publish", "revoke", "end", "left"])'
}
run "desc: published, revoked, ended, left" regions
clock() {
	local now
	now=$(date +%s)
	told "all(.time_ns / 1e9 > $now - 300 and .time_ns / 1e9 < $now + 5) and
		(map(select(.kind == \"slow\") | .time_ns) as \$t | \$t == (\$t | sort))"
}
run "with the time of day" clock

only_policies() {
	start monitor policy && perf op=send_lat size=230 iters=23 && rspctl policy load $POLICIES/flow_fixed.bpf.o &&
		rspctl policy unload flow_fixed && wait_for 10 two_lines && stop && is "$(wc -l <"$T/lines")" 2 &&
		grep -Eq '^[0-9:]{8}\.[0-9]{6} policy swap family flow from builtin to flow_fixed took [0-9.]+.s$' "$T/lines"
}
two_lines() {
	[ "$(wc -l <"$T/lines")" = 2 ]
}
run "of one kind, in text" only_policies
only_pool() {
	start -j monitor pool && perf op=send_lat size=230 iters=2 && stop &&
		told 'all(.kind == "pool")'
}
run "pool alone" only_pool
losses() {
	start monitor slow chan slow_us 1 && kill -STOP $pid && wait_for 5 is_stopped && perf op=send_rate size=64 window=16 iters=9000 &&
		kill -CONT $pid && stop && grep -Eq '^rspctl: [0-9]+ events were lost' "$T/stderr"
}
# the reader stood still from before it came up until after it went down
ends() {
	grep -q ' slow exchange .* svc perf-client ' "$T/lines" && [ "$(grep -c ' chan up .* svc perf-client' "$T/lines")" = 1 ] &&
		[ "$(grep -c ' chan down .* svc perf-client' "$T/lines")" = 1 ]
}
run "it says how many it lost" losses
run "and loses no channel that came and went" ends
monitor_words() {
	fails 'stopped at "frob": expected policy' -- monitor frob &&
		fails "expected a number" -- monitor slow_us && fails 'stopped at "x"' -- monitor slow slow_us x
}
run "a word that is none is refused" monitor_words

perf op=send_lat size=64 iters=1000000 timeout_ms=3600000 >/dev/null 2>&1 &
perf_pid=$!
client_up() {
	id=$(rspctl -j chan svc perf-client | jq '.[] | select(.state == "up" and .nr_send > 23) | .id') && [ -n "$id" ]
}
wait_for 30 client_up
text_trace() {
	start trace "$id" && wait_for 20 grep -q " io ack id $id 64B " "$T/lines" && stop &&
		grep -Eq "^[0-9:]{8}\.[0-9]{6} io send id $id [0-9]+B nr_wr [0-9]+$" "$T/lines" &&
		grep -Eq " io ack id $id 64B posted [0-9.]+.s completed [0-9.]+.s delivered [0-9.]+m?.s in_flight [0-9]+$" "$T/lines" &&
		not grep -Ev " id $id( |$)" "$T/lines"
}
run "trace of a channel" text_trace
to_the_end() {
	start -j trace "$id" || { echo "not attached"; cat "$T/stderr"; return 1; }
	wait_for 60 grep -q '"ack"' "$T/lines" && kill $perf_pid && wait $pid || { cat "$T/stderr"; tail -n 3 "$T/lines"; return 1; }
	told "all(.nr_lost or .id == $id) and any(.event == \"send\") and any(.event == \"recv\") and
			(map(select(.kind == \"chan\" and .event == \"down\")) | length) == 1"
}
run "it ends when the channel goes down" to_the_end
wait $perf_pid
gone() {
	is "$(nr_attached)" 0 && fails "there is no channel $id" -- trace "$id"
}
run "and then there is none to follow" wait_for 20 gone
trace_words() {
	fails "the number of a channel" -- trace && fails 'stopped at "x"' -- trace x &&
		fails 'stopped at "more"' -- trace 1 more
}
run "words of trace" trace_words
finish
