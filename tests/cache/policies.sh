#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Each cache policy has exactly the hits that its model in user space has, on traces of real reads, one at a
# time: Zipf, a scan beside a hot set, a hot set that changes.
# topology: loop
# timeout: 600
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/../policy/lib.sh"
need root module:rsp_cache module:null_blk tool:dmsetup
MODEL=/src/build/tests/cache/model
BLOCKS=150			# of a cache of 640K
COUNT=2003			# reads of a trace
policies="lru s3fifo tinylfu scan"
traces="zipf09 zipf11 scan shift"
plan 22
modprobe rsp_cache
pins_up
defer pins_down
run "a device" dev_up null 8
traced() {
	local t
	for t in $traces; do
		$MODEL gen "$t" $COUNT 23 >"$T/$t" && [ "$(wc -l <"$T/$t")" = $COUNT ] || return
	done
}
run "traces" traced

# plays POLICY TRACE: its hits are the model's
plays() {
	local want hits rc=0
	want=$($MODEL run "$1" $BLOCKS <"$T/$2")
	cache_up 640K && $MODEL play "$D" <"$T/$2" || return
	hits=$(figure hits)
	is "$hits" "$want" && is "$(figure misses)" $((COUNT - want)) && is "$(figure refused)" 0 || rc=1
	is "$(figure blocks)" $BLOCKS || rc=1
	cache_down
	return $rc
}
with() {
	load "cache_$1" && plays "$1" "$2" && $POL show | grep " cache_$1 active .* clamps=0 "
	local rc=$?
	unload "cache_$1"
	return $rc
}
for t in $traces; do
	for p in $policies; do
		run "cache_$p, $t: $($MODEL run "$p" $BLOCKS <"$T/$t") hits of $COUNT" with "$p" "$t"
	done
done
run "builtin is LRU" plays lru zipf09
noop() {
	load noop_cache && plays lru shift
	local rc=$?
	unload noop_cache
	return $rc
}
run "and so is noop_cache" noop
# a comparison that cannot fail proves nothing
differ() {
	local p all
	all=$(for p in $policies; do $MODEL run "$p" $BLOCKS <"$T/scan"; done | sort -u | wc -l)
	is "$all" 4
}
run "the models differ from each other" differ
swapped() {
	load cache_s3fifo && cache_up 640K && $MODEL play "$D" <"$T/zipf09" && load cache_tinylfu &&
		$MODEL play "$D" <"$T/zipf11" && at_least hits 2000 && unload cache_tinylfu && unload cache_s3fifo &&
		$MODEL play "$D" <"$T/shift" && is "$(figure blocks)" $BLOCKS && ! $POL show | grep -v ' clamps=0 '
}
run "a policy takes over what another one left" swapped
finish
