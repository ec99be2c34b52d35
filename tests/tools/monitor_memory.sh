#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# rspctl monitor tells what the pool refuses and what caches have to drop, as many as the objects' own
# figures say, also where nobody reads until the end.
#
#	dd --- $D (rsp-cache) --- scsi_debug	rsp_perf --- rxe0 10.9.0.1, loopback
# One processor: programs come and go under traffic, and see docs/lab.md on code that is patched.
# topology: loop
# smp: 1
# timeout: 400
. "$(dirname "$0")/../cache/lib.sh"
. "$(dirname "$0")/lib.sh"
need root module:rsp_cache module:rsp_perf module:scsi_debug tool:dmsetup tool:jq tool:bpftool file:/src/build/rspctl
plan 11
pid=''			# of start
rsp_unload
modprobe rsp pool_mb=8
modprobe rsp_cache
modprobe rsp_perf recv_bytes=16384
perf_up
defer perf_down

# of SERVICE: buffers that were refused it
refused() {
	rspctl -j svc svc "$1" | jq '.[0].nr_refused // 0'
}
reclaimed() {
	rspctl -j cache | jq '.[0].nr_reclaim'
}
# told_refused SERVICE: in the lines
told_refused() {
	jq -s --arg s "$1" '[.[] | select(.event == "refuse" and .svc == $s) | .nr_buf] | add // 0' "$T/lines"
}
# told_blocks WHY: in the lines
told_blocks() {
	jq -s --arg w "$1" '[.[] | select(.event == "drop" and .why == $w) | .nr_block] | add // 0' "$T/lines"
}
# told_all SERVICE FROM: what it was refused since it was FROM
told_all() {
	is "$(told_refused "$1")" $(($(refused "$1") - $2))
}
crowd() {
	perf op=send_rate size=15000 window=128 timeout_ms=200000 "iters=${1:-2311}"
}

run "a device and a cache larger than the pool" eval "dev_up scsi512 24 && cache_up 64M"
id=$(rspctl -j cache | jq .[0].id)
run "monitor" start -j monitor pool cache
full() {
	fill && [ "$(refused cache)" -gt 0 ] && wait_for 10 told_all cache 0 &&
		told 'all(.kind == "pool") and ([.[] | select(.event == "refuse")] | all(.svc == "cache" and .class == "64K" and
			.nr_buf > 0)) and ([.[] | select(.event == "grow") | .bytes] | length > 0 and all(. > 0))'
}
run "pool refuse: what the cache did not get" full
arenas() {
	is "$(jq -s '[.[] | select(.event == "grow") | .bytes] | add' "$T/lines")" "$(rspctl -j pool | jq .arena_bytes)"
}
run "pool grow: what the pool has" arenas
taken_back() {
	crowd && [ "$(reclaimed)" -gt 0 ] && wait_for 10 eval 'is "$(told_blocks reclaimed)" "$(reclaimed)"' &&
		is "$(told_blocks dropped)" 0 &&
		told "[.[] | select(.kind == \"cache\")] | all(.event == \"drop\" and .id == $id and .time_ns > 0)"
}
run "cache drop: blocks that the pool took back" taken_back
emptied() {
	local before
	fill && before=$(reclaimed)
	dm message "$C" 0 drop && [ "$(reclaimed)" -gt "$before" ] &&
		wait_for 10 eval 'is "$(told_blocks dropped)" $(($(reclaimed) - before))' &&
		is "$(told_blocks reclaimed)" "$before"
}
run "cache drop: blocks of a cache that is emptied" emptied
run "it ends" stop

refused_of() {
	declare -gA was
	local s
	for s in perf-client perf-server cache; do
		was[$s]=$(refused $s)
	done
}
quota() {
	refused_of
	start monitor policy pool && rspctl policy load $POLICIES/buf_quota.bpf.o set quota_mb 0 && crowd 499 &&
		dm message "$C" 0 drop && fill &&
		rspctl policy unload buf_quota && wait_for 10 quota_told && stop
}
# text, a line for each service and class each time: "... pool refuse svc perf-client class 16K nr_buf 23"
quota_told() {
	local s sum=0 n
	for s in perf-client perf-server cache; do
		n=$(awk -v s=$s '$2 == "pool" && $3 == "refuse" && $4 == "svc" && $5 == s && $6 == "class" && $7 ~ /^[0-9]+K$/ &&
			$8 == "nr_buf" && NF == 9 { n += $9 } END { print n + 0 }' "$T/lines")
		is "$n" $(($(refused $s) - ${was[$s]})) || return
		sum=$((sum + n))
	done
	[ $sum -gt 0 ] && grep -q ' policy swap family buf from builtin to buf_quota took ' "$T/lines"
}
run "pool refuse: what a quota keeps from a service, in text" quota

# nobody reads meanwhile: all is told at the end, of each kind
late() {
	local before
	fill && before=$(reclaimed)
	refused_of
	start -j monitor pool cache && kill -STOP $pid && wait_for 5 is_stopped && fill && dm message "$C" 0 drop && fill && kill -INT $pid &&
		kill -CONT $pid && stop || return
	is $(($(told_blocks reclaimed) + $(told_blocks dropped))) $(($(reclaimed) - before)) || return
	told_all cache "${was[cache]}" || return
	told '[.[] | select(.event == "refuse" or .event == "drop") | [.kind, .id, .svc, .class, .why]] |
		length == (unique | length) and (map(.[0]) | unique) == ["cache", "pool"]'
}
run "what nobody read is told at the end, summed up" late
cache_text() {
	fill && start monitor cache && dm message "$C" 0 drop && wait_for 10 grep -q . "$T/lines" && stop && is "$(wc -l <"$T/lines")" 1 &&
		grep -Eq "^[0-9:]{8}\.[0-9]{6} cache drop id $id nr_block [0-9]+ why dropped$" "$T/lines"
}
run "a cache alone, in text" cache_text
run "the cache goes" cache_down
finish
